//! Arrivals of tasks, from users and clients outside or from the program's own list, and the copies of the program that take them in.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rand_pcg::Pcg64Dxsm;
use typed_index_collections::TiVec;

use super::Work;
use super::serving::Serving;
use super::silence::Pulse;
use crate::cpython::index::{
    ClassIndex, CopyIndex, ExecutorIndex, NodeIndex, PoolIndex, ProcessIndex, ProcessPoolIndex,
    TaskKey,
};
use crate::cpython::kernel::{Act, Blocks, InterpreterRef};
use crate::cpython::program::Program;
use crate::engine::{Nanos, StreamRole, Streams, stream, unit, whole};
use crate::machine::Tid;
use crate::measure::Draws;
use crate::scenario::{Accepting, Arrivals as Kind, Dist, LoadCourse, TracedTask, Waiting};
use crate::sync::{Ticket, WaitQueue};

/// Where the tasks of a copy are executed or, under an event loop, their blocking parts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TaskDispatch {
    /// In the main thread itself.
    Itself,
    /// In a new thread for each.
    RawThreads,
    /// In this thread pool.
    Threads(PoolIndex),
    /// In this process pool.
    Processes(ProcessPoolIndex),
}

/// A copy of the program: its main thread and its executors.
pub(crate) struct Copy {
    pub(crate) main: Tid,
    pub(crate) home: InterpreterRef,
    /// The machine on which it runs.
    pub(crate) node: NodeIndex,
    pub(crate) runners: TiVec<ExecutorIndex, TaskDispatch>,
    /// Tasks taken in and not over yet.
    pub(crate) outstanding: u64,
    /// Tasks that this copy still takes in before it is replaced; [`u64::MAX`]: it never is.
    quota: u64,
    /// How far this copy is with its part of a batch or trace.
    share: Share,
    /// Whether its main thread is parked until the last task of the round is over. (A loop, in whose thread that task ends, sees it by
    /// itself.)
    pub(crate) awaits_round: bool,
    /// Resident bytes of the results that it has from the tasks of this round, or of the round before while it makes use of them.
    pub(super) results: Vec<Blocks>,
    /// The arguments of tasks of this round that are over, where the list that they come from stays until all are (`Pool.map`).
    pub(super) mapped: Vec<Blocks>,
    /// Whether no further task of the batch or trace comes.
    pub(crate) drained: bool,
    /// Its ticket in the line of copies that wait for arrivals.
    accepting: Option<Ticket>,
    /// What whoever watches over it knows of it.
    pub(super) pulse: Pulse,
    /// What it does by itself.
    pub(super) serving: Serving,
}

/// The part of a batch or trace that falls to a copy, and to those that take its place one after another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    /// Its turn at the list, among the copies that are there at a time.
    turn: u64,
    /// Number of tasks that have been taken in.
    taken: u64,
    /// Number of rounds of a batch that have begun here.
    rounds_begun: u64,
    /// When the tasks of the present round arrived; `None` while the main program still does its own work before them.
    round_at: Option<Nanos>,
    /// Whether another copy has taken this share over.
    left: bool,
}

impl Share {
    /// The share of the copy that has this turn, nothing of which is taken in yet.
    pub(crate) fn begin(turn: u64, program: &Program) -> Self {
        // A batch is there from the start, unless the main program does something first.
        let begun = program.serial.is_none();
        Self {
            turn,
            taken: 0,
            rounds_begun: u64::from(begun),
            round_at: begun.then_some(Nanos::ZERO),
            left: false,
        }
    }
}

impl Copy {
    /// A copy that has taken nothing in yet, and will take in `quota` tasks.
    pub(crate) fn new(
        main: Tid,
        (home, node): (InterpreterRef, NodeIndex),
        runners: TiVec<ExecutorIndex, TaskDispatch>,
        share: Share,
        quota: u64,
    ) -> Self {
        Self {
            main,
            home,
            node,
            runners,
            outstanding: 0,
            quota,
            share,
            awaits_round: false,
            results: Vec::new(),
            mapped: Vec::new(),
            drained: false,
            accepting: None,
            pulse: Pulse::default(),
            serving: Serving::default(),
        }
    }

    /// Whether it takes in no more tasks, and ends once those that it has are over.
    pub(super) fn retires(&self) -> bool {
        self.quota == 0
    }

    /// Notes that it is gone, with all that it had taken in.
    pub(super) fn dies(&mut self) {
        (self.outstanding, self.quota) = (0, 0);
    }

