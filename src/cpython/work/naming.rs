//! Names of tasks, as people count them.

use super::Work;
use super::task::{CHILD_MASK, Frame, Task};

impl Work<'_> {
    /// Names a task as people count it: `page #3`, or `page #3's child 2`. Both counts start at 1. A child, or its call, that nobody awaits any
    /// more has no parent whose name it could have.
    pub(crate) fn task_name(&self, task: &Task) -> String {
        if task.parent.is_none() && task.is_child() {
            return format!("a child {} given up", (task.number & CHILD_MASK) + 1);
        }
        let mut name = match task.parent {
            Some(parent) => {
                let child = (task.number & CHILD_MASK) + 1;
                format!("{}'s child {child}", self.task_name(&self.tasks[parent]))
            }
            None => String::new(),
        };
        // Children that the thread executes inline, one after another, are no tasks of their own.
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
                self.kernel.program.classes[class].name,
                task.number + 1
            );
        }
        for (class, pc, left) in inline {
            let code = &self.kernel.program.classes[class].code;
            let started = code.get(pc.wrapping_sub(1) as usize);
            let all = started.and_then(|i| i.children()).unwrap_or(left);
            name = format!("{name}'s child {}", all - left + 1);
        }
        name
    }
}
