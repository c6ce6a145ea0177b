//! The numbers of a daemon, as Prometheus reads them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::prometheus::{Prometheus, complaints};
use super::{Daemon, ask, configure, eventually, get, listens, served};
use crate::cli::command;

/// A page with these headers: the status and everything that was answered.
pub(super) fn with_headers(address: &str, path: &str, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the daemon listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).expect("the request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), answer)
}

/// The number of a series, by its whole name.
fn number(page: &str, series: &str) -> Option<f64> {
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok())
}

#[test]
fn a_page_tells_tenants_checks_incidents_and_the_agent() {
    let served = served(&["dns-override@q7f9"]);
    let mut daemon = Daemon::start(&served);
    let address = listens(&mut daemon);
    let page = eventually("the incident is counted", || {
        let (status, page) = get(&address, "/metrics");
        assert_eq!(status, 200, "{page}");
        let open = "roundsman_incidents_open{cause=\"dns-override\",scope=\"tenant\",severity=\"warning\"}";
        (number(&page, open) == Some(1.0) && number(&page, "roundsman_rounds_total") >= Some(2.0)).then_some(page)
    });
    assert_eq!(complaints(&page), "", "{page}");
    let is = |series: &str, wanted: f64| assert_eq!(number(&page, series), Some(wanted), "{series}\n{page}");
    is("roundsman_tenants{status=\"healthy\"}", 3.0);
    is("roundsman_tenants{status=\"failing\"}", 1.0);
    is("roundsman_tenants{status=\"unknown\"}", 0.0);
    is(
        "roundsman_check_outcome{tenant=\"q7f9\",check=\"dns\",outcome=\"fail\",reason=\"dns/mismatch\"}",
        1.0,
    );
    is(
        "roundsman_check_outcome{tenant=\"a3b1\",check=\"site\",outcome=\"pass\"}",
        1.0,
    );
    is("roundsman_coverage_ratio", 1.0);
    is("roundsman_config_last_reload_successful", 1.0);
    let more = |series: &str| assert!(number(&page, series) > Some(0.0), "{series}\n{page}");
    more("roundsman_check_duration_seconds_count{check=\"site\",outcome=\"pass\"}");
    more("roundsman_probe_phase_duration_seconds_sum{phase=\"tls\"}");
    more("roundsman_probe_failures_total{layer=\"dns\",reason=\"mismatch\"}");
    more("roundsman_certificate_not_after_timestamp_seconds{tenant=\"a3b1\"}");
    more("roundsman_certificate_not_after_timestamp_seconds{scope=\"wildcard\"}");
    more("roundsman_oldest_verification_timestamp_seconds");
    more("roundsman_round_last_completed_timestamp_seconds");
    more("roundsman_round_duration_seconds_count");
    more("process_start_time_seconds");
    // The whole ends where somebody asks for a form that has an end.
    let accept = "accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
    let (status, open) = with_headers(&address, "/metrics", accept);
    assert!(status == 200 && open.ends_with("# EOF\n"), "{open}");
    assert!(
        open.contains("content-type: application/openmetrics-text; version=1.0.0"),
        "{open}"
    );
    assert!(open.contains("# TYPE roundsman_rounds counter\n"), "{open}");
    // Whom the operator takes out has no series any more.
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    std::fs::write(&served.config, text.replace("\"q7f9\", ", "")).expect("it can be written");
    eventually("its series are gone", || {
        (!get(&address, "/metrics").1.contains("tenant=\"q7f9\"")).then_some(())
    });
    // Series by tenant are as many as the configuration says.
    configure(&served, "[telemetry]\nper_tenant = \"failing\"\n");
    eventually("those that are well have none", || {
        (!get(&address, "/metrics").1.contains("tenant=\"a3b1\"")).then_some(())
    });
    configure(&served, "prometheus = false\n");
    eventually("it tells no numbers", || {
        (get(&address, "/metrics").0 == 404).then_some(())
    });
}

#[test]
fn whoever_asks_shows_the_token_where_there_is_one() {
    let served = served(&[]);
    let mut child = command(served.dir.path());
    child.env("ROUNDSMAN_WEB_TOKEN", "canary-of-the-web");
    let mut daemon = Daemon::start_with(&served, &mut child);
    let address = listens(&mut daemon);
    assert_eq!(get(&address, "/healthz").0, 200, "whether it lives is nobody's secret");
    for wrong in [
        "",
        "authorization: Bearer canary-of-the-we\r\n",
        "authorization: Basic eA==\r\n",
    ] {
        let (status, answer) = with_headers(&address, "/metrics", wrong);
        assert_eq!(status, 401, "{wrong}");
        assert!(
            answer.contains("www-authenticate: Bearer") && !answer.contains("canary"),
            "{answer}"
        );
    }
    let right = "authorization: Bearer canary-of-the-web\r\n";
    assert_eq!(with_headers(&address, "/metrics", right).0, 200);
    // Nothing is changed by asking, and nobody asks otherwise.
    let mut stream = TcpStream::connect(&address).expect("the daemon listens");
    let post = "POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(post.as_bytes()).expect("the request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
}

#[test]
fn others_than_this_machine_need_a_token() {
    let served = served(&[]);
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let open = text.replace("listen = \"127.0.0.1:0\"", "listen = \"0.0.0.0:0\"");
    std::fs::write(&served.config, open).expect("it can be written");
    let refused = ask(&served, &["watch"]);
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.err.contains("is not loopback, so whoever asks needs a token"),
        "{}",
        refused.err
    );
}

#[test]
fn prometheus_scrapes_it_without_an_error() {
    let served = served(&["dns-override@q7f9"]);
    let mut daemon = Daemon::start(&served);
    let address = listens(&mut daemon);
    let prometheus = Prometheus::start(&format!(
        "- job_name: roundsman\n  static_configs: [{{ targets: ['{address}'] }}]\n"
    ));
    let tenants = eventually("its numbers", || {
        let tenants = prometheus.query("sum by (status) (roundsman_tenants) > 0");
        (tenants.len() == 2).then_some(tenants)
    });
    let healthy = tenants.iter().find(|(labels, _)| labels["status"] == "healthy");
    assert_eq!(healthy.map(|(_, count)| *count), Some(3.0), "{tenants:?}");
    eventually("rates", || {
        let rates = prometheus.query("rate(roundsman_check_duration_seconds_count{check=\"site\"}[10s]) > 0");
        (!rates.is_empty()).then_some(())
    });
    let targets = prometheus.targets();
    assert_eq!(targets.len(), 1);
    assert_eq!(
        (&targets[0]["health"], &targets[0]["lastError"]),
        (&"up".into(), &"".into())
    );
}
