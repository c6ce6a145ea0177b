//! What a daemon sends by OTLP, and that nothing which a collector does touches a check.

use std::process::Command;

use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, metric};
use roundsman::telemetry::{ALL, Kind};

use super::{Daemon, configure, eventually, get, listens, served};
use crate::cli::{Served, command};
use crate::support::collector::{Collector, Mood, said};

/// A daemon that sends every 200 ms.
fn sending(served: &Served, more: &[(&str, &str)]) -> Daemon {
    Daemon::start_with(served, hurried(command(served.dir.path()).envs(more.iter().copied())))
}

fn hurried(command: &mut Command) -> &mut Command {
    command
        .env("OTEL_METRIC_EXPORT_INTERVAL", "200")
        .env("OTEL_EXPORTER_OTLP_TIMEOUT", "500")
}

/// Nothing else is sent.
const METRICS_ONLY: [(&str, &str); 2] = [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "none")];

fn to(collector: &Collector) -> String {
    format!("[telemetry]\notlp_endpoint = \"http://{}\"\n", collector.http)
}

/// Every number that /metrics tells, over both protocols.
#[test]
fn the_numbers_are_those_of_the_page() {
    let collector = Collector::start(Mood::Takes);
    let served = served(&["dns-override@q7f9"]);
    configure(&served, &to(&collector));
    let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=lab");
    let packed = ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=s3cret");
    let mut daemon = sending(&served, &[attributes, packed, headers, ("FLY_REGION", "lhr")]);
    let address = listens(&mut daemon);
    let open = [("cause", "dns-override"), ("scope", "tenant"), ("severity", "warning")];
    eventually("the incident is counted", || {
        (collector.number("roundsman.incidents.open", &open) == Some(1.0)).then_some(())
    });
    eventually("two rounds", || {
        (collector.number("roundsman.rounds", &[])? >= 2.0).then_some(())
    });
    let number = |name: &str, wanted: &[(&str, &str)]| collector.number(name, wanted);
    assert_eq!(number("roundsman.tenants", &[("status", "healthy")]), Some(3.0));
    let outcome = [
        ("tenant", "q7f9"),
        ("check", "dns"),
        ("outcome", "fail"),
        ("reason", "dns/mismatch"),
    ];
    assert_eq!(number("roundsman.check.outcome", &outcome), Some(1.0));
    let well = [("tenant", "a3b1"), ("check", "site"), ("outcome", "pass")];
    assert_eq!(number("roundsman.check.outcome", &well), Some(1.0));
    assert!(number("roundsman.certificate.not_after.timestamp", &[("tenant", "a3b1")]).is_some());
    assert!(number("roundsman.certificate.not_after.timestamp", &[("scope", "wildcard")]).is_some());
    // Who tells.
    let resource = collector.resource_of_metrics().expect("a resource");
    let of = |key: &str| {
        let found = resource.iter().find(|(there, _)| there == key);
        found.map(|(_, value)| value.as_str())
    };
    assert_eq!(of("service.name"), Some("roundsman"));
    assert_eq!(of("service.version"), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(of("deployment.environment.name"), Some("lab"));
    assert_eq!(
        (of("roundsman.vantage"), of("cloud.region")),
        (Some("lhr"), Some("lhr"))
    );
    assert_eq!(of("service.instance.id").map(str::len), Some(36));
    let sent = collector.headers();
    assert!(sent.iter().all(|headers| headers["x-key"] == "s3cret"), "{sent:?}");
    assert!(
        sent.iter().all(|headers| headers["content-encoding"] == "gzip"),
        "{sent:?}"
    );
    // Each metric is the instrument of that name, and every series of the page is a point.
    let metrics = collector.metrics();
    for metric in &metrics {
        let instrument = ALL.iter().find(|known| known.name == metric.name);
        let instrument = instrument.unwrap_or_else(|| panic!("{} is no instrument", metric.name));
        assert_eq!(metric.unit, instrument.unit.ucum(), "{}", metric.name);
        assert_eq!(metric.description, instrument.help);
        let cumulative = i32::from(AggregationTemporality::Cumulative);
        let (attributes, began) = match (metric.data.as_ref().expect("data"), instrument.kind) {
            (metric::Data::Sum(sum), Kind::Counter) => {
                assert!(sum.is_monotonic && sum.aggregation_temporality == cumulative);
                let points = sum.data_points.iter();
                points
                    .map(|point| (&point.attributes, point.start_time_unix_nano > 0))
                    .unzip::<_, _, Vec<_>, Vec<_>>()
            }
            (metric::Data::Gauge(gauge), Kind::Gauge) => {
                let points = gauge.data_points.iter();
                points
                    .map(|point| (&point.attributes, point.time_unix_nano > 0))
                    .unzip()
            }
            (metric::Data::Histogram(histogram), Kind::Histogram(bounds)) => {
                assert_eq!(histogram.aggregation_temporality, cumulative);
                let points = histogram.data_points.iter();
                points
                    .map(|point| {
                        assert_eq!(point.explicit_bounds, bounds);
                        assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
                        (&point.attributes, point.start_time_unix_nano > 0)
                    })
                    .unzip()
            }
            (data, kind) => panic!("{} is {kind:?} and sent as {data:?}", metric.name),
        };
        assert!(began.into_iter().all(|began| began), "{}", metric.name);
        for (key, _) in attributes.into_iter().flatten().map(said) {
            assert!(instrument.labels.contains(&key.as_str()), "{key} of {}", metric.name);
        }
    }
    let page = get(&address, "/metrics").1;
    for instrument in ALL {
        let name = instrument.prometheus();
        let on_page = page.lines().any(|line| {
            let rest = line.strip_prefix(&name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' ']) || rest.starts_with("_count"))
        });
        let sent = metrics.iter().any(|metric| metric.name == instrument.name);
        assert_eq!(on_page, sent, "{name}");
    }
    assert!(!daemon.said.join("\n").contains("s3cret"));
    // A clean stop tells everything once more, and nothing is said of it.
    let before = collector.requests();
    assert_eq!(daemon.stop(), Some(0));
    assert!(collector.requests() > before);
}

