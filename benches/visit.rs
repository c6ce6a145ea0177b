//! What verifying one tenant costs the agent in CPU time, next to the least that a client can do.
//!
//! `cargo bench --bench visit`
//!
//! The floor is TCP, a full TLS 1.3 handshake that verifies the same chain by the same roots, and one GET over HTTP/2,
//! with the same libraries and nothing else. The visit is the product's round over the same tenants at the same server:
//! DNS at the zone's server and at a resolver, the visit, judged and diagnosed. They take turns; of each the best round
//! counts, for all that a busy machine can do is make one slower.

mod common;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::{Failure, LabProcess, cpu, served, usage};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use nix::sys::resource::UsageWho;
use roundsman::agent::{self, ApiSnapshot, Assignment, NoProgress, RoundRequest, Setup, Stop};
use roundsman::config::{Config, Flags};
use roundsman::inventory::{Answers, load};
use roundsman_checks::diagnosis::Status;
use roundsman_checks::finding::Check;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

const VISITS: usize = 300;
const ROUNDS: usize = 5;
const TOGETHER: u32 = 32;
const GOAL: f64 = 1.3;

fn main() -> Result<(), Failure> {
    if served()? {
        return Ok(());
    }
    let lab = LabProcess::start(VISITS)?;
    let config = lab.dir().join("roundsman.toml");
    let whole = Work::new(&config, &[])?;
    let without_dns = Work::new(&config, &[Check::Dns])?;
    let floor = Floor::new(&whole, lab.dir())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut best = [Duration::MAX; 3];
    println!("µs of CPU (user + system) a tenant, {VISITS} tenants a round, {TOGETHER} at a time");
    println!("{:>8} {:>8} {:>8} {:>12}", "round", "floor", "visit", "without DNS");
    for round in 0..=ROUNDS {
        let taken = [
            measured(&runtime, floor.visit_all())?,
            measured(&runtime, verify(&whole))?,
            measured(&runtime, verify(&without_dns))?,
        ];
        let [a, b, c] = taken.map(micros);
        let name = if round == 0 {
            "warm-up".to_owned()
        } else {
            round.to_string()
        };
        println!("{name:>8} {a:>8.0} {b:>8.0} {c:>12.0}");
        if round > 0 {
            best = [0, 1, 2].map(|kind| best[kind].min(taken[kind]));
        }
    }
    let [floor, visit, without] = best.map(micros);
    println!("{:>8} {floor:>8.0} {visit:>8.0} {without:>12.0}", "best");
    println!(
        "{:>8} {:>8} {:>8.2} {:>12.2}   goal <= {GOAL}",
        "ratio",
        1,
        visit / floor,
        without / floor
    );
    Ok(())
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6 / VISITS as f64
}

/// The CPU time that this process spends until `work` is done.
fn measured(runtime: &Runtime, work: impl Future<Output = Result<(), Failure>>) -> Result<Duration, Failure> {
    let before = cpu(&usage(UsageWho::RUSAGE_SELF)?);
    runtime.block_on(work)?;
    Ok(cpu(&usage(UsageWho::RUSAGE_SELF)?) - before)
}

/// What the shipped program is told to do by the lab's configuration.
struct Work {
    setup: Setup,
    assignment: Assignment,
}

impl Work {
    fn new(config: &Path, skip: &[Check]) -> Result<Self, Failure> {
        let flags = Flags {
            concurrency: Some(TOGETHER.try_into()?),
            ..Flags::default()
        };
        let setup = Setup::new(Config::load(config)?.with_flags(&flags)?, None)?;
        let mut request = RoundRequest::default();
        request.selected.retain(|check| !skip.contains(check));
        let inventory = load(&setup.config, None, &[], Answers::default())?;
        let assignment = agent::assign(&setup, &request, ApiSnapshot::default(), &inventory)?;
        Ok(Self { setup, assignment })
    }
}

/// One round of the product, as shipped. Every tenant must come out healthy, or less was measured than is said.
async fn verify(work: &Work) -> Result<(), Failure> {
    let round = agent::round(&work.setup.probes, &work.assignment, &NoProgress, Stop::never()).await?;
    let sick = round
        .diagnosis
        .tenants
        .iter()
        .find(|tenant| tenant.status != Status::Healthy);
    sick.map_or(Ok(()), |tenant| Err(format!("{tenant:?}").into()))
}

/// The least that a client can do for the same answer.
struct Floor {
    tls: TlsConnector,
    visits: Vec<(SocketAddr, String)>,
}

impl Floor {
    fn new(work: &Work, dir: &Path) -> Result<Self, Failure> {
        let anchors = agent::anchors(Some(&dir.join("roots.pem")))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(anchors.verifier().clone())
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

    async fn visit_all(&self) -> Result<(), Failure> {
        let visits = self.visits.iter().map(|(address, name)| self.visit(*address, name));
        stream::iter(visits)
            .buffer_unordered(TOGETHER as usize)
            .try_collect()
            .await
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
