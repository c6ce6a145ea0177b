//! Examining tenants one by one, each when its time has come, against the latest look at what they share. What a round
//! does at once, for whoever goes on for ever.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::app_words::AppWords;
use super::assignment::{Assignment, Names, ProbeTarget};
use super::details::Details;
use super::edge::{self, EdgeProber};
use super::examine::{Examination, first_look, settle};
use super::log_turns::LogTurns;
use super::setup::ProbeSetup;
use super::tenant::TenantProber;
use super::{fleet_look, zone};
use crate::clock::now;
use crate::fleet::{ChainStore, FleetContext};
use crate::target::{Hostname, NameError};

/// One look at the agent's place, the zone and the edge, by which tenants are examined until the next one. A clone shares
/// all of it.
#[derive(Clone)]
pub struct FleetWatch {
    setup: Arc<ProbeSetup>,
    assignment: Arc<Assignment>,
    control: Hostname,
    at: Timestamp,
    context: Arc<FleetContext>,
    names: Arc<Names>,
    sockets: Arc<[SocketAddr]>,
    kept: Kept,
}

/// What is kept from look to look of what examinations may cost others.
#[derive(Clone)]
struct Kept {
    unhurried: Arc<Semaphore>,
    words: Arc<AppWords>,
    logs: Arc<LogTurns>,
    details: Arc<Details>,
}

impl FleetWatch {
    /// The first look. `chains` keeps what is served from then on.
    ///
    /// # Errors
    /// [`NameError`] where the domain is so long that no label fits before it.
    pub async fn begin(
        setup: Arc<ProbeSetup>,
        assignment: Arc<Assignment>,
        chains: Arc<ChainStore>,
    ) -> Result<Self, NameError> {
        let names = Arc::new(Names::new(&assignment.known));
        let kept = Kept {
            unhurried: EdgeProber::turns(),
            words: Arc::new(AppWords::new()),
            logs: Arc::new(LogTurns::new()),
            details: Arc::new(Details::for_ever()),
        };
        Self::look(setup, assignment, chains, names, kept, None).await
    }

    /// The next look. What neither the setup nor the assignment changed stays.
    ///
    /// # Errors
    /// [`NameError`] as [`Self::begin`].
    pub async fn again(&self, setup: Arc<ProbeSetup>, assignment: Arc<Assignment>) -> Result<Self, NameError> {
        let names = match Arc::ptr_eq(&self.assignment.known, &assignment.known) {
            true => Arc::clone(&self.names),
            false => Arc::new(Names::new(&assignment.known)),
        };
        let kept = self.kept.clone();
        kept.words
            .outdated_by(assignment.snapshot.platform.known().map(|platform| &**platform));
        let chains = Arc::clone(&self.context.chains);
        Self::look(setup, assignment, chains, names, kept, Some(&self.context)).await
    }

    async fn look(
        setup: Arc<ProbeSetup>,
        assignment: Arc<Assignment>,
        chains: Arc<ChainStore>,
        names: Arc<Names>,
        kept: Kept,
        before: Option<&FleetContext>,
    ) -> Result<Self, NameError> {
        let (at, control) = (now(), zone::fresh(&setup.domain)?);
        let (turns, details) = (Arc::clone(&kept.unhurried), Arc::clone(&kept.details));
        let edge = EdgeProber::new(&setup, &assignment, control.clone(), at, chains, turns, details);
        let context = fleet_look::look(&edge, before).await;
        Ok(Self {
            sockets: edge::probe_addresses(&context.fleet.edge).into(),
            context: Arc::new(context),
            setup,
            assignment,
            control,
            at,
            names,
            kept,
        })
    }

    /// What was seen, and what follows from it for each tenant.
    #[must_use]
    pub fn context(&self) -> &Arc<FleetContext> {
        &self.context
    }

    /// When it began.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Examines one tenant on a connection of its own; without `visit` it is spared that, for it would fail. Where it fails
    /// and the platform's word on its app is older than that, the app is asked for by itself. Its follow-ups are made, but
    /// for those that are about many; where it answers wrongly it is looked for in the edge's log.
    pub async fn examine(&self, target: &ProbeTarget, visit: bool) -> Examination {
        let (control, chains) = (self.control.clone(), Arc::clone(&self.context.chains));
        let (turns, details) = (Arc::clone(&self.kept.unhurried), Arc::clone(&self.kept.details));
        let edge = EdgeProber::new(&self.setup, &self.assignment, control, now(), chains, turns, details);
        let platform = self.context.platform();
        let mut prober = TenantProber::new(&edge, &self.context, self.sockets.to_vec(), Arc::clone(&self.names));
        prober.word = platform.and_then(|platform| self.kept.words.of(&target.tenant.app, platform));
        let mut examination = first_look(&prober, target, visit).await;
        if let Some(platform) = platform
            && let Some(word) = self.kept.words.ask(&self.setup, platform, &examination).await
        {
            prober.word = Some(Arc::clone(&word));
            (examination.evidence.word, examination.evidence.checks_asked) = (Some(word), true);
            examination.judge_again(&self.context);
            self.kept.words.judged(&examination);
        }
        if examination.is_open() {
            settle(&prober, target, &mut examination, None).await;
        }
        self.kept.logs.answer(&prober, target, &mut examination).await;
        examination
    }
}
