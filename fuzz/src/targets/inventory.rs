//! Inventories: as TOML, as JSON, as lines.

use std::path::Path;

use roundsman::config::Config;
use roundsman::inventory::{Answers, TenantsFrom, load};

const CONFIGURATION: &str =
    "domain = \"example.com\"\n[tenants.fields]\nid = \"/slug\"\n[tenants]\nexclude = [\"x*\"]\n";

pub(crate) fn read(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let from = TenantsFrom::DnsAnswer(text.to_owned());
    for configuration in ["domain = \"example.com\"", CONFIGURATION] {
        let Ok(config) = Config::parse(configuration, Path::new("roundsman.toml")) else {
            unreachable!("the configuration is one");
        };
        match load(&config, Some(&from), &[], Answers::default()) {
            Err(error) => {
                let _ = (error.render(false), error.render(true));
            }
            Ok(inventory) => {
                for tenant in &inventory.known {
                    let _ = config.expectation_for(tenant);
                }
            }
        }
    }
}
