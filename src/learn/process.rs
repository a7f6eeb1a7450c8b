//! What processes cost beside their tasks: imports, CPU time that no task has, memory that tasks work in.

use super::facts::ProcessFacts;
use super::table::time;
use super::trace::Trace;
use crate::engine::Nanos;
use crate::scenario::units::format_size;

/// Imports that are smaller and shorter are not worth writing.
const LEAST_IMPORT_BYTES: u64 = 1 << 20;
const LEAST_IMPORT_S: f64 = 0.005;
/// CPU time without a task, as a share of that of the processes, that is worth saying; and the least time.
const MISSING: f64 = 0.2;
/// Waiting for cores as a share of computing that is worth saying.
const DELAYED: f64 = 0.1;
/// The part of the gap between a recorded run and its forecast that waiting for cores has to be at least.
const EXPLAINS: f64 = 1.0 / 3.0;
const LEAST_MISSING_S: f64 = 0.05;
/// A server's CPU time beside its handlers that is worth writing, in seconds a request.
const LEAST_DISPATCH_S: f64 = 20e-6;
/// Memory of a task that is worth writing, in bytes.
const LEAST_HOLD: u64 = 1 << 20;
/// What has grown by this share in the first quarter of the tasks is memory that they work in: results would go on growing.
const EARLY: f64 = 0.7;

/// What every process pays for the program's modules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearnedImports {
    /// CPU time.
    pub time: Nanos,
    /// Memory in bytes.
    pub memory: u64,
    /// Containers that a full collection looks at.
    pub objects: u64,
}

/// Waiting of tasks for a core, which a forecast has none of: it has the machine for itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoreDelay {
    /// Seconds of all tasks together.
    pub waited: f64,
    /// Seconds for which they computed.
    pub computed: f64,
}

impl CoreDelay {
    /// Whether it is worth saying to somebody who sees that the recorded run took `gap` seconds longer than its forecast: it is at least a third of that.
    #[must_use]
    pub fn explains(&self, gap: f64) -> bool {
        gap > 0.0 && self.waited >= EXPLAINS * gap
    }

    /// A note about it for the user: a sentence without a full stop.
    #[must_use]
    pub fn note(&self) -> String {
        format!(
            "tasks waited for a core for {}, beside {} of computing: other programs had the cores, or more threads were runnable than \
             there are. A forecast has the machine for itself, so the recorded run took longer",
            time(self.waited * 1e9),
            time(self.computed * 1e9)
        )
    }
}

/// What processes cost beside their tasks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessCosts {
    /// What the program's modules cost; `None` if that is not known, or next to nothing.
    pub imports: Option<LearnedImports>,
    /// CPU time of a server for each request beside its handler.
    pub dispatch: Option<Nanos>,
    /// Bytes in which a task works.
    pub hold: Option<u64>,
    /// Waiting for a core, where that is a tenth of the computing at least.
    pub delay: Option<CoreDelay>,
}

/// The costs of the processes that ran `tasks` tasks, at most `at_once` of them at a time; also says what no task has.
pub(super) fn process_costs(
    trace: &Trace,
    tasks: usize,
    at_once: usize,
    notes: &mut Vec<String>,
) -> ProcessCosts {
    let processes: Vec<&ProcessFacts> = trace.facts.processes.values().collect();
    let imports = processes
        .iter()
        .max_by_key(|p| p.imports_memory)
        .map(|p| LearnedImports {
            time: Nanos::from_f64(p.imports_time * 1e9),
            memory: p.imports_memory,
            objects: p.objects,
        })
        .filter(|i| i.memory >= LEAST_IMPORT_BYTES || i.time.as_f64() >= LEAST_IMPORT_S * 1e9);
    ProcessCosts {
        imports,
        dispatch: unrecorded(trace, tasks, notes),
        hold: working_memory(&processes, at_once, notes),
        delay: core_delay(&processes),
    }
}

fn core_delay(processes: &[&ProcessFacts]) -> Option<CoreDelay> {
    let delay = CoreDelay {
        waited: processes.iter().map(|p| p.delayed).sum(),
        computed: processes.iter().map(|p| p.recorded).sum(),
    };
    (delay.waited > DELAYED * delay.computed).then_some(delay)
}

/// CPU time that no task has: a server's is for its requests, any other is only said.
fn unrecorded(trace: &Trace, tasks: usize, notes: &mut Vec<String>) -> Option<Nanos> {
    let processes = trace.facts.processes.values();
    let (cpu, recorded) = processes.fold((0.0, 0.0), |(c, r), p| (c + p.cpu, r + p.recorded));
    let main: u64 = trace.facts.main.iter().map(|m| m.used).sum();
    let missing = (cpu - recorded - main as f64 / 1e9).max(0.0);
    if trace.facts.server() && tasks > 0 {
        let each = missing / tasks as f64;
        if each < LEAST_DISPATCH_S {
            return None;
        }
        notes.push(format!(
            "{} of CPU time for each request lies outside of its task (HTTP, the server's loop, the recorder itself): it is \
             written as dispatch, which the model's own costs come on top of, so it is rather too much",
            time(each * 1e9)
        ));
        return Some(Nanos::from_f64(each * 1e9));
    }
    if missing > LEAST_MISSING_S && missing > MISSING * cpu {
        notes.push(format!(
            "{} of the {} of CPU time that the processes used while tasks ran ({:.0}%) belong to no recorded task: to the main \
             program, to pools' own work, or to threads that are not recorded. The scenario has the tasks' only",
            time(missing * 1e9),
            time(cpu * 1e9),
            100.0 * missing / cpu
        ));
    }
    None
}

/// The memory in which a task works, where it is taken when the first tasks run, and not kept for each.
fn working_memory(
    processes: &[&ProcessFacts],
    at_once: usize,
    notes: &mut Vec<String>,
) -> Option<u64> {
    let ran: Vec<&&ProcessFacts> = processes.iter().filter(|p| p.tasks > 0).collect();
    let grown = |p: &ProcessFacts| p.peak.saturating_sub(p.memory);
    let most = ran.iter().max_by_key(|p| grown(p))?;
    let here = at_once.div_ceil(ran.len().max(1)).max(1) as u64;
    let each = grown(most) / here;
    if each < LEAST_HOLD {
        return None;
    }
    // The tasks that are under way at once have all had their memory when as many are done.
    let early = (most.tasks / 4).max(here);
    let by_then = most.grown.iter().filter(|(done, _)| *done <= early);
    let by_then = by_then.map(|(_, bytes)| *bytes).max().unwrap_or(0);
    let share = by_then.saturating_sub(most.memory) as f64 / grown(most) as f64;
    if share >= EARLY {
        return Some(each);
    }
    notes.push(format!(
        "memory grew by {} while tasks ran, and went on growing: what they return is kept. The scenario leaves it out",
        format_size(grown(most))
    ));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_cores_is_said_where_it_explains_the_gap() {
        let process = |delayed| ProcessFacts {
            delayed,
            recorded: 1.0,
            ..ProcessFacts::default()
        };
        assert_eq!(core_delay(&[&process(0.04), &process(0.04)]), None);
        let delay = core_delay(&[&process(0.25), &process(0.25)]).unwrap();
        assert!(delay.explains(1.5) && !delay.explains(1.6));
        assert!(!delay.explains(0.0) && !delay.explains(-1.0));
    }
}
