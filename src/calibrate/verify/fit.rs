//! The workload that is verified: the scenario's, scaled, its arrivals laid down, with an end.

use super::table::class;
use crate::engine::{Nanos, Role, stream, unit};
use crate::scenario::{Arrivals, Dist, Releases, Scenario, Step, TracedTask, Workload};

/// The scenario's workload with every time of it multiplied by `scale`: steps, time-outs, back-offs, and the times between
/// arrivals and of thinking, so that the load stays what it is. Overheads and imports stay what they are. Random arrivals
/// become the recorded ones of replication 0. What is left out is said.
///
/// # Errors
/// When arrivals go on without an end.
pub fn fit(scenario: &Scenario, scale: f64) -> Result<(Workload, Vec<String>), String> {
    let mut notes = Vec::new();
    let mut w = scenario.workload.clone();
    w.arrivals = scaled_arrivals(&w.arrivals, scale);
    for class in &mut w.classes {
        class.steps = scaled_steps(&class.steps, scale);
    }
    let horizon = scenario.horizon.map(|h| h.scale(scale));
    if let Arrivals::Open { interval, count } = &w.arrivals {
        w.arrivals = Arrivals::Trace(laid_down(scenario, &w, interval, *count, horizon)?);
    } else if let (Arrivals::Trace(tasks), Some(h)) = (&mut w.arrivals, horizon) {
        tasks.retain(|t| t.at <= h);
    }
    if horizon.is_some() {
        notes.push(
            "tasks that arrive before the scenario's horizon are run to their end, and count"
                .into(),
        );
    }
    if scenario.warmup.is_some() {
        notes.push("all tasks count, also those of the scenario's warm-up".into());
    }
    if scale != 1.0 {
        notes.push(format!(
            "times of the workload are multiplied by {scale} (--scale); overheads are not"
        ));
        let largest = w.classes.iter().map(|c| largest_block(&c.steps)).max();
        if let Some(bytes) = largest.filter(|b| scale < 1.0 && *b >= LARGE) {
            notes.push(format!(
                "working memory and payloads are really written, which --scale does not shorten: up to {:.0} ms of a step here, \
                 and none of it in the forecast",
                bytes as f64 * WRITE_NS_PER_BYTE / 1e6
            ));
        }
    }
    Ok((w, notes))
}

/// From this size on, writing a block takes long enough to be told.
const LARGE: u64 = 4_000_000;
/// Writing fresh memory: its pages are faulted in one by one. As seen on a server; only for the note.
const WRITE_NS_PER_BYTE: f64 = 0.4;

/// The largest block of memory that a step writes.
fn largest_block(steps: &[Step]) -> u64 {
    steps
        .iter()
        .map(|step| match step {
            Step::PayloadIn(n) | Step::PayloadOut(n) => *n,
            Step::Hold(n, inner) => (*n).max(largest_block(inner)),
            Step::Lock(_, inner)
            | Step::Timeout(_, inner)
            | Step::Repeat(_, inner)
            | Step::FanOut { steps: inner, .. }
            | Step::Retry { steps: inner, .. } => largest_block(inner),
            _ => 0,
        })
        .max()
        .unwrap_or(0)
}

fn laid_down(
    scenario: &Scenario,
    w: &Workload,
    interval: &Dist,
    count: Option<u64>,
    horizon: Option<Nanos>,
) -> Result<Vec<TracedTask>, String> {
    const MOST: usize = 2_000_000;
    let mut intervals = stream(scenario.seed, 0, Role::Arrivals);
    let mut classes = stream(scenario.seed, 0, Role::Classes);
    let mut tasks = Vec::new();
    let mut at = Nanos::ZERO;
    while count.is_none_or(|n| (tasks.len() as u64) < n) {
        at += interval.sample(&mut intervals);
        if horizon.is_some_and(|h| at > h) {
            break;
        }
        if tasks.len() >= MOST {
            return Err(format!(
                "more than {MOST} tasks arrive, more than a program runs; make `count` smaller with --set workload.arrivals.count=1000"
            ));
        }
        let class = class(&w.classes, || unit(&mut classes));
        tasks.push(TracedTask {
            at,
            class,
            demands: Vec::new(),
        });
    }
    Ok(tasks)
}

