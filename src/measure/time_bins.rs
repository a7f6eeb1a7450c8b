//! The course of a quantity over a run of unknown length: means over equal bins of simulated time, in bounded memory.

use crate::engine::Nanos;

/// Most bins of a course; if they do not suffice, neighbours are merged and the width doubles.
const MOST_BINS: usize = 256;

/// Initial width of a bin, in nanoseconds.
const FIRST_WIDTH: u64 = 1_000;

/// A quantity over time: the sum of the stretches that have been added, in at most 256 equal bins. Courses of the same length have the same
/// bins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TimeBins {
    width: u64,
    /// Integral of the value over each bin, in value times nanoseconds, without what `steps` holds.
    areas: Vec<f64>,
    /// Change of the value at the start of each bin, for stretches that span whole bins.
    steps: Vec<f64>,
    peaks: Vec<f64>,
}

impl Default for TimeBins {
    fn default() -> Self {
        Self {
            width: FIRST_WIDTH,
            areas: vec![0.0; MOST_BINS],
            steps: vec![0.0; MOST_BINS + 1],
            peaks: vec![0.0; MOST_BINS],
        }
    }
}

impl TimeBins {
    /// A course that is zero everywhere.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds `value` between two instants.
    pub(crate) fn add(&mut self, from: Nanos, to: Nanos, value: f64) {
        if to <= from {
            return;
        }
        self.cover(to);
        let (first, last) = (self.bin(from), self.bin(to));
        if first == last {
            self.areas[first] += value * (to - from).as_f64();
            return;
        }
        self.areas[first] += value * (self.start(first + 1) - from).as_f64();
        self.steps[first + 1] += value;
        self.steps[last] -= value;
        if let Some(area) = self.areas.get_mut(last) {
            *area += value * (to.0 - last as u64 * self.width) as f64;
        }
    }

    /// Raises the greatest value of the bins between two instants to at least `value`.
    pub(crate) fn raise(&mut self, from: Nanos, to: Nanos, value: f64) {
        let last = Nanos(to.0.saturating_sub(1)).max(from);
        self.cover(last + Nanos(1));
        let (first, last) = (self.bin(from), self.bin(last));
        for peak in &mut self.peaks[first..=last] {
            *peak = peak.max(value);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "few bins")]
    fn bin(&self, at: Nanos) -> usize {
        (at.0 / self.width) as usize
    }

    fn start(&self, bin: usize) -> Nanos {
        // The last bin may end beyond the clock.
        Nanos(self.width) * bin as u64
    }

    /// Widens the bins until they reach `to`.
    fn cover(&mut self, to: Nanos) {
        while to.0 > self.width.saturating_mul(MOST_BINS as u64) {
            self.settle();
            for i in 0..MOST_BINS / 2 {
                self.areas[i] = self.areas[2 * i] + self.areas[2 * i + 1];
                self.peaks[i] = self.peaks[2 * i].max(self.peaks[2 * i + 1]);
            }
            self.areas[MOST_BINS / 2..].fill(0.0);
            self.peaks[MOST_BINS / 2..].fill(0.0);
            self.width *= 2;
        }
    }

    /// Moves what `steps` holds into the bins.
    fn settle(&mut self) {
        let width = Nanos(self.width).as_f64();
        let mut height = 0.0;
        for (area, step) in self.areas.iter_mut().zip(&mut self.steps) {
            height += std::mem::take(step);
            *area += height * width;
        }
        self.steps.fill(0.0);
    }

    /// The width of the bins and, for each bin until `end`, the mean and the greatest raised value. The last bin may reach beyond `end`:
    /// its mean is over the part before.
    pub(crate) fn finish(mut self, end: Nanos) -> (Nanos, Vec<f64>, Vec<f64>) {
        self.cover(end);
        self.settle();
        #[expect(clippy::cast_possible_truncation, reason = "few bins")]
        let bins = end.0.div_ceil(self.width) as usize;
        let means = (0..bins).map(|i| {
            let until = self.start(i + 1).min(end);
            self.areas[i] / (until - self.start(i)).as_f64()
        });
        let means = means.collect();
        self.peaks.truncate(bins);
        (Nanos(self.width), means, self.peaks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn means_and_peaks_of_steps() {
        let mut c = TimeBins::new();
        c.add(Nanos(500), Nanos(2_500), 4.0);
        c.add(Nanos(0), Nanos(3_000), 1.0);
        c.raise(Nanos(500), Nanos(2_000), 4.0);
        c.raise(Nanos(2_000), Nanos(2_000), 3.0);
        let (width, means, peaks) = c.finish(Nanos(3_500));
        assert_eq!(width, Nanos(1_000));
        assert_eq!(means, [3.0, 5.0, 3.0, 0.0]);
        assert_eq!(peaks, [4.0, 4.0, 3.0, 0.0]);
        assert_eq!(TimeBins::new().finish(Nanos::ZERO).1, Vec::<f64>::new());
    }

    #[test]
    fn a_course_reaches_the_end_of_the_clock() {
        for less in [0, 1, 1 << 50, 1 << 57, 1 << 60, 1 << 63] {
            let end = Nanos(Nanos::CLOCK_END.0 - less);
            let mut c = TimeBins::new();
            c.add(Nanos::ZERO, end, 2.0);
            c.raise(Nanos(7), end, 3.0);
            let (_, means, peaks) = c.finish(end);
            assert!(means.iter().all(|m| (m - 2.0).abs() < 1e-9), "{means:?}");
            assert_eq!(peaks.iter().copied().fold(0.0, f64::max), 3.0);
        }
    }

    proptest! {
        /// However wide the bins become, no area is lost, and none moves further than a bin.
        #[test]
        fn the_area_is_kept(
            stretches in prop::collection::vec((0_u64..3_000_000, 0_u64..1_000_000, 1_u32..5), 1..40),
            more in 0_u64..1_000_000,
        ) {
            let mut c = TimeBins::new();
            let mut end = 1;
            for &(from, length, value) in &stretches {
                c.add(Nanos(from), Nanos(from + length), f64::from(value));
                end = end.max(from + length);
            }
            end += more;
            let (width, means, _) = c.finish(Nanos(end));
            prop_assert!(means.len() <= MOST_BINS);
            for (i, mean) in (0..).zip(means) {
                let (a, b) = (i * width.0, ((i + 1) * width.0).min(end));
                let inside = |&(from, length, value): &(u64, u64, u32)| {
                    (from + length).min(b).saturating_sub(from.max(a)) as f64 * f64::from(value)
                };
                let expected = stretches.iter().map(inside).sum::<f64>() / (b - a) as f64;
                prop_assert!((mean - expected).abs() < 1e-6, "bin {i}: {mean}, not {expected}");
            }
        }
    }
}
