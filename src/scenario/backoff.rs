//! Pauses between the attempts of a retry, by the formulas of the client libraries, and how many retries there may be.

use rand::Rng;

use super::Dist;
use crate::engine::{Nanos, unit};

/// How long a client waits before it tries again, and how often it does.
///
/// Exponential backoff: before attempt *n* + 1 it waits `base` * `factor`^(*n* - 1), at most `cap`, with `jitter` on it. So do urllib3's
/// `Retry` (`backoff_factor`, `backoff_max`), tenacity's `wait_exponential` (`multiplier`, `exp_base`, `max`) and botocore, each with
/// parameters of its own. A `base` that is drawn is drawn anew for each pause (tenacity's `wait_random`).
#[derive(Clone, Debug, PartialEq)]
pub struct Backoff {
    /// The first pause; zero: none.
    pub base: Dist,
    /// By how much each pause is longer than the one before, above 0. [`Jitter::Decorrelated`] does not use it.
    pub factor: f64,
    /// The longest pause, before jitter is put on it; `None`: as long as it comes to.
    pub cap: Option<Nanos>,
    /// What chance does to it.
    pub jitter: Jitter,
    /// Whether a rate limit's word on when to come again (HTTP 429 with `Retry-After`) takes the place of the pause: all of it, whatever
    /// `cap` is, and without jitter, as in `Retry.sleep` of urllib3 (`respect_retry_after_header`). The client of openai does so as well, up
    /// to a minute.
    pub retry_after: bool,
    /// The budget of retries: each first attempt adds so many millionths of a token, each retry takes a whole one, and where there is none the
    /// failure goes on. Each process has a bucket of its own for each step, of [`Self::BUDGET_TOKENS`] tokens, full at first. So do Finagle's
    /// `RetryBudget` (`percentCanRetry`) and gRPC's `retryThrottling` (`tokenRatio`, which successes add, `maxTokens`). `None`: as many retries
    /// as there are attempts.
    pub budget: Option<u32>,
}

/// What chance does to a pause: the names and formulas are those of "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jitter {
    /// Nothing.
    #[default]
    None,
    /// Uniform between zero and the pause (botocore, tenacity's `wait_random_exponential`).
    Full,
    /// Half of the pause, and uniform between zero and the other half.
    Equal,
    /// Uniform between `base` and three times the pause before (`base` at first), then capped. It grows by chance, not by `factor`.
    Decorrelated,
}

impl Backoff {
    /// The factor of a backoff that does not say one.
    pub const FACTOR: f64 = 2.0;

    /// How many tokens the bucket of a budget holds: the `maxTokens` of gRPC's own examples.
    pub const BUDGET_TOKENS: u64 = 10;

    /// The pause after so many failed attempts (at least 1), the one before having been `previous`.
    pub fn pause(&self, failed: u32, previous: Option<Nanos>, rng: &mut impl Rng) -> Nanos {
        let base = self.base.sample(rng);
        let cap = self.cap.unwrap_or(Nanos::MAX);
        let grown = || grown(base, self.factor, failed.saturating_sub(1)).min(cap);
        match self.jitter {
            Jitter::None => grown(),
            Jitter::Full => grown().scale(unit(rng)),
            Jitter::Equal => {
                let half = Nanos(grown().0 / 2);
                half + (grown() - half).scale(unit(rng))
            }
            Jitter::Decorrelated => {
                let (least, most) = (base.as_f64(), previous.unwrap_or(base).as_f64() * 3.0);
                Nanos::from_f64(least + (most - least) * unit(rng)).min(cap)
            }
        }
    }

    /// Whether a pause can be other than zero.
    #[must_use]
    pub fn pauses(&self) -> bool {
        self.retry_after || self.base != Dist::Constant(Nanos::ZERO)
    }

    /// Whether chance has a part in its pauses.
    #[must_use]
    pub fn draws(&self) -> bool {
        self.jitter != Jitter::None || !matches!(self.base, Dist::Constant(_))
    }

    /// Whether it is one of fixed pauses that double: the plain form, in which nothing is drawn.
    #[must_use]
    pub fn doubles(&self) -> Option<Nanos> {
        let Dist::Constant(base) = self.base else {
            return None;
        };
        (*self == Self::from(base)).then_some(base)
    }

