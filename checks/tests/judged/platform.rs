//! With the platform's word and the zone's listing: who holds certificates, whose machine answered, what the wildcard's
//! records are behind the provider's proxy.

use roundsman_checks::diagnosis::{Action, Diagnosis, diagnose};
use roundsman_checks::evidence::{
    ApiAnswer, App, AppCertificate, CertificateState, LogLine, Machine, MachineState, Platform, Reason, ZoneRecord,
};
use roundsman_checks::finding::{Check, FleetCheck, Outcome};
use roundsman_checks::platform::fly::Flyctl;
use roundsman_checks::world::World;

use crate::{answer, each_look, healthy, told};

const EDGE: &str = "edge";

pub(crate) fn app(name: &str, names: &[&str]) -> App {
    let certificate = |hostname: &&str| AppCertificate {
        hostname: (*hostname).to_owned(),
        state: CertificateState::Ready,
        status: "Ready".to_owned(),
        ..AppCertificate::default()
    };
    App {
        name: name.to_owned(),
        certificates: names.iter().map(certificate).collect(),
        machines: vec![Machine {
            id: format!("m-{name}"),
            state: MachineState::Started,
            autostart: Some(true),
            ..Machine::default()
        }],
        ..App::default()
    }
}

/// The healthy world with the edge, the tenants' apps and these others.
pub(crate) fn with_apps(others: Vec<App>) -> World {
    let mut world = healthy();
    let mut edge = app(EDGE, &["*.tenants.test"]);
    edge.addresses.clone_from(&world.edge.addresses);
    let own = world.known.iter().map(|tenant| app(&tenant.app, &[]));
    let apps = own.chain([edge]).collect::<Vec<_>>().into_iter().chain(others);
    world.platform = ApiAnswer::Known(
        Platform {
            organization: "lab".to_owned(),
            edge_app: EDGE.to_owned(),
            apps: apps.map(|app| (app.name.clone(), app)).collect(),
            ..Platform::default()
        }
        .into(),
    );
    world
}

fn causes(diagnosis: &Diagnosis) -> Vec<(String, usize)> {
    let causes = diagnosis.causes.iter();
    causes
        .map(|entry| (entry.cause.to_string(), entry.tenants.len()))
        .collect()
}

fn conflicts(diagnosis: &Diagnosis) -> Vec<Outcome> {
    let tenants = diagnosis.tenants.iter();
    tenants
        .map(|tenant| tenant.findings.of(Check::Conflicts).outcome)
        .collect()
}

#[test]
fn only_another_apps_certificate_that_covers_the_name_is_a_conflict() {
    use Outcome::{Fail, Pass};
    for (other, expected, cause) in [
        (
            app("spare", &["a3b1.tenants.test"]),
            [Fail, Pass, Pass],
            Some("certificate-conflict"),
        ),
        (
            app("spare", &["*.tenants.test"]),
            [Fail, Fail, Fail],
            Some("wildcard-certificate-conflict"),
        ),
        // Under the domain, and about no tenant's name.
        (
            app("spare", &["www.tenants.test", "*.a3b1.tenants.test"]),
            [Pass, Pass, Pass],
            None,
        ),
        (
            app("spare", &["nottenants.test", "*.test", "tenants.test"]),
            [Pass, Pass, Pass],
            None,
        ),
        (
            app("sp-a3b1", &["other.tenants.test"]),
            [Fail, Pass, Pass],
            Some("certificate-conflict"),
        ),
        (
            app("sp-a3b1", &["c04e.tenants.test"]),
            [Fail, Fail, Pass],
            Some("certificate-conflict"),
        ),
        (
            app("sp-a3b1", &["a3b1.example.com", "nottenants.test"]),
            [Pass, Pass, Pass],
            None,
        ),
    ] {
        let names = format!(
            "{:?}",
            other.certificates.iter().map(|c| &c.hostname).collect::<Vec<_>>()
        );
        let diagnosis = diagnose(&with_apps(vec![other]));
        assert_eq!(conflicts(&diagnosis), expected, "{names}");
        let found = causes(&diagnosis)
            .into_iter()
            .map(|(cause, _)| cause)
            .collect::<Vec<_>>();
        assert_eq!(
            found,
            cause.map(str::to_owned).into_iter().collect::<Vec<_>>(),
            "{names}"
        );
    }
}

