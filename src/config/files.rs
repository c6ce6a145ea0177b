//! Whether a file that the configuration names is another one than before: written in place or renamed over.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use super::Config;

/// What a file looks like from outside: when it was written, how long it is, and which one it is.
type Looks = Option<(i64, i64, u64, u64)>;

/// The files that a configuration was read from, as they looked then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigFiles(BTreeMap<PathBuf, Looks>);

impl ConfigFiles {
    /// The files of a configuration, as they look now.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let named = [
            config.path.clone(),
            config.tenants.file.clone(),
            config.edge.ca_file.clone(),
        ];
        let secrets = config.secret_files().into_iter();
        let all = named.into_iter().flatten().chain(secrets);
        Self(all.map(|path| (path.clone(), looks(&path))).collect())
    }

    /// Whether one of them looks otherwise now.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.0.iter().any(|(path, before)| looks(path) != *before)
    }
}

fn looks(path: &PathBuf) -> Looks {
    let found = std::fs::metadata(path).ok()?;
    Some((found.mtime(), found.mtime_nsec(), found.size(), found.ino()))
}
