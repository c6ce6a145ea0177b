//! Apps with their certificates, addresses and last exits, from GraphQL. Relay paging; a page that is refused is asked
//! again at half its size.

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::evidence::{App, AppCertificate, CertificateState, Exit, Fault, Machine, Platform, Reason};
use crate::platform::http::Api;

/// Apps on the first page.
const PAGE: usize = 100;
/// The smallest page that is tried.
const SMALLEST_PAGE: usize = 6;
/// Most pages of one connection.
const MOST_PAGES: usize = 5000;

const SWEEP: &str = r#"query Sweep($org: String!, $after: String, $first: Int!) {
  organization(slug: $org) { slug allowAllCrossNetworkReplays
    apps(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes { name network sharedIpAddress
      certificates(first: 10) { pageInfo { hasNextPage endCursor } nodes { hostname clientStatus source createdAt rateLimitedUntil
        isWildcard dnsValidationHostname dnsValidationTarget issued(first: 4) { nodes { expiresAt } }
        validationErrors { message remediation } } }
      ipAddresses(first: 20) { nodes { address type } }
      machines(first: 20) { nodes { id state region
        events(last: 1, kind: "exit") { nodes { timestamp ... on MachineEventExit { exitCode oomKilled requestedStop } } } } } } } } }"#;

const CERTIFICATES: &str = r#"query Certificates($app: String!, $after: String, $first: Int!) {
  app(name: $app) { certificates(first: $first, after: $after) { pageInfo { hasNextPage endCursor }
    nodes { hostname clientStatus source createdAt rateLimitedUntil isWildcard dnsValidationHostname dnsValidationTarget
      issued(first: 4) { nodes { expiresAt } } validationErrors { message remediation } } } } }"#;

/// Every document that is sent, by name.
pub const DOCUMENTS: &[(&str, &str)] = &[("Sweep", SWEEP), ("Certificates", CERTIFICATES)];

/// Reads all apps of an organization.
///
/// # Errors
/// The fault of the first page; a later one leaves `apps_missing`.
pub(super) async fn sweep(api: &Api, organization: &str, edge_app: &str) -> Result<Platform, Fault> {
    let mut platform = Platform {
        organization: organization.to_owned(),
        edge_app: edge_app.to_owned(),
        ..Platform::default()
    };
    let (mut after, mut size) = (Value::Null, PAGE);
    for page in 0..MOST_PAGES {
        let variables = json!({ "org": organization, "after": after, "first": size });
        let (data, partial) = match query(api, "Sweep", SWEEP, &variables).await {
            Ok(answer) => answer,
            Err(Refused::Page(_)) if size > SMALLEST_PAGE => {
                size /= 2;
                continue;
            }
            Err(Refused::Page(fault) | Refused::All(fault)) if page == 0 => return Err(fault),
            Err(Refused::Page(fault) | Refused::All(fault)) => {
                platform.apps_missing = Some(fault);
                break;
            }
        };
        let Some(found) = data.get("organization").filter(|found| !found.is_null()) else {
            return Err(Fault::new(
                Reason::PlatformNotFound,
                format!("the token sees no organization {organization}"),
            ));
        };
        platform.cross_network_replays = found.get("allowAllCrossNetworkReplays").and_then(Value::as_bool);
        let nodes = found
            .pointer("/apps/nodes")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        if let Some(fault) = partial.or_else(|| nodes.iter().any(Value::is_null).then(|| nulls("apps"))) {
            platform.apps_missing = Some(fault);
        }
        for node in nodes.iter().filter(|node| !node.is_null()) {
            if let Some(app) = app(api, node).await {
                platform.apps.insert(app.name.clone(), app);
            }
        }
        match next(found.pointer("/apps/pageInfo")) {
            Some(cursor) => after = cursor,
            None => break,
        }
    }
    Ok(platform)
}

fn nulls(what: &str) -> Fault {
    Fault::new(Reason::PlatformPartial, format!("the platform left out some {what}"))
}

enum Refused {
    /// A smaller page may be answered.
    Page(Fault),
    /// Nothing more is to be had.
    All(Fault),
}

/// Asks a document. Errors beside data are a partial answer; errors alone refuse it.
async fn query(api: &Api, name: &str, document: &str, variables: &Value) -> Result<(Value, Option<Fault>), Refused> {
    let body = json!({ "operationName": name, "query": document, "variables": variables });
    let answer = api
        .ask(name, Method::POST, "/graphql", Some(&body))
        .await
        .map_err(|fault| match fault.reason {
            Reason::PlatformMalformed => Refused::Page(fault),
            _ => Refused::All(fault),
        })?;
    let errors = answer
        .get("errors")
        .and_then(Value::as_array)
        .filter(|errors| !errors.is_empty());
    let fault = errors.map(|errors| {
        let said = errors
            .first()
            .and_then(|error| error.get("message"))
            .and_then(Value::as_str)
            .unwrap_or("an error");
        Fault::new(
            Reason::PlatformPartial,
            format!("graphql: {}", said.chars().take(120).collect::<String>()),
        )
    });
    match (answer.get("data").filter(|data| !data.is_null()), fault) {
        (Some(data), None) => Ok((data.clone(), None)),
        (Some(data), Some(fault))
            if data
                .as_object()
                .is_some_and(|data| data.values().any(|value| !value.is_null())) =>
        {
            Ok((data.clone(), Some(fault)))
        }
        (_, Some(fault)) => Err(Refused::Page(fault)),
        (None, None) => Err(Refused::All(Fault::new(
            Reason::PlatformMalformed,
            "graphql: neither data nor errors",
        ))),
    }
}

