//! A TLS server on loopback that presents what it is told to, whether or not it has the key, and counts.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::KeyPair;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::pki::Der;

/// What a server saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Seen {
    /// A request for `/`.
    Request,
    /// A connection that its peer ended in good order.
    Closed,
    /// A handshake that its peer refused, and told so by an alert.
    Refused,
    /// A connection that ended otherwise.
    Broken,
}

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Answers {
    /// A page at once.
    Promptly,
    /// Nothing, ever.
    Never,
}

/// A server in a thread and a runtime of its own, so that nothing of it is counted with the client.
pub(crate) struct Server {
    pub address: SocketAddr,
    pub seen: mpsc::UnboundedReceiver<Seen>,
}

#[derive(Debug)]
struct Presents(Arc<CertifiedKey>);

impl ResolvesServerCert for Presents {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// TLS as `presented` and `key` have it; that they belong together is not checked.
pub(crate) fn tls(
    presented: &[Der],
    key: &KeyPair,
    version: &'static rustls::SupportedProtocolVersion,
    alpn: &[u8],
) -> Arc<ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = provider.key_provider.load_private_key(key).unwrap();
    let certified = CertifiedKey::new(presented.to_vec(), key);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Presents(Arc::new(certified))));
    config.alpn_protocols = vec![alpn.to_vec()];
    // The server says nothing that it was not asked for.
    config.send_tls13_tickets = 0;
    Arc::new(config)
}

impl Server {
    pub(crate) fn start(tls: Arc<ServerConfig>, answers: Answers) -> Self {
        let (tell, seen) = mpsc::unbounded_channel();
        let (bound, address) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                bound.send(listener.local_addr().unwrap()).unwrap();
                let acceptor = TlsAcceptor::from(tls);
                while let Ok((tcp, _)) = listener.accept().await {
                    tokio::spawn(serve(acceptor.clone(), tcp, answers, tell.clone()));
                }
            });
        });
        let address = address.recv().unwrap();
        Self { address, seen }
    }

    /// Waits until so many things were seen, and gives them.
    pub(crate) async fn seen(&mut self, count: usize) -> Vec<Seen> {
        let mut all = Vec::new();
        while all.len() < count {
            all.push(self.seen.recv().await.unwrap());
        }
        all
    }
}

async fn serve(acceptor: TlsAcceptor, tcp: TcpStream, answers: Answers, tell: mpsc::UnboundedSender<Seen>) {
    let ended = async {
        let stream = acceptor.accept(tcp).await.map_err(|error| refusal(&error))?;
        let service = service_fn(|_: Request<Incoming>| {
            let _ = tell.send(Seen::Request);
            async move {
                if answers == Answers::Never {
                    std::future::pending::<()>().await;
                }
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello"))))
            }
        });
        let served = if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            server.serve_connection(TokioIo::new(stream), service).await
        } else {
            let server = hyper::server::conn::http1::Builder::new();
            server.serve_connection(TokioIo::new(stream), service).await
        };
        served.map_err(|_| Seen::Broken)
    };
    let _ = tell.send(ended.await.err().unwrap_or(Seen::Closed));
}

fn refusal(error: &std::io::Error) -> Seen {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::AlertReceived(_)) => Seen::Refused,
        _ => Seen::Broken,
    }
}
