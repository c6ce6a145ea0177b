//! The composition: a whole world judged tenant by tenant, summed, proven and explained, and put together as one diagnosis
//! with an entry per guilty object.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::explain::{Source, explain};
use super::fleet_findings::findings;
use super::follow_up::follow_ups;
use super::judgement::{Judgement, judge};
use super::rules::TENANT;
use super::shared::{Shared, prove};
use super::{Cause, CauseEntry, Diagnosis, FleetFinding, Object, Proof, Scope, Status, TenantVerdict, Totals};
use crate::check::Findings;
use crate::finding::Check;
use crate::fleet::{ChainStore, FleetContext};
use crate::target::TenantId;
use crate::world::World;

/// Most lines of evidence, and most remedies, that one entry keeps.
const MOST_EVIDENCE: usize = 8;

/// Judges and explains a world.
#[must_use]
pub fn diagnose(world: &World) -> Diagnosis {
    let context = FleetContext::new(world.fleet(), Arc::new(ChainStore::of(&world.chains)));
    let judgements = world.tenants.iter().map(|tenant| judge(&context, tenant));
    let judged = world.tenants.iter().zip(judgements.collect::<Vec<_>>());
    let asked = world
        .tenants
        .iter()
        .filter(|tenant| tenant.log.was_edge_asked())
        .count();
    conclude(
        &context,
        judged
            .map(|(tenant, judgement)| (tenant.tenant.id.clone(), judgement))
            .collect(),
        asked,
    )
}

/// What is said of the fleet before any tenant is known.
#[must_use]
pub fn fleet_findings(context: &FleetContext) -> Vec<FleetFinding> {
    findings(context, &prove(context, &Totals::default()))
}

/// What is said of the fleet, where this is proven of it.
#[must_use]
pub fn findings_of(context: &FleetContext, shared: &Shared) -> Vec<FleetFinding> {
    findings(context, shared)
}

/// What is proven of agent and fleet, and what tenants have in common: an entry per guilty object, without the tenants
/// that it explains.
#[must_use]
pub fn entries_of(shared: &Shared) -> Vec<CauseEntry> {
    Entries::of(shared).all
}

/// What judgements of tenants mean together; for `logs_asked` of them the edge's log was asked already.
#[must_use]
pub fn conclude(context: &FleetContext, judged: Vec<(TenantId, Judgement)>, logs_asked: usize) -> Diagnosis {
    let mut totals = Totals::default();
    for (tenant, judgement) in &judged {
        totals.add(tenant, &judgement.facts);
    }
    let shared = prove(context, &totals);
    let mut entries = Entries::of(&shared);
    let follow_ups = follow_ups(context, judged.iter().map(|(_, judgement)| judgement), logs_asked);
    let verdicts = judged.into_iter();
    let verdicts = verdicts.map(|(tenant, judgement)| entries.verdict(context, &shared, tenant, judgement));
    let tenants = verdicts.collect();
    Diagnosis {
        fleet: findings(context, &shared),
        tenants,
        causes: in_order(entries.all),
        follow_ups,
    }
}

/// The entries found so far, merged by their guilty objects.
struct Entries {
    all: Vec<CauseEntry>,
    known: HashMap<(Cause, Object), usize>,
    /// The entry of each proof of each shared rule, and of each thing in common.
    shared: Vec<Vec<usize>>,
    common: Vec<usize>,
}

impl Entries {
    /// The entries of what is shared.
    fn of(shared: &Shared) -> Self {
        let mut entries = Self {
            all: Vec::new(),
            known: HashMap::new(),
            shared: Vec::new(),
            common: Vec::new(),
        };
        for proven in &shared.proven {
            let (cause, scope) = (proven.rule.cause, proven.rule.scope);
            let proofs = proven.proofs.iter().cloned();
            let added = proofs.map(|proof| entries.add(cause, scope, proof)).collect();
            entries.shared.push(added);
        }
        for common in &shared.common {
            let entry = entries.add(common.cause, Scope::Fleet, common.proof());
            entries.common.push(entry);
        }
        entries
    }

