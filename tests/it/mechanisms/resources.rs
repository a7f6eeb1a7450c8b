//! Semaphores, pools of connections and rate limits: who gets them, when, and what comes back.

use pchsim::engine::Nanos;
use pchsim::scenario::{
    Offload, ResourceKind, ResourceSpec, Scope, StartMethod, Step, Strategy, WhenFull, Workers,
};
use pchsim::strategy::{Cause, Finding};

use super::{batch, each, executor, latencies, threads};
use crate::common::{Case, class, cpu, io, ms};

fn asyncio() -> Strategy {
    Strategy::Asyncio {
        limit: None,
        offload: Offload::None,
        pools: Vec::new(),
    }
}

fn using(steps: Vec<Step>) -> Step {
    Step::Use(0, steps)
}

fn with(mut case: Case, kind: ResourceKind, scope: Scope, full: WhenFull) -> Case {
    case.workload.resources = vec![ResourceSpec {
        name: "r".into(),
        kind,
        scope,
        full,
    }];
    case
}

fn semaphore(count: u64) -> ResourceKind {
    ResourceKind::Semaphore { count }
}

fn connections(size: u64, overflow: u64) -> ResourceKind {
    ResourceKind::Connections {
        size,
        overflow,
        connect: ms(5),
        lifetime: None,
        to: None,
    }
}

/// Five tasks of 10 ms behind two permits.
fn five(strategy: Strategy) -> Case {
    batch(
        true,
        strategy,
        vec![class(5, vec![using(vec![io(ms(10))])])],
    )
}

#[test]
fn permits_are_waited_for_in_order() {
    let turns = [ms(10), ms(10), ms(20), ms(20), ms(30)];
    for strategy in [asyncio(), threads(5), Strategy::Threads(Workers::PerTask)] {
        let case = with(five(strategy), semaphore(2), Scope::Process, WhenFull::Wait);
        let outcome = case.run();
        assert_eq!(outcome.latencies, turns);
        let waited = outcome.causes[Cause::Resource as usize].as_secs_f64();
        assert!((waited - 0.040).abs() < 1e-9, "{waited}");
    }
    // One after another nobody waits for a permit.
    let case = with(
        five(Strategy::Sequential),
        semaphore(2),
        Scope::Process,
        WhenFull::Wait,
    );
    let outcome = case.run();
    assert_eq!(outcome.causes[Cause::Resource as usize], Nanos::ZERO);
}

#[test]
fn each_process_has_its_own_unless_it_is_one_for_all() {
    let case = five(executor(5, StartMethod::Fork));
    let per_process = with(case, semaphore(1), Scope::Process, WhenFull::Wait);
    assert!(latencies(&per_process).iter().all(|l| *l < ms(20)));
    let case = five(executor(5, StartMethod::Fork));
    let everywhere = with(case, semaphore(1), Scope::Everywhere, WhenFull::Wait);
    let last = latencies(&everywhere).into_iter().max().unwrap();
    assert!(last >= ms(50) && last < ms(60), "{last:?}");
}

#[test]
fn who_is_rejected_or_gives_up_leaves_the_line() {
    for strategy in [asyncio(), threads(5)] {
        let case = with(
            five(strategy.clone()),
            semaphore(2),
            Scope::Process,
            WhenFull::Reject,
        );
        let outcome = case.run();
        assert_eq!((outcome.completed, outcome.failed), (2, 3), "{strategy:?}");
        assert_eq!(outcome.makespan, ms(10));
        // Two get their permits at once, two after 10 ms; the last has given up by then.
        let case = with(
            five(strategy.clone()),
            semaphore(2),
            Scope::Process,
            WhenFull::GiveUp(ms(15)),
        );
        let outcome = case.run();
        assert_eq!(
            (outcome.completed, outcome.timed_out),
            (4, 1),
            "{strategy:?}"
        );
        assert_eq!(outcome.makespan, ms(20));
    }
}

/// What fails or runs out of time gives back what it has: those who come after it are not kept from it.
#[test]
fn what_ends_badly_gives_back() {
    let failing = vec![
        using(vec![io(ms(10)), Step::Fail(1.0)]),
        using(vec![io(ms(10))]),
    ];
    let late = vec![Step::Timeout(ms(10).into(), vec![using(vec![io(ms(50))])])];
    let good = vec![using(vec![io(ms(10))])];
    for strategy in [asyncio(), threads(3)] {
        let case = each(
            true,
            strategy.clone(),
            &[failing.clone(), late.clone(), good.clone(), good.clone()],
        );
        let outcome = with(case, semaphore(1), Scope::Process, WhenFull::Wait).run();
        assert_eq!(
            (outcome.completed, outcome.failed, outcome.timed_out),
            (2, 1, 1),
            "{strategy:?}"
        );
        // The first fails at 10 ms; the second has just given up, and the others follow.
        assert_eq!(outcome.makespan, ms(30), "{strategy:?}");
    }
}

