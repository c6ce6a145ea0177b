//! What was seen as spans: of an examination its questions to DNS, its connections, handshakes and requests with their true
//! times, and on which layer it failed and why. Pure.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use opentelemetry_proto::tonic::trace::v1::Span;
use roundsman_alerts::notification::{Delivery, Outcome as Delivered};
use roundsman_checks::check::Findings;
use roundsman_checks::diagnosis::Cause;
use roundsman_checks::evidence::{DnsQuery, Exchange, Reason, SpanId, StepStatus, TraceContext, Visit};
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::platform::Call;
use roundsman_checks::world::TenantEvidence;

use super::context::{self, SpanRef};
use super::span::{Draft, after, ago, before};
use crate::config::Traces;

/// What an app may be told it is configured with; asked on the connection of the page.
const ISSUER_PATH: &str = "/.well-known/oauth-authorization-server";

/// Whether no check failed, and none that every tenant has is unknown.
#[must_use]
pub fn is_success(findings: &Findings) -> bool {
    let fails = findings.iter().any(|(_, finding)| finding.outcome == Outcome::Fail);
    let basic = [Check::Dns, Check::Certificate, Check::Site];
    let unknown = basic
        .iter()
        .any(|check| findings.of(*check).outcome == Outcome::Unknown);
    !fails && !unknown
}

/// Whether an examination of a trace is told, now that it is known what came of it.
#[must_use]
pub fn is_told(traces: Traces, trace: &TraceContext, findings: &Findings) -> bool {
    match traces {
        Traces::Failing => !is_success(findings),
        Traces::Share(_) => trace.sampled,
    }
}

/// The spans of an examination whose requests belong to a trace; none where they belong to none. Where the round is part of
/// the same trace it is the parent, otherwise it is pointed at.
#[must_use]
pub fn examination(evidence: &TenantEvidence, findings: &Findings, cause: Option<Cause>, round: &SpanRef) -> Vec<Span> {
    let (Some(trace), Some(at)) = (&evidence.trace, evidence.at) else {
        return Vec::new();
    };
    let own = SpanRef {
        trace_id: trace.trace_id,
        span_id: SpanId::random(),
        state: trace.state.clone(),
    };
    let mut parts = Parts {
        own,
        evidence,
        findings,
        spans: Vec::new(),
        end: at,
    };
    parts.resolve();
    for (kind, visit) in visits(evidence) {
        parts.visit(kind, visit);
    }
    let root = parts.root(at, cause, round);
    [vec![root], parts.spans].concat()
}

/// A round that ended then and took so long, with how many tenants there are of each status.
#[must_use]
pub fn round(
    own: &SpanRef,
    parent: Option<&SpanRef>,
    (to, took): (Timestamp, Duration),
    counts: &[(&str, usize)],
) -> Span {
    let mut span = Draft::new("round", own, ago(to, took), to);
    if let Some(parent) = parent {
        span = span.below_other(parent);
    }
    for (what, count) in counts {
        span.number(
            &format!("roundsman.tenants.{what}"),
            i64::try_from(*count).unwrap_or(i64::MAX),
        );
    }
    span.done()
}

/// Every visit of a tenant and why it was made.
fn visits(evidence: &TenantEvidence) -> impl Iterator<Item = (&'static str, &Visit)> {
    let kind = |place: usize| if place == 0 { "first" } else { "other-address" };
    let visits = evidence.visits.iter().enumerate();
    visits
        .map(move |(place, visit)| (kind(place), visit))
        .chain(evidence.retries.iter().map(|retry| ("retry", &retry.visit)))
        .chain(evidence.direct.iter().map(|visit| ("direct", &**visit)))
        .chain(evidence.log.visits.iter().map(|visit| ("log", visit)))
}

/// The spans of an examination, as they come.
struct Parts<'e> {
    own: SpanRef,
    evidence: &'e TenantEvidence,
    findings: &'e Findings,
    spans: Vec<Span>,
    /// The last moment of any of them.
    end: Timestamp,
}

