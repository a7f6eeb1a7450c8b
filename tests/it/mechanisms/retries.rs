//! Attempts, the pauses between them, drawn time-outs, and what a rate limit says.

use pchsim::engine::{Nanos, StreamRole, Streams};
use pchsim::scenario::{
    Backoff, Dist, Jitter, Offload, ResourceKind, ResourceSpec, Scope, StartMethod, Step, Strategy,
    WhenFull, Workers,
};

use super::{batch, each, executor, latencies, threads};
use crate::common::{Case, class, cpu, io, ms};

fn asyncio(offload: Offload) -> Strategy {
    Strategy::Asyncio {
        limit: None,
        offload,
        pools: Vec::new(),
    }
}

fn everywhere() -> [Strategy; 4] {
    [
        Strategy::Sequential,
        threads(8),
        asyncio(Offload::None),
        asyncio(Offload::Threads(Workers::Exactly(8))),
    ]
}

fn retry(attempts: u32, backoff: Backoff, steps: Vec<Step>) -> Step {
    Step::Retry {
        attempts,
        backoff,
        steps,
    }
}

fn fails() -> Vec<Step> {
    vec![io(ms(1)), Step::Fail(1.0)]
}

#[test]
fn pauses_grow_by_the_factor_up_to_the_cap() {
    let backoff = Backoff {
        factor: 3.0,
        cap: Some(ms(40)),
        ..Backoff::from(ms(10))
    };
    let steps = vec![retry(5, backoff, fails())];
    for strategy in everywhere() {
        let o = each(true, strategy, std::slice::from_ref(&steps)).run();
        assert_eq!((o.failed, o.retries), (1, 4));
        assert_eq!(o.makespan, ms(1 + 10 + 1 + 30 + 1 + 40 + 1 + 40 + 1));
    }
}

/// The pauses of a task that always fails, as the formula has them from the task's own streams.
fn pauses(case: &Case, task: u64, backoff: &Backoff, count: u32) -> Vec<Nanos> {
    let streams = Streams::new(case.seed, 0, StreamRole::Patience);
    let mut previous = None;
    (1..=count)
        .map(|failed| {
            let mut rng = streams.task(task, u64::from(failed) - 1);
            let pause = backoff.pause(failed, previous, &mut rng);
            previous = Some(pause);
            pause
        })
        .collect()
}

/// Every strategy draws the same pauses, and they move no demand.
#[test]
fn jitter_is_drawn_from_streams_of_its_own() {
    let drawn = Dist::Exponential(ms(5));
    for jitter in [Jitter::Full, Jitter::Equal, Jitter::Decorrelated] {
        for base in [Dist::Constant(ms(10)), Dist::Uniform(ms(5), ms(20))] {
            let backoff = Backoff {
                base,
                cap: Some(ms(50)),
                jitter,
                ..Backoff::from(Nanos::ZERO)
            };
            let steps = |backoff: Backoff| {
                let inner = vec![Step::Io(drawn.clone()), Step::Fail(1.0)];
                vec![retry(4, backoff, inner), io(ms(1))]
            };
            for strategy in [Strategy::Sequential, threads(1)] {
                let case = |b: &Backoff| each(true, strategy.clone(), &[steps(b.clone())]);
                let with = case(&backoff);
                let pauses: Nanos = pauses(&with, 0, &backoff, 3).into_iter().sum();
                let (with, without) = (with.run(), case(&Backoff::from(Nanos::ZERO)).run());
                assert_eq!(with.makespan, without.makespan + pauses, "{jitter:?}");
                assert!(pauses > Nanos::ZERO && without.retries == 3);
            }
        }
    }
}

