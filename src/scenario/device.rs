//! Devices of the machine that tasks share: disks, links, a database's CPUs.

use super::Bytes;
use crate::engine::Nanos;
use crate::sync::Sharing;

/// A device that many tasks use at once, one for all processes of the program, or one on each machine.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceSpec {
    /// Name, unique.
    pub name: String,
    /// How those who use it at once slow each other down.
    pub kind: DeviceKind,
    /// Whether each machine has one of its own; otherwise all machines use the same one.
    pub per_node: bool,
}

/// How those who use a device at once slow each other down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// All at once, each with the same share of the rate (processor sharing): of *n* each gets `rate / n / (1 + penalty (n - 1))`, but never
    /// more than `per_stream`.
    Shared {
        /// What it transfers in all, in bytes a second (at least 1).
        rate: Bytes,
        /// What one transfer gets at most, in bytes a second: at least 1, at most `rate`.
        per_stream: Bytes,
        /// What each further transfer costs, in millionths of the time that one takes: seeks of a disk, switching between streams.
        penalty: u32,
    },
    /// So many at a time, each as fast as alone; the others wait in line, first come, first served.
    Station {
        /// How many, at least one.
        servers: u64,
        /// What each server transfers, in bytes a second (at least 1); `None` where work is given in time.
        rate: Option<Bytes>,
    },
}

/// How long so many bytes take at so many bytes a second (at least 1), rounded up to whole nanoseconds.
pub(crate) fn transfer_time(bytes: Bytes, rate: Bytes) -> Nanos {
    let ns = (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(rate.max(1)));
    Nanos(u64::try_from(ns).unwrap_or(u64::MAX))
}

impl DeviceKind {
    /// What one transfer gets if it is alone, in bytes a second; `None` if the device knows no bytes.
    #[must_use]
    pub fn rate_alone(&self) -> Option<Bytes> {
        match self {
            Self::Shared { per_stream, .. } => Some(*per_stream),
            Self::Station { rate, .. } => *rate,
        }
    }

    /// How long a transfer of so many bytes takes if it is alone, rounded up to whole nanoseconds; `None` if the device knows no bytes.
    #[must_use]
    pub fn takes(&self, bytes: Bytes) -> Option<Nanos> {
        Some(transfer_time(bytes, self.rate_alone()?))
    }

    /// How many transfers at once have the speed of one that is alone, if further ones cost nothing.
    #[must_use]
    pub fn at_full_speed(&self) -> f64 {
        match *self {
            Self::Shared {
                rate, per_stream, ..
            } => rate as f64 / per_stream as f64,
            Self::Station { servers, .. } => servers as f64,
        }
    }

    /// Whether the device gets less done the more use it at once.
    #[must_use]
    pub fn further_cost(&self) -> bool {
        match self {
            Self::Shared { penalty, .. } => *penalty > 0,
            Self::Station { .. } => false,
        }
    }

    /// How its users share it.
    pub(crate) fn sharing(&self) -> Sharing {
        match *self {
            Self::Shared {
                rate,
                per_stream,
                penalty,
            } => Sharing::Rate {
                all: rate,
                each: per_stream,
                penalty,
            },
            Self::Station { servers, rate: _ } => Sharing::Servers(servers),
        }
    }
}
