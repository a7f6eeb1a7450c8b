//! Starting processes, `ProcessPoolExecutor`, `multiprocessing.Pool`, pipes: facts sheet 2.5, 7 to 10.

use pchsim::cpython::profile::Params;
use pchsim::engine::Nanos;
use pchsim::scenario::StartMethod::{Fork, Forkserver, Spawn};
use pchsim::scenario::{
    Arrivals, Dist, Lifecycle, PoolLife, ProcessApi, Rounds, Step, Strategy, TracedTask, Workers,
};
use pchsim::strategy::Cause;

use super::{batch, each, executor, latencies, us};
use crate::common::{class, cpu, ms, workload};

fn pool(workers: u32, chunksize: Option<u32>) -> Strategy {
    Strategy::Processes {
        workers: Workers::Exactly(workers),
        start: Fork,
        api: ProcessApi::Pool { chunksize },
        life: PoolLife::default(),
    }
}

/// 9, tried on real ones: W = 4; after the first submit fork has 4 processes, spawn and forkserver 1; after the second 2;
/// an idle worker is used again.
#[test]
fn fork_starts_all_at_the_first_submit_and_others_one_a_submit() {
    for (start, one, two) in [(Fork, 4, 4), (Spawn, 1, 2), (Forkserver, 1, 2)] {
        let started = |arrivals: Arrivals, count| {
            let mut case = batch(
                true,
                executor(4, start),
                vec![class(count, vec![cpu(ms(1))])],
            );
            case.workload.arrivals = arrivals;
            case.run().processes
        };
        assert_eq!(started(Arrivals::Batch, 1), one, "{start:?}");
        assert_eq!(started(Arrivals::Batch, 2), two, "{start:?}");
        assert_eq!(started(Arrivals::Batch, 20), 4, "{start:?}");
        let one_by_one = Arrivals::Closed {
            users: 1,
            think: Dist::Constant(ms(10)),
            count: Some(5),
        };
        assert_eq!(started(one_by_one, 0), one, "{start:?}");
    }
}

/// 9, tried on real ones: after a burst of 20 on W = 4 exactly 5 futures cannot be cancelled until the first result, for
/// the call queue holds W + 1 and is filled only when the manager wakes.
#[test]
fn the_call_queue_holds_one_call_more_than_workers() {
    let sent = |tasks: u64, horizon: u64| {
        let mut case = batch(
            true,
            executor(4, Fork),
            vec![class(tasks, vec![cpu(ms(100))])],
        );
        // Workers begin to read after the burst.
        case.profile.params.fork_boot = 1e6;
        case.horizon = Some(ms(horizon));
        case.run().bytes_moved
    };
    let call = sent(1, 50);
    assert_eq!(sent(20, 50), 5 * call);
    // Four results have come by then, and the queue has been filled again: 4 calls done, 4 running, 5 waiting.
    let result = sent(1, 150) - call;
    assert_eq!(sent(20, 150), 13 * call + 4 * result);
}

/// 7: what each start method costs until the task begins.
#[test]
fn starts_take_their_time() {
    let run = |start| {
        let mut case = each(true, executor(1, start), &[vec![cpu(ms(10))]]);
        let p = &mut case.profile.params;
        p.fork_call = 1e6;
        p.fork_boot = 2e6;
        p.spawn_call = 3e6;
        p.spawn_boot = 4e6;
        p.tracker_boot = 1e6;
        p.forkserver_boot = 20e6;
        p.forkserver_call = 5e6;
        p.forkserver_fork = 6e6;
        p.forkserver_child_boot = 7e6;
        case.workload.imports.time = ms(100);
        latencies(&case)[0]
    };
    // The child inherits the imports.
    assert_eq!(run(Fork), ms(1 + 2 + 10));
    // The resource tracker's start first (the same call); the child imports again.
    assert_eq!(run(Spawn), ms(3 + 3 + 4 + 100 + 10));
    // Tracker, then the server: 20 ms from its exec, within which the call is made; then fork and boot.
    assert_eq!(run(Forkserver), ms(3 + 3 + 20 + 6 + 7 + 100 + 10));
}

