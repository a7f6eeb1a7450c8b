//! The state of a run at an instant: what every process, thread and task does, or waits for, and since when.

mod cycles;
mod places;
mod step;
mod threads;

use crate::cpython::executors::Executors;
use typed_index_collections::TiVec;

use crate::cpython::index::TaskKey;
use crate::cpython::index::{GilIndex, ProcessIndex};
use crate::cpython::record::recording::FaultRecord;
use crate::cpython::work;
use crate::engine::Nanos;
use crate::machine::{SchedState, Tid};

/// The state of a run at an instant. Threads and tasks refer to each other, and to processes, by their indices in these lists.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The instant that is shown: the one asked for, or the end of the run if that was earlier.
    pub at: Nanos,
    /// Why the run had ended by then; `None` while it goes on.
    pub end: Option<RunEnd>,
    /// For each core, the thread on it: an index into `threads`.
    pub cores: Vec<Option<usize>>,
    /// The GILs of the processes shown.
    pub gils: Vec<GilState>,
    /// The living processes, in order of their creation.
    pub processes: Vec<ProcessState>,
    /// The living threads, process by process.
    pub threads: Vec<ThreadState>,
    /// The tasks in flight that the program has taken in, in order of arrival, children after their parents.
    pub tasks: Vec<TaskState>,
    /// Counts of tasks.
    pub totals: Totals,
    /// Memory of all processes together, shared pages counted once, in bytes.
    pub memory: u64,
    /// What has gone wrong so far by the scenario's `faults`: of one that comes again and again the last time.
    pub faults: Vec<FaultRecord>,
    /// Cycles of tasks that wait for each other: each task waits for the next, the last for the first.
    pub cycles: Vec<Vec<Link>>,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// All tasks were done.
    Done,
    /// No event was left, but tasks were unfinished.
    Deadlock,
    /// The scenario's horizon was reached.
    Horizon,
    /// Memory passed its limit.
    OutOfMemory,
    /// The number of events passed its limit.
    EventLimit,
    /// The last instant that the clock can represent was reached.
    ClockEnd,
    /// The program's only process was killed.
    Killed,
}

/// Counts of tasks, children left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Tasks that have arrived so far.
    pub arrived: u64,
    /// Tasks that have completed.
    pub done: u64,
    /// Tasks that have failed.
    pub failed: u64,
    /// Tasks that a deadline has ended.
    pub timed_out: u64,
    /// Tasks that were rejected.
    pub rejected: u64,
    /// Tasks that have arrived and are not over.
    pub in_flight: u64,
    /// Of the tasks in flight, those that the program has not taken in; the snapshot does not list them.
    pub not_taken_in: u64,
    /// Tasks that have yet to arrive; `None` if the workload has no end of its own.
    pub to_come: Option<u64>,
}

/// The state of a GIL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GilState {
    /// Its process.
    pub process: usize,
    /// Whether it belongs to a sub-interpreter.
    pub of_interpreter: bool,
    /// The thread that holds it.
    pub holder: Option<usize>,
    /// The threads that wait in its condition variable, the longest waiting first.
    pub waiters: Vec<usize>,
}

/// The state of a process that has threads or memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessState {
    /// Its name, as Python gives it.
    pub name: String,
    /// The process that started it; `None` for the main process, or if that parent is gone.
    pub parent: Option<usize>,
    /// Its part of the memory in bytes: pages that forked processes share count with the first of them, and a process that has not begun
    /// has none. The parts add up to the snapshot's memory.
    pub memory: u64,
}

/// The state of a thread.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreadState {
    /// Its process.
    pub process: usize,
    /// Its name, as Python gives it.
    pub name: String,
    /// What it does.
    pub doing: ThreadActivity,
    /// Since when it has been doing that.
    pub since: Nanos,
    /// The task that it executes.
    pub task: Option<usize>,
    /// Whether it is the thread of an event loop.
    pub event_loop: bool,
}

