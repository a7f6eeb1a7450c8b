//! What tasks cost under one strategy and another, where the program differs: `requests` in threads, `aiohttp` on a loop.

use std::borrow::Cow;

use super::{Arrivals, Dist, Pool, Server, Step, StepResource, Strategy, TaskClass, Workload};
use crate::engine::Nanos;

/// What executes tasks, as far as programs are written differently for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StrategyKind {
    /// The main thread, one task after another.
    Sequential,
    /// Threads.
    Threads,
    /// Worker processes.
    Processes,
    /// Sub-interpreters.
    Interpreters,
    /// An event loop, whatever it offloads.
    Asyncio,
}

impl StrategyKind {
    /// All kinds, each with its name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("sequential", Self::Sequential),
        ("threads", Self::Threads),
        ("processes", Self::Processes),
        ("interpreters", Self::Interpreters),
        ("asyncio", Self::Asyncio),
    ];

    /// The name.
    pub(crate) fn name(self) -> &'static str {
        let named = Self::ALL.iter().find(|(_, kind)| *kind == self);
        named.map_or("", |(name, _)| name)
    }
}

impl From<&Strategy> for StrategyKind {
    /// Of a prefork server, the kind of each process.
    fn from(strategy: &Strategy) -> Self {
        let run = strategy.execution();
        if run.event_loop {
            return Self::Asyncio;
        }
        match run.pool {
            Pool::Nobody => Self::Sequential,
            Pool::ThreadEach | Pool::Threads(_) => Self::Threads,
            Pool::Processes { .. } => Self::Processes,
            Pool::Interpreters(_) => Self::Interpreters,
        }
    }
}

impl TaskClass {
    /// Factor of the CPU times of its steps under a strategy: 1 unless it says otherwise.
    fn factor(&self, kind: StrategyKind) -> f64 {
        let given = self.cost.iter().find(|(k, _)| *k == kind);
        given.map_or(1.0, |(_, factor)| *factor)
    }
}

impl Workload {
    /// The workload as this strategy has it: the CPU times of each class, drawn or recorded, multiplied by what it costs there, endpoints
    /// that are plain functions called in a thread of the limiter, waits included, and what a server's answer waits for at the end.
    #[must_use]
    pub fn under(&self, strategy: &Strategy) -> Cow<'_, Self> {
        let server = strategy.server();
        let held_back = server.map_or(Nanos::ZERO, Server::held_back);
        let as_calls = server.is_some_and(Server::calls_endpoints);
        let as_it_is = held_back == Nanos::ZERO && !as_calls;
        if as_it_is && self.classes.iter().all(|c| c.cost.is_empty()) {
            return Cow::Borrowed(self);
        }
        let kind = StrategyKind::from(strategy);
        let factors: Vec<f64> = self.classes.iter().map(|c| c.factor(kind)).collect();
        let mut w = self.clone();
        if let Arrivals::Trace(tasks) = &mut w.arrivals {
            // Only recorded tasks have steps of a fixed, limited number.
            let mut on_cpu: Vec<Option<Vec<bool>>> = vec![None; factors.len()];
            for task in tasks.iter_mut().filter(|t| !t.demands.is_empty()) {
                let steps = &self.classes[task.class].steps;
                let kinds = on_cpu[task.class].get_or_insert_with(|| demands_on_cpu(steps));
                for (demand, _) in (task.demands.iter_mut().zip(kinds)).filter(|(_, cpu)| **cpu) {
                    *demand = demand.scale(factors[task.class]);
                }
                if held_back > Nanos::ZERO {
                    task.demands.push(held_back);
                }
            }
        }
        for (class, &factor) in w.classes.iter_mut().zip(&factors) {
            class.cost = Vec::new();
            if factor != 1.0 {
                class.steps = costing(&class.steps, factor);
            }
            if as_calls {
                let steps = std::mem::take(&mut class.steps);
                class.steps = vec![Step::Offload { steps, to: None }];
            }
            if held_back > Nanos::ZERO {
                let waits = Step::Inline(vec![Step::Io(Dist::Constant(held_back))]);
                class.steps.push(waits);
            }
        }
        Cow::Owned(w)
    }
}

/// For each recorded demand of a task with these steps, in their order, whether it is CPU time.
fn demands_on_cpu(steps: &[Step]) -> Vec<bool> {
    let mut out = Vec::new();
    for step in steps {
        if let Some((resource, _)) = step.takes() {
            out.push(on_cpu(resource));
        }
        if let Some(inside) = step.inside() {
            let once = demands_on_cpu(inside.steps);
            for _ in 0..inside.runs.by_the_task() {
                out.extend_from_slice(&once);
            }
        }
    }
    out
}

pub(crate) fn on_cpu(resource: StepResource) -> bool {
    match resource {
        StepResource::Bytecode | StepResource::Native => true,
        StepResource::Outside | StepResource::Blocked => false,
    }
}

/// The steps with their CPU times multiplied, and nothing else.
fn costing(steps: &[Step], factor: f64) -> Vec<Step> {
    taking(steps, factor, &on_cpu)
}

/// The steps with the times multiplied that they spend in such a way, and nothing else.
pub(crate) fn taking(
    steps: &[Step],
    factor: f64,
    such: &impl Fn(StepResource) -> bool,
) -> Vec<Step> {
    let one = |step: &Step| match step.takes() {
        Some((resource, _)) if such(resource) => step.scaled(factor),
        Some(_) => step.clone(),
        None => step.around(|inside| taking(inside, factor, such)),
    };
    steps.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Nanos;
    use crate::scenario::Lifecycle;
    use crate::scenario::{Dist, Workers};

    fn ms(n: u64) -> Dist {
        Dist::Constant(Nanos::from_millis(n))
    }

    fn steps(cpu: u64, native: u64) -> Vec<Step> {
        vec![
            Step::Io(ms(10)),
            Step::Repeat(2, vec![Step::Cpu(ms(cpu)), Step::Block(ms(3))]),
            Step::Timeout(ms(7), vec![Step::Native(ms(native))]),
        ]
    }

    fn class() -> TaskClass {
        TaskClass {
            name: "page".into(),
            count: 1,
            weight: 1.0,
            steps: steps(2, 4),
            touches: 0.0,
            interleave: false,
            cost: vec![(StrategyKind::Threads, 1.5), (StrategyKind::Asyncio, 3.0)],
        }
    }

    #[test]
    fn cpu_times_cost_more_and_waits_do_not() {
        assert_eq!(costing(&steps(2, 4), 1.5), steps(3, 6));
        let factors = [
            Strategy::Sequential,
            Strategy::Threads(Workers::PerTask),
            Strategy::Prefork {
                processes: 2,
                life: Lifecycle::default(),
                each: Box::new(Strategy::Asyncio {
                    limit: None,
                    offload: crate::scenario::Offload::None,
                    pools: Vec::new(),
                }),
            },
        ]
        .map(|s| class().factor(StrategyKind::from(&s)));
        assert_eq!(factors, [1.0, 1.5, 3.0]);
    }

    #[test]
    fn recorded_demands_are_told_apart_by_their_steps() {
        let of = |steps: &[Step]| demands_on_cpu(steps);
        assert_eq!(of(&steps(2, 4)), [false, true, false, true, false, true],);
    }
}
