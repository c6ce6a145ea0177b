//! Tenants that mean harm, many in one round: each has its own finding, the others are well.

use roundsman_lab::LabOptions;

use super::watched;
use crate::cli::platform::{check, document, tenant};
use crate::cli::{command, serve};

/// The most memory for about ten tenants, whatever they do, in MiB.
const MOST_MEMORY: u64 = 150;
/// The most connections for each of them: the first, another where that one was refused or cut, and one at each other
/// address of the edge.
const MOST_CONNECTIONS: u64 = 6;
/// The most questions for each: its types at both servers, asked again over TCP, without EDNS, and through the resolver.
const MOST_QUESTIONS: u64 = 40;
/// The most seconds of a round over them: who is silent is waited for for a few.
const MOST_SECONDS: u64 = 60;
/// Tenants in each round that are well.
const WELL: usize = 2;

/// What one tenant does: the fault, the check that shows it, and how.
type Try = (&'static str, &'static str, &'static str);

const HTTP2: &[Try] = &[
    ("http2-hostile=pings", "site", "http/timeout"),
    ("http2-hostile=settings", "site", "http/timeout"),
    ("http2-hostile=silent", "site", "http/timeout"),
    ("http2-hostile=continuation", "site", "http/too-large"),
    ("http2-hostile=hpack", "site", "http/too-large"),
    ("http2-hostile=empty-data", "site", "http/too-large"),
    ("http2-hostile=interim", "site", "http/timeout"),
    ("http2-hostile=push", "site", "http/malformed"),
    ("http2-hostile=trailers", "site", "http/malformed"),
    ("http2-hostile=resets", "site", "http/closed"),
];

const HTTP1: &[Try] = &[
    ("http1-hostile=silent", "site", "http/timeout"),
    ("http1-hostile=interim", "site", "http/timeout"),
    ("http1-hostile=fields", "site", "http/too-large"),
    ("http1-hostile=folds", "site", "http/too-large"),
    ("http1-hostile=chunks", "site", "http/malformed"),
    ("http1-hostile=switch", "site", "http/protocol"),
    ("http1-hostile=length", "site", "http/too-large"),
    ("http1-hostile=status", "site", "http/too-large"),
];

const PAGES: &[Try] = &[
    ("endless-body", "site", "http/too-large"),
    ("gzip-bomb", "site", "http/too-large"),
    ("huge-head", "site", "http/too-large"),
    ("slow-drip=body", "site", "http/timeout"),
    ("site-malformed=length", "site", "http/malformed"),
    ("site-malformed=cut", "site", "http/malformed"),
];

const TLS: &[Try] = &[
    ("tls-hostile=half", "certificate", "tls/timeout"),
    ("tls-hostile=records", "certificate", "tls/protocol"),
    ("tls-hostile=warnings", "certificate", "tls/protocol"),
    ("tls-hostile=message", "certificate", "tls/malformed"),
    ("tls-hostile=crumbs", "certificate", "tls/protocol"),
    ("tls-hostile=tickets", "site", "http/malformed"),
    ("slow-drip=tls", "certificate", "tls/timeout"),
    ("long-chain", "certificate", "tls/malformed"),
];

const DNS: &[Try] = &[
    ("dns-hostile=silent", "dns", "dns/timeout"),
    ("dns-hostile=addresses", "dns", "dns/mismatch"),
    ("dns-hostile=loop", "dns", "dns/mismatch"),
    ("dns-hostile=aliases", "dns", "dns/mismatch"),
    ("dns-hostile=strangers", "dns", "dns/nodata"),
    ("dns-hostile=referral", "dns", "dns/delegated"),
    ("dns-hostile=texts", "dns", "dns/nodata"),
    ("dns-hostile=truncated", "dns", "dns/timeout"),
    ("dns-hostile=absent", "dns", "dns/nxdomain"),
    ("dns-hostile=unasked", "dns", "dns/timeout"),
];

/// The fault of a table as it is staged at a tenant.
pub(super) fn at(tenant: &str, fault: &str) -> String {
    match fault.split_once('=') {
        Some((cause, word)) => format!("{cause}@{tenant}={word}"),
        None => format!("{fault}@{tenant}"),
    }
}

fn id(number: usize) -> String {
    format!("t{:04}", number + 1)
}

/// A round over these and over some that are well.
fn meets(tries: &[Try]) {
    let faults = tries.iter().enumerate().map(|(number, tried)| at(&id(number), tried.0));
    let faults = faults.collect::<Vec<_>>();
    let faults = faults.iter().map(String::as_str).collect::<Vec<_>>();
    let served = serve(LabOptions::with_tenants(tries.len() + WELL), &faults).impatient();
    // Whoever is well is not late by what the others do; what a busy machine adds is not theirs.
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let text = text.replace("[site]\n", "[site]\nslow = \"5s\"\n");
    std::fs::write(&served.config, text).expect("the configuration can be written");
    let mut verify = command(served.dir.path());
    verify.args(["verify", "--format", "json", "--config"]);
    let ended = watched(verify.arg(&served.config), MOST_SECONDS);
    let report = document(&ended.ran);
    for (number, (fault, shows, reason)) in tries.iter().enumerate() {
        let row = tenant(&report, &id(number));
        let found = check(row, shows);
        let expected = match *reason {
            "dns/timeout" => "unknown",
            _ => "fail",
        };
        assert_eq!(
            (found["outcome"].as_str(), found["reason"].as_str()),
            (Some(expected), Some(*reason)),
            "{fault}: {row}"
        );
        let longest = ["message", "expected", "observed"].map(|part| found[part].as_str().map_or(0, str::len));
        assert!(longest.iter().all(|length| *length < 2_000), "{fault}: {found}");
    }
    for number in tries.len()..tries.len() + WELL {
        assert_eq!(tenant(&report, &id(number))["status"], "healthy", "{}", ended.ran.out);
    }
    assert_eq!(ended.ran.code, Some(1), "{}", ended.ran.err);
    let counters = served.lab.counters();
    let connections = counters.connections.values().sum::<u64>();
    let questions = counters.dns_queries + counters.resolver_queries;
    let (peak, took) = (ended.peak, ended.took);
    println!("{peak} MiB, {connections} connections, {questions} questions, {took:?}");
    let tenants = (tries.len() + WELL) as u64;
    assert!(ended.peak <= MOST_MEMORY, "{} MiB", ended.peak);
    assert!(connections <= tenants * MOST_CONNECTIONS, "{connections} connections");
    assert!(questions <= tenants * MOST_QUESTIONS, "{questions} questions");
}

/// Whoever guesses the id and the port of a question may not know which one it is: the true answer comes behind theirs.
#[test]
fn an_answer_without_its_question_is_not_believed() {
    let served = serve(LabOptions::with_tenants(2), &["dns-hostile@t0001=forged"]);
    let report = served.report(&[]);
    for id in ["t0001", "t0002"] {
        assert_eq!(tenant(&report, id)["status"], "healthy", "{report}");
    }
}

#[test]
fn tenants_that_harm_by_http2_harm_themselves() {
    meets(HTTP2);
}

#[test]
fn tenants_that_harm_by_http1_harm_themselves() {
    meets(HTTP1);
}

#[test]
fn tenants_that_harm_by_pages_harm_themselves() {
    meets(PAGES);
}

#[test]
fn tenants_that_harm_by_tls_harm_themselves() {
    meets(TLS);
}

#[test]
fn names_that_harm_by_dns_harm_themselves() {
    meets(DNS);
}