/// Whether the configured app is there, whether its list of certificates is whole, how the control name's handshake ends;
/// and what then is said of the app that holds the wildcard and a tenant's own certificate: whether something is taken.
#[test]
fn from_what_may_be_the_edge_nothing_is_taken() {
    use roundsman_checks::evidence::{Fault, StepStatus};
    let said = |exists: bool, whole: bool, end: Option<StepStatus>| {
        let mut world = with_apps(vec![app("gateway", &["*.tenants.test", "a3b1.tenants.test"])]);
        let platform = world.platform_mut().unwrap();
        let edge = platform.apps.get_mut(EDGE).unwrap();
        edge.certificates.clear();
        edge.certificates_missing = (!whole).then(|| Fault::new(Reason::PlatformPartial, "a page is missing"));
        if !exists {
            platform.apps.remove(EDGE);
            platform.apps_missing = (!whole).then(|| Fault::new(Reason::PlatformPartial, "a page is missing"));
        }
        match end {
            Some(end) => world.edge.controls.iter_mut().for_each(|control| {
                control.handshake.end = end.clone();
                control.handshake.faults.clear();
            }),
            None => {
                world.edge.controls.clear();
                world.tenants.iter_mut().for_each(|tenant| tenant.visits.clear());
            }
        }
        let diagnosis = diagnose(&world);
        let takes = |action: &Action| matches!(action, Action::RemoveCertificate { .. });
        let mut fixes = diagnosis.causes.iter().flat_map(|entry| &entry.remedy);
        let taken = fixes.any(|fix| takes(&fix.action));
        (taken, diagnosis.tenants[0].findings.of(Check::Conflicts).outcome)
    };
    let (done, cut) = (StepStatus::Done, StepStatus::failed(Reason::TlsUnexpectedEof, "cut"));
    let slow = StepStatus::failed(Reason::TlsTimeout, "no answer");
    let nothing = (false, Outcome::Unknown);
    // The setting is right, and the certificate where it should not be: only whole lists and cut handshakes say so.
    assert_eq!(said(true, true, Some(cut.clone())), (true, Outcome::Fail));
    for (exists, whole, end) in [
        (true, true, Some(done.clone())),
        (true, true, Some(slow.clone())),
        (true, true, None),
        (true, false, Some(done.clone())),
        (true, false, Some(cut.clone())),
        (false, true, Some(done)),
        (false, true, Some(cut.clone())),
        (false, true, Some(slow)),
        (false, true, None),
        (false, false, Some(cut)),
    ] {
        assert_eq!(said(exists, whole, end.clone()), nothing, "{exists} {whole} {end:?}");
    }
}

/// Where traffic goes tells which app is the edge: its address cuts, or serves what the platform says it has not.
#[test]
fn whose_address_is_visited_tells_which_app_is_the_edge() {
    use roundsman_checks::evidence::StepStatus;
    let said = |of_gateway: bool, cut: bool| {
        let mut world = with_apps(vec![app("gateway", &["*.tenants.test"])]);
        let addresses = world.edge.addresses.clone();
        let platform = world.platform_mut().unwrap();
        let edge = platform.apps.get_mut(EDGE).unwrap();
        edge.certificates.clear();
        if of_gateway {
            edge.addresses.clear();
            platform.apps.get_mut("gateway").unwrap().addresses = addresses;
        }
        for control in world.edge.controls.iter_mut().filter(|_| cut) {
            control.handshake.end = StepStatus::failed(Reason::TlsUnexpectedEof, "cut");
        }
        let names = causes(&diagnose(&world)).into_iter();
        names.map(|(cause, _)| cause).collect::<Vec<_>>()
    };
    assert_eq!(said(true, false), ["edge-app-mismatch"]);
    assert_eq!(said(false, true), ["wildcard-certificate-conflict"]);
    // The gateway is the edge, whatever cuts it; and who serves it without having it is nobody's guess.
    assert!(
        !said(true, true)
            .iter()
            .any(|cause| cause.starts_with("wildcard-certificate"))
    );
    assert_eq!(said(false, false), Vec::<String>::new());
}

