//! What failing tenants have in common: the last rule, over what is left.

use std::collections::BTreeMap;

use super::{Cause, CauseEntry, Confidence, Remedy, Scope};
use crate::check::{Context, Findings};
use crate::evidence::Reason;
use crate::finding::{Check, Outcome};
use crate::target::TenantId;

/// Fewest tenants that make an outage.
const AT_LEAST: usize = 3;

/// Causes that a common one takes in: nothing with a proven cause of its own.
fn may_be_taken_in(cause: Cause) -> bool {
    use Cause::{AppStarting, SiteBody, SiteHeader, SiteProtocol, SiteRedirect, SiteStatus, Unexplained};
    matches!(
        cause,
        AppStarting | SiteBody | SiteHeader | SiteProtocol | SiteRedirect | SiteStatus | Unexplained
    )
}

/// More than half of the visited tenants fail with one reason, and nothing above explains it. `own` holds each
/// tenant's causes by check.
pub(super) fn outage(
    context: &Context<'_>,
    findings: &[Findings],
    own: &mut [Vec<(Check, usize)>],
    entries: &mut Vec<CauseEntry>,
) {
    let visited = context
        .world
        .tenants
        .iter()
        .filter(|tenant| !tenant.visits.is_empty())
        .count();
    let mut alike = BTreeMap::<Reason, Vec<usize>>::new();
    for (index, causes) in own.iter().enumerate() {
        for reason in reasons(&findings[index], causes, entries) {
            alike.entry(reason).or_default().push(index);
        }
    }
    let Some((reason, members)) = alike.into_iter().max_by_key(|(_, members)| members.len()) else {
        return;
    };
    if members.len() < AT_LEAST || members.len() * 2 <= visited {
        return;
    }
    let outage = entries.len();
    let example = members.first().map(|index| {
        let message = findings[*index]
            .iter()
            .find(|(_, finding)| finding.reason == Some(reason));
        format!(
            "{}: {}",
            context.world.tenants[*index].tenant.id,
            message.map_or("", |(_, finding)| &finding.message)
        )
    });
    let mut evidence = vec![format!(
        "{} of {visited} visited tenants fail with {reason}",
        members.len()
    )];
    evidence.extend(example);
    let tenants = members
        .iter()
        .map(|index| context.world.tenants[*index].tenant.id.clone())
        .collect();
    let command =
        "look at what the tenants share: the edge app, its last deploy, a database, the platform's status page";
    entries.push(CauseEntry {
        cause: Cause::PlatformOutage,
        scope: Scope::Fleet,
        object: "platform".into(),
        outcome: Outcome::Fail,
        confidence: Confidence::Likely,
        tenants,
        evidence,
        remedy: vec![Remedy::new("manual", command)],
    });
    for index in members {
        take_in(
            &context.world.tenants[index].tenant.id,
            &findings[index],
            reason,
            &mut own[index],
            entries,
            outage,
        );
    }
    // An entry whose tenants were all taken in explains nothing any more; indexes of others must not move.
}

fn reasons(findings: &Findings, causes: &[(Check, usize)], entries: &[CauseEntry]) -> Vec<Reason> {
    let left = causes
        .iter()
        .filter(|(_, entry)| may_be_taken_in(entries[*entry].cause));
    let mut reasons = left
        .filter_map(|(check, _)| {
            let finding = findings.of(*check);
            finding.reason.filter(|_| finding.outcome == Outcome::Fail)
        })
        .collect::<Vec<_>>();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}

fn take_in(
    tenant: &TenantId,
    findings: &Findings,
    reason: Reason,
    causes: &mut [(Check, usize)],
    entries: &mut [CauseEntry],
    outage: usize,
) {
    for (check, entry) in causes.iter_mut() {
        if may_be_taken_in(entries[*entry].cause) && findings.of(*check).reason == Some(reason) {
            entries[*entry].tenants.remove(tenant);
            *entry = outage;
        }
    }
}
