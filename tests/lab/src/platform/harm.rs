//! APIs that mean harm, or were taken over by somebody who does: answers of 15 MiB, pages without an end, refusals as long
//! as answers, cursors and ids that would lead elsewhere, pauses without an end, answers of somebody else. What they say is
//! JSON of the right shape wherever that serves them.

use http::header::{CONTENT_TYPE, HOST, LOCATION, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde_json::Value;

use super::reply::Call;
use crate::edge::body::{self, Body};
use crate::fault::FaultSet;

/// Which API does what, as `API-HOW`.
pub(crate) const TRIES: &[&str] = &[
    "graphql-zeros",
    "graphql-crowd",
    "graphql-crowded-app",
    "graphql-errors",
    "graphql-pages",
    "graphql-full-pages",
    "graphql-inner-pages",
    "graphql-deep",
    "graphql-spaces",
    "graphql-refusal",
    "graphql-drip",
    "graphql-pause",
    "graphql-date",
    "graphql-elsewhere",
    "machines-zeros",
    "machines-crowd",
    "machines-pages",
    "machines-full-pages",
    "machines-checks",
    "machines-labels",
    "machines-regions",
    "machines-refusal",
    "machines-drip",
    "machines-pause",
    "machines-date",
    "machines-elsewhere",
    "machines-cursor",
    "records-zeros",
    "records-crowd",
    "records-pages",
    "records-full-pages",
    "records-comments",
    "records-refusal",
    "records-drip",
    "records-pause",
    "records-date",
    "records-elsewhere",
    "records-zone",
    "records-upwards",
    "logs-zeros",
    "logs-objects",
    "logs-pages",
    "logs-drip",
    "tenants-zeros",
    "tenants-objects",
    "tenants-same",
    "tenants-pages",
    "tenants-one",
    "tenants-labels",
    "tenants-next",
    "tenants-deep",
    "tenants-spaces",
    "tenants-drip",
    "tenants-pause",
    "tenants-date",
    "tenants-elsewhere",
    "tenants-cursor",
];

/// How long such an answer is, in bytes: just what is still read.
const LONG: usize = 15 * 1024 * 1024;
/// The same of a log, of which less is read.
const LONG_LOG: usize = 4 * 1024 * 1024 - 64 * 1024;
/// What leads elsewhere wherever somebody makes a query or a path of it by hand; a `+` is a space then.
pub(crate) const LEADING: &str = "+/=&limit=1#x?y=%41/../..";
/// How many entries are on a page whose cursor leads elsewhere.
pub(crate) const FEW: usize = 5;
/// How long a text is that takes the room of many small ones, in bytes.
const FAT: usize = 20 * 1024;

/// What this call gets, where a fault wants harm done.
pub(crate) fn instead(faults: &FaultSet, call: &Call) -> Option<Response<Body>> {
    let (api, how) = faults.everywhere("api-hostile")?.word().split_once('-')?;
    if api != api_of(call)? {
        return None;
    }
    let mut status = StatusCode::OK;
    let mut header = None;
    let body = match how {
        // Those change what the API itself says.
        "zone" | "upwards" => return None,
        "cursor" if api == "machines" => return None,
        "pause" => {
            (status, header) = (
                StatusCode::SERVICE_UNAVAILABLE,
                Some((RETRY_AFTER, "999999".to_owned())),
            );
            body::empty()
        }
        "date" => {
            let date = "Wed, 01 Jan 2098 00:00:00 GMT".to_owned();
            (status, header) = (StatusCode::TOO_MANY_REQUESTS, Some((RETRY_AFTER, date)));
            body::empty()
        }
        // Another name of this machine: there the API answers well, and it is not the API's word.
        "elsewhere" => {
            let host = call.headers.get(HOST).and_then(|host| host.to_str().ok())?;
            let port = host.strip_prefix("127.0.0.1:")?;
            let there = format!("http://localhost:{port}{}", call.target);
            (status, header) = (StatusCode::TEMPORARY_REDIRECT, Some((LOCATION, there)));
            body::empty()
        }
        "drip" => body::drip(),
        "spaces" => body::endless(),
        "refusal" => {
            status = StatusCode::FORBIDDEN;
            text(format!("[{}0]", repeated("0,", LONG)))
        }
        "deep" => text("[".repeat(1_000_000)),
        _ => text(match api {
            "graphql" => graphql(call, how),
            "machines" => machines(how),
            "records" => records(call, how),
            "logs" => logs(how),
            _ => tenants(call, how),
        }),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some((name, value)) = header {
        response.headers_mut().insert(name, HeaderValue::from_str(&value).ok()?);
    }
    Some(response)
}

/// Whether an API does just this harm.
pub(crate) fn is(faults: &FaultSet, word: &str) -> bool {
    faults
        .everywhere("api-hostile")
        .is_some_and(|fault| fault.word() == word)
}

/// The API that a call is to; nothing for calls that are left alone.
fn api_of(call: &Call) -> Option<&'static str> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    Some(match path.as_slice() {
        ["graphql"] => "graphql",
        ["v1", "orgs", _, "machines"] => "machines",
        ["api", "v1", "apps", _, "logs"] => "logs",
        ["tenants"] => "tenants",
        [.., "dns_records"] => "records",
        _ => return None,
    })
}

