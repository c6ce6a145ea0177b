//! Fleet rules about the edge: its addresses, its handshakes, its limits. Judged by a name that exists nowhere.

use std::net::SocketAddr;

use super::fleet_dns::most_frequent;
use super::rules::{Rule, silences_nothing};
use super::{Cause, EdgeFact, Fact, Object, Proof, Remedy, Scope};
use crate::check::Context;
use crate::evidence::{Reason, Visit};
use crate::finding::{Check, Finding, FleetCheck, Outcome};
use crate::world::TenantWorld;

/// Goes before the rules of the wildcard certificate.
pub(super) const UNREACHABLE: Rule = Rule {
    cause: Cause::EdgeUnreachable,
    scope: Scope::Fleet,
    check: FleetCheck::Edge,
    proofs: unreachable,
    breaks: by_unreachable,
    silences: silences_nothing,
};

/// In order of precedence, after the rules of the wildcard certificate.
pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: Cause::EdgeTlsFailing,
        scope: Scope::Fleet,
        check: FleetCheck::Edge,
        proofs: tls_failing,
        breaks: by_tls,
        silences: silences_nothing,
    },
    Rule {
        cause: Cause::EdgeThrottled,
        scope: Scope::Fleet,
        check: FleetCheck::Edge,
        proofs: throttled,
        breaks: by_throttle,
        silences: silences_nothing,
    },
];

/// Fewest first visits that must be cut before a limit is spoken of.
const MANY: usize = 3;

/// The latest control visit at each address that was asked.
fn controls<'c>(context: &'c Context<'_>) -> Vec<&'c Visit> {
    let edge = &context.world.edge;
    edge.sockets()
        .filter_map(|socket| edge.control_at(socket))
        .filter(|visit| visit.exhausted().is_none())
        .collect()
}

