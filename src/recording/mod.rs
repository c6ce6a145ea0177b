//! The complete evidence of a round in a file, to be judged again offline: gzipped JSON lines, versioned, without
//! secrets. Reads and writes; judges nothing.
//!
//! The first line says what it is, then come what a baseline said of each tenant, the trust anchors, what the fleet showed,
//! each chain, each tenant, and a last line that counts, so that a file which was cut off is told from a whole one.

mod read;
mod spool;
mod write;

use jiff::Timestamp;
use roundsman_checks::evidence::ChainId;
use roundsman_checks::world::{CertificateChain, TenantEvidence, World};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use thiserror::Error;

use crate::gate::{GatePolicy, Known};

#[cfg(feature = "fuzzing")]
pub(crate) use read::parse;
pub use read::read;
pub use spool::Spooling;
pub use write::Recorder;

/// Everything that a report is made of.
#[derive(Clone, Debug)]
pub struct Recording {
    /// When the round began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// What decided the exit code.
    pub demand: GatePolicy,
    /// The trust anchors, as DER.
    pub roots: CertificateChain,
    /// What was seen.
    pub world: World,
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head {
    recording: String,
    roundsman: String,
    started_at: Timestamp,
    finished_at: Timestamp,
    /// What a baseline in it said of tenants has lines of its own.
    demand: GatePolicy,
}

/// Every other line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    /// What a baseline said of one tenant.
    Baseline(String, Known),
    /// The trust anchors.
    Roots(CertificateChain),
    /// The world without its tenants and chains.
    World(Box<World>),
    /// One chain.
    Chain(ChainId, Arc<CertificateChain>),
    /// One tenant.
    Tenant(Box<TenantEvidence>),
    /// That nothing is missing.
    End {
        /// How many chains there are.
        chains: usize,
        /// How many tenants there are.
        tenants: usize,
        /// Of how many tenants a baseline spoke, where there was one.
        #[serde(default, skip_serializing_if = "is_zero")]
        baseline: usize,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Why a file is no recording, or can't be one; exit code 2.
#[derive(Debug, Error)]
pub enum RecordingError {
    /// It can't be read.
    #[error("{path}: {source}; name a file that `roundsman verify --record FILE` wrote")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It can't be written.
    #[error("--record {path}: {source}; name a file in a directory that exists and can be written")]
    Unwritable {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is something else.
    #[error("{path} is no recording of roundsman ({why}): `roundsman verify --record {path}` writes one")]
    Foreign {
        /// The file.
        path: String,
        /// What gives it away.
        why: String,
    },
    /// It was written by another version.
    #[error("{path} is a `{found}`, and this version reads {ours} and older ones: judge it with the version that wrote it ({by})", ours = crate::schema::RECORDING)]
    Version {
        /// The file.
        path: String,
        /// Its format.
        found: String,
        /// Who wrote it.
        by: String,
    },
    /// It ends too early, or a part of it is damaged.
    #[error("{path}, line {line}: {why}; the file is damaged or was cut off, record again")]
    Damaged {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        why: String,
    },
}

#[cfg(test)]
mod tests;
