//! The tables of the schema. The comments of the fields become the descriptions that editors show.
#![expect(dead_code, reason = "the types describe a file and are never made")]

use std::collections::BTreeMap;

use roundsman_checks::diagnosis::Cause;
use roundsman_checks::expectation::HttpVersion;
use roundsman_checks::finding::Check;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::form::{
    DurationText, Fraction, Headers, IdentityPlace, PathText, Pointer, Port, SecretPlace, SizeText, Sources, Statuses,
    TenantList, VersionPlace,
};

/// roundsman.toml
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, title = "roundsman.toml")]
pub(super) struct File {
    /// The domain whose wildcard the tenants live under.
    domain: String,
    edge: Option<()>,
    tenants: Option<Tenants>,
    fly: Option<Fly>,
    cloudflare: Option<Cloudflare>,
    dns: Option<()>,
    site: Option<Site>,
    certificate: Option<Certificate>,
    /// What differs for some tenants; later ones win, what is not said stays.
    overrides: Option<Vec<Override>>,
    /// How urgent each cause is, by its name.
    #[schemars(schema_with = "severities")]
    severity: Option<BTreeMap<String, Severity>>,
    vantage: Option<()>,
    schedule: Option<()>,
}

/// The platform; leave the table out to verify without one.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Fly {
    /// The organization's slug; by default the token's own.
    organization: Option<String>,
    /// A read-only token; by default { env = "FLY_API_TOKEN" }.
    token: Option<SecretPlace>,
    /// GraphQL is at /graphql below it.
    api_url: Option<String>,
    /// The Machines API is at /v1 below it.
    machines_url: Option<String>,
    /// A tenant app is reached directly at <app>.<app_domain>; "fly.dev" by default.
    app_domain: Option<String>,
    /// The port of tenant apps; 443 by default.
    app_port: Option<Port>,
}

/// The DNS provider's listing of the zone: names the record that overrides the wildcard.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Cloudflare {
    /// The zone; by default the domain.
    zone: Option<String>,
    /// A token with DNS Read; by default { env = "CLOUDFLARE_API_TOKEN" }.
    token: Option<SecretPlace>,
    /// The API's base.
    api_url: Option<String>,
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

/// What a tenant's page must answer.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Site {
    /// Path and query to ask for; "/" by default.
    path: Option<PathText>,
    /// Statuses that are right; [200] by default.
    status: Option<Statuses>,
    /// The HTTP version that is right; "2" by default.
    http: Option<HttpVersion>,
    /// A text that the body must hold.
    body_contains: Option<String>,
    /// JSON pointers and the value that must be there.
    json: Option<BTreeMap<String, serde_json::Value>>,
    /// Response headers and the value that each must have.
    expect_headers: Option<BTreeMap<String, String>>,
    /// Headers sent with the probe.
    request_headers: Option<Headers>,
    /// Where the answer carries its version; "off" by default.
    version: Option<VersionPlace>,
    /// How `route` proves which app answered; "auto" by default.
    identity: Option<IdentityPlace>,
    /// Slower than this is a warning; "2s" by default.
    slow: Option<DurationText>,
    /// How often a sleeping tenant may be woken; "6h" by default.
    wake_every: Option<DurationText>,
    /// How long connecting may take; "5s" by default.
    connect_timeout: Option<DurationText>,
    /// How long a visit may take; "10s" by default.
    timeout: Option<DurationText>,
    /// How much of a body is read; "64KiB" by default.
    max_body: Option<SizeText>,
}

/// When a certificate is expiring, as remaining fractions of its lifetime.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Certificate {
    /// Below this it is a warning; 0.25 by default.
    warn_below: Option<Fraction>,
    /// Below this it is a failure; 0.1 by default, not above warn_below.
    fail_below: Option<Fraction>,
}

/// What differs for some tenants.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Override {
    r#match: Match,
    site: Option<Site>,
    certificate: Option<Certificate>,
    /// Checks that do not apply.
    skip: Option<Vec<Check>>,
    /// Whether it may be repaired.
    repair: Option<bool>,
}

/// Whom it concerns; all that is said must hold.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Match {
    /// A pattern over the id: `*` stands for any text, `?` for one character.
    tenant: Option<String>,
    /// The status of the inventory.
    status: Option<String>,
    /// Labels that it has, with these values.
    labels: Option<BTreeMap<String, String>>,
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
