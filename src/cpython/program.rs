//! What simulated threads execute: tasks as flat instructions, and the tree of executors that runs them.

use typed_index_collections::TiVec;

pub use crate::cpython::index::{ClassIndex, DistIndex, LockNumber, ObjectIndex, QueueIndex};
use crate::engine::Nanos;
use crate::machine::Cause;
use crate::scenario::{
    Arrivals, Bytes, Dist, LockSpec, ObjectSpec, QueueSpec, Releases, StartMethod,
};

/// One instruction of a task. Blocks are flattened: `Enter...` pushes a frame that its `Leave...` pops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Instr {
    /// Bytecode under the GIL; the demand is a constant or distribution number `dist`.
    Cpu(Demand),
    /// The same by code that gives the GIL up now and then; the mean of the demand in nanoseconds.
    Releasing(Demand, f64, Releases),
    /// Work without the GIL.
    Native(Demand),
    /// Waiting for something outside.
    Io(Demand),
    /// Takes a lock.
    Acquire(LockNumber),
    /// Gives it back.
    Release(LockNumber),
    /// Accesses a shared object.
    Shared {
        /// Which.
        object: ObjectIndex,
        /// How often.
        count: u64,
        /// Whether it is written.
        write: bool,
    },
    /// Puts an item on a queue.
    Put(QueueIndex),
    /// Takes one from it.
    Get(QueueIndex),
    /// Starts children of this class (an internal one) and waits for them.
    FanOut {
        /// Class of the children.
        class: ClassIndex,
        /// How many.
        count: u64,
    },
    /// Bytes that came with the task.
    PayloadIn(Bytes),
    /// Bytes that go back with the result.
    PayloadOut(Bytes),
    /// Container objects made.
    Allocate(u64),
    /// Working memory taken.
    EnterHold(Bytes),
    /// Working memory given back.
    LeaveHold,
    /// A deadline starts.
    EnterTimeout(Nanos),
    /// It is lifted.
    LeaveTimeout,
    /// Fails with this probability.
    Fail(f64),
    /// A block that is tried several times.
    EnterRetry {
        /// Attempts in all.
        attempts: u32,
        /// First pause.
        backoff: Nanos,
    },
    /// The block has succeeded.
    LeaveRetry,
    /// A loop starts.
    EnterRepeat(u64),
    /// Back to the start of the loop while rounds are left.
    LeaveRepeat,
    /// The task is done.
    End,
}

/// Who executes an instruction of a coroutine whose work is offloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffloadSide {
    /// A worker.
    Worker,
    /// The event loop: it is a wait, or the end.
    Loop,
    /// The loop where this lock is held across waits (then it is awaited), else a worker.
    OfLock(LockNumber),
    /// Whoever comes to it: a block begins or ends.
    Either,
}

/// What an instruction's own time is spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnCore {
    /// Bytecode under the GIL.
    Bytecode,
    /// Bytecode that gives the GIL up now and then.
    Releasing,
    /// Work without the GIL.
    Native,
}

/// What a task may wait for at an instruction until another task, or a child, does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// A lock.
    Lock(LockNumber),
    /// An item of a queue.
    Item(QueueIndex),
    /// Room in a queue.
    Room(QueueIndex),
    /// So many children.
    Children(u64),
}

/// All that is asked of an instruction.
#[derive(Clone, Copy)]
struct InstrTraits {
    side: OffloadSide,
    /// A step of the scenario begins with it; otherwise it ends one (or the task).
    step: bool,
    /// It can take time: only of those it is worth saying that they come next.
    takes_time: bool,
    work: Option<OnCore>,
    awaits: Option<Awaited>,
    /// The shared object that it accesses.
    accesses: Option<ObjectIndex>,
    /// Bytes that go to the worker with what it is a part of.
    payload_in: Bytes,
    /// It takes memory for the steps that follow.
    holds: bool,
}

impl InstrTraits {
    /// A step that is done at once by whoever executes the work.
    const AT_ONCE: Self = Self {
        side: OffloadSide::Worker,
        step: true,
        takes_time: false,
        work: None,
        awaits: None,
        accesses: None,
        payload_in: 0,
        holds: false,
    };
    /// The begin of a block.
    const ENTER: Self = Self {
        side: OffloadSide::Either,
        ..Self::AT_ONCE
    };
    /// The end of a block.
    const LEAVE: Self = Self {
        step: false,
        ..Self::ENTER
    };

    #[inline]
    const fn working(work: OnCore) -> Self {
        Self {
            takes_time: true,
            work: Some(work),
            ..Self::AT_ONCE
        }
    }

