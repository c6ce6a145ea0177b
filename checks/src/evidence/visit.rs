//! One visit: one TCP connection to one edge address, and all that it showed.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Fault, Millis, Reason, SpanId, StepStatus};
use crate::target::Hostname;

/// Names a presented chain: the SHA-256 over its certificates, each with its length before it, in the order sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChainId([u8; 32]);

impl ChainId {
    /// The id of the chain `presented` (DER, in the order sent).
    pub fn of<C: AsRef<[u8]>>(presented: impl IntoIterator<Item = C>) -> Self {
        let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        for der in presented {
            let der = der.as_ref();
            hash.update(&(der.len() as u64).to_be_bytes());
            hash.update(der);
        }
        let mut id = [0; 32];
        id.copy_from_slice(hash.finish().as_ref());
        Self(id)
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no chain id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a chain id is 64 hexadecimal digits")]
pub struct NoChainId;

impl TryFrom<String> for ChainId {
    type Error = NoChainId;
    fn try_from(text: String) -> Result<Self, NoChainId> {
        let mut id = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(NoChainId);
        }
        for (byte, pair) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(pair).map_err(|_| NoChainId)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| NoChainId)?;
        }
        Ok(Self(id))
    }
}

impl From<ChainId> for String {
    fn from(id: ChainId) -> Self {
        id.to_string()
    }
}

/// The TCP connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Connect {
    /// How it ended.
    pub end: StepStatus,
    /// From the SYN to the connection.
    pub ms: Millis,
}

/// The TLS handshake.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Handshake {
    /// How it ended; a chain that does not verify ends it `Failed`.
    pub end: StepStatus,
    /// From the ClientHello to the end.
    pub ms: Millis,
    /// `1.2` or `1.3`, where one was agreed.
    pub version: Option<String>,
    /// The cipher suite, where one was agreed.
    pub cipher: Option<String>,
    /// The protocol that ALPN chose (RFC 7301).
    pub alpn: Option<String>,
    /// The presented chain, where one came; kept when it does not verify.
    pub chain: Option<ChainId>,
    /// Everything that is wrong with the chain; empty where it verifies or none came.
    pub faults: Vec<Reason>,
    /// When the first intermediate ends without which no path to a root stands, where that is before the leaf's end and
    /// not far away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_ends: Option<Timestamp>,
}

/// One HTTP request and its answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// When the request was sent, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// How it ended. Reading stops at the limit of the body, which is `Done` with an incomplete body.
    pub end: StepStatus,
    /// From the request to the first byte of the answer's head.
    pub first_byte_ms: Millis,
    /// From the request to the last byte that was read.
    pub total_ms: Millis,
    /// The answer, as far as it came.
    pub answer: Option<Answer>,
    /// The span that the request named as its parent, where it named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<SpanId>,
}

impl Exchange {
    /// When the request was sent and when the last of its answer was read.
    #[must_use]
    pub fn during(&self) -> Option<(Timestamp, Timestamp)> {
        let sent = self.sent_at?;
        let took = SignedDuration::try_from_secs_f64(self.total_ms.0 / 1000.0).unwrap_or_default();
        Some((sent, sent.saturating_add(took).unwrap_or(sent)))
    }
}

/// An HTTP answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// `1.0`, `1.1` or `2`.
    pub version: String,
    /// The status code.
    pub status: u16,
    /// Header fields, names in lower case, in the order received, at most 8 KiB in all.
    pub headers: Vec<(String, String)>,
    /// What was read of the body.
    pub body: Body,
}

impl Answer {
    /// What the platform calls the request: the key that joins it with lines of its logs.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        super::REQUEST_ID_HEADERS.iter().find_map(|name| self.header(name))
    }

    /// The first value of a header; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What stays of a body: its beginning, its digest and what the expectation looked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// The first 4 KiB after decompression; bytes that are no UTF-8 are replaced.
    pub prefix: String,
    /// Bytes read, after decompression.
    pub length: u64,
    /// Whether the whole body was read.
    pub complete: bool,
    /// SHA-256 of what was read, in hexadecimal; empty where nothing was.
    pub digest: String,
    /// What the expectation looked for.
    pub matches: Matches,
}

/// What was looked for in a body while it was whole in memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Matches {
    /// Whether the text was found; `None` where none was looked for.
    pub contains: Option<bool>,
    /// JSON pointers and the value found there.
    pub json: BTreeMap<String, Option<serde_json::Value>>,
    /// Why the body could not be read as JSON, where JSON was looked for.
    pub not_json: Option<String>,
}

/// One TCP connection to an edge address with a name as SNI and Host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Visit {
    /// Where the connection went.
    pub address: SocketAddr,
    /// The name that was asked for.
    pub name: Hostname,
    /// When it began, by the agent's clock: its chain is judged at this moment. Old recordings do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// Why the server did not process the request, where it said so: it was asked once more on a new connection. This is
    /// that connection, or the first one where the second did not stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Fault>,
    /// The connection.
    pub connect: Connect,
    /// The handshake.
    pub handshake: Handshake,
    /// The page that the expectation names.
    pub page: Exchange,
    /// `/.well-known/oauth-authorization-server` on the same connection, asked only where nothing else tells the app.
    pub issuer: Exchange,
}

impl Visit {
    /// A visit that has not begun.
    #[must_use]
    pub fn new(address: SocketAddr, name: Hostname) -> Self {
        Self {
            address,
            name,
            started_at: None,
            refused: None,
            connect: Connect::default(),
            handshake: Handshake::default(),
            page: Exchange::default(),
            issuer: Exchange::default(),
        }
    }

    /// The end of the deepest layer among connect and handshake that was reached.
    #[must_use]
    pub fn channel_end(&self) -> &StepStatus {
        if self.connect.end.is_done() {
            &self.handshake.end
        } else {
            &self.connect.end
        }
    }

    /// Whether the peer cut the connection before TLS stood, which a limit on handshakes does too.
    #[must_use]
    pub fn was_cut(&self) -> bool {
        self.channel_end()
            .reason()
            .is_some_and(|reason| reason.is_cut_handshake() || reason == Reason::TcpReset)
    }

    /// Whether the request was not processed when it was asked once more either: what would be answered is open.
    #[must_use]
    pub fn was_refused(&self) -> bool {
        self.refused.is_some() && self.page.answer.is_none() && self.page.end.reason().is_some()
    }

    /// Whether TLS came as far as a certificate, whatever is wrong with it: who cuts such a name cuts it alone.
    #[must_use]
    pub fn was_served(&self) -> bool {
        self.handshake.end.is_done() || self.handshake.chain.is_some()
    }

    /// What the agent ran out of during this visit, where it did.
    #[must_use]
    pub fn exhausted(&self) -> Option<&str> {
        [&self.connect.end, &self.handshake.end, &self.page.end]
            .into_iter()
            .find_map(StepStatus::exhausted)
    }
}

/// A tenant visited again without haste, with the control name at the same address right after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// The tenant's visit.
    pub visit: Visit,
    /// The control name's visit, made where the tenant's was cut.
    pub control: Option<Visit>,
}
