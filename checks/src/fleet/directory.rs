//! Who is who: the tenants by every name that an answer can give, certificates by the name that they are for, the
//! listing's records by their names, and the groups that apps belong to. Built once for a snapshot of the APIs.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::evidence::{ApiAnswer, App, AppCertificate, Machine, Platform, ZoneRecord};
use crate::target::Tenant;

/// What apps have in common, by a short name: a release, or a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupKey(u32);

/// The indexes over tenants, apps and records.
#[derive(Debug, Default)]
pub struct Directory {
    known: Arc<Vec<Arc<Tenant>>>,
    by_name: HashMap<Box<str>, u32>,
    platform: Option<Arc<Platform>>,
    foreign: HashMap<Box<str>, Vec<(Box<str>, u32)>>,
    listing: Option<Arc<Vec<ZoneRecord>>>,
    by_reversed: Vec<(Box<str>, u32)>,
    groups: HashMap<Box<str>, Groups>,
    values: Vec<(Kind, Box<str>)>,
}

/// What kind of group it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Release,
    Region,
}

#[derive(Clone, Copy, Debug, Default)]
struct Groups {
    release: Option<GroupKey>,
    region: Option<GroupKey>,
}

impl Directory {
    /// The indexes over a snapshot.
    #[must_use]
    pub fn new(
        known: Arc<Vec<Arc<Tenant>>>,
        platform: &ApiAnswer<Arc<Platform>>,
        listing: &ApiAnswer<Arc<Vec<ZoneRecord>>>,
    ) -> Self {
        let platform = platform.known().map(Arc::clone);
        let listing = listing.known().map(Arc::clone);
        let mut directory = Self {
            by_name: names(&known, platform.as_deref()),
            foreign: platform.as_deref().map(foreign).unwrap_or_default(),
            by_reversed: listing.as_deref().map(|records| reversed(records)).unwrap_or_default(),
            known,
            platform,
            listing,
            ..Self::default()
        };
        directory.group();
        directory
    }

    /// The tenant that an id, an app, a host name or a machine belongs to.
    #[must_use]
    pub fn owner(&self, name: &str) -> Option<&Tenant> {
        self.known.get(*self.by_name.get(name)? as usize).map(Arc::as_ref)
    }

    /// The certificates of other apps than the edge's that are for exactly this name.
    pub fn foreign(&self, name: &str) -> impl Iterator<Item = (&App, &AppCertificate)> {
        let held = self.foreign.get(name).into_iter().flatten();
        held.filter_map(|(app, index)| {
            let app = self.platform.as_ref()?.apps.get(&**app)?;
            Some((app, app.certificates.get(*index as usize)?))
        })
    }

    /// The records of the listing at a name and below it, in the listing's order; `None` without a listing.
    #[must_use]
    pub fn listed(&self, name: &str) -> Option<Vec<&ZoneRecord>> {
        let records = self.listing.as_ref()?;
        let name = reverse(name);
        let begin = self.by_reversed.partition_point(|(other, _)| **other < *name);
        let here = self.by_reversed.get(begin..).into_iter().flatten();
        let here = here.take_while(|(other, _)| other.starts_with(&name));
        let within = here.filter(|(other, _)| other[name.len()..].chars().next().is_none_or(|next| next == '.'));
        let mut found = within.map(|(_, index)| *index as usize).collect::<Vec<_>>();
        found.sort_unstable();
        Some(found.into_iter().filter_map(|index| records.get(index)).collect())
    }

    /// The release that all machines of an app run.
    #[must_use]
    pub fn release(&self, app: &str) -> Option<GroupKey> {
        self.groups.get(app)?.release
    }

    /// The region that all machines of an app are in.
    #[must_use]
    pub fn region(&self, app: &str) -> Option<GroupKey> {
        self.groups.get(app)?.region
    }

    /// What a group has in common, as text.
    #[must_use]
    pub fn value(&self, key: GroupKey) -> &str {
        self.values.get(key.0 as usize).map_or("", |(_, value)| value)
    }

