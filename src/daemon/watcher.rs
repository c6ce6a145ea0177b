//! What surrounds the dispatcher: it tells it what happened and carries out what it says, until somebody stops it. One
//! thread, one loop; everything that is under way is owned by the loop and ends with it.

mod answers;
mod drain;
mod reading;
mod reload;
mod repair;
mod status;
mod telling;

use std::collections::BTreeSet;
use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use roundsman_alerts::channel::Channel;
use roundsman_alerts::notification::{Delivery, Outcome, Routing, Status};
use roundsman_alerts::{IncidentId, Now, Silence};
use roundsman_checks::clock::Moment;
use roundsman_checks::diagnosis::Cause;
use roundsman_checks::fleet::ChainStore;
use roundsman_checks::gather::{Assignment, FleetWatch, ProbeSetup, Stop};
use roundsman_checks::target::{Tenant, TenantId};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::sync::watch::Sender;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::api::{Answer, Api, Question};
use super::clock::Clocks;
use super::export::{Due, Export};
use super::heartbeat::Heartbeat;
use super::log::{self, Line};
use super::numbers::{Known, Numbers};
use super::repairs::{self, Ran, Repairs, Run};
use super::systemd::Systemd;
use super::tellers::Tellers;
use super::unsaid::Unsaid;
use super::view::DeliveryView;
use super::web::Web;
use super::work::{self, Done, Traced, Work};
use crate::agent::{NoInventory, Setup, Snapshot, USER_AGENT};
use crate::config::{ConfigFiles, RemediationMode, SecretString};
use crate::remediation::Hands;
use crate::store::{Store, Write, keep_since};
use crate::telemetry::Format;
use crate::telemetry::otlp::{self, News};
use crate::watch::{Dispatcher, Effect, Event, Extent, Health, Reading, Remembered, Settings};
use status::status_line;

/// How often the pace of the loop is felt.
const PULSE: Duration = Duration::from_millis(100);
/// How often it is looked whether a file of the configuration changed.
const FILES_EVERY: Duration = Duration::from_secs(2);
/// How often what is old is forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3600);
/// How often the service manager hears that the loop turns.
const TURN: Duration = Duration::from_secs(1);
/// How many tenants are examined together because somebody asked for it, and how long each may take.
const PROBES: usize = 16;
const LONGEST_PROBE: Duration = Duration::from_secs(60);
/// How many chains are kept: those that were served last.
const CHAINS: NonZeroUsize = NonZeroUsize::new(4_096).expect("not zero");

/// Where a configuration comes from, read again whenever it changes; what is wrong with it is said as people read it.
pub type Load = Box<dyn Fn() -> Result<Loaded, String>>;

/// What a configuration comes to.
pub struct Loaded {
    /// The setup.
    pub setup: Setup,
    /// The channels, ready to send.
    pub channels: Vec<Arc<Channel>>,
    /// What whoever asks over HTTP has to show.
    pub token: Option<SecretString>,
    /// Who may change something, as far as there are tokens.
    pub hands: Hands,
    /// Where telemetry goes, where it goes anywhere, and what stands wrongly in the environment about that.
    pub export: (Option<otlp::Settings>, Vec<String>),
}

/// Where a daemon says what happens.
pub trait Voice {
    /// A line for each change.
    fn line(&mut self, line: &Line);
    /// How all is now, for whoever looks on.
    fn status(&mut self, status: &str);
}

/// A running daemon.
pub struct Watcher {
    setup: Arc<Setup>,
    probes: Arc<ProbeSetup>,
    load: Load,
    files: ConfigFiles,
    store: Store,
    dispatcher: Dispatcher,
    clocks: Clocks,
    assignment: Option<Arc<Assignment>>,
    look: Option<FleetWatch>,
    chains: Arc<ChainStore>,
    work: FuturesUnordered<Work>,
    pull: Sender<bool>,
    stop: Stop,
    voice: Box<dyn Voice>,
    silences: Vec<Silence>,
    unsaid: Unsaid,
    /// The number of the last commit.
    committed: u64,
    channels: Vec<Arc<Channel>>,
    tellers: Tellers,
    /// Who is examined because somebody asked for it.
    probing: BTreeSet<TenantId>,
    token: Sender<Option<SecretString>>,
    numbers: Numbers,
    export: Export,
    /// Where telemetry goes once the loop runs, and what is to be said of that.
    export_next: Option<(Option<otlp::Settings>, Vec<String>)>,
    heartbeat: Option<Heartbeat>,
    systemd: Systemd,
    hands: Arc<Hands>,
    repairs: Repairs,
    /// Whether the source that says who should exist answered in full.
    complete: bool,
}

