//! One agent for one database: a lock that the system lets go when its process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::error::StoreError;

/// The lock on a database, held while this lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, and says in its file who has it.
    pub(super) fn take(database: &Path) -> Result<Self, StoreError> {
        Self::at(&beside(database, ".lock"), |owner| StoreError::Locked {
            path: database.to_owned(),
            owner,
        })
    }

    fn at(path: &Path, locked: impl FnOnce(String) -> StoreError) -> Result<Self, StoreError> {
        let unusable = |error: std::io::Error| StoreError::Unusable {
            path: path.to_owned(),
            why: error.to_string(),
        };
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // Whoever has it may just be writing its name.
                let _ = (&mut file).take(256).read_to_string(&mut owner);
                return Err(locked(owner.trim().to_owned()));
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let host = gethostname::gethostname().to_string_lossy().into_owned();
        let said = format!("pid {} on {host}\n", std::process::id());
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(said.as_bytes()));
        written.map_err(unusable)?;
        Ok(Self { _file: file })
    }
}

/// Who repairs: one at a time, whoever writes the database.
#[derive(Debug)]
pub struct Exclusive {
    _lock: Lock,
}

impl Exclusive {
    /// Takes the right to repair what belongs to a database.
    ///
    /// # Errors
    /// [`StoreError`] where somebody else has it.
    pub fn repair(database: &Path) -> Result<Self, StoreError> {
        let lock = Lock::at(&beside(database, ".repair"), |owner| StoreError::Repairing { owner })?;
        Ok(Self { _lock: lock })
    }
}

fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
