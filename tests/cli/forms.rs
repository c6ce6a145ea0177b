//! What a person sees: every human form, with what differs from run to run masked.

use roundsman_lab::LabOptions;

use super::{Ran, Served, serve, with_each};
use crate::support::scenarios;

/// Masks ports, fresh labels and dates.
fn masked(text: &str, served: &Served) -> String {
    let mut text = text.to_owned();
    let dns = served.lab.dns_servers().iter().map(|socket| (socket.port(), "DNS"));
    let others = [
        (served.lab.resolver().port(), "RESOLVER"),
        (served.lab.edge_port(), "EDGE"),
    ];
    for (port, name) in dns.chain(others) {
        text = text.replace(&format!(":{port}"), &format!(":{name}"));
        text = text.replace(&format!("-p {port} "), &format!("-p {name} "));
    }
    // Which address a tenant was visited at rotates from round to round.
    text = text
        .replace("[::1]:EDGE", "ADDRESS:EDGE")
        .replace("127.0.0.1:EDGE", "ADDRESS:EDGE");
    let mut clean = String::new();
    let mut rest = text.as_str();
    while let Some(found) = rest.find(".tenants.test") {
        let (before, after) = rest.split_at(found);
        let start = before.rfind(|c: char| !c.is_ascii_lowercase()).map_or(0, |at| at + 1);
        let fresh = before.len() - start == 15;
        clean.push_str(&before[..start]);
        clean.push_str(if fresh { "CONTROL" } else { &before[start..] });
        clean.push_str(".tenants.test");
        rest = &after[".tenants.test".len()..];
    }
    clean.push_str(rest);
    clean.split_inclusive([' ', '\n']).map(mask_date).collect()
}

/// The head line without its time, and without the place that it was looked from.
fn without_time(line: &str) -> String {
    match line.split_once(" · DATE ") {
        Some((before, _)) => format!("{before} · DATE TIME UTC · from HERE"),
        None => line.to_owned(),
    }
}

fn mask_date(word: &str) -> String {
    let clean = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let is_date = clean.len() >= 10
        && clean.bytes().take(10).enumerate().all(|(at, byte)| {
            if at == 4 || at == 7 {
                byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        });
    if is_date {
        word.replace(clean, "DATE")
    } else {
        word.to_owned()
    }
}

/// The report without the numbers of its last line and the phases of a slow answer.
fn steady(ran: &Ran, served: &Served) -> String {
    let text = masked(&ran.out, served);
    let lines = text.lines().map(|line| {
        let numbers = line.starts_with("checks") || line.contains(" ms") || line.contains("took ");
        if numbers {
            line.split(' ')
                .map(|word| {
                    if word.contains('.') || line.contains(" ms") {
                        let word = word.replace(|c: char| c.is_ascii_digit(), "0");
                        // A round on a busy machine takes more than ten seconds.
                        match line.starts_with("checks") && word == "00.0" {
                            true => "0.0".to_owned(),
                            false => word,
                        }
                    } else {
                        word.to_owned()
                    }
                })
                .collect::<Vec<_>>()
                .join(" ")
        } else {
            line.to_owned()
        }
    });
    let lines = lines.map(|line| without_time(&line));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_cause_reads_well() {
    let scenarios = scenarios().into_iter().filter(|scenario| !scenario.slow);
    let serve = || serve(LabOptions::default(), &[]);
    let told = with_each(serve, scenarios, |served, scenario| {
        served.stage(&[&scenario.fault]);
        let ran = served.verify(&[]);
        assert!(!ran.out.contains('\x1b'), "{}: control codes in a pipe", scenario.fault);
        let text = steady(&ran, served);
        let causes = text.split("\n\n").filter(|block| {
            ["FAIL ", "WARN ", "UNKNOWN "]
                .iter()
                .any(|label| block.starts_with(label))
        });
        let causes = causes.collect::<Vec<_>>().join("\n\n");
        format!("--- {}\n{causes}\n", scenario.fault)
    });
    let all = told.concat();
    insta::assert_snapshot!(all);
}

#[test]
fn a_healthy_round_is_short() {
    let served = serve(LabOptions::with_tenants(1000), &[]);
    insta::assert_snapshot!(steady(&served.verify(&[]), &served));
}

#[test]
fn a_bad_night_reads_as_a_story() {
    let faults = [
        "dns-override@q7f9",
        "dns-override@a3b1=aaaa",
        "certificate-expired@c04e",
        "site-status@d9a2",
        "site-status@e51f=404",
        "dns-stale-resolver@f8c3",
        "tls-eof@b6d0",
    ];
    let served = serve(LabOptions::default(), &faults);
    insta::assert_snapshot!(steady(&served.verify(&[]), &served));
}

#[test]
fn a_resolver_that_differs_is_told_once_and_nothing_comes_of_it() {
    let served = serve(LabOptions::default(), &["resolver-differs=private"]);
    let ran = served.verify(&[]);
    assert_eq!(ran.out.matches("resolver-differs").count(), 1, "{}", ran.out);
    let report = served.report(&[]);
    assert_eq!(
        (&report["exit"], &report["causes"]),
        (&0.into(), &serde_json::json!([])),
        "{report:#}"
    );
}

#[test]
fn of_several_blocked_names_each_guilty_record_is_shown() {
    let faults = [
        "dns-blocked@q7f9=txt",
        "dns-blocked@a3b1=mx",
        "dns-blocked@c04e=acme-challenge",
    ];
    let served = serve(LabOptions::default(), &faults);
    let text = steady(&served.verify(&[]), &served);
    for record in [
        "q7f9.tenants.test has TXT a record of another type",
        "a3b1.tenants.test has MX 10 mail.example",
        "c04e: _acme-challenge.c04e.tenants.test has TXT left-over-challenge",
    ] {
        assert!(text.contains(record), "{record}: {text}");
    }
}

#[test]
fn one_tenant_alone_reads_well() {
    let served = serve(LabOptions::default(), &["route-wrong-tenant@q7f9=a3b1"]);
    insta::assert_snapshot!(steady(&served.verify(&["q7f9"]), &served));
}

#[test]
fn every_warning_and_failure_of_the_json_belongs_to_a_cause() {
    let served = serve(
        LabOptions::default(),
        &["dns-override@q7f9", "site-slow@a3b1=2100", "edge-unreachable=127.0.0.1"],
    );
    let report = served.report(&[]);
    for cause in report["causes"].as_array().expect("causes") {
        let name = cause["cause"].as_str().unwrap_or_default();
        assert_eq!(cause["docs"], format!("docs/causes.md#{name}"));
    }
    for tenant in report["tenants"].as_array().expect("tenants") {
        let wrong = tenant["checks"]
            .as_array()
            .expect("checks")
            .iter()
            .any(|check| check["outcome"] == "fail" || check["outcome"] == "warn");
        let told = report["causes"].as_array().expect("causes").iter().any(|cause| {
            cause["tenants"]
                .as_array()
                .is_some_and(|ids| ids.contains(&tenant["tenant"]))
        });
        assert_eq!(wrong, told, "{tenant:#}");
        assert_eq!(tenant["checks"].as_array().map(Vec::len), Some(6));
    }
}
