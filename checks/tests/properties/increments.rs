//! Tenants that are examined one by one, in any order and some of them again, mean what the final world means.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use roundsman_checks::diagnosis::{Judgement, Status, Totals, diagnose, explain, judge, prove};
use roundsman_checks::fleet::{ChainStore, FleetContext};
use roundsman_checks::target::TenantId;
use roundsman_checks::world::{TenantEvidence, World};

use crate::removal;
use crate::worse::{self, Worse};

/// One step of a run: a tenant is examined, and what is seen is one of its earlier states or the last.
#[derive(Clone, Debug)]
pub(crate) struct Examined {
    tenant: prop::sample::Index,
    earlier: Option<Worse>,
}

pub(crate) fn examined() -> impl Strategy<Value = Vec<Examined>> {
    let earlier = prop::option::weighted(0.7, worse::any());
    let one = (any::<prop::sample::Index>(), earlier).prop_map(|(tenant, earlier)| Examined { tenant, earlier });
    prop::collection::vec(one, 0..24)
}

/// What was seen of a tenant before the last time: something worse, or nothing at all.
fn earlier(world: &World, at: usize, how: Worse) -> TenantEvidence {
    let worse = worse::world(world, at, how).unwrap_or_else(|| removal::without(world, at));
    worse.tenants[at].clone()
}

/// Adds examinations as they come, each in the place of the one before.
struct Core<'c> {
    context: &'c FleetContext,
    totals: Totals,
    judged: Vec<Option<Judgement>>,
}

impl Core<'_> {
    fn observe(&mut self, at: usize, tenant: &TenantEvidence) {
        let id: &TenantId = &tenant.tenant.id;
        if let Some(before) = &self.judged[at] {
            self.totals.remove(id, &before.facts);
        }
        let judgement = judge(self.context, tenant);
        self.totals.add(id, &judgement.facts);
        self.judged[at] = Some(judgement);
    }
}

/// Runs the steps, then examines all for the last time in an order of its own, and compares.
pub(crate) fn compare(world: &World, steps: &[Examined], seed: u64) -> Result<(), TestCaseError> {
    let context = FleetContext::new(world.fleet(), Arc::new(ChainStore::of(&world.chains)));
    let mut core = Core {
        context: &context,
        totals: Totals::default(),
        judged: vec![None; world.tenants.len()],
    };
    for step in steps {
        let at = step.tenant.index(world.tenants.len());
        match &step.earlier {
            Some(how) => core.observe(at, &earlier(world, at, *how)),
            None => core.observe(at, &world.tenants[at]),
        }
    }
    let mut order = (0..world.tenants.len()).collect::<Vec<_>>();
    order.sort_by_key(|at| (*at as u64).wrapping_mul(seed | 1).rotate_left(17));
    for at in order {
        core.observe(at, &world.tenants[at]);
    }
    let shared = prove(&context, &core.totals);
    let whole = diagnose(world);
    for (verdict, judged) in whole.tenants.iter().zip(core.judged) {
        let Some(Judgement {
            mut findings,
            own,
            facts,
            ..
        }) = judged
        else {
            return Err(TestCaseError::fail("a tenant was never examined"));
        };
        explain(&context, &shared, &verdict.tenant, &facts, &own).apply(&mut findings);
        prop_assert_eq!(Status::of(&findings), verdict.status);
        prop_assert_eq!(&findings, &verdict.findings);
    }
    let mut told = whole.causes.iter().map(|entry| entry.cause).collect::<Vec<_>>();
    told.dedup();
    for cause in shared.causes() {
        prop_assert!(told.contains(&cause), "{cause} is proven and not told: {told:?}");
    }
    Ok(())
}
