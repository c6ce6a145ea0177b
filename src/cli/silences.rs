//! `roundsman silences`: what somebody does not want to hear of, on purpose and for a while.

use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use roundsman_alerts::{Incident, Matcher, Silence};
use serde::Serialize;

use super::args::{ConfigArgs, Shape, duration};
use super::database::{end, json, path, plain, reader, second};
use super::help;
use super::table::columns;
use crate::agent::clock;
use crate::daemon::{IncidentView, Question, ask, is_matched};
use crate::exit_code::ExitCode;

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
    #[arg(required = true, value_name = "MATCHER")]
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
    #[arg(required = true, value_name = "MATCHER")]
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
    let now = clock::now();
    let by_length = args
        .lasts
        .and_then(|lasts| now.checked_add(SignedDuration::try_from(lasts).ok()?).ok());
    let ends_at = args.until.or(by_length);
    let ends_at = ends_at.filter(|ends| *ends > now);
    let ends_at = ends_at.ok_or_else(|| plain(&"the end of a silence lies in the future: give --for or --until"))?;
    let question = Question::Silence {
        matchers: args.matchers.clone(),
        ends_at,
        comment: args.comment.clone(),
    };
    let id = ask::<String>(&path(&args.config)?, &question).map_err(|error| plain(&error))?;
    Ok(format!("{id}\n"))
}

fn expire(args: &ExpireArgs) -> Result<String, String> {
    let question = Question::Expire { id: args.id.clone() };
    ask::<serde_json::Value>(&path(&args.config)?, &question).map_err(|error| plain(&error))?;
    Ok(String::new())
}

/// What a silence would mute.
#[derive(Serialize)]
struct Preview {
    incidents: Vec<IncidentView>,
    tenants: Vec<String>,
}

fn preview(args: &PreviewArgs) -> Result<String, String> {
    let known = reader(&args.config)?.remembered().map_err(|error| plain(&error))?;
    let now = clock::now();
    let silence = Silence {
        id: String::new(),
        matchers: args.matchers.clone(),
        starts_at: Timestamp::MIN,
        ends_at: Timestamp::MAX,
        comment: String::new(),
    };
    let open = known.incidents.iter().filter(|incident| incident.is_open());
    let matched = open
        .filter(|incident| is_matched(incident, &silence, now))
        .collect::<Vec<&Incident>>();
    let by_tenant = args
        .matchers
        .iter()
        .filter(|matcher| matcher.is_about_members())
        .collect::<Vec<_>>();
    let tenants = known.tenants.iter().map(|tenant| tenant.tenant.clone());
    let named =
        |tenant: &String| !by_tenant.is_empty() && by_tenant.iter().all(|matcher| matcher.matches_member(tenant));
    let preview = Preview {
        incidents: matched
            .iter()
            .map(|incident| IncidentView::of(incident, &[], now))
            .collect(),
        tenants: tenants.filter(named).collect(),
    };
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
    match preview.tenants.len() {
        0 => {}
        1 => lines.push("matches 1 tenant:".to_owned()),
        count => lines.push(format!("matches {count} tenants:")),
    }
    lines.extend(preview.tenants.iter().map(|tenant| format!("  {tenant}")));
    let lines = lines.iter().map(|line| crate::text::clean(line)).collect::<Vec<_>>();
    lines.join("\n") + "\n"
}

fn list(args: &ListArgs) -> Result<String, String> {
    let silences = reader(&args.config)?
        .remembered()
        .map_err(|error| plain(&error))?
        .silences;
    let now = clock::now();
    let active = silences
        .into_iter()
        .filter(|silence| silence.is_active(now))
        .collect::<Vec<_>>();
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
