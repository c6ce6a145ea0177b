//! The machine that roundsman runs on: how many files and ports it has, and what `watch` wants of it. Nothing is opened,
//! written or bound.

use std::path::Path;

use nix::unistd::{AccessFlags, access};
use roundsman_checks::gather::Concurrency;

use super::{Checkup, some};
use crate::agent;
use crate::alerting::channels;
use crate::config::Config;
use crate::daemon::store_path;
use crate::text::counted;

/// What only `watch` needs.
pub(super) const WATCH: &[&str] = &["database", "web", "channels"];
/// How many tenants are reckoned with where their number is not known: so many are looked at together at first.
const UNKNOWN: usize = 64;
/// What the kernel takes local ports from.
const PORTS: &str = "/proc/sys/net/ipv4/ip_local_port_range";

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
    let needs = format!("{} at the same time need {wanted}", counted(tenants, "tenant"));
    let may = match hard {
        rlimit::INFINITY => "any number".to_owned(),
        hard => hard.to_string(),
    };
    let said = format!("this process may open {may} files; {needs}");
    let raise = |checkup: Checkup| {
        let raised = checkup.run(format!("ulimit -n {wanted}"));
        raised.act(format!(
            "raise the hard limit where the shell refuses that: LimitNOFILE={wanted} in the unit"
        ))
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
    let (have, wanted) = (
        usize::from(last - first) + 1,
        concurrency.descriptors_for(tenants.unwrap_or(UNKNOWN)),
    );
    let said = format!("{have} local ports ({first} to {last})");
    if have >= wanted {
        return Checkup::ok(name, said);
    }
    let warning = Checkup::warn(name, format!("{said}; so many tenants may take {wanted}"));
    warning.run("sudo sysctl -w net.ipv4.ip_local_port_range='10240 65535'")
}

/// What `watch` needs besides. Verifying does without, so all of it is a warning at most.
pub(super) fn watch(config: &Config) -> Vec<Checkup> {
    vec![database(&store_path(config)), web(config), told(config)]
}

fn database(path: &Path) -> Checkup {
    let name = "database";
    // Beside the database itself there are a lock, a journal and a socket.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let shown = path.display();
    let may_not = |what: &Path, error: nix::Error| {
        let seen = format!("`watch` can't write {}: {}", what.display(), error.desc());
        Checkup::warn(name, seen).act("set `path` of [store] to a file in a folder that this user may write")
    };
    let writes = |what: &Path| access(what, AccessFlags::W_OK);
    match (writes(folder), path.exists()) {
        (Err(error), _) => may_not(folder, error),
        (Ok(()), false) => Checkup::ok(name, format!("{shown} can be made, `watch` does so")),
        (Ok(()), true) => match writes(path) {
            Ok(()) => Checkup::ok(name, format!("{shown} can be written")),
            Err(error) => may_not(path, error),
        },
    }
}

fn web(config: &Config) -> Checkup {
    let listen = config.web.listen;
    match config.web.token() {
        Err(error) => Checkup::warn("web", format!("`watch` does not start: {error}")),
        Ok(Some(_)) => Checkup::ok("web", format!("`watch` answers at {listen}, with a token")),
        Ok(None) => Checkup::ok("web", format!("`watch` answers at {listen}, this machine alone")),
    }
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
    }

    #[test]
    fn a_database_needs_a_folder() {
        let missing = database(Path::new("/nonexistent/roundsman.db"));
        assert_eq!(missing.status, Status::Warn);
        assert!(missing.seen.contains("/nonexistent: No such file"), "{}", missing.seen);
        assert_eq!(database(Path::new("roundsman.db")).status, Status::Ok);
    }
}
