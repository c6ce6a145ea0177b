//! `site`: the page answers with the expected status over the expected HTTP version, headers and body as configured.

use super::unvisited;
use crate::evidence::{Answer, Reason, StepStatus, Visit};
use crate::expectation::{HttpVersion, Place, SiteExpectation};
use crate::finding::{Finding, Outcome};
use crate::fleet::FleetContext;
use crate::matching::json;
use crate::reading::{StatusLine, excerpt, value_at_place};
use crate::world::TenantEvidence;

pub(super) fn judge(context: &FleetContext, tenant: &TenantEvidence) -> Finding {
    let Some(visit) = tenant.visit() else {
        return unvisited(tenant);
    };
    let finding = judge_visit(tenant, visit);
    match failing_page(context, tenant).filter(|_| finding.outcome == Outcome::Pass) {
        Some(other) => at_one_address(visit, other),
        None => finding,
    }
}

/// An address at which the page failed while another gives it, unless a name that exists nowhere is not served there
/// either: then it is the address's.
fn failing_page<'t>(context: &FleetContext, tenant: &'t TenantEvidence) -> Option<&'t Visit> {
    let stands = |visit: &&Visit| {
        let control = context.fleet.edge.control_at(visit.address);
        control.is_none_or(|control| control.page.end.reason().is_none())
    };
    tenant.failing_pages_elsewhere().find(stands)
}

fn at_one_address(works: &Visit, fails: &Visit) -> Finding {
    let (reason, said) = match (&fails.page.end, &fails.page.answer) {
        (StepStatus::Failed(fault), _) => (fault.reason, fault.detail.clone()),
        (_, Some(answer)) => (Reason::HttpStatus, format!("status {}", StatusLine::of(answer))),
        _ => (Reason::HttpClosed, "no answer".to_owned()),
    };
    let message = format!("{}: {said}; {} works", fails.address, works.address);
    let finding = Finding::plain(Outcome::Warn, message).because(reason);
    finding.comparing("every address of the edge", fails.address.to_string())
}

fn judge_visit(tenant: &TenantEvidence, visit: &Visit) -> Finding {
    let ms = (visit.connect.ms + visit.handshake.ms + visit.page.total_ms).0;
    match &visit.page.end {
        StepStatus::Failed(fault) => Finding::plain(Outcome::Fail, fault.detail.clone())
            .because(fault.reason)
            .took(ms),
        StepStatus::Exhausted(what) => Finding::plain(Outcome::Unknown, format!("not asked: {what}")),
        StepStatus::NotReached => Finding::plain(Outcome::Unknown, "the page was not asked for"),
        StepStatus::Done => match &visit.page.answer {
            Some(answer) => judge_answer(&tenant.expectation.site, answer, (!tenant.woken).then_some(ms)).took(ms),
            None => Finding::plain(Outcome::Unknown, "the answer was not kept"),
        },
    }
}

/// `ms` is how long it took, where that is judged: a visit that woke its tenant is not.
fn judge_answer(expected: &SiteExpectation, answer: &Answer, ms: Option<f64>) -> Finding {
    let right_status = expected.status.contains(&answer.status);
    let statuses = expected
        .status
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" or ");
    if !right_status && (300..400).contains(&answer.status) {
        let to = answer.header("location").unwrap_or("nowhere");
        let finding = Finding::plain(Outcome::Fail, format!("{} to {to}", answer.status)).because(Reason::HttpRedirect);
        return finding.comparing(statuses, format!("{} to {to}", answer.status));
    }
    if let Some((wanted, got)) = wrong_version(expected.http, &answer.version) {
        let finding = Finding::plain(Outcome::Fail, format!("answered over {got}")).because(Reason::HttpProtocol);
        return finding.comparing(wanted, got);
    }
    if !right_status {
        let text = StatusLine::of(answer).to_string();
        let finding = Finding::plain(Outcome::Fail, format!("status {text}")).because(Reason::HttpStatus);
        return finding.comparing(statuses, text);
    }
    if let Some((name, wanted, got)) = wrong_header(expected, answer) {
        let finding = Finding::plain(Outcome::Fail, format!("header {name} is {got}")).because(Reason::HttpHeader);
        return finding.comparing(format!("{name}: {wanted}"), format!("{name}: {got}"));
    }
    if let Some(finding) = wrong_body(expected, answer) {
        return finding;
    }
    if let Some(finding) = wrong_release(expected, answer) {
        return finding;
    }
    let slow = expected.slow.as_secs_f64() * 1000.0;
    if let Some(ms) = ms.filter(|ms| *ms > slow) {
        let finding = Finding::plain(Outcome::Warn, format!("took {ms:.0} ms")).because(Reason::HttpSlow);
        return finding.comparing(format!("at most {slow:.0} ms"), format!("{ms:.0} ms"));
    }
    Finding::plain(Outcome::Pass, format!("{} over HTTP/{}", answer.status, answer.version))
}

