//! Finds name servers: the system's resolvers, and the servers of a zone.

use std::net::{IpAddr, SocketAddr};

use futures_util::future::join_all;

use crate::check::is_or_below;
use crate::evidence::{DnsQuery, DnsRecord, Reason, RecordKind, StepStatus};
use crate::probe::{DnsClient, DnsQuestion};
use crate::target::Hostname;

/// Most servers of a zone that are asked: thirteen fit an answer, more is no zone's need.
const MOST_SERVERS: usize = 13;
/// Most resolvers that are compared: as many as the C library asks.
const MOST_RESOLVERS: usize = 3;

/// The resolvers that the system is configured with; none where it has no configuration.
#[must_use]
pub fn of_system() -> Vec<SocketAddr> {
    let Ok((config, _)) = hickory_resolver::system_conf::read_system_conf() else {
        return Vec::new();
    };
    let mut servers = Vec::new();
    for server in config.name_servers() {
        let address = SocketAddr::new(
            server.ip,
            server.connections.first().map_or(53, |connection| connection.port),
        );
        if !servers.contains(&address) && servers.len() < MOST_RESOLVERS {
            servers.push(address);
        }
    }
    servers
}

/// Finds the servers of the zone that `domain` lies in: NS at the domain, else above it, and their addresses. All of it has
/// as long as every resolver may take to be silent, and once more.
pub async fn of_zone(dns: &DnsClient, resolvers: &[SocketAddr], domain: &Hostname) -> (Vec<SocketAddr>, StepStatus) {
    if resolvers.is_empty() {
        let detail = "there is no resolver to ask for the zone's servers: set `[dns] authoritative` or `resolvers`";
        return (Vec::new(), StepStatus::failed(Reason::DnsTimeout, detail));
    }
    let resolvers = &resolvers[..resolvers.len().min(MOST_RESOLVERS)];
    let patience = dns.timeout * (resolvers.len() as u32 + 1);
    let found = tokio::time::timeout(patience, by_any(dns, resolvers, domain)).await;
    found.unwrap_or_else(|_| {
        let detail = format!("the servers of the zone of {domain} were not found within {patience:?}");
        (Vec::new(), StepStatus::failed(Reason::DnsTimeout, detail))
    })
}

/// The servers by the first resolver that tells them.
async fn by_any(dns: &DnsClient, resolvers: &[SocketAddr], domain: &Hostname) -> (Vec<SocketAddr>, StepStatus) {
    let mut last = StepStatus::failed(Reason::DnsNodata, format!("no NS record at {domain} or above it"));
    for resolver in resolvers {
        match from(dns, *resolver, domain).await {
            Ok(servers) => return (servers, StepStatus::Done),
            Err(end) => last = end,
        }
    }
    (Vec::new(), last)
}

async fn from(dns: &DnsClient, resolver: SocketAddr, domain: &Hostname) -> Result<Vec<SocketAddr>, StepStatus> {
    let mut zone = Some(domain.as_str());
    while let Some(name) = zone {
        let look = ask(dns, resolver, name, RecordKind::Ns).await;
        // Those of another owner are the servers of a zone that an alias leads to.
        let names = servers_of(&look);
        if !names.is_empty() {
            let servers = addresses(dns, resolver, &names).await?;
            return match name == domain.as_str() {
                true => Ok(servers),
                false => below(dns, resolver, servers, domain).await,
            };
        }
        let Some(reply) = look.reply.filter(|reply| matches!(reply.rcode, 0 | 3)) else {
            return Err(match look.end {
                StepStatus::Done => StepStatus::failed(
                    Reason::DnsServfail,
                    format!("resolver {resolver} fails for NS of {name}"),
                ),
                other => other,
            });
        };
        let is_alias = reply.answers.iter().any(|record| record.kind == "CNAME");
        if reply.rcode == 3 && !is_alias && name == domain.as_str() && !has_names_below(dns, resolver, domain).await {
            return Err(StepStatus::failed(
                Reason::DnsNxdomain,
                format!("{domain} does not exist"),
            ));
        }
        zone = name.split_once('.').map(|(_, parent)| parent);
    }
    Err(StepStatus::failed(
        Reason::DnsNodata,
        format!("no NS record at {domain} or above it"),
    ))
}

