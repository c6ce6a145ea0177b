//! Which incidents are told together, how each such thread is, and when the next word about it is due.

mod live;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;

use self::live::{Live, Part};
use super::{Decision, Dossier, Log, Message, Mutes, Reason, Routing, Thread, ThreadId, Told, decide};
use crate::now::later;
use crate::{Book, Change, Key, Now, RepairState, Transition};

/// How often a thread is looked at, at most: many of its incidents may change at once.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);
/// How often one of which something is open is looked at, at least: windows and silences begin and end meanwhile.
const AT_LEAST_EVERY: Duration = Duration::from_secs(60);
/// The label that names the channel which an incident is about: it is not told there.
const CHANNEL: &str = "channel";

/// All threads.
#[derive(Clone, Debug, Default)]
pub(super) struct Notifier {
    threads: BTreeMap<ThreadId, Live>,
    /// In which thread an incident is told.
    of: HashMap<Key, ThreadId>,
    /// The latest thread of what has this in common.
    by_common: HashMap<Vec<(String, String)>, ThreadId>,
    agenda: BTreeSet<(Timestamp, ThreadId)>,
    touched: BTreeSet<ThreadId>,
}

/// Something that is to be said, and where.
pub(super) struct Saying {
    pub message: Message,
    pub thread: Thread,
    /// Whether nobody was told of the thread yet.
    pub opens: bool,
    /// Whether it is only for services that keep a state of their own.
    pub only_state: bool,
}

impl Notifier {
    pub(super) fn restored(threads: impl IntoIterator<Item = Thread>, book: &Book, now: Now) -> Self {
        let mut notifier = Self::default();
        for mut thread in threads {
            if let Some(log) = &mut thread.log {
                log.at.steady = log.at.steady.min(now.steady);
            }
            let id = thread.id.clone();
            if goes_on(&thread) {
                notifier.by_common.insert(thread.common.clone(), id.clone());
            }
            notifier.threads.insert(id.clone(), Live::new(thread));
            notifier.look_at(&id, now.steady);
        }
        for incident in book.iter() {
            let Some(id) = &incident.core().thread else { continue };
            let Some(live) = notifier.threads.get_mut(id) else {
                continue;
            };
            let opened = incident.opened();
            let told = |log: &Log| opened.is_some_and(|opened| opened.wall <= log.at.wall);
            let part = Part {
                id: incident.core().id.clone(),
                since: opened.map_or(now.steady, |opened| opened.steady.min(now.steady)),
                open: incident.is_open(),
                told: live.thread.log.as_ref().is_some_and(told),
                muted: false,
                quiet: false,
                closed: false,
                last: None,
                news: None,
            };
            notifier.of.insert(incident.core().key.clone(), id.clone());
            live.parts.insert(incident.core().key.clone(), part);
        }
        // What ended while nobody looked is told as over; what never was told has nothing to say.
        notifier
    }

    /// Hears what happened to incidents.
    pub(super) fn hear(&mut self, done: &[Transition], book: &mut Book, routing: &Routing, now: Now) {
        for transition in done {
            if matches!(
                transition.change,
                Change::Opened | Change::Reopened | Change::FlappingBegan
            ) {
                self.take_up(&transition.key, book, routing, now);
            }
            match &transition.change {
                Change::Closed => self.close(&transition.key),
                Change::Repair { state, .. } => self.take_news(&transition.key, *state),
                _ => {}
            }
            if let Some(id) = self.of.get(&transition.key).cloned() {
                self.look_soon(&id, now);
            }
        }
    }

    /// What a repair came to is told soon; what is only planned is told with the rest.
    fn take_news(&mut self, key: &Key, state: RepairState) {
        let live = self.of.get(key).and_then(|id| self.threads.get_mut(id));
        if let Some(part) = live.and_then(|live| live.parts.get_mut(key)) {
            part.news = match state {
                RepairState::Planned => None,
                RepairState::Done => Some(Reason::Repaired),
                RepairState::Failed => Some(Reason::RepairFailed),
                RepairState::Held => Some(Reason::RepairHeld),
            };
        }
    }

