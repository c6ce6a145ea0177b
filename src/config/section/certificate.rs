//! `[certificate]`, also inside of an override.

use roundsman_checks::expectation::CertificateExpectation;

use crate::config::apply::CertificatePatch;
use crate::config::reader::{Section, fraction};

/// Reads the thresholds; `base` is what holds where a key is not said.
pub(super) fn certificate(section: Section<'_>, base: CertificateExpectation) -> CertificatePatch {
    let patch = CertificatePatch {
        warn_below: section.get("warn_below", fraction),
        fail_below: section.get("fail_below", fraction),
    };
    let mut whole = base;
    patch.apply(&mut whole);
    if whole.fail_below > whole.warn_below {
        let (warn, fail) = (section.value("warn_below"), section.value("fail_below"));
        let title = format!(
            "`fail_below` is above `warn_below` ({} > {})",
            whole.fail_below, whole.warn_below
        );
        let label = "a certificate would fail before it warns: lower `fail_below` or raise `warn_below`";
        match (fail, warn) {
            (Some(fail), Some(warn)) => section.note_both((fail.span(), label), (warn.span(), "the warning"), title),
            (Some(one), None) | (None, Some(one)) => section.note(one.span(), title, label),
            // The base is wrong by itself, which is said where it stands.
            (None, None) => {}
        }
    }
    section.finish();
    patch
}
