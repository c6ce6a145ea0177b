//! A plan as it is shown, before and after it was carried out: for programs (`roundsman.plan/1`) and for people.

use std::cell::RefCell;

use roundsman_checks::diagnosis::CommandLine;
use serde::Serialize;

use crate::exit_code::ExitCode;
use crate::remediation::{Addresses, Carried, Ended, Guard, Refusal, StepEnd};
use crate::text::{clean, wrap};

/// How wide a line is.
const WIDTH: usize = 100;

/// What was planned, and what came of it (`roundsman.plan/1`). Its fields are a contract; more may be added.
#[derive(Debug, Serialize)]
pub(super) struct View {
    schema: &'static str,
    domain: String,
    exit: u8,
    /// Why nothing is changed at the moment, whatever is planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
    plans: Vec<PlanView>,
    refusals: Vec<RefusalView>,
}

#[derive(Debug, Serialize)]
struct PlanView {
    id: String,
    tenant: String,
    cause: String,
    object: String,
    automatic: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_hand: Option<String>,
    evidence: Vec<String>,
    /// The guards that do not hold it.
    passed: Vec<Guard>,
    actions: Vec<ActionView>,
    /// Whether three examinations passed after it; nothing where nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    took_s: Option<f64>,
}

#[derive(Debug, Serialize)]
struct ActionView {
    action: &'static str,
    app: Option<String>,
    hostname: Option<String>,
    /// The id of the record.
    record: Option<String>,
    machine: Option<String>,
    call: Option<String>,
    command: String,
    undo: String,
    result: &'static str,
    /// The guard that holds it, else what went wrong.
    reason: Option<String>,
    message: Option<String>,
}

#[derive(Debug, Serialize)]
struct RefusalView {
    tenant: Option<String>,
    cause: String,
    guard: Guard,
    message: String,
}

/// What the words of a view need besides.
pub(super) struct Words<'w> {
    pub domain: &'w str,
    pub zone: &'w str,
    pub tool: &'w dyn CommandLine,
    pub addresses: &'w Addresses,
}

impl View {
    pub(super) fn new(
        words: &Words<'_>,
        carried: &[Carried],
        refusals: &[Refusal],
        stopped: Option<String>,
        code: ExitCode,
    ) -> Self {
        Self {
            schema: crate::schema::PLAN,
            domain: words.domain.to_owned(),
            exit: code.code(),
            stopped,
            plans: carried.iter().map(|carried| PlanView::of(words, carried)).collect(),
            refusals: refusals.iter().map(RefusalView::of).collect(),
        }
    }
}

impl PlanView {
    fn of(words: &Words<'_>, carried: &Carried) -> Self {
        let (plan, repair) = (&carried.plan, &carried.plan.repair);
        let steps = repair.steps.iter().zip(&carried.steps);
        Self {
            id: plan.id.clone(),
            tenant: repair.tenant.id.to_string(),
            cause: repair.cause.to_string(),
            object: repair.object.to_string(),
            automatic: plan.automatic(),
            by_hand: repair.by_hand.clone(),
            evidence: repair.evidence.clone(),
            passed: plan.passed.clone(),
            actions: steps
                .map(|(step, end)| ActionView {
                    action: step.action().as_str(),
                    app: step.app().map(str::to_owned),
                    hostname: step.hostname().map(str::to_owned),
                    record: step.record().map(|record| record.id.clone()),
                    machine: step.machine().map(|machine| machine.id.clone()),
                    call: step.call(words.addresses),
                    command: step.command(words.zone, words.tool),
                    undo: step.undo(&plan.id),
                    result: end.ended.as_str(),
                    reason: reason(end),
                    message: Some(end.message.clone()).filter(|message| !message.is_empty()),
                })
                .collect(),
            verified: carried.verified.as_ref().map(Result::is_ok),
            verification: carried
                .verified
                .as_ref()
                .and_then(|verified| verified.as_ref().err().cloned()),
            took_s: carried.took().map(|took| (took.as_secs_f64() * 100.0).round() / 100.0),
        }
    }
}

