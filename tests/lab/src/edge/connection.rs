//! One connection to the edge: the ClientHello, the handshake that the faults want, and HTTP.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Shutdown};
use std::os::fd::AsFd;
use std::pin::pin;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::server::{Accepted, Acceptor};
use socket2::Socket;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::StartHandshake;
use tokio_rustls::server::TlsStream;

use super::answer;
use super::authority::Authority;
use super::behaviour::{self, Cut, Door, Handshake, Manner};
use super::{cut, flood, frames};
use crate::clock;
use crate::snapshot::{Shared, Snapshot};

/// Serves a connection to its end. How it ends is nobody's business but the client's.
pub(crate) async fn serve(stream: TcpStream, address: IpAddr, shared: Arc<Shared>) {
    let _client_left = converse(stream, address, shared).await;
}

async fn converse(mut stream: TcpStream, address: IpAddr, shared: Arc<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if behaviour::door(&shared.current().faults, address) == Door::Resets {
        return cut::reset(&stream);
    }
    let Some(hello) = read_hello(&mut stream).await? else {
        return Ok(());
    };
    let name = hello.client_hello().server_name().map(str::to_owned);
    let config = match next(&shared, address, name.as_deref())? {
        Next::Cut(how) => return cut::cut(stream, how).await,
        Next::Serve(config) => config,
    };
    let manner = behaviour::manner(&shared.world, &shared.current().faults, name.as_deref());
    let config = match manner {
        Manner::Ordinary => config,
        Manner::Tickets => Authority::generous(&config),
        Manner::Halfway => {
            let mut server = hello
                .into_connection(config)
                .map_err(|(error, _)| io::Error::other(error))?;
            let mut flight = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut flight)?;
            }
            return cut::halfway(stream, &flight).await;
        }
    };
    let tls = StartHandshake::from_parts(hello, stream).into_stream(config).await?;
    shared.counters.handshakes.fetch_add(1, Ordering::Relaxed);
    let flood = flood::instead(&shared.world, &shared.current().faults, name.as_deref());
    if let Some(flood) = flood {
        return flood::serve(tls, &flood).await;
    }
    if tls.get_ref().1.alpn_protocol() == Some(b"h2") {
        let snapshot = shared.current();
        let frames = frames::instead(&shared.world, &snapshot.faults, name.as_deref(), snapshot.age());
        if let Some(frames) = frames {
            return frames::say(tls, &frames).await;
        }
    }
    speak(tls, shared, Reached::Edge).await
}

enum Next {
    Cut(Cut),
    Serve(Arc<ServerConfig>),
}

fn next(shared: &Shared, address: IpAddr, name: Option<&str>) -> io::Result<Next> {
    let snapshot = shared.current();
    if let Some(reset) = throttled(&snapshot) {
        return Ok(Next::Cut(if reset { Cut::Reset } else { Cut::Eof }));
    }
    let planned = behaviour::handshake(&shared.world, &snapshot.faults, address, name);
    let planned = match &shared.platform {
        Some(platform) => platform.handshake(&shared.world, &snapshot.faults, name, planned),
        None => planned,
    };
    let served = match planned {
        Handshake::Cut(how) => return Ok(Next::Cut(how)),
        Handshake::Ordinary => Arc::clone(&snapshot.tls),
        Handshake::Peculiar {
            certificate,
            http1_only,
        } => {
            let config = shared.authority.configuration(&certificate, http1_only);
            config.map_err(io::Error::other)?
        }
    };
    let choosy = behaviour::is_for_clients_with_certificate(&shared.world, &snapshot.faults, name);
    Ok(Next::Serve(match choosy {
        true => shared
            .authority
            .for_clients_with_certificate(&served)
            .map_err(io::Error::other)?,
        false => served,
    }))
}

fn throttled(snapshot: &Snapshot) -> Option<bool> {
    let bucket = snapshot.throttle.as_ref()?;
    bucket
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take(clock::monotonic())
}

/// Reads the ClientHello and nothing else; nothing if the client left or sent something else.
pub(crate) async fn read_hello(stream: &mut TcpStream) -> io::Result<Option<Accepted>> {
    let mut acceptor = Acceptor::default();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(None);
        }
        let mut unread = &buffer[..count];
        while !unread.is_empty() {
            acceptor.read_tls(&mut unread)?;
            match acceptor.accept() {
                Ok(Some(hello)) => return Ok(Some(hello)),
                Ok(None) => {}
                Err((_, mut alert)) => {
                    let mut bytes = Vec::new();
                    alert.write(&mut bytes)?;
                    stream.write_all(&bytes).await?;
                    stream.shutdown().await?;
                    return Ok(None);
                }
            }
        }
    }
}

/// Who was reached.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reached {
    /// The edge, which passes requests on.
    Edge,
    /// An app itself.
    App,
}

/// Speaks the HTTP that was agreed on, until the client leaves or an answer wants the connection
/// cut.
pub(crate) async fn speak(tls: TlsStream<TcpStream>, shared: Arc<Shared>, reached: Reached) -> io::Result<()> {
    let http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
    let hang_up = Arc::new(Notify::new());
    let hung_up = Arc::clone(&hang_up);
    let service = service_fn(move |request| {
        let (shared, hang_up) = (Arc::clone(&shared), Arc::clone(&hang_up));
        async move {
            Ok::<_, Infallible>(match reached {
                Reached::Edge => answer::answer(&shared, &request, &hang_up).await,
                Reached::App => answer::direct(&shared, &request, &hang_up).await,
            })
        }
    });
    let socket = Socket::from(tls.get_ref().0.as_fd().try_clone_to_owned()?);
    let io = TokioIo::new(tls);
    let serving = async {
        if http2 {
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            builder.serve_connection(io, service).await
        } else {
            hyper::server::conn::http1::Builder::new()
                .serve_connection(io, service)
                .await
        }
    };
    let mut serving = pin!(serving);
    tokio::select! {
        served = &mut serving => return served.map_err(io::Error::other),
        () = hung_up.notified() => {}
    }
    // What came and is not read yet would turn an orderly end into a reset: it is read until the client leaves as well.
    socket.shutdown(Shutdown::Write)?;
    serving.await.map_err(io::Error::other)
}