/// `SQLAlchemy`'s rules: opened when needed, kept up to `size`, the others closed when they come back.
#[test]
fn connections_are_opened_when_they_are_needed() {
    let task = vec![
        using(vec![io(ms(10))]),
        io(ms(100)),
        using(vec![io(ms(10))]),
    ];
    let run = |size, overflow| {
        let case = batch(true, asyncio(), vec![class(3, task.clone())]);
        let case = with(
            case,
            connections(size, overflow),
            Scope::Process,
            WhenFull::Wait,
        );
        latencies(&case)
    };
    // Each opens its own, and finds one open the second time.
    assert_eq!(run(3, 0), [ms(125), ms(125), ms(125)]);
    // One is kept: of the others' second uses each opens a new one.
    assert_eq!(run(1, 2), [ms(125), ms(130), ms(130)]);
    // One for all: who comes second waits, and connects no more.
    assert_eq!(run(1, 0), [ms(125), ms(135), ms(145)]);
}

#[test]
fn old_connections_are_opened_anew() {
    let task = vec![
        using(vec![io(ms(10))]),
        io(ms(100)),
        using(vec![io(ms(10))]),
    ];
    let case = each(true, threads(1), &[task]);
    let kind = ResourceKind::Connections {
        size: 1,
        overflow: 0,
        connect: ms(5),
        lifetime: Some(ms(50)),
        to: None,
    };
    let case = with(case, kind, Scope::Process, WhenFull::Wait);
    assert_eq!(latencies(&case), [ms(130)]);
}

#[test]
fn a_rate_limit_spreads_what_comes_at_once() {
    let bucket = |burst| ResourceKind::RateLimit {
        interval: ms(100),
        burst,
        window: None,
    };
    for strategy in [asyncio(), threads(5)] {
        let case = with(
            five(strategy.clone()),
            bucket(2),
            Scope::Everywhere,
            WhenFull::Wait,
        );
        assert_eq!(
            latencies(&case),
            [ms(10), ms(10), ms(110), ms(210), ms(310)],
            "{strategy:?}"
        );
        let case = with(
            five(strategy.clone()),
            bucket(2),
            Scope::Everywhere,
            WhenFull::Reject,
        );
        assert_eq!(case.run().failed, 3);
        let case = with(
            five(strategy),
            bucket(2),
            Scope::Everywhere,
            WhenFull::GiveUp(ms(150)),
        );
        let outcome = case.run();
        // The third waits 100 ms, the others would wait longer than they do.
        assert_eq!((outcome.completed, outcome.timed_out), (3, 2));
        assert_eq!(outcome.makespan, ms(150));
    }
    let window = ResourceKind::RateLimit {
        interval: ms(50),
        burst: 2,
        window: Some(ms(100)),
    };
    let case = with(five(asyncio()), window, Scope::Loop, WhenFull::Wait);
    assert_eq!(
        latencies(&case),
        [ms(10), ms(10), ms(110), ms(110), ms(210)]
    );
}

/// An offloaded stretch within the block runs on a worker; the permit stays with the coroutine.
#[test]
fn a_permit_is_kept_while_work_is_offloaded() {
    let strategy = Strategy::Asyncio {
        limit: None,
        offload: Offload::Threads(Workers::Exactly(4)),
        pools: Vec::new(),
    };
    let case = batch(
        false,
        strategy,
        vec![class(4, vec![using(vec![cpu(ms(10)), io(ms(10))])])],
    );
    let case = with(case, semaphore(2), Scope::Loop, WhenFull::Wait);
    assert_eq!(latencies(&case), [ms(20), ms(20), ms(40), ms(40)]);
}

#[test]
fn a_deadlock_names_who_has_what_is_waited_for() {
    let used = |first, second| {
        let inner = Step::Use(second, vec![io(ms(1))]);
        vec![Step::Use(first, vec![io(ms(10)), inner])]
    };
    for strategy in [asyncio(), threads(2)] {
        let mut case = each(true, strategy, &[used(0, 1), used(1, 0)]);
        case.workload.resources = ["a", "b"]
            .map(|name| ResourceSpec {
                name: name.into(),
                kind: semaphore(1),
                scope: Scope::Process,
                full: WhenFull::Wait,
            })
            .into();
        let out = case.run();
        let [Finding::Deadlock { waiting, .. }] = out.findings.as_slice() else {
            panic!("{:?}", out.findings);
        };
        let both = waiting.join("; ");
        for who in ["'b', which class 1 #2 has", "'a', which class 0 #1 has"] {
            assert!(both.contains(who), "{both}");
        }
    }
}
