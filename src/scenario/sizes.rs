//! Distributions of sizes.

use super::{Bytes, Dist, limits};
use crate::engine::{Nanos, whole};
use rand::Rng;

/// A distribution of sizes in bytes. The inner one is that of as many nanoseconds, so both draw alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes(pub Dist);

impl Sizes {
    /// Draws a size in bytes, at most [`limits::MAX_SIZE`].
    pub(crate) fn sample(&self, rng: &mut impl Rng) -> Bytes {
        Self::bytes(self.0.sample(rng))
    }

    /// The size that a draw of the inner distribution stands for.
    pub(crate) fn bytes(drawn: Nanos) -> Bytes {
        drawn.0.min(limits::MAX_SIZE)
    }

    /// The mean in bytes, at most [`limits::MAX_SIZE`].
    #[must_use]
    pub fn mean(&self) -> Bytes {
        whole(self.0.mean()).min(limits::MAX_SIZE)
    }
}

/// Working memory that steps hold.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkingMemory {
    /// The size, which each execution draws.
    pub size: Sizes,
    /// The share in parts per million that is made of small blocks, some of which outlive the steps, so that the allocator cannot give their pages
    /// back: the process keeps it, for its next working memory. With 0.5 % of survivors among blocks of 400 bytes to 1 kB a process of
    /// CPython 3.13 (pymalloc, and malloc of glibc 2.36) keeps all.
    pub churn: u32,
}

impl WorkingMemory {
    /// The part of so many bytes that the process keeps, whatever their number.
    pub(crate) fn kept(churn: u32, bytes: Bytes) -> Bytes {
        let kept = u128::from(bytes) * u128::from(churn.min(1_000_000)) / 1_000_000;
        Bytes::try_from(kept).expect("a part of a number of bytes")
    }
}

impl From<Bytes> for WorkingMemory {
    /// One large block, always of this size.
    fn from(bytes: Bytes) -> Self {
        Self {
            size: Sizes(Dist::Constant(Nanos(bytes))),
            churn: 0,
        }
    }
}
