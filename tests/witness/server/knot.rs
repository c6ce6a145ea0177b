//! Knot DNS as the authoritative server of some zones.

use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use roundsman_checks::evidence::{DnsQuery, RecordKind};
use tempfile::TempDir;

use super::child::{Server, run, until};
use super::port::Port;
use crate::witness::ask::look;

const NOERROR: u16 = 0;
const SERVFAIL: u16 = 2;

/// One zone.
pub(crate) struct Served {
    pub name: &'static str,
    /// The zone file; `None` where it got lost, so that the server has the zone and can't load it.
    pub text: Option<String>,
    /// Whether Knot signs it.
    pub signed: bool,
}

impl Served {
    pub(crate) fn plain(name: &'static str, text: impl Into<String>) -> Self {
        Self {
            name,
            text: Some(text.into()),
            signed: false,
        }
    }

    pub(crate) fn signed(name: &'static str, text: impl Into<String>) -> Self {
        Self {
            name,
            text: Some(text.into()),
            signed: true,
        }
    }

    pub(crate) fn lost(name: &'static str) -> Self {
        Self {
            name,
            text: None,
            signed: false,
        }
    }
}

/// A running knotd on 127.0.0.1 and `::1`, UDP and TCP.
pub(crate) struct Knot {
    port: Port,
    dir: TempDir,
    server: Server,
}

impl Knot {
    /// Starts it, and waits until it serves every zone that has a file.
    pub(crate) async fn serve(zones: &[Served]) -> Self {
        let port = Port::take();
        let dir = tempfile::tempdir().unwrap();
        let config = configuration(&port, dir.path(), zones);
        let server = Server::start(
            "knotd",
            "knot",
            &["-c".as_ref(), config.as_os_str()],
            &dir.path().join("log"),
        );
        let mut knot = Self { port, dir, server };
        for zone in zones {
            knot.await_zone(zone).await;
        }
        knot
    }

    pub(crate) fn v4(&self) -> SocketAddr {
        self.port.v4()
    }

    pub(crate) fn v6(&self) -> SocketAddr {
        self.port.v6()
    }

    /// The DS record of a zone that it signs: what a resolver is told to trust.
    pub(crate) fn ds(&self, zone: &str) -> String {
        let said = self.tool("keymgr", &[zone, "ds"]);
        // A line for each digest; 2 is SHA-256 (RFC 4509).
        let sha256 = said.lines().find(|line| line.split_whitespace().nth(4) == Some("2"));
        sha256
            .unwrap_or_else(|| panic!("no SHA-256 digest in:\n{said}"))
            .to_owned()
    }

    /// A zone as it serves it, signatures and all.
    pub(crate) fn contents(&self, zone: &str) -> String {
        let out = self.dir.path().join("out");
        fs::create_dir_all(&out).unwrap();
        self.tool(
            "knotc",
            &["-b", "zone-flush", zone, "+outdir", &out.display().to_string()],
        );
        fs::read_to_string(out.join(format!("{zone}.zone"))).unwrap()
    }

    fn tool(&self, program: &str, arguments: &[&str]) -> String {
        let config = self.dir.path().join("knot.conf").display().to_string();
        run(program, "knot", &[&["-c", &config], arguments].concat())
    }

    async fn await_zone(&mut self, zone: &Served) {
        let servers = [self.v4(), self.v6()];
        let wanted = if zone.text.is_some() { NOERROR } else { SERVFAIL };
        until(&format!("knotd serves {}", zone.name), async || {
            self.server.must_run();
            let [v4, v6] = servers.map(|server| look(server, zone.name, RecordKind::Soa, false));
            let (v4, v6) = tokio::join!(v4, v6);
            let code = |look: &DnsQuery| look.reply.as_ref().map(|reply| reply.rcode);
            [v4, v6].iter().all(|look| code(look) == Some(wanted))
        })
        .await;
    }
}

fn configuration(port: &Port, dir: &Path, zones: &[Served]) -> PathBuf {
    for sub in ["run", "db"] {
        fs::create_dir(dir.join(sub)).unwrap();
    }
    let number = port.number();
    let base = dir.display();
    let mut text = format!(
        r#"
server:
    rundir: "{base}/run"
    listen: [ "127.0.0.1@{number}", "::1@{number}" ]
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stdout
    any: info
database:
    storage: "{base}/db"
template:
  - id: default
    storage: "{base}"
    zonefile-sync: -1
    journal-content: none
zone:
"#
    );
    for zone in zones {
        let (name, signed) = (zone.name, if zone.signed { "on" } else { "off" });
        writeln!(
            text,
            "  - domain: \"{name}.\"\n    file: \"{name}.zone\"\n    dnssec-signing: {signed}"
        )
        .unwrap();
        if let Some(text) = &zone.text {
            fs::write(dir.join(format!("{name}.zone")), text).unwrap();
        }
    }
    let path = dir.join("knot.conf");
    fs::write(&path, text).unwrap();
    path
}
