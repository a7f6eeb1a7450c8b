//! Axes: where a value lies between 0 and 1, and the marks beside it.

use crate::report::figure::{Axis, Measure, Scale};
use crate::study::{digits, percent, time_unit};

/// An axis over the values that it has to hold.
pub(super) struct Laid {
    scale: Scale,
    measure: Measure,
    low: f64,
    high: f64,
    /// Length of the unit of its marks, and the unit's name; marks on a scale of powers have units of their own.
    unit: (f64, &'static str),
    categories: Vec<String>,
    label: String,
}

/// A mark.
pub(super) struct Tick {
    /// Between 0 and 1.
    pub at: f64,
    /// What is written there.
    pub text: String,
}

impl Laid {
    pub(super) fn new(axis: &Axis, values: impl Iterator<Item = f64>) -> Self {
        let positive = axis.scale == Scale::Log || axis.scale == Scale::Log2;
        let (mut low, mut high) = values
            .filter(|v| v.is_finite() && (!positive || *v > 0.0))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low > high {
            (low, high) = if positive { (1.0, 10.0) } else { (0.0, 1.0) };
        }
        if axis.scale == Scale::FromZero {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        let mut laid = Self {
            scale: axis.scale,
            measure: axis.measure,
            low,
            high,
            unit: unit(axis.measure, low.abs().max(high.abs())),
            categories: axis.categories.clone(),
            label: axis.label.clone(),
        };
        laid.widen();
        laid
    }

    /// Ends the axis at round values, and gives a single value some room.
    fn widen(&mut self) {
        match self.scale {
            _ if !self.categories.is_empty() => {}
            Scale::Linear | Scale::FromZero => {
                if self.low == self.high {
                    let room = if self.high == 0.0 { 1.0 } else { self.high.abs() * 0.1 };
                    self.high += room;
                    if self.scale == Scale::Linear {
                        self.low -= room;
                    }
                }
                if self.scale == Scale::FromZero {
                    let step = self.step(5);
                    self.high = libm::ceil(self.high / step - 1e-9) * step;
                    self.low = libm::floor(self.low / step + 1e-9) * step;
                    if self.measure == Measure::Share && self.high > 1.0 - 1e-9 && self.low >= 0.0 {
                        self.high = 1.0;
                    }
                }
            }
            Scale::Log => {
                if self.high < self.low * 1.5 {
                    self.low /= 2.0;
                    self.high *= 2.0;
                }
            }
            Scale::Log2 => {
                if self.low == self.high {
                    self.low /= 2.0;
                    self.high *= 2.0;
                }
            }
            Scale::Nines => {
                self.low = self.low.clamp(0.0, 0.999_999);
                self.high = self.high.clamp(self.low + 1e-9, 0.999_999);
            }
        }
    }

    fn transformed(&self, v: f64) -> f64 {
        match self.scale {
            Scale::Linear | Scale::FromZero => v,
            Scale::Log => libm::log10(v.max(f64::MIN_POSITIVE)),
            Scale::Log2 => libm::log2(v.max(f64::MIN_POSITIVE)),
            Scale::Nines => -libm::log10((1.0 - v).max(1e-9)),
        }
    }

    /// Where the value lies, 0 to 1; beyond where it lies outside.
    pub(super) fn at(&self, v: f64) -> f64 {
        if !self.categories.is_empty() {
            return (v + 0.5) / count(self.categories.len());
        }
        let (a, b) = (self.transformed(self.low), self.transformed(self.high));
        (self.transformed(v) - a) / (b - a)
    }

    /// The distance between marks so that there are about so many.
    fn step(&self, most: usize) -> f64 {
        let rough = (self.high - self.low) / self.unit.0 / count(most.max(1));
        let power = libm::pow(10.0, libm::floor(libm::log10(rough.max(f64::MIN_POSITIVE))));
        let nice = [1.0, 2.0, 5.0, 10.0].map(|n| n * power);
        let step = nice.into_iter().find(|n| *n >= rough * (1.0 - 1e-9));
        step.unwrap_or(10.0 * power) * self.unit.0
    }

    /// About so many marks.
    pub(super) fn ticks(&self, most: usize) -> Vec<Tick> {
        if !self.categories.is_empty() {
            let every = self.categories.len().div_ceil(most.max(1));
            let shown = self.categories.iter().enumerate().step_by(every);
            return shown
                .map(|(i, text)| Tick { at: self.at(count(i)), text: text.clone() })
                .collect();
        }
        let tick = |v: f64| Tick { at: self.at(v), text: self.mark(v) };
        let inside = |v: &f64| (-1e-9..=1.0 + 1e-9).contains(&self.at(*v));
        let values: Vec<f64> = match self.scale {
            Scale::Linear | Scale::FromZero => {
                let step = self.step(most);
                let first = libm::ceil(self.low / step - 1e-9);
                let last = libm::floor(self.high / step + 1e-9);
                (0..=40u8).map(|i| first + f64::from(i)).filter(|k| *k <= last).map(|k| k * step).collect()
            }
            Scale::Log => self.powers(10.0, most),
            Scale::Log2 => self.powers(2.0, most),
            Scale::Nines => {
                let all = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999_999];
                all.into_iter().collect()
            }
        };
        values.into_iter().filter(inside).map(tick).collect()
    }

