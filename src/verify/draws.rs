//! Draws the random numbers of each task as the simulator does, so that the program gets the same ones.
//!
//! The simulator keys every draw by the task's number and by how many draws the task has made before. Which step makes
//! which draw follows from the steps and from the failures among the draws; only a timeout depends on how long things
//! really take, and is judged here by what the steps ask for. Where a real task takes another way (it times out where
//! this does not), it goes on with the numbers of the same place.

use serde_json::{Value, json};

use super::error::ProgramError;
use super::retries::{Retry, drawn};
use super::tree::{Amount, DurationUnit, Offspring, Placeholder, ProgramStep, StepTree};
use crate::cpython::child_number;
use crate::engine::{Nanos, StreamRole, Streams, unit};

/// The greatest number of random numbers in all; they make a file of 50 MB. A scenario that needs more is refused.
const MOST_NUMBERS: usize = 4_000_000;
/// The numbers that stand for the draws at places that a task does not reach.
const SPARE_DRAW: u64 = 1 << 40;

/// The greatest number of spare numbers at one place.
const MOST_SPARE: u32 = 64;

/// Draws the random numbers of tasks.
pub(super) struct Drawer {
    demands: Streams,
    failures: Streams,
    patience: Streams,
    sizes: Streams,
    /// The interpreter's factor on CPU demands.
    cpu_factor: f64,
    /// The count of numbers drawn so far.
    numbers: usize,
}

/// A task leaves the block that it is in.
struct DeadlinePassed;

struct Path<'t> {
    number: u64,
    draws: u64,
    /// Draws of time-outs and pauses.
    patience: u64,
    /// Draws of sizes.
    sizes: u64,
    /// Children of fan-outs so far.
    born: u64,
    recorded: std::slice::Iter<'t, Nanos>,
    /// The time that the task has asked for so far.
    elapsed: Nanos,
    deadlines: Vec<Nanos>,
    values: Vec<Vec<Value>>,
}

impl Path<'_> {
    fn overdue(&self) -> bool {
        self.deadlines.iter().any(|d| *d <= self.elapsed)
    }
}

impl Drawer {
    /// Draws the numbers that replication 0 draws with this seed.
    pub(super) fn new(seed: u64, cpu_factor: f64) -> Self {
        Self {
            demands: Streams::new(seed, 0, StreamRole::Demands),
            failures: Streams::new(seed, 0, StreamRole::Failure),
            patience: Streams::new(seed, 0, StreamRole::Patience),
            sizes: Streams::new(seed, 0, StreamRole::Sizes),
            cpu_factor,
            numbers: 0,
        }
    }

    /// Draws the table of task number `number`: a list of numbers for each place in its steps.
    ///
    /// # Errors
    /// Returns an error when all tasks together need too many numbers.
    pub(super) fn task(
        &mut self,
        tree: &StepTree,
        number: u64,
        recorded: &[Nanos],
    ) -> Result<Value, ProgramError> {
        let (values, _) = self.drawn(tree, number, recorded);
        if self.numbers > MOST_NUMBERS {
            return Err(ProgramError::Numbers(MOST_NUMBERS));
        }
        Ok(values)
    }

    /// The table of a task, and how the task ends by what was drawn.
    fn drawn(
        &mut self,
        tree: &StepTree,
        number: u64,
        recorded: &[Nanos],
    ) -> (Value, Result<(), DeadlinePassed>) {
        if tree.places.is_empty() {
            return (json!([]), Ok(()));
        }
        let mut path = Path {
            number,
            draws: 0,
            patience: 0,
            sizes: 0,
            born: 0,
            recorded: recorded.iter(),
            elapsed: Nanos::ZERO,
            deadlines: Vec::new(),
            values: vec![Vec::new(); tree.places.len()],
        };
        // However the task ends, its program needs what has been drawn for it.
        let ended = self.walk(&tree.nodes, &mut path);
        for (place, (values, kind)) in path.values.iter_mut().zip(&tree.places).enumerate() {
            self.fill(values, kind, number, place);
        }
        let values = path.values.into_iter().map(Value::from);
        (Value::from(values.collect::<Vec<_>>()), ended)
    }

