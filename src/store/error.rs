//! Why a database can't be used. All of it is the user's to fix (exit code 2), and the database is left as it is.

use std::path::PathBuf;

use thiserror::Error;

/// Why a database can't be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another agent writes it.
    #[error("the database {path} is in use by another agent ({owner}): stop that one, or set another `[store] path`")]
    Locked {
        /// The database.
        path: PathBuf,
        /// Who has it: pid and host.
        owner: String,
    },
    /// Somebody else repairs.
    #[error("another repair goes on ({owner}): wait for its end")]
    Repairing {
        /// Who: pid and host.
        owner: String,
    },
    /// It can't be opened or written.
    #[error("the database {path} can't be used: {why}")]
    Unusable {
        /// The database.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// It is damaged.
    #[error(
        "the database {path} is damaged ({why}): put a copy of it back, or move it away to begin anew. It was left as it is"
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What the check found first.
        why: String,
    },
    /// A newer version wrote it.
    #[error(
        "the database {path} was written by a newer roundsman (schema {found}, this one knows {known}): use that one"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that is known here.
        known: u32,
    },
    /// There is none.
    #[error("there is no database {path}: `roundsman watch` makes it")]
    Missing {
        /// The database.
        path: PathBuf,
    },
}
