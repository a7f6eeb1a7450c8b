//! A study as a state machine: the simulations that it wants now, their results, and what it wants next. On which threads and in which
//! order they run is decided by [`super::drive`], and does not affect the result.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use super::cases::{Case, cases};
use super::conclude::{conclude, ranked};
use super::effort::{EffortGoal, EffortSpent, goals};
use super::options::{Options, StudyError, is_steady, refuse_past_limits};
use super::sample::{Reduction, Sample};
use super::steady::{Warmup, warmup, warmups};
use super::track::CaseTrack;
use super::work;
use crate::cpython::profile::Profile;
use crate::engine::Nanos;
use crate::measure::Histogram;
use crate::result::{CountingStart, Study};
use crate::scenario::{Arrivals, MachineSpec, Scenario, Strategy};
use crate::strategy::{Compiled, Outcome, SimError, SimInput};

/// A simulation that a study wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Job {
    /// Its index in its round.
    pub slot: usize,
    /// Estimated number of its events.
    pub events: u64,
    case: usize,
    replication: u32,
    /// Start of the time that counts.
    start: Nanos,
    /// Whether the end of its warm-up is to be found.
    pilot: bool,
}

/// The result of a simulation, or the reason why it cannot be run.
pub(super) type SimulationResult = Result<SimulatedSample, SimError>;

/// What a study keeps of a simulation.
#[derive(Debug)]
pub(super) struct SimulatedSample {
    sample: Sample,
    warmup: Option<Warmup>,
}

/// What follows a result.
#[derive(Debug)]
pub(super) enum Next {
    /// Other simulations of the round are still to come.
    Wait,
    /// The round is over, and these simulations follow.
    Jobs(Vec<Job>),
    /// The study is over, and [`StudyRun::study`] returns it.
    Over,
}

/// The mutable state of a study.
#[derive(Debug)]
struct StudyState {
    tracks: Vec<CaseTrack>,
    /// Whether the pilot runs are over.
    piloted: bool,
    /// For each job of the round its case, and its result once it has come.
    round: Vec<(usize, Option<SimulationResult>)>,
    missing: usize,
}

/// A study in progress.
#[derive(Debug)]
pub(super) struct StudyRun<'a> {
    pub scenario: Cow<'a, Scenario>,
    pub profiles: Cow<'a, [Profile]>,
    pub options: &'a Options,
    pub cases: Vec<Case>,
    /// The scenario's machine, completed by each profile.
    machines: Vec<MachineSpec>,
    /// Caches of the programs of the cases.
    compiled: Vec<Compiled>,
    /// Number of cases that were asked for; a baseline may follow them.
    pub requested: usize,
    /// Index of the case that speed-ups are relative to.
    pub baseline: Option<usize>,
    state: Mutex<StudyState>,
}

impl<'a> StudyRun<'a> {
    /// Begins a study of every case of the scenario; returns it with the jobs of its first round. `profiles` are those of
    /// `scenario.interpreters`, in the same order.
    pub(super) fn begin(
        scenario: Cow<'a, Scenario>,
        profiles: Cow<'a, [Profile]>,
        options: &'a Options,
    ) -> Result<(Self, Vec<Job>), StudyError> {
        refuse_past_limits(&scenario, options)?;
        let mut wanted = cases(&scenario, &profiles)?;
        let requested = wanted.len();
        let baseline = baseline_case(&scenario, &mut wanted);
        let machines = profiles.iter().map(|p| p.machine(&scenario.machine));
        let events = work::events(&scenario);
        let tracks = wanted.iter().map(|_| CaseTrack {
            samples: Vec::new(),
            refused: None,
            pilot: None,
            start: scenario.warmup.unwrap_or(Nanos::ZERO),
            begins: CountingStart::Whole,
            goal: 1,
            latency: Histogram::new(),
            events,
        });
        let mut state = StudyState {
            tracks: tracks.collect(),
            piloted: false,
            round: Vec::new(),
            missing: 0,
        };
        let jobs = state.open_round();
        let run = Self {
            machines: machines.collect(),
            scenario,
            profiles,
            options,
            compiled: wanted.iter().map(|_| Compiled::default()).collect(),
            cases: wanted,
            requested,
            baseline,
            state: Mutex::new(state),
        };
        Ok((run, jobs))
    }

