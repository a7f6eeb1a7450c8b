//! Reading figures, and bringing them to the machine's best speed.

use serde_json::Value;

/// Samples shorter than this are caught in a fast spell by one of the runs.
const SHORT_SAMPLE_MS: f64 = 30.0;
/// Samples of this length and more always average over slow spells.
const LONG_SAMPLE_MS: f64 = 100.0;
/// A figure of middling length whose worst run is so many times its best had at least one fast run.
const FAST_RUN_SPREAD: f64 = 1.4;

/// A figure at the machine's best speed.
///
/// The machine runs at its best only in short spells. A figure is the best of a few runs, each the median of some samples.
/// Short samples (below 30 ms) were caught at best speed by one of the runs and stand as they are. Long ones (100 ms and
/// more, or cycles of that length: process starts by exec, imports, thousands of process-pool tasks) average over slow
/// spells, so were measured at the typical speed and are divided by `typical`: how much slower than at its best that machine
/// runs on average (1 on a quiet one). Between the two the spread over the runs tells: if the slowest run took 1.4 times the
/// fastest or more, the fastest was at best speed; if all runs agree, all were at the typical speed. `Profile::slowed`
/// multiplies by the slowness of a cell's own runs later.
pub fn best_speed(figure: f64, worst_over_best: Option<f64>, sample_ms: f64, typical: f64) -> f64 {
    let caught = sample_ms < SHORT_SAMPLE_MS
        || sample_ms < LONG_SAMPLE_MS
            && worst_over_best.is_none_or(|spread| spread >= FAST_RUN_SPREAD);
    if caught { figure } else { figure / typical }
}

/// The two measurement files of one interpreter.
pub(super) struct Figures<'a> {
    metrics: &'a Value,
    spread: &'a Value,
    pub(super) more: &'a Value,
    pub(super) version: String,
    pub(super) minor: u32,
    pub(super) gil: bool,
    pub(super) runs: u64,
    /// The figures are at best speed already: each of their samples was held against the reference loop when it was taken.
    pub(super) gated: bool,
    /// How much slower than at its best the machine ran on average.
    typical: f64,
    /// The figures of threads are of threads on two cores.
    pub(super) apart: bool,
}

impl<'a> Figures<'a> {
    pub(super) fn new(micro: &'a Value, more: &'a Value, typical: f64, apart: bool) -> Self {
        let version = micro["version"].as_str().unwrap_or("3.14.0").to_owned();
        let minor = version
            .split('.')
            .nth(1)
            .and_then(|m| m.parse().ok())
            .unwrap_or(14);
        Self {
            metrics: &micro["metrics"],
            spread: &micro["spread"],
            more,
            version,
            minor,
            gil: !micro["free_threaded"].as_bool().unwrap_or(false),
            runs: micro["runs"].as_u64().unwrap_or(1),
            gated: micro["gated"].as_bool().unwrap_or(false),
            typical,
            apart,
        }
    }

    /// A figure as it stands in the file.
    pub(super) fn raw(&self, name: &str) -> Option<f64> {
        self.metrics[name].as_f64().filter(|v| v.is_finite())
    }

    /// A figure of `further measurements`, by path.
    pub(super) fn further(&self, path: &[&str]) -> Option<f64> {
        path.iter()
            .fold(self.more, |v, key| &v[*key])
            .as_f64()
            .filter(|v| v.is_finite())
    }

    fn best_speed(&self, figure: f64, worst_over_best: Option<f64>, sample_ms: f64) -> f64 {
        if self.gated {
            figure
        } else {
            best_speed(figure, worst_over_best, sample_ms, self.typical)
        }
    }

    /// A figure that was taken at the machine's typical speed, whatever its length, at best speed.
    pub(super) fn of_long_spell(&self, figure: f64) -> f64 {
        self.best_speed(figure, None, f64::INFINITY)
    }

    fn worst_over_best(&self, name: &str) -> Option<f64> {
        let (least, greatest) = (
            self.spread[name][0].as_f64()?,
            self.spread[name][1].as_f64()?,
        );
        (least > 0.0).then(|| greatest / least)
    }

    /// A figure in microseconds, at best speed, in nanoseconds. One sample repeats the operation `repeats` times.
    pub(super) fn us(&self, name: &str, repeats: f64) -> Option<f64> {
        let us = self.raw(name)?;
        Some(self.best_speed(us, self.worst_over_best(name), us * repeats / 1e3) * 1e3)
    }

    /// A figure in nanoseconds, likewise.
    pub(super) fn ns(&self, name: &str, repeats: f64) -> Option<f64> {
        let ns = self.raw(name)?;
        Some(self.best_speed(ns, self.worst_over_best(name), ns * repeats / 1e6))
    }

    /// What the first figure takes beyond the second, both in microseconds, at best speed, in nanoseconds. Both were taken in
    /// the same runs and are brought to best speed together, by the first.
    pub(super) fn us_beyond(&self, name: &str, other: &str, repeats: f64) -> Option<f64> {
        let (us, less) = (self.raw(name)?, self.raw(other)?);
        Some(self.best_speed(us - less, self.worst_over_best(name), us * repeats / 1e3) * 1e3)
    }

    /// A figure in milliseconds of something that starts an interpreter (the samples lie a whole start apart, so always
    /// average over slow spells), at best speed, in nanoseconds.
    pub(super) fn by_exec(&self, name: &str) -> Option<f64> {
        Some(self.of_long_spell(self.raw(name)?) * 1e6)
    }

    /// A figure in milliseconds whose sample is the figure itself, at best speed, in nanoseconds.
    pub(super) fn ms_alone(&self, name: &str) -> Option<f64> {
        let ms = self.raw(name)?;
        Some(self.best_speed(ms, self.worst_over_best(name), ms) * 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::best_speed;

    #[test]
    fn only_figures_taken_at_the_typical_speed_are_brought_to_best_speed() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        close(best_speed(3.0, Some(1.0), 5.0, 1.44), 3.0);
        close(best_speed(2.88, Some(1.9), 150.0, 1.44), 2.0);
        close(best_speed(3.0, Some(1.9), 40.0, 1.44), 3.0);
        close(best_speed(2.88, Some(1.1), 40.0, 1.44), 2.0);
        close(best_speed(3.0, None, 40.0, 1.44), 3.0);
    }
}
