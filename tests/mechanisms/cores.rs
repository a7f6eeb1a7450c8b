//! Cores, time slices and speeds.

use pchsim::engine::Nanos;
use pchsim::scenario::{Dist, Step, Strategy};

use crate::common::{class, cpu, io, machine, ms};
use crate::{batch, each, latencies, threads, us};

#[test]
fn a_sequential_batch_is_a_sum() {
    let long = vec![cpu(ms(10)), io(ms(5))];
    let short = vec![Step::Native(Dist::Constant(ms(2)))];
    let case = batch(
        true,
        Strategy::Sequential,
        vec![class(2, long), class(1, short)],
    );
    assert_eq!(latencies(&case), [ms(15), ms(30), ms(32)]);
}

#[test]
fn free_threads_run_side_by_side() {
    let o = batch(false, threads(2), vec![class(2, vec![cpu(ms(10))])]).run();
    assert_eq!(o.latencies, [ms(10), ms(10)]);
    assert_eq!((o.cpu, o.gil_held), (ms(20).into(), Nanos::ZERO));
}

#[test]
fn a_core_half_as_fast_takes_twice_as_long() {
    let mut case = batch(
        true,
        Strategy::Sequential,
        vec![class(2, vec![cpu(ms(10)), io(ms(1))])],
    );
    case.machine = machine(1);
    case.machine.cores = vec![0.5];
    assert_eq!(latencies(&case), [ms(21), ms(42)]);
}

/// 2.1: two busy threads on one core take turns of a base slice (0.7 ms on one core).
#[test]
fn threads_on_one_core_take_turns() {
    let work = |time| vec![io(ms(1)), cpu(time)];
    let mut case = each(false, threads(2), &[work(us(1_400)), work(us(2_000))]);
    case.machine = machine(1);
    // From 1 ms on: 0.7 A, 0.7 B, 0.7 A (done), 1.3 B.
    assert_eq!(latencies(&case), [us(1_000 + 2_100), us(1_000 + 3_400)]);
}

/// 2.1: where there is a tick the end of a slice is noticed at the next one: every 4 ms with 250 Hz.
#[test]
fn a_slice_ends_at_a_tick() {
    let work = |time| vec![io(ms(1)), cpu(time)];
    let mut case = each(false, threads(2), &[work(ms(5)), work(ms(6))]);
    case.machine = machine(1);
    case.machine.hz = 250;
    // A 1 to 4, B 4 to 8, A 8 to 10 (done), B 10 to 12.
    assert_eq!(latencies(&case), [ms(10), ms(12)]);
}
