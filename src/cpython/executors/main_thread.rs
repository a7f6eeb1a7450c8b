//! Arrivals, the main threads that take them in, and the queues between tasks.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rand_pcg::Pcg64Dxsm;

use crate::cpython::index::{CopyIndex, PoolIndex, ProcessIndex, ProcessPoolIndex};
use crate::cpython::kernel::process::ProcessKind;
use crate::cpython::kernel::thread::{Act, Home};
use crate::cpython::kernel::wait::On;
use crate::cpython::program::{Executor, Program};
use crate::cpython::role::{Deed, LoopState, MainState, Role};
use crate::cpython::sim::Sim;
use crate::cpython::work::exec::{Flow, Mode};
use crate::cpython::work::task::TaskKey;
use crate::engine::{Nanos, Role as StreamRole, stream, unit};
use crate::machine::{Cause, Tid};
use crate::measure::Draws;
use crate::scenario::{Arrivals as Kind, Dist, StartMethod, TracedTask};
use crate::sync::{Line, Ticket};

/// Where a copy's tasks go, or, under an event loop, their blocking parts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Runner {
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
    pub(crate) home: Home,
    runner: Runner,
    /// Tasks taken in and not yet over.
    pub(crate) outstanding: u64,
    /// Tasks of a batch or trace that this copy has taken in.
    taken: u64,
    /// Nothing more comes.
    pub(crate) drained: bool,
    /// Its place among those who wait for arrivals.
    accepting: Option<Ticket>,
}

/// Where tasks come from.
pub(crate) struct Arrivals<'a> {
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
    acceptors: Line<CopyIndex>,
}

