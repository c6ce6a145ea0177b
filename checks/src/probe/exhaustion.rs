//! Tells the agent's own exhaustion from faults of the world.

use std::io;
use std::net::{SocketAddr, UdpSocket};

/// What the agent ran out of, where the error says so.
pub(super) fn of(error: &io::Error) -> Option<String> {
    let what = match error.raw_os_error()? {
        libc::EMFILE => "the agent has no file descriptors left (EMFILE, see `ulimit -n`)",
        libc::ENFILE => "the machine has no file descriptors left (ENFILE)",
        libc::ENOMEM | libc::ENOBUFS => "the machine has no memory left for sockets",
        libc::EAGAIN => "the machine has no local ports left (EAGAIN)",
        _ => return None,
    };
    Some(what.to_owned())
}

/// Whether a TCP connect that failed with EADDRNOTAVAIL means that local ports ran out: a lacking address family shows
/// the same error, and a UDP `connect`, which takes no port of TCP's, tells them apart.
pub(super) fn of_connect(error: &io::Error, address: SocketAddr) -> Option<String> {
    if error.raw_os_error() == Some(libc::EADDRNOTAVAIL) && udp_reaches(address) {
        return Some("the agent has no local ports left (EADDRNOTAVAIL)".to_owned());
    }
    of(error)
}

/// Whether the kernel knows a way to an address: no packet is sent.
pub(super) fn udp_reaches(address: SocketAddr) -> bool {
    let local = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    match UdpSocket::bind(local).and_then(|socket| socket.connect(address)) {
        Ok(()) => true,
        Err(error) => !matches!(
            error.raw_os_error(),
            Some(libc::ENETUNREACH | libc::EADDRNOTAVAIL | libc::EAFNOSUPPORT)
        ),
    }
}
