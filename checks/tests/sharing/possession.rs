//! Real handshakes: a remembered chain helps nobody who lacks its key.

use std::sync::Arc;
use std::time::Duration;

use roundsman_checks::chain::VerifiedChains;
use roundsman_checks::evidence::{Reason, StepStatus, Visit};
use roundsman_checks::expectation::SiteExpectation;
use roundsman_checks::probe::{ProbeLimits, ProbeRequest, Prober};
use roundsman_checks::target::Hostname;
use roundsman_checks::world::CertificateChain;
use rustls::version::{TLS12, TLS13};

use super::pki::{Authority, Der, LONG, at};
use super::server::{Answers, Seen, Server, tls};

pub(super) const NAME: &str = "q7f9.example.com";

/// Longer than anything on loopback takes, also on a busy machine.
pub(super) fn settings() -> ProbeLimits {
    ProbeLimits {
        connect_timeout: Duration::from_secs(20),
        timeout: Duration::from_secs(60),
        max_body: 64 * 1024,
        user_agent: "roundsman-test".into(),
    }
}

pub(super) async fn visit(prober: &Prober, server: &Server, page: bool) -> (Visit, Arc<CertificateChain>) {
    let site = SiteExpectation::default();
    let wish = ProbeRequest {
        page: page.then_some(&site),
        headers: &[],
        trace: None,
        settings: prober.settings(),
        open: &|_| false,
    };
    let name = Hostname::parse(NAME).unwrap();
    let (visit, chain) = prober.visit(server.address, &name, &wish, at(0)).await;
    (visit, chain.unwrap().1)
}

pub(super) fn chain(root: &Authority) -> (Vec<Der>, rcgen::KeyPair) {
    let between = root.below("E1", LONG);
    let (leaf, key) = between.leaf("*.example.com", LONG);
    (vec![leaf, between.der], key)
}

#[tokio::test]
async fn a_good_chain_without_its_key_is_refused_however_well_it_is_known() {
    let root = Authority::root("Root");
    let (presented, key) = chain(&root);
    let stolen = rcgen::KeyPair::generate().unwrap();
    for version in [&TLS12, &TLS13] {
        let prober = Prober::new(root.anchors(), settings()).unwrap();
        let genuine = Server::start(tls(&presented, &key, version, b"h2"), Answers::Promptly);
        let mut impostor = Server::start(tls(&presented, &stolen, version, b"h2"), Answers::Promptly);
        let (first, known) = visit(&prober, &genuine, true).await;
        assert_eq!((&first.page.end, prober.verified().len()), (&StepStatus::Done, 1));

        let (refused, shown) = visit(&prober, &impostor, true).await;
        assert!(Arc::ptr_eq(&known, &shown), "the chain is the known one");
        assert_eq!(
            refused.handshake.end.reason(),
            Some(Reason::TlsMalformed),
            "{:?}",
            refused.handshake
        );
        assert_eq!(refused.page.end, StepStatus::NotReached);
        assert_eq!(impostor.seen(1).await, [Seen::Refused], "and not asked for anything");
        // And whoever has the key is as welcome as before.
        assert_eq!(visit(&prober, &genuine, true).await.0.page.end, StepStatus::Done);
    }
}

#[tokio::test]
async fn other_roots_refuse_what_is_known_by_the_first() {
    let (root, other) = (Authority::root("Root"), Authority::root("Root"));
    let (presented, key) = chain(&root);
    let mut server = Server::start(tls(&presented, &key, &TLS13, b"h2"), Answers::Promptly);
    let verified = Arc::new(VerifiedChains::default());
    let prober = |root: &Authority| {
        Prober::new(root.anchors(), settings())
            .unwrap()
            .sharing(Arc::clone(&verified))
    };
    assert_eq!(visit(&prober(&root), &server, true).await.0.page.end, StepStatus::Done);
    let (refused, _) = visit(&prober(&other), &server, true).await;
    assert_eq!(refused.handshake.faults, [Reason::TlsUnknownIssuer]);
    assert_eq!(refused.page.end, StepStatus::NotReached);
    assert_eq!(server.seen(3).await, [Seen::Request, Seen::Closed, Seen::Refused]);
}
