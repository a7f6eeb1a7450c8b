//! Reads and writes durations, sizes, rates and shares with their units.

use super::{Bytes, limits};
use crate::engine::Nanos;

/// Why a text is not a valid value.
#[derive(Clone, Debug, PartialEq)]
pub enum UnitError {
    /// It has no unit, an unknown one, or no number.
    Unit(String),
    /// It is negative or not finite.
    Range(String),
    /// It exceeds a limit: the limit's name, and what is wrong.
    Limit(&'static str, String),
}

/// Nanoseconds in each unit of time.
const TIME_UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3_600e9),
    ("d", 86_400e9),
];

/// The units of time, as they are listed for people.
pub(crate) fn time_units() -> String {
    listed(&TIME_UNITS)
}

/// The units of size, as they are listed for people.
pub(crate) fn size_units() -> String {
    listed(&SIZE_UNITS)
}

fn listed(units: &[(&str, f64)]) -> String {
    let names: Vec<&str> = units.iter().map(|u| u.0).collect();
    names.join(", ")
}

/// Bytes in each unit of size.
const SIZE_UNITS: [(&str, f64); 14] = [
    ("B", 1.0),
    ("kB", 1e3),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("PB", 1e15),
    ("EB", 1e18),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("PiB", 1_125_899_906_842_624.0),
    ("EiB", 1_152_921_504_606_846_976.0),
];

/// A number with its thousands separated, from five digits on: `4096`, `200 000 000`.
pub(crate) fn grouped(number: impl std::fmt::Display) -> String {
    let text = number.to_string();
    let start = usize::from(text.starts_with('-'));
    let len = text[start..]
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len() - start);
    if len < 5 {
        return text;
    }
    let mut out = String::from(&text[..start]);
    for (i, c) in text[start..].chars().enumerate() {
        if i > 0 && i < len && (len - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// Splits a leading number off: `("1.5", "s")`. An exponent needs a digit after it, so that `1e3s` works.
pub(crate) fn split_number(text: &str) -> (&str, &str) {
    let b = text.as_bytes();
    let mut i = usize::from(matches!(b.first(), Some(b'+' | b'-')));
    while b
        .get(i)
        .is_some_and(|c| c.is_ascii_digit() || *c == b'.' || *c == b'_')
    {
        i += 1;
    }
    if matches!(b.get(i), Some(b'e' | b'E')) {
        let j = if matches!(b.get(i + 1), Some(b'+' | b'-')) {
            i + 2
        } else {
            i + 1
        };
        if b.get(j).is_some_and(u8::is_ascii_digit) {
            i = j;
            while b.get(i).is_some_and(u8::is_ascii_digit) {
                i += 1;
            }
        }
    }
    text.split_at(i)
}

/// The number that such a part says; `None` if it is none.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.chars()
        .filter(|&c| c != '_')
        .collect::<String>()
        .parse()
        .ok()
}

/// The factor of a unit; the case of its letters matters only if it has to.
fn factor(units: &[(&str, f64)], unit: &str) -> Option<f64> {
    let exact = units.iter().find(|(u, _)| *u == unit);
    exact
        .or_else(|| units.iter().find(|(u, _)| u.eq_ignore_ascii_case(unit)))
        .map(|(_, f)| *f)
}

fn negative(what: &str, text: &str) -> UnitError {
    UnitError::Range(format!(
        "a {what} cannot be negative or endless: \"{text}\""
    ))
}

/// Reads a duration such as `250ms`, `1.5s` or `1h2m`.
///
/// # Errors
/// No numbers with units of time, or more than the program allows.
pub fn duration(text: &str) -> Result<Nanos, UnitError> {
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Nanos::ZERO);
    }
    if rest.is_empty() {
        return Err(UnitError::Unit("this duration is empty".into()));
    }
    let lower = rest.trim_start_matches(['-', '+']);
    if lower.eq_ignore_ascii_case("inf")
        || lower.eq_ignore_ascii_case("nan")
        || lower.eq_ignore_ascii_case("infinity")
    {
        return Err(negative("duration", text));
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let (digits, after) = split_number(rest);
        let Some(value) = number(digits) else {
            return Err(UnitError::Unit(format!("\"{text}\" is not a duration")));
        };
        let after = after.trim_start();
        let len = after
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(len);
        if value < 0.0 {
            return Err(negative("duration", text));
        }
        // Case would matter only for the month among units of time, which does not exist here.
        let Some(factor) = factor(&TIME_UNITS, unit) else {
            return Err(UnitError::Unit(if unit.is_empty() {
                format!("the duration \"{text}\" has no unit")
            } else {
                format!("`{unit}` is not a unit of time")
            }));
        };
        total += value * factor;
        rest = next.trim_start();
    }
    if !total.is_finite() || total > limits::MAX_DURATION.as_f64() {
        return Err(UnitError::Limit(
            "MAX_DURATION",
            format!("\"{text}\" is longer than the limit MAX_DURATION (1000 days)"),
        ));
    }
    Ok(Nanos::from_f64(total))
}

