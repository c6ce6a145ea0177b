//! APIs and inventories that mean harm: what they say costs so much and no more, what it may lack is unknown, and tenants
//! are verified all the same.

use std::process::Command;

use roundsman_lab::LabOptions;
use serde_json::{Value, json};

use super::{Ended, watched};
use crate::cli::platform::{check, document, tenant, with_tenants};
use crate::cli::{Served, command, platform_with_prompt_logs, serve, with_each};

/// The most memory, whatever an API says, in MiB.
const MOST_MEMORY: u64 = 400;

/// What one API does; the most calls, and how `verify` ends.
struct Try {
    word: &'static str,
    calls: u64,
    exit: i32,
}

const fn tried(word: &'static str, calls: u64, exit: i32) -> Try {
    Try { word, calls, exit }
}

/// The most where nothing new comes: two calls for the records; 10 and 2 for a page of apps for the rest, or instead of them.
const MOST: u64 = 2 + 10 + 2;

const PLATFORM: &[Try] = &[
    tried("graphql-zeros", MOST, 3),
    tried("graphql-crowd", MOST, 3),
    tried("graphql-crowded-app", MOST, 3),
    tried("graphql-errors", MOST, 3),
    tried("graphql-pages", MOST, 3),
    // Each hundred apps earns its calls, and there is room for a hundred pages of fat ones.
    tried("graphql-full-pages", MOST + 150, 3),
    // Twice a hundred pages: a list that moves is read again.
    tried("graphql-inner-pages", MOST + 200, 3),
    tried("graphql-deep", MOST, 3),
    tried("graphql-spaces", MOST, 3),
    tried("graphql-refusal", MOST, 3),
    tried("machines-zeros", MOST, 3),
    tried("machines-crowd", MOST, 3),
    tried("machines-pages", MOST, 3),
    tried("machines-full-pages", MOST + 150, 3),
    tried("machines-checks", MOST, 3),
    tried("machines-labels", MOST, 3),
    tried("machines-regions", MOST, 3),
    tried("machines-refusal", MOST, 3),
    // The zone's listing is optional: without it nothing is unknown.
    tried("records-zeros", MOST, 0),
    tried("records-crowd", MOST, 0),
    tried("records-pages", MOST, 0),
    tried("records-full-pages", MOST + 200, 0),
    tried("records-comments", MOST, 0),
    tried("records-refusal", MOST, 0),
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
];

/// What is told of those tries that hold.
fn holds(served: &Served, tried: &Try, command: &mut Command) -> (Ended, Value) {
    served.stage(&[&format!("api-hostile={}", tried.word)]);
    let before = served.lab.counters().api_requests;
    let ended = watched(command.args(["--format", "json"]));
    let calls = served.lab.counters().api_requests - before;
    println!("{}: {} MiB, {calls} calls", tried.word, ended.peak);
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
            "tenants-pages" | "tenants-next" => &["a3b1", "q7f9"],
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
        let ended = watched(&mut trace);
        let calls = served.lab.counters().api_requests - before;
        println!("{}: {} MiB, {calls} calls", tried.word, ended.peak);
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
    let tables = PLATFORM.iter().chain(INVENTORY).map(|tried| tried.word);
    let tables = tables
        .chain(["logs-zeros", "logs-objects", "logs-pages"])
        .collect::<Vec<_>>();
    for word in words.split(" | ") {
        // Who drips is waited for, and ended by a signal.
        assert!(word.ends_with("-drip") || tables.contains(&word), "{word}");
    }
}
