//! The platform's word about apps, certificates, machines and DNS records: read in bulk, unjudged. What was not
//! answered is `Unknown`, never missing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Fault, MachineState, Reason};

/// What an API was asked: an answer, a failure, or nobody to ask.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApiAnswer<T> {
    /// It answered.
    Known(T),
    /// It was asked and did not answer.
    Unknown(Fault),
    /// There is nobody to ask.
    #[default]
    NotConfigured,
}

impl<T> ApiAnswer<T> {
    /// The answer, where there is one.
    #[must_use]
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(answer) => Some(answer),
            _ => None,
        }
    }

    /// The same with the answer made into something else.
    #[must_use]
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> ApiAnswer<U> {
        match self {
            Self::Known(answer) => ApiAnswer::Known(make(answer)),
            Self::Unknown(fault) => ApiAnswer::Unknown(fault),
            Self::NotConfigured => ApiAnswer::NotConfigured,
        }
    }

    /// Why there is no answer, where it was asked for.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Unknown(fault) => Some(fault),
            _ => None,
        }
    }
}

/// A platform that is known here: what its own tool calls things, and what its client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Cloud {
    /// Fly.io.
    #[default]
    Fly,
}

impl Cloud {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// One organization on the platform.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Platform {
    /// Which platform it is.
    #[serde(default, skip_serializing_if = "Cloud::is_default")]
    pub cloud: Cloud,
    /// The organization's slug.
    pub organization: String,
    /// When the first of it was asked for, by the agent's clock: what changed before is in it. Old recordings do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    /// When the last of it was answered, by the agent's clock; old recordings do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
    /// When what changed at machines since then was asked for last, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Changed>,
    /// The edge app's name.
    pub edge_app: String,
    /// Every app that was answered, by name.
    pub apps: BTreeMap<String, App>,
    /// Why the list of apps is not complete; `None`: an app that is not in it does not exist.
    pub apps_missing: Option<Fault>,
    /// Regions that did not answer about their machines.
    pub silent_regions: BTreeSet<String>,
    /// Why machines are not known at all.
    pub machines_missing: Option<Fault>,
    /// Whether the organization lets apps replay to apps on other networks; `None`: not told.
    pub cross_network_replays: Option<bool>,
}

/// When what changed was asked for and answered, by the agent's clock.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    /// Since when what changes is not in it.
    pub asked_at: Timestamp,
    /// When it was answered.
    pub taken_at: Timestamp,
}

impl Platform {
    /// Since when what changes at machines is not in it.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        let changed = self.changed.map(|changed| changed.asked_at);
        changed.or(self.asked_at).or(self.taken_at)
    }

    /// The edge app, where it exists and is known.
    #[must_use]
    pub fn edge(&self) -> Option<&App> {
        self.apps.get(&self.edge_app)
    }

    /// Whether the configured edge app can't be the edge, by the list alone: it does not exist, or holds no certificate for
    /// this wildcard. What may be missing in the list does not count.
    #[must_use]
    pub fn lacks_edge(&self, wildcard: &str) -> bool {
        let complete = !self.edge_app.is_empty() && self.apps_missing.is_none();
        complete
            && self
                .edge()
                .is_none_or(|app| app.certificates_missing.is_none() && !app.holds(wildcard))
    }

    /// The app that really holds a certificate for this wildcard, where the configured edge app can't be the edge.
    #[must_use]
    pub fn other_edge(&self, wildcard: &str) -> Option<&App> {
        // Nearly always the setting is right: then nobody's certificates are looked through.
        self.lacks_edge(wildcard)
            .then(|| self.apps.values().find(|app| app.is_ready_for(wildcard)))?
    }

    /// The apps that hold a certificate for this wildcard, however far it is, where the configured edge app is not seen to
    /// hold one: any of them may be the edge.
    pub fn rivals<'p>(&'p self, wildcard: &'p str) -> impl Iterator<Item = &'p App> {
        let unsure = self.edge().is_none_or(|app| !app.holds(wildcard));
        let apps = unsure.then(|| self.apps.values());
        apps.into_iter().flatten().filter(|app| app.holds(wildcard))
    }

    /// What it says of one app.
    #[must_use]
    pub fn told(&self, app: &str) -> AppTold<'_> {
        AppTold {
            app: self.apps.get(app),
            at: self.changed.map(|changed| changed.taken_at).or(self.taken_at),
            bulk: Some(self),
        }
    }

    /// Takes in what the detail of an app's machines tells besides.
    pub fn learn(&mut self, app: &str, machines: &[Machine]) {
        let Some(app) = self.apps.get_mut(app) else { return };
        for known in &mut app.machines {
            if let Some(told) = machines.iter().find(|told| told.id == known.id) {
                known.healthy = told.healthy.or(known.healthy);
                known.digest = told.digest.clone().or(known.digest.take());
            }
        }
    }
}

/// The platform's word on one app, asked for by itself after everything was read in bulk. It is complete, or it is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppWord {
    /// When it was asked for, by the agent's clock.
    pub at: Timestamp,
    /// The app; `None`: every API that was asked says that there is none of that name.
    pub app: Option<App>,
}

impl AppWord {
    /// What it says.
    #[must_use]
    pub fn told(&self) -> AppTold<'_> {
        AppTold {
            app: self.app.as_ref(),
            at: Some(self.at),
            bulk: None,
        }
    }
}

/// What the platform says of one app, by whichever answer counts.
#[derive(Clone, Copy, Debug)]
pub struct AppTold<'p> {
    /// The app, where the answer has it.
    pub app: Option<&'p App>,
    /// When it was told; old recordings do not tell.
    pub at: Option<Timestamp>,
    /// The answer about all apps, where it is that one.
    bulk: Option<&'p Platform>,
}

