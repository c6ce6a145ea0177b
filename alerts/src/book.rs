//! The book of incidents: at most one for each key that is not over. Everything that happens to them happens here, by what
//! is heard and by time; what happened comes out as data.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::incident::{Acknowledgement, Incident, Next, Pending};
use super::notification::ThreadId;
use super::{Change, IncidentId, Key, Now, Policy, Repair, Ring, Signal, Transition, Verdict};

/// The scope of what is wrong with the agent itself.
const AGENT: &str = "agent";

/// There is no open incident of that name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no open incident `{0}`")]
pub struct Unknown(pub String);

/// All incidents that are not over, and those that may be reopened.
#[derive(Clone, Debug, Default)]
pub struct Book {
    incidents: BTreeMap<Key, Kept>,
    /// When time alone changes one of them.
    timers: BTreeSet<(Timestamp, Key)>,
    /// How the looks at each key went, until they were calm for long.
    looks: HashMap<Key, Looks>,
    /// Of which keys something was forgotten without a word.
    forgotten: BTreeSet<Key>,
    /// Since when nothing can be seen but the agent itself.
    frozen: Option<Timestamp>,
    /// The number of the next incident.
    number: u64,
}

/// How the looks at a key went, by which incident that is told, and who was looked at last while it failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looks {
    ring: Ring,
    id: IncidentId,
    witness: Arc<str>,
}

/// An incident, and the timer that stands for it.
#[derive(Clone, Debug)]
struct Kept {
    incident: Incident,
    due: Option<Timestamp>,
}

impl Looks {
    /// Who was looked at last while it failed.
    #[must_use]
    pub fn witness(&self) -> &str {
        &self.witness
    }
}

impl Book {
    /// A book that goes on where another one was: with these incidents, and this number for the next new one. What has to
    /// pass for a while begins anew, and nothing opens or resolves before one more look: nobody looked meanwhile.
    #[must_use]
    pub fn restored(incidents: impl IntoIterator<Item = Incident>, number: u64, policy: &Policy, now: Now) -> Self {
        let mut book = Self {
            number,
            ..Self::default()
        };
        for mut incident in incidents {
            incident.resume(policy, now);
            let key = incident.core().key.clone();
            book.put(key, incident, policy);
        }
        book
    }

    /// The same book, which remembers how looks went: what came and went still does.
    #[must_use]
    pub fn with_looks(mut self, looks: impl IntoIterator<Item = (Key, Looks)>) -> Self {
        self.looks.extend(looks);
        self
    }

    /// Hears of one look. What time alone should have changed before it has changed first.
    pub fn observe(&mut self, signal: &Signal, policy: &Policy, now: Now) -> Vec<Transition> {
        if self.is_held(&signal.key) || signal.verdict == Verdict::Unknown {
            return Vec::new();
        }
        let fails = signal.verdict == Verdict::Firing;
        let mut all = self.elapse(&signal.key, policy, now);
        let before = self.take(&signal.key);
        let changed = match &before {
            None => fails && self.looks.contains_key(&signal.key),
            Some(incident) => incident.is_changed_by(signal),
        };
        let mut changes = Vec::new();
        let heard = match (before, fails) {
            (None, false) => {
                all.extend(self.count_calm(signal, now));
                return all;
            }
            (None, true) => {
                changes.push(Change::Began);
                self.number += 1;
                Incident::Pending(Pending::begin(IncidentId::of(self.number), signal, now))
            }
            (Some(Incident::Resolved(resolved)), true) => {
                changes.push(Change::Began);
                Incident::Pending(resolved.reopen(signal, now))
            }
            // What is over stays over while it passes.
            (Some(resolved @ Incident::Resolved(_)), false) => resolved,
            (Some(mut incident), _) => {
                changes.extend(hear(&mut incident, signal, now));
                incident
            }
        };
        changes.extend(self.count(signal, &heard.core().id, changed));
        all.extend(self.settle(heard, changes, policy, now));
        all
    }

    /// Counts a look for whether it comes and goes: whether that began or ended by it.
    fn count(&mut self, signal: &Signal, id: &IncidentId, changed: bool) -> Option<Change> {
        let looks = self.looks.entry(signal.key.clone()).or_insert_with(|| Looks {
            ring: Ring::default(),
            id: id.clone(),
            witness: Arc::clone(&signal.witness),
        });
        looks.id = id.clone();
        if signal.verdict == Verdict::Firing {
            looks.witness = Arc::clone(&signal.witness);
        }
        looks.ring.push(changed).then(|| match looks.ring.is_flapping() {
            true => Change::FlappingBegan,
            false => Change::FlappingEnded,
        })
    }

    /// Counts a look that passes where there is no incident. What was calm for long is as if it had never failed.
    fn count_calm(&mut self, signal: &Signal, now: Now) -> Option<Transition> {
        let key = &signal.key;
        let id = self.looks.get(key)?.id.clone();
        let change = self.count(signal, &id, false);
        if self.looks.get(key).is_some_and(|looks| looks.ring.is_calm()) {
            self.forget_looks(key);
        }
        Some(Transition {
            id,
            key: key.clone(),
            at: now.wall,
            change: change?,
        })
    }

