//! Whom we watch: the domain and its tenants. Knows nothing of how they were found.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hasher as _;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use thiserror::Error;

/// Longest label of a host name in octets (RFC 1035, section 2.3.4).
pub const MAX_LABEL: usize = 63;
/// Longest host name in presentation form without the trailing dot (RFC 1035, section 2.3.4).
pub const MAX_NAME: usize = 253;

/// Why a text is no host name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing stands there, or two dots follow each other.
    #[error("`{0}` has an empty label")]
    Empty(String),
    /// A label is longer than DNS allows.
    #[error("`{0}` has a label of more than {MAX_LABEL} octets")]
    LongLabel(String),
    /// The whole name is longer than DNS allows.
    #[error("`{0}` is longer than {MAX_NAME} octets")]
    LongName(String),
    /// A character that no host name holds.
    #[error(
        "`{name}` holds `{character}`: a host name has letters, digits, `-` and dots (an international name is written as punycode, `xn--…`)"
    )]
    Character {
        /// The text.
        name: String,
        /// The first character that does not fit.
        character: char,
    },
    /// A label begins or ends with a hyphen.
    #[error("a label of `{0}` begins or ends with `-`")]
    Hyphen(String),
    /// One label stands where a domain of two or more is needed.
    #[error("`{0}` is a single label: a domain has at least two, as in `example.com`")]
    SingleLabel(String),
}

/// A host name in lower case without the trailing dot (RFC 952, RFC 1123 section 2.1; `_` is allowed as in practice).
///
/// ```
/// # use roundsman_checks::Hostname;
/// # fn main() -> Result<(), roundsman_checks::target::NameError> {
/// let domain = Hostname::parse("Example.COM.")?;
/// assert_eq!(domain.as_str(), "example.com");
/// assert!(domain.child("abc123")?.is_within(&domain));
/// assert!(Hostname::parse("under the sea").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hostname(String);

impl Hostname {
    /// Reads a host name. Upper case is folded and one trailing dot dropped.
    ///
    /// # Errors
    /// [`NameError`] where the text is no host name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if name.len() > MAX_NAME {
            return Err(NameError::LongName(name));
        }
        for label in name.split('.') {
            check_label(&name, label)?;
        }
        Ok(Self(name))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this name is `domain` itself or lies below it.
    #[must_use]
    pub fn is_within(&self, domain: &Hostname) -> bool {
        self.0 == domain.0 || self.0.strip_suffix(&domain.0).is_some_and(|rest| rest.ends_with('.'))
    }

    /// `label.self`.
    ///
    /// # Errors
    /// [`NameError`] where the label is none or the name grows too long.
    pub fn child(&self, label: &str) -> Result<Self, NameError> {
        Self::parse(&format!("{label}.{self}"))
    }
}

fn check_label(name: &str, label: &str) -> Result<(), NameError> {
    if label.is_empty() {
        return Err(NameError::Empty(name.to_owned()));
    }
    if label.len() > MAX_LABEL {
        return Err(NameError::LongLabel(name.to_owned()));
    }
    if let Some(character) = label
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || *c == '-' || *c == '_'))
    {
        return Err(NameError::Character {
            name: name.to_owned(),
            character,
        });
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(NameError::Hyphen(name.to_owned()));
    }
    Ok(())
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Hostname {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<Hostname> for String {
    fn from(name: Hostname) -> Self {
        name.0
    }
}

/// Identifies a tenant in inventories, reports and metrics. An opaque text; for a tenant under the wildcard it is the
/// first label of the host name unless the inventory says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(String);

impl TenantId {
    /// Takes any text as an id.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A number that spreads tenants evenly over whatever they share: servers, addresses, the seconds of an interval.
    /// SipHash-1-3 with a key of our own, so that it is the same on every machine and in every version: a schedule that
    /// goes by it must not move.
    ///
    /// ```
    /// # use roundsman_checks::TenantId;
    /// let second = |id| TenantId::new(id).spread() % 300;
    /// assert_eq!([second("abc123"), second("def456")], [59, 46]);
    /// ```
    #[must_use]
    pub fn spread(&self) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(SPREAD_KEY.0, SPREAD_KEY.1);
        hasher.write(self.0.as_bytes());
        hasher.finish()
    }
}

/// The key of [`TenantId::spread`]: `roundsman-spread` as two numbers. It never changes.
const SPREAD_KEY: (u64, u64) = (u64::from_le_bytes(*b"roundsma"), u64::from_le_bytes(*b"n-spread"));

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One tenant to verify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// The tenant's id.
    pub id: TenantId,
    /// The name that users ask for, below the domain.
    pub hostname: Hostname,
    /// The tenant's app on the platform, `prefix + id` unless the inventory says otherwise.
    pub app: String,
    /// Free labels of the inventory, for overrides, `--label` and routes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The inventory's status word, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Expected not to run: only `dns` and `conflicts` are judged.
    #[serde(default)]
    pub inactive: bool,
    /// Asked for by name while no source of the inventory names it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unlisted: bool,
}

impl Tenant {
    /// A tenant whose id is the first label of its host name and the name of its app; everything else can be set.
    ///
    /// # Errors
    /// [`NameError`] where the id is no label, or the name grows too long.
    ///
    /// ```
    /// # use roundsman_checks::{Hostname, Tenant};
    /// # fn main() -> Result<(), roundsman_checks::target::NameError> {
    /// let tenant = Tenant::below(&Hostname::parse("example.com")?, "abc123")?;
    /// assert_eq!(tenant.hostname.as_str(), "abc123.example.com");
    /// # Ok(())
    /// # }
    /// ```
    pub fn below(domain: &Hostname, id: &str) -> Result<Self, NameError> {
        Ok(Self {
            id: TenantId::new(id),
            hostname: domain.child(id)?,
            app: id.to_owned(),
            labels: BTreeMap::new(),
            status: None,
            inactive: false,
            unlisted: false,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn folds_case_and_drops_the_trailing_dot() {
        assert_eq!(Hostname::parse("A.Example.COM.").unwrap().as_str(), "a.example.com");
    }

    #[test]
    fn tenants_are_spread_as_they_always_were() {
        // By an independent implementation of SipHash-1-3.
        let expected = [
            ("abc123", 0xed12_75db_66f0_227f),
            ("q7f9", 0x6c24_27d7_4114_415f),
            ("", 0xfbe9_fd96_4962_cac2),
        ];
        assert_eq!(expected.map(|(id, _)| (id, TenantId::new(id).spread())), expected);
    }

    #[test]
    fn a_name_that_merely_ends_alike_is_not_within_the_domain() {
        let domain = Hostname::parse("example.com").unwrap();
        assert!(Hostname::parse("a.example.com").unwrap().is_within(&domain));
        assert!(domain.is_within(&domain));
        assert!(!Hostname::parse("a.notexample.com").unwrap().is_within(&domain));
    }

    #[test]
    fn refuses_what_is_no_host_name() {
        assert_eq!(Hostname::parse("a..b"), Err(NameError::Empty("a..b".into())));
        assert!(matches!(
            Hostname::parse("a b.c"),
            Err(NameError::Character { character: ' ', .. })
        ));
        assert!(matches!(Hostname::parse(&"a".repeat(64)), Err(NameError::LongLabel(_))));
        assert!(matches!(Hostname::parse("-a.b"), Err(NameError::Hyphen(_))));
    }
}
