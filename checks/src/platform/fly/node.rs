//! What GraphQL answers, read an entry at a time: what one entry says wrongly is missing there and at no other.

use std::borrow::Cow;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::evidence::{AppCertificate, CertificateState, Crashes, Exit, Machine};
use crate::platform::paging::More;

/// The longest name of anything, in bytes: a host name has 253, an id a dozen.
const LONGEST_NAME: usize = 256;

/// Whether a text may be what something is known by.
pub(super) fn is_short(name: &str) -> bool {
    name.len() <= LONGEST_NAME
}

/// One page of a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a list of entries")]
pub(super) struct Connection<'a> {
    #[serde(borrow)]
    nodes: Option<Vec<Option<&'a RawValue>>>,
    #[serde(borrow)]
    page_info: Option<PageInfo<'a>>,
    pub total_count: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo<'a> {
    has_next_page: Option<bool>,
    #[serde(borrow)]
    end_cursor: Option<Cow<'a, str>>,
}

impl<'a> Connection<'a> {
    /// The entries; one that was left out is none. Without a list there is one that was left out.
    pub(super) fn nodes(&self) -> impl Iterator<Item = Option<&'a RawValue>> {
        let nodes = self.nodes.as_deref().unwrap_or(&[None]);
        nodes.iter().copied()
    }

    /// What it says of the pages after it.
    pub(super) fn more(&self) -> More {
        let info = self.page_info.as_ref();
        More {
            promised: info.and_then(|info| info.has_next_page),
            cursor: info.and_then(|info| info.end_cursor.as_deref().map(str::to_owned)),
        }
    }
}

/// An app's name.
#[derive(Deserialize)]
pub(super) struct Name {
    pub name: String,
}

/// One app.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AppNode<'a> {
    pub network: Option<String>,
    pub shared_ip_address: Option<String>,
    #[serde(borrow)]
    pub certificates: Option<Connection<'a>>,
    #[serde(borrow)]
    pub ip_addresses: Option<Connection<'a>>,
    #[serde(borrow)]
    pub machines: Option<Connection<'a>>,
}

/// A list whose length is bounded by the question.
#[derive(Deserialize)]
struct Nodes<T> {
    nodes: Option<Vec<Option<T>>>,
}

