//! What a diagnosis has found so far: the entries, merged by their guilty objects, and which of them explains which
//! check of which tenant.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

use super::object::Object;
use super::proof::Proof;
use super::rules::Rule;
use super::{Cause, CauseEntry, Scope};
use crate::evidence::Reason;
use crate::finding::{Check, Finding, FleetCheck};
use crate::target::TenantId;
use crate::world::TenantWorld;

/// The entries found so far, and which of them explains which check of which tenant.
pub(super) struct State {
    pub(super) entries: Vec<CauseEntry>,
    pub(super) shared: Vec<(FleetCheck, Option<Reason>, usize)>,
    pub(super) own: Vec<Vec<(Check, usize)>>,
    known: HashMap<(Cause, Object), usize>,
}

impl State {
    pub(super) fn new(tenants: usize) -> Self {
        Self {
            entries: Vec::new(),
            shared: Vec::new(),
            own: vec![Vec::new(); tenants],
            known: HashMap::new(),
        }
    }

    /// Adds what a shared rule proved; returns the entries that take in tenants, with what each does to their checks.
    pub(super) fn add_shared(&mut self, rule: &Rule, proofs: Vec<Proof>) -> Vec<(usize, Option<Reason>)> {
        let mut take_in = Vec::new();
        for proof in proofs {
            let reason = proof.reason;
            let entry = self.add(rule.cause, rule.scope, proof);
            self.shared.push((rule.check, reason, entry));
            take_in.push((entry, reason));
        }
        take_in
    }

    /// The entry that concerns a check of a tenant: one about a single address only where the tenant was looked at
    /// there. Of several the one of the same reason, whatever their order.
    pub(super) fn concerning(
        &self,
        tenant: &TenantWorld,
        check: Check,
        found: Option<Reason>,
        entries: &[(usize, Option<Reason>)],
    ) -> Option<(usize, Option<Reason>)> {
        let looked_at = |address: SocketAddr| match check {
            Check::Dns => tenant.dns.authoritative.iter().any(|look| look.server == address),
            _ => tenant.visit().is_some_and(|visit| visit.address == address),
        };
        let concerns = |object: &Object| object.address().is_none_or(looked_at);
        let entries = entries.iter().copied();
        let concerned = entries.filter(|(entry, _)| concerns(&self.entries[*entry].object));
        concerned.min_by_key(|(entry, reason)| (*reason != found, &self.entries[*entry].object))
    }

    /// Adds an entry, or the evidence to the one of the same guilty object.
    pub(super) fn add(&mut self, cause: Cause, scope: Scope, proof: Proof) -> usize {
        let key = (cause, proof.object.clone());
        if let Some(index) = self.known.get(&key) {
            let entry = &mut self.entries[*index];
            entry.outcome = entry.outcome.max(proof.outcome);
            for line in proof.evidence {
                if entry.evidence.len() < MOST_EVIDENCE && !entry.evidence.contains(&line) {
                    entry.evidence.push(line);
                }
            }
            for remedy in proof.remedy {
                if entry.remedy.len() < MOST_EVIDENCE && !entry.remedy.contains(&remedy) {
                    entry.remedy.push(remedy);
                }
            }
            return *index;
        }
        self.known.insert(key, self.entries.len());
        self.entries.push(CauseEntry {
            cause,
            scope,
            object: proof.object,
            outcome: proof.outcome,
            confidence: proof.confidence,
            tenants: BTreeSet::new(),
            evidence: proof.evidence,
            remedy: proof.remedy,
        });
        self.entries.len() - 1
    }

    pub(super) fn attach(&mut self, index: usize, tenant: &TenantId, check: Check, entry: usize) {
        self.own[index].push((check, entry));
        self.entries[entry].tenants.insert(tenant.clone());
    }

    pub(super) fn explains(&self, index: usize, check: Check) -> bool {
        self.own[index].iter().any(|(explained, _)| *explained == check)
    }

    /// Whether a finding was skipped for a check that another entry explains: it goes with that check.
    pub(super) fn follows_another(&self, index: usize, finding: &Finding, entry: usize) -> bool {
        let needed = match finding.reason {
            Some(Reason::PrerequisiteDns) => Check::Dns,
            Some(Reason::PrerequisiteCertificate) => Check::Certificate,
            _ => return false,
        };
        let explained = self.own[index].iter().find(|(explained, _)| *explained == needed);
        explained.is_some_and(|(_, by)| *by != entry)
    }
}

/// Most lines of evidence, and most remedies, that one entry keeps.
const MOST_EVIDENCE: usize = 8;
