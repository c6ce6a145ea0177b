//! Two tenants, each with a cause of its own: both are told as if the other were healthy.

use roundsman_checks::diagnosis::{CauseEntry, diagnose};

use crate::recorded::{Alone, FIRST, SECOND, of_tenant};
use crate::{compose, none_wrong, same, told};

#[test]
fn two_tenants_causes_know_nothing_of_each_other() {
    let (firsts, seconds) = (of_tenant(FIRST), of_tenant(SECOND));
    assert_eq!(firsts.len(), seconds.len());
    // Who of the two has which is no other pair.
    let pairs = firsts.iter().enumerate();
    let pairs = pairs.flat_map(|(at, first)| seconds[at..].iter().map(move |second| (first, second)));
    let told = pairs.map(|(first, second)| wrong_of(first, second)).collect::<Vec<_>>();
    none_wrong(told.len(), &told.into_iter().flatten().collect::<Vec<_>>());
}

fn wrong_of(first: &Alone, second: &Alone) -> Option<String> {
    let world = compose::shared(&first.world, &second.world);
    let world = compose::with(world, second.tenant(SECOND).clone());
    let diagnosis = diagnose(&world);
    let staged = || first.diagnosis.causes.iter().chain(&second.diagnosis.causes);
    let is_told = |entry: &&CauseEntry| {
        let found = same(&diagnosis, entry);
        // One object may be at fault for both.
        found.is_some_and(|found| found.tenants.is_superset(&entry.tenants))
    };
    let lacking = staged().filter(|entry| !is_told(entry)).count();
    let more = diagnosis.causes.iter().filter(|found| {
        let of = staged().filter(|entry| entry.cause == found.cause && entry.object == found.object);
        found.tenants != of.flat_map(|entry| entry.tenants.iter().cloned()).collect()
    });
    let verdicts = [(first, FIRST), (second, SECOND)];
    let differs = verdicts.iter().any(|(alone, id)| {
        let verdict = crate::recorded::verdict(&diagnosis, id);
        (verdict.status, verdict.cause) != (alone.verdict(id).status, alone.verdict(id).cause)
    });
    let wrong = lacking > 0 || more.count() > 0 || differs;
    wrong.then(|| format!("{} with {}: {}", first.fault, second.fault, told(&diagnosis)))
}
