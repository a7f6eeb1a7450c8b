//! Findings: what went wrong in a run, or nearly did.

use serde::{Deserialize, Serialize};

use crate::engine::{Nanos, Total, seconds};

/// Stands in [`Finding::Rejections`] for the scenario's admission rule.
pub(crate) const ADMISSION: &str = "admission";

/// A problem that a run has met. In JSON it is an object tagged with its `kind`, and times are in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Finding {
    /// Deadlock: no event is left, yet tasks are unfinished.
    Deadlock {
        /// When the last event happened.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
        /// One line of text for each of the first few blocked threads or tasks.
        waiting: Vec<String>,
        /// What the blocked tasks wait for; not part of the JSON.
        #[serde(skip)]
        on: Vec<WaitReason>,
    },
    /// Memory in use passed the machine's limit.
    OutOfMemory {
        /// When it did.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
        /// Memory in use then, in bytes.
        #[serde(rename = "memory_bytes")]
        bytes: u64,
    },
    /// One callback blocked an event loop for a long time.
    BlockedLoop {
        /// When it began.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
        /// How long the loop could do nothing else.
        #[serde(rename = "lasted_s", with = "seconds")]
        lasted: Nanos,
    },
    /// Convoy effect: threads that came back from outside (I/O, a park, native code) and needed the GIL for less than a switch interval
    /// waited until its holder was forced to release it. Reported where that happened often and took a good part of the tasks' time, for
    /// the class of tasks that lost most.
    Convoy {
        /// Name of the class of tasks.
        task: String,
        /// Number of such returns.
        times: u64,
        /// Total time that they waited for the GIL.
        #[serde(rename = "waited_s", with = "seconds")]
        waited: Total,
        /// Time of all tasks of the class from arrival to end.
        #[serde(rename = "of_s", with = "seconds")]
        of: Total,
    },
    /// Tasks of free-threaded builds spun on a core for a good part of their time, waiting for the cache line or lock of an object that
    /// others accessed too. Reported for the pair of object and class of tasks that lost most.
    ContendedObject {
        /// Name of the object.
        object: String,
        /// Name of the class of tasks.
        task: String,
        /// Total time for which its tasks waited for the object.
        #[serde(rename = "waited_s", with = "seconds")]
        waited: Total,
        /// Time of all tasks of the class from arrival to end. In a batch the wait for a worker or permit is left out, since that grows
        /// with the size of the batch.
        #[serde(rename = "of_s", with = "seconds")]
        of: Total,
    },
    /// Tasks waited for a good part of their time for a resource that others used. Reported for the pair of resource and class of tasks that
    /// lost most.
    ScarceResource {
        /// Name of the resource.
        resource: String,
        /// Name of the class of tasks.
        task: String,
        /// Total time for which its tasks waited for the resource.
        #[serde(rename = "waited_s", with = "seconds")]
        waited: Total,
        /// Time of all tasks of the class from arrival to end, as for a contended object.
        #[serde(rename = "of_s", with = "seconds")]
        of: Total,
    },
    /// Transfers took longer, for a good part of their tasks' time, because others used the device as well. Reported for the pair of device and
    /// class of tasks that lost most.
    BusyDevice {
        /// Name of the device.
        device: String,
        /// Name of the class of tasks.
        task: String,
        /// Share (0 to 1) of the device that was in use, on average over the run.
        busy: f64,
        /// Total time that its tasks lost so.
        #[serde(rename = "waited_s", with = "seconds")]
        waited: Total,
        /// Time of all tasks of the class from arrival to end, as for a contended object.
        #[serde(rename = "of_s", with = "seconds")]
        of: Total,
    },
    /// Futile wake-ups: threads were woken because another released the GIL for a moment, and found it taken again. Reported for the class
    /// of tasks whose releases woke most threads in vain.
    FutileWakeups {
        /// Name of the class of tasks that released the GIL.
        task: String,
        /// Number of futile wake-ups.
        times: u64,
    },
    /// Tasks asked for a resource of which nothing was left, and were rejected. Reported for the pair of resource and class of tasks that was
    /// rejected most often, if that was a good part of how often they asked.
    Rejections {
        /// Name of the resource.
        resource: String,
        /// Name of the class of tasks.
        task: String,
        /// Number of rejections.
        times: u64,
        /// How often its tasks asked.
        asked: u64,
    },
    /// Connections found the queue of a server's listening socket full, and were asked for again after a second or more.
    FullBacklog {
        /// Number of these connections.
        connections: u64,
        /// Number of all tasks that arrived.
        of: u64,
        /// How many of these connections were given up in the end.
        given_up: u64,
        /// How many of these connections had a place in the queue later; not in older results.
        #[serde(default)]
        got_in: u64,
        /// How long after they had come those had their places, in all.
        #[serde(rename = "waited_s", with = "seconds")]
        waited: Total,
        /// Connections that the queue holds.
        holds: u64,
        /// Most connections that waited at once, those in the queue included.
        most: u64,
    },
    /// A server's workers were killed because they had been silent for longer than its time-out.
    KilledWorkers {
        /// When the first was.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
        /// The time-out.
        #[serde(rename = "timeout_s", with = "seconds")]
        timeout: Nanos,
        /// Number of workers.
        workers: u64,
        /// Number of tasks that they had taken in, all of which failed.
        tasks: u64,
    },
    /// Workers of a server crashed, because the scenario has that fault.
    CrashedWorkers {
        /// When the first did.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
        /// Number of workers.
        workers: u64,
        /// Number of tasks that they had taken in, all of which failed.
        tasks: u64,
        /// How long after the first crash a worker that was started since then had answered a request; zero if none has.
        #[serde(default, rename = "back_s", with = "seconds")]
        back: Nanos,
    },
    /// Workers of a `ProcessPoolExecutor` crashed, because the scenario has that fault, and it broke: all its calls fail, then and later.
    BrokenPool {
        /// When the first crashed.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
        /// Number of workers that crashed.
        workers: u64,
        /// Tasks, or parts of tasks, that were pending in a pool when it broke.
        pending: u64,
        /// Tasks, or parts of tasks, that were submitted to a broken pool.
        refused: u64,
    },
    /// Workers of a `multiprocessing.Pool` crashed, because the scenario has that fault, and were replaced; what they had been given is lost.
    LostTasks {
        /// When the first crashed.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
        /// Number of workers that crashed.
        workers: u64,
        /// Tasks whose results nobody will ever get.
        tasks: u64,
        /// Whether a worker had a lock of the pool's pipes, so that the pool hangs.
        hangs: bool,
    },
    /// Machines were lost, because the scenario has that fault, with all that they had taken in.
    LostMachines {
        /// When the first was.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
        /// How often a machine was.
        times: u64,
        /// Requests that failed with one of them, or were sent there before the balancer knew.
        failed: u64,
        /// Messages that a broker sent to another machine again.
        sent_again: u64,
        /// Requests that came while the balancer knew of no machine.
        refused: u64,
    },
    /// A server, or several machines, were restarted while they served, because the scenario has that.
    Restarts {
        /// When that began for the first time.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
        /// How often.
        times: u64,
        /// How many of these were given up, or not over at the end of the run.
        unfinished: u64,
        /// How long the longest of the others took, until the last new worker or machine served.
        #[serde(rename = "longest_s", with = "seconds")]
        longest: Nanos,
        /// Workers, or machines, that had not ended in time and were killed.
        killed: u64,
        /// Requests that these still had.
        tasks: u64,
    },
    /// A fault that the scenario has found no process to strike, or would have come once when all was over.
    MissedFault {
        /// When the first did.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
        /// Number of such faults.
        times: u64,
    },
    /// Processes were killed because all together had more memory than there is.
    MemoryKills {
        /// When the first was.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
        /// Number of processes.
        processes: u64,
    },
    /// The only process of the program crashed, because the scenario has that fault, and nobody starts it again.
    ProgramCrashed {
        /// When it did.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
    },
    /// The run was stopped at [`crate::strategy::SimInput::max_events`].
    EventLimit {
        /// When it was stopped.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
    },
    /// The next event lies beyond the last instant that the clock can represent.
    ClockEnd {
        /// When the run ended.
        #[serde(rename = "at_s", with = "seconds")]
        at: Nanos,
    },
    /// The interpreter cannot do what the strategy asks (for example sub-interpreters before 3.14).
    Unsupported {
        /// Reason, as text.
        reason: String,
    },
}

