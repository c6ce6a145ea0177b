//! The way to the edge, and the clocks of others: whether each address family leads anywhere from here, and whether this
//! machine's clock agrees with those that answer.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;
use roundsman_checks::clock::now;
use roundsman_checks::diagnosis::CLOCK_OFF;
use roundsman_checks::evidence::{App, SourceClock};
use roundsman_checks::gather::control_name;
use roundsman_checks::probe::{Prober, date, families};

use super::settings::Settings;
use super::{Checkup, some};
use crate::agent::{edge_addresses, settings as limits};
use crate::config::Config;

/// What is looked at here, in its order.
pub(super) const NAMES: &[&str] = &["routes", "clock"];
/// How long an address of the edge is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was seen.
pub(super) struct EdgeSeen {
    pub routes: Checkup,
    clocks: Vec<SourceClock>,
}

/// Looks which families lead to the edge, and asks one address of each for its clock.
pub(super) async fn look(config: &Config, settings: &Settings, edge: Option<&App>) -> EdgeSeen {
    let addresses = match (config.edge.addresses.as_slice(), edge) {
        ([], Some(edge)) => edge_addresses(config, edge).0,
        (given, _) => given.to_vec(),
    };
    let routes = routes(&addresses, families(&addresses, config.edge.port));
    let first = |v4: bool| addresses.iter().find(move |address| address.is_ipv4() == v4);
    let asked = [first(true), first(false)].into_iter().flatten();
    let clocks = match &settings.anchors {
        Some(anchors) => match Prober::new(anchors.clone(), limits(&config.site)) {
            Ok(prober) => clocks(config, &prober, asked.copied()).await,
            Err(_) => Vec::new(),
        },
        None => Vec::new(),
    };
    EdgeSeen { routes, clocks }
}

async fn clocks(config: &Config, prober: &Prober, addresses: impl Iterator<Item = IpAddr>) -> Vec<SourceClock> {
    let Ok(name) = control_name(&config.domain) else {
        return Vec::new();
    };
    let asked = addresses.map(async |address| {
        let look = date(prober, SocketAddr::new(address, config.edge.port), &name, now());
        let look = tokio::time::timeout(PATIENCE, look).await.ok()?;
        Some(SourceClock {
            source: format!("the edge at {address}"),
            theirs: look.date?,
            ours: look.ours,
        })
    });
    join_all(asked).await.into_iter().flatten().collect()
}

fn routes(addresses: &[IpAddr], (v4, v6): (Option<bool>, Option<bool>)) -> Checkup {
    let name = "routes";
    let lacking = |family: &str, is: fn(&&IpAddr) -> bool| {
        let seen = format!(
            "{family} leads nowhere from here: {}",
            some(addresses.iter().filter(is))
        );
        (
            seen,
            format!("give this machine {family}, or leave these addresses out of `addresses` of [edge]"),
        )
    };
    match (v4, v6) {
        (None, None) => Checkup::skip(name, "no address of the edge is known"),
        (Some(false), None | Some(false)) | (None, Some(false)) => Checkup::fail(
            name,
            format!("nothing leads to the edge from here: {}", some(addresses)),
        )
        .run("ip route"),
        (Some(true), Some(false)) => {
            let (seen, fix) = lacking("IPv6", |address| address.is_ipv6());
            Checkup::warn(name, format!("{seen}; checks of that family are skipped (no-ipv6)")).act(fix)
        }
        (Some(false), Some(true)) => {
            let (seen, fix) = lacking("IPv4", |address| address.is_ipv4());
            Checkup::warn(name, format!("{seen}; checks of that family are skipped (no-ipv4)")).act(fix)
        }
        (Some(true), Some(true)) => Checkup::ok(name, format!("IPv4 and IPv6 lead to the edge: {}", some(addresses))),
        (Some(true), None) => Checkup::ok(
            name,
            format!("IPv4 leads to the edge, which has no IPv6: {}", some(addresses)),
        ),
        (None, Some(true)) => Checkup::ok(
            name,
            format!("IPv6 leads to the edge, which has no IPv4: {}", some(addresses)),
        ),
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
            "IPv6 leads nowhere from here: 2001:db8::7; checks of that family are skipped (no-ipv6)"
        );
        assert_eq!(six.status, Status::Warn);
        assert_eq!(told((Some(false), Some(false))).status, Status::Fail);
        assert_eq!(told((None, Some(false))).status, Status::Fail);
        assert_eq!(routes(&[], (None, None)).status, Status::Skip);
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
