//! The GraphQL API: reads a document, holds it against the schema, and executes it over the
//! account.

mod changes;
mod execute;
mod fields;
mod schema;
mod validate;
mod values;

use graphql_parser::query::{Definition, Document, OperationDefinition, Selection, SelectionSet, VariableDefinition};
use serde_json::{Map, Value, json};

use super::Platform;
use super::reply::{Call, Reply};
use super::server::{self, Outcome};
use crate::snapshot::Shared;

type Text = String;
type Set<'q> = SelectionSet<'q, Text>;

/// The operation that a request asks for.
struct Operation<'q> {
    mutation: bool,
    name: Option<&'q str>,
    variables: &'q [VariableDefinition<'q, Text>],
    selection: &'q Set<'q>,
}

/// Answers a call.
pub(crate) fn answer(shared: &Shared, platform: &Platform, call: &Call) -> Outcome {
    let request: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let text = request["query"].as_str().unwrap_or_default();
    let document = graphql_parser::parse_query::<Text>(text);
    let wanted = request["operationName"].as_str().filter(|name| !name.is_empty());
    let operation = match &document {
        Ok(document) => find(document, wanted).ok_or_else(|| "No operation named in the document".to_owned()),
        Err(error) => Err(format!("Parse error: {error}")),
    };
    let name = operation.as_ref().map_or("invalid".into(), label);
    shared.counters.api("graphql", &name);
    if operation.as_ref().is_ok_and(|operation| operation.mutation) {
        server::record_write(shared, platform, format!("mutation {name}"));
    }
    let faults = &shared.current().faults;
    if let Some(outcome) = server::gate(faults, call, unauthorized) {
        return outcome;
    }
    let (document, operation) = match (&document, operation) {
        (Ok(document), Ok(operation)) => (document, operation),
        (_, Err(message)) => return Reply::json(200, &errors(&[error(&message, "parseError")])).into(),
        (Err(_), Ok(_)) => return Reply::json(200, &errors(&[])).into(),
    };
    let none = Map::new();
    let given = request["variables"].as_object().unwrap_or(&none);
    let variables = match values::variables(operation.variables, given) {
        Ok(variables) => variables,
        Err(problem) => return Reply::json(200, &errors(&[problem])).into(),
    };
    let problems = validate::validate(document, &operation);
    if !problems.is_empty() {
        return Reply::json(200, &errors(&problems)).into();
    }
    let dark = server::dark_region(faults);
    let body = execute::execute(platform, document, &operation, &variables, dark.as_deref());
    Reply::json(200, &body).into()
}

fn unauthorized() -> Reply {
    Reply::json(
        401,
        &errors(&[error("You must be authenticated to view this.", "UNAUTHORIZED")]),
    )
}

fn errors(list: &[Value]) -> Value {
    json!({ "errors": list })
}

fn error(message: &str, code: &str) -> Value {
    json!({ "message": message, "extensions": { "code": code } })
}

fn find<'q>(document: &'q Document<'q, Text>, wanted: Option<&str>) -> Option<Operation<'q>> {
    let read = |definition: &'q Definition<'q, Text>| match definition {
        Definition::Fragment(_) | Definition::Operation(OperationDefinition::Subscription(_)) => None,
        Definition::Operation(OperationDefinition::SelectionSet(selection)) => Some(Operation {
            mutation: false,
            name: None,
            variables: &[],
            selection,
        }),
        Definition::Operation(OperationDefinition::Query(query)) => Some(Operation {
            mutation: false,
            name: query.name.as_deref(),
            variables: &query.variable_definitions,
            selection: &query.selection_set,
        }),
        Definition::Operation(OperationDefinition::Mutation(mutation)) => Some(Operation {
            mutation: true,
            name: mutation.name.as_deref(),
            variables: &mutation.variable_definitions,
            selection: &mutation.selection_set,
        }),
    };
    let mut all = document.definitions.iter().filter_map(read);
    match wanted {
        Some(_) => all.find(|operation| operation.name == wanted),
        None => {
            let first = all.next();
            // With several, one must be named.
            if all.next().is_some() { None } else { first }
        }
    }
}

/// What the operation is counted under: its name, else its first field.
fn label(operation: &Operation<'_>) -> String {
    let first = operation.selection.items.iter().find_map(|item| match item {
        Selection::Field(field) => Some(field.name.as_str()),
        _ => None,
    });
    operation.name.or(first).unwrap_or("anonymous").to_owned()
}
