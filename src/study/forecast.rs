//! What is forecast of one case: estimates over replications, shares by cause, findings, objectives, speed-up.

use super::cases::Case;
use super::course::Track;
use super::quantity::{LATENCIES, Quantity, Unit};
use super::ranking::TIE;
use super::sample::Sample;
use super::standing::Tier;
use crate::cpython::profile::Profile;
use crate::cpython::recording::{OverTime, Recording};
use crate::engine::Nanos;
use crate::measure::Estimate;
use crate::scenario::{Metric, Objective, Scenario, Strategy, parse_objective, strategy_label};
use crate::strategy::{CAUSES, Cause, Finding, FindingKind};

/// Whether a case's numbers can be taken as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Yes.
    Fine,
    /// Tasks arrive faster than they are done: no steady state, so no latencies.
    Saturated,
    /// Some replication ran out of memory: no numbers.
    OutOfMemory,
    /// Some replication deadlocked: no numbers.
    Deadlock,
    /// Some replication was stopped at its limit of events: no numbers.
    EventLimit,
    /// Some replication took longer than the clock can tell: no numbers.
    ClockEnd,
    /// In some replication no task ended (after the warm-up): no latencies.
    NothingCompleted,
    /// The interpreter cannot do it, for this reason: nothing was simulated.
    Unsupported(String),
}

impl Status {
    /// Name in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Saturated => "saturated",
            Self::OutOfMemory => "out of memory",
            Self::Deadlock => "deadlock",
            Self::EventLimit => "event limit",
            Self::ClockEnd => "clock end",
            Self::NothingCompleted => "nothing completed",
            Self::Unsupported(_) => "unsupported",
        }
    }
}

/// What the start of the time that counts rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Everything counts: a run from start to end.
    Whole,
    /// The scenario's `warmup`.
    Given,
    /// The same, but that half the run was over before.
    CutShort,
    /// The end of the warm-up was found.
    Found,
    /// The run was too short to find it.
    Uncertain,
}

impl Begin {
    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "none",
            Self::Given => "given",
            Self::CutShort => "cut short",
            Self::Found => "found",
            Self::Uncertain => "uncertain",
        }
    }
}

/// Whether an objective is met, at 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval is on the right side of the bound.
    Met,
    /// The whole interval is on the wrong side.
    Missed,
    /// The bound lies within the interval.
    Undecided,
}

impl Verdict {
    /// Name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Undecided => "undecided",
        }
    }
}

/// An objective held against a case. Cases that are not [`Status::Fine`] miss every objective that has no value.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The objective as it was written.
    pub text: String,
    /// See [`Verdict`].
    pub verdict: Verdict,
    /// The metric's value, in its own unit.
    pub value: Option<Estimate>,
    /// The bound.
    pub bound: f64,
}

impl Judgement {
    /// What the objective is about.
    pub fn metric(&self) -> Option<Metric> {
        parse_objective(&self.text).ok().map(|o| o.metric)
    }
}

/// What a speed-up against the sequential baseline means in practice (the project's reading).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Below 1.0 (by more than what counts as a tie).
    Slower,
    /// Up to 1.2.
    NotWorthIt,
    /// 1.2 to 2.0.
    Consider,
    /// Above 2.0.
    Clear,
}

impl Reading {
    /// The reading of a speed-up.
    pub fn of(speedup: f64) -> Self {
        match speedup {
            s if s < 1.0 - TIE => Self::Slower,
            s if s < 1.2 => Self::NotWorthIt,
            s if s <= 2.0 => Self::Consider,
            _ => Self::Clear,
        }
    }

    /// In words.
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
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its first instance (of blocked loops: the longest).
    pub finding: Finding,
    /// Replications in which one of its kind was made.
    pub replications: u32,
}

/// What is forecast of one class of tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassForecast {
    /// The class.
    pub name: String,
    /// Its latencies, in the order of [`LATENCIES`].
    pub latencies: [Option<Estimate>; LATENCIES.len()],
}

