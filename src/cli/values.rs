//! Parses option values of types that clap does not know. Clap reports what was found and for which option (`invalid value 'abc' for
//! '--cores <N>'`); the messages here say what is expected, with an example.

use std::ops::RangeInclusive;

use crate::engine::Nanos;
use crate::scenario::limits;
use crate::scenario::units::{self, UnitError, grouped};

/// What a time looks like.
const TIME: &str = "expected a time with its unit, for example 250ms, 1.5s or 5m";

/// A whole number of this range.
pub(super) fn integer<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
    example: &'static str,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let n = text.trim().parse::<u64>().ok();
        n.filter(|n| range.contains(n))
            .and_then(|n| T::try_from(n).ok())
            .ok_or_else(|| expected(&range, example))
    }
}

/// A seed.
pub(super) fn seed(text: &str) -> Result<u64, String> {
    let expected = "expected a whole number, 0 or more, for example 7: equal seeds draw equal arrivals and demands";
    text.trim().parse().map_err(|_| expected.to_owned())
}

fn expected(range: &RangeInclusive<u64>, example: &str) -> String {
    let (least, most) = (grouped(range.start()), grouped(range.end()));
    if *range.end() == u64::MAX {
        format!("expected a whole number, {least} or more, for example {example}")
    } else {
        format!("expected a whole number from {least} to {most}, for example {example}")
    }
}

/// A whole number from 1 to one of the program's limits.
pub(super) fn limited(
    limit: &'static str,
    most: u32,
    example: &'static str,
) -> impl Fn(&str) -> Result<u32, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.trim();
        let range = 1..=u64::from(most);
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(expected(&range, example));
        }
        // More digits than the type has are past it, too.
        let n = number.parse::<u32>().unwrap_or(u32::MAX);
        if n > most {
            let (limit, instead) = (limits::named(limit, most), limits::instead(limit));
            return Err(format!("more than {limit}; {instead}"));
        }
        if n == 0 {
            return Err(expected(&range, example));
        }
        Ok(n)
    }
}

/// An instant or a duration, which may be zero.
pub(super) fn time(text: &str) -> Result<Nanos, String> {
    duration(text, TIME)
}

/// A duration; where it is none, why, and what is `expected`.
fn duration(text: &str, expected: &str) -> Result<Nanos, String> {
    units::duration(text).map_err(|e| {
        let (UnitError::Unit(why) | UnitError::Range(why) | UnitError::Limit(_, why)) = e;
        format!("{why}; {expected}")
    })
}

/// A duration above zero.
pub(super) fn lasting(text: &str) -> Result<std::time::Duration, String> {
    match time(text)? {
        Nanos::ZERO => Err(format!("it must be above zero; {TIME}")),
        t => Ok(std::time::Duration::from_nanos(t.0)),
    }
}

/// A window of time, `2s..2.2s`; one that begins at once may leave its begin out.
pub(super) fn window(text: &str) -> Result<(Nanos, Nanos), String> {
    const WINDOW: &str = "expected two times with two dots between them, for example 10ms..60ms";
    let (from, to) = text.split_once("..").ok_or(WINDOW)?;
    let from = if from.trim().is_empty() {
        Nanos::ZERO
    } else {
        duration(from, WINDOW)?
    };
    let to = duration(to, WINDOW)?;
    if from >= to {
        return Err(format!("it ends before it begins; {WINDOW}"));
    }
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        let rows = integer::<usize>(0..=u64::MAX, "20");
        assert_eq!((rows("0"), rows(" 7 ")), (Ok(0), Ok(7)));
        let said = "expected a whole number, 0 or more, for example 20";
        for bad in ["", "x", "-1", "1.5", "99999999999999999999"] {
            assert_eq!(rows(bad).unwrap_err(), said, "{bad}");
        }
        let width = integer::<u16>(40..=1000, "80");
        assert_eq!(width("40"), Ok(40));
        for bad in ["39", "1001", "70000", "x"] {
            let said = width(bad).unwrap_err();
            assert_eq!(
                said,
                "expected a whole number from 40 to 1000, for example 80"
            );
        }
    }

    #[test]
    fn limits_say_what_to_do() {
        let cores = limited("MAX_CORES", limits::MAX_CORES, "8");
        assert_eq!((cores("1"), cores("4096")), (Ok(1), Ok(4096)));
        for past in ["4097", "99999999999999999999"] {
            let said = cores(past).unwrap_err();
            assert!(
                said.starts_with("more than the limit MAX_CORES (4096); "),
                "{said}"
            );
        }
        for bad in ["0", "", "abc", "-3", "1..4"] {
            assert_eq!(
                cores(bad).unwrap_err(),
                "expected a whole number from 1 to 4096, for example 8"
            );
        }
    }

    #[test]
    fn times_and_windows() {
        assert_eq!(time("1.5s"), Ok(Nanos::from_millis(1500)));
        assert_eq!(time("0"), Ok(Nanos::ZERO));
        assert!(lasting("0s").unwrap_err().contains("above zero"));
        for (bad, why) in [
            ("1.5", "has no unit"),
            ("soon", "is not a duration"),
            ("-1s", "negative"),
            ("1000000d", "MAX_DURATION (1000 days)"),
        ] {
            let said = time(bad).unwrap_err();
            assert!(said.contains(why) && said.contains("1.5s"), "{said}");
        }
        let ms = Nanos::from_millis;
        assert_eq!(window("2s..2.2s"), Ok((ms(2000), ms(2200))));
        assert_eq!(window("..50ms"), Ok((Nanos::ZERO, ms(50))));
        for bad in [
            "",
            "2s",
            "3s..2s",
            "1s..1s",
            "a..b",
            "1..2",
            "2s..",
            "1s..9999d",
        ] {
            let said = window(bad).unwrap_err();
            assert!(said.ends_with("for example 10ms..60ms"), "{bad}: {said}");
        }
    }
}
