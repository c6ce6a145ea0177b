//! Whether roundsman has what it needs before it can verify anything: settings, tokens, names, roads, and the machine that it
//! runs on. Looks, and changes nothing; says nothing of tenants.
//!
//! Every wait has a limit: what belongs together is asked side by side, and all of it ends within half a minute, whoever is
//! silent. Files that may hang are read on threads of their own. What was not asked because of something else is said with
//! the reason; where that was our own end, nothing is said to be all right.

mod edge;
mod machine;
mod names;
mod platform;
#[cfg(test)]
mod sample;
mod settings;

#[cfg(test)]
pub(crate) use sample::sample;

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use roundsman_checks::diagnosis::{Action, Form, Instruction, PlatformStep, Step};
use roundsman_checks::evidence::{Cloud, Fault, Reason};
use roundsman_checks::platform::command_line;
use serde::Serialize;

use crate::config::Config;
use crate::exit_code::ExitCode;
use crate::inventory::TenantsFrom;
use crate::text::shorten;

/// How long one question to an API may take, its repetition included.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long the files that one check needs may take.
const FILES: Duration = Duration::from_secs(5);
/// The longest that is said of one check, and of one entry of a list, in characters: what a stranger answers has any length.
const LONGEST: usize = 500;
const LONGEST_ENTRY: usize = 120;
/// Why not everything was looked at, where somebody ended it.
const INTERRUPTED: &str = "interrupted";

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It is as it should be.
    Ok,
    /// Something is lacking that verifying does without, or does worse without.
    Warn,
    /// Verifying does not work so.
    Fail,
    /// It was not asked, or does not apply.
    Skip,
}

/// One check, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkup {
    /// What was looked at.
    pub name: &'static str,
    /// How it is.
    pub status: Status,
    /// What was seen, in a sentence.
    pub seen: String,
    /// What fixes it, a line a step.
    pub fix: Vec<Instruction>,
    /// Whether a setting is wrong, so that every command refuses it.
    #[serde(skip)]
    pub refused: bool,
}

impl Checkup {
    fn new(name: &'static str, status: Status, seen: impl Into<String>) -> Self {
        Self {
            name,
            status,
            seen: shorten(&seen.into(), LONGEST),
            fix: Vec::new(),
            refused: false,
        }
    }

    fn ok(name: &'static str, seen: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, seen)
    }

    fn warn(name: &'static str, seen: impl Into<String>) -> Self {
        Self::new(name, Status::Warn, seen)
    }

    fn fail(name: &'static str, seen: impl Into<String>) -> Self {
        Self::new(name, Status::Fail, seen)
    }

    fn skip(name: &'static str, why: impl Into<String>) -> Self {
        Self::new(name, Status::Skip, why)
    }

    /// A setting with which every command ends with 2; its words say what to write.
    fn refuse(name: &'static str, error: &dyn std::fmt::Display) -> Self {
        Self {
            refused: true,
            ..Self::fail(name, error.to_string())
        }
    }

    /// What a file that does not let itself be read leaves unknown.
    fn late(name: &'static str) -> Self {
        let seen = format!("a file that it needs was not read within {} s", FILES.as_secs());
        Self::fail(name, seen).with_fix([Instruction::look(
            "look whether what the configuration names are regular files, on a disk that answers",
        )])
    }

    fn with_fix(mut self, fix: impl IntoIterator<Item = Instruction>) -> Self {
        self.fix.extend(fix);
        self
    }

    fn act(self, sentence: impl Into<String>) -> Self {
        self.with_fix([Instruction::act(sentence)])
    }

    fn run(self, command: impl Into<String>) -> Self {
        self.with_fix([Instruction::run(command)])
    }
}

/// All checks in their order, which is the same for every run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Examination {
    /// Name and version of this form. Its fields are a contract; more may be added.
    pub schema: &'static str,
    /// How the command ends.
    pub exit: u8,
    /// Why not everything was looked at, where that is no check's doing.
    pub unfinished: Option<String>,
    /// The checks.
    pub checks: Vec<Checkup>,
}

impl Examination {
    fn of(checks: Vec<Checkup>) -> Self {
        Self::ended(checks, None)
    }

    fn ended(checks: Vec<Checkup>, unfinished: Option<&str>) -> Self {
        let mut examination = Self {
            schema: "roundsman.doctor/1",
            exit: 0,
            unfinished: unfinished.map(str::to_owned),
            checks,
        };
        examination.exit = examination.exit_code().code();
        examination
    }

    /// How the command ends.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        let code = exit_code(&self.checks);
        // What was not looked at may be wrong.
        match self.unfinished {
            Some(_) => code.worst(ExitCode::Inconclusive),
            None => code,
        }
    }
}

