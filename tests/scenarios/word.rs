//! The word on one app, over real sockets: the same as the reading in bulk has of it, or none.

use roundsman::agent::Fetch;
use roundsman_checks::evidence::{App, Fault, Machine, Platform, Reason};
use roundsman_lab::LabOptions;

use crate::support::{Bench, bench};

async fn word(bench: &Bench, app: &str) -> Result<Option<App>, Fault> {
    let client = bench.setup.clients.platform.as_ref().expect("a platform");
    client.app("lab", app).await
}

async fn bulk(bench: &Bench) -> Platform {
    bench.setup.clients.begin_round();
    let read = bench.setup.clients.read(Fetch::ALL).await;
    (**read.platform.known().expect("the platform answers")).clone()
}

/// An app without what only the detail of its machines tells.
fn without_details(mut app: App) -> App {
    for machine in &mut app.machines {
        *machine = Machine {
            digest: None,
            healthy: None,
            host_down: false,
            ..std::mem::take(machine)
        };
    }
    app
}

fn staged(faults: &[&str]) -> Vec<String> {
    faults.iter().map(|fault| (*fault).to_owned()).collect()
}

#[tokio::test]
async fn one_app_is_told_as_the_bulk_tells_it() {
    let bench = bench(LabOptions::with_platform()).await;
    let faults = staged(&[
        "app-crashed@q7f9=oom",
        "certificate-conflict@a3b1",
        "app-asleep@c04e",
        "app-missing@d9a2",
    ]);
    bench.stage(&faults).await;
    let all = bulk(&bench).await;
    for app in ["sp-q7f9", "sp-a3b1", "sp-c04e", "sp-e51f", "management-api-prod"] {
        let told = word(&bench, app).await.expect("a word").expect("an app");
        assert_eq!(without_details(told), without_details(all.apps[app].clone()), "{app}");
    }
    assert_eq!(word(&bench, "sp-d9a2").await, Ok(None));
    let elsewhere = word(&bench, "someone-elses-app").await.expect_err("another's app");
    assert_eq!(elsewhere.reason, Reason::PlatformForbidden);
}

#[tokio::test]
async fn what_is_not_whole_is_no_word_and_a_closed_api_is_left_in_peace() {
    let bench = bench(LabOptions::with_platform()).await;
    bulk(&bench).await;
    bench.stage(&staged(&["platform-api-unavailable=region:lhr"])).await;
    let mut refused = 0;
    for tenant in ["q7f9", "a3b1", "c04e", "d9a2", "e51f"] {
        refused += usize::from(word(&bench, &format!("sp-{tenant}")).await.is_err());
    }
    assert!(refused > 0, "machines in a region that does not answer are not known");
    bench.stage(&staged(&["platform-api-unauthorized"])).await;
    assert!(word(&bench, "sp-q7f9").await.is_err());
    let made = bench.calls();
    assert!(word(&bench, "sp-a3b1").await.is_err());
    assert_eq!(bench.calls(), made, "nobody is asked for what would be refused");
}
