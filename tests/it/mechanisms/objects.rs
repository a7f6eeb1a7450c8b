//! Shared objects on free-threaded builds. 12.1 to 12.3: whatever the number of threads, a line serves one access at a time.

use pchsim::engine::Nanos;
use pchsim::scenario::{ObjectKind, ObjectSpec, StartMethod, Step, Strategy};
use pchsim::strategy::{Cause, Finding, Outcome};

use super::{batch, each, executor, threads, us};
use crate::common::{Case, class, cpu, io, machine, ms};

/// An access alone, and what each of two threads was measured to take more: 240 ns, so that the line is busy for 120 with each.
const ALONE: u64 = 30;
const EXTRA: u64 = 210;
const SERVICE: u64 = 120;

fn read(count: u64) -> Step {
    Step::Shared {
        object: 0,
        count,
        write: false,
    }
}

fn write(count: u64) -> Step {
    Step::Shared {
        object: 0,
        count,
        write: true,
    }
}

fn measured(mut case: Case) -> Case {
    case.machine = machine(32);
    case.profile.params.object_access = ALONE as f64;
    if !case.profile.gil {
        case.profile.params.object_read_contended = EXTRA as f64;
        case.profile.params.object_write_contended = EXTRA as f64 / 5.0;
    }
    case
}

/// So many tasks in so many threads, all at once.
fn at_once(n: u32, steps: Vec<Step>) -> Case {
    measured(batch(false, threads(n), vec![class(u64::from(n), steps)]))
}

fn contention(o: &Outcome) -> Nanos {
    Nanos(u64::try_from(o.causes[Cause::Contention as usize].0).unwrap())
}

#[test]
fn a_thread_alone_pays_for_its_accesses_only() {
    for (strategy, steps) in [
        (threads(1), vec![read(1_000), write(500)]),
        (
            Strategy::Sequential,
            vec![Step::Repeat(15, vec![read(100)])],
        ),
    ] {
        let o = measured(batch(false, strategy, vec![class(3, steps)])).run();
        assert_eq!(o.latencies, [us(45), us(90), us(135)]);
        assert_eq!(contention(&o), Nanos::ZERO);
    }
}

#[test]
fn threads_that_do_nothing_else_share_one_server() {
    for n in [2, 3, 4, 6, 8, 16, 18, 32] {
        for step in [read(1_000), write(1_000)] {
            let o = at_once(n, vec![step]).run();
            let end = Nanos(u64::from(n) * SERVICE * 1_000);
            assert_eq!(o.latencies, vec![end; n as usize], "{n}");
            assert_eq!(contention(&o), (end - us(ALONE)) * u64::from(n));
            // They spin: it is CPU time.
            assert_eq!(o.cpu, end * u64::from(n));
        }
    }
}

/// A is alone for 15 us, 500 accesses; then both take 240 ns an access, A for its 500 left; then B is alone for its own.
#[test]
fn who_comes_later_slows_the_first() {
    let late = vec![io(us(15)), read(1_000)];
    let o = measured(each(false, threads(2), &[vec![read(1_000)], late])).run();
    assert_eq!(o.latencies, [us(135), us(150)]);
    assert_eq!(contention(&o), us(2 * 105));
}

/// The line is in the cache of another core: one access brings it over.
#[test]
fn the_first_access_after_another_thread_brings_the_line() {
    let late = vec![io(us(100)), read(10)];
    let o = measured(each(false, threads(2), &[vec![read(1_000)], late])).run();
    let brought = Nanos(100_000 + ALONE * 10 + SERVICE);
    assert_eq!(o.latencies, [us(30), brought]);
    assert_eq!(contention(&o), Nanos(SERVICE));
}

/// A stretch of private work between accesses: threads scale until the line is busy all the time, and no further.
#[test]
fn private_work_scales_until_the_line_is_saturated() {
    let round = vec![cpu(us(2)), read(1)];
    let makespan = |n: u32| {
        // Not in step with one another, as real threads are not.
        let steps = |i| vec![io(Nanos(130 * i)), Step::Repeat(500, round.clone())];
        let tasks: Vec<Vec<Step>> = (0..u64::from(n)).map(steps).collect();
        let o = measured(each(false, threads(n), &tasks)).run();
        o.makespan.0
    };
    let (alone, busy) = (makespan(1), 500 * SERVICE);
    assert_eq!(alone, 500 * (2_000 + ALONE));
    let mut before = 0;
    for n in [2, 4, 8, 16, 24, 32] {
        let time = makespan(n);
        let least = alone.max(u64::from(n) * busy);
        assert!(time >= least && time >= before, "{n}: {time} of {least}");
        let most = (alone + busy).max(u64::from(n) * busy);
        assert!(time * 10 <= most * 12, "{n}: {time} of {most}");
        before = time;
    }
}

