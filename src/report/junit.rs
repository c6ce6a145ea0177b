//! The report as JUnit XML, as CI servers read it: a suite per tenant with its six checks, and the suite `fleet` with
//! what is looked at once. A round that does not end with 0 never reads as all green.

use std::collections::HashMap;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as File, TestCase, TestCaseStatus, TestSuite};
use roundsman_checks::diagnosis::{Cause, Scope};
use roundsman_checks::finding::Outcome;
use thiserror::Error;

use super::json::{CauseLine, FindingLine, Report, TenantLine};
use super::standing::{headline, notes, shortfalls};
use crate::text::clean;

/// Why there is no file: the XML could not be put together.
#[derive(Debug, Error)]
#[error("JUnit XML: {0}")]
pub struct JunitError(#[from] quick_junit::SerializeError);

/// What stands for the tenant where a line is about all of them.
const FLEET: &str = "fleet";
/// How many facts and fixes one failure carries.
const MOST_FACTS: usize = 10;

/// The entries by tenant and cause: why a check of a tenant is as it is.
type Known<'r> = HashMap<(Option<&'r str>, Cause), Vec<&'r CauseLine<'r>>>;

/// Renders the report.
///
/// # Errors
/// [`JunitError`] where the XML could not be put together.
pub fn render(report: &Report<'_>) -> Result<String, JunitError> {
    let known = known(report);
    let mut file = File::new(format!("roundsman {}", xml(report.domain)));
    file.set_time(Duration::try_from_secs_f64(report.seconds()).unwrap_or_default());
    let tenants = report.tenants.iter().map(|line| tenant(line, report, &known));
    let mut suites = vec![fleet(report, &known)];
    suites.extend(tenants);
    let green = suites.iter().all(|suite| suite.failures + suite.errors == 0);
    if green
        && report.exit != 0
        && let Some(fleet) = suites.first_mut()
    {
        fleet.add_test_case(verdict(report));
    }
    file.add_test_suites(suites);
    // The schema that CI servers check against has no such attribute at the root. This is the first one in the text:
    // quotes inside of values are escaped.
    let extra = format!(" skipped=\"{}\"", file.skipped);
    let mut text = file.to_string()?;
    // In place: of a large fleet nobody holds two of these texts beside what they are made of.
    if let Some(at) = text.find(&extra) {
        text.replace_range(at..at + extra.len(), "");
    }
    Ok(text)
}

fn known<'r>(report: &'r Report<'r>) -> Known<'r> {
    let mut known = Known::new();
    for line in &report.causes {
        let concerned = line.tenants.iter().map(|tenant| Some(tenant.as_str()));
        // Whom a fleet check is about is nobody in particular.
        let all = (line.scope != Scope::Tenant).then_some(None);
        for tenant in concerned.chain(all) {
            known.entry((tenant, line.cause)).or_default().push(line);
        }
    }
    known
}

fn tenant(line: &TenantLine<'_>, report: &Report<'_>, known: &Known<'_>) -> TestSuite {
    let cases = line.checks().map(|check| {
        let causes = check.cause.and_then(|cause| known.get(&(Some(line.id()), cause)));
        let causes = causes.map_or(&[][..], Vec::as_slice);
        let mut case = case(line.id(), check.check, &check.finding, check.cause, causes);
        if report.is_as_before(Some(line.id()), None) {
            known_before(&mut case);
        }
        if Report::is_accepted(causes) {
            excuse(&mut case, "ignored");
        }
        if let Some(ms) = check.duration_ms {
            case.set_time(Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default());
        }
        case
    });
    suite(line.id(), cases.collect(), report)
}

