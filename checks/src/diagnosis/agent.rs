//! Agent rules: when the agent itself can't see, nothing is said about tenants.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{AgentFact, Fact, Object, Proof, Remedy, TenantFacts, Totals};
use crate::chain::{Facts, fails_by_dates_alone};
use crate::evidence::{DnsQuery, Fault, Reason, Visit};
use crate::finding::{Check, Outcome, SeenIn};
use crate::fleet::FleetContext;
use crate::reading::DnsAnswer;

fn hidden(object: Object, evidence: Vec<Fact>) -> Proof {
    Proof::fail(object, evidence).outcome(Outcome::Unknown)
}

fn answered(look: &DnsQuery) -> bool {
    look.reply.is_some()
}

/// Whether the look at the fleet tried to see something, and neither a control nor a server of the zone nor an address of
/// the edge answered. APIs count only where they were asked in this look.
fn is_silent(context: &FleetContext) -> bool {
    let fleet = &context.fleet;
    let (vantage, zone) = (&fleet.vantage, &fleet.zone);
    let tried = !vantage.resolvers.is_empty()
        || !vantage.controls.is_empty()
        || !zone.controls.is_empty()
        || !fleet.edge.controls.is_empty()
        || no_family(context);
    let dns = vantage
        .resolvers
        .iter()
        .chain(&zone.controls)
        .chain(&zone.wildcards)
        .chain(&zone.resolver_controls);
    let mut controls = vantage.controls.iter().chain(&vantage.apis);
    let sees = dns.into_iter().any(answered)
        || controls.any(|control| control.end.is_done())
        || fleet.edge.controls.iter().any(|visit| visit.connect.end.is_done());
    tried && !sees
}

/// Whether an API answered when it was read: before this look, and perhaps long before.
fn was_answered(context: &FleetContext) -> bool {
    let fleet = &context.fleet;
    let faults = [fleet.platform.fault(), fleet.listing.fault()];
    fleet.platform.known().is_some()
        || fleet.listing.known().is_some()
        || faults.into_iter().flatten().any(answered_by_http)
}

/// Whether only what an API said earlier speaks for it that the agent sees: it is worth asking again.
pub(super) fn rests_on_apis(context: &FleetContext) -> bool {
    is_silent(context) && context.fleet.vantage.apis.is_empty() && was_answered(context)
}

pub(super) fn offline(context: &FleetContext, totals: &Totals) -> Vec<Proof> {
    let fleet = &context.fleet;
    let (vantage, zone) = (&fleet.vantage, &fleet.zone);
    let exhausted = exhausted_look(context, totals).is_some();
    if !is_silent(context) || rests_on_apis(context) || totals.saw > 0 || exhausted {
        return Vec::new();
    }
    let silence = AgentFact::Silence {
        resolvers: vantage.resolvers.len(),
        controls: vantage.controls.len() + vantage.apis.len(),
        servers: zone.servers.len(),
        addresses: fleet.edge.addresses.len(),
    };
    let remedy = Remedy::advise("check the network of the machine that roundsman runs on, then run it again");
    vec![hidden(Object::Vantage, vec![silence.into()]).remedy(remedy)]
}

/// Whether an API answered at all: any response proves that the agent sees, whatever it says.
fn answered_by_http(fault: &Fault) -> bool {
    !matches!(fault.reason, Reason::PlatformTimeout | Reason::PlatformUnavailable)
}

fn no_family(context: &FleetContext) -> bool {
    let vantage = &context.fleet.vantage;
    let families = [vantage.ipv4, vantage.ipv6];
    families.contains(&Some(false)) && !families.contains(&Some(true))
}

pub(super) fn looks_outward(_: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    use Reason::{PrerequisiteCertificate, PrerequisiteDns, PrerequisiteSite};
    let hidden = check.seen_in() != SeenIn::Platform;
    let follows = matches!(
        facts.reason(check),
        Some(PrerequisiteDns | PrerequisiteCertificate | PrerequisiteSite)
    );
    hidden && (facts.outcome(check) != Outcome::Skipped || follows)
}

fn exhausted_look<'a>(context: &'a FleetContext, totals: &'a Totals) -> Option<&'a str> {
    let (zone, edge) = (&context.fleet.zone, &context.fleet.edge);
    let dns = zone
        .controls
        .iter()
        .chain(&zone.wildcards)
        .chain(&zone.resolver_controls)
        .chain(&context.fleet.vantage.resolvers);
    let visits = edge.controls.iter().chain(&edge.rechecks).filter_map(Visit::exhausted);
    let tenants = totals.exhausted.keys().map(|what| &**what);
    dns.filter_map(|look| look.end.exhausted())
        .chain(visits)
        .chain(tenants)
        .next()
}

pub(super) fn exhausted(context: &FleetContext, totals: &Totals) -> Vec<Proof> {
    let Some(what) = exhausted_look(context, totals) else {
        return Vec::new();
    };
    let remedy = Remedy::advise("raise the limit (`ulimit -n 4096`) or lower `--concurrency`, then run it again");
    let ran_out = AgentFact::Exhausted(what.to_owned());
    vec![hidden(Object::Agent, vec![ran_out.into()]).remedy(remedy)]
}

pub(super) fn was_exhausted(context: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    let visit = facts.visit.is_some_and(|visit| visit.exhausted);
    let controls = || context.fleet.edge.controls.iter();
    let fleet_blind = !facts.visited && controls().any(|visit| visit.exhausted().is_some());
    let dns = || {
        context
            .controls
            .values()
            .any(|said| matches!(said, DnsAnswer::Exhausted(_)))
    };
    facts.outcome(check) == Outcome::Unknown
        && match check.seen_in() {
            SeenIn::Dns => facts.dns.any_exhausted || dns(),
            SeenIn::Channel | SeenIn::Answer => visit || fleet_blind,
            SeenIn::Platform => false,
        }
}