/// What is forecast of one case.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// The strategy in one line.
    pub strategy_label: String,
    /// The strategy.
    pub strategy: Strategy,
    /// The interpreter's name.
    pub interpreter: String,
    /// Whether the numbers can be taken as they are.
    pub status: Status,
    /// Replications that were simulated.
    pub replications: u32,
    /// Place, 1 is best; tied cases share the better one's. `None` unless [`Status::Fine`].
    pub rank: Option<u32>,
    /// Whether another case has the same rank.
    pub tied: bool,
    /// How it stands before its metric counts.
    pub tier: Tier,
    /// How far it is over the objective that it misses by most, as a share of the bound (see [`excess`](super::excess)).
    pub excess: f64,
    /// Whether the program itself added it to the comparison.
    pub added: bool,
    /// Start of the time that counts.
    pub warmup: Nanos,
    /// What that start rests on.
    pub begins: Begin,
    /// Whether it is compared with the best replication by replication: both count the same tasks. Otherwise their means are compared.
    pub paired: bool,
    /// The estimates, indexed by `Quantity as usize`; `None` where there is nothing that means anything.
    pub values: [Option<Estimate>; Quantity::COUNT],
    /// Each class of the workload.
    pub classes: Vec<ClassForecast>,
    /// Mean share of task time by cause (index = `Cause as usize`).
    pub causes: [f64; CAUSES],
    /// Mean share of the children's time by cause, where tasks have children; `None` too where they use queues besides, so that what
    /// they wait for under [`Cause::Queue`] may be either.
    pub children: Option<[f64; CAUSES]>,
    /// Mean busy share of each core.
    pub cores: Vec<f64>,
    /// The metric that the study ranks by.
    pub primary: Option<Estimate>,
    /// The metric's difference from that of the first place.
    pub behind_best: Option<Estimate>,
    /// How many times better than the sequential baseline.
    pub speedup: Option<Estimate>,
    /// The objectives, in their order.
    pub objectives: Vec<Judgement>,
    /// What went wrong.
    pub findings: Vec<Found>,
    /// Simulated events in all replications.
    pub events: u64,
    /// The latencies of all replications, if they were asked for and mean something: shares of tasks (0 to 1, rising), and the seconds
    /// that they do not exceed.
    pub latency_quantiles: Option<Vec<(f64, f64)>>,
    /// The course of replication 0, if it was asked for ([`follow`](super::follow())).
    pub over_time: Option<OverTime>,
    /// Who ran when in the first part of the same, if that was asked for.
    pub recording: Option<Recording>,
}

impl Forecast {
    /// The estimate of a quantity.
    pub fn get(&self, q: Quantity) -> Option<Estimate> {
        self.values[q as usize]
    }

    /// The causes with a share of at least `least`, largest first.
    pub fn main_causes(&self, least: f64) -> Vec<(Cause, f64)> {
        let mut all: Vec<(Cause, f64)> = Cause::ALL
            .into_iter()
            .map(|c| (c, self.causes[c as usize]))
            .filter(|&(_, s)| s >= least)
            .collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all
    }

    /// What the speed-up means; `None` where there is none.
    pub fn reading(&self) -> Option<Reading> {
        self.speedup.map(|s| Reading::of(s.mean))
    }

    /// Strategy and interpreter.
    pub fn name(&self) -> String {
        format!("{} on {}", self.strategy_label, self.interpreter)
    }

