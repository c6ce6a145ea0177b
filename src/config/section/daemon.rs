//! `[store]`, `[web]` and `[heartbeat]`: what only a process that goes on needs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::form::{duration, file, listener, optional_url, quoted};
use crate::config::table::table;

table! {
    /// What `watch` remembers.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Store {
        /// The database; relative paths are looked for beside this file.
        path: PathBuf = PathBuf::from("roundsman.db") => file().written(|path| Some(quoted(&path.display().to_string())));
        /// How long results and incidents that are over are kept.
        retention: Duration = Duration::from_secs(30 * 24 * 3600) => duration();
    }
}

table! {
    /// Where `watch` answers: /healthz and /readyz.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Web {
        /// The address, "ip:port"; port 0 takes a free one.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 9464)) => listener();
    }
}

table! {
    /// Tells a dead man's switch that the agent does its job; it says nothing about tenants.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Heartbeat {
        /// Pinged while all is well, and with /fail behind it otherwise; empty: nobody is told.
        url: Option<String> = None => optional_url();
        /// How often.
        every: Duration = Duration::from_secs(60) => duration();
    }
}
