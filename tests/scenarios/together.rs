//! Causes together: each beside another once, and drawn at random. Nothing may be said that was not staged.

use std::collections::BTreeSet;

use roundsman::agent::Round;
use roundsman_checks::diagnosis::{Status, diagnose};
use roundsman_lab::LabOptions;

use super::by_design::{SET_UPS, wide};
use super::pairs::{each_once, one_each};
use crate::support::{Scenario, benches, causes, scenarios};

/// Scenarios that need no waiting, split into those of one tenant and the others.
fn quick() -> (Vec<Scenario>, Vec<Scenario>) {
    scenarios()
        .into_iter()
        .filter(|scenario| !scenario.slow)
        .partition(|scenario| scenario.scope == "tenant")
}

/// Whether the fleet's failure leaves the evidence of the tenant's visible: what users would see of it is still there.
fn leaves_visible(fleet: &Scenario, tenant: &Scenario) -> bool {
    let check = tenant.check.as_deref().unwrap_or_default();
    let answers = matches!(check, "site" | "route");
    match fleet.cause.as_str() {
        _ if fleet.outcome == "warn" => true,
        // The same certificate for another name: one object, whoever is served it.
        "wildcard-certificate-name-mismatch" if tenant.cause == "certificate-name-mismatch" => false,
        // No server says anything of the name, or each another thing.
        "dns-servers-failing" => check == "certificate" && tenant.cause != "caa-forbids-issuance",
        // A failed `dns` skips what comes after TLS.
        "wildcard-dns-missing" | "wildcard-dns-mismatch" => !answers && tenant.cause != "dns-stale-resolver",
        "dnssec-bogus" => tenant.cause != "dns-stale-resolver",
        "edge-unreachable" | "edge-tls-failing" => check == "dns",
        "wildcard-certificate-expiring" => true,
        // Nobody knows what an untrusted authority calls itself in CAA.
        "wildcard-certificate-untrusted" if tenant.cause == "caa-forbids-issuance" => false,
        // No request goes over a channel that does not verify; a name of its own certificate is not concerned.
        name if name.starts_with("wildcard-certificate") => !answers,
        // The edge answers in place of whoever is behind it.
        "platform-outage" | "edge-access-denied" | "edge-rate-limited" => !answers,
        "clock-wrong" => check == "dns",
        _ => true,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_cause_keeps_its_name_beside_a_fleets() {
    let benches = benches(&LabOptions::default()).await;
    let (tenants, fleets) = quick();
    let (tenants, fleets) = (one_each(tenants), one_each(fleets));
    let pairs = each_once(&fleets, &tenants, leaves_visible);
    let count = pairs.len();
    let told = benches.each(pairs, async |bench, (fleet, tenant)| {
        bench.stage(&[fleet.fault.clone(), tenant.fault.clone()]).await;
        let found = causes(&bench.round().await);
        let staged = [fleet.cause.clone(), tenant.cause.clone()].into();
        let visible = found.contains(&tenant.cause);
        let lacking = !found.contains(&fleet.cause) || (leaves_visible(fleet, tenant) && !visible);
        let wrong = lacking || !found.is_subset(&staged);
        wrong.then(|| format!("{} with {}: found {found:?}", fleet.fault, tenant.fault))
    });
    let told = told.await;
    assert_eq!(told.len(), count);
    let wrong = told.into_iter().flatten().collect::<Vec<_>>();
    assert!(
        wrong.is_empty(),
        "{} pairs are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

const WORLDS: u64 = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_worlds_have_no_false_cause() {
    let benches = benches(&wide()).await;
    let (of_tenants, of_fleets) = quick();
    let told = benches.each(0..WORLDS, async |bench, seed| {
        let sick = Sick::draw(seed, bench.lab.tenants(), &of_tenants, &of_fleets);
        bench.stage(&sick.faults).await;
        let outcome = bench.round().await;
        assert_eq!(diagnose(&outcome.world), outcome.diagnosis, "seed {seed}");
        let wrong = sick.wrong_of(&outcome);
        wrong.map(|wrong| format!("seed {seed}, {:?}: {wrong}", sick.faults))
    });
    let told = told.await;
    assert_eq!(told.len() as u64, WORLDS);
    let wrong = told.into_iter().flatten().collect::<Vec<_>>();
    assert!(
        wrong.is_empty(),
        "{} of {WORLDS} worlds are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// What is broken in a random world.
struct Sick<'s> {
    faults: Vec<String>,
    causes: BTreeSet<String>,
    tenants: Vec<String>,
    healthy: Vec<String>,
    fleet: Option<&'s Scenario>,
    /// Whether the platform is set up in an unusual way, behind which not everything can be seen.
    set_up: bool,
}

impl<'s> Sick<'s> {
    /// Up to five tenants, in one world of three the fleet besides, in one of two an unusual set-up.
    fn draw(seed: u64, tenants: &[String], of_tenants: &[Scenario], of_fleets: &'s [Scenario]) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut healthy = tenants.to_vec();
        random.shuffle(&mut healthy);
        let tenants = healthy.split_off(healthy.len() - random.usize(0..=5));
        let (mut causes, mut faults) = (BTreeSet::new(), Vec::new());
        for id in &tenants {
            let Some(scenario) = random.choice(of_tenants) else {
                continue;
            };
            causes.insert(scenario.cause.clone());
            faults.push(scenario.fault.replace("q7f9", id));
        }
        let fleet = if random.u8(0..3) == 0 {
            random.choice(of_fleets)
        } else {
            None
        };
        causes.extend(fleet.map(|fleet| fleet.cause.clone()));
        faults.extend(fleet.map(|fleet| fleet.fault.clone()));
        let set_up = if random.bool() { random.choice(SET_UPS) } else { None };
        faults.extend(set_up.map(|(set_up, _)| (*set_up).to_owned()));
        causes.extend(
            set_up
                .and_then(|(set_up, _)| looks_like(set_up, &faults))
                .map(str::to_owned),
        );
        Self {
            faults,
            causes,
            tenants,
            healthy,
            fleet,
            set_up: set_up.is_some(),
        }
    }

    /// What a round says that was not staged, whom it blames for nothing, and whom it misses; nothing where all is right.
    fn wrong_of(&self, outcome: &Round) -> Option<String> {
        // Five tenants that fail alike are less than half: no outage is staged by chance.
        let invented = causes(outcome).difference(&self.causes).cloned().collect::<Vec<_>>();
        let spoilt = self.fleet.is_some_and(|fleet| !fleet.tenants.is_empty());
        let healthy = outcome
            .diagnosis
            .tenants
            .iter()
            .filter(|tenant| self.healthy.iter().any(|id| id == tenant.tenant.as_str()));
        let blamed = healthy.filter(|tenant| !spoilt && tenant.status != Status::Healthy);
        let blamed = blamed.map(|tenant| tenant.tenant.to_string()).collect::<Vec<_>>();
        let missed = self
            .tenants
            .iter()
            .filter(|id| !spoilt && !self.set_up && !blames(outcome, id));
        let missed = missed.collect::<Vec<_>>();
        let wrong = !invented.is_empty() || !blamed.is_empty() || !missed.is_empty();
        wrong.then(|| format!("invented {invented:?}, blamed {blamed:?}, missed {missed:?}"))
    }
}

/// What a set-up rightly makes of a fault besides: the wildcard's CAA is that of every name without records of its own,
/// also of those with a certificate of their own (RFC 8659, section 3); where only A is served, a name that has AAAA alone
/// has no address; what a resolver says behind the alias of a rewritten name can't be told from a record there.
fn looks_like(set_up: &str, faults: &[String]) -> Option<&'static str> {
    let any = |kind: &str| faults.iter().any(|fault| fault.contains(kind));
    match set_up {
        "wildcard-caa" if any("certificate") => Some("caa-forbids-issuance"),
        "dns-servers-odd=one-family" if any("=aaaa") => Some("dns-blocked"),
        "wildcard-rewritten" if any("stale") => Some("dns-override"),
        _ => None,
    }
}

fn blames(outcome: &Round, id: &str) -> bool {
    outcome
        .diagnosis
        .tenants
        .iter()
        .any(|tenant| tenant.tenant.as_str() == id && tenant.cause.is_some())
}
