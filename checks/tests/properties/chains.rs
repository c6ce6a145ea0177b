//! Chains for worlds: minted once, and judged as the product judges them, so that evidence agrees with itself.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use jiff::{SignedDuration, Timestamp};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use roundsman_checks::chain::{TrustStore, judge};
use roundsman_checks::evidence::{ChainId, Reason};
use roundsman_checks::world::CertificateChain;
use rustls_pki_types::CertificateDer;

/// The moment of every world.
pub(crate) const NOW: &str = "2026-11-24T12:00:00Z";
/// The domain of every world.
pub(crate) const DOMAIN: &str = "example.com";
/// How many kinds of chains there are; 0 is the good wildcard.
pub(crate) const KINDS: u8 = 12;
/// How many tenants have a certificate of their own.
const OWN: usize = 8;

struct Minted {
    anchors: TrustStore,
    wildcards: Vec<CertificateChain>,
    own: Vec<[CertificateChain; 2]>,
}

struct Authority {
    der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// A moment as rcgen wants it, some days from now.
macro_rules! day {
    ($offset:expr) => {{
        let moment = now() + SignedDuration::from_hours(24 * $offset);
        let seconds = u64::try_from(moment.as_second()).unwrap();
        rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds)
    }};
}

fn subject(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject.push(DnType::OrganizationName, "Let's Encrypt");
    subject
}

fn authority(name: &str, above: Option<&Authority>) -> Authority {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = subject(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params.not_before, params.not_after) = (day!(-3650), day!(3650));
    let cert = match above {
        Some(above) => params.signed_by(&key, &above.issuer),
        None => params.self_signed(&key),
    };
    Authority {
        der: cert.unwrap().der().to_vec(),
        issuer: Issuer::new(params, key),
    }
}

fn leaf(name: &str, (from, to): (i64, i64), above: Option<&Authority>) -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (day!(from), day!(to));
    let cert = match above {
        Some(above) => params.signed_by(&key, &above.issuer),
        None => params.self_signed(&key),
    };
    cert.unwrap().der().to_vec()
}

static MINTED: LazyLock<Minted> = LazyLock::new(|| {
    let root = authority("Root", None);
    let between = authority("R1", Some(&root));
    let stranger = authority("Nobody's root", None);
    let star = format!("*.{DOMAIN}");
    let whole = |name: &str, dates| CertificateChain(vec![leaf(name, dates, Some(&between)), between.der.clone()]);
    let wildcards = vec![
        whole(&star, (-20, 70)),
        whole(&star, (-100, -10)),
        whole(&star, (10, 100)),
        whole("*.other.test", (-20, 70)),
        CertificateChain(vec![leaf(&star, (-20, 70), None)]),
        CertificateChain(vec![leaf(&star, (-20, 70), Some(&between))]),
        whole(&star, (-86, 4)),
        whole(&star, (-72, 18)),
        whole("*.other.test", (-100, -10)),
        CertificateChain(vec![leaf(&star, (-20, 70), Some(&stranger)), stranger.der.clone()]),
    ];
    let own = (0..OWN).map(|index| {
        let name = format!("t{index}.{DOMAIN}");
        [whole(&name, (-20, 70)), whole(&name, (-100, -10))]
    });
    Minted {
        anchors: TrustStore::new([CertificateDer::from(root.der.clone())]).unwrap(),
        wildcards,
        own: own.collect(),
    }
});

/// The chain of a kind, as served to the tenant with this index, or to the control name.
pub(crate) fn presented(kind: u8, tenant: Option<usize>) -> CertificateChain {
    let wildcards = &MINTED.wildcards;
    let kind = usize::from(kind % KINDS);
    match tenant.and_then(|index| MINTED.own.get(index)) {
        Some(own) if kind >= wildcards.len() => own[kind - wildcards.len()].clone(),
        _ if kind > wildcards.len() => CertificateChain(vec![b"\x30\x03no certificate".to_vec()]),
        _ => wildcards[kind % wildcards.len()].clone(),
    }
}

/// The wildcard that ended ten days ago.
pub(crate) fn expired() -> CertificateChain {
    presented(1, None)
}

/// What the product says is wrong with a chain for a name.
pub(crate) fn faults(chain: &CertificateChain, name: &str) -> Vec<Reason> {
    type Known = Mutex<HashMap<(ChainId, String), Vec<Reason>>>;
    static KNOWN: LazyLock<Known> = LazyLock::new(Known::default);
    let key = (ChainId::of(&chain.0), name.to_owned());
    if let Some(faults) = KNOWN.lock().unwrap().get(&key) {
        return faults.clone();
    }
    let ders = chain.0.iter().cloned().map(CertificateDer::from).collect::<Vec<_>>();
    let faults = judge(&ders, &MINTED.anchors, name, now()).faults;
    KNOWN.lock().unwrap().insert(key, faults.clone());
    faults
}