impl<'p> AppTold<'p> {
    /// Why an app that the answer does not have may exist all the same.
    #[must_use]
    pub fn app_missing(self) -> Option<&'p Fault> {
        self.bulk?.apps_missing.as_ref()
    }

    /// Why the machines of the app are not all known, where they are not.
    #[must_use]
    pub fn machines_missing(self) -> Option<Fault> {
        let own = self.app.and_then(|app| app.machines_missing.clone());
        let Some(platform) = self.bulk else { return own };
        // The region says most: what it left out elsewhere follows from it.
        let silent = platform.silent_regions.iter().cloned().collect::<Vec<_>>().join(", ");
        let silent = (!silent.is_empty()).then(|| format!("no answer about machines in {silent}"));
        let silent = silent.map(|detail| Fault::new(Reason::PlatformPartial, detail));
        silent.or(own).or_else(|| platform.machines_missing.clone())
    }
}

/// One app.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct App {
    /// Its name, unique on the whole platform.
    pub name: String,
    /// The private network that it is on; `None`: the organization's default.
    pub network: Option<String>,
    /// Its certificates.
    pub certificates: Vec<AppCertificate>,
    /// Why its certificates are not all known.
    pub certificates_missing: Option<Fault>,
    /// Its public addresses, shared ones too.
    pub addresses: Vec<IpAddr>,
    /// Why its addresses are not all known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses_missing: Option<Fault>,
    /// Its machines.
    pub machines: Vec<Machine>,
    /// Why its machines are not all known.
    pub machines_missing: Option<Fault>,
}

impl App {
    /// Whether it holds a certificate for just this name, however far that is.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        self.certificates.iter().any(|held| held.hostname == name)
    }

    /// Whether it holds one that is issued.
    #[must_use]
    pub fn is_ready_for(&self, name: &str) -> bool {
        let ready = |held: &AppCertificate| held.hostname == name && held.state == CertificateState::Ready;
        self.certificates.iter().any(ready)
    }
}

/// What the platform says of one certificate of an app.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AppCertificate {
    /// The name that it is for, `*.DOMAIN` for a wildcard; lower case.
    pub hostname: String,
    /// How far it is.
    pub state: CertificateState,
    /// The platform's own word for its state.
    pub status: String,
    /// Whether it was imported: its key is nowhere else.
    pub imported: bool,
    /// When it was asked for.
    pub created_at: Option<Timestamp>,
    /// When the issued certificate ends.
    pub expires_at: Option<Timestamp>,
    /// Until when the authority refuses.
    pub rate_limited_until: Option<Timestamp>,
    /// The platform's own validation errors, each a sentence.
    pub errors: Vec<String>,
    /// The name and the target of the ACME delegation that its renewal needs.
    pub acme: Option<(String, String)>,
}

/// How far a certificate is, whichever words the platform uses for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateState {
    /// Issued and served: `Ready`, `active`.
    Ready,
    /// Being issued: `Awaiting certificates`, `pending_issuance`.
    AwaitingCertificates,
    /// Validation does not pass: `Awaiting configuration`, `pending_validation`, `pending_ownership`.
    AwaitingConfiguration,
    /// A word that nobody knows.
    #[default]
    Other,
}

/// One machine of an app.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Its id.
    pub id: String,
    /// How it is.
    pub state: MachineState,
    /// Where it is.
    pub region: String,
    /// The image that it runs, as deployed.
    pub image: Option<String>,
    /// The digest of that image, where the platform tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Whether the proxy starts it on a request; `None`: not told.
    pub autostart: Option<bool>,
    /// Whether requests reach it: it has a service, and is neither a schedule's nor a standby; `None`: not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serves: Option<bool>,
    /// The process group that it belongs to, as in `web` and `worker`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Whether the platform says that its host does not answer: its state is that of before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub host_down: bool,
    /// The external ports of its services; `None`: not told.
    pub ports: Option<Vec<u16>>,
    /// How it last ended, where that is known.
    pub last_exit: Option<Exit>,
    /// Whether its own health checks pass; `None`: it has none.
    pub healthy: Option<bool>,
    /// When it last changed.
    pub updated_at: Option<Timestamp>,
    /// Whether somebody marked it as none of ours to change: its metadata has `roundsman = "off"`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hands_off: bool,
}

impl Machine {
    /// Whether it is gone for good, and listed all the same.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.state.is_gone()
    }
}

/// How a machine ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Exit {
    /// The exit code.
    pub code: Option<i32>,
    /// Whether the kernel killed it for want of memory.
    pub out_of_memory: bool,
    /// Whether somebody asked it to stop.
    pub requested: bool,
    /// When.
    pub at: Option<Timestamp>,
    /// How many times in a row it ended so that nobody asked for it and it was not well, this one included, and when the
    /// first of these was: as far back as the platform was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crashes: Option<Crashes>,
}

impl Exit {
    /// Whether somebody asked for it, or the program ended by itself and well.
    #[must_use]
    pub fn is_orderly(&self) -> bool {
        self.requested || (self.code == Some(0) && !self.out_of_memory)
    }
}

/// Exits in a row that nobody asked for and that were not well: at least two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Crashes {
    /// How many.
    pub count: usize,
    /// Whether there may be more before them.
    pub more: bool,
    /// When the first of them was.
    pub since: Option<Timestamp>,
}

/// One record of the zone's listing at the DNS provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ZoneRecord {
    /// The provider's id.
    pub id: String,
    /// The owner, lower case, without the trailing dot.
    pub name: String,
    /// The type's mnemonic.
    pub kind: String,
    /// The data.
    pub content: String,
    /// Whether it goes through the provider's proxy.
    pub proxied: bool,
    /// The comment that somebody left.
    pub comment: Option<String>,
    /// The tags that somebody left.
    pub tags: Vec<String>,
}
