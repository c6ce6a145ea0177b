//! Whatever was found, and however wrong: no plan holds what must never be done. The worlds are made up, worse than any
//! that a round could see: causes that name objects of others, records of everybody, apps that are the edge.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod parts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use roundsman_checks::diagnosis::{Cause, CauseEntry, Confidence, Diagnosis, Object, Scope};
use roundsman_checks::evidence::{
    ApiAnswer, App, AppCertificate, CertificateState, Fault, Machine, Platform, Reason, ZoneRecord,
};
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::platform::standing::{AppStanding, MachineHappening, MachineStanding};
use roundsman_checks::target::{Hostname, Tenant};
use roundsman_checks::world::World;

use super::ledger::{Entry, Phase, Row};
use super::{History, Plan, Planning, Scene, Step, apps_to_look_at, check_standing, plan, sharing};
use crate::config::{Config, Flags, RepairAction};
use parts::*;

/// What holds everything, in most worlds nothing does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    Nothing,
    Fleet,
    Agent,
    Interrupted,
    Inventory,
    Nobody,
    NoPlatform,
    Apps,
    Region,
    Listing,
    OneApp,
}

#[derive(Clone, Debug)]
struct Case {
    apps: BTreeMap<String, App>,
    records: Vec<ZoneRecord>,
    causes: Vec<CauseEntry>,
    edge: &'static str,
    hold: Hold,
    stopped_by_hand: bool,
    releasing: bool,
    undone: Option<&'static str>,
}

fn case() -> impl Strategy<Value = Case> {
    let holds = [
        Hold::Fleet,
        Hold::Agent,
        Hold::Interrupted,
        Hold::Inventory,
        Hold::Nobody,
        Hold::NoPlatform,
        Hold::Apps,
        Hold::Region,
        Hold::Listing,
        Hold::OneApp,
    ];
    let hold = prop_oneof![
        4 => Just(Hold::Nothing),
        1 => prop::sample::select(holds.to_vec()),
    ];
    (
        apps(),
        prop::collection::vec(record(), 0..6),
        prop::collection::vec(entry(), 1..6),
        // A wrong `edge.app` in some worlds.
        pick(&["edge", "edge", "edge", "edge-2", "missing"]),
        hold,
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
        prop::option::weighted(0.4, pick(&["a.example.com", "b.example.com", "c.example.com"])),
    )
        .prop_map(
            |(apps, records, causes, edge, hold, stopped_by_hand, releasing, undone)| Case {
                apps,
                records,
                causes,
                edge,
                hold,
                stopped_by_hand,
                releasing,
                undone,
            },
        )
}

fn config() -> Config {
    let text = "domain = \"example.com\"\n[remediation]\nprotect = [\"vip-*\"]\n[[overrides]]\nmatch = { tenant = \"off-*\" }\nrepair = false\n";
    let config = Config::parse(text, Path::new("roundsman.toml")).unwrap();
    config
        .with_flags(&Flags::default())
        .unwrap_or_else(|_| Config::parse(text, Path::new("x")).unwrap())
}

fn tenants() -> Vec<Arc<Tenant>> {
    let domain = Hostname::parse(DOMAIN).unwrap();
    let tenant = |id: &&str| {
        let tenant = Tenant::below(&domain, id).unwrap();
        Arc::new(Tenant {
            app: format!("sp-{id}"),
            inactive: *id == "gone",
            ..tenant
        })
    };
    // So many that no cause is shared by too many of them.
    let others = (0..400).map(|number| Arc::new(Tenant::below(&domain, &format!("z{number}")).unwrap()));
    IDS.iter().map(tenant).chain(others).collect()
}

impl Case {
    fn world(&self, known: &Arc<Vec<Arc<Tenant>>>) -> World {
        let fault = || Fault::new(Reason::PlatformPartial, "a page is missing");
        let mut apps = self.apps.clone();
        if self.hold == Hold::OneApp
            && let Some(app) = apps.values_mut().next()
        {
            app.certificates_missing = Some(fault());
        }
        let platform = Platform {
            edge_app: self.edge.to_owned(),
            apps_missing: (self.hold == Hold::Apps).then(fault),
            silent_regions: (self.hold == Hold::Region)
                .then(|| "lhr".to_owned())
                .into_iter()
                .collect(),
            apps,
            ..Platform::default()
        };
        World {
            now: Timestamp::UNIX_EPOCH,
            domain: Hostname::parse(DOMAIN).unwrap(),
            selected: Check::ALL.into(),
            vantage: roundsman_checks::evidence::VantageEvidence::default(),
            zone: zone(),
            edge: roundsman_checks::world::EdgeEvidence::default(),
            wildcard: roundsman_checks::expectation::CertificateExpectation::default(),
            platform: match self.hold {
                Hold::NoPlatform => ApiAnswer::Unknown(fault()),
                _ => ApiAnswer::Known(Arc::new(platform)),
            },
            listing: match self.hold {
                Hold::Listing => ApiAnswer::Unknown(fault()),
                _ => ApiAnswer::Known(Arc::new(self.records.clone())),
            },
            listed_at: None,
            zone_id: None,
            inventory: (self.hold == Hold::Inventory).then(fault).into_iter().collect(),
            known: match self.hold {
                Hold::Nobody => Arc::default(),
                _ => Arc::clone(known),
            },
            tenants: Vec::new(),
            chains: BTreeMap::new(),
            interrupted: self.hold == Hold::Interrupted,
        }
    }

