//! The way to the edge, and the clocks of others: whether there is a route for each address family, whether TLS is answered
//! there, and whether this machine's clock agrees with those that answer.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;
use roundsman_checks::clock::now;
use roundsman_checks::diagnosis::{CLOCK_OFF, Instruction};
use roundsman_checks::evidence::{App, ClockProbe, SourceClock, StepStatus};
use roundsman_checks::gather::control_name;
use roundsman_checks::probe::{Prober, date, families};

use super::settings::Settings;
use super::{Checkup, some};
use crate::agent::{edge_addresses, settings as limits};
use crate::config::Config;

/// What is looked at here, in its order.
pub(super) const NAMES: &[&str] = &["routes", "edge", "clock"];
/// How long an address of the edge is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most addresses of a family that are asked.
const MOST: usize = 4;

/// What was seen.
pub(super) struct EdgeSeen {
    pub routes: Checkup,
    pub edge: Checkup,
    clocks: Vec<SourceClock>,
}

/// Looks which families have a route to the edge, and asks addresses of each for their clock.
pub(super) async fn look(config: &Config, settings: &Settings, edge: Option<&App>) -> EdgeSeen {
    let addresses = match (config.edge.addresses.as_slice(), edge) {
        ([], Some(edge)) => edge_addresses(config, edge).0,
        (given, _) => given.to_vec(),
    };
    let families = families(&addresses, config.edge.port);
    let seen = |edge, clocks| EdgeSeen {
        routes: routes(&addresses, families),
        edge,
        clocks,
    };
    let skip = |why: &str| seen(Checkup::skip("edge", why), Vec::new());
    // What has no route is told by that.
    let of_family = |v4: bool, led: Option<bool>| {
        let of_family = addresses.iter().filter(move |address| address.is_ipv4() == v4);
        of_family.copied().take(if led == Some(true) { MOST } else { 0 })
    };
    let asked = of_family(true, families.0).chain(of_family(false, families.1));
    let asked = asked.collect::<Vec<_>>();
    let (Some(anchors), Ok(name)) = (&settings.anchors, control_name(&config.domain)) else {
        return skip("needs the trusted roots, and a domain that leaves room for a name below it");
    };
    let prober = match Prober::new(anchors.clone(), limits(&config.site)) {
        Ok(prober) => prober,
        Err(error) => return seen(Checkup::fail("edge", error.to_string()), Vec::new()),
    };
    match (asked.is_empty(), addresses.is_empty()) {
        (true, true) => return skip("no address of the edge is known"),
        (true, false) => return skip("no route leads there"),
        (false, _) => {}
    }
    let looks = asked.iter().map(async |address| {
        let address = SocketAddr::new(*address, config.edge.port);
        let look = tokio::time::timeout(PATIENCE, date(&prober, address, &name, now())).await;
        (address, look.ok())
    });
    let looks = join_all(looks).await;
    let clocks = looks.iter().filter_map(|(address, look)| {
        let look = look.as_ref()?;
        Some(SourceClock {
            source: format!("the edge at {}", address.ip()),
            theirs: look.date?,
            ours: look.ours,
        })
    });
    seen(connections(&looks), clocks.collect())
}

/// Whether TLS is spoken there, by whatever certificate: that one is for `verify` to judge.
fn connections(looks: &[(SocketAddr, Option<ClockProbe>)]) -> Checkup {
    let name = "edge";
    let (mut answering, mut silent) = (Vec::new(), Vec::new());
    for (address, look) in looks {
        match look.as_ref().map(|look| &look.end) {
            Some(StepStatus::Done) => answering.push(address),
            // An answer that is of no use, or none, over a connection that stands.
            Some(StepStatus::Failed(fault)) if fault.reason.to_string().starts_with("http/") => answering.push(address),
            Some(StepStatus::Failed(fault)) => silent.push(format!("{address}: {} ({})", fault.detail, fault.reason)),
            Some(StepStatus::Exhausted(what)) => silent.push(format!("{address}: {what}")),
            Some(StepStatus::NotReached) | None => {
                silent.push(format!("{address}: no answer within {} s", PATIENCE.as_secs()));
            }
        }
    }
    let fix = Instruction::look(
        "look whether `addresses` and `port` of [edge] are the edge's, and whether this machine may connect there",
    );
    match (answering.is_empty(), silent.is_empty()) {
        (false, true) => Checkup::ok(name, format!("TLS is answered at {}", some(answering))),
        (false, false) => {
            let seen = format!("TLS is answered at {}, and not at {}", some(answering), some(silent));
            Checkup::warn(name, seen).with_fix([fix])
        }
        (true, _) => Checkup::fail(name, format!("no TLS connection: {}", some(silent))).with_fix([fix]),
    }
}

