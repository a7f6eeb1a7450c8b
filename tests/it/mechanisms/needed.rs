//! Children of whom only some are needed: `FanOut` with `need`.

use pchsim::engine::{Nanos, Total};
use pchsim::scenario::{Dist, PoolLife, ProcessApi, StartMethod, Step, Strategy, Workers};
use pchsim::strategy::{Cause, Outcome};
use pchsim::syntax::parse_strategy;

use super::{batch, each, latencies, threads};
use crate::common::{Case, class, cpu, io, ms};

fn some(need: u64, count: u64, steps: Vec<Step>) -> Step {
    Step::FanOut {
        count,
        need: Some(need),
        steps,
    }
}

/// Children that are over one after another, every 10 ms.
fn in_turn() -> Vec<Step> {
    vec![Step::Lock(0, vec![io(ms(10))])]
}

fn strategy(short: &str) -> Strategy {
    parse_strategy(short).expect("a strategy").strategy
}

fn asyncio() -> Strategy {
    strategy("asyncio")
}

fn one(strategy: Strategy, steps: Vec<Step>) -> Case {
    each(false, strategy, &[steps])
}

fn outcome(strategy: Strategy, steps: Vec<Step>) -> Outcome {
    one(strategy, steps).run()
}

fn per_task() -> Strategy {
    Strategy::Threads(Workers::PerTask)
}

#[test]
fn a_loop_cancels_the_others_where_they_wait() {
    let steps = |need| vec![some(need, 4, in_turn()), io(ms(5))];
    for need in 1..=4 {
        let o = outcome(asyncio(), steps(need));
        assert_eq!(o.makespan, ms(10 * need + 5), "{need} of 4");
        assert_eq!(o.end, o.makespan, "nothing goes on");
        // What the parent waits for is booked to its children's ends.
        assert_eq!(o.causes[Cause::Queue as usize], ms(10 * need));
    }
    // What the cancelled children held is free again, and what they waited for has forgotten them.
    let then = vec![some(1, 4, in_turn()), Step::Lock(0, vec![io(ms(7))])];
    assert_eq!(latencies(&one(asyncio(), then)), [ms(17)]);
}

/// `as_completed`: each end wakes the parent through a callback, a put, and a step; to cancel and to await takes two iterations more.
#[test]
fn a_loop_takes_iterations_for_it() {
    let run = |need, count, steps: Vec<Step>| {
        let mut case = one(asyncio(), vec![some(need, count, steps)]);
        case.profile.params.aio_iteration = 1_000.0;
        latencies(&case)[0]
    };
    let us = |n: u64| Nanos(n * 1_000);
    // The first step; children; their callbacks; the parent.
    assert_eq!(run(1, 1, vec![]), us(1 + 3));
    assert_eq!(run(3, 5, vec![]), us(1 + 3), "all are over at once");
    // The child that has slept, its callback, the parent, which cancels; the other child; its callback; the parent.
    let slept = us(1 + 1) + ms(10) + us(1 + 1);
    let lock = vec![Step::Lock(0, vec![io(ms(10))])];
    assert_eq!(run(1, 2, lock), slept + us(1 + 1 + 1 + 1 + 1));
}

#[test]
fn a_pool_takes_out_what_has_not_begun() {
    // One worker has the parent, the other one child after another. The fourth begins before the parent runs again.
    let steps = vec![some(3, 10, vec![io(ms(10))]), io(ms(1))];
    let o = outcome(threads(2), steps.clone());
    assert_eq!((o.makespan, o.completed), (ms(31), 1));
    assert_eq!(o.end, ms(40), "the shutdown waits for the fourth");
    // Children that count nowhere leave no time: three have waited for the worker, and slept.
    let children: u128 = o.children.iter().map(|t| t.0).sum();
    let waited = 10 + 20 + 7 * 30;
    assert_eq!(children, u128::from(ms(3 * 10 + waited).0));
    // Enough workers: what runs goes on.
    let o = outcome(threads(5), vec![some(2, 4, in_turn())]);
    assert_eq!((o.makespan, o.end), (ms(20), ms(40)));
}

