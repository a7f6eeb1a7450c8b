//! What goes wrong or is done to a running program, at a time or at a rate: dependencies that slow down or stop, workers that crash, servers that are
//! restarted.

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
    /// A server is restarted while it serves, as for a new version of the application. Of several machines one after another is taken out of the
    /// balancer, drained, stopped and started anew (a rolling update of Kubernetes). On one machine the master replaces its workers: one that forks
    /// them starts all new ones, then asks the old ones to end (SIGHUP of gunicorn, `arbiter.py: reload`); one that spawns them starts
    /// one after another, each of which has 5 s until it serves, and only then asks an old one to end and waits until it has (SIGHUP of uvicorn 0.54,
    /// `multiprocess.py: restart_all`).
    Restart {
        /// The time after which a worker, or a machine that is drained, is killed with what it still has, above 0; `None`: of a machine
        /// [`TERMINATION_GRACE`], of a worker all the time that it needs.
        grace: Option<Nanos>,
        /// How machines are replaced.
        rollout: Rollout,
    },
}

/// How long a machine that is stopped has for what it has taken in, unless something else is said: `terminationGracePeriodSeconds` of
/// Kubernetes.
pub const TERMINATION_GRACE: Nanos = Nanos::from_secs(30);

/// How machines are replaced by a rolling update (`strategy.rollingUpdate` of a Kubernetes deployment).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// Most machines that may be missing at a time of those that should serve (`maxUnavailable`).
    pub max_unavailable: u32,
    /// Most machines that there may be at a time beyond those that should be (`maxSurge`). Machines that are being drained do not count.
    pub max_surge: u32,
    /// From when a machine is asked for until its program starts.
    pub boot: Nanos,
}

impl Default for Rollout {
    /// One machine at a time, in its place, and at once.
    fn default() -> Self {
        Self {
            max_unavailable: 1,
            max_surge: 0,
            boot: Nanos::ZERO,
        }
    }
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
            FaultKind::Restart { grace, rollout } => FaultKind::Restart {
                grace: grace.map(|grace| grace.scale(factor)),
                rollout: Rollout {
                    boot: rollout.boot.scale(factor),
                    ..rollout
                },
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
    /// What happens, in a few words, where devices go by these names: "`db` is down".
    pub(crate) fn words(self, device: impl Fn(DeviceId) -> String) -> String {
        let of = |what: &str, worker: Option<u32>| match worker {
            Some(n) => format!("{what} worker {n}"),
            None => format!("{what} a worker"),
        };
        match self {
            Self::Slow {
                device: d, factor, ..
            } => format!("`{}` takes {factor} times as long", device(d)),
            Self::Down { device: d, .. } => format!("`{}` is down", device(d)),
            Self::Crash { worker } => of("SIGKILL of", worker),
            Self::Terminate { worker, .. } => of("SIGTERM to", worker),
            Self::Interrupt { worker } => of("SIGINT to", worker),
            Self::Pause { worker, .. } => of("a collection in", worker),
            Self::MachineLost { machine, .. } => match machine {
                Some(n) => format!("machine {n} is lost"),
                None => "a machine is lost".into(),
            },
            Self::Restart { .. } => "a restart".into(),
        }
    }

    /// For how long it lasts; `None` for what happens at an instant.
    #[must_use]
    pub fn lasts(self) -> Option<Nanos> {
        match self {
            Self::Slow { lasts, .. } | Self::Down { lasts, .. } | Self::Pause { lasts, .. } => {
                Some(lasts)
            }
            Self::MachineLost { lasts, .. } => lasts,
            Self::Crash { .. }
            | Self::Terminate { .. }
            | Self::Interrupt { .. }
            | Self::Restart { .. } => None,
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
            | Self::Restart { .. }
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
            | Self::Restart { .. }
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
            Self::Slow { .. }
            | Self::Down { .. }
            | Self::Restart { .. }
            | Self::MachineLost { .. } => None,
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
            | Self::Restart { .. }
            | Self::Slow { .. }
            | Self::Down { .. } => None,
        }
    }

    /// Whether it ends processes: one, or all of a machine.
    #[must_use]
    pub(crate) fn ends_processes(self) -> bool {
        self.kills() || self.takes_machine() || self.rollout().is_some()
    }

    /// How it has machines replaced; `None` if it restarts nothing.
    #[must_use]
    pub fn rollout(self) -> Option<Rollout> {
        match self {
            Self::Restart { rollout, .. } => Some(rollout),
            Self::Crash { .. }
            | Self::Terminate { .. }
            | Self::Interrupt { .. }
            | Self::Pause { .. }
            | Self::MachineLost { .. }
            | Self::Slow { .. }
            | Self::Down { .. } => None,
        }
    }

    /// The time after which what it asks to end is killed; `None`: never, or it asks nobody.
    #[must_use]
    pub(crate) fn grace(self) -> Option<Nanos> {
        match self {
            Self::Restart { grace, .. } | Self::Terminate { grace, .. } => grace,
            Self::Crash { .. }
            | Self::Interrupt { .. }
            | Self::Pause { .. }
            | Self::MachineLost { .. }
            | Self::Slow { .. }
            | Self::Down { .. } => None,
        }
    }

    /// Whether it ends a single process.
    #[must_use]
    pub fn kills(self) -> bool {
        match self {
            Self::Crash { .. } | Self::Terminate { .. } | Self::Interrupt { .. } => true,
            Self::Slow { .. }
            | Self::Down { .. }
            | Self::Pause { .. }
            | Self::Restart { .. }
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
