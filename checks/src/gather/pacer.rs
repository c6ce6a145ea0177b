//! How fast one edge address is asked: as fast as concurrency allows until it cuts handshakes, then slower.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Moment;

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
/// What counts as the present pace where none is set.
const SECOND: Duration = Duration::from_secs(1);
/// How many addresses are remembered: more than an edge has.
const MOST_ADDRESSES: usize = 256;

/// Pacers of the edge's addresses, one each. A clone shares what was learned.
#[derive(Clone, Debug, Default)]
pub struct Pacers {
    rate: Option<f64>,
    by_address: Arc<Mutex<BTreeMap<SocketAddr, Pacer>>>,
}

impl Pacers {
    /// Pacers that keep `rate`, in handshakes per second and address, or find their own where none is given.
    #[must_use]
    pub fn new(rate: Option<f64>) -> Self {
        Self {
            rate,
            by_address: Arc::default(),
        }
    }

    /// Waits for a turn at an address.
    pub async fn turn(&self, address: SocketAddr) {
        let wait = self.with(address, |pacer| pacer.turn(Moment::now()));
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Hears how a handshake at an address ended. `true`: so many were cut that a limit is to be suspected.
    #[must_use]
    pub fn heard(&self, address: SocketAddr, cut: bool) -> bool {
        self.with(address, |pacer| pacer.heard(cut))
    }

    /// Halves the pace at an address.
    pub fn slow_down(&self, address: SocketAddr) {
        self.with(address, |pacer| pacer.slow_down(Moment::now()));
    }

    /// The pace at an address, in handshakes per second; nothing where none was set or learned.
    #[must_use]
    pub fn rate(&self, address: SocketAddr) -> Option<f64> {
        self.with(address, |pacer| pacer.rate)
    }

    /// Forgets what was learned of an address.
    pub fn forget(&self, address: SocketAddr) {
        self.with(address, |pacer| *pacer = Pacer::new(self.rate));
    }

    fn with<T>(&self, address: SocketAddr, act: impl FnOnce(&mut Pacer) -> T) -> T {
        let mut pacers = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if pacers.len() >= MOST_ADDRESSES && !pacers.contains_key(&address) {
            // Whoever has had that many addresses has moved: what is still in use is soon learned again.
            pacers.clear();
        }
        act(pacers.entry(address).or_insert_with(|| Pacer::new(self.rate)))
    }
}

/// Pacer of handshakes towards one address. Pure: it is told the time, and says how long to wait.
///
/// ```
/// # use std::time::Duration;
/// # use roundsman_checks::gather::Pacer;
/// # use roundsman_checks::clock::Moment;
/// let now = Moment::now();
/// let mut pacer = Pacer::new(Some(10.0)); // a second
/// assert_eq!(pacer.turn(now), Duration::ZERO);
/// assert_eq!(pacer.turn(now), Duration::from_millis(100));
/// ```
#[derive(Clone, Debug)]
pub struct Pacer {
    rate: Option<f64>,
    fixed: bool,
    next: Option<Moment>,
    slowed: Option<Moment>,
    recent: VecDeque<bool>,
    started: VecDeque<Moment>,
}

impl Pacer {
    /// A pacer that keeps `rate`, in handshakes per second, or finds its own where none is given.
    #[must_use]
    pub fn new(rate: Option<f64>) -> Self {
        Self {
            rate,
            fixed: rate.is_some(),
            next: None,
            slowed: None,
            recent: VecDeque::new(),
            started: VecDeque::new(),
        }
    }

    /// Takes a turn, and says how long it is until it comes.
    pub fn turn(&mut self, now: Moment) -> Duration {
        self.started.push_back(now);
        while self
            .started
            .front()
            .is_some_and(|started| now.since(*started) >= SECOND)
        {
            self.started.pop_front();
        }
        let Some(rate) = self.rate else { return Duration::ZERO };
        let turn = self.next.map_or(now, |next| next.max(now));
        self.next = Some(turn.plus(Duration::from_secs_f64(1.0 / rate)));
        turn.since(now)
    }

    /// Hears how a handshake ended. `true`: so many were cut that a limit is to be suspected.
    pub fn heard(&mut self, cut: bool) -> bool {
        if !cut && !self.fixed {
            self.rate = self.rate.map(|rate| rate + RECOVERY);
        }
        self.recent.push_back(cut);
        if self.recent.len() > WINDOW {
            self.recent.pop_front();
        }
        let cuts = self.recent.iter().filter(|cut| **cut).count();
        let suspicious = cut && cuts >= SUSPICIOUS;
        if suspicious {
            self.recent.clear();
        }
        suspicious
    }

