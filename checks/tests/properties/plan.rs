//! What a world is made from: small numbers, 0 being healthy, so that a counterexample shrinks towards health.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::chains::KINDS;
use crate::cloud_plan::{AppPlan, CloudPlan, MachinePlan, SharedFate, app, cloud, shared_fate};

/// One visit. `end` says how far it came, the rest what it showed there.
#[derive(Clone, Debug)]
pub(crate) struct VisitPlan {
    pub end: u8,
    pub chain: u8,
    pub answer: u8,
    pub identity: u8,
    pub slow: bool,
}

/// One tenant.
#[derive(Clone, Debug)]
pub(crate) struct TenantPlan {
    /// Whether the round came to it.
    pub probed: bool,
    /// What its server says of it; none: as of the wildcard. Then the same for IPv6 alone, and the second server.
    pub dns: Option<u8>,
    pub dns_v6: Option<u8>,
    pub second: Option<u8>,
    pub resolvers: [Option<u8>; 2],
    pub blockers: u8,
    /// What its server says of it when asked again; 0 where nobody asked.
    pub repeated: u8,
    pub caa: u8,
    /// The first visit; none: as the control name at that address. Then those at other addresses, and the retries.
    pub visit: Option<VisitPlan>,
    pub others: Vec<VisitPlan>,
    pub retries: Vec<(VisitPlan, Option<VisitPlan>)>,
    pub unvisited: bool,
    pub inactive: bool,
    pub skip: u8,
    pub expects: u8,
    pub name: u8,
    pub app: AppPlan,
}

impl TenantPlan {
    /// Whether its app sleeps and wakes by itself, by the platform's word.
    pub(crate) fn sleeps(&self, plan: &Plan) -> bool {
        let rests = |machine: &MachinePlan| {
            matches!(machine.state, 1 | 2) && machine.autostart == 0 && matches!(machine.exit, 0 | 1 | 4)
        };
        let machines = &self.app.machines;
        let runs = machines.iter().any(|machine| machine.state == 0);
        let told = plan.cloud.answer == 1 && !self.app.missing && !self.app.no_machine;
        told && !runs && machines.iter().any(rests)
    }
}

/// A world.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub servers: u8,
    pub resolvers: u8,
    pub addresses: u8,
    pub through_resolvers: bool,
    pub discovery: u8,
    /// What the zone says of the wildcard, and the servers that say something else.
    pub zone: u8,
    pub odd_servers: [Option<u8>; 3],
    pub resolvers_say: [Option<u8>; 2],
    pub unchecked: u8,
    pub caa: u8,
    /// The set of the wildcard itself.
    pub wildcard_caa: u8,
    /// How the edge answers the control name, and the addresses that do otherwise.
    pub edge: VisitPlan,
    pub odd_addresses: [Option<VisitPlan>; 3],
    pub rechecks: [Option<VisitPlan>; 3],
    /// 1: every look failed for want of a network; 2: every look was exhausted.
    pub blind: u8,
    pub families: [u8; 2],
    pub controls: Vec<u8>,
    pub dates: [u8; 3],
    pub cloud: CloudPlan,
    /// Bits of the checks that were not asked for.
    pub left_out: u8,
    pub interrupted: bool,
    pub milliseconds: f64,
    pub text: String,
    pub tenants: Vec<TenantPlan>,
}

impl VisitPlan {
    /// A visit that ended so.
    pub(crate) fn ended(end: u8) -> Self {
        Self {
            end,
            chain: 0,
            answer: 0,
            identity: 0,
            slow: false,
        }
    }
}

impl Plan {
    /// One healthy tenant behind an edge with this many addresses, and this many servers of the zone.
    pub(crate) fn healthy(addresses: u8, servers: u8) -> Self {
        let tenant = TenantPlan {
            probed: true,
            dns: None,
            dns_v6: None,
            second: None,
            resolvers: [None, None],
            blockers: 0,
            repeated: 0,
            caa: 0,
            visit: None,
            others: Vec::new(),
            retries: Vec::new(),
            unvisited: false,
            inactive: false,
            skip: 0,
            expects: 0,
            name: 0,
            app: AppPlan::default(),
        };
        Self {
            servers,
            resolvers: 0,
            addresses,
            through_resolvers: false,
            discovery: 0,
            zone: 0,
            odd_servers: [None, None, None],
            resolvers_say: [None, None],
            unchecked: 0,
            caa: 0,
            wildcard_caa: 0,
            edge: VisitPlan::ended(0),
            odd_addresses: [None, None, None],
            rechecks: [None, None, None],
            blind: 0,
            families: [0, 0],
            controls: Vec::new(),
            dates: [0, 0, 0],
            cloud: CloudPlan::default(),
            left_out: 0,
            interrupted: false,
            milliseconds: 12.5,
            text: "as it came".into(),
            tenants: vec![tenant],
        }
    }
}

