//! Tasks in flight.

use typed_index_collections::TiVec;

use crate::cpython::index::{ClassIndex, CopyIndex, LockIndex, LockNumber, ProcessIndex, TaskKey};
use crate::cpython::kernel::{Block, Wait};
use crate::cpython::record::recording::TaskEnd;
use crate::engine::Nanos;
use crate::machine::Tid;

/// The last bits of a child's number say which of its parent's children it is.
const CHILD_BITS: u32 = 24;
/// These bits.
pub(crate) const CHILD_MASK: u64 = (1 << CHILD_BITS) - 1;

/// The number of a task's child: children draw from streams of their own, far from those of other tasks.
pub(crate) fn child_number(parent: u64, child: u64) -> u64 {
    (parent + 1) << CHILD_BITS | (1 << 63) | child
}

/// Data that a task has in memory, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Data {
    /// Resident arguments, and containers, that came into being at their own steps.
    pub(crate) arguments: u64,
    /// The result that is being made: what will travel.
    pub(crate) result: u64,
    /// How much of it is resident where it is made.
    pub(crate) resident: u64,
    /// Resident results that the submitting process has received.
    pub(crate) received: u64,
    /// The process that holds all but these.
    pub(crate) process: ProcessIndex,
}

/// A block that a task is in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Frame {
    /// Index in the table of all locks.
    Lock(LockIndex),
    /// A lock of the event loop's own kind.
    LoopLock(LockNumber),
    /// Working memory of so many bytes, and where it was allocated: process and arena.
    Hold(u64, Block),
    /// The deadline.
    Timeout(Nanos),
    Retry {
        /// First instruction of the block.
        start: u32,
        /// Attempts left.
        attempts: u32,
        /// Next pause.
        backoff: Nanos,
        /// Arguments that the task had before.
        arguments: u64,
    },
    /// First instruction of the loop, rounds left.
    Repeat(u32, u64),
    /// Children run one after another in the parent's thread: class and pc to return to, children left, and the parent's
    /// own data.
    Inline {
        class: ClassIndex,
        pc: u32,
        left: u64,
        data: Data,
    },
}

/// What will make a task give up its blocks as soon as it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// A child of its has not been done: it ends like that one, unless it tries again.
    Child(TaskEnd),
    /// Its parent has stopped waiting for it: nothing is tried again.
    Cancelled,
}

/// A task in flight.
#[derive(Debug)]
pub(crate) struct Task {
    /// Number in order of arrival: key of its random draws.
    pub(crate) number: u64,
    /// Whose instructions it executes: those of a child that its thread runs for it, or its own.
    pub(crate) class: ClassIndex,
    /// Its own class.
    pub(crate) submitted_as: ClassIndex,
    pub(crate) pc: u32,
    /// Draws made so far.
    pub(crate) draws: u32,
    pub(crate) arrival: Nanos,
    /// Index of its recorded demands plus one; 0: none.
    pub(crate) trace: u32,
    /// Recorded demands used so far.
    pub(crate) demand: u32,
    /// Whether it counts in latencies and causes.
    pub(crate) counted: bool,
    /// Whether it is a child, or a child's child, of a task that counts.
    pub(crate) child_counts: bool,
    pub(crate) frames: Vec<Frame>,
    /// Since when it has been waiting where no thread stands for it.
    pub(crate) since: Nanos,
    /// The number of the timer that it last slept for on a loop.
    pub(crate) timer: u64,
    /// What it waits for on its loop, or was called for and has not got yet.
    pub(crate) wait: Option<Wait>,
    /// Main process (copy) that it belongs to.
    pub(crate) copy: CopyIndex,
    pub(crate) parent: Option<TaskKey>,
    /// Children not yet over.
    pub(crate) children: u64,
    /// The last of these that was made.
    youngest: Option<TaskKey>,
    /// The children of its parent that were made before and after it, and are not over.
    siblings: [Option<TaskKey>; 2],
    /// Thread that will wait for the children, if one will.
    pub(crate) joiner: Option<Tid>,
    pub(crate) interrupt: Option<Interrupt>,
    /// A pause to make before going on (retry back-off).
    pub(crate) pause: Nanos,
    pub(crate) ending: TaskEnd,
    /// Bytes that go with the task, or with its part, to a worker.
    pub(crate) payload: u64,
    pub(crate) data: Data,
    /// Holds a permit of its loop's concurrency limit.
    pub(crate) permitted: bool,
    /// The next task of its chunk (`multiprocessing.Pool`).
    pub(crate) next: Option<TaskKey>,
    pub(crate) live: bool,
}

