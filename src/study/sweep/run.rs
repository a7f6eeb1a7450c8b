//! Runs a sweep: a study for each point, side by side on one pool of threads.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use crate::cpython::profile::Profile;
use crate::result::Study;
use crate::scenario::units::grouped;
use crate::scenario::{Scenario, limits};
use crate::strategy::{Outcome, SimError, SimInput};
use crate::study::cases::cases;
use crate::study::course::{Job, StudyRun};
use crate::study::drive::{Studies, drive, pool};
use crate::study::options::refuse_past_limits;
use crate::study::{Options, StudyError, work};

/// Number of points that are checked at once before the first that cannot be simulated is reported.
const CHUNK: usize = 1024;

/// The points of a sweep: what is simulated at each, and what happens to the result. Called from many threads.
pub trait SweepBackend: Sync {
    /// Why a point cannot be loaded or kept, or the sweep cannot be run.
    type Error: From<StudyError> + Send;

    /// Loads a point: its scenario, and the profiles of its interpreters in their order. Called when the point is checked, and again when
    /// it is begun.
    ///
    /// # Errors
    ///
    /// If the scenario refuses the point's values, or if a profile does not exist.
    fn load(&self, point: u64) -> Result<(Scenario, Vec<Profile>), Self::Error>;

    /// Runs a simulation.
    ///
    /// # Errors
    ///
    /// Why it cannot be run, in words for people.
    fn simulate(&self, input: &SimInput<'_>) -> Result<Outcome, SimError>;

    /// Takes the result of a finished point. Points do not finish in the order of their numbers.
    ///
    /// # Errors
    ///
    /// If the result cannot be kept; the sweep then ends.
    fn finished(&self, point: u64, study: &Study) -> Result<(), Self::Error>;

    /// Takes the progress of the sweep, after every simulation.
    fn advanced(&self, advance: Advance);

    /// Whether to end the sweep: running studies are brought to their ends, and no other is begun.
    fn stopped(&self) -> bool;
}

/// Progress of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Advance {
    /// Number of points finished in this run.
    pub points: u64,
    /// Estimated share of the work that is done, from 0 to 1.
    pub share: f64,
    /// Number of simulations done.
    pub simulations: u64,
}

/// Points that have been checked, each with its estimated work in events.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedPoints {
    work: Vec<(u64, f64)>,
    total: f64,
}

impl PreparedPoints {
    /// Keeps only the points for which `keep` is true.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(u64) -> bool) {
        self.work.retain(|w| keep(w.0));
        self.total = self.work.iter().map(|w| w.1).sum();
    }

    /// Number of points.
    #[must_use]
    pub fn len(&self) -> usize {
        self.work.len()
    }

    /// Whether there are no points.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.work.is_empty()
    }
}

/// Checks that every one of the points can be simulated, on as many threads as `options` gives. `None` if stopped.
///
/// # Errors
///
/// The error of the first point (in the given order) that cannot.
pub fn prepare<P: SweepBackend>(
    points: &P,
    numbers: &[u64],
    options: &Options,
) -> Result<Option<PreparedPoints>, P::Error> {
    let pool = pool(options.threads)?;
    let mut work = Vec::with_capacity(numbers.len());
    let mut cells = 0;
    for chunk in numbers.chunks(CHUNK) {
        if points.stopped() {
            return Ok(None);
        }
        let checked: Vec<Result<(u64, f64), P::Error>> = pool.install(|| {
            chunk
                .par_iter()
                .map(|&n| check(points, n, options))
                .collect()
        });
        for (&number, checked) in chunk.iter().zip(checked) {
            let (cases, events) = checked?;
            cells += cases;
            work.push((number, events));
        }
    }
    if cells > limits::MAX_CELLS {
        let points = numbers.len();
        return Err(StudyError::Limit(format!(
            "the sweep has {} results (the cases of {} points), more than {}; take fewer values, or compare fewer strategies",
            grouped(cells),
            grouped(points),
            limits::named("MAX_CELLS", limits::MAX_CELLS)
        ))
        .into());
    }
    // Long points come first, so that none is left over at the end; of equal ones the first.
    work.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let total = work.iter().map(|w| w.1).sum();
    Ok(Some(PreparedPoints { work, total }))
}

