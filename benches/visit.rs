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
use clap::Parser as _;
use common::{Failure, LabProcess, cpu, served, usage};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use nix::sys::resource::UsageWho;
use roundsman::agent::{self, Plan, Quiet, Stop, Waking};
use roundsman::cli::{Cli, Command, plan, setup};
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
const TOGETHER: &str = "32";
const GOAL: f64 = 1.3;

fn main() -> Result<(), Failure> {
    if served()? {
        return Ok(());
    }
    let lab = LabProcess::start(VISITS)?;
    let config = lab.dir().join("roundsman.toml");
    let (whole, without_dns) = (plan_of(&config, &[])?, plan_of(&config, &[Check::Dns])?);
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

/// The plan that the shipped program makes of the lab's configuration.
fn plan_of(config: &Path, skip: &[Check]) -> Result<Plan, Failure> {
    let config = config.to_string_lossy();
    let cli = Cli::try_parse_from(["roundsman", "verify", "--concurrency", TOGETHER, "--config", &config])?;
    let Command::Verify(args) = cli.command else {
        return Err("`verify` was read as another command".into());
    };
    let config = setup::configuration(&args.target, &args.flags())?;
    let inventory = setup::prepare(&args, &config, None, roundsman::inventory::Answers::default())?;
    Ok(plan::plan(
        &config,
        &inventory,
        plan::selection(&[], skip)?,
        plan::Word::default(),
        &|_| Waking::Unknowingly,
    )?)
}

/// One round of the product, as shipped. Every tenant must come out healthy, or less was measured than is said.
async fn verify(plan: &Plan) -> Result<(), Failure> {
    let (_pull, stop) = Stop::new();
    let outcome = agent::round(plan, &Quiet, stop).await?;
    let sick = outcome
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
    fn new(plan: &Plan, dir: &Path) -> Result<Self, Failure> {
        let anchors = agent::anchors(Some(&dir.join("roots.pem")))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(anchors.verifier().clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.resumption = Resumption::disabled();
        let sockets = plan.edge.0.iter().map(|address| SocketAddr::new(*address, plan.edge.1));
        let names = plan.tenants.iter().map(|subject| subject.tenant.hostname.to_string());
        Ok(Self {
            tls: TlsConnector::from(Arc::new(config)),
            visits: sockets.cycle().zip(names).collect(),
        })
    }

    async fn visit_all(&self) -> Result<(), Failure> {
        let visits = self.visits.iter().map(|(address, name)| self.visit(*address, name));
        let together = TOGETHER.parse()?;
        stream::iter(visits).buffer_unordered(together).try_collect().await
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
