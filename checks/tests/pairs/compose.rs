//! What tenants share, put together of two worlds of one lab: what differs from the healthy world is taken from where it
//! differs.

use std::sync::Arc;

use jiff::SignedDuration;
use roundsman_checks::evidence::{ApiAnswer, App, AppCertificate, Machine, Platform, ZoneRecord};
use roundsman_checks::world::{TenantEvidence, World};

use crate::recorded::healthy;

/// The world of `base` with what `other` has besides: the platform's word, the zone's listing, clocks that were asked,
/// and chains. The tenants are the base's.
pub(crate) fn shared(base: &World, other: &World) -> World {
    let mut world = base.clone();
    world
        .chains
        .extend(other.chains.iter().map(|(id, chain)| (*id, Arc::clone(chain))));
    for date in &other.vantage.dates {
        if world.vantage.dates.iter().all(|known| known.address != date.address) {
            world.vantage.dates.push(date.clone());
        }
    }
    let from = &healthy().world;
    if let (ApiAnswer::Known(base), Some(from), Some(other)) =
        (&base.platform, from.platform.known(), other.platform.known())
    {
        world.platform = ApiAnswer::Known(Arc::new(platform(from, base, other)));
    }
    if let (ApiAnswer::Known(base), Some(from), Some(other)) =
        (&base.listing, from.listing.known(), other.listing.known())
    {
        world.listing = ApiAnswer::Known(Arc::new(records(from, base, other)));
    }
    world
}

/// The tenant of a world replaced.
pub(crate) fn with(mut world: World, evidence: TenantEvidence) -> World {
    let id = evidence.tenant.id.clone();
    let place = world.tenants.iter_mut().find(|tenant| tenant.tenant.id == id);
    *place.expect("the tenant") = evidence;
    world
}

/// A list of `base` with what `other` added to that of `from`, and without what it took away.
fn merged<T: Clone>(from: &[T], base: &[T], other: &[T], same: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let has = |list: &[T], item: &T| list.iter().any(|known| same(known, item));
    let kept = base.iter().filter(|item| !has(from, item) || has(other, item));
    let added = other.iter().filter(|item| !has(from, item) && !has(base, item));
    kept.chain(added).cloned().collect()
}

fn records(from: &[ZoneRecord], base: &[ZoneRecord], other: &[ZoneRecord]) -> Vec<ZoneRecord> {
    let what = |record: &ZoneRecord| (record.name.clone(), record.kind.clone(), record.content.clone());
    merged(from, base, other, |one, two| {
        what(one) == what(two) && one.proxied == two.proxied
    })
}

fn platform(from: &Platform, base: &Platform, other: &Platform) -> Platform {
    let mut platform = base.clone();
    // Ages are those at the moment of the answer that they stood in.
    let later = match (base.taken_at, other.taken_at) {
        (Some(base), Some(other)) => base.duration_since(other),
        _ => SignedDuration::ZERO,
    };
    for (name, theirs) in &other.apps {
        let theirs = moved(theirs, later);
        let ours = platform.apps.get(name);
        let merged = match (from.apps.get(name), ours) {
            (None, None) => Some(theirs),
            (Some(from), Some(ours)) => Some(app(from, ours, &theirs)),
            (None, Some(ours)) => Some(app(&App::default(), ours, &theirs)),
            // The base took it away.
            (Some(_), None) => None,
        };
        if let Some(merged) = merged {
            platform.apps.insert(name.clone(), merged);
        }
    }
    platform
        .apps
        .retain(|name, _| other.apps.contains_key(name) || !from.apps.contains_key(name));
    platform
}

fn app(from: &App, base: &App, other: &App) -> App {
    let what = |held: &AppCertificate| (held.hostname.clone(), held.state);
    let certificates = merged(
        &from.certificates,
        &base.certificates,
        &other.certificates,
        |one, two| what(one) == what(two),
    );
    let differs = timeless(from) != timeless(other);
    let machines = if differs { other } else { base };
    App {
        certificates,
        machines: machines.machines.clone(),
        network: machines.network.clone(),
        addresses: machines.addresses.clone(),
        ..base.clone()
    }
}

/// Everything of an app but its certificates, without moments.
fn timeless(app: &App) -> App {
    let machine = |machine: &Machine| Machine {
        updated_at: None,
        last_exit: machine.last_exit.clone().map(|mut exit| {
            exit.at = None;
            exit
        }),
        ..machine.clone()
    };
    App {
        certificates: Vec::new(),
        machines: app.machines.iter().map(machine).collect(),
        ..app.clone()
    }
}

fn moved(app: &App, by: SignedDuration) -> App {
    let mut app = app.clone();
    for held in &mut app.certificates {
        for moment in [&mut held.created_at, &mut held.expires_at, &mut held.rate_limited_until] {
            *moment = moment.map(|moment| moment + by);
        }
    }
    app
}
