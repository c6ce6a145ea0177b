//! Every case of x509-limbo goes through `chain::judge`: it ends, it does not panic, its verdict is rustls's own, and
//! where that is not what limbo expects is written down below.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, mpsc};
use std::time::Duration;

use jiff::Timestamp;
use roundsman_checks::chain::{ChainVerdict, Facts, Flaw, Flawed, TrustStore, VerifiedChains, flaws, judge};
use roundsman_checks::evidence::{ChainId, Reason};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::{CertificateError, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use serde::Deserialize;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Where limbo gives no moment: one at which its undated certificates are valid.
const MOMENT: &str = "2024-06-01T00:00:00Z";
/// Where limbo gives no name (client certificates).
const NOBODY: &str = "example.com";
/// Far more than the worst case takes, so that a hang is told from a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct Limbo {
    testcases: Vec<Case>,
}

#[derive(Clone, Deserialize)]
struct Case {
    id: String,
    features: Vec<String>,
    trusted_certs: Vec<String>,
    untrusted_intermediates: Vec<String>,
    peer_certificate: String,
    validation_time: Option<Timestamp>,
    expected_result: Expected,
    expected_peer_name: Option<PeerName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Expected {
    Success,
    Failure,
}

#[derive(Clone, Deserialize)]
struct PeerName {
    value: String,
}

impl Case {
    fn name(&self) -> &str {
        self.expected_peer_name.as_ref().map_or(NOBODY, |name| &name.value)
    }

    fn moment(&self) -> Timestamp {
        self.validation_time.unwrap_or_else(|| MOMENT.parse().unwrap())
    }

    fn presented(&self) -> Vec<CertificateDer<'static>> {
        let leaf = std::iter::once(&self.peer_certificate);
        leaf.chain(&self.untrusted_intermediates).map(der).collect()
    }

    fn roots(&self) -> Vec<CertificateDer<'static>> {
        self.trusted_certs.iter().map(der).collect()
    }

    /// The feature that the case needs, else the part of limbo that it stands in.
    fn group(&self) -> &str {
        let part = self.id.rsplit_once("::").map_or(self.id.as_str(), |(part, _)| part);
        self.features.first().map_or(part, String::as_str)
    }
}

fn der(pem: &String) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/x509-limbo.json");
    let text = std::fs::read_to_string(path).expect("the data stands beside this test");
    serde_json::from_str::<Limbo>(&text).expect("limbo's format").testcases
});

/// What `judge` says; `None` where no root can be used.
fn ours(case: &Case) -> Option<ChainVerdict> {
    let anchors = TrustStore::new(case.roots()).ok()?;
    Some(judge(&case.presented(), &anchors, case.name(), case.moment()))
}

/// What rustls says of the same inputs.
fn rustls_itself(case: &Case) -> Result<(), rustls::Error> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(case.roots());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let presented = case.presented();
    let name = ServerName::try_from(case.name()).map_err(|error| rustls::Error::General(error.to_string()))?;
    let since = Duration::from_secs(u64::try_from(case.moment().as_second()).unwrap());
    let moment = UnixTime::since_unix_epoch(since);
    verifier
        .verify_server_cert(&presented[0], &presented[1..], &name, &[], moment)
        .map(|_| ())
}

/// Gives up on work that does not end; a panic in it is a panic here.
fn within_patience<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    let worker = std::thread::spawn(move || sender.send(work()));
    match receiver.recv_timeout(PATIENCE) {
        Ok(done) => done,
        Err(mpsc::RecvTimeoutError::Timeout) => unreachable!("{what} does not end"),
        Err(mpsc::RecvTimeoutError::Disconnected) => std::panic::resume_unwind(worker.join().unwrap_err()),
    }
}

#[test]
fn every_case_is_judged_as_rustls_judges_it() {
    assert_eq!(CASES.len(), 208);
    for case in CASES.iter() {
        let owned = case.clone();
        let verdict = within_patience(&case.id, move || ours(&owned));
        let theirs = rustls_itself(case);
        let accepted = verdict.as_ref().is_some_and(|verdict| verdict.faults.is_empty());
        // A leaf's key that it takes for no signature it refuses in the handshake.
        let weak = |flawed: &Flawed| flawed.position == 0 && matches!(flawed.flaw, Flaw::Key(_));
        let usable = !flaws(&case.presented(), case.moment()).iter().any(weak);
        assert_eq!(
            accepted,
            theirs.is_ok() && usable,
            "{}: {verdict:?}, rustls itself: {theirs:?}",
            case.id
        );
        let Some(verdict) = verdict else { continue };
        assert_eq!(
            accepted,
            verdict.detail.is_empty(),
            "{}: a rejection is explained",
            case.id
        );
        let mut once = verdict.faults.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), verdict.faults.len(), "{}: a fault is told twice", case.id);
    }
}

