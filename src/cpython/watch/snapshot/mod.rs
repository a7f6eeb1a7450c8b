//! The state of a run at an instant: what every process, thread and task does, or waits for, and since when.

mod cycles;
mod places;
mod step;
mod threads;

use crate::cpython::executors::Executors;
use typed_index_collections::TiVec;

use crate::cpython::index::TaskKey;
use crate::cpython::index::{GilIndex, ProcessIndex};
use crate::cpython::work;
use crate::engine::Nanos;
use crate::machine::{SchedState, Tid};

/// The state of a run at an instant. Threads and tasks refer to each other, and to processes, by their places in these lists.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The instant that is shown: the one asked for, or the end of the run if that came before.
    pub at: Nanos,
    /// How the run had ended by then; `None` while it goes on.
    pub end: Option<RunEnd>,
    /// Who is on each core: an index into `threads`.
    pub cores: Vec<Option<usize>>,
    /// The GILs of the processes shown.
    pub gils: Vec<GilState>,
    /// The processes that are alive, in order of their making.
    pub processes: Vec<ProcessState>,
    /// The threads that are alive, process by process.
    pub threads: Vec<ThreadState>,
    /// The tasks in flight that the program knows of, in order of arrival, children after their parents.
    pub tasks: Vec<TaskState>,
    /// Counts.
    pub totals: Totals,
    /// Memory of all processes together, shared pages counted once, in bytes.
    pub memory: u64,
    /// Tasks that wait for each other in a circle, each for the next, the last for the first.
    pub cycles: Vec<Vec<Link>>,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Everything was done.
    Done,
    /// Nothing can ever happen again, and tasks are unfinished.
    Deadlock,
    /// At the scenario's horizon.
    Horizon,
    /// Over the memory limit.
    OutOfMemory,
    /// Over the limit of events.
    EventLimit,
    /// At the last instant that the clock can tell.
    ClockEnd,
}

/// How many tasks, children not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Arrived so far.
    pub arrived: u64,
    /// Completed.
    pub done: u64,
    /// Failed.
    pub failed: u64,
    /// Timed out.
    pub timed_out: u64,
    /// Arrived and not over.
    pub in_flight: u64,
    /// Of these, those that the program has not got to: they are not among the tasks of the snapshot.
    pub not_taken_in: u64,
    /// Not yet arrived; `None` where the workload has no end of its own.
    pub to_come: Option<u64>,
}

/// A GIL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GilState {
    /// The process.
    pub process: usize,
    /// Whether it is that of a sub-interpreter.
    pub of_interpreter: bool,
    /// Who holds it.
    pub holder: Option<usize>,
    /// Who waits for it in its condition variable, longest first.
    pub waiters: Vec<usize>,
}

/// A process: one that has threads, or memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessState {
    /// Its name, as Python gives it.
    pub name: String,
    /// Who started it; `None` for the main process, or if that one is gone.
    pub parent: Option<usize>,
    /// Its part of the memory, in bytes: pages that forked processes share count with the first of them. One that has not begun has
    /// none; over all processes it adds up to the snapshot's.
    pub memory: u64,
}

/// A thread.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreadState {
    /// Its process.
    pub process: usize,
    /// Its name, as Python gives it.
    pub name: String,
    /// What it does.
    pub doing: ThreadActivity,
    /// Since when.
    pub since: Nanos,
    /// The task that it stands for.
    pub task: Option<usize>,
    /// Whether it is the thread of an event loop.
    pub event_loop: bool,
}

/// What a thread does.
#[derive(Clone, Debug, PartialEq)]
pub enum ThreadActivity {
    /// Is on this core.
    Running(u32, CpuWork),
    /// Is ready, and waits for this core.
    Ready(u32),
    /// Waits for the GIL, which this one holds.
    WaitsForGil(Option<usize>),
    /// Was asked to let the GIL go, and waits until another thread has taken it.
    ForcedSwitch,
    /// Waits until this thread lets the world go on (the collector of a free-threaded build).
    StoppedWorld(Option<usize>),
    /// Sleeps until then.
    Sleeps(Nanos),
    /// Waits until then for the next arrival.
    WaitsForArrival(Option<Nanos>),
    /// Waits for a lock, held by this thread.
    WaitsForLock(String, Option<usize>),
    /// Waits for an item of a queue.
    WaitsForItem(String),
    /// Waits for room in a queue.
    WaitsForRoom(String),
    /// Waits for a task's children: so many are not over, of so many.
    WaitsForChildren(u64, u64),
    /// Waits in `select`, until then if nothing happens.
    Select(Option<Nanos>),
    /// Waits for the results of so many tasks.
    WaitsForResults(u64),
    /// A pool's worker without work.
    Idle,
    /// Waits for what it is there for: calls to send, results to read, children to fork.
    WaitsForWork(&'static str),
    /// Waits until a thread or process that it starts is up.
    Starts,
    /// Waits for room in a pipe.
    WaitsForPipe,
    /// Waits for its turn to write its result.
    WaitsToWrite,
    /// Has not begun: it is being started.
    NotStarted,
}

/// What a thread does on its core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CpuWork {
    /// A task's Python code.
    Bytecode,
    /// A task's accesses of this shared object.
    Accessing(String),
    /// The same, which take longer because other threads access it as well.
    Contending(String),
    /// A task's code that has let the GIL go.
    Native,
    /// A system call.
    SystemCall,
    /// Turns objects into bytes.
    Pickling,
    /// Turns bytes into objects.
    Unpickling,
    /// Collects garbage.
    Collecting,
    /// Its own start-up.
    StartingUp,
    /// What executors and event loops do around tasks.
    Bookkeeping,
}

