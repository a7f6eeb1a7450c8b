//! Simulated threads: a script of acts, the state of its execution, and the role that refills it.

use std::collections::VecDeque;

use super::act::{Act, Outside, Releasing};
use super::arena::Blocks;
use super::wait::Wait;
use crate::cpython::index::{ClassIndex, DomainIndex, GilIndex, NO_GIL, ProcessIndex, TaskKey};
use crate::cpython::role::ThreadRole;
use crate::engine::Nanos;
use crate::machine::Tid;

/// Relation of a thread to its GIL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Has to take the GIL before it goes on.
    WantGil,
    /// Holds the GIL, or the build has none.
    Go,
    /// Has released the GIL, or is about to, and does this next.
    Detached(Outside),
}

/// Why a thread is blocked, which decides what its timer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocked {
    /// Not blocked, or not in one of the ways below.
    No,
    /// Waits in the condition variable of the GIL.
    Gil,
    /// Sleeps for a set time.
    Sleep,
    /// Is parked, until unparked or timed out.
    Park,
    /// Was asked to release the GIL, and waits until another thread has taken it (forced switch).
    Forced,
    /// Waits until a stopped world goes on.
    World,
    /// Waits for the others of its team.
    Team,
}

/// The interpreter that a thread lives in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InterpreterRef {
    /// Its process.
    pub(crate) process: ProcessIndex,
    /// Its GIL; [`NO_GIL`] on free-threaded builds.
    pub(crate) gil: GilIndex,
    /// Its lock domain: one set of the program's locks and one collector.
    pub(crate) domain: DomainIndex,
}

/// A simulated thread.
pub(crate) struct Thread {
    pub(crate) role: ThreadRole,
    /// Its process.
    pub(crate) process: ProcessIndex,
    /// Its position in the process's list of threads.
    pub(crate) place: usize,
    /// Its number among threads of its kind, as its name shows it.
    pub(crate) serial: u32,
    /// Its GIL; [`NO_GIL`] on free-threaded builds.
    pub(crate) gil: GilIndex,
    /// Its lock domain: threads of one interpreter share their locks.
    pub(crate) domain: DomainIndex,
    pub(crate) phase: Phase,
    /// Set while another thread sleeps on the mutex of this GIL, which this thread holds to the end of its present burst; the time is what
    /// it burns after that.
    pub(crate) unlocks: Option<(GilIndex, Nanos)>,
    pub(crate) blocked: Blocked,
    /// What it waits for, or was woken for and has not taken yet.
    pub(crate) wait: Option<Wait>,
    /// What is left of a burst that a drop request cut short.
    pub(crate) rest: Nanos,
    /// Whether it is in a C call that keeps the GIL.
    pub(crate) in_c: bool,
    /// Set while one burst stands for all of these stretches and releases, because nobody waits for the GIL.
    pub(crate) unwatched: Option<Releasing>,
    /// Whether its burst is spent on pickling; maintained only if the run is recorded.
    pub(crate) pickling: bool,
    /// Whether it was unparked before it parked: its next park then ends at once.
    pub(crate) permit: bool,
    pub(crate) timed_out: bool,
    /// Since when it has waited for the GIL; `Nanos::MAX` if it does not.
    pub(crate) asked: Nanos,
    /// Number of forced switches of its GIL when that wait began.
    pub(crate) forces: u64,
    /// Whether it wants the GIL because it returned from outside, rather than because it was forced to release it.
    pub(crate) returned: bool,
    /// How long it waited for the GIL that it holds, and for which class of tasks; set if it returned from outside and a holder was forced
    /// to release the GIL meanwhile.
    pub(crate) convoyed: Option<(Nanos, ClassIndex)>,
    /// Switch number of the GIL when the present interval of its wait began.
    pub(crate) seen: u64,
    pub(crate) script: VecDeque<Act>,
    /// The task that it executes.
    pub(crate) task: Option<TaskKey>,
    /// The class of that task.
    pub(crate) class: ClassIndex,
    /// When the worker had booted.
    pub(crate) up: Nanos,
    /// Calls that the worker process has received.
    pub(crate) calls: u32,
    /// When the worker process was last free for another call.
    pub(crate) free: Nanos,
    /// Payload in bytes of the call that the worker process (or feeder thread) holds.
    pub(crate) call_bytes: u64,
    /// Bytes that the worker process frees once its result is sent: the pickle, and the containers and blocks that it was made of.
    pub(crate) result_bytes: (u64, (u64, Blocks)),
    /// The item handed to it while it was parked.
    pub(crate) handed: Option<TaskKey>,
    /// The other threads of its native code, and how many of them have not done their share of the present call.
    pub(crate) team: Vec<Tid>,
    pub(crate) team_left: u32,
    /// The thread of its team for whose share it waits, where it waits for one after another.
    pub(crate) awaits: Option<Tid>,
    /// The arena of its process that it allocates from; `None` until it allocates.
    pub(crate) arena: Option<u32>,
}

impl Thread {
    pub(crate) fn new(role: ThreadRole, home: InterpreterRef, serial: u32) -> Self {
        Self {
            role,
            process: home.process,
            place: 0,
            serial,
            gil: home.gil,
            domain: home.domain,
            phase: Phase::WantGil,
            unlocks: None,
            blocked: Blocked::No,
            wait: None,
            rest: Nanos::ZERO,
            in_c: false,
            unwatched: None,
            pickling: false,
            permit: false,
            timed_out: false,
            asked: Nanos::MAX,
            forces: 0,
            returned: false,
            convoyed: None,
            seen: 0,
            script: VecDeque::new(),
            task: None,
            class: ClassIndex::from(0),
            up: Nanos::ZERO,
            calls: 0,
            free: Nanos::ZERO,
            call_bytes: 0,
            result_bytes: (0, (0, Blocks::default())),
            handed: None,
            team: Vec::new(),
            team_left: 0,
            awaits: None,
            arena: None,
        }
    }

    /// The class of the task that it executes; `None` if it executes none.
    #[inline]
    pub(crate) fn counts_for(&self) -> Option<ClassIndex> {
        self.task.map(|_| self.class)
    }

    /// The GIL of its own sub-interpreter; `None` if it has only that of its process.
    pub(crate) fn interpreter_gil(&self) -> Option<GilIndex> {
        match self.role {
            ThreadRole::InterpWorker(_, own, _) if own != NO_GIL => Some(own),
            _ => None,
        }
    }
}