    fn diagnosis(&self) -> Diagnosis {
        let shared = |cause, scope| CauseEntry {
            cause,
            scope,
            object: Object::Wildcard("*.example.com".into()),
            outcome: Outcome::Fail,
            confidence: Confidence::Confirmed,
            tenants: BTreeSet::new(),
            evidence: Vec::new(),
            remedy: Vec::new(),
        };
        let held = match self.hold {
            Hold::Fleet => Some(shared(Cause::WildcardCertificateMissing, Scope::Fleet)),
            Hold::Agent => Some(shared(Cause::EdgeAppMismatch, Scope::Agent)),
            _ => None,
        };
        Diagnosis {
            fleet: Vec::new(),
            causes: held.into_iter().chain(self.causes.iter().cloned()).collect(),
            tenants: Vec::new(),
            follow_ups: Vec::new(),
        }
    }

    fn standing(&self, app: &str) -> Result<AppStanding, Fault> {
        let machines = self
            .apps
            .get(app)
            .map(|app| app.machines.as_slice())
            .unwrap_or_default();
        let stop = MachineHappening {
            kind: "stop".to_owned(),
            source: "user".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        let standing = |machine: &Machine| MachineStanding {
            id: machine.id.clone(),
            state: machine.state.clone(),
            hands_off: machine.hands_off,
            leased: false,
            events: self.stopped_by_hand.then(|| stop.clone()).into_iter().collect(),
        };
        Ok(AppStanding {
            releasing: self.releasing,
            machines: machines.iter().map(standing).collect(),
        })
    }

    fn history(&self) -> Vec<Row> {
        let row = |name: &str| Row {
            seq: 1,
            hash: String::new(),
            entry: Entry {
                at: Timestamp::UNIX_EPOCH,
                plan: "r-1".to_owned(),
                tenant: "a".to_owned(),
                cause: "dns-override".to_owned(),
                action: "delete-dns-record".to_owned(),
                object: format!("A {name}"),
                phase: Phase::Undone,
                by: "ann".to_owned(),
                undo: None,
                detail: "{}".to_owned(),
            },
        };
        self.undone.map(row).into_iter().collect()
    }
}

fn zone() -> roundsman_checks::evidence::ZoneEvidence {
    roundsman_checks::evidence::ZoneEvidence::unseen(Hostname::parse("x.example.com").unwrap())
}

impl Case {
    fn planned(&self) -> Planning {
        let (config, known) = (config(), Arc::new(tenants()));
        let (world, diagnosis, rows) = (self.world(&known), self.diagnosis(), self.history());
        let (sharing, nothing) = (sharing(&diagnosis), BTreeMap::new());
        let scene = Scene {
            now: Timestamp::UNIX_EPOCH,
            config: &config,
            world: &world,
            diagnosis: &diagnosis,
            complete: true,
            sharing: &sharing,
            tenants: known.len(),
            standing: &nothing,
            history: History::of(&rows),
            crashing: &BTreeSet::new(),
            most: None,
        };
        let first = plan(&scene, None);
        let standing = apps_to_look_at(&first).into_iter().map(|app| {
            let standing = self.standing(&app);
            (app, standing)
        });
        let standing = standing.collect::<BTreeMap<_, _>>();
        check_standing(
            &Scene {
                standing: &standing,
                ..scene
            },
            first,
        )
    }
}

#[test]
fn the_worlds_lead_to_every_action_and_every_guard_over_the_world() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut actions, mut guards) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..3_000 {
        let case = case().new_tree(&mut runner).unwrap().current();
        let Planning { plans, refusals } = case.planned();
        actions.extend(plans.iter().flat_map(|plan| &plan.repair.steps).map(Step::action));
        guards.extend(refusals.iter().map(|refusal| refusal.guard.as_str()));
    }
    assert!(actions.is_superset(&RepairAction::CHANGES.into()), "{actions:?}");
    for guard in [
        "agent-cause",
        "fleet-cause",
        "inventory-partial",
        "inactive",
        "repair-off",
        "protected",
        "managed-elsewhere",
        "custom-domain",
        "reserved-name",
        "imported-certificate",
        "not-confirmed",
        "covered-by-wildcard",
        "recreated",
        "stopped-by-hand",
        "deploy-in-progress",
    ] {
        assert!(guards.contains(guard), "{guard}: {guards:?}");
    }
}