/// Of two that hold the wildcard's certificate, the edge is the one whose address is visited.
#[test]
fn the_edge_is_the_holder_that_is_visited() {
    let mut world = with_apps(vec![
        app("another", &["*.tenants.test"]),
        app("gateway", &["*.tenants.test"]),
    ]);
    let addresses = world.edge.addresses.clone();
    let platform = world.platform_mut().unwrap();
    platform.apps.get_mut(EDGE).unwrap().certificates.clear();
    platform.apps.get_mut("gateway").unwrap().addresses = addresses;
    let diagnosis = diagnose(&world);
    let entry = &diagnosis.causes[0];
    assert_eq!(entry.cause.as_str(), "edge-app-mismatch");
    assert!(entry.remedy[0].command(&Flyctl).contains("to gateway"), "{entry:?}");
}

#[test]
fn what_is_not_known_of_the_edge_is_held_against_nothing() {
    use roundsman_checks::evidence::Fault;
    let fault = || Some(Fault::new(Reason::PlatformPartial, "a page is missing"));
    // The platform tells one of two addresses; a zone that picks its answers gives the other one, to one tenant or to all.
    let turned = |whole: bool, everybody: bool| {
        let mut world = with_apps(Vec::new());
        let missing = (!whole).then(fault).flatten();
        world.edge.addresses_missing.clone_from(&missing);
        world
            .platform_mut()
            .unwrap()
            .apps
            .get_mut(EDGE)
            .unwrap()
            .addresses_missing = missing;
        let turn = |look: &mut roundsman_checks::evidence::DnsQuery| {
            let answers = look.reply.iter_mut().flat_map(|reply| &mut reply.answers);
            answers
                .filter(|record| record.kind == "A")
                .for_each(|record| record.data = "198.51.100.9".into());
        };
        let zone = &mut world.zone;
        if everybody {
            let looks = zone.controls.iter_mut().chain(&mut zone.wildcards);
            looks.chain(&mut zone.resolver_controls).for_each(turn);
        }
        let count = if everybody { world.tenants.len() } else { 1 };
        for tenant in &mut world.tenants[..count] {
            each_look(tenant, turn);
            tenant.dns.resolvers.iter_mut().for_each(turn);
        }
        let diagnosis = diagnose(&world);
        let fleet = diagnosis
            .fleet
            .iter()
            .find(|told| told.check == FleetCheck::WildcardDns);
        let names = causes(&diagnosis)
            .into_iter()
            .map(|(cause, _)| cause)
            .collect::<Vec<_>>();
        let first = diagnosis.tenants[0].findings.of(Check::Dns).outcome;
        (names, first, fleet.unwrap().finding.outcome)
    };
    let one = |cause: &str| vec![cause.to_owned()];
    assert_eq!(turned(true, false), (one("dns-override"), Outcome::Fail, Outcome::Pass));
    assert_eq!(
        turned(true, true),
        (one("wildcard-dns-mismatch"), Outcome::Fail, Outcome::Fail)
    );
    assert_eq!(turned(false, false), (vec![], Outcome::Unknown, Outcome::Pass));
    assert_eq!(turned(false, true), (vec![], Outcome::Pass, Outcome::Unknown));
    // Nor is the edge without an address because none of them can be read.
    let mut world = with_apps(Vec::new());
    let edge = world.platform_mut().unwrap().apps.get_mut(EDGE).unwrap();
    (edge.addresses, edge.addresses_missing) = (Vec::new(), fault());
    assert_eq!(causes(&diagnose(&world)), vec![]);
    let edge = world.platform_mut().unwrap().apps.get_mut(EDGE).unwrap();
    edge.addresses_missing = None;
    assert_eq!(causes(&diagnose(&world))[0].0, "edge-missing");
}

