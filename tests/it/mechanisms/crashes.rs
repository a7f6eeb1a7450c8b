//! Processes that crash by the scenario's word, and what goes with them: pools that break, tasks that are lost, programs that end (facts sheet 9, 10).

use pchsim::engine::{Nanos, StreamRole, Streams, unit};
use pchsim::scenario::StartMethod::{Fork, Spawn};
use pchsim::scenario::{
    Backoff, Dist, Fault, FaultKind, FaultTime, Lifecycle, Offload, PoolLife, ProcessApi, Step,
    Strategy, Workers,
};
use pchsim::strategy::{Finding, Outcome};

use super::faults::crash;
use super::servers::{named, prefork, served};
use super::{each, executor, threads};
use crate::common::{Case, cpu, io, ms};

fn pool(workers: u32, chunksize: u32) -> Strategy {
    Strategy::Processes {
        workers: Workers::Exactly(workers),
        start: Fork,
        api: ProcessApi::Pool {
            chunksize: Some(chunksize),
        },
        life: PoolLife::default(),
    }
}

fn offloads(workers: u32) -> Strategy {
    Strategy::Asyncio {
        limit: None,
        offload: Offload::Processes(Workers::Exactly(workers), Fork),
        pools: Vec::new(),
    }
}

fn with(mut case: Case, fault: Fault) -> Case {
    case.workload.faults = vec![fault];
    case
}

/// So many of these tasks at once.
fn at_once(strategy: Strategy, count: usize, steps: &[Step]) -> Case {
    let tasks: Vec<Vec<Step>> = (0..count).map(|_| steps.to_vec()).collect();
    each(true, strategy, &tasks)
}

/// Of tasks that are over: completed and failed; of the others: in flight and lost.
fn became(o: &Outcome) -> [u64; 4] {
    [o.completed, o.failed, o.in_flight, o.lost]
}

fn broken(o: &Outcome) -> Option<(Nanos, [u64; 3])> {
    o.findings.iter().find_map(|f| match f {
        Finding::BrokenPool {
            at,
            workers,
            pending,
            refused,
        } => Some((*at, [*workers, *pending, *refused])),
        _ => None,
    })
}

fn lost(o: &Outcome) -> Option<(Nanos, u64, u64, bool)> {
    o.findings.iter().find_map(|f| match f {
        Finding::LostTasks {
            at,
            workers,
            tasks,
            hangs,
        } => Some((*at, *workers, *tasks, *hangs)),
        _ => None,
    })
}

fn deadlocks(o: &Outcome) -> bool {
    let is = |f: &Finding| matches!(f, Finding::Deadlock { .. });
    o.findings.iter().any(is)
}

/// Six tasks of 10 ms in two workers, one of which dies at 15 ms: the first two are done, the executor is broken, and the other four fail at that
/// instant, those that the other worker or nobody has begun included.
#[test]
fn an_executor_breaks_with_all_that_is_pending() {
    for worker in 0..2 {
        let case = at_once(executor(2, Fork), 6, &[io(ms(10))]);
        let o = with(case, crash(15, worker)).run();
        assert_eq!(became(&o), [2, 4, 0, 0], "{:?}", o.findings);
        assert_eq!(broken(&o), Some((ms(15), [1, 4, 0])));
        assert_eq!((o.makespan, deadlocks(&o)), (ms(15), false));
    }
}

/// A worker that dies idle breaks the executor as well; what is submitted after that fails at once. Requests of 4 ms come every 10 ms.
#[test]
fn a_broken_executor_refuses_whatever_comes() {
    let served = |at| {
        with(
            served(executor(2, Fork), 10, 6, vec![io(ms(4))]),
            crash(at, 0),
        )
        .run()
    };
    let o = served(36);
    assert_eq!(
        (became(&o), broken(&o)),
        ([3, 3, 0, 0], Some((ms(36), [1, 0, 3])))
    );
    let o = served(32);
    assert_eq!(
        (became(&o), broken(&o)),
        ([2, 4, 0, 0], Some((ms(32), [1, 1, 3])))
    );
}

