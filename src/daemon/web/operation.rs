//! One thing that can be asked over HTTP: who answers it, and what the document says of it. Both are made of it, so that
//! nothing answers that is not documented.

use axum::handler::Handler;
use axum::routing::{self, MethodRouter};
use http::{Method, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::Desk;
use super::document::Schemas;
use super::problem::Problem;

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// Everybody: whether the agent lives is nobody's secret.
    Open,
    /// Whoever shows the token, where there is one.
    Token,
    /// The same, and no page of another site.
    Api,
}

type Describe = fn(&mut SchemaGenerator) -> Schema;

/// An operation.
pub(super) struct Operation {
    pub(super) path: &'static str,
    pub(super) door: Door,
    pub(super) serve: MethodRouter<Desk>,
    method: Method,
    id: &'static str,
    summary: &'static str,
    parameters: Option<Describe>,
    body: Option<Describe>,
    answers: Vec<(StatusCode, &'static str, Content)>,
}

/// What an answer holds.
enum Content {
    Nothing,
    Text,
    Json(Describe),
    Problem,
}

impl Operation {
    /// What only tells.
    pub(super) fn get<H: Handler<T, Desk>, T: 'static>(path: &'static str, handler: H) -> Self {
        let operation = Self::new(Method::GET, path, routing::get(handler));
        match path.contains('{') {
            true => operation.refuses(StatusCode::BAD_REQUEST, "What the path names can't be read."),
            false => operation,
        }
    }

    /// What changes something, or is asked by a body.
    pub(super) fn post<H: Handler<T, Desk>, T: 'static>(path: &'static str, handler: H) -> Self {
        let operation = Self::new(Method::POST, path, routing::post(handler));
        [
            (
                StatusCode::BAD_REQUEST,
                "The body, or what the path names, can't be read.",
            ),
            (StatusCode::REQUEST_TIMEOUT, "The body did not come in time."),
            (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large."),
            (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body does not say that it is JSON.",
            ),
        ]
        .into_iter()
        .fold(operation, |operation, (status, words)| operation.refuses(status, words))
    }

    fn new(method: Method, path: &'static str, serve: MethodRouter<Desk>) -> Self {
        let operation = Self {
            path,
            door: Door::Api,
            serve,
            method,
            id: "",
            summary: "",
            parameters: None,
            body: None,
            answers: Vec::new(),
        };
        operation
            .refuses(StatusCode::UNAUTHORIZED, "The token of `[web]` was not shown.")
            .refuses(
                StatusCode::FORBIDDEN,
                "A page of another site asks, or for a host that is not this machine.",
            )
            .refuses(
                StatusCode::SERVICE_UNAVAILABLE,
                "The loop or the store does not answer now.",
            )
    }

    /// How programs call it, and what it does.
    pub(super) fn named(self, id: &'static str, summary: &'static str) -> Self {
        Self { id, summary, ..self }
    }

    /// Who may ask, where that is not the API's rule; what it answers otherwise is said by itself.
    pub(super) fn behind(self, door: Door) -> Self {
        Self {
            door,
            answers: Vec::new(),
            ..self
        }
    }

    /// What may stand behind the question mark.
    pub(super) fn asks<T: JsonSchema>(mut self) -> Self {
        self.parameters = Some(T::json_schema);
        self.refuses(
            StatusCode::BAD_REQUEST,
            "What stands behind the question mark can't be read.",
        )
    }

    /// What the body is.
    pub(super) fn takes<T: JsonSchema>(mut self) -> Self {
        self.body = Some(SchemaGenerator::subschema_for::<T>);
        self
    }

    /// What is answered.
    pub(super) fn answers<T: JsonSchema>(mut self, status: StatusCode, words: &'static str) -> Self {
        let describe: Describe = SchemaGenerator::subschema_for::<T>;
        self.answers.push((status, words, Content::Json(describe)));
        self
    }

    /// Answers with text.
    pub(super) fn tells(mut self, words: &'static str) -> Self {
        self.answers.push((StatusCode::OK, words, Content::Text));
        self
    }

    /// Is done, and there is nothing to tell.
    pub(super) fn does(mut self, words: &'static str) -> Self {
        self.answers.push((StatusCode::NO_CONTENT, words, Content::Nothing));
        self
    }

    /// Is not done or answered.
    pub(super) fn refuses(mut self, status: StatusCode, words: &'static str) -> Self {
        self.answers.push((status, words, Content::Problem));
        self
    }

    /// The method, as a document has it.
    pub(super) fn verb(&self) -> String {
        self.method.as_str().to_lowercase()
    }

    /// What the document says of it.
    pub(super) fn describe(&self, schemas: &mut Schemas) -> Value {
        let mut answers = self.answers.iter().collect::<Vec<_>>();
        answers.sort_by_key(|(status, ..)| *status);
        let mut responses = serde_json::Map::new();
        for (status, words, content) in answers {
            let content = match content {
                Content::Nothing => None,
                Content::Text => Some(json!({ "text/plain": { "schema": { "type": "string" } } })),
                Content::Json(describe) => {
                    Some(json!({ "application/json": { "schema": describe(&mut schemas.told) } }))
                }
                Content::Problem => {
                    let problem = schemas.told.subschema_for::<Problem>();
                    Some(json!({ "application/problem+json": { "schema": problem } }))
                }
            };
            let mut response = json!({ "description": words });
            if let Some(content) = content {
                response["content"] = content;
            }
            responses.insert(status.as_u16().to_string(), response);
        }
        let mut operation = json!({ "operationId": self.id, "summary": self.summary });
        let parameters = self.parameters(&mut schemas.taken);
        if !parameters.is_empty() {
            operation["parameters"] = parameters.into();
        }
        if let Some(describe) = self.body {
            let content = json!({ "application/json": { "schema": describe(&mut schemas.taken) } });
            operation["requestBody"] = json!({ "required": true, "content": content });
        }
        operation["responses"] = responses.into();
        operation["security"] = match self.door {
            Door::Open => json!([]),
            Door::Token | Door::Api => json!([{ "token": [] }, {}]),
        };
        operation
    }

    fn parameters(&self, generator: &mut SchemaGenerator) -> Vec<Value> {
        let braced = self
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let named =
            braced.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
        let mut all = named.collect::<Vec<_>>();
        let schema = self.parameters.map(|describe| describe(generator).to_value());
        let schema = schema.unwrap_or_default();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, mut schema) in schema["properties"].as_object().cloned().unwrap_or_default() {
            let words = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            all.push(json!({
                "name": name,
                "in": "query",
                "required": required.contains(&name.clone().into()),
                "description": words,
                "schema": schema,
            }));
        }
        all
    }
}
