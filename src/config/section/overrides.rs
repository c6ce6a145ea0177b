//! `[[overrides]]`.

use std::collections::BTreeMap;

use roundsman_checks::finding::Check;

use super::{Certificate, Site};
use crate::config::form::{boolean, check, filled, glob, labels, list, optional};
use crate::config::glob::Glob;
use crate::config::reader::Section;
use crate::config::table::{Patch, inner_table, patch, table};

const HOW_TO_MATCH: &str = "say whom it concerns: match = { tenant = \"a*\" }, or a `status`, or `labels`";

table! {
    /// What differs for some tenants. Later ones win, what is not said stays.
    #[derive(Clone, Debug)]
    pub struct Override {
        /// Whom it concerns; all that is said must hold.
        matching as "match": Match = Match::default() => inner_table(),
            sample = "{ tenant = \"a*\", status = \"active\", labels = { plan = \"enterprise\" } }",
            needed = HOW_TO_MATCH;
        /// Any key of `[site]`. A key replaces the former value as a whole.
        site: Patch<Site> = Patch::default() => patch(),
            sample = "{ path = \"/health\", json = { \"/status\" = \"healthy\" } }";
        /// Any key of `[certificate]`.
        certificate: Patch<Certificate> = Patch::default() => patch(), sample = "{ warn_below = 0.4 }";
        /// Checks that do not apply, instead of those that an earlier entry named.
        skip: Option<Vec<Check>> = None => optional(list(check())), sample = "[\"route\"]";
        /// Whether it may be repaired.
        repair: Option<bool> = None => optional(boolean()), sample = "false";
    }
}

table! {
    /// Whom an override concerns: all that is said must hold.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Match {
        /// A pattern over the tenant's id: `*` stands for any text, `?` for one character.
        tenant: Option<Glob> = None => optional(glob()), sample = "\"a*\"";
        /// Its status in the inventory; upper and lower case are the same.
        status: Option<String> = None => optional(filled()), sample = "\"active\"";
        /// Labels that it has, with these values.
        labels: BTreeMap<String, String> = BTreeMap::new() => labels();
    }
    check says_something;
}

fn says_something(section: &Section<'_>, _: &mut Match) {
    if section.is_empty() {
        section.note(section.span(), "`match` of [[overrides]] is empty", HOW_TO_MATCH);
    }
}
