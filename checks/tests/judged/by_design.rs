//! Answers that differ, at the edges of what they may mean: of the edge in each family, by turns, repeated, by an alias.

use roundsman_checks::diagnosis::{Action, Cause, Confidence, Diagnosis, FollowUp, diagnose};
use roundsman_checks::evidence::{DnsQuery, DnsRecord, RecordKind};
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::world::World;

use crate::healthy;

/// Gives a look these addresses, of its own type.
fn give(look: &mut DnsQuery, addresses: &[&str]) {
    let v6 = |address: &str| address.contains(':');
    let wanted = addresses
        .iter()
        .filter(|address| v6(address) == (look.kind == RecordKind::Aaaa));
    let (name, kind) = (look.name.clone(), look.kind);
    let answers = wanted.map(|address| DnsRecord {
        name: name.clone(),
        kind: kind.as_str().into(),
        data: (*address).into(),
        ttl: 60,
    });
    let answers = answers.collect();
    if let Some(reply) = look.reply.as_mut().filter(|_| kind != RecordKind::Caa) {
        reply.answers = answers;
    }
}

fn give_all<'l>(looks: impl IntoIterator<Item = &'l mut DnsQuery>, addresses: &[&str]) {
    looks.into_iter().for_each(|look| give(look, addresses));
}

/// The healthy world with a wildcard and a first tenant that give these addresses.
fn with(wildcard: &[&str], own: &[&str]) -> World {
    let mut world = healthy();
    give_all(
        world.zone.controls.iter_mut().chain(&mut world.zone.wildcards),
        wildcard,
    );
    give_all(&mut world.zone.resolver_controls, wildcard);
    for tenant in &mut world.tenants {
        give_all(
            tenant.dns.authoritative.iter_mut().chain(&mut tenant.dns.resolvers),
            wildcard,
        );
    }
    let dns = &mut world.tenants[0].dns;
    give_all(dns.authoritative.iter_mut().chain(&mut dns.resolvers), own);
    world
}

fn dns(diagnosis: &Diagnosis) -> Outcome {
    diagnosis.tenants[0].findings.of(Check::Dns).outcome
}

#[test]
fn only_the_edge_in_each_family_of_the_wildcard_is_as_good_as_the_same() {
    let stranger = "203.0.113.9";
    for (wildcard, own, expected) in [
        (&["127.0.0.1", "::1"][..], &["127.0.0.1", "::1"][..], Outcome::Pass),
        // The edge's other family besides.
        (&["127.0.0.1"], &["127.0.0.1", "::1"], Outcome::Pass),
        // One family of two is missing.
        (&["127.0.0.1", "::1"], &["127.0.0.1"], Outcome::Fail),
        (&["127.0.0.1", "::1"], &["::1"], Outcome::Fail),
        // A stranger among them, in a family that the wildcard has or has not.
        (&["127.0.0.1", "::1"], &["127.0.0.1", stranger, "::1"], Outcome::Fail),
        (&["127.0.0.1"], &["127.0.0.1", "2001:db8::9"], Outcome::Fail),
        // The other family alone.
        (&["127.0.0.1"], &["::1"], Outcome::Fail),
    ] {
        let diagnosis = diagnose(&with(wildcard, own));
        assert_eq!(dns(&diagnosis), expected, "{own:?} beside {wildcard:?}");
        let told = diagnosis.causes.iter().map(|entry| entry.cause).collect::<Vec<_>>();
        let wanted = if expected == Outcome::Pass {
            vec![]
        } else {
            vec![Cause::DnsOverride]
        };
        assert_eq!(told, wanted, "{own:?} beside {wildcard:?}");
    }
}

/// The looks at a name, asked again.
fn again(looks: &[DnsQuery], addresses: Option<&[&str]>) -> Vec<DnsQuery> {
    let kinds = [RecordKind::A, RecordKind::Aaaa];
    let mut looks = looks
        .iter()
        .filter(|look| kinds.contains(&look.kind))
        .cloned()
        .collect::<Vec<_>>();
    if let Some(addresses) = addresses {
        give_all(&mut looks, addresses);
    }
    looks
}

#[test]
fn an_override_is_confirmed_by_an_answer_that_stays() {
    const EDGE: &[&str] = &["127.0.0.1", "::1"];
    const OTHER: &[&str] = &["203.0.113.9"];
    for (own_again, control_again, sure) in [
        (None, None, true),
        (Some(EDGE), None, false),
        (Some(&["203.0.113.10"][..]), None, false),
        // The wildcard itself turns.
        (None, Some(OTHER), false),
    ] {
        let mut world = with(EDGE, OTHER);
        // No resolver that would speak for it.
        world.zone.resolvers.clear();
        let open = diagnose(&world).follow_ups;
        assert!(matches!(open[..], [FollowUp::Repetition(_)]), "{open:?}");
        let server = world.tenants[0].dns.authoritative[0].server;
        let at = |looks: &[DnsQuery]| {
            looks
                .iter()
                .filter(|look| look.server == server)
                .cloned()
                .collect::<Vec<_>>()
        };
        let control = again(&at(&world.zone.controls), control_again);
        let dns = &mut world.tenants[0].dns;
        dns.repeated = [again(&at(&dns.authoritative), own_again), control].concat();
        let diagnosis = diagnose(&world);
        let entry = &diagnosis.causes[0];
        assert_eq!(entry.cause, Cause::DnsOverride);
        assert_eq!(
            entry.confidence == Confidence::Confirmed,
            sure,
            "{own_again:?} {control_again:?}"
        );
        let deletes = |action: &Action| matches!(action, Action::DeleteRecords { .. });
        assert_eq!(entry.remedy.iter().any(|remedy| deletes(&remedy.action)), sure);
        assert!(diagnosis.follow_ups.is_empty());
    }
}

/// A zone that gives strangers by turns, to the wildcard too: what it gives a tenant among them is no record of its own,
/// and what it gave to nobody else proves none.
#[test]
fn a_zone_that_answers_by_turns_proves_no_record() {
    let turns = |own: &[&str]| {
        let mut world = with(&["203.0.113.1", "203.0.113.2"], own);
        give_all(&mut world.zone.wildcards, &["203.0.113.2", "203.0.113.3"]);
        diagnose(&world)
    };
    for own in [&["203.0.113.1", "203.0.113.3"][..], &["203.0.113.4"]] {
        let diagnosis = turns(own);
        let told = diagnosis.causes.iter().any(|entry| entry.cause == Cause::DnsOverride);
        assert!(!told, "{own:?}: {:?}", diagnosis.causes);
    }
}

#[test]
fn who_is_told_that_the_name_does_not_exist_takes_no_address_of_it() {
    let mut world = healthy();
    let own = &mut world.tenants[0].dns;
    for look in own.authoritative.iter_mut().chain(&mut own.resolvers) {
        if let Some(reply) = &mut look.reply {
            reply.rcode = 3;
        }
    }
    let diagnosis = diagnose(&world);
    assert_eq!(dns(&diagnosis), Outcome::Fail, "{diagnosis:?}");
}
