//! Tenant rules that need the platform's word: who holds certificates, how far they are, how the app is.

use super::tenant_rules::TenantContext;
use super::{Action, AppFact, Cause, CertificateFact, Fact, HandshakeNow, Object, PlatformStep, Proof, Remedy, Wait};
use crate::chain::covers;
use crate::check::certificate_holders;
use crate::evidence::{App, AppCertificate, CertificateState, Machine, Platform, Reason, Visit};
use crate::finding::{Check, Outcome};
use crate::reading::{AppState, MachineEnd, app_state};

fn platform<'w>(subject: &'w TenantContext<'_>) -> Option<&'w Platform> {
    subject.context.platform()
}

/// Whether the handshake was cut while the control name is served at the same address, be it a certificate that fails.
fn is_cut_alone(subject: &TenantContext<'_>) -> bool {
    let control_is_served = |visit: &Visit| {
        let control = subject.context.fleet.edge.control_at(visit.address);
        control.is_some_and(Visit::was_served)
    };
    subject
        .tenant
        .visit()
        .is_some_and(|visit| visit.was_cut() && control_is_served(visit))
}

pub(super) fn conflicts_that_cut(subject: &TenantContext<'_>) -> Vec<Proof> {
    if subject.fails(Check::Certificate) && is_cut_alone(subject) {
        conflicts(subject)
    } else {
        Vec::new()
    }
}

/// Each certificate that conflicts is a guilty object of its own: while one is left, so is its conflict, and no other
/// takes its name.
pub(super) fn conflicts(subject: &TenantContext<'_>) -> Vec<Proof> {
    // Who holds what beside the edge can't be said where another app is the edge.
    let Some(platform) = platform(subject).filter(|_| subject.context.other_edge.proven().is_none()) else {
        return Vec::new();
    };
    let wildcard = subject.context.fleet.wildcard_name();
    let held = certificate_holders(subject.context, subject.tenant).into_iter();
    let held = held.filter(|(_, certificate)| certificate.hostname != wildcard);
    held.map(|(app, certificate)| conflict(subject, &platform.edge_app, app, certificate))
        .collect()
}

fn conflict(subject: &TenantContext<'_>, edge: &str, app: &App, certificate: &AppCertificate) -> Proof {
    let (app, name) = (app.name.clone(), certificate.hostname.clone());
    // On the line that is always shown: a latent conflict can wait until the morning.
    let handshake = subject
        .tenant
        .visit()
        .and_then(|visit| match visit.channel_end().reason() {
            Some(reason) if visit.was_cut() => Some(HandshakeNow::Cut(reason)),
            _ if visit.handshake.end.is_done() => Some(HandshakeNow::Works),
            _ => None,
        });
    let held = CertificateFact::Held {
        app: app.clone(),
        name: name.clone(),
        status: certificate.status.clone(),
        edge: edge.to_owned(),
        imported: certificate.imported,
        handshake: handshake.map(|now| (subject.name().to_owned(), now)),
    };
    // Who looks after an app that is no tenant's decides what goes there.
    let of_a_tenant = subject.context.owner(&app).is_some_and(|owner| owner.app == app);
    let remove = Action::RemoveCertificate {
        app: app.clone(),
        name: name.clone(),
    };
    Proof::fail(Object::AppCertificate { app, name }, vec![held.into()])
        .because(Reason::PlatformConflict)
        .remedy(remove.automatically(of_a_tenant && !certificate.imported))
}

/// The edge's own certificate for exactly this name, where it is not ready.
fn explicit<'w>(subject: &'w TenantContext<'_>) -> Option<&'w AppCertificate> {
    let own = subject
        .context
        .edge_app()?
        .certificates
        .iter()
        .find(|certificate| certificate.hostname == subject.name())?;
    (own.state != CertificateState::Ready).then_some(own)
}

/// Seconds after which an awaited certificate is stuck: 30 to 60 are usual.
const STUCK_AFTER: i64 = 120;

