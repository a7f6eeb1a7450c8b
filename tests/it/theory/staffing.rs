//! How many servers a load needs: what Erlang's formula says of M/M/c, the planner finds by simulation.

use pchsim::Scenario;
use pchsim::engine::Nanos;
use pchsim::plan::{Ask, MachineType, PriceList, Survive, plan};
use pchsim::scenario::{
    Arrivals, Balancer, Dist, Metric, Network, Nodes, Objective, Step, Strategy, StrategyCase,
};

use super::support::{SEED, SERVICE, erlang, exponential, machine, profile, workload};

fn scenario(arrivals: Arrivals, strategy: Strategy) -> Scenario {
    Scenario {
        name: "staffing".into(),
        question: String::new(),
        machine: machine(1),
        interpreters: vec!["ideal".into()],
        workload: workload(arrivals, 0, vec![Step::Cpu(exponential(SERVICE))]),
        strategies: vec![StrategyCase {
            strategy,
            interpreter: None,
        }],
        replications: None,
        warmup: None,
        horizon: None,
        windows: None,
        objectives: Vec::new(),
        rank_by: None,
        seed: SEED,
    }
}

/// One queue before any number of machines with a core each.
fn one_line() -> Strategy {
    Strategy::Nodes {
        nodes: Nodes {
            balancer: Balancer::Broker { prefetch: 1 },
            network: Network {
                latency: Nanos::ZERO,
                rate: None,
            },
            ..Nodes::of(1)
        },
        each: Box::new(Strategy::Sequential),
    }
}

fn machine_type() -> MachineType {
    MachineType {
        name: "server".into(),
        cpus: 1,
        memory_bytes: 1 << 40,
        price_per_month: 1.0,
    }
}

fn mean_below(bound: f64) -> Objective {
    Objective {
        text: format!("mean < {bound}s"),
        metric: Metric::MeanLatency,
        below: true,
        bound,
    }
}

fn ask<'a>(
    scenario: &'a Scenario,
    profiles: &'a [pchsim::Profile],
    prices: &'a PriceList,
    bound: f64,
    load: f64,
) -> Ask<'a> {
    Ask {
        scenario,
        profiles,
        objectives: vec![mean_below(bound)],
        load: Some(load),
        growth: Vec::new(),
        budget: None,
        prices,
        machines: vec![machine_type()],
        headroom: 0.0,
        survive: Survive::Machines(0),
        most: 60,
        servers: false,
        only_answer: true,
        threads: Some(2),
    }
}

/// Erlang C over fifty cases: the number of servers is exactly the formula's where the formula is 5 % or more from the objective on both
/// sides, and within one server elsewhere. (The formula says whether a number suffices; simulations that cannot tell take one more.)
#[test]
fn servers_are_as_many_as_erlang_says() {
    let prices = PriceList::example();
    let profiles = [profile(true)];
    let mut exact = 0;
    for case in 0..50_u32 {
        let part = |k: u32| f64::from(case * k % 50) / 50.0;
        // From half a server's work to that of twelve, and from five percent over the service to four times as long.
        let offered = 0.5 + 11.5 * part(17);
        let bound = SERVICE * (1.05 + 3.0 * part(29) * part(29));
        let mean = |servers: u32| {
            let load = offered / f64::from(servers);
            if load < 1.0 {
                erlang(servers, load)
            } else {
                f64::INFINITY
            }
        };
        let needed = (1..100).find(|&c| mean(c) <= bound).unwrap();
        let rate = offered / SERVICE;
        let arrivals = Arrivals::Open {
            interval: exponential(1.0 / rate),
            count: Some(1),
        };
        let scenario = scenario(arrivals, one_line());
        let plan = plan(&ask(&scenario, &profiles, &prices, bound, rate), &|_| {}).unwrap();
        let machines = plan.plan.as_ref().map_or(0, |d| d.machines);
        let clear =
            mean(needed) <= 0.95 * bound && (needed == 1 || mean(needed - 1) >= 1.05 * bound);
        let off = machines.abs_diff(needed);
        assert!(
            plan.feasible && off <= u32::from(!clear),
            "case {case}: {machines} servers for {offered} erlangs and {bound} s, where {needed} are needed ({} s, {} s with one less)",
            mean(needed),
            mean(needed.saturating_sub(1).max(1)),
        );
        exact += u32::from(clear);
        // The square-root rule: as many servers as erlangs, and some roots of them; a small system needs whole servers.
        let beta = (f64::from(machines) - offered - 1.0) / offered.sqrt();
        assert!(
            f64::from(machines) > offered && beta < 2.5,
            "case {case}: {beta}"
        );
    }
    assert!(exact >= 15, "{exact}");
}

/// Users who think and ask one server: latency begins to rise where the asymptotes cross, at (thinking + service) / service users.
#[test]
fn the_knee_of_a_closed_network_is_where_its_asymptotes_cross() {
    let prices = PriceList::example();
    let profiles = [profile(true)];
    for think in [5, 20] {
        let arrivals = Arrivals::Closed {
            users: 1,
            think: Dist::Exponential(Nanos::from_secs_f64(SERVICE * f64::from(think))),
            count: Some(1),
        };
        let scenario = scenario(arrivals, Strategy::Sequential);
        let asked = Ask {
            only_answer: false,
            most: 1,
            ..ask(&scenario, &profiles, &prices, 4.0 * SERVICE, 2.0)
        };
        let plan = plan(&asked, &|_| {}).unwrap();
        let knee = plan.knee.expect("a closed network has a knee").load;
        let expected = f64::from(think) + 1.0;
        assert!(
            (knee / expected - 1.0).abs() < 0.05,
            "{knee} users, not {expected}"
        );
    }
}
