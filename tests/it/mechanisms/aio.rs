//! The event loop: facts sheet 11.

use pchsim::engine::Nanos;
use pchsim::scenario::{Arrivals, Offload, Step, Strategy, TracedTask, Workers};
use pchsim::strategy::{Cause, Finding};

use super::{batch, each, latencies, us};
use crate::common::{Case, class, cpu, io, ms};

fn asyncio(limit: Option<u32>, offload: Offload) -> Strategy {
    Strategy::Asyncio {
        limit,
        offload,
        pools: Vec::new(),
    }
}

fn plain() -> Strategy {
    asyncio(None, Offload::None)
}

/// A loop whose iterations take a microsecond, and nothing else takes time.
fn iterations(mut case: Case) -> Vec<Nanos> {
    case.profile.params.aio_iteration = 1_000.0;
    latencies(&case)
}

/// 11.1: `epoll_wait` takes whole milliseconds, rounded up; the kernel adds its slack.
#[test]
fn sleeps_end_at_whole_milliseconds() {
    let run = |sleep, slack| {
        let mut case = each(true, plain(), &[vec![io(us(sleep))]]);
        case.machine.timer_slack = us(slack);
        latencies(&case)[0]
    };
    assert_eq!(run(100, 0), ms(1));
    assert_eq!(run(1_000, 0), ms(1));
    assert_eq!(run(1_001, 0), ms(2));
    assert_eq!(run(100, 50), us(1_050));
    // A timer that is due when the loop comes round is late by nothing.
    let case = each(true, plain(), &[vec![io(us(100))], vec![cpu(us(700))]]);
    assert_eq!(latencies(&case), [us(700), us(700)]);
}

/// 11.2: what operations cost in iterations.
#[test]
fn operations_take_iterations() {
    let run = |steps: Vec<Step>| iterations(each(true, plain(), &[steps]))[0];
    let child = |n, steps| Step::FanOut {
        count: n,
        need: None,
        steps,
    };
    // The first step.
    assert_eq!(run(vec![]), us(1));
    // A timer sets the future, the step comes in the iteration after.
    assert_eq!(run(vec![io(ms(1))]), us(1) + ms(1) + us(1) + us(1));
    // gather: children in the next, their callbacks in the one after, the awaiter in the third.
    assert_eq!(run(vec![child(1, vec![])]), us(1 + 3));
    assert_eq!(run(vec![child(5, vec![])]), us(1 + 3));
    // A lock that nobody holds, even across a wait that is over at once.
    assert_eq!(
        run(vec![Step::Lock(0, vec![Step::Put(0), Step::Get(0)])]),
        us(1)
    );
}

/// 11.2: worker ends, the loop wakes, sets the future, and steps the task in the iteration after.
#[test]
fn an_offload_comes_back_after_two_iterations() {
    let threads = asyncio(None, Offload::Threads(Workers::Exactly(1)));
    let case = each(false, threads, &[vec![cpu(ms(1))]]);
    // The step that submits; the work, within which the loop goes to sleep; the wake-up costs nothing here; the step.
    assert_eq!(iterations(case), [us(1) + ms(1) + us(1)]);
}

#[test]
fn offloaded_work_leaves_the_loop_free() {
    let run = |offload| {
        latencies(&each(
            false,
            asyncio(None, offload),
            &[vec![cpu(ms(50))], vec![io(ms(10))]],
        ))
    };
    assert_eq!(run(Offload::None), [ms(50), ms(60)]);
    let two = Workers::Exactly(2);
    assert_eq!(run(Offload::Threads(two)), [ms(50), ms(10)]);
}

#[test]
fn a_limit_is_kept_in_order() {
    let limited = |limit| asyncio(Some(limit), Offload::None);
    let case = |limit, steps| batch(true, limited(limit), vec![class(6, steps)]);
    let waits = || vec![io(ms(10))];
    assert_eq!(
        latencies(&case(2, waits())),
        [10, 10, 20, 20, 30, 30].map(ms)
    );
    assert_eq!(latencies(&case(6, waits())), [ms(10); 6]);
    // The children of a task that is in are in.
    let parents = vec![Step::FanOut {
        count: 3,
        need: None,
        steps: waits(),
    }];
    assert_eq!(
        latencies(&case(3, parents)),
        [10, 10, 10, 20, 20, 20].map(ms)
    );
}

/// While it waits for its permit a task does not wait for the loop, which is idle.
#[test]
fn waiting_for_a_limit_has_a_cause_of_its_own() {
    let limited = asyncio(Some(2), Offload::None);
    let batch = batch(true, limited, vec![class(6, vec![io(ms(10))])]);
    let mut recorded = batch.clone();
    let task = TracedTask {
        at: ms(3),
        class: 0,
        demands: Vec::new(),
    };
    recorded.workload.arrivals = Arrivals::Trace(vec![task; 6]);
    for case in [batch, recorded] {
        let o = case.run();
        assert_eq!(o.causes[Cause::Limit as usize], ms(2 * 10 + 2 * 20));
        assert_eq!(o.causes[Cause::Io as usize], ms(6 * 10));
        assert_eq!(o.causes[Cause::Loop as usize], Nanos::ZERO);
    }
}

/// A coroutine finds out how long it has to sleep when it begins, not when it is made.
#[test]
fn recorded_arrivals_are_not_late_by_the_making_of_all_tasks() {
    let mut case = each(true, plain(), &[vec![io(ms(1))]]);
    let task = |at| TracedTask {
        at,
        class: 0,
        demands: Vec::new(),
    };
    case.profile.params.aio_task_create = 1e6;
    case.workload.arrivals = Arrivals::Trace((0..10).map(|i| task(ms(100 + 10 * i))).collect());
    assert_eq!(latencies(&case), [ms(1); 10]);
    // What arrives during the burst is late by what is left of it.
    case.workload.arrivals = Arrivals::Trace((0..10).map(|i| task(ms(1 + i))).collect());
    assert_eq!(latencies(&case)[0], ms(9 + 1));
}

#[test]
fn loop_locks_are_first_in_first_out() {
    let section = vec![Step::Lock(0, vec![io(ms(10))])];
    assert_eq!(
        latencies(&batch(true, plain(), vec![class(4, section)])),
        [10, 20, 30, 40].map(ms)
    );
}

/// A part that holds a thread lock gives it back before it waits for one of the loop's, whichever worker goes on.
#[test]
fn locks_round_a_lock_that_is_awaited_are_the_loops_own() {
    let offload = asyncio(None, Offload::Threads(Workers::Exactly(2)));
    let awaited = vec![Step::Lock(0, vec![io(ms(10))])];
    let round = vec![Step::Lock(
        1,
        vec![cpu(ms(1)), Step::Lock(0, vec![cpu(ms(1))]), cpu(ms(1))],
    )];
    let case = batch(true, offload, vec![class(1, awaited), class(2, round)]);
    assert_eq!(case.run().completed, 3);
}

/// 11.1: asyncio's debug mode reports callbacks of more than 100 ms.
#[test]
fn a_blocked_loop_is_found() {
    let run = |time| {
        each(true, plain(), &[vec![io(ms(10)), cpu(ms(time))]])
            .run()
            .findings
    };
    assert_eq!(run(100), []);
    let [found] = &run(101)[..] else {
        panic!("one finding")
    };
    assert_eq!(
        *found,
        Finding::BlockedLoop {
            at: ms(10),
            lasted: ms(101)
        }
    );
}