/// What a certificate that is not ready is waiting for.
pub(super) fn waits_for(certificate: &AppCertificate, now: jiff::Timestamp) -> Option<Cause> {
    if certificate.rate_limited_until.is_some_and(|until| until > now) {
        return Some(Cause::CertificateRateLimited);
    }
    let age = certificate
        .created_at
        .map_or(i64::MAX, |created| now.as_second() - created.as_second());
    match certificate.state {
        CertificateState::Ready => None,
        CertificateState::AwaitingConfiguration => Some(Cause::CertificateAwaitingConfiguration),
        CertificateState::AwaitingCertificates | CertificateState::Other if age > STUCK_AFTER => {
            Some(Cause::CertificateStuck)
        }
        CertificateState::AwaitingCertificates | CertificateState::Other => Some(Cause::CertificateIssuing),
    }
}

pub(super) fn pending(subject: &TenantContext<'_>, cause: Cause) -> Option<Proof> {
    let finding = subject.findings.of(Check::Certificate);
    let warns = finding.outcome == Outcome::Warn && finding.reason == Some(Reason::PlatformPending);
    let cut = finding.outcome == Outcome::Fail && is_cut_alone(subject);
    if !(warns || cut) {
        return None;
    }
    let certificate =
        explicit(subject).filter(|own| waits_for(own, subject.context.platform_moment()) == Some(cause))?;
    let edge = &platform(subject)?.edge_app;
    let (app, name) = (edge.clone(), certificate.hostname.clone());
    let awaited = CertificateFact::Awaited {
        edge: edge.clone(),
        name: name.clone(),
        status: certificate.status.clone(),
    };
    let refused = certificate.rate_limited_until.map(CertificateFact::RefusedUntil);
    let errors = certificate.errors.iter().cloned().map(CertificateFact::PlatformSays);
    let served = warns.then_some(CertificateFact::WildcardServes);
    let evidence = std::iter::once(awaited).chain(refused).chain(errors).chain(served);
    let remedy = match cause {
        Cause::CertificateIssuing => Remedy::wait(Wait::Issuance),
        Cause::CertificateRateLimited => Remedy::wait(Wait::RateLimit(certificate.rate_limited_until)),
        _ if warns => Remedy::platform(PlatformStep::DropAwaited {
            app: app.clone(),
            name: name.clone(),
        }),
        _ => Remedy::platform(PlatformStep::MendValidation {
            app: app.clone(),
            name: name.clone(),
        }),
    };
    let proof = Proof::fail(Object::AppCertificate { app, name }, evidence.map(Fact::from).collect());
    let proof = proof.outcome(finding.outcome);
    Some(
        proof
            .because(finding.reason.or(Some(Reason::PlatformPending)))
            .remedy(remedy),
    )
}

pub(super) fn missing(subject: &TenantContext<'_>) -> Option<Proof> {
    let platform = platform(subject)?;
    let edge = subject
        .context
        .edge_app()
        .filter(|edge| edge.certificates_missing.is_none())?;
    let name = subject.name();
    let covered = edge
        .certificates
        .iter()
        .any(|certificate| certificate.state == CertificateState::Ready && covers(&certificate.hostname, name));
    if !subject.fails(Check::Certificate) || !is_cut_alone(subject) || covered {
        return None;
    }
    let names = edge.certificates.iter().take(4).map(|held| held.hostname.clone());
    let others = CertificateFact::CoverOthers {
        edge: platform.edge_app.clone(),
        names: names.collect(),
        name: name.to_owned(),
    };
    let add = Action::AddCertificate {
        app: platform.edge_app.clone(),
        name: name.to_owned(),
    };
    Some(
        Proof::fail(Object::Certificate(name.to_owned()), vec![others.into()])
            .because(subject.findings.of(Check::Certificate).reason)
            .remedy(add.automatically(true)),
    )
}

fn app_is<'w>(subject: &'w TenantContext<'_>) -> Option<AppState<'w>> {
    let wrong = subject.fails(Check::App);
    let platform = platform(subject).filter(|_| wrong)?;
    Some(app_state(subject.tenant.told(platform), &subject.tenant.details))
}

