//! Workers of a prefork server: how they begin, when they end, and what that takes.

use pchsim::cpython::profile::Profile;
use pchsim::engine::{Nanos, Total};
use pchsim::scenario::StartMethod::{Fork, Spawn};
use pchsim::scenario::{
    Arrivals, Dist, Lifecycle, PoolLife, ProcessApi, RequestHandling, StartMethod, Step, Strategy,
    TracedTask, Workers,
};
use pchsim::strategy::Finding;

use super::{batch, latencies, threads, weightless};
use crate::common::{Case, class, cpu, io, ms, workload};

pub(super) fn prefork(processes: u32, each: Strategy, life: Lifecycle) -> Strategy {
    Strategy::Prefork {
        processes,
        each: Box::new(each),
        life,
    }
}

fn no_preload() -> Lifecycle {
    Lifecycle {
        preload: false,
        ..Lifecycle::default()
    }
}

fn recycled(life: Lifecycle, max_requests: u32) -> Lifecycle {
    Lifecycle {
        max_requests: Some(max_requests),
        ..life
    }
}

fn asyncio() -> Strategy {
    Strategy::Asyncio {
        limit: None,
        offload: pchsim::scenario::Offload::None,
        pools: Vec::new(),
    }
}

/// `count` requests, one every so many milliseconds, of these steps.
pub(super) fn served(strategy: Strategy, every: u64, count: u64, steps: Vec<Step>) -> Case {
    let mut case = batch(true, strategy, vec![class(1, steps)]);
    let classes = case.workload.classes;
    let arrivals = Arrivals::Open {
        interval: Dist::Constant(ms(every)),
        count: Some(count),
    };
    case.workload = workload(arrivals, classes);
    case.profile = weightless(case.profile);
    handles_requests(&mut case);
    case
}

/// Costs of a request's own handling, in the order of [`RequestHandling::ALL`]: all different.
const REQUESTS: [Nanos; 5] = [
    Nanos::from_micros(340),
    Nanos::from_micros(260),
    Nanos::from_micros(380),
    Nanos::from_micros(97),
    Nanos::from_micros(232),
];

fn handles_requests(case: &mut Case) {
    for (handling, time) in RequestHandling::ALL.into_iter().zip(REQUESTS) {
        let i = Profile::index(handling.parameter()).unwrap();
        *case.profile.params.get_mut(i) = time.0 as f64;
    }
}

#[test]
fn workers_begin_as_they_are_started() {
    let case = |life| {
        let mut case = batch(
            true,
            prefork(2, Strategy::Sequential, life),
            vec![class(2, vec![cpu(ms(1))])],
        );
        let p = &mut case.profile.params;
        (p.fork_call, p.fork_boot) = (2e6, 5e6);
        (p.spawn_call, p.spawn_boot) = (3e6, 30e6);
        case.workload.imports.time = ms(100);
        case
    };
    // Forked one after the other, with the imports or without: those run at the same time, on a core each.
    assert_eq!(
        latencies(&case(Lifecycle::default())),
        [2 + 5 + 1, 4 + 5 + 1].map(ms)
    );
    assert_eq!(
        latencies(&case(no_preload())),
        [2 + 5 + 100 + 1, 4 + 5 + 100 + 1].map(ms)
    );
    // The resource tracker is spawned first.
    let spawned = latencies(&case(Lifecycle::started(Spawn)));
    assert_eq!(
        spawned,
        [3 + 3 + 30 + 100 + 1, 3 + 6 + 30 + 100 + 1].map(ms)
    );
    // One worker is a process of its own as well, unless the plain form asks for nothing else.
    let one = |life| {
        let mut one = case(life);
        one.strategy = prefork(1, Strategy::Sequential, life);
        latencies(&one)
    };
    assert_eq!(one(Lifecycle::default()), [1, 2].map(ms));
    assert_eq!(one(no_preload()), [108, 109].map(ms));
}

