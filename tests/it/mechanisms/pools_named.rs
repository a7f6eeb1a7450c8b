//! Pools with names, steps that a worker executes as one call, and steps that stay on their loop.

use pchsim::engine::Nanos;
use pchsim::scenario::{
    Arrivals, Dist, NamedPool, Offload, StartMethod, Step, Strategy, Workers, limits,
};
use pchsim::strategy::{Cause, Finding, SimError, compile};
use pchsim::syntax::parse_strategy;

use super::{batch, each, latencies, us, weightless};
use crate::common::{Case, class, cpu, io, ms};

fn strategy(form: &str) -> Strategy {
    parse_strategy(form).unwrap().strategy
}

fn offload(to: &str, steps: Vec<Step>) -> Step {
    Step::Offload {
        to: (!to.is_empty()).then(|| to.to_owned()),
        steps,
    }
}

fn retry(attempts: u32, backoff: Nanos, steps: Vec<Step>) -> Step {
    Step::Retry {
        attempts,
        backoff: backoff.into(),
        steps,
    }
}

/// Tasks of these lists of steps, without a GIL: only workers and the loop are in short supply.
fn run(form: &str, tasks: &[Vec<Step>]) -> Vec<Nanos> {
    latencies(&each(false, strategy(form), tasks))
}

#[test]
fn pools_do_not_wait_for_one_another() {
    let one = |to| vec![offload(to, vec![cpu(ms(30))])];
    let tasks = [
        one("a"),
        one("a"),
        one("b"),
        vec![cpu(ms(40))],
        vec![cpu(ms(5))],
    ];
    let ends = [30, 60, 30, 40, 45].map(ms);
    assert_eq!(
        run("asyncio+threads:1+a=threads:1+b=threads:1", &tasks),
        ends
    );
    // One pool for all of them.
    assert_eq!(
        run("asyncio+threads:1", &tasks),
        [30, 60, 90, 130, 135].map(ms)
    );
    // The loop's own default executor has threads for all; but the loop, which has work itself, hears of them late.
    assert_eq!(run("asyncio", &tasks), [45, 45, 45, 40, 45].map(ms));
    // Each copy of a server has pools of its own.
    assert_eq!(
        run(
            "prefork:2(asyncio+threads:1+a=threads:1+b=threads:1)",
            &tasks
        ),
        [30, 30, 30, 40, 5].map(ms)
    );
}

/// Two waits of one call keep its worker; those of a coroutine keep nobody.
#[test]
fn a_call_keeps_its_worker_in_its_waits() {
    let steps = || vec![cpu(ms(1)), io(ms(10)), cpu(ms(1)), io(ms(10))];
    let called = vec![offload("a", steps())];
    let tasks = [called.clone(), called, vec![io(ms(3))]];
    assert_eq!(run("asyncio+a=threads:1", &tasks), [22, 44, 3].map(ms));
    assert_eq!(run("asyncio+a=threads:2", &tasks), [22, 22, 3].map(ms));
    assert_eq!(run("asyncio+threads:1", &tasks), [22, 44, 3].map(ms));
    // Parts of a coroutine go to the worker one by one.
    let parts = [steps(), steps()];
    assert_eq!(run("asyncio+threads:1", &parts), [22, 23].map(ms));
    // No loop, no call: the thread that has the task waits.
    assert_eq!(run("threads:1", &tasks), [22, 44, 47].map(ms));
}

/// The wait for a worker is the pool's, the time in it is the call's.
#[test]
fn a_call_has_its_causes() {
    let called = vec![offload("a", vec![io(ms(10)), cpu(ms(5))])];
    let o = each(
        false,
        strategy("asyncio+a=threads:1"),
        &[called.clone(), called],
    )
    .run();
    assert_eq!(o.causes[Cause::Pool as usize], ms(15));
    assert_eq!(o.causes[Cause::Io as usize], ms(20));
    assert_eq!(o.causes[Cause::Running as usize], ms(10));
}

