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
    /// A worker process of a server ends at once (SIGKILL, a segmentation fault), with all that it has taken in. Its master starts another.
    Crash {
        /// Which of the workers that are there, from 0, by when they were started; `None`: one of them at random.
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
            FaultKind::Crash { worker } => FaultKind::Crash { worker },
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
            Self::Slow { lasts, .. } | Self::Down { lasts, .. } => Some(lasts),
            Self::Crash { .. } => None,
        }
    }

    /// The device that it is about.
    #[must_use]
    pub fn device(self) -> Option<DeviceId> {
        match self {
            Self::Slow { device, .. } | Self::Down { device, .. } => Some(device),
            Self::Crash { .. } => None,
        }
    }

    /// Whether it ends a process.
    #[must_use]
    pub fn kills(self) -> bool {
        match self {
            Self::Crash { .. } => true,
            Self::Slow { .. } | Self::Down { .. } => false,
        }
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
