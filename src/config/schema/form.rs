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
    /// `30s`, `5m`, `250ms`, `1h30m`.
    DurationText,
    { "type": "string", "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$", "minLength": 2 }
);
form!(
    /// `64KiB`, `1MiB` or bytes.
    SizeText,
    { "anyOf": [{ "type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB)?$" }, { "type": "integer", "minimum": 1 }] }
);
form!(
    /// A number from 0 to 1.
    Fraction,
    { "type": "number", "minimum": 0, "maximum": 1 }
);
form!(
    /// A port.
    Port,
    { "type": "integer", "minimum": 1, "maximum": 65_535 }
);
form!(
    /// HTTP statuses.
    Statuses,
    { "type": "array", "minItems": 1, "items": { "type": "integer", "minimum": 100, "maximum": 599 } }
);
form!(
    /// A path.
    PathText,
    { "type": "string", "pattern": "^/" }
);
form!(
    /// A JSON pointer.
    Pointer,
    { "type": "string", "pattern": "^(/([^~]|~[01])*)?$" }
);
form!(
    /// Where a version is found.
    VersionPlace,
    { "type": "string", "pattern": "^(off|header:.+|json:(/.*)?)$" }
);
form!(
    /// How an app is recognised.
    IdentityPlace,
    { "type": "string", "pattern": "^(auto|off|header:.+|json:(/.*)?)$" }
);
form!(
    /// A secret: where it is kept.
    SecretPlace,
    { "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
      "properties": { "env": { "type": "string", "minLength": 1 }, "file": { "type": "string", "minLength": 1 } } }
);
form!(
    /// Request headers, texts or secrets.
    Headers,
    { "type": "object", "additionalProperties": { "anyOf": [
        { "type": "string" },
        { "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
          "properties": { "env": { "type": "string", "minLength": 1 }, "file": { "type": "string", "minLength": 1 } } }
    ] } }
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
