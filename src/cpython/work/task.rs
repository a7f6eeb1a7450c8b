//! Tasks in flight.

use typed_index_collections::TiVec;

use crate::cpython::index::{
    BackoffIndex, CallIndex, ClassIndex, CopyIndex, LockIndex, LockNumber, NodeIndex, ProcessIndex,
    ResourceIndex, ResourceNumber, TaskKey,
};
use crate::cpython::kernel::{Block, Blocks, Wait};
use crate::cpython::record::recording::TaskEnd;
use crate::engine::Nanos;
use crate::machine::Tid;
use crate::sync::{Passage, Ticket};

/// Number of low bits of a child's number that hold its number among its parent's children.
const CHILD_BITS: u32 = 24;
/// Mask of these bits.
pub(crate) const CHILD_MASK: u64 = (1 << CHILD_BITS) - 1;

/// The bit that the numbers of children have, and those of other tasks have not.
const CHILD: u64 = 1 << 63;

/// The number of a task's child. Children draw from streams of their own, far from those of other tasks.
pub(crate) fn child_number(parent: u64, child: u64) -> u64 {
    (parent + 1) << CHILD_BITS | CHILD | (child & CHILD_MASK)
}

/// Data of a task in memory, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Data {
    /// Resident containers that were created at their own steps.
    pub(crate) containers: u64,
    /// Resident arguments that were created at their own steps.
    pub(crate) arguments: Blocks,
    /// Size of the result that is being produced, as it will travel.
    pub(crate) result: u64,
    /// How much of that result is resident in the process that produces it.
    pub(crate) resident: Blocks,
    /// Resident results that the submitting process has received.
    pub(crate) received: Blocks,
    /// The process that holds the containers.
    pub(crate) process: ProcessIndex,
    /// While a worker process has the task or a part of it: the containers that stay behind, and who holds these.
    pub(super) behind: Option<(u64, ProcessIndex)>,
}

impl Data {
    /// The task is with a worker process: what it has made so far stays where it is.
    pub(crate) fn leaves_home(&mut self) {
        self.behind = Some((std::mem::take(&mut self.containers), self.process));
    }

    /// The worker process is gone, with all that the task has made there.
    pub(crate) fn goes_down(&mut self) {
        let Some((containers, process)) = self.behind else {
            return; // It has not got there yet.
        };
        *self = Self {
            received: self.received,
            containers,
            process,
            ..Self::default()
        };
    }

    /// The task is with its own process again, and has what it had there; what it has made at the worker has been freed.
    pub(crate) fn comes_home(&mut self) {
        if let Some(behind) = self.behind.take() {
            (self.containers, self.process) = behind;
        }
    }
}

/// A block that a task has entered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Frame {
    /// Holds the lock of this index in the table of all locks.
    Lock(LockIndex),
    /// Holds an `asyncio.Lock`.
    LoopLock(LockNumber),
    /// A permit or connection of an instance of a resource, and when the connection was opened.
    Use(ResourceIndex, Nanos),
    /// A token of a rate limit, and the instant for which it is reserved.
    Token(ResourceIndex, Nanos),
    /// A circuit breaker, and how it was passed.
    Breaker(ResourceIndex, Passage),
    /// Holds working memory: its bytes, and where it was allocated.
    Hold(u64, Block),
    /// Has this deadline.
    Timeout(Nanos),
    Retry {
        /// Index of the block's first instruction.
        start: u32,
        /// Attempts left, with the present one.
        attempts: u32,
        /// Attempts that have failed.
        failed: u32,
        backoff: BackoffIndex,
        /// The pause before the present attempt; `None` before the first.
        paused: Option<Nanos>,
        /// The bytes of containers, and the arguments, that the task had when it entered the block.
        arguments: (u64, Blocks),
    },
    /// Index of the loop's first instruction, and rounds left.
    Repeat(u32, u64),
    /// Is executed by a worker, as one call until the instruction of this index. Blocks below are those of the coroutine that awaits the
    /// call: the worker knows nothing of them.
    Call(CallIndex, u32),
    /// Stays on its loop, whatever it does.
    OnLoop,
    /// Executes children inline, one after another: class and instruction to return to, children left, how many of these may fail, and the
    /// parent's own data.
    Inline {
        class: ClassIndex,
        pc: u32,
        left: u64,
        spare: u64,
        data: Data,
    },
}

