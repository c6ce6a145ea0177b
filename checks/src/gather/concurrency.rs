//! How many tenants are probed together: a fixed number, or as many as pays. Waiting for an answer costs nothing but
//! sockets, so the number grows while nothing answers, or while what answers does so as quickly as at first; it shrinks
//! where answers become slower, which is our own doing, and where the agent itself can't keep up. Pure: it is told what
//! is seen.

use std::time::Duration;

/// How many tenants are probed together at first: enough to fill one core, and polite.
const CONCURRENCY: usize = 64;
/// The most at once: an HTTP/2 probe holds some 50 KiB.
const MOST: usize = 4_096;
/// How much of the descriptors one probe may need at the worst: a connection, and a socket for each name server asked.
const DESCRIPTORS_EACH: usize = 4;
/// Descriptors that are kept for everything else.
const RESERVE: usize = 64;
/// How late a timer may be while the event loop counts as idle.
const ON_TIME: Duration = Duration::from_millis(5);
/// How late a timer is when there is too much to do.
const LATE: Duration = Duration::from_millis(50);
/// How many answers tell how quick answers are.
const ENOUGH: usize = 8;
/// After how many pulses without any answer the number doubles.
const SILENT: usize = 10;
/// How many milliseconds more than twice the quickest an answer may take.
const MARGIN: f64 = 20.0;

/// How many tenants are probed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// Always so many; at least 1.
    Fixed(usize),
    /// As many as pays, where the process may have this many descriptors.
    Auto {
        /// Descriptors; `None`: no limit is known.
        descriptors: Option<usize>,
    },
}

impl Concurrency {
    /// How many of so many tenants are probed together at most.
    #[must_use]
    pub fn together(self, tenants: usize) -> usize {
        let places = match self {
            Self::Fixed(places) => places,
            Self::Auto { .. } => MOST,
        };
        tenants.clamp(1, places.max(1))
    }

    /// How many descriptors it takes to probe so many tenants as quickly as they can be; with fewer it is only slower.
    #[must_use]
    pub fn descriptors_for(self, tenants: usize) -> usize {
        RESERVE + DESCRIPTORS_EACH * self.together(tenants)
    }
}

impl Default for Concurrency {
    fn default() -> Self {
        Self::Auto { descriptors: None }
    }
}

/// The number of places at one moment.
#[derive(Clone, Debug)]
pub struct Places {
    places: usize,
    most: usize,
    fixed: bool,
    /// How long the answers since the last verdict took, in milliseconds.
    answers: Vec<f64>,
    /// The quickest median so far.
    quickest: f64,
    /// For how many pulses nothing answered.
    silent: usize,
}

impl Places {
    /// The number at first.
    #[must_use]
    pub fn new(concurrency: Concurrency) -> Self {
        let (places, most, fixed) = match concurrency {
            Concurrency::Fixed(places) => (places.max(1), places.max(1), true),
            Concurrency::Auto { descriptors } => {
                let bear = descriptors.map_or(MOST, |count| count.saturating_sub(RESERVE) / DESCRIPTORS_EACH);
                let most = bear.clamp(1, MOST);
                (CONCURRENCY.min(most), most, false)
            }
        };
        Self {
            places,
            most,
            fixed,
            answers: Vec::new(),
            quickest: f64::INFINITY,
            silent: 0,
        }
    }

    /// How many may be under way.
    #[must_use]
    pub fn count(&self) -> usize {
        self.places
    }

    /// The most that may ever be under way.
    #[must_use]
    pub fn most(&self) -> usize {
        self.most
    }

    /// Hears that a tenant answered, after so many milliseconds.
    pub fn answered(&mut self, ms: f64) {
        // Nobody asks for them where the number is fixed, and they would be kept for ever.
        if !self.fixed {
            self.answers.push(ms);
        }
    }

    /// Beats once, while `under_way` probes are: a timer was so late.
    pub fn pulse(&mut self, lateness: Duration, under_way: usize) {
        if self.fixed {
            return;
        }
        let full = lateness < ON_TIME && under_way >= self.places;
        self.silent = if self.answers.is_empty() { self.silent + 1 } else { 0 };
        let quick = self.is_quick();
        if lateness > LATE {
            self.set(self.places / 2);
        } else if quick == Some(false) {
            self.set(self.places * 3 / 4);
        } else if full && quick == Some(true) {
            self.set(self.places + self.places / 2);
        } else if full && self.silent > 0 && self.silent.is_multiple_of(SILENT) {
            self.set(self.places * 2);
        }
    }

