//! States of threads and tasks, in the words that `ps`, `pstree`, timelines and traces share.

/// A thread that is ready but has no core.
pub(crate) const CORE: &str = "waiting for a core";
/// A thread that waits for a GIL that another one holds.
pub(crate) const GIL: &str = "waiting for the GIL";
/// A thread of a free-threaded build while another one has stopped the world.
pub(crate) const WORLD: &str = "waiting for a stopped world";
/// A thread or task that waits for a lock that another one holds.
pub(crate) const LOCK: &str = "waiting for a lock";
/// A thread on a core, while other threads have the object that it accesses.
pub(crate) const CONTENTION: &str = "waiting for a contended object";
/// A thread or task that sleeps until something outside answers.
pub(crate) const IO: &str = "waiting for I/O";
/// An event loop without ready handles.
pub(crate) const SELECT: &str = "in select";
/// Arguments or results on their way between processes.
pub(crate) const PICKLING: &str = "pickling";
/// A process, thread or interpreter that starts.
pub(crate) const STARTUP: &str = "starting up";
/// A task that has not begun because the concurrency limit is reached.
pub(crate) const LIMIT: &str = "waiting for the concurrency limit";
/// A thread or task that waits for an item, for room, or for children.
pub(crate) const QUEUE: &str = "waiting for a queue or children";
/// A thread or task that waits for what a resource has too little of.
pub(crate) const RESOURCE: &str = "waiting for a resource";
/// A task that has arrived, until a worker takes it.
pub(crate) const WORKER: &str = "waiting for a worker";
/// A task that is ready, until the event loop runs it.
pub(crate) const LOOP: &str = "waiting for the event loop";
