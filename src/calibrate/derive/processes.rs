//! Process pools, process starts, sub-interpreters, pickling.

use super::Draft;
use super::figures::Figures;
use crate::cpython::profile::CostCurve;

/// What `ProcessPoolExecutor.submit` costs over `ThreadPoolExecutor.submit` at most: one more pipe write. Its own figure
/// includes the manager's and the feeder's work where they take the GIL in between.
const SUBMIT_OVER_THREAD_SUBMIT: f64 = 1.2;
/// Of the parent's CPU for a call besides the submit: moving it to the call queue, the feeder's locks and write, the
/// manager's fresh selector and poll, its registration of a worker's sentinel, reading and setting the result. The selector
/// is the largest: a round trip, which waits twice, costs the parent nearly half as much again as a call of a burst.
const PARENT_SHARES: [f64; 5] = [0.12, 0.25, 0.33, 0.03, 0.27];
/// Threads woken on the way of one call: manager, feeder, worker, manager, submitter.
const ROUNDTRIP_WAKES: f64 = 5.0;
/// Latency of waking a thread on a core idle for some hundred microseconds.
const WAKE_NS: f64 = 10_000.0;
/// Worker's CPU for a call over the parent's besides the submit, at least: it makes the same reads, writes and pickling
/// without selector and futures. Used where the round trip does not show it, because parent and worker overlap.
const WORKER_OVER_PARENT: f64 = 0.25;
/// Of what forking costs for every byte of the parent: copying the page tables, against tearing them down later.
const COPY_SHARE: f64 = 0.6;
/// Of a forked child's CPU: to its target, against its exit.
const BOOT_SHARE: f64 = 0.6;
/// Of a start by the fork server: the caller's side (pickling, connecting, authenticating), against the server's fork.
const FORKSERVER_CALL_SHARE: f64 = 0.55;
/// Importing what the microbenchmark's main module needs beyond the workloads' own (mostly `statistics`), which its
/// children do too. Measured with CPython 3.13 and 3.11 (`-X importtime`): 3.2 and 2.3 ms at best speed.
const MICRO_IMPORTS_NS: f64 = 3e6;
/// Making a pool's queues and starting its threads, part of a first result.
const POOL_SETUP_NS: f64 = 500_000.0;
/// Of the time in which asyncio, process pools and multiprocessing are imported: what the resource tracker imports of it,
/// and what the fork server does. Measured with CPython 3.13 and 3.11.
const TRACKER_IMPORTS: [f64; 2] = [0.30, 0.16];
const SERVER_IMPORTS: [f64; 2] = [0.38, 0.19];
/// The version from which `multiprocessing` imports as much as in 3.13.
const HEAVY_IMPORTS_FROM: u32 = 12;
/// The same of what importing the main module takes in a sub-interpreter. Calibrating CPython 3.14.7 gave 0.43, without the GIL
/// 0.38 (`interp_import` over what `forkserver_boot` and `tracker_boot` say of the imports).
const INTERPRETER_IMPORTS: f64 = 0.4;
/// Of a call into a sub-interpreter: the submitter's side.
const CALL_SHARE: f64 = 0.34;
/// The submitter's side over `ThreadPoolExecutor.submit`, at most: it converts arguments but never enters the interpreter,
/// which on free-threaded builds costs the worker most of a thread's creation.
const CALL_OVER_THREAD_SUBMIT: f64 = 1.5;
/// Of the call that forks: work that does not depend on the parent's size, at least.
const FORK_FIXED_SHARE: f64 = 0.4;
/// A pipe's capacity: a large message wakes the other side once for so many bytes.
const PIPE_BYTES: f64 = 65_536.0;

