//! One look at a candidate: whether it bears a load, by simulation. What has been looked at is remembered, and all looks meet the same tasks.

use std::collections::BTreeMap;

use super::load::{Input, LoadUnit, at_load, own_length};
use super::pools::with_pools;
use super::prices::MachineType;
use super::shape::{Candidate, machine_of};
use crate::cpython::profile::Profile;
use crate::measure::Estimate;
use crate::quantity::Quantity;
use crate::result::{Forecast, Status, Verdict};
use crate::scenario::{Arrivals, Metric, Objective, Scenario, StrategyCase};
use crate::strategy::{Cause, simulate};
use crate::study::{AskedStudy, Options, StudyError, run_studies};

/// How closely is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Closeness {
    /// One replication: enough to drop what is far from bearing it.
    Glance,
    /// Until every objective is decided, within limits.
    Look,
    /// As a look, of longer runs: for what is recommended.
    Stare,
    /// Runs that are three times as long again: to see whether latency grows with the length of the run.
    Long,
    /// And once more.
    Longer,
}

impl Closeness {
    /// Length of the runs, as a multiple of that of a glance.
    fn times(self) -> f64 {
        match self {
            Self::Glance => 1.0,
            Self::Look => 2.0,
            Self::Stare => 4.0,
            Self::Long => 12.0,
            Self::Longer => 36.0,
        }
    }
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sight {
    /// Index of the candidate.
    pub candidate: usize,
    /// On so many machines.
    pub machines: u32,
    /// Under this load.
    pub load: f64,
    /// With this input changed.
    pub input: Input,
    /// With so many processes fewer on one machine, of which nothing but its share of the load is looked at.
    pub lost: u32,
}

impl Sight {
    /// A candidate on so many machines under this load, with the inputs as they are.
    pub(super) fn new((candidate, machines): (usize, u32), load: f64) -> Self {
        Self {
            candidate,
            machines,
            load,
            input: Input::AsItIs,
            lost: 0,
        }
    }
}

type Key = (usize, u32, u64, (u8, usize, u64), Closeness, u32);

impl Sight {
    fn key(&self, closeness: Closeness) -> Key {
        let load = self.load.to_bits();
        (
            self.candidate,
            self.machines,
            load,
            self.input.key(),
            closeness,
            self.lost,
        )
    }
}

/// Why a candidate does not bear a load.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Lack {
    /// It misses this objective; undecided ones count as missed.
    Misses {
        /// Index of the objective.
        objective: usize,
        /// What it comes to.
        value: Option<Estimate>,
        /// Whether that is beyond chance.
        certain: bool,
    },
    /// Its latency is still growing with the length of the run after so many times that of a first look: it may never settle.
    Grows(f64),
    /// It has no meaningful forecast, for this reason.
    Status(Status),
    /// The interpreter cannot do it.
    Refused(String),
}

/// What was seen.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The forecast.
    pub forecast: Forecast,
    /// What is lacking; `None`: it bears the load, and meets every objective beyond chance.
    pub lack: Option<Lack>,
    /// The load that it was under.
    pub load: f64,
    /// Whether it is what a loss had left.
    pub after_loss: bool,
}

impl Seen {
    pub(super) fn holds(&self) -> bool {
        self.lack.is_none()
    }

    /// Whether every objective is met or missed beyond chance.
    fn is_decided(&self) -> bool {
        let mut all = self.forecast.objectives.iter();
        all.all(|o| o.verdict != Verdict::Undecided)
    }

    /// The latency that is planned by.
    pub(super) fn latency(&self) -> Option<Estimate> {
        let fine = self.forecast.status == Status::Fine;
        fine.then(|| self.forecast.primary()).flatten()
    }

    /// Whether its tasks spend a part of their time waiting for something of which there is only so much.
    fn waits(&self) -> bool {
        let causes = [
            Cause::Core,
            Cause::Gil,
            Cause::Lock,
            Cause::Pool,
            Cause::Loop,
            Cause::Queue,
            Cause::Limit,
            Cause::Resource,
        ];
        let waits = causes.map(|c| self.forecast.causes[c as usize]);
        waits.iter().sum::<f64>() >= WAITS
    }

    pub(super) fn mean(&self, q: Quantity) -> Option<f64> {
        self.forecast.get(q).map(|e| e.mean)
    }

    /// The greatest of its objectives' values, each as a share of its bound (of a bound from below the reverse): below 1 where all are met.
    pub(super) fn tightness(&self, objectives: &[Objective]) -> f64 {
        let of = |(judged, asked): (&crate::result::Judgement, &Objective)| {
            let value = judged.value?.mean;
            let (a, b) = (value.max(1e-12), asked.bound.max(1e-12));
            Some(if asked.below { a / b } else { b / a })
        };
        let all = self.forecast.objectives.iter().zip(objectives);
        all.filter_map(of).fold(0.0, f64::max)
    }
}

