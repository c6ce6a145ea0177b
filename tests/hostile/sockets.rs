//! Peers that keep connections open: when a look is over, nothing of it is left, however often it is repeated.

use std::process::Stdio;

use roundsman::agent::clock::Moment;
use roundsman_lab::LabOptions;

use super::tenants::at;
use super::{end, memory};
use crate::cli::serve;

/// A look makes two requests to a tenant that answers wrongly, so that within three there is the pause behind a look: the
/// fewest sockets of that time are those that looks leave behind.
const REQUESTS: u64 = 3;
/// How many times that is compared.
const PERIODS: u64 = 4;
/// Whoever is failing is looked at again: each of these is.
const OPEN: &[&str] = &[
    "http2-hostile=pings",
    "http2-hostile=settings",
    "http2-hostile=silent",
    "http2-hostile=interim",
    "http2-hostile=resets",
    "http1-hostile=silent",
    "http1-hostile=interim",
    "http1-hostile=switch",
    "tls-hostile=half",
    "tls-hostile=crumbs",
    "tls-timeout",
    "slow-drip=tls",
    "slow-drip=body",
    "endless-body",
    "dns-hostile=truncated",
];

/// Sockets that a process has.
fn sockets(process: u32) -> Option<usize> {
    let descriptors = std::fs::read_dir(format!("/proc/{process}/fd")).ok()?;
    let targets = descriptors.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    Some(
        targets
            .filter(|target| target.to_string_lossy().starts_with("socket:"))
            .count(),
    )
}

#[test]
fn rounds_leave_no_socket_behind() {
    let tenants = OPEN.len() + 1;
    let mut faults = OPEN
        .iter()
        .enumerate()
        .map(|(number, fault)| at(&format!("t{:04}", number + 1), fault))
        .collect::<Vec<_>>();
    // This one answers each look, and tells the rounds apart.
    let pace = format!("t{tenants:04}");
    faults.push(format!("site-status@{pace}=404"));
    let faults = faults.iter().map(String::as_str).collect::<Vec<_>>();
    let served = serve(LabOptions::with_tenants(tenants), &faults);
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let text = text.replace("[dns]\n", "[dns]\ntimeout = \"300ms\"\n");
    let text = text.replace("[site]\n", "[site]\nconnect_timeout = \"500ms\"\ntimeout = \"500ms\"\n");
    std::fs::write(&served.config, text).expect("it can be written");
    let mut verify = served.command();
    verify
        .args(["--wait", "10m"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = verify.spawn().expect("the binary runs");
    let asked = || served.lab.counters().requests[&pace];
    let started = Moment::now();
    let mut fewest = Vec::new();
    for period in 1..=PERIODS {
        let mut least = usize::MAX;
        while asked() < period * REQUESTS {
            least = least.min(sockets(child.id()).unwrap_or(usize::MAX));
            if started.elapsed() > super::HANGS {
                end(&mut child);
                panic!("no further look; {fewest:?}");
            }
            std::thread::sleep(super::GLANCE);
        }
        fewest.push(least);
    }
    let peak = memory(child.id());
    end(&mut child);
    println!("{fewest:?} sockets, {peak:?} MiB");
    // In the first one the program begins.
    assert!(fewest[1..].iter().all(|least| *least <= fewest[1]), "{fewest:?}");
}
