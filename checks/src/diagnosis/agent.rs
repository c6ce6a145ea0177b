//! Agent rules: when the agent itself can't see, nothing is said about tenants.

use super::rules::{Rule, silences_nothing};
use super::{AgentFact, Cause, Fact, Object, Proof, Remedy, Scope};
use crate::chain::fails_by_dates_alone;
use crate::check::{Context, Said};
use crate::evidence::{DnsLook, End, Fault, Reason};
use crate::finding::{Check, Finding, FleetCheck, Outcome};
use crate::world::TenantWorld;

/// In order of precedence.
pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: Cause::VantageOffline,
        scope: Scope::Agent,
        check: FleetCheck::Vantage,
        proofs: offline,
        breaks: looks_outward,
        silences: |_| true,
    },
    Rule {
        cause: Cause::AgentExhausted,
        scope: Scope::Agent,
        check: FleetCheck::Vantage,
        proofs: exhausted,
        breaks: was_exhausted,
        silences: silences_nothing,
    },
    Rule {
        cause: Cause::VantageDnsBlocked,
        scope: Scope::Agent,
        check: FleetCheck::Vantage,
        proofs: dns_blocked,
        breaks: is_silent_dns,
        silences: silences_nothing,
    },
    Rule {
        cause: Cause::ClockWrong,
        scope: Scope::Agent,
        check: FleetCheck::Vantage,
        proofs: clock,
        breaks: fails_by_clock,
        silences: |cause| {
            matches!(
                cause,
                Cause::WildcardCertificateExpired | Cause::WildcardCertificateNotYetValid
            )
        },
    },
];

fn hidden(object: Object, evidence: Vec<Fact>) -> Proof {
    Proof::fail(object, evidence).outcome(Outcome::Unknown)
}

fn answered(look: &DnsLook) -> bool {
    look.reply.is_some()
}

fn offline(context: &Context<'_>) -> Vec<Proof> {
    let world = context.world;
    let (vantage, zone) = (&world.vantage, &world.zone);
    let tried = !vantage.resolvers.is_empty()
        || !vantage.controls.is_empty()
        || !zone.controls.is_empty()
        || !world.edge.controls.is_empty()
        || no_family(context);
    let dns = vantage
        .resolvers
        .iter()
        .chain(&zone.controls)
        .chain(&zone.wildcards)
        .chain(&zone.resolver_controls);
    let sees = dns.into_iter().any(answered)
        || vantage.controls.iter().any(|control| control.end.is_done())
        || world.edge.controls.iter().any(|visit| visit.connect.end.is_done())
        || world.platform.known().is_some()
        || world.listing.known().is_some()
        || [world.platform.fault(), world.listing.fault()]
            .into_iter()
            .flatten()
            .any(answered_by_http)
        || world.tenants.iter().any(saw_something);
    let exhausted = exhausted_look(context).is_some();
    if !tried || sees || exhausted {
        return Vec::new();
    }
    let silence = AgentFact::Silence {
        resolvers: vantage.resolvers.len(),
        controls: vantage.controls.len(),
        servers: zone.servers.len(),
        addresses: world.edge.addresses.len(),
    };
    let remedy = Remedy::look("check the network of the machine that roundsman runs on, then run it again");
    vec![hidden(Object::Vantage, vec![silence.into()]).remedy(remedy)]
}

/// Whether an API answered at all: any response proves that the agent sees, whatever it says.
fn answered_by_http(fault: &Fault) -> bool {
    !matches!(fault.reason, Reason::PlatformTimeout | Reason::PlatformUnavailable)
}

fn no_family(context: &Context<'_>) -> bool {
    let vantage = &context.world.vantage;
    let families = [vantage.ipv4, vantage.ipv6];
    families.contains(&Some(false)) && !families.contains(&Some(true))
}

fn saw_something(tenant: &TenantWorld) -> bool {
    tenant
        .dns
        .authoritative
        .iter()
        .chain(&tenant.dns.resolvers)
        .any(answered)
        || tenant.all_visits().any(|visit| visit.connect.end.is_done())
}

fn looks_outward(_: &Context<'_>, _: &TenantWorld, check: Check, finding: &Finding) -> bool {
    let hidden = matches!(check, Check::Dns | Check::Certificate | Check::Site | Check::Route);
    let judged = finding.outcome != Outcome::Skipped || is_prerequisite(finding);
    hidden && judged
}

fn is_prerequisite(finding: &Finding) -> bool {
    use Reason::{PrerequisiteCertificate, PrerequisiteDns, PrerequisiteSite};
    matches!(
        finding.reason,
        Some(PrerequisiteDns | PrerequisiteCertificate | PrerequisiteSite)
    )
}

