//! The faults by name: reading them, writing them, and what each can be given as a detail.
//! What a fault *does* is decided where its effect is: `dns::contents` and `edge::behaviour`.

mod catalog;
mod detail;
pub(crate) mod machines;
mod set;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

pub use catalog::{CatalogEntry, Scope};
pub(crate) use detail::{Targeted, Throttle};
pub(crate) use set::FaultSet;

/// One fault: a cause, perhaps the tenant that it hits, perhaps a variant.
///
/// Written as `cause[@tenant][=detail]`:
///
/// ```
/// let fault: roundsman_lab::Fault = "site-status@q7f9=503".parse()?;
/// assert_eq!(fault.cause(), "site-status");
/// assert_eq!(fault.tenant(), Some("q7f9"));
/// assert_eq!(fault.detail(), Some("503"));
/// assert_eq!(fault.to_string(), "site-status@q7f9=503");
/// # Ok::<(), roundsman_lab::FaultError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fault {
    entry: &'static CatalogEntry,
    tenant: Option<String>,
    detail: Option<String>,
}

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// No fault has this name.
    #[error("`{0}` is no fault; `roundsman-lab faults` lists them")]
    Unknown(String),
    /// The fault hits a tenant, and none is named.
    #[error("`{0}` hits a tenant: write `{0}@TENANT`")]
    TenantNeeded(&'static str),
    /// The fault hits everybody, and a tenant is named.
    #[error("`{0}` hits everybody: leave `@{1}` out")]
    TenantForbidden(&'static str, String),
    /// The fault has no such variant.
    #[error("`{cause}` has no variant `{found}`; it takes {expected}")]
    Detail {
        /// The fault.
        cause: &'static str,
        /// What it takes.
        expected: String,
        /// What was given.
        found: String,
    },
}

impl Fault {
    /// Every fault that can be staged, with one line of explanation.
    #[must_use]
    pub fn catalog() -> &'static [CatalogEntry] {
        catalog::CATALOG
    }

    /// The name of what is wrong.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        self.entry.name
    }

    /// The tenant that is hit, if not everybody.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// The variant, if one was given.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// Whether only a lab with the simulated platform can stage it.
    pub(crate) fn needs_platform(&self) -> bool {
        self.entry.platform || (self.cause() == "app-starting" && self.word() == "machine")
    }

    /// The address of the edge that is hit, if not all of them.
    pub(crate) fn target(&self) -> Option<IpAddr> {
        let edge = matches!(self.cause(), "edge-unreachable" | "edge-tls-failing");
        Targeted::read(self.word(), "").filter(|_| edge)?.address
    }

    pub(crate) fn word(&self) -> &str {
        self.detail.as_deref().unwrap_or_default()
    }

    pub(crate) fn number_or(&self, default: i64) -> i64 {
        self.detail
            .as_deref()
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (head, detail) = match text.trim().split_once('=') {
            Some((head, detail)) => (head, Some(detail.to_owned())),
            None => (text.trim(), None),
        };
        let (name, tenant) = match head.split_once('@') {
            Some((name, tenant)) => (name, Some(tenant.to_owned())),
            None => (head, None),
        };
        let entry = catalog::find(name).ok_or_else(|| FaultError::Unknown(name.to_owned()))?;
        match (entry.scope, tenant) {
            (Scope::Tenant, None) => Err(FaultError::TenantNeeded(entry.name)),
            (Scope::Fleet | Scope::Agent, Some(tenant)) => Err(FaultError::TenantForbidden(entry.name, tenant)),
            (_, tenant) => {
                entry.check(detail.as_deref())?;
                Ok(Self { entry, tenant, detail })
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry.name)?;
        if let Some(tenant) = &self.tenant {
            write!(f, "@{tenant}")?;
        }
        if let Some(detail) = &self.detail {
            write!(f, "={detail}")?;
        }
        Ok(())
    }
}

impl TryFrom<String> for Fault {
    type Error = FaultError;

    fn try_from(text: String) -> Result<Self, FaultError> {
        text.parse()
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> Self {
        fault.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, FaultError};

    #[test]
    fn gives_back_what_was_read() {
        for text in [
            "dns-override@q7f9",
            "dns-override@q7f9=both",
            "edge-unreachable=127.0.0.1",
            "edge-unreachable=reset:::1",
            "edge-throttled=5/10/reset",
            "dns-servers-failing=timeout/1",
            "caa-forbids-issuance",
            "caa-forbids-issuance@q7f9",
            "clock-wrong=-34560000",
            "certificate-conflict@q7f9=other:cert-hoarder",
            "app-crashed@q7f9=exit:137",
            "platform-api-unavailable=region:lhr",
            "platform-api-rate-limited=no-header",
        ] {
            assert_eq!(
                text.parse::<Fault>().map(|fault| fault.to_string()).as_deref(),
                Ok(text)
            );
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_fault() {
        let error = |text: &str| text.parse::<Fault>().err();
        assert_eq!(error("dns-typo"), Some(FaultError::Unknown("dns-typo".into())));
        assert_eq!(error("dns-override"), Some(FaultError::TenantNeeded("dns-override")));
        assert_eq!(
            error("dnssec-bogus@a"),
            Some(FaultError::TenantForbidden("dnssec-bogus", "a".into()))
        );
        for text in [
            "dns-blocked@a=nothing",
            "site-status@a=7",
            "edge-throttled=fast",
            "app-crashed@a=exit:x",
        ] {
            assert!(matches!(error(text), Some(FaultError::Detail { .. })), "{text}");
        }
    }

    #[test]
    fn explains_every_fault_once() {
        let mut names: Vec<_> = Fault::catalog().iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(Fault::catalog().iter().all(|entry| !entry.does.is_empty()));
    }
}