    /// Runs a job; the result is to be passed to [`StudyRun::absorb`].
    pub(super) fn simulate(
        &self,
        job: &Job,
        simulate: impl Fn(&SimInput<'_>) -> Result<Outcome, SimError>,
    ) -> SimulationResult {
        let case = &self.cases[job.case];
        let outcome = simulate(&SimInput {
            machine: &self.machines[case.profile],
            profile: &self.profiles[case.profile],
            workload: &self.scenario.workload,
            strategy: &case.strategy,
            compiled: Some(&self.compiled[job.case]),
            seed: self.scenario.seed,
            replication: job.replication,
            warmup: job.start,
            horizon: self.scenario.horizon,
            keep_latencies: false,
            windows: self.scenario.windows_used(),
            max_events: self.options.max_events,
        })?;
        let how = Reduction {
            primary: self.options.primary(&self.scenario),
            objectives: &self.scenario.objectives,
            warmup: job.start,
            steady: is_steady(&self.scenario),
            horizon: self.scenario.horizon.is_some(),
            latencies: self.options.latency_quantiles,
        };
        let looked_at = job.pilot && is_steady(&self.scenario);
        Ok(SimulatedSample {
            sample: Sample::new(&outcome, how),
            warmup: looked_at.then(|| warmup(&outcome, self.scenario.horizon)),
        })
    }

    /// Takes the result of a job; the last one of a round decides what follows. Results count in the order of the jobs, whatever the order
    /// in which they come.
    pub(super) fn absorb(&self, job: &Job, result: SimulationResult) -> Next {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, place)) = state.round.get_mut(job.slot) {
            *place = Some(result);
        }
        state.missing -= 1;
        if state.missing > 0 {
            return Next::Wait;
        }
        self.fold(&mut state);
        let jobs = state.open_round();
        if jobs.is_empty() {
            Next::Over
        } else {
            Next::Jobs(jobs)
        }
    }

    /// The study from the results so far; the final one once the study is over.
    pub(super) fn study(&self) -> Study {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        conclude(self, &state.tracks)
    }

    /// Passes the results of a round to their cases, and gives each case its next goal.
    fn fold(&self, state: &mut StudyState) {
        for (case, result) in std::mem::take(&mut state.round) {
            let track = &mut state.tracks[case];
            match result {
                Some(Ok(mut finished)) => {
                    track.pilot = track.pilot.or(finished.warmup);
                    if let Some(latency) = finished.sample.latency.take() {
                        track.latency.merge(&latency);
                    }
                    track.samples.push(finished.sample);
                }
                Some(Err(why)) => track.refused = Some(why.to_string()),
                None => {}
            }
        }
        if !state.piloted {
            state.piloted = true;
            for t in &mut state.tracks {
                t.events = t.samples.first().map_or(1, |s| s.events).max(1);
            }
            self.set_warmups(&mut state.tracks);
        }
        let goals = self.goals(&state.tracks);
        for (t, goal) in state.tracks.iter_mut().zip(goals) {
            t.goal = goal;
        }
    }

    /// Sets where each case begins to count. A case that counts later than its pilot did simulates replication 0 again.
    fn set_warmups(&self, tracks: &mut [CaseTrack]) {
        let starts = warmups(&self.scenario, tracks);
        for (t, start) in tracks.iter_mut().zip(starts) {
            t.begins = match (t.pilot, self.scenario.warmup) {
                (None, _) => CountingStart::Whole,
                (Some(_), Some(asked)) if start < asked => CountingStart::CutShort,
                (Some(_), Some(_)) => CountingStart::Given,
                (Some(p), None) if p.reliable => CountingStart::Found,
                (Some(_), None) => CountingStart::Uncertain,
            };
            if start != t.start && !t.hopeless() {
                t.start = start;
                t.samples.clear();
                t.latency = Histogram::new();
            }
        }
    }

    /// Number of replications that each case is to have at the end of the next round.
    fn goals(&self, tracks: &[CaseTrack]) -> Vec<u32> {
        let options = self.options;
        let spent: Vec<EffortSpent> = tracks
            .iter()
            .map(|t| {
                let have = u32::try_from(t.samples.len()).unwrap_or(u32::MAX);
                let events: u64 = t.samples.iter().map(|s| s.events).sum();
                EffortSpent {
                    have,
                    each: if have > 0 {
                        (events / u64::from(have)).max(1)
                    } else {
                        t.events
                    },
                    hopeless: t.hopeless(),
                }
            })
            .collect();
        let wanted = EffortGoal {
            fixed: options.fixed(&self.scenario),
            all: options.all_cases,
            first: Options::first_replications(&self.scenario),
            precision: options.precision,
            objective_precision: options.objective_precision.unwrap_or(options.precision),
            most: options.most_replications,
            budget: options.event_budget,
            large: !options.primary(&self.scenario).less_is_better(),
        };
        let ranked = if spent.iter().any(|s| !s.hopeless && s.have == 0) {
            Vec::new() // Cases without any result cannot be compared.
        } else {
            ranked(self, tracks)
        };
        goals(&ranked, &spent, self.baseline, &wanted)
    }
}

impl StudyState {
    /// Opens a round with the jobs that are missing to the goals; none if every case is done.
    fn open_round(&mut self) -> Vec<Job> {
        let mut jobs = Vec::new();
        for (case, t) in self.tracks.iter().enumerate() {
            if t.hopeless() {
                continue;
            }
            let have = u32::try_from(t.samples.len()).unwrap_or(u32::MAX);
            for replication in have..t.goal {
                jobs.push(Job {
                    slot: jobs.len(),
                    events: t.events,
                    case,
                    replication,
                    start: t.start,
                    pilot: !self.piloted,
                });
            }
        }
        self.round = jobs.iter().map(|j| (j.case, None)).collect();
        self.missing = jobs.len();
        jobs
    }
}

/// All cases that a study of the scenario compares: the strategies asked for (or the full set), and the baseline.
///
/// # Errors
///
/// As for [`cases`].
pub(crate) fn compared(scenario: &Scenario, profiles: &[Profile]) -> Result<Vec<Case>, StudyError> {
    let mut all = cases(scenario, profiles)?;
    baseline_case(scenario, &mut all);
    Ok(all)
}

/// Finds the case that speed-ups are relative to: the sequential one on the first interpreter that has it. For batches, where it is cheap
/// and meaningful, it is added if it is not among the cases.
fn baseline_case(scenario: &Scenario, wanted: &mut Vec<Case>) -> Option<usize> {
    let sequential = |c: &Case| c.strategy.is_sequential();
    let first = (0..wanted.len())
        .filter(|&i| sequential(&wanted[i]))
        .min_by_key(|&i| (wanted[i].profile, i));
    if first.is_none() && scenario.workload.arrivals == Arrivals::Batch {
        wanted.push(Case {
            strategy: Strategy::Sequential,
            profile: 0,
            added: true,
        });
        return Some(wanted.len() - 1);
    }
    first
}
