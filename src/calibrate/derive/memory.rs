//! Memory of processes, threads, tasks and interpreters.

use serde_json::Value;

use super::Draft;
use super::figures::Figures;

const KIB: f64 = 1024.0;
/// Where a further worker's memory comes from.
const SLOPE: &str = "starts: slope of the tree's PSS from 1 to 4 workers";

/// What the benchmark's own modules (`statistics` and what it imports) add to a process that runs workloads, in KiB:
/// 480 with CPython 3.11 and 490 with 3.13, as the difference between the idle benchmark and a sequential workload.
const BENCHMARK_MODULES_KIB: f64 = 480.0;
/// What a spawned child of the benchmark holds beyond a process that runs workloads (its modules, and those of
/// `multiprocessing`'s start), in KiB: 1,990 with CPython 3.13, 2,250 with 3.14, 2,140 with 3.15.
const SPAWNED_MODULES_KIB: f64 = 2_130.0;
/// Memory of a fork server without the main module over that of one with it: 0.58 with CPython 3.14.7, 3.14.10 and 3.15.2, 0.59 with free-threaded
/// 3.14.7, private, with no children.
const BARE_SERVER: f64 = 0.58;
/// Memory of a further child of a fork server without the main module over that of a spawned one: 0.82 to 0.84 with the GIL from 3.14
/// on, 0.78 before and 0.79 to 0.81 without it.
const BARE_CHILD: f64 = 0.82;
/// See [`BARE_CHILD`].
const BARE_CHILD_FREE_THREADED: f64 = 0.8;
/// A process pool's modules, queues and threads in the parent, in KiB, from 3.12 on and before: growth of the resident set
/// of a process that makes its first pool, with CPython 3.13 and 3.11.
const POOL_KIB: [f64; 2] = [1_300.0, 650.0];
/// The same for a thread pool: 40 to 100 KiB with 4 to 16 threads, beyond the threads.
const THREAD_POOL_KIB: f64 = 70.0;
/// A pending work item with its future, callback and place in the program's list: 2,400 bytes with CPython 3.13, 2,520
/// with 3.11 (2,000 of them).
const WORK_ITEM_BYTES: f64 = 2_450.0;
/// An event loop, its selector and self-pipe: at most 60 KiB with CPython 3.11 and 3.13, modules already imported.
const EVENT_LOOP_KIB: f64 = 60.0;
/// Importing the workloads' modules in a sub-interpreter, beyond what a pool's interpreters import anyway: 7.5 MiB for all
/// of them with CPython 3.13, of which the pool's own are 3.
const INTERPRETER_IMPORTS_KIB: f64 = 4_500.0;

/// Shares of inherited objects' memory that a collection and a walk make a child's own: 14.4 and 27 MB of 40 in CPython 3.12 to 3.15.
const COPIED: [f64; 2] = [0.37, 0.67];
/// The same before 3.12: 22 and 29 MB of 43.
const COPIED_BEFORE_3_12: [f64; 2] = [0.52, 0.67];
/// The same of free-threaded builds: 14.8 to 20.7 and 27.6 to 28.9 MB of 45 to 61.
const COPIED_FREE_THREADED: [f64; 2] = [0.32, 0.60];
/// How much the heaps of a child of a free-threaded build grow by what it makes, at most, over its inherited objects: of the 81 MB of a child
/// that allocates 15 are copies, which one that merely collects has, too; the other 66, beside 45 inherited, are its own.
const FRESH_FREE_THREADED: f64 = 1.45;
/// CPU of the fault that copies a page, in ns: of a child's first collection and walk beyond its second ones, by private pages.
const FAULT_NS: f64 = 2_400.0;
/// An imported container with what hangs on it, in bytes: 955 to 1,036 with most of the standard library.
const OBJECT_BYTES: f64 = 1_000.0;
/// An empty list with the collector's header, and its place in another, in bytes: the same in all versions.
const CONTAINER_BYTES: f64 = 72.0;

/// The process tree while `workers` idle: sums over its processes, in KiB.
struct TreeMemory {
    workers: f64,
    /// Proportional set size of the whole tree, less the parent's resident set: the parent's own size varies between the
    /// rows, for what the benchmark did before.
    beyond_parent: f64,
}

/// Sizes of the processes of one role, the smallest.
fn smallest(row: &Value, role: &str, fields: &[&str]) -> Option<f64> {
    let rows = row["processes_kb"]
        .as_array()?
        .iter()
        .filter(|p| p["role"] == role);
    rows.filter_map(|p| {
        fields
            .iter()
            .map(|field| p[*field].as_f64())
            .sum::<Option<f64>>()
    })
    .reduce(f64::min)
}

fn tree(starts: &Value, method: &str, workers: u32) -> Option<TreeMemory> {
    let processes = starts[format!("{method}-{workers}")]["processes_kb"].as_array()?;
    let all = processes
        .iter()
        .map(|p| p["pss"].as_f64())
        .sum::<Option<f64>>()?;
    let parent = processes.iter().find(|p| p["role"] == "parent")?["rss"].as_f64()?;
    Some(TreeMemory {
        workers: f64::from(workers),
        beyond_parent: all - parent,
    })
}

