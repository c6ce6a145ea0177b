//! A call to one of the APIs, and the reply to it.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::edge::body::{self, Body};

/// A call, read.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Path and query as they were sent.
    pub(crate) target: String,
    /// The segments of the path, decoded.
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn new(parts: &http::request::Parts, body: Bytes) -> Self {
        let path = parts.uri.path().trim_start_matches('/');
        let pairs = parts.uri.query().unwrap_or_default().split('&');
        let pair = |text: &str| {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")))
        };
        Self {
            method: parts.method.clone(),
            target: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            path: path.split('/').map(decoded).collect(),
            query: pairs.filter(|text| !text.is_empty()).map(pair).collect(),
            headers: parts.headers.clone(),
            body,
        }
    }

    /// A parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(have, _)| have == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A number in the query: `default` if there is none, nothing if it is no number.
    pub(crate) fn number(&self, name: &str, default: usize) -> Option<usize> {
        self.parameter(name).map_or(Some(default), |text| text.parse().ok())
    }

    /// Whether it carries this token, as a bearer token or as the platform's own kind.
    pub(crate) fn authorized(&self, token: &str, schemes: &[&str]) -> bool {
        let header = self.headers.get(http::header::AUTHORIZATION);
        let text = header.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let given = |scheme: &&str| text.strip_prefix(*scheme).map(str::trim);
        let tokens = schemes.iter().find_map(given).unwrap_or_default();
        tokens.split(',').any(|given| given == token)
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits: Vec<u8> = bytes.by_ref().take(2).collect();
        let hex = std::str::from_utf8(&digits).unwrap_or_default();
        out.push(u8::from_str_radix(hex, 16).unwrap_or(b'?'));
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What is answered.
#[derive(Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(HeaderName, String)>,
    kind: &'static str,
    body: String,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            kind: "application/json; charset=utf-8",
            body: body.to_string(),
        }
    }

    /// An error as the Machines API writes it.
    pub(crate) fn error(status: u16, message: &str) -> Self {
        Self::json(status, &json!({ "error": message }))
    }

    /// A page for people, as comes from whatever stands before an API that is down.
    pub(crate) fn page(status: u16, title: &str) -> Self {
        Self {
            kind: "text/html",
            ..Self::text(status, &format!("<html><head><title>{title}</title></head></html>\n"))
        }
    }

    fn text(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            kind: "text/plain",
            body: body.to_owned(),
        }
    }

    pub(crate) fn nothing() -> Self {
        Self::text(204, "")
    }

    pub(crate) fn with(mut self, name: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        self.headers.push((HeaderName::from_static(name), value.to_string()));
        self
    }

    /// The same with its JSON changed.
    pub(crate) fn changed(mut self, change: impl FnOnce(&mut Value)) -> Self {
        if let Ok(mut body) = serde_json::from_str(&self.body) {
            change(&mut body);
            self.body = body.to_string();
        }
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(body::full(Bytes::from(self.body)));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn decodes_what_is_escaped() {
        assert_eq!(decoded("%2A.tenants.test"), "*.tenants.test");
        assert_eq!(decoded("a%2"), "a\u{2}");
        assert_eq!(decoded("plain"), "plain");
    }
}