/// What a thread does, or waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum ThreadActivity {
    /// Runs on this core.
    Running(u32, CpuWork),
    /// Is ready, and waits for this core.
    Ready(u32),
    /// Waits for the GIL, which this thread holds.
    WaitsForGil(Option<usize>),
    /// Was asked to release the GIL, and waits until another thread has taken it.
    ForcedSwitch,
    /// Waits until this thread lets the world go on (collector of a free-threaded build).
    StoppedWorld(Option<usize>),
    /// Sleeps until this instant.
    Sleeps(Nanos),
    /// Waits for the next arrival, which comes at this instant if that is known.
    WaitsForArrival(Option<Nanos>),
    /// Waits for the lock of this name, which this thread holds.
    WaitsForLock(String, Option<usize>),
    /// Waits for something of this resource.
    WaitsForResource(String),
    /// Waits for the end of a transfer by this device, which serves so many others as well.
    Transfers(String, u64),
    /// Waits for an item of the queue of this name.
    WaitsForItem(String),
    /// Waits for room in the queue of this name.
    WaitsForRoom(String),
    /// Waits for its task's children: number not over, and number in all.
    WaitsForChildren(u64, u64),
    /// Waits in `select`, until this instant at most.
    Select(Option<Nanos>),
    /// Waits for the results of so many tasks.
    WaitsForResults(u64),
    /// Is a pool's worker without work.
    Idle,
    /// Waits for work of its role: calls to send, results to read, children to fork.
    WaitsForWork(&'static str),
    /// Waits for the start of a thread or process.
    Starts,
    /// Waits for room in a pipe.
    WaitsForPipe,
    /// Waits for the write lock of the result pipe.
    WaitsToWrite,
    /// Has not begun, because it is being started.
    NotStarted,
}

/// What a thread on a core does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CpuWork {
    /// Runs a task's Python code.
    Bytecode,
    /// Accesses this shared object for a task.
    Accessing(String),
    /// Accesses this shared object for a task, at a pace reduced by other threads that access it.
    Contending(String),
    /// Runs a task's code that has released the GIL.
    Native,
    /// Executes a system call.
    SystemCall,
    /// Pickles.
    Pickling,
    /// Unpickles.
    Unpickling,
    /// Collects garbage.
    Collecting,
    /// Starts up.
    StartingUp,
    /// Does the bookkeeping of executors and event loops around tasks.
    Bookkeeping,
}

/// The state of a task in flight.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskState {
    /// Its name: class and number in order of arrival, from 1; for a child, its number among its parent's children.
    pub name: String,
    /// Name of its class; a child has that of its parent.
    pub class: String,
    /// The task that waits for it.
    pub parent: Option<usize>,
    /// The process that took it in.
    pub process: Option<usize>,
    /// When it arrived (for a child: when it was created).
    pub arrived: Nanos,
    /// The step that it is in, or that comes next; `None` at its end.
    pub step: Option<StepState>,
    /// Where it is.
    pub place: TaskLocation,
    /// Since when it has been there, as far as that is known.
    pub since: Nanos,
    /// Names of the locks that it holds.
    pub holds: Vec<String>,
    /// Its deadline, if it is inside a `Timeout`.
    pub deadline: Option<Nanos>,
}

/// A step of a task, in progress or next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepState {
    /// Number of the step in its class, from 1, and 0 for what a server does for the request before them; loops that the compiler unrolls are counted unrolled.
    pub number: u32,
    /// Number of steps of the class.
    pub of: u32,
    /// The step in the scenario's words.
    pub text: String,
    /// Whether the step has begun.
    pub begun: bool,
    /// What is left of the step's time, as far as that is known.
    pub left: Option<Nanos>,
}