/// 7.4: a fork server that preloads the main module imports it once.
#[test]
fn a_preloading_fork_server_imports_once() {
    let run = |preload: f64, tasks| {
        let mut case = batch(
            true,
            executor(3, Forkserver),
            vec![class(tasks, vec![cpu(ms(10))])],
        );
        case.profile.params.forkserver_preload_main = preload;
        case.workload.imports.time = ms(100);
        let o = case.run();
        (o.makespan, o.cpu)
    };
    assert_eq!(run(0.0, 3), (ms(110), ms(3 * 110).into()));
    assert_eq!(run(1.0, 3), (ms(110), ms(100 + 3 * 10).into()));
}

/// 7.4: it preloads a file that Python was started with, and nothing where there is none (`python -m`, a notebook).
#[test]
fn a_fork_server_without_a_main_module_leaves_its_imports_to_the_children() {
    let run = |preloaded| {
        let mut case = batch(
            true,
            executor(3, Forkserver),
            vec![class(3, vec![cpu(ms(10))])],
        );
        let p = &mut case.profile.params;
        p.forkserver_preload_main = 1.0;
        (p.forkserver_boot, p.forkserver_child_boot) = (60e6, 5e6);
        (p.forkserver_bare_boot, p.forkserver_bare_child_boot) = (20e6, 45e6);
        (p.forkserver_private, p.forkserver_child_private) = (13e6, 4e6);
        (p.forkserver_bare_private, p.forkserver_bare_child_private) = (8e6, 11e6);
        case.workload.imports.time = ms(100);
        case.workload.imports.preloaded = preloaded;
        let o = case.run();
        (o.makespan, o.cpu, o.memory_peak)
    };
    let (makespan, cpu, memory) = run(true);
    assert_eq!(
        (makespan, cpu),
        (ms(60 + 100 + 5 + 10), ms(160 + 3 * 15).into())
    );
    let (bare, bare_cpu, bare_memory) = run(false);
    assert_eq!(
        (bare, bare_cpu),
        (ms(20 + 45 + 100 + 10), ms(20 + 3 * 155).into())
    );
    assert_eq!(bare_memory - memory, 3 * 7_000_000 - 5_000_000);
}

/// 10: all workers start in the constructor; `map` makes four chunks a worker, and a chunk's results come together.
#[test]
fn a_pool_sends_chunks() {
    let tasks = || vec![class(16, vec![cpu(ms(1))])];
    let o = batch(true, pool(2, None), tasks()).run();
    assert_eq!(o.processes, 2);
    let expected: Vec<Nanos> = (0..16).map(|i| ms(2 * (1 + i / 4))).collect();
    assert_eq!(o.latencies, expected);
    let expected: Vec<Nanos> = (0..16).map(|i| ms(1 + i / 2)).collect();
    assert_eq!(latencies(&batch(true, pool(2, Some(1)), tasks())), expected);
    assert_eq!(
        batch(true, pool(4, None), vec![class(1, vec![])])
            .run()
            .processes,
        4
    );
}

fn chunked(workers: u32, chunk: u32) -> Strategy {
    Strategy::Processes {
        workers: Workers::Exactly(workers),
        start: Fork,
        api: ProcessApi::Executor {
            chunksize: Some(chunk),
        },
        life: PoolLife::default(),
    }
}

/// 9: `map(chunksize=)` submits chunks, each of which is one call: one task after another in its worker, all results at its end.
#[test]
fn an_executor_maps_chunks() {
    let tasks = |count| vec![class(count, vec![cpu(ms(10))])];
    let o = batch(true, chunked(2, 3), tasks(8)).run();
    assert_eq!(o.latencies, [30, 30, 30, 30, 30, 30, 50, 50].map(ms));
    assert_eq!(o.processes, 2);
    // What a call costs is paid once a chunk, by whoever pays it.
    let cost = |strategy, param: fn(&mut Params) -> &mut f64| {
        let mut case = batch(true, strategy, tasks(12));
        *param(&mut case.profile.params) = 1e6;
        case.run().cpu.0 - u128::from(ms(120).0)
    };
    for param in [
        (|p| &mut p.ppe_submit) as fn(&mut Params) -> &mut f64,
        |p| &mut p.ppe_feed,
        |p| &mut p.ppe_get,
        |p| &mut p.ppe_put,
        |p| &mut p.ppe_result,
    ] {
        assert_eq!(cost(executor(2, Fork), param), u128::from(ms(12).0));
        assert_eq!(cost(chunked(2, 5), param), u128::from(ms(3).0));
    }
    // One by one: nothing changes.
    let plain = batch(true, executor(2, Fork), tasks(9)).run();
    let ones = batch(true, chunked(2, 1), tasks(9)).run();
    assert_eq!(format!("{plain:?}"), format!("{ones:?}"));
    // What travels with the tasks travels with their chunk: twelve times 10 kB, and an envelope for each call and each result.
    let carries = || vec![class(12, vec![Step::PayloadIn(10_000), cpu(ms(1))])];
    let moved = |strategy| batch(true, strategy, carries()).run().bytes_moved;
    let envelopes = |calls: u128| (12 * 10_000 + calls * 2 * 256) * 2;
    assert_eq!(moved(executor(2, Fork)) * 2, envelopes(12));
    assert_eq!(moved(chunked(2, 5)) * 2, envelopes(3));
}

