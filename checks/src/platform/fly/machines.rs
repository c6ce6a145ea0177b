//! Machines of an organization from the Machines API: states, images, services, the regions that did not answer.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::node::is_short;
use crate::evidence::{App, Fault, Machine, Platform, Reason};
use crate::platform::bulk::{Bulk, weight};
use crate::platform::http::{Answer, Api, Path};
use crate::platform::paging::{More, Trail};

/// Machines with their configuration, a thousand on a page.
const WHOLE: [(&str, &str); 2] = [("summary", "false"), ("limit", "1000")];
const PAGE: usize = 1000;
/// Most pages that are read.
const MOST_PAGES: usize = 1000;
/// What one page may take when it is read, in bytes: a thousand machines need a hundredth of it.
const MOST_OF_A_PAGE: usize = 64 * 1024 * 1024;
/// Most machines of one app that are taken.
const MOST_OF_AN_APP: usize = 10_000;
/// The key of a machine's metadata that says `off` where nothing is to be changed at it.
const MARK: &str = "roundsman";
/// Most regions that are told to be silent.
const MOST_REGIONS: usize = 1000;

/// The organization that a token belongs to.
///
/// # Errors
/// The fault of the call, or that the token belongs to several.
pub(super) async fn organization(bulk: Bulk<'_>) -> Result<String, Fault> {
    #[derive(Deserialize)]
    struct Tokens {
        #[serde(default)]
        tokens: Vec<Token>,
    }
    #[derive(Deserialize)]
    struct Token {
        org_slug: Option<String>,
    }
    let path = Path::of(&["v1", "tokens", "current"]);
    let answer = bulk.ask("current-token", &path, None).await?;
    let tokens = answer.made(|answer| answer.read::<Tokens>()).await?.tokens;
    let slugs = tokens.into_iter().filter_map(|token| token.org_slug);
    let mut slugs = slugs.collect::<BTreeSet<_>>();
    match (slugs.pop_first(), slugs.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(Fault::new(
            Reason::PlatformMalformed,
            "the token does not name one organization: set `[fly] organization`",
        )),
    }
}

/// Machines of an organization, as the Machines API lists them.
#[derive(Default)]
pub(super) struct Machines {
    pub by_app: BTreeMap<String, Vec<Machine>>,
    /// Why the machines of an app are not all there.
    pub faults: BTreeMap<String, Fault>,
    pub silent_regions: BTreeSet<String>,
    pub missing: Option<Fault>,
}

/// Lists all machines; with `since` those that changed after it, the ones that are gone too. What is not answered is told
/// in it.
pub(super) async fn list(bulk: Bulk<'_>, organization: &str, since: Option<Timestamp>) -> Machines {
    let mut machines = Machines::default();
    machines.missing = pages(bulk, organization, since, &mut machines).await.err();
    machines
}

