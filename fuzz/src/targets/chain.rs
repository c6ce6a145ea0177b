//! Presented chains. The first byte says how many of the certificates are trusted; then come certificates, each behind its
//! length in two bytes; the trusted ones first, then the leaf.

use jiff::Timestamp;
use roundsman_checks::chain::{Facts, TrustStore, VerifiedChains, flaws, judge, links};
use rustls_pki_types::CertificateDer;

use crate::peer::NAME;

/// Moments in seconds since 1970: one at which the certificates of the corpus are valid, and one long after their end.
const MOMENTS: [i64; 2] = [1_717_200_000, 1 << 34];

pub(crate) fn read(input: &[u8]) {
    let Some((trusted, rest)) = input.split_first() else {
        return;
    };
    let mut certificates = certificates(rest);
    let presented = certificates.split_off(usize::from(*trusted).min(certificates.len()));
    let [now, later] = MOMENTS.map(|second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX));
    for moment in [now, later] {
        let _ = flaws(&presented, moment);
        if let Ok(facts) = Facts::read(&presented) {
            let _ = (facts.remaining(moment), facts.covers(NAME), facts.covers("192.0.2.1"));
        }
    }
    let _ = links(&presented);
    let Ok(anchors) = TrustStore::new(certificates.into_iter().map(CertificateDer::into_owned)) else {
        return;
    };
    let verified = VerifiedChains::default();
    for name in [NAME, "example.com", "192.0.2.1"] {
        let verdict = judge(&presented, &anchors, name, now);
        let Some((leaf, intermediates)) = presented.split_first() else {
            return;
        };
        for _ in 0..2 {
            let judged = verified.judge(leaf, intermediates, &anchors, name, now);
            assert_eq!(judged.verdict, verdict, "what is remembered changes a verdict");
        }
    }
}

fn certificates(mut rest: &[u8]) -> Vec<CertificateDer<'_>> {
    let mut certificates = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(behind.len());
        let (certificate, behind) = behind.split_at(length);
        certificates.push(CertificateDer::from(certificate));
        rest = behind;
    }
    certificates
}
