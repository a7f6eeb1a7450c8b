//! The feeder thread of a `ProcessPoolExecutor`'s call queue, and the task handler of a `Pool`.

use super::{ENVELOPE, ProcessPool, calls_size, chunk_objects, pickle_in_c, pickle_takes};
use crate::cpython::kernel::{Act, On};
use crate::cpython::role::RoleAction;
use crate::cpython::work::Work;
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};

impl ProcessPool {
    pub(crate) fn refill_feeder(&mut self, work: &mut Work<'_>, tid: Tid) {
        work.work_on(tid, None);
        let chunk = self.chunk_size(work);
        let now = work.kernel.machine.now();
        let first = if self.mp {
            self.backlog.pop_front()
        } else {
            self.calls.pop_front()
        };
        let Some(first) = first else {
            if self.closing && self.pending == 0 {
                work.kernel.end_thread(tid, Nanos::ZERO);
                work.kernel.push(tid, Act::Exit);
            } else {
                work.kernel.push(tid, Act::park(On::Calls, Nanos::MAX));
            }
            return;
        };
        let mut last = first;
        for _ in 1..chunk {
            let Some(key) = self.backlog.pop_front() else {
                break;
            };
            work.tasks[last].next = Some(key);
            last = key;
        }
        let size = calls_size(work, first);
        let mut next = Some(first);
        while let Some(key) = next {
            let since = work.tasks[key].since;
            work.book(key, Cause::Pool, since, now);
            work.kernel.hop(key, tid);
            work.tasks[key].since = now;
            next = work.tasks[key].next;
        }
        let cost = if self.mp {
            work.kernel.costs.pool_task
        } else {
            work.kernel.costs.ppe_feed
        };
        let dumps = work.kernel.dumps_cost(size, chunk_objects(work, first).0);
        work.kernel.threads[tid].handed = Some(first);
        work.work_on(tid, Some(first));
        // The pickle of a call is freed when that of the next has been made.
        let before = std::mem::replace(&mut work.kernel.threads[tid].call_bytes, size);
        let moved = pickle_takes(&mut work.kernel, tid, size);
        work.kernel.push(tid, Act::Run(cost));
        work.kernel
            .push(tid, pickle_in_c(work.kernel.costs.pickle_fixed + dumps));
        work.kernel.push(tid, Act::Free(moved));
        work.kernel.push(tid, Act::Free(before));
        work.kernel
            .push(tid, Act::Do(RoleAction::Pickled(self.index)));
        let pipe = self.call_pipe;
        work.kernel.push(tid, Act::Write(pipe, size + ENVELOPE));
    }

    pub(crate) fn call_pickled(&mut self, work: &mut Work<'_>, tid: Tid) {
        if let Some(key) = work.kernel.threads[tid].handed.take() {
            let size = ENVELOPE + calls_size(work, key);
            let pipe = self.call_pipe;
            work.kernel.send(pipe, key, size);
        }
    }

    /// Number of items of its queue that the feeder sends as one message: with the executor one, which may be a chunk; with a `Pool` the chunk
    /// size.
    fn chunk_size(&self, work: &Work<'_>) -> u64 {
        if !self.mp || work.kernel.program.batch.is_empty() {
            return 1;
        }
        match self.chunk {
            0 => work
                .own_share(self.client.copy)
                .div_ceil(4 * u64::from(self.workers_max))
                .max(1),
            given => u64::from(given),
        }
    }
}
