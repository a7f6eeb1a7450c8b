//! The forecast of one case: estimates over replications, shares by cause, findings, objectives, speed-up. Fields are in the order of the
//! keys in a result file.

use serde::{Deserialize, Serialize};

use super::keyed;
use super::ranked::Ranked;
use super::replications::ReplicationValues;
use super::standing::{TIE, Tier};
use super::timeline::Timeline;
use super::windows::{OverWindows, Recovery};
use crate::engine::{Nanos, seconds};
use crate::measure::Estimate;
use crate::quantity::{LATENCIES, Quantity};
use crate::scenario::{Metric, Strategy};
use crate::strategy::{CAUSES, Finding};
use crate::syntax::{parse_objective, parse_strategy};

/// Whether the numbers of a case can be taken as they are, or why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The numbers can be taken as they are.
    Fine,
    /// Tasks arrive faster than they are completed: there is no steady state, and so there are no latencies.
    Saturated,
    /// Some replication ran out of memory, so there are no numbers.
    #[serde(rename = "out of memory")]
    OutOfMemory,
    /// Some replication deadlocked, so there are no numbers.
    Deadlock,
    /// Some replication was stopped at its limit of events, so there are no numbers.
    #[serde(rename = "event limit")]
    EventLimit,
    /// Some replication took longer than the clock can represent, so there are no numbers.
    #[serde(rename = "clock end")]
    ClockEnd,
    /// In some replication the program's only process crashed, so there are no numbers.
    Crashed,
    /// In some replication no task ended after the warm-up, so there are no latencies.
    #[serde(rename = "nothing completed")]
    NothingCompleted,
    /// The interpreter cannot do what the case needs ([`Forecast::refusal`] says why), so nothing was simulated.
    Unsupported,
}

impl Status {
    /// Name of the status in reports and results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Saturated => "saturated",
            Self::OutOfMemory => "out of memory",
            Self::Deadlock => "deadlock",
            Self::EventLimit => "event limit",
            Self::ClockEnd => "clock end",
            Self::Crashed => "crashed",
            Self::NothingCompleted => "nothing completed",
            Self::Unsupported => "unsupported",
        }
    }
}

/// How the start of the time that counts was determined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CountingStart {
    /// Everything counts, because the run is studied from start to end.
    #[default]
    #[serde(rename = "none")]
    Whole,
    /// By the scenario's `warmup`.
    Given,
    /// By the scenario's `warmup`, but less of it, since half of the run would have been over.
    #[serde(rename = "cut short")]
    CutShort,
    /// The end of the warm-up was found in the run.
    Found,
    /// The run was too short to find the end of the warm-up.
    Uncertain,
}

/// Whether an objective is met, at the study's confidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The whole interval is on the right side of the bound.
    Met,
    /// The whole interval is on the wrong side of the bound.
    Missed,
    /// The bound lies within the interval.
    Undecided,
}

impl Verdict {
    /// Name of the verdict in reports and results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Undecided => "undecided",
        }
    }

    /// Character that stands for the verdict in tables.
    #[must_use]
    pub fn sign(self) -> char {
        match self {
            Self::Met => '✓',
            Self::Missed => '✗',
            Self::Undecided => '?',
        }
    }
}

/// An objective judged for a case. Cases that are not [`Status::Fine`] miss every objective for which they have no value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The objective as it was written.
    #[serde(rename = "objective")]
    pub text: String,
    /// Whether the case meets it.
    pub verdict: Verdict,
    /// The bound, in the metric's unit.
    pub bound: f64,
    /// The metric's value, in the metric's unit.
    pub value: Option<Estimate>,
    /// For how long it was not met at a stretch, where windows of time tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
}

impl Judgement {
    /// The metric that the objective is about; `None` if the objective cannot be read.
    #[must_use]
    pub fn metric(&self) -> Option<Metric> {
        parse_objective(&self.text).ok().map(|o| o.metric)
    }
}

/// What a speed-up over the sequential baseline means in practice, in this project's reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpeedupVerdict {
    /// Below 1.0, by more than a tie.
    Slower,
    /// From there up to 1.2.
    #[serde(rename = "not worth it")]
    NotWorthIt,
    /// From 1.2 to 2.0.
    Consider,
    /// Above 2.0.
    Clear,
}

impl SpeedupVerdict {
    /// The reading of a speed-up over the sequential baseline.
    #[must_use]
    pub fn of(speedup: f64) -> Self {
        match speedup {
            s if s < 1.0 - TIE => Self::Slower,
            s if s < 1.2 => Self::NotWorthIt,
            s if s <= 2.0 => Self::Consider,
            _ => Self::Clear,
        }
    }

