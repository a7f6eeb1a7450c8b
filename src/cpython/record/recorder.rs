//! Writes a run down while it happens. Nothing here changes what happens: every hook returns at once where nothing is
//! recorded.

use crate::cpython::index::ProcessIndex;
use crate::cpython::kernel::memory::Memory;
use crate::cpython::kernel::process::CHILD_MASK;
use crate::cpython::record::recording::{
    GilHold, Iteration, OverTime, ProcessRecord, Record, Recording, TaskIndex, TaskRecord,
    TaskWait, ThreadIndex, ThreadRecord, ThreadSpan,
};
use crate::cpython::sim::Sim;
use crate::cpython::work::task::{Frame, TaskKey};
use crate::engine::Nanos;
use crate::machine::{Cause, Span, Tape, Tid};
use crate::measure::Course;

/// A task that is under way.
struct Live {
    /// Number in order of appearance.
    serial: u32,
    record: TaskRecord,
}

/// What is written down beside the machine's own tape.
#[derive(Default)]
pub(crate) struct Recorder {
    window: (Nanos, Nanos),
    processes: Vec<ProcessRecord>,
    threads: Vec<ThreadRecord>,
    /// Which thread each number stands for now.
    thread_of: Vec<ThreadIndex>,
    /// Tasks under way by their keys.
    live: Vec<Option<Live>>,
    serials: u32,
    /// Tasks that are over. Parents and waits name tasks by serial number until the end.
    done: Vec<(u32, TaskRecord)>,
    waits: Vec<TaskWait>,
    gil_holds: Vec<GilHold>,
    iterations: Vec<Iteration>,
    /// When the present iteration of a thread's event loop began, and its handles.
    turns: Vec<Option<(Nanos, u32)>>,
    course: Option<Overall>,
}

/// What the course of a run needs besides the machine's load and the memory.
#[derive(Default)]
struct Overall {
    held: u32,
    held_since: Nanos,
    gil: Course,
    in_flight: Course,
}

/// What a run's memory was.
pub(crate) struct MemoryLog {
    window: (Nanos, Nanos),
    most: usize,
    points: Vec<(Nanos, u64)>,
    since: Nanos,
    bytes: u64,
    course: Option<Course>,
}

impl MemoryLog {
    #[cold]
    pub(crate) fn changed(&mut self, at: Nanos, bytes: u64) {
        self.spent_until(at);
        self.bytes = bytes;
        if let Some(course) = &mut self.course {
            course.raise(at, at, as_f64(bytes));
        }
        if at > self.window.1 {
            return;
        }
        let at = at.max(self.window.0);
        let room = self.points.len() < self.most;
        match self.points.last_mut() {
            Some(last) if last.0 == at => last.1 = bytes,
            _ if room => self.points.push((at, bytes)),
            _ => {}
        }
    }

