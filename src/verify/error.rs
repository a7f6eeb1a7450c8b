//! Why a strategy has no program, or no forecast to hold it against.

use crate::engine::Nanos;
use crate::scenario::StartMethod;
use crate::strategy::SimError;

/// Why a scenario, or a strategy of it, cannot be turned into a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// Programs take everything in.
    #[error(
        "{0}, which verify does not run: its programs take everything in, wait for room, and nobody gives their tasks up; verify a copy of the \
         scenario without it"
    )]
    Policy(String),
    /// Users ask without an end.
    #[error("its users ask for ever; give `count` or `horizon`")]
    Endless,
    /// Nothing happens before the scenario's horizon.
    #[error("no request comes within its horizon")]
    NoRequest,
    /// More tasks arrive than a program runs.
    #[error(
        "more than {0} tasks arrive, more than a program runs; make `count` smaller with --set workload.arrivals.count=1000"
    )]
    Arrivals(usize),
    /// More tasks are asked for than a program runs.
    #[error(
        "{tasks} tasks are more than the {most} that a program runs; make `count` smaller with --set"
    )]
    Tasks {
        /// How many are asked for.
        tasks: u64,
        /// How many a program runs.
        most: u64,
    },
    /// More random numbers than a program's table holds.
    #[error(
        "its tasks need more than {0} random numbers, too many for a program; make `count` smaller, as in --set \
         workload.tasks[0].count=1000"
    )]
    Numbers(usize),
    /// The interpreter at hand has no multiprocessing.
    #[error("this Python has no process pools (multiprocessing does not work)")]
    ProcessPools,
    /// The system at hand does not start processes so.
    #[error("this Python cannot start processes by {0:?} on this system")]
    Start(StartMethod),
    /// The interpreter of this version has no pool of sub-interpreters.
    #[error("CPython {0} has no InterpreterPoolExecutor; 3.14 and later have")]
    InterpreterPool(String),
    /// Sub-interpreters share no queue.
    #[error(
        "tasks in sub-interpreters have no queue between them that waits as a multiprocessing.Queue does"
    )]
    QueueOfInterpreters,
    /// Prefork workers share no queue.
    #[error("copies of a prefork server have no queue between them")]
    QueueOfCopies,
    /// Programs fork their copies once, after the imports.
    #[error(
        "`{0}`: programs fork the processes of a server once, after the imports, and do not replace them"
    )]
    Lifecycle(String),
    /// There is one machine here.
    #[error(
        "`{0}` is several machines, and here is one: what one of them does can be verified, with its part of the load: --strategy '{1}'"
    )]
    Machines(String, String),
    /// Celery needs a broker.
    #[error(
        "`{0}` takes its tasks from a broker (redis, RabbitMQ), which verify does not start; the plain strategy that it comes to can be \
         verified: --strategy '{1}'"
    )]
    Broker(String, String),
    /// Visitors come, ask some times, and leave.
    #[error(
        "visitors (`Sessions`) are not run: who asks again, and when, depends on the answers; users who stay (`Closed`) or the same rate of \
         requests (`Poisson`) can be verified: --set 'workload.arrivals=Poisson(\"50/s\", 1000)'"
    )]
    Sessions,
    /// The workload comes as a batch, or is made by users who wait for their answers.
    #[error(
        "`{0}` is a server, which is asked at given times: arrivals have to be open (Poisson, Renewal) or a trace; the plain strategy that \
         it comes to can be verified: --strategy '{1}'"
    )]
    NotOpen(String, String),
    /// Workers of a server would have to share a lock.
    #[error(
        "its workers share the lock \"{0}\" (`shared: true`), but nothing is made before all workers of a server that they could share"
    )]
    LockOfAll(String),
    /// An application cannot hand children to the threads that gunicorn has.
    #[error(
        "children of a `FanOut` are tasks of the threads of gunicorn's worker in the forecast, to which an application has no access"
    )]
    ChildrenOfThreads,
    /// The executor of this version does not replace its workers.
    #[error("CPython {0} has no `max_tasks_per_child`; 3.11 and later have")]
    MaxTasks(String),
    /// Sub-interpreters, or workers of a server, would have to share a resource.
    #[error(
        "the resource \"{0}\" (`per: Everywhere`) would have to be shared by sub-interpreters, or by workers that a server starts: programs share \
         resources between the processes of pools and of `Prefork`"
    )]
    ResourceOfAll(String),
    /// Several processes would have to share more of a resource than they can.
    #[error("processes can share at most {1} of the resource \"{0}\" (`per: Everywhere`)")]
    ResourceTooLarge(String, u64),
    /// Connections are opened at a device.
    #[error(
        "connections of \"{0}\" are opened at a device (`to`): programs imitate devices for transfers, and open connections without one"
    )]
    OpensAtDevice(String),
    /// Several processes would have to share a device.
    #[error(
        "its processes share the device \"{0}\": that device is outside of the program, and is not imitated for several processes"
    )]
    DeviceOfAll(String),
    /// Workers in other processes share no queue with an event loop.
    #[error(
        "steps offloaded to processes or interpreters have no queue between them and the event loop; offload them to threads"
    )]
    QueueOfCall,
    /// A fault of a device, which is imitated as it is on a good day.
    #[error(
        "its `faults` are those of the device \"{0}\": programs imitate devices, but not what goes wrong with them"
    )]
    FaultyDevice(String),
    /// A fault ends the program itself.
    #[error("a `Crash` of its `faults` ends the only process of the program; it is not run")]
    CrashOfAll,
    /// Copies of a server crash.
    #[error(
        "a `Crash` of copies without a server is not run: nobody starts a copy of a program again here, and recorded requests are a copy's own; workers \
         of process pools, and of servers that are asked at random times (`Poisson`), can be verified"
    )]
    CrashOfCopies,
    /// A collection is the scenario's word, and no garbage of a program's makes one of just this length.
    #[error(
        "a `Pause` of its `faults` is not run: how long a real collection takes follows from the objects that there are (`imports: (objects: ..)`)"
    )]
    Pause,
    /// An interrupt in a worker ends the event loop that awaits it.
    #[error(
        "an `Interrupt` of a worker ends the event loop that awaits its call, and with it the program, or nothing happens (fork, 3.11 and later, the first time); it is not run"
    )]
    InterruptOfLoop,
    /// A server ends with the first worker that fails.
    #[error(
        "a `Crash` of a worker ends all of {0}, as built; the forecast says so, and it is not run"
    )]
    CrashOfServer(&'static str),
    /// A restart is for the master of a server, or for machines.
    #[error(
        "programs are not verified under a `Restart`: their workers would be replaced by a server's master, or by whoever orders machines; leave it out of \
         `faults` to verify the rest"
    )]
    Restart,
    /// `map` raises, or never returns, when a worker crashes.
    #[error(
        "after a `Crash` of its workers `map` raises for all tasks or never returns; tasks that come one by one (`Poisson`, `Closed`), or an executor \
         without `chunksize`, can be verified"
    )]
    CrashOfMap,
    /// The strategy cannot be compiled for the interpreter.
    #[error(transparent)]
    Unsupported(#[from] SimError),
}

