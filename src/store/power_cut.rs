//! A power cut at any byte: of what was written after the last sync any part may be missing. Whatever is left opens
//! undamaged, with everything that was acknowledged, and nothing by halves.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use roundsman_alerts::{Account, Book, Change, Key, Members, Now, Policy, Signal, Verdict};

use super::*;
use crate::watch::Commit;

/// How many commits are made, and how many cuts are tried in each; more by hand.
const COMMITS: u64 = 60;
const CUTS: usize = 1;

/// The database and its write-ahead log at one moment.
#[derive(Clone, PartialEq)]
struct Disk {
    database: Vec<u8>,
    log: Vec<u8>,
}

impl Disk {
    fn read(folder: &Path) -> Self {
        let read = |name: &str| std::fs::read(folder.join(name)).unwrap_or_default();
        Self {
            database: read("roundsman.db"),
            log: read("roundsman.db-wal"),
        }
    }

    fn write(&self, folder: &Path) {
        std::fs::write(folder.join("roundsman.db"), &self.database).unwrap();
        std::fs::write(folder.join("roundsman.db-wal"), &self.log).unwrap();
    }
}

/// The first so many bytes as they are after a write, the rest as it was before it.
fn torn(before: &[u8], after: &[u8], cut: usize) -> Vec<u8> {
    let mut torn = after[..cut.min(after.len())].to_vec();
    torn.extend(before.iter().skip(cut));
    torn
}

/// One incident more, opened by its first look.
fn next(book: &mut Book, number: u64) -> Commit {
    let name = format!("t{number:05}.example.com");
    let signal = Signal {
        key: Key::new("site-status", "tenant", &name),
        witness: name.as_str().into(),
        verdict: Verdict::Firing,
        members: Members::Witness,
        account: Account {
            at_once: true,
            evidence: vec![format!("{name} answers 500, 200 was expected"); 1_000],
            ..Account::default()
        },
    };
    let transitions = book.observe(&signal, &Policy::default(), Now::at(Timestamp::UNIX_EPOCH));
    Commit {
        transitions,
        incidents: book.get(&signal.key).cloned().into_iter().collect(),
        looks: vec![(signal.key.clone(), book.looks(&signal.key).cloned())],
        number: book.number(),
        ..Commit::default()
    }
}

/// Waits until a write is acknowledged.
fn wait_for(store: &Store, number: u64) {
    let mut progress = store.progress();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime
        .block_on(progress.wait_for(|progress| progress.synced >= number))
        .unwrap();
}

/// What is left of it, opened by another process: everything acknowledged is there, nothing by halves, nothing twice.
fn opens_whole(disk: &Disk, acknowledged: u64, told: &str) {
    let folder = tempfile::tempdir().unwrap();
    disk.write(folder.path());
    let path = folder.path().join("roundsman.db");
    let (store, remembered) = Store::open(&path).unwrap_or_else(|error| unreachable!("{told}: {error}"));
    let number = remembered.number;
    assert!(
        number == acknowledged || number == acknowledged + 1,
        "{told}: {number} of {acknowledged}"
    );
    let ids = remembered
        .incidents
        .iter()
        .map(|incident| incident.core().id.to_string());
    let expected = (1..=number)
        .map(|number| format!("inc-{number}"))
        .collect::<BTreeSet<_>>();
    assert_eq!(remembered.incidents.len(), expected.len(), "{told}");
    assert_eq!(ids.collect::<BTreeSet<_>>(), expected, "{told}");
    assert_eq!(remembered.looks.len(), expected.len(), "{told}");
    let reader = Reader::open(&path).unwrap();
    for id in (number.saturating_sub(2).max(1)..=number + 1).map(|number| format!("inc-{number}")) {
        let changes = reader.timeline(&id).unwrap().into_iter().map(|entry| entry.change);
        let expected = if expected.contains(&id) {
            vec![Change::Began, Change::Opened]
        } else {
            vec![]
        };
        assert_eq!(changes.collect::<Vec<_>>(), expected, "{told}: {id}");
    }
    assert_eq!(store.close(Duration::from_secs(60)), 0);
}

#[test]
fn a_power_cut_at_any_byte_loses_nothing_that_was_acknowledged() {
    let cuts = std::env::var("ROUNDSMAN_CUTS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(CUTS);
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(&folder.path().join("roundsman.db")).unwrap();
    let mut book = Book::default();
    let mut random = fastrand::Rng::with_seed(7);
    let (mut tried, mut checkpoints) = (0, 0);
    let mut before = Disk::read(folder.path());
    for acknowledged in 0..COMMITS {
        let number = store.write(Write::Commit(Box::new(next(&mut book, acknowledged + 1))));
        wait_for(&store, number);
        let after = Disk::read(folder.path());
        let written = before
            .log
            .iter()
            .zip(&after.log)
            .position(|(before, after)| before != after);
        let first = written.unwrap_or(before.log.len());
        for _ in 0..cuts {
            let cut = random.usize(first..=after.log.len());
            let told = format!(
                "commit {} cut at {cut} of {first}..{}",
                acknowledged + 1,
                after.log.len()
            );
            // The database itself is written only after the log is on the disk.
            let log = torn(&before.log, &after.log, cut);
            let database = before.database.clone();
            opens_whole(
                &Disk {
                    database,
                    log: log.clone(),
                },
                acknowledged,
                &told,
            );
            // What a file system did not write yet it may show as zeros.
            let mut zeros = log;
            zeros.truncate(cut);
            zeros.resize(after.log.len().max(cut), 0);
            let database = before.database.clone();
            if after.log.len() >= before.log.len() && first >= before.log.len() {
                opens_whole(
                    &Disk { database, log: zeros },
                    acknowledged,
                    &format!("{told}, with zeros"),
                );
            }
            tried += 1;
        }
        if before.database != after.database {
            checkpoints += 1;
            for _ in 0..10 * cuts {
                let cut = random.usize(0..=after.database.len());
                let database = torn(&before.database, &after.database, cut);
                let log = after.log.clone();
                let told = format!("checkpoint after {} cut at {cut}", acknowledged + 1);
                opens_whole(&Disk { database, log }, acknowledged, &told);
                tried += 1;
            }
        }
        opens_whole(&after, acknowledged + 1, "nothing is missing");
        before = after;
    }
    println!("{tried} cuts, {checkpoints} checkpoints");
    assert!(checkpoints > 0, "the database itself was never written");
}
