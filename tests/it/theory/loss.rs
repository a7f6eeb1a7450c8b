//! Admission and impatience: M/M/1/K, Erlang's loss formula, retrials, and up to which load retries let a service recover.

use pchsim::engine::Nanos;
use pchsim::scenario::{
    Admission, Arrivals, Backoff, Client, Dist, Jitter, Load, Overflow, Phase, Scope, Step,
    Strategy, Workers,
};
use pchsim::strategy::Outcome;

use super::support::{Case, SERVICE, exponential, machine, profile, workload};

const REPLICATIONS: u32 = 20;

/// Poisson arrivals at so many servers, and room for `limit` in the system.
fn limited(servers: u32, load: f64, limit: u64) -> Case {
    let (cores, strategy) = match servers {
        1 => (1, Strategy::Sequential),
        n => (n + 1, Strategy::Threads(Workers::Exactly(n))),
    };
    let arrivals = Arrivals::Open {
        interval: exponential(SERVICE / (load * f64::from(servers))),
        count: Some(20_000),
    };
    let mut workload = workload(arrivals, 0, vec![Step::Cpu(exponential(SERVICE))]);
    workload.admission = Some(Admission {
        limit: Some(limit),
        full: Overflow::Reject,
        per: Scope::Everywhere,
        shed: None,
    });
    Case {
        machine: machine(cores),
        profile: profile(servers == 1),
        workload,
        strategy,
        warmup: 100.0 * SERVICE,
        horizon: None,
    }
}

fn rejected(o: &Outcome) -> f64 {
    o.rejected as f64 / o.arrived as f64
}

/// Erlang's loss formula, by its recursion.
fn erlang_b(servers: u32, offered: f64) -> f64 {
    (1..=servers).fold(1.0, |b, n| offered * b / (f64::from(n) + offered * b))
}

/// Which of the queue's places are full has a geometric distribution, cut at K.
#[test]
fn mm1k() {
    for (load, k) in [(0.6, 3), (0.85, 5), (1.3, 5)] {
        let of = |n: i32| f64::powi(load, n);
        let exact = (1.0 - load) * of(k) / (1.0 - of(k + 1));
        limited(1, load, u64::try_from(k).expect("positive"))
            .replicate(REPLICATIONS, rejected)
            .assert_holds(exact, &format!("M/M/1/{k} at {load}"));
    }
}

#[test]
fn mmcc_is_erlangs_loss() {
    for (servers, load) in [(2, 0.6), (4, 0.85), (4, 1.5)] {
        let offered = load * f64::from(servers);
        limited(servers, load, servers.into())
            .replicate(REPLICATIONS, rejected)
            .assert_holds(
                erlang_b(servers, offered),
                &format!("M/M/{servers}/{servers} at {load}"),
            );
    }
}

/// Where those that are rejected come again after long and random times, what arrives in all is as good as Poisson: its rate and the share that is
/// rejected are a fixed point of Erlang's formula (the classical approximation of retrial queues, exact as pauses grow: Cohen, 1957). With pauses
/// of a hundred services it holds within 2 %.
#[test]
fn retrials_are_a_fixed_point_of_erlangs_loss() {
    let (servers, load, retries) = (4, 0.7, 3);
    let first = load * f64::from(servers);
    let attempts = |p: f64| (0..=retries).map(|n| p.powi(n)).sum::<f64>();
    let mut p = 0.0;
    for _ in 0..200 {
        p = erlang_b(servers, first * attempts(p));
    }
    let mut case = limited(servers, load, servers.into());
    case.workload.client = Some(Client {
        timeout: None,
        retries: 3,
        backoff: Backoff {
            factor: 1.0,
            jitter: Jitter::None,
            ..Backoff {
                base: exponential(100.0 * SERVICE),
                ..Backoff::from(Nanos::ZERO)
            }
        },
        propagate: false,
    });
    let seen = case.replicate(5, |o| o.arrived as f64 / (o.arrived - o.resent) as f64);
    assert!(
        (seen.mean / attempts(p) - 1.0).abs() < 0.02,
        "{seen:?}, {}",
        attempts(p)
    );
}

/// A server that bears 100 requests a second (10 ms each), whose clients give up after a second and send each request four times in all. After five seconds of 150 a second
/// so many come as `rate` says.
fn after_a_peak(rate: f64, propagate: bool, retries: u32) -> Case {
    let steady = |rate, s| Phase {
        from: rate,
        to: rate,
        time: Nanos::from_secs(s),
    };
    let load = Load::Phases {
        phases: vec![steady(150.0, 5), steady(rate, 395)],
        repeat: 1,
    };
    let arrivals = Arrivals::Varying { load, count: None };
    let steps = vec![Step::Cpu(exponential(0.01))];
    let mut workload = workload(arrivals, 0, steps);
    workload.client = Some(Client {
        timeout: Some(Dist::Constant(Nanos::from_secs(1))),
        retries,
        backoff: Backoff::from(Nanos::from_millis(50)),
        propagate,
    });
    Case {
        machine: machine(1),
        profile: profile(true),
        workload,
        strategy: Strategy::Sequential,
        warmup: 300.0,
        horizon: Some(400.0),
    }
}

/// While it is behind, each request comes four times, and none is answered in time: it catches up if four times the rate is below what it bears, and never
/// otherwise. The same rates are far below what it bears where nothing is sent again, and where it does not work on what nobody waits for. The shares lie
/// far from the bounds: no chance decides.
#[test]
fn a_service_recovers_if_its_load_with_all_retries_is_below_its_capacity() {
    let lost = |case: Case| {
        let o = case.run(0);
        o.timed_out as f64 / (o.completed + o.timed_out) as f64
    };
    assert!(lost(after_a_peak(20.0, false, 3)) < 0.01);
    assert!(lost(after_a_peak(30.0, false, 3)) > 0.9);
    assert!(lost(after_a_peak(30.0, true, 3)) < 0.01);
    assert!(lost(after_a_peak(30.0, false, 0)) < 0.01);
}
