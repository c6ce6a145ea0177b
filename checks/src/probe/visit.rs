//! One visit: TCP, TLS and HTTP on one connection, as deep as it goes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::ClientConfig;
use rustls::client::Resumption;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::channel::Channel;
use super::clock::Stopwatch;
use super::connect::connect;
use super::echo::SentHeaders;
use super::exchange::{self, Asked};
use super::failure::Again;
use super::handshake::{Judgement, Stream, Trust, shake};
use crate::chain::{TrustStore, VerifiedChains};
use crate::evidence::{Answer, CertificateChain, ChainId, Exchange, SpanId, StepStatus, TraceContext, Visit};
use crate::expectation::{ISSUER, Identity, Place, SiteExpectation};
use crate::target::Hostname;

/// Where an app tells the URL that it is configured with (RFC 8414, section 3).
const ISSUER_PATH: &str = "/.well-known/oauth-authorization-server";

/// The limits of every visit.
#[derive(Clone, Debug)]
pub struct ProbeLimits {
    /// How long a TCP connection may take.
    pub connect_timeout: Duration,
    /// How long a whole visit may take, from the SYN to the last byte.
    pub timeout: Duration,
    /// How many bytes of a body are read, and how many decoding may yield.
    pub max_body: usize,
    /// What the agent calls itself.
    pub user_agent: String,
}

/// What is asked of a name.
pub struct ProbeRequest<'a> {
    /// The page and what is looked for in it; `None` ends the visit after the handshake.
    pub page: Option<&'a SiteExpectation>,
    /// Headers sent with the request.
    pub headers: &'a [(String, String)],
    /// The trace that the request for the page belongs to: it is told so, unless a header of its own says otherwise.
    pub trace: Option<&'a TraceContext>,
    /// The limits of this visit.
    pub settings: &'a ProbeLimits,
    /// Whether an answer leaves open which app gave it, so that the issuer document is asked for too.
    pub open: &'a (dyn Fn(&Answer) -> bool + Sync),
}

/// Why no visit can be made at all.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProberError {
    /// The TLS library takes none of its own protocol versions.
    #[error("TLS can't be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// Makes visits.
#[derive(Clone, Debug)]
pub struct Prober {
    config: Arc<ClientConfig>,
    trust: Trust,
    settings: Arc<ProbeLimits>,
}

