//! Taking the platform's word away, one piece at a time. What is not told is said to be missing: without that, an app that
//! is not listed does not exist, and that is evidence.

use std::sync::Arc;

use roundsman_checks::evidence::{ApiAnswer, App, Fault, Platform, Reason};
use roundsman_checks::world::World;

use crate::removal::Removed;

fn fault() -> Fault {
    Fault::new(Reason::PlatformPartial, "taken away")
}

/// Every world that lacks one piece of what the APIs and the logs say.
pub(crate) fn each(world: &World, lacking: &mut Vec<(Removed, World)>) {
    if let Some(platform) = world.platform.known() {
        let unknown = World {
            platform: ApiAnswer::Unknown(fault()),
            ..world.clone()
        };
        lacking.push((Removed::Platform, unknown));
        for name in platform.apps.keys() {
            let less = without(platform, name).into_iter().map(|platform| {
                let platform = ApiAnswer::Known(Arc::new(platform));
                let less = World {
                    platform,
                    ..world.clone()
                };
                (Removed::App(name.clone()), less)
            });
            lacking.extend(less);
        }
    }
    if world.listing.known().is_some() {
        let less = World {
            listing: ApiAnswer::Unknown(fault()),
            ..world.clone()
        };
        lacking.push((Removed::Other, less));
    }
    for at in 0..world.tenants.len() {
        let mut less = world.clone();
        less.tenants[at].direct = None;
        less.tenants[at].details.clear();
        less.tenants[at].log.edge = ApiAnswer::NotConfigured;
        lacking.push((Removed::Page(at), less));
    }
}

/// The platform without an app, without its certificates, without its machines, and without each of them.
fn without(platform: &Platform, name: &str) -> Vec<Platform> {
    let mut unlisted = platform.clone();
    unlisted.apps.remove(name);
    unlisted.apps_missing = Some(fault());
    let changed = |change: &dyn Fn(&mut App)| {
        let mut less = platform.clone();
        less.apps.get_mut(name).into_iter().for_each(change);
        less
    };
    let mut lacking = vec![
        unlisted,
        changed(&|app| {
            app.certificates.clear();
            app.certificates_missing = Some(fault());
        }),
        changed(&|app| {
            app.machines.clear();
            app.machines_missing = Some(fault());
        }),
    ];
    let machines = platform.apps[name].machines.len();
    lacking.extend((0..machines).map(|at| {
        changed(&|app| {
            app.machines.remove(at);
            app.machines_missing = Some(fault());
        })
    }));
    lacking
}
