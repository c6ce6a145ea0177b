//! The hands that carry messages: each attempt ends within its limits, and says what became of it as an
//! [`Outcome`]. What is tried again, and when, is decided by the outbox.

mod answer;
mod gate;
mod http;
mod letter;
mod smtp;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::notification::{Destination, Message, Outcome, Receiver};
use crate::render::{Alert, mail, pagerduty, slack};

pub use answer::{hidden, secrets_of_url};
pub use smtp::{Login, MailServer, Patience, Security};

/// Whether this is an address that mail can go to or come from, with a name before it or without.
#[must_use]
pub fn is_mailbox(address: &str) -> bool {
    address.parse::<lettre::message::Mailbox>().is_ok()
}

/// Where PagerDuty takes events.
pub const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

/// A channel, ready to send.
#[derive(Debug)]
pub struct Channel {
    /// Its name.
    pub name: Arc<str>,
    kind: Kind,
}

/// What a channel needs to send.
pub enum Kind {
    /// Mails.
    Email {
        /// The server that takes them.
        server: MailServer,
        /// Who sends them.
        from: String,
        /// Who gets them, each in an envelope of its own.
        to: Vec<String>,
    },
    /// The message as JSON, signed as Standard Webhooks asks where there is a secret.
    Webhook {
        /// Where to.
        url: String,
        /// What signs it.
        secret: Option<String>,
    },
    /// An incoming webhook of Slack. Its URL is its secret.
    Slack {
        /// Where to.
        url: String,
    },
    /// PagerDuty's Events API v2.
    Pagerduty {
        /// Where to.
        url: String,
        /// Whose events they are.
        routing_key: String,
    },
    /// Prometheus' Alertmanager: it is told how things are.
    Alertmanager {
        /// Its root, as in `http://127.0.0.1:9093`.
        url: String,
    },
}

/// Secrets are in it: only the kind is shown.
impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Email { .. } => "Email",
            Self::Webhook { .. } => "Webhook",
            Self::Slack { .. } => "Slack",
            Self::Pagerduty { .. } => "Pagerduty",
            Self::Alertmanager { .. } => "Alertmanager",
        })
    }
}

impl Channel {
    /// A channel of a kind.
    #[must_use]
    pub fn new(name: &str, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
        }
    }

    /// What deciding has to know of it.
    #[must_use]
    pub fn receiver(&self) -> Receiver {
        let to = |recipient: Option<Arc<str>>| Destination {
            channel: Arc::clone(&self.name),
            recipient,
        };
        Receiver {
            channel: Arc::clone(&self.name),
            to: match &self.kind {
                Kind::Email { to: all, .. } => all.iter().map(|one| to(Some(one.as_str().into()))).collect(),
                Kind::Alertmanager { .. } => Vec::new(),
                Kind::Webhook { .. } | Kind::Slack { .. } | Kind::Pagerduty { .. } => vec![to(None)],
            },
            acknowledges: matches!(self.kind, Kind::Pagerduty { .. }),
        }
    }

    /// Whether it is told how things are instead of what happened.
    #[must_use]
    pub fn is_told_state(&self) -> bool {
        matches!(self.kind, Kind::Alertmanager { .. })
    }

    /// Tries to deliver a message once.
    pub async fn deliver(&self, message: &Message, recipient: Option<&str>, now: Timestamp) -> Outcome {
        match &self.kind {
            Kind::Email { server, from, .. } => {
                let envelope = (from.as_str(), recipient.unwrap_or_default());
                server.send(&mail(message), envelope, message.at, now).await
            }
            Kind::Webhook { url, secret } => http::webhook(url, secret.as_deref(), message, now).await,
            Kind::Slack { url } => http::json(url, &slack(message), &[], http::Service::Slack, now).await,
            Kind::Pagerduty { url, routing_key } => {
                let event = pagerduty(message, routing_key);
                http::json(url, &event, &[routing_key], http::Service::Pagerduty, now).await
            }
            Kind::Alertmanager { .. } => self.tell(&[crate::render::test_alert(message)], now).await,
        }
    }

    /// Tells an Alertmanager how things are; other channels have nothing to be told.
    pub async fn tell(&self, alerts: &[Alert], now: Timestamp) -> Outcome {
        match &self.kind {
            Kind::Alertmanager { url } => http::alerts(url, alerts, now).await,
            _ => Outcome::Delivered("nothing to tell".to_owned()),
        }
    }
}
