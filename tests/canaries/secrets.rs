//! Every secret that a configuration may hold, each with a value of its own, and the search for them in whatever was said.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::Value;

/// A secret, and the value that no output may hold.
#[derive(Clone, Debug)]
pub(super) struct Canary {
    /// The key of the configuration, or the variable.
    pub(super) key: &'static str,
    /// The variable that a configuration reads it from.
    pub(super) variable: &'static str,
    pub(super) value: &'static str,
}

const fn canary(key: &'static str, variable: &'static str, value: &'static str) -> Canary {
    Canary { key, variable, value }
}

/// All of them. What an address may hold is in those that are part of one; the others have what is encoded in addresses.
pub(super) const CANARIES: &[Canary] = &[
    canary("alerts.channels[].password", "MAIL_PASSWORD", "cnry01/Pw+Zq7x=Lk93"),
    canary("alerts.channels[].routing_key", "PAGER_KEY", "cnry02Rk8VbT5yQw2nM4"),
    canary(
        "alerts.channels[].secret",
        "HOOK_SECRET",
        "whsec_Y25yeTAzL0tqNDhWcFdzMm5HNw==",
    ),
    canary("alerts.channels[].url", "HOOK_PART", "cnry04Ur6HgXe1kPzD9s"),
    canary("cloudflare.token", "CLOUDFLARE_API_TOKEN", "cnry05-Cf_3vNqRj8mTw"),
    canary("fly.token", "FLY_API_TOKEN", "fm2_cnry06/Fl+9sXdKe=Hy4"),
    canary(
        "overrides[].site.request_headers",
        "OVERRIDE_KEY",
        "cnry07/Ov 5tGbYh\"Nu6",
    ),
    canary(
        "remediation.cloudflare_token",
        "CLOUDFLARE_WRITE_TOKEN",
        "cnry08-Cw_7jMiKoLp2a",
    ),
    canary("remediation.fly_token", "FLY_WRITE_TOKEN", "fm2_cnry09/Fw+1qAzXs=Wc3"),
    canary("site.request_headers", "SITE_KEY", "cnry10/Si 4eDcVr\"Fb8"),
    canary("tenants.token", "TENANTS_TOKEN", "cnry11/Te+6yHnUj=Mi0"),
    canary("web.token", "ROUNDSMAN_WEB_TOKEN", "cnry12/We+2sWxEd=Cr7"),
    // What is no secret by its form, and holds one all the same.
    canary("heartbeat.url", "HEARTBEAT_PART", "cnry13Hb5vTgBy8hNuJm"),
    canary("telemetry.otlp_endpoint", "OTLP_PART", "cnry14Oe3zAqXs7wCdEv"),
    canary("OTEL_EXPORTER_OTLP_HEADERS", "OTLP_KEY", "cnry15/Oh+4rFvTg=By6"),
    canary(
        "userinfo of alerts.channels[].url",
        "MANAGER_PASSWORD",
        "cnry16Am9nHuJm2iKoLp",
    ),
];

/// The value of a secret.
pub(super) fn value(key: &str) -> &'static str {
    let found = CANARIES.iter().find(|canary| canary.key == key);
    found
        .map(|canary| canary.value)
        .unwrap_or_else(|| panic!("no canary for {key}"))
}

/// The keys of the schema that take a secret, in tables and arrays of tables.
pub(super) fn keys_of_schema() -> BTreeSet<String> {
    let schema = roundsman::config::schema();
    let mut found = BTreeSet::new();
    look(&schema, &schema, "", &mut found);
    found
}

fn look(node: &Value, root: &Value, path: &str, found: &mut BTreeSet<String>) {
    let node = match node["$ref"].as_str() {
        Some(at) => root.pointer(&at[1..]).expect("a definition"),
        None => node,
    };
    if node["properties"]["env"].is_object() {
        found.insert(path.to_owned());
        return;
    }
    for branch in node["anyOf"].as_array().into_iter().flatten() {
        look(branch, root, path, found);
    }
    for inner in [&node["additionalProperties"], &node["patternProperties"]] {
        if inner.is_object() {
            look(inner, root, path, found);
        }
    }
    if node["items"].is_object() {
        look(&node["items"], root, &format!("{path}[]"), found);
    }
    for (key, inner) in node["properties"].as_object().into_iter().flatten() {
        let dot = if path.is_empty() { "" } else { "." };
        look(inner, root, &format!("{path}{dot}{key}"), found);
    }
}

