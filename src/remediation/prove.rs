//! The proof of a repair: by the checks themselves, on fresh connections, against what platform and zone say now.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use roundsman_checks::clock::Moment;
use roundsman_checks::diagnosis::Explanation;
use roundsman_checks::finding::{Check, Finding, Outcome};
use roundsman_checks::fleet::ChainStore;
use roundsman_checks::gather::{FleetWatch, Stop, WakePolicy};
use roundsman_checks::target::Tenant;

use super::plan::{Plan, checks_of};
use crate::agent::{RoundRequest, Setup, Snapshot, assign};

/// How many examinations in a row have to pass.
const PASSES: usize = 3;
/// How long it rests before it looks again: at first, and at most.
const REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(10);
/// How many chains are kept while it looks.
const CHAINS: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Proof {
    /// So many examinations passed.
    Fixed(usize),
    /// Why it is not fixed when the time is up.
    NotFixed(String),
}

/// Examines whom these plans concern until each passed often enough in a row, or the time is up.
pub(super) async fn prove(setup: &Setup, plans: &[&Plan], limit: Duration, mut stop: Stop) -> Vec<Proof> {
    let began = Moment::now();
    let mut proofs = plans
        .iter()
        .map(|_| Proof::NotFixed("it was not looked at".to_owned()))
        .collect::<Vec<_>>();
    let mut rest = REST;
    loop {
        let open = (0..plans.len())
            .filter(|at| matches!(proofs[*at], Proof::NotFixed(_)))
            .collect::<Vec<_>>();
        if open.is_empty() {
            return proofs;
        }
        match look(setup, &mut stop).await {
            Ok(watch) => {
                for at in open {
                    proofs[at] = passes(setup, &watch, plans[at]).await;
                }
            }
            Err(why) => open
                .into_iter()
                .for_each(|at| proofs[at] = Proof::NotFixed(why.clone())),
        }
        let all = proofs.iter().all(|proof| matches!(proof, Proof::Fixed(_)));
        if all || began.elapsed() + rest > limit || stop.pulled() {
            return proofs;
        }
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = stop.wait() => {}
        }
        rest = (rest * 2).min(LONGEST_REST);
    }
}

/// Reads what platform and zone say, and looks at what all share.
///
/// # Errors
/// Why that can't be done.
pub async fn look(setup: &Setup, stop: &mut Stop) -> Result<FleetWatch, String> {
    let request = RoundRequest::default();
    let read = Snapshot::read(setup, &request, stop).await;
    let Snapshot { api, inventory } = read.map_err(|nobody| nobody.error.to_string())?;
    let nobody = crate::inventory::Inventory {
        tenants: Vec::new(),
        ..inventory
    };
    let assignment = assign(setup, &request, api, &nobody).map_err(|error| error.to_string())?;
    let (probes, chains) = (Arc::new(setup.probes.clone()), Arc::new(ChainStore::bounded(CHAINS)));
    let watch = FleetWatch::begin(probes, Arc::new(assignment), chains).await;
    watch.map_err(|error| error.to_string())
}

/// Examines everybody concerned by a plan, as often as it has to pass.
async fn passes(setup: &Setup, watch: &FleetWatch, plan: &Plan) -> Proof {
    for _ in 0..PASSES {
        for tenant in &plan.repair.concerned {
            if let Err(why) = examine(setup, watch, tenant, plan).await {
                return Proof::NotFixed(why);
            }
        }
    }
    Proof::Fixed(PASSES)
}

async fn examine(setup: &Setup, watch: &FleetWatch, tenant: &Arc<Tenant>, plan: &Plan) -> Result<(), String> {
    let targets = setup.targets(std::slice::from_ref(tenant), WakePolicy::Unknowingly);
    let targets = targets.map_err(|error| error.to_string())?;
    let Some(target) = targets.first() else {
        return Err(format!("{} can't be examined", tenant.id));
    };
    let judgement = watch.examine(target, true).await.judgement;
    let cause = plan.repair.cause;
    let still = judgement
        .own
        .iter()
        .find(|own| own.cause == cause && *own.object() == plan.repair.object);
    if still.is_some() {
        return Err(format!("{}: {cause} is still there", tenant.id));
    }
    // What else was wrong before is no part of this repair; what shows only now is: the repair did not help.
    let otherwise = |check: Check| {
        let was = |own: &Explanation| plan.repair.beside.contains(&(own.cause, own.object().clone()));
        judgement.own.iter().any(|own| was(own) && own.checks.contains(&check))
    };
    let findings = checks_of(cause)
        .iter()
        .map(|check| (check, judgement.findings.of(*check)));
    let bad = |finding: &Finding| !matches!(finding.outcome, Outcome::Pass | Outcome::Warn);
    let found = findings
        .into_iter()
        .find(|(check, finding)| bad(finding) && !otherwise(**check));
    match found {
        Some((check, finding)) => Err(format!(
            "{}: {check} is {}: {}",
            tenant.id, finding.outcome, finding.message
        )),
        None => Ok(()),
    }
}
