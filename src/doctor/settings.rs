//! The configuration, the tenants that it names, and the trust anchors.

use roundsman_checks::chain::TrustStore;
use roundsman_checks::evidence::Fault;

use super::{Checkup, some, within};
use crate::agent::{self, RootsError, USER_AGENT, roots};
use crate::config::{Config, Source};
use crate::inventory::{Answers, Inventory, InventoryError, Listing, Remote, RemoteError, TenantsFrom, load};
use crate::text::counted;

/// What is looked at here besides the configuration itself.
pub(super) const NAMES: &[&str] = &["tenants"];

/// What was seen.
pub(super) struct Settings {
    pub checks: Vec<Checkup>,
    pub trust_store: Checkup,
    /// The anchors themselves, where they can be had.
    pub anchors: Option<TrustStore>,
    /// How many tenants there are, where that is known.
    pub tenants: Option<usize>,
}

/// Looks at what can be read without asking anybody.
pub(super) fn look(config: &Config, from: Option<&TenantsFrom>) -> Settings {
    let (trust_store, anchors) = trust_store(Some(config));
    let offline = load(config, from, &[], Answers::default());
    let known = offline.as_ref().ok().filter(|inventory| inventory.complete);
    Settings {
        tenants: known.map(|inventory| inventory.tenants.len()),
        checks: vec![configuration(config), tenants(config, offline)],
        trust_store,
        anchors,
    }
}

impl Settings {
    /// Takes in what was answered about tenants: by their endpoint, and by the platform with the number of apps that begin
    /// with the prefix.
    pub(super) fn learn(&mut self, listed: Option<Checkup>, by_platform: Option<(Checkup, usize)>) {
        if self.tenants.is_none()
            && let Some((checkup, tenants)) = by_platform
        {
            self.tenants = Some(tenants);
            self.replace(checkup);
        }
        if let Some(checkup) = listed {
            self.replace(checkup);
        }
    }

    fn replace(&mut self, new: Checkup) {
        let old = self.checks.iter_mut().find(|old| old.name == new.name && !old.refused);
        if let Some(old) = old {
            *old = new;
        }
    }
}

fn configuration(config: &Config) -> Checkup {
    let from = match &config.path {
        Some(path) => path.display().to_string(),
        None => "no file, the options alone".to_owned(),
    };
    if let Err(error) = agent::headers(&config.site) {
        return Checkup::refuse("configuration", &format!("{from}: {error}"));
    }
    if let Err(error) = config.check_files() {
        return Checkup::refuse("configuration", &format!("{from}: {}", error.brief()));
    }
    let without = match (config.cloud(), &config.cloudflare) {
        (None, _) => ", without a platform",
        (Some(_), None) => ", without the zone's listing",
        (Some(_), Some(_)) => "",
    };
    Checkup::ok(
        "configuration",
        format!("{from}: valid, domain {}{without}", config.domain),
    )
}

fn tenants(config: &Config, loaded: Result<Inventory, InventoryError>) -> Checkup {
    match loaded {
        Err(error) => Checkup::refuse("tenants", &error.brief()),
        Ok(inventory) if !inventory.complete => Checkup::skip("tenants", "not asked: their source did not answer"),
        Ok(inventory) if config.tenants.sources.is_empty() && inventory.tenants.is_empty() => {
            Checkup::warn("tenants", "none is configured")
                .act("name them on the command line, or set `list` or `file` of [tenants]")
        }
        Ok(inventory) => tenants_of(&inventory),
    }
}

fn tenants_of(inventory: &Inventory) -> Checkup {
    let said = format!(
        "{} from {}",
        counted(inventory.tenants.len(), "tenant"),
        inventory.origin
    );
    match (inventory.faults.as_slice(), inventory.tenants.is_empty()) {
        ([], false) => Checkup::ok("tenants", said),
        ([], true) => {
            Checkup::warn("tenants", said).act("name a tenant there: a round over nobody is inconclusive (exit 3)")
        }
        (faults, _) => Checkup::warn(
            "tenants",
            format!("{said}; {}", some(faults.iter().map(|fault| &fault.detail))),
        )
        .act("correct what the source says of them"),
    }
}

/// The tenants that an endpoint lists, where one does.
pub(super) async fn listed(config: &Config, from: Option<&TenantsFrom>) -> Option<Checkup> {
    let remote = match Remote::new(config, from, USER_AGENT) {
        Ok(remote) => remote?,
        Err(error) => return Some(unusable(&error)),
    };
    let asked = within(async {
        match Remote::ask(Some(&remote)).await {
            Some(Listing {
                complete: false,
                faults,
                ..
            }) if !faults.is_empty() => Err(first(faults)),
            listing => Ok(listing),
        }
    });
    let listing = match asked.await {
        Ok(listing) => listing,
        Err(fault) => {
            let fix = "ask `url` of [tenants] with curl, and fix what it answers";
            return Some(Checkup::fail("tenants", fault.detail).act(fix));
        }
    };
    let answers = Answers {
        platform: None,
        listing: listing.as_ref(),
    };
    match load(config, from, &[], answers) {
        Err(error) => Some(Checkup::refuse("tenants", &error.render(false))),
        // Where the platform says who should exist, that is what counts.
        Ok(inventory) if config.tenants.sources.first() == Some(&Source::Fly) && !inventory.complete => None,
        Ok(inventory) => Some(tenants_of(&inventory)),
    }
}

fn unusable(error: &RemoteError) -> Checkup {
    Checkup::refuse("tenants", error)
}

fn first(faults: Vec<Fault>) -> Fault {
    let unknown = || {
        Fault::new(
            roundsman_checks::evidence::Reason::PlatformPartial,
            "the list is not complete",
        )
    };
    faults.into_iter().next().unwrap_or_else(unknown)
}

/// The trust anchors: the system's, Mozilla's, and those of the configuration.
pub(super) fn trust_store(config: Option<&Config>) -> (Checkup, Option<TrustStore>) {
    let name = "trust-store";
    let file = config.and_then(|config| config.edge.ca_file.as_deref());
    let roots = match roots(file) {
        Ok(roots) => roots,
        Err(error) => return (Checkup::refuse(name, &error), None),
    };
    let said = match file {
        Some(path) => format!(
            "{}, those of {} among them",
            counted(roots.len(), "root"),
            path.display()
        ),
        None => counted(roots.len(), "root"),
    };
    match TrustStore::new(roots).map_err(RootsError::from) {
        Ok(anchors) => (Checkup::ok(name, said), Some(anchors)),
        Err(error) => (Checkup::refuse(name, &error), None),
    }
}
