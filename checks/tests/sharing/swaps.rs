//! Whatever is swapped for a chain that was verified before is noticed, and room is bounded.

use std::num::NonZeroUsize;
use std::sync::Arc;

use roundsman_checks::chain::{Limits, TrustStore, VerifiedChains};
use roundsman_checks::evidence::Reason;

use super::pki::{Authority, LONG, at, good, judged};

const NAME: &str = "q7f9.example.com";

#[test]
fn a_chain_is_verified_once_and_shared_after() {
    let root = Authority::root("Root");
    let between = root.below("E1", LONG);
    let chain = [between.leaf("*.example.com", LONG).0, between.der.clone()];
    let (verified, anchors) = (VerifiedChains::default(), root.anchors());
    let first = judged(&verified, &chain, &anchors, NAME, at(0));
    assert_eq!((&first.verdict, verified.len()), (&good(), 1));
    // The same roots read again are the same roots.
    let again = judged(&verified, &chain, &root.anchors(), "a3b1.example.com", at(5));
    assert!(Arc::ptr_eq(&first.presented, &again.presented));
    assert_eq!((again.verdict, verified.len()), (good(), 1));
}

#[test]
fn another_chain_is_noticed() {
    let (root, stranger) = (Authority::root("Root"), Authority::root("Nobody's Root"));
    let (between, theirs) = (root.below("E1", LONG), stranger.below("E1", LONG));
    let leaf = between.leaf(NAME, LONG).0;
    let (verified, anchors) = (VerifiedChains::default(), root.anchors());
    let good_chain = [leaf.clone(), between.der.clone()];
    assert_eq!(judged(&verified, &good_chain, &anchors, NAME, at(0)).verdict, good());

    // Another leaf, another issuer of the same name, a certificate less, the same in another order, one byte.
    let swapped = [theirs.leaf(NAME, LONG).0, between.der.clone()];
    let faults = |chain: &[_]| judged(&verified, chain, &anchors, NAME, at(0)).verdict.faults;
    assert_eq!(faults(&swapped), [Reason::TlsUnknownIssuer]);
    assert_eq!(faults(&[leaf.clone(), theirs.der.clone()]), [Reason::TlsUnknownIssuer]);
    assert_eq!(faults(std::slice::from_ref(&leaf)), [Reason::TlsIncompleteChain]);
    assert!(!faults(&[between.der.clone(), leaf.clone()]).is_empty());
    let mut bytes = leaf.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(faults(&[bytes.into(), between.der.clone()]), [Reason::TlsUnknownIssuer]);
    // Nothing of that is remembered, and what was stays.
    assert_eq!(verified.len(), 1);
    // What verifies with something beside it is an entry of its own.
    assert!(faults(&[leaf, between.der.clone(), theirs.der]).is_empty());
    assert_eq!(verified.len(), 2);
}

#[test]
fn other_roots_are_noticed() {
    let (root, other) = (Authority::root("Root"), Authority::root("Root"));
    let between = root.below("E1", LONG);
    let chain = [between.leaf(NAME, LONG).0, between.der.clone()];
    let verified = VerifiedChains::default();
    assert_eq!(judged(&verified, &chain, &root.anchors(), NAME, at(0)).verdict, good());
    let swapped = judged(&verified, &chain, &other.anchors(), NAME, at(0));
    assert_eq!(swapped.verdict.faults, [Reason::TlsUnknownIssuer]);
    // A root more is another set, that verifies for itself.
    let both = TrustStore::new([root.der.clone(), other.der.clone()]).unwrap();
    assert_ne!(both.id(), root.anchors().id());
    assert_eq!(judged(&verified, &chain, &both, NAME, at(0)).verdict, good());
    assert_eq!(verified.len(), 2);
    // And a root that was taken away is missed at once.
    let left = judged(&verified, &chain, &other.anchors(), NAME, at(0));
    assert_eq!(left.verdict.faults, [Reason::TlsUnknownIssuer]);
}

#[test]
fn another_name_is_noticed() {
    let root = Authority::root("Root");
    let chain = [root.leaf("*.example.com", LONG).0];
    let (verified, anchors) = (VerifiedChains::default(), root.anchors());
    for _ in 0..2 {
        assert_eq!(judged(&verified, &chain, &anchors, NAME, at(0)).verdict, good());
        for other in [
            "example.com",
            "a.b.example.com",
            "q7f9.example.org",
            "127.0.0.1",
            "::1",
            "a b",
        ] {
            let refused = judged(&verified, &chain, &anchors, other, at(0));
            assert_eq!(refused.verdict.faults, [Reason::TlsNameMismatch], "{other}");
        }
    }
    assert_eq!(verified.len(), 1);
    // A chain that was first seen for a name that it does not hold is as good for the one that it holds.
    let fresh = VerifiedChains::default();
    let first = judged(&fresh, &chain, &anchors, "example.com", at(0));
    let then = judged(&fresh, &chain, &anchors, NAME, at(0));
    assert!(Arc::ptr_eq(&first.presented, &then.presented));
}

#[test]
fn no_more_is_kept_than_the_limits_say() {
    let root = Authority::root("Root");
    let leaf = root.leaf(NAME, LONG).0;
    let beside = (0..100)
        .map(|n| root.below(&format!("E{n}"), LONG).der)
        .collect::<Vec<_>>();
    let anchors = root.anchors();
    let entries = Limits {
        entries: NonZeroUsize::new(64).unwrap(),
        ..Limits::default()
    };
    let bytes = Limits {
        bytes: 100_000,
        ..Limits::default()
    };
    for limits in [entries, bytes] {
        let verified = VerifiedChains::new(limits);
        let favourite = verified.judge(&leaf, &[], &anchors, NAME, at(0));
        for pair in (0..10_000).map(|n| [beside[n / 100].clone(), beside[n % 100].clone()]) {
            assert_eq!(verified.judge(&leaf, &pair, &anchors, NAME, at(0)).verdict, good());
            assert!(verified.len() <= limits.entries.get() && verified.bytes() <= limits.bytes);
            // What is needed stays.
            let again = verified.judge(&leaf, &[], &anchors, NAME, at(0));
            assert!(Arc::ptr_eq(&again.presented, &favourite.presented));
        }
        assert!(
            verified.len() > 32,
            "{} chains in {} bytes",
            verified.len(),
            verified.bytes()
        );
    }
    // What does not fit at all is judged all the same.
    let none = VerifiedChains::new(Limits { bytes: 600, ..entries });
    assert_eq!(none.judge(&leaf, &[], &anchors, NAME, at(0)).verdict, good());
    assert!(none.is_empty());
}
