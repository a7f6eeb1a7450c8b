//! What simulated threads execute: tasks as flat instructions, and the tree of executors that runs them.

use typed_index_collections::TiVec;

pub(crate) use crate::cpython::index::{
    BackoffIndex, CallIndex, ClassIndex, DeviceNumber, DistIndex, ExecutorIndex, LockNumber,
    ObjectIndex, QueueIndex, ResourceNumber,
};
use crate::cpython::index::{PoolIndex, ProcessPoolIndex};
use crate::engine::Nanos;
use crate::machine::Cause;
use crate::scenario::{
    Accepting, Admission, Arrivals, Autoscale, Backoff, Bytes, Client, DeviceSpec, Dist, Fault,
    FaultKind, Lifecycle, LockSpec, Nodes, ObjectSpec, QueueSpec, Releases, RequestHandling,
    ResourceSpec, StartMethod,
};

/// One instruction of a task. Blocks are flattened: an `Enter...` instruction pushes a frame, which its `Leave...` pops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Instr {
    /// Bytecode under the GIL for the given demand.
    Cpu(Demand),
    /// A server's own handling of a request, as bytecode under the GIL: what the interpreter's profile says of this kind of worker.
    Handle(RequestHandling),
    /// Bytecode that releases the GIL now and then: its demand, the mean of that demand in nanoseconds, and the releases.
    Releasing(Demand, f64, Releases),
    /// Work without the GIL.
    Native(Demand),
    /// Work without the GIL, divided among so many threads.
    Team(Demand, u32),
    /// A wait for something outside the program.
    Io(Demand),
    /// A blocking call: its thread sleeps.
    Block(Demand),
    /// A transfer by a device: what it takes alone.
    Transfer(DeviceNumber, Demand),
    /// Acquires a lock.
    Acquire(LockNumber),
    /// Releases a lock.
    Release(LockNumber),
    /// Takes a permit, a connection or a token of a resource.
    EnterUse(ResourceNumber),
    /// Gives it back.
    LeaveUse(ResourceNumber),
    /// Accesses a shared object.
    Shared {
        /// The object.
        object: ObjectIndex,
        /// Number of accesses.
        count: u64,
        /// Whether they write; otherwise they read.
        write: bool,
    },
    /// Puts an item on a queue; waits while the queue is full.
    Put(QueueIndex),
    /// Takes an item from a queue; waits while the queue is empty.
    Get(QueueIndex),
    /// Starts children of an internal class and waits for all of them, or until enough have succeeded.
    FanOut {
        /// Class of the children.
        class: ClassIndex,
        /// Number of children.
        count: u64,
        /// How many have to succeed, at most `count`; the rest is then cancelled. `None`: all are waited for, however they end.
        need: Option<u64>,
    },
    /// Bytes that travel to the worker with the task.
    PayloadIn(Bytes),
    /// Bytes that travel back with the result.
    PayloadOut(Bytes),
    /// Allocates so many container objects.
    Allocate(u64),
    /// Takes so much memory that is given back with the process only.
    Leak(Bytes),
    /// Takes working memory: bytes, and how much of it the process keeps afterwards, in parts per million.
    EnterHold(Bytes, u32),
    /// Takes as much as is drawn from this distribution of sizes.
    EnterHoldDrawn(DistIndex, u32),
    /// Gives the working memory of the innermost hold back.
    LeaveHold,
    /// Starts a deadline, so long from now.
    EnterTimeout(Demand),
    /// Lifts the innermost deadline.
    LeaveTimeout,
    /// Fails with this probability, from 0 to 1.
    Fail(f64),
    /// Begins a block that is retried on failure.
    EnterRetry {
        /// Attempts in all, the first included.
        attempts: u32,
        /// The pauses between attempts.
        backoff: BackoffIndex,
    },
    /// Leaves the block after a successful attempt.
    LeaveRetry,
    /// Begins a loop of so many rounds.
    EnterRepeat(u64),
    /// Jumps back to the start of the loop while rounds are left.
    LeaveRepeat,
    /// On an event loop: hands the instructions that follow, so many of them, to an executor as one call.
    EnterCall(CallIndex, u32),
    /// The end of a call: what follows is the loop's again.
    LeaveCall,
    /// Begins a block that the event loop executes itself although work is offloaded.
    EnterInline,
    /// Ends that block.
    LeaveInline,
    /// The task is done.
    End,
}

