//! Devices that tasks share: who is slowed down by whom, who waits for whom, and what those who give up leave to the others.

use pchsim::engine::Nanos;
use pchsim::scenario::{
    DeviceKind, DeviceSpec, Dist, Lifecycle, Offload, StartMethod, Step, Strategy, Workers,
};
use pchsim::strategy::{Cause, Outcome};

use super::{batch, each, executor, latencies, threads};
use crate::common::{Case, class, cpu, io, ms};

/// A device that gives a single user all it has, with this penalty in percent.
fn shared(percent: u32) -> DeviceKind {
    DeviceKind::Shared {
        rate: 200_000_000,
        per_stream: 200_000_000,
        penalty: percent * 10_000,
    }
}

fn station(servers: u64) -> DeviceKind {
    DeviceKind::Station {
        servers,
        rate: None,
    }
}

fn with(mut case: Case, kind: DeviceKind) -> Case {
    case.workload.devices = vec![DeviceSpec {
        name: "device".into(),
        kind,
        per_node: false,
    }];
    case
}

fn transfer(alone: Nanos) -> Step {
    Step::Transfer(0, Dist::Constant(alone))
}

fn asyncio(offload: Offload) -> Strategy {
    Strategy::Asyncio {
        limit: None,
        offload,
        pools: Vec::new(),
    }
}

/// Every way to have three transfers at once within one process, each of which costs nothing by itself.
fn at_once() -> [Strategy; 4] {
    [
        asyncio(Offload::None),
        asyncio(Offload::Threads(Workers::Exactly(3))),
        threads(3),
        Strategy::Threads(Workers::PerTask),
    ]
}

fn time(o: &Outcome, cause: Cause) -> Nanos {
    Nanos(u64::try_from(o.causes[cause as usize].0).unwrap())
}

#[test]
fn two_share_what_one_has_alone() {
    for strategy in at_once() {
        // 12 ms and 4 ms of work: both have half until the second is done at 8 ms; the first has 8 ms left then, and all of the device.
        let case = each(
            true,
            strategy.clone(),
            &[vec![transfer(ms(12))], vec![transfer(ms(4))]],
        );
        let o = with(case, shared(0)).run();
        assert_eq!(o.latencies, [ms(16), ms(8)], "{strategy:?}");
        // What each would have taken alone is I/O, the rest the other's part.
        assert_eq!(time(&o, Cause::Io), ms(16), "{strategy:?}");
        assert_eq!(time(&o, Cause::Resource), ms(8), "{strategy:?}");
        let disk = o.devices[0];
        assert_eq!((disk.completed, disk.cut), (2, 0));
        assert_eq!((disk.done, disk.present), (16_000_000, 24_000_000));
        assert!((disk.busy - 16e6).abs() < 1e-3, "{disk:?}");
    }
}

/// Three that come one after another, with thirds on the way: 1 ms alone (9 left), 1 ms of halves (8.5, 9.5), then thirds for 25.5 ms. The
/// first ends at 27.5 ms; the second has 1 ms left, the third 1.5 ms.
#[test]
fn whole_nanoseconds_come_out_of_thirds() {
    for strategy in at_once() {
        let later = |after| vec![io(ms(after)), transfer(ms(10))];
        let case = each(
            true,
            strategy.clone(),
            &[vec![transfer(ms(10))], later(1), later(2)],
        );
        let o = with(case, shared(0)).run();
        let us = Nanos::from_micros;
        // The second takes 2 ms of halves, which leave half a millisecond to the third.
        let ends = [us(27_500), us(29_500) - ms(1), ms(30) - ms(2)];
        // Latencies count from the batch's arrival.
        assert_eq!(
            o.latencies,
            [ends[0], ends[1] + ms(1), ends[2] + ms(2)],
            "{strategy:?}"
        );
        assert_eq!(o.makespan, ms(30));
    }
}

