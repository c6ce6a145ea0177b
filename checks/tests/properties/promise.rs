//! `confirmed` is a promise: what a remedy deletes was seen and is confirmed, no object of a remedy is invented, and no
//! cause stands against evidence in hand that refutes it.

use proptest::prelude::*;
use roundsman_checks::check::Findings;
use roundsman_checks::diagnosis::{Action, Cause, CauseEntry, Confidence, Diagnosis};
use roundsman_checks::evidence::{ApiAnswer, Platform};
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::world::World;

/// Holds what is said of a world against its evidence.
pub(crate) fn kept(world: &World, diagnosis: &Diagnosis) -> Result<(), TestCaseError> {
    for entry in &diagnosis.causes {
        as_the_page_says(entry)?;
        for remedy in &entry.remedy {
            if deletes(&remedy.action) {
                prop_assert_eq!(entry.confidence, Confidence::Confirmed, "{:?}", entry);
            }
            was_seen(world, &remedy.action)?;
        }
        is_not_refuted(world, diagnosis, entry)?;
        spares_the_edge(world, entry)?;
    }
    Ok(())
}

/// The page of causes says by what each is confirmed, and whether it may be likely.
fn as_the_page_says(entry: &CauseEntry) -> Result<(), TestCaseError> {
    let why = entry.cause.guidance();
    match entry.confidence {
        Confidence::Confirmed => prop_assert!(!why.confirmed.starts_with("never"), "{entry:?}"),
        Confidence::Likely => prop_assert!(why.likely.is_some(), "{entry:?}"),
    }
    Ok(())
}

fn deletes(action: &Action) -> bool {
    matches!(action, Action::RemoveCertificate { .. } | Action::DeleteRecords { .. })
}

/// Apps, machines, certificates and records that an action names stand in the evidence.
fn was_seen(world: &World, action: &Action) -> Result<(), TestCaseError> {
    let platform = world.platform.known();
    let app = |name: &str| platform.and_then(|platform: &std::sync::Arc<Platform>| platform.apps.get(name));
    let holds = |name: &str, hostname: &str| {
        app(name).is_some_and(|app| app.certificates.iter().any(|held| held.hostname == hostname))
    };
    let runs = |name: &str, id: &str| app(name).is_some_and(|app| app.machines.iter().any(|machine| machine.id == id));
    match action {
        Action::RemoveCertificate { app, name } => prop_assert!(holds(app, name), "{action:?}"),
        Action::StartMachine { app, machine } | Action::RestartMachine { app, machine } => {
            prop_assert!(runs(app, machine), "{action:?}");
        }
        Action::DeleteRecords { records, .. } => {
            for record in records {
                prop_assert!(answered(world, &record.name, &record.kind), "{record:?} of {action:?}");
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether a record of this name and type stands in an answer or in the listing; `NS` also as a referral.
fn answered(world: &World, name: &str, kind: &str) -> bool {
    let listed = match &world.listing {
        ApiAnswer::Known(records) => records.iter().any(|record| record.name == name && record.kind == kind),
        _ => false,
    };
    let tenants = world
        .tenants
        .iter()
        .flat_map(|tenant| tenant.dns.authoritative.iter().chain(&tenant.dns.blockers));
    let replies = tenants.filter_map(|query| query.reply.as_ref());
    let mut records = replies.flat_map(|reply| reply.answers.iter().chain(&reply.authority));
    listed || records.any(|record| record.name.eq_ignore_ascii_case(name) && record.kind == kind)
}

/// What may be the edge in truth keeps what it holds, and what is not known of the edge is not held against anything: only
/// whole lists and handshakes that are cut show that the configured app is the edge and lacks its certificate.
fn spares_the_edge(world: &World, entry: &CauseEntry) -> Result<(), TestCaseError> {
    let Some(platform) = world.platform.known() else {
        return Ok(());
    };
    let wildcard = world.wildcard_name();
    let holds = |name: &str| {
        let certificates = platform.apps.get(name).map(|app| &app.certificates);
        certificates.is_some_and(|held| held.iter().any(|held| held.hostname == wildcard))
    };
    let edge = platform.apps.get(&platform.edge_app);
    let is_whole = platform.apps_missing.is_none() && edge.is_some_and(|edge| edge.certificates_missing.is_none());
    let cut = |socket| {
        world
            .edge
            .control_at(socket)
            .is_some_and(roundsman_checks::evidence::Visit::was_cut)
    };
    let all_cut = world.edge.sockets().next().is_some() && world.edge.sockets().all(cut);
    let of_configured = |address| edge.is_some_and(|edge| edge.addresses.contains(address));
    let all_its_own = world.edge.addresses.iter().all(of_configured);
    let is_sure = holds(&platform.edge_app) || is_whole && all_cut && all_its_own;
    for remedy in &entry.remedy {
        if let Action::RemoveCertificate { app, .. } = &remedy.action {
            prop_assert!(is_sure || !holds(app), "{app} may be the edge: {entry:?}");
        }
    }
    let addresses_known = edge.is_none_or(|edge| edge.addresses_missing.is_none());
    match entry.cause {
        Cause::EdgeMissing => prop_assert!(addresses_known, "{entry:?}"),
        Cause::WildcardDnsMismatch => prop_assert!(world.edge.addresses_missing.is_none(), "{entry:?}"),
        _ => {}
    }
    Ok(())
}

/// Evidence in hand that speaks against a cause.
fn is_not_refuted(world: &World, diagnosis: &Diagnosis, entry: &CauseEntry) -> Result<(), TestCaseError> {
    let findings = |tenant| -> Option<&Findings> {
        let verdict = diagnosis.tenants.iter().find(|verdict| &verdict.tenant == tenant)?;
        Some(&verdict.findings)
    };
    let passes = |findings: &Findings, check| findings.of(check).outcome == Outcome::Pass;
    for tenant in &entry.tenants {
        let Some(findings) = findings(tenant) else { continue };
        let identified = passes(findings, Check::Site) && passes(findings, Check::Route);
        let seen = world.tenants.iter().find(|seen| &seen.tenant.id == tenant);
        let app = seen.map(|seen| seen.tenant.app.as_str()).unwrap_or_default();
        let listed = world
            .platform
            .known()
            .is_some_and(|platform| platform.apps.contains_key(app));
        let refuted = match entry.cause {
            Cause::AppMissing => listed || identified,
            Cause::AppStopped | Cause::AppStarting | Cause::AppHostDown => identified,
            Cause::TenantUnknownToEdge | Cause::RouteWrongApp | Cause::RouteWrongTenant | Cause::RouteBroken => {
                identified
            }
            _ => false,
        };
        prop_assert!(!refuted, "{tenant} refutes {entry:?}");
    }
    Ok(())
}
