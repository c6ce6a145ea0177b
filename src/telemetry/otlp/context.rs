//! Which trace something belongs to: that of whoever started this process, or one of its own.

use roundsman_checks::evidence::{SpanId, TraceContext, TraceId};

use super::settings::Variables;
use crate::config::Traces;

/// The longest `tracestate` that is taken along, in bytes (W3C Trace Context, section 3.3.1.5).
const LONGEST_STATE: usize = 512;

/// A span, by which others are below it or point at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanRef {
    /// The trace that it is part of.
    pub trace_id: TraceId,
    /// Its id.
    pub span_id: SpanId,
    /// What others who are part of the trace want to be told.
    pub state: Option<String>,
}

impl SpanRef {
    /// The span of whoever started this process, by `TRACEPARENT` and `TRACESTATE`; what is none is left out.
    #[must_use]
    pub fn of_environment(variables: Variables<'_>) -> Option<Self> {
        let parent = variables("TRACEPARENT")?;
        let parts = parent.trim().split('-').collect::<Vec<_>>();
        let [version, trace_id, span_id, flags, more @ ..] = parts.as_slice() else {
            return None;
        };
        let byte = |text: &str| text.len() == 2 && u8::from_str_radix(text, 16).is_ok();
        let later = *version != "00";
        if !byte(version) || *version == "ff" || !byte(flags) || !(more.is_empty() || later) {
            return None;
        }
        let state = variables("TRACESTATE").filter(|state| {
            let printable = state.bytes().all(|byte| (0x20..0x7f).contains(&byte));
            state.len() <= LONGEST_STATE && printable && !state.trim().is_empty()
        });
        Some(Self {
            trace_id: trace_id.parse().ok()?,
            span_id: span_id.parse().ok()?,
            state,
        })
    }

    /// A new span below another one, or of a trace of its own.
    #[must_use]
    pub fn below(parent: Option<&Self>) -> Self {
        Self {
            trace_id: parent.map_or_else(TraceId::random, |parent| parent.trace_id),
            span_id: SpanId::random(),
            state: parent.and_then(|parent| parent.state.clone()),
        }
    }
}

/// How examinations that begin are told as traces.
#[derive(Clone, Debug, PartialEq)]
pub struct Tracing {
    /// Which are told.
    pub traces: Traces,
    /// The span that they are below, where they are not traces of their own.
    pub within: Option<SpanRef>,
}

impl Tracing {
    /// The trace of one that begins now.
    #[must_use]
    pub fn examination(&self) -> TraceContext {
        examination(self.traces, self.within.as_ref())
    }
}

/// The trace of an examination: that of a parent, else one of its own. Of a share it is drawn now whether it is told; where
/// failures are told nobody knows yet, so that it may be.
#[must_use]
pub fn examination(traces: Traces, parent: Option<&SpanRef>) -> TraceContext {
    TraceContext {
        trace_id: parent.map_or_else(TraceId::random, |parent| parent.trace_id),
        sampled: match traces {
            Traces::Failing => true,
            Traces::Share(share) => fastrand::f64() < share,
        },
        state: parent.and_then(|parent| parent.state.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parent: &str, state: &str) -> Option<SpanRef> {
        SpanRef::of_environment(&|name| match name {
            "TRACEPARENT" => Some(parent.to_owned()),
            "TRACESTATE" => Some(state.to_owned()),
            _ => None,
        })
    }

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_parent_of_the_process_is_read_as_the_standard_says() {
        let parent = read(GOOD, "a=1,b=2");
        let parent = parent.map(|parent| (parent.trace_id.to_string(), parent.span_id.to_string(), parent.state));
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        assert_eq!(
            parent,
            Some((trace.to_owned(), span.to_owned(), Some("a=1,b=2".to_owned())))
        );
        // A later version may have more behind it; this one has not.
        assert!(read(&format!("cc{}-what", &GOOD[2..]), "").is_some());
        for wrong in [
            "",
            &format!("{GOOD}-what"),
            &format!("ff{}", &GOOD[2..]),
            &GOOD.to_uppercase(),
            &GOOD.replace("00f067aa0ba902b7", "0000000000000000"),
            &GOOD[..GOOD.len() - 1],
        ] {
            assert_eq!(read(wrong, ""), None, "{wrong}");
        }
        assert_eq!(read(GOOD, &"x".repeat(513)).and_then(|parent| parent.state), None);
        assert_eq!(read(GOOD, "a=\u{e4}").and_then(|parent| parent.state), None);
    }

    #[test]
    fn a_share_is_drawn_before_and_failures_may_always_be_told() {
        assert!(examination(Traces::Failing, None).sampled);
        assert!(examination(Traces::ALL, None).sampled);
        assert!(!examination(Traces::NONE, None).sampled);
        let drawn = (0..1_000)
            .filter(|_| examination(Traces::Share(0.5), None).sampled)
            .count();
        assert!((300..700).contains(&drawn), "{drawn}");
        let parent = read(GOOD, "a=1");
        let below = examination(Traces::ALL, parent.as_ref());
        assert_eq!(Some(below.trace_id), parent.map(|parent| parent.trace_id));
        assert_eq!(below.state.as_deref(), Some("a=1"));
    }
}
