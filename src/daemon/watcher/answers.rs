//! What whoever asks a running daemon is told, and what they may have it do.

use super::*;
use crate::remediation::ledger::Phase;

impl Watcher {
    /// Answers whoever asks; they may be gone by then.
    pub(super) fn reply(&mut self, question: Question, answer: oneshot::Sender<Answer>) {
        match question {
            Question::Probe {
                target,
                within,
                openmetrics,
                debug,
            } => {
                let format = if openmetrics { Format::OpenMetrics } else { Format::Text };
                match self.may_probe(&target) {
                    Ok((tenant, look)) => {
                        self.probing.insert(tenant.id.clone());
                        let within = Duration::from_millis(within).min(LONGEST_PROBE);
                        let asked = work::Probe { within, format, debug };
                        let tracing = self.export.tracing();
                        self.work
                            .push(work::probe(&self.setup, look, &tenant, asked, tracing, answer));
                    }
                    Err(refused) => drop(answer.send(refused)),
                }
            }
            Question::Ledger(entry) => {
                if !matches!(entry.phase, Phase::Intent | Phase::Verified | Phase::Undone) {
                    self.numbers.remediated(&entry.action, entry.phase.as_str());
                }
                if matches!(entry.phase, Phase::Done | Phase::Verified) {
                    // A person repairs: what came of it is seen soon.
                    let tenant = BTreeSet::from([TenantId::new(&entry.tenant)]);
                    let effects = self.dispatcher.look_at_repaired(self.clocks.now(), &tenant);
                    effects.into_iter().for_each(|effect| self.carry_out(effect));
                }
                self.work
                    .push(work::kept(self.store.handle(), Write::Ledger(entry), answer));
            }
            question => drop(answer.send(self.answer(question))),
        }
    }

    /// Whom a target names, and the look that they are examined by: nobody but a tenant that is known, each once at a time,
    /// and a few together.
    fn may_probe(&self, target: &str) -> Result<(Arc<Tenant>, FleetWatch), Answer> {
        let Some(tenant) = self.dispatcher.named(target) else {
            return Err(Answer::Refused(format!(
                "no tenant `{target}`: `roundsman status` lists them"
            )));
        };
        let Some(look) = &self.look else {
            return Err(Answer::Busy("zone and edge were not looked at yet".to_owned()));
        };
        if self.probing.contains(&tenant.id) {
            return Err(Answer::Busy(format!("{} is being examined", tenant.id)));
        }
        if self.probing.len() >= PROBES {
            return Err(Answer::Busy(format!("{PROBES} tenants are being examined")));
        }
        Ok((tenant, look.clone()))
    }

    /// Answers whoever asks over the local API.
    fn answer(&mut self, question: Question) -> Answer {
        let now = self.clocks.now();
        let answered = match question {
            Question::Status { tenants } => self.status(&tenants, now),
            Question::Outbox => {
                let all = self.dispatcher.deliveries().map(DeliveryView::of).collect::<Vec<_>>();
                serde_json::to_value(all).map_err(|error| error.to_string())
            }
            Question::Retry => {
                let (count, effects) = self.dispatcher.retry(now);
                effects.into_iter().for_each(|effect| self.carry_out(effect));
                Ok(count.into())
            }
            Question::Health => serde_json::to_value(self.health(now)).map_err(|error| error.to_string()),
            Question::Metrics { openmetrics } => self.metrics(openmetrics, now),
            Question::Probe { .. } | Question::Ledger(_) => Err("this is answered apart".to_owned()),
            Question::Acknowledge { id, comment } => {
                match self.dispatcher.acknowledge(&IncidentId::named(&id), &comment, now) {
                    Ok(effects) => {
                        effects.into_iter().for_each(|effect| self.carry_out(effect));
                        Ok(serde_json::Value::Null)
                    }
                    Err(error) => Err(error.to_string()),
                }
            }
            Question::Silence {
                matchers,
                ends_at,
                comment,
            } => {
                let silence = Silence {
                    id: silence_id(&self.silences, now.wall),
                    matchers,
                    starts_at: now.wall,
                    ends_at,
                    comment,
                };
                let id = silence.id.clone();
                self.store.write(Write::Silence(silence.clone()));
                self.silences.push(silence);
                self.hear(Event::Silenced(self.silences.clone()));
                Ok(id.into())
            }
            Question::Expire { id } => match self.silences.iter_mut().find(|silence| silence.id == id) {
                Some(silence) => {
                    silence.ends_at = silence.ends_at.min(now.wall);
                    self.store.write(Write::Silence(silence.clone()));
                    self.hear(Event::Silenced(self.silences.clone()));
                    Ok(serde_json::Value::Null)
                }
                None => Err(format!("no silence `{id}`: `roundsman silences list` shows them")),
            },
        };
        match answered {
            Ok(value) => Answer::Done(value),
            Err(why) => Answer::Refused(why),
        }
    }

    /// Every number as it is now.
    fn metrics(&mut self, openmetrics: bool, now: Now) -> Result<serde_json::Value, String> {
        let telemetry = &self.setup.config.telemetry;
        if !telemetry.prometheus {
            return Err("[telemetry] prometheus is off".to_owned());
        }
        let format = if openmetrics { Format::OpenMetrics } else { Format::Text };
        let per_tenant = telemetry.per_tenant;
        let health = self.health(now);
        let known = Known {
            dispatcher: &self.dispatcher,
            health: &health,
            calls: &self.setup.clients.calls,
            dropped: &self.export.dropped(),
        };
        Ok(self.numbers.page(&known, per_tenant, format).into())
    }

    fn status(&self, tenants: &[String], now: Now) -> Result<serde_json::Value, String> {
        let ids = match tenants {
            [] => self.dispatcher.ids(),
            named => named.iter().map(TenantId::new).collect(),
        };
        let status = |id: &TenantId| {
            self.dispatcher
                .tenant(id, now)
                .ok_or_else(|| format!("no tenant `{id}`"))
        };
        let all = ids.iter().map(status).collect::<Result<Vec<_>, _>>()?;
        serde_json::to_value(all).map_err(|error| error.to_string())
    }
}

/// A name that no silence has yet, though the clock was set back.
fn silence_id(silences: &[Silence], now: Timestamp) -> String {
    let taken = |id: &String| silences.iter().any(|silence| silence.id == *id);
    let mut ids = (now.as_millisecond()..).map(|number| format!("sil-{number}"));
    ids.find(|id| !taken(id)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_silences_of_one_moment_have_two_names() {
        let mut silences = Vec::new();
        for expected in ["sil-7", "sil-8", "sil-9"] {
            let now = Timestamp::from_millisecond(7).unwrap_or_default();
            let id = silence_id(&silences, now);
            assert_eq!(id, expected);
            silences.push(Silence {
                id,
                matchers: Vec::new(),
                starts_at: now,
                ends_at: now,
                comment: String::new(),
            });
        }
    }
}