/// Where a task is: in which thread, line, queue or pipe. Positions count from 1.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskLocation {
    /// This thread executes it.
    Thread(usize),
    /// Has arrived and waits to be taken in, at this position.
    Accept(usize),
    /// Found the listen queue full: its client asks for a connection again at this instant.
    Connecting(Nanos),
    /// Is on its way to a machine, where it is at this instant.
    RequestOnItsWay(Nanos),
    /// Its answer is on its way back, where it is at this instant.
    AnswerOnItsWay(Nanos),
    /// Its machine is gone, and nobody knows yet.
    Unanswered,
    /// Waits in a broker's queue, at this position.
    Broker(usize),
    /// This thread is submitting it to an executor, or taking it in.
    HandingOver(usize),
    /// Waits for a free worker, at this position.
    Worker(usize),
    /// Was handed to this worker, which is waking up.
    HandedTo(usize),
    /// Waits in a call queue for the feeder thread, at this position.
    CallQueue(usize),
    /// This thread is sending it to a worker process.
    BeingSent(usize),
    /// Is in the call pipe, at this position.
    CallPipe(usize),
    /// Is in a chunk that this thread works on, behind so many tasks.
    Chunk(usize, usize),
    /// This thread is sending its result.
    ResultSent(usize),
    /// Its result is in the result pipe, at this position.
    ResultPipe(usize),
    /// This thread is reading its result.
    ResultRead(usize),
    /// Is ready and waits for the event loop, at this position.
    Loop(usize),
    /// Waits for a permit of the loop's concurrency limit, at this position.
    Limit(usize),
    /// Waits on the loop for the lock of this name, which this task holds, at this position.
    LoopLock(String, Option<usize>, usize),
    /// Waits for something of this resource.
    Resource(String),
    /// Waits on the loop for the end of a transfer by this device, which serves so many others as well.
    Transfers(String, u64),
    /// Waits on the loop for an item of the queue of this name.
    Item(String),
    /// Waits on the loop for room in the queue of this name.
    Room(String),
    /// Waits on the loop for its children: number not over, and number in all.
    Children(u64, u64),
    /// Sleeps on the loop until this instant.
    Sleeps(Nanos),
    /// Is between two of these places, for an instant.
    Underway,
}

/// A link of a cycle: a task that waits for the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The task.
    pub task: usize,
    /// What it waits for, in words.
    pub waits_for: String,
}

/// Takes a snapshot of the present state; also returns the keys of its tasks, in the snapshot's order.
pub(crate) fn picture(
    work: &work::Work<'_>,
    executors: &Executors,
    end: Option<RunEnd>,
) -> (Snapshot, Vec<TaskKey>) {
    let view = SnapshotIndex::new(work, executors);
    let machine = &work.kernel.machine;
    let mut snapshot = Snapshot {
        at: machine.now(),
        end,
        cores: (0..machine.cores())
            .map(|c| machine.current(c).and_then(|t| view.thread(t)))
            .collect(),
        gils: view.gils(),
        processes: view.processes(),
        threads: view.threads(),
        tasks: view.tasks(),
        totals: view.totals(),
        memory: work.kernel.memory.now(),
        faults: work.faults_so_far(),
        cycles: Vec::new(),
    };
    snapshot.cycles = view.cycles(&snapshot, end == Some(RunEnd::Deadlock));
    (snapshot, view.tasks)
}

/// A run that stands still, with the indices of its processes, threads and tasks in the snapshot's lists.
struct SnapshotIndex<'a, 'p> {
    work: &'a work::Work<'p>,
    executors: &'a Executors,
    now: Nanos,
    /// The processes shown.
    processes: Vec<ProcessIndex>,
    /// The threads shown.
    threads: Vec<Tid>,
    /// Index of each thread in that list; `None` if it is not shown.
    thread_index: TiVec<Tid, Option<usize>>,
    /// The tasks shown.
    tasks: Vec<TaskKey>,
    /// Index of each task in that list, by key; `None` if it is not shown.
    task_index: TiVec<TaskKey, Option<usize>>,
}

