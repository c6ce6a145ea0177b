//! What the command line accepts and refuses.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use clap::{CommandFactory as _, Parser as _};

use super::args::{FailOn, Format, Output, Scope, VerifyArgs};
use super::*;
use crate::inventory::TenantsFrom;

fn verify(words: &[&str]) -> Result<VerifyArgs, String> {
    let words = ["roundsman", "verify"].iter().chain(words);
    match Cli::try_parse_from(words).map_err(|error| error.to_string())?.command {
        Command::Verify(args) => Ok(*args),
        other => Err(format!("{other:?}")),
    }
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn reads_every_option_of_verify() {
    let args = verify(&[
        "--domain",
        "Example.com",
        "--edge",
        "192.0.2.1,::1",
        "--edge",
        "192.0.2.2",
        "--tenants",
        "-",
        "--only",
        "dns,site",
        "--require",
        "route",
        "--label",
        "plan=a=b",
        "--output",
        "json=-",
        "--output",
        "human=r.txt",
        "--format",
        "json",
        "--scope",
        "tenant",
        "--fail-on",
        "warn",
        "--concurrency",
        "8",
        "a",
        "b",
    ]);
    let args = args.unwrap();
    assert_eq!(args.target.domain.as_ref().unwrap().as_str(), "example.com");
    assert_eq!((args.target.edge.len(), args.only.len(), args.tenants.len()), (3, 2, 2));
    assert_eq!(args.target.tenants_from, Some(TenantsFrom::Stdin));
    assert_eq!(args.label[0], args::Label("plan".into(), "a=b".into()));
    assert_eq!(
        args.output[0],
        Output {
            format: Format::Json,
            file: None
        }
    );
    assert_eq!(
        args.output[1],
        Output {
            format: Format::Human,
            file: Some("r.txt".into())
        }
    );
    assert_eq!(
        (args.format, args.scope, args.fail_on),
        (Some(Format::Json), Scope::Tenant, FailOn::Warn)
    );
    assert_eq!(args.flags().concurrency.unwrap().get(), 8);
}

#[test]
fn refuses_what_it_cannot_understand_and_says_what_it_can() {
    for (words, said) in [
        (["--only", "tls"], "the checks are dns"),
        (["--edge", "edge.example.com"], "invalid IP address"),
        (["--domain", "localhost"], "single label"),
        (["--output", "json"], "FORMAT=FILE"),
        (
            ["--output", "pdf=x"],
            "the formats are human, json, junit, github, markdown",
        ),
        (["--label", "plan"], "KEY=VALUE"),
        (["--concurrency", "0"], "zero"),
    ] {
        let error = verify(&words).unwrap_err();
        assert!(error.contains(said), "{words:?}: {error}");
    }
}

#[test]
fn help_shows_exit_codes_and_examples() {
    insta::assert_snapshot!(Cli::command().render_help().to_string(), @r#"
Verifies every tenant behind one shared edge, and says why one is broken

Usage: roundsman <COMMAND>

Commands:
  verify       Verify all tenants, or those named, once
  watch        Verify every tenant on schedule, for ever, and keep the incidents
  incidents    List the incidents, show one, or say that somebody looks after it
  silences     Mute what is known, on purpose and for a while
  alerts       Try a channel, see what messages look like, list what was not delivered
  status       Say what `watch` knows now of each tenant
  remediate    Plan repairs of what fails, carry them out, take them back
  replay       Judge recorded evidence again, offline
  trace        Trace one request to a tenant hop by hop, with its log lines
  doctor       Look whether roundsman has what it needs: settings, tokens, name servers, clock
  tenants      List the tenants, the sources that name them, and what exists without a tenant
  init         Write a first roundsman.toml of what the options say; never over an existing file
  config       Check the configuration, or show what it can hold
  explain      Say what a cause means, what proves it, and what to do
  completions  Print what a shell needs to complete commands, options and values
  man          Print the manual, or write a page per command
  help         Print this message or the help of the given subcommand(s)

Options:
  -h, --help     Print help
  -V, --version  Print version

Exit codes:
  0  verified: nothing is failing
  1  at least one tenant or fleet check is failing
  2  usage or configuration error
  3  inconclusive: something could not be verified, or the inventory is empty

Examples:
  roundsman init --domain example.com --edge 198.51.100.7 abc123
  roundsman doctor
  roundsman verify
  roundsman verify --domain example.com --edge 198.51.100.7 abc123 def456
  roundsman verify --only dns,certificate --format json abc123
  roundsman trace abc123
"#);
}