/// What a deadlocked task waits for in vain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitReason {
    /// A lock.
    Lock,
    /// An item of the queue of this name.
    Item(String),
    /// Room in the queue of this name.
    Room(String),
    /// The task's own children.
    Children,
    /// A worker of a pool.
    Worker,
    /// A permit of an event loop's concurrency limit.
    Limit,
    /// Something of the resource of this name.
    Resource(String),
    /// A result that a worker would have sent which has crashed.
    Crashed,
}

/// The kind of a [`Finding`], without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// [`Finding::Deadlock`]
    Deadlock,
    /// [`Finding::OutOfMemory`]
    OutOfMemory,
    /// [`Finding::BlockedLoop`]
    BlockedLoop,
    /// [`Finding::Convoy`]
    Convoy,
    /// [`Finding::ContendedObject`]
    ContendedObject,
    /// [`Finding::ScarceResource`]
    ScarceResource,
    /// [`Finding::BusyDevice`]
    BusyDevice,
    /// [`Finding::FutileWakeups`]
    FutileWakeups,
    /// [`Finding::Rejections`]
    Rejections,
    /// [`Finding::FullBacklog`]
    FullBacklog,
    /// [`Finding::KilledWorkers`]
    KilledWorkers,
    /// [`Finding::CrashedWorkers`]
    CrashedWorkers,
    /// [`Finding::BrokenPool`]
    BrokenPool,
    /// [`Finding::LostTasks`]
    LostTasks,
    /// [`Finding::LostMachines`]
    LostMachines,
    /// [`Finding::Restarts`]
    Restarts,
    /// [`Finding::MissedFault`]
    MissedFault,
    /// [`Finding::MemoryKills`]
    MemoryKills,
    /// [`Finding::ProgramCrashed`]
    ProgramCrashed,
    /// [`Finding::EventLimit`]
    EventLimit,
    /// [`Finding::ClockEnd`]
    ClockEnd,
    /// [`Finding::Unsupported`]
    Unsupported,
}

