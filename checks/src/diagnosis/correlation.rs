//! What failing tenants have in common: an image, a region, or nothing but the platform. The last rules, over what is
//! left.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::Cause;
use super::fact::Fact;
use super::object::Object;
use super::tenant_facts::CheckSet;
use super::{PlatformStep, Proof, Remedy, TenantFacts, Totals};
use crate::check::Findings;
use crate::evidence::Reason;
use crate::finding::Outcome;
use crate::fleet::{FleetContext, GroupKey};
use crate::target::TenantId;

/// Fewest tenants that have something in common.
const AT_LEAST: usize = 3;

/// A rule about what failing tenants have in common.
pub(super) struct Correlation {
    pub cause: Cause,
    pub common: Common,
}

/// What they may have in common.
#[derive(Clone, Copy)]
pub(super) enum Common {
    /// A value that others have not.
    Group(fn(&TenantFacts) -> Option<GroupKey>),
    /// That they were visited.
    Visited,
}

/// Tenants that fail alike, and what that comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Correlated {
    pub cause: Cause,
    pub object: Object,
    pub fact: Fact,
    pub reason: Reason,
    pub members: BTreeSet<TenantId>,
    pub remedy: Remedy,
}

impl Correlated {
    /// As a proof of its cause.
    pub(super) fn proof(&self) -> Proof {
        Proof::fail(self.object.clone(), vec![self.fact.clone()])
            .likely()
            .because(self.reason)
            .remedy(self.remedy.clone())
    }

    /// What one of the tenants shows.
    pub(super) fn example(&self, tenant: &TenantId, findings: &Findings) -> Fact {
        let shown = findings.iter().find(|(_, finding)| finding.reason == Some(self.reason));
        Fact::Example {
            tenant: tenant.clone(),
            message: shown.map(|(_, finding)| finding.message.clone()).unwrap_or_default(),
        }
    }
}

/// The tenants that are left: what they fail with, and that nothing above explains.
struct Left<'t>(BTreeMap<&'t TenantId, (&'t TenantFacts, CheckSet)>);

impl<'t> Left<'t> {
    /// The tenants that fail with each reason.
    fn alike(&self) -> BTreeMap<Reason, Vec<(&'t TenantId, &'t TenantFacts)>> {
        let mut alike = BTreeMap::<Reason, Vec<_>>::new();
        for (tenant, (facts, checks)) in &self.0 {
            let reasons = checks.iter().filter_map(|check| facts.reason(check));
            for reason in reasons.collect::<BTreeSet<_>>() {
                alike.entry(reason).or_default().push((*tenant, *facts));
            }
        }
        alike
    }

    fn take(&mut self, members: &BTreeSet<TenantId>) {
        self.0.retain(|tenant, _| !members.contains(*tenant));
    }
}

/// Finds what is common by these rules, the first of them first; each takes in the tenants that it explains. `left` says
/// which checks of a failing tenant nothing else explains.
pub(super) fn correlate(
    rules: &[Correlation],
    context: &FleetContext,
    totals: &Totals,
    left: impl Fn(&TenantFacts) -> CheckSet,
) -> Vec<Correlated> {
    let failing = totals.failing.iter().filter_map(|(tenant, facts)| {
        let mut checks = left(facts);
        for check in checks.iter().filter(|check| facts.outcome(*check) != Outcome::Fail) {
            checks.remove(check);
        }
        (!checks.is_empty()).then_some((tenant, (facts, checks)))
    });
    let mut left = Left(failing.collect());
    let mut found = Vec::new();
    for rule in rules {
        match rule.common {
            Common::Group(group) => sharing(rule.cause, group, context, totals, &mut left, &mut found),
            Common::Visited => outage(rule.cause, totals, &mut left, &mut found),
        }
    }
    found
}

/// Tenants that share a value fail alike, and those with another value do not. Sizes are looked at first: a tag of its
/// own per app makes as many groups as there are tenants, and at most fifty of them can be large enough.
fn sharing(
    cause: Cause,
    group: fn(&TenantFacts) -> Option<GroupKey>,
    context: &FleetContext,
    totals: &Totals,
    left: &mut Left<'_>,
    found: &mut Vec<Correlated>,
) {
    let groups = left
        .0
        .values()
        .filter_map(|(facts, _)| group(facts))
        .collect::<BTreeSet<_>>();
    let known = known(cause, context, totals);
    let least = AT_LEAST.max(totals.tenants / 50);
    let mut large = groups
        .into_iter()
        .map(|key| {
            (
                context.directory.value(key),
                key,
                totals.groups.get(&key).copied().unwrap_or(0),
            )
        })
        .filter(|(_, _, size)| *size >= least && known - size >= AT_LEAST)
        .collect::<Vec<_>>();
    large.sort_unstable();
    for (value, key, size) in large {
        let others = known - size;
        for reason in left.alike().into_keys() {
            // What was taken in for a reason before is left for none after it.
            let failing = left.alike().remove(&reason).unwrap_or_default();
            let has_one = failing
                .iter()
                .filter_map(|(tenant, facts)| Some((*tenant, group(facts)?)));
            let (sick, elsewhere): (Vec<_>, Vec<_>) = has_one.partition(|(_, other)| *other == key);
            if sick.len() * 5 < size * 4 || elsewhere.len() * 20 > others {
                continue;
            }
            let members = sick
                .iter()
                .map(|(tenant, _)| (*tenant).clone())
                .collect::<BTreeSet<_>>();
            left.take(&members);
            let fact = Fact::Alike {
                sick: sick.len(),
                of: size,
                value: value.to_owned(),
                reason,
                sick_others: elsewhere.len(),
                others,
            };
            let (object, remedy) = shared(cause, value);
            found.push(Correlated {
                cause,
                object,
                fact,
                reason,
                members,
                remedy,
            });
        }
    }
}

/// How many tenants have a value of this kind at all.
fn known(cause: Cause, context: &FleetContext, totals: &Totals) -> usize {
    let of_this_kind = |key: &GroupKey| context.directory.is_release(*key) == (cause == Cause::ReleaseFailing);
    let groups = totals.groups.iter().filter(|(key, _)| of_this_kind(key));
    groups.map(|(_, size)| size).sum()
}

fn shared(cause: Cause, value: &str) -> (Object, Remedy) {
    if cause == Cause::ReleaseFailing {
        let step = PlatformStep::RollBack(value.to_owned());
        (Object::Release(value.to_owned()), Remedy::platform(step))
    } else {
        let look = format!("look at the platform's status page for {value}");
        (Object::Region(value.to_owned()), Remedy::look(look))
    }
}

/// More than half of the visited tenants fail with one reason, and nothing above explains it.
fn outage(cause: Cause, totals: &Totals, left: &mut Left<'_>, found: &mut Vec<Correlated>) {
    // Where two reasons are as frequent, the first in their order counts, whatever the order of tenants.
    let most = left.alike().into_iter().rev().max_by_key(|(_, members)| members.len());
    let Some((reason, failing)) = most else { return };
    let (sick, visited) = (failing.len(), totals.visited);
    if sick < AT_LEAST || sick * 2 <= visited {
        return;
    }
    let members = failing
        .into_iter()
        .map(|(tenant, _)| tenant.clone())
        .collect::<BTreeSet<_>>();
    left.take(&members);
    found.push(Correlated {
        cause,
        object: Object::Platform,
        fact: Fact::MostFail { sick, visited, reason },
        reason,
        members,
        remedy: Remedy::look(
            "look at what the tenants share: the edge app, its last deploy, a database, the platform's status page",
        ),
    });
}
