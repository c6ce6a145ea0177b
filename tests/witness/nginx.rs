//! Every way a TLS visit can end, at nginx and OpenSSL: the reason, the chain that is kept, and that nobody sends a
//! request over a channel that does not verify.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use roundsman_checks::chain::{Facts, TrustStore};
use roundsman_checks::evidence::{ChainId, Reason, StepStatus, Visit};
use roundsman_checks::expectation::SiteExpectation;
use roundsman_checks::probe::{ProbeLimits, ProbeRequest, Prober};
use roundsman_checks::target::Hostname;
use roundsman_checks::world;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::pki::{Authority, Days, NOW, Presented, self_signed};
use super::server::{Nginx, OpenSsl, Port, page};

pub(super) const NAME: &str = "q7f9.tenants.test";
pub(super) const WILDCARD: &str = "*.tenants.test";
const H2: &str = "ssl http2";

/// Longer than anything on loopback takes, also on a busy machine.
fn settings() -> ProbeLimits {
    ProbeLimits {
        connect_timeout: Duration::from_secs(10),
        timeout: Duration::from_secs(20),
        max_body: 64 * 1024,
        user_agent: "roundsman-witness".into(),
    }
}

pub(super) type Seen = (Visit, Option<(ChainId, Arc<world::CertificateChain>)>);

pub(super) async fn visit(anchors: &TrustStore, address: SocketAddr) -> Seen {
    visit_within(anchors, address, settings()).await
}

async fn visit_within(anchors: &TrustStore, address: SocketAddr, settings: ProbeLimits) -> Seen {
    let prober = Prober::new(anchors.clone(), settings.clone()).unwrap();
    let wish = ProbeRequest {
        page: Some(&SiteExpectation::default()),
        headers: &[],
        trace: None,
        settings: &settings,
        open: &|_| false,
    };
    let name = Hostname::parse(NAME).unwrap();
    prober
        .visit(address, &name, &wish, roundsman::agent::clock::now())
        .await
}

/// A visit to an address where no certificate comes into play; gives how its channel ended.
async fn channel_end(address: SocketAddr) -> Option<Reason> {
    let anchors = Authority::new("Anybody").anchors();
    let (visit, chain) = visit(&anchors, address).await;
    assert_eq!((&visit.page.end, chain.is_none()), (&StepStatus::NotReached, true));
    visit.channel_end().reason()
}

fn sent(presented: &Presented) -> Vec<Vec<u8>> {
    let der = |pem: &String| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec();
    presented.chain.iter().map(der).collect()
}

/// The whole presented chain is there, whatever came of it.
fn assert_kept(seen: &Seen, presented: &Presented) {
    let (id, kept) = seen.1.as_ref().unwrap();
    assert_eq!(kept.0, sent(presented));
    assert_eq!((seen.0.handshake.chain, *id), (Some(*id), ChainId::of(&kept.0)));
}

