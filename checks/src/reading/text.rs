//! How values stand in sentences.

use std::fmt::Display;

use jiff::Timestamp;

/// A moment to the second, in UTC.
pub(crate) fn second(moment: Timestamp) -> impl Display {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ")
}

/// Things separated by commas.
pub(crate) fn joined<T: Display>(things: &[T]) -> String {
    things.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The first 60 characters, and a mark where more was there.
pub(crate) fn clip(data: &str) -> String {
    if data.chars().count() > 60 {
        format!("{}…", data.chars().take(60).collect::<String>())
    } else {
        data.to_owned()
    }
}
