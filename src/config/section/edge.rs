//! `[edge]`.

use super::form;
use crate::config::model::Edge;
use crate::config::reader::{Section, each, integer, parsed};

pub(super) fn edge(section: Section<'_>, edge: &mut Edge) {
    edge.app = section.get("app", parsed(form::filled));
    section.set("addresses", &mut edge.addresses, each(parsed(form::ip)));
    section.set("port", &mut edge.port, integer(1..=65_535));
    edge.ca_file = section.get("ca_file", parsed(form::filled)).map(Into::into);
    section.finish();
    let mut seen = std::collections::BTreeSet::new();
    edge.addresses.retain(|address| seen.insert(*address));
}