/// The channel fails for `faults`, the first of which is the reason; the chain is kept, and nginx was asked nothing.
async fn assert_refused(anchors: &TrustStore, presented: &Presented, faults: &[Reason]) {
    for version in ["TLSv1.2", "TLSv1.3"] {
        let nginx = Nginx::start(H2, &format!("ssl_protocols {version};"), presented).await;
        let seen = visit(anchors, nginx.v4()).await;
        assert_eq!(seen.0.channel_end().reason().as_ref(), faults.first());
        assert_eq!(seen.0.handshake.faults, faults);
        assert_eq!(seen.0.page.end, StepStatus::NotReached);
        assert_kept(&seen, presented);
        assert_eq!(nginx.asked().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_healthy_site_is_seen_whole() {
    let authority = Authority::new("Trusted");
    let presented = authority.chain(WILDCARD, NOW);
    let nginx = Nginx::start(H2, "", &presented).await;
    for address in [nginx.v4(), nginx.v6()] {
        let seen = visit(&authority.anchors(), address).await;
        assert_kept(&seen, &presented);
        let (visit, _) = seen;
        assert_eq!(
            (&visit.handshake.end, &visit.page.end),
            (&StepStatus::Done, &StepStatus::Done)
        );
        assert_eq!(visit.handshake.version.as_deref(), Some("1.3"));
        assert_eq!(visit.handshake.alpn.as_deref(), Some("h2"));
        let answer = visit.page.answer.unwrap();
        assert_eq!((answer.version.as_str(), answer.status), ("2", 200));
    }
    let asked = nginx.asked().await;
    let line = format!(
        r#"{} "GET / HTTP/2.0" 200 HTTP/2.0 "{NAME}" "roundsman-witness""#,
        nginx.v4().port()
    );
    assert_eq!(asked, [line.clone(), line]);
}

#[tokio::test]
async fn a_site_without_http_2_gives_http_1_1() {
    let authority = Authority::new("Trusted");
    let nginx = Nginx::start("ssl", "", &authority.chain(WILDCARD, NOW)).await;
    let (visit, _) = visit(&authority.anchors(), nginx.v4()).await;
    assert_eq!(visit.handshake.alpn.as_deref(), Some("http/1.1"));
    let answer = visit.page.answer.unwrap();
    assert_eq!((answer.version.as_str(), answer.status), ("1.1", 200));
    assert_eq!(answer.body.prefix, page()[..4096]);
}

#[tokio::test]
async fn tls_1_2_alone_is_enough() {
    let authority = Authority::new("Trusted");
    let nginx = Nginx::start(H2, "ssl_protocols TLSv1.2;", &authority.chain(WILDCARD, NOW)).await;
    let (visit, _) = visit(&authority.anchors(), nginx.v4()).await;
    assert_eq!(visit.handshake.version.as_deref(), Some("1.2"));
    assert_eq!(
        (&visit.handshake.end, &visit.page.end),
        (&StepStatus::Done, &StepStatus::Done)
    );
    assert_eq!(visit.page.answer.unwrap().version, "2");
}

#[tokio::test]
async fn a_compressed_body_is_unpacked() {
    let authority = Authority::new("Trusted");
    for listen in ["ssl", H2] {
        let nginx = Nginx::start(listen, "", &authority.chain(WILDCARD, NOW)).await;
        let (visit, _) = visit(&authority.anchors(), nginx.v4()).await;
        let answer = visit.page.answer.unwrap();
        assert_eq!(answer.header("content-encoding"), Some("gzip"));
        assert_eq!((answer.body.length, answer.body.complete), (page().len() as u64, true));
        assert_eq!(answer.body.prefix, page()[..4096]);
    }
}

#[tokio::test]
async fn a_chain_in_the_wrong_order_verifies_and_is_told() {
    let authority = Authority::new("Trusted");
    let presented = authority.in_wrong_order(WILDCARD);
    let nginx = Nginx::start(H2, "", &presented).await;
    let seen = visit(&authority.anchors(), nginx.v4()).await;
    assert_eq!(
        (&seen.0.handshake.end, &seen.0.page.end),
        (&StepStatus::Done, &StepStatus::Done)
    );
    assert_kept(&seen, &presented);
    let facts = Facts::read(&sent(&presented)).unwrap();
    assert_eq!((facts.in_order, facts.length), (false, 4));
}

#[tokio::test]
async fn an_expired_certificate() {
    let authority = Authority::new("Trusted");
    let presented = authority.chain(WILDCARD, Days(-91, -1));
    assert_refused(&authority.anchors(), &presented, &[Reason::TlsExpired]).await;
}

#[tokio::test]
async fn a_certificate_of_the_future() {
    let authority = Authority::new("Trusted");
    let presented = authority.chain(WILDCARD, Days(1, 91));
    assert_refused(&authority.anchors(), &presented, &[Reason::TlsNotYetValid]).await;
}

#[tokio::test]
async fn a_certificate_for_other_names() {
    let authority = Authority::new("Trusted");
    for name in ["elsewhere.test", "tenants.test", "*.q7f9.tenants.test", "*.test"] {
        let presented = authority.chain(name, NOW);
        assert_refused(&authority.anchors(), &presented, &[Reason::TlsNameMismatch]).await;
    }
}

#[tokio::test]
async fn a_certificate_with_two_faults_has_two_reasons() {
    let authority = Authority::new("Trusted");
    let presented = authority.chain("elsewhere.test", Days(-91, -1));
    let faults = [Reason::TlsExpired, Reason::TlsNameMismatch];
    assert_refused(&authority.anchors(), &presented, &faults).await;
}

#[tokio::test]
async fn a_chain_to_a_root_that_nobody_trusts() {
    let trusted = Authority::new("Trusted").anchors();
    let presented = Authority::new("Nobody").chain(WILDCARD, NOW);
    assert_refused(&trusted, &presented, &[Reason::TlsUnknownIssuer]).await;
}

#[tokio::test]
async fn a_self_signed_certificate() {
    let trusted = Authority::new("Trusted").anchors();
    assert_refused(&trusted, &self_signed(WILDCARD), &[Reason::TlsUnknownIssuer]).await;
}

#[tokio::test]
async fn a_leaf_without_its_intermediate() {
    let authority = Authority::new("Trusted");
    let presented = authority.leaf_alone(WILDCARD);
    assert_refused(&authority.anchors(), &presented, &[Reason::TlsIncompleteChain]).await;
}

#[tokio::test]
async fn a_name_that_nginx_rejects() {
    let presented = Authority::new("Trusted").chain(WILDCARD, NOW);
    let nginx = Nginx::start(H2, "ssl_reject_handshake on;", &presented).await;
    for address in [nginx.v4(), nginx.v6()] {
        let reason = channel_end(address).await.unwrap();
        assert_eq!(reason.to_string(), "tls/alert-unrecognized-name");
    }
    assert_eq!(nginx.asked().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_site_whose_ciphers_are_all_too_old() {
    let presented = Authority::new("Trusted").chain(WILDCARD, NOW);
    let directives = "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES128-SHA;";
    let nginx = Nginx::start(H2, directives, &presented).await;
    let reason = channel_end(nginx.v4()).await.unwrap();
    assert_eq!(reason.to_string(), "tls/alert-handshake-failure");
    assert_eq!(nginx.asked().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_server_that_speaks_tls_1_1_only() {
    let presented = Authority::new("Trusted").chain(WILDCARD, NOW);
    let server = OpenSsl::start(&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], &presented).await;
    let reason = channel_end(server.v4()).await.unwrap();
    assert_eq!(reason.to_string(), "tls/alert-protocol-version");
}

#[tokio::test]
async fn plain_http_on_the_port() {
    let presented = Authority::new("Trusted").chain(WILDCARD, NOW);
    let nginx = Nginx::start("", "", &presented).await;
    assert_eq!(channel_end(nginx.v4()).await, Some(Reason::TlsMalformed));
    // nginx takes the ClientHello for a bad request; a request of ours is none of it.
    let asked = nginx.asked().await;
    assert!(
        asked.iter().all(|line| line.contains("400") && !line.contains("GET")),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_port_where_nothing_listens() {
    let port = Port::take();
    for address in [port.v4(), port.v6()] {
        assert_eq!(channel_end(address).await, Some(Reason::TcpRefused));
    }
}

/// A listener that reads a ClientHello and then does whatever `then` does.
async fn listener<F: Future<Output = ()> + Send + 'static>(then: fn(TcpStream) -> F) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // A record's head tells how long it is (RFC 8446, section 5.1).
            let mut head = [0; 5];
            stream.read_exact(&mut head).await.unwrap();
            let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
            stream.read_exact(&mut hello).await.unwrap();
            then(stream).await;
        }
    });
    address
}

#[tokio::test]
async fn a_listener_that_closes() {
    async fn close(stream: TcpStream) {
        drop(stream);
    }
    assert_eq!(channel_end(listener(close).await).await, Some(Reason::TlsUnexpectedEof));
}

#[tokio::test]
async fn a_listener_that_resets() {
    async fn reset(stream: TcpStream) {
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
    assert_eq!(channel_end(listener(reset).await).await, Some(Reason::TlsReset));
}

#[tokio::test]
async fn a_server_that_chooses_what_was_not_offered() {
    /// A ServerHello (RFC 8446, section 4.1.3) of TLS 1.1 with a cipher suite of that time.
    async fn choose(mut stream: TcpStream) {
        let body = [[3, 2].as_slice(), &[7; 32], &[0, 0, 0x35, 0]].concat();
        let length = u8::try_from(body.len()).unwrap();
        let message = [[2, 0, 0, length].as_slice(), &body].concat();
        let record = [[22, 3, 2, 0, length + 4].as_slice(), &message].concat();
        stream.write_all(&record).await.unwrap();
        // Open until the client gives up: a close would be another reason.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    assert_eq!(channel_end(listener(choose).await).await, Some(Reason::TlsProtocol));
}

#[tokio::test]
async fn a_listener_that_never_answers() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let hurried = ProbeLimits {
        timeout: Duration::from_millis(300),
        ..settings()
    };
    let anchors = Authority::new("Anybody").anchors();
    let (visit, chain) = visit_within(&anchors, listener.local_addr().unwrap(), hurried).await;
    assert_eq!((&visit.connect.end, chain), (&StepStatus::Done, None));
    assert_eq!(visit.channel_end().reason(), Some(Reason::TlsTimeout));
}

#[tokio::test]
async fn a_site_that_stops_within_the_answer() {
    let authority = Authority::new("Trusted");
    let nginx = Nginx::start(H2, "location = / { return 444; }", &authority.chain(WILDCARD, NOW)).await;
    let (visit, _) = visit(&authority.anchors(), nginx.v4()).await;
    assert_eq!(visit.handshake.end, StepStatus::Done);
    assert_eq!(visit.page.end.reason(), Some(Reason::HttpClosed));
}