impl<'a, 'p> SnapshotIndex<'a, 'p> {
    fn new(work: &'a work::Work<'p>, executors: &'a Executors) -> Self {
        let kernel = &work.kernel;
        let now = kernel.machine.now();
        let alive = |&t: &Tid| kernel.machine.state(t) != SchedState::Exited;
        let mut threads: Vec<Tid> = kernel.threads.keys().filter(alive).collect();
        threads.sort_by_key(|&t| (kernel.threads[t].process, t));
        // A process whose threads have all ended may still own memory: what its children share, or what it keeps until the program ends.
        let mut processes: Vec<ProcessIndex> = (kernel.processes.keys())
            .filter(|&p| kernel.memory.own(p) > 0)
            .chain(threads.iter().map(|&t| kernel.threads[t].process))
            .collect();
        processes.sort_unstable();
        processes.dedup();
        let mut thread_index: TiVec<Tid, _> = vec![None; kernel.threads.len()].into();
        for (i, &t) in threads.iter().enumerate() {
            thread_index[t] = Some(i);
        }
        let mut tasks: Vec<TaskKey> = work
            .tasks
            .iter()
            .filter(|&(k, t)| t.arrival <= now && !work.is_serial(k))
            .map(|(k, _)| k)
            .collect();
        tasks.sort_by_key(|&k| {
            let mut path = Vec::new();
            let mut next = Some(k);
            while let Some(k) = next {
                path.push(work.tasks[k].number);
                next = work.tasks[k].parent;
            }
            path.reverse();
            path
        });
        let most = work.tasks.iter().map(|(k, _)| usize::from(k) + 1).max();
        let mut task_index: TiVec<TaskKey, _> = vec![None; most.unwrap_or(0)].into();
        for (i, &k) in tasks.iter().enumerate() {
            task_index[k] = Some(i);
        }
        Self {
            work,
            executors,
            now,
            processes,
            threads,
            thread_index,
            tasks,
            task_index,
        }
    }

    fn thread(&self, tid: Tid) -> Option<usize> {
        self.thread_index.get(tid).copied().flatten()
    }

    fn task(&self, key: TaskKey) -> Option<usize> {
        self.task_index.get(key).copied().flatten()
    }

    fn process(&self, process: ProcessIndex) -> Option<usize> {
        self.processes.binary_search(&process).ok()
    }

    fn processes(&self) -> Vec<ProcessState> {
        self.processes
            .iter()
            .map(|&p| {
                let parent = self.work.kernel.processes[p].parent;
                ProcessState {
                    name: self.work.kernel.process_name(p),
                    parent: if parent == p {
                        None
                    } else {
                        self.process(parent)
                    },
                    memory: self.work.kernel.memory.own(p),
                }
            })
            .collect()
    }

    fn gils(&self) -> Vec<GilState> {
        let home = |gil: GilIndex| {
            self.threads.iter().find_map(|&t| {
                let thread = &self.work.kernel.threads[t];
                let own = thread.interpreter_gil() == Some(gil);
                (own || thread.gil == gil)
                    .then(|| self.process(thread.process).map(|p| (p, own)))
                    .flatten()
            })
        };
        let gils = self.work.kernel.gils.iter_enumerated();
        gils.filter_map(|(number, gil)| {
            let (process, of_interpreter) = home(number)?;
            Some(GilState {
                process,
                of_interpreter,
                holder: gil.holder.and_then(|t| self.thread(t)),
                waiters: gil.waiters.iter().filter_map(|&t| self.thread(t)).collect(),
            })
        })
        .collect()
    }

    fn totals(&self) -> Totals {
        let o = &self.work.observer;
        let (done, failed, timed_out, rejected) = (o.completed, o.failed, o.timed_out, o.rejected);
        let top = self.tasks.iter().filter(|&&k| {
            let task = &self.work.tasks[k];
            task.parent.is_none() && !task.abandoned && !task.gone
        });
        let known = top.count() as u64;
        let due = |at: &Nanos| *at <= self.now;
        let not_taken_in = self.work.not_taken_in().filter(due).count() as u64;
        let in_flight = known + not_taken_in;
        let arrived = done + failed + timed_out + rejected + in_flight;
        Totals {
            arrived,
            done,
            failed,
            timed_out,
            rejected,
            in_flight,
            not_taken_in,
            to_come: self.work.promised().map(|all| {
                let first = arrived.saturating_sub(self.work.clients.resent());
                all.saturating_sub(first)
            }),
        }
    }
}
