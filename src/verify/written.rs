//! How much of its working memory a program writes: as much as fits into the times of its steps.
//!
//! The CPU time of a scenario's steps contains what touching their memory takes, so the program takes it off what its steps ask for. That is not
//! possible any more where times are shortened and memory is not: then the program would compute longer than the scenario says, and hold more at a
//! time.

use crate::scenario::{Step, StepResource, Workload};

/// The time of writing fresh memory, whose pages are faulted in one by one, and of giving it back, in nanoseconds a byte. Measured on a server;
/// where memory takes longer, programs say so by the CPU time that they use.
const NS_PER_BYTE: f64 = 0.4;
/// The part of a task's time alone by which writing may lengthen it.
const LONGER: f64 = 0.05;
/// The least share of the memory that is written.
const LEAST: f64 = 0.001;

/// What a task takes alone.
#[derive(Clone, Copy, Default)]
struct TaskNeeds {
    /// The time on a core, in nanoseconds.
    cpu: f64,
    /// The time in all, in nanoseconds.
    time: f64,
    /// The working memory that it writes, in bytes.
    bytes: f64,
}

impl TaskNeeds {
    /// Adds what steps need that are executed so many times.
    fn add(&mut self, steps: &[Step], times: f64) {
        for step in steps {
            if let Some((spent, time)) = step.takes() {
                let time = time.mean() * times;
                self.time += time;
                self.cpu += match spent {
                    StepResource::Bytecode | StepResource::Native => time,
                    StepResource::Outside | StepResource::Blocked => 0.0,
                };
            }
            let carried = step.carries();
            let held = step.block() - carried.bytes_in - carried.bytes_out;
            self.bytes += held as f64 * times;
            if let Some(inside) = step.inside() {
                self.add(inside.steps, times * inside.runs.at_most() as f64);
            }
        }
    }

    /// The share of its memory that it can write in its time.
    fn written(self) -> f64 {
        let write = self.bytes * NS_PER_BYTE;
        ((self.cpu + self.time * LONGER) / write.max(1.0)).clamp(LEAST, 1.0)
    }
}

/// Lets the tasks hold as little memory as they can write in their time; returns the least share of any class.
pub(super) fn fit_memory(workload: &mut Workload) -> f64 {
    let mut least = 1.0_f64;
    for class in &mut workload.classes {
        let mut needs = TaskNeeds::default();
        needs.add(&class.steps, 1.0);
        let share = needs.written();
        if share < 1.0 {
            class.steps = class.steps.iter().map(|s| s.holding(share)).collect();
        }
        least = least.min(share);
    }
    least
}
