//! Apps with their certificates, addresses and last exits, from GraphQL. Relay paging; a page that is refused is asked
//! again at half its size; inner lists that don't fit on their page are read on, an app at a time.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::node::{self, Address, AppNode, Connection, Name};
use super::query::{Refused, query};
use crate::evidence::{App, AppCertificate, Fault, Machine, Platform, Reason};
use crate::platform::http::Api;
use crate::platform::paging::Trail;

/// Apps on the first page, and entries of an inner list on each that is read on.
const PAGE: usize = 100;
/// The smallest page that is tried.
const SMALLEST_PAGE: usize = 6;
/// Most pages of one list.
const MOST_PAGES: usize = 5000;
/// Most pages of one inner list: nobody has as many machines in an app.
const MOST_INNER_PAGES: usize = 100;

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
        events(last: 1, kind: \"exit\") { nodes { timestamp ... on MachineEventExit { exitCode oomKilled requestedStop } } }"
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
    ("Certificates", CERTIFICATES),
    ("Addresses", ADDRESSES),
    ("Machines", MACHINES),
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
pub(super) async fn sweep(api: &Api, organization: &str, edge_app: &str) -> Result<Swept, Fault> {
    let mut platform = Platform {
        organization: organization.to_owned(),
        edge_app: edge_app.to_owned(),
        ..Platform::default()
    };
    let mut trail = Trail::new("apps", MOST_PAGES);
    let (mut after, mut size, mut total) = (None::<String>, PAGE, None);
    loop {
        let variables = json!({ "org": organization, "after": after, "first": size });
        let reply = match query(api, "Sweep", SWEEP, &variables).await {
            Ok(reply) => reply,
            Err(Refused::Page(_)) if size > SMALLEST_PAGE => {
                size /= 2;
                continue;
            }
            Err(refused) if after.is_none() => return Err(refused.into_fault()),
            Err(refused) => {
                platform.apps_missing = Some(refused.into_fault());
                return Ok(platform.into());
            }
        };
        let (data, partial) = reply.data::<Sweep<'_>>()?;
        let Some(found) = data.organization else {
            let detail = format!("the token sees no organization {organization}");
            return Err(Fault::new(Reason::PlatformNotFound, detail));
        };
        platform.cross_network_replays = found.allow_all_cross_network_replays;
        let page = found.apps;
        platform.apps_missing = platform.apps_missing.or(partial);
        total = page.total_count.or(total);
        for node in page.nodes() {
            match app(api, node).await {
                Ok(app) => {
                    platform.apps.insert(app.name.clone(), app);
                }
                Err(fault) => platform.apps_missing = Some(fault),
            }
        }
        match trail.next(&page.more()) {
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

/// One app. What can't be read of it is missing there, and at no other; an app without a name is missing in the list.
async fn app(api: &Api, node: Option<&RawValue>) -> Result<App, Fault> {
    let left_out = || Fault::new(Reason::PlatformPartial, "the platform left out some apps");
    let node = node.ok_or_else(left_out)?;
    let name = serde_json::from_str::<Name>(node.get()).map_err(|_| {
        let detail = "the platform names an app in a way that can't be read";
        Fault::new(Reason::PlatformMalformed, detail)
    })?;
    let name = name.name;
    match serde_json::from_str::<AppNode<'_>>(node.get()) {
        Ok(read) => Ok(filled(api, name, read).await),
        Err(error) => {
            let fault = Fault::new(Reason::PlatformMalformed, format!("graphql: app {name}: {error}"));
            Ok(App {
                name,
                certificates_missing: Some(fault.clone()),
                addresses_missing: Some(fault.clone()),
                machines_missing: Some(fault),
                ..App::default()
            })
        }
    }
}

async fn filled(api: &Api, name: String, node: AppNode<'_>) -> App {
    let list = Inner { api, app: &name };
    let (certificates, certificates_missing) = list.whole(&CERTIFICATE_LIST, node.certificates).await;
    let (addresses, addresses_missing) = list.whole(&ADDRESS_LIST, node.ip_addresses).await;
    let (machines, machines_missing) = list.whole(&MACHINE_LIST, node.machines).await;
    let addresses = addresses.into_iter().filter_map(|address| address.public);
    let shared = node.shared_ip_address.and_then(|address| address.parse().ok());
    App {
        network: node.network,
        certificates,
        certificates_missing,
        addresses: addresses.chain(shared).collect(),
        addresses_missing,
        machines,
        machines_missing,
        name,
    }
}

/// A list inside of an app.
struct InnerList<T> {
    /// What stands in it.
    of: &'static str,
    /// Its document, by name: reads it on.
    name: &'static str,
    document: &'static str,
    read: fn(&RawValue) -> Option<T>,
    /// What tells an entry from others.
    key: fn(&T) -> String,
}

const CERTIFICATE_LIST: InnerList<AppCertificate> = InnerList {
    of: "certificates",
    name: "Certificates",
    document: CERTIFICATES,
    read: node::certificate,
    key: |certificate| certificate.hostname.clone(),
};

const ADDRESS_LIST: InnerList<Address> = InnerList {
    of: "addresses",
    name: "Addresses",
    document: ADDRESSES,
    read: node::address,
    key: |address| address.text.clone(),
};

const MACHINE_LIST: InnerList<Machine> = InnerList {
    of: "machines",
    name: "Machines",
    document: MACHINES,
    read: node::machine,
    key: |machine| machine.id.clone(),
};

/// The lists of one app.
struct Inner<'a> {
    api: &'a Api,
    app: &'a str,
}

impl Inner<'_> {
    /// A whole list: what stands on the app's page, and what has to be read on; and why something is missing.
    async fn whole<T>(&self, list: &InnerList<T>, first: Option<Connection<'_>>) -> (Vec<T>, Option<Fault>) {
        let mut entries = Entries::new(list);
        let mut trail = Trail::new(list.of, MOST_INNER_PAGES);
        let mut next = match first {
            Some(page) => entries.take(&page, &mut trail),
            None => Err(entries.left_out()),
        };
        loop {
            match next {
                Ok(None) => return entries.end(&trail),
                Err(fault) => return (entries.read, entries.fault.or(Some(fault))),
                Ok(Some(cursor)) => next = self.more(list, &cursor, &mut entries, &mut trail).await,
            }
        }
    }

    async fn more<T>(
        &self,
        list: &InnerList<T>,
        cursor: &str,
        entries: &mut Entries<'_, T>,
        trail: &mut Trail,
    ) -> Result<Option<String>, Fault> {
        let variables = json!({ "app": self.app, "after": cursor, "first": PAGE });
        let reply = query(self.api, list.name, list.document, &variables).await;
        let reply = reply.map_err(Refused::into_fault)?;
        let (data, partial) = reply.data::<OneApp<'_>>()?;
        entries.fault = entries.fault.take().or(partial);
        let page = data.app.and_then(|app| app.list).ok_or_else(|| entries.left_out())?;
        entries.take(&page, trail)
    }
}

#[derive(Deserialize)]
struct OneApp<'a> {
    #[serde(borrow)]
    app: Option<OneList<'a>>,
}

