//! `roundsman explain`, and the page that says the same.

use std::path::Path;

use roundsman::cli::explain::page;
use roundsman_checks::diagnosis::Cause;

use super::roundsman;

#[test]
fn a_cause_is_explained_and_without_one_all_are_listed() {
    let here = Path::new(".");
    let told = roundsman(&["explain", "certificate-conflict"], here);
    assert_eq!(told.code, Some(0), "{}", told.err);
    insta::assert_snapshot!(told.out);
    let all = roundsman(&["explain"], here);
    // Besides, the one note that reports tell by a name.
    assert_eq!((all.code, all.out.lines().count()), (Some(0), Cause::ALL.len() + 1));
    let note = roundsman(&["explain", "resolver-differs"], here);
    assert_eq!(note.code, Some(0), "{}", note.err);
    assert!(note.out.contains("no severity belongs to it"), "{}", note.out);
    let wrong = roundsman(&["explain", "certificate-conflikt"], here);
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(2), ""));
    assert!(
        wrong.err.contains("did you mean `certificate-conflict`?"),
        "{}",
        wrong.err
    );
}

/// `docs/causes.md` is made from the catalog. Whoever changed one of them writes it anew with `ROUNDSMAN_WRITE_DOCS=1`.
#[test]
fn the_causes_page_is_that_of_the_catalog() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/causes.md");
    if std::env::var_os("ROUNDSMAN_WRITE_DOCS").is_some() {
        std::fs::write(&path, page()).expect("the page is written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == page(),
        "docs/causes.md is not the catalog's: ROUNDSMAN_WRITE_DOCS=1 cargo test --test main causes_page"
    );
}

/// `docs/metrics.md` is made from the instruments.
#[test]
fn the_metrics_page_is_that_of_the_instruments() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let page = format!(
        "# Metrics\n\n\
         What `roundsman watch` tells at `/metrics` of `[web] listen`, in Prometheus' text format, or in OpenMetrics for\n\
         whoever asks for it. Durations are in seconds, moments in seconds since the epoch. Which tenants have series of their\n\
         own is set by `[telemetry] per_tenant`: `all`, `failing` or `none`; the series of a tenant that left end with it.\n\n{}",
        roundsman::telemetry::table()
    );
    if std::env::var_os("ROUNDSMAN_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("the page can be written");
    }
    assert!(
        std::fs::read_to_string(&path).is_ok_and(|written| written == page),
        "docs/metrics.md is not the instruments': ROUNDSMAN_WRITE_DOCS=1 cargo test --test main cli::explain"
    );
}

/// `docs/notification.schema.json` is made from the message itself.
#[test]
fn the_webhooks_schema_is_the_messages() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/notification.schema.json");
    let schema = roundsman_alerts::notification::Message::json_schema();
    let schema = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
    if std::env::var_os("ROUNDSMAN_WRITE_DOCS").is_some() {
        std::fs::write(&path, &schema).expect("the schema can be written");
    }
    assert!(
        std::fs::read_to_string(&path).is_ok_and(|written| written == schema),
        "docs/notification.schema.json is not the message's: ROUNDSMAN_WRITE_DOCS=1 cargo test --test main cli::explain"
    );
}
