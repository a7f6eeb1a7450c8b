//! Run queues of the cores: virtual runtimes, picking, slices, and moving threads between cores.

use std::cmp::Reverse;

use super::{Core, Machine, Node, SchedEvent, SchedState, Tid, Upcall};
use crate::engine::{EventClass, Nanos, unit};
use crate::machine::Cause;

/// Tick at which idle cores look for work if the scenario's machine has no timer tick.
const TICK: Nanos = Nanos::from_millis(4);

impl Machine {
    /// Mean virtual runtime of the threads that run and wait on a core: the virtual runtime of a thread without lag.
    pub(super) fn core_clock(&mut self, core: u32) -> u64 {
        let c = &self.cores[core as usize];
        let (mut sum, mut n) = (c.waiting_sum, c.waiting as u128);
        if let Some(tid) = c.current {
            let t = &self.threads[tid];
            sum += u128::from(t.virtual_runtime) + u128::from(t.progress(self.now).0);
            n += 1;
        }
        let c = &mut self.cores[core as usize];
        if let Some(mean) = sum.checked_div(n) {
            c.clock = c
                .clock
                .max(u64::try_from(mean).expect("a mean of 64-bit numbers"));
        }
        c.clock
    }

    pub(super) fn leave_queue(&mut self, tid: Tid) {
        let t = &self.threads[tid];
        let core = t.core;
        let c = &mut self.cores[core as usize];
        c.waiting -= 1;
        c.waiting_sum -= u128::from(t.virtual_runtime);
        self.node_mut(core).ready -= 1;
    }

    /// Removes the first thread from a core's queue.
    pub(super) fn dequeue(&mut self, core: u32) -> Option<Tid> {
        if self.cores[core as usize].waiting == 0 {
            self.cores[core as usize].queue.clear();
            return None;
        }
        let tid = self.first(core)?;
        self.cores[core as usize].queue.pop();
        self.leave_queue(tid);
        Some(tid)
    }

    /// The first thread of a core's queue.
    pub(super) fn first(&mut self, core: u32) -> Option<Tid> {
        while let Some(&Reverse((_, sequence, tid))) = self.cores[core as usize].queue.peek() {
            let t = &self.threads[tid];
            if t.state == SchedState::Ready && t.ready_sequence == sequence {
                return Some(tid);
            }
            self.cores[core as usize].queue.pop();
        }
        None
    }

    /// Gives a free core to the first thread of its queue; else to one that waits elsewhere, if the core looks for that at once; else lets
    /// it idle until the next tick.
    pub(super) fn pick(&mut self, core: u32) {
        if self.node(core).ready > 0 {
            if let Some(tid) = self.dequeue(core) {
                self.place(core, tid);
                return;
            }
            if unit(&mut self.jitter) < self.new_idle && self.take_over(core) {
                return;
            }
            self.kick(core);
        }
        if self.interference > 0.0 {
            self.pace(core);
        }
        let c = &mut self.cores[core as usize];
        c.idle_since = self.now;
        c.slice_armed = false;
        c.slice_generation = c.slice_generation.wrapping_add(1);
        self.node_mut(core).idle += 1;
    }

    /// Adapts the speed of every core of this one's node to the number of those that are busy, because busy cores slow each other down.
    fn pace(&mut self, core: u32) {
        let cores = self.node(core).cores();
        let all = &self.cores[cores.clone()];
        let busy = all.iter().filter(|c| c.current.is_some()).count();
        let others = |n: usize| n.saturating_sub(1) as f64;
        let slower = 1.0 + self.interference * others(busy) / others(all.len()).max(1.0);
        for core in cores {
            let rate = self.cores[core].speed / slower;
            if self.cores[core].rate == rate {
                continue;
            }
            let burning = (self.cores[core].current).filter(|&t| self.threads[t].burning);
            if let Some(tid) = burning {
                self.stop_burst(tid);
            }
            self.cores[core].rate = rate;
            if let Some(tid) = burning {
                self.resume_burst(tid);
            }
        }
    }

