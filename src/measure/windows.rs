//! What became of tasks by when they arrived, window by window: counts, and the latencies of those that completed.

use super::Histogram;
use crate::engine::Nanos;

/// What became of the tasks that arrived in a window.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Tasks that arrived.
    pub arrived: u64,
    /// Of these, tasks that completed.
    pub completed: u64,
    /// Of these, tasks that failed.
    pub failed: u64,
    /// Of these, tasks that a deadline ended.
    pub timed_out: u64,
    /// Of these, tasks that were rejected.
    pub rejected: u64,
    /// Latencies of those that completed.
    pub latency: Histogram,
    /// The longest that one of the others waited until it ended.
    pub unanswered: Nanos,
}

/// Windows of equal length from time 0 on. The last one that there may be has no end.
#[derive(Clone, Debug)]
pub struct Windows {
    width: Nanos,
    most: usize,
    all: Vec<Window>,
}

impl Windows {
    /// No windows yet, each as long as `width` (at least a nanosecond), and `most` of them (at least one).
    pub(crate) fn new(width: Nanos, most: usize) -> Self {
        Self {
            width: width.max(Nanos(1)),
            most: most.max(1),
            all: Vec::new(),
        }
    }

    /// The window in which this instant lies.
    pub(crate) fn at(&mut self, instant: Nanos) -> &mut Window {
        let index = usize::try_from(instant.0 / self.width.0).unwrap_or(usize::MAX);
        let index = index.min(self.most - 1);
        if index >= self.all.len() {
            self.all.resize_with(index + 1, Window::default);
        }
        &mut self.all[index]
    }

    /// The windows so far; none after the last arrival.
    #[must_use]
    pub fn all(&self) -> &[Window] {
        &self.all
    }

    /// How long each is.
    #[must_use]
    pub fn width(&self) -> Nanos {
        self.width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_window_takes_all_that_comes_later() {
        let mut w = Windows::new(Nanos(10), 3);
        for at in [0, 9, 10, 29, 30, 1_000] {
            w.at(Nanos(at)).arrived += 1;
        }
        let counts: Vec<u64> = w.all().iter().map(|w| w.arrived).collect();
        assert_eq!(counts, [2, 1, 3]);
        assert_eq!(w.width(), Nanos(10));
    }
}
