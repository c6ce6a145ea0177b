//! The store as its callers see it: what was written is there after a restart, and nobody else may write.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::time::Duration;

use jiff::Timestamp;
use roundsman_alerts::{Account, Book, Key, Members, Now, Policy, Signal, Verdict};
use roundsman_checks::diagnosis::{Cause, Status};
use roundsman_checks::target::TenantId;

use super::*;
use crate::history::{Hour, Level, PHASES};
use crate::watch::{Commit, Record};

/// What one look at something that fails at once has a book say.
fn opened(now: Now) -> (Book, Commit) {
    let mut book = Book::default();
    let commit = seen(&mut book, Verdict::Firing, now);
    (book, commit)
}

fn seen(book: &mut Book, verdict: Verdict, now: Now) -> Commit {
    let signal = Signal {
        key: Key::new("site-status", "tenant", "a.example.com"),
        witness: "a".into(),
        verdict,
        members: Members::Witness,
        account: Account {
            at_once: true,
            ..Account::default()
        },
    };
    Commit {
        transitions: book.observe(&signal, &Policy::default(), now),
        incidents: book.iter().cloned().collect(),
        number: book.number(),
        ..Commit::default()
    }
}

fn record(status: Status, second: i64) -> Record {
    Record {
        tenant: "a".to_owned(),
        status,
        cause: (status == Status::Failing).then_some(Cause::SiteStatus),
        at: Timestamp::from_second(second).unwrap(),
        last_good: (status == Status::Healthy).then(|| Timestamp::from_second(second).unwrap()),
        by_hand: false,
        first: false,
    }
}

#[test]
fn what_was_written_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roundsman.db");
    let (store, before) = Store::open(&path).unwrap();
    assert!(before.incidents.is_empty() && before.number == 0);
    let (book, commit) = opened(Now::at(Timestamp::UNIX_EPOCH));
    store.write(Write::Commit(Box::new(commit)));
    store.write(Write::Record(record(Status::Healthy, 1)));
    store.write(Write::Record(record(Status::Failing, 2)));
    assert_eq!(store.close(Duration::from_secs(60)), 0);
    let (_store, after) = Store::open(&path).unwrap();
    assert_eq!(after.incidents, book.iter().cloned().collect::<Vec<_>>());
    assert_eq!(after.number, 1);
    assert_eq!(after.tenants.len(), 1);
    let tenant = &after.tenants[0];
    assert_eq!(
        (tenant.status, tenant.cause),
        (Status::Failing, Some(Cause::SiteStatus))
    );
    assert_eq!(
        (tenant.since.as_second(), tenant.last_good.unwrap().as_second()),
        (2, 1)
    );
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.timeline("inc-1").unwrap().len(), 2);
}

#[test]
fn who_types_is_offered_what_is_open_and_waits_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roundsman.db");
    let now = Now::at(Timestamp::UNIX_EPOCH);
    let (store, _) = Store::open(&path).unwrap();
    let (mut book, commit) = opened(now);
    let number = store.write(Write::Commit(Box::new(commit)));
    let offered = || Reader::open_unchecked(&path).unwrap().open_incidents(5).unwrap();
    let mut progress = store.progress();
    while progress.borrow_and_update().synced < number {
        std::thread::yield_now();
    }
    assert_eq!(offered(), ["inc-1"]);
    for seconds in [60, 120, 180] {
        let commit = seen(&mut book, Verdict::Clear, now.plus(Duration::from_secs(seconds)));
        store.write(Write::Commit(Box::new(commit)));
    }
    assert_eq!(store.close(Duration::from_secs(60)), 0);
    assert_eq!(offered(), [""; 0]);
    assert!(Reader::open_unchecked(folder.path()).is_err());
}

#[test]
fn a_second_agent_refuses_and_names_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roundsman.db");
    let (_store, _) = Store::open(&path).unwrap();
    let refused = Store::open(&path).unwrap_err().to_string();
    assert!(
        refused.contains(&format!("pid {} on ", std::process::id())),
        "{refused}"
    );
}

