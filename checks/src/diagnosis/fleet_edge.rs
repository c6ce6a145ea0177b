//! Fleet rules about the edge: its addresses, its handshakes, its limits. Judged by a name that exists nowhere.

use std::net::SocketAddr;

use super::fleet_dns::most_frequent;
use super::tenant_facts::VisitFacts;
use super::{EdgeFact, Fact, Object, Proof, Remedy, TenantFacts, Totals};
use crate::evidence::{Platform, Reason, Visit};
use crate::finding::{Check, Outcome, SeenIn};
use crate::fleet::{FleetContext, OtherEdge};
use crate::reading::joined;

/// Fewest first visits that must be cut before a limit is spoken of.
const MANY: usize = 3;

/// The latest control visit at each address that was asked.
fn controls(context: &FleetContext) -> Vec<&Visit> {
    let edge = &context.fleet.edge;
    edge.sockets()
        .filter_map(|socket| edge.control_at(socket))
        .filter(|visit| visit.exhausted().is_none())
        .collect()
}

/// One proof where no address works, whatever the others fail with; one warning each where only some fail.
fn by_address(
    context: &FleetContext,
    fails: impl Fn(&Visit) -> Option<Reason>,
    remedy: impl Fn(&[SocketAddr]) -> Remedy,
) -> Vec<Proof> {
    let all = controls(context);
    let failing = all
        .iter()
        .filter_map(|visit| Some((*visit, fails(visit)?)))
        .collect::<Vec<_>>();
    if failing.is_empty() {
        return Vec::new();
    }
    let fact = |visit: &Visit, reason: Reason| {
        let detail = match visit.channel_end() {
            crate::evidence::StepStatus::Failed(fault) => fault.detail.clone(),
            _ => String::new(),
        };
        let address = visit.address;
        Fact::from(EdgeFact::AddressFails {
            address,
            reason,
            detail,
        })
    };
    let down = all
        .iter()
        .all(|visit| visit.channel_end().reason().is_some() && visit.handshake.faults.is_empty());
    if down {
        let evidence = failing.iter().map(|(visit, reason)| fact(visit, *reason)).collect();
        let addresses = failing.iter().map(|(visit, _)| visit.address).collect::<Vec<_>>();
        return vec![
            Proof::fail(Object::Edge, evidence)
                .because(most_frequent(failing.iter().map(|(_, reason)| *reason)))
                .remedy(remedy(&addresses)),
        ];
    }
    let one = |(visit, reason): &(&Visit, Reason)| {
        let evidence = vec![
            fact(visit, *reason),
            EdgeFact::AddressesWork(all.len() - failing.len(), all.len()).into(),
        ];
        let proof = Proof::fail(Object::EdgeAddress(visit.address), evidence).outcome(Outcome::Warn);
        proof.because(*reason).remedy(remedy(&[visit.address]))
    };
    failing.iter().map(one).collect()
}

pub(super) fn family(address: SocketAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}

pub(super) fn unreachable(context: &FleetContext, _: &Totals) -> Vec<Proof> {
    let tcp = |visit: &Visit| visit.connect.end.reason();
    by_address(context, tcp, |addresses| {
        Remedy::advise(format!(
            "check that the edge listens on {}, and the firewalls between here and there",
            joined(addresses)
        ))
    })
}

pub(super) fn by_unreachable(context: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    let unreachable = |visit: &Visit| visit.connect.end.reason().is_some();
    let nobody_went = || !facts.inactive && facts.probed && controls(context).into_iter().all(unreachable);
    is_open(facts, check)
        && facts.visit.map_or_else(
            || facts.spared || nobody_went(),
            |visit| visit.connect_failed && stands_nowhere(context, facts, &visit),
        )
}

/// Whether a rule about the edge's handshakes may be why a `certificate` is as it is.
fn is_open(facts: &TenantFacts, check: Check) -> bool {
    check == Check::Certificate && matches!(facts.outcome(check), Outcome::Fail | Outcome::Unknown)
}