impl Prober {
    /// A prober that trusts `anchors`. Its clones share what it learns of chains (see [`VerifiedChains`]).
    ///
    /// # Errors
    /// [`ProberError::Tls`] where the TLS library can't be set up.
    pub fn new(anchors: TrustStore, settings: ProbeLimits) -> Result<Self, ProberError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder?;
        let verifier = anchors.verifier().clone();
        let mut config = builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // A resumed session presents no certificate: it would hide a swapped or expired one.
        config.resumption = Resumption::disabled();
        Ok(Self {
            config: Arc::new(config),
            trust: Trust {
                anchors,
                verified: Arc::default(),
            },
            settings: Arc::new(settings),
        })
    }

    /// The same prober, which goes by what was learnt of chains elsewhere, and adds to it.
    #[must_use]
    pub fn sharing(mut self, verified: Arc<VerifiedChains>) -> Self {
        self.trust.verified = verified;
        self
    }

    /// What was learnt of chains so far.
    #[must_use]
    pub fn verified(&self) -> &Arc<VerifiedChains> {
        &self.trust.verified
    }

    /// The limits of visits that are nobody's own.
    #[must_use]
    pub fn settings(&self) -> &ProbeLimits {
        &self.settings
    }

    /// Visits `name` at `address`. The chain is judged at `now`; no request goes over a channel that does not verify. A
    /// request that the server says it never processed is asked once more on a new connection.
    pub async fn visit(
        &self,
        address: SocketAddr,
        name: &Hostname,
        wish: &ProbeRequest<'_>,
        now: Timestamp,
    ) -> (Visit, Option<(ChainId, Arc<CertificateChain>)>) {
        let watch = Stopwatch::start();
        let at = (address, name, now);
        let (mut first, chain, again) = self.attempt(at, wish, watch, Again::AsBefore).await;
        let Some(again) = again else { return (first, chain) };
        let (mut second, second_chain, _) = Box::pin(self.attempt(at, wish, watch, again)).await;
        if again == Again::Recorded {
            let malformed = second.page.end.reason() == first.page.end.reason();
            return if malformed {
                (second, second_chain)
            } else {
                (first, chain)
            };
        }
        let refused = match first.page.end.clone() {
            StepStatus::Failed(fault) => fault,
            _ => exchange::unprocessed(&first.page),
        };
        // A second connection that does not stand says less than the first.
        if !second.handshake.end.is_done() {
            first.refused = Some(refused);
            return (first, chain);
        }
        second.refused = Some(refused);
        (second, second_chain)
    }

    /// One connection, of this kind.
    async fn attempt(
        &self,
        (address, name, now): (SocketAddr, &Hostname, Timestamp),
        wish: &ProbeRequest<'_>,
        watch: Stopwatch,
        kind: Again,
    ) -> (Visit, Option<(ChainId, Arc<CertificateChain>)>, Option<Again>) {
        let mut visit = Visit::new(address, name.clone());
        visit.started_at = Some(now);
        let settings = wish.settings;
        let patience = settings.connect_timeout.min(watch.left(settings.timeout));
        let (connected, tcp) = connect(address, patience).await;
        visit.connect = connected;
        let Some(tcp) = tcp else { return (visit, None, None) };
        let left = watch.left(settings.timeout);
        let mut config = Arc::clone(&self.config);
        if kind == Again::OverHttp1 {
            Arc::make_mut(&mut config).alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        let shaken = shake(&config, &self.trust, tcp, name, Judgement::At(now), left).await;
        visit.handshake = shaken.evidence;
        let again = match (shaken.stream, wish.page) {
            (Some(stream), Some(page)) => {
                let opening = Channel::open(stream, kind == Again::Recorded);
                match timeout(watch.left(settings.timeout), opening).await {
                    Ok(Ok(channel)) => ask(&mut visit, channel, page, wish, watch).await,
                    Ok(Err(failure)) => take(&mut visit, Asked::failed(Exchange::default(), failure)),
                    Err(_) => {
                        visit.page.end = StepStatus::Failed(exchange::silent(settings));
                        None
                    }
                }
            }
            (Some(mut stream), None) => {
                let _ = timeout(watch.left(settings.timeout), stream.shutdown()).await;
                None
            }
            (None, _) => None,
        };
        (visit, shaken.chain, again)
    }

    /// A channel whose certificate nobody looked at.
    pub(super) async fn open_unjudged(&self, address: SocketAddr, name: &Hostname) -> Result<Stream, StepStatus> {
        let (connected, tcp) = connect(address, self.settings.connect_timeout).await;
        let Some(tcp) = tcp else { return Err(connected.end) };
        let shaken = shake(
            &self.config,
            &self.trust,
            tcp,
            name,
            Judgement::None,
            self.settings.timeout,
        )
        .await;
        shaken.stream.ok_or(shaken.evidence.end)
    }
}

/// Asks for the page, and for the issuer document where that leaves open who answered; then takes leave. All of it
/// within what is left of the visit's time. Says whether it is to be asked again.
pub(super) async fn ask(
    visit: &mut Visit,
    mut channel: Channel,
    page: &SiteExpectation,
    wish: &ProbeRequest<'_>,
    watch: Stopwatch,
) -> Option<Again> {
    let settings = wish.settings;
    let host = (&visit.name, visit.address.port());
    let own = |name: &str| wish.headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
    let trace = wish.trace.filter(|_| !own("traceparent") && !own("tracestate"));
    let traced = trace.map(|trace| (trace, SpanId::random()));
    let sent = SentHeaders::new(wish.headers).within(traced);
    let asked = exchange::get(&mut channel, host, &page.path, &sent, page, settings, watch).await;
    let again = take(visit, asked);
    visit.page.span = traced.map(|(_, span)| span).filter(|_| visit.page.sent_at.is_some());
    sent.mask(&mut visit.page);
    let open = visit.page.end.is_done() && visit.page.answer.as_ref().is_some_and(|answer| (wish.open)(answer));
    if open && again.is_none() {
        let plain = SiteExpectation {
            identity: Identity::Place(Place::Json(ISSUER.to_owned())),
            ..SiteExpectation::default()
        };
        let host = (&visit.name, visit.address.port());
        let sent = sent.unsent();
        let asked = exchange::get(&mut channel, host, ISSUER_PATH, &sent, &plain, settings, watch).await;
        visit.issuer = asked.exchange;
        sent.mask(&mut visit.issuer);
    }
    // Who does not even take our leave is left without it.
    let _ = timeout(watch.left(settings.timeout), channel.close()).await;
    again
}

/// Keeps what came of the page. Where the peer refused the channel before it sent anything over it, that is how the
/// handshake ended, for its last word on it comes after ours.
pub(super) fn take(visit: &mut Visit, asked: Asked) -> Option<Again> {
    visit.page = asked.exchange;
    if asked.of_handshake {
        visit.handshake.end = std::mem::take(&mut visit.page.end);
        visit.page = Exchange::default();
    }
    asked.again
}
