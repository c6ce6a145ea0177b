//! Tenant rules about records of its own at a tenant's name that give other addresses than the wildcard.

use super::tenant_dns::{delete, is_managed, listed, listed_ref};
use super::tenant_rules::TenantContext;
use super::{DnsFact, Object, Proof, RecordRef, Records, Remedy};
use crate::check::Findings;
use crate::evidence::{DnsRecord, Reason, RecordKind, ZoneRecord};
use crate::finding::{Check, Outcome};
use crate::fleet::FleetContext;
use crate::reading::DnsAnswer;
use crate::world::TenantEvidence;

const KINDS: [&str; 3] = [
    RecordKind::A.as_str(),
    RecordKind::Aaaa.as_str(),
    RecordKind::Cname.as_str(),
];

pub(super) fn proxied(subject: &TenantContext<'_>) -> Option<Proof> {
    let records = listed_addresses(subject);
    if !subject.fails(Check::Dns) || !records.iter().any(|record| record.proxied) {
        return None;
    }
    let evidence = records.iter().map(|record| listed(record, false)).collect();
    let automatic = !records.iter().any(|record| is_managed(record));
    let seen = records.iter().map(|record| listed_ref(record)).collect();
    let remedy = delete(subject, subject.name(), Records::Proxied, seen).automatically(automatic);
    let proof = Proof::fail(Object::Name(subject.name().to_owned()), evidence);
    Some(proof.because(subject.findings.of(Check::Dns).reason).remedy(remedy))
}

pub(super) fn overridden(subject: &TenantContext<'_>) -> Option<Proof> {
    let (context, tenant) = (subject.context, subject.tenant);
    let (own, control) = shadowing(context, tenant, subject.findings)?;
    if let (true, Some(target)) = (context.is_rewritten(tenant, &own, control), first_alias(&own)) {
        return Some(behind_alias(subject, &own, target));
    }
    let in_listing = listed_addresses(subject);
    let by_turns = |server| context.is_steady(server) == Some(false);
    if in_listing.is_empty() && context.tenant_answer(tenant).0.is_some_and(by_turns) {
        return None;
    }
    let sure = match (in_listing.is_empty(), context.listed(subject.name()).is_some()) {
        // The provider knows of no such record: somebody else answers, or answers otherwise by turns.
        (true, true) => false,
        (false, _) => true,
        (true, false) => is_repeated(context, tenant, &own),
    };
    let records = own_records(tenant);
    let shadows = DnsFact::Shadows {
        name: subject.name().to_owned(),
        servers: servers_that_agree(context, control),
        control: control.clone(),
        records: records.clone(),
    };
    let evidence = std::iter::once(shadows.into()).chain(in_listing.iter().map(|record| listed(record, false)));
    let proof = Proof::fail(Object::Name(subject.name().to_owned()), evidence.collect());
    let proof = proof.because(subject.findings.of(Check::Dns).reason);
    if !sure {
        return Some(proof.likely().remedy(look_for_record(subject)));
    }
    let known = |record: &DnsRecord| {
        let same = |listed: &&&ZoneRecord| listed.kind == record.kind && listed.content == record.data;
        in_listing.iter().find(same).map(|listed| listed.id.clone())
    };
    let seen = records.iter().map(|record| RecordRef {
        id: known(record),
        kind: record.kind.clone(),
        name: record.name.clone(),
    });
    let automatic = !in_listing.is_empty() && !in_listing.iter().any(|record| is_managed(record));
    let remedy = delete(subject, subject.name(), Records::Responder, seen.collect());
    Some(proof.remedy(remedy.automatically(automatic)))
}

fn first_alias(answer: &DnsAnswer) -> Option<&str> {
    match answer {
        DnsAnswer::Addresses { aliases, .. } => aliases.first().map(String::as_str),
        _ => None,
    }
}

/// The zone rewrites every name alike, this one too, and only resolvers tell what is behind the alias: a record there, or
/// an old answer of theirs. Nothing stands at the name itself.
fn behind_alias(subject: &TenantContext<'_>, own: &DnsAnswer, target: &str) -> Proof {
    let edge = subject.context.fleet.edge.addresses.clone();
    let addresses = subject.context.leads_outside(subject.tenant, own).into_iter().collect();
    let fact = DnsFact::OutsideEdge { addresses, edge };
    let look = format!(
        "look at what {target} leads to, in its own zone and in the caches of resolvers: the alias itself is what the \
         zone makes of every name"
    );
    Proof::fail(Object::Name(target.to_owned()), vec![fact.into()])
        .because(Reason::DnsMismatch)
        .likely()
        .remedy(Remedy::look(look))
}