/// `ProcessPoolExecutor` and `multiprocessing.Pool`, call by call.
pub(super) fn executor(d: &mut Draft, f: &Figures<'_>) {
    let thread_submit = f.us("threadpool_submit_us", 2_000.0);
    let submit = f
        .us("processpool_submit_us", 2_000.0)
        .map(|s| match thread_submit {
            Some(t) => s.min(SUBMIT_OVER_THREAD_SUBMIT * t),
            None => s,
        });
    d.derived(
        "ppe_submit",
        submit,
        "processpool_submit_us, at most 1.2 x threadpool_submit_us (more is the other threads)",
    );

    let fixed = f
        .us("pickle_dumps_us_bytes_100B", 3_000.0)
        .map(|us| us * 2.0);
    d.derived(
        "pickle_fixed",
        fixed,
        "2 x pickle_dumps_us_bytes_100B: multiprocessing makes a pickler and a buffer each time",
    );
    let fixed = fixed.unwrap_or(0.0);

    let parent = f.us("processpool_burst_parent_cpu_us_per_task", 2_000.0);
    let rest = parent.zip(submit).map(|(p, s)| (p - s).max(0.0));
    for (name, share) in [
        "ppe_fill",
        "ppe_feed",
        "ppe_wait",
        "ppe_wait_worker",
        "ppe_result",
    ]
    .iter()
    .zip(PARENT_SHARES)
    {
        // The feeder's pickling is charged by `pickle_fixed`.
        let pickled = if *name == "ppe_feed" { fixed } else { 0.0 };
        let how = format!("{share} of processpool_burst_parent_cpu_us_per_task less the submit");
        d.derived(name, rest.map(|r| (r * share - pickled).max(0.0)), &how);
    }

    let trip = f.us("processpool_roundtrip_us", 300.0);
    let trip_parent = f.us("processpool_roundtrip_parent_cpu_us", 1_500.0);
    let worker = trip
        .zip(trip_parent)
        .zip(rest)
        .map(|((trip, parent), rest)| {
            (trip - parent - ROUNDTRIP_WAKES * WAKE_NS).max(WORKER_OVER_PARENT * rest)
        });
    let how = "half of processpool_roundtrip_us less the parent's CPU and five wake-ups, at least a quarter of the parent's CPU for a call";
    d.derived("ppe_get", worker.map(|w| w / 2.0), how);
    d.derived("ppe_put", worker.map(|w| (w / 2.0 - fixed).max(0.0)), how);

    let of = |share: f64| rest.map(|r| r * share);
    d.derived(
        "pool_task",
        of(PARENT_SHARES[0] + PARENT_SHARES[1]),
        "as ppe_fill and ppe_feed: a queue and a pipe write",
    );
    d.derived(
        "pool_result",
        of(PARENT_SHARES[4]),
        "as ppe_result: no selector is polled",
    );
}

/// Objects of a record that the microbenchmark pickles: a dict, four values of which one is a list of three, its items.
const OBJECTS_PER_RECORD: f64 = 8.0;

/// Pickling objects one by one.
pub(super) fn objects(d: &mut Draft, f: &Figures<'_>) {
    for (name, figure) in [
        ("pickle_object_dump", "pickle_dumps_us_per_record"),
        ("pickle_object_load", "pickle_loads_us_per_record"),
    ] {
        // One sample pickles 5,000 records.
        let each = f.us(figure, 5_000.0).map(|ns| ns / OBJECTS_PER_RECORD);
        d.derived(name, each, &format!("{figure} for 8 objects a record"));
    }
}

