//! Lists that are not what they say: pages that are promised and never come, cursors that lead in circles, totals that
//! differ, entries that were passed over. Whatever an API answered is changed on its way out.

use serde_json::{Value, json};

use super::estate::EDGE_APP;
use super::reply::Reply;
use crate::fault::FaultSet;

/// The lists that can be lied about, and how.
pub(crate) const LIES: &[&str] = &[
    "apps-cursor",
    "apps-lost-cursor",
    "apps-total",
    "apps-passed-over",
    "apps-garbled",
    "certificates-total",
    "addresses-total",
    "addresses-garbled",
    "machines-cursor",
    "machines-passed-over",
    "machines-garbled",
    "records-total",
    "records-pages",
    "records-unpaged",
];

/// Changes a reply as the fault says; one that another list is in stays as it is.
pub(crate) fn told(faults: &FaultSet, reply: Reply) -> Reply {
    match faults.everywhere("lists-lie") {
        Some(fault) => reply.changed(|body| lie(body, fault.word())),
        None => reply,
    }
}

fn lie(body: &mut Value, how: &str) {
    if let Some(apps) = body.pointer_mut("/data/organization/apps") {
        lie_about_apps(apps, how);
    } else if let Some(machines) = body.get("machines").and_then(Value::as_array) {
        let victim = machines.iter().position(|machine| machine["app_name"] == "sp-q7f9");
        match (how, victim) {
            ("machines-cursor", _) => body["next_cursor"] = json!("bGFiOjA"),
            ("machines-passed-over", Some(at)) => drop(body["machines"].as_array_mut().map(|list| list.remove(at))),
            ("machines-garbled", Some(at)) => body["machines"][at]["state"] = json!({ "is": "started" }),
            _ => {}
        }
    } else if let Some(info) = body.get_mut("result_info") {
        match how {
            "records-total" => info["total_count"] = json!(4711),
            "records-pages" => info["total_pages"] = json!(1_000_000),
            "records-unpaged" => *info = Value::Null,
            _ => {}
        }
    }
}

fn lie_about_apps(apps: &mut Value, how: &str) {
    let Some(nodes) = apps["nodes"].as_array() else { return };
    let place = |name: &str| nodes.iter().position(|app| app["name"] == name);
    let (victim, edge) = (place("sp-q7f9"), place(EDGE_APP));
    if let (Some(at), "addresses-total" | "addresses-garbled") = (edge, how) {
        let list = &mut apps["nodes"][at]["ipAddresses"];
        match how {
            "addresses-total" => list["totalCount"] = json!(40),
            _ => list["nodes"] = json!([{ "address": 7 }]),
        }
    }
    match (how, victim) {
        ("apps-cursor", _) => apps["pageInfo"] = json!({ "hasNextPage": true, "endCursor": "bGFiOjA" }),
        ("apps-lost-cursor", _) => apps["pageInfo"] = json!({ "hasNextPage": true, "endCursor": null }),
        ("apps-total", _) => apps["totalCount"] = json!(4711),
        ("apps-passed-over", Some(at)) => {
            apps["nodes"].as_array_mut().map(|list| list.remove(at));
            apps["totalCount"] = json!(nodes_left(apps));
        }
        ("apps-garbled", Some(at)) => apps["nodes"][at]["certificates"] = json!("none"),
        ("certificates-total", Some(at)) => apps["nodes"][at]["certificates"]["totalCount"] = json!(3),
        _ => {}
    }
}

fn nodes_left(apps: &Value) -> usize {
    apps["nodes"].as_array().map_or(0, Vec::len)
}
