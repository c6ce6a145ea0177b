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
                fly("certs remove {} -a {}", &[name, app])
            }
            Action::RemoveCertificate { app, name } => fly("certs remove {} -a {} -y", &[name, app]),
            Action::AddCertificate { app, name } => fly("certs add {} -a {}", &[name, app]),
            Action::StartMachine { app, machine } => fly("machine start {} -a {}", &[machine, app]),
            Action::RestartMachine { app, machine } => {
                format!(
                    "{}, then: {}",
                    fly("logs -a {}", &[app]),
                    fly("machine restart {} -a {}", &[machine, app])
                )
            }
            Action::Wait(Wait::Deploy(app)) => format!(
                "wait until the deploy has replaced every machine ({}); where none is under way, deploy again",
                fly("status -a {}", &[app])
            ),
            Action::Manual(Step::Platform(step)) => self::step(step),
            _ => return None,
        })
    }
}

fn step(step: &PlatformStep) -> String {
    match step {
        PlatformStep::ShowApp(app) => format!("{}; {}", fly("status -a {}", &[app]), fly("ips list -a {}", &[app])),
        PlatformStep::Deploy(app) => fly("deploy -a {}", &[app]),
        PlatformStep::ReadLog(app) => fly("logs -a {}", &[app]),
        PlatformStep::ReadReplays(app) => {
            format!("look at the edge's log for the replay: {}", fly("logs -a {}", &[app]))
        }
        PlatformStep::AddService(app) => {
            format!(
                "add a service on 443 to the app's fly.toml, then: {}",
                fly("deploy -a {}", &[app])
            )
        }
        PlatformStep::AllowReplays(organization) => {
            format!("allow cross-network replays in organization {organization}")
        }
        PlatformStep::DropAwaited { app, name } => {
            format!(
                "{}: the wildcard covers the name",
                fly("certs remove {} -a {} -y", &[name, app])
            )
        }
        PlatformStep::MendValidation { app, name } => {
            format!(
                "mend what validation misses, then look again: {}",
                fly("certs check {} -a {}", &[name, app])
            )
        }
        PlatformStep::RollBack(image) => {
            format!("roll back from {image}: fly releases -a APP, then fly deploy -a APP --image PREVIOUS")
        }
        PlatformStep::NameOrganization => {
            "name the organization by its slug (`fly orgs list`): --org, `[fly] organization`; or take a token of it"
                .into()
        }
        PlatformStep::LeaveHost { app, machine } => {
            format!(
                "look at the platform's status page; on another host: {}",
                fly("machine clone {} -a {}", &[machine, app])
            )
        }
        PlatformStep::NewToken => {
            "make a new token (`fly tokens create readonly`; for the listing one with DNS Read) and set it".into()
        }
    }
}

/// A command of the tool, each `{}` a name as a POSIX shell takes it. Names come from elsewhere: with one that is not of the
/// platform's alphabet (letters, digits, `.`, `-`, `_`, a star in front) there is no command to copy, nor the name in it.
fn fly(words: &str, names: &[&str]) -> String {
    if !names.iter().all(|name| is_name(name)) {
        return "by hand at the platform: a name in it is none that a command should hold".to_owned();
    }
    let quoted = |name: &str| match name.contains('*') {
        true => format!("'{name}'"),
        false => name.to_owned(),
    };
    let filled = |words: String, name: &&str| words.replacen("{}", &quoted(name), 1);
    format!("fly {}", names.iter().fold(words.to_owned(), filled))
}

fn is_name(word: &str) -> bool {
    let rest = word.strip_prefix("*.").unwrap_or(word);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !rest.is_empty() && !rest.starts_with(['-', '.']) && rest.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_no_shell_text() {
        let remove = |app: &str, name: &str| fly("certs remove {} -a {} -y", &[name, app]);
        assert_eq!(remove("sp-x", "*.a.test"), "fly certs remove '*.a.test' -a sp-x -y");
        for odd in [
            "x; touch owned #",
            "$(id)",
            "a'b",
            "-y",
            "--all",
            "",
            "a\nb",
            "a b",
            "\u{202e}",
            "..",
            "{}",
            "*.",
            "*.-y",
        ] {
            for said in [remove(odd, "a.test"), remove("sp-x", odd)] {
                assert!(
                    said.starts_with("by hand at the platform") && !said.contains("$("),
                    "{odd:?}: {said}"
                );
            }
        }
    }
}
