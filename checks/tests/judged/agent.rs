//! When the agent itself can't see: one thing that answers is enough for it not to be blind, and what it lacks itself is
//! never a tenant's fault.

use roundsman_checks::diagnosis::{Diagnosis, FollowUp, Status, diagnose};
use roundsman_checks::evidence::{
    ApiAnswer, ClockProbe, ControlProbe, DnsQuery, Exchange, Fault, Platform, Reason, Retry, SourceClock, StepStatus,
    Visit,
};
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::world::World;

use crate::{healthy, told};

fn causes(diagnosis: &Diagnosis) -> Vec<&str> {
    diagnosis.causes.iter().map(|entry| entry.cause.as_str()).collect()
}

fn ended(look: &mut DnsQuery, end: StepStatus) {
    look.reply = None;
    look.end = end;
}

fn silence(look: &mut DnsQuery) {
    ended(look, StepStatus::failed(Reason::DnsTimeout, "no answer"));
}

/// A visit that ended where it began.
fn stop(visit: &mut Visit, end: StepStatus) {
    *visit = Visit::new(visit.address, visit.name.clone());
    visit.connect.end = end;
}

fn unreachable(visit: &mut Visit) {
    stop(visit, StepStatus::failed(Reason::TcpTimeout, "no answer"));
}

/// Nothing answers.
fn dark() -> World {
    let mut world = healthy();
    world.vantage.controls = vec![ControlProbe {
        what: "apis".into(),
        end: StepStatus::failed(Reason::TcpTimeout, "no answer"),
    }];
    world.vantage.resolvers.iter_mut().for_each(silence);
    let zone = &mut world.zone;
    let looks = zone.controls.iter_mut().chain(&mut zone.wildcards);
    looks.chain(&mut zone.resolver_controls).for_each(silence);
    world.edge.controls.iter_mut().for_each(unreachable);
    for tenant in &mut world.tenants {
        let dns = &mut tenant.dns;
        dns.authoritative.iter_mut().chain(&mut dns.resolvers).for_each(silence);
        tenant.visits.iter_mut().for_each(unreachable);
    }
    world
}

#[test]
fn who_gets_no_answer_from_anybody_is_offline_and_says_nothing_of_tenants() {
    let diagnosis = diagnose(&dark());
    assert_eq!(causes(&diagnosis), ["vantage-offline"]);
    assert_eq!(
        told(&diagnosis.causes[0]),
        [
            "no answer from 1 resolver, 1 other control, 2 servers of the zone, 2 edge addresses: this machine has no network"
        ]
    );
    for tenant in &diagnosis.tenants {
        assert_eq!(tenant.status, Status::Unknown);
        assert_eq!(
            tenant.cause.map(|cause| cause.to_string()).as_deref(),
            Some("vantage-offline")
        );
    }
}

