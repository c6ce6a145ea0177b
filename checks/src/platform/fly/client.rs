//! The client: both APIs and the logs of one organization.

use jiff::SignedDuration;

use super::logs::Logs;
use super::macaroon;
use super::{access, changes, graphql, machines, standing};
use crate::clock::now;
use crate::evidence::{ApiAnswer, App, Changed, Fault, Machine, Platform, Reason, SourceClock};
use crate::platform::LogPage;
use crate::platform::Token;
use crate::platform::access::{TokenEnd, TokenScope};
use crate::platform::bulk::{Allowance, Bulk};
use crate::platform::http::{Api, ApiError, Calls};
use crate::platform::standing::AppStanding;

/// Room for what one reading keeps, in bytes: a hundred thousand apps with two machines each need nine tenths of it.
const ROOM: usize = 256 * 1024 * 1024;

/// What the word on one app may take: one call to each API, and so many bytes.
const CALLS_OF_AN_APP: usize = 2;
const ROOM_OF_AN_APP: usize = 4 * 1024 * 1024;

/// How far back changes are asked for beyond what was seen: they take time to be told (vendor's advice).
const OVERLAP: SignedDuration = SignedDuration::from_secs(60);

/// Where the APIs are and what is asked of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// GraphQL is at `/graphql` below it, the logs beside it.
    pub api_url: String,
    /// The Machines API is at `/v1` below it.
    pub machines_url: String,
    /// The organization's slug; `None`: the token's own.
    pub organization: Option<String>,
    /// The edge app, whose certificates are read as a whole; empty where there is none.
    pub edge_app: String,
}

/// Client of Fly.io.
#[derive(Debug)]
pub struct Client {
    graphql: Api,
    rest: Api,
    logs: Logs,
    organization: Option<String>,
    edge_app: String,
    token_end: TokenEnd,
}

impl Client {
    /// A client with a token as it is kept: a macaroon is sent in its own scheme.
    ///
    /// # Errors
    /// [`ApiError`] where an address can't be used.
    pub fn new(settings: Settings, token: &str, user_agent: &str, calls: &Calls) -> Result<Self, ApiError> {
        let token_end = macaroon::end(token);
        let token = Token::fly(token);
        let api = |name, url: &str| Api::new(name, url, token.clone(), user_agent, calls.clone());
        Ok(Self {
            graphql: api("graphql", &settings.api_url)?,
            rest: api("machines", &settings.machines_url)?,
            logs: Logs::new(api("logs", &settings.api_url)?),
            organization: settings.organization,
            edge_app: settings.edge_app,
            token_end,
        })
    }

    /// Begins a round, as [`Api::begin_round`].
    pub fn begin_round(&self) {
        self.graphql.begin_round();
        self.rest.begin_round();
        self.logs.begin_round();
    }

    /// Reads the organization. What one API does not answer is `Unknown` in the parts that it alone tells.
    pub async fn read(&self) -> ApiAnswer<Platform> {
        match self.bulk().await {
            Ok(platform) => ApiAnswer::Known(platform),
            Err(fault) => ApiAnswer::Unknown(fault),
        }
    }

    async fn bulk(&self) -> Result<Platform, Fault> {
        let allowance = Allowance::with_room(ROOM);
        let rest = Bulk::new(&self.rest, &allowance);
        let organization = match &self.organization {
            Some(organization) => organization.clone(),
            None => machines::organization(rest).await?,
        };
        let sweep = || graphql::sweep(Bulk::new(&self.graphql, &allowance), &organization, &self.edge_app);
        let (swept, machines) = tokio::join!(sweep(), machines::list(rest, &organization, None));
        let graphql::Swept { mut platform, shifted } = swept?;
        // An app that is made or taken away meanwhile moves others from page to page.
        if shifted || machines.unlisted(&platform).is_some() {
            let again = sweep().await?.platform;
            let before = std::mem::replace(&mut platform, again);
            // What only the first reading saw may be gone, or have been passed over once more.
            let kept = platform.apps_missing.is_some() || machines.unlisted(&platform).is_some();
            for (name, app) in before.apps.into_iter().filter(|_| kept) {
                platform.apps.entry(name).or_insert(app);
            }
        }
        machines.merge_into(&mut platform);
        Ok(platform)
    }

