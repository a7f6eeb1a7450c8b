//! What slices are called, and their colours.

use crate::cpython::recording::{Doing, TaskEnd, ThreadSpan};
use crate::engine::Nanos;
use crate::machine::Cause;
use crate::strategy::Finding;

/// Name and colour of what a thread does in a span.
pub(crate) fn of_span(s: &ThreadSpan, gil: bool) -> (&'static str, &'static str) {
    match s.doing {
        Doing::OnCore(_) if s.pickling => ("pickling", "thread_state_uninterruptible"),
        Doing::OnCore(_) => match s.cause {
            Cause::Ipc if s.task.is_none() => ("bookkeeping", "rail_idle"),
            Cause::Ipc => ("hand-over", "rail_idle"),
            Cause::Startup => ("starting up", "startup"),
            Cause::Contention => ("waiting for a contended object", "bad"),
            _ if s.task.is_none() => ("program", "rail_idle"),
            _ => ("running", "thread_state_running"),
        },
        Doing::Ready(_) => ("waiting for a core", "thread_state_runnable"),
        Doing::Blocked => of_wait(s.cause, gil),
    }
}

fn of_wait(cause: Cause, gil: bool) -> (&'static str, &'static str) {
    match cause {
        Cause::Gil if gil => ("waiting for the GIL", "terrible"),
        Cause::Gil => ("waiting for a stopped world", "terrible"),
        Cause::Lock => ("waiting for a lock", "bad"),
        Cause::Pool => ("idle", "thread_state_sleeping"),
        Cause::Loop => ("idle in select", "thread_state_sleeping"),
        Cause::Ipc => ("waiting for a message", "thread_state_sleeping"),
        Cause::Startup => ("waiting for a start", "startup"),
        Cause::Io => ("I/O", "thread_state_iowait"),
        Cause::Queue => ("waiting for a queue or children", "bad"),
        Cause::Limit => ("waiting for the limit", "bad"),
        Cause::Core | Cause::Running | Cause::Contention => ("waiting", "thread_state_sleeping"),
    }
}

/// What a task waits for while no thread stands for it.
pub(crate) fn of_task(cause: Cause) -> (&'static str, &'static str) {
    match cause {
        Cause::Pool => ("waiting for a worker", "thread_state_runnable"),
        Cause::Loop => ("waiting for the loop", "thread_state_runnable"),
        Cause::Limit => ("waiting for the limit", "bad"),
        Cause::Lock => ("waiting for a lock", "bad"),
        Cause::Queue => ("waiting for a queue or children", "bad"),
        Cause::Startup => ("waiting for a start", "startup"),
        Cause::Ipc => ("hand-over", "rail_idle"),
        Cause::Io => ("I/O", "thread_state_iowait"),
        Cause::Gil => ("waiting for the GIL", "terrible"),
        Cause::Core | Cause::Running | Cause::Contention => ("waiting", "thread_state_sleeping"),
    }
}

/// How a task ended.
pub(crate) fn of_end(end: Option<TaskEnd>) -> &'static str {
    match end {
        Some(TaskEnd::Done) => "done",
        Some(TaskEnd::Failed) => "failed",
        Some(TaskEnd::TimedOut) => "timed out",
        None => "under way",
    }
}

/// What a finding is called, when it was, and in more words.
pub(crate) fn finding(f: &Finding) -> (&'static str, Nanos, String) {
    match f {
        Finding::Deadlock { at, waiting, .. } => ("deadlock", *at, waiting.join("; ")),
        Finding::OutOfMemory { at, bytes } => {
            ("out of memory", *at, format!("{bytes} bytes were in use"))
        }
        Finding::BlockedLoop { at, lasted } => (
            "blocked loop",
            *at,
            format!("one callback took {} s", lasted.as_secs_f64()),
        ),
        Finding::Convoy {
            times,
            waited,
            task,
            ..
        } => (
            "convoy",
            Nanos::ZERO,
            format!(
                "{task} waited {} s for the GIL in {times} returns",
                waited.as_secs_f64()
            ),
        ),
        Finding::ContendedObject {
            object,
            task,
            waited,
            ..
        } => (
            "contended object",
            Nanos::ZERO,
            format!("{task} waited {} s for {object}", waited.as_secs_f64()),
        ),
        Finding::FutileWakeups { times, task } => (
            "futile wake-ups",
            Nanos::ZERO,
            format!(
                "{task} gave the GIL up and took it again before who was woken came: {times} times"
            ),
        ),
        Finding::EventLimit { at } => ("event limit", *at, "the run was stopped".into()),
        Finding::ClockEnd { at } => ("clock end", *at, "the clock can go no further".into()),
        Finding::Unsupported { reason } => ("unsupported", Nanos::ZERO, reason.clone()),
    }
}
