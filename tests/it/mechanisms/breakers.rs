//! Circuit breakers: what opens and closes them, who is refused, and who may try.

use pchsim::engine::Nanos;
use pchsim::scenario::{
    Backoff, Offload, ResourceKind, ResourceSpec, Scope, StartMethod, Step, Strategy, WhenFull,
    Workers,
};

use super::{each, executor, threads};
use crate::common::{Case, io, ms};

fn strategies() -> [Strategy; 4] {
    let asyncio = |offload| Strategy::Asyncio {
        limit: None,
        offload,
        pools: Vec::new(),
    };
    [
        threads(16),
        Strategy::Threads(Workers::PerTask),
        asyncio(Offload::None),
        asyncio(Offload::Threads(Workers::Exactly(4))),
    ]
}

fn breaker(failures: u64, half_open: u64) -> ResourceKind {
    ResourceKind::Breaker {
        failures,
        reset: ms(100),
        half_open,
    }
}

fn with(mut case: Case, kind: ResourceKind, scope: Scope) -> Case {
    case.workload.resources = vec![ResourceSpec {
        name: "payments".into(),
        kind,
        scope,
        full: WhenFull::Reject,
    }];
    case
}

/// Comes at this time, and is well after 10 ms.
fn well(at: Nanos) -> Vec<Step> {
    vec![io(at), Step::Use(0, vec![io(ms(10))])]
}

/// Comes at this time, and fails after so many milliseconds.
fn bad(at: u64, lasts: u64) -> Vec<Step> {
    let steps = vec![io(ms(lasts)), Step::Fail(1.0)];
    vec![io(ms(at)), Step::Use(0, steps)]
}

/// What those who come through bring to an end, in their order of arrival, and how many fail.
fn ends(kind: &ResourceKind, tasks: &[Vec<Step>], completed: &[u64], failed: u64) {
    for strategy in strategies() {
        let case = with(
            each(true, strategy.clone(), tasks),
            kind.clone(),
            Scope::Process,
        );
        let outcome = case.run();
        let due: Vec<Nanos> = completed.iter().copied().map(ms).collect();
        assert_eq!(outcome.latencies, due, "{strategy:?}");
        assert_eq!(outcome.failed, failed, "{strategy:?}");
    }
}

#[test]
fn an_open_breaker_refuses_until_one_tries_and_succeeds() {
    // Opens with the second failure in a row, at 30 ms, until 130 ms.
    let tasks = [
        bad(0, 10),
        bad(20, 10),
        well(ms(40)),
        well(Nanos(ms(130).0 - 1)),
        // The trial, one who comes meanwhile, and one who comes after it.
        well(ms(130)),
        well(ms(135)),
        well(ms(141)),
        // One failure does not open it again.
        bad(150, 10),
        well(ms(165)),
    ];
    ends(&breaker(2, 1), &tasks, &[140, 151, 175], 6);
}

#[test]
fn a_trial_that_fails_opens_it_again() {
    let tasks = [
        bad(0, 10),
        // Open until 110 ms, by the trial until 220 ms.
        bad(110, 10),
        well(ms(130)),
        well(ms(215)),
        well(ms(220)),
        well(ms(231)),
    ];
    ends(&breaker(1, 1), &tasks, &[230, 241], 4);
}

#[test]
fn a_success_ends_the_failures_in_a_row() {
    let tasks = [
        bad(0, 10),
        well(ms(20)),
        bad(40, 10),
        well(ms(60)),
        bad(80, 10),
    ];
    ends(&breaker(2, 1), &tasks, &[30, 70], 3);
}

/// pybreaker's `CircuitClosedState.on_failure` opens whenever there are enough in a row, and so moves `opened_at`.
#[test]
fn a_failure_of_a_call_that_began_before_opens_it_anew() {
    let tasks = [
        bad(0, 10),
        bad(0, 10),
        // Open at 10 ms, and anew at 60 ms.
        bad(0, 60),
        well(ms(120)),
        well(ms(160)),
    ];
    ends(&breaker(2, 1), &tasks, &[170], 4);
}

#[test]
fn so_many_try_at_once_and_as_many_have_to_succeed() {
    let tasks = [
        bad(0, 10),
        well(ms(110)),
        well(ms(112)),
        well(ms(115)),
        // The first has succeeded; this is the third trial.
        well(ms(121)),
        // The second has: it is closed, and three go at once.
        well(ms(123)),
        well(ms(124)),
    ];
    ends(&breaker(1, 2), &tasks, &[120, 122, 131, 133, 134], 2);
}

/// Whether the time-out stands within or around: what is cancelled in the middle has failed.
#[test]
fn time_outs_are_failures() {
    let inner = Step::Timeout(ms(5).into(), vec![io(ms(50))]);
    let within = vec![Step::Use(0, vec![inner])];
    let around = vec![Step::Timeout(
        ms(5).into(),
        vec![Step::Use(0, vec![io(ms(50))])],
    )];
    for late in [within, around] {
        for strategy in strategies() {
            let tasks = [late.clone(), well(ms(104)), well(ms(105))];
            let case = with(
                each(true, strategy, &tasks),
                breaker(1, 1),
                Scope::Everywhere,
            );
            let outcome = case.run();
            assert_eq!((outcome.timed_out, outcome.failed), (1, 1));
            assert_eq!(outcome.latencies, [ms(115)]);
        }
    }
}

/// A refusal is a failure as any other to who tries again, and takes no time.
#[test]
fn a_retry_around_it_pauses_and_comes_again() {
    let backoff = Backoff {
        factor: 1.0,
        ..Backoff::from(ms(30))
    };
    let steps = vec![Step::Use(0, vec![io(ms(10)), Step::Fail(1.0)])];
    let task = vec![Step::Retry {
        attempts: 10,
        backoff,
        steps,
    }];
    for strategy in strategies() {
        let case = each(true, strategy, std::slice::from_ref(&task));
        let outcome = with(case, breaker(2, 1), Scope::Loop).run();
        // Ten milliseconds each at 0, 40, 170 and 300 ms; refused at 80, 110, 140, 210, 240 and 270 ms.
        assert_eq!((outcome.retries, outcome.failed), (9, 1));
        assert_eq!(outcome.makespan, ms(310));
    }
}

#[test]
fn each_process_has_a_breaker_of_its_own_unless_it_is_one_for_all() {
    // The first worker takes the third task as well, the other one the second.
    let tasks = [bad(0, 10), well(ms(50)), well(ms(0))];
    for (scope, completed) in [(Scope::Process, 1), (Scope::Everywhere, 0)] {
        let case = each(true, executor(2, StartMethod::Fork), &tasks);
        let outcome = with(case, breaker(1, 1), scope).run();
        assert_eq!(
            (outcome.completed, outcome.failed),
            (completed, 3 - completed)
        );
    }
}
