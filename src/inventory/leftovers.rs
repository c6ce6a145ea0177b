//! What exists without a tenant. Pure; where an answer is missing it says nothing, and never that there is none.

use std::collections::HashSet;
use std::sync::Arc;

use roundsman_checks::evidence::{ApiAnswer, Platform, ZoneRecord};
use roundsman_checks::reading::is_under;
use roundsman_checks::target::Hostname;
use serde::Serialize;

use super::Inventory;
use crate::config::Config;

/// What exists without a tenant; `None`: not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Leftovers {
    /// Apps with the prefix that no tenant has.
    pub apps: Option<Vec<String>>,
    /// Explicit certificates of the edge app, for names under the domain that no tenant has.
    pub certificates: Option<Vec<LooseCertificate>>,
    /// Records under the domain that point at an app which is gone.
    pub records: Option<Vec<LooseRecord>>,
}

/// A certificate of the edge app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LooseCertificate {
    /// The app that holds it.
    pub app: String,
    /// The name that it is for.
    pub hostname: String,
}

/// A DNS record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LooseRecord {
    /// The provider's id.
    pub id: String,
    /// Its owner.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it points.
    pub content: String,
    /// The app that is gone.
    pub app: String,
}

/// Compares what exists with the inventory. What the patterns of `exclude` match is nobody's business, whether or not a
/// source names it.
#[must_use]
pub fn leftovers(
    inventory: &Inventory,
    config: &Config,
    platform: &ApiAnswer<Arc<Platform>>,
    listing: &ApiAnswer<Arc<Vec<ZoneRecord>>>,
) -> Leftovers {
    let Some(platform) = platform.known() else {
        return Leftovers::default();
    };
    // Without the word of who should exist everything would look left over.
    let told = inventory.complete;
    let app_domain = config.cloud().map(|cloud| cloud.direct().0);
    let records = listing
        .known()
        .zip(app_domain.as_deref())
        .filter(|_| platform.apps_missing.is_none());
    Leftovers {
        apps: told.then(|| apps(inventory, config, platform)),
        certificates: told.then(|| certificates(inventory, config, platform)).flatten(),
        records: records.map(|(records, app_domain)| gone(records, &config.domain, app_domain, platform)),
    }
}

/// Whether `exclude` leaves out what has this id.
fn excluded(inventory: &Inventory, config: &Config, id: &str) -> bool {
    let named = || inventory.excluded.iter().any(|other| other.eq_ignore_ascii_case(id));
    config.tenants.exclude.iter().any(|glob| glob.matches(id)) || named()
}

fn apps(inventory: &Inventory, config: &Config, platform: &Platform) -> Vec<String> {
    let known = inventory.known.iter().map(|tenant| tenant.app.as_str());
    let known = known.collect::<HashSet<_>>();
    let loose = platform.apps.keys().filter(|app| {
        let id = app.strip_prefix(&config.tenants.app_prefix).filter(|id| !id.is_empty());
        **app != platform.edge_app
            && !known.contains(app.as_str())
            && id.is_some_and(|id| !excluded(inventory, config, id))
    });
    loose.cloned().collect()
}

fn certificates(inventory: &Inventory, config: &Config, platform: &Platform) -> Option<Vec<LooseCertificate>> {
    let edge = platform.apps.get(&platform.edge_app)?;
    let domain = &config.domain;
    let left_out = |name: &str| {
        let id = name.strip_suffix(domain.as_str()).and_then(|id| id.strip_suffix('.'));
        id.is_some_and(|id| excluded(inventory, config, id))
    };
    let loose = edge
        .certificates
        .iter()
        .map(|certificate| &certificate.hostname)
        .filter(|name| {
            let explicit = !name.starts_with('*') && *name != domain.as_str() && is_under(name, domain);
            let owned = || inventory.known.iter().any(|tenant| tenant.hostname.as_str() == *name);
            explicit && !owned() && !left_out(name)
        });
    let loose = loose.map(|name| LooseCertificate {
        app: edge.name.clone(),
        hostname: name.clone(),
    });
    // Some may be missing: what is there is told, an empty list is not.
    let loose = loose.collect::<Vec<_>>();
    (edge.certificates_missing.is_none() || !loose.is_empty()).then_some(loose)
}