/// A coroutine sees the exception of its call; each further attempt is refused by the same executor. What it does besides goes on.
#[test]
fn coroutines_see_that_their_executor_is_broken() {
    let steps = [Step::Retry {
        attempts: 3,
        backoff: Backoff::from(ms(7)),
        steps: vec![cpu(ms(10))],
    }];
    let o = with(at_once(offloads(1), 1, &steps), crash(5, 0)).run();
    assert_eq!(became(&o), [0, 1, 0, 0], "{:?}", o.findings);
    assert_eq!(broken(&o), Some((ms(5), [1, 1, 2])));
    // And two pauses, the second twice the first.
    assert_eq!(o.makespan, ms(5 + 7 + 14));
    let o = with(at_once(offloads(2), 2, &[io(ms(20))]), crash(5, 0)).run();
    assert_eq!(
        became(&o),
        [2, 0, 0, 0],
        "it has no workers yet: {:?}",
        o.findings
    );
}

/// Requests of 4 ms every 10 ms, taken by two workers in turns. At 32 ms the first has the third request, and nobody hears of it again; another
/// worker takes its place, and all others are served.
#[test]
fn a_pool_replaces_its_worker_and_forgets_what_it_had() {
    let case = served(pool(2, 1), 10, 6, vec![io(ms(4))]);
    let o = with(case, crash(32, 0)).run();
    assert_eq!(became(&o), [5, 0, 0, 1], "{:?}", o.findings);
    assert_eq!(lost(&o), Some((ms(32), 1, 1, false)));
    assert!(!deadlocks(&o));
    assert_eq!(o.processes, 3);
}

/// The other one is idle then, and has the lock of the pipe from which it would read the next request: it stays taken.
#[test]
fn a_pool_hangs_whose_lock_died_with_a_worker() {
    let case = served(pool(2, 1), 10, 6, vec![io(ms(4))]);
    let o = with(case, crash(32, 1)).run();
    assert_eq!(became(&o), [3, 0, 3, 0], "{:?}", o.findings);
    assert_eq!(lost(&o), Some((ms(32), 1, 0, true)));
    assert!(deadlocks(&o));
}

/// `map`: with a worker goes its whole chunk, of which one task was done at 15 ms but not sent; `map` never returns, and the run says so.
#[test]
fn a_chunk_is_lost_as_a_whole() {
    let case = at_once(pool(2, 3), 6, &[io(ms(10))]);
    let o = with(case, crash(15, 0)).run();
    assert_eq!(became(&o), [3, 0, 0, 3], "{:?}", o.findings);
    assert_eq!(lost(&o), Some((ms(15), 1, 3, false)));
    assert!(deadlocks(&o));
}

/// A lock between processes that a worker had stays taken: its replacement, and all others, wait for ever.
#[test]
fn a_lock_between_processes_dies_with_a_worker() {
    let steps = [Step::Lock(1, vec![io(ms(10))])];
    let o = with(at_once(pool(2, 1), 3, &steps), crash(5, 0)).run();
    assert_eq!(became(&o), [0, 0, 2, 1], "{:?}", o.findings);
    assert!(deadlocks(&o));
}

/// Without workers the program itself dies, and nobody starts it again.
#[test]
fn a_program_of_one_process_ends() {
    let alone = Strategy::Asyncio {
        limit: None,
        offload: Offload::None,
        pools: Vec::new(),
    };
    for strategy in [threads(2), alone, Strategy::Sequential] {
        let o = with(at_once(strategy, 3, &[io(ms(10))]), crash(5, 0)).run();
        assert_eq!(became(&o), [0, 0, 3, 0]);
        let ended = Finding::ProgramCrashed { at: ms(5) };
        assert_eq!((&o.findings, o.end), (&vec![ended], ms(5)));
    }
}

