//! What the platform and the zone's listing say in a world: small numbers, 0 being healthy, as in the plan.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::plan::{VisitPlan, flag, rarely, visit};

/// The organization.
#[derive(Clone, Debug, Default)]
pub(crate) struct CloudPlan {
    /// 0: nobody to ask; 1: it answered; above: why it did not.
    pub answer: u8,
    /// How the edge app is: there, missing, without addresses, without a whole list of certificates, of addresses, or with
    /// none of which can be read.
    pub edge: u8,
    /// The edge's wildcard certificate: ready, missing, pending, imported.
    pub wildcard: u8,
    /// What the zone says of the delegation that its renewal needs; 0: not asked.
    pub acme: u8,
    /// What other apps hold: nothing, the wildcard, names of tenants, names that are nobody's.
    pub foreign: u8,
    /// What is not whole: the list of apps, machines, a region.
    pub partial: u8,
    /// 0: not told; 1: replays across networks are allowed; 2: they are not.
    pub cross_network: u8,
    /// The zone's listing, as `answer`; 2: the wildcard's records go through the proxy.
    pub listing: u8,
    /// Faults of the inventory.
    pub inventory: Vec<u8>,
}

/// What it says of one tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct AppPlan {
    pub missing: bool,
    pub machines: Vec<MachinePlan>,
    /// Whether there is no machine at all; without one in the plan a healthy one runs.
    pub no_machine: bool,
    /// What the app holds: nothing, its own name, an imported one, another tenant's, one of another domain.
    pub certificates: u8,
    /// The edge's own certificate for the name; 0: none.
    pub explicit: u8,
    /// Why its machines or certificates are not all known.
    pub partial: u8,
    /// Whether it has no public address, and whether it is on another network than the edge.
    pub private: bool,
    pub apart: bool,
    /// The app asked directly, what its health checks say, and what the edge's log says.
    pub direct: Option<VisitPlan>,
    pub healthy: u8,
    pub log: u8,
    /// The image that is expected; 0: any.
    pub expects: u8,
    /// The listing's records of the name.
    pub records: u8,
    pub woken: bool,
}

/// A machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct MachinePlan {
    pub state: u8,
    pub exit: u8,
    pub image: u8,
    pub digest: u8,
    pub region: u8,
    pub autostart: u8,
    pub healthy: u8,
    pub closed: bool,
    /// Whether it serves requests; 0: not told.
    pub serves: u8,
    pub host_down: bool,
    /// Since when it is as it is; 0: not told.
    pub since: u8,
}

/// What some tenants have in common, and fail with.
#[derive(Clone, Debug)]
pub(crate) struct SharedFate {
    /// 1: an image; 2: a digest; 3: a region.
    pub by: u8,
    /// How many have it, and their first answer.
    pub tenants: usize,
    pub answer: u8,
}

pub(crate) fn cloud() -> impl Strategy<Value = CloudPlan> {
    let said = (
        prop_oneof![3 => Just(0u8), 5 => Just(1u8), 1 => 2..6u8],
        rarely(6),
        rarely(4),
        0..5u8,
        rarely(5),
        rarely(4),
        0..3u8,
        prop_oneof![2 => Just(0u8), 4 => Just(1u8), 1 => 2..6u8],
        vec(0..4u8, 0..2),
    );
    said.prop_map(
        |(answer, edge, wildcard, acme, foreign, partial, cross_network, listing, inventory)| CloudPlan {
            answer,
            edge,
            wildcard,
            acme,
            foreign,
            partial,
            cross_network,
            listing,
            inventory,
        },
    )
}

fn machine() -> impl Strategy<Value = MachinePlan> {
    let of = (
        rarely(11),
        rarely(6),
        rarely(4),
        rarely(3),
        rarely(3),
        rarely(3),
        rarely(3),
        flag(8),
        (rarely(3), flag(60), 0..3u8),
    );
    of.prop_map(
        |(state, exit, image, digest, region, autostart, healthy, closed, (serves, host_down, since))| MachinePlan {
            state,
            exit,
            image,
            digest,
            region,
            autostart,
            healthy,
            closed,
            serves,
            host_down,
            since,
        },
    )
}

pub(crate) fn app() -> BoxedStrategy<AppPlan> {
    let app = (
        flag(12),
        vec(machine(), 0..3),
        flag(16),
        rarely(6),
        rarely(7),
        rarely(4),
        flag(5),
        flag(8),
    );
    let asked = (prop::option::of(visit()), 0..3u8, 0..6u8, rarely(5), rarely(6), flag(2));
    (app, asked)
        .prop_map(|(app, asked)| AppPlan {
            missing: app.0,
            machines: app.1,
            no_machine: app.2,
            certificates: app.3,
            explicit: app.4,
            partial: app.5,
            private: app.6,
            apart: app.7,
            direct: asked.0,
            healthy: asked.1,
            log: asked.2,
            expects: asked.3,
            records: asked.4,
            woken: asked.5,
        })
        .boxed()
}

/// Seldom: most failures are nobody else's.
pub(crate) fn shared_fate() -> impl Strategy<Value = Option<SharedFate>> {
    let fate = (1..4u8, 3..5usize, prop_oneof![Just(2u8), Just(3), Just(6)]);
    let fate = fate.prop_map(|(by, tenants, answer)| SharedFate { by, tenants, answer });
    prop::option::weighted(0.12, fate)
}
