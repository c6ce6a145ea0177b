//! What a repair tells others: a trace of its plan, each step, and the examinations that prove it.

use opentelemetry_proto::tonic::trace::v1::Span;

use super::{ready, repairable};
use crate::cli::Ran;
use crate::support::collector::{Collector, Mood, attribute};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn apply(faults: &[&str]) -> (Collector, Ran) {
    let collector = Collector::start(Mood::Takes);
    let served = repairable(&["a001", "a002", "a003", "a004"], faults);
    let text = std::fs::read_to_string(&served.config).expect("the configuration");
    std::fs::write(&served.config, text.replace("\"20s\"", "\"3s\"")).expect("written");
    let tokens = (served.lab.fly_token(), served.lab.cloudflare_token());
    let mut command = ready(&served, Some(tokens));
    command
        .args(["--apply", "--yes"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", collector.http))
        .env("TRACEPARENT", PARENT);
    let ran = command.output().expect("the binary runs").into();
    (collector, ran)
}

fn is_below(span: &Span, parent: &Span) -> bool {
    span.trace_id == parent.trace_id && span.parent_span_id == parent.span_id
}

#[test]
fn a_repair_is_a_trace_of_its_steps_and_its_proof() {
    let (collector, ran) = apply(&["dns-override@a002=both", "app-stopped@a003"]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    for (tenant, cause, steps) in [
        ("a002", "dns-override", &["delete-dns-record"; 2][..]),
        ("a003", "app-stopped", &["start-machine"]),
    ] {
        let trace = collector.trace(&format!("remediate {tenant}"));
        let [root, rest @ ..] = trace.as_slice() else {
            panic!("no trace of {tenant}")
        };
        let (trace_id, parent) = (&PARENT[3..35], &PARENT[36..52]);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            (hex(&root.trace_id), hex(&root.parent_span_id)),
            (trace_id.into(), parent.into())
        );
        assert_eq!(attribute(root, "roundsman.cause").as_deref(), Some(cause));
        assert!(
            attribute(root, "roundsman.plan").is_some_and(|plan| !plan.is_empty()),
            "{root:?}"
        );
        assert!(root.status.is_none(), "{root:?}");
        let children = rest.iter().filter(|span| is_below(span, root)).collect::<Vec<_>>();
        let names = children.iter().map(|span| span.name.as_str()).collect::<Vec<_>>();
        assert_eq!(names, [steps, &["prove"]].concat());
        for child in children {
            assert!(child.start_time_unix_nano >= root.start_time_unix_nano, "{child:?}");
            assert!(child.end_time_unix_nano <= root.end_time_unix_nano, "{child:?}");
            let result = attribute(child, "roundsman.result");
            assert!(child.name == "prove" || result.as_deref() == Some("done"), "{child:?}");
        }
    }
}

#[test]
fn a_repair_that_did_not_help_says_so_in_its_trace() {
    let (collector, ran) = apply(&["certificate-conflict@a003", "tls-eof@a003"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    let trace = collector.trace("remediate a003");
    assert_eq!(
        attribute(&trace[0], "error.type").as_deref(),
        Some("remediation/not-verified")
    );
    let proof = trace.iter().find(|span| span.name == "prove").expect("it was examined");
    assert!(attribute(proof, "error.type").is_some(), "{proof:?}");
}
