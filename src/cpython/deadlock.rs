//! Who waits for what when nothing can ever happen again.

use super::Finding;
use super::exec::CHILD_BITS;
use super::program::Instr;
use super::sim::Sim;
use super::task::{Frame, Task};

/// The bits of a child's number that count its parent's children.
pub(crate) const CHILD_MASK: u64 = (1 << CHILD_BITS) - 1;

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
                    self.name_of(t),
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

    /// A task as people count it: `page #3`, or `page #3's child 2`. Both counts start at 1.
    fn name_of(&self, task: &Task) -> String {
        let mut name = match task.parent {
            Some(parent) => {
                let child = (task.number & CHILD_MASK) + 1;
                format!("{}'s child {child}", self.name_of(&self.tasks[parent]))
            }
            None => String::new(),
        };
        // Children that it runs itself, one after another, have no tasks of their own.
        let mut inline = Vec::new();
        for frame in &task.frames {
            if let Frame::Inline {
                class, pc, left, ..
            } = frame
            {
                inline.push((*class, *pc, *left));
            }
        }
        if task.parent.is_none() {
            let class = inline.first().map_or(task.class, |&(class, ..)| class);
            name = format!(
                "{} #{}",
                self.program.classes[class as usize].name,
                task.number + 1
            );
        }
        for (class, pc, left) in inline {
            let code = &self.program.classes[class as usize].code;
            let all = match code.get(pc.wrapping_sub(1) as usize) {
                Some(Instr::FanOut { count, .. }) => *count,
                _ => left,
            };
            name = format!("{name}'s child {}", all - left + 1);
        }
        name
    }

    /// What the instruction before this one (or at it) waits for, in words.
    fn waits_for(&self, class: u32, pc: u32) -> String {
        let code = &self.program.classes[class as usize].code;
        let at = |i: u32| code.get(i as usize).copied();
        let name = |instr| match instr {
            Some(Instr::Get(q)) => Some(format!(
                "an item from queue '{}'",
                self.program.queues[q as usize].name
            )),
            Some(Instr::Put(q)) => Some(format!(
                "room in queue '{}'",
                self.program.queues[q as usize].name
            )),
            Some(Instr::Acquire(l)) => {
                Some(format!("lock '{}'", self.program.locks[l as usize].name))
            }
            Some(Instr::FanOut { .. }) => Some("its children".to_owned()),
            _ => None,
        };
        name(at(pc))
            .or_else(|| name(pc.checked_sub(1).and_then(at)))
            .unwrap_or_else(|| "a worker".to_owned())
    }
}