impl Parts<'_> {
    fn child(&mut self, name: &str, id: SpanId, from: Timestamp, to: Timestamp) -> Draft {
        self.end = self.end.max(to);
        let own = SpanRef {
            span_id: id,
            ..self.own.clone()
        };
        Draft::new(name, &own, from, to).below(self.own.span_id).of_client()
    }

    /// The failing checks whose reason is on a layer.
    fn failing_on(&self, layer: &str) -> Vec<(Reason, String)> {
        let failing = self
            .findings
            .iter()
            .filter(|(_, finding)| finding.outcome == Outcome::Fail);
        let reasons = failing.filter_map(|(_, finding)| Some((finding.reason?, finding.message.clone())));
        reasons.filter(|(reason, _)| reason.layer() == layer).collect()
    }

    /// All questions that were asked of DNS, as one span with an event for each.
    fn resolve(&mut self) {
        let dns = &self.evidence.dns;
        let asked = [&dns.authoritative, &dns.resolvers, &dns.blockers, &dns.repeated];
        let asked = asked
            .into_iter()
            .flatten()
            .filter_map(|query| Some((query.sent_at?, query)));
        let asked = asked.collect::<Vec<_>>();
        let begins = asked.iter().map(|(at, _)| *at).min();
        let ends = asked.iter().map(|(at, query)| after(*at, query.ms)).max();
        let (Some(begins), Some(ends)) = (begins, ends) else {
            return;
        };
        let failing = self.failing_on("dns");
        let mut span = self.child("dns.resolve", SpanId::random(), begins, ends);
        span.text("dns.question.name", self.evidence.tenant.hostname.as_str());
        span.texts("dns.answers", answers(&dns.authoritative));
        for (at, query) in asked {
            span.event("dns.query", at, &told(query));
        }
        for (reason, message) in failing {
            span.failed(&reason.to_string(), &message);
        }
        self.spans.push(span.done());
    }

    /// One connection, as deep as it went.
    fn visit(&mut self, kind: &str, visit: &Visit) {
        let Some(started) = visit.started_at else { return };
        let counts = self
            .evidence
            .visit()
            .is_some_and(|counted| std::ptr::eq(counted, visit));
        let failing = |parts: &Self, layer: &str| if counts { parts.failing_on(layer) } else { Vec::new() };
        // Where it was asked once more, the beginning is that of the first connection, and this is the second.
        let handshake = match visit.page.sent_at.filter(|_| visit.refused.is_some()) {
            Some(sent) => before(sent, visit.handshake.ms),
            None => after(started, visit.connect.ms),
        };
        let connect = before(handshake, visit.connect.ms);
        let mut span = self.child("tcp.connect", SpanId::random(), connect, handshake);
        reached(&mut span, kind, visit);
        span.text("network.transport", "tcp");
        ended(&mut span, &visit.connect.end, failing(self, "tcp"));
        self.spans.push(span.done());
        if visit.handshake.end == StepStatus::NotReached {
            return;
        }
        let shaken = after(handshake, visit.handshake.ms);
        let mut span = self.child("tls.handshake", SpanId::random(), handshake, shaken);
        reached(&mut span, kind, visit);
        let seen = &visit.handshake;
        for (key, value) in [
            ("tls.protocol.version", &seen.version),
            ("tls.cipher", &seen.cipher),
            ("tls.next_protocol", &seen.alpn),
        ] {
            if let Some(value) = value {
                span.text(key, value);
            }
        }
        ended(&mut span, &seen.end, failing(self, "tls"));
        self.spans.push(span.done());
        let path = &self.evidence.expectation.site.path;
        let failing = failing(self, "http");
        self.request(kind, visit, &visit.page, path, failing);
        self.request(kind, visit, &visit.issuer, ISSUER_PATH, Vec::new());
    }

    /// One request over the connection of a visit, where it was sent.
    fn request(&mut self, kind: &str, visit: &Visit, page: &Exchange, path: &str, failing: Vec<(Reason, String)>) {
        let Some((sent, over)) = page.during() else { return };
        // The id that whoever answered was told.
        let id = page.span.unwrap_or_else(SpanId::random);
        let mut span = self.child("http.request", id, sent, over);
        reached(&mut span, kind, visit);
        span.text("http.request.method", "GET");
        span.text("url.full", &url(visit, path));
        if let Some(refused) = &visit.refused {
            span.event("asked-again", sent, &[("error.type", refused.reason.to_string())]);
        }
        if let Some(answer) = &page.answer {
            span.number("http.response.status_code", answer.status);
            span.text("network.protocol.name", "http");
            span.text("network.protocol.version", &answer.version);
            span.number(
                "http.response.body.size",
                i64::try_from(answer.body.length).unwrap_or(i64::MAX),
            );
            if let Some(location) = answer
                .header("location")
                .filter(|_| (300..400).contains(&answer.status))
            {
                span.event("redirect", over, &[("url.full", without_query(location))]);
            }
            if let Some(id) = answer.request_id() {
                span.text("roundsman.request_id", id);
            }
        }
        ended(&mut span, &page.end, failing);
        self.spans.push(span.done());
    }

    fn root(&self, at: Timestamp, cause: Option<Cause>, round: &SpanRef) -> Span {
        let tenant = &self.evidence.tenant;
        let name = format!("verify {}", tenant.id);
        let span = Draft::new(&name, &self.own, at, self.end);
        let mut span = match round.trace_id == self.own.trace_id {
            true => span.below(round.span_id),
            false => span.linked(round),
        };
        span.text("roundsman.tenant", tenant.id.as_str());
        span.text("roundsman.app", &tenant.app);
        span.text("server.address", tenant.hostname.as_str());
        if let Some(cause) = cause {
            span.text("roundsman.cause", cause.as_str());
        }
        for (flag, is) in [
            ("roundsman.woken", self.evidence.woken),
            ("roundsman.spared", self.evidence.spared),
        ] {
            if is {
                span.flag(flag);
            }
        }
        for (check, finding) in self.findings.iter() {
            span.text(&format!("roundsman.check.{check}"), finding.outcome.as_str());
            if let Some(reason) = finding.reason {
                span.text(&format!("roundsman.check.{check}.reason"), &reason.to_string());
            }
        }
        for (kind, visit) in visits(self.evidence).skip(1) {
            let at = visit.started_at.unwrap_or(at);
            span.event(kind, at, &[("network.peer.address", visit.address.ip().to_string())]);
        }
        for (check, finding) in self.findings.iter() {
            if finding.outcome == Outcome::Fail {
                let reason = finding
                    .reason
                    .map_or_else(|| check.to_string(), |reason| reason.to_string());
                span.failed(&reason, &finding.message);
            }
        }
        span.done()
    }
}

