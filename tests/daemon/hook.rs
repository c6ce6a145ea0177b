//! A server of webhooks that takes every message and remembers it.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// How long an answer takes at most, in milliseconds: long enough to meet its end in the middle of it.
const SLOWEST: u64 = 25;

/// The server; it serves until the test process ends.
pub(super) struct Hook {
    pub(super) address: SocketAddr,
    taken: Arc<Mutex<Vec<Taken>>>,
}

/// A message that arrived whole.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    /// `webhook-id`.
    pub(super) id: String,
    /// The message.
    pub(super) message: Value,
}

impl Hook {
    /// On a port that is free.
    pub(super) fn start() -> Self {
        Self::at("127.0.0.1:0")
    }

    /// At this address.
    pub(super) fn at(address: &str) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let taken = Arc::<Mutex<Vec<Taken>>>::default();
        let all = Arc::clone(&taken);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let all = Arc::clone(&all);
                // Who breaks off is killed: nothing of that arrived.
                std::thread::spawn(move || drop(serve(stream, &all)));
            }
        });
        Self { address, taken }
    }

    /// All that arrived, in order.
    pub(super) fn taken(&self) -> Vec<Taken> {
        self.taken.lock().expect("nobody panicked").clone()
    }
}

fn serve(stream: TcpStream, all: &Mutex<Vec<Taken>>) -> io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let (mut id, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            match line.trim_end().split_once(": ") {
                Some(("webhook-id", value)) => value.clone_into(&mut id),
                Some(("content-length", value)) => length = value.parse().map_err(io::Error::other)?,
                _ if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let message = serde_json::from_slice(&body)?;
        all.lock().expect("nobody panicked").push(Taken { id, message });
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..SLOWEST)));
        writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
    }
}