/// Who executes an instruction of a coroutine whose blocking work is offloaded to an executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OffloadSide {
    /// A worker of the executor.
    Worker,
    /// The event loop, because the instruction is a wait or the end of the task.
    Loop,
    /// The event loop if this lock is held across waits (it is then an `asyncio.Lock`), else a worker.
    OfLock(LockNumber),
    /// Whoever comes to it, because the instruction only begins or ends a block.
    Either,
}

/// How an instruction spends its own demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnCore {
    /// As bytecode under the GIL.
    Bytecode,
    /// As bytecode that releases the GIL now and then.
    Releasing,
    /// As work without the GIL.
    Native,
}

/// What a task may wait for at an instruction until another task or a child acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// A lock.
    Lock(LockNumber),
    /// An item of a queue.
    Item(QueueIndex),
    /// Room in a queue.
    Room(QueueIndex),
    /// Something of a resource.
    Resource(ResourceNumber),
    /// The ends of so many children.
    Children(u64),
}

/// Description of an instruction: the answers to all questions that are asked about it.
#[derive(Clone, Copy)]
struct InstrTraits {
    side: OffloadSide,
    /// Whether a step of the scenario begins with it; otherwise it ends one, or ends the task.
    step: bool,
    /// Whether it can take time. Snapshots name only such instructions as the next step.
    takes_time: bool,
    work: Option<OnCore>,
    awaits: Option<Awaited>,
    /// The shared object that it accesses, if any.
    accesses: Option<ObjectIndex>,
    /// Bytes that travel to the worker with the part that it belongs to.
    payload_in: Bytes,
    /// Bytes that travel back with the result, if it says how many.
    payload_out: Option<Bytes>,
    /// Whether it takes memory for the steps that follow.
    holds: bool,
    /// Whether what follows is a call that an executor gets.
    calls: bool,
}

