//! Numbers as text: Prometheus' text format 0.0.4, or OpenMetrics 1.0 for whoever asks for it.

use std::fmt::Write as _;

use super::instrument::{Instrument, Kind};
use super::metrics::{Exemplar, Histogram};
use super::sink::Sink;

/// In which form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own text format.
    #[default]
    Text,
    /// OpenMetrics, which has units, exemplars and an end.
    OpenMetrics,
}

impl Format {
    /// The form that an `Accept` header asks for; OpenMetrics only where it is named and not refused.
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        let named = accept.split(',').map(str::trim).find(|one| {
            let kind = one.split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case("application/openmetrics-text")
        });
        let refused = |one: &str| {
            one.split(';')
                .any(|part| matches!(part.trim(), "q=0" | "q=0.0" | "q=0.00"))
        };
        match named {
            Some(one) if !refused(one) => Self::OpenMetrics,
            _ => Self::Text,
        }
    }

    /// What it is called in `Content-Type`.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// A page of numbers that is being written, one family after the other.
#[derive(Clone, Debug)]
pub struct Exposition {
    format: Format,
    text: String,
}

impl Exposition {
    /// An empty page.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format,
            text: String::new(),
        }
    }

    /// Begins a family: all its samples follow.
    pub fn header(&mut self, name: &str, kind: &str, unit: Option<&str>, help: &str) {
        self.text.push_str("# HELP ");
        self.text.push_str(name);
        self.text.push(' ');
        for character in help.chars() {
            match (character, self.format) {
                ('\\', _) => self.text.push_str("\\\\"),
                ('\n', _) => self.text.push_str("\\n"),
                ('"', Format::OpenMetrics) => self.text.push_str("\\\""),
                _ => self.text.push(character),
            }
        }
        // Writing to a string does not fail, here and below.
        let _ = write!(self.text, ".\n# TYPE {name} {kind}\n");
        if let Some(unit) = unit {
            let _ = writeln!(self.text, "# UNIT {name} {unit}");
        }
    }

    /// A number by a name, with labels.
    pub fn named<'l>(&mut self, name: &str, labels: impl IntoIterator<Item = (&'l str, &'l str)>, value: f64) {
        self.text.push_str(name);
        self.labels(labels);
        self.value(value);
        self.text.push('\n');
    }

    fn exemplar(&mut self, exemplar: &Exemplar) {
        let (trace, value) = (&exemplar.trace_id, number(exemplar.value));
        let at = exemplar.at.as_millisecond();
        let _ = write!(
            self.text,
            " # {{trace_id=\"{trace}\"}} {value} {}.{:03}",
            at / 1000,
            at.rem_euclid(1000)
        );
    }

    fn labels<'l>(&mut self, labels: impl IntoIterator<Item = (&'l str, &'l str)>) {
        let mut open = false;
        for (name, value) in labels.into_iter().filter(|(_, value)| !value.is_empty()) {
            self.text.push(if open { ',' } else { '{' });
            open = true;
            self.text.push_str(name);
            self.text.push_str("=\"");
            for character in value.chars() {
                match character {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    _ => self.text.push(character),
                }
            }
            self.text.push('"');
        }
        if open {
            self.text.push('}');
        }
    }

    fn value(&mut self, value: f64) {
        self.text.push(' ');
        self.text.push_str(&number(value));
    }

    /// The whole page.
    #[must_use]
    pub fn end(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }
}

impl Sink for Exposition {
    fn family(&mut self, instrument: &Instrument) {
        let name = match self.format {
            Format::Text => instrument.prometheus(),
            Format::OpenMetrics => instrument.family(),
        };
        let kind = match instrument.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        self.header(&name, kind, instrument.unit.word(), instrument.help);
    }

    fn sample(&mut self, instrument: &Instrument, values: &[&str], value: f64) {
        self.text.push_str(&instrument.prometheus());
        self.labels(instrument.labels.iter().copied().zip(values.iter().copied()));
        self.value(value);
        self.text.push('\n');
    }

    fn histogram(&mut self, instrument: &Instrument, values: &[&str], bounds: &[f64], histogram: &Histogram) {
        let name = instrument.prometheus();
        let labels = || instrument.labels.iter().copied().zip(values.iter().copied());
        let mut below = 0;
        let infinite = [f64::INFINITY];
        for (position, bound) in bounds.iter().chain(&infinite).enumerate() {
            below += histogram.counts.get(position).copied().unwrap_or_default();
            let mut bound = number(*bound);
            // OpenMetrics has one way to write each: a whole number with a point.
            if self.format == Format::OpenMetrics && bound.bytes().all(|byte| byte.is_ascii_digit()) {
                bound.push_str(".0");
            }
            let _ = write!(self.text, "{name}_bucket");
            self.labels(labels().chain([("le", bound.as_str())]));
            let _ = write!(self.text, " {below}");
            let exemplar = histogram.exemplars.get(position).and_then(Option::as_ref);
            if let (Format::OpenMetrics, Some(exemplar)) = (self.format, exemplar) {
                self.exemplar(exemplar);
            }
            self.text.push('\n');
        }
        let _ = write!(self.text, "{name}_sum");
        self.labels(labels());
        self.value(histogram.sum);
        let _ = write!(self.text, "\n{name}_count");
        self.labels(labels());
        let _ = writeln!(self.text, " {below}");
    }
}

/// A number as both forms have it: the shortest that reads back the same.
fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::instrument::{COVERAGE, PROBE_FAILURES};

    #[test]
    fn openmetrics_is_for_whoever_asks_for_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1";
        assert_eq!(Format::accepted(prometheus), Format::OpenMetrics);
        for accept in ["", "*/*", "text/html", "application/openmetrics-text;q=0"] {
            assert_eq!(Format::accepted(accept), Format::Text, "{accept}");
        }
    }

    #[test]
    fn values_of_others_stay_in_their_quotes() {
        let mut page = Exposition::new(Format::Text);
        page.family(&PROBE_FAILURES);
        page.sample(&PROBE_FAILURES, &["tls\"} 1\nevil 2", "back\\slash"], 3.0);
        page.family(&COVERAGE);
        page.sample(&COVERAGE, &[], 0.25);
        insta::assert_snapshot!(page.end(), @r#"
        # HELP roundsman_probe_failures_total Examinations in which a check failed or could not be judged, by typed reason, each reason once.
        # TYPE roundsman_probe_failures_total counter
        roundsman_probe_failures_total{layer="tls\"} 1\nevil 2",reason="back\\slash"} 3
        # HELP roundsman_coverage_ratio The share of tenants whose last examination began within two intervals.
        # TYPE roundsman_coverage_ratio gauge
        # UNIT roundsman_coverage_ratio ratio
        roundsman_coverage_ratio 0.25
        "#);
        let mut page = Exposition::new(Format::OpenMetrics);
        page.family(&PROBE_FAILURES);
        page.sample(&PROBE_FAILURES, &["tls", "reset"], 3.0);
        insta::assert_snapshot!(page.end(), @r#"
        # HELP roundsman_probe_failures Examinations in which a check failed or could not be judged, by typed reason, each reason once.
        # TYPE roundsman_probe_failures counter
        roundsman_probe_failures_total{layer="tls",reason="reset"} 3
        # EOF
        "#);
    }
}
