//! Telemetry in the form in which it waits and is sent.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

/// An encoded request, and how many points, spans or lines it holds. Two of them, one behind the other, are a request again:
/// repeated fields of a message are joined so (Protocol Buffers, "Last One Wins").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// How many points, spans or lines.
    pub count: u64,
    /// The request.
    pub bytes: Vec<u8>,
}

impl Batch {
    /// Spans of this process.
    pub(super) fn spans(resource: &Resource, spans: Vec<Span>) -> Self {
        let count = spans.len() as u64;
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(resource.clone()),
                scope_spans: vec![ScopeSpans {
                    scope: Some(scope()),
                    spans,
                    schema_url: String::new(),
                }],
                schema_url: String::new(),
            }],
        };
        let bytes = request.encode_to_vec();
        Self { count, bytes }
    }

    /// What this process said.
    pub(super) fn logs(resource: &Resource, log_records: Vec<LogRecord>) -> Self {
        let count = log_records.len() as u64;
        let request = ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                resource: Some(resource.clone()),
                scope_logs: vec![ScopeLogs {
                    scope: Some(scope()),
                    log_records,
                    schema_url: String::new(),
                }],
                schema_url: String::new(),
            }],
        };
        let bytes = request.encode_to_vec();
        Self { count, bytes }
    }

    /// Metrics of this process with so many points.
    pub(super) fn metrics(resource: &Resource, metrics: Vec<Metric>, count: u64) -> Self {
        let request = ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(resource.clone()),
                scope_metrics: vec![ScopeMetrics {
                    scope: Some(scope()),
                    metrics,
                    schema_url: String::new(),
                }],
                schema_url: String::new(),
            }],
        };
        let bytes = request.encode_to_vec();
        Self { count, bytes }
    }

    /// With another one behind it.
    pub(super) fn join(&mut self, other: Self) {
        self.count += other.count;
        if self.bytes.is_empty() {
            self.bytes = other.bytes;
        } else {
            self.bytes.extend_from_slice(&other.bytes);
        }
    }
}

/// Who measures: this program.
fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}
