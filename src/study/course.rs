//! A study as a state machine: the simulations that it wants now, their results, what it wants next. Who runs them, in which order
//! and on how many threads is another's business ([`super::drive`]), and changes nothing in the result.

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
use crate::scenario::{Arrivals, MachineSpec, Metric, Scenario, Strategy};
use crate::strategy::{Compiled, Outcome, SimInput};

/// One simulation that a study wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Job {
    /// Its place in its round.
    pub slot: usize,
    /// How many events it will have, roughly.
    pub events: u64,
    case: usize,
    replication: u32,
    /// Start of the time that counts.
    start: Nanos,
    /// Whether the end of its warm-up is looked for.
    pilot: bool,
}

/// What a simulation told; the error is why it cannot be run.
pub(super) type SimulationResult = Result<SimulatedSample, String>;

/// What is kept of a simulation.
#[derive(Debug)]
pub(super) struct SimulatedSample {
    sample: Sample,
    warmup: Option<Warmup>,
}

/// What follows a result.
#[derive(Debug)]
pub(super) enum Next {
    /// Others of the round are still to come.
    Wait,
    /// The round is over; these come next.
    Jobs(Vec<Job>),
    /// The study is over: [`StudyRun::study`] has it.
    Over,
}

/// What changes while a study runs.
#[derive(Debug)]
struct StudyState {
    tracks: Vec<CaseTrack>,
    /// Whether the pilots are over.
    piloted: bool,
    /// The case of each job of the round, and its result once it is there.
    round: Vec<(usize, Option<SimulationResult>)>,
    missing: usize,
}

/// A study under way.
#[derive(Debug)]
pub(super) struct StudyRun<'a> {
    pub scenario: Cow<'a, Scenario>,
    pub profiles: Cow<'a, [Profile]>,
    pub options: &'a Options,
    pub cases: Vec<Case>,
    /// Their programs.
    compiled: Vec<Compiled>,
    /// How many of the cases were asked for; what follows is the baseline.
    pub requested: usize,
    /// The case that speed-ups are against.
    pub baseline: Option<usize>,
    /// The scenario's machine as each profile completes it.
    machines: Vec<MachineSpec>,
    objectives: Vec<Metric>,
    state: Mutex<StudyState>,
}

impl<'a> StudyRun<'a> {
    /// A study of every case of the scenario, and the jobs of its first round. `profiles` are those of `scenario.interpreters`, in
    /// the same order.
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
            objectives: scenario.objectives.iter().map(|o| o.metric).collect(),
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

    /// Runs a job; to be handed to [`StudyRun::absorb`].
    pub(super) fn simulate(
        &self,
        job: &Job,
        simulate: impl Fn(&SimInput<'_>) -> Result<Outcome, String>,
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
            max_events: self.options.max_events,
        })?;
        let how = Reduction {
            primary: self.options.primary(&self.scenario),
            objectives: &self.objectives,
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

    /// Takes a job's result. The last one of a round says what comes next; results count in the order of the jobs, whatever the
    /// order in which they come.
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

    /// What is known so far; the study itself once it is over.
    pub(super) fn study(&self) -> Study {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        conclude(self, &state.tracks)
    }

    /// The results of a round go to their cases, and each case gets its next goal.
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
                Some(Err(why)) => track.refused = Some(why),
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

    /// Where each case begins to count. A case that counts later than its pilot did simulates replication 0 again.
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

    /// Replications that each case is to have at the end of the next round.
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
            most: options.most_replications,
            budget: options.event_budget,
            large: !options.primary(&self.scenario).less_is_better(),
        };
        let ranked = if spent.iter().any(|s| !s.hopeless && s.have == 0) {
            Vec::new() // What nothing is known of cannot be compared.
        } else {
            ranked(self, tracks)
        };
        goals(&ranked, &spent, self.baseline, &wanted)
    }
}

impl StudyState {
    /// What is missing to the goals; nothing when every case is done.
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

/// All that a study of the scenario compares: the strategies asked for (or the full set), and the baseline.
///
/// # Errors
/// As [`cases`].
pub fn compared(scenario: &Scenario, profiles: &[Profile]) -> Result<Vec<Case>, StudyError> {
    let mut all = cases(scenario, profiles)?;
    baseline_case(scenario, &mut all);
    Ok(all)
}

/// The case that speed-ups are against: sequential on the first interpreter that has it, added for batches (where it is cheap
/// and means something) if it is not among the cases.
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