    /// Fills a place that a task comes to more often than the walk has, because real time takes it another way: where there is nothing,
    /// and where a task may pause as often as it has attempts.
    fn fill(&mut self, values: &mut Vec<Value>, place: &Placeholder, number: u64, at: usize) {
        let least = match place {
            Placeholder::Time(..)
            | Placeholder::Size(_)
            | Placeholder::Fail
            | Placeholder::Children => 1,
            Placeholder::Patience(_, least) | Placeholder::Chance(least) => {
                (*least).clamp(1, MOST_SPARE) as usize
            }
        };
        if values.len() >= least {
            return;
        }
        let mut rng = self.demands.task(number, SPARE_DRAW + at as u64);
        self.numbers += least - 1;
        while values.len() < least {
            values.push(match place {
                Placeholder::Time(dist, unit) => json!(unit.of(dist.sample(&mut rng))),
                Placeholder::Patience(dist, _) => {
                    json!(DurationUnit::Seconds.of(dist.sample(&mut rng)))
                }
                Placeholder::Size(sizes) => json!(sizes.sample(&mut rng)),
                Placeholder::Chance(_) => json!(unit(&mut rng)),
                Placeholder::Fail => json!(0),
                Placeholder::Children => json!([]),
            });
        }
    }

    fn time(&mut self, amount: &Amount, unit: DurationUnit, path: &mut Path<'_>) -> Nanos {
        let time = if let Some(&recorded) = path.recorded.next() {
            recorded
        } else if let crate::scenario::Dist::Constant(time) = amount.dist {
            time
        } else {
            let mut rng = self.demands.task(path.number, path.draws);
            path.draws += 1;
            amount.dist.sample(&mut rng)
        };
        self.note(amount.place, json!(unit.of(time)), path);
        time
    }

    fn walk(&mut self, nodes: &[ProgramStep], path: &mut Path<'_>) -> Result<(), DeadlinePassed> {
        for node in nodes {
            if self.numbers > MOST_NUMBERS {
                return Err(DeadlinePassed);
            }
            self.step(node, path)?;
            if path.overdue() {
                return Err(DeadlinePassed);
            }
        }
        Ok(())
    }

    fn step(&mut self, node: &ProgramStep, path: &mut Path<'_>) -> Result<(), DeadlinePassed> {
        match node {
            ProgramStep::Cpu(amount) | ProgramStep::Releasing(amount, _) => {
                let time = self.time(amount, DurationUnit::Milliseconds, path);
                // The simulator draws by how much the step overshoots.
                path.draws += 1;
                path.elapsed += time.scale(self.cpu_factor);
            }
            ProgramStep::Native(amount) => {
                let time = self.time(amount, DurationUnit::Milliseconds, path);
                path.elapsed += time;
            }
            ProgramStep::Team(amount, threads) => {
                let time = self.time(amount, DurationUnit::Milliseconds, path);
                path.elapsed += Nanos(time.0 / u64::from(*threads).max(1));
            }
            ProgramStep::Io(amount)
            | ProgramStep::Block(amount)
            | ProgramStep::Transfer(_, amount) => {
                let time = self.time(amount, DurationUnit::Seconds, path);
                path.elapsed += time;
            }
            ProgramStep::Fail(probability, place) => return self.fail(*place, *probability, path),
            ProgramStep::Lock(_, inner)
            | ProgramStep::Use(_, inner)
            | ProgramStep::Hold(_, None, inner)
            | ProgramStep::OnLoop(inner) => self.walk(inner, path)?,
            ProgramStep::Hold(memory, Some(place), inner) => {
                let mut rng = self.sizes.task(path.number, path.sizes);
                path.sizes += 1;
                self.note(Some(*place), json!(memory.size.sample(&mut rng)), path);
                self.walk(inner, path)?;
            }
            ProgramStep::Call(call) => self.walk(&call.steps, path)?,
            ProgramStep::InlineChildren(children, inner) if node.any(&draws) => {
                self.one_by_one(*children, inner, path)?;
            }
            ProgramStep::Repeat(times, inner) if node.any(&draws) => {
                for _ in 0..*times {
                    self.walk(inner, path)?;
                }
            }
            ProgramStep::Children(children, tree, Some(place)) => {
                return self.children(*children, tree, *place, path);
            }
            ProgramStep::Timeout(after, inner) => {
                let after = self.time_out(after, path);
                path.deadlines.push(path.elapsed + after);
                let end = self.walk(inner, path);
                path.deadlines.pop();
                end?;
            }
            ProgramStep::Retry(retry) => self.retry(retry, path)?,
            _ => {}
        }
        Ok(())
    }

