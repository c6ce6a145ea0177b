//! The logs of a trace in words: whose line, when, and why it is this request's.

use roundsman_checks::logs::By;

use super::trace::Page;
use super::trace_hops::part;
use crate::trace::{Line, LogSide, Part, Trace};

pub(super) fn told(trace: &Trace, page: Page) -> String {
    let (edge, app) = (&trace.logs.edge, &trace.logs.app);
    match (edge, app) {
        (Part::NotConfigured, _) => return page.line("logs", "not configured"),
        (Part::NotAsked { why }, _) => return page.line("logs", &format!("not asked: {why}")),
        _ => {}
    }
    let edge_app = match &trace.platform {
        Part::Known(told) => told.edge_app.as_str(),
        _ => "the edge",
    };
    let mut rows = side("logs", edge_app, edge, page);
    rows.extend(side("", &trace.app, app, page));
    rows.join("\n")
}

fn side(label: &str, name: &str, side: &Part<LogSide>, page: Page) -> Vec<String> {
    let Part::Known(told) = side else {
        return vec![page.line(label, &format!("{name}: {}", part(side, |_| String::new())))];
    };
    let mut rows = told.lines.iter().map(|line| row(name, line)).collect::<Vec<_>>();
    if rows.is_empty() {
        rows.push(format!("{name}: no line of this request"));
    }
    if told.unclear > 0 {
        let unclear = told.unclear;
        let plural = if unclear == 1 { "line fits" } else { "lines fit" };
        rows.push(format!(
            "{name}: {unclear} {plural} about its time and may be another request's"
        ));
    }
    let rows = rows.iter().enumerate();
    rows.map(|(at, row)| page.line(if at == 0 { label } else { "" }, row))
        .collect()
}

fn row(name: &str, line: &Line) -> String {
    let at = line
        .at
        .map(|at| at.strftime("%H:%M:%S%.3f").to_string())
        .unwrap_or_default();
    let provider = line.provider.as_deref().filter(|provider| *provider != "app");
    let provider = provider.map(|provider| format!(" ({provider})")).unwrap_or_default();
    let by = match line.by {
        By::RequestId => "by its id",
        By::HostAndTime => "by name and time",
        By::PathAndTime => "by path and time",
    };
    format!("{name}{provider} {at} {} [{by}]", line.message.trim())
}
