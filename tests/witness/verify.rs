//! The shipped program, run as a user runs it: `roundsman verify --format json`.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use roundsman_lab::Lab;
use serde_json::Value;

/// What the program left.
pub(crate) struct Verified {
    pub exit: Option<i32>,
    pub report: Value,
}

impl Verified {
    /// The fleet check of this name.
    pub(crate) fn fleet(&self, check: &str) -> &Value {
        let checks = self.report["fleet"].as_array().unwrap();
        checks.iter().find(|found| found["check"] == check).unwrap()
    }

    /// Each cause with its scope.
    pub(crate) fn causes(&self) -> Vec<(String, String)> {
        let causes = self.report["causes"].as_array().unwrap();
        let named = |entry: &'_ Value, key: &str| entry[key].as_str().map(str::to_owned).unwrap();
        causes
            .iter()
            .map(|entry| (named(entry, "cause"), named(entry, "scope")))
            .collect()
    }
}

/// Verifies a lab's tenants with its edge and these name servers.
pub(crate) async fn verify(lab: &Lab, authoritative: &[SocketAddr], resolvers: &[SocketAddr]) -> Verified {
    let dir = tempfile::tempdir().unwrap();
    let config = lab.write_config(dir.path()).unwrap();
    let text = with_servers(&std::fs::read_to_string(&config).unwrap(), authoritative, resolvers);
    std::fs::write(&config, text).unwrap();
    // The lab lives in this runtime and must go on meanwhile.
    tokio::task::spawn_blocking(move || run(&config)).await.unwrap()
}

fn run(config: &Path) -> Verified {
    let output = Command::new(env!("CARGO_BIN_EXE_roundsman"))
        .args(["verify", "--format", "json", "--config"])
        .arg(config)
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    Verified {
        exit: output.status.code(),
        report,
    }
}

/// The lab's configuration with other name servers.
fn with_servers(config: &str, authoritative: &[SocketAddr], resolvers: &[SocketAddr]) -> String {
    let mut table = config.parse::<toml::Table>().unwrap();
    let list = |servers: &[SocketAddr]| servers.iter().map(|server| server.to_string().into()).collect();
    let dns = table.get_mut("dns").unwrap().as_table_mut().unwrap();
    dns.insert("authoritative".into(), toml::Value::Array(list(authoritative)));
    dns.insert("resolvers".into(), toml::Value::Array(list(resolvers)));
    // A busy machine is not what is tested.
    dns.insert("timeout".into(), "10s".into());
    table.to_string()
}
