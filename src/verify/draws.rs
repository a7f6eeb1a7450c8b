//! Draws the random numbers of each task as the simulator does, so that the program gets the same ones.
//!
//! The simulator keys every draw by the task's number and by how many draws the task has made before. Which step makes
//! which draw follows from the steps and from the failures among the draws; only a timeout depends on how long things
//! really take, and is judged here by what the steps ask for. Where a real task takes another way (it times out where
//! this does not), it goes on with the numbers of the same place.

use serde_json::{Value, json};

use super::error::ProgramError;
use super::tree::{Amount, DurationUnit, Placeholder, ProgramStep, StepTree};
use crate::engine::{Nanos, StreamRole, Streams, unit};

/// The greatest number of random numbers in all; they make a file of 50 MB. A scenario that needs more is refused.
const MOST_NUMBERS: usize = 4_000_000;
/// The numbers that stand for the draws at places that a task does not reach.
const SPARE_DRAW: u64 = 1 << 40;

/// How the simulator counts draws.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counting {
    /// Whether every CPU step draws the amount by which it overshoots.
    pub(super) cpu_grain: bool,
    /// Whether every native step draws the amount by which it overshoots.
    pub(super) native_grain: bool,
    /// The interpreter's factor on CPU demands.
    pub(super) cpu_factor: f64,
}

/// Draws the random numbers of tasks.
pub(super) struct Drawer {
    demands: Streams,
    failures: Streams,
    counting: Counting,
    /// The count of numbers drawn so far.
    numbers: usize,
}

/// A task leaves the block that it is in.
struct DeadlinePassed;

struct Path<'t> {
    number: u64,
    draws: u64,
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
    pub(super) fn new(seed: u64, counting: Counting) -> Self {
        Self {
            demands: Streams::new(seed, 0, StreamRole::Demands),
            failures: Streams::new(seed, 0, StreamRole::Failure),
            counting,
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
        if tree.places.is_empty() {
            return Ok(json!([]));
        }
        let mut path = Path {
            number,
            draws: 0,
            recorded: recorded.iter(),
            elapsed: Nanos::ZERO,
            deadlines: Vec::new(),
            values: vec![Vec::new(); tree.places.len()],
        };
        // However the task ends, its program needs what has been drawn for it.
        let _ = self.walk(&tree.nodes, &mut path);
        if self.numbers > MOST_NUMBERS {
            return Err(ProgramError::Numbers(MOST_NUMBERS));
        }
        for (place, (values, kind)) in path.values.iter_mut().zip(&tree.places).enumerate() {
            if values.is_empty() {
                values.push(self.spare(kind, number, place));
            }
        }
        Ok(Value::from(
            path.values.into_iter().map(Value::from).collect::<Vec<_>>(),
        ))
    }

    fn spare(&self, place: &Placeholder, number: u64, at: usize) -> Value {
        match place {
            Placeholder::Time(dist, unit) => {
                let mut rng = self.demands.task(number, SPARE_DRAW + at as u64);
                json!(unit.of(dist.sample(&mut rng)))
            }
            Placeholder::Fail => json!(0),
            Placeholder::Children => json!([]),
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
        if let Some(place) = amount.place {
            self.numbers += 1;
            path.values[place].push(json!(unit.of(time)));
        }
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
                path.draws += u64::from(self.counting.cpu_grain);
                path.elapsed += time.scale(self.counting.cpu_factor);
            }
            ProgramStep::Native(amount) => {
                let time = self.time(amount, DurationUnit::Milliseconds, path);
                path.draws += u64::from(self.counting.native_grain);
                path.elapsed += time;
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
            | ProgramStep::Hold(_, inner)
            | ProgramStep::OnLoop(inner) => self.walk(inner, path)?,
            ProgramStep::Call(call) => self.walk(&call.steps, path)?,
            ProgramStep::InlineChildren(times, inner) | ProgramStep::Repeat(times, inner)
                if node.any(&draws) =>
            {
                for _ in 0..*times {
                    self.walk(inner, path)?;
                }
            }
            ProgramStep::Children(count, tree, Some(place)) => {
                let children = (0..*count)
                    .map(|child| {
                        // Children are numbered as `step_fan_out` of the simulator numbers them.
                        let number = ((path.number + 1) << 24) | (1 << 63) | child;
                        self.task(tree, number, &[]).unwrap_or_default()
                    })
                    .collect::<Vec<_>>();
                // A second fan-out at this place starts children with the same numbers.
                path.values[*place] = children;
            }
            ProgramStep::Timeout(after, inner) => {
                path.deadlines.push(path.elapsed + *after);
                let end = self.walk(inner, path);
                path.deadlines.pop();
                end?;
            }
            ProgramStep::Retry(attempts, backoff, inner) => {
                self.retry(*attempts, *backoff, inner, path)?;
            }
            _ => {}
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

    fn retry(
        &mut self,
        attempts: u32,
        backoff: Nanos,
        inner: &[ProgramStep],
        path: &mut Path<'_>,
    ) -> Result<(), DeadlinePassed> {
        let mut pause = backoff;
        for left in (0..attempts.max(1)).rev() {
            let depth = path.deadlines.len();
            if self.walk(inner, path).is_ok() {
                return Ok(());
            }
            path.deadlines.truncate(depth);
            if left == 0 || path.overdue() {
                return Err(DeadlinePassed);
            }
            path.elapsed += pause;
            pause = pause * 2;
        }
        Err(DeadlinePassed)
    }
}

/// A step that draws, or that may record a duration.
fn draws(node: &ProgramStep) -> bool {
    matches!(
        node,
        ProgramStep::Cpu(_)
            | ProgramStep::Releasing(..)
            | ProgramStep::Native(_)
            | ProgramStep::Io(_)
            | ProgramStep::Block(_)
            | ProgramStep::Transfer(..)
            | ProgramStep::Fail(..)
            | ProgramStep::Children(_, _, Some(_))
    )
}
