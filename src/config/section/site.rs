//! `[site]`, also inside of an override.

use roundsman_checks::expectation::{HttpVersion, Identity, Place};

use super::{form, secret};
use crate::config::apply::SitePatch;
use crate::config::reader::{Read, Section, Value, choice, duration, each, integer, json, pairs, parsed, size, wrong};

/// The most that is ever read of a body, in bytes.
const MAX_BODY: u64 = 64 << 20;

pub(super) fn site(section: Section<'_>) -> SitePatch {
    let versions = [
        ("1.1", HttpVersion::Http1),
        ("2", HttpVersion::Http2),
        ("any", HttpVersion::Any),
    ];
    let patch = SitePatch {
        path: section.get("path", parsed(form::path)),
        status: section.get("status", statuses),
        http: section.get("http", choice(&versions)),
        body_contains: section.get("body_contains", parsed(form::any)),
        json: section.get("json", pairs(form::pointer, json)),
        expect_headers: section.get("expect_headers", pairs(form::header_name, parsed(form::header_value))),
        request_headers: secret::headers(&section, "request_headers"),
        version: section.get("version", parsed(version)),
        identity: section.get("identity", parsed(identity)),
        slow: section.get("slow", duration),
        wake_every: section.get("wake_every", duration),
        connect_timeout: section.get("connect_timeout", duration),
        timeout: section.get("timeout", duration),
        max_body: section.get("max_body", size(1..=MAX_BODY)),
    };
    section.finish();
    patch
}

fn statuses(value: &Value<'_>) -> Read<Vec<u16>> {
    let statuses = each(integer(100..=599))(value)?;
    if statuses.is_empty() {
        wrong(value, "name at least one status, such as [200]")
    } else {
        Ok(statuses)
    }
}

fn version(text: &str) -> Result<Option<Place>, String> {
    if text == "off" {
        return Ok(None);
    }
    form::place(text)
        .map(Some)
        .map_err(|error| error.replacen("expected", "expected \"off\",", 1))
}

fn identity(text: &str) -> Result<Identity, String> {
    match text {
        "auto" => Ok(Identity::Auto),
        "off" => Ok(Identity::Off),
        _ => form::place(text)
            .map(Identity::Place)
            .map_err(|error| error.replacen("expected", "expected \"auto\", \"off\",", 1)),
    }
}
