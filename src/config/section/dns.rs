//! `[dns]`.

use std::net::SocketAddr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::form::{choice, duration, list, server};
use crate::config::table::table;

table! {
    /// Which DNS servers are asked.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Dns {
        /// The zone's servers, "ip" or "ip:port"; where none is named, those of its NS records.
        authoritative: Vec<SocketAddr> = Vec::new() => list(server());
        /// Whose word decides: "authoritative", or "resolvers" where port 53 is closed to the agent.
        ask: Ask = Ask::Authoritative => choice(&[Ask::Authoritative, Ask::Resolvers]);
        /// Recursive resolvers to compare, "ip" or "ip:port"; where none is named, the system's.
        resolvers: Vec<SocketAddr> = Vec::new() => list(server());
        /// How long one question may take.
        timeout: Duration = Duration::from_secs(2) => duration();
    }
}

/// Whose word decides the `dns` check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ask {
    /// The zone's own servers.
    Authoritative,
    /// The resolvers, asked for fresh labels: for agents whose port 53 is closed.
    Resolvers,
}