    /// Whether a group is a release; else it is a region.
    #[must_use]
    pub fn is_release(&self, key: GroupKey) -> bool {
        let kind = self.values.get(key.0 as usize).map(|(kind, _)| *kind);
        kind == Some(Kind::Release)
    }

    fn group(&mut self) {
        let Some(platform) = self.platform.clone() else { return };
        let mut keys = HashMap::new();
        for app in platform.apps.values() {
            let release = release(app).map(|value| self.key(&mut keys, Kind::Release, value));
            let region = region(app).map(|value| self.key(&mut keys, Kind::Region, value));
            self.groups.insert(app.name.as_str().into(), Groups { release, region });
        }
    }

    fn key(&mut self, keys: &mut HashMap<(Kind, String), GroupKey>, kind: Kind, value: String) -> GroupKey {
        let value = (kind, value);
        if let Some(key) = keys.get(&value) {
            return *key;
        }
        let key = GroupKey(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.push((kind, value.1.as_str().into()));
        keys.insert(value, key);
        key
    }
}

fn names(known: &[Arc<Tenant>], platform: Option<&Platform>) -> HashMap<Box<str>, u32> {
    let mut by_name = HashMap::with_capacity(known.len() * 4);
    let position = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    for (index, tenant) in known.iter().enumerate() {
        for name in [tenant.id.as_str(), tenant.app.as_str(), tenant.hostname.as_str()] {
            by_name.insert(name.into(), position(index));
        }
    }
    for (index, tenant) in known.iter().enumerate() {
        let app = platform.and_then(|platform| platform.apps.get(&tenant.app));
        for machine in app.into_iter().flat_map(|app| &app.machines) {
            by_name.insert(machine.id.as_str().into(), position(index));
        }
    }
    by_name
}

/// Certificates of all apps but the edge's, by the name that they are for.
fn foreign(platform: &Platform) -> HashMap<Box<str>, Vec<(Box<str>, u32)>> {
    let mut by_name = HashMap::<Box<str>, Vec<(Box<str>, u32)>>::new();
    for app in platform.apps.values().filter(|app| app.name != platform.edge_app) {
        for (index, certificate) in app.certificates.iter().enumerate() {
            let held = by_name.entry(certificate.hostname.as_str().into()).or_default();
            held.push((app.name.as_str().into(), u32::try_from(index).unwrap_or(u32::MAX)));
        }
    }
    by_name
}

/// Names read from the root down, so that what lies below a name follows it.
fn reversed(records: &[ZoneRecord]) -> Vec<(Box<str>, u32)> {
    let positions = records.iter().enumerate();
    let mut names = positions
        .map(|(index, record)| (reverse(&record.name).into(), u32::try_from(index).unwrap_or(u32::MAX)))
        .collect::<Vec<_>>();
    names.sort_unstable();
    names
}

fn reverse(name: &str) -> String {
    name.rsplit('.').collect::<Vec<_>>().join(".")
}

/// The release of an app: the digest of its image where the platform tells it, for a tag may be the app's own; else the
/// image with the app's own name in it masked.
fn release(app: &App) -> Option<String> {
    let masked = |image: &String| image.replace(app.name.as_str(), "{app}");
    let digest = agreed(app, |machine| machine.digest.clone());
    digest.or_else(|| agreed(app, |machine| machine.image.as_ref().map(masked)))
}

fn region(app: &App) -> Option<String> {
    agreed(app, |machine| {
        Some(machine.region.clone()).filter(|region| !region.is_empty())
    })
}

/// What all machines of an app agree on.
fn agreed(app: &App, of: impl Fn(&Machine) -> Option<String>) -> Option<String> {
    let mut values = app.machines.iter().map(of).collect::<Option<BTreeSet<_>>>()?;
    if values.len() == 1 { values.pop_first() } else { None }
}
