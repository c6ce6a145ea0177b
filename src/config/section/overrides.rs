//! `[[overrides]]`.

use roundsman_checks::expectation::CertificateExpectation;

use super::{certificate, form, site};
use crate::config::apply::{Match, Override};
use crate::config::glob::Glob;
use crate::config::reader::{Section, boolean, each, pairs, parsed};

/// Reads all overrides; `base` holds the thresholds of `[certificate]`, which each must fit.
pub(super) fn overrides(top: &Section<'_>, base: CertificateExpectation) -> Vec<Override> {
    top.sections("overrides")
        .into_iter()
        .map(|section| one(section, base))
        .collect()
}

fn one(section: Section<'_>, base: CertificateExpectation) -> Override {
    let mut entry = Override {
        matching: matching(&section),
        ..Override::default()
    };
    if let Some(inner) = section.section("site") {
        entry.site = site::site(inner);
    }
    if let Some(inner) = section.section("certificate") {
        entry.certificate = certificate::certificate(inner, base);
    }
    entry.skip = section.get("skip", each(parsed(form::check)));
    entry.repair = section.get("repair", boolean);
    section.finish();
    entry
}

fn matching(section: &Section<'_>) -> Match {
    let label = "say whom it concerns: match = { tenant = \"a*\" }, or a `status`, or `labels`";
    let Some(inner) = section.section("match") else {
        if section.key_span("match").is_none() {
            section.note(section.span(), "an entry of [[overrides]] has no `match`", label);
        }
        return Match::default();
    };
    let matching = Match {
        tenant: inner.get("tenant", parsed(form::filled)).map(Glob::new),
        status: inner.get("status", parsed(form::filled)),
        labels: inner
            .get("labels", pairs(form::filled, parsed(form::any)))
            .unwrap_or_default(),
    };
    if inner.is_empty() {
        section.note(inner.span(), "`match` of [[overrides]] is empty", label);
    }
    inner.finish();
    matching
}