/// Kolmogorov-Smirnov at significance 0.001 (critical value 1.9495 / sqrt(n), n = 2 000 tasks): a right jitter fails one seed in a thousand,
/// and the seed is fixed.
#[test]
fn full_jitter_is_uniform_over_the_tasks() {
    const N: u32 = 2_000;
    let backoff = Backoff {
        jitter: Jitter::Full,
        ..Backoff::from(ms(100))
    };
    let steps = vec![retry(2, backoff, vec![Step::Fail(1.0)])];
    let case = batch(
        true,
        Strategy::Threads(Workers::PerTask),
        vec![class(u64::from(N), steps)],
    );
    let o = case.run();
    assert_eq!(o.retries, u64::from(N));
    let mut drawn: Vec<f64> = (0..u64::from(N))
        .map(|task| {
            pauses(
                &case,
                task,
                &Backoff {
                    jitter: Jitter::Full,
                    ..Backoff::from(ms(100))
                },
                1,
            )[0]
        })
        .map(|pause| pause.as_f64() / ms(100).as_f64())
        .collect();
    drawn.sort_by(f64::total_cmp);
    let n = f64::from(N);
    let off = |(i, x): (usize, &f64)| (x - i as f64 / n).abs().max((x - (i + 1) as f64 / n).abs());
    let worst = drawn.iter().enumerate().map(off).fold(0.0, f64::max);
    assert!(worst < 1.9495 / n.sqrt(), "{worst}");
    // The last of them ends the batch.
    assert_eq!(o.makespan, ms(100).scale(drawn[drawn.len() - 1]));
}

fn limited(strategy: Strategy, tasks: &[Vec<Step>]) -> Case {
    let mut case = each(true, strategy, tasks);
    case.workload.resources = vec![ResourceSpec {
        name: "api".into(),
        kind: ResourceKind::RateLimit {
            interval: ms(100),
            burst: 1,
            window: None,
        },
        scope: Scope::Everywhere,
        full: WhenFull::Reject,
    }];
    case
}

fn request() -> Vec<Step> {
    vec![Step::Use(0, vec![io(ms(10))])]
}

/// All who are rejected hear of the same token, and all but one come in vain.
#[test]
fn retry_after_takes_the_place_of_the_pause() {
    let heeding = Backoff {
        cap: Some(ms(20)),
        retry_after: true,
        jitter: Jitter::Full,
        ..Backoff::from(ms(30))
    };
    for strategy in [threads(3), asyncio(Offload::None)] {
        let steps = vec![retry(3, heeding.clone(), request())];
        let case = limited(strategy.clone(), &[steps.clone(), steps.clone(), steps]);
        assert_eq!(latencies(&case), [10, 110, 210].map(ms), "{strategy:?}");
        assert_eq!(case.run().retries, 1 + 2);
        // Without it the second comes at 30, 90 and 210 ms.
        let steps = |attempts| vec![retry(attempts, Backoff::from(ms(30)), request())];
        let case = limited(strategy.clone(), &[steps(4), steps(4)]);
        let o = case.run();
        assert_eq!((o.completed, o.retries, o.makespan), (2, 3, ms(220)));
        let o = limited(strategy, &[steps(3), steps(3)]).run();
        assert_eq!((o.completed, o.failed, o.retries), (1, 1, 2));
    }
}

/// Only the rejection says when to come again: a failure of another kind is paused for, and so is what a retry within has caught.
#[test]
fn only_a_rejection_says_when_to_come_again() {
    let heeding = Backoff {
        retry_after: true,
        ..Backoff::from(ms(7))
    };
    for strategy in [threads(3), asyncio(Offload::None)] {
        let mut steps = request();
        steps.push(Step::Fail(1.0));
        let case = limited(strategy.clone(), &[vec![retry(2, heeding.clone(), steps)]]);
        // 10 ms, the pause, and a rejection at 17 ms.
        assert_eq!(case.run().makespan, ms(17));
        // The inner one is rejected twice and pauses between; the second time says 90 ms.
        let inner = vec![retry(2, Backoff::from(ms(10)), request())];
        let outer = vec![retry(2, heeding.clone(), inner)];
        let case = limited(strategy.clone(), &[request(), outer]);
        assert_eq!(latencies(&case), [10, 110].map(ms));
        assert_eq!(case.run().retries, 2);
        // What came as a time-out is no rejection, whatever was said before.
        let late = vec![retry(
            2,
            heeding.clone(),
            vec![Step::Timeout(
                ms(5).into(),
                vec![retry(2, Backoff::from(ms(50)), request())],
            )],
        )];
        let case = limited(strategy, &[request(), late]);
        assert_eq!(case.run().makespan, ms(5 + 7 + 5));
    }
}

