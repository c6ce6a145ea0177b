//! What proves a cause: facts with both sides of each comparison as fields. Their sentences are made here and nowhere
//! else, and nothing reads a sentence back.

mod agent;
mod answer;
mod app;
mod certificate;
mod dns;
mod edge;

pub use agent::AgentFact;
pub use answer::{AnswerFact, Heard};
pub use app::AppFact;
pub use certificate::{CertificateFact, HandshakeNow};
pub use dns::DnsFact;
pub use edge::EdgeFact;

use std::fmt;

use crate::evidence::Reason;
use crate::finding::Check;
use crate::target::TenantId;

/// What is written in the place of a name that exists nowhere, where which one it was says nothing.
const MADE_UP: &str = "a made-up name";

/// A name that was made up to see what everybody gets: by itself it looks like somebody's.
fn made_up(name: &str) -> String {
    match name {
        MADE_UP => MADE_UP.to_owned(),
        name => format!("{MADE_UP} ({name})"),
    }
}

/// One fact that proves a cause, or makes it likely. `Display` is the sentence for a person.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fact {
    /// About the agent itself and the APIs that it asks.
    Agent(AgentFact),
    /// About the zone and what stands in it.
    Dns(DnsFact),
    /// About the edge's addresses and handshakes.
    Edge(EdgeFact),
    /// About certificates: held, served, awaited, forbidden.
    Certificate(CertificateFact),
    /// About an app and its machines.
    App(AppFact),
    /// About what was answered, and by whom.
    Answer(AnswerFact),
    /// Tenants that share a value fail alike, those with another value do not.
    Alike {
        /// How many that share it fail.
        sick: usize,
        /// How many share it.
        of: usize,
        /// The shared value.
        value: String,
        /// What they fail with.
        reason: Reason,
        /// How many with another value fail so too.
        sick_others: usize,
        /// How many have another value.
        others: usize,
    },
    /// Most visited tenants fail with one reason.
    MostFail {
        /// How many fail.
        sick: usize,
        /// How many were visited.
        visited: usize,
        /// What they fail with.
        reason: Reason,
    },
    /// What one of several tenants shows.
    Example {
        /// The tenant.
        tenant: TenantId,
        /// What its check says.
        message: String,
    },
    /// A check that nothing explains, as it is.
    Unexplained {
        /// The tenant's host name.
        name: String,
        /// The check.
        check: Check,
        /// Why it is not well.
        reason: Option<Reason>,
        /// What it says.
        message: String,
    },
}

impl Fact {
    /// Whether `other` tells nothing new: the same but for what differs from look to look, such as times, measured
    /// durations, fresh names and what a page says behind its status.
    #[must_use]
    pub fn is_old_news(&self, other: &Self) -> bool {
        self.clone().with_any_control().settled() == other.clone().with_any_control().settled()
    }

    /// Whether it is about one machine.
    #[must_use]
    pub fn is_of_a_machine(&self) -> bool {
        matches!(self, Self::App(fact) if fact.is_of_a_machine())
    }

    /// Whether it shows what has to change, where another fact of the same proof only shows that something is wrong: the
    /// record of the zone, what the platform's validation says, until when an authority refuses.
    #[must_use]
    pub fn shows_the_guilty(&self) -> bool {
        matches!(
            self,
            Self::Dns(DnsFact::Found(_) | DnsFact::Listed { .. } | DnsFact::Shadows { .. })
                | Self::Certificate(
                    CertificateFact::PlatformSays(_) | CertificateFact::RefusedUntil(_) | CertificateFact::Flawed(_)
                )
        )
    }

    /// The same with no name for the control: each look takes a fresh one.
    #[must_use]
    pub fn with_any_control(mut self) -> Self {
        match &mut self {
            Self::Dns(DnsFact::ControlHasNone { control, .. })
            | Self::Edge(EdgeFact::ControlFailsAlike(control) | EdgeFact::ControlPasses(control))
            | Self::Certificate(
                CertificateFact::ControlCut { control, .. } | CertificateFact::Faulty { name: control, .. },
            )
            | Self::Answer(AnswerFact::LikeUnknown { control, .. }) => MADE_UP.clone_into(control),
            _ => {}
        }
        self
    }