    #[inline]
    const fn awaiting(side: OffloadSide, awaited: Awaited) -> Self {
        Self {
            side,
            takes_time: true,
            awaits: Some(awaited),
            ..Self::AT_ONCE
        }
    }
}

impl Instr {
    /// The description: one arm a kind of instruction.
    #[inline]
    const fn about(self) -> InstrTraits {
        match self {
            Self::Cpu(_) => InstrTraits::working(OnCore::Bytecode),
            Self::Releasing(..) => InstrTraits::working(OnCore::Releasing),
            Self::Native(_) => InstrTraits::working(OnCore::Native),
            Self::Io(_) => InstrTraits {
                side: OffloadSide::Loop,
                takes_time: true,
                ..InstrTraits::AT_ONCE
            },
            Self::Acquire(lock) => {
                InstrTraits::awaiting(OffloadSide::OfLock(lock), Awaited::Lock(lock))
            }
            Self::Release(lock) => InstrTraits {
                side: OffloadSide::OfLock(lock),
                ..InstrTraits::LEAVE
            },
            Self::Shared {
                object,
                count: _,
                write: _,
            } => InstrTraits {
                takes_time: true,
                accesses: Some(object),
                ..InstrTraits::AT_ONCE
            },
            Self::Put(queue) => InstrTraits::awaiting(OffloadSide::Loop, Awaited::Room(queue)),
            Self::Get(queue) => InstrTraits::awaiting(OffloadSide::Loop, Awaited::Item(queue)),
            Self::FanOut { class: _, count } => {
                InstrTraits::awaiting(OffloadSide::Loop, Awaited::Children(count))
            }
            Self::PayloadIn(bytes) => InstrTraits {
                payload_in: bytes,
                ..InstrTraits::AT_ONCE
            },
            Self::PayloadOut(_) | Self::Allocate(_) | Self::Fail(_) => InstrTraits::AT_ONCE,
            Self::EnterHold(_) => InstrTraits {
                holds: true,
                ..InstrTraits::ENTER
            },
            Self::EnterTimeout(_) | Self::EnterRetry { .. } | Self::EnterRepeat(_) => {
                InstrTraits::ENTER
            }
            Self::LeaveHold | Self::LeaveTimeout | Self::LeaveRetry | Self::LeaveRepeat => {
                InstrTraits::LEAVE
            }
            Self::End => InstrTraits {
                side: OffloadSide::Loop,
                ..InstrTraits::LEAVE
            },
        }
    }

    /// Who executes it where work is offloaded.
    #[inline]
    #[must_use]
    pub const fn side(self) -> OffloadSide {
        self.about().side
    }

    /// Whether a step of the scenario begins with it, rather than ends.
    #[must_use]
    pub const fn is_step(self) -> bool {
        self.about().step
    }

    /// Whether it can take time by itself.
    #[must_use]
    pub const fn takes_time(self) -> bool {
        self.about().takes_time
    }

    /// What its own time is spent on; `None` where no core is needed, or only for what the profile says.
    #[must_use]
    pub const fn work(self) -> Option<OnCore> {
        self.about().work
    }

    /// What a task may wait for there until another does something.
    #[must_use]
    pub const fn awaits(self) -> Option<Awaited> {
        self.about().awaits
    }

    /// The shared object that it accesses.
    #[must_use]
    pub const fn accesses(self) -> Option<ObjectIndex> {
        self.about().accesses
    }

    /// How many children it starts.
    #[must_use]
    pub const fn children(self) -> Option<u64> {
        match self.awaits() {
            Some(Awaited::Children(count)) => Some(count),
            Some(Awaited::Lock(_) | Awaited::Item(_) | Awaited::Room(_)) | None => None,
        }
    }

    /// Bytes that go to the worker with what it is a part of.
    #[must_use]
    pub const fn payload_in(self) -> Bytes {
        self.about().payload_in
    }

    /// Whether it takes memory for the steps that follow.
    #[inline]
    #[must_use]
    pub const fn holds(self) -> bool {
        self.about().holds
    }

    /// The class of the children that it starts.
    pub fn children_mut(&mut self) -> Option<&mut ClassIndex> {
        match self {
            Self::FanOut { class, count: _ } => Some(class),
            Self::Cpu(_)
            | Self::Releasing(..)
            | Self::Native(_)
            | Self::Io(_)
            | Self::Acquire(_)
            | Self::Release(_)
            | Self::Shared { .. }
            | Self::Put(_)
            | Self::Get(_)
            | Self::PayloadIn(_)
            | Self::PayloadOut(_)
            | Self::Allocate(_)
            | Self::EnterHold(_)
            | Self::LeaveHold
            | Self::EnterTimeout(_)
            | Self::LeaveTimeout
            | Self::Fail(_)
            | Self::EnterRetry { .. }
            | Self::LeaveRetry
            | Self::EnterRepeat(_)
            | Self::LeaveRepeat
            | Self::End => None,
        }
    }
}

