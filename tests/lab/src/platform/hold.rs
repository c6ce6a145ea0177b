//! Calls that are held up, so that a test can do something at a moment of its choice: only those that come with a token
//! that may write are counted.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::reply::Call;
use super::{CLOUDFLARE_TOKEN, FLY_TOKEN, locked};

/// Where a call is held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldAt {
    /// Before it takes effect: without its client it has none.
    Call,
    /// Once it took effect, before it is answered.
    Answer,
}

/// A call that is to be held up.
#[derive(Clone, Debug)]
pub struct Hold {
    number: usize,
    at: HoldAt,
    met: Arc<AtomicBool>,
    released: Arc<Notify>,
}

impl Hold {
    /// Whether the call has come and waits.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.met.load(Ordering::Acquire)
    }

    /// Lets it go on, now or when it comes.
    pub fn release(&self) {
        self.released.notify_one();
    }

    async fn wait(&self) {
        self.met.store(true, Ordering::Release);
        self.released.notified().await;
    }
}

/// What is held up of all calls.
#[derive(Default)]
pub(super) struct Holds {
    calls: AtomicUsize,
    hold: Mutex<Option<Hold>>,
}

impl Holds {
    /// How many calls there were.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Acquire)
    }

    /// Holds up the `number`th call from now on; the next one is 1.
    pub(super) fn set(&self, number: usize, at: HoldAt) -> Hold {
        let hold = Hold {
            number: self.calls() + number,
            at,
            met: Arc::default(),
            released: Arc::default(),
        };
        *locked(&self.hold) = Some(hold.clone());
        hold
    }

    /// A call came: what holds it up, if something does.
    pub(super) fn of(&self, call: &Call) -> Option<Hold> {
        let schemes = ["FlyV1 ", "Bearer "];
        if ![FLY_TOKEN, CLOUDFLARE_TOKEN]
            .iter()
            .any(|token| call.authorized(token, &schemes))
        {
            return None;
        }
        let number = self.calls.fetch_add(1, Ordering::AcqRel) + 1;
        locked(&self.hold).clone().filter(|hold| hold.number == number)
    }
}

/// Waits where a call is held up there.
pub(super) async fn wait(hold: Option<&Hold>, at: HoldAt) {
    if let Some(hold) = hold.filter(|hold| hold.at == at) {
        hold.wait().await;
    }
}
