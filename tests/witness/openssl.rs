//! `openssl s_server`, with chains that OpenSSL made: one that takes only clients with a certificate, whose alert is never
//! lost, and chains each with a fault of its own, which is named.

use std::fs;
use std::path::Path;

use roundsman_checks::chain::{TrustStore, flaws};
use roundsman_checks::evidence::{Reason, StepStatus};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::nginx::{WILDCARD, visit};
use super::pki::{Authority, NOW, Presented};
use super::server::{OpenSsl, openssl};

#[tokio::test]
async fn a_certificate_that_is_required_is_asked_for_each_time() {
    for (version, expected) in [
        ("-tls1_3", "tls/alert-certificate-required"),
        ("-tls1_2", "tls/alert-handshake-failure"),
    ] {
        let authority = Authority::new("Trusted");
        let server = OpenSsl::start(&[version, "-Verify", "1"], &authority.chain(WILDCARD, NOW)).await;
        for _ in 0..30 {
            let (visit, _) = visit(&authority.anchors(), server.v4()).await;
            let reason = visit.channel_end().reason().map(|reason| reason.to_string());
            assert_eq!(reason.as_deref(), Some(expected), "{version}: {visit:?}");
        }
    }
}

/// What is wrong with one chain, which the server sends with the leaf twice: how the keys of the intermediate and of the leaf are made, what is written into their
/// certificates, with which hash the leaf is signed; and what is said of it.
struct Faulty {
    what: &'static str,
    intermediate: &'static [&'static str],
    leaf_key: &'static str,
    leaf: &'static [&'static str],
    hash: &'static str,
    said: &'static str,
}

const SOUND: Faulty = Faulty {
    what: "nothing",
    intermediate: AUTHORITY,
    leaf_key: "rsa:2048",
    leaf: &["subjectAltName=DNS:*.tenants.test", "extendedKeyUsage=serverAuth"],
    hash: "-sha256",
    said: "",
};
const AUTHORITY: &[&str] = &["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"];

const FAULTY: &[Faulty] = &[
    SOUND,
    Faulty {
        what: "weak key",
        leaf_key: "rsa:1024",
        said: "the leaf has a key that no TLS library takes (RSA 1024 bit)",
        ..SOUND
    },
    // Without a word in it a certificate is of the first version.
    Faulty {
        what: "version 1",
        leaf: &[],
        said: "the leaf is of version 1 of X.509, 3 is needed",
        ..SOUND
    },
    Faulty {
        what: "SHA-1",
        hash: "-sha1",
        said: "the leaf is signed with SHA-1",
        ..SOUND
    },
    Faulty {
        what: "clients only",
        leaf: &["subjectAltName=DNS:*.tenants.test", "extendedKeyUsage=clientAuth"],
        said: "the leaf is not for TLS servers (extended key usage)",
        ..SOUND
    },
    Faulty {
        what: "critical extension",
        leaf: &[
            "subjectAltName=DNS:*.tenants.test",
            "1.3.6.1.4.1.32473.1=critical,ASN1:UTF8String:x",
        ],
        said: "the leaf has a critical extension that nobody knows (1.3.6.1.4.1.32473.1)",
        ..SOUND
    },
    Faulty {
        what: "authority as leaf",
        leaf: &["subjectAltName=DNS:*.tenants.test", "basicConstraints=critical,CA:TRUE"],
        said: "the leaf is an authority's and serves as a server's",
        ..SOUND
    },
    Faulty {
        what: "name constraint",
        intermediate: &[
            "basicConstraints=critical,CA:TRUE",
            "keyUsage=critical,keyCertSign",
            "nameConstraints=critical,permitted;DNS:elsewhere.test",
        ],
        said: "the intermediate Intermediate (certificate 3) may not issue for *.tenants.test (name constraints)",
        ..SOUND
    },
    Faulty {
        what: "intermediate for clients only",
        intermediate: &["basicConstraints=critical,CA:TRUE", "extendedKeyUsage=clientAuth"],
        said: "the intermediate Intermediate (certificate 3) is not for TLS servers (extended key usage)",
        ..SOUND
    },
    Faulty {
        what: "intermediate that is no authority",
        intermediate: &["basicConstraints=critical,CA:FALSE"],
        said: "the intermediate Intermediate (certificate 3) is no authority's and issued another",
        ..SOUND
    },
];

