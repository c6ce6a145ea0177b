//! Tenant rules that need the platform's word: who holds certificates, how far they are, how the app is.

use super::tenant_rules::{Rule, Subject};
use super::{Cause, Proof, Remedy};
use crate::chain::covers;
use crate::check::{Condition, condition, ended, holders};
use crate::evidence::{App, AppCertificate, CertificateState, Machine, Platform, Reason, Visit};
use crate::finding::{Check, Outcome};

/// Certificates at the edge that are not served yet, and conflicts: before what is served is looked at.
pub(super) const CERTIFICATE_RULES: &[Rule] = &[
    (Cause::CertificateConflict, conflict_that_cuts),
    (Cause::CertificateRateLimited, |subject| {
        pending(subject, Cause::CertificateRateLimited)
    }),
    (Cause::CertificateAwaitingConfiguration, |subject| {
        pending(subject, Cause::CertificateAwaitingConfiguration)
    }),
    (Cause::CertificateStuck, |subject| {
        pending(subject, Cause::CertificateStuck)
    }),
    (Cause::CertificateIssuing, |subject| {
        pending(subject, Cause::CertificateIssuing)
    }),
    (Cause::CertificateMissing, missing),
];

/// What is wrong with the app explains its answers too.
pub(super) const APP_RULES: &[Rule] = &[
    (Cause::AppMissing, app_missing),
    (Cause::AppStopped, app_stopped),
    (Cause::AppCrashed, app_crashed),
    (Cause::AppStarting, app_starting),
];

/// A conflict is a failure also while the handshake still works.
pub(super) const CONFLICT_RULES: &[Rule] = &[(Cause::CertificateConflict, conflict)];

fn platform<'w>(subject: &Subject<'_, 'w>) -> Option<&'w Platform> {
    subject.context.world.platform.known()
}

/// Whether the handshake was cut while the control name stands at the same address.
fn is_cut_alone(subject: &Subject<'_, '_>) -> bool {
    let control_stands = |visit: &Visit| {
        let control = subject.context.world.edge.control_at(visit.address);
        control.is_some_and(|control| control.handshake.end.is_done())
    };
    subject
        .tenant
        .visit()
        .is_some_and(|visit| visit.was_cut() && control_stands(visit))
}

fn conflict_that_cuts(subject: &Subject<'_, '_>) -> Option<Proof> {
    if subject.fails(Check::Certificate) && is_cut_alone(subject) {
        conflict(subject)
    } else {
        None
    }
}

/// Most certificates of one conflict that are named.
const MOST_NAMED: usize = 5;

/// Every holder is named with its fix: while one is left, so is the conflict.
fn conflict(subject: &Subject<'_, '_>) -> Option<Proof> {
    let edge = &platform(subject)?.edge_app;
    let wildcard = format!("*.{}", subject.context.world.domain);
    let mut held = holders(subject.context, subject.tenant);
    held.retain(|(_, certificate)| certificate.hostname != wildcard);
    let (first, theirs) = held.first()?;
    let object = format!("{}/{}", first.name, theirs.hostname);
    let more = held.len().saturating_sub(MOST_NAMED);
    let mut evidence = Vec::new();
    for (app, certificate) in held.iter().take(MOST_NAMED) {
        let (name, status) = (&certificate.hostname, &certificate.status);
        let imported = if certificate.imported {
            "; it was imported: its key would be lost"
        } else {
            ""
        };
        evidence.push(format!(
            "{} holds a certificate for {name} ({status}), which belongs at {edge}{imported}",
            app.name
        ));
    }
    evidence.extend((more > 0).then(|| format!("and {more} more")));
    // On the line that is always shown: a latent conflict can wait until the morning.
    let handshake = match subject.tenant.visit() {
        Some(visit) if visit.was_cut() => visit
            .channel_end()
            .reason()
            .map(|reason| format!("; the handshake for {} is cut: {reason}", subject.name())),
        Some(visit) if visit.handshake.end.is_done() => {
            Some(format!("; the handshake for {} still works", subject.name()))
        }
        _ => None,
    };
    if let (Some(first), Some(handshake)) = (evidence.first_mut(), handshake) {
        first.push_str(&handshake);
    }
    let proof = Proof::fail(object, evidence).because(Reason::PlatformConflict);
    Some(held.iter().take(MOST_NAMED).fold(proof, |proof, (app, certificate)| {
        proof.remedy(removal(app, certificate))
    }))
}