/// Simulates what is looked at.
pub(super) struct Looker<'a> {
    /// What is planned for.
    pub scenario: &'a Scenario,
    /// The profiles of its interpreters.
    pub profiles: &'a [Profile],
    /// The kinds of machines.
    pub machines: &'a [MachineType],
    /// What has to hold.
    pub objectives: &'a [Objective],
    /// The candidates.
    pub candidates: &'a [Candidate],
    /// Factor of the lengths of all runs: 1 but for tests of the search itself.
    pub lengths: f64,
    /// Whether everything is looked at without a glance before: only in such tests.
    pub thorough: bool,
    /// Number of threads that simulate; `None`: one for each core.
    pub threads: Option<usize>,
    /// Told how many simulations there were, now and then.
    pub progress: &'a (dyn Fn(u64) + Sync),
    seen: BTreeMap<Key, Seen>,
    /// Number of replications that were simulated.
    pub replications: u64,
    /// Number of looks.
    pub looks: u64,
    /// Number of model events.
    pub events: u64,
}

/// What a glance may miss an objective by, as a share of the bound, and still be worth a closer look.
const WORTH: f64 = 2.0;
/// How near to its bound an objective stays undecided, as a share of the bound.
const NEAR: f64 = 0.01;
/// Replications by which most looks are decided.
const FEW: u32 = 3;
/// Busy share of the cores below which queues are over soon.
const QUIET: f64 = 0.6;
/// Share of their time that tasks wait for each other from which it may take long until that is steady.
const WAITS: f64 = 0.1;
/// Growth of latency with three times the length of a run that is none.
const STEADY: f64 = 0.03;
/// Growth that is none by chance, however much replications differ: close to saturation they differ by as much as they grow.
const MUCH: f64 = 0.1;
/// Share of the load from which what is completed may be all of it, but for what the last tasks leave open.
const NEARLY_ALL: f64 = 0.97;
/// Share of the load that a glance must see completed to be worth a closer look if it calls a candidate saturated.
const NEARLY: f64 = 0.9;

impl<'a> Looker<'a> {
    pub(super) fn new(
        (scenario, profiles): (&'a Scenario, &'a [Profile]),
        machines: &'a [MachineType],
        objectives: &'a [Objective],
        candidates: &'a [Candidate],
        threads: Option<usize>,
        progress: &'a (dyn Fn(u64) + Sync),
    ) -> Self {
        Self {
            scenario,
            profiles,
            machines,
            objectives,
            candidates,
            lengths: 1.0,
            thorough: false,
            threads,
            progress,
            seen: BTreeMap::new(),
            replications: 0,
            looks: 0,
            events: 0,
        }
    }

    /// The metric that a load is judged by: that of the first objective about time, else the 95th percentile.
    pub(super) fn metric(&self) -> Metric {
        let mut metrics = self.objectives.iter().map(|o| o.metric);
        let latency = metrics.find(|m| m.is_latency());
        latency.unwrap_or(Metric::Percentile(95.0))
    }

    /// The scenario in which a sight is simulated.
    pub(super) fn scene(&self, sight: &Sight, closeness: Closeness) -> Scenario {
        let candidate = &self.candidates[sight.candidate];
        let times = closeness.times() * self.lengths;
        let scenario = with_pools(self.scenario, candidate.pool_factor);
        let mut scene = at_load(&scenario, sight.load, sight.input, times);
        scene.machine = machine_of(&self.scenario.machine, &self.machines[candidate.machine]);
        scene.objectives = self.objectives.to_vec();
        scene.interpreters = self
            .scenario
            .interpreters
            .get(candidate.profile)
            .into_iter()
            .cloned()
            .collect();
        scene.strategies = vec![StrategyCase {
            strategy: candidate.fewer(sight.lost).on(sight.machines),
            interpreter: None,
        }];
        scene
    }

    fn options(&self, closeness: Closeness) -> Options {
        let usual = Options {
            metric: Some(self.metric()),
            ..Options::default()
        };
        match closeness {
            Closeness::Glance => Options {
                replications: Some(1),
                ..usual
            },
            // Objectives are to be decided, and nothing more.
            Closeness::Look => Options {
                replications: Some(FEW),
                ..usual
            },
            Closeness::Stare => Options {
                precision: 0.02,
                objective_precision: Some(NEAR),
                most_replications: 60,
                event_budget: 60_000_000,
                ..usual
            },
            // Enough to tell growth from chance.
            Closeness::Long => Options {
                replications: Some(4),
                ..usual
            },
            // What is still open then is near its bound, and is pursued.
            Closeness::Longer => Options {
                precision: 0.05,
                objective_precision: Some(NEAR),
                most_replications: 60,
                event_budget: 80_000_000,
                ..usual
            },
        }
    }

