//! Names and other plain texts: apps, files, patterns, causes, checks, times of the clock.

use std::path::PathBuf;

use roundsman_checks::diagnosis::Cause;
use roundsman_checks::finding::{Check, UnknownCheck};
use serde_json::json;

use super::general::text;
use super::value::{ValueForm, quoted};
use crate::config::glob::Glob;
use crate::config::nearest::nearest;
use crate::config::reader;
use crate::schedule::CronExpression;

/// Any text.
pub(crate) fn any() -> ValueForm<String> {
    text(read_any).shown()
}

/// Any text; the empty one is none.
pub(crate) fn any_or_none() -> ValueForm<Option<String>> {
    any()
        .map(|name| Some(name).filter(|name| !name.is_empty()))
        .written(|name| Some(quoted(name.as_deref().unwrap_or_default())))
}

/// A text that is not blank.
pub(crate) fn filled() -> ValueForm<String> {
    text(read_filled)
        .schema(json!({ "type": "string", "pattern": "\\S" }))
        .shown()
}

/// A path to a file; a relative one starts at the folder of the configuration.
pub(crate) fn file() -> ValueForm<PathBuf> {
    ValueForm::relative(
        |value, directory| reader::parsed(read_filled)(value).map(|path| directory.join(path)),
        json!({ "type": "string", "pattern": "\\S" }),
    )
}

/// A pattern over ids: `*` stands for any text, `?` for one character.
pub(crate) fn glob() -> ValueForm<Glob> {
    filled().map(Glob::new)
}

/// The start of app names.
pub(crate) fn app_prefix() -> ValueForm<String> {
    text(read_app_prefix)
        .schema(json!({ "type": "string", "pattern": "^[a-z0-9-]*$" }))
        .shown()
}

/// The name of a check.
pub(crate) fn check() -> ValueForm<Check> {
    let names = super::general::words_of(&Check::ALL);
    text(|name: &str| name.parse::<Check>().map_err(|error: UnknownCheck| error)).schema(names)
}

/// Five fields as crontab(5) has them, or six with seconds.
pub(crate) fn cron() -> ValueForm<String> {
    text(read_cron).schema(json!({ "type": "string", "pattern": "^\\s*(\\S+\\s+){4,5}\\S+\\s*$" }))
}

/// An IANA time zone.
pub(crate) fn timezone() -> ValueForm<String> {
    text(read_timezone)
}

fn read_any(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

pub(super) fn read_filled(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("must not be empty".into())
    } else {
        Ok(text.to_owned())
    }
}

fn read_app_prefix(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("an app's name has a-z, 0-9 and `-`".into())
    }
}

/// The name of a cause.
pub(crate) fn read_cause(text: &str) -> Result<Cause, String> {
    text.parse().map_err(|_| {
        if text == "resolver-differs" {
            return "this is a note at `vantage`, which fails and warns nobody: it has no severity".into();
        }
        let names = Cause::ALL.iter().map(|cause| cause.as_str());
        match nearest(text, names, 1).first() {
            Some(meant) => format!("no cause has this name; did you mean `{meant}`?"),
            None => "expected the name of a cause, such as `site-slow`".into(),
        }
    })
}

fn read_cron(text: &str) -> Result<String, String> {
    let read = text.parse::<CronExpression>();
    read.map(|cron| cron.to_string()).map_err(|error| error.to_string())
}

fn read_timezone(text: &str) -> Result<String, String> {
    // Without a database (a bare container) nothing can be said, and a right name must not be refused.
    if jiff::tz::db().is_definitively_empty() || jiff::tz::TimeZone::get(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err("expected a time zone such as \"Europe/London\" or \"UTC\"".into())
}
