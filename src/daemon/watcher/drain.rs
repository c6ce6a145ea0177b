//! The end of a daemon: what is under way ends, what is known is kept, and what is to be told is told, within a time.

use super::*;

/// How long what is under way may take once it is over, and how long the disk may take after it.
const DRAIN: Duration = Duration::from_secs(7);
const LAST_WRITES: Duration = Duration::from_secs(2);
/// How long all of the end may take; what is sent last has what is left of it.
const END: Duration = Duration::from_secs(10);

impl Watcher {
    /// Ends what is under way, and keeps what is known.
    pub(super) async fn drain(mut self) {
        let began = Moment::now();
        let _ = self.pull.send(true);
        let (dispatcher, unsaid) = (&mut self.dispatcher, &mut self.unsaid);
        let (clocks, store) = (self.clocks, &self.store);
        let mut work = std::mem::take(&mut self.work);
        let (mut told, mut repaired) = (Vec::new(), Vec::new());
        let ended = async {
            while let Some(done) = work.next().await {
                // Nothing new begins; what came of the rest is kept.
                let event = match done {
                    Done::Examined(ix, Some(examined), traced) => {
                        told.extend(traced);
                        Event::Examined(ix, examined)
                    }
                    Done::Delivered(delivery, outcome, _) => Event::Delivered(delivery.id, outcome),
                    Done::Repaired(ran) => {
                        repaired.extend(ran.told);
                        Event::Tick
                    }
                    _ => continue,
                };
                let mut effects = dispatcher.handle(clocks.now(), event);
                for (key, repair) in repaired.drain(..) {
                    effects.extend(dispatcher.repaired(&key, repair, clocks.now()));
                }
                for effect in effects {
                    let number = keep(store, &effect);
                    if let Effect::Commit(commit) = effect {
                        unsaid.wait_for(number, log::incidents(&commit));
                    }
                }
            }
        };
        tokio::select! {
            () = ended => {}
            () = sleep(DRAIN) => {}
        }
        told.into_iter().for_each(|traced| self.trace(Some(traced)));
        for effect in self.dispatcher.hours_so_far() {
            keep(&self.store, &effect);
        }
        let now = self.clocks.now();
        self.export.called(&self.setup.clients.calls);
        self.export_what_is(Due::Numbers, now);
        while self.export.tenants(
            &self.numbers,
            &self.dispatcher,
            self.setup.config.telemetry.per_tenant,
            now.wall,
        ) {}
        let progress = self.store.progress();
        let lost = self.store.close(LAST_WRITES);
        let mut last = self.unsaid.said_by(&progress.borrow());
        if lost > 0 {
            let line = format!("{lost} writes are not in the database: it could not be written in time");
            last.push(log::error(clocks.now().wall, &line));
        }
        for line in last {
            self.export.log(&line, clocks.now().wall);
            self.voice.line(&line);
        }
        let (undelivered, news) = self.export.stop(END.saturating_sub(began.elapsed())).await;
        let left = undelivered.iter().map(|(signal, count)| {
            let things = signal.things();
            format!("{count} {things} were not delivered in time, they are lost")
        });
        for line in news.into_iter().map(|news| news.text).chain(left) {
            self.voice.line(&log::warn(clocks.now().wall, &line));
        }
    }
}
