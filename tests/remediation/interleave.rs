//! A second tool changes the world between a plan and its calls: no call is made that the plan did not mean.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use roundsman::agent::{Stop, USER_AGENT, clock};
use roundsman::config::{RepairAction, Secret};
use roundsman::remediation::ledger::{Entry, Phase, Row};
use roundsman::remediation::{
    Addresses, Engine, Hands, History, Keep, Permit, Plan, Scene, Switch, apps_to_look_at, check_standing, plan,
    sharing,
};
use roundsman_lab::LabOptions;
use serde_json::{Value, json};

use crate::support::{Bench, bench};

/// How many are tried; more by hand: `ROUNDSMAN_INTERLEAVINGS=1000`.
fn count() -> usize {
    let set = std::env::var("ROUNDSMAN_INTERLEAVINGS").ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(60)
}

const FAULTS: [&str; 3] = ["dns-override@q7f9=a", "certificate-conflict@a3b1", "app-stopped@c04e"];

/// What the second tool does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Other {
    Nothing,
    /// It does the very same.
    Same,
    /// The record is another one now.
    Content,
    /// Something else stands at the name.
    Beside,
    /// A deploy begins.
    Deploy,
    /// A person stops the machine.
    Stop,
}

/// When it does that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Before,
    /// While the intent is written.
    Writing,
}

/// A ledger in memory, during whose first row the second tool acts.
struct Memory<'m> {
    rows: RefCell<Vec<Row>>,
    tool: &'m Tool<'m>,
    moment: Moment,
}

impl Keep for Memory<'_> {
    fn append(&self, entry: Entry) -> LocalBoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            if self.moment == Moment::Writing && entry.phase == Phase::Intent {
                self.tool.act().await;
            }
            let mut rows = self.rows.borrow_mut();
            let seq = rows.len() as i64 + 1;
            let hash = entry.hash(seq, "");
            rows.push(Row { seq, entry, hash });
            Ok(())
        })
    }

    fn rows(&self) -> Result<Vec<Row>, String> {
        Ok(self.rows.borrow().clone())
    }
}

struct Tool<'t> {
    bench: &'t Bench,
    client: reqwest::Client,
    plan: Plan,
    does: Other,
    /// What the platform saw of it.
    calls: RefCell<Vec<String>>,
}

impl Tool<'_> {
    async fn call(&self, method: reqwest::Method, path: &str, body: Option<Value>) {
        let url = format!("{}{path}", self.bench.lab.api_url().expect("a platform"));
        let token = match path.starts_with("/client") {
            true => self.bench.lab.cloudflare_token(),
            false => self.bench.lab.fly_token(),
        };
        let mut request = self.client.request(method.clone(), url).bearer_auth(token);
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{method} {path}: {}", answer.status());
        self.calls.borrow_mut().push(format!("{method} {path}"));
    }

    async fn act(&self) {
        const ZONE: &str = "/client/v4/zones/1ab00000000000000000000000000d05/dns_records";
        let repair = &self.plan.repair;
        let step = &repair.steps[0];
        let (app, name) = (&repair.tenant.app, repair.tenant.hostname.as_str());
        match (self.does, step.action()) {
            (Other::Same, RepairAction::DeleteDnsRecord) => {
                let id = &step.record().expect("a record").id;
                self.call(reqwest::Method::DELETE, &format!("{ZONE}/{id}"), None).await;
            }
            (Other::Same, RepairAction::RemoveCertificate) => {
                let path = format!("/v1/apps/{app}/certificates/{name}");
                self.call(reqwest::Method::DELETE, &path, None).await;
            }
            (Other::Same, _) => {
                let machine = &step.machine().expect("a machine").id;
                let path = format!("/v1/apps/{app}/machines/{machine}/start");
                self.call(reqwest::Method::POST, &path, None).await;
            }
            (Other::Stop, RepairAction::StartMachine) => {
                let machine = &step.machine().expect("a machine").id;
                let path = format!("/v1/apps/{app}/machines/{machine}/stop");
                self.call(reqwest::Method::POST, &path, None).await;
            }
            (Other::Content, RepairAction::DeleteDnsRecord) => {
                let id = &step.record().expect("a record").id;
                self.call(reqwest::Method::DELETE, &format!("{ZONE}/{id}"), None).await;
                let body = json!({ "name": name, "type": "A", "content": "192.0.2.77", "ttl": 60 });
                self.call(reqwest::Method::POST, ZONE, Some(body)).await;
            }
            (Other::Beside, RepairAction::DeleteDnsRecord) => {
                let body = json!({ "name": name, "type": "TXT", "content": "mine", "ttl": 60 });
                self.call(reqwest::Method::POST, ZONE, Some(body)).await;
            }
            (Other::Deploy, RepairAction::RemoveCertificate | RepairAction::StartMachine) => {
                let fault = format!("deploying@{}=lease", repair.tenant.id);
                self.bench
                    .lab
                    .stage(fault.parse().expect("a fault"))
                    .await
                    .expect("staged");
            }
            _ => {}
        }
    }

    /// Whether the engine may still make its call after that.
    fn leaves_it(&self) -> bool {
        let action = self.plan.repair.steps[0].action();
        let of_record = action == RepairAction::DeleteDnsRecord;
        match self.does {
            Other::Nothing => true,
            Other::Same => false,
            Other::Content | Other::Beside => !of_record,
            Other::Deploy => of_record,
            Other::Stop => action != RepairAction::StartMachine,
        }
    }
}

