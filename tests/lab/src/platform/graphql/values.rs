//! Variables and arguments, as JSON.

use graphql_parser::query::{Field, Type, Value, VariableDefinition};
use serde_json::{Map, Value as Json, json};

use super::Text;

/// What the variables are, given what was sent for them; an error where one is missing or of
/// another type.
pub(crate) fn variables(
    declared: &[VariableDefinition<'_, Text>],
    given: &Map<String, Json>,
) -> Result<Map<String, Json>, Json> {
    let mut values = Map::new();
    for variable in declared {
        let default = || variable.default_value.as_ref().map(|value| json(value, &Map::new()));
        let value = given.get(&variable.name).cloned().or_else(default);
        let fits = value.as_ref().map_or_else(
            || !matches!(variable.var_type, Type::NonNullType(_)),
            |value| fits(&variable.var_type, value),
        );
        if !fits {
            return Err(json!({
                "message": format!("Variable ${} of type {} was provided invalid value", variable.name, variable.var_type),
                "locations": [{ "line": variable.position.line, "column": variable.position.column }],
                "extensions": { "value": value, "problems": [{ "path": [], "explanation": "Expected value to be of this type" }] },
            }));
        }
        if let Some(value) = value {
            values.insert(variable.name.clone(), value);
        }
    }
    Ok(values)
}

fn fits(kind: &Type<'_, Text>, value: &Json) -> bool {
    match kind {
        Type::NonNullType(inner) => !value.is_null() && fits(inner, value),
        _ if value.is_null() => true,
        Type::ListType(inner) => value
            .as_array()
            .is_none_or(|all| all.iter().all(|one| fits(inner, one))),
        Type::NamedType(name) => match name.as_str() {
            "Int" => value.is_i64() || value.is_u64(),
            "String" => value.is_string(),
            "ID" => value.is_string() || value.is_i64() || value.is_u64(),
            "Boolean" => value.is_boolean(),
            _ => true,
        },
    }
}

/// A field's arguments. A variable that was not given is an argument that was not given.
pub(crate) fn arguments(field: &Field<'_, Text>, variables: &Map<String, Json>) -> Map<String, Json> {
    let given = field.arguments.iter().filter(|(_, value)| match value {
        Value::Variable(name) => variables.contains_key(name),
        _ => true,
    });
    given
        .map(|(name, value)| (name.clone(), json(value, variables)))
        .filter(|(_, value)| !value.is_null())
        .collect()
}

/// A value, with variables put in.
pub(crate) fn json(value: &Value<'_, Text>, variables: &Map<String, Json>) -> Json {
    match value {
        Value::Variable(name) => variables.get(name).cloned().unwrap_or_default(),
        Value::Int(number) => json!(number.as_i64()),
        Value::Float(number) => json!(number),
        Value::String(text) | Value::Enum(text) => json!(text),
        Value::Boolean(is) => json!(is),
        Value::Null => Json::Null,
        Value::List(all) => all.iter().map(|one| json(one, variables)).collect(),
        Value::Object(all) => all
            .iter()
            .map(|(name, one)| (name.clone(), json(one, variables)))
            .collect(),
    }
}
