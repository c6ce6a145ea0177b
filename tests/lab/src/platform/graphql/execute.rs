//! Executes a document that is valid: selection sets, fragments, directives, connections.

use graphql_parser::query::{Directive, Document, Field, Selection};
use serde_json::{Map, Value, json};

use super::changes::{self, Change};
use super::fields::{Item, Thing, View};
use super::schema::schema;
use super::{Operation, Set, Text, validate, values};
use crate::clock;
use crate::platform::Platform;
use crate::platform::estate::Estate;
use crate::platform::rest::{cursor, read_cursor};

/// Gives the body of the answer.
pub(crate) fn execute<'q>(
    platform: &Platform,
    document: &'q Document<'q, Text>,
    operation: &Operation<'q>,
    variables: &Map<String, Value>,
    dark: Option<&str>,
) -> Value {
    let mut estate = platform.estate();
    let mut errors = Vec::new();
    let mut run = Run {
        document,
        variables,
        page: platform.page(),
        errors: Vec::new(),
    };
    let fields = run.collect(
        &[operation.selection],
        if operation.mutation { "Mutations" } else { "Queries" },
    );
    let mut changed = Vec::new();
    if operation.mutation {
        for (key, fields) in &fields {
            let arguments = values::arguments(fields[0], variables);
            changed.push(
                match changes::change(&mut estate, &fields[0].name, &arguments, clock::now()) {
                    Ok(change) => Some(change),
                    Err(message) => {
                        errors.push(problem(&message, "UNPROCESSABLE", &[json!(key)]));
                        None
                    }
                },
            );
        }
    }
    let estate: &Estate = &estate;
    let view = View { estate, dark };
    let mut data = Map::new();
    for (at, (key, fields)) in fields.into_iter().enumerate() {
        let mut path = vec![json!(key)];
        let value = match changed.get(at) {
            Some(change) => run.change(&view, change.as_ref(), &fields, &mut path),
            None => run.field(&view, Thing::Queries, &fields, &mut path),
        };
        data.insert(key, value);
    }
    errors.append(&mut run.errors);
    let mut body = json!({ "data": data });
    if !errors.is_empty() {
        body["errors"] = Value::Array(errors);
    }
    body
}

fn problem(message: &str, code: &str, path: &[Value]) -> Value {
    json!({ "message": message, "path": path, "extensions": { "code": code } })
}

/// Fields by the key that they are answered under.
type Collected<'q> = Vec<(String, Vec<&'q Field<'q, Text>>)>;

struct Run<'q, 'v> {
    document: &'q Document<'q, Text>,
    variables: &'v Map<String, Value>,
    page: usize,
    errors: Vec<Value>,
}

