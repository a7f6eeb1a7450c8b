//! Ranges of values: `1..32`, `1..32/4`, `1..32*2`, `1..1000/log:7`.

use super::AxisValue;
use super::values::{
    Dimension, FORMS, MAX_POINTS, NumberWithUnit, ParsedValue, quantity, tidy, too_many,
};

/// Largest number in a range: such numbers keep 15 digits.
const LARGEST: f64 = 1e15;

/// Rounds to so many significant digits.
fn rounded(x: f64, digits: usize) -> f64 {
    format!("{x:.*e}", digits - 1).parse().unwrap_or(x)
}

/// A range: `FIRST..LAST`, and how its values follow one another.
pub(super) struct RangeExpr<'t> {
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

impl<'t> RangeExpr<'t> {
    /// Finds the range in a text; `None` if the text is a single value (`"../page.html"`, `Uniform(1..2)`).
    pub(super) fn find(text: &'t str) -> Option<Self> {
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

    /// The values, and a note if the last one does not lie on the steps.
    pub(super) fn values(&self, text: &str) -> Result<(Vec<ParsedValue>, Option<String>), String> {
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
        // From here on, in units of the first value.
        let last = tidy(b.digits * (b.scale / a.scale));
        if last < a.digits {
            return Err(format!(
                "the range `{text}` is empty: write the smaller end first"
            ));
        }
        let (numbers, exact) = match &self.by {
            By::One => (Self::by_one(text, a, b)?, true),
            By::Step(step) => self.by_step(text, a, last, step)?,
            By::Factor(factor) => Self::by_factor(text, a, last, factor)?,
            By::Log(n) => (Self::by_log(text, a, b, last, n)?, true),
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

    fn by_one(
        text: &str,
        a: NumberWithUnit<'_>,
        b: NumberWithUnit<'_>,
    ) -> Result<Vec<f64>, String> {
        if a.kind != Dimension::Plain || !a.whole || !b.whole {
            return Err(format!(
                "`{text}` needs a step: {text}/STEP, or a factor: {text}*2, or {text}/log:7 for seven values on a logarithmic scale"
            ));
        }
        Ok(steps(text, a.digits, b.digits, 1.0)?.0)
    }

    fn by_step(
        &self,
        text: &str,
        a: NumberWithUnit<'_>,
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
        text: &str,
        a: NumberWithUnit<'_>,
        last: f64,
        factor: &str,
    ) -> Result<(Vec<f64>, bool), String> {
        let factor = quantity(factor)
            .filter(|q| q.kind == Dimension::Plain && q.digits > 1.0)
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
        text: &str,
        a: NumberWithUnit<'_>,
        b: NumberWithUnit<'_>,
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
        // Counts are whole; values with a unit are rounded to four digits.
        let whole = a.kind == Dimension::Plain && a.whole && b.whole;
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
        // Whole numbers repeat at the lower end, where they lie close together.
        numbers.dedup();
        Ok(numbers)
    }
}

/// Reads an end or a step of a range.
fn end<'t>(text: &'t str, range: &str) -> Result<NumberWithUnit<'t>, String> {
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

/// The values from `first` in steps up to `last` at most, and whether they reach `last`.
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
    let numbers: Vec<f64> = (0..=count).map(|i| tidy(first + i as f64 * step)).collect();
    let exact = numbers.last().is_some_and(|x| close(*x, last));
    Ok((numbers, exact))
}
