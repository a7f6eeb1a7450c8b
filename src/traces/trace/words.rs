//! Names and colours of slices.

use crate::cpython::recording::{TapeState, TaskEnd, ThreadSpan};
use crate::engine::Nanos;
use crate::machine::Cause;
use crate::quantity::state;
use crate::strategy::Finding;

/// Name and colour of what a thread does in a span.
pub(crate) fn of_span(s: &ThreadSpan, gil: bool) -> (&'static str, &'static str) {
    match s.doing {
        TapeState::OnCore(_) if s.pickling => (state::PICKLING, "thread_state_uninterruptible"),
        TapeState::OnCore(_) => match s.cause {
            Cause::Ipc if s.task.is_none() => ("bookkeeping", "rail_idle"),
            Cause::Ipc => ("hand-over", "rail_idle"),
            Cause::Startup => (state::STARTUP, "startup"),
            Cause::Contention => (state::CONTENTION, "bad"),
            _ if s.task.is_none() => ("program", "rail_idle"),
            _ => ("running", "thread_state_running"),
        },
        TapeState::Ready(_) => (state::CORE, "thread_state_runnable"),
        TapeState::Blocked => of_wait(s.cause, gil),
    }
}

fn of_wait(cause: Cause, gil: bool) -> (&'static str, &'static str) {
    match cause {
        Cause::Gil if gil => (state::GIL, "terrible"),
        Cause::Gil => (state::WORLD, "terrible"),
        Cause::Lock => (state::LOCK, "bad"),
        Cause::Pool => ("idle", "thread_state_sleeping"),
        Cause::Loop => (state::SELECT, "thread_state_sleeping"),
        Cause::Ipc => ("waiting for a message", "thread_state_sleeping"),
        Cause::Startup => ("waiting for a start", "startup"),
        Cause::Io => (state::IO, "thread_state_iowait"),
        Cause::Queue => (state::QUEUE, "bad"),
        Cause::Limit => (state::LIMIT, "bad"),
        Cause::Resource => (state::RESOURCE, "bad"),
        Cause::Core | Cause::Running | Cause::Contention => ("waiting", "thread_state_sleeping"),
    }
}

/// Name and colour of what a task waits for while no thread stands for it.
pub(crate) fn of_task(cause: Cause) -> (&'static str, &'static str) {
    match cause {
        Cause::Pool => (state::WORKER, "thread_state_runnable"),
        Cause::Loop => (state::LOOP, "thread_state_runnable"),
        Cause::Limit => (state::LIMIT, "bad"),
        Cause::Resource => (state::RESOURCE, "bad"),
        Cause::Lock => (state::LOCK, "bad"),
        Cause::Queue => (state::QUEUE, "bad"),
        Cause::Startup => ("waiting for a start", "startup"),
        Cause::Ipc => ("hand-over", "rail_idle"),
        Cause::Io => (state::IO, "thread_state_iowait"),
        Cause::Gil => (state::GIL, "terrible"),
        Cause::Core | Cause::Running | Cause::Contention => ("waiting", "thread_state_sleeping"),
    }
}

/// How a task ended, in words.
pub(crate) fn of_end(end: Option<TaskEnd>) -> &'static str {
    match end {
        Some(TaskEnd::Done) => "done",
        Some(TaskEnd::Failed) => "failed",
        Some(TaskEnd::TimedOut) => "timed out",
        Some(TaskEnd::Rejected) => "rejected",
        None => "under way",
    }
}

/// Name of a finding, when it was, and details in words.
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
        Finding::ScarceResource {
            resource,
            task,
            waited,
            ..
        } => (
            "scarce resource",
            Nanos::ZERO,
            format!("{task} waited {} s for {resource}", waited.as_secs_f64()),
        ),
        Finding::BusyDevice {
            device,
            task,
            waited,
            ..
        } => (
            "busy device",
            Nanos::ZERO,
            format!(
                "{task} lost {} s to others at {device}",
                waited.as_secs_f64()
            ),
        ),
        Finding::FutileWakeups { times, task } => (
            "futile wake-ups",
            Nanos::ZERO,
            format!(
                "{task} gave the GIL up and took it again before who was woken came: {times} times"
            ),
        ),
        Finding::Rejections {
            resource,
            task,
            times,
            asked,
        } => (
            "rejections",
            Nanos::ZERO,
            format!("{resource} rejected {task} {times} times of {asked}"),
        ),
        Finding::FullBacklog {
            connections, of, ..
        } => (
            "full backlog",
            Nanos::ZERO,
            format!("{connections} of {of} connections found the listen queue full"),
        ),
        Finding::KilledWorkers {
            at, workers, tasks, ..
        } => (
            "killed workers",
            *at,
            format!("{workers} silent workers were killed from here on, with {tasks} tasks"),
        ),
        Finding::CrashedWorkers {
            at, workers, tasks, ..
        } => (
            "crashed workers",
            *at,
            format!("{workers} workers crashed from here on, with {tasks} tasks"),
        ),
        Finding::BrokenPool {
            at,
            workers,
            pending,
            refused,
        } => (
            "broken pool",
            *at,
            format!(
                "{workers} workers crashed from here on: {pending} pending calls failed, and {refused} later ones"
            ),
        ),
        Finding::LostTasks {
            at,
            workers,
            tasks,
            hangs,
        } => (
            "lost tasks",
            *at,
            format!(
                "{workers} workers crashed from here on, and {tasks} tasks are lost{}",
                if *hangs { "; the pool hangs" } else { "" }
            ),
        ),
        Finding::LostMachines {
            at, times, failed, ..
        } => (
            "lost machines",
            *at,
            format!("machines were lost {times} times from here on, and {failed} requests failed"),
        ),
        Finding::Restarts {
            at, times, tasks, ..
        } => (
            "restarts",
            *at,
            format!("restarted {times} times from here on, and {tasks} requests failed with it"),
        ),
        Finding::MissedFault { at, times } => (
            "missed fault",
            *at,
            format!("a crash found no process to end, {times} times from here on"),
        ),
        Finding::MemoryKills { at, processes } => (
            "memory kills",
            *at,
            format!("{processes} processes were killed for memory from here on"),
        ),
        Finding::ProgramCrashed { at } => {
            ("program crashed", *at, "the only process was ended".into())
        }
        Finding::EventLimit { at } => ("event limit", *at, "the run was stopped".into()),
        Finding::ClockEnd { at } => ("clock end", *at, "the clock can go no further".into()),
        Finding::Unsupported { reason } => ("unsupported", Nanos::ZERO, reason.clone()),
    }
}
