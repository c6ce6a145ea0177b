//! `[site]`, also inside of an override.

use std::collections::BTreeMap;
use std::time::Duration;

use roundsman_checks::expectation::{HttpVersion, Place, SiteExpectation};

use crate::config::form::{
    any, choice, duration, expected_headers, identity, interval, json_values, path, request_headers, size, statuses,
    version,
};
use crate::config::secret::HeaderText;
use crate::config::table::table;

/// The most that is ever read of a body, in bytes.
const MAX_BODY: u64 = 64 << 20;

table! {
    /// What a tenant's page must answer.
    #[derive(Clone, Debug)]
    pub struct Site {
        /// Path and query to ask for; begins with `/`.
        path in expectation => path();
        /// Statuses that are right, 100 to 599.
        status in expectation => statuses();
        /// The HTTP version that is right: "1.1", "2" or "any".
        http in expectation => choice(&[HttpVersion::Http1, HttpVersion::Http2, HttpVersion::Any]);
        /// A text that the body must hold; empty: any body is right.
        body_contains in expectation => any();
        /// JSON pointers and the value that must be there.
        json in expectation => json_values(), sample = "{ \"/status\" = \"healthy\" }";
        /// Response headers that must be there, with this value.
        expect_headers in expectation => expected_headers();
        /// Headers sent with the probe, such as { "x-probe-bypass" = { env = "PROBE_BYPASS" } }.
        request_headers: BTreeMap<String, HeaderText> = BTreeMap::new() => request_headers();
        /// Where the answer carries its version: "header:NAME", "json:/pointer" or "off".
        version: Option<Place> = None => version();
        /// How `route` proves which app answered: "auto", "header:NAME", "json:/pointer" or "off".
        identity in expectation => identity();
        /// Slower than this, from connect to the last byte, is a warning.
        slow in expectation => duration();
        /// How often `watch` may wake a sleeping tenant.
        wake_every: Duration = Duration::from_secs(6 * 3600) => interval();
        /// How long connecting may take.
        connect_timeout: Duration = Duration::from_secs(5) => duration();
        /// How long a whole visit may take.
        timeout: Duration = Duration::from_secs(10) => duration();
        /// How much of a body is read, at most 64 MiB: reading stops here.
        max_body: u64 = 64 * 1024 => size(1..=MAX_BODY);
    } with {
        /// What must come back.
        expectation: SiteExpectation = SiteExpectation::default(),
    }
}
