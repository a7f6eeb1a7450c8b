//! Threads that access cache lines, each at the pace that the threads on other cores leave it ([`line`](crate::machine::line)).

use super::{Machine, SchedEvent, SchedState, Tid};
use crate::engine::{EventClass, Nanos, Total};
use crate::machine::cache_line::{Access, Burst};

impl Machine {
    /// Lets the running thread access a line `count` times, one access after another. It burns CPU time throughout (its debt included),
    /// also while it waits for the line. Lines are numbered by the user of the machine, and so is the `account` on which the waiting is
    /// booked ([`Machine::lost`]). Returns what [`Machine::run`] returns.
    pub(crate) fn access(
        &mut self,
        tid: Tid,
        count: u64,
        line: u32,
        access: Access,
        account: u32,
    ) -> bool {
        let t = &mut self.threads[tid];
        debug_assert_eq!(t.state, SchedState::Running);
        t.left = Nanos::ZERO;
        t.accesses = Some(Burst::new(line, access, account, count));
        if self.lines.len() <= line as usize {
            self.lines.resize_with(line as usize + 1, Default::default);
        }
        let through = self.burn_through(tid);
        if !through {
            self.resume_burst(tid);
        }
        through
    }

    /// Total time for which threads waited for cache lines on their cores, booked on this account.
    pub(crate) fn lost(&self, account: u32) -> Total {
        let lost = self.lost.get(account as usize);
        lost.copied().unwrap_or(Total::ZERO)
    }

    /// Whether a thread is in accesses of a line that are slowed down by other threads.
    pub(crate) fn is_contended(&self, tid: Tid) -> bool {
        let accesses = self.threads[tid].accesses;
        accesses.is_some_and(|b| b.each > b.access.alone)
    }

    /// CPU time of the accesses that a thread has left, at its present pace and relative speed 1.
    pub(super) fn accesses_left(&self, tid: Tid) -> Nanos {
        let t = &self.threads[tid];
        let Some(b) = &t.accesses else {
            return Nanos::ZERO;
        };
        let all = Nanos::from_f64(b.left * b.each.as_f64());
        if t.accessing {
            all.since(self.cores[t.core as usize].work(self.now - t.began))
        } else {
            all
        }
    }

    /// Burns all accesses of a thread at once, after what it has to burn before, if nothing else can happen meanwhile and no other thread
    /// is in accesses of the line.
    #[cold]
    pub(super) fn access_through(&mut self, tid: Tid) -> bool {
        let Some(mut b) = self.threads[tid].accesses else {
            return false;
        };
        // Paces are not set while another thread may merely be going from one burst to the next.
        if !self.lines[b.line as usize].threads.is_empty() {
            return false;
        }
        self.settle_lines();
        let t = &self.threads[tid];
        let line = &self.lines[b.line as usize];
        let core = &self.cores[t.core as usize];
        let mut spent = b.left * b.access.alone.as_f64();
        let by_itself = core.wall(Nanos::from_f64(spent));
        if line.is_elsewhere(tid, t.core) {
            b.first = b.left.min(1.0);
        }
        spent += b.first * b.access.service.as_f64();
        let accesses = core.wall(Nanos::from_f64(spent));
        let wall = core.wall(t.left) + accesses;
        let end = self.now + wall;
        if !self.upcalls.is_empty() || end >= self.calendar.next_time() || end > self.horizon {
            return false;
        }
        let burned = t.left + core.work(accesses);
        let (core, waited) = (t.core, accesses.since(by_itself));
        self.lines[b.line as usize].last = Some((tid, core));
        let t = &mut self.threads[tid];
        t.burned += burned;
        t.left = Nanos::ZERO;
        t.accesses = None;
        t.virtual_runtime = t.virtual_runtime.saturating_add(wall.0);
        self.cores[core as usize].busy += wall;
        self.cpu += wall;
        self.now = end;
        self.book_waiting(tid, b.account, waited);
        if waited > Nanos::ZERO {
            self.part_waiting(tid);
        }
        true
    }

    /// Lets a burning thread begin, or go on with, its accesses; returns the time of those that take as long as the next one.
    pub(super) fn join_line(&mut self, tid: Tid) -> Nanos {
        let t = &mut self.threads[tid];
        let Some(b) = &mut t.accesses else {
            return Nanos::ZERO;
        };
        let line = &mut self.lines[b.line as usize];
        if line.is_elsewhere(tid, t.core) {
            b.first = b.left.min(1.0);
        }
        line.threads.push(tid);
        line.all += b.access.service;
        line.last = Some((tid, t.core));
        b.each = b.each_of(line.all);
        t.accessing = true;
        let number = b.line;
        self.invalidate(number);
        self.until_dearer(tid)
    }

