//! What whoever adds a cause may forget: a scenario that stages it, and its name in the README.

use std::collections::BTreeSet;

use roundsman_checks::diagnosis::Cause;

use crate::support::{platform_scenarios, scenarios};

/// Causes that no single fault stages: tests of their own do; the last four are told by `watch` alone.
const STAGED_ELSEWHERE: [&str; 10] = [
    "agent-exhausted",
    "edge-throttled",
    "release-failing",
    "region-failing",
    "certificate-missing",
    "release-mismatch",
    "edge-slow",
    "tenant-vanished",
    "inventory-shrunk",
    "notification-undelivered",
];

#[test]
fn every_cause_has_a_scenario() {
    let staged = scenarios().into_iter().chain(platform_scenarios());
    let staged = staged.map(|scenario| scenario.cause).collect::<BTreeSet<_>>();
    let names = Cause::ALL.iter().map(|cause| cause.as_str());
    let unstaged = names.filter(|name| !staged.contains(*name)).collect::<BTreeSet<_>>();
    assert_eq!(
        unstaged,
        BTreeSet::from(STAGED_ELSEWHERE),
        "add it to tests/scenarios/causes.toml or platform.toml"
    );
}

/// There, a name that begins with `-` shares its beginning with the one before it.
#[test]
fn the_readme_lists_every_cause() {
    let readme = include_str!("../../README.md");
    let (_, list) = readme.split_once("### Causes").expect("the list of causes");
    let list = list.split("\n## ").next().unwrap_or_default();
    let known = Cause::ALL.iter().map(|cause| cause.as_str()).collect::<BTreeSet<_>>();
    let mut listed = BTreeSet::new();
    let mut last = String::new();
    for word in list.split('`').skip(1).step_by(2) {
        let ends = last.match_indices('-').map(|(at, _)| format!("{}{word}", &last[..at]));
        let mut meant = ends
            .chain([word.to_owned()])
            .filter(|name| known.contains(name.as_str()));
        if let Some(name) = meant.next_back() {
            listed.insert(name.clone());
            last = name;
        }
    }
    let missing = known.iter().filter(|name| !listed.contains(**name)).collect::<Vec<_>>();
    assert!(missing.is_empty(), "the README does not list {missing:?}");
}
