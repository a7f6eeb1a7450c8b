//! The steps of a class, in which every place that takes a random number has an index. The program's text and its table of random numbers
//! both use these indices.

use crate::engine::Nanos;
use crate::scenario::{Dist, Locking, Releases, Step};

/// A place in a function that takes a number of its own from the table of each task.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    /// The place takes a duration, in seconds (sleeps) or in milliseconds (work).
    Time(Dist, Unit),
    /// The place takes whether the step fails.
    Fail,
    /// The place takes children with tables of their own.
    Children,
}

/// The unit in which a program states a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Milliseconds,
    Seconds,
}

impl Unit {
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
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) places: Vec<Place>,
}

/// A step. The variants are those of [`Step`]; `Acquire` and `Release` that stand round other steps have become a `Lock`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Cpu(Amount),
    Releasing(Amount, Releases),
    Native(Amount),
    Io(Amount),
    Lock(usize, Vec<Node>),
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
    InlineChildren(u64, Vec<Node>),
    /// The place of children with tables of their own, if they need any.
    Children(u64, Tree, Option<usize>),
    PayloadIn(u64),
    PayloadOut(u64),
    ObjectsIn(u64),
    ObjectsOut(u64),
    Allocate(u64),
    Hold(u64, Vec<Node>),
    Timeout(Nanos, Vec<Node>),
    Fail(f64, usize),
    Retry(u32, Nanos, Vec<Node>),
    Repeat(u64, Vec<Node>),
}

impl Tree {
    /// `own_children`: children are tasks of their own, with their own random numbers. `recorded`: a trace gives the
    /// durations, also of steps that are constant in the scenario.
    pub(super) fn new(steps: &[Step], own_children: bool, recorded: bool) -> Self {
        let mut builder = Builder {
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

struct Builder {
    own_children: bool,
    recorded: bool,
    places: Vec<Place>,
}

impl Builder {
    fn place(&mut self, place: Place) -> usize {
        self.places.push(place);
        self.places.len() - 1
    }

    fn amount(&mut self, dist: &Dist, unit: Unit) -> Amount {
        let constant = matches!(dist, Dist::Constant(_)) && !self.recorded;
        Amount {
            dist: dist.clone(),
            place: (!constant).then(|| self.place(Place::Time(dist.clone(), unit))),
        }
    }

    fn nodes(&mut self, steps: &[Step]) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut i = 0;
        while let Some(step) = steps.get(i) {
            if let Some(Locking::Takes(lock)) = step.locking()
                && let Some(length) = enclosed(lock, &steps[i + 1..])
            {
                let inner = self.nodes(&steps[i + 1..=i + length]);
                nodes.push(Node::Lock(lock, inner));
                i += length + 2;
                continue;
            }
            nodes.extend(self.node(step));
            i += 1;
        }
        nodes
    }

    fn node(&mut self, step: &Step) -> Option<Node> {
        Some(match step {
            Step::Cpu(d) => Node::Cpu(self.amount(d, Unit::Milliseconds)),
            Step::Releasing(d, releases) => {
                Node::Releasing(self.amount(d, Unit::Milliseconds), *releases)
            }
            Step::Native(d) => Node::Native(self.amount(d, Unit::Milliseconds)),
            Step::Io(d) => Node::Io(self.amount(d, Unit::Seconds)),
            Step::Lock(lock, inner) => Node::Lock(*lock, self.nodes(inner)),
            Step::Acquire(lock) => Node::Acquire(*lock),
            Step::Release(lock) => Node::Release(*lock),
            &Step::Shared {
                object,
                count,
                write,
            } => Node::Shared {
                object,
                count,
                write,
            },
            Step::Put(queue) => Node::Put(*queue),
            Step::Get(queue) => Node::Get(*queue),
            Step::FanOut { count: 0, .. } | Step::Repeat(0, _) => return None,
            Step::FanOut { count, steps } if self.own_children => {
                let tree = Tree::new(steps, true, false);
                let place = (!tree.places.is_empty()).then(|| self.place(Place::Children));
                Node::Children(*count, tree, place)
            }
            Step::FanOut { count, steps } => Node::InlineChildren(*count, self.nodes(steps)),
            Step::PayloadIn(n) => Node::PayloadIn(*n),
            Step::PayloadOut(n) => Node::PayloadOut(*n),
            Step::ObjectsIn(n) => Node::ObjectsIn(*n),
            Step::ObjectsOut(n) => Node::ObjectsOut(*n),
            Step::Allocate(n) => Node::Allocate(*n),
            Step::Hold(n, inner) => Node::Hold(*n, self.nodes(inner)),
            Step::Timeout(after, inner) => Node::Timeout(*after, self.nodes(inner)),
            Step::Fail(p) => Node::Fail(*p, self.place(Place::Fail)),
            Step::Retry {
                attempts,
                backoff,
                steps,
            } => Node::Retry(*attempts, *backoff, self.nodes(steps)),
            Step::Repeat(times, inner) => Node::Repeat(*times, self.nodes(inner)),
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

impl Tree {
    /// Calls a function for every step, including those within others.
    pub(super) fn all(&self, visit: &mut dyn FnMut(&Node)) {
        for node in &self.nodes {
            node.all(visit);
        }
    }
}

impl Node {
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
            | Self::InlineChildren(_, inner)
            | Self::Hold(_, inner)
            | Self::Timeout(_, inner)
            | Self::Retry(_, _, inner)
            | Self::Repeat(_, inner) => inner,
            Self::Children(_, tree, _) => &tree.nodes,
            _ => &[],
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
        let tree = Tree::new(&steps, true, false);
        assert!(
            matches!(&tree.nodes[..], [Node::Lock(0, inner), Node::Cpu(_)] if inner.len() == 1)
        );
        let crossed = [
            Step::Acquire(0),
            Step::Acquire(1),
            Step::Release(0),
            Step::Release(1),
        ];
        let nodes = Tree::new(&crossed, true, false).nodes;
        assert_eq!(nodes.len(), 4);
        assert_eq!(nodes[0], Node::Acquire(0));
    }

    #[test]
    fn only_what_varies_has_a_place() {
        let drawn = Step::Io(Dist::Exponential(Nanos::from_millis(1)));
        let fan = Step::FanOut {
            count: 3,
            steps: vec![drawn.clone()],
        };
        let steps = [cpu(1), drawn, Step::Fail(0.5), fan];
        assert_eq!(Tree::new(&steps, true, false).places.len(), 3);
        assert_eq!(Tree::new(&steps, true, true).places.len(), 4);
        let shared = Tree::new(&steps, false, false);
        assert!(matches!(shared.places[2], Place::Time(..)));
    }
}