impl InstrTraits {
    /// A step that takes no time, executed by whoever does the task's work.
    const AT_ONCE: Self = Self {
        side: OffloadSide::Worker,
        step: true,
        takes_time: false,
        work: None,
        awaits: None,
        accesses: None,
        payload_in: 0,
        payload_out: None,
        holds: false,
        calls: false,
    };
    /// The beginning of a block.
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
    /// Describes an instruction, one arm for each kind.
    #[inline]
    const fn about(self) -> InstrTraits {
        match self {
            Self::Cpu(_) => InstrTraits::working(OnCore::Bytecode),
            // The server's own, before the steps of the scenario.
            Self::Handle(_) => InstrTraits {
                step: false,
                ..InstrTraits::working(OnCore::Bytecode)
            },
            Self::Releasing(..) => InstrTraits::working(OnCore::Releasing),
            Self::Native(_) | Self::Team(..) => InstrTraits::working(OnCore::Native),
            Self::Io(_) | Self::Transfer(..) => InstrTraits {
                side: OffloadSide::Loop,
                takes_time: true,
                ..InstrTraits::AT_ONCE
            },
            Self::Block(_) => InstrTraits {
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
            Self::EnterUse(resource) => {
                InstrTraits::awaiting(OffloadSide::Loop, Awaited::Resource(resource))
            }
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
            Self::FanOut {
                class: _,
                count,
                need: _,
            } => InstrTraits::awaiting(OffloadSide::Loop, Awaited::Children(count)),
            Self::PayloadIn(bytes) => InstrTraits {
                payload_in: bytes,
                ..InstrTraits::AT_ONCE
            },
            Self::PayloadOut(bytes) => InstrTraits {
                payload_out: Some(bytes),
                ..InstrTraits::AT_ONCE
            },
            Self::Allocate(_) | Self::Leak(_) | Self::Fail(_) => InstrTraits::AT_ONCE,
            Self::EnterHold(..) | Self::EnterHoldDrawn(..) => InstrTraits {
                holds: true,
                ..InstrTraits::ENTER
            },
            Self::EnterTimeout(_) | Self::EnterRetry { .. } | Self::EnterRepeat(_) => {
                InstrTraits::ENTER
            }
            Self::LeaveHold | Self::LeaveTimeout | Self::LeaveRetry | Self::LeaveRepeat => {
                InstrTraits::LEAVE
            }
            // Only the loop submits, and only it sees the end of what it has submitted; a call may wait for a worker.
            Self::EnterCall(..) => InstrTraits {
                side: OffloadSide::Loop,
                takes_time: true,
                calls: true,
                ..InstrTraits::ENTER
            },
            Self::EnterInline => InstrTraits {
                side: OffloadSide::Loop,
                ..InstrTraits::ENTER
            },
            Self::LeaveCall | Self::LeaveInline | Self::LeaveUse(_) | Self::End => InstrTraits {
                side: OffloadSide::Loop,
                ..InstrTraits::LEAVE
            },
        }
    }

    /// Who executes this instruction where blocking work is offloaded.
    #[inline]
    #[must_use]
    pub(crate) const fn side(self) -> OffloadSide {
        self.about().side
    }

    /// Whether a step of the scenario begins with this instruction, rather than ends.
    #[must_use]
    pub(crate) const fn is_step(self) -> bool {
        self.about().step
    }

    /// Whether this instruction can take time by itself.
    #[must_use]
    pub(crate) const fn takes_time(self) -> bool {
        self.about().takes_time
    }

    /// How its own demand is spent; `None` if it needs no core, or only for costs that the profile sets.
    #[must_use]
    pub(crate) const fn work(self) -> Option<OnCore> {
        self.about().work
    }

    /// What a task may wait for at this instruction until another task or a child acts.
    #[must_use]
    pub(crate) const fn awaits(self) -> Option<Awaited> {
        self.about().awaits
    }

    /// The shared object that this instruction accesses, if any.
    #[must_use]
    pub(crate) const fn accesses(self) -> Option<ObjectIndex> {
        self.about().accesses
    }

    /// Number of children that this instruction starts; `None` if it starts none.
    #[must_use]
    pub(crate) const fn children(self) -> Option<u64> {
        match self.awaits() {
            Some(Awaited::Children(count)) => Some(count),
            Some(Awaited::Lock(_) | Awaited::Item(_) | Awaited::Room(_) | Awaited::Resource(_))
            | None => None,
        }
    }

    /// Whether what follows is a call that an executor gets.
    #[must_use]
    pub(crate) const fn enters_call(self) -> bool {
        self.about().calls
    }

    /// Bytes that travel to the worker with the part that this instruction belongs to.
    #[must_use]
    pub(crate) const fn payload_in(self) -> Bytes {
        self.about().payload_in
    }

    /// Whether this instruction takes memory for the steps that follow.
    #[inline]
    #[must_use]
    pub(crate) const fn holds(self) -> bool {
        self.about().holds
    }

    /// The class of the children that this instruction starts; `None` if it starts none.
    pub(crate) fn children_mut(&mut self) -> Option<&mut ClassIndex> {
        match self {
            Self::FanOut {
                class,
                count: _,
                need: _,
            } => Some(class),
            Self::Cpu(_)
            | Self::Handle(_)
            | Self::Releasing(..)
            | Self::Native(_)
            | Self::Team(..)
            | Self::Io(_)
            | Self::Block(_)
            | Self::Transfer(..)
            | Self::Acquire(_)
            | Self::Release(_)
            | Self::EnterUse(_)
            | Self::LeaveUse(_)
            | Self::Shared { .. }
            | Self::Put(_)
            | Self::Get(_)
            | Self::PayloadIn(_)
            | Self::PayloadOut(_)
            | Self::Allocate(_)
            | Self::Leak(_)
            | Self::EnterHold(..)
            | Self::EnterHoldDrawn(..)
            | Self::LeaveHold
            | Self::EnterTimeout(_)
            | Self::LeaveTimeout
            | Self::Fail(_)
            | Self::EnterRetry { .. }
            | Self::LeaveRetry
            | Self::EnterRepeat(_)
            | Self::LeaveRepeat
            | Self::EnterCall(..)
            | Self::LeaveCall
            | Self::EnterInline
            | Self::LeaveInline
            | Self::End => None,
        }
    }
}

/// How long a step takes, as the program states it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Demand {
    /// The same time on every execution.
    Constant(Nanos),
    /// A time drawn from this distribution of [`Program::dists`].
    Drawn(DistIndex),
}

