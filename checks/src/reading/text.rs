//! How values stand in sentences.

use std::fmt::Display;

use jiff::Timestamp;

/// A moment to the second, in UTC.
pub(crate) fn second(moment: Timestamp) -> impl Display {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ")
}

/// How many things stand in one sentence: nobody reads more, and a peer may name thousands.
const MOST_JOINED: usize = 32;

/// Things separated by commas; of very many the first, and how many more there are.
pub(crate) fn joined<T: Display>(things: impl IntoIterator<Item = T>) -> String {
    let mut things = things.into_iter();
    let first = things.by_ref().take(MOST_JOINED).map(|thing| thing.to_string());
    let first = first.collect::<Vec<_>>().join(", ");
    match things.count() {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// The first 60 characters, and a mark where more was there.
pub(crate) fn clip(data: &str) -> String {
    if data.chars().count() > 60 {
        format!("{}…", data.chars().take(60).collect::<String>())
    } else {
        data.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn very_many_things_are_counted() {
        assert_eq!(joined([1, 2]), "1, 2");
        assert_eq!(joined(0..32).matches(',').count(), 31);
        assert!(joined(0..2_000).ends_with("30, 31 and 1968 more"));
    }
}