/// Arrivals that come one by one are submitted one by one; rounds and copies have chunks of their own.
#[test]
fn chunks_are_those_of_a_batch() {
    let tasks = || vec![class(1, vec![cpu(ms(10))])];
    let mut case = batch(true, chunked(1, 4), tasks());
    case.workload.arrivals = Arrivals::Closed {
        users: 2,
        think: Dist::Constant(Nanos::ZERO),
        count: Some(5),
    };
    assert_eq!(case.run().completed, 5);
    let mut case = batch(true, chunked(1, 4), vec![class(5, vec![cpu(ms(10))])]);
    case.workload.rounds = Rounds {
        count: 2,
        serial: vec![cpu(ms(5))],
    };
    // A chunk of four and one of one, twice.
    assert_eq!(
        latencies(&case),
        [40, 40, 40, 40, 50, 40, 40, 40, 40, 50].map(ms)
    );
    let served = Strategy::Prefork {
        processes: 2,
        each: Box::new(chunked(1, 4)),
        life: Lifecycle::default(),
    };
    let o = batch(true, served, vec![class(10, vec![cpu(ms(10))])]).run();
    assert_eq!(
        o.latencies,
        [40, 40, 40, 40, 40, 40, 40, 40, 50, 50].map(ms)
    );
}

/// A task that fails does not fail the others of its chunk.
#[test]
fn failures_stay_within_their_task() {
    let o = batch(
        true,
        chunked(1, 3),
        vec![class(1, vec![Step::Fail(1.0)]), class(5, vec![cpu(ms(1))])],
    )
    .run();
    assert_eq!((o.failed, o.completed), (1, 5));
}

/// 2.5, 8.1: a message beyond the pipe's 64 KiB blocks its writer until the reader has read.
#[test]
fn a_large_message_blocks_its_writer() {
    let run = |bytes| {
        let mut case = each(true, executor(1, Fork), &[vec![Step::PayloadIn(bytes)]]);
        case.machine.pipe_ns_per_byte = 1.0;
        case.profile.params.fork_boot = 10e6;
        case.run()
    };
    let empty = run(0);
    let envelope = u64::try_from(empty.bytes_moved / 2).unwrap();
    assert_eq!(
        empty.latencies,
        [ms(10) + Nanos(envelope * 3)],
        "the call is written meanwhile"
    );
    // All of it is in the pipe when the worker is up: one read.
    assert_eq!(
        run(60_000).latencies,
        [ms(10) + Nanos(60_000 + envelope * 3)]
    );
    // Only 64 KiB are: from then on it is read all, and the rest written, in turns.
    let message = 200_000 + envelope;
    let o = run(200_000);
    assert_eq!(
        o.latencies,
        [ms(10) + Nanos(2 * message - 65_536 + envelope * 2)]
    );
    assert_eq!(o.bytes_moved, u128::from(message + envelope));
}

