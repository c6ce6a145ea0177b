//! APIs and inventories that mean harm: what they say costs so much and no more, what it may lack is unknown, and tenants
//! are verified all the same.

use std::process::Command;

use roundsman_lab::{Counters, LabOptions};
use serde_json::{Value, json};

use super::{Ended, watched};
use crate::cli::platform::{check, document, tenant, with_tenants};
use crate::cli::{Served, command, platform_with_prompt_logs, serve, with_each};

/// The most memory, whatever an API says, in MiB.
const MOST_MEMORY: u64 = 400;

/// What one API does; the most calls and seconds, and how `verify` ends.
struct Try {
    word: &'static str,
    calls: u64,
    exit: i32,
    seconds: u64,
}

const fn tried(word: &'static str, calls: u64, exit: i32) -> Try {
    Try {
        word,
        calls,
        exit,
        seconds: SOON,
    }
}

/// One of many pages, each as long as may be.
const fn long(word: &'static str, calls: u64, exit: i32) -> Try {
    Try {
        seconds: LATE,
        ..tried(word, calls, exit)
    }
}

/// The most seconds of a try with a few answers: it takes one, or ten where much else is built and tested.
const SOON: u64 = 60;
/// The most seconds of one with hundreds: it takes ten, or forty.
const LATE: u64 = 150;

/// The most where nothing new comes: two calls for the records; 10 and 2 for a page of apps for the rest, or instead of them.
const MOST: u64 = 2 + 10 + 2;

const PLATFORM: &[Try] = &[
    tried("graphql-zeros", MOST, 3),
    tried("graphql-crowd", MOST, 3),
    tried("graphql-crowded-app", MOST, 3),
    tried("graphql-errors", MOST, 3),
    tried("graphql-pages", MOST, 3),
    // Each hundred apps earns its calls, and there is room for a hundred pages of fat ones.
    long("graphql-full-pages", MOST + 150, 3),
    // Twice a hundred pages: a list that moves is read again.
    long("graphql-inner-pages", MOST + 200, 3),
    tried("graphql-deep", MOST, 3),
    tried("graphql-spaces", MOST, 3),
    tried("graphql-refusal", MOST, 3),
    // Who asks for a pause without an end, or leads elsewhere, is asked once.
    tried("graphql-pause", MOST, 3),
    tried("graphql-date", MOST, 3),
    tried("graphql-elsewhere", MOST, 3),
    tried("machines-zeros", MOST, 3),
    tried("machines-crowd", MOST, 3),
    tried("machines-pages", MOST, 3),
    long("machines-full-pages", MOST + 150, 3),
    tried("machines-checks", MOST, 3),
    tried("machines-labels", MOST, 3),
    tried("machines-regions", MOST, 3),
    tried("machines-refusal", MOST, 3),
    tried("machines-pause", MOST, 3),
    tried("machines-date", MOST, 3),
    tried("machines-elsewhere", MOST, 3),
    // The zone's listing is optional: without it nothing is unknown.
    tried("records-zeros", MOST, 0),
    tried("records-crowd", MOST, 0),
    tried("records-pages", MOST, 0),
    long("records-full-pages", MOST + 200, 0),
    tried("records-comments", MOST, 0),
    tried("records-refusal", MOST, 0),
    tried("records-pause", MOST, 0),
    tried("records-date", MOST, 0),
    tried("records-elsewhere", MOST, 0),
    tried("records-upwards", MOST, 0),
];

/// What would lead elsewhere and is read to its end: nothing is lacking.
const LEADING: &[Try] = &[tried("machines-cursor", MOST + 10, 0), tried("records-zone", MOST, 0)];

/// The operation that an API is asked for first.
const FIRST: &[(&str, &str)] = &[
    ("graphql", "graphql/Sweep"),
    ("machines", "machines/org-machines-list"),
    ("records", "cloudflare/records-list"),
    ("tenants", "tenants/list"),
];

const INVENTORY: &[Try] = &[
    tried("tenants-zeros", MOST, 3),
    tried("tenants-objects", MOST, 3),
    tried("tenants-same", MOST, 3),
    // Each page names two twice, and a hundred wrong entries are enough.
    tried("tenants-pages", MOST + 50, 3),
    tried("tenants-one", MOST, 3),
    tried("tenants-labels", MOST, 3),
    tried("tenants-next", MOST, 3),
    tried("tenants-deep", MOST, 3),
    tried("tenants-spaces", MOST, 3),
    tried("tenants-pause", MOST, 3),
    tried("tenants-date", MOST, 3),
    tried("tenants-elsewhere", MOST, 3),
    tried("tenants-cursor", MOST, 0),
];

/// What is told of those tries that hold.
fn holds(served: &Served, tried: &Try, command: &mut Command) -> (Ended, Value) {
    served.stage(&[&format!("api-hostile={}", tried.word)]);
    let before = served.lab.counters();
    let ended = watched(command.args(["--format", "json"]), tried.seconds);
    let after = served.lab.counters();
    let calls = after.api_requests - before.api_requests;
    println!("{}: {} MiB, {calls} calls, {:?}", tried.word, ended.peak, ended.took);
    if let Some((api, "pause" | "date" | "elsewhere")) = tried.word.split_once('-') {
        let first = FIRST.iter().find(|(name, _)| *name == api).expect("an API").1;
        let asked = |counters: &Counters| counters.api.get(first).copied().unwrap_or_default();
        assert_eq!(asked(&after) - asked(&before), 1, "{}: {:?}", tried.word, after.api);
    }
    let report = document(&ended.ran);
    assert_eq!(ended.ran.code, Some(tried.exit), "{}: {}", tried.word, ended.ran.out);
    assert!(ended.peak <= MOST_MEMORY, "{}: {} MiB", tried.word, ended.peak);
    assert!(calls <= tried.calls, "{}: {calls} calls", tried.word);
    assert_eq!(report["summary"]["failing"], 0, "{}: {}", tried.word, ended.ran.out);
    (ended, report)
}

