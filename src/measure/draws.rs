//! Statistics of random draws: how far they lie off their mean.

use crate::engine::Nanos;

/// Durations drawn from a distribution: their number and their sum. Both are whole numbers, so that the order of the draws does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Draws {
    sum: u128,
    count: u64,
}

impl Draws {
    /// Counts a drawn duration.
    #[inline]
    pub(crate) fn push(&mut self, drawn: Nanos) {
        self.sum += u128::from(drawn.0);
        self.count += 1;
    }

    /// The sum of (drawn - mean), in seconds, for a mean in nanoseconds.
    pub(crate) fn excess(&self, mean: f64) -> f64 {
        (self.sum as f64 - self.count as f64 * mean) / 1e9
    }

    /// The sum of the means, in seconds, for a mean in nanoseconds.
    pub(crate) fn expected(&self, mean: f64) -> f64 {
        self.count as f64 * mean / 1e9
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excess_and_expected() {
        let mut d = Draws::default();
        assert_eq!((d.excess(5.0), d.expected(5.0)), (0.0, 0.0));
        for seconds in [1, 2, 6] {
            d.push(Nanos::from_secs(seconds));
        }
        assert_eq!((d.excess(2e9), d.expected(2e9)), (3.0, 6.0));
    }
}