/// 2 where a setting is wrong, 3 where else something fails: nothing could be verified so. Nothing is said of tenants, so 1
/// does not occur.
fn exit_code(checks: &[Checkup]) -> ExitCode {
    let failing = || checks.iter().filter(|check| check.status == Status::Fail);
    match (failing().any(|check| check.refused), failing().next()) {
        (true, _) => ExitCode::Usage,
        (false, Some(_)) => ExitCode::Inconclusive,
        (false, None) => ExitCode::Verified,
    }
}

/// What can be looked at without a configuration, which can't be had; `file` is the one that was asked for, where one was.
#[must_use]
pub fn without_configuration(why: &str, file: Option<&Path>) -> Examination {
    let file = file.map(|file| file.to_string_lossy().into_owned());
    let named = file.as_deref().and_then(|file| shlex::try_quote(file).ok());
    let check = match named {
        Some(file) => format!("roundsman config check --config {file}"),
        None => "roundsman config check".to_owned(),
    };
    let configuration = Checkup {
        refused: true,
        ..Checkup::fail("configuration", why)
    };
    let mut checks = vec![configuration.run(check)];
    let why = "needs the configuration";
    checks.extend(settings::NAMES.iter().map(|name| Checkup::skip(name, why)));
    checks.extend(unasked(why));
    checks.push(settings::trust_store(None).0);
    checks.extend(machine::limits(None, None));
    checks.extend(machine::WATCH.iter().map(|name| Checkup::skip(name, why)));
    Examination::of(checks)
}

/// What can be looked at without a runtime: no network, and no file has a thread of its own.
#[must_use]
pub fn without_network(config: &Config, from: Option<&TenantsFrom>, why: &str) -> Examination {
    let mut settings = settings::look(config, from);
    settings.unasked(why);
    let watch = machine::watch(config);
    told(config, settings, unasked(why), watch, Some(why))
}

/// Everything that is asked of others, unasked.
fn unasked(why: &str) -> Vec<Checkup> {
    let names = platform::NAMES.iter().chain(names::NAMES).chain(edge::NAMES);
    names.map(|name| Checkup::skip(name, why)).collect()
}

/// What was read on this machine, nobody being asked.
struct Local {
    settings: settings::Settings,
    tenants: settings::Named,
    clients: platform::Asked,
    watch: Vec<Checkup>,
}

impl Local {
    async fn read(config: &Arc<Config>, from: Option<TenantsFrom>) -> Self {
        let (settings, remote, clients, watch) = tokio::join!(
            settings::read(config, from.as_ref()),
            settings::remote(config, from.as_ref()),
            platform::Asked::read(config),
            machine::read(config)
        );
        Self {
            settings,
            tenants: settings::Named { remote, from },
            clients,
            watch,
        }
    }
}

/// Looks at everything until `stop`, with which the rest is left out.
pub async fn examine(config: Arc<Config>, from: Option<TenantsFrom>, stop: impl Future<Output = ()>) -> Examination {
    let mut stop = pin!(stop);
    let reading = async {
        // A stream is read once, and as long as it takes: whoever writes it may be slow.
        let kept = match from.clone() {
            Some(from) => tokio::task::spawn_blocking(|| from.kept())
                .await
                .map(|from| from.map(Some)),
            None => Ok(Ok(None)),
        };
        match kept {
            Ok(Ok(from)) => Ok(Local::read(&config, from).await),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    };
    let mut local = tokio::select! {
        read = reading => match read {
            Ok(local) => local,
            Err(error) => return without_configuration(&error, None),
        },
        () = &mut stop => return unread(&config),
    };
    let asked = tokio::select! {
        asked = ask(&config, &local) => Ok(asked),
        () = stop => Err(INTERRUPTED),
    };
    let (checks, unfinished) = match asked {
        Ok(Said {
            checks,
            listed,
            by_platform,
        }) => {
            local.settings.learn(listed, by_platform);
            (checks, None)
        }
        Err(why) => {
            local.settings.unasked(why);
            (unasked(why), Some(why))
        }
    };
    told(&config, local.settings, checks, local.watch, unfinished)
}

/// What is left where not even the files were read.
fn unread(config: &Config) -> Examination {
    let skip = |names: &[&'static str]| {
        let skipped = names.iter().map(|name| Checkup::skip(name, INTERRUPTED));
        skipped.collect::<Vec<_>>()
    };
    let mut checks = skip(&["configuration", "tenants"]);
    checks.extend(unasked(INTERRUPTED));
    checks.extend(skip(&["trust-store"]));
    checks.extend(machine::limits(Some(config), None));
    checks.extend(skip(machine::WATCH));
    Examination::ended(checks, Some(INTERRUPTED))
}

/// What others said.
struct Said {
    checks: Vec<Checkup>,
    listed: Option<settings::Counted>,
    by_platform: Result<settings::Counted, String>,
}

async fn ask(config: &Arc<Config>, local: &Local) -> Said {
    let clients = &local.clients;
    let roads = async {
        let platform = clients.platform(config).await;
        let edge = edge::look(config, &local.settings, platform.edge.as_deref()).await;
        (platform, edge)
    };
    let (listed, (platform, edge), listing, names) = tokio::join!(
        local.tenants.listed(config),
        roads,
        clients.listing(),
        names::look(config)
    );
    let clock = edge.clock(&clients.clocks());
    let mut checks = platform.checks;
    checks.push(listing);
    checks.extend(names);
    checks.extend([edge.routes, edge.edge, clock]);
    Said {
        checks,
        listed,
        by_platform: platform.tenants,
    }
}

/// All of it in its order.
fn told(
    config: &Config,
    settings: settings::Settings,
    asked: Vec<Checkup>,
    watch: Vec<Checkup>,
    unfinished: Option<&str>,
) -> Examination {
    let mut checks = vec![settings.configuration, settings.tenants];
    checks.extend(asked);
    checks.push(settings.trust_store);
    // Where nobody is named in a file, somebody will be on the command line.
    let tenants = settings.number.filter(|tenants| *tenants > 0);
    checks.extend(machine::limits(Some(config), tenants));
    checks.extend(watch);
    Examination::ended(checks, unfinished)
}

/// What reads files, on a thread of its own; `None` where that takes too long.
async fn aside<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let reading = tokio::task::spawn_blocking(read);
    tokio::time::timeout(FILES, reading).await.ok()?.ok()
}

