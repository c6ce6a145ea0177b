//! `[fly]` and `[cloudflare]`: the platform and the DNS provider.

use super::{form, secret};
use crate::config::model::{Cloudflare, Fly};
use crate::config::reader::{Section, integer, parsed};

/// The platform at the addresses that the environment names, as the platform's own tools read them.
pub(crate) fn fly_of_environment() -> Fly {
    let from_environment = |name: &str| std::env::var(name).ok().filter(|url| !url.is_empty());
    let mut fly = Fly::default();
    fly.api_url = from_environment("FLY_API_BASE_URL").unwrap_or(fly.api_url);
    fly.machines_url = from_environment("FLY_FLAPS_BASE_URL").unwrap_or(fly.machines_url);
    fly
}

/// What the file says goes before the environment.
pub(super) fn fly(section: Section<'_>) -> Fly {
    let mut fly = fly_of_environment();
    fly.organization = section.get("organization", parsed(form::filled));
    if let Some(token) = secret::secret(&section, "token") {
        fly.token = token;
    }
    section.set("api_url", &mut fly.api_url, parsed(form::url));
    section.set("machines_url", &mut fly.machines_url, parsed(form::url));
    section.set("app_domain", &mut fly.app_domain, parsed(form::filled));
    section.set("app_port", &mut fly.app_port, integer(1..=65_535));
    section.finish();
    fly
}

pub(super) fn cloudflare(section: Section<'_>) -> Cloudflare {
    let mut cloudflare = Cloudflare {
        zone: section.get("zone", parsed(form::filled)),
        ..Cloudflare::default()
    };
    if let Some(token) = secret::secret(&section, "token") {
        cloudflare.token = token;
    }
    section.set("api_url", &mut cloudflare.api_url, parsed(form::url));
    section.finish();
    cloudflare
}
