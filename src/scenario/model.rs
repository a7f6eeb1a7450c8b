//! A scenario as the rest of the program sees it: parsed, defaults filled in, every cross-reference resolved to an index.

use super::Dist;
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
    /// What has to be done.
    pub workload: Workload,
    /// What to compare; empty means "a sensible full set on every interpreter named".
    pub strategies: Vec<StrategyCase>,
    /// Replications asked for; `None` lets the study decide.
    pub replications: Option<u32>,
    /// Time at the start of an open or closed run that does not count; `None` finds it (MSER-5).
    pub warmup: Option<Nanos>,
    /// End of the simulated time; tasks still in flight then do not count as completed.
    pub horizon: Option<Nanos>,
    /// What a strategy has to meet.
    pub objectives: Vec<Objective>,
    /// What strategies are ranked by; `None` lets the study decide.
    pub rank_by: Option<Metric>,
    /// Master seed.
    pub seed: u64,
}

/// A strategy to compare, and the interpreters it is crossed with.
#[derive(Clone, Debug, PartialEq)]
pub struct StrategyCase {
    /// The strategy tree.
    pub strategy: Strategy,
    /// The interpreter's name; `None` means every interpreter of the scenario.
    pub interpreter: Option<String>,
}

/// The simulated computer and its operating system.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineSpec {
    /// Relative speed of each core (1.0 is the profile's own machine); as many entries as cores, at least one.
    pub cores: Vec<f64>,
    /// What `os.process_cpu_count()` tells Python (default: the number of cores). Containers often differ.
    pub visible_cpus: u32,
    /// Past this the run ends as out of memory.
    pub memory_limit: Option<Bytes>,
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
    /// Latency from wake-up to running on a core that has been idle for so long: points (idle time, latency), rising,
    /// interpolated. An overloaded core adds its queue, not this.
    pub wake_latency: Vec<(Nanos, Nanos)>,
    /// CPU time of whoever wakes a thread for which another core has to leave its idle state, beyond the call itself, by how long
    /// that core has been idle: points (idle time, CPU), rising, interpolated. The interrupt that it sends (in a virtual machine
    /// an exit to the hypervisor) is not needed while the idle core still polls.
    pub wake_send: Vec<(Nanos, Nanos)>,
    /// Extra CPU time of a thread that is woken on a core that has been idle for so long: points (idle time, CPU), rising,
    /// interpolated: leaving the idle state, and caches that have gone cold.
    pub wake_cpu: Vec<(Nanos, Nanos)>,
    /// How long a core idles before its hypervisor takes it for preempted: from then on a wake-up does not find it
    /// (`available_idle_cpu` asks `vcpu_is_preempted`), and the woken thread stays on the core that it was on, until idle cores pull. `None`: never, as
    /// on real hardware.
    pub halted_after: Option<Nanos>,
    /// By which share every core is slower while all others are busy, and in proportion while some are: shared caches, memory
    /// bandwidth, hyper-threads. 0: cores do not slow each other.
    pub interference: f64,
    /// Capacity of a pipe in bytes (64 KiB on Linux).
    pub pipe_capacity: Bytes,
    /// CPU time of copying a byte into or out of a pipe, in nanoseconds.
    pub pipe_ns_per_byte: f64,
    /// CPU time of a trivial system call.
    pub syscall: Nanos,
    /// Which of the fields that a calibration measures the scenario gives itself.
    pub given: MachineGiven,
}

/// Which of the machine's fields a scenario gives: for those that it leaves out, a calibrated profile knows better than the
/// defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MachineGiven {
    /// `base_slice`
    pub base_slice: bool,
    /// `syscall`
    pub syscall: bool,
    /// `wake_latency`
    pub wake_latency: bool,
    /// `wake_send`
    pub wake_send: bool,
    /// `wake_cpu`
    pub wake_cpu: bool,
    /// `halted_after`
    pub halted_after: bool,
    /// `interference`
    pub interference: bool,
    /// `pipe_ns_per_byte`
    pub pipe_ns_per_byte: bool,
}

