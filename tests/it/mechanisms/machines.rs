//! Machines that are lost: who is answered, who fails when, and when the machine is there again.

use pchsim::engine::Nanos;
use pchsim::scenario::{
    Admission, Arrivals, Balancer, Dist, Fault, FaultKind, FaultTime, HealthCheck, Network, Nodes,
    Offload, Overflow, PoolLife, ProcessApi, Scope, StartMethod, Step, Strategy, Workers,
};
use pchsim::strategy::{Finding, Outcome, compile};

use super::each;
use crate::common::{Case, ms};

fn asyncio() -> Strategy {
    Strategy::Asyncio {
        limit: None,
        offload: Offload::None,
        pools: Vec::new(),
    }
}

fn pool() -> Strategy {
    Strategy::Processes {
        workers: Workers::Exactly(2),
        start: StartMethod::Fork,
        api: ProcessApi::EXECUTOR,
        life: PoolLife::default(),
    }
}

fn machines(count: u32, balancer: Balancer, each: Strategy) -> Strategy {
    Strategy::Nodes {
        nodes: Nodes {
            balancer,
            network: Network {
                latency: ms(1),
                rate: None,
            },
            health: HealthCheck {
                every: ms(100),
                timeout: ms(50),
                fails: 2,
                passes: 2,
            },
            ..Nodes::of(count)
        },
        each: Box::new(each),
    }
}

fn lost(at: u64, lasts: Option<u64>, machine: u32) -> Fault {
    Fault {
        kind: FaultKind::MachineLost {
            machine: Some(machine),
            lasts: lasts.map(ms),
        },
        when: FaultTime::At(ms(at)),
    }
}

/// Requests every so often, each of which waits so long for something outside.
fn requests(strategy: Strategy, interval: u64, count: u64, io: u64) -> Case {
    let mut case = each(true, strategy, &[vec![Step::Io(Dist::Constant(ms(io)))]]);
    case.workload.arrivals = Arrivals::Open {
        interval: Dist::Constant(ms(interval)),
        count: Some(count),
    };
    case
}

fn told(o: &Outcome) -> Option<(Nanos, u64, u64, u64, u64)> {
    o.findings.iter().find_map(|f| match f {
        Finding::LostMachines {
            at,
            times,
            failed,
            sent_again,
            refused,
        } => Some((*at, *times, *failed, *sent_again, *refused)),
        _ => None,
    })
}

/// A request every 10 ms, in turn, of 20 ms and 1 ms each way. Machine 0, which gets those at 10, 30, .., is lost at 112 ms for good. The request of
/// 110 ms is on it then, those of 130, 150, .. go there in vain. Checks at 200 and 300 ms fail, the second after 50 ms: at 350 ms all of them fail,
/// and the one that comes then goes elsewhere.
#[test]
fn a_lost_machine_is_found_by_its_checks() {
    let case = requests(machines(2, Balancer::RoundRobin, asyncio()), 10, 60, 20);
    let mut case = case;
    case.workload.faults = vec![lost(112, None, 0)];
    let o = case.run();
    let (at, times, failed, sent_again, refused) = told(&o).expect("a finding");
    assert_eq!((at, times, sent_again, refused), (ms(112), 1, 0, 0));
    // That of 90 ms left the machine at 111 ms, before it was lost.
    let to_it = (110..350).step_by(20).count() as u64;
    assert_eq!(failed, to_it);
    assert_eq!((o.failed, o.completed), (to_it, 60 - to_it));
    assert!(
        o.latencies.iter().all(|&l| l == ms(22)),
        "{:?}",
        o.latencies
    );
}

/// The same, but back at 400 ms: the checks of 500 and 600 ms pass, and it gets every second request again.
#[test]
fn a_machine_that_is_back_gets_requests_again() {
    let mut case = requests(machines(2, Balancer::RoundRobin, asyncio()), 10, 200, 20);
    case.workload.faults = vec![lost(112, Some(288), 0)];
    let o = case.run();
    let (_, times, failed, ..) = told(&o).expect("a finding");
    assert_eq!((times, failed), (1, (110..350).step_by(20).count() as u64));
    assert_eq!(o.completed + o.failed, 200);
}

