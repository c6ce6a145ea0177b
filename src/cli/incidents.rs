//! `roundsman incidents`: what is open, one of them in full, and that somebody looks after it.

use clap::{Args, Subcommand};

use super::args::{ConfigArgs, Shape};
use super::candidates;
use super::database::{end, json, minute, path, plain, reader, second};
use super::help;
use super::table::{WIDTH, columns};
use crate::agent::clock;
use crate::daemon::{IncidentInFull, IncidentView, Question, ask, known};
use crate::exit_code::ExitCode;
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
    #[arg(add = candidates::incidents())]
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
    #[arg(add = candidates::incidents())]
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

fn list(args: &ListArgs) -> Result<String, String> {
    let views = known::incidents(&reader(&args.config)?, args.all, clock::now()).map_err(|error| plain(&error))?;
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
            view.opened_at.map(minute).unwrap_or_default(),
            marks.collect::<Vec<_>>().join(", "),
        ]
    });
    columns(&head, &rows.collect::<Vec<_>>()).join("\n") + "\n"
}

fn show(args: &ShowArgs) -> Result<String, String> {
    let shown = known::incident(&reader(&args.config)?, &args.id, clock::now()).map_err(|error| plain(&error))?;
    let shown = shown.ok_or_else(|| plain(&known::unknown_incident(&args.id)))?;
    match args.format {
        Shape::Json => json(&shown),
        Shape::Human => Ok(human(&shown)),
    }
}

fn human(shown: &IncidentInFull) -> String {
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
            &clean(&happened.change.to_string()),
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