/// Why there is no forecast to hold a program against; the program is not run then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ForecastError {
    /// Its tasks wait for one another.
    #[error("it deadlocks after {:.3} s in the simulation ({}); it is not run", .at.as_secs_f64(), .waiting.join("; "))]
    Deadlock {
        /// Simulated time from the start.
        at: Nanos,
        /// The first of those who wait, and what for.
        waiting: Vec<String>,
    },
    /// It needs more memory than there is.
    #[error("it needs more memory than the machine has; it is not run")]
    OutOfMemory,
    /// The simulation takes too many events.
    #[error("its simulation takes more than {0} events; make `count` smaller with --set")]
    EventLimit(u64),
    /// The simulation takes longer than the clock can tell.
    #[error("it would take centuries; it is not run")]
    ClockEnd,
    /// The simulated program's only process crashes.
    #[error("a fault of the scenario ends the only process of the program after {:.3} s; it is not run", .0.as_secs_f64())]
    Crashed(Nanos),
    /// Some tasks never end.
    #[error("{0} of its tasks never end in the simulation; it is not run")]
    Unfinished(u64),
    /// The interpreter cannot do what the strategy asks.
    #[error("{0}")]
    Unsupported(String),
    /// The simulator itself failed.
    #[error("its simulation failed; please report this scenario")]
    Failed,
}

impl From<SimError> for ForecastError {
    fn from(e: SimError) -> Self {
        Self::Unsupported(e.to_string())
    }
}
