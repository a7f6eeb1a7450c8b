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
use super::act::{Act, ReleasePhase, Releasing};
use super::thread::Phase;
use crate::cpython::index::{GilIndex, NO_GIL};
use crate::engine::{Nanos, unit};
use crate::machine::Tid;

impl Kernel<'_> {
    /// Scripts a step of `time` that gives the GIL up `often` times for `released`, evenly spaced.
    pub(crate) fn push_releasing(&mut self, tid: Tid, time: Nanos, often: u64, released: Nanos) {
        let left = u32::try_from(often).unwrap_or(u32::MAX);
        // Rounding at an interpreter's factor may have made the parts longer than the whole.
        let held = time.since(released * u64::from(left));
        if left == 0 || self.threads[tid].gil == NO_GIL {
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
        if left > 0 && self.gils[self.threads[tid].gil].has_waiters() {
            self.go_on_releasing(tid, &all, released, left - 1);
            return self.machine.run(tid, hold - all.taking);
        }
        let t = &mut self.threads[tid];
        t.unwatched = Some(all);
        if left > 0 && t.convoyed.is_some() {
            let since = self.gils[t.gil].held_since();
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
        let gil = self.threads[tid].gil;
        if let Some(holder) = self.gils.get(gil).and_then(|g| g.holder) {
            if let Some(all) = self.threads[holder].unwatched.take() {
                self.find_place(holder, &all);
            }
            let t = &self.threads[tid];
            // It has waited, and not until its interval was over: so it was woken.
            if t.asked != Nanos::MAX && !t.timed_out {
                self.woken_in_vain(gil, holder);
            }
        }
    }

    /// A thread was woken for a GIL that may be taken again.
    #[cold]
    fn woken_in_vain(&mut self, gil: GilIndex, holder: Tid) {
        let t = &self.threads[holder];
        let releases = t.script.iter().take(2);
        let mut releases = releases.filter(|a| matches!(a, Act::Releasing { .. }));
        if self.gils[gil].holder == Some(holder)
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
            ReleasePhase::Last => {}
            ReleasePhase::Holds(time, left) => {
                self.machine.interrupt(holder, owed + time);
                self.go_on_releasing(holder, all, all.released, left);
            }
            ReleasePhase::Released(time, left) => {
                self.machine.interrupt(holder, time);
                self.go_on_releasing(holder, all, Nanos::ZERO, left);
                // Nobody waits, or somebody would have watched it.
                self.release_gil(holder);
                let t = &mut self.threads[holder];
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
