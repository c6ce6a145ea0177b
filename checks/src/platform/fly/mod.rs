//! The platform's word, from Fly's GraphQL and Machines APIs: every app, certificate, address and machine of an
//! organization, in a number of calls that grows with pages and never with tenants. Nothing is changed: certificates
//! are read with queries, never with the re-validating `check`.

mod graphql;
mod logs;
mod machines;

pub use graphql::{DOCUMENTS, sweep};
pub use logs::{Logs, Page};
pub use machines::{Details, organization};

use super::http::Api;
use crate::evidence::{Asked, Platform};

/// Reads the organization. What one API does not answer is `Unknown` in the parts that it alone tells.
pub async fn platform(graphql: &Api, rest: &Api, organization: &str, edge_app: &str) -> Asked<Platform> {
    let mut platform = match sweep(graphql, organization, edge_app).await {
        Ok(platform) => platform,
        Err(fault) => return Asked::Unknown(fault),
    };
    machines::read(rest, &mut platform).await;
    Asked::Known(platform)
}
