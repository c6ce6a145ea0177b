//! What a person types into `fly`, the platform's own tool.

use crate::diagnosis::{Action, CommandLine, Instruction, PlatformStep, Step, Wait};

/// The tool `fly`.
#[derive(Clone, Copy, Debug)]
pub struct Flyctl;

impl CommandLine for Flyctl {
    fn instructions(&self, action: &Action) -> Option<Vec<Instruction>> {
        Some(match action {
            // Whoever removes a wildcard is asked once more.
            Action::RemoveCertificate { app, name } if name.starts_with("*.") => {
                vec![fly("certs remove {} -a {}", &[name, app])]
            }
            Action::RemoveCertificate { app, name } => vec![fly("certs remove {} -a {} -y", &[name, app])],
            Action::AddCertificate { app, name } => vec![fly("certs add {} -a {}", &[name, app])],
            Action::StartMachine { app, machine } => vec![fly("machine start {} -a {}", &[machine, app])],
            // The log ends by itself: what is pasted below it is typed at a prompt.
            Action::RestartMachine { app, machine } => vec![
                fly("logs -a {} --no-tail", &[app]),
                fly("machine restart {} -a {}", &[machine, app]),
            ],
            Action::Wait(Wait::Deploy(app)) => vec![
                Instruction::wait(
                    "wait until the deploy has replaced every machine; where none is under way, deploy again",
                ),
                fly("status -a {}", &[app]),
            ],
            Action::Manual(Step::Platform(step)) => self::step(step),
            _ => return None,
        })
    }
}

fn step(step: &PlatformStep) -> Vec<Instruction> {
    match step {
        PlatformStep::ShowApp(app) => vec![fly("status -a {}", &[app]), fly("ips list -a {}", &[app])],
        PlatformStep::Deploy(app) => vec![fly("deploy -a {}", &[app])],
        PlatformStep::ReadLog(app) => vec![fly("logs -a {}", &[app])],
        PlatformStep::ReadReplays(app) => vec![
            Instruction::look("look at the edge's log for the replay"),
            fly("logs -a {}", &[app]),
        ],
        PlatformStep::AddService(app) => vec![
            Instruction::act("add a service on port 443 to the app's fly.toml, then deploy it"),
            fly("deploy -a {}", &[app]),
        ],
        PlatformStep::AllowReplays(organization) => vec![Instruction::act(format!(
            "allow cross-network replays in organization {organization}"
        ))],
        PlatformStep::DropAwaited { app, name } => vec![
            Instruction::act("take the awaited certificate back: the wildcard covers the name"),
            fly("certs remove {} -a {} -y", &[name, app]),
        ],
        PlatformStep::MendValidation { app, name } => vec![
            Instruction::act("fix what validation misses, then look again"),
            fly("certs check {} -a {}", &[name, app]),
        ],
        PlatformStep::RollBack(image) => roll_back(image),
        PlatformStep::NameOrganization => vec![
            Instruction::act("name the organization by its slug (--org, `[fly] organization`), or take a token of it"),
            Instruction::run("fly orgs list"),
        ],
        PlatformStep::LeaveHost { app, machine } => vec![
            Instruction::look("look at the platform's status page; the app can be moved to another host"),
            fly("machine clone {} -a {}", &[machine, app]),
        ],
        PlatformStep::NewToken => vec![
            Instruction::act("make a new token and set it; for the zone's listing one with DNS Read"),
            Instruction::run("fly tokens create readonly"),
        ],
    }
}

/// Deploys the image before this one to every app that fails, with the apps in a file.
fn roll_back(image: &str) -> Vec<Instruction> {
    vec![
        Instruction::act(format!(
            "roll back from {image}: read in the releases of one app which image ran before, and put it in the place of PREVIOUS"
        )),
        Instruction::run(
            "roundsman verify --json | jq -r '.tenants[] | select(.cause == \"release-failing\") | .app' > apps.txt",
        ),
        Instruction::run("fly releases --image -a \"$(head -n 1 apps.txt)\""),
        Instruction::run("while read -r app; do fly deploy -a \"$app\" --image PREVIOUS < /dev/null; done < apps.txt"),
    ]
}

/// A command of the tool, each `{}` a name as a POSIX shell takes it. Names come from elsewhere: with one that is not of the
/// platform's alphabet (letters, digits, `.`, `-`, `_`, a star in front) there is no command to copy, nor the name in it.
fn fly(words: &str, names: &[&str]) -> Instruction {
    if !names.iter().all(|name| is_name(name)) {
        return Instruction::act("by hand at the platform: a name in it has characters that no command should hold");
    }
    let quoted = |name: &str| match name.contains('*') {
        true => format!("'{name}'"),
        false => name.to_owned(),
    };
    let filled = |words: String, name: &&str| words.replacen("{}", &quoted(name), 1);
    Instruction::run(format!("fly {}", names.iter().fold(words.to_owned(), filled)))
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
        let remove = |app: &str, name: &str| fly("certs remove {} -a {} -y", &[name, app]).text;
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
