//! When an edge fails for every name there is no use in visiting every tenant: the first ones show it, the others carry the
//! fleet's cause. Pure.

use crate::evidence::{CertificateState, Visit};
use crate::fleet::FleetContext;
use crate::world::TenantEvidence;

/// How many visited tenants must fail before the others are spared.
const SHOWN_BY: usize = 20;

/// Watch over the first tenants of a round.
pub(super) struct OutageWatch {
    /// Whether the control name fails at every address: before any chain, or with one.
    control: Option<Way>,
    failed: usize,
    /// Whether a tenant stood, or failed in another way than the control name: then each must be looked at.
    differs: bool,
}

/// How the control name fails at every address, in the same way at each.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// The channel fails before there is a chain to judge.
    Channel,
    /// A chain comes, and it does not verify.
    Chain,
}

impl OutageWatch {
    /// A watch for a round that found the edge so.
    pub(super) fn new(context: &FleetContext) -> Self {
        let edge = &context.fleet.edge;
        let latest = edge.sockets().filter_map(|socket| edge.control_at(socket));
        let mut ways = latest.map(way);
        let first = ways.next().flatten();
        Self {
            control: first.filter(|first| ways.all(|way| way == Some(*first))),
            failed: 0,
            differs: false,
        }
    }

    /// Hears what came of a tenant. Whether that refutes the outage now, so that who was spared must be visited.
    pub(super) fn hear(&mut self, context: &FleetContext, tenant: &TenantEvidence) -> bool {
        let before = self.differs;
        // With a certificate of its own at the edge a tenant shows nothing of the others.
        if has_own(context, tenant.tenant.hostname.as_str()) {
            return false;
        }
        // What the agent lacked says nothing of the edge.
        let first = tenant.visits.first().filter(|visit| visit.exhausted().is_none());
        match first.map(way) {
            Some(way) if way.is_some() && way == self.control => self.failed += 1,
            Some(_) => self.differs = true,
            None => {}
        }
        self.differs && !before
    }

    /// Whether a tenant has shown that not every name fails alike.
    pub(super) fn is_refuted(&self) -> bool {
        self.differs
    }

    /// Whether this tenant may be spared. One that the platform says has a certificate of its own at the edge is visited
    /// all the same where chains fail, and without the platform's word nobody knows who has.
    pub(super) fn spares(&self, context: &FleetContext, hostname: &str) -> bool {
        let shown = self.failed >= SHOWN_BY && !self.differs;
        match self.control.filter(|_| shown) {
            None => false,
            Some(Way::Channel) => !has_own(context, hostname),
            Some(Way::Chain) => context.platform().is_some() && !has_own(context, hostname),
        }
    }
}

/// How a visit fails; nothing where its channel stood.
fn way(visit: &Visit) -> Option<Way> {
    visit.channel_end().reason()?;
    match visit.handshake.faults.is_empty() {
        true => Some(Way::Channel),
        false => Some(Way::Chain),
    }
}

/// Whether the platform knows a certificate at the edge for exactly this name that is ready.
fn has_own(context: &FleetContext, hostname: &str) -> bool {
    let own = context.edge_app().into_iter().flat_map(|edge| &edge.certificates);
    own.into_iter()
        .any(|held| held.hostname == hostname && held.state == CertificateState::Ready)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::evidence::{ApiAnswer, Reason, StepStatus, VantageEvidence, ZoneEvidence};
    use crate::expectation::{CertificateExpectation, Expectation};
    use crate::finding::Check;
    use crate::fleet::Fleet;
    use crate::target::{Hostname, Tenant, TenantId};
    use crate::world::EdgeEvidence;

    fn watch(control: Option<Way>) -> OutageWatch {
        OutageWatch {
            control,
            failed: SHOWN_BY,
            differs: false,
        }
    }

    fn context() -> FleetContext {
        let fleet = Fleet {
            now: Timestamp::UNIX_EPOCH,
            domain: Hostname::parse("example.com").unwrap(),
            selected: Check::ALL.into(),
            vantage: VantageEvidence::default(),
            zone: ZoneEvidence::unseen(Hostname::parse("x.example.com").unwrap()),
            edge: EdgeEvidence::default(),
            wildcard: CertificateExpectation::default(),
            platform: ApiAnswer::NotConfigured,
            listing: ApiAnswer::NotConfigured,
            listed_at: None,
            zone_id: None,
            inventory: Vec::new(),
            known: Arc::default(),
        };
        FleetContext::new(fleet, Arc::default())
    }

    #[test]
    fn an_edge_that_fails_everywhere_is_not_visited_for_everybody() {
        let context = context();
        assert!(watch(Some(Way::Channel)).spares(&context, "a.example.com"));
        assert!(!watch(None).spares(&context, "a.example.com"));
        let mut one_stood = watch(Some(Way::Channel));
        one_stood.differs = true;
        assert!(!one_stood.spares(&context, "a.example.com"));
    }

    fn someone() -> Tenant {
        Tenant {
            id: TenantId::new("a"),
            hostname: Hostname::parse("a.example.com").unwrap(),
            app: "sp-a".to_owned(),
            labels: BTreeMap::new(),
            status: None,
            inactive: false,
            unlisted: false,
        }
    }

    #[test]
    fn only_tenants_that_fail_alike_show_an_outage() {
        let visit = |faults: &[Reason]| {
            let mut visit = Visit::new(([127, 0, 0, 1], 443).into(), Hostname::parse("a.example.com").unwrap());
            visit.connect.end = StepStatus::Done;
            visit.handshake.end = StepStatus::failed(Reason::TlsUnexpectedEof, "cut");
            visit.handshake.faults = faults.to_vec();
            visit
        };
        let tenant = |faults: &[Reason]| {
            let mut tenant = TenantEvidence::unseen(someone(), Expectation::default());
            tenant.visits = vec![visit(faults)];
            tenant
        };
        let (context, mut watch) = (context(), watch(Some(Way::Channel)));
        assert!(!watch.hear(&context, &tenant(&[])));
        assert!(watch.spares(&context, "a.example.com"));
        assert!(watch.hear(&context, &tenant(&[Reason::TlsExpired])), "said once");
        assert!(!watch.hear(&context, &tenant(&[Reason::TlsExpired])));
        assert!(!watch.spares(&context, "a.example.com"), "one was served a chain");
    }

    #[test]
    fn where_chains_fail_only_the_platform_tells_who_has_none_of_its_own() {
        let context = context();
        assert!(context.platform().is_none());
        assert!(!watch(Some(Way::Chain)).spares(&context, "a.example.com"));
    }
}