    /// Whether answers come as quickly as when they came quickest; `None` while too few have come.
    fn is_quick(&mut self) -> Option<bool> {
        if self.answers.len() < ENOUGH {
            return None;
        }
        let mut answers = std::mem::take(&mut self.answers);
        let middle = answers.len() / 2;
        let median = *answers.select_nth_unstable_by(middle, f64::total_cmp).1;
        self.quickest = self.quickest.min(median);
        Some(median <= 2.0 * self.quickest + MARGIN)
    }

    fn set(&mut self, places: usize) {
        self.places = places.clamp(CONCURRENCY.min(self.most), self.most);
    }

    /// Hears that descriptors, ports or memory ran out while so many were under way: fewer from now on, for the whole
    /// round. Whether fewer are possible, so that it is worth another try.
    pub fn exhausted(&mut self, under_way: usize) -> bool {
        if self.fixed || under_way <= 1 {
            return false;
        }
        self.most = self.most.min(under_way / 2).max(1);
        self.places = self.places.min(self.most);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_millis(1);

    fn auto(descriptors: Option<usize>) -> Places {
        Places::new(Concurrency::Auto { descriptors })
    }

    /// Beats with so many answers of so many milliseconds, all places taken.
    fn beat(places: &mut Places, answers: usize, ms: f64) {
        (0..answers).for_each(|_| places.answered(ms));
        let under_way = places.count();
        places.pulse(IDLE, under_way);
    }

    #[test]
    fn grows_while_nothing_answers_and_the_machine_is_idle() {
        let mut places = auto(None);
        (0..6 * SILENT).for_each(|_| beat(&mut places, 0, 0.0));
        assert_eq!(places.count(), MOST);
    }

    #[test]
    fn grows_while_answers_stay_quick_and_shrinks_where_they_do_not() {
        let mut places = auto(None);
        beat(&mut places, ENOUGH, 100.0);
        beat(&mut places, ENOUGH, 150.0);
        assert_eq!(places.count(), 144);
        beat(&mut places, ENOUGH, 221.0);
        assert_eq!(places.count(), 108);
        (0..4).for_each(|_| beat(&mut places, ENOUGH, 221.0));
        assert_eq!(places.count(), CONCURRENCY, "never fewer than at first");
    }

    #[test]
    fn few_answers_tell_nothing() {
        let mut places = auto(None);
        (0..2 * SILENT).for_each(|_| {
            places.answers.clear();
            beat(&mut places, 1, 1.0);
        });
        assert_eq!(places.count(), CONCURRENCY);
    }

    #[test]
    fn does_not_grow_for_places_that_nobody_takes() {
        let mut places = auto(None);
        (0..ENOUGH).for_each(|_| places.answered(1.0));
        places.pulse(IDLE, CONCURRENCY - 1);
        assert_eq!(places.count(), CONCURRENCY);
    }

    #[test]
    fn a_busy_event_loop_makes_it_smaller() {
        let mut places = auto(None);
        beat(&mut places, ENOUGH, 1.0);
        places.pulse(LATE * 2, 96);
        assert_eq!(places.count(), CONCURRENCY);
    }

    #[test]
    fn descriptors_bound_it() {
        assert_eq!(auto(Some(1_024)).most, 240);
        assert_eq!(auto(Some(70)).count(), 1);
        let mut places = auto(None);
        assert!(places.exhausted(CONCURRENCY));
        assert_eq!((places.count(), places.most), (CONCURRENCY / 2, CONCURRENCY / 2));
        assert!(!places.exhausted(1), "fewer than one is none");
    }

    #[test]
    fn a_fixed_number_stays() {
        let mut places = Places::new(Concurrency::Fixed(8));
        places.pulse(IDLE, 8);
        places.pulse(LATE * 2, 8);
        assert!(!places.exhausted(8));
        assert_eq!(places.count(), 8);
    }
}