#[test]
fn workers_have_what_they_do_not_inherit() {
    let peak = |life: Lifecycle, touches: f64, steps: Vec<Step>| {
        let mut case = batch(
            true,
            prefork(3, Strategy::Sequential, life),
            vec![class(3, steps)],
        );
        case.profile = weightless(case.profile);
        let p = &mut case.profile.params;
        (
            p.base_rss,
            p.fork_private,
            p.spawn_private,
            p.tracker_private,
        ) = (1e6, 10.0, 2e5, 5e3);
        (p.cow_collect, p.cow_walk, p.gc_threshold) = (0.4, 0.7, 10.0);
        case.workload.imports.memory = 50_000;
        case.workload.imports.objects = Some(50);
        case.profile.params.object_rss = 1_000.0;
        case.workload.classes[0].touches = touches;
        case.run().memory_peak - 1_000_000
    };
    let waits = || vec![io(ms(10))];
    assert_eq!(peak(Lifecycle::default(), 0.0, waits()), 50_000 + 3 * 10);
    assert_eq!(peak(no_preload(), 0.0, waits()), 3 * (10 + 50_000));
    assert_eq!(
        peak(Lifecycle::started(Spawn), 0.0, waits()),
        5_000 + 3 * (200_000 + 50_000)
    );
    // What is inherited is copied when it is looked at; what a worker has imported itself is its own already.
    let walks = || vec![cpu(ms(1)), io(ms(10))];
    assert_eq!(
        peak(Lifecycle::default(), 1.0, walks()),
        50_000 + 3 * (10 + 35_000)
    );
    assert_eq!(peak(no_preload(), 1.0, walks()), 3 * (10 + 50_000));
    // A full collection copies headers, unless what was inherited is frozen.
    let collects = || vec![Step::Allocate(1_000), io(ms(10))];
    let own = 0;
    assert_eq!(
        peak(Lifecycle::default(), 0.0, collects()),
        50_000 + 3 * (10 + 20_000 + own)
    );
    let frozen = Lifecycle {
        freeze: true,
        ..Lifecycle::default()
    };
    assert_eq!(peak(frozen, 0.0, collects()), 50_000 + 3 * (10 + own));
}

/// A worker that has had its requests ends, and another boots in its place while the others serve.
#[test]
fn workers_are_replaced() {
    for each in [Strategy::Sequential, threads(1), asyncio()] {
        let life = recycled(no_preload(), 2);
        let mut case = served(prefork(1, each.clone(), life), 100, 5, vec![cpu(ms(10))]);
        case.profile.params.fork_call = 1e6;
        case.profile.params.fork_boot = 4e6;
        case.workload.imports.time = ms(115);
        // Arrivals at 100, 200, ...: the first worker is ready at 120, and has its second request at 200. It ends at 210; the
        // next is ready at 330. It has the requests of 300 and 400; the third is ready at 530.
        let o = case.run();
        assert_eq!(o.latencies, [30, 10, 40, 10, 40].map(ms), "{each:?}");
        assert_eq!(o.processes, 3, "{each:?}");
        // Nobody replaces the last.
        assert_eq!(o.end, ms(540), "{each:?}");
    }
}

/// The main program's data is loaded with the application: once, or by each worker by itself.
#[test]
fn workers_load_the_data_with_the_application() {
    let peak = |life: Lifecycle| {
        let mut case = batch(
            true,
            prefork(3, Strategy::Sequential, life),
            vec![class(3, vec![io(ms(500))])],
        );
        case.profile = weightless(case.profile);
        case.workload.imports.memory = 1_000;
        case.workload.data = 50_000;
        case.run().memory_peak
    };
    assert_eq!(peak(Lifecycle::default()), 51_000);
    assert_eq!(peak(no_preload()), 3 * 51_000);
    assert_eq!(peak(Lifecycle::started(Spawn)), 3 * 51_000);
}

