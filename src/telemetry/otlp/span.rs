//! One span as OTLP writes it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, SpanFlags, Status};
use roundsman_checks::evidence::{Millis, SpanId};

use super::context::SpanRef;
use super::points::nanos;
use super::resource::{attribute, text};
use crate::text::{clean, shorten};

/// The longest text of an attribute or a status, in characters, and the most events of a span.
const LONGEST: usize = 300;
const MOST_EVENTS: usize = 64;

/// A span that is being made.
#[derive(Clone, Debug)]
pub(super) struct Draft(Span);

impl Draft {
    /// A span with its id, from one moment to another.
    pub(super) fn new(name: &str, own: &SpanRef, from: Timestamp, to: Timestamp) -> Self {
        Self(Span {
            trace_id: own.trace_id.bytes().to_vec(),
            span_id: own.span_id.bytes().to_vec(),
            trace_state: own.state.clone().unwrap_or_default(),
            flags: 1 | SpanFlags::ContextHasIsRemoteMask as u32,
            name: shorten(&clean(name), LONGEST),
            kind: SpanKind::Internal.into(),
            start_time_unix_nano: nanos(from),
            end_time_unix_nano: nanos(to.max(from)),
            ..Span::default()
        })
    }

    /// Below another span.
    pub(super) fn below(mut self, parent: SpanId) -> Self {
        self.0.parent_span_id = parent.bytes().to_vec();
        self
    }

    /// Below a span of another process.
    pub(super) fn below_other(mut self, parent: &SpanRef) -> Self {
        self.0.flags |= SpanFlags::ContextIsRemoteMask as u32;
        self.below(parent.span_id)
    }

    /// Something that was asked of somebody else.
    pub(super) fn of_client(mut self) -> Self {
        self.0.kind = SpanKind::Client.into();
        self
    }

    /// Points at a span that is not its parent.
    pub(super) fn linked(mut self, to: &SpanRef) -> Self {
        self.0.links.push(Link {
            trace_id: to.trace_id.bytes().to_vec(),
            span_id: to.span_id.bytes().to_vec(),
            ..Link::default()
        });
        self
    }

    /// With a text.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.0.attributes.push(text(key, &shorten(&clean(value), LONGEST)));
    }

    /// With texts.
    pub(super) fn texts(&mut self, key: &str, values: impl IntoIterator<Item = String>) {
        let values = values.into_iter().map(|value| AnyValue {
            value: Some(Value::StringValue(shorten(&clean(&value), LONGEST))),
        });
        let values = values.collect();
        self.0
            .attributes
            .push(attribute(key, Value::ArrayValue(ArrayValue { values })));
    }

    /// With a number.
    pub(super) fn number(&mut self, key: &str, value: impl Into<i64>) {
        self.0.attributes.push(attribute(key, Value::IntValue(value.into())));
    }

    /// With what is so.
    pub(super) fn flag(&mut self, key: &str) {
        self.0.attributes.push(attribute(key, Value::BoolValue(true)));
    }

    /// Something that happened meanwhile; too many of them are counted.
    pub(super) fn event(&mut self, name: &str, at: Timestamp, attributes: &[(&str, String)]) {
        if self.0.events.len() >= MOST_EVENTS {
            self.0.dropped_events_count += 1;
            return;
        }
        let attributes = attributes.iter();
        let attributes = attributes.map(|(key, value)| text(key, &shorten(&clean(value), LONGEST)));
        self.0.events.push(Event {
            time_unix_nano: nanos(at),
            name: name.to_owned(),
            attributes: attributes.collect(),
            ..Event::default()
        });
    }

    /// It failed, for a typed reason; the first one counts.
    pub(super) fn failed(&mut self, reason: &str, message: &str) {
        if self.0.status.is_none() {
            self.text("error.type", reason);
            self.0.status = Some(Status {
                code: StatusCode::Error.into(),
                message: shorten(&clean(message), LONGEST),
            });
        }
    }

    /// The whole.
    pub(super) fn done(self) -> Span {
        self.0
    }
}

/// A moment and so many milliseconds.
pub(super) fn after(at: Timestamp, Millis(ms): Millis) -> Timestamp {
    let took = SignedDuration::try_from_secs_f64(ms / 1000.0).unwrap_or_default();
    at.saturating_add(took).unwrap_or(at)
}

/// A moment less so many milliseconds.
pub(super) fn before(at: Timestamp, Millis(ms): Millis) -> Timestamp {
    after(at, Millis(-ms))
}

/// A moment less a while.
pub(super) fn ago(at: Timestamp, took: Duration) -> Timestamp {
    let took = SignedDuration::try_from(took).unwrap_or_default();
    at.saturating_sub(took).unwrap_or(at)
}
