//! Recorded worlds, judged again: what is said of each is written beside it. The worlds come from the lab, as
//! `data/README.md` says; `INSTA_UPDATE=always` accepts what is new.
#![expect(clippy::expect_used, reason = "a test may fail")]

use std::fmt::Write;
use std::io::{BufRead, BufReader};

use roundsman_checks::diagnosis::{Cause, Diagnosis, diagnose};
use roundsman_checks::platform::fly::Flyctl;
use roundsman_checks::world::World;
use serde::Deserialize;

#[derive(Deserialize)]
struct Recorded {
    faults: Vec<String>,
    world: World,
}

const WITHOUT_PLATFORM: &str = "worlds.jsonl.gz";
const WITH_PLATFORM: &str = "platform.jsonl.gz";
const KINDS: [&str; 2] = ["kinds.jsonl.gz", "platform-kinds.jsonl.gz"];

fn recorded(file: &str) -> impl Iterator<Item = Recorded> + use<> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let file = std::path::Path::new(folder).join(file);
    let file = std::fs::File::open(file).expect("the recorded worlds");
    let lines = BufReader::new(flate2::read::GzDecoder::new(file)).lines();
    lines.map(|line| serde_json::from_str(&line.expect("a line")).expect("a world"))
}

#[test]
fn what_is_said_of_each_world_stays() {
    insta::assert_snapshot!(tell_each(WITHOUT_PLATFORM));
}

#[test]
fn what_is_said_with_the_platforms_word_stays() {
    insta::assert_snapshot!(tell_each(WITH_PLATFORM));
}

#[test]
fn what_is_said_of_other_kinds_of_worlds_stays() {
    insta::assert_snapshot!(KINDS.map(tell_each).concat());
}

fn tell_each(file: &str) -> String {
    recorded(file).fold(String::new(), |told, recorded| {
        told + &format!(
            "--- {}\n{}\n",
            recorded.faults.join(" "),
            tell(&diagnose(&recorded.world))
        )
    })
}

/// Everything that a diagnosis says, a line each.
fn tell(diagnosis: &Diagnosis) -> String {
    let mut told = String::new();
    for entry in &diagnosis.causes {
        let tenants = entry
            .tenants
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(",");
        let (scope, sure, outcome) = (entry.scope, entry.confidence, entry.outcome);
        let _ = writeln!(told, "{} {scope:?} {sure:?} {outcome} [{tenants}]", entry.cause);
        for line in &entry.evidence {
            let _ = writeln!(told, "    {line}");
        }
        for remedy in &entry.remedy {
            let _ = writeln!(
                told,
                "    {} ({}): {remedy_text}",
                remedy.action.as_str(),
                remedy.automatic,
                remedy_text = remedy.command(&Flyctl)
            );
        }
    }
    for roundsman_checks::diagnosis::FleetFinding { check, finding, .. } in &diagnosis.fleet {
        let reason = finding.reason.map(|reason| reason.to_string()).unwrap_or_default();
        let _ = writeln!(told, "{check} {} {reason} {}", finding.outcome, finding.message);
    }
    for tenant in &diagnosis.tenants {
        let _ = writeln!(
            told,
            "{} {:?} {:?}",
            tenant.tenant,
            tenant.status,
            tenant.cause.map(Cause::as_str)
        );
        for (check, finding) in tenant.findings.iter() {
            let reason = finding.reason.map(|reason| reason.to_string()).unwrap_or_default();
            let sides = (
                finding.expected.as_deref().unwrap_or(""),
                finding.observed.as_deref().unwrap_or(""),
            );
            let _ = writeln!(
                told,
                "  {check} {} {reason} {} {sides:?}",
                finding.outcome, finding.message
            );
        }
    }
    let _ = writeln!(told, "follow-ups {:?}", diagnosis.follow_ups);
    told
}

/// What a wrong answer asks before deeper looks were made: the world without them.
#[test]
fn what_is_open_is_asked() {
    let asked = recorded(WITHOUT_PLATFORM).fold(String::new(), |asked, mut recorded| {
        for tenant in &mut recorded.world.tenants {
            tenant.visits.truncate(1);
            tenant.retries.clear();
            tenant.dns.blockers.clear();
        }
        recorded.world.edge.rechecks.clear();
        recorded.world.vantage.dates.clear();
        let follow_ups = diagnose(&recorded.world).follow_ups;
        let lines = follow_ups
            .iter()
            .map(|follow_up| format!("    {follow_up:?}\n"))
            .collect::<String>();
        asked + &format!("--- {}\n{lines}", recorded.faults.join(" "))
    });
    insta::assert_snapshot!(asked);
}

/// Every look of a world taken away in turn: nothing that did not pass may pass by it.
#[test]
fn an_unseen_world_is_unknown() {
    for mut recorded in recorded(WITHOUT_PLATFORM) {
        for tenant in &mut recorded.world.tenants {
            tenant.probed = false;
            tenant.visits.clear();
            tenant.retries.clear();
            tenant.dns = roundsman_checks::evidence::TenantDns::default();
        }
        for tenant in diagnose(&recorded.world).tenants {
            let passes = tenant
                .findings
                .iter()
                .any(|(_, finding)| finding.outcome == roundsman_checks::finding::Outcome::Pass);
            assert!(!passes, "{:?}: {tenant:?}", recorded.faults);
        }
    }
}
