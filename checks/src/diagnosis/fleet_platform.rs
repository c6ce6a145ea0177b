//! Fleet rules that need the platform's word: the edge app, its wildcard certificate and what its renewal needs.

use super::rules::{Rule, breaks_nothing, silences_nothing};
use super::{Cause, Proof, Remedy, Scope};
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
    let line = match edge(context) {
        None if platform.apps_missing.is_none() => format!("organization {} has no app {name}", platform.organization),
        Some(app) if app.addresses.is_empty() => format!("{name} has no public address"),
        _ => return Vec::new(),
    };
    let remedy = Remedy::new("manual", format!("fly status -a {name}; fly ips list -a {name}"));
    vec![
        Proof::fail("edge", vec![line])
            .because(Reason::PlatformNotFound)
            .remedy(remedy),
    ]
}

fn by_edge_missing(_: &Context<'_>, tenant: &TenantWorld, check: Check, finding: &Finding) -> bool {
    let stands = tenant.visit().is_some_and(|visit| visit.handshake.end.is_done());
    check == Check::Certificate && !stands && matches!(finding.outcome, Outcome::Fail | Outcome::Unknown)
}

fn wildcard(context: &Context<'_>) -> String {
    format!("*.{}", context.world.domain)
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
    let line = match pending {
        Some(held) => format!("{}'s certificate for {name} is not ready: {}", app.name, held.status),
        None => format!("{} has no certificate for {name}", app.name),
    };
    let control = format!(
        "the handshake for {}, which only the wildcard covers, is cut: {reason}",
        context.world.zone.control
    );
    let mut remedy = Remedy::new("add-certificate", format!("fly certs add '{name}' -a {}", app.name));
    remedy.app = Some(app.name.clone());
    remedy.hostname = Some(name.clone());
    vec![Proof::fail(name, vec![line, control]).because(reason).remedy(remedy)]
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
        let works = control_is_cut(context).map_or("the handshake still works".to_owned(), |reason| {
            format!("handshakes are cut: {reason}")
        });
        let evidence = vec![
            format!(
                "{} holds a certificate for {name} ({}), which belongs at {}",
                app.name, held.status, platform.edge_app
            ),
            works,
        ];
        let mut remedy = Remedy::new(
            "remove-certificate",
            format!("fly certs remove '{name}' -a {} -y", app.name),
        );
        remedy.app = Some(app.name.clone());
        remedy.hostname = Some(name.clone());
        Proof::fail(format!("{}/{name}", app.name), evidence)
            .because(Reason::PlatformConflict)
            .remedy(remedy)
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
    let evidence = vec![format!(
        "{owner} is {}; renewal needs CNAME {target}",
        found.unwrap_or_else(|| "not there".into())
    )];
    let command = format!("set CNAME {owner} to {target} in zone {}", context.world.domain);
    vec![
        Proof::fail(owner.clone(), evidence)
            .outcome(Outcome::Warn)
            .remedy(Remedy::new("manual", command)),
    ]
}
