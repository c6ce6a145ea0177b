//! Secrets: where one is kept, and its value once read. Knows no service that wants one.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use super::source::{ReadError, read_text};

/// The largest secret file, in bytes: tokens and keys are far smaller, anything larger is the wrong file.
const MAX_SECRET: u64 = 64 * 1024;

/// Where a secret is kept. The value is read when it is needed, never when the file is. Line breaks at its end, which
/// files have and variables filled from files, are not part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// An environment variable of this name.
    Env(String),
    /// A file.
    File(PathBuf),
}

/// Why a secret could not be had. Says where it should be and never what was found there.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum SecretError {
    /// The variable does not exist.
    #[error("the environment variable {0} is not set: set it to the secret, or remove the key that names it")]
    Unset(String),
    /// The variable exists and is empty, as a missing secret in a pipeline is.
    #[error("the environment variable {0} is empty: set it to the secret, or remove the key that names it")]
    Empty(String),
    /// The variable holds no text.
    #[error("the environment variable {0} is not valid UTF-8: set it to the secret as text")]
    NotText(String),
    /// The file cannot be read.
    #[error("the secret cannot be read: {0}")]
    File(#[from] ReadError),
    /// The file is empty.
    #[error("{} is empty: write the secret into it", .0.display())]
    EmptyFile(PathBuf),
}

impl Secret {
    /// Reads the secret now.
    ///
    /// # Errors
    /// [`SecretError`] where it is unset, empty or unreadable.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        self.read_from(|name| std::env::var_os(name))
    }

    fn read_from(&self, variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Result<SecretString, SecretError> {
        match self {
            Self::Env(name) => match variable(name).map(std::ffi::OsString::into_string) {
                None => Err(SecretError::Unset(name.clone())),
                Some(Err(_)) => Err(SecretError::NotText(name.clone())),
                Some(Ok(value)) if value.trim().is_empty() => Err(SecretError::Empty(name.clone())),
                Some(Ok(value)) => Ok(SecretString(without_line_ends(&value).to_owned())),
            },
            Self::File(path) => {
                let text = read_text(path, MAX_SECRET)?;
                let value = without_line_ends(&text);
                if value.trim().is_empty() {
                    return Err(SecretError::EmptyFile(path.clone()));
                }
                Ok(SecretString(value.to_owned()))
            }
        }
    }
}

fn without_line_ends(text: &str) -> &str {
    text.trim_end_matches(['\n', '\r'])
}

/// The value of a secret. It has no `Display` and no `Serialize`, and its `Debug` says `[secret]`: it leaves the
/// program only where [`SecretString::expose`] is called.
#[derive(Clone)]
pub struct SecretString(String);

impl SecretString {
    /// The value, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// The value of a request header: written in the file, or a secret. Neither is ever printed, since people write
/// bypass keys in both forms.
#[derive(Clone)]
pub enum HeaderText {
    /// Written in the file.
    Plain(SecretString),
    /// Kept elsewhere.
    Secret(Secret),
}

impl HeaderText {
    /// A value as written.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self::Plain(SecretString(text.into()))
    }

    /// Where it is kept, where it is a secret.
    #[must_use]
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Plain(_) => None,
            Self::Secret(secret) => Some(secret),
        }
    }

    /// Reads the value now.
    ///
    /// # Errors
    /// [`SecretError`] where it is a secret that is unset, empty or unreadable.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        match self {
            Self::Plain(text) => Ok(text.clone()),
            Self::Secret(secret) => secret.read(),
        }
    }
}

impl fmt::Debug for HeaderText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => text.fmt(f),
            Self::Secret(secret) => secret.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn an_unset_or_empty_variable_is_an_error_that_names_it() {
        let secret = Secret::Env("FLY_API_TOKEN".into());
        assert_eq!(
            secret.read_from(|_| None).unwrap_err(),
            SecretError::Unset("FLY_API_TOKEN".into())
        );
        assert_eq!(
            secret.read_from(|_| Some(" ".into())).unwrap_err(),
            SecretError::Empty("FLY_API_TOKEN".into())
        );
        assert_eq!(secret.read_from(|_| Some("t".into())).unwrap().expose(), "t");
    }

    #[test]
    fn line_breaks_at_the_end_are_not_part_of_a_secret() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let secret = Secret::File(file.path().to_owned());
        assert!(matches!(secret.read(), Err(SecretError::EmptyFile(_))));
        std::fs::write(file.path(), "key\r\n").unwrap();
        assert_eq!(secret.read().unwrap().expose(), "key");
        std::fs::write(file.path(), " k y \n\n").unwrap();
        assert_eq!(secret.read().unwrap().expose(), " k y ");
        // A variable that was filled from a file.
        let variable = Secret::Env("TOKEN".into());
        assert_eq!(variable.read_from(|_| Some("key\n".into())).unwrap().expose(), "key");
    }

    #[test]
    fn debug_never_shows_a_value() {
        assert_eq!(
            format!("{:?} {:?}", SecretString("x".into()), HeaderText::plain("x")),
            "[secret] [secret]"
        );
    }
}