/// What a finding means for the run that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The run went on to its own end, and its numbers hold.
    Told,
    /// The finding ended the run early.
    Ended,
    /// The run was refused before it began.
    Refused,
}

impl Finding {
    /// Describes a finding, one arm for each kind: its kind, its effect on the run, and its magnitude
    /// for comparison with others of the same kind (a count or nanoseconds; 0 where the kind has no degrees).
    fn about(&self) -> (FindingKind, Effect, u128) {
        use FindingKind as Kind;
        match self {
            Self::Deadlock {
                at: _,
                waiting: _,
                on: _,
            } => (Kind::Deadlock, Effect::Ended, 0),
            Self::OutOfMemory { at: _, bytes: _ } => (Kind::OutOfMemory, Effect::Ended, 0),
            Self::BlockedLoop { at: _, lasted } => {
                let much = u128::from(lasted.0);
                (Kind::BlockedLoop, Effect::Told, much)
            }
            Self::Convoy {
                times: _,
                waited,
                of: _,
                task: _,
            } => (Kind::Convoy, Effect::Told, waited.0),
            Self::ContendedObject {
                object: _,
                task: _,
                waited,
                of: _,
            } => (Kind::ContendedObject, Effect::Told, waited.0),
            Self::ScarceResource {
                resource: _,
                task: _,
                waited,
                of: _,
            } => (Kind::ScarceResource, Effect::Told, waited.0),
            Self::BusyDevice {
                device: _,
                task: _,
                busy: _,
                waited,
                of: _,
            } => (Kind::BusyDevice, Effect::Told, waited.0),
            Self::FutileWakeups { times, task: _ } => {
                (Kind::FutileWakeups, Effect::Told, u128::from(*times))
            }
            Self::Rejections { times, .. } => (Kind::Rejections, Effect::Told, u128::from(*times)),
            Self::FullBacklog { connections, .. } => {
                (Kind::FullBacklog, Effect::Told, u128::from(*connections))
            }
            Self::KilledWorkers { workers, .. } => {
                (Kind::KilledWorkers, Effect::Told, u128::from(*workers))
            }
            Self::CrashedWorkers { workers, .. } => {
                (Kind::CrashedWorkers, Effect::Told, u128::from(*workers))
            }
            Self::BrokenPool {
                workers,
                pending,
                refused,
                ..
            } => {
                let much = u128::from(*workers) + u128::from(*pending) + u128::from(*refused);
                (Kind::BrokenPool, Effect::Told, much)
            }
            // That the pool hangs is worse than any number of tasks.
            Self::LostTasks {
                workers,
                tasks,
                hangs,
                ..
            } => {
                let lost = u128::from(*workers) + u128::from(*tasks);
                let much = lost + (u128::from(*hangs) << 64);
                (Kind::LostTasks, Effect::Told, much)
            }
            Self::LostMachines {
                times,
                failed,
                refused,
                ..
            } => {
                let much = u128::from(*times) + u128::from(*failed) + u128::from(*refused);
                (Kind::LostMachines, Effect::Told, much)
            }
            // What is lost is worse than what takes long.
            Self::Restarts { longest, tasks, .. } => {
                let much = u128::from(longest.0) + (u128::from(*tasks) << 64);
                (Kind::Restarts, Effect::Told, much)
            }
            Self::MissedFault { times, .. } => {
                (Kind::MissedFault, Effect::Told, u128::from(*times))
            }
            Self::MemoryKills { processes, .. } => {
                (Kind::MemoryKills, Effect::Told, u128::from(*processes))
            }
            Self::ProgramCrashed { at: _ } => (Kind::ProgramCrashed, Effect::Ended, 0),
            Self::EventLimit { at: _ } => (Kind::EventLimit, Effect::Ended, 0),
            Self::ClockEnd { at: _ } => (Kind::ClockEnd, Effect::Ended, 0),
            Self::Unsupported { reason: _ } => (Kind::Unsupported, Effect::Refused, 0),
        }
    }

