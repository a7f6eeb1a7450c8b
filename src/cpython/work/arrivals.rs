//! Where tasks come from: users and clients outside, or the program's own list; and the copies of the program that take them in.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rand_pcg::Pcg64Dxsm;

use super::Work;
use crate::cpython::index::{ClassIndex, CopyIndex, PoolIndex, ProcessPoolIndex, TaskKey};
use crate::cpython::kernel::InterpreterRef;
use crate::cpython::program::Program;
use crate::engine::{Nanos, StreamRole, stream, unit};
use crate::machine::Tid;
use crate::measure::Draws;
use crate::scenario::{Arrivals as Kind, Dist, TracedTask};
use crate::sync::{Ticket, WaitQueue};

/// Where a copy's tasks go, or, under an event loop, their blocking parts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TaskDispatch {
    /// The main thread itself.
    Itself,
    /// A thread for each.
    RawThreads,
    /// This pool of threads.
    Threads(PoolIndex),
    /// This pool of processes.
    Processes(ProcessPoolIndex),
}

/// One copy of the program: its main thread and executor.
pub(crate) struct Copy {
    pub(crate) main: Tid,
    pub(crate) home: InterpreterRef,
    pub(crate) runner: TaskDispatch,
    /// Tasks taken in and not yet over.
    pub(crate) outstanding: u64,
    /// Tasks of a batch or trace that this copy has taken in.
    taken: u64,
    /// Nothing more comes.
    pub(crate) drained: bool,
    /// Its place among those who wait for arrivals.
    accepting: Option<Ticket>,
}

impl Copy {
    /// One that has taken nothing in yet.
    pub(crate) fn new(main: Tid, home: InterpreterRef, runner: TaskDispatch) -> Self {
        Self {
            main,
            home,
            runner,
            outstanding: 0,
            taken: 0,
            drained: false,
            accepting: None,
        }
    }
}

/// Where tasks come from.
pub(crate) struct ArrivalSource<'a> {
    own: u64,
    intervals: Pcg64Dxsm,
    classes: Pcg64Dxsm,
    thinks: Pcg64Dxsm,
    interval: Option<Dist>,
    think: Option<Dist>,
    /// Intervals or think times so far.
    draws: Draws,
    weights: Vec<f64>,
    trace: &'a [TracedTask],
    /// Arrivals that may still come from outside.
    left: u64,
    next_at: Nanos,
    number: u64,
    /// Users about to ask again.
    users: BinaryHeap<Reverse<(Nanos, u64)>>,
    user_number: u64,
    /// How many users there are.
    all_users: usize,
    closed: bool,
    /// Taken in by nobody yet.
    pub(crate) accept: VecDeque<TaskKey>,
    /// Copies that wait for arrivals.
    acceptors: WaitQueue<CopyIndex>,
}

impl<'a> ArrivalSource<'a> {
    pub(crate) fn new(program: &'a Program, seed: u64, replication: u32) -> Self {
        let mut a = Self {
            own: program.batch.len() as u64,
            intervals: stream(seed, replication, StreamRole::Arrivals),
            classes: stream(seed, replication, StreamRole::Classes),
            thinks: stream(seed, replication, StreamRole::Think),
            interval: None,
            think: None,
            draws: Draws::default(),
            weights: program
                .classes
                .iter()
                .take(program.own_classes)
                .map(|c| c.weight)
                .collect(),
            trace: &[],
            left: 0,
            next_at: Nanos::ZERO,
            number: 0,
            users: BinaryHeap::new(),
            user_number: 0,
            all_users: 0,
            closed: false,
            accept: VecDeque::new(),
            acceptors: WaitQueue::default(),
        };
        match &program.arrivals {
            Kind::Batch => {}
            Kind::Trace(tasks) => {
                a.trace = tasks;
                a.own = tasks.len() as u64;
            }
            Kind::Open { interval, count } => {
                a.interval = Some(interval.clone());
                a.left = count.unwrap_or(u64::MAX);
            }
            Kind::Closed {
                users,
                think,
                count,
            } => {
                a.closed = true;
                a.left = count.unwrap_or(u64::MAX);
                for _ in 0..*users {
                    let at = think.sample(&mut a.thinks);
                    a.draws.push(at);
                    a.users.push(Reverse((at, a.user_number)));
                    a.user_number += 1;
                }
                a.all_users = a.users.len();
                a.think = Some(think.clone());
            }
        }
        a
    }

