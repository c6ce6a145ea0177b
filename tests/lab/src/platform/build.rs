//! The account as the healthy world and the faults make it. When faults change, only what they
//! are about is made anew: what calls have changed elsewhere stays changed.

use std::collections::HashSet;

use super::estate::{
    Address, App, BAD_TAG, Certificate, EDGE_APP, Estate, Exit, Happening, Machine, OLD_TAG, OTHER_EDGE, Problem,
    Progress, SHARED_TAG,
};
use crate::edge::answer;
use crate::edge::behaviour::{self, Cut};
use crate::fault::machines::MachineSpec;
use crate::fault::{Fault, FaultSet};
use crate::world::World;

const DAY: i64 = 86_400;
const HOARD: usize = 300;
/// General faults that the edge app and its rivals depend on.
const OF_THE_EDGE: [&str; 11] = [
    "wildcard-certificate-missing",
    "wildcard-certificate-conflict",
    "wildcard-certificate-expiring",
    "wildcard-certificate-expired",
    "wildcard-certificate-not-yet-valid",
    "acme-challenge-broken",
    "edge-missing",
    "edge-app-mismatch",
    "release-failing",
    "one-image",
    "clock-wrong",
];

/// The account of a healthy world.
pub(crate) fn estate(world: &World, now: i64) -> Estate {
    let mut estate = Estate::default();
    estate.domain.clone_from(&world.domain);
    let none = FaultSet::default();
    let tenants = world.tenants.iter().filter_map(|id| tenant_app(world, &none, id, now));
    let others = bystanders(now);
    let edge = edge_app(world, &none, now);
    for app in tenants.chain(others).chain(edge) {
        estate.apps.insert(app.name.clone(), app);
    }
    estate.recount();
    estate
}

/// Follows a change of faults.
pub(crate) fn follow(estate: &mut Estate, world: &World, old: &FaultSet, new: &FaultSet, now: i64) {
    let tenants: HashSet<&str> = old.tenants().chain(new.tenants()).collect();
    let differs = |tenant: &&str| old.of(tenant) != new.of(tenant);
    let changed: HashSet<&str> = tenants.into_iter().filter(differs).collect();
    let about_edge = |faults: &FaultSet| -> Vec<Fault> {
        let all = faults.general().iter();
        all.filter(|fault| OF_THE_EDGE.contains(&fault.cause()))
            .cloned()
            .collect()
    };
    let edge_changed = about_edge(old) != about_edge(new);
    estate.offset = new.clock_offset();
    estate.bad_region = new
        .everywhere("region-failing")
        .map(|fault| fault.detail().unwrap_or("lhr").to_owned());
    if changed.is_empty() && !edge_changed {
        return;
    }
    withdraw(estate, |origin| {
        changed.contains(origin) || (origin == "*" && edge_changed)
    });
    for tenant in &changed {
        let name = app_name(tenant);
        let before = match tenant_app(world, new, tenant, now) {
            Some(app) => estate.apps.insert(name.clone(), app),
            None => estate.apps.remove(&name),
        };
        let before = before.map(|app| app.machines).unwrap_or_default();
        estate.note_changes(&name, &before, now);
    }
    if edge_changed {
        set_edge(estate, world, new, now);
        release(estate, world, new, now);
        rival(estate, world, new, now);
    } else if let Some(edge) = estate.edge_mut() {
        for tenant in &changed {
            edge.certificates.extend(explicit(world, new, tenant, now));
        }
    }
    let remade: HashSet<String> = changed.iter().map(|tenant| app_name(tenant)).collect();
    for tenant in new.tenants() {
        // An app that was made anew has lost what others' faults had put into it.
        for fault in new.of(tenant) {
            let lost = || holder(fault).is_some_and(|(app, _)| remade.contains(app));
            if changed.contains(tenant) || lost() {
                hoarded(estate, world, tenant, fault, now);
            }
        }
    }
    estate.recount();
}

/// Takes back what faults have put into apps, and the apps that they have made.
fn withdraw(estate: &mut Estate, gone: impl Fn(&str) -> bool) {
    for app in estate.apps.values_mut() {
        app.certificates
            .retain(|certificate| !certificate.origin.as_deref().is_some_and(&gone));
    }
    estate
        .apps
        .retain(|_, app| !app.staged || app.certificates.iter().any(|have| have.origin.is_some()));
}

