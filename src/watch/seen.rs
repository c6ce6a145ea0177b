//! What an operator asks first: what is not as it was when all was well. Kept small, for every tenant.

use std::net::IpAddr;

use roundsman_checks::check::DnsAnswer;
use roundsman_checks::evidence::ChainId;
use roundsman_checks::fleet::FleetContext;
use roundsman_checks::world::TenantEvidence;
use serde::{Deserialize, Serialize};

/// What could be seen of a tenant at one look, as far as it is worth comparing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Where DNS leads; `None`: not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Box<[IpAddr]>>,
    /// The leaf that is served: who issued it, and until when it is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<(ChainId, Box<str>)>,
    /// The images that its machines run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Box<str>>,
}

impl Seen {
    /// What one examination saw.
    #[must_use]
    pub fn of(context: &FleetContext, evidence: &TenantEvidence) -> Self {
        let (_, answer) = context.tenant_answer(evidence);
        let addresses = match &answer {
            DnsAnswer::Addresses { addresses, .. } => Some(addresses.iter().copied().collect()),
            _ => None,
        };
        let served = evidence.visit();
        let certificate = served.and_then(|visit| {
            let facts = context.facts(visit)?;
            let told = format!("{}, until {}", facts.issuer, day(facts.not_after));
            Some((visit.handshake.chain?, told.into()))
        });
        let app = context.platform().and_then(|platform| evidence.told(platform).app);
        let image = app.map(|app| {
            let mut images = app
                .machines
                .iter()
                .filter_map(|machine| machine.image.as_deref())
                .collect::<Vec<_>>();
            images.sort_unstable();
            images.dedup();
            images.join(", ")
        });
        Self {
            addresses,
            certificate,
            image: image.filter(|image| !image.is_empty()).map(Into::into),
        }
    }

    /// What is not as it was at `before`, in a line; nothing where nothing is known to have changed. What was not seen
    /// did not change.
    #[must_use]
    pub fn changed_since(&self, before: &Self) -> Option<String> {
        let mut changes = Vec::new();
        if let (Some(before), Some(now)) = (&before.addresses, &self.addresses)
            && before != now
        {
            changes.push(format!("address {} → {}", joined(before), joined(now)));
        }
        if let (Some(before), Some(now)) = (&before.certificate, &self.certificate)
            && before.0 != now.0
        {
            changes.push(format!("certificate {} → {}", before.1, now.1));
        }
        if let (Some(before), Some(now)) = (&before.image, &self.image)
            && before != now
        {
            changes.push(format!("image {before} → {now}"));
        }
        (!changes.is_empty()).then(|| changes.join("; "))
    }
}

fn joined(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn day(moment: jiff::Timestamp) -> String {
    moment.to_string().chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_said_and_what_was_not_seen_did_not_change() {
        let good = Seen {
            addresses: Some([IpAddr::from([198, 51, 100, 7])].into()),
            certificate: None,
            image: Some("app:v42".into()),
        };
        let now = Seen {
            addresses: Some([IpAddr::from([203, 0, 113, 9])].into()),
            certificate: Some((ChainId::of([b"chain"]), "E7, until 2027-01-24".into())),
            image: Some("app:v43".into()),
        };
        let told = "address 198.51.100.7 → 203.0.113.9; image app:v42 → app:v43";
        assert_eq!(now.changed_since(&good).as_deref(), Some(told));
        assert_eq!(Seen::default().changed_since(&good), None);
    }
}
