//! What each field of the schema is, over the account.

use serde_json::{Map, Value, json};

use super::changes::Change;
use crate::platform::estate::{
    Address, App, Certificate, Estate, Exit, FOREIGN_APP, Machine, ORGANIZATION, ORGANIZATION_ID, Problem, Progress,
};
use crate::platform::{APP_DOMAIN, present};

/// An object of the graph.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Thing<'a> {
    Queries,
    Organization,
    App(&'a App),
    Address(&'a App, &'a Address),
    Certificate(&'a App, &'a Certificate),
    Problem(&'a Problem),
    /// A certificate of this type that the CA has given.
    Issued(&'a Certificate, &'static str),
    Machine(&'a App, &'a Machine),
    Exit(&'a Machine, usize, &'a Exit),
    Release(&'a App),
    Change(&'static str, &'a Change),
    Check(&'a Change),
}

/// What a field is.
#[derive(Debug)]
pub(crate) enum Item<'a> {
    Leaf(Value),
    One(Option<Thing<'a>>),
    Many(Vec<Thing<'a>>),
    /// A connection. What is there and cannot be read is nothing.
    Pages(Vec<Option<Thing<'a>>>),
    Problem(String, &'static str),
}

impl Thing<'_> {
    /// The type's name.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Queries => "Queries",
            Self::Organization => "Organization",
            Self::App(_) => "App",
            Self::Address(..) => "IPAddress",
            Self::Certificate(..) => "AppCertificate",
            Self::Problem(_) => "AppCertificateValidationError",
            Self::Issued(..) => "Certificate",
            Self::Machine(..) => "Machine",
            Self::Exit(..) => "MachineEventExit",
            Self::Release(_) => "Release",
            Self::Change(kind, _) => kind,
            Self::Check(_) => "HostnameCheck",
        }
    }
}

/// The account, as it is now.
pub(crate) struct View<'a> {
    pub(crate) estate: &'a Estate,
    /// The region that cannot be asked.
    pub(crate) dark: Option<&'a str>,
}

fn leaf<'a>(value: impl Into<Value>) -> Item<'a> {
    Item::Leaf(value.into())
}

fn pages<'a>(things: impl Iterator<Item = Thing<'a>>) -> Item<'a> {
    Item::Pages(things.map(Some).collect())
}

fn text<'m>(arguments: &'m Map<String, Value>, name: &str) -> Option<&'m str> {
    arguments.get(name).and_then(Value::as_str)
}