/// A crash that finds no process of this number is told.
#[test]
fn a_crash_may_find_nobody() {
    let strategies = [
        threads(2),
        executor(2, Fork),
        pool(2, 1),
        prefork(2, Strategy::Sequential, recycles()),
    ];
    for strategy in strategies {
        let case = served(strategy, 10, 6, vec![io(ms(4))]);
        let o = with(case, crash(32, 7)).run();
        assert_eq!(became(&o), [6, 0, 0, 0]);
        let missed = Finding::MissedFault {
            at: ms(32),
            times: 1,
        };
        assert_eq!(o.findings, [missed]);
    }
}

fn terminate(at: u64, grace: Option<u64>) -> Fault {
    Fault {
        kind: FaultKind::Terminate {
            worker: Some(0),
            grace: grace.map(ms),
        },
        when: FaultTime::At(ms(at)),
    }
}

fn recycles() -> Lifecycle {
    Lifecycle {
        max_requests: Some(1_000),
        ..Lifecycle::default()
    }
}

/// Requests of 4 ms every 10 ms in one process, which is asked to end at 32 ms: it finishes the third, and another serves the rest. If it has 1 ms only, the
/// third fails at 33 ms. Nothing happens at the end of a time that it has not needed.
#[test]
fn a_worker_that_is_asked_to_end_finishes_what_it_has() {
    let serves = |grace| {
        let case = served(
            prefork(1, Strategy::Sequential, recycles()),
            10,
            6,
            vec![io(ms(4))],
        );
        with(case, terminate(32, grace)).run()
    };
    for grace in [None, Some(3), Some(9)] {
        let o = serves(grace);
        assert_eq!((became(&o), o.processes), ([6, 0, 0, 0], 2), "{grace:?}");
        assert_eq!(o.findings, []);
    }
    let o = serves(Some(1));
    assert_eq!((became(&o), o.processes), ([5, 1, 0, 0], 2));
    let killed = Finding::CrashedWorkers {
        at: ms(33),
        workers: 1,
        tasks: 1,
        // That of 40 ms is answered by the worker in its place.
        back: ms(11),
    };
    assert_eq!(o.findings, [killed]);
}

/// One that is idle ends at once; an event loop as well.
#[test]
fn an_idle_worker_that_is_asked_to_end_ends() {
    let looped = Strategy::Asyncio {
        limit: None,
        offload: Offload::None,
        pools: Vec::new(),
    };
    for each in [Strategy::Sequential, threads(2), looped] {
        let case = served(prefork(1, each.clone(), recycles()), 10, 6, vec![io(ms(4))]);
        let o = with(case, terminate(36, Some(1))).run();
        assert_eq!((became(&o), o.processes), ([6, 0, 0, 0], 2), "{each:?}");
        assert_eq!(o.findings, [], "{each:?}");
    }
}

/// Workers of pools, and programs, have no handler of the signal.
#[test]
fn who_does_not_handle_the_signal_dies_of_it() {
    let o = with(
        at_once(executor(2, Fork), 6, &[io(ms(10))]),
        terminate(15, Some(5)),
    )
    .run();
    assert_eq!(broken(&o), Some((ms(15), [1, 4, 0])));
    let o = with(at_once(threads(2), 3, &[io(ms(10))]), terminate(5, None)).run();
    assert_eq!(o.findings, [Finding::ProgramCrashed { at: ms(5) }]);
}

/// Each request leaks 1000 bytes, of which the machine has 2500: the third, and then the third of the worker in its place, take too much, and fail with
/// their worker. Without the kernel's help the run ends there.
#[test]
fn the_largest_process_is_killed_for_memory() {
    let run = |kills| {
        let steps = vec![Step::Leak(1_000), io(ms(4))];
        let mut case = served(prefork(1, Strategy::Sequential, recycles()), 10, 6, steps);
        case.machine.memory_limit = Some(2_500);
        case.machine.memory_kill = kills;
        case.run()
    };
    let o = run(true);
    assert_eq!(
        (became(&o), o.processes),
        ([4, 2, 0, 0], 2),
        "{:?}",
        o.findings
    );
    let killed = Finding::MemoryKills {
        at: ms(30),
        processes: 2,
    };
    assert!(o.findings.contains(&killed), "{:?}", o.findings);
    let o = run(false);
    let over = Finding::OutOfMemory {
        at: ms(30),
        bytes: 3_000,
    };
    assert_eq!((became(&o), o.findings), ([2, 0, 1, 0], vec![over]));
}

