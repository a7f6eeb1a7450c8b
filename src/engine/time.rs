//! Simulated time in whole nanoseconds, for instants (since the start of the run) and durations alike.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub, SubAssign};

/// The nearest whole number; negative numbers and NaN become zero, too large ones saturate.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, NaN gives 0"
)]
pub fn whole(x: f64) -> u64 {
    libm::round(x) as u64
}

/// Whole nanoseconds: an instant since the start of the run, or a duration. Never negative; saturates at [`Nanos::MAX`].
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub u64);

/// Times as seconds, for `#[serde(with = "seconds")]`.
pub mod seconds {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Nanos, Total};

    /// A type of time that can be written in seconds.
    pub(crate) trait Seconds: From<Nanos> + Copy {
        /// The time in seconds.
        fn in_seconds(self) -> f64;
    }

    impl Seconds for Nanos {
        fn in_seconds(self) -> f64 {
            self.as_secs_f64()
        }
    }

    impl Seconds for Total {
        fn in_seconds(self) -> f64 {
            self.as_secs_f64()
        }
    }

    /// Writes a time as a number of seconds.
    ///
    /// # Errors
    /// Those of the format.
    pub(crate) fn serialize<T: Seconds, S: Serializer>(time: &T, s: S) -> Result<S::Ok, S::Error> {
        time.in_seconds().serialize(s)
    }

    /// Reads a time from a number of seconds, rounded to the nearest nanosecond; negative numbers become zero.
    ///
    /// # Errors
    /// Those of the format.
    pub(crate) fn deserialize<'de, T: Seconds, D: Deserializer<'de>>(d: D) -> Result<T, D::Error> {
        Ok(Nanos::from_secs_f64(f64::deserialize(d)?).into())
    }
}

impl Nanos {
    /// The start of the run, or no time at all.
    pub const ZERO: Self = Self(0);
    /// Later than anything that happens: 584 years.
    pub const MAX: Self = Self(u64::MAX);
    /// The last instant of a run. A later one has saturated, so that its true time is unknown.
    pub(crate) const CLOCK_END: Self = Self(u64::MAX - 1);

    /// A duration of whole microseconds.
    pub const fn from_micros(us: u64) -> Self {
        Self(us * 1_000)
    }

    /// A duration of whole milliseconds.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms * 1_000_000)
    }

    /// A duration of whole seconds.
    pub const fn from_secs(s: u64) -> Self {
        Self(s * 1_000_000_000)
    }

    /// A duration of so many nanoseconds, rounded to whole ones; negative numbers and NaN become zero. This is the one place where floating
    /// point becomes simulated time.
    pub fn from_f64(ns: f64) -> Self {
        Self(whole(ns))
    }

    /// A duration of so many seconds, rounded to the nearest nanosecond.
    pub fn from_secs_f64(s: f64) -> Self {
        Self::from_f64(s * 1e9)
    }

    /// The time in nanoseconds, as a float.
    pub fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// The time in seconds, as a float.
    pub fn as_secs_f64(self) -> f64 {
        self.as_f64() / 1e9
    }

    /// This duration times a factor of at least zero, rounded to the nearest nanosecond.
    #[must_use]
    pub fn scale(self, factor: f64) -> Self {
        Self::from_f64(self.as_f64() * factor)
    }

    /// The time from `earlier` to this instant, zero when `earlier` is the later one.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

/// The sum of many durations, in whole nanoseconds. A run ends within the 584 years that [`Nanos`] holds, but what its tasks wait in all,
/// or its cores burn, may be more.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Total(pub u128);

impl Total {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// The time in nanoseconds, as a float.
    pub fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// The time in seconds, as a float.
    pub fn as_secs_f64(self) -> f64 {
        self.as_f64() / 1e9
    }

    /// The difference from an earlier total: zero if that is greater, at most [`Nanos::MAX`].
    pub(crate) fn since(self, earlier: Self) -> Nanos {
        Nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(u64::MAX))
    }

    /// The mean of `count` durations that add up to this total, rounded down; for a count of zero, the total.
    pub fn mean_of(self, count: u64) -> Nanos {
        Nanos(u64::try_from(self.0 / u128::from(count.max(1))).unwrap_or(u64::MAX))
    }
}

impl From<Nanos> for Total {
    fn from(n: Nanos) -> Self {
        Self(u128::from(n.0))
    }
}

impl PartialEq<Nanos> for Total {
    fn eq(&self, n: &Nanos) -> bool {
        *self == Self::from(*n)
    }
}

impl Add for Total {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self(self.0 + o.0)
    }
}

impl AddAssign<Nanos> for Total {
    fn add_assign(&mut self, n: Nanos) {
        self.0 += u128::from(n.0);
    }
}

impl Mul<u64> for Total {
    type Output = Self;
    fn mul(self, n: u64) -> Self {
        Self(self.0 * u128::from(n))
    }
}

impl Sum for Total {
    fn sum<I: Iterator<Item = Self>>(it: I) -> Self {
        it.fold(Self::ZERO, |a, b| a + b)
    }
}

impl Sum<Nanos> for Total {
    fn sum<I: Iterator<Item = Nanos>>(it: I) -> Self {
        it.map(Self::from).sum()
    }
}

impl fmt::Debug for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ns", self.0)
    }
}

impl Add for Nanos {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self(self.0.saturating_add(o.0))
    }
}

impl AddAssign for Nanos {
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}

impl Sub for Nanos {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        debug_assert!(self.0 >= o.0, "time went back: {} - {}", self.0, o.0);
        Self(self.0.saturating_sub(o.0))
    }
}

impl SubAssign for Nanos {
    fn sub_assign(&mut self, o: Self) {
        *self = *self - o;
    }
}

impl Mul<u64> for Nanos {
    type Output = Self;
    fn mul(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }
}

impl Sum for Nanos {
    fn sum<I: Iterator<Item = Self>>(it: I) -> Self {
        it.fold(Self::ZERO, |a, b| a + b)
    }
}

impl fmt::Debug for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ns", self.0)
    }
}
