//! Threads that a program starts for one task each: facts sheet 5.

use crate::cpython::index::{CopyIndex, TaskKey};
use crate::cpython::kernel::Act;
use crate::cpython::role::ThreadRole;
use crate::cpython::work::{Flow, FutureState, Mode, Work};
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};
/// Starts a thread for one task.
pub(super) fn start(work: &mut Work<'_>, tid: Tid, copy: CopyIndex, key: TaskKey) {
    let home = work.copies[copy].home;
    let now = work.kernel.machine.now();
    let serial = work.kernel.count_raw_thread(home.process);
    let t = work.kernel.new_thread(ThreadRole::Raw, home, serial);
    let since = work.tasks[key].since;
    work.book(key, Cause::Pool, since, now);
    work.runs(t, Some(key));
    let task = &mut work.tasks[key];
    (task.future, task.worker) = (FutureState::Running, Some(t));
    work.kernel.hop(key, tid);
    work.attribute_time(t, Some(key), Cause::Startup);
    work.kernel.start_thread(tid, t);
}

/// Goes on with the thread's task; after it, ends the thread.
pub(super) fn refill(work: &mut Work<'_>, tid: Tid) {
    let Some(key) = work.kernel.threads[tid].task else {
        let rss = work.kernel.costs.thread_rss;
        work.kernel.end_thread(tid, Nanos::ZERO);
        work.kernel.push(tid, Act::Give(rss));
        work.kernel.push(tid, Act::Exit);
        return;
    };
    work.kernel.machine.set_run_cause(tid, Cause::Running);
    match work.step(tid, key, Mode::Pooled) {
        Flow::Over => {
            work.runs(tid, None);
            work.attribute_time(tid, None, Cause::Ipc);
            if work.tasks[key].abandoned {
                work.drop_abandoned(key);
            } else {
                work.task_ended(key);
            }
        }
        Flow::Children => {
            let copy = work.tasks[key].copy;
            for child in work.tasks.children(key) {
                start(work, tid, copy, child);
            }
        }
        Flow::Go | Flow::Suspended | Flow::Offload => {}
    }
}
