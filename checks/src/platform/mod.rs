//! The API clients: what the platform and the DNS provider know, read in bulk. They only read; what fails comes back as
//! part of the answer.

pub mod cloudflare;
pub mod fly;
mod http;

pub use http::{Api, ApiError, Calls, Token};
