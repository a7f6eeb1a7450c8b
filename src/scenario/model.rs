//! A scenario as the rest of the program sees it: parsed, defaults filled in, every cross-reference resolved to an index.

use super::{
    Admission, Backoff, Client, DeviceSpec, Dist, Fault, Lifecycle, Load, Nodes, Overflow,
    PoolLife, Server, StrategyKind, WorkingMemory,
};
use crate::engine::Nanos;

/// Bytes of memory or payload.
pub type Bytes = u64;

/// A parsed and validated scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Short name, as in `pchsim run NAME`.
    pub name: String,
    /// The question that the scenario answers, one sentence; may be empty.
    pub question: String,
    /// The simulated computer.
    pub machine: MachineSpec,
    /// Names or files of interpreter profiles; at least one.
    pub interpreters: Vec<String>,
    /// The workload: which tasks arrive, when, and what they do.
    pub workload: Workload,
    /// Strategies to compare; if empty, a sensible full set on every interpreter named.
    pub strategies: Vec<StrategyCase>,
    /// Replications asked for; `None` lets the study decide.
    pub replications: Option<u32>,
    /// Time at the start of an open or closed run that does not count; `None` finds it (MSER-5).
    pub warmup: Option<Nanos>,
    /// End of the simulated time; tasks still in flight then do not count as completed. `None` if a run has its own end.
    pub horizon: Option<Nanos>,
    /// Length of the windows of time for which latencies are told apart; `None`: some of a load that changes over time, none otherwise. See
    /// [`Self::windows_used`].
    pub windows: Option<Nanos>,
    /// Conditions that a forecast has to meet.
    pub objectives: Vec<Objective>,
    /// Metric by which strategies are ranked; `None` lets the study decide.
    pub rank_by: Option<Metric>,
    /// Master seed.
    pub seed: u64,
}

/// A strategy to compare, and the interpreters it is crossed with.
#[derive(Clone, Debug, PartialEq)]
pub struct StrategyCase {
    /// The strategy tree.
    pub strategy: Strategy,
    /// Name of the interpreter; `None` means every interpreter of the scenario.
    pub interpreter: Option<String>,
}

/// The simulated computer and its operating system.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineSpec {
    /// Relative speed of each core (1.0 is the profile's own machine); at least one core.
    pub cores: Vec<f64>,
    /// What `os.process_cpu_count()` tells Python (default: the number of cores). Containers often differ.
    pub visible_cpus: u32,
    /// Memory beyond which a run ends as out of memory; `None` for no limit.
    pub memory_limit: Option<Bytes>,
    /// Whether the kernel kills the largest process beyond that limit (SIGKILL, `memory.max` of a cgroup), in place of the run's end.
    pub memory_kill: bool,
    /// Timer ticks a second (250 on most servers): the end of a time slice is noticed at a tick.
    pub hz: u32,
    /// The scheduler's base slice for one core, before scaling with the number of cores (0.70 ms from Linux 6.15).
    pub base_slice: Nanos,
    /// How often a core with waiting threads looks for one with fewer (Linux: 16 ms for each core of the domain).
    pub balance_interval: Nanos,
    /// CPU time of a context switch on one core.
    pub context_switch: Nanos,
    /// Slack of timed sleeps and waits (50 us on Linux).
    pub timer_slack: Nanos,
    /// Latency from wake-up to running on an idle core, by how long that core has been idle: points (idle time, latency), rising,
    /// interpolated. The wait in a busy core's queue comes instead of this.
    pub wake_latency: Vec<(Nanos, Nanos)>,
    /// CPU time of a thread that wakes another on an idle core, beyond the call itself, by how long that core has been idle: points (idle
    /// time, CPU time), rising, interpolated. It is spent on the interrupt (in a virtual machine an exit to the hypervisor), which is not
    /// needed while the idle core still polls.
    pub wake_send: Vec<(Nanos, Nanos)>,
    /// Extra CPU time of a thread woken on an idle core, by how long that core has been idle: points (idle time, CPU time), rising,
    /// interpolated. It is spent on leaving the idle state, and on caches that have gone cold.
    pub wake_cpu: Vec<(Nanos, Nanos)>,
    /// Idle time after which the kernel takes a core of a virtual machine for preempted: a wake-up then no longer finds it
    /// (`available_idle_cpu` asks `vcpu_is_preempted`), and the woken thread stays on its last core until idle cores pull. `None`: never,
    /// as on real hardware.
    pub halted_after: Option<Nanos>,
    /// Share (0 to 1) of the times that a core which becomes idle looks at once for threads that wait on others; else it finds them at the next
    /// timer tick. Linux 6.18 draws it in proportion to how often looking has helped lately (`newidle_ratio` of a scheduling domain, in
    /// `sched_balance_newidle` of `kernel/sched/fair.c`), a history that outlives programs and begins with a half.
    pub new_idle: f64,
    /// Share (0 to 1) by which every core is slower while all others are busy, and in proportion while some are: shared caches, memory
    /// bandwidth, hyper-threads. 0 means that cores do not slow each other down.
    pub interference: f64,
    /// Capacity of a pipe in bytes (64 KiB on Linux).
    pub pipe_capacity: Bytes,
    /// CPU time of copying a byte into or out of a pipe, in nanoseconds.
    pub pipe_ns_per_byte: f64,
    /// CPU time of a trivial system call.
    pub syscall: Nanos,
    /// Which of the fields that a calibration measures are given by the scenario.
    pub given: MachineGiven,
}

