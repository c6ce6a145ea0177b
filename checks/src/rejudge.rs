//! Takes recorded evidence up again: chains by other trust anchors, pages by other expectations. Pure, as the first time.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;

use crate::chain::{self, TrustStore};
use crate::evidence::{Answer, ChainId, Fault, StepStatus, Visit};
use crate::expectation::{Expectation, SiteExpectation};
use crate::matching::matches;
use crate::world::{CertificateChain, TenantEvidence, World};

/// Judges every presented chain of the world by these anchors, each at the moment of its visit. What a channel carried stays
/// as it was: where a chain fails now, a check that needs the channel is skipped; where one passes now that failed, what
/// was never asked stays unknown.
pub fn judge_chains(world: &mut World, anchors: &TrustStore) {
    let (chains, now) = (std::mem::take(&mut world.chains), world.now);
    let tenants = world.tenants.iter_mut().flat_map(visits);
    let edge = world.edge.controls.iter_mut().chain(&mut world.edge.rechecks);
    for visit in edge.chain(tenants) {
        judge(visit, &chains, anchors, now);
    }
    world.chains = chains;
}

/// Expects something else of a tenant than was expected when it was looked at. A body is searched again where all of it
/// was kept; else what nobody looked for stays undecided.
pub fn expect(tenant: &mut TenantEvidence, expectation: Expectation) {
    let (old, new) = (&tenant.expectation.site, &expectation.site);
    let same = (&old.body_contains, &old.json, &old.identity, &old.version)
        == (&new.body_contains, &new.json, &new.identity, &new.version);
    if !same {
        let site = new.clone();
        for answer in visits(tenant).filter_map(|visit| visit.page.answer.as_mut()) {
            search(answer, &site);
        }
    }
    tenant.expectation = expectation.into();
}

fn search(answer: &mut Answer, site: &SiteExpectation) {
    let body = &mut answer.body;
    let kept = body.prefix.len() as u64 == body.length;
    body.complete &= kept;
    body.matches = matches(&body.prefix, body.complete, site);
}

/// Every visit of a tenant, and those of the control name beside them.
fn visits(tenant: &mut TenantEvidence) -> impl Iterator<Item = &mut Visit> {
    let retries = tenant.retries.iter_mut();
    let retries = retries.flat_map(|retry| std::iter::once(&mut retry.visit).chain(retry.control.as_mut()));
    let logged = tenant.log.visits.iter_mut();
    let direct = tenant.direct.as_deref_mut();
    tenant.visits.iter_mut().chain(retries).chain(direct).chain(logged)
}

fn judge(visit: &mut Visit, chains: &BTreeMap<ChainId, Arc<CertificateChain>>, anchors: &TrustStore, now: Timestamp) {
    let handshake = &mut visit.handshake;
    let Some(presented) = handshake.chain.and_then(|id| chains.get(&id)) else {
        return;
    };
    let presented = presented
        .0
        .iter()
        .map(|der| CertificateDer::from(der.as_slice()))
        .collect::<Vec<_>>();
    let moment = visit.started_at.unwrap_or(now);
    let verdict = chain::judge(&presented, anchors, visit.name.as_str(), moment);
    // A handshake that was cut, or refused for another reason, ended as it ended.
    let by_chain = match &handshake.end {
        StepStatus::Done => true,
        StepStatus::Failed(fault) => handshake.faults.first() == Some(&fault.reason),
        StepStatus::Exhausted(_) | StepStatus::NotReached => false,
    };
    if by_chain {
        handshake.end = match verdict.faults.first() {
            None => StepStatus::Done,
            Some(reason) => StepStatus::Failed(Fault::new(*reason, verdict.detail)),
        };
    }
    handshake.faults = verdict.faults;
    handshake.path_ends = verdict.path_ends;
}
