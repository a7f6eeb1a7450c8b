//! A standing queue, told from a burst by the least wait in an interval.

/// `folly::Codel` (`folly/executors/Codel.cpp`): the least wait of an interval decides whether the next one sheds load. Times are nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StandingQueue {
    /// When the present interval ends.
    until: u64,
    /// The least wait in it.
    least: u64,
    /// Whether the wait of the next is the first of its interval.
    begins: bool,
    /// Whether load is shed in this interval.
    overloaded: bool,
}

impl StandingQueue {
    /// Whether one that has waited for so long, and is taken up now, is to be rejected. `target`: the wait that is accepted as a standing queue;
    /// `interval`: how long the least wait is looked for.
    pub(crate) fn rejects(&mut self, now: u64, waited: u64, target: u64, interval: u64) -> bool {
        if now > self.until && !self.begins {
            self.begins = true;
            self.until = now.saturating_add(interval);
            self.overloaded = self.least > target;
        }
        if std::mem::take(&mut self.begins) {
            // More than one has to come in an interval before any is rejected.
            self.least = waited;
            return false;
        }
        self.least = self.least.min(waited);
        // Where `CoDel` drops packets more and more often, whoever has waited for more than twice the target is sloughed off.
        self.overloaded && waited > target.saturating_mul(2)
    }
}
