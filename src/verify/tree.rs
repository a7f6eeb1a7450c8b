//! The steps of a class, in which every place that takes a random number has an index. The program's text and its table of random numbers
//! both use these indices.

use super::retries::{Retry, drawn};
use crate::engine::Nanos;
use crate::scenario::{
    Backoff, Dist, Jitter, Locking, Offload, Placed, Pool, Releases, Sizes, Step, Strategy,
    WorkingMemory,
};

/// A place in a function that takes a number of its own from the table of each task.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Placeholder {
    /// The place takes a duration, in seconds (sleeps) or in milliseconds (work).
    Time(Dist, DurationUnit),
    /// The place takes a time-out or a pause, in seconds, once for each of so many attempts at least.
    Patience(Dist, u32),
    /// The place takes a number in [0, 1) for each of at least so many pauses.
    Chance(u32),
    /// The place takes a number of bytes.
    Size(Sizes),
    /// The place takes whether the step fails.
    Fail,
    /// The place takes children with tables of their own.
    Children,
}

/// The unit in which a program states a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DurationUnit {
    Milliseconds,
    Seconds,
}

impl DurationUnit {
    /// A duration in this unit, exact to the nanosecond.
    pub(super) fn of(self, time: Nanos) -> f64 {
        time.as_f64()
            / match self {
                Self::Milliseconds => 1e6,
                Self::Seconds => 1e9,
            }
    }
}

/// How long a step takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Amount {
    /// The duration as the scenario gives it.
    pub(super) dist: Dist,
    /// The index of its number in the table; `None` if it is a constant of the program.
    pub(super) place: Option<usize>,
}

/// Steps with their places.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct StepTree {
    pub(super) nodes: Vec<ProgramStep>,
    pub(super) places: Vec<Placeholder>,
}

/// A step. The variants are those of [`Step`]; `Acquire` and `Release` that stand round other steps have become a `Lock`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ProgramStep {
    Cpu(Amount),
    Releasing(Amount, Releases),
    Native(Amount),
    /// Native code whose time so many threads of its own share.
    Team(Amount, u32),
    Io(Amount),
    Block(Amount),
    Transfer(usize, Amount),
    Lock(usize, Vec<ProgramStep>),
    Use(usize, Vec<ProgramStep>),
    Acquire(usize),
    Release(usize),
    Shared {
        object: usize,
        count: u64,
        write: bool,
    },
    Put(usize),
    Get(usize),
    /// The steps of children that share their parent's table.
    InlineChildren(Offspring, Vec<ProgramStep>),
    /// The place of children with tables of their own, if they need any.
    Children(Offspring, StepTree, Option<usize>),
    PayloadIn(u64),
    PayloadOut(u64),
    ObjectsIn(u64),
    ObjectsOut(u64),
    Allocate(u64),
    Leak(u64),
    /// Working memory: the size, or the place of the table where each task has its own.
    Hold(WorkingMemory, Option<usize>, Vec<ProgramStep>),
    Timeout(Amount, Vec<ProgramStep>),
    Fail(f64, usize),
    Retry(Retry),
    Repeat(u64, Vec<ProgramStep>),
    /// Steps that a worker executes as one call.
    Call(Call),
    /// Steps that stay on an event loop that offloads all else.
    OnLoop(Vec<ProgramStep>),
}

/// Number of children, and how many of them have to succeed, if not all are waited for however they end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offspring {
    pub(super) count: u64,
    pub(super) need: Option<u64>,
}

/// A call that a coroutine makes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    /// Whose worker executes it.
    pub(super) to: CallPool,
    /// Whether that worker is a process or an interpreter of its own.
    pub(super) pool: Pool,
    /// The places of its steps: from the first up to the second, which is none of them.
    pub(super) places: (usize, usize),
    pub(super) steps: Vec<ProgramStep>,
}

/// Whose worker executes a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CallPool {
    /// The pool that all work goes to.
    Default,
    /// The event loop's own default executor.
    OfLoop,
    /// The pool of this name.
    Named(String),
}

