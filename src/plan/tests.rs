//! The search against trying everything.

use super::load::Input;
use super::look::{Closeness, Looker};
use super::prices::MachineType;
use super::result::Survive;
use super::search::Goal;
use super::shape::{candidates, shapes};
use crate::cpython::profile::Profile;
use crate::scenario::Scenario;
use crate::syntax::parse;

/// A space that is small enough to try everything in: some strategies, two kinds of machines, and up to so many machines.
const MOST: u32 = 14;

fn space(number: u32) -> Scenario {
    let n = u64::from(number);
    let pick = |of: u64, salt: u64| (n * 7919 + salt * 104_729) % of;
    let text = format!(
        "(schema: 1, name: \"space\", machine: (cores: 1), interpreters: [\"cpython-3.14\"],
          workload: (arrivals: Poisson(rate: {rate}, count: 100),
            tasks: [(name: \"t\", steps: [Cpu(Exponential(\"{cpu}ms\")), Io(Exponential(\"{io}ms\"))])]),
          strategies: [{strategies}], seed: {seed})",
        rate = 60 + pick(400, 1),
        cpu = 2 + pick(7, 2),
        io = 5 + pick(40, 3),
        strategies = ["Threads(workers: 8)", "Asyncio()", "\"prefork:2(asyncio)\""][..=(number as usize % 3)].join(", "),
        seed = 1 + n,
    );
    parse(&text, std::path::Path::new("space.ron"), &[]).unwrap()
}

fn kinds(number: u32) -> Vec<MachineType> {
    let kind = |cpus: u32, price| MachineType {
        name: format!("{cpus} cpus"),
        cpus,
        memory_bytes: 4 << 30,
        price_per_month: price,
    };
    // Two small ones or one large one: which is cheaper depends on the space.
    vec![kind(1, 10.0), kind(2, 17.0 + f64::from(number % 5) * 1.5)]
}

/// Branch and bound finds what trying everything finds, in at most a seventh of the simulations (a tenth over more spaces).
#[test]
fn the_search_finds_what_trying_everything_finds() {
    holds_in(0..2, 7);
}

/// The same in twenty spaces.
#[test]
#[ignore = "takes more than a minute: run it with --ignored"]
fn in_twenty_spaces() {
    holds_in(0..20, 10);
}

/// `part`: in at most that part of the simulations.
fn holds_in(spaces: std::ops::Range<u32>, part: u64) {
    let (mut tried, mut searched) = (0, 0);
    for number in spaces {
        let scenario = space(number);
        let kinds = kinds(number);
        let profiles = [Profile::default()];
        let objectives = [crate::syntax::parse_objective("p95 < 250ms").unwrap()];
        let shapes = shapes(&scenario, false);
        let all = candidates(&shapes, &scenario, &profiles, &kinds);
        let looker = || {
            let mut looker = Looker::new(
                (&scenario, &profiles),
                &kinds,
                &objectives,
                &all,
                Some(2),
                &|_| {},
            );
            looker.lengths = 0.4;
            looker
        };
        let load = super::load::own_load(&scenario).unwrap();
        let goal = Goal {
            load,
            headroom: 0.2,
            survive: Survive::Machines(number % 2),
            input: Input::AsItIs,
            most: MOST,
            ties: true,
            closely: Closeness::Look,
        };
        // Everything, from the fewest machines that leave enough after a loss.
        let mut everything = looker();
        everything.thorough = true;
        let mut cheapest: Option<f64> = None;
        for (i, candidate) in all.iter().enumerate() {
            for machines in 1 + goal.survive.machines()..=MOST {
                if everything
                    .bears(&goal, (i, machines), Closeness::Look)
                    .unwrap()
                {
                    let cost = kinds[candidate.machine].price_per_month * f64::from(machines);
                    cheapest = Some(cheapest.map_or(cost, |c: f64| c.min(cost)));
                }
            }
        }
        let mut search = looker();
        let among: Vec<usize> = (0..all.len()).collect();
        let found = search.search(&goal, &among).unwrap();
        let cost = found
            .best
            .first()
            .map(|&(c, n)| kinds[all[c].machine].price_per_month * f64::from(n));
        let fared = |t: &super::search::Track| {
            let c = &all[t.candidate];
            let last = t.last.as_ref();
            let last = last.map(|(n, s)| (n, super::words::lack_text(s, &objectives)));
            let (lo, hi) = (t.lo, t.hi);
            format!(
                "{} on {}: {lo} {hi:?} {:?} {last:?}",
                c.label(),
                kinds[c.machine].name,
                t.hopeless
            )
        };
        let tracks: Vec<String> = found.tracks.iter().map(fared).collect();
        assert_eq!(cost, cheapest, "space {number}: {}", tracks.join("\n"));
        tried += everything.replications;
        searched += search.replications;
    }
    assert!(part * searched <= tried, "{searched} of {tried}");
}
