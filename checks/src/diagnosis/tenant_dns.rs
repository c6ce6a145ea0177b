//! Tenant rules about DNS: what stands at a tenant's name and keeps the wildcard away.

use super::tenant_rules::TenantContext;
use super::{Action, DnsFact, Fact, Object, Proof, RecordRef, Records, Remedy, Wait};
use crate::evidence::{CertificateState, DnsRecord, RecordKind, VALIDATION_LABELS, ZoneRecord};
use crate::finding::{Check, Outcome};
use crate::fleet::FleetContext;
use crate::reading::{DnsAnswer, is_hands_off, manager};
use crate::world::TenantEvidence;

fn zone(subject: &TenantContext<'_>) -> String {
    subject.context.fleet.domain.to_string()
}

pub(super) fn delegated(subject: &TenantContext<'_>) -> Option<Proof> {
    let (Some(server), DnsAnswer::Delegated { at, servers }) = subject.context.tenant_answer(subject.tenant) else {
        return None;
    };
    let (named, at) = (servers.iter().map(|_| ns(&at)).collect(), at);
    let remedy = delete(subject, &at, Records::Delegation, named);
    let delegated = DnsFact::Delegated {
        at: at.clone(),
        servers,
        by: server,
    };
    subject.fails(Check::Dns).then(|| {
        Proof::fail(Object::Name(at), vec![delegated.into()])
            .because(subject.findings.of(Check::Dns).reason)
            .remedy(remedy.by_hand())
    })
}

fn ns(at: &str) -> RecordRef {
    RecordRef {
        id: None,
        kind: RecordKind::Ns.as_str().to_owned(),
        name: at.to_owned(),
    }
}

/// What deletes records at a name of the zone.
pub(super) fn delete(subject: &TenantContext<'_>, name: &str, which: Records, records: Vec<RecordRef>) -> Action {
    Action::DeleteRecords {
        zone: zone(subject),
        zone_id: subject.context.fleet.zone_id.clone(),
        name: name.to_owned(),
        which,
        records,
    }
}

pub(super) fn listed_ref(record: &ZoneRecord) -> RecordRef {
    RecordRef {
        id: Some(record.id.clone()),
        kind: record.kind.clone(),
        name: record.name.clone(),
    }
}

/// Whether something other than an address stands at or below the name: it has no address and the wildcard is
/// answered, or it exists and the control name does not.
pub(super) fn is_blocked(context: &FleetContext, tenant: &TenantEvidence) -> bool {
    let (server, own) = context.tenant_answer(tenant);
    let Some(control) = context.control_for(server) else {
        return false;
    };
    matches!(own, DnsAnswer::NoData | DnsAnswer::NxDomain) && control.has_answer()
        || own == DnsAnswer::NoData && *control == DnsAnswer::NxDomain
}

pub(super) fn blocked(subject: &TenantContext<'_>) -> Option<Proof> {
    if !subject.fails(Check::Dns) || !is_blocked(subject.context, subject.tenant) {
        return None;
    }
    let (server, own) = subject.context.tenant_answer(subject.tenant);
    let control = subject.context.control_for(server)?;
    if let Some(proof) = blocked_by_listing(subject, &own, control) {
        return Some(proof);
    }
    let found = blockers(subject.tenant);
    let mut evidence = vec![differs(subject, &own, control)];
    let (reason, object) = (own.reason(), Object::Name(subject.name().to_owned()));
    if found.is_empty() {
        evidence.push(DnsFact::NothingFound.into());
        let remedy = Remedy::advise(format!(
            "list zone {} and look for what stands at {} or below it",
            zone(subject),
            subject.name()
        ));
        return Some(Proof::fail(object, evidence).because(reason).likely().remedy(remedy));
    }
    evidence.extend(found.iter().map(|record| DnsFact::Found(record.clone()).into()));
    let mut proof = Proof::fail(object, evidence).because(reason);
    for record in found {
        let (kind, name) = (record.kind, record.name);
        let seen = RecordRef {
            id: None,
            kind,
            name: name.clone(),
        };
        let remedy = delete(subject, &name, Records::Responder, vec![seen]).by_hand();
        if !proof.remedy.contains(&remedy) {
            proof = proof.remedy(remedy);
        }
    }
    Some(proof)
}

fn differs(subject: &TenantContext<'_>, own: &DnsAnswer, control: &DnsAnswer) -> Fact {
    let differs = DnsFact::Differs {
        name: subject.name().to_owned(),
        own: own.clone(),
        control: control.clone(),
    };
    differs.into()
}

