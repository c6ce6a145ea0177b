//! Who tells: the attributes of the resource, as the semantic conventions name them.

use std::sync::OnceLock;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use percent_encoding::percent_decode_str;

use super::settings::Variables;

/// Most attributes that are taken from the environment.
const MOST: usize = 128;

/// The resource of this process, seen from a vantage. What `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` say goes
/// before what is known here.
pub(super) fn resource(vantage: &str, variables: Variables<'_>) -> Resource {
    let mut pairs = variables("OTEL_RESOURCE_ATTRIBUTES").map_or_else(Vec::new, |text| named(&text));
    if let Some(name) = variables("OTEL_SERVICE_NAME") {
        pairs.retain(|(key, _)| key != "service.name");
        pairs.push(("service.name".to_owned(), name));
    }
    let known = [
        ("service.name", Some("roundsman".to_owned())),
        ("service.version", Some(env!("CARGO_PKG_VERSION").to_owned())),
        ("service.instance.id", Some(of_process())),
        ("roundsman.vantage", Some(vantage.to_owned())),
        ("cloud.region", variables("FLY_REGION")),
        ("telemetry.sdk.name", Some("roundsman".to_owned())),
        ("telemetry.sdk.language", Some("rust".to_owned())),
        ("telemetry.sdk.version", Some(env!("CARGO_PKG_VERSION").to_owned())),
    ];
    for (key, value) in known {
        if let Some(value) = value.filter(|_| !pairs.iter().any(|(there, _)| there == key)) {
            pairs.push((key.to_owned(), value));
        }
    }
    Resource {
        attributes: pairs.iter().map(|(key, value)| text(key, value)).collect(),
        ..Resource::default()
    }
}

/// `key=value,key=value`, percent-encoded. What is no pair is left out; of two with one key the later counts.
fn named(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::<(String, String)>::new();
    for (key, value) in text.split(',').filter_map(|pair| pair.split_once('=')).take(MOST) {
        let plain = |text: &str| percent_decode_str(text.trim()).decode_utf8_lossy().into_owned();
        let (key, value) = (plain(key), plain(value));
        pairs.retain(|(there, _)| *there != key);
        if !key.is_empty() {
            pairs.push((key, value));
        }
    }
    pairs
}

/// The id of this process, which another configuration does not change.
fn of_process() -> String {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(instance).clone()
}

/// A random id: a UUID of version 4 (RFC 9562, section 5.4).
fn instance() -> String {
    let random = fastrand::u128(..);
    let marked = (random & !(0xf << 76) & !(0b11 << 62)) | (0x4 << 76) | (0b10 << 62);
    let digits = format!("{marked:032x}");
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// An attribute that is a text.
pub(super) fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, any_value::Value::StringValue(value.to_owned()))
}

/// An attribute.
pub(super) fn attribute(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(variables: &[(&str, &str)], key: &str) -> Option<String> {
        let find = |name: &str| {
            let found = variables.iter().find(|(there, _)| *there == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let resource = resource("lhr", &find);
        let found = resource.attributes.into_iter().find(|pair| pair.key == key)?;
        match found.value?.value? {
            any_value::Value::StringValue(text) => Some(text),
            _ => None,
        }
    }

    #[test]
    fn the_environment_goes_before_what_is_known_here() {
        let name = "service.name";
        assert_eq!(said(&[], name).as_deref(), Some("roundsman"));
        let attributes = (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.name=a%2Cb, team = ops ,nonsense,x=1,x=2",
        );
        assert_eq!(said(&[attributes], name).as_deref(), Some("a,b"));
        assert_eq!(said(&[attributes], "team").as_deref(), Some("ops"));
        assert_eq!(said(&[attributes], "x").as_deref(), Some("2"));
        let both = [attributes, ("OTEL_SERVICE_NAME", "c")];
        assert_eq!(said(&both, name).as_deref(), Some("c"));
        assert_eq!(said(&[], "roundsman.vantage").as_deref(), Some("lhr"));
        assert_eq!(said(&[], "cloud.region"), None);
        assert_eq!(said(&[("FLY_REGION", "fra")], "cloud.region").as_deref(), Some("fra"));
    }

    #[test]
    fn a_process_has_an_id_of_its_own() {
        let id = instance();
        assert_ne!(id, instance());
        let shape: String = id
            .chars()
            .map(|c| if c.is_ascii_hexdigit() { 'x' } else { c })
            .collect();
        assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
        assert_eq!(id.as_bytes()[14], b'4', "{id}");
        assert!(b"89ab".contains(&id.as_bytes()[19]), "{id}");
    }
}
