//! With the platform's word and the zone's listing: who holds certificates, whose machine answered, what the wildcard's
//! records are behind the provider's proxy.

use roundsman_checks::diagnosis::{Diagnosis, diagnose};
use roundsman_checks::evidence::{
    ApiAnswer, App, AppCertificate, CertificateState, LogLine, Machine, MachineState, Platform, Reason, ZoneRecord,
};
use roundsman_checks::finding::{Check, Outcome};
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
