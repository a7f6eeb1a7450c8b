//! Positions and texts of an axis's ticks, the same on a page and in a file.

use super::{Axis, Gantt, Measure, Scale};
use crate::quantity::{percent, time_unit};

/// A tick of an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    /// Value at the tick.
    pub value: f64,
    /// Text of the tick.
    pub text: String,
}

/// An axis laid out for the values that it has to show.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ruler {
    /// The value at the beginning of the axis.
    pub low: f64,
    /// The value at the end of the axis, above `low`.
    pub high: f64,
    /// The ticks, by rising value.
    pub ticks: Vec<Tick>,
    /// Unit of the ticks, for the axis's title; empty if the ticks name it.
    pub unit: String,
    scale: Scale,
    /// How many of the ticks' units make one of the axis.
    factor: f64,
    measure: Measure,
}

/// Greatest value; values beyond are shown at the edge, so that differences stay finite.
const EDGE: f64 = 1e300;

/// Least value on logarithmic axes, so that halving stays exact.
const LEAST: f64 = 1e-300;

impl Ruler {
    /// Lays an axis out for the values, with about `most` ticks. If `snug`, it begins and ends with the values (as horizontal axes do);
    /// otherwise with ticks.
    pub(crate) fn new(
        axis: &Axis,
        values: impl IntoIterator<Item = f64>,
        most: usize,
        snug: bool,
    ) -> Self {
        let most = most.max(2);
        if !axis.categories.is_empty() {
            return Self::of_words(&axis.categories, most);
        }
        let shown = |v: &f64| match axis.scale {
            Scale::Log | Scale::Log2 => *v >= LEAST && v.is_finite(),
            Scale::Nines => (0.0..1.0).contains(v),
            Scale::Linear | Scale::FromZero => v.is_finite(),
        };
        let values: Vec<f64> = values
            .into_iter()
            .filter(shown)
            .map(|v| v.clamp(-EDGE, EDGE))
            .collect();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let range = (low <= high).then_some((low, high));
        let whole = values.iter().all(|v| libm::trunc(*v) == *v);
        match axis.scale {
            Scale::Linear | Scale::FromZero => Self::even(axis, range, whole, most, snug),
            Scale::Log => Self::by_tens(axis, range, most, snug),
            Scale::Log2 => Self::by_twos(axis, range, most, snug),
            Scale::Nines => Self::by_nines(axis, range),
        }
    }

    /// Position of a value, from 0 to 1 within the axis; `None` if the scale has no place for it.
    pub(crate) fn place(&self, value: f64) -> Option<f64> {
        let at = self.stretch(value)?;
        let (low, high) = (self.stretch(self.low)?, self.stretch(self.high)?);
        let share = (at - low) / (high - low);
        share.is_finite().then_some(share)
    }

    /// The axis's title with the unit: `Latency (ms)`.
    pub(crate) fn title(&self, label: &str) -> String {
        if self.unit.is_empty() {
            label.to_owned()
        } else {
            format!("{label} ({})", self.unit)
        }
    }

    fn stretch(&self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        let value = value.clamp(-EDGE, EDGE);
        match self.scale {
            Scale::Linear | Scale::FromZero => Some(value),
            Scale::Log | Scale::Log2 => (value >= LEAST).then(|| libm::log10(value)),
            Scale::Nines => (0.0..1.0)
                .contains(&value)
                .then(|| -libm::log10(1.0 - value)),
        }
    }

    fn blank(axis: &Axis, low: f64, high: f64) -> Self {
        Self {
            low,
            high,
            ticks: Vec::new(),
            unit: String::new(),
            scale: axis.scale,
            factor: 1.0,
            measure: axis.measure,
        }
    }

    fn of_words(words: &[String], most: usize) -> Self {
        let every = words.len().div_ceil(most.max(1)).max(1);
        Self {
            low: -0.5,
            high: words.len() as f64 - 0.5,
            ticks: words
                .iter()
                .enumerate()
                .step_by(every)
                .map(|(i, w)| Tick {
                    value: i as f64,
                    text: w.clone(),
                })
                .collect(),
            unit: String::new(),
            scale: Scale::Linear,
            factor: 1.0,
            measure: Measure::Number,
        }
    }

