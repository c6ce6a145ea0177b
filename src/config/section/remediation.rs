//! `[remediation]`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::form::{choice, duration, glob, integer, list, or_auto, secret};
use crate::config::glob::Glob;
use crate::config::secret::Secret;
use crate::config::table::table;

/// How far repairs go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RemediationMode {
    /// Nothing is planned.
    Off,
    /// Repairs are planned and told.
    #[default]
    Plan,
    /// `watch` carries out what `allow` names.
    Auto,
}

/// Something that a repair does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RepairAction {
    /// Takes a certificate from an app that should hold none.
    RemoveCertificate,
    /// Asks for a certificate at the edge.
    AddCertificate,
    /// Deletes a record that stands in the wildcard's way.
    DeleteDnsRecord,
    /// Starts a machine.
    StartMachine,
    /// Restarts a machine.
    RestartMachine,
    /// Waits for a certificate to be issued.
    Wait,
}

impl RepairAction {
    /// All that change something.
    pub const CHANGES: [Self; 5] = [
        Self::RemoveCertificate,
        Self::AddCertificate,
        Self::DeleteDnsRecord,
        Self::StartMachine,
        Self::RestartMachine,
    ];

    /// Its name in configuration and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RemoveCertificate => "remove-certificate",
            Self::AddCertificate => "add-certificate",
            Self::DeleteDnsRecord => "delete-dns-record",
            Self::StartMachine => "start-machine",
            Self::RestartMachine => "restart-machine",
            Self::Wait => "wait",
        }
    }
}

table! {
    /// What may be repaired, and how much of it.
    #[derive(Clone, Debug)]
    pub struct Remediation {
        /// "off": nothing is planned; "plan": repairs are planned and told; "auto": `watch` carries out what `allow` names.
        mode: RemediationMode = RemediationMode::Plan => choice(&[RemediationMode::Off, RemediationMode::Plan, RemediationMode::Auto]);
        /// Actions that are taken without asking: "remove-certificate", "add-certificate", "delete-dns-record",
        /// "start-machine", "restart-machine".
        allow: Vec<RepairAction> = Vec::new() => list(choice(&RepairAction::CHANGES)), sample = "[\"remove-certificate\"]";
        /// A token of the platform that may write; without one its certificates and machines are never changed.
        fly_token: Secret = Secret::Env("FLY_WRITE_TOKEN".into()) => secret();
        /// A token of the DNS provider that may write; without one no record is ever deleted.
        cloudflare_token: Secret = Secret::Env("CLOUDFLARE_WRITE_TOKEN".into()) => secret();
        /// Tenants that are never touched.
        protect: Vec<Glob> = Vec::new() => list(glob()), sample = "[\"vip-*\"]";
        /// Repairs within ten minutes at most.
        max_per_10m: u32 = 5 => integer(0..=10_000);
        /// Repairs within an hour at most.
        max_per_hour: u32 = 20 => integer(0..=10_000);
        /// Repairs within a day at most: "auto" is 1 % of the tenants, and 5 at least.
        max_per_day: Option<u32> = None => or_auto(integer(0..=100_000));
        /// How long a tenant is left alone after a repair; four times as long after one that failed.
        cooldown: Duration = Duration::from_secs(15 * 60) => duration();
        /// How long a repair may take to show that it helped.
        verify_for: Duration = Duration::from_secs(180) => duration();
    }
}
