//! `openssl s_server`, for what other servers do not do: old versions, clients with certificates.

use std::fs;
use std::net::SocketAddr;

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::child::{Server, run, until};
use super::port::Port;
use crate::witness::pki::Presented;

/// A running server, which answers and asks nobody at a keyboard.
pub(crate) struct OpenSsl {
    port: Port,
    _dir: TempDir,
    _server: Server,
}

impl OpenSsl {
    /// A server of this chain; `options` are openssl's words besides.
    pub(crate) async fn start(options: &[&str], presented: &Presented) -> Self {
        let (port, dir) = (Port::take(), tempfile::tempdir().unwrap());
        let [chain, key] = ["chain.pem", "key.pem"].map(|name| dir.path().join(name));
        fs::write(&chain, presented.chain.concat()).unwrap();
        fs::write(&key, &presented.key).unwrap();
        let address = port.v4().to_string();
        let mut arguments = ["s_server", "-quiet", "-www", "-accept", &address]
            .map(AsRef::as_ref)
            .to_vec();
        for (option, file) in [("-cert", &chain), ("-cert_chain", &chain), ("-key", &key)] {
            arguments.extend([option.as_ref(), file.as_os_str()]);
        }
        arguments.extend(options.iter().map(AsRef::<std::ffi::OsStr>::as_ref));
        let mut server = Server::start("openssl", "openssl", &arguments, &dir.path().join("log"));
        until("openssl listens", async || {
            server.must_run();
            TcpStream::connect(port.v4()).await.is_ok()
        })
        .await;
        Self {
            port,
            _dir: dir,
            _server: server,
        }
    }

    /// Where it listens.
    pub(crate) fn v4(&self) -> SocketAddr {
        self.port.v4()
    }
}

/// Runs a command of OpenSSL to its end.
pub(crate) fn openssl(arguments: &[&str]) {
    run("openssl", "openssl", arguments);
}
