//! Servers' listen queues, and workers that are killed because they are silent.

use pchsim::engine::{Nanos, Total};
use pchsim::scenario::{
    Lifecycle, ResourceKind, ResourceSpec, Scope, Server, ServerKind, Step, Strategy, WhenFull,
    WorkerClass,
};
use pchsim::strategy::{Cause, Finding, Outcome};

use super::servers::{prefork, served};
use crate::common::{Case, cpu, io, ms};

fn secs(n: u64) -> Nanos {
    Nanos::from_secs(n)
}

fn block(time: Nanos) -> Step {
    Step::Block(time.into())
}

fn native(time: Nanos) -> Step {
    Step::Native(time.into())
}

/// What the run says of a full queue: connections, of how many, given up, what it holds, and most that waited.
fn full(o: &Outcome) -> Option<(u64, u64, u64, u64, u64)> {
    o.findings.iter().find_map(|f| match f {
        Finding::FullBacklog {
            connections,
            of,
            given_up,
            holds,
            most,
            ..
        } => Some((*connections, *of, *given_up, *holds, *most)),
        _ => None,
    })
}

/// How many got in later than they came, and by how much in all.
fn got_in(o: &Outcome) -> (u64, Total) {
    let late = o.findings.iter().find_map(|f| match f {
        Finding::FullBacklog { got_in, waited, .. } => Some((*got_in, *waited)),
        _ => None,
    });
    late.unwrap_or_default()
}

/// What the run says of killed workers: when the first was, how many, and with how many tasks.
fn killed(o: &Outcome) -> Option<(Nanos, u64, u64)> {
    o.findings.iter().find_map(|f| match f {
        Finding::KilledWorkers {
            at, workers, tasks, ..
        } => Some((*at, *workers, *tasks)),
        _ => None,
    })
}

fn queue_of(backlog: u32) -> Lifecycle {
    Lifecycle {
        backlog: Some(backlog),
        ..Lifecycle::default()
    }
}

/// A queue holds one connection more than its backlog; who finds it full asks again a second later.
#[test]
fn who_finds_the_queue_full_comes_a_second_later() {
    let strategy = prefork(1, Strategy::Sequential, queue_of(1));
    let o = served(strategy, 10, 6, vec![cpu(ms(250))]).run();
    // They come at 10 to 60 ms. The first is served at once, two wait; the others ask again at 1040, 1050 and 1060.
    let expected = [250, 500 - 10, 750 - 20, 1250, 1500 - 10, 1750 - 20];
    assert_eq!(o.latencies, expected.map(ms));
    assert_eq!(full(&o), Some((3, 6, 0, 2, 5)));
    assert_eq!(got_in(&o), (3, secs(3).into()));
    // All of it is waiting for a worker to take the connection in.
    let waited = expected.iter().map(|l| l - 250).sum();
    assert_eq!(o.causes[Cause::Pool as usize], Total::from(ms(waited)));
}

/// After 1 s, five times, then after 2, 4, 8, 16 and 32 s: as long as the queue is full, and 64 s after the last time no more.
#[test]
fn who_finds_it_full_too_often_gives_up() {
    let late = |busy: u64| {
        let strategy = prefork(1, Strategy::Sequential, queue_of(1));
        served(strategy, 1_000, 4, vec![io(ms(busy))]).run()
    };
    // The fourth comes at 4 s, when the first is served since 1 s and two others wait. There is room once that one is over.
    for (busy, asks) in [
        (2_000, 0),
        (3_500, 1),
        (6_500, 4),
        (9_000, 7),
        (12_500, 11),
        (20_000, 19),
        (30_000, 35),
        (60_000, 67),
    ] {
        let o = late(busy);
        let comes = 4_000 + asks * 1_000;
        assert!(asks == 0 || comes > 1_000 + busy, "{busy}");
        let ends = (1_000 + 3 * busy).max(comes) + busy;
        assert_eq!(o.latencies.last(), Some(&ms(ends - 4_000)), "{busy}");
        assert_eq!(full(&o).is_some(), asks > 0, "{busy}");
    }
    assert_eq!(got_in(&late(20_000)), (1, ms(19_000).into()));
    let o = late(200_000);
    assert_eq!((o.completed, o.timed_out), (3, 1));
    assert_eq!(full(&o), Some((1, 4, 1, 2, 3)));
    // Who never gets in is not late: the 131 s are nobody's.
    assert_eq!(got_in(&o), (0, Total::default()));
}

/// A worker with an event loop takes in all that there is, so that its queue fills only while it is blocked.
#[test]
fn a_loop_that_runs_empties_the_queue() {
    let run = |step: Step| {
        let server = Server {
            backlog: Some(1),
            ..Server::new(ServerKind::Uvicorn(pchsim::scenario::Endpoints::Async), 1)
        };
        served(Strategy::served(server), 10, 20, vec![step]).run()
    };
    assert_eq!(full(&run(io(ms(500)))), None);
    assert!(full(&run(cpu(ms(500)))).is_some());
}