/// Reads a size such as `50MB` (50 million bytes) or `64KiB` (65536 bytes).
///
/// # Errors
/// No number with a unit of size, or more than the program allows.
pub fn size(text: &str) -> Result<Bytes, UnitError> {
    let trimmed = text.trim();
    if trimmed == "0" {
        return Ok(0);
    }
    let (digits, unit) = split_number(trimmed);
    let Some(value) = number(digits) else {
        return Err(UnitError::Unit(format!("\"{text}\" is not a size")));
    };
    if value < 0.0 {
        return Err(negative("size", text));
    }
    let unit = unit.trim();
    let Some(factor) = factor(&SIZE_UNITS, unit) else {
        return Err(UnitError::Unit(if unit.is_empty() {
            format!("the size \"{text}\" has no unit")
        } else {
            format!("`{unit}` is not a unit of size")
        }));
    };
    let bytes = libm::round(value * factor);
    let most = limits::MAX_SIZE as f64;
    if !bytes.is_finite() || bytes > most {
        return Err(UnitError::Limit(
            "MAX_SIZE",
            format!("\"{text}\" is more than the limit MAX_SIZE (1 PB)"),
        ));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked just above"
    )]
    Ok(bytes as Bytes)
}

/// Bits in each unit of a link's speed.
const BIT_UNITS: [(&str, f64); 4] = [("bit", 1.0), ("kbit", 1e3), ("Mbit", 1e6), ("Gbit", 1e9)];

/// Reads what a device transfers, such as `200MB/s` or `1Gbit/s`, in whole bytes a second.
///
/// # Errors
/// No number with a unit of size or of bits and `/s` after it, or more than the program allows.
pub fn data_rate(text: &str) -> Result<Bytes, UnitError> {
    let trimmed = text.trim();
    let Some(amount) = trimmed.strip_suffix("/s").map(str::trim_end) else {
        let message = if size(trimmed).is_ok() {
            format!("\"{text}\" is a size, not a rate: is it a second?")
        } else {
            format!("\"{text}\" is not a rate of bytes")
        };
        return Err(UnitError::Unit(message));
    };
    let (digits, unit) = split_number(amount);
    match (number(digits), factor(&BIT_UNITS, unit.trim())) {
        (Some(value), Some(bits)) => size(&format!("{}B", value * bits / 8.0)),
        _ if unit.trim().ends_with('b') && size(amount).is_ok() => Err(UnitError::Unit(format!(
            "\"{text}\" may mean bits or bytes: write `bit` or `B`"
        ))),
        _ => size(amount),
    }
}

/// Reads a rate such as `120/s`, `30/min` or `500/h`, as events a second.
///
/// # Errors
/// No number, or no unit of time after it.
pub fn rate(text: &str) -> Result<f64, UnitError> {
    let (digits, unit) = split_number(text.trim());
    let Some(value) = number(digits) else {
        return Err(UnitError::Unit(format!("\"{text}\" is not a rate")));
    };
    let per = match unit.trim().trim_start_matches('/').trim() {
        "s" | "sec" => 1.0,
        "min" | "m" => 60.0,
        "h" => 3_600.0,
        "" => return Err(UnitError::Unit(format!("the rate \"{text}\" has no unit"))),
        other => {
            return Err(UnitError::Unit(format!(
                "`{other}` is not a unit of a rate"
            )));
        }
    };
    Ok(value / per)
}

/// Reads a share such as `1%`, as a fraction.
///
/// # Errors
/// The text is not a number, with or without `%`.
pub fn share(text: &str) -> Result<f64, UnitError> {
    let trimmed = text.trim();
    let (digits, unit) = split_number(trimmed);
    match (number(digits), unit.trim()) {
        (Some(x), "%") => Ok(x / 100.0),
        (Some(x), "") => Ok(x),
        _ => Err(UnitError::Unit(format!("\"{text}\" is not a share"))),
    }
}

/// Writes a size as a person does: in the largest unit of which it is a whole number (`2MB`, `64KiB`, `1500B`).
pub fn format_size(bytes: Bytes) -> String {
    let units: [(&str, Bytes); 6] = [
        ("GiB", 1 << 30),
        ("GB", 1_000_000_000),
        ("MiB", 1 << 20),
        ("MB", 1_000_000),
        ("KiB", 1 << 10),
        ("kB", 1_000),
    ];
    let fits = |&&(_, n): &&(&str, Bytes)| bytes >= n && bytes.is_multiple_of(n);
    match units.iter().find(fits) {
        Some((unit, n)) => format!("{}{unit}", bytes / n),
        None => format!("{bytes}B"),
    }
}

