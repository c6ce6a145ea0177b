//! What systemd is told, where it started us (sd_notify(3)): ready, reloading, stopping, and that the loop turns.

use sd_notify::NotifyState;

/// The service manager, where there is one. That it can't be told is no reason to stop.
#[derive(Default)]
pub(super) struct Systemd {
    ready: bool,
}

impl Systemd {
    /// The loop turns; the first time with readiness that is said too.
    pub(super) fn turns(&mut self, ready: bool, status: &str) {
        let _ = sd_notify::notify(&[NotifyState::Watchdog, NotifyState::Status(status)]);
        if ready && !self.ready {
            self.ready = true;
            let _ = sd_notify::notify(&[NotifyState::Ready]);
        }
    }

    /// The configuration is read again.
    pub(super) fn reloading(&self) {
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            let _ = sd_notify::notify(&[NotifyState::Reloading, now]);
        }
    }

    /// It was, whatever came of it.
    pub(super) fn reloaded(&self) {
        if self.ready {
            let _ = sd_notify::notify(&[NotifyState::Ready]);
        }
    }

    /// The end has begun.
    pub(super) fn stopping(&self) {
        let _ = sd_notify::notify(&[NotifyState::Stopping]);
    }
}
