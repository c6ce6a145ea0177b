//! The tasks that bring what waits to the collectors, one for each signal. They end with the exporter.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use roundsman_checks::clock::Moment;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::queue::Queue;
use super::retry::wait;
use super::send::{Outcome, Sender};
use super::settings::Settings;
use super::{Batch, Dropped, Points, Signal, Why};

/// How long what is left may take at the end.
pub const FLUSH_WITHIN: Duration = Duration::from_secs(5);
/// How long a first span or point waits for others that go with it.
const GATHER: Duration = Duration::from_secs(1);
/// How long one request is tried again and again.
const PATIENCE: Duration = Duration::from_secs(300);
/// Most lines that wait to be read; a collector that changes its mind that often is not worth more.
const MOST_NEWS: usize = 16;

/// Something to say about the way to a collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// Whether it works again; otherwise something is wrong with it.
    pub good: bool,
    /// What there is to say.
    pub text: String,
}

/// What was not delivered when the exporter ended, of each signal.
pub type Undelivered = BTreeMap<Signal, u64>;

/// Sends telemetry, as long as it lives.
#[derive(Debug)]
pub struct Exporter {
    settings: Settings,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Something came for a signal, or the end did.
    came: [Notify; Signal::ALL.len()],
    /// There may be room again.
    room: Notify,
    /// Whether nothing more comes: what waits goes at once.
    ending: watch::Sender<bool>,
    news: Mutex<Vec<News>>,
    has_news: Notify,
    /// What was delivered, for whoever wants to know whether anything was.
    delivered: AtomicBool,
}

