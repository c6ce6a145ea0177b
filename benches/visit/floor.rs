//! The least that a client can do for the same answer, with the same libraries and nothing else.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::Timestamp;
use roundsman_checks::chain::{TrustStore, VerifiedChains};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::common::Failure;
use super::{TOGETHER, Work};

/// TCP, a full TLS 1.3 handshake and one GET over HTTP/2 for every tenant.
pub(crate) struct Floor {
    tls: TlsConnector,
    visits: Vec<(SocketAddr, String)>,
}

impl Floor {
    /// The chain is verified by the same roots: at every visit, or shared between visits as the product shares it.
    pub(crate) fn new(work: &Work, anchors: TrustStore, shared: bool) -> Result<Self, Failure> {
        let verifier: Arc<dyn ServerCertVerifier> = if shared {
            let verified = VerifiedChains::default();
            Arc::new(Shares { anchors, verified })
        } else {
            anchors.verifier().clone()
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.resumption = Resumption::disabled();
        let (addresses, port) = (&work.assignment.addresses, work.setup.probes.port);
        let sockets = addresses.iter().map(|address| SocketAddr::new(*address, port));
        let names = work.assignment.targets.iter();
        let names = names.map(|target| target.tenant.hostname.to_string());
        Ok(Self {
            tls: TlsConnector::from(Arc::new(config)),
            visits: sockets.cycle().zip(names).collect(),
        })
    }

    /// Where each tenant is visited.
    pub(crate) fn visits(&self) -> &[(SocketAddr, String)] {
        &self.visits
    }

    pub(crate) async fn visit_all(&self) -> Result<(), Failure> {
        let visits = self.visits.iter().map(|(address, name)| self.visit(*address, name));
        stream::iter(visits).buffer_unordered(TOGETHER).try_collect().await
    }

    async fn visit(&self, address: SocketAddr, name: &str) -> Result<(), Failure> {
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let tls = self.tls.connect(ServerName::try_from(name.to_owned())?, tcp).await?;
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tls));
        let (mut sender, connection) = handshake.await?;
        tokio::spawn(connection);
        let uri = format!("https://{name}:{}/", address.port());
        let request = http::Request::get(uri).body(Empty::<Bytes>::new())?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        answer.into_body().collect().await?;
        if status == http::StatusCode::OK {
            Ok(())
        } else {
            Err(format!("{name}: {status}").into())
        }
    }
}

/// Goes by chains that verified before, and leaves everything else to the TLS library.
#[derive(Debug)]
struct Shares {
    anchors: TrustStore,
    verified: VerifiedChains,
}

impl ServerCertVerifier for Shares {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let now = i64::try_from(now.as_secs()).ok();
        let now = now
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .unwrap_or_default();
        let judged = self
            .verified
            .judge(leaf, intermediates, &self.anchors, &name.to_str(), now);
        if judged.verdict.faults.is_empty() {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General(judged.verdict.detail))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.anchors.verifier().verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.anchors.verifier().verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.anchors.verifier().supported_verify_schemes()
    }
}