#[test]
fn what_is_inline_blocks_the_loop() {
    let tasks = [
        vec![Step::Inline(vec![cpu(ms(200))])],
        vec![io(ms(1))],
        vec![cpu(ms(3))],
    ];
    let case = each(false, strategy("asyncio+threads:4"), &tasks);
    let o = case.run();
    assert_eq!(o.latencies, [200, 201, 203].map(ms));
    let blocked =
        |f: &Finding| matches!(f, Finding::BlockedLoop { lasted, .. } if *lasted == ms(200));
    assert!(o.findings.iter().any(blocked));
    // Its waits are awaited, and so are its children, whose work stays there, too; a call in it goes away all the same.
    let children = Step::FanOut {
        count: 2,
        need: None,
        steps: vec![cpu(ms(10)), io(ms(10))],
    };
    let inline = |steps| vec![Step::Inline(steps)];
    let threads = "asyncio+threads:4+a=threads:1";
    assert_eq!(run(threads, &[inline(vec![children])]), [ms(30)]);
    let away = vec![cpu(ms(10)), offload("a", vec![cpu(ms(10))])];
    assert_eq!(
        run(threads, &[inline(away.clone()), inline(away)]),
        [20, 30].map(ms)
    );
    // A pool of nobody is the loop.
    let called = || vec![offload("a", vec![cpu(ms(10))])];
    assert_eq!(
        run("asyncio+threads:4+a=none", &[called(), called()]),
        [10, 20].map(ms)
    );
}

/// Work before and after a call is the default pool's, in calls of its own.
#[test]
fn a_call_stands_between_parts() {
    let task = vec![
        cpu(ms(1)),
        offload("a", vec![cpu(ms(2)), io(ms(3))]),
        cpu(ms(4)),
        Step::Inline(vec![cpu(ms(5))]),
        cpu(ms(6)),
    ];
    let mut case = each(
        false,
        strategy("asyncio+threads:1+a=threads:1"),
        std::slice::from_ref(&task),
    );
    assert_eq!(latencies(&case), [ms(21)]);
    // Four hand-overs: two parts before it is inline, one after it, and the call.
    case.profile.params.aio_offload = 1e6;
    assert_eq!(latencies(&case), [ms(25)]);
    // Rounds of a loop, unrolled or not, are so many calls.
    for rounds in [3, 5_000] {
        let round = vec![offload("a", vec![cpu(us(1))])];
        let mut case = each(
            false,
            strategy("asyncio+a=threads:1"),
            &[vec![Step::Repeat(rounds, round)]],
        );
        case.profile.params.aio_offload = 1e3;
        assert_eq!(latencies(&case), [us(2 * rounds)]);
    }
}

/// 9: arguments and result of a call are pickled once each, however many waits it holds; other calls bring their own.
#[test]
fn a_call_of_a_process_pays_its_pickling_once() {
    let bytes = 1_000;
    let call = |steps: Vec<Step>| offload("a", steps);
    let steps = vec![
        Step::PayloadIn(bytes),
        Step::ObjectsIn(1_000),
        cpu(ms(1)),
        io(ms(1)),
        Step::PayloadIn(bytes),
        cpu(ms(1)),
        Step::ObjectsOut(1_000),
        Step::PayloadOut(bytes),
    ];
    let time = |steps: Vec<Step>| {
        let mut case = each(false, strategy("asyncio+a=processes:1:fork"), &[steps]);
        case.profile.dumps.0 = vec![(0.0, 0.0), (1_000.0, 10_000.0)];
        case.profile.loads.0 = vec![(0.0, 0.0), (1_000.0, 20_000.0)];
        case.profile.params.pickle_object_dump = 100.0;
        case.profile.params.pickle_object_load = 50.0;
        latencies(&case)[0]
    };
    // 2 kB and 1,000 objects there, 1 kB and 1,000 objects back, each pickled and unpickled.
    let pickled = us(20 + 40) + us(10 + 20) + us(100 + 50) * 2;
    assert_eq!(time(vec![call(steps.clone())]), ms(3) + pickled);
    // What stands round a call is no part of it.
    let around = vec![
        Step::ObjectsIn(5_000),
        call(steps.clone()),
        Step::ObjectsOut(5_000),
    ];
    assert_eq!(time(around), ms(3) + pickled);
    let twice = vec![call(steps.clone()), call(steps)];
    assert_eq!(time(twice), (ms(3) + pickled) * 2);
}

