//! What threads are for: the roles, how far each has come, and what each does beside burning and blocking.

use crate::cpython::index::{CopyIndex, GilIndex, PoolIndex, ProcessPoolIndex, TaskKey};

/// What a thread is for: the number of the executor that it serves, and how far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThreadRole {
    /// Main thread of a copy: takes tasks in.
    Main(CopyIndex, MainState),
    /// Event loop of a copy (its main thread).
    Loop(CopyIndex, LoopState),
    /// A raw thread that runs one task.
    Raw,
    /// A pool thread.
    PoolWorker(PoolIndex, PoolState),
    /// A pool thread with an interpreter; the GIL of its own.
    InterpWorker(PoolIndex, GilIndex, PoolState),
    /// Single thread of a worker process.
    ProcessWorker(ProcessPoolIndex, WorkerState),
    /// Management thread of a process pool (`Pool`: result handler).
    Manager(ProcessPoolIndex, ManagerState),
    /// Feeder thread of its call queue (`Pool`: task handler).
    Feeder(ProcessPoolIndex),
    /// Fork server's only thread.
    ForkServer,
    /// Runs its script and ends (resource tracker).
    Script,
    /// Master of a prefork server: starts the copies and waits.
    Master,
}

/// What a thread does once the acts before it are done, with the number of the executor that it serves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RoleAction {
    /// The main thread of this copy hands a task on, or begins it.
    Submit(CopyIndex, TaskKey),
    Loop(CopyIndex, LoopAction),
    Pool(PoolIndex, PoolAction),
    Worker(ProcessPoolIndex, WorkerAction),
    Manager(ProcessPoolIndex, ManagerAction),
    /// The feeder of this pool has pickled a call.
    Pickled(ProcessPoolIndex),
    /// The fork server has forked the child that was asked for first.
    Forked,
}

impl RoleAction {
    /// The task that is handed on.
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

/// How far a main thread has come that no event loop runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MainState {
    Begin,
    /// Takes the next task in.
    Take,
    /// Does this one itself.
    Working(TaskKey),
    Closing,
}

/// What the loop's thread does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LoopAction {
    /// Hands the next part of a task to the executor.
    Offload(TaskKey),
    /// Is back from `select`.
    Selected,
    /// The loop is there.
    Opened,
}

/// Where the loop is in its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoopState {
    Begin,
    /// The main coroutine makes the tasks.
    Create,
    /// Before `select`.
    Iterate,
    /// `select` has looked.
    Selecting,
    /// Calls its handles.
    Handles,
    /// One of them is this task's step.
    Step(TaskKey),
    Closing,
}

/// What a pool's worker does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PoolAction {
    /// Sets the result of a task, or of its part.
    Done(TaskKey),
    /// Has unpacked the task in an interpreter of its own.
    Enter(TaskKey),
    /// Found nothing to do, and has said so.
    Idle,
    /// Its interpreter is there.
    InterpreterReady,
}

/// How far a pool's worker has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PoolState {
    Booting,
    /// Looks for an item.
    Looking,
    Working(TaskKey),
    Leaving,
}

/// What a worker process does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WorkerAction {
    /// Is up.
    Ready,
    /// Has read a call.
    Got,
    /// Has unpickled it.
    Unpickled,
    /// Begins it.
    Run,
    /// Has written its result.
    Sent,
}

/// How far a worker process has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WorkerState {
    /// Wants a call.
    Get,
    /// Works on this task of it.
    Work(TaskKey),
    /// Has a result to write: that of a message which begins with this task.
    Put(TaskKey),
    Leave,
}

/// What a management thread does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ManagerAction {
    /// Has put a call into the call queue.
    Filled,
    /// Has looked at what it waits for.
    Polled,
    /// Has read a result.
    Result,
    /// Has unpickled that of a message which begins with this task.
    Done(TaskKey),
}

/// What a management thread is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ManagerState {
    /// To fill the call queue.
    Fill,
    /// To wait for results and for more work.
    Wait,
}
