//! What can stand behind the `=` of a fault, as types.

use std::net::IpAddr;
use std::str::FromStr;

use super::machines::MachineSpec;

/// What a fault takes as its detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Nothing.
    None,
    /// One of some words.
    Words(&'static [&'static str]),
    /// A word, and `/1` behind it for the first server alone.
    Server(&'static [&'static str]),
    /// A whole number between two others.
    Number(i64, i64),
    /// The id of another tenant.
    Tenant,
    /// The name of an app.
    App,
    /// A word, an address of the edge, or `word:address`.
    Edge(&'static [&'static str]),
    /// A word, or `prefix:anything`.
    Prefixed(&'static [&'static str], &'static str),
    /// A whole number between two others, or a word.
    NumberOr(i64, i64, &'static str),
    /// `rate/burst`, perhaps with `/reset`.
    Rate,
    /// The machines of an app.
    Machines,
}

impl Detail {
    pub(crate) fn accepts(self, text: &str) -> bool {
        match self {
            Self::None => false,
            Self::Words(words) => words.contains(&text),
            Self::Server(words) => words.contains(&text.strip_suffix("/1").unwrap_or(text)),
            Self::Number(low, high) => text.parse::<i64>().is_ok_and(|number| (low..=high).contains(&number)),
            Self::Tenant | Self::App => !text.is_empty(),
            Self::Edge(words) => Targeted::read(text, words[0]).is_some_and(|read| words.contains(&read.how)),
            Self::Prefixed(words, prefix) => {
                let rest = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix(':'));
                let number = |rest: &str| prefix != "exit" || rest.parse::<u8>().is_ok();
                words.contains(&text) || rest.is_some_and(|rest| !rest.is_empty() && number(rest))
            }
            Self::NumberOr(low, high, word) => text == word || Self::Number(low, high).accepts(text),
            Self::Rate => text.parse::<Throttle>().is_ok(),
            Self::Machines => MachineSpec::all(text).is_some(),
        }
    }

    pub(crate) fn expectation(self) -> String {
        match self {
            Self::None => "no detail".into(),
            Self::Words(words) => words.join(" | "),
            Self::Server(words) => format!("{}, with /1 for the first server alone", words.join(" | ")),
            Self::Number(low, high) => format!("a number from {low} to {high}"),
            Self::Tenant => "a tenant".into(),
            Self::App => "an app".into(),
            Self::Edge(words) => format!("{} | ADDRESS | HOW:ADDRESS", words.join(" | ")),
            Self::Prefixed(words, prefix) => {
                let words: String = words.iter().map(|word| format!("{word} | ")).collect();
                format!("{words}{prefix}:{}", if prefix == "exit" { "CODE" } else { "NAME" })
            }
            Self::NumberOr(low, high, word) => format!("a number from {low} to {high} | {word}"),
            Self::Rate => "RATE/BURST or RATE/BURST/reset".into(),
            Self::Machines => {
                "GROUP/STATE[/on|off|unset][/exitCODE|oom|requested][/host-down][/old], joined by +".into()
            }
        }
    }
}

/// How an edge address fails, and which (none: all of them).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Targeted<'a> {
    pub(crate) how: &'a str,
    pub(crate) address: Option<IpAddr>,
}

impl<'a> Targeted<'a> {
    /// Reads `HOW`, `ADDRESS` or `HOW:ADDRESS`. An IPv6 address has colons of its own.
    pub(crate) fn read(text: &'a str, default: &'a str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self {
                how: default,
                address: None,
            });
        }
        if let Ok(address) = text.parse() {
            return Some(Self {
                how: default,
                address: Some(address),
            });
        }
        match text.split_once(':') {
            None => Some(Self {
                how: text,
                address: None,
            }),
            Some((how, address)) => Some(Self {
                how,
                address: Some(address.parse().ok()?),
            }),
        }
    }

    pub(crate) fn hits(&self, address: IpAddr) -> bool {
        self.address.is_none_or(|hit| hit == address)
    }
}

/// How many handshakes the edge lets through, and how it cuts the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Throttle {
    pub(crate) rate: u32,
    pub(crate) burst: u32,
    pub(crate) reset: bool,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            rate: 20,
            burst: 40,
            reset: false,
        }
    }
}

impl FromStr for Throttle {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let mut parts = text.split('/');
        let mut number = || parts.next().and_then(|part| part.parse().ok()).ok_or(());
        let (rate, burst) = (number()?, number()?);
        match (parts.next(), parts.next()) {
            (None, _) => Ok(Self {
                rate,
                burst,
                reset: false,
            }),
            (Some("reset"), None) => Ok(Self {
                rate,
                burst,
                reset: true,
            }),
            _ => Err(()),
        }
    }
}
