//! The listening sockets of the edge: all on one port, each opened and closed as the faults want.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::behaviour::{self, Door};
use super::connection;
use crate::error::LabError;
use crate::snapshot::Shared;

const ATTEMPTS: usize = 100;
const BACKLOG: u32 = 4096;
const REBINDS: usize = 200;
const REBIND_PAUSE: Duration = Duration::from_millis(25);

/// One address of the edge.
struct Entrance {
    address: IpAddr,
    state: State,
}

enum State {
    /// Bound and not listening: connections are refused, and nobody else gets the port.
    Closed(TcpSocket),
    Open(JoinHandle<()>),
    /// Listening with a queue for one, which is taken.
    Stuck(
        #[expect(dead_code, reason = "held to stay open")] TcpListener,
        #[expect(dead_code, reason = "held to fill the queue")] TcpStream,
    ),
    /// Between two states.
    Moving,
}

/// All addresses of the edge.
pub(crate) struct Doors {
    entrances: Vec<Entrance>,
    port: u16,
}

impl Doors {
    /// Takes one port that is free on all addresses.
    pub(crate) fn bind(addresses: &[IpAddr]) -> Result<Self, LabError> {
        for _ in 0..ATTEMPTS {
            if let Some(doors) = Self::try_bind(addresses)? {
                return Ok(doors);
            }
        }
        Err(LabError::NoCommonPort(addresses.to_vec()))
    }

    fn try_bind(addresses: &[IpAddr]) -> Result<Option<Self>, LabError> {
        let mut doors = Self {
            entrances: Vec::new(),
            port: 0,
        };
        for &address in addresses {
            let socket = match bound(SocketAddr::new(address, doors.port), false) {
                Ok(socket) => socket,
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Ok(None),
                Err(source) => return Err(LabError::Bind { address, source }),
            };
            let taken = socket.local_addr();
            doors.port = taken.map_err(|source| LabError::Bind { address, source })?.port();
            doors.entrances.push(Entrance {
                address,
                state: State::Closed(socket),
            });
        }
        Ok(Some(doors))
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Opens and closes what the current faults want open and closed.
    pub(crate) async fn follow(&mut self, shared: &Arc<Shared>, running: &watch::Receiver<()>) -> Result<(), LabError> {
        let snapshot = shared.current();
        for entrance in &mut self.entrances {
            let address = SocketAddr::new(entrance.address, self.port);
            let wanted = behaviour::door(&snapshot.faults, entrance.address);
            let failed = |source| LabError::Bind {
                address: address.ip(),
                source,
            };
            match (wanted, &entrance.state) {
                (Door::Open | Door::Resets, State::Open(_))
                | (Door::Closed, State::Closed(_))
                | (Door::Stuck, State::Stuck(..)) => {}
                (Door::Open | Door::Resets, _) => {
                    let listener = entrance.close(address).await.map_err(failed)?;
                    let listener = listener.listen(BACKLOG).map_err(failed)?;
                    let serving = accept(listener, Arc::clone(shared), running.clone());
                    entrance.state = State::Open(tokio::spawn(serving));
                }
                (Door::Closed, _) => {
                    entrance.state = State::Closed(entrance.close(address).await.map_err(failed)?);
                }
                (Door::Stuck, _) => {
                    let socket = entrance.close(address).await.map_err(failed)?;
                    entrance.state = stuck(socket, address).await.map_err(failed)?;
                }
            }
        }
        Ok(())
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        for entrance in &self.entrances {
            if let State::Open(task) = &entrance.state {
                task.abort();
            }
        }
    }
}

impl Entrance {
    /// Leaves whatever state this is for a socket that is bound and no more.
    async fn close(&mut self, address: SocketAddr) -> io::Result<TcpSocket> {
        match std::mem::replace(&mut self.state, State::Moving) {
            State::Closed(socket) => return Ok(socket),
            State::Open(task) => {
                task.abort();
                // The listener is gone only when the task is.
                let _ended = task.await;
            }
            State::Stuck(..) | State::Moving => {}
        }
        again(address).await
    }
}

/// Binds a port: a free one at first, and later the same one again, whatever lingers on it.
fn bound(address: SocketAddr, again: bool) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.set_reuseaddr(again)?;
    socket.bind(address)?;
    // What is accepted inherits it, or the port could not be bound again while connections last.
    socket.set_reuseaddr(true)?;
    Ok(socket)
}

/// Binds the port again. In the moment without an owner a connection from this machine may have got it as its own: that
/// is soon over.
async fn again(address: SocketAddr) -> io::Result<TcpSocket> {
    for _ in 0..REBINDS {
        match bound(address, true) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => tokio::time::sleep(REBIND_PAUSE).await,
            other => return other,
        }
    }
    bound(address, true)
}

async fn stuck(socket: TcpSocket, address: SocketAddr) -> io::Result<State> {
    let listener = socket.listen(0)?;
    let filler = TcpStream::connect(address).await?;
    Ok(State::Stuck(listener, filler))
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, running: watch::Receiver<()>) {
    let Ok(address) = listener.local_addr() else { return };
    loop {
        // Out of descriptors, say: a connection may end meanwhile.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        shared.counters.connection(address.ip());
        let mut running = running.clone();
        let serving = connection::serve(stream, address.ip(), Arc::clone(&shared));
        tokio::spawn(async move {
            tokio::select! {
                () = serving => {}
                _ = running.changed() => {}
            }
        });
    }
}
