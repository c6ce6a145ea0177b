//! The clients of the APIs: what platform and DNS provider say, read in bulk once per round, before anybody is visited.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use roundsman_checks::clock::now;
use roundsman_checks::evidence::{ApiAnswer, Fault, Platform, Reason, SourceClock};
use roundsman_checks::gather::ApiSnapshot;
use roundsman_checks::platform::cloudflare::Zone;
use roundsman_checks::platform::{ApiError, Calls, PlatformClient, fly};
use thiserror::Error;

use crate::config::{CloudTable, Config, Fly, SecretError};

/// Most apps whose machines are asked for one by one, where nothing failed.
const MOST_DETAILS: usize = 50;

/// Clients of the APIs. They outlive rounds, with their connections.
pub struct Clients {
    /// The platform; `None` where none is configured.
    pub platform: Option<PlatformClient>,
    cloudflare: Option<Zone>,
    /// Every request that was made, in all rounds.
    pub calls: Calls,
}

/// What a round fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// What the platform says.
    pub platform: bool,
    /// The zone's listing.
    pub listing: bool,
}

impl Fetch {
    /// All there is.
    pub const ALL: Self = Self {
        platform: true,
        listing: true,
    };
}

/// Why there are no clients; exit code 2.
#[derive(Debug, Error)]
pub enum ClientsError {
    /// A token.
    #[error("[{table}] token: {source}")]
    Token {
        /// The table that names it.
        table: &'static str,
        /// What is wrong with it.
        source: SecretError,
    },
    /// The flags ask the platform, and the environment has no token for it.
    #[error(
        "--edge-app asks the platform, and {0} is unset or empty: set it to a token that may read \
         (`fly tokens create readonly`), or give --edge ADDRESS to verify without a platform"
    )]
    NoToken(String),
    /// An address.
    #[error("[{table}]: {source}")]
    Api {
        /// The table that names it.
        table: &'static str,
        /// What is wrong with it.
        source: ApiError,
    },
}

impl Clients {
    /// The clients that the configuration asks for, which count their requests there. Tokens are read here.
    ///
    /// # Errors
    /// [`ClientsError`] where a token is unset or empty, or an address can't be used.
    pub fn new(config: &Config, user_agent: &str, calls: Calls) -> Result<Self, ClientsError> {
        Ok(Self {
            platform: platform_client(config, user_agent, &calls)?,
            cloudflare: zone_client(config, user_agent, &calls)?,
            calls,
        })
    }

    /// Begins a round: an API that was asked nothing more in the last one is asked again.
    pub fn begin_round(&self) {
        if let Some(platform) = &self.platform {
            platform.begin_round();
        }
        if let Some(zone) = &self.cloudflare {
            zone.begin_round();
        }
    }

    /// Reads in bulk what is wanted. What is not answered is `Unknown`.
    pub async fn read(&self, fetch: Fetch) -> ApiSnapshot {
        let asked_at = now();
        let listing = async {
            match &self.cloudflare {
                Some(zone) if fetch.listing => zone.listing().await,
                _ => ApiAnswer::NotConfigured,
            }
        };
        let platform = async {
            match &self.platform {
                Some(platform) if fetch.platform => platform.read().await,
                _ => ApiAnswer::NotConfigured,
            }
        };
        let (platform, listing) = tokio::join!(within(platform), within(listing));
        ApiSnapshot {
            platform: platform.map(|mut platform| {
                (platform.asked_at, platform.taken_at) = (Some(asked_at), Some(now()));
                Arc::new(platform)
            }),
            listed_at: listing.known().map(|_| now()),
            zone_id: self.cloudflare.as_ref().and_then(Zone::known_id),
            listing: listing.map(Arc::new),
            clocks: self.clocks(),
        }
    }

    /// What clocks the APIs keep, by their latest answers.
    fn clocks(&self) -> Vec<SourceClock> {
        let platform = self.platform.as_ref().map(PlatformClient::clocks).unwrap_or_default();
        let zone = self.cloudflare.as_ref().and_then(Zone::clock);
        platform.into_iter().chain(zone).collect()
    }

    /// What the APIs said before, with what changed at the platform since; and whether all is to be read again for something
    /// that does not fit, or did not answer: that stays as it was known.
    pub async fn changes(&self, before: ApiSnapshot) -> (ApiSnapshot, bool) {
        let (Some(client), Some(known)) = (&self.platform, before.platform.known().cloned()) else {
            return (before, true);
        };
        let (platform, doubtful) = match tokio::time::timeout(BULK, client.changes(&known)).await {
            Ok(Ok((platform, doubtful))) => (Arc::new(platform), doubtful),
            Ok(Err(_)) | Err(_) => (known, true),
        };
        let changed = ApiSnapshot {
            platform: ApiAnswer::Known(platform),
            clocks: self.clocks(),
            ..before
        };
        (changed, doubtful)
    }