fn routes(addresses: &[IpAddr], (v4, v6): (Option<bool>, Option<bool>)) -> Checkup {
    let name = "routes";
    let lacking = |family: &str, is: fn(&&IpAddr) -> bool| {
        let seen = format!(
            "there is no {family} route from here to {}; checks of that family are skipped (no-{})",
            some(addresses.iter().filter(is)),
            family.to_lowercase()
        );
        let fix = format!("give this machine {family}, or leave these addresses out of `addresses` of [edge]");
        Checkup::warn(name, seen).act(fix)
    };
    let led = |without: &str| Checkup::ok(name, format!("there is a route to {}{without}", some(addresses)));
    match (v4, v6) {
        (None, None) => Checkup::skip(name, "no address of the edge is known"),
        (Some(false), None | Some(false)) | (None, Some(false)) => {
            Checkup::fail(name, format!("there is no route from here to {}", some(addresses))).run("ip route")
        }
        (Some(true), Some(false)) => lacking("IPv6", |address| address.is_ipv6()),
        (Some(false), Some(true)) => lacking("IPv4", |address| address.is_ipv4()),
        (Some(true), Some(true)) => led(""),
        (Some(true), None) => led("; the edge has no IPv6"),
        (None, Some(true)) => led("; the edge has no IPv4"),
    }
}

impl EdgeSeen {
    /// The clock, by all that told theirs. It is doubted by the same difference as in a round.
    pub(super) fn clock(&self, of_apis: &[SourceClock]) -> Checkup {
        judge(of_apis.iter().chain(&self.clocks))
    }
}

fn judge<'c>(clocks: impl Iterator<Item = &'c SourceClock>) -> Checkup {
    let name = "clock";
    let clocks = clocks.collect::<Vec<_>>();
    let sources = some(clocks.iter().map(|clock| &clock.source));
    match clocks.iter().max_by_key(|clock| clock.ahead().abs()) {
        None => Checkup::skip(name, "nobody told theirs: no API and no address of the edge answered"),
        Some(worst) if worst.ahead().abs() > CLOCK_OFF => {
            let way = if worst.ahead().is_positive() {
                "behind"
            } else {
                "ahead of"
            };
            let off = difference(worst.ahead().abs());
            let warning = Checkup::warn(name, format!("{off} {way} that of {} (of {sources})", worst.source));
            warning
                .act("set the clock of the machine that roundsman runs on")
                .run("timedatectl status")
        }
        Some(worst) => Checkup::ok(
            name,
            format!("within {} of {sources}", difference(worst.ahead().abs() + SECOND)),
        ),
    }
}

/// What a `Date` leaves out.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

fn difference(off: SignedDuration) -> String {
    match off.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use roundsman_checks::evidence::Reason;

    use super::super::Status;
    use super::*;

    #[test]
    fn a_family_that_leads_nowhere_is_a_warning_while_the_other_does() {
        let addresses = ["198.51.100.7", "2001:db8::7"].map(|address| address.parse().unwrap_or(IpAddr::from([0; 4])));
        let told = |families| routes(&addresses, families);
        assert_eq!(told((Some(true), Some(true))).status, Status::Ok);
        let six = told((Some(true), Some(false)));
        assert_eq!(
            six.seen,
            "there is no IPv6 route from here to 2001:db8::7; checks of that family are skipped (no-ipv6)"
        );
        assert_eq!(six.status, Status::Warn);
        assert_eq!(told((Some(false), Some(false))).status, Status::Fail);
        assert_eq!(told((None, Some(false))).status, Status::Fail);
        assert_eq!(routes(&[], (None, None)).status, Status::Skip);
    }

    #[test]
    fn what_answers_tls_is_told_from_what_does_not() {
        let look = |reason: Option<Reason>| ClockProbe {
            address: SocketAddr::from(([192, 0, 2, 1], 443)),
            date: None,
            ours: now(),
            end: reason.map_or(StepStatus::Done, |reason| StepStatus::failed(reason, "it says")),
        };
        let told = |looks: &[Option<ClockProbe>]| {
            let looks = looks.iter().cloned().zip(1u8..);
            let looks = looks.map(|(look, at)| (SocketAddr::from(([192, 0, 2, at], 443)), look));
            connections(&looks.collect::<Vec<_>>())
        };
        let (answers, refuses) = (look(None), look(Some(Reason::TcpRefused)));
        let undated = look(Some(Reason::HttpHeader));
        assert_eq!(
            told(&[Some(answers.clone()), Some(undated)]).seen,
            "TLS is answered at 192.0.2.1:443, 192.0.2.2:443"
        );
        let some_do = told(&[Some(answers), Some(refuses.clone())]);
        assert_eq!((some_do.status, some_do.fix.len()), (Status::Warn, 1));
        assert_eq!(
            some_do.seen,
            "TLS is answered at 192.0.2.1:443, and not at 192.0.2.2:443: it says (tcp/refused)"
        );
        let none = told(&[Some(refuses), None]);
        assert_eq!(none.status, Status::Fail);
        assert_eq!(
            none.seen,
            "no TLS connection: 192.0.2.1:443: it says (tcp/refused), 192.0.2.2:443: no answer within 5 s"
        );
    }

    #[test]
    fn a_clock_is_doubted_by_more_than_five_minutes() {
        let ours = now();
        let told = |minutes: i64| {
            let theirs = ours + SignedDuration::from_mins(minutes);
            judge(
                [SourceClock {
                    source: "graphql".into(),
                    theirs,
                    ours,
                }]
                .iter(),
            )
        };
        assert_eq!(told(5).status, Status::Ok);
        assert_eq!(
            (told(6).status, told(6).seen.as_str()),
            (Status::Warn, "6 min behind that of graphql (of graphql)")
        );
        assert_eq!(told(-600_000).seen, "416 days ahead of that of graphql (of graphql)");
        assert_eq!(judge([].iter()).status, Status::Skip);
    }
}
