//! What `verify` tells others as traces.

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use roundsman_checks::clock::Stopwatch;
use roundsman_lab::LabOptions;

use super::{Ran, Served, command, serve};
use crate::support::collector::{Collector, Mood, attribute, said};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn served(faults: &[&str]) -> Served {
    let options = LabOptions {
        tenants: ["q7f9", "a3b1", "c04e", "d9a2", "e5b7"].map(str::to_owned).into(),
        ..LabOptions::default()
    };
    serve(options, faults).impatient()
}

/// Verifies with these variables and keys of `[telemetry]`.
fn verify(served: &Served, keys: &str, variables: &[(&str, &str)]) -> Ran {
    let before = std::fs::read_to_string(&served.config).expect("the configuration");
    let text = format!("{before}[telemetry]\n{keys}\n");
    std::fs::write(&served.config, text).expect("it can be written");
    let ran = served
        .command()
        .envs(variables.iter().copied())
        .output()
        .expect("the binary runs")
        .into();
    std::fs::write(&served.config, before).expect("it can be written");
    ran
}

fn endpoint(collector: &Collector) -> String {
    format!("otlp_endpoint = \"http://{}\"", collector.http)
}

fn named<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    let found = spans.iter().find(|span| span.name == name);
    found.unwrap_or_else(|| panic!("no {name} among {:?}", names(spans)))
}

fn names(spans: &[Span]) -> Vec<&str> {
    spans.iter().map(|span| span.name.as_str()).collect()
}

fn failed(span: &Span) -> Option<String> {
    let is_error = span
        .status
        .as_ref()
        .is_some_and(|status| status.code == i32::from(StatusCode::Error));
    let reason = attribute(span, "error.type");
    assert_eq!(is_error, reason.is_some(), "{span:?}");
    reason
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_trace_says_which_layer_failed_and_why() {
    let collector = Collector::start(Mood::Takes);
    let served = served(&[
        "tls-eof@q7f9",
        "site-status@a3b1",
        "dns-override@c04e",
        "site-redirect@e5b7",
    ]);
    let ran = verify(&served, &endpoint(&collector), &[]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(!ran.err.contains("warning"), "{}", ran.err);
    let cut = collector.trace("verify q7f9");
    let [root, rest @ ..] = cut.as_slice() else {
        panic!("{:?}", names(&collector.spans()))
    };
    assert_eq!(failed(root).as_deref(), Some("tls/unexpected-eof"));
    assert_eq!(attribute(root, "roundsman.check.certificate").as_deref(), Some("fail"));
    assert_eq!(attribute(root, "roundsman.check.dns").as_deref(), Some("pass"));
    assert!(attribute(root, "roundsman.cause").is_some(), "{root:?}");
    assert_eq!(
        attribute(root, "server.address").map(|name| name.starts_with("q7f9.")),
        Some(true)
    );
    assert_eq!(failed(named(rest, "dns.resolve")), None);
    assert_eq!(failed(named(rest, "tcp.connect")), None);
    let handshake = named(rest, "tls.handshake");
    assert_eq!(failed(handshake).as_deref(), Some("tls/unexpected-eof"));
    assert!(!names(rest).contains(&"http.request"), "no request was sent");
    // It was visited again, and that is told.
    assert!(
        names(rest).iter().filter(|name| **name == "tcp.connect").count() > 1,
        "{:?}",
        names(rest)
    );
    assert!(!root.events.is_empty());

    let sick = collector.trace("verify a3b1");
    let request = named(&sick, "http.request");
    assert_eq!(failed(request).as_deref(), Some("http/status"));
    for (key, value) in [
        ("http.response.status_code", "500"),
        ("http.request.method", "GET"),
        ("network.protocol.version", "2"),
        ("roundsman.visit", "first"),
    ] {
        assert_eq!(attribute(request, key).as_deref(), Some(value), "{request:?}");
    }
    let url = attribute(request, "url.full").expect("what was asked for");
    assert!(url.starts_with("https://a3b1."), "{url}");
    for key in [
        "network.peer.address",
        "network.peer.port",
        "server.address",
        "server.port",
    ] {
        assert!(attribute(request, key).is_some(), "{key}");
    }
    assert_eq!(
        attribute(named(&sick, "tls.handshake"), "tls.protocol.version").as_deref(),
        Some("1.3")
    );
    assert_eq!(failed(named(&sick, "tls.handshake")), None);
    // Each part has its time within the whole, one after the other, and the kind of who asks.
    let root = &sick[0];
    let parts = ["tcp.connect", "tls.handshake", "http.request"].map(|name| named(&sick, name));
    for pair in parts.windows(2) {
        assert!(pair[0].end_time_unix_nano <= pair[1].start_time_unix_nano, "{pair:?}");
    }
    for span in &sick[1..] {
        assert!(span.start_time_unix_nano >= root.start_time_unix_nano, "{}", span.name);
        assert!(span.end_time_unix_nano <= root.end_time_unix_nano, "{}", span.name);
        assert!(span.end_time_unix_nano > span.start_time_unix_nano, "{}", span.name);
        assert_eq!(
            (span.kind, &span.trace_id),
            (i32::from(SpanKind::Client), &root.trace_id)
        );
    }

    let moved = collector.trace("verify e5b7");
    let redirect = named(&moved, "http.request");
    assert_eq!(failed(redirect).as_deref(), Some("http/redirect"));
    assert!(
        redirect.events.iter().any(|event| event.name == "redirect"),
        "{redirect:?}"
    );

    let elsewhere = collector.trace("verify c04e");
    let resolve = named(&elsewhere, "dns.resolve");
    assert_eq!(failed(resolve).as_deref(), Some("dns/mismatch"));
    assert!(resolve.events.iter().any(|event| {
        event.name == "dns.query"
            && event
                .attributes
                .iter()
                .map(said)
                .any(|(key, value)| key == "roundsman.dns.type" && value == "A")
    }));
    assert!(collector.trace("verify d9a2").is_empty(), "it is well");

    // Each is a trace of its own, and points at the round.
    let spans = collector.spans();
    let round = named(&spans, "round");
    assert_eq!(attribute(round, "roundsman.tenants.failing").as_deref(), Some("4"));
    assert_eq!(attribute(round, "roundsman.tenants.healthy").as_deref(), Some("1"));
    for trace in [&cut, &sick, &elsewhere] {
        let link = trace[0].links.first().expect("a link");
        assert_eq!((&link.trace_id, &link.span_id), (&round.trace_id, &round.span_id));
        assert_ne!(trace[0].trace_id, round.trace_id);
        assert!(trace[0].parent_span_id.is_empty());
    }
    let resource = collector.resource_of_spans().expect("a resource");
    assert!(
        resource.contains(&("service.name".to_owned(), "roundsman".to_owned())),
        "{resource:?}"
    );
}

#[test]
fn whoever_answers_is_told_the_span_of_its_request() {
    let collector = Collector::start(Mood::Takes);
    let served = served(&["site-status@a3b1"]);
    verify(&served, &format!("{}\ntraces = \"all\"", endpoint(&collector)), &[]);
    let seen = served.lab.counters().traceparents;
    for tenant in ["q7f9", "a3b1", "c04e", "d9a2"] {
        let trace = collector.trace(&format!("verify {tenant}"));
        let requests = trace.iter().filter(|span| span.name == "http.request");
        let sent = requests.map(|span| format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id)));
        let mut sent = sent.collect::<Vec<_>>();
        let mut told = seen[tenant].clone();
        // The issuer document is asked for without it.
        told.retain(|parent| parent != "-");
        sent.retain(|parent| told.contains(parent));
        assert!(
            !told.is_empty() && sent.len() == told.len(),
            "{tenant}: {told:?} and {trace:?}"
        );
    }
}