/// A worker takes the lock of its own process, waits for it, and gives it back; the loop is free meanwhile.
#[test]
fn locks_within_a_call_are_the_workers() {
    let task = vec![offload("a", vec![Step::Lock(0, vec![io(ms(10))])])];
    let tasks = [task.clone(), task, vec![io(ms(2))]];
    assert_eq!(run("asyncio+a=threads:2", &tasks), [10, 20, 2].map(ms));
    // Every process has its own.
    assert_eq!(
        run("asyncio+a=processes:2:fork", &tasks),
        [10, 10, 2].map(ms)
    );
    // Round a call the lock is the loop's.
    let around = vec![Step::Lock(0, vec![offload("a", vec![io(ms(10))])])];
    let tasks = [around.clone(), around, vec![io(ms(2))]];
    assert_eq!(run("asyncio+a=threads:2", &tasks), [10, 20, 2].map(ms));
}

/// No lock of Python is both a coroutine's and a thread's.
#[test]
fn a_lock_of_two_kinds_is_refused() {
    let within = vec![offload("a", vec![Step::Lock(0, vec![cpu(ms(1))])])];
    let over_a_wait = vec![Step::Lock(0, vec![io(ms(1))])];
    let compiled = |form: &str| {
        let case = each(
            false,
            strategy(form),
            &[within.clone(), over_a_wait.clone()],
        );
        compile(&case.machine, &case.profile, &case.workload, &case.strategy).map(|_| ())
    };
    let Err(SimError::Unsupported(why)) = compiled("asyncio+a=threads:2") else {
        panic!("compiled");
    };
    assert!(
        why.contains("within Offload") && why.contains("around the Offload"),
        "{why}"
    );
    assert!(compiled("threads:2").is_ok());
}

/// Children in a call are the worker's, one after another.
#[test]
fn children_in_a_call_come_one_after_another() {
    let fan = |steps| Step::FanOut {
        count: 3,
        need: None,
        steps,
    };
    let task = vec![offload("a", vec![fan(vec![cpu(ms(1)), io(ms(9))])])];
    assert_eq!(run("asyncio+a=threads:8", &[task]), [ms(30)]);
    let outside = vec![fan(vec![offload("a", vec![cpu(ms(1)), io(ms(9))])])];
    assert_eq!(
        run("asyncio+a=threads:8", std::slice::from_ref(&outside)),
        [ms(10)]
    );
    assert_eq!(run("asyncio+a=threads:1", &[outside]), [ms(30)]);
}

/// A failure ends the call, and the coroutine that awaits it goes on from there: to the retry that is nearest, in whichever of the two.
#[test]
fn failures_go_up_to_the_nearest_retry() {
    let failing = |steps: Vec<Step>| {
        let case = each(
            false,
            strategy("asyncio+a=threads:1"),
            &[steps, vec![io(ms(1))]],
        );
        let o = case.run();
        (o.failed, o.timed_out, o.makespan)
    };
    let fails = || vec![cpu(ms(10)), Step::Fail(1.0), cpu(ms(50))];
    assert_eq!(failing(vec![offload("a", fails())]), (1, 0, ms(10)));
    // The worker pauses, and is occupied.
    let within = vec![offload("a", vec![retry(3, ms(5), fails())])];
    assert_eq!(failing(within), (1, 0, ms(10 + 5 + 10 + 10 + 10)));
    // The loop pauses.
    let around = retry(3, ms(5), vec![offload("a", fails())]);
    assert_eq!(
        failing(vec![around.clone()]),
        (1, 0, ms(10 + 5 + 10 + 10 + 10))
    );
    let tasks = [
        vec![around],
        vec![io(ms(10)), offload("a", vec![cpu(ms(5))])],
    ];
    let case = each(false, strategy("asyncio+a=threads:1"), &tasks);
    assert_eq!(latencies(&case), [ms(15)]);
    // What is held round the call is given back, and so is what is held within.
    let round = || vec![Step::Lock(0, vec![offload("a", fails())])];
    let within = || vec![offload("a", vec![Step::Lock(0, fails())])];
    for tasks in [[round(), round()], [within(), within()]] {
        let outcome = each(false, strategy("asyncio+a=threads:2"), &tasks).run();
        assert_eq!(outcome.makespan, ms(20), "{tasks:?}");
    }
}

