//! The asyncio event loop's thread, iteration by iteration: facts sheet 11.

use std::cmp::Reverse;

use super::Executors;
use crate::cpython::index::{CopyIndex, NO_GIL};
use crate::cpython::kernel::{Act, On};
use crate::cpython::program::Executor;
use crate::cpython::record::recording::TaskEnd;
use crate::cpython::role::{LoopAction, LoopState, RoleAction, ThreadRole};
use crate::cpython::work::{Flow, Handle, Mode, NextOwn, TaskKey, Waiter, Work};
use crate::engine::Nanos;
use crate::machine::{Cause, Tid};
use crate::sync::{Acquisition, Semaphore};

/// Creates, in the main coroutine, a task for the next entry of the program's own list.
fn create_own(work: &mut Work<'_>, tid: Tid, copy: CopyIndex) {
    if work.arrivals_from_outside() {
        work.kernel.threads[tid].role = ThreadRole::Loop(copy, LoopState::Iterate);
        return;
    }
    let next = work.next_own(copy);
    let NextOwn::Task(arrival, key) = next else {
        if let NextOwn::Serial(key) = next {
            // The main coroutine itself goes on with it: no task is made.
            work.loops[copy].ready.push_back(Handle::Start(key));
        }
        work.kernel.threads[tid].role = ThreadRole::Loop(copy, LoopState::Iterate);
        return;
    };
    debug_assert_eq!(work.tasks[key].arrival, arrival);
    let memory = work.kernel.costs.aio_task_rss;
    work.kernel.take(tid, memory);
    work.kernel.push(
        tid,
        Act::Run(work.kernel.costs.aio_task_create + work.dispatch_cost()),
    );
    work.loops[copy].ready.push_back(Handle::Start(key));
}

/// Begins an iteration of `_run_once`, up to its `select`.
fn iterate(work: &mut Work<'_>, tid: Tid, copy: CopyIndex) {
    let l = &work.loops[copy];
    let idle = l.ready.is_empty() && l.incoming.is_empty();
    if idle && work.copies[copy].outstanding == 0 && !work.expects_arrivals(copy) {
        work.kernel.threads[tid].role = ThreadRole::Loop(copy, LoopState::Closing);
        return;
    }
    if idle && work.round_is_over(copy) {
        // What gathers the round wakes the main coroutine, which goes on in a further iteration.
        work.kernel.threads[tid].role = ThreadRole::Loop(copy, LoopState::Create);
        let costs = &work.kernel.costs;
        let wakes = costs.aio_iteration + costs.aio_step;
        work.kernel.push(tid, Act::Run(wakes));
        return;
    }
    work.kernel.threads[tid].role = ThreadRole::Loop(copy, LoopState::Selecting);
    let gil = work.kernel.threads[tid].gil;
    if gil != NO_GIL && work.kernel.gils[gil].has_waiters() {
        // `select` releases the GIL, if only for a system call.
        work.kernel.push(
            tid,
            Act::Run(work.kernel.costs.aio_iteration.since(work.kernel.syscall)),
        );
        work.kernel.push(tid, Act::native(work.kernel.syscall));
    } else {
        work.kernel
            .push(tid, Act::Run(work.kernel.costs.aio_iteration));
    }
}

fn accept_all(work: &mut Work<'_>, tid: Tid, copy: CopyIndex) {
    while let Some(key) = work.accept(copy) {
        let cost = work.kernel.costs.aio_task_create + work.dispatch_cost();
        work.kernel.machine.charge(tid, cost);
        let memory = work.kernel.costs.aio_task_rss;
        work.kernel.take(tid, memory);
        work.loops[copy].ready.push_back(Handle::Start(key));
    }
}

