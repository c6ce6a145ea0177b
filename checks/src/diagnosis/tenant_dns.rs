//! Tenant rules about DNS: what stands at a tenant's name and keeps the wildcard away.

use super::tenant_rules::{Rule, Subject};
use super::{Cause, Proof, Remedy};
use crate::check::{Context, Said};
use crate::evidence::{CertificateState, DnsRecord, RecordKind, ZoneRecord};
use crate::finding::{Check, Outcome};
use crate::world::TenantWorld;

/// In order of precedence.
pub(super) const RULES: &[Rule] = &[
    (Cause::DnsDelegated, delegated),
    (Cause::DnsBlocked, blocked),
    (Cause::DnsProxied, proxied),
    (Cause::DnsOverride, overridden),
    (Cause::DnsStaleResolver, stale),
];

fn zone(subject: &Subject<'_, '_>) -> String {
    subject.context.world.domain.to_string()
}

fn delegated(subject: &Subject<'_, '_>) -> Option<Proof> {
    let (Some(server), Said::Delegated { at, servers }) = subject.context.own(subject.tenant) else {
        return None;
    };
    let evidence = vec![format!("{at} is delegated to {} (server {server})", servers.join(", "))];
    let remedy = Remedy::new(
        "delete-dns-record",
        format!("delete the NS records of {at} in zone {}", zone(subject)),
    );
    subject.fails(Check::Dns).then(|| {
        Proof::fail(at, evidence)
            .because(subject.findings.of(Check::Dns).reason)
            .remedy(remedy)
    })
}

/// Whether something other than an address stands at or below the name: it has no address and the wildcard is
/// answered, or it exists and the control name does not.
pub(super) fn is_blocked(context: &Context<'_>, tenant: &TenantWorld) -> bool {
    let (server, own) = context.own(tenant);
    let Some(control) = context.control_for(server) else {
        return false;
    };
    matches!(own, Said::NoData | Said::NxDomain) && control.has_answer()
        || own == Said::NoData && *control == Said::NxDomain
}

fn blocked(subject: &Subject<'_, '_>) -> Option<Proof> {
    if !subject.fails(Check::Dns) || !is_blocked(subject.context, subject.tenant) {
        return None;
    }
    let (server, own) = subject.context.own(subject.tenant);
    let control = subject.context.control_for(server)?;
    if let Some(proof) = blocked_by_listing(subject, &own, control) {
        return Some(proof);
    }
    let found = blockers(subject.tenant);
    let mut evidence = vec![format!("{}: {own}; the wildcard answers {control}", subject.name())];
    let reason = own.reason();
    if found.is_empty() {
        evidence.push("no record of the usual types was found at the name or below it".into());
        let remedy = Remedy::new(
            "delete-dns-record",
            format!(
                "list zone {} and delete what stands at {} or below it",
                zone(subject),
                subject.name()
            ),
        );
        return Some(
            Proof::fail(subject.name(), evidence)
                .because(reason)
                .likely()
                .remedy(remedy),
        );
    }
    evidence.extend(
        found
            .iter()
            .map(|record| format!("{} is {} {}", record.name, record.kind, clip(&record.data))),
    );
    let mut proof = Proof::fail(subject.name(), evidence).because(reason);
    let mut told = Vec::new();
    for record in &found {
        let command = format!(
            "delete the {} record of {} in zone {}",
            record.kind,
            label(&record.name, &zone(subject)),
            zone(subject)
        );
        if !told.contains(&command) {
            told.push(command.clone());
            proof = proof.remedy(Remedy::new("delete-dns-record", command));
        }
    }
    Some(proof)
}

/// The zone's listing names every record that stands in the way, of whatever type and however deep.
fn blocked_by_listing(subject: &Subject<'_, '_>, own: &Said, control: &Said) -> Option<Proof> {
    let records = subject
        .context
        .listed(subject.name())
        .filter(|records| !records.is_empty())?;
    let mut evidence = vec![format!("{}: {own}; the wildcard answers {control}", subject.name())];
    evidence.extend(
        records
            .iter()
            .map(|record| format!("{}: {}", record.name, shown(record))),
    );
    let mut proof = Proof::fail(subject.name(), evidence).because(own.reason());
    for record in records {
        let name = label(&record.name, &zone(subject));
        let left_over = ["_acme-challenge.", "_fly-ownership."]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        let command = format!("delete the {} record of {name} in zone {}", record.kind, zone(subject));
        let mut remedy = Remedy::new("delete-dns-record", command);
        remedy.automatic = left_over && !is_managed(record) && wildcard_is_ready(subject);
        if !proof.remedy.contains(&remedy) {
            proof = proof.remedy(remedy);
        }
    }
    Some(proof)
}

