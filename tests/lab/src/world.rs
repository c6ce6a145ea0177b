//! The healthy world: the domain, its tenants and its edge. It never changes while a lab runs.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use hickory_proto::rr::Name;

use crate::error::LabError;
use crate::options::LabOptions;

/// What faults are applied to.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) domain: String,
    pub(crate) apex: Name,
    pub(crate) tenants: Vec<String>,
    pub(crate) edge_addresses: Vec<IpAddr>,
    pub(crate) identity_header: bool,
    pub(crate) platform: bool,
    pub(crate) log_delay: Duration,
    positions: HashMap<String, usize>,
}

impl World {
    pub(crate) fn new(options: &LabOptions) -> Result<Self, LabError> {
        let domain = options.domain.trim_end_matches('.').to_ascii_lowercase();
        let no_name = || LabError::Name(domain.clone());
        let apex = Name::from_ascii(format!("{domain}.")).map_err(|_| no_name())?;
        for tenant in &options.tenants {
            let fits = !tenant.contains('.') && apex.prepend_label(tenant.as_str()).is_ok();
            if !fits {
                return Err(LabError::Name(tenant.clone()));
            }
        }
        let tenants: Vec<_> = options.tenants.iter().map(|id| id.to_ascii_lowercase()).collect();
        Ok(Self {
            domain,
            apex,
            positions: tenants.iter().cloned().enumerate().map(|(at, id)| (id, at)).collect(),
            tenants,
            edge_addresses: options.edge_addresses.clone(),
            identity_header: options.identity_header,
            log_delay: options.log_delay,
            platform: options.platform || options.platform_inventory,
        })
    }

    /// The label below the domain, where a host name has exactly one.
    pub(crate) fn label_of<'a>(&self, host: &'a str) -> Option<&'a str> {
        let host = host.strip_suffix('.').unwrap_or(host);
        let cut = host.len().checked_sub(self.domain.len() + 1)?;
        let (label, rest) = (host.get(..cut)?, host.get(cut + 1..)?);
        let below = host.as_bytes()[cut] == b'.' && rest.eq_ignore_ascii_case(&self.domain);
        (below && !label.is_empty() && !label.contains('.')).then_some(label)
    }

    /// The tenant that a host name belongs to.
    pub(crate) fn tenant_of(&self, host: &str) -> Option<&str> {
        self.tenant(self.label_of(host)?)
    }

    /// The tenant of this id, in whatever case it is written.
    pub(crate) fn tenant(&self, id: &str) -> Option<&str> {
        self.position(id).map(|at| self.tenants[at].as_str())
    }

    /// Where a tenant stands in the list.
    pub(crate) fn position(&self, id: &str) -> Option<usize> {
        match self.positions.get(id) {
            Some(at) => Some(*at),
            None => self.positions.get(&id.to_ascii_lowercase()).copied(),
        }
    }

    /// A tenant's host name.
    pub(crate) fn host(&self, tenant: &str) -> String {
        format!("{tenant}.{}", self.domain)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may end at once")]

    use super::World;
    use crate::options::LabOptions;

    #[test]
    fn finds_tenants_one_label_below_the_domain_only() {
        let world = World::new(&LabOptions::default()).unwrap();
        assert_eq!(world.tenant_of("Q7F9.Tenants.TEST"), Some("q7f9"));
        assert_eq!(world.tenant_of("q7f9.tenants.test."), Some("q7f9"));
        for host in [
            "tenants.test",
            "a.q7f9.tenants.test",
            "q7f9xtenants.test",
            "nobody.tenants.test",
        ] {
            assert_eq!(world.tenant_of(host), None, "{host}");
        }
    }
}
