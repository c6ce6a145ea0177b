//! Snapshot: what the APIs said at one moment, and the tenants that follow from it. Read anew for each round.

use std::sync::Arc;

use roundsman_checks::evidence::ApiAnswer;
use roundsman_checks::gather::{ApiSnapshot, Stop};

use super::request::RoundRequest;
use super::run::RunError;
use super::setup::Setup;
use crate::config::Site;
use crate::inventory::{Answers, Inventory, InventoryError, Listing, load, load_awaiting, with_labels, without};

/// Snapshot of what is known before anybody is probed.
pub struct Snapshot {
    /// What platform and DNS provider said.
    pub api: ApiSnapshot,
    /// Who the tenants are.
    pub inventory: Inventory,
}

/// What the APIs said, where nobody can tell who the tenants are.
#[derive(Debug)]
pub struct NoInventory {
    /// What platform and DNS provider said.
    pub api: ApiSnapshot,
    /// Why nobody can.
    pub error: RunError,
}

impl From<Box<NoInventory>> for RunError {
    fn from(nobody: Box<NoInventory>) -> Self {
        nobody.error
    }
}

impl Snapshot {
    /// Reads the APIs and the inventory; what is not answered until `stop` is pulled stays unknown.
    ///
    /// # Errors
    /// [`NoInventory`] where the inventory is wrong, or a tenant is asked for what nobody can read.
    pub async fn read(setup: &Setup, request: &RoundRequest, stop: &mut Stop) -> Result<Self, Box<NoInventory>> {
        setup.clients.begin_round();
        let (mut api, listing) = tokio::select! {
            read = async { tokio::join!(setup.clients.read(request.fetch(setup)), setup.listing()) } => read,
            () = stop.wait() => (setup.clients.unread(), None),
        };
        let inventory = inventory(setup, request, &api, listing.as_ref()).map_err(RunError::from);
        let checked = inventory.and_then(|inventory| {
            check_versions(setup, request, &inventory)?;
            Ok(inventory)
        });
        let inventory = match checked {
            Ok(inventory) => inventory,
            Err(error) => return Err(Box::new(NoInventory { api, error })),
        };
        if let (ApiAnswer::Known(platform), Some(image)) = (&mut api.platform, &setup.config.release.image)
            && image.needs_digest()
        {
            let apps = inventory.tenants.iter().map(|tenant| tenant.app.clone());
            let apps = apps.collect::<Vec<_>>();
            tokio::select! {
                () = setup.clients.digests(Arc::make_mut(platform), &apps) => {}
                () = stop.wait() => {}
            }
        }
        Ok(Self { api, inventory })
    }

    /// The same as it was before, with what changed since at the platform, and the inventory read anew; and whether all is
    /// to be read again for something that does not fit.
    ///
    /// # Errors
    /// [`NoInventory`] as [`Self::read`].
    pub async fn changed(
        setup: &Setup,
        before: ApiSnapshot,
        stop: &mut Stop,
    ) -> Result<(Self, bool), Box<NoInventory>> {
        setup.clients.begin_round();
        let kept = before.clone();
        let ((api, doubtful), listing) = tokio::select! {
            read = async { tokio::join!(setup.clients.changes(before), setup.listing()) } => read,
            () = stop.wait() => ((kept, true), None),
        };
        match inventory(setup, &RoundRequest::default(), &api, listing.as_ref()) {
            Ok(inventory) => Ok((Self { api, inventory }, doubtful)),
            Err(error) => Err(Box::new(NoInventory {
                api,
                error: error.into(),
            })),
        }
    }

    /// What the APIs said before, with the inventory read anew. Only where no API says who the tenants are.
    ///
    /// # Errors
    /// [`NoInventory`] as [`Self::read`].
    pub async fn listed(setup: &Setup, before: ApiSnapshot, stop: &mut Stop) -> Result<Self, Box<NoInventory>> {
        let listing = tokio::select! {
            listing = setup.listing() => listing,
            () = stop.wait() => None,
        };
        match inventory(setup, &RoundRequest::default(), &before, listing.as_ref()) {
            Ok(inventory) => Ok(Self { api: before, inventory }),
            Err(error) => Err(Box::new(NoInventory {
                api: before,
                error: error.into(),
            })),
        }
    }
}

/// The tenants that are asked for: named, and with the labels asked for.
fn inventory(
    setup: &Setup,
    request: &RoundRequest,
    api: &ApiSnapshot,
    listing: Option<&Listing>,
) -> Result<Inventory, InventoryError> {
    let answers = Answers {
        platform: api.platform.known().map(|platform| &**platform),
        listing,
    };
    let load = if request.awaits { load_awaiting } else { load };
    let mut inventory = load(&setup.config, setup.tenants_from.as_ref(), &request.names, answers)?;
    // What nobody names yet has no labels; it was asked for all the same.
    let (unlisted, listed) = inventory
        .tenants
        .into_iter()
        .partition::<Vec<_>, _>(|tenant| tenant.unlisted);
    inventory.tenants = without(with_labels(listed, &request.labels), &request.exclude);
    if let Some(only) = &request.only {
        inventory.tenants.retain(|tenant| only.contains(tenant.id.as_str()));
    }
    inventory.tenants.extend(unlisted);
    Ok(inventory)
}

/// A version that nobody says where to read would never be found.
fn check_versions(setup: &Setup, request: &RoundRequest, inventory: &Inventory) -> Result<(), RunError> {
    if !request.expects_version {
        return Ok(());
    }
    let lacks = |site: &Site| site.version.is_none();
    if inventory.tenants.is_empty() && lacks(&setup.config.site) {
        return Err(RunError::NoVersion("a tenant".into()));
    }
    let mut tenants = inventory.tenants.iter();
    let without = tenants.find(|tenant| lacks(&setup.config.site_for(tenant)));
    without.map_or(Ok(()), |tenant| {
        Err(RunError::NoVersion(format!("tenant {}", tenant.id)))
    })
}
