//! The OpenAPI document: made of the operations that are served, and of the types that they answer with.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::operation::Operation;

/// The version of the API: a field that is new does not change it.
const VERSION: &str = "1.0.0";
const ABOUT: &str = "What `roundsman watch` tells and does over HTTP: what the command line does, in the same forms. \
                     docs/api.md says who may ask, and what the limits are.";

/// What is known of the types so far: of those that are read, and of those that are written.
pub(super) struct Schemas {
    pub(super) taken: SchemaGenerator,
    pub(super) told: SchemaGenerator,
}

/// The document.
pub(super) fn document(operations: &[Operation]) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
    });
    let mut schemas = Schemas {
        taken: settings.clone().for_deserialize().into_generator(),
        told: settings.for_serialize().into_generator(),
    };
    let mut paths = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.verb()] = operation.describe(&mut schemas);
    }
    let mut named = schemas.taken.take_definitions(true);
    named.extend(schemas.told.take_definitions(true));
    named.sort_keys();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "roundsman",
            "version": VERSION,
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": named,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "The token of `[web]`, where there is one." },
            },
        },
    })
}