    /// Returns the kind of the finding.
    #[must_use]
    pub(crate) fn kind(&self) -> FindingKind {
        self.about().0
    }

    /// Returns what the finding means for its run.
    #[must_use]
    pub(crate) fn effect(&self) -> Effect {
        self.about().1
    }

    /// What the tasks of a deadlock wait for; empty for any other finding.
    #[must_use]
    pub(crate) fn wait_reasons(&self) -> &[WaitReason] {
        match self {
            Self::Deadlock { on, .. } => on,
            Self::OutOfMemory { .. }
            | Self::BlockedLoop { .. }
            | Self::Convoy { .. }
            | Self::ContendedObject { .. }
            | Self::ScarceResource { .. }
            | Self::BusyDevice { .. }
            | Self::FutileWakeups { .. }
            | Self::EventLimit { .. }
            | Self::Rejections { .. }
            | Self::FullBacklog { .. }
            | Self::KilledWorkers { .. }
            | Self::CrashedWorkers { .. }
            | Self::BrokenPool { .. }
            | Self::LostTasks { .. }
            | Self::LostMachines { .. }
            | Self::Restarts { .. }
            | Self::MissedFault { .. }
            | Self::MemoryKills { .. }
            | Self::ProgramCrashed { .. }
            | Self::ClockEnd { .. }
            | Self::Unsupported { reason: _ } => &[],
        }
    }

