//! What may stand in a place of the command line: the shell asks the program itself while somebody types. Everything is told
//! offline, from files of this machine, and within limits: nobody waits at a prompt.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::ValueEnum as _;
use clap::builder::StyledStr;
use clap_complete::engine::{
    ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _,
};
use roundsman_checks::diagnosis::{Cause, Severity};
use roundsman_checks::finding::Check;

use super::args::Format;
use crate::config::{Config, DEFAULT_FILE};
use crate::daemon::store_path;
use crate::inventory::{Answers, TenantsFrom, load};
use crate::store::Reader;

/// The longest file that is read while somebody waits at a prompt, in bytes.
const LONGEST: u64 = 1 << 20;
/// Most candidates for one place: a screen has no room for more.
const MOST: usize = 500;

/// The checks.
pub(super) fn checks() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        Check::ALL
            .iter()
            .map(|check| CompletionCandidate::new(check.as_str()))
            .collect()
    })
}

/// The causes, with their titles.
pub(super) fn causes() -> ArgValueCandidates {
    ArgValueCandidates::new(|| Cause::ALL.iter().map(|cause| of_cause(*cause)).collect())
}

fn of_cause(cause: Cause) -> CompletionCandidate {
    CompletionCandidate::new(cause.as_str()).help(Some(StyledStr::from(cause.row().title)))
}

/// The forms of `--output`, and the file behind one.
pub(super) fn outputs() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let text = current.to_string_lossy();
        match text.split_once('=') {
            Some((form, file)) => {
                let files = files(OsStr::new(file)).into_iter();
                files.map(|file| file.add_prefix(format!("{form}="))).collect()
            }
            None => {
                let forms = Format::value_variants()
                    .iter()
                    .map(|form| format!("{}=", form.as_str()));
                beginning_with(&text, forms)
            }
        }
    })
}

/// The tenants that the configuration's own list and file name, or the file of `--tenants`.
pub(super) fn tenants() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| match before_equals() {
        // What looks like a word of its own to the shell is the file of `--output FORMAT=FILE`.
        Some(_) => files(current),
        None => beginning_with(&current.to_string_lossy(), known_tenants()),
    })
}

fn files(current: &OsStr) -> Vec<CompletionCandidate> {
    PathCompleter::any().complete(current)
}

/// The channels of the configuration.
pub(super) fn channels() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let channels = configuration().map(|config| config.alerts.channels).unwrap_or_default();
        let names = channels.into_iter().map(|channel| channel.name);
        let names = names.filter(|name| is_plain(name)).take(MOST);
        names.map(CompletionCandidate::new).collect()
    })
}

/// The incidents that are open, by the database of `watch`.
pub(super) fn incidents() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let reader = configuration().and_then(|config| Reader::open_unchecked(&store_path(&config)).ok());
        let ids = reader
            .and_then(|reader| reader.open_incidents(MOST).ok())
            .unwrap_or_default();
        ids.into_iter().map(CompletionCandidate::new).collect()
    })
}

/// What a silence matches: its keys, and the values of those that have a closed set.
pub(super) fn matchers() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let text = current.to_string_lossy();
        let keys = ["tenant=", "cause=", "scope=", "severity=", "label:"];
        let (key, prefix) = match (text.split_once('='), before_equals()) {
            (Some((key, _)), _) => (key.to_owned(), format!("{key}=")),
            (None, Some(key)) => (key, String::new()),
            (None, None) => return beginning_with(&text, keys.map(str::to_owned)),
        };
        let values: Vec<String> = match key.as_str() {
            "tenant" => known_tenants(),
            "cause" => Cause::ALL.iter().map(ToString::to_string).collect(),
            "scope" => ["agent", "fleet", "tenant"].map(str::to_owned).into(),
            "severity" => [Severity::Critical, Severity::Warning, Severity::Info]
                .map(|level| level.to_string())
                .into(),
            _ => Vec::new(),
        };
        beginning_with(&text, values.into_iter().map(|value| format!("{prefix}{value}")))
    })
}