/// What to do where it is not proven that a record of its own stands at the name.
pub(super) fn look_for_record(subject: &TenantContext<'_>) -> Remedy {
    Remedy::look(format!(
        "look into the zone {} for a record at {}, and ask one of its servers for that name several times",
        subject.context.fleet.domain,
        subject.name()
    ))
}

/// What is said of the name and of the control name, where the two differ in a way that a record at the name explains.
fn shadowing<'c>(
    context: &'c FleetContext,
    tenant: &TenantEvidence,
    findings: &Findings,
) -> Option<(DnsAnswer, &'c DnsAnswer)> {
    let (server, own) = context.tenant_answer(tenant);
    let control = context.control_for(server)?;
    let fails = findings.of(Check::Dns).outcome == Outcome::Fail;
    (fails && own.has_answer() && !context.follows(tenant, &own, control)).then_some((own, control))
}

/// Whether asking again would settle whether a record of its own stands at the name: it differs, and no listing tells.
pub(super) fn is_worth_repeating(context: &FleetContext, tenant: &TenantEvidence, findings: &Findings) -> bool {
    tenant.dns.repeated.is_empty()
        && context.listed(tenant.tenant.hostname.as_str()).is_none()
        && shadowing(context, tenant, findings).is_some()
}

/// Whether the name was answered twice alike by who answers fresh names as the wildcard: the same server again, or, where
/// nobody asked it again, a resolver that took it from the zone. A resolver that stands in for the zone's servers may
/// answer from an old cache.
fn is_repeated(context: &FleetContext, tenant: &TenantEvidence, own: &DnsAnswer) -> bool {
    let (Some(server), false) = (context.tenant_answer(tenant).0, context.is_hearsay) else {
        return false;
    };
    let Some(control) = context.controls.get(&server).filter(|said| said.is_usable()) else {
        return false;
    };
    let (name, zone) = (tenant.tenant.hostname.as_str(), &context.fleet.zone);
    if !tenant.dns.repeated.is_empty() {
        let again = |name: &str| context.said_each(&tenant.dns.repeated, name, server);
        let (own_again, control_again) = (again(name), again(zone.control.as_str()));
        let is_told = !own_again.is_empty() && !control_again.is_empty();
        return is_told
            && own_again.iter().all(|said| said == own)
            && control_again.iter().all(|said| context.alike(said, control));
    }
    let mut seeing = zone.resolvers.iter().filter(|it| context.sees_zone(**it) == Some(true));
    let steady = context.is_steady(server) == Some(true);
    let alike = |resolver| match context.said_by(&tenant.dns.resolvers, name, resolver) {
        DnsAnswer::Addresses { aliases, .. } if own.addresses().is_empty() => {
            matches!(own, DnsAnswer::Addresses { aliases: wanted, .. } if aliases.starts_with(wanted))
        }
        said => said.same_as(own),
    };
    steady && seeing.any(|resolver| alike(*resolver))
}

/// Address and alias records at the name in the zone's listing.
fn listed_addresses<'w>(subject: &'w TenantContext<'_>) -> Vec<&'w ZoneRecord> {
    let listed = subject.context.listed(subject.name()).unwrap_or_default();
    listed
        .into_iter()
        .filter(|record| record.name == subject.name() && KINDS.contains(&record.kind.as_str()))
        .collect()
}

/// How many servers say the same of the control name, of how many.
fn servers_that_agree(context: &FleetContext, control: &DnsAnswer) -> (usize, usize) {
    let agree = context.controls.values().filter(|said| said.same_as(control)).count();
    (agree, context.controls.len())
}

/// Address and alias records at the name itself. Those that a wildcard with one family only would give are in it too:
/// a name that exists is answered from its own records alone.
fn own_records(tenant: &TenantEvidence) -> Vec<DnsRecord> {
    let mut records = Vec::<DnsRecord>::new();
    for record in tenant
        .dns
        .authoritative
        .iter()
        .filter_map(|look| look.reply.as_ref())
        .flat_map(|reply| &reply.answers)
    {
        let own = record.name == tenant.tenant.hostname.as_str() && KINDS.contains(&record.kind.as_str());
        if own
            && !records
                .iter()
                .any(|known| known.kind == record.kind && known.data == record.data)
        {
            records.push(record.clone());
        }
    }
    records
}
