//! `roundsman trace` through the binary: every hop, the logs, the cause; and how it looks.

use std::borrow::Cow;

use roundsman::agent::Stop;
use roundsman::text::Style;
use roundsman::trace::render;
use roundsman_lab::LabOptions;
use serde_json::{Value, json};

use super::platform::{document, run};
use super::{Ran, Served, serve};
use crate::support::bench;

fn traced(served: &Served, arguments: &[&str]) -> Ran {
    run(served, &[&["trace", "q7f9"], arguments].concat())
}

fn told(faults: &[&str]) -> (Ran, Value, Served) {
    let served = serve(LabOptions::with_platform(), faults);
    let ran = traced(&served, &["--format", "json"]);
    let trace = document(&ran);
    (ran, trace, served)
}

fn messages(side: &Value) -> Vec<&str> {
    let lines = side["lines"].as_array().into_iter().flatten();
    lines.filter_map(|line| line["message"].as_str()).collect()
}

fn cause(trace: &Value) -> &str {
    trace["causes"][0]["cause"].as_str().unwrap_or_default()
}

#[test]
fn a_healthy_request_is_told_hop_by_hop_with_its_lines() {
    let (ran, trace, served) = told(&[]);
    assert_eq!(
        (ran.code, &trace["schema"]),
        (Some(0), &json!("roundsman.trace/1")),
        "{}",
        ran.err
    );
    assert_eq!((&trace["status"], &trace["exit"]), (&json!("healthy"), &json!(0)));
    let record = &trace["dns"]["authoritative"][0]["records"][0];
    assert_eq!((&record["kind"], &record["data"]), (&json!("A"), &json!("127.0.0.1")));
    assert!(trace["dns"]["recursive"][0]["ms"].is_number());
    assert!(
        trace["address"]["why"]
            .as_str()
            .is_some_and(|why| why.contains("DNS gives it"))
    );
    let tls = &trace["tls"];
    assert_eq!(
        (&tls["version"], &tls["alpn"], &tls["verified"]),
        (&json!("1.3"), &json!("h2"), &json!(true))
    );
    assert_eq!(tls["chain"][0]["names"], json!(["*.tenants.test"]));
    let http = &trace["http"];
    assert_eq!(
        (&http["status"], &http["version"], &http["release"]),
        (&json!(200), &json!("2"), &json!("01LAB"))
    );
    let headers = http["headers"].to_string();
    for name in [
        "server",
        "via",
        "fly-request-id",
        "x-sp-app",
        "x-served-by",
        "x-version",
    ] {
        assert!(headers.contains(&format!("\"{name}\"")), "{name}: {headers}");
    }
    assert_eq!(
        (&trace["direct"]["state"], &trace["direct"]["status"]),
        (&json!("known"), &json!(200))
    );
    assert_eq!(trace["platform"]["machines"][0]["state"], "started");
    assert_eq!(trace["platform"]["certificates"][0]["hostname"], "*.tenants.test");
    let phases = trace["phases"].as_array().expect("phases").iter();
    let phases = phases.filter_map(|phase| phase["phase"].as_str()).collect::<Vec<_>>();
    assert_eq!(phases, ["resolve", "connect", "tls", "processing", "transfer"]);
    let replay = "INFO Replaying request to tenant app subdomain=q7f9 fly_app=sp-q7f9";
    assert_eq!(messages(&trace["logs"]["edge"]), [replay]);
    let received = "INFO Request received path=/ method=GET";
    assert_eq!(messages(&trace["logs"]["app"]), [received]);
    assert_eq!(served.lab.writes(), Vec::<String>::new());
    // Both logs at the beginning, and then not after every pause: what was waited for is there.
    let reads = served.lab.counters().api["logs/app-logs"];
    assert!(reads < 2 + 2 * 3, "{reads} reads");
    // A line of an earlier request is not this one's.
    let again = document(&traced(&served, &["--format", "json"]));
    assert_eq!(messages(&again["logs"]["app"]), [received]);
    assert_ne!(again["logs"]["app"]["lines"], trace["logs"]["app"]["lines"]);
}