#[test]
fn threads_go_on_for_nobody() {
    let steps = vec![some(2, 4, in_turn()), io(ms(5))];
    let o = outcome(per_task(), steps);
    assert_eq!((o.makespan, o.end), (ms(25), ms(40)));
    // CPU is spent all the same, and no task has it.
    let steps = vec![some(1, 3, vec![Step::Lock(0, vec![cpu(ms(10))])])];
    let o = outcome(per_task(), steps);
    assert_eq!((o.makespan, o.cpu), (ms(10), Total::from(ms(30))));
    assert_eq!(o.children[Cause::Running as usize], ms(10));
}

#[test]
fn where_children_run_one_after_another_the_others_never_begin() {
    let pool = |api| Strategy::Processes {
        workers: Workers::Exactly(2),
        start: StartMethod::Fork,
        api,
        life: PoolLife::default(),
    };
    for strategy in [
        Strategy::Sequential,
        pool(ProcessApi::EXECUTOR),
        pool(ProcessApi::Pool { chunksize: None }),
        Strategy::Interpreters(Workers::Exactly(2)),
    ] {
        let steps = vec![some(2, 5, vec![cpu(ms(10))]), io(ms(1))];
        let mut case = one(strategy.clone(), steps);
        case.profile.params.interp_create = 1.0; // It has them.
        let o = case.run();
        assert!(o.makespan - ms(21) < Nanos(10), "{strategy:?}");
        assert!(o.cpu < Total::from(ms(20) + Nanos(10)), "{strategy:?}");
    }
    let call = vec![Step::Offload {
        to: None,
        steps: vec![some(2, 5, vec![cpu(ms(10))])],
    }];
    let o = outcome(strategy("asyncio+threads:4"), call);
    assert_eq!((o.makespan, o.cpu), (ms(20), Total::from(ms(20))));
}

/// A failed child is none of the needed ones; when too few are left, the task fails at once.
#[test]
fn failures_count_against_the_spare_ones() {
    let fails = |need, strategy: Strategy| {
        let child = vec![Step::Lock(0, vec![io(ms(10)), Step::Fail(1.0)])];
        let o = outcome(strategy, vec![some(need, 3, child), io(ms(50))]);
        (o.failed, o.makespan)
    };
    for strategy in [Strategy::Sequential, asyncio(), threads(4), per_task()] {
        assert_eq!(fails(1, strategy.clone()), (1, ms(30)), "{strategy:?}");
        assert_eq!(fails(2, strategy.clone()), (1, ms(20)), "{strategy:?}");
        assert_eq!(fails(3, strategy.clone()), (1, ms(10)), "{strategy:?}");
    }
    // Which fail is drawn: the first five that succeed are enough, whoever runs them.
    let child = vec![Step::Lock(0, vec![io(ms(10)), Step::Fail(0.5)])];
    let run = |strategy| outcome(strategy, vec![some(5, 12, child.clone())]).makespan;
    for strategy in [asyncio(), threads(13), per_task()] {
        let took = run(strategy.clone());
        assert!(took >= ms(50) && took <= ms(120), "{strategy:?}: {took:?}");
    }
    let apart = run(threads(2));
    assert!(
        apart > ms(50),
        "one after another, in their order: {apart:?}"
    );
    assert_eq!(run(asyncio()), apart);
    // A retry round the step does it all again.
    let retried = vec![Step::Retry {
        attempts: 2,
        backoff: ms(1).into(),
        steps: vec![some(2, 3, vec![io(ms(10)), Step::Fail(1.0)])],
    }];
    for strategy in [asyncio(), threads(4), per_task()] {
        assert_eq!(outcome(strategy, retried.clone()).makespan, ms(21));
    }
}