/// How long a step takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Demand {
    /// Always the same.
    Constant(Nanos),
    /// Drawn from this distribution of [`Program::dists`].
    Drawn(DistIndex),
}

/// A class of tasks.
#[derive(Clone, Debug)]
pub struct Class {
    /// Name.
    pub name: String,
    /// Instructions; the last is [`Instr::End`].
    pub code: Vec<Instr>,
    /// Bytes sent to a worker with the whole task.
    pub bytes_in: Bytes,
    /// Objects pickled one by one on the way there, and back.
    pub objects: (u64, u64),
    /// Relative frequency among open and closed arrivals.
    pub weight: f64,
    /// Share, from 0 to 1, of the program's objects that its steps walk.
    pub touches: f64,
}

/// Which executor a task body runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executor {
    /// The submitting thread itself.
    Inline,
    /// A thread for each task.
    RawThreads,
    /// A pool of threads, at most so many.
    Threads(u32),
    /// A pool of threads each with an interpreter of its own.
    Interpreters(u32),
    /// `ProcessPoolExecutor`.
    Processes(u32, StartMethod),
    /// `multiprocessing.Pool`, with its chunk size (0: what `map` chooses).
    MpPool(u32, StartMethod, u32),
}

/// What each main process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Copies of the program, as an application server forks them; 1 is the main process itself.
    pub copies: u32,
    /// An event loop takes the tasks in, rather than the main thread.
    pub event_loop: bool,
    /// At most so many tasks at once on the loop.
    pub limit: Option<u32>,
    /// Where task bodies (or, under an event loop, blocking work) go.
    pub executor: Executor,
}

impl Program {
    /// Whether tasks have children.
    #[inline]
    pub fn has_children(&self) -> bool {
        self.classes.len() > self.own_classes
    }
}

#[cfg(test)]
impl Program {
    /// One without tasks and costs of its own.
    pub(crate) fn bare(executor: Executor) -> Self {
        Self {
            classes: TiVec::new(),
            own_classes: 0,
            dists: TiVec::new(),
            means: TiVec::new(),
            arrivals: Arrivals::Batch,
            batch: Vec::new(),
            locks: TiVec::new(),
            queues: TiVec::new(),
            objects: TiVec::new(),
            lock_across_wait: TiVec::new(),
            layout: Layout {
                copies: 1,
                event_loop: false,
                limit: None,
                executor,
            },
            import_time: Nanos::ZERO,
            import_memory: 0,
            live_objects: 0,
            object_memory: 0,
            frozen: false,
            preloadable: true,
            untouched_payload: false,
            dispatch: Nanos::ZERO,
            cpu_grain: Nanos::ZERO,
            native_grain: Nanos::ZERO,
        }
    }
}

/// Tasks, how they arrive, and who executes them.
#[derive(Clone, Debug)]
pub struct Program {
    /// Classes of tasks; internal ones (children) come after the scenario's own.
    pub classes: TiVec<ClassIndex, Class>,
    /// How many classes are the scenario's own.
    pub own_classes: usize,
    /// Distributions that [`Demand::Drawn`] refers to.
    pub dists: TiVec<DistIndex, Dist>,
    /// Their means in nanoseconds, where they are known exactly ([`Dist::exact_mean`]).
    pub means: TiVec<DistIndex, Option<f64>>,
    /// How tasks arrive.
    pub arrivals: Arrivals,
    /// Classes of a batch in order of arrival.
    pub batch: Vec<ClassIndex>,
    /// Locks.
    pub locks: TiVec<LockNumber, LockSpec>,
    /// Queues.
    pub queues: TiVec<QueueIndex, QueueSpec>,
    /// Shared objects.
    pub objects: TiVec<ObjectIndex, ObjectSpec>,
    /// Whether tasks may hold a lock across a wait: then an event loop must use its own kind of lock.
    pub lock_across_wait: TiVec<LockNumber, bool>,
    /// Who executes.
    pub layout: Layout,
    /// CPU of importing the program's own modules.
    pub import_time: Nanos,
    /// Private memory of the same.
    pub import_memory: Bytes,
    /// Live container objects of each process at its start that a full collection looks at.
    pub live_objects: u64,
    /// How much of [`Self::import_memory`] is objects, rather than large buffers.
    pub object_memory: Bytes,
    /// `gc.freeze()` keeps full collections away from what the program has imported.
    pub frozen: bool,
    /// A fork server finds the main module to preload.
    pub preloadable: bool,
    /// Payloads are fresh zero memory that nobody writes: large ones are resident only where they are copied.
    pub untouched_payload: bool,
    /// CPU that the program itself spends for each task, once.
    pub dispatch: Nanos,
    /// Overshoot of CPU steps, uniform up to this.
    pub cpu_grain: Nanos,
    /// The same of native steps.
    pub native_grain: Nanos,
}

