//! From what was found to what would fix it. Pure: a plan names only what was seen, and whatever may not be planned is
//! refused by a guard that says why.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use roundsman_checks::diagnosis::{Cause, CauseEntry, Diagnosis, Object, Scope};
use roundsman_checks::evidence::{App, Fault, Machine, Platform, ZoneRecord};
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::platform::standing::{AppStanding, MachineStanding};
use roundsman_checks::reading::is_or_below;
use roundsman_checks::target::{Tenant, TenantId};
use roundsman_checks::world::World;

use super::candidate::{Candidate, candidates};
use super::guard::{self, Guard, OF_CANDIDATE, OF_STANDING, OF_WORLD};
use super::limits::History;
use super::step::MachineRef;
use crate::config::{Config, RemediationMode};

/// Everything that planning goes by.
#[derive(Clone, Copy)]
pub struct Scene<'s> {
    /// The wall's clock.
    pub now: Timestamp,
    /// The configuration.
    pub config: &'s Config,
    /// What was seen.
    pub world: &'s World,
    /// What it means.
    pub diagnosis: &'s Diagnosis,
    /// Whether the source that says who should exist answered in full.
    pub complete: bool,
    /// How many tenants have each cause, over the whole inventory, and how many there are.
    pub sharing: &'s BTreeMap<Cause, usize>,
    /// See `sharing`.
    pub tenants: usize,
    /// How apps stand that something would be done to.
    pub standing: &'s BTreeMap<String, Result<AppStanding, Fault>>,
    /// What was done before.
    pub history: History<'s>,
    /// The apps that crash, of all tenants, also of those that are not in this world.
    pub crashing: &'s BTreeSet<String>,
    /// How many repairs somebody wants at most who lifts what limits their amount.
    pub most: Option<usize>,
}

/// A repair that may be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Its name, which no other plan has.
    pub id: String,
    /// What it is.
    pub repair: Candidate,
    /// The guards that were asked and do not hold it, each once, in their order. What holds it by the time alone (the switch,
    /// rates, rests, tokens) is asked right before it is carried out.
    pub passed: Vec<Guard>,
}

impl Plan {
    /// Whether it may be carried out by other hands than a person's.
    #[must_use]
    pub fn automatic(&self) -> bool {
        self.repair.by_hand.is_none()
    }
}

/// A repair that may not be done, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The tenant that suffers; nobody where it is about all.
    pub tenant: Option<TenantId>,
    /// The cause.
    pub cause: Cause,
    /// What holds it.
    pub guard: Guard,
    /// Why, for a person.
    pub message: String,
}

/// What may be done, and what may not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Planning {
    /// Repairs.
    pub plans: Vec<Plan>,
    /// Refusals.
    pub refusals: Vec<Refusal>,
}

impl<'s> Scene<'s> {
    fn platform(&self) -> Option<&'s Platform> {
        self.world.platform.known().map(|platform| &**platform)
    }

    pub(super) fn app(&self, name: &str) -> Option<&'s App> {
        self.platform()?.apps.get(name)
    }

    pub(super) fn edge(&self) -> Option<&'s App> {
        self.platform()?.edge()
    }

    pub(super) fn edge_app(&self) -> &'s str {
        self.platform().map_or("", |platform| platform.edge_app.as_str())
    }

    pub(super) fn ready_for(&self, name: &str) -> Option<&'s str> {
        guard::ready_for(self.edge(), name)
    }

    pub(super) fn machine(&self, machine: &MachineRef) -> Option<&'s MachineStanding> {
        let standing = self.standing.get(&machine.app)?.as_ref().ok()?;
        standing.machines.iter().find(|other| other.id == machine.id)
    }

    /// The image of a machine without its app's own name in it: apps share a release whose reference names each of them.
    pub(super) fn image(&self, machine: &MachineRef) -> Option<&'s str> {
        let machines = &self.app(&machine.app)?.machines;
        let machine = machines.iter().find(|other| other.id == machine.id)?;
        image_of(machine)
    }

    /// How many tenants have an app that crashed and a machine on this image.
    pub(super) fn crashed_on(&self, image: &str) -> usize {
        let here = crashing(self.diagnosis);
        let apps = here.union(self.crashing).filter_map(|app| self.app(app));
        let runs = |app: &&App| app.machines.iter().any(|machine| image_of(machine) == Some(image));
        apps.filter(runs).count()
    }

    /// Every record at a name or below it, by the listing; nothing where there is none.
    pub(super) fn listed(&self, name: &str) -> Option<Vec<&'s ZoneRecord>> {
        let listing = self.world.listing.known()?;
        Some(
            listing
                .iter()
                .filter(|record| is_or_below(&record.name, name))
                .collect(),
        )
    }
}

