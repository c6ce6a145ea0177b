//! Prometheus' Alertmanager as a process.

use std::net::TcpStream;

use serde_json::Value;
use tempfile::TempDir;

use super::{eventually, get};
use crate::witness::server::{Port, Server};

/// Tells nobody anything.
const CONFIGURATION: &str = "route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n";

/// A running Alertmanager.
pub(super) struct Alertmanager {
    pub(super) address: String,
    _port: Port,
    _dir: TempDir,
    _server: Server,
}

impl Alertmanager {
    /// Starts it, and waits until it listens.
    pub(super) fn start() -> Self {
        let (port, dir) = (Port::take(), tempfile::tempdir().expect("a temporary folder"));
        let config = dir.path().join("alertmanager.yml");
        std::fs::write(&config, CONFIGURATION).expect("the configuration can be written");
        let address = port.v4().to_string();
        let arguments = [
            format!("--config.file={}", config.display()),
            format!("--storage.path={}", dir.path().join("data").display()),
            format!("--web.listen-address={address}"),
            // Alone, without ports for others of its kind.
            "--cluster.listen-address=".to_owned(),
        ];
        let program = "prometheus-alertmanager";
        let mut server = Server::start(program, program, &arguments, &dir.path().join("log"));
        eventually("the Alertmanager", || {
            server.must_run();
            TcpStream::connect(&address)
                .is_ok_and(|_| get(&address, "/-/ready").0 == 200)
                .then_some(())
        });
        Self {
            address,
            _port: port,
            _dir: dir,
            _server: server,
        }
    }

    /// The alerts that it shows: those that are not over.
    pub(super) fn alerts(&self) -> Vec<Value> {
        let (status, body) = get(&self.address, "/api/v2/alerts");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).expect("a list of alerts")
    }
}
