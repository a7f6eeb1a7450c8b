//! Code that gives the GIL up thousands of times a task: a parser's callbacks, the rows of a database cursor.
//!
//! Each release is what any other is: `drop_gil`, which wakes the longest waiter, a moment without the GIL, `take_gil`. The
//! waiter usually arrives too late, and waits anew. But where nobody waits a release changes nothing for anybody, so all that
//! is left is burned as one, and whoever comes to wait in the middle finds it where it really is: within a release he takes the
//! GIL, otherwise the burst ends at the next release.
//!
//! A step's time is what it takes by itself, which holds the CPU of giving the GIL up and taking it again where nobody wants it
//! (`gil_pair`). So each stretch with the GIL is shorter by what `take_gil` charges before it.

use super::Kernel;
use super::thread::{Act, NO_GIL, Phase};
use crate::engine::{Nanos, unit};
use crate::machine::Tid;

/// A stretch with the GIL, and what comes after it: [`Act::Releasing`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Releasing {
    /// How long the GIL is held between two releases, taking it included.
    hold: Nanos,
    /// For how long it is given up.
    released: Nanos,
    /// How often it is still given up.
    left: u32,
    /// How much longer the last stretch is.
    last: Nanos,
    /// The part of `hold` that the taker has been charged beforehand.
    taking: Nanos,
}

/// Where a thread is in [`Releasing`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// It holds the GIL for so long until it gives it up, and so many releases are left after that.
    Holds(Nanos, u32),
    /// It is without the GIL for so long, and so many releases are left.
    Released(Nanos, u32),
    /// It does not give it up any more.
    Last,
}

impl Releasing {
    /// All of it.
    fn time(&self) -> Nanos {
        self.hold - self.taking + (self.released + self.hold) * u64::from(self.left) + self.last
    }

    /// After so much of it.
    fn place(&self, done: Nanos) -> Place {
        let first = self.hold - self.taking;
        if self.left == 0 {
            return Place::Last;
        }
        if done < first {
            return Place::Holds(first - done, self.left - 1);
        }
        let (period, since) = ((self.released + self.hold).0.max(1), (done - first).0);
        let Ok(before) = u32::try_from(since / period) else {
            return Place::Last;
        };
        let (left, within) = (self.left.saturating_sub(before), Nanos(since % period));
        match left {
            0 => Place::Last,
            _ if within < self.released => Place::Released(self.released - within, left - 1),
            1 => Place::Last,
            _ => Place::Holds(Nanos(period) - within, left - 2),
        }
    }
}

