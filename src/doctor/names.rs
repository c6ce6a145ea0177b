//! The name servers: whether the resolvers and the zone's own servers answer from here, over UDP and over TCP.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use roundsman_checks::evidence::{DnsQuery, RecordKind, StepStatus};
use roundsman_checks::gather::{control_name, system_resolvers, zone_servers};
use roundsman_checks::probe::{DnsClient, DnsQuestion};
use roundsman_checks::target::Hostname;

use super::{Checkup, Status, some};
use crate::config::{Ask, Config};

/// What is looked at here, in its order.
pub(super) const NAMES: &[&str] = &["resolver", "zone", "name-server"];
/// The longest that one server is waited for, whatever is configured.
const LONGEST: Duration = Duration::from_secs(5);
/// How long the zone's servers are looked for.
const SEARCH: Duration = Duration::from_secs(12);
/// Most resolvers that are asked.
const MOST_RESOLVERS: usize = 8;
const OPEN: &str = "open port 53 (UDP and TCP) outward for the agent, or set `[dns] ask = \"resolvers\"`";

/// Asks all of them.
pub(super) async fn look(config: &Config) -> Vec<Checkup> {
    let dns = DnsClient {
        timeout: config.dns.timeout.min(LONGEST),
    };
    let configured = !config.dns.resolvers.is_empty();
    let resolvers = if configured {
        config.dns.resolvers.clone()
    } else {
        system_resolvers()
    };
    let through = config.dns.ask == Ask::Resolvers;
    let needed = through || config.dns.authoritative.is_empty();
    let Ok(name) = control_name(&config.domain) else {
        let why = "the domain leaves no room for a name below it";
        return NAMES.iter().map(|check| Checkup::skip(check, why)).collect();
    };
    let asked = resolvers
        .iter()
        .take(MOST_RESOLVERS)
        .map(|resolver| ask(dns, *resolver, &name, true));
    let (asked, zone) = tokio::join!(join_all(asked), async {
        match (through, needed) {
            (true, _) => None,
            (false, false) => Some((config.dns.authoritative.clone(), StepStatus::Done)),
            (false, true) => Some(find(&dns, &resolvers, &config.domain).await),
        }
    });
    let mut checks = of_resolvers(&asked, needed, configured);
    let Some((servers, discovery)) = zone else {
        let why = "the resolvers stand in for the zone's servers ([dns] ask)";
        checks.extend(["zone", "name-server"].map(|check| Checkup::skip(check, why)));
        return checks;
    };
    let StepStatus::Done = discovery else {
        let said = Checkup::fail("zone", detail(&discovery));
        checks.push(said.act("check `domain` for a typo, or set `[dns] authoritative` to the zone's servers"));
        checks.push(Checkup::skip("name-server", "the zone's servers are not known"));
        return checks;
    };
    let said = if needed {
        "found by its NS records"
    } else {
        "configured"
    };
    checks.push(Checkup::ok("zone", format!("its servers, {said}: {}", some(&servers))));
    let asked = join_all(servers.iter().map(|server| ask(dns, *server, &name, false))).await;
    checks.extend(of_servers(&asked));
    checks
}

async fn find(dns: &DnsClient, resolvers: &[SocketAddr], domain: &Hostname) -> (Vec<SocketAddr>, StepStatus) {
    let found = tokio::time::timeout(SEARCH, zone_servers(dns, resolvers, domain)).await;
    found.unwrap_or_else(|_| (Vec::new(), StepStatus::NotReached))
}

/// One server, asked for a made-up name that only the wildcard answers.
struct Asked {
    server: SocketAddr,
    udp: [DnsQuery; 2],
    tcp: DnsQuery,
}

async fn ask(dns: DnsClient, server: SocketAddr, name: &Hostname, recursion: bool) -> Asked {
    let question = |kind| DnsQuestion {
        name: name.as_str(),
        kind,
        recursion,
        checking_disabled: false,
    };
    let (udp, tcp) = tokio::join!(
        dns.ask_each(server, [RecordKind::A, RecordKind::Aaaa].map(question)),
        dns.ask_over_tcp(server, question(RecordKind::A))
    );
    Asked { server, udp, tcp }
}

impl Asked {
    fn answers_udp(&self) -> bool {
        self.udp.iter().any(|look| look.reply.is_some())
    }

    fn answers_tcp(&self) -> bool {
        self.tcp.reply.is_some()
    }