/// Which fields of the machine a scenario gives. For those that it leaves out, a calibrated profile knows better values than the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MachineGiven {
    /// Whether `base_slice` is given.
    pub base_slice: bool,
    /// Whether `syscall` is given.
    pub syscall: bool,
    /// Whether `wake_latency` is given.
    pub wake_latency: bool,
    /// Whether `wake_send` is given.
    pub wake_send: bool,
    /// Whether `wake_cpu` is given.
    pub wake_cpu: bool,
    /// Whether `halted_after` is given.
    pub halted_after: bool,
    /// Whether `new_idle` is given.
    pub new_idle: bool,
    /// Whether `interference` is given.
    pub interference: bool,
    /// Whether `pipe_ns_per_byte` is given.
    pub pipe_ns_per_byte: bool,
}

impl Default for MachineSpec {
    fn default() -> Self {
        Self::with_cores(4)
    }
}

impl MachineSpec {
    /// The default of [`MachineSpec::new_idle`].
    pub(crate) const NEW_IDLE: f64 = 0.5;

    /// A server of `n` equal cores (at least one) with Linux's defaults.
    pub fn with_cores(n: u32) -> Self {
        let us = Nanos::from_micros;
        Self {
            cores: vec![1.0; n.max(1) as usize],
            visible_cpus: n.max(1),
            memory_limit: None,
            memory_kill: false,
            hz: 250,
            base_slice: us(700),
            balance_interval: Nanos::from_millis(16) * u64::from(n.max(1)),
            context_switch: Nanos(1_500),
            timer_slack: us(50),
            wake_latency: vec![
                (us(20), us(6)),
                (us(200), us(14)),
                (us(1_000), us(30)),
                (us(5_000), us(40)),
                (us(50_000), us(80)),
            ],
            wake_send: Vec::new(),
            wake_cpu: Vec::new(),
            halted_after: None,
            new_idle: Self::NEW_IDLE,
            interference: 0.0,
            pipe_capacity: 64 * 1024,
            pipe_ns_per_byte: 0.15,
            syscall: Nanos(200),
            given: MachineGiven::default(),
        }
    }
}