async fn planned(bench: &Bench) -> Vec<Plan> {
    let (round, _) = bench.round_with_platform().await;
    let (sharing, nothing) = (sharing(&round.diagnosis), BTreeMap::new());
    let scene = Scene {
        now: clock::now(),
        config: &bench.setup.config,
        world: &round.world,
        diagnosis: &round.diagnosis,
        complete: true,
        sharing: &sharing,
        tenants: round.world.known.len(),
        standing: &nothing,
        history: History::default(),
        crashing: &BTreeSet::new(),
        most: None,
    };
    let first = plan(&scene, None);
    let platform = bench.setup.clients.platform.as_ref().expect("a platform");
    let mut standing = BTreeMap::new();
    for app in apps_to_look_at(&first) {
        let told = platform.standing(&app).await;
        standing.insert(app, told);
    }
    let scene = Scene {
        standing: &standing,
        ..scene
    };
    let planning = check_standing(&scene, first);
    assert_eq!(planning.plans.len(), FAULTS.len(), "{:?}", planning.refusals);
    planning.plans
}

#[tokio::test]
async fn a_second_tool_that_is_faster_is_never_undone() {
    let options = LabOptions {
        tenants: ["q7f9", "a3b1", "c04e", "d9a2"].map(str::to_owned).into(),
        ..LabOptions::with_platform()
    };
    let mut bench = bench(options).await;
    let folder = tempfile::tempdir().expect("a folder");
    let token = |name: &str, token: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, token).expect("the token is written");
        Secret::File(path)
    };
    let rules = &mut bench.setup.config.remediation;
    rules.fly_token = token("fly", bench.lab.fly_token());
    rules.cloudflare_token = token("cloudflare", bench.lab.cloudflare_token());
    rules.verify_for = Duration::from_secs(1);
    let bench = bench;
    let calls = roundsman_checks::platform::Calls::default();
    let hands = Hands::new(&bench.setup.config, USER_AGENT, &calls).expect("tokens");
    let switch = Switch::of(&folder.path().join("none.db"));
    let faults = FAULTS.map(str::to_owned);
    bench.stage(&faults).await;
    let plans = planned(&bench).await;
    for number in 0..count() {
        let all = [
            Other::Nothing,
            Other::Same,
            Other::Content,
            Other::Beside,
            Other::Deploy,
            Other::Stop,
        ];
        let does = all[fastrand::usize(..all.len())];
        let moment = if fastrand::bool() {
            Moment::Before
        } else {
            Moment::Writing
        };
        let plan = plans[fastrand::usize(..plans.len())].clone();
        bench.stage(&faults).await;
        let before = bench.lab.writes().len();
        let tool = Tool {
            bench: &bench,
            client: reqwest::Client::new(),
            plan: plan.clone(),
            does,
            calls: RefCell::default(),
        };
        if moment == Moment::Before {
            tool.act().await;
        }
        let memory = Memory {
            rows: RefCell::default(),
            tool: &tool,
            moment,
        };
        let engine = Engine {
            setup: &bench.setup,
            hands: &hands,
            keep: &memory,
            switch: &switch,
            by: "a test".to_owned(),
            addresses: Addresses::default(),
            tenants: 4,
            stop: Stop::never(),
        };
        let permit = Permit {
            actions: BTreeSet::from(RepairAction::CHANGES),
            batch: 1,
            ..Permit::default()
        };
        let what = format!("{number}: {does:?} {moment:?} {}", plan.repair.cause);
        let carried = engine
            .carry_out(vec![plan], &permit, clock::now(), &|_| Box::pin(async { None }))
            .await;
        let ours = bench.lab.writes().len() - before - tool.calls.borrow().len();
        assert_eq!(ours, usize::from(tool.leaves_it()), "{what}: {:?}", carried[0].steps);
        let phases = memory
            .rows
            .borrow()
            .iter()
            .map(|row| row.entry.phase)
            .collect::<Vec<_>>();
        assert_ne!(phases.last(), Some(&Phase::Intent), "{what}: {phases:?}");
    }
}
