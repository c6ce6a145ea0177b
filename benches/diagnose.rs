//! What judging and explaining a whole world costs, and what each form of its report does.
//!
//! `cargo bench --bench diagnose` (`-- 1000 10000` for other sizes)
//!
//! The tenants are copies of one that was recorded, each with an app and an image tag of its own. `healthy` has none that
//! fails, `1 %` one in a hundred with a page that answers 500, `30 %` three in ten with causes of every kind. A time per
//! tenant that grows with the number of tenants would make large fleets unverifiable: at the largest size it may be 1.2
//! times that of the smallest.

use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use roundsman::gate::{GatePolicy, exit_code};
use roundsman::report::{self, COMMENT_LIMIT, Report};
use roundsman::text::Style;
use roundsman_checks::diagnosis::{Diagnosis, Status, diagnose};
use roundsman_checks::evidence::{
    ApiAnswer, App, AppCertificate, CertificateState, DnsQuery, Machine, MachineState, Platform,
};
use roundsman_checks::round::Round;
use roundsman_checks::target::{Hostname, TenantId};
use roundsman_checks::world::{TenantEvidence, World};

type Failure = Box<dyn std::error::Error>;

/// Each measurement is the best of so many.
const TRIES: usize = 3;
const GOAL: f64 = 1.2;
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

fn main() -> Result<(), Failure> {
    let asked = std::env::args()
        .filter_map(|text| text.parse().ok())
        .collect::<Vec<usize>>();
    let sizes = if asked.is_empty() { SIZES.to_vec() } else { asked };
    let template = recorded()?;
    println!("ms of CPU (and µs a tenant for `diagnose`), best of {TRIES}");
    println!(
        "{:>8} {:>8} {:>10} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "tenants", "failing", "diagnose", "each", "human", "json", "junit", "github", "markdown"
    );
    for (name, failing) in [
        ("healthy", None),
        ("1 %", Some(Sick::Pages)),
        ("30 %", Some(Sick::Mixed)),
    ] {
        let mut each = Vec::new();
        for size in &sizes {
            let world = world(&template, *size, failing)?;
            each.push(row(name, world, failing));
        }
        if let [first, .., last] = each.as_slice() {
            println!("{:>17} largest over smallest: {:.2}   goal <= {GOAL}", "", last / first);
        }
    }
    Ok(())
}

/// Which tenants fail.
#[derive(Clone, Copy, PartialEq)]
enum Sick {
    Pages,
    Mixed,
}

fn recorded() -> Result<World, Failure> {
    #[derive(serde::Deserialize)]
    struct Recorded {
        world: World,
    }
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/checks/tests/data/worlds.jsonl.gz");
    let mut lines = BufReader::new(flate2::read::GzDecoder::new(std::fs::File::open(file)?)).lines();
    let line = lines.next().ok_or("no world is recorded")??;
    Ok(serde_json::from_str::<Recorded>(&line)?.world)
}

fn best<T>(mut work: impl FnMut() -> T) -> Duration {
    let tries = (0..TRIES).map(|_| {
        let before = cpu();
        black_box(work());
        cpu().saturating_sub(before)
    });
    tries.min().unwrap_or_default()
}

/// The CPU time of this process so far; nothing where the system does not tell.
fn cpu() -> Duration {
    let used = getrusage(UsageWho::RUSAGE_SELF);
    let micros = used.map_or(0, |used| (used.user_time() + used.system_time()).num_microseconds());
    Duration::from_micros(micros.unsigned_abs())
}

fn row(name: &str, world: World, failing: Option<Sick>) -> f64 {
    let size = world.tenants.len();
    let took = best(|| diagnose(&world));
    let diagnosis = diagnose(&world);
    check(&diagnosis, failing);
    let demand = GatePolicy::default();
    let code = exit_code(&diagnosis, &demand);
    let round = Round {
        started: world.now,
        finished: world.now,
        world,
        diagnosis,
    };
    let report = || Report::new(&round, &demand, code);
    let told = report();
    let forms = [
        best(|| report::human(&told, Style::default())),
        best(|| serde_json::to_vec_pretty(&report())),
        best(|| report::junit(&told)),
        best(|| report::github(&told, Style::default(), "token")),
        best(|| report::markdown(&told, COMMENT_LIMIT)),
    ];
    let each = took.as_secs_f64() * 1e6 / size as f64;
    print!("{size:>8} {name:>8} {:>10.1} {each:>8.2}", took.as_secs_f64() * 1e3);
    for form in forms {
        print!(" {:>8.1}", form.as_secs_f64() * 1e3);
    }
    println!();
    each
}

/// Less would be measured than is said.
fn check(diagnosis: &Diagnosis, failing: Option<Sick>) {
    let sick = diagnosis
        .tenants
        .iter()
        .filter(|tenant| tenant.status != Status::Healthy)
        .count();
    let expected = match failing {
        None => 0,
        Some(Sick::Pages) => diagnosis.tenants.len() / 100,
        Some(Sick::Mixed) => diagnosis.tenants.len() * 3 / 10,
    };
    assert_eq!(sick, expected, "tenants that are not healthy");
}