/// The tasks of a scenario: how they arrive, and what each does.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// How tasks arrive.
    pub arrivals: Arrivals,
    /// How often a batch comes, and what the main program does before each; one batch and nothing for other arrivals.
    pub rounds: Rounds,
    /// Classes of tasks; at least one.
    pub classes: Vec<TaskClass>,
    /// Names of the locks (`LockId` is an index here) and whether each is shared between processes.
    pub locks: Vec<LockSpec>,
    /// The queues between tasks (`QueueId` is an index here).
    pub queues: Vec<QueueSpec>,
    /// Shared objects that steps read or write (`ObjectId` is an index here).
    pub objects: Vec<ObjectSpec>,
    /// Resources that steps use (`ResourceId` is an index here).
    pub resources: Vec<ResourceSpec>,
    /// Devices that steps transfer by (`DeviceId` is an index here).
    pub devices: Vec<DeviceSpec>,
    /// Modules that the program imports beyond the standard library's pools and asyncio. Their CPU time and memory are paid by every
    /// process or interpreter that does not inherit them.
    pub imports: Imports,
    /// Data of the main program in memory, in bytes: loaded before any task, never written, inherited by processes that are forked from the
    /// main one, and by no others.
    pub data: Bytes,
    /// Whether payloads are fresh zero memory that nobody writes (`bytes(n)`): large ones then take up memory only where they are copied.
    /// `false` for real data.
    pub untouched_payload: bool,
    /// CPU time (baseline) that the program itself spends on every task, beside the library's own cost and the task's steps, whatever the
    /// strategy: reading what is to be done, building arguments, attaching callbacks.
    pub dispatch: Nanos,
    /// Granularity of the program that is being forecast: a CPU step overshoots its demand by up to this much (uniform). Zero unless the
    /// granularity of a measuring program has to be reproduced.
    pub cpu_grain: Nanos,
    /// Granularity of native steps: largest overshoot (uniform).
    pub native_grain: Nanos,
    /// Whether the threads that native code has of its own are Python threads, which need the GIL to begin their share and to end it: those of the
    /// programs that `verify` writes are. `false` for real native code.
    pub python_teams: bool,
    /// Whether the first processes of a server are there when the run begins, at no cost: whoever measures waits for them. `false` for a server that
    /// is started then.
    pub ready: bool,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Which of the tasks from outside the program lets in; `None`: all.
    pub admission: Option<Admission>,
    /// How patient those are who send tasks from outside; `None`: they wait for ever, and send nothing again.
    pub client: Option<Client>,
    /// Name or file of the profile of the interpreter on which all CPU times of the workload were taken (steps, imports, `dispatch`); `None` for
    /// the baseline. Native code takes the same time everywhere.
    pub measured_on: Option<String>,
}

/// What it costs to import the program's own modules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Imports {
    /// CPU time on the baseline interpreter.
    pub time: Nanos,
    /// Private memory of the modules, in bytes.
    pub memory: Bytes,
    /// Live container objects of the program in every process, which a full collection examines. `None` if the scenario does not say.
    pub objects: Option<u64>,
    /// Whether `gc.freeze()` is called after the imports, so that full collections do not examine these objects.
    pub frozen: bool,
    /// Whether a fork server that preloads main modules finds this program's. `false` if it was started by `python -m`, by a launcher or in
    /// a notebook, or keeps the server from preloading.
    pub preloaded: bool,
}

impl Default for Imports {
    /// A program that is a file, and imports only the standard library.
    fn default() -> Self {
        Self {
            time: Nanos::ZERO,
            memory: 0,
            objects: None,
            frozen: false,
            preloaded: true,
        }
    }
}

/// Batches one after another: a program that maps rounds over a pool (samplers, optimisers, training loops). A round begins when all tasks of
/// the one before are over, with work of the main program itself, in which nothing else runs (Amdahl's serial part).
#[derive(Clone, Debug, PartialEq)]
pub struct Rounds {
    /// Number of batches, at least 1.
    pub count: u64,
    /// Steps of the main program before each batch.
    pub serial: Vec<Step>,
}

impl Default for Rounds {
    fn default() -> Self {
        Self {
            count: 1,
            serial: Vec::new(),
        }
    }
}

impl Workload {
    /// Number of tasks of each round of a batch.
    #[must_use]
    pub fn tasks_of_a_round(&self) -> u64 {
        let counts = self.classes.iter().map(|c| c.count);
        counts.fold(0, u64::saturating_add)
    }

    /// Number of tasks of all rounds of a batch.
    #[must_use]
    pub fn tasks_of_all_rounds(&self) -> u64 {
        self.tasks_of_a_round().saturating_mul(self.rounds.count)
    }
}

