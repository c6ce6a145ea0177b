//! The files that one command line names: none may stand for two things.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::args::VerifyArgs;
use crate::config::Config;
use crate::inventory::TenantsFrom;

/// Why the files can't be as they are named; exit code 2.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OutputPathsError {
    /// Two things would be written into one file.
    #[error("{0} and {1} name the same file, {2}: one would overwrite the other")]
    Twice(String, String, String),
    /// What is read would be written over.
    #[error("{output} and {input} name the same file, {path}: what is read would be overwritten. Name another file")]
    Input {
        /// The option that writes.
        output: String,
        /// What reads.
        input: &'static str,
        /// The file.
        path: String,
    },
    /// A report would excuse itself the next time.
    #[error(
        "--baseline and {0} name the same file, {1}: what fails now would be no failure the next time. Write the report \
         into another file, and move it there when it may be the baseline"
    )]
    OwnBaseline(String, String),
    /// A stream that is no file.
    #[error("--record needs a file name, such as evidence.gz; `-` is not supported")]
    NoFile,
}

/// Makes sure that the files of `verify` differ.
///
/// # Errors
/// [`OutputPathsError`] for the first that does not.
pub fn check(args: &VerifyArgs, config: &Config) -> Result<(), OutputPathsError> {
    if args.record.as_deref() == Some(Path::new("-")) {
        return Err(OutputPathsError::NoFile);
    }
    let outputs = args
        .output
        .iter()
        .filter_map(|output| Some(("--output", output.file.as_ref()?)));
    let record = args.record.as_ref().map(|path| ("--record", path));
    let inputs = inputs(args, config);
    let mut seen = Vec::<(&str, PathBuf)>::new();
    let baseline = args.baseline.as_deref().map(same);
    for (option, path) in outputs.chain(record) {
        let (place, shown) = (same(path), path.display().to_string());
        if baseline.as_ref() == Some(&place) {
            return Err(OutputPathsError::OwnBaseline(option.to_owned(), shown));
        }
        if let Some((input, _)) = inputs.iter().find(|(_, known)| *known == place) {
            return Err(OutputPathsError::Input {
                output: option.to_owned(),
                input,
                path: shown,
            });
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

/// The files that are read, and what reads them.
fn inputs(args: &VerifyArgs, config: &Config) -> Vec<(&'static str, PathBuf)> {
    let tenants = match &args.target.tenants_from {
        Some(TenantsFrom::File(path)) => Some(path),
        _ => None,
    };
    let inputs = [
        ("--config", config.path.as_ref()),
        ("--tenants", tenants),
        ("`file` of [tenants]", config.tenants.file.as_ref()),
        ("`ca_file` of [edge]", config.edge.ca_file.as_ref()),
    ];
    let named = inputs.into_iter().filter_map(|(name, path)| Some((name, same(path?))));
    let secrets = config.secret_files().into_iter();
    named
        .chain(secrets.map(|path| ("a secret of the configuration", same(&path))))
        .collect()
}

/// Most links that lead from one to the next: as many as the system follows.
const MOST_LINKS: usize = 40;

/// The path as the system knows it. Of what does not exist yet the folder is known, and a link says where it will be.
fn same(path: &Path) -> PathBuf {
    let mut path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for _ in 0..MOST_LINKS {
        if let Ok(whole) = path.canonicalize() {
            return whole;
        }
        let folder = path.parent().unwrap_or(Path::new("/"));
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let Ok(target) = path.read_link() else {
            return path.file_name().map_or(folder.clone(), |name| folder.join(name));
        };
        path = folder.join(target);
    }
    path
}
