//! Whether two names get the same answer, apart from what names them. Judges nobody.

use crate::evidence::{Answer, Visit};
use crate::fleet::FleetContext;
use crate::reading::{is_limit, is_wall, leads_to_login};

/// The shortest run of letters and digits that is taken for a token, where it holds a digit: no two requests get the same.
const TOKEN: usize = 12;

/// Whether the edge answers `visit` as it answers a name that exists nowhere, with what may be its word for an unknown
/// name: never a 5xx, a limit or a wall, which say nothing about the name. To a login unknown names may be sent, too: where
/// others are let through, who is sent there is unknown.
#[must_use]
pub fn answers_like(context: &FleetContext, visit: &Visit) -> bool {
    let shut = |answer: &Answer| is_limit(answer) || is_wall(answer) && !leads_to_login(answer);
    let speaks = |answer: &Answer| answer.status < 500 && !shut(answer);
    visit.page.answer.as_ref().is_some_and(speaks) && gets_what_nobody_gets(context, visit, Said::of)
}

/// Whether `visit` meets the wall that a name which exists nowhere meets too.
#[must_use]
pub fn is_denied(context: &FleetContext, visit: &Visit) -> bool {
    let shut = |answer: &Answer| is_wall(answer) && !is_limit(answer);
    visit.page.answer.as_ref().is_some_and(shut) && gets_what_nobody_gets(context, visit, Said::by_wall)
}

fn gets_what_nobody_gets(context: &FleetContext, visit: &Visit, read: fn(&Visit, &Visit) -> Option<Said>) -> bool {
    let own = read(visit, visit);
    let mut controls = context.fleet.edge.controls.iter().chain(&context.fleet.edge.rechecks);
    own.is_some() && controls.any(|control| read(control, visit) == own)
}

/// What an answer would say of another name: the control name is found in any text, for it stands nowhere by chance.
#[derive(PartialEq)]
struct Said {
    status: u16,
    location: Option<String>,
    body: String,
}

impl Said {
    fn of(visit: &Visit, about: &Visit) -> Option<Self> {
        let answer = visit.page.answer.as_ref()?;
        Some(Self {
            status: answer.status,
            location: answer.header("location").map(|to| said(to, visit, about)),
            body: said(&answer.body.prefix, visit, about),
        })
    }

    /// A login is told what to come back to, and each visitor of a wall gets tokens of his own.
    fn by_wall(visit: &Visit, about: &Visit) -> Option<Self> {
        let answer = visit.page.answer.as_ref()?;
        let plain = |text: &str| without_tokens(&said(text, visit, about));
        let location = answer.header("location");
        let location = location.map(|to| plain(to.split(['?', '#']).next().unwrap_or(to)));
        Some(Self {
            status: answer.status,
            body: match location {
                Some(_) => String::new(),
                None => plain(&answer.body.prefix),
            },
            location,
        })
    }
}

fn said(text: &str, visit: &Visit, about: &Visit) -> String {
    let mut text = text.to_ascii_lowercase();
    if visit.name != about.name {
        let [name, other] = [visit, about].map(|visit| visit.name.as_str());
        text = words(&text, name, other);
        text = words(&text, label(name), label(other));
    }
    let request = visit.page.answer.as_ref().and_then(Answer::request_id);
    match request.filter(|id| !id.is_empty()) {
        Some(id) => text.replace(&id.to_ascii_lowercase(), "REQUEST"),
        None => text,
    }
}

fn label(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Puts `other` where `word` stands by itself, and not as a part of others.
fn words(text: &str, word: &str, other: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    let mut before = None;
    while let Some(at) = rest.find(word).filter(|_| !word.is_empty()) {
        let (head, tail) = (&rest[..at], &rest[at + word.len()..]);
        let before_it = head.chars().next_back().or(before);
        let alone = !before_it.is_some_and(is_part) && !tail.chars().next().is_some_and(is_part);
        out.push_str(head);
        out.push_str(if alone { other } else { word });
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
        match c.filter(char::is_ascii_alphanumeric) {
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
    fn only_whole_words_are_replaced() {
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