/// An attempt counts when it begins: not if the time for all of them runs out during the pause.
#[test]
fn attempts_are_counted_as_they_begin() {
    for strategy in everywhere() {
        let run = |steps: Vec<Step>| {
            let o = each(true, strategy.clone(), &[steps]).run();
            (o.retries, o.makespan)
        };
        let endless = |backoff| retry(9, Backoff::from(backoff), fails());
        let limited = |within| vec![Step::Timeout(ms(within).into(), vec![endless(ms(10))])];
        assert_eq!(run(limited(8)), (0, ms(8)));
        assert_eq!(run(limited(12)), (1, ms(12)));
        assert_eq!(run(vec![endless(Nanos::ZERO)]), (8, ms(9)));
        let children = Step::FanOut {
            count: 2,
            need: None,
            steps: vec![retry(
                3,
                Backoff::from(Nanos::ZERO),
                vec![io(ms(1)), Step::Fail(0.0)],
            )],
        };
        assert_eq!(run(vec![children]).0, 0);
        assert_eq!(
            run(vec![retry(5, Backoff::from(ms(1)), vec![cpu(ms(1))])]).0,
            0
        );
    }
    let children = |strategy| {
        let steps = vec![Step::FanOut {
            count: 2,
            need: None,
            steps: vec![retry(3, Backoff::from(Nanos::ZERO), fails())],
        }];
        each(true, strategy, &[steps]).run().retries
    };
    assert_eq!(children(asyncio(Offload::None)), 4);
    assert_eq!(children(threads(3)), 4);
}

/// A time-out that is drawn is drawn anew for each attempt, and moves no demand.
#[test]
fn time_outs_are_drawn_from_streams_of_their_own() {
    let after = Dist::Uniform(ms(5), ms(20));
    let steps = vec![
        retry(
            3,
            Backoff::from(Nanos::ZERO),
            vec![Step::Timeout(after.clone(), vec![io(ms(50))])],
        ),
        io(ms(1)),
    ];
    for strategy in [Strategy::Sequential, threads(1)] {
        let case = each(true, strategy, std::slice::from_ref(&steps));
        let streams = Streams::new(case.seed, 0, StreamRole::Patience);
        let times = [0, 1, 2].map(|n| after.sample(&mut streams.task(0, n)));
        let o = case.run();
        assert_eq!((o.timed_out, o.retries), (1, 2));
        assert_eq!(o.makespan, times.into_iter().sum());
        assert!(times[0] != times[1] && times[1] != times[2]);
    }
}

/// Ten tokens at first. Each first attempt adds a fifth, which the full bucket has no room for; each retry takes one.
#[test]
fn a_budget_allows_so_many_retries_for_so_many_first_attempts() {
    let backoff = Backoff {
        budget: Some(200_000),
        ..Backoff::from(Nanos::ZERO)
    };
    let steps = vec![retry(2, backoff, fails())];
    let retries = |strategy: &Strategy, tasks| {
        let case = batch(true, strategy.clone(), vec![class(tasks, steps.clone())]);
        let o = case.run();
        assert_eq!(o.failed, tasks, "{strategy:?}");
        o.retries
    };
    for strategy in [Strategy::Sequential, threads(1)] {
        // The k-th task finds 10 - 0.8 (k - 1) tokens until the twelfth leaves 0.2; from then on four in five only add to it.
        for (tasks, retried) in [
            (1, 1),
            (12, 12),
            (13, 12),
            (15, 12),
            (16, 13),
            (24, 14),
            (30, 15),
        ] {
            assert_eq!(retries(&strategy, tasks), retried, "{strategy:?}, {tasks}");
        }
    }
    // All at once: 24 first attempts begin with a full bucket, and none comes after them.
    for strategy in [threads(24), asyncio(Offload::None)] {
        assert_eq!(retries(&strategy, 24), 10, "{strategy:?}");
    }
    // Each process has a budget of its own, here for half of the tasks.
    assert_eq!(retries(&executor(2, StartMethod::Fork), 24), 24);
}

/// Without a token the failure goes on, to the retry around it, which has a budget of its own, and to the breaker.
#[test]
fn what_a_budget_does_not_allow_fails() {
    let backoff = |budget| Backoff {
        budget,
        factor: 1.0,
        ..Backoff::from(ms(10))
    };
    for strategy in everywhere() {
        let inner = retry(100, backoff(Some(1)), fails());
        let steps = vec![retry(3, backoff(None), vec![inner])];
        let o = each(true, strategy, std::slice::from_ref(&steps)).run();
        // Ten retries within the first attempt, and none in the two after it.
        assert_eq!((o.failed, o.retries), (1, 10 + 2));
        assert_eq!(o.makespan, ms(11 + 10 * 10 + 2 * (10 + 1)));
    }
}