impl View<'_> {
    /// A field of an object. What the schema does not have is never asked for.
    pub(crate) fn field<'a>(&'a self, thing: Thing<'a>, name: &str, arguments: &Map<String, Value>) -> Item<'a> {
        match thing {
            Thing::Queries => self.root(name, arguments),
            Thing::Organization => self.organization(name),
            Thing::App(app) => self.app(app, name, arguments),
            Thing::Address(app, address) => match name {
                "address" => leaf(address.address.as_str()),
                "createdAt" => leaf(self.estate.stamp(app.created)),
                "id" => leaf(format!("ip_{}", address.address)),
                "region" => leaf("global"),
                "type" => leaf(if address.v6 { "v6" } else { "v4" }),
                "network" => Item::One(None),
                _ => leaf(Value::Null),
            },
            Thing::Certificate(app, certificate) => self.certificate(app, certificate, name, arguments),
            Thing::Problem(problem) => leaf(match name {
                "errorCode" => problem.code.to_owned(),
                "message" => problem.message.clone(),
                "remediation" => problem.remedy.clone(),
                _ => self.estate.stamp(problem.at),
            }),
            Thing::Issued(certificate, kind) => leaf(match name {
                "expiresAt" => self.estate.stamp(certificate.expires),
                "hostname" => certificate.hostname.clone(),
                "id" => format!("{}-{kind}", certificate.hostname),
                _ => kind.to_owned(),
            }),
            Thing::Machine(app, machine) => self.machine(app, machine, name, arguments),
            Thing::Exit(machine, at, exit) => match name {
                "exitCode" => leaf(exit.code),
                "oomKilled" => leaf(exit.oom),
                "requestedStop" => leaf(exit.requested),
                "kind" => leaf("exit"),
                "id" => leaf(format!("{}-exit-{at}", machine.id)),
                _ => leaf(self.estate.stamp(exit.at)),
            },
            Thing::Release(app) => match name {
                "inProgress" => leaf(app.releasing),
                "stable" => leaf(!app.releasing),
                "status" => leaf(if app.releasing { "running" } else { "complete" }),
                "version" => leaf(7),
                "createdAt" => leaf(self.estate.stamp(app.created)),
                "description" => leaf("Release"),
                "reason" => leaf("Deploy"),
                _ => leaf(format!("{}-release", app.name)),
            },
            Thing::Change(_, change) => self.change(change, name),
            Thing::Check(change) => self.check(change, name),
        }
    }

    fn root<'a>(&'a self, name: &str, arguments: &Map<String, Value>) -> Item<'a> {
        match name {
            "app" => match text(arguments, "name").or(text(arguments, "id")) {
                Some(FOREIGN_APP) | None => no_app(),
                Some(app) => match self.estate.apps.get(app) {
                    Some(app) => Item::One(Some(Thing::App(app))),
                    None => no_app(),
                },
            },
            "apps" => match text(arguments, "organizationId") {
                None | Some(ORGANIZATION_ID) => pages(self.estate.apps.values().map(Thing::App)),
                Some(_) => Item::Problem("Could not find Organization".into(), "NOT_FOUND"),
            },
            "organization" => {
                let (slug, id) = (text(arguments, "slug"), text(arguments, "id"));
                let named = text(arguments, "name") == Some("Lab");
                if slug == Some(ORGANIZATION) || id == Some(ORGANIZATION_ID) || named {
                    return Item::One(Some(Thing::Organization));
                }
                Item::Problem("Could not find Organization".into(), "NOT_FOUND")
            }
            "organizations" => pages([Thing::Organization].into_iter()),
            _ => {
                let wanted = text(arguments, "id").unwrap_or_default();
                let mut all = self.estate.apps.values().flat_map(|app| {
                    let certificates = app.certificates.iter();
                    certificates.map(move |certificate| (app, certificate))
                });
                let found = all.find(|(app, certificate)| certificate_id(app, certificate) == wanted);
                Item::One(found.map(|(app, certificate)| Thing::Certificate(app, certificate)))
            }
        }
    }

    fn organization(&self, name: &str) -> Item<'_> {
        match name {
            "apps" => pages(self.estate.apps.values().map(Thing::App)),
            "id" => leaf(ORGANIZATION_ID),
            "name" => leaf("Lab"),
            "allowAllCrossNetworkReplays" => leaf(false),
            "allowedReplaySourceOrgSlugs" => leaf(Vec::<Value>::new()),
            _ => leaf(ORGANIZATION),
        }
    }

    fn app<'a>(&'a self, app: &'a App, name: &str, arguments: &Map<String, Value>) -> Item<'a> {
        let deployed = app.status() == "deployed";
        match name {
            "id" | "name" => leaf(app.name.as_str()),
            "hostname" | "cnameTarget" => leaf(format!("{}.{APP_DOMAIN}", app.name)),
            "createdAt" => leaf(self.estate.stamp(app.created)),
            "deployed" => leaf(deployed),
            "status" => leaf(app.status()),
            "state" => leaf(if deployed { "DEPLOYED" } else { "PENDING" }),
            "currentRelease" => Item::One((!app.machines.is_empty()).then_some(Thing::Release(app))),
            "network" => leaf(app.network.as_str()),
            "organization" => Item::One(Some(Thing::Organization)),
            "sharedIpAddress" => leaf(app.shared_address.map_or(Value::Null, Value::from)),
            "ipAddresses" => pages(app.addresses.iter().map(|address| Thing::Address(app, address))),
            "certificate" => {
                let found = app.certificate(text(arguments, "hostname").unwrap_or_default());
                Item::One(found.map(|certificate| Thing::Certificate(app, certificate)))
            }
            "certificates" => {
                let filter = text(arguments, "filter").unwrap_or_default().to_owned();
                let id = text(arguments, "id").map(str::to_owned);
                let fits = |one: &&Certificate| {
                    let same = id.as_ref().is_none_or(|id| certificate_id(app, one) == *id);
                    same && one.hostname.contains(&filter)
                };
                pages(
                    app.certificates
                        .iter()
                        .filter(fits)
                        .map(|one| Thing::Certificate(app, one)),
                )
            }
            "machine" => {
                let id = text(arguments, "id").unwrap_or_default();
                let found = app.machines.iter().find(|machine| machine.id == id);
                Item::One(found.map(|machine| Thing::Machine(app, machine)))
            }
            _ => {
                let lit = |machine: &&Machine| self.dark != Some(machine.region);
                let machine = |machine| Some(machine).filter(lit).map(|one| Thing::Machine(app, one));
                Item::Pages(app.machines.iter().map(machine).collect())
            }
        }
    }

    fn certificate<'a>(
        &'a self,
        app: &'a App,
        one: &'a Certificate,
        name: &str,
        arguments: &Map<String, Value>,
    ) -> Item<'a> {
        let stamp = |seconds: i64| self.estate.stamp(seconds);
        let (challenge, target) = present::challenge(&one.hostname);
        let base = one.hostname.strip_prefix("*.").unwrap_or(&one.hostname);
        let configured = present::configured(one);
        match name {
            "hostname" => leaf(one.hostname.as_str()),
            "id" => leaf(certificate_id(app, one)),
            "domain" => leaf(base),
            "clientStatus" => leaf(match one.progress {
                Progress::Ready => "Ready",
                Progress::AwaitingCertificates => "Awaiting certificates",
                Progress::AwaitingConfiguration => "Awaiting configuration",
            }),
            "isConfigured" | "configured" | "isAcmeAlpnConfigured" | "acmeAlpnConfigured" | "isAcmeHttpConfigured" => {
                leaf(configured)
            }
            "isAcmeDnsConfigured" | "acmeDnsConfigured" => leaf(one.dns_configured),
            "isApex" => leaf(base.matches('.').count() == 1 && !one.hostname.starts_with("*.")),
            "isWildcard" => leaf(one.hostname.starts_with("*.")),
            "certificateAuthority" => leaf("lets_encrypt"),
            "certificateRequestedAt" | "createdAt" => leaf(stamp(one.created)),
            "check" => leaf(true),
            "dnsProvider" => leaf("cloudflare"),
            "dnsValidationHostname" => leaf(challenge),
            "dnsValidationTarget" => leaf(target),
            "dnsValidationInstructions" => leaf(format!("CNAME {challenge} => {target}")),
            "rateLimitedUntil" => leaf(one.limited_until.map_or(Value::Null, |until| stamp(until).into())),
            "source" => leaf(if one.custom { "custom" } else { "fly" }),
            "validationErrors" => Item::Many(one.problems.iter().map(Thing::Problem).collect()),
            _ => {
                let expired = one.expires <= crate::clock::now().seconds;
                let shown = !expired || arguments.get("includeExpired") == Some(&json!(true));
                let there = one.progress == Progress::Ready && !one.custom && shown;
                let kinds: &[&'static str] = if there { &["ecdsa", "rsa"] } else { &[] };
                pages(kinds.iter().map(|kind| Thing::Issued(one, kind)))
            }
        }
    }

    fn machine<'a>(
        &'a self,
        app: &'a App,
        machine: &'a Machine,
        name: &str,
        arguments: &Map<String, Value>,
    ) -> Item<'a> {
        match name {
            "app" => Item::One(Some(Thing::App(app))),
            "config" => leaf(present::config(machine)),
            "createdAt" => leaf(self.estate.stamp(machine.created)),
            "id" => leaf(machine.id.as_str()),
            "instanceId" => leaf("01LAB"),
            "name" => leaf(format!("lab-{}", machine.id)),
            "region" => leaf(machine.region),
            "state" => leaf(machine.state),
            "updatedAt" => leaf(self.estate.stamp(machine.updated)),
            _ => {
                let wanted = text(arguments, "kind").is_none_or(|kind| kind == "exit");
                let exits = machine.exits.iter().enumerate().filter(|_| wanted);
                pages(exits.map(|(at, exit)| Thing::Exit(machine, at, exit)))
            }
        }
    }

    fn change<'a>(&'a self, change: &'a Change, name: &str) -> Item<'a> {
        let app = self.estate.apps.get(&change.app);
        match name {
            "app" => Item::One(app.map(Thing::App)),
            "certificate" => Item::One(match (app, &change.certificate) {
                (Some(app), Some(certificate)) => Some(Thing::Certificate(app, certificate)),
                _ => None,
            }),
            "check" => Item::One(Some(Thing::Check(change))),
            "errors" => leaf(change.errors.clone()),
            _ => leaf(Value::Null),
        }
    }

    fn check(&self, change: &Change, name: &str) -> Item<'_> {
        let records = change
            .certificate
            .as_ref()
            .map(|certificate| present::dns_records(self.estate, certificate))
            .unwrap_or_default();
        let configured = change.certificate.as_ref().is_some_and(present::configured);
        match name {
            "aRecords" => leaf(records["a"].clone()),
            "aaaaRecords" => leaf(records["aaaa"].clone()),
            "acmeDnsConfigured" => leaf(change.certificate.as_ref().is_some_and(|one| one.dns_configured)),
            "dnsConfigured" => leaf(configured),
            "isProxied" => leaf(false),
            "dnsProvider" => leaf("cloudflare"),
            "soa" => leaf(records["soa"].clone()),
            "id" => leaf(change.app.as_str()),
            "dnsVerificationRecord" => leaf(Value::Null),
            _ => leaf(Vec::<Value>::new()),
        }
    }
}

fn no_app<'a>() -> Item<'a> {
    Item::Problem("Could not find App".into(), "NOT_FOUND")
}

fn certificate_id(app: &App, certificate: &Certificate) -> String {
    format!("cert_{}_{}", app.name, certificate.hostname)
}
