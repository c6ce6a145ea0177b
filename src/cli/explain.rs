//! `roundsman explain`: what a cause means, what proves it, what to do. The same text is `docs/causes.md`.

use std::fmt::Write as _;

use clap::Args;
use roundsman_checks::diagnosis::{Cause, Class, Scope};

use super::candidates;
use super::{colour_errors, usage_error};
use crate::config::{nearest, render_plain};
use crate::exit_code::ExitCode;
use crate::text::capital;

/// Options of `explain`.
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// The cause, as reports name it; without one all are listed
    #[arg(value_name = "CAUSE", add = candidates::causes())]
    pub cause: Option<String>,
}

/// What reports say at `vantage` and what is no cause: it fails and warns nobody.
const NOTE: &str = "resolver-differs";
const NOTE_TITLE: &str = "a resolver answers otherwise than the zone's servers, by its own design";
const NOTE_MEANING: &str = "\
    A label that nobody ever asked for can't be in a cache, and this resolver gives it other addresses than the servers \
    do: split horizon, DNS64, answers by place. Users of that resolver may see other addresses than roundsman judges. It \
    is a note: nobody fails or warns by it, no severity belongs to it. To compare with other resolvers set `[dns] \
    resolvers`.";

/// Explains a cause, or lists all.
#[must_use]
pub fn run(args: &ExplainArgs) -> ExitCode {
    let Some(name) = &args.cause else {
        return super::print(&list(), ExitCode::Verified);
    };
    let wanted = name.to_ascii_lowercase();
    if wanted == NOTE {
        return super::print(&format!("{NOTE}: {NOTE_TITLE}\n\n{NOTE_MEANING}\n"), ExitCode::Verified);
    }
    match Cause::ALL.iter().find(|cause| cause.as_str() == wanted) {
        Some(cause) => super::print(&explained(*cause), ExitCode::Verified),
        None => {
            let names = Cause::ALL.iter().map(|cause| cause.as_str());
            let near = nearest(&wanted, names, 3).join("`, `");
            let hint = match near.is_empty() {
                true => "`roundsman explain` lists all".to_owned(),
                false => format!("did you mean `{near}`? `roundsman explain` lists all"),
            };
            usage_error(&render_plain(&format!("no cause `{name}`: {hint}"), colour_errors()))
        }
    }
}

fn list() -> String {
    let mut text = String::new();
    for cause in Cause::ALL {
        let _ = writeln!(text, "{:<36} {}", cause.as_str(), cause.title());
    }
    let _ = writeln!(text, "{NOTE:<36} {NOTE_TITLE} (a note, no cause)");
    text
}

/// One cause for a terminal.
fn explained(cause: Cause) -> String {
    let mut text = format!("{cause}: {}\n\n{}\n\n", cause.title(), cause.meaning());
    for (label, said) in facts(cause) {
        let _ = writeln!(text, "{label:<11}{said}");
    }
    text
}

/// What is to be said of a cause, with a label each.
fn facts(cause: Cause) -> Vec<(&'static str, String)> {
    let (row, why) = (cause.row(), cause.guidance());
    let mut facts = vec![("confirmed", format!("by {}", why.confirmed))];
    facts.extend(why.likely.map(|likely| ("likely", format!("by {likely}"))));
    facts.push(("fix", why.remedy.to_owned()));
    let scope = match row.scope {
        Scope::Agent => "the agent itself: nothing is said of the tenants that it hides",
        Scope::Fleet => "what all tenants share",
        Scope::Tenant => "one tenant",
    };
    facts.push(("about", scope.to_owned()));
    let passes = match row.class {
        Class::Transient => "yes: `--wait` waits for it",
        Class::Lasting => "no: `--fail-fast` ends the wait",
        Class::Neither => "not by itself",
    };
    facts.push(("passes", passes.to_owned()));
    facts.push(("severity", row.severity.to_string()));
    facts
}

/// All causes as a page: `docs/causes.md`.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "# Causes\n\nWhat roundsman names, what proves it, what to do. `roundsman explain CAUSE` says the same. This page is made from \
         the catalog: `cargo test --test main causes_page` compares it, with `ROUNDSMAN_WRITE_DOCS=1` it is written anew.\n\n\
         `confirmed` is a promise: the guilty object itself was seen, and no evidence in hand speaks against it.\n\n\
         | cause | severity | confirmed by | likely by |\n|---|---|---|---|\n",
    );
    for cause in Cause::ALL {
        let why = cause.guidance();
        let likely = why.likely.unwrap_or("–");
        let _ = writeln!(
            page,
            "| [`{cause}`](#{cause}) | {} | {} | {likely} |",
            cause.row().severity,
            why.confirmed
        );
    }
    for cause in Cause::ALL {
        let _ = write!(
            page,
            "\n## {cause}\n\n**{}.** {}\n\n",
            capital(cause.title()),
            cause.meaning()
        );
        for (label, said) in facts(*cause) {
            let _ = writeln!(page, "- {label}: {said}");
        }
    }
    let title = capital(NOTE_TITLE);
    let _ = write!(
        page,
        "\n## A note that is no cause: {NOTE}\n\n**{title}.** {NOTE_MEANING}\n"
    );
    page
}
