//! Questions to one server over UDP, over TCP where the answer was truncated. No cache, no retry at another server.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use hickory_proto::op::Message;
use socket2::{Domain, SockRef, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpStream, UdpSocket};

use super::clock::{self, Stopwatch};
use super::exhaustion;
use super::message::{answers, cut, message, parse, reply};
use super::unguessable;
use crate::evidence::{DnsQuery, DnsReply, Fault, Millis, Reason, RecordKind, StepStatus};

/// How often a datagram is sent before silence is believed; the last one is without EDNS, which some servers, and what
/// stands before them, drop unheard.
const ATTEMPTS: u32 = 3;
/// The largest datagram that is read: more than we say that we take.
const DATAGRAM: usize = 4096;
/// What servers say to a question that they can't read, can't serve, or whose EDNS version they don't know.
const FORMERR: u16 = 1;
const NOTIMP: u16 = 4;
const BADVERS: u16 = 16;

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

/// Client of name servers: asks one, caches nothing, and asks nobody else.
#[derive(Clone, Copy, Debug)]
pub struct DnsClient {
    /// How long all attempts together may take.
    pub timeout: Duration,
}

impl DnsClient {
    /// Asks `server`, and keeps whatever comes.
    pub async fn ask(&self, server: SocketAddr, question: Question<'_>) -> DnsQuery {
        let [look] = self.ask_each(server, [question]).await;
        look
    }

    /// Asks `server` some questions at once over one socket, and keeps whatever comes.
    pub async fn ask_each<const N: usize>(&self, server: SocketAddr, questions: [Question<'_>; N]) -> [DnsQuery; N] {
        let watch = Stopwatch::start();
        let mut asked = questions.map(|question| PendingQuery::new(question, server));
        self.settle_over_udp(server, &mut asked, watch).await;
        let mut plain = asked.iter_mut().filter(|asked| asked.refuses_edns()).peekable();
        if plain.peek().is_some() {
            plain.for_each(PendingQuery::ask_plainly);
            self.settle_over_udp(server, &mut asked, Stopwatch::start()).await;
        }
        let truncated = asked.iter_mut().filter(|asked| asked.truncated);
        let silence = "the answer over UDP is truncated, and TCP is silent";
        join_all(truncated.map(|asked| self.over_tcp(server, asked, watch, silence))).await;
        asked.map(|asked| asked.look)
    }

    /// Asks `server` over TCP alone, as resolvers do where an answer does not fit a datagram: whether that way is open.
    pub async fn ask_over_tcp(&self, server: SocketAddr, question: Question<'_>) -> DnsQuery {
        let mut asked = PendingQuery::new(question, server);
        if asked.is_open() {
            self.over_tcp(server, &mut asked, Stopwatch::start(), "no answer over TCP")
                .await;
        }
        asked.look
    }

    async fn settle_over_udp(&self, server: SocketAddr, asked: &mut [PendingQuery], watch: Stopwatch) {
        if let Err(end) = self.over_udp(server, asked, watch).await {
            let open = asked.iter_mut().filter(|asked| asked.is_open());
            open.for_each(|asked| asked.settle(Err(end.clone()), watch));
        }
    }

    async fn over_udp(
        &self,
        server: SocketAddr,
        asked: &mut [PendingQuery],
        watch: Stopwatch,
    ) -> Result<(), StepStatus> {
        let socket = connected(server).map_err(|error| end(&error))?;
        for attempt in 1..=ATTEMPTS {
            for asked in asked.iter_mut().filter(|asked| asked.is_open()) {
                if attempt == ATTEMPTS {
                    asked.leave_edns_out();
                }
                send(&socket, &asked.bytes).map_err(|error| end(&error))?;
            }
            let receiving = receive(&socket, asked, watch);
            if let Ok(received) = tokio::time::timeout(self.timeout / ATTEMPTS, receiving).await {
                return received.map_err(|error| end(&error));
            }
        }
        Err(silent("no answer"))
    }

    async fn over_tcp(&self, server: SocketAddr, asked: &mut PendingQuery, watch: Stopwatch, silence: &str) {
        let left = watch.left(self.timeout).max(self.timeout / 2);
        let answer = tokio::time::timeout(left, over_tcp(server, &asked.query, &asked.bytes)).await;
        let late = |_| Err(silent(silence));
        asked.settle(answer.unwrap_or_else(late).map(|answer| (answer, true)), watch);
    }
}

/// A question on its way.
struct PendingQuery {
    query: Message,
    bytes: Vec<u8>,
    truncated: bool,
    /// What was answered to the same question with EDNS.
    refusal: Option<DnsReply>,
    look: DnsQuery,
}

impl PendingQuery {
    fn new(question: Question<'_>, server: SocketAddr) -> Self {
        let look = DnsQuery {
            server,
            name: question.name.to_owned(),
            kind: question.kind,
            checking_disabled: question.checking_disabled,
            reply: None,
            end: StepStatus::NotReached,
            ms: Millis::default(),
            sent_at: Some(clock::now()),
        };
        let mut asked = Self {
            query: Message::query(),
            bytes: Vec::new(),
            truncated: false,
            refusal: None,
            look,
        };
        match message(question) {
            Ok(query) => asked.write(query),
            Err(end) => asked.look.end = end,
        }
        asked
    }

