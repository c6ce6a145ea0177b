//! Prometheus as a process, and its tool.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::{eventually, get};
use crate::witness::server::{Port, Server};

/// A running Prometheus that scrapes one agent every second.
pub(super) struct Prometheus {
    address: String,
    _port: Port,
    _dir: TempDir,
    _server: Server,
}

impl Prometheus {
    /// Starts it with these jobs, in YAML below `scrape_configs`, and waits until it listens.
    pub(super) fn start(jobs: &str) -> Self {
        Self::configured(jobs, "")
    }

    /// The same with a file of rules, looked at every second.
    pub(super) fn with_rules(jobs: &str, rules: &Path) -> Self {
        Self::configured(jobs, &format!("rule_files: ['{}']\n", rules.display()))
    }

    fn configured(jobs: &str, more: &str) -> Self {
        let (port, dir) = (Port::take(), tempfile::tempdir().expect("a temporary folder"));
        let config = dir.path().join("prometheus.yml");
        let global = "global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }";
        let text = format!("{global}\n{more}scrape_configs:\n{jobs}");
        std::fs::write(&config, text).expect("the configuration can be written");
        let address = port.v4().to_string();
        let arguments = [
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", dir.path().join("data").display()),
            format!("--web.listen-address={address}"),
            "--enable-feature=exemplar-storage".to_owned(),
        ];
        let program = "prometheus";
        let mut server = Server::start(program, program, &arguments, &dir.path().join("log"));
        eventually("Prometheus", || {
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

    /// Its targets that are scraped.
    pub(super) fn targets(&self) -> Vec<Value> {
        let said = self.ask("/api/v1/targets?state=active");
        said["data"]["activeTargets"].as_array().cloned().unwrap_or_default()
    }

    /// The results of a query: labels and number of each series.
    pub(super) fn query(&self, query: &str) -> Vec<(Value, f64)> {
        let escaped = query.bytes().map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        });
        let said = self.ask(&format!("/api/v1/query?query={}", escaped.collect::<String>()));
        assert_eq!(said["status"], "success", "{query}: {said}");
        let results = said["data"]["result"].as_array().cloned().unwrap_or_default();
        let number = |result: &Value| result["value"][1].as_str().and_then(|value| value.parse().ok());
        results
            .into_iter()
            .map(|result| (result["metric"].clone(), number(&result).expect("a number")))
            .collect()
    }

    fn ask(&self, path: &str) -> Value {
        let (_, body) = get(&self.address, path);
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
    }
}

/// What `promtool check metrics` has against a page.
pub(super) fn complaints(page: &str) -> String {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs: apt-get install prometheus");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(page.as_bytes()).expect("it reads");
    drop(input);
    let ran = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned() + &String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() || !said.is_empty());
    said
}