/// The servers of a zone above the domain, or those to which they refer for the domain: where the zone is cut in between
/// and its own servers say nothing of that, resolvers follow all the same.
async fn below(
    dns: &DnsClient,
    resolver: SocketAddr,
    servers: Vec<SocketAddr>,
    domain: &Hostname,
) -> Result<Vec<SocketAddr>, StepStatus> {
    let Some(server) = servers.first() else {
        return Ok(servers);
    };
    let question = DnsQuestion {
        name: domain.as_str(),
        kind: RecordKind::Ns,
        recursion: false,
        checking_disabled: false,
    };
    let look = dns.ask(*server, question).await;
    let reply = look
        .reply
        .filter(|reply| reply.rcode == 0 && !reply.authoritative && reply.answers.is_empty());
    let cut = |record: &&DnsRecord| record.kind == "NS" && is_or_below(domain.as_str(), &record.name);
    let referred = reply.iter().flat_map(|reply| &reply.authority).filter(cut);
    let names = referred.map(|record| record.data.clone()).collect::<Vec<_>>();
    match names.is_empty() {
        true => Ok(servers),
        // Whatever the zone below is like, the zone above has no say in it.
        false => addresses(dns, resolver, &names).await,
    }
}

/// Whether a name below the domain is answered: then the domain exists, too, though some servers deny every name that
/// has no records of its own (RFC 8020, section 2).
async fn has_names_below(dns: &DnsClient, resolver: SocketAddr, domain: &Hostname) -> bool {
    let Ok(name) = super::zone::fresh(domain) else {
        return false;
    };
    for kind in [RecordKind::A, RecordKind::Aaaa] {
        let look = ask(dns, resolver, name.as_str(), kind).await;
        if look.reply.is_some_and(|reply| !reply.answers.is_empty()) {
            return true;
        }
    }
    false
}

/// The servers that NS records of the very name that was asked for name.
fn servers_of(look: &DnsQuery) -> Vec<String> {
    let answers = look.reply.iter().flat_map(|reply| &reply.answers);
    let own = |record: &&DnsRecord| record.kind == "NS" && record.name.eq_ignore_ascii_case(&look.name);
    answers.filter(own).map(|record| record.data.clone()).collect()
}

/// The addresses of these servers, all asked for at once: names that nobody answers cost no more than one of them.
async fn addresses(dns: &DnsClient, resolver: SocketAddr, names: &[String]) -> Result<Vec<SocketAddr>, StepStatus> {
    let names = &names[..names.len().min(MOST_SERVERS)];
    let asked = names.iter().map(|name| {
        dns.ask_each(
            resolver,
            [RecordKind::A, RecordKind::Aaaa].map(|kind| question(name, kind)),
        )
    });
    let looks = join_all(asked).await;
    let found = looks.iter().flatten().flat_map(|look| data(look, look.kind));
    let mut servers = found
        .filter_map(|text| Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, 53)))
        .collect::<Vec<_>>();
    // A server of a family that the agent lacks would only look silent.
    servers.retain(|server| usable(server.ip()));
    servers.sort_unstable();
    servers.dedup();
    servers.truncate(MOST_SERVERS);
    if servers.is_empty() {
        return Err(StepStatus::failed(
            Reason::DnsNodata,
            format!("the zone's servers ({}) have no usable address", names.join(", ")),
        ));
    }
    Ok(servers)
}

fn usable(address: IpAddr) -> bool {
    let (v4, v6) = crate::probe::families(&[address], 53);
    v4.or(v6) == Some(true)
}

async fn ask(dns: &DnsClient, server: SocketAddr, name: &str, kind: RecordKind) -> DnsQuery {
    dns.ask(server, question(name, kind)).await
}

fn question(name: &str, kind: RecordKind) -> DnsQuestion<'_> {
    DnsQuestion {
        name,
        kind,
        recursion: true,
        checking_disabled: false,
    }
}

fn data(look: &DnsQuery, kind: RecordKind) -> Vec<String> {
    let answers = look.reply.iter().flat_map(|reply| &reply.answers);
    answers
        .filter(|record| record.kind == kind.as_str())
        .map(|record| record.data.clone())
        .collect()
}

#[cfg(test)]
mod tests;
