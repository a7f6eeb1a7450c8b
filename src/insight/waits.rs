//! What tasks still wait for that an axis provides, and so whether more of it may help at all.

use super::curves::PAYS;
use crate::insight::shares::named_with_gil;
use crate::quantity::{Means, Quantity, percent, waiting};
use crate::result::{Forecast, SweepRow, SweptAxis};
use crate::scenario::Metric;
use crate::strategy::Cause;

/// The part of tasks' time that is waiting for what an axis provides.
#[derive(Clone, Debug, PartialEq)]
pub struct Waits {
    /// Causes of the waits.
    pub causes: Vec<Cause>,
    /// Share (0 to 1) of a task's time, as far as that is counted.
    pub share: f64,
    /// Whether the interpreter has a GIL.
    pub gil: bool,
    /// Whether the time before a task's turn (for a worker, a limit, a queue) is left out: that is the work of other tasks, and shrinks
    /// with it.
    pub in_turn: bool,
}

impl Waits {
    pub(crate) fn text(&self) -> String {
        // Nothing is said of sequential code, which cannot have more workers.
        let means = Means {
            gil: Some(self.gil),
            workers: Some(true),
        };
        let words = |c: &Cause| {
            let words = waiting(*c, means);
            words
                .strip_prefix("waiting for ")
                .unwrap_or(words)
                .to_owned()
        };
        let causes: Vec<String> = self.causes.iter().map(words).collect();
        let what = causes.join(" or ");
        let of = if self.in_turn {
            "of a task's time once it is its turn"
        } else {
            "of a task's time"
        };
        format!(
            "{} {of} still goes into waiting for {what}",
            percent(self.share)
        )
    }

    /// The waits in the last row of a curve over a resource; `None` unless another gain that pays is still possible. `follows` tells that
    /// the axis also sets the number of workers (a pool as large as the number of cores).
    ///
    /// Two conditions have to hold, neither of which says that more *will* help, which is why the sentence says "may":
    ///
    /// - Of the time of the mean task, a share of at least that gain is waiting for what the axis gives. The part before a task's turn is
    ///   left out where the axis gives something else: it is the sum of what those before it take.
    /// - The metric can fall by as much. Of the mean latency, all waiting together is the bound. Of a percentile a share of the mean
    ///   bounds nothing, since the waiting may be that of the slow tasks alone, or of the fast ones alone; but the distribution does:
    ///   to bring the latency that a share p of tasks does not exceed down to v, the tasks between b and p (those above q(b)), a share
    ///   p - b of all, must wait q(b) - v less each; all waiting is w times the mean, so v >= q(b) - w * mean / (p - b) for every b
    ///   below p. The makespan of a batch is its last latency, p = 1.
    pub(crate) fn of(
        row: &SweepRow,
        axis: &SweptAxis,
        ranking: Metric,
        follows: bool,
    ) -> Option<Self> {
        let shares = |c: Cause| row.case.causes[c as usize];
        let given = given_by(axis, &row.case.strategy, follows);
        let direct: f64 = given.iter().map(|&c| shares(c)).sum();
        let turn = [Cause::Pool, Cause::Limit, Cause::Queue];
        let before: f64 = turn
            .into_iter()
            .filter(|c| !given.contains(c))
            .map(shares)
            .sum();
        let share = direct / (1.0 - before).max(f64::MIN_POSITIVE);
        let waiting = Cause::ALL.into_iter().map(shares).sum::<f64>()
            - shares(Cause::Running)
            - shares(Cause::Io);
        let possible = possible(&row.case, ranking, waiting)?;
        let mut causes: Vec<Cause> = given;
        causes.retain(|&c| shares(c) >= 0.1 * direct);
        (share >= PAYS && possible >= PAYS).then_some(Self {
            causes,
            gil: named_with_gil(&row.case.interpreter),
            share: share.min(1.0),
            in_turn: before > 0.0,
        })
    }
}

/// The causes of waits that more of an axis reduces by itself.
fn given_by(axis: &SweptAxis, strategy: &str, follows: bool) -> Vec<Cause> {
    let last = axis.path.rsplit('.').next().unwrap_or_default();
    match last {
        "cores" if follows => vec![Cause::Core, Cause::Pool],
        "cores" => vec![Cause::Core],
        "limit" => vec![Cause::Limit],
        // Each server process has its own loop and its own GIL.
        _ if strategy.starts_with("prefork") => {
            vec![Cause::Pool, Cause::Limit, Cause::Loop, Cause::Gil]
        }
        _ => vec![Cause::Pool],
    }
}

/// The largest possible gain if all waiting disappeared, as a share of the metric; `None` for metrics about which waiting says nothing.
fn possible(case: &Forecast, ranking: Metric, waiting: f64) -> Option<f64> {
    const LEVELS: [(f64, Quantity); 4] = [
        (0.5, Quantity::P50),
        (0.9, Quantity::P90),
        (0.95, Quantity::P95),
        (0.99, Quantity::P99),
    ];
    let level = match ranking {
        Metric::MeanLatency => return Some(waiting),
        // In a closed workload, the round of a user becomes shorter by no more than that.
        Metric::Throughput => return Some(1.0 / (1.0 - waiting).max(f64::MIN_POSITIVE) - 1.0),
        Metric::Makespan => 1.0,
        Metric::Percentile(p) => p / 100.0,
        Metric::Worst(_) | Metric::Memory | Metric::Cpu | Metric::FailureRate => return None,
    };
    let value = case.primary()?.mean;
    let mean = case.get(Quantity::LatencyMean)?.mean;
    let least = LEVELS
        .into_iter()
        .filter(|(b, _)| *b < level)
        .filter_map(|(b, q)| Some(case.get(q)?.mean - waiting * mean / (level - b)))
        .fold(0.0, f64::max);
    Some(1.0 - least / value)
}