/// With a penalty of 50 % three have 1 / (1 + 0.5 * 2) = half of the rate, a sixth each; two have two thirds, a third each.
#[test]
fn a_penalty_makes_the_device_slower_with_each_further_user() {
    for strategy in at_once() {
        let tasks = [10, 10, 20].map(|n| vec![transfer(ms(n))]);
        let o = with(each(true, strategy.clone(), &tasks), shared(50)).run();
        // 60 ms of sixths, then 10 ms alone.
        assert_eq!(o.latencies, [ms(60), ms(60), ms(70)], "{strategy:?}");
        assert_eq!(time(&o, Cause::Resource), ms(50 + 50 + 50));
        let tasks = [10, 20].map(|n| vec![transfer(ms(n))]);
        let o = with(each(true, strategy.clone(), &tasks), shared(50)).run();
        assert_eq!(o.latencies, [ms(30), ms(40)], "{strategy:?}");
        // The device is in use all the time, and does 30 ms of work in 40.
        assert_eq!(o.devices[0].done, 30_000_000);
        assert!((o.devices[0].busy - 40e6).abs() < 1e-3);
    }
}

/// One stream gets at most 120 MB/s of 200: two have 100 each, three 66.7, in the proportions 1, 5/6 and 5/9 of what one alone has.
#[test]
fn what_one_gets_alone_is_not_all_there_is() {
    let kind = DeviceKind::Shared {
        rate: 200_000_000,
        per_stream: 120_000_000,
        penalty: 0,
    };
    // 2.4 MB take 20 ms alone.
    assert_eq!(kind.takes(2_400_000), Some(ms(20)));
    for (users, takes) in [(1, ms(20)), (2, ms(24)), (3, ms(36))] {
        let case = batch(
            true,
            Strategy::Threads(Workers::PerTask),
            vec![class(users, vec![transfer(ms(20))])],
        );
        let o = with(case, kind).run();
        assert!(o.latencies.iter().all(|l| *l == takes), "{:?}", o.latencies);
        // Of one alone 60 % of the device are in use, of more all of it.
        let busy = if users == 1 { 12e6 } else { takes.as_f64() };
        assert!((o.devices[0].busy - busy).abs() < 1.0, "{:?}", o.devices);
    }
}

#[test]
fn a_station_serves_first_come_first_served() {
    for strategy in at_once() {
        let tasks = [10, 4, 6].map(|n| vec![transfer(ms(n))]);
        let o = with(each(true, strategy.clone(), &tasks), station(1)).run();
        assert_eq!(o.latencies, [ms(10), ms(14), ms(20)], "{strategy:?}");
        assert_eq!(time(&o, Cause::Io), ms(20));
        assert_eq!(time(&o, Cause::Resource), ms(10 + 14));
        let o = with(each(true, strategy.clone(), &tasks), station(2)).run();
        assert_eq!(o.latencies, [ms(10), ms(4), ms(10)], "{strategy:?}");
        assert!((o.devices[0].busy - 10e6).abs() < 1e-3, "{:?}", o.devices);
    }
}

/// A device is one for all processes, as its machine is.
#[test]
fn processes_share_it() {
    let steps = vec![transfer(ms(50))];
    let case = batch(
        true,
        executor(2, StartMethod::Fork),
        vec![class(2, steps.clone())],
    );
    let o = with(case, shared(0)).run();
    assert!(o.makespan >= ms(99) && o.makespan < ms(110), "{o:?}");
    let copies = Strategy::Prefork {
        processes: 2,
        each: Box::new(asyncio(Offload::None)),
        life: Lifecycle::default(),
    };
    let case = batch(true, copies, vec![class(2, steps)]);
    let o = with(case, shared(0)).run();
    assert_eq!(o.makespan, ms(100));
}