    /// Who else is concerned by what is known already, or no longer is. What nobody knows of is let pass.
    pub fn change_members(
        &mut self,
        key: &Key,
        joined: Vec<Arc<str>>,
        left: Vec<Arc<str>>,
        policy: &Policy,
        now: Now,
    ) -> Vec<Transition> {
        let now = self.moment(key, now);
        // Whom it concerned that is over changes no more.
        if self.get(key).is_none_or(|incident| incident.resolved().is_some()) {
            return Vec::new();
        }
        let Some(mut incident) = self.take(key) else {
            return Vec::new();
        };
        let (joined, left) = incident.core_mut().change_members(joined, left);
        self.settle(incident, members(joined, left).into_iter().collect(), policy, now)
    }

    /// A witness is not there any more. What nobody else bears witness of ends untold; what was over stays over.
    pub fn forget_witness(&mut self, key: &Key, witness: &str, policy: &Policy, now: Now) -> Vec<Transition> {
        let now = self.moment(key, now);
        let Some(mut incident) = self.take(key) else {
            self.forget_looks(key);
            return Vec::new();
        };
        let is_over = incident.resolved().is_some();
        let core = incident.core_mut();
        core.witnesses.remove(witness);
        // Whom it concerned that is over changes no more.
        let left = core.members.get(witness).cloned().filter(|_| !is_over);
        let (_, left) = core.change_members(Vec::new(), left.into_iter().collect());
        if core.witnesses.is_empty() {
            self.forget_looks(key);
            if !incident.was_over() {
                return vec![transition(&incident, Change::Closed, now)];
            }
        }
        self.settle(incident, members(Vec::new(), left).into_iter().collect(), policy, now)
    }

    /// Somebody looks after an open incident.
    ///
    /// # Errors
    /// [`Unknown`] where no open incident has this id.
    pub fn acknowledge(&mut self, id: &IncidentId, comment: &str, now: Now) -> Result<Transition, Unknown> {
        let is_it = |incident: &&mut Incident| incident.core().id == *id && incident.is_open();
        let incident = self.incidents.values_mut().map(|kept| &mut kept.incident).find(is_it);
        let incident = incident.ok_or_else(|| Unknown(id.to_string()))?;
        incident.core_mut().acknowledged = Some(Acknowledgement {
            at: now.wall,
            comment: comment.to_owned(),
        });
        let comment = comment.to_owned();
        Ok(transition(incident, Change::Acknowledged { comment }, now))
    }

    /// Something was done about an incident without a person, or would be; it may be over by now. Nothing where that says
    /// nothing new, or there is no such incident.
    pub fn repaired(&mut self, key: &Key, repair: Repair, now: Now) -> Option<Transition> {
        let kept = self.incidents.get_mut(key)?;
        let core = kept.incident.core_mut();
        let is_news = repair.is_news_after(core.repair.as_ref());
        let change = Change::Repair {
            state: repair.state,
            note: repair.lines.join("; "),
        };
        core.repair = Some(repair);
        is_news.then(|| transition(&kept.incident, change, now))
    }

    /// An incident is told in this thread from now on.
    pub(super) fn tell_in(&mut self, key: &Key, thread: &ThreadId) {
        if let Some(kept) = self.incidents.get_mut(key) {
            kept.incident.core_mut().thread = Some(thread.clone());
        }
    }

    /// What happens by time alone.
    pub fn tick(&mut self, policy: &Policy, now: Now) -> Vec<Transition> {
        let mut all = Vec::new();
        while let Some((due, key)) = self.next_timer().cloned() {
            if due > now.steady {
                break;
            }
            all.extend(self.elapse(&key, policy, now));
        }
        all
    }

    /// What time alone has done to one incident.
    fn elapse(&mut self, key: &Key, policy: &Policy, now: Now) -> Vec<Transition> {
        let due = self.incidents.get(key).and_then(|kept| kept.due);
        if due.is_none_or(|due| due > now.steady) {
            return Vec::new();
        }
        match self.take(key) {
            // It can't be reopened any more.
            Some(Incident::Resolved(_)) => {
                self.forgotten.insert(key.clone());
                Vec::new()
            }
            None => Vec::new(),
            Some(incident) => self.settle(incident, Vec::new(), policy, now),
        }
    }

