//! The servers that messages go to in a simulated world: they refuse, are away, and keep silent about what they took; and
//! what must hold of what arrived.

use std::collections::BTreeMap;
use std::sync::Arc;

use roundsman_alerts::notification::{
    Delivery, Destination, Failure, Message, Outcome, Reason, Receiver, Routing, Status,
};

/// All that arrived.
#[derive(Default)]
pub(super) struct Mail {
    /// The last word of each thread.
    last: BTreeMap<String, Arc<Message>>,
    copies: BTreeMap<String, u32>,
    /// How often each may have arrived without anybody knowing.
    doubtful: BTreeMap<String, u32>,
    away: bool,
    wrong: Option<String>,
}

/// Everything goes to one channel.
pub(super) fn routing() -> Routing {
    let to = Destination {
        channel: "ops".into(),
        recipient: None,
    };
    Routing {
        receivers: vec![Receiver {
            channel: "ops".into(),
            to: vec![to],
            acknowledges: false,
        }],
        ..Routing::default()
    }
}

impl Mail {
    /// The server goes away, or is back.
    pub(super) fn twist(&mut self, away: bool) {
        self.away = away;
    }

    /// What a server makes of a message; `dice` is one of a hundred.
    pub(super) fn gets(&mut self, delivery: &Delivery, dice: u8) -> Outcome {
        let failed = |why: &str, unreachable: bool, perhaps: bool| {
            Outcome::Failed(Failure {
                why: why.to_owned(),
                unreachable,
                perhaps,
                ..Failure::default()
            })
        };
        if self.away {
            return failed("connection refused", true, false);
        }
        match dice {
            0..4 => failed("451 try later", false, false),
            4..6 => {
                self.take(delivery);
                *self.doubtful.entry(delivery.message.id.clone()).or_default() += 1;
                failed("no reply", true, true)
            }
            _ => {
                self.take(delivery);
                Outcome::Delivered("250 ok".to_owned())
            }
        }
    }

    /// Takes a message; what does not hold of it is remembered.
    fn take(&mut self, delivery: &Delivery) {
        let message = &delivery.message;
        let copies = self.copies.entry(message.id.clone()).or_default();
        *copies += 1;
        let most = 1 + self.doubtful.get(&message.id).copied().unwrap_or_default();
        let before = self.last.insert(message.thread.to_string(), Arc::clone(message));
        let wrong = if *copies > most {
            Some(format!("{} arrived {copies} times, {most} would do", message.id))
        } else if before.is_none() && message.reason == Reason::Resolved {
            Some(format!("{} tells the end of what nobody heard of", message.id))
        } else if before.is_some_and(|before| before.sequence > message.sequence) {
            Some(format!("{} comes after what is newer", message.id))
        } else {
            None
        };
        self.wrong = self.wrong.take().or(wrong);
    }

    /// The process died while this was under way: it may have arrived.
    pub(super) fn lost_sight(&mut self, delivery: &Delivery) {
        *self.doubtful.entry(delivery.message.id.clone()).or_default() += 1;
    }

    /// What does not hold of all that arrived.
    pub(super) fn invariants(&self) -> Result<(), String> {
        self.wrong.clone().map_or(Ok(()), Err)
    }

    /// How many threads there were.
    pub(super) fn threads(&self) -> usize {
        self.last.len()
    }

    /// The threads of which the last word is that it fails.
    pub(super) fn left_failing(&self) -> Vec<String> {
        let failing = self.last.values().filter(|message| message.status != Status::Resolved);
        failing.map(|message| message.id.clone()).collect()
    }
}