impl Plan {
    /// The same where the first tenants have something in common, and fail with it; behind an edge that works.
    fn sharing(mut self, fate: &SharedFate) -> Self {
        (self.edge, self.cloud.answer, self.cloud.partial) = (VisitPlan::ended(0), 1, 0);
        for (at, tenant) in self.tenants.iter_mut().enumerate() {
            let sick = at < fate.tenants;
            let which = u8::from(sick);
            tenant.app.machines = vec![MachinePlan {
                image: if fate.by == 1 { which } else { 0 },
                digest: if fate.by == 2 { 1 + which } else { 0 },
                region: if fate.by == 3 { which } else { 0 },
                ..MachinePlan::default()
            }];
            tenant.visit = Some(VisitPlan {
                answer: if sick { fate.answer } else { 0 },
                ..VisitPlan::ended(0)
            });
        }
        self
    }
}

/// 0 mostly, else below `end`.
pub(crate) fn rarely(end: u8) -> impl Strategy<Value = u8> + Clone {
    prop_oneof![5 => Just(0), 1 => 0..end]
}

pub(crate) fn flag(one_in: u32) -> impl Strategy<Value = bool> + Clone {
    prop_oneof![(one_in - 1) => Just(false), 1 => Just(true)]
}

fn sometimes<S: Strategy + Clone>(strategy: S) -> impl Strategy<Value = Option<S::Value>> + Clone
where
    S::Value: Clone,
{
    option::weighted(0.2, strategy)
}

/// How many ways a visit may end.
pub(crate) const ENDS: u8 = 20;
/// How many things a server may say.
pub(crate) const SAYINGS: u8 = 21;

pub(crate) fn visit() -> BoxedStrategy<VisitPlan> {
    let fields = (rarely(ENDS), rarely(KINDS), rarely(14), rarely(9), flag(6));
    fields
        .prop_map(|(end, chain, answer, identity, slow)| VisitPlan {
            end,
            chain,
            answer,
            identity,
            slow,
        })
        .boxed()
}

fn tenant() -> BoxedStrategy<TenantPlan> {
    let says = || sometimes(0..SAYINGS);
    let dns = (says(), says(), says(), [says(), says()], rarely(6), rarely(6), 0..4u8);
    let visits = (
        option::weighted(0.4, visit()),
        vec(visit(), 0..3),
        vec((visit(), option::of(visit())), 0..2),
        flag(12),
    );
    let who = (
        prop_oneof![9 => Just(true), 1 => Just(false)],
        flag(12),
        rarely(64),
        rarely(9),
        rarely(8),
    );
    (dns, visits, who, app())
        .prop_map(|(dns, visits, who, app)| TenantPlan {
            probed: who.0,
            dns: dns.0,
            dns_v6: dns.1,
            second: dns.2,
            resolvers: dns.3,
            blockers: dns.4,
            caa: dns.5,
            repeated: dns.6,
            visit: visits.0,
            others: visits.1,
            retries: visits.2,
            unvisited: visits.3,
            inactive: who.1,
            skip: who.2,
            expects: who.3,
            name: who.4,
            app,
        })
        .boxed()
}

/// Any world.
pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    let says = || sometimes(0..SAYINGS);
    let odd = || sometimes(visit());
    let zone = (
        (1..4u8, 0..3u8, flag(8), rarely(5)),
        rarely(SAYINGS),
        [says(), says(), says()],
        [says(), says()],
        rarely(4),
        rarely(6),
        rarely(6),
    );
    let edge = (1..4u8, visit(), [odd(), odd(), odd()], [odd(), odd(), odd()]);
    let vantage = (
        prop_oneof![10 => Just(0u8), 1 => Just(1), 1 => Just(2)],
        [rarely(3), rarely(3)],
        vec(0..4u8, 0..3),
        [rarely(5), rarely(5), rarely(5)],
    );
    let rest = (
        (cloud(), shared_fate()),
        rarely(64),
        flag(8),
        prop_oneof![3 => Just(12.5), 1 => 0.0..1e6, 1 => any::<f64>().prop_filter("a duration", |ms| ms.is_finite())],
        text(),
    );
    (zone, edge, vantage, rest, vec(tenant(), 1..9)).prop_map(|(zone, edge, vantage, rest, tenants)| {
        let (cloud, fate) = rest.0;
        let plan = Plan {
            servers: zone.0.0,
            resolvers: zone.0.1,
            addresses: edge.0,
            through_resolvers: zone.0.2,
            discovery: zone.0.3,
            zone: zone.1,
            odd_servers: zone.2,
            resolvers_say: zone.3,
            unchecked: zone.4,
            caa: zone.5,
            wildcard_caa: zone.6,
            edge: edge.1,
            odd_addresses: edge.2,
            rechecks: edge.3,
            blind: vantage.0,
            families: vantage.1,
            controls: vantage.2,
            dates: vantage.3,
            cloud,
            left_out: rest.1,
            interrupted: rest.2,
            milliseconds: rest.3,
            text: rest.4,
            tenants,
        };
        match fate {
            Some(fate) => plan.sharing(&fate),
            None => plan,
        }
    })
}

/// Texts as they come from outside: empty, with control characters, longer in bytes than in characters, long.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just("as it came".to_owned()),
        1 => Just(String::new()),
        1 => Just("\u{1b}[31m\u{0}\r\n\u{202e}ﬀ🦀".repeat(40)),
        1 => proptest::collection::vec(any::<char>(), 0..120).prop_map(String::from_iter),
    ]
}