/// Whom a part of a visit went to, and why.
fn reached(span: &mut Draft, kind: &str, visit: &Visit) {
    let address: SocketAddr = visit.address;
    span.text("roundsman.visit", kind);
    span.text("server.address", visit.name.as_str());
    span.number("server.port", address.port());
    span.text("network.peer.address", &address.ip().to_string());
    span.number("network.peer.port", address.port());
    span.text("network.type", if address.is_ipv4() { "ipv4" } else { "ipv6" });
}

/// How a part ended: by itself, else by what a check says that failed on its layer.
fn ended(span: &mut Draft, end: &StepStatus, failing: Vec<(Reason, String)>) {
    match end {
        StepStatus::Failed(fault) => span.failed(&fault.reason.to_string(), &fault.detail),
        StepStatus::Exhausted(what) => span.failed("agent/exhausted", what),
        StepStatus::Done | StepStatus::NotReached => {}
    }
    for (reason, message) in failing {
        span.failed(&reason.to_string(), &message);
    }
}

/// One question, in texts.
fn told(query: &DnsQuery) -> Vec<(&'static str, String)> {
    let mut told = vec![
        ("network.peer.address", query.server.ip().to_string()),
        ("dns.question.name", query.name.clone()),
        ("roundsman.dns.type", query.kind.to_string()),
        ("roundsman.dns.ms", format!("{:.3}", query.ms.0)),
    ];
    if let Some(reply) = &query.reply {
        told.push(("roundsman.dns.rcode", reply.rcode.to_string()));
    }
    if let Some(reason) = query.end.reason() {
        told.push(("error.type", reason.to_string()));
    }
    told
}