/// A class of tasks: its code, and what all its tasks have in common.
#[derive(Clone, Debug)]
pub struct Class {
    /// Name, as in the scenario.
    pub name: String,
    /// Instructions; the last is [`Instr::End`].
    pub code: Vec<Instr>,
    /// Bytes sent to a worker process with the task as a whole.
    pub bytes_in: Bytes,
    /// Small objects pickled one by one, on the way to a worker and on the way back.
    pub objects: (u64, u64),
    /// Relative frequency among open and closed arrivals, at least 0.
    pub weight: f64,
    /// Share, from 0 to 1, of the program's objects that the task's steps walk.
    pub touches: f64,
}

/// The executor that runs task bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executor {
    /// None: the submitting thread runs them itself.
    Inline,
    /// A new thread for each task.
    RawThreads,
    /// A pool of at most so many threads.
    Threads(u32),
    /// A pool of at most so many threads, each with an interpreter of its own.
    Interpreters(u32),
    /// A `ProcessPoolExecutor`: workers, start method, and chunk size, at least 1: how many tasks of a batch are one call.
    Processes(u32, StartMethod, u32),
    /// A `multiprocessing.Pool`: workers, start method, and chunk size (0: the one that `map` chooses).
    MpPool(u32, StartMethod, u32),
}

/// An executor of an event loop beside [`Layout::executor`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedExecutor {
    /// Its name, as its threads carry it; `None`: the loop's own default executor, which has none.
    pub name: Option<String>,
    /// The executor; [`Executor::Inline`] and those that take whole tasks only execute no calls.
    pub executor: Executor,
}

/// A step that a worker executes as one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The executor that it is handed to.
    pub to: ExecutorIndex,
    /// Small objects pickled one by one, on the way to the worker and on the way back.
    pub objects: (u64, u64),
}

/// How each main process executes its tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Copies of the program, as an application server starts them; 1 means the main process alone, unless the server watches over it.
    pub copies: u32,
    /// How the copies begin, and when they end.
    pub life: Lifecycle,
    /// How the copies learn of arrivals.
    pub accepting: Accepting,
    /// Connections that the listening socket's queue holds; `None`: any number.
    pub queue: Option<u64>,
    /// Connections that a copy has at once before it accepts no more; `None`: any number.
    pub connections: Option<u64>,
    /// Whether the event loop of each copy wakes ten times a second by itself, as those of servers do.
    pub(crate) ticks: bool,
    /// How often the supervisor of the copies looks whether they live; `None`: it is told of their ends at once.
    pub(crate) looks: Option<Nanos>,
    /// Whether the server ends when a copy fails.
    pub(crate) falls: bool,
    /// Whether tasks are messages of a broker, each of which the main program reads before it hands it on.
    pub(crate) messages: bool,
    /// Calls after which the executor's worker processes are replaced; `None`: never.
    pub max_tasks: Option<u32>,
    /// Whether the program has the fork server make its imports (`set_forkserver_preload`).
    pub preload: bool,
    /// Whether an event loop takes the tasks in, rather than the main thread.
    pub event_loop: bool,
    /// Concurrency limit of the event loop: most tasks at once; `None` for no limit.
    pub limit: Option<u32>,
    /// Executor of task bodies or, under an event loop, of the blocking work.
    pub executor: Executor,
}

