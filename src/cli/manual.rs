//! `roundsman completions` and `roundsman man`: what a package puts beside the program, made from the command line that
//! it has.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory as _};
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};
use clap_mangen::Man;
use roff::{Roff, roman};
use thiserror::Error;

use super::{Cli, colour_errors, help, print, usage_error};
use crate::config::render_plain;
use crate::exit_code::ExitCode;

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell that is to complete
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// Options of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write a page per command into this folder instead
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Why there are no pages.
#[derive(Debug, Error)]
#[error("--dir: {path}: {source}; name a folder that can be made and written", path = .path.display())]
struct ManError {
    path: PathBuf,
    source: io::Error,
}

/// Prints the completions for one shell.
#[must_use]
pub fn completions(args: &CompletionsArgs) -> ExitCode {
    let mut text = Vec::new();
    let shells = Shells::builtins();
    let registered = match shells.completer(&args.shell.to_string()) {
        Some(shell) => shell.write_registration(ASKED_BY, "roundsman", "roundsman", "roundsman", &mut text),
        None => Err(io::Error::other("this shell is not known")),
    };
    let mut text = String::from_utf8_lossy(&text).into_owned();
    if args.shell == Shell::Zsh {
        text = text.replace(DESCRIBED, &format!("{KEYS}{DESCRIBED}")) + FIRST_TIME;
    }
    match registered {
        Ok(()) => print(&text, ExitCode::Verified),
        Err(error) => usage(&error),
    }
}

/// The line with which zsh is told what it offers.
const DESCRIBED: &str = "        [[ -n $other ]] && _describe -V 'values' other\n";
/// What ends with `=` is a key: its value follows in the same word, so that no space may stand behind it.
const KEYS: &str = "        local -a keys=(${(M)other:#*=(|:*)})
        [[ -n $keys ]] && _describe -V 'values' keys -S ''
        other=(${other:#*=(|:*)})
";

/// Where zsh loads the script from a file of its `fpath`, it does so when the first word is to be completed.
const FIRST_TIME: &str = "
if [[ \"$funcstack[1]\" = \"_roundsman\" ]]; then
    _clap_dynamic_completer_roundsman \"$@\"
fi
";

/// The variable by which a shell asks what may be typed next.
const ASKED_BY: &str = "ROUNDSMAN_COMPLETE";

/// Answers a shell that asks what may be typed next, and says whether one did.
///
/// # Errors
/// Where the shell is unknown, or what it hands over can't be completed.
pub fn complete() -> Result<bool, clap::Error> {
    let folder = std::env::current_dir().ok();
    let asked = CompleteEnv::with_factory(Cli::command).var(ASKED_BY);
    asked.try_complete(std::env::args_os(), folder.as_deref())
}

/// Prints roundsman(1), or writes all pages.
#[must_use]
pub fn man(args: &ManArgs) -> ExitCode {
    let all = command();
    let Some(dir) = &args.dir else {
        return match page(&all) {
            Ok(text) => print(&text, ExitCode::Verified),
            Err(error) => usage(&error),
        };
    };
    let written = std::fs::create_dir_all(dir).and_then(|()| pages(&all, dir));
    match written {
        Ok(count) => print(&format!("{}: {count} pages\n", dir.display()), ExitCode::Verified),
        Err(source) => usage(&ManError {
            path: dir.clone(),
            source,
        }),
    }
}

fn usage(error: &dyn std::error::Error) -> ExitCode {
    usage_error(&render_plain(&error.to_string(), colour_errors()))
}

/// Writes the page of a command and those of all below it; returns how many.
fn pages(command: &Command, dir: &Path) -> io::Result<usize> {
    let mut count = 1;
    std::fs::write(dir.join(Man::new(command.clone()).get_filename()), page(command)?)?;
    for below in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        count += pages(below, dir)?;
    }
    Ok(count)
}

/// The page of one command. What stands below its options has sections of its own, in lines as they are.
fn page(command: &Command) -> io::Result<String> {
    let mut below = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    if ["roundsman", "verify"].contains(&command.get_name()) {
        below = format!("{below}\n\n{}", help::CERTIFICATES);
    }
    let man = Man::new(command.clone()).source(concat!("roundsman ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    for paragraph in below.split("\n\n") {
        let (title, lines) = paragraph.split_once(":\n").unwrap_or_default();
        let title = if title == "Exit codes" {
            "EXIT STATUS".to_owned()
        } else {
            title.to_uppercase()
        };
        let mut section = Roff::new();
        section.control("SH", [title.as_str()]).control("nf", []);
        section.text([roman(lines)]);
        section.control("fi", []).to_writer(&mut text)?;
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The command line without `help`, which the manual is already; with the full name of each command in its page.
fn command() -> Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    command
}
