//! The tables of the schema. The comments of the fields become the descriptions that editors show.
#![expect(dead_code, reason = "the types describe a file and are never made")]

use std::collections::BTreeMap;

use roundsman_checks::diagnosis::Cause;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::form::{Pointer, SecretPlace, Sources, TenantList};

/// roundsman.toml
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, title = "roundsman.toml")]
pub(super) struct File {
    /// The domain whose wildcard the tenants live under.
    domain: String,
    edge: Option<()>,
    tenants: Option<Tenants>,
    fly: Option<()>,
    cloudflare: Option<()>,
    dns: Option<()>,
    site: Option<()>,
    certificate: Option<()>,
    /// What differs for some tenants; later ones win, what is not said stays.
    overrides: Option<()>,
    /// How urgent each cause is, by its name.
    #[schemars(schema_with = "severities")]
    severity: Option<BTreeMap<String, Severity>>,
    vantage: Option<()>,
    schedule: Option<()>,
}

/// Who the tenants are.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Tenants {
    /// A tenant's app = prefix + id; "sp-" by default.
    app_prefix: Option<String>,
    /// Where tenants are named; the first says who should exist.
    source: Option<Sources>,
    /// A file of tenants: .toml, .json, or an id a line.
    file: Option<String>,
    /// An endpoint that lists tenants as JSON: https, or http to loopback.
    url: Option<String>,
    /// The bearer token for url.
    token: Option<SecretPlace>,
    /// JSON pointer to the next page of url.
    next: Option<Pointer>,
    fields: Option<Fields>,
    /// Statuses whose tenants are expected not to run.
    inactive: Option<Vec<String>>,
    /// Ids, or tables with an id.
    list: Option<TenantList>,
    /// Ids to leave out; `*` stands for any text, `?` for one character.
    exclude: Option<Vec<String>>,
}

/// JSON pointers into one entry of a JSON inventory, where the names differ.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Fields {
    id: Option<Pointer>,
    app: Option<Pointer>,
    hostname: Option<Pointer>,
    labels: Option<Pointer>,
    status: Option<Pointer>,
}

fn severities(generator: &mut SchemaGenerator) -> Schema {
    let names = Cause::ALL.iter().map(|cause| cause.as_str()).collect::<Vec<_>>();
    json_schema!({
        "type": "object",
        "propertyNames": { "enum": names },
        "additionalProperties": generator.subschema_for::<Severity>(),
    })
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Severity {
    Critical,
    Warning,
    Info,
    Off,
}
