//! Whether roundsman has what it needs before it can verify anything: settings, tokens, names, roads, and the machine that it
//! runs on. Looks, and changes nothing; says nothing of tenants.
//!
//! Every wait has a limit: what belongs together is asked side by side, and all of it ends within half a minute, whoever is
//! silent. What was not asked because of something else is said with the reason.

mod edge;
mod machine;
mod names;
mod platform;
#[cfg(test)]
mod sample;
mod settings;

#[cfg(test)]
pub(crate) use sample::sample;

use std::time::Duration;

use roundsman_checks::diagnosis::{Action, Instruction, PlatformStep, Step};
use roundsman_checks::evidence::{Cloud, Fault, Reason};
use roundsman_checks::platform::command_line;
use serde::Serialize;

use crate::config::Config;
use crate::exit_code::ExitCode;
use crate::inventory::TenantsFrom;

/// How long one question to an API may take, its repetition included.
const PATIENCE: Duration = Duration::from_secs(8);

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
    /// What mends it, a line a step.
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
            seen: seen.into(),
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
    /// The checks.
    pub checks: Vec<Checkup>,
}

impl Examination {
    fn of(checks: Vec<Checkup>) -> Self {
        let exit = exit_code(&checks).code();
        Self {
            schema: "roundsman.doctor/1",
            exit,
            checks,
        }
    }

    /// How the command ends.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        exit_code(&self.checks)
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

/// What can be looked at without a configuration, which can't be had.
#[must_use]
pub fn without_configuration(why: &str) -> Examination {
    let configuration = Checkup {
        refused: true,
        ..Checkup::fail("configuration", why)
    };
    let mut checks = vec![configuration.run("roundsman config check")];
    let names = settings::NAMES
        .iter()
        .chain(platform::NAMES)
        .chain(names::NAMES)
        .chain(edge::NAMES);
    checks.extend(names.map(|name| Checkup::skip(name, "needs the configuration")));
    checks.push(settings::trust_store(None).0);
    checks.extend(machine::limits(None, None));
    checks.extend(
        machine::WATCH
            .iter()
            .map(|name| Checkup::skip(name, "needs the configuration")),
    );
    Examination::of(checks)
}

/// What can be looked at where the network can't be: no runtime, or somebody ended it.
#[must_use]
pub fn without_network(config: &Config, from: Option<&TenantsFrom>, why: &str) -> Examination {
    let settings = settings::look(config, from);
    let mut checks = settings.checks;
    let names = platform::NAMES.iter().chain(names::NAMES).chain(edge::NAMES);
    checks.extend(names.map(|name| Checkup::skip(name, why)));
    checks.extend(local(config, settings.trust_store, settings.tenants));
    Examination::of(checks)
}

/// Looks at everything.
pub async fn examine(config: &Config, from: Option<&TenantsFrom>) -> Examination {
    let mut settings = settings::look(config, from);
    let clients = platform::Asked::new(config);
    let roads = async {
        let platform = clients.platform(config).await;
        let edge = edge::look(config, &settings, platform.edge.as_deref()).await;
        (platform, edge)
    };
    let (listed, (platform, edge), listing, names) = tokio::join!(
        settings::listed(config, from),
        roads,
        clients.listing(),
        names::look(config)
    );
    settings.learn(listed, platform.tenants);
    let clock = edge.clock(&clients.clocks());
    let mut checks = settings.checks;
    checks.extend(platform.checks);
    checks.push(listing);
    checks.extend(names);
    checks.push(edge.routes);
    checks.push(clock);
    checks.extend(local(config, settings.trust_store, settings.tenants));
    Examination::of(checks)
}

fn local(config: &Config, trust_store: Checkup, tenants: Option<usize>) -> Vec<Checkup> {
    let mut checks = vec![trust_store];
    // Where nobody is named in a file, somebody will be on the command line.
    checks.extend(machine::limits(Some(config), tenants.filter(|tenants| *tenants > 0)));
    checks.extend(machine::watch(config));
    checks
}

/// An answer within the patience that there is.
async fn within<T>(asking: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let late = |_| {
        let detail = format!("no answer within {} s", PATIENCE.as_secs());
        Err(Fault::new(Reason::PlatformTimeout, detail))
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(late)
}

/// What mends what an API refuses.
fn api_fix(fault: &Fault) -> Vec<Instruction> {
    match fault.reason {
        Reason::PlatformUnauthorized | Reason::PlatformForbidden => by_platform(PlatformStep::NewToken),
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

fn by_platform(step: PlatformStep) -> Vec<Instruction> {
    let action = Action::Manual(Step::Platform(step));
    command_line(Cloud::Fly).instructions(&action).unwrap_or_default()
}

/// What is said of a list: its first entries, and how many more there are.
fn some(list: impl IntoIterator<Item = impl ToString>) -> String {
    const MOST: usize = 4;
    let all = list.into_iter().map(|entry| entry.to_string()).collect::<Vec<_>>();
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
        assert_eq!(exit_code(&[fail, refuse]), ExitCode::Usage);
    }

    #[test]
    fn a_list_is_told_by_its_beginning() {
        assert_eq!(
            (some([1, 2, 3, 4]).as_str(), some(1..=6).as_str()),
            ("1, 2, 3, 4", "1, 2, 3, 4 and 2 more")
        );
    }
}