/// While one of two workers is replaced, the other serves all; what it has taken in is finished first.
#[test]
fn a_worker_finishes_what_it_has() {
    let life = recycled(Lifecycle::default(), 2);
    let mut case = served(prefork(1, asyncio(), life), 10, 3, vec![io(ms(100))]);
    case.profile.params.fork_call = 3e6;
    // Two are taken in at 10 and 20 and over at 110 and 120; then the next worker is forked, which finds the third.
    assert_eq!(latencies(&case), [100, 100, 120 + 3 + 100 - 30].map(ms));
    let mut case = served(
        prefork(2, Strategy::Sequential, recycled(Lifecycle::default(), 1)),
        10,
        4,
        vec![cpu(ms(5))],
    );
    case.profile.params.fork_boot = 50e6;
    // Both are ready at 50 ms, have a request each, and end at 55; their successors are there at 105.
    assert_eq!(latencies(&case), [45, 35, 80, 70].map(ms));
}

/// A batch is shared out among the places of workers: who takes a place takes over what is left of its share.
#[test]
fn successors_go_on_with_the_list() {
    for each in [Strategy::Sequential, threads(1), asyncio()] {
        let life = recycled(Lifecycle::default(), 2);
        let mut case = batch(
            true,
            prefork(2, each.clone(), life),
            vec![class(7, vec![cpu(ms(10))])],
        );
        case.profile.params.fork_boot = 1e6;
        let o = case.run();
        assert_eq!((o.completed, o.processes), (7, 4), "{each:?}");
        assert_eq!(
            o.latencies,
            [11, 11, 21, 21, 32, 32, 42].map(ms),
            "{each:?}"
        );
    }
}

/// `randint(0, jitter)` once for each worker, uniform: over so many workers its mean is off by more than five standard errors less than
/// once in a million times.
#[test]
fn jitter_is_drawn_once_a_worker() {
    let life = Lifecycle {
        jitter: 10,
        ..recycled(Lifecycle::default(), 5)
    };
    let mut case = served(
        prefork(1, Strategy::Sequential, life),
        1,
        40_000,
        vec![cpu(Nanos::from_micros(10))],
    );
    let workers = f64::from(case.run().processes);
    let (mean, sd) = (5.0 + 5.0, 10.0_f64.sqrt());
    let each = 40_000.0 / workers;
    // The mean of so many draws, and one worker that is cut short.
    let error = 5.0 * sd / workers.sqrt() + each / workers;
    assert!((each - mean).abs() < error, "{each} {workers}");
    // It is its own stream: demands stay where they are.
    let demand = vec![Step::Cpu(Dist::Exponential(Nanos::from_micros(10)))];
    let lone = served(
        prefork(1, Strategy::Sequential, Lifecycle::default()),
        1,
        50,
        demand.clone(),
    );
    case = served(prefork(1, Strategy::Sequential, life), 1, 50, demand);
    assert_eq!(latencies(&lone), latencies(&case));
}

/// A worker's memory goes with it.
#[test]
fn replaced_workers_leave_no_memory() {
    let life = recycled(Lifecycle::started(Fork), 1);
    let mut case = served(
        prefork(2, threads(1), life),
        10,
        50,
        vec![Step::Hold(1_000.into(), vec![io(ms(1))])],
    );
    case.profile.params.fork_private = 500.0;
    assert_eq!(case.run().memory_peak, 2 * 500 + 1_000);
}

fn pool_of(workers: u32, start: StartMethod, api: ProcessApi, life: PoolLife) -> Strategy {
    Strategy::Processes {
        workers: Workers::Exactly(workers),
        start,
        api,
        life,
    }
}

fn most(max_tasks: u32) -> PoolLife {
    PoolLife {
        max_tasks_per_child: Some(max_tasks),
        ..PoolLife::default()
    }
}

/// The management thread waits for the end of the worker, starts another, and only then goes on.
#[test]
fn an_executor_replaces_its_workers() {
    let strategy = pool_of(1, Spawn, ProcessApi::EXECUTOR, most(2));
    let mut case = batch(true, strategy, vec![class(5, vec![cpu(ms(10))])]);
    let p = &mut case.profile.params;
    (p.spawn_call, p.spawn_boot, p.spawn_exit) = (3e6, 30e6, 7e6);
    let o = case.run();
    // The tracker and the first worker are spawned; a generation is two calls, an end, a call of spawn and a boot.
    let first = 3 + 3 + 30;
    let second = first + 20 + 7 + 3 + 30;
    let third = second + 20 + 7 + 3 + 30;
    let expected = [first + 10, first + 20, second + 10, second + 20, third + 10];
    assert_eq!(o.latencies, expected.map(ms));
    assert_eq!(o.processes, 3);
}