    /// Makes the idle cores of this one's node look for waiting threads at the next tick.
    fn kick(&mut self, core: u32) {
        if !std::mem::replace(&mut self.node_mut(core).pulling, true) {
            let tick = if self.tick > Nanos::ZERO {
                self.tick
            } else {
                TICK
            };
            // Near the end of the clock the next tick lies beyond it.
            let next = tick * (self.now.0 / tick.0 + 1);
            let node = self.node_of(core);
            self.calendar
                .push(next, EventClass::Dispatch, SchedEvent::Pull { node });
        }
    }

    /// Lets the idle cores of a node take threads from the longest queues.
    pub(super) fn pull(&mut self, node: u32) {
        let Node { first, count, .. } = self.nodes[node as usize];
        for core in first..first + count {
            if self.cores[core as usize].free() && self.take_over(core) {
                self.nodes[node as usize].idle -= 1;
            }
        }
        let node = &self.nodes[node as usize];
        if node.idle > 0 && node.ready > 0 {
            self.kick(first);
        }
    }

    /// Puts the first thread of the longest other queue on a free core; whether there was one.
    fn take_over(&mut self, core: u32) -> bool {
        let Some(from) = self.busiest(core) else {
            return false;
        };
        let Some(tid) = self.dequeue(from) else {
            return false;
        };
        self.migrate(tid, from, core);
        self.place(core, tid);
        true
    }

    /// The core with the longest queue on the same node, but this one.
    pub(super) fn busiest(&self, but: u32) -> Option<u32> {
        self.beside(but)
            .filter(|(i, c)| *i != but && c.waiting > 0)
            .max_by_key(|(i, c)| (c.waiting, Reverse(*i)))
            .map(|(i, _)| i)
    }

    /// The cores of this one's node, itself included, with their numbers.
    pub(super) fn beside(&self, core: u32) -> impl Iterator<Item = (u32, &Core)> {
        let node = self.node(core);
        (node.first..).zip(&self.cores[node.cores()])
    }

    /// Moves a thread that is in no queue to another core; it keeps its lag, up to a slice.
    pub(super) fn migrate(&mut self, tid: Tid, from: u32, to: u32) {
        let clock = self.core_clock(from);
        let slice = self.slice.0;
        let t = &mut self.threads[tid];
        let up_to_a_slice = |ahead: u64| i64::try_from(ahead.min(slice)).expect("a slice is short");
        t.lag = if clock >= t.virtual_runtime {
            up_to_a_slice(clock - t.virtual_runtime)
        } else {
            -up_to_a_slice(t.virtual_runtime - clock)
        };
        self.settle(tid, to);
    }

    /// Gives a thread the virtual runtime on a core that follows from its lag.
    pub(super) fn settle(&mut self, tid: Tid, core: u32) {
        let clock = self.core_clock(core);
        let t = &mut self.threads[tid];
        t.core = core;
        t.virtual_runtime = clock.saturating_add_signed(-t.lag);
    }

    /// Puts a thread on a free core.
    pub(super) fn place(&mut self, core: u32, tid: Tid) {
        let t = &mut self.threads[tid];
        let run_cause = t.run_cause;
        t.fresh = false;
        t.state = SchedState::Running;
        t.core = core;
        let c = &mut self.cores[core as usize];
        if c.last != Some(tid) {
            t.debt += self.context_switch;
        }
        let burst = t.left > Nanos::ZERO || t.accesses.is_some();
        c.current = Some(tid);
        c.picked = self.now;
        c.slice_armed = false;
        c.slice_generation = c.slice_generation.wrapping_add(1);
        self.enter(tid, run_cause);
        self.note(tid);
        if self.cores[core as usize].waiting > 0 {
            self.arm_slice(core);
        }
        if self.interference > 0.0 {
            self.pace(core);
        }
        if burst && !(self.nobody_acts && self.burn_through(tid)) {
            self.resume_burst(tid);
        } else {
            self.upcalls.push_back(Upcall::OnCore(tid));
        }
    }