#[test]
fn an_app_that_answers_as_expected_is_neither_missing_nor_down() {
    let said = |state: Option<MachineState>, identified: bool| {
        let mut world = with_apps(Vec::new());
        let name = world.tenants[0].tenant.app.clone();
        if !identified {
            crate::without_header(&mut world.tenants[0]);
            world.tenants[0].visits[0].issuer = roundsman_checks::evidence::Exchange::default();
        }
        let apps = &mut world.platform_mut().unwrap().apps;
        match state {
            Some(state) => {
                let machine = &mut apps.get_mut(&name).unwrap().machines[0];
                (machine.state, machine.autostart) = (state, Some(false));
            }
            None => drop(apps.remove(&name)),
        }
        let diagnosis = diagnose(&world);
        let found = diagnosis.tenants[0].findings.of(Check::App);
        (found.outcome, found.reason, causes(&diagnosis).len())
    };
    let unknown = (Outcome::Unknown, Some(Reason::PlatformPartial), 0);
    use MachineState::{Failed, Starting, Stopped};
    for (state, reason) in [
        (None, Reason::PlatformNotFound),
        (Some(Stopped), Reason::PlatformStopped),
        (Some(Starting), Reason::PlatformStarting),
        (Some(Failed), Reason::PlatformCrashed),
    ] {
        assert_eq!(said(state.clone(), true), unknown, "{state:?}");
        assert_eq!(
            said(state.clone(), false),
            (Outcome::Fail, Some(reason), 1),
            "{state:?}"
        );
    }
}

#[test]
fn every_holder_is_named_with_its_own_fix() {
    let mut imported = app("imports", &["a3b1.tenants.test"]);
    imported.certificates[0].imported = true;
    let own = app("sp-a3b1", &["a3b1.tenants.test"]);
    let diagnosis = diagnose(&with_apps(vec![imported, own]));
    assert_eq!(causes(&diagnosis), vec![("certificate-conflict".to_owned(), 1); 2]);
    let entries = diagnosis.causes.iter().map(|entry| {
        let evidence = told(entry).join("\n");
        assert!(evidence.contains("still works"), "{evidence}");
        let fixes = entry.remedy.iter();
        let fixes = fixes.map(|fix| (fix.action.app().unwrap_or_default(), fix.automatic));
        (entry.object.to_string(), fixes.collect::<Vec<_>>())
    });
    assert_eq!(
        entries.collect::<Vec<_>>(),
        [
            ("imports/a3b1.tenants.test".to_owned(), vec![("imports", false)]),
            ("sp-a3b1/a3b1.tenants.test".to_owned(), vec![("sp-a3b1", true)]),
        ]
    );
}

/// An incident is keyed by its object: what is left of two must not take the other's name.
#[test]
fn a_conflict_that_is_removed_renames_no_other() {
    let objects = |others: &[&str]| {
        let held = others.iter().map(|name| app(name, &["a3b1.tenants.test"]));
        let diagnosis = diagnose(&with_apps(held.collect()));
        let objects = diagnosis.causes.iter().map(|entry| entry.object.clone());
        objects.collect::<Vec<_>>()
    };
    let both = objects(&["imports", "sp-a3b1"]);
    assert_eq!(both.len(), 2);
    assert_eq!(objects(&["sp-a3b1"]), both[1..]);
    assert_eq!(objects(&["imports"]), both[..1]);
}

