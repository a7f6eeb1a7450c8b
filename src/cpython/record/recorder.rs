//! The recorder, which writes a run down while it happens.
//!
//! It changes nothing in the run, and asks nobody: what is to be noted comes with each call. Where nothing is recorded, no recorder exists.

use typed_index_collections::TiVec;

use super::memory_log::MemoryLog;
use super::recording::{
    FaultRecord, GilHold, Iteration, ProcessRecord, Record, RecordedSeries, Recording, TaskEnd,
    TaskIndex, TaskRecord, TaskWait, ThreadIndex, ThreadRecord, ThreadSpan,
};
use crate::cpython::index::{GilIndex, TaskKey};
use crate::engine::Nanos;
use crate::machine::{Cause, Span, Tape, Tid};
use crate::measure::TimeBins;

/// A recorded task in flight.
struct Live {
    /// Number in order of appearance, by which parents and waits refer to the task until the end.
    serial: u32,
    record: TaskRecord,
}

/// What is recorded of a run beside the machine's own tape.
#[derive(Default)]
pub(crate) struct Recorder {
    window: (Nanos, Nanos),
    processes: Vec<ProcessRecord>,
    threads: Vec<ThreadRecord>,
    /// The recorded thread that each thread number stands for at present.
    thread_of: TiVec<Tid, ThreadIndex>,
    /// Tasks in flight by their keys; `None` for those that are not recorded.
    live: TiVec<TaskKey, Option<Live>>,
    serials: u32,
    /// Tasks that are over, each with its serial number.
    done: Vec<(u32, TaskRecord)>,
    waits: Vec<TaskWait>,
    gil_holds: Vec<GilHold>,
    iterations: Vec<Iteration>,
    faults: Vec<FaultRecord>,
    /// For each thread that runs an event loop: when the present iteration began, and its number of handles.
    turns: TiVec<Tid, Option<(Nanos, u32)>>,
    course: Option<Overall>,
}

/// What the course of a run needs besides the machine's load and the memory log.
#[derive(Default)]
struct Overall {
    held: u32,
    held_since: Nanos,
    gil: TimeBins,
    in_flight: TimeBins,
}

/// Makes the recorder, the memory log and the machine's tape for what is to be recorded; `None` if nothing is.
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
    let log = MemoryLog::new(window, most, course);
    Some((Box::new(recorder), log, Tape::new(window, most, course)))
}

impl Recorder {
    /// The serial number of a task; `None` if it is not recorded.
    pub(crate) fn task(&self, key: TaskKey) -> Option<u32> {
        let live = self.live.get(key)?.as_ref()?;
        Some(live.serial)
    }

    fn thread(&self, tid: Tid) -> ThreadIndex {
        self.thread_of[tid]
    }

    /// Notes what goes wrong.
    #[cold]
    pub(crate) fn fault(&mut self, fault: FaultRecord) {
        let (from, to) = self.window;
        if fault.from <= to && fault.until.is_none_or(|until| until >= from) {
            self.faults.push(fault);
        }
    }

    /// Notes the start of a process.
    #[cold]
    pub(crate) fn process_starts(&mut self, process: ProcessRecord) {
        self.processes.push(process);
    }

    /// Notes the start of a thread, which this thread number stands for from now on.
    #[cold]
    pub(crate) fn thread_starts(&mut self, tid: Tid, thread: ThreadRecord) {
        if self.thread_of.next_key() <= tid {
            self.thread_of.resize(usize::from(tid) + 1, 0);
        }
        self.thread_of[tid] = u32::try_from(self.threads.len()).expect("fewer than 2^32 threads");
        self.threads.push(thread);
    }

    /// Notes the end of a thread.
    #[cold]
    pub(crate) fn thread_ends(&mut self, tid: Tid, now: Nanos) {
        let thread = self.thread(tid) as usize;
        self.threads[thread].exited = Some(now);
    }

    /// Notes that a task is in this thread's hands from now on; a repeated call for the same thread adds nothing.
    #[cold]
    pub(crate) fn hop(&mut self, key: TaskKey, tid: Tid, now: Nanos) {
        let thread = self.thread(tid);
        if let Some(Some(live)) = self.live.get_mut(key)
            && live.record.hops.last().is_none_or(|h| h.0 != thread)
        {
            live.record.hops.push((thread, now));
        }
    }

    /// Notes a new task under its key; `record` is `None` if the task is outside the window. The parent is given by its key.
    #[cold]
    pub(crate) fn task_begins(
        &mut self,
        key: TaskKey,
        parent: Option<TaskKey>,
        record: Option<TaskRecord>,
    ) {
        if self.live.next_key() <= key {
            self.live.resize_with(usize::from(key) + 1, || None);
        }
        self.live[key] = None;
        let Some(mut record) = record else { return };
        record.parent = parent.and_then(|p| self.task(p));
        let serial = self.serials;
        self.serials += 1;
        self.live[key] = Some(Live { serial, record });
    }

    /// Notes that a task goes by another key from now on.
    #[cold]
    pub(crate) fn task_moves(&mut self, from: TaskKey, to: TaskKey) {
        let live = self.live.get_mut(from).and_then(Option::take);
        if self.live.next_key() <= to {
            self.live.resize_with(usize::from(to) + 1, || None);
        }
        self.live[to] = live;
    }

