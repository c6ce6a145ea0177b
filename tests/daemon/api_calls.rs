//! Calls of the API over HTTP, each answer held against the document of the API.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use boon::{Compiler, Draft, Schemas};
use serde_json::{Value, json};

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl Answered {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The sentence of a problem.
    pub(crate) fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap_or_default().to_owned()
    }
}

pub(crate) fn get(path: &str) -> Call {
    Call {
        method: "GET",
        path: path.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

pub(crate) fn post(path: &str, body: &Value) -> Call {
    Call {
        method: "POST",
        body: body.to_string().into_bytes(),
        ..get(path)
    }
    .with("content-type", "application/json")
}

impl Call {
    /// With one header more, or this instead of it.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Without a header.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self
    }

    /// Asks, and gives the answer as it is.
    pub(crate) fn send(&self, address: &str) -> Answered {
        let mut head = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", self.method, self.path);
        let has = |name: &str| self.headers.iter().any(|(other, _)| *other == name);
        if !has("host") {
            head.push_str(&format!("host: {address}\r\n"));
        }
        if !has("content-length") && !has("transfer-encoding") {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut stream = TcpStream::connect(address).expect("the daemon listens");
        let all = [head.as_bytes(), b"\r\n", &self.body].concat();
        // Who is refused may be cut off before all was said.
        let _ = stream.write_all(&all);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).expect("text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(other, _)| other.eq_ignore_ascii_case(name))
        };
        Answered {
            status: answer
                .split(' ')
                .nth(1)
                .and_then(|status| status.parse().ok())
                .expect("a status"),
            kind: header("content-type")
                .map(|(_, kind)| kind.to_owned())
                .unwrap_or_default(),
            text: body.to_owned(),
        }
    }
}

/// The document of a daemon, which answers are held against.
pub(crate) struct Document(pub(crate) Value);

impl Document {
    /// As a daemon serves it. What it does not name, nobody answers: objects are closed.
    pub(crate) fn of(address: &str, token: Option<&str>) -> Self {
        let call = get("/openapi.json");
        let call = match token {
            Some(token) => call.with("authorization", &format!("Bearer {token}")),
            None => call,
        };
        let answered = call.send(address);
        assert_eq!(answered.status, 200, "{}", answered.text);
        let mut document = answered.json();
        for (name, schema) in document["components"]["schemas"].as_object_mut().expect("schemas") {
            // What waits tells everything that health tells, where the loop turns.
            if schema["properties"].is_object() && name != "Waiting" {
                schema["additionalProperties"] = false.into();
            }
        }
        Self(document)
    }

    /// Every method and path that is documented.
    pub(crate) fn operations(&self) -> Vec<(String, String)> {
        let paths = self.0["paths"].as_object().expect("paths");
        let verbs = |(path, verbs): (&String, &Value)| {
            let verbs = verbs.as_object().cloned().unwrap_or_default();
            let path = path.clone();
            verbs
                .into_iter()
                .map(move |(verb, _)| (verb.to_uppercase(), path.clone()))
                .collect::<Vec<_>>()
        };
        paths.iter().flat_map(verbs).collect()
    }

    /// Asks, and holds the answer against what is documented.
    pub(crate) fn call(&self, address: &str, call: &Call) -> Answered {
        let answered = call.send(address);
        self.check(call, &answered);
        answered
    }

    fn check(&self, call: &Call, answered: &Answered) {
        let path = call.path.split('?').next().unwrap_or_default();
        let is_it = |template: &str| {
            let parts = template.split('/').zip(path.split('/'));
            template.split('/').count() == path.split('/').count()
                && parts
                    .into_iter()
                    .all(|(template, part)| template.starts_with('{') || template == part)
        };
        let all = self.operations().into_iter().filter(|(verb, _)| *verb == call.method);
        // A path without braces is the nearer one.
        let template = all
            .map(|(_, path)| path)
            .filter(|path| is_it(path))
            .min_by_key(|path| path.contains('{'));
        let template = template.unwrap_or_else(|| panic!("{} {path} is not in the document", call.method));
        let verb = call.method.to_lowercase();
        let status = answered.status.to_string();
        let response = &self.0["paths"][&template][&verb]["responses"][&status];
        assert!(
            response.is_object(),
            "{verb} {template}: {status} is not in the document: {answered:?}"
        );
        let kind = answered.kind.split(';').next().unwrap_or_default();
        let Some(content) = response["content"].as_object() else {
            assert_eq!(answered.text, "", "{verb} {template}: {status} has no body");
            return;
        };
        assert!(content.contains_key(kind), "{verb} {template}: {status} is {kind}");
        let escaped = template
            .replace('~', "~0")
            .replace('/', "~1")
            .replace('{', "%7B")
            .replace('}', "%7D");
        let kind_in_path = kind.replace('/', "~1");
        let place =
            format!("mem:///openapi.json#/paths/{escaped}/{verb}/responses/{status}/content/{kind_in_path}/schema");
        let value = if kind.ends_with("json") {
            answered.json()
        } else {
            json!(answered.text)
        };
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2020_12);
        compiler.enable_format_assertions();
        compiler
            .add_resource("mem:///openapi.json", self.0.clone())
            .expect("a document");
        let schema = compiler.compile(&place, &mut schemas);
        let schema = schema.unwrap_or_else(|error| panic!("{place}: {error:#}"));
        if let Err(error) = schemas.validate(&value, schema) {
            panic!("{verb} {template}: {error:#}\n{}", answered.text);
        }
    }
}
