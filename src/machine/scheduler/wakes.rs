//! Wake-ups: which core a woken thread goes to, when it gets there, and who pays.

use super::{Core, Machine, SchedEvent, SchedState, Tid};
use crate::engine::{EventClass, Nanos, unit};
use crate::machine::Cause;

/// Wake-up latencies are uniform between these multiples of their mean. This is the spread that `time.sleep(0.001)` shows between its
/// shortest and its 90th percentile overshoot, less the timer slack.
const WAKE_SPREAD: (f64, f64) = (0.25, 1.75);

/// Linux's `imbalance_pct` of cores that share a cache, as a factor.
const IMBALANCE: f64 = 1.17;
/// Half-life of a core's utilisation, as in Linux's per-entity load tracking (PELT).
const HALF_LIFE: Nanos = Nanos::from_millis(32);

impl Machine {
    /// Lets a blocked thread wake for `cost`, find nothing to do, and block again, without events of its own. The time is taken from a core
    /// that has idled for at least as long, and that is kept from sleeping deeply; without one, the thread pays with its next burst.
    pub(crate) fn charge_spurious_wakeup(&mut self, tid: Tid, cost: Nanos) {
        let now = self.now;
        let idle = |c: &&mut Core| c.free() && now - c.idle_since >= cost;
        let cores = self.node(self.threads[tid].core).cores();
        let Some(core) = self.cores[cores].iter_mut().find(idle) else {
            return self.charge(tid, cost);
        };
        core.busy += cost;
        core.idle_since = now;
        self.cpu += cost;
        self.voluntary += 1;
    }

    /// Makes a blocked thread runnable, by a timer or from outside; it first spends `cpu` on leaving its wait.
    pub(crate) fn wake(&mut self, tid: Tid, cpu: Nanos) {
        self.make_runnable(tid, None, cpu);
    }

    /// Makes a blocked thread runnable; the running thread `by` pays for the interrupt. A thread that began to wait less than `awake_window` ago
    /// is not asleep yet: it goes on on its core, which need not wake.
    pub(crate) fn wake_by(&mut self, by: Tid, tid: Tid, cpu: Nanos, awake_window: Nanos) {
        let t = &self.threads[tid];
        let core = &self.cores[t.core as usize];
        if self.now - t.since < awake_window && core.free() {
            let core = t.core;
            self.enter(tid, Cause::Core);
            self.threads[tid].left += cpu;
            self.node_mut(core).idle -= 1;
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
        if self.node(t.core).idle > 0
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
                // The waker first spends what it owes; only then is the woken thread on its way.
                let waker = &mut self.threads[by];
                waker.debt += along(&self.wake_send, idle_for);
                latency += waker.debt;
            }
            self.threads[tid].left += along(&self.wake_cpu, idle_for);
            let core_index = u32::try_from(core).expect("few cores");
            self.node_mut(core_index).idle -= 1;
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
        // No core is idle, or none was looked for: the thread goes back to its last core, however long the queue is. A new one has none.
        let t = &self.threads[tid];
        let core = if t.fresh {
            self.core_for_new(by.map_or(t.core, |by| self.threads[by].core))
        } else {
            t.core
        };
        self.settle(tid, core);
        self.enqueue(tid);
        if self.overdue(core) || (!self.eligible(core) && self.first(core) == Some(tid)) {
            self.preempt(core);
        } else {
            self.arm_slice(core);
        }
    }

    /// The idle core that a waking thread goes to: its last one; else one of as many others, in order, as Linux looks at where cores share
    /// a cache. Linux looks at none if the cores have been busier than 60 % of the time (`SIS_UTIL` with two cores) and at all if they
    /// idle, but at none that a hypervisor has halted. A new thread finds any idle core.
    fn free_core(&mut self, last: u32, fresh: bool) -> Option<usize> {
        let core = last;
        let last = last as usize;
        if self.cores[last].free() {
            return Some(last);
        }
        let cores = self.node(core).cores();
        let (first, n) = (cores.start, cores.len());
        let scanned = if fresh { n } else { self.scanned(core) };
        let found = |c: &Core| c.free() && (fresh || self.now - c.idle_since <= self.halted_after);
        (1..=scanned.min(n - 1))
            .map(|i| first + (last - first + i) % n)
            .find(|&i| found(&self.cores[i]))
    }

    /// The core of a new thread where none is idle: that of its creator, unless another has clearly fewer threads that want to run
    /// (`sched_balance_find_dst_group` of `kernel/sched/fair.c`; each new thread weighs as much as one that always runs).
    fn core_for_new(&self, creators: u32) -> u32 {
        let load = |c: &Core| f64::from(u8::from(c.current.is_some())) + c.waiting as f64;
        let least = self
            .beside(creators)
            .map(|(i, c)| (i, load(c)))
            .reduce(|least, c| if c.1 < least.1 { c } else { least });
        match least {
            Some((core, l)) if l * IMBALANCE < load(&self.cores[creators as usize]) => core,
            Some(_) | None => creators,
        }
    }

    /// Number of cores that `select_idle_cpu` looks at: of *n* cores of a node `n (1 - (1.17 x)^2)`, where *x* is their mean utilisation
    /// (`update_idle_cpu_scan` of `kernel/sched/fair.c`).
    fn scanned(&mut self, core: u32) -> usize {
        let cores = self.node(core).cores();
        let all = cores.len() as f64;
        let x = cores.map(|i| self.utilisation(i)).sum::<f64>() / all * IMBALANCE;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the number of cores"
        )]
        let scanned = (all * (1.0 - x * x).max(0.0)) as usize;
        scanned
    }

    /// Recent utilisation of a core, from 0 to 1: the last 32 ms weigh as much as all time before them (PELT).
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

/// Value of a curve over the idle time of a core: linear between the measured points, constant before the first and after the last one, and
/// zero if there are no points.
pub(crate) fn along(points: &[(Nanos, Nanos)], idle_for: Nanos) -> Nanos {
    match points.last() {
        None => return Nanos::ZERO,
        Some(&(longest, value)) if idle_for > longest => return value,
        Some(_) => {}
    }
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