#[test]
fn whatever_the_platform_says_tenants_are_verified() {
    let lab = || serve(platform_with_prompt_logs(), &[]);
    with_each(lab, PLATFORM, |served, tried| {
        let (_, report) = holds(served, tried, &mut served.command());
        for id in served.lab.tenants() {
            let row = tenant(&report, id);
            for name in ["dns", "certificate", "site", "route"] {
                assert_eq!(check(row, name)["outcome"], "pass", "{}: {row}", tried.word);
            }
            // What was left out is never complete.
            let shown = match tried.word.split('-').next() {
                Some("graphql") => Some(check(row, "conflicts")),
                Some("machines") => Some(check(row, "app")),
                _ => None,
            };
            assert!(
                shown.is_none_or(|found| found["outcome"] == "unknown"),
                "{}: {row}",
                tried.word
            );
        }
    });
}

#[test]
fn what_would_lead_elsewhere_stays_in_its_place() {
    let lab = || serve(platform_with_prompt_logs(), &[]);
    with_each(lab, LEADING, |served, tried| {
        let (_, report) = holds(served, tried, &mut served.command());
        assert_eq!(report["causes"].as_array().map(Vec::len), Some(0), "{report}");
        for id in served.lab.tenants() {
            assert_eq!(tenant(&report, id)["status"], "healthy", "{}: {report}", tried.word);
        }
        let strange = served.lab.counters().api.into_keys();
        let strange = strange.filter(|operation| operation.ends_with("/unknown"));
        assert_eq!(strange.collect::<Vec<_>>(), Vec::<String>::new(), "{}", tried.word);
    });
}

#[test]
fn whatever_the_inventory_says_those_it_names_are_verified() {
    let lab = || {
        let served = with_tenants(
            LabOptions::with_platform(),
            "source = \"http\"\nurl = \"URL\"\nnext = \"/next\"",
        );
        let text = std::fs::read_to_string(&served.config).expect("the configuration");
        let url = format!("{}/tenants", served.lab.api_url().expect("a platform"));
        std::fs::write(&served.config, text.replace("URL", &url)).expect("it can be written");
        served
    };
    with_each(lab, INVENTORY, |served, tried| {
        let (_, report) = holds(served, tried, &mut served.command());
        let rows = report["tenants"].as_array().map_or(&[][..], Vec::as_slice);
        for row in rows {
            assert_eq!(row["status"], "healthy", "{}: {row}", tried.word);
        }
        let named = rows.iter().filter_map(|row| row["tenant"].as_str()).collect::<Vec<_>>();
        let expected = match tried.word {
            "tenants-same" => &["q7f9"][..],
            "tenants-one" | "tenants-labels" => &["a3b1"],
            "tenants-pages" | "tenants-next" | "tenants-cursor" => &["a3b1", "q7f9"],
            _ => &[],
        };
        assert_eq!(named, expected, "{}", tried.word);
    });
}

#[test]
fn whatever_the_logs_say_a_request_is_traced() {
    let lab = || serve(platform_with_prompt_logs(), &[]);
    let tries = [
        tried("logs-zeros", 40, 1),
        tried("logs-objects", 40, 1),
        tried("logs-pages", 40, 1),
    ];
    with_each(lab, tries, |served, tried| {
        served.stage(&[&format!("api-hostile={}", tried.word), "site-status@q7f9=500"]);
        let before = served.lab.counters().api_requests;
        let mut trace = command(served.dir.path());
        trace
            .env("FLY_API_TOKEN", served.lab.fly_token())
            .env("CLOUDFLARE_API_TOKEN", served.lab.cloudflare_token())
            .args(["trace", "q7f9", "--format", "json", "--config"])
            .arg(&served.config);
        let ended = watched(&mut trace, tried.seconds);
        let calls = served.lab.counters().api_requests - before;
        println!("{}: {} MiB, {calls} calls, {:?}", tried.word, ended.peak, ended.took);
        assert_eq!(ended.ran.code, Some(tried.exit), "{}: {}", tried.word, ended.ran.err);
        assert!(ended.peak <= MOST_MEMORY, "{}: {} MiB", tried.word, ended.peak);
        assert!(calls <= tried.calls, "{}: {calls} calls", tried.word);
        assert_eq!(document(&ended.ran)["tenant"], json!("q7f9"));
    });
}

#[test]
fn every_try_is_in_a_table() {
    let entry = roundsman_lab::Fault::catalog()
        .iter()
        .find(|entry| entry.name == "api-hostile");
    let words = entry.expect("the fault").details();
    let tables = PLATFORM.iter().chain(LEADING).chain(INVENTORY).map(|tried| tried.word);
    let tables = tables
        .chain(["logs-zeros", "logs-objects", "logs-pages"])
        .collect::<Vec<_>>();
    for word in words.split(" | ") {
        // Who drips is waited for, and ended by a signal.
        assert!(word.ends_with("-drip") || tables.contains(&word), "{word}");
    }
}
