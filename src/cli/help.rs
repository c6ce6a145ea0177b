//! What stands below the options in `--help` and in the manual: examples and exit codes of every command.

use crate::exit_code::EXIT_CODES;

/// The exit codes of commands that verify nothing.
const PLAIN_CODES: &str = "\
Exit codes:
  0  done
  2  usage or configuration error";

/// Below all commands.
pub(super) fn all() -> String {
    format!(
        "{EXIT_CODES}

Examples:
  roundsman init --domain example.com --edge 198.51.100.7 abc123
  roundsman doctor
  roundsman verify
  roundsman verify --domain example.com --edge 198.51.100.7 abc123 def456
  roundsman verify --only dns,certificate --format json abc123
  roundsman trace abc123"
    )
}

/// Below `verify`.
pub(super) fn verify() -> String {
    format!(
        "{EXIT_CODES}

Examples:
  roundsman verify                          all tenants, as roundsman.toml says
  roundsman verify abc123 def456            these two, woken where they sleep
  roundsman verify --domain example.com --edge 198.51.100.7 --tenants ids.txt
  roundsman verify --domain example.com --edge-app management-api-prod
  roundsman verify --label plan=pro --require app,conflicts
  roundsman verify 'q*' --exclude 'q9*'     those that fit a pattern
  roundsman verify -q --ignore site-slow    failures alone, without what is accepted
  roundsman verify abc123 --wait 10m --expect-image 'registry.fly.io/{{app}}:v43'
  roundsman verify --baseline before.json   only what got worse fails
  roundsman verify --output json=report.json --output junit=roundsman.xml"
    )
}

/// In the manual only, for `roundsman` and `verify`: what one tenant's visit takes from another's.
pub(super) const CERTIFICATES: &str = "\
Certificates:
  Each visit is a handshake of its own: no session is resumed, no connection
  serves two names, the server proves that it has the key of its certificate,
  and the certificate is checked for the name that was asked for.
  That a chain leads to a trusted root is verified once. It holds for whoever
  sends the very same certificates in the same order, by the same roots, until
  the next date at which one of them begins or ceases to be valid, because
  nothing else enters into it. What does not verify is verified again at each
  visit. Revocation is not looked at.";

/// Below `remediate`.
pub(super) fn remediate() -> String {
    format!(
        "{EXIT_CODES}
  `remediate --apply`: 1 also where something was not done as planned
  `remediate undo`: 0 done or undone before, 1 refused or failed, 2 unknown id
  `remediate ledger`: 0 intact, 1 broken

Examples:
  roundsman remediate                       what would be repaired, and what not, and why
  roundsman remediate abc123 --apply        asks at the terminal, repairs and verifies
  roundsman remediate --apply --yes         as a script: within all limits
  roundsman remediate --apply --max 12 --confirm 12 --batch 4
  roundsman remediate undo r-0a1b2c3d4e
  roundsman remediate ledger --format json
  roundsman remediate stop                  nothing is repaired until: roundsman remediate resume"
    )
}

/// Below `watch`.
pub(super) fn watch() -> String {
    "\
Exit codes:
  0  stopped by SIGTERM or SIGINT
  2  usage or configuration error, or a database that can't be used

Signals:
  SIGHUP   reads the configuration again; a wrong one is refused, the old one goes on
  SIGTERM  ends what is under way within 10 seconds

Examples:
  roundsman watch
  roundsman watch --config /etc/roundsman/roundsman.toml"
        .to_owned()
}

/// Below `incidents`.
pub(super) fn incidents() -> String {
    plain(
        "  roundsman incidents
  roundsman incidents --all --format json
  roundsman incidents show inc-7
  roundsman incidents ack inc-7 --comment 'Ann looks at it'",
    )
}

/// Below `silences`.
pub(super) fn silences() -> String {
    plain(
        "  roundsman silences preview tenant='demo-*'
  roundsman silences add tenant='demo-*' cause='site-*' --for 2h --comment 'load test'
  roundsman silences list
  roundsman silences expire sil-1796011809762",
    )
}