/// Checks a point; returns its number and its estimated work in events.
fn check<P: SweepBackend>(
    points: &P,
    number: u64,
    options: &Options,
) -> Result<(u64, f64), P::Error> {
    let (scenario, profiles) = points.load(number)?;
    refuse_past_limits(&scenario, options)?;
    let cases = cases(&scenario, &profiles)?.len() as u64;
    let replications = options
        .replications
        .or(scenario.replications)
        .unwrap_or_else(|| Options::first_replications(&scenario));
    let events = work::events(&scenario) as f64 * cases as f64;
    Ok((cases, events * f64::from(replications)))
}

/// Simulates the points. The study of each depends only on its own scenario and profiles and on the options: not on the threads, nor on the
/// other points.
///
/// # Errors
///
/// The first error of a point; nothing is begun after it.
pub fn run_sweep<P: SweepBackend>(
    points: &P,
    prepared: &PreparedPoints,
    options: &Options,
) -> Result<(), P::Error> {
    let sweep = SweepRun {
        points,
        prepared,
        options,
        state: Mutex::new(SweepState::default()),
    };
    drive(&pool(options.threads)?, &sweep)
}

struct SweepRun<'a, P> {
    points: &'a P,
    prepared: &'a PreparedPoints,
    options: &'a Options,
    state: Mutex<SweepState>,
}

#[derive(Default)]
struct SweepState {
    points: u64,
    simulations: u64,
    /// Work of the finished points, in events.
    done: f64,
    /// Points in progress: index in the order of work, simulations done, and simulations planned.
    begun: Vec<(usize, u64, u64)>,
}

impl SweepState {
    fn advance(&self, prepared: &PreparedPoints) -> Advance {
        let partly: f64 = self
            .begun
            .iter()
            .map(|&(n, done, planned)| prepared.work[n].1 * done as f64 / planned.max(1) as f64)
            .sum();
        Advance {
            points: self.points,
            share: (self.done + partly) / prepared.total.max(1.0),
            simulations: self.simulations,
        }
    }
}

impl<P: SweepBackend> SweepRun<'_, P> {
    fn change(&self, change: impl FnOnce(&mut SweepState)) -> Advance {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        state.advance(self.prepared)
    }
}

impl<'a, P: SweepBackend> Studies<'a> for SweepRun<'a, P> {
    type Error = P::Error;

    fn count(&self) -> usize {
        self.prepared.work.len()
    }

    fn begin(&self, number: usize) -> Result<(StudyRun<'a>, Vec<Job>), P::Error> {
        let (scenario, profiles) = self.points.load(self.prepared.work[number].0)?;
        let begun = StudyRun::begin(Cow::Owned(scenario), Cow::Owned(profiles), self.options)?;
        self.change(|s| s.begun.push((number, 0, 0)));
        Ok(begun)
    }

    fn simulate(&self, input: &SimInput<'_>) -> Result<Outcome, SimError> {
        self.points.simulate(input)
    }

    fn progress(&self, number: usize, planned: usize) {
        let advance = self.change(|s| {
            if let Some(point) = s.begun.iter_mut().find(|b| b.0 == number) {
                point.2 += planned as u64;
                point.1 += u64::from(planned == 0);
            }
            s.simulations += u64::from(planned == 0);
        });
        self.points.advanced(advance);
    }

    fn over(&self, number: usize, study: Study) -> Result<(), P::Error> {
        let (point, work) = self.prepared.work[number];
        self.points.finished(point, &study)?;
        let advance = self.change(|s| {
            s.begun.retain(|b| b.0 != number);
            s.points += 1;
            s.done += work;
        });
        self.points.advanced(advance);
        Ok(())
    }

    fn stopped(&self) -> bool {
        self.points.stopped()
    }
}
