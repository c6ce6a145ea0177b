//! The names of the guards.

use std::fmt;

use serde::Serialize;

/// Why nothing is done. A closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guard {
    /// Somebody said that it is not to be touched.
    Protected,
    /// The tenant is expected not to run.
    Inactive,
    /// The configuration says that this tenant is not repaired.
    RepairOff,
    /// The certificate was imported: its key would be lost.
    ImportedCertificate,
    /// The name is not below the domain.
    CustomDomain,
    /// The name, or the type of record, is never touched.
    ReservedName,
    /// A tool keeps the record.
    ManagedElsewhere,
    /// A person stopped the machine.
    StoppedByHand,
    /// A deploy goes on.
    DeployInProgress,
    /// The cause, or what would be removed, is not certain.
    NotConfirmed,
    /// What was seen is too old.
    EvidenceOld,
    /// The agent itself can't see well.
    AgentCause,
    /// Something that all share fails.
    FleetCause,
    /// Not everything is known.
    InventoryPartial,
    /// Too many share the cause.
    TooMany,
    /// So much was repaired lately.
    Budget,
    /// The tenant was repaired not long ago.
    Cooldown,
    /// It was repaired before, and came back.
    Recreated,
    /// Repairs are stopped.
    KillSwitch,
    /// There is no token that may write.
    NoWriteToken,
    /// Nobody allowed it.
    NotAllowed,
    /// The world is another one than when it was planned.
    ChangedSincePlan,
    /// A wildcard certificate that is ready covers the name.
    CoveredByWildcard,
}

impl Guard {
    /// Its name, as it is written everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::Inactive => "inactive",
            Self::RepairOff => "repair-off",
            Self::ImportedCertificate => "imported-certificate",
            Self::CustomDomain => "custom-domain",
            Self::ReservedName => "reserved-name",
            Self::ManagedElsewhere => "managed-elsewhere",
            Self::StoppedByHand => "stopped-by-hand",
            Self::DeployInProgress => "deploy-in-progress",
            Self::NotConfirmed => "not-confirmed",
            Self::EvidenceOld => "evidence-old",
            Self::AgentCause => "agent-cause",
            Self::FleetCause => "fleet-cause",
            Self::InventoryPartial => "inventory-partial",
            Self::TooMany => "too-many",
            Self::Budget => "budget",
            Self::Cooldown => "cooldown",
            Self::Recreated => "recreated",
            Self::KillSwitch => "kill-switch",
            Self::NoWriteToken => "no-write-token",
            Self::NotAllowed => "not-allowed",
            Self::ChangedSincePlan => "changed-since-plan",
            Self::CoveredByWildcard => "covered-by-wildcard",
        }
    }
}

impl fmt::Display for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