#[test]
fn a_cut_handshake_shows_no_chain_and_names_cause_and_fix() {
    let (ran, trace, served) = told(&["certificate-conflict@q7f9"]);
    assert_eq!(
        (ran.code, cause(&trace)),
        (Some(1), "certificate-conflict"),
        "{}",
        ran.out
    );
    assert_eq!((&trace["tls"]["chain"], &trace["http"]), (&Value::Null, &Value::Null));
    assert_eq!(trace["tls"]["failure"]["reason"], "tls/unexpected-eof");
    let text = traced(&served, &[]).out;
    for part in [
        "no certificate was seen",
        "HTTP      no request was sent",
        "sp-q7f9: no request was sent",
        "certificate q7f9.tenants.test at sp-q7f9: Ready",
        "FAIL      certificate-conflict",
        "run       fly certs remove q7f9.tenants.test -a sp-q7f9 -y",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_stopped_app_is_told_by_its_machine_and_by_the_proxys_refusal() {
    let (ran, trace, _served) = told(&["app-stopped@q7f9"]);
    assert_eq!((ran.code, cause(&trace)), (Some(1), "app-stopped"), "{}", ran.out);
    let machine = &trace["platform"]["machines"][0];
    assert_eq!(
        (&machine["state"], &machine["last_exit"]["code"]),
        (&json!("stopped"), &json!(0))
    );
    assert_eq!(
        trace["direct"],
        json!({ "state": "not-asked", "why": "it does not run" })
    );
    let line = &trace["logs"]["app"]["lines"][0];
    assert_eq!(
        (&line["error_code"], &line["by"]),
        (&json!("PR03"), &json!("request-id")),
        "{}",
        trace["logs"]
    );
}

#[test]
fn machines_that_are_not_known_are_not_told_to_be_stopped() {
    let (_, trace, served) = told(&["platform-api-unavailable=region:iad"]);
    let missing = "no answer about machines in iad";
    let platform = &trace["platform"];
    assert_eq!(
        (
            &platform["machines"],
            &platform["machines_missing"],
            &platform["silent_regions"]
        ),
        (&json!([]), &json!(missing), &json!(["iad"]))
    );
    let why = format!("its machines are not known: platform/partial: {missing}");
    assert_eq!(trace["direct"], json!({ "state": "not-asked", "why": why }));
    let text = traced(&served, &[]).out;
    assert!(
        text.contains(&format!("its machines are not all known: {missing}")),
        "{text}"
    );
    assert!(!text.contains("it does not run"), "{text}");
}

#[test]
fn an_app_that_starts_is_told_to_start() {
    let (_, trace, _served) = told(&["app-starting@q7f9=machine"]);
    let why = trace["direct"]["why"].as_str().unwrap_or_default();
    assert!(
        why.starts_with("it is starting: machine ") && why.ends_with(" is starting"),
        "{why}"
    );
    assert_eq!(trace["platform"]["machines"][0]["state"], "starting");
}

#[test]
fn a_name_server_that_fails_has_its_row() {
    let (_, trace, served) = told(&["dns-servers-failing=refused"]);
    let looks = trace["dns"]["authoritative"].as_array().expect("looks");
    let refused = |look: &&Value| look["rcode"] == "REFUSED" && look["control"] == true;
    assert_eq!(looks.iter().filter(refused).count(), looks.len(), "{}", trace["dns"]);
    let servers = served.lab.dns_servers().len();
    let text = traced(&served, &[]).out;
    let rows = text
        .lines()
        .filter(|row| row.contains(": REFUSED, for the control name; "));
    assert_eq!((rows.count(), servers), (2, 2), "{text}");
    // Of two servers one fails: both are told, whichever the tenant's name was asked at.
    served.stage(&["dns-servers-failing=lame/1"]);
    let text = traced(&served, &[]).out;
    let rows = |part: &str| text.lines().filter(|row| row.contains(part)).count();
    assert_eq!(
        (
            rows("authoritative "),
            rows(", without authority, for the control name")
        ),
        (2, 1),
        "{text}"
    );
}

#[test]
fn a_wrong_route_is_told_with_the_line_that_proves_it() {
    let (ran, trace, _served) = told(&["route-wrong-app@q7f9=sp-gone"]);
    assert_eq!((ran.code, cause(&trace)), (Some(1), "route-wrong-app"), "{}", ran.out);
    let lines = messages(&trace["logs"]["edge"]);
    assert_eq!(
        lines[0],
        "INFO Replaying request to tenant app subdomain=q7f9 fly_app=sp-gone"
    );
    assert!(lines[1].starts_with("[PA04]"), "{lines:?}");
    assert_eq!(messages(&trace["logs"]["app"]), Vec::<&str>::new());
}

#[test]
fn a_refused_log_is_said_and_changes_no_verdict() {
    let (ran, trace, served) = told(&["logs-refused"]);
    assert_eq!((ran.code, &trace["causes"]), (Some(0), &json!([])), "{}", ran.out);
    let edge = &trace["logs"]["edge"];
    assert_eq!(
        (&edge["state"], &edge["reason"]),
        (&json!("unknown"), &json!("platform/forbidden"))
    );
    assert!(
        traced(&served, &[])
            .out
            .contains("management-api-prod: not known: platform/forbidden")
    );
}

#[test]
fn no_logs_reads_none_and_a_silent_log_is_said() {
    let served = serve(LabOptions::with_platform(), &[]);
    let ran = traced(&served, &["--no-logs"]);
    assert_eq!(ran.code, Some(0));
    assert!(ran.out.contains("logs      not asked: --no-logs"), "{}", ran.out);
    assert_eq!(served.lab.counters().api.get("logs/app-logs"), None);
    served.stage(&["logs-empty"]);
    let ran = traced(&served, &[]);
    assert_eq!(ran.code, Some(0));
    assert!(ran.out.contains("sp-q7f9: no line of this request"), "{}", ran.out);
    assert!(served.lab.counters().api["logs/app-logs"] <= 8);
}

#[test]
fn without_a_platform_the_rest_is_told_and_that_says_not_configured() {
    let served = serve(LabOptions::default(), &[]);
    let ran = traced(&served, &[]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    for label in ["directly  ", "platform  ", "logs      "] {
        assert!(ran.out.contains(&format!("{label}not configured")), "{}", ran.out);
    }
    assert!(ran.out.contains("HTTP      200 over HTTP/2"));
}

#[test]
fn a_tenant_is_named_by_id_or_host_and_an_unknown_one_is_a_usage_error() {
    let served = serve(LabOptions::default(), &[]);
    let ran = run(&served, &["trace", "q7f9.tenants.test", "--format", "json"]);
    assert_eq!((ran.code, &document(&ran)["tenant"]), (Some(0), &json!("q7f9")));
    let ran = run(&served, &["trace", "q7f8"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("q7f9"), "{}", ran.err);
}

#[test]
fn a_sleeping_tenant_is_woken_and_asked_for_its_page() {
    let (ran, trace, served) = told(&["app-asleep@q7f9"]);
    assert_eq!(
        (ran.code, &trace["http"]["status"]),
        (Some(0), &json!(200)),
        "{}",
        ran.out
    );
    assert_eq!((&trace["woken"], served.lab.counters().woken), (&json!(true), 1));
}

/// Every number below a value.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Number(number) => number.as_f64().into_iter().collect(),
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        Value::Object(fields) => fields.values().flat_map(numbers).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn numbers_have_two_decimals() {
    let (_, trace, _served) = told(&[]);
    let numbers = numbers(&trace);
    let long = numbers
        .iter()
        .filter(|number| format!("{number}").split('.').nth(1).is_some_and(|part| part.len() > 2));
    assert_eq!(long.collect::<Vec<_>>(), Vec::<&f64>::new());
    assert!(numbers.iter().any(|number| number.fract() > 0.0), "{numbers:?}");
}

/// The lab's configuration without the addresses of its edge.
fn addresses_are_left_to_the_platform(served: &Served) {
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let rows = text.lines().filter(|row| !row.starts_with("addresses"));
    let text = rows.collect::<Vec<_>>().join("\n");
    std::fs::write(&served.config, text).expect("the configuration can be written");
}

#[test]
fn an_edge_that_nothing_reaches_is_told_address_by_address() {
    let (ran, trace, served) = told(&["edge-unreachable"]);
    assert_eq!((ran.code, cause(&trace)), (Some(1), "edge-unreachable"), "{}", ran.out);
    let tried = trace["unvisited"]["tried"].as_array().expect("addresses");
    assert_eq!(tried.len(), 2, "{}", trace["unvisited"]);
    assert!(
        tried.iter().all(|one| one[1]["reason"] == "tcp/refused"),
        "{}",
        trace["unvisited"]
    );
    assert_eq!(trace["address"], Value::Null);
    let text = traced(&served, &[]).out;
    for part in [
        "address   no address of the edge could be reached",
        "TCP       127.0.0.1:",
        "          [::1]:",
        "failed: tcp/refused",
        "TLS       not reached",
        "HTTP      no request was sent",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn addresses_that_the_platform_did_not_tell_are_said_to_be_unknown_and_why() {
    let served = serve(LabOptions::with_platform(), &["platform-api-unavailable"]);
    addresses_are_left_to_the_platform(&served);
    let ran = traced(&served, &[]);
    let why = "address   no address of the edge is known: the platform was asked: platform/unavailable: ";
    assert!(ran.out.contains(why), "{}{}", ran.out, ran.err);
    assert!(!ran.out.contains("TCP  "), "{}", ran.out);
}

#[tokio::test]
async fn lines_that_may_be_anothers_are_shown_and_not_claimed() {
    let bench = bench(LabOptions::with_platform()).await.unhurried();
    let traces = futures_util::future::join_all((0..8).map(|_| bench.trace("q7f9"))).await;
    let busy = traces.iter().map(|trace| {
        let told = serde_json::to_value(trace).expect("JSON");
        (trace, told["logs"]["app"].clone())
    });
    let mut busy = busy.filter(|(_, log)| log["unclear"].as_u64() > Some(5));
    let (trace, log) = busy.next().expect("requests together");
    assert_eq!(
        (log["lines"].as_array(), &log["request_sent"]),
        (Some(&vec![]), &json!(true))
    );
    let shown = log["unclear_lines"].as_array().expect("lines");
    assert!(
        shown.len() == 5 && shown.iter().all(|line| line["by"].is_null()),
        "{log}"
    );
    let text = render(trace, Style::default());
    let rows = text
        .lines()
        .filter(|row| row.trim_start().starts_with("sp-q7f9 ") && row.ends_with("[may be another request's]"));
    assert_eq!(rows.count(), 5, "{text}");
    assert!(text.contains("sp-q7f9: no line is clearly this request's"), "{text}");
}

#[tokio::test]
async fn an_interrupted_trace_blames_no_address() {
    let bench = bench(LabOptions::with_platform()).await;
    let (pull, stop) = Stop::new();
    pull.send(true).expect("somebody listens");
    let text = render(&bench.trace_until("q7f9", stop).await, Style::default());
    let why = "address   the trace was interrupted before an address was visited";
    assert!(text.contains(why), "{text}");
}

/// A row that ends with milliseconds in a column of their own, with that column at one place however many digits it has.
fn unaligned(row: &str) -> Cow<'_, str> {
    let column = row.strip_suffix(" ms").and_then(|row| row.rsplit_once(' '));
    match column.filter(|(before, _)| before.ends_with("  ")) {
        Some((before, number)) => format!("{:<26} {number} ms", before.trim_end()).into(),
        None => row.into(),
    }
}

/// Numbers, times, ports and ids that differ from run to run, masked; the bars with them.
fn masked(text: &str) -> String {
    let rows = text
        .lines()
        .filter(|line| !line.contains(" ms ") || !line.contains('█'));
    let rows = rows.map(|line| {
        let line = unaligned(line);
        let words = line.split(' ').map(|word| {
            let bare = word.trim_matches([',', ';', ':', ']', '[']);
            let time = bare.contains(':') && bare.bytes().filter(u8::is_ascii_digit).count() >= 6;
            let number = bare.contains('.') && bare.parse::<f64>().is_ok();
            let date = bare.len() == 10 && bare.split('-').all(|part| part.parse::<u16>().is_ok());
            let id = bare.len() > 20 && bare.ends_with("-lab");
            if time || number || date || id {
                word.replace(bare, "…")
            } else {
                word.to_owned()
            }
        });
        words.collect::<Vec<_>>().join(" ")
    });
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_trace_reads_well_and_has_no_control_codes_in_a_pipe() {
    let served = serve(LabOptions::with_platform(), &["route-wrong-app@q7f9=sp-gone"]);
    let ran = traced(&served, &[]);
    assert!(!ran.out.contains('\x1b') && !ran.err.contains('\x1b'), "{:?}", ran.out);
    let text = masked(&ran.out);
    let text = text
        .lines()
        .filter(|line| !line.contains("from ") && !line.starts_with("address"));
    insta::assert_snapshot!(text.collect::<Vec<_>>().join("\n"));
}

#[tokio::test]
async fn eighty_columns_are_kept_and_a_dumb_terminal_gets_ascii() {
    let bench = bench(LabOptions::with_platform()).await;
    for fault in [
        "site-slow@a3b1=0",
        "certificate-conflict@q7f9",
        "route-wrong-app@q7f9",
        "app-crashed@q7f9=oom",
        "long-chain@q7f9",
        "dns-blocked@q7f9=acme-challenge",
        "certificate-awaiting-configuration@q7f9=cut",
    ] {
        bench.stage(&[fault.to_owned()]).await;
        let trace = bench.trace("q7f9").await;
        for (ascii, width) in [(false, 80), (true, 80), (true, 40)] {
            let style = Style {
                width: Some(width),
                ascii,
                ..Style::default()
            };
            let text = render(&trace, style);
            for line in text.lines() {
                // A command is to be copied: it is whole on its line.
                let fits = line.chars().count() <= width || line.starts_with("run  ");
                assert!(fits, "{fault}: {line}");
            }
            assert!(!ascii || text.is_ascii(), "{fault}: {text}");
            assert!(text.contains(if ascii { '#' } else { '█' }));
        }
        let colour = Style {
            colour: true,
            width: Some(80),
            ..Style::default()
        };
        let coloured = render(&trace, colour);
        assert_eq!(coloured.contains("\x1b[1;31m"), coloured.contains("FAIL"), "{fault}");
    }
}
