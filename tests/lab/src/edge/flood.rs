//! Tenants that mean harm: they flood, promise without an end, and listen to nobody. What they say is framed as it should
//! be, for as long as that serves them.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::frames::{self, field, frame};
use crate::fault::FaultSet;
use crate::world::World;

/// What such a tenant may do once TLS stands, by HTTP/2.
pub(crate) const HTTP2: &[&str] = &[
    "pings",
    "settings",
    "silent",
    "continuation",
    "hpack",
    "empty-data",
    "interim",
    "push",
    "trailers",
    "resets",
];
/// The same by HTTP/1.1.
pub(crate) const HTTP1: &[&str] = &[
    "silent", "interim", "fields", "folds", "chunks", "switch", "length", "status",
];

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
/// `:status: 200`, by its index in the static table (RFC 7541, appendix A).
const OK: u8 = 0x88;
/// How much is written at once, in bytes.
const AT_ONCE: usize = 16 * 1024;

/// What is said instead of HTTP.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flood {
    http2: bool,
    /// Said once.
    first: Vec<u8>,
    /// Said for ever; nothing where silence follows.
    again: Vec<u8>,
    /// Whether what the client says is left unread.
    deaf: bool,
}

/// How this name is served, where a fault wants harm done.
pub(crate) fn instead(world: &World, faults: &FaultSet, name: Option<&str>) -> Option<Flood> {
    let tenant = world.tenant(world.label_of(name?)?)?;
    let at = |cause| Some(faults.at(tenant, cause)?.word());
    match (at("http2-hostile"), at("http1-hostile")) {
        (Some(how), _) => Some(http2(how)),
        (None, Some(how)) => Some(http1(how)),
        (None, None) => None,
    }
}

fn http2(how: &str) -> Flood {
    let settings = frame(SETTINGS, 0, 0, &[]);
    let ok = frame(HEADERS, END_HEADERS, 1, &[OK]);
    let after = |first: Vec<u8>, again: Vec<u8>| Flood {
        http2: true,
        first: [settings.clone(), first].concat(),
        again: repeated(&again),
        deaf: false,
    };
    match how {
        "silent" => after(Vec::new(), Vec::new()),
        // Each one changes a limit and is to be acknowledged (RFC 9113, section 6.5.3).
        "settings" => after(Vec::new(), frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100])),
        "continuation" => after(
            frame(HEADERS, 0, 1, &[OK]),
            frame(CONTINUATION, 0, 1, &field("x-more", &"x".repeat(100))),
        ),
        // One long field goes into the table, and each byte after it is that field again (RFC 7541, section 6.1).
        "hpack" => {
            let mut head = vec![OK, 0x40];
            head.extend(text("x-bomb"));
            head.extend(text(&"x".repeat(120)));
            head.extend(vec![0xbe; AT_ONCE - 1024]);
            after(frame(HEADERS, 0, 1, &head), frame(CONTINUATION, 0, 1, &[0xbe; 1024]))
        }
        "empty-data" => after(ok, frame(DATA, 0, 1, &[])),
        // A head that is not the last one (RFC 9113, section 8.1): 103, for ever.
        "interim" => after(Vec::new(), frame(HEADERS, END_HEADERS, 1, &early_hints())),
        "push" => {
            let promise = |stream: u32| {
                let head = [&stream.to_be_bytes()[..], &[0x82, 0x87, 0x84]].concat();
                frame(PUSH_PROMISE, END_HEADERS, 1, &head)
            };
            after(Vec::new(), (1..512).flat_map(|at| promise(2 * at)).collect())
        }
        "trailers" => after(ok, frame(HEADERS, 0, 1, &field("x-last", &"x".repeat(100)))),
        // Streams that nobody opened.
        "resets" => after(
            Vec::new(),
            (0..512)
                .flat_map(|at| frame(RST_STREAM, 0, 2 * at + 1, &[0, 0, 0, 8]))
                .collect(),
        ),
        _ => Flood {
            deaf: true,
            ..after(Vec::new(), frame(PING, 0, 0, b"roundlab"))
        },
    }
}

fn http1(how: &str) -> Flood {
    let said = |first: &str, again: &str| Flood {
        http2: false,
        first: first.into(),
        again: repeated(again.as_bytes()),
        deaf: false,
    };
    let ok = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let chunked = format!("{ok}transfer-encoding: chunked\r\n\r\n");
    match how {
        "interim" => said("", "HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n"),
        "fields" => said(ok, &format!("x-more: {}\r\n", "x".repeat(100))),
        "folds" => said(&format!("{ok}x-folded: a\r\n"), " and so on\r\n"),
        // One byte a chunk, behind an extension that says nothing (RFC 9112, section 7.1.1).
        "chunks" => said(&chunked, &format!("1;x={}\r\n \r\n", "x".repeat(1_000))),
        "switch" => said(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: lab\r\n\r\n",
            "anything at all ",
        ),
        "length" => said(&format!("{ok}content-length: 18446744073709551615\r\n\r\n"), " "),
        "status" => said("HTTP/1.1 200 ", "OK"),
        _ => said("", ""),
    }
}

fn early_hints() -> Vec<u8> {
    // `:status` with a value of its own: name by index 8 of the static table.
    [&[0x08, 3], &b"103"[..]].concat()
}

/// A string as HPACK has it without Huffman's code (RFC 7541, section 5.2); shorter than 127 bytes.
fn text(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap_or_default()], text.as_bytes()].concat()
}

fn repeated(unit: &[u8]) -> Vec<u8> {
    unit.repeat(AT_ONCE.div_ceil(unit.len().max(1)))
}

/// Waits for the request, says what there is to say, and goes on until the client leaves.
pub(crate) async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, flood: &Flood) -> io::Result<()> {
    let (mut reads, mut writes) = tokio::io::split(stream);
    let mut heard = Vec::new();
    while !flood.is_asked(&heard) {
        if reads.read_buf(&mut heard).await? == 0 {
            return Ok(());
        }
    }
    let saying = async {
        writes.write_all(&flood.first).await?;
        writes.flush().await?;
        loop {
            match flood.again.is_empty() {
                true => std::future::pending().await,
                false => writes.write_all(&flood.again).await?,
            }
        }
    };
    let listening = async {
        let mut rest = [0; 1024];
        match flood.deaf {
            true => std::future::pending().await,
            false => while reads.read(&mut rest).await? > 0 {},
        }
        Ok(())
    };
    tokio::select! {
        said = saying => said,
        left = listening => left,
    }
}

impl Flood {
    fn is_asked(&self, heard: &[u8]) -> bool {
        match self.http2 {
            true => frames::asks(heard),
            false => heard.windows(4).any(|end| end == b"\r\n\r\n"),
        }
    }
}
