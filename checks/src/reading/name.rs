//! Names as others write them, compared with the domain: label by label, never by how they end.

use crate::target::Hostname;

/// Whether `name` is `ancestor` or lies below it.
#[must_use]
pub fn is_or_below(name: &str, ancestor: &str) -> bool {
    name == ancestor || name.strip_suffix(ancestor).is_some_and(|rest| rest.ends_with('.'))
}

/// Whether a certificate's name is the domain, lies below it, or is its wildcard. A name that merely ends alike is not.
#[must_use]
pub fn is_under(hostname: &str, domain: &Hostname) -> bool {
    is_or_below(hostname.strip_prefix("*.").unwrap_or(hostname), domain.as_str())
}