/// One proof where no address works, whatever the others fail with; one warning each where only some fail.
fn by_address(
    context: &Context<'_>,
    fails: impl Fn(&Visit) -> Option<Reason>,
    remedy: impl Fn(SocketAddr) -> Remedy,
) -> Vec<Proof> {
    let all = controls(context);
    let failing = all
        .iter()
        .filter_map(|visit| Some((*visit, fails(visit)?)))
        .collect::<Vec<_>>();
    let Some((first, _)) = failing.first() else {
        return Vec::new();
    };
    let fact = |visit: &Visit, reason: Reason| {
        let detail = match visit.channel_end() {
            crate::evidence::End::Failed(fault) => fault.detail.clone(),
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
        return vec![
            Proof::fail(Object::Edge, evidence)
                .because(most_frequent(failing.iter().map(|(_, reason)| *reason)))
                .remedy(remedy(first.address)),
        ];
    }
    let one = |(visit, reason): &(&Visit, Reason)| {
        let evidence = vec![
            fact(visit, *reason),
            EdgeFact::AddressesWork(all.len() - failing.len(), all.len()).into(),
        ];
        let proof = Proof::fail(Object::EdgeAddress(visit.address), evidence).outcome(Outcome::Warn);
        proof.because(*reason).remedy(remedy(visit.address))
    };
    failing.iter().map(one).collect()
}

pub(super) fn family(address: SocketAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}

fn unreachable(context: &Context<'_>) -> Vec<Proof> {
    let tcp = |visit: &Visit| visit.connect.end.reason();
    by_address(context, tcp, |address| {
        Remedy::look(format!(
            "check that the edge listens on {address} and that nothing on the way drops it"
        ))
    })
}

fn by_unreachable(context: &Context<'_>, tenant: &TenantWorld, check: Check, finding: &Finding) -> bool {
    let unreachable = |visit: &Visit| visit.connect.end.reason().is_some();
    let nobody_went = || !tenant.tenant.inactive && tenant.looked_at && controls(context).into_iter().all(unreachable);
    check == Check::Certificate
        && matches!(finding.outcome, Outcome::Fail | Outcome::Unknown)
        && tenant.visit().map_or_else(nobody_went, |visit| {
            unreachable(visit) && stands_nowhere(context, visit)
        })
}

/// Whether a visit ended before there was a chain to judge, and the control name's did so too at the same address.
/// An edge that resets connections does it now before, now after the first byte of TLS: the layers need not agree.
fn stands_nowhere(context: &Context<'_>, visit: &Visit) -> bool {
    let fails = |visit: &Visit| visit.channel_end().reason().is_some() && visit.handshake.faults.is_empty();
    fails(visit) && context.world.edge.control_at(visit.address).is_some_and(fails)
}

/// A handshake that failed before there was a chain to judge.
fn tls_fault(visit: &Visit) -> Option<Reason> {
    visit
        .handshake
        .end
        .reason()
        .filter(|_| visit.handshake.faults.is_empty())
}

fn tls_failing(context: &Context<'_>) -> Vec<Proof> {
    let unsettled =
        |visit: &Visit| visit.was_cut() && context.world.edge.rechecks.iter().all(|r| r.address != visit.address);
    let fails = |visit: &Visit| tls_fault(visit).filter(|_| !unsettled(visit));
    let mut proofs = by_address(context, fails, |address| {
        Remedy::look(format!(
            "check the edge app's TLS at {address}: its logs and its certificates (`openssl s_client -connect {address} -servername {}`)",
            context.world.zone.control
        ))
    });
    for proof in &mut proofs {
        // Only the platform can say that it is no missing or conflicting wildcard certificate.
        if context.world.platform.known().is_none() {
            proof.confidence = super::Confidence::Likely;
        }
        let alike = EdgeFact::ControlFailsAlike(context.world.zone.control.to_string());
        proof.evidence.push(alike.into());
    }
    proofs
}

fn by_tls(context: &Context<'_>, tenant: &TenantWorld, check: Check, finding: &Finding) -> bool {
    let failing = check == Check::Certificate && matches!(finding.outcome, Outcome::Fail | Outcome::Unknown);
    failing && tenant.visit().is_some_and(|visit| stands_nowhere(context, visit))
}

/// Tenants whose first visit was cut, and how the unhurried ones went.
fn throttled(context: &Context<'_>) -> Vec<Proof> {
    let first_cut = |tenant: &&TenantWorld| tenant.visits.first().is_some_and(Visit::was_cut);
    let cut = context.world.tenants.iter().filter(first_cut).collect::<Vec<_>>();
    let recovered = cut
        .iter()
        .filter(|tenant| tenant.retries.iter().any(|retry| retry.visit.handshake.chain.is_some()))
        .count();
    let still = cut.iter().filter(|tenant| limited(tenant)).count();
    let unhurried = cut
        .iter()
        .flat_map(|tenant| &tenant.retries)
        .filter_map(|retry| retry.control.as_ref());
    let control_passes = unhurried
        .chain(&context.world.edge.rechecks)
        .any(|control| control.handshake.end.is_done());
    if cut.len() < MANY || (recovered == 0 && (still == 0 || !control_passes)) {
        return Vec::new();
    }
    let reason = cut
        .iter()
        .filter_map(|tenant| tenant.visits.first()?.channel_end().reason())
        .min();
    let visited = context
        .world
        .tenants
        .iter()
        .filter(|tenant| !tenant.visits.is_empty())
        .count();
    let cut = cut.len();
    let evidence = vec![
        EdgeFact::FirstCut { cut, visited, reason }.into(),
        EdgeFact::Repeated { recovered, still }.into(),
    ];
    let remedy = Remedy::advise("run with a lower `--concurrency`, or set `[schedule] rate` below the edge's limit");
    vec![
        Proof::fail(Object::Edge, evidence)
            .outcome(Outcome::Warn)
            .because(reason)
            .remedy(remedy),
    ]
}

/// Cut in its last unhurried visit too, and the control name with it; or cut and never repeated.
fn limited(tenant: &TenantWorld) -> bool {
    match tenant.retries.last() {
        Some(retry) => retry.visit.was_cut() && retry.control.as_ref().is_some_and(Visit::was_cut),
        None => tenant.visits.last().is_some_and(Visit::was_cut),
    }
}

fn by_throttle(_: &Context<'_>, tenant: &TenantWorld, check: Check, finding: &Finding) -> bool {
    let hidden = match check {
        Check::Certificate => finding.outcome == Outcome::Fail,
        Check::Site | Check::Route => finding.reason == Some(Reason::PrerequisiteCertificate),
        Check::Dns | Check::Conflicts | Check::App => false,
    };
    hidden && tenant.visit().is_some_and(Visit::was_cut) && limited(tenant)
}
