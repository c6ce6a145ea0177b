//! `roundsman silences`: what somebody does not want to hear of, on purpose and for a while.

use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use roundsman_alerts::Matcher;

use super::args::{ConfigArgs, Shape, duration};
use super::candidates;
use super::database::{end, json, path, plain, reader, second};
use super::help;
use super::table::columns;
use crate::agent::clock;
use crate::daemon::{Preview, Question, ask, known};
use crate::exit_code::ExitCode;
use crate::text::counted;

/// What can be done with silences.
#[derive(Clone, Debug, Subcommand)]
pub enum SilencesCommand {
    /// Mute what all these match; prints the silence's id
    #[command(after_help = help::silences())]
    Add(AddArgs),
    /// Show what these would mute now, and change nothing
    #[command(after_help = help::silences())]
    Preview(PreviewArgs),
    /// List the silences that are not over
    #[command(after_help = help::silences())]
    List(ListArgs),
    /// End one now
    #[command(after_help = help::silences())]
    Expire(ExpireArgs),
}

/// Options of `silences add`.
#[derive(Clone, Debug, Args)]
pub struct AddArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// tenant=GLOB, cause=GLOB, scope=fleet, severity=critical or label:NAME=VALUE; all must hold
    #[arg(required = true, value_name = "MATCHER", add = candidates::matchers())]
    pub matchers: Vec<Matcher>,
    /// How long, such as 2h
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, required_unless_present = "until", conflicts_with = "until")]
    pub lasts: Option<Duration>,
    /// Until when, such as 2026-12-24T18:00:00Z
    #[arg(long, value_name = "TIME")]
    pub until: Option<Timestamp>,
    /// Why
    #[arg(long, default_value = "", hide_default_value = true)]
    pub comment: String,
}

/// Options of `silences preview`.
#[derive(Clone, Debug, Args)]
pub struct PreviewArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// tenant=GLOB, cause=GLOB, scope=fleet, severity=critical or label:NAME=VALUE; all must hold
    #[arg(required = true, value_name = "MATCHER", add = candidates::matchers())]
    pub matchers: Vec<Matcher>,
    /// What to write
    #[arg(long, value_enum, default_value_t)]
    pub format: Shape,
}

/// Options of `silences list`.
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// What to write
    #[arg(long, value_enum, default_value_t)]
    pub format: Shape,
}

/// Options of `silences expire`.
#[derive(Clone, Debug, Args)]
pub struct ExpireArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The silence
    pub id: String,
}

/// Does what is asked.
#[must_use]
pub fn run(command: &SilencesCommand) -> ExitCode {
    end(match command {
        SilencesCommand::Add(args) => add(args),
        SilencesCommand::Preview(args) => preview(args),
        SilencesCommand::List(args) => list(args),
        SilencesCommand::Expire(args) => expire(args),
    })
}

fn add(args: &AddArgs) -> Result<String, String> {
    let (now, comment) = (clock::now(), args.comment.clone());
    let question = Question::silence(args.matchers.clone(), args.until, args.lasts, comment, now);
    let question = question.ok_or_else(|| plain(&"the end of a silence lies in the future: give --for or --until"))?;
    let id = ask::<String>(&path(&args.config)?, &question).map_err(|error| plain(&error))?;
    Ok(format!("{id}\n"))
}

fn expire(args: &ExpireArgs) -> Result<String, String> {
    let question = Question::Expire { id: args.id.clone() };
    ask::<serde_json::Value>(&path(&args.config)?, &question).map_err(|error| plain(&error))?;
    Ok(String::new())
}

fn preview(args: &PreviewArgs) -> Result<String, String> {
    let preview = known::preview(&reader(&args.config)?, &args.matchers, clock::now());
    let preview = preview.map_err(|error| plain(&error))?;
    match args.format {
        Shape::Json => json(&preview),
        Shape::Human => Ok(human(&preview)),
    }
}

fn human(preview: &Preview) -> String {
    let mut lines = vec![match preview.incidents.len() {
        0 => "matches no open incident".to_owned(),
        1 => "matches 1 open incident:".to_owned(),
        count => format!("matches {count} open incidents:"),
    }];
    lines.extend(
        preview
            .incidents
            .iter()
            .map(|view| format!("  {} {} {}", view.id, view.cause, view.object)),
    );
    if !preview.tenants.is_empty() {
        lines.push(format!("matches {}:", counted(preview.tenants.len(), "tenant")));
    }
    lines.extend(preview.tenants.iter().map(|tenant| format!("  {tenant}")));
    let lines = lines.iter().map(|line| crate::text::clean(line)).collect::<Vec<_>>();
    lines.join("\n") + "\n"
}

fn list(args: &ListArgs) -> Result<String, String> {
    let active = known::silences(&reader(&args.config)?, clock::now()).map_err(|error| plain(&error))?;
    if args.format == Shape::Json {
        return json(&active);
    }
    if active.is_empty() {
        return Ok("no silence\n".to_owned());
    }
    let head = ["ID", "UNTIL", "MATCHERS", "COMMENT"].map(str::to_owned);
    let rows = active.into_iter().map(|silence| {
        let matchers = silence.matchers.iter().map(ToString::to_string).collect::<Vec<_>>();
        [silence.id, second(silence.ends_at), matchers.join(" "), silence.comment]
    });
    Ok(columns(&head, &rows.collect::<Vec<_>>()).join("\n") + "\n")
}
