//! Apps with their certificates, addresses and last exits, from GraphQL. Relay paging; a page that is refused is asked
//! again at half its size; inner lists that don't fit on their page are read on, an app at a time.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::lists::{Entries, Inner, InnerList};
use super::node::{self, Address, AppNode, Connection, Name};
use super::query::{Refused, query};
use crate::evidence::{App, AppCertificate, Fault, Machine, Platform, Reason};
use crate::platform::bulk::{Bulk, weight};
use crate::platform::paging::{More, Trail};

/// Apps on the first page.
const PAGE: usize = 100;
/// The smallest page that is tried.
const SMALLEST_PAGE: usize = 6;
/// Most pages of one list.
const MOST_PAGES: usize = 5000;

/// Fields of a certificate, an address and a machine.
macro_rules! fields {
    (certificate) => {
        "hostname clientStatus source createdAt rateLimitedUntil isWildcard dnsValidationHostname dnsValidationTarget
        issued(first: 4) { nodes { expiresAt } } validationErrors { message remediation }"
    };
    (address) => {
        "address type"
    };
    (machine) => {
        "id state region
        events(last: 5, kind: \"exit\") { nodes { timestamp ... on MachineEventExit { exitCode oomKilled requestedStop } } }"
    };
    (page) => {
        "totalCount pageInfo { hasNextPage endCursor }"
    };
}

const SWEEP: &str = concat!(
    "query Sweep($org: String!, $after: String, $first: Int!) {
  organization(slug: $org) { slug allowAllCrossNetworkReplays
    apps(first: $first, after: $after) { ",
    fields!(page),
    " nodes { name network sharedIpAddress
      certificates(first: 10) { ",
    fields!(page),
    " nodes { ",
    fields!(certificate),
    " } }
      ipAddresses(first: 20) { ",
    fields!(page),
    " nodes { ",
    fields!(address),
    " } }
      machines(first: 20) { ",
    fields!(page),
    " nodes { ",
    fields!(machine),
    " } } } } } }"
);

const APP: &str = concat!(
    "query App($app: String!, $first: Int!) {
  app(name: $app) { organization { slug } name network sharedIpAddress
    certificates(first: $first) { ",
    fields!(page),
    " nodes { ",
    fields!(certificate),
    " } }
    ipAddresses(first: $first) { ",
    fields!(page),
    " nodes { ",
    fields!(address),
    " } }
    machines(first: $first) { ",
    fields!(page),
    " nodes { ",
    fields!(machine),
    " } } } }"
);

const CERTIFICATES: &str = concat!(
    "query Certificates($app: String!, $after: String, $first: Int!) {
  app(name: $app) { list: certificates(first: $first, after: $after) { ",
    fields!(page),
    " nodes { ",
    fields!(certificate),
    " } } } }"
);

const ADDRESSES: &str = concat!(
    "query Addresses($app: String!, $after: String, $first: Int!) {
  app(name: $app) { list: ipAddresses(first: $first, after: $after) { ",
    fields!(page),
    " nodes { ",
    fields!(address),
    " } } } }"
);

const MACHINES: &str = concat!(
    "query Machines($app: String!, $after: String, $first: Int!) {
  app(name: $app) { list: machines(first: $first, after: $after) { ",
    fields!(page),
    " nodes { ",
    fields!(machine),
    " } } } }"
);

/// Every document that is sent, by name.
pub const DOCUMENTS: &[(&str, &str)] = &[
    ("Sweep", SWEEP),
    ("App", APP),
    ("Certificates", CERTIFICATES),
    ("Addresses", ADDRESSES),
    ("Machines", MACHINES),
    super::standing::RELEASE_DOCUMENT,
];

/// Apps of an organization.
pub(super) struct Swept {
    pub platform: Platform,
    /// Whether apps moved from page to page while they were read: another reading may have all of them.
    pub shifted: bool,
}

impl From<Platform> for Swept {
    fn from(platform: Platform) -> Self {
        Self {
            platform,
            shifted: false,
        }
    }
}

/// Reads all apps of an organization.
///
/// # Errors
/// The fault of the first page; a later one leaves `apps_missing`.
pub(super) async fn sweep(bulk: Bulk<'_>, organization: &str, edge_app: &str) -> Result<Swept, Fault> {
    let mut platform = Platform {
        organization: organization.to_owned(),
        edge_app: edge_app.to_owned(),
        ..Platform::default()
    };
    let mut trail = Trail::new("apps", MOST_PAGES);
    let (mut after, mut size, mut total) = (None::<String>, PAGE, None);
    loop {
        let variables = json!({ "org": organization, "after": after, "first": size });
        let read = move |data: &str| AppsPage::read(data, size);
        let page = match query(bulk, ("Sweep", SWEEP), &variables, read).await {
            Ok(reply) => reply.data.map(|data| (data, reply.partial)),
            Err(Refused::Page(_)) if size > SMALLEST_PAGE => {
                size /= 2;
                continue;
            }
            Err(refused) => Err(named(refused.into_fault(), organization)),
        };
        let page = page.and_then(|(page, partial)| Ok((found(page, organization)?, partial)));
        let (page, partial) = match page {
            Ok(page) => page,
            Err(fault) if after.is_none() => return Err(fault),
            Err(fault) => {
                platform.apps_missing = Some(fault);
                return Ok(platform.into());
            }
        };
        platform.cross_network_replays = page.cross_network_replays;
        platform.apps_missing = platform.apps_missing.or(partial).or(page.fault);
        total = page.total.or(total);
        bulk.allowance.know(platform.apps.len() + page.apps.len());
        let room = bulk.allowance.keep(0, size, page.weight);
        if room.is_ok() {
            for app in page.apps {
                let app = app.filled(bulk).await;
                platform.apps.insert(app.name.clone(), app);
            }
        }
        match room.and_then(|()| trail.next(&page.more)) {
            Ok(Some(cursor)) => after = Some(cursor),
            Ok(None) => break,
            Err(fault) => {
                platform.apps_missing = Some(fault);
                return Ok(platform.into());
            }
        }
    }
    let told = trail.ends(platform.apps.len(), total).err();
    Ok(Swept {
        shifted: told.is_some(),
        platform: Platform {
            apps_missing: platform.apps_missing.or(told),
            ..platform
        },
    })
}

/// How many apps an organization has, by the same question as [`sweep`], for one of them.
///
/// # Errors
/// The fault of the call: `platform/not-found` where the token does not see the organization.
pub(super) async fn total(bulk: Bulk<'_>, organization: &str) -> Result<Option<u64>, Fault> {
    let variables = json!({ "org": organization, "after": null, "first": 1 });
    let read = |data: &str| AppsPage::read(data, 1);
    let reply = query(bulk, ("Sweep", SWEEP), &variables, read).await;
    let reply = reply.map_err(|refused| named(refused.into_fault(), organization))?;
    Ok(found(reply.data?, organization)?.total)
}

/// Reads one app of an organization, as [`sweep`] reads all.
///
/// # Errors
/// The fault of the call: `platform/not-found` where there is no such app. What is left out of it stands in the app.
pub(super) async fn app(bulk: Bulk<'_>, organization: &str, app: &str) -> Result<App, Fault> {
    #[derive(Deserialize)]
    struct One<'a> {
        #[serde(borrow)]
        app: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Owned {
        organization: Slug,
    }
    #[derive(Deserialize)]
    struct Slug {
        slug: String,
    }
    let variables = json!({ "app": app, "first": PAGE });
    let read = |data: &str| {
        let Some(node) = serde_json::from_str::<One<'_>>(data)?.app else {
            return Ok(None);
        };
        let owner = serde_json::from_str::<Owned>(node.get())?.organization.slug;
        Ok(Some((owner, ReadApp::read(Some(node)))))
    };
    let reply = query(bulk, ("App", APP), &variables, read).await;
    let reply = reply.map_err(Refused::into_fault)?;
    let partial = |detail: String| Fault::new(Reason::PlatformPartial, detail);
    let (owner, found) = reply
        .data?
        .ok_or_else(|| partial(format!("graphql says nothing of app {app}")))?;
    let found = found?;
    if owner != organization || found.app.name != app {
        let detail = format!(
            "asked for {app} of {organization}, graphql tells of {} of {owner}",
            found.app.name
        );
        return Err(partial(detail));
    }
    reply.partial.map_or(Ok(()), Err)?;
    Ok(found.filled(bulk).await)
}

/// How many apps are asked for by name in one call.
pub(super) const NAMED: usize = 20;

/// The document that asks for so many apps by name: how their machines are, and how each last ended.
#[must_use]
pub fn ends_document(apps: usize) -> String {
    let variables = (0..apps).map(|at| format!("$a{at}: String!")).collect::<Vec<_>>();
    let one = |at| {
        let (page, machine) = (fields!(page), fields!(machine));
        format!("  a{at}: app(name: $a{at}) {{ name machines(first: {PAGE}) {{ {page} nodes {{ {machine} }} }} }}\n")
    };
    let fields = (0..apps).map(one).collect::<String>();
    format!("query Ends({}) {{\n{fields}}}", variables.join(", "))
}

/// Reads how the machines of these apps ended, in as few calls as that takes. What is not told of an app whole is left out.
///
/// # Errors
/// The fault of a call.
pub(super) async fn ends(bulk: Bulk<'_>, apps: &[&str]) -> Result<HashMap<String, App>, Fault> {
    let mut found = HashMap::new();
    for some in apps.chunks(NAMED) {
        let variables = some.iter().enumerate();
        let variables = variables.map(|(at, app)| (format!("a{at}"), (*app).into()));
        let variables = serde_json::Value::Object(variables.collect());
        let document = ends_document(some.len());
        let read = |data: &str| {
            let apps = serde_json::from_str::<BTreeMap<String, Option<&RawValue>>>(data)?;
            let apps = apps.into_values().flatten().filter_map(machines_alone);
            Ok(apps.collect::<Vec<_>>())
        };
        let reply = query(bulk, ("Ends", &document), &variables, read).await;
        let told = reply.map_err(Refused::into_fault)?.data?;
        found.extend(told.into_iter().map(|app| (app.name.clone(), app)));
    }
    Ok(found)
}

/// An app with its machines, where its page has all of them.
fn machines_alone(node: &RawValue) -> Option<App> {
    let read = ReadApp::read(Some(node)).ok()?;
    let (machines, missing) = read.lists?.machines.into_read();
    missing.is_none().then_some(App { machines, ..read.app })
}

/// What the platform does not find is the organization, which it leaves unnamed.
fn named(fault: Fault, organization: &str) -> Fault {
    match fault.reason {
        Reason::PlatformNotFound => {
            let detail = format!("the token sees no organization {organization}: {}", fault.detail);
            Fault::new(Reason::PlatformNotFound, detail)
        }
        _ => fault,
    }
}

fn found(page: Option<AppsPage>, organization: &str) -> Result<AppsPage, Fault> {
    page.ok_or_else(|| {
        let detail = format!("the token sees no organization {organization}");
        Fault::new(Reason::PlatformNotFound, detail)
    })
}

/// A page of apps, read.
struct AppsPage {
    cross_network_replays: Option<bool>,
    apps: Vec<ReadApp>,
    /// Why apps are missing on it.
    fault: Option<Fault>,
    total: Option<u64>,
    more: More,
    weight: usize,
}

#[derive(Deserialize)]
struct Sweep<'a> {
    #[serde(borrow)]
    organization: Option<Organization<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Organization<'a> {
    allow_all_cross_network_replays: Option<bool>,
    #[serde(borrow)]
    apps: Connection<'a>,
}

impl AppsPage {
    /// Reads the answer to a question for `size` apps; `None` where the token does not see the organization.
    fn read(data: &str, size: usize) -> serde_json::Result<Option<Self>> {
        let Some(found) = serde_json::from_str::<Sweep<'_>>(data)?.organization else {
            return Ok(None);
        };
        let listed = &found.apps;
        let mut page = Self {
            cross_network_replays: found.allow_all_cross_network_replays,
            apps: Vec::new(),
            fault: None,
            total: listed.total_count,
            more: listed.more(),
            weight: 0,
        };
        for node in listed.nodes().take(size) {
            match ReadApp::read(node) {
                Ok(app) => {
                    page.weight += app.weight();
                    page.apps.push(app);
                }
                Err(fault) => page.fault = Some(fault),
            }
        }
        if listed.nodes().count() > size {
            page.fault = Some(Fault::new(
                Reason::PlatformMalformed,
                format!("the platform lists more than the {size} apps that it was asked for"),
            ));
        }
        Ok(Some(page))
    }
}

/// One app as its page has it. What can't be read of it is missing there, and at no other; an app without a name is missing
/// in the list.
struct ReadApp {
    app: App,
    /// What its page has of its lists, where that can be read.
    lists: Option<Lists>,
}

struct Lists {
    certificates: Entries<AppCertificate>,
    addresses: Entries<Address>,
    machines: Entries<Machine>,
}

impl ReadApp {
    fn read(node: Option<&RawValue>) -> Result<Self, Fault> {
        let left_out = || Fault::new(Reason::PlatformPartial, "the platform left out some apps");
        let node = node.ok_or_else(left_out)?;
        let name = serde_json::from_str::<Name>(node.get()).map_err(|_| {
            let detail = "the platform names an app in a way that can't be read";
            Fault::new(Reason::PlatformMalformed, detail)
        })?;
        let name = name.name;
        match serde_json::from_str::<AppNode<'_>>(node.get()) {
            Ok(read) => Ok(Self {
                lists: Some(Lists {
                    certificates: Entries::begin(&CERTIFICATE_LIST, read.certificates),
                    addresses: Entries::begin(&ADDRESS_LIST, read.ip_addresses),
                    machines: Entries::begin(&MACHINE_LIST, read.machines),
                }),
                app: App {
                    network: read.network,
                    addresses: read.shared_ip_address.iter().filter_map(|ip| ip.parse().ok()).collect(),
                    name,
                    ..App::default()
                },
            }),
            Err(error) => {
                let fault = Fault::new(Reason::PlatformMalformed, format!("graphql: app {name}: {error}"));
                Ok(Self {
                    lists: None,
                    app: App {
                        name,
                        certificates_missing: Some(fault.clone()),
                        addresses_missing: Some(fault.clone()),
                        machines_missing: Some(fault),
                        ..App::default()
                    },
                })
            }
        }
    }

    fn weight(&self) -> usize {
        let lists = self.lists.as_ref();
        let lists = lists.map(|lists| lists.certificates.weight + lists.addresses.weight + lists.machines.weight);
        weight(&self.app) + lists.unwrap_or_default()
    }

    /// The app with its whole lists.
    async fn filled(self, bulk: Bulk<'_>) -> App {
        let Self { mut app, lists } = self;
        let Some(lists) = lists else { return app };
        let list = Inner { bulk, app: &app.name };
        let (certificates, certificates_missing) = list.whole(lists.certificates).await;
        let (addresses, addresses_missing) = list.whole(lists.addresses).await;
        let (machines, machines_missing) = list.whole(lists.machines).await;
        let mut public = addresses.into_iter().filter_map(|told| told.public).collect::<Vec<_>>();
        public.append(&mut app.addresses);
        App {
            certificates,
            certificates_missing,
            addresses: public,
            addresses_missing,
            machines,
            machines_missing,
            ..app
        }
    }
}

static CERTIFICATE_LIST: InnerList<AppCertificate> = InnerList {
    of: "certificates",
    document: ("Certificates", CERTIFICATES),
    read: node::certificate,
    key: |certificate| &certificate.hostname,
    weight,
};

static ADDRESS_LIST: InnerList<Address> = InnerList {
    of: "addresses",
    document: ("Addresses", ADDRESSES),
    read: node::address,
    key: |address| &address.text,
    weight: |address| size_of::<Address>() + address.text.len(),
};

static MACHINE_LIST: InnerList<Machine> = InnerList {
    of: "machines",
    document: ("Machines", MACHINES),
    read: node::machine,
    key: |machine| &machine.id,
    weight,
};
