//! Certificates of an app.

use http::Method;
use serde_json::{Value, json};

use super::Asked;
use crate::clock;
use crate::platform::estate::Certificate;
use crate::platform::present;
use crate::platform::reply::Reply;

const PAGE: usize = 25;
const LARGEST_PAGE: usize = 500;

impl Asked<'_> {
    /// Answers what is below `certificates`.
    pub(crate) fn certificates(&self, app: &str, rest: &[&str]) -> Reply {
        let now = clock::now();
        let estate = || self.platform.estate();
        let unknown = || Reply::error(404, "certificate not found");
        match (&self.call.method, rest) {
            (&Method::GET, []) => self.list(app),
            (&Method::GET, [hostname]) => {
                let found = estate()
                    .apps
                    .get(app)
                    .and_then(|app| app.certificate(hostname))
                    .cloned();
                found.map_or_else(unknown, |certificate| self.detail(200, app, &certificate, None))
            }
            (&Method::POST, [kind @ ("acme" | "custom")]) => self.add(app, *kind == "custom"),
            (&Method::POST, [hostname, _]) => {
                let checked = estate().check_certificate(app, hostname, now);
                match checked {
                    Some(certificate) => {
                        let records = present::dns_records(&estate(), &certificate);
                        self.detail(200, app, &certificate, Some(records))
                    }
                    None => unknown(),
                }
            }
            (_, [hostname, rest @ ..]) => {
                let removed = estate().remove_certificate(app, hostname, now);
                match removed {
                    None => unknown(),
                    Some(_) if rest.is_empty() => Reply::nothing(),
                    Some(certificate) => self.detail(200, app, &certificate, None),
                }
            }
            _ => Reply::error(404, "not found"),
        }
    }

    fn list(&self, app: &str) -> Reply {
        let estate = self.platform.estate();
        let filter = self.call.parameter("filter").unwrap_or_default();
        let all = estate.apps.get(app).into_iter().flat_map(|app| &app.certificates);
        let found: Vec<_> = all.filter(|have| have.hostname.contains(filter)).collect();
        let (range, next) = match self.page(found.len(), PAGE, LARGEST_PAGE) {
            Ok(page) => page,
            Err(reply) => return reply,
        };
        let page = found[range].iter();
        let mut body = json!({
            "certificates": page.map(|one| present::certificate_summary(&estate, one)).collect::<Vec<_>>(),
            "total_count": found.len(),
        });
        if let Some(next) = next {
            body["next_cursor"] = json!(next);
        }
        Reply::json(200, &body)
    }

    fn add(&self, app: &str, custom: bool) -> Reply {
        let body: Value = serde_json::from_slice(&self.call.body).unwrap_or_default();
        let Some(hostname) = body["hostname"].as_str().filter(|name| name.contains('.')) else {
            return Reply::error(422, "Hostname is invalid");
        };
        let added = self
            .platform
            .estate()
            .add_certificate(app, hostname, custom, clock::now());
        match added {
            Some(certificate) => self.detail(201, app, &certificate, None),
            None => Reply::error(422, "Hostname already exists on app"),
        }
    }

    fn detail(&self, status: u16, app: &str, certificate: &Certificate, records: Option<Value>) -> Reply {
        let estate = self.platform.estate();
        let Some(app) = estate.apps.get(app) else {
            return Reply::error(404, "app not found");
        };
        let mut body = present::certificate_detail(&estate, app, certificate);
        if let Some(records) = records {
            body["dns_records"] = records;
        }
        Reply::json(status, &body)
    }
}
