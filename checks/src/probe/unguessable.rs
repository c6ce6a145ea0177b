//! Numbers that nobody can guess from others that they saw (RFC 5452, section 9.2): ids of DNS messages and fresh labels.
//! The labels are seen by everybody on the way, so a generator whose state follows from its output is none.

/// Bytes of the generator that TLS takes its keys from.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // It fails where the system has no randomness at all; then handshakes fail as well, and tell why.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        fastrand::fill(&mut bytes);
    }
    bytes
}

/// An id of a DNS message.
pub(super) fn id() -> u16 {
    u16::from_ne_bytes(bytes())
}
