//! What might be done about a cause, by what was seen: before any guard looked at it.

use std::collections::BTreeSet;
use std::sync::Arc;

use roundsman_checks::chain::covers;
use roundsman_checks::diagnosis::{Action, Cause, CauseEntry, Confidence, Object, Scope};
use roundsman_checks::evidence::{AppCertificate, CertificateState, ZoneRecord};
use roundsman_checks::target::Tenant;

use super::plan::{Directory, Scene};
use super::step::{MachineRef, Step};

/// A repair that may be planned, before the guards looked at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The cause that it fixes.
    pub cause: Cause,
    /// The guilty object.
    pub object: Object,
    /// How sure the cause is.
    pub confidence: Confidence,
    /// Who suffers.
    pub tenant: Arc<Tenant>,
    /// Everybody whose app, name or certificate it touches.
    pub concerned: Vec<Arc<Tenant>>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// Why a person has to do it, where that is so.
    pub by_hand: Option<String>,
    /// Why what would go is never touched, where the steps do not show it.
    pub reserved: Option<String>,
    /// What would have to be seen and was not.
    pub unseen: Option<String>,
    /// The facts that prove the cause, each a sentence.
    pub evidence: Vec<String>,
    /// What else is wrong with whom it concerns: the repair does not fix that.
    pub beside: BTreeSet<(Cause, Object)>,
}

impl Candidate {
    /// The records that would go.
    pub fn records(&self) -> impl Iterator<Item = &ZoneRecord> {
        self.steps.iter().filter_map(Step::record)
    }

    /// The apps at which a certificate or a machine is changed.
    pub fn apps(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter(|step| step.changes()).filter_map(Step::app)
    }
}

/// Whether there is a repair for a cause.
#[must_use]
pub fn is_remediable(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::CertificateConflict
            | Cause::CertificateMissing
            | Cause::CertificateIssuing
            | Cause::DnsOverride
            | Cause::DnsProxied
            | Cause::DnsBlocked
            | Cause::DnsDelegated
            | Cause::AppStopped
            | Cause::AppCrashed
    )
}

/// What might be done about each cause that has a repair.
pub(super) fn candidates<'a>(
    scene: &'a Scene<'_>,
    directory: &'a Directory<'_>,
) -> impl Iterator<Item = Candidate> + 'a {
    let tenants_own = scene
        .diagnosis
        .causes
        .iter()
        .filter(|entry| entry.scope == Scope::Tenant);
    tenants_own.filter_map(|entry| candidate(scene, directory, entry).map(|repair| with_all(repair, directory)))
}

/// Everybody whose app, name or certificate a repair touches is concerned, also those who share one with another.
fn with_all(mut repair: Candidate, directory: &Directory<'_>) -> Candidate {
    let apps = repair.steps.iter().filter(|step| step.changes()).filter_map(Step::app);
    let names = repair.steps.iter().filter_map(Step::hostname);
    let mut all = apps.flat_map(|app| directory.of_app(app)).collect::<Vec<_>>();
    all.extend(names.flat_map(|name| directory.of_name(name)));
    all.extend(directory.of_name(repair.tenant.hostname.as_str()));
    for tenant in all {
        if !repair.concerned.iter().any(|known| known.id == tenant.id) {
            repair.concerned.push(Arc::clone(tenant));
        }
    }
    let ill = repair
        .concerned
        .iter()
        .flat_map(|tenant| directory.causes_of(&tenant.id));
    let beside = ill.filter(|entry| entry.cause != repair.cause || entry.object != repair.object);
    repair.beside = beside.map(|entry| (entry.cause, entry.object.clone())).collect();
    repair
}

fn candidate(scene: &Scene<'_>, directory: &Directory<'_>, entry: &CauseEntry) -> Option<Candidate> {
    match entry.cause {
        Cause::CertificateConflict => conflict(scene, directory, entry),
        Cause::CertificateMissing => missing(scene, directory, entry),
        Cause::CertificateIssuing => issuing(directory, entry),
        Cause::DnsOverride | Cause::DnsProxied => overridden(scene, directory, entry),
        Cause::DnsBlocked => blocked(scene, directory, entry),
        Cause::DnsDelegated => delegated(directory, entry),
        Cause::AppStopped | Cause::AppCrashed => down(scene, directory, entry),
        _ => None,
    }
}

