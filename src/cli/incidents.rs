//! `roundsman incidents`: what is open, one of them in full, and that somebody looks after it.

use clap::{Args, Subcommand};
use roundsman_alerts::Incident;
use serde::Serialize;

use super::args::{ConfigArgs, Shape};
use super::database::{end, json, path, plain, reader, second};
use super::help;
use super::table::{WIDTH, columns};
use crate::agent::clock;
use crate::daemon::{IncidentView, Question, ask};
use crate::exit_code::ExitCode;
use crate::store::{Reader, TimelineEntry};
use crate::text::{clean, wrap};

/// Options of `incidents`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct IncidentsArgs {
    /// What to do; nothing: list.
    #[command(subcommand)]
    pub command: Option<IncidentsCommand>,
    /// What to list.
    #[command(flatten)]
    pub list: ListArgs,
}

/// What can be done with incidents.
#[derive(Clone, Debug, Subcommand)]
pub enum IncidentsCommand {
    /// List the open ones
    #[command(after_help = help::incidents())]
    List(ListArgs),
    /// Show one in full, with what happened to it
    #[command(after_help = help::incidents())]
    Show(ShowArgs),
    /// Say that somebody looks after one: it is not told again until its end
    #[command(after_help = help::incidents())]
    Ack(AckArgs),
}

/// Options of `incidents list`.
#[derive(Clone, Debug, Default, Args)]
pub struct ListArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// List those that are over too
    #[arg(long)]
    pub all: bool,
    /// What to write
    #[arg(long, value_enum, default_value_t)]
    pub format: Shape,
}

/// Options of `incidents show`.
#[derive(Clone, Debug, Args)]
pub struct ShowArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The incident
    pub id: String,
    /// What to write
    #[arg(long, value_enum, default_value_t)]
    pub format: Shape,
}

/// Options of `incidents ack`.
#[derive(Clone, Debug, Args)]
pub struct AckArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The incident
    pub id: String,
    /// Who looks after it, or what is known
    #[arg(long, default_value = "", hide_default_value = true)]
    pub comment: String,
}

/// Does what is asked.
#[must_use]
pub fn run(args: &IncidentsArgs) -> ExitCode {
    end(match &args.command {
        None => list(&args.list),
        Some(IncidentsCommand::List(args)) => list(args),
        Some(IncidentsCommand::Show(args)) => show(args),
        Some(IncidentsCommand::Ack(args)) => acknowledge(args),
    })
}

/// The incidents that were opened, those that are over last.
fn opened(reader: &Reader, all: bool) -> Result<Vec<Incident>, String> {
    let known = reader.remembered().map_err(|error| plain(&error))?.incidents;
    let mut opened = known.into_iter().filter(Incident::is_open).collect::<Vec<_>>();
    opened.sort_by_key(|incident| std::cmp::Reverse(incident.opened().map(|opened| opened.wall)));
    if all {
        opened.extend(reader.history().map_err(|error| plain(&error))?);
    }
    Ok(opened)
}

fn list(args: &ListArgs) -> Result<String, String> {
    let reader = reader(&args.config)?;
    let silences = reader.remembered().map_err(|error| plain(&error))?.silences;
    let now = clock::now();
    let views = opened(&reader, args.all)?;
    let views = views
        .iter()
        .map(|incident| IncidentView::of(incident, &silences, now))
        .collect::<Vec<_>>();
    match args.format {
        Shape::Json => json(&views),
        Shape::Human => Ok(table(&views, args.all)),
    }
}

fn table(views: &[IncidentView], all: bool) -> String {
    if views.is_empty() {
        let which = if all { "no incident" } else { "no open incident" };
        return format!("{which}\n");
    }
    let head = ["ID", "SEVERITY", "STATE", "CAUSE", "TENANTS", "SINCE", "MARKS"].map(str::to_owned);
    let rows = views.iter().map(|view| {
        let marks = [(view.acknowledged, "ack"), (view.silenced_until.is_some(), "silenced")];
        let marks = marks.iter().filter(|(has, _)| *has).map(|(_, mark)| *mark);
        let tenants = match (view.tenants.as_slice(), view.tenants_total) {
            ([], _) => view.scope.clone(),
            ([one], 1) => one.clone(),
            ([first, ..], total) => format!("{first} and {} more", total - 1),
        };
        [
            view.id.clone(),
            view.severity.to_string(),
            view.state.to_string(),
            view.cause.clone(),
            tenants,
            view.opened_at.map(second).unwrap_or_default(),
            marks.collect::<Vec<_>>().join(", "),
        ]
    });
    columns(&head, &rows.collect::<Vec<_>>()).join("\n") + "\n"
}