#[test]
fn kinds_that_nobody_counts_are_read_side_by_side() {
    for kind in [ObjectKind::Immortal, ObjectKind::PerThread] {
        let of = |step: Step| {
            let mut case = at_once(16, vec![step]);
            case.workload.objects = vec![ObjectSpec {
                name: "value".into(),
                kind,
            }];
            case.run()
        };
        assert_eq!(of(read(1_000)).latencies, [us(30); 16]);
        assert_eq!(of(write(1_000)).latencies, [us(16 * SERVICE); 16]);
    }
}

/// Only threads on cores contend: on one core they take turns, and the line stays.
#[test]
fn threads_on_one_core_do_not_contend() {
    let mut case = at_once(4, vec![read(100_000)]);
    case.machine = machine(1);
    let o = case.run();
    assert_eq!((o.makespan, contention(&o)), (ms(12), Nanos::ZERO));
}

/// Four threads on two cores: two at a time, whose line serves both.
#[test]
fn the_line_serves_those_on_cores() {
    let mut case = at_once(4, vec![read(100_000)]);
    case.machine = machine(2);
    let o = case.run();
    let work = Nanos(4 * 100_000 * SERVICE);
    // While a core idles, until it looks for threads, the other's has the line for itself.
    let (makespan, lost) = (o.makespan, contention(&o));
    assert!(
        makespan <= work && makespan * 10 >= work * 7,
        "{makespan:?}"
    );
    assert_eq!(o.cpu, Nanos(4 * 100_000 * ALONE) + lost);
}

#[test]
fn a_slow_core_accesses_slowly() {
    let mut case = measured(batch(
        false,
        Strategy::Sequential,
        vec![class(1, vec![read(1_000)])],
    ));
    case.machine.cores = vec![0.5];
    assert_eq!(case.run().latencies, [us(60)]);
}

#[test]
fn processes_have_objects_of_their_own() {
    let case = batch(
        false,
        executor(4, StartMethod::Fork),
        vec![class(4, vec![read(1_000)])],
    );
    assert_eq!(contention(&measured(case).run()), Nanos::ZERO);
}

#[test]
fn a_gil_lets_nobody_contend() {
    let case = batch(
        true,
        threads(4),
        vec![class(4, vec![read(1_000), write(1_000)])],
    );
    let o = measured(case).run();
    assert_eq!((o.makespan, contention(&o)), (us(240), Nanos::ZERO));
}

/// Many accesses, one after another, are few events: also where each task comes back to them a thousand times.
#[test]
fn accesses_are_no_events() {
    let steps = vec![Step::Repeat(1_000, vec![read(1_000)])];
    let o = at_once(18, steps).run();
    assert_eq!(o.makespan, Nanos(18 * 1_000_000 * SERVICE));
    let all = o.events.max(o.calendar_events);
    assert!(all < 200_000, "{all} events");
}

#[test]
fn what_is_lost_is_said() {
    let lost = |n| {
        let o = at_once(n, vec![cpu(us(50)), read(1_000)]).run();
        o.findings.into_iter().find_map(|f| match f {
            Finding::ContendedObject {
                object,
                task,
                waited,
                of,
            } => Some((object, task, waited, of)),
            _ => None,
        })
    };
    assert_eq!(lost(1), None);
    let each = us(4 * SERVICE - ALONE);
    let of = us(50 + 4 * SERVICE);
    let said = (
        "state".into(),
        "class 0".into(),
        (each * 4).into(),
        (of * 4).into(),
    );
    assert_eq!(lost(4), Some(said));
}

/// A batch of a hundred times as many tasks waits for its turn nearly all the time: that says nothing of what it is like to be in turn.
#[test]
fn how_large_a_batch_is_does_not_thin_out_what_is_lost() {
    let share = |tasks: u64| {
        let steps = vec![Step::Repeat(20, vec![cpu(us(50)), read(1_000)])];
        let o = measured(batch(false, threads(4), vec![class(tasks, steps)])).run();
        let mut found = o.findings.iter().filter_map(Finding::contended);
        let (object, _, share) = found.next().unwrap();
        assert_eq!(object, "state");
        let [lost, queued] = [Cause::Contention, Cause::Pool].map(|c| o.causes[c as usize]);
        let in_turn: f64 = o.causes.iter().map(|c| c.as_f64()).sum::<f64>() - queued.as_f64();
        assert!((share - lost.as_f64() / in_turn).abs() < 1e-3);
        share
    };
    let (few, many) = (share(4), share(400));
    assert!(few > 0.5 && (few - many).abs() < 0.01, "{few} {many}");
}
