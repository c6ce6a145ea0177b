//! Ports that no other test takes.

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

/// Below the ports that the kernel gives to whoever asks for any (32768 upwards), so that nobody gets one of ours
/// between our look at it and the server's `bind`.
const RANGE: std::ops::Range<u16> = 20_000..32_000;
const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// A port that is free on 127.0.0.1 and `::1` for UDP and TCP, and ours while this lives: a lock on a file keeps the
/// other tests away, for servers that share ports (`SO_REUSEPORT`) would not even notice each other.
pub(crate) struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    pub(crate) fn take() -> Self {
        let locks = std::env::temp_dir().join("roundsman-witness-ports");
        fs::create_dir_all(&locks).unwrap();
        for _ in 0..1000 {
            let number = fastrand::u16(RANGE);
            let lock = File::create(locks.join(number.to_string())).unwrap();
            if lock.try_lock().is_ok() && [V4, V6].iter().all(|address| is_free((*address, number).into())) {
                return Self { number, _lock: lock };
            }
        }
        panic!("no port of {RANGE:?} is free on both 127.0.0.1 and ::1: is IPv6 switched off on the loopback?");
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    pub(crate) fn v4(&self) -> SocketAddr {
        (V4, self.number).into()
    }

    pub(crate) fn v6(&self) -> SocketAddr {
        (V6, self.number).into()
    }
}

fn is_free(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok()
}
