//! `roundsman alerts`: tries a channel, shows what messages look like, and lists what was not delivered.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use roundsman_alerts::channel::Channel;
use roundsman_alerts::notification::{Dossier, Message, Outcome};
use roundsman_alerts::render::{mail, pagerduty, slack};
use roundsman_checks::diagnosis::Cause;

use super::args::{ConfigArgs, Shape, TargetArgs};
use super::candidates;
use super::configuration::configuration;
use super::database::{end, json, path, plain, reader, second};
use super::table::columns;
use super::{colour_errors, help, print, usage_error};
use crate::agent::{clock, vantage_name};
use crate::alerting::{channel, dossier, preview, test_message};
use crate::config::{Config, Flags, nearest};
use crate::daemon::{ApiError, DeliveryView, Question, ask};
use crate::exit_code::ExitCode;

/// What can be done with alerts.
#[derive(Clone, Debug, Subcommand)]
pub enum AlertsCommand {
    /// Send a labelled test message through a channel, and say what the server answered
    #[command(after_help = help::alerts_test())]
    Test(TestArgs),
    /// Show what a message of a cause looks like, in each form
    #[command(after_help = help::alerts())]
    Preview(PreviewArgs),
    /// List what waits to be delivered or was given up
    #[command(after_help = help::alerts())]
    Outbox(OutboxArgs),
}

/// Options of `alerts test`.
#[derive(Clone, Debug, Args)]
pub struct TestArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The channel, as [[alerts.channels]] names it
    #[arg(value_name = "CHANNEL", add = candidates::channels())]
    pub channel: String,
}

/// Options of `alerts preview`.
#[derive(Clone, Debug, Args)]
pub struct PreviewArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The causes; none: all
    #[arg(value_name = "CAUSE", add = candidates::causes())]
    pub causes: Vec<Cause>,
    /// What to show
    #[arg(long = "as", value_enum, default_value_t)]
    pub form: Form,
    /// Write every form of each cause into this folder instead
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// A form of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// The text part of a mail.
    #[default]
    Text,
    /// The HTML part of a mail.
    Html,
    /// What Slack gets.
    Slack,
    /// What a webhook gets.
    Webhook,
    /// What PagerDuty gets.
    Pagerduty,
}

/// Options of `alerts outbox`.
#[derive(Clone, Debug, Args)]
pub struct OutboxArgs {
    /// Which configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Send again what was given up, and what waits at once
    #[arg(long)]
    pub retry: bool,
    /// What to write
    #[arg(long, value_enum, default_value_t)]
    pub format: Shape,
}

/// Does what is asked.
#[must_use]
pub fn run(command: &AlertsCommand) -> ExitCode {
    match command {
        AlertsCommand::Test(args) => test(args).unwrap_or_else(|rendered| usage_error(&rendered)),
        AlertsCommand::Preview(args) => end(previews(args)),
        AlertsCommand::Outbox(args) => end(outbox(args)),
    }
}

fn read(args: &ConfigArgs) -> Result<Config, String> {
    let target = TargetArgs {
        config: args.config.clone(),
        ..TargetArgs::default()
    };
    configuration(&target, &Flags::default()).map_err(|error| error.render(colour_errors()))
}

fn test(args: &TestArgs) -> Result<ExitCode, String> {
    let config = read(&args.config)?;
    let channels = &config.alerts.channels;
    let table = channels.iter().find(|table| table.name == args.channel);
    let table = table.ok_or_else(|| {
        let names = channels.iter().map(|table| table.name.as_str()).collect::<Vec<_>>();
        let near = nearest(&args.channel, names.iter().copied(), 1);
        let hint = match (near.first(), names.as_slice()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, []) => "the configuration has none: add [[alerts.channels]]".to_owned(),
            (None, names) => format!("there are {}", names.join(", ")),
        };
        plain(&format!("no channel is called `{}`: {hint}", args.channel))
    })?;
    let channel = channel(table).map_err(|error| plain(&error))?;
    let dossier = dossier(&config, &vantage_name(&config));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| plain(&error))?;
    let (said, all) = runtime.block_on(send(&channel, &dossier, &table.to));
    let exit = if all { ExitCode::Verified } else { ExitCode::Failing };
    Ok(print(&said, exit))
}