/// Linux cuts a backlog to `net.core.somaxconn`.
#[test]
fn no_queue_is_longer_than_linux_lets_it_be() {
    let strategy = prefork(1, Strategy::Sequential, queue_of(1_000_000));
    let mut case = served(strategy, 1, 4_100, vec![io(secs(9))]);
    case.horizon = Some(secs(5));
    assert_eq!(full(&case.run()), Some((2, 4_100, 0, 4_097, 4_099)));
}

fn gunicorn(class: WorkerClass) -> Server {
    Server {
        preload: true,
        timeout: Some(secs(2)),
        ..Server::new(ServerKind::Gunicorn(class), 1)
    }
}

/// A server whose own handling takes no time.
fn quick(server: Server, every: u64, count: u64, steps: Vec<Step>) -> Case {
    let mut case = served(Strategy::served(server), every, count, steps);
    for handling in pchsim::scenario::RequestHandling::ALL {
        let i = pchsim::cpython::profile::Profile::index(handling.parameter()).unwrap();
        *case.profile.params.get_mut(i) = 0.0;
    }
    case
}

/// A thousand connections of a gthread worker are its own, whatever its threads do; then it accepts no more.
#[test]
fn a_worker_with_threads_has_so_many_connections() {
    let server = Server {
        backlog: Some(3),
        timeout: Some(Nanos::ZERO),
        ..gunicorn(WorkerClass::Gthread(1))
    };
    let mut case = quick(server, 1, 1_010, vec![io(secs(10))]);
    case.horizon = Some(secs(2));
    assert_eq!(full(&case.run()), Some((6, 1_010, 0, 4, 10)));
    // One that ends makes room for one.
    case.horizon = Some(ms(10_500));
    assert_eq!(case.run().completed, 1);
    case.horizon = None;
    assert_eq!(case.run().completed, 1_010);
}

/// The arbiter looks once a second, and ends who has been silent for longer than the time-out. The next worker takes the next request.
#[test]
fn a_silent_worker_is_killed_and_replaced() {
    // Requests at 0.1 and 0.2 s; the look at 2 s finds 1.9 s of silence, that at 3 s 2.9. From then on looks are at 4, 5 and 6 s, and the one
    // at 5 s finds two seconds, which are not more than two.
    let o = quick(gunicorn(WorkerClass::Sync), 100, 2, vec![block(secs(10))]).run();
    assert_eq!((o.failed, o.completed, o.processes), (2, 0, 2));
    assert_eq!(killed(&o), Some((secs(3), 2, 2)));
    assert_eq!(o.makespan, secs(6));
    // All of the first's time was spent as it says: waiting for what blocks it, and the second waited for a worker as well.
    assert_eq!(o.causes[Cause::Pool as usize], Total::from(ms(2_800)));
    assert_eq!(o.causes[Cause::Io as usize], Total::from(ms(2_900 + 3_000)));
    // With a time-out that nobody reaches nothing happens, as with none.
    let patient = |timeout| {
        let server = Server {
            timeout: Some(timeout),
            ..gunicorn(WorkerClass::Sync)
        };
        quick(server, 100, 2, vec![block(secs(10))]).run()
    };
    assert_eq!(patient(secs(30)).latencies, [ms(10_000), ms(19_900)]);
    assert_eq!(patient(Nanos::ZERO).latencies, [ms(10_000), ms(19_900)]);
}

/// Python's handler of SIGABRT waits for native code to return; a second later there is SIGKILL.
#[test]
fn native_code_is_killed_a_second_later() {
    let first = |step| killed(&quick(gunicorn(WorkerClass::Sync), 100, 1, vec![step]).run());
    assert_eq!(first(cpu(secs(10))), Some((secs(3), 1, 1)));
    assert_eq!(first(native(secs(10))), Some((secs(4), 1, 1)));
    // What returns in between finds the signal.
    assert_eq!(first(native(ms(3_400))), Some((ms(3_500), 1, 1)));
    assert_eq!(first(native(ms(2_800))), None);
}

/// Workers with threads show themselves alive from the thread that accepts, whatever their requests do.
#[test]
fn requests_in_threads_silence_nobody() {
    let server = gunicorn(WorkerClass::Gthread(1));
    let o = quick(server, 100, 2, vec![block(secs(10))]).run();
    assert_eq!((o.completed, killed(&o)), (2, None));
    // A worker that takes in no more does so for `graceful_timeout`, here from 0.1 s to 1.1: SIGABRT at the look at 4 s, and SIGKILL at the next.
    let server = Server {
        max_requests: Some(1),
        graceful_timeout: Some(secs(1)),
        ..server
    };
    let o = quick(server, 100, 1, vec![block(secs(20))]).run();
    assert_eq!(killed(&o), Some((secs(5), 1, 1)));
    let server = Server {
        graceful_timeout: None,
        ..server
    };
    let o = quick(server, 100, 1, vec![block(secs(20))]).run();
    assert_eq!((o.completed, killed(&o)), (1, None));
}