    /// How long a callback blocked the event loop; `None` for any other finding.
    #[must_use]
    pub(crate) fn blocked(&self) -> Option<Nanos> {
        match self {
            Self::BlockedLoop { at: _, lasted } => Some(*lasted),
            Self::Deadlock { .. }
            | Self::OutOfMemory { .. }
            | Self::Convoy { .. }
            | Self::ContendedObject { .. }
            | Self::ScarceResource { .. }
            | Self::BusyDevice { .. }
            | Self::FutileWakeups { .. }
            | Self::EventLimit { .. }
            | Self::Rejections { .. }
            | Self::FullBacklog { .. }
            | Self::KilledWorkers { .. }
            | Self::CrashedWorkers { .. }
            | Self::BrokenPool { .. }
            | Self::LostTasks { .. }
            | Self::LostMachines { .. }
            | Self::Restarts { .. }
            | Self::MissedFault { .. }
            | Self::MemoryKills { .. }
            | Self::ProgramCrashed { .. }
            | Self::ClockEnd { .. }
            | Self::Unsupported { reason: _ } => None,
        }
    }

    /// How long after the first crash of a server's worker another had answered, zero if none has; `None` for any other finding.
    #[must_use]
    pub(crate) fn replaced_after(&self) -> Option<Nanos> {
        match self {
            Self::CrashedWorkers { back, .. } => Some(*back),
            Self::Deadlock { .. }
            | Self::OutOfMemory { .. }
            | Self::Convoy { .. }
            | Self::ContendedObject { .. }
            | Self::ScarceResource { .. }
            | Self::BusyDevice { .. }
            | Self::FutileWakeups { .. }
            | Self::EventLimit { .. }
            | Self::Rejections { .. }
            | Self::FullBacklog { .. }
            | Self::KilledWorkers { .. }
            | Self::BlockedLoop { .. }
            | Self::BrokenPool { .. }
            | Self::LostTasks { .. }
            | Self::LostMachines { .. }
            | Self::Restarts { .. }
            | Self::MissedFault { .. }
            | Self::MemoryKills { .. }
            | Self::ProgramCrashed { .. }
            | Self::ClockEnd { .. }
            | Self::Unsupported { reason: _ } => None,
        }
    }

    /// Number of futile wake-ups and the class of tasks that caused them; `None` for any other finding.
    #[must_use]
    pub(crate) fn woken_in_vain(&self) -> Option<(u64, &str)> {
        match self {
            Self::FutileWakeups { times, task } => Some((*times, task)),
            Self::Deadlock { .. }
            | Self::OutOfMemory { .. }
            | Self::BlockedLoop { .. }
            | Self::Convoy { .. }
            | Self::ContendedObject { .. }
            | Self::ScarceResource { .. }
            | Self::BusyDevice { .. }
            | Self::EventLimit { .. }
            | Self::Rejections { .. }
            | Self::FullBacklog { .. }
            | Self::KilledWorkers { .. }
            | Self::CrashedWorkers { .. }
            | Self::BrokenPool { .. }
            | Self::LostTasks { .. }
            | Self::LostMachines { .. }
            | Self::Restarts { .. }
            | Self::MissedFault { .. }
            | Self::MemoryKills { .. }
            | Self::ProgramCrashed { .. }
            | Self::ClockEnd { .. }
            | Self::Unsupported { reason: _ } => None,
        }
    }

    /// Number of returns caught in a convoy, the class of tasks, and their mean wait for the GIL; `None` for any other finding.
    #[must_use]
    pub(crate) fn convoy(&self) -> Option<(u64, &str, Nanos)> {
        match self {
            Self::Convoy {
                times,
                waited,
                of: _,
                task,
            } => Some((*times, task, waited.mean_of(*times))),
            Self::Deadlock { .. }
            | Self::OutOfMemory { .. }
            | Self::BlockedLoop { .. }
            | Self::ContendedObject { .. }
            | Self::ScarceResource { .. }
            | Self::BusyDevice { .. }
            | Self::FutileWakeups { .. }
            | Self::EventLimit { .. }
            | Self::Rejections { .. }
            | Self::FullBacklog { .. }
            | Self::KilledWorkers { .. }
            | Self::CrashedWorkers { .. }
            | Self::BrokenPool { .. }
            | Self::LostTasks { .. }
            | Self::LostMachines { .. }
            | Self::Restarts { .. }
            | Self::MissedFault { .. }
            | Self::MemoryKills { .. }
            | Self::ProgramCrashed { .. }
            | Self::ClockEnd { .. }
            | Self::Unsupported { reason: _ } => None,
        }
    }