    /// How many calls were made so far that are about all apps together.
    #[must_use]
    pub fn calls_for_all(&self) -> u32 {
        let made = self.calls.made().into_iter();
        made.filter(|(operation, _)| !is_about_one(operation))
            .map(|(_, count)| count)
            .sum()
    }

    /// Asks for the digests of these apps' images, an app a call; of more than 50 apps none. What is not
    /// answered stays unknown.
    pub async fn digests(&self, platform: &mut Platform, apps: &[String]) {
        let Some(client) = &self.platform else { return };
        let untold = |app: &&String| {
            let machines = platform.apps.get(*app).map(|app| app.machines.as_slice());
            machines.is_some_and(|machines| machines.iter().any(|machine| machine.digest.is_none()))
        };
        let apps = apps.iter().filter(untold).cloned().collect::<Vec<_>>();
        if apps.len() > MOST_DETAILS {
            return;
        }
        let answers = join_all(apps.iter().map(|app| client.machines(app))).await;
        for (app, machines) in apps.iter().zip(answers) {
            platform.learn(app, &machines.unwrap_or_default());
        }
    }

    /// What is known where nothing was read because somebody ended the round.
    #[must_use]
    pub fn unread(&self) -> ApiSnapshot {
        let fault = || Fault::new(Reason::PlatformUnavailable, "the round was ended before it answered");
        let platform = self
            .platform
            .as_ref()
            .map_or(ApiAnswer::NotConfigured, |_| ApiAnswer::Unknown(fault()));
        let listing = self
            .cloudflare
            .as_ref()
            .map_or(ApiAnswer::NotConfigured, |_| ApiAnswer::Unknown(fault()));
        ApiSnapshot {
            platform,
            listing,
            listed_at: None,
            zone_id: None,
            clocks: Vec::new(),
        }
    }
}

/// Whether an operation is about one app, and asked for what fails there.
fn is_about_one(operation: &str) -> bool {
    matches!(operation, "machines app-machines" | "graphql App") || operation.starts_with("logs ")
}

/// How long one bulk read may take, however many pages it has.
const BULK: Duration = Duration::from_secs(120);

/// What is read in bulk, or that it took too long.
async fn within<T>(reading: impl Future<Output = ApiAnswer<T>>) -> ApiAnswer<T> {
    let late = |_| {
        let detail = format!("it was not read to its end within {} s", BULK.as_secs());
        ApiAnswer::Unknown(Fault::new(Reason::PlatformTimeout, detail))
    };
    tokio::time::timeout(BULK, reading).await.unwrap_or_else(late)
}

/// The client of the platform that is configured. Its token is read here.
///
/// # Errors
/// [`ClientsError`] where the token is unset or empty, or an address can't be used.
pub fn platform_client(
    config: &Config,
    user_agent: &str,
    calls: &Calls,
) -> Result<Option<PlatformClient>, ClientsError> {
    match config.cloud() {
        Some(CloudTable::Fly(fly)) => fly_client(fly, config, user_agent, calls).map(Some),
        None => Ok(None),
    }
}

fn fly_client(fly: &Fly, config: &Config, user_agent: &str, calls: &Calls) -> Result<PlatformClient, ClientsError> {
    let token = fly.token.read().map_err(|source| match (source, &config.path) {
        (SecretError::Unset(name) | SecretError::Empty(name), None) => ClientsError::NoToken(name),
        (source, _) => ClientsError::Token { table: "fly", source },
    })?;
    let settings = fly::Settings {
        api_url: fly.api_url.clone(),
        machines_url: fly.machines_url.clone(),
        organization: fly.organization.clone(),
        edge_app: config.edge.app.clone().unwrap_or_default(),
    };
    let client = fly::Client::new(settings, token.expose(), user_agent, calls);
    let client = client.map_err(|source| ClientsError::Api { table: "fly", source })?;
    Ok(PlatformClient::Fly(Arc::new(client)))
}

/// The client of the zone's DNS provider. Its token is read here.
///
/// # Errors
/// [`ClientsError`] as [`platform_client`].
pub fn zone_client(config: &Config, user_agent: &str, calls: &Calls) -> Result<Option<Zone>, ClientsError> {
    let table = "cloudflare";
    let Some(cloudflare) = &config.cloudflare else {
        return Ok(None);
    };
    let token = cloudflare.token.read();
    let token = token.map_err(|source| ClientsError::Token { table, source })?;
    let (url, name) = (&cloudflare.api_url, cloudflare.zone.as_deref());
    let zone = Zone::new(url, name, &config.domain, token.expose(), user_agent, calls.clone());
    Ok(Some(zone.map_err(|source| ClientsError::Api { table, source })?))
}
