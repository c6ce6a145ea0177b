//! Help, completions and manual: of every command, and complete.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{command, roundsman};

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a shell says of this text when it only reads it; `None` where it is not installed.
fn syntax(shell: &str, text: &str) -> Option<Result<(), String>> {
    let child = Command::new(shell)
        .arg("-n")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.ok()?;
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(text.as_bytes()).expect("the shell reads");
    drop(input);
    let output = child.wait_with_output().expect("the shell ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(if output.status.success() { Ok(()) } else { Err(said) })
}

#[test]
fn completions_are_complete_and_the_shell_accepts_them() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = roundsman(&["completions", shell], here());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{shell}");
        // It asks the program by its name, wherever that will be.
        assert!(
            ran.out.contains("ROUNDSMAN_COMPLETE") && !ran.out.contains(env!("CARGO_MANIFEST_DIR")),
            "{shell}"
        );
        match syntax(shell, &ran.out) {
            Some(accepted) => assert_eq!(accepted, Ok(()), "{shell}"),
            None => assert_ne!(shell, "bash", "bash: not installed; apt-get install bash"),
        }
    }
}

#[test]
fn an_unknown_shell_is_refused_with_those_that_are_known() {
    let ran = roundsman(&["completions", "tcl"], here());
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("bash") && ran.err.contains("zsh"), "{}", ran.err);
}

/// Every command by its words, as its page is called.
const COMMANDS: [&[&str]; 34] = [
    &[],
    &["verify"],
    &["watch"],
    &["incidents"],
    &["incidents", "list"],
    &["incidents", "show"],
    &["incidents", "ack"],
    &["silences"],
    &["silences", "add"],
    &["silences", "preview"],
    &["silences", "list"],
    &["silences", "expire"],
    &["alerts"],
    &["alerts", "test"],
    &["alerts", "preview"],
    &["alerts", "outbox"],
    &["status"],
    &["explain"],
    &["remediate"],
    &["remediate", "undo"],
    &["remediate", "ledger"],
    &["remediate", "stop"],
    &["remediate", "resume"],
    &["replay"],
    &["trace"],
    &["doctor"],
    &["tenants"],
    &["init"],
    &["config"],
    &["config", "check"],
    &["config", "schema"],
    &["config", "example"],
    &["completions"],
    &["man"],
];

#[test]
fn the_help_of_every_command_has_examples_and_exit_codes() {
    for words in COMMANDS {
        let ran = roundsman(&[words, &["--help"]].concat(), here());
        assert_eq!(ran.code, Some(0), "{words:?}");
        assert!(ran.out.contains("\nExit codes:\n  0  "), "{words:?}: {}", ran.out);
        assert!(ran.out.contains("\nExamples:\n  roundsman "), "{words:?}: {}", ran.out);
    }
}

#[test]
fn every_command_has_a_page_with_every_option_of_its_help() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let pages = dir.path().join("share/man/man1");
    let ran = roundsman(&["man", "--dir", "share/man/man1"], dir.path());
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(0), "share/man/man1: 34 pages\n"),
        "{}",
        ran.err
    );
    for words in COMMANDS {
        let name = [&["roundsman"], words].concat().join("-");
        let page =
            fs::read_to_string(pages.join(format!("{name}.1"))).unwrap_or_else(|error| panic!("{name}: {error}"));
        let page = page.replace("\\-", "-");
        let help = roundsman(&[words, &["--help"]].concat(), dir.path()).out;
        let (help, _) = help.split_once("\nExit codes:\n").expect("exit codes");
        let options = help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        for option in options.filter(|word| word.len() > 3 && word.starts_with("--")) {
            assert!(page.contains(option), "{name}: {option}");
        }
        assert!(page.contains("\n.SH \"EXIT STATUS\"\n"), "{name}: {page}");
        assert!(page.contains("\n.SH EXAMPLES\n"), "{name}: {page}");
    }
    let printed = roundsman(&["man"], dir.path()).out;
    assert_eq!(
        printed,
        fs::read_to_string(pages.join("roundsman.1")).expect("the page")
    );
    assert!(printed.contains("\n.TH roundsman 1 "), "{printed}");
    assert!(printed.contains("\n.SH CERTIFICATES\n"), "{printed}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    fs::write(dir.path().join("file"), "").expect("a file");
    let ran = roundsman(&["man", "--dir", "file/man1"], dir.path());
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.starts_with("error: --dir: file/man1: "), "{}", ran.err);
    assert!(ran.err.contains("name a folder"), "{}", ran.err);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = command(here())
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
