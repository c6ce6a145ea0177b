//! The JSON Schema of `roundsman.toml`, for editors: the tables as they declare themselves.

use serde_json::{Map, Value, json};

use super::model::description;
use super::table::table_schema;

/// The schema (JSON Schema, draft 2020-12). Unknown keys are refused everywhere.
#[must_use]
pub fn schema() -> Value {
    let mut definitions = Map::new();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "roundsman.toml",
    });
    let file = description().map(|file| table_schema(&file, &mut definitions));
    if let (Some(schema), Some(Value::Object(file))) = (schema.as_object_mut(), file) {
        schema.extend(file);
        schema.insert("$defs".into(), Value::Object(definitions));
    }
    schema
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use std::collections::BTreeSet;
    use std::path::Path;

    use serde_json::Value;

    use super::schema;
    use crate::config::{Config, example};

    /// The tables of the schema: the way to each, `[]` where it is one of an array, with its keys.
    fn tables(node: &Value, root: &Value, path: &str, found: &mut Vec<(String, BTreeSet<String>)>) {
        let node = node["$ref"].as_str().map_or(node, |at| root.pointer(&at[1..]).unwrap());
        for branch in node["anyOf"].as_array().into_iter().flatten() {
            tables(branch, root, path, found);
        }
        if node["items"].is_object() {
            tables(&node["items"], root, &format!("{path}[]"), found);
        }
        let keys = node["properties"].as_object().filter(|keys| !keys.contains_key("env"));
        let Some(keys) = keys else {
            return;
        };
        assert_eq!(node["additionalProperties"], false, "{path}");
        found.push((path.to_owned(), keys.keys().cloned().collect()));
        for (key, inner) in keys {
            let dot = if path.is_empty() { "" } else { "." };
            tables(inner, root, &format!("{path}{dot}{key}"), found);
        }
    }

    fn tables_of_schema() -> Vec<(String, BTreeSet<String>)> {
        let schema = schema();
        let mut found = Vec::new();
        tables(&schema, &schema, "", &mut found);
        found
    }

    fn keys_of_schema() -> BTreeSet<String> {
        let path = |table: &str, key: &str| format!("{table}.{key}").trim_start_matches('.').replace("[]", "");
        let of_table = |(table, keys): (String, BTreeSet<String>)| {
            keys.into_iter().map(|key| path(&table, &key)).collect::<Vec<_>>()
        };
        tables_of_schema().into_iter().flat_map(of_table).collect()
    }

    /// The keys of a table as the reader itself lists them when it meets a key that is like none of its own.
    fn keys_of_reader(table: &str) -> BTreeSet<String> {
        let mut inner = toml::Value::from(toml::Table::from_iter([("zzzzzz-qqqqqq".to_owned(), 1.into())]));
        for part in table.rsplit('.').filter(|part| !part.is_empty()) {
            let key = part.trim_end_matches("[]");
            let value = if key == part { inner } else { vec![inner].into() };
            inner = toml::Table::from_iter([(key.to_owned(), value)]).into();
        }
        let text = toml::to_string(&inner).unwrap();
        let error = Config::parse(&text, Path::new("x")).unwrap_err();
        let mut mistakes = error.mistakes().iter();
        let mistake = mistakes.find(|m| m.title.contains("`zzzzzz-qqqqqq`")).unwrap();
        let listed = mistake.label.split_once(" has ").unwrap().1;
        listed.split(", ").map(|key| key.trim_matches('`').to_owned()).collect()
    }

    #[test]
    fn the_schema_has_exactly_the_keys_of_the_reader() {
        let tables = tables_of_schema();
        assert!(tables.len() >= 15, "{tables:?}");
        for (table, keys) in tables {
            assert_eq!(keys_of_reader(&table), keys, "{table}");
        }
    }

    #[test]
    fn no_key_may_be_null() {
        assert!(!schema().to_string().contains("\"null\""));
    }

    #[test]
    fn the_example_shows_every_key_of_the_schema_and_no_other() {
        let example = example();
        let uncommented: Vec<&str> = example
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => setting,
                _ => line,
            })
            .collect();
        let all: toml::Table = uncommented.join("\n").parse().unwrap();
        let mut shown = BTreeSet::new();
        example_keys(&all, "", &mut shown);
        // Keys that are shown where they are at home.
        let elsewhere = ["overrides.site.", "overrides.certificate.", "tenants.list."];
        let inherited = |key: &String| elsewhere.iter().any(|table| key.starts_with(table));
        let expected: BTreeSet<String> = keys_of_schema().into_iter().filter(|key| !inherited(key)).collect();
        assert_eq!(
            shown.into_iter().filter(|key| !inherited(key)).collect::<BTreeSet<_>>(),
            expected
        );
    }

    fn example_keys(table: &toml::Table, path: &str, keys: &mut BTreeSet<String>) {
        const FREE: [&str; 14] = [
            "severity",
            "labels",
            "json",
            "expect_headers",
            "request_headers",
            "token",
            "password",
            "fly_token",
            "cloudflare_token",
            "secret",
            "routing_key",
            "repeat_interval",
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
