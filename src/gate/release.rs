//! The release that a run was told to expect: where it was seen.

use roundsman_checks::diagnosis::{Diagnosis, TenantVerdict};
use roundsman_checks::evidence::Reason;
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::reading::runs_expected;
use roundsman_checks::release::ExpectedImage;
use roundsman_checks::world::World;

/// As in `v43 on 2 of 2 machines, 1.4.2 in 2 of 2 answers`; `None` where no release was expected, or where nobody could
/// look at one.
pub(crate) fn release_seen(world: &World, diagnosis: &Diagnosis) -> Option<String> {
    // What is expected is the run's, and the same of every tenant.
    let expected = &world.tenants.first()?.expectation;
    let image = expected.image.as_ref().and_then(|image| on_machines(world, image));
    let version = expected.site.version.as_ref();
    let version = version.and_then(|version| in_answers(&diagnosis.tenants, &version.value));
    let parts = [image, version].into_iter().flatten().collect::<Vec<_>>();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn on_machines(world: &World, image: &ExpectedImage) -> Option<String> {
    let platform = world.platform.known()?;
    let judged = world.tenants.iter().filter(|tenant| !tenant.tenant.inactive);
    let apps = judged.filter_map(|tenant| platform.apps.get(&tenant.tenant.app));
    let (mut all, mut right) = (0, 0);
    for app in apps {
        let machines = app.machines.iter().filter(|machine| !machine.is_gone());
        all += machines.clone().count();
        // One whose image is not told is not seen to run it.
        right += machines
            .filter(|machine| !machine.state.is_on_its_way() && runs_expected(image, app, machine) == Some(true))
            .count();
    }
    Some(format!("{} on {right} of {all} machines", image.short()))
}

/// An answer that is as expected, or only slow, carries the version. Of one that is wrong in another way it is not known.
fn in_answers(tenants: &[TenantVerdict], version: &str) -> Option<String> {
    let (mut all, mut right) = (0, 0);
    for site in tenants.iter().map(|tenant| tenant.findings.of(Check::Site)) {
        let carries = matches!(site.outcome, Outcome::Pass | Outcome::Warn);
        all += usize::from(carries || site.reason == Some(Reason::HttpRelease));
        right += usize::from(carries);
    }
    (all > 0).then(|| format!("{version} in {right} of {all} answers"))
}