/// Who executes the steps that are being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Task,
    Call,
    Loop,
}

impl StepTree {
    /// The steps of a task, which may say who executes them if it is a coroutine: `looped` is then the strategy of its event loop.
    /// `own_children`: children are tasks of their own, with their own random numbers. `recorded`: a trace gives the durations, also of
    /// steps that are constant in the scenario.
    pub(super) fn new(
        looped: Option<&Strategy>,
        steps: &[Step],
        own_children: bool,
        recorded: bool,
    ) -> Self {
        let mut builder = StepTreeBuilder {
            looped,
            within: Within::Task,
            own_children,
            recorded,
            places: Vec::new(),
        };
        let nodes = builder.nodes(steps);
        Self {
            nodes,
            places: builder.places,
        }
    }
}

struct StepTreeBuilder<'s> {
    looped: Option<&'s Strategy>,
    within: Within,
    own_children: bool,
    recorded: bool,
    places: Vec<Placeholder>,
}

impl StepTreeBuilder<'_> {
    fn place(&mut self, place: Placeholder) -> usize {
        self.places.push(place);
        self.places.len() - 1
    }

    fn amount(&mut self, dist: &Dist, unit: DurationUnit) -> Amount {
        let constant = matches!(dist, Dist::Constant(_)) && !self.recorded;
        Amount {
            dist: dist.clone(),
            place: (!constant).then(|| self.place(Placeholder::Time(dist.clone(), unit))),
        }
    }

    /// A time-out or a pause, which no trace records.
    fn patience(&mut self, dist: &Dist, least: u32) -> Amount {
        let place = Placeholder::Patience(dist.clone(), least);
        Amount {
            dist: dist.clone(),
            place: drawn(dist).then(|| self.place(place)),
        }
    }

    fn retry(&mut self, attempts: u32, backoff: &Backoff, steps: &[Step]) -> Retry {
        let pauses = attempts.saturating_sub(1);
        let base = self.patience(&backoff.base, pauses);
        let jitters = backoff.jitter != Jitter::None;
        let chance = jitters.then(|| self.place(Placeholder::Chance(pauses)));
        Retry {
            attempts,
            backoff: backoff.clone(),
            base,
            chance,
            steps: self.nodes(steps),
        }
    }

    fn nodes(&mut self, steps: &[Step]) -> Vec<ProgramStep> {
        let mut nodes = Vec::new();
        let mut i = 0;
        while let Some(step) = steps.get(i) {
            if let Some(Locking::Takes(lock)) = step.locking()
                && let Some(length) = enclosed(lock, &steps[i + 1..])
            {
                let inner = self.nodes(&steps[i + 1..=i + length]);
                nodes.push(ProgramStep::Lock(lock, inner));
                i += length + 2;
                continue;
            }
            if let Some(placed) = step.placed() {
                let inner = step.inside().map_or(&[][..], |i| i.steps);
                self.placed(placed, inner, &mut nodes);
            } else {
                nodes.extend(self.node(step));
            }
            i += 1;
        }
        nodes
    }

    /// What becomes of steps that say who executes them: a call, a block that stays on the loop, or just the steps.
    fn placed(&mut self, placed: Placed<'_>, inner: &[Step], nodes: &mut Vec<ProgramStep>) {
        let Some(strategy) = self.looped.filter(|_| self.within != Within::Call) else {
            nodes.extend(self.nodes(inner));
            return;
        };
        let default: Pool = strategy.execution().pool;
        let call = match placed {
            Placed::Loop => None,
            Placed::Call(to) => {
                let named = strategy.pools().iter().find(|p| to == Some(&p.name));
                match named {
                    Some(pool) if pool.workers == Offload::None => None,
                    Some(pool) => Some((CallPool::Named(pool.name.clone()), pool.workers.into())),
                    None if default == Pool::Nobody => Some((CallPool::OfLoop, default)),
                    None => Some((CallPool::Default, default)),
                }
            }
        };
        let around = self.within;
        if let Some((to, pool)) = call {
            // The worker runs children itself.
            let own_children = std::mem::replace(&mut self.own_children, false);
            self.within = Within::Call;
            let first = self.places.len();
            let steps = self.nodes(inner);
            let places = (first, self.places.len());
            self.own_children = own_children;
            nodes.push(ProgramStep::Call(Call {
                to,
                pool,
                places,
                steps,
            }));
        } else if default == Pool::Nobody || around == Within::Loop {
            nodes.extend(self.nodes(inner));
        } else {
            self.within = Within::Loop;
            let steps = self.nodes(inner);
            nodes.push(ProgramStep::OnLoop(steps));
        }
        self.within = around;
    }

    fn node(&mut self, step: &Step) -> Option<ProgramStep> {
        Some(match step {
            Step::Cpu(d) => ProgramStep::Cpu(self.amount(d, DurationUnit::Milliseconds)),
            Step::Releasing(d, releases) => {
                ProgramStep::Releasing(self.amount(d, DurationUnit::Milliseconds), *releases)
            }
            Step::Native(d) => ProgramStep::Native(self.amount(d, DurationUnit::Milliseconds)),
            Step::Team(d, threads) => {
                ProgramStep::Team(self.amount(d, DurationUnit::Milliseconds), *threads)
            }
            Step::Io(d) => ProgramStep::Io(self.amount(d, DurationUnit::Seconds)),
            Step::Block(d) => ProgramStep::Block(self.amount(d, DurationUnit::Seconds)),
            Step::Transfer(device, alone) => {
                ProgramStep::Transfer(*device, self.amount(alone, DurationUnit::Seconds))
            }
            Step::Lock(lock, inner) => ProgramStep::Lock(*lock, self.nodes(inner)),
            Step::Use(resource, inner) => ProgramStep::Use(*resource, self.nodes(inner)),
            Step::Acquire(lock) => ProgramStep::Acquire(*lock),
            Step::Release(lock) => ProgramStep::Release(*lock),
            &Step::Shared {
                object,
                count,
                write,
            } => ProgramStep::Shared {
                object,
                count,
                write,
            },
            Step::Put(queue) => ProgramStep::Put(*queue),
            Step::Get(queue) => ProgramStep::Get(*queue),
            // Where steps are placed is read by `nodes`.
            Step::FanOut { count: 0, .. }
            | Step::Repeat(0, _)
            | Step::Offload { .. }
            | Step::Inline(_) => return None,
            &Step::FanOut {
                count,
                need,
                ref steps,
            } if self.own_children => {
                let tree = StepTree::new(self.looped, steps, true, false);
                let place = (!tree.places.is_empty()).then(|| self.place(Placeholder::Children));
                ProgramStep::Children(Offspring { count, need }, tree, place)
            }
            &Step::FanOut {
                count,
                need,
                ref steps,
            } => ProgramStep::InlineChildren(Offspring { count, need }, self.nodes(steps)),
            Step::PayloadIn(n) => ProgramStep::PayloadIn(*n),
            Step::PayloadOut(n) => ProgramStep::PayloadOut(*n),
            Step::ObjectsIn(n) => ProgramStep::ObjectsIn(*n),
            Step::ObjectsOut(n) => ProgramStep::ObjectsOut(*n),
            Step::Allocate(n) => ProgramStep::Allocate(*n),
            Step::Leak(n) => ProgramStep::Leak(*n),
            Step::Hold(memory, inner) => {
                let drawn = !matches!(memory.size.0, Dist::Constant(_));
                let place = drawn.then(|| self.place(Placeholder::Size(memory.size.clone())));
                ProgramStep::Hold(memory.clone(), place, self.nodes(inner))
            }
            Step::Timeout(after, inner) => {
                let after = self.patience(after, 1);
                ProgramStep::Timeout(after, self.nodes(inner))
            }
            Step::Fail(p) => ProgramStep::Fail(*p, self.place(Placeholder::Fail)),
            Step::Retry {
                attempts,
                backoff,
                steps,
            } => ProgramStep::Retry(self.retry(*attempts, backoff, steps)),
            Step::Repeat(times, inner) => ProgramStep::Repeat(*times, self.nodes(inner)),
        })
    }
}