/// Sends a test to everybody whom a channel tells. A line for each, and whether all got it.
async fn send(channel: &Channel, dossier: &Dossier, recipients: &[String]) -> (String, bool) {
    let message = test_message(channel, dossier, clock::now());
    let everybody = match recipients {
        [] => vec![None],
        several => several.iter().map(|one| Some(one.as_str())).collect(),
    };
    let (mut lines, mut all) = (String::new(), true);
    for recipient in everybody {
        let outcome = channel.deliver(&message, recipient, clock::now()).await;
        let to = recipient.map(|recipient| format!(" ({recipient})")).unwrap_or_default();
        let said = match outcome {
            Outcome::Delivered(said) => format!("delivered, the server says: {said}"),
            Outcome::Failed(failure) => {
                all = false;
                format!("not delivered: {}", failure.why)
            }
        };
        lines.push_str(&format!("{}{to}: {said}\n", channel.name));
    }
    (lines, all)
}

fn previews(args: &PreviewArgs) -> Result<String, String> {
    let config = read(&args.config)?;
    let dossier = dossier(&config, &vantage_name(&config));
    let causes = match args.causes.as_slice() {
        [] => Cause::ALL,
        named => named,
    };
    let messages = causes
        .iter()
        .filter_map(|cause| preview(*cause, &dossier, clock::now()));
    let Some(dir) = &args.dir else {
        let all = messages
            .map(|message| form(args.form, &message))
            .collect::<Result<Vec<_>, _>>()?;
        return Ok(all.join("\n"));
    };
    std::fs::create_dir_all(dir).map_err(|error| plain(&format!("{}: {error}", dir.display())))?;
    let mut count = 0;
    for message in messages {
        let files = [
            (Form::Text, "txt"),
            (Form::Html, "html"),
            (Form::Slack, "slack.json"),
            (Form::Webhook, "webhook.json"),
            (Form::Pagerduty, "pagerduty.json"),
        ];
        for (wanted, ending) in files {
            let file = dir.join(format!("{}.{ending}", message.cause));
            let written = std::fs::write(&file, form(wanted, &message)?);
            written.map_err(|error| plain(&format!("{}: {error}", file.display())))?;
            count += 1;
        }
    }
    Ok(format!("{}: {count} files\n", dir.display()))
}

fn form(form: Form, message: &Message) -> Result<String, String> {
    Ok(match form {
        Form::Text => {
            let mail = mail(message);
            format!("Subject: {}\n\n{}", mail.subject, mail.text)
        }
        Form::Html => mail(message).html,
        Form::Slack => json(&slack(message))?,
        Form::Webhook => json(message)?,
        Form::Pagerduty => json(&pagerduty(message, "ROUTING_KEY"))?,
    })
}

fn outbox(args: &OutboxArgs) -> Result<String, String> {
    let database = path(&args.config)?;
    if args.retry {
        let count = ask::<usize>(&database, &Question::Retry).map_err(|error| plain(&error))?;
        return Ok(format!(
            "{count} that were given up are tried again, and what waits at once\n"
        ));
    }
    let all = match ask::<Vec<DeliveryView>>(&database, &Question::Outbox) {
        Ok(all) => all,
        Err(ApiError::NotRunning) => {
            let known = reader(&args.config)?.remembered().map_err(|error| plain(&error))?;
            known.deliveries.iter().map(DeliveryView::of).collect()
        }
        Err(error) => return Err(plain(&error)),
    };
    match args.format {
        Shape::Json => json(&all),
        Shape::Human if all.is_empty() => Ok("nothing waits, and nothing was given up\n".to_owned()),
        Shape::Human => Ok(listed(&all)),
    }
}

fn listed(all: &[DeliveryView]) -> String {
    let head = ["STATE", "CHANNEL", "RECIPIENT", "TRIED", "SINCE", "REASON"].map(str::to_owned);
    let rows = all.iter().map(|delivery| {
        [
            delivery.state.clone(),
            delivery.channel.clone(),
            delivery.recipient.clone().unwrap_or_default(),
            delivery.attempts.to_string(),
            second(delivery.queued_at),
            delivery.reason.clone(),
        ]
    });
    let mut lines = columns(&head, &rows.collect::<Vec<_>>()).into_iter();
    let mut text = lines.next().unwrap_or_default() + "\n";
    for (line, delivery) in lines.zip(all) {
        text.push_str(&format!("{line}\n  {}\n", crate::text::clean(&delivery.subject)));
        if let Some(error) = &delivery.error {
            text.push_str(&format!("  {}\n", crate::text::clean(error)));
        }
    }
    text
}
