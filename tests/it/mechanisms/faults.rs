//! What goes wrong by the scenario's word: who waits how much longer, who fails, and who is there again when.

use pchsim::engine::Nanos;
use pchsim::scenario::{
    Arrivals, DeviceKind, DeviceSpec, Dist, Fault, FaultKind, FaultTime, Lifecycle, Offload,
    ResourceKind, ResourceSpec, Scope, Step, Strategy, WhenFull, Workers,
};
use pchsim::strategy::{Finding, Outcome};

use super::servers::{prefork, served};
use super::{each, threads};
use crate::common::{Case, cpu, io, ms};

fn station(servers: u64) -> DeviceKind {
    DeviceKind::Station {
        servers,
        rate: None,
    }
}

fn transfer(alone: Nanos) -> Step {
    Step::Transfer(0, Dist::Constant(alone))
}

fn down(at: u64, lasts: u64) -> Fault {
    Fault {
        kind: FaultKind::Down {
            device: 0,
            lasts: ms(lasts),
        },
        when: FaultTime::At(ms(at)),
    }
}

fn slow(factor: f64, at: u64, lasts: u64) -> Fault {
    Fault {
        kind: FaultKind::Slow {
            device: 0,
            factor,
            lasts: ms(lasts),
        },
        when: FaultTime::At(ms(at)),
    }
}

pub(super) fn crash(at: u64, worker: u32) -> Fault {
    Fault {
        kind: FaultKind::Crash {
            worker: Some(worker),
        },
        when: FaultTime::At(ms(at)),
    }
}

fn with(mut case: Case, kind: DeviceKind, faults: Vec<Fault>) -> Case {
    case.workload.devices = vec![DeviceSpec {
        name: "device".into(),
        kind,
        per_node: false,
    }];
    case.workload.faults = faults;
    case
}

fn at_once() -> [Strategy; 2] {
    [
        threads(2),
        Strategy::Asyncio {
            limit: None,
            offload: Offload::None,
            pools: Vec::new(),
        },
    ]
}

fn crashed(o: &Outcome) -> Option<(Nanos, u64, u64)> {
    o.findings.iter().find_map(|f| match f {
        Finding::CrashedWorkers {
            at, workers, tasks, ..
        } => Some((*at, *workers, *tasks)),
        _ => None,
    })
}

/// 10 ms and 6 ms of work at a station of two. Down from 4 to 9 ms: both end 5 ms later.
#[test]
fn what_is_down_goes_on_where_it_was() {
    for strategy in at_once() {
        let tasks = [vec![transfer(ms(10))], vec![transfer(ms(6))]];
        let case = each(true, strategy, &tasks);
        let o = with(case, station(2), vec![down(4, 5)]).run();
        assert_eq!(o.latencies, [ms(15), ms(11)]);
    }
}

/// At half the speed from 4 to 8 ms: the first has 6 of 10 ms done at 8, the second (6 ms) ends then. Two faults at a time: the worse counts, so of one that
/// is three times as slow from 5 to 8 ms on top: 4 + 0.5 + 1 = 5.5 ms are done at 8.
#[test]
fn what_is_slow_takes_longer_while_it_is() {
    for strategy in at_once() {
        let tasks = [vec![transfer(ms(10))], vec![transfer(ms(6))]];
        let slow_once = vec![slow(2.0, 4, 4)];
        let o = with(each(true, strategy.clone(), &tasks), station(2), slow_once).run();
        assert_eq!(o.latencies, [ms(12), ms(8)]);
        let twice = vec![slow(2.0, 4, 4), slow(3.0, 5, 3)];
        let o = with(each(true, strategy, &tasks), station(2), twice).run();
        let near = |a: Nanos, us: u64| a.0.abs_diff(us * 1_000) <= 1;
        assert!(
            near(o.latencies[0], 12_500) && near(o.latencies[1], 8_500),
            "{:?}",
            o.latencies
        );
    }
}

/// A fault after the last task does not put off the end of the run.
#[test]
fn nothing_is_left_to_strike() {
    let tasks = [vec![transfer(ms(10))]];
    let late = vec![down(50, 5), crash(60, 0)];
    let o = with(each(true, threads(1), &tasks), station(1), late).run();
    assert_eq!(o.latencies, [ms(10)]);
    assert!(o.end < ms(20), "{:?}", o.end);
    assert_eq!(crashed(&o), None);
}

/// Requests of 4 ms every 10 ms in one process (with a master: one that recycles workers) that crashes at 32 ms: the third fails, the fourth is served by the process in its place. `Crash` every 11 ms
/// strikes again and again.
#[test]
fn a_worker_that_crashes_is_replaced() {
    let life = Lifecycle {
        max_requests: Some(1_000),
        ..Lifecycle::default()
    };
    let strategy = || prefork(1, Strategy::Sequential, life);
    let served = |faults: Vec<Fault>| {
        let mut case = served(strategy(), 10, 6, vec![io(ms(4))]);
        case.workload.faults = faults;
        case.run()
    };
    let o = served(vec![crash(32, 0)]);
    assert_eq!((o.completed, o.failed), (5, 1), "{:?}", o.findings);
    assert_eq!(crashed(&o), Some((ms(32), 1, 1)));
    let again = Fault {
        kind: FaultKind::Crash { worker: None },
        when: FaultTime::Every(Dist::Constant(ms(11))),
    };
    // At 11, 22, 33 and 55 ms a request is under way; that of 40 ms is over at 44 ms.
    let o = served(vec![again]);
    assert_eq!((o.completed, o.failed), (2, 4), "{:?}", o.findings);
    assert_eq!(crashed(&o), Some((ms(11), 5, 4)));
}

