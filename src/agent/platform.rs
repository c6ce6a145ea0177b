//! The clients of the APIs: what platform and DNS provider say, read in bulk once per round, before anybody is visited.

use std::sync::Arc;

use futures_util::future::join_all;
use roundsman_checks::clock::now;
use roundsman_checks::evidence::{ApiAnswer, Fault, Platform, Reason};
use roundsman_checks::gather::ApiSnapshot;
use roundsman_checks::platform::cloudflare::Zone;
use roundsman_checks::platform::fly::{Details, Logs};
use roundsman_checks::platform::{Api, ApiError, Calls, Token, fly};
use thiserror::Error;

use crate::config::{Config, SecretError};

/// Most apps whose machines are asked for one by one, where nothing failed.
const MOST_DETAILS: usize = 50;

/// Clients of the APIs. They outlive rounds, with their connections.
pub struct Clients {
    fly: Option<Fly>,
    cloudflare: Option<Zone>,
    /// Every request that was made, in all rounds.
    pub calls: Calls,
}

struct Fly {
    graphql: Arc<Api>,
    logs: Logs,
    rest: Arc<Api>,
    organization: Option<String>,
    edge_app: String,
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
    /// The clients that the configuration asks for. Tokens are read here.
    ///
    /// # Errors
    /// [`ClientsError`] where a token is unset or empty, or an address can't be used.
    pub fn new(config: &Config, user_agent: &str) -> Result<Self, ClientsError> {
        let calls = Calls::default();
        let wrong = |source| ClientsError::Api { table: "fly", source };
        let api = |name, url: &str, token: Token| Api::new(name, url, token, user_agent, calls.clone()).map_err(wrong);
        let fly = config.fly.as_ref().map(|fly| {
            let token = fly.token.read().map_err(|source| match (source, &config.path) {
                (SecretError::Unset(name) | SecretError::Empty(name), None) => ClientsError::NoToken(name),
                (source, _) => ClientsError::Token { table: "fly", source },
            })?;
            let token = Token::fly(token.expose());
            let graphql = Arc::new(api("graphql", &fly.api_url, token.clone())?);
            let logs = Logs::new(
                &fly.api_url,
                token.clone(),
                user_agent,
                calls.clone(),
                Arc::clone(&graphql),
            );
            Ok(Fly {
                logs: logs.map_err(wrong)?,
                graphql,
                rest: Arc::new(api("machines", &fly.machines_url, token)?),
                organization: fly.organization.clone(),
                edge_app: config.edge.app.clone().unwrap_or_default(),
            })
        });
        let cloudflare = config.cloudflare.as_ref().map(|cloudflare| {
            let token = cloudflare.token.read().map_err(|source| ClientsError::Token {
                table: "cloudflare",
                source,
            })?;
            let zone = cloudflare.zone.clone().unwrap_or_else(|| config.domain.to_string());
            let zone = Zone::new(&cloudflare.api_url, zone, token.expose(), user_agent, calls.clone());
            zone.map_err(|source| ClientsError::Api {
                table: "cloudflare",
                source,
            })
        });
        Ok(Self {
            fly: fly.transpose()?,
            cloudflare: cloudflare.transpose()?,
            calls,
        })
    }

    /// Begins a round: an API that was asked nothing more in the last one is asked again.
    pub fn begin_round(&self) {
        if let Some(fly) = &self.fly {
            fly.graphql.begin_round();
            fly.rest.begin_round();
            fly.logs.begin_round();
        }
        if let Some(zone) = &self.cloudflare {
            zone.begin_round();
        }
    }

    /// Reads in bulk what is wanted. What is not answered is `Unknown`.
    pub async fn read(&self, fetch: Fetch) -> ApiSnapshot {
        let listing = async {
            match &self.cloudflare {
                Some(zone) if fetch.listing => zone.listing().await,
                _ => ApiAnswer::NotConfigured,
            }
        };
        let platform = async {
            match fetch.platform {
                true => self.platform().await,
                false => ApiAnswer::NotConfigured,
            }
        };
        let (platform, listing) = tokio::join!(platform, listing);
        ApiSnapshot {
            platform: platform.map(|mut platform| {
                platform.taken_at = Some(now());
                Arc::new(platform)
            }),
            listed_at: listing.known().map(|_| now()),
            listing: listing.map(Arc::new),
        }
    }

    /// Who reads the logs of apps; `None` without a platform.
    #[must_use]
    pub fn logs(&self) -> Option<Logs> {
        self.fly.as_ref().map(|fly| fly.logs.clone())
    }

    /// Who reads the details of machines; `None` without a platform.
    #[must_use]
    pub fn details(&self) -> Option<Details> {
        self.fly.as_ref().map(|fly| Details::new(Arc::clone(&fly.rest)))
    }

    /// Asks for the digests of these apps' images, an app a call; of more than 50 apps none. What is not
    /// answered stays unknown.
    pub async fn digests(&self, platform: &mut Platform, apps: &[String]) {
        let Some(details) = self.details() else { return };
        let untold = |app: &&String| {
            let machines = platform.apps.get(*app).map(|app| app.machines.as_slice());
            machines.is_some_and(|machines| machines.iter().any(|machine| machine.digest.is_none()))
        };
        let apps = apps.iter().filter(untold).cloned().collect::<Vec<_>>();
        if apps.len() > MOST_DETAILS {
            return;
        }
        let answers = join_all(apps.iter().map(|app| details.read(app))).await;
        for (app, machines) in apps.iter().zip(answers) {
            platform.learn(app, &machines.unwrap_or_default());
        }
    }

    /// What is known where nothing was read because somebody ended the round.
    #[must_use]
    pub fn unread(&self) -> ApiSnapshot {
        let fault = || Fault::new(Reason::PlatformUnavailable, "the round was ended before it answered");
        let platform = self
            .fly
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
        }
    }

    async fn platform(&self) -> ApiAnswer<Platform> {
        let Some(clients) = &self.fly else {
            return ApiAnswer::NotConfigured;
        };
        let organization: Result<String, Fault> = match &clients.organization {
            Some(organization) => Ok(organization.clone()),
            None => fly::organization(&clients.rest).await,
        };
        match organization {
            Ok(organization) => fly::platform(&clients.graphql, &clients.rest, &organization, &clients.edge_app).await,
            Err(fault) => ApiAnswer::Unknown(fault),
        }
    }
}
