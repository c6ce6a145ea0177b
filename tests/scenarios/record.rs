//! Records one small world per scenario for the tests of the judging crate, which then need no socket:
//! `ROUNDSMAN_RECORD=1 cargo test --test main record`.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use roundsman_lab::LabOptions;

use crate::support::{bench, scenarios};

/// Where the judging crate reads them.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/checks/tests/data/worlds.jsonl.gz");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worlds_are_recorded_where_asked() {
    if std::env::var_os("ROUNDSMAN_RECORD").is_none() {
        return;
    }
    let tenants = ["q7f9", "a3b1", "c04e"].map(str::to_owned).to_vec();
    let bench = bench(LabOptions {
        tenants,
        ..LabOptions::default()
    })
    .await;
    let mut file = GzEncoder::new(std::fs::File::create(FILE).expect("the file"), Compression::best());
    let mut faults = vec![Vec::new()];
    faults.extend(scenarios().into_iter().map(|scenario| vec![scenario.fault]));
    faults.extend(
        TOGETHER
            .iter()
            .map(|faults| faults.split(' ').map(str::to_owned).collect()),
    );
    for faults in faults {
        bench.stage(&faults).await;
        let outcome = bench.round().await;
        let line = serde_json::json!({ "faults": faults, "world": outcome.world });
        writeln!(file, "{line}").expect("the line is written");
    }
    file.finish().expect("the file is whole");
}

/// Faults that meet: precedence, merging, what stays visible.
const TOGETHER: &[&str] = &[
    "wildcard-dns-missing dns-override@q7f9 dns-blocked@a3b1",
    "wildcard-dns-mismatch dns-delegated@q7f9 dns-override@a3b1=both",
    "wildcard-certificate-expired certificate-expired@q7f9 certificate-untrusted@a3b1",
    "wildcard-certificate-expiring certificate-expiring@q7f9 caa-forbids-issuance@a3b1",
    "dns-override@q7f9 certificate-expired@q7f9 site-status@q7f9",
    "site-status@q7f9 site-status@a3b1=404 site-slow@c04e=2100",
    "route-wrong-tenant@q7f9 site-slow@q7f9=2100 tls-eof@a3b1",
    "edge-tls-failing=127.0.0.1 tls-reset@q7f9",
    "edge-unreachable=::1 dns-stale-resolver@q7f9 site-redirect@a3b1",
    "dns-servers-failing=servfail/1 dns-override@q7f9 dns-blocked@a3b1=mx",
    "dnssec-bogus dns-override@q7f9 certificate-name-mismatch@a3b1",
    "clock-wrong dns-override@q7f9 certificate-expired@a3b1",
    "platform-outage=100 dns-override@q7f9 certificate-chain-incomplete@a3b1",
    "caa-forbids-issuance caa-forbids-issuance@q7f9",
    "wildcard-cname dns-override@q7f9=cname dns-override@a3b1=equal",
];
