//! The closed set of reasons why something was not as it should be, written `layer/reason`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why a check did not pass: a layer and what went wrong on it, or for `skipped` what it depends on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* $name,)*
            /// A TLS alert that the peer sent (RFC 8446, section 6).
            TlsAlert(Alert),
        }

        impl Reason {
            const PLAIN: &[(Self, &'static str)] = &[$((Self::$name, $text)),*];

            fn plain(self) -> Option<&'static str> {
                match self { $(Self::$name => Some($text),)* Self::TlsAlert(_) => None }
            }
        }
    };
}

reasons! {
    /// The name does not exist.
    DnsNxdomain = "dns/nxdomain",
    /// The name exists and has no address (RFC 2308, section 2.2).
    DnsNodata = "dns/nodata",
    /// The server failed.
    DnsServfail = "dns/servfail",
    /// The server refused to answer.
    DnsRefused = "dns/refused",
    /// No answer came in time.
    DnsTimeout = "dns/timeout",
    /// The server is named for the zone and does not answer with authority (RFC 1912, section 2.8).
    DnsLame = "dns/lame",
    /// The answer differs from what was expected.
    DnsMismatch = "dns/mismatch",
    /// An NS record takes the name out of the zone.
    DnsDelegated = "dns/delegated",
    /// The zone does not validate (RFC 4035, section 5).
    DnsBogus = "dns/bogus",
    /// The port is closed.
    TcpRefused = "tcp/refused",
    /// No connection within the limit.
    TcpTimeout = "tcp/timeout",
    /// The connection was reset before a byte of TLS was exchanged.
    TcpReset = "tcp/reset",
    /// No route to the address.
    TcpUnreachable = "tcp/unreachable",
    /// The peer closed the connection during the handshake.
    TlsUnexpectedEof = "tls/unexpected-eof",
    /// The peer reset the connection during the handshake.
    TlsReset = "tls/reset",
    /// The handshake did not end in time.
    TlsTimeout = "tls/timeout",
    /// The certificate's time is over.
    TlsExpired = "tls/expired",
    /// Little of the certificate's lifetime is left.
    TlsExpiring = "tls/expiring",
    /// The certificate's time has not begun.
    TlsNotYetValid = "tls/not-yet-valid",
    /// The certificate is for other names.
    TlsNameMismatch = "tls/name-mismatch",
    /// The chain ends at no trusted root.
    TlsUnknownIssuer = "tls/unknown-issuer",
    /// Only the leaf was sent, and a trusted root does not sign it.
    TlsIncompleteChain = "tls/incomplete-chain",
    /// The peers share no version or parameter, or the peer broke the protocol.
    TlsProtocol = "tls/protocol",
    /// What was sent is no TLS or no certificate.
    TlsMalformed = "tls/malformed",
    /// Another status than expected.
    HttpStatus = "http/status",
    /// Another HTTP version than expected.
    HttpProtocol = "http/protocol",
    /// A redirect where none was expected.
    HttpRedirect = "http/redirect",
    /// The body is not as expected.
    HttpBody = "http/body",
    /// A header is missing or differs.
    HttpHeader = "http/header",
    /// The answer names another release than expected.
    HttpRelease = "http/release",
    /// The answer was slow.
    HttpSlow = "http/slow",
    /// The answer did not come or end in time.
    HttpTimeout = "http/timeout",
    /// Reading stopped at the limit before it was decided.
    HttpTooLarge = "http/too-large",
    /// The answer is no HTTP.
    HttpMalformed = "http/malformed",
    /// The connection ended without a whole answer.
    HttpClosed = "http/closed",
    /// Another tenant's app answered.
    HttpWrongTenant = "http/wrong-tenant",
    /// The platform does not accept the token.
    PlatformUnauthorized = "platform/unauthorized",
    /// The token may not see this.
    PlatformForbidden = "platform/forbidden",
    /// The platform does not know it.
    PlatformNotFound = "platform/not-found",
    /// The platform asks us to slow down.
    PlatformRateLimited = "platform/rate-limited",
    /// The platform failed.
    PlatformUnavailable = "platform/unavailable",
    /// The platform did not answer in time.
    PlatformTimeout = "platform/timeout",
    /// The platform's answer can't be read.
    PlatformMalformed = "platform/malformed",
    /// The platform answered for a part only.
    PlatformPartial = "platform/partial",
    /// A machine runs another release than expected.
    PlatformRelease = "platform/release",
    /// Another app holds a certificate for the name.
    PlatformConflict = "platform/conflict",
    /// No machine runs and none will wake.
    PlatformStopped = "platform/stopped",
    /// The app crashed.
    PlatformCrashed = "platform/crashed",
    /// The app is booting.
    PlatformStarting = "platform/starting",
    /// The certificate is being issued.
    PlatformPending = "platform/pending",
    /// Skipped: `dns` failed.
    PrerequisiteDns = "dns",
    /// Skipped: `certificate` failed.
    PrerequisiteCertificate = "certificate",
    /// Skipped: `site` has no answer.
    PrerequisiteSite = "site",
    /// Skipped: the tenant sleeps and may not be woken.
    Asleep = "asleep",
    /// Skipped: the tenant is expected not to run.
    Inactive = "inactive",
    /// Skipped: nothing is configured to ask.
    NotConfigured = "not-configured",
    /// Skipped: left out by the caller.
    NotSelected = "not-selected",
    /// Skipped: the answer carries nothing that names an app.
    NotIdentifiable = "not-identifiable",
    /// Skipped: the agent's machine has no IPv6.
    NoIpv6 = "no-ipv6",
    /// Skipped: the agent's machine has no IPv4.
    NoIpv4 = "no-ipv4",
}