/// What a worker has of a cancelled coroutine goes on and counts nowhere; what it has not begun is cancelled with it.
#[test]
fn a_loop_leaves_work_to_its_workers() {
    let call = |steps| Step::Offload { to: None, steps };
    for child in [vec![cpu(ms(10))], vec![call(vec![cpu(ms(10))])]] {
        // Two at a time: the third and the fourth have begun when the first two are over.
        let steps = vec![some(2, 9, child.clone()), io(ms(5))];
        for short in ["asyncio+threads:2", "asyncio+processes:2:fork"] {
            let o = outcome(strategy(short), steps.clone());
            assert_eq!(o.makespan, ms(15), "{short}: {child:?}");
            // Two running, three in the call queue, and two that have taken the places of those that are over.
            let begun = if short.contains("threads") { 4 } else { 7 };
            assert_eq!(o.cpu, ms(10 * begun), "{short}: {child:?}");
            assert_eq!(o.children[Cause::Running as usize], ms(20), "{short}");
        }
    }
    // A part ends where the coroutine would have waited, though it stands in a loop, and gives back what it holds.
    let child = vec![Step::Repeat(
        3,
        vec![Step::Hold((1 << 20).into(), vec![cpu(ms(10)), io(ms(1))])],
    )];
    let hedged = vec![some(1, 2, vec![io(ms(5))]), io(ms(50))];
    let mut case = each(
        false,
        strategy("asyncio+threads:4"),
        &[vec![some(1, 2, vec![Step::Lock(0, child)])], hedged],
    );
    case.machine.timer_slack = Nanos::ZERO;
    let o = case.run();
    assert_eq!(o.completed, 2);
    // The second child has the lock before the parent runs, and hands over a part, which is all that its worker does.
    assert_eq!(o.cpu, ms(40));
}

#[test]
fn deadlines_end_the_wait_for_enough() {
    let late = |strategy: Strategy| {
        let steps = vec![Step::Timeout(ms(15).into(), vec![some(3, 4, in_turn())])];
        let o = outcome(strategy, steps);
        (o.timed_out, o.makespan)
    };
    assert_eq!(late(asyncio()), (1, ms(15)));
    // Threads are not interrupted: see the docs.
    assert_eq!(late(per_task()), (1, ms(30)));
    // A child's own deadline makes it fail, as any failure.
    let child = vec![Step::Timeout(ms(5).into(), vec![io(ms(10))])];
    for strategy in [Strategy::Sequential, asyncio(), threads(4), per_task()] {
        let o = outcome(strategy.clone(), vec![some(1, 2, child.clone())]);
        assert_eq!(o.timed_out, 1, "{strategy:?}");
    }
    // Cancelled from above, a task cancels what it waits for.
    let inner = vec![some(2, 3, vec![io(ms(100))])];
    let outer = vec![some(1, 2, vec![Step::Lock(0, inner), io(ms(1))])];
    let hedge = vec![some(
        1,
        2,
        vec![Step::Use(
            0,
            vec![io(ms(3)), Step::Timeout(ms(50).into(), outer)],
        )],
    )];
    let o = outcome(asyncio(), hedge);
    assert_eq!((o.makespan, o.end), (ms(106), ms(106)), "{o:?}");
}

/// Resources and queues are as if the cancelled had never asked.
#[test]
fn what_the_cancelled_used_comes_back() {
    let uses = vec![Step::Use(0, vec![io(ms(10))])];
    for strategy in [asyncio(), threads(6), per_task()] {
        let case = batch(
            false,
            strategy,
            vec![class(3, vec![some(1, 4, uses.clone()), io(ms(1))])],
        );
        assert_eq!(case.run().completed, 3);
    }
}

#[test]
fn the_first_of_several_draws_is_the_least() {
    let drawn = Dist::Exponential(ms(20));
    let run = |need, count| {
        let steps = vec![some(need, count, vec![Step::Io(drawn.clone())])];
        outcome(per_task(), steps).makespan
    };
    let each: Vec<Nanos> = (1..=5).map(|need| run(need, 5)).collect();
    assert!(each.windows(2).all(|w| w[0] < w[1]), "{each:?}");
    let all = vec![Step::FanOut {
        count: 5,
        need: None,
        steps: vec![Step::Io(drawn.clone())],
    }];
    assert_eq!(outcome(per_task(), all).makespan, each[4]);
}

#[test]
fn children_of_each_fan_out_draw_their_own_numbers() {
    let one_child = || Step::FanOut {
        count: 1,
        need: None,
        steps: vec![Step::Fail(0.5)],
    };
    for short in ["asyncio", "threads:per-task", "sequential"] {
        for steps in [
            vec![Step::Repeat(2, vec![one_child()])],
            vec![one_child(), one_child()],
        ] {
            let case = batch(false, strategy(short), vec![class(2_000, steps.clone())]);
            // Three of four tasks fail; four standard deviations of the binomial are 78.
            let failed = case.run().failed;
            assert!(failed.abs_diff(1_500) < 78, "{short} {steps:?}: {failed}");
        }
    }
}