fn wildcard_is_ready(subject: &Subject<'_, '_>) -> bool {
    let platform = subject.context.world.platform.known();
    let edge = platform.and_then(|platform| platform.apps.get(&platform.edge_app));
    let wildcard = format!("*.{}", zone(subject));
    edge.is_some_and(|edge| {
        edge.certificates
            .iter()
            .any(|held| held.hostname == wildcard && held.state == CertificateState::Ready)
    })
}

/// The records that were found at the name or below it when asked type by type.
fn blockers(tenant: &TenantWorld) -> Vec<DnsRecord> {
    let name = tenant.tenant.hostname.as_str();
    let replies = tenant
        .dns
        .blockers
        .iter()
        .chain(&tenant.dns.authoritative)
        .filter_map(|look| look.reply.as_ref());
    let mut found = Vec::<DnsRecord>::new();
    for record in replies.flat_map(|reply| &reply.answers) {
        let here = crate::check::is_or_below(&record.name, name);
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

fn clip(data: &str) -> String {
    if data.chars().count() > 60 {
        format!("{}…", data.chars().take(60).collect::<String>())
    } else {
        data.to_owned()
    }
}

/// A name as it is called inside its zone.
fn label(name: &str, zone: &str) -> String {
    name.strip_suffix(zone)
        .and_then(|rest| rest.strip_suffix('.'))
        .unwrap_or(name)
        .to_owned()
}

/// Address and alias records at the name in the zone's listing.
fn listed_addresses<'w>(subject: &Subject<'_, 'w>) -> Vec<&'w ZoneRecord> {
    let kinds = [
        RecordKind::A.as_str(),
        RecordKind::Aaaa.as_str(),
        RecordKind::Cname.as_str(),
    ];
    let listed = subject.context.listed(subject.name()).unwrap_or_default();
    listed
        .into_iter()
        .filter(|record| record.name == subject.name() && kinds.contains(&record.kind.as_str()))
        .collect()
}

/// A record as the listing has it.
fn shown(record: &ZoneRecord) -> String {
    let proxied = if record.proxied { ", proxied" } else { "" };
    let comment = record
        .comment
        .as_ref()
        .map(|comment| format!(", \"{}\"", clip(comment)))
        .unwrap_or_default();
    format!(
        "the listing has {} {} (id {}{proxied}{comment})",
        record.kind,
        clip(&record.content),
        record.id
    )
}

/// Whether a comment or a tag says that something else looks after the record.
fn is_managed(record: &ZoneRecord) -> bool {
    let words = [
        "terraform",
        "pulumi",
        "ansible",
        "external-dns",
        "octodns",
        "dnscontrol",
        "managed",
    ];
    let texts = record
        .comment
        .iter()
        .chain(&record.tags)
        .map(|text| text.to_ascii_lowercase());
    let kept = |text: &String| {
        text.replace([' ', '"'], "").contains("roundsman=off") || words.iter().any(|word| text.contains(word))
    };
    texts.into_iter().any(|text| kept(&text))
}

fn proxied(subject: &Subject<'_, '_>) -> Option<Proof> {
    let records = listed_addresses(subject);
    if !subject.fails(Check::Dns) || !records.iter().any(|record| record.proxied) {
        return None;
    }
    let evidence = records.iter().map(|record| shown(record)).collect();
    let name = label(subject.name(), &zone(subject));
    let mut remedy = Remedy::new(
        "delete-dns-record",
        format!("delete the proxied records of {name} in zone {}", zone(subject)),
    );
    remedy.automatic = !records.iter().any(|record| is_managed(record));
    Some(
        Proof::fail(subject.name(), evidence)
            .because(subject.findings.of(Check::Dns).reason)
            .remedy(remedy),
    )
}

fn overridden(subject: &Subject<'_, '_>) -> Option<Proof> {
    let (server, own) = subject.context.own(subject.tenant);
    let control = subject.context.control_for(server)?;
    if !subject.fails(Check::Dns) || !own.has_answer() || subject.context.same(&own, control) {
        return None;
    }
    let records = own_records(subject.tenant);
    let kinds = records
        .iter()
        .map(|record| record.kind.as_str())
        .fold(Vec::new(), |mut kinds: Vec<&str>, kind| {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
            kinds
        });
    let shown = records
        .iter()
        .map(|record| format!("{} {}", record.kind, record.data))
        .collect::<Vec<_>>()
        .join(", ");
    let same = servers_that_agree(subject.context, control);
    let listed = listed_addresses(subject);
    let mut evidence = vec![format!(
        "{} is {shown}; the wildcard answers {control} ({same})",
        subject.name()
    )];
    evidence.extend(listed.iter().map(|record| self::shown(record)));
    let plural = if records.len() == 1 { "record" } else { "records" };
    let command = format!(
        "delete the {} {plural} of {} in zone {}",
        kinds.join(" and "),
        label(subject.name(), &zone(subject)),
        zone(subject)
    );
    let proof = Proof::fail(subject.name(), evidence).because(subject.findings.of(Check::Dns).reason);
    let mut remedy = Remedy::new("delete-dns-record", command);
    remedy.automatic = !listed.is_empty() && !listed.iter().any(|record| is_managed(record));
    let proof = proof.remedy(remedy);
    // A resolver may answer from an old cache: its word alone confirms nothing.
    Some(if subject.context.world.zone.through_resolvers {
        proof.likely()
    } else {
        proof
    })
}

fn servers_that_agree(context: &Context<'_>, control: &Said) -> String {
    let agree = context.controls.values().filter(|said| said.same_as(control)).count();
    format!("{agree} of {} servers", context.controls.len())
}

/// Address and alias records at the name itself. Those that a wildcard with one family only would give are in it too:
/// a name that exists is answered from its own records alone.
fn own_records(tenant: &TenantWorld) -> Vec<DnsRecord> {
    let kinds = [
        RecordKind::A.as_str(),
        RecordKind::Aaaa.as_str(),
        RecordKind::Cname.as_str(),
    ];
    let mut records = Vec::<DnsRecord>::new();
    for record in tenant
        .dns
        .authoritative
        .iter()
        .filter_map(|look| look.reply.as_ref())
        .flat_map(|reply| &reply.answers)
    {
        let own = record.name == tenant.tenant.hostname.as_str() && kinds.contains(&record.kind.as_str());
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

fn stale(subject: &Subject<'_, '_>) -> Option<Proof> {
    all_stale(subject).into_iter().next()
}

/// A proof for each resolver that still has an old answer: each is a guilty object of its own.
pub(super) fn all_stale(subject: &Subject<'_, '_>) -> Vec<Proof> {
    let finding = subject.findings.of(Check::Dns);
    if finding.outcome != Outcome::Warn {
        return Vec::new();
    }
    let (_, own) = subject.context.own(subject.tenant);
    let stale = crate::check::dns::stale(subject.context, subject.tenant, &own);
    let proof = |(resolver, said): (std::net::SocketAddr, Said)| {
        let looks = subject
            .tenant
            .dns
            .resolvers
            .iter()
            .filter(|look| look.server == resolver);
        let records = looks
            .filter_map(|look| look.reply.as_ref())
            .flat_map(|reply| &reply.answers);
        let wait = match records.map(|record| record.ttl).max() {
            Some(ttl) => format!("wait up to {ttl} s for its time to live"),
            None => "wait until the resolver asks again".into(),
        };
        let line = format!("resolver {resolver}: {} is {said}; the zone says {own}", subject.name());
        let proof = Proof::fail(resolver.to_string(), vec![line]).outcome(Outcome::Warn);
        proof.because(finding.reason).remedy(Remedy::wait(wait))
    };
    stale.into_iter().map(proof).collect()
}