/// Who the tenants are, by what names them: several may share an app, or a name.
pub(super) struct Directory<'s> {
    by_id: HashMap<&'s TenantId, &'s Arc<Tenant>>,
    by_app: HashMap<&'s str, Vec<&'s Arc<Tenant>>>,
    by_name: HashMap<&'s str, Vec<&'s Arc<Tenant>>>,
    ill: HashMap<&'s TenantId, Vec<&'s CauseEntry>>,
}

impl<'s> Directory<'s> {
    fn of(scene: &'s Scene<'_>) -> Self {
        let mut directory = Self {
            by_id: HashMap::new(),
            by_app: HashMap::new(),
            by_name: HashMap::new(),
            ill: HashMap::new(),
        };
        for tenant in scene.world.known.iter() {
            directory.by_id.insert(&tenant.id, tenant);
            directory.by_app.entry(&tenant.app).or_default().push(tenant);
            directory
                .by_name
                .entry(tenant.hostname.as_str())
                .or_default()
                .push(tenant);
        }
        for entry in &scene.diagnosis.causes {
            for id in &entry.tenants {
                directory.ill.entry(id).or_default().push(entry);
            }
        }
        directory
    }

    /// The causes that a tenant suffers from.
    pub(super) fn causes_of(&self, id: &TenantId) -> &[&'s CauseEntry] {
        self.ill.get(id).map_or(&[], Vec::as_slice)
    }

    pub(super) fn tenant(&self, id: &TenantId) -> Option<&'s Arc<Tenant>> {
        self.by_id.get(id).copied()
    }

    pub(super) fn of_app(&self, app: &str) -> &[&'s Arc<Tenant>] {
        self.by_app.get(app).map_or(&[], Vec::as_slice)
    }

    pub(super) fn of_name(&self, name: &str) -> &[&'s Arc<Tenant>] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }
}

/// What a machine runs: the digest of its image, or else its tag.
fn image_of(machine: &Machine) -> Option<&str> {
    let tag = || Some(machine.image.as_deref()?.rsplit_once(['@', ':'])?.1);
    machine.digest.as_deref().or_else(tag)
}

/// What may be done about the tenants that are asked for (`None`: all), and what may not. Where an app's standing is not
/// known yet, its repair is planned all the same: [`apps_to_look_at`] says whose is needed, and [`check_standing`] looks.
#[must_use]
pub fn plan(scene: &Scene<'_>, asked: Option<&BTreeSet<TenantId>>) -> Planning {
    let mut planning = Planning::default();
    if scene.config.remediation.mode == RemediationMode::Off {
        return planning;
    }
    let held = OF_WORLD
        .into_iter()
        .find_map(|(guard, holds)| Some((guard, holds(scene)?)));
    for entry in scene
        .diagnosis
        .causes
        .iter()
        .filter(|entry| entry.scope != Scope::Tenant)
    {
        let (guard, is_held) = match entry.scope {
            Scope::Agent if guard::is_about_an_api(entry.cause) => (Guard::InventoryPartial, true),
            Scope::Agent => (Guard::AgentCause, true),
            _ => (Guard::FleetCause, entry.outcome == Outcome::Fail),
        };
        if is_held && entry.outcome != Outcome::Warn {
            let message = format!(
                "{}: nothing is repaired by itself while it goes on",
                entry.cause.row().title
            );
            planning.refuse(None, entry.cause, guard, message);
        }
    }
    let mut told = BTreeSet::new();
    let directory = Directory::of(scene);
    for candidate in candidates(scene, &directory) {
        if asked.is_some_and(|asked| !candidate.concerned.iter().any(|tenant| asked.contains(&tenant.id))) {
            continue;
        }
        let own = || {
            OF_CANDIDATE
                .into_iter()
                .find_map(|(guard, holds)| Some((guard, holds(scene, &candidate)?)))
        };
        match held.clone().or_else(own) {
            // One refusal says it for all that share the cause.
            Some((guard @ Guard::TooMany, message)) => {
                if told.insert((candidate.cause, message.clone())) {
                    planning.refuse(None, candidate.cause, guard, message);
                }
            }
            Some((guard, message)) => {
                planning.refuse(Some(candidate.tenant.id.clone()), candidate.cause, guard, message);
            }
            None => planning.plans.push(Plan {
                id: name(scene, &candidate),
                repair: candidate,
                passed: each_once(
                    OF_WORLD
                        .map(|(guard, _)| guard)
                        .into_iter()
                        .chain(OF_CANDIDATE.map(|(guard, _)| guard)),
                ),
            }),
        }
    }
    planning
}

