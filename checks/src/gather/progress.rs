//! How a round is watched, and how it is ended before its time. Holds no socket.

use tokio::sync::watch;

use crate::diagnosis::FleetFinding;
use crate::world::TenantEvidence;

/// Observer of a round: hears how it comes along.
pub trait Observer: Sync {
    /// A part of the round begins; `steps` is how many steps it has, 0 where nobody knows.
    fn stage(&self, name: &'static str, steps: usize);
    /// A step of the part is done.
    fn step(&self);
    /// What is known of the fleet, before any tenant is probed.
    fn fleet(&self, _: &[FleetFinding]) {}
    /// What was seen of a tenant that is well, before it is dropped, where a round drops it.
    fn forgets(&self, _: &TenantEvidence) {}
}

/// Observer that shows nothing.
pub struct NoProgress;

impl Observer for NoProgress {
    fn stage(&self, _: &'static str, _: usize) {}
    fn step(&self) {}
}

/// Stop signal: tells a round to end at once with what is known so far.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// A stop and the handle that pulls it by sending `true`.
    #[must_use]
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// A stop that nobody pulls.
    #[must_use]
    pub fn never() -> Self {
        Self::new().1
    }

    /// Whether it was pulled.
    #[must_use]
    pub fn pulled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is pulled; for ever where its handle is gone.
    pub async fn wait(&mut self) {
        if self.0.wait_for(|pulled| *pulled).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