pub(super) fn dns_blocked(context: &FleetContext, _: &Totals) -> Vec<Proof> {
    let all_silent = !context.controls.is_empty() && context.controls.values().all(DnsAnswer::is_silent);
    if !all_silent || !context.resolver_sees_zone() {
        return Vec::new();
    }
    // A resolver with a view of its own answers whatever the zone's servers do: only the edge shows that it asked them.
    let leads_to_edge =
        |said: &DnsAnswer| !said.addresses().is_empty() && context.addresses_outside_edge(said).is_empty();
    let usable = || context.resolver_controls.iter().filter(|(_, said)| said.is_usable());
    let right = usable().find(|(_, said)| leads_to_edge(said));
    let seen = right.or_else(|| usable().next());
    let resolver = seen.map(|(resolver, said)| AgentFact::ResolverSees {
        resolver: *resolver,
        answer: said.clone(),
    });
    let silent = AgentFact::SilentServers(context.controls.keys().copied().collect());
    let evidence = std::iter::once(silent).chain(resolver).map(Fact::from);
    let remedy = Remedy::advise("open port 53 (UDP and TCP) outward for the agent, or set `[dns] ask = \"resolvers\"`");
    let proof = hidden(Object::Vantage, evidence.collect()).because(Reason::DnsTimeout);
    let proof = proof.remedy(remedy);
    vec![if right.is_some() { proof } else { proof.likely() }]
}

pub(super) fn is_silent_dns(_: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    check == Check::Dns && facts.outcome(check) == Outcome::Unknown
}

pub(super) fn clock(context: &FleetContext, totals: &Totals) -> Vec<Proof> {
    let controls = context.fleet.edge.controls.iter();
    let of_controls = controls.filter(|visit| fails_by_dates_alone(&visit.handshake.faults));
    let of_controls = of_controls.filter_map(|visit| visit.handshake.chain);
    let tenants = totals.dates_only.keys();
    let of_tenants = tenants
        .filter_map(|key| context.chains.id(*key))
        .collect::<BTreeSet<_>>();
    let failed = of_controls
        .chain(of_tenants)
        .filter_map(|chain| context.chains.facts(chain));
    let mut proven = failed.filter_map(|facts| {
        let (theirs, ours) = explaining_date(context, &facts)?;
        Some((facts, theirs, ours))
    });
    let Some((facts, theirs, ours)) = proven.next() else {
        return Vec::new();
    };
    let (from, until) = facts.window;
    let evidence = vec![
        AgentFact::Clocks { ours, theirs }.into(),
        AgentFact::ValidBetween { from, until }.into(),
    ];
    let remedy = Remedy::advise("set the clock of the machine that roundsman runs on (`timedatectl status`)");
    vec![hidden(Object::Clock, evidence).likely().remedy(remedy)]
}

/// How far the clocks of others may be off ours before ours is doubted.
pub const OFF: SignedDuration = SignedDuration::from_mins(5);
/// How old what they said may be.
const OLD: SignedDuration = SignedDuration::from_mins(15);

/// Two others or more whose clocks are off ours to the same side, whatever the chains say: a warning, where the chains do
/// not say more.
pub(super) fn clock_off(context: &FleetContext, totals: &Totals) -> Vec<Proof> {
    if !clock(context, totals).is_empty() {
        return Vec::new();
    }
    let vantage = &context.fleet.vantage;
    let seen = vantage.taken_at.unwrap_or(context.fleet.now);
    let fresh = || {
        let clocks = vantage.clocks.iter();
        clocks.filter(|clock| seen.duration_since(clock.ours).abs() <= OLD)
    };
    let before = fresh().filter(|clock| clock.ahead() > OFF).collect::<Vec<_>>();
    let behind = fresh().filter(|clock| clock.ahead() < -OFF).collect::<Vec<_>>();
    let off = [before, behind].into_iter().max_by_key(Vec::len).unwrap_or_default();
    if off.len() < 2 {
        return Vec::new();
    }
    let evidence = off.into_iter().map(|clock| {
        Fact::from(AgentFact::ClockOf {
            source: clock.source.clone(),
            ours: clock.ours,
            theirs: clock.theirs,
        })
    });
    let remedy = Remedy::advise("set the clock of the machine that roundsman runs on (`timedatectl status`)");
    let proof = Proof::fail(Object::Clock, evidence.collect()).outcome(Outcome::Warn);
    vec![proof.likely().remedy(remedy)]
}

/// Another clock by which a chain would be valid, and ours at that moment.
fn explaining_date(context: &FleetContext, facts: &Facts) -> Option<(Timestamp, Timestamp)> {
    let dates = context.fleet.vantage.dates.iter();
    let mut dates = dates.filter_map(|look| Some((look.date?, look.ours)));
    let (from, until) = facts.window;
    dates.find(|(theirs, _)| from <= *theirs && *theirs <= until)
}

/// While the clock is wrong, no chain that our dates refuse is spoken of, whatever else may be wrong with it.
pub(super) fn fails_by_clock(_: &FleetContext, facts: &TenantFacts, check: Check) -> bool {
    let first = facts.visit.and_then(|visit| visit.first_fault);
    let by_dates = matches!(first, Some(Reason::TlsExpired | Reason::TlsNotYetValid));
    by_dates
        && match check.seen_in() {
            SeenIn::Channel => facts.outcome(check) == Outcome::Fail,
            SeenIn::Answer => facts.reason(check) == Some(Reason::PrerequisiteCertificate),
            SeenIn::Dns | SeenIn::Platform => false,
        }
}
