//! Unbound as a recursive resolver that knows nothing of the internet.

use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;

use roundsman_checks::evidence::RecordKind;
use tempfile::TempDir;

use super::child::{Server, until};
use super::port::Port;
use crate::witness::ask::look;

/// Where a zone is looked up.
pub(crate) enum Upstream<'a> {
    /// At this authoritative server.
    Stub(&'a str, SocketAddr),
    /// At this resolver.
    Forward(&'a str, SocketAddr),
}

/// What a validating resolver goes by.
pub(crate) struct Trust<'a> {
    /// The DS record of the zone's key, or of another.
    pub anchor: &'a str,
    /// The day it takes for today (`YYYYMMDDhhmmss`); the clock's own where there is none.
    pub today: Option<&'a str>,
}

/// A running unbound on 127.0.0.1 and `::1`.
pub(crate) struct Unbound {
    port: Port,
    _dir: TempDir,
    _server: Server,
}

impl Unbound {
    /// Starts it, and waits until it answers. It validates where it is told what to trust.
    pub(crate) async fn start(upstreams: &[Upstream<'_>], trust: Option<&Trust<'_>>) -> Self {
        let modules = if trust.is_some() {
            "validator iterator"
        } else {
            "iterator"
        };
        Self::start_with(upstreams, trust, modules, "").await
    }

    /// The same with these modules, and more lines of its section `server`.
    pub(crate) async fn start_with(
        upstreams: &[Upstream<'_>],
        trust: Option<&Trust<'_>>,
        modules: &str,
        options: &str,
    ) -> Self {
        let port = Port::take();
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("unbound.conf");
        let text = configuration(&port, &dir, (modules, options), upstreams, trust);
        fs::write(&config, text).unwrap();
        let arguments = ["-d".as_ref(), "-c".as_ref(), config.as_os_str()];
        let mut server = Server::start("unbound", "unbound", &arguments, &dir.path().join("log"));
        let servers = [port.v4(), port.v6()];
        until("unbound answers", async || {
            server.must_run();
            let [v4, v6] = servers.map(|server| look(server, "ready.test", RecordKind::Txt, true));
            let (v4, v6) = tokio::join!(v4, v6);
            [v4, v6].iter().all(|look| look.reply.is_some())
        })
        .await;
        Self {
            port,
            _dir: dir,
            _server: server,
        }
    }

    pub(crate) fn v4(&self) -> SocketAddr {
        self.port.v4()
    }

    pub(crate) fn v6(&self) -> SocketAddr {
        self.port.v6()
    }
}

fn configuration(
    port: &Port,
    dir: &TempDir,
    (modules, options): (&str, &str),
    upstreams: &[Upstream<'_>],
    trust: Option<&Trust<'_>>,
) -> String {
    let (number, dir) = (port.number(), dir.path().display());
    // `test.` is answered by unbound itself unless told otherwise (RFC 6761). Snooping lets us ask without RD.
    let mut text = format!(
        r#"
server:
    interface: 127.0.0.1@{number}
    interface: ::1@{number}
    do-daemonize: no
    use-systemd: no
    chroot: ""
    username: ""
    directory: "{dir}"
    pidfile: "{dir}/unbound.pid"
    use-syslog: no
    logfile: ""
    verbosity: 1
    num-threads: 1
    module-config: "{modules}"
    do-not-query-localhost: no
    root-hints: ""
    local-zone: "test." nodefault
    local-data: 'ready.test. TXT "ready"'
    access-control: 127.0.0.0/8 allow_snoop
    access-control: ::1/128 allow_snoop
"#
    );
    if let Some(Trust { anchor, today }) = trust {
        writeln!(text, "    trust-anchor: \"{anchor}\"").unwrap();
        if let Some(today) = today {
            writeln!(text, "    val-override-date: \"{today}\"").unwrap();
        }
    }
    options.lines().for_each(|line| writeln!(text, "    {line}").unwrap());
    writeln!(text, "remote-control:\n    control-enable: no").unwrap();
    for upstream in upstreams {
        let (section, key, zone, server) = match upstream {
            Upstream::Stub(zone, server) => ("stub-zone", "stub-addr", zone, server),
            Upstream::Forward(zone, server) => ("forward-zone", "forward-addr", zone, server),
        };
        let at = format!("{}@{}", server.ip(), server.port());
        writeln!(text, "{section}:\n    name: \"{zone}\"\n    {key}: {at}").unwrap();
    }
    text
}