/// One incident in full.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    view: IncidentView,
    evidence: Vec<String>,
    remedy: Vec<String>,
    comment: Option<String>,
    timeline: Vec<Happened>,
}

#[derive(Serialize)]
struct Happened {
    at: jiff::Timestamp,
    #[serde(flatten)]
    change: serde_json::Value,
    #[serde(skip)]
    text: String,
}

fn show(args: &ShowArgs) -> Result<String, String> {
    let reader = reader(&args.config)?;
    let silences = reader.remembered().map_err(|error| plain(&error))?.silences;
    let all = opened(&reader, true)?;
    let is_it = |incident: &&Incident| incident.core().id.as_str() == args.id;
    let unknown = || {
        plain(&format!(
            "no incident `{}`: `roundsman incidents --all` lists them",
            args.id
        ))
    };
    let incident = all.iter().find(is_it).ok_or_else(unknown)?;
    let timeline = reader.timeline(&args.id).map_err(|error| plain(&error))?;
    let core = incident.core();
    let shown = Shown {
        view: IncidentView::of(incident, &silences, clock::now()),
        evidence: core.account.evidence.clone(),
        remedy: core.account.remedy.clone(),
        comment: core
            .acknowledged
            .as_ref()
            .map(|acknowledged| acknowledged.comment.clone()),
        timeline: timeline.iter().map(happened).collect(),
    };
    match args.format {
        Shape::Json => json(&shown),
        Shape::Human => Ok(human(&shown)),
    }
}

fn happened(entry: &TimelineEntry) -> Happened {
    let change = match serde_json::to_value(&entry.change) {
        Ok(serde_json::Value::String(word)) => serde_json::json!({ "change": word }),
        Ok(other) => serde_json::json!({ "change": other }),
        Err(_) => serde_json::Value::Null,
    };
    Happened {
        at: entry.at,
        change,
        text: entry.change.to_string(),
    }
}

fn human(shown: &Shown) -> String {
    let view = &shown.view;
    let mut lines = vec![format!("{} {} {} · {}", view.id, view.severity, view.cause, view.state)];
    let mut row = |name: &str, text: &str| {
        lines.push(wrap(&format!("{name:<11}"), &clean(text), Some(WIDTH)));
    };
    if let Some(changed) = &view.changed {
        row("changed", changed);
    }
    row("object", &view.object);
    let more = view.tenants_total - view.tenants.len();
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    if view.tenants_total > 0 {
        row("tenants", &format!("{}{more}", view.tenants.join(", ")));
    }
    if let Some(opened) = view.opened_at {
        row("opened", &second(opened));
    }
    if let Some(resolved) = view.resolved_at {
        row("resolved", &second(resolved));
    }
    if view.acknowledged {
        row(
            "look after",
            shown
                .comment
                .as_deref()
                .filter(|text| !text.is_empty())
                .unwrap_or("acknowledged"),
        );
    }
    if let Some(until) = view.silenced_until {
        row("silenced", &format!("until {}", second(until)));
    }
    for line in &shown.evidence {
        row("evidence", line);
    }
    for line in &shown.remedy {
        row("fix", line);
    }
    lines.push(String::new());
    for happened in &shown.timeline {
        lines.push(wrap(
            &format!("{}  ", second(happened.at)),
            &clean(&happened.text),
            Some(WIDTH),
        ));
    }
    lines.join("\n") + "\n"
}

fn acknowledge(args: &AckArgs) -> Result<String, String> {
    let question = Question::Acknowledge {
        id: args.id.clone(),
        comment: args.comment.clone(),
    };
    ask::<serde_json::Value>(&path(&args.config)?, &question).map_err(|error| plain(&error))?;
    Ok(String::new())
}
