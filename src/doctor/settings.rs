//! The configuration, the tenants that it names, and the trust anchors.

use std::path::Path;
use std::sync::Arc;

use roundsman_checks::chain::TrustStore;
use roundsman_checks::evidence::Fault;

use super::{Checkup, Status, aside, some, within};
use crate::agent::{self, RootsError, USER_AGENT, roots};
use crate::config::{Config, Source};
use crate::inventory::{Answers, Inventory, Listing, Remote, TenantsFrom, load};
use crate::text::counted;

/// What is looked at here besides the configuration itself.
pub(super) const NAMES: &[&str] = &["tenants"];

/// What is said of the tenants, with their number.
pub(super) type Counted = (Checkup, Option<usize>);

/// What was seen.
pub(super) struct Settings {
    pub configuration: Checkup,
    pub tenants: Checkup,
    pub trust_store: Checkup,
    /// The anchors themselves, where they can be had.
    pub anchors: Option<TrustStore>,
    /// How many tenants there are, where that is known.
    pub number: Option<usize>,
}

/// Looks at what can be read without asking anybody.
pub(super) fn look(config: &Config, from: Option<&TenantsFrom>) -> Settings {
    let (trust_store, anchors) = trust_store(Some(config));
    let (tenants, number) = tenants(config, from);
    Settings {
        configuration: configuration(config),
        tenants,
        trust_store,
        anchors,
        number,
    }
}

/// As [`look`], each with a thread and a limit of its own.
pub(super) async fn read(config: &Arc<Config>, from: Option<&TenantsFrom>) -> Settings {
    let (first, second, third) = (Arc::clone(config), Arc::clone(config), Arc::clone(config));
    let from = from.cloned();
    let (configuration, tenants, roots) = tokio::join!(
        aside(move || configuration(&first)),
        aside(move || tenants(&second, from.as_ref())),
        aside(move || trust_store(Some(&third)))
    );
    let (tenants, number) = tenants.unwrap_or_else(|| (Checkup::late("tenants"), None));
    let (trust_store, anchors) = roots.unwrap_or_else(|| (Checkup::late("trust-store"), None));
    Settings {
        configuration: configuration.unwrap_or_else(|| Checkup::late("configuration")),
        tenants,
        trust_store,
        anchors,
        number,
    }
}

impl Settings {
    /// Takes in what was answered about tenants: by their endpoint, and by the platform with the number of apps that begin
    /// with the prefix, or why it says nothing of them.
    pub(super) fn learn(&mut self, listed: Option<Counted>, by_platform: Result<Counted, String>) {
        match (listed, by_platform) {
            (Some((checkup, number)), by_platform) if !self.tenants.refused => {
                let others = by_platform.ok().and_then(|(_, number)| number);
                self.tenants = checkup;
                self.number = number.or(self.number).or(others);
            }
            (None, Ok((checkup, number))) if self.tenants.status == Status::Skip => {
                self.tenants = checkup;
                self.number = number;
            }
            (None, Err(why)) => self.unasked(&why),
            _ => {}
        }
    }

    /// Says why the source of the tenants was not asked, where they are not known without it.
    pub(super) fn unasked(&mut self, why: &str) {
        if self.tenants.status == Status::Skip {
            self.tenants = Checkup::skip("tenants", format!("not asked: {why}"));
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

fn tenants(config: &Config, from: Option<&TenantsFrom>) -> Counted {
    match gather(config, from, None) {
        Err(checkup) => (checkup, None),
        Ok(inventory) if !inventory.complete => (Checkup::skip("tenants", "not asked"), None),
        Ok(inventory) if config.tenants.sources.is_empty() && inventory.tenants.is_empty() => {
            let checkup = Checkup::warn("tenants", "none is configured")
                .act("name them on the command line, or set `list` or `file` of [tenants]");
            (checkup, Some(0))
        }
        Ok(inventory) => (tenants_of(&inventory), Some(inventory.tenants.len())),
    }
}

/// The tenants, as far as they can be read.
fn gather(config: &Config, from: Option<&TenantsFrom>, listing: Option<&Listing>) -> Result<Inventory, Checkup> {
    let file = config.tenants.file.as_deref().filter(|_| from.is_none());
    let file = file.filter(|_| config.tenants.sources.contains(&Source::File));
    // A pipe waits for who writes into it, and `watch` reads again and again.
    if let Some(path) = file.filter(|path| is_strange(path)) {
        let seen = format!("{} is no regular file, and was not read", path.display());
        return Err(Checkup::fail("tenants", seen).act("set `file` of [tenants] to a regular file"));
    }
    let answers = Answers {
        platform: None,
        listing,
    };
    load(config, from, &[], answers).map_err(|error| Checkup::refuse("tenants", &error.brief()))
}

/// Whether something is there that is neither a file nor a folder, about which the reader has words of its own.
fn is_strange(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
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

/// The endpoint that lists tenants, where one does.
pub(super) async fn remote(config: &Arc<Config>, from: Option<&TenantsFrom>) -> Result<Option<Remote>, Checkup> {
    let (config, from) = (Arc::clone(config), from.cloned());
    let read = aside(move || Remote::new(&config, from.as_ref(), USER_AGENT));
    match read.await {
        Some(remote) => remote.map_err(|error| Checkup::refuse("tenants", &error)),
        None => Err(Checkup::late("tenants")),
    }
}

/// What names tenants besides the configuration.
pub(super) struct Named {
    pub remote: Result<Option<Remote>, Checkup>,
    pub from: Option<TenantsFrom>,
}

impl Named {
    /// The tenants that the endpoint lists, where there is one.
    pub(super) async fn listed(&self, config: &Arc<Config>) -> Option<Counted> {
        let remote = match &self.remote {
            Ok(remote) => remote.as_ref()?,
            Err(checkup) => return Some((checkup.clone(), None)),
        };
        let asked = within("`url` of [tenants]", async {
            match Remote::ask(Some(remote)).await {
                Some(Listing {
                    complete: false,
                    faults,
                    ..
                }) => Err(first(faults)),
                listing => Ok(listing),
            }
        });
        let listing = match asked.await {
            Ok(listing) => listing,
            Err(fault) => {
                let fix = "ask `url` of [tenants] with curl, and fix what it answers";
                return Some((Checkup::fail("tenants", fault.detail).act(fix), None));
            }
        };
        let (read, from) = (Arc::clone(config), self.from.clone());
        match aside(move || gather(&read, from.as_ref(), listing.as_ref())).await {
            None => Some((Checkup::late("tenants"), None)),
            Some(Err(checkup)) => Some((checkup, None)),
            // Where the platform says who should exist, that is what counts.
            Some(Ok(inventory)) if !inventory.complete => None,
            Some(Ok(inventory)) => Some((tenants_of(&inventory), Some(inventory.tenants.len()))),
        }
    }
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
