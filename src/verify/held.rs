//! Defines the error of a forecast and how errors are summarized; the `README.md` of the reference gives the reasons.

use crate::measure::{element, median};

/// The metrics that are compared, in the order of every list of metrics.
pub(crate) const METRICS: [&str; 4] = ["makespan", "p50", "p99", "memory"];

/// A forecast figure and the measured figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Held {
    /// The median of the measured runs.
    pub measured: f64,
    /// The least of the measured runs.
    pub least: f64,
    /// The greatest of the measured runs.
    pub greatest: f64,
    /// The median of the forecast over the replications.
    pub forecast: f64,
}

impl Held {
    /// `None` where nothing was measured.
    pub(crate) fn new(runs: Vec<f64>, forecast: f64) -> Option<Self> {
        let least = runs.iter().copied().reduce(f64::min)?;
        let greatest = runs.iter().copied().reduce(f64::max)?;
        Some(Self {
            measured: median(runs),
            least,
            greatest,
            forecast,
        })
    }

    /// How far the forecast lies outside the range of the runs, as a fraction of their median; zero inside the range.
    pub(crate) fn error(&self) -> f64 {
        let outside = (self.least - self.forecast)
            .max(self.forecast - self.greatest)
            .max(0.0);
        if outside == 0.0 {
            0.0
        } else {
            outside / self.measured
        }
    }

    /// The plain relative error of the forecast against the median, with its sign.
    pub(crate) fn relative(&self) -> f64 {
        if self.measured == 0.0 {
            0.0
        } else {
            self.forecast / self.measured - 1.0
        }
    }
}

/// A summary of the absolute errors of one metric over some cells, as fractions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorSummary {
    /// The number of cells.
    pub cells: usize,
    /// The median error.
    pub median: f64,
    /// The 90th percentile of the errors.
    pub p90: f64,
    /// The greatest error.
    pub worst: f64,
    /// The median of the absolute values of the plain relative errors.
    pub relative: f64,
}

impl ErrorSummary {
    /// Summarizes errors; all figures are zero where there are none.
    pub(crate) fn of<'a>(held: impl Iterator<Item = &'a Held>) -> Self {
        let (mut errors, mut relative) = (Vec::new(), Vec::new());
        for h in held {
            errors.push(h.error());
            relative.push(h.relative().abs());
        }
        errors.sort_by(f64::total_cmp);
        let at = |p| element(&errors, p).copied().unwrap_or(0.0);
        Self {
            cells: errors.len(),
            median: median(errors.clone()),
            p90: at(0.9),
            worst: at(1.0),
            relative: median(relative),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_the_distance_from_the_range_of_the_runs() {
        let held = |forecast| Held::new(vec![1.1, 0.9, 1.0], forecast).expect("three runs");
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        close(held(0.95).error(), 0.0);
        close(held(1.1).error(), 0.0);
        close(held(1.2).error(), 0.1);
        close(held(0.7).error(), 0.2);
        close(held(0.95).relative(), -0.05);
        // With a single measurement the range is a point, so that every distance counts.
        close(Held::new(vec![20.0], 21.0).expect("one").error(), 0.05);
        assert!(Held::new(vec![], 1.0).is_none());
    }
}
