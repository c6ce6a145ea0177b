//! One organization, from both APIs.

use super::graphql::sweep;
use super::machines;
use crate::evidence::{ApiAnswer, Platform};
use crate::platform::Api;

/// Reads the organization. What one API does not answer is `Unknown` in the parts that it alone tells.
pub async fn platform(graphql: &Api, rest: &Api, organization: &str, edge_app: &str) -> ApiAnswer<Platform> {
    let mut platform = match sweep(graphql, organization, edge_app).await {
        Ok(platform) => platform,
        Err(fault) => return ApiAnswer::Unknown(fault),
    };
    machines::read(rest, &mut platform).await;
    ApiAnswer::Known(platform)
}
