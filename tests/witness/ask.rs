//! Questions to name servers, asked as the product asks them.

use std::net::SocketAddr;
use std::time::Duration;

use roundsman_checks::evidence::{DnsQuery, RecordKind};
use roundsman_checks::probe::{DnsClient, DnsQuestion};
use roundsman_checks::reading::DnsAnswer;
use roundsman_checks::target::Hostname;

/// Longer than any answer on loopback takes, also on a busy machine.
pub(crate) const CLIENT: DnsClient = DnsClient {
    timeout: Duration::from_secs(10),
};

/// One question.
pub(crate) async fn look(server: SocketAddr, name: &str, kind: RecordKind, recursion: bool) -> DnsQuery {
    let question = DnsQuestion {
        name,
        kind,
        recursion,
        checking_disabled: false,
    };
    CLIENT.ask(server, question).await
}

/// What a server of the zone `domain` says of the addresses of a name.
pub(crate) async fn authority(server: SocketAddr, name: &str, domain: &str) -> DnsAnswer {
    said(server, name, domain, true).await
}

/// What a resolver says of the addresses of a name.
pub(crate) async fn resolver(server: SocketAddr, name: &str, domain: &str) -> DnsAnswer {
    said(server, name, domain, false).await
}

async fn said(server: SocketAddr, name: &str, domain: &str, authority: bool) -> DnsAnswer {
    let families = [RecordKind::A, RecordKind::Aaaa].map(|kind| look(server, name, kind, !authority));
    let [v4, v6] = families;
    let (v4, v6) = tokio::join!(v4, v6);
    let domain = Hostname::parse(domain).unwrap();
    DnsAnswer::read(&[v4, v6], name, server, &domain, authority)
}