    /// Wall time of a thread's accesses that take as long as the next one, on its core.
    fn until_dearer(&self, tid: Tid) -> Nanos {
        let t = &self.threads[tid];
        let b = t.accesses.as_ref();
        let work = b.map_or(0.0, |b| b.alike() * b.each.as_f64());
        self.cores[t.core as usize].wall(Nanos::from_f64(work))
    }

    /// Books what a thread has done of its accesses since its pace was last set; `all` means all those of equal time.
    fn book_accesses(&mut self, tid: Tid, all: bool) {
        let t = &mut self.threads[tid];
        let Some(b) = &mut t.accesses else { return };
        let core = &mut self.cores[t.core as usize];
        let wall = self.now - t.began;
        let work = core.work(wall);
        let done = if all { b.alike() } else { b.done_in(work) };
        let by_itself = Nanos::from_f64(done * b.access.alone.as_f64());
        let waited = if b.each == b.access.alone {
            Nanos::ZERO
        } else {
            wall.since(core.wall(by_itself))
        };
        b.advance(done);
        let account = b.account;
        t.cuts += u64::from(b.left > 0.0);
        t.burned += work;
        t.began = self.now;
        t.burst_generation = t.burst_generation.wrapping_add(1);
        t.virtual_runtime = t.virtual_runtime.saturating_add(wall.0);
        core.busy += wall;
        self.cpu += wall;
        self.book_waiting(tid, account, waited);
    }

    /// Books that so much of what a thread has just burned was waiting for a line.
    fn book_waiting(&mut self, tid: Tid, account: u32, waited: Nanos) {
        if waited > Nanos::ZERO {
            self.threads[tid].waited += waited;
            if self.lost.len() <= account as usize {
                self.lost.resize(account as usize + 1, Total::ZERO);
            }
            self.lost[account as usize] += waited;
        }
    }

    /// Stops the burst of a running thread that is in accesses. It leaves the line, which stays in its core's cache until another core asks
    /// for it.
    #[cold]
    pub(super) fn stop_accesses(&mut self, tid: Tid, all: bool) {
        self.book_accesses(tid, all);
        let t = &mut self.threads[tid];
        t.burning = false;
        t.accessing = false;
        let (accesses, waited) = (t.accesses, t.waited > Nanos::ZERO);
        if waited {
            self.part_waiting(tid);
        }
        let Some(b) = accesses else { return };
        let line = &mut self.lines[b.line as usize];
        if let Some(at) = line.threads.iter().position(|&other| other == tid) {
            line.threads.swap_remove(at);
            line.all = line.all.since(b.access.service);
        }
        line.last = Some((tid, self.threads[tid].core));
        self.invalidate(b.line);
    }

    /// Ends those accesses of a thread that take equal time. Returns whether no others are left.
    #[cold]
    pub(super) fn accesses_over(&mut self, tid: Tid) -> bool {
        self.stop_accesses(tid, true);
        let t = &mut self.threads[tid];
        if t.accesses.is_some_and(|b| b.left > 0.0) {
            self.resume_burst(tid);
            return false;
        }
        t.accesses = None;
        true
    }

    fn invalidate(&mut self, number: u32) {
        let line = &mut self.lines[number as usize];
        if !std::mem::replace(&mut line.unsettled, true) {
            self.unsettled.push(number);
        }
    }

    /// Adapts the paces of all threads in accesses to the present number of threads. Called before the clock moves, because a thread that
    /// ends one burst and begins another within an instant has not left its line.
    #[cold]
    pub(super) fn settle_lines(&mut self) {
        while let Some(number) = self.unsettled.pop() {
            let line = &mut self.lines[number as usize];
            line.unsettled = false;
            if line.all == line.settled {
                continue;
            }
            line.settled = line.all;
            for i in 0..self.lines[number as usize].threads.len() {
                let line = &self.lines[number as usize];
                let (tid, all) = (line.threads[i], line.all);
                self.set_pace(tid, all);
            }
        }
    }

    fn set_pace(&mut self, tid: Tid, all: Nanos) {
        let b = self.threads[tid].accesses;
        if b.is_none_or(|b| b.each == b.each_of(all)) {
            return;
        }
        self.book_accesses(tid, false);
        let t = &mut self.threads[tid];
        if let Some(b) = &mut t.accesses {
            b.each = b.each_of(all);
        }
        let generation = t.burst_generation;
        let wall = self.until_dearer(tid);
        self.calendar.push(
            self.now + wall,
            EventClass::Completion,
            SchedEvent::Burst { tid, generation },
        );
    }
}
