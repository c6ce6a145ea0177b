//! `roundsman verify`.

use super::args::VerifyArgs;
use super::{colour_errors, print, setup, usage_error};
use crate::exit_code::ExitCode;

/// Loads the configuration and the inventory, and says how many tenants there are.
#[must_use]
pub fn run(args: &VerifyArgs) -> ExitCode {
    match setup::prepare(args) {
        Err(error) => usage_error(&error.render(colour_errors())),
        Ok((_, inventory)) => {
            print(&format!(
                "{} tenants from {}\n",
                inventory.tenants.len(),
                inventory.origin
            ));
            ExitCode::Inconclusive
        }
    }
}