    /// The reading in words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Slower => "slower",
            Self::NotWorthIt => "not worth it",
            Self::Consider => "consider",
            Self::Clear => "clear",
        }
    }
}

/// A finding, and the number of replications in which it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountedFinding {
    /// The first instance of its kind (for blocked loops: the longest).
    #[serde(flatten)]
    pub finding: Finding,
    /// Number of replications with a finding of its kind.
    pub replications: u32,
}

/// The forecast of one class of tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassForecast {
    /// Name of the class.
    pub name: String,
    /// Its latencies, in the order of [`LATENCIES`].
    #[serde(flatten, with = "keyed::latencies")]
    pub latencies: [Option<Estimate>; LATENCIES.len()],
}

impl ClassForecast {
    /// One of the [`LATENCIES`]; `None` for any other quantity, and where no task of the class completed.
    #[must_use]
    pub fn latency(&self, q: Quantity) -> Option<Estimate> {
        let i = LATENCIES.iter().position(|&l| l == q)?;
        self.latencies[i]
    }
}

/// Details that the rows of a sweep leave out, because they would make a file of a thousand points unwieldy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ForecastDetail {
    /// Quantiles of the latencies of all replications, if they were asked for and are meaningful: pairs of a share of tasks (0 to 1,
    /// rising) and the seconds that they do not exceed.
    #[serde(serialize_with = "keyed::one_line")]
    pub latency_quantiles: Option<Vec<(f64, f64)>>,
    /// What became of tasks by when they arrived, if the load changes over time or the scenario asks for windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windows: Option<OverWindows>,
    /// The course of replication 0 over time, if it was asked for.
    pub over_time: Option<OverTime>,
    /// A timeline of the busiest part of replication 0, if it was asked for.
    pub timeline: Option<Timeline>,
    /// The values of each replication, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replication_values: Option<ReplicationValues>,
    /// Whether the forecast is a row of a sweep, which has none of these details.
    #[serde(skip)]
    pub left_out: bool,
}

impl ForecastDetail {
    fn is_left_out(&self) -> bool {
        self.left_out
    }
}

/// The course of replication 0 in equal bins of simulated time: means over each bin, except for `memory_peak_bytes`. Numbers are rounded to
/// as many digits as can be seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OverTime {
    /// Length of a bin in seconds.
    pub bin_s: f64,
    /// Mean memory in use, in bytes.
    #[serde(serialize_with = "keyed::one_line")]
    pub memory_mean_bytes: Vec<f64>,
    /// Greatest memory in use within the bin, in bytes.
    #[serde(serialize_with = "keyed::one_line")]
    pub memory_peak_bytes: Vec<f64>,
    /// Share (0 to 1) of all cores' time that was busy.
    #[serde(serialize_with = "keyed::one_line")]
    pub utilization_share: Vec<f64>,
    /// Share (0 to 1) of the time in which some GIL was held.
    #[serde(serialize_with = "keyed::one_line")]
    pub gil_held_share: Vec<f64>,
    /// Threads that are ready to run but have no core.
    #[serde(serialize_with = "keyed::one_line")]
    pub run_queue: Vec<f64>,
    /// Tasks that have arrived and are not over.
    #[serde(serialize_with = "keyed::one_line")]
    pub in_flight: Vec<f64>,
}

impl From<&crate::cpython::recording::RecordedSeries> for OverTime {
    fn from(o: &crate::cpython::recording::RecordedSeries) -> Self {
        let list = |values: &[f64], decimals: i32| {
            let scale = libm::pow(10.0, f64::from(decimals));
            (values.iter().map(|v| libm::round(v * scale) / scale)).collect()
        };
        Self {
            bin_s: o.bin.as_secs_f64(),
            memory_mean_bytes: list(&o.memory_mean, 0),
            memory_peak_bytes: list(&o.memory_peak, 0),
            utilization_share: list(&o.utilization, 6),
            gil_held_share: list(&o.gil_held, 6),
            run_queue: list(&o.run_queue, 6),
            in_flight: list(&o.in_flight, 6),
        }
    }
}