    /// Counts a task that it takes in.
    fn takes_in(&mut self) {
        self.outstanding += 1;
        if self.quota < u64::MAX {
            self.quota -= 1;
        }
    }
}

/// What a main program takes from its own list.
pub(crate) enum NextOwn {
    /// A task, and when it arrives.
    Task(Nanos, TaskKey),
    /// What it does itself before the next round, as a task that counts nowhere.
    Serial(TaskKey),
    /// Nothing until all tasks of the present round are over.
    RoundIsOn,
    /// Nothing any more.
    Over,
}

/// Users who come for some requests.
struct Visitors {
    /// Time between new ones.
    interval: Dist,
    /// When the next one comes.
    at: Nanos,
    /// The chance that a visitor who has been answered asks again.
    goes_on: f64,
    /// Draws whether the one who made a request asks again, by the number of that request.
    streams: Streams,
}

/// The source of a run's tasks.
pub(crate) struct ArrivalSource<'a> {
    own: u64,
    intervals: Pcg64Dxsm,
    classes: Pcg64Dxsm,
    thinks: Pcg64Dxsm,
    interval: Option<Dist>,
    /// The course of a load that changes over time.
    load: Option<LoadCourse>,
    think: Option<Dist>,
    /// Statistics of the intervals or think times drawn so far.
    draws: Draws,
    weights: Vec<f64>,
    trace: &'a [TracedTask],
    /// The classes of a batch that comes from outside, as it does where several machines execute it.
    listed: &'a [ClassIndex],
    /// Whether a batch or a trace comes from outside.
    sent: bool,
    /// Arrivals that may still come from outside.
    left: u64,
    next_at: Nanos,
    /// When the next arrival comes that is known of.
    pub(super) announced: Option<Nanos>,
    number: u64,
    /// Users that think at present: when each asks again, its number, and the machine that has answered it last.
    users: BinaryHeap<Reverse<(Nanos, u64, Option<NodeIndex>)>>,
    user_number: u64,
    /// Number of users who wait for an answer.
    asking: u64,
    /// Whether users ask again when they have been answered.
    closed: bool,
    /// Visitors, who leave after some requests; `None` where the users are always the same.
    visitors: Option<Visitors>,
    /// Of each machine, what stands before its copies.
    pub(crate) sockets: TiVec<NodeIndex, Socket>,
}

/// The listening socket of a machine, or the list of what has come for it.
#[derive(Default)]
pub(crate) struct Socket {
    /// Tasks that have arrived and that no copy has taken in yet.
    pub(crate) queued: VecDeque<TaskKey>,
    /// Copies that wait for arrivals, first come first.
    acceptors: WaitQueue<CopyIndex>,
}