    /// Children that are tasks of their own, numbered as the simulator numbers them. If too few succeed, their
    /// parent fails.
    fn children(
        &mut self,
        Offspring { count, need }: Offspring,
        tree: &StepTree,
        place: usize,
        path: &mut Path<'_>,
    ) -> Result<(), DeadlinePassed> {
        let (mut values, mut missing) = (Vec::new(), need.unwrap_or(count));
        for child in path.born..path.born + count {
            let (drawn, ended) = self.drawn(tree, child_number(path.number, child), &[]);
            values.push(drawn);
            missing = missing.saturating_sub(u64::from(ended.is_ok()));
            if self.numbers > MOST_NUMBERS {
                break;
            }
        }
        path.born += count;
        path.values[place].push(Value::from(values));
        if missing == 0 {
            Ok(())
        } else {
            Err(DeadlinePassed)
        }
    }

    /// Children that their parent executes itself, until enough have succeeded or all are over.
    fn one_by_one(
        &mut self,
        Offspring { count, need }: Offspring,
        inner: &[ProgramStep],
        path: &mut Path<'_>,
    ) -> Result<(), DeadlinePassed> {
        let mut missing = need.unwrap_or(count);
        let mut spare = count.saturating_sub(missing);
        while missing > 0 {
            let depth = path.deadlines.len();
            if self.walk(inner, path).is_ok() {
                missing -= 1;
                continue;
            }
            path.deadlines.truncate(depth);
            if spare == 0 || path.overdue() || self.numbers > MOST_NUMBERS {
                return Err(DeadlinePassed);
            }
            spare -= 1;
        }
        Ok(())
    }

    fn fail(
        &mut self,
        place: usize,
        probability: f64,
        path: &mut Path<'_>,
    ) -> Result<(), DeadlinePassed> {
        let mut rng = self.failures.task(path.number, path.draws);
        path.draws += 1;
        let fails = unit(&mut rng) < probability;
        self.numbers += 1;
        path.values[place].push(json!(u8::from(fails)));
        if fails { Err(DeadlinePassed) } else { Ok(()) }
    }

    fn time_out(&mut self, after: &Amount, path: &mut Path<'_>) -> Nanos {
        if !drawn(&after.dist) {
            return after.dist.sample(&mut self.patience.stream());
        }
        let mut rng = self.patience.task(path.number, path.patience);
        path.patience += 1;
        let time = after.dist.sample(&mut rng);
        self.note(after.place, json!(DurationUnit::Seconds.of(time)), path);
        time
    }

    fn retry(&mut self, retry: &Retry, path: &mut Path<'_>) -> Result<(), DeadlinePassed> {
        let mut paused = None;
        for failed in 1..=retry.attempts.max(1) {
            let depth = path.deadlines.len();
            if self.walk(&retry.steps, path).is_ok() {
                return Ok(());
            }
            path.deadlines.truncate(depth);
            if failed >= retry.attempts || path.overdue() {
                return Err(DeadlinePassed);
            }
            let pause = self.pause(retry, failed, paused, path);
            path.elapsed += pause;
            paused = Some(pause);
        }
        Err(DeadlinePassed)
    }

    /// The pause before the next attempt: its numbers are those that `Backoff::pause` draws, in their order.
    fn pause(
        &mut self,
        retry: &Retry,
        failed: u32,
        paused: Option<Nanos>,
        path: &mut Path<'_>,
    ) -> Nanos {
        let draw = self.patience.task(path.number, path.patience);
        path.patience += u64::from(retry.backoff.draws());
        let mut rng = draw.clone();
        let base = retry.base.dist.sample(&mut rng);
        self.note(
            retry.base.place,
            json!(DurationUnit::Seconds.of(base)),
            path,
        );
        self.note(retry.chance, json!(unit(&mut rng)), path);
        retry.backoff.pause(failed, paused, &mut draw.clone())
    }

    /// Writes a number down for a place, if there is one.
    fn note(&mut self, place: Option<usize>, value: Value, path: &mut Path<'_>) {
        if let Some(place) = place {
            self.numbers += 1;
            path.values[place].push(value);
        }
    }
}

/// A step that draws, or that may record a duration.
fn draws(node: &ProgramStep) -> bool {
    matches!(
        node,
        ProgramStep::Cpu(_)
            | ProgramStep::Releasing(..)
            | ProgramStep::Native(_)
            | ProgramStep::Team(..)
            | ProgramStep::Io(_)
            | ProgramStep::Block(_)
            | ProgramStep::Transfer(..)
            | ProgramStep::Fail(..)
            | ProgramStep::Hold(_, Some(_), _)
            | ProgramStep::Children(_, _, Some(_))
    )
}