/// Tasks in flight, their places used again.
#[derive(Default)]
pub(crate) struct Tasks {
    slots: TiVec<TaskKey, Task>,
    free: Vec<TaskKey>,
    alive: u64,
}

impl Tasks {
    pub(crate) fn insert(&mut self, number: u64, class: ClassIndex, arrival: Nanos) -> TaskKey {
        self.alive += 1;
        let key = self.free.pop();
        let frames = key.map_or_else(Vec::new, |k| {
            let mut f = std::mem::take(&mut self.slots[k].frames);
            f.clear();
            f
        });
        let task = Task {
            number,
            class,
            submitted_as: class,
            pc: 0,
            draws: 0,
            arrival,
            trace: 0,
            demand: 0,
            counted: true,
            child_counts: false,
            frames,
            since: arrival,
            timer: 0,
            wait: None,
            copy: CopyIndex::from(0),
            parent: None,
            children: 0,
            youngest: None,
            siblings: [None; 2],
            joiner: None,
            interrupt: None,
            pause: Nanos::ZERO,
            ending: TaskEnd::Done,
            payload: 0,
            data: Data::default(),
            permitted: false,
            next: None,
            live: true,
        };
        if let Some(k) = key {
            self.slots[k] = task;
            k
        } else {
            self.slots.push_and_get_key(task)
        }
    }

    /// A task that another one has made, and waits for.
    pub(crate) fn insert_child(
        &mut self,
        parent: TaskKey,
        number: u64,
        class: ClassIndex,
        now: Nanos,
    ) -> TaskKey {
        let key = self.insert(number, class, now);
        let older = self[parent].youngest.replace(key);
        self[key].parent = Some(parent);
        self[key].siblings[0] = older;
        if let Some(older) = older {
            self[older].siblings[1] = Some(key);
        }
        key
    }

    /// The children of a task that are not over, in the order in which they were made.
    pub(crate) fn children(&self, parent: TaskKey) -> Vec<TaskKey> {
        let youngest = self[parent].youngest;
        let mut all: Vec<TaskKey> =
            std::iter::successors(youngest, |&k| self[k].siblings[0]).collect();
        all.reverse();
        all
    }

    pub(crate) fn remove(&mut self, key: TaskKey) {
        let Task {
            parent,
            siblings: [older, younger],
            ..
        } = self[key];
        if let Some(parent) = parent {
            match younger {
                Some(younger) => self[younger].siblings[0] = older,
                None => self[parent].youngest = older,
            }
            if let Some(older) = older {
                self[older].siblings[1] = younger;
            }
        }
        self.slots[key].live = false;
        self.alive -= 1;
        self.free.push(key);
    }

    /// The tasks of a message that begins with this one (`multiprocessing.Pool`'s chunks; else one).
    pub(crate) fn chunk(&self, first: TaskKey) -> impl Iterator<Item = &Task> {
        std::iter::successors(Some(&self[first]), |task| task.next.map(|key| &self[key]))
    }

    pub(crate) fn alive(&self) -> u64 {
        self.alive
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (TaskKey, &Task)> {
        self.slots.iter_enumerated().filter(|(_, t)| t.live)
    }
}

impl std::ops::Index<TaskKey> for Tasks {
    type Output = Task;
    #[inline]
    fn index(&self, key: TaskKey) -> &Task {
        &self.slots[key]
    }
}

impl std::ops::IndexMut<TaskKey> for Tasks {
    #[inline]
    fn index_mut(&mut self, key: TaskKey) -> &mut Task {
        &mut self.slots[key]
    }
}
