//! The platform's word on one app, asked for by itself: it counts in place of what was read in bulk, for this app alone.

use std::sync::Arc;

use roundsman_checks::diagnosis::{Diagnosis, diagnose};
use roundsman_checks::evidence::{App, AppWord, Exit, MachineState, Reason};
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::world::World;

use crate::platform::{app, with_apps};
use crate::{answer, healthy};

/// A world in which the first tenant answers 503, and what the platform says of its app alone.
fn fails_with(word: Option<App>) -> World {
    let mut world = with_apps(Vec::new());
    answer(&mut world.tenants[0]).status = 503;
    told(&mut world, word);
    world
}

fn told(world: &mut World, app: Option<App>) {
    world.tenants[0].word = Some(Arc::new(AppWord { at: world.now, app }));
}

fn own(world: &World) -> App {
    let name = &world.tenants[0].tenant.app;
    world.platform.known().unwrap().apps[name].clone()
}

fn crashed(mut app: App) -> App {
    app.machines[0].state = MachineState::Stopped;
    app.machines[0].last_exit = Some(Exit {
        code: Some(137),
        out_of_memory: true,
        ..Exit::default()
    });
    app
}

fn causes(diagnosis: &Diagnosis) -> Vec<&str> {
    diagnosis.causes.iter().map(|entry| entry.cause.as_str()).collect()
}

#[test]
fn what_crashed_after_the_bulk_is_called_crashed() {
    let mut world = fails_with(None);
    let app = crashed(own(&world));
    told(&mut world, Some(app));
    let diagnosis = diagnose(&world);
    assert_eq!(causes(&diagnosis), ["app-crashed"]);
    assert_eq!(diagnosis.causes[0].tenants.len(), 1, "the word is about one app");
}

#[test]
fn an_app_that_all_apis_deny_is_missing_and_one_that_answers_is_not() {
    let diagnosis = diagnose(&fails_with(None));
    assert_eq!(causes(&diagnosis), ["app-missing"]);
    let mut answers = with_apps(Vec::new());
    told(&mut answers, None);
    let finding = diagnose(&answers).tenants[0].findings.of(Check::App).clone();
    assert_eq!(
        (finding.outcome, finding.reason),
        (Outcome::Unknown, Some(Reason::PlatformPartial))
    );
}

#[test]
fn what_runs_again_is_well_though_the_bulk_knows_of_a_crash() {
    let mut world = with_apps(Vec::new());
    let (name, runs) = (world.tenants[0].tenant.app.clone(), own(&world));
    let platform = world.platform_mut().unwrap();
    platform.apps.insert(name, crashed(runs.clone()));
    assert_eq!(causes(&diagnose(&world)), ["app-crashed"]);
    told(&mut world, Some(runs));
    assert_eq!(causes(&diagnose(&world)), Vec::<&str>::new());
}

#[test]
fn certificates_of_its_app_are_those_of_the_word() {
    let mut world = with_apps(Vec::new());
    let tenant = Arc::clone(&world.tenants[0].tenant);
    told(&mut world, Some(app(&tenant.app, &[tenant.hostname.as_str()])));
    assert_eq!(causes(&diagnose(&world)), ["certificate-conflict"]);
    // The other way round: what it held in bulk it holds no more.
    let mut world = with_apps(vec![app(&tenant.app, &[tenant.hostname.as_str()])]);
    assert_eq!(causes(&diagnose(&world)), ["certificate-conflict"]);
    told(&mut world, Some(app(&tenant.app, &[])));
    assert_eq!(causes(&diagnose(&world)), Vec::<&str>::new());
}

#[test]
fn a_word_is_recorded_and_an_older_recording_has_none() {
    let mut world = fails_with(None);
    let app = crashed(own(&world));
    told(&mut world, Some(app));
    let text = serde_json::to_string(&world).unwrap();
    let again = serde_json::from_str::<World>(&text).unwrap();
    assert_eq!(again, world);
    assert_eq!(causes(&diagnose(&again)), ["app-crashed"]);
    assert!(healthy().tenants.iter().all(|tenant| tenant.word.is_none()));
}