fn scaled_arrivals(arrivals: &Arrivals, by: f64) -> Arrivals {
    match arrivals {
        Arrivals::Batch => Arrivals::Batch,
        Arrivals::Open { interval, count } => Arrivals::Open {
            interval: scaled(interval, by),
            count: *count,
        },
        Arrivals::Trace(tasks) => Arrivals::Trace(
            tasks
                .iter()
                .map(|t| TracedTask {
                    at: t.at.scale(by),
                    class: t.class,
                    demands: t.demands.iter().map(|d| d.scale(by)).collect(),
                })
                .collect(),
        ),
        Arrivals::Closed {
            users,
            think,
            count,
        } => Arrivals::Closed {
            users: *users,
            think: scaled(think, by),
            count: *count,
        },
    }
}

fn scaled_steps(steps: &[Step], by: f64) -> Vec<Step> {
    let all = |steps: &[Step]| scaled_steps(steps, by);
    steps
        .iter()
        .map(|step| match step {
            Step::Cpu(d) => Step::Cpu(scaled(d, by)),
            Step::Releasing(d, releases) => scaled_releasing(d, *releases, by),
            Step::Native(d) => Step::Native(scaled(d, by)),
            Step::Io(d) => Step::Io(scaled(d, by)),
            Step::Lock(lock, inner) => Step::Lock(*lock, all(inner)),
            Step::FanOut { count, steps } => Step::FanOut {
                count: *count,
                steps: all(steps),
            },
            Step::Hold(bytes, inner) => Step::Hold(*bytes, all(inner)),
            Step::Timeout(after, inner) => Step::Timeout(after.scale(by), all(inner)),
            Step::Retry {
                attempts,
                backoff,
                steps,
            } => Step::Retry {
                attempts: *attempts,
                backoff: backoff.scale(by),
                steps: all(steps),
            },
            Step::Repeat(times, inner) => Step::Repeat(*times, all(inner)),
            other => other.clone(),
        })
        .collect()
}

/// A shorter step gives the GIL up less often, not for a shorter time.
fn scaled_releasing(time: &Dist, releases: Releases, by: f64) -> Step {
    let mean = time.mean();
    let time = scaled(time, by);
    let count = releases.within(Nanos::from_f64(time.mean()), mean);
    if count == 0 {
        return Step::Cpu(time);
    }
    Step::Releasing(time, Releases { count, ..releases })
}

fn scaled(dist: &Dist, by: f64) -> Dist {
    let t = |t: &Nanos| t.scale(by);
    match dist {
        Dist::Constant(a) => Dist::Constant(t(a)),
        Dist::Uniform(a, b) => Dist::Uniform(t(a), t(b)),
        Dist::Exponential(mean) => Dist::Exponential(t(mean)),
        Dist::Normal(mean, sd) => Dist::Normal(t(mean), t(sd)),
        Dist::LogNormal { median, p99 } => Dist::LogNormal {
            median: t(median),
            p99: t(p99),
        },
        Dist::Gamma { mean, cv } => Dist::Gamma {
            mean: t(mean),
            cv: *cv,
        },
        Dist::Weibull { scale, shape } => Dist::Weibull {
            scale: t(scale),
            shape: *shape,
        },
        Dist::Pareto { least, shape } => Dist::Pareto {
            least: t(least),
            shape: *shape,
        },
        Dist::Empirical(values) => Dist::Empirical(values.iter().map(t).collect()),
    }
}

/// Whether some native step is drawn: its blocks cannot be counted beforehand.
pub(super) fn native_is_drawn(w: &Workload) -> bool {
    fn any(steps: &[Step]) -> bool {
        steps.iter().any(|s| match s {
            Step::Native(d) => !matches!(d, Dist::Constant(_)),
            Step::Lock(_, inner)
            | Step::Hold(_, inner)
            | Step::Timeout(_, inner)
            | Step::Repeat(_, inner) => any(inner),
            Step::FanOut { steps, .. } | Step::Retry { steps, .. } => any(steps),
            _ => false,
        })
    }
    let recorded = matches!(&w.arrivals, Arrivals::Trace(tasks) if tasks.iter().any(|t| !t.demands.is_empty()));
    recorded || w.classes.iter().any(|c| any(&c.steps))
}
