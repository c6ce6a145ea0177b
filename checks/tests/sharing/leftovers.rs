//! What a visit makes of its connection, and what it leaves behind: no task, and no connection.

use roundsman_checks::evidence::StepStatus;
use roundsman_checks::expectation::SiteExpectation;
use roundsman_checks::probe::{ProbeRequest, Prober};
use roundsman_checks::target::Hostname;
use rustls::version::{TLS12, TLS13};
use tokio::runtime::Handle;

use super::pki::{Authority, at};
use super::possession::{NAME, chain, settings, visit};
use super::server::{Answers, Seen, Server, tls};

const MANY: usize = 50;

#[tokio::test]
async fn a_visit_leaves_no_task_and_no_connection() {
    let root = Authority::root("Root");
    let (presented, key) = chain(&root);
    let prober = Prober::new(root.anchors(), settings()).unwrap();
    let before = Handle::current().metrics().num_alive_tasks();
    for alpn in ["h2", "http/1.1"] {
        let mut server = Server::start(tls(&presented, &key, &TLS13, alpn.as_bytes()), Answers::Promptly);
        for _ in 0..MANY {
            let (visit, _) = visit(&prober, &server, true).await;
            assert_eq!(visit.page.end, StepStatus::Done);
            assert_eq!(Handle::current().metrics().num_alive_tasks(), before);
        }
        // The server sees as many connections end as were made, each in good order.
        let seen = server.seen(2 * MANY).await;
        assert_eq!(
            seen.iter().filter(|seen| **seen == Seen::Closed).count(),
            MANY,
            "{alpn}"
        );
    }
}

#[tokio::test]
async fn two_requests_go_over_one_connection() {
    let root = Authority::root("Root");
    let (presented, key) = chain(&root);
    let prober = Prober::new(root.anchors(), settings()).unwrap();
    let site = SiteExpectation::default();
    let wish = ProbeRequest {
        page: Some(&site),
        headers: &[],
        trace: None,
        settings: prober.settings(),
        open: &|_| true,
    };
    let name = Hostname::parse(NAME).unwrap();
    for version in [&TLS12, &TLS13] {
        for alpn in ["h2", "http/1.1"] {
            let tls = tls(&presented, &key, version, alpn.as_bytes());
            let mut server = Server::start(tls, Answers::Promptly);
            let (visit, _) = prober.visit(server.address, &name, &wish, at(0)).await;
            assert_eq!(
                (&visit.page.end, &visit.issuer.end),
                (&StepStatus::Done, &StepStatus::Done),
                "{alpn}"
            );
            assert_eq!(
                server.seen(3).await,
                [Seen::Request, Seen::Request, Seen::Closed],
                "{alpn}"
            );
        }
    }
}

#[tokio::test]
async fn a_visit_without_a_request_ends_in_good_order() {
    let root = Authority::root("Root");
    let (presented, key) = chain(&root);
    let prober = Prober::new(root.anchors(), settings()).unwrap();
    for version in [&TLS12, &TLS13] {
        let tls = tls(&presented, &key, version, b"http/1.1");
        let mut server = Server::start(tls, Answers::Promptly);
        let (visit, _) = visit(&prober, &server, false).await;
        assert_eq!(
            (&visit.handshake.end, &visit.page.end),
            (&StepStatus::Done, &StepStatus::NotReached)
        );
        assert_eq!(server.seen(1).await, [Seen::Closed]);
    }
}

#[tokio::test]
async fn a_visit_that_is_given_up_leaves_no_task_and_no_connection() {
    let root = Authority::root("Root");
    let (presented, key) = chain(&root);
    let prober = Prober::new(root.anchors(), settings()).unwrap();
    let before = Handle::current().metrics().num_alive_tasks();
    for alpn in ["h2", "http/1.1"] {
        let mut server = Server::start(tls(&presented, &key, &TLS13, alpn.as_bytes()), Answers::Never);
        let address = server.address;
        for _ in 0..MANY {
            let site = SiteExpectation::default();
            let wish = ProbeRequest {
                page: Some(&site),
                headers: &[],
                trace: None,
                settings: prober.settings(),
                open: &|_| false,
            };
            let name = Hostname::parse(NAME).unwrap();
            tokio::select! {
                ended = prober.visit(address, &name, &wish, at(0)) => unreachable!("{:?}", ended.0.page.end),
                asked = server.seen(1) => assert_eq!(asked, [Seen::Request]),
            }
            assert_eq!(Handle::current().metrics().num_alive_tasks(), before);
            // Its end is seen at once, not after the time that the visit had.
            assert_ne!(server.seen(1).await, [Seen::Request]);
        }
    }
}
