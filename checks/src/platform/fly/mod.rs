//! Fly.io. The platform's word comes from its GraphQL and Machines APIs: every app, certificate, address and machine of an
//! organization, in a number of calls that grows with pages and never with tenants. Reading changes nothing: certificates are
//! read with queries, never with the re-validating `check`. What changes something is the writer, behind the feature `write`.

#[cfg(feature = "platform")]
mod access;
#[cfg(feature = "platform")]
mod changes;
#[cfg(feature = "platform")]
mod client;
mod commands;
#[cfg(feature = "platform")]
mod graphql;
#[cfg(feature = "platform")]
mod lists;
#[cfg(feature = "platform")]
mod logs;
#[cfg(feature = "platform")]
mod macaroon;
#[cfg(feature = "platform")]
mod machines;
#[cfg(feature = "platform")]
mod node;
#[cfg(feature = "platform")]
mod query;
#[cfg(feature = "platform")]
mod standing;
#[cfg(feature = "write")]
mod writer;

#[cfg(feature = "platform")]
pub use client::{Client, Settings};
pub use commands::Flyctl;
#[cfg(feature = "platform")]
pub use graphql::{DOCUMENTS, ends_document};
#[cfg(feature = "write")]
pub use writer::Writer;