/// Whether a task has to wait for a permit of the loop's limit first: its time until now is booked to the loop, and from now on to the
/// limit. A task that slept until its arrival needs a permit as well; children share that of the task that they are part of.
fn lacks_permit(work: &mut Work<'_>, copy: CopyIndex, key: TaskKey) -> bool {
    let task = &mut work.tasks[key];
    let Some(permits) = work.loops[copy].permits.as_mut() else {
        return false;
    };
    if task.permitted || task.parent.is_some() || task.ending == TaskEnd::Rejected {
        return false;
    }
    match permits.ask(key) {
        Acquisition::Granted => {
            task.permitted = true;
            false
        }
        Acquisition::Waits(ticket) => {
            let (now, since) = (work.kernel.machine.now(), task.since);
            work.book(key, Cause::Loop, since, now);
            work.tasks[key].since = now;
            work.begin_wait(Waiter::Task(key), On::Permit, Some(ticket), Nanos::MAX);
            true
        }
    }
}

/// Resumes a task: the loop's time is the task's until it suspends.
fn resume(work: &mut Work<'_>, tid: Tid, copy: CopyIndex, key: TaskKey) {
    let now = work.kernel.machine.now();
    let since = work.tasks[key].since;
    if now > since {
        work.book(key, Cause::Loop, since, now);
        work.tasks[key].since = now;
    }
    work.runs(tid, Some(key));
    let t = &mut work.kernel.threads[tid];
    t.role = ThreadRole::Loop(copy, LoopState::Step(key));
    // The time of a task that has not arrived yet (it sleeps until then) does not count.
    let counted = work.tasks[key].arrival <= now;
    work.count_for(tid, Some(key), counted, Cause::Ipc);
    work.kernel.push(tid, Act::Run(work.kernel.costs.aio_step));
    work.kernel.push(tid, Act::Label(Cause::Running));
}

fn suspend_current(work: &mut Work<'_>, tid: Tid, copy: CopyIndex) {
    let now = work.kernel.machine.now();
    let began = work.loops[copy].handle_began;
    let lasted = now.since(began);
    // Between rounds there is nothing that the main coroutine could keep waiting.
    let serial = |t: Option<TaskKey>| t.is_some_and(|key| work.is_serial(key));
    if lasted > work.loops[copy].longest.1 && !serial(work.kernel.threads[tid].task) {
        work.loops[copy].longest = (began, lasted);
    }
    let t = &mut work.kernel.threads[tid];
    t.task = None;
    t.role = ThreadRole::Loop(copy, LoopState::Handles);
    work.attribute_time(tid, None, Cause::Ipc);
}

fn release_permit(work: &mut Work<'_>, tid: Tid, copy: CopyIndex, key: TaskKey) {
    if !work.tasks[key].permitted {
        return;
    }
    let permits = work.loops[copy].permits.as_mut();
    // The permit is handed over to the next task.
    if let Some(next) = permits.and_then(Semaphore::give) {
        work.tasks[next].permitted = true;
        work.wake(tid, Waiter::Task(next));
    }
}

/// Handles the return of `select`: runs the handles that are ready, or blocks until there are any.
fn selected(work: &mut Work<'_>, tid: Tid, copy: CopyIndex) {
    const MILLISECOND: u64 = 1_000_000;
    let now = work.kernel.machine.now();
    let outside = work.arrivals_from_outside();
    if let Some(cost) = work.tick(copy) {
        work.kernel.push(tid, Act::Run(cost));
    }
    if outside {
        accept_all(work, tid, copy);
    }
    let l = &mut work.loops[copy];
    while let Some(handle) = l.incoming.pop_front() {
        l.ready.push_back(handle);
    }
    while let Some(&Reverse((at, _, handle))) = work.loops[copy].timers.peek() {
        let l = &mut work.loops[copy];
        if at <= now {
            l.ready.push_back(handle);
        } else if !work.cancelled(at, handle) {
            break;
        }
        work.loops[copy].timers.pop();
    }
    if work.loops[copy].ready.is_empty() {
        if work.copies[copy].outstanding == 0 && !work.expects_arrivals(copy) {
            work.kernel.threads[tid].role = ThreadRole::Loop(copy, LoopState::Closing);
            return;
        }
        let l = &work.loops[copy];
        // epoll takes its timeout in whole milliseconds, rounded up.
        let until = l.timers.peek().map_or(Nanos::MAX, |Reverse((at, ..))| {
            let wait = (*at - now).0.div_ceil(MILLISECOND) * MILLISECOND;
            (now + Nanos(wait)).min(Nanos::CLOCK_END)
        });
        if outside {
            work.accept_in_vain(tid);
            work.wait_for_arrivals(copy);
        }
        let until = work.until_tick(copy, until);
        work.kernel.push(tid, Act::park(On::Events, until));
        work.kernel
            .push(tid, Act::Do(RoleAction::Loop(copy, LoopAction::Selected)));
        return;
    }
    work.loop_notifies(copy, false);
    let l = &mut work.loops[copy];
    l.snapshot = l.ready.len();
    let handles = l.snapshot;
    work.kernel.turn_begins(tid, handles);
    work.kernel.threads[tid].role = ThreadRole::Loop(copy, LoopState::Handles);
}

