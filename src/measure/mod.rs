//! Statistics of observations: histograms, intervals, warm-up. Pure: no clock, no files.

use crate::engine::Nanos;

/// Counts of durations at three significant digits.
#[derive(Clone, Debug, Default)]
pub struct Histogram;

impl Histogram {
    /// Empty.
    pub fn new() -> Self {
        Self
    }
    /// Counts one duration.
    pub fn record(&mut self, _value: Nanos) {}
}

/// Batch means of a stream of observations of unknown length, in bounded memory.
#[derive(Clone, Debug, Default)]
pub struct BatchSeries;

impl BatchSeries {
    /// Empty.
    pub fn new() -> Self {
        Self
    }
    /// Adds one observation, at simulated time `at` (rising).
    pub fn push(&mut self, _at: Nanos, _value: f64) {}
}
