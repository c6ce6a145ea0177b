//! Holds a document against the schema before anything is executed.

use graphql_parser::Pos;
use graphql_parser::query::{Definition, Document, Field, FragmentDefinition, Selection, TypeCondition, Value};
use serde_json::{Value as Json, json};

use super::schema::{Schema, schema};
use super::{Operation, Set, Text};

const DEEPEST: usize = 30;

/// What is wrong with a document; nothing if it can be executed.
pub(crate) fn validate<'q>(document: &'q Document<'q, Text>, operation: &Operation<'q>) -> Vec<Json> {
    let root = if operation.mutation { "Mutations" } else { "Queries" };
    let mut validation = Validation {
        schema: schema(),
        document,
        declared: operation.variables.iter().map(|one| one.name.as_str()).collect(),
        problems: Vec::new(),
    };
    validation.set(operation.selection, root, 0);
    validation.problems
}

/// A named fragment of the document.
pub(crate) fn fragment<'q>(document: &'q Document<'q, Text>, name: &str) -> Option<&'q FragmentDefinition<'q, Text>> {
    document.definitions.iter().find_map(|definition| match definition {
        Definition::Fragment(fragment) if fragment.name == name => Some(fragment),
        _ => None,
    })
}

struct Validation<'q> {
    schema: &'static Schema,
    document: &'q Document<'q, Text>,
    declared: Vec<&'q str>,
    problems: Vec<Json>,
}

impl<'q> Validation<'q> {
    fn say(&mut self, message: &str, code: &str, at: Pos) {
        self.problems.push(json!({
            "message": message,
            "locations": [{ "line": at.line, "column": at.column }],
            "extensions": { "code": code },
        }));
    }

    fn set(&mut self, set: &'q Set<'q>, object: &str, depth: usize) {
        if depth > DEEPEST {
            let message = format!("Query has depth of {depth}, which exceeds max depth of {DEEPEST}");
            return self.say(&message, "tooDeep", set.span.0);
        }
        for item in &set.items {
            match item {
                Selection::Field(field) => self.field(field, object, depth),
                Selection::InlineFragment(inline) => {
                    let on = inline.type_condition.as_ref().map_or(object, condition);
                    self.inner(&inline.selection_set, on, inline.position, depth);
                }
                Selection::FragmentSpread(spread) => match fragment(self.document, &spread.fragment_name) {
                    Some(found) => {
                        self.inner(
                            &found.selection_set,
                            condition(&found.type_condition),
                            spread.position,
                            depth,
                        );
                    }
                    None => {
                        let message = format!("Fragment {} was used, but not defined", spread.fragment_name);
                        self.say(&message, "useAndDefineFragment", spread.position);
                    }
                },
            }
        }
    }

    fn inner(&mut self, set: &'q Set<'q>, on: &str, at: Pos, depth: usize) {
        if self.schema.is_object(on) {
            self.set(set, on, depth + 1);
        } else {
            self.say(
                &format!("No such type {on}, so it can't be a fragment condition"),
                "undefinedType",
                at,
            );
        }
    }

    fn field(&mut self, field: &'q Field<'q, Text>, object: &str, depth: usize) {
        if field.name == "__typename" {
            return;
        }
        let (name, at) = (&field.name, field.position);
        let Some(info) = self.schema.field(object, name) else {
            return self.say(
                &format!("Field '{name}' doesn't exist on type '{object}'"),
                "undefinedField",
                at,
            );
        };
        for (argument, value) in &field.arguments {
            if !info.arguments.iter().any(|(have, _)| have == argument) {
                let message = format!("Field '{name}' doesn't accept argument '{argument}'");
                self.say(&message, "argumentNotAccepted", at);
            }
            self.value(value, at);
        }
        for (argument, required) in &info.arguments {
            if *required && !field.arguments.iter().any(|(have, _)| have == argument) {
                let message = format!("Field '{name}' is missing required arguments: {argument}");
                self.say(&message, "missingRequiredArguments", at);
            }
        }
        let (inner, empty) = (self.schema.is_object(&info.base), field.selection_set.items.is_empty());
        if inner && empty {
            let message = format!(
                "Field must have selections (field '{name}' returns {} but has no selections)",
                info.base
            );
            self.say(&message, "selectionMismatch", at);
        } else if !inner && !empty {
            let message = format!(
                "Selections can't be made on scalars (field '{name}' returns {})",
                info.base
            );
            self.say(&message, "selectionMismatch", at);
        } else {
            self.set(&field.selection_set, &info.base, depth + 1);
        }
    }

    fn value(&mut self, value: &Value<'q, Text>, at: Pos) {
        match value {
            Value::Variable(name) if !self.declared.contains(&name.as_str()) => {
                self.say(
                    &format!("Variable ${name} is used but not declared"),
                    "variableNotDefined",
                    at,
                );
            }
            Value::List(all) => all.iter().for_each(|one| self.value(one, at)),
            Value::Object(all) => all.values().for_each(|one| self.value(one, at)),
            _ => {}
        }
    }
}

pub(crate) fn condition<'q>(condition: &'q TypeCondition<'_, Text>) -> &'q str {
    let TypeCondition::On(name) = condition;
    name
}
