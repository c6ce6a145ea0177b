//! What is told apart in OTLP: each signal has its path, its service and its answer.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::{DecodeError, Message as _};

/// One kind of telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// Numbers.
    Metrics,
    /// Spans.
    Traces,
    /// What is said.
    Logs,
}

/// What a collector says of what it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PartialSuccess {
    /// How many points, spans or lines it did not take.
    pub rejected: u64,
    /// Why, or what else it wants to say.
    pub message: String,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Metrics, Self::Traces, Self::Logs];

    /// Its name in metrics and lines.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Traces => "traces",
            Self::Logs => "logs",
        }
    }

    /// Its place among all.
    pub(super) const fn index(self) -> usize {
        match self {
            Self::Metrics => 0,
            Self::Traces => 1,
            Self::Logs => 2,
        }
    }

    /// What is counted of it.
    #[must_use]
    pub const fn things(self) -> &'static str {
        match self {
            Self::Metrics => "data points",
            Self::Traces => "spans",
            Self::Logs => "lines",
        }
    }

    /// Its word in the names of the standard variables.
    pub(super) const fn variable(self) -> &'static str {
        match self {
            Self::Metrics => "METRICS",
            Self::Traces => "TRACES",
            Self::Logs => "LOGS",
        }
    }

    /// Where it is posted to, below the root of a collector.
    pub(super) const fn http_path(self) -> &'static str {
        match self {
            Self::Metrics => "v1/metrics",
            Self::Traces => "v1/traces",
            Self::Logs => "v1/logs",
        }
    }

    /// The path of its method for gRPC.
    pub(super) const fn grpc_path(self) -> &'static str {
        match self {
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        }
    }

    /// Reads the answer to a request that was taken.
    pub(super) fn answer(self, message: &[u8]) -> Result<PartialSuccess, DecodeError> {
        let (rejected, message) = match self {
            Self::Metrics => {
                let said = ExportMetricsServiceResponse::decode(message)?.partial_success;
                said.map(|said| (said.rejected_data_points, said.error_message))
            }
            Self::Traces => {
                let said = ExportTraceServiceResponse::decode(message)?.partial_success;
                said.map(|said| (said.rejected_spans, said.error_message))
            }
            Self::Logs => {
                let said = ExportLogsServiceResponse::decode(message)?.partial_success;
                said.map(|said| (said.rejected_log_records, said.error_message))
            }
        }
        .unwrap_or_default();
        Ok(PartialSuccess {
            rejected: u64::try_from(rejected).unwrap_or_default(),
            message,
        })
    }
}