    /// The same with every time multiplied.
    #[must_use]
    pub fn scaled(&self, by: f64) -> Self {
        Self {
            base: self.base.scaled(by),
            cap: self.cap.map(|cap| cap.scale(by)),
            ..self.clone()
        }
    }
}

/// Fixed pauses that double.
impl From<Nanos> for Backoff {
    fn from(base: Nanos) -> Self {
        Self {
            base: Dist::Constant(base),
            factor: Self::FACTOR,
            cap: None,
            jitter: Jitter::None,
            retry_after: false,
            budget: None,
        }
    }
}

/// `base` times `factor` to the power of `times`, in whole nanoseconds as long as the power is whole.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "compared with the limits first"
)]
fn grown(base: Nanos, factor: f64, times: u32) -> Nanos {
    const EXACT: f64 = 9e15; // Below 2^53, and so whole if it has no fraction.
    let power = (0..times).fold(1.0, |power: f64, _| (power * factor).min(f64::MAX));
    if power.fract() == 0.0 && power < EXACT {
        base * (power as u64)
    } else {
        base.scale(power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{StreamRole, Streams};

    fn ms(n: u64) -> Nanos {
        Nanos::from_millis(n)
    }

    fn all(backoff: &Backoff, pauses: u32) -> Vec<Nanos> {
        let mut previous = None;
        (1..=pauses)
            .map(|failed| {
                let mut rng = Streams::new(1, 0, StreamRole::Patience).task(0, failed.into());
                let pause = backoff.pause(failed, previous, &mut rng);
                previous = Some(pause);
                pause
            })
            .collect()
    }

    #[test]
    fn pauses_grow_by_their_factor_up_to_the_cap() {
        let plain = Backoff::from(ms(100));
        assert_eq!(all(&plain, 4), [100, 200, 400, 800].map(ms));
        assert_eq!(plain.doubles(), Some(ms(100)));
        let capped = Backoff {
            factor: 3.0,
            cap: Some(ms(500)),
            ..plain.clone()
        };
        assert_eq!(all(&capped, 4), [100, 300, 500, 500].map(ms));
        let slow = Backoff {
            factor: 1.5,
            ..plain.clone()
        };
        assert_eq!(all(&slow, 3), [100, 150, 225].map(ms));
        assert_eq!((capped.doubles(), slow.doubles()), (None, None));
        assert_eq!(capped.scaled(2.0).cap, Some(ms(1_000)));
    }

    /// As doubling in whole nanoseconds, which saturates.
    #[test]
    fn no_pause_is_beyond_the_clock() {
        for base in [Nanos(0), Nanos(1), ms(1), Nanos(u64::MAX / 3), Nanos::MAX] {
            let mut doubled = base;
            for (n, pause) in all(&Backoff::from(base), 60).into_iter().enumerate() {
                let exact = n < 52 || doubled == Nanos::MAX || base == Nanos::ZERO;
                assert!(!exact || pause == doubled, "{base:?}, {n}: {pause:?}");
                doubled = doubled * 2;
            }
            let jitters = [Jitter::Full, Jitter::Equal, Jitter::Decorrelated];
            for jitter in jitters {
                let backoff = Backoff {
                    factor: 1e6,
                    jitter,
                    ..Backoff::from(base)
                };
                let longest = all(&backoff, 1_000).into_iter().max();
                assert_eq!(longest == Some(Nanos::ZERO), base == Nanos::ZERO);
            }
        }
    }

    #[test]
    fn jitter_stays_within_its_bounds() {
        for cap in [None, Some(ms(350))] {
            let of = |jitter| Backoff {
                cap,
                jitter,
                ..Backoff::from(ms(100))
            };
            let full = all(&of(Jitter::None), 8);
            let jittered = |jitter| all(&of(jitter), 8).into_iter().zip(full.iter().copied());
            assert!(jittered(Jitter::Full).all(|(p, most)| p <= most));
            assert!(jittered(Jitter::Equal).all(|(p, most)| p <= most && p.0 >= most.0 / 2));
            let mut before = ms(100);
            for pause in all(&of(Jitter::Decorrelated), 8) {
                let most = (before * 3).min(cap.unwrap_or(Nanos::MAX));
                assert!((ms(100)..=most).contains(&pause), "{pause:?}");
                before = pause;
            }
        }
    }
}