    /// The fact without what differs from look to look.
    fn settled(&self) -> Self {
        match self {
            Self::Agent(fact) => Self::Agent(fact.settled()),
            Self::Edge(fact) => Self::Edge(fact.settled()),
            Self::Certificate(fact) => Self::Certificate(fact.settled()),
            Self::App(fact) => Self::App(fact.settled()),
            Self::Answer(fact) => Self::Answer(fact.settled()),
            Self::Example { tenant, .. } => Self::Example {
                tenant: tenant.clone(),
                message: String::new(),
            },
            other => other.clone(),
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(fact) => fact.fmt(f),
            Self::Dns(fact) => fact.fmt(f),
            Self::Edge(fact) => fact.fmt(f),
            Self::Certificate(fact) => fact.fmt(f),
            Self::App(fact) => fact.fmt(f),
            Self::Answer(fact) => fact.fmt(f),
            Self::Alike {
                sick,
                of,
                value,
                reason,
                sick_others,
                others,
            } => write!(
                f,
                "{sick} of {of} tenants on {value} fail ({reason}), {sick_others} of {others} on others do"
            ),
            Self::MostFail { sick, visited, reason } => {
                write!(f, "{sick} of {visited} visited tenants fail ({reason})")
            }
            Self::Example { tenant, message } => write!(f, "{tenant}: {message}"),
            Self::Unexplained {
                name,
                check,
                reason: Some(reason),
                message,
            } => write!(f, "{name}: {check}: {reason}: {message}"),
            Self::Unexplained {
                name, check, message, ..
            } => write!(f, "{name}: {check}: {message}"),
        }
    }
}

macro_rules! of_a_topic {
    ($($topic:ident($fact:ident)),*) => {
        $(impl From<$fact> for Fact {
            fn from(fact: $fact) -> Self {
                Self::$topic(fact)
            }
        })*
    };
}

of_a_topic!(
    Agent(AgentFact),
    Dns(DnsFact),
    Edge(EdgeFact),
    Certificate(CertificateFact),
    App(AppFact),
    Answer(AnswerFact)
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Exit;
    use crate::reading::{MachineEnd, StatusLine};

    fn page(status: u16, message: &str) -> Fact {
        let page = AnswerFact::Page {
            url: "https://a.example.com/".into(),
            reason: Reason::HttpStatus,
            status,
            message: message.into(),
            expected: None,
        };
        page.into()
    }

    fn ended(id: &str, at: &str) -> Fact {
        let exit = Exit {
            code: Some(1),
            at: at.parse().ok(),
            ..Exit::default()
        };
        let machine = MachineEnd {
            id: id.into(),
            state: "stopped".into(),
            exit: Some(exit),
        };
        let stays_down = true;
        AppFact::Down { machine, stays_down }.into()
    }

    #[test]
    fn what_a_page_says_is_no_news_and_its_status_is() {
        assert!(page(503, "status 503 {\"id\":1}").is_old_news(&page(503, "status 503 {\"id\":2}")));
        assert!(!page(503, "status 503").is_old_news(&page(404, "status 404")));
    }

    #[test]
    fn when_a_machine_ended_is_no_news_and_which_one_is() {
        let (first, later) = ("2026-11-24T10:00:00Z", "2026-11-24T10:03:00Z");
        assert!(ended("3d8d", first).is_old_news(&ended("3d8d", later)));
        assert!(!ended("3d8d", first).is_old_news(&ended("e17e", first)));
    }

    #[test]
    fn a_fresh_control_name_is_no_news() {
        let alike = |control: &str| {
            let answer = StatusLine {
                status: 404,
                excerpt: String::new(),
            };
            Fact::from(AnswerFact::LikeUnknown {
                name: "a.example.com".into(),
                control: control.into(),
                answer,
            })
        };
        assert!(alike("qwe.example.com").is_old_news(&alike("rty.example.com")));
        let told = alike("qwe.example.com").with_any_control().to_string();
        assert!(told.contains("and a made-up name get"), "{told}");
    }
}
