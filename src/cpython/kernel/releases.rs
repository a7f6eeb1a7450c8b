//! Code that releases the GIL thousands of times a task: a parser's callbacks, the rows of a database cursor.
//!
//! Each release is like any other: `drop_gil`, which wakes the longest waiter; a moment without the GIL; `take_gil`. The waiter usually
//! arrives too late, and waits anew. But while no thread waits, a release changes nothing for any other thread, so the whole rest of the
//! step is burned as one. A thread that begins to wait in the middle finds the holder where it really is: within a release the waiter takes
//! the GIL, otherwise the burst ends at the next release.
//!
//! A step's time is what it takes by itself, and includes the CPU time of releasing and retaking a GIL that nobody else wants (`gil_pair`).
//! So each stretch with the GIL is shorter by what `take_gil` charges before it.

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
        // The remainder of the division comes first, as does, for the first stretch, the time that the others spend on taking the GIL.
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

    /// Executes [`Act::Releasing`]: one stretch with the GIL if another thread waits for it, else the whole rest as one burst. Returns
    /// whether the thread goes on acting.
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

    /// Scripts what follows a stretch with the GIL: the next release, and the stretches after it.
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

    /// Prepares a thread's look at its GIL: a holder whose burst stands for many releases is put where it really is.
    #[inline]
    pub(crate) fn watch(&mut self, tid: Tid) {
        let gil = self.threads[tid].gil;
        if let Some(holder) = self.gils.get(gil).and_then(|g| g.holder) {
            if let Some(all) = self.threads[holder].unwatched.take() {
                self.find_place(holder, &all);
            }
            let t = &self.threads[tid];
            // The thread has waited, and its interval had not run out: so it was woken by a release.
            if t.asked != Nanos::MAX && !t.timed_out {
                self.woken_in_vain(gil, holder);
            }
        }
    }

    /// Counts a futile wake-up if the holder is code that releases the GIL again and again.
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
        // What the holder owed when it began comes first, and is no part of the step.
        let owed = to_burn.since(all.time());
        // Real code does not come round evenly; evenly spaced threads that met once would meet in the same places, or miss each other, for
        // ever. So the holder is put up to a period further back, and the last stretch becomes longer by as much.
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
                // No thread waits, or it would have called this already.
                self.release_gil(holder);
                let t = &mut self.threads[holder];
                t.phase = Phase::WantGil;
                t.returned = true;
            }
        }
    }

    /// Time left of an act if it is [`Act::Releasing`], else zero.
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

    /// The state of an act at the beginning of its first stretch, for which taking the GIL was charged beforehand.
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
