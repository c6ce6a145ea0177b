//! An inventory as plain text: an id a line, `#` begins a comment.

use super::entry::{Entry, Place};

/// Reads the ids. Whether they are any good is checked later, with the place at hand.
pub(super) fn read(text: &str, file: &str) -> Vec<Entry> {
    let ids = text.lines().enumerate().filter_map(|(index, line)| {
        let id = line.split('#').next().unwrap_or_default().trim();
        (!id.is_empty()).then(|| Entry::new(id, Place::Line(file.to_owned(), index + 1)))
    });
    ids.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_blank_lines_and_carriage_returns_are_no_tenants() {
        let entries = read("# all\r\nabc\r\n\r\n  def # the second\n", "t.txt");
        let at = |line| Place::Line("t.txt".into(), line);
        assert_eq!(entries, [Entry::new("abc", at(2)), Entry::new("def", at(4))]);
    }
}