/// 8.1: what a receiver does with what it has read costs between its reads: the second half of that while the writer writes on.
#[test]
fn a_receiver_works_while_its_writer_fills_the_pipe_again() {
    let run = |bytes| {
        let mut case = each(true, executor(1, Fork), &[vec![Step::PayloadIn(bytes)]]);
        case.machine.pipe_ns_per_byte = 1.0;
        case.profile.params.fork_boot = 10e6;
        case.profile.receives.0 = vec![(0.0, 0.0), (1e6, 2e6)];
        case.run()
    };
    let envelope = u64::try_from(run(0).bytes_moved / 2).unwrap();
    // One read takes it all: nothing grows.
    assert_eq!(
        run(60_000).latencies,
        [ms(10) + Nanos(60_000 + envelope * 3)]
    );
    // A byte is read in 2 ns and worked on for one, in which the writer writes another.
    assert_eq!(
        run(200_000).latencies,
        [ms(10) + Nanos(3 * (200_000 + envelope) + envelope * 2)]
    );
}

/// 8.2: the sender pickles, the receiver unpickles.
#[test]
fn both_sides_pay_for_a_payload() {
    let mut case = each(
        true,
        executor(1, Fork),
        &[vec![Step::PayloadIn(1_000), Step::PayloadOut(500)]],
    );
    case.profile.dumps.0 = vec![(0.0, 0.0), (1_000.0, 10_000.0)];
    case.profile.loads.0 = vec![(0.0, 0.0), (1_000.0, 20_000.0)];
    assert_eq!(latencies(&case), [us(10 + 20 + 5 + 10)]);
}

/// A prefork server deals a batch in turn, and lets the copies take arrivals as they are free.
#[test]
fn a_prefork_server_deals() {
    let two = Strategy::Prefork {
        processes: 2,
        each: Box::new(Strategy::Sequential),
        life: Lifecycle::default(),
    };
    let traced = |demand| TracedTask {
        at: Nanos::ZERO,
        class: 0,
        demands: vec![ms(demand)],
    };
    let mut case = each(true, two.clone(), &[vec![cpu(Nanos::ZERO)]]);
    case.workload = workload(
        Arrivals::Trace([10, 1, 10, 1].map(traced).to_vec()),
        case.workload.classes,
    );
    assert_eq!(latencies(&case), [10, 1, 20, 2].map(ms));
    case.workload = workload(
        Arrivals::Open {
            interval: Dist::Constant(ms(1)),
            count: Some(4),
        },
        vec![class(0, vec![cpu(ms(5))])],
    );
    assert_eq!(latencies(&case), [5, 5, 8, 8].map(ms));
    case.workload = workload(Arrivals::Batch, vec![class(4, vec![cpu(ms(10))])]);
    // The master forks one after the other.
    case.profile.params.fork_call = 3e6;
    assert_eq!(latencies(&case), [13, 16, 23, 26].map(ms));
}

/// A call lies in the pipe until a worker is free for it: that is waiting for a worker, not a hand-over.
#[test]
fn calls_in_the_pipe_wait_for_a_worker() {
    for strategy in [executor(2, Fork), pool(2, Some(1))] {
        let o = batch(true, strategy, vec![class(4, vec![cpu(ms(100))])]).run();
        assert_eq!(o.makespan, ms(200));
        assert_eq!(o.causes[Cause::Pool as usize], ms(2 * 100));
        assert_eq!(o.causes[Cause::Running as usize], ms(4 * 100));
        assert_eq!(o.causes[Cause::Ipc as usize], Nanos::ZERO);
    }
    // With workers for all, pickling and copying are a hand-over, and nobody waits.
    let mut case = batch(true, executor(4, Fork), vec![class(4, vec![cpu(ms(100))])]);
    case.profile.params.ppe_get = 1e6;
    let o = case.run();
    assert_eq!(o.causes[Cause::Ipc as usize], ms(4));
    assert_eq!(o.causes[Cause::Pool as usize], Nanos::ZERO);
}

/// `map` makes its chunks of the list that it is given: in a copy of the program that is the copy's own share.
#[test]
fn chunks_are_made_of_a_copys_own_share() {
    // Four copies of one worker, 16 tasks each: chunks of 4; the whole batch would make chunks of 16.
    let prefork = |each| Strategy::Prefork {
        processes: 4,
        each: Box::new(each),
        life: Lifecycle::default(),
    };
    let moved = |strategy| {
        batch(true, strategy, vec![class(64, vec![cpu(ms(1))])])
            .run()
            .bytes_moved
    };
    assert_eq!(
        moved(prefork(pool(1, None))),
        moved(prefork(pool(1, Some(4))))
    );
}