    fn even(axis: &Axis, range: Option<(f64, f64)>, whole: bool, most: usize, snug: bool) -> Self {
        let (mut low, mut high) = range.unwrap_or((0.0, 1.0));
        if axis.scale == Scale::FromZero {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        // No share is above 1, though the end of an interval may be.
        if axis.measure == Measure::Share && !snug && (0.0..1.0).contains(&low) && high > 0.5 {
            high = 1.0;
        }
        if low >= high {
            let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            (low, high) = (low - room, high + room);
            if axis.scale == Scale::FromZero {
                low = low.max(0.0);
            }
        }
        let mut ruler = Self::blank(axis, low, high);
        ruler.choose_unit();
        let least = if whole && axis.measure == Measure::Number {
            1.0
        } else {
            0.0
        };
        let step = round_step((high - low) * ruler.factor, most).max(least) / ruler.factor;
        if !(step > 0.0 && step.is_finite()) {
            ruler.ticks = [low, high].map(|v| ruler.tick(v, 0)).into();
            return ruler;
        }
        if !snug {
            ruler.low = libm::floor(low / step + 1e-9) * step;
            ruler.high = libm::ceil(high / step - 1e-9) * step;
        }
        let decimals = decimals_of(step * ruler.factor);
        let first = libm::ceil(ruler.low / step - 1e-9);
        let mut ticks = Vec::new();
        for i in 0..=u32::try_from(most * 3).unwrap_or(u32::MAX) {
            let value = (first + f64::from(i)) * step;
            if value > ruler.high + step * 1e-6 {
                break;
            }
            ticks.push(ruler.tick(value, decimals));
        }
        ruler.ticks = ticks;
        ruler
    }

    /// Chooses the unit that suits the greatest value.
    fn choose_unit(&mut self) {
        let size = self.low.abs().max(self.high.abs());
        match self.measure {
            Measure::Seconds => {
                let (unit, name) = time_unit(size);
                self.factor = libm::round(1.0 / unit);
                self.unit = micro(name).into();
            }
            Measure::Bytes => {
                let (unit, name) = byte_unit(size);
                self.factor = 1.0 / unit;
                self.unit = name.into();
            }
            Measure::PerSecond => self.unit = "1/s".into(),
            Measure::Share => self.factor = 100.0,
            Measure::Factor | Measure::Number => {}
        }
    }

    fn tick(&self, value: f64, decimals: usize) -> Tick {
        let number = plain(value * self.factor, decimals);
        let text = match self.measure {
            Measure::Share => format!("{number}%"),
            Measure::Factor => format!("{number}×"),
            _ => number,
        };
        Tick { value, text }
    }

    fn by_tens(axis: &Axis, range: Option<(f64, f64)>, most: usize, snug: bool) -> Self {
        let (mut low, mut high) = range.unwrap_or((1.0, 10.0));
        if axis.measure == Measure::Bytes {
            return Self::by_twos(axis, Some((low, high)), most, false);
        }
        if low * (1.0 + 1e-6) >= high {
            (low, high) = ((low / 2.0).max(LEAST), high * 2.0);
        }
        let decades = libm::log10(high / low);
        let close = decades * 3.0 <= most as f64 * 1.4;
        let of = |steps: &'static [f64]| {
            (exponent(low) - 1..=exponent(high) + 1)
                .flat_map(move |e| steps.iter().map(move |s| s * libm::pow(10.0, f64::from(e))))
                .filter(|v| v.is_finite() && *v > 0.0)
        };
        let all: Vec<f64> = of(&[1.0, 2.0, 5.0]).collect();
        let mut ruler = Self::blank(axis, low, high);
        if !snug {
            let below = all.iter().copied().filter(|v| *v <= low * (1.0 + 1e-9));
            let above = all.iter().copied().filter(|v| *v >= high * (1.0 - 1e-9));
            ruler.low = below.fold(0.0, f64::max).max(LEAST);
            ruler.high = above.fold(f64::INFINITY, f64::min).min(EDGE * 1e6);
        }
        let (low, high) = (ruler.low * (1.0 - 1e-9), ruler.high * (1.0 + 1e-9));
        let steps: &[f64] = if close { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let inside: Vec<f64> = of(steps).filter(|v| (low..=high).contains(v)).collect();
        let every = if close {
            1
        } else {
            inside.len().div_ceil(most).max(1)
        };
        ruler.ticks = inside
            .into_iter()
            .step_by(every)
            .map(|v| Tick {
                value: v,
                text: tick_text(axis.measure, v),
            })
            .collect();
        if ruler.ticks.len() < 2 {
            ruler.ticks = [ruler.low, ruler.high]
                .map(|v| Tick {
                    value: v,
                    text: tick_text(axis.measure, v),
                })
                .into();
        }
        ruler
    }

    fn by_twos(axis: &Axis, range: Option<(f64, f64)>, most: usize, snug: bool) -> Self {
        let (low, high) = range.unwrap_or((1.0, 2.0));
        let (low, high) = (libm::log2(low), libm::log2(high));
        // Doubled values need not be powers of two: the ticks should stand where the values do.
        let exact = |e: f64| libm::round(e * 1e9) / 1e9;
        let ends = (exact(low), exact(high));
        let (mut from, mut to) = if snug && ends.1 - ends.0 >= 1.0 {
            ends
        } else {
            // Ends at quarters of a doubling lose little room, and ticks stay at whole doublings.
            (
                libm::floor(low * 4.0 + 1e-9) / 4.0,
                libm::ceil(high * 4.0 - 1e-9) / 4.0,
            )
        };
        let of_values = snug && ends.1 - ends.0 >= 1.0;
        if !of_values && libm::floor(to) - libm::ceil(from) < 1.0 {
            (from, to) = (
                libm::floor(from),
                libm::floor(from).max(libm::ceil(to) - 1.0) + 1.0,
            );
        }
        let every = libm::ceil((to - from) / most as f64).max(1.0);
        let mut ruler = Self::blank(axis, libm::exp2(from), libm::exp2(to));
        let mut e = if of_values { from } else { libm::ceil(from) };
        while e <= to + 1e-9 && ruler.ticks.len() <= most {
            let value = shortest(libm::exp2(e));
            ruler.ticks.push(Tick {
                value,
                text: tick_text(axis.measure, value),
            });
            e += every;
        }
        ruler
    }

    fn by_nines(axis: &Axis, range: Option<(f64, f64)>) -> Self {
        let (_, high) = range.unwrap_or((0.0, 0.99));
        let mut ruler = Self::blank(axis, 0.0, high.max(0.9));
        let mut tick = |value: f64, text: String| {
            if value <= ruler.high + 1e-12 {
                ruler.ticks.push(Tick { value, text });
            }
        };
        for (value, text) in [(0.0, "0%"), (0.5, "50%"), (0.9, "90%"), (0.99, "99%")] {
            tick(value, text.into());
        }
        for nines in 3_u32..=12 {
            let zeros = usize::try_from(nines - 2).unwrap_or(0);
            let value = 1.0 - libm::pow(10.0, -f64::from(nines));
            tick(value, format!("99.{}%", "9".repeat(zeros)));
        }
        ruler
    }
}

/// The value without the noise that powers and logarithms leave behind its twelfth digit.
fn shortest(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

fn exponent(value: f64) -> i32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the exponent of a double is within 400"
    )]
    let e = libm::floor(libm::log10(value)) as i32;
    e
}

