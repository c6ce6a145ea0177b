//! How the platform's own tool says it: what a person types there.

use std::fmt::{Formatter, Result};

use super::action::PlatformStep;

pub(super) fn remove_certificate(f: &mut Formatter<'_>, app: &str, name: &str) -> Result {
    write!(f, "fly certs remove {} -a {app} -y", quoted(name))
}

pub(super) fn add_certificate(f: &mut Formatter<'_>, app: &str, name: &str) -> Result {
    write!(f, "fly certs add {} -a {app}", quoted(name))
}

pub(super) fn start_machine(f: &mut Formatter<'_>, app: &str, machine: &str) -> Result {
    write!(f, "fly machine start {machine} -a {app}")
}

pub(super) fn restart_machine(f: &mut Formatter<'_>, app: &str, machine: &str) -> Result {
    write!(f, "fly logs -a {app}, then: fly machine restart {machine} -a {app}")
}

pub(super) fn wait_for_deploy(f: &mut Formatter<'_>, app: &str) -> Result {
    write!(
        f,
        "wait until the deploy has replaced every machine (fly status -a {app}); where none is under way, deploy again"
    )
}

pub(super) fn step(f: &mut Formatter<'_>, step: &PlatformStep) -> Result {
    match step {
        PlatformStep::ShowApp(app) => write!(f, "fly status -a {app}; fly ips list -a {app}"),
        PlatformStep::Deploy(app) => write!(f, "fly deploy -a {app}"),
        PlatformStep::ReadLog(app) => write!(f, "fly logs -a {app}"),
        PlatformStep::ReadReplays(app) => write!(f, "look at the edge's log for the replay: fly logs -a {app}"),
        PlatformStep::AddService(app) => {
            write!(f, "add a service on 443 to {app}'s fly.toml, then: fly deploy -a {app}")
        }
        PlatformStep::AllowReplays(organization) => {
            write!(f, "allow cross-network replays in organization {organization}")
        }
        PlatformStep::DropAwaited { app, name } => {
            write!(f, "fly certs remove {name} -a {app} -y: the wildcard covers the name")
        }
        PlatformStep::MendValidation { app, name } => {
            write!(
                f,
                "mend what validation misses, then look again: fly certs check {name} -a {app}"
            )
        }
        PlatformStep::RollBack(image) => write!(
            f,
            "roll back from {image}: fly releases -a APP, then fly deploy -a APP --image PREVIOUS"
        ),
        PlatformStep::NewToken => {
            f.write_str("make a new token (`fly tokens create readonly`; for the listing one with DNS Read) and set it")
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
