//! From findings to causes: one pure function over a world. Agent first, then the fleet, then each tenant, then what
//! tenants have in common, over what is left.

mod action;
mod agent;
mod agent_platform;
mod cause;
mod commands;
mod common;
mod fact;
mod fleet_certificate;
mod fleet_dns;
mod fleet_edge;
mod fleet_findings;
mod fleet_platform;
mod object;
mod proof;
mod question;
mod rules;
mod state;
mod tenant_answer;
mod tenant_certificate;
mod tenant_dns;
mod tenant_platform;
mod tenant_release;
mod tenant_replay;
mod tenant_rules;

pub use action::{Action, Form, PlatformStep, RecordRef, Records, Remedy, Step, Wait};
pub use cause::{Cause, UnknownCause};
pub use fact::{AgentFact, AnswerFact, AppFact, CertificateFact, DnsFact, EdgeFact, Fact, HandshakeNow, Heard};
pub use object::{Api, Object};
pub use proof::{CauseEntry, Confidence, Diagnosis, FleetDetail, FleetFinding, Scope, Status, TenantVerdict};
pub use question::Question;

use proof::Proof;
use rules::Rule;
use state::State;
use tenant_rules::{Subject, TABLES, unexplained};

use crate::check::{Context, Findings, judge};
use crate::evidence::Reason;
use crate::finding::{Check, Finding, Outcome};
use crate::target::TenantId;
use crate::world::World;

/// The rules about agent and fleet, in order of precedence: the first that breaks a check explains it.
fn shared_rules() -> Vec<&'static Rule> {
    let mut rules = agent::RULES.iter().chain(agent_platform::RULES).collect::<Vec<_>>();
    rules.push(&fleet_platform::EDGE);
    rules.extend(fleet_dns::RULES);
    rules.push(&fleet_edge::UNREACHABLE);
    rules.extend(fleet_platform::RULES);
    rules.extend(fleet_certificate::RULES);
    rules.extend(fleet_edge::RULES);
    rules.push(&fleet_dns::DNSSEC);
    rules.push(&fleet_platform::ACME);
    rules.push(&fleet_certificate::CAA);
    rules
}

/// The order of checks in which a tenant's first cause is looked for.
const CAUSE_ORDER: [Check; 6] = [
    Check::Dns,
    Check::Certificate,
    Check::App,
    Check::Route,
    Check::Site,
    Check::Conflicts,
];

/// Judges and explains a world.
#[must_use]
pub fn diagnose(world: &World) -> Diagnosis {
    let context = Context::new(world);
    let mut findings = world
        .tenants
        .iter()
        .map(|tenant| judge(&context, tenant))
        .collect::<Vec<_>>();
    let questions = question::questions(&context, &findings);
    let mut state = State::new(world.tenants.len());
    let shared = prove_shared(&context, &mut state);
    for (index, findings) in findings.iter_mut().enumerate() {
        explain_by_shared(&context, index, findings, &shared, &mut state);
        explain_alone(&context, index, findings, &mut state);
    }
    common::find(&context, &findings, &mut state);
    let decided = state
        .shared
        .iter()
        .map(|(check, reason, entry)| (*check, *reason, &state.entries[*entry]))
        .collect::<Vec<_>>();
    let fleet = fleet_findings::findings(&context, &decided);
    let tenants = world
        .tenants
        .iter()
        .zip(findings)
        .enumerate()
        .map(|(index, (tenant, findings))| TenantVerdict {
            tenant: tenant.tenant.id.clone(),
            status: Status::of(&findings),
            cause: first_cause(&findings, &state.own[index], &state.entries),
            explained: state.own[index]
                .iter()
                .map(|(check, entry)| (*check, state.entries[*entry].cause))
                .collect(),
            findings,
        });
    Diagnosis {
        fleet,
        tenants: tenants.collect(),
        causes: in_order(state.entries),
        questions,
    }
}

/// Proves the shared rules from top to bottom; one that holds for all may silence others below it.
fn prove_shared(context: &Context<'_>, state: &mut State) -> Vec<Shared<'static>> {
    let mut silent = Vec::new();
    let mut shared = Vec::new();
    for rule in shared_rules() {
        if silent.iter().any(|silences: &fn(Cause) -> bool| silences(rule.cause)) {
            continue;
        }
        let proofs = (rule.proofs)(context);
        if proofs.iter().any(|proof| proof.outcome != Outcome::Warn) {
            silent.push(rule.silences);
        }
        shared.push((rule, state.add_shared(rule, proofs)));
    }
    shared
}

type Shared<'r> = (&'r Rule, Vec<(usize, Option<Reason>)>);

