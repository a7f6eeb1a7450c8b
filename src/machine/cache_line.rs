//! Cache lines that several threads access: servers that pass from core to core, one access at a time.
//!
//! A line is in the cache of one core. An access on that core costs only the access itself; an access on another core has the line brought
//! over first, which keeps the line busy, and while it is on its way to one core no other core gets it. The accesses of a burst are not
//! simulated one by one: all threads that are in accesses of a line take turns, one access each, as fast as the slower of two allows, the
//! thread itself or the line (the asymptotic bound of a closed queueing network, which a fixed order reaches). A thread waits for a line
//! within an instruction, or spins: it stays on its core.

use super::Tid;
use crate::engine::Nanos;

/// Cost of an access: CPU time at relative speed 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    /// Time of an access when the line is in the cache of the thread's core.
    pub alone: Nanos,
    /// Service time: how long a line that travels is busy with one access.
    pub service: Nanos,
}

impl Access {
    /// Derives the cost from a measurement of two threads that do nothing but access the same line: an access takes `alone` in a single
    /// thread, and `extra` more in each of the two. The line then serves both within that time, so its service time is half of it. If
    /// `extra` is less than `alone`, the line idles in between, and the service time is `extra`.
    pub(crate) fn of_two(alone: Nanos, extra: Nanos) -> Self {
        let service = if extra >= alone {
            Nanos((alone + extra).0.div_ceil(2))
        } else {
            extra
        };
        Self { alone, service }
    }

    /// Time of an access for which the line is brought over, while the line is busy for `all` of a round: the sum of the service times of
    /// all threads in accesses of it, this one included.
    pub(crate) fn moved(self, all: Nanos) -> Nanos {
        (self.alone + self.service).max(all)
    }

    /// Time of an access while the line is busy for `all` of a round: `alone` without other threads, else as [`Access::moved`] says.
    pub(crate) fn time(self, all: Nanos) -> Nanos {
        if all <= self.service {
            self.alone
        } else {
            self.moved(all)
        }
    }
}

/// A number of accesses of one line, one after another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Burst {
    pub(super) line: u32,
    pub(super) access: Access,
    /// Account on which the waiting is booked; the user of the machine numbers accounts.
    pub(super) account: u32,
    /// Number of accesses left; fractional if threads came to the line or left it during an access.
    pub(super) left: f64,
    /// Part of these for which the line is brought over even if no other thread is there (any more): the first access, or the rest of it.
    pub(super) first: f64,
    /// Present time of each access.
    pub(super) each: Nanos,
}

impl Burst {
    pub(super) fn new(line: u32, access: Access, account: u32, count: u64) -> Self {
        let left = count as f64;
        Self {
            line,
            access,
            account,
            left,
            first: 0.0,
            each: access.alone,
        }
    }

    /// Time of each access while the line is busy for `all` of a round.
    pub(super) fn each_of(&self, all: Nanos) -> Nanos {
        if self.first > 0.0 {
            self.access.moved(all)
        } else {
            self.access.time(all)
        }
    }

    /// Number of accesses left that take as long as the next one.
    pub(super) fn alike(&self) -> f64 {
        if self.first > 0.0 {
            self.first
        } else {
            self.left
        }
    }

    /// Number of accesses done in `work` CPU time at relative speed 1, as far as they take as long as the next one.
    pub(super) fn done_in(&self, work: Nanos) -> f64 {
        // Accesses that take no time end at once, by an event; until then none is done.
        if work == Nanos::ZERO || self.each == Nanos::ZERO {
            return 0.0;
        }
        (work.as_f64() / self.each.as_f64()).min(self.alike())
    }

    /// Notes that so many accesses are done.
    pub(super) fn advance(&mut self, done: f64) {
        self.left = (self.left - done).max(0.0);
        self.first = (self.first - done).clamp(0.0, self.left);
    }
}

