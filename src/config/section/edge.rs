//! `[edge]`.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::config::form::{boolean, file, filled, ip, list, optional, port};
use crate::config::reader::Section;
use crate::config::table::table;

table! {
    /// What the wildcard points to.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Edge {
        /// The edge app's name on the platform.
        app: Option<String> = None => optional(filled()), sample = "\"management-api-prod\"";
        /// The edge's addresses, IPv4 and IPv6; or `--edge` on the command line. By default the platform is asked.
        addresses: Vec<IpAddr> = Vec::new() => list(ip()), live = "[\"198.51.100.7\"]";
        /// The port that serves HTTPS.
        port: u16 = 443 => port();
        /// Whether addresses that the platform names may be private ones; those written above may be any.
        private: bool = false => boolean();
        /// PEM roots trusted besides the system's and Mozilla's, in a file.
        ca_file: Option<PathBuf> = None => optional(file()), sample = "\"extra-roots.pem\"";
    }
    check unique;
}

fn unique(_: &Section<'_>, edge: &mut Edge) {
    let mut seen = BTreeSet::new();
    edge.addresses.retain(|address| seen.insert(*address));
}
