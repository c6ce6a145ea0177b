//! Answers that refuse whoever asks, whatever the name: limits on requests, and walls before the site. Judges nobody.

use std::time::Duration;

use jiff::Timestamp;

use super::moment;
use crate::evidence::{Answer, Visit};

/// Statuses by which a server refuses the one who asks (RFC 9110, sections 15.5.2, 15.5.4 and 15.5.8).
const REFUSED: [u16; 3] = [401, 403, 407];

/// Headers by which the walls of well-known makers mark a challenge.
const CHALLENGES: [&str; 4] = ["cf-mitigated", "x-amzn-waf-action", "x-vercel-mitigated", "x-datadome"];

/// Words of pages that tell people from programs, in lower case.
const CHALLENGING: [&str; 6] = [
    "captcha",
    "challenge-platform",
    "checking your browser",
    "verify you are human",
    "enable javascript and cookies",
    "attention required!",
];

/// Parts of a URL that leads to a login, in lower case.
const LOGINS: [&str; 10] = [
    "login",
    "log-in",
    "signin",
    "sign-in",
    "/auth",
    "oauth",
    "sso",
    "saml",
    "cdn-cgi/access",
    "challenge",
];

/// Whether an answer asks to slow down: 429 (RFC 6585, section 4), or 503 with `Retry-After` (RFC 9110, section
/// 15.6.4).
#[must_use]
pub fn is_limit(answer: &Answer) -> bool {
    answer.status == 429 || answer.status == 503 && answer.header("retry-after").is_some()
}

/// Whether a visit ended with an answer that asks to slow down.
#[must_use]
pub fn is_limited(visit: &Visit) -> bool {
    visit.page.answer.as_ref().is_some_and(is_limit)
}

/// How long an answer that came at `at` asks to wait; nothing where it asks for no wait.
#[must_use]
pub fn asked_wait(answer: &Answer, at: Timestamp) -> Option<Duration> {
    Some(moment::retry_after(answer.header("retry-after")?, at))
}

/// Whether an answer shuts out who asks instead of telling of the name: a refusal, a challenge, or the way to a login.
#[must_use]
pub fn is_wall(answer: &Answer) -> bool {
    REFUSED.contains(&answer.status) || is_challenge(answer) || leads_to_login(answer)
}

fn is_challenge(answer: &Answer) -> bool {
    let marked = CHALLENGES.iter().any(|name| {
        let said = answer.header(name).map(str::to_ascii_lowercase);
        said.is_some_and(|said| {
            ["challenge", "captcha", "deny", "block"]
                .iter()
                .any(|word| said.contains(word))
        })
    });
    let text = || answer.body.prefix.to_ascii_lowercase();
    marked || answer.body.prefix.contains('<') && CHALLENGING.iter().any(|words| text().contains(words))
}

/// Whether an answer leads to a page where people log in.
pub(crate) fn leads_to_login(answer: &Answer) -> bool {
    let to = answer
        .header("location")
        .filter(|_| (300..400).contains(&answer.status));
    let to = to.map(|to| to.split(['?', '#']).next().unwrap_or(to).to_ascii_lowercase());
    to.is_some_and(|to| LOGINS.iter().any(|part| to.contains(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut answer = Answer {
            status,
            headers: headers
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            ..Answer::default()
        };
        body.clone_into(&mut answer.body.prefix);
        answer
    }

    #[test]
    fn a_limit_says_so() {
        assert!(is_limit(&answer(429, &[], "")));
        assert!(is_limit(&answer(503, &[("retry-after", "1")], "")));
        assert!(!is_limit(&answer(503, &[], "")) && !is_limit(&answer(500, &[("retry-after", "1")], "")));
    }

    #[test]
    fn a_wall_speaks_of_who_asks() {
        for wall in [
            answer(401, &[("www-authenticate", "Basic")], ""),
            answer(403, &[], "Forbidden"),
            answer(407, &[], ""),
            answer(503, &[("cf-mitigated", "challenge")], ""),
            answer(202, &[("x-amzn-waf-action", "challenge")], ""),
            answer(200, &[], "<html><script src=/cdn-cgi/challenge-platform/x></script>"),
            answer(
                302,
                &[("location", "https://id.example/Login?next=https://a.example/")],
                "",
            ),
        ] {
            assert!(is_wall(&wall), "{wall:?}");
        }
        for other in [
            answer(404, &[], "no such tenant"),
            answer(200, &[], "{\"captcha\":false}"),
            answer(302, &[("location", "https://www.example/?from=login")], ""),
            answer(200, &[("x-datadome", "protected")], "<p>well</p>"),
        ] {
            assert!(!is_wall(&other), "{other:?}");
        }
    }
}
