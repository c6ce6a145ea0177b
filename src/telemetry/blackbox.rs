//! One examination as blackbox_exporter would tell it: its names, labels and meanings, so that dashboards and rules made
//! for it work unchanged; beside them why a probe failed.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use roundsman_checks::chain::Link;
use roundsman_checks::evidence::{Reason, Visit};

use super::exposition::{Exposition, Format};
use crate::history::{PHASES, Timings};

/// What is told of an examination.
#[derive(Debug)]
pub struct Probed<'e> {
    /// Whether no check failed, and none that was asked is unknown.
    pub success: bool,
    /// How long all of it took.
    pub took: Duration,
    /// The visit that counts, where there was one.
    pub visit: Option<&'e Visit>,
    /// How long each part of it took.
    pub timings: Timings,
    /// The chain that was presented, leaf first.
    pub links: &'e [Option<Link>],
    /// Whether it verified.
    pub verified: bool,
    /// Why checks failed or could not be judged.
    pub reasons: &'e [Reason],
    /// Whether it was ended because whoever asked would not have waited for it.
    pub late: bool,
}

impl Probed<'_> {
    /// As a page of numbers.
    #[must_use]
    pub fn page(&self, format: Format) -> String {
        let mut page = Exposition::new(format);
        self.visited(&mut page);
        self.asked(&mut page);
        self.presented(&mut page);
        gauge(
            &mut page,
            "probe_duration_seconds",
            "Returns how long the probe took to complete in seconds",
            self.took.as_secs_f64(),
        );
        gauge(
            &mut page,
            "probe_success",
            "Displays whether or not the probe was a success",
            truth(self.success),
        );
        page.header(
            "probe_failure_info",
            "gauge",
            None,
            "1 for each reason why a check of the tenant failed or could not be judged",
        );
        for reason in self.reasons {
            let reason = reason.to_string();
            let (layer, reason) = reason.split_once('/').unwrap_or(("", &reason));
            page.named("probe_failure_info", [("layer", layer), ("reason", reason)], 1.0);
        }
        if self.late {
            page.named("probe_failure_info", [("layer", "agent"), ("reason", "deadline")], 1.0);
        }
        page.end()
    }

    /// Where it went, and how long each part took.
    fn visited(&self, page: &mut Exposition) {
        let [resolve, ..] = self.timings.0;
        gauge(
            page,
            "probe_dns_lookup_time_seconds",
            "Returns the time taken for probe dns lookup in seconds",
            seconds(resolve),
        );
        page.header(
            "probe_http_duration_seconds",
            "gauge",
            None,
            "Duration of http request by phase, summed over all redirects",
        );
        for (phase, ms) in PHASES.iter().zip(self.timings.0) {
            page.named("probe_http_duration_seconds", [("phase", *phase)], seconds(ms));
        }
        let Some(visit) = self.visit else { return };
        let ip = visit.address.ip();
        gauge(
            page,
            "probe_ip_protocol",
            "Specifies whether probe ip protocol is IP4 or IP6",
            if ip.is_ipv4() { 4.0 } else { 6.0 },
        );
        gauge(
            page,
            "probe_ip_addr_hash",
            "Specifies the hash of IP address. It's useful to detect if the IP address changes",
            f64::from(hash(ip)),
        );
    }

    /// What was asked for, and what came.
    fn asked(&self, page: &mut Exposition) {
        let answer = self.visit.and_then(|visit| visit.page.answer.as_ref());
        let header = |name: &str| answer.and_then(|answer| answer.header(name));
        let length = header("content-length").and_then(|length| length.parse().ok());
        let version = answer.and_then(|answer| answer.version.parse().ok());
        let matches = answer.map(|answer| &answer.body.matches);
        let unmatched = matches.is_some_and(|matches| matches.contains == Some(false));
        let numbers = [
            (
                "probe_failed_due_to_regex",
                "Indicates if probe failed due to regex",
                truth(unmatched),
            ),
            (
                "probe_http_content_length",
                "Length of http content response",
                match answer {
                    Some(_) => length.unwrap_or(-1.0),
                    None => 0.0,
                },
            ),
            ("probe_http_redirects", "The number of redirects", 0.0),
            (
                "probe_http_ssl",
                "Indicates if SSL was used for the final redirect",
                truth(answer.is_some()),
            ),
            (
                "probe_http_status_code",
                "Response HTTP status code",
                answer.map_or(0.0, |answer| f64::from(answer.status)),
            ),
            (
                "probe_http_uncompressed_body_length",
                "Length of uncompressed response body",
                answer.map_or(0.0, |answer| whole(answer.body.length)),
            ),
            (
                "probe_http_version",
                "Returns the version of HTTP of the probe response",
                version.unwrap_or(0.0),
            ),
        ];
        for (name, help, value) in numbers {
            gauge(page, name, help, value);
        }
        let modified = header("last-modified").and_then(|at| httpdate::parse_http_date(at).ok());
        let modified = modified.and_then(|at| Timestamp::try_from(at).ok());
        if let Some(at) = modified {
            gauge(
                page,
                "probe_http_last_modified_timestamp_seconds",
                "Returns the Last-Modified HTTP response header in unixtime",
                moment(at),
            );
        }
    }

    /// The chain: also where it does not verify, which is when it is looked at.
    fn presented(&self, page: &mut Exposition) {
        let ends = self.links.iter().flatten().map(|link| link.not_after).min();
        let (Some(visit), Some(ends)) = (self.visit, ends) else {
            return;
        };
        gauge(
            page,
            "probe_ssl_earliest_cert_expiry",
            "Returns last SSL chain expiry in unixtime",
            moment(ends),
        );
        gauge(
            page,
            "probe_ssl_last_chain_expiry_timestamp_seconds",
            "Returns last SSL chain expiry in timestamp",
            if self.verified { moment(ends) } else { 0.0 },
        );
        if let Some(Some(leaf)) = self.links.first() {
            let name = "probe_ssl_last_chain_info";
            page.header(name, "gauge", None, "Contains SSL leaf certificate information");
            let names = leaf.names.join(",");
            let labels = [
                ("fingerprint_sha256", leaf.fingerprint.as_str()),
                ("issuer", &leaf.issuer_name),
                ("subject", &leaf.subject_name),
                ("subjectalternative", &names),
            ];
            page.named(name, labels, 1.0);
        }
        if let Some(version) = &visit.handshake.version {
            let name = "probe_tls_version_info";
            page.header(name, "gauge", None, "Returns the TLS version used or NaN when unknown");
            let version = format!("TLS {version}");
            page.named(name, [("version", version.as_str())], 1.0);
        }
    }
}

fn gauge(page: &mut Exposition, name: &str, help: &str, value: f64) {
    page.header(name, "gauge", None, help);
    page.named(name, [], value);
}

fn seconds(ms: Option<f64>) -> f64 {
    ms.unwrap_or_default() / 1000.0
}

fn moment(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

fn truth(is: bool) -> f64 {
    f64::from(u8::from(is))
}

#[expect(clippy::cast_precision_loss, reason = "no body is as large")]
fn whole(count: u64) -> f64 {
    count as f64
}

/// FNV-1a of an address' bytes, 32 bits, as blackbox_exporter has it.
fn hash(ip: IpAddr) -> u32 {
    let fold = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    match ip {
        IpAddr::V4(v4) => v4.octets().iter().fold(0x811c_9dc5, fold),
        IpAddr::V6(v6) => v6.octets().iter().fold(0x811c_9dc5, fold),
    }
}