    /// Looks at all of these; what a glance tells to be far from it is looked at no closer.
    pub(super) fn at(
        &mut self,
        sights: &[Sight],
        closeness: Closeness,
    ) -> Result<Vec<Seen>, StudyError> {
        if closeness != Closeness::Glance && !self.thorough {
            let all = self.at(sights, Closeness::Glance)?;
            let worth =
                |(sight, seen): (&Sight, &Seen)| self.is_worth(sight, seen).then_some(*sight);
            let near: Vec<Sight> = sights.iter().zip(&all).filter_map(worth).collect();
            self.simulate(&near, closeness)?;
            let closer = sights.iter().zip(all);
            return Ok(closer
                .map(|(sight, glance)| {
                    let close = self.seen.get(&sight.key(closeness));
                    close.cloned().unwrap_or(glance)
                })
                .collect());
        }
        self.simulate(sights, closeness)?;
        let known = |s: &Sight| self.seen.get(&s.key(closeness)).cloned();
        Ok(sights.iter().filter_map(known).collect())
    }

    /// Looks at one.
    pub(super) fn one(&mut self, sight: Sight, closeness: Closeness) -> Result<Seen, StudyError> {
        let mut seen = self.at(&[sight], closeness)?;
        Ok(seen.remove(0))
    }

    /// The candidates and numbers of machines that were looked at more than once over under this load, with what was seen.
    pub(super) fn seen_at(&self, load: f64) -> impl Iterator<Item = ((usize, u32), &Seen)> {
        let (bits, input) = (load.to_bits(), Input::AsItIs.key());
        self.seen
            .iter()
            .filter(move |(k, _)| k.2 == bits && k.3 == input && k.4 == Closeness::Look && k.5 == 0)
            .map(|(k, seen)| ((k.0, k.1), seen))
    }

    /// Whether a glance leaves a chance.
    fn is_worth(&self, sight: &Sight, seen: &Seen) -> bool {
        let f = &seen.forecast;
        match &seen.lack {
            None => true,
            Some(Lack::Misses { .. }) => f.excess <= WORTH,
            Some(Lack::Status(Status::Saturated)) => {
                let done = seen.mean(Quantity::Throughput).unwrap_or(0.0);
                LoadUnit::of(self.scenario) == LoadUnit::PerSecond && done >= NEARLY * sight.load
            }
            Some(Lack::Status(_) | Lack::Refused(_) | Lack::Grows(_)) => false,
        }
    }

    /// Looks at one as closely as it takes to know that its latency does not depend on how long is looked: close to saturation queues take long
    /// to grow, and a short run shows what an unstable system is like at its beginning.
    pub(super) fn settled(
        &mut self,
        sight: Sight,
        closeness: Closeness,
    ) -> Result<Seen, StudyError> {
        let seen = self.one(sight, closeness)?;
        let busy = seen.mean(Quantity::Utilization).unwrap_or(1.0);
        if !seen.holds() || self.ends_by_itself() || busy < QUIET && !seen.waits() {
            return Ok(seen);
        }
        let mut before = seen.clone();
        for closeness in [Closeness::Long, Closeness::Longer] {
            let longer = self.one(sight, closeness)?;
            if !longer.holds() {
                return Ok(longer);
            }
            // What so many long replications decide is decided, unless they have grown beyond chance.
            let much = if closeness == Closeness::Longer {
                f64::INFINITY
            } else {
                MUCH
            };
            if !grows(&before, &longer, much) && longer.is_decided() {
                return Ok(seen);
            }
            before = longer;
        }
        before.lack = Some(Lack::Grows(Closeness::Longer.times()));
        Ok(before)
    }

    /// Whether runs have a length of their own, which says nothing of a steady state.
    pub(super) fn ends_by_itself(&self) -> bool {
        if own_length(self.scenario).is_some() {
            return true;
        }
        match self.scenario.workload.arrivals {
            Arrivals::Varying { .. } | Arrivals::Trace(_) | Arrivals::Closed { .. } => true,
            Arrivals::Open { .. } | Arrivals::Sessions { .. } | Arrivals::Batch => false,
        }
    }

