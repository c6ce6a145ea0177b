//! Everything that rules about more than one tenant ask of a tenant: small, so that it can be kept of each. Relations to
//! the fleet (like the wildcard, at which server) are those to the looks that it was judged by.

use std::net::SocketAddr;
use std::sync::Arc;

use super::fleet_dns;
use crate::check::{Findings, certificate_holders, deciding_visit, is_denied};
use crate::evidence::{Reason, StepStatus, Visit};
use crate::finding::{Check, Outcome};
use crate::fleet::{ChainKey, FleetContext, GroupKey};
use crate::reading::{DnsAnswer, is_limited};
use crate::world::TenantEvidence;

/// A set of the six checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckSet(u8);

impl CheckSet {
    /// Adds a check.
    pub fn insert(&mut self, check: Check) {
        self.0 |= 1 << check as u8;
    }

    /// Takes a check out.
    pub fn remove(&mut self, check: Check) {
        self.0 &= !(1 << check as u8);
    }

    /// Whether a check is in it.
    #[must_use]
    pub fn contains(self, check: Check) -> bool {
        self.0 >> check as u8 & 1 == 1
    }

    /// Whether no check is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The checks in it.
    pub fn iter(self) -> impl Iterator<Item = Check> {
        Check::ALL.into_iter().filter(move |check| self.contains(*check))
    }
}

/// What stays of a tenant's evidence for rules about more than one tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantFacts {
    /// How each check ended, and why.
    pub(super) outcomes: [(Outcome, Option<Reason>); Check::COUNT],
    /// The checks that fail by a cause of its own which a common one may take in.
    pub(super) absorbable: CheckSet,
    /// The checks that fail because the edge seems not to know the tenant.
    pub(super) unknown: CheckSet,
    pub(super) answer: AnswerFacts,
    pub(super) is_within: bool,
    pub(super) probed: bool,
    pub(super) inactive: bool,
    /// Whether there was a visit.
    pub(super) visited: bool,
    /// Whether there was none because the edge fails for every name.
    pub(super) spared: bool,
    /// Whether anything answered.
    pub(super) saw: bool,
    /// Whether all certificates that conflict are for the wildcard's name.
    pub(super) only_wildcard_held: bool,
    pub(super) dns: DnsFacts,
    pub(super) visit: Option<VisitFacts>,
    /// How the first visit was cut, where it was.
    pub(super) first_cut: Option<Reason>,
    /// Whether an unhurried repetition showed a chain.
    pub(super) recovered: bool,
    /// Whether the last repetition was cut, the control name with it; or it was cut and never repeated.
    pub(super) limited: bool,
    /// Whether its visit was repeated without haste.
    pub(super) repeated: bool,
    /// Whether a control name stood beside a repetition.
    pub(super) control_stood: bool,
    /// What the agent ran out of while it looked.
    pub(super) exhausted: Option<Arc<str>>,
    pub(super) release: Option<GroupKey>,
    pub(super) region: Option<GroupKey>,
}

/// How a tenant's own answer relates to the fleet's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct DnsFacts {
    /// The servers of the zone that were asked, a bit each in the order of the fleet's.
    pub servers: u32,
    pub is_usable: bool,
    /// The agent could not ask.
    pub is_exhausted: bool,
    /// Some question could not be asked.
    pub any_exhausted: bool,
    /// The same as the control name's at the same server.
    pub like_same_server: bool,
    /// The same as a usable control answer; there may be none.
    pub like_control: bool,
    /// Leads to the same place as a usable control answer.
    pub same_place: bool,
    pub leads_to_edge: bool,
    /// A resolver that does not validate the zone refuses the name, or none was left to ask.
    pub is_bogus: bool,
}

/// What the answer of the visit that counts says of whoever asks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct AnswerFacts {
    /// There was one.
    pub came: bool,
    /// It has an expected status.
    pub is_right: bool,
    /// It asks to slow down.
    pub is_limited: bool,
    /// Why it is wrong, where it is the refusal that a name which exists nowhere gets too.
    pub denied: Option<Reason>,
}