impl Kernel<'_> {
    /// Scripts a step of `time` that gives the GIL up `often` times for `released`, evenly spaced.
    pub(crate) fn push_releasing(&mut self, tid: Tid, time: Nanos, often: u64, released: Nanos) {
        let left = u32::try_from(often).unwrap_or(u32::MAX);
        // Rounding at an interpreter's factor may have made the parts longer than the whole.
        let held = time.since(released * u64::from(left));
        if left == 0 || self.threads[tid as usize].gil == NO_GIL {
            self.push(tid, Act::Run(time));
            return;
        }
        let parts = u64::from(left) + 1;
        let hold = Nanos(held.0 / parts);
        // What does not divide comes first, as does the part of the first stretch that is taking the GIL in all others.
        let rest = Nanos(held.0 % parts);
        let taking = self.costs.gil_pair.min(hold);
        self.machine.charge(tid, rest + taking);
        self.push(
            tid,
            Act::Releasing {
                hold,
                released,
                left,
                last: Nanos::ZERO,
            },
        );
    }

    /// [`Act::Releasing`]: one stretch with the GIL if somebody waits for it, else all that is left.
    pub(crate) fn run_releasing(
        &mut self,
        tid: Tid,
        hold: Nanos,
        released: Nanos,
        left: u32,
        last: Nanos,
    ) -> bool {
        let all = self.stretches(hold, released, left, last);
        if left > 0 && self.gils[self.threads[tid as usize].gil as usize].wanted() {
            self.go_on_releasing(tid, &all, released, left - 1);
            return self.machine.run(tid, hold - all.taking);
        }
        let t = &mut self.threads[tid as usize];
        t.unwatched = Some(all);
        if left > 0 && t.convoyed.is_some() {
            let since = self.gils[t.gil as usize].held_since();
            self.leaves_again(tid, self.machine.now() - since + hold);
        }
        self.machine.run(tid, all.time())
    }

    /// What comes after a stretch with the GIL: the next release, and what is left after it.
    fn go_on_releasing(&mut self, tid: Tid, all: &Releasing, released: Nanos, left: u32) {
        self.push_front(
            tid,
            Act::Releasing {
                hold: all.hold,
                released: all.released,
                left,
                last: all.last,
            },
        );
        if released > Nanos::ZERO {
            self.push_front(tid, Act::native(released));
        }
    }

    /// A thread is about to look at its GIL: the holder is where it really is.
    #[inline]
    pub(crate) fn watch(&mut self, tid: Tid) {
        let gil = self.threads[tid as usize].gil;
        if let Some(holder) = self.gils.get(gil as usize).and_then(|g| g.holder) {
            if let Some(all) = self.threads[holder as usize].unwatched.take() {
                self.find_place(holder, &all);
            }
            let t = &self.threads[tid as usize];
            // It has waited, and not until its interval was over: so it was woken.
            if t.asked != Nanos::MAX && !t.timed_out {
                self.woken_in_vain(gil, holder);
            }
        }
    }

    /// A thread was woken for a GIL that may be taken again.
    #[cold]
    fn woken_in_vain(&mut self, gil: u32, holder: Tid) {
        let t = &self.threads[holder as usize];
        let releases = t.script.iter().take(2);
        let mut releases = releases.filter(|a| matches!(a, Act::Releasing { .. }));
        if self.gils[gil as usize].holder == Some(holder)
            && releases.next().is_some()
            && let Some(class) = t.counts_for()
        {
            self.futile[class] += 1;
        }
    }

    #[cold]
    fn find_place(&mut self, holder: Tid, all: &Releasing) {
        let to_burn = self.machine.left(holder);
        // What it owed when it began comes first, and is no part of the step.
        let owed = to_burn.since(all.time());
        // Real code does not come round evenly: threads that met once would meet in the same places, or miss each other, for ever. So it
        // is up to a period further than it would be, and the last stretch the longer.
        let further = (all.released + all.hold).scale(unit(&mut self.gil_stream));
        let later = Releasing {
            last: all.last + further,
            ..*all
        };
        let all = &later;
        match all.place(later.time().since(to_burn)) {
            Place::Last => {}
            Place::Holds(time, left) => {
                self.machine.interrupt(holder, owed + time);
                self.go_on_releasing(holder, all, all.released, left);
            }
            Place::Released(time, left) => {
                self.machine.interrupt(holder, time);
                self.go_on_releasing(holder, all, Nanos::ZERO, left);
                // Nobody waits, or somebody would have watched it.
                self.release_gil(holder);
                let t = &mut self.threads[holder as usize];
                t.phase = Phase::WantGil;
                t.returned = true;
            }
        }
    }

    /// What is left of an act if it is [`Act::Releasing`].
    pub(crate) fn to_release(&self, act: Option<&Act>) -> Nanos {
        let Some(&Act::Releasing {
            hold,
            released,
            left,
            last,
        }) = act
        else {
            return Nanos::ZERO;
        };
        self.stretches(hold, released, left, last).time()
    }

    /// What is left of an act; taking the GIL was charged before its first stretch.
    fn stretches(&self, hold: Nanos, released: Nanos, left: u32, last: Nanos) -> Releasing {
        Releasing {
            hold,
            released,
            left,
            last,
            taking: self.costs.gil_pair.min(hold),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_each_other() {
        let all = Releasing {
            hold: Nanos(10),
            released: Nanos(4),
            left: 3,
            last: Nanos(0),
            taking: Nanos(1),
        };
        assert_eq!(all.time(), Nanos(9 + 3 * 14));
        let expected = [
            (0, Place::Holds(Nanos(9), 2)),
            (8, Place::Holds(Nanos(1), 2)),
            (9, Place::Released(Nanos(4), 2)),
            (12, Place::Released(Nanos(1), 2)),
            (13, Place::Holds(Nanos(10), 1)),
            (23, Place::Released(Nanos(4), 1)),
            (27, Place::Holds(Nanos(10), 0)),
            (40, Place::Released(Nanos(1), 0)),
            (41, Place::Last),
            (51, Place::Last),
            (60, Place::Last),
        ];
        for (done, place) in expected {
            assert_eq!(all.place(Nanos(done)), place, "{done}");
        }
    }
}
