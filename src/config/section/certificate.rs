//! `[certificate]`, also inside of an override.

use std::ops::Range;

use roundsman_checks::expectation::CertificateExpectation;

use crate::config::form::fraction;
use crate::config::reader::Section;
use crate::config::table::{Patch, keys};

/// The name of the table in the schema.
pub type Certificate = CertificateExpectation;

keys! {
    /// When a certificate is expiring, as remaining fractions of its lifetime.
    Certificate {
        /// Below this it is a warning.
        warn_below => fraction();
        /// Below this it is a failure; not above `warn_below`.
        fail_below => fraction();
    }
    check thresholds;
}

fn thresholds(section: &Section<'_>, whole: &mut Certificate) {
    let span = |key| section.value(key).map(toml::Spanned::span);
    note_crossed(section, *whole, span("warn_below"), span("fail_below"));
}

/// Notes thresholds of an override that cross over what `base` says.
pub(in crate::config) fn check_patch(section: &Section<'_>, patch: &Patch<Certificate>, base: Certificate) {
    let mut whole = base;
    patch.apply(&mut whole);
    note_crossed(section, whole, patch.span("warn_below"), patch.span("fail_below"));
}

fn note_crossed(section: &Section<'_>, whole: Certificate, warn: Option<Range<usize>>, fail: Option<Range<usize>>) {
    if whole.fail_below <= whole.warn_below {
        return;
    }
    let title = format!(
        "`fail_below` is above `warn_below` ({} > {})",
        whole.fail_below, whole.warn_below
    );
    let label = "a certificate would fail before it warns: lower `fail_below` or raise `warn_below`";
    match (fail, warn) {
        (Some(fail), Some(warn)) => section.note_both((fail, label), (warn, "the warning"), title),
        (Some(one), None) | (None, Some(one)) => section.note(one, title, label),
        // The base is wrong by itself, which is said where it stands.
        (None, None) => {}
    }
}