/// uvicorn's supervisor learns of a crash when it next looks, every half second from an instant that is drawn; gunicorn's arbiter at once. Requests of 4 ms
/// every 10 ms, two workers, one of which crashes at 1232 ms. (In this test's profile starting a worker costs nothing.)
#[test]
fn a_supervisor_learns_of_an_end_when_it_looks() {
    let back = |form: &str| {
        let case = served(named(form), 10, 300, vec![io(ms(4))]);
        let o = with(case, crash(1_232, 0)).run();
        let back = o.findings.iter().find_map(|f| match f {
            Finding::CrashedWorkers { back, .. } => Some(*back),
            _ => None,
        });
        (back.unwrap(), o.failed)
    };
    let mut rng = Streams::new(1, 0, StreamRole::Supervisors).task(0, 0);
    let first = ms(500).scale(unit(&mut rng));
    let looks = (1..).map(|k| first + ms(500) * k);
    let look = looks.take(9).find(|at| *at >= ms(1_232)).unwrap();
    // The first request that comes after the look may still be the other worker's.
    let (took, failed) = back("uvicorn:2");
    assert!(failed <= 1, "{failed}");
    let at = ms(1_232) + took;
    assert!(at > look && at < look + ms(60), "{at:?} {look:?}");
    let (took, _) = back("gunicorn:2:sync:preload");
    assert!(took < ms(60), "{took:?}");
}

/// hypercorn ends when a worker fails (its `run` ends all of it), and so nobody answers any more.
#[test]
fn hypercorn_ends_with_a_worker() {
    let case = served(named("hypercorn:2"), 10, 6, vec![io(ms(4))]);
    let o = with(case, crash(32, 0)).run();
    assert_eq!(o.findings, [Finding::ProgramCrashed { at: ms(32) }]);
}

fn interrupt(at: u64, worker: u32) -> Fault {
    Fault {
        kind: FaultKind::Interrupt {
            worker: Some(worker),
        },
        when: FaultTime::At(ms(at)),
    }
}

/// Six tasks of 10 ms in two workers, one of which is interrupted at 15 ms: its call, the third, fails, and it takes the fifth at that instant. A chunk fails
/// as a whole; a `Retry` does not catch `KeyboardInterrupt`.
#[test]
fn an_executor_sends_an_interrupt_back_as_the_exception_of_the_call() {
    let o = with(
        at_once(executor(2, Fork), 6, &[io(ms(10))]),
        interrupt(15, 0),
    )
    .run();
    assert_eq!(
        (became(&o), o.findings.len()),
        ([5, 1, 0, 0], 0),
        "{:?}",
        o.findings
    );
    assert_eq!(o.latencies, [10, 10, 20, 25, 30].map(ms));
    let again = Step::Retry {
        attempts: 3,
        backoff: Backoff::from(ms(1)),
        steps: vec![io(ms(10))],
    };
    let o = with(at_once(executor(1, Fork), 2, &[again]), interrupt(5, 0)).run();
    assert_eq!((became(&o), o.latencies), ([1, 1, 0, 0], vec![ms(15)]));
}

/// Native code of 20 ms is interrupted when it returns; Python code, and waits, at once. The second task begins then.
#[test]
fn native_code_is_not_interrupted() {
    for (first, fails) in [
        (Step::Native(Dist::Constant(ms(20))), 20),
        (cpu(ms(20)), 5),
        (io(ms(20)), 5),
    ] {
        let steps = [first, io(ms(10))];
        let o = with(at_once(executor(1, Fork), 2, &steps), interrupt(5, 0)).run();
        assert_eq!(
            (became(&o), o.latencies),
            ([1, 1, 0, 0], vec![ms(fails + 30)])
        );
    }
}

