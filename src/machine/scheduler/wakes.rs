//! Waking threads: which core they go to, when they get there, and who pays.

use super::{Core, Machine, SchedEvent, SchedState, Tid};
use crate::engine::{EventClass, Nanos, unit};
use crate::machine::Cause;

/// Wake-up latencies spread uniformly between these multiples of their mean: what `time.sleep(0.001)` shows between its
/// shortest and its 90th percentile overshoot, less the timer slack.
const WAKE_SPREAD: (f64, f64) = (0.25, 1.75);

/// Linux's `imbalance_pct` of cores that share a cache.
const IMBALANCE: f64 = 1.17;
/// Half-life of a core's utilisation (PELT).
const HALF_LIFE: Nanos = Nanos::from_millis(32);

impl Machine {
    /// A blocked thread wakes for so long, finds nothing to do, and blocks again: on a core that has idled for as long at least,
    /// which it keeps from sleeping deeply; where there is none, it pays with its next burst.
    pub fn charge_spurious_wakeup(&mut self, tid: Tid, cost: Nanos) {
        let now = self.now;
        let idle = |c: &&mut Core| c.free() && now - c.idle_since >= cost;
        let Some(core) = self.cores.iter_mut().find(idle) else {
            return self.charge(tid, cost);
        };
        core.busy += cost;
        core.idle_since = now;
        self.cpu += cost;
        self.voluntary += 1;
    }

    /// A blocked thread becomes runnable, by a timer or from outside; it spends `cpu` on leaving its wait before it does anything else.
    pub fn wake(&mut self, tid: Tid, cpu: Nanos) {
        self.make_runnable(tid, None, cpu);
    }

    /// The same by a running thread, which pays for the interrupt. One that began to wait less than `awake_window` ago is still on its way to sleep: it stays on its core, which does not have to wake.
    pub fn wake_by(&mut self, by: Tid, tid: Tid, cpu: Nanos, awake_window: Nanos) {
        let t = &self.threads[tid];
        let core = &self.cores[t.core as usize];
        if self.now - t.since < awake_window && core.free() {
            let core = t.core;
            self.enter(tid, Cause::Core);
            self.threads[tid].left += cpu;
            self.idle -= 1;
            self.settle(tid, core);
            self.place(core, tid);
            return;
        }
        self.make_runnable(tid, Some(by), cpu);
    }

    fn make_runnable(&mut self, tid: Tid, by: Option<Tid>, cpu: Nanos) {
        self.enter(tid, Cause::Core);
        self.threads[tid].left += cpu;
        let t = &self.threads[tid];
        debug_assert_eq!(
            t.state,
            SchedState::Blocked,
            "thread {tid:?} woken while {:?}",
            t.state
        );
        if self.idle > 0
            && let Some(core) = self.free_core(t.core, t.fresh)
        {
            let idle_for = self.now - self.cores[core].idle_since;
            let mut latency = along(&self.wake_latency, idle_for);
            if latency > Nanos::ZERO {
                latency = latency.scale(
                    WAKE_SPREAD.0 + (WAKE_SPREAD.1 - WAKE_SPREAD.0) * unit(&mut self.jitter),
                );
            }
            if let Some(by) = by {
                // What the waker owes it spends before the woken is on its way.
                let waker = &mut self.threads[by];
                waker.debt += along(&self.wake_send, idle_for);
                latency += waker.debt;
            }
            self.threads[tid].left += along(&self.wake_cpu, idle_for);
            let core_index = u32::try_from(core).expect("few cores");
            self.idle -= 1;
            self.cores[core].reserved = true;
            self.threads[tid].state = SchedState::Waking;
            self.settle(tid, core_index);
            self.note(tid);
            if latency == Nanos::ZERO {
                self.dispatch(core_index, tid);
            } else {
                self.calendar.push(
                    self.now + latency,
                    EventClass::Dispatch,
                    SchedEvent::Dispatch {
                        core: core_index,
                        tid,
                    },
                );
            }
            return;
        }
        // None is idle, or none was looked for: back to the core it was on, however long that one's queue is.
        let core = self.threads[tid].core;
        self.settle(tid, core);
        self.enqueue(tid);
        if self.overdue(core) || (!self.eligible(core) && self.first(core) == Some(tid)) {
            self.preempt(core);
        } else {
            self.arm_slice(core);
        }
    }

    /// The core that a waking thread goes to, of those that idle: its last one; else one of as many others, in order, as Linux
    /// looks at where cores share a cache: none where they have been busier than 60 % of the time (`SIS_UTIL` for two cores), all
    /// where they idle, but none that a hypervisor has halted. A new thread finds any.
    fn free_core(&mut self, last: u32, fresh: bool) -> Option<usize> {
        let n = self.cores.len();
        let last = last as usize;
        if self.cores[last].free() {
            return Some(last);
        }
        let scanned = if fresh { n } else { self.scanned() };
        let found = |c: &Core| c.free() && (fresh || self.now - c.idle_since <= self.halted_after);
        (1..=scanned.min(n - 1))
            .map(|i| (last + i) % n)
            .find(|&i| found(&self.cores[i]))
    }

    /// How many cores `select_idle_cpu` looks at: `n (1 - (1.17 x)^2)` of n, x being how busy they are on average
    /// (`update_idle_cpu_scan` of `kernel/sched/fair.c`).
    fn scanned(&mut self) -> usize {
        let n = self.cores.len();
        #[expect(clippy::cast_precision_loss, reason = "few cores")]
        let all = n as f64;
        let x = (0..n).map(|i| self.utilisation(i)).sum::<f64>() / all * IMBALANCE;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the number of cores"
        )]
        let scanned = (all * (1.0 - x * x).max(0.0)) as usize;
        scanned
    }

    /// How busy a core has been lately: the last 32 ms count as much as all before them (PELT).
    fn utilisation(&mut self, core: usize) -> f64 {
        let now = self.now;
        let running = self.cores[core]
            .current
            .map_or(Nanos::ZERO, |tid| self.threads[tid].progress(now));
        let c = &mut self.cores[core];
        let busy = c.busy + running;
        let passed = now - c.seen;
        if passed > Nanos::ZERO {
            let kept = libm::exp2(-(passed.as_f64() / HALF_LIFE.as_f64()));
            let share = busy.since(c.seen_busy).as_f64() / passed.as_f64();
            c.utilisation = c.utilisation * kept + share * (1.0 - kept);
            (c.seen, c.seen_busy) = (now, busy);
        }
        c.utilisation
    }
}

/// What follows from a core's having been idle for so long, between the measured points in a straight line; the first point's
/// before it, the last one's after it; nothing where nothing was measured.
pub fn along(points: &[(Nanos, Nanos)], idle_for: Nanos) -> Nanos {
    let mut before = None;
    for &(idle, value) in points {
        if idle_for <= idle {
            let Some((i0, v0)) = before else {
                return value;
            };
            let (i0, v0): (Nanos, Nanos) = (i0, v0);
            let share = (idle_for - i0).as_f64() / (idle - i0).as_f64();
            return Nanos::from_f64(v0.as_f64() + share * (value.as_f64() - v0.as_f64()));
        }
        before = Some((idle, value));
    }
    before.map_or(Nanos::ZERO, |(_, v)| v)
}