fn set_edge(estate: &mut Estate, world: &World, faults: &FaultSet, now: i64) {
    let mut before = |name| estate.apps.remove(name).map(|app| app.machines).unwrap_or_default();
    let before = [EDGE_APP, OTHER_EDGE].map(|name| (name, before(name)));
    insert_edge(estate, world, faults, now);
    for (name, machines) in before {
        estate.note_changes(name, &machines, now);
    }
}

fn insert_edge(estate: &mut Estate, world: &World, faults: &FaultSet, now: i64) {
    let Some(mut edge) = edge_app(world, faults, now) else {
        return;
    };
    if let Some(elsewhere) = faults.everywhere("edge-app-mismatch") {
        // The configuration names an app that nobody's requests reach, or that is gone.
        if elsewhere.word() != "missing" {
            let mut former = plain(EDGE_APP, now);
            former.machines = vec![one_machine(EDGE_APP, now)];
            estate.apps.insert(EDGE_APP.to_owned(), former);
        }
        OTHER_EDGE.clone_into(&mut edge.name);
    }
    estate.apps.insert(edge.name.clone(), edge);
}

fn release(estate: &mut Estate, world: &World, faults: &FaultSet, now: i64) {
    for tenant in &world.tenants {
        if let Some(app) = estate.apps.get_mut(&app_name(tenant)) {
            let image = image(world, faults, tenant);
            for machine in app.machines.iter_mut().filter(|machine| machine.image != image) {
                machine.image.clone_from(&image);
                machine.touched = now;
            }
        }
    }
}

/// The name of a tenant's app.
pub(crate) fn app_name(tenant: &str) -> String {
    format!("sp-{tenant}")
}

/// The tenant whose app this is.
pub(crate) fn tenant_of<'a>(world: &'a World, app: &str) -> Option<&'a str> {
    world.tenant(app.strip_prefix("sp-")?)
}

fn image(world: &World, faults: &FaultSet, tenant: &str) -> String {
    let bad = faults.everywhere("release-failing").is_some_and(|fault| {
        let percent = usize::try_from(fault.number_or(25)).unwrap_or(25);
        let position = world.position(tenant);
        position.is_some_and(|at| (at + 1) * percent / 100 > at * percent / 100)
    });
    let app = app_name(tenant);
    if bad {
        format!("registry.fly.io/{app}{BAD_TAG}")
    } else if faults.everywhere("one-image").is_some() {
        format!("registry.fly.io/{app}{SHARED_TAG}")
    } else {
        format!("registry.fly.io/{app}:{}", own_tag(tenant))
    }
}

/// Each deploy of each app makes a tag of its own, as `fly deploy` does.
fn own_tag(tenant: &str) -> String {
    format!("deployment-01LAB{}", tenant.to_ascii_uppercase())
}

/// A region that stays the same for the name.
pub(crate) fn region(name: &str) -> &'static str {
    let even = answer::machine(name)
        .bytes()
        .fold(0_u8, u8::wrapping_add)
        .is_multiple_of(2);
    if even { "lhr" } else { "iad" }
}

fn tenant_app(world: &World, faults: &FaultSet, tenant: &str, now: i64) -> Option<App> {
    if faults.at(tenant, "app-missing").is_some() {
        return None;
    }
    let mut app = plain(&app_name(tenant), now);
    app.machines = vec![machine(
        answer::machine(tenant),
        region(tenant),
        image(world, faults, tenant),
        now,
    )];
    for fault in faults.of(tenant) {
        apply(&mut app, world, tenant, fault, now);
    }
    Some(app)
}

