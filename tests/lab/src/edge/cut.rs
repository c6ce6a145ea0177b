//! Ends of a connection before there is a handshake.

use std::io;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::behaviour::Cut;

/// `unrecognized_name`, fatal, as RFC 8446 numbers it.
const ALERT: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 112];
const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\n\
    content-length: 11\r\nconnection: close\r\n\r\nplain HTTP\n";
/// The head of a handshake record that will be as long as a record may be.
const RECORD: [u8; 5] = [0x16, 3, 3, 0x40, 0];

/// A record that means nothing in TLS 1.3 and is passed over (RFC 8446, appendix D.4).
const CHANGE_CIPHER: [u8; 6] = [0x14, 3, 3, 0, 1, 1];
/// `user_canceled`, a warning (RFC 8446, section 6.1).
const WARNING: [u8; 7] = [0x15, 3, 3, 0, 2, 1, 90];
/// The beginning of a ServerHello of 16 MiB, and what it goes on with.
const BEGUN: [u8; 9] = [0x16, 3, 3, 0, 4, 2, 0xff, 0xff, 0xff];
const GOES_ON: [u8; 5 + 1024] = {
    let mut record = [0; 5 + 1024];
    (record[0], record[1], record[2], record[3]) = (0x16, 3, 3, 4);
    record
};
/// The same, a byte a record.
const CRUMB: [u8; 9] = [0x16, 3, 3, 0, 4, 2, 0, 0xff, 0xff];
const CRUMB_MORE: [u8; 6] = [0x16, 3, 3, 0, 1, 0];
/// How much is written at once, in bytes.
const AT_ONCE: usize = 16 * 1024;

/// Ends the connection; the ClientHello has been read, so that nothing unread turns an orderly
/// end into a reset.
pub(crate) async fn cut(mut stream: TcpStream, how: Cut) -> io::Result<()> {
    match how {
        Cut::Eof => stream.shutdown().await,
        Cut::Reset => reset(&stream),
        Cut::Alert => say(stream, &ALERT).await,
        Cut::Plain => say(stream, PLAIN).await,
        Cut::Silence => wait_for_the_end(&mut stream).await,
        Cut::Drip => drip(stream).await,
        Cut::Records => flood(stream, &[], &CHANGE_CIPHER).await,
        Cut::Warnings => flood(stream, &[], &WARNING).await,
        Cut::Message => flood(stream, &BEGUN, &GOES_ON).await,
        Cut::Crumbs => flood(stream, &CRUMB, &CRUMB_MORE).await,
    }
}

/// Makes the close that follows a reset.
pub(crate) fn reset(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

async fn say(mut stream: TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.shutdown().await?;
    wait_for_the_end(&mut stream).await
}

async fn wait_for_the_end(stream: &mut TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

/// Says the one once and the other for ever, and reads nothing.
async fn flood(mut stream: TcpStream, first: &[u8], again: &[u8]) -> io::Result<()> {
    let again = again.repeat(AT_ONCE.div_ceil(again.len()));
    stream.write_all(first).await?;
    loop {
        stream.write_all(&again).await?;
    }
}

/// Says the first half of this, and then nothing for as long as the client waits.
pub(crate) async fn halfway(mut stream: TcpStream, flight: &[u8]) -> io::Result<()> {
    stream.write_all(&flight[..flight.len() / 2]).await?;
    wait_for_the_end(&mut stream).await
}

async fn drip(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let bytes = RECORD.into_iter().chain(std::iter::repeat(0));
    for byte in bytes {
        stream.write_all(&[byte]).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}
