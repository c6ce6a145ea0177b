//! Set-ups that differ from the usual by design: answers of a part of the addresses, servers that know less of DNS than
//! they are asked, resolvers with answers of their own. Nothing is said of them, alone and beside a real fault.

use roundsman::gate::{GatePolicy, exit_code};
use roundsman_checks::diagnosis::{Action, Confidence, Status};
use roundsman_checks::finding::{FleetCheck, Outcome};
use roundsman_lab::LabOptions;

use crate::support::{bench, causes};

/// A lab whose edge has four addresses in IPv4 and one in IPv6.
pub(super) fn wide() -> LabOptions {
    let addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "::1"];
    LabOptions {
        edge_addresses: addresses.iter().map(|text| text.parse().expect("an address")).collect(),
        ..LabOptions::default()
    }
}

/// The set-ups, and whether the vantage notes that the resolver differs.
pub(super) const SET_UPS: &[(&str, bool)] = &[
    ("dns-rotating", false),
    ("dns-servers-odd", false),
    ("dns-servers-odd=notimp", false),
    ("dns-servers-odd=refuses-types", false),
    ("dns-servers-odd=one-family", true),
    ("dns-servers-odd=forwards", false),
    ("dns-servers-odd=upper-case", false),
    ("dns-servers-odd=unordered", false),
    ("dns-servers-odd=extra", false),
    ("dns-servers-odd=truncates", false),
    ("resolver-differs=nxdomain", true),
    ("resolver-differs=nodata", true),
    ("resolver-differs=private", true),
    ("resolver-differs=place", false),
    ("resolver-differs=dns64", true),
    ("resolver-differs=sinkhole", true),
    ("resolver-differs=no-a", true),
    ("resolver-differs=no-aaaa", true),
    ("wildcard-caa", false),
    ("wildcard-rewritten", false),
    ("dns-override@q7f9=alias", false),
];

#[tokio::test]
async fn nothing_is_said_of_what_is_so_by_design() {
    let bench = bench(wide()).await;
    for (fault, noted) in SET_UPS {
        for beside in [None, Some("wildcard-cname"), Some("dns-override@a3b1=equal")] {
            let staged = std::iter::once(*fault).chain(beside).map(str::to_owned);
            bench.stage(&staged.collect::<Vec<_>>()).await;
            let outcome = bench.round().await;
            let diagnosis = &outcome.diagnosis;
            assert_eq!(diagnosis.causes, [], "{fault} {beside:?}");
            let healthy = |status| status == Status::Healthy;
            assert!(
                diagnosis.tenants.iter().all(|tenant| healthy(tenant.status)),
                "{fault} {beside:?}"
            );
            let exit = exit_code(diagnosis, &GatePolicy::default());
            assert_eq!(exit.code(), 0, "{fault} {beside:?}");
            let vantage = diagnosis.fleet.iter().find(|told| told.check == FleetCheck::Vantage);
            let vantage = &vantage.expect("the check").finding;
            assert_eq!(vantage.outcome, Outcome::Pass, "{fault}");
            let notes = vantage.message.matches("resolver-differs").count();
            assert_eq!(notes, usize::from(*noted), "{fault} {beside:?}: {}", vantage.message);
        }
    }
}

/// Where nothing is sure: a server that forwards may have an old answer, and a resolver that gives the tenant what it
/// gives any name speaks against a record there.
const UNSURE: [&str; 2] = ["dns-servers-odd=forwards", "resolver-differs=place"];

/// What is really wrong with a tenant beside a set-up, and whether it can be confirmed there: a zone that gives a part
/// at random is steady enough, for all that it gives is the edge's.
#[tokio::test]
async fn what_is_wrong_is_said_beside_it() {
    let bench = bench(wide()).await;
    let mut wrong = Vec::new();
    let faults = [
        ("dns-override@q7f9", "dns-override"),
        ("dns-override@q7f9=cname", "dns-override"),
        ("dns-blocked@q7f9=txt", "dns-blocked"),
        ("dns-delegated@q7f9", "dns-delegated"),
    ];
    for (set_up, _) in SET_UPS {
        for (fault, cause) in faults {
            // A server that gives no delegation its due is no server of the zone; a name has one alias.
            let impossible = (*set_up, cause) == ("dns-servers-odd=forwards", "dns-delegated");
            if impossible || set_up.contains("@q7f9") {
                continue;
            }
            bench.stage(&[(*set_up).to_owned(), fault.to_owned()]).await;
            let outcome = bench.round().await;
            let (found, entry) = (causes(&outcome), outcome.diagnosis.causes.first());
            let sure = entry.map(|entry| entry.confidence == Confidence::Confirmed);
            let deletes = |action: &Action| matches!(action, Action::DeleteRecords { .. });
            let fix = entry.is_some_and(|entry| entry.remedy.iter().any(|remedy| deletes(&remedy.action)));
            let can_be_sure = cause == "dns-delegated" || !UNSURE.contains(set_up);
            if found != [cause.to_owned()].into() || sure != Some(can_be_sure) || fix != can_be_sure {
                wrong.push(format!("{set_up} {fault}: {:?}", outcome.diagnosis.causes));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether the zone's servers are silent to all or to us only is told by a resolver that got the edge from them; what one
/// with a view of its own answers proves nothing.
#[tokio::test]
async fn a_resolver_with_its_own_view_is_no_witness_for_silent_servers() {
    let bench = bench(wide()).await;
    for (view, sure) in [
        ("nxdomain", false),
        ("private", false),
        ("place", true),
        ("no-aaaa", true),
    ] {
        let staged = ["vantage-dns-blocked".to_owned(), format!("resolver-differs={view}")];
        bench.stage(&staged).await;
        let outcome = bench.round().await;
        assert_eq!(causes(&outcome), ["vantage-dns-blocked".to_owned()].into(), "{view}");
        let confidence = outcome.diagnosis.causes[0].confidence;
        assert_eq!(confidence == Confidence::Confirmed, sure, "{view}");
    }
}

/// The alias that every name gets is no record of this one: whatever is behind it, nothing is deleted at the name.
#[tokio::test]
async fn the_alias_that_every_name_gets_is_not_to_blame() {
    let bench = bench(wide()).await;
    bench
        .stage(&["wildcard-rewritten", "dns-stale-resolver@q7f9"].map(str::to_owned))
        .await;
    let outcome = bench.round().await;
    let [entry] = &outcome.diagnosis.causes[..] else {
        panic!("{:?}", outcome.diagnosis.causes);
    };
    assert_eq!(entry.confidence, Confidence::Likely);
    assert_eq!(entry.object.to_string(), "q7f9.rewritten.example");
    let deletes = |action: &Action| matches!(action, Action::DeleteRecords { .. });
    assert!(
        !entry.remedy.iter().any(|remedy| deletes(&remedy.action)),
        "{:?}",
        entry.remedy
    );
}

/// Without the record there is nothing to delete: only an answer that stays the same proves one.
#[tokio::test]
async fn a_stale_resolver_is_told_by_its_fresh_label() {
    let bench = bench(wide()).await;
    for (set_up, expected) in [
        ("dns-rotating", vec!["dns-stale-resolver"]),
        ("resolver-differs=place", vec!["dns-stale-resolver"]),
        ("resolver-differs=private", vec![]),
        ("resolver-differs=nxdomain", vec![]),
    ] {
        bench
            .stage(&[set_up.to_owned(), "dns-stale-resolver@q7f9".to_owned()])
            .await;
        let outcome = bench.round().await;
        let expected = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(causes(&outcome), expected, "{set_up}");
    }
}
