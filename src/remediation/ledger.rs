//! The ledger: what was done, tried and left, a row for each step of it. Each row is hashed with the one before, and the
//! head is kept apart, so that a row that was changed, or a tail that was cut, shows. Pure: it is kept by the store.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a row tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// A call is about to be made.
    Intent,
    /// It was made, and did what it should.
    Done,
    /// Nothing had to be done.
    Already,
    /// It was not made: the world had changed.
    Aborted,
    /// It did not do what it should.
    Failed,
    /// Three examinations afterwards passed.
    Verified,
    /// It was taken back.
    Undone,
}

impl Phase {
    /// All.
    pub const ALL: [Self; 7] = [
        Self::Intent,
        Self::Done,
        Self::Already,
        Self::Aborted,
        Self::Failed,
        Self::Verified,
        Self::Undone,
    ];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Done => "done",
            Self::Already => "already",
            Self::Aborted => "aborted",
            Self::Failed => "failed",
            Self::Verified => "verified",
            Self::Undone => "undone",
        }
    }

    /// The phase of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == word)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A row that is to be appended; its number and hash are given where it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, by the wall's clock.
    pub at: Timestamp,
    /// The plan that it belongs to.
    pub plan: String,
    /// The tenant that suffers.
    pub tenant: String,
    /// The cause that it is to fix.
    pub cause: String,
    /// The action.
    pub action: String,
    /// What it is done to.
    pub object: String,
    /// What the row tells.
    pub phase: Phase,
    /// Who or what had it done.
    pub by: String,
    /// What takes it back, where something does.
    pub undo: Option<String>,
    /// Evidence, request and answer, as JSON without secrets.
    pub detail: String,
}

/// A row of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its number, from 1 on without a gap.
    pub seq: i64,
    /// What it says.
    #[serde(flatten)]
    pub entry: Entry,
    /// What it and all before it come to, in hexadecimal.
    pub hash: String,
}

/// The last row, as it is kept apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Its number; 0: nothing was ever written.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

/// What does not fit in a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// A row is not what was written.
    #[error("row {0} of the ledger is not what was written: it, or a row before it, was changed or taken out")]
    Row(i64),
    /// Rows at its end are missing.
    #[error("the ledger ends at row {found}, and row {written} was written: its end was cut off")]
    Cut {
        /// The last row that is there.
        found: i64,
        /// The last row that was written.
        written: i64,
    },
    /// It was taken away.
    #[error("the ledger is not in the database any more: its tables were taken out")]
    Missing,
    /// The head is not what was written.
    #[error("the head of the ledger does not fit row {0}: the head, or that row, was changed")]
    Head(i64),
    /// It can't be read.
    #[error("row {row} of the ledger can't be read: {why}")]
    Unreadable {
        /// Which.
        row: i64,
        /// Why not.
        why: String,
    },
}

impl Entry {
    /// The hash of this entry as row `seq` behind a row with the hash `before`. Each part goes with its length, so that no
    /// two rows read alike.
    #[must_use]
    pub fn hash(&self, seq: i64, before: &str) -> String {
        let (seq, at) = (seq.to_string(), self.at.as_microsecond().to_string());
        let parts = [
            before,
            &seq,
            &at,
            &self.plan,
            &self.tenant,
            &self.cause,
            &self.action,
            &self.object,
            self.phase.as_str(),
            &self.by,
            if self.undo.is_some() { "undo" } else { "" },
            self.undo.as_deref().unwrap_or_default(),
            &self.detail,
        ];
        let mut text = Vec::new();
        for part in parts {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part.as_bytes());
        }
        let digest = digest(&SHA256, &text);
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Holds a ledger against its hashes and its head.
///
/// # Errors
/// [`Broken`]: the first thing that does not fit.
pub fn verify(rows: &[Row], head: &Head) -> Result<(), Broken> {
    let mut before = "";
    for (row, seq) in rows.iter().zip(1_i64..) {
        if row.seq != seq || row.entry.hash(seq, before) != row.hash {
            return Err(Broken::Row(seq));
        }
        before = &row.hash;
    }
    let found = rows.last().map_or(0, |row| row.seq);
    if head.seq > found {
        return Err(Broken::Cut {
            found,
            written: head.seq,
        });
    }
    match head.seq == found && head.hash == before {
        true => Ok(()),
        false => Err(Broken::Head(found)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> (Vec<Row>, Head) {
        let mut rows = Vec::<Row>::new();
        for (seq, phase) in (1..).zip(Phase::ALL) {
            let entry = Entry {
                at: Timestamp::UNIX_EPOCH,
                plan: "r1".into(),
                tenant: "a".into(),
                cause: "certificate-conflict".into(),
                action: "remove-certificate".into(),
                object: "sp-a/a.example.com".into(),
                phase,
                by: "test".into(),
                undo: (seq == 2).then(|| "roundsman remediate undo r1".to_owned()),
                detail: "{}".into(),
            };
            let before = rows.last().map(|row| row.hash.clone()).unwrap_or_default();
            let hash = entry.hash(seq, &before);
            rows.push(Row { seq, entry, hash });
        }
        let head = rows.last().map(|row| Head {
            seq: row.seq,
            hash: row.hash.clone(),
        });
        (rows, head.unwrap_or_default())
    }

    #[test]
    fn an_untouched_ledger_is_intact_and_so_is_an_empty_one() {
        let (rows, head) = ledger();
        assert_eq!(verify(&rows, &head), Ok(()));
        assert_eq!(verify(&[], &Head::default()), Ok(()));
    }

    #[test]
    fn every_column_of_every_row_counts() {
        type Change = fn(&mut Entry);
        let changes: [Change; 11] = [
            |entry| entry.at = Timestamp::from_microsecond(1).unwrap_or_default(),
            |entry| entry.plan.push('x'),
            |entry| entry.tenant.push('x'),
            |entry| entry.cause.push('x'),
            |entry| entry.action.push('x'),
            |entry| entry.object.push('x'),
            |entry| entry.phase = Phase::ALL[(entry.phase as usize + 1) % 7],
            |entry| entry.by.push('x'),
            |entry| entry.undo = Some(entry.undo.clone().map_or("x".to_owned(), |undo| undo + "x")),
            |entry| entry.detail.push('x'),
            // What moves from one column to the next is another row as well.
            |entry| (entry.plan, entry.tenant) = ("r1a".into(), String::new()),
        ];
        for at in 0..7 {
            for change in changes {
                let (mut rows, head) = ledger();
                change(&mut rows[at].entry);
                assert_eq!(verify(&rows, &head), Err(Broken::Row(at as i64 + 1)));
            }
        }
    }

    #[test]
    fn a_row_that_is_taken_out_moved_or_cut_off_shows() {
        let (rows, head) = ledger();
        let mut gap = rows.clone();
        gap.remove(2);
        assert_eq!(verify(&gap, &head), Err(Broken::Row(3)));
        let mut moved = rows.clone();
        moved.swap(1, 2);
        assert_eq!(verify(&moved, &head), Err(Broken::Row(2)));
        assert_eq!(verify(&rows[..5], &head), Err(Broken::Cut { found: 5, written: 7 }));
        assert_eq!(verify(&[], &head), Err(Broken::Cut { found: 0, written: 7 }));
        let forged = Head {
            seq: 5,
            hash: rows[4].hash.clone(),
        };
        assert_eq!(verify(&rows, &forged), Err(Broken::Head(7)));
    }
}