    /// The contended object, the class of tasks, and the share (0 to 1) of their time that it cost; `None` for any other finding.
    #[must_use]
    pub fn contended(&self) -> Option<(&str, &str, f64)> {
        self.share_lost(FindingKind::ContendedObject)
    }

    /// The scarce resource, the class of tasks, and the share (0 to 1) of their time that it cost; `None` for any other finding.
    #[must_use]
    pub(crate) fn scarce(&self) -> Option<(&str, &str, f64)> {
        self.share_lost(FindingKind::ScarceResource)
    }

    /// The busy device, the class of tasks, and the share (0 to 1) of their time that it cost; `None` for any other finding.
    #[must_use]
    pub fn slowed(&self) -> Option<(&str, &str, f64)> {
        self.share_lost(FindingKind::BusyDevice)
    }

    /// What tasks waited for, their class, and the share (0 to 1) of their time that it cost, of a finding of this kind.
    fn share_lost(&self, kind: FindingKind) -> Option<(&str, &str, f64)> {
        let (what, task, waited, of) = self.lost_at().filter(|_| self.kind() == kind)?;
        Some((what, task, waited.as_secs_f64() / of.as_secs_f64()))
    }

    /// The contended object, scarce resource or busy device, the class of tasks, their total wait for it, and their total time.
    fn lost_at(&self) -> Option<(&str, &str, Total, Total)> {
        match self {
            Self::ContendedObject {
                object: what,
                task,
                waited,
                of,
            }
            | Self::ScarceResource {
                resource: what,
                task,
                waited,
                of,
            }
            | Self::BusyDevice {
                device: what,
                task,
                busy: _,
                waited,
                of,
            } => Some((what, task, *waited, *of)),
            Self::Deadlock { .. }
            | Self::OutOfMemory { .. }
            | Self::BlockedLoop { .. }
            | Self::Convoy { .. }
            | Self::FutileWakeups { .. }
            | Self::EventLimit { .. }
            | Self::Rejections { .. }
            | Self::FullBacklog { .. }
            | Self::KilledWorkers { .. }
            | Self::CrashedWorkers { .. }
            | Self::BrokenPool { .. }
            | Self::LostTasks { .. }
            | Self::LostMachines { .. }
            | Self::Restarts { .. }
            | Self::MissedFault { .. }
            | Self::MemoryKills { .. }
            | Self::ProgramCrashed { .. }
            | Self::ClockEnd { .. }
            | Self::Unsupported { reason: _ } => None,
        }
    }

    /// Replaces the times of a contended object, a scarce resource or a busy device by the mean share and the mean time of `all` findings about the same
    /// object (or resource) and class, one finding for each replication. The report shows them beside shares by cause, which are means over replications as well: the worst
    /// replication alone would give another number, and so would sums, in which long replications weigh more. Findings of other kinds stay
    /// as they are.
    pub(crate) fn average<'a>(&mut self, all: impl Iterator<Item = &'a Self>) {
        let kind = self.kind();
        match self {
            Self::ContendedObject {
                object: what,
                task,
                waited,
                of,
            }
            | Self::ScarceResource {
                resource: what,
                task,
                waited,
                of,
            }
            | Self::BusyDevice {
                device: what,
                task,
                busy: _,
                waited,
                of,
            } => {
                let lost = all.filter(|f| f.kind() == kind).filter_map(Self::lost_at);
                let same = lost.filter(|(w, t, ..)| (w, t) == (&what.as_str(), &task.as_str()));
                let (count, shares, times) = same.fold((0, 0.0, 0), |(n, s, t), (.., w, of)| {
                    let share = w.as_f64() / of.as_f64().max(1.0);
                    (n + 1_u32, s + share, of.0.saturating_add(t))
                });
                if count > 0 {
                    let mean = times / u128::from(count);
                    *of = Total(mean);
                    *waited = Total(share_of(mean, shares / f64::from(count)));
                }
            }
            Self::Deadlock { .. }
            | Self::OutOfMemory { .. }
            | Self::BlockedLoop { .. }
            | Self::Convoy { .. }
            | Self::FutileWakeups { .. }
            | Self::EventLimit { .. }
            | Self::Rejections { .. }
            | Self::FullBacklog { .. }
            | Self::KilledWorkers { .. }
            | Self::CrashedWorkers { .. }
            | Self::BrokenPool { .. }
            | Self::LostTasks { .. }
            | Self::LostMachines { .. }
            | Self::Restarts { .. }
            | Self::MissedFault { .. }
            | Self::MemoryKills { .. }
            | Self::ProgramCrashed { .. }
            | Self::ClockEnd { .. }
            | Self::Unsupported { reason: _ } => {}
        }
    }

    /// Whether this finding is of the same kind as `other`, and of greater magnitude.
    #[must_use]
    pub(crate) fn is_worse_than(&self, other: &Self) -> bool {
        let ((kind, _, much), (others, _, less)) = (self.about(), other.about());
        kind == others && much > less
    }
}

