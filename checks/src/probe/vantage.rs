//! What the agent can see at all: address families, other clocks, other sockets.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;

use super::visit::Prober;
use super::{connect, exchange, exhaustion};
use crate::evidence::{ClockProbe, ControlProbe, Reason, StepStatus};
use crate::reading::http_date;
use crate::target::Hostname;

/// Whether the agent has IPv4 and IPv6, told by a UDP `connect` to the edge's addresses; `None` where the edge has
/// none of that family. No packet is sent.
#[must_use]
pub fn families(addresses: &[IpAddr], port: u16) -> (Option<bool>, Option<bool>) {
    let usable = |v4: bool| {
        let mut of_family = addresses.iter().filter(|address| address.is_ipv4() == v4).peekable();
        of_family.peek()?;
        Some(of_family.any(|address| exhaustion::udp_reaches(SocketAddr::new(*address, port))))
    };
    (usable(true), usable(false))
}

/// Whether a TCP socket accepts connections: proves that the agent sees.
pub async fn control_socket(what: &str, address: SocketAddr, timeout: Duration) -> ControlProbe {
    let (connected, _) = connect::connect(address, timeout).await;
    ControlProbe {
        what: what.to_owned(),
        end: connected.end,
    }
}

/// What clock the edge keeps: one `HEAD /` for `name` over a channel whose certificate is not judged. It carries no
/// secret, and nothing of the answer but its `Date` is used.
pub async fn date(prober: &Prober, address: SocketAddr, name: &Hostname, now: Timestamp) -> ClockProbe {
    let mut look = ClockProbe {
        address,
        date: None,
        ours: now,
        end: StepStatus::NotReached,
    };
    let stream = match prober.open_unjudged(address, name).await {
        Ok(stream) => stream,
        Err(end) => {
            look.end = end;
            return look;
        }
    };
    match exchange::head(stream, (name, address.port()), prober.settings()).await {
        Ok(headers) => {
            let text = headers.get(http::header::DATE).and_then(|value| value.to_str().ok());
            look.date = text.and_then(http_date);
            look.end = match look.date {
                Some(_) => StepStatus::Done,
                None => StepStatus::failed(Reason::HttpHeader, "the answer has no Date"),
            };
        }
        Err(fault) => look.end = StepStatus::Failed(fault),
    }
    look
}
