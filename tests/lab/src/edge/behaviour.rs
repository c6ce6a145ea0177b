//! What the edge does with a connection and with a handshake: computed from the world and the
//! faults, and from nothing else.

use std::net::IpAddr;

use crate::fault::{Fault, FaultSet};
use crate::world::World;

pub(crate) const DAY: i64 = 86_400;
pub(crate) const LIFETIME: i64 = 90 * DAY;

/// A certificate and its chain, described before it is made.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CertificateSpec {
    pub(crate) name: String,
    pub(crate) validity: Validity,
    pub(crate) signer: Signer,
    pub(crate) chain: Chain,
    pub(crate) odd: Odd,
    /// How far the clock that the dates are relative to is ahead of the machine's.
    pub(crate) clock_offset: i64,
}

/// The dates of a certificate of 90 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Validity {
    /// 61 % left.
    Healthy,
    /// So many percent left.
    Expiring(u8),
    Expired,
    NotYetValid,
}

impl Validity {
    /// The end of the lifetime.
    pub(crate) fn until(self, now: i64) -> i64 {
        match self {
            Self::Healthy => now + LIFETIME * 61 / 100,
            Self::Expiring(percent) => now + LIFETIME * i64::from(percent) / 100,
            Self::Expired => now - 10 * DAY,
            Self::NotYetValid => now + LIFETIME + 2 * DAY,
        }
    }
}

/// Who signed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Signer {
    Lab,
    OtherRoot,
    Itself,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Chain {
    Full,
    LeafOnly,
    Long,
}

/// What is wrong with a certificate of the chain besides dates of the leaf, its name and its signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Odd {
    Nothing,
    /// The leaf is for clients.
    Client,
    /// The leaf has a critical extension that nobody knows.
    Critical,
    /// The leaf is an authority's.
    Authority,
    /// The intermediate ended yesterday.
    IntermediateExpired,
    /// The intermediate ends in ten days.
    IntermediateExpiring,
    /// The intermediate may issue for other names only.
    Constrained,
}

/// How a connection is ended before there is a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    Eof,
    Reset,
    Alert,
    Silence,
    Plain,
    Drip,
    /// Records for ever that are allowed and mean nothing.
    Records,
    /// Warnings for ever.
    Warnings,
    /// A handshake message of 16 MiB.
    Message,
    /// Handshake messages a byte a record, for ever.
    Crumbs,
}

/// What a tenant that means harm may do within TLS.
pub(crate) const TLS: &[&str] = &["half", "records", "warnings", "message", "crumbs", "tickets"];

/// What follows a ClientHello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Handshake {
    Cut(Cut),
    /// The snapshot's configuration: the wildcard, and both protocols.
    Ordinary,
    Peculiar {
        certificate: CertificateSpec,
        http1_only: bool,
    },
}

/// What an address of the edge does with connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Open,
    /// Accepts and resets.
    Resets,
    /// Refuses.
    Closed,
    /// Lets connections wait until the client gives up.
    Stuck,
}

/// What this address does with connections.
pub(crate) fn door(faults: &FaultSet, address: IpAddr) -> Door {
    if faults.everywhere("vantage-offline").is_some() || faults.everywhere("edge-missing").is_some() {
        return Door::Closed;
    }
    match faults.edge("edge-unreachable", "closed", address) {
        None => Door::Open,
        Some("reset") => Door::Resets,
        Some("timeout") => Door::Stuck,
        Some(_) => Door::Closed,
    }
}

/// What follows a ClientHello with this name at this address.
pub(crate) fn handshake(world: &World, faults: &FaultSet, address: IpAddr, name: Option<&str>) -> Handshake {
    match faults.edge("edge-tls-failing", "eof", address) {
        Some("reset") => return Handshake::Cut(Cut::Reset),
        Some("alert") => return Handshake::Cut(Cut::Alert),
        Some(_) => return Handshake::Cut(Cut::Eof),
        None => {}
    }
    // The wildcard covers one label. Who asks for anything else gets no certificate at all.
    let Some(label) = name.and_then(|name| world.label_of(name)) else {
        return Handshake::Cut(Cut::Eof);
    };
    let Some(tenant) = world.tenant(label) else {
        return Handshake::Ordinary;
    };
    if let Some(cut) = faults.of(tenant).iter().find_map(cut) {
        return Handshake::Cut(cut);
    }
    let own = own_certificate(world, faults, tenant);
    let http1_only = ["site-protocol", "http1-hostile"];
    let http1_only = http1_only.iter().any(|cause| faults.at(tenant, cause).is_some());
    if own.is_none() && !http1_only {
        return Handshake::Ordinary;
    }
    let certificate = own.unwrap_or_else(|| wildcard_certificate(world, faults));
    Handshake::Peculiar {
        certificate,
        http1_only,
    }
}

