//! Facts about answers: what was said, by whom, and which way.

use std::fmt;

use jiff::Timestamp;

use super::made_up;
use crate::evidence::{Millis, Reason, Visit};
use crate::reading::StatusLine;

/// What came of a visit.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// An answer.
    Status(StatusLine),
    /// A failure.
    Failed(Reason),
    /// Nothing.
    Nothing,
}

impl Heard {
    /// Of a visit.
    #[must_use]
    pub fn of(visit: &Visit) -> Self {
        let failed = || visit.channel_end().reason().or(visit.page.end.reason());
        match (&visit.page.answer, failed()) {
            (Some(answer), _) => Self::Status(StatusLine::of(answer)),
            (None, Some(reason)) => Self::Failed(reason),
            (None, None) => Self::Nothing,
        }
    }

    fn settled(&self) -> Self {
        match self {
            Self::Status(line) => Self::Status(line.without_excerpt()),
            other => other.clone(),
        }
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(line) => write!(f, "status {line}"),
            Self::Failed(reason) => reason.fmt(f),
            Self::Nothing => f.write_str("no answer"),
        }
    }
}

/// A fact about an answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AnswerFact {
    /// The app says itself that it is booting.
    SaysStarting(StatusLine),
    /// A tenant and a name that exists nowhere get the same answer.
    LikeUnknown {
        /// The tenant's host name.
        name: String,
        /// The name that exists nowhere.
        control: String,
        /// The answer.
        answer: StatusLine,
    },
    /// Who answered in place of the tenant's app.
    AnsweredBy {
        /// The tenant's host name.
        name: String,
        /// The tenant's app.
        app: String,
        /// Who answered, where that is known.
        other: Option<String>,
        /// What in the answer says so.
        by: String,
    },
    /// A page that is not as expected.
    Page {
        /// What was asked for.
        url: String,
        /// Why it is not as expected.
        reason: Reason,
        /// The status.
        status: u16,
        /// What is wrong.
        message: String,
        /// What was expected, where that is one thing.
        expected: Option<String>,
    },
    /// What the app answers both ways; directly only its own health checks pass where nothing was asked.
    BothWays {
        /// The app.
        app: String,
        /// Through the edge.
        edge: Heard,
        /// Asked directly.
        direct: Option<Heard>,
    },
    /// The app has no service where a replayed request arrives.
    NoService(String),
    /// The app is on a network that the edge's replays do not reach.
    OtherNetwork(String),
    /// The app itself answers wrongly, directly too.
    WrongBothWays {
        /// The app.
        app: String,
        /// Through the edge.
        edge: Heard,
        /// Asked directly.
        direct: Heard,
    },
    /// A right answer that took too long.
    Slow {
        /// How long, and what the check says.
        message: String,
        /// The limit.
        limit: String,
    },
    /// How long each phase of a visit took.
    Phases {
        /// To connect.
        connect: Millis,
        /// To shake hands.
        tls: Millis,
        /// To the first byte.
        first_byte: Millis,
        /// To the last byte.
        total: Millis,
    },
    /// The edge replays the name to another app.
    Replayed {
        /// The tenant's host name.
        name: String,
        /// The tenant's app.
        app: String,
        /// The edge app.
        edge: String,
        /// Where the request went.
        to: String,
        /// What came back.
        answer: StatusLine,
    },
    /// A line of a log.
    Log {
        /// Whose.
        app: String,
        /// When it was written.
        at: Option<Timestamp>,
        /// What it says.
        message: String,
    },
    /// No app of that name exists.
    NoApp {
        /// The app.
        app: String,
        /// Where it would be.
        organization: String,
    },
}

impl AnswerFact {
    pub(super) fn settled(&self) -> Self {
        let mut fact = self.clone();
        match &mut fact {
            Self::SaysStarting(answer) => *answer = answer.without_excerpt(),
            Self::LikeUnknown { answer, .. } => *answer = answer.without_excerpt(),
            Self::Page { reason, message, .. } if *reason == Reason::HttpStatus => message.clear(),
            Self::BothWays { edge, direct, .. } => {
                *edge = edge.settled();
                *direct = direct.as_ref().map(Heard::settled);
            }
            Self::WrongBothWays { edge, direct, .. } => (*edge, *direct) = (edge.settled(), direct.settled()),
            Self::Slow { message, .. } => message.clear(),
            Self::Phases {
                connect,
                tls,
                first_byte,
                total,
            } => (*connect, *tls, *first_byte, *total) = Default::default(),
            Self::Replayed { answer, .. } => *answer = answer.without_excerpt(),
            Self::Log { at, message, .. } => {
                *at = None;
                message.clear();
            }
            _ => {}
        }
        fact
    }
}

impl fmt::Display for AnswerFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SaysStarting(answer) => write!(f, "the app says so itself: {answer}"),
            Self::LikeUnknown { name, control, answer } => {
                write!(f, "{name} and {} get the same answer: {answer}", made_up(control))
            }
            Self::AnsweredBy { name, app, other, by } => {
                let other = other.as_deref().unwrap_or("another app");
                write!(f, "{name} should be answered by {app}, but {other} answered: {by}")
            }
            Self::Page {
                url, message, expected, ..
            } => {
                write!(f, "GET {url}: {message}")?;
                match expected {
                    Some(expected) => write!(f, "; expected {expected}"),
                    None => Ok(()),
                }
            }
            Self::BothWays { app, edge, direct } => {
                write!(f, "through the edge {app} answers {edge}; ")?;
                match direct {
                    Some(direct) => write!(f, "asked directly it answers {direct}"),
                    None => f.write_str("its own health checks pass"),
                }
            }
            Self::NoService(app) => write!(f, "{app} has no service on port 443, which a replayed request needs"),
            Self::OtherNetwork(app) => write!(
                f,
                "{app} is on another network than the edge, and the organization allows no replays across networks"
            ),
            Self::WrongBothWays { app, edge, direct } => {
                write!(f, "through the edge {app} answers {edge}, directly {direct}")
            }
            Self::Slow { message, limit } => write!(f, "{message}; {limit}"),
            Self::Phases {
                connect,
                tls,
                first_byte,
                total,
            } => write!(
                f,
                "connect {connect:.0} ms, TLS {tls:.0} ms, first byte {first_byte:.0} ms, whole answer {total:.0} ms"
            ),
            Self::Replayed {
                name,
                app,
                edge,
                to,
                answer,
            } => write!(
                f,
                "{name} should be answered by {app}, but {edge} replays it to {to}, which answers {answer}"
            ),
            Self::Log { app, at, message } => {
                write!(f, "log of {app}")?;
                if let Some(at) = at {
                    write!(f, " at {at:.3}")?;
                }
                write!(f, ": {}", message.trim())
            }
            Self::NoApp { app, organization } => write!(f, "no app {app} in organization {organization}"),
        }
    }
}