/// A task in flight.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskState {
    /// Its name: class and number in order of arrival, from 1; children by their number within their parent.
    pub name: String,
    /// Its class; children have their parent's.
    pub class: String,
    /// Who waits for it.
    pub parent: Option<usize>,
    /// The process that took it in.
    pub process: Option<usize>,
    /// When it arrived (children: were made).
    pub arrived: Nanos,
    /// The step that it is in, or comes to next; `None` at its end.
    pub step: Option<StepState>,
    /// Where it is.
    pub place: TaskLocation,
    /// Since when it is there, as far as known.
    pub since: Nanos,
    /// Locks that it holds.
    pub holds: Vec<String>,
    /// Until when it must be over, if it is in a `Timeout`.
    pub deadline: Option<Nanos>,
}

/// A step of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepState {
    /// Which of its class's steps, from 1; loops are counted as they are unrolled.
    pub number: u32,
    /// How many there are.
    pub of: u32,
    /// In the scenario's words.
    pub text: String,
    /// Whether it has begun.
    pub begun: bool,
    /// What is left of its time, as far as known.
    pub left: Option<Nanos>,
}

/// Where a task is.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskLocation {
    /// A thread stands for it.
    Thread(usize),
    /// Waits to be taken in, at this place of the queue (from 1).
    Accept(usize),
    /// This thread is handing it over to an executor or taking it in.
    HandingOver(usize),
    /// Waits for a free worker, at this place of the queue.
    Worker(usize),
    /// Was handed to this worker, which is waking up.
    HandedTo(usize),
    /// In a call queue, waits to be sent, at this place.
    CallQueue(usize),
    /// Is being sent to a worker process by this thread.
    BeingSent(usize),
    /// In the pipe to the workers, at this place.
    CallPipe(usize),
    /// In a chunk that this thread works on, so many before it.
    Chunk(usize, usize),
    /// Its result is being sent by this thread.
    ResultSent(usize),
    /// Its result is in the pipe, at this place.
    ResultPipe(usize),
    /// Its result is being read by this thread.
    ResultRead(usize),
    /// Ready, waits for its turn on the loop, at this place.
    Loop(usize),
    /// Waits for the loop's concurrency limit, at this place.
    Limit(usize),
    /// Waits on the loop for a lock, held by this task, at this place.
    LoopLock(String, Option<usize>, usize),
    /// Waits on the loop for an item of a queue.
    Item(String),
    /// Waits on the loop for room in a queue.
    Room(String),
    /// Waits on the loop for its children: so many are not over, of so many.
    Children(u64, u64),
    /// Sleeps on the loop until then.
    Sleeps(Nanos),
    /// Between two of these, for an instant.
    Underway,
}

/// A task that waits for the next of a circle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The task.
    pub task: usize,
    /// What it waits for.
    pub waits_for: String,
}

/// The state at this instant, and the keys of its tasks in their order.
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
        cycles: Vec::new(),
    };
    snapshot.cycles = view.cycles(&snapshot, end == Some(RunEnd::Deadlock));
    (snapshot, view.tasks)
}

/// A run that stands still, and where its processes, threads and tasks are in the snapshot's lists.
struct SnapshotIndex<'a, 'p> {
    work: &'a work::Work<'p>,
    executors: &'a Executors,
    now: Nanos,
    /// The processes shown.
    processes: Vec<ProcessIndex>,
    /// The threads shown.
    threads: Vec<Tid>,
    /// The place of each thread among them.
    thread_index: TiVec<Tid, Option<usize>>,
    /// The tasks shown.
    tasks: Vec<TaskKey>,
    /// The place of each task among them, by key.
    task_index: TiVec<TaskKey, Option<usize>>,
}

impl<'a, 'p> SnapshotIndex<'a, 'p> {
    fn new(work: &'a work::Work<'p>, executors: &'a Executors) -> Self {
        let kernel = &work.kernel;
        let now = kernel.machine.now();
        let alive = |&t: &Tid| kernel.machine.state(t) != SchedState::Exited;
        let mut threads: Vec<Tid> = kernel.threads.keys().filter(alive).collect();
        threads.sort_by_key(|&t| (kernel.threads[t].process, t));
        // One whose threads are all over may still own memory: that which its children share, or until the program ends.
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
            .filter(|(_, t)| t.arrival <= now)
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
        let (done, failed, timed_out) = (o.completed, o.failed, o.timed_out);
        let top = self
            .tasks
            .iter()
            .filter(|&&k| self.work.tasks[k].parent.is_none());
        let known = top.count() as u64;
        let due = |at: &Nanos| *at <= self.now;
        let not_taken_in = self.work.not_taken_in().filter(due).count() as u64;
        let in_flight = known + not_taken_in;
        let arrived = done + failed + timed_out + in_flight;
        Totals {
            arrived,
            done,
            failed,
            timed_out,
            in_flight,
            not_taken_in,
            to_come: self.work.promised().map(|all| all.saturating_sub(arrived)),
        }
    }
}