/// A loop shows itself at the first tick of a second after half of the time-out, here every two seconds; who blocks it for longer than
/// is left until the time-out ends it, and all that it has with it.
#[test]
fn a_blocked_loop_is_silent_since_it_last_showed_itself() {
    use pchsim::scenario::Endpoints::Async;
    let server = Server {
        timeout: Some(secs(3)),
        ..gunicorn(WorkerClass::Uvicorn(Async))
    };
    // The request at 5.1 s finds that it did so at 4 s: the look at 7 s finds three seconds, that at 8 s four.
    let o = quick(server, 5_100, 1, vec![block(secs(10))]).run();
    assert_eq!(killed(&o), Some((secs(8), 1, 1)));
    // 2.8 s after 5.1 it runs again, and shows itself.
    let o = quick(server, 5_100, 1, vec![block(ms(2_800)), io(secs(10))]).run();
    assert_eq!((o.completed, killed(&o)), (1, None));
    // Those that merely wait there fail with the one that blocks it.
    let o = quick(server, 1_000, 3, vec![io(ms(2_500)), block(secs(9))]).run();
    assert_eq!(killed(&o).map(|(_, _, tasks)| tasks), Some(3));
    // Once it takes in no more it shows itself no more: 30 s for a request that merely waits are too long.
    let server = Server {
        max_requests: Some(1),
        ..server
    };
    let o = quick(server, 100, 1, vec![io(secs(9))]).run();
    assert_eq!(killed(&o), Some((secs(4), 1, 1)));
}

/// The arbiter's look may fall between the instant at which `select` wakes a loop and that at which it runs: a worker that merely waits is
/// alive then too. Requests come once a second and wait for ten, in step with the looks.
#[test]
fn a_loop_that_only_waits_is_never_silent() {
    let scenario = r#"(
        schema: 1,
        name: "waits",
        strategies: ["gunicorn:2:uvicorn:timeout=2s"],
        machine: (cores: 4),
        workload: (
            arrivals: Renewal(interval: "1s", count: 60),
            tasks: [(name: "page", steps: [Io("10s")])],
        ),
    )"#;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("waits.ron"), scenario).unwrap();
    let ran = crate::world::pchsim_in(&dir)
        .args(["run", "waits.ron", "--replications", "20"])
        .assert()
        .success();
    let said = String::from_utf8_lossy(&ran.get_output().stdout).into_owned();
    assert!(said.contains("Best: gunicorn:2:uvicorn"), "{said}");
    assert!(!said.contains("worker-timeout"), "{said}");
}

/// What is outside has its connections back, and the others get them.
#[test]
fn what_a_killed_worker_used_is_free_again() {
    let server = Server {
        workers: 2,
        ..gunicorn(WorkerClass::Sync)
    };
    // At 0.9 s the first takes the connection for 10 s, at 1.8 s the second waits for it. The look at 3 s ends the first; the second has it until the
    // look at 4 s.
    let mut case = quick(server, 900, 2, vec![Step::Use(0, vec![block(secs(10))])]);
    case.workload.resources = vec![ResourceSpec {
        name: "db".into(),
        kind: ResourceKind::Semaphore { count: 1 },
        scope: Scope::Everywhere,
        full: WhenFull::Wait,
    }];
    let o = case.run();
    assert_eq!(killed(&o), Some((secs(3), 2, 2)));
    assert_eq!(o.causes[Cause::Resource as usize], Total::from(ms(1_200)));
    assert_eq!(o.makespan, secs(4));
    // A lock between processes: Python leaves its block on the way out, where the handler of the signal gets to run.
    let locked = |step: Step| {
        let mut case = quick(server, 900, 2, vec![Step::Lock(1, vec![step])]);
        case.horizon = Some(secs(9));
        let o = case.run();
        (o.causes[Cause::Lock as usize], o.makespan)
    };
    assert_eq!(locked(block(secs(10))), (Total::from(ms(1_200)), secs(4)));
    // After SIGKILL it stays taken: the second, who waits since 1.8 s, is silent as well.
    assert_eq!(locked(native(secs(10))), (Total::from(ms(2_200)), secs(4)));
}

/// Its memory goes with it.
#[test]
fn killed_workers_leave_no_memory() {
    let steps = vec![Step::Hold(1_000.into(), vec![block(secs(10))])];
    let mut case = quick(gunicorn(WorkerClass::Sync), 100, 5, steps);
    case.profile.params.fork_private = 500.0;
    let o = case.run();
    assert_eq!((o.failed, o.memory_peak), (5, 1_500));
}
