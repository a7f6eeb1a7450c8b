//! What happens inside one process: bytecode, GIL, locks, threads, thread pools, the event loop.

use super::Draft;
use super::figures::Figures;
use super::machine::hand_overs_us;
use crate::profiles::BASELINE_NS_PER_ITER;

/// CPU of a context switch, part of every hand-over between threads; a constant of the machine.
const CONTEXT_SWITCH_NS: f64 = 1_500.0;
/// Loop overhead in the per-operation contention figures, as a share of one list access with its loop.
const LOOP_SHARE: f64 = 0.5;
/// Of a thread's start, boot and exit: creating the thread object, its start-up event and the system thread is most of it,
/// and the new thread's own set-up (state, identity, announcement) comes before its short end.
const THREAD_SHARES: [f64; 3] = [0.5, 0.35, 0.15];
/// Hand-overs between two threads in one start and join: announced, noticed, joined.
const START_JOIN_HANDOVERS: f64 = 3.0;
/// Of a thread's start and join: its own part, at least, the rest being hand-overs.
const LIFE_AT_LEAST: f64 = 0.5;
/// What a fresh stack costs where it was not measured, in iterations of the reference loop: 51 us at 44 ns each with the GIL, 122 us at 48 ns
/// without it.
const FRESH_ITERATIONS: f64 = 1_160.0;
/// See [`FRESH_ITERATIONS`].
const FRESH_ITERATIONS_FREE: f64 = 2_540.0;
/// A pool thread's work for an item over the submitter's, where the two cannot be told apart because they run in
/// parallel: what the builds with a GIL show.
const ITEM_OVER_SUBMIT: f64 = 0.3;
/// Tasks of a burst.
const BURST: f64 = 2_000.0;
/// Of a loop iteration with one trivial step: timers, select and bookkeeping against resuming the coroutine.
const ITERATION_SHARE: f64 = 0.66;
/// Of a task's creation and end: creation (task object, context, first handle) against the end (result, callback).
const CREATE_SHARE: f64 = 0.62;
/// Of sleeping once: making future and timer against popping the timer and setting the future.
const SLEEP_SHARE: f64 = 0.62;
/// Of an offload: futures made and chained, the worker's call into the loop, the result copied.
const OFFLOAD_SHARES: [f64; 3] = [0.36, 0.28, 0.36];
/// Hand-overs of the GIL in one offload that a plain round trip to the pool does not have: the worker writes the self-pipe
/// and the loop reads it, each giving up and taking the GIL.
const OFFLOAD_HANDOVERS: f64 = 2.0;

/// A round trip through an event loop's thread pool.
const OFFLOADED: &str = "run_in_executor_thread_roundtrip_us";

/// What waking a thread on the same core costs, in nanoseconds of CPU.
#[derive(Clone, Copy)]
pub(super) struct Wakes {
    /// The waker.
    call: f64,
    /// The woken, on falling asleep and on its way back, besides the context switch.
    return_: f64,
}

impl Wakes {
    /// Both, and the switch between them.
    fn hand_over(self) -> f64 {
        self.call + self.return_ + CONTEXT_SWITCH_NS
    }
}

/// See [`Wakes`]; `None` where that was not measured by itself.
pub(super) fn wakes(f: &Figures<'_>) -> Option<Wakes> {
    Some(Wakes {
        call: f.us("wake_call_us", 1.0)?,
        return_: f.us("wake_return_us", 1.0)? - CONTEXT_SWITCH_NS,
    })
}