fn reason(end: &StepEnd) -> Option<String> {
    let guard = end.guard.map(|guard| guard.as_str().to_owned());
    let said = || Some(end.message.clone()).filter(|said| !said.is_empty() && end.ended != Ended::Planned);
    guard.or_else(said)
}

impl RefusalView {
    fn of(refusal: &Refusal) -> Self {
        Self {
            tenant: refusal.tenant.as_ref().map(ToString::to_string),
            cause: refusal.cause.to_string(),
            guard: refusal.guard,
            message: refusal.message.clone(),
        }
    }
}

impl View {
    /// For people.
    pub(super) fn human(&self) -> String {
        let mut lines = vec![self.head()];
        if let Some(stopped) = &self.stopped {
            lines.push(wrap("stopped  ", &clean(stopped), Some(WIDTH)));
        }
        for plan in &self.plans {
            lines.push(String::new());
            lines.extend(plan.human());
        }
        if !self.refusals.is_empty() {
            lines.push(String::new());
            lines.push("not planned".to_owned());
        }
        for refusal in &self.refusals {
            let whom = refusal
                .tenant
                .as_deref()
                .map(|tenant| format!(" at {tenant}"))
                .unwrap_or_default();
            let what = format!("{}{whom}: {}", refusal.cause, refusal.message);
            lines.push(wrap(
                &format!("  {:<20} ", refusal.guard.as_str()),
                &clean(&what),
                Some(WIDTH),
            ));
        }
        lines.join("\n") + "\n"
    }

    fn head(&self) -> String {
        let count = |number: usize, one: &str, many: &str| match number {
            1 => format!("1 {one}"),
            number => format!("{number} {many}"),
        };
        let plans = match self.plans.len() {
            0 => "nothing to repair".to_owned(),
            number => count(number, "repair", "repairs"),
        };
        let refused = match self.refusals.len() {
            0 => String::new(),
            number => format!(", {number} not planned"),
        };
        format!("{}: {plans}{refused}", clean(&self.domain))
    }
}

impl PlanView {
    fn human(&self) -> Vec<String> {
        let how = if self.automatic {
            "may be done by itself"
        } else {
            "by a person only"
        };
        let head = format!("{}  {} at {} ({how})", self.id, self.cause, clean(&self.tenant));
        let lines = RefCell::new(vec![head]);
        let line = |name: &str, text: &str, width| {
            let line = wrap(&format!("  {name:<9}"), &clean(text), width);
            lines.borrow_mut().push(line);
        };
        let row = |name: &str, text: &str| line(name, text, Some(WIDTH));
        let pasted = |name: &str, text: &str| line(name, text, None);
        if let Some(why) = &self.by_hand {
            row("person", why);
        }
        for fact in self.evidence.iter().take(4) {
            row("why", fact);
        }
        let passed = self.passed.iter().map(|guard| guard.as_str());
        row("passed", &passed.collect::<Vec<_>>().join(", "));
        for action in &self.actions {
            let result = match (action.result, &action.reason) {
                ("planned", _) => String::new(),
                (result, None) => format!(" · {result}"),
                (result, Some(reason)) => format!(" · {result}: {reason}"),
            };
            row("do", &format!("{}{result}", action.action));
            if let Some(message) = action
                .message
                .as_ref()
                .filter(|said| action.reason.as_ref() != Some(said))
            {
                row("", message);
            }
            // What is pasted is never broken. A record is deleted by the call, or in the dashboard.
            match &action.record {
                Some(_) => row("by hand", &action.command),
                None => pasted("run", &action.command),
            }
            if let Some(call) = &action.call {
                pasted("call", call);
            }
            row("undo", &action.undo);
        }
        if self.actions.iter().any(|action| action.result == "done") {
            match (&self.verified, &self.verification) {
                (Some(true), _) => {
                    let took = self
                        .took_s
                        .map(|took| format!(", {took:.1} s after it began"))
                        .unwrap_or_default();
                    row("verified", &format!("three examinations passed{took}"));
                }
                (_, Some(why)) => row("verified", &format!("no: {why}")),
                _ => {}
            }
        }
        lines.into_inner()
    }
}