fn apply(app: &mut App, world: &World, tenant: &str, fault: &Fault, now: i64) {
    let host = world.host(tenant);
    let hold = |hostname: String| Certificate {
        origin: Some(tenant.to_owned()),
        ..Certificate::ready(&hostname, now)
    };
    match (fault.cause(), fault.word()) {
        ("certificate-conflict", how) if how != "many" && !how.starts_with("other:") => {
            let cuts = conflict_cut(how);
            let custom = how == "imported";
            app.certificates.push(Certificate {
                cuts,
                custom,
                ..hold(host)
            });
        }
        ("deploying", "release") => app.releasing = true,
        ("custom-domain", _) => app.certificates.push(hold("www.customer.example".into())),
        ("lookalike", _) => app.certificates.push(hold(format!("not{}", world.domain))),
        ("route-broken", how) => {
            app.unrouted = true;
            match how {
                "network" => app.network = format!("{}-network", app.name),
                "private" => app.addresses.clear(),
                "no-service" => app.machines.iter_mut().for_each(|machine| machine.https = false),
                _ => {}
            }
        }
        _ => {}
    }
    if fault.cause() == "app-machines" {
        app.machines = as_specified(app, fault.word(), now);
    }
    if fault.cause() == "release-mismatch" {
        deploy(app, tenant, fault.word(), now);
    }
    for machine in &mut app.machines {
        in_machine(machine, fault, now);
    }
}

/// The machines that a fault names, all of the app's image.
fn as_specified(app: &App, text: &str, now: i64) -> Vec<Machine> {
    let Some(first) = app.machines.first() else {
        return Vec::new();
    };
    let specs = MachineSpec::all(text).unwrap_or_default();
    let specs = specs.into_iter().enumerate();
    let exit = |(code, oom, requested)| Exit {
        code,
        oom,
        requested,
        at: now - 600,
    };
    let machine = |(at, spec): (usize, MachineSpec)| Machine {
        id: answer::machine(&format!("{}-{at}", app.name)),
        state: spec.state,
        autostart: spec.autostart,
        group: spec.group,
        serves: spec.has_service(),
        host_down: spec.host_down,
        updated: spec.updated(now),
        exits: spec.exit.map(exit).into_iter().collect(),
        ..first.clone()
    };
    specs.map(machine).collect()
}

/// A deploy under way: a second machine, and which of the two runs the release before.
fn deploy(app: &mut App, tenant: &str, how: &str, now: i64) {
    let Some(first) = app.machines.first().cloned() else {
        return;
    };
    let old = format!("registry.fly.io/{}{OLD_TAG}", app.name);
    let mut second = Machine {
        id: answer::machine(&format!("{tenant}-second")),
        ..first
    };
    if !matches!(how, "serving" | "done") {
        second.image.clone_from(&old);
        second.updated = now - 2 * DAY;
    }
    match how {
        "replacing" => second.state = "replacing",
        "half" | "serving" | "done" => {}
        _ => app.machines[0].image = old,
    }
    app.machines.push(second);
}

fn in_machine(machine: &mut Machine, fault: &Fault, now: i64) {
    let exit = |code, oom, requested, ago| Exit {
        code,
        oom,
        requested,
        at: now - ago,
    };
    match (fault.cause(), fault.word()) {
        ("app-stopped", how) => {
            machine.state = if how == "failed" { "failed" } else { "stopped" };
            machine.autostart = Some(false);
            machine.exits = vec![exit(0, false, true, 3_600)];
            if how == "by-hand" {
                machine.happened = vec![happening("stop", "user", now - 3_600)];
            }
        }
        ("hands-off", "machine") => {
            machine.marked = true;
            return;
        }
        ("deploying", "lease") => {
            machine.leased = true;
            return;
        }
        ("deploying", "updated") => {
            machine.happened.push(happening("update", "user", now - 5));
            return;
        }
        ("app-asleep", _) => {
            machine.state = "stopped";
            machine.exits = vec![exit(0, false, true, 600)];
        }
        ("app-crashed", how) => {
            let (code, oom) = match how.strip_prefix("exit:").and_then(|text| text.parse().ok()) {
                Some(code) => (code, false),
                None if how == "oom" => (137, true),
                None => (1, false),
            };
            machine.state = "stopped";
            machine.crashes = true;
            machine.passing = false;
            machine.exits = [90, 60, 30].map(|ago| exit(code, oom, false, ago)).to_vec();
        }
        ("app-starting", "machine") => {
            machine.state = "starting";
            machine.passing = false;
        }
        ("app-unhealthy" | "app-starting", _) => {
            machine.passing = false;
            return;
        }
        _ => return,
    }
    machine.updated = machine.exits.last().map_or(now - 5, |exit| exit.at);
}

