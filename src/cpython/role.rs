//! Roles of threads: what each thread is for, how far it has come, and what it does beside burning CPU and blocking.

use crate::cpython::index::{CopyIndex, GilIndex, PoolIndex, ProcessPoolIndex, TaskKey};
use crate::machine::Tid;

/// Role of a thread: the index of the executor that it serves, and its progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThreadRole {
    /// Main thread of a copy, which takes tasks in.
    Main(CopyIndex, MainState),
    /// Main thread of a copy, running an event loop.
    Loop(CopyIndex, LoopState),
    /// A raw thread (`threading.Thread`) that runs a single task.
    Raw,
    /// A worker of a thread pool.
    PoolWorker(PoolIndex, PoolState),
    /// A worker of a pool of interpreters, with the GIL of its own interpreter.
    InterpWorker(PoolIndex, GilIndex, PoolState),
    /// The only thread of a worker process.
    ProcessWorker(ProcessPoolIndex, WorkerState),
    /// Management thread of a process pool (of a `Pool`: the result handler).
    Manager(ProcessPoolIndex, ManagerState),
    /// Feeder thread of a process pool's call queue (of a `Pool`: the task handler).
    Feeder(ProcessPoolIndex),
    /// The thread of a `Pool` that replaces workers which have ended.
    Handler(ProcessPoolIndex),
    /// The only thread of the fork server.
    ForkServer,
    /// A thread of native code, which takes its share of the calls of another thread.
    Team,
    /// Runs its script once and exits (the resource tracker).
    Script,
    /// Master process of a prefork server: starts the copies, and others for those that end.
    Master(MasterState),
}

/// An effect of a role at a place of its thread's script, with the index of the executor that the thread serves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RoleAction {
    /// The main thread of this copy submits a task to an executor, or begins it itself.
    Submit(CopyIndex, TaskKey),
    Loop(CopyIndex, LoopAction),
    Pool(PoolIndex, PoolAction),
    Worker(ProcessPoolIndex, WorkerAction),
    Manager(ProcessPoolIndex, ManagerAction),
    /// The feeder thread of this pool has finished pickling a call.
    Pickled(ProcessPoolIndex),
    /// The fork server has forked the child at the head of its requests.
    Forked,
}

impl RoleAction {
    /// The task that this deed hands on; `None` if it hands on none.
    pub(crate) fn task(self) -> Option<TaskKey> {
        match self {
            Self::Submit(_, key)
            | Self::Loop(_, LoopAction::Offload(key))
            | Self::Pool(_, PoolAction::Enter(key) | PoolAction::Done(key)) => Some(key),
            Self::Loop(_, LoopAction::Opened | LoopAction::Selected)
            | Self::Pool(_, PoolAction::Idle | PoolAction::InterpreterReady)
            | Self::Worker(..)
            | Self::Manager(..)
            | Self::Pickled(_)
            | Self::Forked => None,
        }
    }
}

/// Progress of a main thread that runs no event loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MainState {
    Begin,
    /// Takes in the next task.
    Take,
    /// Executes this task inline.
    Working(TaskKey),
    Closing,
}

/// Progress of the master of a prefork server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MasterState {
    /// Starts the copies.
    Start,
    /// Replaces copies that end: so many are there.
    Watch(u32),
}

/// Effects of an event loop's thread.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LoopAction {
    /// Submits the next part of a task to the executor.
    Offload(TaskKey),
    /// `select` has returned.
    Selected,
    /// The event loop has been created.
    Opened,
}

/// Progress of an event loop within its iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoopState {
    Begin,
    /// The main coroutine creates the tasks.
    Create,
    /// About to call `select`.
    Iterate,
    /// Inside `select`.
    Selecting,
    /// Runs the handles of the ready queue's snapshot.
    Handles,
    /// Runs a handle that is a step of this task.
    Step(TaskKey),
    Closing,
}

/// Effects of a thread pool's worker.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PoolAction {
    /// Sets the result of a task, or of one part of it.
    Done(TaskKey),
    /// Has unpacked the task's call in the worker's own interpreter.
    Enter(TaskKey),
    /// Found no item, and has released the idle semaphore.
    Idle,
    /// The worker's interpreter has been created.
    InterpreterReady,
}

/// Progress of a thread pool's worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PoolState {
    Booting,
    /// Looks for a work item.
    Looking,
    Working(TaskKey),
    Leaving,
}

/// Effects of a worker process.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WorkerAction {
    /// The process has booted.
    Ready,
    /// Has read a call from the pipe.
    Got,
    /// Has unpickled the call.
    Unpickled,
    /// Begins to execute the call.
    Run,
    /// Has written the result into the pipe.
    Sent,
}

/// Progress of a worker process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorkerState {
    /// Has not booted yet.
    Boot,
    /// Waits for a call.
    Get,
    /// Executes this task of the call.
    Work(TaskKey),
    /// Has a result to write: that of the message whose first task is this.
    Put(TaskKey),
    Leave,
}

/// Effects of a management thread.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ManagerAction {
    /// Has moved a call into the call queue.
    Filled,
    /// Has polled the result pipe, the wake-up pipe and the workers' sentinels.
    Polled,
    /// Has read a result from the pipe.
    Result,
    /// Has unpickled the result of the message whose first task is this.
    Done(TaskKey),
    /// Has waited for the end of this worker.
    Joined(Tid),
    /// Has found that a worker has died, and has told all who wait for the pool.
    Broken,
}

/// What a management thread does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ManagerState {
    /// Fills the call queue.
    Fill,
    /// Waits for results and for more work.
    Wait,
}