/// The fleet checks; an agent's cause that none of them tells; and what else the exit code rests on.
fn fleet(report: &Report<'_>, known: &Known<'_>) -> TestSuite {
    let mut cases = Vec::new();
    let mut told = Vec::new();
    for line in &report.fleet {
        let cause = line.cause;
        let causes = cause.and_then(|cause| known.get(&(None, cause)));
        let causes = causes.map_or(&[][..], Vec::as_slice);
        let mut case = case(FLEET, line.check, &line.finding, cause, causes);
        if report.is_as_before(None, Some(line.check)) {
            known_before(&mut case);
        }
        if Report::is_accepted(causes) {
            excuse(&mut case, "ignored");
        }
        cases.push(case);
        told.extend(cause);
    }
    for line in &report.causes {
        if line.scope == Scope::Agent && !told.contains(&line.cause) {
            told.push(line.cause);
            let first = line.evidence.first().map(ToString::to_string);
            let message = first.unwrap_or_else(|| line.title.to_owned());
            let outcome = (line.outcome, message.as_str());
            let all = known.get(&(None, line.cause)).map_or(&[][..], Vec::as_slice);
            cases.push(judged(FLEET, line.cause.as_str(), outcome, Some(line.cause), all));
        }
    }
    if report.tenants_only {
        cases.iter_mut().for_each(|case| excuse(case, "does not decide"));
    }
    for shortfall in shortfalls(report) {
        let kind = if shortfall.fails() {
            NonSuccessKind::Failure
        } else {
            NonSuccessKind::Error
        };
        let status = unwell(kind, &shortfall.name(), &shortfall.sentence(), "");
        cases.push(test_case(FLEET, &shortfall.name(), status));
    }
    let mut suite = suite(FLEET, cases, report);
    let notes = notes(report);
    if !notes.is_empty() {
        let notes = notes.iter().map(|note| xml(&note.sentence()));
        suite.set_system_out(notes.collect::<Vec<_>>().join("\n"));
    }
    suite
}

/// What is left to say where no line tells why the exit code is not 0.
fn verdict(report: &Report<'_>) -> TestCase {
    let kind = if report.exit == 1 {
        NonSuccessKind::Failure
    } else {
        NonSuccessKind::Error
    };
    test_case(FLEET, "verdict", unwell(kind, "verdict", &headline(report), ""))
}

fn suite(name: &str, cases: Vec<TestCase>, report: &Report<'_>) -> TestSuite {
    let mut suite = TestSuite::new(xml(name));
    // What evidence says of time may be anything: a sum that is too large is none.
    let times = cases.iter().filter_map(|case| case.time);
    let sum = times.fold(Duration::ZERO, Duration::saturating_add);
    suite.set_time(sum);
    // UTC without saying so is what readers of this format expect.
    let started = report.started_at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    suite.extra.insert("timestamp".into(), started.into());
    suite.add_test_cases(cases);
    suite
}