/// A repair of a cause at one tenant, with nothing to do yet.
fn of(entry: &CauseEntry, tenant: &Arc<Tenant>) -> Candidate {
    Candidate {
        cause: entry.cause,
        object: entry.object.clone(),
        confidence: entry.confidence,
        tenant: Arc::clone(tenant),
        concerned: vec![Arc::clone(tenant)],
        steps: Vec::new(),
        by_hand: None,
        reserved: None,
        unseen: None,
        evidence: entry.evidence.iter().map(ToString::to_string).collect(),
        beside: BTreeSet::new(),
    }
}

/// A repair of a cause at the first of these tenants, or else at the first who suffers.
fn of_first(directory: &Directory<'_>, entry: &CauseEntry, tenants: &[&Arc<Tenant>]) -> Option<Candidate> {
    let tenant = tenants.first().copied().or_else(|| first(directory, entry))?;
    Some(of(entry, tenant))
}

fn first<'s>(directory: &Directory<'s>, entry: &CauseEntry) -> Option<&'s Arc<Tenant>> {
    entry.tenants.first().and_then(|id| directory.tenant(id))
}

/// A certificate held beside the edge: it goes, and the edge's own must serve the name then.
fn conflict(scene: &Scene<'_>, directory: &Directory<'_>, entry: &CauseEntry) -> Option<Candidate> {
    let Object::AppCertificate { app, name } = &entry.object else {
        return None;
    };
    let (holder, victim) = (
        directory.of_app(app).first().copied(),
        directory.of_name(name).first().copied(),
    );
    let tenant = victim.or(holder).or_else(|| first(directory, entry))?;
    let held = scene
        .app(app)?
        .certificates
        .iter()
        .find(|held| held.hostname == *name)?;
    let mut repair = of(entry, tenant);
    repair
        .concerned
        .extend(holder.into_iter().filter(|holder| holder.id != tenant.id).cloned());
    for id in &entry.tenants {
        let known = repair.concerned.iter().any(|tenant| tenant.id == *id);
        repair
            .concerned
            .extend(directory.tenant(id).filter(|_| !known).cloned());
    }
    repair.steps.push(Step::RemoveCertificate {
        app: app.clone(),
        name: name.clone(),
        created_at: held.created_at,
    });
    if victim.is_some() {
        repair.steps.extend(served_by_edge(scene, name));
    }
    if holder.is_none() {
        repair.by_hand = Some(format!("{app} is no tenant's app: who looks after it decides"));
    }
    Some(repair)
}

/// What makes the edge serve a name: nothing where a certificate that is ready covers it.
fn served_by_edge(scene: &Scene<'_>, name: &str) -> Vec<Step> {
    let Some(edge) = scene.edge().filter(|_| scene.ready_for(name).is_none()) else {
        return Vec::new();
    };
    let (app, name) = (edge.name.clone(), name.to_owned());
    let wait = Step::Wait {
        app: app.clone(),
        name: name.clone(),
    };
    match edge.holds(&name) {
        true => vec![wait],
        false => vec![Step::AddCertificate { app, name }, wait],
    }
}

fn missing(scene: &Scene<'_>, directory: &Directory<'_>, entry: &CauseEntry) -> Option<Candidate> {
    let Object::Certificate(name) = &entry.object else {
        return None;
    };
    let mut repair = of(entry, directory.of_name(name).first().copied()?);
    let app = scene.edge()?.name.clone();
    repair.steps = vec![
        Step::AddCertificate {
            app: app.clone(),
            name: name.clone(),
        },
        Step::Wait {
            app,
            name: name.clone(),
        },
    ];
    Some(repair)
}

fn issuing(directory: &Directory<'_>, entry: &CauseEntry) -> Option<Candidate> {
    let Object::AppCertificate { app, name } = &entry.object else {
        return None;
    };
    let mut repair = of_first(directory, entry, directory.of_name(name))?;
    repair.steps.push(Step::Wait {
        app: app.clone(),
        name: name.clone(),
    });
    Some(repair)
}

const ADDRESSES: [&str; 3] = ["A", "AAAA", "CNAME"];