    fn close(&mut self, key: &Key) {
        let live = self.of.get(key).and_then(|id| self.threads.get_mut(id));
        if let Some(part) = live.and_then(|live| live.parts.get_mut(key)) {
            part.closed = true;
        }
    }

    /// An incident is to be told: in the thread that it had, or in that of what it has something in common with.
    fn take_up(&mut self, key: &Key, book: &mut Book, routing: &Routing, now: Now) {
        let Some(incident) = book.get(key) else { return };
        let core = incident.core();
        let own = core.thread.clone().filter(|id| self.threads.contains_key(id));
        let own = own.or_else(|| self.of.get(key).filter(|id| self.goes_on(id)).cloned());
        let id = match own {
            Some(id) => id,
            None => {
                let mut place = routing.place(core);
                if let Some(channel) = core.account.labels.get(CHANNEL) {
                    place.channels.retain(|name| **name != **channel);
                    place.fallback.retain(|name| **name != **channel);
                }
                if place.channels.is_empty() {
                    return;
                }
                let same = self.by_common.get(&place.common).filter(|id| self.goes_on(id));
                match same {
                    Some(id) => id.clone(),
                    None => {
                        let id = ThreadId::of(&core.id, now.wall);
                        let thread = Thread {
                            id: id.clone(),
                            common: place.common,
                            subject: String::new(),
                            channels: place.channels,
                            fallback: place.fallback,
                            log: None,
                        };
                        self.by_common.insert(thread.common.clone(), id.clone());
                        self.threads.insert(id.clone(), Live::new(thread));
                        self.touched.insert(id.clone());
                        id
                    }
                }
            }
        };
        let Some(live) = self.threads.get_mut(&id) else { return };
        let fresh = Part {
            id: core.id.clone(),
            since: now.steady,
            open: incident.is_open(),
            told: false,
            muted: false,
            quiet: false,
            closed: false,
            last: None,
            news: None,
        };
        let part = live.parts.entry(key.clone()).or_insert_with(|| fresh.clone());
        if !part.open || part.id != fresh.id {
            // Who was told of it before is told how it goes on.
            *part = Part {
                told: part.told,
                ..fresh
            };
            live.turned = Some(now.steady);
        }
        self.of.insert(key.clone(), id.clone());
        book.tell_in(key, &id);
    }

    /// Everything that is open is looked at again soon: silences changed, or who is told.
    pub(super) fn look_at_all(&mut self, now: Now) {
        let all = self.threads.keys().cloned().collect::<Vec<_>>();
        all.iter().for_each(|id| self.look_soon(id, now));
    }

    fn look_soon(&mut self, id: &ThreadId, now: Now) {
        let looked = self.threads.get(id).and_then(|live| live.looked);
        let at = looked.map_or(now.steady, |looked| later(looked, AT_MOST_EVERY).max(now.steady));
        self.look_at(id, at);
    }

    /// Looks at a thread at a moment, or before it where that is planned already.
    fn look_at(&mut self, id: &ThreadId, at: Timestamp) {
        let Some(live) = self.threads.get_mut(id) else { return };
        if let Some(due) = live.due {
            if due <= at {
                return;
            }
            self.agenda.remove(&(due, id.clone()));
        }
        live.due = Some(at);
        self.agenda.insert((at, id.clone()));
    }

