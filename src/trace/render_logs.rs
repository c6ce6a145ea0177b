//! The logs of a trace in words: whose line, when, and why it is this request's.

use roundsman_checks::logs::By;

use super::render::Page;
use super::render_hops::part;
use super::{Line, LogSide, Part, Trace};

pub(super) fn told(trace: &Trace<'_>, page: Page) -> String {
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
        let none = match (told.request_sent, told.unclear) {
            (false, _) => "no request was sent",
            (true, 0) => "no line of this request",
            (true, _) => "no line is clearly this request's",
        };
        rows.push(format!("{name}: {none}"));
    }
    rows.extend(told.unclear_lines.iter().map(|line| row(name, line)));
    let more = told.unclear.saturating_sub(told.unclear_lines.len());
    if more > 0 {
        let plural = if more == 1 { "line fits" } else { "lines fit" };
        rows.push(format!("{name}: {more} more {plural} about its time"));
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
        Some(By::RequestId) => "by its id",
        Some(By::HostAndTime) => "by name and time",
        Some(By::PathAndTime) => "by path and time",
        None => "may be another request's",
    };
    format!("{name}{provider} {at} {} [{by}]", line.message.trim())
}
