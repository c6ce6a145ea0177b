//! The entries of a list of tenants, in `[tenants]` and in files of their own: ids, or tables.

use std::collections::BTreeMap;

use serde_json::json;
use toml::de::DeValue;

use crate::config::form::{Form, any, filled, labels, optional};
use crate::config::reader::{Section, Value, expected};
use crate::config::table::{Key, Shape, Table as _, describe, read_with, table};

table! {
    /// A tenant with what is known of it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ListedTenant {
        /// Its id; checked by the inventory.
        id: String = String::new() => filled(), needed_by_check;
        /// Its app, where that is not prefix + id.
        app: Option<String> = None => optional(filled());
        /// Its host name, where that is not `id.DOMAIN`; checked by the inventory.
        hostname: Option<String> = None => optional(filled());
        /// Its labels.
        labels: BTreeMap<String, String> = BTreeMap::new() => labels();
        /// Its status word.
        status: Option<String> = None => optional(any());
    } with {
        /// The line that names it, from 1.
        line: usize = 0,
    }
    check has_id;
}

/// Ids, or tables with an id.
pub(super) fn entries() -> Entries {
    Entries
}

pub(super) struct Entries;

impl Form<Vec<ListedTenant>> for Entries {
    fn read(&self, section: &Section<'_>, key: &'static str, _: &Vec<ListedTenant>) -> Option<Vec<ListedTenant>> {
        Some(listed(section, key))
    }

    fn shape(&self, _: &Vec<ListedTenant>) -> Shape {
        Shape::Tables {
            of: describe(&ListedTenant::default()),
            or: Some(json!({ "type": "string", "minLength": 1 })),
        }
    }

    fn write(&self, _: &Vec<ListedTenant>) -> Option<String> {
        None
    }
}

/// The entries of an array of tenants under `key`; wrong ones are noted and left out.
pub(crate) fn listed(section: &Section<'_>, key: &'static str) -> Vec<ListedTenant> {
    let Some(value) = section.value(key) else {
        return Vec::new();
    };
    let DeValue::Array(array) = value.get_ref() else {
        section.get(key, |value| {
            expected::<()>(value, "an array of ids or of tables { id = \"…\" }")
        });
        return Vec::new();
    };
    let keys = ListedTenant::keys();
    array
        .iter()
        .filter_map(|item| entry(section, key, &keys, item))
        .collect()
}

fn entry<'a>(
    list: &Section<'a>,
    key: &'static str,
    keys: &[Key<ListedTenant>],
    item: &'a Value<'a>,
) -> Option<ListedTenant> {
    let mut tenant = ListedTenant {
        line: list.line(item.span().start),
        ..ListedTenant::default()
    };
    match item.get_ref() {
        DeValue::String(id) => tenant.id = id.to_string(),
        DeValue::Table(table) => {
            let section = list.inner(table, item.span(), format!("an entry of `{key}`"));
            read_with(keys, section, &mut tenant);
            if tenant.id.is_empty() {
                return None;
            }
        }
        _ => {
            list.get(key, |_| {
                expected::<()>(item, "an id in quotes or a table { id = \"…\" }")
            });
            return None;
        }
    }
    Some(tenant)
}

fn has_id(section: &Section<'_>, _: &mut ListedTenant) {
    if section.key_span("id").is_none() {
        section.note(section.span(), "a tenant has no `id`", "every tenant needs an `id`");
    }
}
