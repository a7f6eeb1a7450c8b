//! Simulated threads: a script of acts, where it stands, and who refills it.

use std::collections::VecDeque;

use super::act::{Act, Outside, Releasing};
use super::wait::Wait;
use crate::cpython::index::{ClassIndex, DomainIndex, GilIndex, NO_GIL, ProcessIndex, TaskKey};
use crate::cpython::role::ThreadRole;
use crate::engine::Nanos;

/// Where a thread stands with its GIL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Has to take the GIL before it goes on.
    WantGil,
    /// Holds it (or there is none).
    Go,
    /// Has let it go, or is about to, and does this next.
    Detached(Outside),
}

/// Where a thread is blocked, and so what its timer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocked {
    /// Not blocked, or nothing special.
    No,
    /// In the GIL's condition variable.
    Gil,
    /// In a timed sleep.
    Sleep,
    /// Parked.
    Park,
    /// Asked to leave the GIL, waits until another has it.
    Forced,
    /// Waits for a stopped world to go on.
    World,
}

/// The interpreter that a thread lives in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InterpreterRef {
    /// Its process: place in the table of processes.
    pub(crate) process: ProcessIndex,
    /// Its GIL; [`NO_GIL`] on free-threaded builds.
    pub(crate) gil: GilIndex,
    /// Its lock domain: one set of the program's locks and one collector.
    pub(crate) domain: DomainIndex,
}

pub(crate) struct Thread {
    pub(crate) role: ThreadRole,
    /// Its process: place in the table of processes.
    pub(crate) process: ProcessIndex,
    /// Its place among the threads of that.
    pub(crate) place: usize,
    /// Which of its kind it is, as its name counts.
    pub(crate) serial: u32,
    /// Its GIL; [`NO_GIL`] in a free-threaded process.
    pub(crate) gil: GilIndex,
    /// Lock domain: threads of one process (or interpreter) share their locks.
    pub(crate) domain: DomainIndex,
    pub(crate) phase: Phase,
    /// Another thread waits for the mutex of this GIL, which it holds to the end of its present burst; what it burns after that.
    pub(crate) unlocks: Option<(GilIndex, Nanos)>,
    pub(crate) blocked: Blocked,
    /// What it waits for, or was called for and has not got yet.
    pub(crate) wait: Option<Wait>,
    /// What is left of a run that a drop request cut short.
    pub(crate) rest: Nanos,
    /// In a C call that keeps the GIL.
    pub(crate) in_c: bool,
    /// What it burns stands for all of this, since nobody waits for the GIL that it would give up.
    pub(crate) unwatched: Option<Releasing>,
    /// What it burns is spent on pickling; kept where that is recorded.
    pub(crate) pickling: bool,
    /// Unparked before it parked.
    pub(crate) permit: bool,
    pub(crate) timed_out: bool,
    /// Since when it has wanted the GIL in vain; `Nanos::MAX`: it does not.
    pub(crate) asked: Nanos,
    /// How often the GIL's holder had been made to leave when it began to want it.
    pub(crate) forces: u64,
    /// It wants the GIL because it comes back from outside, not because it was made to leave.
    pub(crate) returned: bool,
    /// How long it waited for the GIL that it holds, and for which class of tasks, if it came back from outside and the holder was
    /// made to leave meanwhile.
    pub(crate) convoyed: Option<(Nanos, ClassIndex)>,
    /// Switch number seen when its wait for the GIL began.
    pub(crate) seen: u64,
    pub(crate) script: VecDeque<Act>,
    /// The task that it runs.
    pub(crate) task: Option<TaskKey>,
    /// The class that this was submitted as.
    pub(crate) class: ClassIndex,
    /// When the worker was up.
    pub(crate) up: Nanos,
    /// When a worker process was last free for another call.
    pub(crate) free: Nanos,
    /// Payload of the call that a worker process (or a feeder) holds.
    pub(crate) call_bytes: u64,
    /// What a worker process lets go when its result has been sent: the pickle, and the objects it was made of.
    pub(crate) result_bytes: (u64, u64),
    /// Item handed over while it was parked.
    pub(crate) handed: Option<TaskKey>,
    /// Its process's arena that it allocates from, once it has.
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
            free: Nanos::ZERO,
            call_bytes: 0,
            result_bytes: (0, 0),
            handed: None,
            arena: None,
        }
    }

    /// The class of the task that it runs.
    #[inline]
    pub(crate) fn counts_for(&self) -> Option<ClassIndex> {
        self.task.map(|_| self.class)
    }

    /// The GIL of its own interpreter, if it has one that is not its process's.
    pub(crate) fn interpreter_gil(&self) -> Option<GilIndex> {
        match self.role {
            ThreadRole::InterpWorker(_, own, _) if own != NO_GIL => Some(own),
            _ => None,
        }
    }
}