impl<'a> ArrivalSource<'a> {
    pub(crate) fn new(program: &'a Program, seed: u64, replication: u32) -> Self {
        let mut a = Self {
            own: (program.batch.len() as u64).saturating_mul(program.rounds),
            intervals: stream(seed, replication, StreamRole::Arrivals),
            classes: stream(seed, replication, StreamRole::Classes),
            thinks: stream(seed, replication, StreamRole::Think),
            interval: None,
            load: None,
            think: None,
            draws: Draws::default(),
            weights: program
                .classes
                .iter()
                .take(program.own_classes)
                .map(|c| c.weight)
                .collect(),
            trace: &[],
            listed: &[],
            sent: false,
            left: 0,
            next_at: Nanos::ZERO,
            announced: None,
            number: 0,
            users: BinaryHeap::new(),
            user_number: 0,
            asking: 0,
            closed: false,
            visitors: None,
            sockets: (0..program.nodes()).map(|_| Socket::default()).collect(),
        };
        match &program.arrivals {
            Kind::Batch if program.cluster.is_some() => {
                a.listed = &program.listed;
                a.sent = true;
                a.left = a.listed.len() as u64;
            }
            Kind::Batch => {}
            Kind::Trace(tasks) => {
                a.trace = tasks;
                a.sent = program.cluster.is_some();
                if a.sent {
                    a.left = tasks.len() as u64;
                } else {
                    a.own = tasks.len() as u64;
                }
            }
            Kind::Open { interval, count } => {
                a.interval = Some(interval.clone());
                a.left = count.unwrap_or(u64::MAX);
            }
            Kind::Varying { load, count } => {
                let states = stream(seed, replication, StreamRole::Load);
                a.load = Some(LoadCourse::new(load.clone(), states));
                a.left = count.unwrap_or(u64::MAX);
            }
            Kind::Sessions {
                interval,
                requests,
                think,
                count,
            } => {
                a.closed = true;
                a.left = count.unwrap_or(u64::MAX);
                a.visitors = Some(Visitors {
                    interval: interval.clone(),
                    at: interval.sample(&mut a.intervals),
                    goes_on: 1.0 - 1.0 / requests.max(1.0),
                    streams: Streams::new(seed, replication, StreamRole::Sessions),
                });
                a.think = Some(think.clone());
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
                    a.users.push(Reverse((at, a.user_number, None)));
                    a.user_number += 1;
                }
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

    /// How far the drawn intervals or think times lie off their mean, and the sum of the means, both in seconds. The interval that passes
    /// the horizon is included: whether an interval is drawn must not depend on its own length, or the excess would not be zero in the
    /// mean.
    pub(crate) fn draws(&self) -> (f64, f64) {
        let dist = self.interval.as_ref().or(self.think.as_ref());
        dist.and_then(Dist::exact_mean).map_or((0.0, 0.0), |m| {
            (self.draws.excess(m), self.draws.expected(m))
        })
    }

    /// Number of tasks that have come so far.
    pub(crate) fn came(&self) -> u64 {
        self.number
    }

    fn outside(&self) -> bool {
        self.interval.is_some() || self.load.is_some() || self.closed || self.sent
    }

    /// When the next user asks, as far as they are known.
    fn next_user(&self) -> Option<Nanos> {
        let again = self.users.peek().map(|Reverse((at, ..))| *at);
        again
            .into_iter()
            .chain(self.visitors.as_ref().map(|v| v.at))
            .min()
    }

    /// The next user asks, and waits for an answer: one who has thought, before a new one who comes at the same time. Returns the machine
    /// that has answered this user last.
    fn user_asks(&mut self) -> Option<NodeIndex> {
        self.asking += 1;
        let again = self.users.peek().map(|Reverse((at, ..))| *at);
        match &mut self.visitors {
            Some(v) if again.is_none_or(|at| v.at < at) => {
                v.at += v.interval.sample(&mut self.intervals);
                None
            }
            _ => self.users.pop().and_then(|Reverse((.., node))| node),
        }
    }

    /// The class of the next task, and its number in the trace, plus one.
    fn next_class(&mut self) -> (ClassIndex, u32) {
        let at = usize::try_from(self.number).unwrap_or(usize::MAX);
        match (self.listed.get(at), self.trace.get(at)) {
            (Some(&class), _) => (class, 0),
            (None, Some(task)) => {
                let number = u32::try_from(at + 1).expect("fewer than 2^32 recorded tasks");
                (ClassIndex::from(task.class), number)
            }
            (None, None) => (self.class(), 0),
        }
    }

    /// When the next task of a batch or a trace comes from outside; `None` if such tasks do not.
    fn next_sent(&self) -> Option<Nanos> {
        let at = usize::try_from(self.number).unwrap_or(usize::MAX);
        self.sent
            .then(|| self.trace.get(at).map_or(Nanos::ZERO, |task| task.at))
    }

    /// Whether the user who made this request asks again once it has been answered.
    fn goes_on(&self, request: u64) -> bool {
        (self.visitors.as_ref()).is_none_or(|v| unit(&mut v.streams.task(request, 0)) < v.goes_on)
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
        } else if let Some(load) = &mut a.load {
            let horizon = self.kernel.limits.horizon;
            // A load that has ended is like one that goes on after the end of time.
            load.next(&mut a.intervals, horizon).unwrap_or(Nanos::MAX)
        } else if let Some(at) = a.next_sent().or_else(|| a.next_user()) {
            at
        } else {
            return;
        };
        let end = self.kernel.limits.horizon;
        if end.is_some_and(|h| at > h) || at == Nanos::MAX {
            if a.asking > 0 {
                return; // A user who still waits for an answer may come back before the horizon.
            }
            a.left = 0;
            self.nudge_all();
            return;
        }
        self.arrivals.announced = Some(at);
        self.announce_arrival();
    }

    /// Lets a task arrive from outside.
    pub(super) fn arrive(&mut self) {
        let a = &mut self.arrivals;
        if a.left == 0 {
            return; // This arrival was announced before the horizon or the count cut the rest off.
        }
        let before = if a.closed { a.user_asks() } else { None };
        a.left -= 1;
        let (class, trace) = a.next_class();
        let (came, left) = (a.number + 1, a.left);
        let now = self.kernel.machine.now();
        self.observer.arrival(now, came, left);
        let key = self.new_task(class, now, trace);
        self.tasks[key].before = before;
        self.client_asks(key);
        self.comes(key);
        self.next_arrival();
    }

    /// Wakes the copy on a machine that has waited longest for arrivals.
    pub(super) fn wake_first_acceptor(&mut self, node: NodeIndex) {
        let next = self.arrivals.sockets[node].acceptors.call_next();
        self.wake_to_accept(next);
    }

    /// Wakes copies that wait for arrivals, and have left the line, in this order.
    fn wake_to_accept(&mut self, copies: impl IntoIterator<Item = CopyIndex>) {
        for copy in copies {
            let copy = &mut self.copies[copy];
            copy.accepting = None;
            let main = copy.main;
            self.kernel.unpark(main);
        }
    }

    /// Wakes all copies on a machine that wait for arrivals: the last to have registered first.
    pub(super) fn wake_the_herd(&mut self, node: NodeIndex, waiting: Waiting) {
        let mut herd = Vec::new();
        while let Some(copy) = self.arrivals.sockets[node].acceptors.call_next() {
            herd.push(copy);
        }
        match waiting {
            Waiting::Select => herd.reverse(),
            Waiting::Epoll => herd.sort_unstable_by(|a, b| b.cmp(a)),
        }
        self.wake_to_accept(herd);
    }

    /// Scripts that a thread finds no connection, because another has been quicker or none has come: the call of `accept` that fails, and the
    /// one by which it waits again. Both release the GIL. Where copies wait in turn, nobody looks in vain.
    pub(crate) fn accept_in_vain(&mut self, tid: Tid) {
        match self.kernel.program.layout.accepting {
            Accepting::InTurn => {}
            Accepting::Herd(_) => {
                let calls = self.kernel.syscall * 2;
                self.kernel.push(tid, Act::native(calls));
            }
        }
    }

    fn new_task(&mut self, class: ClassIndex, arrival: Nanos, trace: u32) -> TaskKey {
        let number = self.arrivals.number;
        self.arrivals.number += 1;
        let key = self.new_request(number, class, arrival);
        self.tasks[key].trace = trace;
        key
    }

    /// A task of this number.
    pub(super) fn new_request(
        &mut self,
        number: u64,
        class: ClassIndex,
        arrival: Nanos,
    ) -> TaskKey {
        let key = self.tasks.insert(number, class, arrival);
        let task = &mut self.tasks[key];
        task.counted = arrival >= self.kernel.limits.warmup;
        if task.counted {
            self.observer.arrives(arrival);
        }
        self.tasks[key].payload = self.kernel.program.classes[class].bytes_in;
        self.task_begins(key);
        key
    }

    /// Takes in the next task that has arrived from outside; `None` if there is none: asked in every iteration of a loop, nearly always in vain.
    #[inline]
    pub(crate) fn accept(&mut self, copy: CopyIndex) -> Option<TaskKey> {
        let socket = &self.arrivals.sockets[self.copies[copy].node];
        if socket.queued.is_empty() {
            return None;
        }
        self.accept_first(copy)
    }

    fn accept_first(&mut self, copy: CopyIndex) -> Option<TaskKey> {
        loop {
            if self.copies[copy].retires() || self.has_all_connections(copy) {
                return None;
            }
            let node = self.copies[copy].node;
            let key = self.arrivals.sockets[node].queued.pop_front()?;
            self.tasks[key].copy = copy;
            self.copies[copy].takes_in();
            if self.copies[copy].retires() {
                self.retires(copy);
            }
            if self.takes_in(copy, key) {
                return Some(key);
            }
        }
    }

    /// Puts a copy into the line of those that wait for arrivals, unless it is there or takes in no more.
    pub(crate) fn wait_for_arrivals(&mut self, copy: CopyIndex) {
        if self.copies[copy].retires() || self.has_all_connections(copy) {
            return;
        }
        let copy_of = &mut self.copies[copy];
        let acceptors = &mut self.arrivals.sockets[copy_of.node].acceptors;
        copy_of
            .accepting
            .get_or_insert_with(|| acceptors.join(copy));
    }

    pub(crate) fn stop_waiting_for_arrivals(&mut self, copy: CopyIndex) {
        if let Some(ticket) = self.copies[copy].accepting.take() {
            let node = self.copies[copy].node;
            self.arrivals.sockets[node].acceptors.forget(ticket);
        }
    }

    /// Whether further tasks may come for this copy.
    pub(crate) fn expects_arrivals(&self, copy: CopyIndex) -> bool {
        !self.copies[copy].retires() && self.expects_tasks(copy)
    }

    /// Whether further tasks may come for this copy, or for whoever takes its place.
    fn expects_tasks(&self, copy: CopyIndex) -> bool {
        if self.arrivals.outside() {
            return self.expects_outside();
        }
        !self.copies[copy].drained
    }

    /// Whether tasks of the batch or trace are left for this copy, or for whoever takes its place.
    pub(super) fn has_more(&self, copy: CopyIndex) -> bool {
        !self.copies[copy].share.left && self.next_index(copy) < self.arrivals.own
    }

    /// Whether further tasks may come from outside.
    pub(super) fn expects_outside(&self) -> bool {
        let a = &self.arrivals;
        a.left > 0
            || a.sockets.iter().any(|s| !s.queued.is_empty())
            || self.listening.next().is_some()
            || self.cluster.expects(self.tasks.alive())
            || !self.admission.held().is_empty()
            || self.may_come_again()
    }

    pub(crate) fn arrivals_from_outside(&self) -> bool {
        self.arrivals.outside()
    }

    /// Lets the user who has got an answer to this request from a machine think; it asks again after that, or leaves.
    pub(crate) fn user_answered(&mut self, request: u64, by: NodeIndex) {
        let now = self.kernel.machine.now();
        let a = &mut self.arrivals;
        if !a.closed || a.left == 0 {
            return;
        }
        a.asking -= 1;
        let first = a.next_user();
        let mut sooner = false;
        if let Some(think) = a.think.as_ref().filter(|_| a.goes_on(request)) {
            let time = think.sample(&mut a.thinks);
            a.draws.push(time);
            let at = now + time;
            sooner = first.is_none_or(|first| at < first);
            a.users.push(Reverse((at, a.user_number, Some(by))));
            a.user_number += 1;
        }
        if sooner || a.asking == 0 {
            self.next_arrival();
        }
    }

    /// Notes that a task of this copy is over; if it was the last one, wakes the main threads of copies without outstanding tasks.
    pub(crate) fn copy_finished_one(&mut self, copy: CopyIndex) {
        self.copy_answers(copy);
        let full = self.has_all_connections(copy);
        let c = &mut self.copies[copy];
        c.outstanding -= 1;
        if c.outstanding > 0 {
            if full {
                // The thread that accepts waits for what ends as well.
                self.kernel.unpark(self.copies[copy].main);
            }
            return;
        }
        if self.copies[copy].retires() || full {
            self.nudge(copy);
        }
        if !self.expects_tasks(copy) {
            self.nudge_all();
        } else if std::mem::take(&mut self.copies[copy].awaits_round) {
            self.nudge(copy);
        }
    }

    /// Wakes the main threads of all copies without outstanding tasks.
    pub(super) fn nudge_all(&mut self) {
        for i in 0..self.present.len() {
            self.nudge(self.present[i]);
        }
    }

    /// A copy takes in nothing more from now on, as one that has had all requests that it gets, and ends once it has nothing left to do.
    pub(super) fn stop_taking_in(&mut self, copy: CopyIndex) {
        if self.copies[copy].retires() {
            return;
        }
        self.copies[copy].quota = 0;
        self.stop_waiting_for_arrivals(copy);
        self.retires(copy);
        self.nudge(copy);
        // Whoever else waits may have been passed over for it.
        let node = self.copies[copy].node;
        if !self.arrivals.sockets[node].queued.is_empty() {
            self.wake_first_acceptor(node);
        }
    }

    /// Wakes the main thread of a copy without outstanding tasks, so that it sees that no more tasks come.
    fn nudge(&mut self, copy: CopyIndex) {
        let c = &self.copies[copy];
        if c.outstanding == 0 {
            let main = c.main;
            self.kernel.unpark(main);
        }
    }

    fn copies(&self) -> u64 {
        u64::from(self.kernel.program.layout.copies.max(1))
    }

    /// Index in the whole list of the task that this copy takes in next. Copies take turns at the list.
    fn next_index(&self, copy: CopyIndex) -> u64 {
        let share = &self.copies[copy].share;
        share.taken * self.copies() + share.turn
    }

    /// Number of tasks of a batch or trace that come before the end of this round, the last round where there is one only.
    fn until_end_of(&self, round: u64) -> u64 {
        match self.kernel.program.batch.len() as u64 {
            0 => self.arrivals.own,
            each => self.arrivals.own.min(each.saturating_mul(round + 1)),
        }
    }

    /// Whether this copy has taken in its whole part of the present round of a batch; always true where there is no batch.
    pub(crate) fn list_is_complete(&self, copy: CopyIndex) -> bool {
        let batch = self.kernel.program.batch.len() as u64;
        let c = &self.copies[copy];
        c.retires() || self.next_index(copy) >= batch.saturating_mul(c.share.rounds_begun)
    }

    /// Whether the task that this copy has taken in last completes a chunk of so many tasks of a batch; where there is no batch each does.
    pub(crate) fn chunk_is_complete(&self, copy: CopyIndex, chunk: u32) -> bool {
        let batch = self.kernel.program.batch.len() as u64;
        if batch == 0 || chunk <= 1 || self.list_is_complete(copy) {
            return true;
        }
        let share = &self.copies[copy].share;
        let rounds_before = share.rounds_begun.saturating_sub(1);
        let before = self.of_copy_before(copy, rounds_before.saturating_mul(batch));
        (share.taken - before).is_multiple_of(u64::from(chunk))
    }

    /// Number of tasks that fall to this copy among so many first ones of a batch or trace.
    fn of_copy_before(&self, copy: CopyIndex, index: u64) -> u64 {
        index
            .saturating_sub(self.copies[copy].share.turn)
            .div_ceil(self.copies())
    }

    /// Number of tasks of the present round of a batch, or of a trace, that fall to this copy.
    pub(crate) fn own_share(&self, copy: CopyIndex) -> u64 {
        let share = &self.copies[copy].share;
        let round = share.rounds_begun.saturating_sub(1);
        let before = |index| self.of_copy_before(copy, index);
        let from = round.saturating_mul(self.kernel.program.batch.len() as u64);
        before(self.until_end_of(round)) - before(from)
    }

    /// Number of tasks that the workload promises in all; `None` if it has no count.
    pub(crate) fn promised(&self) -> Option<u64> {
        match &self.kernel.program.arrivals {
            Kind::Batch | Kind::Trace(_) if self.arrivals.sent => {
                Some(self.arrivals.number + self.arrivals.left)
            }
            Kind::Batch | Kind::Trace(_) => Some(self.arrivals.own),
            Kind::Open { count, .. }
            | Kind::Varying { count, .. }
            | Kind::Sessions { count, .. }
            | Kind::Closed { count, .. } => *count,
        }
    }

    /// Arrival times of the tasks of a batch or trace that have no round to wait for, and that no copy has taken in.
    pub(crate) fn not_taken_in(&self) -> impl Iterator<Item = Nanos> + '_ {
        let turns = self.copies();
        let shares = self.copies.iter().map(|c| c.share).filter(|s| !s.left);
        shares
            .filter_map(move |s| {
                let at = s.round_at?;
                let end = self.until_end_of(s.rounds_begun.saturating_sub(1));
                let indices = (s.taken..).map(move |round| round * turns + s.turn);
                Some((indices.take_while(move |&index| index < end)).map(move |i| (i, at)))
            })
            .flatten()
            .map(|(index, round_at)| {
                let at = usize::try_from(index).expect("fits");
                self.arrivals.trace.get(at).map_or(round_at, |t| t.at)
            })
    }

