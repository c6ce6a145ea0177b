//! What the APIs and the inventory said: what comes to be looked at by it.

use super::*;

impl Watcher {
    /// A reading came back.
    pub(super) fn read(
        &mut self,
        read: Result<Box<Snapshot>, Box<NoInventory>>,
        extent: Extent,
        doubtful: bool,
        calls: u32,
    ) {
        let now = self.clocks.now().wall;
        let (api, inventory) = match read {
            Ok(mut snapshot) => {
                self.dispatcher.unify(&mut snapshot.inventory.tenants);
                self.dispatcher.unify(&mut snapshot.inventory.known);
                (snapshot.api, Some(snapshot.inventory))
            }
            Err(nobody) => {
                let line = format!("the inventory can't be read, what is known stays: {}", nobody.error);
                self.say(&log::warn(now, &line));
                (nobody.api, None)
            }
        };
        let before = self.look.as_ref().map(|look| Arc::clone(look.context()));
        let reading = Reading {
            told: api.platform.known().is_some(),
            changed: work::is_news(before.as_deref(), &api),
            doubtful: doubtful || inventory.is_none(),
            inventory,
            extent,
            calls,
        };
        self.complete = reading.inventory.as_ref().is_some_and(|inventory| inventory.complete);
        let named = reading.inventory.as_ref().map(|inventory| inventory.known.clone());
        let known = self.dispatcher.known_with(named.unwrap_or_default());
        match work::assignment(&self.setup, api, reading.inventory.as_ref(), known) {
            Ok(assignment) => self.assignment = Some(Arc::new(assignment)),
            Err(error) => {
                let line = format!("nothing new can be looked at, what was known before goes on: {error}");
                self.say(&log::error(now, &line));
            }
        }
        self.hear(Event::Read(Box::new(reading)));
    }
}
