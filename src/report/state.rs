//! What threads and tasks do, in the words that `ps`, `pstree` and `timeline` share.

/// Ready, without a core.
pub(super) const CORE: &str = "waiting for a core";
/// Blocked by another thread's bytecode.
pub(super) const GIL: &str = "waiting for the GIL";
/// Blocked by a thread that has stopped all others of a free-threaded build.
pub(super) const WORLD: &str = "waiting for a stopped world";
/// Blocked by a lock's holder.
pub(super) const LOCK: &str = "waiting for a lock";
/// On a core, while other threads have the object that it accesses.
pub(super) const CONTENTION: &str = "waiting for a contended object";
/// Sleeping until the world answers.
pub(super) const IO: &str = "waiting for I/O";
/// An event loop without anything ready.
pub(super) const SELECT: &str = "in select";
/// Arguments or results on their way between processes.
pub(super) const PICKLING: &str = "pickling";
/// An interpreter on its way up.
pub(super) const STARTUP: &str = "starting up";
/// Not begun, because as many as may are under way.
pub(super) const LIMIT: &str = "waiting for the concurrency limit";