fn cut(fault: &Fault) -> Option<Cut> {
    Some(match (fault.cause(), fault.word()) {
        ("tls-eof", _) => Cut::Eof,
        ("tls-reset", _) => Cut::Reset,
        ("tls-alert", _) => Cut::Alert,
        ("tls-timeout", _) => Cut::Silence,
        ("tls-plain", _) => Cut::Plain,
        ("slow-drip", "tls") => Cut::Drip,
        ("tls-hostile", "warnings") => Cut::Warnings,
        ("tls-hostile", "message") => Cut::Message,
        ("tls-hostile", "crumbs") => Cut::Crumbs,
        ("tls-hostile", "records" | "") => Cut::Records,
        _ => return None,
    })
}

/// Whether the name is for clients with a certificate alone.
pub(crate) fn is_for_clients_with_certificate(world: &World, faults: &FaultSet, name: Option<&str>) -> bool {
    let tenant = name.and_then(|name| world.tenant(world.label_of(name)?));
    tenant.is_some_and(|tenant| faults.at(tenant, "tls-client-certificate").is_some())
}

/// What is odd about a handshake that is done all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Ordinary,
    /// It stops halfway through the server's first flight.
    Halfway,
    /// Thousands of session tickets follow it.
    Tickets,
}

/// How a handshake with this name goes on.
pub(crate) fn manner(world: &World, faults: &FaultSet, name: Option<&str>) -> Manner {
    let tenant = name.and_then(|name| world.tenant(world.label_of(name)?));
    match tenant.and_then(|tenant| Some(faults.at(tenant, "tls-hostile")?.word())) {
        Some("half") => Manner::Halfway,
        Some("tickets") => Manner::Tickets,
        _ => Manner::Ordinary,
    }
}

/// The wildcard certificate that the edge holds.
pub(crate) fn wildcard_certificate(world: &World, faults: &FaultSet) -> CertificateSpec {
    let mut spec = healthy(format!("*.{}", world.domain), faults);
    for fault in faults.general() {
        if let Some(flaw) = fault.cause().strip_prefix("wildcard-") {
            flawed(&mut spec, flaw, fault);
        }
    }
    spec
}

/// The explicit certificate that the edge holds for a tenant, if there is one.
pub(crate) fn own_certificate(world: &World, faults: &FaultSet, tenant: &str) -> Option<CertificateSpec> {
    let mut spec = healthy(world.host(tenant), faults);
    let flaws = faults
        .of(tenant)
        .iter()
        .filter(|fault| flawed(&mut spec, fault.cause(), fault));
    (flaws.count() > 0).then_some(spec)
}

/// A certificate that nothing is wrong with.
pub(crate) fn healthy(name: String, faults: &FaultSet) -> CertificateSpec {
    CertificateSpec {
        name,
        validity: Validity::Healthy,
        signer: Signer::Lab,
        chain: Chain::Full,
        odd: Odd::Nothing,
        clock_offset: faults.clock_offset(),
    }
}

/// Applies what is wrong with a certificate; says whether this is about certificates at all.
fn flawed(spec: &mut CertificateSpec, flaw: &str, fault: &Fault) -> bool {
    match flaw {
        "certificate-expiring" if fault.word() == "intermediate" => spec.odd = Odd::IntermediateExpiring,
        "certificate-expiring" => {
            let percent = u8::try_from(fault.number_or(8)).unwrap_or(8);
            spec.validity = Validity::Expiring(percent);
        }
        "certificate-expired" if fault.word() == "intermediate" => spec.odd = Odd::IntermediateExpired,
        "certificate-expired" => spec.validity = Validity::Expired,
        "certificate-not-yet-valid" => spec.validity = Validity::NotYetValid,
        "certificate-name-mismatch" => spec.name = "*.elsewhere.example".into(),
        "certificate-untrusted" => match fault.word() {
            "self-signed" => spec.signer = Signer::Itself,
            "client" => spec.odd = Odd::Client,
            "critical" => spec.odd = Odd::Critical,
            "authority" => spec.odd = Odd::Authority,
            "constrained" => spec.odd = Odd::Constrained,
            _ => spec.signer = Signer::OtherRoot,
        },
        "certificate-chain-incomplete" => spec.chain = Chain::LeafOnly,
        "long-chain" => spec.chain = Chain::Long,
        _ => return false,
    }
    true
}
