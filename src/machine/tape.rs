//! The tape: a record of what threads did, written as it happens. The machine itself never reads it.

use super::{Cause, SchedState, Tid};
use typed_index_collections::TiVec;

use crate::engine::Nanos;
use crate::measure::TimeBins;

/// What a thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TapeState {
    /// Runs on this core.
    OnCore(u32),
    /// Is ready, in the queue of this core or on the way to it.
    Ready(u32),
    /// Waits for something other than a core.
    Blocked,
}

/// What stays the same throughout a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// What the thread does.
    pub doing: TapeState,
    /// The cause to which its time is booked.
    pub cause: Cause,
    /// Whether the time is booked to a task.
    pub counted: bool,
    /// What the thread works on, as a number that the user of the machine assigns.
    pub tag: Option<u32>,
    /// A mark that the user of the machine sets.
    pub marked: bool,
}

/// A stretch of a thread's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Number of the thread in order of start; a thread number that the machine reuses is a new thread here.
    pub thread: u32,
    /// Start.
    pub from: Nanos,
    /// End.
    pub to: Nanos,
    /// What stays the same throughout it.
    pub what: Stretch,
}

/// The present stretch of a thread that has not exited.
#[derive(Clone, Copy)]
struct Open {
    thread: u32,
    since: Nanos,
    what: Stretch,
    /// Index of the thread's last span.
    last: Option<usize>,
}

/// A record of what threads do in a window of time.
pub struct Tape {
    window: (Nanos, Nanos),
    most: usize,
    used: usize,
    stopped: Option<Nanos>,
    threads: u32,
    open: TiVec<Tid, Option<Open>>,
    spans: Vec<Span>,
    load: Option<(TimeBins, TimeBins)>,
}

impl Tape {
    /// A tape that keeps what happens in `window`, at most `most` spans and other things. With `load` it also follows, over the whole run,
    /// how many cores are busy and how many threads are ready.
    pub(crate) fn new(window: (Nanos, Nanos), most: usize, load: bool) -> Self {
        Self {
            window,
            most,
            used: 0,
            stopped: None,
            threads: 0,
            open: TiVec::new(),
            spans: Vec::new(),
            load: load.then(|| (TimeBins::new(), TimeBins::new())),
        }
    }

    /// Notes a new thread, which may have a reused number.
    pub(super) fn started(&mut self, now: Nanos, tid: Tid) {
        if self.open.next_key() <= tid {
            self.open.resize(usize::from(tid) + 1, None);
        }
        self.open[tid] = Some(Open {
            thread: self.threads,
            since: now,
            what: Stretch {
                doing: TapeState::Blocked,
                cause: Cause::Startup,
                counted: false,
                tag: None,
                marked: false,
            },
            last: None,
        });
        self.threads += 1;
    }

    /// Notes what a thread does from now on; `None` if it has exited.
    pub(super) fn note(
        &mut self,
        now: Nanos,
        tid: Tid,
        to: Option<TapeState>,
        cause: Cause,
        counted: bool,
    ) {
        let Some(mut what) = self.open[tid].map(|o| o.what) else {
            return;
        };
        let Some(doing) = to else {
            self.close(now, tid);
            self.open[tid] = None;
            return;
        };
        what.doing = doing;
        what.cause = cause;
        what.counted = counted;
        self.change(now, tid, what);
    }

    pub(super) fn tag(&mut self, now: Nanos, tid: Tid, tag: Option<u32>) {
        if let Some(mut what) = self.open[tid].map(|o| o.what) {
            what.tag = tag;
            self.change(now, tid, what);
        }
    }

    pub(super) fn mark(&mut self, now: Nanos, tid: Tid, marked: bool) {
        if let Some(mut what) = self.open[tid].map(|o| o.what) {
            what.marked = marked;
            self.change(now, tid, what);
        }
    }

    fn change(&mut self, now: Nanos, tid: Tid, what: Stretch) {
        let same = self.open[tid].is_some_and(|o| o.what == what);
        if !same {
            self.close(now, tid);
            if let Some(open) = &mut self.open[tid] {
                open.what = what;
            }
        }
    }

    /// Records what a thread has been doing until now.
    fn close(&mut self, now: Nanos, tid: Tid) {
        let Some(mut open) = self.open[tid] else {
            return;
        };
        let (since, what) = (open.since, open.what);
        open.since = now;
        if now > since {
            if let Some((busy, ready)) = &mut self.load {
                match what.doing {
                    TapeState::OnCore(_) => busy.add(since, now, 1.0),
                    TapeState::Ready(_) => ready.add(since, now, 1.0),
                    TapeState::Blocked => {}
                }
            }
            // Changes that are undone within an instant leave no trace.
            let last_instant = self.last_instant();
            let before = open.last.map(|i| &mut self.spans[i]);
            if let Some(last) = before.filter(|s| s.to == since && s.what == what) {
                last.to = last_instant.min(now).max(last.to);
            } else if let Some((from, to)) = self.admit(since, now, now) {
                open.last = Some(self.spans.len());
                self.spans.push(Span {
                    thread: open.thread,
                    from,
                    to,
                    what,
                });
            }
        }
        self.open[tid] = Some(open);
    }

    fn last_instant(&self) -> Nanos {
        self.stopped.map_or(self.window.1, |s| s.min(self.window.1))
    }

    /// The part of a stretch that is to be kept, if any: what lies in the window, and before recording stopped. It counts as one of the
    /// things that may be kept.
    pub(crate) fn admit(&mut self, from: Nanos, to: Nanos, now: Nanos) -> Option<(Nanos, Nanos)> {
        let (from, to) = (from.max(self.window.0), to.min(self.last_instant()));
        if from >= to {
            return None;
        }
        if self.stopped.is_none() {
            self.used += 1;
            if self.used >= self.most {
                self.stopped = Some(now);
            }
        }
        Some((from, to))
    }

    /// When recording stopped because as much had been kept as is allowed; `None` if it did not.
    pub(crate) fn stopped(&self) -> Option<Nanos> {
        self.stopped
    }

    /// Whether anything from this instant on can still be kept.
    pub(crate) fn records_after(&self, at: Nanos) -> bool {
        at < self.window.1 && self.stopped.is_none()
    }

    pub(super) fn finish(&mut self, now: Nanos) {
        for tid in self.open.keys() {
            self.close(now, tid);
        }
    }

    /// The spans, and the courses of busy cores and ready threads, if they were asked for.
    pub(crate) fn into_parts(self) -> (Vec<Span>, Option<(TimeBins, TimeBins)>) {
        (self.spans, self.load)
    }
}

/// What the tape shows for a thread's state; `None` for one that has exited.
pub(super) fn doing(state: SchedState, core: u32) -> Option<TapeState> {
    match state {
        SchedState::Running => Some(TapeState::OnCore(core)),
        SchedState::Ready | SchedState::Waking => Some(TapeState::Ready(core)),
        SchedState::Blocked => Some(TapeState::Blocked),
        SchedState::Exited => None,
    }
}
