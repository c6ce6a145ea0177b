//! Tenant rules about releases: which machine runs, and what the site answers with, where a release is expected.

use super::tenant_rules::TenantContext;
use super::{AppFact, Fact, Object, Proof, Remedy, Wait};
use crate::evidence::Reason;
use crate::finding::Check;
use crate::reading::{MachineRelease, other_releases};

/// A machine that runs another image explains `app` alone: whether the answer is wrong for that is not proven by it.
pub(super) fn machines(subject: &TenantContext<'_>) -> Option<Proof> {
    if subject.findings.of(Check::App).reason != Some(Reason::PlatformRelease) {
        return None;
    }
    let expected = subject.tenant.expectation.image.as_ref()?;
    let app = subject.tenant.told(subject.context.platform()?).app?;
    let other = other_releases(expected, app);
    let all = app.machines.iter().filter(|machine| !machine.is_gone()).count();
    let right = all.saturating_sub(other.len());
    let runs = other.iter().map(|machine| AppFact::Runs(MachineRelease::of(machine)));
    let expects = AppFact::Expects {
        image: expected.to_string(),
        app: app.name.clone(),
        machines: (right, all),
    };
    let evidence = runs.chain([expects]).map(Fact::from).collect();
    let proof = Proof::fail(Object::App(app.name.clone()), evidence)
        .because(Reason::PlatformRelease)
        .only(Check::App);
    Some(proof.remedy(deploy(&app.name)))
}

/// The answer is right but for its version.
pub(super) fn answer(subject: &TenantContext<'_>) -> Option<Proof> {
    let finding = subject.findings.of(Check::Site);
    if finding.reason != Some(Reason::HttpRelease) {
        return None;
    }
    let app = &subject.tenant.tenant.app;
    let expects = AppFact::ExpectsAnswer {
        name: subject.name().to_owned(),
        message: finding.message.clone(),
        version: finding.expected.clone().unwrap_or_default(),
    };
    let proof = Proof::fail(Object::App(app.clone()), vec![expects.into()])
        .because(Reason::HttpRelease)
        .only(Check::Site);
    Some(proof.remedy(deploy(app)))
}

fn deploy(app: &str) -> Remedy {
    Remedy::wait(Wait::Deploy(app.to_owned()))
}
