//! Text from elsewhere as people may safely be shown it: one line, without what moves a cursor or turns the direction of
//! writing.

/// Most characters of one line that a message carries.
pub(crate) const LINE: usize = 300;

/// Where the page is that says of every cause what it means, what proves it and what to do, from the project's own folder.
const CAUSES: &str = "docs/causes.md";

/// Where a cause is documented: at the project's address, where the package names one, else as a path within the project.
#[must_use]
pub fn docs(cause: &str) -> String {
    docs_at(option_env!("CARGO_PKG_REPOSITORY").unwrap_or_default(), cause)
}

fn docs_at(repository: &str, cause: &str) -> String {
    match repository.trim_end_matches('/') {
        "" => format!("{CAUSES}#{cause}"),
        repository => format!("{repository}/blob/HEAD/{CAUSES}#{cause}"),
    }
}

/// The text as one line of plain characters: control codes and marks of direction are replaced by U+FFFD.
#[must_use]
pub fn harmless(text: &str) -> String {
    let plain = text.chars().map(|c| match c {
        '\n' | '\t' => ' ',
        c if c.is_control() || turns(c) => '\u{fffd}',
        c => c,
    });
    plain.collect()
}

/// Marks and overrides of bidirectional text (Unicode Standard Annex 9, section 2), and the invisible ones beside them.
#[must_use]
pub fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// A harmless line of at most so many characters, with a mark where more was there.
#[must_use]
pub(crate) fn line(text: &str, most: usize) -> String {
    let text = harmless(text);
    match text.char_indices().nth(most) {
        None => text,
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Breaks `text` between words so that no line with its indent is longer than `width`; a single word may be. The first
/// line begins with `first`, the others with as many spaces.
#[must_use]
pub fn wrap(first: &str, text: &str, width: Option<usize>) -> String {
    let indent = first.chars().count();
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { continue };
        let longer = indent + line.chars().count() + 1 + word.chars().count();
        if line.is_empty() {
            line.push_str(word);
        } else if width.is_some_and(|width| longer > width) {
            lines.push(word.to_owned());
        } else {
            line.push(' ');
            line.push_str(word);
        }
    }
    format!("{first}{}", lines.join(&format!("\n{}", " ".repeat(indent))))
}

/// Whether a name needs no quotes in any shell, and means nothing to one.
pub(crate) fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= 128 && !name.starts_with('-') && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_or_turns_and_nothing_is_endless() {
        assert_eq!(
            harmless("a\u{1b}[2J\u{202e}b\r\nc\u{9b}"),
            "a\u{fffd}[2J\u{fffd}b\u{fffd} c\u{fffd}"
        );
        assert_eq!(line("abcdef", 4), "abc…");
        assert_eq!(line("abcd", 4), "abcd");
    }

    #[test]
    fn breaks_between_words_and_keeps_the_indent() {
        assert_eq!(
            wrap(" fix ", "delete the record", Some(16)),
            " fix delete the\n     record"
        );
        assert_eq!(wrap(" fix ", "delete the record", None), " fix delete the record");
    }

    #[test]
    fn a_plain_name_is_one_that_a_shell_takes_as_it_is() {
        for name in ["a", "acme-1.x_y"] {
            assert!(is_plain(name));
        }
        for name in ["", "-x", "a b", "a;b", "$(x)", "a*", "ä"] {
            assert!(!is_plain(name), "{name}");
        }
    }

    #[test]
    fn a_link_begins_with_the_projects_address_where_it_has_one() {
        assert_eq!(docs_at("", "site-slow"), "docs/causes.md#site-slow");
        let there = "https://git.example/a/b/blob/HEAD/docs/causes.md#site-slow";
        assert_eq!(docs_at("https://git.example/a/b/", "site-slow"), there);
    }
}