/// Below `alerts`.
pub(super) fn alerts() -> String {
    plain(
        "  roundsman alerts test ops
  roundsman alerts preview certificate-conflict
  roundsman alerts preview --dir previews
  roundsman alerts outbox
  roundsman alerts outbox --retry",
    )
}

/// Below `alerts test`.
pub(super) fn alerts_test() -> String {
    "\
Exit codes:
  0  every server took the message
  1  one did not: what it said is printed
  2  usage or configuration error

Examples:
  roundsman alerts test ops"
        .to_owned()
}

/// Below `status`.
pub(super) fn status() -> String {
    plain(
        "  roundsman status
  roundsman status abc123 --format json",
    )
}

/// Below `replay`.
pub(super) fn replay() -> String {
    format!(
        "{EXIT_CODES}

Examples:
  roundsman verify --record evidence.gz; roundsman replay evidence.gz
  roundsman replay evidence.gz --config roundsman.toml    by today's expectations and roots
  roundsman replay evidence.gz --format json"
    )
}

/// Below `trace`.
pub(super) fn trace() -> String {
    format!(
        "{EXIT_CODES}

Examples:
  roundsman trace abc123
  roundsman trace abc123.example.com --no-logs
  roundsman trace abc123 --format json | jq .phases"
    )
}

/// Below `doctor`.
pub(super) fn doctor() -> String {
    "\
Exit codes:
  0  roundsman can work here; warnings say what is lacking
  2  usage or configuration error, an unset token or a wrong inventory among them
  3  roundsman could not work: a token is refused, the edge app is not there, nobody answers ...

What it does:
  It asks questions and reads files; nothing is changed or written, no tenant is
  looked at, no message goes out (`roundsman alerts test CHANNEL` sends one). It
  ends within half a minute, whoever is silent.

Examples:
  roundsman doctor
  FLY_API_TOKEN=... roundsman doctor --domain example.com --edge-app management-api-prod
  roundsman doctor --format json | jq -r '.checks[] | select(.status == \"fail\").fix[].text'"
        .to_owned()
}

/// Below `tenants`.
pub(super) fn tenants() -> String {
    format!(
        "{EXIT_CODES}

Examples:
  roundsman tenants
  roundsman tenants --format json | jq -r '.tenants[].tenant'"
    )
}

/// Below `init`.
pub(super) fn init() -> String {
    plain(
        "  roundsman init --domain example.com --edge 198.51.100.7 abc123 def456
  roundsman init --domain example.com --edge 198.51.100.7,2001:db8::7 --tenants ids.txt
  roundsman init --domain example.com --edge-app management-api --concurrency 50
  roundsman init --domain example.com --edge 198.51.100.7 --path /health --skip app abc123",
    )
}

/// Below `config`.
pub(super) fn config() -> String {
    plain(
        "  roundsman config check
  roundsman config example > roundsman.toml",
    )
}

/// Below `config check`.
pub(super) fn config_check() -> String {
    plain(
        "  roundsman config check
  roundsman config check staging.toml",
    )
}

/// Below `config schema`.
pub(super) fn config_schema() -> String {
    plain("  roundsman config schema > roundsman.schema.json")
}

/// Below `config example`.
pub(super) fn config_example() -> String {
    plain("  roundsman config example > roundsman.toml")
}

/// Below `explain`.
pub(super) fn explain() -> String {
    plain(
        "  roundsman explain
  roundsman explain certificate-conflict",
    )
}

/// Below `completions`.
pub(super) fn completions() -> String {
    plain(
        "  roundsman completions bash > /etc/bash_completion.d/roundsman
  roundsman completions zsh > \"${fpath[1]}/_roundsman\"
  roundsman completions fish > ~/.config/fish/completions/roundsman.fish",
    )
}

/// Below `man`.
pub(super) fn man() -> String {
    plain(
        "  roundsman man | man -l -
  roundsman man --dir /usr/local/share/man/man1",
    )
}

fn plain(examples: &str) -> String {
    format!("{PLAIN_CODES}\n\nExamples:\n{examples}")
}
