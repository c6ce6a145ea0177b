//! Which release runs and answers, where one is expected.

use std::sync::Arc;

use roundsman_checks::check::judge;
use roundsman_checks::diagnosis::{Cause, Diagnosis, TenantVerdict, diagnose};
use roundsman_checks::evidence::{Machine, Reason};
use roundsman_checks::expectation::{ExpectedVersion, Place};
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::fleet::{ChainStore, FleetContext};
use roundsman_checks::target::TenantId;
use roundsman_checks::world::World;

use crate::platform::with_apps;
use crate::{answer, told, without_header};

/// The first tenant is expected to run v43; its app has these machines: id, state, image.
fn deployed(machines: &[(&str, &str, Option<&str>)]) -> World {
    let mut world = with_apps(Vec::new());
    Arc::make_mut(&mut world.tenants[0].expectation).image = Some(":v43".parse().unwrap());
    let app = world.tenants[0].tenant.app.clone();
    let platform = world.platform_mut().unwrap();
    platform.apps.get_mut(&app).unwrap().machines = machines
        .iter()
        .map(|(id, state, image)| Machine {
            id: (*id).to_owned(),
            state: (*state).into(),
            image: image.map(|tag| format!("registry.fly.io/{app}:{tag}")),
            autostart: Some(true),
            ..Machine::default()
        })
        .collect();
    world
}

/// The first tenant is expected to answer with v43 in a header, and answers with this.
fn answering(world: &mut World, version: Option<&str>) {
    let place = Place::Header("x-version".into());
    Arc::make_mut(&mut world.tenants[0].expectation).site.version = Some(ExpectedVersion {
        place,
        value: "v43".into(),
    });
    let headers = &mut answer(&mut world.tenants[0]).headers;
    headers.retain(|(key, _)| key != "x-version");
    headers.extend(version.map(|version| ("x-version".to_owned(), version.to_owned())));
}

fn first(world: &World) -> (Diagnosis, TenantVerdict) {
    let diagnosis = diagnose(world);
    let verdict = diagnosis.tenants[0].clone();
    (diagnosis, verdict)
}

fn app(machines: &[(&str, &str, Option<&str>)]) -> (Outcome, Option<Reason>) {
    let world = deployed(machines);
    let (_, verdict) = first(&world);
    let finding = verdict.findings.of(Check::App);
    (finding.outcome, finding.reason)
}

#[test]
fn every_machine_that_is_not_gone_must_run_the_release() {
    let pass = (Outcome::Pass, None);
    let other = (Outcome::Fail, Some(Reason::PlatformRelease));
    let new = Some("v43");
    assert_eq!(app(&[("a", "started", new), ("b", "started", new)]), pass);
    assert_eq!(app(&[("a", "started", new), ("b", "started", Some("v42"))]), other);
    assert_eq!(app(&[("a", "started", new), ("b", "stopped", Some("v42"))]), other);
    assert_eq!(app(&[("a", "stopped", new), ("b", "suspended", new)]), pass);
    assert_eq!(app(&[("a", "started", new), ("b", "destroyed", Some("v42"))]), pass);
    // It will run the release, and does not yet.
    assert_eq!(app(&[("a", "started", new), ("b", "replacing", new)]), other);
    assert_eq!(app(&[("a", "started", new), ("b", "starting", new)]), other);
    // Whether it runs is not a matter of releases.
    assert_eq!(app(&[("a", "started", new), ("b", "failed", new)]), pass);
    assert_eq!(app(&[("a", "started", new), ("b", "created", new)]), pass);
    assert_eq!(app(&[("a", "started", new), ("b", "failed", Some("v42"))]), other);
}

#[test]
fn what_is_not_told_of_a_machine_is_unknown() {
    let unknown = (Outcome::Unknown, Some(Reason::PlatformPartial));
    assert_eq!(app(&[("a", "started", None)]), unknown);
    assert_eq!(app(&[("a", "started", Some("v43")), ("b", "started", None)]), unknown);
    // One that is known to differ decides.
    let other = app(&[("a", "started", None), ("b", "started", Some("v42"))]);
    assert_eq!(other, (Outcome::Fail, Some(Reason::PlatformRelease)));
    let mut silent = deployed(&[("a", "started", Some("v43"))]);
    if let Some(platform) = silent.platform_mut() {
        platform.silent_regions.insert("iad".into());
    }
    assert_eq!(first(&silent).1.findings.of(Check::App).outcome, Outcome::Unknown);
}

#[test]
fn machine_and_answer_are_one_entry_about_the_app() {
    let mut world = deployed(&[("a", "started", Some("v42")), ("b", "started", Some("v43"))]);
    answering(&mut world, Some("v42"));
    let (diagnosis, verdict) = first(&world);
    assert_eq!(verdict.cause, Some(Cause::ReleaseMismatch));
    assert_eq!(diagnosis.causes.len(), 1, "{:#?}", diagnosis.causes);
    let evidence = told(&diagnosis.causes[0]).join("\n");
    assert!(evidence.starts_with("machine a runs v42\n"), "{evidence}");
    assert!(evidence.contains("runs on 1 of 2"), "{evidence}");
    assert!(evidence.contains("answers with v42"), "{evidence}");
}