#[test]
fn a_damaged_or_newer_database_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let garbage = folder.path().join("garbage.db");
    std::fs::write(
        &garbage,
        "this is no database, and longer than any header of one would be",
    )
    .unwrap();
    assert!(matches!(Store::open(&garbage), Err(StoreError::Damaged { .. })));
    assert!(
        std::fs::read_to_string(&garbage)
            .unwrap()
            .starts_with("this is no database")
    );
    let newer = folder.path().join("newer.db");
    let database = rusqlite::Connection::open(&newer).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    assert!(matches!(Store::open(&newer), Err(StoreError::Newer { found: 99, .. })));
    assert!(matches!(
        Reader::open(&folder.path().join("none.db")),
        Err(StoreError::Missing { .. })
    ));
}

#[test]
fn what_is_old_is_forgotten_and_what_is_open_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roundsman.db");
    let (store, _) = Store::open(&path).unwrap();
    store.write(Write::Commit(Box::new(opened(Now::at(Timestamp::UNIX_EPOCH)).1)));
    store.write(Write::Record(record(Status::Healthy, 1)));
    let later = Timestamp::from_second(1_000).unwrap();
    store.write(Write::Forget(keep_since(later, Duration::from_secs(500))));
    assert_eq!(store.close(Duration::from_secs(60)), 0);
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.timeline("inc-1").unwrap().len(), 2);
    assert_eq!(reader.remembered().unwrap().tenants.len(), 1);
}

fn hour(number: i32, looks: u16, up: u16) -> Hour {
    Hour {
        hour: number,
        looks,
        up,
        typical: [Level::of(20.0); PHASES.len()],
        slow: Level::of(90.0),
    }
}

#[test]
fn hours_and_days_tell_how_a_tenant_did() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roundsman.db");
    let (store, _) = Store::open(&path).unwrap();
    let a = TenantId::new("a");
    for number in 0..24 * 40 {
        store.write(Write::Hour(
            Some(a.clone()),
            hour(number, 12, if number == 24 * 39 { 6 } else { 12 }),
        ));
        store.write(Write::Hour(None, hour(number, 0, 0)));
    }
    // A restart in the middle of an hour: both parts count.
    store.write(Write::Hour(Some(a.clone()), hour(24 * 40 - 1, 4, 4)));
    assert_eq!(store.close(Duration::from_secs(60)), 0);
    let now = Timestamp::from_second(24 * 40 * 3600 - 1).unwrap();
    let reader = Reader::open(&path).unwrap();
    let did = reader.uptime("a", now).unwrap();
    let (day, month) = (24.0 * 12.0 + 4.0, 30.0 * 24.0 * 12.0 + 4.0);
    assert_eq!(
        (did.day, did.month),
        (Some((day - 6.0) / day), Some((month - 6.0) / month))
    );
    assert!(did.slow_ms.is_some_and(|ms| (86.0..94.0).contains(&ms)), "{did:?}");
    assert_eq!(reader.uptime("nobody", now).unwrap().day, None);
    let hours = reader.remembered().unwrap().hours;
    assert_eq!(
        hours.first().map(|hour| hour.hour),
        Some(24 * 32 - 1),
        "a week and a day are kept"
    );
    // Its days go a year after everything else, its hours with it.
    let (store, _) = Store::open(&path).unwrap();
    store.write(Write::Forget(Timestamp::from_second((366 + 39) * 86_400).unwrap()));
    store.write(Write::Gone("a".to_owned()));
    assert_eq!(store.close(Duration::from_secs(60)), 0);
    let did = Reader::open(&path).unwrap().uptime("a", now).unwrap();
    assert_eq!((did.day, did.month.is_some()), (None, true));
}

#[test]
fn a_healthy_tenant_costs_few_bytes_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roundsman.db");
    let tenants = (0..200)
        .map(|number| TenantId::new(format!("tenant-{number:04}")))
        .collect::<Vec<_>>();
    let after = |days: std::ops::Range<i32>| {
        let (store, _) = Store::open(&path).unwrap();
        for number in days.start * 24..days.end * 24 {
            for tenant in &tenants {
                store.write(Write::Hour(Some(tenant.clone()), hour(number, 12, 12)));
            }
            store.write(Write::Hour(None, hour(number, 0, 0)));
        }
        assert_eq!(store.close(Duration::from_secs(60)), 0);
        std::fs::metadata(&path).unwrap().len()
    };
    let (tenth, thirtieth) = (after(0..10), after(10..30));
    let a_day = (thirtieth - tenth) / 20 / 50;
    println!("{a_day} bytes for each healthy tenant and day");
    assert!((10..=300).contains(&a_day), "{a_day} bytes");
}