/// Up to 3.12 a stale token passes for an idle worker once all have ended (gh-115634): the rest of a batch is never done. One call at a time
/// uses each token up.
#[test]
fn an_old_executor_may_forget_to_replace_its_workers() {
    let run = |minor, arrivals: Arrivals| {
        let strategy = pool_of(1, Spawn, ProcessApi::EXECUTOR, most(2));
        let mut case = batch(true, strategy, vec![class(10, vec![cpu(ms(10))])]);
        case.workload.arrivals = arrivals;
        case.profile.minor = minor;
        let o = case.run();
        (
            o.completed,
            o.findings
                .iter()
                .any(|f| matches!(f, Finding::Deadlock { .. })),
        )
    };
    let one_by_one = || Arrivals::Closed {
        users: 1,
        think: Dist::Constant(Nanos::ZERO),
        count: Some(10),
    };
    assert_eq!(run(12, Arrivals::Batch), (2, true));
    assert_eq!(run(13, Arrivals::Batch), (10, false));
    assert_eq!(run(12, one_by_one()), (10, false));
    assert_eq!(run(13, one_by_one()), (10, false));
}

/// A `Pool` counts chunks, and a thread of its own looks after its workers, which may be forked.
#[test]
fn a_pool_replaces_its_workers() {
    let strategy = pool_of(1, Fork, ProcessApi::Pool { chunksize: Some(3) }, most(2));
    let mut case = batch(true, strategy, vec![class(15, vec![cpu(ms(1))])]);
    let p = &mut case.profile.params;
    (p.fork_call, p.fork_boot, p.process_exit) = (2e6, 5e6, 3e6);
    p.ppe_wait = 1e6;
    let o = case.run();
    // Two chunks of three a worker, one more in the last.
    let after = |generation: u64| 2 + 5 + generation * (6 + 3 + 1 + 2 + 5);
    assert_eq!((o.completed, o.processes), (15, 3));
    assert_eq!(o.makespan, ms(after(2) + 3));
}

/// Reported: 3956 calls a second fall to 237 with 25 tasks a child. A call takes 1/3956 s, and 25 calls with a new worker 25/237 s, so a
/// worker takes 99 ms to end, start and import.
#[test]
fn recycling_costs_what_was_reported() {
    let rate = |life| {
        let calls = 2_000;
        let strategy = pool_of(1, Spawn, ProcessApi::EXECUTOR, life);
        let mut case = batch(
            true,
            strategy,
            vec![class(1, vec![cpu(Nanos::from_micros(253))])],
        );
        let classes = case.workload.classes;
        let arrivals = Arrivals::Closed {
            users: 1,
            think: Dist::Constant(Nanos::ZERO),
            count: Some(calls),
        };
        case.workload = workload(arrivals, classes);
        let p = &mut case.profile.params;
        (p.spawn_call, p.spawn_boot, p.spawn_exit) = (1e6, 40e6, 5e6);
        case.workload.imports.time = ms(53);
        let o = case.run();
        // The first worker's start is in both.
        calls as f64 / (o.makespan.as_secs_f64() - 0.095)
    };
    let (lasting, recycled) = (rate(PoolLife::default()), rate(most(25)));
    assert!((lasting / 3_956.0 - 1.0).abs() < 0.02, "{lasting}");
    assert!((recycled / 237.0 - 1.0).abs() < 0.02, "{recycled}");
}

