//! The forms of single values in the schema: each is a text, a number or one of a few alternatives.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Declares a type that exists only to stand for a form.
macro_rules! form {
    ($(#[$doc:meta])* $name:ident, $schema:tt) => {
        $(#[$doc])*
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

form!(
    /// A JSON pointer.
    Pointer,
    { "type": "string", "pattern": "^(/([^~]|~[01])*)?$" }
);
form!(
    /// A secret: where it is kept.
    SecretPlace,
    { "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
      "properties": { "env": { "type": "string", "minLength": 1 }, "file": { "type": "string", "minLength": 1 } } }
);
form!(
    /// Sources of tenants.
    Sources,
    { "anyOf": [
        { "enum": ["fly", "http", "list", "file"] },
        { "type": "array", "uniqueItems": true, "items": { "enum": ["fly", "http", "list", "file"] } }
    ] }
);
form!(
    /// Tenants: ids, or tables.
    TenantList,
    { "type": "array", "items": { "anyOf": [
        { "type": "string", "minLength": 1 },
        { "type": "object", "required": ["id"], "additionalProperties": false, "properties": {
            "id": { "type": "string", "minLength": 1 },
            "app": { "type": "string", "minLength": 1 },
            "hostname": { "type": "string", "minLength": 1 },
            "labels": { "type": "object", "additionalProperties": { "type": "string" } },
            "status": { "type": "string" }
        } }
    ] } }
);