impl Default for MachineSpec {
    fn default() -> Self {
        Self::with_cores(4)
    }
}

impl MachineSpec {
    /// A server of `n` equal cores (at least one) with Linux's defaults.
    pub fn with_cores(n: u32) -> Self {
        let us = Nanos::from_micros;
        Self {
            cores: vec![1.0; n.max(1) as usize],
            visible_cpus: n.max(1),
            memory_limit: None,
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
            interference: 0.0,
            pipe_capacity: 64 * 1024,
            pipe_ns_per_byte: 0.15,
            syscall: Nanos(200),
            given: MachineGiven::default(),
        }
    }
}

/// What has to be done: how tasks arrive, and what each does.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// How tasks arrive.
    pub arrivals: Arrivals,
    /// The kinds of task; at least one.
    pub classes: Vec<TaskClass>,
    /// Names of the locks (`LockId` is an index here) and whether each is shared between processes.
    pub locks: Vec<LockSpec>,
    /// The queues between tasks (`QueueId` is an index here).
    pub queues: Vec<QueueSpec>,
    /// Shared objects that steps read or write (`ObjectId` is an index here).
    pub objects: Vec<ObjectSpec>,
    /// Modules that the program imports beyond the standard library's pools and asyncio: CPU time and memory paid by
    /// every process or interpreter that does not inherit them.
    pub imports: Imports,
    /// Payloads are fresh zero memory that nobody writes (`bytes(n)`): large ones take up memory only where they are
    /// copied. False for real data.
    pub untouched_payload: bool,
    /// CPU time (baseline) that the program itself spends for every task besides the library's own cost and the task's steps,
    /// whatever the strategy: reading what is to be done, building arguments, attaching callbacks.
    pub dispatch: Nanos,
    /// How coarsely the program that is being forecast spends its CPU demands: a step overshoots by up to this much
    /// (uniform). Zero unless a measuring program's own granularity has to be reproduced.
    pub cpu_grain: Nanos,
    /// The same for native steps.
    pub native_grain: Nanos,
}

/// What importing the program's own modules costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Imports {
    /// CPU time on the baseline interpreter.
    pub time: Nanos,
    /// Private memory.
    pub memory: Bytes,
    /// Live container objects of the program in every process: what a full collection looks at. `None`: not said.
    pub objects: Option<u64>,
    /// `gc.freeze()` is called when all is imported: full collections do not look at these objects.
    pub frozen: bool,
    /// A fork server that preloads main modules finds this program's. `false`: it was started by `python -m`, by a launcher, in a
    /// notebook, or keeps the server from it.
    pub preloaded: bool,
}

impl Default for Imports {
    /// A file that Python was started with, and nothing but the standard library.
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

/// How tasks arrive.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrivals {
    /// All at time 0: `count` of every class, in the order of `order` (class indices).
    Batch,
    /// A renewal process; Poisson when the interval is exponential. Classes are drawn by weight.
    Open {
        /// Time between arrivals.
        interval: Dist,
        /// Number of arrivals; `None` needs a horizon.
        count: Option<u64>,
    },
    /// Recorded arrivals, in order of time.
    Trace(Vec<TracedTask>),
    /// Users who wait for their answer, think, and ask again. Classes are drawn by weight.
    Closed {
        /// How many.
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
    /// Its class.
    pub class: usize,
    /// Demands for its `Cpu`, `Native` and `Io` steps in program order, in place of the class's distributions; may be
    /// empty (then the class's own are drawn). CPU demands are for the baseline interpreter.
    pub demands: Vec<Nanos>,
}

/// A kind of task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskClass {
    /// Name, unique in the workload.
    pub name: String,
    /// How many of a batch.
    pub count: u64,
    /// Share of open and closed arrivals (relative to the sum over classes, > 0).
    pub weight: f64,
    /// What the task does.
    pub steps: Vec<Step>,
    /// Share, from 0 to 1, of the objects of [`Workload::imports`] that its steps walk: the same ones each time.
    pub touches: f64,
    /// Batches only: tasks of classes with this set take turns in arrival order (a, b, a, b, ...), others come class by class.
    pub interleave: bool,
}

