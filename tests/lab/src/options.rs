//! What a lab consists of before anything is broken in it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// The key of the lab's root certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RootKey {
    /// A P-256 key, and the intermediate has one, too: the chain that is cheapest to verify.
    P256,
    /// A P-384 key: made in a moment.
    #[default]
    P384,
    /// An RSA key of 4096 bits, as the public CAs have: takes seconds to make, and costs a client
    /// what verifying a chain of today costs.
    Rsa4096,
}

/// How to build a lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabOptions {
    /// The domain that the tenants live under.
    pub domain: String,
    /// The ids of the tenants.
    pub tenants: Vec<String>,
    /// The addresses of the edge, all loopback. One port is used on all of them.
    pub edge_addresses: Vec<IpAddr>,
    /// The kind of root key.
    pub root_key: RootKey,
    /// Whether healthy answers tell the tenant in `x-sp-app`. Without it only the issuer document
    /// identifies who answered.
    pub identity_header: bool,
    /// Whether a third authoritative server listens on `::1`.
    pub dns_v6: bool,
    /// Whether the platform's and the DNS provider's APIs are simulated, and the tenant apps can
    /// be reached directly.
    pub platform: bool,
    /// Whether the written configuration leaves tenants and edge addresses to the platform, which
    /// is then simulated in any case.
    pub platform_inventory: bool,
    /// How long after it was written a line of a log can be read.
    pub log_delay: Duration,
}

impl LabOptions {
    /// The default lab with the simulated platform.
    #[must_use]
    pub fn with_platform() -> Self {
        Self {
            platform: true,
            ..Self::default()
        }
    }

    /// The default lab with `count` tenants called `t0001`, `t0002`, …
    #[must_use]
    pub fn with_tenants(count: usize) -> Self {
        Self {
            tenants: (1..=count).map(|n| format!("t{n:04}")).collect(),
            ..Self::default()
        }
    }
}

impl Default for LabOptions {
    fn default() -> Self {
        Self {
            domain: "tenants.test".into(),
            tenants: DEFAULT_TENANTS.map(String::from).to_vec(),
            edge_addresses: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            root_key: RootKey::default(),
            identity_header: true,
            dns_v6: false,
            platform: false,
            platform_inventory: false,
            log_delay: Duration::from_secs(1),
        }
    }
}

/// A dozen, with ids as short as the platform's own.
const DEFAULT_TENANTS: [&str; 12] = [
    "q7f9", "a3b1", "c04e", "d9a2", "e51f", "f8c3", "b6d0", "7e2a", "91cc", "3fa8", "5b7d", "0d4e",
];
