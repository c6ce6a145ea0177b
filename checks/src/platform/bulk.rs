//! What one bulk read may cost: calls, and room for what it keeps. An API that is led astray, or leads astray, spends no
//! more of either, and what was left out counts as missing.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;

use super::http::{Answer, Api, Path};
use crate::evidence::{Fault, Reason};

/// The calls of every bulk read: the first pages, halved where they are refused, and asked for again.
const FREE_CALLS: usize = 10;
/// Calls more for each so many apps.
const CALLS_PER_PAGE: usize = 2;
const APPS_PER_PAGE: usize = 50;
/// The longest answer that is read between two looks at everything else, in bytes.
const READ_AT_ONCE: usize = 256 * 1024;

/// What is left for one bulk read, whichever of a platform's APIs it asks.
#[derive(Debug)]
pub(super) struct Allowance {
    /// The calls that it has whatever is listed.
    free: usize,
    /// Room for what is kept, in bytes.
    room: usize,
    made: AtomicUsize,
    apps: AtomicUsize,
    /// Pages that brought all that was asked for: each is worth its call.
    full: AtomicUsize,
    kept: AtomicUsize,
}

impl Allowance {
    /// An allowance with room for so many bytes.
    pub(super) fn with_room(room: usize) -> Self {
        Self::of(FREE_CALLS, room)
    }

    /// An allowance of so many calls whatever is listed, with room for so many bytes.
    pub(super) fn of(calls: usize, room: usize) -> Self {
        Self {
            free: calls,
            room,
            made: AtomicUsize::new(0),
            apps: AtomicUsize::new(0),
            full: AtomicUsize::new(0),
            kept: AtomicUsize::new(0),
        }
    }

    /// Takes one call from it.
    ///
    /// # Errors
    /// That nothing which was listed justifies so many.
    pub(super) fn call(&self) -> Result<(), Fault> {
        let apps = self.apps.load(Ordering::Relaxed);
        let most = self.free + CALLS_PER_PAGE * apps.div_ceil(APPS_PER_PAGE) + self.full.load(Ordering::Relaxed);
        if self.made.fetch_add(1, Ordering::Relaxed) < most {
            return Ok(());
        }
        let detail = format!("after {most} calls there was still more to ask for: {apps} apps do not need so many");
        Err(Fault::new(Reason::PlatformMalformed, detail))
    }

    /// Tells how many apps are known.
    pub(super) fn know(&self, apps: usize) {
        self.apps.fetch_max(apps, Ordering::Relaxed);
    }

    /// Takes room for what a page brought: `entries` of the `asked` that it may have.
    ///
    /// # Errors
    /// That there is no more room.
    pub(super) fn keep(&self, entries: usize, asked: usize, bytes: usize) -> Result<(), Fault> {
        if entries >= asked {
            self.full.fetch_add(1, Ordering::Relaxed);
        }
        if self.kept.fetch_add(bytes, Ordering::Relaxed) + bytes <= self.room {
            return Ok(());
        }
        let detail = format!("what it lists takes more than {} MiB", self.room >> 20);
        Err(Fault::new(Reason::PlatformMalformed, detail))
    }
}

/// One API, asked as a part of a bulk read.
#[derive(Clone, Copy)]
pub(super) struct Bulk<'b> {
    api: &'b Api,
    pub allowance: &'b Allowance,
}

impl<'b> Bulk<'b> {
    pub(super) fn new(api: &'b Api, allowance: &'b Allowance) -> Self {
        Self { api, allowance }
    }

    /// As [`Api::ask`].
    pub(super) async fn ask(
        &self,
        operation: &str,
        path: &Path<'_>,
        body: Option<&serde_json::Value>,
    ) -> Result<Answer, Fault> {
        self.api.ask_within(Some(self.allowance), operation, path, body).await
    }
}

/// About how much room an entry takes: itself, and the text in it with the names of its fields for what hangs on it.
pub(super) fn weight<T: Serialize>(entry: &T) -> usize {
    struct Length(usize);
    impl std::io::Write for Length {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut length = Length(size_of::<T>());
    // Counting does not fail, and evidence always serialises.
    let _ = serde_json::to_writer(&mut length, entry);
    length.0
}

/// Reads an answer of so many bytes; a long one in another thread, so that signals and timers are heard meanwhile.
///
/// # Errors
/// What `read` says.
pub(super) async fn aside<T: Send + 'static>(
    bytes: usize,
    read: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    if bytes <= READ_AT_ONCE {
        return read();
    }
    match tokio::task::spawn_blocking(read).await {
        Ok(read) => read,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => {
                let detail = "the answer was not read to its end: the program ends";
                Err(Fault::new(Reason::PlatformUnavailable, detail))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn calls(allowance: &Allowance) -> usize {
        (0..10_000).take_while(|_| allowance.call().is_ok()).count()
    }

    #[test]
    fn calls_are_for_apps_and_for_full_pages() {
        assert_eq!(calls(&Allowance::with_room(3 << 20)), 10);
        let some = Allowance::with_room(3 << 20);
        some.know(51);
        some.know(12);
        assert_eq!(calls(&some), 14);
        let full = Allowance::with_room(3 << 20);
        for entries in [99, 100, 0, 250] {
            full.keep(entries, 100, 0).unwrap();
        }
        assert_eq!(calls(&full), 12);
        assert_eq!(full.call().unwrap_err().reason, Reason::PlatformMalformed);
    }

    #[test]
    fn an_answer_about_one_app_has_no_more_calls_than_it_is_given() {
        assert_eq!(calls(&Allowance::of(2, 3 << 20)), 2);
    }

    #[test]
    fn room_is_limited() {
        let allowance = Allowance::with_room(3 << 20);
        allowance.keep(1, 100, 3 << 20).unwrap();
        let fault = allowance.keep(1, 100, 1).unwrap_err();
        assert_eq!(
            (fault.reason, fault.detail.as_str()),
            (Reason::PlatformMalformed, "what it lists takes more than 3 MiB")
        );
    }

    #[test]
    fn an_entry_weighs_itself_and_its_text() {
        assert_eq!(weight(&"four".to_owned()), size_of::<String>() + 6);
    }
}
