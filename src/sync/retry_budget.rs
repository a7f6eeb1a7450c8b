//! A budget of retries: so many for so many first attempts.

/// A token bucket as Finagle's `RetryBudget` and gRPC's `retryThrottling` have it: a first attempt puts a part of a token in, a retry takes one
/// out, and what does not fit is lost. Counted in millionths, of which no sum is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RetryBudget {
    left: u64,
}

impl RetryBudget {
    /// Millionths of a token.
    const TOKEN: u64 = 1_000_000;

    /// A bucket that is full: this many tokens.
    #[must_use]
    pub(crate) fn full(tokens: u64) -> Self {
        Self {
            left: tokens.saturating_mul(Self::TOKEN),
        }
    }

    /// A first attempt begins, which adds so many millionths of a token, up to this many tokens in all.
    pub(crate) fn deposit(&mut self, millionths: u32, most: u64) {
        let most = most.saturating_mul(Self::TOKEN);
        self.left = self.left.saturating_add(u64::from(millionths)).min(most);
    }

    /// Takes the token of a retry, if there is a whole one.
    #[must_use]
    pub(crate) fn withdraw(&mut self) -> bool {
        let rest = self.left.checked_sub(Self::TOKEN);
        self.left = rest.unwrap_or(self.left);
        rest.is_some()
    }
}
