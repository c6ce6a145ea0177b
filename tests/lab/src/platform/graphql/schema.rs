//! The schema, read once from the platform's own words.

use std::collections::HashMap;
use std::sync::LazyLock;

use graphql_parser::schema::{Definition, Field, InputValue, Type, TypeDefinition};

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| read(include_str!("schema.graphql")));

/// The types that have fields.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    types: HashMap<String, Object>,
    /// Interfaces and who implements them.
    implementers: HashMap<String, Vec<String>>,
}

#[derive(Debug, Default)]
pub(crate) struct Object {
    fields: HashMap<String, Info>,
}

/// A field.
#[derive(Debug)]
pub(crate) struct Info {
    /// The type, without what says that it is a list or never null.
    pub(crate) base: String,
    /// Names, and whether they must be given.
    pub(crate) arguments: Vec<(String, bool)>,
}

/// The schema.
pub(crate) fn schema() -> &'static Schema {
    &SCHEMA
}

impl Schema {
    pub(crate) fn is_object(&self, name: &str) -> bool {
        self.types.contains_key(name)
    }

    pub(crate) fn field(&self, object: &str, field: &str) -> Option<&Info> {
        self.types.get(object)?.fields.get(field)
    }

    /// Whether something of the type `object` is meant by the condition `name`.
    pub(crate) fn is_a(&self, object: &str, name: &str) -> bool {
        let implemented = self.implementers.get(name);
        object == name || implemented.is_some_and(|all| all.iter().any(|one| one == object))
    }

    #[cfg(test)]
    pub(crate) fn all_fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.types
            .iter()
            .flat_map(|(name, object)| object.fields.keys().map(move |field| (name.as_str(), field.as_str())))
    }
}

fn read(text: &str) -> Schema {
    let mut schema = Schema::default();
    // A test reads it, so that it can be read.
    let Ok(document) = graphql_parser::parse_schema::<String>(text) else {
        return schema;
    };
    for definition in document.definitions {
        let Definition::TypeDefinition(definition) = definition else {
            continue;
        };
        let (name, fields, implements) = match definition {
            TypeDefinition::Object(object) => (object.name, object.fields, object.implements_interfaces),
            TypeDefinition::Interface(interface) => (interface.name, interface.fields, Vec::new()),
            _ => continue,
        };
        for interface in implements {
            schema.implementers.entry(interface).or_default().push(name.clone());
        }
        let fields = fields
            .into_iter()
            .map(|field| (field.name.clone(), info(&field)))
            .collect();
        schema.types.insert(name, Object { fields });
    }
    schema
}

fn info(field: &Field<'_, String>) -> Info {
    let argument = |value: &InputValue<'_, String>| {
        let required = matches!(value.value_type, Type::NonNullType(_)) && value.default_value.is_none();
        (value.name.clone(), required)
    };
    Info {
        base: base(&field.field_type),
        arguments: field.arguments.iter().map(argument).collect(),
    }
}

fn base(kind: &Type<'_, String>) -> String {
    match kind {
        Type::NamedType(name) => name.clone(),
        Type::NonNullType(inner) | Type::ListType(inner) => base(inner),
    }
}

#[cfg(test)]
mod tests {
    use super::schema;

    #[test]
    fn knows_the_fields_of_the_platform() {
        let schema = schema();
        assert_eq!(
            schema.field("App", "certificates").map(|info| info.base.as_str()),
            Some("AppCertificateConnection")
        );
        assert!(schema.field("App", "flavour").is_none());
        assert!(schema.is_a("MachineEventExit", "MachineEvent") && !schema.is_a("App", "MachineEvent"));
        assert!(schema.all_fields().count() > 100);
    }
}