impl<'q> Run<'q, '_> {
    fn change(
        &mut self,
        view: &View<'_>,
        change: Option<&Change>,
        fields: &[&'q Field<'q, Text>],
        path: &mut Vec<Value>,
    ) -> Value {
        let kind = schema()
            .field("Mutations", &fields[0].name)
            .map(|info| info.base.as_str());
        match (change, kind) {
            (Some(change), Some(kind)) => self.object(view, Thing::Change(kind, change), fields, path),
            _ => Value::Null,
        }
    }

    fn collect(&self, sets: &[&'q Set<'q>], kind: &str) -> Collected<'q> {
        let mut collected = Vec::new();
        for set in sets {
            self.collect_into(&mut collected, set, kind);
        }
        collected
    }

    fn collect_into(&self, collected: &mut Collected<'q>, set: &'q Set<'q>, kind: &str) {
        for item in &set.items {
            match item {
                Selection::Field(field) if self.wanted(&field.directives) => {
                    let key = field.alias.as_ref().unwrap_or(&field.name);
                    match collected.iter_mut().find(|(have, _)| have == key) {
                        Some((_, fields)) => fields.push(field),
                        None => collected.push((key.clone(), vec![field])),
                    }
                }
                Selection::InlineFragment(inline) if self.wanted(&inline.directives) => {
                    let on = inline.type_condition.as_ref().map_or(kind, validate::condition);
                    if schema().is_a(kind, on) {
                        self.collect_into(collected, &inline.selection_set, kind);
                    }
                }
                Selection::FragmentSpread(spread) if self.wanted(&spread.directives) => {
                    let found = validate::fragment(self.document, &spread.fragment_name);
                    let fits = |on: &str| schema().is_a(kind, on);
                    if let Some(found) = found.filter(|found| fits(validate::condition(&found.type_condition))) {
                        self.collect_into(collected, &found.selection_set, kind);
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether `@include` and `@skip` let something in.
    fn wanted(&self, directives: &[Directive<'q, Text>]) -> bool {
        directives.iter().all(|directive| {
            let mut conditions = directive.arguments.iter().filter(|(name, _)| name == "if");
            let is = conditions.next().map(|(_, value)| values::json(value, self.variables));
            let is = is.and_then(|value| value.as_bool()).unwrap_or(true);
            if directive.name == "skip" { !is } else { is }
        })
    }

    fn object(
        &mut self,
        view: &View<'_>,
        thing: Thing<'_>,
        parents: &[&'q Field<'q, Text>],
        path: &mut Vec<Value>,
    ) -> Value {
        let sets: Vec<_> = parents.iter().map(|field| &field.selection_set).collect();
        let mut object = Map::new();
        for (key, fields) in self.collect(&sets, thing.kind()) {
            path.push(json!(key));
            let value = self.field(view, thing, &fields, path);
            path.pop();
            object.insert(key, value);
        }
        Value::Object(object)
    }

    fn field(
        &mut self,
        view: &View<'_>,
        thing: Thing<'_>,
        fields: &[&'q Field<'q, Text>],
        path: &mut Vec<Value>,
    ) -> Value {
        let field = fields[0];
        if field.name == "__typename" {
            return json!(thing.kind());
        }
        let arguments = values::arguments(field, self.variables);
        match view.field(thing, &field.name, &arguments) {
            Item::Leaf(value) => value,
            Item::One(None) => Value::Null,
            Item::One(Some(thing)) => self.object(view, thing, fields, path),
            Item::Many(things) => {
                let list = things.into_iter().enumerate().map(|(at, thing)| {
                    path.push(json!(at));
                    let value = self.object(view, thing, fields, path);
                    path.pop();
                    value
                });
                Value::Array(list.collect())
            }
            Item::Pages(things) => {
                let kind = schema()
                    .field(thing.kind(), &field.name)
                    .map_or("", |info| info.base.as_str());
                self.connection(view, kind, &things, &arguments, fields, path)
            }
            Item::Problem(message, code) => {
                self.errors.push(problem(&message, code, path));
                Value::Null
            }
        }
    }

    fn connection(
        &mut self,
        view: &View<'_>,
        kind: &str,
        things: &[Option<Thing<'_>>],
        arguments: &Map<String, Value>,
        fields: &[&'q Field<'q, Text>],
        path: &mut Vec<Value>,
    ) -> Value {
        let range = match self.range(things.len(), arguments) {
            Ok(range) => range,
            Err(message) => {
                self.errors.push(problem(&message, "ARGUMENT_ERROR", path));
                return Value::Null;
            }
        };
        let sets: Vec<_> = fields.iter().map(|field| &field.selection_set).collect();
        let mut object = Map::new();
        for (key, fields) in self.collect(&sets, kind) {
            path.push(json!(key));
            let value = match fields[0].name.as_str() {
                "totalCount" => json!(things.len()),
                "pageInfo" => page_info(self, &fields, &range, things.len()),
                "nodes" => self.nodes(view, things, &range, &fields, path),
                "edges" => self.edges(view, kind, things, &range, &fields, path),
                _ => json!(kind),
            };
            path.pop();
            object.insert(key, value);
        }
        Value::Object(object)
    }

    fn nodes(
        &mut self,
        view: &View<'_>,
        things: &[Option<Thing<'_>>],
        range: &std::ops::Range<usize>,
        fields: &[&'q Field<'q, Text>],
        path: &mut Vec<Value>,
    ) -> Value {
        let mut nodes = Vec::new();
        for (at, thing) in things[range.clone()].iter().enumerate() {
            path.push(json!(at));
            nodes.push(self.node(view, *thing, fields, path));
            path.pop();
        }
        Value::Array(nodes)
    }

    fn node(
        &mut self,
        view: &View<'_>,
        thing: Option<Thing<'_>>,
        fields: &[&'q Field<'q, Text>],
        path: &mut Vec<Value>,
    ) -> Value {
        match thing {
            Some(thing) => self.object(view, thing, fields, path),
            None => {
                self.errors
                    .push(problem("the region does not answer", "SERVICE_UNAVAILABLE", path));
                Value::Null
            }
        }
    }

    fn edges(
        &mut self,
        view: &View<'_>,
        kind: &str,
        things: &[Option<Thing<'_>>],
        range: &std::ops::Range<usize>,
        fields: &[&'q Field<'q, Text>],
        path: &mut Vec<Value>,
    ) -> Value {
        let edge_kind = schema().field(kind, "edges").map_or("", |info| info.base.as_str());
        let sets: Vec<_> = fields.iter().map(|field| &field.selection_set).collect();
        let mut edges = Vec::new();
        for at in range.clone() {
            let mut edge = Map::new();
            for (key, fields) in self.collect(&sets, edge_kind) {
                path.extend([json!(at - range.start), json!(key)]);
                let value = match fields[0].name.as_str() {
                    "cursor" => json!(cursor(at + 1)),
                    "node" => self.node(view, things[at], &fields, path),
                    _ => json!(edge_kind),
                };
                path.truncate(path.len() - 2);
                edge.insert(key, value);
            }
            edges.push(Value::Object(edge));
        }
        Value::Array(edges)
    }

    /// Which part of a connection is asked for. Cursors count what is before them.
    fn range(&self, count: usize, arguments: &Map<String, Value>) -> Result<std::ops::Range<usize>, String> {
        let number = |name: &str| match arguments.get(name).map(Value::as_i64) {
            None => Ok(None),
            Some(Some(number)) if (0..=i64::try_from(self.page).unwrap_or(i64::MAX)).contains(&number) => {
                Ok(usize::try_from(number).ok())
            }
            Some(_) => Err(format!(
                "{name}: page too large, at most {} can be asked for",
                self.page
            )),
        };
        let at = |name: &str| match arguments
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
        {
            None => Ok(None),
            Some(text) => read_cursor(text)
                .map(Some)
                .ok_or_else(|| format!("{name}: invalid cursor")),
        };
        let from = at("after")?.unwrap_or(0).min(count);
        let to = at("before")?
            .map_or(count, |to| to.saturating_sub(1))
            .clamp(from, count);
        Ok(match (number("first")?, number("last")?) {
            (Some(first), _) => from..(from + first).min(to),
            (None, Some(last)) => to.saturating_sub(last).max(from)..to,
            (None, None) => from..(from + self.page).min(to),
        })
    }
}

fn page_info<'q>(
    run: &Run<'q, '_>,
    fields: &[&'q Field<'q, Text>],
    range: &std::ops::Range<usize>,
    count: usize,
) -> Value {
    let sets: Vec<_> = fields.iter().map(|field| &field.selection_set).collect();
    let some = !range.is_empty();
    let mut info = Map::new();
    for (key, fields) in run.collect(&sets, "PageInfo") {
        let value = match fields[0].name.as_str() {
            "hasNextPage" => json!(range.end < count),
            "hasPreviousPage" => json!(range.start > 0),
            "endCursor" => json!(some.then(|| cursor(range.end))),
            "startCursor" => json!(some.then(|| cursor(range.start + 1))),
            _ => json!("PageInfo"),
        };
        info.insert(key, value);
    }
    Value::Object(info)
}