/// Whether a visit ended before there was a chain to judge, and the control name's did so too at the same address.
/// An edge that resets connections does it now before, now after the first byte of TLS: the layers need not agree.
fn stands_nowhere(context: &FleetContext, facts: &TenantFacts, visit: &VisitFacts) -> bool {
    let fails = |visit: &Visit| visit.channel_end().reason().is_some() && visit.handshake.faults.is_empty();
    let control = facts
        .socket(context)
        .and_then(|socket| context.fleet.edge.control_at(socket));
    visit.failed_before_chain && control.is_some_and(fails)
}

/// A handshake that failed before there was a chain to judge.
fn tls_fault(visit: &Visit) -> Option<Reason> {
    visit
        .handshake
        .end
        .reason()
        .filter(|_| visit.handshake.faults.is_empty())
}

pub(super) fn tls_failing(context: &FleetContext, _: &Totals) -> Vec<Proof> {
    let unsettled =
        |visit: &Visit| visit.was_cut() && context.fleet.edge.rechecks.iter().all(|r| r.address != visit.address);
    let fails = |visit: &Visit| tls_fault(visit).filter(|_| !unsettled(visit));
    let control = &context.fleet.zone.control;
    let mut proofs = by_address(context, fails, |addresses| {
        let first = addresses.first().map(ToString::to_string).unwrap_or_default();
        let places = joined(addresses);
        Remedy::advise(format!(
            "check the edge app's TLS at {places}: its logs and its certificates"
        ))
        .shown_by(format!(
            "openssl s_client -connect {first} -servername {control} </dev/null"
        ))
    });
    for proof in &mut proofs {
        // Only the platform can say that it is no missing or conflicting wildcard certificate.
        if !tells_certificates(context) {
            proof.confidence = super::Confidence::Likely;
        }
        let alike = EdgeFact::ControlFailsAlike(context.fleet.zone.control.to_string());
        proof.evidence.push(alike.into());
    }
    proofs
}

/// Whether the platform tells who holds the wildcard's certificate, the edge app among all others.
fn tells_certificates(context: &FleetContext) -> bool {
    let whole = |platform: &Platform| {
        let edge = platform.edge().filter(|edge| edge.certificates_missing.is_none());
        platform.apps_missing.is_none() && edge.is_some()
    };
    context.platform().is_some_and(whole) && !matches!(context.other_edge, OtherEdge::Open(_))
}

pub(super) fn by_tls(context: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    let stands_nowhere = |visit: VisitFacts| stands_nowhere(context, facts, &visit);
    is_open(facts, check) && facts.visit.map_or(facts.spared, stands_nowhere)
}

/// Tenants whose first visit was cut, and how the unhurried ones went.
pub(super) fn throttled(context: &FleetContext, totals: &Totals) -> Vec<Proof> {
    let cut = totals.first_cut.values().sum::<usize>();
    let (recovered, still) = (totals.recovered, totals.limited);
    let mut rechecks = context.fleet.edge.rechecks.iter();
    let control_passes = totals.control_stood > 0 || rechecks.any(|control| control.handshake.end.is_done());
    if cut < MANY || (recovered == 0 && (still == 0 || !control_passes)) {
        return Vec::new();
    }
    let reason = totals.first_cut.keys().next().copied();
    let visited = totals.visited;
    let evidence = vec![
        EdgeFact::FirstCut { cut, visited, reason }.into(),
        EdgeFact::Repeated { recovered, still }.into(),
    ];
    let remedy = Remedy::advise("run with a lower `--concurrency`, or set `[schedule] rate` below the edge's limit");
    let proof = Proof::fail(Object::Edge, evidence).outcome(Outcome::Warn);
    vec![proof.because(reason).remedy(remedy)]
}

pub(super) fn by_throttle(_: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    let hidden = match check.seen_in() {
        SeenIn::Channel => facts.outcome(check) == Outcome::Fail,
        SeenIn::Answer => facts.reason(check) == Some(Reason::PrerequisiteCertificate),
        SeenIn::Dns | SeenIn::Platform => false,
    };
    hidden && facts.limited && facts.visit.is_some_and(|visit| visit.was_cut)
}