#[test]
fn one_thing_that_answers_is_enough_to_see() {
    let seen = healthy();
    let reply = seen.zone.controls[0].reply.clone();
    type Change<'c> = &'c dyn Fn(&mut World);
    let answers: [(&str, Change<'_>); 14] = [
        ("resolver", &|world| world.vantage.resolvers[0].reply = reply.clone()),
        ("control", &|world| world.vantage.controls[0].end = StepStatus::Done),
        ("zone", &|world| world.zone.controls[1].reply = reply.clone()),
        ("wildcard", &|world| world.zone.wildcards[1].reply = reply.clone()),
        ("fresh label", &|world| {
            world.zone.resolver_controls[1].reply = reply.clone();
        }),
        ("edge", &|world| world.edge.controls[1].connect.end = StepStatus::Done),
        ("platform", &|world| {
            world.platform = ApiAnswer::Known(Platform::default().into());
        }),
        ("listing", &|world| world.listing = ApiAnswer::Known(Vec::new().into())),
        ("refusal", &|world| {
            world.platform = ApiAnswer::Unknown(Fault::new(Reason::PlatformUnauthorized, "401"));
        }),
        ("refused listing", &|world| {
            world.listing = ApiAnswer::Unknown(Fault::new(Reason::PlatformForbidden, "403"));
        }),
        ("tenant's name", &|world| {
            world.tenants[2].dns.authoritative[0].reply = reply.clone();
        }),
        ("tenant at a resolver", &|world| {
            world.tenants[1].dns.resolvers[0].reply = reply.clone();
        }),
        ("visit", &|world| {
            world.tenants[1].visits[0].connect.end = StepStatus::Done;
        }),
        ("repeated visit", &|world| {
            let mut visit = world.tenants[1].visits[0].clone();
            visit.connect.end = StepStatus::Done;
            world.tenants[1].retries.push(Retry { visit, control: None });
        }),
    ];
    for (what, answer) in answers {
        let mut world = dark();
        answer(&mut world);
        assert!(!causes(&diagnose(&world)).contains(&"vantage-offline"), "{what}");
    }
}

#[test]
fn what_an_api_said_earlier_counts_until_it_is_asked_again() {
    let mut world = dark();
    world.platform = ApiAnswer::Known(Platform::default().into());
    let diagnosis = diagnose(&world);
    assert!(diagnosis.follow_ups.contains(&FollowUp::Apis));
    assert!(!causes(&diagnosis).contains(&"vantage-offline"));
    let mut asked = |end| {
        let what = "https://api.example.com".to_owned();
        world.vantage.apis = vec![ControlProbe { what, end }];
        let diagnosis = diagnose(&world);
        assert!(!diagnosis.follow_ups.contains(&FollowUp::Apis));
        causes(&diagnosis).contains(&"vantage-offline")
    };
    assert!(asked(StepStatus::failed(Reason::HttpTimeout, "no answer")));
    assert!(!asked(StepStatus::Done));
    // What answers leaves nothing to ask.
    let mut seen = dark();
    seen.platform = ApiAnswer::Known(Platform::default().into());
    seen.vantage.controls[0].end = StepStatus::Done;
    assert!(!diagnose(&seen).follow_ups.contains(&FollowUp::Apis));
}

#[test]
fn an_api_that_is_silent_too_proves_nothing() {
    for reason in [Reason::PlatformTimeout, Reason::PlatformUnavailable] {
        let mut world = dark();
        world.platform = ApiAnswer::Unknown(Fault::new(reason, "no answer"));
        world.listing = ApiAnswer::Unknown(Fault::new(reason, "no answer"));
        assert!(causes(&diagnose(&world)).contains(&"vantage-offline"), "{reason}");
    }
}

/// Nothing was tried yet.
fn untried() -> World {
    let mut world = dark();
    world.vantage.resolvers.clear();
    world.vantage.controls.clear();
    world.zone.controls.clear();
    world.zone.wildcards.clear();
    world.zone.resolver_controls.clear();
    world.edge.controls.clear();
    for tenant in &mut world.tenants {
        tenant.visits.clear();
        tenant.dns.authoritative.clear();
        tenant.dns.resolvers.clear();
    }
    world
}

#[test]
fn nobody_is_offline_before_anything_was_tried() {
    let offline = |world: &World| causes(&diagnose(world)).contains(&"vantage-offline");
    let tried = dark();
    assert!(!offline(&untried()));
    let one = |change: &dyn Fn(&mut World)| {
        let mut world = untried();
        change(&mut world);
        offline(&world)
    };
    assert!(one(&|world| world
        .vantage
        .resolvers
        .clone_from(&tried.vantage.resolvers)));
    assert!(one(&|world| world.vantage.controls.clone_from(&tried.vantage.controls)));
    assert!(one(&|world| world.zone.controls.clone_from(&tried.zone.controls)));
    assert!(one(&|world| world.edge.controls.clone_from(&tried.edge.controls)));
}

#[test]
fn who_has_no_family_of_the_edges_is_offline() {
    let offline = |ipv4, ipv6| {
        let mut world = untried();
        (world.vantage.ipv4, world.vantage.ipv6) = (ipv4, ipv6);
        causes(&diagnose(&world)).contains(&"vantage-offline")
    };
    assert!(offline(Some(false), Some(false)) && offline(Some(false), None) && offline(None, Some(false)));
    assert!(!offline(Some(true), Some(false)) && !offline(Some(false), Some(true)) && !offline(None, None));
}

fn exhausted() -> StepStatus {
    StepStatus::Exhausted("no descriptors".into())
}

#[test]
fn what_the_agent_runs_out_of_is_told_wherever_it_shows() {
    type Change<'c> = &'c dyn Fn(&mut World);
    let places: [(&str, Change<'_>); 10] = [
        ("zone", &|world| ended(&mut world.zone.controls[0], exhausted())),
        ("wildcard", &|world| ended(&mut world.zone.wildcards[0], exhausted())),
        ("fresh label", &|world| {
            ended(&mut world.zone.resolver_controls[0], exhausted());
        }),
        ("resolver", &|world| ended(&mut world.vantage.resolvers[0], exhausted())),
        ("edge", &|world| stop(&mut world.edge.controls[0], exhausted())),
        ("edge again", &|world| {
            let mut visit = world.edge.controls[0].clone();
            stop(&mut visit, exhausted());
            world.edge.rechecks.push(visit);
        }),
        ("tenant's name", &|world| {
            ended(&mut world.tenants[1].dns.authoritative[0], exhausted());
        }),
        ("tenant at a resolver", &|world| {
            ended(&mut world.tenants[1].dns.resolvers[0], exhausted());
        }),
        ("visit", &|world| stop(&mut world.tenants[1].visits[0], exhausted())),
        ("page", &|world| {
            world.tenants[1].visits[0].page = Exchange {
                end: exhausted(),
                ..Exchange::default()
            };
        }),
    ];
    for (what, change) in places {
        let mut world = healthy();
        change(&mut world);
        let diagnosis = diagnose(&world);
        assert_eq!(causes(&diagnosis), ["agent-exhausted"], "{what}");
        assert_eq!(told(&diagnosis.causes[0]), ["no descriptors"], "{what}");
        assert!(
            diagnosis.tenants.iter().all(|tenant| tenant.status != Status::Failing),
            "{what}"
        );
        assert_eq!(diagnosis.tenants[0].status, Status::Healthy, "{what}");
    }
}

#[test]
fn running_out_hides_what_it_kept_from_being_seen_and_no_more() {
    let outcomes = |change: &dyn Fn(&mut World)| {
        let mut world = healthy();
        change(&mut world);
        let diagnosis = diagnose(&world);
        let tenant = &diagnosis.tenants[0];
        let cause = tenant.cause.map(|cause| cause.to_string()).unwrap_or_default();
        (
            [Check::Dns, Check::Certificate, Check::Site, Check::Route].map(|check| tenant.findings.of(check).outcome),
            cause,
        )
    };
    use Outcome::{Pass, Unknown};
    let named = "agent-exhausted".to_owned();
    assert_eq!(
        outcomes(&|world| stop(&mut world.tenants[0].visits[0], exhausted())),
        ([Pass, Unknown, Unknown, Unknown], named.clone())
    );
    let (found, cause) = outcomes(&|world| {
        let looks = &mut world.tenants[0].dns.authoritative;
        looks.iter_mut().for_each(|look| ended(look, exhausted()));
    });
    assert_eq!((found[0], cause), (Unknown, named.clone()));
    // All controls at the servers were lost as well: nothing can be compared.
    let (found, cause) = outcomes(&|world| {
        world.zone.controls.iter_mut().for_each(|look| ended(look, exhausted()));
    });
    assert_eq!((found[0], cause), (Unknown, named));
}

#[test]
fn who_ran_out_is_not_offline_however_dark_it_is() {
    let mut world = dark();
    ended(&mut world.zone.controls[0], exhausted());
    let found = diagnose(&world);
    assert!(causes(&found).contains(&"agent-exhausted") && !causes(&found).contains(&"vantage-offline"));
}

/// The zone's servers are silent to us.
fn blocked() -> World {
    let mut world = healthy();
    let zone = &mut world.zone;
    zone.controls.iter_mut().chain(&mut zone.wildcards).for_each(silence);
    for tenant in &mut world.tenants {
        tenant.dns.authoritative.iter_mut().for_each(silence);
    }
    world
}

#[test]
fn a_resolver_that_gets_what_we_do_not_proves_that_dns_is_blocked() {
    let diagnosis = diagnose(&blocked());
    assert_eq!(causes(&diagnosis), ["vantage-dns-blocked"]);
    let evidence = told(&diagnosis.causes[0]).join("\n");
    let servers = healthy().zone.servers;
    assert!(
        servers.iter().all(|server| evidence.contains(&server.to_string())),
        "{evidence}"
    );
    assert!(evidence.contains("gets a made-up name from them"), "{evidence}");
    assert!(diagnosis.tenants.iter().all(|tenant| tenant.status == Status::Unknown));

    let but = |change: &dyn Fn(&mut World)| {
        let mut world = blocked();
        change(&mut world);
        causes(&diagnose(&world)).contains(&"vantage-dns-blocked")
    };
    assert!(!but(&|world| world.zone.resolver_controls.iter_mut().for_each(silence)));
    assert!(!but(&|world| world.zone.through_resolvers = true));
    assert!(!but(&|world| {
        // One server of the two answers.
        world.zone.controls.clone_from(&healthy().zone.controls);
        world.zone.controls.iter_mut().take(2).for_each(silence);
    }));
}

/// The first tenant's chain is refused by its dates; somebody else's clock says `hours` more than ours.
fn by_another_clock(faults: &[Reason], hours: i64) -> Diagnosis {
    let mut world = healthy();
    let address = world.tenants[0].visits[0].address;
    let visit = &mut world.tenants[0].visits[0];
    let chain = visit.handshake.chain;
    stop(visit, StepStatus::Done);
    visit.handshake.end = StepStatus::failed(faults[0], "refused by its dates");
    visit.handshake.faults = faults.to_vec();
    visit.handshake.chain = chain;
    world.vantage.dates = vec![ClockProbe {
        address,
        date: world.now.checked_add(jiff::SignedDuration::from_hours(hours)).ok(),
        ours: world.now,
        end: StepStatus::Done,
    }];
    diagnose(&world)
}

#[test]
fn a_clock_is_wrong_only_where_another_one_makes_the_chain_valid() {
    let wrong = by_another_clock(&[Reason::TlsExpired], 0);
    assert_eq!(causes(&wrong), ["clock-wrong"]);
    assert_eq!(wrong.causes[0].evidence.len(), 2);
    let tenant = &wrong.tenants[0];
    assert_eq!(tenant.status, Status::Unknown);
    for check in [Check::Certificate, Check::Site, Check::Route] {
        assert!(!tenant.findings.of(check).outcome.eq(&Outcome::Fail), "{check}");
    }
    // By no clock that we know of is it valid.
    for hours in [24 * 400, -24 * 400] {
        assert_eq!(
            causes(&by_another_clock(&[Reason::TlsExpired], hours)),
            ["certificate-expired"]
        );
    }
    // Something besides the dates is wrong.
    let also = by_another_clock(&[Reason::TlsUnknownIssuer, Reason::TlsExpired], 0);
    assert!(!causes(&also).contains(&"clock-wrong"), "{:?}", causes(&also));
}

/// A source, how far its clock is before ours in seconds, and how many minutes ago that was told.
type Told = (&'static str, i64, i64);

/// The healthy world in which these sources' clocks are so many seconds before ours, told so many minutes ago.
fn by_clocks(clocks: &[Told]) -> Diagnosis {
    let mut world = healthy();
    let now = world.vantage.taken_at.unwrap_or(world.now);
    let clock = |(source, ahead, ago): &Told| {
        let ours = now - jiff::SignedDuration::from_mins(*ago);
        SourceClock {
            source: (*source).to_owned(),
            theirs: ours + jiff::SignedDuration::from_secs(*ahead),
            ours,
        }
    };
    world.vantage.clocks = clocks.iter().map(clock).collect();
    diagnose(&world)
}

#[test]
fn two_clocks_that_are_off_to_one_side_are_a_warning() {
    let cases: [(&[Told], bool); 6] = [
        (&[("the edge", 301, 0), ("machines", 900, 0)], true),
        (&[("the edge", -301, 0), ("graphql", -301, 0), ("machines", 2, 0)], true),
        (&[("the edge", 300, 0), ("machines", 300, 0)], false),
        (&[("the edge", 900, 0), ("machines", -900, 0)], false),
        (&[("the edge", 86_400, 0)], false),
        // What was said long ago says nothing of now.
        (&[("the edge", 900, 0), ("machines", 900, 16)], false),
    ];
    for (clocks, wrong) in cases {
        let diagnosis = by_clocks(clocks);
        let expected: &[&str] = if wrong { &["clock-wrong"] } else { &[] };
        assert_eq!(causes(&diagnosis), expected, "{clocks:?}");
        let well = diagnosis.tenants.iter().all(|tenant| tenant.status == Status::Healthy);
        assert!(well, "{clocks:?}: a warning hides nothing");
        assert!(diagnosis.causes.iter().all(|entry| entry.outcome == Outcome::Warn));
    }
    let said = told(&by_clocks(&[("the edge", 600, 0), ("machines", 600, 0)]).causes[0]);
    assert!(said.len() == 2 && said[0].contains(", the edge 20"), "{said:?}");
}
