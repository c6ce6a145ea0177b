//! The words of a judgement: check, outcome, reason, finding. Holds no rule of its own.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a check is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeenIn {
    /// What DNS servers say.
    Dns,
    /// The channel of a visit: TCP, TLS, the chain.
    Channel,
    /// The answer of a visit, which needs the channel.
    Answer,
    /// What the platform says; nobody is visited for it.
    Platform,
}

macro_rules! checks {
    ($($(#[$doc:meta])* $name:ident = $text:literal, seen in $seen:ident;)*) => {
        /// The checks of a tenant, in the order in which reports list them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Check {
            $($(#[$doc])* $name,)*
        }

        impl Check {
            /// How many there are.
            pub const COUNT: usize = [$(Self::$name),*].len();

            /// All, as reports list them.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$name),*];

            /// What it is judged by. What follows from that (when it is looked at, what it depends on, what hides it)
            /// follows for every check alike.
            #[must_use]
            pub fn seen_in(self) -> SeenIn {
                match self { $(Self::$name => SeenIn::$seen,)* }
            }

            /// The check's name in configuration and reports.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

checks! {
    /// The tenant's addresses equal the wildcard's.
    Dns = "dns", seen in Dns;
    /// What the edge serves for the name verifies and lasts.
    Certificate = "certificate", seen in Channel;
    /// The page answers as expected.
    Site = "site", seen in Answer;
    /// No other app holds a certificate for the name.
    Conflicts = "conflicts", seen in Platform;
    /// The tenant's app is running or will wake.
    App = "app", seen in Platform;
    /// This tenant's app answered.
    Route = "route", seen in Answer;
}

impl Check {
    /// Those that are judged by the answer of a visit.
    pub fn of_answers() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|check| check.seen_in() == SeenIn::Answer)
    }

    /// Those that are judged by a visit.
    pub fn of_visits() -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(|check| matches!(check.seen_in(), SeenIn::Channel | SeenIn::Answer))
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Check {
    type Err = UnknownCheck;
    fn from_str(text: &str) -> Result<Self, UnknownCheck> {
        Self::ALL
            .into_iter()
            .find(|check| check.as_str() == text)
            .ok_or_else(|| UnknownCheck(text.to_owned()))
    }
}

/// A text that names no check.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no check: the checks are {names}", names = Check::ALL.map(Check::as_str).join(", "))]
pub struct UnknownCheck(pub String);

/// The checks that run once per round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FleetCheck {
    /// `*.DOMAIN` at every server of the zone.
    WildcardDns,
    /// Whether a validating resolver accepts the zone.
    Dnssec,
    /// What the edge serves for a name that only the wildcard covers.
    WildcardCertificate,
    /// Each edge address, each family.
    Edge,
    /// The agent's own network, resolvers and clock.
    Vantage,
}

impl FleetCheck {
    /// The check's name in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WildcardDns => "wildcard-dns",
            Self::Dnssec => "dnssec",
            Self::WildcardCertificate => "wildcard-certificate",
            Self::Edge => "edge",
            Self::Vantage => "vantage",
        }
    }
}

impl fmt::Display for FleetCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a check ended. Absence of evidence is `Unknown`, never `Pass`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It does not apply, or a check that it depends on failed.
    Skipped,
    /// The evidence says that all is well.
    Pass,
    /// It works, and something needs a look.
    Warn,
    /// The evidence could not be gathered.
    Unknown,
    /// The evidence says that it is broken.
    Fail,
}

impl Outcome {
    /// The outcome's name in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What one check says of one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// How it ended.
    pub outcome: Outcome,
    /// Why, typed; `None` on a plain pass.
    pub reason: Option<crate::evidence::Reason>,
    /// Why, as one sentence for a person.
    pub message: String,
    /// What should have been seen.
    pub expected: Option<String>,
    /// What was seen.
    pub observed: Option<String>,
    /// How long the probe behind it took, in milliseconds.
    pub duration_ms: Option<f64>,
}

impl Finding {
    /// A finding with a message and nothing else.
    #[must_use]
    pub fn plain(outcome: Outcome, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            outcome,
            reason: None,
            message,
            expected: None,
            observed: None,
            duration_ms: None,
        }
    }

    /// A check that was not judged, and why.
    #[must_use]
    pub fn skipped(reason: crate::evidence::Reason, message: impl Into<String>) -> Self {
        Self {
            reason: Some(reason),
            ..Self::plain(Outcome::Skipped, message)
        }
    }

    /// Adds the reason.
    #[must_use]
    pub fn because(mut self, reason: impl Into<Option<crate::evidence::Reason>>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Adds both sides of the comparison.
    #[must_use]
    pub fn comparing(mut self, expected: impl Into<String>, observed: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self.observed = Some(observed.into());
        self
    }

    /// Adds how long the probe took, in milliseconds.
    #[must_use]
    pub fn took(mut self, ms: f64) -> Self {
        self.duration_ms = Some(ms);
        self
    }
}