    /// Folds a case's replications. `saturated` is decided by who knows the arrivals.
    pub(super) fn new(
        case: &Case,
        scenario: &Scenario,
        primary: Metric,
        profiles: &[Profile],
        track: &Track,
        saturated: bool,
    ) -> Self {
        let Track {
            samples,
            refused,
            start,
            begins,
            ..
        } = track;
        let findings = collect_findings(samples);
        let status = status_of(&findings, samples, refused.as_ref(), saturated);
        let usable = !samples.is_empty()
            && matches!(
                status,
                Status::Fine | Status::Saturated | Status::NothingCompleted
            );
        let control: Vec<f64> = samples.iter().map(|s| s.control).collect();
        let column = |unit: Unit, get: &dyn Fn(&Sample) -> f64| {
            estimate(samples.iter().map(get), controls(unit, &control))
        };
        let rarely = |e: Option<Estimate>| match e {
            Some(e) if scenario.workload.can_fail() => Some(rare(e, samples)),
            other => other,
        };
        let values = Quantity::ALL.map(|q| {
            let meaningful = usable && !(status == Status::Saturated && depends_on_length(q));
            if !meaningful {
                return None;
            }
            let e = column(q.unit(), &|s: &Sample| s.values[q as usize]);
            if q == Quantity::FailureRate {
                rarely(e)
            } else {
                e
            }
        });
        let steady = status == Status::Fine && usable;
        let classes = scenario
            .workload
            .classes
            .iter()
            .enumerate()
            .map(|(i, c)| ClassForecast {
                name: c.name.clone(),
                latencies: std::array::from_fn(|l| {
                    let of = |s: &Sample| s.classes.get(i).map_or(f64::NAN, |v| v[l]);
                    if steady {
                        column(Unit::Seconds, &of)
                    } else {
                        None
                    }
                }),
            });
        let objectives = scenario.objectives.iter().enumerate().map(|(i, o)| {
            let value = |s: &Sample| s.objectives.get(i).copied().unwrap_or(f64::NAN);
            let value = steady.then(|| column(o.metric.unit(), &value)).flatten();
            judge(
                o,
                if o.metric == Metric::FailureRate {
                    rarely(value)
                } else {
                    value
                },
            )
        });
        let children: [f64; CAUSES] = std::array::from_fn(|c| mean_of(samples, |s| s.children[c]));
        let told = usable && scenario.workload.queues.is_empty();
        Self {
            children: Some(children).filter(|c| told && c.iter().sum::<f64>() > 0.0),
            strategy_label: strategy_label(&case.strategy),
            strategy: case.strategy.clone(),
            interpreter: profiles[case.profile].name.clone(),
            replications: u32::try_from(samples.len()).unwrap_or(u32::MAX),
            rank: None,
            tied: false,
            tier: Tier::NoForecast,
            excess: 0.0,
            added: case.added,
            warmup: *start,
            begins: *begins,
            paired: false,
            values,
            classes: classes.collect(),
            causes: std::array::from_fn(|c| {
                if usable {
                    mean_of(samples, |s| s.causes[c])
                } else {
                    0.0
                }
            }),
            cores: (0..samples.first().map_or(0, |s| s.cores.len()))
                .map(|c| mean_of(samples, |s| s.cores.get(c).copied().unwrap_or(0.0)))
                .collect(),
            primary: if steady {
                column(primary.unit(), &|s: &Sample| s.primary)
            } else {
                None
            },
            behind_best: None,
            speedup: None,
            objectives: objectives.collect(),
            findings,
            events: samples.iter().map(|s| s.events).sum(),
            latency_quantiles: None,
            over_time: None,
            recording: None,
            status,
        }
    }
}

/// Quantities that depend on how long an unsteady run is, and so mean nothing.
fn depends_on_length(q: Quantity) -> bool {
    LATENCIES.contains(&q)
        || matches!(
            q,
            Quantity::Makespan | Quantity::Closed | Quantity::InFlight
        )
}

/// The estimate of a column; `None` if some replication has no value.
fn estimate(values: impl Iterator<Item = f64>, control: &[f64]) -> Option<Estimate> {
    let values: Vec<f64> = values.collect();
    if values.iter().any(|v| v.is_nan()) {
        None
    } else {
        Estimate::controlled(&values, control)
    }
}

/// A share of failing tasks of which hardly any was seen: replications that all have none say that they are alike, not that there are none. Up
/// to three in all tasks are possible at 95 % where none was seen (the rule of three).
fn rare(e: Estimate, samples: &[Sample]) -> Estimate {
    const FEW_SEEN: f64 = 10.0;
    let ended = |s: &Sample| {
        [Quantity::Completed, Quantity::Failed, Quantity::TimedOut]
            .map(|q| s.values[q as usize])
            .iter()
            .sum::<f64>()
    };
    let all: f64 = samples.iter().map(ended).sum();
    if all <= 0.0 || e.mean * all >= FEW_SEEN {
        return e;
    }
    Estimate {
        half: e.half.map(|h| h.max(3.0 / all)),
        ..e
    }
}

