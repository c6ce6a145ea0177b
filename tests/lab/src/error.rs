//! What can go wrong with the lab itself. The faults that it plays are not errors.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::fault::FaultError;

/// Why the lab could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// A socket could not be bound.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: IpAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// No port was free on all addresses of the edge at once.
    #[error("no port is free on all of {0:?} at once")]
    NoCommonPort(Vec<IpAddr>),
    /// The domain or a tenant makes no DNS name.
    #[error("`{0}` is no DNS name")]
    Name(String),
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A TLS configuration could not be made.
    #[error("cannot configure TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// A fault names a tenant that does not exist.
    #[error("the lab has no tenant `{0}`")]
    UnknownTenant(String),
    /// A fault names an address that the edge does not have.
    #[error("the edge has no address {0}")]
    UnknownAddress(IpAddr),
    /// A fault is the simulated platform's, and there is none.
    #[error("`{0}` needs the simulated platform: start the lab with it")]
    NoPlatform(String),
    /// A fault that was to be cleared is not staged.
    #[error("`{0}` is not staged")]
    NotStaged(String),
    /// A fault could not be read.
    #[error(transparent)]
    Fault(#[from] FaultError),
    /// A file could not be written or read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The running lab could not be asked.
    #[error("the lab does not answer: {0}")]
    NoAnswer(#[source] std::io::Error),
    /// The running lab was asked, and said no.
    #[error("{0}")]
    Refused(String),
    /// No lab runs where one was looked for.
    #[error("no lab runs in {}: `roundsman-lab start` starts one", .0.display())]
    NotRunning(PathBuf),
    /// The product could not be built or run.
    #[error("cannot run roundsman: {0}")]
    Product(String),
    /// A task of the lab ended before its time.
    #[error("a task was lost: {0}")]
    Task(#[from] tokio::task::JoinError),
}
