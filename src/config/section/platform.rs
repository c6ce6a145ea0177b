//! `[fly]` and `[cloudflare]`: the platform and the DNS provider.

use super::Source;
use crate::config::form::{filled, optional, port, secret, url};
use crate::config::model::Config;
use crate::config::secret::Secret;
use crate::config::table::table;

table! {
    /// The platform; without this table it is verified without one.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Fly {
        /// The organization's slug; by default the token's own.
        organization: Option<String> = None => optional(filled()), sample = "\"acme\"";
        /// A token; a read-only one is enough: fly tokens create readonly.
        token: Secret = Secret::Env("FLY_API_TOKEN".into()) => secret();
        /// The API with GraphQL at /graphql; or the variable FLY_API_BASE_URL.
        api_url: String = "https://api.fly.io".into() => url();
        /// The Machines API with REST at /v1; or the variable FLY_FLAPS_BASE_URL.
        machines_url: String = "https://api.machines.dev".into() => url();
        /// A tenant app is reached directly at `<app>.<app_domain>`.
        app_domain: String = "fly.dev".into() => filled();
        /// The port of tenant apps.
        app_port: u16 = 443 => port();
    }
}

table! {
    /// The DNS provider's listing of the zone: names the record that overrides the wildcard.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Cloudflare {
        /// The zone; by default the domain.
        zone: Option<String> = None => optional(filled()), sample = "\"example.com\"";
        /// A token; DNS Read on the zone is enough.
        token: Secret = Secret::Env("CLOUDFLARE_API_TOKEN".into()) => secret();
        /// The API's base.
        api_url: String = "https://api.cloudflare.com/client/v4".into() => url();
    }
}

/// The table of the platform, whichever it is: what the rest of the program must know of it.
#[derive(Clone, Copy, Debug)]
pub enum CloudTable<'c> {
    /// `[fly]`.
    Fly(&'c Fly),
}

impl<'c> CloudTable<'c> {
    /// Where tenant apps are reached directly: `<app>.<domain>`, at this port.
    #[must_use]
    pub fn direct(self) -> (String, u16) {
        match self {
            Self::Fly(fly) => (fly.app_domain.clone(), fly.app_port),
        }
    }

    /// The organization, where one is named.
    #[must_use]
    pub fn organization(self) -> Option<&'c str> {
        match self {
            Self::Fly(fly) => fly.organization.as_deref(),
        }
    }

    /// Where its API is.
    #[must_use]
    pub fn api_url(self) -> &'c str {
        match self {
            Self::Fly(fly) => &fly.api_url,
        }
    }

    /// The token for it.
    #[must_use]
    pub fn token(self) -> &'c Secret {
        match self {
            Self::Fly(fly) => &fly.token,
        }
    }

    /// The source that names a tenant for every app with the prefix.
    #[must_use]
    pub fn source(self) -> Source {
        match self {
            Self::Fly(_) => Source::Fly,
        }
    }
}

impl Config {
    /// The table of the platform; `None`: without one.
    #[must_use]
    pub fn cloud(&self) -> Option<CloudTable<'_>> {
        self.fly.as_ref().map(CloudTable::Fly)
    }
}

/// The platform at the addresses that the environment names, as the platform's own tools read them. What the file says
/// goes before the environment.
pub(crate) fn fly_of_environment() -> Fly {
    let from_environment = |name: &str| std::env::var(name).ok().filter(|url| !url.is_empty());
    let mut fly = Fly::default();
    fly.api_url = from_environment("FLY_API_BASE_URL").unwrap_or(fly.api_url);
    fly.machines_url = from_environment("FLY_FLAPS_BASE_URL").unwrap_or(fly.machines_url);
    fly
}