#[test]
fn grpc_tells_the_same() {
    let collector = Collector::start(Mood::Takes);
    let served = served(&[]);
    let endpoint = format!("http://{}", collector.grpc);
    let environment = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_SERVICE_NAME", "edge-watch"),
    ];
    let daemon = sending(&served, &environment);
    let well = [("tenant", "a3b1"), ("check", "site"), ("outcome", "pass")];
    eventually("a tenant is told", || {
        collector.number("roundsman.check.outcome", &well)
    });
    let resource = collector.resource_of_metrics().expect("a resource");
    assert!(
        resource.contains(&("service.name".to_owned(), "edge-watch".to_owned())),
        "{resource:?}"
    );
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn tls_is_trusted_by_the_roots_that_are_named_and_by_no_others() {
    for protocol in ["http/protobuf", "grpc"] {
        let collector = Collector::start(Mood::Takes);
        let served = served(&[]);
        let roots = served.dir.path().join("collector.pem");
        std::fs::write(&roots, &collector.roots).expect("a file");
        let endpoint = format!("https://localhost:{}", collector.tls.port());
        let roots = roots.display().to_string();
        let environment = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", roots.as_str()),
        ];
        let mut stranger = sending(&served, &environment[..2]);
        stranger.hears(&["can't be delivered to https://localhost", "certificate"]);
        assert_eq!(stranger.stop(), Some(0));
        assert!(collector.metrics().is_empty());
        let daemon = sending(&served, &environment);
        eventually("the numbers", || collector.number("roundsman.coverage", &[]));
        assert_eq!(daemon.stop(), Some(0));
    }
}

#[test]
fn another_configuration_sends_elsewhere_or_nowhere_at_once() {
    let (first, second) = (Collector::start(Mood::Takes), Collector::start(Mood::Takes));
    let served = served(&[]);
    let plain = std::fs::read_to_string(&served.config).expect("the configuration");
    configure(&served, &to(&first));
    let mut daemon = sending(&served, &[]);
    eventually("the first hears", || first.number("roundsman.rounds", &[]));
    let few = format!("{}per_tenant = \"none\"\n", to(&second));
    std::fs::write(&served.config, format!("{plain}{few}")).expect("it can be written");
    daemon.hears(&["configuration reloaded"]);
    eventually("the second hears", || second.number("roundsman.rounds", &[]));
    assert_eq!(second.number("roundsman.check.outcome", &[]), None);
    assert!(
        second
            .metrics()
            .iter()
            .all(|metric| metric.name != "roundsman.check.outcome")
    );
    std::fs::write(&served.config, plain).expect("it can be written");
    daemon.hears(&["configuration reloaded"]);
    assert_eq!(daemon.stop(), Some(0));
}

/// What a daemon says it lost for a reason, of all signals.
fn lost(address: &str, reason: &str) -> Option<usize> {
    let page = get(address, "/metrics").1;
    let reason = format!("reason=\"{reason}\"}} ");
    let series = page
        .lines()
        .filter(|line| line.starts_with("roundsman_telemetry_dropped_total{"));
    let counts = series.filter_map(|line| line.split_once(&reason)?.1.parse::<usize>().ok());
    Some(counts.sum())
}

/// Rounds go on, each second one, whatever the collector does.
fn goes_on(address: &str) {
    let rounds = || {
        let page = get(address, "/metrics").1;
        let count = page
            .lines()
            .find_map(|line| line.strip_prefix("roundsman_rounds_total "));
        count.and_then(|count| count.parse::<u32>().ok()).unwrap_or_default()
    };
    let now = rounds();
    eventually("more rounds", || (rounds() > now + 2).then_some(()));
    let page = get(address, "/metrics").1;
    assert!(page.contains("roundsman_tenants{status=\"healthy\"} 4"), "{page}");
}

