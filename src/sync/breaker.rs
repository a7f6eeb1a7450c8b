//! A circuit breaker: calls of what keeps failing are refused for a while. It knows instants, as it is handed them, and no clock.

/// A circuit breaker by the rules of pybreaker 1.4 (`CircuitBreaker.calling`), instants being whole numbers of one unit, whichever.
///
/// Closed, it lets everybody through and counts failures in a row, which a success ends; at so many it opens. Open, it refuses everybody
/// until its reset time-out is over; who comes then is a trial, and the breaker half-open. So many trials that succeed close it, one that
/// fails opens it again. A call that began while it was closed and fails later counts as well: if that makes enough failures in a row, the
/// breaker opens anew, and its time-out begins again. pybreaker lets everybody through while it is half-open; here, as in
/// resilience4j (`permittedNumberOfCallsInHalfOpenState`), no more than the trials that it needs at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Breaker {
    rules: BreakerRules,
    state: BreakerState,
    /// Failures in a row.
    failed: u64,
    /// Trials under way.
    trials: u64,
}

/// When a breaker opens and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BreakerRules {
    /// Failures in a row at which it opens, at least one (`fail_max`).
    pub(crate) failures: u64,
    /// How long it stays open (`reset_timeout`).
    pub(crate) reset: u64,
    /// Trials at once while it is half-open, at least one, and how many have to succeed (`success_threshold`).
    pub(crate) half_open: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BreakerState {
    Closed,
    /// Until this instant.
    Open {
        until: u64,
    },
    HalfOpen {
        /// Trials that have succeeded.
        succeeded: u64,
    },
}

/// How a call has come through a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// The breaker was closed.
    Usual,
    /// The breaker was half-open.
    Trial,
}

impl Breaker {
    /// A breaker that is closed.
    #[must_use]
    pub(crate) fn new(rules: BreakerRules) -> Self {
        Self {
            rules,
            state: BreakerState::Closed,
            failed: 0,
            trials: 0,
        }
    }

    /// Somebody comes: how it goes through, or `None` if it is refused.
    pub(crate) fn ask(&mut self, now: u64) -> Option<Passage> {
        let free = self.trials < self.rules.half_open;
        match self.state {
            BreakerState::Closed => return Some(Passage::Usual),
            BreakerState::Open { until } if now < until || !free => return None,
            BreakerState::Open { .. } => self.state = BreakerState::HalfOpen { succeeded: 0 },
            BreakerState::HalfOpen { .. } if !free => return None,
            BreakerState::HalfOpen { .. } => {}
        }
        self.trials += 1;
        Some(Passage::Trial)
    }

    /// A call that came through so has succeeded.
    pub(crate) fn succeed(&mut self, passage: Passage) {
        self.failed = 0;
        self.forget(passage);
        if let (Passage::Trial, BreakerState::HalfOpen { succeeded }) = (passage, &mut self.state) {
            *succeeded += 1;
            if *succeeded >= self.rules.half_open {
                self.state = BreakerState::Closed;
            }
        }
    }

    /// A call that came through so has failed.
    pub(crate) fn fail(&mut self, passage: Passage, now: u64) {
        self.failed = self.failed.saturating_add(1);
        self.forget(passage);
        if passage == Passage::Trial || self.failed >= self.rules.failures {
            let until = now.saturating_add(self.rules.reset);
            self.state = BreakerState::Open { until };
        }
    }

    /// A call that came through so ends without saying how: who made it is gone.
    pub(crate) fn forget(&mut self, passage: Passage) {
        match passage {
            Passage::Usual => {}
            Passage::Trial => self.trials -= 1,
        }
    }

    /// Number of trials under way.
    #[must_use]
    pub(crate) fn trials(&self) -> u64 {
        self.trials
    }
}
