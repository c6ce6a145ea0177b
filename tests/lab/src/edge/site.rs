//! What the edge and the apps answer to a request: computed from the world and the faults, and
//! from nothing else.

use std::time::Duration;

use crate::fault::{Fault, FaultSet};
use crate::platform;
use crate::world::World;

/// An answer, described before it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Whose app answers; nobody's if the edge itself does.
    pub(crate) app: Option<String>,
    pub(crate) delay: Duration,
    /// The connection is closed instead of an answer.
    pub(crate) closes: bool,
    pub(crate) status: u16,
    pub(crate) location: Option<&'static str>,
    pub(crate) content: Content,
    /// The release that answers.
    pub(crate) version: &'static str,
    /// Whether the header is there that healthy answers carry.
    pub(crate) healthy_header: bool,
    pub(crate) huge_head: bool,
    /// A header besides.
    pub(crate) header: Option<(&'static str, String)>,
}

/// What the body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// What a healthy app has at this path.
    Document,
    Json(&'static str),
    UnknownTenant,
    Endless,
    Bomb,
    Drip,
    /// The healthy document behind a byte order mark.
    Marked,
    /// Said to be gzip, and plain.
    Unpacked,
    /// Gzip without its second half.
    Halved,
    /// One page for everybody.
    CatchAll,
}

/// Where the edge sends a request, and what comes of it if that app can be reached.
pub(crate) struct Routed<'w> {
    /// The tenant that was asked for, and the app that its request is replayed to; nobody and none if the edge does not
    /// know the name.
    pub(crate) replay: Option<(&'w str, String)>,
    pub(crate) plan: Plan,
}

/// What a request for this host gets at the edge.
pub(crate) fn plan<'w>(world: &'w World, faults: &FaultSet, host: &str) -> Routed<'w> {
    let tenant = world.tenant_of(host).or_else(|| deeper(world, faults, host));
    let Some(tenant) = tenant.filter(|tenant| faults.at(tenant, "tenant-unknown-to-edge").is_none()) else {
        return Routed {
            replay: None,
            plan: unknown(),
        };
    };
    if let Some(fault) = faults.at(tenant, "route-wrong-app") {
        return astray(world, faults, tenant, fault.detail());
    }
    let mut plan = app(world, faults, tenant);
    if let Some(fault) = faults.at(tenant, "route-wrong-tenant") {
        let other = fault.detail().and_then(|id| world.tenant(id));
        let first = world.tenants.iter().map(String::as_str).find(|id| *id != tenant);
        plan.app = other.or(first).map(str::to_owned);
    }
    Routed {
        replay: Some((tenant, platform::app_name(tenant))),
        plan,
    }
}

/// What comes of a request that is replayed to another app than the tenant's.
fn astray<'w>(world: &'w World, faults: &FaultSet, tenant: &'w str, target: Option<&str>) -> Routed<'w> {
    let first = || world.tenants.iter().find(|id| *id != tenant);
    let target = target.map(str::to_owned);
    let target = target
        .or_else(|| first().map(|id| platform::app_name(id)))
        .unwrap_or_default();
    let plan = match platform::tenant_of(world, &target) {
        Some(other) => app(world, faults, other),
        None => Plan {
            content: Content::Json(r#"{"service":"something else"}"#),
            healthy_header: false,
            ..healthy(None)
        },
    };
    Routed {
        replay: Some((tenant, target)),
        plan,
    }
}

/// What everybody gets at the edge, whatever the name, while the faults want it; `age` is for how long they are staged.
pub(crate) fn everybody(faults: &FaultSet, age: Duration) -> Option<Plan> {
    if let Some(fault) = faults.everywhere("edge-access-denied") {
        return Some(wall(fault.word()));
    }
    let limit = faults
        .everywhere("edge-rate-limited")
        .filter(|fault| lasts(fault, age, i64::MAX));
    if let Some(fault) = limit {
        let left = fault.detail().map_or(30_000, |_| left(fault, age));
        return Some(Plan {
            status: 429,
            header: Some(("retry-after", left.div_ceil(1_000).to_string())),
            ..refusal("slow down")
        });
    }
    let catch_all = faults.everywhere("catch-all").is_some();
    catch_all.then(|| Plan {
        content: Content::CatchAll,
        ..healthy(None)
    })
}

/// Whether a fault that ends by itself goes on; without a number it lasts for so many milliseconds.
pub(super) fn lasts(fault: &Fault, age: Duration, default: i64) -> bool {
    let milliseconds = u64::try_from(fault.number_or(default)).unwrap_or(0);
    age < Duration::from_millis(milliseconds)
}

fn left(fault: &Fault, age: Duration) -> u64 {
    let milliseconds = u64::try_from(fault.number_or(0)).unwrap_or(0);
    milliseconds.saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
}

fn wall(how: &str) -> Plan {
    match how {
        "401" => Plan {
            status: 401,
            header: Some(("www-authenticate", "Basic realm=\"lab\"".to_owned())),
            ..refusal("who are you?")
        },
        "login" => Plan {
            status: 302,
            location: Some("https://login.example.com/authorize"),
            ..refusal("")
        },
        "challenge" => Plan {
            status: 403,
            header: Some(("cf-mitigated", "challenge".to_owned())),
            ..refusal("one moment")
        },
        _ => Plan {
            status: 403,
            ..refusal("forbidden")
        },
    }
}

fn refusal(text: &'static str) -> Plan {
    Plan {
        content: Content::Json(text),
        healthy_header: false,
        ..healthy(None)
    }
}

/// What a request to the tenant's app itself gets.
pub(crate) fn direct(world: &World, faults: &FaultSet, tenant: &str) -> Plan {
    app(world, faults, tenant)
}

/// What a name gets that no tenant has.
pub(crate) fn unknown() -> Plan {
    Plan {
        status: 404,
        content: Content::UnknownTenant,
        healthy_header: false,
        ..healthy(None)
    }
}

/// The tenant whose host name has two labels, if this is such a name.
fn deeper<'w>(world: &'w World, faults: &FaultSet, host: &str) -> Option<&'w str> {
    let tenant = world.tenant(host.split_once('.')?.0)?;
    (platform::host(world, faults, tenant).eq_ignore_ascii_case(host)).then_some(tenant)
}