/// What is remembered of verified chains changes no verdict: every case, all in one memory, at its moment and around
/// every date of its certificates, forth and back.
#[test]
fn every_case_is_judged_the_same_by_what_is_remembered() {
    let verified = VerifiedChains::default();
    for case in CASES.iter() {
        let Ok(anchors) = TrustStore::new(case.roots()) else {
            continue;
        };
        let presented = case.presented();
        let moments = moments(case);
        for now in moments.iter().chain(moments.iter().rev()) {
            let plain = judge(&presented, &anchors, case.name(), *now);
            let known = verified.judge(&presented[0], &presented[1..], &anchors, case.name(), *now);
            assert_eq!(known.verdict, plain, "{} at {now}", case.id);
            assert_eq!(known.id, ChainId::of(&presented), "{}", case.id);
            assert!(
                known.presented.0.iter().eq(presented.iter().map(AsRef::as_ref)),
                "{}",
                case.id
            );
        }
    }
    assert!(verified.len() > 80, "{} chains verify at some moment", verified.len());
}

/// The moment of a case, and the seconds around every date of its certificates, in order.
fn moments(case: &Case) -> Vec<Timestamp> {
    let mut moments = vec![case.moment()];
    for der in case.presented() {
        let Ok((_, certificate)) = X509Certificate::from_der(&der) else {
            continue;
        };
        let dates = [certificate.validity().not_before, certificate.validity().not_after];
        let around = dates
            .iter()
            .flat_map(|date| (-1..=1).map(|second| date.timestamp() + second));
        moments.extend(around.filter_map(|second| Timestamp::from_second(second).ok()));
    }
    moments.sort_unstable();
    moments.dedup();
    moments
}

/// Cases in which `Facts` knows better or less than rustls, without consequence: an address written as a DNS name, the
/// fraction of a second after `notAfter`, and a wildcard over a whole top-level domain.
const LOOSE: [&str; 3] = [
    "rfc5280::san::ip-in-dns",
    "rfc5280::validity::notafter-fractional",
    "webpki::san::public-suffix-wildcard-san",
];

/// What `Facts` says besides the verdict must not contradict it: a chain that rustls accepts for a name names it, and
/// one that it refuses by name does not.
#[test]
fn the_facts_read_from_a_chain_agree_with_the_verdict() {
    let mut contradictions = Vec::new();
    for case in CASES.iter() {
        let presented = case.presented();
        let facts = within_patience(&case.id, move || Facts::read(&presented));
        let Ok(facts) = facts else { continue };
        let covers = facts.covers(&case.name().to_ascii_lowercase());
        let dates = facts.not_before <= case.moment() && case.moment() <= facts.not_after;
        match rustls_itself(case) {
            Ok(()) if !(covers && dates) => contradictions.push(case.id.as_str()),
            Err(error) if refused_by_name(&error) && covers => contradictions.push(&case.id),
            _ => {}
        }
    }
    contradictions.sort_unstable();
    assert_eq!(contradictions, LOOSE);
}

fn refused_by_name(error: &rustls::Error) -> bool {
    use CertificateError::{NotValidForName, NotValidForNameContext};
    matches!(
        error,
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })
    )
}

/// Where the verdict is not limbo's: group, accepted against limbo, refused against limbo, and why rustls decides so.
const DIFFERENCES: &[(&str, usize, usize, &str)] = &[
    ("has-crl", 4, 0, "revocation is out of scope"),
    ("has-policy-constraints", 1, 0, "policy constraints are not read"),
    ("max-chain-depth", 2, 0, "TLS libraries offer no limit of the caller's"),
    (
        "name-constraint-dn",
        0,
        1,
        "constraints on directory names are refused whole",
    ),
    (
        "pathlen",
        0,
        2,
        "pathLenConstraint counts self-issued certificates; an authority's certificate may not be a leaf",
    ),
    (
        "pedantic-public-suffix-wildcard",
        2,
        0,
        "the public suffix list is not consulted",
    ),
    ("pedantic-rfc5280", 1, 0, "key identifiers are not compared"),
    ("pedantic-serial-number", 2, 0, "serial numbers are not judged"),
    (
        "pedantic-webpki-eku",
        4,
        0,
        "serverAuth suffices, whatever stands beside it; roots are names and keys only",
    ),
    (
        "pedantic-webpki-subscriber-key",
        1,
        0,
        "a size of RSA keys that is no multiple of 8 is as good as another",
    ),
    (
        "rfc5280",
        6,
        1,
        "roots are names and keys only; an authority's certificate may not be a leaf",
    ),
    (
        "rfc5280-incompatible-with-webpki",
        1,
        0,
        "name constraints need not be critical",
    ),
    ("rfc5280::aki", 3, 0, "key identifiers are not compared"),
    (
        "rfc5280::nc",
        3,
        6,
        "constraints on mail addresses are refused whole, and hold for self-issued intermediates; a leaf's are not read",
    ),
    (
        "rfc5280::san",
        2,
        0,
        "the subject is not read; `_` is allowed as in practice",
    ),
    ("rfc5280::ski", 3, 0, "key identifiers are not compared"),
    (
        "rfc5280::validity",
        1,
        0,
        "a root's dates are not read: it is trusted as long as it is installed",
    ),
    ("webpki", 2, 0, "roots are names and keys only; AIA is not read"),
    ("webpki::aki", 5, 0, "key identifiers are not compared"),
    ("webpki::cn", 9, 0, "the common name is not read"),
    ("webpki::nc", 2, 0, "empty name constraints constrain nothing"),
    ("webpki::san", 1, 0, "whether the name is critical makes no difference"),
];