/// The coroutine's deadline does not reach the worker: the coroutine goes on without it. One within the call is the worker's.
#[test]
fn deadlines_are_those_of_who_waits() {
    let late = |steps: Vec<Step>| {
        let o = each(false, strategy("asyncio+a=threads:1"), &[steps]).run();
        (o.timed_out, o.makespan)
    };
    let timeout = |steps| Step::Timeout(ms(15).into(), steps);
    let slow = || vec![io(ms(10)), io(ms(10)), io(ms(10))];
    assert_eq!(late(vec![timeout(vec![offload("a", slow())])]), (1, ms(15)));
    assert_eq!(late(vec![offload("a", vec![timeout(slow())])]), (1, ms(15)));
    let tried = |steps| vec![retry(2, Nanos::ZERO, steps)];
    assert_eq!(
        late(tried(vec![offload("a", vec![timeout(slow())])])),
        (1, ms(30))
    );
    assert_eq!(
        late(vec![offload("a", tried(vec![timeout(slow())]))]),
        (1, ms(30))
    );
    // The outer one comes first.
    let both = vec![Step::Timeout(
        ms(12).into(),
        tried(vec![offload("a", vec![timeout(slow())])]),
    )];
    assert_eq!(late(both), (1, ms(12)));
    // A failure after the coroutine's deadline is nobody's.
    let fails = vec![timeout(vec![offload(
        "a",
        vec![cpu(ms(20)), Step::Fail(1.0)],
    )])];
    assert_eq!(late(fails), (1, ms(15)));
}

/// What a coroutine has given up goes on in its worker, and others wait behind it; what had not begun is dropped.
#[test]
fn given_up_calls_go_on_unless_they_have_not_begun() {
    let call = |time| offload("a", vec![io(ms(time))]);
    let hasty = |time| Step::Timeout(ms(10).into(), vec![call(time)]);
    for form in ["asyncio+a=threads:1", "asyncio+a=processes:1:fork"] {
        let run = |tasks: &[Vec<Step>]| {
            let o = each(false, strategy(form), tasks).run();
            (o.completed, o.timed_out, o.makespan, o.closed)
        };
        // The worker is free at 50 ms only.
        let behind = [vec![hasty(50)], vec![io(ms(1)), call(5)]];
        assert_eq!(run(&behind), (1, 1, ms(55), ms(55)), "{form}");
        // Alone, it keeps the pool from shutting down.
        assert_eq!(run(&[vec![hasty(50)]]), (0, 1, ms(10), ms(50)), "{form}");
    }
    // The second is cancelled in the queue, and delays nobody.
    let tasks = [vec![call(30)], vec![hasty(100)], vec![io(ms(20)), call(5)]];
    assert_eq!(run("asyncio+a=threads:1", &tasks), [30, 35].map(ms));
    // Attempts that are given up take one worker each.
    let tried = |form| {
        let o = each(
            false,
            strategy(form),
            &[vec![retry(3, Nanos::ZERO, vec![hasty(50)])]],
        )
        .run();
        (o.timed_out, o.retries, o.makespan, o.closed)
    };
    assert_eq!(tried("asyncio+a=threads:3"), (1, 2, ms(30), ms(70)));
    assert_eq!(tried("asyncio+a=threads:1"), (1, 2, ms(30), ms(50)));
}

/// Cancellation reaches a call's coroutine wherever that is, and what the coroutine holds comes back at once; what the worker holds does not.
#[test]
fn a_coroutine_lets_go_of_what_it_holds_when_it_gives_a_call_up() {
    let call = || offload("a", vec![io(ms(50))]);
    let within = |steps| vec![Step::Timeout(ms(10).into(), steps)];
    let children = Step::FanOut {
        count: 2,
        need: None,
        steps: vec![call()],
    };
    let o = each(
        false,
        strategy("asyncio+a=threads:2"),
        &[within(vec![children])],
    )
    .run();
    assert_eq!((o.timed_out, o.makespan, o.closed), (1, ms(10), ms(50)));
    // The coroutine's lock.
    let held = within(vec![Step::Lock(0, vec![call()])]);
    let next = vec![Step::Lock(0, vec![io(ms(5))])];
    assert_eq!(run("asyncio+a=threads:1", &[held, next]), [ms(15)]);
    // The worker's.
    let held = within(vec![offload("a", vec![Step::Lock(0, vec![io(ms(50))])])]);
    let next = vec![
        io(ms(1)),
        offload("b", vec![Step::Lock(0, vec![cpu(ms(5))])]),
    ];
    assert_eq!(
        run("asyncio+a=threads:1+b=threads:1", &[held, next]),
        [ms(55)]
    );
}

