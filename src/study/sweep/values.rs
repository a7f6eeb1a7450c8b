//! The values of an axis as a user writes them: lists and ranges.
//!
//! `1,2,4` is a list, `1..32` every whole number with both ends, `1..32/4` has a step (1, 5, 9, ... 29), `1..32*2` a factor
//! (1, 2, 4, ... 32), `1..1000/log:7` seven values evenly spaced on a logarithmic scale. Ranges start at their first value and do not go
//! past their last. Units stand at both ends (`10ms..100ms/10ms`, `64kB..1MB*2`), lists may hold ranges (`1,2,4..16/4`).

use super::AxisValue;
use crate::engine::Nanos;
use crate::scenario::units;

/// Most values of an axis, and most points of a plan.
pub const MAX_POINTS: u64 = 1_000_000;

/// What the texts of values look like, for help and complaints.
pub const FORMS: &str = "write a list (1,2,4), a range with both ends (1..32), with a step (1..32/4 is 1, 5, 9, ... 29), with a factor (1..32*2 is 1, 2, \
     4, ... 32), or evenly on a logarithmic scale (1..1000/log:7); with units where the field has one (10ms..100ms/10ms, 64kB..1MB*2)";

/// Ranges are made of numbers up to this, which keep 15 digits.
const LARGEST: f64 = 1e15;

/// The values of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// In order; at least one, all different.
    pub values: Vec<AxisValue>,
    /// Unit of their numbers.
    pub unit: Option<&'static str>,
    /// What a user should know of them: ranges whose last value does not lie on their steps.
    pub notes: Vec<String>,
}

/// What the number of a value measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Percent,
    Time,
    Size,
    Rate,
}

impl Kind {
    const fn unit(self) -> Option<&'static str> {
        match self {
            Self::Plain | Self::Percent => None,
            Self::Time => Some("s"),
            Self::Size => Some("bytes"),
            Self::Rate => Some("per_s"),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "a number without a unit",
            Self::Percent => "a percentage",
            Self::Time => "a time",
            Self::Size => "a size",
            Self::Rate => "a rate",
        }
    }
}

/// A number with its unit: `10ms` is 10, `ms`, and a hundredth of a second.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Quantity<'t> {
    kind: Kind,
    /// The number before the unit.
    digits: f64,
    unit: &'t str,
    /// What one of the unit is in seconds, bytes or events a second.
    scale: f64,
    /// Whether the number was written without a fraction.
    whole: bool,
}

impl Quantity<'_> {
    fn number(&self) -> f64 {
        tidy(self.digits * self.scale)
    }
}

