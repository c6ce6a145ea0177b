//! The faults that are staged together, found by tenant without walking all of them.

use std::collections::HashMap;
use std::net::IpAddr;

use super::{Fault, Targeted, Throttle};

/// A set of faults. Two faults are the same when they are written the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct FaultSet {
    general: Vec<Fault>,
    tenants: HashMap<String, Vec<Fault>>,
}

impl FaultSet {
    pub(crate) fn new(faults: &[Fault]) -> Self {
        let mut set = Self::default();
        for fault in faults {
            let list = match fault.tenant() {
                Some(tenant) => set.tenants.entry(tenant.to_ascii_lowercase()).or_default(),
                None => &mut set.general,
            };
            list.push(fault.clone());
        }
        set
    }

    /// The faults of one tenant.
    pub(crate) fn of(&self, tenant: &str) -> &[Fault] {
        self.tenants.get(tenant).map_or(&[], Vec::as_slice)
    }

    /// A tenant's fault of this name.
    pub(crate) fn at(&self, tenant: &str, cause: &str) -> Option<&Fault> {
        self.of(tenant).iter().find(|fault| fault.cause() == cause)
    }

    /// Every fault of a tenant.
    pub(crate) fn of_tenants(&self) -> impl Iterator<Item = (&str, &Fault)> {
        self.tenants
            .iter()
            .flat_map(|(tenant, faults)| faults.iter().map(move |fault| (tenant.as_str(), fault)))
    }

    /// The tenants that have a fault.
    pub(crate) fn tenants(&self) -> impl Iterator<Item = &str> {
        self.tenants.keys().map(String::as_str)
    }

    /// The faults that hit everybody.
    pub(crate) fn general(&self) -> &[Fault] {
        &self.general
    }

    /// A fault of this name that hits everybody.
    pub(crate) fn everywhere(&self, cause: &str) -> Option<&Fault> {
        self.general.iter().find(|fault| fault.cause() == cause)
    }

    /// How an edge address fails under the faults of this name.
    pub(crate) fn edge<'a>(&'a self, cause: &str, default: &'a str, address: IpAddr) -> Option<&'a str> {
        self.general
            .iter()
            .filter(|fault| fault.cause() == cause)
            .filter_map(|fault| Targeted::read(fault.word(), default))
            .find(|target| target.hits(address))
            .map(|target| target.how)
    }

    /// The limit on handshakes, if there is one.
    pub(crate) fn throttle(&self) -> Option<Throttle> {
        self.everywhere("edge-throttled")
            .and_then(|fault| fault.word().parse().ok())
    }

    /// How many seconds the lab's clock is ahead of the machine's.
    pub(crate) fn clock_offset(&self) -> i64 {
        const DEFAULT: i64 = 400 * 86_400;
        self.everywhere("clock-wrong")
            .map_or(0, |fault| fault.number_or(DEFAULT))
    }
}
