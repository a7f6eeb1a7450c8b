//! The garbage collector and stopping the world, to the nanosecond where the schedule can be worked out by hand; payloads
//! of many small objects.

use pchsim::cpython::profile::Profile;
use pchsim::engine::Nanos;
use pchsim::scenario::{Arrivals, PoolLife, ProcessApi, StartMethod, Step, Strategy, Workers};
use pchsim::strategy::Outcome;

use crate::common::{Case, class, cpu, io, machine, ms, profile, workload};

/// One task of these steps, in a program with so many live objects.
fn run(profile: &Profile, live: u64, steps: Vec<Step>, strategy: Strategy) -> Outcome {
    let mut workload = workload(Arrivals::Batch, vec![class(1, steps)]);
    workload.imports.objects = Some(live);
    Case::new(machine(4), profile.clone(), workload, strategy).run()
}

#[test]
fn a_young_collection_looks_at_what_was_made() {
    let mut p = profile(true);
    p.params.gc_per_object = 10.0;
    p.params.gc_threshold = 2_000.0;
    // 1,999 are not enough; one more is: 2,000 objects of 10 ns each.
    let steps = |n| vec![cpu(ms(1)), Step::Allocate(n)];
    let below = run(&p, 0, steps(1_999), Strategy::Sequential);
    let above = run(&p, 0, steps(2_000), Strategy::Sequential);
    assert_eq!(below.makespan, ms(1));
    assert_eq!(above.makespan, ms(1) + Nanos(20_000));
}

#[test]
fn the_whole_heap_is_looked_at_only_if_a_quarter_of_it_is_new() {
    let mut p = profile(true);
    p.params.gc_per_object = 10.0;
    p.params.gc_threshold = 2_000.0;
    // A hundred young collections: 200,000 objects.
    let steps = || vec![io(ms(1)), Step::Allocate(200_000)];
    let small = run(&p, 799_999, steps(), Strategy::Sequential);
    let large = run(&p, 800_000, steps(), Strategy::Sequential);
    assert_eq!(
        large.makespan,
        ms(1) + Nanos(2_000_000),
        "the young ones only"
    );
    assert_eq!(
        small.makespan,
        ms(1) + Nanos(2_000_000 + 10 * (799_999 + 200_000))
    );
}

#[test]
fn a_free_threaded_collection_stops_the_others() {
    let mut p = profile(false);
    p.params.gc_per_object = 10.0;
    p.params.gc_threshold = 2_000.0;
    let mut w = workload(
        Arrivals::Batch,
        vec![
            class(1, vec![cpu(ms(100))]),
            class(1, vec![cpu(ms(10)), Step::Allocate(500_000), cpu(ms(1))]),
        ],
    );
    w.imports.objects = Some(1_000_000);
    let case = Case::new(
        machine(4),
        p.clone(),
        w,
        Strategy::Threads(Workers::PerTask),
    );
    let outcome = case.run();
    // 1,500,000 objects of 10 ns in two pauses, which the other thread has to sit through, and a checkpoint for each.
    let pause = ms(15);
    let checkpoints = Nanos::from_f64(2.0 * p.params.check_gap);
    assert_eq!(outcome.latencies[1], ms(11) + pause + checkpoints);
    assert_eq!(outcome.latencies[0], ms(100) + pause + checkpoints);
}

#[test]
fn objects_are_pickled_one_by_one_on_both_sides() {
    let mut p = profile(true);
    p.params.pickle_object_dump = 100.0;
    p.params.pickle_object_load = 200.0;
    let fork = Strategy::Processes {
        workers: Workers::Exactly(1),
        start: StartMethod::Fork,
        api: ProcessApi::EXECUTOR,
        life: PoolLife::default(),
    };
    let without = run(&p, 0, vec![cpu(ms(1))], fork.clone());
    let with = run(
        &p,
        0,
        vec![Step::ObjectsIn(10_000), Step::ObjectsOut(1_000), cpu(ms(1))],
        fork.clone(),
    );
    assert_eq!(with.makespan - without.makespan, Nanos(300 * 11_000));
    // Threads share objects: nothing is pickled.
    let threads = run(
        &p,
        0,
        vec![Step::ObjectsIn(10_000), cpu(ms(1))],
        Strategy::Threads(Workers::Exactly(1)),
    );
    assert_eq!(threads.makespan, ms(1));
}