impl Layout {
    /// Whether a master starts the copies; otherwise the main process executes the tasks.
    pub(crate) fn has_master(&self) -> bool {
        self.copies > 1 || self.life != Lifecycle::default()
    }
}

impl Class {
    /// Bytes that travel back with the result: what the last step says that has any.
    pub(crate) fn bytes_out(&self) -> Bytes {
        let mut out = self
            .code
            .iter()
            .rev()
            .map(|instr| instr.about().payload_out);
        out.find_map(|bytes| bytes).unwrap_or(0)
    }
}

impl Program {
    /// Most machines that there are at a time.
    pub(crate) fn nodes(&self) -> u32 {
        self.cluster.map_or(1, |nodes| nodes.most(&self.faults))
    }

    /// Number of machines at the start.
    pub(crate) fn machines_at_first(&self) -> u32 {
        self.cluster.map_or(1, |nodes| nodes.count.max(1))
    }

    /// How the number of machines follows the load; `None` if it does not.
    pub(crate) fn autoscale(&self) -> Option<Autoscale> {
        self.cluster.and_then(|nodes| nodes.autoscale)
    }

    /// Whether machines may go with what they have.
    pub(crate) fn machines_go(&self) -> bool {
        let goes = |k: FaultKind| k.takes_machine() || k.rollout().is_some();
        self.autoscale().is_some() || self.faults.iter().any(|f| goes(f.kind))
    }

    /// The executors of each copy: the default first, then those that have names.
    pub(crate) fn executors(&self) -> impl Iterator<Item = Executor> + '_ {
        std::iter::once(self.layout.executor).chain(self.pools.iter().map(|p| p.executor))
    }

    /// The executor of this number.
    pub(crate) fn executor(&self, which: ExecutorIndex) -> Executor {
        match usize::from(which).checked_sub(1) {
            None => self.layout.executor,
            Some(named) => self.pools[named].executor,
        }
    }

    /// The name of an executor; `None` for the default one.
    pub(crate) fn executor_name(&self, which: ExecutorIndex) -> Option<&str> {
        let named = usize::from(which).checked_sub(1)?;
        self.pools[named].name.as_deref()
    }

    /// Which of its copy's executors a pool of threads is, by its number among those of all copies.
    pub(crate) fn executor_of_threads(&self, pool: PoolIndex) -> ExecutorIndex {
        self.nth_executor(usize::from(pool), |executor| match executor {
            Executor::Threads(_) | Executor::Interpreters(_) => true,
            Executor::Inline
            | Executor::RawThreads
            | Executor::Processes(..)
            | Executor::MpPool(..) => false,
        })
    }

    /// Which of its copy's executors a pool of processes is, by its number among those of all copies.
    pub(crate) fn executor_of_processes(&self, pool: ProcessPoolIndex) -> ExecutorIndex {
        self.nth_executor(usize::from(pool), |executor| match executor {
            Executor::Processes(..) | Executor::MpPool(..) => true,
            Executor::Inline
            | Executor::RawThreads
            | Executor::Threads(_)
            | Executor::Interpreters(_) => false,
        })
    }

    /// Every copy has its executors in the same order.
    fn nth_executor(&self, n: usize, is: impl Fn(Executor) -> bool) -> ExecutorIndex {
        let numbered = (0..).map(ExecutorIndex::from).zip(self.executors());
        let such: Vec<ExecutorIndex> = numbered
            .filter(|(_, executor)| is(*executor))
            .map(|(number, _)| number)
            .collect();
        let of_copy = n.checked_rem(such.len());
        of_copy.map_or(ExecutorIndex::DEFAULT, |n| such[n])
    }

    /// Whether tasks have children, that is, whether there are internal classes beside that of the serial part.
    #[inline]
    pub(crate) fn has_children(&self) -> bool {
        self.classes.len() > self.own_classes + usize::from(self.serial.is_some())
    }
}

