//! Patterns over tenant ids: `*` for any text, `?` for one character. Knows nothing of paths or classes.

use std::fmt;

use wildmatch::WildMatch;

/// A pattern that a whole text must match; upper and lower case differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl From<&str> for Glob {
    fn from(pattern: &str) -> Self {
        Self::new(pattern)
    }
}

impl Glob {
    /// Takes any text as a pattern: there is no invalid one.
    #[must_use]
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Whether a text is a pattern, and not a name.
    #[must_use]
    pub fn is_pattern(text: &str) -> bool {
        text.contains(['*', '?'])
    }

    /// Whether the whole `text` matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        WildMatch::new(&self.0).matches(text)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn star_takes_any_text_and_question_mark_one_character() {
        for (pattern, text, expected) in [
            ("demo-*", "demo-1", true),
            ("demo-*", "demo-", true),
            ("demo-*", "my-demo-1", false),
            ("*a*b", "xaxbxab", true),
            ("*a*b", "xaxbxac", false),
            ("t?", "t1", true),
            ("t?", "t", false),
            ("", "", true),
            ("*", "", true),
            ("é?", "éà", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern} on {text}");
        }
    }
}
