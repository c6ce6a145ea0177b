//! Reads texts from disk and standard input, with a limit and with errors that say what to do. Knows no format.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Why a text could not be read. `name` is the path, or `standard input`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// Nothing is there.
    Missing {
        /// What was asked for.
        name: String,
    },
    /// A directory is there.
    Directory {
        /// What was asked for.
        name: String,
    },
    /// The system refuses.
    Forbidden {
        /// What was asked for.
        name: String,
    },
    /// It holds bytes that are no UTF-8 text.
    NotText {
        /// What was asked for.
        name: String,
        /// Offset of the first wrong byte.
        offset: usize,
    },
    /// It is longer than anything sensible.
    TooLarge {
        /// What was asked for.
        name: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// Reading broke.
    Broken {
        /// What was asked for.
        name: String,
        /// What the system said.
        why: String,
    },
}

impl ReadError {
    /// What is wrong.
    #[must_use]
    pub fn what(&self) -> String {
        match self {
            Self::Missing { name } => format!("{name} does not exist"),
            Self::Directory { name } => format!("{name} is a directory"),
            Self::Forbidden { name } => format!("{name} may not be read by this user"),
            Self::NotText { name, offset } => {
                format!("{name} is not UTF-8 text (byte {offset} is the first that does not fit)")
            }
            Self::TooLarge { name, limit } => format!("{name} is larger than {limit} bytes"),
            Self::Broken { name, .. } => format!("{name} cannot be read"),
        }
    }

    /// What to do about it; of what broke, what the system said.
    #[must_use]
    pub fn fix(&self) -> &str {
        match self {
            Self::Missing { .. } => "check the path",
            Self::Directory { .. } => "name the file in it",
            Self::Forbidden { .. } => "change its permissions or its owner",
            Self::NotText { .. } => "save it as UTF-8",
            Self::TooLarge { .. } => "it is probably the wrong file",
            Self::Broken { why, .. } => why,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what(), self.fix())
    }
}

impl std::error::Error for ReadError {}

/// Reads a UTF-8 file of at most `limit` bytes; a byte order mark is dropped.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String, ReadError> {
    let name = path.display().to_string();
    if path.is_dir() {
        return Err(ReadError::Directory { name });
    }
    let file = File::open(path).map_err(|error| from_io(&name, &error))?;
    read_bounded(file, &name, limit)
}

/// Reads UTF-8 text of at most `limit` bytes from anything; a byte order mark is dropped.
pub(crate) fn read_bounded(from: impl Read, name: &str, limit: u64) -> Result<String, ReadError> {
    let mut bytes = Vec::new();
    from.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| from_io(name, &error))?;
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLarge {
            name: name.to_owned(),
            limit,
        });
    }
    let mut text = String::from_utf8(bytes).map_err(|error| ReadError::NotText {
        name: name.to_owned(),
        offset: error.utf8_error().valid_up_to(),
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

fn from_io(name: &str, error: &io::Error) -> ReadError {
    let name = name.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound => ReadError::Missing { name },
        io::ErrorKind::IsADirectory => ReadError::Directory { name },
        io::ErrorKind::PermissionDenied => ReadError::Forbidden { name },
        _ => ReadError::Broken {
            name,
            why: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unreadable_text_says_why() {
        assert!(matches!(
            read_text(Path::new("/no/such"), 9),
            Err(ReadError::Missing { .. })
        ));
        assert!(matches!(read_text(Path::new("/"), 9), Err(ReadError::Directory { .. })));
        assert!(matches!(
            read_bounded(&b"ab\xff"[..], "x", 9),
            Err(ReadError::NotText { offset: 2, .. })
        ));
        assert!(matches!(
            read_bounded(&b"0123456789"[..], "x", 9),
            Err(ReadError::TooLarge { limit: 9, .. })
        ));
        assert_eq!(read_bounded(&b"\xef\xbb\xbfa"[..], "x", 9), Ok("a".into()));
    }
}
