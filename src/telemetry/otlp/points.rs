//! Numbers as points of OTLP, from the same walk that writes them as text.

use jiff::Timestamp;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, Gauge, Histogram as HistogramData, HistogramDataPoint, Metric, NumberDataPoint,
    Sum, exemplar, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::Batch;
use super::resource::text;
use crate::telemetry::instrument::{Instrument, Kind};
use crate::telemetry::metrics::Histogram;
use crate::telemetry::sink::Sink;

/// What was counted since a start, as it is at a moment.
#[derive(Clone, Debug)]
pub struct Points {
    start: u64,
    now: u64,
    metrics: Vec<Metric>,
    count: u64,
}

impl Points {
    /// None yet; counting began at `start`, and this is how it is `now`.
    #[must_use]
    pub fn new(start: Timestamp, now: Timestamp) -> Self {
        Self {
            start: nanos(start),
            now: nanos(now),
            metrics: Vec::new(),
            count: 0,
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Encoded for a resource.
    pub(super) fn batch(self, resource: &Resource) -> Batch {
        Batch::metrics(resource, self.metrics, self.count)
    }

    /// The points of an instrument so far.
    fn data(&mut self, instrument: &Instrument) -> Option<&mut metric::Data> {
        let known = self.metrics.iter().rposition(|metric| metric.name == instrument.name);
        let place = known.unwrap_or_else(|| {
            self.metrics.push(begun(instrument));
            self.metrics.len() - 1
        });
        self.metrics.get_mut(place)?.data.as_mut()
    }
}

impl Sink for Points {
    /// A metric without a point is not told.
    fn family(&mut self, _: &Instrument) {}

    fn sample(&mut self, instrument: &Instrument, values: &[&str], value: f64) {
        let (start, now) = (self.start, self.now);
        let point = |start, value| NumberDataPoint {
            attributes: attributes(instrument, values),
            start_time_unix_nano: start,
            time_unix_nano: now,
            value: Some(value),
            ..NumberDataPoint::default()
        };
        match self.data(instrument) {
            Some(metric::Data::Sum(sum)) => {
                sum.data_points
                    .push(point(start, number_data_point::Value::AsInt(counted(value))));
            }
            Some(metric::Data::Gauge(gauge)) => {
                gauge
                    .data_points
                    .push(point(0, number_data_point::Value::AsDouble(value)));
            }
            _ => return,
        }
        self.count += 1;
    }

    fn histogram(&mut self, instrument: &Instrument, values: &[&str], bounds: &[f64], histogram: &Histogram) {
        let (start, now) = (self.start, self.now);
        let Some(metric::Data::Histogram(data)) = self.data(instrument) else {
            return;
        };
        data.data_points.push(HistogramDataPoint {
            attributes: attributes(instrument, values),
            start_time_unix_nano: start,
            time_unix_nano: now,
            count: histogram.counts.iter().sum(),
            sum: Some(histogram.sum),
            bucket_counts: histogram.counts.clone(),
            explicit_bounds: bounds.to_vec(),
            exemplars: exemplars(histogram),
            ..HistogramDataPoint::default()
        });
        self.count += 1;
    }
}

/// A metric that has no point yet.
fn begun(instrument: &Instrument) -> Metric {
    let cumulative = AggregationTemporality::Cumulative.into();
    Metric {
        name: instrument.name.to_owned(),
        description: instrument.help.to_owned(),
        unit: instrument.unit.ucum(),
        data: Some(match instrument.kind {
            Kind::Counter => metric::Data::Sum(Sum {
                data_points: Vec::new(),
                aggregation_temporality: cumulative,
                is_monotonic: true,
            }),
            Kind::Gauge => metric::Data::Gauge(Gauge::default()),
            Kind::Histogram(_) => metric::Data::Histogram(HistogramData {
                data_points: Vec::new(),
                aggregation_temporality: cumulative,
            }),
        }),
        ..Metric::default()
    }
}

/// The labels that have a value.
fn attributes(instrument: &Instrument, values: &[&str]) -> Vec<KeyValue> {
    let pairs = instrument.labels.iter().zip(values);
    let pairs = pairs.filter(|(_, value)| !value.is_empty());
    pairs.map(|(key, value)| text(key, value)).collect()
}

fn exemplars(histogram: &Histogram) -> Vec<Exemplar> {
    let known = histogram.exemplars.iter().flatten();
    let told = known.map(|known| Exemplar {
        time_unix_nano: nanos(known.at),
        trace_id: bytes(&known.trace_id),
        value: Some(exemplar::Value::AsDouble(known.value)),
        ..Exemplar::default()
    });
    told.collect()
}

/// Hexadecimal digits as bytes.
fn bytes(hex: &str) -> Vec<u8> {
    let pairs = (0..hex.len()).step_by(2).filter_map(|at| hex.get(at..at + 2));
    pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

/// A moment in nanoseconds since the epoch.
pub(super) fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or_default()
}

/// What was counted is whole.
#[expect(
    clippy::cast_possible_truncation,
    reason = "no count comes near what a number holds exactly"
)]
fn counted(value: f64) -> i64 {
    value as i64
}