/// The control of quantities of this unit: what is demanded moves times and rates, while shares and counts could leave their range.
pub(super) fn controls(unit: Unit, control: &[f64]) -> &[f64] {
    match unit {
        Unit::Seconds | Unit::PerSecond => control,
        Unit::Share | Unit::Bytes | Unit::Count => &[],
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of replications")]
fn mean_of(samples: &[Sample], get: impl Fn(&Sample) -> f64) -> f64 {
    samples.iter().map(get).sum::<f64>() / samples.len().max(1) as f64
}

fn status_of(
    findings: &[Found],
    samples: &[Sample],
    refused: Option<&String>,
    saturated: bool,
) -> Status {
    if let Some(why) = refused {
        return Status::Unsupported(why.clone());
    }
    for f in findings {
        match &f.finding {
            Finding::Unsupported(why) => return Status::Unsupported(why.clone()),
            Finding::OutOfMemory { .. } => return Status::OutOfMemory,
            Finding::Deadlock { .. } => return Status::Deadlock,
            Finding::EventLimit { .. } => return Status::EventLimit,
            Finding::ClockEnd { .. } => return Status::ClockEnd,
            Finding::BlockedLoop { .. }
            | Finding::Convoy { .. }
            | Finding::ContendedObject { .. }
            | Finding::FutileWakeups { .. } => {}
        }
    }
    if saturated {
        return Status::Saturated;
    }
    let nothing = |s: &Sample| s.values[Quantity::LatencyMean as usize].is_nan();
    if samples.iter().any(nothing) {
        return Status::NothingCompleted;
    }
    Status::Fine
}

fn collect_findings(samples: &[Sample]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for s in samples {
        let mut seen: Vec<FindingKind> = Vec::new();
        for f in &s.findings {
            let kind = f.kind();
            let first_here = !seen.contains(&kind);
            seen.push(kind);
            match found.iter_mut().find(|k| k.finding.kind() == kind) {
                Some(known) => {
                    known.replications += u32::from(first_here);
                    if f.is_worse_than(&known.finding) {
                        known.finding = f.clone();
                    }
                }
                None => found.push(Found {
                    finding: f.clone(),
                    replications: 1,
                }),
            }
        }
    }
    for known in &mut found {
        known
            .finding
            .average(samples.iter().flat_map(|s| &s.findings));
    }
    found
}

/// The objective held against its value.
pub(super) fn judge(o: &Objective, value: Option<Estimate>) -> Judgement {
    let verdict = match value {
        None => Verdict::Missed,
        Some(v) if o.below && v.high() < o.bound || !o.below && v.low() > o.bound => Verdict::Met,
        Some(v) if o.below && v.low() >= o.bound || !o.below && v.high() <= o.bound => {
            Verdict::Missed
        }
        Some(_) => Verdict::Undecided,
    };
    Judgement {
        text: o.text.clone(),
        verdict,
        value,
        bound: o.bound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objective(below: bool) -> Objective {
        Objective {
            text: "p95 < 200ms".into(),
            metric: Metric::Percentile(95.0),
            below,
            bound: 0.2,
        }
    }

    #[test]
    fn objectives_are_judged_by_the_interval() {
        let v = |mean, half| {
            Some(Estimate {
                mean,
                half: Some(half),
                median: mean,
                n: 10,
            })
        };
        assert_eq!(judge(&objective(true), v(0.1, 0.05)).verdict, Verdict::Met);
        assert_eq!(
            judge(&objective(true), v(0.18, 0.05)).verdict,
            Verdict::Undecided
        );
        assert_eq!(
            judge(&objective(true), v(0.3, 0.05)).verdict,
            Verdict::Missed
        );
        assert_eq!(judge(&objective(false), v(0.3, 0.05)).verdict, Verdict::Met);
        assert_eq!(
            judge(&objective(false), v(0.1, 0.05)).verdict,
            Verdict::Missed
        );
        assert_eq!(judge(&objective(true), None).verdict, Verdict::Missed);
    }

    #[test]
    fn readings() {
        assert_eq!(
            [0.9, 0.999, 1.0, 1.2, 2.0, 2.1].map(Reading::of),
            [
                Reading::Slower,
                Reading::NotWorthIt,
                Reading::NotWorthIt,
                Reading::Consider,
                Reading::Consider,
                Reading::Clear
            ]
        );
    }
}
