//! `certificate`: what the edge really serves for the name verifies, and enough of its lifetime is left.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::unvisited;
use crate::chain::Facts;
use crate::evidence::{AppCertificate, CertificateState, Reason, StepStatus, Visit};
use crate::finding::{Finding, Outcome};
use crate::fleet::FleetContext;
use crate::reading::{CaaSet, Lifetime, caa_forbids, caa_set, joined};
use crate::world::TenantEvidence;

pub(super) fn judge(context: &FleetContext, tenant: &TenantEvidence) -> Finding {
    let Some(visit) = deciding_visit(context, tenant) else {
        return unvisited(tenant);
    };
    if let Some(what) = visit.exhausted().filter(|_| !visit.handshake.end.is_done()) {
        return Finding::plain(Outcome::Unknown, format!("not visited: {what}"));
    }
    let ms = (visit.connect.ms + visit.handshake.ms).0;
    let facts = context.facts(visit);
    match visit.channel_end() {
        StepStatus::Failed(fault) => {
            let message = format!("{}: {}", visit.address, fault.detail);
            let finding = Finding::plain(Outcome::Fail, message).because(fault.reason).took(ms);
            return match facts {
                Some(facts) => finding.comparing(format!("a chain valid for {}", visit.name), served(&facts)),
                None => finding,
            };
        }
        StepStatus::Exhausted(_) | StepStatus::NotReached => {
            return Finding::plain(Outcome::Unknown, "the handshake was not reached").took(ms);
        }
        StepStatus::Done => {}
    }
    let Some(facts) = facts else {
        return Finding::plain(Outcome::Unknown, "the chain that verified can't be read").took(ms);
    };
    verified(context, tenant, visit, &facts).took(ms)
}

/// The visit whose chain counts: where the channel stood, that of the shortest time left, for an edge of several addresses
/// may serve an old chain at one of them, and a page that came from another address takes nothing away from that. One that
/// can't be read may be the oldest.
#[must_use]
pub fn deciding_visit<'t>(context: &FleetContext, tenant: &'t TenantEvidence) -> Option<&'t Visit> {
    let counts = tenant.visit()?;
    if tenant.visits.len() + tenant.retries.len() == 1 || !counts.channel_end().is_done() {
        return Some(counts);
    }
    let left = |visit: &Visit| {
        let facts = context.facts(visit);
        facts.map_or(f64::NEG_INFINITY, |facts| facts.remaining(context.moment_of(visit)))
    };
    let stand = tenant.all_visits().filter(|visit| visit.channel_end().is_done());
    let ends_first = stand.min_by(|a, b| left(a).total_cmp(&left(b)));
    ends_first.filter(|visit| left(visit) < left(counts)).or(Some(counts))
}

fn verified(context: &FleetContext, tenant: &TenantEvidence, visit: &Visit, facts: &Facts) -> Finding {
    let limits = tenant.expectation.certificate;
    let moment = context.moment_of(visit);
    let remaining = facts.remaining(moment);
    // Another address than that of the page has to be named.
    let elsewhere = tenant.visit().is_some_and(|counts| counts.address != visit.address);
    let place = if elsewhere {
        format!("{}: ", visit.address)
    } else {
        String::new()
    };
    let text = format!("{place}{}, {}", facts.issuer, Lifetime::of(facts, moment));
    let expected = |limit: f64| format!("at least {:.0} % of its lifetime left", limit * 100.0);
    if remaining < limits.fail_below {
        let finding = Finding::plain(Outcome::Fail, text.clone()).because(Reason::TlsExpiring);
        return finding.comparing(expected(limits.fail_below), text);
    }
    if remaining < limits.warn_below {
        let finding = Finding::plain(Outcome::Warn, text.clone()).because(Reason::TlsExpiring);
        return finding.comparing(expected(limits.warn_below), text);
    }
    if let Some(at) = ends_soon(context, visit) {
        let day = at.strftime("%Y-%m-%d");
        let message = format!("an intermediate ends on {day}, and nothing else leads to a trusted root");
        let finding = Finding::plain(Outcome::Warn, message).because(Reason::TlsExpiring);
        return finding.comparing("a chain that lasts", text);
    }
    if let Some(other) = failing_address(context, tenant) {
        let message = format!("{}: {}, {} works", other.address, channel_reason(other), visit.address);
        let finding =
            Finding::plain(Outcome::Warn, message).comparing("every address of the edge", other.address.to_string());
        return match other.channel_end().reason() {
            Some(reason) => finding.because(reason),
            None => finding,
        };
    }
    if let Some(own) = pending(context, tenant) {
        let message = format!(
            "the edge app's own certificate for the name: {}; the wildcard serves it",
            own.status
        );
        return Finding::plain(Outcome::Warn, message)
            .because(Reason::PlatformPending)
            .comparing("Ready", own.status.clone());
    }
    if let Some(set) = caa_fault(context, tenant, visit) {
        let message = format!("CAA of {} does not allow {}", set.owner, facts.issuer);
        return Finding::plain(Outcome::Warn, message).comparing(joined(&set.records), facts.issuer.clone());
    }
    Finding::plain(Outcome::Pass, text)
}