/// How tasks arrive.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrivals {
    /// All at time 0: [`TaskClass::count`] of every class, one class after another (see [`TaskClass::interleave`]). `Workload::rounds`
    /// says how often; the tasks of a later round arrive when it begins.
    Batch,
    /// A renewal process; Poisson when the interval is exponential. Classes are drawn by weight.
    Open {
        /// Time between arrivals.
        interval: Dist,
        /// Number of arrivals; `None` needs a horizon.
        count: Option<u64>,
    },
    /// A Poisson process whose rate changes over time. Classes are drawn by weight.
    Varying {
        /// The rate over time.
        load: Load,
        /// Most arrivals; `None`: as many as come until the load ends, or the horizon.
        count: Option<u64>,
    },
    /// Visitors who come at random, ask, wait for their answer, think, and ask again, so many times; then they leave: a partly-open system
    /// (B. Schroeder, A. Wierman, M. Harchol-Balter, "Open Versus Closed: A Cautionary Tale", 2006). Classes are drawn by weight.
    Sessions {
        /// Time between new visitors.
        interval: Dist,
        /// Mean number of requests of a visitor, at least 1; the numbers are geometric.
        requests: f64,
        /// Time between an answer and the next request.
        think: Dist,
        /// Number of requests in all; `None` needs a horizon.
        count: Option<u64>,
    },
    /// Recorded arrivals, in order of time.
    Trace(Vec<TracedTask>),
    /// Users who wait for their answer, think, and ask again. Classes are drawn by weight.
    Closed {
        /// Number of users.
        users: u32,
        /// Time between an answer and the next request.
        think: Dist,
        /// Number of requests in all; `None` needs a horizon.
        count: Option<u64>,
    },
}

/// A recorded task.
#[derive(Clone, Debug, PartialEq)]
pub struct TracedTask {
    /// When it arrives.
    pub at: Nanos,
    /// Index of its class.
    pub class: usize,
    /// Demands of its `Cpu`, `Native` and `Io` steps in program order, in place of draws from the class's distributions; if empty, these
    /// are drawn. CPU demands are for the baseline interpreter.
    pub demands: Vec<Nanos>,
}

/// A class of tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskClass {
    /// Name, unique in the workload.
    pub name: String,
    /// Number of its tasks in a batch.
    pub count: u64,
    /// Relative frequency among open and closed arrivals (> 0).
    pub weight: f64,
    /// Steps of each task, in order.
    pub steps: Vec<Step>,
    /// Share, from 0 to 1, of the objects of [`Workload::imports`] that its steps walk: the same ones every time.
    pub touches: f64,
    /// Batches only: tasks of classes with this set take turns in arrival order (a, b, a, b, ...), others come class by class.
    pub interleave: bool,
    /// Factors (above 0) of the CPU times of its steps, by what executes them; 1 where nothing is said. See [`Workload::under`].
    pub cost: Vec<(StrategyKind, f64)>,
}

/// Index into [`Workload::locks`].
pub type LockId = usize;
/// Index into [`Workload::queues`].
pub type QueueId = usize;
/// Index into [`Workload::objects`].
pub type ObjectId = usize;
/// Index into [`Workload::resources`].
pub type ResourceId = usize;
/// Index into [`Workload::devices`].
pub type DeviceId = usize;

/// A named lock.
#[derive(Clone, Debug, PartialEq)]
pub struct LockSpec {
    /// Name, unique.
    pub name: String,
    /// Whether it is a `multiprocessing.Lock`, one for all processes. Otherwise each process (or interpreter) has its own.
    pub shared: bool,
}

/// A named Python object that tasks share.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectSpec {
    /// Name, unique.
    pub name: String,
    /// How free-threaded builds count references to it.
    pub kind: ObjectKind,
}

impl From<&str> for ObjectSpec {
    /// An object of the default kind.
    fn from(name: &str) -> Self {
        Self {
            name: name.into(),
            kind: ObjectKind::default(),
        }
    }
}

