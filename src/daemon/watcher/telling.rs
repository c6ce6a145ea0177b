//! What the loop tells others of what it does: lines, traces, numbers.

use super::*;

impl Watcher {
    /// Sends telemetry as the configuration says that was taken up last.
    pub(super) async fn take_up_export(&mut self, now: Now) {
        if let Some((settings, wrong)) = self.export_next.take() {
            self.export.becomes(settings).await;
            for line in wrong {
                self.say(&log::warn(now.wall, &line));
            }
        }
    }

    /// Sends what is due.
    pub(super) fn export_what_is(&mut self, due: Due, now: Now) {
        let per_tenant = self.setup.config.telemetry.per_tenant;
        match due {
            Due::Numbers => {
                let health = self.health(now);
                let known = Known {
                    dispatcher: &self.dispatcher,
                    health: &health,
                    calls: &self.setup.clients.calls,
                    dropped: &self.export.dropped(),
                };
                self.export.numbers(&mut self.numbers, &known, per_tenant, now.wall);
            }
            Due::Tenants => {
                self.export
                    .tenants(&self.numbers, &self.dispatcher, per_tenant, now.wall);
            }
            Due::News(news) => {
                for News { good, text } in news {
                    let line = if good { log::info } else { log::warn };
                    self.say(&line(now.wall, &text));
                }
            }
        }
    }

    /// Tells an examination as a trace, with the cause that explains it now, shared or its own.
    pub(super) fn trace(&self, traced: Option<Box<Traced>>) {
        if let Some(traced) = traced {
            let id = &traced.evidence.tenant.id;
            let known = self.dispatcher.tenant(id, self.clocks.now());
            self.export.examined(&traced, known.and_then(|known| known.cause));
        }
    }

    /// Says something, here and to whoever collects logs.
    pub(super) fn say(&mut self, line: &Line) {
        self.export.log(line, self.clocks.now().wall);
        self.voice.line(line);
    }
}