#[cfg(test)]
impl Program {
    /// A program without tasks and costs of its own, for tests.
    pub(crate) fn bare(executor: Executor) -> Self {
        Self {
            classes: TiVec::new(),
            own_classes: 0,
            dists: TiVec::new(),
            backoffs: TiVec::new(),
            means: TiVec::new(),
            arrivals: Arrivals::Batch,
            batch: Vec::new(),
            listed: Vec::new(),
            cluster: None,
            rounds: 1,
            serial: None,
            locks: TiVec::new(),
            queues: TiVec::new(),
            objects: TiVec::new(),
            resources: TiVec::new(),
            devices: TiVec::new(),
            faults: Vec::new(),
            admission: None,
            client: None,
            lock_across_wait: TiVec::new(),
            layout: Layout {
                copies: 1,
                life: Lifecycle::default(),
                accepting: Accepting::InTurn,
                queue: None,
                connections: None,
                ticks: false,
                looks: None,
                falls: false,
                messages: false,
                max_tasks: None,
                preload: false,
                event_loop: false,
                limit: None,
                executor,
            },
            pools: Vec::new(),
            calls: TiVec::new(),
            import_time: Nanos::ZERO,
            import_memory: 0,
            data_memory: 0,
            live_objects: 0,
            object_memory: 0,
            frozen: false,
            preloadable: true,
            untouched_payload: false,
            dispatch: Nanos::ZERO,
            cpu_grain: Nanos::ZERO,
            native_grain: Nanos::ZERO,
            python_teams: false,
            ready: false,
        }
    }
}

/// A compiled program: its tasks, how they arrive, and what executes them.
#[derive(Clone, Debug)]
pub struct Program {
    /// Classes of tasks: the scenario's own, then the internal ones (children).
    pub classes: TiVec<ClassIndex, Class>,
    /// Number of classes that are the scenario's own.
    pub own_classes: usize,
    /// Distributions that [`Demand::Drawn`] refers to.
    pub dists: TiVec<DistIndex, Dist>,
    /// How [`Instr::EnterRetry`] pauses between attempts.
    pub backoffs: TiVec<BackoffIndex, Backoff>,
    /// The means of `dists` in nanoseconds, where they are known exactly ([`Dist::exact_mean`]).
    pub means: TiVec<DistIndex, Option<f64>>,
    /// How tasks arrive.
    pub arrivals: Arrivals,
    /// Class of each task of a batch, in order of arrival.
    pub batch: Vec<ClassIndex>,
    /// Class of each task of a batch that comes from outside, in order of arrival: where several machines execute it.
    pub listed: Vec<ClassIndex>,
    /// The machines that execute the tasks, and what stands before them; `None`: one machine, and nothing does.
    pub cluster: Option<Nodes>,
    /// How often the batch comes.
    pub rounds: u64,
    /// What the main program does before each round of the batch: the last of the internal classes.
    pub serial: Option<ClassIndex>,
    /// Locks.
    pub locks: TiVec<LockNumber, LockSpec>,
    /// Queues.
    pub queues: TiVec<QueueIndex, QueueSpec>,
    /// Shared objects.
    pub objects: TiVec<ObjectIndex, ObjectSpec>,
    /// Resources that tasks use.
    pub resources: TiVec<ResourceNumber, ResourceSpec>,
    /// Devices that tasks transfer by.
    pub devices: TiVec<DeviceNumber, DeviceSpec>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Which of the tasks from outside are let in; `None`: all.
    pub admission: Option<Admission>,
    /// How patient those are who send tasks from outside; `None`: they wait for ever.
    pub client: Option<Client>,
    /// For each lock, whether tasks may hold it across a wait: an event loop must then use an `asyncio.Lock`.
    pub lock_across_wait: TiVec<LockNumber, bool>,
    /// How each main process executes its tasks.
    pub layout: Layout,
    /// Further executors of each event loop, for the calls that name them.
    pub pools: Vec<NamedExecutor>,
    /// Steps that a worker executes as one call.
    pub calls: TiVec<CallIndex, Call>,
    /// CPU of importing the program's own modules.
    pub import_time: Nanos,
    /// Private memory of the program's own modules, in bytes.
    pub import_memory: Bytes,
    /// Data of the main program, in bytes, which only its forks have as well.
    pub data_memory: Bytes,
    /// Live container objects of each process at its start, all of which a full collection examines.
    pub live_objects: u64,
    /// How many bytes of [`Self::import_memory`] are objects, rather than large buffers.
    pub object_memory: Bytes,
    /// Whether `gc.freeze()` exempts what the program has imported from full collections.
    pub frozen: bool,
    /// Whether a fork server finds a main module to preload.
    pub preloadable: bool,
    /// Whether payloads are fresh zero memory that nobody writes: large ones are then resident only where they are copied.
    pub untouched_payload: bool,
    /// CPU time that the program itself spends once for each task.
    pub dispatch: Nanos,
    /// Largest overshoot of a CPU step; the overshoot is uniform between 0 and this.
    pub cpu_grain: Nanos,
    /// Largest overshoot of a native step; the overshoot is uniform between 0 and this.
    pub native_grain: Nanos,
    /// Whether the threads of a team are Python threads, which need the GIL to begin their share and to end it.
    pub python_teams: bool,
    /// Whether the copies of a server are there when the run begins.
    pub ready: bool,
}

