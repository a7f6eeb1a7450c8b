//! Windows of time, for which latencies are told apart where the load changes.

use super::{Arrivals, Scenario};
use crate::engine::Nanos;

/// Number of windows that there are about if nobody says how long they are.
const USUAL: f64 = 60.0;
/// Number of tasks that a usual window has at least, in the mean: a 99th percentile is about one of so many.
const TASKS: f64 = 100.0;

/// Lengths of usual windows that are easy to read, in milliseconds.
const EASY: [u64; 22] = [
    10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000,
    300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000,
];

impl Scenario {
    /// Length of the windows of time for which latencies are told apart: as given, or, where the load changes or something goes wrong, about a sixtieth
    /// of the time for which tasks come, and long enough for a hundred of them in the mean. `None` for other loads of which nothing is said, and for
    /// batches, all of whose tasks arrive at once.
    #[must_use]
    pub fn windows_used(&self) -> Option<Nanos> {
        let (rate, count, load_ends) = match &self.workload.arrivals {
            Arrivals::Batch => return None,
            Arrivals::Varying { load, count } => (load.mean_rate(), *count, load.ends()),
            Arrivals::Open { interval, count } => (1e9 / interval.mean(), *count, None),
            Arrivals::Sessions {
                interval,
                requests,
                count,
                ..
            } => (1e9 / interval.mean() * requests, *count, None),
            Arrivals::Closed { .. } | Arrivals::Trace(_) => return self.windows,
        };
        let changes = matches!(self.workload.arrivals, Arrivals::Varying { .. });
        if self.windows.is_some() || !changes && self.workload.faults.is_empty() {
            return self.windows;
        }
        let counted = count.map_or(f64::INFINITY, |n| n as f64 / rate * 1e9);
        let ends = load_ends.into_iter().chain(self.horizon).min();
        let lasts = ends.map_or(f64::INFINITY, Nanos::as_f64).min(counted);
        let wanted = (lasts / USUAL).max(TASKS / rate * 1e9);
        let easy = EASY.iter().map(|&ms| Nanos::from_millis(ms));
        let found = easy.into_iter().find(|n| n.as_f64() >= wanted);
        Some(found.unwrap_or(Nanos::from_f64(wanted)))
    }
}
