//! The files that one command line names: none may stand for two things.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::args::VerifyArgs;

/// Why the files can't be as they are named; exit code 2.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OutputPathsError {
    /// Two things would be written into one file.
    #[error("{0} and {1} name the same file, {2}: one would overwrite the other")]
    Twice(String, String, String),
    /// A report would excuse itself the next time.
    #[error(
        "--baseline and {0} name the same file, {1}: what fails now would be no failure the next time. Write the report \
         into another file, and move it there when it may be the baseline"
    )]
    OwnBaseline(String, String),
    /// A stream that is no file.
    #[error("--record writes a file, and `-` is none: name one, such as evidence.gz")]
    NoFile,
}

/// Makes sure that the files of `verify` differ.
///
/// # Errors
/// [`OutputPathsError`] for the first that does not.
pub fn check(args: &VerifyArgs) -> Result<(), OutputPathsError> {
    if args.record.as_deref() == Some(Path::new("-")) {
        return Err(OutputPathsError::NoFile);
    }
    let outputs = args
        .output
        .iter()
        .filter_map(|output| Some(("--output", output.file.as_ref()?)));
    let record = args.record.as_ref().map(|path| ("--record", path));
    let mut seen = Vec::<(&str, PathBuf)>::new();
    let baseline = args.baseline.as_deref().map(same);
    for (option, path) in outputs.chain(record) {
        let (place, shown) = (same(path), path.display().to_string());
        if baseline.as_ref() == Some(&place) {
            return Err(OutputPathsError::OwnBaseline(option.to_owned(), shown));
        }
        // A device may be written to twice.
        if let Some((other, _)) = seen
            .iter()
            .find(|(_, known)| *known == place && !path.starts_with("/dev"))
        {
            return Err(OutputPathsError::Twice((*other).to_owned(), option.to_owned(), shown));
        }
        seen.push((option, place));
    }
    Ok(())
}

/// The path as the system knows it, as far as it exists.
fn same(path: &Path) -> PathBuf {
    let whole = path.canonicalize();
    whole
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}