#[test]
fn what_a_collector_refuses_or_rejects_is_counted_exactly() {
    let collector = Collector::start(Mood::Always(400));
    let served = served(&[]);
    configure(&served, &to(&collector));
    let mut daemon = sending(&served, &[]);
    let address = listens(&mut daemon);
    daemon.hears(&[
        "metrics are refused by http://127.0.0.1",
        "it answers 400: come back later",
    ]);
    goes_on(&address);
    eventually("each point that was refused is counted", || {
        let refused = collector.refused();
        (refused > 0 && lost(&address, "refused") == Some(refused) && collector.refused() == refused).then_some(())
    });
    drop(daemon);

    let collector = Collector::start(Mood::Rejects(3));
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", collector.grpc))];
    let served = super::served(&[]);
    let environment = environment.each_ref().map(|(key, value)| (*key, value.as_str()));
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let mut daemon = sending(&served, &[&METRICS_ONLY[..], &[environment[0], grpc]].concat());
    let address = listens(&mut daemon);
    daemon.hears(&["rejected 3 of", "data points: too old"]);
    eventually("each point that was rejected is counted", || {
        let requests = collector.requests();
        (requests > 2 && lost(&address, "rejected") == Some(3 * requests)).then_some(())
    });
}

#[test]
fn what_can_be_tried_again_is_and_nothing_is_lost() {
    // Too many requests and service unavailable; UNAVAILABLE.
    for (over_grpc, status) in [(false, 429), (false, 503), (true, 14)] {
        let collector = Collector::start(Mood::First(2, status));
        let served = served(&[]);
        let address = if over_grpc { collector.grpc } else { collector.http };
        let endpoint = format!("http://{address}");
        let protocol = if over_grpc { "grpc" } else { "http/protobuf" };
        let environment = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ];
        let mut daemon = sending(&served, &[&METRICS_ONLY[..], &environment].concat());
        let page = listens(&mut daemon);
        daemon.hears(&[
            "metrics can't be delivered to http://127.0.0.1",
            "they are tried again",
            &status.to_string(),
        ]);
        daemon.hears(&["metrics are delivered to", "again"]);
        assert!(collector.number("roundsman.coverage", &[]).is_some());
        assert!(!get(&page, "/metrics").1.contains("roundsman_telemetry_dropped_total{"));
        assert_eq!(daemon.stop(), Some(0));
    }
}

/// A collector that says when to come again is left alone until then. RESOURCE_EXHAUSTED is refused for good without that.
#[test]
fn a_collector_is_left_alone_as_long_as_it_asks_for() {
    for (over_grpc, status) in [(false, 429), (true, 8)] {
        let collector = Collector::start(Mood::Later(status));
        let served = served(&[]);
        let address = if over_grpc { collector.grpc } else { collector.http };
        let endpoint = format!("http://{address}");
        let protocol = if over_grpc { "grpc" } else { "http/protobuf" };
        let environment = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ];
        let daemon = sending(&served, &[&METRICS_ONLY[..], &environment].concat());
        eventually("the numbers", || collector.number("roundsman.coverage", &[]));
        let pause = collector.first_pause().expect("a second request");
        assert!(pause >= std::time::Duration::from_secs(3), "{pause:?}");
        assert_eq!(daemon.stop(), Some(0));
    }
}

#[test]
fn a_collector_that_is_gone_hangs_or_never_ends_touches_no_check_and_no_stop() {
    let gone = "http://127.0.0.1:9".to_owned();
    let hanging = Collector::start(Mood::Hangs);
    let endless = Collector::start(Mood::Endless);
    let garbage = Collector::start(Mood::Garbage);
    let grpc = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
    for (endpoint, environment, word) in [
        (gone, &[][..], "can't be delivered"),
        (format!("http://{}", hanging.http), &[], "no answer within 500ms"),
        (format!("http://{}", hanging.grpc), &grpc, "no answer within 500ms"),
        (format!("http://{}", endless.http), &[], "its answer is none of OTLP"),
        (format!("http://{}", garbage.http), &[], "its answer is none of OTLP"),
        // An endpoint that is meant for HTTP.
        (
            format!("http://{}", garbage.http),
            &grpc,
            "they are lost: 404 Not Found without a status of gRPC",
        ),
    ] {
        let served = served(&[]);
        configure(&served, &format!("[telemetry]\notlp_endpoint = \"{endpoint}\"\n"));
        let mut daemon = sending(&served, environment);
        let address = listens(&mut daemon);
        daemon.hears(&[word]);
        goes_on(&address);
        let began = roundsman_checks::clock::Stopwatch::start();
        assert_eq!(daemon.stop(), Some(0), "{word}");
        let left = began.left(std::time::Duration::from_secs(12));
        assert!(!left.is_zero(), "{word}: it stopped too late");
    }
}