impl Exporter {
    /// Begins, with what was lost before. It is called within a runtime.
    #[must_use]
    pub fn start(settings: Settings, dropped: Dropped) -> Self {
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue::counting_from(dropped)),
            ..Shared::default()
        });
        let mut tasks = JoinSet::new();
        for signal in Signal::ALL {
            if let Some(endpoint) = settings.endpoint(signal) {
                let sender = Arc::new(Sender::new(signal, endpoint.clone()));
                tasks.spawn(serve(Arc::clone(&shared), signal, sender));
            }
        }
        Self {
            settings,
            shared,
            tasks,
        }
    }

    /// How it was set up.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Who tells and how often from now on; the way stays.
    pub fn tells(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Has spans sent. Where there is no room for them they are lost, and counted.
    pub fn spans(&self, spans: Vec<Span>) {
        if self.settings.endpoint(Signal::Traces).is_some() && !spans.is_empty() {
            self.push(Signal::Traces, Batch::spans(&self.settings.resource, spans));
        }
    }

    /// Has something sent that was said.
    pub fn log(&self, record: LogRecord) {
        if self.settings.endpoint(Signal::Logs).is_some() {
            self.push(Signal::Logs, Batch::logs(&self.settings.resource, vec![record]));
        }
    }

    /// Has points sent.
    pub fn points(&self, points: Points) {
        if self.settings.endpoint(Signal::Metrics).is_some() {
            self.push(Signal::Metrics, points.batch(&self.settings.resource));
        }
    }

    fn push(&self, signal: Signal, batch: Batch) {
        self.shared.lock().push(signal, batch);
        self.shared.came[signal.index()].notify_one();
    }

    /// These were never made, for there was no room for them.
    pub fn lose(&self, signal: Signal, count: u64) {
        self.shared.lock().lose(signal, Why::QueueFull, count);
    }

    /// Waits until there is room for more of a signal. One at a time waits.
    pub async fn room(&self, signal: Signal) {
        loop {
            let room = self.shared.room.notified();
            if self.shared.lock().has_room(signal) {
                return;
            }
            room.await;
        }
    }

    /// What was lost so far.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        self.shared.lock().dropped().clone()
    }

    /// Whether anything was delivered.
    #[must_use]
    pub fn has_delivered(&self) -> bool {
        self.shared.delivered.load(Ordering::Relaxed)
    }

    /// Waits until there is something to say about the way: that it does not work, or works again.
    pub async fn news(&self) -> Vec<News> {
        loop {
            let news = self.take_news();
            if !news.is_empty() {
                return news;
            }
            self.shared.has_news.notified().await;
        }
    }

    /// What there is to say, and was not said yet.
    #[must_use]
    pub fn take_news(&self) -> Vec<News> {
        std::mem::take(&mut *self.shared.news.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends what waits as long as there is time, and ends. What was lost, and what of it at the end.
    pub async fn stop(&mut self, within: Duration) -> Undelivered {
        self.shared.ending.send_replace(true);
        self.shared.came.iter().for_each(Notify::notify_one);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // What is late is counted below.
        let _ = timeout(within, all).await;
        self.tasks.abort_all();
        self.shared.lock().abandon()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_ending(&self) -> bool {
        *self.ending.borrow()
    }

    /// Waits for the end.
    async fn ends(&self) {
        // The sender is here, so it is not gone.
        let _ = self.ending.subscribe().wait_for(|ending| *ending).await;
    }

    fn tell(&self, good: bool, text: String) {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        if news.len() < MOST_NEWS {
            news.push(News { good, text });
        }
        self.has_news.notify_one();
    }

    /// Waits for something to send, and a little for what goes with it; nothing comes where the end did.
    async fn next(&self, signal: Signal) -> Option<Batch> {
        let came = &self.came[signal.index()];
        loop {
            if !self.lock().is_empty(signal) {
                break;
            }
            if self.is_ending() {
                return None;
            }
            came.notified().await;
        }
        let enough = async {
            while !self.is_ending() && !self.lock().is_full_request(signal) {
                came.notified().await;
            }
        };
        // It goes when it is full, at the end, or after a while.
        let _ = timeout(GATHER, enough).await;
        self.lock().take(signal)
    }

    fn sent(&self, signal: Signal, lost: Option<(Why, u64)>) {
        self.lock().sent(signal, lost);
        self.room.notify_one();
    }
}

/// How the way to a collector is, as it was told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Fine,
    Doubtful,
    Shut,
}

/// Sends what comes until the end.
async fn serve(shared: Arc<Shared>, signal: Signal, sender: Arc<Sender>) {
    let mut way = Way::Fine;
    while let Some(batch) = shared.next(signal).await {
        deliver(&shared, signal, &sender, batch, &mut way).await;
    }
}

async fn deliver(shared: &Shared, signal: Signal, sender: &Arc<Sender>, batch: Batch, way: &mut Way) {
    let (name, to, count) = (signal.as_str(), sender.endpoint().shown(), batch.count);
    let packer = Arc::clone(sender);
    // Packing takes some milliseconds, which the checks of this thread do not wait for.
    let Ok(body) = tokio::task::spawn_blocking(move || packer.body(batch.bytes)).await else {
        return shared.sent(signal, Some((Why::Stopped, count)));
    };
    let began = Moment::now();
    let mut failures = 0;
    loop {
        match sender.attempt(body.clone()).await {
            Outcome::Taken(said) => {
                shared.delivered.store(true, Ordering::Relaxed);
                let now = match said.message.is_empty() && said.rejected == 0 {
                    true => Way::Fine,
                    false => Way::Doubtful,
                };
                match (*way, now) {
                    (Way::Shut, _) => shared.tell(true, format!("{name} are delivered to {to} again")),
                    (Way::Fine, Way::Doubtful) => {
                        let lost = said.rejected.min(count);
                        let things = signal.things();
                        shared.tell(
                            false,
                            format!("{to} rejected {lost} of {count} {things}: {}", said.message),
                        );
                    }
                    _ => {}
                }
                *way = now;
                let lost = Some((Why::Rejected, said.rejected)).filter(|(_, lost)| *lost > 0);
                return shared.sent(signal, lost);
            }
            Outcome::Refused(why) => {
                if *way != Way::Shut {
                    shared.tell(false, format!("{name} are refused by {to}, they are lost: {why}"));
                }
                *way = Way::Shut;
                return shared.sent(signal, Some((Why::Refused, count)));
            }
            Outcome::Again { why, after } => {
                if *way != Way::Shut {
                    shared.tell(
                        false,
                        format!("{name} can't be delivered to {to}, they are tried again: {why}"),
                    );
                }
                *way = Way::Shut;
                if began.elapsed() > PATIENCE {
                    return shared.sent(signal, Some((Why::Expired, count)));
                }
                failures += 1;
                let pause = wait(failures, after, fastrand::f64());
                // At the end it is tried once more at once, unless the collector asks for something else.
                let is_free = after.is_none() && !shared.is_ending();
                tokio::select! {
                    () = sleep(pause) => {}
                    () = shared.ends(), if is_free => {}
                }
            }
        }
    }
}
