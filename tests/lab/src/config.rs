//! The configuration that tells the product where the lab is.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::LabError;
use crate::lab::Lab;
use crate::platform::{EDGE_APP, ORGANIZATION};

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
    let apis = lab.api_url().zip(lab.app_port());
    line("\n[edge]".to_owned());
    if apis.is_some() {
        line(format!("app = {}", quoted(EDGE_APP)));
    }
    if !lab.platform_inventory() {
        line(format!("addresses = {}", list(lab.edge_addresses())));
    }
    line(format!("port = {}", lab.edge_port()));
    line(format!("ca_file = {}", quoted(&roots.display().to_string())));
    line(format!("\n[tenants]\n{}", tenants(lab)));
    if let Some((url, port)) = &apis {
        line(format!("\n[fly]\norganization = {}", quoted(ORGANIZATION)));
        line("token = { env = \"FLY_API_TOKEN\" }".to_owned());
        line(format!("api_url = {0}\nmachines_url = {0}", quoted(url)));
        line(format!("app_domain = {}\napp_port = {port}", quoted(lab.app_domain())));
        line(format!("\n[cloudflare]\nzone = {}", quoted(lab.domain())));
        line("token = { env = \"CLOUDFLARE_API_TOKEN\" }".to_owned());
        line(format!("api_url = {}", quoted(&format!("{url}/client/v4"))));
    }
    line(format!("\n[dns]\nauthoritative = {}", list(lab.dns_servers())));
    line(format!("resolvers = {}", list(&[lab.resolver()])));
    line("\n[site]\njson = { \"/status\" = \"healthy\" }\nexpect_headers = { x-lab = \"ok\" }\nversion = \"header:x-version\"".to_owned());
    text
}

/// The tenants: all of them, or none but those whose host name the platform cannot tell.
fn tenants(lab: &Lab) -> String {
    let ordinary = |tenant: &String| lab.host(tenant) == format!("{tenant}.{}", lab.domain());
    let entry = |tenant: &String| {
        let host = quoted(&lab.host(tenant));
        format!("{{ id = {}, hostname = {host} }}", quoted(tenant))
    };
    let odd: Vec<_> = lab
        .tenants()
        .iter()
        .filter(|tenant| !ordinary(tenant))
        .map(entry)
        .collect();
    match (lab.platform_inventory(), odd.is_empty()) {
        (true, true) => "source = \"fly\"".to_owned(),
        (true, false) => format!("source = [\"fly\", \"list\"]\nlist = [{}]", odd.join(", ")),
        (false, true) => format!("source = \"list\"\nlist = {}", list(lab.tenants())),
        (false, false) => {
            let all: Vec<_> = lab.tenants().iter().map(entry).collect();
            format!("source = \"list\"\nlist = [{}]", all.join(", "))
        }
    }
}

fn list<T: ToString>(items: &[T]) -> String {
    let items: Vec<_> = items.iter().map(|item| quoted(&item.to_string())).collect();
    format!("[{}]", items.join(", "))
}

/// A TOML string; JSON's escapes are a part of TOML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
