//! Takes out of what others say what we sent ourselves: header values may be keys, and pages and logs exist that repeat a
//! request.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::encodings::encodings;
#[cfg(feature = "platform")]
use crate::evidence::LogLine;
use crate::evidence::{Exchange, SpanId, StepStatus, TraceContext};

/// What stands for a value.
const MASK: &str = "[sent header]";
/// The shortest value that is worth hiding, in bytes; shorter ones stand in any text by chance.
const SHORTEST: usize = 6;

/// Request headers, and the forms in which their values may come back.
#[derive(Clone, Debug, Default)]
pub(crate) struct SentHeaders<'h> {
    headers: &'h [(String, String)],
    /// What says which trace the request belongs to. It is no secret, and not hidden.
    trace: Vec<(&'static str, String)>,
    /// Longest first: none is left in pieces by one that it holds.
    forms: Vec<String>,
}

impl<'h> SentHeaders<'h> {
    /// What is sent with one request.
    pub(crate) fn new(headers: &'h [(String, String)]) -> Self {
        Self {
            headers,
            trace: Vec::new(),
            forms: forms(headers),
        }
    }

    /// The same as part of a trace, below a span of it.
    pub(super) fn within(self, traced: Option<(&TraceContext, SpanId)>) -> Self {
        let Some((trace, span)) = traced else { return self };
        let state = trace.state.as_ref().map(|state| ("tracestate", state.clone()));
        let parent = ("traceparent", trace.traceparent(span));
        Self {
            trace: [parent].into_iter().chain(state).collect(),
            ..self
        }
    }

    /// What is sent with any of several requests.
    #[cfg(feature = "platform")]
    pub(crate) fn of_all<'a>(sets: impl IntoIterator<Item = &'a [(String, String)]>) -> Self {
        let all = sets.into_iter().flatten();
        Self {
            headers: &[],
            trace: Vec::new(),
            forms: forms(all),
        }
    }

    /// The same without the headers: for a request that goes without them, and may be answered with them all the same.
    pub(super) fn unsent(self) -> SentHeaders<'static> {
        SentHeaders {
            headers: &[],
            trace: Vec::new(),
            forms: self.forms,
        }
    }

    /// The names and values to send.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        own.chain(self.trace.iter().map(|(name, value)| (*name, value.as_str())))
    }

    /// The text without what was sent. Of a text that was cut the end goes too where a value may begin there.
    pub(crate) fn hidden<'t>(&self, text: &'t str, cut: bool) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for form in &self.forms {
            if text.contains(form) {
                text = text.replace(form, MASK).into();
            }
        }
        let begins = |form: &String| {
            let ends = (SHORTEST..form.len()).rev().filter(|end| form.is_char_boundary(*end));
            ends.into_iter().find(|end| text.ends_with(&form[..*end]))
        };
        match self.forms.iter().filter_map(begins).max().filter(|_| cut) {
            Some(length) => format!("{}{MASK}", &text[..text.len() - length]).into(),
            None => text,
        }
    }

    fn hide(&self, text: &mut String) {
        if let Cow::Owned(hidden) = self.hidden(text, false) {
            *text = hidden;
        }
    }

    /// Masks what is kept of an exchange; its body is masked before it is cut.
    pub(super) fn mask(&self, exchange: &mut Exchange) {
        if let StepStatus::Failed(fault) = &mut exchange.end {
            self.hide(&mut fault.detail);
        }
        let Some(answer) = &mut exchange.answer else { return };
        for (name, value) in &mut answer.headers {
            self.hide(name);
            self.hide(value);
        }
        for found in answer.body.matches.json.values_mut().flatten() {
            self.mask_json(found);
        }
    }

    /// Masks what a log says of a request.
    #[cfg(feature = "platform")]
    pub(crate) fn mask_line(&self, line: &mut LogLine) {
        line.message = self.hidden(&line.message, true).into_owned();
        if let Some(url) = &mut line.url {
            *url = self.hidden(url, true).into_owned();
        }
    }

    fn mask_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.hide(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.mask_json(item)),
            Value::Object(fields) => {
                let masked = std::mem::take(fields).into_iter().map(|(mut key, mut value)| {
                    self.hide(&mut key);
                    self.mask_json(&mut value);
                    (key, value)
                });
                *fields = masked.collect();
            }
            _ => {}
        }
    }
}

/// A value as it was sent and without its scheme (RFC 9110, section 11.4), each as others write it and as a name of a field
/// repeats it.
fn forms<'a>(headers: impl IntoIterator<Item = &'a (String, String)>) -> Vec<String> {
    let mut forms = BTreeSet::new();
    for (_, value) in headers {
        let alone = value.split_once(' ').map(|(_, credentials)| credentials.trim());
        for part in [Some(value.as_str()), alone].into_iter().flatten() {
            forms.insert(part.to_owned());
            forms.insert(part.to_ascii_lowercase());
            if part.len() >= SHORTEST {
                forms.extend(encodings(part));
            }
        }
    }
    let mut forms = forms
        .into_iter()
        .filter(|form| form.len() >= SHORTEST)
        .collect::<Vec<_>>();
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Answer, Body, Fault, Matches, Reason};

    fn sent() -> [(String, String); 3] {
        [
            ("x-bypass".to_owned(), "hunter2-KEY".to_owned()),
            ("authorization".to_owned(), "Bearer ab\"c\\de".to_owned()),
            ("x-short".to_owned(), "on".to_owned()),
        ]
    }

    #[test]
    fn an_answer_that_repeats_the_request_does_not_spread_its_keys() {
        let sent = sent();
        let mut exchange = Exchange {
            answer: Some(Answer {
                headers: vec![("x-hunter2-key".into(), "got hunter2-KEY".into())],
                body: Body {
                    matches: Matches {
                        json: [(
                            "/a".to_owned(),
                            Some(serde_json::json!([{"hunter2-KEY": "ab\"c\\de"}, 1])),
                        )]
                        .into(),
                        ..Matches::default()
                    },
                    ..Body::default()
                },
                ..Answer::default()
            }),
            end: StepStatus::Failed(Fault::new(Reason::HttpMalformed, "header `hunter2-key` is none")),
            ..Exchange::default()
        };
        SentHeaders::new(&sent).mask(&mut exchange);
        let text = format!("{exchange:?}");
        assert!(
            !text.to_lowercase().contains("hunter2") && !text.contains("ab\\"),
            "{text}"
        );
        assert!(text.contains("header `[sent header]` is none"), "{text}");
    }

    #[test]
    fn a_value_is_found_written_as_json_without_its_scheme_and_cut_in_two() {
        let sent = sent();
        let sent = SentHeaders::new(&sent);
        let written = Value::from("ab\"c\\de").to_string();
        assert_eq!(sent.hidden(&written, false), "\"[sent header]\"");
        assert_eq!(sent.hidden("on: Bearer ab\"c\\de!", false), "on: [sent header]!");
        assert_eq!(sent.hidden("it is hunter2-K", true), "it is [sent header]");
        assert_eq!(sent.hidden("it is hunter2-K", false), "it is hunter2-K");
        assert_eq!(sent.hidden("it is hunte", true), "it is hunte", "too short to be one");
    }
}
