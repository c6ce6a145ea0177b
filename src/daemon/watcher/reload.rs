//! Another configuration while the daemon runs: taken up whole, or not at all.

use super::*;

impl Watcher {
    /// Reads the configuration again: another one is in force at once, a wrong one is refused whole.
    pub(super) fn reload(&mut self, why: &str) {
        let now = self.clocks.now().wall;
        self.systemd.reloading();
        self.files = ConfigFiles::of(&self.setup.config);
        let read = (self.load)().and_then(|loaded| match needs_restart(&self.setup, &loaded.setup) {
            Some(key) => Err(format!("`{key}` needs a restart")),
            None => Ok(loaded),
        });
        match read {
            Ok(Loaded {
                setup,
                channels,
                token,
                hands,
                export,
            }) => {
                self.hands = Arc::new(hands);
                self.repairs = Repairs::default();
                self.export_next = Some(export);
                self.token.send_replace(token);
                self.numbers.reloaded(true, now);
                self.files = ConfigFiles::of(&setup.config);
                self.probes = Arc::new(ProbeSetup {
                    pacers: self.probes.pacers.clone(),
                    ..setup.probes.clone()
                });
                let settings = settings(&setup, &channels);
                self.channels = channels;
                let url = setup.config.heartbeat.url.clone();
                self.heartbeat = self.heartbeat.take().map(|heartbeat| heartbeat.moved(url, USER_AGENT));
                self.setup = Arc::new(setup);
                self.say(&log::info(now, &format!("configuration reloaded ({why})")));
                self.hear(Event::Reloaded(Box::new(settings)));
            }
            Err(error) => {
                self.numbers.reloaded(false, now);
                let line = format!("configuration not reloaded ({why}), the old one goes on: {error}");
                self.say(&log::error(now, &line));
            }
        }
        self.systemd.reloaded();
    }
}

/// The first key that differs and can't change while a daemon runs.
fn needs_restart(now: &Setup, next: &Setup) -> Option<&'static str> {
    let (now, next) = (&now.config, &next.config);
    if now.domain != next.domain {
        Some("domain")
    } else if store_path(now) != store_path(next) {
        Some("store.path")
    } else if now.web.listen != next.web.listen {
        Some("web.listen")
    } else {
        None
    }
}
