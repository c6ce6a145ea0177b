//! The page of limits against the sources: each number that it promises is the constant that holds it.

use std::path::Path;

/// A row of the page by its first cell, words of its second one, the file with the constant, and the constant as it stands
/// there.
type Row = (&'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const LIMITS: &[Row] = &[
    ("one call of an API", "3 attempts", "checks/src/platform/http.rs", "ATTEMPTS: u32 = 3;"),
    ("one call of an API", "of 6, 10 and 14 s", "checks/src/platform/http.rs", "TIMEOUTS: [u64; ATTEMPTS as usize] = [6, 10, 14];"),
    ("one call of an API", "`Retry-After` up to 5 s", "checks/src/platform/http.rs", "PATIENCE: Duration = Duration::from_secs(5);"),
    ("one answer of an API", "16 MiB", "checks/src/platform/http.rs", "MAX_ANSWER: usize = 16 * 1024 * 1024;"),
    ("one answer of an API", "64 KiB of a refusal", "checks/src/platform/http.rs", "MAX_REFUSAL: usize = 64 * 1024;"),
    ("one answer of an API", "of the logs 4 MiB", "checks/src/platform/fly/logs.rs", "MOST_BYTES: usize = 4 * 1024 * 1024;"),
    ("one answer of an API", "500 lines", "checks/src/platform/fly/logs.rs", "MOST_LINES: usize = 500;"),
    ("one answer of an API", "256 KiB a line", "checks/src/platform/fly/logs.rs", "LONGEST_ENTRY: usize = 256 * 1024;"),
    ("one bulk read", "120 s", "src/agent/platform.rs", "BULK: Duration = Duration::from_secs(120);"),
    ("one bulk read", "10 calls", "checks/src/platform/bulk.rs", "FREE_CALLS: usize = 10;"),
    ("one bulk read", "2 for each page", "checks/src/platform/bulk.rs", "CALLS_PER_PAGE: usize = 2;"),
    ("one bulk read", "of 50 apps", "checks/src/platform/bulk.rs", "APPS_PER_PAGE: usize = 50;"),
    ("one bulk read", "256 MiB of what is kept", "checks/src/platform/fly/client.rs", "ROOM: usize = 256 * 1024 * 1024;"),
    ("one bulk read", "128 MiB of records", "checks/src/platform/cloudflare.rs", "ROOM: usize = 128 * 1024 * 1024;"),
    ("pages", "5,000 of apps", "checks/src/platform/fly/graphql.rs", "MOST_PAGES: usize = 5000;"),
    ("pages", "1,000 of machines", "checks/src/platform/fly/machines.rs", "MOST_PAGES: usize = 1000;"),
    ("pages", "200 of records", "checks/src/platform/cloudflare.rs", "MOST_PAGES: usize = 200;"),
    ("pages", "100 of a list inside of an app", "checks/src/platform/fly/lists.rs", "MOST_PAGES: usize = 100;"),
    ("pages", "64 MiB of machines", "checks/src/platform/fly/machines.rs", "MOST_OF_A_PAGE: usize = 64 * 1024 * 1024;"),
    ("machines of one app", "10,000", "checks/src/platform/fly/machines.rs", "MOST_OF_AN_APP: usize = 10_000;"),
    ("a name that a platform gives", "256 bytes", "checks/src/platform/fly/node.rs", "LONGEST_NAME: usize = 256;"),
    ("an answer that is read on the loop", "256 KiB", "checks/src/platform/bulk.rs", "READ_AT_ONCE: usize = 256 * 1024;"),
    ("an answer that is read on the loop", "256 KiB", "src/inventory/remote.rs", "READ_AT_ONCE: usize = 256 << 10;"),
    ("finding the zone's servers", "13 servers", "checks/src/gather/servers.rs", "MOST_SERVERS: usize = 13;"),
    ("addresses of the edge that a platform names", "32", "src/agent/run.rs", "MOST_ADDRESSES: usize = 32;"),
    ("the address of an app that is asked directly", "a public one", "checks/src/gather/reach.rs", "fn may_be_visited"),
    ("apps asked about one by one", "50", "checks/src/gather/details.rs", "IN_A_ROUND: u32 = 50;"),
    ("apps asked about one by one", "10 at once", "checks/src/gather/details.rs", "AT_ONCE: u32 = 10;"),
    ("apps asked about one by one", "one more every 6 s", "checks/src/gather/details.rs", "ONE_MORE: Duration = Duration::from_secs(6);"),
    ("an inventory", "file 64 MiB", "src/inventory/read.rs", "MAX_INVENTORY: u64 = 64 << 20;"),
    ("an inventory", "1 MiB an entry", "src/inventory/json.rs", "MAX_VALUE: usize = 1 << 20;"),
    ("an inventory", "16 MiB a page", "src/inventory/remote.rs", "MAX_PAGE: usize = 16 << 20;"),
    ("an inventory", "10,000 pages", "src/inventory/remote.rs", "MOST_PAGES: usize = 10_000;"),
    ("an inventory", "120 s", "src/inventory/remote.rs", "WHOLE: Duration = Duration::from_secs(120);"),
    ("an inventory", "128 MiB in all", "src/inventory/remote.rs", "MOST_TEXT: usize = 128 << 20;"),
    ("an inventory", "a million tenants", "src/inventory/remote.rs", "MOST_TENANTS: usize = 1_000_000;"),
    ("an inventory", "100 wrong entries", "src/inventory/remote.rs", "MOST_FAULTS: usize = 100;"),
    ("a visit", "a head of 64 KiB", "checks/src/probe/channel.rs", "MAX_HEAD: u32 = 64 * 1024;"),
    ("a visit", "five codings", "checks/src/probe/unpack.rs", "MOST_CODINGS: usize = 5;"),
    ("a visit", "4 KiB of it are kept", "checks/src/probe/body.rs", "KEPT: usize = 4096;"),
    ("a chain", "64 KiB", "checks/src/chain/judge.rs", "const LONGEST: usize = 64 * 1024;"),
    ("a chain", "a path of 16 certificates", "checks/src/chain/flaw.rs", "HIGHEST: usize = 16;"),
    ("a chain", "at 8 moments", "checks/src/chain/judge.rs", "MOST_ENDS: usize = 8;"),
    ("tenants looked at together", "4,096", "checks/src/gather/concurrency.rs", "MOST: usize = 4_096;"),
    ("a recording", "a million lines", "src/recording/read.rs", "MAX_LINES: usize = 1_000_000;"),
    ("a recording", "256 MiB a line", "src/recording/read.rs", "MAX_LINE: u64 = 256 << 20;"),
    ("a recording", "200 times its own size", "src/recording/read.rs", "MOST_UNPACKED: u64 = 200;"),
    ("a recording", "256 MiB in any case", "src/recording/read.rs", "ALWAYS_UNPACKED: u64 = 256 << 20;"),
    ("`roundsman doctor`", "6 s for each question", "src/doctor/mod.rs", "PATIENCE: Duration = Duration::from_secs(6);"),
    ("`roundsman doctor`", "5 s for a name server", "src/doctor/names.rs", "LONGEST: Duration = Duration::from_secs(5);"),
    ("`roundsman doctor`", "12 s to find the zone", "src/doctor/names.rs", "SEARCH: Duration = Duration::from_secs(12);"),
    ("`roundsman doctor`", "an address of the edge", "src/doctor/edge.rs", "PATIENCE: Duration = Duration::from_secs(5);"),
    ("`roundsman doctor`", "for the files that a check needs", "src/doctor/mod.rs", "FILES: Duration = Duration::from_secs(5);"),
    ("a repair", "of 10 s", "checks/src/platform/http/change.rs", "PATIENCE: Duration = Duration::from_secs(10);"),
    ("a repair", "less than 2 s before", "src/remediation/execute.rs", "JUST_NOW: Duration = Duration::from_secs(2);"),
    ("a repair", "200 apps looked at", "src/cli/remediate/plan.rs", "MOST_APPS: usize = 200;"),
    ("a repair", "100 records at a name", "checks/src/platform/cloudflare/writer.rs", "MOST_AT_A_NAME: usize = 100;"),
    ("a configuration", "16 MiB", "src/config/load.rs", "MAX_CONFIG: u64 = 16 << 20;"),
    ("a configuration", "50 mistakes", "src/config/error.rs", "MOST_MISTAKES: usize = 50;"),
    ("a configuration", "64 KiB a secret", "src/config/secret.rs", "MAX_SECRET: u64 = 64 * 1024;"),
    ("trusted roots: `[edge] ca_file`, `SSL_CERT_FILE`, `SSL_CERT_DIR`", "16 MiB a file", "src/agent/roots.rs", "MOST_OF_A_FILE: u64 = 16 << 20;"),
    ("trusted roots: `[edge] ca_file`, `SSL_CERT_FILE`, `SSL_CERT_DIR`", "10,000 files", "src/agent/roots.rs", "MOST_FILES: usize = 10_000;"),
    ("the local API of `watch`", "32 conversations", "src/daemon/api.rs", "TOGETHER: usize = 32;"),
    ("the local API of `watch`", "5 s", "src/daemon/api.rs", "PATIENCE: Duration = Duration::from_secs(5);"),
    ("the local API of `watch`", "64 KiB each", "src/daemon/api.rs", "LONGEST: u64 = 64 * 1024;"),
    ("`/healthz`, `/readyz`, `/metrics` and `/probe`", "64 connections", "src/daemon/web.rs", "TOGETHER: usize = 64;"),
    ("`/healthz`, `/readyz`, `/metrics` and `/probe`", "of 60 s", "src/daemon/web.rs", "LIFE: Duration = Duration::from_secs(60);"),
    ("`/healthz`, `/readyz`, `/metrics` and `/probe`", "16 together", "src/daemon/watcher.rs", "PROBES: usize = 16;"),
    ("`/healthz`, `/readyz`, `/metrics` and `/probe`", "a head of 16 KiB", "src/daemon/web.rs", "const LONGEST_HEAD: usize = 16 * 1024;"),
    ("the API over HTTP", "a body of 64 KiB", "src/daemon/web/extract.rs", "LONGEST_BODY: usize = 64 * 1024;"),
    ("the API over HTTP", "within 5 s", "src/daemon/web/extract.rs", "PATIENCE: Duration = Duration::from_secs(5);"),
    ("the API over HTTP", "four read", "src/daemon/web.rs", "READERS: usize = 4;"),
    ("what waits for the database", "200,000 results", "src/store/queue.rs", "WAITING: usize = 200_000;"),
    ("what waits for the database", "10,000 changes of incidents", "src/store/queue.rs", "URGENT: usize = 10_000;"),
    ("a mail server", "1 MiB", "alerts/src/channel/gate.rs", "MOST: usize = 1024 * 1024;"),
    ("a mail server", "10 s for a connection", "alerts/src/channel/smtp.rs", "connect: Duration::from_secs(10),"),
    ("a mail server", "15 s for each step", "alerts/src/channel/smtp.rs", "step: Duration::from_secs(15),"),
    ("a mail server", "45 s for the last reply", "alerts/src/channel/smtp.rs", "last_reply: Duration::from_secs(45),"),
    ("a service that is told over HTTP", "20 s", "alerts/src/channel/http.rs", "PATIENCE: Duration = Duration::from_secs(20);"),
    ("a service that is told over HTTP", "4 KiB", "alerts/src/channel/http.rs", "ANSWER: usize = 4 * 1024;"),
    ("a collector of OTLP", "64 KiB of its answer", "src/telemetry/otlp/send.rs", "ANSWER: usize = 64 * 1024;"),
    ("a collector of OTLP", "tried again for 5 min", "src/telemetry/otlp/exporter.rs", "PATIENCE: Duration = Duration::from_secs(300);"),
    ("a collector of OTLP", "an hour later", "src/telemetry/otlp/retry.rs", "LONGEST_ASKED: Duration = Duration::from_secs(3600);"),
    ("a collector of OTLP", "16 MiB wait", "src/telemetry/otlp/queue.rs", "MOST: usize = 16 << 20;"),
    ("a collector of OTLP", "12 MiB of one signal", "src/telemetry/otlp/queue.rs", "MOST_OF_ONE: usize = 12 << 20;"),
    ("a collector of OTLP", "requests of 1 MiB", "src/telemetry/otlp/queue.rs", "REQUEST: usize = 1 << 20;"),
    ("a collector of OTLP", "5 s at the end", "src/telemetry/otlp/exporter.rs", "FLUSH_WITHIN: Duration = Duration::from_secs(5);"),
    ("what waits for one recipient", "10,000 messages", "alerts/src/notification/outbox/line.rs", "WAITING: usize = 10_000;"),
    ("what waits for one recipient", "four days", "alerts/src/notification/outbox/line.rs", "GIVE_UP: SignedDuration = SignedDuration::from_hours(4 * 24);"),
    ("a message", "20 incidents", "alerts/src/notification/compose.rs", "INCIDENTS: usize = 20;"),
    ("a message", "10 lines", "alerts/src/notification/compose.rs", "LINES: usize = 10;"),
    ("a message", "300 characters", "alerts/src/text.rs", "LINE: usize = 300;"),
    ("chains of `watch`", "4,096", "src/daemon/watcher.rs", "CHAINS: NonZeroUsize = NonZeroUsize::new(4_096)"),
    ("a baseline", "512 MiB", "src/gate/baseline.rs", "MAX_REPORT: u64 = 512 << 20;"),
    ("one sentence", "32 addresses", "checks/src/reading/text.rs", "MOST_JOINED: usize = 32;"),
    ("a signal", "half a second", "src/cli/stoppable.rs", "GRACE: Duration = Duration::from_millis(500);"),
    ("descriptors", "fewer than 16", "src/cli/stoppable.rs", "FEWEST_DESCRIPTORS: u64 = 16;"),
];

#[test]
fn every_limit_of_the_page_is_the_one_of_the_source() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(here.join("docs/security.md")).expect("the page");
    let table = page
        .split("## Limits")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next());
    let rows = table.expect("the limits").lines().filter_map(|line| {
        let mut cells = line.trim_matches('|').splitn(3, '|').map(str::trim);
        let row = (cells.next()?, cells.next()?);
        let (head, _) = row;
        (cells.next().is_some() && head != "what" && !head.starts_with("---")).then_some(row)
    });
    let rows = rows.collect::<Vec<_>>();
    assert!(rows.len() > 20, "{rows:?}");
    for (what, words, file, constant) in LIMITS {
        let said = rows.iter().find(|(head, _)| head == what);
        let (_, said) = said.unwrap_or_else(|| panic!("no row about {what}"));
        assert!(said.contains(words), "{what}: `{words}` is not said: {said}");
        let source = std::fs::read_to_string(here.join(file)).expect("a source");
        assert!(source.contains(constant), "{file} has no `{constant}`");
    }
    // A row that nothing holds to the sources promises what nobody looks after.
    for (head, _) in rows {
        assert!(
            LIMITS.iter().any(|(what, ..)| *what == head),
            "nothing looks after {head}"
        );
    }
}
