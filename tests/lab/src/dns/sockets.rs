//! The sockets of one DNS server: UDP and TCP on one port.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_server::Server;
use tokio::net::{TcpListener, UdpSocket};

use super::server::{NameServer, Role};
use crate::error::LabError;
use crate::snapshot::Shared;

const ATTEMPTS: usize = 50;
const TCP_TIMEOUT: Duration = Duration::from_secs(10);
const TCP_BUFFER: usize = 64;

/// Both sockets, before anybody answers on them.
pub(crate) struct Pair {
    udp: UdpSocket,
    tcp: TcpListener,
    address: SocketAddr,
}

impl Pair {
    /// Takes a port that is free for both.
    pub(crate) async fn bind(address: IpAddr) -> Result<Self, LabError> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            match Self::try_bind(address).await {
                Ok(pair) => return Ok(pair),
                Err(error) => last = Some(error),
            }
        }
        let source = last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into());
        Err(LabError::Bind { address, source })
    }

    async fn try_bind(address: IpAddr) -> io::Result<Self> {
        let udp = UdpSocket::bind((address, 0)).await?;
        let address = udp.local_addr()?;
        Ok(Self {
            udp,
            tcp: TcpListener::bind(address).await?,
            address,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts answering. Dropping the server ends it.
    pub(crate) fn serve(self, shared: Arc<Shared>, role: Role) -> Server<NameServer> {
        let mut server = Server::new(NameServer { shared, role });
        server.register_socket(self.udp);
        server.register_listener(self.tcp, TCP_TIMEOUT, TCP_BUFFER);
        server
    }
}
