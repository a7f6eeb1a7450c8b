//! A plan as a scenario again: to record a run of it, and to hold it against a real server.

use super::load::{Input, LoadUnit, at_load};
use super::pools::with_pools;
use super::result::Plan;
use super::shape::machine_of;
use crate::scenario::{Arrivals, Scenario, StrategyCase};
use crate::syntax::parse_strategy;

/// The scenario in which the plan runs under this load: its machines, its strategy, its interpreter. `None` where there is no plan, or where a
/// later version has made it.
#[must_use]
pub fn scene(plan: &Plan, scenario: &Scenario, load: f64) -> Option<Scenario> {
    let d = plan.plan.as_ref()?;
    let mut scene = at_load(
        &with_pools(scenario, d.pool_factor),
        load,
        Input::AsItIs,
        1.0,
    );
    scene.machine = machine_of(&scenario.machine, &d.machine);
    scene.strategies = vec![StrategyCase {
        strategy: parse_strategy(&d.strategy).ok()?.strategy,
        interpreter: None,
    }];
    scene.interpreters = vec![d.interpreter.clone()];
    Some(scene)
}

/// Seconds for which a real server is asked.
const ASKED: f64 = 20.0;

/// One of the plan's machines under its share of this load, as so many cores can have it: where they are fewer than the machine has, processes
/// and load are fewer in proportion. With it the load that is left.
#[must_use]
pub fn on_one_machine(
    plan: &Plan,
    scenario: &Scenario,
    cores: u32,
    load: f64,
) -> Option<(Scenario, f64)> {
    let d = plan.plan.as_ref()?;
    let has = d.machine.cpus.min(cores.max(1));
    let part = f64::from(has) / f64::from(d.machine.cpus.max(1));
    let share = load / f64::from(d.machines.max(1)) * part;
    let share = LoadUnit::of(scenario).possible(share);
    let mut one = at_load(
        &with_pools(scenario, d.pool_factor),
        share,
        Input::AsItIs,
        1.0,
    );
    let strategy = parse_strategy(&d.each).ok()?.strategy;
    let strategy = if part < 1.0 {
        let processes = libm::round(f64::from(d.processes) * part).max(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "fewer than there were"
        )]
        let processes = processes as u32;
        strategy.with_workers(processes)
    } else {
        strategy
    };
    one.machine.cores.truncate(has as usize);
    one.machine.visible_cpus = has;
    one.strategies = vec![StrategyCase {
        strategy,
        interpreter: None,
    }];
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number, and a float cast saturates"
    )]
    let tasks = libm::ceil(share * ASKED).max(50.0) as u64;
    match &mut one.workload.arrivals {
        Arrivals::Open { count, .. } | Arrivals::Sessions { count, .. } => *count = Some(tasks),
        Arrivals::Closed { .. }
        | Arrivals::Varying { .. }
        | Arrivals::Trace(_)
        | Arrivals::Batch => {}
    }
    Some((one, share))
}