#[derive(Deserialize)]
struct OneList<'a> {
    #[serde(borrow)]
    list: Option<Connection<'a>>,
}

/// What was read of a list so far.
struct Entries<'l, T> {
    list: &'l InnerList<T>,
    read: Vec<T>,
    keys: HashSet<String>,
    total: Option<u64>,
    fault: Option<Fault>,
}

impl<'l, T> Entries<'l, T> {
    fn new(list: &'l InnerList<T>) -> Self {
        Self {
            list,
            read: Vec::new(),
            keys: HashSet::new(),
            total: None,
            fault: None,
        }
    }

    fn left_out(&self) -> Fault {
        let detail = format!("the platform left out some {}", self.list.of);
        Fault::new(Reason::PlatformPartial, detail)
    }

    /// Takes in a page, and tells where the next one is.
    fn take(&mut self, page: &Connection<'_>, trail: &mut Trail) -> Result<Option<String>, Fault> {
        self.total = page.total_count.or(self.total);
        for node in page.nodes() {
            match node.and_then(self.list.read) {
                Some(entry) if self.keys.insert((self.list.key)(&entry)) => self.read.push(entry),
                Some(_) => {}
                None => self.fault = Some(self.left_out()),
            }
        }
        trail.next(&page.more())
    }

    fn end(self, trail: &Trail) -> (Vec<T>, Option<Fault>) {
        let told = trail.ends(self.keys.len(), self.total).err();
        (self.read, self.fault.or(told))
    }
}
