//! Interpreter profiles: every constant of the runtime, with a unit, a meaning and a source.
//!
//! A profile describes one CPython build on one machine at its best speed. Times are CPU time of one core of relative speed 1.0 unless the
//! text says latency. The table at the macro call below is the single list of parameters: the struct, and the names, units and texts that
//! files and reports show, come from it.

use crate::engine::Nanos;
use crate::scenario::{MachineSpec, RequestHandling};

/// Where a parameter's value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Tag {
    /// Read off the microbenchmark of this name.
    Measured(String),
    /// Computed from microbenchmarks, in this way.
    Derived(String),
    /// The default of the table: a constant of CPython's source, or an engineering estimate.
    Default,
    /// There is no value, because the interpreter cannot do what this would be the cost of, for this reason.
    Absent(String),
}

/// How an interpreter was built, as far as it tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// The compiler, as `platform.python_compiler()` names it.
    pub compiler: String,
    /// Whether it was built with profile-guided optimization; `None` if unknown.
    pub pgo: Option<bool>,
    /// Whether it was built with link-time optimization; `None` if unknown.
    pub lto: Option<bool>,
    /// Whether it was built with assertions, which make it several times slower.
    pub debug: bool,
}

/// The machine that a profile was measured on, and those of its properties that the model needs.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineFacts {
    /// Operating system, release and architecture.
    pub system: String,
    /// The processor, as the system names it.
    pub cpu: String,
    /// Number of cores that the interpreter could use.
    pub cores: u32,
    /// Time of one iteration of the reference loop at the machine's best speed, in nanoseconds; slowness is relative to this.
    pub loop_ns: f64,
    /// Base slice of the scheduler.
    pub base_slice: Nanos,
    /// Latency of a wake-up by idle time of the core: points (idle time, latency), idle times rising.
    pub wake_latency: Vec<(Nanos, Nanos)>,
    /// CPU time of a thread that wakes another on an idle core, spent on the interrupt: points (idle time, CPU time), idle times rising;
    /// empty if none was measured.
    pub wake_send: Vec<(Nanos, Nanos)>,
    /// Extra CPU time of a thread woken on an idle core: points (idle time, CPU time), idle times rising; empty if none was measured.
    pub wake_cpu: Vec<(Nanos, Nanos)>,
    /// Idle time after which wake-ups no longer find a core; `None`: they always do.
    pub halted_after: Option<Nanos>,
    /// Share (0 to 1) of the times that a core which becomes idle looks at once for threads that wait on others; `None`: not measured.
    pub new_idle: Option<f64>,
    /// Share (0 to 1) by which a core is slower while all others are busy.
    pub interference: f64,
    /// CPU time of copying one byte into or out of a pipe, in nanoseconds.
    pub pipe_ns_per_byte: f64,
    /// CPU time of a trivial system call.
    pub syscall: Nanos,
}

/// When, where and how a profile was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Provenance {
    /// Day of the measurement in UTC, as `2026-11-23`.
    pub date: String,
    /// How the interpreter was built.
    pub build: Build,
    /// The machine.
    pub machine: MachineFacts,
    /// How often each microbenchmark was run.
    pub rounds: u32,
    /// Mean slowness of the machine during the measurement: 1.0 at its best, 2.0 at half that speed.
    pub slowness: f64,
}

/// How a parameter reacts to a machine that runs slower than at its best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// CPU time of the runtime, which stretches with the machine's slowness.
    Overhead,
    /// A constant of the source, a ratio, a probability or a size, which stays as it is.
    Fixed,
}

/// Description of a parameter: all but its value.
#[derive(Clone, Copy, Debug)]
pub struct ParamInfo {
    /// Field name.
    pub name: &'static str,
    /// Unit: `ns`, `bytes`, `x` (a factor, a count or a flag) or `p` (a share or probability).
    pub unit: &'static str,
    /// How it reacts to a slow machine.
    pub kind: ParamKind,
    /// Meaning, as reports show it.
    pub meaning: &'static str,
}

/// Units of parameters, each with the type that its values have in [`Costs`].
mod unit {
    use crate::engine::{Nanos, whole};