/// Bytecode, checkpoints, the GIL, locks, shared objects.
pub(super) fn interpreter(d: &mut Draft, f: &Figures<'_>) {
    let iteration = f.ns("burn_ns_per_iter", 200_000.0);
    d.derived(
        "cpu_factor",
        iteration.map(|i| i / BASELINE_NS_PER_ITER),
        "burn_ns_per_iter / 32.48, the baseline's",
    );
    d.derived(
        "check_gap",
        iteration,
        "burn_ns_per_iter: a loop looks once an iteration",
    );
    d.measured(
        "switch_interval",
        f.raw("switch_interval_ms").map(|ms| ms * 1e6),
        "switch_interval_ms",
    );

    if let Some(wakes) = wakes(f) {
        for name in ["gil_signal", "unpark"] {
            d.measured(name, Some(wakes.call), "wake_call_us");
        }
        for name in ["gil_take", "park"] {
            d.derived(
                name,
                Some(wakes.return_),
                "wake_return_us less a context switch",
            );
        }
    } else {
        let quarter = handover(f).map(|h| (h - CONTEXT_SWITCH_NS).max(0.0) / 4.0);
        let how = if f.apart {
            "a quarter of a hand-over on one core of this speed less a context switch: the figures are of threads on two cores"
        } else {
            "a quarter of thread_handoff_us less a context switch: one lock woken and parked on, one GIL passed"
        };
        for name in ["gil_signal", "gil_take", "park", "unpark"] {
            d.derived(name, quarter, how);
        }
    }

    // lseek gives up the GIL and takes it again; getpriority, as long otherwise, does not.
    let pair = f.raw("lseek_ns").zip(f.raw("getpriority_ns"));
    d.derived(
        "gil_pair",
        pair.map(|(with, without)| with - without),
        "lseek_ns less getpriority_ns: two system calls, one of which gives up the GIL",
    );

    let contention = |case: &str, threads: &str| f.further(&["contention", case, threads]);
    let access = least(
        contention("list_read", "1_thread_ns"),
        contention("list_read", "2_threads_own_ns"),
    );
    d.measured("object_access", access, "contention.list_read");
    let looped = access.map_or(0.0, |a| a * LOOP_SHARE);
    let pair = least(
        f.ns("lock_uncontended_ns", 100_000.0),
        contention("lock", "1_thread_ns").map(|l| l - looped),
    );
    d.derived(
        "lock_pair",
        pair,
        "the lower of lock_uncontended_ns and contention.lock less its loop",
    );
    d.measured(
        "queue_pair",
        f.us("queue_put_get_uncontended_us", 20_000.0),
        "queue_put_get_uncontended_us",
    );

    let extra = |case: &str| {
        let own = least(
            contention(case, "1_thread_ns"),
            contention(case, "2_threads_own_ns"),
        )?;
        Some((contention(case, "2_threads_shared_ns")? - own).max(0.0))
    };
    if f.gil {
        let how = "no two threads touch an object at once under a GIL";
        d.derived("object_read_contended", Some(0.0), how);
        d.derived("object_write_contended", Some(0.0), how);
    } else {
        d.derived(
            "object_read_contended",
            extra("list_read"),
            "contention.list_read: 2 threads shared less own",
        );
        let write = extra("dict_write")
            .zip(extra("attribute_write"))
            .map(|(a, b)| (a + b) / 2.0);
        d.derived(
            "object_write_contended",
            write,
            "contention.dict_write and attribute_write: 2 threads shared less own, mean",
        );
    }
}

/// The CPU of one hand-over of an item from a running thread to a waiting one on the same core, at best speed: the elapsed time
/// where the two shared a core, else what it is on the baseline's machine, at this one's speed.
fn handover(f: &Figures<'_>) -> Option<f64> {
    if f.apart {
        (f.raw("burn_ns_per_iter")).map(|ns| hand_overs_us(ns) / 2.0 * 1e3)
    } else {
        f.us("thread_handoff_us", 4_000.0)
    }
}

