//! The machine that roundsman runs on: how many files and ports it has, and what `watch` wants of it. Nothing is written, and
//! nobody is listened to.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;

use nix::unistd::{AccessFlags, access};
use roundsman_checks::gather::Concurrency;
use tokio::net::TcpSocket;

use super::{Checkup, aside, some};
use crate::agent;
use crate::alerting::channels;
use crate::config::Config;
use crate::daemon::{socket_path, store_path};
use crate::text::counted;

/// What only `watch` needs.
pub(super) const WATCH: &[&str] = &["database", "web", "channels"];
/// How many tenants are reckoned with where their number is not known: so many are looked at together at first.
const UNKNOWN: usize = 64;
/// What the kernel takes local ports from.
const PORTS: &str = "/proc/sys/net/ipv4/ip_local_port_range";
/// What a database begins with.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// Files and local ports, against what a round over so many tenants wants.
pub(super) fn limits(config: Option<&Config>, tenants: Option<usize>) -> Vec<Checkup> {
    let concurrency = config.map_or_else(Concurrency::default, agent::concurrency);
    let hard = rlimit::getrlimit(rlimit::Resource::NOFILE).ok().map(|(_, hard)| hard);
    let range = std::fs::read_to_string(PORTS).ok();
    vec![
        open_files(hard, concurrency, tenants),
        ports(range.as_deref().and_then(read_range), concurrency, tenants),
    ]
}

fn open_files(hard: Option<u64>, concurrency: Concurrency, tenants: Option<usize>) -> Checkup {
    let name = "open-files";
    let Some(hard) = hard else {
        return Checkup::skip(name, "this system does not tell its limit");
    };
    let tenants = tenants.unwrap_or(UNKNOWN);
    let (wanted, least) = (
        concurrency.descriptors_for(tenants) as u64,
        concurrency.descriptors_for(1) as u64,
    );
    let together = concurrency.together(tenants);
    let need = if together == 1 { "needs" } else { "need" };
    let needs = format!("{} at the same time {need} {wanted}", counted(together, "tenant"));
    let may = match hard {
        rlimit::INFINITY => "any number".to_owned(),
        hard => hard.to_string(),
    };
    let said = format!("this process may open {may} files; {needs}");
    let raise = |checkup: Checkup| {
        let limit = format!(
            "raise the hard limit to {wanted}: LimitNOFILE= in the unit, `nofile` in /etc/security/limits.conf for a login"
        );
        checkup.act(limit).run(format!("ulimit -n {wanted}"))
    };
    match concurrency {
        _ if hard >= wanted => Checkup::ok(name, said),
        _ if hard < least => raise(Checkup::fail(name, format!("{said}, and even one needs {least}"))),
        Concurrency::Fixed(_) => raise(Checkup::fail(
            name,
            format!("{said}, and `concurrency` of [schedule] is fixed"),
        )),
        Concurrency::Auto { .. } => raise(Checkup::warn(name, format!("{said}: with fewer a round takes longer"))),
    }
}

fn read_range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.trim().split_once(char::is_whitespace)?;
    Some((first.parse().ok()?, last.trim().parse().ok()?))
}

fn ports(range: Option<(u16, u16)>, concurrency: Concurrency, tenants: Option<usize>) -> Checkup {
    let name = "ports";
    let Some((first, last)) = range.filter(|(first, last)| first <= last) else {
        return Checkup::skip(name, "this system does not tell which local ports it gives");
    };
    let tenants = tenants.unwrap_or(UNKNOWN);
    let (have, wanted) = (usize::from(last - first) + 1, concurrency.descriptors_for(tenants));
    let said = format!("{have} local ports ({first} to {last})");
    if have >= wanted {
        return Checkup::ok(name, said);
    }
    let together = counted(concurrency.together(tenants), "tenant");
    let warning = Checkup::warn(name, format!("{said}; {together} at the same time may take {wanted}"));
    warning.run("sudo sysctl -w net.ipv4.ip_local_port_range='10240 65535'")
}