/// Between two calls nobody catches it: an executor breaks, and a `Pool` replaces its worker; that leaves the lock of the pipe that it reads, which a
/// killed one does not.
#[test]
fn an_idle_worker_ends_of_an_interrupt() {
    let o = with(
        served(executor(2, Fork), 10, 6, vec![io(ms(4))]),
        interrupt(36, 0),
    )
    .run();
    assert_eq!(
        (became(&o), broken(&o)),
        ([3, 3, 0, 0], Some((ms(36), [1, 0, 3])))
    );
    let idle = |fault| with(served(pool(1, 1), 10, 6, vec![io(ms(4))]), fault).run();
    let o = idle(interrupt(36, 0));
    assert_eq!(
        (became(&o), lost(&o)),
        ([6, 0, 0, 0], Some((ms(36), 1, 0, false)))
    );
    assert_eq!(lost(&idle(crash(36, 0))).map(|l| l.3), Some(true));
}

/// A worker of a `Pool` does not catch it in a call either: its task is lost.
#[test]
fn a_pool_loses_what_is_interrupted() {
    let o = with(at_once(pool(2, 1), 6, &[io(ms(10))]), interrupt(15, 0)).run();
    assert_eq!(lost(&o), Some((ms(15), 1, 1, false)));
    assert_eq!((o.completed, o.lost), (5, 1));
}

/// A call that a coroutine awaits ends the program; forked inside `asyncio.run` from 3.11 on, the first interrupt of a worker does nothing.
#[test]
fn an_interrupt_of_a_call_ends_the_loop_that_awaits_it() {
    let ends = |minor, start| {
        let strategy = Strategy::Asyncio {
            limit: None,
            offload: Offload::Processes(Workers::Exactly(1), start),
            pools: Vec::new(),
        };
        // What is executed for a loop is work, not a wait.
        let mut case = at_once(strategy, 1, &[cpu(ms(20))]);
        case.profile.minor = minor;
        case.workload.faults = vec![interrupt(5, 0), interrupt(7, 0)];
        let o = case.run();
        o.findings.iter().find_map(|f| match f {
            Finding::ProgramCrashed { at } => Some(*at),
            _ => None,
        })
    };
    assert_eq!(ends(13, Fork), Some(ms(7)));
    assert_eq!(ends(10, Fork), Some(ms(5)));
    assert_eq!(ends(13, Spawn), Some(ms(5)));
    let o = with(at_once(threads(2), 3, &[io(ms(10))]), interrupt(5, 0)).run();
    assert_eq!(o.findings, [Finding::ProgramCrashed { at: ms(5) }]);
}

/// Requests of 4 ms every 10 ms in one process. gunicorn's worker that handles one at a time leaves the third at 32 ms, sleeps 100 ms and ends, and another
/// serves the fourth from 132 ms on; one with threads finishes it; hypercorn's ignore the signal.
#[test]
fn servers_handle_an_interrupt_as_they_are_built() {
    let serves = |strategy| {
        let case = served(strategy, 10, 6, vec![io(ms(4))]);
        with(case, interrupt(32, 0)).run()
    };
    let o = serves(prefork(1, Strategy::Sequential, recycles()));
    assert_eq!((became(&o), o.processes), ([5, 1, 0, 0], 2));
    let left = Finding::CrashedWorkers {
        at: ms(32),
        workers: 1,
        tasks: 1,
        back: ms(104),
    };
    assert_eq!(o.findings, [left]);
    let o = serves(prefork(1, threads(2), recycles()));
    assert_eq!((became(&o), o.processes), ([6, 0, 0, 0], 2));
    let o = serves(named("hypercorn:2"));
    assert_eq!((became(&o), o.findings), ([6, 0, 0, 0], vec![]));
}
