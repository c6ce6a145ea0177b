//! Which known word a misspelled one was meant to be. Knows words, not what they name.

/// Up to `limit` candidates that `word` was probably meant to be, the nearest first.
///
/// One edit in three characters is allowed: more and the guess would mislead.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>, limit: usize) -> Vec<&'a str> {
    let tolerance = (word.chars().count() / 3).max(1);
    let folded = word.to_lowercase();
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .map(|candidate| (distance(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= tolerance)
        .collect();
    near.sort_unstable();
    near.truncate(limit);
    near.into_iter().map(|(_, candidate)| candidate).collect()
}

fn distance(a: &str, b: &str) -> usize {
    // `-` and `_` are the commonest mix-up in configuration keys, so they count as the same character.
    strsim::osa_distance(&a.replace('-', "_"), &b.replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_was_meant_and_does_not_guess_wildly() {
        assert_eq!(nearest("adresses", ["app", "addresses", "port"], 1), ["addresses"]);
        assert_eq!(nearest("warn-below", ["warn_below"], 1), ["warn_below"]);
        assert_eq!(nearest("acme", ["acne", "acmee", "other"], 3), ["acmee", "acne"]);
        assert!(nearest("colour", ["app", "port"], 3).is_empty());
    }
}
