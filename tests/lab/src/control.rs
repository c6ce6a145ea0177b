//! How another process talks to a running lab: a line of text there, a line of JSON back, on
//! loopback. Commands are `add FAULT`, `remove FAULT`, `list`, `clear` and `counters`.

use std::io;
use std::net::SocketAddr;

use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::counters::Counters;
use crate::error::LabError;
use crate::fault::Fault;
use crate::lab::Lab;

/// What the lab answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Why the command failed, if it did.
    pub error: Option<String>,
    /// The faults that are staged now.
    pub faults: Vec<Fault>,
}

/// Takes commands for a lab until the listener fails.
///
/// # Errors
///
/// When no connection can be accepted any more.
pub async fn serve(lab: &Lab, listener: &TcpListener) -> Result<(), LabError> {
    let mut clients = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => clients.push(converse(lab, accepted.map_err(lost)?.0)),
            // How a conversation ended matters to the client alone.
            Some(_) = clients.next() => {}
        }
    }
}

/// Sends one command to the lab that listens at this address.
///
/// # Errors
///
/// When the lab does not answer, or answers that the command failed.
pub async fn ask(address: SocketAddr, command: &str) -> Result<Vec<Fault>, LabError> {
    let mut stream = TcpStream::connect(address).await.map_err(lost)?;
    stream
        .write_all(format!("{command}\n").as_bytes())
        .await
        .map_err(lost)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await.map_err(lost)?;
    let reply: Reply = serde_json::from_str(&line).map_err(lost)?;
    match reply.error {
        None => Ok(reply.faults),
        Some(error) => Err(LabError::Refused(error)),
    }
}

async fn converse(lab: &Lab, mut stream: TcpStream) -> io::Result<()> {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await? {
        let mut answer = match line.trim() {
            "counters" => serde_json::to_string::<Counters>(&lab.counters())?,
            command => {
                let error = obey(lab, command).await.err().map(|error| error.to_string());
                serde_json::to_string(&Reply {
                    error,
                    faults: lab.staged(),
                })?
            }
        };
        answer.push('\n');
        write.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

async fn obey(lab: &Lab, command: &str) -> Result<(), LabError> {
    match command.split_once(' ').unwrap_or((command, "")) {
        ("add", fault) => lab.stage(fault.parse()?).await,
        ("remove", fault) => lab.clear(&fault.parse()?).await,
        ("clear", _) => lab.clear_all().await,
        ("list", _) => Ok(()),
        (other, _) => Err(LabError::Refused(format!("`{other}` is no command"))),
    }
}

fn lost<E: Into<io::Error>>(error: E) -> LabError {
    LabError::NoAnswer(error.into())
}