    /// Recorded demands of the task with this trace number (index plus one).
    #[inline]
    pub(crate) fn traced(&self, trace: u32) -> &[Nanos] {
        &self.trace[trace as usize - 1].demands
    }

    /// How far the drawn intervals or think times lie off their mean, and the sum of that, in seconds. The interval that passes the
    /// horizon is among them: whether one is drawn never depends on itself, or the excess would not be zero in the mean.
    pub(crate) fn draws(&self) -> (f64, f64) {
        let dist = self.interval.as_ref().or(self.think.as_ref());
        dist.and_then(Dist::exact_mean).map_or((0.0, 0.0), |m| {
            (self.draws.excess(m), self.draws.expected(m))
        })
    }

    fn outside(&self) -> bool {
        self.interval.is_some() || self.closed
    }

    fn class(&mut self) -> ClassIndex {
        if self.weights.len() < 2 {
            return ClassIndex::from(0);
        }
        let total: f64 = self.weights.iter().sum();
        let mut x = unit(&mut self.classes) * total;
        let mut class = 0;
        for (i, w) in self.weights.iter().enumerate() {
            class = i;
            if x < *w {
                break;
            }
            x -= w;
        }
        ClassIndex::from(class)
    }
}

impl Work<'_> {
    pub(crate) fn next_arrival(&mut self) {
        let a = &mut self.arrivals;
        if a.left == 0 {
            return;
        }
        let at = if let Some(interval) = &a.interval {
            let time = interval.sample(&mut a.intervals);
            a.draws.push(time);
            a.next_at += time;
            a.next_at
        } else if let Some(Reverse((at, _))) = a.users.peek() {
            *at
        } else {
            return;
        };
        if self.kernel.limits.horizon.is_some_and(|h| at > h) {
            if a.closed && a.users.len() < a.all_users {
                return; // Somebody who still waits for an answer may come back before the horizon.
            }
            a.left = 0;
            for copy in self.copies.keys() {
                self.nudge(copy);
            }
            return;
        }
        self.kernel.machine.arrive_at(at);
    }

    /// A task arrives from outside.
    pub(crate) fn arrive(&mut self) {
        let a = &mut self.arrivals;
        if a.left == 0 {
            return; // What was announced before the horizon or the count cut the rest off.
        }
        if a.closed {
            a.users.pop();
        }
        a.left -= 1;
        let class = a.class();
        let (came, left) = (a.number + 1, a.left);
        let now = self.kernel.machine.now();
        self.observer.arrival(now, came, left);
        let key = self.new_task(class, now, 0);
        self.arrivals.accept.push_back(key);
        if let Some(copy) = self.arrivals.acceptors.call_next() {
            let copy = &mut self.copies[copy];
            copy.accepting = None;
            let main = copy.main;
            self.kernel.unpark(main);
        }
        self.next_arrival();
    }

    fn new_task(&mut self, class: ClassIndex, arrival: Nanos, trace: u32) -> TaskKey {
        let number = self.arrivals.number;
        self.arrivals.number += 1;
        let key = self.tasks.insert(number, class, arrival);
        let task = &mut self.tasks[key];
        task.trace = trace;
        task.counted = arrival >= self.kernel.limits.warmup;
        if task.counted {
            self.observer.arrived += 1;
        }
        self.tasks[key].payload = self.kernel.program.classes[class].bytes_in;
        self.task_begins(key);
        key
    }

    /// The next task that has arrived from outside; `None`: the thread is noted down as waiting.
    pub(crate) fn accept(&mut self, copy: CopyIndex) -> Option<TaskKey> {
        let key = self.arrivals.accept.pop_front()?;
        self.tasks[key].copy = copy;
        self.copies[copy].outstanding += 1;
        Some(key)
    }

    /// Waits for arrivals with the others.
    pub(crate) fn wait_for_arrivals(&mut self, copy: CopyIndex) {
        let acceptors = &mut self.arrivals.acceptors;
        self.copies[copy]
            .accepting
            .get_or_insert_with(|| acceptors.join(copy));
    }

    pub(crate) fn stop_waiting_for_arrivals(&mut self, copy: CopyIndex) {
        if let Some(ticket) = self.copies[copy].accepting.take() {
            self.arrivals.acceptors.forget(ticket);
        }
    }

    /// Whether more may come for this copy.
    pub(crate) fn expects_arrivals(&self, copy: CopyIndex) -> bool {
        let a = &self.arrivals;
        if a.outside() {
            return !a.accept.is_empty() || a.left > 0;
        }
        !self.copies[copy].drained
    }

    pub(crate) fn arrivals_from_outside(&self) -> bool {
        self.arrivals.outside()
    }

    /// The user who has an answer thinks and asks again.
    pub(crate) fn user_answered(&mut self) {
        let now = self.kernel.machine.now();
        let a = &mut self.arrivals;
        if !a.closed || a.left == 0 {
            return;
        }
        let Some(think) = &a.think else { return };
        let time = think.sample(&mut a.thinks);
        a.draws.push(time);
        let at = now + time;
        let sooner = a.users.peek().is_none_or(|Reverse((first, _))| at < *first);
        a.users.push(Reverse((at, a.user_number)));
        a.user_number += 1;
        if sooner || a.users.len() == a.all_users {
            self.next_arrival();
        }
    }

    /// A task of this copy is over.
    pub(crate) fn copy_finished_one(&mut self, copy: CopyIndex) {
        let c = &mut self.copies[copy];
        c.outstanding -= 1;
        if c.outstanding == 0 && !self.expects_arrivals(copy) {
            for other in self.copies.keys() {
                self.nudge(other);
            }
        }
    }

    /// Wakes a copy's main thread to see that nothing more comes.
    fn nudge(&mut self, copy: CopyIndex) {
        let c = &self.copies[copy];
        if c.outstanding == 0 {
            let main = c.main;
            self.kernel.unpark(main);
        }
    }

    /// Whether nothing of a batch comes for this copy any more; always where there is no batch.
    pub(crate) fn list_is_complete(&self, copy: CopyIndex) -> bool {
        let turns = u64::from(self.kernel.program.layout.copies.max(1));
        let next = self.copies[copy].taken * turns + u64::from(u32::from(copy));
        next >= self.kernel.program.batch.len() as u64
    }

    /// How many tasks of a batch or trace are this copy's.
    pub(crate) fn own_share(&self, copy: CopyIndex) -> u64 {
        let turns = u64::from(self.kernel.program.layout.copies.max(1));
        self.arrivals
            .own
            .saturating_sub(u64::from(u32::from(copy)))
            .div_ceil(turns)
    }

    /// How many tasks the workload has in all, if it says so.
    pub(crate) fn promised(&self) -> Option<u64> {
        match &self.kernel.program.arrivals {
            Kind::Batch | Kind::Trace(_) => Some(self.arrivals.own),
            Kind::Open { count, .. } | Kind::Closed { count, .. } => *count,
        }
    }

    /// When the tasks of a batch or trace arrive that no copy has taken in.
    pub(crate) fn not_taken_in(&self) -> impl Iterator<Item = Nanos> + '_ {
        let turns = u64::from(self.kernel.program.layout.copies.max(1));
        (0..turns)
            .zip(&self.copies)
            .flat_map(move |(copy, c)| {
                (c.taken..)
                    .map(move |round| round * turns + copy)
                    .take_while(|&index| index < self.arrivals.own)
            })
            .map(|index| {
                let at = usize::try_from(index).expect("fits");
                self.arrivals.trace.get(at).map_or(Nanos::ZERO, |t| t.at)
            })
    }

    /// The next task of a batch or trace for this copy: when it arrives, and its key once it has.
    pub(crate) fn next_own(&mut self, copy: CopyIndex) -> Option<(Nanos, TaskKey)> {
        let c = &mut self.copies[copy];
        // Copies take turns.
        let index = c.taken * u64::from(self.kernel.program.layout.copies.max(1))
            + u64::from(u32::from(copy));
        if index >= self.arrivals.own {
            c.drained = true;
            return None;
        }
        c.taken += 1;
        c.outstanding += 1;
        let at = usize::try_from(index).expect("fits");
        let (arrival, class, trace) = match self.arrivals.trace.get(at) {
            Some(t) => {
                let class = ClassIndex::from(t.class);
                (
                    t.at,
                    class,
                    u32::try_from(at + 1).expect("fewer than 2^32 recorded tasks"),
                )
            }
            None => (Nanos::ZERO, self.kernel.program.batch[at], 0),
        };
        let key = self.new_task(class, arrival, trace);
        let task = &mut self.tasks[key];
        task.copy = copy;
        // The number follows the order of arrival, whichever copy takes it.
        task.number = index;
        Some((arrival, key))
    }

    /// What the program's own code costs for a task that it takes in.
    pub(crate) fn dispatch_cost(&self) -> Nanos {
        self.kernel
            .program
            .dispatch
            .scale(self.kernel.costs.cpu_factor)
    }
}