    /// When something may be to be said next, by the steady clock.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        self.agenda.first().map(|(at, _)| *at)
    }

    /// What is to be said now.
    pub(super) fn tick(
        &mut self,
        book: &Book,
        mutes: &Mutes<'_>,
        routing: &Routing,
        dossier: &Dossier,
        now: Now,
    ) -> Vec<Saying> {
        let mut sayings = Vec::new();
        while let Some((at, id)) = self.agenda.first().cloned() {
            if at > now.steady {
                break;
            }
            self.agenda.remove(&(at, id.clone()));
            let Some(live) = self.threads.get_mut(&id) else {
                continue;
            };
            (live.due, live.looked) = (None, Some(now.steady));
            let (picture, mutes_end, gone) = live.picture(book, mutes, routing, now);
            let mut next = mutes_end;
            match decide(live.thread.log.as_ref(), &picture, routing, now) {
                Decision::Say(reason) => {
                    let opens = live.thread.log.is_none();
                    let message = live.say(reason, &picture, book, dossier, now);
                    self.touched.insert(id.clone());
                    sayings.push(Saying {
                        message,
                        thread: live.thread.clone(),
                        opens,
                        // Who is gone did not recover.
                        only_state: reason == Reason::Resolved && live.parts.values().all(|part| part.closed),
                    });
                    next = Some(later(now.steady, AT_MOST_EVERY));
                }
                Decision::Wait(until) => next = next.into_iter().chain([until]).min(),
                Decision::Nothing => {}
            }
            let over = live.is_over(book);
            for key in gone
                .iter()
                .filter(|key| self.of.get(*key) == Some(&id))
                .cloned()
                .collect::<Vec<_>>()
            {
                self.of.remove(&key);
            }
            if over {
                self.forget(&id);
                continue;
            }
            let at_least = later(now.steady, AT_LEAST_EVERY);
            self.look_at(&id, next.map_or(at_least, |next| next.min(at_least)));
        }
        sayings
    }

    /// What is to be said now of a thread by another way than before: its fallback channels join it.
    pub(super) fn escalate(&mut self, id: &ThreadId, book: &Book, dossier: &Dossier, now: Now) -> Option<Saying> {
        let live = self.threads.get_mut(id)?;
        let fallback = std::mem::take(&mut live.thread.fallback);
        let told = live.thread.log.as_ref().map(|log| log.told)?;
        if fallback.is_empty() || told == Told::Resolved {
            return None;
        }
        live.thread.channels.extend(fallback.iter().cloned());
        let message = live.message(Reason::First, book, dossier, now);
        live.count(now);
        self.touched.insert(id.clone());
        Some(Saying {
            message,
            thread: Thread {
                channels: fallback,
                ..live.thread.clone()
            },
            opens: true,
            only_state: false,
        })
    }

    /// That somebody looks after an incident, for services that keep a state of their own.
    pub(super) fn acknowledged(&mut self, key: &Key, book: &Book, dossier: &Dossier, now: Now) -> Option<Saying> {
        let live = self.threads.get_mut(self.of.get(key)?)?;
        live.thread.log.as_ref()?;
        let all = live
            .parts
            .keys()
            .filter_map(|key| book.get(key))
            .filter(|incident| incident.is_open());
        if all.clone().any(|incident| incident.core().acknowledged.is_none()) {
            return None;
        }
        let message = live.message(Reason::Acknowledged, book, dossier, now);
        live.count(now);
        self.touched.insert(live.thread.id.clone());
        Some(Saying {
            message,
            thread: live.thread.clone(),
            opens: false,
            only_state: true,
        })
    }

    fn forget(&mut self, id: &ThreadId) {
        if let Some(live) = self.threads.remove(id) {
            self.of
                .retain(|key, thread| thread != id || !live.parts.contains_key(key));
            if let Some(due) = live.due {
                self.agenda.remove(&(due, id.clone()));
            }
            if self.by_common.get(&live.thread.common) == Some(id) {
                self.by_common.remove(&live.thread.common);
            }
            self.touched.insert(id.clone());
        }
    }

    /// The threads that changed since this was asked last, and those that are gone.
    pub(super) fn take_changes(&mut self) -> (Vec<Thread>, Vec<ThreadId>) {
        let (mut changed, mut gone) = (Vec::new(), Vec::new());
        for id in std::mem::take(&mut self.touched) {
            match self.threads.get(&id) {
                Some(live) => changed.push(live.thread.clone()),
                None => gone.push(id),
            }
        }
        (changed, gone)
    }

    /// Whether anything of a thread goes on.
    pub(super) fn goes_on(&self, id: &ThreadId) -> bool {
        self.threads.get(id).is_some_and(|live| goes_on(&live.thread))
    }
}

/// Whether nobody was told that all of a thread is over.
fn goes_on(thread: &Thread) -> bool {
    thread.log.as_ref().is_none_or(|log| log.told != Told::Resolved)
}