/// What the fork server preloads is imported once, on a version that imports nothing by itself too.
#[test]
fn preloaded_modules_are_imported_once() {
    let run = |modules: &[&str]| {
        let life = PoolLife {
            preload: modules.iter().map(|m| (*m).to_owned()).collect(),
            ..PoolLife::default()
        };
        let strategy = pool_of(3, StartMethod::Forkserver, ProcessApi::EXECUTOR, life);
        let mut case = batch(
            true,
            strategy,
            vec![class(3, vec![cpu(ms(1)), io(ms(300))])],
        );
        case.profile = weightless(case.profile);
        let p = &mut case.profile.params;
        (p.forkserver_boot, p.forkserver_child_boot) = (20e6, 5e6);
        p.forkserver_preload_main = 0.0;
        case.workload.imports.time = ms(100);
        case.workload.imports.memory = 50_000;
        let o = case.run();
        (o.makespan, o.memory_peak)
    };
    assert_eq!(run(&[]), (ms(20 + 5 + 100 + 1 + 300), 4 * 50_000));
    assert_eq!(run(&["app"]), (ms(20 + 100 + 5 + 1 + 300), 2 * 50_000));
}

/// What a request's own handling takes in [`served`] cases.
fn handling(server: &Strategy) -> Nanos {
    let handling = server.server().unwrap().request().unwrap();
    let place = (RequestHandling::ALL.iter()).position(|h| *h == handling);
    REQUESTS[place.unwrap()]
}

/// A profile's cost of a request is charged as it is: it is the time of this interpreter, not of the baseline, and of a slow machine's it
/// is the stretched one.
#[test]
fn what_a_request_takes_is_the_profiles() {
    for form in [
        "uvicorn:1",
        "gunicorn:1:uvicorn:preload",
        "hypercorn:1",
        "gunicorn:1:sync:preload",
        "gunicorn:1:gthread:1:preload",
    ] {
        let mut case = served(named(form), 100, 2, vec![cpu(ms(10))]);
        case.profile.params.cpu_factor = 2.0;
        let once = handling(&case.strategy);
        assert_eq!(latencies(&case), vec![once + ms(20); 2], "{form}");
        case.profile = case.profile.slowed(3.0);
        assert_eq!(latencies(&case), vec![once * 3 + ms(20); 2], "{form}");
    }
}

/// A request finds the caches as those before have left them: `1 - exp(-t / 18 ms)` of what a cold one takes besides.
#[test]
fn a_request_after_long_without_one_finds_cold_caches() {
    for (form, every) in [
        ("gunicorn:1:sync:preload", 100),
        ("gunicorn:1:gthread:1:preload", 30),
        ("uvicorn:1", 20),
        ("hypercorn:1", 3_000),
    ] {
        let mut case = served(named(form), every, 3, vec![cpu(ms(10))]);
        case.profile.params.request_cold = 2e6;
        let request = handling(&case.strategy);
        // The first finds nothing. Each begins as it comes, so the one before has ended its handling so long ago.
        let mut last = ms(2);
        let mut expected = vec![request + last + ms(10)];
        for _ in 1..3 {
            let since = ms(every) - request - last;
            let lost = 1.0 - libm::exp(-(since.as_f64() / 18e6));
            last = ms(2).scale(lost);
            expected.push(request + last + ms(10));
        }
        assert_eq!(latencies(&case), expected, "{form}");
        assert_eq!(last < ms(2), every < 1_000, "{form}");
    }
}