#[test]
fn the_edges_own_certificate_for_a_name_is_no_conflict() {
    let mut world = with_apps(Vec::new());
    if let Some(platform) = world.platform_mut() {
        let own = app(EDGE, &["a3b1.tenants.test"]).certificates;
        platform.apps.get_mut(EDGE).unwrap().certificates.extend(own);
    }
    let diagnosis = diagnose(&world);
    assert_eq!(
        (conflicts(&diagnosis), causes(&diagnosis)),
        (vec![Outcome::Pass; 3], vec![])
    );
}

#[test]
fn a_machine_tells_whose_app_answered() {
    let route = |machine: &str| {
        let mut world = with_apps(Vec::new());
        let answer = answer(&mut world.tenants[0]);
        answer
            .headers
            .retain(|(key, _)| key != "x-sp-app" && key != "x-served-by");
        answer.headers.push(("x-served-by".into(), machine.into()));
        let diagnosis = diagnose(&world);
        let found = diagnosis.tenants[0].findings.of(Check::Route);
        (found.outcome, found.reason)
    };
    assert_eq!(route("m-sp-a3b1"), (Outcome::Pass, None));
    assert_eq!(route("m-sp-q7f9"), (Outcome::Fail, Some(Reason::HttpWrongTenant)));
    let nobody = (Outcome::Skipped, Some(Reason::NotIdentifiable));
    assert_eq!((route("m-edge"), route("m-unknown")), (nobody, nobody));
}

fn record(name: &str, kind: &str, content: &str, proxied: bool) -> ZoneRecord {
    ZoneRecord {
        id: format!("{name}/{kind}"),
        name: name.to_owned(),
        kind: kind.to_owned(),
        content: content.to_owned(),
        proxied,
        ..ZoneRecord::default()
    }
}

/// The provider's proxy answers for the wildcard and for each tenant alike.
fn behind_the_proxy(listing: Vec<ZoneRecord>) -> World {
    let mut world = healthy();
    let proxy = |look: &mut roundsman_checks::evidence::DnsQuery| {
        for record in look.reply.iter_mut().flat_map(|reply| &mut reply.answers) {
            match record.kind.as_str() {
                "A" => record.data = "203.0.113.80".into(),
                "AAAA" => record.data = "2001:db8::80".into(),
                _ => {}
            }
        }
    };
    let zone = &mut world.zone;
    let looks = zone.controls.iter_mut().chain(&mut zone.wildcards);
    looks.chain(&mut zone.resolver_controls).for_each(proxy);
    for tenant in &mut world.tenants {
        each_look(tenant, proxy);
        tenant.dns.resolvers.iter_mut().for_each(proxy);
    }
    world.listing = ApiAnswer::Known(listing.into());
    world
}

#[test]
fn behind_the_proxy_the_content_of_the_wildcards_records_is_compared() {
    let edge = [
        record("*.tenants.test", "A", "127.0.0.1", true),
        record("*.tenants.test", "AAAA", "::1", true),
    ];
    let elsewhere = record("*.tenants.test", "A", "198.51.100.9", true);
    let dns = |listing: &[ZoneRecord]| {
        let diagnosis = diagnose(&behind_the_proxy(listing.to_vec()));
        let first = diagnosis.tenants[0].findings.of(Check::Dns).outcome;
        (
            first,
            causes(&diagnosis)
                .into_iter()
                .map(|(cause, _)| cause)
                .collect::<Vec<_>>(),
        )
    };
    let mismatch = (Outcome::Fail, vec!["wildcard-dns-mismatch".to_owned()]);
    assert_eq!(dns(&edge), (Outcome::Pass, vec![]));
    assert_eq!(dns(&[edge[1].clone(), elsewhere]), mismatch);
    // Not proxied, or another name's: DNS itself is what counts.
    let plain = edge.clone().map(|record| ZoneRecord {
        proxied: false,
        ..record
    });
    assert_eq!(dns(&plain), mismatch);
    let another = edge.map(|record| ZoneRecord {
        name: "a3b1.tenants.test".into(),
        ..record
    });
    assert_eq!(dns(&another).0, Outcome::Fail);
}

