//! The recorded worlds of the lab with a platform, each with one thing broken.

use std::io::{BufRead, BufReader};
use std::sync::LazyLock;

use roundsman_checks::diagnosis::{Diagnosis, TenantVerdict, diagnose};
use roundsman_checks::world::{TenantEvidence, World};
use serde::Deserialize;

/// The tenant at which the faults of one tenant are staged, and the second one at which they are staged again.
pub(crate) const FIRST: &str = "q7f9";
pub(crate) const SECOND: &str = "a3b1";

/// A world with one thing broken, and what is said of it alone.
pub(crate) struct Alone {
    pub fault: String,
    pub world: World,
    pub diagnosis: Diagnosis,
}

impl Alone {
    /// What was seen of a tenant.
    pub(crate) fn tenant(&self, id: &str) -> &TenantEvidence {
        tenant(&self.world, id)
    }

    /// What is said of a tenant.
    pub(crate) fn verdict(&self, id: &str) -> &TenantVerdict {
        verdict(&self.diagnosis, id)
    }
}

/// What was seen of a tenant in a world.
pub(crate) fn tenant<'w>(world: &'w World, id: &str) -> &'w TenantEvidence {
    let mut tenants = world.tenants.iter();
    tenants
        .find(|tenant| tenant.tenant.id.as_str() == id)
        .expect("the tenant")
}

/// What a diagnosis says of a tenant.
pub(crate) fn verdict<'d>(diagnosis: &'d Diagnosis, id: &str) -> &'d TenantVerdict {
    let mut verdicts = diagnosis.tenants.iter();
    verdicts
        .find(|verdict| verdict.tenant.as_str() == id)
        .expect("the tenant")
}

/// The healthy world.
pub(crate) fn healthy() -> &'static Alone {
    RECORDED
        .iter()
        .find(|alone| alone.fault.is_empty())
        .expect("a healthy world")
}

/// Those about agent or fleet.
pub(crate) fn of_fleet() -> Vec<&'static Alone> {
    let broken = RECORDED.iter().filter(|alone| !alone.fault.is_empty());
    broken.filter(|alone| !alone.fault.contains('@')).collect()
}

/// Those about this tenant.
pub(crate) fn of_tenant(id: &str) -> Vec<&'static Alone> {
    let at = format!("@{id}");
    RECORDED.iter().filter(|alone| alone.fault.contains(&at)).collect()
}

static RECORDED: LazyLock<Vec<Alone>> = LazyLock::new(|| {
    ["platform.jsonl.gz", "beside.jsonl.gz"]
        .into_iter()
        .flat_map(read)
        .collect()
});

#[derive(Deserialize)]
struct Recorded {
    faults: Vec<String>,
    world: World,
}

fn read(file: &str) -> impl Iterator<Item = Alone> + use<> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let file = std::fs::File::open(std::path::Path::new(folder).join(file)).expect("the recorded worlds");
    let lines = BufReader::new(flate2::read::GzDecoder::new(file)).lines();
    lines.map(|line| {
        let recorded = serde_json::from_str::<Recorded>(&line.expect("a line")).expect("a world");
        Alone {
            fault: recorded.faults.join(" "),
            diagnosis: diagnose(&recorded.world),
            world: recorded.world,
        }
    })
}

/// One line per world: what was staged, and what is said of it. The pairs are held against this.
#[test]
fn what_each_world_says_alone_stays() {
    let lines = RECORDED
        .iter()
        .map(|alone| format!("{:<48}{}", alone.fault, crate::told(&alone.diagnosis)));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}