/// A world of so many tenants with a platform that knows an app of each.
fn world(template: &World, size: usize, failing: Option<Sick>) -> Result<World, Failure> {
    let mut world = template.clone();
    let first = template.tenants.first().ok_or("the recorded world has no tenant")?;
    let mut platform = Platform {
        organization: "acme".into(),
        edge_app: "edge".into(),
        ..Platform::default()
    };
    let mut edge = app("edge", &[format!("*.{}", world.domain)]);
    edge.addresses.clone_from(&world.edge.addresses);
    platform.apps.insert(edge.name.clone(), edge);
    world.tenants = Vec::with_capacity(size);
    let mut known = Vec::with_capacity(size);
    for index in 0..size {
        let mut tenant = copy(first, &format!("t{index:06}"), &world.domain)?;
        let mut app = app(&tenant.tenant.app, &[]);
        let sick = match failing {
            Some(Sick::Pages) => index % 100 == 0,
            Some(Sick::Mixed) => index % 10 < 3,
            None => false,
        };
        if sick {
            let kind = if failing == Some(Sick::Mixed) {
                index / 10 % 6
            } else {
                0
            };
            spoil(kind, index, &mut tenant, &mut app);
        }
        known.push(tenant.tenant.clone());
        world.tenants.push(tenant);
        platform.apps.insert(app.name.clone(), app);
    }
    (world.known, world.platform) = (known.into(), ApiAnswer::Known(platform.into()));
    Ok(world)
}

fn app(name: &str, certificates: &[String]) -> App {
    let held = certificates.iter().map(|hostname| AppCertificate {
        hostname: hostname.clone(),
        state: CertificateState::Ready,
        status: "Ready".into(),
        ..AppCertificate::default()
    });
    App {
        name: name.into(),
        certificates: held.collect(),
        machines: vec![Machine {
            id: format!("m{name}"),
            state: MachineState::Started,
            region: if name.ends_with('1') { "iad" } else { "lhr" }.into(),
            image: Some(format!("registry.fly.io/{name}:deployment-01{name}")),
            autostart: Some(true),
            ..Machine::default()
        }],
        ..App::default()
    }
}

fn copy(first: &TenantEvidence, id: &str, domain: &Hostname) -> Result<TenantEvidence, Failure> {
    let mut tenant = first.clone();
    let (old, old_app) = (first.tenant.hostname.to_string(), first.tenant.app.clone());
    let hostname = domain.child(id)?;
    Arc::make_mut(&mut tenant.tenant).id = TenantId::new(id);
    Arc::make_mut(&mut tenant.tenant).app = format!("sp-{id}");
    Arc::make_mut(&mut tenant.tenant).hostname = hostname.clone();
    let looks = tenant.dns.authoritative.iter_mut().chain(&mut tenant.dns.resolvers);
    looks.for_each(|look| rename(look, &old, hostname.as_str()));
    for visit in &mut tenant.visits {
        visit.name = hostname.clone();
        for (_, value) in visit.page.answer.iter_mut().flat_map(|answer| &mut answer.headers) {
            if *value == old_app {
                *value = format!("sp-{id}");
            }
        }
    }
    Ok(tenant)
}

fn rename(look: &mut DnsQuery, old: &str, new: &str) {
    if look.name == old {
        look.name = new.into();
    }
    for record in look.reply.iter_mut().flat_map(|reply| &mut reply.answers) {
        if record.name == old {
            record.name = new.into();
        }
    }
}

/// Six ways to fail, one after the other.
fn spoil(kind: usize, index: usize, tenant: &mut TenantEvidence, app: &mut App) {
    let answer = |tenant: &mut TenantEvidence, status| {
        for answer in tenant.visits.iter_mut().filter_map(|visit| visit.page.answer.as_mut()) {
            answer.status = status;
        }
    };
    match kind {
        0 => answer(tenant, 500),
        1 => answer(tenant, 404),
        2 => {
            let elsewhere = IpAddr::from([203, 0, 113, 77]).to_string();
            let looks = tenant.dns.authoritative.iter_mut();
            for record in looks
                .filter_map(|look| look.reply.as_mut())
                .flat_map(|reply| &mut reply.answers)
            {
                if record.kind == "A" {
                    record.data.clone_from(&elsewhere);
                }
            }
        }
        3 => app.certificates = self::app(&app.name, &[tenant.tenant.hostname.to_string()]).certificates,
        4 => {
            for machine in &mut app.machines {
                (machine.state, machine.autostart) = (MachineState::Stopped, Some(false));
            }
            answer(tenant, 502);
        }
        _ => {
            let other = format!("sp-t{:06}", index.saturating_sub(1));
            for answer in tenant.visits.iter_mut().filter_map(|visit| visit.page.answer.as_mut()) {
                answer
                    .headers
                    .retain(|(key, _)| key != "x-sp-app" && key != "x-served-by");
                answer.headers.push(("x-sp-app".into(), other.clone()));
            }
        }
    }
}