fn text(text: String) -> Body {
    body::full(text.into())
}

/// The same entry until the text is so long.
fn repeated(entry: &str, length: usize) -> String {
    entry.repeat(length / entry.len())
}

/// Entries until the text is so long, each with its number.
fn filled(entry: impl Fn(usize) -> String, length: usize) -> String {
    let mut text = String::with_capacity(length + 1024);
    for at in 0.. {
        text.push_str(&entry(at));
        if text.len() >= length {
            break;
        }
    }
    text
}

/// A number that did not come before.
fn fresh() -> u64 {
    fastrand::u64(..)
}

fn graphql(call: &Call, how: &str) -> String {
    let asked = serde_json::from_slice::<Value>(&call.body).unwrap_or_default();
    let inner = asked.pointer("/variables/app").is_some();
    let page = |nodes: &str, more: bool| {
        format!(
            r#"{{"pageInfo":{{"hasNextPage":{more},"endCursor":"c{}"}},"nodes":[{nodes}]}}"#,
            fresh()
        )
    };
    let certificates = |count: usize| {
        let certificate = |_| format!(r#"{{"hostname":"h{}.example.com"}}"#, fresh());
        (0..count).map(certificate).collect::<Vec<_>>().join(",")
    };
    let empty = page("", false);
    let app = |name: &str, certificates: &str| {
        format!(r#"{{"name":"{name}","certificates":{certificates},"ipAddresses":{empty},"machines":{empty}}}"#)
    };
    if inner {
        return format!(r#"{{"data":{{"app":{{"list":{}}}}}}}"#, page(&certificates(100), true));
    }
    let apps = match how {
        "zeros" => page(&format!("{}0", repeated("0,", LONG)), false),
        "crowd" => {
            let crowd = filled(|at| format!("{},", app(&format!("sp-x{at}"), &empty)), LONG);
            page(crowd.trim_end_matches(','), false)
        }
        "crowded-app" => {
            let crowd = filled(|at| format!(r#"{{"hostname":"h{at}"}},"#), LONG);
            page(&app("sp-q7f9", &page(crowd.trim_end_matches(','), false)), false)
        }
        "full-pages" => {
            let app = |_| {
                let network = format!(r#""network":"{}","#, "n".repeat(FAT));
                app(&format!("other-{}", fresh()), &empty).replacen('{', &format!("{{{network}"), 1)
            };
            page(&(0..100).map(app).collect::<Vec<_>>().join(","), true)
        }
        "inner-pages" => page(&app("sp-q7f9", &page(&certificates(10), true)), false),
        "errors" => {
            let errors = repeated(r#"{"message":"no","path":[0,0,0,0]},"#, LONG);
            return format!(r#"{{"errors":[{}]}}"#, errors.trim_end_matches(','));
        }
        _ => page(&app("sp-q7f9", &empty), true),
    };
    format!(r#"{{"data":{{"organization":{{"slug":"lab","apps":{apps}}}}}}}"#)
}

fn machines(how: &str) -> String {
    let of = |app: &str, region: &str, id: &str| {
        format!(r#"{{"id":"{id}","app_name":"{app}","state":"started","region":"{region}"}}"#)
    };
    let machine = |id: &str| of("sp-q7f9", "lhr", id);
    let list = |entries: &str, next: &str| {
        format!(
            r#"{{"machines":[{}],"next_cursor":"{next}"}}"#,
            entries.trim_end_matches(',')
        )
    };
    let next = format!("c{}", fresh());
    match how {
        "zeros" => list(&repeated("0,", LONG), ""),
        "crowd" => list(&filled(|at| format!("{},", machine(&format!("m{at}"))), LONG), ""),
        "full-pages" => {
            let region = "r".repeat(FAT / 10);
            let page = (0..1_000).map(|_| of(&format!("x{}", fresh()), &region, "m"));
            list(&page.collect::<Vec<_>>().join(","), &next)
        }
        "checks" => {
            let checks = repeated("{},", LONG);
            let checks = checks.trim_end_matches(',');
            list(&format!(r#"{{"id":"m","app_name":"sp-q7f9","checks":[{checks}]}}"#), "")
        }
        "labels" => {
            let labels = filled(|at| format!(r#""{at:x}":"","#), LONG);
            let labels = labels.trim_end_matches(',');
            list(
                &format!(r#"{{"id":"m","app_name":"sp-q7f9","config":{{"metadata":{{{labels}}}}}}}"#),
                "",
            )
        }
        "regions" => {
            let regions = filled(|at| format!(r#""{at:x}","#), LONG);
            format!(
                r#"{{"machines":[],"error_regions":[{}]}}"#,
                regions.trim_end_matches(',')
            )
        }
        _ => list(&machine("m"), &next),
    }
}

fn records(call: &Call, how: &str) -> String {
    let record = |id: &str| format!(r#"{{"id":"{id}","name":"x.example.com","type":"A","content":"192.0.2.1"}}"#);
    let page = call.number("page", 1).unwrap_or(1);
    let list = |entries: &str, pages: usize| {
        let entries = entries.trim_end_matches(',');
        format!(r#"{{"success":true,"result":[{entries}],"result_info":{{"page":{page},"total_pages":{pages}}}}}"#)
    };
    match how {
        "zeros" => list(&repeated("0,", LONG), 1),
        "crowd" => list(&filled(|at| format!("{},", record(&at.to_string())), LONG), 1),
        "full-pages" => {
            let entries = (0..5_000).map(|_| record(&fresh().to_string()));
            list(&entries.collect::<Vec<_>>().join(","), 1_000_000)
        }
        "comments" => {
            let comment = "x".repeat(LONG - 1024);
            let id = fresh();
            let entry =
                format!(r#"{{"id":"{id}","name":"x.example.com","type":"TXT","content":"","comment":"{comment}"}}"#);
            list(&entry, 1_000_000)
        }
        _ => list(&record(&fresh().to_string()), 1_000_000),
    }
}

fn logs(how: &str) -> String {
    let list = |entries: &str| {
        let next = fresh();
        format!(
            r#"{{"data":[{}],"meta":{{"next_token":"{next}"}}}}"#,
            entries.trim_end_matches(',')
        )
    };
    match how {
        "zeros" => list(&repeated("0,", LONG_LOG)),
        "objects" => list(&repeated("{},", LONG_LOG)),
        _ => list(&filled(
            |at| format!(r#"{{"attributes":{{"message":"line {at}","timestamp":"2026-11-24T09:39:13.5Z"}}}},"#),
            64 * 1024,
        )),
    }
}

fn tenants(call: &Call, how: &str) -> String {
    let list = |entries: &str| format!("[{}]", entries.trim_end_matches(','));
    let page =
        |entries: &str, next: &str| format!(r#"{{"tenants":[{}],"next":{next}}}"#, entries.trim_end_matches(','));
    match how {
        "zeros" => list(&repeated("0,", LONG)),
        "objects" => list(&repeated("{},", LONG)),
        "same" => list(&repeated(r#""q7f9","#, LONG)),
        "one" => {
            let more = repeated("0,", LONG);
            list(&format!(r#""a3b1",{{"id":"q7f9","more":[{more}0]}}"#))
        }
        "labels" => {
            let labels = filled(|at| format!(r#""{at:x}":"","#), LONG);
            list(&format!(
                r#""a3b1",{{"id":"q7f9","labels":{{{}}}}}"#,
                labels.trim_end_matches(',')
            ))
        }
        "cursor" => match call.parameter("cursor") {
            None => page(r#""a3b1""#, &Value::from(LEADING).to_string()),
            Some(LEADING) => page(r#""q7f9""#, "null"),
            Some(_) => page(r#""led-elsewhere""#, "null"),
        },
        "next" => page(r#""a3b1","q7f9""#, &format!("[{}0]", repeated("0,", LONG))),
        // The first tenants come again behind every cursor.
        _ => page(r#""a3b1","q7f9""#, &format!(r#""c{}""#, fresh())),
    }
}
