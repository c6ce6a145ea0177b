//! The store as its callers see it: what was written is there after a restart, and nobody else may write.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::time::Duration;

use jiff::Timestamp;
use roundsman_alerts::{Account, Book, Key, Members, Now, Policy, Signal, Verdict};
use roundsman_checks::diagnosis::{Cause, Status};

use super::*;
use crate::watch::{Commit, Record};

/// What one look at something that fails at once has a book say.
fn opened(now: Now) -> (Book, Commit) {
    let (mut book, policy) = (Book::default(), Policy::default());
    let signal = Signal {
        key: Key::new("site-status", "tenant", "a.example.com"),
        witness: "a".into(),
        verdict: Verdict::Firing,
        members: Members::Witness,
        account: Account {
            at_once: true,
            ..Account::default()
        },
    };
    let transitions = book.observe(&signal, &policy, now);
    let commit = Commit {
        transitions,
        incidents: book.iter().cloned().collect(),
        number: book.number(),
        ..Commit::default()
    };
    (book, commit)
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
