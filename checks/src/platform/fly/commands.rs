//! What a person types into `fly`, the platform's own tool.

use crate::diagnosis::{Action, CommandLine, PlatformStep, Step, Wait};

/// The tool `fly`.
#[derive(Clone, Copy, Debug)]
pub struct Flyctl;

impl CommandLine for Flyctl {
    fn command(&self, action: &Action) -> Option<String> {
        Some(match action {
            // Whoever removes a wildcard is asked once more.
            Action::RemoveCertificate { app, name } if name.starts_with("*.") => {
                format!("fly certs remove {} -a {app}", quoted(name))
            }
            Action::RemoveCertificate { app, name } => format!("fly certs remove {} -a {app} -y", quoted(name)),
            Action::AddCertificate { app, name } => format!("fly certs add {} -a {app}", quoted(name)),
            Action::StartMachine { app, machine } => format!("fly machine start {machine} -a {app}"),
            Action::RestartMachine { app, machine } => {
                format!("fly logs -a {app}, then: fly machine restart {machine} -a {app}")
            }
            Action::Wait(Wait::Deploy(app)) => format!(
                "wait until the deploy has replaced every machine (fly status -a {app}); where none is under way, deploy again"
            ),
            Action::Manual(Step::Platform(step)) => self::step(step),
            _ => return None,
        })
    }
}

fn step(step: &PlatformStep) -> String {
    match step {
        PlatformStep::ShowApp(app) => format!("fly status -a {app}; fly ips list -a {app}"),
        PlatformStep::Deploy(app) => format!("fly deploy -a {app}"),
        PlatformStep::ReadLog(app) => format!("fly logs -a {app}"),
        PlatformStep::ReadReplays(app) => format!("look at the edge's log for the replay: fly logs -a {app}"),
        PlatformStep::AddService(app) => {
            format!("add a service on 443 to {app}'s fly.toml, then: fly deploy -a {app}")
        }
        PlatformStep::AllowReplays(organization) => {
            format!("allow cross-network replays in organization {organization}")
        }
        PlatformStep::DropAwaited { app, name } => {
            format!("fly certs remove {name} -a {app} -y: the wildcard covers the name")
        }
        PlatformStep::MendValidation { app, name } => {
            format!("mend what validation misses, then look again: fly certs check {name} -a {app}")
        }
        PlatformStep::RollBack(image) => {
            format!("roll back from {image}: fly releases -a APP, then fly deploy -a APP --image PREVIOUS")
        }
        PlatformStep::NameOrganization => {
            "name the organization by its slug (`fly orgs list`): --org, `[fly] organization`; or take a token of it"
                .into()
        }
        PlatformStep::LeaveHost { app, machine } => {
            format!("look at the platform's status page; on another host: fly machine clone {machine} -a {app}")
        }
        PlatformStep::NewToken => {
            "make a new token (`fly tokens create readonly`; for the listing one with DNS Read) and set it".into()
        }
    }
}

/// A name as a shell takes it: a star would be expanded.
fn quoted(name: &str) -> String {
    if name.contains('*') {
        format!("'{name}'")
    } else {
        name.to_owned()
    }
}
