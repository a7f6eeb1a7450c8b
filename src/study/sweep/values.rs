//! The values of an axis as a user writes them: lists and ranges.
//!
//! `1,2,4` is a list, `1..32` every whole number with both ends, `1..32/4` has a step (1, 5, 9, ... 29), `1..32*2` a factor
//! (1, 2, 4, ... 32), `1..1000/log:7` seven values evenly spaced on a logarithmic scale. Ranges start at their first value and do not go
//! past their last. Units stand at both ends (`10ms..100ms/10ms`, `64kB..1MB*2`), lists may hold ranges (`1,2,4..16/4`).

use super::AxisValue;
use super::range::RangeExpr;
use crate::engine::Nanos;
use crate::scenario::{limits, units};

/// Most values of an axis, and most points of a plan.
pub(crate) const MAX_POINTS: u64 = 1_000_000;

/// The forms that values may have, for help and error messages.
pub(crate) const FORMS: &str = "write a list (1,2,4), a range with both ends (1..32), with a step (1..32/4 is 1, 5, 9, ... 29), with a factor (1..32*2 is 1, 2, \
     4, ... 32), or evenly on a logarithmic scale (1..1000/log:7); with units where the field has one (10ms..100ms/10ms, 64kB..1MB*2)";

/// Values that were read from a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AxisValues {
    /// The values in order; at least one, all different.
    pub values: Vec<AxisValue>,
    /// Unit of their numbers.
    pub unit: Option<&'static str>,
    /// Notes for the user: ranges whose last value does not lie on their steps.
    pub notes: Vec<String>,
}

/// What the number of a value measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    Plain,
    Percent,
    Time,
    Size,
    Rate,
}

impl Dimension {
    const fn unit(self) -> Option<&'static str> {
        match self {
            Self::Plain | Self::Percent => None,
            Self::Time => Some("s"),
            Self::Size => Some("bytes"),
            Self::Rate => Some("per_s"),
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "a number without a unit",
            Self::Percent => "a percentage",
            Self::Time => "a time",
            Self::Size => "a size",
            Self::Rate => "a rate",
        }
    }
}

/// A number with its unit: of `10ms` the digits are 10 and the unit is `ms`, of scale 0.001 (seconds).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct NumberWithUnit<'t> {
    pub kind: Dimension,
    /// The number before the unit.
    pub digits: f64,
    pub unit: &'t str,
    /// Size of the unit, in seconds, bytes or events per second.
    pub scale: f64,
    /// Whether the number was written without a fraction.
    pub whole: bool,
}

impl NumberWithUnit<'_> {
    fn number(&self) -> f64 {
        tidy(self.digits * self.scale)
    }
}

/// Reads the values of an axis. `ranges` tells whether the field takes numbers at all; names (of files, say) may contain dots.
///
/// # Errors
///
/// A sentence: what is wrong, and what is expected.
pub(crate) fn values(text: &str, ranges: bool) -> Result<AxisValues, String> {
    let mut out = AxisValues {
        values: Vec::new(),
        unit: None,
        notes: Vec::new(),
    };
    let mut kinds: Vec<(Dimension, String)> = Vec::new();
    for item in split(text) {
        let item = item.trim();
        if item.is_empty() {
            return Err(format!("a value is missing in `{text}`: {FORMS}"));
        }
        let range = ranges.then(|| RangeExpr::find(item)).flatten();
        let added = match range {
            Some(range) => {
                let (added, note) = range.values(item)?;
                out.notes.extend(note);
                added
            }
            None => vec![single(item)],
        };
        for (value, kind) in added {
            if out.values.len() as u64 == MAX_POINTS {
                return Err(too_many(text));
            }
            if let Some(kind) = kind
                && !kinds.iter().any(|(k, _)| *k == kind)
            {
                kinds.push((kind, value.text.clone()));
            }
            out.values.push(value);
        }
    }
    if let [(a, first), (b, second), ..] = &kinds[..] {
        return Err(format!(
            "`{text}` mixes units: {first} is {}, {second} {}",
            a.name(),
            b.name()
        ));
    }
    let all_numbers = out.values.iter().all(|v| v.number.is_some());
    out.unit = kinds
        .first()
        .filter(|_| all_numbers)
        .and_then(|(k, _)| k.unit());
    refuse_repeated(text, &out.values)?;
    Ok(out)
}

pub(super) fn too_many(text: &str) -> String {
    format!(
        "`{text}` has more values than {}: take a larger step",
        limits::named("MAX_POINTS", MAX_POINTS)
    )
}

fn refuse_repeated(text: &str, values: &[AxisValue]) -> Result<(), String> {
    let mut seen = std::collections::HashSet::new();
    for v in values {
        let key = match v.number {
            Some(n) => format!("{n:e}"),
            None => format!("text {}", v.text),
        };
        if !seen.insert(key) {
            return Err(format!(
                "`{text}` has the value {} twice: a point is simulated once",
                v.text
            ));
        }
    }
    Ok(())
}

