//! Silences: what somebody does not want to hear of, on purpose and for a while.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use wildmatch::WildMatch;

use super::Severity;

/// One condition of a silence: `tenant=GLOB`, `cause=GLOB`, `scope=…`, `severity=…` or `label:NAME=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Matcher {
    on: On,
    value: String,
}

/// What a condition is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum On {
    Tenant,
    Cause,
    Scope,
    Severity,
    Label(String),
}

/// Why a text is no matcher.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no matcher: write tenant=GLOB, cause=GLOB, scope=fleet, severity=critical or label:NAME=VALUE")]
pub struct MatcherError(String);

impl FromStr for Matcher {
    type Err = MatcherError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || MatcherError(text.to_owned());
        let (on, value) = text.split_once('=').ok_or_else(wrong)?;
        let on = match on {
            "tenant" => On::Tenant,
            "cause" => On::Cause,
            "scope" if matches!(value, "agent" | "fleet" | "tenant") => On::Scope,
            "severity" if matches!(value, "critical" | "warning" | "info") => On::Severity,
            other => {
                let name = other.strip_prefix("label:").filter(|name| !name.is_empty());
                On::Label(name.ok_or_else(wrong)?.to_owned())
            }
        };
        let value = value.to_owned();
        match value.is_empty() {
            true => Err(wrong()),
            false => Ok(Self { on, value }),
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = &self.value;
        match &self.on {
            On::Tenant => write!(f, "tenant={value}"),
            On::Cause => write!(f, "cause={value}"),
            On::Scope => write!(f, "scope={value}"),
            On::Severity => write!(f, "severity={value}"),
            On::Label(name) => write!(f, "label:{name}={value}"),
        }
    }
}

impl From<Matcher> for String {
    fn from(matcher: Matcher) -> Self {
        matcher.to_string()
    }
}

impl TryFrom<String> for Matcher {
    type Error = MatcherError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// What matchers look at.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'s> {
    /// What is wrong.
    pub cause: &'s str,
    /// Whom it concerns.
    pub scope: &'s str,
    /// How urgent it is.
    pub severity: Severity,
    /// One of those whom it concerns; `None` where it is nobody's own.
    pub member: Option<&'s str>,
    /// Its labels.
    pub labels: &'s BTreeMap<String, String>,
}

impl Matcher {
    /// Whether it holds for this.
    #[must_use]
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        let value = self.value.as_str();
        match &self.on {
            On::Tenant => subject
                .member
                .is_some_and(|member| WildMatch::new(value).matches(member)),
            On::Cause => WildMatch::new(value).matches(subject.cause),
            On::Scope => subject.scope == value,
            On::Severity => subject.severity.to_string() == value,
            On::Label(name) => subject.labels.get(name).is_some_and(|label| label == value),
        }
    }
}

impl Matcher {
    /// Whether it is about members, and matches this one.
    #[must_use]
    pub fn matches_member(&self, member: &str) -> bool {
        self.on == On::Tenant && WildMatch::new(&self.value).matches(member)
    }

    /// Whether it is about members.
    #[must_use]
    pub fn is_about_members(&self) -> bool {
        self.on == On::Tenant
    }
}

/// A silence: while it lasts, nothing that begins or repeats is told of what matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Silence {
    /// Its name.
    pub id: String,
    /// All of them have to hold.
    #[schemars(with = "Vec<String>")]
    pub matchers: Vec<Matcher>,
    /// Since when, by the wall's clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub starts_at: Timestamp,
    /// Until when, by the wall's clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub ends_at: Timestamp,
    /// Why.
    pub comment: String,
}

impl Silence {
    /// Whether it mutes this at a moment of the wall's clock.
    #[must_use]
    pub fn mutes(&self, subject: &Subject<'_>, at: Timestamp) -> bool {
        self.is_active(at) && self.matchers.iter().all(|matcher| matcher.matches(subject))
    }

    /// Whether it lasts at a moment of the wall's clock.
    #[must_use]
    pub fn is_active(&self, at: Timestamp) -> bool {
        self.starts_at <= at && at < self.ends_at
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn a_matcher_is_read_and_written_alike() {
        for text in [
            "tenant=a*",
            "cause=certificate-*",
            "scope=fleet",
            "severity=critical",
            "label:plan=pro=x",
        ] {
            assert_eq!(text.parse::<Matcher>().unwrap().to_string(), text);
        }
        for wrong in [
            "",
            "tenant",
            "tenant=",
            "host=a",
            "label:=x",
            "scope=all",
            "severity=bad",
        ] {
            assert_eq!(wrong.parse::<Matcher>(), Err(MatcherError(wrong.to_owned())), "{wrong}");
        }
    }

    #[test]
    fn all_matchers_have_to_hold_and_nothing_after_the_end() {
        let silence = Silence {
            id: "s1".to_owned(),
            matchers: ["tenant=acme-*", "label:plan=pro"]
                .map(|text| text.parse().unwrap())
                .into(),
            starts_at: Timestamp::UNIX_EPOCH,
            ends_at: "1970-01-01T01:00:00Z".parse().unwrap(),
            comment: String::new(),
        };
        let labels = |plan: &str| BTreeMap::from([("plan".to_owned(), plan.to_owned())]);
        let mutes = |member: Option<&str>, plan: &str, at: &str| {
            let subject = Subject {
                cause: "site-status",
                scope: "tenant",
                severity: Severity::Warning,
                member,
                labels: &labels(plan),
            };
            silence.mutes(&subject, at.parse().unwrap())
        };
        assert!(mutes(Some("acme-1"), "pro", "1970-01-01T00:59:59Z"));
        assert!(!mutes(Some("acme-1"), "pro", "1970-01-01T01:00:00Z"));
        assert!(!mutes(Some("acme"), "pro", "1970-01-01T00:00:00Z"));
        assert!(!mutes(None, "pro", "1970-01-01T00:00:00Z"));
        assert!(!mutes(Some("acme-1"), "free", "1970-01-01T00:00:00Z"));
    }
}