fn next(info: Option<&Value>) -> Option<Value> {
    let more = info?.get("hasNextPage")?.as_bool()?;
    info?
        .get("endCursor")
        .filter(|cursor| more && !cursor.is_null())
        .cloned()
}

async fn app(api: &Api, node: &Value) -> Option<App> {
    let name = node.get("name")?.as_str()?.to_owned();
    let mut app = App {
        network: text(node, "network"),
        ..App::default()
    };
    read_certificates(&mut app, node.get("certificates"));
    let mut after = next(node.pointer("/certificates/pageInfo"));
    while let Some(cursor) = after.take() {
        let variables = json!({ "app": name, "after": cursor, "first": PAGE });
        match query(api, "Certificates", CERTIFICATES, &variables).await {
            Ok((data, partial)) => {
                read_certificates(&mut app, data.pointer("/app/certificates"));
                app.certificates_missing = app.certificates_missing.or(partial);
                after = next(data.pointer("/app/certificates/pageInfo"));
            }
            Err(Refused::Page(fault) | Refused::All(fault)) => app.certificates_missing = Some(fault),
        }
    }
    let addresses =
        nodes(node, "/ipAddresses/nodes").filter(|address| text(address, "type").as_deref() != Some("private_v6"));
    app.addresses = addresses
        .filter_map(|address| text(address, "address")?.parse().ok())
        .collect();
    app.addresses
        .extend(text(node, "sharedIpAddress").and_then(|address| address.parse::<std::net::IpAddr>().ok()));
    app.machines = nodes(node, "/machines/nodes").filter_map(machine).collect();
    app.name = name;
    Some(app)
}

fn read_certificates(app: &mut App, connection: Option<&Value>) {
    let Some(nodes) = connection
        .and_then(|connection| connection.get("nodes"))
        .and_then(Value::as_array)
    else {
        app.certificates_missing = Some(nulls("certificates"));
        return;
    };
    let read = nodes.iter().filter_map(certificate).collect::<Vec<_>>();
    if read.len() < nodes.len() {
        app.certificates_missing = Some(nulls("certificates"));
    }
    app.certificates.extend(read);
}

fn certificate(node: &Value) -> Option<AppCertificate> {
    let status = text(node, "clientStatus").unwrap_or_default();
    let errors = nodes(node, "/validationErrors").filter_map(|error| {
        let remediation = text(error, "remediation")
            .map(|text| format!(" ({text})"))
            .unwrap_or_default();
        Some(format!("{}{remediation}", text(error, "message")?))
    });
    let expires = nodes(node, "/issued/nodes")
        .filter_map(|issued| moment(issued, "expiresAt"))
        .max();
    Some(AppCertificate {
        hostname: text(node, "hostname")?.to_ascii_lowercase(),
        state: state(&status),
        status,
        imported: text(node, "source").is_some_and(|source| source.eq_ignore_ascii_case("custom")),
        created_at: moment(node, "createdAt"),
        expires_at: expires,
        rate_limited_until: moment(node, "rateLimitedUntil"),
        errors: errors.collect(),
        acme: text(node, "dnsValidationHostname")
            .zip(text(node, "dnsValidationTarget"))
            .filter(|(name, target)| !name.is_empty() && !target.is_empty()),
    })
}

/// Both vocabularies, whatever their case.
pub(super) fn state(word: &str) -> CertificateState {
    match word.to_ascii_lowercase().as_str() {
        "ready" | "active" | "issued" => CertificateState::Ready,
        "awaiting certificates" | "pending_issuance" | "issuing" | "issuing..." => {
            CertificateState::AwaitingCertificates
        }
        "awaiting configuration" | "pending_validation" | "pending_ownership" | "not verified" => {
            CertificateState::AwaitingConfiguration
        }
        _ => CertificateState::Other,
    }
}

fn machine(node: &Value) -> Option<Machine> {
    let exit = nodes(node, "/events/nodes").next_back().map(|event| Exit {
        code: event
            .get("exitCode")
            .and_then(Value::as_i64)
            .and_then(|code| i32::try_from(code).ok()),
        out_of_memory: event.get("oomKilled").and_then(Value::as_bool).unwrap_or(false),
        requested: event.get("requestedStop").and_then(Value::as_bool).unwrap_or(false),
        at: moment(event, "timestamp"),
    });
    Some(Machine {
        id: text(node, "id")?,
        state: text(node, "state").unwrap_or_default().into(),
        region: text(node, "region").unwrap_or_default(),
        last_exit: exit,
        ..Machine::default()
    })
}

fn nodes<'v>(value: &'v Value, pointer: &str) -> impl DoubleEndedIterator<Item = &'v Value> {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|node| !node.is_null())
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

fn moment(value: &Value, key: &str) -> Option<Timestamp> {
    text(value, key)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_vocabularies_mean_the_same() {
        assert_eq!(state("Ready"), state("active"));
        assert_eq!(state("Awaiting configuration"), state("pending_validation"));
        assert_eq!(state("something new"), CertificateState::Other);
    }
}
