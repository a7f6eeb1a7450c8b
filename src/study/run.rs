//! The run of a study: pilot, rounds of replications spread over threads, folding in a fixed order.

use std::fmt::{Display, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::cases::{Case, cases};
use super::forecast::{Forecast, Status};
use super::interpreter::Interpreter;
use super::options::{Options, Progress, StudyError, is_steady};
use super::ranking::rank;
use super::sample::{Reduction, Sample};
use super::steady::{Warmup, saturated, warmup};
use super::warning::Warning;
use crate::cpython::profile::Profile;
use crate::engine::Nanos;
use crate::measure::Estimate;
use crate::scenario::{Arrivals, MachineSpec, Metric, Scenario, Strategy};
use crate::strategy::{Outcome, SimInput};

/// A comparison of strategies on one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// The scenario's name.
    pub name: String,
    /// The question that it answers; may be empty.
    pub question: String,
    /// Names the scenario's content (every override included): equal fingerprints, equal scenarios.
    pub fingerprint: String,
    /// Master seed.
    pub seed: u64,
    /// The simulated computer.
    pub machine: MachineSpec,
    /// The interpreters, in the order of the scenario.
    pub interpreters: Vec<Interpreter>,
    /// What the cases are ranked by.
    pub metric: Metric,
    /// Whether the workload was studied in its steady state.
    pub steady: bool,
    /// Whether all tasks arrive at once.
    pub batch: bool,
    /// Precision asked for (relative half-width of the metric's interval).
    pub precision: f64,
    /// Start of the time that counts (steady workloads).
    pub warmup: Nanos,
    /// Every case, best first.
    pub forecasts: Vec<Forecast>,
    /// The sequential baseline, if it was simulated only to be compared with.
    pub hidden_baseline: Option<Forecast>,
    /// Name of the case that speed-ups are against.
    pub baseline: Option<String>,
    /// What a reader must know.
    pub warnings: Vec<Warning>,
}

/// Simulates every case of the scenario until each is known precisely enough. `profiles` are those of `scenario.interpreters`,
/// in the same order. The result does not depend on the number of threads.
pub fn run_study<S, E>(
    scenario: &Scenario,
    profiles: &[Profile],
    options: &Options,
    simulate: S,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Study, StudyError>
where
    S: Fn(&SimInput<'_>) -> Result<Outcome, E> + Sync,
    E: Display,
{
    let mut wanted = cases(scenario, profiles)?;
    let shown = wanted.len();
    let baseline = baseline_case(scenario, &mut wanted);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads.unwrap_or(0))
        .build()
        .map_err(|e| StudyError::Threads(e.to_string()))?;
    let simulate = |input: &SimInput<'_>| simulate(input).map_err(|e| e.to_string());
    let bench = Bench {
        scenario,
        profiles,
        machines: profiles
            .iter()
            .map(|p| p.machine(&scenario.machine))
            .collect(),
        options,
        simulate: &simulate,
        progress,
        counts: Counts::default(),
    };
    let (tracks, start) = pool.install(|| bench.run(wanted));
    Ok(conclude(
        scenario, profiles, options, &tracks, shown, baseline, start,
    ))
}

/// The case that speed-ups are against: sequential on the first interpreter that has it, added for batches (where it is cheap
/// and means something) if it is not among the cases.
fn baseline_case(scenario: &Scenario, wanted: &mut Vec<Case>) -> Option<usize> {
    let sequential = |c: &Case| c.strategy == Strategy::Sequential;
    let first = (0..wanted.len())
        .filter(|&i| sequential(&wanted[i]))
        .min_by_key(|&i| (wanted[i].profile, i));
    if first.is_none() && scenario.workload.arrivals == Arrivals::Batch {
        wanted.push(Case {
            strategy: Strategy::Sequential,
            profile: 0,
        });
        return Some(wanted.len() - 1);
    }
    first
}

/// A case under way.
struct Track {
    case: Case,
    samples: Vec<Sample>,
    refused: Option<String>,
    /// Replications to have.
    goal: u32,
    pilot: Option<Warmup>,
}

impl Track {
    /// Whether more replications would tell nothing.
    fn hopeless(&self) -> bool {
        self.refused.is_some() || self.samples.iter().any(|s| s.findings.iter().any(is_fatal))
    }
}

fn is_fatal(f: &crate::strategy::Finding) -> bool {
    !matches!(f, crate::strategy::Finding::BlockedLoop { .. })
}

#[derive(Default)]
struct Counts {
    done: AtomicU64,
    planned: AtomicU64,
}

type Simulated<T> = Result<T, String>;

struct Bench<'a, S> {
    scenario: &'a Scenario,
    profiles: &'a [Profile],
    /// The scenario's machine as each profile completes it.
    machines: Vec<MachineSpec>,
    options: &'a Options,
    simulate: &'a S,
    progress: &'a (dyn Fn(Progress) + Sync),
    counts: Counts,
}