/// Whoever gives up leaves at once, and the others have his share: 20 ms of halves leave 20 of 30 ms, which are alone from then on.
#[test]
fn who_gives_up_leaves_his_share_to_the_others() {
    for strategy in at_once() {
        let hasty = vec![Step::Timeout(ms(20).into(), vec![transfer(ms(30))])];
        let tasks = [hasty, vec![transfer(ms(30))]];
        let o = with(each(true, strategy.clone(), &tasks), shared(0)).run();
        assert_eq!((o.completed, o.timed_out), (1, 1), "{strategy:?}");
        assert_eq!(o.latencies, [ms(40)], "{strategy:?}");
        let disk = o.devices[0];
        assert_eq!((disk.completed, disk.cut), (1, 1));
        assert_eq!((disk.done, disk.present), (40_000_000, 60_000_000));
        // Of the 20 ms that the hasty one was there it got 10.
        assert_eq!(time(&o, Cause::Io), ms(40), "{strategy:?}");
        assert_eq!(time(&o, Cause::Resource), ms(20), "{strategy:?}");
    }
    // In line for a station: nothing was done for him, and the next one comes first.
    for strategy in at_once() {
        let hasty = vec![
            io(ms(1)),
            Step::Timeout(ms(5).into(), vec![transfer(ms(30))]),
        ];
        let last = vec![io(ms(2)), transfer(ms(10))];
        let tasks = [vec![transfer(ms(10))], hasty, last];
        let o = with(each(true, strategy.clone(), &tasks), station(1)).run();
        assert_eq!(o.latencies, [ms(10), ms(20)], "{strategy:?}");
        assert_eq!(time(&o, Cause::Resource), ms(5 + 8), "{strategy:?}");
    }
}

/// A transfer that fails its time-out is tried again, from its beginning.
#[test]
fn what_is_retried_begins_anew() {
    let retry = Step::Retry {
        attempts: 2,
        backoff: Nanos::ZERO.into(),
        steps: vec![Step::Timeout(ms(15).into(), vec![transfer(ms(10))])],
    };
    for strategy in [asyncio(Offload::None), threads(2)] {
        // Both run at half speed until 10 ms, when the other is done after 5 ms of work; 5 ms are left then.
        let tasks = [vec![retry.clone()], vec![transfer(ms(8))]];
        let o = with(each(true, strategy.clone(), &tasks), shared(0)).run();
        // At 15 ms 7.5 ms are done, and the other still has half a millisecond: then 1 ms of halves, and 9.5 ms alone.
        assert_eq!(o.latencies, [Nanos(25_500_000), ms(16)], "{strategy:?}");
    }
}

/// Nothing of the GIL or a core is held meanwhile: bytecode of another goes on beside a transfer.
#[test]
fn a_transfer_needs_neither_core_nor_gil() {
    for strategy in [asyncio(Offload::None), threads(2)] {
        let tasks = [vec![transfer(ms(10))], vec![cpu(ms(10))]];
        let case = with(each(true, strategy.clone(), &tasks), shared(0));
        assert_eq!(latencies(&case), [ms(10), ms(10)], "{strategy:?}");
    }
}

/// The loop is woken when a transfer ends, not at the next whole millisecond, as it is for its timers.
#[test]
fn the_loop_does_not_wait_for_a_timer() {
    let alone = Nanos(1_234_567);
    let case = with(
        each(true, asyncio(Offload::None), &[vec![transfer(alone)]]),
        shared(0),
    );
    assert_eq!(latencies(&case), [alone]);
}

/// A run that ends in the middle books what there has been: half of 10 ms to each of two.
#[test]
fn what_is_under_way_at_the_end_is_booked() {
    for strategy in at_once() {
        let case = batch(true, strategy, vec![class(2, vec![transfer(ms(30))])]);
        let mut case = with(case, shared(0));
        case.horizon = Some(ms(10));
        let o = case.run();
        assert_eq!(o.in_flight, 2);
        assert_eq!(time(&o, Cause::Io), ms(10));
        assert_eq!(time(&o, Cause::Resource), ms(10));
    }
}
