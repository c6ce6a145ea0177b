//! The database of a configuration, for the commands that ask what a daemon knows.

use std::path::PathBuf;

use super::args::{ConfigArgs, TargetArgs};
use super::configuration::configuration;
use super::{colour_errors, usage_error};
use crate::config::{Flags, render_plain};
use crate::daemon::store_path;
use crate::exit_code::ExitCode;
use crate::store::Reader;

/// Where the database is.
pub(super) fn path(args: &ConfigArgs) -> Result<PathBuf, String> {
    let target = TargetArgs {
        config: args.config.clone(),
        ..TargetArgs::default()
    };
    let config = configuration(&target, &Flags::default()).map_err(|error| error.render(colour_errors()))?;
    Ok(store_path(&config))
}

/// The database, to read.
pub(super) fn reader(args: &ConfigArgs) -> Result<Reader, String> {
    Reader::open(&path(args)?).map_err(|error| plain(&error))
}

/// An error as a person reads it.
pub(super) fn plain(error: &dyn std::fmt::Display) -> String {
    render_plain(&error.to_string(), colour_errors())
}

/// Prints what came of a command, or says why nothing did.
pub(super) fn end(done: Result<String, String>) -> ExitCode {
    match done {
        Ok(text) => super::print(&text, ExitCode::Verified),
        Err(rendered) => usage_error(&rendered),
    }
}

/// A value as a line of JSON.
pub(super) fn json(value: &impl serde::Serialize) -> Result<String, String> {
    let text = serde_json::to_string_pretty(value).map_err(|error| plain(&error))?;
    Ok(text + "\n")
}

/// A moment to the minute, in UTC, as it fits into a table: `12-01 00:43Z`.
pub(super) fn minute(moment: jiff::Timestamp) -> String {
    moment.strftime("%m-%d %H:%MZ").to_string()
}

/// A moment to the second, as machines write it.
pub(super) fn second(moment: jiff::Timestamp) -> String {
    jiff::Timestamp::from_second(moment.as_second())
        .unwrap_or(moment)
        .to_string()
}
