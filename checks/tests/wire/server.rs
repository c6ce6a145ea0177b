//! A TLS server on loopback that answers each connection with the bytes that a script has for it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use roundsman_checks::chain::TrustStore;
use roundsman_checks::evidence::Visit;
use roundsman_checks::expectation::SiteExpectation;
use roundsman_checks::probe::{ProbeLimits, ProbeRequest, Prober, clock};
use roundsman_checks::target::Hostname;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

const NAME: &str = "q7f9.tenants.test";

/// What a connection gets.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    bytes: Vec<u8>,
    then: Then,
    /// Whether nobody is let in after it.
    last: bool,
}

/// What follows.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// The connection is closed in good order.
    Closes,
    /// It stays open.
    Stays,
}

impl Script {
    /// These bytes when a request has come, and an end in good order.
    pub(crate) fn closes(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            then: Then::Closes,
            last: false,
        }
    }

    /// These bytes when a request has come, and nothing more.
    pub(crate) fn stays(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            then: Then::Stays,
            last: false,
        }
    }

    /// The same, and no connection after it.
    pub(crate) fn and_leaves(mut self) -> Self {
        self.last = true;
        self
    }
}

/// A server: each connection gets the next script, the last one all that follow.
pub(crate) struct Server {
    address: SocketAddr,
    anchors: TrustStore,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// One that chooses `protocol` where it is offered; where it is not, HTTP/1.1.
    pub(crate) async fn start(protocol: &str, scripts: Vec<Script>) -> Self {
        let (anchors, chain, key) = pki();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec(), b"http/1.1".to_vec()];
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (acceptor, count) = (TlsAcceptor::from(Arc::new(config)), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let at = count.fetch_add(1, Ordering::SeqCst);
                let script = scripts[at.min(scripts.len() - 1)].clone();
                let acceptor = acceptor.clone();
                let last = script.last;
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(tcp).await {
                        play(stream, script).await;
                    }
                });
                // The listener is gone before anybody could come again: what was sent waits for the client.
                if last {
                    return;
                }
            }
        });
        Self {
            address,
            anchors,
            connections,
        }
    }

    /// How many connections it got.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Visits it.
    pub(crate) async fn visit(&self) -> Visit {
        self.visit_expecting(&SiteExpectation::default()).await
    }

    /// Visits it, with something expected of the page.
    pub(crate) async fn visit_expecting(&self, page: &SiteExpectation) -> Visit {
        visit(self.address, &self.anchors, page).await
    }
}

/// Visits the server at an address.
pub(crate) async fn visit(address: SocketAddr, anchors: &TrustStore, page: &SiteExpectation) -> Visit {
    let settings = ProbeLimits {
        connect_timeout: Duration::from_secs(10),
        timeout: Duration::from_secs(20),
        ..ProbeLimits::default()
    };
    let prober = Prober::new(anchors.clone(), settings.clone()).unwrap();
    let wish = ProbeRequest {
        page: Some(page),
        headers: &[],
        trace: None,
        settings: &settings,
        open: &|_| false,
    };
    let name = Hostname::parse(NAME).unwrap();
    prober.visit(address, &name, &wish, clock::now()).await.0
}

async fn play(mut stream: TlsStream<tokio::net::TcpStream>, script: Script) {
    let mut request = Vec::new();
    let wanted: &[u8] = match stream.get_ref().1.alpn_protocol() {
        // The path, which only a request has: `:path: /` by its index.
        Some(b"h2") => &[0x84],
        _ => b"\r\n\r\n",
    };
    while !request.windows(wanted.len()).any(|part| part == wanted) {
        match stream.read_buf(&mut request).await {
            Ok(read) if read > 0 => {}
            _ => return,
        }
    }
    let _ = stream.write_all(&script.bytes).await;
    let _ = stream.flush().await;
    if matches!(script.then, Then::Closes) {
        let _ = stream.shutdown().await;
    }
    // Until the client has read what it wants: a reset could overtake it.
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

/// What is trusted, and the chain and key of a server that it is trusted for.
pub(crate) type Pki = (TrustStore, Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

pub(crate) fn pki() -> Pki {
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &root).unwrap();
    let anchors = TrustStore::new([root.der().clone()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    (anchors, vec![leaf.der().clone()], key.into())
}
