//! One TLS handshake, timed, with the whole presented chain kept also when it does not verify.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::clock::Stopwatch;
use super::exhaustion;
use super::gathered::Gathered;
use crate::chain::{Judged, TrustStore, VerifiedChains};
use crate::evidence::{Alert, CertificateChain, ChainId, Fault, Handshake, Reason, StepStatus};
use crate::target::Hostname;

/// How the presented chain is looked at.
#[derive(Clone, Debug)]
pub(super) enum Judgement {
    /// By the trust anchors, at this moment.
    At(Timestamp),
    /// Not at all: for reading a clock over a channel that carries nothing else.
    None,
}

/// What a chain is judged by, and what is known of chains already.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    pub anchors: TrustStore,
    pub verified: Arc<VerifiedChains>,
}

/// Sees the chain before anybody else does, and keeps it.
#[derive(Debug)]
struct Recorder {
    trust: Trust,
    judgement: Judgement,
    seen: Mutex<Option<Judged>>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Judgement::At(now) = self.judgement else {
            return Ok(ServerCertVerified::assertion());
        };
        let Trust { anchors, verified } = &self.trust;
        let judged = verified.judge(leaf, intermediates, anchors, &name.to_str(), now);
        let refused = (!judged.verdict.faults.is_empty()).then(|| judged.verdict.detail.clone());
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(judged);
        refused.map_or_else(
            || Ok(ServerCertVerified::assertion()),
            |detail| Err(rustls::Error::General(detail)),
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust
            .anchors
            .verifier()
            .verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust
            .anchors
            .verifier()
            .verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.anchors.verifier().supported_verify_schemes()
    }
}

/// A channel that stands; in one place of memory, for it is large and changes hands often.
pub(super) type Stream = Box<TlsStream<Gathered>>;

/// What a handshake left: its evidence, the chain, and the channel where one stands.
pub(super) struct Outcome {
    pub evidence: Handshake,
    pub chain: Option<(ChainId, Arc<CertificateChain>)>,
    pub stream: Option<Stream>,
}

/// Shakes hands for `name` within `timeout`.
pub(super) async fn shake(
    config: &ClientConfig,
    trust: &Trust,
    tcp: TcpStream,
    name: &Hostname,
    judgement: Judgement,
    timeout: std::time::Duration,
) -> Outcome {
    let mut evidence = Handshake::default();
    let Ok(server_name) = ServerName::try_from(name.as_str().to_owned()) else {
        evidence.end = StepStatus::failed(Reason::TlsNameMismatch, format!("`{name}` can't be sent as SNI"));
        return Outcome {
            evidence,
            chain: None,
            stream: None,
        };
    };
    let recorder = Arc::new(Recorder {
        trust: trust.clone(),
        judgement,
        seen: Mutex::new(None),
    });
    let mut config = config.clone();
    config.dangerous().set_certificate_verifier(recorder.clone());
    let watch = Stopwatch::start();
    let connecting = TlsConnector::from(Arc::new(config)).connect(server_name, Gathered::new(tcp));
    let shaken = tokio::time::timeout(timeout, connecting.into_fallible()).await;
    evidence.ms = watch.ms();
    let seen = recorder.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    let chain = seen.map(|judged| {
        evidence.faults = judged.verdict.faults;
        evidence.path_ends = judged.verdict.path_ends;
        evidence.chain = Some(judged.id);
        (judged.id, judged.presented)
    });
    let stream = match shaken {
        Err(_) => {
            evidence.end = StepStatus::failed(
                Reason::TlsTimeout,
                format!("the handshake did not end within {:.1} s", timeout.as_secs_f64()),
            );
            None
        }
        Ok(Err((error, mut tcp))) => {
            evidence.end = end(&error, evidence.faults.first().copied());
            // The peer is told why (RFC 8446, section 6.2), if it still listens.
            let _ = tokio::time::timeout(watch.left(timeout), tcp.send()).await;
            None
        }
        Ok(Ok(stream)) => {
            stream.get_ref().0.holds().set(false);
            evidence.end = StepStatus::Done;
            describe(&mut evidence, &stream);
            Some(Box::new(stream))
        }
    };
    Outcome {
        evidence,
        chain,
        stream,
    }
}

fn describe(evidence: &mut Handshake, stream: &TlsStream<Gathered>) {
    let (_, connection) = stream.get_ref();
    evidence.version = connection.protocol_version().map(|version| match version {
        rustls::ProtocolVersion::TLSv1_2 => "1.2".to_owned(),
        rustls::ProtocolVersion::TLSv1_3 => "1.3".to_owned(),
        other => format!("{other:?}"),
    });
    evidence.cipher = connection
        .negotiated_cipher_suite()
        .map(|suite| format!("{:?}", suite.suite()));
    evidence.alpn = connection
        .alpn_protocol()
        .map(|alpn| String::from_utf8_lossy(alpn).into_owned());
}

fn end(error: &io::Error, chain_fault: Option<Reason>) -> StepStatus {
    if let Some(what) = exhaustion::of(error) {
        return StepStatus::Exhausted(what);
    }
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let fault = match (inner, chain_fault) {
        (Some(rustls::Error::General(detail)), Some(reason)) => Fault::new(reason, detail.clone()),
        (Some(error), _) => of_tls(error),
        (None, _) => of_io(error),
    };
    StepStatus::Failed(fault)
}

fn of_tls(error: &rustls::Error) -> Fault {
    use rustls::Error as Tls;
    let reason = match error {
        Tls::AlertReceived(alert) => Reason::TlsAlert(Alert(u8::from(*alert))),
        Tls::InvalidMessage(_) | Tls::NoCertificatesPresented | Tls::InvalidCertificate(_) => Reason::TlsMalformed,
        _ => Reason::TlsProtocol,
    };
    let detail = match error {
        // Which one it was is the reason.
        Tls::AlertReceived(_) => "the peer ended the handshake with an alert".to_owned(),
        Tls::InvalidMessage(what) => format!("the peer sent something that is not valid TLS ({what:?})"),
        other => other.to_string(),
    };
    Fault::new(reason, detail)
}

fn of_io(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Fault::new(Reason::TlsUnexpectedEof, "the peer closed during the handshake"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
            Fault::new(Reason::TlsReset, "the peer reset the connection during the handshake")
        }
        io::ErrorKind::TimedOut => Fault::new(Reason::TlsTimeout, error.to_string()),
        _ => Fault::new(Reason::TlsProtocol, error.to_string()),
    }
}
