//! How a task is executed, and what follows each of its steps.

/// How a task is executed, which decides what a wait means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// In a thread that blocks in every wait, and executes children inline, one after another.
    Inline,
    /// In a thread that blocks in every wait; children go to the thread's own pool, or to threads of their own.
    Pooled,
    /// In a worker, as the blocking part between two waits of a coroutine.
    Part,
    /// On the event loop, which suspends the task in every wait.
    Loop {
        /// Whether blocking work goes to an executor.
        offload: bool,
    },
}

/// What follows a step of a task.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Acts have been scripted, after which the task goes on.
    Go,
    /// The task waits, and will be resumed by another thread or by a timer.
    Suspended,
    /// Children have been created, which the executor has to take before the task goes on.
    Children,
    /// The part is over, or the task, at [`Instr::End`](crate::cpython::program::Instr::End).
    Over,
    /// On a loop: the next instructions have to be executed by the executor.
    Offload,
}
