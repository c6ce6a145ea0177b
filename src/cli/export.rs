//! Where telemetry goes, by the configuration and by the environment of this process.

use crate::agent::vantage_name;
use crate::config::Config;
use crate::telemetry::otlp::Settings;

/// Where it goes, where it goes anywhere, and what stands wrongly in the environment about that.
pub(super) fn export(config: &Config) -> (Option<Settings>, Vec<String>) {
    Settings::of(&config.telemetry, &vantage_name(config), &|name| {
        std::env::var(name).ok()
    })
}