/// The apps whose standing has to be known before the plans may be carried out.
#[must_use]
pub fn apps_to_look_at(planning: &Planning) -> BTreeSet<String> {
    let plans = planning.plans.iter();
    plans.flat_map(|plan| plan.repair.apps()).map(str::to_owned).collect()
}

/// Moves plans whose apps stand so that nothing may be done there to the refusals.
#[must_use]
pub fn check_standing(scene: &Scene<'_>, planning: Planning) -> Planning {
    let Planning { plans, mut refusals } = planning;
    let mut kept = Vec::new();
    for plan in plans {
        let held = OF_STANDING
            .into_iter()
            .find_map(|(guard, holds)| Some((guard, holds(scene, &plan.repair)?)));
        match held {
            Some((guard, message)) => refusals.push(Refusal {
                tenant: Some(plan.repair.tenant.id.clone()),
                cause: plan.repair.cause,
                guard,
                message,
            }),
            None => kept.push(Plan {
                passed: each_once(plan.passed.into_iter().chain(OF_STANDING.map(|(guard, _)| guard))),
                ..plan
            }),
        }
    }
    Planning { plans: kept, refusals }
}

fn each_once(guards: impl Iterator<Item = Guard>) -> Vec<Guard> {
    let mut seen = BTreeSet::new();
    guards.filter(|guard| seen.insert(guard.as_str())).collect()
}

impl Planning {
    fn refuse(&mut self, tenant: Option<TenantId>, cause: Cause, guard: Guard, message: String) {
        self.refusals.push(Refusal {
            tenant,
            cause,
            guard,
            message,
        });
    }
}

/// A name that no other plan has: by what is fixed, and when it was seen.
fn name(scene: &Scene<'_>, candidate: &Candidate) -> String {
    let text = format!(
        "{}\n{}\n{}\n{}",
        scene.world.domain, candidate.cause, candidate.object, scene.world.now
    );
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let digits = digest.as_ref().iter().take(5).map(|byte| format!("{byte:02x}"));
    format!("r-{}", digits.collect::<String>())
}

/// The apps that crash.
#[must_use]
pub fn crashing(diagnosis: &Diagnosis) -> BTreeSet<String> {
    let crashed = diagnosis.causes.iter().filter(|entry| entry.cause == Cause::AppCrashed);
    let named = crashed.filter_map(|entry| match &entry.object {
        Object::App(app) => Some(app.clone()),
        _ => None,
    });
    named.collect()
}

/// How many tenants have each cause.
#[must_use]
pub fn sharing(diagnosis: &Diagnosis) -> BTreeMap<Cause, usize> {
    let mut tenants = BTreeMap::<Cause, BTreeSet<&TenantId>>::new();
    for entry in &diagnosis.causes {
        tenants.entry(entry.cause).or_default().extend(&entry.tenants);
    }
    tenants
        .into_iter()
        .map(|(cause, tenants)| (cause, tenants.len()))
        .collect()
}

/// The checks that a repair of a cause is to fix.
pub(super) fn checks_of(cause: Cause) -> &'static [Check] {
    match cause {
        Cause::DnsOverride | Cause::DnsBlocked | Cause::DnsProxied => &[Check::Dns],
        Cause::CertificateConflict => &[Check::Certificate, Check::Conflicts],
        Cause::CertificateMissing | Cause::CertificateIssuing => &[Check::Certificate],
        _ => &[Check::App],
    }
}
