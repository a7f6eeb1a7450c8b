//! The convoy effect: threads that only come back from outside for a moment, and wait an interval for the GIL each time.

use super::Kernel;
use super::thread::Phase;
use crate::engine::{Nanos, Total};
use crate::machine::Tid;

/// What the tasks of a class lost to convoys.
#[derive(Clone, Copy, Default)]
pub(crate) struct Convoys {
    /// Returns that had to wait until the holder was made to leave.
    pub(crate) times: u64,
    /// How long, in all.
    pub(crate) waited: Total,
}

impl Kernel<'_> {
    /// The thread has the GIL after it came back from outside, but waited for it so long, and its holder was made to leave
    /// meanwhile.
    #[cold]
    pub(crate) fn returned_after(&mut self, tid: Tid, waited: Nanos) {
        let thread = &mut self.threads[tid];
        thread.convoyed = thread.counts_for().map(|class| (waited, class));
    }

    /// Such a thread lets the GIL go that it had for so long. It was a convoy only if it goes by itself and within an interval:
    /// threads that all want to compute take turns as they should.
    #[cold]
    pub(crate) fn leaves_again(&mut self, tid: Tid, held: Nanos) {
        let thread = &mut self.threads[tid];
        let by_itself = thread.phase != Phase::WantGil && held < self.costs.switch_interval;
        if let Some((waited, class)) = thread.convoyed.take()
            && by_itself
        {
            let convoys = &mut self.convoys[class];
            convoys.times += 1;
            convoys.waited += waited;
        }
    }
}
