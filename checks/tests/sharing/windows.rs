//! A verdict is shared only between moments that can't tell it apart.

use std::sync::Arc;

use proptest::prelude::*;
use roundsman_checks::chain::{TrustStore, VerifiedChains};
use roundsman_checks::evidence::Reason;

use super::pki::{Authority, Dates, Der, LONG, at, good, judged};

const NAME: &str = "q7f9.example.com";

#[test]
fn the_first_and_the_last_second_are_exact() {
    let root = Authority::root("Root");
    let between = root.below("E1", (0, 50));
    let chain = [between.leaf(NAME, (10, 90)).0, between.der.clone()];
    let anchors = root.anchors();
    // The path is valid from 10 to 50; beyond, it is the leaf's or the issuer's date that fails.
    let expected = [
        (-1, vec![Reason::TlsNotYetValid]),
        (9, vec![Reason::TlsNotYetValid]),
        (10, vec![]),
        (50, vec![]),
        (51, vec![Reason::TlsExpired]),
        (91, vec![Reason::TlsExpired]),
    ];
    for first in [10, 30, 50] {
        let verified = VerifiedChains::default();
        let found = judged(&verified, &chain, &anchors, NAME, at(first));
        assert_eq!(found.verdict.faults, []);
        for (moment, faults) in &expected {
            let then = judged(&verified, &chain, &anchors, NAME, at(*moment));
            assert_eq!(&then.verdict.faults, faults, "{moment}, found at {first}");
            let shared = Arc::ptr_eq(&then.presented, &found.presented);
            assert_eq!(shared, faults.is_empty(), "{moment}, found at {first}");
        }
        // Within one second nothing changes, as in every TLS library.
        let later = at(50) + jiff::SignedDuration::from_millis(999);
        assert_eq!(judged(&verified, &chain, &anchors, NAME, later).verdict.faults, []);
    }
}

#[test]
fn the_end_of_an_intermediate_that_nothing_stands_for_is_seen_before() {
    const DAY: i64 = 86_400;
    let (chain, [one, two, both]) = crossed([(0, 90 * DAY), (0, 40 * DAY), (0, 60 * DAY), LONG]);
    let verified = VerifiedChains::default();
    let ends = |anchors: &TrustStore, day: i64| {
        let found = judged(&verified, &chain, anchors, NAME, at(day * DAY)).verdict;
        assert_eq!(found.faults, []);
        found.path_ends.map(|end| (end.as_second() - at(0).as_second()) / DAY)
    };
    // What is remembered from a day on which the end was far away says nothing of a day on which it is near.
    assert_eq!(
        [1, 9, 10, 39].map(|day| ends(&one, day)),
        [None, None, Some(40), Some(40)]
    );
    assert_eq!([1, 29, 30].map(|day| ends(&two, day)), [None, None, Some(60)]);
    // Where both roots are trusted the second path takes over when the first ends.
    assert_eq!(
        [11, 39, 41, 59].map(|day| ends(&both, day)),
        [None, Some(60), Some(60), Some(60)]
    );
}

#[test]
fn a_path_is_not_looked_for_at_as_many_ends_as_certificates_are_sent() {
    const DAY: i64 = 86_400;
    let (root, nobody) = (Authority::root("Root"), Authority::root("Nobody"));
    let between = root.below("E1", (0, 20 * DAY));
    let with = |decoys: i64| {
        let beside = (1..=decoys).map(|n| nobody.below("E9", (0, 10 * DAY + n)).der);
        let leaf = [between.leaf(NAME, (0, 90 * DAY)).0, between.der.clone()];
        let chain = leaf.into_iter().chain(beside).collect::<Vec<_>>();
        let found = judged(&VerifiedChains::default(), &chain, &root.anchors(), NAME, at(DAY)).verdict;
        assert_eq!(found.faults, []);
        found.path_ends
    };
    assert_eq!([0, 7].map(with), [Some(at(20 * DAY)); 2]);
    assert_eq!(with(8), None);
}

#[test]
fn a_refusal_by_dates_passes_with_them() {
    let root = Authority::root("Root");
    let chain = [root.leaf(NAME, (10, 20)).0];
    let (verified, anchors) = (VerifiedChains::default(), root.anchors());
    let faults = |moment| judged(&verified, &chain, &anchors, NAME, at(moment)).verdict.faults;
    assert_eq!(faults(9), [Reason::TlsNotYetValid]);
    assert!(verified.is_empty());
    assert!(faults(10).is_empty());
    assert_eq!(faults(21), [Reason::TlsExpired]);
    assert!(faults(20).is_empty());
}

/// A leaf below an intermediate that two roots signed, with an unrelated certificate beside: which path is found, and
/// whether one is, depends on the moment.
fn crossed([leaf, one, two, beside]: [Dates; 4]) -> (Vec<Der>, [TrustStore; 3]) {
    let (root, other, nobody) = (Authority::root("A"), Authority::root("B"), Authority::root("C"));
    let between = root.below("E1", one);
    let crossed = other.cross_signs("E1", &between, two);
    let chain = vec![
        between.leaf(NAME, leaf).0,
        nobody.below("E9", beside).der,
        crossed,
        between.der.clone(),
    ];
    let both = TrustStore::new([root.der.clone(), other.der.clone()]).unwrap();
    (chain, [root.anchors(), other.anchors(), both])
}

#[test]
fn another_path_takes_over_when_the_first_one_ends() {
    let (chain, [one, two, both]) = crossed([LONG, (0, 30), (20, 60), (40, 45)]);
    let verified = VerifiedChains::default();
    let holds = |anchors: &TrustStore, moment| {
        judged(&verified, &chain, anchors, NAME, at(moment))
            .verdict
            .faults
            .is_empty()
    };
    for moment in [15, 25, 35, 42, 50, 61, 50, 42, 35, 25, 15, -1] {
        assert_eq!(holds(&one, moment), (0..=30).contains(&moment), "one at {moment}");
        assert_eq!(holds(&two, moment), (20..=60).contains(&moment), "two at {moment}");
        assert_eq!(holds(&both, moment), (0..=60).contains(&moment), "both at {moment}");
    }
}

#[test]
fn a_chain_with_what_can_t_be_read_beside_it_is_good_and_not_shared() {
    let root = Authority::root("Root");
    let chain = [root.leaf(NAME, LONG).0, b"\x30\x03no certificate".to_vec().into()];
    let (verified, anchors) = (VerifiedChains::default(), root.anchors());
    assert_eq!(judged(&verified, &chain, &anchors, NAME, at(0)).verdict, good());
    assert!(verified.is_empty());
}

fn dates() -> impl Strategy<Value = Dates> {
    (0..40_i64, 0..40_i64).prop_map(|(from, length)| (from, from + length))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// In whatever order moments, names and roots come, what is remembered says what would be said without.
    #[test]
    fn order_and_moments_change_no_verdict(
        dates in [dates(), dates(), dates(), dates()],
        visits in prop::collection::vec((-1..82_i64, 0..3_usize, any::<bool>()), 1..60),
    ) {
        let (chain, anchors) = crossed(dates);
        let verified = VerifiedChains::default();
        for (moment, roots, named) in visits {
            let name = if named { NAME } else { "a3b1.example.com" };
            judged(&verified, &chain, &anchors[roots], name, at(moment));
        }
        prop_assert!(verified.len() <= 3);
    }
}