/// The three start methods.
pub(super) fn starts(d: &mut Draft, f: &Figures<'_>) {
    let fork_call = f.ms_alone("process_start_call_ms_fork");
    let fork_cycle = f.ms_alone("process_start_join_ms_fork");
    let direct = f.raw("fork_ns_per_byte").map(|ns| ns.max(0.0));
    let span = |mb: &str| f.ms_alone(&format!("process_start_join_ms_fork_parent_{mb}mb"));
    let by_size = span("512")
        .zip(span("128"))
        .map(|(big, small)| (big - small).max(0.0) / (384.0 * 1024.0 * 1024.0));
    let per_byte = direct.or(by_size);
    d.derived(
        "fork_per_byte",
        per_byte.map(|b| b * COPY_SHARE),
        if direct.is_some() {
            "0.6 of fork_ns_per_byte, the slope of fork's start and join over the parent's size"
        } else {
            "0.6 of the slope of fork's start and join from 128 to 512 MB"
        },
    );
    let resident = f.raw("process_rss_mb_fork").unwrap_or(0.0) * 1024.0 * 1024.0;
    let copied = per_byte.unwrap_or(0.0) * COPY_SHARE * resident;
    let call = fork_call.map(|c| (c - copied).max(c * FORK_FIXED_SHARE));
    d.derived(
        "fork_call",
        call,
        "process_start_call_ms_fork less its page tables, at least 0.4 of it",
    );
    let child = fork_cycle
        .zip(fork_call)
        .map(|(cycle, call)| (cycle - call).max(0.0));
    d.derived(
        "fork_boot",
        child.map(|c| c * BOOT_SHARE),
        "0.6 of fork's start and join less the start call",
    );
    d.derived(
        "process_exit",
        child.map(|c| c * (1.0 - BOOT_SHARE)),
        "0.4 of fork's start and join less the start call",
    );

    let trip = f.us("processpool_roundtrip_us", 300.0).unwrap_or(0.0);
    // The calibration's own program imports nothing but what workloads do.
    let (benchmark, imports_how) = if f.gated {
        (0.0, "")
    } else {
        (
            MICRO_IMPORTS_NS,
            " and 3 ms of imports that only the benchmark has",
        )
    };
    let how = "less the start call, a round trip, the pool's set-up";
    let boot = |method: &str, call: Option<f64>, imports: f64| {
        let first = f.by_exec(&format!("processpool_first_result_ms_{method}"))?;
        Some(first - call? - trip - POOL_SETUP_NS - imports)
    };
    let spawn_call = f.by_exec("process_start_call_ms_spawn");
    d.derived(
        "spawn_call",
        spawn_call,
        "process_start_call_ms_spawn at best speed",
    );
    d.derived(
        "spawn_boot",
        boot("spawn", spawn_call, benchmark),
        &format!("processpool_first_result_ms_spawn {how}{imports_how}"),
    );
    let exit = f
        .by_exec("processpool_shutdown_ms_spawn")
        .map(|s| s - POOL_SETUP_NS);
    d.derived(
        "spawn_exit",
        exit,
        "processpool_shutdown_ms_spawn less 0.5 ms for the pool",
    );

    // Both are other programs that a fresh interpreter runs: its start-up and part of the imports.
    let start = f.by_exec("python_startup_ms");
    let imports = imports(f);
    let old = usize::from(f.minor < HEAVY_IMPORTS_FROM);
    let helper = |share: f64| {
        start
            .zip(imports)
            .map(|(start, imports)| start + share * imports)
    };
    let helper_how = |share: f64| {
        format!(
            "python_startup_ms and {share} of the imports of python_startup_imports_ms, at best speed"
        )
    };
    d.derived(
        "tracker_boot",
        helper(TRACKER_IMPORTS[old]),
        &helper_how(TRACKER_IMPORTS[old]),
    );
    // A server that preloads the main module imports all that the main module does.
    let preloaded = d.params.forkserver_preload_main > 0.5;
    let bare_share = SERVER_IMPORTS[old];
    let server_share = if preloaded { 1.0 } else { bare_share };
    d.derived(
        "forkserver_boot",
        helper(server_share),
        &helper_how(server_share),
    );
    d.derived(
        "forkserver_bare_boot",
        helper(bare_share),
        &helper_how(bare_share),
    );

    let server_call = f.by_exec("process_start_call_ms_forkserver");
    d.derived(
        "forkserver_call",
        server_call.map(|c| c * FORKSERVER_CALL_SHARE),
        "0.55 of process_start_call_ms_forkserver",
    );
    let fork = server_call.map(|c| c * (1.0 - FORKSERVER_CALL_SHARE));
    d.derived(
        "forkserver_fork",
        fork,
        "0.45 of process_start_call_ms_forkserver, which waits for the server's fork",
    );
    // What the server has imported its children need not.
    let (benchmark, imports_how) = if preloaded {
        (0.0, "")
    } else {
        (benchmark, imports_how)
    };
    let child = boot("forkserver", server_call, benchmark);
    d.derived(
        "forkserver_child_boot",
        child,
        &format!("processpool_first_result_ms_forkserver {how}{imports_how}"),
    );
    // Without the main module a child imports what the server has not.
    let left = 1.0 - bare_share;
    let (imported, how) = if preloaded {
        let how = format!(
            "forkserver_child_boot and {left:.2} of the imports of python_startup_imports_ms, at best speed"
        );
        (imports.map(|all| left * all), how)
    } else {
        (Some(0.0), "forkserver_child_boot".to_owned())
    };
    let bare = child.zip(imported).map(|(child, more)| child + more);
    d.derived("forkserver_bare_child_boot", bare, &how);
}

/// Importing asyncio, process pools and multiprocessing in a fresh interpreter, in nanoseconds.
fn imports(f: &Figures<'_>) -> Option<f64> {
    let all = f.by_exec("python_startup_imports_ms")?;
    Some((all - f.by_exec("python_startup_ms")?).max(0.0))
}