impl Watcher {
    /// A daemon that goes on from what is remembered.
    #[must_use]
    pub fn new(loaded: Loaded, load: Load, store: Store, remembered: Remembered, voice: Box<dyn Voice>) -> Self {
        let clocks = Clocks::start();
        let Loaded {
            setup,
            channels,
            token,
            hands,
            export,
        } = loaded;
        let settings = settings(&setup, &channels);
        let (pull, stop) = Stop::new();
        Self {
            silences: remembered.silences.clone(),
            committed: 0,
            tellers: Tellers::default(),
            channels,
            dispatcher: Dispatcher::new(settings, remembered, clocks.now()),
            files: ConfigFiles::of(&setup.config),
            probes: Arc::new(setup.probes.clone()),
            setup: Arc::new(setup),
            load,
            store,
            clocks,
            assignment: None,
            look: None,
            chains: Arc::new(ChainStore::bounded(CHAINS)),
            work: FuturesUnordered::new(),
            pull,
            stop,
            voice,
            unsaid: Unsaid::default(),
            probing: BTreeSet::new(),
            token: Sender::new(token),
            numbers: Numbers::new(clocks.now().wall),
            export: Export::new(),
            export_next: Some(export),
            heartbeat: None,
            systemd: Systemd::default(),
            hands: Arc::new(hands),
            repairs: Repairs::default(),
            complete: false,
        }
    }