/// Why a step must never be planned.
fn forbidden(case: &Case, plan: &Plan, step: &Step) -> Option<&'static str> {
    let domain = Hostname::parse(DOMAIN).unwrap();
    let app = |name: &str| case.apps.get(name);
    let edge = app(case.edge);
    let under = |name: &str| name.is_ascii() && name.ends_with(".example.com") && !name.contains('*');
    let marked = |name: &str| {
        app(name).is_some_and(|app| {
            let mut standing = app.machines.iter().filter(|machine| !machine.is_gone()).peekable();
            standing.peek().is_some() && standing.all(|machine| machine.hands_off)
        })
    };
    if step.app().is_some_and(marked) {
        return Some("an app that is marked");
    }
    match step {
        Step::RemoveCertificate { app: holder, name, .. } => {
            let held = app(holder).and_then(|app| app.certificates.iter().find(|held| held.hostname == *name));
            match held {
                _ if holder == case.edge => Some("a certificate of the edge"),
                None => Some("a certificate that nobody saw"),
                Some(held) if held.imported => Some("an imported certificate"),
                Some(_) if !under(name) && !name.starts_with('\u{202e}') => Some("a name that is never touched"),
                Some(_) if !case.apps.contains_key(holder) => Some("an app that is not there"),
                Some(_) if plan.automatic() && !IDS.iter().any(|id| *holder == format!("sp-{id}")) => {
                    Some("by itself at an app that is no tenant's")
                }
                Some(_) => None,
            }
        }
        Step::AddCertificate { app: holder, name } => {
            let ready = |held: &AppCertificate| {
                held.state == CertificateState::Ready && roundsman_checks::chain::covers(&held.hostname, name)
            };
            match () {
                () if holder != case.edge => Some("a certificate elsewhere than at the edge"),
                () if edge.is_some_and(|edge| edge.certificates.iter().any(ready)) => Some("covered already"),
                () if !under(name) => Some("a name that is never touched"),
                () => None,
            }
        }
        Step::DeleteRecord(record) => {
            let managed = record.comment.as_deref().is_some_and(|comment| comment != "by hand");
            let name = record.name.as_str();
            let own = Hostname::parse(name).is_ok_and(|name| name.is_within(&domain));
            match () {
                () if !case.records.contains(record) => Some("a record that nobody listed"),
                () if managed => Some("a record that somebody keeps"),
                () if matches!(record.kind.as_str(), "MX" | "NS" | "SOA") => Some("a type that is never touched"),
                () if name == DOMAIN || name.contains('*') || name == "_acme-challenge.example.com" => {
                    Some("a name that is never touched")
                }
                () if name.is_ascii() && !own => Some("a name of somebody else"),
                () => None,
            }
        }
        Step::StartMachine(machine) | Step::RestartMachine(machine) => {
            let found = app(&machine.app).and_then(|app| app.machines.iter().find(|other| other.id == machine.id));
            match found {
                None => Some("a machine that nobody saw"),
                Some(machine) if machine.hands_off => Some("a machine that is marked"),
                Some(_) if case.stopped_by_hand => Some("a machine that a person stopped"),
                Some(_) if case.releasing => Some("a machine in a deploy"),
                Some(_) => None,
            }
        }
        Step::Wait { .. } => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn no_plan_holds_what_is_forbidden(case in case()) {
        let Planning { plans, refusals } = case.planned();
        if case.hold != Hold::Nothing && !(case.hold == Hold::OneApp && case.apps.is_empty()) {
            prop_assert!(plans.is_empty(), "{:?}: {plans:?}", case.hold);
        }
        for plan in &plans {
            prop_assert_eq!(plan.repair.confidence, Confidence::Confirmed);
            prop_assert!(!plan.repair.steps.is_empty());
            for tenant in &plan.repair.concerned {
                let id = tenant.id.as_str();
                prop_assert!(!matches!(id, "vip-1" | "off-1" | "gone"), "{id}: {plan:?}");
            }
            for step in &plan.repair.steps {
                prop_assert_eq!(forbidden(&case, plan, step), None, "{:?} of {:?}", step, plan);
            }
            let undone = case.undone.map(|name| format!("A {name}"));
            prop_assert!(plan.repair.steps.iter().all(|step| Some(step.object()) != undone));
        }
        let told = refusals.iter().all(|refusal| !refusal.message.is_empty());
        prop_assert!(told, "{refusals:?}");
    }
}

/// How many worlds; more by hand: `PROPTEST_CASES=100000`.
fn cases() -> u32 {
    let set = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    set.unwrap_or(1_000)
}
