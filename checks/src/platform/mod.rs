//! Platforms and DNS providers: what their own tools call things and, behind the feature `platform`, the clients that read
//! what they know in bulk. Clients only read; what fails comes back as part of the answer. The few calls that change
//! something are behind the feature `write`, for whoever repairs, and for nobody else. A platform's words stay in
//! its folder: a client translates them into those of [`crate::evidence`].

#[cfg(feature = "platform")]
pub mod access;
#[cfg(feature = "platform")]
mod bulk;
#[cfg(feature = "platform")]
mod client;
#[cfg(feature = "platform")]
pub mod cloudflare;
pub mod fly;
#[cfg(feature = "platform")]
mod http;
#[cfg(feature = "platform")]
mod paging;
#[cfg(feature = "platform")]
pub mod standing;
#[cfg(feature = "platform")]
mod token;
#[cfg(feature = "write")]
mod writer;
mod zone_calls;

#[cfg(feature = "platform")]
pub use client::{LogPage, PlatformClient};
#[cfg(feature = "write")]
pub use http::NotDone;
#[cfg(feature = "platform")]
pub use http::{Api, ApiError, Call, Calls, Ended, retry_after};
#[cfg(feature = "platform")]
pub use token::Token;
#[cfg(feature = "write")]
pub use writer::{Changed, PlatformWriter};

use crate::diagnosis::CommandLine;
use crate::evidence::Cloud;

/// How a platform's own tool says what to do, with the calls of the zone's provider beside it.
#[must_use]
pub fn command_line(cloud: Cloud) -> &'static dyn CommandLine {
    match cloud {
        Cloud::Fly => &zone_calls::BesideZone(fly::Flyctl),
    }
}