pub(super) fn app_missing(subject: &TenantContext<'_>) -> Option<Proof> {
    if subject.tenant.tenant.unlisted {
        let (id, app) = (subject.id(), &subject.tenant.tenant.app);
        let unlisted = AppFact::Unlisted(id.to_owned());
        let command = format!("create {app}, name {id} in the inventory, or correct the name that was asked for");
        let proof = Proof::fail(Object::App(app.clone()), vec![unlisted.into()]);
        return Some(proof.because(Reason::PlatformNotFound).remedy(Remedy::advise(command)));
    }
    let Some(AppState::Missing) = app_is(subject) else {
        return None;
    };
    let app = &subject.tenant.tenant.app;
    let missing = AppFact::Missing {
        organization: platform(subject)?.organization.clone(),
        app: app.clone(),
    };
    let remedy = Remedy::advise(format!(
        "create {app} again, or take {} out of the inventory",
        subject.id()
    ));
    Some(
        Proof::fail(Object::App(app.clone()), vec![missing.into()])
            .because(Reason::PlatformNotFound)
            .remedy(remedy),
    )
}

pub(super) fn app_host_down(subject: &TenantContext<'_>) -> Option<Proof> {
    let Some(AppState::HostDown(machine)) = app_is(subject) else {
        return None;
    };
    let app = &subject.tenant.tenant.app;
    let step = PlatformStep::LeaveHost {
        app: app.clone(),
        machine: machine.id.clone(),
    };
    let fact = AppFact::HostDown(MachineEnd::of(machine));
    Some(
        Proof::fail(Object::App(app.clone()), vec![fact.into()])
            .because(Reason::PlatformUnavailable)
            .remedy(Remedy::platform(step)),
    )
}

pub(super) fn app_stopped(subject: &TenantContext<'_>) -> Option<Proof> {
    let app = &subject.tenant.tenant.app;
    let (fact, remedy) = match app_is(subject)? {
        AppState::Stopped(None) => (
            AppFact::NoMachine(app.clone()),
            Remedy::platform(PlatformStep::Deploy(app.clone())),
        ),
        AppState::Stopped(Some(machine)) => {
            let start = Action::StartMachine {
                app: app.clone(),
                machine: machine.id.clone(),
            };
            let stays_down = machine.state.is_at_rest() && machine.autostart == Some(false);
            (down(machine, stays_down), start.automatically(true))
        }
        AppState::Stuck(machine) => {
            let restart = Action::RestartMachine {
                app: app.clone(),
                machine: machine.id.clone(),
            };
            let stuck = AppFact::Stuck {
                machine: machine.id.clone(),
                state: machine.state.clone(),
                since: machine.updated_at,
            };
            (stuck, restart.by_hand())
        }
        _ => return None,
    };
    Some(
        Proof::fail(Object::App(app.clone()), vec![fact.into()])
            .because(Reason::PlatformStopped)
            .remedy(remedy),
    )
}

fn down(machine: &Machine, stays_down: bool) -> AppFact {
    AppFact::Down {
        machine: MachineEnd::of(machine),
        stays_down,
    }
}

pub(super) fn app_crashed(subject: &TenantContext<'_>) -> Option<Proof> {
    let Some(AppState::Crashed(machine)) = app_is(subject) else {
        return None;
    };
    let app = &subject.tenant.tenant.app;
    let id = machine.id.clone();
    // What failed does not run: there is nothing to stop first.
    let restart = match machine.state.has_failed() {
        true => Action::StartMachine {
            app: app.clone(),
            machine: id,
        },
        false => Action::RestartMachine {
            app: app.clone(),
            machine: id,
        },
    };
    let evidence = std::iter::once(down(machine, false)).chain(others(subject, machine));
    Some(
        Proof::fail(Object::App(app.clone()), evidence.map(Fact::from).collect())
            .because(Reason::PlatformCrashed)
            .remedy(restart.automatically(true)),
    )
}

fn others(subject: &TenantContext<'_>, machine: &Machine) -> Option<AppFact> {
    let app = subject.tenant.told(platform(subject)?).app?;
    let more = app.machines.iter().filter(|other| other.id != machine.id).count();
    (more > 0).then_some(AppFact::NoneRuns(more + 1))
}

pub(super) fn app_starting(subject: &TenantContext<'_>) -> Option<Proof> {
    let Some(AppState::Starting(machine)) = app_is(subject) else {
        return None;
    };
    let starting = AppFact::Starting {
        machine: machine.id.clone(),
        state: machine.state.clone(),
    };
    let object = Object::App(subject.tenant.tenant.app.clone());
    let proof = Proof::fail(object, vec![starting.into()]).because(Reason::PlatformStarting);
    Some(proof.remedy(Remedy::wait(Wait::Boot)))
}