impl Program {
    /// The cause of the wait that tasks of a batch have once, before their first step: for a worker, or for a permit of the loop's
    /// concurrency limit. `None` for arrivals that are no batch. A batch arrives at once, so this wait grows with the size of the batch and
    /// says nothing of what the tasks do.
    pub(crate) fn turn(&self) -> Option<Cause> {
        match self.arrivals {
            Arrivals::Batch if self.layout.event_loop => Some(Cause::Limit),
            Arrivals::Batch => Some(Cause::Pool),
            Arrivals::Open { .. }
            | Arrivals::Varying { .. }
            | Arrivals::Sessions { .. }
            | Arrivals::Closed { .. }
            | Arrivals::Trace(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list with a row for each kind: a new kind does not compile until it has one.
    macro_rules! of_each_kind {
        ($($kind:pat => $row:expr),* $(,)?) => {{
            fn _complete(instr: Instr) {
                match instr {
                    $($kind => {})*
                }
            }
            [$($row),*]
        }};
    }

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
        // Columns: side, whether a step begins, whether it can take time, and (work, what is awaited).
        for (instr, side, step, takes_time, (work, awaits)) in of_each_kind![
            Instr::Cpu(..) => (
                Instr::Cpu(time),
                worker,
                true,
                true,
                (Some(OnCore::Bytecode), None),
            ),
            Instr::Releasing(..) => (
                Instr::Releasing(time, 1.0, given),
                worker,
                true,
                true,
                (Some(OnCore::Releasing), None),
            ),
            Instr::Handle(..) => (
                Instr::Handle(RequestHandling::Uvicorn),
                worker,
                false,
                true,
                (Some(OnCore::Bytecode), None),
            ),
            Instr::Native(..) => (
                Instr::Native(time),
                worker,
                true,
                true,
                (Some(OnCore::Native), None),
            ),
            Instr::Io(..) => (Instr::Io(time), on_loop, true, true, none()),
            Instr::Transfer(..) => (
                Instr::Transfer(DeviceNumber::from(2), time),
                on_loop,
                true,
                true,
                none(),
            ),
            Instr::Acquire(..) => (
                Instr::Acquire(LockNumber::from(3)),
                OffloadSide::OfLock(LockNumber::from(3)),
                true,
                true,
                (None, Some(Awaited::Lock(LockNumber::from(3)))),
            ),
            Instr::Release(..) => (
                Instr::Release(LockNumber::from(3)),
                OffloadSide::OfLock(LockNumber::from(3)),
                false,
                false,
                none(),
            ),
            Instr::Shared { .. } => (
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
            Instr::Put(..) => (
                Instr::Put(QueueIndex::from(4)),
                on_loop,
                true,
                true,
                (None, Some(Awaited::Room(QueueIndex::from(4)))),
            ),
            Instr::Get(..) => (
                Instr::Get(QueueIndex::from(4)),
                on_loop,
                true,
                true,
                (None, Some(Awaited::Item(QueueIndex::from(4)))),
            ),
            Instr::FanOut { .. } => (
                Instr::FanOut {
                    class: ClassIndex::from(5),
                    count: 6,
                    need: Some(2),
                },
                on_loop,
                true,
                true,
                (None, Some(Awaited::Children(6))),
            ),
            Instr::PayloadIn(..) => (Instr::PayloadIn(7), worker, true, false, none()),
            Instr::PayloadOut(..) => (Instr::PayloadOut(7), worker, true, false, none()),
            Instr::Allocate(..) => (Instr::Allocate(7), worker, true, false, none()),
            Instr::Leak(..) => (Instr::Leak(7), worker, true, false, none()),
            Instr::EnterHold(..) => (Instr::EnterHold(7, 0), either, true, false, none()),
            Instr::LeaveHold => (Instr::LeaveHold, either, false, false, none()),
            Instr::EnterTimeout(..) => (
                Instr::EnterTimeout(Demand::Constant(Nanos(1))),
                either,
                true,
                false,
                none(),
            ),
            Instr::LeaveTimeout => (Instr::LeaveTimeout, either, false, false, none()),
            Instr::Fail(..) => (Instr::Fail(0.5), worker, true, false, none()),
            Instr::EnterRetry { .. } => (
                Instr::EnterRetry {
                    attempts: 2,
                    backoff: BackoffIndex::from(1),
                },
                either,
                true,
                false,
                none(),
            ),
            Instr::LeaveRetry => (Instr::LeaveRetry, either, false, false, none()),
            Instr::EnterRepeat(..) => (Instr::EnterRepeat(2), either, true, false, none()),
            Instr::LeaveRepeat => (Instr::LeaveRepeat, either, false, false, none()),
            Instr::EnterCall(..) => (
                Instr::EnterCall(CallIndex::from(9), 2),
                on_loop,
                true,
                true,
                none(),
            ),
            Instr::LeaveCall => (Instr::LeaveCall, on_loop, false, false, none()),
            Instr::EnterInline => (Instr::EnterInline, on_loop, true, false, none()),
            Instr::LeaveInline => (Instr::LeaveInline, on_loop, false, false, none()),
            Instr::End => (Instr::End, on_loop, false, false, none()),
            Instr::Team(..) => (Instr::Team(time, 4), worker, true, true, (Some(OnCore::Native), None)),
            Instr::Block(..) => (Instr::Block(time), worker, true, true, none()),
            Instr::EnterUse(..) => (Instr::EnterUse(ResourceNumber::from(1)), on_loop, true, true, (None, Some(Awaited::Resource(ResourceNumber::from(1))))),
            Instr::LeaveUse(..) => (Instr::LeaveUse(ResourceNumber::from(1)), on_loop, false, false, none()),
            Instr::EnterHoldDrawn(..) => (Instr::EnterHoldDrawn(DistIndex::from(2), 0), either, true, false, none()),
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
            let holds = matches!(instr, Instr::EnterHold(..) | Instr::EnterHoldDrawn(..));
            assert_eq!(instr.holds(), holds, "{instr:?}");
            let mut copy = instr;
            assert_eq!(
                copy.children_mut().is_some(),
                awaits == Some(Awaited::Children(6))
            );
        }
    }
}