fn happening(kind: &'static str, source: &'static str, at: i64) -> Happening {
    Happening { kind, source, at }
}

fn conflict_cut(how: &str) -> Option<Cut> {
    match how {
        "latent" => None,
        "reset" => Some(Cut::Reset),
        _ => Some(Cut::Eof),
    }
}

/// The app, neither the tenant's own nor the edge, that holds a certificate of the tenant's name, and how many others it
/// holds.
fn holder(fault: &Fault) -> Option<(&str, usize)> {
    match (fault.cause(), fault.word()) {
        ("certificate-conflict", "many") => Some(("cert-hoarder", HOARD)),
        ("certificate-conflict", how) => how.strip_prefix("other:").map(|app| (app, 0)),
        _ => None,
    }
}

/// Puts a certificate of a tenant's name into the app that holds it.
fn hoarded(estate: &mut Estate, world: &World, tenant: &str, fault: &Fault, now: i64) {
    let Some((holder, crowd)) = holder(fault) else { return };
    let app = holder_app(estate, holder, now);
    if app.certificates.len() < crowd {
        let crowd = (0..crowd).map(|n| Certificate::ready(&format!("shop{n:03}.customers.example"), now));
        app.certificates.extend(crowd);
    }
    app.certificates.push(Certificate {
        cuts: Some(Cut::Eof),
        origin: Some(tenant.to_owned()),
        ..Certificate::ready(&world.host(tenant), now)
    });
}

/// The app that holds the wildcard besides the edge.
fn rival(estate: &mut Estate, world: &World, faults: &FaultSet, now: i64) {
    let Some(fault) = faults.everywhere("wildcard-certificate-conflict") else {
        return;
    };
    let wildcard = Certificate {
        cuts: conflict_cut(fault.word()),
        origin: Some("*".into()),
        ..Certificate::ready(&format!("*.{}", world.domain), now)
    };
    holder_app(estate, "legacy-gateway", now).certificates.push(wildcard);
}

fn holder_app<'a>(estate: &'a mut Estate, name: &str, now: i64) -> &'a mut App {
    estate.apps.entry(name.to_owned()).or_insert_with(|| {
        let mut app = plain(name, now);
        app.machines = vec![one_machine(name, now)];
        app.machines.iter_mut().for_each(|machine| machine.touched = now);
        app.staged = true;
        app
    })
}

fn edge_app(world: &World, faults: &FaultSet, now: i64) -> Option<App> {
    let missing = faults.everywhere("edge-missing");
    if missing.is_some_and(|fault| fault.word() != "addresses") {
        return None;
    }
    let mut app = plain(EDGE_APP, now);
    let address = |address: &std::net::IpAddr| Address {
        address: address.to_string(),
        v6: address.is_ipv6(),
    };
    app.addresses = world.edge_addresses.iter().map(address).collect();
    if missing.is_some() {
        app.addresses.clear();
    }
    let image = format!("registry.fly.io/{EDGE_APP}:deployment-01LAB");
    let machines = ["lhr", "iad"].map(|region| {
        let id = answer::machine(&format!("{EDGE_APP}-{region}"));
        machine(id, region, image.clone(), now)
    });
    app.machines = machines.to_vec();
    if faults.everywhere("wildcard-certificate-missing").is_none() {
        app.certificates.push(wildcard(world, faults, now));
    }
    for tenant in faults.tenants() {
        app.certificates.extend(explicit(world, faults, tenant, now));
    }
    Some(app)
}

fn wildcard(world: &World, faults: &FaultSet, now: i64) -> Certificate {
    let mut certificate = Certificate::ready(&format!("*.{}", world.domain), now);
    certificate.expires = behaviour::wildcard_certificate(world, faults).validity.until(now);
    if faults.everywhere("acme-challenge-broken").is_some() {
        certificate.dns_configured = false;
        certificate.problems.push(Problem {
            code: "DNS_NOT_CONFIGURED",
            message: format!("_acme-challenge.{} is no CNAME to the validation name", world.domain),
            remedy: format!("Add a CNAME record for _acme-challenge.{}", world.domain),
            at: now - 3_600,
        });
    }
    certificate
}

