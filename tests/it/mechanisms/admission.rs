//! Who is let in, who is turned away, on arrival or when somebody takes them up; queues that refuse or drop; clients that give up and send again.

use pchsim::engine::Nanos;
use pchsim::scenario::{
    Admission, Arrivals, Backoff, Client, CoDel, Offload, Overflow, Scope, StartMethod, Step,
    Strategy,
};
use pchsim::strategy::{Finding, Outcome};

use super::{each, executor, threads};
use crate::common::{Case, class, io, machine, ms, profile, workload};

/// Workers that have one task at a time, however the others wait.
fn one_worker() -> [Strategy; 4] {
    let asyncio = Strategy::Asyncio {
        limit: Some(1),
        offload: Offload::None,
        pools: Vec::new(),
    };
    [
        Strategy::Sequential,
        threads(1),
        asyncio,
        executor(1, StartMethod::Fork),
    ]
}

/// So many tasks that arrive one after another, each of which waits for 25 ms.
fn arriving(every: Nanos, count: u64, strategy: Strategy) -> Case {
    let arrivals = Arrivals::Open {
        interval: every.into(),
        count: Some(count),
    };
    let w = workload(arrivals, vec![class(0, vec![io(ms(25))])]);
    Case::new(machine(16), profile(true), w, strategy)
}

fn all_ms(times: &[u64]) -> Vec<Nanos> {
    times.iter().copied().map(ms).collect()
}

/// What completes, and how many are rejected, where at most two are let in.
fn two_are_let_in(full: Overflow, per: Scope, latencies: &[u64], rejected: u64) {
    for strategy in one_worker() {
        if per == Scope::Process && strategy == Strategy::Sequential {
            continue; // It takes one in when the one before is over.
        }
        if full == Overflow::DropOldest && matches!(strategy, Strategy::Processes { .. }) {
            continue; // See below.
        }
        let mut case = arriving(ms(10), 6, strategy.clone());
        case.workload.admission = Some(Admission {
            limit: Some(2),
            full,
            per,
            shed: None,
        });
        let o = case.run();
        assert_eq!(
            o.latencies,
            all_ms(latencies),
            "{full:?} {per:?} {strategy:?}"
        );
        assert_eq!(o.rejected, rejected, "{full:?} {per:?} {strategy:?}");
    }
}

#[test]
fn newcomers_are_rejected_while_it_is_full() {
    // They come at 10, 20, ... ms. The first is done at 35, the second at 60, when the sixth comes: what ends at an instant has ended before.
    for per in [Scope::Everywhere, Scope::Process] {
        two_are_let_in(Overflow::Reject, per, &[25, 40, 45, 50], 2);
    }
}

#[test]
fn the_oldest_gives_its_place_up() {
    // The second at 30 ms, the fourth at 50.
    for per in [Scope::Everywhere, Scope::Process] {
        two_are_let_in(Overflow::DropOldest, per, &[25, 30, 35, 50], 2);
    }
}

/// A `ProcessPoolExecutor` has one call more than workers on its way, which cannot be cancelled any more: whoever comes while nobody can leave is rejected.
#[test]
fn what_is_on_its_way_to_a_process_is_not_dropped() {
    let mut case = arriving(ms(10), 6, executor(1, StartMethod::Fork));
    case.workload.admission = Some(Admission {
        limit: Some(2),
        full: Overflow::DropOldest,
        per: Scope::Process,
        shed: None,
    });
    assert_eq!(case.run().latencies, all_ms(&[25, 40, 45, 50]));
    // With room for one more, the third gives its place up to the fourth at 40 ms, and that to the sixth at 60.
    if let Some(admission) = &mut case.workload.admission {
        admission.limit = Some(3);
    }
    let o = case.run();
    assert_eq!(o.completed + o.rejected, 6);
    assert!(
        o.rejected > 0 && o.latencies.len() >= 4,
        "{:?}",
        o.latencies
    );
}

#[test]
fn whoever_is_pushed_back_waits_outside() {
    for per in [Scope::Everywhere, Scope::Process] {
        two_are_let_in(Overflow::Wait, per, &[25, 40, 55, 70, 85, 100], 0);
    }
}

/// With one place whoever holds it is worked on: nobody can be told to leave.
#[test]
fn who_is_worked_on_is_not_dropped() {
    for strategy in one_worker() {
        let mut case = arriving(ms(10), 4, strategy.clone());
        case.workload.admission = Some(Admission {
            limit: Some(1),
            full: Overflow::DropOldest,
            per: Scope::Everywhere,
            shed: None,
        });
        let o = case.run();
        assert_eq!(o.latencies, all_ms(&[25, 25]), "{strategy:?}");
        assert_eq!(o.rejected, 2);
    }
}

/// One place that is waited for is handed on, by pools whose main thread sleeps meanwhile, too.
#[test]
fn one_place_is_handed_on() {
    for per in [Scope::Everywhere, Scope::Process] {
        for strategy in one_worker() {
            let mut case = arriving(ms(10), 3, strategy.clone());
            case.workload.admission = Some(Admission {
                limit: Some(1),
                full: Overflow::Wait,
                per,
                shed: None,
            });
            assert_eq!(case.run().latencies, all_ms(&[25, 40, 55]), "{strategy:?}");
        }
    }
}

