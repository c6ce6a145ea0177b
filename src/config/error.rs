//! What is wrong with a configuration, and how it is shown: each mistake with the line it stands in, underlined.

use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::{DecorStyle, Renderer};
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Snippet};
use thiserror::Error;

use super::flags::FlagsError;
use super::source::ReadError;
use crate::text::clean;

/// Why there is no usable configuration. Every variant is the user's to fix and ends the program with exit code 2.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// The file has mistakes, all of them listed.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// File and flags together do not say enough.
    #[error(transparent)]
    Flags(#[from] FlagsError),
}

impl ConfigError {
    /// The error as a person reads it, in one or several paragraphs without a final line break; `colour` for terminals.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        match self {
            Self::Invalid(invalid) => invalid.render(colour),
            Self::Unreadable(_) | Self::Flags(_) => render_plain(&self.to_string(), colour),
        }
    }

    /// The error in one line, without the place.
    #[must_use]
    pub fn brief(&self) -> String {
        match self {
            Self::Invalid(invalid) => invalid.brief(),
            Self::Unreadable(_) | Self::Flags(_) => self.to_string(),
        }
    }
}

/// Shows an error that stands in no file, in the same dress as the others.
#[must_use]
pub fn render_plain(message: &str, colour: bool) -> String {
    let message = shown(message);
    renderer(colour).render(&[Group::with_title(Level::ERROR.primary_title(message.as_str()))])
}

/// Renders a warning that has no place in a file.
#[must_use]
pub fn render_warning(message: &str, colour: bool) -> String {
    let message = shown(message);
    renderer(colour).render(&[Group::with_title(Level::WARNING.primary_title(message.as_str()))])
}

/// Without what would move the cursor or turn the direction of writing; line breaks stay.
fn shown(text: &str) -> String {
    text.split('\n').map(clean).collect::<Vec<_>>().join("\n")
}

/// Most mistakes that are shown: whoever fixes fifty runs it again.
const MOST_MISTAKES: usize = 50;

/// How far, in bytes, what belongs to a mistake may be from it to be shown in one piece with it.
const NEAR: usize = 4096;

/// One mistake in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The offending bytes; `None` where something is missing.
    pub span: Option<Range<usize>>,
    /// What is wrong, in one line.
    pub title: String,
    /// What stands under the offending text: what to write instead.
    pub label: String,
    /// Another place that belongs to it, with what to say about that.
    pub related: Option<(Range<usize>, String)>,
}

/// A file with mistakes. Holds the text with every secret masked.
#[derive(Debug, PartialEq, Eq)]
pub struct Invalid {
    path: String,
    text: String,
    mistakes: Vec<Mistake>,
}

impl std::error::Error for Invalid {}

impl Invalid {
    /// Keeps the mistakes in the order of the file. `text` must not hold secrets.
    pub(crate) fn new(path: &str, text: &str, mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by_key(|mistake| mistake.span.as_ref().map_or(0, |span| span.start));
        // As many bytes as before: spans stay where they are.
        let text = text.chars().map(|c| {
            if matches!(c, '\u{80}'..='\u{9f}') {
                "??".to_owned()
            } else {
                c.to_string()
            }
        });
        for mistake in &mut mistakes {
            mistake.title = clean(&mistake.title);
            mistake.label = clean(&mistake.label);
        }
        Self {
            path: clean(path),
            text: text.collect(),
            mistakes,
        }
    }

    /// All mistakes, in the order of the file.
    #[must_use]
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    /// The first mistake in one line.
    #[must_use]
    pub fn brief(&self) -> String {
        let first = self.mistakes.first();
        first.map_or_else(String::new, |first| match first.label.is_empty() {
            true => first.title.clone(),
            false => format!("{}: {}", first.title, first.label),
        })
    }

    /// The mistakes as a compiler would show them, a blank line between two.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let shown = self.mistakes.iter().take(MOST_MISTAKES);
        let mut shown = shown
            .map(|mistake| self.render_one(mistake, colour))
            .collect::<Vec<_>>();
        if self.mistakes.len() > MOST_MISTAKES {
            let more = self.mistakes.len() - MOST_MISTAKES;
            shown.push(render_plain(
                &format!("and {more} more mistakes in {}", self.path),
                colour,
            ));
        }
        shown.join("\n\n")
    }

    fn render_one(&self, mistake: &Mistake, colour: bool) -> String {
        let group = Group::with_title(Level::ERROR.primary_title(&*mistake.title));
        let group = match &mistake.span {
            Some(span) => group.elements(self.snippets(span, mistake)),
            None => group
                .element(Origin::path(&*self.path))
                .element(Level::HELP.message(&*mistake.label)),
        };
        renderer(colour).render(&[group])
    }

    /// The lines that a mistake is about. Nothing else is handed to the library, which takes its time for every line of what
    /// it gets, for each of the mistakes.
    fn snippets<'a>(&'a self, span: &Range<usize>, mistake: &'a Mistake) -> Vec<Snippet<'a, Annotation<'a>>> {
        let here = (AnnotationKind::Primary, self.one_line(span), mistake.label.as_str());
        let related = mistake.related.as_ref();
        let there = related.map(|(span, label)| (AnnotationKind::Context, self.one_line(span), label.as_str()));
        match there {
            Some(there) if here.1.start.abs_diff(there.1.start) > NEAR => {
                vec![self.snippet([here]), self.snippet([there])]
            }
            Some(there) => vec![self.snippet([here, there])],
            None => vec![self.snippet([here])],
        }
    }

    fn snippet<'a, const N: usize>(
        &'a self,
        places: [(AnnotationKind, Range<usize>, &'a str); N],
    ) -> Snippet<'a, Annotation<'a>> {
        let first = places.iter().map(|(_, span, _)| span.start).min().unwrap_or(0);
        // What is missing behind the last line is shown at its end.
        let first = match self.text.ends_with('\n') && first == self.text.len() {
            true => first - 1,
            false => first,
        };
        let last = places.iter().map(|(_, span, _)| span.end).max().unwrap_or(0);
        let text = self.text.as_bytes();
        let from = text[..first]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let until = text[last..].iter().position(|byte| *byte == b'\n');
        let until = until.map_or(text.len(), |at| last + at + 1);
        let lines = text[..from].iter().filter(|byte| **byte == b'\n').count();
        let snippet = Snippet::source(&self.text[from..until]).line_start(lines + 1);
        snippet
            .path(&*self.path)
            .annotations(places.map(|(kind, span, label)| kind.span(span.start - from..span.end - from).label(label)))
    }

    /// Underlines the first line only: a table of fifty lines says no more than its first one.
    fn one_line(&self, span: &Range<usize>) -> Range<usize> {
        let start = span.start.min(self.text.len());
        let end = span.end.clamp(start, self.text.len());
        let line = self
            .text
            .get(start..end)
            .and_then(|text| text.lines().next())
            .map_or(0, str::len);
        start..start + line
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

fn renderer(colour: bool) -> Renderer {
    // Messages are sentences, not source: they must not be cut at the width of a terminal.
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii).term_width(10_000)
}