/// A cache line, and the threads in accesses of it.
#[derive(Clone, Debug, Default)]
pub(super) struct CacheLine {
    /// Threads on cores that are in accesses of it.
    pub(super) threads: Vec<Tid>,
    /// Sum of the service times of these threads.
    pub(super) all: Nanos,
    /// That sum when the threads' paces were last set.
    pub(super) settled: Nanos,
    /// Whether the line is in the list of those whose threads may need new paces.
    pub(super) unsettled: bool,
    /// The thread that accessed the line last, and its core.
    pub(super) last: Option<(Tid, u32)>,
}

impl CacheLine {
    /// Whether the line is in the cache of another core, because another thread accessed it there.
    pub(super) fn is_elsewhere(&self, tid: Tid, core: u32) -> bool {
        self.last
            .is_some_and(|(other, there)| other != tid && there != core)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Access = Access {
        alone: Nanos(30),
        service: Nanos(120),
    };

    /// Accesses in a microsecond by `n` threads together that do nothing else.
    fn throughput(access: Access, n: u64) -> f64 {
        let time = access.time(access.service * n);
        let threads = n as f64;
        threads / time.as_f64() * 1e3
    }

    #[test]
    fn two_threads_take_what_was_measured_of_two() {
        for (alone, extra) in [
            (30, 210),
            (31, 210),
            (30, 30),
            (30, 29),
            (30, 1),
            (30, 0),
            (0, 200),
        ] {
            let access = Access::of_two(Nanos(alone), Nanos(extra));
            let two = access.time(access.service * 2);
            let off = two.0.abs_diff(alone + extra);
            assert!(off <= 1, "{alone} + {extra}: {two:?}");
            assert_eq!(access.time(access.service), Nanos(alone));
        }
    }

    #[test]
    fn however_many_contend_the_line_gives_the_same() {
        assert!((throughput(READ, 1) - 1e3 / 30.0).abs() < 1e-9);
        for n in 2..=64 {
            assert!((throughput(READ, n) - 1e3 / 120.0).abs() < 1e-9, "{n}");
        }
        // A line with a short service time is not always busy with two threads.
        let quick = Access {
            alone: Nanos(30),
            service: Nanos(10),
        };
        assert!((throughput(quick, 2) - 2e3 / 40.0).abs() < 1e-9);
        assert!((throughput(quick, 4) - 1e2).abs() < 1e-9);
        assert!((throughput(quick, 32) - 1e2).abs() < 1e-9);
    }

    #[test]
    fn a_burst_goes_on_at_another_pace() {
        let mut b = Burst::new(0, READ, 0, 1000);
        assert_eq!(b.each_of(READ.service), Nanos(30));
        b.each = b.each_of(READ.service * 3);
        assert_eq!(b.each, Nanos(360));
        b.advance(b.done_in(Nanos(36_000)));
        assert!((b.left - 900.0).abs() < 1e-9);
        // There are never more done than there were left.
        assert!((b.done_in(Nanos(u64::MAX)) - 900.0).abs() < 1e-9);
        b.advance(1e9);
        assert!(b.left == 0.0 && b.first == 0.0);
    }

    #[test]
    fn the_first_access_brings_the_line() {
        let mut b = Burst::new(0, READ, 0, 10);
        b.first = 1.0;
        assert_eq!(b.each_of(READ.service), Nanos(150));
        b.each = Nanos(150);
        b.advance(b.done_in(Nanos(75)));
        assert!((b.first - 0.5).abs() < 1e-9 && (b.left - 9.5).abs() < 1e-9);
        b.advance(b.alike());
        assert_eq!(b.each_of(READ.service), Nanos(30));
        let mut line = CacheLine::default();
        let [one, two] = [1, 2].map(Tid::from);
        assert!(!line.is_elsewhere(one, 0));
        line.last = Some((one, 0));
        // The line is where the thread was, or on the core on which it was last accessed.
        assert!(
            !line.is_elsewhere(one, 3) && !line.is_elsewhere(two, 0) && line.is_elsewhere(two, 3)
        );
    }
}
