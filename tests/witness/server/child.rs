//! A child process that ends with its owner, and waiting for what it does.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a condition may take to come true. Much longer than it needs: only a failure waits so long.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(20);

/// A running program; killed when dropped.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `program` of the Debian package `package`; what it writes goes to `log`.
    pub(crate) fn start<A: AsRef<OsStr>>(program: &str, package: &str, arguments: &[A], log: &Path) -> Self {
        let written = File::create(log).unwrap();
        let child = Command::new(find(program, package))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(written.try_clone().unwrap())
            .stderr(written)
            .spawn()
            .unwrap();
        let log = log.to_owned();
        Self { child, log }
    }

    /// Fails the test if the program ended, with what it wrote.
    pub(crate) fn must_run(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!(
                "ended with {status}:\n{}",
                fs::read_to_string(&self.log).unwrap_or_default()
            );
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Where it ended by itself there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a program is: daemons live outside the search path of users.
pub(crate) fn find(program: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from));
    let mut candidates = places.map(|place| place.join(program));
    candidates
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("`{program}` is missing: apt-get install -y {package}"))
}

/// Runs a program to its end and gives what it wrote; fails the test where it failed.
pub(crate) fn run<A: AsRef<OsStr>>(program: &str, package: &str, arguments: &[A]) -> String {
    let output = Command::new(find(program, package)).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program}: {}\n{said}\n{complained}",
        output.status
    );
    said
}

/// Waits until a condition holds; fails the test where it never does.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let holds = async {
        while !condition().await {
            tokio::time::sleep(PAUSE).await;
        }
    };
    let came = tokio::time::timeout(PATIENCE, holds).await;
    assert!(came.is_ok(), "not within {PATIENCE:?}: {what}");
}
