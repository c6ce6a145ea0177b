//! Tenant rules about releases: which machine runs, and what the site answers with, where a release is expected.

use super::tenant_rules::Subject;
use super::{Proof, Remedy};
use crate::check::{other_releases, runs};
use crate::evidence::Reason;
use crate::finding::Check;

/// A machine that runs another image explains `app` alone: whether the answer is wrong for that is not proven by it.
pub(super) fn machines(subject: &Subject<'_, '_>) -> Option<Proof> {
    if subject.findings.of(Check::App).reason != Some(Reason::PlatformRelease) {
        return None;
    }
    let expected = subject.tenant.expectation.image.as_ref()?;
    let app = subject
        .context
        .world
        .platform
        .known()?
        .apps
        .get(&subject.tenant.tenant.app)?;
    let other = other_releases(expected, app);
    let all = app.machines.iter().filter(|machine| !machine.is_gone()).count();
    let right = all.saturating_sub(other.len());
    let mut evidence = other.iter().map(|machine| runs(machine)).collect::<Vec<_>>();
    evidence.push(format!(
        "{expected} is expected on every machine of {}, and runs on {right} of {}",
        app.name, all
    ));
    let proof = Proof::fail(&app.name, evidence)
        .because(Reason::PlatformRelease)
        .only(Check::App);
    Some(proof.remedy(deploy(&app.name)))
}

/// The answer is right but for its version.
pub(super) fn answer(subject: &Subject<'_, '_>) -> Option<Proof> {
    let finding = subject.findings.of(Check::Site);
    if finding.reason != Some(Reason::HttpRelease) {
        return None;
    }
    let expected = finding.expected.clone().unwrap_or_default();
    let app = &subject.tenant.tenant.app;
    let evidence = vec![format!(
        "{} {}, {expected} is expected",
        subject.name(),
        finding.message
    )];
    let proof = Proof::fail(app, evidence)
        .because(Reason::HttpRelease)
        .only(Check::Site);
    Some(proof.remedy(deploy(app)))
}

fn deploy(app: &str) -> Remedy {
    Remedy::wait(format!(
        "wait until the deploy has replaced every machine (fly status -a {app}); where none is under way, deploy again"
    ))
}