fn exhausted_look<'a>(context: &'a Context<'_>) -> Option<&'a str> {
    let world = context.world;
    let zone = &world.zone;
    let dns = zone
        .controls
        .iter()
        .chain(&zone.wildcards)
        .chain(&zone.resolver_controls)
        .chain(&world.vantage.resolvers);
    let tenants = world.tenants.iter().flat_map(|tenant| {
        let looks = tenant
            .dns
            .authoritative
            .iter()
            .chain(&tenant.dns.resolvers)
            .map(|look| &look.end);
        looks
            .filter_map(End::exhausted)
            .chain(tenant.all_visits().filter_map(|visit| visit.exhausted()))
    });
    let visits = world
        .edge
        .controls
        .iter()
        .chain(&world.edge.rechecks)
        .filter_map(|visit| visit.exhausted());
    dns.filter_map(|look| look.end.exhausted())
        .chain(visits)
        .chain(tenants)
        .next()
}

fn exhausted(context: &Context<'_>) -> Vec<Proof> {
    let Some(what) = exhausted_look(context) else {
        return Vec::new();
    };
    let remedy = Remedy::advise("raise the limit (`ulimit -n 4096`) or lower `--concurrency`, then run it again");
    let ran_out = AgentFact::Exhausted(what.to_owned());
    vec![hidden(Object::Agent, vec![ran_out.into()]).remedy(remedy)]
}

fn was_exhausted(context: &Context<'_>, tenant: &TenantWorld, check: Check, finding: &Finding) -> bool {
    let visit = tenant.visit().is_some_and(|visit| visit.exhausted().is_some());
    let fleet_blind = tenant.visits.is_empty() && context.world.edge.controls.iter().any(|v| v.exhausted().is_some());
    finding.outcome == Outcome::Unknown
        && match check {
            Check::Dns => {
                tenant
                    .dns
                    .authoritative
                    .iter()
                    .any(|look| look.end.exhausted().is_some())
                    || context.controls.values().any(|said| matches!(said, Said::Exhausted(_)))
            }
            Check::Certificate | Check::Site | Check::Route => visit || fleet_blind,
            Check::Conflicts | Check::App => false,
        }
}

fn dns_blocked(context: &Context<'_>) -> Vec<Proof> {
    let all_silent = !context.controls.is_empty() && context.controls.values().all(Said::is_silent);
    if !all_silent || !context.resolver_sees_zone() {
        return Vec::new();
    }
    let seen = context.resolver_controls.iter().find(|(_, said)| said.is_usable());
    let resolver = seen.map(|(resolver, said)| AgentFact::ResolverSees {
        resolver: *resolver,
        answer: said.clone(),
    });
    let silent = AgentFact::SilentServers(context.controls.keys().copied().collect());
    let evidence = std::iter::once(silent).chain(resolver).map(Fact::from);
    let remedy = Remedy::advise("open port 53 (UDP and TCP) outward for the agent, or set `[dns] ask = \"resolvers\"`");
    let proof = hidden(Object::Vantage, evidence.collect()).because(Reason::DnsTimeout);
    vec![proof.remedy(remedy)]
}

fn is_silent_dns(_: &Context<'_>, _: &TenantWorld, check: Check, finding: &Finding) -> bool {
    check == Check::Dns && finding.outcome == Outcome::Unknown
}

fn clock(context: &Context<'_>) -> Vec<Proof> {
    let visits = context
        .world
        .edge
        .controls
        .iter()
        .chain(context.world.tenants.iter().filter_map(TenantWorld::visit));
    let failed = visits.filter(|visit| fails_by_dates_alone(&visit.handshake.faults));
    let proven = failed
        .filter_map(|visit| Some((visit, explaining_date(context, visit)?)))
        .next();
    let Some((visit, (theirs, ours))) = proven else {
        return Vec::new();
    };
    let Some(facts) = context.facts(visit) else {
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

/// Another clock by which the visit's chain would be valid, and ours at that moment.
fn explaining_date(
    context: &Context<'_>,
    visit: &crate::evidence::Visit,
) -> Option<(jiff::Timestamp, jiff::Timestamp)> {
    let facts = context.facts(visit)?;
    let dates = context
        .world
        .vantage
        .dates
        .iter()
        .filter_map(|look| Some((look.date?, look.ours)));
    dates
        .into_iter()
        .find(|(theirs, _)| facts.window.0 <= *theirs && *theirs <= facts.window.1)
}

/// While the clock is wrong, no chain that our dates refuse is spoken of, whatever else may be wrong with it.
fn fails_by_clock(_: &Context<'_>, tenant: &TenantWorld, check: Check, finding: &Finding) -> bool {
    let first = tenant.visit().and_then(|visit| visit.handshake.faults.first());
    let by_dates = matches!(first, Some(Reason::TlsExpired | Reason::TlsNotYetValid));
    by_dates
        && match check {
            Check::Certificate => finding.outcome == Outcome::Fail,
            Check::Site | Check::Route => finding.reason == Some(Reason::PrerequisiteCertificate),
            Check::Dns | Check::Conflicts | Check::App => false,
        }
}