/// What the visit that counts showed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct VisitFacts {
    /// Where it went: the position among the edge's sockets.
    pub socket: Option<u8>,
    pub connect_failed: bool,
    /// The channel failed before there was a chain to judge.
    pub failed_before_chain: bool,
    pub was_cut: bool,
    pub exhausted: bool,
    pub stood: bool,
    /// The chain that `certificate` is judged by.
    pub chain: Option<ChainKey>,
    pub first_fault: Option<Reason>,
    /// Its chain fails by its dates alone.
    pub dates_only: bool,
}

impl TenantFacts {
    /// The facts of a tenant that was judged so.
    #[must_use]
    pub fn of(context: &FleetContext, tenant: &TenantEvidence, findings: &Findings) -> Self {
        let outcomes = Check::ALL.map(|check| {
            let finding = findings.of(check);
            (finding.outcome, finding.reason)
        });
        let first = tenant.visits.first();
        let retries = || tenant.retries.iter();
        let platform = context.platform();
        let app = platform.map(|_| tenant.tenant.app.as_str());
        Self {
            outcomes,
            absorbable: CheckSet::default(),
            unknown: CheckSet::default(),
            answer: answer(context, tenant, findings),
            is_within: tenant.tenant.hostname.is_within(&context.fleet.domain),
            probed: tenant.probed,
            inactive: tenant.tenant.inactive,
            visited: !tenant.visits.is_empty(),
            spared: tenant.spared,
            saw: saw_something(tenant),
            only_wildcard_held: only_wildcard_held(context, tenant, findings),
            dns: dns(context, tenant),
            visit: tenant.visit().map(|visit| self::visit(context, tenant, visit)),
            first_cut: first
                .filter(|visit| visit.was_cut())
                .and_then(|visit| visit.channel_end().reason()),
            recovered: retries().any(|retry| retry.visit.handshake.chain.is_some()),
            limited: limited(tenant),
            repeated: !tenant.retries.is_empty(),
            control_stood: retries()
                .filter_map(|retry| retry.control.as_ref())
                .any(|control| control.handshake.end.is_done()),
            exhausted: exhausted(tenant).map(Arc::from),
            release: app.and_then(|app| context.directory.release(app)),
            region: app.and_then(|app| context.directory.region(app)),
        }
    }

    /// The same by what another snapshot of the platform says of the groups that the tenant's app belongs to.
    pub fn regroup(&mut self, context: &FleetContext, app: &str) {
        let app = context.platform().map(|_| app);
        self.release = app.and_then(|app| context.directory.release(app));
        self.region = app.and_then(|app| context.directory.region(app));
    }

    /// Whether anything answered.
    #[must_use]
    pub fn saw(&self) -> bool {
        self.saw
    }

    /// Whether the agent itself ran out of something while it looked.
    #[cfg(feature = "probe")]
    pub(crate) fn ran_out(&self) -> bool {
        self.exhausted.is_some()
    }

    /// How a check ended.
    #[must_use]
    pub fn outcome(&self, check: Check) -> Outcome {
        self.outcomes[check as usize].0
    }

    /// Why a check is as it is.
    #[must_use]
    pub fn reason(&self, check: Check) -> Option<Reason> {
        self.outcomes[check as usize].1
    }

    /// Whether the tenant was looked at there: a server of the zone for `dns`, else an address of the edge.
    pub(super) fn was_probed(&self, context: &FleetContext, check: Check, address: SocketAddr) -> bool {
        if check == Check::Dns {
            let servers = context.fleet.zone.servers.iter().take(32);
            let mut asked = servers.enumerate().filter(|(at, _)| self.dns.servers >> at & 1 == 1);
            return asked.any(|(_, server)| *server == address);
        }
        self.spared || self.socket(context) == Some(address)
    }

    /// Where the visit that counts went.
    pub(super) fn socket(&self, context: &FleetContext) -> Option<SocketAddr> {
        let at = self.visit?.socket?;
        context.fleet.edge.sockets().nth(usize::from(at))
    }
}