fn removal(app: &App, certificate: &AppCertificate) -> Remedy {
    let command = format!("fly certs remove {} -a {} -y", certificate.hostname, app.name);
    let mut remedy = Remedy::new("remove-certificate", command);
    remedy.app = Some(app.name.clone());
    remedy.hostname = Some(certificate.hostname.clone());
    remedy.automatic = !certificate.imported;
    remedy
}

/// The edge's own certificate for exactly this name, where it is not ready.
fn explicit<'w>(subject: &Subject<'_, 'w>) -> Option<&'w AppCertificate> {
    let platform = platform(subject)?;
    let edge = platform.apps.get(&platform.edge_app)?;
    let own = edge
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

fn pending(subject: &Subject<'_, '_>, cause: Cause) -> Option<Proof> {
    let finding = subject.findings.of(Check::Certificate);
    let warns = finding.outcome == Outcome::Warn && finding.reason == Some(Reason::PlatformPending);
    let cut = finding.outcome == Outcome::Fail && is_cut_alone(subject);
    if !(warns || cut) {
        return None;
    }
    let certificate = explicit(subject).filter(|own| waits_for(own, subject.context.world.now) == Some(cause))?;
    let edge = &platform(subject)?.edge_app;
    let mut evidence = vec![format!(
        "{edge} holds a certificate for {}: {}",
        certificate.hostname, certificate.status
    )];
    evidence.extend(
        certificate
            .rate_limited_until
            .map(|until| format!("the authority refuses until {}", until.strftime("%Y-%m-%dT%H:%M:%SZ"))),
    );
    evidence.extend(certificate.errors.iter().cloned());
    evidence.extend(warns.then(|| "the wildcard serves the name meanwhile".to_owned()));
    let name = &certificate.hostname;
    let remedy = match cause {
        Cause::CertificateIssuing => Remedy::wait("wait until it is issued, usually 30 to 60 seconds"),
        Cause::CertificateRateLimited => {
            Remedy::wait("wait until the authority's limit is over, and add nothing until then")
        }
        _ if warns => Remedy::new(
            "manual",
            format!("fly certs remove {name} -a {edge} -y: the wildcard covers the name"),
        ),
        _ => Remedy::new(
            "manual",
            format!("mend what validation misses, then look again: fly certs check {name} -a {edge}"),
        ),
    };
    let proof = Proof::fail(format!("{edge}/{name}"), evidence).outcome(finding.outcome);
    Some(
        proof
            .because(finding.reason.or(Some(Reason::PlatformPending)))
            .remedy(remedy),
    )
}

fn missing(subject: &Subject<'_, '_>) -> Option<Proof> {
    let platform = platform(subject)?;
    let edge = platform
        .apps
        .get(&platform.edge_app)
        .filter(|edge| edge.certificates_missing.is_none())?;
    let name = subject.name();
    let covered = edge
        .certificates
        .iter()
        .any(|certificate| certificate.state == CertificateState::Ready && covers(&certificate.hostname, name));
    if !subject.fails(Check::Certificate) || !is_cut_alone(subject) || covered {
        return None;
    }
    let names = edge
        .certificates
        .iter()
        .take(4)
        .map(|certificate| certificate.hostname.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    let evidence = vec![format!(
        "the certificates of {} are for {names}: none covers {name}",
        platform.edge_app
    )];
    let mut remedy = Remedy::new(
        "add-certificate",
        format!("fly certs add {name} -a {}", platform.edge_app),
    );
    remedy.app = Some(platform.edge_app.clone());
    remedy.hostname = Some(name.to_owned());
    Some(
        Proof::fail(name, evidence)
            .because(subject.findings.of(Check::Certificate).reason)
            .remedy(remedy),
    )
}

fn app_is<'w>(subject: &Subject<'_, 'w>) -> Option<Condition<'w>> {
    let wrong = subject.fails(Check::App);
    let platform = platform(subject).filter(|_| wrong)?;
    Some(condition(platform, &subject.tenant.tenant.app))
}

fn app_missing(subject: &Subject<'_, '_>) -> Option<Proof> {
    if subject.tenant.tenant.unlisted {
        let (id, app) = (subject.id(), &subject.tenant.tenant.app);
        let evidence = vec![format!("{id} was asked for, and no source of the inventory names it")];
        let command = format!("create {app}, name {id} in the inventory, or mend the name that was asked for");
        let proof = Proof::fail(app, evidence).because(Reason::PlatformNotFound);
        return Some(proof.remedy(Remedy::new("manual", command)));
    }
    let Some(Condition::Missing) = app_is(subject) else {
        return None;
    };
    let app = &subject.tenant.tenant.app;
    let organization = &platform(subject)?.organization;
    let remedy = Remedy::new(
        "manual",
        format!("create {app} again, or take {} out of the inventory", subject.id()),
    );
    let evidence = vec![format!("organization {organization} has no app {app}")];
    Some(
        Proof::fail(app, evidence)
            .because(Reason::PlatformNotFound)
            .remedy(remedy),
    )
}

fn app_stopped(subject: &Subject<'_, '_>) -> Option<Proof> {
    let Some(Condition::Stopped(machine)) = app_is(subject) else {
        return None;
    };
    let app = &subject.tenant.tenant.app;
    let (line, remedy) = match machine {
        None => (
            format!("{app} has no machine"),
            Remedy::new("manual", format!("fly deploy -a {app}")),
        ),
        Some(machine) => {
            let mut remedy = Remedy::new("start-machine", format!("fly machine start {} -a {app}", machine.id));
            remedy.app = Some(app.clone());
            remedy.automatic = true;
            (format!("{}, autostart is off", ended(machine)), remedy)
        }
    };
    Some(
        Proof::fail(app, vec![line])
            .because(Reason::PlatformStopped)
            .remedy(remedy),
    )
}

fn app_crashed(subject: &Subject<'_, '_>) -> Option<Proof> {
    let Some(Condition::Crashed(machine)) = app_is(subject) else {
        return None;
    };
    let app = &subject.tenant.tenant.app;
    let mut remedy = Remedy::new(
        "restart-machine",
        format!("fly logs -a {app}, then: fly machine restart {} -a {app}", machine.id),
    );
    remedy.app = Some(app.clone());
    remedy.automatic = true;
    let mut evidence = vec![ended(machine)];
    evidence.extend(others(subject, machine));
    Some(
        Proof::fail(app, evidence)
            .because(Reason::PlatformCrashed)
            .remedy(remedy),
    )
}

fn others(subject: &Subject<'_, '_>, machine: &Machine) -> Option<String> {
    let app = platform(subject)?.apps.get(&subject.tenant.tenant.app)?;
    let more = app.machines.iter().filter(|other| other.id != machine.id).count();
    (more > 0).then(|| format!("none of its {} machines runs", more + 1))
}

fn app_starting(subject: &Subject<'_, '_>) -> Option<Proof> {
    let Some(Condition::Starting(machine)) = app_is(subject) else {
        return None;
    };
    let evidence = vec![format!("machine {} is {}", machine.id, machine.state)];
    let proof = Proof::fail(&subject.tenant.tenant.app, evidence).because(Reason::PlatformStarting);
    Some(proof.remedy(Remedy::wait("wait until the app has booted, usually seconds")))
}
