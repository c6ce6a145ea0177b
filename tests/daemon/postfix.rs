//! Postfix as a process, with a configuration, a spool and a maildir of its own: takes mail for `ops@example.com`, and
//! only under TLS. Several run side by side.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::eventually;
use crate::witness::pki::{Authority, NOW};
use crate::witness::server::{Port, Server, run};

/// Whose the maildir is: nobody's.
const NOBODY: u32 = 65_534;

/// A running Postfix.
pub(super) struct Postfix {
    /// What trusts its certificate, which is for `localhost`.
    pub(super) roots: PathBuf,
    port: Port,
    dir: TempDir,
    _server: Server,
}

/// A mail in the maildir.
pub(super) struct Arrived {
    head: String,
    /// Its parts as they came over the line, but for the line breaks of quoted-printable.
    pub(super) body: String,
}

impl Arrived {
    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.head.lines().filter_map(|line| line.split_once(": "));
        all.find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    }
}

impl Postfix {
    /// Starts it, and waits until it listens. Nothing where the test is not run by root: it changes users.
    pub(super) fn start() -> Option<Self> {
        if fs::metadata("/proc/self").expect("a process").uid() != 0 {
            return None;
        }
        let dir = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .expect("a temporary folder");
        let (port, base) = (Port::take(), dir.path());
        let config = base.join("conf");
        for name in ["conf", "queue", "mail"] {
            fs::create_dir(base.join(name)).expect("a folder");
        }
        chown(base.join("mail"), Some(NOBODY), Some(NOBODY)).expect("root may");
        let (roots, authority) = (base.join("roots.pem"), Authority::new("Mail"));
        fs::write(&roots, authority.root_pem()).expect("it can be written");
        let presented = authority.chain("localhost", NOW);
        fs::write(base.join("chain.pem"), presented.key + &presented.chain.concat()).expect("it can be written");
        fs::write(config.join("main.cf"), main(base)).expect("it can be written");
        fs::write(config.join("master.cf"), master(port.number())).expect("it can be written");
        let config = config.display().to_string();
        // Makes what is missing of the spool.
        run("postfix", "postfix", &["-c", &config, "check"]);
        let programs = run("postconf", "postfix", &["-c", &config, "-h", "daemon_directory"]);
        let program = format!("{}/master", programs.trim());
        // Ends by itself where nobody ends it.
        let mut server = Server::start(&program, "postfix", &["-c", &config, "-e", "600"], &base.join("out"));
        eventually("Postfix", || {
            server.must_run();
            TcpStream::connect(port.v4()).is_ok().then_some(())
        });
        Some(Self {
            roots,
            port,
            dir,
            _server: server,
        })
    }

    /// How a configuration names it.
    pub(super) fn server(&self) -> String {
        format!("smtp+starttls://localhost:{}", self.port.number())
    }

    /// The mails that arrived, in no order.
    pub(super) fn mails(&self) -> Vec<Arrived> {
        // There from the first mail on.
        let files = fs::read_dir(self.dir.path().join("mail/ops/new")).into_iter().flatten();
        let mails = files.map(|file| fs::read_to_string(file.expect("an entry").path()).expect("a mail"));
        let parsed = mails.map(|mail| {
            let (head, body) = mail.split_once("\n\n").expect("a head and a body");
            Arrived {
                head: head.replace("\n\t", " ").replace("\n ", " "),
                body: body.replace("=\n", ""),
            }
        });
        parsed.collect()
    }

    /// What it wrote to its log, for who wonders why.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

fn main(base: &Path) -> String {
    let base = base.display();
    format!(
        "compatibility_level = 3.6
queue_directory = {base}/queue
data_directory = {base}/data
maillog_file = {base}/log
maillog_file_prefixes = {base}
myhostname = localhost
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
alias_maps =
alias_database =
local_transport = error:nobody lives here
default_transport = error:no mail leaves this machine
virtual_mailbox_domains = example.com
virtual_mailbox_maps = inline:{{ ops@example.com=ops/ }}
virtual_mailbox_base = {base}/mail
virtual_uid_maps = static:{NOBODY}
virtual_gid_maps = static:{NOBODY}
smtpd_tls_security_level = encrypt
smtpd_tls_chain_files = {base}/chain.pem
smtpd_relay_restrictions = permit_mynetworks, reject
"
    )
}

fn master(port: u16) -> String {
    format!(
        "127.0.0.1:{port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
"
    )
}
