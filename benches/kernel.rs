//! The kernel's speed in three tiers: single operations, the calendar under load, and whole queues beside the same loop
//! written by hand. `benches/README.md` says how to read the figures.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use pchsim::engine::{Calendar, EventClass, Nanos, StreamRole, Streams, random};
use rand_distr::{Distribution, Exp1};

#[path = "common/queue.rs"]
mod queue;

use queue::{Queue, by_hand, engine};

const CUSTOMERS: u64 = 1_000_000;

/// Operations of the random streams.
fn streams(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("streams");
    group.throughput(Throughput::Elements(1));
    let streams = Streams::new(1, 0, StreamRole::Demands);
    let mut task = 0;
    group.bench_function("a task's first draw", |b| {
        b.iter(|| {
            task += 1;
            random::unit(&mut streams.task(task, 0))
        });
    });
    let mut rng = streams.stream();
    group.bench_function("a draw in order", |b| {
        b.iter(|| random::unit(&mut rng));
    });
    group.finish();
}

/// The calendar at a constant length: the first event is taken and scheduled again, exponentially later.
fn hold(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("calendar, taken and scheduled again");
    group.throughput(Throughput::Elements(1));
    for length in [1_u64, 8, 64, 1_024, 65_536] {
        let mut rng = random::stream(1, 0, StreamRole::Timer);
        let mut later = || {
            let x: f64 = Exp1.sample(&mut rng);
            Nanos::from_f64(x * 1e6)
        };
        let mut calendar = Calendar::new();
        for event in 0..length {
            calendar.push(later(), EventClass::Timer, event);
        }
        group.bench_function(BenchmarkId::from_parameter(length), |b| {
            b.iter(|| {
                if let Some((now, event)) = calendar.pop() {
                    calendar.push(now + later(), EventClass::Timer, event);
                }
            });
        });
    }
    group.finish();
}

/// Whole queues, on the engine and by hand.
fn queues(criterion: &mut Criterion) {
    for (name, case) in [
        ("M/M/1", Queue::mm1(CUSTOMERS)),
        ("M/M/8", Queue::mm8(CUSTOMERS)),
    ] {
        let mut group = criterion.benchmark_group(name);
        group
            .throughput(Throughput::Elements(CUSTOMERS))
            .sample_size(20)
            .measurement_time(Duration::from_secs(5));
        group.bench_with_input(BenchmarkId::from_parameter("engine"), &case, |b, case| {
            b.iter(|| engine(black_box(case)));
        });
        group.bench_with_input(BenchmarkId::from_parameter("by hand"), &case, |b, case| {
            b.iter(|| by_hand(black_box(case)));
        });
        group.finish();
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    streams(&mut criterion);
    hold(&mut criterion);
    queues(&mut criterion);
    criterion.final_summary();
}