/// Memory of one more worker, and of everything but the workers and the parent, both in KiB: from 1 to 4 workers.
fn line(starts: &Value, method: &str, shared: f64) -> Option<(f64, f64)> {
    let (one, four) = (tree(starts, method, 1)?, tree(starts, method, 4)?);
    let each = (four.beyond_parent - one.beyond_parent) / (four.workers - one.workers);
    // A parent alone would have its libraries to itself: its proportional set is smaller than its resident set by `shared`.
    Some((each, one.beyond_parent - each * one.workers + shared))
}

pub(super) fn memory(d: &mut Draft, f: &Figures<'_>) {
    d.measured(
        "thread_rss",
        f.raw("thread_rss_kb").map(|kb| kb * KIB),
        "thread_rss_kb",
    );
    d.measured(
        "aio_task_rss",
        f.raw("asyncio_task_rss_kb").map(|kb| kb * KIB),
        "asyncio_task_rss_kb",
    );
    pools(d, f);
    // What only the reference's benchmarks import; a calibration's program imports what workloads do.
    let (benchmark_kib, benchmark_how) = if f.gated {
        (0.0, "")
    } else {
        (
            BENCHMARK_MODULES_KIB,
            " less 480 KiB of modules that only the benchmark imports",
        )
    };

    let idle = |field| f.further(&["idle_workloads_process_kb", field]);
    let starts = &f.more["starts"];
    let shared = idle("rss")
        .zip(idle("pss"))
        .map_or(0.0, |(rss, pss)| rss - pss);
    let seen = idle("pss").map(|kb| kb - benchmark_kib);
    // A process that has done something before is never smaller than a fresh one: the lesser of two sights counts.
    let spawned = (f.raw("process_rss_mb_spawn").filter(|_| !f.gated))
        .map(|mb| mb * KIB - SPAWNED_MODULES_KIB - shared);
    let (base, how) = match (seen, spawned) {
        (Some(seen), Some(spawned)) if spawned < seen => (
            Some(spawned),
            "process_rss_mb_spawn less 2130 KiB of modules that only the benchmark's children import, and what is shared".into(),
        ),
        _ => (
            seen,
            format!("idle_workloads_process_kb.pss{benchmark_how}"),
        ),
    };
    d.derived("base_rss", base.map(|kb| kb * KIB), &how);

    let fork = line(starts, "fork", shared);
    d.derived("fork_private", fork.map(|(each, _)| each * KIB), SLOPE);
    // With one child, the pages that the parent has written since the fork are the child's alone; with several they share.
    let private = |row: &str| smallest(&starts[row], "worker", &["private_clean", "private_dirty"]);
    let written = private("fork-1")
        .zip(private("fork-2"))
        .map(|(one, two)| (one - two) * KIB);
    d.derived(
        "fork_parent_private",
        written,
        "starts: private memory of a lone forked child less that of one of two",
    );

    let how = format!("{SLOPE}{benchmark_how}");
    let spawn = line(starts, "spawn", shared);
    d.derived(
        "spawn_private",
        spawn.map(|(each, _)| (each - benchmark_kib) * KIB),
        &how,
    );
    let server = line(starts, "forkserver", shared);
    // A server that preloads the main module has what that imports, and its children inherit it.
    let preloaded = d.params.forkserver_preload_main > 0.5;
    let (in_server, in_child) = if preloaded {
        (benchmark_kib, 0.0)
    } else {
        (0.0, benchmark_kib)
    };
    let (server_how, child_how) = if preloaded {
        (benchmark_how, SLOPE)
    } else {
        ("", how.as_str())
    };
    d.derived(
        "forkserver_child_private",
        server.map(|(each, _)| (each - in_child) * KIB),
        child_how,
    );
    if f.gated {
        helpers(d, spawn, server);
        without_main(d, f);
        copies(d, f);
        return interpreters(d, f);
    }
    // Beside the workers stand the tracker and the server. The server's pages are its children's too; the same server without
    // children is the small `worker` in the rows of spawn.
    let tracker = smallest(
        &starts["forkserver-1"],
        "tracker",
        &["private_clean", "private_dirty"],
    );
    let alone = smallest(
        &starts["spawn-1"],
        "worker",
        &["private_clean", "private_dirty"],
    );
    let left = server
        .map(|(_, beside)| beside)
        .zip(tracker)
        .zip(alone)
        .map(|((all, t), s)| (all - t - s).max(0.0) / 2.0);
    let how = "starts: private memory, with half of what tracker and server share";
    d.derived(
        "tracker_private",
        tracker.zip(left).map(|(t, half)| (t + half) * KIB),
        how,
    );
    d.derived(
        "forkserver_private",
        alone
            .zip(left)
            .map(|(s, half)| (s + half - in_server) * KIB),
        &format!("{how}{server_how}"),
    );
    without_main(d, f);

    copies(d, f);
    interpreters(d, f);
}