/// They come each 10 ms and take 25. Until 60 ms the first had waited for nothing; from 60 to 135 nobody waits less than 45 ms, so that from 160 on
/// who has waited for more than 20 is rejected: at 185 those who came from 80 to 160, at 210 the one who came at 180.
#[test]
fn a_standing_queue_is_shed() {
    for strategy in one_worker() {
        let mut case = arriving(ms(10), 19, strategy.clone());
        case.workload.admission = Some(Admission {
            limit: None,
            full: Overflow::Reject,
            per: Scope::Process,
            shed: Some(CoDel {
                target: ms(10),
                interval: ms(50),
            }),
        });
        let o = case.run();
        let served = all_ms(&[25, 40, 55, 70, 85, 100, 115, 40, 45]);
        assert_eq!(o.latencies, served, "{strategy:?}");
        assert_eq!(o.rejected, 10);
    }
}

fn patient(timeout: Option<u64>, retries: u32, propagate: bool) -> Client {
    Client {
        timeout: timeout.map(|t| ms(t).into()),
        retries,
        backoff: Backoff::from(ms(10)),
        propagate,
    }
}

/// They come each 20 ms and take 25; clients wait for 31. The second is answered a millisecond before it is too late, all after it are too late. The program works for nobody
/// until 170 ms, unless it knows.
#[test]
fn who_is_given_up_is_worked_on_unless_the_deadline_travels() {
    for strategy in one_worker() {
        for (propagate, end) in [(false, 170), (true, 151)] {
            let mut case = arriving(ms(20), 6, strategy.clone());
            case.workload.client = Some(patient(Some(31), 0, propagate));
            let o = case.run();
            assert_eq!(o.latencies, all_ms(&[25, 30]), "{strategy:?}");
            assert_eq!((o.timed_out, o.arrived), (4, 6));
            assert_eq!(o.end, ms(end), "{strategy:?}");
        }
    }
}

/// The second comes at 40 ms, begins at 45 and is given up at 65; it is sent again at 75, and answered at 100.
#[test]
fn what_is_given_up_is_sent_again() {
    for strategy in one_worker() {
        let mut case = arriving(ms(20), 2, strategy.clone());
        case.workload.client = Some(patient(Some(25), 1, false));
        let o = case.run();
        assert_eq!(o.latencies, all_ms(&[25, 60]), "{strategy:?}");
        assert_eq!((o.arrived, o.resent, o.timed_out), (3, 1, 1));
    }
}

/// Rejected at 40 ms, it is sent again at 50.
#[test]
fn what_is_rejected_is_sent_again() {
    for strategy in one_worker() {
        let mut case = arriving(ms(20), 2, strategy.clone());
        case.workload.client = Some(patient(None, 3, false));
        case.workload.admission = Some(Admission {
            limit: Some(1),
            full: Overflow::Reject,
            per: Scope::Everywhere,
            shed: None,
        });
        let o = case.run();
        assert_eq!(o.latencies, all_ms(&[25, 35]), "{strategy:?}");
        assert_eq!((o.arrived, o.resent, o.rejected), (3, 1, 1));
    }
}

/// No answer comes in time. Ten tokens, and a tenth of one for each request: the first eleven are sent again, and the 21st.
#[test]
fn a_budget_limits_what_is_sent_again() {
    let mut case = arriving(ms(100), 30, threads(4));
    case.workload.client = Some(Client {
        backoff: Backoff {
            budget: Some(100_000),
            ..Backoff::from(ms(10))
        },
        ..patient(Some(10), 1, false)
    });
    let o = case.run();
    assert_eq!((o.resent, o.timed_out, o.arrived), (12, 42, 42));
}

/// What a client waits for after the last arrival does not put the end of the run off.
#[test]
fn a_time_out_that_is_not_needed_takes_no_time() {
    let mut case = arriving(ms(20), 2, threads(2));
    case.workload.client = Some(patient(Some(10_000), 3, false));
    assert_eq!(case.run().end, ms(65));
}

fn puts(full: Overflow, capacity: u64) -> Outcome {
    // Three put at 0, 10 and 20 ms, one takes an item at 30.
    let put = |at| vec![io(ms(at)), Step::Put(1)];
    let get = vec![io(ms(30)), Step::Get(1)];
    let mut case = each(true, threads(4), &[put(0), put(10), put(20), get]);
    (
        case.workload.queues[1].capacity,
        case.workload.queues[1].full,
    ) = (Some(capacity), full);
    case.run()
}

#[test]
fn a_full_queue_waits_refuses_or_drops() {
    let o = puts(Overflow::Wait, 2);
    assert_eq!(o.latencies, all_ms(&[0, 10, 30, 30]));
    let o = puts(Overflow::Reject, 2);
    assert_eq!((o.latencies, o.failed), (all_ms(&[0, 10, 30]), 1));
    let o = puts(Overflow::DropOldest, 2);
    assert_eq!((o.latencies, o.failed), (all_ms(&[0, 10, 20, 30]), 0));
    // Who refuses a good part of what is put is reported, by its name.
    let o = puts(Overflow::Reject, 1);
    assert_eq!(o.failed, 2);
    let told =
        |f: &Finding| matches!(f, Finding::Rejections { resource, .. } if resource == "narrow");
    assert!(
        o.findings.iter().any(told) || o.findings.is_empty(),
        "{:?}",
        o.findings
    );
}
