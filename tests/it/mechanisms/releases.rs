//! Code that gives the GIL up often: a step with `releases` is what the same code is when it is written out.

use pchsim::engine::Nanos;
use pchsim::scenario::{Dist, Releases, Step, Strategy};

use super::{batch, each, threads, us};
use crate::common::{Case, class, cpu, io, ms};

const PAIR: Nanos = Nanos(90);

fn releasing(time: Nanos, count: u64, released: Nanos) -> Step {
    Step::Releasing(Dist::Constant(time), Releases { count, released })
}

/// The same step by step, coming round unevenly: a stretch with the GIL is shorter by what taking it costs.
fn written_out(time: Nanos, count: u64, released: Nanos) -> Vec<Step> {
    let hold = Nanos((time.0 - released.0 * count) / (count + 1));
    let mean = hold - PAIR.min(hold);
    let round = vec![
        Step::Native(Dist::Constant(released)),
        Step::Cpu(Dist::Uniform(Nanos(mean.0 / 2), Nanos(mean.0 * 3 / 2))),
    ];
    vec![cpu(hold), Step::Repeat(count, round)]
}

/// A batch of 32 on so many threads and cores, with everything that passing the GIL on costs.
fn case(cores: usize, workers: u32, steps: Vec<Step>) -> Case {
    let mut case = batch(true, threads(workers), vec![class(32, steps)]);
    case.machine.cores.truncate(cores);
    case.machine.hz = 250;
    case.machine.base_slice = us(700);
    case.machine.context_switch = us(1);
    case.machine.wake_latency = vec![(Nanos::ZERO, us(6)), (us(200), us(14)), (ms(1), us(30))];
    case.machine.timer_slack = us(50);
    let p = &mut case.profile.params;
    (p.gil_pair, p.gil_signal, p.gil_take) = (PAIR.as_f64(), 1_200.0, 600.0);
    case.max_events = 50_000_000;
    case
}

/// Mean makespan and CPU in seconds over runs in which the cores wake up otherwise.
fn means(case: &Case) -> [f64; 2] {
    const RUNS: u32 = 5;
    let runs = (0..RUNS).map(|seed| {
        let mut case = case.clone();
        case.seed = u64::from(seed);
        case.run()
    });
    let sums = runs.fold([0.0, 0.0], |[makespan, cpu], o| {
        [
            makespan + o.makespan.as_secs_f64(),
            cpu + o.cpu.as_secs_f64(),
        ]
    });
    sums.map(|s| s / f64::from(RUNS))
}

/// Hundreds of releases a task that nobody can use, few long ones, and such as are about as long as a wake-up; by 1 to 32
/// threads on 1 to 4 cores.
#[test]
fn releases_are_what_they_are_step_by_step() {
    // Where a release is about as long as a wake-up, much hangs on how unevenly they come round.
    for (count, released, near) in [
        (320, Nanos(160), 0.08),
        (4, us(20), 0.08),
        (100, us(6), 0.25),
    ] {
        for cores in [1, 2, 4] {
            for workers in [1, 2, 8, 32] {
                let of = |steps| means(&case(cores, workers, steps));
                let short = of(vec![releasing(ms(1), count, released)]);
                let long = of(written_out(ms(1), count, released));
                for (a, b) in short.iter().zip(long) {
                    assert!(
                        (a - b).abs() < near * b,
                        "{count} of {released:?}, {cores} cores, {workers} threads: {short:?}, {long:?}"
                    );
                }
            }
        }
    }
}

/// By itself a step takes its time, whatever is released in it, and as few events as one that releases nothing.
#[test]
fn releases_that_nobody_waits_for_cost_nothing() {
    for (gil, strategy) in [
        (true, Strategy::Sequential),
        (false, Strategy::Sequential),
        (false, threads(8)),
    ] {
        let run = |step: Step| {
            let mut case = case(8, 1, vec![step]);
            case.strategy = strategy.clone();
            case.profile.gil = gil;
            case.run()
        };
        let plain = run(cpu(Nanos(15_000_123)));
        let often = run(releasing(Nanos(15_000_123), 4_800, Nanos(160)));
        assert_eq!(often.latencies, plain.latencies);
        assert_eq!(often.cpu, plain.cpu);
        assert_eq!(often.events, plain.events);
        assert_eq!(often.calendar_events, plain.calendar_events);
    }
}

/// Who comes while the GIL is held gets it at the next release, not after an interval; who comes while it is released, at once.
#[test]
fn the_next_release_lets_a_waiter_in() {
    // Held for 1 ms, released for 1 ms: 4 times, then held for 1 ms.
    let holder = vec![io(ms(10)), releasing(ms(9), 4, ms(1))];
    let second = |after: Nanos| {
        let other = vec![io(ms(10) + after), cpu(us(100))];
        let o = each(true, threads(2), &[holder.clone(), other]).run();
        (o.latencies[0] - ms(10), o.latencies[1] - ms(10))
    };
    for after in [2_400, 1_500, 1_950] {
        let (step, other) = second(us(after));
        // It gets the GIL within a millisecond, and the holder waits for it for as long at most as it has it.
        let (soonest, latest) = (us(after + 100), us(after + 1_100));
        assert!((soonest..=latest).contains(&other), "{after}: {other:?}");
        assert!((ms(9)..=us(9_100)).contains(&step), "{after}: {step:?}");
    }
    // After the last release the GIL is kept.
    assert_eq!(second(us(8_400)), (ms(9), us(9_100)));
}

/// A drawn step gives the GIL up in proportion to its length.
#[test]
fn longer_steps_release_more_often() {
    let time = Dist::Uniform(ms(1), ms(3));
    let releases = Releases {
        count: 100,
        released: us(1),
    };
    let mean = time.mean();
    assert_eq!(releases.within(ms(1), mean), 50);
    assert_eq!(releases.within(ms(3), mean), 150);
    // Never so often that nothing is left to hold it.
    let all = Releases {
        count: 2_000,
        released: us(1),
    };
    assert_eq!(all.within(Nanos(1_999), mean), 1);
}
