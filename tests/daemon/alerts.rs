//! What people hear of incidents, over real servers: mail, an Alertmanager, a webhook; and what is said where nobody hears.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nix::sys::signal::Signal;
use roundsman::store::Reader;
use roundsman_alerts::Incident;
use roundsman_checks::clock::Stopwatch;
use roundsman_lab::LabOptions;
use serde_json::json;

use super::alertmanager::Alertmanager;
use super::hook::{Hook, Taken};
use super::postfix::Postfix;
use super::{Daemon, ask, configure, eventually, get, listens, served, served_with};
use crate::cli::{Ran, Served, command};
use crate::witness::server::Port;

/// Adds a channel that is told at once.
pub(super) fn tell(served: &Served, channel: &str) {
    configure(
        served,
        &format!("[alerts]\ngroup_wait = \"0s\"\n[[alerts.channels]]\n{channel}\n"),
    );
}

/// A channel that is a webhook.
pub(super) fn webhook(name: &str, address: impl std::fmt::Display) -> String {
    format!("name = \"{name}\"\nkind = \"webhook\"\nurl = \"http://{address}/hook\"")
}

#[test]
fn mail_arrives_at_a_real_server_under_tls_in_one_thread() {
    let Some(postfix) = Postfix::start() else {
        eprintln!("not tested: Postfix needs root, and `.ci/run` runs this by sudo");
        return;
    };
    let served = served(&["site-status@q7f9"]);
    let server = postfix.server();
    tell(
        &served,
        &format!(
            "name = \"ops\"\nkind = \"email\"\nserver = \"{server}\"\nfrom = \"roundsman@example.com\"\nto = [\"Ops <ops@example.com>\"]"
        ),
    );
    let tried = |trusted: bool| -> Ran {
        let mut command = command(served.dir.path());
        if trusted {
            command.env("SSL_CERT_FILE", &postfix.roots);
        }
        let command = command.args(["alerts", "test", "ops", "--config"]).arg(&served.config);
        command.output().expect("it runs").into()
    };
    let test = tried(true);
    let answer = "ops (Ops <ops@example.com>): delivered, the server says: 250 2.0.0 Ok: queued as ";
    assert!(
        test.code == Some(0) && test.out.starts_with(answer),
        "{}{}",
        test.out,
        test.err
    );
    let distrusted = tried(false);
    assert!(
        distrusted.code == Some(1) && distrusted.out.contains("certificate"),
        "{}{}",
        distrusted.out,
        distrusted.err
    );
    let subject = "tenants.test: a test of the channel ops";
    eventually("the test arrived", || {
        let mails = postfix.mails();
        mails
            .iter()
            .any(|mail| mail.header("Subject") == Some(subject))
            .then_some(())
    });

    let mut daemon = Daemon::start_with(&served, command(served.dir.path()).env("SSL_CERT_FILE", &postfix.roots));
    daemon.hears(&["notification", "(first) to ops", "delivered"]);
    served.stage(&[]);
    daemon.hears(&["notification", "(resolved) to ops", "delivered"]);
    let mails = eventually("both arrived", || {
        let mails = postfix.mails();
        (mails.len() >= 3).then_some(mails)
    });
    assert_eq!(mails.len(), 3, "{}", postfix.log());
    let mut thread = mails
        .iter()
        .filter(|mail| mail.header("Subject") != Some(subject))
        .collect::<Vec<_>>();
    thread.sort_by_key(|mail| mail.header("In-Reply-To").is_some());
    let [first, last] = thread[..] else {
        panic!("two mails of the incident: {}", postfix.log())
    };
    let id = first.header("Message-ID").expect("a name");
    assert_eq!((first.header("In-Reply-To"), first.header("References")), (None, None));
    assert_eq!(
        (last.header("In-Reply-To"), last.header("References")),
        (Some(id), Some(id))
    );
    assert_ne!(last.header("Message-ID"), Some(id));
    assert_eq!(first.header("Subject"), last.header("Subject"));
    assert!(first.header("Subject").is_some_and(|subject| subject.contains("q7f9")));
    for mail in [first, last] {
        assert_eq!(mail.header("To"), Some("Ops <ops@example.com>"));
        assert_eq!(mail.header("Auto-Submitted"), Some("auto-generated"));
        assert!(mail.header("Received").is_some_and(|way| way.contains(" with ESMTPS ")));
        let kind = mail.header("Content-Type").expect("a type");
        assert!(kind.starts_with("multipart/alternative;"), "{kind}");
        let part = |kind: &str| mail.body.find(kind).unwrap_or_else(|| panic!("{kind}:\n{}", mail.body));
        assert!(part("Content-Type: text/plain") < part("Content-Type: text/html"));
        assert!(mail.body.matches("q7f9").count() >= 2, "in both parts:\n{}", mail.body);
    }
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn an_alertmanager_shows_what_is_open_and_nothing_else() {
    let alertmanager = Alertmanager::start();
    let served = served(&["site-status@q7f9"]);
    let address = &alertmanager.address;
    tell(
        &served,
        &format!("name = \"prometheus\"\nkind = \"alertmanager\"\nurl = \"http://{address}\""),
    );
    let test = ask(&served, &["alerts", "test", "prometheus"]);
    assert!(
        test.code == Some(0) && test.out.starts_with("prometheus: delivered, the server says: 200 OK"),
        "{}{}",
        test.out,
        test.err
    );
    let named = |name: &str| {
        let all = alertmanager.alerts().into_iter();
        all.filter(|alert| alert["labels"]["alertname"] == name)
            .collect::<Vec<_>>()
    };
    assert_eq!(named("roundsman-test").len(), 1);
    let mut daemon = Daemon::start(&served);
    let shown = eventually("the incident is shown", || named("site-status").pop());
    let labels = &shown["labels"];
    for (label, value) in [
        ("domain", "tenants.test"),
        ("scope", "tenant"),
        ("severity", "warning"),
        ("tenant", "q7f9"),
    ] {
        assert_eq!(labels[label], value, "{label}: {shown}");
    }
    assert_eq!(shown["status"]["state"], "active", "{shown}");
    // An Alertmanager may hear of it before it is on the disk: it is told again and again.
    let incident = eventually("it is kept", || {
        let open = super::json(&served, &["incidents"]);
        open.as_array()?.first().cloned()
    });
    assert_eq!(shown["annotations"]["incident"], incident["id"], "{shown}");
    served.stage(&[]);
    daemon.hears(&["site-status", "resolved"]);
    // It is told so: else it would hold for three minutes, longer than anything is waited for here.
    eventually("it is over", || named("site-status").is_empty().then_some(()));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn what_waits_is_listed_over_a_restart_and_arrives_when_the_server_is_there() {
    let port = Port::take();
    let served = served(&["site-status@q7f9"]);
    tell(&served, &webhook("hook", port.v4()));
    let mut daemon = Daemon::start(&served);
    let address = listens(&mut daemon);
    daemon.hears(&["(first) to hook", "not delivered, it is tried again"]);
    let (status, body) = get(&address, "/healthz");
    let health = serde_json::from_str::<serde_json::Value>(&body).expect("JSON");
    // Ten minutes are not over.
    assert_eq!((status, health), (200, json!({ "alive": true, "alerting": "ok" })));
    let waiting = || {
        let all = super::json(&served, &["alerts", "outbox"]);
        assert_eq!(all.as_array().map(Vec::len), Some(1), "{all}");
        all[0].clone()
    };
    let one = eventually("the attempt is known", || {
        Some(waiting()).filter(|one| one["attempts"].as_u64() > Some(0))
    });
    assert_eq!(
        (&one["channel"], &one["state"], &one["reason"]),
        (&json!("hook"), &json!("pending"), &json!("first"))
    );
    let error = one["error"].as_str().unwrap_or_default();
    assert!(error.contains("refused"), "{error}");
    let listed = ask(&served, &["alerts", "outbox"]);
    assert_eq!(listed.code, Some(0), "{}", listed.err);
    for word in ["pending", "hook", "first", "refused", "q7f9"] {
        assert!(listed.out.contains(word), "{word}:\n{}", listed.out);
    }
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(waiting()["message"], one["message"], "without a daemon too");

    let hook = Hook::at(&port.v4().to_string());
    let mut daemon = Daemon::start(&served);
    daemon.hears(&["(first) to hook", "delivered"]);
    eventually("nothing waits", || {
        (super::json(&served, &["alerts", "outbox"]) == json!([])).then_some(())
    });
    let taken = hook.taken();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert_eq!(one["message"], taken[0].id.as_str());
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_channel_that_cannot_be_tried_says_why() {
    let port = Port::take();
    let served = served(&[]);
    tell(&served, &webhook("ops", port.v4()));
    let unknown = ask(&served, &["alerts", "test", "opz"]);
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown.err.contains("no channel is called `opz`: did you mean `ops`?"),
        "{}",
        unknown.err
    );
    let unreachable = ask(&served, &["alerts", "test", "ops"]);
    assert_eq!(unreachable.code, Some(1), "{}", unreachable.err);
    assert!(
        unreachable.out.starts_with("ops: not delivered: ") && unreachable.out.contains("refused"),
        "{}",
        unreachable.out
    );
    configure(&served, "secret = { env = \"ROUNDSMAN_TEST_UNSET\" }\n");
    for arguments in [&["alerts", "test", "ops"][..], &["watch"]] {
        let refused = ask(&served, arguments);
        assert_eq!(refused.code, Some(2), "{arguments:?}: {}", refused.err);
        for word in ["`ops`", "ROUNDSMAN_TEST_UNSET"] {
            assert!(refused.err.contains(word), "{arguments:?}: {}", refused.err);
        }
    }
}

/// What was seen at the moment of a kill of the message that was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Met {
    /// It was not on disk.
    Undecided,
    /// It was on disk and had not arrived.
    Unsent,
    /// It had arrived, and that was not on disk.
    Unrecorded,
    /// All was done.
    Done,
}

/// The tenants of one lab. Each fails once: what comes back soon is told in another way.
const TENANTS: usize = 8;

/// Killed at random moments around each message: none is lost, and none arrives more than twice, under one name.
#[test]
fn killed_between_decision_and_delivery_it_loses_nothing_and_says_nothing_thrice() {
    let kills = std::env::var("ROUNDSMAN_KILLS").ok().and_then(|text| text.parse().ok());
    let kills: usize = kills.unwrap_or(8);
    let mut random = fastrand::Rng::with_seed(11);
    let mut met = BTreeMap::<Met, usize>::new();
    let (mut messages, mut twice) = (0, 0);
    let mut left = kills;
    while left > 0 {
        let some = left.min(2 * TENANTS);
        left -= some;
        let hook = Hook::start();
        for one in killed_around(&hook, some, &mut random) {
            *met.entry(one).or_default() += 1;
        }
        let mut copies = BTreeMap::<_, usize>::new();
        for taken in hook.taken() {
            *copies.entry(taken.id).or_default() += 1;
        }
        assert!(copies.values().all(|count| *count <= 2), "{copies:?}");
        messages += copies.len();
        twice += copies.values().filter(|count| **count == 2).count();
    }
    println!("killed {kills} times: {met:?}; {messages} messages, {twice} of them twice");
    if kills >= 100 {
        // What is on disk is sent within a millisecond: that moment is not always met.
        let often = [Met::Undecided, Met::Unrecorded, Met::Done];
        assert!(often.iter().all(|one| met.contains_key(one)), "{met:?}");
    }
}

/// Kills a daemon around so many messages: the first and the last of one tenant after another.
fn killed_around(hook: &Hook, kills: usize, random: &mut fastrand::Rng) -> Vec<Met> {
    let tenants = (0..TENANTS).map(|number| format!("t{number}")).collect::<Vec<_>>();
    let served = served_with(
        LabOptions {
            tenants: tenants.clone(),
            ..LabOptions::default()
        },
        &[],
    );
    tell(&served, &webhook("hook", hook.address));
    let database = served.dir.path().join("roundsman.db");
    let pending = || {
        let reader = Reader::open(&database).expect("the database is whole");
        reader.remembered().expect("it can be read").deliveries
    };
    let mut daemon = Daemon::start(&served);
    let (mut met, mut opened) = (Vec::new(), BTreeSet::new());
    for round in 0..kills {
        let tenant = &tenants[round / 2];
        let fault = format!("site-status@{tenant}");
        let (is, change, status) = match round % 2 {
            0 => ("failing", "opened", "firing"),
            _ => ("healthy", "resolved", "resolved"),
        };
        match round % 2 {
            0 => served.stage_also(&fault),
            _ => served.unstage(&fault),
        }
        daemon.hears(&[&format!("tenant {tenant}: {is}")]);
        // That is said once it is on disk, and its delivery waits for the same: most kills come right then.
        let moment = match random.u8(0..4) {
            0 => Duration::from_millis(random.u64(0..1_500)),
            sooner => {
                daemon.hears(&["incident", "site-status", change]);
                let most = [1_000, 4_000, 50_000][usize::from(sooner) - 1];
                Duration::from_micros(random.u64(0..most))
            }
        };
        let began = Stopwatch::start();
        while let Ok(line) = daemon.lines.recv_timeout(began.left(moment)) {
            daemon.said.push(line);
        }
        daemon.signal(Signal::SIGKILL);
        daemon.child.wait().expect("it ends");
        daemon.said.extend(daemon.lines.iter());
        let lines = daemon.said.iter().filter(|line| line.ends_with(": opened"));
        opened.extend(lines.filter_map(|line| line.split(' ').nth(2)).map(ToOwned::to_owned));

        let due = |taken: &Taken| taken.message["status"] == status && taken.message["tenants"] == json!([tenant]);
        let arrived = || hook.taken().iter().any(due);
        met.push(match (pending().is_empty(), arrived()) {
            (true, false) => Met::Undecided,
            (false, false) => Met::Unsent,
            (false, true) => Met::Unrecorded,
            (true, true) => Met::Done,
        });
        daemon = Daemon::start(&served);
        // From then on it ends when it is told to.
        listens(&mut daemon);
        eventually(&format!("that {tenant} is {status}"), || arrived().then_some(()));
        // No message meets two kills: what became of this one is on disk before the next one is due.
        eventually("what became of it is kept", || pending().is_empty().then_some(()));
    }
    assert_eq!(daemon.stop(), Some(0));

    let reader = Reader::open(&database).expect("the database is whole");
    let known = reader.remembered().expect("it can be read").incidents;
    let known = known.into_iter().chain(reader.history().expect("it can be read"));
    let known = known.filter(|incident| incident.opened().is_some());
    let known = known
        .map(|incident: Incident| incident.core().id.to_string())
        .collect::<BTreeSet<_>>();
    assert!(opened.is_subset(&known), "{opened:?} were said, {known:?} are kept");
    let taken = hook.taken();
    let told = taken.iter().filter(|taken| taken.message["reason"] == "first");
    let told = told.flat_map(|taken| taken.message["incidents"].as_array().cloned().unwrap_or_default());
    let told = told
        .filter_map(|incident| Some(incident["id"].as_str()?.to_owned()))
        .collect::<BTreeSet<_>>();
    assert!(known.is_subset(&told), "{known:?} opened, of {told:?} somebody heard");
    met
}