/// What `watch` needs besides. Verifying does without, so all of it is a warning at most.
pub(super) fn watch(config: &Config) -> Vec<Checkup> {
    vec![database(&store_path(config)), web(config), told(config)]
}

/// As [`watch`], each with a thread and a limit of its own.
pub(super) async fn read(config: &Arc<Config>) -> Vec<Checkup> {
    let of = [|config: &Config| database(&store_path(config)), web, told];
    let looks = WATCH.iter().zip(of).map(async |(name, look)| {
        let config = Arc::clone(config);
        aside(move || look(&config))
            .await
            .unwrap_or_else(|| Checkup::late(name))
    });
    join_all(looks).await
}

fn database(path: &Path) -> Checkup {
    let name = "database";
    // Beside the database itself there are a lock, a journal and a socket.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let shown = path.display();
    let other = "set `path` of [store] to a file in a folder that this user may write";
    let may_not = |what: &Path, error: nix::Error| {
        let seen = format!("`watch` can't write {}: {}", what.display(), error.desc());
        Checkup::warn(name, seen).act(other)
    };
    let writes = |what: &Path| access(what, AccessFlags::W_OK);
    if let Err(error) = writes(folder) {
        return may_not(folder, error);
    }
    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Checkup::ok(name, format!("{shown} can be made, `watch` does so"));
        }
        Err(error) => return Checkup::warn(name, format!("`watch` can't use {shown}: {error}")).act(other),
    };
    if !found.is_file() {
        let what = if found.is_dir() {
            "a directory"
        } else {
            "no regular file"
        };
        return Checkup::warn(name, format!("`watch` can't use {shown}: it is {what}")).act(other);
    }
    match (writes(path), is_database(path)) {
        (Err(error), _) => may_not(path, error),
        (Ok(()), Ok(true)) => Checkup::ok(name, format!("{shown} is an SQLite file that can be written")),
        (Ok(()), Ok(false)) => {
            Checkup::warn(name, format!("`watch` can't use {shown}: it is no SQLite database")).act(other)
        }
        (Ok(()), Err(error)) => Checkup::warn(name, format!("`watch` can't read {shown}: {error}")).act(other),
    }
}

/// Whether a file begins as a database does, or is empty, as one is before anything is written.
fn is_database(path: &Path) -> io::Result<bool> {
    // It may have become a pipe meanwhile.
    let options = OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(path)?;
    let mut head = Vec::new();
    options.take(SQLITE.len() as u64).read_to_end(&mut head)?;
    Ok(head.is_empty() || head == SQLITE)
}