fn case(
    class: &str,
    name: &str,
    finding: &FindingLine<'_>,
    cause: Option<Cause>,
    lines: &[&CauseLine<'_>],
) -> TestCase {
    let mut case = judged(class, name, (finding.outcome, finding.message), cause, lines);
    let reason = finding.reason.map(|reason| reason.to_string());
    match &mut case.status {
        TestCaseStatus::NonSuccess { ty, .. } if cause.is_none() => {
            *ty = Some(reason.unwrap_or_else(|| finding.outcome.to_string()).into());
        }
        TestCaseStatus::Skipped { message, ty, .. } => {
            let text = reason
                .as_ref()
                .map(|reason| format!("{reason}: {}", xml(finding.message)));
            *message = Some(text.unwrap_or_else(|| xml(finding.message)).into());
            *ty = reason.map(Into::into);
        }
        _ => {}
    }
    case
}

/// What fails as it did in the baseline is shown and does not fail.
fn known_before(case: &mut TestCase) {
    let fails = matches!(&case.status, TestCaseStatus::NonSuccess { kind, .. } if *kind == NonSuccessKind::Failure);
    if fails {
        excuse(case, "as before");
    }
}

/// Shows what is wrong without failing for it.
fn excuse(case: &mut TestCase, why: &str) {
    let TestCaseStatus::NonSuccess {
        message,
        ty,
        description,
        ..
    } = &case.status
    else {
        return;
    };
    let mut status = TestCaseStatus::skipped();
    let message = message.as_ref().map_or("", |message| message.as_str());
    status.set_message(format!("{why}: {message}"));
    if let Some(ty) = ty {
        status.set_type(ty.as_str());
    }
    if let Some(text) = description {
        status.set_description(text.as_str());
    }
    case.status = status;
}

fn judged(
    class: &str,
    name: &str,
    (outcome, message): (Outcome, &str),
    cause: Option<Cause>,
    lines: &[&CauseLine<'_>],
) -> TestCase {
    let prefix = cause.map(|cause| format!("{cause}: "));
    let message = match prefix {
        Some(prefix) if !message.starts_with(&prefix) => prefix + message,
        _ => message.to_owned(),
    };
    let text = proof(cause, lines);
    let ty = cause.map_or_else(|| outcome.as_str(), Cause::as_str);
    let status = match outcome {
        Outcome::Fail => unwell(NonSuccessKind::Failure, ty, &message, &text),
        Outcome::Unknown => unwell(NonSuccessKind::Error, ty, &message, &text),
        Outcome::Skipped => TestCaseStatus::skipped(),
        Outcome::Pass | Outcome::Warn => TestCaseStatus::success(),
    };
    let mut case = test_case(class, name, status);
    if outcome == Outcome::Warn {
        case.set_system_out(format!("warning: {}\n{text}", xml(&message)));
    }
    case
}

fn test_case(class: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(xml(name), status);
    case.set_classname(xml(class));
    case
}

fn unwell(kind: NonSuccessKind, ty: &str, message: &str, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(xml(ty)).set_message(xml(message));
    // Some readers show the text alone.
    status.set_description(if text.is_empty() { xml(message) } else { text.to_owned() });
    status
}

/// Explanation, evidence and fixes, as lines.
fn proof(cause: Option<Cause>, lines: &[&CauseLine<'_>]) -> String {
    let mut text = Vec::new();
    if let Some(cause) = cause {
        text.push(format!("{cause}: {}. {}", cause.title(), cause.meaning()));
    }
    let facts = lines
        .iter()
        .flat_map(|line| line.evidence)
        .map(|fact| xml(&fact.to_string()));
    let fixes = lines.iter().flat_map(|line| &line.remedy);
    let fixes = fixes.flat_map(|remedy| &remedy.instructions);
    let fixes = fixes.map(|fix| format!("{}: {}", fix.form.as_str(), xml(fix.behind_label())));
    for more in [facts.collect::<Vec<_>>(), fixes.collect::<Vec<_>>()] {
        let hidden = more.len().saturating_sub(MOST_FACTS);
        text.extend(more.into_iter().take(MOST_FACTS));
        if hidden > 0 {
            text.push(format!("and {hidden} more"));
        }
    }
    text.extend(
        lines
            .first()
            .map(|line| format!("more: {}\ndocs: {}", line.explain, line.docs)),
    );
    text.join("\n")
}

/// Takes out what XML 1.0 can't hold in any spelling (section 2.2: control codes, U+FFFE, U+FFFF).
fn xml(text: &str) -> String {
    clean(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn tells_every_outcome_and_holds_what_targets_say() {
        insta::assert_snapshot!(render(&sample::hostile()).unwrap());
    }

    #[test]
    fn an_empty_interrupted_round_is_not_green() {
        insta::assert_snapshot!(render(&sample::empty()).unwrap());
    }

    #[test]
    fn an_exit_code_that_no_line_explains_is_told_by_itself() {
        let mut report = sample::empty();
        (report.interrupted, report.exit) = (false, 1);
        report.summary.tenants = 1;
        report.fleet.clear();
        let text = render(&report).unwrap();
        assert!(
            text.contains("<testcase name=\"verdict\" classname=\"fleet\">"),
            "{text}"
        );
        assert!(text.contains("<failure message=\"failing: no tenant\""), "{text}");
    }
}
