//! Which causes are staged beside which. Every pair is judged purely, of recorded worlds (`checks/tests/pairs`); through
//! sockets each cause goes once, beside one that leaves it visible.

use crate::support::Scenario;

/// The first scenario of each cause.
pub(super) fn one_each(scenarios: impl IntoIterator<Item = Scenario>) -> Vec<Scenario> {
    let mut one_each = Vec::<Scenario>::new();
    for scenario in scenarios {
        if one_each.iter().all(|known| known.cause != scenario.cause) {
            one_each.push(scenario);
        }
    }
    one_each
}

/// A pair.
pub(super) type Pair<'s> = (&'s Scenario, &'s Scenario);

/// Pairs in which each stands at least once, each time beside the one that stood least, where one fits beside one that
/// fits.
pub(super) fn each_once<'s>(
    firsts: &'s [Scenario],
    seconds: &'s [Scenario],
    fits: impl Fn(&Scenario, &Scenario) -> bool,
) -> Vec<Pair<'s>> {
    let mut pairs = Vec::<Pair<'s>>::new();
    for second in seconds {
        let stood = |first: &Scenario| pairs.iter().filter(|pair| pair.0.fault == first.fault).count();
        let first = firsts.iter().min_by_key(|first| (!fits(first, second), stood(first)));
        pairs.extend(first.map(|first| (first, second)));
    }
    for first in firsts {
        if pairs.iter().any(|pair| pair.0.fault == first.fault) {
            continue;
        }
        let stood = |second: &Scenario| pairs.iter().filter(|pair| pair.1.fault == second.fault).count();
        let second = seconds
            .iter()
            .min_by_key(|second| (!fits(first, second), stood(second)));
        pairs.extend(second.map(|second| (first, second)));
    }
    pairs
}

#[test]
fn each_cause_stands_beside_another_once() {
    let scenario = |cause: &str| Scenario {
        fault: cause.to_owned(),
        cause: cause.to_owned(),
        ..crate::support::scenarios().swap_remove(0)
    };
    let firsts = ["a", "b", "c"].map(scenario);
    let seconds = ["x", "y", "x"].map(scenario);
    let seconds = one_each(seconds);
    let pairs = each_once(&firsts, &seconds, |first, second| {
        first.cause != "a" || second.cause == "y"
    });
    let pairs = pairs
        .iter()
        .map(|(first, second)| format!("{}{}", first.cause, second.cause));
    assert_eq!(pairs.collect::<Vec<_>>(), ["bx", "ay", "cx"]);
}
