//! Where in an interval somebody's turn is.

use std::time::Duration;

use roundsman_checks::target::TenantId;

/// A tenant's place in every interval, evenly spread over all tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Phase(u64);

impl Phase {
    /// The phase of a tenant; always the same.
    #[must_use]
    pub fn of(tenant: &TenantId) -> Self {
        Self(tenant.spread())
    }

    /// How long after the beginning of a window this turn is; less than the window.
    #[must_use]
    pub fn within(self, window: Duration) -> Duration {
        let nanos = (u128::from(self.0) * window.as_nanos()) >> 64;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_spread_evenly_and_stay() {
        let window = Duration::from_secs(300);
        let mut seconds = [0_u32; 300];
        for tenant in 0..100_000 {
            let at = Phase::of(&TenantId::new(format!("tenant-{tenant}"))).within(window);
            seconds[usize::try_from(at.as_secs()).unwrap_or(usize::MAX)] += 1;
        }
        // The mean is 333 a second.
        assert!(seconds.iter().all(|count| (200..500).contains(count)), "{seconds:?}");
        assert_eq!(Phase::of(&TenantId::new("acme")), Phase::of(&TenantId::new("acme")));
        assert_eq!(Phase::of(&TenantId::new("acme")).within(window).as_millis(), 19_756);
    }
}