fn next_handle(work: &mut Work<'_>, tid: Tid, copy: CopyIndex) {
    let now = work.kernel.machine.now();
    let l = &mut work.loops[copy];
    if l.snapshot == 0 {
        work.kernel.turn_ends(tid);
        work.kernel.threads[tid].role = ThreadRole::Loop(copy, LoopState::Iterate);
        return;
    }
    l.snapshot -= 1;
    let Some(handle) = l.ready.pop_front() else {
        return;
    };
    l.handle_began = now;
    match handle {
        Handle::Start(key) => {
            // The task's first act is `await asyncio.sleep(...)` until it is due; the length is known now.
            work.tasks[key].pause = work.tasks[key].arrival.since(now);
            // Children share the permit of the task that they are part of.
            let limited = l.permits.is_some() && work.tasks[key].parent.is_none();
            if limited {
                work.kernel
                    .machine
                    .charge(tid, work.kernel.costs.aio_semaphore);
            }
            // A task that sleeps until its arrival asks for its permit after the sleep.
            if limited && work.tasks[key].pause == Nanos::ZERO && lacks_permit(work, copy, key) {
                return;
            }
            resume(work, tid, copy, key);
        }
        Handle::Step(key) => {
            if lacks_permit(work, copy, key) {
                return;
            }
            resume(work, tid, copy, key);
        }
        Handle::Due(key, number) => {
            if !work.sleeps(key, number) {
                return; // The timer has been cancelled meanwhile.
            }
            work.end_wait(Waiter::Task(key));
            work.kernel
                .machine
                .charge(tid, work.kernel.costs.aio_timer_fire);
            work.loops[copy].ready.push_back(Handle::Step(key));
        }
        Handle::Finished(key) if work.tasks[key].abandoned => {
            work.kernel
                .machine
                .charge(tid, work.kernel.costs.aio_offload_done);
            work.abandoned_ends(tid, key);
        }
        Handle::Finished(key) => {
            work.end_wait(Waiter::Task(key));
            work.kernel
                .machine
                .charge(tid, work.kernel.costs.aio_offload_done);
            let own = work.kernel.costs.tpe_item_rss;
            work.kernel.give(tid, own);
            work.loops[copy].ready.push_back(Handle::Step(key));
        }
        Handle::ChildOver(parent, ending) => work.told_of_child(parent, ending),
        Handle::Gathered(key) => {
            work.end_wait(Waiter::Task(key));
            work.loops[copy].ready.push_back(Handle::Step(key));
        }
        Handle::Deadline(key, number) => work.deadline_passed(tid, key, number),
    }
}