/// The forms in which a value may be written: as it is, as JSON and addresses write it, and in base64 wherever it begins.
fn forms(value: &str) -> Vec<String> {
    let json = Value::from(value).to_string();
    let percent = |lower: bool, kept: &str| {
        let byte = |byte: u8| match char::from(byte) {
            c if c.is_ascii_alphanumeric() || kept.contains(c) => c.to_string(),
            _ if lower => format!("%{byte:02x}"),
            _ => format!("%{byte:02X}"),
        };
        value.bytes().map(byte).collect::<String>()
    };
    let mut forms = vec![value.to_owned(), json[1..json.len() - 1].to_owned()];
    for kept in ["", "-._~"] {
        forms.extend([percent(false, kept), percent(true, kept)]);
    }
    for before in 0..3 {
        let bytes = ["\0".repeat(before).as_bytes(), value.as_bytes()].concat();
        for alphabet in [STANDARD, URL_SAFE] {
            // Without the characters that what stands before or behind has a part in.
            let encoded = alphabet.encode(&bytes);
            forms.push(encoded[before + usize::from(before > 0)..bytes.len() * 8 / 6].to_owned());
        }
    }
    forms
}

/// What was said somewhere.
pub(super) struct Said {
    pub(super) place: String,
    pub(super) text: String,
}

pub(super) fn said(place: impl Into<String>, bytes: impl AsRef<[u8]>) -> Said {
    Said {
        place: place.into(),
        text: String::from_utf8_lossy(bytes.as_ref()).into_owned(),
    }
}

/// The canaries in a text, but for those that belong there.
pub(super) fn found(text: &str, but: &[&str]) -> Vec<String> {
    let all = CANARIES.iter().filter(|canary| !but.contains(&canary.key));
    all.filter_map(|canary| {
        let form = forms(canary.value)
            .into_iter()
            .find(|form| text.contains(form.as_str()))?;
        let at = text.find(&form)?;
        let around = text.get(at.saturating_sub(80)..(at + form.len() + 20).min(text.len()));
        Some(format!(
            "{} as {form:?} in …{:?}…",
            canary.key,
            around.unwrap_or_default()
        ))
    })
    .collect()
}

/// What leaked, a line each.
pub(super) fn leaks(all: &[Said]) -> Vec<String> {
    let leaks = |said: &Said| {
        found(&said.text, &[])
            .into_iter()
            .map(|leak| format!("{}: {leak}", said.place))
            .collect::<Vec<_>>()
    };
    all.iter().flat_map(leaks).collect()
}

#[test]
fn every_secret_of_the_configuration_has_a_canary() {
    let named = CANARIES
        .iter()
        .map(|canary| canary.key.to_owned())
        .collect::<BTreeSet<_>>();
    let missing = keys_of_schema().difference(&named).cloned().collect::<Vec<_>>();
    assert!(missing.is_empty(), "no canary for {missing:?}");
    assert!(keys_of_schema().len() >= 12, "{:?}", keys_of_schema());
}

#[test]
fn a_canary_is_found_in_every_form() {
    for canary in CANARIES {
        let value = canary.value;
        for text in [
            format!("token {value}!"),
            format!("{{\"a\":{}}}", Value::from(format!("Bearer {value}"))),
            STANDARD.encode(format!("roundsman:{value}")),
            STANDARD.encode(format!("\0roundsman\0{value}\n\n")),
            URL_SAFE.encode(value),
        ] {
            assert_eq!(found(&text, &[]).len(), 1, "{}: {text}", canary.key);
            assert!(found(&text, &[canary.key]).is_empty());
        }
    }
}
