//! The mutations: they change the account before what they give back is selected.

use serde_json::{Map, Value};

use crate::clock::Now;
use crate::platform::estate::{Certificate, Estate};

/// What a mutation has done.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) app: String,
    pub(crate) certificate: Option<Certificate>,
    pub(crate) errors: Vec<String>,
}

/// Carries a mutation out; an error where there is no such app.
pub(crate) fn change(
    estate: &mut Estate,
    mutation: &str,
    arguments: &Map<String, Value>,
    now: Now,
) -> Result<Change, String> {
    let input = arguments.get("input").and_then(Value::as_object).unwrap_or(arguments);
    let text = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (app, hostname) = (text("appId"), text("hostname"));
    if !estate.apps.contains_key(&app) {
        return Err("Could not find App".into());
    }
    let (certificate, problem) = match mutation {
        "addCertificate" => (
            estate.add_certificate(&app, &hostname, false, now),
            "Hostname already exists on app",
        ),
        "deleteCertificate" => (
            estate.remove_certificate(&app, &hostname, now),
            "Could not find Hostname",
        ),
        _ => (
            estate.check_certificate(&app, &hostname, now),
            "Could not find Hostname",
        ),
    };
    if certificate.is_none() {
        return Err(problem.into());
    }
    Ok(Change {
        app,
        certificate,
        errors: Vec::new(),
    })
}
