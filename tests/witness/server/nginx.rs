//! nginx with one site, and the log of what it was asked.

use std::fs;
use std::net::SocketAddr;

use tempfile::TempDir;

use super::child::{Server, until};
use super::port::Port;
use crate::witness::pki::Presented;

/// A running nginx: the site on one port, and a place that only notes who was there on another.
pub(crate) struct Nginx {
    port: Port,
    _second: Port,
    note: SocketAddr,
    dir: TempDir,
    _server: Server,
}

/// The body of the page, long enough to be worth compressing.
pub(crate) fn page() -> String {
    "all is well here, and it goes on like that. ".repeat(100)
}

impl Nginx {
    /// A site over TLS: `listen` are nginx's words behind the port (`ssl http2`), `directives` what else stands in its
    /// `server` block.
    pub(crate) async fn start(listen: &str, directives: &str, presented: &Presented) -> Self {
        let (port, second, dir) = (Port::take(), Port::take(), tempfile::tempdir().unwrap());
        let base = dir.path();
        fs::create_dir(base.join("html")).unwrap();
        fs::write(base.join("html/index.html"), page()).unwrap();
        fs::write(base.join("chain.pem"), presented.chain.concat()).unwrap();
        fs::write(base.join("key.pem"), &presented.key).unwrap();
        let config = base.join("nginx.conf");
        fs::write(
            &config,
            configuration(&dir, (port.number(), second.number()), listen, directives),
        )
        .unwrap();
        let arguments = ["-c".as_ref(), config.as_os_str(), "-e".as_ref(), "stderr".as_ref()];
        let mut server = Server::start("nginx", "nginx", &arguments, &base.join("log"));
        let (note, sites) = (second.v4(), [port.v4(), port.v6(), second.v4()]);
        until("nginx listens", async || {
            server.must_run();
            let [a, b, c] = sites.map(tokio::net::TcpStream::connect);
            let (a, b, c) = tokio::join!(a, b, c);
            a.is_ok() && b.is_ok() && c.is_ok()
        })
        .await;
        Self {
            port,
            _second: second,
            note,
            dir,
            _server: server,
        }
    }

    pub(crate) fn v4(&self) -> SocketAddr {
        self.port.v4()
    }

    pub(crate) fn v6(&self) -> SocketAddr {
        self.port.v6()
    }

    /// What it was asked so far. nginx, one process without threads, writes in order: what this asks for itself stands
    /// last, so that nothing can come later.
    pub(crate) async fn asked(&self) -> Vec<String> {
        let log = self.dir.path().join("access.log");
        let read = || fs::read_to_string(&log).unwrap_or_default();
        let before = read().matches("GET /note").count();
        let noted = note_at(self.note).await;
        assert!(noted.starts_with("HTTP/1.1 204"), "{noted}");
        until("nginx notes that it was asked", async || {
            read().matches("GET /note").count() > before
        })
        .await;
        let lines = read();
        lines
            .lines()
            .filter(|line| !line.contains("GET /note"))
            .map(str::to_owned)
            .collect()
    }
}

/// `GET /note` in plain HTTP.
async fn note_at(address: SocketAddr) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /note HTTP/1.1\r\nHost: note\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn configuration(dir: &TempDir, (port, note): (u16, u16), listen: &str, directives: &str) -> String {
    let base = dir.path().display();
    // One process: where a master is killed, its workers live on.
    format!(
        r#"
daemon off;
master_process off;
pid "{base}/nginx.pid";
error_log stderr info;
events {{ worker_connections 64; }}
http {{
    log_format asked '$server_port "$request" $status $server_protocol "$ssl_server_name" "$http_user_agent"';
    access_log "{base}/access.log" asked;
    client_body_temp_path "{base}/body";
    proxy_temp_path "{base}/proxy";
    fastcgi_temp_path "{base}/fastcgi";
    uwsgi_temp_path "{base}/uwsgi";
    scgi_temp_path "{base}/scgi";
    ssl_certificate "{base}/chain.pem";
    ssl_certificate_key "{base}/key.pem";
    ssl_protocols TLSv1.2 TLSv1.3;
    limit_req_zone $server_port zone=slowly:1m rate=1r/m;
    server {{
        listen 127.0.0.1:{port} {listen};
        listen [::1]:{port} {listen};
        root "{base}/html";
        gzip on;
        gzip_min_length 1;
        {directives}
    }}
    server {{
        listen 127.0.0.1:{note};
        location = /note {{ return 204; }}
    }}
}}
"#
    )
}