    /// The next moment, by the steady clock, at which time alone changes something.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.next_timer().map(|(due, _)| *due)
    }

    fn next_timer(&self) -> Option<&(Timestamp, Key)> {
        self.timers.iter().find(|(_, key)| !self.is_held(key))
    }

    /// Whether looks and time count for nothing here: what is about the agent itself goes on.
    fn is_held(&self, key: &Key) -> bool {
        self.frozen.is_some() && &*key.scope != AGENT
    }

    /// The moment at which something happens that is neither a look nor time: while nothing can be seen, time stands
    /// still.
    fn moment(&self, key: &Key, now: Now) -> Now {
        let steady = self.frozen.filter(|_| self.is_held(key)).unwrap_or(now.steady);
        Now { steady, ..now }
    }

    /// Nothing but the agent itself can be seen from now on: looks and time count for nothing until it thaws.
    pub fn freeze(&mut self, now: Now) {
        self.frozen.get_or_insert(now.steady);
    }

    /// Something can be seen again. What was measured goes on where it was.
    pub fn thaw(&mut self, policy: &Policy, now: Now) {
        let Some(since) = self.frozen.take() else { return };
        let frozen = now.steady.duration_since(since);
        let frozen = Duration::try_from(frozen).unwrap_or_default();
        let held = self.incidents.iter_mut().filter(|(key, _)| &*key.scope != AGENT);
        held.for_each(|(_, kept)| kept.incident.shift(frozen));
        self.plan_anew(policy);
    }

    /// Another policy is in force: what waits, waits as long as that one says.
    pub fn plan_anew(&mut self, policy: &Policy) {
        self.timers.clear();
        for (key, kept) in &mut self.incidents {
            kept.due = kept.incident.due(policy);
            self.timers.extend(kept.due.map(|due| (due, key.clone())));
        }
    }

    /// Whether nothing counts at the moment.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// Every incident that is not forgotten, by key.
    pub fn iter(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.values().map(|kept| &kept.incident)
    }

    /// The incident of a key.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Incident> {
        self.incidents.get(key).map(|kept| &kept.incident)
    }

    /// Whether looks at a key come and go.
    #[must_use]
    pub fn is_flapping(&self, key: &Key) -> bool {
        self.looks.get(key).is_some_and(|looks| looks.ring.is_flapping())
    }

    /// Whether looks at a key still count, also those that pass: there is an incident, or was one not long ago.
    #[must_use]
    pub fn remembers(&self, key: &Key) -> bool {
        self.incidents.contains_key(key) || self.looks.contains_key(key)
    }

    /// Every key that is remembered by its looks alone: there was an incident not long ago.
    pub fn keys_of_looks(&self) -> impl Iterator<Item = &Key> {
        self.looks.keys().filter(|key| !self.incidents.contains_key(key))
    }

    /// How the looks at a key went.
    #[must_use]
    pub fn looks(&self, key: &Key) -> Option<&Looks> {
        self.looks.get(key)
    }

    /// Of which keys something was forgotten without a word since this was asked last.
    pub fn take_forgotten(&mut self) -> BTreeSet<Key> {
        std::mem::take(&mut self.forgotten)
    }

    /// The number that was given last.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Moves an incident on as far as what was heard and the time carry it.
    fn settle(&mut self, mut incident: Incident, changes: Vec<Change>, policy: &Policy, now: Now) -> Vec<Transition> {
        let told = |incident: &Incident, change| transition(incident, change, now);
        let mut all = changes
            .into_iter()
            .map(|change| told(&incident, change))
            .collect::<Vec<_>>();
        loop {
            match incident.next(policy, now) {
                Next::Same(same) => {
                    self.put(same.core().key.clone(), same, policy);
                    return all;
                }
                Next::Moved(moved, change) => {
                    all.push(told(&moved, change));
                    incident = moved;
                }
                Next::Gone(gone, change) => {
                    all.push(told(&gone, change));
                    return all;
                }
            }
        }
    }

    fn forget_looks(&mut self, key: &Key) {
        if self.looks.remove(key).is_some() {
            self.forgotten.insert(key.clone());
        }
    }

    fn take(&mut self, key: &Key) -> Option<Incident> {
        let kept = self.incidents.remove(key)?;
        if let Some(due) = kept.due {
            self.timers.remove(&(due, key.clone()));
        }
        Some(kept.incident)
    }

    fn put(&mut self, key: Key, incident: Incident, policy: &Policy) {
        self.take(&key);
        let due = incident.due(policy);
        self.timers.extend(due.map(|due| (due, key.clone())));
        self.incidents.insert(key, Kept { incident, due });
    }
}

/// Lets an incident that is not over hear of a look: what grew more urgent, and whom it concerns by it.
fn hear(incident: &mut Incident, signal: &Signal, now: Now) -> Vec<Change> {
    let from = incident.core().severity;
    let (joined, left) = incident.core_mut().hear(signal, now);
    let to = incident.core().severity;
    let rose = (to > from).then_some(Change::Rose { from, to });
    rose.into_iter().chain(members(joined, left)).collect()
}

fn transition(incident: &Incident, change: Change, now: Now) -> Transition {
    let core = incident.core();
    Transition {
        id: core.id.clone(),
        key: core.key.clone(),
        at: now.wall,
        change,
    }
}

fn members(joined: Vec<Arc<str>>, left: Vec<Arc<str>>) -> Option<Change> {
    let changed = !joined.is_empty() || !left.is_empty();
    changed.then_some(Change::Members { joined, left })
}