#[test]
fn nothing_is_told_where_nobody_asked_for_it() {
    let collector = Collector::start(Mood::Takes);
    let none = format!("{}\ntraces = \"none\"", endpoint(&collector));
    let disabled = [("OTEL_SDK_DISABLED", "true")];
    for (keys, variables) in [("", &[][..]), (&none, &[]), (&endpoint(&collector), &disabled)] {
        let served = served(&["site-status@a3b1"]);
        let ran = verify(&served, keys, variables);
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        let seen = served.lab.counters().traceparents;
        assert!(seen.values().flatten().all(|parent| parent == "-"), "{keys}: {seen:?}");
    }
    assert_eq!(collector.requests(), 0);
    // A share of nobody is told so, and tells nothing of them.
    let served = served(&["site-status@a3b1"]);
    verify(&served, &format!("{}\ntraces = 0.000001", endpoint(&collector)), &[]);
    let seen = served.lab.counters().traceparents;
    let told = seen
        .values()
        .flatten()
        .filter(|parent| *parent != "-")
        .collect::<Vec<_>>();
    assert!(
        !told.is_empty() && told.iter().all(|parent| parent.ends_with("-00")),
        "{told:?}"
    );
    assert_eq!(names(&collector.spans()), ["round"]);
}

#[test]
fn a_pipeline_that_is_traced_finds_all_of_it_below_its_own_span() {
    let collector = Collector::start(Mood::Takes);
    let served = served(&["site-status@a3b1"]);
    let grpc = format!("http://{}", collector.grpc);
    let environment = [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", grpc.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("TRACEPARENT", PARENT),
        ("TRACESTATE", "vendor=1"),
    ];
    let ran = verify(&served, "traces = 1.0", &environment);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let spans = collector.spans();
    let round = named(&spans, "round");
    assert_eq!(hex(&round.parent_span_id), "00f067aa0ba902b7");
    for span in &spans {
        assert_eq!(hex(&span.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736", "{}", span.name);
        assert_eq!(span.trace_state, "vendor=1");
    }
    for tenant in ["q7f9", "a3b1", "c04e", "d9a2"] {
        let root = named(&spans, &format!("verify {tenant}"));
        assert_eq!(root.parent_span_id, round.span_id);
    }
    // What is no parent is none.
    let ran = verify(&served, "", &[environment[0], environment[1], ("TRACEPARENT", "hello")]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
}

#[test]
fn the_request_that_a_person_traces_is_told_though_nothing_is_wrong() {
    let collector = Collector::start(Mood::Takes);
    let served = served(&[]);
    let trace = |variables: &[(&str, &str)]| {
        let mut command = command(served.dir.path());
        command.args(["trace", "q7f9", "--config"]).arg(&served.config);
        let to = format!("http://{}", collector.http);
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", to)
            .envs(variables.iter().copied());
        Ran::from(command.output().expect("the binary runs"))
    };
    let ran = trace(&[("OTEL_SDK_DISABLED", "true")]);
    assert_eq!((ran.code, collector.requests()), (Some(0), 0), "{}", ran.err);
    let ran = trace(&[("TRACEPARENT", PARENT)]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let spans = collector.spans();
    assert_eq!(
        named(&spans, "verify q7f9").parent_span_id,
        named(&spans, "round").span_id
    );
    assert_eq!(hex(&named(&spans, "round").parent_span_id), "00f067aa0ba902b7");
    let seen = served.lab.counters().traceparents;
    let request = hex(&named(&spans, "http.request").span_id);
    assert!(
        seen.values().flatten().any(|parent| parent.contains(&request)),
        "{seen:?}"
    );
}

#[test]
fn a_collector_that_is_gone_or_hangs_changes_neither_report_nor_exit() {
    let served = served(&["site-status@a3b1"]);
    let expected = verify(&served, "", &[]);
    let hanging = Collector::start(Mood::Hangs);
    let refusing = Collector::start(Mood::Always(401));
    for (keys, word) in [
        (
            "otlp_endpoint = \"http://127.0.0.1:9\"".to_owned(),
            "traces can't be delivered to http://127.0.0.1:9",
        ),
        (endpoint(&hanging), "spans are lost: they were not delivered in time"),
        (endpoint(&refusing), "it answers 401"),
    ] {
        let began = Stopwatch::start();
        let ran = verify(&served, &keys, &[]);
        assert_eq!(ran.code, expected.code, "{}", ran.err);
        assert_eq!(ran.out.lines().count(), expected.out.lines().count(), "{}", ran.out);
        let warnings = ran
            .err
            .lines()
            .filter(|line| line.contains("warning"))
            .collect::<Vec<_>>();
        assert!(warnings.len() == 1 && warnings[0].contains(word), "{}", ran.err);
        assert!(!began.left(std::time::Duration::from_secs(30)).is_zero());
    }
    let ran = verify(&served, "", &[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")]);
    assert_eq!(ran.code, expected.code);
    assert!(
        ran.err
            .contains("OTEL_EXPORTER_OTLP_ENDPOINT is no http:// or https:// URL"),
        "{}",
        ran.err
    );
}

#[test]
fn what_the_apis_were_asked_is_part_of_the_round() {
    let collector = Collector::start(Mood::Takes);
    let served = serve(LabOptions::with_platform(), &[]).impatient();
    let ran = verify(&served, &format!("{}\ntraces = \"all\"", endpoint(&collector)), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let spans = collector.spans();
    let round = named(&spans, "round");
    let calls = spans.iter().filter(|span| attribute(span, "roundsman.api").is_some());
    let calls = calls.collect::<Vec<_>>();
    assert!(!calls.is_empty(), "{:?}", names(&spans));
    for call in calls {
        assert_eq!(call.parent_span_id, round.span_id, "{call:?}");
        assert_eq!(attribute(call, "http.response.status_code").as_deref(), Some("200"));
        assert_eq!(failed(call), None);
    }
    assert!(!format!("{spans:?}").contains(served.lab.fly_token()));
}

#[test]
fn a_header_of_the_configuration_goes_before_ours() {
    let collector = Collector::start(Mood::Takes);
    let served = served(&[]);
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    let own = text.replacen(
        "[site]\n",
        &format!("[site]\nrequest_headers = {{ traceparent = \"{PARENT}\" }}\n"),
        1,
    );
    assert_ne!(own, text);
    std::fs::write(&served.config, own).expect("it can be written");
    verify(&served, &format!("{}\ntraces = \"all\"", endpoint(&collector)), &[]);
    let seen = served.lab.counters().traceparents;
    assert!(
        seen.values().flatten().all(|parent| parent == PARENT || parent == "-"),
        "{seen:?}"
    );
}