fn web(config: &Config) -> Checkup {
    let (name, listen) = ("web", config.web.listen);
    let access = match config.web.token() {
        Err(error) => return Checkup::warn(name, format!("`watch` does not start: {error}")),
        Ok(Some(_)) => "with a token",
        Ok(None) => "this machine alone",
    };
    let other = "set `listen` of [web] to an address of this machine, with a port that is free";
    match bind(listen) {
        Ok(()) => Checkup::ok(name, format!("`watch` can listen at {listen}, {access}")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && runs(&store_path(config)) => Checkup::ok(
            name,
            format!("{listen} is in use, and a `watch` of this database runs, {access}"),
        ),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Checkup::warn(
            name,
            format!("`watch` does not start: another process listens at {listen}"),
        )
        .act("stop that process, or set another port in `listen` of [web] (0: any that is free)"),
        Err(error) => Checkup::warn(
            name,
            format!("`watch` does not start: it can't listen at {listen}: {error}"),
        )
        .act(other),
    }
}

/// Takes the address and lets it go. Without listening there, so that whoever does so at the same time is not in the way.
fn bind(at: SocketAddr) -> io::Result<()> {
    let socket = match at {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(at)
}

/// Whether a daemon answers beside a database.
fn runs(database: &Path) -> bool {
    UnixStream::connect(socket_path(database)).is_ok()
}

/// Who is told by `watch`. Nobody is contacted: a test message is a message.
fn told(config: &Config) -> Checkup {
    let (name, alerts) = ("channels", &config.alerts);
    let Some(first) = alerts.channels.first() else {
        return Checkup::skip(name, "none is configured: `watch` tells nobody of incidents");
    };
    let names = some(alerts.channels.iter().map(|channel| &channel.name));
    match channels(alerts) {
        Err(error) => Checkup::warn(name, format!("`watch` does not start: {error}")),
        Ok(_) => {
            let seen = format!("{}: {names}; not contacted", counted(alerts.channels.len(), "channel"));
            let test = shlex::try_quote(&first.name).map_or_else(|_| "CHANNEL".into(), std::borrow::Cow::into_owned);
            let checkup = Checkup::ok(name, seen);
            checkup.run(format!("roundsman alerts test {test}"))
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::super::Status;
    use super::*;

    #[test]
    fn descriptors_are_compared_with_what_a_round_wants() {
        let auto = Concurrency::default();
        let status = |hard, concurrency, tenants| open_files(Some(hard), concurrency, tenants).status;
        assert_eq!(status(1024, auto, Some(12)), Status::Ok);
        assert_eq!(status(1024, auto, Some(1000)), Status::Warn);
        assert_eq!(status(67, auto, Some(12)), Status::Fail);
        assert_eq!(status(1024, Concurrency::Fixed(1000), Some(1000)), Status::Fail);
        assert_eq!(status(1024, Concurrency::Fixed(1000), Some(12)), Status::Ok);
        let one = open_files(Some(1024), auto, Some(1)).seen;
        assert!(one.ends_with("1 tenant at the same time needs 68"), "{one}");
        let many = open_files(Some(1024), auto, Some(20_000)).seen;
        assert!(many.contains("4096 tenants at the same time need 16448"), "{many}");
        // Nobody is looked at more than once at the same time, and never more than so many.
        assert_eq!(status(16_448, auto, Some(1_000_000)), Status::Ok);
        let seen = open_files(Some(100), auto, None).seen;
        assert_eq!(
            seen,
            "this process may open 100 files; 64 tenants at the same time need 320: with fewer a round takes longer"
        );
    }

    #[test]
    fn ports_are_counted() {
        assert_eq!(read_range("32768\t60999\n"), Some((32768, 60999)));
        assert_eq!(read_range("all"), None);
        let status = |range| ports(range, Concurrency::default(), Some(5000)).status;
        assert_eq!(status(Some((32768, 60999))), Status::Ok);
        assert_eq!(status(Some((60000, 60999))), Status::Warn);
        assert_eq!(status(None), Status::Skip);
        let seen = ports(Some((60000, 60999)), Concurrency::default(), Some(5000)).seen;
        assert_eq!(
            seen,
            "1000 local ports (60000 to 60999); 4096 tenants at the same time may take 16448"
        );
    }

    #[test]
    fn a_database_needs_a_folder() {
        let missing = database(Path::new("/nonexistent/roundsman.db"));
        assert_eq!(missing.status, Status::Warn);
        assert!(missing.seen.contains("/nonexistent: No such file"), "{}", missing.seen);
        assert_eq!(database(Path::new("roundsman.db")).status, Status::Ok);
    }

    #[test]
    fn what_is_no_database_is_no_good_and_no_pipe_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let status = |name: &str| database(&at(name)).status;
        assert_eq!(database(folder.path()).status, Status::Warn);
        nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(status("pipe"), Status::Warn);
        std::fs::write(at("text"), "not SQLite, and long enough").unwrap();
        assert_eq!(status("text"), Status::Warn);
        std::fs::write(at("empty"), "").unwrap();
        assert_eq!(status("empty"), Status::Ok);
        std::fs::write(at("real"), [SQLITE, &[0; 84]].concat()).unwrap();
        assert_eq!(status("real"), Status::Ok);
    }

    #[test]
    fn an_address_is_taken_and_let_go() {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        assert!(bind(free).is_ok());
        let taken = std::net::TcpListener::bind(free).unwrap();
        let error = bind(taken.local_addr().unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let elsewhere = bind(SocketAddr::from(([192, 0, 2, 1], 0))).unwrap_err();
        assert_eq!(elsewhere.kind(), io::ErrorKind::AddrNotAvailable);
    }
}