/// The given share (0 to 1) of a number of nanoseconds, rounded.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates"
)]
fn share_of(whole: u128, share: f64) -> u128 {
    libm::round(Total(whole).as_f64() * share) as u128
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> [Finding; 9] {
        let (at, task) = (Nanos(5), String::from("page"));
        [
            Finding::Deadlock {
                at,
                waiting: Vec::new(),
                on: Vec::new(),
            },
            Finding::OutOfMemory { at, bytes: 1 },
            Finding::BlockedLoop {
                at,
                lasted: Nanos(7),
            },
            Finding::Convoy {
                times: 2,
                waited: Nanos(9).into(),
                of: Nanos(20).into(),
                task: task.clone(),
            },
            Finding::ContendedObject {
                object: "cache".into(),
                task: task.clone(),
                waited: Nanos(9).into(),
                of: Nanos(20).into(),
            },
            Finding::FutileWakeups { times: 3, task },
            Finding::EventLimit { at },
            Finding::ClockEnd { at },
            Finding::Unsupported {
                reason: "why".into(),
            },
        ]
    }

    #[test]
    fn every_finding_is_described() {
        use FindingKind as Kind;
        let expected = [
            (Kind::Deadlock, Effect::Ended),
            (Kind::OutOfMemory, Effect::Ended),
            (Kind::BlockedLoop, Effect::Told),
            (Kind::Convoy, Effect::Told),
            (Kind::ContendedObject, Effect::Told),
            (Kind::FutileWakeups, Effect::Told),
            (Kind::EventLimit, Effect::Ended),
            (Kind::ClockEnd, Effect::Ended),
            (Kind::Unsupported, Effect::Refused),
        ];
        let found = all().map(|f| (f.kind(), f.effect()));
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_told_of_an_object_is_the_mean_of_the_replications() {
        let at = |object: &str, waited, of| Finding::ContendedObject {
            object: object.into(),
            task: "page".into(),
            waited: Nanos(waited).into(),
            of: Nanos(of).into(),
        };
        // 60% and 20%, whichever takes longer.
        let seen = [
            at("cache", 180, 300),
            at("other", 90, 90),
            at("cache", 20, 100),
        ];
        let mut worst = seen[0].clone();
        worst.average(seen.iter());
        assert_eq!(worst, at("cache", 80, 200));
        for mut other in all() {
            let before = other.clone();
            other.average([].iter());
            assert_eq!(other, before);
        }
    }

    #[test]
    fn the_worse_of_a_kind_is_the_one_with_more_of_it() {
        for a in &all() {
            for b in &all() {
                assert!(!a.is_worse_than(b), "{a:?} {b:?}");
            }
        }
        let blocked = |ns| Finding::BlockedLoop {
            at: Nanos::ZERO,
            lasted: Nanos(ns),
        };
        assert!(blocked(8).is_worse_than(&blocked(7)));
        assert!(!blocked(8).is_worse_than(&all()[4]));
        let woken = |times| Finding::FutileWakeups {
            times,
            task: String::new(),
        };
        assert!(woken(4).is_worse_than(&woken(3)));
    }
}
