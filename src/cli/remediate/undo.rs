//! `roundsman remediate undo ID`: what a plan did is taken back, as far as that is possible.

use std::io::IsTerminal as _;

use roundsman_checks::gather::Stop;

use super::UndoArgs;
use super::apply::{Kept, said};
use crate::agent::{Setup, USER_AGENT};
use crate::cli::args::TargetArgs;
use crate::cli::configuration::configuration;
use crate::cli::database::plain;
use crate::cli::{colour_errors, stoppable, usage_error};
use crate::config::{Flags, render_plain};
use crate::daemon::store_path;
use crate::exit_code::ExitCode;
use crate::remediation::{Hands, TakeBack, Undo, UndoError};

/// How it ended: what is said, and the exit code.
type Told = (String, ExitCode);

pub(super) fn run(args: &UndoArgs) -> ExitCode {
    match undo(args) {
        Ok((text, ExitCode::Verified)) => crate::cli::print(&text, ExitCode::Verified),
        Ok((text, code)) => {
            let _ = usage_error(&render_plain(text.trim_end(), colour_errors()));
            code
        }
        Err(rendered) => usage_error(&rendered),
    }
}

fn undo(args: &UndoArgs) -> Result<Told, String> {
    let target = TargetArgs {
        config: args.config.config.clone(),
        ..TargetArgs::default()
    };
    let config = configuration(&target, &Flags::default()).map_err(|error| error.render(colour_errors()))?;
    let done = stoppable::run(async |stop| -> Result<Told, String> {
        let database = store_path(&config);
        // Nothing is made where nothing was ever done.
        if !database.exists() {
            return Err(plain(&unknown(&args.id)));
        }
        let setup = Setup::new(config, None).map_err(|error| plain(&error))?;
        let hands = Hands::new(&setup.config, USER_AGENT, &setup.clients.calls).map_err(|error| plain(&error))?;
        let kept = Kept::open(&database).map_err(|error| plain(&error))?;
        let told = take_back(args, &hands, &kept, stop).await;
        kept.close().await;
        told
    });
    done.map_err(|error| plain(&error))?
}

fn unknown(id: &str) -> String {
    format!("no plan `{id}`: `roundsman remediate ledger` lists them")
}

async fn take_back(args: &UndoArgs, hands: &Hands, kept: &Kept, stop: Stop) -> Result<Told, String> {
    let rows = match kept.history() {
        Ok(rows) => rows,
        Err(broken) => return Ok((broken, ExitCode::Failing)),
    };
    let what = match Undo::of(&rows, &args.id) {
        Undo::Unknown => return Err(plain(&unknown(&args.id))),
        Undo::Nothing(why) => {
            let none = format!("nothing of {} can be taken back: {why}", args.id);
            return Ok((none, ExitCode::Failing));
        }
        Undo::Already => return Ok((format!("{} was taken back already\n", args.id), ExitCode::Verified)),
        Undo::Open(what) => what,
    };
    if let Some(why) = what.refuses(hands).await {
        return Ok((why, ExitCode::Failing));
    }
    if !args.yes && !agreed(&what, stop).await {
        let how = "there is no terminal to say yes at, or it was not said: --yes says it; nothing was done";
        return Ok((how.to_owned(), ExitCode::Failing));
    }
    // Somebody may have taken the name while it was asked.
    if let Some(why) = what.refuses(hands).await {
        return Ok((why, ExitCode::Failing));
    }
    match what.carry_out(hands, kept, &super::who()).await {
        Ok(lines) => Ok((lines.join("\n") + "\n", ExitCode::Verified)),
        Err(failed @ UndoError::Failed { .. }) => Ok((failed.to_string(), ExitCode::Failing)),
        Err(UndoError::Ledger(why)) => Err(plain(&why)),
    }
}

async fn agreed(what: &TakeBack<'_>, stop: Stop) -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    let what = crate::text::clean(&what.objects().collect::<Vec<_>>().join(", "));
    let said = said(&format!("take back {what}? [y/N] "), stop).await;
    said.is_some_and(|said| matches!(said.to_lowercase().as_str(), "y" | "yes"))
}
