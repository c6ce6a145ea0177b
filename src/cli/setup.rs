//! What every command does first: find the configuration and gather the tenants.

use thiserror::Error;

use super::args::{TargetArgs, VerifyArgs};
use crate::config::{Config, ConfigError, Flags};
use crate::inventory::{Answers, Inventory, InventoryError, TenantsFrom, load, load_awaiting, with_labels};

/// Why a command cannot begin; exit code 2.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The inventory.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// The trust anchors.
    #[error(transparent)]
    Roots(#[from] crate::agent::RootsError),
}

impl SetupError {
    /// The error as a person reads it; `colour` for terminals.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        match self {
            Self::Config(error) => error.render(colour),
            Self::Inventory(error) => error.render(colour),
            Self::Roots(error) => crate::config::render_plain(&error.to_string(), colour),
        }
    }
}

/// The tenants that `verify` was asked for: named, and with the labels asked for.
///
/// # Errors
/// [`SetupError`], to be rendered to standard error; the command then ends with 2.
pub fn prepare(
    args: &VerifyArgs,
    config: &Config,
    from: Option<&TenantsFrom>,
    answers: Answers<'_>,
) -> Result<Inventory, SetupError> {
    // Who waits, waits for tenants that are only being made, too.
    let load = if args.wait.is_some() { load_awaiting } else { load };
    let mut inventory = load(config, from, &args.tenants, answers)?;
    let labels: Vec<_> = args
        .label
        .iter()
        .map(|label| (label.0.clone(), label.1.clone()))
        .collect();
    // What nobody names yet has no labels; it was asked for all the same.
    let (unlisted, listed) = inventory
        .tenants
        .into_iter()
        .partition::<Vec<_>, _>(|tenant| tenant.unlisted);
    inventory.tenants = with_labels(listed, &labels);
    inventory.tenants.extend(unlisted);
    Ok(inventory)
}

/// The configuration alone.
///
/// # Errors
/// [`ConfigError`] where it is missing, wrong or incomplete.
pub fn configuration(target: &TargetArgs, flags: &Flags) -> Result<Config, ConfigError> {
    Config::find(target.config_path(), flags)
}
