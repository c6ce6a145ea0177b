//! The guards: why a repair is not planned, each a function of its own over what was seen. Each refusal names its guard.

mod kind;

use jiff::{SignedDuration, Timestamp};
use roundsman_checks::chain::covers;
use roundsman_checks::diagnosis::{Cause, Confidence, Scope};
use roundsman_checks::evidence::{App, CertificateState, Fault, MachineState};
use roundsman_checks::finding::Outcome;
use roundsman_checks::platform::standing::{AppStanding, MachineStanding};
use roundsman_checks::reading::{is_hands_off, is_under, manager};

use super::candidate::Candidate;
use super::plan::Scene;
use super::step::{MachineRef, Step};

pub use kind::Guard;

/// A guard over what was seen of the world: it holds every repair.
type OfWorld = fn(&Scene<'_>) -> Option<String>;
/// A guard over one repair.
type OfCandidate = fn(&Scene<'_>, &Candidate) -> Option<String>;

/// What holds everything.
pub(super) const OF_WORLD: [(Guard, OfWorld); 4] = [
    (Guard::AgentCause, agent_cause),
    (Guard::FleetCause, fleet_cause),
    (Guard::InventoryPartial, inventory_partial),
    (Guard::InventoryPartial, api_cause),
];

/// What holds one repair, in the order in which it is told.
pub(super) const OF_CANDIDATE: [(Guard, OfCandidate); 13] = [
    (Guard::Inactive, inactive),
    (Guard::RepairOff, repair_off),
    (Guard::Protected, protected),
    (Guard::ManagedElsewhere, managed_elsewhere),
    (Guard::CustomDomain, custom_domain),
    (Guard::ReservedName, reserved_name),
    (Guard::ImportedCertificate, imported_certificate),
    (Guard::NotConfirmed, not_confirmed),
    (Guard::CoveredByWildcard, covered_by_wildcard),
    (Guard::Budget, authority_refuses),
    (Guard::TooMany, too_many),
    (Guard::TooMany, crash_together),
    (Guard::Recreated, recreated),
];

/// What holds one repair by what only a look at its app tells.
pub(super) const OF_STANDING: [(Guard, OfCandidate); 4] = [
    (Guard::InventoryPartial, standing_unknown),
    (Guard::Protected, marked),
    (Guard::StoppedByHand, stopped_by_hand),
    (Guard::DeployInProgress, deploy_in_progress),
];

/// How old what was seen may be when it is acted on.
pub(super) const FRESH: SignedDuration = SignedDuration::from_secs(60);
/// Up to how many tenants may always share a cause, and which part of all.
const FEW: usize = 3;
const PERCENT: usize = 2;
/// How many tenants on one image crash together.
const TOGETHER: usize = 3;
/// How long after a change of a machine a deploy may still go on.
const SETTLED: SignedDuration = SignedDuration::from_secs(60);

/// The agent itself can't see well, or stands on a wrong setting. A warning holds nothing: what it leaves out is missing.
pub(super) fn agent_cause(scene: &Scene<'_>) -> Option<String> {
    let mut causes = scene.diagnosis.causes.iter();
    let found = causes.find(|entry| {
        let sees_badly = entry.scope == Scope::Agent && entry.outcome != Outcome::Warn;
        sees_badly && !is_about_an_api(entry.cause)
    })?;
    Some(format!("{}: {}", found.cause, found.cause.row().title))
}

/// An API that does not answer, or not whole: what it would have told is missing, which is a guard of its own.
pub(super) fn is_about_an_api(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::PlatformApiUnauthorized | Cause::PlatformApiUnavailable | Cause::PlatformApiRateLimited
    )
}

/// An API that does not answer the agent, in a way that no missing part shows.
pub(super) fn api_cause(scene: &Scene<'_>) -> Option<String> {
    let mut causes = scene.diagnosis.causes.iter();
    let found = causes.find(|entry| is_about_an_api(entry.cause) && entry.outcome != Outcome::Warn)?;
    Some(format!("{}: {}", found.cause, found.cause.row().title))
}

/// Something fails that all share: it may be what breaks the tenant. A warning holds nothing.
pub(super) fn fleet_cause(scene: &Scene<'_>) -> Option<String> {
    let mut causes = scene.diagnosis.causes.iter();
    let found = causes.find(|entry| entry.scope == Scope::Fleet && entry.outcome == Outcome::Fail)?;
    Some(format!("{}: {}", found.cause, found.cause.row().title))
}

/// A source, a page, a region or a part of the round is missing.
pub(super) fn inventory_partial(scene: &Scene<'_>) -> Option<String> {
    let world = scene.world;
    let said = |fault: &Fault| Some(fault.detail.clone());
    if world.interrupted {
        return Some("the round was ended before everything was looked at".to_owned());
    }
    if let Some(fault) = world.inventory.first() {
        return said(fault);
    }
    if !scene.complete || world.known.is_empty() {
        return Some("the source that says who should exist did not answer in full, or names nobody".to_owned());
    }
    if let Some(fault) = world.platform.fault().or(world.listing.fault()) {
        return said(fault);
    }
    let platform = world.platform.known()?;
    if let Some(fault) = platform.apps_missing.as_ref().or(platform.machines_missing.as_ref()) {
        return said(fault);
    }
    if let Some(region) = platform.silent_regions.first() {
        return Some(format!("the platform says nothing of its region {region}"));
    }
    let missing = |app: &App| {
        let faults = [&app.certificates_missing, &app.machines_missing, &app.addresses_missing];
        faults
            .into_iter()
            .flatten()
            .next()
            .map(|fault| format!("{}: {}", app.name, fault.detail))
    };
    platform.apps.values().find_map(missing)
}

/// A tenant that is expected not to run.
pub(super) fn inactive(_: &Scene<'_>, candidate: &Candidate) -> Option<String> {
    let found = candidate.concerned.iter().find(|tenant| tenant.inactive)?;
    Some(format!(
        "{} is {}",
        found.id,
        found.status.as_deref().unwrap_or("inactive")
    ))
}

/// A tenant that an override keeps from being repaired.
pub(super) fn repair_off(scene: &Scene<'_>, candidate: &Candidate) -> Option<String> {
    let mut concerned = candidate.concerned.iter();
    let found = concerned.find(|tenant| !scene.config.expectation_for(tenant).repair)?;
    Some(format!("[[overrides]] say repair = false for {}", found.id))
}

/// A tenant, an app or a record that somebody marked, or named, as not to be touched: holder and victim alike.
pub(super) fn protected(scene: &Scene<'_>, candidate: &Candidate) -> Option<String> {
    let rules = &scene.config.remediation;
    for tenant in &candidate.concerned {
        if let Some(glob) = rules.protect.iter().find(|glob| glob.matches(tenant.id.as_str())) {
            return Some(format!("[remediation] protect has {glob}, which is {}", tenant.id));
        }
        if scene.app(&tenant.app).is_some_and(is_marked) {
            return Some(format!(
                "every machine of {} has the metadata roundsman = \"off\"",
                tenant.app
            ));
        }
    }
    if let Some(app) = candidate
        .steps
        .iter()
        .filter_map(Step::app)
        .find(|app| scene.app(app).is_some_and(is_marked))
    {
        return Some(format!("every machine of {app} has the metadata roundsman = \"off\""));
    }
    let of_step = |step: &Step| step.machine().cloned();
    if let Some(machine) = candidate
        .steps
        .iter()
        .filter_map(of_step)
        .find(|machine| is_machine_marked(scene, machine))
    {
        return Some(format!("machine {} has the metadata roundsman = \"off\"", machine.id));
    }
    let record = candidate.records().find(|record| is_hands_off(record))?;
    Some(format!(
        "a comment or tag of the record {} {} says roundsman off",
        record.kind, record.name
    ))
}

fn is_marked(app: &App) -> bool {
    let mut standing = app.machines.iter().filter(|machine| !machine.is_gone()).peekable();
    standing.peek().is_some() && standing.all(|machine| machine.hands_off)
}

fn is_machine_marked(scene: &Scene<'_>, wanted: &MachineRef) -> bool {
    let machines = scene
        .app(&wanted.app)
        .map(|app| app.machines.as_slice())
        .unwrap_or_default();
    machines
        .iter()
        .any(|machine| machine.id == wanted.id && machine.hands_off)
}

/// A record that a tool keeps: it would come back, or the tool would fail.
pub(super) fn managed_elsewhere(_: &Scene<'_>, candidate: &Candidate) -> Option<String> {
    let found = candidate
        .records()
        .find_map(|record| Some((record, manager(record)?)))?;
    let (record, tool) = found;
    Some(format!(
        "a comment or tag of the record {} {} names {tool}",
        record.kind, record.name
    ))
}

/// A name that is not below the domain: a customer's own.
pub(super) fn custom_domain(scene: &Scene<'_>, candidate: &Candidate) -> Option<String> {
    let domain = &scene.world.domain;
    let mut names = candidate.steps.iter().filter_map(Step::hostname);
    let found = names.find(|name| !is_under(name, domain))?;
    Some(format!("{found} is not below {domain}"))
}

/// The names and types that are never touched: the domain itself, wildcards, what the wildcard's renewal needs, mail and
/// delegations, what a certificate of the tenant's own needs, and whatever the edge holds.
pub(super) fn reserved_name(scene: &Scene<'_>, candidate: &Candidate) -> Option<String> {
    if let Some(reserved) = &candidate.reserved {
        return Some(reserved.clone());
    }
    let domain = scene.world.domain.as_str();
    let acme = format!("_acme-challenge.{domain}");
    for step in &candidate.steps {
        let name = step.hostname().unwrap_or_default();
        if name == domain || name.contains('*') || name == acme {
            return Some(format!("{name} is never touched"));
        }
        match step {
            Step::DeleteRecord(record) if matches!(record.kind.as_str(), "MX" | "NS" | "SOA") => {
                return Some(format!("{} records are never touched", record.kind));
            }
            Step::DeleteRecord(record) => {
                let needs = |name: &str| {
                    let held = |edge: &App| edge.holds(name) || edge.holds(&format!("*.{name}"));
                    scene.edge().is_some_and(held)
                };
                if validated_by(&record.name).is_some_and(needs) {
                    return Some(format!("the edge holds a certificate that needs {}", record.name));
                }
            }
            Step::RemoveCertificate { app, .. } if *app == scene.edge_app() => {
                return Some("certificates of the edge are never removed".to_owned());
            }
            _ => {}
        }
    }
    None
}

/// The name that a record below it validates.
fn validated_by(record: &str) -> Option<&str> {
    let rest = record.strip_prefix("_acme-challenge.");
    rest.or_else(|| record.strip_prefix("_fly-ownership."))
}

/// A certificate whose key is nowhere else.
pub(super) fn imported_certificate(scene: &Scene<'_>, candidate: &Candidate) -> Option<String> {
    candidate.steps.iter().find_map(|step| match step {
        Step::RemoveCertificate { app, name, .. } => {
            let held = scene
                .app(app)?
                .certificates
                .iter()
                .find(|held| held.hostname == *name)?;
            held.imported
                .then(|| format!("{app} holds an imported certificate for {name}: its key would be lost"))
        }
        _ => None,
    })
}

/// A cause that is only likely, or something to be removed that was not seen itself.
pub(super) fn not_confirmed(_: &Scene<'_>, candidate: &Candidate) -> Option<String> {
    if candidate.confidence != Confidence::Confirmed {
        return Some(format!("{} is only likely", candidate.cause));
    }
    candidate.unseen.clone()
}

/// No certificate is asked for where one that is ready covers the name.
pub(super) fn covered_by_wildcard(scene: &Scene<'_>, candidate: &Candidate) -> Option<String> {
    candidate.steps.iter().find_map(|step| match step {
        Step::AddCertificate { name, .. } => {
            let held = scene.ready_for(name)?;
            Some(format!("the edge holds {held}, which is ready and covers {name}"))
        }
        _ => None,
    })
}

/// An authority refuses certificates for the name until a moment: another question makes it no better.
pub(super) fn authority_refuses(scene: &Scene<'_>, candidate: &Candidate) -> Option<String> {
    let adds = |step: &Step| match step {
        Step::AddCertificate { name, .. } => Some(name.clone()),
        _ => None,
    };
    let name = candidate.steps.iter().find_map(adds)?;
    let apps = scene.world.platform.known().map(|platform| platform.apps.values());
    let held = apps.into_iter().flatten().flat_map(|app| &app.certificates);
    let refused = held
        .filter(|held| held.hostname == name)
        .filter_map(|held| held.rate_limited_until);
    let until = refused.filter(|until| *until > scene.now).max()?;
    Some(format!("the authority refuses certificates for {name} until {until}"))
}

/// So many share a cause that something else is wrong.
pub(super) fn too_many(scene: &Scene<'_>, candidate: &Candidate) -> Option<String> {
    let sharing = scene.sharing.get(&candidate.cause).copied().unwrap_or_default();
    let over = sharing > FEW && sharing * 100 > scene.tenants * PERCENT;
    (over && scene.most.is_none()).then(|| {
        format!(
            "{sharing} of {} tenants have {}: by itself at most {FEW}, or {PERCENT} %, are repaired; a person may, with --max",
            scene.tenants, candidate.cause
        )
    })
}

/// What crashes on one image at three tenants is a release, and no restart fixes it.
pub(super) fn crash_together(scene: &Scene<'_>, candidate: &Candidate) -> Option<String> {
    let machine = candidate.steps.iter().find_map(Step::machine)?;
    if candidate.cause != Cause::AppCrashed {
        return None;
    }
    let image = scene.image(machine)?;
    let crashed = scene.crashed_on(image);
    (crashed >= TOGETHER).then(|| format!("{crashed} tenants on {image} crash: a restart does not fix a release"))
}

/// What was repaired before, and came back; or what a person took back.
pub(super) fn recreated(scene: &Scene<'_>, candidate: &Candidate) -> Option<String> {
    let objects = candidate.steps.iter().filter(|step| step.changes()).map(Step::object);
    scene.history.recreated(&objects.collect::<Vec<_>>(), scene.now)
}

/// An app of which more must be known before something is done there, and is not.
pub(super) fn standing_unknown(scene: &Scene<'_>, candidate: &Candidate) -> Option<String> {
    candidate.apps().find_map(|app| match scene.standing.get(app) {
        Some(Ok(_)) => None,
        Some(Err(fault)) => Some(format!("{app}: {}", fault.detail)),
        None => Some(format!(
            "{app} was not looked at: one run looks at 200 apps, run it again for the rest"
        )),
    })
}

/// A machine that was marked since it was listed.
pub(super) fn marked(scene: &Scene<'_>, candidate: &Candidate) -> Option<String> {
    let machines = candidate.steps.iter().filter_map(Step::machine);
    for machine in machines {
        if scene.machine(machine).is_some_and(|machine| machine.hands_off) {
            return Some(format!("machine {} has the metadata roundsman = \"off\"", machine.id));
        }
    }
    candidate.apps().find_map(|app| {
        let standing = scene.standing.get(app)?.as_ref().ok()?;
        is_app_marked(standing).then(|| format!("every machine of {app} has the metadata roundsman = \"off\""))
    })
}

/// Whether nothing is to be changed at an app, its certificates neither.
#[must_use]
pub(super) fn is_app_marked(app: &AppStanding) -> bool {
    let mut machines = app.machines.iter().filter(|machine| !machine.is_gone()).peekable();
    machines.peek().is_some() && machines.all(|machine| machine.hands_off)
}

/// A machine that a person stopped rests on purpose.
pub(super) fn stopped_by_hand(scene: &Scene<'_>, candidate: &Candidate) -> Option<String> {
    let machines = candidate.steps.iter().filter_map(Step::machine);
    machines
        .filter_map(|machine| scene.machine(machine))
        .find_map(|machine| is_stopped_by_hand(machine).then(|| format!("a person stopped machine {}", machine.id)))
}

/// Whether the newest stop of a machine was a person's.
#[must_use]
pub(super) fn is_stopped_by_hand(machine: &MachineStanding) -> bool {
    let newest = machine.events.iter().find(|event| event.kind == "stop");
    newest.is_some_and(|event| event.source == "user")
}

/// A deploy changes what would be changed: certificates and machines wait for its end, records do not.
pub(super) fn deploy_in_progress(scene: &Scene<'_>, candidate: &Candidate) -> Option<String> {
    candidate.apps().find_map(|app| {
        let standing = scene.standing.get(app)?.as_ref().ok()?;
        deploys(standing, scene.now).map(|why| format!("{app}: {why}"))
    })
}

/// What shows that a deploy of an app goes on.
#[must_use]
pub(super) fn deploys(app: &AppStanding, now: Timestamp) -> Option<String> {
    if app.releasing {
        return Some("a release is in progress".to_owned());
    }
    app.machines
        .iter()
        .filter(|machine| !machine.is_gone())
        .find_map(|machine| {
            let id = &machine.id;
            if machine.leased {
                return Some(format!("somebody holds a lease on machine {id}"));
            }
            if matches!(machine.state, MachineState::Created | MachineState::Replacing) {
                return Some(format!("machine {id} is {}", machine.state));
            }
            let updated = machine.events.iter().find(|event| event.kind == "update")?;
            let age = now.duration_since(updated.at);
            (age <= SETTLED).then(|| format!("machine {id} was updated {} s ago", age.as_secs().max(0)))
        })
}

/// A certificate of the edge that is ready and covers a name.
pub(super) fn ready_for<'a>(edge: Option<&'a App>, name: &str) -> Option<&'a str> {
    let mut held = edge?.certificates.iter();
    let ready = held.find(|held| held.state == CertificateState::Ready && covers(&held.hostname, name))?;
    Some(&ready.hostname)
}

/// What a repair stands on was seen too long ago: it has to be looked at again first.
#[must_use]
pub(super) fn evidence_old(seen_at: Timestamp, now: Timestamp) -> Option<String> {
    let age = now.duration_since(seen_at);
    (age > FRESH || age < -FRESH).then(|| format!("what it stands on was seen {} s ago", age.as_secs()))
}
