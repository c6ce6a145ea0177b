//! Two recorded worlds put together: what was proven of each alone is still told, in its own name, of its own tenants.
//! Nothing is told that neither shows.
#![expect(clippy::expect_used, reason = "a test may fail")]

mod at_one_tenant;
mod beside_fleet;
mod compose;
mod recorded;
mod two_tenants;
mod visible;

use std::collections::BTreeSet;

use roundsman_checks::diagnosis::{Cause, CauseEntry, Confidence, Diagnosis, Object, Scope};
use roundsman_checks::finding::Outcome;
use roundsman_checks::target::TenantId;

/// What must stay of an entry whatever stands beside it.
type Key<'d> = (Cause, Scope, &'d Object, Outcome, Confidence);

fn key(entry: &CauseEntry) -> Key<'_> {
    (entry.cause, entry.scope, &entry.object, entry.outcome, entry.confidence)
}

/// The entry of a diagnosis that says the same as this one, perhaps of other tenants.
fn same<'d>(diagnosis: &'d Diagnosis, entry: &CauseEntry) -> Option<&'d CauseEntry> {
    diagnosis.causes.iter().find(|found| key(found) == key(entry))
}

/// What is told, in a line.
fn told(diagnosis: &Diagnosis) -> String {
    let entries = diagnosis.causes.iter().map(|entry| {
        let tenants = entry.tenants.iter().map(TenantId::as_str).collect::<Vec<_>>().join(",");
        let (outcome, confidence) = (entry.outcome, entry.confidence);
        let object = match &entry.object {
            Object::Chain(_) => "the chain".to_owned(),
            object => object.to_string(),
        };
        format!("{} {outcome} {confidence:?} {object} [{tenants}]", entry.cause)
    });
    entries.collect::<Vec<_>>().join("; ")
}

fn causes(diagnosis: &Diagnosis) -> BTreeSet<Cause> {
    diagnosis.causes.iter().map(|entry| entry.cause).collect()
}

/// Fails with every pair about which something is wrong.
fn none_wrong(pairs: usize, wrong: &[String]) {
    assert!(
        wrong.is_empty(),
        "{} of {pairs} pairs are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
