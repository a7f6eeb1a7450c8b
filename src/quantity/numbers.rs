//! Numbers as people read them: three significant digits, with units; the same text on every platform.

use crate::engine::Nanos;
use crate::scenario::units;

/// Decimals that show `value` with so many significant digits: 12.345 with three digits needs one.
pub(crate) fn decimals(value: f64, significant: i32) -> usize {
    let size = value.abs();
    if size == 0.0 || !size.is_finite() {
        return 0;
    }
    // A value that rounds up to the next power of ten (9.996) has one digit more.
    let unit = libm::pow(
        10.0,
        libm::floor(libm::log10(size)) - f64::from(significant - 1),
    );
    let rounded = libm::round(size / unit) * unit;
    let magnitude = libm::floor(libm::log10(rounded) + 1e-9);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the magnitude of a double is within 400"
    )]
    let wanted = significant - 1 - magnitude as i32;
    usize::try_from(wanted).unwrap_or(0).min(12)
}

/// The value with so many significant digits, and without exponent: `12.3`, `0.00120`, `1230`, `123 000`.
pub(crate) fn digits(value: f64, significant: i32) -> String {
    if !value.is_finite() {
        return "—".into();
    }
    let d = decimals(value, significant);
    if d > 0 {
        return format!("{value:.d$}");
    }
    let size = value.abs();
    let magnitude = if size >= 1.0 {
        libm::floor(libm::log10(size))
    } else {
        0.0
    };
    let unit = libm::pow(10.0, (magnitude - f64::from(significant - 1)).max(0.0));
    units::grouped(format!("{:.0}", libm::round(value / unit) * unit))
}

/// A count with its noun: `1 point`, `4 points`.
pub(crate) fn counted(n: u64, of: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {of}{s}")
}

/// "All", as one says it of so many: `both`, `all 7`.
pub(crate) fn all_of(n: usize) -> String {
    match n {
        2 => "both".into(),
        n => format!("all {n}"),
    }
}

/// A list in words, at most four items: "a, b and 3 more".
pub(crate) fn list(items: &[String]) -> String {
    const SHOWN: usize = 4;
    match items {
        [] => String::new(),
        [one] => one.clone(),
        _ if items.len() <= SHOWN => {
            format!(
                "{} and {}",
                items[..items.len() - 1].join(", "),
                items[items.len() - 1]
            )
        }
        _ => format!(
            "{} and {} more",
            items[..SHOWN - 1].join(", "),
            items.len() - SHOWN + 1
        ),
    }
}

/// The nearest whole number, with its thousands separated.
pub(crate) fn whole(value: f64) -> String {
    units::grouped(format!("{:.0}", libm::round(value)))
}

/// An excess over something, as a percentage, or as a factor where hundreds of percent would say little: `12%`, `a factor of 8.6`.
pub(crate) fn excess_text(share: f64) -> String {
    if share < 1.5 {
        percent(share)
    } else {
        format!("a factor of {}", digits(1.0 + share, 2))
    }
}

/// A share that matters even if it is small: `0.0021%`, where [`percent`] says `0.0%`.
pub(crate) fn rare_percent(share: f64) -> String {
    let p = share * 100.0;
    if p > 0.0 && p < 0.05 {
        format!("{}%", digits(p, 2))
    } else {
        percent(share)
    }
}

/// A share as a percentage: `0.4%`, `1.2%`, `12%`.
pub(crate) fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "—".into();
    }
    let p = share * 100.0;
    let whole = p.abs() >= 10.0 || p == 0.0 || libm::round(p) == p;
    let d = usize::from(!whole);
    format!("{p:.d$}%")
}

/// A duration in seconds, in the unit that suits it best: `12.3 ms`.
pub(crate) fn time(s: f64) -> String {
    seconds(Nanos::from_secs_f64(s))
}

/// The same of a time in whole nanoseconds.
pub(crate) fn seconds(t: Nanos) -> String {
    let s = t.as_secs_f64();
    let (unit, name) = time_unit(s);
    format!("{} {name}", digits(s / unit, 3))
}

/// A size in the unit that suits it best: `12.3 MiB`.
pub(crate) fn bytes(b: f64) -> String {
    const NAMES: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut name) = (b, "B");
    for next in NAMES {
        if value.abs() < 1024.0 {
            break;
        }
        (value, name) = (value / 1024.0, next);
    }
    format!("{} {name}", digits(value, 3))
}

/// The unit that suits so many seconds best: its length in seconds, and its name.
pub(crate) fn time_unit(s: f64) -> (f64, &'static str) {
    match s.abs() {
        s if s >= 1.0 => (1.0, "s"),
        s if s >= 1e-3 => (1e-3, "ms"),
        s if s >= 1e-6 => (1e-6, "us"),
        s if s > 0.0 => (1e-9, "ns"),
        _ => (1.0, "s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_counted_as_one_says_it() {
        assert_eq!(
            (counted(1, "point"), counted(2, "point")),
            ("1 point".into(), "2 points".into())
        );
        assert_eq!((all_of(2), all_of(3)), ("both".into(), "all 3".into()));
    }

    #[test]
    fn three_significant_digits() {
        for (v, text) in [
            (0.0, "0"),
            (12.345, "12.3"),
            (9.996, "10.0"),
            (0.001_204, "0.00120"),
            (123.4, "123"),
            (1_234.0, "1230"),
            (99_999.0, "100 000"),
            (1_234_567.0, "1 230 000"),
            (-2.5, "-2.50"),
            (f64::NAN, "—"),
        ] {
            assert_eq!(digits(v, 3), text, "{v}");
        }
    }

    #[test]
    fn shares_and_durations() {
        assert_eq!(excess_text(0.34), "34%");
        assert_eq!(excess_text(3.0), "a factor of 4.0");
        assert_eq!(percent(0.02), "2%");
        assert_eq!(percent(0.004_4), "0.4%");
        assert_eq!(rare_percent(0.000_021), "0.0021%");
        assert_eq!(rare_percent(0.123_4), "12%");
        assert_eq!(percent(0.123_4), "12%");
        assert_eq!(seconds(Nanos::from_micros(12_345)), "12.3 ms");
        assert_eq!(seconds(Nanos::ZERO), "0 s");
        assert_eq!(seconds(Nanos(999_600)), "1000 us");
        assert_eq!(bytes(512.0), "512 B");
        assert_eq!(bytes(1536.0 * 1024.0), "1.50 MiB");
    }
}
