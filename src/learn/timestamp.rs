//! Reads the times of a trace exactly from their decimal texts, so that nanoseconds survive even in seconds since 1970.

/// The unit of a trace's times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    #[default]
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

impl TimeUnit {
    /// The number of decimal places between the unit and a nanosecond.
    const fn places(self) -> i64 {
        match self {
            Self::Seconds => 9,
            Self::Milliseconds => 6,
            Self::Microseconds => 3,
            Self::Nanoseconds => 0,
        }
    }

    /// The name of the unit, in the plural.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Microseconds => "microseconds",
            Self::Nanoseconds => "nanoseconds",
        }
    }
}

/// Why a text is not a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadTime {
    /// The text is not a decimal number.
    NotANumber,
    /// The time is more than 292 years from zero.
    TooLarge,
}

/// Reads a decimal number (`12`, `-0.5`, `1.7e9`) of the unit as whole nanoseconds, rounded to the nearest.
pub(super) fn parse(text: &str, unit: TimeUnit) -> Result<i64, BadTime> {
    let text = text.trim();
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((m, e)) => (m, e.parse::<i64>().map_err(|_| BadTime::NotANumber)?),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return Err(BadTime::NotANumber);
    }
    if exponent.abs() > 400 {
        return Err(BadTime::TooLarge);
    }
    // Digits behind the 30th are far below a nanosecond, or the number is far too large.
    let significant: String = whole.chars().chain(fraction.chars()).collect();
    let significant = significant.trim_start_matches('0');
    let kept = significant.len().min(30);
    let value: i128 = if kept == 0 {
        0
    } else {
        significant[..kept]
            .parse()
            .map_err(|_| BadTime::NotANumber)?
    };
    let dropped = i64::try_from(significant.len() - kept).unwrap_or(i64::MAX);
    let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    let shift = unit.places() + exponent + dropped - places;
    let value = scale(value, shift).ok_or(BadTime::TooLarge)?;
    i64::try_from(if negative { -value } else { value }).map_err(|_| BadTime::TooLarge)
}

/// The value (at least zero) times ten to the power of `shift`, rounded to the nearest.
fn scale(value: i128, shift: i64) -> Option<i128> {
    if value == 0 {
        return Some(0);
    }
    let power = |n: i64| 10_i128.checked_pow(u32::try_from(n).ok()?);
    if shift >= 0 {
        return value.checked_mul(power(shift)?);
    }
    // A divisor past the range of the type leaves nothing of 30 digits.
    Some(match power(-shift) {
        Some(divisor) => (value + divisor / 2) / divisor,
        None => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (text, unit, ns) in [
            ("0", TimeUnit::Seconds, 0),
            ("1.5", TimeUnit::Seconds, 1_500_000_000),
            (
                "1763870000.123456789",
                TimeUnit::Seconds,
                1_763_870_000_123_456_789,
            ),
            ("-2.5e-3", TimeUnit::Seconds, -2_500_000),
            ("12.3456", TimeUnit::Microseconds, 12_346),
            (".5", TimeUnit::Milliseconds, 500_000),
            ("7.", TimeUnit::Nanoseconds, 7),
            ("1E3", TimeUnit::Nanoseconds, 1_000),
            (
                "0.00000000000000000000000000000000000000001",
                TimeUnit::Seconds,
                0,
            ),
        ] {
            assert_eq!(parse(text, unit), Ok(ns), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "", ".", "-", "1,5", "abc", "1e", "nan", "inf", "0x10", "1_000", "１",
        ] {
            assert_eq!(
                parse(text, TimeUnit::Seconds),
                Err(BadTime::NotANumber),
                "{text}"
            );
        }
        for text in ["1e30", "99999999999999999999", "1e999"] {
            assert_eq!(
                parse(text, TimeUnit::Seconds),
                Err(BadTime::TooLarge),
                "{text}"
            );
        }
    }
}