    fn simulate(&mut self, sights: &[Sight], closeness: Closeness) -> Result<(), StudyError> {
        let mut new: Vec<Sight> = Vec::new();
        for sight in sights {
            let key = sight.key(closeness);
            if !self.seen.contains_key(&key) && !new.iter().any(|n| n.key(closeness) == key) {
                new.push(*sight);
            }
        }
        let asked: Vec<AskedStudy> = new
            .iter()
            .map(|sight| {
                let profile = self.candidates[sight.candidate].profile;
                AskedStudy {
                    scenario: self.scene(sight, closeness),
                    profiles: vec![self.profiles[profile].clone()],
                    options: self.options(closeness),
                }
            })
            .collect();
        let mut seen = self.studied(&asked, closeness)?;
        if closeness == Closeness::Look {
            // Most are far enough from their bounds for a few replications to tell; the others go on.
            let open: Vec<usize> = (0..seen.len())
                .filter(|&i| is_open(&seen[i], new[i].load))
                .collect();
            let again: Vec<AskedStudy> = open
                .iter()
                .map(|&i| AskedStudy {
                    options: self.options_of_more(),
                    ..asked[i].clone()
                })
                .collect();
            for (i, more) in open.into_iter().zip(self.studied(&again, closeness)?) {
                seen[i] = more;
            }
        }
        self.looks += new.len() as u64;
        for (sight, mut seen) in new.iter().zip(seen) {
            seen.load = sight.load;
            self.seen.insert(sight.key(closeness), seen);
        }
        Ok(())
    }

    fn studied(
        &mut self,
        asked: &[AskedStudy],
        closeness: Closeness,
    ) -> Result<Vec<Seen>, StudyError> {
        let before = self.replications;
        let progress = |done: usize| (self.progress)(before + done as u64);
        let studies = run_studies(asked, self.threads, simulate, &progress)?;
        let mut all = Vec::new();
        for mut study in studies {
            let forecast = study.forecasts.remove(0);
            self.replications += u64::from(forecast.replications);
            self.events += forecast.events;
            let lack = lack_of(&forecast, closeness);
            all.push(Seen {
                forecast,
                lack,
                load: 0.0,
                after_loss: false,
            });
        }
        Ok(all)
    }

    /// How much is simulated where few replications leave objectives open.
    fn options_of_more(&self) -> Options {
        Options {
            replications: None,
            precision: 0.05,
            objective_precision: Some(NEAR),
            most_replications: 60,
            event_budget: 16_000_000,
            ..self.options(Closeness::Look)
        }
    }
}

/// Whether latency is higher beyond chance, and by a share that matters, in the longer of two runs; or by such a share, chance or not.
fn grows(shorter: &Seen, longer: &Seen, much: f64) -> bool {
    let (a, b) = (shorter.forecast.primary(), longer.forecast.primary());
    a.zip(b).is_some_and(|(a, b)| {
        let chance = a.half().unwrap_or(0.0) + b.half().unwrap_or(0.0);
        let more = b.mean - a.mean;
        more > (STEADY * a.mean).max(chance) || more > much * a.mean
    })
}

/// Whether further replications may tell what these, under such a load, do not.
fn is_open(seen: &Seen, load: f64) -> bool {
    match &seen.lack {
        Some(Lack::Misses { certain, .. }) => !certain,
        // By chance a short run looks saturated more easily than a long one, but what completes less than comes, beyond chance, is.
        Some(Lack::Status(Status::Saturated)) => {
            let done = seen.forecast.get(Quantity::Throughput);
            done.is_none_or(|done| done.high() >= NEARLY_ALL * load)
        }
        Some(Lack::Status(_) | Lack::Grows(_) | Lack::Refused(_)) | None => false,
    }
}

/// What a forecast lacks.
fn lack_of(f: &Forecast, closeness: Closeness) -> Option<Lack> {
    if let Some(why) = &f.refusal {
        return Some(Lack::Refused(why.clone()));
    }
    if f.status != Status::Fine {
        return Some(Lack::Status(f.status));
    }
    // A glance decides nothing, and the few long runs that tell growth are judged by that.
    let decides = match closeness {
        Closeness::Look | Closeness::Stare => true,
        Closeness::Glance | Closeness::Long | Closeness::Longer => false,
    };
    let missed = f.objectives.iter().enumerate().filter(|(_, o)| {
        o.verdict == Verdict::Missed || o.verdict == Verdict::Undecided && decides
    });
    let worst = missed.max_by(|a, b| a.1.excess().total_cmp(&b.1.excess()));
    worst.map(|(objective, o)| Lack::Misses {
        objective,
        value: o.value,
        certain: o.verdict == Verdict::Missed,
    })
}