/// How a free-threaded build counts the references to an object, which decides whether threads that read it contend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ObjectKind {
    /// In one place for all threads but the one that created the object, so that every read writes there: instances, containers, closures,
    /// large numbers.
    #[default]
    Counted,
    /// Not at all: `None`, small integers, interned strings, constants of the code.
    Immortal,
    /// In each thread by itself, or not until the collector runs: modules, functions of modules, classes, methods.
    PerThread,
}

impl ObjectKind {
    /// Whether threads that read the object contend for its reference count.
    pub fn reads_contend(self) -> bool {
        self == Self::Counted
    }
}

/// A named bounded queue between tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueSpec {
    /// Name, unique.
    pub name: String,
    /// Most items that it holds; `None` if unbounded.
    pub capacity: Option<u64>,
    /// What becomes of an item that is put while it holds so many.
    pub full: Overflow,
}

/// Something that tasks use for a while, and of which there is only so much.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceSpec {
    /// Name, unique.
    pub name: String,
    /// What there is of it.
    pub kind: ResourceKind,
    /// Who shares an instance of it.
    pub scope: Scope,
    /// What happens to who asks while nothing is left.
    pub full: WhenFull,
}

impl ResourceSpec {
    /// Whether it says when to come again to whom it refuses (HTTP 429 with `Retry-After`).
    #[must_use]
    pub(crate) fn says_when(&self) -> bool {
        match self.kind {
            ResourceKind::Semaphore { .. }
            | ResourceKind::Connections { .. }
            | ResourceKind::Breaker { .. } => false,
            ResourceKind::RateLimit { .. } => self.full == WhenFull::Reject,
        }
    }
}

/// What there is of a resource, and by which rules it is given out.
#[derive(Clone, Debug, PartialEq)]
pub enum ResourceKind {
    /// `asyncio.Semaphore`, `threading.Semaphore`: so many permits.
    Semaphore {
        /// How many, at least one.
        count: u64,
    },
    /// A pool of connections, by the rules of `SQLAlchemy`'s `QueuePool`: connections are opened when they are needed, the one unused longest is used again first,
    /// and those beyond `size` are closed when they come back.
    Connections {
        /// So many are kept, at least one.
        size: u64,
        /// So many more may be open at once.
        overflow: u64,
        /// How long it takes to open one: waiting, without CPU.
        connect: Nanos,
        /// After this time a connection is opened anew before it is used again; `None`: never.
        lifetime: Option<Nanos>,
        /// The device at the other end: opening a connection is a use of it that takes `connect` alone, and a [`Down`](super::FaultKind::Down) of it closes
        /// all connections. `None`: nobody else opens any there.
        to: Option<DeviceId>,
    },
    /// A rate limit: a token bucket, or a sliding window.
    RateLimit {
        /// Time between two tokens, on average.
        interval: Nanos,
        /// Most tokens at once, at least one: what a bucket holds, or what a window grants.
        burst: u64,
        /// The window's length; `None`: a bucket.
        window: Option<Nanos>,
    },
    /// A circuit breaker by the rules of pybreaker: who comes while it is open fails at once. Steps that fail or run out of time within it are
    /// its failures.
    Breaker {
        /// Failures in a row at which it opens, at least one (pybreaker's `fail_max`).
        failures: u64,
        /// How long it stays open before somebody may try, above 0 (`reset_timeout`).
        reset: Nanos,
        /// How many may try at once while it is half-open, and how many have to succeed until it closes, at least one (`success_threshold`).
        half_open: u64,
    },
}

impl ResourceSpec {
    /// The same resource with every time of it multiplied: waits, time to connect, lifetimes, the time between two tokens, and how long breakers stay open.
    #[must_use]
    pub fn scaled(&self, by: f64) -> Self {
        let kind = match self.kind {
            ResourceKind::Semaphore { count } => ResourceKind::Semaphore { count },
            ResourceKind::Connections {
                size,
                overflow,
                connect,
                lifetime,
                to,
            } => ResourceKind::Connections {
                size,
                overflow,
                connect: connect.scale(by),
                lifetime: lifetime.map(|l| l.scale(by)),
                to,
            },
            ResourceKind::RateLimit {
                interval,
                burst,
                window,
            } => ResourceKind::RateLimit {
                interval: interval.scale(by),
                burst,
                window: window.map(|w| w.scale(by)),
            },
            ResourceKind::Breaker {
                failures,
                reset,
                half_open,
            } => ResourceKind::Breaker {
                failures,
                reset: reset.scale(by),
                half_open,
            },
        };
        let full = match self.full {
            WhenFull::GiveUp(wait) => WhenFull::GiveUp(wait.scale(by)),
            WhenFull::Wait | WhenFull::Reject => self.full,
        };
        Self {
            name: self.name.clone(),
            kind,
            scope: self.scope,
            full,
        }
    }
}

