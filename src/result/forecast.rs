//! What is forecast of one case: estimates over replications, shares by cause, findings, objectives, speed-up. The order of the fields is
//! that of the keys in a result's file.

use serde::{Deserialize, Serialize};

use super::keyed;
use super::ranked::Ranked;
use super::standing::{TIE, Tier};
use super::timeline::Timeline;
use crate::engine::{Nanos, seconds};
use crate::measure::Estimate;
use crate::quantity::{LATENCIES, Quantity};
use crate::scenario::{Metric, Strategy};
use crate::strategy::{CAUSES, Finding};
use crate::syntax::{parse_objective, parse_strategy};

/// Whether a case's numbers can be taken as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Yes.
    Fine,
    /// Tasks arrive faster than they are done: no steady state, so no latencies.
    Saturated,
    /// Some replication ran out of memory: no numbers.
    #[serde(rename = "out of memory")]
    OutOfMemory,
    /// Some replication deadlocked: no numbers.
    Deadlock,
    /// Some replication was stopped at its limit of events: no numbers.
    #[serde(rename = "event limit")]
    EventLimit,
    /// Some replication took longer than the clock can tell: no numbers.
    #[serde(rename = "clock end")]
    ClockEnd,
    /// In some replication no task ended (after the warm-up): no latencies.
    #[serde(rename = "nothing completed")]
    NothingCompleted,
    /// The interpreter cannot do it ([`Forecast::refusal`] says why): nothing was simulated.
    Unsupported,
}

impl Status {
    /// Name in reports and results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Saturated => "saturated",
            Self::OutOfMemory => "out of memory",
            Self::Deadlock => "deadlock",
            Self::EventLimit => "event limit",
            Self::ClockEnd => "clock end",
            Self::NothingCompleted => "nothing completed",
            Self::Unsupported => "unsupported",
        }
    }
}

/// What the start of the time that counts rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[serde(expecting = "enum Begin")]
pub enum CountingStart {
    /// Everything counts: a run from start to end.
    #[default]
    #[serde(rename = "none")]
    Whole,
    /// The scenario's `warmup`.
    Given,
    /// The same, but that half the run was over before.
    #[serde(rename = "cut short")]
    CutShort,
    /// The end of the warm-up was found.
    Found,
    /// The run was too short to find it.
    Uncertain,
}

/// Whether an objective is met, at the study's confidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The whole interval is on the right side of the bound.
    Met,
    /// The whole interval is on the wrong side.
    Missed,
    /// The bound lies within the interval.
    Undecided,
}

impl Verdict {
    /// Name in reports and results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Undecided => "undecided",
        }
    }

    /// The sign that stands for it in tables.
    #[must_use]
    pub fn sign(self) -> char {
        match self {
            Self::Met => '✓',
            Self::Missed => '✗',
            Self::Undecided => '?',
        }
    }
}

/// An objective held against a case. Cases that are not [`Status::Fine`] miss every objective that has no value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The objective as it was written.
    #[serde(rename = "objective")]
    pub text: String,
    /// See [`Verdict`].
    pub verdict: Verdict,
    /// The bound.
    pub bound: f64,
    /// The metric's value, in its own unit.
    pub value: Option<Estimate>,
}

impl Judgement {
    /// What the objective is about.
    #[must_use]
    pub fn metric(&self) -> Option<Metric> {
        parse_objective(&self.text).ok().map(|o| o.metric)
    }
}

/// What a speed-up against the sequential baseline means in practice (the project's reading).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[serde(expecting = "enum Reading")]
pub enum SpeedupVerdict {
    /// Below 1.0 (by more than what counts as a tie).
    Slower,
    /// Up to 1.2.
    #[serde(rename = "not worth it")]
    NotWorthIt,
    /// 1.2 to 2.0.
    Consider,
    /// Above 2.0.
    Clear,
}

impl SpeedupVerdict {
    /// The reading of a speed-up.
    #[must_use]
    pub fn of(speedup: f64) -> Self {
        match speedup {
            s if s < 1.0 - TIE => Self::Slower,
            s if s < 1.2 => Self::NotWorthIt,
            s if s <= 2.0 => Self::Consider,
            _ => Self::Clear,
        }
    }

    /// In words.
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

/// A finding, and in how many replications it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(expecting = "struct Found")]
pub struct CountedFinding {
    /// Its first instance (of blocked loops: the longest).
    #[serde(flatten)]
    pub finding: Finding,
    /// Replications in which one of its kind was made.
    pub replications: u32,
}

/// What is forecast of one class of tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassForecast {
    /// The class.
    pub name: String,
    /// Its latencies, in the order of [`LATENCIES`].
    #[serde(flatten, with = "keyed::latencies")]
    pub latencies: [Option<Estimate>; LATENCIES.len()],
}

/// What a sweep's rows leave out: it would make a file of a thousand points unwieldy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[serde(expecting = "struct Detail")]
pub struct ForecastDetail {
    /// The latencies of all replications, if they were asked for and mean something: shares of tasks (0 to 1, rising), and the seconds
    /// that they do not exceed.
    #[serde(serialize_with = "keyed::one_line")]
    pub latency_quantiles: Option<Vec<(f64, f64)>>,
    /// The course of replication 0, if it was asked for.
    pub over_time: Option<OverTime>,
    /// Who ran when in the part of it in which most happens, if that was asked for.
    pub timeline: Option<Timeline>,
    /// Whether the forecast is a row of a sweep, which has none of this.
    #[serde(skip)]
    pub left_out: bool,
}