/// A step of 1, 2 or 5 times a power of ten that covers a span in at most `most` steps.
pub(crate) fn round_step(span: f64, most: usize) -> f64 {
    let rough = span / most as f64;
    if !(rough > 0.0 && rough.is_finite()) {
        return 0.0;
    }
    let unit = libm::pow(10.0, libm::floor(libm::log10(rough)));
    let of = [1.0, 2.0, 5.0, 10.0];
    let step = of.into_iter().find(|s| s * unit >= rough * (1.0 - 1e-9));
    step.unwrap_or(10.0) * unit
}

/// The number of decimals that distinguish multiples of the step.
pub(crate) fn decimals_of(step: f64) -> usize {
    if !(step > 0.0 && step.is_finite()) {
        return 0;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the exponent of a double is within 400"
    )]
    let wanted = -libm::floor(libm::log10(step) + 1e-9) as i32;
    usize::try_from(wanted).unwrap_or(0)
}

/// The number with so many decimals and separated thousands; very large and very small ones with an exponent.
fn plain(value: f64, decimals: usize) -> String {
    if value.abs() >= 1e9 || decimals > 6 {
        // Three significant digits: the steps of such an axis differ by more.
        return if value == 0.0 {
            "0".into()
        } else {
            trimmed(&format!("{value:.2e}"))
        };
    }
    let text = format!("{value:.decimals$}");
    let text = match text.strip_prefix('-') {
        Some(n) if n.chars().all(|c| c == '0' || c == '.') => n.to_owned(),
        _ => text,
    };
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), ""), |p| p);
    let (sign, number) = whole.strip_prefix('-').map_or(("", whole), |n| ("−", n));
    let mut out = String::from(sign);
    for (i, c) in number.chars().enumerate() {
        if i > 0 && number.len() >= 5 && (number.len() - i).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(c);
    }
    if !rest.is_empty() {
        out.push('.');
        out.push_str(rest);
    }
    out
}

