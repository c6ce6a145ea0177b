//! What people are told: incidents go in, messages come out, and what became of them goes in again.

use super::*;

/// What a message that can't be delivered is called.
const UNDELIVERED: Cause = Cause::NotificationUndelivered;
/// How often it is looked whether something can't be delivered.
const TROUBLES_EVERY: Duration = Duration::from_secs(5);

impl Dispatcher {
    /// Ends the handling of an event: what time alone does to incidents, what is told of all that, and what is kept.
    pub(super) fn conclude(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let done = self.book.tick(&self.settings.policy, now);
        self.note(done);
        self.tell_troubles(now);
        let (routing, dossier) = (&self.settings.routing, &self.settings.dossier);
        let done = &self.commit.transitions;
        self.alerting.hear(done, &mut self.book, routing, dossier, now);
        let mutes = Mutes {
            silences: &self.silences,
            inhibited: &self.inhibited,
            blind: self.book.is_frozen(),
        };
        self.alerting.tick(&self.book, &mutes, routing, dossier, now);
        let deliveries = self.alerting.take(now);
        self.flush(effects);
        effects.extend(deliveries.into_iter().map(Effect::Deliver));
    }

    /// Other silences hold from now on.
    pub(super) fn silenced(&mut self, now: Now, silences: Vec<Silence>) {
        self.silences = silences;
        self.alerting.look_again(&self.settings.routing, now);
    }

    /// Remembers what of a tenant's own something wider explains at the moment: that is not told beside it.
    pub(super) fn inhibit(&mut self, signals: &[roundsman_alerts::Signal], is_explained: bool) {
        for signal in signals {
            match signal.verdict {
                Verdict::Unknown if is_explained || self.is_everybodys_by(&signal.key) => {
                    self.inhibited.insert(signal.key.clone());
                }
                Verdict::Unknown => {}
                Verdict::Firing | Verdict::Clear => drop(self.inhibited.remove(&signal.key)),
            }
        }
    }

    /// Where something can't be delivered, that is an incident itself.
    fn tell_troubles(&mut self, now: Now) {
        let due = |checked: Timestamp| later(checked, TROUBLES_EVERY) <= now.steady;
        if !self.troubles_at.is_none_or(due) {
            return;
        }
        self.troubles_at = Some(now.steady);
        let troubles = self.alerting.troubles(&self.settings.routing, now);
        let told = self.book.iter().map(|incident| (incident.core(), incident.state()));
        let told = told.filter(|(core, _)| *core.key.cause == *UNDELIVERED.as_str());
        let told = told
            .map(|(core, state)| (core.key.clone(), state != State::Resolved))
            .collect::<BTreeMap<_, _>>();
        let mut ended = told
            .iter()
            .filter(|(_, open)| **open)
            .map(|(key, _)| key.clone())
            .collect::<BTreeSet<_>>();
        for (destination, why) in &troubles {
            let key = Key::new(UNDELIVERED.as_str(), "agent", &destination.to_string());
            ended.remove(&key);
            if told.get(&key) != Some(&true) {
                self.tell_trouble(now, key, &destination.channel, Some(why));
            }
        }
        for key in ended {
            self.tell_trouble(now, key, "", None);
        }
    }

    fn tell_trouble(&mut self, now: Now, key: Key, channel: &str, why: Option<&str>) {
        let severity = signal::urgency(&self.settings, UNDELIVERED, Outcome::Fail, 0, None);
        let Some(severity) = severity else { return };
        let account = Account {
            severity,
            at_once: true,
            evidence: why.map(|why| format!("{}: {why}", key.object)).into_iter().collect(),
            remedy: vec![
                format!(
                    "roundsman alerts test {}",
                    shlex::try_quote(channel).unwrap_or_default()
                ),
                "roundsman alerts outbox --retry".to_owned(),
            ],
            labels: BTreeMap::from([("channel".to_owned(), channel.to_owned())]),
            ..Account::default()
        };
        let verdict = match why {
            Some(_) => Verdict::Firing,
            None => Verdict::Clear,
        };
        self.observe(now, &signal::of_fleet(key, verdict, Members::default(), account));
    }

    /// What waits or was given up, in order for each destination.
    pub fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.alerting.deliveries()
    }

    /// What was given up is tried again, and what waits at once. How many were given up.
    pub fn retry(&mut self, now: Now) -> (usize, Vec<Effect>) {
        let count = self.alerting.retry(now);
        let mut effects = Vec::new();
        self.conclude(now, &mut effects);
        (count, effects)
    }

    /// How things are, for an Alertmanager: what is open and nothing mutes, and what ended within the last minutes.
    #[must_use]
    pub fn alerts(&self, now: Now) -> Vec<Alert> {
        let mutes = Mutes {
            silences: &self.silences,
            inhibited: &self.inhibited,
            blind: self.book.is_frozen(),
        };
        let ended_lately = |incident: &Incident| {
            let ended = incident
                .resolved()
                .map(|ended| later(ended.wall, STILL_TOLD) >= now.wall);
            ended.unwrap_or(true)
        };
        let told = self
            .book
            .iter()
            .filter(|incident| incident.state() != State::Pending && ended_lately(incident));
        let loud = told.filter(|incident| {
            let mute = mutes.mute(incident, &self.settings.routing, now.wall);
            mute.is_none_or(|mute| mute.why == Why::Acknowledged)
        });
        loud.flat_map(|incident| alertmanager(incident, &self.settings.dossier, now))
            .collect()
    }
}

/// How long after its end an incident is still told to an Alertmanager.
const STILL_TOLD: Duration = Duration::from_secs(5 * 60);
