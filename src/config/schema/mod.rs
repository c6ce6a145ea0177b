//! The JSON Schema of `roundsman.toml`, for editors. It mirrors the reader; a test holds the two together.

mod form;
mod tables;

use serde_json::Value;

use super::section::{Certificate, Cloudflare, Dns, Edge, Fly, Override, Schedule, Site, Vantage};
use super::table::{TableDescription, describe, table_schema};

/// The schema (JSON Schema, draft 2020-12). Unknown keys are refused everywhere.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(tables::File).to_value();
    drop_null(&mut schema);
    declared(&mut schema, "edge", &describe(&Edge::default()));
    declared(&mut schema, "dns", &describe(&Dns::default()));
    declared(&mut schema, "vantage", &describe(&Vantage::default()));
    declared(&mut schema, "schedule", &describe(&Schedule::default()));
    declared(&mut schema, "fly", &describe(&Fly::default()));
    declared(&mut schema, "cloudflare", &describe(&Cloudflare::default()));
    declared(&mut schema, "site", &describe(&Site::default()));
    declared(&mut schema, "certificate", &describe(&Certificate::default()));
    declared(&mut schema, "overrides", &describe(&Override::default()));
    schema
}

/// Puts a table that declares itself into the place of `key`.
fn declared(schema: &mut Value, key: &str, table: &TableDescription) {
    let mut definitions = serde_json::Map::new();
    let of_table = table_schema(table, &mut definitions);
    definitions.insert(table.name.into(), of_table);
    let reference = serde_json::json!({ "$ref": format!("#/$defs/{}", table.name) });
    schema["properties"][key] = if key == "overrides" {
        serde_json::json!({ "type": "array", "items": reference })
    } else {
        reference
    };
    if let Some(all) = schema["$defs"].as_object_mut() {
        all.extend(definitions);
    }
}

/// An optional key may be absent, never null: TOML has no such value.
fn drop_null(node: &mut Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(drop_null),
        Value::Object(keys) => {
            keys.values_mut().for_each(drop_null);
            if let Some(Value::Array(kinds)) = keys.get_mut("type") {
                kinds.retain(|kind| kind != "null");
                if let [only] = kinds.as_slice() {
                    let only = only.clone();
                    keys.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(branches)) = keys.get_mut("anyOf") {
                branches.retain(|branch| branch["type"] != "null");
                if let [Value::Object(only)] = branches.as_slice() {
                    let only = only.clone();
                    keys.remove("anyOf");
                    keys.extend(only);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use std::collections::BTreeSet;
    use std::path::Path;

    use serde_json::Value;

    use super::schema;
    use crate::config::{Config, EXAMPLE};

    /// Every key of the schema as `table.key`, references followed; free keys and alternatives of a form left out.
    fn schema_keys(node: &Value, root: &Value, path: &str, keys: &mut BTreeSet<String>) {
        let node = node["$ref"].as_str().map_or(node, |at| root.pointer(&at[1..]).unwrap());
        for branch in node["anyOf"].as_array().into_iter().flatten() {
            schema_keys(branch, root, path, keys);
        }
        let in_array = &node["items"];
        if path.ends_with("overrides") && in_array.is_object() {
            schema_keys(in_array, root, path, keys);
        }
        for (key, inner) in node["properties"].as_object().into_iter().flatten() {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            if !keys.insert(path.clone()) {
                continue;
            }
            assert_eq!(node["additionalProperties"], false, "{path}");
            schema_keys(inner, root, &path, keys);
        }
    }

    fn keys_of_schema() -> BTreeSet<String> {
        let schema = schema();
        let mut keys = BTreeSet::new();
        schema_keys(&schema, &schema, "", &mut keys);
        keys.into_iter().filter(|key| !key.contains("token.")).collect()
    }

    /// The keys of each table as the reader itself lists them when it meets a key that is like none of its own.
    fn keys_of_reader(table: &str, text: &str) -> BTreeSet<String> {
        let error = Config::parse(text, Path::new("x")).unwrap_err();
        let mistake = error
            .mistakes()
            .iter()
            .find(|m| m.title.contains("`zzzzzz-qqqqqq`"))
            .unwrap();
        let prefix = if table.is_empty() {
            String::new()
        } else {
            format!("{table}.")
        };
        let listed = mistake.label.split_once(" has ").unwrap().1;
        listed
            .split(", ")
            .map(|key| format!("{prefix}{}", key.trim_matches('`')))
            .collect()
    }

    #[test]
    fn the_schema_has_exactly_the_keys_of_the_reader() {
        let key = "\"zzzzzz-qqqqqq\" = 1";
        let later = [
            "telemetry",
            "incidents",
            "alerts",
            "heartbeat",
            "remediation",
            "store",
            "web",
        ];
        let mut read: BTreeSet<String> = keys_of_reader("", &format!("{key}\n")).into_iter().collect();
        for table in [
            "edge",
            "tenants",
            "fly",
            "cloudflare",
            "dns",
            "site",
            "certificate",
            "vantage",
            "schedule",
        ] {
            read.extend(keys_of_reader(table, &format!("[{table}]\n{key}\n")));
        }
        read.extend(keys_of_reader("overrides", &format!("[[overrides]]\n{key}\n")));
        read.extend(keys_of_reader("tenants.fields", &format!("[tenants.fields]\n{key}\n")));
        for table in ["match", "site", "certificate"] {
            read.extend(keys_of_reader(
                &format!("overrides.{table}"),
                &format!("[[overrides]]\n{table}.{key}\n"),
            ));
        }
        read.retain(|key| !later.contains(&key.as_str()));
        assert_eq!(read, keys_of_schema());
    }

    #[test]
    fn no_key_may_be_null() {
        assert!(!schema().to_string().contains("\"null\""));
    }

    #[test]
    fn the_example_shows_every_key_of_the_schema_and_no_other() {
        let uncommented: Vec<&str> = EXAMPLE
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => setting,
                _ => line,
            })
            .collect();
        let all: toml::Table = uncommented.join("\n").parse().unwrap();
        let mut shown = BTreeSet::new();
        example_keys(&all, "", &mut shown);
        let inherited = |key: &String| key.starts_with("overrides.site.") || key.starts_with("overrides.certificate.");
        let expected: BTreeSet<String> = keys_of_schema().into_iter().filter(|key| !inherited(key)).collect();
        assert_eq!(
            shown.into_iter().filter(|key| !inherited(key)).collect::<BTreeSet<_>>(),
            expected
        );
    }

    fn example_keys(table: &toml::Table, path: &str, keys: &mut BTreeSet<String>) {
        const FREE: [&str; 8] = [
            "severity",
            "labels",
            "json",
            "expect_headers",
            "request_headers",
            "token",
            "list",
            "x",
        ];
        for (key, value) in table {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            keys.insert(path.clone());
            if FREE.contains(&key.as_str()) {
                continue;
            }
            let tables = value.as_array().into_iter().flatten().filter_map(toml::Value::as_table);
            for inner in tables.chain(value.as_table()) {
                example_keys(inner, &path, keys);
            }
        }
    }
}