fn wrong_version(expected: HttpVersion, got: &str) -> Option<(&'static str, String)> {
    let wanted = match expected {
        HttpVersion::Any => return None,
        HttpVersion::Http1 => "1.1",
        HttpVersion::Http2 => "2",
    };
    let name = if wanted == "2" { "HTTP/2" } else { "HTTP/1.1" };
    (got != wanted).then(|| (name, format!("HTTP/{got}")))
}

fn wrong_header<'a>(expected: &'a SiteExpectation, answer: &'a Answer) -> Option<(&'a str, &'a str, &'a str)> {
    expected.expect_headers.iter().find_map(|(name, wanted)| {
        let any = answer.headers.iter().any(|(key, value)| key == name && value == wanted);
        (!any).then(|| (name.as_str(), wanted.as_str(), answer.header(name).unwrap_or("missing")))
    })
}

/// A match that the limit on reading left undecided is `http/too-large`; one that was decided counts.
fn wrong_body(expected: &SiteExpectation, answer: &Answer) -> Option<Finding> {
    let body = &answer.body;
    let fail = |what: String, message: String, wanted: String| {
        let (reason, message) = if body.complete {
            (Reason::HttpBody, message)
        } else {
            (
                Reason::HttpTooLarge,
                format!("reading stopped at {} bytes, before {what} was decided", body.length),
            )
        };
        Some(
            Finding::plain(Outcome::Fail, message)
                .because(reason)
                .comparing(wanted, excerpt(&body.prefix)),
        )
    };
    let text = &expected.body_contains;
    if !text.is_empty() && body.matches.contains != Some(true) {
        return fail(
            format!("whether it contains `{text}`"),
            format!("the body lacks `{text}`"),
            text.clone(),
        );
    }
    for (pointer, wanted) in &expected.json {
        let got = body.matches.json.get(pointer).and_then(Option::as_ref);
        if got != Some(wanted) {
            let missing = || body.matches.not_json.clone().unwrap_or_else(|| "missing".into());
            let got = got.map_or_else(missing, ToString::to_string);
            let message = format!("`{pointer}` of the body is {got}");
            return fail(format!("`{pointer}`"), message, format!("{pointer} = {wanted}"));
        }
    }
    None
}

/// Where a version is expected, the answer must carry exactly this one.
fn wrong_release(expected: &SiteExpectation, answer: &Answer) -> Option<Finding> {
    let version = expected.version.as_ref()?;
    let (told, message) = match value_at_place(&version.place, answer) {
        Some((told, _)) if told == version.value => return None,
        Some((told, whence)) => {
            let told = excerpt(&told);
            (told.clone(), format!("answers with {told} ({whence})"))
        }
        None if matches!(version.place, Place::Json(_)) && !answer.body.complete => {
            let message = format!(
                "reading stopped at {} bytes, before {} was seen",
                answer.body.length, version.place
            );
            return Some(Finding::plain(Outcome::Fail, message).because(Reason::HttpTooLarge));
        }
        None => (
            "none".to_owned(),
            format!("answers without a version in {}", version.place),
        ),
    };
    let finding = Finding::plain(Outcome::Fail, message).because(Reason::HttpRelease);
    Some(finding.comparing(&version.value, told))
}

/// Whether the app itself says that it is still booting: `{"status":"starting"}`, or 503 `service starting`.
#[must_use]
pub fn says_starting(answer: &Answer) -> bool {
    let Ok(body) = json(&answer.body.prefix) else {
        return false;
    };
    let is = |key: &str, value: &str| body.get(key).and_then(serde_json::Value::as_str) == Some(value);
    is("status", "starting") || (answer.status == 503 && is("error", "service starting"))
}