    /// Notes the end of a task. `arrival` is its arrival time unless it is a child, for the course of tasks in flight.
    #[cold]
    pub(crate) fn task_ends(
        &mut self,
        key: TaskKey,
        arrival: Option<Nanos>,
        end: TaskEnd,
        now: Nanos,
    ) {
        if let (Some(course), Some(arrival)) = (&mut self.course, arrival) {
            course.in_flight.add(arrival, now, 1.0);
        }
        if let Some(mut live) = self.live.get_mut(key).and_then(Option::take)
            && now >= self.window.0
        {
            live.record.ended = Some((now, end));
            self.done.push((live.serial, live.record));
        }
    }

    /// Notes a stretch in which a task waited and no thread stood for it; `within` is its part inside the window.
    #[cold]
    pub(crate) fn waited(
        &mut self,
        key: TaskKey,
        cause: Cause,
        counted: bool,
        within: impl FnOnce() -> Option<(Nanos, Nanos)>,
    ) {
        if let Some(task) = self.task(key)
            && let Some((from, to)) = within()
        {
            self.waits.push(TaskWait {
                task,
                from,
                to,
                cause,
                counted,
            });
        }
    }

    /// Cuts the last wait of a task off, which was written down ahead and ends now.
    pub(crate) fn waits_until(&mut self, key: TaskKey, cause: Cause, now: Nanos) {
        let Some(task) = self.task(key) else {
            return;
        };
        let of_task = |w: &TaskWait| w.task == task && w.cause == cause && w.to > now;
        if let Some(at) = self.waits.iter().rposition(of_task) {
            self.waits[at].to = now.max(self.waits[at].from);
        }
    }

    /// Notes that a thread has taken a GIL.
    #[cold]
    pub(crate) fn gil_taken(&mut self, now: Nanos) {
        if let Some(course) = &mut self.course {
            if course.held == 0 {
                course.held_since = now;
            }
            course.held += 1;
        }
    }

    /// Notes that a thread releases its GIL; `within` is the part of the hold inside the window.
    #[cold]
    pub(crate) fn gil_given(
        &mut self,
        gil: GilIndex,
        tid: Tid,
        now: Nanos,
        within: Option<(Nanos, Nanos)>,
    ) {
        if let Some(course) = &mut self.course {
            course.held -= 1;
            if course.held == 0 {
                course.gil.add(course.held_since, now, 1.0);
            }
        }
        let thread = self.thread(tid);
        if let Some((from, to)) = within {
            self.gil_holds.push(GilHold {
                gil: gil.into(),
                thread,
                from,
                to,
            });
        }
    }

    /// Notes that a loop's `select` has returned with so many handles to run.
    #[cold]
    pub(crate) fn turn_begins(&mut self, tid: Tid, handles: usize, now: Nanos) {
        if self.turns.next_key() <= tid {
            self.turns.resize(usize::from(tid) + 1, None);
        }
        let handles = u32::try_from(handles).unwrap_or(u32::MAX);
        self.turns[tid] = Some((now, handles));
    }

    /// Notes that the last handle of the iteration has run.
    #[cold]
    pub(crate) fn turn_ends(&mut self, tid: Tid, now: Nanos, tape: Option<&mut Tape>) {
        let turn = self.turns.get_mut(tid).and_then(Option::take);
        if let Some((began, handles)) = turn
            && let Some((from, to)) = tape.and_then(|t| t.admit(began, now, now))
        {
            self.iterations.push(Iteration {
                thread: self.thread(tid),
                from,
                to,
                handles,
            });
        }
    }

    /// Notes the end of the run. `in_flight` are the arrival times of unfinished tasks, children left out.
    pub(crate) fn run_ends(&mut self, in_flight: impl Iterator<Item = Nanos>, end: Nanos) {
        if let Some(course) = &mut self.course {
            in_flight.for_each(|arrival| course.in_flight.add(arrival, end, 1.0));
        }
        let live = std::mem::take(&mut self.live);
        let arrived = live
            .into_iter()
            .flatten()
            .filter(|l| l.record.arrived <= end);
        self.done.extend(arrived.map(|l| (l.serial, l.record)));
    }

    /// Returns what was kept: a recording, or the course of the run over time.
    pub(crate) fn finish(
        self: Box<Self>,
        tape: Tape,
        log: MemoryLog,
        end: Nanos,
        cores: usize,
    ) -> (Option<Recording>, Option<RecordedSeries>) {
        if self.course.is_some() {
            return (None, self.over_time(tape, log, end, cores));
        }
        let cores = u32::try_from(cores).expect("few cores");
        (Some(self.recording(tape, log, end, cores)), None)
    }

    fn over_time(
        self,
        tape: Tape,
        log: MemoryLog,
        end: Nanos,
        cores: usize,
    ) -> Option<RecordedSeries> {
        let (_, load) = tape.into_parts();
        let (busy, ready) = load?;
        let overall = self.course?;
        let (bin, memory_mean, memory_peak) = log.course?.finish(end);
        let cores = cores.max(1) as f64;
        let means = |c: TimeBins| c.finish(end).1;
        Some(RecordedSeries {
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
        // Until here tasks go by their serial numbers; from here on by their index in the recording.
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
            faults: self.faults,
            memory,
        }
    }
}
