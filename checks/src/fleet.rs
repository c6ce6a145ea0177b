//! What all tenants share: the looks at zone, edge and vantage, the platform's word and the directory of tenants, with
//! what follows from them for each tenant. Owned, so that it can be handed to many workers at once.

mod chains;
mod compare;
mod context;
mod directory;

pub use chains::{ChainKey, ChainStore};
pub use context::{FleetContext, OtherEdge};
pub use directory::{Directory, GroupKey};

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::evidence::{ApiAnswer, Fault, Platform, VantageEvidence, ZoneEvidence, ZoneRecord};
use crate::expectation::CertificateExpectation;
use crate::finding::Check;
use crate::target::{Hostname, Tenant};
use crate::world::{EdgeEvidence, World};

/// All that tenants share, as it was seen last. Each part is replaced as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    /// The moment of judgement.
    pub now: Timestamp,
    /// The domain whose tenants are verified.
    pub domain: Hostname,
    /// The checks that were asked for.
    pub selected: BTreeSet<Check>,
    /// The agent's own place.
    pub vantage: VantageEvidence,
    /// The zone.
    pub zone: ZoneEvidence,
    /// The edge.
    pub edge: EdgeEvidence,
    /// The certificate thresholds of the wildcard itself.
    pub wildcard: CertificateExpectation,
    /// The platform's word.
    pub platform: ApiAnswer<Arc<Platform>>,
    /// The zone's listing at the DNS provider.
    pub listing: ApiAnswer<Arc<Vec<ZoneRecord>>>,
    /// When the listing was read.
    pub listed_at: Option<Timestamp>,
    /// The zone's id at the DNS provider, where its listing was read.
    pub zone_id: Option<String>,
    /// What the source of the tenants did not answer, or answered wrongly.
    pub inventory: Vec<Fault>,
    /// Every tenant that the inventory knows, also those that are not verified now.
    pub known: Arc<Vec<Arc<Tenant>>>,
}

impl Fleet {
    /// The wildcard's name, `*.DOMAIN`.
    #[must_use]
    pub fn wildcard_name(&self) -> String {
        format!("*.{}", self.domain)
    }
}

impl World {
    /// What its tenants share: the round without them.
    #[must_use]
    pub fn fleet(&self) -> Fleet {
        Fleet {
            now: self.now,
            domain: self.domain.clone(),
            selected: self.selected.clone(),
            vantage: self.vantage.clone(),
            zone: self.zone.clone(),
            edge: self.edge.clone(),
            wildcard: self.wildcard,
            platform: self.platform.clone(),
            listing: self.listing.clone(),
            listed_at: self.listed_at,
            zone_id: self.zone_id.clone(),
            inventory: self.inventory.clone(),
            known: Arc::clone(&self.known),
        }
    }
}