/// What the edge holds for this tenant's name alone.
fn explicit(world: &World, faults: &FaultSet, tenant: &str, now: i64) -> Vec<Certificate> {
    let own = behaviour::own_certificate(world, faults, tenant).map(|spec| Certificate {
        expires: spec.validity.until(now),
        origin: Some(tenant.to_owned()),
        ..Certificate::ready(&world.host(tenant), now)
    });
    let pending = faults
        .of(tenant)
        .iter()
        .find_map(|fault| pending(world, tenant, fault, now));
    own.or(pending).into_iter().collect()
}

fn pending(world: &World, tenant: &str, fault: &Fault, now: i64) -> Option<Certificate> {
    let host = world.host(tenant);
    let mut certificate = Certificate::ready(&host, now);
    certificate.origin = Some(tenant.to_owned());
    certificate.cuts = (fault.word() == "cut").then_some(Cut::Eof);
    certificate.progress = Progress::AwaitingCertificates;
    certificate.created = now - 600;
    match fault.cause() {
        "explicit-ready" => {
            certificate.progress = Progress::Ready;
            certificate.created = now - 30 * DAY;
        }
        "certificate-issuing" => certificate.created = now - 15,
        "certificate-stuck" => {}
        "certificate-awaiting-configuration" => {
            certificate.progress = Progress::AwaitingConfiguration;
            certificate.dns_configured = false;
            certificate.problems.push(Problem {
                code: "DNS_NOT_CONFIGURED",
                message: format!("no DNS record of {host} points at {EDGE_APP}"),
                remedy: format!("Add A and AAAA records for {host}"),
                at: now - 60,
            });
        }
        "certificate-rate-limited" => {
            certificate.limited_until = Some(now + 3_600);
            certificate.problems.push(Problem {
                code: "RATE_LIMITED",
                message: "too many certificates already issued for this domain".into(),
                remedy: "Wait until the limit is over".into(),
                at: now - 60,
            });
        }
        _ => return None,
    }
    certificate.updated = certificate.created + 5;
    Some(certificate)
}

/// Apps that have nothing to do with tenants.
fn bystanders(now: i64) -> impl Iterator<Item = App> {
    let with_machine = move |name: &str| App {
        machines: vec![one_machine(name, now)],
        ..plain(name, now)
    };
    let mut website = with_machine("lab-website");
    website.certificates = vec![Certificate::ready("www.lab.example", now)];
    website.shared_address = Some("198.51.100.200");
    website.addresses.retain(|address| address.v6);
    let mut database = with_machine("lab-postgres");
    database.addresses.clear();
    [website, database, with_machine("spare-parts")].into_iter()
}

fn plain(name: &str, now: i64) -> App {
    let hash = answer::machine(name);
    let (high, low) = (hash.get(6..10).unwrap_or("1"), hash.get(10..14).unwrap_or("1"));
    let octet = u16::from_str_radix(low, 16).unwrap_or(1) % 250 + 1;
    App {
        name: name.to_owned(),
        network: "default".into(),
        created: now - 200 * DAY,
        addresses: vec![
            Address {
                address: format!("198.51.100.{octet}"),
                v6: false,
            },
            Address {
                address: format!("2001:db8:1::{high}:{low}"),
                v6: true,
            },
        ],
        shared_address: None,
        certificates: Vec::new(),
        machines: Vec::new(),
        unrouted: false,
        staged: false,
        releasing: false,
    }
}

fn one_machine(app: &str, now: i64) -> Machine {
    let image = format!("registry.fly.io/{app}:deployment-01LAB");
    machine(answer::machine(app), region(app), image, now)
}

fn machine(id: String, region: &'static str, image: String, now: i64) -> Machine {
    Machine {
        id,
        region,
        state: "started",
        image,
        autostart: Some(true),
        group: "app",
        serves: true,
        host_down: false,
        https: true,
        created: now - 30 * DAY,
        updated: now - 2 * DAY,
        touched: now - 2 * DAY,
        exits: Vec::new(),
        crashes: false,
        passing: true,
        marked: false,
        leased: false,
        happened: Vec::new(),
    }
}