/// Names of TLS alerts as in RFC 8446, section 6, and RFC 5246, section 7.2, with hyphens.
const ALERTS: &[(u8, &str)] = &[
    (0, "close-notify"),
    (10, "unexpected-message"),
    (20, "bad-record-mac"),
    (22, "record-overflow"),
    (40, "handshake-failure"),
    (42, "bad-certificate"),
    (43, "unsupported-certificate"),
    (44, "certificate-revoked"),
    (45, "certificate-expired"),
    (46, "certificate-unknown"),
    (47, "illegal-parameter"),
    (48, "unknown-ca"),
    (49, "access-denied"),
    (50, "decode-error"),
    (51, "decrypt-error"),
    (70, "protocol-version"),
    (71, "insufficient-security"),
    (80, "internal-error"),
    (86, "inappropriate-fallback"),
    (90, "user-canceled"),
    (109, "missing-extension"),
    (110, "unsupported-extension"),
    (112, "unrecognized-name"),
    (113, "bad-certificate-status-response"),
    (115, "unknown-psk-identity"),
    (116, "certificate-required"),
    (120, "no-application-protocol"),
];

/// A TLS alert by its number (RFC 8446, section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Alert(pub u8);

impl Alert {
    /// `unrecognized_name` (RFC 6066, section 3): the server knows no such SNI.
    pub const UNRECOGNIZED_NAME: Self = Self(112);
}

impl Reason {
    /// The text before the slash: `dns`, `tcp`, `tls`, `http`, `platform`; for skip reasons the whole text.
    #[must_use]
    pub fn layer(self) -> &'static str {
        self.plain()
            .map_or("tls", |text| text.split('/').next().unwrap_or(text))
    }

    /// Whether the peer cut the TLS handshake: EOF, a reset, or `unrecognized_name`.
    #[must_use]
    pub fn is_cut_handshake(self) -> bool {
        matches!(
            self,
            Self::TlsUnexpectedEof | Self::TlsReset | Self::TlsAlert(Alert::UNRECOGNIZED_NAME)
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.plain() {
            return f.pad(text);
        }
        let Self::TlsAlert(Alert(number)) = *self else {
            return Ok(());
        };
        match ALERTS.iter().find(|(known, _)| *known == number) {
            Some((_, name)) => f.pad(&format!("tls/alert-{name}")),
            None => f.pad(&format!("tls/alert-{number}")),
        }
    }
}

/// A text that names no reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no reason that roundsman knows")]
pub struct UnknownReason(pub String);

impl FromStr for Reason {
    type Err = UnknownReason;
    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        if let Some((reason, _)) = Self::PLAIN.iter().find(|(_, known)| *known == text) {
            return Ok(*reason);
        }
        let alert = text.strip_prefix("tls/alert-").and_then(|name| {
            let named = ALERTS
                .iter()
                .find(|(_, known)| *known == name)
                .map(|(number, _)| *number);
            named.or_else(|| name.parse().ok())
        });
        alert
            .map(|number| Self::TlsAlert(Alert(number)))
            .ok_or_else(|| UnknownReason(text.to_owned()))
    }
}

impl TryFrom<String> for Reason {
    type Error = UnknownReason;
    fn try_from(text: String) -> Result<Self, UnknownReason> {
        text.parse()
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        reason.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back_as_itself() {
        let alerts = (0..=255).map(|number| Reason::TlsAlert(Alert(number)));
        for reason in Reason::PLAIN.iter().map(|(reason, _)| *reason).chain(alerts) {
            assert_eq!(reason.to_string().parse(), Ok(reason));
        }
    }

    #[test]
    fn an_alert_belongs_to_the_tls_layer() {
        assert_eq!(Reason::TlsAlert(Alert(40)).to_string(), "tls/alert-handshake-failure");
        assert_eq!(Reason::TlsAlert(Alert(40)).layer(), "tls");
        assert_eq!(Reason::HttpStatus.layer(), "http");
    }
}
