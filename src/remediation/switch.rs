//! The kill switch: a file beside the database. While it is there nothing is changed but what takes something back; it
//! needs no daemon that answers, and outlives restarts. Another configuration stops what goes on by the old one.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::config::ConfigFiles;

/// The word before the moment at which it ends by itself.
const UNTIL: &str = "until ";
/// More of the file is not read.
const LONGEST: u64 = 4 * 1024;

/// The switch of a database.
#[derive(Clone, Debug)]
pub struct Switch {
    path: PathBuf,
    /// What the configuration in force was read from.
    files: ConfigFiles,
}

/// What the switch says while it stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Who or what stopped repairs.
    pub why: String,
    /// When that ends by itself.
    pub until: Option<Timestamp>,
}

impl Switch {
    /// The switch beside a database.
    #[must_use]
    pub fn of(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push(".stop");
        Self {
            path: path.into(),
            files: ConfigFiles::default(),
        }
    }

    /// The same, which also stops once one of these files is another one.
    #[must_use]
    pub fn with(self, files: ConfigFiles) -> Self {
        Self { files, ..self }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stops all repairs.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn stop(&self, why: &str) -> io::Result<()> {
        std::fs::write(&self.path, format!("{why}\n"))
    }

    /// Stops all repairs, because somebody says so.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn stop_by(&self, who: &str, now: Timestamp) -> io::Result<()> {
        let second = Timestamp::from_second(now.as_second()).unwrap_or(now);
        self.stop(&format!("repairs were stopped by {who} at {second}"))
    }

    /// Stops all repairs for so long.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn stop_for(&self, why: &str, time: Duration, now: Timestamp) -> io::Result<()> {
        // Who stopped them for good is not overruled by what ends by itself.
        if self.state(now).is_some_and(|held| held.until.is_none()) {
            return Ok(());
        }
        let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        let until = now.saturating_add(time).unwrap_or(Timestamp::MAX);
        let until = Timestamp::from_second(until.as_second()).unwrap_or(until);
        std::fs::write(&self.path, format!("{why}\n{UNTIL}{until}\n"))
    }

    /// Lets repairs go on.
    ///
    /// # Errors
    /// Where the file is there and can't be removed.
    pub fn resume(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Why nothing may be changed now, in a sentence.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> Option<String> {
        if self.files.changed() {
            return Some(
                "the configuration, or a file that it names, was changed meanwhile: what it says now counts".into(),
            );
        }
        let Held { why, until } = self.state(now)?;
        let until = until.map(|until| format!(", until {until}")).unwrap_or_default();
        Some(format!("{why}{until}; `roundsman remediate resume` lets them go on"))
    }

    /// Who or what stops repairs now, where something does. A file that can't be read stops as well.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> Option<Held> {
        use std::io::Read as _;
        let forever = |why| Some(Held { why, until: None });
        let file = match std::fs::File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return forever(format!("{}: {error}", self.path.display())),
        };
        let mut text = Vec::new();
        // What can't be read of it changes nothing: it is there.
        let _ = file.take(LONGEST).read_to_end(&mut text);
        let text = String::from_utf8_lossy(&text);
        let mut lines = text.lines();
        let why = lines.next().unwrap_or_default().trim();
        let until = lines.find_map(|line| line.strip_prefix(UNTIL)?.trim().parse::<Timestamp>().ok());
        if until.is_some_and(|until| until <= now) {
            return None;
        }
        let why = if why.is_empty() { "repairs are stopped" } else { why };
        Some(Held {
            why: why.to_owned(),
            until,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn it_holds_until_somebody_resumes_or_its_time_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let switch = Switch::of(&folder.path().join("roundsman.db"));
        let now = Timestamp::UNIX_EPOCH;
        let later = |seconds| Timestamp::from_second(seconds).unwrap();
        assert_eq!(switch.holds(now), None);
        switch.resume().unwrap();
        switch.stop("stopped by ann@host until noon").unwrap();
        switch.stop_for("two failed", Duration::from_secs(1), now).unwrap();
        assert!(
            switch
                .holds(later(1_000_000))
                .unwrap()
                .starts_with("stopped by ann@host until noon; ")
        );
        switch.resume().unwrap();
        switch.resume().unwrap();
        assert_eq!(switch.holds(now), None);
        switch.stop_for("two failed", Duration::from_secs(3600), now).unwrap();
        assert!(
            switch
                .holds(later(3_599))
                .unwrap()
                .starts_with("two failed, until 1970-01-01T01:00:00Z")
        );
        assert_eq!(switch.holds(later(3_600)), None);
        std::fs::write(switch.path(), [0xff, 0xfe]).unwrap();
        assert!(switch.holds(later(9_999)).is_some());
    }
}
