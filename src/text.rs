//! Text for a terminal: clean, wrapped, painted. Knows nothing of reports.

pub(crate) use roundsman_alerts::text::{turns, wrap};

/// How a text is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether there are colours.
    pub colour: bool,
    /// Columns to keep within; `None` never breaks a line, as in a pipe.
    pub width: Option<usize>,
    /// Whether only ASCII can be shown, as on a dumb terminal or where the locale is C.
    pub ascii: bool,
    /// How much is told.
    pub detail: Detail,
    /// Whether lists are told whole, however long they are.
    pub all: bool,
}

impl Style {
    /// Text from elsewhere in characters that can be shown here.
    #[must_use]
    pub(crate) fn shown(self, text: &str) -> String {
        let text = clean(text);
        if self.ascii { ascii(&text) } else { text }
    }

    /// A paragraph behind `first`, within the width.
    #[must_use]
    pub(crate) fn paragraph(self, first: &str, text: &str) -> String {
        wrap(first, &self.shown(text), self.width)
    }

    /// The text in a colour, where there are colours.
    #[must_use]
    pub(crate) fn painted(self, text: &str, colour: Paint) -> String {
        paint(text, colour, self.colour)
    }
}

/// What ASCII has in the place of the characters that are used here; of others a question mark.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '·' | '–' => out.push('-'),
            '…' => out.push_str("..."),
            '→' => out.push_str("->"),
            c if c.is_ascii() => out.push(c),
            _ => out.push('?'),
        }
    }
    out
}

/// How much a text for people tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Nothing but failures.
    Failures,
    /// What is wrong, and how many are well.
    #[default]
    Usual,
    /// Each tenant with each of its checks as well.
    Everything,
}

/// What a text is painted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Bad,
    Doubtful,
    Blind,
    Good,
    Faint,
}

/// Wraps `text` in the colour's codes where `colour` is wanted.
pub(crate) fn paint(text: &str, paint: Paint, colour: bool) -> String {
    let code = match paint {
        Paint::Bad => "1;31",
        Paint::Doubtful => "33",
        Paint::Blind => "36",
        Paint::Good => "32",
        Paint::Faint => "2",
    };
    if colour {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

/// Takes out what would move the cursor or turn the direction of writing, and breaks what a CI server may take for a
/// command wherever it stands in a line (`##[…]`, `##vso[…]`, `##teamcity[…]`): targets decide what stands in evidence.
pub(crate) fn clean(text: &str) -> String {
    let plain = text
        .chars()
        .map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c });
    plain.collect::<String>().replace("##", "# #")
}

/// The first `most` characters of `text`, and a mark where more was there.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// A count with its word: `1 more fact`, `2 more facts`, `2 more fixes`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    let ending = match (count, what.ends_with('x')) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{count} {what}{ending}")
}

/// The text with its first letter as a capital.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortens_by_characters_and_marks_it() {
        assert_eq!(
            (shorten("äöü", 3).as_str(), shorten("äöüß", 3).as_str()),
            ("äöü", "äö…")
        );
    }

    #[test]
    fn a_target_cannot_move_the_cursor() {
        assert_eq!(clean("a\x1b[2Jb\r"), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(clean("a\u{202e}b"), "a\u{fffd}b");
        assert_eq!(clean("x ##[error]y"), "x # #[error]y");
        assert_eq!(
            clean("https://x/##vso[task.setvariable]"),
            "https://x/# #vso[task.setvariable]"
        );
        assert_eq!(clean("####[x"), "# ## #[x");
        assert_eq!(clean("a\u{9b}31mb"), "a\u{fffd}31mb");
    }
}
