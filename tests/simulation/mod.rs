//! The whole agent in simulated time: the dispatcher as it is, everything around it played by a model that delays and
//! reorders what comes back, fails to begin, dies at any effect and begins anew from what was kept, moves the wall's
//! clock, and changes who there is. What must always hold is looked at after every event; a seed that fails says so, and
//! plays exactly the same again.

mod hours;
mod mail;
mod model;
mod restarts;
mod truth;

use std::time::Duration;

use model::{Model, Plan};

/// How many seeds are played; more by hand.
const SEEDS: u64 = 200;

fn seeds() -> std::ops::Range<u64> {
    let from_env = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    match from_env("ROUNDSMAN_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_env("ROUNDSMAN_SEEDS").unwrap_or(SEEDS),
    }
}

#[test]
fn nothing_that_must_hold_is_broken_by_any_seed() {
    let broken = std::sync::Mutex::new(Vec::new());
    let next = std::sync::atomic::AtomicU64::new(seeds().start);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if seed >= seeds().end {
                        return;
                    }
                    let mut model = Model::new(seed, Plan::drawn(seed));
                    if let Err(why) = model.run() {
                        if seeds().end - seeds().start == 1 {
                            eprintln!("{}", model.story().join("\n"));
                        }
                        broken
                            .lock()
                            .expect("nobody panicked")
                            .push(format!("seed {seed}: {why}"));
                    }
                }
            });
        }
    });
    let broken = broken.into_inner().expect("nobody panicked");
    assert!(
        broken.is_empty(),
        "{} seeds (again with ROUNDSMAN_SEED=…):\n{}",
        broken.len(),
        broken.join("\n")
    );
}

#[test]
fn the_same_seed_plays_the_same_story() {
    let told = |seed| {
        let mut model = Model::new(seed, Plan::drawn(seed));
        model.run().expect("nothing is broken");
        model.story().to_vec()
    };
    for seed in 1_000..1_005 {
        assert_eq!(told(seed), told(seed), "seed {seed}");
    }
}

/// A week of a fleet that is looked at every five minutes, with faults that come and go.
#[test]
fn a_week_passes() {
    let plan = Plan {
        tenants: 50,
        lasts: Duration::from_secs(7 * 24 * 3600),
        every: Duration::from_secs(300),
        calm: true,
        noise: None,
    };
    let mut model = Model::new(1, plan);
    model.run().expect("nothing is broken");
    assert!(model.examined() > 50 * 7 * 288, "{}", model.examined());
}

/// One visit in a hundred fails by chance, for a day: nobody is told of it.
#[test]
fn visits_that_fail_by_chance_wake_nobody() {
    let plan = Plan {
        tenants: 100,
        lasts: Duration::from_secs(24 * 3600),
        every: Duration::from_secs(300),
        calm: true,
        noise: Some(100),
    };
    let mut model = Model::new(1, plan);
    model
        .run()
        .unwrap_or_else(|why| panic!("{why}\n{}", model.story().join("\n")));
    assert!(model.examined() > 28_000, "{}", model.examined());
    assert_eq!(model.told(), 0, "{}", model.story().join("\n"));
}