impl Frame {
    /// The lock of threads that it holds; `None` if it holds none.
    pub(super) fn lock(&self) -> Option<LockIndex> {
        match self {
            Self::Lock(index) => Some(*index),
            Self::LoopLock(_)
            | Self::Use(..)
            | Self::Token(..)
            | Self::Breaker(..)
            | Self::Hold(..)
            | Self::Timeout(_)
            | Self::Retry { .. }
            | Self::Repeat(..)
            | Self::Call(..)
            | Self::OnLoop
            | Self::Inline { .. } => None,
        }
    }

    /// What a worker has of this block of a coroutine that has given its part up: what the part leaves is the coroutine's no longer.
    fn left_to_worker(self) -> Option<Self> {
        match self {
            Self::Hold(_, block) => Some(Self::Hold(0, block)),
            Self::Timeout(_) => Some(Self::Timeout(Nanos::MAX)),
            // Whatever fails now fails for nobody.
            Self::Retry {
                start,
                failed,
                backoff,
                paused,
                arguments,
                ..
            } => Some(Self::Retry {
                start,
                attempts: 1,
                failed,
                backoff,
                paused,
                arguments,
            }),
            Self::Repeat(..) | Self::OnLoop => Some(self),
            // A part neither takes nor leaves these.
            Self::Lock(_)
            | Self::LoopLock(_)
            | Self::Use(..)
            | Self::Token(..)
            | Self::Breaker(..)
            | Self::Call(..)
            | Self::Inline { .. } => None,
        }
    }
}

/// Why a task has to give up blocks as soon as it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// A child, or a call, has failed or timed out: the task ends like that, unless it retries.
    Child(TaskEnd),
    /// Its parent has stopped waiting for it: nothing is retried.
    Cancelled,
}

/// What a coroutine gives up that awaits an executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// A call, whose block has this index.
    Call(usize),
    /// A part of its own, up to its next wait.
    Part,
}

/// How far the future of a task, or of a call, is in its executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FutureState {
    /// Submitted: it can still be cancelled.
    Pending,
    /// Begun, or on its way to a worker in another process.
    Running,
    /// Over; an event loop has not seen it yet.
    Finished,
}

/// A task in flight.
#[derive(Debug)]
pub(crate) struct Task {
    /// Number in order of arrival; the key of its random draws.
    pub(crate) number: u64,
    /// The class whose instructions it executes: its own, or that of a child that is executed inline.
    pub(crate) class: ClassIndex,
    /// The class as which it was submitted.
    pub(crate) submitted_as: ClassIndex,
    pub(crate) pc: u32,
    /// Number of draws made so far.
    pub(crate) draws: u32,
    /// Number of draws of time-outs and pauses made so far, which are keyed by themselves: they move no other.
    pub(crate) patience: u32,
    /// Number of sizes drawn so far, which are keyed by themselves as well.
    pub(crate) sizes: u32,
    /// How many children it has had: each draws from a stream of its own, in whichever fan-out it began.
    pub(crate) born: u64,
    pub(crate) arrival: Nanos,
    /// Index of its recorded demands, plus one; 0 if it has none.
    pub(crate) trace: u32,
    /// Number of recorded demands used so far.
    pub(crate) demand: u32,
    /// Whether it counts in latencies and in times by cause.
    pub(crate) counted: bool,
    /// Whether it is a descendant of a task that counts.
    pub(crate) child_counts: bool,
    pub(crate) frames: Vec<Frame>,
    /// Since when it has been waiting while no thread stands for it.
    pub(crate) since: Nanos,
    /// Number of the loop timer that it last slept for.
    pub(crate) timer: u64,
    /// What it waits for on its loop, or was called for and has not taken yet.
    pub(crate) wait: Option<Wait>,
    /// The machine that it has been sent to.
    pub(crate) node: NodeIndex,
    /// The machine that has answered its user last.
    pub(crate) before: Option<NodeIndex>,
    /// Whether a balancer has sent it there.
    pub(crate) routed: bool,
    /// The copy of the program that it belongs to.
    pub(crate) copy: CopyIndex,
    pub(crate) parent: Option<TaskKey>,
    /// Number of children that are not over.
    pub(crate) children: u64,
    /// The youngest of these children.
    youngest: Option<TaskKey>,
    /// The next older and the next younger child of its parent that are not over.
    siblings: [Option<TaskKey>; 2],
    /// What it still needs of these children, if not that all of them are over.
    pub(crate) need: Option<Box<super::need::Need>>,
    /// Thread that will wait for the children, if any.
    pub(crate) joiner: Option<Tid>,
    pub(crate) interrupt: Option<Interrupt>,
    /// The number of blocks that it had entered when it last handed a part to an executor.
    handed_with: usize,
    /// How far its executor is with it.
    pub(crate) future: FutureState,
    /// The worker that executes it, or its call.
    pub(crate) worker: Option<Tid>,
    /// Whether it is a call that nobody awaits any more: it counts nowhere, and its result is dropped.
    pub(crate) abandoned: bool,
    /// Pause to make before going on (backoff of a retry).
    pub(crate) pause: Nanos,
    /// The rate limit whose token it has last waited for, and until when: the wait is counted when it begins.
    pub(crate) token_until: Option<(ResourceNumber, Nanos)>,
    /// Whether its next attempt begins when it goes on after the pause.
    pub(crate) trying_again: bool,
    /// How long the rate limit that has rejected it says to wait, until a retry catches that.
    pub(crate) retry_after: Option<Nanos>,
    pub(crate) ending: TaskEnd,
    /// Bytes that travel to a worker with the task, or with its present part.
    pub(crate) payload: u64,
    /// What is resident of it where it was submitted.
    pub(crate) sent: Blocks,
    pub(crate) data: Data,
    /// Whether it holds a permit of its loop's concurrency limit.
    pub(crate) permitted: bool,
    /// Whether it counts for the limit of those that are let in.
    pub(crate) admitted: bool,
    /// Its place in the line of those that are let in and not taken up.
    pub(crate) line: Option<Ticket>,
    /// Whether somebody has taken it up: looked at where admission depends on that.
    pub(crate) taken: bool,
    /// What its client knows it by, as long as that waits for it.
    pub(crate) request: Option<u32>,
    /// Whether its client has given it up: it counts nowhere any more.
    pub(crate) gone: bool,
    /// The next task of its chunk (`multiprocessing.Pool`).
    pub(crate) next: Option<TaskKey>,
    /// Whether the process that executed it has died, and nobody will ever say so (`multiprocessing.Pool`).
    pub(crate) lost: bool,
    pub(crate) live: bool,
}