    /// Goes on until SIGTERM or SIGINT.
    ///
    /// # Errors
    /// Where the system gives no signals.
    pub async fn run(mut self) -> io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let mut pulse = interval(PULSE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut files, mut forget) = (interval(FILES_EVERY), interval(FORGET_EVERY));
        files.set_missed_tick_behavior(MissedTickBehavior::Delay);
        forget.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let database = store_path(&self.setup.config);
        let (mut api, asked, mut questions) = Api::listen(&database)?;
        let mut web = Web::listen(self.setup.config.web.listen, asked, self.token.subscribe(), database).await?;
        let listening = format!("listening on http://{}", web.address()?);
        self.take_up_export(self.clocks.now()).await;
        self.say(&log::info(self.clocks.now().wall, &listening));
        let heartbeat = &self.setup.config.heartbeat;
        self.heartbeat = Some(Heartbeat::new(heartbeat.url.clone(), USER_AGENT));
        let mut beats = FuturesUnordered::new();
        let (mut beat, mut turn) = (interval(heartbeat.every), interval(TURN));
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut progress = self.store.progress();
        self.hear(Event::Tick);
        loop {
            let now = self.clocks.now();
            self.take_up_export(now).await;
            let wait = self
                .dispatcher
                .wake_at()
                .map_or(Duration::from_secs(1), |at| until(now, at));
            tokio::select! {
                Some(done) = self.work.next() => self.done(done),
                () = sleep(wait) => self.hear(Event::Tick),
                due = pulse.tick() => self.dispatcher.pulse(self.clocks.now(), Moment::from(due.into_std()).elapsed()),
                _ = files.tick() => {
                    if self.files.changed() {
                        self.reload("a file changed");
                    }
                }
                Ok(()) = progress.changed() => {
                    let said = self.unsaid.said_by(&progress.borrow_and_update());
                    said.iter().for_each(|line| self.say(line));
                }
                _ = forget.tick() => {
                    let since = keep_since(now.wall, self.setup.config.store.retention);
                    self.store.write(Write::Forget(since));
                    self.silences.retain(|silence| silence.ends_at >= since);
                    self.hear(Event::Forget(since));
                    self.log_ledger(now.wall);
                }
                due = self.export.next() => self.export_what_is(due, now),
                () = api.serve() => {}
                () = web.serve() => {}
                _ = beat.tick() => {
                    let health = self.health(now);
                    beats.extend(self.heartbeat.as_mut().and_then(|heartbeat| heartbeat.beat(&health)));
                }
                Some(beaten) = beats.next() => {
                    if let Err(why) = beaten {
                        self.say(&log::warn(now.wall, &format!("the heartbeat was not heard: {why}")));
                    }
                }
                _ = turn.tick() => {
                    let health = self.health(now);
                    let open = self.dispatcher.incidents().filter(|incident| incident.is_open()).count();
                    let line = status_line(&self.dispatcher.fleet(), open, &health);
                    self.tell_state(now);
                    self.repair(now);
                    self.export.called(&self.setup.clients.calls);
                    self.systemd.turns(health.ready, &line);
                    self.voice.status(&line);
                }
                Some((question, answer)) = questions.recv() => self.reply(question, answer),
                _ = hangup.recv() => self.reload("SIGHUP"),
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
            }
        }
        self.systemd.stopping();
        self.drain().await;
        Ok(())
    }

    /// Tells the dispatcher, and carries out what it says.
    fn hear(&mut self, event: Event) {
        let effects = self.dispatcher.handle(self.clocks.now(), event);
        effects.into_iter().for_each(|effect| self.carry_out(effect));
    }

    fn carry_out(&mut self, effect: Effect) {
        let number = keep(&self.store, &effect);
        match effect {
            Effect::Read(extent) => {
                let known = self.assignment.as_ref().map(|assignment| assignment.snapshot.clone());
                let (setup, stop) = (Arc::clone(&self.setup), self.stop.clone());
                self.work.push(match (extent, known) {
                    (Extent::Inventory, Some(known)) => work::read_inventory(setup, known, stop),
                    (Extent::Changes, Some(known)) if known.platform.known().is_some() => {
                        work::read_changes(setup, known, stop)
                    }
                    _ => work::read(setup, stop),
                });
            }
            Effect::Look => match &self.assignment {
                Some(assignment) => {
                    let (probes, chains) = (Arc::clone(&self.probes), Arc::clone(&self.chains));
                    self.work
                        .push(work::look(probes, Arc::clone(assignment), self.look.clone(), chains));
                }
                None => self.hear(Event::Looked(None)),
            },
            Effect::Examine {
                ix,
                tenant,
                visit,
                wake,
            } => match &self.look {
                Some(look) => {
                    let (look, tracing) = (look.clone(), self.export.tracing());
                    self.work
                        .push(work::examine(&self.setup, look, ix, &tenant, (visit, wake), tracing));
                }
                None => self.hear(Event::NotExamined(ix)),
            },
            Effect::Deliver(delivery) => {
                let channel = self.channels.iter().find(|channel| channel.name == delivery.to.channel);
                let (progress, number) = (self.store.progress(), self.committed);
                let log = self.crashed_app(&delivery);
                self.work
                    .push(work::deliver(channel.cloned(), delivery, progress, number, log));
            }
            Effect::Commit(commit) => {
                self.committed = number;
                if !commit.transitions.is_empty() {
                    self.tellers.changed();
                }
                self.unsaid.wait_for(number, log::incidents(&commit));
                if self.store.trouble().is_some() {
                    let said = self.unsaid.said_by(&self.store.progress().borrow());
                    said.iter().for_each(|line| self.say(line));
                }
            }
            Effect::Record(record) => {
                if let Some(line) = log::tenant(&record) {
                    self.say(&line);
                }
            }
            Effect::Good(..) | Effect::Named(..) | Effect::Hour(..) | Effect::Gone(_) => {}
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Read(read, extent, doubtful, calls) => self.read(read, extent, doubtful, calls),
            Done::Looked(looked) => {
                let context = looked.ok().map(|look| Arc::clone(self.look.insert(look).context()));
                self.hear(Event::Looked(context));
            }
            Done::Delivered(delivery, outcome, took) => {
                let now = self.clocks.now().wall;
                self.export.delivered(&delivery, &outcome, now, took);
                self.numbers.delivered(&delivery.to.channel, &outcome);
                self.say(&log::delivery(now, &tried(delivery.clone(), &outcome)));
                self.hear(Event::Delivered(delivery.id, outcome));
            }
            Done::Told(channel, outcome) => self.told(&channel, &outcome),
            Done::Examined(ix, Some(examined), traced) => {
                let trace = traced.as_ref().and_then(|traced| traced.evidence.trace.as_ref());
                self.numbers.examined(&examined, trace.map(|trace| trace.trace_id));
                self.hear(Event::Examined(ix, examined));
                self.trace(traced);
                let ended = self.dispatcher.take_rounds();
                if !ended.is_empty() {
                    self.numbers.rounds(&ended);
                    self.export.rounds(&ended, &self.dispatcher.fleet());
                }
            }
            Done::Examined(ix, None, _) => self.hear(Event::NotExamined(ix)),
            Done::Probed(tenant, traced) => {
                self.probing.remove(&tenant);
                self.trace(traced);
            }
            Done::Kept => {}
            Done::Repaired(ran) => self.repaired(*ran),
        }
    }

    /// Whose log belongs into a message: that of the app that crashed, where one alone did.
    fn crashed_app(&self, delivery: &Delivery) -> Option<(Arc<ProbeSetup>, String)> {
        let message = &delivery.message;
        let crashed = message.cause == Cause::AppCrashed.as_str() && message.status == Status::Firing;
        let tenant = message
            .tenants
            .first()
            .filter(|_| crashed && message.tenants_total == 1)?;
        let app = self.dispatcher.tenant(&TenantId::new(tenant), self.clocks.now())?.app?;
        Some((Arc::clone(&self.probes), app))
    }

    /// Tells the Alertmanagers how things are, when it is time or something changed.
    fn tell_state(&mut self, now: Now) {
        let channels = self.channels.iter().filter(|channel| channel.is_told_state());
        let due = channels
            .filter(|channel| self.tellers.begin(&channel.name, now))
            .cloned();
        let due = due.collect::<Vec<_>>();
        for channel in due {
            let alerts = self.dispatcher.alerts(now);
            self.work.push(work::tell(channel, alerts));
        }
    }

    fn told(&mut self, channel: &Arc<str>, outcome: &Outcome) {
        let now = self.clocks.now();
        if let Some(news) = self.tellers.end(channel, outcome, now) {
            let line = match outcome {
                Outcome::Delivered(_) => log::info,
                Outcome::Failed(_) => log::warn,
            };
            self.say(&line(now.wall, &news));
        }
    }

    /// How the agent does its job, the store included.
    fn health(&mut self, now: Now) -> Health {
        let mut health = self.dispatcher.health(now);
        if let Some(trouble) = self.store.trouble() {
            health.ready = false;
            health.waiting_for.push(format!("the store: {trouble}"));
        }
        let patience = Routing::default().stuck_after;
        health.alerting = health.alerting.or_else(|| self.tellers.stuck(patience, now));
        health
    }
}