impl ResourceKind {
    /// Failures in a row at which a breaker opens that does not say: pybreaker's `fail_max`.
    pub(crate) const BREAKER_FAILURES: u64 = 5;
    /// How long a breaker stays open that does not say: pybreaker's `reset_timeout`.
    pub(crate) const BREAKER_RESET: Nanos = Nanos::from_secs(60);

    /// How many may be in use at once; of a rate limit, how many tokens at once; of a breaker, as long as it is closed, any.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        match self {
            Self::Semaphore { count } => *count,
            Self::Connections { size, overflow, .. } => size.saturating_add(*overflow),
            Self::RateLimit { burst, .. } => *burst,
            Self::Breaker { .. } => u64::MAX,
        }
    }
}

/// Who shares an instance of a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The tasks of an event loop; without one as `Process`.
    Loop,
    /// The tasks of a process, or of an interpreter.
    #[default]
    Process,
    /// The tasks of all processes of a machine.
    Node,
    /// All tasks, wherever they run: the limit is that of somebody outside.
    Everywhere,
}

/// What happens to who asks for a resource while nothing is left of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// Waits, however long it takes.
    #[default]
    Wait,
    /// Fails at once.
    Reject,
    /// Waits, and times out after so long.
    GiveUp(Nanos),
}

/// How often, and for how long, the code of a step releases the GIL: a C extension that calls back into Python, a database cursor that
/// releases it for each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Releases {
    /// Number of releases in a step of mean length, at least 1; in a drawn step in proportion to its length.
    pub count: u64,
    /// Length of each release: CPU time on the baseline interpreter, included in the step's own.
    pub released: Nanos,
}

impl Releases {
    /// Default length of a release: about what callbacks of lxml and rows of a sqlite3 cursor show (CPython 3.13 on a server of 2025: a
    /// mutex taken and released, and next to nothing in between).
    pub const RELEASED: Nanos = Nanos(160);

    /// Default number of releases where only the share of the time without the GIL is known, of a step that takes `mean` nanoseconds: one
    /// for each started millisecond, about what calls of compression, hashing, image and database libraries last.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a mean is a duration, and a float cast saturates"
    )]
    pub(crate) fn often(mean: f64) -> u64 {
        (libm::ceil(mean / 1e6) as u64).min(super::limits::MAX_RELEASES_PER_TASK)
    }

    /// Number of releases in a step that takes `time`, if steps take `mean` nanoseconds on average.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "limits keep counts far below 2^53, and a float cast saturates"
    )]
    pub fn within(&self, time: Nanos, mean: f64) -> u64 {
        let often = libm::round(self.count as f64 * time.as_f64() / mean) as u64;
        // Rounding up must not make the parts longer than the whole.
        often.min(time.0 / self.released.0.max(1))
    }
}

