//! Which addresses that somebody else names may be connected to: those of a public server, and nothing that would let them
//! look around in the network that the agent is in. Connects to nothing itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address that somebody else names may be visited (RFC 6890). With `private` also one of the agent's own
/// network; never one that is no single server's, or that only the own link has.
#[must_use]
pub fn may_be_visited(address: IpAddr, private: bool) -> bool {
    match address {
        IpAddr::V4(v4) => {
            // What is reserved (240.0.0.0/4) holds the broadcast, too.
            let never = v4.is_unspecified() || v4.octets()[0] >= 240 || v4.is_multicast() || v4.is_link_local();
            let first = v4.octets()[0];
            let inside = v4.is_loopback() || v4.is_private() || is_shared(v4) || first == 0 || is_for_tests(v4);
            !never && (private || !inside)
        }
        IpAddr::V6(v6) => match embedded(v6) {
            Some(v4) => may_be_visited(v4.into(), private),
            None => {
                let never = v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local();
                // Addresses of a site (RFC 3879) are used here and there, as those of RFC 4193 are.
                let of_site = v6.segments()[0] & 0xffc0 == 0xfec0;
                let inside = v6.is_loopback() || v6.is_unique_local() || of_site;
                !never && (private || !inside)
            }
        },
    }
}

/// Addresses between a provider and its customers (RFC 6598).
fn is_shared(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 100 && second & 0b1100_0000 == 64
}

/// Addresses for measurements between two networks (RFC 2544), and those of a link's own protocols (RFC 6890).
fn is_for_tests(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    first == 198 && second & 0xfe == 18 || (first, second, third) == (192, 0, 0)
}

/// The IPv4 address that an IPv6 address leads to: mapped and compatible ones (RFC 4291), those behind a translator (RFC
/// 6052, RFC 8215), and 6to4 (RFC 3056).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, high, low] = address.segments();
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0) if high > 0 => v4(high, low),
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) | (0x64, 0xff9b, 1, ..) => v4(high, low),
        (0x2002, ..) => v4(b, c),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_somebody_else_names_are_public_ones() {
        let visited = |text: &str, private| text.parse().is_ok_and(|address| may_be_visited(address, private));
        for never in [
            "0.0.0.0",
            "255.255.255.255",
            "240.0.0.1",
            "224.0.0.1",
            "169.254.169.254",
            "::",
            "ff02::1",
            "fe80::1",
            "::ffff:169.254.1.1",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::169.254.169.254",
            "2002:a9fe:a9fe::1",
        ] {
            assert!(!visited(never, false) && !visited(never, true), "{never}");
        }
        for inside in [
            "10.0.0.1",
            "127.0.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.0.8",
            "::1",
            "fdaa::1",
            "fec0::1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::1",
            "0.1.2.3",
        ] {
            assert!(!visited(inside, false) && visited(inside, true), "{inside}");
        }
        for public in [
            "198.51.100.7",
            "100.128.0.1",
            "2a09:8280:1::7",
            "64:ff9b::198.51.100.7",
            "2002:c633:6407::1",
        ] {
            assert!(visited(public, false) && visited(public, true), "{public}");
        }
    }
}
