//! What takes numbers: a page of text, or points that are sent. The same walk fills both, so that they never differ.

use super::instrument::Instrument;
use super::metrics::Histogram;

/// Takes numbers, one instrument after the other.
pub trait Sink {
    /// An instrument begins: what follows is of it.
    fn family(&mut self, instrument: &Instrument);

    /// A number; `values` are those of the instrument's labels, in their order, and an empty one is left out.
    fn sample(&mut self, instrument: &Instrument, values: &[&str], value: f64);

    /// A histogram with these bounds.
    fn histogram(&mut self, instrument: &Instrument, values: &[&str], bounds: &[f64], histogram: &Histogram);
}
