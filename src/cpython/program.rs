//! What simulated threads execute: tasks as flat instructions, and the tree of executors that runs them.

use crate::engine::Nanos;
use crate::scenario::{Arrivals, Bytes, Dist, LockSpec, QueueSpec, Releases, StartMethod};

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
    Acquire(u32),
    /// Gives it back.
    Release(u32),
    /// Accesses a shared object.
    Shared {
        /// Which.
        object: u32,
        /// How often.
        count: u64,
        /// Whether it is written.
        write: bool,
    },
    /// Puts an item on a queue.
    Put(u32),
    /// Takes one from it.
    Get(u32),
    /// Starts children of this class (an internal one) and waits for them.
    FanOut {
        /// Class of the children.
        class: u32,
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

/// How long a step takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Demand {
    /// Always the same.
    Constant(Nanos),
    /// Drawn from this distribution of [`Program::dists`].
    Drawn(u32),
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

/// Tasks, how they arrive, and who executes them.
#[derive(Clone, Debug)]
pub struct Program {
    /// Classes of tasks; internal ones (children) come after the scenario's own.
    pub classes: Vec<Class>,
    /// How many classes are the scenario's own.
    pub own_classes: usize,
    /// Distributions that [`Demand::Drawn`] refers to.
    pub dists: Vec<Dist>,
    /// Their means in nanoseconds, where they are known exactly ([`Dist::exact_mean`]).
    pub means: Vec<Option<f64>>,
    /// How tasks arrive.
    pub arrivals: Arrivals,
    /// Classes of a batch in order of arrival.
    pub batch: Vec<u32>,
    /// Locks.
    pub locks: Vec<LockSpec>,
    /// Queues.
    pub queues: Vec<QueueSpec>,
    /// Number of shared objects.
    pub objects: usize,
    /// Whether tasks may hold a lock across a wait: then an event loop must use its own kind of lock.
    pub lock_across_wait: Vec<bool>,
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
    /// Payloads are fresh zero memory that nobody writes: large ones are resident only where they are copied.
    pub untouched_payload: bool,
    /// CPU that the program itself spends for each task, once.
    pub dispatch: Nanos,
    /// Overshoot of CPU steps, uniform up to this.
    pub cpu_grain: Nanos,
    /// The same of native steps.
    pub native_grain: Nanos,
}