    fn spent_until(&mut self, at: Nanos) {
        if let Some(course) = &mut self.course {
            course.add(self.since, at, as_f64(self.bytes));
            course.raise(self.since, at, as_f64(self.bytes));
        }
        self.since = at;
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes of one machine")]
fn as_f64(bytes: u64) -> f64 {
    bytes as f64
}

impl Recorder {
    fn task(&self, key: TaskKey) -> Option<u32> {
        let live = self.live.get(key as usize)?.as_ref()?;
        Some(live.serial)
    }

    fn thread(&self, tid: Tid) -> ThreadIndex {
        self.thread_of[tid as usize]
    }
}

/// The recorder and the memory's log for what is to be recorded.
pub(crate) fn recorder(what: Record) -> Option<(Box<Recorder>, MemoryLog, Tape)> {
    let (window, most, course) = match what {
        Record::Nothing => return None,
        Record::Course => ((Nanos::ZERO, Nanos::ZERO), 0, true),
        Record::Window(o) => (o.window, o.most_spans, false),
    };
    let recorder = Recorder {
        window,
        course: course.then(Overall::default),
        ..Recorder::default()
    };
    let log = MemoryLog {
        window,
        most: if course { 0 } else { most.max(1) },
        points: Vec::new(),
        since: Nanos::ZERO,
        bytes: 0,
        course: course.then(Course::new),
    };
    Some((Box::new(recorder), log, Tape::new(window, most, course)))
}

impl Sim<'_> {
    /// Notes a new process.
    #[inline]
    pub(crate) fn process_starts(&mut self, process: ProcessIndex) {
        if self.recorder.is_some() {
            let (name, started) = (self.process_name(process), self.machine.now());
            if let Some(r) = &mut self.recorder {
                r.processes.push(ProcessRecord { name, started });
            }
        }
    }

    /// Notes a new thread.
    #[inline]
    pub(crate) fn thread_starts(&mut self, tid: Tid) {
        if self.recorder.is_some() {
            self.record_thread(tid);
        }
    }

    #[cold]
    fn record_thread(&mut self, tid: Tid) {
        let (name, started) = (self.thread_name(tid), self.machine.now());
        let process = self.threads[tid as usize].process;
        let Some(r) = &mut self.recorder else { return };
        let index = tid as usize;
        if r.thread_of.len() <= index {
            r.thread_of.resize(index + 1, 0);
        }
        r.thread_of[index] = u32::try_from(r.threads.len()).expect("fewer than 2^32 threads");
        r.threads.push(ThreadRecord {
            process: process.into(),
            name,
            started,
            exited: None,
        });
    }

    /// Notes the end of a thread.
    #[inline]
    pub(crate) fn thread_ends(&mut self, tid: Tid) {
        if let Some(r) = &mut self.recorder {
            let thread = r.thread(tid) as usize;
            r.threads[thread].exited = Some(self.machine.now());
        }
    }

    /// The thread's time is this task's from now on, or nobody's.
    #[inline]
    pub(crate) fn stand_for(&mut self, tid: Tid, task: Option<TaskKey>, cause: Cause) {
        self.count_for(tid, task, task.is_some(), cause);
    }

    /// The same, where the time may not be the task's.
    #[inline]
    pub(crate) fn count_for(
        &mut self,
        tid: Tid,
        task: Option<TaskKey>,
        counted: bool,
        cause: Cause,
    ) {
        let its_own = task.filter(|_| counted);
        self.machine.count(
            tid,
            its_own.is_some_and(|key| self.tasks[key].counted),
            cause,
        );
        if self.program.has_children() {
            self.machine
                .count_childs(tid, its_own.is_some_and(|key| self.childs_time(key)));
        }
        if self.recorder.is_some() {
            self.tag_thread(tid, task);
        }
    }

    /// Whether the time of this task, as it stands, is that of a child of a task that counts: it is one itself, or its thread is just
    /// running one for it.
    fn childs_time(&self, key: TaskKey) -> bool {
        let task = &self.tasks[key];
        let inline = |f: &Frame| matches!(f, Frame::Inline { .. });
        task.child_counts || task.counted && task.frames.iter().any(inline)
    }

    /// The running thread begins a child in a task's stead, or has ended one.
    pub(crate) fn childs_turn(&mut self, tid: Tid, key: TaskKey) {
        let childs = self.childs_time(key);
        self.machine.count_childs(tid, childs);
    }

    /// The running thread, whose time is nobody's, hands this task over from now on, or has done so.
    #[inline]
    pub(crate) fn work_on(&mut self, tid: Tid, task: Option<TaskKey>) {
        if self.recorder.is_some() {
            let cause = if task.is_some() {
                Cause::Ipc
            } else {
                Cause::Running
            };
            self.count_for(tid, task, false, cause);
        }
    }

    #[cold]
    fn tag_thread(&mut self, tid: Tid, task: Option<TaskKey>) {
        let tag = task.and_then(|key| self.recorder.as_ref()?.task(key));
        self.machine.tag(tid, tag);
        if let Some(key) = task {
            self.hop(key, tid);
        }
    }

    /// A task is in this thread's hands now.
    #[inline]
    pub(crate) fn hop(&mut self, key: TaskKey, tid: Tid) {
        if let Some(r) = &mut self.recorder {
            let thread = r.thread(tid);
            if let Some(Some(live)) = r.live.get_mut(key as usize)
                && live.record.hops.last().is_none_or(|h| h.0 != thread)
            {
                live.record.hops.push((thread, self.machine.now()));
            }
        }
    }

    /// A task has come into being.
    #[inline]
    pub(crate) fn task_begins(&mut self, key: TaskKey) {
        if self.recorder.is_some() {
            self.record_task(key);
        }
    }

    #[cold]
    fn record_task(&mut self, key: TaskKey) {
        let now = self.machine.now();
        let task = &self.tasks[key];
        let wanted = self
            .machine
            .tape()
            .is_some_and(|t| t.wants(task.arrival.max(now)));
        let Some(r) = &mut self.recorder else { return };
        if r.live.len() <= key as usize {
            r.live.resize_with(key as usize + 1, || None);
        }
        r.live[key as usize] = None;
        if !wanted {
            return;
        }
        let record = TaskRecord {
            number: match task.parent {
                Some(_) => task.number & CHILD_MASK,
                None => task.number,
            },
            class: self.program.classes[task.class as usize].name.clone(),
            parent: task.parent.and_then(|p| r.task(p)),
            arrived: task.arrival,
            hops: Vec::new(),
            ended: None,
        };
        let serial = r.serials;
        r.serials += 1;
        r.live[key as usize] = Some(Live { serial, record });
    }

    /// A task is over.
    #[inline]
    pub(crate) fn task_is_over(&mut self, key: TaskKey) {
        if self.recorder.is_some() {
            self.record_end(key);
        }
    }

    #[cold]
    fn record_end(&mut self, key: TaskKey) {
        let now = self.machine.now();
        let task = &self.tasks[key];
        let Some(r) = &mut self.recorder else { return };
        if let Some(course) = &mut r.course
            && task.parent.is_none()
        {
            course.in_flight.add(task.arrival, now, 1.0);
        }
        if let Some(mut live) = r.live.get_mut(key as usize).and_then(Option::take)
            && now >= r.window.0
        {
            live.record.ended = Some((now, task.ending.into()));
            r.done.push((live.serial, live.record));
        }
    }

    /// A stretch in which a task waited and no thread stood for it.
    #[inline]
    pub(crate) fn waited(&mut self, key: TaskKey, cause: Cause, from: Nanos, to: Nanos) {
        if self.recorder.is_some() {
            self.record_wait(key, cause, from, to, self.tasks[key].counted);
        }
    }

    #[cold]
    fn record_wait(&mut self, key: TaskKey, cause: Cause, from: Nanos, to: Nanos, counted: bool) {
        let now = self.machine.now();
        let Some(r) = &mut self.recorder else { return };
        if let Some(task) = r.task(key)
            && let Some((from, to)) = self.machine.tape().and_then(|t| t.admit(from, to, now))
        {
            r.waits.push(TaskWait {
                task,
                from,
                to,
                cause,
                counted,
            });
        }
    }

    /// A thread has taken its GIL.
    #[inline]
    pub(crate) fn gil_taken(&mut self) {
        if let Some(r) = &mut self.recorder
            && let Some(course) = &mut r.course
        {
            if course.held == 0 {
                course.held_since = self.machine.now();
            }
            course.held += 1;
        }
    }

    /// A thread gives its GIL back, which it has held since then.
    #[inline]
    pub(crate) fn gil_given(&mut self, gil: u32, tid: Tid, since: Nanos) {
        if self.recorder.is_some() {
            self.record_hold(gil, tid, since);
        }
    }

    #[cold]
    fn record_hold(&mut self, gil: u32, tid: Tid, since: Nanos) {
        let now = self.machine.now();
        let Some(r) = &mut self.recorder else { return };
        if let Some(course) = &mut r.course {
            course.held -= 1;
            if course.held == 0 {
                course.gil.add(course.held_since, now, 1.0);
            }
        }
        let thread = r.thread(tid);
        if let Some((from, to)) = self.machine.tape().and_then(|t| t.admit(since, now, now)) {
            r.gil_holds.push(GilHold {
                gil,
                thread,
                from,
                to,
            });
        }
    }

    /// A loop's `select` has returned, with so many handles to run.
    #[inline]
    pub(crate) fn turn_begins(&mut self, tid: Tid, handles: usize) {
        if let Some(r) = &mut self.recorder {
            let index = tid as usize;
            if r.turns.len() <= index {
                r.turns.resize(index + 1, None);
            }
            let handles = u32::try_from(handles).unwrap_or(u32::MAX);
            r.turns[index] = Some((self.machine.now(), handles));
        }
    }

    /// The last of them has run.
    #[inline]
    pub(crate) fn turn_ends(&mut self, tid: Tid) {
        let now = self.machine.now();
        let Some(r) = &mut self.recorder else { return };
        let turn = r.turns.get_mut(tid as usize).and_then(Option::take);
        if let Some((began, handles)) = turn
            && let Some((from, to)) = self.machine.tape().and_then(|t| t.admit(began, now, now))
        {
            r.iterations.push(Iteration {
                thread: r.thread(tid),
                from,
                to,
                handles,
            });
        }
    }

    /// Ends the recording: what was kept.
    pub(crate) fn end_recording(&mut self) -> (Option<Recording>, Option<OverTime>) {
        let end = self.machine.now();
        self.close_open_things(end);
        let (Some(recorder), Some(tape), Some(log)) = (
            self.recorder.take(),
            self.machine.take_tape(),
            self.memory.take_log(),
        ) else {
            return (None, None);
        };
        if recorder.course.is_some() {
            let over_time = recorder.over_time(tape, log, end, self.machine.core_busy().len());
            return (None, over_time);
        }
        let cores = u32::try_from(self.machine.core_busy().len()).expect("few cores");
        (Some(recorder.recording(tape, log, end, cores)), None)
    }

    /// What has not ended when the run does.
    fn close_open_things(&mut self, end: Nanos) {
        if self.recorder.is_none() {
            return;
        }
        for gil in 0..self.gils.len() {
            if let Some(holder) = self.gils[gil].holder {
                let since = self.gils[gil].held_since();
                self.gil_given(u32::try_from(gil).expect("few GILs"), holder, since);
            }
        }
        for tid in 0..self.threads.len() {
            self.turn_ends(Tid::try_from(tid).expect("fewer than 2^32 threads"));
        }
        self.memory.log_until(end);
        let alive: Vec<Nanos> = self
            .tasks
            .iter()
            .filter(|(_, t)| t.parent.is_none())
            .map(|(_, t)| t.arrival)
            .chain(self.not_taken_in())
            .collect();
        if let Some(r) = &mut self.recorder {
            if let Some(course) = &mut r.course {
                alive
                    .into_iter()
                    .for_each(|arrival| course.in_flight.add(arrival, end, 1.0));
            }
            let live = std::mem::take(&mut r.live);
            let arrived = live
                .into_iter()
                .flatten()
                .filter(|l| l.record.arrived <= end);
            r.done.extend(arrived.map(|l| (l.serial, l.record)));
        }
    }
}

impl Memory {
    fn log_until(&mut self, end: Nanos) {
        if let Some(log) = &mut self.log {
            log.spent_until(end);
        }
    }