/// A worker that waits for an item keeps its thread, and the loop may put it there.
#[test]
fn queues_join_workers_and_the_loop() {
    let gets = || vec![offload("a", vec![Step::Get(0)])];
    let puts = || vec![io(ms(7)), Step::Put(0)];
    assert_eq!(
        run("asyncio+a=threads:1", &[gets(), puts(), gets(), puts()]),
        [7, 7, 7, 7].map(ms)
    );
    let case = each(
        true,
        strategy("asyncio+a=threads:1"),
        &[gets(), vec![io(ms(1))]],
    );
    let o = case.run();
    let stuck = |f: &Finding| matches!(f, Finding::Deadlock { waiting, .. } if waiting[0].contains("an item from queue"));
    assert!(o.findings.iter().any(stuck), "{:?}", o.findings);
}

/// min(32, cpus + 4) threads of asyncio's own, which are not there unless they are asked for.
#[test]
fn to_thread_has_a_pool_of_its_own() {
    let sleeping = |cpus: u32| {
        let mut case = batch(
            true,
            strategy("asyncio"),
            vec![class(64, vec![offload("", vec![io(ms(10))])])],
        );
        case.machine.visible_cpus = cpus;
        case.run().makespan
    };
    assert_eq!(sleeping(4), ms(80));
    assert_eq!(sleeping(100), ms(20));
    let memory = |steps| {
        let mut case = each(true, strategy("asyncio"), &[vec![steps]]);
        case.profile = weightless(case.profile);
        case.profile.params.tpe_rss = 1e6;
        case.run().memory_peak
    };
    assert_eq!(
        memory(offload("", vec![io(ms(1))])) - memory(io(ms(1))),
        1_000_000
    );
    let starlette = Strategy::Asyncio {
        limit: None,
        offload: Offload::None,
        pools: vec![NamedPool {
            name: "limiter".into(),
            workers: Offload::Threads(Workers::Exactly(40)),
        }],
    };
    let steps = vec![offload("limiter", vec![io(ms(10))])];
    let case = batch(true, starlette, vec![class(100, steps)]);
    assert_eq!(case.run().makespan, ms(30));
}

/// All pools count, those of each copy of a server, too.
#[test]
fn limits_count_every_pool() {
    let past = |form: &str| {
        let text = format!(
            "(schema: 1, name: \"x\", workload: (arrivals: Batch, tasks: [(name: \"t\", steps: [Cpu(\"1ms\")])]), strategies: [\"{form}\"])"
        );
        let (_, said) = pchsim::syntax::check(&text, std::path::Path::new("x.ron"), &[]);
        said.iter()
            .any(|d| d.message.contains("at once, more than"))
    };
    let third = limits::MAX_PROCESSES / 3 + 1;
    let pools = |n: usize| {
        let each = |i| format!("+p{i}=processes:{third}");
        (0..n).map(each).collect::<String>()
    };
    assert!(!past(&format!("asyncio{}", pools(2))));
    assert!(past(&format!("asyncio{}", pools(3))));
    assert!(past(&format!("prefork:2(asyncio{})", pools(2))));
}

/// Draws belong to tasks, not to whoever executes them.
#[test]
fn a_call_draws_what_the_steps_draw() {
    let drawn = || Step::Io(Dist::Exponential(ms(10)));
    let time = |form: &str, steps: Vec<Step>| {
        let case: Case = batch(true, strategy(form), vec![class(20, steps)]);
        latencies(&case)
    };
    let plain = time("threads:20", vec![drawn(), drawn()]);
    assert_eq!(
        time(
            "asyncio+a=threads:20",
            vec![offload("a", vec![drawn(), drawn()])]
        ),
        plain
    );
    assert_eq!(
        time(
            "threads:20",
            vec![offload("a", vec![drawn()]), Step::Inline(vec![drawn()])]
        ),
        plain
    );
}

/// Workers of all pools are started as their pool says.
#[test]
fn start_methods_are_the_pools() {
    let mut case = each(
        true,
        strategy("asyncio+a=processes:1:fork+b=processes:1:spawn"),
        &[
            vec![offload("a", vec![cpu(ms(1))])],
            vec![io(ms(50)), offload("b", vec![cpu(ms(1))])],
        ],
    );
    case.profile.params.fork_boot = 2e6;
    case.profile.params.spawn_boot = 30e6;
    case.workload.arrivals = Arrivals::Batch;
    let NamedPool { workers, .. } = &case.strategy.pools()[1];
    assert_eq!(
        *workers,
        Offload::Processes(Workers::Exactly(1), StartMethod::Spawn)
    );
    assert_eq!(latencies(&case), [3, 81].map(ms));
}
