//! A thread with its incidents: how it is now, and what is said of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::super::compose::{self, Subject};
use super::super::{Dossier, Log, Message, Mutes, Picture, Reason, Routing, Thread, Told, Why};
use crate::now::later;
use crate::{Book, Core, Incident, IncidentId, Key, Now};

/// A thread with its incidents.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) thread: Thread,
    pub(super) parts: BTreeMap<Key, Part>,
    /// How many are over and not known any more.
    pub(super) gone: usize,
    pub(super) turned: Option<Timestamp>,
    pub(super) looked: Option<Timestamp>,
    pub(super) due: Option<Timestamp>,
}

/// An incident in a thread.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) id: IncidentId,
    /// Since when it is open, by the steady clock.
    pub(super) since: Timestamp,
    pub(super) open: bool,
    pub(super) told: bool,
    /// Whether it was muted since it was told, or before it could be.
    pub(super) muted: bool,
    /// Whether nobody is to hear of it now.
    pub(super) quiet: bool,
    /// Whether it ended because nobody is left whom it concerns.
    pub(super) closed: bool,
    /// What it was about, where it comes and goes too fast to stay in the book.
    pub(super) last: Option<Box<Core>>,
    /// What a repair came to that nobody was told yet.
    pub(super) news: Option<Reason>,
}

impl Part {
    /// The incident, as long as the book knows it.
    pub(super) fn incident<'b>(&self, key: &Key, book: &'b Book) -> Option<&'b Incident> {
        book.get(key).filter(|incident| incident.core().id == self.id)
    }
}

impl Live {
    pub(super) fn new(thread: Thread) -> Self {
        Self {
            thread,
            parts: BTreeMap::new(),
            gone: 0,
            turned: None,
            looked: None,
            due: None,
        }
    }

    /// How it is now, and when the first of what mutes it ends.
    pub(super) fn picture(
        &mut self,
        book: &Book,
        mutes: &Mutes<'_>,
        routing: &Routing,
        now: Now,
    ) -> (Picture, Option<Timestamp>, Vec<Key>) {
        let mut picture = Picture {
            single: true,
            all_unmuted: true,
            ..Picture::default()
        };
        let mut mutes_end = None::<Timestamp>;
        let mut gone = Vec::new();
        for (key, part) in &mut self.parts {
            let incident = part.incident(key, book);
            let flapping = book.is_flapping(key);
            let open = incident.is_some_and(Incident::is_open);
            if part.open != open {
                part.open = open;
                self.turned = Some(now.steady);
            }
            if flapping && let Some(incident) = incident {
                part.last = Some(Box::new(incident.core().clone()));
            }
            part.quiet = false;
            if !open && !flapping {
                // It may be over before anybody was told: that it was repaired is told all the same.
                picture.news = picture.news.or(part.news);
                if !book.remembers(key) {
                    gone.push(key.clone());
                }
                continue;
            }
            picture.open += usize::from(open);
            picture.told += usize::from(open && part.told);
            let mute = incident.and_then(|incident| mutes.mute(incident, routing, now.wall));
            if let Some(mute) = mute {
                part.quiet = mute.why != Why::Acknowledged;
                part.muted |= match mute.why {
                    Why::Acknowledged => false,
                    Why::VantageHeld => !part.told,
                    Why::Silenced | Why::Maintenance | Why::Inhibited => true,
                };
                if let Some(until) = mute.until {
                    let wait = until.duration_since(now.wall).max(SignedDuration::ZERO);
                    let ends = later(now.steady, wait.unsigned_abs());
                    mutes_end = mutes_end.into_iter().chain([ends]).min();
                }
                continue;
            }
            picture.flapping |= flapping;
            let Some(core) = incident.map(Incident::core).or(part.last.as_deref()) else {
                continue;
            };
            picture.single &= &*core.key.scope == "tenant";
            picture.severity = picture.severity.max(core.severity);
            picture.causes.insert(core.key.cause.clone());
            picture.members += core.members.len().max(1);
            picture.news = picture.news.or(part.news);
            if open {
                picture.loud += 1;
                picture.unmuted |= part.muted;
                picture.all_unmuted &= part.muted;
                picture.since = Some(picture.since.map_or(part.since, |since| since.min(part.since)));
                picture.joined = Some(picture.joined.map_or(part.since, |joined| joined.max(part.since)));
            }
        }
        self.gone += gone.len();
        gone.iter().for_each(|key| drop(self.parts.remove(key)));
        picture.turned = self.turned;
        (picture, mutes_end, gone)
    }

    /// The incidents that a message tells of.
    pub(super) fn told<'l>(&'l self, book: &'l Book) -> compose::Told<'l> {
        let loud = self.parts.iter().filter(|(_, part)| !part.quiet);
        let subjects = loud.filter_map(|(key, part)| {
            let incident = part.incident(key, book);
            let core = incident.map(Incident::core).or(part.last.as_deref())?;
            Some(Subject { core, incident })
        });
        compose::Told {
            incidents: subjects.collect(),
            gone: self.gone,
        }
    }

    pub(super) fn message(&mut self, reason: Reason, book: &Book, dossier: &Dossier, now: Now) -> Message {
        if self.thread.subject.is_empty() {
            let mut cores = self
                .told(book)
                .incidents
                .iter()
                .map(|subject| subject.core)
                .collect::<Vec<_>>();
            cores.sort_by_key(|core| std::cmp::Reverse((core.severity, core.members.len())));
            self.thread.subject = compose::subject(dossier, &cores);
        }
        compose::compose(&self.thread, self.told(book), reason, dossier, now)
    }

    /// Says something, and remembers that it was said.
    pub(super) fn say(
        &mut self,
        reason: Reason,
        picture: &Picture,
        book: &Book,
        dossier: &Dossier,
        now: Now,
    ) -> Message {
        let message = self.message(reason, book, dossier, now);
        let before = self.thread.log.take();
        let mut causes = before.as_ref().map(|log| log.causes.clone()).unwrap_or_default();
        causes.extend(picture.causes.iter().cloned());
        let told = match reason {
            Reason::FlappingStarted => Told::Flapping,
            Reason::Repeat if before.as_ref().is_some_and(|log| log.told == Told::Flapping) => Told::Flapping,
            _ if picture.open == 0 => Told::Resolved,
            _ => Told::Firing,
        };
        for part in self.parts.values_mut().filter(|part| !part.quiet) {
            part.news = None;
            if !part.open {
                continue;
            }
            part.told = true;
            part.muted = false;
        }
        let open = self.parts.values().filter(|part| part.open && part.told).count();
        self.thread.log = Some(Log {
            sequence: message.sequence,
            at: now,
            told,
            severity: before.map_or(picture.severity, |log| log.severity.max(picture.severity)),
            causes,
            members: picture.members,
            open,
        });
        message
    }

    /// Another message was said of what was told already.
    pub(super) fn count(&mut self, now: Now) {
        if let Some(log) = &mut self.thread.log {
            log.sequence += 1;
            log.at = now;
        }
    }

    /// Whether nothing of it is to be told any more.
    pub(super) fn is_over(&self, book: &Book) -> bool {
        match &self.thread.log {
            // Nobody was told, and nobody has to be.
            None => !self.parts.values().any(|part| part.open) && !self.parts.keys().any(|key| book.is_flapping(key)),
            // What may come back does so in the same thread.
            Some(log) => {
                let mut parts = self.parts.iter();
                log.told == Told::Resolved && parts.all(|(key, part)| part.incident(key, book).is_none())
            }
        }
    }
}