/// An answer of an API within the patience that there is.
async fn within<T>(api: &str, asking: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let late = |_| {
        let detail = format!("{api}: no answer within {} s", PATIENCE.as_secs());
        Err(Fault::new(Reason::PlatformTimeout, detail))
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(late)
}

/// What fixes what an API refuses.
fn api_fix(fault: &Fault) -> Vec<Instruction> {
    match fault.reason {
        Reason::PlatformUnauthorized | Reason::PlatformForbidden => new_token(),
        Reason::PlatformNotFound => by_platform(PlatformStep::NameOrganization),
        Reason::PlatformRateLimited => vec![Instruction::wait("wait until the limit is over, then run it again")],
        Reason::PlatformMalformed => vec![Instruction::act(
            "set `api_url` and `machines_url` of [fly] to the platform's own, or leave them out",
        )],
        _ => vec![Instruction::look(
            "look at the API's status page, and whether this machine may reach it (`HTTPS_PROXY`, `NO_PROXY`)",
        )],
    }
}

/// A new token of the platform, and no other's.
fn new_token() -> Vec<Instruction> {
    let set = Instruction::act("make a new token, and set the variable or file that `token` of [fly] names");
    let commands = by_platform(PlatformStep::NewToken).into_iter();
    [set]
        .into_iter()
        .chain(commands.filter(|step| step.form == Form::Run))
        .collect()
}

fn by_platform(step: PlatformStep) -> Vec<Instruction> {
    let action = Action::Manual(Step::Platform(step));
    command_line(Cloud::Fly).instructions(&action).unwrap_or_default()
}

/// What is said of a list: its first entries, and how many more there are.
fn some(list: impl IntoIterator<Item = impl ToString>) -> String {
    const MOST: usize = 4;
    let entry = |entry: &dyn ToString| shorten(&entry.to_string(), LONGEST_ENTRY);
    let all = list.into_iter().map(|one| entry(&one)).collect::<Vec<_>>();
    let shown = all.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    match all.len() {
        0..=MOST => shown,
        more => format!("{shown} and {} more", more - MOST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_setting_goes_before_what_else_fails_and_warnings_are_none() {
        let (ok, warn) = (Checkup::ok("a", ""), Checkup::warn("b", ""));
        let (fail, refuse) = (Checkup::fail("c", ""), Checkup::refuse("d", &""));
        assert_eq!(
            exit_code(&[ok.clone(), warn, Checkup::skip("e", "")]),
            ExitCode::Verified
        );
        assert_eq!(exit_code(&[ok, fail.clone()]), ExitCode::Inconclusive);
        assert_eq!(exit_code(&[fail, refuse.clone()]), ExitCode::Usage);
        let unfinished = |checks| Examination::ended(checks, Some("interrupted")).exit_code();
        assert_eq!(unfinished(vec![]), ExitCode::Inconclusive);
        assert_eq!(unfinished(vec![refuse]), ExitCode::Usage);
    }

    #[test]
    fn a_list_is_told_by_its_beginning() {
        assert_eq!(
            (some([1, 2, 3, 4]).as_str(), some(1..=6).as_str()),
            ("1, 2, 3, 4", "1, 2, 3, 4 and 2 more")
        );
        let long = "x".repeat(3_000_000);
        assert_eq!(some([&long]).chars().count(), LONGEST_ENTRY);
        assert_eq!(Checkup::ok("a", long).seen.chars().count(), LONGEST);
    }
}
