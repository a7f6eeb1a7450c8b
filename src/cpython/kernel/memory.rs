//! Memory of the whole process tree over time: the sum of its processes' ledgers. Every page counts once, as in a sum of proportional set
//! sizes.

use super::Kernel;
use super::ledger::{Ledgers, Pages};
use crate::cpython::index::ProcessIndex;
use crate::cpython::record::memory_log::MemoryLog;
use crate::engine::Nanos;
use crate::machine::Tid;
use crate::scenario::limits::MAX_MEMORY;

/// Memory of the process tree: its present sum, peak and mean, in bytes.
pub(crate) struct Memory {
    ledgers: Ledgers,
    peak: u64,
    since: Nanos,
    /// Integral over time so far, in bytes times nanoseconds.
    area: f64,
    limit: u64,
    /// When the limit was passed, and the memory in use then.
    pub(crate) exceeded: Option<(Nanos, u64)>,
    /// Log of all changes, if the run is recorded.
    pub(crate) log: Option<Box<MemoryLog>>,
}

impl Memory {
    pub(crate) fn new(limit: Option<u64>) -> Self {
        Self {
            ledgers: Ledgers::default(),
            peak: 0,
            since: Nanos::ZERO,
            area: 0.0,
            // Without a limit, the largest that a scenario may name applies: far beyond it bytes could no longer be counted.
            limit: limit.map_or(MAX_MEMORY, |l| l.min(MAX_MEMORY)),
            exceeded: None,
            log: None,
        }
    }

    fn book(&mut self, at: Nanos) {
        let bytes = self.ledgers.resident() as f64;
        self.area += bytes * (at - self.since).as_f64();
        self.since = at;
    }

    /// Updates peak, limit and log after a change.
    #[inline]
    fn changed(&mut self, at: Nanos) {
        let now = self.ledgers.resident();
        if now > self.peak {
            self.peak = now;
        }
        if now > self.limit && self.exceeded.is_none() {
            self.exceeded = Some((at, now));
        }
        if let Some(log) = &mut self.log {
            log.changed(at, now);
        }
    }

    /// Adds a process that inherits nothing, with an image that its children will share.
    pub(crate) fn start(&mut self, at: Nanos, image: u64, pages: Pages) -> ProcessIndex {
        self.book(at);
        let process = self.ledgers.start(image, pages);
        self.changed(at);
        process
    }

    /// Adds a child that `parent` has forked.
    pub(crate) fn fork(&mut self, at: Nanos, parent: ProcessIndex) -> ProcessIndex {
        self.book(at);
        let process = self.ledgers.fork(parent);
        self.changed(at);
        process
    }

    /// Makes a process that has done nothing yet a forked child of `parent`.
    pub(crate) fn forked_from(&mut self, at: Nanos, process: ProcessIndex, parent: ProcessIndex) {
        self.book(at);
        self.ledgers.forked_from(process, parent);
        self.changed(at);
    }

    /// Adds private memory to a process.
    #[inline]
    pub(crate) fn take(&mut self, process: ProcessIndex, at: Nanos, bytes: u64) {
        if bytes == 0 {
            return;
        }
        self.book(at);
        self.ledgers.take(process, bytes);
        self.changed(at);
    }

    /// Returns private memory of a process; does nothing if the process has ended.
    #[inline]
    pub(crate) fn give(&mut self, process: ProcessIndex, at: Nanos, bytes: u64) {
        if bytes == 0 {
            return;
        }
        self.book(at);
        let whole = self.ledgers.give(process, bytes);
        debug_assert!(
            whole || self.exceeded.is_some(),
            "more memory given back than taken"
        );
        self.changed(at);
    }

    /// Notes that a process allocates so many bytes of objects; returns how many come from fresh memory that it keeps, at most `most` in
    /// its life.
    pub(crate) fn grow(&mut self, process: ProcessIndex, at: Nanos, bytes: u64, most: u64) -> u64 {
        self.book(at);
        let fresh = self.ledgers.grow(process, bytes, most);
        self.changed(at);
        fresh
    }

    /// Collects the whole heap of a process; returns the bytes of pages that are copied for it.
    pub(crate) fn collect(&mut self, process: ProcessIndex, at: Nanos) -> u64 {
        self.book(at);
        let copied = self.ledgers.collect(process);
        self.changed(at);
        copied
    }

    /// Walks this share (0 to 1) of the objects that a process inherited; returns the bytes of pages that are copied for it.
    #[inline]
    pub(crate) fn walk(&mut self, process: ProcessIndex, at: Nanos, share: f64) -> u64 {
        if !self.ledgers.walks_more(process, share) {
            return 0;
        }
        self.book(at);
        let copied = self.ledgers.walk(process, share);
        self.changed(at);
        copied
    }

    /// Ends a process.
    pub(crate) fn exit(&mut self, process: ProcessIndex, at: Nanos) {
        self.book(at);
        self.ledgers.exit(process);
        self.changed(at);
    }

    /// Bytes that a process maps, shared or not.
    pub(crate) fn mapped(&self, process: ProcessIndex) -> u64 {
        self.ledgers.mapped(process)
    }

    /// The share of a process in the sum of all; pages that several share count with the first of them.
    pub(crate) fn own(&self, process: ProcessIndex) -> u64 {
        self.ledgers.own(process)
    }

    pub(crate) fn now(&self) -> u64 {
        self.ledgers.resident()
    }

    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    pub(crate) fn mean(&mut self, end: Nanos) -> f64 {
        self.book(end);
        if end == Nanos::ZERO {
            0.0
        } else {
            self.area / end.as_f64()
        }
    }

    /// Logs the memory in use until `end`.
    pub(crate) fn log_until(&mut self, end: Nanos) {
        if let Some(log) = &mut self.log {
            log.spent_until(end);
        }
    }

    pub(crate) fn take_log(&mut self) -> Option<MemoryLog> {
        self.log.take().map(|l| *l)
    }
}

impl Kernel<'_> {
    /// Takes memory for the process of a thread.
    #[inline]
    pub(crate) fn take(&mut self, tid: Tid, bytes: u64) {
        let process = self.threads[tid].process;
        self.take_for(process, bytes);
    }

    /// Returns memory of the process of a thread.
    #[inline]
    pub(crate) fn give(&mut self, tid: Tid, bytes: u64) {
        let process = self.threads[tid].process;
        self.give_for(process, bytes);
    }

    /// Takes memory for a process, now.
    #[inline]
    pub(crate) fn take_for(&mut self, process: ProcessIndex, bytes: u64) {
        self.memory.take(process, self.machine.now(), bytes);
    }

    /// Returns memory of a process, now.
    #[inline]
    pub(crate) fn give_for(&mut self, process: ProcessIndex, bytes: u64) {
        self.memory.give(process, self.machine.now(), bytes);
    }

    /// Resident memory of a payload that nothing has touched yet: a large fresh allocation has no pages.
    pub(crate) fn payload_memory(&self, bytes: u64) -> u64 {
        // The threshold above which glibc maps an allocation rises with use; after a program's imports it is about this.
        const MMAP_THRESHOLD: u64 = 200_000;
        if self.program.untouched_payload && bytes >= MMAP_THRESHOLD {
            0
        } else {
            bytes
        }
    }
}
