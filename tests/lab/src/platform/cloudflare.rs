//! The DNS provider's API, below `/client/v4`: the zone as the lab's name servers have it.

use std::collections::HashSet;

use hickory_proto::rr::rdata::{CNAME, MX, NS, TXT};
use hickory_proto::rr::{Name, RData, RecordType};
use http::Method;
use serde_json::{Value, json};

use super::reply::{Call, Reply};
use super::server::{self, Outcome};
use super::{CLOUDFLARE_READ_TOKEN, CLOUDFLARE_TOKEN, Platform, harm};
use crate::dns::contents::{PROXY_V4, PROXY_V6};
use crate::snapshot::Shared;

const PAGE: usize = 100;
const LARGEST_PAGE: usize = 5_000_000;
/// The only zone.
const ZONE: &str = "1ab00000000000000000000000000d05";

/// Answers a call.
pub(crate) fn answer(shared: &Shared, platform: &Platform, call: &Call) -> Outcome {
    let path: Vec<&str> = call.path.iter().skip(2).map(String::as_str).collect();
    let operation = match (call.method.as_str(), path.as_slice()) {
        ("GET", ["zones"]) => "zones-list",
        ("GET", ["zones", _]) => "zone-show",
        ("GET", ["zones", _, "dns_records"]) => "records-list",
        ("GET", ["zones", _, "dns_records", _]) => "record-show",
        ("POST", ["zones", _, "dns_records"]) => "record-create",
        ("DELETE", ["zones", _, "dns_records", _]) => "record-delete",
        _ => "unknown",
    };
    shared.counters.api("cloudflare", operation);
    if call.method != Method::GET {
        let what = format!("{} /client/v4/{}", call.method, path.join("/"));
        server::record_write(shared, platform, what);
    }
    let snapshot = shared.current();
    let staged = |cause: &str| snapshot.faults.everywhere(cause).is_some();
    if staged("cloudflare-unavailable") {
        return Reply::page(503, "Service Temporarily Unavailable").into();
    }
    let reads_only = call.authorized(CLOUDFLARE_READ_TOKEN, &["Bearer "]);
    if staged("cloudflare-refused") || !(reads_only || call.authorized(CLOUDFLARE_TOKEN, &["Bearer "])) {
        return refused(operation).into();
    }
    if reads_only && call.method != Method::GET {
        return failure(403, 10_000, "Authentication error").into();
    }
    match path.as_slice() {
        ["zones", wanted, ..] if *wanted != zone_id(shared) => {
            failure(404, 7003, "Could not route to the zone, perhaps it is invalid")
        }
        _ if operation == "unknown" => failure(405, 10_405, "Method not allowed for this authentication scheme"),
        ["zones"] => zones(shared, call),
        ["zones", _] => success(&zone(shared), None),
        ["zones", _, "dns_records"] if call.method == Method::POST => create(shared, platform, call),
        ["zones", _, "dns_records"] => records(shared, call),
        ["zones", _, "dns_records", id] => one(shared, id, call.method == Method::DELETE),
        _ => failure(404, 7000, "No route for that URI"),
    }
    .into()
}

/// What a token gets that is none. The codes differ by endpoint; the status is 400, as observed.
fn refused(operation: &str) -> Reply {
    if operation.starts_with("record") {
        failure(400, 9106, "Authentication failed")
    } else {
        failure(400, 10_000, "Authentication error")
    }
}

fn failure(status: u16, code: u32, message: &str) -> Reply {
    let error = json!({ "code": code, "message": message });
    let body = json!({ "success": false, "errors": [error], "messages": [], "result": null });
    Reply::json(status, &body)
}

fn success(result: &Value, info: Option<Value>) -> Reply {
    let mut body = json!({ "success": true, "errors": [], "messages": [], "result": result });
    if let Some(info) = info {
        body["result_info"] = info;
    }
    Reply::json(200, &body)
}

/// The zone's id; where harm is done one that leads elsewhere, wherever somebody makes a path of it by hand.
fn zone_id(shared: &Shared) -> String {
    let faults = &shared.current().faults;
    match (harm::is(faults, "records-zone"), harm::is(faults, "records-upwards")) {
        (true, _) => format!("../../user{}", harm::LEADING),
        (_, true) => "..".to_owned(),
        _ => ZONE.to_owned(),
    }
}

fn zone(shared: &Shared) -> Value {
    json!({ "id": zone_id(shared), "name": shared.world.domain, "status": "active", "paused": false, "type": "full" })
}