/// The zone's listing names every record that stands in the way, of whatever type and however deep.
fn blocked_by_listing(subject: &TenantContext<'_>, own: &DnsAnswer, control: &DnsAnswer) -> Option<Proof> {
    let records = subject
        .context
        .listed(subject.name())
        .filter(|records| !records.is_empty())?;
    let mut evidence = vec![differs(subject, own, control)];
    evidence.extend(records.iter().map(|record| listed(record, true)));
    let object = Object::Name(subject.name().to_owned());
    let mut proof = Proof::fail(object, evidence).because(own.reason());
    for (name, records) in by_name_and_kind(records) {
        let label = name.split('.').next().unwrap_or_default();
        let left_over = VALIDATION_LABELS.contains(&label);
        let managed = records.iter().any(|record| is_managed(record));
        let automatic = left_over && !managed && wildcard_is_ready(subject);
        let seen = records.into_iter().map(listed_ref).collect::<Vec<_>>();
        proof = proof.remedy(delete(subject, name, Records::Responder, seen).automatically(automatic));
    }
    Some(proof)
}

/// Records of one name and type go together, in the listing's order.
fn by_name_and_kind(records: Vec<&ZoneRecord>) -> Vec<(&str, Vec<&ZoneRecord>)> {
    let mut groups = Vec::<(&str, Vec<&ZoneRecord>)>::new();
    for record in records {
        let same = |(name, group): &&mut (&str, Vec<&ZoneRecord>)| {
            *name == record.name && group.iter().all(|other| other.kind == record.kind)
        };
        match groups.iter_mut().find(same) {
            Some((_, group)) => group.push(record),
            None => groups.push((&record.name, vec![record])),
        }
    }
    groups
}

pub(super) fn listed(record: &ZoneRecord, named: bool) -> Fact {
    let record = record.clone();
    DnsFact::Listed { record, named }.into()
}

fn wildcard_is_ready(subject: &TenantContext<'_>) -> bool {
    let platform = subject.context.platform();
    let edge = platform.and_then(|platform| platform.apps.get(&platform.edge_app));
    let wildcard = subject.context.fleet.wildcard_name();
    edge.is_some_and(|edge| {
        edge.certificates
            .iter()
            .any(|held| held.hostname == wildcard && held.state == CertificateState::Ready)
    })
}

/// The records that were found at the name or below it when asked type by type.
fn blockers(tenant: &TenantEvidence) -> Vec<DnsRecord> {
    let name = tenant.tenant.hostname.as_str();
    let replies = tenant
        .dns
        .blockers
        .iter()
        .chain(&tenant.dns.authoritative)
        .filter_map(|look| look.reply.as_ref());
    let mut found = Vec::<DnsRecord>::new();
    for record in replies.flat_map(|reply| &reply.answers) {
        let here = crate::reading::is_or_below(&record.name, name);
        if here
            && !found
                .iter()
                .any(|known| known.name == record.name && known.kind == record.kind && known.data == record.data)
        {
            found.push(record.clone());
        }
    }
    found
}

/// Whether a comment or a tag says that somebody else looks after the record.
pub(super) fn is_managed(record: &ZoneRecord) -> bool {
    is_hands_off(record) || manager(record).is_some()
}

pub(super) fn stale(subject: &TenantContext<'_>) -> Option<Proof> {
    all_stale(subject).into_iter().next()
}

/// Every stale resolver beside the first: each is a guilty object of its own.
pub(super) fn further_stale(subject: &TenantContext<'_>) -> Vec<Proof> {
    all_stale(subject).into_iter().skip(1).collect()
}

/// A proof for each resolver that still has an old answer.
fn all_stale(subject: &TenantContext<'_>) -> Vec<Proof> {
    let finding = subject.findings.of(Check::Dns);
    if finding.outcome != Outcome::Warn {
        return Vec::new();
    }
    let (_, own) = subject.context.tenant_answer(subject.tenant);
    let stale = crate::check::dns::stale(subject.context, subject.tenant, &own);
    let proof = |(resolver, said): (std::net::SocketAddr, DnsAnswer)| {
        let looks = subject
            .tenant
            .dns
            .resolvers
            .iter()
            .filter(|look| look.server == resolver);
        let records = looks
            .filter_map(|look| look.reply.as_ref())
            .flat_map(|reply| &reply.answers);
        let wait = Wait::Cache(records.map(|record| record.ttl).max());
        let stale = DnsFact::Stale {
            resolver,
            name: subject.name().to_owned(),
            answer: said,
            zone: own.clone(),
        };
        let proof = Proof::fail(Object::Resolver(resolver), vec![stale.into()]).outcome(Outcome::Warn);
        proof.because(finding.reason).remedy(Remedy::wait(wait))
    };
    stale.into_iter().map(proof).collect()
}
