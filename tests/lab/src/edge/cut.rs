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

async fn drip(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let bytes = RECORD.into_iter().chain(std::iter::repeat(0));
    for byte in bytes {
        stream.write_all(&[byte]).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}