/// Back before anybody has noticed: it answers to connections that it does not know by closing them, so their requests fail then.
#[test]
fn a_machine_that_is_back_soon_closes_connections_that_it_does_not_know() {
    let mut case = requests(machines(2, Balancer::RoundRobin, asyncio()), 10, 30, 20);
    case.workload.faults = vec![lost(112, Some(20), 0)];
    let o = case.run();
    let (_, times, failed, ..) = told(&o).expect("a finding");
    // That of 110 ms was on it; that of 130 ms arrives at 131 ms, just before the machine is back at 132 ms.
    assert_eq!((times, failed), (1, 2));
    assert_eq!(o.completed + o.failed, 30);
}

/// A broker sends what was not acknowledged to the other machine: nothing fails, it is only late.
#[test]
fn a_broker_sends_again() {
    let broker = Balancer::Broker { prefetch: 4 };
    let mut case = requests(machines(2, broker, asyncio()), 10, 60, 20);
    case.workload.faults = vec![lost(112, None, 0)];
    let o = case.run();
    let (_, times, failed, sent_again, refused) = told(&o).expect("a finding");
    assert_eq!((times, failed, refused), (1, 0, 0));
    assert!(sent_again >= 1, "{sent_again}");
    assert_eq!((o.completed, o.failed), (60, 0));
    // Found at 350 ms; 22 ms more for those that were sent again, which the other may have queued behind its four.
    let late = o.latencies.iter().filter(|&&l| l > ms(200)).count() as u64;
    assert_eq!(late, sent_again);
}

/// With no machine left a balancer refuses at once.
#[test]
fn without_machines_requests_are_refused() {
    let mut case = requests(
        machines(1, Balancer::LeastOutstanding, asyncio()),
        10,
        60,
        20,
    );
    case.workload.faults = vec![lost(112, None, 0)];
    let o = case.run();
    let (_, _, failed, _, refused) = told(&o).expect("a finding");
    // Those of 10 to 90 ms are answered, those of 100 to 340 ms are lost or sent in vain, those of 350 to 600 ms are refused.
    assert_eq!((o.completed, failed, refused), (9, 25, 26));
}

/// A fault that names a machine that is not there is told; where there are no machines at all the strategy is refused, as it could not be compared.
#[test]
fn a_machine_that_is_not_there_is_missed() {
    let mut case = requests(machines(2, Balancer::RoundRobin, asyncio()), 10, 30, 20);
    case.workload.faults = vec![lost(112, None, 5)];
    let o = case.run();
    assert_eq!(o.completed, 30);
    let missed = |f: &Finding| matches!(f, Finding::MissedFault { times: 1, .. });
    assert!(o.findings.iter().any(missed), "{:?}", o.findings);
    let mut case = requests(asyncio(), 10, 30, 20);
    case.workload.faults = vec![lost(112, None, 0)];
    let refused = compile(&case.machine, &case.profile, &case.workload, &case.strategy);
    assert!(refused.is_err_and(|why| why.to_string().contains("nodes:1")));
}

/// A full process lets its place go when it has answered, not when the answer is there: a task that waits no longer gives it up once more. Found by a
/// user: an admission limit that drops the oldest, and a pool that breaks, on a machine.
#[test]
fn who_has_been_answered_gives_no_place_up_again() {
    let mut case = requests(machines(1, Balancer::RoundRobin, pool()), 1, 200, 20);
    case.workload.admission = Some(Admission {
        limit: Some(3),
        full: Overflow::DropOldest,
        per: Scope::Process,
        shed: None,
    });
    case.workload.faults = vec![Fault {
        kind: FaultKind::Crash { worker: None },
        when: FaultTime::At(ms(50)),
    }];
    let o = case.run();
    assert_eq!(o.completed + o.failed + o.rejected, 200);
}

/// What a broker sends again is let in anew: the place that it had went with its process.
#[test]
fn what_is_sent_again_is_let_in_anew() {
    let broker = Balancer::Broker { prefetch: 8 };
    let mut case = requests(machines(2, broker, super::threads(2)), 1, 200, 20);
    case.workload.admission = Some(Admission {
        limit: Some(3),
        full: Overflow::Reject,
        per: Scope::Process,
        shed: None,
    });
    case.workload.faults = vec![lost(50, Some(100), 0)];
    let o = case.run();
    assert_eq!(o.completed + o.failed + o.rejected, 200);
}
