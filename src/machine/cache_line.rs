//! Cache lines that several threads access: servers that pass from core to core, one access at a time.
//!
//! A line is in one core's cache. Whoever accesses it there pays what the access itself takes; whoever accesses it elsewhere has it
//! brought over first, which keeps the line busy, and while it is on its way to one core no other gets it. The accesses of a burst are not
//! simulated one by one: all threads that are in accesses of a line go round, one access each, as fast as the slower of two allows, the
//! thread itself or the line (the asymptotic bound of a closed queueing network, which a fixed order reaches). Who waits for a line does so
//! within an instruction, or spins: it stays on its core.

use super::Tid;
use crate::engine::Nanos;

/// What an access costs: CPU time at relative speed 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// By a thread that has the line in its core's cache.
    pub alone: Nanos,
    /// How long a line is busy with one access once it travels.
    pub service: Nanos,
}

impl Access {
    /// What two threads show that do nothing but access the same line: an access takes `alone` in a thread by itself, and `extra` more in
    /// each of the two. The line then serves both in that time, and is busy with each for half of it; unless what is more is less
    /// than the access itself, so that the line idles in between: then it is all of the line's.
    pub fn of_two(alone: Nanos, extra: Nanos) -> Self {
        let service = if extra >= alone {
            Nanos((alone + extra).0.div_ceil(2))
        } else {
            extra
        };
        Self { alone, service }
    }

    /// How long an access takes that has the line brought over, while the line is busy for `all` of a round: the services of all
    /// threads that are in accesses of it, this one included.
    pub fn moved(self, all: Nanos) -> Nanos {
        (self.alone + self.service).max(all)
    }

    /// How long an access takes: alone as it does by itself, else as [`Access::moved`] says.
    pub fn time(self, all: Nanos) -> Nanos {
        if all <= self.service {
            self.alone
        } else {
            self.moved(all)
        }
    }
}

/// So many accesses of a line that follow one another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Burst {
    pub(super) line: u32,
    pub(super) access: Access,
    /// Where the waiting is booked, by a number of the user's own.
    pub(super) account: u32,
    /// Accesses left; parts of one where others came or went meanwhile.
    pub(super) left: f64,
    /// Of them, those that have the line brought over even if nobody else is there (any more): the first, or what is left of it.
    pub(super) first: f64,
    /// How long each takes now.
    pub(super) each: Nanos,
}

impl Burst {
    pub(super) fn new(line: u32, access: Access, account: u32, count: u64) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            reason = "limits keep counts far below 2^53"
        )]
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

    /// How long each takes while the line is busy for so much of a round.
    pub(super) fn each_of(&self, all: Nanos) -> Nanos {
        if self.first > 0.0 {
            self.access.moved(all)
        } else {
            self.access.time(all)
        }
    }

    /// Accesses that are as dear as the next one.
    pub(super) fn alike(&self) -> f64 {
        if self.first > 0.0 {
            self.first
        } else {
            self.left
        }
    }

    /// How many of them are done in so much CPU time at relative speed 1.
    pub(super) fn done_in(&self, work: Nanos) -> f64 {
        // What takes no time is over at once, by an event; until then nothing is done.
        if work == Nanos::ZERO || self.each == Nanos::ZERO {
            return 0.0;
        }
        (work.as_f64() / self.each.as_f64()).min(self.alike())
    }

    /// So many are done.
    pub(super) fn advance(&mut self, done: f64) {
        self.left = (self.left - done).max(0.0);
        self.first = (self.first - done).clamp(0.0, self.left);
    }
}

/// A line.
#[derive(Clone, Debug, Default)]
pub(super) struct CacheLine {
    /// Threads on cores that are in accesses of it.
    pub(super) threads: Vec<Tid>,
    /// The sum of their services.
    pub(super) all: Nanos,
    /// What that was when their paces were last set.
    pub(super) settled: Nanos,
    /// Whether it is among those whose threads' paces may have to be set anew.
    pub(super) unsettled: bool,
    /// Who had it last, and on which core.
    pub(super) last: Option<(Tid, u32)>,
}

impl CacheLine {
    /// Whether it is in the cache of a core where another thread than this one was.
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

    /// Accesses a microsecond of `n` threads together that do nothing else.
    fn throughput(access: Access, n: u64) -> f64 {
        let time = access.time(access.service * n);
        #[expect(clippy::cast_precision_loss, reason = "small")]
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
        // A line that is quick to come is not busy all the time with two threads.
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
        // Never more than there are.
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
        // It is where the thread was, or on the core where it is.
        assert!(
            !line.is_elsewhere(one, 3) && !line.is_elsewhere(two, 0) && line.is_elsewhere(two, 3)
        );
    }
}