/// Index into [`Workload::locks`].
pub type LockId = usize;
/// Index into [`Workload::queues`].
pub type QueueId = usize;
/// Index into [`Workload::objects`].
pub type ObjectId = usize;

/// A named lock.
#[derive(Clone, Debug, PartialEq)]
pub struct LockSpec {
    /// Name, unique.
    pub name: String,
    /// A `multiprocessing.Lock`: one for all processes. Otherwise each process (or interpreter) has its own.
    pub shared: bool,
}

/// A named Python object that tasks share.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectSpec {
    /// Name, unique.
    pub name: String,
    /// How its references are counted.
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
    /// In one place for all threads but the one that made it: every read writes there. Instances, containers, closures, large numbers.
    #[default]
    Counted,
    /// Not at all: `None`, small integers, interned strings, constants of the code.
    Immortal,
    /// By each thread for itself, or not until the collector looks: modules, functions of modules, classes, methods.
    PerThread,
}

impl ObjectKind {
    /// Whether threads that read the object contend for its count.
    pub fn reads_contend(self) -> bool {
        self == Self::Counted
    }
}

/// A named bounded queue between tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueSpec {
    /// Name, unique.
    pub name: String,
    /// Items that fit; `None` is unbounded.
    pub capacity: Option<u64>,
}

/// How often, and for how long, the code of a step gives the GIL up: a C extension that calls back into Python, a database
/// cursor that lets go for each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Releases {
    /// How often in a step of mean length, at least once; in a drawn one in proportion to its length.
    pub count: u64,
    /// For how long each time: CPU time of the baseline interpreter, a part of the step's own.
    pub released: Nanos,
}

impl Releases {
    /// What a release is taken to last where nobody says: about what callbacks of lxml and rows of a sqlite3 cursor show
    /// (CPython 3.13 on a server of 2025: a mutex given and taken, and next to nothing between).
    pub const RELEASED: Nanos = Nanos(160);

    /// How often a step gives the GIL up that takes `time` where the mean is `mean` nanoseconds.
    #[expect(
        clippy::cast_precision_loss,
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
    /// The same as code that gives the GIL up now and then: `Cpu` with `releases`. The time is all that the step takes by
    /// itself, with the GIL and without.
    Releasing(Dist, Releases),
    /// C code that has released the GIL.
    Native(Dist),
    /// Waiting for something outside (network, disk): no CPU, no GIL.
    Io(Dist),
    /// Steps done while holding a lock.
    Lock(LockId, Vec<Step>),
    /// Takes a lock (released by a later [`Step::Release`]; validation checks the balance).
    Acquire(LockId),
    /// Gives a lock back.
    Release(LockId),
    /// So many reads or writes of a shared Python object, each costing what the profile says; contended on
    /// free-threaded builds, reads only where the object's kind lets them.
    Shared {
        /// Which object.
        object: ObjectId,
        /// How many accesses.
        count: u64,
        /// Writes (take the object's lock) or reads (touch its reference count).
        write: bool,
    },
    /// Puts one item; waits while the queue is full.
    Put(QueueId),
    /// Takes one item; waits while the queue is empty.
    Get(QueueId),
    /// Starts `count` children of the given steps, and waits until all are done.
    FanOut {
        /// Children.
        count: u64,
        /// What each does.
        steps: Vec<Step>,
    },
    /// Bytes that travel to the worker with the task (or, under an offloading event loop, with the offload that the step
    /// stands in). Costs nothing where nothing is handed over.
    PayloadIn(Bytes),
    /// Bytes that travel back with the result; the last one counts.
    PayloadOut(Bytes),
    /// So many Python objects (numbers, strings, fields of records) travel to the worker, each pickled on its own, besides
    /// the bytes of [`Step::PayloadIn`].
    ObjectsIn(u64),
    /// The same back with the result.
    ObjectsOut(u64),
    /// Creates so many container objects (lists, dicts, instances) that survive for a while: what makes the garbage
    /// collector run.
    Allocate(u64),
    /// Working memory held while the steps run.
    Hold(Bytes, Vec<Step>),
    /// Steps that are given up after a time; the task then fails as timed out (unless a retry surrounds it).
    Timeout(Nanos, Vec<Step>),
    /// Fails with this probability.
    Fail(f64),
    /// Tries the steps up to `attempts` times in all, waiting `backoff` (doubled each time) between.
    Retry {
        /// Attempts in all, at least 1.
        attempts: u32,
        /// First waiting time.
        backoff: Nanos,
        /// What is tried.
        steps: Vec<Step>,
    },
    /// Steps done so many times.
    Repeat(u64, Vec<Step>),
}

