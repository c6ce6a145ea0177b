//! The fleet checks as findings: the worst proof decides; without one, what was seen.

use std::net::SocketAddr;

use super::fleet_edge::family;
use super::{FleetDetail, FleetFinding, Shared};
use crate::evidence::{Reason, StepStatus, Visit};
use crate::finding::{Check, Finding, FleetCheck, Outcome};
use crate::fleet::FleetContext;
use crate::reading::{DnsAnswer, Lifetime, joined};

/// The fleet checks in the order of reports.
pub(super) fn findings(context: &FleetContext, shared: &Shared) -> Vec<FleetFinding> {
    use FleetCheck::{Dnssec, Edge, Vantage, WildcardCertificate, WildcardDns};
    let all = [WildcardDns, Dnssec, WildcardCertificate, Edge, Vantage];
    all.into_iter().map(|check| finding(context, check, shared)).collect()
}

fn finding(context: &FleetContext, check: FleetCheck, shared: &Shared) -> FleetFinding {
    let told = |(finding, detail)| FleetFinding {
        check,
        finding,
        cause: None,
        detail,
    };
    if let Some(skipped) = not_selected(context, check) {
        return told((skipped, None));
    }
    let decides = shared.proven.iter().filter(|proven| proven.rule.check == check);
    let proofs = decides.flat_map(|proven| proven.proofs.iter().map(|proof| (proven.rule.cause, proof)));
    // Of those that are as bad the first in the order of the rules.
    let decisive = proofs.rev().max_by_key(|(_, proof)| proof.outcome);
    if let Some((cause, proof)) = decisive {
        let first = proof.evidence.first().map(ToString::to_string);
        let message = format!("{cause}: {}", first.unwrap_or_default());
        return FleetFinding {
            check,
            finding: Finding::plain(proof.outcome, message).because(proof.reason),
            cause: Some(cause),
            detail: None,
        };
    }
    told(match check {
        FleetCheck::WildcardDns => {
            let proxied = context.behind_proxy().map(|_| FleetDetail::ThroughProxy);
            (wildcard_dns(context), proxied)
        }
        FleetCheck::Dnssec => (dnssec(context), None),
        FleetCheck::WildcardCertificate => wildcard_certificate(context),
        FleetCheck::Edge => edge(context),
        FleetCheck::Vantage => (vantage(context), resolver_differs(context)),
    })
}

fn not_selected(context: &FleetContext, check: FleetCheck) -> Option<Finding> {
    let selected = |check: Check| context.fleet.selected.contains(&check);
    let asked = match check {
        FleetCheck::WildcardDns | FleetCheck::Dnssec => selected(Check::Dns),
        FleetCheck::WildcardCertificate => selected(Check::Certificate),
        FleetCheck::Edge => Check::of_visits().any(selected),
        FleetCheck::Vantage => true,
    };
    (!asked).then(|| Finding::skipped(Reason::NotSelected, "left out of this round"))
}

fn wildcard_dns(context: &FleetContext) -> Finding {
    let zone = &context.fleet.zone;
    if let StepStatus::Failed(fault) = &zone.discovery {
        return Finding::plain(
            Outcome::Unknown,
            format!("the zone's servers could not be found: {}", fault.detail),
        )
        .because(fault.reason);
    }
    let usable = context
        .controls
        .iter()
        .filter(|(_, said)| said.is_usable())
        .collect::<Vec<_>>();
    let Some((_, said)) = usable.first() else {
        return Finding::plain(Outcome::Unknown, "no server of the zone could be asked");
    };
    let edge = &context.fleet.edge.addresses;
    let resolved = context.resolved(said);
    if resolved.is_empty() {
        return Finding::plain(
            Outcome::Unknown,
            format!("{said}: no resolver tells the addresses behind it"),
        );
    }
    if let Some(fault) = context.leads_into_the_dark(&resolved) {
        let message = format!(
            "{}; whether that is the edge is not known: {}",
            joined(&resolved),
            fault.detail
        );
        return Finding::plain(Outcome::Unknown, message)
            .because(fault.reason)
            .comparing(joined(edge), joined(&resolved));
    }
    let only_edge = |v4: bool| {
        let has = |address: &&std::net::IpAddr| address.is_ipv4() == v4;
        edge.iter().any(|a| has(&a)) && !resolved.iter().any(|a| has(&a))
    };
    let mut message = format!(
        "{} ({} of {} servers)",
        joined(&resolved),
        usable.len(),
        zone.servers.len()
    );
    for (v4, name) in [(true, "IPv4"), (false, "IPv6")] {
        if only_edge(v4) {
            message.push_str(&format!("; only the edge has {name}"));
        }
    }
    if let Some(content) = context.behind_proxy() {
        message.push_str(&format!(
            "; through the CDN's proxy to {}: that path was not verified",
            joined(&content)
        ));
    }
    Finding::plain(Outcome::Pass, message).comparing(joined(edge), joined(&resolved))
}

fn dnssec(context: &FleetContext) -> Finding {
    let authentic = context
        .fleet
        .zone
        .resolver_controls
        .iter()
        .find(|look| look.reply.as_ref().is_some_and(|reply| reply.authentic));
    match authentic {
        Some(look) => Finding::plain(Outcome::Pass, format!("resolver {} validates the zone", look.server)),
        None => Finding::skipped(
            Reason::NotConfigured,
            "the zone is not signed, or no resolver that is asked validates",
        ),
    }
}