/// Splits a list at its commas, but not within brackets and quotes: `prefork:4(asyncio),Threads(workers: 4)`.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut start) = (0i32, false, 0);
    let mut items = Vec::new();
    for (i, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                items.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    items.push(&text[start..]);
    items
}

/// A value, and what it measures if it is a number.
pub(super) type ParsedValue = (AxisValue, Option<Dimension>);

fn single(text: &str) -> ParsedValue {
    let quantity = quantity(text);
    let value = AxisValue {
        text: text.to_owned(),
        number: quantity.map(|q| q.number()),
    };
    (value, quantity.map(|q| q.kind))
}

/// Reads a number with its unit; `None` if the text is no such thing.
pub(super) fn quantity(text: &str) -> Option<NumberWithUnit<'_>> {
    let text = text.trim();
    let numeric = |c: char| c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '+');
    let exponent = |at: usize| {
        let rest = text[at..].strip_prefix(['e', 'E'])?;
        let digits = rest.trim_start_matches(['+', '-']);
        let n = digits.len()
            - digits
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .len();
        (n > 0).then(|| at + 1 + (rest.len() - digits.len()) + n)
    };
    let mut end = text.find(|c| !numeric(c)).unwrap_or(text.len());
    end = exponent(end).unwrap_or(end);
    let (number, unit) = text.split_at(end);
    let number: String = number.chars().filter(|&c| c != '_').collect();
    let digits: f64 = number.parse().ok().filter(|x: &f64| x.is_finite())?;
    let unit = unit.trim();
    if unit.contains(|c: char| c.is_ascii_digit()) {
        // The text has several units, as in `1h30m`.
        return units::duration(text).ok().map(|t| NumberWithUnit {
            kind: Dimension::Time,
            digits: seconds(t),
            unit: "s",
            scale: 1.0,
            whole: false,
        });
    }
    let one = format!("1{unit}");
    let (kind, scale) = if unit.is_empty() {
        (Dimension::Plain, 1.0)
    } else if unit == "%" {
        (Dimension::Percent, 0.01)
    } else if let Ok(t) = units::duration(&one) {
        (Dimension::Time, seconds(t))
    } else if let Ok(bytes) = units::size(&one) {
        let scale = bytes as f64;
        (Dimension::Size, scale)
    } else if let Ok(rate) = units::rate(&one) {
        (Dimension::Rate, rate)
    } else {
        return None;
    };
    let whole = !number.contains(['.', 'e', 'E', '-']);
    Some(NumberWithUnit {
        kind,
        digits,
        unit,
        scale,
        whole,
    })
}

fn seconds(t: Nanos) -> f64 {
    t.as_f64() / 1e9
}