/// The values that a text stands for. `ranges` says whether the field takes numbers at all: names (of files, say) may hold dots.
///
/// # Errors
/// A sentence: what was wrong, and what was expected.
pub fn values(text: &str, ranges: bool) -> Result<Values, String> {
    let mut out = Values {
        values: Vec::new(),
        unit: None,
        notes: Vec::new(),
    };
    let mut kinds: Vec<(Kind, String)> = Vec::new();
    for item in split(text) {
        let item = item.trim();
        if item.is_empty() {
            return Err(format!("a value is missing in `{text}`: {FORMS}"));
        }
        let range = ranges.then(|| Range::find(item)).flatten();
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

fn too_many(text: &str) -> String {
    format!("`{text}` has more values than the limit MAX_POINTS ({MAX_POINTS}): take a larger step")
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
type Single = (AxisValue, Option<Kind>);

fn single(text: &str) -> Single {
    let quantity = quantity(text);
    let value = AxisValue {
        text: text.to_owned(),
        number: quantity.map(|q| q.number()),
    };
    (value, quantity.map(|q| q.kind))
}

/// The number and unit of a text; nothing if it is no such thing.
fn quantity(text: &str) -> Option<Quantity<'_>> {
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
        // Several units, as in `1h30m`.
        return units::duration(text).ok().map(|t| Quantity {
            kind: Kind::Time,
            digits: seconds(t),
            unit: "s",
            scale: 1.0,
            whole: false,
        });
    }
    let one = format!("1{unit}");
    let (kind, scale) = if unit.is_empty() {
        (Kind::Plain, 1.0)
    } else if unit == "%" {
        (Kind::Percent, 0.01)
    } else if let Ok(t) = units::duration(&one) {
        (Kind::Time, seconds(t))
    } else if let Ok(bytes) = units::size(&one) {
        #[expect(clippy::cast_precision_loss, reason = "a power of ten or two")]
        let scale = bytes as f64;
        (Kind::Size, scale)
    } else if let Ok(rate) = units::rate(&one) {
        (Kind::Rate, rate)
    } else {
        return None;
    };
    let whole = !number.contains(['.', 'e', 'E', '-']);
    Some(Quantity {
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

/// Fifteen significant digits: what arithmetic adds to a written number beyond these is noise.
fn tidy(x: f64) -> f64 {
    format!("{x:.14e}").parse().unwrap_or(x)
}

/// So many significant digits.
fn rounded(x: f64, digits: usize) -> f64 {
    format!("{x:.*e}", digits - 1).parse().unwrap_or(x)
}

/// `FIRST..LAST` and what follows.
struct Range<'t> {
    first: &'t str,
    last: &'t str,
    by: By<'t>,
}

enum By<'t> {
    One,
    Step(&'t str),
    Factor(&'t str),
    Log(&'t str),
}

impl<'t> Range<'t> {
    /// The range that a text is; nothing if it is a single value (`"../page.html"`, `Uniform(1..2)`).
    fn find(text: &'t str) -> Option<Self> {
        if text.starts_with(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+')) {
            return None;
        }
        let (first, rest) = text.split_once("..")?;
        if first.trim().is_empty() {
            return None;
        }
        if let Some((last, factor)) = rest.split_once('*') {
            let by = By::Factor(factor.trim());
            return Some(Self { first, last, by });
        }
        // A slash may belong to a rate (`50/s`): a step begins with a digit, a dot or a sign.
        let slash = rest.match_indices('/').find(|(i, _)| {
            let after = rest[i + 1..].trim_start();
            after.starts_with("log")
                || after.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))
                || after.is_empty()
        });
        let Some((at, _)) = slash else {
            let by = By::One;
            return Some(Self {
                first,
                last: rest,
                by,
            });
        };
        let (last, after) = (&rest[..at], rest[at + 1..].trim());
        let by = match after.strip_prefix("log") {
            Some(n) => By::Log(n.trim_start_matches(':').trim()),
            None => By::Step(after),
        };
        Some(Self { first, last, by })
    }

    /// The values, and a note where the last one does not lie on the steps.
    fn values(&self, text: &str) -> Result<(Vec<Single>, Option<String>), String> {
        let (a, b) = (end(self.first, text)?, end(self.last, text)?);
        if a.kind != b.kind {
            return Err(format!(
                "`{text}` mixes units: {} is {}, {} {}; write the unit at both ends",
                self.first.trim(),
                a.kind.name(),
                self.last.trim(),
                b.kind.name()
            ));
        }
        // From here on in units of the first value.
        let last = tidy(b.digits * (b.scale / a.scale));
        if last < a.digits {
            return Err(format!(
                "the range `{text}` is empty: write the smaller end first"
            ));
        }
        let (numbers, exact) = match &self.by {
            By::One => (self.by_one(text, a, b)?, true),
            By::Step(step) => self.by_step(text, a, last, step)?,
            By::Factor(factor) => self.by_factor(text, a, last, factor)?,
            By::Log(n) => (self.by_log(text, a, b, last, n)?, true),
        };
        let value = |&x: &f64| {
            let value = AxisValue {
                text: format!("{x}{}", a.unit),
                number: Some(tidy(x * a.scale)),
            };
            (value, Some(a.kind))
        };
        let values: Vec<_> = numbers.iter().map(value).collect();
        let note = values.last().filter(|_| !exact).map(|(v, _)| {
            format!(
                "{text} ends with {}: the next value would be past {}",
                v.text,
                self.last.trim()
            )
        });
        Ok((values, note))
    }

    fn by_one(&self, text: &str, a: Quantity<'_>, b: Quantity<'_>) -> Result<Vec<f64>, String> {
        if a.kind != Kind::Plain || !a.whole || !b.whole {
            return Err(format!(
                "`{text}` needs a step: {text}/STEP, or a factor: {text}*2, or {text}/log:7 for seven values on a logarithmic scale"
            ));
        }
        Ok(steps(text, a.digits, b.digits, 1.0)?.0)
    }

    fn by_step(
        &self,
        text: &str,
        a: Quantity<'_>,
        last: f64,
        step: &str,
    ) -> Result<(Vec<f64>, bool), String> {
        let s = end(step, text)?;
        if s.kind != a.kind {
            return Err(format!(
                "`{text}` mixes units: the step {step} is {}, {} {}; write the step with the unit",
                s.kind.name(),
                self.first.trim(),
                a.kind.name()
            ));
        }
        let step = tidy(s.digits * (s.scale / a.scale));
        if step <= 0.0 {
            return Err(format!("the step of `{text}` must be above 0: {FORMS}"));
        }
        steps(text, a.digits, last, step)
    }

    fn by_factor(
        &self,
        text: &str,
        a: Quantity<'_>,
        last: f64,
        factor: &str,
    ) -> Result<(Vec<f64>, bool), String> {
        let factor = quantity(factor)
            .filter(|q| q.kind == Kind::Plain && q.digits > 1.0)
            .map(|q| q.digits)
            .ok_or_else(|| {
                format!(
                    "the factor of `{text}` must be a number above 1: 1..32*2 is 1, 2, 4, 8, 16, 32"
                )
            })?;
        if a.digits <= 0.0 {
            return Err(format!(
                "`{text}` cannot start at {}: multiplied, it never grows",
                a.digits
            ));
        }
        let mut numbers = Vec::new();
        let mut x = a.digits;
        while x <= last * (1.0 + 1e-12) {
            if numbers.len() as u64 == MAX_POINTS {
                return Err(too_many(text));
            }
            numbers.push(x);
            x = tidy(x * factor);
        }
        let exact = numbers.last().is_some_and(|x| close(*x, last));
        Ok((numbers, exact))
    }

    fn by_log(
        &self,
        text: &str,
        a: Quantity<'_>,
        b: Quantity<'_>,
        last: f64,
        count: &str,
    ) -> Result<Vec<f64>, String> {
        let n = count
            .parse::<u32>()
            .ok()
            .filter(|n| (2..=100_000).contains(n))
            .ok_or_else(|| {
                format!("`{text}` must say how many values there are, from 2 to 100000: 1..1000/log:7 has seven")
            })?;
        if a.digits <= 0.0 || last <= a.digits {
            return Err(format!(
                "`{text}` must run from above 0 to something larger: logarithms are spread over it"
            ));
        }
        // Counts are whole; what has a unit is told apart by four digits.
        let whole = a.kind == Kind::Plain && a.whole && b.whole;
        let ratio = libm::log(last / a.digits);
        let mut numbers: Vec<f64> = (0..n)
            .map(|i| {
                let x = a.digits * libm::exp(ratio * f64::from(i) / f64::from(n - 1));
                match i {
                    0 => a.digits,
                    _ if i == n - 1 => last,
                    _ if whole => libm::round(x),
                    _ => rounded(x, 4),
                }
            })
            .collect();
        // Whole numbers lie close together at the lower end.
        numbers.dedup();
        Ok(numbers)
    }
}

/// An end or a step of a range.
fn end<'t>(text: &'t str, range: &str) -> Result<Quantity<'t>, String> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('=') {
        return Err(format!(
            "`{range}`: ranges have both ends without a sign for it; write ..{rest} for ..={rest}"
        ));
    }
    quantity(text)
        .filter(|q| q.digits.abs() <= LARGEST)
        .ok_or_else(|| {
            let what = if text.is_empty() { "nothing" } else { text };
            format!("`{range}` has {what} where a number is needed: {FORMS}")
        })
}

fn close(x: f64, y: f64) -> bool {
    (x - y).abs() <= 1e-12 * y.abs()
}

/// From `first` in steps to the last that is not past `last`; whether that is `last` itself.
fn steps(text: &str, first: f64, last: f64, step: f64) -> Result<(Vec<f64>, bool), String> {
    let count = libm::floor((last - first) / step * (1.0 + 1e-12) + 1e-9);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least 0, and a float cast saturates"
    )]
    let count = count as u64;
    if count >= MAX_POINTS {
        return Err(too_many(text));
    }
    #[expect(clippy::cast_precision_loss, reason = "at most a million")]
    let numbers: Vec<f64> = (0..=count).map(|i| tidy(first + i as f64 * step)).collect();
    let exact = numbers.last().is_some_and(|x| close(*x, last));
    Ok((numbers, exact))
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
        fn decimal_steps_hit_their_end(n in 1u32..300, digits in 1i32..6) {
            let unit = 10f64.powi(-digits);
            let spec = format!("0..{:.*}/{:.*}", digits as usize, f64::from(n) * unit, digits as usize, unit);
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
