//! `roundsman doctor`: whether roundsman has what it needs here. Verifies no tenant, and changes nothing.

use std::sync::Arc;

use clap::Args;
use roundsman_checks::clock::Moment;
use roundsman_checks::diagnosis::Form;

use super::args::{ListFormat, TargetArgs};
use super::configuration::configuration;
use super::{colour_errors, output, stoppable, usage_error};
use crate::agent::Stop;
use crate::config::Config;
use crate::doctor::{Checkup, Examination, Status, examine, without_configuration, without_network};
use crate::exit_code::ExitCode;
use crate::inventory::TenantsFrom;
use crate::json;
use crate::text::{Paint, Style};

/// Options of `doctor`.
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub target: TargetArgs,
    /// What to write to standard output
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", help_heading = "Output")]
    pub format: ListFormat,
}

/// Looks at everything, and says what is lacking.
#[must_use]
pub fn run(args: &DoctorArgs) -> ExitCode {
    let began = Moment::now();
    let (examination, rendered) = match configuration(&args.target, &args.target.flags()) {
        Err(error) => {
            let examination = without_configuration(&error.brief(), args.target.config_path());
            (examination, Some(error.render(colour_errors())))
        }
        Ok(config) => (look(args, config), None),
    };
    let text = match args.format {
        ListFormat::Human => human(&examination, began.elapsed().as_secs_f64(), output::style()),
        // Strings and lists only: it always serialises.
        ListFormat::Json => json::text(&examination).unwrap_or_default(),
    };
    let code = super::print(&text, examination.exit_code());
    // With its lines and columns, as every command says it.
    rendered.map_or(code, |rendered| usage_error(&rendered))
}

fn look(args: &DoctorArgs, config: Config) -> Examination {
    let (config, from) = (Arc::new(config), args.target.tenants_from.clone());
    let (asked, named) = (Arc::clone(&config), from.clone());
    let looked = stoppable::run(|mut stop: Stop| async move { examine(asked, named, stop.wait()).await });
    looked.unwrap_or_else(|error| match from.map(TenantsFrom::kept).transpose() {
        Ok(from) => without_network(&config, from.as_ref(), &error.to_string()),
        Err(error) => without_configuration(&error.to_string(), None),
    })
}

/// Columns of a status and of a name, with the spaces behind them.
const STATUS: usize = 6;
const NAME: usize = 15;

fn human(examination: &Examination, seconds: f64, style: Style) -> String {
    let mut text = String::new();
    for check in &examination.checks {
        text += &told(check, style);
    }
    let number = |status| examination.checks.iter().filter(|check| check.status == status).count();
    let parts = [
        (number(Status::Ok), "ok"),
        (number(Status::Warn), "to look at"),
        (number(Status::Fail), "failed"),
        (number(Status::Skip), "not asked"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts = parts
        .map(|(number, what)| format!("{number} {what}"))
        .collect::<Vec<_>>()
        .join(", ");
    let parts = match &examination.unfinished {
        Some(why) => format!("inconclusive ({why}): {parts}"),
        None => parts,
    };
    let end = format!("{parts} · {seconds:.1} s · exit {}", examination.exit);
    text + "\n" + &style.paragraph("", &end) + "\n"
}

fn told(check: &Checkup, style: Style) -> String {
    let (word, paint) = match check.status {
        Status::Ok => ("OK", Paint::Good),
        Status::Warn => ("WARN", Paint::Doubtful),
        Status::Fail => ("FAIL", Paint::Bad),
        Status::Skip => ("SKIP", Paint::Faint),
    };
    let (label, name) = (format!("{word:<STATUS$}"), format!("{:<NAME$}", check.name));
    // Painted last: colours have no width.
    let seen = style.paragraph(&format!("{label}{name}"), &check.seen.replace('\n', " "));
    let seen = seen.replacen(word, &style.painted(word, paint), 1);
    let mut lines = vec![seen];
    for step in &check.fix {
        let first = format!("{:STATUS$}{:<NAME$}", "", step.form.as_str());
        lines.push(match step.form {
            // What is pasted is never broken.
            Form::Run => format!("{first}{}", style.shown(&step.text)),
            _ => style.paragraph(&first, step.behind_label()),
        });
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::sample;

    #[test]
    fn it_is_told_within_the_width_and_commands_stay_whole() {
        let style = Style {
            width: Some(80),
            ..Style::default()
        };
        insta::assert_snapshot!(human(&sample(), 0.42, style));
    }
}
