//! `ThreadPoolExecutor` and `InterpreterPoolExecutor`: facts sheet 6 and 13.

use pchsim::engine::{Nanos, Total};
use pchsim::scenario::{Arrivals, Dist, Strategy, TracedTask, Workers};

use super::{Case, batch, each, latencies, threads, us, weightless};
use crate::common::{class, cpu, io, machine, ms, profile, workload};

/// How many threads a pool of at most `most` makes for these arrivals of tasks that wait for 1 ms; each weighs a byte.
fn made(most: u32, arrivals: Arrivals, count: u64, tokens_after_every_item: bool) -> u64 {
    let mut p = weightless(profile(true));
    p.params.thread_rss = 1.0;
    if tokens_after_every_item {
        p.minor = 11;
        p.params.tpe_token_every_item = 1.0;
    }
    let w = workload(arrivals, vec![class(count, vec![io(ms(1))])]);
    let o = Case::new(machine(4), p, w, threads(most)).run();
    assert_eq!(o.in_flight, 0);
    o.memory_peak
}

fn at(times: &[(u64, u64)]) -> Arrivals {
    let tasks = times.iter().flat_map(|&(at, n)| {
        (0..n).map(move |_| TracedTask {
            at: ms(at),
            class: 0,
            demands: Vec::new(),
        })
    });
    Arrivals::Trace(tasks.collect())
}

/// 6, tried on real ones: submit and wait never makes a second thread; a burst of 4 makes 4; then one of 6 two more.
#[test]
fn a_thread_pool_grows_where_no_worker_is_idle() {
    for old in [false, true] {
        let one_by_one = Arrivals::Closed {
            users: 1,
            think: Dist::Constant(Nanos::ZERO),
            count: Some(5),
        };
        assert_eq!(made(4, one_by_one, 0, old), 1);
        assert_eq!(made(8, Arrivals::Batch, 4, old), 4);
        assert_eq!(made(8, at(&[(0, 4), (10, 6)]), 0, old), 6);
        assert_eq!(made(3, Arrivals::Batch, 10, old), 3);
    }
}

#[test]
fn items_are_taken_in_order() {
    let case = batch(false, threads(2), vec![class(5, vec![io(ms(10))])]);
    assert_eq!(latencies(&case), [10, 10, 20, 20, 30].map(ms));
}

/// 1: the library's default is min(32, cpus + 4) threads.
#[test]
fn the_default_size_is_the_librarys() {
    for (visible, most) in [(2, 6), (64, 32)] {
        let auto = Strategy::Threads(Workers::Auto);
        let mut case = batch(false, auto, vec![class(100, vec![io(ms(1))])]);
        case.machine.visible_cpus = visible;
        case.profile = weightless(case.profile);
        case.profile.params.thread_rss = 1.0;
        assert_eq!(case.run().memory_peak, most);
    }
}

/// 5, 3.3: the starter waits until the new thread has announced itself, and then, with that thread computing, for the GIL:
/// an interval for each start.
#[test]
fn starting_threads_beside_computing_ones_takes_intervals() {
    let per_task = Strategy::Threads(Workers::PerTask);
    let case = each(true, per_task, &[vec![cpu(ms(30))], vec![io(ms(1))]]);
    // The starter gets the GIL at 5.0001 ms. When it lets it go to wait for the second thread, that one is awake, and takes
    // it before any thread that has to be woken. After its wait of 1 ms it waits for an interval itself.
    assert_eq!(latencies(&case), [ms(30), Nanos(11_000_200)]);
}

/// 13: each interpreter is made in its worker, after the thread was announced, and has a GIL of its own.
#[test]
fn interpreters_compute_side_by_side() {
    let strategy = Strategy::Interpreters(Workers::Exactly(2));
    let mut case = batch(true, strategy, vec![class(3, vec![cpu(ms(5))])]);
    case.profile.params.interp_create = 10e6;
    let o = case.run();
    assert_eq!(o.latencies, [ms(15), ms(15), ms(20)]);
    assert_eq!(o.processes, 2);
}

/// 5: costs of a thread's start, in order: the starter's, the new thread's.
#[test]
fn a_thread_start_costs_both_sides() {
    let per_task = Strategy::Threads(Workers::PerTask);
    let mut case = batch(true, per_task, vec![class(3, vec![io(ms(1))])]);
    case.profile.params.thread_start = 30_000.0;
    case.profile.params.thread_boot = 20_000.0;
    // The next start begins when the starter has heard of this one.
    assert_eq!(latencies(&case), [1_050, 1_100, 1_150].map(us));
}

/// glibc keeps the stacks of five ended threads of 8 MiB: a sixth is unmapped, and what is alive at once needs stacks of its own.
#[test]
fn a_thread_without_the_stack_of_an_ended_one_costs_more() {
    let cpu = |arrivals| -> Total {
        let mut p = weightless(profile(true));
        p.params.thread_fresh = 100_000.0;
        let w = workload(arrivals, vec![class(8, vec![io(ms(1))])]);
        let per_task = Strategy::Threads(Workers::PerTask);
        Case::new(machine(4), p, w, per_task).run().cpu
    };
    // Eight start with 70 us, three end with 30.
    assert_eq!(cpu(Arrivals::Batch), Total::from(us(650)));
    // The first leaves its stack to all others.
    let one_by_one = at(&[(0, 1), (10, 1), (20, 1), (30, 1)]);
    assert_eq!(cpu(one_by_one), Total::from(us(70)));
    // Seven at once end with two too many; three more have five to take.
    assert_eq!(
        cpu(at(&[(0, 7), (10, 3)])),
        Total::from(us(7 * 70 + 2 * 30))
    );
}
