//! Admission control: how many tasks a program lets in, and what becomes of the others.

use super::Scope;
use crate::engine::Nanos;

/// How a program protects itself from more work than it can do: by a limit on the tasks that it has at once, by the time that they have waited when a
/// worker takes them up, or by both.
///
/// It is asked of tasks that come from outside. Whoever is turned away ends as rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Most tasks that are in the system at once, whether they wait or are worked on, at least 1: the K of an M/M/c/K queue (`limit_concurrency` of
    /// uvicorn, a semaphore around a pool's `submit`). `None`: any number.
    pub limit: Option<u64>,
    /// What becomes of who comes while there are so many.
    pub full: Overflow,
    /// Whose limit it is: each process's own, who looks when it takes a request in, or that of somebody before all of them (a proxy, a load balancer), who
    /// looks when it arrives and spends none of their time. Never [`Scope::Loop`].
    pub per: Scope,
    /// By which rule tasks that have waited for too long are rejected when they are taken up; `None`: they are not.
    pub shed: Option<CoDel>,
}

impl Admission {
    /// The same with every time multiplied.
    #[must_use]
    pub fn scaled(self, by: f64) -> Self {
        let shed = self.shed.map(|c| CoDel {
            target: c.target.scale(by),
            interval: c.interval.scale(by),
        });
        Self { shed, ..self }
    }
}

/// What a bounded queue does when one more comes than it holds: `OverflowStrategy` of Akka Streams (backpressure, dropNew, dropHead), the
/// handlers of a `ThreadPoolExecutor` of Java (`AbortPolicy`, `DiscardOldestPolicy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// Whoever comes waits until there is room: pushes back (`queue.Queue.put`).
    #[default]
    Wait,
    /// Whoever comes is turned away (`put_nowait`, which raises `queue.Full`).
    Reject,
    /// The one that has waited longest gives its place up (`collections.deque` with a `maxlen`).
    DropOldest,
}

/// Load shedding by queue delay, as Folly does it (`folly/executors/Codel.cpp`; B. Maurer, "Fail at Scale", ACM Queue 13(8), 2015), after `CoDel`
/// (K. Nichols, V. Jacobson, "Controlling Queue Delay", ACM Queue 10(5), 2012): if in a whole interval nobody has waited less than the target, there is
/// a standing queue, and during the next interval whoever has waited more than twice the target is rejected when it is taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoDel {
    /// The wait that is accepted as a standing queue, above 0.
    pub target: Nanos,
    /// How long the least wait is looked for, at least the target.
    pub interval: Nanos,
}

impl CoDel {
    /// The target that is used where none is given: 5 ms, as in both articles.
    pub const TARGET: Nanos = Nanos::from_millis(5);
    /// The interval that is used where none is given: 100 ms, as in both articles.
    pub const INTERVAL: Nanos = Nanos::from_millis(100);
}
