//! Frames of HTTP/2 by hand (RFC 9113, section 4): what no library would send.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::site::lasts;
use crate::fault::FaultSet;
use crate::world::World;

/// What a client of HTTP/2 says first (RFC 9113, section 3.4).
const PREFACE: usize = 24;
const HEAD: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200`, by its index in the static table (RFC 7541, appendix A).
const OK: u8 = 0x88;

/// The frames that stand in for HTTP at this name, where the faults want that; `age` is for how long they are staged.
pub(crate) fn instead(world: &World, faults: &FaultSet, name: Option<&str>, age: Duration) -> Option<Vec<u8>> {
    let away = faults.everywhere("edge-goes-away");
    if away.is_some_and(|fault| lasts(fault, age, 1_000)) {
        // It looked at no stream (0), and nothing is wrong (0).
        return Some([frame(SETTINGS, 0, 0, &[]), frame(GOAWAY, 0, 0, &[0; 8])].concat());
    }
    let tenant = world.tenant(world.label_of(name?)?)?;
    let fields = match faults.at(tenant, "site-malformed")?.word() {
        "gzip" | "cut" => return None,
        "upper-case" => [vec![OK], field("X-Lab", "ok")],
        "length" => [vec![OK], field("content-length", "99")],
        "no-status" => [field("x-lab", "ok"), Vec::new()],
        _ => [vec![OK], field("connection", "upgrade")],
    };
    let head = frame(HEADERS, END_HEADERS, 1, &fields.concat());
    let body = frame(DATA, END_STREAM, 1, b"{\"status\":\"healthy\"}");
    Some([frame(SETTINGS, 0, 0, &[]), head, body].concat())
}

/// Waits for the request, says these frames, and waits until the client leaves.
pub(crate) async fn say(mut stream: impl AsyncRead + AsyncWrite + Unpin, frames: &[u8]) -> io::Result<()> {
    let mut heard = Vec::new();
    while !asks(&heard) {
        if stream.read_buf(&mut heard).await? == 0 {
            return Ok(());
        }
    }
    stream.write_all(frames).await?;
    stream.shutdown().await?;
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

/// Whether the head of a request is among the frames that were heard.
pub(super) fn asks(heard: &[u8]) -> bool {
    let mut rest = heard.get(PREFACE..).unwrap_or_default();
    while let Some(head) = rest.get(..HEAD) {
        if head[3] == HEADERS {
            return true;
        }
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        rest = rest.get(HEAD + length..).unwrap_or_default();
    }
    false
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or_default().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header field as it is (RFC 7541, section 6.2.2).
pub(super) fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap_or_default()], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}