/// What a pilot run tells.
struct Pilot {
    sample: Sample,
    warmup: Warmup,
}

impl<S: Fn(&SimInput<'_>) -> Simulated<Outcome> + Sync> Bench<'_, S> {
    fn run(&self, wanted: Vec<Case>) -> (Vec<Track>, Nanos) {
        let given = self.scenario.warmup;
        let start = given.unwrap_or(Nanos::ZERO);
        let mut tracks: Vec<Track> = wanted
            .into_iter()
            .map(|case| Track {
                case,
                samples: Vec::new(),
                refused: None,
                goal: 1,
                pilot: None,
            })
            .collect();
        let first: Vec<(usize, u32)> = (0..tracks.len()).map(|i| (i, 0)).collect();
        let pilots = self.spread(&tracks, &first, |case| self.pilot(case, start));
        let steady = is_steady(self.scenario) && given.is_none();
        for (track, pilot) in tracks.iter_mut().zip(pilots) {
            match pilot {
                Err(why) => track.refused = Some(why),
                Ok(p) => {
                    track.pilot = steady.then_some(p.warmup);
                    track.samples.push(p.sample);
                }
            }
        }
        let start = if steady {
            common_warmup(self.scenario, &tracks)
        } else {
            start
        };
        self.set_goals(&mut tracks);
        if steady && start > Nanos::ZERO {
            // The pilots counted their warm-up: replication 0 is simulated again without it. Hopeless cases keep theirs.
            tracks
                .iter_mut()
                .filter(|t| !t.hopeless())
                .for_each(|t| t.samples.clear());
        }
        while self.round(&mut tracks, start) {}
        (tracks, start)
    }

    /// Replications that every case has at the end of the next round, from the events of its pilot.
    fn set_goals(&self, tracks: &mut [Track]) {
        let fixed = self.options.replications.or(self.scenario.replications);
        let cases = tracks.len() as u64;
        for t in tracks {
            let events = t.samples.first().map_or(1, |s| s.events).max(1);
            let affordable =
                u32::try_from(self.options.event_budget / cases / events).unwrap_or(u32::MAX);
            let wanted = Options::first_replications(self.scenario);
            t.goal = fixed.unwrap_or_else(|| affordable.clamp(3, wanted)).max(1);
        }
    }

    /// Simulates what is missing to the goals, and sets new goals; `false` when every case is done.
    fn round(&self, tracks: &mut [Track], start: Nanos) -> bool {
        let jobs: Vec<(usize, u32)> = tracks
            .iter()
            .enumerate()
            .filter(|(_, t)| !t.hopeless())
            .flat_map(|(i, t)| {
                (u32::try_from(t.samples.len()).unwrap_or(u32::MAX)..t.goal).map(move |r| (i, r))
            })
            .collect();
        if jobs.is_empty() {
            return false;
        }
        let results = self.spread(tracks, &jobs, |job| {
            self.outcome(job, start).map(|o| self.reduce(&o, start))
        });
        for (&(i, _), result) in jobs.iter().zip(results) {
            match result {
                Ok(sample) => tracks[i].samples.push(sample),
                Err(why) => tracks[i].refused = Some(why),
            }
        }
        let cases = tracks.len() as u64;
        for t in tracks.iter_mut() {
            t.goal = self.next_goal(t, cases);
        }
        true
    }

    /// Replications after which the case should be precise enough, by the width so far; its own count if it is done.
    fn next_goal(&self, t: &Track, cases: u64) -> u32 {
        let have = u32::try_from(t.samples.len()).unwrap_or(u32::MAX);
        let fixed = self
            .options
            .replications
            .or(self.scenario.replications)
            .is_some();
        if fixed || t.hopeless() || saturated(self.scenario, &t.samples) {
            return have;
        }
        let primary: Vec<f64> = t.samples.iter().map(|s| s.primary).collect();
        let Some(relative) = Estimate::of(&primary).and_then(|e| e.relative()) else {
            return have;
        };
        if relative.is_nan() || relative <= self.options.precision {
            return have;
        }
        let spent: u64 = t.samples.iter().map(|s| s.events).sum();
        let each = (spent / u64::from(have.max(1))).max(1);
        let affordable =
            u32::try_from(self.options.event_budget / cases / each).unwrap_or(u32::MAX);
        let excess = relative / self.options.precision;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float cast saturates"
        )]
        let needed = libm::ceil(f64::from(have) * excess * excess) as u32;
        needed
            .clamp(have + 1, have.saturating_mul(2))
            .min(affordable)
            .min(self.options.most_replications)
            .max(have)
    }

    /// Runs jobs on the pool; results in the order of the jobs, whatever the order of execution.
    fn spread<T: Send>(
        &self,
        tracks: &[Track],
        jobs: &[(usize, u32)],
        run: impl Fn((&Case, u32)) -> T + Sync,
    ) -> Vec<T> {
        self.counts
            .planned
            .fetch_add(jobs.len() as u64, Ordering::Relaxed);
        jobs.par_iter()
            .with_max_len(1)
            .map(|&(i, replication)| {
                let result = run((&tracks[i].case, replication));
                let done = self.counts.done.fetch_add(1, Ordering::Relaxed) + 1;
                (self.progress)(Progress {
                    done,
                    planned: self.counts.planned.load(Ordering::Relaxed),
                });
                result
            })
            .collect()
    }

    fn pilot(&self, job: (&Case, u32), start: Nanos) -> Simulated<Pilot> {
        let outcome = self.outcome(job, start)?;
        let sample = self.reduce(&outcome, start);
        Ok(Pilot {
            sample,
            warmup: warmup(&outcome.series, outcome.end),
        })
    }

    fn outcome(&self, (case, replication): (&Case, u32), start: Nanos) -> Simulated<Outcome> {
        (self.simulate)(&SimInput {
            machine: &self.machines[case.profile],
            profile: &self.profiles[case.profile],
            workload: &self.scenario.workload,
            strategy: &case.strategy,
            seed: self.scenario.seed,
            replication,
            warmup: start,
            horizon: self.scenario.horizon,
            keep_latencies: false,
            max_events: self.options.max_events,
        })
    }

    fn reduce(&self, outcome: &Outcome, start: Nanos) -> Sample {
        let objectives: Vec<Metric> = self.scenario.objectives.iter().map(|o| o.metric).collect();
        Sample::new(
            outcome,
            Reduction {
                primary: self.options.primary(self.scenario),
                objectives: &objectives,
                warmup: start,
                horizon: self.scenario.horizon.is_some(),
            },
        )
    }
}

