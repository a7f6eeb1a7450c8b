//! `threading.Lock` and `multiprocessing.Lock`: facts sheet 4.

use pchsim::scenario::{StartMethod, Step};

use super::{batch, each, executor, latencies, threads, us};
use crate::common::{class, cpu, io, ms};

/// One task takes the lock five times for half a millisecond each, at once again each time; the other wants it from
/// 0.1 ms on, once.
fn greedy_and_patient() -> [Vec<Step>; 2] {
    let section = Step::Lock(0, vec![cpu(us(500))]);
    [
        vec![Step::Repeat(5, vec![section.clone()])],
        vec![io(us(100)), section],
    ]
}

/// 4.1: the releaser takes it again before the woken thread can, at 0.5 and 1.0 ms; at 1.5 ms the other has waited for
/// more than a millisecond, and is handed it.
#[test]
fn a_mutex_is_barged_for_a_millisecond_and_then_handed_over() {
    let case = each(false, threads(2), &greedy_and_patient());
    assert_eq!(latencies(&case), [ms(3), ms(2)]);
}

/// 4.1: the semaphore of 3.11 and 3.12 promises nothing.
#[test]
fn before_3_13_it_is_barged_for_ever() {
    let mut case = each(false, threads(2), &greedy_and_patient());
    case.profile.params.lock_fair = 0.0;
    assert_eq!(latencies(&case), [us(2_500), ms(3)]);
}

#[test]
fn waiters_are_served_in_order() {
    let section = vec![Step::Lock(0, vec![cpu(ms(2))])];
    let case = batch(false, threads(4), vec![class(4, section)]);
    assert_eq!(latencies(&case), [ms(2), ms(4), ms(6), ms(8)]);
}

/// A lock is of one process unless it is declared to be shared.
#[test]
fn only_shared_locks_reach_other_processes() {
    let run = |lock| {
        let section = vec![Step::Lock(lock, vec![cpu(ms(5))])];
        let strategy = executor(2, StartMethod::Fork);
        latencies(&batch(true, strategy, vec![class(2, section)]))
    };
    assert_eq!(run(0), [ms(5), ms(5)]);
    assert_eq!(run(1), [ms(5), ms(10)]);
}

/// 4.1: a free-threaded build yields for a while before it parks: within that time nobody is woken for it.
#[test]
fn a_short_wait_is_spun_away() {
    let section = Step::Lock(0, vec![cpu(us(2))]);
    let mut case = each(
        false,
        threads(2),
        // The second begins 50 us later: the main thread had parked until the first had begun.
        &[
            vec![io(us(1_050)), section.clone()],
            vec![io(ms(1)), section],
        ],
    );
    case.profile.params.lock_spin = 3_000.0;
    case.profile.params.park = 50_000.0;
    // Both come back from their sleep, for 50 us. The second looks again after 3 us, when the first has been gone for 1 us.
    assert_eq!(latencies(&case), [us(1_102), us(1_105)]);
}
