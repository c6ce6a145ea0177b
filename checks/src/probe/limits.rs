//! The limits of visits where nobody sets others.

use std::time::Duration;

use super::visit::ProbeLimits;

impl Default for ProbeLimits {
    /// 5 s to connect, 10 s in all, 64 KiB of a body.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            max_body: 64 * 1024,
            user_agent: concat!("roundsman-checks/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}
