//! What failing tenants have in common: an image, a region, or nothing but the platform. The last rules, over what is
//! left.

use std::collections::{BTreeMap, BTreeSet};

use super::state::State;
use super::{Cause, CauseEntry, Confidence, Fact, Object, PlatformStep, Remedy, Scope};
use crate::check::{Context, Findings};
use crate::evidence::Reason;
use crate::finding::{Check, Outcome};

/// Fewest tenants that have something in common.
const AT_LEAST: usize = 3;

/// Causes that a common one takes in: nothing with a proven cause of its own.
fn may_be_taken_in(cause: Cause) -> bool {
    use Cause::{AppCrashed, AppStarting, AppStopped, AppUnhealthy, RouteBroken, Unexplained};
    use Cause::{SiteBody, SiteHeader, SiteProtocol, SiteRedirect, SiteStatus};
    let app = matches!(
        cause,
        AppCrashed | AppStarting | AppStopped | AppUnhealthy | RouteBroken | Unexplained
    );
    app || matches!(cause, SiteBody | SiteHeader | SiteProtocol | SiteRedirect | SiteStatus)
}

/// Finds what is common, the narrower first, and lets it take in the tenants that it explains.
pub(super) fn find(context: &Context<'_>, findings: &[Findings], state: &mut State) {
    for (cause, value) in [
        (
            Cause::ReleaseFailing,
            image as fn(&Context<'_>, usize) -> Option<String>,
        ),
        (Cause::RegionFailing, region),
    ] {
        let values = (0..context.world.tenants.len()).map(|index| value(context, index));
        sharing(context, findings, state, cause, &values.collect::<Vec<_>>());
    }
    outage(context, findings, state);
}

/// The tenants that fail with each reason, and that nothing above explains.
fn alike(findings: &[Findings], state: &State) -> BTreeMap<Reason, BTreeSet<usize>> {
    let mut alike = BTreeMap::<Reason, BTreeSet<usize>>::new();
    for (index, causes) in state.own.iter().enumerate() {
        for (check, entry) in causes {
            let finding = findings[index].of(*check);
            let left = may_be_taken_in(state.entries[*entry].cause) && finding.outcome == Outcome::Fail;
            if let Some(reason) = finding.reason.filter(|_| left) {
                alike.entry(reason).or_default().insert(index);
            }
        }
    }
    alike
}

/// Tenants that share a value fail alike, and those with another value do not. Sizes are looked at first: a tag of its
/// own per app makes as many groups as there are tenants, and at most fifty of them can be large enough.
fn sharing(context: &Context<'_>, findings: &[Findings], state: &mut State, cause: Cause, values: &[Option<String>]) {
    let mut sizes = BTreeMap::<&str, usize>::new();
    values
        .iter()
        .flatten()
        .for_each(|value| *sizes.entry(value).or_default() += 1);
    let known = sizes.values().sum::<usize>();
    let least = AT_LEAST.max(values.len() / 50);
    for (value, size) in sizes {
        let others = known - size;
        if size < least || others < AT_LEAST {
            continue;
        }
        for (reason, failing) in alike(findings, state) {
            let shares = |index: &&usize| values[**index].as_deref() == Some(value);
            let sick = failing.iter().filter(shares).copied().collect::<Vec<_>>();
            let told = failing.iter().filter(|index| values[**index].is_some()).count();
            let sick_others = told - sick.len();
            if sick.len() * 5 >= size * 4 && sick_others * 20 <= others {
                let fact = Fact::Alike {
                    sick: sick.len(),
                    of: size,
                    value: value.to_owned(),
                    reason,
                    sick_others,
                    others,
                };
                let object = match cause {
                    Cause::ReleaseFailing => Object::Release(value.to_owned()),
                    _ => Object::Region(value.to_owned()),
                };
                take_in(context, findings, state, (cause, object), fact, reason, &sick);
            }
        }
    }
}

/// What all machines of the tenant's app agree on.
fn agreed(
    context: &Context<'_>,
    index: usize,
    of: impl Fn(&crate::evidence::Machine) -> Option<String>,
) -> Option<String> {
    let app = context
        .world
        .platform
        .known()?
        .apps
        .get(&context.world.tenants[index].tenant.app)?;
    let mut values = app.machines.iter().map(of).collect::<Option<BTreeSet<_>>>()?;
    if values.len() == 1 { values.pop_first() } else { None }
}

/// The release of a tenant's app: the digest of its image where the platform tells it, for a tag may be the app's own;
/// else the image with the app's own name in it masked.
fn image(context: &Context<'_>, index: usize) -> Option<String> {
    let name = &context.world.tenants[index].tenant.app;
    let masked = |image: &String| image.replace(name.as_str(), "{app}");
    agreed(context, index, |machine| machine.digest.clone())
        .or_else(|| agreed(context, index, |machine| machine.image.as_ref().map(masked)))
}

fn region(context: &Context<'_>, index: usize) -> Option<String> {
    agreed(context, index, |machine| {
        Some(machine.region.clone()).filter(|region| !region.is_empty())
    })
}

/// More than half of the visited tenants fail with one reason, and nothing above explains it.
fn outage(context: &Context<'_>, findings: &[Findings], state: &mut State) {
    let visited = context
        .world
        .tenants
        .iter()
        .filter(|tenant| !tenant.visits.is_empty())
        .count();
    // Where two reasons are as frequent, the first in their order counts, whatever the order of tenants.
    let most = alike(findings, state)
        .into_iter()
        .rev()
        .max_by_key(|(_, members)| members.len());
    let Some((reason, members)) = most else { return };
    if members.len() < AT_LEAST || members.len() * 2 <= visited {
        return;
    }
    let fact = Fact::MostFail {
        sick: members.len(),
        visited,
        reason,
    };
    let members = members.into_iter().collect::<Vec<_>>();
    take_in(
        context,
        findings,
        state,
        (Cause::PlatformOutage, Object::Platform),
        fact,
        reason,
        &members,
    );
}

fn take_in(
    context: &Context<'_>,
    findings: &[Findings],
    state: &mut State,
    (cause, object): (Cause, Object),
    fact: Fact,
    reason: Reason,
    members: &[usize],
) {
    let common = state.entries.len();
    let example = members
        .iter()
        .min_by_key(|index| &context.world.tenants[**index].tenant.id)
        .map(|index| {
            let found = findings[*index]
                .iter()
                .find(|(_, finding)| finding.reason == Some(reason));
            Fact::Example {
                tenant: context.world.tenants[*index].tenant.id.clone(),
                message: found.map(|(_, finding)| finding.message.clone()).unwrap_or_default(),
            }
        });
    let remedy = match &object {
        Object::Release(image) => Remedy::platform(PlatformStep::RollBack(image.clone())),
        Object::Region(region) => Remedy::look(format!("look at the platform's status page for {region}")),
        _ => Remedy::look(
            "look at what the tenants share: the edge app, its last deploy, a database, the platform's status page",
        ),
    };
    state.entries.push(CauseEntry {
        cause,
        scope: Scope::Fleet,
        object,
        outcome: Outcome::Fail,
        confidence: Confidence::Likely,
        tenants: BTreeSet::new(),
        evidence: std::iter::once(fact).chain(example).collect(),
        remedy: vec![remedy],
    });
    for index in members {
        let id = &context.world.tenants[*index].tenant.id;
        let mut left = Vec::<(Check, usize)>::new();
        for (check, entry) in std::mem::take(&mut state.own[*index]) {
            let taken =
                may_be_taken_in(state.entries[entry].cause) && findings[*index].of(check).outcome == Outcome::Fail;
            left.push((check, if taken { common } else { entry }));
            if taken {
                state.entries[entry].tenants.remove(id);
            }
        }
        state.own[*index] = left;
        state.entries[common].tenants.insert(id.clone());
    }
}
