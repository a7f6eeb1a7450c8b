//! The GIL: facts sheet 3.

use pchsim::engine::Nanos;
use pchsim::scenario::{Dist, Step, Strategy, Workers};
use pchsim::strategy::Finding;

use super::{each, threads, us};
use crate::common::{cpu, io, ms};

fn native(time: Nanos) -> Step {
    Step::Native(Dist::Constant(time))
}

/// 3.2, 3.3, 3.7: slices of the switch interval (5 ms) and the time to the next checkpoint (100 ns), turn by turn.
#[test]
fn two_computing_threads_alternate() {
    let work = vec![io(ms(10)), cpu(ms(20))];
    let o = each(true, threads(2), &[work.clone(), work]).run();
    // Three slices of 5.0001 ms each; then the first has 4.9997 ms left, and after it the other as much.
    assert_eq!(o.latencies, [Nanos(45_000_300), Nanos(50_000_000)]);
    assert_eq!(o.gil_held, ms(40));
    assert_eq!(o.gil_contended, Nanos(35_000_300));
}

/// 3.7, convoy: after each wait the full interval, the slack of its timed wait and the time to the next checkpoint.
#[test]
fn a_waiting_thread_beside_a_computing_one_waits_a_full_interval_each_time() {
    let computing = vec![io(ms(10)), cpu(ms(100))];
    let waiting = vec![io(ms(10)), io(ms(10)), io(ms(10))];
    let mut case = each(true, threads(2), &[computing, waiting]);
    case.machine.timer_slack = us(50);
    // 10 ms + 50 us of sleep, 5 ms + 50 us of waiting, 100 ns to the checkpoint.
    let round = Nanos(10_050_000 + 5_050_000 + 100);
    assert_eq!(case.run().latencies, [ms(110) + us(50), round * 3]);
}

/// 3.6: a system call shorter than the waiter's wake-up keeps the GIL, and costs the waiter a fresh interval.
#[test]
fn a_quick_system_call_keeps_the_gil() {
    let run = |call: Nanos, after: Nanos| {
        let caller = vec![io(ms(10)), cpu(ms(1)), native(call), cpu(after)];
        let other = vec![io(us(10_500)), cpu(ms(1))];
        let mut case = each(true, threads(2), &[caller, other]);
        // Wake-ups take 10 to 70 us.
        case.machine.wake_latency = vec![(Nanos::ZERO, us(40))];
        case.run().latencies
    };
    let quick = run(us(1), ms(1));
    assert!(quick[0] < us(12_200) && quick[1] > us(12_900), "{quick:?}");
    let slow = run(us(100), ms(1));
    assert!(slow[1] < us(12_300) && slow[0] > us(12_900), "{slow:?}");
    // It began to wait at 10.5 ms, and anew at 11 ms when the call had fooled it: 16 ms, not 15.5.
    let fooled = run(us(1), ms(20));
    assert!((us(17_000)..us(17_400)).contains(&fooled[1]), "{fooled:?}");
}

/// 3.5: native code has let the GIL go.
#[test]
fn native_code_needs_no_gil() {
    let work = vec![native(ms(10))];
    let o = each(true, threads(2), &[work.clone(), work]).run();
    assert_eq!(o.latencies, [ms(10), ms(10)]);
    assert_eq!((o.gil_held, o.cpu), (Nanos::ZERO.into(), ms(20).into()));
}

/// 3.7: `sys.setswitchinterval` replaces the interval.
#[test]
fn the_switch_interval_can_be_set() {
    let work = vec![io(ms(10)), cpu(ms(2))];
    let mut case = each(true, threads(2), &[work.clone(), work]);
    case.profile.params.switch_interval = 1e6;
    // A 1.0001, B 1.0001, A 0.9999, B 0.9999: A ends at 13.0001.
    assert_eq!(case.run().latencies, [Nanos(13_000_100), ms(14)]);
}

/// How often which class was convoyed, how long, and in how much time of its tasks.
fn convoy(tasks: &[Vec<Step>]) -> Option<(u64, Nanos, Nanos, String)> {
    let per_task = Strategy::Threads(Workers::PerTask);
    let found = each(true, per_task, tasks).run().findings;
    match found.as_slice() {
        [] => None,
        [
            Finding::Convoy {
                times,
                waited,
                of,
                task,
            },
        ] => Some((*times, waited.mean_of(1), of.mean_of(1), task.clone())),
        other => panic!("{other:?}"),
    }
}

/// 3.7: returns that wait for an interval and have a moment's work are told from threads that want to compute themselves.
#[test]
fn a_convoy_is_found() {
    let returns = |times, away: Step, work| vec![Step::Repeat(times, vec![away, cpu(work)])];
    let spin = vec![cpu(ms(2_000))];
    for away in [io(ms(1)), native(ms(1))] {
        let (times, waited, of, task) =
            convoy(&[spin.clone(), returns(20, away.clone(), us(10))]).unwrap();
        assert_eq!((times, &*task), (20, "class 1"));
        // An interval and the time to the next checkpoint each.
        assert_eq!(waited, Nanos(5_000_100) * 20);
        // And 1 ms outside and 10 us of work each time; its thread's start took an interval too.
        let start = of - waited - us(1_010) * 20;
        assert!(start <= us(5_001), "{start:?}");
        // Too few to matter.
        assert_eq!(
            convoy(&[spin.clone(), returns(9, away.clone(), us(10))]),
            None
        );
        // So little of its time that nobody would notice.
        let away = |time| match &away {
            Step::Io(_) => io(time),
            _ => native(time),
        };
        assert_eq!(
            convoy(&[spin.clone(), returns(20, away(ms(60)), us(10))]),
            None
        );
        // Whoever has as much to compute takes turns.
        assert_eq!(
            convoy(&[spin.clone(), returns(20, away(ms(1)), ms(6))]),
            None
        );
    }
    // Nobody is in the way.
    let short = returns(20, io(ms(1)), us(10));
    assert_eq!(convoy(&[short.clone(), short]), None);
}

/// `drop_gil` signals under `gil->mutex`: who comes meanwhile sleeps on that, and who signalled pays a second call to wake it.
#[test]
fn signalling_holds_the_mutex() {
    let run = |comes: u64| {
        let first = vec![io(ms(10)), cpu(ms(1)), native(us(100))];
        let second = vec![io(us(10_100)), cpu(us(50))];
        let third = vec![io(us(comes)), cpu(us(7))];
        let mut case = each(true, threads(3), &[first, second, third]);
        case.profile.params.gil_signal = 10_000.0;
        let o = case.run();
        (o.latencies[0], o.latencies[1], o.cpu)
    };
    // The first gives the GIL up after 11.01 ms, and signals for 0.01 ms. The third, whose wait begins 0.02 ms late, comes before that,
    // in it, and after it; it has to wait for the second in any case.
    let before = run(10_985);
    let amid = run(10_993);
    assert_eq!(before, run(11_001));
    assert_eq!(
        amid,
        (before.0 + us(10), before.1, before.2 + us(10).into())
    );
}