fn zones(shared: &Shared, call: &Call) -> Reply {
    let wanted = call.parameter("name").unwrap_or(&shared.world.domain);
    let found = wanted.eq_ignore_ascii_case(&shared.world.domain);
    let all = if found { vec![zone(shared)] } else { Vec::new() };
    paged(call, &all, 20)
}

fn paged(call: &Call, all: &[Value], default: usize) -> Reply {
    let page = call.number("page", 1).filter(|page| *page >= 1);
    let per_page = call
        .number("per_page", default)
        .filter(|size| (1..=LARGEST_PAGE).contains(size));
    let (Some(page), Some(size)) = (page, per_page) else {
        return failure(400, 9207, "page and per_page must be positive numbers");
    };
    let from = size.saturating_mul(page - 1).min(all.len());
    let part = &all[from..from.saturating_add(size).min(all.len())];
    let info = json!({
        "page": page,
        "per_page": size,
        "count": part.len(),
        "total_count": all.len(),
        "total_pages": all.len().div_ceil(size),
    });
    success(&part.into(), Some(info))
}

fn records(shared: &Shared, call: &Call) -> Reply {
    let all: Vec<_> = listing(shared).into_iter().map(|(_, _, entry)| entry).collect();
    let all: Vec<_> = all.into_iter().filter(|entry| matches(call, entry)).collect();
    paged(call, &all, PAGE)
}

fn matches(call: &Call, entry: &Value) -> bool {
    let text = |field: &str| entry[field].as_str().unwrap_or_default().to_ascii_lowercase();
    call.query.iter().all(|(parameter, wanted)| {
        let wanted = wanted.to_ascii_lowercase();
        match parameter.split_once('.').unwrap_or((parameter, "exact")) {
            ("type", _) => text("type") == wanted,
            ("proxied", _) => entry["proxied"] == (wanted == "true"),
            (field @ ("name" | "content"), how) => match how {
                "contains" => text(field).contains(&wanted),
                "startswith" => text(field).starts_with(&wanted),
                "endswith" => text(field).ends_with(&wanted),
                _ => text(field) == wanted,
            },
            _ => true,
        }
    })
}

fn one(shared: &Shared, id: &str, delete: bool) -> Reply {
    let found = listing(shared).into_iter().find(|(_, _, entry)| entry["id"] == id);
    let Some((name, data, entry)) = found else {
        return failure(404, 81_044, "Record does not exist.");
    };
    if !delete {
        return success(&entry, None);
    }
    match data
        .into_iter()
        .try_for_each(|data| shared.remove_record(name.clone(), data))
    {
        Ok(()) => success(&json!({ "id": id }), None),
        Err(error) => failure(500, 1_000, &error.to_string()),
    }
}

/// Makes a record of what was said of it.
fn create(shared: &Shared, platform: &Platform, call: &Call) -> Reply {
    let said: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let text = |key: &str| said[key].as_str().unwrap_or_default();
    let name = Name::from_ascii(format!("{}.", text("name").trim_end_matches('.')));
    let (Ok(name), Some(data)) = (name, data(text("type"), text("content"), &said)) else {
        return failure(400, 9_005, "Content for the record is invalid.");
    };
    let proxied = said["proxied"].as_bool().unwrap_or(false);
    let new = entry(&name, &data, proxied);
    if listing(shared).iter().any(|(_, _, there)| there["id"] == new["id"]) {
        return failure(400, 81_058, "An identical record already exists.");
    }
    platform.say(new["id"].as_str().unwrap_or_default(), &said);
    let answered = match proxied {
        true => vec![RData::A(PROXY_V4.into()), RData::AAAA(PROXY_V6.into())],
        false => vec![data],
    };
    let added = answered
        .into_iter()
        .try_for_each(|data| shared.add_record(name.clone(), data));
    let found = listing(shared)
        .into_iter()
        .find(|(_, _, there)| there["id"] == new["id"]);
    match (added, found) {
        (Ok(()), Some((_, _, there))) => success(&there, None),
        (Ok(()), None) => success(&new, None),
        (Err(error), _) => failure(500, 1_000, &error.to_string()),
    }
}

fn data(kind: &str, content: &str, said: &Value) -> Option<RData> {
    let name = || Name::from_ascii(format!("{}.", content.trim_end_matches('.'))).ok();
    Some(match kind {
        "A" => RData::A(content.parse::<std::net::Ipv4Addr>().ok()?.into()),
        "AAAA" => RData::AAAA(content.parse::<std::net::Ipv6Addr>().ok()?.into()),
        "CNAME" => RData::CNAME(CNAME(name()?)),
        "NS" => RData::NS(NS(name()?)),
        "MX" => RData::MX(MX::new(u16::try_from(said["priority"].as_u64()?).ok()?, name()?)),
        "TXT" => RData::TXT(TXT::new(vec![content.trim_matches('"').to_owned()])),
        _ => return None,
    })
}