/// Seconds before its end at which an intermediate that is needed is told: 14 days.
const SOON: i64 = 14 * 86_400;

/// When an intermediate ends without which no path stands, where that is within 14 days.
#[must_use]
pub fn ends_soon(context: &FleetContext, visit: &Visit) -> Option<Timestamp> {
    let left = |at: &Timestamp| at.as_second() - context.moment_of(visit).as_second();
    visit.handshake.path_ends.filter(|at| (0..=SOON).contains(&left(at)))
}

/// The edge app's certificate for exactly this name, where it is not ready.
fn pending<'w>(context: &'w FleetContext, tenant: &TenantEvidence) -> Option<&'w AppCertificate> {
    let edge = context.edge_app()?;
    let own = edge
        .certificates
        .iter()
        .find(|own| own.hostname == tenant.tenant.hostname.as_str())?;
    (own.state != CertificateState::Ready).then_some(own)
}

/// An address at which this tenant fails while another address serves it, unless the control name fails there too:
/// then it is the address's. A control name that was not seen there takes nothing away.
#[must_use]
pub fn failing_address<'t>(context: &FleetContext, tenant: &'t TenantEvidence) -> Option<&'t Visit> {
    let control_fails = |visit: &&Visit| {
        context
            .fleet
            .edge
            .control_at(visit.address)
            .is_some_and(|control| control.channel_end().reason().is_some())
    };
    tenant.failing_elsewhere().find(|visit| !control_fails(visit))
}

fn channel_reason(visit: &Visit) -> String {
    visit
        .channel_end()
        .reason()
        .map(|reason| reason.to_string())
        .unwrap_or_default()
}

/// The tenant's own CAA set, where it forbids the authority that issued what is served. The set of the domain is the
/// fleet's, and what stands at `*.DOMAIN` is asked by nobody who issues the wildcard: for that name the authority looks
/// at the domain (RFC 8659, section 3).
#[must_use]
pub fn caa_fault(context: &FleetContext, tenant: &TenantEvidence, visit: &Visit) -> Option<CaaSet> {
    let facts = context.facts(visit)?;
    let mut set = tenant.dns.authoritative.iter().find_map(caa_set)?;
    let name = tenant.tenant.hostname.as_str();
    let wildcard = !facts.names.iter().any(|covered| covered.eq_ignore_ascii_case(name));
    let mut of_wildcard = context.fleet.zone.wildcard_caa.iter().filter_map(caa_set);
    if of_wildcard.any(|other| alike(&set, &other)) {
        if wildcard {
            return None;
        }
        set.owner = context.fleet.wildcard_name();
    }
    let organization = facts.issuer_organization.as_deref()?;
    (caa_forbids(&set, organization, wildcard) == Some(true)).then_some(set)
}

/// Whether two sets hold the same records, in any order.
fn alike(one: &CaaSet, other: &CaaSet) -> bool {
    let sorted = |set: &CaaSet| set.records.iter().cloned().collect::<BTreeSet<_>>();
    sorted(one) == sorted(other)
}

fn served(facts: &Facts) -> String {
    let names = facts
        .names
        .iter()
        .take(3)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    let more = if facts.names.len() > 3 { ", …" } else { "" };
    format!("{names}{more} issued by {}, {} sent", facts.issuer, facts.length)
}
