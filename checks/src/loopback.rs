//! Whether an address leads to this machine: only there may what is nobody else's to read go in clear.

use std::net::IpAddr;

/// Whether a URL leads to this machine.
#[must_use]
pub fn is_on_loopback(url: &str) -> bool {
    let url = reqwest::Url::parse(url).ok();
    let host = url.as_ref().and_then(reqwest::Url::host_str).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_this_machine() {
        assert!(
            is_on_loopback("http://127.0.0.1:1/x")
                && is_on_loopback("http://[::1]:1")
                && is_on_loopback("http://localhost")
        );
        assert!(!is_on_loopback("https://api.fly.io") && !is_on_loopback("https://127.0.0.1.evil.example"));
    }
}