/// Renewal theory: a device that always has work, down 20 ms after an exponential time of 80 ms in the mean, works 80 % of the time. 400 s of simulated time have 4000
/// cycles, of which the share of time has a standard deviation of about 0.25 %; held within 1.25 % (five of them).
#[test]
fn a_device_that_is_down_for_a_fifth_of_the_time_does_four_fifths() {
    let fault = Fault {
        kind: FaultKind::Down {
            device: 0,
            lasts: ms(20),
        },
        when: FaultTime::Every(Dist::Exponential(ms(80))),
    };
    let mut case = served(
        Strategy::Threads(Workers::Exactly(4)),
        1,
        1,
        vec![transfer(ms(5))],
    );
    case.workload.arrivals = Arrivals::Closed {
        users: 4,
        think: Dist::Constant(Nanos::ZERO),
        count: None,
    };
    case.horizon = Some(Nanos::from_secs(400));
    let o = with(case, station(1), vec![fault]).run();
    let share = o.completed as f64 * 0.005 / 400.0;
    assert!((share - 0.8).abs() < 0.0125, "{share}");
}

fn pause(at: u64, lasts: u64) -> Fault {
    Fault {
        kind: FaultKind::Pause {
            worker: None,
            lasts: ms(lasts),
        },
        when: FaultTime::At(ms(at)),
    }
}

/// A collection of 7 ms at 4 ms: who computes makes it at once, who waits when he comes back, on a loop with all others behind him; native code goes on.
#[test]
fn whoever_executes_bytecode_next_collects() {
    let run = |gil, strategy, tasks: &[Vec<Step>]| {
        let mut case = each(gil, strategy, tasks);
        case.workload.faults = vec![pause(4, 7)];
        case.run().latencies
    };
    let computes = [vec![cpu(ms(10))], vec![cpu(ms(10))]];
    assert_eq!(run(true, Strategy::Sequential, &computes), [ms(17), ms(27)]);
    let [_, looped] = at_once();
    let waits = [vec![io(ms(10))], vec![io(ms(10))]];
    assert_eq!(run(true, looped, &waits), [ms(17), ms(17)]);
    let native = Step::Native(Dist::Constant(ms(20)));
    let beside = [vec![native], vec![cpu(ms(10))]];
    assert_eq!(run(true, threads(2), &beside), [ms(20), ms(17)]);
    // Without a GIL both stop; who collects waits for the other to notice, at its next check.
    let noticed = ms(17) + Nanos(100);
    assert_eq!(run(false, threads(2), &computes), [noticed, noticed]);
}

/// Of a server one worker pauses, and not the others: requests of 4 ms of work every 10 ms, of which each takes those that find it idle. One is idle at 36 ms:
/// whichever it is, at most one request takes longer, by the 5 ms of its pause.
#[test]
fn a_pause_is_one_workers() {
    let mut case = served(
        prefork(2, Strategy::Sequential, Lifecycle::default()),
        10,
        6,
        vec![cpu(ms(4))],
    );
    case.workload.faults = vec![pause(36, 5)];
    let o = case.run();
    assert_eq!(o.completed, 6, "{:?}", o.findings);
    let longer = o.latencies.iter().filter(|l| **l > ms(4));
    let longer: Vec<Nanos> = longer.copied().collect();
    assert!(longer == [ms(9)] || longer.is_empty(), "{:?}", o.latencies);
}

/// A pool of two whose connections take 5 ms to open at a station of one, and are used for 1 ms. Two open one after the other. Down from 17 to 27 ms: the one
/// that was opened at 10 ms is closed, so the requests of 20 and 30 ms open anew, and that of 40 ms does not.
#[test]
fn connections_are_opened_at_their_device_and_closed_with_it() {
    let uses = || vec![Step::Use(0, vec![io(ms(1))])];
    let pool = |mut case: Case| {
        case.workload.resources = vec![ResourceSpec {
            name: "pool".into(),
            kind: ResourceKind::Connections {
                size: 2,
                overflow: 0,
                connect: ms(5),
                lifetime: None,
                to: Some(0),
            },
            scope: Scope::Process,
            full: WhenFull::Wait,
        }];
        case
    };
    for strategy in at_once() {
        let two = pool(each(true, strategy.clone(), &[uses(), uses()]));
        let o = with(two, station(1), vec![]).run();
        assert_eq!(o.latencies, [ms(6), ms(11)], "{strategy:?}");
        let four = pool(served(strategy.clone(), 10, 4, uses()));
        let o = with(four, station(1), vec![down(17, 10)]).run();
        assert_eq!(o.latencies, [6, 13, 8, 1].map(ms), "{strategy:?}");
    }
}