/// The forecast of one case: a strategy on an interpreter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The strategy in its short form.
    pub strategy: String,
    /// Name of the interpreter.
    pub interpreter: String,
    /// Rank of the case, from 1, the best; tied cases share the better rank. `None` unless [`Status::Fine`].
    pub rank: Option<u32>,
    /// Whether another case has the same rank.
    pub tied: bool,
    /// Whether the numbers can be taken as they are.
    pub status: Status,
    /// Tier of the case, which precedes the metric.
    #[serde(default)]
    pub tier: Tier,
    /// How far it misses the objective that it misses by most, as a share of the bound (see [`excess`](super::excess)).
    #[serde(rename = "excess_share", default, skip_deserializing)]
    pub excess: f64,
    /// Whether the program itself added the case to the comparison.
    #[serde(default)]
    pub added: bool,
    /// Start of the time that counts.
    #[serde(rename = "warmup_s", default, with = "seconds")]
    pub warmup: Nanos,
    /// How that start was determined.
    #[serde(rename = "warmup", default)]
    pub begins: CountingStart,
    /// Whether it is compared with the best case replication by replication, because both count the same tasks. Otherwise the means are
    /// compared.
    #[serde(default)]
    pub paired: bool,
    /// Number of replications that were simulated.
    pub replications: u32,
    /// Number of model events in all replications.
    #[serde(rename = "simulated_events")]
    pub events: u64,
    /// The metric that the study ranks by.
    #[serde(flatten)]
    pub ranked: Ranked,
    /// Ratio to the sequential baseline by the metric; above 1 is better.
    pub speedup: Option<Estimate>,
    /// What that ratio means in practice.
    #[serde(rename = "speedup_reading")]
    pub reading: Option<SpeedupVerdict>,
    /// The estimates, indexed by `Quantity as usize`; `None` where there is no meaningful value.
    #[serde(rename = "estimates", with = "keyed::quantities")]
    pub values: [Option<Estimate>; Quantity::COUNT],
    /// Mean shares of task time by cause (indexed by `Cause as usize`).
    #[serde(rename = "time_by_cause", with = "keyed::causes")]
    pub causes: [f64; CAUSES],
    /// Mean shares of the children's time by cause. `None` if tasks have no children, or use queues besides, since a wait under
    /// [`Cause::Queue`](crate::strategy::Cause::Queue) may then be for either.
    #[serde(
        rename = "children_time_by_cause",
        default,
        with = "keyed::some_causes"
    )]
    pub children: Option<[f64; CAUSES]>,
    /// Mean busy share (0 to 1) of each core.
    #[serde(rename = "core_busy_shares", default)]
    pub cores: Vec<f64>,
    /// Forecasts of the classes of the workload.
    #[serde(default)]
    pub classes: Vec<ClassForecast>,
    /// The objectives as judged for this case, in their order.
    #[serde(default)]
    pub objectives: Vec<Judgement>,
    /// Findings about the runs; of a later version's result, those that this version knows.
    #[serde(default, deserialize_with = "keyed::known")]
    pub findings: Vec<CountedFinding>,
    /// Details that the rows of sweeps leave out.
    #[serde(flatten, skip_serializing_if = "ForecastDetail::is_left_out")]
    pub detail: ForecastDetail,
    /// Why the interpreter cannot do what the case needs; not written to files, so `None` in a result that was read back.
    #[serde(skip)]
    pub refusal: Option<String>,
}

impl Forecast {
    /// The estimate of a quantity.
    #[must_use]
    pub fn get(&self, q: Quantity) -> Option<Estimate> {
        self.values[q as usize]
    }

    /// The value of the metric that the study ranks by; `None` if the case has none.
    #[must_use]
    pub fn primary(&self) -> Option<Estimate> {
        self.ranked.value
    }

    /// The metric's difference from that of the case in first place.
    #[must_use]
    pub fn behind_best(&self) -> Option<Estimate> {
        self.ranked.behind_best
    }

    /// Whether the numbers can be taken as they are.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.status == Status::Fine
    }

    /// Whether `so` holds for the strategy; `false` for a strategy that only a later version knows.
    #[must_use]
    pub fn is(&self, so: impl Fn(&Strategy) -> bool) -> bool {
        self.known_strategy().is_some_and(|s| so(&s))
    }

    /// The strategy; `None` for one that only a later version knows.
    #[must_use]
    pub fn known_strategy(&self) -> Option<Strategy> {
        parse_strategy(&self.strategy).ok().map(|s| s.strategy)
    }

    /// Name of the case: its strategy and interpreter.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} on {}", self.strategy, self.interpreter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings() {
        assert_eq!(
            [0.9, 0.999, 1.0, 1.2, 2.0, 2.1].map(SpeedupVerdict::of),
            [
                SpeedupVerdict::Slower,
                SpeedupVerdict::NotWorthIt,
                SpeedupVerdict::NotWorthIt,
                SpeedupVerdict::Consider,
                SpeedupVerdict::Consider,
                SpeedupVerdict::Clear
            ]
        );
    }
}