/// The loop of a server's worker wakes every 100.4 ms, whoever asks, and those of others do not.
#[test]
fn event_loops_of_servers_tick() {
    let cpu_of = |form: &str| {
        // One request after two seconds or so, between two ticks.
        let mut case = served(named(form), 1_950, 1, vec![cpu(ms(10))]);
        case.profile.params.server_tick = 1e6;
        let (o, request) = (case.run(), handling(&case.strategy));
        assert_eq!(o.latencies, [request + ms(10)], "{form}");
        o.cpu.mean_of(1) - request - ms(10)
    };
    for (form, ticks) in [
        ("uvicorn:1", 19),
        ("uvicorn:2", 2 * 19),
        ("hypercorn:3", 3 * 19),
        ("gunicorn:2:uvicorn:preload", 2 * 19),
        ("uvicorn:1:def", 19),
        ("gunicorn:2:sync:preload", 0),
        ("gunicorn:2:gthread:4:preload", 0),
    ] {
        assert_eq!(cpu_of(form), ms(ticks), "{form}");
    }
    // Who is busy when a tick is due comes to it later, and counts from then on: requests of 250 ms every 300 leave one of three.
    let mut case = served(named("uvicorn:1"), 300, 4, vec![cpu(ms(250))]);
    case.profile.params.server_tick = 1e6;
    let o = case.run();
    let request = handling(&case.strategy);
    // At 100.4 and 200.8 ms. The first request is served until 550 ms and a little, the tick follows, and so on.
    let ticks = o.cpu.mean_of(1) - (request + ms(250)) * 4;
    assert_eq!(ticks, ms(2 + 3), "{o:?}");
}

/// A server that can do no more does not tick for ever.
#[test]
fn a_deadlock_ends_the_ticks() {
    for form in ["uvicorn:1", "uvicorn:2", "hypercorn:2"] {
        let steps = vec![Step::Lock(0, vec![Step::Lock(0, vec![])])];
        let mut case = served(named(form), 1_000, 1, steps);
        case.profile.params.server_tick = 1e5;
        let o = case.run();
        let [Finding::Deadlock { at, waiting, .. }] = o.findings.as_slice() else {
            panic!("{form}: {:?}", o.findings);
        };
        assert!(waiting[0].ends_with("which it has itself"), "{waiting:?}");
        assert!((ms(1_000)..ms(1_300)).contains(at), "{form}: {at:?}");
    }
}

pub(super) fn named(form: &str) -> Strategy {
    pchsim::syntax::parse_strategy(form).unwrap().strategy
}

/// `def` endpoints wait in the threads of the limiter, 40 at a time; coroutines wait side by side, and so do their children.
#[test]
fn endpoints_that_are_functions_hold_a_thread_while_they_wait() {
    let makespan = |form: &str, steps: Vec<Step>| {
        let mut case = served(named(form), 1, 1, Vec::new());
        case.workload = batch(true, Strategy::Sequential, vec![class(100, steps)]).workload;
        case.run().makespan
    };
    let children = || Step::FanOut {
        count: 3,
        need: None,
        steps: vec![io(ms(100))],
    };
    for (form, steps, rounds) in [
        ("uvicorn:1:def", io(ms(100)), 3),
        ("uvicorn:1", io(ms(100)), 1),
        ("uvicorn:1:def", children(), 9),
        ("uvicorn:1", children(), 1),
    ] {
        let all = handling(&named(form)) * 100;
        let o = makespan(form, vec![steps]);
        assert!(
            (ms(100 * rounds)..=ms(100 * rounds) + all).contains(&o),
            "{form} {o:?}"
        );
    }
}

/// A connection wakes all that wait for it; who does not get it has called `accept` and `select` in vain.
#[test]
fn a_connection_wakes_the_herd() {
    // Three look for a first connection; each of nine connections wakes all, and is followed by another look by whoever got it. Of the last
    // nobody waits for another, but a thread that only accepts does not know that.
    for (form, looks) in [
        ("gunicorn:3:sync:preload", 3 + 9 * 3),
        ("gunicorn:3:gthread:1:preload", 3 + 9 * 3 + 1),
        ("gunicorn:3:uvicorn:preload", 3 + 9 * 3),
    ] {
        let run = |strategy: Strategy| {
            let mut case = served(strategy, 100, 10, vec![cpu(ms(10))]);
            case.machine.syscall = Nanos::from_micros(5);
            case.run()
        };
        let strategy = named(form);
        let request = handling(&strategy);
        let o = run(strategy.clone());
        let Strategy::Server { runs, .. } = strategy else {
            panic!("{form}")
        };
        let alone = run(*runs);
        let spent = request * 10 + Nanos::from_micros(2 * 5) * looks;
        assert_eq!(o.cpu, alone.cpu + Total::from(spent), "{form}");
        assert_eq!(o.latencies, vec![ms(10) + request; 10], "{form}");
    }
}

