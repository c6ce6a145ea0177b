//! The numbers that are counted while the agent runs. Bounded by what is told: checks, reasons, phases, channels and
//! operations are few; of tenants nothing is counted here.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::instrument::{Instrument, Kind};
use super::sink::Sink;

/// An example of what is in a bucket, and where its trace is.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// The id of the trace, in hexadecimal.
    pub trace_id: String,
    /// How large it was.
    pub value: f64,
    /// When.
    pub at: Timestamp,
}

/// How many were in each bucket, the infinite one last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// In each bucket, not added up.
    pub counts: Vec<u64>,
    /// All together.
    pub sum: f64,
    /// The latest of each bucket whose trace is known.
    pub exemplars: Vec<Option<Exemplar>>,
}

/// The values of the labels of a series, in the order of its instrument.
type Values = Vec<String>;

/// Everything that was counted.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    counters: BTreeMap<&'static str, BTreeMap<Values, f64>>,
    histograms: BTreeMap<&'static str, BTreeMap<Values, Histogram>>,
}

/// A number as it is at the moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The values of its labels, in the order of its instrument.
    pub values: Values,
    /// The number.
    pub value: f64,
}

impl Series {
    /// A number with the values of its labels.
    pub fn new<'v>(values: impl IntoIterator<Item = &'v str>, value: f64) -> Self {
        Self {
            values: values.into_iter().map(str::to_owned).collect(),
            value,
        }
    }
}

impl Metrics {
    /// So many more.
    pub fn count(&mut self, counter: &Instrument, values: &[&str], more: f64) {
        *series(&mut self.counters, counter, values) += more;
    }

    /// What a counter is that somebody else counts.
    pub fn counted(&mut self, counter: &Instrument, values: &[&str], all: f64) {
        *series(&mut self.counters, counter, values) = all;
    }

    /// One that was so large; where a trace tells of it, it may stand for its bucket.
    pub fn observe(
        &mut self,
        instrument: &Instrument,
        values: &[&str],
        value: f64,
        trace: Option<(String, Timestamp)>,
    ) {
        let Kind::Histogram(bounds) = instrument.kind else {
            return;
        };
        let histogram: &mut Histogram = series(&mut self.histograms, instrument, values);
        histogram.counts.resize(bounds.len() + 1, 0);
        histogram.exemplars.resize(bounds.len() + 1, None);
        let bucket = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
        histogram.counts[bucket] += 1;
        histogram.sum += value;
        if let Some((trace_id, at)) = trace {
            histogram.exemplars[bucket] = Some(Exemplar { trace_id, value, at });
        }
    }

    /// Writes a counter or histogram, with its head also where nothing was counted yet.
    pub fn write(&self, instrument: &Instrument, sink: &mut impl Sink) {
        sink.family(instrument);
        match instrument.kind {
            Kind::Counter => {
                let counted = self.counters.get(instrument.name).into_iter().flatten();
                for (labels, counted) in counted {
                    sink.sample(instrument, &texts(labels), *counted);
                }
            }
            Kind::Histogram(bounds) => {
                let observed = self.histograms.get(instrument.name).into_iter().flatten();
                for (labels, histogram) in observed {
                    sink.histogram(instrument, &texts(labels), bounds, histogram);
                }
            }
            Kind::Gauge => {}
        }
    }
}

fn texts(values: &Values) -> Vec<&str> {
    values.iter().map(String::as_str).collect()
}

fn series<'m, T: Default>(
    all: &'m mut BTreeMap<&'static str, BTreeMap<Values, T>>,
    instrument: &Instrument,
    values: &[&str],
) -> &'m mut T {
    let family = all.entry(instrument.name).or_default();
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    family.entry(values).or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::exposition::{Exposition, Format};
    use crate::telemetry::instrument::ROUND_DURATION;

    #[test]
    fn a_histogram_is_cumulative_and_its_examples_are_for_openmetrics() {
        let mut metrics = Metrics::default();
        let trace = Some(("4bf92f3577b34da6a3ce929d0e0e4736".to_owned(), Timestamp::UNIX_EPOCH));
        metrics.observe(&ROUND_DURATION, &[], 0.5, None);
        metrics.observe(&ROUND_DURATION, &[], 4.0, trace);
        metrics.observe(&ROUND_DURATION, &[], 1e9, None);
        let written = |format| {
            let mut page = Exposition::new(format);
            metrics.write(&ROUND_DURATION, &mut page);
            page.end()
        };
        let open = written(Format::OpenMetrics);
        assert!(open.contains("_bucket{le=\"1.0\"} 1\n"), "{open}");
        let example = "_bucket{le=\"5.0\"} 2 # {trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"} 4 0.000\n";
        assert!(open.contains(example), "{open}");
        assert!(open.contains("_bucket{le=\"+Inf\"} 3\n"), "{open}");
        assert!(
            open.contains("_sum 1000000004.5\n") && open.contains("_count 3\n"),
            "{open}"
        );
        let text = written(Format::Text);
        assert!(
            !text.contains("trace_id") && text.contains("_bucket{le=\"1\"} 1\n"),
            "{text}"
        );
    }
}