fn beginning_with(text: &str, words: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    let fitting = words.into_iter().filter(|word| word.starts_with(text));
    fitting.take(MOST).map(CompletionCandidate::new).collect()
}

/// Who is named in files of this machine; sources behind a network are never asked for this.
fn known_tenants() -> Vec<String> {
    let config = configuration();
    let from = typed("--tenants").map(|path| TenantsFrom::from(path.to_string_lossy().as_ref()));
    let file = match (&from, &config) {
        (Some(TenantsFrom::File(path)), _) => Some(path.as_path()),
        // A stream is read once, and by the command.
        (Some(_), _) => return Vec::new(),
        (None, Some(config)) => config.tenants.file.as_deref(),
        (None, None) => None,
    };
    if file.is_some_and(|file| !is_short(file)) {
        return Vec::new();
    }
    let Some(config) = config.or_else(|| from.as_ref().and_then(|_| for_any_domain())) else {
        return Vec::new();
    };
    let inventory = load(&config, from.as_ref(), &[], Answers::default());
    let tenants = inventory.map(|inventory| inventory.tenants).unwrap_or_default();
    let ids = tenants.iter().map(|tenant| tenant.id.to_string());
    ids.filter(|id| is_plain(id)).collect()
}

/// Whether a word means nothing to a shell: what stands in a file is put into the line as it is.
fn is_plain(word: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !word.is_empty() && !word.starts_with('-') && word.chars().all(plain)
}

/// Names are the same under any domain.
fn for_any_domain() -> Option<Config> {
    crate::config::parse_domain("example.com").ok().map(Config::new)
}

/// The configuration that the command would read, where it can be read quickly.
fn configuration() -> Option<Config> {
    let named = typed("--config").or_else(|| std::env::var_os("ROUNDSMAN_CONFIG").filter(|path| !path.is_empty()));
    let path = named.map_or_else(|| DEFAULT_FILE.into(), PathBuf::from);
    is_short(&path).then(|| Config::load(&path).ok()).flatten()
}

/// Whether a path leads to a file that is read in no time; to open a pipe would wait for who writes into it.
fn is_short(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= LONGEST)
}

/// What stands before the `=` before the place that is asked for: Bash takes both for words of their own.
fn before_equals() -> Option<String> {
    let at = std::env::var("_CLAP_COMPLETE_INDEX").ok()?.parse::<usize>().ok()?;
    let words = std::env::args_os()
        .skip_while(|word| word != "--")
        .skip(1)
        .collect::<Vec<_>>();
    let equals = words.get(at.checked_sub(1)?)?;
    (equals == "=")
        .then(|| words.get(at.checked_sub(2)?)?.to_str().map(str::to_owned))
        .flatten()
}

/// The value of an option in the line that is being typed, which the shell hands over as arguments.
fn typed(option: &str) -> Option<OsString> {
    value_in(std::env::args_os(), option)
}

fn value_in(words: impl Iterator<Item = OsString>, option: &str) -> Option<OsString> {
    let words = words.collect::<Vec<_>>();
    let behind = format!("{option}=");
    let value = words.iter().enumerate().find_map(|(at, word)| {
        if word == option {
            return words.get(at + 1).cloned();
        }
        word.to_str()?.strip_prefix(&behind).map(OsString::from)
    });
    // Bash takes `=` for a word of its own.
    let value = match value {
        Some(value) if value == "=" => words.iter().skip_while(|word| *word != option).nth(2).cloned(),
        other => other,
    };
    value.filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_found_however_it_is_written() {
        let found = |words: &[&str]| value_in(words.iter().map(OsString::from), "--config");
        let file = Some(OsString::from("a.toml"));
        assert_eq!(found(&["roundsman", "verify", "--config", "a.toml", ""]), file);
        assert_eq!(found(&["roundsman", "verify", "--config=a.toml", ""]), file);
        assert_eq!(found(&["roundsman", "verify", "--config", "=", "a.toml", ""]), file);
        assert_eq!(found(&["roundsman", "verify", "--config"]), None);
        assert_eq!(found(&["roundsman", "verify", "--configure", "x"]), None);
    }
}