/// What a server takes for a request is spent where its code runs: on the loop, though the application's work is offloaded.
#[test]
fn a_servers_own_code_stays_on_its_loop() {
    let case = |form| {
        let mut case = served(named(form), 1, 40, vec![cpu(Nanos::from_micros(10))]);
        case.machine.cores = vec![1.0; 2];
        case.run()
    };
    let request = handling(&named("uvicorn:1"));
    for form in [
        "uvicorn:1",
        "uvicorn:1:def",
        "uvicorn:2",
        "hypercorn:1",
        "gunicorn:1:uvicorn:def",
    ] {
        let o = case(form);
        assert_eq!(o.completed, 40, "{form}");
    }
    assert_eq!(
        case("uvicorn:1").latencies,
        vec![request + Nanos::from_micros(10); 40]
    );
    assert_eq!(
        case("uvicorn:1:def").latencies,
        vec![request + Nanos::from_micros(10); 40]
    );
}

/// Recorded demands are the application's; the server's own come before them.
#[test]
fn recorded_requests_have_the_servers_time_too() {
    let mut case = batch(
        true,
        named("gunicorn:1:sync:preload"),
        vec![class(1, vec![cpu(ms(1)), io(ms(1))])],
    );
    let classes = case.workload.classes;
    let traced = TracedTask {
        at: Nanos::ZERO,
        class: 0,
        demands: vec![ms(3), ms(7)],
    };
    case.workload = workload(Arrivals::Trace(vec![traced]), classes);
    handles_requests(&mut case);
    let request = handling(&case.strategy);
    assert_eq!(latencies(&case), [request + ms(10)]);
}

/// A worker of celery reads one message after another, however many children or threads it has for their tasks.
#[test]
fn celery_reads_its_messages_one_by_one() {
    for form in ["celery:4:prefork", "celery:8:threads"] {
        let case = |every, count| {
            let mut case = served(named(form), every, count, vec![io(ms(3))]);
            case.profile.params.message_celery = 2e6;
            case.machine.cores = vec![1.0; 4];
            case
        };
        // Two milliseconds for the message, three for the task.
        assert_eq!(latencies(&case(10, 10)), [ms(5); 10], "{form}");
        // Twice as many messages as one process reads.
        let o = case(1, 100).run();
        assert_eq!(o.completed, 100);
        assert!(o.makespan >= ms(200), "{form}: {:?}", o.makespan);
    }
}

/// A worker of celery hands each task to an idle child, and replaces children.
#[test]
fn celery_has_children() {
    let mut case = batch(
        true,
        named("celery:2:prefork:max-tasks=1"),
        vec![class(4, vec![cpu(ms(10))])],
    );
    let p = &mut case.profile.params;
    (p.fork_call, p.fork_boot, p.process_exit) = (1e6, 4e6, 2e6);
    let o = case.run();
    assert_eq!((o.completed, o.processes), (4, 4));
    // Two children are forked, at 1 and 2 ms; each has a task, ends, and has a successor, which is forked in 1 ms.
    assert_eq!(
        o.latencies,
        [15, 16, 15 + 2 + 1 + 4 + 10, 16 + 2 + 1 + 4 + 10].map(ms)
    );
}

/// Of uvicorn's workers, a client that keeps its connection gets each answer when it has acknowledged the head of it: 40 ms late.
#[test]
fn answers_on_kept_connections_are_held_back() {
    let request = handling(&named("uvicorn:2"));
    for (form, late) in [
        ("uvicorn:2", 0),
        ("uvicorn:1:keep-alive", 0),
        ("uvicorn:2:keep-alive", 40),
        ("uvicorn:2:def:keep-alive", 40),
    ] {
        let case = served(named(form), 100, 3, vec![cpu(ms(10)), io(ms(5))]);
        assert_eq!(latencies(&case), vec![request + ms(15 + late); 3], "{form}");
    }
}
