//! Who waits for what when nothing can ever happen again.

use super::Finding;
use super::program::{Awaited, Instr};
use super::sim::Sim;

impl Sim<'_> {
    /// Notes a deadlock: the first few of the tasks that wait.
    pub(crate) fn report_deadlock(&mut self) {
        let mut waiting: Vec<String> = self
            .tasks
            .iter()
            .take(8)
            .map(|(_, t)| {
                format!(
                    "{} waits at step {}: {}",
                    self.task_name(t),
                    t.pc,
                    self.waits_for(t.class, t.pc)
                )
            })
            .collect();
        let more = self.tasks.alive() - waiting.len() as u64;
        if more > 0 {
            waiting.push(format!("and {more} more"));
        }
        self.findings.push(Finding::Deadlock {
            at: self.machine.now(),
            waiting,
        });
    }

    /// What the instruction before this one (or at it) waits for, in words.
    fn waits_for(&self, class: u32, pc: u32) -> String {
        let code = &self.program.classes[class as usize].code;
        let at = |i: u32| code.get(i as usize).copied();
        let queue = |q: u32| &self.program.queues[q as usize].name;
        let name = |instr: Option<Instr>| {
            Some(match instr?.awaits()? {
                Awaited::Item(q) => format!("an item from queue '{}'", queue(q)),
                Awaited::Room(q) => format!("room in queue '{}'", queue(q)),
                Awaited::Lock(l) => format!("lock '{}'", self.program.locks[l as usize].name),
                Awaited::Children(_) => "its children".to_owned(),
            })
        };
        name(at(pc))
            .or_else(|| name(pc.checked_sub(1).and_then(at)))
            .unwrap_or_else(|| "a worker".to_owned())
    }
}
