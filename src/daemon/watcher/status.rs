//! The line that says how all is, for whoever looks on.

use crate::text::counted;
use crate::watch::{FleetStatus, Health};

/// How all is, in a line.
pub(super) fn status_line(fleet: &FleetStatus, open: usize, health: &Health) -> String {
    let mut parts = vec![counted(fleet.tenants, "tenant")];
    let counts = [
        (fleet.failing, "failing"),
        (fleet.degraded, "degraded"),
        (fleet.unknown, "unknown"),
        (fleet.healthy, "healthy"),
    ];
    parts.extend(
        counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}")),
    );
    parts.push(match open {
        0 => "no open incident".to_owned(),
        1 => "1 open incident".to_owned(),
        open => format!("{open} open incidents"),
    });
    parts.push(format!("coverage {:.0} %", health.coverage * 100.0));
    parts.push(format!("lag {:.1} s", health.lag));
    parts.join(" · ")
}