/// One step of a task. CPU times are for the baseline interpreter; each profile scales them.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Python bytecode: holds the GIL where there is one.
    Cpu(Dist),
    /// Python bytecode that releases the GIL now and then: `Cpu` with `releases`. The time is all that the step takes by itself, with the
    /// GIL and without.
    Releasing(Dist, Releases),
    /// C code that has released the GIL.
    Native(Dist),
    /// C code that has released the GIL and divides its work among threads of its own (BLAS, OpenMP): CPU time in all, and number of
    /// threads, at least 2.
    Team(Dist, u32),
    /// Waiting for something outside (network, disk): no CPU, no GIL. An event loop awaits it.
    Io(Dist),
    /// A blocking call (`time.sleep`, `requests`, a synchronous driver): no CPU, no GIL, but whoever executes it does nothing else
    /// meanwhile, be it an event loop.
    Block(Dist),
    /// A transfer by a device that others use as well: waiting as in `Io`, for as long as it would take alone, and longer the more others use
    /// the device meanwhile.
    Transfer(DeviceId, Dist),
    /// Steps done while holding a lock.
    Lock(LockId, Vec<Step>),
    /// Steps done while using a resource: what was taken comes back however they end.
    Use(ResourceId, Vec<Step>),
    /// Takes a lock, which a later [`Step::Release`] releases; validation checks the balance.
    Acquire(LockId),
    /// Releases a lock.
    Release(LockId),
    /// Reads or writes a shared Python object several times, each at the cost that the profile gives. On free-threaded builds accesses
    /// contend; reads do only if the object's kind lets them.
    Shared {
        /// The object.
        object: ObjectId,
        /// Number of accesses.
        count: u64,
        /// Whether they write (take the object's lock) or read (touch its reference count).
        write: bool,
    },
    /// Puts one item; waits while the queue is full.
    Put(QueueId),
    /// Takes one item; waits while the queue is empty.
    Get(QueueId),
    /// Starts `count` children of the given steps, and waits until all are done, or until enough have succeeded: then the rest is cancelled.
    FanOut {
        /// Number of children.
        count: u64,
        /// How many have to succeed, from 1 to `count`; `None`: all are waited for, however they end.
        need: Option<u64>,
        /// Steps of each child.
        steps: Vec<Step>,
    },
    /// Bytes that travel to the worker with the task (or, under an offloading event loop, with the offload that the step
    /// stands in). Costs nothing where nothing is handed over.
    PayloadIn(Bytes),
    /// Bytes that travel back with the result; the last one counts.
    PayloadOut(Bytes),
    /// Number of Python objects (numbers, strings, fields of records) that travel to the worker, each pickled on its own, beside the bytes
    /// of [`Step::PayloadIn`].
    ObjectsIn(u64),
    /// Number of Python objects that travel back with the result, each pickled on its own.
    ObjectsOut(u64),
    /// Creates so many container objects (lists, dicts, instances) that survive for a while, which makes the garbage collector run.
    Allocate(u64),
    /// Takes memory that nobody ever gives back: it goes with its process.
    Leak(Bytes),
    /// Steps during which working memory is held.
    Hold(WorkingMemory, Vec<Step>),
    /// Steps that are given up after a time; the task then fails as timed out (unless a retry surrounds it).
    /// A time that is drawn is drawn whenever the steps are begun.
    Timeout(Dist, Vec<Step>),
    /// Fails with this probability, from 0 to 1.
    Fail(f64),
    /// Tries the steps up to `attempts` times in all, with pauses between.
    Retry {
        /// Attempts in all, at least 1.
        attempts: u32,
        /// The pauses.
        backoff: Backoff,
        /// The steps that are tried.
        steps: Vec<Step>,
    },
    /// Steps that are executed so many times, one after another.
    Repeat(u64, Vec<Step>),
    /// Steps that a worker of an event loop's pool executes as one call, whatever they are; the loop awaits its end
    /// (`loop.run_in_executor`, `asyncio.to_thread`). Without an event loop they are executed in place.
    Offload {
        /// Name of the pool, one of [`Strategy::pools`]; `None`: where all else is offloaded, or the loop's default executor.
        to: Option<String>,
        /// The steps of the call.
        steps: Vec<Step>,
    },
    /// Steps that an event loop executes itself, even where it offloads all else.
    Inline(Vec<Step>),
}

/// Number of workers of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// The library's own default on this machine and version.
    Auto,
    /// Exactly so many (at least 1).
    Exactly(u32),
    /// A raw `threading.Thread` for every task; only of `Threads`.
    PerTask,
}

/// How processes are started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartMethod {
    /// `fork`: a copy of the parent.
    Fork,
    /// `spawn`: a fresh interpreter.
    Spawn,
    /// `forkserver`: a copy of a server process.
    Forkserver,
}

