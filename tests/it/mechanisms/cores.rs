//! Cores, time slices and speeds.

use pchsim::engine::Nanos;
use pchsim::scenario::{Dist, Step, Strategy};
use pchsim::strategy::Cause;

use super::{batch, each, latencies, threads, us};
use crate::common::{class, cpu, io, machine, ms};

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
    assert_eq!((o.cpu, o.gil_held), (ms(20).into(), Nanos::ZERO.into()));
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

/// Cores that are all busy slow each other by the machine's interference; one that is busy alone is not slowed, and a burst is slow
/// only as long as the other lasts.
#[test]
fn busy_cores_slow_each_other() {
    let run = |tasks: &[Vec<Step>]| {
        let mut case = each(false, threads(2), tasks);
        case.machine = machine(2);
        case.machine.interference = 0.25;
        case.run().latencies
    };
    assert_eq!(run(&[vec![cpu(ms(10))]]), [ms(10)]);
    assert_eq!(run(&[vec![cpu(ms(8))], vec![cpu(ms(8))]]), [ms(10), ms(10)]);
    // Both run for 10 ms, in which the longer one does 8 of its 20.
    assert_eq!(
        run(&[vec![cpu(ms(8))], vec![cpu(ms(20))]]),
        [ms(10), ms(22)]
    );
}

/// Waking a thread on an idle core: the waker pays for the interrupt, the woken for the cold core, each as CPU time.
#[test]
fn who_wakes_an_idle_core_and_who_is_woken_there_pay() {
    let run = |send: u64, cold: u64| {
        // The second waits for the lock that the first holds for 2 ms.
        let held = |first: u64| vec![io(ms(first)), Step::Lock(0, vec![cpu(ms(2))]), cpu(ms(1))];
        let mut case = each(false, threads(2), &[held(1), held(2)]);
        case.machine = machine(2);
        case.machine.wake_send = vec![(Nanos(1), us(send))];
        case.machine.wake_cpu = vec![(Nanos(1), us(cold))];
        case.run()
    };
    let free = run(0, 0);
    let (send, cold) = (run(50, 0), run(0, 50));
    // Each interrupt delays its sender, and the woken comes as much later; each return to a cold core delays who returns.
    for paid in [&send, &cold] {
        assert!(paid.latencies[0] >= free.latencies[0] + us(50));
        assert!(paid.latencies[1] >= free.latencies[1] + us(50));
    }
    let more =
        |o: &pchsim::strategy::Outcome| (o.cpu.as_f64() - free.cpu.as_f64()) / us(50).as_f64();
    // Interrupts: two threads begin and say so, one wakes the other from the lock, the last one the main thread; sleepers wake by
    // timers, which send none, but come back to cold cores as well.
    assert!((more(&send) - 6.0).abs() < 1e-9, "{}", more(&send));
    assert!(more(&cold) >= more(&send) + 2.0, "{}", more(&cold));
}

/// A woken thread does not find a core that its hypervisor has halted: it waits on the core that it was on, though another idles.
#[test]
fn threads_wait_where_they_were_while_halted_cores_idle() {
    let waiting = |halted_after| {
        let exponential = |time| Dist::Exponential(time);
        let round = vec![
            Step::Io(exponential(ms(2))),
            Step::Cpu(exponential(us(500))),
        ];
        let rounds = vec![Step::Repeat(200, round)];
        let mut case = batch(false, threads(8), vec![class(8, rounds)]);
        case.machine = machine(4);
        case.machine.halted_after = halted_after;
        let o = case.run();
        let core = o.causes[Cause::Core as usize].as_f64();
        core / o.cpu.as_f64()
    };
    let found = waiting(None);
    assert_eq!(waiting(Some(Nanos::MAX)), found);
    let halted = waiting(Some(us(30)));
    assert!(halted > 1.3 * found, "{halted} against {found}");
}

/// Three threads on two cores: the first is done after 1 ms, while the third waits behind the second. The core that becomes idle takes it at
/// once, or waits for somebody who moves it.
#[test]
fn a_core_that_becomes_idle_looks_at_once_or_later() {
    let run = |new_idle: f64| {
        let tasks = [1, 10, 10].map(|n| vec![cpu(ms(n))]);
        let mut case = each(false, threads(3), &tasks);
        case.machine = machine(2);
        case.machine.new_idle = new_idle;
        latencies(&case)
    };
    assert_eq!(run(1.0), [ms(1), ms(10), ms(11)]);
    let never = run(0.0);
    assert!(never[2] > ms(11) && never[2] <= ms(14), "{never:?}");
}
