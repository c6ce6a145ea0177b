//! Fleet rules that need the platform's word: the edge app, its wildcard certificate and what its renewal needs.

use super::{
    Action, AppFact, CertificateFact, EdgeFact, Fact, HandshakeNow, Object, PlatformStep, Proof, Remedy, TenantFacts,
    Totals,
};
use crate::evidence::{App, CertificateState, Reason, Visit};
use crate::finding::{Check, Outcome};
use crate::fleet::FleetContext;

pub(super) fn edge_missing(context: &FleetContext, _: &Totals) -> Vec<Proof> {
    let Some(platform) = context.platform() else {
        return Vec::new();
    };
    let name = &platform.edge_app;
    let fact = match context.edge_app() {
        None if platform.apps_missing.is_none() => Fact::from(AppFact::Missing {
            organization: platform.organization.clone(),
            app: name.clone(),
        }),
        Some(app) if app.addresses.is_empty() && app.addresses_missing.is_none() => {
            EdgeFact::NoAddress(name.clone()).into()
        }
        _ => return Vec::new(),
    };
    let remedy = Remedy::platform(PlatformStep::ShowApp(name.clone()));
    vec![
        Proof::fail(Object::Edge, vec![fact])
            .because(Reason::PlatformNotFound)
            .remedy(remedy),
    ]
}

pub(super) fn by_edge_missing(_: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    let stands = facts.visit.is_some_and(|visit| visit.stood);
    check == Check::Certificate && !stands && matches!(facts.outcome(check), Outcome::Fail | Outcome::Unknown)
}

fn wildcard(context: &FleetContext) -> String {
    context.fleet.wildcard_name()
}

/// Whether the control name is cut at every address, and how.
fn control_is_cut(context: &FleetContext) -> Option<Reason> {
    let edge = &context.fleet.edge;
    let latest = edge
        .sockets()
        .filter_map(|socket| edge.control_at(socket))
        .collect::<Vec<_>>();
    let cut = !latest.is_empty() && latest.iter().all(|visit| visit.was_cut());
    latest.first().filter(|_| cut)?.channel_end().reason()
}

pub(super) fn wildcard_missing(context: &FleetContext, _: &Totals) -> Vec<Proof> {
    let Some(app) = context.edge_app().filter(|app| app.certificates_missing.is_none()) else {
        return Vec::new();
    };
    let name = wildcard(context);
    let held = app
        .certificates
        .iter()
        .any(|held| held.hostname == name && held.state == CertificateState::Ready);
    // Where another app holds it, it is there and not missing.
    let elsewhere = context
        .platform()
        .is_some_and(|platform| platform.rivals(&name).next().is_some());
    let Some(reason) = control_is_cut(context).filter(|_| !held && !elsewhere) else {
        return Vec::new();
    };
    let pending = app.certificates.iter().find(|held| held.hostname == name);
    let held = match pending {
        Some(held) => CertificateFact::NotReady {
            app: app.name.clone(),
            name: name.clone(),
            status: held.status.clone(),
        },
        None => CertificateFact::NoneFor {
            app: app.name.clone(),
            name: name.clone(),
        },
    };
    let cut = CertificateFact::ControlCut {
        control: context.fleet.zone.control.to_string(),
        reason,
    };
    let add = Action::AddCertificate {
        app: app.name.clone(),
        name: name.clone(),
    };
    let proof = Proof::fail(Object::Certificate(name), vec![held.into(), cut.into()]);
    vec![proof.because(reason).remedy(add.by_hand())]
}

pub(super) fn by_cut_wildcard(context: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    let control = || {
        facts
            .socket(context)
            .and_then(|socket| context.fleet.edge.control_at(socket))
    };
    let cut = || {
        facts.outcome(check) == Outcome::Fail
            && facts.visit.is_some_and(|visit| visit.was_cut)
            && control().is_some_and(Visit::was_cut)
    };
    check == Check::Certificate && (facts.spared || cut())
}

pub(super) fn wildcard_conflict(context: &FleetContext, _: &Totals) -> Vec<Proof> {
    let (name, Some(platform)) = (wildcard(context), context.platform()) else {
        return Vec::new();
    };
    // From what may be the edge itself nothing is taken.
    let others = platform.apps.values().filter(|app| app.name != platform.edge_app);
    let held = others.filter(|app| !context.may_be_edge(app));
    let held = held.flat_map(|app| {
        app.certificates
            .iter()
            .filter(|held| held.hostname == name)
            .map(move |held| (app, held))
    });
    let proof = |(app, held): (&App, &crate::evidence::AppCertificate)| {
        let now = control_is_cut(context).map_or(HandshakeNow::Works, HandshakeNow::Cut);
        let held = CertificateFact::Held {
            app: app.name.clone(),
            name: name.clone(),
            status: held.status.clone(),
            edge: platform.edge_app.clone(),
            imported: held.imported,
            handshake: None,
        };
        let (app, name) = (app.name.clone(), name.clone());
        let remove = Action::RemoveCertificate {
            app: app.clone(),
            name: name.clone(),
        };
        let evidence = vec![held.into(), CertificateFact::Handshakes(now).into()];
        Proof::fail(Object::AppCertificate { app, name }, evidence)
            .because(Reason::PlatformConflict)
            .remedy(remove.by_hand())
    };
    held.map(proof).collect()
}

pub(super) fn by_wildcard_conflict(context: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    match check {
        Check::Conflicts => facts.only_wildcard_held,
        _ => by_cut_wildcard(context, facts, check),
    }
}

/// The delegation `_acme-challenge.DOMAIN`, by the platform's own requirement, at the zone's servers.
pub(super) fn acme_broken(context: &FleetContext, _: &Totals) -> Vec<Proof> {
    let name = wildcard(context);
    let required = context
        .edge_app()
        .into_iter()
        .flat_map(|app| &app.certificates)
        .find(|held| held.hostname == name && !held.imported);
    let Some((owner, target)) = required.and_then(|held| held.acme.as_ref()) else {
        return Vec::new();
    };
    let replies = context
        .fleet
        .zone
        .acme
        .iter()
        .filter_map(|look| look.reply.as_ref())
        .collect::<Vec<_>>();
    let target = target.trim_end_matches('.');
    let right = |reply: &&crate::evidence::DnsReply| {
        reply
            .answers
            .iter()
            .any(|record| record.kind == "CNAME" && record.data.eq_ignore_ascii_case(target))
    };
    let usable = replies
        .iter()
        .filter(|reply| matches!(reply.rcode, 0 | 3))
        .collect::<Vec<_>>();
    if usable.is_empty() || usable.iter().any(|reply| right(reply)) {
        return Vec::new();
    }
    let found = usable
        .iter()
        .flat_map(|reply| &reply.answers)
        .map(|record| format!("{} {}", record.kind, record.data))
        .next();
    let delegation = CertificateFact::AcmeDelegation {
        owner: owner.clone(),
        found,
        target: target.to_owned(),
    };
    let command = format!("set CNAME {owner} to {target} in zone {}", context.fleet.domain);
    vec![
        Proof::fail(Object::Name(owner.clone()), vec![delegation.into()])
            .outcome(Outcome::Warn)
            .remedy(Remedy::advise(command)),
    ]
}
