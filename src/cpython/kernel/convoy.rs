//! The convoy effect: threads that return from outside only for a moment wait for the GIL for a switch interval each time.

use super::Kernel;
use super::thread::Phase;
use crate::engine::{Nanos, Total};
use crate::machine::Tid;

/// What the tasks of one class lost to convoys.
#[derive(Clone, Copy, Default)]
pub(crate) struct Convoys {
    /// Number of returns that waited until the holder was forced to release the GIL.
    pub(crate) times: u64,
    /// Total time of these waits.
    pub(crate) waited: Total,
}

impl Kernel<'_> {
    /// Notes that a thread has taken the GIL on its return from outside, after a wait of `waited` during which a holder was forced to
    /// release it.
    #[cold]
    pub(crate) fn returned_after(&mut self, tid: Tid, waited: Nanos) {
        let thread = &mut self.threads[tid];
        thread.convoyed = thread.counts_for().map(|class| (waited, class));
    }

    /// Handles the release of a GIL that such a thread held for `held`. The wait counts as a convoy only if the thread releases the GIL by
    /// itself and within a switch interval: threads that all want to compute take turns as they should.
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