/// What a setup and its channels ask of a dispatcher.
fn settings(setup: &Setup, channels: &[Arc<Channel>]) -> Settings {
    let receivers = channels.iter().map(|channel| channel.receiver()).collect();
    Settings::of(
        &setup.config,
        setup.probes.concurrency,
        receivers,
        &setup.probes.vantage,
    )
}

/// A delivery as it is after an attempt, for the log.
fn tried(delivery: Delivery, outcome: &Outcome) -> Delivery {
    let (error, dead) = match outcome {
        Outcome::Delivered(_) => (None, false),
        Outcome::Failed(failure) => (Some(failure.why.clone()), failure.permanent),
    };
    Delivery {
        error,
        dead,
        ..delivery
    }
}

/// Has the store remember what is to be kept; the number of what is urgent.
fn keep(store: &Store, effect: &Effect) -> u64 {
    match effect {
        Effect::Commit(commit) => store.write(Write::Commit(Box::new(commit.clone()))),
        Effect::Record(record) => store.write(Write::Record(record.clone())),
        Effect::Good(tenant, seen) => store.write(Write::Good(tenant.clone(), Arc::clone(seen))),
        Effect::Named(tenant, by_hand) => store.write(Write::Named(Arc::clone(tenant), *by_hand)),
        Effect::Hour(tenant, hour) => store.write(Write::Hour(tenant.clone(), *hour)),
        Effect::Gone(tenant) => store.write(Write::Gone(tenant.clone())),
        Effect::Read(_) | Effect::Look | Effect::Examine { .. } | Effect::Deliver(_) => 0,
    }
}

/// Where the database is. A path that the configuration names starts at its folder already, and so does the usual name.
#[must_use]
pub fn store_path(config: &crate::config::Config) -> PathBuf {
    let (path, usual) = (&config.store.path, crate::config::Store::default().path);
    let folder = config.path.as_deref().and_then(std::path::Path::parent);
    match folder {
        Some(folder) if *path == usual => folder.join(path),
        _ => path.clone(),
    }
}

fn until(now: Now, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now.steady)).unwrap_or_default()
}