async fn pages(
    bulk: Bulk<'_>,
    organization: &str,
    since: Option<Timestamp>,
    machines: &mut Machines,
) -> Result<(), Fault> {
    let since = since.map(|since| since.to_string());
    let changed = since
        .as_deref()
        .map(|since| [("updated_after", since), ("include_deleted", "true")]);
    let mut trail = Trail::new("machines", MOST_PAGES);
    let mut cursor = None::<String>;
    loop {
        let after = cursor.as_deref().map(|cursor| ("cursor", cursor));
        let path = Path {
            segments: &["v1", "orgs", organization, "machines"],
            query: &WHOLE
                .into_iter()
                .chain(changed.into_iter().flatten())
                .chain(after)
                .collect::<Vec<_>>(),
        };
        let answer = bulk.ask("org-machines", &path, None).await?;
        let page = answer.made(|answer| Ok(ReadPage::of(answer.read()?))).await?;
        machines.silent_regions.extend(page.silent_regions);
        bulk.allowance.keep(page.machines.len(), PAGE, page.weight)?;
        for (app, machine) in page.machines {
            machines.add(app, machine);
        }
        machines.faults.extend(page.faults);
        page.fault.map_or(Ok(()), Err)?;
        cursor = trail.next(&More {
            promised: Some(page.next.is_some()),
            cursor: page.next,
        })?;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// A page of machines, read.
#[derive(Default)]
struct ReadPage {
    machines: Vec<(String, Machine)>,
    /// Those of an app that can't be read.
    faults: BTreeMap<String, Fault>,
    /// Why some can't be read of which the app is not told either.
    fault: Option<Fault>,
    silent_regions: Vec<String>,
    next: Option<String>,
    weight: usize,
}

impl ReadPage {
    fn of(page: Page<'_>) -> Self {
        let next = page.next_cursor.filter(|cursor| !cursor.is_empty());
        let mut read = Self {
            silent_regions: page.error_regions.unwrap_or_default(),
            next: next.map(Cow::into_owned),
            ..Self::default()
        };
        read.silent_regions.truncate(MOST_REGIONS);
        let malformed = |what: String| Fault::new(Reason::PlatformMalformed, what);
        for node in page.machines {
            let app = serde_json::from_str::<AppName>(node.get()).ok();
            let Some(AppName { app_name: app }) = app.filter(|app| is_short(&app.app_name)) else {
                read.fault = Some(malformed("the platform lists a machine without its app".into()));
                break;
            };
            match serde_json::from_str::<MachineNode>(node.get()).map(Machine::from) {
                Ok(machine) if is_short(&machine.id) => {
                    read.weight += weight(&machine) + size_of::<String>() + app.len();
                    read.machines.push((app, machine));
                }
                unread => {
                    let why = unread.map_or_else(|error| error.to_string(), |_| "its id is too long".to_owned());
                    let fault = malformed(format!("a machine of {app}: {why}"));
                    read.weight += 2 * app.len() + fault.detail.len() + size_of::<Fault>();
                    read.faults.insert(app, fault);
                }
            }
            if read.weight > MOST_OF_A_PAGE {
                read.fault = Some(malformed("a page of machines holds more than any needs".into()));
                break;
            }
        }
        read
    }
}

impl Machines {
    fn add(&mut self, app: String, machine: Machine) {
        match self.by_app.get_mut(&app) {
            Some(machines) if machines.len() >= MOST_OF_AN_APP => {
                let detail = format!("more than {MOST_OF_AN_APP} machines of {app}");
                self.faults.insert(app, Fault::new(Reason::PlatformMalformed, detail));
            }
            Some(machines) => machines.push(machine),
            // Most apps have one, and a vector begins with room for four.
            None => drop(self.by_app.insert(app, Vec::from([machine]))),
        }
    }

    /// A machine whose app was not named in a list of apps that should have all, and that app.
    pub(super) fn unlisted<'m>(&'m self, platform: &Platform) -> Option<(&'m str, &'m str)> {
        if platform.apps_missing.is_some() {
            return None;
        }
        let unlisted = self
            .by_app
            .iter()
            .filter(|(name, _)| !platform.apps.contains_key(*name));
        let mut standing = unlisted.filter_map(|(name, machines)| {
            let stands = machines.iter().find(|machine| !machine.is_gone())?;
            Some((name.as_str(), stands.id.as_str()))
        });
        standing.next()
    }

    /// Adds the machines to the apps that another API named in the same round, and tells what one of them leaves out.
    pub(super) fn merge_into(mut self, platform: &mut Platform) {
        let partial = |what: String| Some(Fault::new(Reason::PlatformPartial, what));
        if let Some((app, machine)) = self.unlisted(platform) {
            let told = format!("the list of apps leaves out {app}, whose machine {machine} is listed");
            platform.apps_missing = partial(told);
        }
        for app in platform.apps.values_mut() {
            let listed = self.by_app.remove(&app.name).unwrap_or_default();
            let ids = listed.iter().map(|machine| machine.id.as_str()).collect::<HashSet<_>>();
            // Where the list is known to be short, its gaps contradict nothing.
            let answered = |region: &String| self.missing.is_none() && !self.silent_regions.contains(region);
            let is_left_out = |machine: &&Machine| {
                !machine.is_gone() && answered(&machine.region) && !ids.contains(machine.id.as_str())
            };
            let left_out = app.machines.iter().find(is_left_out);
            let left_out =
                left_out.and_then(|machine| partial(format!("the list of machines leaves out {}", machine.id)));
            let fault = self.faults.get(&app.name).cloned();
            app.machines_missing = app.machines_missing.take().or(fault).or(left_out);
            drop(ids);
            add(app, listed);
        }
        platform.silent_regions = self.silent_regions;
        platform.machines_missing = self.missing;
    }
}

/// Adds machines, each id once; the other API alone knows how each last ended.
fn add(app: &mut App, listed: Vec<Machine>) {
    let known = app.machines.iter().enumerate();
    let mut places = known
        .map(|(at, machine)| (machine.id.clone(), at))
        .collect::<HashMap<_, _>>();
    for told in listed {
        match places.get(&told.id).and_then(|at| app.machines.get_mut(*at)) {
            Some(known) => {
                *known = Machine {
                    last_exit: known.last_exit.take(),
                    ..told
                }
            }
            None => {
                places.insert(told.id.clone(), app.machines.len());
                app.machines.push(told);
            }
        }
    }
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    machines: Vec<&'a RawValue>,
    error_regions: Option<Vec<String>>,
    #[serde(borrow)]
    next_cursor: Option<Cow<'a, str>>,
}

/// What only the detail of an app's machines tells: its health checks, the digests of its images, its hosts.
///
/// # Errors
/// The fault of the call.
pub(super) async fn details(api: &Api, app: &str) -> Result<Vec<Machine>, Fault> {
    let path = Path {
        segments: &["v1", "apps", app, "machines"],
        query: &WHOLE,
    };
    let answer = api.ask("app-machines", &path, None).await?;
    let read = |node: &&RawValue| serde_json::from_str::<MachineNode>(node.get()).ok();
    let machines = move |answer: &Answer| {
        let nodes = answer.read::<Vec<&RawValue>>()?;
        let nodes = nodes.iter().filter_map(read).map(Machine::from);
        Ok(nodes.take(MOST_OF_AN_APP).collect())
    };
    answer.made(machines).await
}

/// All machines of one app, each of them read; what is missing of them is a fault.
///
/// # Errors
/// The fault of the call, or that the list is not whole.
pub(super) async fn of_app(bulk: Bulk<'_>, app: &str) -> Result<Vec<Machine>, Fault> {
    let path = Path {
        segments: &["v1", "apps", app, "machines"],
        query: &WHOLE,
    };
    let answer = bulk.ask("app-machines", &path, None).await?;
    let unread = |what: String| Fault::new(Reason::PlatformMalformed, format!("the machines of an app: {what}"));
    let machines = move |answer: &Answer| {
        let nodes = answer.read::<Vec<&RawValue>>()?;
        if nodes.len() >= PAGE {
            return Err(Fault::new(
                Reason::PlatformPartial,
                "there may be more machines than a page has",
            ));
        }
        let read = nodes.iter().map(|node| serde_json::from_str::<MachineNode>(node.get()));
        let read = read.map(|node| node.map(Machine::from).map_err(|error| unread(error.to_string())));
        let read = read.collect::<Result<Vec<_>, _>>()?;
        match read.iter().all(|machine| is_short(&machine.id)) {
            true => Ok(read),
            false => Err(unread("an id is too long".into())),
        }
    };
    answer.made(machines).await
}

/// One app by both APIs, as a reading in bulk has it.
///
/// # Errors
/// What one of them leaves out, or says otherwise than the other: such a word is none.
pub(super) fn joined(mut app: App, listed: Vec<Machine>) -> Result<App, Fault> {
    let missing = [&app.certificates_missing, &app.addresses_missing, &app.machines_missing];
    if let Some(fault) = missing.into_iter().flatten().next() {
        return Err(fault.clone());
    }
    let standing = |machines: &[Machine]| {
        let standing = machines.iter().filter(|machine| !machine.is_gone());
        let states = standing.map(|machine| (machine.id.clone(), machine.state.clone()));
        states.collect::<HashMap<_, _>>()
    };
    // One of them may be behind by a moment: then how a machine is and how it ended do not belong together.
    if standing(&app.machines) != standing(&listed) {
        let detail = format!("the APIs differ about the machines of {}", app.name);
        return Err(Fault::new(Reason::PlatformPartial, detail));
    }
    add(&mut app, listed);
    Ok(app)
}

/// Whether the metadata of a machine says that nothing is to be changed at it.
pub(super) fn is_hands_off(metadata: Option<&BTreeMap<String, String>>) -> bool {
    let mark = metadata.and_then(|metadata| metadata.get(MARK));
    mark.is_some_and(|mark| mark.trim().eq_ignore_ascii_case("off"))
}

#[derive(Deserialize)]
struct AppName {
    app_name: String,
}

#[derive(Deserialize)]
struct MachineNode {
    id: String,
    state: Option<String>,
    region: Option<String>,
    updated_at: Option<String>,
    host_status: Option<String>,
    image_ref: Option<ImageRef>,
    checks: Option<Vec<Check>>,
    config: Option<Config>,
}

#[derive(Deserialize)]
struct ImageRef {
    digest: Option<String>,
}

#[derive(Deserialize)]
struct Check {
    status: Option<String>,
}

#[derive(Default, Deserialize)]
struct Config {
    image: Option<String>,
    services: Option<Vec<Service>>,
    schedule: Option<String>,
    standbys: Option<Vec<IgnoredAny>>,
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Service {
    autostart: Option<bool>,
    ports: Option<Vec<Port>>,
}

#[derive(Deserialize)]
struct Port {
    port: Option<u16>,
}

impl From<MachineNode> for Machine {
    /// What a field that is left out means is the vendor's default: the proxy starts a machine that has a service, and
    /// sends no request to one that has none.
    fn from(node: MachineNode) -> Self {
        let config = node.config;
        let services = config
            .as_ref()
            .map(|config| config.services.as_deref().unwrap_or_default());
        let stands_by = config.as_ref().is_some_and(|config| {
            let standby = config.standbys.as_ref().is_some_and(|others| !others.is_empty());
            standby || config.schedule.as_ref().is_some_and(|schedule| !schedule.is_empty())
        });
        let autostart = |services: &[Service]| services.iter().any(|service| service.autostart.unwrap_or(true));
        let ports = |services: &[Service]| {
            let ports = services.iter().flat_map(|service| service.ports.iter().flatten());
            ports.filter_map(|port| port.port).collect()
        };
        let checks = node.checks.filter(|checks| !checks.is_empty());
        let hands_off = is_hands_off(config.as_ref().and_then(|config| config.metadata.as_ref()));
        Self {
            hands_off,
            id: node.id,
            state: node.state.unwrap_or_default().into(),
            region: node.region.unwrap_or_default(),
            digest: node.image_ref.and_then(|image| image.digest),
            autostart: services.map(autostart),
            ports: services.map(ports),
            serves: services.map(|services| !services.is_empty() && !stands_by),
            host_down: node.host_status.is_some_and(|status| status == "unreachable"),
            last_exit: None,
            healthy: checks.map(|checks| checks.iter().all(|check| check.status.as_deref() == Some("passing"))),
            updated_at: node.updated_at.and_then(|at| at.parse().ok()),
            image: config.as_ref().and_then(|config| config.image.clone()),
            group: config.and_then(|config| config.metadata?.remove("fly_process_group")),
        }
    }
}