/// The number without trailing zeros: `1.50e9` becomes `1.5e9`.
fn trimmed(text: &str) -> String {
    match text.split_once('e') {
        Some((number, e)) if number.contains('.') => {
            let number = number.trim_end_matches('0').trim_end_matches('.');
            format!("{number}e{e}")
        }
        _ => text.to_owned(),
    }
}

fn micro(name: &str) -> &str {
    if name == "us" { "µs" } else { name }
}

fn byte_unit(size: f64) -> (f64, &'static str) {
    const UNITS: [(f64, &str); 5] = [
        (1_099_511_627_776.0, "TiB"),
        (1_073_741_824.0, "GiB"),
        (1_048_576.0, "MiB"),
        (1024.0, "KiB"),
        (1.0, "B"),
    ];
    let fits = UNITS.into_iter().find(|(u, _)| size >= *u);
    fits.unwrap_or((1.0, "B"))
}

/// A value with its unit, at three significant digits: `1.50 ms`, `42%`, `3.10×`.
pub(crate) fn value_text(measure: Measure, value: f64) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    if measure == Measure::Share {
        return percent(value);
    }
    let (number, unit) = in_own_unit(measure, value);
    format!("{}{unit}", three_digits(number))
}

/// An interval as it follows its value: ` (1.20 s to 1.30 s)`; empty if there is none.
pub(crate) fn interval_text(measure: Measure, band: Option<(f64, f64)>) -> String {
    band.map_or(String::new(), |(low, high)| {
        format!(
            " ({} to {})",
            value_text(measure, low),
            value_text(measure, high)
        )
    })
}

impl Axis {
    /// The name of a position, or its number if it has none.
    pub(crate) fn word(&self, position: usize) -> String {
        let word = self.categories.get(position);
        word.map_or_else(|| position.to_string(), String::clone)
    }

    /// A value as tables and hovers show it: text if the axis has texts, otherwise a number with its unit.
    pub fn text(&self, value: f64) -> String {
        let mut words = (0u32..).zip(&self.categories);
        if let Some((_, word)) = words.find(|(i, _)| f64::from(*i) == value) {
            return word.clone();
        }
        // Three digits do not distinguish nines.
        let shares = self.scale == Scale::Nines && self.measure == Measure::Share;
        if shares && value > 0.99 && value < 1.0 {
            let digits = format!("{:.4}", value * 100.0);
            return format!("{}%", digits.trim_end_matches('0').trim_end_matches('.'));
        }
        value_text(self.measure, value)
    }
}

impl Gantt {
    /// An instant, with enough digits to distinguish thousandths of the window.
    pub(crate) fn instant(&self, at: f64) -> String {
        let (from, to) = self.window;
        if !at.is_finite() {
            return "–".into();
        }
        let (unit, name) = time_unit(to);
        let digits = decimals_of(round_step((to - from) / unit, 1000));
        format!("{}\u{a0}{}", plain(at / unit, digits.min(6)), micro(name))
    }
}

/// The value with its unit, without trailing zeros.
fn tick_text(measure: Measure, value: f64) -> String {
    let (number, unit) = in_own_unit(measure, value);
    format!("{}{unit}", without_zeros(&three_digits(number)))
}

