//! The configuration that tells the product where the lab is.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::LabError;
use crate::lab::Lab;

/// Writes the root certificate and the configuration; returns the path of the latter.
pub(crate) fn write(lab: &Lab, dir: &Path) -> Result<PathBuf, LabError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| LabError::File { path, source }
    };
    fs::create_dir_all(dir).map_err(failed(dir))?;
    let dir = fs::canonicalize(dir).map_err(failed(dir))?;
    let roots = dir.join("roots.pem");
    fs::write(&roots, lab.root_pem()).map_err(failed(&roots))?;
    let config = dir.join("roundsman.toml");
    fs::write(&config, text(lab, &roots)).map_err(failed(&config))?;
    Ok(config)
}

fn text(lab: &Lab, roots: &Path) -> String {
    let mut text = String::from("# Written by roundsman-lab: a simulated platform on loopback.\n");
    let mut line = |line: String| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{line}");
    };
    line(format!("domain = {}", quoted(lab.domain())));
    line(format!("\n[edge]\naddresses = {}", list(lab.edge_addresses())));
    line(format!("port = {}", lab.edge_port()));
    line(format!("ca_file = {}", quoted(&roots.display().to_string())));
    line(format!(
        "\n[tenants]\nsource = \"list\"\nlist = {}",
        list(lab.tenants())
    ));
    line(format!("\n[dns]\nauthoritative = {}", list(lab.dns_servers())));
    line(format!("resolvers = {}", list(&[lab.resolver()])));
    line("\n[site]\njson = { \"/status\" = \"healthy\" }\nexpect_headers = { x-lab = \"ok\" }".to_owned());
    text
}

fn list<T: ToString>(items: &[T]) -> String {
    let items: Vec<_> = items.iter().map(|item| quoted(&item.to_string())).collect();
    format!("[{}]", items.join(", "))
}

/// A TOML string; JSON's escapes are a part of TOML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