    pub(super) fn arm_slice(&mut self, core: u32) {
        let c = &mut self.cores[core as usize];
        if c.slice_armed || c.current.is_none() {
            return;
        }
        c.slice_armed = true;
        // Deadlines follow one another at intervals of a slice from when the thread was picked; the next one counts.
        let run = self.now - c.picked;
        let mut end = c.picked + self.slice * run.0.div_ceil(self.slice.0.max(1)).max(1);
        if self.tick > Nanos::ZERO {
            // Near the end of the clock the next tick lies beyond it.
            end = self.tick * end.0.div_ceil(self.tick.0);
        }
        let generation = c.slice_generation;
        self.calendar.push(
            end,
            EventClass::Dispatch,
            SchedEvent::Slice { core, generation },
        );
    }

    pub(super) fn preempt(&mut self, core: u32) {
        let Some(tid) = self.cores[core as usize].current else {
            return;
        };
        self.stop_burst(tid);
        self.involuntary += 1;
        self.enter(tid, Cause::Core);
        self.cores[core as usize].current = None;
        self.cores[core as usize].last = Some(tid);
        self.enqueue(tid);
        self.pick(core);
    }

    pub(super) fn enqueue(&mut self, tid: Tid) {
        self.enqueue_later(tid, Nanos::ZERO);
    }

    /// Puts a thread into its core's queue, ordered as if it had had `later` more service than it has.
    pub(super) fn enqueue_later(&mut self, tid: Tid, later: Nanos) {
        self.sequence += 1;
        let t = &mut self.threads[tid];
        t.state = SchedState::Ready;
        t.ready_sequence = self.sequence;
        let core = t.core;
        let c = &mut self.cores[core as usize];
        let place = t.virtual_runtime.saturating_add(later.0);
        c.queue.push(Reverse((place, self.sequence, tid)));
        c.waiting += 1;
        c.waiting_sum += u128::from(t.virtual_runtime);
        let node = self.node_mut(core);
        node.ready += 1;
        if node.idle > 0 {
            self.kick(core);
        }
        self.note(tid);
    }

    /// Whether the running thread's deadline has passed unnoticed. The deadline is renewed when the thread is picked and at every tick, and
    /// is checked when another thread wakes. A thread that keeps reading its own CPU clock (a machine without tick, in the model) never
    /// lets it pass.
    pub(super) fn overdue(&self, core: u32) -> bool {
        let c = &self.cores[core as usize];
        if self.tick == Nanos::ZERO || c.current.is_none() {
            return false;
        }
        let last_tick = Nanos(self.now.0 / self.tick.0 * self.tick.0);
        self.now - c.picked.max(last_tick) >= self.slice
    }

    /// Whether the running thread has had no more service than the mean of its core. Only then is its slice protected from a waking thread
    /// (`pick_eevdf`); otherwise a waking thread that is owed service runs at once.
    pub(super) fn eligible(&self, core: u32) -> bool {
        let c = &self.cores[core as usize];
        let Some(tid) = c.current else { return true };
        let t = &self.threads[tid];
        let own = u128::from(t.virtual_runtime) + u128::from(t.progress(self.now).0);
        own * (c.waiting as u128 + 1) <= c.waiting_sum + own
    }

    /// Evens out queues now and then: a busy core with fewer waiting threads takes one from this core, at once if the difference is two or
    /// more, at the second attempt if it is one (as `nr_balance_failed` lets Linux do).
    pub(super) fn balance(&mut self, core: u32) {
        let c = &self.cores[core as usize];
        if self.now - c.balanced < self.balance_interval {
            return;
        }
        let waiting = c.waiting;
        self.cores[core as usize].balanced = self.now;
        let least = self
            .beside(core)
            .filter(|(i, c)| *i != core && c.current.is_some())
            .min_by_key(|(_, c)| c.waiting)
            .map(|(i, c)| (i, c.waiting));
        let Some((to, fewer)) = least else { return };
        if waiting <= fewer {
            return;
        }
        if waiting - fewer == 1
            && !std::mem::replace(&mut self.cores[core as usize].balance_failed, true)
        {
            return;
        }
        self.cores[core as usize].balance_failed = false;
        if let Some(tid) = self.dequeue(core) {
            self.migrate(tid, core, to);
            self.enqueue(tid);
            self.arm_slice(to);
        }
    }
}