fn step_current(work: &mut Work<'_>, tid: Tid, copy: CopyIndex, key: TaskKey) {
    let offload = work.loops[copy].offload;
    match work.step(tid, key, Mode::Loop { offload }) {
        Flow::Go | Flow::Children => {}
        Flow::Suspended => suspend_current(work, tid, copy),
        Flow::Offload => {
            let executor = work.kernel.program.executor(work.executor_of(key));
            let submit = match executor {
                Executor::Processes(..) | Executor::MpPool(..) => work.kernel.costs.ppe_submit,
                _ => work.kernel.costs.tpe_submit,
            };
            work.kernel.push(tid, Act::Label(Cause::Ipc));
            work.kernel
                .push(tid, Act::Run(work.kernel.costs.aio_offload + submit));
            if matches!(executor, Executor::Processes(..)) {
                work.kernel.push(tid, Act::native(work.kernel.syscall)); // The pool's wake-up pipe.
            }
            work.kernel.push(
                tid,
                Act::Do(RoleAction::Loop(copy, LoopAction::Offload(key))),
            );
        }
        Flow::Over => {
            // What the thread still owes is booked to the task.
            if work.kernel.machine.debt(tid) > Nanos::ZERO {
                work.kernel.push(tid, Act::Run(Nanos::ZERO));
                return;
            }
            suspend_current(work, tid, copy);
            release_permit(work, tid, copy, key);
            work.kernel
                .machine
                .charge(tid, work.kernel.costs.aio_task_done);
            work.kernel.give(
                tid,
                if work.tasks[key].parent.is_none() {
                    work.kernel.costs.aio_task_rss
                } else {
                    0
                },
            );
            work.task_ended(key);
        }
    }
}

impl Executors {
    pub(crate) fn refill_loop(
        &mut self,
        work: &mut Work<'_>,
        tid: Tid,
        copy: CopyIndex,
        state: LoopState,
    ) {
        match state {
            LoopState::Begin => {
                let rss = work.kernel.costs.aio_loop_rss;
                work.kernel.push(tid, Act::Take(rss));
                work.kernel
                    .push(tid, Act::Run(Nanos(work.kernel.costs.aio_run.0 / 2)));
                work.kernel
                    .push(tid, Act::Do(RoleAction::Loop(copy, LoopAction::Opened)));
            }
            LoopState::Create => create_own(work, tid, copy),
            LoopState::Iterate => iterate(work, tid, copy),
            LoopState::Selecting => selected(work, tid, copy),
            LoopState::Handles => next_handle(work, tid, copy),
            LoopState::Step(key) => step_current(work, tid, copy, key),
            LoopState::Closing => {
                self.close_executors(work, tid, copy);
                work.kernel
                    .push(tid, Act::Run(Nanos(work.kernel.costs.aio_run.0 / 2)));
                work.kernel.push(tid, Act::Exit);
            }
        }
    }

    pub(crate) fn loop_does(
        &mut self,
        work: &mut Work<'_>,
        tid: Tid,
        copy: CopyIndex,
        action: LoopAction,
    ) {
        match action {
            LoopAction::Offload(key)
                if self.is_broken(work.copies[copy].runners[work.executor_of(key)]) =>
            {
                // `run_in_executor` raises, and nothing has been awaited.
                work.faults.pools.refused += 1;
                work.fails_in_executor(key);
                work.kernel.push(tid, Act::Label(Cause::Running));
            }
            LoopAction::Offload(key) => {
                work.tasks[key].payload = work.part_payload(key);
                suspend_current(work, tid, copy);
                work.tasks[key].since = work.kernel.machine.now();
                work.begin_wait(Waiter::Task(key), On::Part, None, Nanos::MAX);
                let task = &mut work.tasks[key];
                task.is_handed_over();
                if task.call().is_some() {
                    work.wake_at_deadline(key);
                }
                self.hand_over(work, tid, copy, key);
            }
            LoopAction::Selected => {
                work.stop_waiting_for_arrivals(copy);
                work.loop_notifies(copy, true);
            }
            LoopAction::Opened => {
                work.begins_to_serve(copy);
                work.loop_notifies(copy, false);
                work.kernel.threads[tid].role = ThreadRole::Loop(copy, LoopState::Create);
            }
        }
    }
}
