//! Repairs, through the binary: what is planned and what is not, what is carried out, proved, written down and taken back.

mod apply;
mod crash;
mod interleave;
mod ledger;
mod limits;
mod plans;
mod traces;
mod undo;

use std::time::Duration;

use roundsman_lab::LabOptions;
use serde_json::Value;

use crate::cli::platform::document;
use crate::cli::{Ran, Served, command, serve};

/// A lab with a platform, and the tokens that may change it.
pub(crate) fn repairable(tenants: &[&str], faults: &[&str]) -> Served {
    let options = LabOptions {
        tenants: tenants.iter().map(|id| (*id).to_owned()).collect(),
        ..LabOptions::with_platform()
    };
    let served = serve(options, faults).impatient();
    configure(&served, "[remediation]\nverify_for = \"20s\"\n");
    served
}

/// Adds to the configuration; what is said of `[remediation]` last counts.
pub(crate) fn configure(served: &Served, more: &str) {
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let (text, more) = match more.strip_prefix("[remediation]\n") {
        Some(rest) if text.contains("[remediation]\n") => (
            text.replace("[remediation]\n", &format!("[remediation]\n{rest}")),
            String::new(),
        ),
        _ => (text, more.to_owned()),
    };
    std::fs::write(&served.config, text + &more).expect("the configuration can be written");
}

/// Runs `roundsman remediate` with tokens that may write.
pub(crate) fn remediate(served: &Served, arguments: &[&str]) -> Ran {
    let tokens = (served.lab.fly_token(), served.lab.cloudflare_token());
    remediate_with(served, arguments, Some(tokens))
}

/// The same with these tokens for writing, or none.
pub(crate) fn remediate_with(served: &Served, arguments: &[&str], tokens: Option<(&str, &str)>) -> Ran {
    let mut command = ready(served, tokens);
    command.args(arguments).output().expect("the binary runs").into()
}

/// `roundsman remediate` over a lab, ready for more.
pub(crate) fn ready(served: &Served, tokens: Option<(&str, &str)>) -> std::process::Command {
    let (fly_reads, cloudflare_reads) = served.lab.read_tokens();
    let mut command = command(served.dir.path());
    command
        .env("ROUNDSMAN_CONFIG", &served.config)
        .env("FLY_API_TOKEN", fly_reads)
        .env("CLOUDFLARE_API_TOKEN", cloudflare_reads)
        .env_remove("FLY_WRITE_TOKEN")
        .env_remove("CLOUDFLARE_WRITE_TOKEN")
        .stdin(std::process::Stdio::null())
        .arg("remediate");
    if let Some((fly, cloudflare)) = tokens {
        command
            .env("FLY_WRITE_TOKEN", fly)
            .env("CLOUDFLARE_WRITE_TOKEN", cloudflare);
    }
    command
}

/// What is planned, as a program reads it.
pub(crate) fn planned(served: &Served, arguments: &[&str]) -> Value {
    document(&remediate(served, &[&["--format", "json"], arguments].concat()))
}

/// The plan for a tenant.
pub(crate) fn plan_of<'p>(document: &'p Value, tenant: &str) -> &'p Value {
    let mut plans = document["plans"].as_array().into_iter().flatten();
    plans
        .find(|plan| plan["tenant"] == tenant)
        .unwrap_or_else(|| panic!("no plan for {tenant}: {document:#}"))
}

/// What each action of a tenant's plan came to, as `action:result` or `action:result:reason`.
pub(crate) fn results(document: &Value, tenant: &str) -> Vec<String> {
    let actions = plan_of(document, tenant)["actions"].as_array();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let result = |action: &Value| {
        let (name, result) = (word(&action["action"]), word(&action["result"]));
        match action["reason"].as_str() {
            Some(reason) => format!("{name}:{result}:{reason}"),
            None => format!("{name}:{result}"),
        }
    };
    actions.into_iter().flatten().map(result).collect()
}

/// The guard that holds the repair of a tenant, or of all (`None`).
pub(crate) fn guard_of(document: &Value, tenant: Option<&str>) -> Option<String> {
    let refusals = document["refusals"].as_array().into_iter().flatten();
    let mut of = refusals.filter(|refusal| refusal["tenant"].as_str() == tenant);
    Some(of.next()?["guard"].as_str()?.to_owned())
}

/// Waits for something that another process brings about.
pub(crate) fn wait_until(mut is_so: impl FnMut() -> bool) {
    let stopwatch = roundsman_checks::clock::Stopwatch::start();
    while !is_so() {
        assert!(!stopwatch.left(Duration::from_secs(60)).is_zero(), "it never came");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The calls that changed something, as the platform saw them.
pub(crate) fn writes(served: &Served) -> Vec<String> {
    served.lab.writes()
}
