//! Which app an answer names: headers first, then the issuer document. Knows no outcome.

use crate::evidence::{Answer, IDENTITY_HEADERS, Visit};
use crate::expectation::{ISSUER, Identity};
use crate::fleet::FleetContext;
use crate::reading::{value_at, value_at_place};
use crate::target::Tenant;
use crate::world::TenantEvidence;

/// Whom an answer names, and where it says so.
#[derive(Clone, Debug, PartialEq)]
pub enum Responder<'w> {
    /// The tenant that was asked for.
    Tenant(String),
    /// Another tenant that the inventory knows.
    OtherTenant(&'w Tenant, String),
    /// Something that the inventory does not know.
    Unrecognised(String),
    /// Nothing that names an app.
    Unidentified,
}

/// Reads who answered a visit, in the way that the tenant's expectation says.
#[must_use]
pub fn named<'w>(context: &'w FleetContext, tenant: &Tenant, identity: &Identity, visit: &Visit) -> Responder<'w> {
    let Some(answer) = &visit.page.answer else {
        return Responder::Unidentified;
    };
    match identity {
        Identity::Off => Responder::Unidentified,
        Identity::Place(place) => match value_at_place(place, answer) {
            Some((value, whence)) => name(context, tenant, &value, whence),
            None => Responder::Unidentified,
        },
        Identity::Auto => automatic(context, tenant, visit, answer),
    }
}

/// By what a tenant's own app is known to have answered as expected, through the edge; nothing where it did not, or nothing
/// tells.
pub(super) fn answers_well(context: &FleetContext, tenant: &TenantEvidence) -> Option<String> {
    let site = &tenant.expectation.site;
    let visit = tenant.visit().filter(|visit| visit.page.end.is_done())?;
    let answer = visit.page.answer.as_ref()?;
    match named(context, &tenant.tenant, &site.identity, visit) {
        Responder::Tenant(whence) if site.status.contains(&answer.status) => Some(whence),
        _ => None,
    }
}

/// Only a value that names a known tenant settles anything: a stranger's value may be anything.
fn automatic<'w>(context: &'w FleetContext, tenant: &Tenant, visit: &Visit, answer: &Answer) -> Responder<'w> {
    let header = |key: &str| Some((answer.header(key)?.to_owned(), format!("header {key}")));
    let said = IDENTITY_HEADERS.into_iter().filter_map(header).chain(issuer(visit));
    let mut named = said.map(|(value, whence)| name(context, tenant, &value, whence));
    named
        .find(|named| !matches!(named, Responder::Unrecognised(_)))
        .unwrap_or(Responder::Unidentified)
}

/// The host of the issuer (RFC 8414, section 2): the tenant's configured URL, whoever asks.
fn issuer(visit: &Visit) -> Option<(String, String)> {
    let answer = visit.issuer.answer.as_ref().filter(|answer| answer.status == 200)?;
    let value = value_at(answer, ISSUER)?;
    let url = value.as_str()?;
    let host = url.split_once("://")?.1.split(['/', ':', '?']).next()?;
    Some((host.to_ascii_lowercase(), "the issuer document".into()))
}

fn name<'w>(context: &'w FleetContext, tenant: &Tenant, value: &str, whence: String) -> Responder<'w> {
    let ours = [tenant.id.as_str(), &tenant.app, tenant.hostname.as_str()].contains(&value);
    match context.owner(value) {
        Some(owner) if owner.id == tenant.id => Responder::Tenant(whence),
        _ if ours => Responder::Tenant(whence),
        Some(other) if other.id != tenant.id => Responder::OtherTenant(other, format!("{whence} says {value}")),
        _ => Responder::Unrecognised(format!("{whence} says {value}")),
    }
}