    pub(crate) trait ParamUnit {
        type Value;
        /// Name of the unit in files and reports.
        const TEXT: &'static str;
        fn value(written: f64) -> Self::Value;
    }

    macro_rules! units {
        ($($(#[$doc:meta])* $name:ident: $value:ty, $text:literal, $of:expr;)+) => {$(
            $(#[$doc])*
            pub(crate) enum $name {}

            impl ParamUnit for $name {
                type Value = $value;
                const TEXT: &'static str = $text;
                fn value(written: f64) -> Self::Value {
                    ($of)(written)
                }
            }
        )+};
    }

    units! {
        /// A time in whole nanoseconds.
        Time: Nanos, "ns", Nanos::from_f64;
        /// A time for each of many things (a byte, say), in fractions of a nanosecond.
        TimeEach: f64, "ns", |each| each;
        /// A size in bytes.
        Bytes: u64, "bytes", whole;
        /// A share of a whole, or a probability, from 0 to 1.
        Share: f64, "p", |share| share;
        /// A ratio.
        Factor: f64, "x", |factor| factor;
        /// A count.
        Count: u64, "x", whole;
        /// A flag: 1 or 0.
        Flag: bool, "x", |flag| flag > 0.5;
    }
}

macro_rules! parameters {
    ($($(#[doc = $doc:literal])+ $name:ident: $unit:ident, $kind:ident, $default:expr;)+) => {
        /// The parameters' values, in the units of [`PARAMS`].
        #[expect(clippy::doc_markdown, reason = "what the parameters mean is shown as it stands here")]
        #[derive(Clone, Debug, PartialEq)]
        pub struct Params {
            $($(#[doc = $doc])+ pub $name: f64,)+
        }

        impl Default for Params {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        /// The parameters as the simulation takes them: times and sizes in whole units.
        #[derive(Clone, Debug)]
        #[expect(dead_code, reason = "one or the other is read as it is written, and no run is charged for it")]
        #[expect(clippy::doc_markdown, reason = "as above")]
        pub(crate) struct Costs {
            $($(#[doc = $doc])+ pub(crate) $name: <unit::$unit as unit::ParamUnit>::Value,)+
        }

        impl From<&Params> for Costs {
            fn from(p: &Params) -> Self {
                Self { $($name: <unit::$unit as unit::ParamUnit>::value(p.$name),)+ }
            }
        }

        /// The list of parameters in the order of the table.
        pub const PARAMS: &[ParamInfo] = &[
            $(ParamInfo { name: stringify!($name), unit: <unit::$unit as unit::ParamUnit>::TEXT, kind: ParamKind::$kind, meaning: concat!($($doc),+) },)+
        ];

        impl Params {
            /// The value of the parameter with this number in [`PARAMS`].
            pub fn get(&self, index: usize) -> f64 {
                [$(self.$name),+][index]
            }

            /// The parameter with this number in [`PARAMS`].
            pub fn get_mut(&mut self, index: usize) -> &mut f64 {
                let all: [&mut f64; PARAMS.len()] = [$(&mut self.$name),+];
                all.into_iter().nth(index).expect("an index into PARAMS")
            }
        }
    };
}

parameters! {
    /// Cost of the same pure-Python work relative to the baseline interpreter.
    cpu_factor: Factor, Fixed, 1.0;
    /// Mean time between two checkpoints of running bytecode (where the eval breaker is looked at).
    check_gap: Time, Fixed, 100.0;
    /// GIL switch interval (sys.getswitchinterval).
    switch_interval: Time, Fixed, 5e6;
    /// Releasing and taking a GIL that nobody else wants.
    gil_pair: Time, Overhead, 90.0;
    /// Extra CPU of releasing the GIL when a waiter has to be woken (futex call).
    gil_signal: Time, Overhead, 1_500.0;
    /// CPU of a waiter for the GIL on falling asleep and, woken, on leaving the futex: before it has the GIL.
    gil_take: Time, Overhead, 2_000.0;
    /// Probability that the waiter whose request made the holder leave gets the GIL before the longest waiter: it is still
    /// on its way back into the condition variable when the signal comes, and takes it without sleeping. Only where
    /// holder and requester run on two cores.
    gil_requester_wins: Share, Fixed, 0.5;
    /// Uncontended acquire and release of a threading.Lock.
    lock_pair: Time, Overhead, 45.0;
    /// A waiter that has waited this long is handed the lock (PyMutex); 0: never, passers-by can always take it first.
    lock_fair: Time, Fixed, 1e6;
    /// Time for which a thread spins before it parks (free-threaded builds: 40 yields); 0: parks at once.
    lock_spin: Time, Overhead, 0.0;
    /// CPU of parking on a futex and of leaving it when woken.
    park: Time, Overhead, 1_500.0;
    /// CPU of waking a parked thread (futex call).
    unpark: Time, Overhead, 1_500.0;
    /// Uncontended put and get of a queue.Queue.
    queue_pair: Time, Overhead, 1_800.0;
    /// One access of an object that no other thread touches.
    object_access: Time, Overhead, 30.0;
    /// Extra per read of an object that another thread reads all the time as well (its reference count travels): as two threads on
    /// two cores show it. However many they are, the object serves one at a time. Free-threaded.
    object_read_contended: Time, Overhead, 0.0;
    /// The same for a write (the object's lock travels); counts as a read's where that is dearer. Free-threaded.
    object_write_contended: Time, Overhead, 0.0;
    /// Thread.start(): CPU in the starting thread.
    thread_start: Time, Overhead, 25_000.0;
    /// CPU of a new thread until it runs its target.
    thread_boot: Time, Overhead, 15_000.0;
    /// CPU of a thread's end.
    thread_exit: Time, Overhead, 5_000.0;
    /// CPU that a thread costs besides if its stack is new, none of those that the process keeps of ended threads: mapping it, its first
    /// pages, the interpreter's state for it, unmapping. (pthread_create(3), glibc `nptl/allocatestack.c`.)
    thread_fresh: Time, Overhead, 38_000.0;
    /// Resident memory of a thread.
    thread_rss: Bytes, Fixed, 17_000.0;
    /// ThreadPoolExecutor.submit without starting a thread.
    tpe_submit: Time, Overhead, 6_000.0;
    /// CPU of a pool thread for each item besides the item's own work (get, run, set the result).
    tpe_item: Time, Overhead, 3_000.0;
    /// Memory of a pending work item and its future, without payload.
    tpe_item_rss: Bytes, Fixed, 2_500.0;
    /// One iteration of the event loop without its handles (timers, select, bookkeeping).
    aio_iteration: Time, Overhead, 1_200.0;
    /// Creating a task (its first handle included).
    aio_task_create: Time, Overhead, 1_500.0;
    /// One step of a task: a handle that resumes the coroutine.
    aio_step: Time, Overhead, 600.0;
    /// A task's end: result set, done callback run.
    aio_task_done: Time, Overhead, 900.0;
    /// Awaiting asyncio.sleep: future, timer pushed.
    aio_sleep: Time, Overhead, 4_000.0;
    /// A timer that is due: popped, its future set.
    aio_timer_fire: Time, Overhead, 2_500.0;
    /// Acquire and release of an asyncio.Semaphore or Lock.
    aio_semaphore: Time, Overhead, 760.0;
    /// Put and get of an asyncio.Queue.
    aio_queue_pair: Time, Overhead, 610.0;
    /// asyncio.timeout(): made and cancelled.
    aio_timeout: Time, Overhead, 1_500.0;
    /// Loop side of run_in_executor besides the executor's own submit (futures wrapped and chained).
    aio_offload: Time, Overhead, 8_000.0;
    /// Worker side of a finished offload: call_soon_threadsafe (self-pipe written).
    aio_threadsafe: Time, Overhead, 6_000.0;
    /// Loop side of a finished offload besides the task's step: self-pipe read, future's state copied.
    aio_offload_done: Time, Overhead, 8_000.0;
    /// asyncio.run: loop made and closed.
    aio_run: Time, Overhead, 120_000.0;
    /// Memory of a waiting task with its coroutine.
    aio_task_rss: Bytes, Fixed, 1_000.0;
    /// Memory of an event loop and what it imports on first use.
    aio_loop_rss: Bytes, Fixed, 150_000.0;
    /// ProcessPoolExecutor.submit: CPU in the submitting thread (work item, wake-up pipe).
    ppe_submit: Time, Overhead, 10_000.0;
    /// Management thread, per call moved to the call queue.
    ppe_fill: Time, Overhead, 12_000.0;
    /// Feeder thread, per call besides pickling and copying (locks, write).
    ppe_feed: Time, Overhead, 20_000.0;
    /// Worker, per call: read lock, two reads, besides copying and unpickling.
    ppe_get: Time, Overhead, 15_000.0;
    /// Worker, per result: write lock, write, besides pickling and copying.
    ppe_put: Time, Overhead, 15_000.0;
    /// Management thread, per wake-up: a fresh selector, poll.
    ppe_wait: Time, Overhead, 25_000.0;
    /// The same, for every worker of the pool (its sentinel is registered each time).
    ppe_wait_worker: Time, Overhead, 1_000.0;
    /// Management thread, per result: read, unpickle, set the future, release a token.
    ppe_result: Time, Overhead, 25_000.0;
    /// multiprocessing.Pool: submitting thread and task handler, per chunk.
    pool_task: Time, Overhead, 20_000.0;
    /// multiprocessing.Pool: result handler, per chunk.
    pool_result: Time, Overhead, 20_000.0;
    /// Memory of the parent's side of a process pool (modules, queues, threads).
    ppe_rss: Bytes, Fixed, 500_000.0;
    /// Pickling besides the bytes (a fresh pickler).
    pickle_fixed: Time, Overhead, 1_500.0;
    /// Pickling one small object (a number, a string, a field of a record) of a payload.
    pickle_object_dump: Time, Overhead, 50.0;
    /// Unpickling one.
    pickle_object_load: Time, Overhead, 55.0;
    /// Forking: CPU in the parent until the call returns.
    fork_call: Time, Overhead, 1_000_000.0;
    /// Forking: further CPU for every byte resident in the parent (page tables copied, later torn down).
    fork_per_byte: TimeEach, Overhead, 0.028;
    /// Forked child: CPU from its first instruction to its target.
    fork_boot: Time, Overhead, 1_000_000.0;
    /// Forked child: private memory once it runs.
    fork_private: Bytes, Fixed, 1.4e6;
    /// Forked children: memory that the parent's own writes make private to it, once for all children.
    fork_parent_private: Bytes, Fixed, 2.0e6;
    /// Memory of a container object and what hangs on it, in a program's own modules: the resident memory that imports of most of the
    /// standard library add over the containers they add, 960 to 1040 bytes with CPython 3.11, 3.14 and 3.14t.
    object_rss: Bytes, Fixed, 1_000.0;
    /// Memory of a container that a task makes: an empty list, its collector's header and its place in another.
    container_rss: Bytes, Fixed, 72.0;
    /// Forked child: share of its inherited objects' memory that its first full collection makes private, whose pages hold headers of
    /// containers. Measured with children of 100,000 and 400,000 small dicts and of the standard library: 0.34 to 0.42.
    cow_collect: Share, Fixed, 0.37;
    /// Forked child: share of the same that walking all of them makes private, whose pages hold reference counts; these of a collection
    /// are among them. Measured alike: 0.56 to 0.69.
    cow_walk: Share, Fixed, 0.67;
    /// Forked child: memory that its own heaps grow by before they use any again, at most and as far as it makes so much, over its
    /// inherited objects' memory: free-threaded builds let garbage stand in proportion to the heap, in heaps of the child's own.
    cow_fresh: Factor, Fixed, 0.0;
    /// Forked child: CPU of the fault that copies a page of 4096 bytes.
    cow_fault: Time, Overhead, 2_400.0;
    /// Spawning: CPU in the parent until the call returns.
    spawn_call: Time, Overhead, 500_000.0;
    /// Spawned child: CPU from exec to its target (interpreter start, standard modules, main module imported again).
    spawn_boot: Time, Overhead, 75_000_000.0;
    /// Spawned child: private memory.
    spawn_private: Bytes, Fixed, 13.4e6;
    /// Resource tracker, started once by spawn and forkserver: CPU.
    tracker_boot: Time, Overhead, 11_000_000.0;
    /// Resource tracker: memory.
    tracker_private: Bytes, Fixed, 6.5e6;
    /// Fork server, started once: CPU until it listens.
    forkserver_boot: Time, Overhead, 25_000_000.0;
    /// Fork server: memory.
    forkserver_private: Bytes, Fixed, 8.0e6;
    /// Asking the fork server for a child: CPU in the parent.
    forkserver_call: Time, Overhead, 600_000.0;
    /// CPU of the fork server for each child.
    forkserver_fork: Time, Overhead, 700_000.0;
    /// Child of the fork server: CPU to its target (main module imported unless preloaded).
    forkserver_child_boot: Time, Overhead, 42_000_000.0;
    /// Child of the fork server: private memory.
    forkserver_child_private: Bytes, Fixed, 11.0e6;
    /// Fork server that has no main module to preload although it would: CPU until it listens.
    forkserver_bare_boot: Time, Overhead, 25_000_000.0;
    /// The same: memory.
    forkserver_bare_private: Bytes, Fixed, 8.0e6;
    /// Child of a fork server that has no main module to preload: CPU to its target (main module imported).
    forkserver_bare_child_boot: Time, Overhead, 42_000_000.0;
    /// The same: private memory.
    forkserver_bare_child_private: Bytes, Fixed, 11.0e6;
    /// 1: the fork server imports the main module once (3.14.1 and later) if it is a file that Python was started with; 0: every child
    /// imports it again.
    forkserver_preload_main: Flag, Fixed, 0.0;
    /// CPU of a worker process's exit and of joining it.
    process_exit: Time, Overhead, 1_000_000.0;
    /// A spawned worker's exit (a full interpreter shutdown): CPU.
    spawn_exit: Time, Overhead, 14_000_000.0;
    /// Creating a sub-interpreter, in its worker thread; 0: not available in this version.
    interp_create: Time, Overhead, 0.0;
    /// Importing the main module in a sub-interpreter.
    interp_import: Time, Overhead, 0.0;
    /// Destroying a sub-interpreter.
    interp_destroy: Time, Overhead, 0.0;
    /// A call into a sub-interpreter: CPU in the submitting thread (arguments converted).
    interp_call: Time, Overhead, 15_000.0;
    /// A call into a sub-interpreter: CPU in the worker (switching, unpickling, result converted back).
    interp_item: Time, Overhead, 30_000.0;
    /// Memory of a sub-interpreter with the main module imported.
    interp_rss: Bytes, Fixed, 10e6;
    /// Memory of one Python process before it does anything (interpreter, standard library modules in use).
    base_rss: Bytes, Fixed, 21e6;
    /// Memory of a thread pool's objects besides its threads.
    tpe_rss: Bytes, Fixed, 300_000.0;
    /// A request's own handling by uvicorn, user and system: connection accepted, one GET read and parsed, two bytes answered, access log
    /// written, connection closed; without the application.
    request_uvicorn: Time, Overhead, 340_000.0;
    /// The same by gunicorn's UvicornWorker, without an access log.
    request_uvicorn_worker: Time, Overhead, 260_000.0;
    /// The same by hypercorn's asyncio worker.
    request_hypercorn: Time, Overhead, 380_000.0;
    /// The same by gunicorn's sync worker.
    request_gunicorn_sync: Time, Overhead, 97_000.0;
    /// The same by gunicorn's gthread worker, its accepting thread included.
    request_gunicorn_gthread: Time, Overhead, 232_000.0;
    /// What a request's own handling takes besides after long without one: until then, others have had the caches. It comes back as
    /// `1 - exp(-t / 18 ms)` with the time *t* since the process last handled one; all servers alike.
    request_cold: Time, Overhead, 390_000.0;
    /// A tick of a server with an event loop, of which each of its processes has ten a second: `Server.on_tick` of uvicorn, hypercorn's look
    /// whether it is to end.
    server_tick: Time, Overhead, 115_000.0;
    /// A message of a celery worker, in its main process: read from the broker (redis, without a result backend), decoded, handed on,
    /// acknowledged; the task's own process or thread takes the rest.
    message_celery: Time, Overhead, 400_000.0;
    /// Stopping the world: CPU for every attached thread (free-threaded builds).
    stw_per_thread: Time, Overhead, 3_000.0;
    /// Stopping the world: how often a requester looks again for threads that have detached.
    stw_poll: Time, Fixed, 1e6;
    /// Collections: container allocations between two young collections.
    gc_threshold: Count, Fixed, 2_000.0;
    /// Collections: cost for each live container looked at in a full collection.
    gc_per_object: Time, Overhead, 25.0;
    /// ThreadPoolExecutor releases an idle token after every item (3.11) instead of only when its queue is empty: 1 or 0.
    tpe_token_every_item: Flag, Fixed, 0.0;
}

impl RequestHandling {
    /// Name of the parameter that says what it costs.
    #[must_use]
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Uvicorn => "request_uvicorn",
            Self::UvicornWorker => "request_uvicorn_worker",
            Self::Hypercorn => "request_hypercorn",
            Self::GunicornSync => "request_gunicorn_sync",
            Self::GunicornGthread => "request_gunicorn_gthread",
        }
    }
}

impl Costs {
    /// CPU time of a server's own handling of a request.
    #[inline]
    pub(crate) fn request(&self, handling: RequestHandling) -> Nanos {
        match handling {
            RequestHandling::Uvicorn => self.request_uvicorn,
            RequestHandling::UvicornWorker => self.request_uvicorn_worker,
            RequestHandling::Hypercorn => self.request_hypercorn,
            RequestHandling::GunicornSync => self.request_gunicorn_sync,
            RequestHandling::GunicornGthread => self.request_gunicorn_gthread,
        }
    }
}

impl Params {
    /// CPU time of a server's own handling of a request.
    #[must_use]
    pub fn request(&self, handling: RequestHandling) -> Nanos {
        Costs::from(self).request(handling)
    }
}

/// A cost as a function of a size: points (bytes, nanoseconds), sizes rising. It is linear between the points and continues beyond them
/// with the last slope.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CostCurve(pub Vec<(f64, f64)>);

impl CostCurve {
    /// The cost for a size of `bytes`, scaled by `factor`.
    pub fn at(&self, bytes: u64, factor: f64) -> Nanos {
        let x = bytes as f64;
        let (mut x0, mut y0, mut slope) = (0.0, 0.0, 0.0);
        for &(x1, y1) in &self.0 {
            if x1 > x0 {
                slope = (y1 - y0) / (x1 - x0);
            } else {
                y0 = y1;
            }
            if x <= x1 {
                break;
            }
            (x0, y0) = (x1, y1);
        }
        Nanos::from_f64((y0 + slope * (x - x0)) * factor)
    }
}

/// An interpreter on a machine: what it costs there.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Name, as scenarios use it: `cpython-3.14t`.
    pub name: String,
    /// Version, as Python gives it: `3.14.0`.
    pub version: String,
    /// Minor version (14 of 3.14), for what differs between versions.
    pub minor: u32,
    /// Whether the build has a GIL.
    pub gil: bool,
    /// Where and when it was measured, or why it was not.
    pub origin: String,
    /// Values of all parameters.
    pub params: Params,
    /// Origin of each value, in the order of [`PARAMS`].
    pub tags: Vec<Tag>,
    /// Confidence interval (95 %) of each value that was measured often enough, in the order of [`PARAMS`].
    pub spreads: Vec<Option<(f64, f64)>>,
    /// Details of the measurement, where they are known.
    pub provenance: Option<Provenance>,
    /// CPU time of pickling a payload in the sender, beside `pickle_fixed`: `bytes` objects, in-band.
    pub dumps: CostCurve,
    /// CPU time of unpickling a payload in the receiver.
    pub loads: CostCurve,
    /// CPU time that a message which takes several reads costs its receiver, beside copying and unpickling: the block of each read, and the
    /// buffer that grows by it, are fresh pages.
    pub receives: CostCurve,
    /// Factor on all overheads: 1.0 for the machine at its best (see [`Profile::slowed`]).
    pub slowness: f64,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            name: "default".into(),
            version: "3.14.0".into(),
            minor: 14,
            gil: true,
            origin: "the table's defaults".into(),
            params: Params::default(),
            tags: vec![Tag::Default; PARAMS.len()],
            spreads: vec![None; PARAMS.len()],
            provenance: None,
            dumps: CostCurve(vec![(0.0, 0.0), (1e5, 6e3), (1e6, 3.8e5), (1e7, 6.7e6)]),
            loads: CostCurve(vec![(0.0, 0.0), (1e5, 6e3), (1e6, 7e4), (1e7, 1.9e6)]),
            receives: CostCurve::default(),
            slowness: 1.0,
        }
    }
}

impl Profile {
    /// Index of the parameter of this name in [`PARAMS`].
    pub fn index(name: &str) -> Option<usize> {
        PARAMS.iter().position(|p| p.name == name)
    }

    /// Why the interpreter cannot do what this parameter is the cost of; `None` if it can, or if there is no such parameter.
    pub fn lacks(&self, name: &str) -> Option<&str> {
        match &self.tags[Self::index(name)?] {
            Tag::Absent(why) => Some(why),
            _ => None,
        }
    }

    /// The machine that a scenario asks for; what the scenario leaves open is taken from the machine that this profile was measured on.
    #[must_use]
    pub fn machine(&self, asked: &MachineSpec) -> MachineSpec {
        let mut m = asked.clone();
        if let Some(facts) = self.provenance.as_ref().map(|p| &p.machine) {
            let put = |slot: &mut Nanos, given: bool, measured: Nanos| {
                if !given {
                    *slot = measured;
                }
            };
            put(&mut m.base_slice, m.given.base_slice, facts.base_slice);
            put(&mut m.syscall, m.given.syscall, facts.syscall);
            if !m.given.wake_latency {
                m.wake_latency.clone_from(&facts.wake_latency);
            }
            if !m.given.wake_send {
                m.wake_send.clone_from(&facts.wake_send);
            }
            if !m.given.wake_cpu {
                m.wake_cpu.clone_from(&facts.wake_cpu);
            }
            if !m.given.halted_after {
                m.halted_after = facts.halted_after;
            }
            if let Some(share) = facts.new_idle.filter(|_| !m.given.new_idle) {
                m.new_idle = share;
            }
            if !m.given.interference {
                m.interference = facts.interference;
            }
            if !m.given.pipe_ns_per_byte {
                m.pipe_ns_per_byte = facts.pipe_ns_per_byte;
            }
        }
        m
    }

    /// Half the width of a parameter's confidence interval, as a share of its value; `None` if it has none, or the value is 0.
    pub fn uncertainty(&self, index: usize) -> Option<f64> {
        let (least, greatest) = self.spreads[index]?;
        let value = self.params.get(index);
        (value > 0.0).then(|| (greatest - least) / 2.0 / value)
    }

    /// The profile on a machine that runs `factor` times slower than at its best. Overheads stretch; demands, sleeps and constants of the
    /// source do not.
    #[must_use]
    pub fn slowed(&self, factor: f64) -> Self {
        let mut p = self.clone();
        for (i, info) in PARAMS.iter().enumerate() {
            if info.kind == ParamKind::Overhead {
                *p.params.get_mut(i) *= factor;
            }
        }
        p.slowness *= factor;
        p
    }

    /// The profile for a workload whose CPU times were taken on `measured`, rather than on the baseline: its factor on them is how much
    /// slower than `measured` it executes Python code.
    #[must_use]
    pub(crate) fn for_times_of(mut self, measured: &Self) -> Self {
        self.params.cpu_factor /= measured.params.cpu_factor;
        self
    }
}