/// The number of steps between an `Acquire` and its `Release`, if no other lock is held across either of them.
fn enclosed(lock: usize, after: &[Step]) -> Option<usize> {
    let length = after
        .iter()
        .position(|s| s.locking() == Some(Locking::Gives(lock)))?;
    let mut open: Vec<usize> = Vec::new();
    for step in &after[..length] {
        match step.locking() {
            Some(Locking::Takes(l)) => open.push(l),
            Some(Locking::Gives(l)) => {
                open.remove(open.iter().rposition(|o| *o == l)?);
            }
            None => {}
        }
    }
    open.is_empty().then_some(length)
}

impl StepTree {
    /// Calls a function for every step, including those within others.
    pub(super) fn all(&self, visit: &mut dyn FnMut(&ProgramStep)) {
        for node in &self.nodes {
            node.all(visit);
        }
    }
}

impl ProgramStep {
    fn all(&self, visit: &mut dyn FnMut(&Self)) {
        visit(self);
        for node in self.inner() {
            node.all(visit);
        }
    }

    /// The steps within this one.
    pub(super) fn inner(&self) -> &[Self] {
        match self {
            Self::Lock(_, inner)
            | Self::Use(_, inner)
            | Self::InlineChildren(_, inner)
            | Self::Hold(_, _, inner)
            | Self::Timeout(_, inner)
            | Self::Repeat(_, inner)
            | Self::OnLoop(inner) => inner,
            Self::Retry(retry) => &retry.steps,
            Self::Call(call) => &call.steps,
            Self::Children(_, tree, _) => &tree.nodes,
            _ => &[],
        }
    }