impl<'a> Arrivals<'a> {
    pub(crate) fn new(program: &'a Program, seed: u64, replication: u32) -> Self {
        let mut a = Self {
            own: program.batch.len() as u64,
            intervals: stream(seed, replication, StreamRole::Arrivals),
            classes: stream(seed, replication, StreamRole::Classes),
            thinks: stream(seed, replication, StreamRole::Think),
            interval: None,
            think: None,
            draws: Draws::default(),
            weights: program.classes[..program.own_classes]
                .iter()
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
            acceptors: Line::default(),
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

    fn class(&mut self) -> u32 {
        if self.weights.len() < 2 {
            return 0;
        }
        let total: f64 = self.weights.iter().sum();
        let mut x = unit(&mut self.classes) * total;
        let mut class = 0;
        for (i, w) in (0u32..).zip(&self.weights) {
            class = i;
            if x < *w {
                break;
            }
            x -= w;
        }
        class
    }
}

impl Sim<'_> {
    /// Makes processes and main threads, and sets the first in motion.
    pub(crate) fn build(&mut self) {
        let copies = self.program.layout.copies.max(1);
        let master = self.new_process(ProcessKind::Main, ProcessIndex::MAIN);
        for copy in (0..copies as usize).map(CopyIndex::from) {
            let home = if copies == 1 {
                master
            } else {
                self.new_process(ProcessKind::Copy, master.process)
            };
            let role = if self.program.layout.event_loop {
                Role::Loop(copy, LoopState::Begin)
            } else {
                Role::Main(copy, MainState::Begin)
            };
            let main = self.new_thread(role, home);
            let parts = self.program.layout.event_loop;
            let runner = match self.program.layout.executor {
                Executor::Inline => Runner::Itself,
                Executor::RawThreads => Runner::RawThreads,
                Executor::Threads(_) | Executor::Interpreters(_) => {
                    let rss = Nanos::from_f64(self.profile.params.tpe_rss).0;
                    self.take_for(home.process, rss);
                    Runner::Threads(self.new_thread_pool(copy, home, parts))
                }
                Executor::Processes(..) | Executor::MpPool(..) => {
                    Runner::Processes(self.new_process_pool(copy, home, parts))
                }
            };
            self.copies.push(Copy {
                main,
                home,
                runner,
                outstanding: 0,
                taken: 0,
                drained: false,
                accepting: None,
            });
            if self.program.layout.event_loop {
                self.new_loop(main);
            }
        }
        if copies == 1 {
            let main = self.copies[CopyIndex::from(0)].main;
            self.machine.wake(main, Nanos::ZERO);
        } else {
            let thread = self.new_thread(Role::Master, master);
            self.machine.wake(thread, Nanos::ZERO);
        }
        self.next_arrival();
    }

    /// The master of a prefork server forks its copies one after another.
    pub(crate) fn refill_master(&mut self, tid: Tid) {
        for copy in self.copies.keys() {
            let main = self.copies[copy].main;
            let mut acts = Vec::new();
            self.start_process(StartMethod::Fork, main, &mut acts);
            for act in acts {
                self.push(tid, act);
            }
            self.children += 1;
        }
        self.push(tid, Act::Exit);
    }

    // ---- arrivals from outside

    fn next_arrival(&mut self) {
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
        if self.limits.horizon.is_some_and(|h| at > h) {
            if a.closed && a.users.len() < a.all_users {
                return; // Somebody who still waits for an answer may come back before the horizon.
            }
            a.left = 0;
            for copy in self.copies.keys() {
                self.nudge(copy);
            }
            return;
        }
        self.machine.arrive_at(at);
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
        let now = self.machine.now();
        self.observer.arrival(now, came, left);
        let key = self.new_task(class, now, 0);
        self.arrivals.accept.push_back(key);
        if let Some(copy) = self.arrivals.acceptors.call_next() {
            let copy = &mut self.copies[copy];
            copy.accepting = None;
            let main = copy.main;
            self.unpark(main);
        }
        self.next_arrival();
    }

    fn new_task(&mut self, class: u32, arrival: Nanos, trace: u32) -> TaskKey {
        let number = self.arrivals.number;
        self.arrivals.number += 1;
        let key = self.tasks.insert(number, class, arrival);
        let task = &mut self.tasks[key];
        task.trace = trace;
        task.counted = arrival >= self.limits.warmup;
        if task.counted {
            self.observer.arrived += 1;
        }
        self.tasks[key].payload = self.program.classes[class as usize].bytes_in;
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
    pub(crate) fn more_to_come(&self, copy: CopyIndex) -> bool {
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
        let now = self.machine.now();
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
        if c.outstanding == 0 && !self.more_to_come(copy) {
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
            self.unpark(main);
        }
    }

    // ---- batches and traces, taken in by the program itself

    /// Whether nothing of a batch comes for this copy any more; always where there is no batch.
    pub(crate) fn list_is_complete(&self, copy: CopyIndex) -> bool {
        let turns = u64::from(self.program.layout.copies.max(1));
        let next = self.copies[copy].taken * turns + u64::from(u32::from(copy));
        next >= self.program.batch.len() as u64
    }

    /// How many tasks of a batch or trace are this copy's.
    pub(crate) fn own_share(&self, copy: CopyIndex) -> u64 {
        let turns = u64::from(self.program.layout.copies.max(1));
        self.arrivals
            .own
            .saturating_sub(u64::from(u32::from(copy)))
            .div_ceil(turns)
    }

    /// How many tasks the workload has in all, if it says so.
    pub(crate) fn promised(&self) -> Option<u64> {
        match &self.program.arrivals {
            Kind::Batch | Kind::Trace(_) => Some(self.arrivals.own),
            Kind::Open { count, .. } | Kind::Closed { count, .. } => *count,
        }
    }

    /// When the tasks of a batch or trace arrive that no copy has taken in.
    pub(crate) fn not_taken_in(&self) -> impl Iterator<Item = Nanos> + '_ {
        let turns = u64::from(self.program.layout.copies.max(1));
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
        let index =
            c.taken * u64::from(self.program.layout.copies.max(1)) + u64::from(u32::from(copy));
        if index >= self.arrivals.own {
            c.drained = true;
            return None;
        }
        c.taken += 1;
        c.outstanding += 1;
        let at = usize::try_from(index).expect("fits");
        let (arrival, class, trace) = match self.arrivals.trace.get(at) {
            Some(t) => {
                let class = u32::try_from(t.class).expect("few classes");
                (
                    t.at,
                    class,
                    u32::try_from(at + 1).expect("fewer than 2^32 recorded tasks"),
                )
            }
            None => (Nanos::ZERO, self.program.batch[at], 0),
        };
        let key = self.new_task(class, arrival, trace);
        let task = &mut self.tasks[key];
        task.copy = copy;
        // The number follows the order of arrival, whichever copy takes it.
        task.number = index;
        Some((arrival, key))
    }

    // ---- the main thread of a program without an event loop

    pub(crate) fn refill_main(&mut self, tid: Tid, copy: CopyIndex, state: MainState) {
        match state {
            MainState::Begin => {
                self.threads[tid as usize].role = Role::Main(copy, MainState::Take);
                if let Executor::MpPool(..) = self.program.layout.executor
                    && let Runner::Processes(pool) = self.copies[copy].runner
                {
                    self.open_mp_pool(tid, pool);
                }
            }
            MainState::Take => self.take_in(tid, copy),
            MainState::Working(key) => {
                if self.step(tid, key, Mode::Inline) == Flow::Over {
                    let t = &mut self.threads[tid as usize];
                    t.task = None;
                    t.role = Role::Main(copy, MainState::Take);
                    self.stand_for(tid, None, Cause::Ipc);
                    self.task_ended(key);
                }
            }
            MainState::Closing => self.close_main(tid, copy),
        }
    }

    fn take_in(&mut self, tid: Tid, copy: CopyIndex) {
        let outside = self.arrivals_from_outside();
        let next = if outside {
            self.accept(copy).map(|k| (Nanos::ZERO, k))
        } else {
            self.next_own(copy)
        };
        let Some((at, key)) = next else {
            if !self.more_to_come(copy) && self.copies[copy].outstanding == 0 {
                self.threads[tid as usize].role = Role::Main(copy, MainState::Closing);
            } else {
                if outside {
                    self.wait_for_arrivals(copy);
                }
                self.push(tid, Act::park(On::Arrival, Nanos::MAX));
            }
            return;
        };
        if at > self.machine.now() {
            self.push(tid, Act::sleep(On::Arrival, at));
        }
        let dispatch = self.dispatch_cost();
        match self.program.layout.executor {
            // What a program does for a task besides the library's work it does for a task of its own loop too.
            Executor::Inline if dispatch == Nanos::ZERO => {}
            Executor::Inline | Executor::RawThreads => self.push(tid, Act::Run(dispatch)),
            Executor::Threads(_) | Executor::Interpreters(_) => {
                self.push(tid, Act::Run(dispatch + self.costs.tpe_submit));
            }
            Executor::Processes(..) => {
                self.push(tid, Act::Run(dispatch + self.costs.ppe_submit));
                // The wake-up pipe is written without the GIL: too briefly for a waiter to get it, but long enough to wake
                // one and so to start its interval anew. This is why the manager starves while a batch is submitted.
                self.push(tid, Act::native(self.syscall));
            }
            Executor::MpPool(..) => self.push(tid, Act::Run(dispatch)),
        }
        self.push(tid, Act::Do(Deed::Submit(copy, key)));
        if at <= self.machine.now() {
            self.work_on(tid, Some(key));
        }
    }

    /// What the program's own code costs for a task that it takes in.
    pub(crate) fn dispatch_cost(&self) -> Nanos {
        self.program.dispatch.scale(self.profile.params.cpu_factor)
    }

    /// A task that the program has taken in goes to its executor, or begins.
    pub(crate) fn submit_own(&mut self, tid: Tid, copy: CopyIndex, key: TaskKey) {
        self.hop(key, tid);
        self.work_on(tid, None);
        self.hand_over(tid, copy, key);
    }

    /// Hands a task, or a part of it, to the copy's executor, or begins it.
    pub(crate) fn hand_over(&mut self, tid: Tid, copy: CopyIndex, key: TaskKey) {
        match self.copies[copy].runner {
            Runner::Itself => {
                let now = self.machine.now();
                let since = self.tasks[key].since;
                self.book(key, Cause::Pool, since, now);
                self.stand_for(tid, Some(key), Cause::Running);
                let t = &mut self.threads[tid as usize];
                t.task = Some(key);
                t.role = Role::Main(copy, MainState::Working(key));
            }
            Runner::RawThreads => self.start_raw(tid, copy, key),
            Runner::Threads(pool) => self.pool_submit(tid, pool, key),
            Runner::Processes(pool) => self.process_submit(tid, pool, key),
        }
    }

    /// A child task of a task that runs in a pool thread (or a thread of its own).
    pub(crate) fn submit_child(&mut self, tid: Tid, copy: CopyIndex, key: TaskKey) {
        match self.copies[copy].runner {
            Runner::Threads(pool) => {
                self.machine.charge(tid, self.costs.tpe_submit);
                self.pool_submit(tid, pool, key);
            }
            Runner::Itself | Runner::RawThreads | Runner::Processes(_) => {
                self.start_raw(tid, copy, key);
            }
        }
    }

    fn close_main(&mut self, tid: Tid, copy: CopyIndex) {
        self.close_executors(tid, copy);
        self.push(tid, Act::Exit);
    }

    /// Shuts the copy's pools down.
    pub(crate) fn close_executors(&mut self, tid: Tid, copy: CopyIndex) {
        match self.copies[copy].runner {
            Runner::Itself | Runner::RawThreads => {}
            Runner::Threads(pool) => self.close_pool(tid, pool),
            Runner::Processes(pool) => self.close_process_pool(tid, pool),
        }
    }
}
