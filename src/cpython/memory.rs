//! Memory of the whole process tree: every page counted once, as a sum of proportional set sizes counts it.

use super::recorder::MemoryLog;
use crate::engine::Nanos;
use crate::scenario::limits::MAX_MEMORY;

pub(crate) struct Memory {
    now: u64,
    peak: u64,
    since: Nanos,
    /// Bytes times nanoseconds so far.
    area: f64,
    limit: u64,
    /// When the limit was passed, and what was in use then.
    pub(crate) exceeded: Option<(Nanos, u64)>,
    /// Where changes are written down.
    pub(crate) log: Option<Box<MemoryLog>>,
}

impl Memory {
    pub(crate) fn new(limit: Option<u64>) -> Self {
        Self {
            now: 0,
            peak: 0,
            since: Nanos::ZERO,
            area: 0.0,
            // What no machine has ends a run, too; far beyond it bytes could no longer be counted.
            limit: limit.map_or(MAX_MEMORY, |l| l.min(MAX_MEMORY)),
            exceeded: None,
            log: None,
        }
    }

    fn book(&mut self, at: Nanos) {
        #[expect(clippy::cast_precision_loss, reason = "a mean")]
        let bytes = self.now as f64;
        self.area += bytes * (at - self.since).as_f64();
        self.since = at;
    }

    #[inline]
    pub(crate) fn take(&mut self, at: Nanos, bytes: u64) {
        if bytes == 0 {
            return;
        }
        self.book(at);
        self.now = self.now.saturating_add(bytes);
        if self.now > self.peak {
            self.peak = self.now;
            if self.now > self.limit && self.exceeded.is_none() {
                self.exceeded = Some((at, self.now));
            }
        }
        if let Some(log) = &mut self.log {
            log.changed(at, self.now);
        }
    }

    #[inline]
    pub(crate) fn give(&mut self, at: Nanos, bytes: u64) {
        if bytes == 0 {
            return;
        }
        self.book(at);
        debug_assert!(
            self.now >= bytes || self.exceeded.is_some(),
            "more memory given back than taken"
        );
        self.now = self.now.saturating_sub(bytes);
        if let Some(log) = &mut self.log {
            log.changed(at, self.now);
        }
    }

    pub(crate) fn now(&self) -> u64 {
        self.now
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
}