/// Rounds to fifteen significant digits: beyond these, arithmetic adds only noise to a written number.
pub(super) fn tidy(x: f64) -> f64 {
    format!("{x:.14e}").parse().unwrap_or(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(spec: &str) -> Vec<String> {
        let v = values(spec, true).unwrap_or_else(|e| panic!("{spec}: {e}"));
        v.values.into_iter().map(|v| v.text).collect()
    }

    #[test]
    fn every_form() {
        for (spec, expected) in [
            ("4", "4"),
            ("1,2,4,8", "1,2,4,8"),
            ("1..5", "1,2,3,4,5"),
            ("3..3", "3"),
            ("1..32/4", "1,5,9,13,17,21,25,29"),
            ("50..500/50", "50,100,150,200,250,300,350,400,450,500"),
            ("0.1..0.5/0.1", "0.1,0.2,0.3,0.4,0.5"),
            ("1..32*2", "1,2,4,8,16,32"),
            ("1..30*2", "1,2,4,8,16"),
            ("1..1000/log:4", "1,10,100,1000"),
            ("1..1000/log:7", "1,3,10,32,100,316,1000"),
            ("1..4/log:9", "1,2,3,4"),
            ("10ms..50ms/10ms", "10ms,20ms,30ms,40ms,50ms"),
            ("500ms..2s/500ms", "500ms,1000ms,1500ms,2000ms"),
            ("64kB..1MB*2", "64kB,128kB,256kB,512kB"),
            ("64KiB..1MiB*2", "64KiB,128KiB,256KiB,512KiB,1024KiB"),
            ("1ms..1s/log:4", "1ms,10ms,100ms,1000ms"),
            (
                "1ms..1s/log:7",
                "1ms,3.162ms,10ms,31.62ms,100ms,316.2ms,1000ms",
            ),
            ("1h30m..3h/30m", "5400s,7200s,9000s,10800s"),
            ("10%..50%/20%", "10%,30%,50%"),
            ("50/s..200/s/50/s", "50/s,100/s,150/s,200/s"),
            ("50/s..200/s*2", "50/s,100/s,200/s"),
            ("60/min..2/s/30/min", "60/min,90/min,120/min"),
            ("1,2,4..16/4", "1,2,4,8,12,16"),
            ("threads:4, asyncio", "threads:4,asyncio"),
            (
                "prefork:4(asyncio),Threads(workers: 4)",
                "prefork:4(asyncio),Threads(workers: 4)",
            ),
            ("[1, 2],\"a,b\"", "[1, 2],\"a,b\""),
            ("../a.ron", "../a.ron"),
        ] {
            assert_eq!(texts(spec).join(","), expected, "{spec}");
        }
        assert_eq!(values("a..b/c.ron", false).unwrap().values.len(), 1);
    }

    #[test]
    fn numbers_have_base_units() {
        let of = |spec: &str| {
            let v = values(spec, true).unwrap();
            (v.values.last().unwrap().number, v.unit)
        };
        assert_eq!(of("10ms,50ms"), (Some(0.05), Some("s")));
        assert_eq!(of("64kB..1MB*2"), (Some(512_000.0), Some("bytes")));
        assert_eq!(of("8GiB"), (Some(8_589_934_592.0), Some("bytes")));
        assert_eq!(of("60/min"), (Some(1.0), Some("per_s")));
        assert_eq!(of("1%"), (Some(0.01), None));
        assert_eq!(of("1..8"), (Some(8.0), None));
        assert_eq!(of("3.14t"), (None, None));
        assert_eq!(of("1s,auto").1, None);
        assert_eq!(of("1e3ms"), (Some(1.0), Some("s")));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (spec, part) in [
            ("", "missing"),
            ("1,,2", "missing"),
            ("8..1", "smaller end first"),
            ("1..8/0", "above 0"),
            ("1..8/-1", "above 0"),
            ("1..8/", "where a number is needed"),
            ("1..8*1", "above 1"),
            ("1..8*0.5", "above 1"),
            ("1..8*x", "above 1"),
            ("0..8*2", "never grows"),
            ("1..", "where a number is needed"),
            ("1..x", "`1..x` has x"),
            ("1..=8", "..8"),
            ("10ms..100ms", "needs a step"),
            ("0.5..2", "needs a step"),
            ("10ms..100ms/10", "mixes units"),
            ("10..100ms/10ms", "mixes units"),
            ("10ms..64kB/1ms", "a time"),
            ("10ms,64kB", "mixes units"),
            ("10ms,5", "mixes units"),
            ("1..100/log", "how many"),
            ("1..100/log:1", "how many"),
            ("0..100/log:3", "above 0"),
            ("1..9999999", "MAX_POINTS"),
            ("1..1e15/0.001", "MAX_POINTS"),
            ("1..1e16/1e15", "where a number is needed"),
            ("1,2,2.0", "twice"),
            ("a,b,a", "twice"),
            ("1..4,3", "twice"),
        ] {
            let e = values(spec, true).expect_err(spec);
            assert!(e.contains(part), "{spec}: {e}");
        }
    }

    #[test]
    fn ends_that_are_not_reached_are_noted() {
        assert_eq!(
            values("1..32/4", true).unwrap().notes,
            ["1..32/4 ends with 29: the next value would be past 32"]
        );
        assert!(values("1..29/4", true).unwrap().notes.is_empty());
        assert!(values("1..32*2", true).unwrap().notes.is_empty());
        assert_eq!(values("1..31*2", true).unwrap().notes.len(), 1);
    }

    proptest! {
        #[test]
        fn ranges_hold_what_they_say(a in 0u32..10_000, length in 0u32..5_000, step in 1u32..500) {
            let spec = format!("{a}..{}/{step}", a + length);
            let v = values(&spec, true).unwrap();
            let expected: Vec<f64> = (a..=a + length).step_by(step as usize).map(f64::from).collect();
            let numbers: Vec<f64> = v.values.iter().map(|v| v.number.unwrap()).collect();
            prop_assert_eq!(&numbers, &expected);
            prop_assert!(v.values.iter().all(|v| v.text.parse::<f64>().ok() == v.number));
            prop_assert_eq!(v.notes.is_empty(), length % step == 0);
        }

        #[test]
        fn decimal_steps_hit_their_end(n in 1u32..300, digits in 1_u8..6) {
            let unit = 10f64.powi(-i32::from(digits));
            let digits = usize::from(digits);
            let spec = format!("0..{:.*}/{:.*}", digits, f64::from(n) * unit, digits, unit);
            let v = values(&spec, true).unwrap();
            prop_assert_eq!(v.values.len(), n as usize + 1);
            prop_assert!(v.notes.is_empty(), "{:?}", v.notes);
        }

        #[test]
        fn logarithmic_ranges_rise_from_end_to_end(a in 1u32..1_000, times in 2u32..1_000, n in 2u32..60) {
            let last = a * times;
            let v = values(&format!("{a}..{last}/log:{n}"), true).unwrap();
            let numbers: Vec<f64> = v.values.iter().map(|v| v.number.unwrap()).collect();
            prop_assert!(numbers.windows(2).all(|w| w[0] < w[1]));
            prop_assert_eq!((numbers[0], *numbers.last().unwrap()), (f64::from(a), f64::from(last)));
            prop_assert!(numbers.len() <= n as usize);
        }

        #[test]
        fn no_text_is_a_panic(text in "[0-9a-z.*/,:%()\\[\\]\" -]{0,24}") {
            let _ = values(&text, true);
            let _ = values(&text, false);
        }
    }
}