#[test]
fn an_answer_without_a_version_is_another_release() {
    let mut world = with_apps(Vec::new());
    answering(&mut world, None);
    let (_, verdict) = first(&world);
    let finding = verdict.findings.of(Check::Site);
    assert_eq!(
        (finding.outcome, finding.reason),
        (Outcome::Fail, Some(Reason::HttpRelease))
    );
    assert_eq!(finding.observed.as_deref(), Some("none"));
    answering(&mut world, Some("v43"));
    assert_eq!(first(&world).1.findings.of(Check::Site).outcome, Outcome::Pass);
}

#[test]
fn another_release_explains_no_wrong_answer() {
    let mut world = deployed(&[("a", "started", Some("v42"))]);
    answer(&mut world.tenants[0]).status = 404;
    let (diagnosis, verdict) = first(&world);
    assert_eq!(verdict.cause, Some(Cause::ReleaseMismatch));
    let causes = diagnosis.causes.iter().map(|entry| entry.cause).collect::<Vec<_>>();
    assert!(causes.contains(&Cause::SiteStatus), "{causes:?}");
}

#[test]
fn what_is_wrong_with_the_answer_goes_before_its_version() {
    let mut world = with_apps(Vec::new());
    answering(&mut world, Some("v42"));
    answer(&mut world.tenants[0]).status = 404;
    assert_eq!(first(&world).1.cause, Some(Cause::SiteStatus));
}

#[test]
fn releases_that_differ_alike_are_no_outage() {
    let mut world = with_apps(Vec::new());
    for tenant in &mut world.tenants {
        Arc::make_mut(&mut tenant.expectation).image = Some(":v43".parse().unwrap());
    }
    if let Some(platform) = world.platform_mut() {
        for app in platform.apps.values_mut() {
            app.machines[0].image = Some(format!("registry.fly.io/{}:v42", app.name));
        }
    }
    let diagnosis = diagnose(&world);
    assert_eq!(diagnosis.causes.len(), world.tenants.len());
    assert!(
        diagnosis
            .causes
            .iter()
            .all(|entry| entry.cause == Cause::ReleaseMismatch)
    );
    let context = FleetContext::new(world.fleet(), Arc::new(ChainStore::of(&world.chains)));
    let unexpected = |tenant| judge(&context, tenant).of(Check::App).reason != Some(Reason::PlatformRelease);
    assert!(!world.tenants.iter().any(unexpected));
}

/// Twelve tenants, each deployed by itself under a tag of its own; the first four from one image, and their pages fail.
fn deployed_one_by_one(digest: impl Fn(usize) -> Option<String>) -> World {
    let mut world = with_apps(Vec::new());
    let (first, app) = (world.tenants[0].clone(), world.tenants[0].tenant.app.clone());
    let template = world.platform_mut().unwrap().apps.get(&app).unwrap().clone();
    world.tenants.clear();
    for index in 0..12 {
        let mut tenant = first.clone();
        let name = format!("t{index}");
        Arc::make_mut(&mut tenant.tenant).id = TenantId::new(&name);
        Arc::make_mut(&mut tenant.tenant).app = format!("sp-{name}");
        let mut app = template.clone();
        app.name = format!("sp-{name}");
        for machine in &mut app.machines {
            machine.image = Some(format!("registry.fly.io/sp-{name}:deployment-01{index}"));
            machine.digest = digest(index);
        }
        let apps = &mut world.platform_mut().unwrap().apps;
        apps.insert(app.name.clone(), app);
        without_header(&mut tenant);
        if index < 4 {
            answer(&mut tenant).status = 500;
        }
        world.tenants.push(tenant);
    }
    world
}

#[test]
fn apps_deployed_one_by_one_share_the_release_that_their_digest_names() {
    let shared = |index: usize| Some(format!("sha256:{:064x}", usize::from(index >= 4) * (index + 1)));
    let diagnosis = diagnose(&deployed_one_by_one(shared));
    let causes = diagnosis.causes.iter().map(|entry| (entry.cause, entry.tenants.len()));
    assert_eq!(causes.collect::<Vec<_>>(), [(Cause::ReleaseFailing, 4)]);
}

#[test]
fn tags_of_their_own_prove_no_release() {
    let diagnosis = diagnose(&deployed_one_by_one(|_| None));
    let causes = diagnosis.causes.iter().map(|entry| entry.cause).collect::<Vec<_>>();
    assert!(!causes.contains(&Cause::ReleaseFailing), "{causes:?}");
}
