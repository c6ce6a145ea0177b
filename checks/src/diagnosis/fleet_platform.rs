//! Fleet rules that need the platform's word: the edge app, its wildcard certificate and what its renewal needs.

use super::rules::{Rule, breaks_nothing, silences_nothing};
use super::{
    Action, AppFact, Cause, CertificateFact, EdgeFact, Fact, HandshakeNow, Object, PlatformStep, Proof, Remedy, Scope,
};
use crate::check::Context;
use crate::evidence::{App, CertificateState, Platform, Reason, Visit};
use crate::finding::{Check, Finding, FleetCheck, Outcome};
use crate::world::TenantWorld;

/// Goes before every other rule of the fleet.
pub(super) const EDGE: Rule = Rule {
    cause: Cause::EdgeMissing,
    scope: Scope::Fleet,
    check: FleetCheck::Edge,
    proofs: edge_missing,
    breaks: by_edge_missing,
    silences: |cause| {
        matches!(
            cause,
            Cause::WildcardDnsMismatch | Cause::EdgeUnreachable | Cause::WildcardCertificateMissing
        )
    },
};

/// In order of precedence, before what the edge serves.
pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: Cause::WildcardCertificateMissing,
        scope: Scope::Fleet,
        check: FleetCheck::WildcardCertificate,
        proofs: wildcard_missing,
        breaks: by_cut_wildcard,
        silences: |cause| cause == Cause::EdgeTlsFailing,
    },
    Rule {
        cause: Cause::WildcardCertificateConflict,
        scope: Scope::Fleet,
        check: FleetCheck::WildcardCertificate,
        proofs: wildcard_conflict,
        breaks: by_wildcard_conflict,
        silences: |cause| cause == Cause::EdgeTlsFailing,
    },
];

/// Stands beside all others.
pub(super) const ACME: Rule = Rule {
    cause: Cause::AcmeChallengeBroken,
    scope: Scope::Fleet,
    check: FleetCheck::WildcardCertificate,
    proofs: acme_broken,
    breaks: breaks_nothing,
    silences: silences_nothing,
};

fn platform<'w>(context: &Context<'w>) -> Option<&'w Platform> {
    context.world.platform.known()
}

fn edge<'w>(context: &Context<'w>) -> Option<&'w App> {
    let platform = platform(context)?;
    platform.apps.get(&platform.edge_app)
}

fn edge_missing(context: &Context<'_>) -> Vec<Proof> {
    let Some(platform) = platform(context) else {
        return Vec::new();
    };
    let name = &platform.edge_app;
    let fact = match edge(context) {
        None if platform.apps_missing.is_none() => Fact::from(AppFact::Missing {
            organization: platform.organization.clone(),
            app: name.clone(),
        }),
        Some(app) if app.addresses.is_empty() => EdgeFact::NoAddress(name.clone()).into(),
        _ => return Vec::new(),
    };
    let remedy = Remedy::platform(PlatformStep::ShowApp(name.clone()));
    vec![
        Proof::fail(Object::Edge, vec![fact])
            .because(Reason::PlatformNotFound)
            .remedy(remedy),
    ]
}

fn by_edge_missing(_: &Context<'_>, tenant: &TenantWorld, check: Check, finding: &Finding) -> bool {
    let stands = tenant.visit().is_some_and(|visit| visit.handshake.end.is_done());
    check == Check::Certificate && !stands && matches!(finding.outcome, Outcome::Fail | Outcome::Unknown)
}

fn wildcard(context: &Context<'_>) -> String {
    context.world.wildcard_name()
}

/// Whether the control name is cut at every address, and how.
fn control_is_cut(context: &Context<'_>) -> Option<Reason> {
    let edge = &context.world.edge;
    let latest = edge
        .sockets()
        .filter_map(|socket| edge.control_at(socket))
        .collect::<Vec<_>>();
    let cut = !latest.is_empty() && latest.iter().all(|visit| visit.was_cut());
    latest.first().filter(|_| cut)?.channel_end().reason()
}

fn wildcard_missing(context: &Context<'_>) -> Vec<Proof> {
    let Some(app) = edge(context).filter(|app| app.certificates_missing.is_none()) else {
        return Vec::new();
    };
    let name = wildcard(context);
    let held = app
        .certificates
        .iter()
        .any(|held| held.hostname == name && held.state == CertificateState::Ready);
    let Some(reason) = control_is_cut(context).filter(|_| !held) else {
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
        control: context.world.zone.control.to_string(),
        reason,
    };
    let add = Action::AddCertificate {
        app: app.name.clone(),
        name: name.clone(),
    };
    let proof = Proof::fail(Object::Certificate(name), vec![held.into(), cut.into()]);
    vec![proof.because(reason).remedy(add.by_hand())]
}

fn by_cut_wildcard(context: &Context<'_>, tenant: &TenantWorld, check: Check, finding: &Finding) -> bool {
    let control_cut = |visit: &Visit| context.world.edge.control_at(visit.address).is_some_and(Visit::was_cut);
    check == Check::Certificate
        && finding.outcome == Outcome::Fail
        && tenant
            .visit()
            .is_some_and(|visit| visit.was_cut() && control_cut(visit))
}

fn wildcard_conflict(context: &Context<'_>) -> Vec<Proof> {
    let (name, Some(platform)) = (wildcard(context), platform(context)) else {
        return Vec::new();
    };
    let held = platform.apps.values().filter(|app| app.name != platform.edge_app);
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
            imported: false,
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

fn by_wildcard_conflict(context: &Context<'_>, tenant: &TenantWorld, check: Check, finding: &Finding) -> bool {
    match check {
        Check::Conflicts => {
            let held = crate::check::holders(context, tenant);
            let wildcard = wildcard(context);
            finding.outcome == Outcome::Fail
                && !held.is_empty()
                && held.iter().all(|(_, held)| held.hostname == wildcard)
        }
        _ => by_cut_wildcard(context, tenant, check, finding),
    }
}

/// The delegation `_acme-challenge.DOMAIN`, by the platform's own requirement, at the zone's servers.
fn acme_broken(context: &Context<'_>) -> Vec<Proof> {
    let name = wildcard(context);
    let required = edge(context)
        .into_iter()
        .flat_map(|app| &app.certificates)
        .find(|held| held.hostname == name && !held.imported);
    let Some((owner, target)) = required.and_then(|held| held.acme.as_ref()) else {
        return Vec::new();
    };
    let replies = context
        .world
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
    let command = format!("set CNAME {owner} to {target} in zone {}", context.world.domain);
    vec![
        Proof::fail(Object::Name(owner.clone()), vec![delegation.into()])
            .outcome(Outcome::Warn)
            .remedy(Remedy::advise(command)),
    ]
}