fn gone(records: &[ZoneRecord], domain: &Hostname, app_domain: &str, platform: &Platform) -> Vec<LooseRecord> {
    let suffix = format!(".{}", app_domain.to_ascii_lowercase());
    let loose = records.iter().filter_map(|record| {
        let target = record.content.trim_end_matches('.').to_ascii_lowercase();
        let app = target.strip_suffix(&suffix)?.rsplit('.').next()?.to_owned();
        let concerned = record.kind == "CNAME" && is_under(&record.name, domain) && !platform.apps.contains_key(&app);
        concerned.then(|| LooseRecord {
            id: record.id.clone(),
            name: record.name.clone(),
            kind: record.kind.clone(),
            content: record.content.clone(),
            app,
        })
    });
    loose.collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use roundsman_checks::evidence::{App, AppCertificate};

    use super::*;

    fn app(name: &str, certificates: &[&str]) -> (String, App) {
        let certificates = certificates.iter().map(|hostname| AppCertificate {
            hostname: (*hostname).to_owned(),
            ..AppCertificate::default()
        });
        let app = App {
            name: name.to_owned(),
            certificates: certificates.collect(),
            ..App::default()
        };
        (name.to_owned(), app)
    }

    fn record(name: &str, content: &str) -> ZoneRecord {
        ZoneRecord {
            name: name.to_owned(),
            kind: "CNAME".to_owned(),
            content: content.to_owned(),
            ..ZoneRecord::default()
        }
    }

    fn found(complete: bool) -> Leftovers {
        let text = "domain = \"example.com\"\n[edge]\napp = \"edge\"\n[tenants]\nexclude = [\"demo-*\"]\n[fly]\n";
        let config = Config::parse(text, std::path::Path::new("roundsman.toml")).unwrap();
        let platform = Platform {
            edge_app: "edge".to_owned(),
            apps: [
                app(
                    "edge",
                    &[
                        "*.example.com",
                        "old.example.com",
                        "out.example.com",
                        "demo-1.example.com",
                        "b.test",
                    ],
                ),
                app("sp-out", &[]),
                app("sp-demo-1", &[]),
                app("sp-lost", &[]),
                app("sp-", &[]),
                app("other", &[]),
            ]
            .into(),
            ..Platform::default()
        };
        let records = vec![
            record("gone.example.com", "SP-Gone.fly.dev."),
            record("lost.example.com", "sp-lost.fly.dev"),
            record("x.test", "sp-gone.fly.dev"),
            record("y.example.com", "elsewhere.test"),
        ];
        let inventory = Inventory {
            excluded: vec!["out".to_owned()],
            complete,
            ..Inventory::default()
        };
        let (platform, records) = (ApiAnswer::Known(platform.into()), ApiAnswer::Known(records.into()));
        leftovers(&inventory, &config, &platform, &records)
    }

    #[test]
    fn tells_what_belongs_to_nobody_and_leaves_out_what_is_excluded() {
        let found = found(true);
        assert_eq!(found.apps.unwrap(), ["sp-lost"]);
        let certificates = found.certificates.unwrap();
        assert_eq!(
            (certificates.len(), certificates[0].hostname.as_str()),
            (1, "old.example.com")
        );
        let records = found.records.unwrap();
        assert_eq!((records.len(), records[0].app.as_str()), (1, "sp-gone"));
    }

    #[test]
    fn nothing_is_left_over_while_nobody_says_who_should_exist() {
        let found = found(false);
        assert_eq!((found.apps, found.certificates), (None, None));
        assert!(found.records.is_some());
    }
}