    /// What was known of the organization with what changed at its machines since; and whether something was not told
    /// whole, and stays as it was.
    ///
    /// # Errors
    /// Why what changed can't be added: the call failed, or something does not fit.
    pub async fn changes(&self, before: &Platform) -> Result<(Platform, bool), Fault> {
        let asked_at = now();
        // What changed is asked for by the platform's clock.
        let ahead = self.rest.clock().map(|clock| clock.ahead()).unwrap_or_default();
        let since = before.since().and_then(|since| since.checked_add(ahead - OVERLAP).ok());
        let since = since.ok_or_else(|| Fault::new(Reason::PlatformPartial, "nothing was read before"))?;
        let allowance = Allowance::with_room(ROOM);
        let changed = machines::list(Bulk::new(&self.rest, &allowance), &before.organization, Some(since)).await;
        let mut merged = changes::merge(before, changed)?;
        let mut doubtful = false;
        if !merged.open.is_empty() {
            let open = merged.open.iter().map(String::as_str).collect::<Vec<_>>();
            let ends = graphql::ends(Bulk::new(&self.graphql, &allowance), &open).await?;
            doubtful = changes::close(&mut merged, before, &ends);
        }
        // What did not answer, or was not told whole, is as old as it was, and is asked for from the same moment on.
        if !merged.silent && !doubtful {
            merged.platform.changed = Some(Changed {
                asked_at,
                taken_at: now(),
            });
        }
        Ok((merged.platform, doubtful))
    }

    /// One app of an organization, whole, in two calls that are not repeated; `None` where both APIs say that there is none.
    ///
    /// # Errors
    /// Why it is not known whole. An API that is asked nothing more is not asked for this either.
    pub async fn app(&self, organization: &str, app: &str) -> Result<Option<App>, Fault> {
        if let Some(fault) = self.rest.closed().or_else(|| self.graphql.closed()) {
            return Err(fault);
        }
        let allowance = Allowance::of(CALLS_OF_AN_APP, ROOM_OF_AN_APP);
        let listed = machines::of_app(Bulk::new(&self.rest, &allowance), app).await;
        let there_is_none = |fault: &Fault| fault.reason == Reason::PlatformNotFound;
        if let Err(fault) = &listed
            && !there_is_none(fault)
        {
            return Err(fault.clone());
        }
        // How a machine ended is asked after how it is.
        let told = graphql::app(Bulk::new(&self.graphql, &allowance), organization, app).await;
        match (told, listed) {
            (Ok(told), Ok(listed)) => machines::joined(told, listed).map(Some),
            (Err(fault), Err(_)) if there_is_none(&fault) => Ok(None),
            (Err(fault), _) | (_, Err(fault)) => Err(fault),
        }
    }

    /// Until when the token is valid, as far as it says so itself.
    #[must_use]
    pub fn token_end(&self) -> TokenEnd {
        self.token_end
    }

    /// Whom the token belongs to, and what it is narrowed to.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn token(&self) -> Result<TokenScope, Fault> {
        access::token(&self.rest).await
    }

    /// How many apps an organization has, where that is told, by the API that tells of all of them.
    ///
    /// # Errors
    /// The fault of the call: `platform/not-found` where the token does not see the organization.
    pub async fn apps_total(&self, organization: &str) -> Result<Option<u64>, Fault> {
        access::apps_total(&self.graphql, organization).await
    }

    /// The names of an organization's apps.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn app_names(&self, organization: &str) -> Result<Vec<String>, Fault> {
        access::app_names(&self.rest, organization).await
    }

    /// Whether the machines of an organization are told, of every region.
    ///
    /// # Errors
    /// The fault of the call, or the regions that are silent.
    pub async fn machines_listed(&self, organization: &str) -> Result<(), Fault> {
        access::machines(&self.rest, organization).await
    }

    /// What clocks its APIs keep, by their latest answers.
    pub fn clocks(&self) -> impl Iterator<Item = SourceClock> {
        [self.graphql.clock(), self.rest.clock()].into_iter().flatten()
    }

    /// The machines of one app in detail.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn machines(&self, app: &str) -> Result<Vec<Machine>, Fault> {
        machines::details(&self.rest, app).await
    }

    /// One app and its machines in what matters before something is changed there.
    ///
    /// # Errors
    /// Why it is not known whole.
    pub async fn standing(&self, app: &str) -> Result<AppStanding, Fault> {
        standing::app(&self.graphql, &self.rest, app).await
    }

    /// The lines of an app's log that are newer than `since`; without it the newest that there are.
    ///
    /// # Errors
    /// Why there are none to be had. Where GraphQL at the same address is down, this one is not asked.
    pub async fn log(&self, app: &str, since: Option<&str>) -> Result<LogPage, Fault> {
        match self.graphql.closed() {
            Some(fault) => Err(fault),
            None => self.logs.read(app, since).await,
        }
    }
}
