//! Axes laid out: where a value lies between 0 and 1, and the marks beside it.

use crate::report::figure::ticks::{Ruler, value_text};
use crate::report::figure::{Axis, Measure, Scale};

/// An axis over the values that it has to hold.
pub(super) struct Laid<'a> {
    ruler: Ruler,
    axis: &'a Axis,
}

/// A mark.
pub(super) struct Tick {
    /// Between 0 and 1.
    pub at: f64,
    /// What is written there.
    pub text: String,
}

impl<'a> Laid<'a> {
    /// With about `most` marks; `snug`: it begins and ends with the values, else with marks.
    pub(super) fn new(
        axis: &'a Axis,
        values: impl Iterator<Item = f64>,
        most: usize,
        snug: bool,
    ) -> Self {
        let ruler = Ruler::new(axis, values, most, snug);
        Self { ruler, axis }
    }

    /// Where the value lies, 0 to 1; a little beyond at most where it lies outside, and at the beginning where the scale has no
    /// place for it.
    pub(super) fn at(&self, v: f64) -> f64 {
        self.ruler.place(v).unwrap_or(0.0).clamp(-0.05, 1.05)
    }

    /// Whether the scale has a place for the value.
    pub(super) fn holds(&self, v: f64) -> bool {
        self.ruler.place(v).is_some()
    }

    pub(super) fn ticks(&self) -> Vec<Tick> {
        let inside = |t: &Tick| (-1e-9..=1.0 + 1e-9).contains(&t.at);
        let ticks = self.ruler.ticks.iter().map(|t| Tick {
            at: self.at(t.value),
            text: t.text.clone(),
        });
        ticks.filter(inside).collect()
    }

    /// What the axis shows, and in which unit.
    pub(super) fn heading(&self) -> String {
        self.ruler.title(&self.axis.label)
    }

    /// The value as tables and hovers show it.
    pub(super) fn text(&self, v: f64) -> String {
        text(self.axis, v)
    }
}

/// A value on an axis: a word where the axis holds words, else a number with its unit.
pub(in crate::report::html) fn text(axis: &Axis, v: f64) -> String {
    let word = (0u32..)
        .zip(&axis.categories)
        .find(|(i, _)| f64::from(*i) == v);
    if let Some((_, word)) = word {
        return word.clone();
    }
    // Where nines are told apart, three digits are too few.
    if axis.scale == Scale::Nines && axis.measure == Measure::Share && v > 0.99 && v < 1.0 {
        let digits = format!("{:.4}", v * 100.0);
        return format!("{}%", digits.trim_end_matches('0').trim_end_matches('.'));
    }
    value_text(axis.measure, v)
}

/// A count as a number.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of marks and rows are far below 2^53"
)]
pub(super) fn count(n: usize) -> f64 {
    n as f64
}