/// Where every method was measured in a process of its own: beside spawned workers stands the tracker, beside those of the fork
/// server both.
fn helpers(d: &mut Draft, spawn: Option<(f64, f64)>, server: Option<(f64, f64)>) {
    let how = "starts: the tree's PSS besides the parent and its workers";
    let tracker = spawn.map(|(_, beside)| beside.max(0.0));
    d.derived("tracker_private", tracker.map(|kib| kib * KIB), how);
    d.derived(
        "forkserver_private",
        server
            .zip(tracker)
            .map(|((_, beside), tracker)| (beside - tracker).max(0.0) * KIB),
        &format!("{how}, less the tracker's"),
    );
}

/// A fork server that finds no main module to preload, and its children. One that preloads none has been measured as it is.
fn without_main(d: &mut Draft, f: &Figures<'_>) {
    let (server, child) = if d.params.forkserver_preload_main > 0.5 {
        let child = if f.gil {
            BARE_CHILD
        } else {
            BARE_CHILD_FREE_THREADED
        };
        (
            ("forkserver_private", BARE_SERVER),
            ("spawn_private", child),
        )
    } else {
        (
            ("forkserver_private", 1.0),
            ("forkserver_child_private", 1.0),
        )
    };
    for (name, (of, share)) in [
        ("forkserver_bare_private", server),
        ("forkserver_bare_child_private", child),
    ] {
        let known = d.known(of);
        d.derived(
            name,
            known.map(|bytes| share * bytes),
            &format!("{share} of {of}"),
        );
    }
}

/// What forked children copy of the objects they inherit, as measured once.
fn copies(d: &mut Draft, f: &Figures<'_>) {
    let (shares, which) = match (f.gil, f.minor < 12) {
        (false, _) => (COPIED_FREE_THREADED, "3.14t"),
        (true, true) => (COPIED_BEFORE_3_12, "3.11"),
        (true, false) => (COPIED, "3.12 to 3.15"),
    };
    let how = format!(
        "private memory of forked children that collect, walk or allocate, measured once with CPython {which}"
    );
    d.derived("cow_collect", Some(shares[0]), &how);
    d.derived("cow_walk", Some(shares[1]), &how);
    if !f.gil {
        d.derived("cow_fresh", Some(FRESH_FREE_THREADED), &how);
    }
    d.derived(
        "cow_fault",
        Some(FAULT_NS),
        "CPU of a forked child's first collection and walk beyond the second, by private pages, measured once with CPython 3.14",
    );
    let how = "resident memory and containers of the standard library's modules, measured once with CPython 3.11, 3.14 and 3.14t";
    d.derived("object_rss", Some(OBJECT_BYTES), how);
    d.derived(
        "container_rss",
        Some(CONTAINER_BYTES),
        "size of an empty list and its place in another",
    );
}

fn interpreters(d: &mut Draft, f: &Figures<'_>) {
    let whole = f
        .raw("interpreter_and_main_rss_mb")
        .map(|mb| mb * KIB * KIB);
    d.measured("interp_rss", whole, "interpreter_and_main_rss_mb");
    if whole.is_none() {
        let interpreter = f
            .raw("interpreter_rss_mb")
            .map(|mb| mb * KIB * KIB + INTERPRETER_IMPORTS_KIB * KIB);
        d.derived(
            "interp_rss",
            interpreter,
            "interpreter_rss_mb and 4.5 MiB for the main module's imports",
        );
    }
}

/// What pools and loops add to a process, besides threads and workers: measured where the calibration did, else as seen
/// with two versions.
fn pools(d: &mut Draft, f: &Figures<'_>) {
    let local = "measured once with CPython 3.11 and 3.13";
    let mut put = |name: &str, figure: &str, measured: Option<f64>, otherwise: f64| match measured {
        Some(kib) => d.measured(name, Some(kib * KIB), figure),
        None => d.derived(name, Some(otherwise), local),
    };
    put(
        "tpe_item_rss",
        "work_item_kb",
        f.raw("work_item_kb"),
        WORK_ITEM_BYTES,
    );
    let threads = f
        .raw("threadpool_growth_kb_4")
        .zip(f.raw("thread_rss_kb"))
        .map(|(pool, thread)| (pool - 4.0 * thread).max(0.0));
    put(
        "tpe_rss",
        "threadpool_growth_kb_4 less four threads",
        threads,
        THREAD_POOL_KIB * KIB,
    );
    put(
        "aio_loop_rss",
        "event_loop_kb",
        f.raw("event_loop_kb"),
        EVENT_LOOP_KIB * KIB,
    );
    put(
        "ppe_rss",
        "processpool_growth_kb",
        f.raw("processpool_growth_kb"),
        POOL_KIB[usize::from(f.minor < 12)] * KIB,
    );
}
