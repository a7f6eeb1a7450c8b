//! The steps of `workloads.py` as steps of the simulator.

use crate::engine::Nanos;
use crate::scenario::{Dist, Step};

/// The greatest number of steps in one task; more are refused.
pub(super) const MAX_STEPS: u64 = 1_000_000;

/// One step of a task as the program lists it. Sleeps are in seconds, CPU is in milliseconds on the baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum CellStep {
    /// `["io", seconds]`
    Io(f64),
    /// `["cpu", ms]`
    Cpu(f64),
    /// `["native", ms]`
    Native(f64),
    /// `["lock", ms]`
    Lock(f64),
    /// `["bytes_in", n]`
    BytesIn(u64),
    /// `["bytes_out", n]`
    BytesOut(u64),
}

impl CellStep {
    /// Makes a step from the name that the program gives it.
    pub(super) fn of(kind: &str, amount: f64) -> Result<Self, String> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be finite and at least zero"
        )]
        let bytes = amount as u64;
        Ok(match kind {
            "io" => Self::Io(amount),
            "cpu" => Self::Cpu(amount),
            "native" => Self::Native(amount),
            "lock" => Self::Lock(amount),
            "bytes_in" => Self::BytesIn(bytes),
            "bytes_out" => Self::BytesOut(bytes),
            other => return Err(format!("unknown step `{other}`")),
        })
    }

    /// The duration of a timed step.
    pub(super) fn time(self, native_cost: f64) -> Option<Nanos> {
        match self {
            Self::Io(s) => Some(Nanos::from_secs_f64(s)),
            Self::Cpu(ms) | Self::Lock(ms) => Some(Nanos::from_f64(ms * 1e6)),
            Self::Native(ms) => Some(Nanos::from_f64(ms * 1e6 * native_cost)),
            Self::BytesIn(_) | Self::BytesOut(_) => None,
        }
    }

    pub(super) fn step(self, native: Native) -> Step {
        if let (Self::Native(ms), Some(block)) = (self, native.block) {
            // Each block is a call of its own, which gives up the GIL and takes it again.
            let blocks = (ms * 1e6 * native.cost / block.as_f64()).ceil();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a whole number, at least zero"
            )]
            let blocks = blocks as u64;
            return Step::Repeat(
                blocks.clamp(1, MAX_STEPS),
                vec![Step::Native(Dist::Constant(block))],
            );
        }
        let time = Dist::Constant(self.time(native.cost).unwrap_or_default());
        match self {
            Self::Io(_) => Step::Io(time),
            Self::Cpu(_) => Step::Cpu(time),
            Self::Native(_) => Step::Native(time),
            Self::Lock(_) => Step::Lock(LOCK, vec![Step::Cpu(time)]),
            Self::BytesIn(n) => Step::PayloadIn(n),
            Self::BytesOut(n) => Step::PayloadOut(n),
        }
    }

    /// Whether two steps are of the same kind, so that they differ at most in how long they last.
    pub(super) fn same_shape(self, other: Self) -> bool {
        match (self, other) {
            (Self::BytesIn(_) | Self::BytesOut(_), _) => self == other,
            _ => std::mem::discriminant(&self) == std::mem::discriminant(&other),
        }
    }
}

/// How native steps are executed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Native {
    /// The cost relative to the baseline.
    pub(super) cost: f64,
    /// The duration of one call that runs without the GIL; `None` if the whole step is a single call.
    pub(super) block: Option<Nanos>,
}

/// The value for workloads without native steps.
pub(super) const NO_NATIVE: Native = Native {
    cost: 1.0,
    block: None,
};

/// The only lock of the program.
const LOCK: usize = 0;
