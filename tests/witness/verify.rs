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
    verify_with(lab, |table| with_servers(table, authoritative, resolvers)).await
}

/// Verifies a lab's tenants behind another edge: at this port of the lab's addresses, with a chain to this root. Nothing
/// is expected of the page but its status.
pub(crate) async fn verify_behind(lab: &Lab, port: u16, root: &str) -> Verified {
    verify_with(lab, |table| {
        let edge = table.get_mut("edge").unwrap().as_table_mut().unwrap();
        edge.insert("port".into(), i64::from(port).into());
        let roots = edge["ca_file"].as_str().unwrap();
        std::fs::write(roots, root).unwrap();
        table.remove("site");
    })
    .await
}

async fn verify_with(lab: &Lab, change: impl FnOnce(&mut toml::Table)) -> Verified {
    let dir = tempfile::tempdir().unwrap();
    let config = lab.write_config(dir.path()).unwrap();
    let mut table = std::fs::read_to_string(&config)
        .unwrap()
        .parse::<toml::Table>()
        .unwrap();
    change(&mut table);
    std::fs::write(&config, table.to_string()).unwrap();
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

/// Puts other name servers into the lab's configuration.
fn with_servers(table: &mut toml::Table, authoritative: &[SocketAddr], resolvers: &[SocketAddr]) {
    let list = |servers: &[SocketAddr]| servers.iter().map(|server| server.to_string().into()).collect();
    let dns = table.get_mut("dns").unwrap().as_table_mut().unwrap();
    dns.insert("authoritative".into(), toml::Value::Array(list(authoritative)));
    dns.insert("resolvers".into(), toml::Value::Array(list(resolvers)));
    // A busy machine is not what is tested.
    dns.insert("timeout".into(), "10s".into());
}