/// Address records at the name itself: all of them go together.
fn overridden(scene: &Scene<'_>, directory: &Directory<'_>, entry: &CauseEntry) -> Option<Candidate> {
    let Object::Name(name) = &entry.object else {
        return None;
    };
    let mut repair = of_first(directory, entry, directory.of_name(name))?;
    let Some(listed) = scene.listed(name) else {
        repair.unseen = Some(UNLISTED.to_owned());
        return Some(repair);
    };
    let (own, others) = listed
        .into_iter()
        .partition::<Vec<_>, _>(|record| record.name == *name && ADDRESSES.contains(&record.kind.as_str()));
    // What was answered has to be what is listed, record by record.
    let answered = entry.remedy.iter().flat_map(|remedy| remedy.action.records());
    if own.is_empty() || answered.clone().any(|record| record.id.is_none()) || answered.count() == 0 {
        repair.unseen = Some(format!(
            "the zone's listing does not show every record that answers for {name}"
        ));
    }
    if let Some(other) = others.first() {
        repair.by_hand = Some(format!(
            "without the addresses, {} {} would keep the wildcard away from the name",
            other.kind, other.name
        ));
    }
    repair.steps = own.into_iter().cloned().map(Step::DeleteRecord).collect();
    Some(repair)
}

const UNLISTED: &str = "no listing of the zone names the record: set [cloudflare]";

/// Everything at the name or below it: what validation left behind may go by itself, the rest only by a person.
fn blocked(scene: &Scene<'_>, directory: &Directory<'_>, entry: &CauseEntry) -> Option<Candidate> {
    let Object::Name(name) = &entry.object else {
        return None;
    };
    let mut repair = of_first(directory, entry, directory.of_name(name))?;
    let Some(listed) = scene.listed(name) else {
        repair.unseen = Some(UNLISTED.to_owned());
        return Some(repair);
    };
    if listed.is_empty() {
        repair.unseen = Some(format!("the zone's listing shows nothing at {name} or below it"));
    }
    let leftovers = [format!("_acme-challenge.{name}"), format!("_fly-ownership.{name}")];
    let other = listed.iter().find(|record| !leftovers.contains(&record.name));
    if let Some(other) = other {
        repair.by_hand = Some(format!("{} {} may be there on purpose", other.kind, other.name));
    } else if !wildcard_is_ready(scene, name) {
        repair.by_hand = Some("no wildcard certificate that is ready covers the name".to_owned());
    }
    repair.steps = listed.into_iter().cloned().map(Step::DeleteRecord).collect();
    Some(repair)
}

fn wildcard_is_ready(scene: &Scene<'_>, name: &str) -> bool {
    scene.edge().is_some_and(|edge| {
        let ready = |held: &AppCertificate| held.state == CertificateState::Ready && held.hostname.starts_with("*.");
        edge.certificates
            .iter()
            .any(|held| ready(held) && covers(&held.hostname, name))
    })
}

fn delegated(directory: &Directory<'_>, entry: &CauseEntry) -> Option<Candidate> {
    let mut repair = of(entry, first(directory, entry)?);
    repair.reserved = Some("NS records are never touched".to_owned());
    Some(repair)
}

/// A machine that does not run: by the machine that the finding names.
fn down(scene: &Scene<'_>, directory: &Directory<'_>, entry: &CauseEntry) -> Option<Candidate> {
    let Object::App(app) = &entry.object else {
        return None;
    };
    let mut repair = of_first(directory, entry, directory.of_app(app))?;
    let machines = &scene.app(app)?.machines;
    for remedy in &entry.remedy {
        let id = remedy.action.machine().unwrap_or_default();
        let Some(machine) = machines.iter().find(|machine| machine.id == id) else {
            continue;
        };
        let machine = MachineRef {
            app: app.clone(),
            id: machine.id.clone(),
            state: machine.state.clone(),
        };
        match &remedy.action {
            Action::StartMachine { .. } => repair.steps.push(Step::StartMachine(machine)),
            Action::RestartMachine { .. } => repair.steps.push(Step::RestartMachine(machine)),
            _ => continue,
        }
        if !remedy.automatic {
            repair.by_hand = Some("its log may tell why it does not come up: look there first".to_owned());
        }
    }
    (!repair.steps.is_empty()).then_some(repair)
}
