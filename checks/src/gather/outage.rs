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
    control: Option<Control>,
    failed: usize,
    stood: bool,
}

/// How the control name fails at every address.
#[derive(Clone, Copy, PartialEq)]
enum Control {
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
        let latest = latest.collect::<Vec<_>>();
        let fails = |visit: &&Visit| visit.channel_end().reason().is_some();
        let bare = |visit: &&Visit| visit.handshake.faults.is_empty();
        let control = match () {
            () if latest.is_empty() || !latest.iter().all(fails) => None,
            () if latest.iter().all(bare) => Some(Control::Channel),
            () => Some(Control::Chain),
        };
        Self {
            control,
            failed: 0,
            stood: false,
        }
    }

    /// Hears what came of a tenant.
    pub(super) fn hear(&mut self, tenant: &TenantEvidence) {
        match tenant.visits.first().map(|visit| visit.channel_end().reason()) {
            Some(Some(_)) => self.failed += 1,
            Some(None) => self.stood = true,
            None => {}
        }
    }

    /// Whether this tenant may be spared. One that the platform says has a certificate of its own at the edge is visited
    /// all the same where chains fail, and without the platform's word nobody knows who has.
    pub(super) fn spares(&self, context: &FleetContext, hostname: &str) -> bool {
        let shown = self.failed >= SHOWN_BY && !self.stood;
        match self.control.filter(|_| shown) {
            None => false,
            Some(Control::Channel) => !has_own(context, hostname),
            Some(Control::Chain) => context.platform().is_some() && !has_own(context, hostname),
        }
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
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::evidence::{ApiAnswer, VantageEvidence, ZoneEvidence};
    use crate::expectation::CertificateExpectation;
    use crate::finding::Check;
    use crate::fleet::Fleet;
    use crate::target::Hostname;
    use crate::world::EdgeEvidence;

    fn watch(control: Option<Control>) -> OutageWatch {
        OutageWatch {
            control,
            failed: SHOWN_BY,
            stood: false,
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
            inventory: Vec::new(),
            known: Arc::default(),
        };
        FleetContext::new(fleet, Arc::default())
    }

    #[test]
    fn an_edge_that_fails_everywhere_is_not_visited_for_everybody() {
        let context = context();
        assert!(watch(Some(Control::Channel)).spares(&context, "a.example.com"));
        assert!(!watch(None).spares(&context, "a.example.com"));
        let mut one_stood = watch(Some(Control::Channel));
        one_stood.stood = true;
        assert!(!one_stood.spares(&context, "a.example.com"));
    }

    #[test]
    fn where_chains_fail_only_the_platform_tells_who_has_none_of_its_own() {
        let context = context();
        assert!(context.platform().is_none());
        assert!(!watch(Some(Control::Chain)).spares(&context, "a.example.com"));
    }
}