    fn take_log(&mut self) -> Option<MemoryLog> {
        self.log.take().map(|l| *l)
    }
}

impl Recorder {
    fn over_time(self, tape: Tape, log: MemoryLog, end: Nanos, cores: usize) -> Option<OverTime> {
        let (_, load) = tape.into_parts();
        let (busy, ready) = load?;
        let overall = self.course?;
        let (bin, memory_mean, memory_peak) = log.course?.finish(end);
        let cores = cores.max(1) as f64;
        let means = |c: Course| c.finish(end).1;
        Some(OverTime {
            bin,
            memory_mean,
            memory_peak,
            utilization: means(busy).into_iter().map(|b| b / cores).collect(),
            gil_held: means(overall.gil),
            run_queue: means(ready),
            in_flight: means(overall.in_flight),
        })
    }

    fn recording(mut self, tape: Tape, log: MemoryLog, end: Nanos, cores: u32) -> Recording {
        let stopped = tape.stopped();
        let last = stopped.map_or(self.window.1, |s| s.min(self.window.1));
        self.done.sort_unstable_by_key(|&(serial, _)| serial);
        let serials: Vec<u32> = self.done.iter().map(|&(serial, _)| serial).collect();
        // What a task is called until here is its number in order of appearance.
        let index = |serial: u32| -> Option<TaskIndex> {
            let at = serials.binary_search(&serial).ok()?;
            TaskIndex::try_from(at).ok()
        };
        let tasks = self.done.into_iter().map(|(_, mut task)| {
            task.parent = task.parent.and_then(index);
            task
        });
        let tasks = tasks.collect();
        let span = |s: Span| ThreadSpan {
            thread: s.thread,
            from: s.from,
            to: s.to,
            doing: s.what.doing,
            cause: s.what.cause,
            pickling: s.what.marked,
            task: s.what.tag.and_then(index),
            counted: s.what.counted,
        };
        let spans = tape.into_parts().0.into_iter().map(span).collect();
        let waits = self.waits.into_iter().filter_map(|mut w| {
            w.task = index(w.task)?;
            w.to = w.to.min(last);
            (w.from < w.to).then_some(w)
        });
        let mut memory = log.points;
        memory.retain(|&(at, _)| at <= last);
        Recording {
            window: self.window,
            end,
            stopped,
            cores,
            processes: self.processes,
            threads: self.threads,
            spans,
            waits: waits.collect(),
            tasks,
            gil_holds: self.gil_holds,
            iterations: self.iterations,
            memory,
        }
    }
}
