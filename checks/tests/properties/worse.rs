//! A tenant with one more thing wrong, and what must follow.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use roundsman_checks::diagnosis::{Cause, Diagnosis, Status, TenantVerdict};
use roundsman_checks::evidence::{DnsReply, Exchange, Reason, RecordKind};
use roundsman_checks::finding::{Check, Outcome, SeenIn};
use roundsman_checks::world::{TenantEvidence, World};

use crate::chains::expired;
use crate::dns::{record, reply};
use crate::visits::show;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Worse {
    /// An own record leads elsewhere.
    Override,
    /// What is served has expired.
    Expired,
    /// The page is an error.
    Status500,
}

/// Any of them.
pub(crate) fn any() -> impl Strategy<Value = Worse> {
    prop_oneof![Just(Worse::Override), Just(Worse::Expired), Just(Worse::Status500)]
}

/// The world in which that is so for the tenant; none where it can't be seen there, because nothing of the kind was
/// seen before.
pub(crate) fn world(world: &World, at: usize, how: Worse) -> Option<World> {
    let mut worse = world.clone();
    let seen = match how {
        Worse::Override => overridden(&mut worse.tenants[at]),
        Worse::Expired => expire(&mut worse, at),
        Worse::Status500 => fail(&mut worse.tenants[at]),
    };
    seen.then_some(worse)
}

fn overridden(tenant: &mut TenantEvidence) -> bool {
    let name = tenant.tenant.hostname.clone();
    let mut seen = false;
    for look in &mut tenant.dns.authoritative {
        let said = |reply: &DnsReply| reply.authoritative && matches!(reply.rcode, 0 | 3);
        if look.kind == RecordKind::Caa || !look.reply.as_ref().is_some_and(said) {
            continue;
        }
        let own = (look.kind == RecordKind::A).then(|| record(name.as_str(), "A", "203.0.113.99"));
        look.reply = Some(reply(own.into_iter().collect()));
        seen = true;
    }
    seen
}

fn expire(world: &mut World, at: usize) -> bool {
    let tenant = &mut world.tenants[at];
    let visits = tenant
        .visits
        .iter_mut()
        .chain(tenant.retries.iter_mut().map(|retry| &mut retry.visit));
    let mut seen = false;
    for visit in visits.filter(|visit| visit.handshake.end.is_done()) {
        show(visit, expired(), &mut world.chains);
        (visit.page, visit.issuer) = (Exchange::default(), Exchange::default());
        seen = true;
    }
    seen
}

fn fail(tenant: &mut TenantEvidence) -> bool {
    let visits = tenant
        .visits
        .iter_mut()
        .chain(tenant.retries.iter_mut().map(|retry| &mut retry.visit));
    let mut seen = false;
    for answer in visits.filter_map(|visit| visit.page.answer.as_mut()) {
        answer.status = 500;
        seen = true;
    }
    seen
}

/// The tenant's status is not better and the check that broke does not pass; of others nothing else is said.
pub(crate) fn compare(before: &Diagnosis, after: &Diagnosis, at: usize, how: Worse) -> Result<(), TestCaseError> {
    let (was, is) = (&before.tenants[at], &after.tenants[at]);
    let check = match how {
        Worse::Override => Check::Dns,
        Worse::Expired => Check::Certificate,
        Worse::Status500 => Check::Site,
    };
    let outcome = is.findings.of(check).outcome;
    prop_assert!(
        !matches!(outcome, Outcome::Pass | Outcome::Warn),
        "{:?} is {:?}",
        how,
        is.findings.of(check)
    );
    // Where the check is left out, nothing is said of it.
    let judged = was.findings.of(check).outcome != Outcome::Skipped;
    // A clock that is proven wrong hides what fails by its dates.
    let hidden = after
        .causes
        .iter()
        .any(|entry| entry.cause == Cause::ClockWrong && entry.tenants.contains(&is.tenant));
    // Where the edge's addresses are not all known, one that took the place of no address may be the edge's.
    let had_address = |verdict: &TenantVerdict| {
        let finding = verdict.findings.of(check);
        let is_address = |seen: &String| !seen.starts_with("CNAME");
        finding.reason == Some(Reason::DnsMismatch) && finding.observed.as_ref().is_some_and(is_address)
    };
    let may_be_right = is.findings.of(check).reason == Some(Reason::PlatformPartial) && !had_address(was);
    if judged && !hidden && !may_be_right {
        prop_assert!(is.status >= was.status, "{:?}: {:?}, before {:?}", how, is, was);
    }
    if outcome == Outcome::Fail {
        prop_assert_eq!(is.status, Status::Failing);
        prop_assert!(is.cause.is_some());
    }
    // A clock that this tenant's chain proves wrong hides what fails by its dates at others too.
    let is_told = |diagnosis: &Diagnosis, cause| diagnosis.causes.iter().any(|entry| entry.cause == cause);
    let begins = |cause| is_told(after, cause) && !is_told(before, cause);
    if begins(Cause::ClockWrong) {
        return Ok(());
    }
    // Where this tenant was the last that the edge let through, the wall is everybody's: that is told of answers alone.
    let walled = begins(Cause::EdgeAccessDenied);
    for (other, again) in before
        .tenants
        .iter()
        .zip(&after.tenants)
        .filter(|(other, _)| other.tenant != was.tenant)
    {
        for (check, finding) in other.findings.iter() {
            let of_the_wall = walled && check.seen_in() == SeenIn::Answer;
            prop_assert!(
                of_the_wall || finding == again.findings.of(check),
                "{} of {:?}: {:?}",
                check,
                other,
                again
            );
        }
    }
    Ok(())
}