impl Task {
    /// Is again as it was when it came, but for when that was and the draws that it keys.
    pub(crate) fn begins_anew(&mut self) {
        (self.pc, self.draws, self.demand) = (0, 0, 0);
        (self.patience, self.sizes, self.born) = (0, 0, 0);
        self.class = self.submitted_as;
        self.frames.clear();
        (self.wait, self.need, self.joiner, self.interrupt) = (None, None, None, None);
        (self.future, self.worker) = (FutureState::Pending, None);
        (self.children, self.youngest) = (0, None);
        (self.pause, self.token_until, self.trying_again) = (Nanos::ZERO, None, false);
        (self.retry_after, self.next, self.permitted) = (None, None, false);
        (self.taken, self.line) = (false, None);
        (self.sent, self.data, self.routed) = (Blocks::default(), Data::default(), false);
    }

    /// The call that a worker executes, or will, and the index of its last instruction.
    pub(crate) fn call(&self) -> Option<(CallIndex, u32)> {
        self.frames.iter().find_map(|f| match f {
            Frame::Call(call, leave) => Some((*call, *leave)),
            _ => None,
        })
    }

    /// Whether it is a task's child, or was one until its parent went on without it.
    pub(crate) fn is_child(&self) -> bool {
        self.number & CHILD != 0
    }

    /// Whether the task is in a block that its loop executes itself.
    pub(crate) fn stays_on_loop(&self) -> bool {
        let stays = |f: &Frame| matches!(f, Frame::OnLoop);
        self.frames.iter().any(stays)
    }

    /// Notes that a part, or a call, is handed to an executor.
    pub(crate) fn is_handed_over(&mut self) {
        self.handed_with = self.frames.len();
        (self.future, self.worker) = (FutureState::Pending, None);
    }

    /// Takes away the blocks that are the worker's; what stays is the coroutine's.
    fn frames_of_worker(&mut self, given_up: GivenUp) -> Vec<Frame> {
        match given_up {
            GivenUp::Call(at) => self.frames.split_off(at),
            GivenUp::Part => {
                let own = self.handed_with.min(self.frames.len());
                let entered = self.frames.split_off(own);
                let around = self.frames.iter().filter_map(|f| f.left_to_worker());
                around.chain(entered).collect()
            }
        }
    }

    /// Index of the first block that is a worker's, of one that executes a part of a coroutine or its call (`parts`), or else the whole task.
    pub(crate) fn workers_from(&self, parts: bool) -> usize {
        if !parts {
            return 0;
        }
        let call = |f: &Frame| matches!(f, Frame::Call(..));
        let called = self.frames.iter().position(call).map(|at| at + 1);
        called.unwrap_or(self.handed_with.min(self.frames.len()))
    }

