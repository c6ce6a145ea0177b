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

/// What `docs/metrics.md` says of `/probe`.
const PROBE: &str = "
## /probe, as blackbox_exporter answers

`GET /probe?target=TENANT` examines a tenant now and answers with the names, labels and meanings of blackbox_exporter's
HTTP prober, so that dashboards and rules made for it work unchanged; a test compares both on the same tenants. `target`
is the id of a tenant, its host name or the address of its page, and nobody else is asked: 404. One that is being examined,
or 16 together, is 429 with `Retry-After`. It ends half a second before `X-Prometheus-Scrape-Timeout-Seconds` (10 s where
nobody says). What is found says nothing to incidents: only what has its turn does. `&debug=true` tells what was seen.

```yaml
- job_name: tenants
  metrics_path: /probe
  static_configs: [{ targets: [q7f9, a3b1] }]
  relabel_configs:
    - { source_labels: [__address__], target_label: __param_target }
    - { source_labels: [__param_target], target_label: instance }
    - { target_label: __address__, replacement: 127.0.0.1:9464 }
```

| what differs | how | why |
|---|---|---|
| `probe_failure_info` | added: 1 for each `layer`, `reason` why a check failed or could not be judged | the number alone tells that it failed, never why |
| `probe_success` | 1 where no check fails and `dns`, `certificate` and `site` could be judged | one visit judges more than the answer |
| `probe_ssl_*`, `probe_tls_version_info` | told also where the chain does not verify, with `probe_ssl_last_chain_expiry_timestamp_seconds` 0 | a chain that expired is when its end is looked at |
| `module` | taken and not looked at | the configuration says what a tenant must answer |
| `probe_http_redirects` | always 0 | a redirect is judged, not followed |
| `probe_dns_lookup_time_seconds`, phase `resolve` | the time that the zone's own servers took | that is who is asked |
| a sleeping app | visited up to the handshake, not asked for its page | looking wakes nobody |
";

/// `docs/metrics.md` is made from the instruments.
#[test]
fn the_metrics_page_is_that_of_the_instruments() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let page = format!(
        "# Metrics\n\n\
         What `roundsman watch` tells at `/metrics` of `[web] listen`, in Prometheus' text format, or in OpenMetrics for\n\
         whoever asks for it. Durations are in seconds, moments in seconds since the epoch. Which tenants have series of their\n\
         own is set by `[telemetry] per_tenant`: `all`, `failing` or `none`; the series of a tenant that left end with it.\n\
         The same numbers go by OTLP where `[telemetry] otlp_endpoint` says ([otlp.md](otlp.md)).\n\n{}{PROBE}",
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

/// `docs/openapi.json` is made from what is served.
#[test]
fn the_openapi_document_is_that_of_what_is_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let document = serde_json::to_string_pretty(&roundsman::daemon::openapi()).expect("JSON") + "\n";
    if std::env::var_os("ROUNDSMAN_WRITE_DOCS").is_some() {
        std::fs::write(&path, &document).expect("the document can be written");
    }
    assert!(
        std::fs::read_to_string(&path).is_ok_and(|written| written == document),
        "docs/openapi.json is not what is served: ROUNDSMAN_WRITE_DOCS=1 cargo test --test main cli::explain"
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

/// Every cause has a heading in the page that reports link to; its anchor is made as GitHub makes them.
#[test]
fn the_links_of_reports_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for cause in Cause::ALL {
        let link = roundsman_alerts::text::docs(cause.as_str());
        let (place, anchor) = link.split_once('#').expect("an anchor");
        assert!(place.ends_with("docs/causes.md"), "{link}");
        let page = std::fs::read_to_string(root.join("docs/causes.md")).expect("the page");
        let headings = page.lines().filter_map(|line| line.strip_prefix("## "));
        let slug = |heading: &str| {
            let kept = heading.to_lowercase().replace(' ', "-");
            kept.chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
                .collect::<String>()
        };
        assert_eq!(headings.filter(|heading| slug(heading) == anchor).count(), 1, "{link}");
        assert!(page.contains(&format!("](#{anchor})")), "{link}");
    }
}

/// What people are told of an incident links to the same page, in the forms that have room for it.
#[test]
fn messages_link_to_the_page_too() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let config = "domain = \"example.com\"\n[edge]\naddresses = [\"198.51.100.7\"]\n";
    std::fs::write(dir.path().join("roundsman.toml"), config).expect("a file");
    for form in ["text", "html", "slack", "webhook", "pagerduty"] {
        let told = roundsman(&["alerts", "preview", "certificate-conflict", "--as", form], dir.path());
        assert_eq!(told.code, Some(0), "{form}: {}", told.err);
        assert!(
            told.out.contains("docs/causes.md#certificate-conflict"),
            "{form}: {}",
            told.out
        );
    }
}
