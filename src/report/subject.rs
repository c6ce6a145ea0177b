//! Whom a fact is about: among facts of several tenants each begins with the tenant or the app that it speaks of. Knows no
//! form.

use std::collections::HashMap;

use roundsman_checks::diagnosis::{Fact, Scope};
use roundsman_checks::target::{Tenant, TenantId};

use super::json::{CauseLine, Report};

/// How the tenants of a report are called.
pub(super) struct Subjects<'r>(HashMap<&'r TenantId, &'r Tenant>);

impl<'r> Subjects<'r> {
    pub(super) fn of(report: &'r Report<'r>) -> Self {
        let tenants = report.tenants.iter().map(|line| (&line.tenant.id, line.tenant));
        Self(tenants.collect())
    }

    /// A fact that stands below the name of whom it concerns: what is said of a machine begins with its app.
    pub(super) fn alone(&self, line: &CauseLine<'_>, fact: &Fact) -> String {
        let text = fact.to_string();
        let mut tenants = line.tenants.iter().filter_map(|id| self.0.get(id));
        match tenants.next() {
            Some(tenant) if fact.is_of_a_machine() && !text.contains(&tenant.app) => format!("{}: {text}", tenant.app),
            _ => text,
        }
    }

    /// A fact among those of others: it begins with the tenant, its host name or its app.
    pub(super) fn among(&self, line: &CauseLine<'_>, fact: &Fact) -> String {
        let text = fact.to_string();
        let named = line.tenants.iter().any(|id| {
            let names = self
                .0
                .get(id)
                .map(|tenant| [tenant.hostname.as_str(), tenant.app.as_str()]);
            let names = std::iter::once(id.as_str()).chain(names.into_iter().flatten());
            names.into_iter().any(|name| begins_with(&text, name))
        });
        let mut tenants = line.tenants.iter();
        match (line.scope, tenants.next(), tenants.len()) {
            (Scope::Tenant, Some(first), 0) if !named => match self.0.get(first) {
                Some(tenant) if fact.is_of_a_machine() => format!("{}: {text}", tenant.app),
                _ => format!("{first}: {text}"),
            },
            (Scope::Tenant, Some(first), more) if !named => format!("{first} and {more} more: {text}"),
            _ => text,
        }
    }
}

/// Whether a text begins with a name, and not with a longer one.
fn begins_with(text: &str, name: &str) -> bool {
    let rest = text.strip_prefix(name);
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
}

#[cfg(test)]
mod tests {
    use super::begins_with;

    #[test]
    fn a_longer_name_is_another() {
        assert!(begins_with("q7f9: gone", "q7f9") && begins_with("q7f9", "q7f9"));
        assert!(!begins_with("q7f9.example.com has A", "q7f9") && !begins_with("q7f91: gone", "q7f9"));
    }
}
