//! What may be otherwise than was said: inputs, and the scenario with one of them changed.

use serde::{Deserialize, Serialize};

use crate::engine::{Nanos, whole};
use crate::plan::{Input, LoadUnit, at_load, own_load};
use crate::scenario::limits::{MAX_CORES, MAX_TASKS};
use crate::scenario::{Arrivals, MachineSpec, Scenario};

/// An input that may be wrong, or change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lever {
    /// CPU time of each task.
    Cpu,
    /// Time that each task waits for something outside.
    Waits,
    /// Number of tasks of a batch, or how often they come.
    Tasks,
    /// Size of what travels to a worker and back.
    Payload,
    /// Time and memory of imports.
    Startup,
    /// Memory that a task holds while it is in work.
    Memory,
    /// Number of cores.
    Cores,
}

impl Lever {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Cpu,
        Self::Waits,
        Self::Tasks,
        Self::Payload,
        Self::Startup,
        Self::Memory,
        Self::Cores,
    ];

    /// Whether the scenario has anything that it changes.
    pub(super) fn applies(self, scenario: &Scenario) -> bool {
        let w = &scenario.workload;
        let takes = |cpu: bool| {
            w.any_step(|s| {
                s.takes()
                    .is_some_and(|(r, _)| crate::scenario::on_cpu(r) == cpu)
            })
        };
        match self {
            Self::Cpu => takes(true),
            Self::Waits => takes(false),
            Self::Tasks => match w.arrivals {
                Arrivals::Batch => true,
                // Each task comes when the one before is over: there are no more of them at once, however many there are.
                Arrivals::Closed {
                    users: 1,
                    ref think,
                    ..
                } if think.mean() == 0.0 => false,
                _ => own_load(scenario).is_some(),
            },
            Self::Payload => w.any_step(|s| s.carries() != crate::scenario::Carried::default()),
            Self::Startup => w.imports.time > Nanos::ZERO || w.imports.memory > 0,
            Self::Memory => w.any_step(|s| s.holding(2.0) != *s),
            Self::Cores => scenario.machine.cores.len() > 1 || takes(true),
        }
    }

    /// The scenario with this multiplied; `None` where that comes to the same.
    pub(super) fn changed(self, scenario: &Scenario, by: f64) -> Option<Scenario> {
        let mut s = scenario.clone();
        match self {
            Self::Cpu => Input::Cpu(by).changed(&mut s.workload),
            Self::Waits => Input::Waits(by).changed(&mut s.workload),
            Self::Payload => {
                for class in &mut s.workload.classes {
                    class.steps = class.steps.iter().map(|s| s.carrying(by)).collect();
                }
            }
            Self::Startup => {
                let imports = &mut s.workload.imports;
                imports.time = imports.time.scale(by);
                imports.memory = Nanos(imports.memory).scale(by).0;
                imports.objects = imports.objects.map(|n| Nanos(n).scale(by).0);
            }
            Self::Memory => {
                for class in &mut s.workload.classes {
                    class.steps = class.steps.iter().map(|s| s.holding(by)).collect();
                }
            }
            Self::Cores => {
                let now = s.machine.cores.len() as f64;
                let cores = whole(now * by).clamp(1, u64::from(MAX_CORES));
                let cores = u32::try_from(cores).unwrap_or(MAX_CORES);
                if cores as usize == s.machine.cores.len() {
                    return None;
                }
                s.machine = with_cores(&s.machine, cores);
            }
            Self::Tasks => match LoadUnit::of(&s) {
                _ if s.workload.arrivals == Arrivals::Batch => {
                    let before: Vec<u64> = s.workload.classes.iter().map(|c| c.count).collect();
                    for class in &mut s.workload.classes {
                        class.count = whole(class.count as f64 * by).clamp(1, MAX_TASKS);
                    }
                    if before
                        .iter()
                        .zip(&s.workload.classes)
                        .all(|(n, c)| *n == c.count)
                    {
                        return None;
                    }
                }
                unit => {
                    let before = own_load(&s)?;
                    let load = match unit {
                        LoadUnit::PerSecond => before * by,
                        LoadUnit::Users => libm::round(before * by).max(1.0),
                    };
                    if load == before {
                        return None;
                    }
                    s.workload.arrivals = at_load(&s, load, Input::AsItIs, 1.0).workload.arrivals;
                }
            },
        }
        Some(s)
    }

    /// How it is called.
    pub(super) fn name(self, scenario: &Scenario) -> &'static str {
        match self {
            Self::Cpu => "CPU time of a task",
            Self::Waits => "waiting time of a task",
            Self::Tasks => match scenario.workload.arrivals {
                Arrivals::Batch => "number of tasks",
                Arrivals::Closed { .. } => "number of users",
                Arrivals::Open { .. }
                | Arrivals::Varying { .. }
                | Arrivals::Sessions { .. }
                | Arrivals::Trace(_) => "rate of tasks",
            },
            Self::Payload => "size of what travels to a worker",
            Self::Startup => "time and memory of imports",
            Self::Memory => "memory of a task",
            Self::Cores => "number of cores",
        }
    }
}

/// The machine with so many cores, as fast as its first.
pub(super) fn with_cores(machine: &MachineSpec, cores: u32) -> MachineSpec {
    let speed = machine.cores.first().copied().unwrap_or(1.0);
    MachineSpec {
        cores: vec![speed; cores as usize],
        visible_cpus: cores,
        ..machine.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_tasks_that_follow_each_other_there_are_no_more_at_once() {
        for (users, think, applies) in [(1, "0", false), (1, "2s", true), (2, "0", true)] {
            let text = format!(
                "(schema: 1, name: \"s\", workload: (arrivals: Closed(users: {users}, think: \"{think}\", count: 10), tasks: [(name: \"t\", steps: [Cpu(\"1ms\")])]))"
            );
            let scenario = Scenario::parse(&text, &[]).unwrap();
            assert_eq!(Lever::Tasks.applies(&scenario), applies, "{users} {think}");
        }
    }
}
