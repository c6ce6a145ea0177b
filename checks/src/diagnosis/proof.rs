//! What a rule hands back when it applies, and what a diagnosis consists of. Plain data.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::action::Remedy;
use super::fact::Fact;
use super::object::Object;
use super::{Cause, FollowUp, Scope};
use crate::check::Findings;
use crate::evidence::Reason;
use crate::finding::{Check, Finding, FleetCheck, Outcome};
use crate::reading::Lifetime;
use crate::target::TenantId;

/// How sure a cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// The evidence is direct.
    Confirmed,
    /// It fits best; the word that would settle it could not be had.
    Likely,
}

/// That a rule applies, and to what.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Proof {
    /// The guilty object: what several proofs of one cause are merged by.
    pub object: Object,
    /// What it does to the check that it belongs to.
    pub outcome: Outcome,
    pub reason: Option<Reason>,
    pub confidence: Confidence,
    /// The facts that prove it, the most telling first.
    pub evidence: Vec<Fact>,
    pub remedy: Vec<Remedy>,
    /// The one check that it explains; `None`: all that its table is about.
    pub only: Option<Check>,
}

impl Proof {
    pub(super) fn fail(object: Object, evidence: Vec<Fact>) -> Self {
        Self {
            object,
            outcome: Outcome::Fail,
            reason: None,
            confidence: Confidence::Confirmed,
            evidence,
            remedy: Vec::new(),
            only: None,
        }
    }

    pub(super) fn only(mut self, check: Check) -> Self {
        self.only = Some(check);
        self
    }

    pub(super) fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    pub(super) fn because(mut self, reason: impl Into<Option<Reason>>) -> Self {
        self.reason = reason.into();
        self
    }

    pub(super) fn likely(mut self) -> Self {
        self.confidence = Confidence::Likely;
        self
    }

    pub(super) fn remedy(mut self, remedy: Remedy) -> Self {
        self.remedy.push(remedy);
        self
    }
}

/// One cause with all that it explains: an entry per guilty object.
#[derive(Clone, Debug, PartialEq)]
pub struct CauseEntry {
    /// What is wrong.
    pub cause: Cause,
    /// Whom it concerns.
    pub scope: Scope,
    /// The guilty object.
    pub object: Object,
    /// `Fail`, `Warn`, or `Unknown` where it only hides.
    pub outcome: Outcome,
    /// How sure it is.
    pub confidence: Confidence,
    /// The tenants that it explains.
    pub tenants: BTreeSet<TenantId>,
    /// The facts that prove it, the most telling first.
    pub evidence: Vec<Fact>,
    /// What to do about it.
    pub remedy: Vec<Remedy>,
}

/// How a tenant is, by its outcomes alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nothing that was looked at is wrong.
    Healthy,
    /// It works, and something needs a look.
    Degraded,
    /// Something could not be looked at, and nothing known is broken.
    Unknown,
    /// Something is broken.
    Failing,
}

impl Status {
    /// The worst outcome decides: fail, unknown, warn; six skipped checks say nothing.
    #[must_use]
    pub fn of(findings: &Findings) -> Self {
        Self::of_outcomes(Check::ALL.map(|check| findings.of(check).outcome))
    }

    /// The same by how the checks ended.
    #[must_use]
    pub fn of_outcomes(outcomes: [Outcome; Check::COUNT]) -> Self {
        let has = |outcome| outcomes.contains(&outcome);
        if has(Outcome::Fail) {
            Self::Failing
        } else if has(Outcome::Unknown) || !(has(Outcome::Warn) || has(Outcome::Pass)) {
            Self::Unknown
        } else if has(Outcome::Warn) {
            Self::Degraded
        } else {
            Self::Healthy
        }
    }
}

/// As in reports.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unknown => "unknown",
            Self::Failing => "failing",
        })
    }
}

/// What is said of one tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantVerdict {
    /// Whom it is about.
    pub tenant: TenantId,
    /// How it is.
    pub status: Status,
    /// The first cause that breaks it, in the order of checks.
    pub cause: Option<Cause>,
    /// Which cause explains which check; of several for one check the first decides.
    pub explained: Vec<(Check, Cause)>,
    /// All six checks.
    pub findings: Findings,
}

/// What one fleet check says.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetFinding {
    /// The check.
    pub check: FleetCheck,
    /// How it ended.
    pub finding: Finding,
    /// The cause that decided it, where one did.
    pub cause: Option<Cause>,
    /// What a short form tells of it besides, where it passed.
    pub detail: Option<FleetDetail>,
}

/// What a short form tells of a fleet check that passed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FleetDetail {
    /// How much of the wildcard certificate's lifetime is left.
    Lifetime(Lifetime),
    /// The families of the edge's addresses that were looked at.
    Families {
        /// Whether an IPv4 address was.
        v4: bool,
        /// Whether an IPv6 address was.
        v6: bool,
        /// Whether the agent lacks a family that the edge has.
        lacking: bool,
    },
    /// The wildcard goes through the CDN's proxy: that path was not verified.
    ThroughProxy,
    /// How many resolvers give every name something else than the zone's servers do, and the first of them.
    ResolverDiffers {
        /// The first.
        resolver: SocketAddr,
        /// How many there are besides.
        others: usize,
    },
}

/// Everything that a world means.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// The fleet checks.
    pub fleet: Vec<FleetFinding>,
    /// The causes: agent, fleet, tenant; failures first.
    pub causes: Vec<CauseEntry>,
    /// The tenants in the order of the world.
    pub tenants: Vec<TenantVerdict>,
    /// What would settle what is open, in the order in which it should be asked.
    pub follow_ups: Vec<FollowUp>,
}