/// Every record that the provider shows: what its name owns in the zone, and how it is shown. What
/// goes through the proxy is shown with the content that was given, once, and answered with the
/// proxy's addresses of both families.
fn listing(shared: &Shared) -> Vec<(Name, Vec<RData>, Value)> {
    let snapshot = shared.current();
    let Some(zone) = snapshot.zones.first() else {
        return Vec::new();
    };
    let apex = &shared.world.apex;
    let hidden =
        |name: &Name, data: &RData| name == apex && matches!(data.record_type(), RecordType::SOA | RecordType::NS);
    let mut shown = Vec::new();
    for (name, data) in zone.records().filter(|(name, data)| !hidden(name, data)) {
        match data {
            RData::AAAA(address) if address.0 == PROXY_V6 => {}
            RData::A(address) if address.0 == PROXY_V4 => shown.extend(behind_the_proxy(shared, &name)),
            _ => {
                let entry = entry(&name, data, false);
                shown.push((name, vec![data.clone()], entry));
            }
        }
    }
    for (name, _, entry) in &mut shown {
        remarks(shared, name, entry);
    }
    // The provider keeps no record twice.
    let mut seen = HashSet::new();
    shown.retain(|(_, _, entry)| seen.insert(entry["id"].to_string()));
    shown
}

/// What whoever made a record said of it besides, and what faults write beside those of a tenant.
fn remarks(shared: &Shared, name: &Name, entry: &mut Value) {
    if let Some(platform) = &shared.platform
        && let Some(said) = platform.said(entry["id"].as_str().unwrap_or_default())
    {
        for key in ["ttl", "comment", "tags"] {
            if let Some(value) = said.get(key).filter(|value| !value.is_null()) {
                entry[key] = value.clone();
            }
        }
    }
    let Some(tenant) = super::owner(&shared.world, name) else {
        return;
    };
    let snapshot = shared.current();
    match snapshot.faults.at(tenant, "hands-off").map(crate::fault::Fault::word) {
        Some("record") => entry["comment"] = json!("by the web team, roundsman=off"),
        Some("tag") => entry["tags"] = json!(["team:web", "roundsman:off"]),
        Some("terraform") => entry["comment"] = json!("Managed by Terraform"),
        _ => {}
    }
}

fn behind_the_proxy(shared: &Shared, name: &Name) -> Vec<(Name, Vec<RData>, Value)> {
    let owned = vec![RData::A(PROXY_V4.into()), RData::AAAA(PROXY_V6.into())];
    let entry = |address: &std::net::IpAddr| {
        let data = match address {
            std::net::IpAddr::V4(address) => RData::A((*address).into()),
            std::net::IpAddr::V6(address) => RData::AAAA((*address).into()),
        };
        (name.clone(), owned.clone(), entry(name, &data, true))
    };
    shared.world.edge_addresses.iter().map(entry).collect()
}

fn entry(name: &Name, data: &RData, proxied: bool) -> Value {
    let host = name.to_ascii().trim_end_matches('.').to_owned();
    let kind = data.record_type();
    let content = match data {
        RData::CNAME(target) => target.0.to_ascii().trim_end_matches('.').to_owned(),
        RData::NS(target) => target.0.to_ascii().trim_end_matches('.').to_owned(),
        RData::MX(mail) => mail.exchange.to_ascii().trim_end_matches('.').to_owned(),
        data => data.to_string(),
    };
    let mut entry = json!({
        "id": id(&format!("{host} {kind} {content}")),
        "name": host,
        "type": kind.to_string(),
        "content": content,
        "proxiable": matches!(kind, RecordType::A | RecordType::AAAA | RecordType::CNAME),
        "proxied": proxied,
        "ttl": 1,
        "settings": {},
        "meta": {},
        "comment": null,
        "tags": [],
        "created_on": "2026-01-15T10:30:00Z",
        "modified_on": "2026-01-15T10:30:00Z",
    });
    if let RData::MX(mail) = data {
        entry["priority"] = json!(mail.preference);
    }
    entry
}

/// 32 hexadecimal digits that stay the same for a record.
fn id(text: &str) -> String {
    let half = |text: &str| crate::edge::answer::machine(text);
    let digits = format!(
        "{}{}{}",
        half(text),
        half(&format!("{text}~")),
        half(&format!("~{text}"))
    );
    digits.chars().take(32).collect()
}
