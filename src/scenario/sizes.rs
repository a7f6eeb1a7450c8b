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
