//! Folds the replications of a case into its forecast.

use super::cases::Case;
use super::sample::Sample;
use super::track::CaseTrack;
use super::windows::{over_windows, recovery};
use crate::cpython::profile::Profile;
use crate::measure::Estimate;
use crate::quantity::{LATENCIES, Quantity, Unit};
use crate::result::{
    ClassForecast, CountedFinding, Forecast, ForecastDetail, Judgement, Ranked, Status, Tier,
    Verdict,
};
use crate::scenario::{Metric, Objective, Scenario, strategy_label};
use crate::strategy::{CAUSES, Finding, FindingKind};

impl Forecast {
    /// Folds the replications of a case. Whether it is `saturated` is decided by the caller, who knows the arrivals.
    pub(super) fn of(
        case: &Case,
        scenario: &Scenario,
        primary: Metric,
        profiles: &[Profile],
        track: &CaseTrack,
        saturated: bool,
    ) -> Self {
        let CaseTrack {
            samples,
            refused,
            start,
            begins,
            ..
        } = track;
        let findings = collect_findings(samples);
        let (status, refusal) = status_of(&findings, samples, refused.as_ref(), saturated);
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
            Some(e) if scenario.workload.can_fail() => Some(rare(e, samples).within(0.0, 1.0)),
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
        let width = scenario.windows_used().filter(|_| steady);
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
            let value = if o.metric == Metric::FailureRate {
                rarely(value)
            } else {
                value
            };
            Judgement {
                recovery: width.and_then(|w| recovery(samples, i, w)),
                ..judge(o, value)
            }
        });
        let windows = width.and_then(|w| over_windows(samples, w, *start));
        let children: [f64; CAUSES] = std::array::from_fn(|c| mean_of(samples, |s| s.children[c]));
        let told = usable && scenario.workload.queues.is_empty();
        Self {
            children: Some(children).filter(|c| told && c.iter().sum::<f64>() > 0.0),
            strategy: strategy_label(&case.strategy),
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
            ranked: Ranked {
                unit: primary.unit(),
                value: steady
                    .then(|| column(primary.unit(), &|s: &Sample| s.primary))
                    .flatten(),
                behind_best: None,
            },
            speedup: None,
            reading: None,
            objectives: objectives.collect(),
            findings,
            events: samples.iter().map(|s| s.events).sum(),
            detail: ForecastDetail {
                windows,
                ..ForecastDetail::default()
            },
            refusal,
            status,
        }
    }
}

/// Whether a quantity depends on how long a run without steady state is, and so is meaningless there.
fn depends_on_length(q: Quantity) -> bool {
    LATENCIES.contains(&q)
        || matches!(
            q,
            Quantity::Makespan | Quantity::Closed | Quantity::InFlight
        )
}

/// The estimate of a quantity from its values; `None` if some replication has no value.
fn estimate(values: impl Iterator<Item = f64>, control: &[f64]) -> Option<Estimate> {
    let values: Vec<f64> = values.collect();
    if values.iter().any(|v| v.is_nan()) {
        None
    } else {
        Estimate::controlled(&values, control)
    }
}

/// Widens the estimate of a share of failing tasks of which hardly any was seen: replications without failures show that they are alike,
/// not that there are none. If none was seen in all tasks, up to three are possible at 95 % (the rule of three).
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
    e.with_half(e.half().map(|h| h.max(3.0 / all)))
}

/// The control variate for quantities of this unit: excess demand moves times and rates, while shares and counts could leave their range.
pub(super) fn controls(unit: Unit, control: &[f64]) -> &[f64] {
    match unit {
        Unit::Seconds | Unit::PerSecond => control,
        Unit::Share | Unit::Bytes | Unit::Count => &[],
    }
}

fn mean_of(samples: &[Sample], get: impl Fn(&Sample) -> f64) -> f64 {
    samples.iter().map(get).sum::<f64>() / samples.len().max(1) as f64
}

/// The status of a case and, if the interpreter cannot do what it needs, the reason.
fn status_of(
    findings: &[CountedFinding],
    samples: &[Sample],
    refused: Option<&String>,
    saturated: bool,
) -> (Status, Option<String>) {
    let ends = findings.iter().find_map(|f| match &f.finding {
        Finding::Unsupported { reason } => Some((Status::Unsupported, Some(reason.clone()))),
        Finding::OutOfMemory { .. } => Some((Status::OutOfMemory, None)),
        Finding::Deadlock { .. } => Some((Status::Deadlock, None)),
        Finding::EventLimit { .. } => Some((Status::EventLimit, None)),
        Finding::ClockEnd { .. } => Some((Status::ClockEnd, None)),
        Finding::ProgramCrashed { .. } => Some((Status::Crashed, None)),
        Finding::BlockedLoop { .. }
        | Finding::Convoy { .. }
        | Finding::ContendedObject { .. }
        | Finding::ScarceResource { .. }
        | Finding::BusyDevice { .. }
        | Finding::FutileWakeups { .. }
        | Finding::Rejections { .. }
        | Finding::FullBacklog { .. }
        | Finding::KilledWorkers { .. }
        | Finding::CrashedWorkers { .. }
        | Finding::BrokenPool { .. }
        | Finding::LostTasks { .. }
        | Finding::LostMachines { .. }
        | Finding::Restarts { .. }
        | Finding::MissedFault { .. }
        | Finding::MemoryKills { .. } => None,
    });
    let nothing = |s: &Sample| s.values[Quantity::LatencyMean as usize].is_nan();
    match (refused, ends) {
        (Some(why), _) => (Status::Unsupported, Some(why.clone())),
        (None, Some(ends)) => ends,
        (None, None) if saturated => (Status::Saturated, None),
        (None, None) if samples.iter().any(nothing) => (Status::NothingCompleted, None),
        (None, None) => (Status::Fine, None),
    }
}

fn collect_findings(samples: &[Sample]) -> Vec<CountedFinding> {
    let mut found: Vec<CountedFinding> = Vec::new();
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
                None => found.push(CountedFinding {
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

/// Judges an objective by the interval of its value.
pub(crate) fn judge(o: &Objective, value: Option<Estimate>) -> Judgement {
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
        recovery: None,
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
        let v = |mean, half| Some(Estimate::new(mean, Some(half), mean, 10));
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
}
