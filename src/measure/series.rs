//! Batch means of a stream of unknown length, in bounded memory.

use crate::engine::Nanos;

/// Most batches of a series; a full series merges neighbours and doubles the batch size.
const MOST_BATCHES: usize = 4_096;

/// Initial number of observations in a batch: MSER-5 uses means of five.
const FIRST_SIZE: u64 = 5;

/// A batch: a fixed number of consecutive observations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Batch {
    /// When the first of its observations was made.
    pub start: Nanos,
    /// Mean of its observations.
    pub mean: f64,
}

/// Batch means of a stream of observations of unknown length, in bounded memory.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchSeries {
    batches: Vec<Batch>,
    size: u64,
    pending: u64,
    pending_sum: f64,
    pending_start: Nanos,
    count: u64,
}

impl Default for BatchSeries {
    fn default() -> Self {
        Self {
            batches: Vec::new(),
            size: FIRST_SIZE,
            pending: 0,
            pending_sum: 0.0,
            pending_start: Nanos::ZERO,
            count: 0,
        }
    }
}

impl BatchSeries {
    /// An empty series.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an observation made at simulated time `at`, which must not fall.
    #[inline]
    pub fn push(&mut self, at: Nanos, value: f64) {
        if self.pending == 0 {
            self.pending_start = at;
        }
        self.pending_sum += value;
        self.pending += 1;
        self.count += 1;
        if self.pending == self.size {
            self.close_batch();
        }
    }

    fn close_batch(&mut self) {
        self.batches.push(Batch {
            start: self.pending_start,
            mean: self.pending_sum / self.size as f64,
        });
        (self.pending, self.pending_sum) = (0, 0.0);
        if self.batches.len() == MOST_BATCHES {
            for i in 0..MOST_BATCHES / 2 {
                let (a, b) = (self.batches[2 * i], self.batches[2 * i + 1]);
                self.batches[i] = Batch {
                    start: a.start,
                    mean: f64::midpoint(a.mean, b.mean),
                };
            }
            self.batches.truncate(MOST_BATCHES / 2);
            self.size *= 2;
        }
    }

    /// The full batches in order of time; observations of the last, unfilled batch are left out.
    pub(crate) fn batches(&self) -> &[Batch] {
        &self.batches
    }

    /// The means of the full batches.
    pub(crate) fn means(&self) -> Vec<f64> {
        self.batches.iter().map(|b| b.mean).collect()
    }

    /// Number of observations in each batch.
    #[cfg(test)]
    pub(crate) fn batch_size(&self) -> u64 {
        self.size
    }

    /// Number of observations in all, those of the unfilled batch included.
    #[cfg(test)]
    pub(crate) fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn means_of_five() {
        let mut s = BatchSeries::new();
        for i in 0..12u64 {
            s.push(Nanos(i * 10), i as f64);
        }
        assert_eq!(
            s.batches(),
            [
                Batch {
                    start: Nanos(0),
                    mean: 2.0
                },
                Batch {
                    start: Nanos(50),
                    mean: 7.0
                }
            ]
        );
        assert_eq!((s.batch_size(), s.count()), (5, 12));
    }

    #[test]
    fn long_streams_stay_small_and_keep_their_mean() {
        let mut s = BatchSeries::new();
        let n = 10 * 4_096 * 5u64;
        for i in 0..n {
            s.push(Nanos(i), i as f64);
        }
        assert!(s.batches().len() < MOST_BATCHES);
        for (i, b) in s.batches().iter().enumerate() {
            let first = i as u64 * s.batch_size();
            assert_eq!(b.start, Nanos(first));
            assert!((b.mean - (first as f64 + (s.batch_size() - 1) as f64 / 2.0)).abs() < 1e-6);
        }
    }

    proptest! {
        #[test]
        fn batches_cover_the_stream(n in 0u64..60_000) {
            let mut s = BatchSeries::new();
            (0..n).for_each(|i| s.push(Nanos(i), 1.0));
            prop_assert_eq!(s.batches().len() as u64, n / s.batch_size());
            prop_assert!(s.batches().iter().all(|b| b.mean == 1.0));
        }
    }
}