    fn write(&mut self, query: Message) {
        match query.to_vec() {
            Ok(bytes) => (self.bytes, self.query) = (bytes, query),
            Err(error) => self.look.end = StepStatus::failed(Reason::DnsServfail, error.to_string()),
        }
    }

    /// Whether the server is one of those that know no EDNS, and say so by an error (RFC 6891, section 7).
    fn refuses_edns(&self) -> bool {
        let code = self.look.reply.as_ref().map(|reply| reply.rcode);
        self.query.edns.is_some() && matches!(code, Some(FORMERR | NOTIMP | BADVERS))
    }

    /// Opens the question again, without EDNS and under another id.
    fn ask_plainly(&mut self) {
        self.query.metadata.id = unguessable::id();
        (self.refusal, self.look.end) = (self.look.reply.take(), StepStatus::NotReached);
        self.leave_edns_out();
    }

    /// Writes the question without EDNS, under the same id: an answer that comes late is one all the same.
    fn leave_edns_out(&mut self) {
        let mut query = std::mem::replace(&mut self.query, Message::query());
        query.edns = None;
        self.write(query);
    }

    fn is_open(&self) -> bool {
        self.look.end == StepStatus::NotReached
    }

    fn settle(&mut self, answer: Result<(Message, bool), StepStatus>, watch: Stopwatch) {
        self.look.ms = watch.ms();
        match answer {
            Ok((answer, tcp)) => {
                self.truncated = answer.metadata.truncation && !tcp;
                (self.look.reply, self.look.end) = (Some(reply(&answer, tcp)), StepStatus::Done);
            }
            Err(end) => match self.refusal.take() {
                Some(refusal) => (self.look.reply, self.look.end) = (Some(refusal), StepStatus::Done),
                None => (self.look.reply, self.look.end) = (None, end),
            },
        }
    }
}

/// A fresh socket for what is asked together: the kernel picks a random port, which an off-path attacker must guess
/// (RFC 5452, section 9.2).
fn connected(server: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(server), Type::DGRAM.nonblocking(), None)?;
    socket.connect(&server.into())?;
    UdpSocket::from_std(socket.into())
}

/// Sends without waiting to be told that the socket can be written to, which a fresh one always can.
fn send(socket: &UdpSocket, bytes: &[u8]) -> io::Result<()> {
    match SockRef::from(socket).send(bytes) {
        // A datagram for which there is no room is lost like any other.
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(()),
    }
}

/// Takes datagrams until every question is answered; what answers none is not for us.
async fn receive(socket: &UdpSocket, asked: &mut [PendingQuery], watch: Stopwatch) -> io::Result<()> {
    while asked.iter().any(PendingQuery::is_open) {
        // A port where nothing listens is told by an error alone: there is nothing to read then.
        let told = Interest::READABLE | Interest::ERROR;
        socket.async_io(told, || take(socket, asked, watch)).await?;
    }
    Ok(())
}

/// Takes one datagram.
fn take(socket: &UdpSocket, asked: &mut [PendingQuery], watch: Stopwatch) -> io::Result<()> {
    let mut buffer = [0; DATAGRAM];
    let length = (&*SockRef::from(socket)).read(&mut buffer)?;
    for asked in asked.iter_mut().filter(|asked| asked.is_open()) {
        let datagram = &buffer[..length];
        if let Some(answer) = parse(datagram, &asked.query).or_else(|| cut(datagram, &asked.query, &asked.bytes)) {
            asked.settle(Ok((answer, false)), watch);
            break;
        }
        if answers(datagram, &asked.bytes) {
            asked.settle(Err(unreadable("UDP")), watch);
            break;
        }
    }
    Ok(())
}

async fn over_tcp(server: SocketAddr, query: &Message, bytes: &[u8]) -> Result<Message, StepStatus> {
    let asking = async {
        let mut stream = TcpStream::connect(server).await?;
        let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), bytes].concat()).await?;
        let mut answer = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    };
    let answer = asking.await.map_err(|error: io::Error| end(&error))?;
    parse(&answer, query).ok_or_else(|| unreadable("TCP"))
}

fn unreadable(way: &str) -> StepStatus {
    StepStatus::failed(Reason::DnsServfail, format!("the answer over {way} can't be read"))
}

/// What is said of a port that nothing listens on, or that a firewall rejects: the same message tells both.
const PORT_UNREACHABLE: &str = "nothing listens there, or a firewall rejects it (port unreachable)";

fn silent(detail: &str) -> StepStatus {
    StepStatus::Failed(Fault::new(Reason::DnsTimeout, detail))
}

fn end(error: &io::Error) -> StepStatus {
    if let Some(what) = exhaustion::of(error) {
        return StepStatus::Exhausted(what);
    }
    match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => StepStatus::failed(Reason::DnsRefused, PORT_UNREACHABLE),
        _ => silent(&error.to_string()),
    }
}