impl ForecastDetail {
    fn is_left_out(&self) -> bool {
        self.left_out
    }
}

/// The course of replication 0, in equal bins of simulated time: means over each bin, but for `memory_peak_bytes`. In no more digits than can
/// be seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OverTime {
    /// Length of a bin in seconds.
    pub bin_s: f64,
    /// Memory in use.
    #[serde(serialize_with = "keyed::one_line")]
    pub memory_mean_bytes: Vec<f64>,
    /// Most memory in use within the bin.
    #[serde(serialize_with = "keyed::one_line")]
    pub memory_peak_bytes: Vec<f64>,
    /// Busy share of all cores.
    #[serde(serialize_with = "keyed::one_line")]
    pub utilization_share: Vec<f64>,
    /// Share in which some GIL was held.
    #[serde(serialize_with = "keyed::one_line")]
    pub gil_held_share: Vec<f64>,
    /// Threads ready to run without a core.
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

/// What is forecast of one case: a strategy on an interpreter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// The strategy in its short form.
    pub strategy: String,
    /// The interpreter's name.
    pub interpreter: String,
    /// Place, 1 is best; tied cases share the better one's. `None` unless [`Status::Fine`].
    pub rank: Option<u32>,
    /// Whether another case has the same rank.
    pub tied: bool,
    /// Whether the numbers can be taken as they are.
    pub status: Status,
    /// How it stands before its metric counts.
    #[serde(default)]
    pub tier: Tier,
    /// How far it is over the objective that it misses by most, as a share of the bound (see [`excess`](super::excess)).
    #[serde(rename = "excess_share", default, skip_deserializing)]
    pub excess: f64,
    /// Whether the program itself added it to the comparison.
    #[serde(default)]
    pub added: bool,
    /// Start of the time that counts.
    #[serde(rename = "warmup_s", default, with = "seconds")]
    pub warmup: Nanos,
    /// What that start rests on.
    #[serde(rename = "warmup", default)]
    pub begins: CountingStart,
    /// Whether it is compared with the best replication by replication: both count the same tasks. Otherwise their means are compared.
    #[serde(default)]
    pub paired: bool,
    /// Replications that were simulated.
    pub replications: u32,
    /// Simulated events in all replications.
    #[serde(rename = "simulated_events")]
    pub events: u64,
    /// The metric that the study ranks by.
    #[serde(flatten)]
    pub ranked: Ranked,
    /// How many times better than the sequential baseline.
    pub speedup: Option<Estimate>,
    /// What that means.
    #[serde(rename = "speedup_reading")]
    pub reading: Option<SpeedupVerdict>,
    /// The estimates, indexed by `Quantity as usize`; `None` where there is nothing that means anything.
    #[serde(rename = "estimates", with = "keyed::quantities")]
    pub values: [Option<Estimate>; Quantity::COUNT],
    /// Mean share of task time by cause (index = `Cause as usize`).
    #[serde(rename = "time_by_cause", with = "keyed::causes")]
    pub causes: [f64; CAUSES],
    /// Mean share of the children's time by cause, where tasks have children; `None` too where they use queues besides, so that what
    /// they wait for under [`Cause::Queue`](crate::strategy::Cause::Queue) may be either.
    #[serde(
        rename = "children_time_by_cause",
        default,
        with = "keyed::some_causes"
    )]
    pub children: Option<[f64; CAUSES]>,
    /// Mean busy share of each core.
    #[serde(rename = "core_busy_shares", default)]
    pub cores: Vec<f64>,
    /// Each class of the workload.
    #[serde(default)]
    pub classes: Vec<ClassForecast>,
    /// The objectives, in their order.
    #[serde(default)]
    pub objectives: Vec<Judgement>,
    /// What went wrong; of a later version's result what this one knows.
    #[serde(default, deserialize_with = "keyed::known")]
    pub findings: Vec<CountedFinding>,
    /// What rows of sweeps leave out.
    #[serde(flatten, skip_serializing_if = "ForecastDetail::is_left_out")]
    pub detail: ForecastDetail,
    /// Why the interpreter cannot do it; not written to files: `None` in a result that was read back.
    #[serde(skip)]
    pub refusal: Option<String>,
}

impl Forecast {
    /// The estimate of a quantity.
    #[must_use]
    pub fn get(&self, q: Quantity) -> Option<Estimate> {
        self.values[q as usize]
    }

    /// The metric that the study ranks by; `None` where the case has none.
    #[must_use]
    pub fn primary(&self) -> Option<Estimate> {
        self.ranked.value
    }

    /// The metric's difference from that of the first place.
    #[must_use]
    pub fn behind_best(&self) -> Option<Estimate> {
        self.ranked.behind_best
    }

    /// Whether its numbers can be taken as they are.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.status == Status::Fine
    }

    /// Whether its strategy is so; not of one that only a later version knows.
    #[must_use]
    pub fn is(&self, so: impl Fn(&Strategy) -> bool) -> bool {
        self.known_strategy().is_some_and(|s| so(&s))
    }

    /// Its strategy; `None` of one that only a later version knows.
    #[must_use]
    pub fn known_strategy(&self) -> Option<Strategy> {
        parse_strategy(&self.strategy).ok().map(|s| s.strategy)
    }

    /// Strategy and interpreter.
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
