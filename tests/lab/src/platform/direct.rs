//! The tenant apps as they answer without the edge: a TLS listener for `*.lab-apps.test` on both
//! loopback addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::StartHandshake;

use super::{APP_DOMAIN, server};
use crate::edge::behaviour::{self, Cut};
use crate::edge::connection::{self, Reached};
use crate::edge::cut;
use crate::error::LabError;
use crate::snapshot::Shared;

const ATTEMPTS: usize = 50;

/// Starts serving; ends when the lab does. Gives the addresses and their port.
pub(crate) async fn start(shared: &Arc<Shared>, running: &watch::Receiver<()>) -> Result<(Vec<IpAddr>, u16), LabError> {
    let (listeners, port) = bind().await?;
    let mut addresses = Vec::new();
    for listener in listeners {
        let failed = |source| LabError::Bind {
            address: Ipv4Addr::LOCALHOST.into(),
            source,
        };
        addresses.push(listener.local_addr().map_err(failed)?.ip());
        let shared = Arc::clone(shared);
        tokio::spawn(server::accept(listener, running.clone(), move |stream| {
            serve(stream, Arc::clone(&shared))
        }));
    }
    Ok((addresses, port))
}

/// One port on both addresses; on one, where the machine has no IPv6.
async fn bind() -> Result<(Vec<TcpListener>, u16), LabError> {
    let v4 = IpAddr::from(Ipv4Addr::LOCALHOST);
    for _ in 0..ATTEMPTS {
        let failed = |source| LabError::Bind { address: v4, source };
        let first = TcpListener::bind((v4, 0)).await.map_err(failed)?;
        let port = first.local_addr().map_err(failed)?.port();
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
            Ok(second) => return Ok((vec![first, second], port)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(_) => return Ok((vec![first], port)),
        }
    }
    Err(LabError::NoCommonPort(vec![v4, Ipv6Addr::LOCALHOST.into()]))
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _client_left = converse(stream, shared).await;
}

async fn converse(mut stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if shared.current().faults.everywhere("vantage-offline").is_some() {
        return cut::reset(&stream);
    }
    let Some(hello) = connection::read_hello(&mut stream).await? else {
        return Ok(());
    };
    let name = hello.client_hello().server_name().map(str::to_ascii_lowercase);
    let app = name
        .as_deref()
        .and_then(|name| name.strip_suffix(APP_DOMAIN)?.strip_suffix('.'));
    let known = app.is_some_and(|app| shared.platform.as_ref().is_some_and(|platform| platform.knows_app(app)));
    if !known {
        return cut::cut(stream, Cut::Eof).await;
    }
    let certificate = behaviour::healthy(format!("*.{APP_DOMAIN}"), &shared.current().faults);
    let config = shared
        .authority
        .configuration(&certificate, false)
        .map_err(io::Error::other)?;
    let tls = StartHandshake::from_parts(hello, stream).into_stream(config).await?;
    connection::speak(tls, shared, Reached::App).await
}