fn app(world: &World, faults: &FaultSet, tenant: &str) -> Plan {
    let mut plan = healthy(Some(tenant.to_owned()));
    if out(world, faults, tenant) {
        plan.status = 503;
        plan.content = Content::Json(r#"{"error":"upstream unavailable"}"#);
    }
    for fault in faults.of(tenant) {
        match fault.cause() {
            "site-status" => {
                plan.status = u16::try_from(fault.number_or(500)).unwrap_or(500);
                plan.content = Content::Json(r#"{"error":"the app answers otherwise"}"#);
            }
            "site-redirect" => {
                plan.status = 302;
                plan.location = Some("https://login.example.com/");
                plan.content = Content::Json("{}");
            }
            "site-body" => plan.content = Content::Json(r#"{"status":"odd"}"#),
            "site-header" => plan.healthy_header = false,
            "release-mismatch" if !matches!(fault.word(), "half" | "replacing" | "done") => plan.version = "00LAB",
            "site-slow" => {
                let milliseconds = u64::try_from(fault.number_or(2_500)).unwrap_or(2_500);
                plan.delay = Duration::from_millis(milliseconds);
            }
            "site-closed" => plan.closes = true,
            "app-unhealthy" => {
                plan.status = 503;
                plan.content = Content::Json(r#"{"status":"unhealthy"}"#);
            }
            "app-starting" if fault.word() != "machine" => {
                plan.status = 503;
                plan.content = Content::Json(r#"{"error":"service starting"}"#);
            }
            "site-mark" => plan.content = Content::Marked,
            "site-malformed" if fault.word() == "gzip" => plan.content = Content::Unpacked,
            "site-malformed" if fault.word() == "cut" => plan.content = Content::Halved,
            "endless-body" => plan.content = Content::Endless,
            "gzip-bomb" => plan.content = Content::Bomb,
            "huge-head" => plan.huge_head = true,
            "slow-drip" if fault.word() != "tls" => plan.content = Content::Drip,
            _ => {}
        }
    }
    plan
}

/// What an app says that nothing is wrong with.
pub(crate) fn healthy(app: Option<String>) -> Plan {
    Plan {
        app,
        delay: Duration::ZERO,
        closes: false,
        status: 200,
        location: None,
        version: "01LAB",
        content: Content::Document,
        healthy_header: true,
        huge_head: false,
        header: None,
    }
}

/// Whether an outage of the platform takes this tenant: of a hundred tenants in a row, as many as
/// there are percent, evenly spread.
fn out(world: &World, faults: &FaultSet, tenant: &str) -> bool {
    let Some(fault) = faults.everywhere("platform-outage") else {
        return false;
    };
    let percent = usize::try_from(fault.number_or(75)).unwrap_or(75);
    let hit = |at: usize| (at + 1) * percent / 100 > at * percent / 100;
    world.position(tenant).is_some_and(hit)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may end at once")]

    use super::plan;
    use crate::fault::FaultSet;
    use crate::options::LabOptions;
    use crate::world::World;

    #[test]
    fn an_outage_takes_its_share_of_the_tenants() {
        let world = World::new(&LabOptions::with_tenants(12)).unwrap();
        let failing = |text: &str| {
            let faults = FaultSet::new(&[text.parse().unwrap()]);
            let status = |id: &String| plan(&world, &faults, &world.host(id)).plan.status;
            world.tenants.iter().filter(|id| status(id) == 503).count()
        };
        assert_eq!(failing("platform-outage"), 9);
        assert_eq!(failing("platform-outage=50"), 6);
        assert_eq!(failing("platform-outage=0"), 0);
        assert_eq!(failing("platform-outage=100"), 12);
    }

    #[test]
    fn another_tenant_answers_under_a_wrong_route() {
        let world = World::new(&LabOptions::default()).unwrap();
        let app = |text: &str| {
            let faults = FaultSet::new(&[text.parse().unwrap()]);
            plan(&world, &faults, "q7f9.tenants.test").plan.app
        };
        assert_eq!(app("route-wrong-tenant@q7f9").as_deref(), Some("a3b1"));
        assert_eq!(app("route-wrong-tenant@q7f9=e51f").as_deref(), Some("e51f"));
        assert_eq!(app("route-wrong-tenant@a3b1").as_deref(), Some("q7f9"));
    }
}
