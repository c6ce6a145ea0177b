//! Configurations: read, their mistakes shown, their tenants told. No file that one names is opened.

use std::path::Path;

use roundsman::config::Config;
use roundsman::inventory::{Answers, load};

pub(crate) fn read(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    match Config::parse(text, Path::new("roundsman.toml")) {
        Err(invalid) => {
            let _ = (invalid.render(false), invalid.render(true));
        }
        Ok(config) if config.tenants.file.is_none() => {
            let inventory = load(&config, None, &[], Answers::default());
            for tenant in inventory.iter().flat_map(|inventory| &inventory.known) {
                let _ = config.expectation_for(tenant);
            }
        }
        Ok(_) => {}
    }
}