    /// Halves the pace: of what was asked in the last second where there was none yet.
    pub fn slow_down(&mut self, now: Moment) {
        if self.fixed || self.slowed.is_some_and(|slowed| now.since(slowed) < SETTLE) {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "a count of handshakes in one second")]
        let current = self.rate.unwrap_or(self.started.len() as f64);
        self.rate = Some((current / 2.0).max(SLOWEST));
        self.slowed = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(100);

    #[test]
    fn nobody_waits_before_anything_was_cut() {
        let mut pacer = Pacer::new(None);
        let start = Moment::now();
        assert!((0..100).all(|step| pacer.turn(start.plus(STEP * step)).is_zero()));
        assert_eq!(pacer.started.len(), 10, "only the last second is remembered");
    }

    #[test]
    fn a_fixed_rate_spaces_turns_evenly_and_never_changes() {
        let mut pacer = Pacer::new(Some(4.0));
        let now = Moment::now();
        let waits = [0, 250, 500, 750].map(Duration::from_millis);
        assert_eq!(waits.map(|_| pacer.turn(now)), waits);
        assert!(!pacer.heard(false));
        pacer.slow_down(now);
        assert_eq!(pacer.turn(now), Duration::from_secs(1));
        // What was not used is lost: nobody may catch up in a burst.
        let later = now.plus(Duration::from_secs(60));
        assert_eq!(
            [later, later].map(|now| pacer.turn(now)),
            [0, 250].map(Duration::from_millis)
        );
    }

    #[test]
    fn half_of_the_latest_handshakes_cut_is_suspicious_once() {
        let mut pacer = Pacer::new(None);
        let heard = [false; 8].into_iter().chain([true; 9]).map(|cut| pacer.heard(cut));
        let suspicions = heard.collect::<Vec<_>>();
        assert_eq!(suspicions.iter().position(|suspicious| *suspicious), Some(15));
        assert!(!suspicions[16], "the next suspicion needs as many again");
    }

    #[test]
    fn cuts_among_many_that_stand_raise_no_suspicion() {
        let mut pacer = Pacer::new(None);
        assert!((0..1_000).all(|number| !pacer.heard(number % 3 == 0)));
    }

    #[test]
    fn slowing_down_halves_what_was_asked_in_the_last_second() {
        let mut pacer = Pacer::new(None);
        let start = Moment::now();
        for step in 0..40 {
            pacer.turn(start.plus(STEP * step));
        }
        let now = start.plus(STEP * 39);
        pacer.slow_down(now);
        assert_eq!(pacer.rate, Some(5.0));
        pacer.slow_down(now.plus(SETTLE / 2));
        assert_eq!(pacer.rate, Some(5.0), "the first halving has not shown its effect yet");
        for halving in 1..=3 {
            pacer.slow_down(now.plus(SETTLE * halving));
        }
        assert_eq!(pacer.rate, Some(SLOWEST));
    }

    #[test]
    fn a_slowed_pace_recovers_with_every_handshake_that_stands() {
        let mut pacer = Pacer::new(None);
        pacer.slow_down(Moment::now());
        assert!((0..40).all(|_| !pacer.heard(false)));
        assert!(pacer.rate.is_some_and(|rate| (rate - 4.0).abs() < 1e-9));
        assert!(!pacer.heard(true));
        assert!(pacer.rate.is_some_and(|rate| (rate - 4.0).abs() < 1e-9));
    }

    #[test]
    fn what_one_address_bears_says_nothing_of_another_and_outlives_a_clone() {
        let (one, other) = (
            SocketAddr::from(([127, 0, 0, 1], 443)),
            SocketAddr::from(([127, 0, 0, 2], 443)),
        );
        let pacers = Pacers::new(None);
        pacers.clone().slow_down(one);
        let wait = |address| {
            pacers.with(address, |pacer| {
                let now = Moment::now();
                pacer.turn(now);
                pacer.turn(now)
            })
        };
        assert_eq!((wait(one), wait(other)), (Duration::from_millis(500), Duration::ZERO));
        assert_eq!((pacers.rate(one), pacers.rate(other)), (Some(SLOWEST), None));
        pacers.forget(one);
        assert_eq!((pacers.rate(one), wait(one)), (None, Duration::ZERO));
    }
}