fn explain_by_shared(
    context: &Context<'_>,
    index: usize,
    findings: &mut Findings,
    shared: &[Shared<'_>],
    state: &mut State,
) {
    let tenant = &context.world.tenants[index];
    if !tenant.tenant.hostname.is_within(&context.world.domain) {
        return;
    }
    for (rule, entries) in shared {
        for check in Check::ALL {
            let finding = findings.of(check);
            let Some((entry, reason)) = state.concerning(tenant, check, finding.reason, entries) else {
                continue;
            };
            // A warning about the fleet explains no more than the same warning at a tenant.
            let other = state.entries[entry].outcome == Outcome::Warn
                && rule.cause != Cause::EdgeThrottled
                && finding.reason != reason;
            let taken = state.explains(index, check) || state.follows_another(index, finding, entry);
            if other || taken || !(rule.breaks)(context, tenant, check, finding) {
                continue;
            }
            state.attach(index, &tenant.tenant.id, check, entry);
            impose(findings.of_mut(check), rule, state.entries[entry].outcome, reason);
        }
    }
    let dns_decides = state.own[index]
        .iter()
        .any(|(check, entry)| *check == Check::Dns && state.entries[*entry].cause != Cause::DnssecBogus);
    if dns_decides && findings.of(Check::Dns).outcome == Outcome::Fail {
        skip_dependents(findings, state, index, Reason::PrerequisiteDns);
    }
    if tenant.visits.is_empty() && findings.of(Check::Certificate).outcome == Outcome::Fail {
        skip_dependents(findings, state, index, Reason::PrerequisiteCertificate);
    }
}

/// What a shared cause does to a check that it breaks: an agent's hides it, a fleet's fails it, and a warning leaves
/// the finding as it is.
fn impose(finding: &mut Finding, rule: &Rule, outcome: Outcome, reason: Option<Reason>) {
    let hides = rule.scope == Scope::Agent || rule.cause == Cause::EdgeThrottled;
    let imposed = if hides { Outcome::Unknown } else { outcome };
    if imposed == finding.outcome || imposed == Outcome::Warn {
        return;
    }
    finding.outcome = imposed;
    finding.message = format!("{}: {}", rule.cause, finding.message);
    if hides && finding.reason.is_some_and(is_prerequisite) {
        finding.reason = None;
    }
    finding.reason = finding.reason.or(reason);
}

fn is_prerequisite(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::PrerequisiteDns | Reason::PrerequisiteCertificate | Reason::PrerequisiteSite
    )
}

/// A check that fails by a fleet cause skips what it skips when it fails by itself.
fn skip_dependents(findings: &mut Findings, state: &State, index: usize, failed: Reason) {
    for check in [Check::Site, Check::Route] {
        let finding = findings.of_mut(check);
        if finding.outcome != Outcome::Skipped && !state.explains(index, check) {
            *finding = Finding::skipped(failed, "a check that it needs failed");
        }
    }
}

fn explain_alone(context: &Context<'_>, index: usize, findings: &mut Findings, state: &mut State) {
    let tenant = &context.world.tenants[index];
    for (checks, rules) in TABLES {
        for (cause, rule) in rules.iter().copied().flatten() {
            let mut open = open_checks(checks, index, findings, state);
            let proofs = if open.is_empty() {
                Vec::new()
            } else {
                rule.proofs(&Subject {
                    context,
                    tenant,
                    findings,
                })
            };
            for proof in proofs {
                let (outcome, reason) = (proof.outcome, proof.reason);
                open.retain(|check| proof.only.is_none_or(|only| only == *check));
                let entry = state.add(*cause, Scope::Tenant, proof);
                attach_answer(
                    index,
                    &tenant.tenant.id,
                    &open,
                    findings,
                    (*cause, entry, outcome, reason),
                    state,
                );
            }
        }
        for check in *checks {
            add_latent(
                &Subject {
                    context,
                    tenant,
                    findings,
                },
                *check,
                index,
                state,
            );
        }
        for check in open_checks(checks, index, findings, state) {
            if findings.of(check).outcome != Outcome::Skipped {
                let proof = unexplained(
                    &Subject {
                        context,
                        tenant,
                        findings,
                    },
                    check,
                );
                let entry = state.add(Cause::Unexplained, Scope::Tenant, proof);
                state.attach(index, &tenant.tenant.id, check, entry);
            }
        }
    }
}

