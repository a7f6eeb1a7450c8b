//! How a task is executed, and what follows a step of it.

/// Who executes a task, which decides what a wait means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A thread that blocks in every wait, and starts children one after another itself.
    Inline,
    /// The same, children going to the thread's own pool (or to threads of their own).
    Pooled,
    /// The blocking part between two waits of a coroutine.
    Part,
    /// The event loop, which suspends the task in every wait.
    Loop {
        /// Blocking work goes to an executor.
        offload: bool,
    },
}

/// What became of a task after a step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Acts have been scripted; go on with the task after them.
    Go,
    /// The task waits; somebody else will bring it back.
    Suspended,
    /// Children have been made, for the executor to take before the task goes on.
    Children,
    /// The part (or the task, at [`Instr::End`](crate::cpython::program::Instr::End)) is over.
    Over,
    /// On a loop: the next instructions belong into an executor.
    Offload,
}
