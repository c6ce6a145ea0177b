//! How fast one edge address is asked: as fast as concurrency allows until it cuts handshakes, then slower.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::clock::Moment;

/// The latest handshakes that are looked at together.
const WINDOW: usize = 16;
/// How many of them must be cut before a limit is suspected.
const SUSPICIOUS: usize = 8;
/// The slowest pace, in handshakes per second.
const SLOWEST: f64 = 2.0;
/// What every handshake that stands adds to a slowed pace, in handshakes per second.
const RECOVERY: f64 = 0.05;
/// The least time between two halvings: the first must show its effect.
const SETTLE: Duration = Duration::from_millis(500);

/// Paces handshakes towards one address.
pub(super) struct Pacer {
    state: Mutex<State>,
    fixed: bool,
}

struct State {
    rate: Option<f64>,
    next: Moment,
    slowed: Option<Moment>,
    recent: VecDeque<bool>,
    started: VecDeque<Moment>,
}

impl Pacer {
    /// A pacer that keeps `rate`, or finds its own where none is given.
    pub(super) fn new(rate: Option<f64>) -> Self {
        let state = State {
            rate,
            next: Moment::now(),
            slowed: None,
            recent: VecDeque::new(),
            started: VecDeque::new(),
        };
        Self {
            state: Mutex::new(state),
            fixed: rate.is_some(),
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self) {
        let wait = self.with(|state| {
            let now = Moment::now();
            state.started.push_back(now);
            state
                .started
                .retain(|started| started.elapsed() < Duration::from_secs(1));
            let rate = state.rate?;
            let turn = state.next.max(now);
            state.next = turn.plus(Duration::from_secs_f64(1.0 / rate));
            Some(turn.until())
        });
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            tokio::time::sleep(wait).await;
        }
    }

    /// Hears how a handshake ended. `true`: so many were cut that a limit is to be suspected.
    pub(super) fn heard(&self, cut: bool) -> bool {
        self.with(|state| {
            if !cut && !self.fixed {
                state.rate = state.rate.map(|rate| rate + RECOVERY);
            }
            state.recent.push_back(cut);
            if state.recent.len() > WINDOW {
                state.recent.pop_front();
            }
            let cuts = state.recent.iter().filter(|cut| **cut).count();
            let suspicious = cut && cuts >= SUSPICIOUS;
            if suspicious {
                state.recent.clear();
            }
            suspicious
        })
    }

    /// Halves the pace: of what was asked in the last second where there was none yet.
    pub(super) fn slow_down(&self) {
        self.with(|state| {
            if self.fixed || state.slowed.is_some_and(|slowed| slowed.elapsed() < SETTLE) {
                return;
            }
            #[expect(clippy::cast_precision_loss, reason = "a count of handshakes in one second")]
            let current = state.rate.unwrap_or(state.started.len() as f64);
            state.rate = Some((current / 2.0).max(SLOWEST));
            state.slowed = Some(Moment::now());
        });
    }
}