/// How many workers a pool has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// The library's own default on this machine and version.
    Auto,
    /// So many (at least 1).
    Exactly(u32),
    /// `Threads` only: a raw `threading.Thread` for every task.
    PerTask,
}

/// How processes are started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartMethod {
    /// `fork`
    Fork,
    /// `spawn`
    Spawn,
    /// `forkserver`
    Forkserver,
}

/// Which library runs the processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessApi {
    /// `concurrent.futures.ProcessPoolExecutor`
    Executor,
    /// `multiprocessing.Pool`, tasks sent in chunks of this size (`None`: the library's own choice for `map`).
    Pool {
        /// Tasks per chunk.
        chunksize: Option<u32>,
    },
}

/// Where an event loop sends blocking work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offload {
    /// Nowhere: it runs on the loop's own thread.
    None,
    /// A thread pool.
    Threads(Workers),
    /// A process pool (`ProcessPoolExecutor`).
    Processes(Workers, StartMethod),
    /// A pool of sub-interpreters.
    Interpreters(Workers),
}

/// How tasks are executed: a small tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Strategy {
    /// One after another on the main thread.
    Sequential,
    /// `ThreadPoolExecutor`, or a raw thread a task.
    Threads(Workers),
    /// A pool of processes.
    Processes {
        /// How many.
        workers: Workers,
        /// How they are started.
        start: StartMethod,
        /// By which library.
        api: ProcessApi,
    },
    /// `InterpreterPoolExecutor`.
    Interpreters(Workers),
    /// One event loop.
    Asyncio {
        /// At most so many tasks at once (a semaphore).
        limit: Option<u32>,
        /// Where blocking work goes.
        offload: Offload,
    },
    /// So many copies of a strategy in processes of their own, arrivals dealt to them as an accept queue does.
    Prefork {
        /// How many (at least 1).
        processes: u32,
        /// What each runs (not `Prefork` itself).
        each: Box<Strategy>,
    },
}

/// What an objective is about.
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
    /// Peak memory, in bytes.
    Memory,
    /// CPU seconds used.
    Cpu,
    /// Failed or timed-out share of tasks, 0 to 1.
    FailureRate,
}

/// A condition that a forecast must meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// As the user wrote it, for the report.
    pub text: String,
    /// What is compared.
    pub metric: Metric,
    /// `true`: the metric must be below the bound (`<`); `false`: above it (`>`).
    pub below: bool,
    /// The bound, in the metric's unit.
    pub bound: f64,
}

impl Objective {
    /// Whether both ask for the same, however they are written: `p95 < 200ms` and `p95<0.2s`.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        (self.metric, self.below, self.bound) == (other.metric, other.below, other.bound)
    }
}