    /// Adds an entry, or the evidence to the one of the same guilty object.
    fn add(&mut self, cause: Cause, scope: Scope, proof: Proof) -> usize {
        let key = (cause, proof.object.clone());
        if let Some(index) = self.known.get(&key) {
            self.all[*index].take_up(proof);
            return *index;
        }
        self.known.insert(key, self.all.len());
        self.all.push(CauseEntry {
            cause,
            scope,
            object: proof.object,
            outcome: proof.outcome,
            confidence: proof.confidence,
            tenants: BTreeSet::new(),
            evidence: proof.evidence,
            remedy: proof.remedy,
        });
        self.all.len() - 1
    }

    /// What is said of one tenant, and its part in the entries.
    fn verdict(
        &mut self,
        context: &FleetContext,
        shared: &Shared,
        tenant: TenantId,
        judged: Judgement,
    ) -> TenantVerdict {
        let overlay = explain(context, shared, &tenant, &judged.facts, &judged.own);
        let mut findings = judged.findings;
        overlay.apply(&mut findings);
        let mut own = judged.own.into_iter().map(Some).collect::<Vec<_>>();
        let mut added = vec![None; own.len()];
        let mut explained = Vec::with_capacity(overlay.explained.len());
        for (check, source) in overlay.explained {
            let entry = match source {
                Source::Shared(rule, proof) => self.shared[rule][proof],
                Source::Common(at) => self.common[at],
                Source::Own(at) => match (added[at], own[at].take()) {
                    (Some(entry), _) => entry,
                    (None, Some(explanation)) => self.add(explanation.cause, Scope::Tenant, explanation.proof),
                    (None, None) => continue,
                },
            };
            if let Source::Own(at) = source {
                added[at] = Some(entry);
            }
            self.all[entry].tenants.insert(tenant.clone());
            explained.push((check, entry));
        }
        for (at, common) in shared.common.iter().enumerate() {
            if common.members.first() == Some(&tenant) {
                let example = common.example(&tenant, &findings);
                self.all[self.common[at]].evidence.push(example);
            }
        }
        TenantVerdict {
            status: Status::of(&findings),
            cause: self.first_cause(&findings, &explained),
            explained: explained
                .into_iter()
                .map(|(check, entry)| (check, self.all[entry].cause))
                .collect(),
            tenant,
            findings,
        }
    }

    /// The cause of the worst check; of several the first in the order of the tables of rules.
    fn first_cause(&self, findings: &Findings, explained: &[(Check, usize)]) -> Option<Cause> {
        let order = TENANT.iter().flat_map(|table| table.checks);
        let ranked = order.enumerate().filter_map(|(rank, check)| {
            let (_, entry) = explained.iter().find(|(explained, _)| explained == check)?;
            let worst_first = Reverse(findings.of(*check).outcome);
            Some((worst_first, rank, self.all[*entry].cause))
        });
        ranked
            .min_by_key(|(outcome, rank, _)| (*outcome, *rank))
            .map(|(_, _, cause)| cause)
    }
}

impl CauseEntry {
    /// Takes up what another proof says of the same object.
    fn take_up(&mut self, proof: Proof) {
        self.outcome = self.outcome.max(proof.outcome);
        for fact in proof.evidence {
            if self.evidence.len() < MOST_EVIDENCE && !self.evidence.contains(&fact) {
                self.evidence.push(fact);
            }
        }
        for remedy in proof.remedy {
            if self.remedy.len() < MOST_EVIDENCE && !self.remedy.contains(&remedy) {
                self.remedy.push(remedy);
            }
        }
    }
}

/// Agent, fleet, tenant; what fails before what warns; the entries that explain most in front.
fn in_order(mut entries: Vec<CauseEntry>) -> Vec<CauseEntry> {
    entries.sort_by_cached_key(|entry| {
        let worst_first = Reverse(entry.outcome);
        let most_first = Reverse(entry.tenants.len());
        let object = entry.object.to_string();
        (entry.scope, worst_first, most_first, entry.cause, object)
    });
    entries
}
