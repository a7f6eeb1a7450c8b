//! Bounded queues that are full: who puts an item is refused, or the oldest item is dropped.

use super::Work;
use super::flow::{Flow, Mode};
use super::resource::Asked;
use crate::cpython::index::{ClassIndex, QueueIndex, TaskKey};
use crate::cpython::record::recording::TaskEnd;
use crate::machine::Tid;
use crate::scenario::Overflow;

/// How often tasks have put items into queues that may refuse them, and how often such a queue was full, by queue and class.
#[derive(Default)]
pub(super) struct Puts(Vec<Vec<Asked>>);

impl Work<'_> {
    /// A task puts an item into a queue. Returns what follows where the queue does not have the task wait for room, and none is left.
    pub(super) fn put_where_full(
        &mut self,
        tid: Tid,
        key: TaskKey,
        mode: Mode,
        queue: QueueIndex,
    ) -> Option<Flow> {
        let how = self.kernel.program.queues[queue].full;
        if how == Overflow::Wait {
            return None;
        }
        let full = self.queues[queue].is_full();
        let class = self.tasks[key].submitted_as;
        let puts = &mut self.puts.0;
        let (at, of) = (usize::from(queue), usize::from(class));
        if puts.len() <= at {
            puts.resize_with(at + 1, Vec::new);
        }
        if puts[at].len() <= of {
            puts[at].resize_with(of + 1, Asked::default);
        }
        puts[at][of].times += 1;
        puts[at][of].rejected += u64::from(full);
        if !full {
            return None;
        }
        match how {
            Overflow::Wait => None,
            Overflow::DropOldest => {
                self.queues[queue].drop_oldest();
                None
            }
            Overflow::Reject => {
                // `put_nowait` takes the queue's lock before it raises `queue.Full`.
                self.charge_for_asking(tid, Self::waiter(tid, key, mode));
                self.unwind(tid, key, TaskEnd::Failed, usize::MAX);
                Some(Flow::Go)
            }
        }
    }

    /// How often tasks of a class have put items into a queue that may refuse them, and how often it was full.
    pub(crate) fn puts(&self, queue: QueueIndex, class: ClassIndex) -> Asked {
        let of_queue = self.puts.0.get(usize::from(queue));
        let of_class = of_queue.and_then(|all| all.get(usize::from(class)));
        of_class.copied().unwrap_or_default()
    }
}
