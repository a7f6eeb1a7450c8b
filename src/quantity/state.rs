//! What threads and tasks do, in the words that `ps`, `pstree`, timelines and traces share.

/// Ready, without a core.
pub(crate) const CORE: &str = "waiting for a core";
/// Blocked by another thread's bytecode.
pub(crate) const GIL: &str = "waiting for the GIL";
/// Blocked by a thread that has stopped all others of a free-threaded build.
pub(crate) const WORLD: &str = "waiting for a stopped world";
/// Blocked by a lock's holder.
pub(crate) const LOCK: &str = "waiting for a lock";
/// On a core, while other threads have the object that it accesses.
pub(crate) const CONTENTION: &str = "waiting for a contended object";
/// Sleeping until the world answers.
pub(crate) const IO: &str = "waiting for I/O";
/// An event loop without anything ready.
pub(crate) const SELECT: &str = "in select";
/// Arguments or results on their way between processes.
pub(crate) const PICKLING: &str = "pickling";
/// An interpreter on its way up.
pub(crate) const STARTUP: &str = "starting up";
/// Not begun, because as many as may are under way.
pub(crate) const LIMIT: &str = "waiting for the concurrency limit";
/// Until an item, room or a child is there.
pub(crate) const QUEUE: &str = "waiting for a queue or children";
/// A task that has come, until a worker takes it.
pub(crate) const WORKER: &str = "waiting for a worker";
/// A task that is ready, until the event loop runs it.
pub(crate) const LOOP: &str = "waiting for the event loop";