    /// What it says to a name that only the wildcard has: nothing where it gives addresses, else what it says in their place.
    fn instead(&self) -> Option<String> {
        let replies = || {
            self.udp
                .iter()
                .chain([&self.tcp])
                .filter_map(|look| look.reply.as_ref())
        };
        if replies().any(|reply| reply.rcode == 0 && !reply.answers.is_empty()) {
            return None;
        }
        Some(match replies().map(|reply| reply.rcode).max() {
            Some(0) => "NODATA".to_owned(),
            Some(2) => "SERVFAIL".to_owned(),
            Some(3) => "NXDOMAIN".to_owned(),
            Some(5) => "REFUSED".to_owned(),
            code => format!("code {}", code.unwrap_or_default()),
        })
    }

    fn silence(&self) -> String {
        let fault = self
            .udp
            .iter()
            .map(|look| &look.end)
            .find(|end| **end != StepStatus::Done);
        format!(
            "{}: {}",
            self.server,
            fault.map_or_else(|| "no answer".to_owned(), detail)
        )
    }

    /// What an answering server is worth.
    fn judged(&self, check: &'static str, role: &str) -> Checkup {
        let ways = match (self.answers_udp(), self.answers_tcp()) {
            (true, true) => "answers over UDP and TCP",
            (true, false) => "answers over UDP, and not over TCP",
            _ => "answers over TCP, and not over UDP",
        };
        let both = self.answers_udp() && self.answers_tcp();
        let seen = format!("{} {ways}", self.server);
        let way = match both {
            true => String::new(),
            false => format!(" ({})", detail(&self.other_way())),
        };
        let instead = self.instead();
        let mut checkup = match &instead {
            None if both => return Checkup::ok(check, format!("{seen}, and gives the wildcard's addresses")),
            None => Checkup::warn(check, format!("{seen}{way}")),
            Some(instead) => {
                let said = format!("{seen}{way}, and says {instead} to a name that only the wildcard has");
                Checkup::warn(check, said)
            }
        };
        if !both {
            checkup = checkup.act("open port 53 for both, UDP and TCP: long answers come over TCP alone");
        }
        match instead {
            None => checkup,
            Some(_) => checkup.act(format!(
                "check the {role}, and that the wildcard record is there: `roundsman verify --only dns` says more"
            )),
        }
    }

    /// How the way ended that does not answer.
    fn other_way(&self) -> StepStatus {
        match self.answers_udp() {
            true => self.tcp.end.clone(),
            false => self.udp[0].end.clone(),
        }
    }

    fn is_silent(&self) -> bool {
        !self.answers_udp() && !self.answers_tcp()
    }
}

/// Resolvers that are not needed, or of which another answers, only warn.
fn of_resolvers(asked: &[Asked], needed: bool, configured: bool) -> Vec<Checkup> {
    if asked.is_empty() {
        let seen = "this system names none, and `[dns] resolvers` is empty";
        let checkup = if needed {
            Checkup::fail("resolver", seen)
        } else {
            Checkup::warn("resolver", seen)
        };
        return vec![checkup.act("set `[dns] resolvers`, as in [\"9.9.9.9:53\"]")];
    }
    let lost = needed && asked.iter().all(Asked::is_silent);
    let fix = match configured {
        true => "set `[dns] resolvers` to some that answer here, or leave it out for the system's own",
        false => "correct /etc/resolv.conf, or set `[dns] resolvers` to some that answer here",
    };
    each(asked, ("resolver", "resolver"), lost, fix)
}

fn of_servers(asked: &[Asked]) -> Vec<Checkup> {
    let lost = asked.iter().all(Asked::is_silent);
    each(asked, ("name-server", "zone's servers"), lost, OPEN)
}

/// A check for each that was asked; silence is a failure where all is `lost` by it.
fn each(asked: &[Asked], (check, role): (&'static str, &str), lost: bool, fix: &str) -> Vec<Checkup> {
    let silence = if lost { Status::Fail } else { Status::Warn };
    let judge = |asked: &Asked| match asked.is_silent() {
        true => Checkup::new(check, silence, asked.silence()).act(fix),
        false => asked.judged(check, role),
    };
    asked.iter().map(judge).collect()
}

fn detail(end: &StepStatus) -> String {
    match end {
        StepStatus::Failed(fault) => format!("{} ({})", fault.detail, fault.reason),
        StepStatus::Exhausted(what) => what.clone(),
        StepStatus::Done => "it answered".to_owned(),
        StepStatus::NotReached => format!("nothing was found within {} s", SEARCH.as_secs()),
    }
}