/// Sub-interpreters, where there are any.
pub(super) fn interpreters(d: &mut Draft, f: &Figures<'_>) {
    let trip = f.us("threadpool_roundtrip_us", 1_000.0).unwrap_or(0.0);
    let Some(create) = f.by_exec("interpreterpool_first_result_ms") else {
        return;
    };
    let create = create - trip;
    d.derived(
        "interp_create",
        Some(create),
        "interpreterpool_first_result_ms at best speed less a round trip to a pool thread",
    );
    let all = f
        .further(&["starts", "interpreters-4", "cpu_ms"])
        .zip(f.further(&["starts", "interpreters-1", "cpu_ms"]));
    let life = (f.raw("interpreter_life_cpu_ms").map(|ms| ms * 1e6))
        .or_else(|| all.map(|(four, one)| f.of_long_spell((four - one) / 3.0 * 1e6)));
    d.derived(
        "interp_destroy",
        life.map(|l| l - create),
        "CPU of each further interpreter (starts) at best speed less its creation",
    );
    let first = f.by_exec("interpreterpool_first_result_ms");
    let imported = f.by_exec("interpreterpool_first_main_result_ms").zip(first);
    let (import, how) = match imported {
        Some((with_main, without)) => (
            Some(with_main - without),
            "interpreterpool_first_main_result_ms less interpreterpool_first_result_ms".to_owned(),
        ),
        None if d.params.forkserver_preload_main > 0.5 => (
            imports(f).map(|all| INTERPRETER_IMPORTS * all),
            format!(
                "{INTERPRETER_IMPORTS} of the imports of python_startup_imports_ms, at best speed"
            ),
        ),
        None => (
            Some((d.params.forkserver_child_boot - d.params.fork_boot).max(0.0)),
            "forkserver_child_boot - fork_boot: the same import of the main module".to_owned(),
        ),
    };
    d.derived("interp_import", import, &how);
    let both = f
        .us_beyond(
            "interpreterpool_roundtrip_us",
            "threadpool_roundtrip_us",
            300.0,
        )
        .map(|b| b.max(0.0));
    let most = f
        .us("threadpool_submit_us", 2_000.0)
        .unwrap_or(f64::INFINITY)
        * CALL_OVER_THREAD_SUBMIT;
    let call = both.map(|b| (b * CALL_SHARE).min(most));
    let how = "interpreterpool_roundtrip_us less threadpool_roundtrip_us";
    d.derived(
        "interp_call",
        call,
        &format!("0.34 of {how}, at most 1.5 x threadpool_submit_us"),
    );
    d.derived(
        "interp_item",
        both.zip(call).map(|(b, c)| b - c),
        &format!("{how} less the submitter's side"),
    );
}

/// Pickling and unpickling by size, in memory that is used again.
pub(super) fn pickling(f: &Figures<'_>) -> (Option<CostCurve>, Option<CostCurve>) {
    let Some(sizes) = f.more["pickle_random_bytes_best"].as_object() else {
        return (None, None);
    };
    let curve = |what: &str| {
        let mut points: Vec<(f64, f64)> = sizes
            .iter()
            .filter_map(|(size, costs)| Some((size.parse().ok()?, costs[what].as_f64()? * 1e3)))
            .filter(|(size, cost): &(f64, f64)| {
                size.is_finite() && *size > 0.0 && cost.is_finite() && *cost >= 0.0
            })
            .collect();
        points.push((0.0, 0.0));
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points.dedup_by(|a, b| a.0 == b.0);
        (points.len() > 1).then_some(CostCurve(points))
    };
    (curve("dumps_us"), curve("loads_us"))
}

/// What the receiver spends on a message of this size beyond copying at the speed of 100 KB and being woken for every
/// pipe full of it: by the figures for 1 and 10 MB, in proportion beyond. `copying` a byte takes so many nanoseconds where that speed
/// does not show.
pub(super) fn receiving(f: &Figures<'_>, size: f64, copying: f64) -> f64 {
    let pipe = |label: &str| {
        f.raw(&format!("pipe_send_and_ack_us_{label}"))
            .map(|us| us * 1e3)
    };
    let (Some(least), Some(medium), Some(large), Some(huge)) =
        (pipe("100B"), pipe("100KB"), pipe("1MB"), pipe("10MB"))
    else {
        return 0.0;
    };
    // On some machines the short message is woken later than the long one.
    let per_byte = if medium > least {
        (medium - least) / 1e5
    } else {
        copying
    };
    let beyond = |cost: f64, size: f64| {
        (cost - least - size * per_byte - size / PIPE_BYTES * WAKE_NS).max(0.0)
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a size in bytes"
    )]
    let bytes = size as u64;
    CostCurve(vec![
        (0.0, 0.0),
        (1e5, 0.0),
        (1e6, beyond(large, 1e6)),
        (1e7, beyond(huge, 1e7)),
    ])
    .at(bytes, 1.0)
    .as_f64()
}