/// Makes a certificate as OpenSSL does, signed by another one; `name.pem` and `name.key` are left.
fn make(dir: &Path, (name, key, subject): (&str, &str, &str), issuer: &str, extensions: &[&str], hash: &str) {
    let file = |name: String| dir.join(name).display().to_string();
    let (own, request, certificate) = (
        file(format!("{name}.key")),
        file(format!("{name}.csr")),
        file(format!("{name}.pem")),
    );
    let (above, above_key) = (file(format!("{issuer}.pem")), file(format!("{issuer}.key")));
    let subject = format!("/CN={subject}");
    let asks = [
        "req", "-new", "-nodes", "-newkey", key, "-keyout", &own, "-subj", &subject, "-out", &request,
    ];
    openssl(&asks);
    let mut signs = vec![
        "x509",
        "-req",
        "-in",
        &request,
        "-CA",
        &above,
        "-CAkey",
        &above_key,
        "-set_serial",
        "7",
    ];
    signs.extend(["-days", "30", hash, "-out", &certificate]);
    let written = file(format!("{name}.ext"));
    fs::write(&written, extensions.join("\n")).unwrap();
    if !extensions.is_empty() {
        signs.extend(["-extfile", &written]);
    }
    openssl(&signs);
}

#[tokio::test]
async fn a_chain_with_a_fault_is_refused_and_told_why() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (root, root_key) = (path("root.pem"), path("root.key"));
    openssl(&[
        "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-keyout", &root_key, "-subj", "/CN=Root", "-days", "30",
        "-out", &root,
    ]);
    let read = |name: &str| fs::read_to_string(path(name)).unwrap();
    let anchors = TrustStore::new([CertificateDer::from_pem_slice(read("root.pem").as_bytes()).unwrap()]).unwrap();
    for faulty in FAULTY {
        let intermediate = ("intermediate", "rsa:2048", "Intermediate");
        make(dir.path(), intermediate, "root", faulty.intermediate, "-sha256");
        let leaf = ("leaf", faulty.leaf_key, "*.tenants.test");
        make(dir.path(), leaf, "intermediate", faulty.leaf, faulty.hash);
        let presented = Presented {
            chain: vec![read("leaf.pem"), read("intermediate.pem")],
            key: read("leaf.key"),
        };
        for version in ["-tls1_3", "-tls1_2"] {
            let server = OpenSsl::start(&[version, "-cipher", "ALL:@SECLEVEL=0"], &presented).await;
            let (visit, chain) = visit(&anchors, server.v4()).await;
            let what = faulty.what;
            if faulty.said.is_empty() {
                assert_eq!(visit.handshake.end, StepStatus::Done, "{what}");
                continue;
            }
            assert_eq!(
                visit.channel_end().reason(),
                Some(Reason::TlsUnknownIssuer),
                "{what}: {visit:?}"
            );
            assert_eq!(
                visit.handshake.faults.first(),
                Some(&Reason::TlsUnknownIssuer),
                "{what}"
            );
            let kept = &chain.expect("the chain is kept").1;
            let found = flaws(&kept.0, roundsman::agent::clock::now());
            assert_eq!(
                found.first().map(ToString::to_string).as_deref(),
                Some(faulty.said),
                "{what}: {found:?}"
            );
        }
    }
}

/// A certificate that is trusted itself, as by `[edge] ca_file`, and is an authority's.
#[tokio::test]
async fn an_authority_that_serves_itself_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    openssl(&[
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "rsa:2048",
        "-keyout",
        &path("own.key"),
        "-subj",
        "/CN=own",
        "-days",
        "30",
        "-addext",
        "subjectAltName=DNS:*.tenants.test",
        "-out",
        &path("own.pem"),
    ]);
    let read = |name: &str| fs::read_to_string(path(name)).unwrap();
    let presented = Presented {
        chain: vec![read("own.pem")],
        key: read("own.key"),
    };
    let own = CertificateDer::from_pem_slice(read("own.pem").as_bytes()).unwrap();
    let server = OpenSsl::start(&[], &presented).await;
    let (visit, chain) = visit(&TrustStore::new([own]).unwrap(), server.v4()).await;
    assert_eq!(
        visit.channel_end().reason(),
        Some(Reason::TlsUnknownIssuer),
        "{visit:?}"
    );
    let found = flaws(&chain.expect("the chain is kept").1.0, roundsman::agent::clock::now());
    let said = "the leaf is an authority's and serves as a server's";
    assert_eq!(found.first().map(ToString::to_string).as_deref(), Some(said));
}
