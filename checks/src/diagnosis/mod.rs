//! From findings to causes, pure: each tenant is judged against the fleet, what tenants have in common is summed, what is
//! shared is proven and each tenant explained by it, else by its own. [`diagnose`] composes that for a whole world.

mod action;
mod agent;
mod agent_platform;
mod assemble;
mod catalog;
mod cause;
mod correlation;
mod explain;
mod fact;
mod fleet_answer;
mod fleet_certificate;
mod fleet_dns;
mod fleet_edge;
mod fleet_findings;
mod fleet_platform;
mod follow_up;
mod guidance;
mod instruction;
mod judgement;
mod object;
mod proof;
mod refutation;
mod rules;
mod shared;
mod tenant_answer;
mod tenant_certificate;
mod tenant_dns;
mod tenant_facts;
mod tenant_override;
mod tenant_platform;
mod tenant_release;
mod tenant_replay;
mod tenant_rules;
mod totals;
#[cfg(test)]
mod wording;

pub use action::{Action, CommandLine, PlatformStep, RecordRef, Records, Remedy, Step, Wait};
pub use agent::OFF as CLOCK_OFF;
pub use assemble::{conclude, diagnose, entries_of, findings_of, fleet_findings};
pub use catalog::{Cause, Row};
pub use cause::{Class, Effect, Scope, Severity, Shown, UnknownCause};
pub use explain::{Blame, Overlay, explain};
pub use fact::{AgentFact, AnswerFact, AppFact, CertificateFact, DnsFact, EdgeFact, Fact, HandshakeNow, Heard};
pub use follow_up::FollowUp;
#[cfg(feature = "probe")]
pub(crate) use follow_up::{follow_ups, of_fleet as fleet_follow_ups};
pub use guidance::Guidance;
pub use instruction::{Form, Instruction};
pub use judgement::{Explanation, Judgement, judge};
pub use object::{Api, Object};
pub use proof::{CauseEntry, Confidence, Diagnosis, FleetDetail, FleetFinding, Status, TenantVerdict};
pub use shared::{Shared, prove};
pub use tenant_facts::{CheckSet, TenantFacts};
pub use totals::Totals;

use proof::Proof;
