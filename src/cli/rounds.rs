//! Rounds as one command line asks for them: the platform and the inventory are read anew for each, then planned, then
//! looked at. Decides nothing about what comes after a round.

use std::collections::BTreeSet;

use roundsman_checks::evidence::Asked;
use roundsman_checks::finding::Check;
use roundsman_checks::target::{NameError, Tenant};
use rustls::pki_types::CertificateDer;
use thiserror::Error;

use super::args::{FailOn, Scope, VerifyArgs, Wake};
use super::output::OutputError;
use super::places::PlacesError;
use super::plan::{self, PlanError, Word};
use super::progress::Progress;
use super::setup::{self, SetupError};
use crate::agent::{self, Carried, Clients, ClientsError, Needs, Observer as _, Outcome, Stop, Waking};
use crate::config::{Config, Site, Source, render_plain};
use crate::gate::{BaselineError, Demand, Expected};
use crate::inventory::{Answers, Inventory, InventoryError, Remote, RemoteError, TenantsFrom};
use crate::recording::RecordingError;

/// Why `verify` can't do what it was asked for; exit code 2.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The configuration or the inventory.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// There is no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The platform can't be asked.
    #[error(transparent)]
    Clients(#[from] ClientsError),
    /// The tenants can't be asked for.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The report can't be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The evidence can't be written, or read.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// One file stands for two things.
    #[error(transparent)]
    Places(#[from] PlacesError),
    /// The baseline is none.
    #[error(transparent)]
    Baseline(#[from] BaselineError),
    /// The domain leaves no room for a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A release is expected, and the check that judges it is left out.
    #[error("{option} is judged by the check {check}, which --only or --skip leave out")]
    LeftOut {
        /// The option.
        option: &'static str,
        /// The check.
        check: Check,
    },
    /// A version is expected and nothing says where to read it.
    #[error(
        "--expect-version: nothing says where the answer of {0} carries its version: write \
         version = \"header:NAME\" or \"json:/pointer\" below [site] of the configuration"
    )]
    NoVersion(String),
    /// The system refuses what a program needs.
    #[error("{0}")]
    System(#[from] std::io::Error),
}

impl VerifyError {
    /// The error as a person reads it; `colour` for terminals.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        match self {
            Self::Setup(error) => error.render(colour),
            other => render_plain(&other.to_string(), colour),
        }
    }

    /// Whether it is the inventory that is wrong.
    #[must_use]
    pub fn is_of_the_inventory(&self) -> bool {
        matches!(self, Self::Setup(SetupError::Inventory(_)))
    }
}

impl From<InventoryError> for VerifyError {
    fn from(error: InventoryError) -> Self {
        Self::Setup(error.into())
    }
}

/// What every round of one command line has in common.
pub struct Rounds<'a> {
    args: &'a VerifyArgs,
    /// The configuration, flags applied.
    pub config: Config,
    selected: BTreeSet<Check>,
    from: Option<TenantsFrom>,
    traced: Option<Logs>,
}

/// Whether logs are read where a tenant is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logs {
    /// They are.
    Read,
    /// They are left out.
    LeftOut,
}

/// A round with the inventory that it went by.
pub struct Looked {
    /// What was seen, and what it means.
    pub outcome: Outcome,
    /// Who the tenants are.
    pub inventory: Inventory,
    /// The trust anchors that chains were judged by.
    pub roots: Vec<CertificateDer<'static>>,
}

impl<'a> Rounds<'a> {
    /// Reads what stays the same.
    ///
    /// # Errors
    /// [`VerifyError`] where the command line or the configuration is wrong.
    pub fn new(args: &'a VerifyArgs) -> Result<Self, VerifyError> {
        let config = setup::configuration(&args.target, &args.flags()).map_err(SetupError::Config)?;
        let selected = plan::selection(&args.only, &args.skip)?;
        for expected in expected(args) {
            let (option, check) = (expected.option(), expected.check());
            if !selected.contains(&check) {
                return Err(VerifyError::LeftOut { option, check });
            }
        }
        Ok(Self {
            args,
            config,
            selected,
            // A stream is read once, and before anybody waits for a signal.
            from: args.target.tenants_from.clone().map(TenantsFrom::kept).transpose()?,
            traced: None,
        })
    }

    /// The same for one tenant whose every hop is looked at.
    #[must_use]
    pub fn tracing(self, logs: Logs) -> Self {
        Self {
            traced: Some(logs),
            ..self
        }
    }

