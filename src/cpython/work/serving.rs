//! What a server's own code takes beside the requests of its application: ticks of event loops, and requests that find cold caches.
//!
//! uvicorn's `main_loop` and hypercorn's `check_multiprocess_shutdown_event` sleep for 0.1 s, look, and sleep again, whatever else goes on: an
//! idle worker wakes ten times a second. A loop that is busy comes to its tick when it next looks at its timers, and sleeps from then on.
//!
//! A request's own handling runs through much code of the interpreter, the server and the kernel. Where the last one was long ago, its caches hold
//! something else by now: measured with CPython 3.13 and a connection for each request, on an idle virtual machine, requests 5 ms apart took
//! 0.05 to 0.18 ms more than such that followed one another at once, 25 ms apart 0.4 to 0.8, 100 ms apart 0.4 to 0.9, over five servers.

use super::Work;
use crate::cpython::index::{CopyIndex, TaskKey};
use crate::engine::Nanos;
use crate::scenario::RequestHandling;

/// Time between two ticks: a sleep of 0.1 s, which ends a little late.
const TICK: Nanos = Nanos::from_micros(100_400);

/// Time in which 63 % of the caches are lost to others: see above.
const COOLS: Nanos = Nanos::from_millis(18);

/// What a copy of a server does by itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Serving {
    /// When its next tick is due; `None` before the first.
    tick: Option<Nanos>,
    /// Whether it waits for that, and for nothing that comes sooner.
    waits: bool,
    /// When it last handled a request.
    handled: Option<Nanos>,
}

impl Work<'_> {
    /// CPU time of a request's own handling, in which its process begins now.
    pub(super) fn handling(&mut self, key: TaskKey, request: RequestHandling) -> Nanos {
        let now = self.kernel.machine.now();
        let costs = &self.kernel.costs;
        let warm = costs.request(request);
        let serving = &mut self.copies[self.tasks[key].copy].serving;
        let lost = serving.handled.map_or(1.0, |last| {
            1.0 - libm::exp(-(now.since(last).as_f64() / COOLS.as_f64()))
        });
        let time = warm + costs.request_cold.scale(lost);
        serving.handled = Some(now + time);
        time
    }

    /// A loop looks at its timers: the CPU time of its tick, if that is due.
    #[inline]
    pub(crate) fn tick(&mut self, copy: CopyIndex) -> Option<Nanos> {
        let cost = self.kernel.costs.server_tick;
        if !self.kernel.program.layout.ticks || cost == Nanos::ZERO {
            return None;
        }
        let now = self.kernel.machine.now();
        let serving = &mut self.copies[copy].serving;
        if std::mem::take(&mut serving.waits) {
            self.ticking -= 1;
        }
        let due = serving.tick.is_some_and(|at| at <= now);
        if due || serving.tick.is_none() {
            serving.tick = Some(now + TICK);
        }
        due.then_some(cost)
    }

    /// A copy whose process is killed waits for no tick any more.
    pub(super) fn forget_tick(&mut self, copy: CopyIndex) {
        let serving = std::mem::take(&mut self.copies[copy].serving);
        self.ticking -= usize::from(serving.waits);
    }

    /// Until when a loop waits that has nothing to do until an instant: for its tick, if that comes first. Where nothing else is left to happen it is
    /// not looked for, so that a run that can go no further ends.
    #[inline]
    pub(crate) fn until_tick(&mut self, copy: CopyIndex, until: Nanos) -> Nanos {
        let serving = &mut self.copies[copy].serving;
        let Some(at) = serving.tick.filter(|at| *at < until) else {
            return until;
        };
        if self.kernel.machine.pending() <= self.ticking + self.faults.announced() {
            return until;
        }
        serving.waits = true;
        self.ticking += 1;
        at
    }
}
