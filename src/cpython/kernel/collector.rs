//! The cyclic garbage collector, and stopping the world: facts sheet 12.5 and 14.
//!
//! GIL builds collect by generations: the young one whenever so many containers have been allocated, the whole heap after a hundred young
//! collections if a quarter of it is new. The allocating thread collects, and keeps the GIL. Free-threaded builds have a single generation,
//! and stop the world twice for each collection.

use super::Kernel;
use super::act::Act;
use super::thread::{Blocked, Phase};
use crate::cpython::index::NO_GIL;
use crate::engine::Nanos;
use crate::machine::{Cause, SchedState, Tid};

/// Young collections for each look at the whole heap: every tenth collects the middle generation, and every tenth of those may collect the
/// old one (`gc.c`).
const YOUNG_PER_FULL: u64 = 100;
/// The old generation is collected if objects that have survived since the last time are more than this fraction of it, a quarter
/// (`long_lived_pending`). Free-threaded builds collect when allocations pass the same fraction.
const NEW_SHARE: u64 = 4;

/// State of an interpreter's collector. Containers that a task makes are freed by reference counting when it ends, so the long-lived
/// objects are the program's own.
pub(crate) struct Heap {
    /// Containers allocated since the last young collection (on free-threaded builds: since the last collection).
    young: u64,
    collections: u64,
    /// Containers that have survived young collections since the last full one.
    pending: u64,
    live: u64,
    /// The thread that has stopped this interpreter's world, while it is stopped.
    pub(crate) stopper: Option<Tid>,
    stopped: Vec<Tid>,
}

impl Heap {
    pub(crate) fn new(live: u64) -> Self {
        Self {
            young: 0,
            collections: 0,
            pending: 0,
            live,
            stopper: None,
            stopped: Vec::new(),
        }
    }

    /// Resets the state of a stopped world; called when the process has been killed.
    pub(crate) fn abandon(&mut self) {
        self.stopper = None;
        self.stopped.clear();
    }
}

impl Kernel<'_> {
    /// Counts containers that a running thread has allocated, and scripts the collections that are due.
    pub(crate) fn allocate(&mut self, tid: Tid, objects: u64) {
        let threshold = self.costs.gc_threshold.max(1);
        let each = self.costs.gc_per_object;
        let free_threaded = self.threads[tid].gil == NO_GIL;
        let heap = &mut self.heaps[self.threads[tid].domain];
        heap.young += objects;
        if free_threaded {
            if heap.young > threshold && heap.young > heap.live / NEW_SHARE {
                let looked_at = heap.live + std::mem::take(&mut heap.young);
                let pause = Nanos(each.0.saturating_mul(looked_at) / 2);
                // Two pauses: one finds the garbage, the other checks it again and frees it. The first writes to the objects that it
                // examines.
                for copying in [self.collect_inherited(tid), Nanos::ZERO] {
                    self.push(tid, Act::StopWorld);
                    self.push(tid, Act::RunC(pause + copying));
                    self.push(tid, Act::StartWorld);
                }
            }
            return;
        }
        let young = heap.young / threshold;
        if young == 0 {
            return;
        }
        heap.young %= threshold;
        heap.pending += young * threshold;
        let due = (heap.collections + young) / YOUNG_PER_FULL - heap.collections / YOUNG_PER_FULL;
        heap.collections += young;
        let mut work = young.saturating_mul(threshold);
        let mut copying = Nanos::ZERO;
        if due > 0 && heap.pending > heap.live / NEW_SHARE {
            work = work.saturating_add(heap.live + std::mem::take(&mut heap.pending));
            copying = self.collect_inherited(tid);
        }
        self.push(tid, Act::RunC(Nanos(each.0.saturating_mul(work)) + copying));
    }

    /// Stops every attached thread of the interpreter. Threads that are blocked or in native code stop when they come back.
    pub(crate) fn stop_world(&mut self, tid: Tid) {
        let domain = self.threads[tid].domain;
        self.heaps[domain].stopper = Some(tid);
        let mut stopped = 0;
        let mut all = self.threads_of(self.threads[tid].process);
        all.sort_unstable();
        for other in all {
            let t = &self.threads[other];
            let attached = t.domain == domain
                && other != tid
                && t.phase == Phase::Go
                && t.blocked == Blocked::No;
            if attached
                && matches!(
                    self.machine.state(other),
                    SchedState::Running | SchedState::Ready
                )
            {
                self.threads[other].blocked = Blocked::World;
                self.machine.suspend(other, Cause::Gil);
                self.heaps[domain].stopped.push(other);
                stopped += 1;
            }
        }
        if stopped > 0 {
            self.machine.charge(
                tid,
                self.costs.check_gap + self.costs.stw_per_thread * stopped,
            );
        }
    }

    /// Lets the stopped threads of the interpreter go on.
    pub(crate) fn start_world(&mut self, tid: Tid) {
        let domain = self.threads[tid].domain;
        let heap = &mut self.heaps[domain];
        heap.stopper = None;
        for other in std::mem::take(&mut heap.stopped) {
            self.threads[other].blocked = Blocked::No;
            self.machine.wake(other, Nanos::ZERO);
        }
    }

    /// Whether a thread has to wait for a stopped world; if so, it blocks.
    pub(crate) fn held_by_stopped_world(&mut self, tid: Tid) -> bool {
        let domain = self.threads[tid].domain;
        let heap = &mut self.heaps[domain];
        if heap.stopper.is_none_or(|s| s == tid) {
            return false;
        }
        heap.stopped.push(tid);
        self.threads[tid].blocked = Blocked::World;
        self.block(tid, Cause::Gil);
        true
    }
}
