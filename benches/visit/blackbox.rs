//! blackbox_exporter, where it is installed: what others pay for TCP, TLS and HTTP of the same tenants, without DNS.

use std::io::Read as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use nix::unistd::{SysconfVar, sysconf};

use super::TOGETHER;
use super::common::Failure;

/// As the project calls it, and as Debian does.
const NAMES: [&str; 2] = ["blackbox_exporter", "prometheus-blackbox-exporter"];
const ATTEMPTS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(50);

/// A running exporter.
pub(crate) struct Blackbox {
    child: Child,
    address: SocketAddr,
    visits: Vec<(SocketAddr, String)>,
}

impl Blackbox {
    /// Starts one that trusts `roots.pem` of `dir`; `None` where none is installed.
    pub(crate) fn start(dir: &Path, visits: &[(SocketAddr, String)]) -> Result<Option<Self>, Failure> {
        let config = dir.join("blackbox.yml");
        std::fs::write(&config, configuration(&dir.join("roots.pem")))?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let start = |name: &&str| {
            Command::new(name)
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("--web.listen-address={address}"))
                // On one core, as the product: that is also the cheapest for it.
                .env("GOMAXPROCS", "1")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .ok()
        };
        let Some(child) = NAMES.iter().find_map(start) else {
            return Ok(None);
        };
        let visits = visits.to_vec();
        let blackbox = Self { child, address, visits };
        for _ in 0..ATTEMPTS {
            if TcpStream::connect(address).is_ok() {
                return Ok(Some(blackbox));
            }
            std::thread::sleep(PAUSE);
        }
        Err("blackbox_exporter is installed and does not listen".into())
    }

    /// CPU time that it used so far, in user and kernel mode (proc(5), fields 14 and 15).
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        let mut text = String::new();
        std::fs::File::open(format!("/proc/{}/stat", self.child.id()))?.read_to_string(&mut text)?;
        // The name in the second field may hold anything, so that fields count from its end.
        let (_, fields) = text.rsplit_once(") ").ok_or("/proc/PID/stat has no name")?;
        let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u32>);
        let ticks = ticks.sum::<Result<u32, _>>()?;
        let per_second = sysconf(SysconfVar::CLK_TCK)?.ok_or("no length of a tick is known")?;
        Ok(Duration::from_secs(1) * ticks / u32::try_from(per_second)?)
    }

    /// Has every tenant probed, over connections that stay open, which is the cheapest for it.
    pub(crate) async fn visit_all(&self) -> Result<(), Failure> {
        let share = self.visits.len().div_ceil(TOGETHER);
        try_join_all(self.visits.chunks(share).map(|visits| self.visit_each(visits))).await?;
        Ok(())
    }

    async fn visit_each(&self, visits: &[(SocketAddr, String)]) -> Result<(), Failure> {
        let tcp = tokio::net::TcpStream::connect(self.address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tcp)).await?;
        tokio::spawn(connection);
        for (address, name) in visits {
            let uri = format!("/probe?module=visit&target=https://{address}/&hostname={name}");
            let request = http::Request::get(uri).header("host", self.address.to_string());
            sender.ready().await?;
            let answer = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
            let body = answer.into_body().collect().await?.to_bytes();
            let text = String::from_utf8_lossy(&body);
            if !text.lines().any(|line| line == "probe_success 1") {
                return Err(format!("blackbox_exporter at {name}: {text}").into());
            }
        }
        Ok(())
    }
}

impl Drop for Blackbox {
    fn drop(&mut self) {
        // Where it ended by itself there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(roots: &Path) -> String {
    format!(
        "modules:
  visit:
    prober: http
    timeout: 10s
    http:
      valid_status_codes: [200]
      valid_http_versions: [HTTP/2.0]
      fail_if_not_ssl: true
      preferred_ip_protocol: ip4
      tls_config:
        ca_file: {}
",
        roots.display()
    )
}
