//! What several targets need: names, a runtime, and an API that answers what it is told to.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

/// The name that is asked for.
pub(crate) const NAME: &str = "q7f9.example.com";

thread_local! {
    /// Never taken down: what runs on it reaches for others of the thread's own values.
    static RUNTIME: &'static (Runtime, LocalSet) = Box::leak(Box::new((
        Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap_or_else(|error| unreachable!("there is no runtime: {error}")),
        LocalSet::new(),
    )));
}

/// Runs it on the runtime of this thread.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    RUNTIME.with(|(runtime, beside)| beside.block_on(runtime, work))
}

/// The parts of an input between separators.
pub(crate) fn split<'i>(input: &'i [u8], between: &[u8]) -> Vec<&'i [u8]> {
    let (mut parts, mut rest) = (Vec::new(), input);
    while let Some(at) = rest.windows(between.len()).position(|window| window == between) {
        parts.push(&rest[..at]);
        rest = &rest[at + between.len()..];
    }
    parts.push(rest);
    parts
}

/// An API on loopback. Each request gets the next answer, and `{}` when there is none left.
#[derive(Clone)]
pub(crate) struct CannedApi {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    answers: Rc<RefCell<VecDeque<Vec<u8>>>>,
}

impl CannedApi {
    /// Starts it on the runtime of this thread.
    pub(crate) fn start() -> Self {
        let answers = Rc::<RefCell<VecDeque<Vec<u8>>>>::default();
        let listener = block_on(TcpListener::bind(("127.0.0.1", 0)));
        let listener = listener.unwrap_or_else(|error| unreachable!("no port is free: {error}"));
        let address = listener
            .local_addr()
            .unwrap_or_else(|error| unreachable!("a listener has an address: {error}"));
        let api = Self { address, answers };
        let served = api.clone();
        let serving = async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::task::spawn_local(served.clone().serve(stream));
            }
        };
        RUNTIME.with(|(_, beside)| beside.spawn_local(serving));
        api
    }

    /// Puts other answers in the place of those that are left. One that begins with `403 ` or another status that is final
    /// has this status; all others have 200.
    pub(crate) fn will_answer<'a>(&self, answers: impl IntoIterator<Item = &'a [u8]>) {
        *self.answers.borrow_mut() = answers.into_iter().map(<[u8]>::to_vec).collect();
    }

    async fn serve(self, mut stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut request = Vec::new();
        while ask(&mut stream, &mut request).await.is_some() {
            let answer = self.answers.borrow_mut().pop_front().unwrap_or_else(|| b"{}".to_vec());
            let (status, body) = status(&answer);
            let mut bytes = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
            bytes.extend_from_slice(body);
            if stream.write_all(&bytes).await.is_err() {
                break;
            }
        }
    }
}

fn status(answer: &[u8]) -> (&str, &[u8]) {
    const STATUSES: [&str; 5] = ["302", "400", "401", "403", "404"];
    let told = STATUSES
        .into_iter()
        .find(|status| answer.starts_with(status.as_bytes()));
    told.map_or(("200", answer), |status| (status, &answer[status.len()..]))
}

/// Reads one request, its body included.
async fn ask(stream: &mut TcpStream, request: &mut Vec<u8>) -> Option<()> {
    request.clear();
    loop {
        if let Some(head) = request.windows(4).position(|end| end == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length = length.and_then(|length| length.trim().parse::<usize>().ok());
            if request.len() >= head + 4 + length.unwrap_or_default() {
                return Some(());
            }
        }
        if stream.read_buf(request).await.ok()? == 0 {
            return None;
        }
    }
}