    /// Takes in what comes next in this copy's part of a batch or trace.
    pub(crate) fn next_own(&mut self, copy: CopyIndex) -> NextOwn {
        if self.copies[copy].retires() {
            return NextOwn::Over;
        }
        let index = self.next_index(copy);
        if index >= self.arrivals.own {
            self.copies[copy].drained = true;
            return NextOwn::Over;
        }
        let batch = &self.kernel.program.batch;
        if let Some(round) = index.checked_div(batch.len() as u64) {
            if round >= self.copies[copy].share.rounds_begun {
                if self.copies[copy].outstanding > 0 {
                    return NextOwn::RoundIsOn;
                }
                let share = &mut self.copies[copy].share;
                (share.rounds_begun, share.round_at) = (round + 1, None);
                self.drop_mapped(copy);
                if let Some(class) = self.kernel.program.serial {
                    return NextOwn::Serial(self.serial_part(copy, class, round));
                }
            }
            if self.copies[copy].share.round_at.is_none() && self.copies[copy].outstanding > 0 {
                return NextOwn::RoundIsOn; // The main program's own work is.
            }
        }
        if self.copies[copy].share.round_at.is_none() {
            self.drop_results(copy);
        }
        let now = self.kernel.machine.now();
        let c = &mut self.copies[copy];
        c.takes_in();
        c.share.taken += 1;
        let round_at = *c.share.round_at.get_or_insert(now);
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
            None => (round_at, batch[at % batch.len()], 0),
        };
        let key = self.new_task(class, arrival, trace);
        let task = &mut self.tasks[key];
        task.copy = copy;
        // Numbers follow the order of arrival, whichever copy takes the task in.
        task.number = index;
        NextOwn::Task(arrival, key)
    }

    /// What the main program does before a round, as a task: its number is one that no task of the batch has.
    fn serial_part(&mut self, copy: CopyIndex, class: ClassIndex, round: u64) -> TaskKey {
        let turn = round * self.copies() + self.copies[copy].share.turn;
        let number = self.arrivals.own.saturating_add(turn);
        let now = self.kernel.machine.now();
        let key = self.tasks.insert(number, class, now);
        let task = &mut self.tasks[key];
        task.copy = copy;
        task.counted = false;
        self.copies[copy].outstanding += 1;
        self.task_begins(key);
        key
    }

    /// Whether this is what a main program does before a round.
    pub(crate) fn is_serial(&self, key: TaskKey) -> bool {
        Some(self.tasks[key].submitted_as) == self.kernel.program.serial
    }

    /// Adds a copy of the program.
    pub(crate) fn add_copy(&mut self, copy: Copy) {
        let mut present = std::mem::take(&mut self.present);
        present.retain(|&copy| self.is_alive(copy) || self.has_more(copy));
        present.push(self.copies.push_and_get_key(copy));
        self.present = present;
    }

    /// The copies that run, by when they were made.
    pub(crate) fn living_copies(&self) -> impl Iterator<Item = CopyIndex> {
        let present = self.present.iter().copied();
        present.filter(|&copy| self.is_alive(copy))
    }

    /// Whether the main program of this copy has tasks left for a further round, and none under way.
    pub(crate) fn round_is_over(&self, copy: CopyIndex) -> bool {
        let c = &self.copies[copy];
        c.outstanding == 0 && !c.drained && !self.arrivals.outside()
    }

    /// Number of tasks that this copy takes in before another takes its place.
    pub(crate) fn quota(&self, copy: CopyIndex) -> u64 {
        let life = self.kernel.program.layout.life;
        let Some(most) = life.max_requests else {
            return u64::MAX;
        };
        let mut rng = self.recycling_streams.task(u64::from(u32::from(copy)), 0);
        let jitter = unit(&mut rng) * (f64::from(life.jitter) + 1.0);
        u64::from(most) + whole(jitter.floor())
    }

    /// Another copy has been started in the place of this one, which has not ended yet.
    pub(super) fn is_succeeded(&mut self, copy: CopyIndex) {
        self.copies[copy].share.left = true;
    }

    /// What is left for the successor of the copy that was this process; `None` if nothing is.
    pub(crate) fn succeed(&mut self, process: ProcessIndex) -> Option<Share> {
        let copy = self
            .copies
            .iter()
            .rposition(|c| c.home.process == process)?;
        let copy = CopyIndex::from(copy);
        if self.copies[copy].share.left {
            return None; // A restart has started its successor before it ended.
        }
        let of_list = self.arrivals.outside() || self.next_index(copy) < self.arrivals.own;
        if !of_list || !self.expects_tasks(copy) {
            return None;
        }
        let share = &mut self.copies[copy].share;
        let successor = *share;
        share.left = true;
        Some(successor)
    }

    /// CPU time that the program's own code spends on each task that it takes in, and that of a worker which reads it from a broker.
    pub(crate) fn dispatch_cost(&self) -> Nanos {
        let (program, costs) = (self.kernel.program, &self.kernel.costs);
        let own = program.dispatch.scale(costs.cpu_factor);
        if program.layout.messages {
            own + costs.message_celery
        } else {
            own
        }
    }
}