/// The values as short numbers in a common unit, and that unit: for maps whose cells have no room for it.
pub(crate) fn numbers(measure: Measure, values: &[f64]) -> (Vec<String>, String) {
    let most = values.iter().copied().filter(|v| v.is_finite());
    let most = most.fold(0.0, |a: f64, v| a.max(v.abs()));
    let (scaled, unit) = in_own_unit(measure, most);
    let factor = if most > 0.0 { scaled / most } else { 1.0 };
    let texts = values.iter().map(|v| three_digits(v * factor)).collect();
    (texts, unit.trim_start_matches('\u{a0}').to_owned())
}

/// The value in the unit that suits it, and the unit as it follows the number.
fn in_own_unit(measure: Measure, value: f64) -> (f64, String) {
    match measure {
        Measure::Seconds => {
            let (unit, name) = time_unit(value);
            (value / unit, format!("\u{a0}{}", micro(name)))
        }
        Measure::Bytes => {
            let (unit, name) = byte_unit(value.abs());
            (value / unit, format!("\u{a0}{name}"))
        }
        Measure::PerSecond => (value, "/s".into()),
        Measure::Share => (value * 100.0, "%".into()),
        Measure::Factor => (value, "×".into()),
        Measure::Number => (value, String::new()),
    }
}

fn three_digits(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".into();
    }
    if !(1e-6..1e9).contains(&size) {
        return plain(value, 9);
    }
    let decimals = usize::try_from(2 - exponent(size)).unwrap_or(0).min(6);
    plain(value, decimals)
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(measure: Measure, scale: Scale) -> Axis {
        Axis {
            label: "x".into(),
            measure,
            scale,
            categories: Vec::new(),
        }
    }

    fn texts(measure: Measure, scale: Scale, values: &[f64], snug: bool) -> (String, String) {
        let r = Ruler::new(&axis(measure, scale), values.iter().copied(), 6, snug);
        let all: Vec<&str> = r.ticks.iter().map(|t| t.text.as_str()).collect();
        (all.join(" "), r.unit)
    }

    #[test]
    fn instants_of_a_narrow_window_are_told_apart() {
        let of = |window, at| {
            let time = Axis {
                label: String::new(),
                measure: Measure::Seconds,
                scale: Scale::Linear,
                categories: Vec::new(),
            };
            let gantt = Gantt {
                time,
                window,
                rows: Vec::new(),
                kinds: Vec::new(),
            };
            gantt.instant(at)
        };
        assert_eq!(of((1.14116, 1.14216), 1.1411648), "1.141165\u{a0}s");
        assert_eq!(of((0.0, 0.05), 0.0123), "12.30\u{a0}ms");
        assert_eq!(of((0.0, 1.0), f64::NAN), "–");
        assert_eq!(of((f64::NAN, f64::INFINITY), 2.0), "2\u{a0}s");
    }

    #[test]
    fn ticks_are_round_numbers_in_a_fitting_unit() {
        use Measure as M;
        use Scale as S;
        for (measure, scale, values, ticks, unit) in [
            (
                M::Seconds,
                S::FromZero,
                [0.11, 0.23],
                "0 50 100 150 200 250",
                "ms",
            ),
            (M::Seconds, S::FromZero, [3.0, 148.5], "0 50 100 150", "s"),
            (M::Seconds, S::FromZero, [2e-6, 9e-6], "0 2 4 6 8 10", "µs"),
            (
                M::Seconds,
                S::Linear,
                [1.02, 1.09],
                "1.02 1.04 1.06 1.08 1.10",
                "s",
            ),
            (
                M::Bytes,
                S::FromZero,
                [1e8, 3.2e8],
                "0 100 200 300 400",
                "MiB",
            ),
            (
                M::Share,
                S::FromZero,
                [0.1, 0.93],
                "0% 20% 40% 60% 80% 100%",
                "",
            ),
            (M::Share, S::FromZero, [0.1, 0.02], "0% 2% 4% 6% 8% 10%", ""),
            (M::Factor, S::FromZero, [1.0, 3.7], "0× 1× 2× 3× 4×", ""),
            (
                M::PerSecond,
                S::FromZero,
                [10.0, 48_000.0],
                "0 10\u{a0}000 20\u{a0}000 30\u{a0}000 40\u{a0}000 50\u{a0}000",
                "1/s",
            ),
            (
                M::Seconds,
                S::Log,
                [0.0012, 2.3],
                "1\u{a0}ms 10\u{a0}ms 100\u{a0}ms 1\u{a0}s",
                "",
            ),
            (
                M::Seconds,
                S::Log,
                [0.12, 2.3],
                "100\u{a0}ms 200\u{a0}ms 500\u{a0}ms 1\u{a0}s 2\u{a0}s 5\u{a0}s",
                "",
            ),
            (M::Number, S::Log2, [1.0, 16.0], "1 2 4 8 16", ""),
            (M::Factor, S::Log2, [0.9, 5.0], "1× 2× 4×", ""),
            (
                M::Bytes,
                S::Log,
                [1024.0, 3e6],
                "1\u{a0}KiB 4\u{a0}KiB 16\u{a0}KiB 64\u{a0}KiB 256\u{a0}KiB 1\u{a0}MiB",
                "",
            ),
            (
                M::Share,
                S::Nines,
                [0.0, 0.9995],
                "0% 50% 90% 99% 99.9%",
                "",
            ),
        ] {
            let (got, in_unit) = texts(measure, scale, &values, false);
            assert_eq!(
                (got.as_str(), in_unit.as_str()),
                (ticks, unit),
                "{values:?}"
            );
        }
        assert_eq!(
            texts(M::Number, S::Linear, &[1.0, 2.0, 5.0], true).0,
            "1 2 3 4 5"
        );
    }

    #[test]
    fn values_stand_where_they_belong() {
        let r = |s, v: [f64; 2]| Ruler::new(&axis(Measure::Number, s), v, 6, true);
        assert_eq!(r(Scale::Linear, [2.0, 6.0]).place(3.0), Some(0.25));
        assert_eq!(r(Scale::Log, [1.0, 100.0]).place(10.0), Some(0.5));
        assert_eq!(r(Scale::Log, [1.0, 100.0]).place(0.0), None);
        assert_eq!(r(Scale::Log2, [1.0, 16.0]).place(4.0), Some(0.5));
        let nines = r(Scale::Nines, [0.0, 0.9999]);
        assert!((nines.place(0.99).unwrap() - 0.5).abs() < 1e-9);
        assert_eq!((nines.place(1.0), nines.place(f64::NAN)), (None, None));
    }

    #[test]
    fn nothing_is_too_strange() {
        let odd = [
            &[][..],
            &[f64::NAN, f64::INFINITY],
            &[0.0],
            &[-3.0, -3.0],
            &[5e-324, 1e-310],
            &[-1e308, 1e308],
            &[1.0, 1.0 + f64::EPSILON],
            &[1e-300, 1e300],
            &[1e15, 1e15 + 1.0],
        ];
        for measure in [
            Measure::Seconds,
            Measure::Bytes,
            Measure::PerSecond,
            Measure::Share,
            Measure::Factor,
            Measure::Number,
        ] {
            for scale in [
                Scale::Linear,
                Scale::FromZero,
                Scale::Log,
                Scale::Log2,
                Scale::Nines,
            ] {
                for (values, snug) in odd.iter().flat_map(|v| [(v, true), (v, false)]) {
                    let r = Ruler::new(&axis(measure, scale), values.iter().copied(), 6, snug);
                    let what = format!("{measure:?} {scale:?} {values:?} {snug}: {r:?}");
                    assert!(
                        r.low < r.high && r.low.is_finite() && r.high.is_finite(),
                        "{what}"
                    );
                    assert!((1..=20).contains(&r.ticks.len()), "{what}");
                    assert!(
                        r.ticks
                            .iter()
                            .all(|t| t.text.len() < 24 && t.value.is_finite()),
                        "{what}"
                    );
                }
            }
        }
    }

    #[test]
    fn values_have_three_digits_at_most() {
        for (measure, value, text) in [
            (Measure::Seconds, 0.001_5, "1.50\u{a0}ms"),
            (Measure::Seconds, 12.345, "12.3\u{a0}s"),
            (Measure::Bytes, 1_572_864.0, "1.50\u{a0}MiB"),
            (Measure::Share, 0.421, "42%"),
            (Measure::Factor, 10.975, "11.0×"),
            (Measure::PerSecond, 123_456.0, "123\u{a0}456/s"),
            (Measure::Number, -0.5, "−0.500"),
            (Measure::Number, f64::NAN, "–"),
        ] {
            assert_eq!(value_text(measure, value), text);
        }
    }
}
