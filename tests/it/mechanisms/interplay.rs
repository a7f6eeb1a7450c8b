//! Tasks that wait for one another: deadlocks, queues, time-outs, failures, children.

use pchsim::engine::Nanos;
use pchsim::scenario::{
    Arrivals, Dist, Lifecycle, Offload, PoolLife, ProcessApi, StartMethod, Step, Strategy,
    TracedTask, Workers,
};
use pchsim::strategy::{Cause, Finding, Outcome};

use super::{batch, each, executor, latencies, threads};
use crate::common::{Case, class, cpu, io, machine, ms};

fn asyncio() -> Strategy {
    Strategy::Asyncio {
        limit: None,
        offload: Offload::None,
        pools: Vec::new(),
    }
}

/// When the only finding, a deadlock, came, and who waits for what.
fn deadlock(case: &Case) -> (Nanos, Vec<String>) {
    match case.run().findings.as_slice() {
        [Finding::Deadlock { at, waiting, .. }] => (*at, waiting.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn locks_in_opposite_order_deadlock() {
    let one = vec![Step::Lock(0, vec![io(ms(10)), Step::Lock(1, vec![])])];
    let other = vec![Step::Lock(1, vec![io(ms(10)), Step::Lock(0, vec![])])];
    for strategy in [threads(2), asyncio()] {
        let (at, waiting) = deadlock(&each(true, strategy, &[one.clone(), other.clone()]));
        assert_eq!(at, ms(10));
        assert_eq!(waiting.len(), 2);
        assert!(
            waiting[0].starts_with(
                "class 0 #1 waits at step 3 of 3: lock 'shared', which class 1 #2 has"
            ),
            "{waiting:?}"
        );
        assert!(
            waiting[1]
                .starts_with("class 1 #2 waits at step 3 of 3: lock 'own', which class 0 #1 has"),
            "{waiting:?}"
        );
    }
    // In the same order they do not.
    let case = each(true, threads(2), &[one.clone(), one]);
    assert_eq!(case.run().completed, 2);
}

#[test]
fn a_lock_taken_twice_deadlocks() {
    let steps = vec![cpu(ms(1)), Step::Lock(0, vec![Step::Lock(0, vec![])])];
    for strategy in [Strategy::Sequential, threads(2), asyncio()] {
        for gil in [false, true] {
            let mut case = each(gil, strategy.clone(), std::slice::from_ref(&steps));
            case.profile.params.lock_spin = 1_000.0;
            let (_, waiting) = deadlock(&case);
            assert!(
                waiting.len() == 1 && waiting[0].ends_with("lock 'own', which it has itself"),
                "{waiting:?}"
            );
        }
    }
}

#[test]
fn children_of_a_full_pool_deadlock() {
    let parent = vec![
        cpu(ms(1)),
        Step::FanOut {
            count: 1,
            need: None,
            steps: vec![],
        },
    ];
    let (at, waiting) = deadlock(&batch(false, threads(2), vec![class(2, parent.clone())]));
    assert_eq!(at, ms(1));
    assert_eq!(waiting.len(), 4, "{waiting:?}");
    // One for each thing that is waited for comes first.
    assert_eq!(
        waiting[..2],
        [
            "class 0 #1 waits at step 2 of 2: its children",
            "class 0 #1's child 1 waits: a worker",
        ]
    );
    // With a third thread they do not.
    assert_eq!(
        batch(false, threads(3), vec![class(2, parent)])
            .run()
            .completed,
        2
    );
}

#[test]
fn a_parent_waits_for_its_last_child() {
    let parent = vec![
        cpu(ms(1)),
        Step::FanOut {
            count: 3,
            need: None,
            steps: vec![io(ms(10)), cpu(ms(1))],
        },
        cpu(ms(1)),
    ];
    let run = |strategy, gil| latencies(&each(gil, strategy, std::slice::from_ref(&parent)))[0];
    // One after the other where there is nobody else.
    assert_eq!(run(Strategy::Sequential, true), ms(1 + 3 * 11 + 1));
    assert_eq!(run(threads(4), false), ms(1 + 11 + 1));
    assert_eq!(run(threads(4), true), ms(1 + 10 + 3 + 1));
    assert_eq!(
        run(threads(2), false),
        ms(1 + 33 + 1),
        "the parent keeps its worker"
    );
    assert_eq!(run(asyncio(), true), ms(1 + 10 + 3 + 1));
}

/// One core, so that a short child is over before its parent comes to wait for it.
#[test]
fn a_child_may_be_over_before_its_parent_waits() {
    let parent = vec![
        Step::FanOut {
            count: 2,
            need: None,
            steps: vec![],
        },
        Step::Lock(0, vec![cpu(ms(1))]),
    ];
    for gil in [false, true] {
        for workers in 2..5 {
            let mut case = batch(gil, threads(workers), vec![class(1, parent.clone())]);
            case.machine = machine(1);
            assert_eq!(latencies(&case), [ms(1)]);
        }
    }
}

/// A bounded queue (of two) holds its producer back.
#[test]
fn a_full_queue_holds_back() {
    let produce = vec![Step::Repeat(4, vec![io(ms(1)), Step::Put(1)])];
    let consume = vec![Step::Repeat(4, vec![Step::Get(1), io(ms(10))])];
    // Taken at 1, 11, 21 and 31 ms; put at 1, 2, 3 ms, and when there is room again at 11.
    for strategy in [threads(2), asyncio()] {
        let case = each(true, strategy, &[produce.clone(), consume.clone()]);
        assert_eq!(latencies(&case), [ms(11), ms(41)]);
    }
}

#[test]
fn nobody_puts() {
    let (at, waiting) = deadlock(&each(true, threads(1), &[vec![cpu(ms(3)), Step::Get(0)]]));
    assert_eq!(at, ms(3));
    assert_eq!(waiting.len(), 1);
    assert!(
        waiting[0].contains("an item from queue 'endless'"),
        "{waiting:?}"
    );
}

/// The one that is told to go on gives up at the same instant: the item is the other's.
#[test]
fn a_timed_out_get_leaves_the_item_to_the_next() {
    let put = vec![io(ms(10)), Step::Put(0)];
    let impatient = vec![
        Step::Timeout(ms(10).into(), vec![Step::Get(0)]),
        Step::Put(1),
    ];
    let patient = vec![Step::Get(0)];
    for strategy in [threads(3), asyncio()] {
        let o = each(
            true,
            strategy,
            &[put.clone(), impatient.clone(), patient.clone()],
        )
        .run();
        assert_eq!(
            (o.in_flight, o.completed + o.timed_out),
            (0, 3),
            "{:?}",
            o.findings
        );
        assert_eq!(o.makespan, ms(10));
    }
}

fn ends(o: &Outcome) -> (u64, u64, u64) {
    (o.completed, o.failed, o.timed_out)
}

#[test]
fn retries_pause_twice_as_long_each_time() {
    let steps = vec![Step::Retry {
        attempts: 3,
        backoff: ms(10).into(),
        steps: vec![io(ms(1)), Step::Fail(1.0)],
    }];
    for strategy in [Strategy::Sequential, threads(1), asyncio()] {
        let o = each(true, strategy, std::slice::from_ref(&steps)).run();
        assert_eq!(ends(&o), (0, 1, 0));
        assert_eq!(o.makespan, ms(1 + 10 + 1 + 20 + 1));
    }
}

#[test]
fn timeouts_cut_waits_and_not_work() {
    let run = |strategy: Strategy, inner: Vec<Step>| {
        let o = each(true, strategy, &[vec![Step::Timeout(ms(5).into(), inner)]]).run();
        (ends(&o), o.makespan)
    };
    for strategy in [Strategy::Sequential, threads(1), asyncio()] {
        assert_eq!(run(strategy.clone(), vec![io(ms(10))]), ((0, 0, 1), ms(5)));
        assert_eq!(run(strategy.clone(), vec![io(ms(4))]), ((1, 0, 0), ms(4)));
        assert_eq!(
            run(strategy.clone(), vec![cpu(ms(9)), io(ms(1))]),
            ((0, 0, 1), ms(9))
        );
        assert_eq!(
            run(strategy.clone(), vec![Step::Get(0)]),
            ((0, 0, 1), ms(5))
        );
        // The next attempt has a deadline of its own.
        let retry = vec![Step::Retry {
            attempts: 2,
            backoff: ms(7).into(),
            steps: vec![Step::Timeout(ms(5).into(), vec![io(ms(10))])],
        }];
        let o = each(true, strategy, &[retry]).run();
        assert_eq!((ends(&o), o.makespan), ((0, 0, 1), ms(5 + 7 + 5)));
    }
}

/// What fails lets go of what it holds.
#[test]
fn failures_release_locks() {
    let failing = vec![Step::Lock(
        0,
        vec![cpu(ms(1)), Step::Fail(1.0), cpu(ms(100))],
    )];
    let working = vec![Step::Lock(0, vec![cpu(ms(1))])];
    for strategy in [threads(2), asyncio()] {
        let o = each(false, strategy, &[failing.clone(), working.clone()]).run();
        assert_eq!(ends(&o), (1, 1, 0));
        assert_eq!(o.makespan, ms(2));
    }
}

#[test]
fn failures_are_as_frequent_as_asked_for() {
    let o = batch(true, threads(4), vec![class(2_000, vec![Step::Fail(0.3)])]).run();
    // Mean 600, standard deviation 20.5.
    assert!((520..680).contains(&o.failed), "{}", o.failed);
    assert_eq!(o.failed + o.completed, 2_000);
}

/// A child that has a class and a number of its own inside is still told apart by its parent, also where children have no
/// tasks of their own.
#[test]
fn waiting_children_are_named_after_their_parents() {
    let grandchild = Step::FanOut {
        count: 2,
        need: None,
        steps: vec![Step::Lock(0, vec![])],
    };
    let family = vec![Step::Lock(
        0,
        vec![Step::FanOut {
            count: 3,
            need: None,
            steps: vec![io(ms(1)), grandchild],
        }],
    )];
    for (strategy, name) in [
        (Strategy::Sequential, "class 0 #1's child 1's child 1 waits"),
        (threads(16), "class 0 #1's child 2's child 2 waits"),
        (asyncio(), "class 0 #1's child 2's child 2 waits"),
    ] {
        let (_, waiting) = deadlock(&each(true, strategy, std::slice::from_ref(&family)));
        let named = |w: &String| w.starts_with(name) && w.contains("lock 'own'");
        assert!(waiting.iter().any(named), "{waiting:?}");
        let raw = |w: &String| w.split(|c: char| !c.is_ascii_digit()).any(|n| n.len() > 6);
        assert!(!waiting.iter().any(raw), "{waiting:?}");
    }
}

/// The parent waits for all of its children, then fails as the first did that was not done; it may try again.
#[test]
fn a_failed_child_fails_its_parent() {
    let children = |last: Vec<Step>| {
        vec![
            Step::FanOut {
                count: 2,
                need: None,
                steps: [vec![io(ms(10))], last].concat(),
            },
            io(ms(50)),
        ]
    };
    let offload = Strategy::Asyncio {
        limit: None,
        offload: Offload::Threads(Workers::Exactly(4)),
        pools: Vec::new(),
    };
    let late = vec![Step::Timeout(ms(5).into(), vec![io(ms(20))])];
    let retry = |steps| {
        vec![Step::Retry {
            attempts: 3,
            backoff: ms(1).into(),
            steps,
        }]
    };
    for strategy in [
        threads(4),
        Strategy::Threads(Workers::PerTask),
        asyncio(),
        offload,
    ] {
        let run = |steps: Vec<Step>| {
            let o = each(true, strategy.clone(), &[steps]).run();
            (ends(&o), o.makespan)
        };
        assert_eq!(run(children(vec![])), ((1, 0, 0), ms(60)), "{strategy:?}");
        assert_eq!(
            run(children(vec![Step::Fail(1.0)])),
            ((0, 1, 0), ms(10)),
            "{strategy:?}"
        );
        assert_eq!(
            run(children(late.clone())),
            ((0, 0, 1), ms(15)),
            "{strategy:?}"
        );
        assert_eq!(
            run(retry(children(vec![Step::Fail(1.0)]))),
            ((0, 1, 0), ms(10 + 1 + 10 + 2 + 10)),
            "{strategy:?}"
        );
    }
    // One after the other they end with the first that fails, as a loop does.
    let o = each(
        true,
        Strategy::Sequential,
        &[children(vec![Step::Fail(1.0)])],
    )
    .run();
    assert_eq!((ends(&o), o.makespan), ((0, 1, 0), ms(10)));
}

/// `asyncio.timeout` cancels whatever is awaited: a lock, children, and what these await; nothing within is tried again.
#[test]
fn a_deadline_ends_waits_for_locks_and_children() {
    let limited = |inner| vec![Step::Timeout(ms(5).into(), inner)];
    let hog = vec![Step::Lock(0, vec![io(ms(30))])];
    let wants = vec![
        io(ms(1)),
        Step::Timeout(ms(5).into(), vec![Step::Lock(0, vec![])]),
    ];
    let third = vec![io(ms(2)), Step::Lock(0, vec![])];
    let o = each(true, asyncio(), &[hog, wants, third]).run();
    assert_eq!(ends(&o), (2, 0, 1));
    assert_eq!(o.latencies, [ms(30), ms(30)]);
    for child in [
        vec![io(ms(40))],
        vec![Step::Get(0)],
        vec![Step::Lock(0, vec![io(ms(40))])],
        vec![Step::Retry {
            attempts: 9,
            backoff: ms(1).into(),
            steps: vec![io(ms(40))],
        }],
        vec![Step::FanOut {
            count: 2,
            need: None,
            steps: vec![io(ms(40))],
        }],
    ] {
        let family = limited(vec![Step::FanOut {
            count: 3,
            need: None,
            steps: child.clone(),
        }]);
        let o = each(true, asyncio(), &[family, vec![io(ms(7))]]).run();
        assert_eq!(
            (ends(&o), o.makespan, o.end),
            ((1, 0, 1), ms(7), ms(7)),
            "{child:?}"
        );
    }
    // A thread waits for the lock and for its children, and finds out then.
    let family = limited(vec![Step::FanOut {
        count: 2,
        need: None,
        steps: vec![io(ms(20))],
    }]);
    let o = each(true, threads(3), &[family]).run();
    assert_eq!((ends(&o), o.makespan), ((0, 0, 1), ms(20)));
}

/// A time-out inside which a retry stands is not outlived by it.
#[test]
fn a_retry_within_a_timeout_is_given_up_with_it() {
    let steps = vec![Step::Timeout(
        ms(5).into(),
        vec![Step::Retry {
            attempts: 9,
            backoff: ms(1).into(),
            steps: vec![io(ms(40))],
        }],
    )];
    for strategy in [Strategy::Sequential, threads(1), asyncio()] {
        let o = each(true, strategy, std::slice::from_ref(&steps)).run();
        assert_eq!((ends(&o), o.makespan), ((0, 0, 1), ms(5)));
    }
}

/// One lock for all processes, also where event loops await it.
#[test]
fn a_shared_lock_is_one_for_all_loops() {
    let section = |lock| vec![Step::Lock(lock, vec![io(ms(10))])];
    let prefork = Strategy::Prefork {
        processes: 3,
        each: Box::new(asyncio()),
        life: Lifecycle::default(),
    };
    let run = |lock| {
        batch(true, prefork.clone(), vec![class(6, section(lock))])
            .run()
            .makespan
    };
    assert_eq!(run(0), ms(20), "a lock of each process");
    assert_eq!(run(1), ms(60), "one for all");
}

/// What was to come after the horizon had been called off: nothing can ever happen again.
#[test]
fn a_timer_that_was_called_off_hides_no_deadlock() {
    let put = vec![io(ms(10)), Step::Put(0)];
    let get = vec![
        Step::Timeout(ms(100).into(), vec![Step::Get(0)]),
        Step::Get(0),
    ];
    for strategy in [threads(2), asyncio()] {
        let mut case = each(true, strategy, &[put.clone(), get.clone()]);
        case.horizon = Some(ms(50));
        let (at, waiting) = deadlock(&case);
        assert_eq!(at, ms(10));
        assert_eq!(waiting.len(), 1);
    }
}

/// What the program itself does for a task it does once, whoever executes the task and however it came.
#[test]
fn every_strategy_dispatches_each_task_once() {
    let asyncio = |offload| Strategy::Asyncio {
        limit: Some(2),
        offload,
        pools: Vec::new(),
    };
    let prefork = |each| Strategy::Prefork {
        processes: 2,
        each: Box::new(each),
        life: Lifecycle::default(),
    };
    // Enough for all tasks and their children at once: tasks that wait for children in their own pool would wait for ever.
    let many = Workers::Exactly(16);
    let strategies = [
        Strategy::Sequential,
        threads(16),
        Strategy::Threads(Workers::PerTask),
        executor(16, StartMethod::Fork),
        Strategy::Processes {
            workers: many,
            start: StartMethod::Spawn,
            api: ProcessApi::Pool { chunksize: Some(3) },
            life: PoolLife::default(),
        },
        Strategy::Interpreters(many),
        asyncio(Offload::None),
        asyncio(Offload::Threads(many)),
        asyncio(Offload::Processes(many, StartMethod::Forkserver)),
        asyncio(Offload::Interpreters(many)),
        prefork(Strategy::Sequential),
        prefork(threads(16)),
        prefork(asyncio(Offload::None)),
    ];
    let recorded = (0..6).map(|i| TracedTask {
        at: ms(3 * i),
        class: 0,
        demands: Vec::new(),
    });
    let arrivals = [
        Arrivals::Batch,
        Arrivals::Trace(recorded.collect()),
        Arrivals::Open {
            interval: Dist::Constant(ms(3)),
            count: Some(6),
        },
        Arrivals::Closed {
            users: 3,
            think: Dist::Constant(ms(1)),
            count: Some(6),
        },
    ];
    for strategy in strategies {
        for arrivals in &arrivals {
            // Children are part of their task: nobody dispatches them.
            let steps = vec![
                cpu(ms(1)),
                Step::FanOut {
                    count: 2,
                    need: None,
                    steps: vec![cpu(ms(1))],
                },
            ];
            let mut case = batch(true, strategy.clone(), vec![class(6, steps)]);
            case.workload.arrivals = arrivals.clone();
            case.profile.params.interp_create = 1e-3; // Possible, and free.
            let without = case.run().cpu;
            case.workload.dispatch = ms(2);
            let with = case.run();
            assert_eq!(
                with.cpu,
                without + ms(12).into(),
                "{strategy:?}, {arrivals:?}"
            );
        }
    }
}

/// Children's time by cause: whoever executes them, and beside that of their parents, which it changes nothing of.
#[test]
fn childrens_time_has_causes() {
    let family = vec![
        cpu(ms(10)),
        Step::FanOut {
            count: 4,
            need: None,
            steps: vec![cpu(ms(100)), io(ms(50))],
        },
    ];
    let run = |strategy, gil| {
        let mut case = each(gil, strategy, std::slice::from_ref(&family));
        case.profile.params.interp_create = 1e-3;
        case.run()
    };
    let of = |o: &Outcome, cause: Cause| {
        let c = cause as usize;
        (o.causes[c].mean_of(1), o.children[c].mean_of(1))
    };
    // Side by side, without a GIL: the parent waits while each child does its work.
    let side_by_side = run(threads(16), false);
    assert_eq!(of(&side_by_side, Cause::Running), (ms(10), ms(400)));
    assert_eq!(of(&side_by_side, Cause::Io), (ms(0), ms(200)));
    assert_eq!(of(&side_by_side, Cause::Queue), (ms(150), ms(0)));
    // One after another on a loop: they wait 100, 200 and 300 ms for it, and, back from outside, 250, 150 and 50 for the others.
    let on_a_loop = run(asyncio(), true);
    assert_eq!(of(&on_a_loop, Cause::Running), (ms(10), ms(400)));
    assert_eq!(of(&on_a_loop, Cause::Loop).1, ms(600 + 450));
    assert_eq!(of(&on_a_loop, Cause::Queue).0, ms(450));
    // In the worker's own thread: what it does for them is theirs, and their parent's.
    for strategy in [Strategy::Sequential, executor(2, StartMethod::Fork)] {
        let inside = run(strategy, true);
        assert_eq!(of(&inside, Cause::Running), (ms(410), ms(400)));
        assert_eq!(of(&inside, Cause::Io), (ms(200), ms(200)));
        assert_eq!(of(&inside, Cause::Queue), (ms(0), ms(0)));
    }
}

/// The children of a task from before the warm-up do not count, like it.
#[test]
fn children_count_with_their_parent() {
    let steps = vec![Step::FanOut {
        count: 2,
        need: None,
        steps: vec![cpu(ms(1))],
    }];
    for strategy in [threads(16), asyncio(), Strategy::Sequential] {
        let mut case = batch(false, strategy, vec![class(0, steps.clone())]);
        case.workload.arrivals = Arrivals::Open {
            interval: Dist::Constant(ms(10)),
            count: Some(10),
        };
        case.warmup = ms(55);
        let running = case.run().children[Cause::Running as usize];
        assert_eq!(running, ms(2 * 5));
    }
}
