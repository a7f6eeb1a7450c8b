//! What went wrong in a run.

use crate::engine::{Nanos, Total};

/// What a forecast says went wrong (or nearly did).
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// Nothing can ever happen again, yet tasks are unfinished: who waits for what.
    Deadlock {
        /// When the last thing happened.
        at: Nanos,
        /// One line for each waiting task or thread.
        waiting: Vec<String>,
    },
    /// Memory passed the machine's limit.
    OutOfMemory {
        /// When.
        at: Nanos,
        /// How much was in use.
        bytes: u64,
    },
    /// One callback kept an event loop busy for so long.
    BlockedLoop {
        /// When it began.
        at: Nanos,
        /// How long the loop could do nothing else.
        lasted: Nanos,
    },
    /// Threads that came back from outside (I/O, a park, native code) for less than a switch interval waited for the GIL until its
    /// holder was made to leave, often, and for a good part of their tasks' time. Of the class of tasks that lost most.
    Convoy {
        /// How often.
        times: u64,
        /// For how long, in all.
        waited: Total,
        /// Time of all tasks of the class from arrival to end.
        of: Total,
        /// The class.
        task: String,
    },
    /// Tasks spent a good part of their time on waiting, on a core, for the cache line or lock of an object that others accessed as well
    /// (free-threaded builds). Of the object, and the class of tasks, where most was lost.
    ContendedObject {
        /// The object.
        object: String,
        /// The class.
        task: String,
        /// For how long its tasks waited for the object, in all.
        waited: Total,
        /// Time of all tasks of the class from arrival to end.
        of: Total,
    },
    /// Threads were woken because another gave the GIL up for a moment, and found it taken again, often. Of the class of tasks whose
    /// releases woke most in vain.
    FutileWakeups {
        /// How often.
        times: u64,
        /// The class of the tasks that gave it up.
        task: String,
    },
    /// The run was stopped at [`crate::strategy::SimInput::max_events`].
    EventLimit {
        /// When.
        at: Nanos,
    },
    /// What comes next comes after the last instant that the clock can tell.
    ClockEnd {
        /// When.
        at: Nanos,
    },
    /// The interpreter cannot do what the strategy asks (for example sub-interpreters before 3.14).
    Unsupported(String),
}
