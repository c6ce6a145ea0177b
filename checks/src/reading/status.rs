//! The status of an answer, and how its page begins.

use std::fmt;

use crate::evidence::Answer;

/// Characters of a body that stand behind its status.
const MOST_OF_A_BODY: usize = 80;

/// The beginning of a text in one line, without control codes, and a mark where more was there.
pub(crate) fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain = line.chars().filter(|c| !c.is_control());
    let mut excerpt = plain.take(MOST_OF_A_BODY).collect::<String>();
    if excerpt.len() < line.len() {
        excerpt.push('…');
    }
    excerpt
}

/// The status of an answer and the beginning of what it says.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusLine {
    /// The status.
    pub status: u16,
    /// The beginning of the body in one line, without control codes; empty where there is none.
    pub excerpt: String,
}

impl StatusLine {
    /// Of an answer.
    #[must_use]
    pub fn of(answer: &Answer) -> Self {
        Self {
            status: answer.status,
            excerpt: excerpt(&answer.body.prefix),
        }
    }

    /// The status alone: what a page says behind it differs from look to look.
    #[must_use]
    pub fn without_excerpt(&self) -> Self {
        Self {
            status: self.status,
            excerpt: String::new(),
        }
    }
}

impl fmt::Display for StatusLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.excerpt.is_empty() {
            self.status.fmt(f)
        } else {
            write!(f, "{} {}", self.status, self.excerpt)
        }
    }
}