    /// The children that this step starts, if it starts any.
    pub(super) fn offspring(&self) -> Option<Offspring> {
        match self {
            Self::InlineChildren(children, _) | Self::Children(children, ..) => Some(*children),
            _ => None,
        }
    }

    /// Whether this step, or one within it, meets the condition.
    pub(super) fn any(&self, is: &dyn Fn(&Self) -> bool) -> bool {
        is(self) || self.inner().iter().any(|n| n.any(is))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpu(ms: u64) -> Step {
        Step::Cpu(Dist::Constant(Nanos::from_millis(ms)))
    }

    #[test]
    fn locks_that_enclose_steps_become_blocks() {
        let steps = [Step::Acquire(0), cpu(1), Step::Release(0), cpu(2)];
        let tree = StepTree::new(None, &steps, true, false);
        assert!(
            matches!(&tree.nodes[..], [ProgramStep::Lock(0, inner), ProgramStep::Cpu(_)] if inner.len() == 1)
        );
        let crossed = [
            Step::Acquire(0),
            Step::Acquire(1),
            Step::Release(0),
            Step::Release(1),
        ];
        let nodes = StepTree::new(None, &crossed, true, false).nodes;
        assert_eq!(nodes.len(), 4);
        assert_eq!(nodes[0], ProgramStep::Acquire(0));
    }

    #[test]
    fn only_what_varies_has_a_place() {
        let drawn = Step::Io(Dist::Exponential(Nanos::from_millis(1)));
        let fan = Step::FanOut {
            count: 3,
            need: None,
            steps: vec![drawn.clone()],
        };
        let steps = [cpu(1), drawn, Step::Fail(0.5), fan];
        assert_eq!(StepTree::new(None, &steps, true, false).places.len(), 3);
        assert_eq!(StepTree::new(None, &steps, true, true).places.len(), 4);
        let shared = StepTree::new(None, &steps, false, false);
        assert!(matches!(shared.places[2], Placeholder::Time(..)));
    }
}
