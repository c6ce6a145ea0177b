//! `[telemetry]`.

use serde::Serialize;
use serde_json::json;

use crate::config::form::{ValueForm, boolean, choice, fraction, optional, optional_url, or_else};
use crate::config::table::table;

/// Which tenants have series of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PerTenant {
    /// All.
    #[default]
    All,
    /// Those that fail.
    Failing,
    /// None.
    None,
}

/// How OTLP is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub enum OtlpProtocol {
    /// Protobuf in a POST for each signal: `/v1/metrics`, `/v1/traces`.
    #[default]
    #[serde(rename = "http/protobuf")]
    Http,
    /// gRPC over HTTP/2.
    #[serde(rename = "grpc")]
    Grpc,
}

/// Which examinations are told as traces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Traces {
    /// Those in which a check failed, or `dns`, `certificate` or `site` could not be judged.
    Failing,
    /// This share of them, whatever comes of them; 1 is all, 0 is none.
    Share(f64),
}

impl Traces {
    /// All of them.
    pub const ALL: Self = Self::Share(1.0);
    /// None of them.
    pub const NONE: Self = Self::Share(0.0);
}

table! {
    /// The numbers and traces that are told to others.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Telemetry {
        /// Where numbers and traces are sent by OTLP, as in "http://127.0.0.1:4318"; empty: where OTEL_EXPORTER_OTLP_ENDPOINT
        /// says, and nowhere where that is not set.
        otlp_endpoint: Option<String> = None => optional_url();
        /// How: "http/protobuf" or "grpc"; by default as OTEL_EXPORTER_OTLP_PROTOCOL says, else "http/protobuf".
        otlp_protocol: Option<OtlpProtocol> = None => optional(choice(&[OtlpProtocol::Http, OtlpProtocol::Grpc])), sample = "\"http/protobuf\"";
        /// Whether /metrics answers at web.listen, as Prometheus reads it.
        prometheus: bool = true => boolean();
        /// Which tenants have series of their own.
        per_tenant: PerTenant = PerTenant::All => choice(&[PerTenant::All, PerTenant::Failing, PerTenant::None]);
        /// Which examinations are told as traces: "all", "failing", "none", or a share of them from 0 to 1.
        traces: Traces = Traces::Failing => traces();
    }
}

fn traces() -> ValueForm<Traces> {
    let words = [
        ("all", Traces::ALL),
        ("failing", Traces::Failing),
        ("none", Traces::NONE),
    ];
    or_else(&words, fraction().map(Traces::Share))
        .schema(json!({ "anyOf": [
            { "enum": ["all", "failing", "none"] },
            { "type": "number", "minimum": 0, "maximum": 1 },
        ] }))
        .written(|traces| {
            Some(match traces {
                Traces::Failing => "\"failing\"".to_owned(),
                Traces::Share(share) => share.to_string(),
            })
        })
}
