//! The JSON Schema of a table, from its description.

use serde_json::{Map, Value as Json, json};

use super::{Described, Shape, TableDescription};

/// The schema of a table; tables within it become definitions, each once.
pub(crate) fn table_schema(table: &TableDescription, definitions: &mut Map<String, Json>) -> Json {
    let mut properties = Map::new();
    for key in &table.keys {
        properties.insert(key.name.into(), key_schema(key, definitions));
    }
    let needed: Vec<&str> = table.keys.iter().filter(|key| key.needed).map(|key| key.name).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !needed.is_empty() {
        schema["required"] = json!(needed);
    }
    schema["description"] = table.about.into();
    schema
}

fn key_schema(key: &Described, definitions: &mut Map<String, Json>) -> Json {
    let mut schema = match &key.shape {
        Shape::Value(schema) => schema.clone(),
        Shape::Table(table) | Shape::OptionalTable(table) => reference(table, definitions),
        Shape::Tables { of, or: None } => json!({ "type": "array", "items": reference(of, definitions) }),
        Shape::Tables { of, or: Some(or) } => {
            json!({ "type": "array", "items": { "anyOf": [or, reference(of, definitions)] } })
        }
    };
    schema["description"] = key.comment.as_str().into();
    if let Some(default) = key.default.as_deref().and_then(json_of) {
        schema["default"] = default;
    }
    schema
}

fn reference(table: &TableDescription, definitions: &mut Map<String, Json>) -> Json {
    if !definitions.contains_key(table.name) {
        // The place is taken first, so that definitions stand in the order of the file.
        definitions.insert(table.name.into(), Json::Null);
        let schema = table_schema(table, definitions);
        definitions.insert(table.name.into(), schema);
    }
    json!({ "$ref": format!("#/$defs/{}", table.name) })
}

/// A TOML value as JSON.
fn json_of(toml: &str) -> Option<Json> {
    let table: toml::Table = format!("x = {toml}").parse().ok()?;
    serde_json::to_value(table.get("x")?).ok()
}