/// What is told also where something else decides the check: a renewal that will be refused, and every stale resolver
/// beside the first.
fn add_latent(subject: &Subject<'_, '_>, check: Check, index: usize, state: &mut State) {
    let proofs = match check {
        Check::Certificate => tenant_certificate::latent(subject)
            .map(|proof| (Cause::CaaForbidsIssuance, proof))
            .into_iter()
            .collect(),
        Check::Dns => tenant_dns::all_stale(subject)
            .into_iter()
            .skip(1)
            .map(|proof| (Cause::DnsStaleResolver, proof))
            .collect(),
        _ => Vec::new(),
    };
    for (cause, proof) in proofs {
        let entry = state.add(cause, Scope::Tenant, proof);
        state.attach(index, &subject.tenant.tenant.id, check, entry);
    }
}

/// The checks that nothing explains yet: what fails or warns, and an answer that nothing identifies.
fn open_checks(checks: &[Check], index: usize, findings: &Findings, state: &State) -> Vec<Check> {
    let open = checks.iter().copied().filter(|check| {
        let finding = findings.of(*check);
        let wrong = matches!(finding.outcome, Outcome::Fail | Outcome::Warn);
        // Where the answer itself is explained already, who gave it settles nothing more.
        let nameless = finding.reason == Some(Reason::NotIdentifiable) && !state.explains(index, Check::Site);
        (wrong || nameless) && !state.explains(index, *check)
    });
    open.collect()
}

/// Attaches one proof to the checks that it explains. An answer that only resembles the edge's word for an unknown
/// name fails `route`, which nothing had identified.
fn attach_answer(
    index: usize,
    tenant: &TenantId,
    open: &[Check],
    findings: &mut Findings,
    (cause, entry, outcome, reason): (Cause, usize, Outcome, Option<Reason>),
    state: &mut State,
) {
    let wrong = |findings: &Findings, check: &Check| {
        findings.of(*check).outcome >= outcome && findings.of(*check).outcome != Outcome::Skipped
    };
    let mut explained = open
        .iter()
        .copied()
        .filter(|check| wrong(findings, check))
        .collect::<Vec<_>>();
    if explained.is_empty() && cause == Cause::TenantUnknownToEdge {
        let finding = Finding::plain(Outcome::Fail, "answered as a name that does not exist");
        *findings.of_mut(Check::Route) = Finding { reason, ..finding };
        explained.push(Check::Route);
    }
    for check in explained {
        state.attach(index, tenant, check, entry);
    }
}

fn first_cause(findings: &Findings, own: &[(Check, usize)], entries: &[CauseEntry]) -> Option<Cause> {
    let ranked = CAUSE_ORDER.iter().enumerate().filter_map(|(rank, check)| {
        let (_, entry) = own.iter().find(|(explained, _)| explained == check)?;
        Some((
            std::cmp::Reverse(findings.of(*check).outcome),
            rank,
            entries[*entry].cause,
        ))
    });
    ranked
        .min_by_key(|(outcome, rank, _)| (*outcome, *rank))
        .map(|(_, _, cause)| cause)
}

/// Agent, fleet, tenant; what fails before what warns; the entries that explain most in front. Entries of tenants
/// that a common cause took in whole are gone.
fn in_order(entries: Vec<CauseEntry>) -> Vec<CauseEntry> {
    let mut entries = entries
        .into_iter()
        .filter(|entry| entry.scope != Scope::Tenant || !entry.tenants.is_empty())
        .collect::<Vec<_>>();
    entries.sort_by(|a, b| {
        let rank = |entry: &CauseEntry| {
            (
                entry.scope,
                std::cmp::Reverse(entry.outcome),
                std::cmp::Reverse(entry.tenants.len()),
                entry.cause,
            )
        };
        rank(a)
            .cmp(&rank(b))
            .then_with(|| a.object.to_string().cmp(&b.object.to_string()))
    });
    entries
}