/// The addresses that were answered, each once.
fn answers(queries: &[DnsQuery]) -> Vec<String> {
    let replies = queries.iter().filter_map(|query| query.reply.as_ref());
    let records = replies.flat_map(|reply| &reply.answers);
    let addresses = records.filter(|record| ["A", "AAAA"].contains(&record.kind.as_str()));
    let mut all = addresses.map(|record| record.data.clone()).collect::<Vec<_>>();
    all.sort();
    all.dedup();
    all
}

/// What was asked for. Queries may hold keys.
fn url(visit: &Visit, path: &str) -> String {
    let (name, port) = (&visit.name, visit.address.port());
    let path = without_query(path);
    match port {
        443 => format!("https://{name}{path}"),
        port => format!("https://{name}:{port}{path}"),
    }
}

fn without_query(url: &str) -> String {
    match url.split_once(['?', '#']) {
        Some((before, _)) => format!("{before}?REDACTED"),
        None => url.to_owned(),
    }
}

/// A request to an API, where it is told: `within` the round, or as a trace of its own that points at it.
#[must_use]
pub fn api_call(traces: Traces, round: &SpanRef, within: bool, call: &Call) -> Option<Span> {
    let Call { ended, at, took } = call;
    let failed = match ended.status {
        None => Some("platform/unavailable"),
        Some(429) => Some("platform/rate-limited"),
        Some(401) => Some("platform/unauthorized"),
        Some(403) => Some("platform/forbidden"),
        Some(404) => Some("platform/not-found"),
        Some(400..) => Some("platform/unavailable"),
        Some(_) => None,
    };
    let name = format!("{} {}", ended.api, ended.operation);
    let mut span = asked(traces, &name, (round, within), (*at, *took), failed)?;
    span.text("roundsman.api", &ended.api);
    span.text("roundsman.operation", &ended.operation);
    if let Some(status) = ended.status {
        span.number("http.response.status_code", status);
    }
    Some(span.done())
}

/// An attempt to deliver a message, where it is told. To whom it goes is nobody else's business.
#[must_use]
pub fn delivery(
    traces: Traces,
    round: &SpanRef,
    delivery: &Delivery,
    outcome: &Delivered,
    when: (Timestamp, Duration),
) -> Option<Span> {
    let failed = match outcome {
        Delivered::Delivered(_) => None,
        Delivered::Failed(failure) if failure.permanent => Some("notification/refused"),
        Delivered::Failed(_) => Some("notification/failed"),
    };
    let mut span = asked(traces, "notify", (round, false), when, failed)?;
    span.text("roundsman.channel", &delivery.to.channel);
    span.text("roundsman.message", &delivery.message.id);
    span.text("roundsman.cause", &delivery.message.cause);
    Some(span.done())
}

/// Something that was asked of somebody else, which ended then and took so long.
fn asked(
    traces: Traces,
    name: &str,
    (round, within): (&SpanRef, bool),
    (to, took): (Timestamp, Duration),
    failed: Option<&str>,
) -> Option<Draft> {
    let is_told = match traces {
        Traces::Failing => failed.is_some(),
        Traces::Share(_) => context::examination(traces, None).sampled,
    };
    let own = SpanRef::below(within.then_some(round));
    let span = is_told.then(|| Draft::new(name, &own, ago(to, took), to).of_client())?;
    let mut span = match within {
        true => span.below(round.span_id),
        false => span.linked(round),
    };
    if let Some(reason) = failed {
        span.failed(reason, "");
    }
    Some(span)
}
