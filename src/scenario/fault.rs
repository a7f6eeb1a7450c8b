//! What goes wrong, at a time or at a rate: dependencies that slow down or stop, workers that crash.

use super::{DeviceId, Dist};
use crate::engine::Nanos;

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What it is.
    pub kind: FaultKind,
    /// When it happens.
    pub when: FaultTime,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultKind {
    /// A device is slower for a while: whoever is served or comes meanwhile.
    Slow {
        /// Which device.
        device: DeviceId,
        /// How many times as long everything takes, above 1.
        factor: f64,
        /// For how long, above 0.
        lasts: Nanos,
    },
    /// A device does nothing for a while. Whoever uses it or comes meanwhile waits, and goes on where it was.
    Down {
        /// Which device.
        device: DeviceId,
        /// For how long, above 0.
        lasts: Nanos,
    },
    /// A process ends at once (SIGKILL, a segmentation fault), with all that it has taken in: a worker of a server, whose master starts another; without a
    /// master a worker of a process pool, which breaks (`ProcessPoolExecutor`) or replaces it (`multiprocessing.Pool`); else the program itself.
    Crash {
        /// Which of the workers that are there, from 0, by when they were started; `None`: one of them at random.
        worker: Option<u32>,
    },
    /// A machine of several is gone at once (power, host, network), with all that runs on it. Nobody is told: the balancer finds out by its
    /// checks.
    MachineLost {
        /// Which machine, from 0; `None`: one of those that are there at random.
        machine: Option<u32>,
        /// After which time it is back, and boots its program, above 0; `None`: it is gone for good.
        lasts: Option<Nanos>,
    },
    /// A process is asked to end (SIGTERM). A worker of a server takes in nothing more, finishes what it has, and ends; its master starts another. All
    /// others have no handler of the signal, and end at once as by a [crash](Self::Crash).
    Terminate {
        /// As of a crash.
        worker: Option<u32>,
        /// The time after which whoever has asked kills it, above 0; `None`: it has all the time that it needs.
        grace: Option<Nanos>,
    },
    /// A process collects garbage for so long: whoever executes bytecode next in it does, keeps the GIL and burns its core; on a free-threaded build all threads
    /// of the process stop meanwhile.
    Pause {
        /// As of a crash.
        worker: Option<u32>,
        /// For how long, above 0: CPU time of the thread that collects.
        lasts: Nanos,
    },
    /// A process is interrupted (SIGINT, `Process.interrupt` of 3.14): `KeyboardInterrupt` wherever its main thread is. A `ProcessPoolExecutor` sends
    /// that back as the exception of the call, and breaks if its worker was between two; a worker of a `multiprocessing.Pool` ends and is replaced.
    /// Workers of servers end as those understand the signal.
    Interrupt {
        /// As of a crash.
        worker: Option<u32>,
    },
}

impl Fault {
    /// The same with all times multiplied by `factor`.
    #[must_use]
    pub(crate) fn scaled(&self, factor: f64) -> Self {
        let kind = match self.kind {
            FaultKind::Slow {
                device,
                factor: slower,
                lasts,
            } => FaultKind::Slow {
                device,
                factor: slower,
                lasts: lasts.scale(factor),
            },
            FaultKind::Down { device, lasts } => FaultKind::Down {
                device,
                lasts: lasts.scale(factor),
            },
            FaultKind::Pause { worker, lasts } => FaultKind::Pause {
                worker,
                lasts: lasts.scale(factor),
            },
            FaultKind::Crash { .. } | FaultKind::Interrupt { .. } => self.kind,
            FaultKind::MachineLost { machine, lasts } => FaultKind::MachineLost {
                machine,
                lasts: lasts.map(|lasts| lasts.scale(factor)),
            },
            FaultKind::Terminate { worker, grace } => FaultKind::Terminate {
                worker,
                grace: grace.map(|grace| grace.scale(factor)),
            },
        };
        let when = match &self.when {
            FaultTime::At(at) => FaultTime::At(at.scale(factor)),
            FaultTime::Every(interval) => FaultTime::Every(interval.scaled(factor)),
        };
        Self { kind, when }
    }
}

impl FaultKind {
    /// For how long it lasts; `None` for what happens at an instant.
    #[must_use]
    pub fn lasts(self) -> Option<Nanos> {
        match self {
            Self::Slow { lasts, .. } | Self::Down { lasts, .. } | Self::Pause { lasts, .. } => {
                Some(lasts)
            }
            Self::MachineLost { lasts, .. } => lasts,
            Self::Crash { .. } | Self::Terminate { .. } | Self::Interrupt { .. } => None,
        }
    }

    /// Whether it takes a whole machine.
    #[must_use]
    pub fn takes_machine(self) -> bool {
        match self {
            Self::MachineLost { .. } => true,
            Self::Crash { .. }
            | Self::Terminate { .. }
            | Self::Interrupt { .. }
            | Self::Pause { .. }
            | Self::Slow { .. }
            | Self::Down { .. } => false,
        }
    }

    /// The device that it is about.
    #[must_use]
    pub fn device(self) -> Option<DeviceId> {
        match self {
            Self::Slow { device, .. } | Self::Down { device, .. } => Some(device),
            Self::Crash { .. }
            | Self::Terminate { .. }
            | Self::Interrupt { .. }
            | Self::Pause { .. }
            | Self::MachineLost { .. } => None,
        }
    }

    /// Which process it is about, by its number among those that it may strike; `None` in it: one of them at random. `None` if it strikes none.
    #[expect(
        clippy::option_option,
        reason = "one that is drawn is something else than none"
    )]
    #[must_use]
    pub(crate) fn victim(self) -> Option<Option<u32>> {
        match self {
            Self::Crash { worker }
            | Self::Terminate { worker, .. }
            | Self::Interrupt { worker }
            | Self::Pause { worker, .. } => Some(worker),
            Self::Slow { .. } | Self::Down { .. } | Self::MachineLost { .. } => None,
        }
    }

    /// The machine that it takes, if one is named.
    #[must_use]
    pub fn machine(self) -> Option<u32> {
        match self {
            Self::MachineLost { machine, .. } => machine,
            Self::Crash { .. }
            | Self::Terminate { .. }
            | Self::Interrupt { .. }
            | Self::Pause { .. }
            | Self::Slow { .. }
            | Self::Down { .. } => None,
        }
    }

    /// Whether it ends processes: one, or all of a machine.
    #[must_use]
    pub(crate) fn ends_processes(self) -> bool {
        self.kills() || self.takes_machine()
    }

    /// Whether it ends a single process.
    #[must_use]
    pub fn kills(self) -> bool {
        match self {
            Self::Crash { .. } | Self::Terminate { .. } | Self::Interrupt { .. } => true,
            Self::Slow { .. }
            | Self::Down { .. }
            | Self::Pause { .. }
            | Self::MachineLost { .. } => false,
        }
    }

    /// Whether somebody may wait for its end: of a collection the one who makes it does, and knows of no fault.
    #[must_use]
    pub(crate) fn holds_others_up(self) -> bool {
        self.device().is_some() || self.takes_machine()
    }

    /// Whether it strikes a process or a machine, and may find none.
    #[must_use]
    pub(crate) fn may_miss(self) -> bool {
        self.victim().is_some() || self.takes_machine()
    }
}

/// When a fault happens.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultTime {
    /// Once, at this instant.
    At(Nanos),
    /// Again and again: so long after the start, and after the end of the one before.
    Every(Dist),
}