impl Program {
    /// What the tasks of a batch wait for once, before all else, rather than between their steps: a worker, or the loop's limit. A batch
    /// arrives at once, so that this grows with its size and says nothing of what its tasks do. Elsewhere there is none.
    pub(crate) fn turn(&self) -> Option<Cause> {
        match self.arrivals {
            Arrivals::Batch if self.layout.event_loop => Some(Cause::Limit),
            Arrivals::Batch => Some(Cause::Pool),
            Arrivals::Open { .. } | Arrivals::Closed { .. } | Arrivals::Trace(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_is_described() {
        let none = || (None, None);
        let time = Demand::Constant(Nanos(1));
        let given = Releases {
            count: 1,
            released: Nanos(1),
        };
        let (worker, on_loop, either) =
            (OffloadSide::Worker, OffloadSide::Loop, OffloadSide::Either);
        // Side, whether a step begins, whether it can take time, work, what is awaited.
        for (instr, side, step, takes_time, (work, awaits)) in [
            (
                Instr::Cpu(time),
                worker,
                true,
                true,
                (Some(OnCore::Bytecode), None),
            ),
            (
                Instr::Releasing(time, 1.0, given),
                worker,
                true,
                true,
                (Some(OnCore::Releasing), None),
            ),
            (
                Instr::Native(time),
                worker,
                true,
                true,
                (Some(OnCore::Native), None),
            ),
            (Instr::Io(time), on_loop, true, true, none()),
            (
                Instr::Acquire(LockNumber::from(3)),
                OffloadSide::OfLock(LockNumber::from(3)),
                true,
                true,
                (None, Some(Awaited::Lock(LockNumber::from(3)))),
            ),
            (
                Instr::Release(LockNumber::from(3)),
                OffloadSide::OfLock(LockNumber::from(3)),
                false,
                false,
                none(),
            ),
            (
                Instr::Shared {
                    object: ObjectIndex::from(8),
                    count: 1,
                    write: true,
                },
                worker,
                true,
                true,
                none(),
            ),
            (
                Instr::Put(QueueIndex::from(4)),
                on_loop,
                true,
                true,
                (None, Some(Awaited::Room(QueueIndex::from(4)))),
            ),
            (
                Instr::Get(QueueIndex::from(4)),
                on_loop,
                true,
                true,
                (None, Some(Awaited::Item(QueueIndex::from(4)))),
            ),
            (
                Instr::FanOut {
                    class: ClassIndex::from(5),
                    count: 6,
                },
                on_loop,
                true,
                true,
                (None, Some(Awaited::Children(6))),
            ),
            (Instr::PayloadIn(7), worker, true, false, none()),
            (Instr::PayloadOut(7), worker, true, false, none()),
            (Instr::Allocate(7), worker, true, false, none()),
            (Instr::EnterHold(7), either, true, false, none()),
            (Instr::LeaveHold, either, false, false, none()),
            (Instr::EnterTimeout(Nanos(1)), either, true, false, none()),
            (Instr::LeaveTimeout, either, false, false, none()),
            (Instr::Fail(0.5), worker, true, false, none()),
            (
                Instr::EnterRetry {
                    attempts: 2,
                    backoff: Nanos(1),
                },
                either,
                true,
                false,
                none(),
            ),
            (Instr::LeaveRetry, either, false, false, none()),
            (Instr::EnterRepeat(2), either, true, false, none()),
            (Instr::LeaveRepeat, either, false, false, none()),
            (Instr::End, on_loop, false, false, none()),
        ] {
            assert_eq!(
                (instr.side(), instr.is_step(), instr.takes_time()),
                (side, step, takes_time),
                "{instr:?}"
            );
            assert_eq!((instr.work(), instr.awaits()), (work, awaits), "{instr:?}");
            let shared = matches!(instr, Instr::Shared { .. }).then_some(8);
            assert_eq!(instr.accesses(), shared.map(ObjectIndex::from), "{instr:?}");
            assert_eq!(
                instr.payload_in() > 0,
                instr == Instr::PayloadIn(7),
                "{instr:?}"
            );
            assert_eq!(instr.holds(), instr == Instr::EnterHold(7), "{instr:?}");
            let mut copy = instr;
            assert_eq!(
                copy.children_mut().is_some(),
                awaits == Some(Awaited::Children(6))
            );
        }
    }
}
