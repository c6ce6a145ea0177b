//! Where reports go: standard output and files. Files are opened before a round begins, so that a report is not lost
//! after it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use same_file::Handle;
use thiserror::Error;

use super::args::{Format, Output};
use super::github;
use crate::json;
use crate::replace::replace;
use crate::report::{self, Report, human};
use crate::text::{Detail, Style};

/// Columns that a text for people keeps within, whatever the terminal has.
const NARROWEST: usize = 40;
const WIDEST: usize = 120;

/// Why a report can't be written; exit code 2.
#[derive(Debug, Error)]
pub enum OutputError {
    /// A file can't be written.
    #[error("--output: {path}: {source}; name a file in a directory that exists and can be written", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Standard output did not take all of it.
    #[error("standard output did not take the whole report: {0}")]
    Standard(io::Error),
    /// Two forms for one stream.
    #[error(
        "--output: the forms {0} and {1} both go to standard output, where no reader can tell them apart: name a file for \
         one of them, as in --output {1}=FILE"
    )]
    Twice(&'static str, &'static str),
}

/// A file that wants a report.
struct Sink {
    format: Format,
    path: PathBuf,
    file: File,
    /// Whether what stands there already stays.
    appends: bool,
}

/// The places that want a report.
pub struct Sinks {
    files: Vec<Sink>,
    standard: Format,
    /// How much people are told.
    telling: Style,
}

impl Sinks {
    /// The same, telling people so much; `all`: lists whole.
    #[must_use]
    pub fn telling(self, detail: Detail, all: bool) -> Self {
        let telling = Style {
            detail,
            all,
            ..Style::default()
        };
        Self { telling, ..self }
    }

    /// Opens every file, and changes none yet. `format` goes to standard output unless an output asked for it; without
    /// one the form that suits where it runs.
    ///
    /// # Errors
    /// [`OutputError`] for the first file that can't be written.
    pub fn open(format: Option<Format>, outputs: &[Output]) -> Result<Self, OutputError> {
        let mut sinks = Self {
            files: Vec::new(),
            standard: format.unwrap_or_else(github::default_format),
            telling: Style::default(),
        };
        let mut asked = None;
        for output in outputs {
            match &output.file {
                None => sinks.standard = only_one(&mut asked, output.format)?,
                // What standard output is already, as `/dev/stdout` or the file that it goes to: what stands there stays.
                Some(path) if is_stream(path, Handle::stdout()) => {
                    sinks.standard = only_one(&mut asked, output.format)?;
                }
                Some(path) => {
                    let appends = is_stream(path, Handle::stderr());
                    let mut open = OpenOptions::new();
                    match appends {
                        true => open.append(true),
                        false => open.create(true).write(true).truncate(false),
                    };
                    let file = open.open(path);
                    let file = file.map_err(|source| OutputError::File {
                        path: path.clone(),
                        source,
                    })?;
                    sinks.files.push(Sink {
                        format: output.format,
                        path: path.clone(),
                        file,
                        appends,
                    });
                }
            }
        }
        Ok(sinks)
    }

    /// Writes the report everywhere.
    ///
    /// # Errors
    /// [`OutputError`] for the first file that could not be written; standard output has it by then.
    pub fn write(self, report: &Report<'_>) -> Result<(), OutputError> {
        let mut files = self.files.iter().map(|sink| sink.format);
        let on_github = self.standard == Format::Github || files.any(|format| format == Format::Github);
        let style = Style {
            detail: self.telling.detail,
            all: self.telling.all,
            ..style()
        };
        super::write_out(|out| render(report, self.standard, style, out)).map_err(OutputError::Standard)?;
        if on_github {
            github::append_summary(report);
        }
        // Whoever wants little on the screen wants the file whole.
        let in_file = Style {
            detail: Detail::default(),
            ..self.telling
        };
        for Sink {
            format,
            path,
            file,
            appends,
        } in self.files
        {
            let write = |out: &mut dyn Write| render(report, format, in_file, out);
            let written = match appends {
                true => appended(file, write),
                false => replace(&path, file, write),
            };
            written.map_err(|source| OutputError::File { path, source })?;
        }
        Ok(())
    }
}

/// The form of standard output, where none was asked for before.
fn only_one(asked: &mut Option<Format>, format: Format) -> Result<Format, OutputError> {
    match asked.replace(format) {
        None => Ok(format),
        Some(first) => Err(OutputError::Twice(first.as_str(), format.as_str())),
    }
}

/// Whether a path leads to what a stream of this process goes to. A stream that is closed goes nowhere.
fn is_stream(path: &Path, stream: io::Result<Handle>) -> bool {
    let handles = Handle::from_path(path).ok().zip(stream.ok());
    handles.is_some_and(|(path, stream)| path == stream)
}

fn appended(file: File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    out.flush()
}

/// Writes one form. JSON, the largest, is never in memory as a whole.
fn render(report: &Report<'_>, format: Format, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let text = match format {
        Format::Json => {
            json::write(&mut *out, report)?;
            "\n".to_owned()
        }
        Format::Human => human(report, style),
        Format::Junit => report::junit(report).map_err(io::Error::other)?,
        Format::Github => report::github(report, style, &github::token()?),
        Format::Markdown => report::markdown(report, report::COMMENT_LIMIT),
    };
    out.write_all(text.as_bytes())
}

/// Colours and the terminal's width on a terminal, neither in a pipe; in characters that the locale has.
pub(super) fn style() -> Style {
    let terminal = io::stdout().is_terminal();
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let dumb = variable("TERM").is_some_and(|term| term == "dumb");
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
    let (_, columns) = console::Term::stdout().size();
    Style {
        colour: terminal && !dumb && variable("NO_COLOR").is_none(),
        width: terminal.then(|| usize::from(columns).clamp(NARROWEST, WIDEST)),
        ascii: terminal && dumb || !speaks_unicode(locale.as_deref(), terminal),
        ..Style::default()
    }
}

/// Whether standard error, where it is a terminal, shows ASCII alone.
pub(super) fn shows_ascii_alone() -> bool {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let dumb = variable("TERM").is_some_and(|term| term == "dumb");
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
    dumb || !speaks_unicode(locale.as_deref(), true)
}

/// Whether a locale has Unicode. Where none is set a terminal may not show it; a pipe only carries it.
fn speaks_unicode(locale: Option<&str>, terminal: bool) -> bool {
    let Some(locale) = locale else { return !terminal };
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::speaks_unicode;

    #[test]
    fn only_a_unicode_locale_or_a_pipe_without_one_gets_unicode() {
        assert!(speaks_unicode(Some("en_GB.UTF-8"), true) && speaks_unicode(Some("C.utf8"), false));
        assert!(!speaks_unicode(Some("C"), false) && !speaks_unicode(Some("de_DE.ISO-8859-1"), true));
        assert!(speaks_unicode(None, false) && !speaks_unicode(None, true));
    }
}