    /// Looks once at all that was asked for, but for what is carried over. Ends with what is known when `stop` is
    /// pulled.
    ///
    /// # Errors
    /// [`VerifyError`], all of it the user's to mend.
    pub async fn look(&self, carried: Carried, progress: &Progress, mut stop: Stop) -> Result<Looked, VerifyError> {
        let clients = Clients::new(&self.config, plan::USER_AGENT)?;
        let remote = Remote::new(&self.config, self.from.as_ref(), plan::USER_AGENT)?;
        progress.stage("platform", 0);
        let ((platform, listing), tenants) = tokio::select! {
            read = async { tokio::join!(clients.read(self.needs()), Remote::ask(remote.as_ref())) } => read,
            () = stop.wait() => (clients.unread(), None),
        };
        let answers = Answers {
            platform: platform.known(),
            listing: tenants.as_ref(),
        };
        let inventory = setup::prepare(self.args, &self.config, self.from.as_ref(), answers)?;
        self.check_versions(&inventory)?;
        let wake = |tenant: &Tenant| self.wakes(tenant, &inventory);
        let mut platform = platform;
        if let (Asked::Known(platform), Some(image)) = (&mut platform, &self.config.release.image)
            && image.needs_digest()
        {
            let apps = inventory.tenants.iter().map(|tenant| tenant.app.clone());
            let apps = apps.collect::<Vec<_>>();
            tokio::select! {
                () = clients.digests(platform, &apps) => {}
                () = stop.wait() => {}
            }
        }
        let logs = clients.logs().filter(|_| self.traced != Some(Logs::LeftOut));
        let word = Word {
            platform,
            listing,
            logs,
            details: clients.details(),
        };
        let mut plan = plan::plan(&self.config, &inventory, self.selected.clone(), word, &wake)?;
        plan.carried = carried;
        plan.traced = self.traced.is_some();
        let outcome = agent::round(&plan, progress, stop).await?;
        let roots = plan.roots;
        Ok(Looked {
            outcome,
            inventory,
            roots,
        })
    }

    /// What decides the exit code of a round.
    #[must_use]
    pub fn demand(&self, looked: &Looked) -> Demand {
        Demand {
            require: self.args.require.clone(),
            tenants_only: self.args.scope == Scope::Tenant,
            warnings_fail: self.args.fail_on == FailOn::Warn,
            interrupted: looked.outcome.world.interrupted,
            nobody: self.nobody_left(&looked.inventory),
            everyone: self.args.tenants.is_empty() && self.args.label.is_empty() && looked.inventory.complete,
            named: !self.args.tenants.is_empty(),
            incomplete: !looked.inventory.complete && self.args.tenants.is_empty(),
            expected: expected(self.args),
            ..Demand::default()
        }
    }

    /// What a round needs the platform and the DNS provider for: a check that is left out costs nothing.
    fn needs(&self) -> Needs {
        let tenants = self.from.is_none() && self.config.tenants.sources.contains(&Source::Fly);
        let addresses = self.config.edge.addresses.is_empty();
        let beyond_dns = self.selected.iter().any(|check| *check != Check::Dns);
        Needs {
            platform: tenants || addresses || beyond_dns,
            listing: self.selected.contains(&Check::Dns),
        }
    }

    fn wakes(&self, tenant: &Tenant, inventory: &Inventory) -> Waking {
        let named = !self.args.tenants.is_empty() && inventory.tenants.contains(tenant);
        match self.args.wake {
            Wake::Always => Waking::Allowed,
            Wake::Never => Waking::Never,
            Wake::Auto if named => Waking::Allowed,
            Wake::Auto => Waking::Unknowingly,
        }
    }

    /// A version that nobody says where to read would never be found.
    fn check_versions(&self, inventory: &Inventory) -> Result<(), VerifyError> {
        if self.args.expect_version.is_none() {
            return Ok(());
        }
        let lacks = |site: &Site| site.version.is_none();
        if inventory.tenants.is_empty() && lacks(&self.config.site) {
            return Err(VerifyError::NoVersion("a tenant".into()));
        }
        let without = inventory
            .tenants
            .iter()
            .find(|tenant| lacks(&self.config.site_for(tenant)));
        without.map_or(Ok(()), |tenant| {
            Err(VerifyError::NoVersion(format!("tenant {}", tenant.id)))
        })
    }

    /// Why `--label` left nobody, where it did.
    fn nobody_left(&self, inventory: &Inventory) -> Option<String> {
        let labels = self.args.label.iter();
        let labels = labels.map(|label| format!("{}={}", label.0, label.1));
        let labels = labels.collect::<Vec<_>>().join(" and ");
        let left_out = !labels.is_empty() && inventory.tenants.is_empty() && !inventory.known.is_empty();
        left_out.then(|| format!("--label: none of {} tenants has {labels}", inventory.known.len()))
    }
}

fn expected(args: &VerifyArgs) -> Vec<Expected> {
    let image = args.expect_image.as_ref().map(|_| Expected::Image);
    let version = args.expect_version.as_ref().map(|_| Expected::Version);
    image.into_iter().chain(version).collect()
}
