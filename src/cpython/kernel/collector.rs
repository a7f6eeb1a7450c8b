//! The cyclic garbage collector and stopping the world: facts sheet 12.5 and 14.
//!
//! GIL builds collect by generations: the young one whenever so many containers have been made, the whole heap after a
//! hundred of those if a quarter of it is new; the thread that made them does it, and keeps the GIL. Free-threaded builds
//! have one generation and stop the world for it, twice.

use super::Kernel;
use super::act::Act;
use super::thread::{Blocked, Phase};
use crate::cpython::index::NO_GIL;
use crate::engine::Nanos;
use crate::machine::{Cause, SchedState, Tid};

/// Young collections between two looks at the whole heap: every tenth collects the middle generation, every tenth of
/// those may collect the old one (`gc.c`).
const YOUNG_PER_FULL: u64 = 100;
/// The old generation is collected if survivors since last time are more than a quarter of it (`long_lived_pending`); the
/// free-threaded build collects when allocations pass the same share.
const NEW_SHARE: u64 = 4;

/// What an interpreter's collector knows. Containers that a task makes are gone when it ends, by their reference counts:
/// what lives for long is the program's own.
pub(crate) struct Heap {
    /// Containers made since the last young collection (free-threaded: since the last collection).
    young: u64,
    collections: u64,
    /// Containers that have survived since the last full collection.
    pending: u64,
    live: u64,
    /// The thread that has stopped this interpreter's world.
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

    /// Its process has been killed.
    pub(crate) fn abandon(&mut self) {
        self.stopper = None;
        self.stopped.clear();
    }
}

impl Kernel<'_> {
    /// A running thread has made containers; it collects what that asks for.
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
                // Two pauses: find the garbage, then look again and let go. The first writes to what it looks at.
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

    /// Stops every attached thread of the interpreter; those that are blocked or in native code stop when they come back.
    pub(crate) fn stop_world(&mut self, tid: Tid) {
        let domain = self.threads[tid].domain;
        self.heaps[domain].stopper = Some(tid);
        let mut stopped = 0;
        for other in self.threads.keys() {
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

    /// The world goes on.
    pub(crate) fn start_world(&mut self, tid: Tid) {
        let domain = self.threads[tid].domain;
        let heap = &mut self.heaps[domain];
        heap.stopper = None;
        for other in std::mem::take(&mut heap.stopped) {
            self.threads[other].blocked = Blocked::No;
            self.machine.wake(other, Nanos::ZERO);
        }
    }

    /// Whether a thread has to wait for a stopped world; if so it blocks.
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