fn wildcard_certificate(context: &FleetContext) -> (Finding, Option<FleetDetail>) {
    let served = context
        .fleet
        .edge
        .controls
        .iter()
        .chain(&context.fleet.edge.rechecks)
        .rev();
    let visit = served.into_iter().find(|visit| visit.handshake.end.is_done());
    match visit.and_then(|visit| Some((visit, context.facts(visit)?))) {
        Some((visit, facts)) => {
            let lifetime = Lifetime::of(&facts, context.moment_of(visit));
            let finding = Finding::plain(Outcome::Pass, format!("{}, {lifetime}", facts.issuer));
            (finding, Some(FleetDetail::Lifetime(lifetime)))
        }
        None => {
            let message = "no address of the edge showed a certificate that verifies";
            (Finding::plain(Outcome::Unknown, message), None)
        }
    }
}

fn edge(context: &FleetContext) -> (Finding, Option<FleetDetail>) {
    let edge = &context.fleet.edge;
    let works = |visit: &&Visit| visit.was_served();
    let seen = edge
        .sockets()
        .filter_map(|socket| edge.control_at(socket))
        .filter(works)
        .collect::<Vec<_>>();
    let mut families = seen.iter().map(|visit| family(visit.address)).collect::<Vec<_>>();
    families.sort_unstable();
    families.dedup();
    let lacking = lacking(context);
    if seen.is_empty() {
        let finding = match lacking.first() {
            Some((_, reason, name)) => Finding::skipped(*reason, format!("the agent has no {name}")),
            None if edge.controls.is_empty() => Finding::plain(Outcome::Unknown, "no address of the edge was visited"),
            None => Finding::plain(Outcome::Unknown, "no address of the edge served the control name"),
        };
        return (finding, None);
    }
    let mut message = format!(
        "{} of {} addresses, {}",
        seen.len(),
        edge.addresses.len(),
        families.join(" and ")
    );
    for (_, reason, name) in &lacking {
        message.push_str(&format!("; {name} not looked at: the agent has none ({reason})"));
    }
    let wanted = |socket: &SocketAddr| lacking.iter().all(|(_, _, name)| *name != family(*socket));
    let whole = edge
        .sockets()
        .filter(wanted)
        .all(|socket| seen.iter().any(|visit| visit.address == socket));
    let outcome = if whole { Outcome::Pass } else { Outcome::Unknown };
    let detail = FleetDetail::Families {
        v4: seen.iter().any(|visit| visit.address.is_ipv4()),
        v6: seen.iter().any(|visit| visit.address.is_ipv6()),
        lacking: !lacking.is_empty(),
    };
    (Finding::plain(outcome, message), Some(detail))
}

/// The families that the agent does not have.
fn lacking(context: &FleetContext) -> Vec<(Option<bool>, Reason, &'static str)> {
    let vantage = &context.fleet.vantage;
    let families = [
        (vantage.ipv4, Reason::NoIpv4, "IPv4"),
        (vantage.ipv6, Reason::NoIpv6, "IPv6"),
    ];
    let lacking = families.into_iter().filter(|(usable, _, _)| *usable == Some(false));
    lacking.collect()
}

fn vantage(context: &FleetContext) -> Finding {
    let vantage = &context.fleet.vantage;
    let answered = vantage.resolvers.iter().filter(|look| look.reply.is_some()).count();
    let controls = vantage.controls.iter().filter(|control| control.end.is_done()).count();
    let silent = context.resolver_controls.iter().filter(|(_, said)| !said.is_usable());
    let silent = silent
        .map(|(resolver, said)| format!("; resolver {resolver}: {}", short(said)))
        .collect::<String>();
    let others = if vantage.controls.is_empty() {
        String::new()
    } else {
        format!(", {controls} of {} controls", vantage.controls.len())
    };
    let message = format!(
        "{answered} of {} resolvers answer{others}{silent}{}",
        vantage.resolvers.len(),
        differing(context)
    );
    // Without one resolver nothing shows what users' resolvers say.
    let none_answers = !vantage.resolvers.is_empty() && answered == 0;
    Finding::plain(if none_answers { Outcome::Unknown } else { Outcome::Pass }, message)
}

fn resolver_differs(context: &FleetContext) -> Option<FleetDetail> {
    let differing = context.differing_resolvers();
    let (resolver, _) = *differing.first()?;
    let others = differing.len() - 1;
    Some(FleetDetail::ResolverDiffers { resolver, others })
}

/// The resolvers that give every name something else than the zone's servers do: split horizon, filters, answers by
/// place. It is told once and blames nobody.
fn differing(context: &FleetContext) -> String {
    let Some(zone) = context.control_for(None) else {
        return String::new();
    };
    let others = match context.fleet.zone.through_resolvers {
        true => "others",
        false => "the zone's servers",
    };
    let differing = context.differing_resolvers().into_iter();
    let note = |(resolver, said)| {
        format!("; resolver-differs: {resolver} gives a fresh label {said}, {others} give it {zone}")
    };
    differing.map(note).collect()
}

fn short(said: &DnsAnswer) -> String {
    said.reason()
        .map_or_else(|| said.to_string(), |reason| reason.to_string())
}