fn least(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Threads and thread pools.
pub(super) fn threads(d: &mut Draft, f: &Figures<'_>) {
    let figure = "thread_start_join_us";
    let whole = f.us(figure, 200.0);
    let life = whole
        .map(|us| (us - START_JOIN_HANDOVERS * handover(f).unwrap_or(0.0)).max(us * LIFE_AT_LEAST));
    for (name, share) in ["thread_start", "thread_boot", "thread_exit"]
        .iter()
        .zip(THREAD_SHARES)
    {
        let how = format!("{share} of {figure} less three hand-overs");
        d.derived(name, life.map(|l| l * share), &how);
    }
    let held = f
        .raw("thread_held_us_100")
        .zip(f.raw("thread_held_us_4"))
        .map(|(many, few)| (many - few) * 1e3);
    if let Some(more) = held {
        d.derived(
            "thread_fresh",
            Some(more),
            "thread_held_us_100 less thread_held_us_4: stacks of five ended threads are kept",
        );
    } else {
        let iterations = if f.gil {
            FRESH_ITERATIONS
        } else {
            FRESH_ITERATIONS_FREE
        };
        d.derived(
            "thread_fresh",
            f.raw("burn_ns_per_iter").map(|ns| ns * iterations),
            "measured once with CPython 3.14.7, at the speed of this machine",
        );
    }
    let submit = f.us("threadpool_submit_us", BURST);
    d.measured("tpe_submit", submit, "threadpool_submit_us");
    if let Some(item) = f.us("threadpool_drain_us_per_task", 1_000.0) {
        return d.measured("tpe_item", Some(item), "threadpool_drain_us_per_task");
    }
    if f.gil {
        let item = f
            .us("threadpool_burst_us_per_task", BURST)
            .zip(submit)
            .map(|(burst, submit)| burst - submit);
        d.derived(
            "tpe_item",
            item,
            "threadpool_burst_us_per_task - threadpool_submit_us: one GIL serves both",
        );
    } else {
        let burst = f.us("threadpool_burst_us_per_task", BURST);
        let trip = f.us("threadpool_roundtrip_us", 1_000.0).unwrap_or(0.0);
        let behind = (burst.zip(submit)).is_some_and(|(b, s)| (b - s) * BURST > trip);
        let (item, how) = if behind {
            (
                burst,
                "threadpool_burst_us_per_task: the pool's thread is done long after the last submit, so it is the slower one",
            )
        } else {
            (
                submit.map(|s| s * ITEM_OVER_SUBMIT),
                "0.3 x threadpool_submit_us, as on builds with a GIL: without one the two overlap",
            )
        };
        d.derived("tpe_item", item, how);
    }
}

/// The event loop.
pub(super) fn event_loop(d: &mut Draft, f: &Figures<'_>) {
    let switch = f.us("asyncio_switch_us", 20_000.0);
    let iteration = switch.map(|s| s * ITERATION_SHARE);
    let step = switch.map(|s| s * (1.0 - ITERATION_SHARE));
    d.derived(
        "aio_iteration",
        iteration,
        "0.66 of asyncio_switch_us: an iteration with one trivial step",
    );
    d.derived("aio_step", step, "0.34 of asyncio_switch_us");

    let task = f.us("asyncio_task_us", 5_000.0);
    let ends = task.zip(step).map(|(t, s)| t - s);
    d.derived(
        "aio_task_create",
        ends.map(|e| e * CREATE_SHARE),
        "0.62 of asyncio_task_us less its one step",
    );
    d.derived(
        "aio_task_done",
        ends.map(|e| e * (1.0 - CREATE_SHARE)),
        "0.38 of asyncio_task_us less its one step",
    );

    let sleeping = f.us("asyncio_sleeping_task_cpu_us", 3_000.0);
    let sleep = sleeping
        .zip(task)
        .zip(step)
        .map(|((all, task), step)| all - task - step);
    let how = "of asyncio_sleeping_task_cpu_us less asyncio_task_us and a second step";
    d.derived(
        "aio_sleep",
        sleep.map(|s| s * SLEEP_SHARE),
        &format!("0.62 {how}"),
    );
    d.derived(
        "aio_timer_fire",
        sleep.map(|s| s * (1.0 - SLEEP_SHARE)),
        &format!("0.38 {how}"),
    );

    d.measured(
        "aio_semaphore",
        f.us("asyncio_semaphore_us", 20_000.0),
        "asyncio_semaphore_us",
    );
    d.measured(
        "aio_queue_pair",
        f.us("asyncio_queue_put_get_us", 20_000.0),
        "asyncio_queue_put_get_us",
    );
    d.measured(
        "aio_timeout",
        f.us("asyncio_timeout_us", 750.0),
        "asyncio_timeout_us",
    );
    d.measured(
        "aio_run",
        f.us("asyncio_run_empty_us", 1.0),
        "asyncio_run_empty_us",
    );

    let loop_side = switch.map(|s| 2.0 * ITERATION_SHARE * s + (1.0 - ITERATION_SHARE) * s);
    let (offload, how) = if let Some(wakes) = wakes(f) {
        // The worker is woken by the submit, the loop by the worker.
        let work = f
            .us("threadpool_submit_us", 2_000.0)
            .zip(f.us("threadpool_drain_us_per_task", 1_000.0));
        let trip = f.us(OFFLOADED, 1_000.0);
        (
            trip.zip(loop_side)
                .zip(work)
                .map(|((trip, own), (submit, item))| {
                    trip - own - submit - item - 2.0 * wakes.hand_over()
                }),
            format!(
                "{OFFLOADED} less two iterations, a step, a submit, an item and two wake-ups on one core"
            ),
        )
    } else {
        // Where the threads are on two cores, the GIL is free by the time that they have woken.
        let handovers = if f.gil && !f.apart {
            OFFLOAD_HANDOVERS
        } else {
            0.0
        };
        let beyond = f.us_beyond(OFFLOADED, "threadpool_roundtrip_us", 1_000.0);
        (
            beyond
                .zip(loop_side)
                .map(|(beyond, own)| beyond - own - handovers * handover(f).unwrap_or(0.0)),
            format!(
                "{OFFLOADED} less threadpool_roundtrip_us, two iterations, a step and {handovers} GIL hand-overs"
            ),
        )
    };
    for (name, share) in ["aio_offload", "aio_threadsafe", "aio_offload_done"]
        .iter()
        .zip(OFFLOAD_SHARES)
    {
        d.derived(
            name,
            offload.map(|o| o * share),
            &format!("{share} of {how}"),
        );
    }
}