/// Writes a duration as a person does: in the shortest of the exact forms (`1.5s`, `250ms`, `3us`).
pub fn format_duration(t: Nanos) -> String {
    for (unit, ns) in [("s", 1_000_000_000_u64), ("ms", 1_000_000), ("us", 1_000)] {
        if t.0 >= ns && t.0.is_multiple_of((ns / 100).max(1)) {
            return format!(
                "{}{unit}",
                t.as_f64() / f64::from(u32::try_from(ns).unwrap_or(1))
            );
        }
    }
    if t.0 == 0 {
        "0s".into()
    } else {
        format!("{}ns", t.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart_from_five_digits_on() {
        for (number, text) in [
            ("0", "0"),
            ("4096", "4096"),
            ("-4096", "-4096"),
            ("10000", "10 000"),
            ("-123456", "-123 456"),
            ("200000000", "200 000 000"),
            ("1234567.12345", "1 234 567.12345"),
            ("1e9", "1e9"),
            ("inf", "inf"),
            ("", ""),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn durations_with_units() {
        for (text, ns) in [
            ("250ms", 250_000_000),
            ("1.5s", 1_500_000_000),
            ("1h2m", 3_720_000_000_000),
            ("1 h 2 m", 3_720_000_000_000),
            ("3us", 3_000),
            ("3µs", 3_000),
            ("7ns", 7),
            ("1e3ms", 1_000_000_000),
            ("0", 0),
            ("0s", 0),
            ("2d", 172_800_000_000_000),
        ] {
            assert_eq!(duration(text), Ok(Nanos(ns)), "{text}");
        }
    }

    #[test]
    fn sizes_are_written_as_they_are_read() {
        for (bytes, text) in [
            (0, "0B"),
            (2_000_000, "2MB"),
            (65_536, "64KiB"),
            (1_500, "1500B"),
            (1 << 30, "1GiB"),
        ] {
            assert_eq!(format_size(bytes), text);
            assert_eq!(size(text), Ok(bytes));
        }
    }

    #[test]
    fn durations_that_are_none() {
        for text in [
            "",
            "5",
            "5 parsecs",
            "ms",
            "-5ms",
            "inf",
            "NaN",
            "1s-2s",
            "1e400s",
            "9999d",
            "1..2s",
            "5,5s",
            "🦀",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(matches!(duration("-5ms"), Err(UnitError::Range(_))));
        assert!(matches!(
            duration("9999d"),
            Err(UnitError::Limit("MAX_DURATION", _))
        ));
        assert!(matches!(duration("5"), Err(UnitError::Unit(_))));
    }

    #[test]
    fn sizes_are_decimal_or_binary_as_written() {
        assert_eq!(size("50MB"), Ok(50_000_000));
        assert_eq!(size("64KiB"), Ok(65_536));
        assert_eq!(size("1.5 GiB"), Ok(1_610_612_736));
        assert_eq!(size("512B"), Ok(512));
        assert_eq!(size("20mb"), Ok(20_000_000));
        // The largest that there may be, in both ways.
        assert_eq!(size("1PB"), Ok(1_000_000_000_000_000));
        assert_eq!(size("0.5PiB"), Ok(562_949_953_421_312));
        assert_eq!(size("0.001EB"), Ok(1_000_000_000_000_000));
        assert_eq!(size("0.0004EiB"), Ok(461_168_601_842_739));
        for past in ["1.1PB", "1PiB", "1EB", "1EiB"] {
            let UnitError::Limit(_, why) = size(past).unwrap_err() else {
                panic!("{past}");
            };
            assert!(why.contains("MAX_SIZE (1 PB)"), "{past}: {why}");
        }
        for text in ["50", "50Mb/s", "-1MB", "1e9TB", "", "MB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_of_devices() {
        assert_eq!(data_rate("200MB/s"), Ok(200_000_000));
        assert_eq!(data_rate(" 64 KiB /s"), Ok(65_536));
        assert_eq!(data_rate("1Gbit/s"), Ok(125_000_000));
        assert!(data_rate("1Gb/s").is_err() && data_rate("1mb/s").is_err());
        assert_eq!(data_rate("0MB/s"), Ok(0));
        for text in [
            "200MB", "200/s", "MB/s", "-1MB/s", "1e9TB/s", "-8bit/s", "1MB/min", "",
        ] {
            assert!(data_rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_and_shares() {
        assert_eq!(rate("120/s"), Ok(120.0));
        assert_eq!(rate("30/min"), Ok(0.5));
        assert!(rate("30").is_err() && rate("x/s").is_err() && rate("3/y").is_err());
        assert_eq!(share("1%"), Ok(0.01));
        assert_eq!(share("0.5"), Ok(0.5));
        assert!(share("many").is_err());
    }

    #[test]
    fn formatted_durations_read_back() {
        for ns in [
            0,
            1,
            999,
            1_000,
            1_500,
            3_000,
            250_000_000,
            1_500_000_000,
            1_234_567_891,
            60_000_000_000,
        ] {
            assert_eq!(
                duration(&format_duration(Nanos(ns))),
                Ok(Nanos(ns)),
                "{}",
                format_duration(Nanos(ns))
            );
        }
    }
}
