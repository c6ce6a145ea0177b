//! What every command does first: find the configuration.

use thiserror::Error;

use super::args::TargetArgs;
use crate::agent::RootsError;
use crate::config::{Config, ConfigError, Flags, render_plain};
use crate::inventory::InventoryError;

/// Why what is configured can't be used; exit code 2.
#[derive(Debug, Error)]
pub enum ConfigurationError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The inventory.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// The trust anchors.
    #[error(transparent)]
    Roots(#[from] RootsError),
}

impl ConfigurationError {
    /// The error as a person reads it; `colour` for terminals.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        match self {
            Self::Config(error) => error.render(colour),
            Self::Inventory(error) => error.render(colour),
            Self::Roots(error) => render_plain(&error.to_string(), colour),
        }
    }
}

/// The configuration that a command works with.
///
/// # Errors
/// [`ConfigError`] where it is missing, wrong or incomplete.
pub fn configuration(target: &TargetArgs, flags: &Flags) -> Result<Config, ConfigError> {
    Config::find(target.config_path(), flags)
}
