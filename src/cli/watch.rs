//! `roundsman watch`: every tenant on schedule, for ever, until somebody stops it.

use std::io::{IsTerminal as _, Write as _};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use roundsman_checks::platform::Calls;

use super::args::TargetArgs;
use super::configuration::configuration;
use super::export::export;
use super::{colour_errors, usage_error};
use crate::agent::{Setup, USER_AGENT};
use crate::alerting::channels;
use crate::config::render_plain;
use crate::daemon::{Line, Load, Loaded, Voice, Watcher, store_path};
use crate::exit_code::ExitCode;
use crate::inventory::TenantsFrom;
use crate::remediation::Hands;
use crate::store::Store;

/// Options of `watch`.
#[derive(Clone, Debug, Args)]
pub struct WatchArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub target: TargetArgs,
}

/// Watches until SIGTERM or SIGINT, and ends with 0 then.
#[must_use]
pub fn run(args: &WatchArgs) -> ExitCode {
    match watch(args) {
        Ok(()) => ExitCode::Verified,
        Err(rendered) => usage_error(&rendered),
    }
}

fn watch(args: &WatchArgs) -> Result<(), String> {
    let plain = |error: String| render_plain(&error, colour_errors());
    // A stream is read once.
    let from = args.target.tenants_from.clone().map(TenantsFrom::kept).transpose();
    let from = from.map_err(|error| plain(error.to_string()))?;
    let target = args.target.clone();
    let calls = Calls::default();
    let load: Load = Box::new(move || {
        let config = configuration(&target, &target.flags()).map_err(|error| error.render(false))?;
        let channels = channels(&config.alerts).map_err(|error| error.to_string())?;
        let token = config.web.token().map_err(|error| error.to_string())?;
        let export = export(&config);
        let setup = Setup::counting(config, from.clone(), calls.clone()).map_err(|error| error.to_string())?;
        let hands = Hands::new(&setup.config, USER_AGENT, &setup.clients.calls).map_err(|error| error.to_string())?;
        Ok(Loaded {
            setup,
            channels,
            token,
            hands,
            export,
        })
    });
    let config = configuration(&args.target, &args.target.flags()).map_err(|error| error.render(colour_errors()))?;
    let (store, remembered) = Store::open(&store_path(&config)).map_err(|error| plain(error.to_string()))?;
    // More sockets at once are the point of this program; where the limit can't be raised, examinations say what they lack.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| plain(error.to_string()))?;
    let watched = runtime.block_on(async {
        let loaded = load().map_err(plain)?;
        let watcher = Watcher::new(loaded, load, store, remembered, Box::new(Screen::new()));
        watcher.run().await.map_err(|error| plain(error.to_string()))
    });
    // What is still parsed or resolved on other threads is not waited for.
    runtime.shutdown_background();
    watched
}

/// A line for each change: on a terminal for people, with one below them that lives; elsewhere as JSON.
struct Screen(Option<ProgressBar>);

impl Screen {
    fn new() -> Self {
        if !std::io::stdout().is_terminal() {
            return Self(None);
        }
        let live = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
        live.set_style(ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Self(Some(live))
    }
}

impl Voice for Screen {
    fn line(&mut self, line: &Line) {
        match &self.0 {
            Some(live) => live.println(line.human()),
            // A reader that went away is no reason to stop watching.
            None => drop(writeln!(std::io::stdout().lock(), "{}", line.json())),
        }
    }

    fn status(&mut self, status: &str) {
        if let Some(live) = &self.0 {
            live.set_message(status.to_owned());
            live.tick();
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Some(live) = &self.0 {
            live.finish_and_clear();
        }
    }
}