fn entries<T>(list: Option<Nodes<T>>) -> impl DoubleEndedIterator<Item = T> {
    list.and_then(|list| list.nodes).into_iter().flatten().flatten()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CertificateNode {
    hostname: String,
    client_status: Option<String>,
    source: Option<String>,
    created_at: Option<String>,
    rate_limited_until: Option<String>,
    dns_validation_hostname: Option<String>,
    dns_validation_target: Option<String>,
    issued: Option<Nodes<Issued>>,
    validation_errors: Option<Vec<Option<ValidationError>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issued {
    expires_at: Option<String>,
}

#[derive(Deserialize)]
struct ValidationError {
    message: Option<String>,
    remediation: Option<String>,
}

/// Reads a certificate; nothing where it can't be read.
pub(super) fn certificate(node: &RawValue) -> Option<AppCertificate> {
    let node = serde_json::from_str::<CertificateNode>(node.get()).ok()?;
    is_short(&node.hostname).then_some(())?;
    let status = node.client_status.unwrap_or_default();
    let errors = node.validation_errors.into_iter().flatten().flatten();
    let errors = errors.filter_map(|error| {
        let remediation = error.remediation.map(|text| format!(" ({text})"));
        Some(format!("{}{}", error.message?, remediation.unwrap_or_default()))
    });
    let expires = entries(node.issued).filter_map(|issued| moment(issued.expires_at));
    Some(AppCertificate {
        hostname: node.hostname.to_ascii_lowercase(),
        state: state(&status),
        status,
        imported: node.source.is_some_and(|source| source.eq_ignore_ascii_case("custom")),
        created_at: moment(node.created_at),
        expires_at: expires.max(),
        rate_limited_until: moment(node.rate_limited_until),
        errors: errors.collect(),
        acme: node
            .dns_validation_hostname
            .zip(node.dns_validation_target)
            .filter(|(name, target)| !name.is_empty() && !target.is_empty()),
    })
}

/// Both vocabularies, whatever their case.
fn state(word: &str) -> CertificateState {
    match word.to_ascii_lowercase().as_str() {
        "ready" | "active" | "issued" => CertificateState::Ready,
        "awaiting certificates" | "pending_issuance" | "issuing" | "issuing..." => {
            CertificateState::AwaitingCertificates
        }
        "awaiting configuration" | "pending_validation" | "pending_ownership" | "not verified" => {
            CertificateState::AwaitingConfiguration
        }
        _ => CertificateState::Other,
    }
}

/// One address of an app.
pub(super) struct Address {
    pub text: String,
    /// The address; `None` for one of the private network.
    pub public: Option<IpAddr>,
}

/// Reads an address.
pub(super) fn address(node: &RawValue) -> Option<Address> {
    #[derive(Deserialize)]
    struct Node {
        address: String,
        r#type: Option<String>,
    }
    let node = serde_json::from_str::<Node>(node.get()).ok()?;
    is_short(&node.address).then_some(())?;
    let public = match node.r#type.as_deref() {
        Some("private_v6") => None,
        _ => Some(node.address.parse().ok()?),
    };
    Some(Address {
        text: node.address,
        public,
    })
}

#[derive(Deserialize)]
struct MachineNode {
    id: String,
    state: Option<String>,
    region: Option<String>,
    events: Option<Nodes<ExitNode>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExitNode {
    timestamp: Option<String>,
    exit_code: Option<i64>,
    oom_killed: Option<bool>,
    requested_stop: Option<bool>,
}

/// How many exits of a machine are asked for.
pub(super) const LAST_EXITS: usize = 5;

/// Reads a machine with its last exit.
pub(super) fn machine(node: &RawValue) -> Option<Machine> {
    let node = serde_json::from_str::<MachineNode>(node.get()).ok()?;
    is_short(&node.id).then_some(())?;
    let exits = entries(node.events).map(|event| Exit {
        code: event.exit_code.and_then(|code| i32::try_from(code).ok()),
        out_of_memory: event.oom_killed.unwrap_or(false),
        requested: event.requested_stop.unwrap_or(false),
        at: moment(event.timestamp),
        crashes: None,
    });
    let exits = exits.collect::<Vec<_>>();
    let crashes = crashes(&exits);
    let exit = exits.into_iter().next_back().map(|last| Exit { crashes, ..last });
    Some(Machine {
        id: node.id,
        state: node.state.unwrap_or_default().into(),
        region: node.region.unwrap_or_default(),
        last_exit: exit,
        ..Machine::default()
    })
}

/// How many of the exits at the end of these were crashes, where that is more than one.
fn crashes(exits: &[Exit]) -> Option<Crashes> {
    let count = exits.iter().rev().take_while(|exit| !exit.is_orderly()).count();
    let first = exits.len().checked_sub(count).and_then(|at| exits.get(at))?;
    (count > 1).then_some(Crashes {
        count,
        more: count == LAST_EXITS,
        since: first.at,
    })
}

fn moment(text: Option<String>) -> Option<Timestamp> {
    text?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crashes_in_a_row_are_counted_from_the_last_exit_back() {
        let exit = |code, requested, second| Exit {
            code: Some(code),
            requested,
            at: Timestamp::from_second(second).ok(),
            ..Exit::default()
        };
        let counted = |exits: &[Exit]| crashes(exits).map(|crashes| (crashes.count, crashes.more));
        assert_eq!(counted(&[]), None);
        assert_eq!(counted(&[exit(0, false, 1), exit(1, false, 2)]), None);
        assert_eq!(counted(&[exit(1, false, 1), exit(1, true, 2)]), None);
        let three = [
            exit(0, false, 1),
            exit(1, false, 2),
            exit(137, false, 3),
            exit(1, false, 4),
        ];
        assert_eq!(counted(&three), Some((3, false)));
        assert_eq!(crashes(&three).and_then(|crashes| crashes.since), three[1].at);
        assert_eq!(counted(&[(); LAST_EXITS].map(|()| exit(1, false, 1))), Some((5, true)));
    }

    #[test]
    fn both_vocabularies_mean_the_same() {
        assert_eq!(state("Ready"), state("active"));
        assert_eq!(state("Awaiting configuration"), state("pending_validation"));
        assert_eq!(state("something new"), CertificateState::Other);
    }
}
