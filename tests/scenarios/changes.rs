//! What changed at the platform, added to what was known: the same as all of it read anew, or a reason to read it anew.

use roundsman::agent::Fetch;
use roundsman_checks::evidence::{App, Machine, Platform};
use roundsman_checks::gather::ApiSnapshot;
use roundsman_lab::LabOptions;

use crate::support::{Bench, bench};

async fn read(bench: &Bench) -> ApiSnapshot {
    bench.setup.clients.begin_round();
    bench.setup.clients.read(Fetch::ALL).await
}

fn platform(snapshot: &ApiSnapshot) -> &Platform {
    snapshot.platform.known().expect("the platform answers")
}

/// The machines of each app; how one ended before it ran again is not told with what changed.
fn machines(platform: &Platform) -> Vec<(&str, Vec<Machine>)> {
    let told = |machine: &Machine| Machine {
        last_exit: machine.last_exit.clone().filter(|_| !machine.state.is_running()),
        ..machine.clone()
    };
    let of = |app: &App| {
        let mut machines = app
            .machines
            .iter()
            .filter(|machine| !machine.is_gone())
            .map(told)
            .collect::<Vec<_>>();
        machines.sort_by(|one, other| one.id.cmp(&other.id));
        machines
    };
    platform
        .apps
        .iter()
        .map(|(name, app)| (name.as_str(), of(app)))
        .collect()
}

fn staged(faults: &[&str]) -> Vec<String> {
    faults.iter().map(|fault| (*fault).to_owned()).collect()
}

#[tokio::test]
async fn what_changed_makes_of_what_was_known_what_is() {
    let bench = bench(LabOptions::with_platform()).await;
    let mut known = read(&bench).await;
    for faults in [
        &["app-crashed@q7f9=oom", "app-asleep@c04e", "app-stopped@a3b1"] as &[_],
        &["app-asleep@q7f9", "release-mismatch@d9a2", "app-starting@e51f=machine"],
        &[
            "release-mismatch@d9a2=done",
            "app-machines@a3b1=web/stopped/on/requested+worker/started",
        ],
        &["release-failing"],
        &[],
    ] {
        bench.stage(&staged(faults)).await;
        let (changed, doubtful) = bench.setup.clients.changes(known.clone()).await;
        assert!(!doubtful, "{faults:?}");
        assert!(platform(&changed).since() > platform(&known).since(), "{faults:?}");
        let all = read(&bench).await;
        assert_eq!(machines(platform(&changed)), machines(platform(&all)), "{faults:?}");
        assert_eq!(platform(&changed).asked_at, platform(&known).asked_at);
        known = changed;
    }
}

#[tokio::test]
async fn what_does_not_fit_leaves_what_was_known() {
    let bench = bench(LabOptions::with_platform()).await;
    bench.stage(&staged(&["app-missing@a3b1"])).await;
    let known = read(&bench).await;
    for fault in [
        // One app is gone, another is new.
        "app-missing@q7f9",
        "platform-api-unavailable",
        "platform-api-unauthorized",
        "platform-api-rate-limited",
    ] {
        bench.stage(&staged(&[fault])).await;
        bench.setup.clients.begin_round();
        let (kept, doubtful) = bench.setup.clients.changes(known.clone()).await;
        assert!(doubtful, "{fault}");
        assert_eq!(platform(&kept), platform(&known), "{fault}");
    }
}

#[tokio::test]
async fn a_region_that_does_not_answer_is_asked_again_from_the_same_moment() {
    let bench = bench(LabOptions::with_platform()).await;
    let known = read(&bench).await;
    bench
        .stage(&staged(&[
            "platform-api-unavailable=region:lhr",
            "app-stopped@q7f9",
            "app-stopped@a3b1",
        ]))
        .await;
    let (changed, _) = bench.setup.clients.changes(known.clone()).await;
    assert_eq!(platform(&changed).since(), platform(&known).since());
    bench.stage(&staged(&["app-stopped@q7f9", "app-stopped@a3b1"])).await;
    let (changed, doubtful) = bench.setup.clients.changes(changed).await;
    assert!(!doubtful);
    let all = read(&bench).await;
    assert_eq!(machines(platform(&changed)), machines(platform(&all)));
}
