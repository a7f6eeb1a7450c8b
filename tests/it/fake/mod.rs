//! A simulator whose answers are known: a queue with some servers, first come first served, by Lindley's recursion.

use pchsim::engine::{Nanos, Total};
use pchsim::measure::{BatchSeries, Completions, Histogram};
use pchsim::scenario::{
    Arrivals, Dist, Imports, MachineSpec, Rounds, Scenario, Step, Strategy, TaskClass, Workers,
    Workload,
};
use pchsim::strategy::{CAUSES, Outcome, SimError, SimInput};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Dxsm;

/// A class of `count` tasks of one CPU step.
pub(crate) fn class(count: u64, step: Dist) -> TaskClass {
    TaskClass {
        name: "task".into(),
        count,
        weight: 1.0,
        steps: vec![Step::Cpu(step)],
        interleave: false,
        cost: Vec::new(),
        touches: 0.0,
    }
}

/// A batch of equal tasks.
pub(crate) fn batch(count: u64, step: Dist) -> Workload {
    Workload {
        data: 0,
        untouched_payload: false,
        faults: Vec::new(),
        admission: None,
        client: None,
        arrivals: Arrivals::Batch,
        rounds: Rounds::default(),
        classes: vec![class(count, step)],
        locks: Vec::new(),
        queues: Vec::new(),
        objects: Vec::new(),
        resources: Vec::new(),
        devices: Vec::new(),
        imports: Imports::default(),
        dispatch: Nanos::ZERO,
        cpu_grain: Nanos::ZERO,
        native_grain: Nanos::ZERO,
        python_teams: false,
        ready: false,
        measured_on: None,
    }
}

/// Poisson arrivals of exponential tasks that load a single server by `load`.
pub(crate) fn queue(rate: f64, load: f64, count: u64) -> Workload {
    let mut w = batch(0, Dist::Exponential(Nanos::from_secs_f64(load / rate)));
    w.arrivals = Arrivals::Open {
        interval: Dist::Exponential(Nanos::from_secs_f64(1.0 / rate)),
        count: Some(count),
    };
    w
}

/// A scenario on four cores.
pub(crate) fn scenario(workload: Workload) -> Scenario {
    Scenario {
        name: "fake".into(),
        question: String::new(),
        machine: MachineSpec::with_cores(4),
        interpreters: vec!["default".into()],
        workload,
        strategies: Vec::new(),
        replications: None,
        warmup: None,
        horizon: None,
        windows: None,
        objectives: Vec::new(),
        rank_by: None,
        seed: 1,
    }
}

/// The queue without a cold start.
pub(crate) fn simulate(i: &SimInput<'_>) -> Result<Outcome, SimError> {
    queue_outcome(i, Nanos::ZERO)
}

/// One replication: tasks are served by as many servers as the strategy has workers, none before `cold`.
pub(crate) fn queue_outcome(i: &SimInput<'_>, cold: Nanos) -> Result<Outcome, SimError> {
    let (servers, speed) = match i.strategy {
        Strategy::Sequential => (1, 1.0),
        Strategy::Threads(Workers::Exactly(n)) => (*n as usize, 1.0),
        Strategy::Threads(Workers::PerTask) => (4, 1.0),
        Strategy::Interpreters(_) => (1, 0.5),
        _ => return Err(SimError::Unsupported("no default size".into())),
    };
    let mut rng = Pcg64Dxsm::seed_from_u64(
        i.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(i.replication),
    );
    let mut draw = |d: &Dist| match d {
        Dist::Constant(x) => *x,
        Dist::Exponential(mean) => mean.scale(-libm::log(1.0 - rng.random::<f64>())),
        other => panic!("the fake does not know {other:?}"),
    };
    let Step::Cpu(service) = &i.workload.classes[0].steps[0] else {
        panic!("the fake knows CPU steps")
    };
    let (count, interval) = match &i.workload.arrivals {
        Arrivals::Batch => (i.workload.classes[0].count, None),
        Arrivals::Open { interval, count } => (count.unwrap_or(0), Some(interval)),
        other => panic!("the fake does not know {other:?}"),
    };
    let (mut now, mut free) = (Nanos::ZERO, vec![cold; servers]);
    let mut ended: Vec<(Nanos, Nanos)> = Vec::new();
    let mut o = empty(servers);
    for _ in 0..count {
        now += interval.map_or(Nanos::ZERO, &mut draw);
        let time = draw(service).scale(speed);
        let server = (0..servers).min_by_key(|&s| (free[s], s)).unwrap();
        let start = free[server].max(now);
        free[server] = start + time;
        o.core_busy[server] += time;
        o.cpu += time;
        o.makespan = o.makespan.max(free[server]);
        ended.push((free[server], now));
        if now >= i.warmup {
            o.causes[0] += time;
            o.causes[4] += start - now;
        }
    }
    ended.sort();
    for (end, arrival) in ended {
        if arrival >= i.warmup {
            o.arrived += 1;
            o.completed += 1;
            o.latency.record(end - arrival);
            o.class_latency[0].record(end - arrival);
        }
        o.series.push(end, (end - arrival).as_secs_f64());
    }
    (o.closed, o.end) = (o.makespan, o.makespan);
    o.events = count * 2;
    Ok(o)
}

pub(crate) fn empty(cores: usize) -> Outcome {
    Outcome {
        arrived: 0,
        completed: 0,
        failed: 0,
        timed_out: 0,
        rejected: 0,
        resent: 0,
        machine_time: Total::ZERO,
        unanswered: 0,
        machines: 1,
        attempts: 0,
        retries: 0,
        in_flight: 0,
        lost: 0,
        arrivals_end: None,
        half_arrived: None,
        window: Completions::from(Nanos::ZERO),
        makespan: Nanos::ZERO,
        serial: Total::ZERO,
        closed: Nanos::ZERO,
        latency: Histogram::new(),
        windows: None,
        class_latency: vec![Histogram::new()],
        series: BatchSeries::new(),
        latencies: Vec::new(),
        causes: [Total::ZERO; CAUSES],
        children: [Total::ZERO; CAUSES],
        demand_excess: 0.0,
        demand_expected: 0.0,
        interval_excess: 0.0,
        interval_expected: 0.0,
        cpu: Total::ZERO,
        core_busy: vec![Nanos::ZERO; cores],
        end: Nanos::ZERO,
        gil_held: Total::ZERO,
        gil_contended: Total::ZERO,
        switches_voluntary: 0,
        switches_involuntary: 0,
        memory_peak: 50 << 20,
        devices: Vec::new(),
        memory_mean: 4e7,
        bytes_moved: 0,
        processes: 0,
        events: 0,
        calendar_events: 0,
        calendar_peak: 0,
        findings: Vec::new(),
    }
}
