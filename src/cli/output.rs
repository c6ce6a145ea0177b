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

/// Why a report can't be written; exit code 2.
#[derive(Debug, Error)]
#[error("--output: {path}: {source}; name a file in a directory that exists and can be written", path = .path.display())]
pub struct OutputError {
    path: PathBuf,
    source: io::Error,
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
    standard: Vec<Format>,
    /// How much standard output tells people.
    detail: Detail,
}

impl Sinks {
    /// The same, telling people so much on standard output.
    #[must_use]
    pub fn telling(self, detail: Detail) -> Self {
        Self { detail, ..self }
    }

    /// Opens every file, and changes none yet. `format` goes to standard output unless an output asked for it; without
    /// one the form that suits where it runs.
    ///
    /// # Errors
    /// [`OutputError`] for the first file that can't be written.
    pub fn open(format: Option<Format>, outputs: &[Output]) -> Result<Self, OutputError> {
        let mut sinks = Self {
            files: Vec::new(),
            standard: Vec::new(),
            detail: Detail::default(),
        };
        for output in outputs {
            match &output.file {
                None => sinks.standard.push(output.format),
                // What standard output is already, as `/dev/stdout` or the file that it goes to: what stands there stays.
                Some(path) if is_stream(path, Handle::stdout()) => sinks.standard.push(output.format),
                Some(path) => {
                    let appends = is_stream(path, Handle::stderr());
                    let mut open = OpenOptions::new();
                    match appends {
                        true => open.append(true),
                        false => open.create(true).write(true).truncate(false),
                    };
                    let file = open.open(path);
                    let file = file.map_err(|source| OutputError {
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
        if sinks.standard.is_empty() {
            sinks.standard.push(format.unwrap_or_else(github::default_format));
        }
        Ok(sinks)
    }

    /// Writes the report everywhere.
    ///
    /// # Errors
    /// [`OutputError`] for the first file that could not be written; standard output has it by then.
    pub fn write(self, report: &Report<'_>) -> Result<(), OutputError> {
        let files = self.files.iter().map(|sink| &sink.format);
        let on_github = self
            .standard
            .iter()
            .chain(files)
            .any(|format| *format == Format::Github);
        for format in self.standard {
            let style = Style {
                detail: self.detail,
                ..style()
            };
            let written = super::write_out(|out| render(report, format, style, out));
            written.map_err(|source| OutputError {
                path: PathBuf::from("standard output"),
                source,
            })?;
        }
        if on_github {
            github::append_summary(report);
        }
        for Sink {
            format,
            path,
            file,
            appends,
        } in self.files
        {
            let write = |out: &mut dyn Write| render(report, format, Style::default(), out);
            let written = match appends {
                true => appended(file, write),
                false => replace(&path, file, write),
            };
            written.map_err(|source| OutputError { path, source })?;
        }
        Ok(())
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
        Format::Github => report::github(report, &github::token()?),
        Format::Markdown => report::markdown(report, report::COMMENT_LIMIT),
    };
    out.write_all(text.as_bytes())
}

/// Colours and the terminal's width on a terminal; neither in a pipe.
pub(super) fn style() -> Style {
    let out = console::Term::stdout();
    if !io::stdout().is_terminal() {
        return Style::default();
    }
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var("TERM").is_ok_and(|term| term == "dumb");
    let (_, columns) = out.size();
    Style {
        colour: !plain,
        width: Some(usize::from(columns).clamp(40, 100)),
        detail: Detail::default(),
    }
}
