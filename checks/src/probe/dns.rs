//! One question to one server over UDP, over TCP where the answer was truncated. No cache, no retry at another server.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::clock::Stopwatch;
use super::exhaustion;
use crate::evidence::{DnsLook, DnsRecord, DnsReply, End, Fault, Reason, RecordKind};

/// The payload that a UDP answer may have: it fits every path without fragments (DNS flag day 2020).
const PAYLOAD: u16 = 1232;
/// How often a datagram is sent before silence is believed.
const ATTEMPTS: u32 = 2;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The name; may begin with `*` or `_`.
    pub name: &'a str,
    /// The type.
    pub kind: RecordKind,
    /// RD: whether the server shall ask others.
    pub recursion: bool,
    /// CD: whether a resolver shall not validate.
    pub checking_disabled: bool,
}

/// Asks name servers.
#[derive(Clone, Copy, Debug)]
pub struct Asker {
    /// How long all attempts together may take.
    pub timeout: Duration,
}

impl Asker {
    /// Asks `server`, and keeps whatever comes.
    pub async fn ask(&self, server: SocketAddr, question: Question<'_>) -> DnsLook {
        let watch = Stopwatch::start();
        let asked = self.exchange(server, question, watch).await;
        let ms = watch.ms();
        let (reply, end) = match asked {
            Ok(reply) => (Some(reply), End::Done),
            Err(end) => (None, end),
        };
        DnsLook {
            server,
            name: question.name.to_owned(),
            kind: question.kind,
            checking_disabled: question.checking_disabled,
            reply,
            end,
            ms,
        }
    }

    async fn exchange(&self, server: SocketAddr, question: Question<'_>, watch: Stopwatch) -> Result<DnsReply, End> {
        let query = message(question)?;
        let bytes = query
            .to_vec()
            .map_err(|error| End::failed(Reason::DnsServfail, error.to_string()))?;
        let answer = self.over_udp(server, &query, &bytes).await?;
        if !answer.metadata.truncation {
            return Ok(reply(&answer, false));
        }
        let left = watch.left(self.timeout).max(self.timeout / 2);
        let answer = match tokio::time::timeout(left, over_tcp(server, &query, &bytes)).await {
            Err(_) => return Err(silent("the answer over UDP is truncated, and TCP is silent")),
            Ok(answer) => answer?,
        };
        Ok(reply(&answer, true))
    }

    async fn over_udp(&self, server: SocketAddr, query: &Message, bytes: &[u8]) -> Result<Message, End> {
        // A fresh socket a question: the kernel picks a random port, which an off-path attacker must guess (RFC 5452).
        let local = if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(local).await.map_err(|error| end(&error))?;
        socket.connect(server).await.map_err(|error| end(&error))?;
        for _ in 0..ATTEMPTS {
            socket.send(bytes).await.map_err(|error| end(&error))?;
            if let Ok(answer) = tokio::time::timeout(self.timeout / ATTEMPTS, receive(&socket, query)).await {
                return answer;
            }
        }
        Err(silent("no answer"))
    }
}

/// Takes the first datagram that answers the question; anything else is not for us.
async fn receive(socket: &UdpSocket, query: &Message) -> Result<Message, End> {
    let mut buffer = [0; 4096];
    loop {
        let length = socket.recv(&mut buffer).await.map_err(|error| end(&error))?;
        if let Some(answer) = parse(&buffer[..length], query) {
            return Ok(answer);
        }
    }
}

async fn over_tcp(server: SocketAddr, query: &Message, bytes: &[u8]) -> Result<Message, End> {
    let asking = async {
        let mut stream = TcpStream::connect(server).await?;
        let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), bytes].concat()).await?;
        let mut answer = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    };
    let answer = asking.await.map_err(|error: io::Error| end(&error))?;
    parse(&answer, query).ok_or_else(|| End::failed(Reason::DnsServfail, "the answer over TCP can't be read"))
}

fn message(question: Question<'_>) -> Result<Message, End> {
    let text = if question.name.ends_with('.') {
        question.name.to_owned()
    } else {
        format!("{}.", question.name)
    };
    let name = Name::from_ascii(&text).map_err(|error| End::failed(Reason::DnsNxdomain, error.to_string()))?;
    let mut message = Message::new(fastrand::u16(..), MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = question.recursion;
    message.metadata.checking_disabled = question.checking_disabled;
    // Without DO a resolver says that it validated only to who asks for it (RFC 6840, section 5.7).
    message.metadata.authentic_data = question.recursion;
    message.add_query(Query::query(name, record_type(question.kind)));
    // No DO bit: with it signed zones may answer NODATA for a name that does not exist (RFC 9824).
    let mut edns = Edns::new();
    edns.set_max_payload(PAYLOAD).set_version(0);
    message.edns = Some(edns);
    Ok(message)
}

fn parse(bytes: &[u8], query: &Message) -> Option<Message> {
    let answer = Message::from_vec(bytes).ok()?;
    let ours = answer.metadata.id == query.metadata.id && answer.metadata.message_type == MessageType::Response;
    let echoed = answer.queries.is_empty() || answer.queries == query.queries;
    (ours && echoed).then_some(answer)
}

fn reply(answer: &Message, tcp: bool) -> DnsReply {
    DnsReply {
        rcode: u16::from(answer.metadata.response_code),
        authoritative: answer.metadata.authoritative,
        recursion_available: answer.metadata.recursion_available,
        authentic: answer.metadata.authentic_data,
        tcp,
        answers: answer.answers.iter().map(record).collect(),
        authority: answer.authorities.iter().map(record).collect(),
    }
}

fn record(record: &Record) -> DnsRecord {
    let data = match &record.data {
        RData::CNAME(name) => plain(&name.0),
        RData::NS(name) => plain(&name.0),
        other => other.to_string(),
    };
    DnsRecord {
        name: plain(&record.name),
        kind: record.record_type().to_string(),
        data,
        ttl: record.ttl,
    }
}

fn plain(name: &Name) -> String {
    let text = name.to_ascii().to_ascii_lowercase();
    text.strip_suffix('.').map_or(text.clone(), str::to_owned)
}

fn record_type(kind: RecordKind) -> RecordType {
    match kind {
        RecordKind::A => RecordType::A,
        RecordKind::Aaaa => RecordType::AAAA,
        RecordKind::Cname => RecordType::CNAME,
        RecordKind::Ns => RecordType::NS,
        RecordKind::Txt => RecordType::TXT,
        RecordKind::Mx => RecordType::MX,
        RecordKind::Caa => RecordType::CAA,
        RecordKind::Https => RecordType::HTTPS,
        RecordKind::Soa => RecordType::SOA,
    }
}

fn silent(detail: &str) -> End {
    End::Failed(Fault::new(Reason::DnsTimeout, detail))
}

fn end(error: &io::Error) -> End {
    if let Some(what) = exhaustion::of(error) {
        return End::Exhausted(what);
    }
    match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => End::failed(Reason::DnsRefused, "nothing listens there (port unreachable)"),
        _ => silent(&error.to_string()),
    }
}