fn answer(context: &FleetContext, tenant: &TenantEvidence, findings: &Findings) -> AnswerFacts {
    let answered = tenant.visit().filter(|visit| visit.page.answer.is_some());
    let Some(visit) = answered else {
        return AnswerFacts::default();
    };
    let site = findings.of(Check::Site);
    // The visit goes to the edge also where `dns` fails, and shows what the edge says all the same.
    let wrong = tenant.lacks_page(visit) || site.outcome == Outcome::Fail;
    let reason = match site.outcome {
        Outcome::Fail => site.reason,
        _ => Some(Reason::HttpStatus),
    };
    AnswerFacts {
        came: true,
        is_right: !tenant.lacks_page(visit) && site.outcome != Outcome::Fail,
        // One that nobody asked again, since its page is not judged anyway, says nothing of a limit that lasts.
        is_limited: site.outcome == Outcome::Fail && is_limited(visit),
        denied: reason.filter(|_| wrong && is_denied(context, visit)),
    }
}

fn saw_something(tenant: &TenantEvidence) -> bool {
    let looks = tenant.dns.authoritative.iter().chain(&tenant.dns.resolvers);
    looks.into_iter().any(|look| look.reply.is_some()) || tenant.all_visits().any(|visit| visit.connect.end.is_done())
}

fn exhausted(tenant: &TenantEvidence) -> Option<&str> {
    let looks = tenant.dns.authoritative.iter().chain(&tenant.dns.resolvers);
    let dns = looks.filter_map(|look| look.end.exhausted());
    dns.chain(tenant.all_visits().filter_map(Visit::exhausted)).next()
}

fn only_wildcard_held(context: &FleetContext, tenant: &TenantEvidence, findings: &Findings) -> bool {
    if findings.of(Check::Conflicts).outcome != Outcome::Fail {
        return false;
    }
    let (held, wildcard) = (certificate_holders(context, tenant), context.fleet.wildcard_name());
    !held.is_empty() && held.iter().all(|(_, held)| held.hostname == wildcard)
}

/// Cut in its last unhurried visit too, and the control name with it; or cut and never repeated.
fn limited(tenant: &TenantEvidence) -> bool {
    match tenant.retries.last() {
        Some(retry) => retry.visit.was_cut() && retry.control.as_ref().is_some_and(Visit::was_cut),
        None => tenant.visits.last().is_some_and(Visit::was_cut),
    }
}

fn dns(context: &FleetContext, tenant: &TenantEvidence) -> DnsFacts {
    let looks = &tenant.dns.authoritative;
    let (server, own) = context.tenant_answer(tenant);
    let same_server = server.and_then(|server| context.controls.get(&server));
    let control = context.control_for(server);
    let servers = context.fleet.zone.servers.iter().take(32).enumerate();
    let asked = servers.filter(|(_, server)| looks.iter().any(|look| look.server == **server));
    DnsFacts {
        servers: asked.fold(0, |set, (at, _)| set | 1 << at),
        is_usable: own.is_usable(),
        is_exhausted: matches!(own, DnsAnswer::Exhausted(_)),
        any_exhausted: looks.iter().any(|look| matches!(look.end, StepStatus::Exhausted(_))),
        like_same_server: same_server.is_some_and(|control| own.same_as(control)),
        like_control: control.is_none_or(|control| own.same_as(control)),
        same_place: control.is_some_and(|control| context.same(&own, control)),
        leads_to_edge: !own.addresses().is_empty() && context.addresses_outside_edge(&own).is_empty(),
        is_bogus: fleet_dns::is_refused_as_bogus(context, tenant),
    }
}

fn visit(context: &FleetContext, tenant: &TenantEvidence, visit: &Visit) -> VisitFacts {
    let deciding = deciding_visit(context, tenant);
    let chain = deciding.and_then(|visit| visit.handshake.chain);
    let position = context.fleet.edge.sockets().position(|socket| socket == visit.address);
    let faults = &visit.handshake.faults;
    VisitFacts {
        socket: position.and_then(|at| u8::try_from(at).ok()),
        connect_failed: visit.connect.end.reason().is_some(),
        failed_before_chain: visit.channel_end().reason().is_some() && faults.is_empty(),
        was_cut: visit.was_cut(),
        exhausted: visit.exhausted().is_some(),
        stood: visit.handshake.end.is_done(),
        chain: chain.and_then(|chain| context.chains.key(chain)),
        first_fault: faults.first().copied(),
        dates_only: crate::chain::fails_by_dates_alone(faults),
    }
}