#[test]
fn differs_from_limbo_exactly_where_it_is_known_to() {
    let mut table = BTreeMap::<&str, (Vec<&str>, Vec<(&str, Vec<Reason>)>)>::new();
    for case in CASES.iter() {
        let faults = ours(case).map_or_else(|| vec![Reason::TlsUnknownIssuer], |verdict| verdict.faults);
        match (case.expected_result, faults.is_empty()) {
            (Expected::Failure, true) => table.entry(case.group()).or_default().0.push(&case.id),
            (Expected::Success, false) => table.entry(case.group()).or_default().1.push((&case.id, faults)),
            _ => {}
        }
    }
    for (group, (accepted, refused)) in &table {
        let known = DIFFERENCES.iter().find(|(known, ..)| known == group);
        let why = known.map_or("not known yet", |(_, _, _, why)| why);
        println!(
            "{group}: {} accepted, {} refused against limbo: {why}",
            accepted.len(),
            refused.len()
        );
        accepted.iter().for_each(|id| println!("    accepted  {id}"));
        for (id, faults) in refused {
            let faults = faults.iter().map(ToString::to_string).collect::<Vec<_>>();
            println!("    refused   {id}: {}", faults.join(", "));
        }
    }
    let counted = table
        .iter()
        .map(|(group, (accepted, refused))| (*group, accepted.len(), refused.len()))
        .collect::<Vec<_>>();
    let known = DIFFERENCES
        .iter()
        .map(|(group, accepted, refused, _)| (*group, *accepted, *refused))
        .collect::<Vec<_>>();
    assert_eq!(counted, known);
}

/// Who is to blame in a chain that was refused, in plain words: position in the chain as sent, and what is said of it.
const BLAMED: &[(&str, usize, &str)] = &[
    ("webpki::v1-cert", 0, "version 1 of X.509"),
    ("rfc5280::eku::ee-wrong-eku", 0, "not for TLS servers"),
    (
        "rfc5280::unknown-critical-extension-ee",
        0,
        "critical extension that nobody knows",
    ),
    (
        "rfc5280::unknown-critical-extension-intermediate",
        1,
        "critical extension that nobody knows",
    ),
    ("rfc5280::intermediate-ca-without-ca-bit", 1, "no authority's"),
    (
        "rfc5280::nc::restrictive-permits-in-intermediates-narrows",
        2,
        "may not issue for",
    ),
    ("pathlen::intermediate-violates-pathlen-0", 1, "path length"),
    ("webpki::forbidden-weak-rsa-in-leaf", 0, "RSA 1024 bit"),
    ("webpki::forbidden-p192-leaf", 0, "curve"),
    ("webpki::forbidden-dsa-leaf", 0, "DSA"),
    ("webpki::ca-as-leaf", 0, "serves as a server's"),
    ("rfc5280::validity::expired-leaf", 0, "expired on"),
];

#[test]
fn the_guilty_certificate_is_named_with_its_fault() {
    for (id, position, words) in BLAMED {
        let case = CASES.iter().find(|case| case.id == *id).expect(id);
        let found = flaws(&case.presented(), case.moment());
        let first = found.first().expect(id);
        assert_eq!(first.position, *position, "{id}: {found:?}");
        assert!(first.to_string().contains(words), "{id}: {first}");
    }
}

/// A leaf that verifies is blamed for nothing. Of what was sent beside it, some may be needed by no path.
#[test]
fn a_chain_that_verifies_is_blamed_for_nothing_that_refuses() {
    let mut seen = 0;
    for case in CASES.iter() {
        let Ok(anchors) = TrustStore::new(case.roots()) else {
            continue;
        };
        let presented = case.presented();
        if !judge(&presented, &anchors, case.name(), case.moment())
            .faults
            .is_empty()
        {
            continue;
        }
        seen += 1;
        let found = flaws(&presented, case.moment());
        let of_leaf = found.iter().filter(|flawed| flawed.position == 0);
        assert_eq!(of_leaf.count(), 0, "{}: {found:?}", case.id);
    }
    assert!(seen > 20, "{seen}");
}