/// The longest warm-up of the cases that settle: all then count the same tasks, and stay paired.
fn common_warmup(scenario: &Scenario, tracks: &[Track]) -> Nanos {
    tracks
        .iter()
        .filter(|t| !t.hopeless() && !saturated(scenario, &t.samples))
        .filter_map(|t| t.pilot.filter(|p| p.reliable).map(|p| p.until))
        .max()
        .unwrap_or(Nanos::ZERO)
}

fn conclude(
    scenario: &Scenario,
    profiles: &[Profile],
    options: &Options,
    tracks: &[Track],
    shown: usize,
    baseline: Option<usize>,
    start: Nanos,
) -> Study {
    let metric = options.primary(scenario);
    let most = metric == Metric::Throughput;
    let mut forecasts: Vec<Forecast> = tracks
        .iter()
        .map(|t| {
            let overloaded = saturated(scenario, &t.samples);
            Forecast::new(
                &t.case,
                scenario,
                profiles,
                &t.samples,
                t.refused.as_ref(),
                overloaded,
            )
        })
        .collect();
    let columns: Vec<Vec<f64>> = tracks
        .iter()
        .map(|t| t.samples.iter().map(|s| s.primary).collect())
        .collect();
    let baseline = baseline.filter(|&i| forecasts[i].status == Status::Fine);
    let baseline_name = baseline.map(|i| forecasts[i].name());
    let base_column = baseline.map(|i| columns[i].clone());
    let uncertain: Vec<String> = tracks
        .iter()
        .zip(&forecasts)
        .filter(|(t, f)| f.status == Status::Fine && t.pilot.is_some_and(|p| !p.reliable))
        .map(|(_, f)| f.name())
        .collect();
    let hidden = forecasts.split_off(shown).into_iter().next();
    let shown_columns = columns[..shown].to_vec();
    let forecasts = rank(forecasts, shown_columns, base_column.as_deref(), most);
    let mut study = Study {
        name: scenario.name.clone(),
        question: scenario.question.clone(),
        fingerprint: fingerprint(scenario),
        seed: scenario.seed,
        machine: scenario.machine.clone(),
        interpreters: profiles.iter().map(Interpreter::from).collect(),
        metric,
        steady: is_steady(scenario),
        batch: scenario.workload.arrivals == Arrivals::Batch,
        precision: options.precision,
        warmup: start,
        forecasts,
        hidden_baseline: hidden,
        baseline: baseline_name,
        warnings: Vec::new(),
    };
    study.warnings = super::judge::warnings(&study, scenario, profiles, options, uncertain);
    study
}

/// Hashes what is written to it, so that a long trace never stands in memory as text.
struct Fnv(u64);

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 = text.bytes().fold(self.0, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        });
        Ok(())
    }
}

/// FNV-1a over the parsed scenario: comments and layout do not change it, every value does.
fn fingerprint(scenario: &Scenario) -> String {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    write!(hash, "{scenario:?}").expect("hashing takes any text");
    format!("{:016x}", hash.0)
}
