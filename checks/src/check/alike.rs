//! Whether two names get the same answer, apart from what names them. Judges nobody.

use super::refusal::{is_limit, is_wall};
use crate::evidence::{Answer, Visit};
use crate::fleet::FleetContext;

/// The shortest run of letters and digits that is taken for a token, where it holds a digit: no two requests get the same.
const TOKEN: usize = 12;

/// Whether the edge answers `visit` as it answers a name that exists nowhere, with what may be its word for an unknown
/// name: never a 5xx, a limit or a wall, which say nothing about the name.
#[must_use]
pub fn answers_like(context: &FleetContext, visit: &Visit) -> bool {
    let speaks = |answer: &Answer| answer.status < 500 && !is_limit(answer) && !is_wall(answer);
    visit.page.answer.as_ref().is_some_and(speaks) && gets_what_nobody_gets(context, visit, Masked::of)
}

/// Whether `visit` meets the wall that a name which exists nowhere meets too.
#[must_use]
pub fn is_denied(context: &FleetContext, visit: &Visit) -> bool {
    let shut = |answer: &Answer| is_wall(answer) && !is_limit(answer);
    visit.page.answer.as_ref().is_some_and(shut) && gets_what_nobody_gets(context, visit, Masked::of_wall)
}

fn gets_what_nobody_gets(context: &FleetContext, visit: &Visit, masked: fn(&Visit, &Answer) -> Masked) -> bool {
    let read = |visit: &Visit| Some(masked(visit, visit.page.answer.as_ref()?));
    let own = read(visit);
    let controls = context.fleet.edge.controls.iter().chain(&context.fleet.edge.rechecks);
    own.is_some() && controls.map(read).any(|control| control == own)
}

/// An answer without what names the request.
#[derive(PartialEq)]
struct Masked {
    status: u16,
    location: Option<String>,
    body: String,
}

impl Masked {
    fn of(visit: &Visit, answer: &Answer) -> Self {
        Self {
            status: answer.status,
            location: answer.header("location").map(|to| masked(to, visit)),
            body: masked(&answer.body.prefix, visit),
        }
    }

    /// A login is told what to come back to, and each visitor of a wall gets tokens of his own.
    fn of_wall(visit: &Visit, answer: &Answer) -> Self {
        let place = |to: &str| without_tokens(&masked(to.split(['?', '#']).next().unwrap_or(to), visit));
        Self {
            status: answer.status,
            location: answer.header("location").map(place),
            body: match answer.header("location") {
                Some(_) => String::new(),
                None => without_tokens(&masked(&answer.body.prefix, visit)),
            },
        }
    }
}

fn masked(text: &str, visit: &Visit) -> String {
    let name = visit.name.as_str();
    let label = name.split('.').next().unwrap_or(name);
    let request = visit.page.answer.as_ref().and_then(Answer::request_id);
    let request = request.map(str::to_ascii_lowercase);
    let text = words(&text.to_ascii_lowercase(), name, "NAME");
    let text = words(&text, label, "LABEL");
    match request {
        Some(id) if !id.is_empty() => text.replace(&id, "REQUEST"),
        _ => text,
    }
}

/// Puts `mask` where `word` stands by itself: an id may be a word, and part of others.
fn words(text: &str, word: &str, mask: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    let mut before = None;
    while let Some(at) = rest.find(word).filter(|_| !word.is_empty()) {
        let (head, tail) = (&rest[..at], &rest[at + word.len()..]);
        let before_it = head.chars().next_back().or(before);
        let alone = !before_it.is_some_and(is_part) && !tail.chars().next().is_some_and(is_part);
        out.push_str(head);
        out.push_str(if alone { mask } else { word });
        before = word.chars().next_back();
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Puts one mask in place of whatever was made for one request alone.
fn without_tokens(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().map(Some).chain([None]) {
        match c.filter(|c| c.is_ascii_alphanumeric()) {
            Some(c) => run.push(c),
            None => {
                let token = run.len() >= TOKEN && run.bytes().any(|byte| byte.is_ascii_digit());
                out.push_str(if token { "TOKEN" } else { &run });
                run.clear();
                out.extend(c);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_are_masked() {
        for (text, expected) in [
            ("no such tenant: in.example.com", "no such tenant: NAME"),
            ("nothing in sight", "nothing LABEL sight"),
            ("inside, within, in-house", "inside, within, in-house"),
            ("in", "LABEL"),
            ("in in", "LABEL LABEL"),
            ("xin.example.com", "xin.example.com"),
        ] {
            let text = words(text, "in.example.com", "NAME");
            assert_eq!(words(&text, "in", "LABEL"), expected);
        }
    }

    #[test]
    fn what_one_request_alone_was_given_is_masked() {
        assert_eq!(without_tokens("ray 8f1c2d3e4a5b6c7d ends"), "ray TOKEN ends");
        assert_eq!(
            without_tokens("internationalization stays"),
            "internationalization stays"
        );
    }
}
