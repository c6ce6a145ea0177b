//! Messages that nothing happened for: to try a channel, and to see what a cause looks like.

use std::sync::Arc;

use jiff::Timestamp;
use roundsman_alerts::channel::Channel;
use roundsman_alerts::notification::{Alerting, Destination, Dossier, Message, Mutes, Receiver, Routing};
use roundsman_alerts::{Account, Book, Key, Members, Now, Policy, Severity, Signal, Verdict};
use roundsman_checks::diagnosis::{Cause, Scope};
use roundsman_checks::finding::Outcome;

/// A message that tries a channel.
#[must_use]
pub fn test_message(channel: &Channel, dossier: &Dossier, now: Timestamp) -> Message {
    Message::test(&channel.name, dossier, now)
}

/// What the first message of a cause looks like: a sample incident, told by the same code as a real one.
#[must_use]
pub fn preview(cause: Cause, dossier: &Dossier, now: Timestamp) -> Option<Message> {
    let now = Now::at(now);
    let to = Destination {
        channel: "preview".into(),
        recipient: None,
    };
    let routing = Routing {
        group_wait: std::time::Duration::ZERO,
        receivers: vec![Receiver {
            channel: "preview".into(),
            to: vec![to],
            acknowledges: false,
        }],
        ..Routing::default()
    };
    let (mut book, mut alerting) = (Book::default(), Alerting::default());
    for signal in signals(cause, dossier) {
        let done = book.observe(&signal, &Policy::default(), now);
        alerting.hear(&done, &mut book, &routing, dossier, now);
    }
    let mutes = Mutes {
        silences: &[],
        inhibited: &Default::default(),
        blind: false,
    };
    alerting.tick(&book, &mutes, &routing, dossier, now);
    let delivery = alerting.take(now).pop()?;
    Some((*delivery.message).clone())
}

/// What would be said of a cause: of two tenants, or of the one thing that is guilty.
fn signals(cause: Cause, dossier: &Dossier) -> Vec<Signal> {
    let row = cause.row();
    let why = cause.guidance();
    let severity = match cause.severity(Outcome::Fail, 1) {
        roundsman_checks::diagnosis::Severity::Critical => Severity::Critical,
        roundsman_checks::diagnosis::Severity::Warning => Severity::Warning,
        _ => Severity::Info,
    };
    let account = |object: &str| Account {
        severity,
        at_once: true,
        evidence: vec![format!("{object}: {}", why.confirmed)],
        remedy: vec![why.remedy.to_owned()],
        changed: Some("a sample: the image, v42 → v43".to_owned()),
        ..Account::default()
    };
    let signal = |scope: &str, object: &str, members: Members, witness: &str| Signal {
        key: Key::new(cause.as_str(), scope, object),
        witness: witness.into(),
        verdict: Verdict::Firing,
        members,
        account: account(object),
    };
    let tenants = ["acme", "globex"];
    match row.scope {
        Scope::Tenant => {
            let one = |tenant: &&str| {
                signal(
                    "tenant",
                    &format!("{tenant}.{}", dossier.domain),
                    Members::Witness,
                    tenant,
                )
            };
            tenants.iter().map(one).collect()
        }
        Scope::Fleet | Scope::Agent => {
            let scope = if row.scope == Scope::Fleet { "fleet" } else { "agent" };
            let members = match row.scope {
                Scope::Fleet => tenants.map(Arc::from).to_vec(),
                _ => Vec::new(),
            };
            let joined = Members::Others {
                joined: members,
                left: Vec::new(),
            };
            vec![signal(scope, &format!("*.{}", dossier.domain), joined, "fleet")]
        }
    }
}