#[test]
fn the_listing_names_what_dns_alone_cannot_tell() {
    // The first tenant's name goes through the proxy alone; the second's is blocked by a record deep below it.
    let mut world = healthy();
    let proxied = record("a3b1.tenants.test", "A", "127.0.0.1", true);
    let deep = record("x.deep.c04e.tenants.test", "TXT", "left over", false);
    each_look(&mut world.tenants[0], |look| {
        for record in look.reply.iter_mut().flat_map(|reply| &mut reply.answers) {
            record.data = if record.kind == "A" {
                "203.0.113.80"
            } else {
                "2001:db8::80"
            }
            .into();
        }
    });
    each_look(&mut world.tenants[1], |look| {
        look.reply.iter_mut().for_each(|reply| reply.answers.clear());
    });
    world.listing = ApiAnswer::Known(vec![proxied, deep].into());
    let diagnosis = diagnose(&world);
    let named = |index: usize| diagnosis.tenants[index].cause.map(|cause| cause.to_string());
    assert_eq!(named(0).as_deref(), Some("dns-proxied"));
    assert_eq!(named(1).as_deref(), Some("dns-blocked"));
    let blocked = diagnosis
        .causes
        .iter()
        .find(|entry| entry.cause.as_str() == "dns-blocked");
    let fix = &blocked.expect("the entry").remedy[0].command(&Flyctl);
    assert!(fix.contains("delete the TXT record of x.deep.c04e"), "{fix}");
}

/// The first tenant answered by another's app, and these lines in the edge's log.
fn misrouted(lines: &[&str]) -> Vec<(String, usize)> {
    let mut world = with_apps(Vec::new());
    let id = world.tenants[0].tenant.id.to_string();
    let other = world.known.iter().find(|tenant| tenant.id.as_str() != id).unwrap();
    let header = ("x-sp-app".to_owned(), other.app.clone());
    crate::without_header(&mut world.tenants[0]);
    answer(&mut world.tenants[0]).headers.push(header);
    let line = |message: &&str| LogLine {
        app: EDGE.to_owned(),
        message: message.replace("OWN", &id),
        ..LogLine::default()
    };
    world.tenants[0].log.edge = ApiAnswer::Known(lines.iter().map(line).collect());
    causes(&diagnose(&world))
}

#[test]
fn the_edges_word_for_another_app_comes_before_whoever_answered() {
    let elsewhere = "INFO Replaying request to tenant app subdomain=OWN fly_app=sp-other";
    let home = "INFO Replaying request to tenant app subdomain=OWN fly_app=sp-OWN";
    let foreign = "INFO Replaying request to tenant app subdomain=zzzz fly_app=sp-other";
    let app = [("route-wrong-app".to_owned(), 1)];
    let tenant = [("route-wrong-tenant".to_owned(), 1)];
    assert_eq!(misrouted(&[elsewhere]), app);
    assert_eq!(misrouted(&[foreign, elsewhere, elsewhere]), app);
    assert_eq!(misrouted(&[home, elsewhere]), app);
    // A log that is silent, right by its latest word, or about another name settles nothing.
    for lines in [&[elsewhere, home][..], &[], &[home], &[foreign]] {
        assert_eq!(misrouted(lines), tenant, "{lines:?}");
    }
}

#[test]
fn a_right_answer_needs_no_word_of_the_edge() {
    let mut world = with_apps(Vec::new());
    let line = LogLine {
        message: format!(
            "Replaying request to tenant app subdomain={} fly_app=sp-other",
            world.tenants[0].tenant.id
        ),
        ..LogLine::default()
    };
    world.tenants[0].log.edge = ApiAnswer::Known(vec![line]);
    assert_eq!(causes(&diagnose(&world)), []);
}
