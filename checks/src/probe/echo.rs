//! Takes out of an answer what we sent ourselves: header values may be keys, and pages exist that repeat a request.

use serde_json::Value;

use crate::evidence::Exchange;

/// What stands for a value.
const MASK: &str = "[sent header]";
/// The shortest value that is worth hiding; shorter ones stand in any text by chance.
const SHORTEST: usize = 6;

/// Masks the values of these headers in everything that is kept of an answer.
pub(super) fn mask(exchange: &mut Exchange, sent: &[(String, String)]) {
    let Some(answer) = &mut exchange.answer else { return };
    for (_, value) in sent.iter().filter(|(_, value)| value.len() >= SHORTEST) {
        let hide = |text: &mut String| {
            if text.contains(value.as_str()) {
                *text = text.replace(value.as_str(), MASK);
            }
        };
        answer.headers.iter_mut().for_each(|(_, text)| hide(text));
        hide(&mut answer.body.prefix);
        for found in answer.body.matches.json.values_mut().flatten() {
            strings(found, &hide);
        }
    }
}

fn strings(value: &mut Value, act: &dyn Fn(&mut String)) {
    match value {
        Value::String(text) => act(text),
        Value::Array(items) => items.iter_mut().for_each(|item| strings(item, act)),
        Value::Object(fields) => fields.values_mut().for_each(|item| strings(item, act)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Answer, Body, Matches};

    #[test]
    fn a_page_that_repeats_the_request_does_not_spread_its_keys() {
        let sent = [
            ("x-bypass".to_owned(), "hunter2-key".to_owned()),
            ("x-short".to_owned(), "on".to_owned()),
        ];
        let mut exchange = Exchange {
            answer: Some(Answer {
                headers: vec![("x-echo".into(), "got hunter2-key".into())],
                body: Body {
                    prefix: "on: hunter2-key!".into(),
                    matches: Matches {
                        json: [("/a".to_owned(), Some(serde_json::json!(["hunter2-key", 1])))].into(),
                        ..Matches::default()
                    },
                    ..Body::default()
                },
                ..Answer::default()
            }),
            ..Exchange::default()
        };
        mask(&mut exchange, &sent);
        let text = format!("{exchange:?}");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("on: [sent header]!"), "{text}");
    }
}