    /// Powers of the base; between them some where there are few, fewer where there are many.
    fn powers(&self, base: f64, most: usize) -> Vec<f64> {
        let log = |v: f64| if base == 2.0 { libm::log2(v) } else { libm::log10(v) };
        let (first, last) = (libm::floor(log(self.low) + 1e-9), libm::ceil(log(self.high) - 1e-9));
        let every = libm::ceil(((last - first) / count(most.max(1))).max(1.0));
        let between: &[f64] = match (base == 10.0, last - first) {
            (true, n) if n <= 2.0 => &[1.0, 2.0, 5.0],
            (true, n) if n <= 3.0 && most > 4 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let mut all = Vec::new();
        let mut k = first;
        while k <= last && all.len() < 60 {
            all.extend(between.iter().map(|b| b * libm::pow(base, k)));
            k += every;
        }
        all
    }

    /// A value beside the axis.
    fn mark(&self, v: f64) -> String {
        match (self.scale, self.measure) {
            (Scale::Log | Scale::Log2, _) => plain(&self.text(v)),
            (_, Measure::Share) => percent_exact(v),
            (_, Measure::Factor) => format!("×{}", plain(&digits(v, 3))),
            _ => short(v / self.unit.0),
        }
    }

    /// What the axis shows, and in which unit.
    pub(super) fn heading(&self) -> String {
        let own = matches!(self.scale, Scale::Log | Scale::Log2);
        match (self.measure, self.unit.1) {
            (Measure::PerSecond, _) => format!("{} (per second)", self.label),
            (_, "") => self.label.clone(),
            _ if own => self.label.clone(),
            (_, unit) => format!("{} ({unit})", self.label),
        }
    }

    /// The value with its unit, three digits: as tables and hovers show it.
    pub(super) fn text(&self, v: f64) -> String {
        if let Some(word) = self.category(v) {
            return word.to_owned();
        }
        text(self.measure, v)
    }

    fn category(&self, v: f64) -> Option<&str> {
        if v < 0.0 || !v.is_finite() {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position, not negative")]
        let i = libm::round(v) as usize;
        self.categories.get(i).map(String::as_str)
    }
}

/// A number with its unit.
pub(super) fn text(measure: Measure, v: f64) -> String {
    if !v.is_finite() {
        return "–".into();
    }
    match measure {
        Measure::Seconds => {
            let (length, name) = time_unit(v);
            format!("{} {}", digits(v / length, 3), micro(name))
        }
        Measure::Bytes => crate::study::bytes(v),
        Measure::PerSecond => format!("{} /s", digits(v, 3)),
        Measure::Share if v > 0.99 && v < 1.0 => percent_exact(v),
        Measure::Share => percent(v),
        Measure::Factor => format!("×{}", digits(v, 3)),
        Measure::Number if v == libm::round(v) => crate::study::whole(v),
        Measure::Number => digits(v, 3),
    }
}

fn micro(name: &'static str) -> &'static str {
    if name == "us" { "µs" } else { name }
}

fn unit(measure: Measure, most: f64) -> (f64, &'static str) {
    const KIB: f64 = 1024.0;
    match measure {
        Measure::Seconds => {
            let (length, name) = time_unit(most);
            (length, micro(name))
        }
        Measure::Bytes if most < KIB => (1.0, "B"),
        Measure::Bytes if most < KIB * KIB => (KIB, "KiB"),
        Measure::Bytes if most < KIB * KIB * KIB => (KIB * KIB, "MiB"),
        Measure::Bytes => (KIB * KIB * KIB, "GiB"),
        Measure::Share => (0.01, ""),
        Measure::PerSecond | Measure::Factor | Measure::Number => (1.0, ""),
    }
}

/// `50%`, `99.9%`, `99.99%`: no digit more than there is.
fn percent_exact(v: f64) -> String {
    format!("{}%", plain(&format!("{:.4}", v * 100.0)))
}

/// A round number as short as it can be: `0.5`, `10`, `20 000`.
fn short(v: f64) -> String {
    if v == 0.0 {
        "0".into()
    } else if v.abs() >= 10_000.0 {
        crate::study::whole(v)
    } else {
        plain(&format!("{v:.6}"))
    }
}

/// Without zeros behind the point.
fn plain(text: &str) -> String {
    let (number, unit) = match text.split_once(' ') {
        Some((n, u)) if !u.starts_with(|c: char| c.is_ascii_digit()) => (n, format!(" {u}")),
        _ => (text, String::new()),
    };
    if !number.contains('.') {
        return text.to_owned();
    }
    let number = number.trim_end_matches('0').trim_end_matches('.');
    format!("{number}{unit}")
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts of marks and rows are far below 2^53")]
pub(super) fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(measure: Measure, scale: Scale) -> Axis {
        Axis { label: "it".into(), measure, scale, categories: Vec::new() }
    }

    fn marks(measure: Measure, scale: Scale, values: &[f64]) -> Vec<String> {
        let laid = Laid::new(&axis(measure, scale), values.iter().copied());
        laid.ticks(5).into_iter().map(|t| t.text).collect()
    }

    #[test]
    fn marks_are_round() {
        assert_eq!(marks(Measure::Seconds, Scale::FromZero, &[0.001, 0.0123]), ["0", "5", "10", "15"]);
        assert_eq!(marks(Measure::Share, Scale::FromZero, &[0.1, 1.0]), ["0%", "20%", "40%", "60%", "80%", "100%"]);
        assert_eq!(marks(Measure::Number, Scale::Log2, &[1.0, 16.0]), ["1", "2", "4", "8", "16"]);
        assert_eq!(marks(Measure::Seconds, Scale::Log, &[0.001, 10.0]), ["1 ms", "10 ms", "100 ms", "1 s", "10 s"]);
        assert_eq!(marks(Measure::Share, Scale::Nines, &[0.0, 0.999]), ["0%", "50%", "90%", "99%", "99.9%"]);
        assert_eq!(marks(Measure::Bytes, Scale::FromZero, &[3e8]), ["0", "100", "200", "300"]);
    }

    #[test]
    fn odd_values_have_a_place() {
        for scale in [Scale::Linear, Scale::FromZero, Scale::Log, Scale::Log2, Scale::Nines] {
            for values in [&[][..], &[0.0], &[5.0, 5.0], &[f64::NAN, -1.0], &[1e300, 1e-300]] {
                let laid = Laid::new(&axis(Measure::Number, scale), values.iter().copied());
                for v in values.iter().filter(|v| v.is_finite()) {
                    assert!(!laid.at(*v).is_nan(), "{scale:?} {values:?}");
                }
                assert!(laid.ticks(6).len() < 70);
            }
        }
    }
}
