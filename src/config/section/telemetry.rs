//! `[telemetry]`.

use serde::Serialize;

use crate::config::form::{boolean, choice};
use crate::config::table::table;

/// Which tenants have series of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PerTenant {
    /// All.
    #[default]
    All,
    /// Those that fail.
    Failing,
    /// None.
    None,
}

table! {
    /// The numbers that `watch` tells.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Telemetry {
        /// Whether /metrics answers at web.listen, as Prometheus reads it.
        prometheus: bool = true => boolean();
        /// Which tenants have series of their own.
        per_tenant: PerTenant = PerTenant::All => choice(&[PerTenant::All, PerTenant::Failing, PerTenant::None]);
    }
}