/// Library that runs a process pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessApi {
    /// `concurrent.futures.ProcessPoolExecutor`: each task is a call, or each chunk of tasks.
    Executor {
        /// Tasks in a chunk of `map(chunksize=)`, which is one call: pickled together, executed one after another by its worker, their results
        /// sent back together. `None`: the tasks are submitted one by one, as with chunks of one.
        chunksize: Option<u32>,
    },
    /// `multiprocessing.Pool`, which sends tasks in chunks.
    Pool {
        /// Tasks in a chunk; `None` for the library's own choice for `map`.
        chunksize: Option<u32>,
    },
}

impl ProcessApi {
    /// A `ProcessPoolExecutor` to which tasks are submitted one by one.
    pub const EXECUTOR: Self = Self::Executor { chunksize: None };
}

/// Where an event loop executes blocking work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offload {
    /// On the loop's own thread.
    None,
    /// In a thread pool.
    Threads(Workers),
    /// In a process pool (`ProcessPoolExecutor`).
    Processes(Workers, StartMethod),
    /// In a pool of sub-interpreters.
    Interpreters(Workers),
}

/// A pool of an event loop beside the one that it offloads to by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPool {
    /// Name, unique in its strategy: letters, digits, `_` and `-`.
    pub name: String,
    /// Its workers; [`Offload::None`]: what is offloaded to it stays on the loop.
    pub workers: Offload,
}

/// How tasks are executed, as a small tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Strategy {
    /// One after another on the main thread.
    Sequential,
    /// `ThreadPoolExecutor`, or a raw thread for each task.
    Threads(Workers),
    /// A pool of processes.
    Processes {
        /// Number of workers.
        workers: Workers,
        /// How they are started.
        start: StartMethod,
        /// Library that runs them.
        api: ProcessApi,
        /// When workers end, and what they inherit.
        life: PoolLife,
    },
    /// `InterpreterPoolExecutor`.
    Interpreters(Workers),
    /// One event loop.
    Asyncio {
        /// Concurrency limit, held by a semaphore; `None` for no limit.
        limit: Option<u32>,
        /// Where blocking work is executed.
        offload: Offload,
        /// Further pools, for steps that name them ([`Step::Offload`]).
        pools: Vec<NamedPool>,
    },
    /// Copies of a strategy in processes of their own; arrivals are dealt to them as an accept queue does.
    Prefork {
        /// Number of copies (at least 1).
        processes: u32,
        /// Strategy of each copy (not `Prefork` itself).
        each: Box<Strategy>,
        /// How the copies begin, and when they end.
        life: Lifecycle,
    },
    /// Several machines that each execute a strategy, behind a load balancer or a broker.
    Nodes {
        /// The machines, and what stands before them.
        nodes: Nodes,
        /// Strategy of each machine (not `Nodes` itself).
        each: Box<Strategy>,
    },
    /// A server by the words of its own command line.
    Server {
        /// The server.
        server: Server,
        /// What it comes to; [`Strategy::served`] makes it.
        runs: Box<Strategy>,
    },
}

/// What an objective is about, and what strategies are ranked by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// Time until the last task is done, in seconds.
    Makespan,
    /// Completed tasks a second.
    Throughput,
    /// Mean latency, in seconds.
    MeanLatency,
    /// This percentile (0 to 100) of latency, in seconds.
    Percentile(f64),
    /// This percentile of the latency of those tasks that arrive in a window of time, in the worst window, in seconds.
    Worst(f64),
    /// Peak memory, in bytes.
    Memory,
    /// CPU time used, in seconds.
    Cpu,
    /// Share (0 to 1) of tasks that failed or timed out.
    FailureRate,
}

/// A condition that a forecast must meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// As the user wrote it, for the report.
    pub text: String,
    /// The metric that is compared.
    pub metric: Metric,
    /// Whether the metric has to be below the bound (`<`) rather than above it (`>`).
    pub below: bool,
    /// The bound, in the metric's unit.
    pub bound: f64,
}

impl Objective {
    /// Whether both objectives ask for the same, however they are written: `p95 < 200ms` and `p95<0.2s`.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        (self.metric, self.below, self.bound) == (other.metric, other.below, other.bound)
    }
}
