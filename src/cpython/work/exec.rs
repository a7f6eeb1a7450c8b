//! Execution of a task's instructions: in a thread, as the offloaded part of a coroutine, or on an event loop.

use super::Work;
use super::flow::{Flow, Mode};
use super::need::Need;
use super::task::{Frame, Interrupt, Task, child_number};
use super::wait::Waiter;
use crate::cpython::index::{ClassIndex, LockNumber, NO_GIL, ObjectIndex, QueueIndex, TaskKey};
use crate::cpython::kernel::Act;
use crate::cpython::kernel::{Accesses, On};
use crate::cpython::program::{Demand, Instr, OffloadSide};
use crate::cpython::record::recording::TaskEnd;
use crate::engine::{Nanos, unit};
use crate::machine::Tid;
use crate::sync::{QueueResult, Ticket};

impl Work<'_> {
    pub(super) fn draw(&mut self, key: TaskKey, demand: Demand) -> Nanos {
        let task = &mut self.tasks[key];
        if task.trace > 0 {
            let demands = self.arrivals.traced(task.trace);
            if let Some(&d) = demands.get(task.demand as usize) {
                task.demand += 1;
                return d;
            }
        }
        match demand {
            Demand::Constant(time) => time,
            Demand::Drawn(dist) => {
                let mut rng = self.demand_streams.task(task.number, u64::from(task.draws));
                task.draws += 1;
                let time = self.kernel.program.dists[dist].sample(&mut rng);
                self.demand_draws[dist].push(time);
                time
            }
        }
    }

    fn overshoot(&mut self, key: TaskKey, grain: Nanos) -> Nanos {
        if grain == Nanos::ZERO {
            return Nanos::ZERO;
        }
        let task = &mut self.tasks[key];
        let mut rng = self.grain_streams.task(task.number, u64::from(task.draws));
        task.draws += 1;
        grain.scale(unit(&mut rng))
    }

    /// Draws a CPU demand and converts it to CPU time of this interpreter, overshoot included.
    #[inline]
    fn cpu_demand(&mut self, key: TaskKey, demand: Demand) -> Nanos {
        let time = self.draw(key, demand);
        self.as_here(time) + self.overshoot(key, self.kernel.program.cpu_grain)
    }

    /// Converts CPU time of the baseline interpreter to that of this one.
    #[inline]
    fn as_here(&self, time: Nanos) -> Nanos {
        if self.kernel.costs.cpu_factor == 1.0 {
            time
        } else {
            time.scale(self.kernel.costs.cpu_factor)
        }
    }

    /// Whether an instruction has to be executed by the event loop rather than by a worker.
    #[inline]
    pub(crate) fn is_wait(&self, instr: Instr) -> bool {
        match instr.side() {
            OffloadSide::Loop => true,
            OffloadSide::OfLock(lock) => self.kernel.program.lock_across_wait[lock],
            OffloadSide::Worker | OffloadSide::Either => false,
        }
    }

    #[inline]
    pub(crate) fn is_work(&self, instr: Instr) -> bool {
        match instr.side() {
            OffloadSide::Worker => true,
            OffloadSide::OfLock(lock) => !self.kernel.program.lock_across_wait[lock],
            OffloadSide::Loop | OffloadSide::Either => false,
        }
    }

    /// Whether the task is about to take memory for work that goes to a worker: then the worker takes it, once it is free.
    fn holds_for_work(&self, task: &Task) -> bool {
        let code = &self.kernel.program.classes[task.class].code[task.pc as usize..];
        let hold = |i: &&Instr| i.holds();
        let inside = code.iter().find(|i| !hold(i));
        code.first().is_some_and(|i| hold(&i)) && inside.is_some_and(|&i| self.is_work(i))
    }

    /// Executes the task's next instruction in the thread that runs it.
    #[inline]
    pub(crate) fn step(&mut self, tid: Tid, key: TaskKey, mode: Mode) -> Flow {
        if self.admits && !self.tasks[key].taken {
            self.is_taken_up(key);
        }
        if self.tasks[key].interrupt.is_some()
            && mode != Mode::Part
            && self.tasks[key].need.is_none()
        {
            self.interrupted(tid, key);
            return Flow::Go;
        }
        if self.tasks[key].pause > Nanos::ZERO {
            // The loop pauses between the attempts of its coroutine, a worker between those of its call.
            if mode == Mode::Part && self.tasks[key].call().is_none() {
                return Flow::Over;
            }
            let pause = std::mem::take(&mut self.tasks[key].pause);
            return self.wait_outside(tid, key, mode, pause);
        }
        let task = &self.tasks[key];
        if !task.frames.is_empty() && task.children == 0 && task.need.is_none() {
            if self.overdue(key) {
                let over = self.overdue_from(key);
                self.unwind(tid, key, TaskEnd::TimedOut, over);
                return Flow::Go;
            }
            if self.tasks[key].trying_again {
                self.attempt_begins(key);
            }
        }
        let task = &self.tasks[key];
        let class = &self.kernel.program.classes[task.class];
        let (instr, touches) = (class.code[task.pc as usize], class.touches);
        match mode {
            Mode::Part if self.is_wait(instr) && task.call().is_none() => return Flow::Over,
            Mode::Loop { offload: true }
                if (self.is_work(instr) || self.holds_for_work(task)) && !task.stays_on_loop() =>
            {
                return Flow::Offload;
            }
            _ => {}
        }
        self.tasks[key].pc += 1;
        if touches > 0.0 && self.is_work(instr) {
            self.kernel.walk_inherited(tid, touches);
        }
        match instr {
            Instr::Cpu(demand) => {
                let time = self.cpu_demand(key, demand);
                self.kernel.push(tid, Act::Run(time));
            }
            Instr::Handle(request) => {
                let time = self.handling(key, request);
                self.kernel.push(tid, Act::Run(time));
            }
            Instr::Releasing(demand, mean, releases) => {
                let time = self.draw(key, demand);
                let often = releases.within(time, mean);
                let released = self.as_here(releases.released);
                let time = self.as_here(time) + self.overshoot(key, self.kernel.program.cpu_grain);
                self.kernel.push_releasing(tid, time, often, released);
            }
            Instr::Native(demand) => {
                let time =
                    self.draw(key, demand) + self.overshoot(key, self.kernel.program.native_grain);
                self.kernel.push(tid, Act::native(time));
            }
            Instr::Team(demand, threads) => {
                let time = self.draw(key, demand);
                self.kernel.push_team(tid, time, threads);
            }
            Instr::Io(demand) => {
                let time = self.draw(key, demand);
                return self.wait_outside(tid, key, mode, time);
            }
            Instr::Block(demand) => {
                let time = self.draw(key, demand);
                let until = self.kernel.machine.now() + self.kernel.machine.debt(tid) + time;
                self.kernel.push(tid, Act::sleep(On::Outside, until));
            }
            Instr::Transfer(device, demand) => {
                return self.step_transfer(tid, key, mode, device, demand);
            }
            Instr::Acquire(lock) => return self.step_acquire(tid, key, mode, lock),
            Instr::Release(lock) => self.step_release(tid, key, mode, lock),
            Instr::EnterUse(resource) => return self.step_enter_use(tid, key, mode, resource),
            Instr::LeaveUse(_) => self.step_leave_use(tid, key, mode),
            Instr::Shared {
                object,
                count,
                write,
            } => self.step_shared(tid, key, object, count, write),
            Instr::Put(queue) => return self.step_put(tid, key, mode, queue),
            Instr::Get(queue) => return self.step_get(tid, key, mode, queue),
            Instr::FanOut { .. } if self.tasks[key].need.is_some() => {
                return self.step_needed(tid, key, mode);
            }
            Instr::FanOut { class, count, need } => {
                return self.step_fan_out(tid, key, mode, class, (count, need));
            }
            Instr::PayloadIn(bytes) => self.step_payload_in(tid, key, bytes),
            Instr::PayloadOut(bytes) => self.step_payload_out(tid, key, bytes),
            Instr::Allocate(objects) => {
                self.step_containers(tid, key, objects);
                self.kernel.allocate(tid, objects);
            }
            Instr::Leak(bytes) => self.kernel.take(tid, bytes),
            Instr::EnterHold(bytes, churn) => self.enter_hold(tid, key, bytes, churn),
            Instr::EnterHoldDrawn(dist, churn) => {
                let bytes = self.draw_size(key, dist);
                self.enter_hold(tid, key, bytes, churn);
            }
            Instr::EnterTimeout(after) => {
                if matches!(mode, Mode::Loop { .. }) {
                    self.kernel
                        .machine
                        .charge(tid, self.kernel.costs.aio_timeout);
                }
                let deadline = self.kernel.machine.now() + self.patience(key, after);
                self.tasks[key].frames.push(Frame::Timeout(deadline));
            }
            Instr::EnterRetry { attempts, backoff } => {
                self.enter_retry(tid, key, attempts, backoff);
            }
            Instr::LeaveHold => {
                if let Some(Frame::Hold(bytes, block)) = self.tasks[key].frames.pop() {
                    self.kernel.free_block(block, bytes);
                }
            }
            Instr::LeaveCall if mode == Mode::Part => {
                self.tasks[key].pc -= 1; // The loop leaves the block, once it has the result.
                return Flow::Over;
            }
            Instr::LeaveTimeout | Instr::LeaveRetry | Instr::LeaveCall | Instr::LeaveInline => {
                self.tasks[key].frames.pop();
            }
            Instr::EnterRepeat(rounds) => {
                let task = &mut self.tasks[key];
                let pc = task.pc;
                task.frames.push(Frame::Repeat(pc, rounds));
            }
            Instr::LeaveRepeat => {
                self.kernel.events += 1; // A loop whose steps need no act has to meet the event limit, too.
                let task = &mut self.tasks[key];
                if let Some(Frame::Repeat(start, left)) = task.frames.last_mut() {
                    *left -= 1;
                    if *left > 0 {
                        task.pc = *start;
                    } else {
                        task.frames.pop();
                    }
                }
            }
            Instr::Fail(probability) => {
                let task = &mut self.tasks[key];
                let mut rng = self
                    .failure_streams
                    .task(task.number, u64::from(task.draws));
                task.draws += 1;
                if unit(&mut rng) < probability {
                    self.unwind(tid, key, TaskEnd::Failed, usize::MAX);
                }
            }
            Instr::EnterCall(call, length) => {
                let task = &mut self.tasks[key];
                task.frames.push(Frame::Call(call, task.pc + length));
                return Flow::Offload;
            }
            Instr::EnterInline => self.tasks[key].frames.push(Frame::OnLoop),
            Instr::End => return self.step_end(tid, key),
        }
        Flow::Go
    }

    fn step_end(&mut self, tid: Tid, key: TaskKey) -> Flow {
        let task = &mut self.tasks[key];
        let Some(Frame::Inline {
            class,
            pc,
            left,
            spare,
            data,
        }) = task.frames.last_mut()
        else {
            task.pc -= 1; // The task stays at its end.
            return Flow::Over;
        };
        *left -= 1;
        if *left > *spare {
            task.pc = 0;
            self.drop_childs(key);
        } else {
            let (class, pc, data) = (*class, *pc, *data);
            task.frames.pop();
            task.class = class;
            task.pc = pc;
            self.leave_child(key, data);
            self.childs_turn(tid, key);
        }
        Flow::Go
    }

    /// Waits for something outside for `time`, but at most until the task's deadline.
    pub(super) fn wait_outside(&mut self, tid: Tid, key: TaskKey, mode: Mode, time: Nanos) -> Flow {
        let mut until = self.kernel.machine.now() + self.kernel.machine.debt(tid) + time;
        if let Some(deadline) = self.deadline(key) {
            until = until.min(deadline);
        }
        let on = if matches!(mode, Mode::Loop { .. }) {
            On::Timer
        } else {
            On::Outside
        };
        self.sleep_until(tid, key, mode, on, until)
    }

    /// Sleeps: the coroutine until a timer of its loop, the thread by itself.
    pub(super) fn sleep_until(
        &mut self,
        tid: Tid,
        key: TaskKey,
        mode: Mode,
        on: On,
        until: Nanos,
    ) -> Flow {
        if matches!(mode, Mode::Loop { .. }) {
            self.loop_sleep(tid, key, on, until);
            return Flow::Suspended;
        }
        self.kernel.push(tid, Act::sleep(on, until));
        Flow::Go
    }

    fn step_acquire(&mut self, tid: Tid, key: TaskKey, mode: Mode, lock: LockNumber) -> Flow {
        if matches!(mode, Mode::Loop { .. }) && self.kernel.program.lock_across_wait[lock] {
            self.tasks[key].frames.push(Frame::LoopLock(lock));
            return self.loop_lock(tid, key, mode, lock);
        }
        let index = self
            .kernel
            .lock_index(self.kernel.threads[tid].domain, lock);
        self.tasks[key].frames.push(Frame::Lock(index));
        self.kernel.push(tid, Act::Acquire(index));
        Flow::Go
    }

    fn step_release(&mut self, tid: Tid, key: TaskKey, mode: Mode, lock: LockNumber) {
        let across =
            matches!(mode, Mode::Loop { .. }) && self.kernel.program.lock_across_wait[lock];
        let index = self
            .kernel
            .lock_index(self.kernel.threads[tid].domain, lock);
        let frames = &mut self.tasks[key].frames;
        let found = frames.iter().rposition(|f| match f {
            Frame::Lock(i) => !across && *i == index,
            Frame::LoopLock(l) => across && *l == lock,
            _ => false,
        });
        if let Some(at) = found {
            frames.remove(at);
            if across {
                self.loop_unlock(tid, lock);
            } else {
                self.kernel.push(tid, Act::Release(index));
            }
        }
    }

    fn step_put(&mut self, tid: Tid, key: TaskKey, mode: Mode, queue: QueueIndex) -> Flow {
        if let Some(flow) = self.put_where_full(tid, key, mode, queue) {
            return flow;
        }
        let who = Self::waiter(tid, key, mode);
        match self.queues[queue].put(who, ()) {
            QueueResult::Waits(ticket) => {
                self.wait_for_queue(tid, key, mode, On::Room(queue), ticket)
            }
            QueueResult::Done((), getter) => self.passed(tid, key, mode, getter),
        }
    }

    fn step_get(&mut self, tid: Tid, key: TaskKey, mode: Mode, queue: QueueIndex) -> Flow {
        let who = Self::waiter(tid, key, mode);
        match self.queues[queue].get(who) {
            QueueResult::Waits(ticket) => {
                self.wait_for_queue(tid, key, mode, On::Item(queue), ticket)
            }
            QueueResult::Done((), putter) => self.passed(tid, key, mode, putter),
        }
    }

    /// Waits for a queue; once called, the task executes this instruction again.
    fn wait_for_queue(
        &mut self,
        tid: Tid,
        key: TaskKey,
        mode: Mode,
        on: On,
        ticket: Ticket,
    ) -> Flow {
        self.tasks[key].pc -= 1;
        self.wait(tid, key, mode, on, Some(ticket))
    }

    /// Ends a put or get that has succeeded, and wakes the waiter for what it leaves (an item, or room), if any.
    fn passed(&mut self, tid: Tid, key: TaskKey, mode: Mode, other: Option<Waiter>) -> Flow {
        let who = Self::waiter(tid, key, mode);
        self.end_wait(who);
        let cost = match who {
            Waiter::Task(_) => self.kernel.costs.aio_queue_pair,
            Waiter::Thread(_) => self.kernel.costs.queue_pair,
        };
        self.kernel.machine.charge(tid, Nanos(cost.0 / 2));
        if let Some(other) = other {
            self.wake(tid, other);
        }
        Flow::Go
    }

    /// Scripts the accesses of a step to a shared object.
    pub(crate) fn step_shared(
        &mut self,
        tid: Tid,
        key: TaskKey,
        object: ObjectIndex,
        count: u64,
        write: bool,
    ) {
        let kind = self.kernel.program.objects[object].kind;
        let access = self.kernel.objects.of(write);
        let contends = (write || kind.reads_contend()) && access.service > Nanos::ZERO;
        if self.kernel.threads[tid].gil != NO_GIL || !contends {
            self.kernel.push(tid, Act::Run(access.alone * count));
            return;
        }
        let class = self.tasks[key].submitted_as;
        let accesses = Accesses {
            object,
            count,
            write,
            class,
        };
        self.kernel.push(tid, Act::Access(accesses));
    }

    fn step_fan_out(
        &mut self,
        tid: Tid,
        key: TaskKey,
        mode: Mode,
        class: ClassIndex,
        (count, need): (u64, Option<u64>),
    ) -> Flow {
        if count == 0 {
            return Flow::Go;
        }
        if self.tasks[key].joiner.is_some() {
            // The children have been started: go on when all of them are over.
            let task = &mut self.tasks[key];
            if task.children > 0 {
                task.pc -= 1;
                return self.wait_for_children(tid);
            }
            task.joiner = None;
            self.end_wait(Waiter::Thread(tid));
            return Flow::Go;
        }
        if matches!(mode, Mode::Inline | Mode::Part) {
            let data = self.enter_child(key);
            let task = &mut self.tasks[key];
            task.frames.push(Frame::Inline {
                class: task.class,
                pc: task.pc,
                left: count,
                spare: count - need.unwrap_or(count).min(count),
                data,
            });
            task.class = class;
            task.pc = 0;
            self.childs_turn(tid, key);
            return Flow::Go;
        }
        self.tasks[key].children = count;
        self.tasks[key].need = need.map(|need| Box::new(Need::new(need, count)));
        let counts = self.tasks[key].counted || self.tasks[key].child_counts;
        let (number, copy) = (self.tasks[key].number, self.tasks[key].copy);
        let first = self.tasks[key].born;
        self.tasks[key].born += count;
        let now = self.kernel.machine.now();
        for child in first..first + count {
            let number = child_number(number, child);
            let c = self.tasks.insert_child(key, number, class, now);
            let task = &mut self.tasks[c];
            task.copy = copy;
            task.counted = false;
            task.child_counts = counts;
            task.payload = self.kernel.program.classes[class].bytes_in;
            self.task_begins(c);
            self.kernel.hop(c, tid);
            if matches!(mode, Mode::Loop { .. }) {
                self.kernel
                    .machine
                    .charge(tid, self.kernel.costs.aio_task_create);
                self.loop_ready(copy, c);
            }
        }
        if matches!(mode, Mode::Loop { .. }) {
            if need.is_some() {
                self.tasks[key].pc -= 1; // With each child's end it comes here again.
            }
            return self.wait(tid, key, mode, On::Children, None);
        }
        // The task executes this instruction again, to wait for its children, once all have been started.
        self.tasks[key].joiner = Some(tid);
        self.tasks[key].pc -= 1;
        Flow::Children
    }

    /// Parks a thread until the last of its task's children has ended. The task's deadline does not end this wait: the children have the
    /// same one.
    pub(crate) fn wait_for_children(&mut self, tid: Tid) -> Flow {
        self.begin_wait(Waiter::Thread(tid), On::Children, None, Nanos::MAX);
        self.kernel.push(tid, Act::park(On::Children, Nanos::MAX));
        Flow::Go
    }

    /// Notes that a child of this parent is over. If it has not completed, its parent fails once all children are over.
    pub(crate) fn child_ended(&mut self, parent: TaskKey, ending: TaskEnd) {
        let task = &mut self.tasks[parent];
        task.children -= 1;
        if task.need.is_some() {
            self.needed_child_ended(parent, ending);
            return;
        }
        if ending != TaskEnd::Done && task.interrupt.is_none() {
            task.interrupt = Some(Interrupt::Child(ending));
        }
        if task.children == 0 {
            match task.joiner {
                Some(tid) => {
                    self.wake_joiner(tid);
                }
                None => self.loop_gathered(parent),
            }
        }
    }

    /// Wakes a thread that waits for its task's children. It may be in another wait, for the announcement of a thread that it starts: it must
    /// not be woken out of that. Returns whether it waited for them.
    pub(super) fn wake_joiner(&mut self, tid: Tid) -> bool {
        let waits = self.waits(Waiter::Thread(tid));
        let joins = waits.is_some_and(|w| w.on == On::Children);
        if joins {
            self.kernel.unpark(tid);
        }
        joins
    }
}
