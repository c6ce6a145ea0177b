//! What a daemon tells others as traces.

use std::collections::BTreeSet;

use opentelemetry_proto::tonic::metrics::v1::metric;

use super::numbers::with_headers;
use super::{Daemon, configure, eventually, get, listens, served};
use crate::cli::command;
use crate::support::collector::{Collector, Mood, attribute};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn telemetry(collector: &Collector, traces: &str) -> String {
    format!(
        "[telemetry]\notlp_endpoint = \"http://{}\"\ntraces = \"{traces}\"\n",
        collector.http
    )
}

#[test]
fn examinations_rounds_and_deliveries_are_traces_and_the_numbers_point_at_them() {
    let collector = Collector::start(Mood::Takes);
    let served = served(&["site-status@a3b1"]);
    let hook = "[[alerts.channels]]\nname = \"hook\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/s3cret-path\"\n[alerts]\ngroup_wait = \"0s\"\n";
    configure(&served, &format!("{hook}{}", telemetry(&collector, "failing")));
    let mut hurried = command(served.dir.path());
    let mut daemon = Daemon::start_with(&served, hurried.env("OTEL_METRIC_EXPORT_INTERVAL", "500"));
    let address = listens(&mut daemon);
    let trace = eventually("the cause that explains it", || {
        let trace = collector.trace("verify a3b1");
        (attribute(trace.first()?, "roundsman.cause").as_deref() == Some("site-status")).then_some(trace)
    });
    for part in ["dns.resolve", "tcp.connect", "tls.handshake", "http.request"] {
        assert!(trace.iter().any(|span| span.name == part), "{part}");
    }
    // Its round is told once it is over, and there are more than one.
    let link = trace[0].links.first().expect("a link").clone();
    eventually("its round", || {
        let spans = collector.spans();
        spans
            .into_iter()
            .find(|span| span.name == "round" && span.span_id == link.span_id)
    });
    let notify = eventually("the delivery that failed", || {
        collector.spans().into_iter().find(|span| span.name == "notify")
    });
    assert_eq!(attribute(&notify, "error.type").as_deref(), Some("notification/failed"));
    assert_eq!(attribute(&notify, "roundsman.channel").as_deref(), Some("hook"));
    // The examples of the histograms are traces that were told.
    let accept = "accept: application/openmetrics-text\r\n";
    let examples = eventually("an example", || {
        let page = with_headers(&address, "/metrics", accept).1;
        let all = page
            .lines()
            .filter_map(|line| line.split_once("trace_id=\"")?.1.split_once('"'));
        let all = all.map(|(trace, _)| trace.to_owned()).collect::<BTreeSet<_>>();
        (!all.is_empty()).then_some(all)
    });
    eventually("the traces of the examples", || {
        let told = collector
            .spans()
            .iter()
            .map(|span| hex(&span.trace_id))
            .collect::<BTreeSet<_>>();
        examples.is_subset(&told).then_some(())
    });
    eventually("the examples of the numbers that are sent", || {
        let metrics = collector.metrics().into_iter().filter_map(|metric| match metric.data {
            Some(metric::Data::Histogram(histogram)) => Some(histogram.data_points),
            _ => None,
        });
        let exemplars = metrics.flatten().flat_map(|point| point.exemplars);
        let sent = exemplars
            .map(|exemplar| hex(&exemplar.trace_id))
            .collect::<BTreeSet<_>>();
        examples.iter().any(|trace| sent.contains(trace)).then_some(())
    });
    let told = collector.spans();
    assert!(told.iter().all(|span| span.name != "verify q7f9"), "it is well");
    assert!(!format!("{told:?}").contains("s3cret"));
    // What somebody asks for is told as well.
    let before = told.iter().filter(|span| span.name == "verify a3b1").count();
    assert_eq!(get(&address, "/probe?target=a3b1").0, 200);
    eventually("one more", || {
        let spans = collector.spans();
        (spans.iter().filter(|span| span.name == "verify a3b1").count() > before).then_some(())
    });
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn all_or_none_are_told_as_the_configuration_says_while_it_runs() {
    let collector = Collector::start(Mood::Takes);
    let served = served(&[]);
    let plain = std::fs::read_to_string(&served.config).expect("the configuration");
    configure(&served, &telemetry(&collector, "all"));
    let mut daemon = Daemon::start(&served);
    eventually("one that is well", || {
        (!collector.trace("verify q7f9").is_empty()).then_some(())
    });
    let seen = served.lab.counters().traceparents;
    assert!(seen["q7f9"].iter().any(|parent| parent.ends_with("-01")), "{seen:?}");
    std::fs::write(&served.config, format!("{plain}{}", telemetry(&collector, "none"))).expect("it can be written");
    daemon.hears(&["configuration reloaded"]);
    let asked = |lab: &roundsman_lab::Lab| lab.counters().traceparents["q7f9"].clone();
    let before = asked(&served.lab).len();
    // Those that were under way are told; then no request names a trace any more.
    eventually("requests without a trace", || {
        let since = asked(&served.lab).split_off(before);
        (since.len() > 4 && since[since.len() - 2..].iter().all(|parent| parent == "-")).then_some(())
    });
    assert_eq!(daemon.stop(), Some(0));
}
