//! A zone that knot signs and unbound validates, and every way in which it stops to: what the shipped program makes of
//! it.

use roundsman_lab::{Lab, LabOptions};

use super::ask::{authority, resolver};
use super::server::{Knot, Served, Trust, Unbound, Upstream};
use super::verify::{Verified, verify};
use super::zone::{self, DOMAIN, Says, WILDCARD};

async fn signed() -> Knot {
    Knot::serve(&[Served::signed(DOMAIN, zone::text(WILDCARD))]).await
}

async fn validating(knot: &Knot, trust: &Trust<'_>) -> Unbound {
    let root = Upstream::Stub(".", knot.v4());
    Unbound::start(&[Upstream::Stub(DOMAIN, knot.v4()), root], Some(trust)).await
}

/// Knot, unbound, the edge of a lab, and the program.
async fn judged(knot: &Knot, trust: &Trust<'_>) -> Verified {
    let unbound = validating(knot, trust).await;
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    verify(&lab, &[knot.v4(), knot.v6()], &[unbound.v4()]).await
}

fn assert_bogus(verified: &Verified) {
    let report = &verified.report;
    let dnssec = verified.fleet("dnssec");
    assert_eq!(
        (&dnssec["outcome"], &dnssec["reason"]),
        (&"fail".into(), &"dns/bogus".into()),
        "{report:#}"
    );
    assert_eq!(
        verified.causes(),
        [("dnssec-bogus".into(), "fleet".into())],
        "{report:#}"
    );
    for tenant in report["tenants"].as_array().unwrap() {
        assert_eq!(
            (&tenant["status"], &tenant["cause"]),
            (&"failing".into(), &"dnssec-bogus".into())
        );
    }
    assert_eq!(verified.exit, Some(1));
}

#[tokio::test]
async fn a_signed_zone_that_validates_passes() {
    let knot = signed().await;
    let trust = Trust {
        anchor: &knot.ds(DOMAIN),
        today: None,
    };
    let verified = judged(&knot, &trust).await;
    let dnssec = verified.fleet("dnssec");
    assert_eq!(dnssec["outcome"], "pass", "{:#}", verified.report);
    assert_eq!(verified.causes(), []);
    assert_eq!(verified.exit, Some(0));
}

#[tokio::test]
async fn a_zone_that_nobody_signed_is_no_fault() {
    let knot = Knot::serve(&[Served::plain(DOMAIN, zone::text(WILDCARD))]).await;
    let other = Knot::serve(&[Served::signed(
        "other.test",
        zone::text(WILDCARD).replace(DOMAIN, "other.test"),
    )])
    .await;
    let trust = Trust {
        anchor: &other.ds("other.test"),
        today: None,
    };
    let verified = judged(&knot, &trust).await;
    let dnssec = verified.fleet("dnssec");
    assert_eq!(
        (&dnssec["outcome"], &dnssec["reason"]),
        (&"skipped".into(), &"not-configured".into())
    );
    assert_eq!((verified.causes(), verified.exit), (vec![], Some(0)));
}

/// With DO a signed zone could hide what stands at a name (RFC 9824); as the product asks, nothing changes.
#[tokio::test]
async fn signing_changes_nothing_of_what_is_said() {
    let knot = signed().await;
    let trust = Trust {
        anchor: &knot.ds(DOMAIN),
        today: None,
    };
    let unbound = validating(&knot, &trust).await;
    for (name, says) in zone::names() {
        assert_eq!(authority(knot.v4(), &name, DOMAIN).await, says.said(), "{name}");
        if !matches!(says, Says::Delegated(..) | Says::Alias(_)) {
            assert_eq!(
                resolver(unbound.v4(), &name, DOMAIN).await,
                says.said(),
                "{name} resolved"
            );
        }
    }
}

#[tokio::test]
async fn signatures_of_a_key_that_nobody_trusts_are_bogus() {
    let (knot, other) = (signed().await, signed().await);
    let trust = Trust {
        anchor: &other.ds(DOMAIN),
        today: None,
    };
    assert_bogus(&judged(&knot, &trust).await);
}

#[tokio::test]
async fn signatures_that_ran_out_are_bogus() {
    let knot = signed().await;
    let trust = Trust {
        anchor: &knot.ds(DOMAIN),
        today: Some("20991231235959"),
    };
    assert_bogus(&judged(&knot, &trust).await);
}

#[tokio::test]
async fn damaged_signatures_of_the_wildcard_are_bogus() {
    let good = signed().await;
    let contents = good.contents(DOMAIN);
    let damaged = contents.lines().map(damage).collect::<Vec<_>>().join("\n");
    assert_ne!(damaged, contents.trim_end());
    let bad = Knot::serve(&[Served::plain(DOMAIN, damaged)]).await;
    let trust = Trust {
        anchor: &good.ds(DOMAIN),
        today: None,
    };
    assert_bogus(&judged(&bad, &trust).await);
}

/// Turns the first character of the wildcard's signatures, the last field of their lines.
fn damage(line: &str) -> String {
    let fields = line.split_whitespace().collect::<Vec<_>>();
    match fields.as_slice() {
        [owner, _, "RRSIG", "A" | "AAAA", .., signature] if *owner == "*.tenants.test." => {
            let turned = if signature.starts_with('A') { 'B' } else { 'A' };
            line.replace(signature, &format!("{turned}{}", &signature[1..]))
        }
        _ => line.to_owned(),
    }
}
