//! How much: rates, cooldowns, what comes back, and a person who lifts what may be lifted.

use super::{configure, planned, remediate, repairable, results, writes};

fn lab(count: usize, stopped: usize) -> crate::cli::Served {
    let tenants = (0..count).map(|number| format!("t{number:03}")).collect::<Vec<_>>();
    let faults = (0..stopped)
        .map(|number| format!("app-stopped@t{number:03}"))
        .collect::<Vec<_>>();
    repairable(
        &tenants.iter().map(String::as_str).collect::<Vec<_>>(),
        &faults.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

#[test]
fn no_more_than_so_many_begin_within_an_hour() {
    let served = lab(12, 3);
    configure(&served, "[remediation]\nmax_per_hour = 2\n");
    let document = planned(&served, &["--apply", "--yes"]);
    let all = (0..3)
        .flat_map(|number| results(&document, &format!("t{number:03}")))
        .collect::<Vec<_>>();
    assert_eq!(
        all.iter().filter(|result| result.ends_with(":done")).count(),
        2,
        "{all:?}"
    );
    assert_eq!(
        all.iter().filter(|result| result.ends_with(":refused:budget")).count(),
        1,
        "{all:?}"
    );
    // A restart forgets nothing.
    let again = planned(&served, &["--apply", "--yes"]);
    let left = again["plans"][0]["actions"][0]["reason"].as_str();
    assert_eq!((left, writes(&served).len()), (Some("budget"), 2), "{again:#}");
}

#[test]
fn a_tenant_rests_after_a_repair_and_the_third_time_is_a_persons() {
    let served = lab(8, 1);
    let with_cooldown = |cooldown: &str| {
        let text = std::fs::read_to_string(&served.config).expect("the configuration");
        let kept = text
            .lines()
            .filter(|line| !line.starts_with("cooldown"))
            .collect::<Vec<_>>();
        std::fs::write(&served.config, kept.join("\n") + "\n").expect("written");
        configure(&served, &format!("[remediation]\ncooldown = \"{cooldown}\"\n"));
    };
    let try_it = || results(&planned(&served, &["--apply", "--yes"]), "t000");
    assert_eq!(try_it(), ["start-machine:done"]);
    // It failed again at once: it is left alone for a while, then repaired once more.
    served.restage("app-stopped@t000");
    with_cooldown("1h");
    assert_eq!(try_it(), ["start-machine:refused:cooldown"]);
    with_cooldown("1s");
    let mut tried = try_it();
    while tried == ["start-machine:refused:cooldown"] {
        tried = try_it();
    }
    assert_eq!(tried, ["start-machine:done"]);
    served.restage("app-stopped@t000");
    let document = planned(&served, &["--apply", "--yes"]);
    assert_eq!(
        super::guard_of(&document, Some("t000")).as_deref(),
        Some("recreated"),
        "{document:#}"
    );
    assert_eq!(writes(&served).len(), 2);
}

#[test]
fn a_person_who_knows_how_many_lifts_the_amount() {
    let served = lab(20, 8);
    let refused = planned(&served, &["--apply", "--yes"]);
    assert_eq!(super::guard_of(&refused, None).as_deref(), Some("too-many"));
    for wrong in [&["--max", "6"][..], &["--max", "6", "--confirm", "8"]] {
        let ran = remediate(&served, &[&["--apply"], wrong].concat());
        assert_eq!((ran.code, writes(&served).len()), (Some(2), 0), "{}", ran.err);
        assert!(ran.err.contains("6 plans would run"), "{}", ran.err);
    }
    let healthy = lab(4, 0);
    let none = remediate(&healthy, &["--apply", "--max", "6", "--confirm", "6"]);
    assert_eq!(none.code, Some(2), "{}", none.err);
    assert!(none.err.contains("0 plans would run"), "{}", none.err);
    let document = planned(&served, &["--apply", "--max", "6", "--confirm", "6", "--batch", "3"]);
    let plans = document["plans"].as_array().expect("plans");
    let done = plans.iter().filter(|plan| plan["verified"] == true).count();
    let held = plans
        .iter()
        .filter(|plan| plan["actions"][0]["result"] == "refused")
        .count();
    assert_eq!((done, held, writes(&served).len()), (6, 2, 6), "{document:#}");
}