    /// The blocks that whoever executes the task has entered: in a call those of the call, otherwise all; and the number of those before.
    pub(crate) fn own_frames(&self) -> (usize, &[Frame]) {
        let call = |f: &Frame| matches!(f, Frame::Call(..));
        let before = self.frames.iter().rposition(call).map_or(0, |at| at + 1);
        (before, &self.frames[before..])
    }
}

/// The tasks in flight; the slots of ended tasks are reused.
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
            patience: 0,
            sizes: 0,
            born: 0,
            arrival,
            trace: 0,
            demand: 0,
            counted: true,
            child_counts: false,
            frames,
            since: arrival,
            timer: 0,
            wait: None,
            node: NodeIndex::from(0),
            before: None,
            routed: false,
            copy: CopyIndex::from(0),
            parent: None,
            children: 0,
            youngest: None,
            siblings: [None; 2],
            need: None,
            joiner: None,
            interrupt: None,
            handed_with: 0,
            future: FutureState::Pending,
            worker: None,
            abandoned: false,
            pause: Nanos::ZERO,
            token_until: None,
            trying_again: false,
            retry_after: None,
            ending: TaskEnd::Done,
            payload: 0,
            sent: Blocks::default(),
            data: Data::default(),
            permitted: false,
            admitted: false,
            line: None,
            taken: false,
            request: None,
            gone: false,
            next: None,
            lost: false,
            live: true,
        };
        if let Some(k) = key {
            self.slots[k] = task;
            k
        } else {
            self.slots.push_and_get_key(task)
        }
    }

    /// Adds a child of a task, which waits for it.
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

    /// Parts a coroutine from the call that it gives up, or from a part of itself. The call keeps the key, by which its executor knows it; returns
    /// the coroutine's new one.
    pub(crate) fn part_from_call(&mut self, key: TaskKey, given_up: GivenUp) -> TaskKey {
        let Task {
            number,
            class,
            arrival,
            ..
        } = self[key];
        let new = self.insert(number, class, arrival);
        let worker_has = self[key].frames_of_worker(given_up);
        let given_up = &mut self[key];
        let coroutine = Task {
            frames: std::mem::replace(&mut given_up.frames, worker_has),
            need: None,
            data: Data {
                received: std::mem::take(&mut given_up.data.received),
                ..Data::default()
            },
            wait: None,
            payload: 0,
            sent: Blocks::default(),
            worker: None,
            ..*given_up
        };
        given_up.abandoned = true;
        given_up.handed_with = 0;
        // What it still draws is not what the coroutine draws.
        given_up.draws |= 1 << 31;
        given_up.patience |= 1 << 31;
        given_up.sizes |= 1 << 31;
        given_up.wait = None;
        given_up.interrupt = None;
        given_up.permitted = false;
        given_up.routed = false;
        (given_up.admitted, given_up.line, given_up.request) = (false, None, None);
        (given_up.counted, given_up.child_counts) = (false, false);
        let (parent, [older, younger]) = (given_up.parent.take(), given_up.siblings);
        given_up.siblings = [None; 2];
        self[new] = coroutine;
        if let Some(parent) = parent {
            match younger {
                Some(younger) => self[younger].siblings[0] = Some(new),
                None => self[parent].youngest = Some(new),
            }
            if let Some(older) = older {
                self[older].siblings[1] = Some(new);
            }
        }
        new
    }

    /// Parts a child from its parent, who goes on without it.
    pub(crate) fn part_from_parent(&mut self, key: TaskKey) {
        self.leave_siblings(key);
        let child = &mut self[key];
        (child.parent, child.siblings) = (None, [None; 2]);
        child.abandoned = true;
    }

    /// The children of a task that are not over, oldest first.
    pub(crate) fn children(&self, parent: TaskKey) -> Vec<TaskKey> {
        let youngest = self[parent].youngest;
        let mut all: Vec<TaskKey> =
            std::iter::successors(youngest, |&k| self[k].siblings[0]).collect();
        all.reverse();
        all
    }

    pub(crate) fn remove(&mut self, key: TaskKey) {
        self.leave_siblings(key);
        self.slots[key].live = false;
        self.alive -= 1;
        self.free.push(key);
    }

    /// Takes a child out of the line of its parent's children.
    fn leave_siblings(&mut self, key: TaskKey) {
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
    }

    /// The tasks of the message that begins with this one: a chunk of a `multiprocessing.Pool`, otherwise this task alone.
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
