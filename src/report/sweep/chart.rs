//! The metric against the swept axis, in the signs of a terminal. The crates that draw in a terminal have neither letters on their
//! curves nor axes with units, which is what makes the chart readable without colour; so this is our own.

use super::metric::as_estimate;
use super::table::{in_unit, letter};
use super::view::{Slice, View, doubles};
use crate::report::Style;
use crate::report::grid::{Interval, estimate};
use crate::study::digits;

/// Signs across, without the labels of the upward axis.
const ACROSS: usize = 64;
/// Lines up.
const UP: usize = 16;
/// Curves that can still be told apart.
const CURVES: usize = 12;
/// Bars that still fit a screen.
const BARS: usize = 26;
/// Signs of the longest bar.
const BAR: usize = 36;

/// A curve: its letter, its name, its points by rising x (`None`: no number there).
struct Curve {
    letter: char,
    name: String,
    dots: Vec<(f64, Option<f64>)>,
}

/// The chart's lines; none where there is nothing to draw.
pub(super) fn chart(view: &View<'_>, style: Style) -> Vec<String> {
    let Some(along) = view.main_axis().filter(|_| view.points.len() > 1) else {
        return Vec::new();
    };
    let slices = view.slices(along);
    if view.axes()[along].numbers.is_none() {
        return bars(view, along, &slices, style);
    }
    let single = slices.len() == 1;
    let mut curves = match slices.as_slice() {
        [slice] => of_series(view, along, slice),
        _ if view.varied().len() == 2 => of_slices(view, along, &slices),
        _ => return Vec::new(),
    };
    curves.retain(|c| c.dots.iter().any(|d| d.1.is_some()));
    let left_out = curves.len().saturating_sub(CURVES);
    curves.truncate(CURVES);
    let Some(plot) = Plot::new(view, along, &curves) else {
        return Vec::new();
    };
    let mut lines = plot.draw(&curves, style);
    let of = if single { "" } else { " of the best strategy" };
    lines.insert(0, format!("{}{of}{}", plot.title, plot.remark()));
    lines.extend(legend(&curves));
    if left_out > 0 {
        lines.push(format!("  {left_out} more are not drawn"));
    }
    lines
}

fn of_series(view: &View<'_>, along: usize, slice: &Slice) -> Vec<Curve> {
    let curve = |s: usize| Curve {
        letter: letter(s),
        name: view.series[s].name.clone(),
        dots: view
            .curve(s, along, slice)
            .iter()
            .map(|d| (d.x, d.value.map(|v| v.mean)))
            .collect(),
    };
    (0..view.series.len()).map(curve).collect()
}

/// The best of all strategies, a curve for each value of the other axis.
fn of_slices(view: &View<'_>, along: usize, slices: &[Slice]) -> Vec<Curve> {
    let best = |dots: Vec<(f64, Option<f64>)>| {
        let mut out: Vec<(f64, Option<f64>)> = Vec::new();
        for (x, y) in dots {
            match out.iter_mut().find(|d| d.0 == x) {
                None => out.push((x, y)),
                Some(d) => {
                    d.1 = match (d.1, y) {
                        (Some(a), Some(b)) if view.ranking.better(b, a) => Some(b),
                        (a, b) => a.or(b),
                    }
                }
            }
        }
        out
    };
    let curve = |(n, slice): (usize, &Slice)| {
        let named: Vec<String> = slice
            .fixed
            .iter()
            .map(|&(a, i)| format!("{} {}", view.axes()[a].label, view.written(a, i)))
            .collect();
        let all = of_series(view, along, slice);
        Curve {
            letter: letter(n),
            name: named.join(", "),
            dots: best(all.into_iter().flat_map(|c| c.dots).collect()),
        }
    };
    slices.iter().enumerate().map(curve).collect()
}

fn legend(curves: &[Curve]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for c in curves {
        let entry = format!("{} {}", c.letter, c.name);
        match lines.last_mut() {
            Some(l) if l.chars().count() + entry.chars().count() + 3 <= 76 => {
                l.push_str("   ");
                l.push_str(&entry);
            }
            _ => lines.push(format!("  {entry}")),
        }
    }
    lines
}

/// How values are laid along an axis.
#[derive(Clone, Copy)]
struct Range {
    low: f64,
    high: f64,
    log: bool,
}

impl Range {
    /// Place of a value, 0 to 1.
    fn share(self, v: f64) -> f64 {
        let of = |v: f64| if self.log { libm::log2(v) } else { v };
        let (low, high) = (of(self.low), of(self.high));
        if high > low {
            ((of(v) - low) / (high - low)).clamp(0.0, 1.0)
        } else {
            0.5
        }
    }

    /// Upwards: by powers of ten where the values are 30 times apart, from zero where the least is below two fifths of the
    /// greatest, else only as far as they go.
    fn upward(values: &[f64]) -> Option<Self> {
        let low = values.iter().copied().reduce(f64::min)?;
        let high = values.iter().copied().reduce(f64::max)?;
        if low > 0.0 && high / low >= 30.0 {
            return Some(Self {
                low,
                high,
                log: true,
            });
        }
        let low = if low > 0.4 * high && high > 0.0 {
            low - (high - low) * 0.05
        } else {
            low.min(0.0)
        };
        let high = if high > low { high } else { low + 1.0 };
        Some(Self {
            low,
            high,
            log: false,
        })
    }

    /// Round values within it.
    fn ticks(self) -> Vec<f64> {
        if self.log {
            let decades = libm::log10(self.high / self.low);
            let of_decade: &[f64] = if decades > 3.0 {
                &[1.0]
            } else {
                &[1.0, 2.0, 5.0]
            };
            let first = libm::floor(libm::log10(self.low));
            #[expect(clippy::cast_possible_truncation, reason = "a double has 640 decades")]
            let count = libm::ceil(decades) as u32 + 1;
            return (0..=count)
                .flat_map(|d| {
                    of_decade
                        .iter()
                        .map(move |f| f * libm::pow(10.0, first + f64::from(d)))
                })
                .filter(|v| (self.low..=self.high).contains(v))
                .collect();
        }
        let rough = (self.high - self.low) / 5.0;
        let unit = libm::pow(10.0, libm::floor(libm::log10(rough)));
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|f| f * unit)
            .into_iter()
            .find(|s| *s >= rough * 0.999)
            .unwrap_or(unit * 10.0);
        let first = libm::ceil(self.low / step - 1e-9);
        (0..12)
            .map(|i| (first + f64::from(i)) * step)
            .filter(|v| *v <= self.high + step * 1e-9)
            .collect()
    }
}

/// Where things are drawn.
struct Plot {
    title: String,
    x: Range,
    y: Range,
    /// Values and labels of the axis across, rising.
    across: Vec<(f64, String)>,
    label: String,
    scale: f64,
}

impl Plot {
    fn new(view: &View<'_>, along: usize, curves: &[Curve]) -> Option<Self> {
        let axis = &view.axes()[along];
        let numbers = axis.numbers.as_ref()?;
        let drawn = |x: f64| curves.iter().flat_map(|c| &c.dots).any(|d| d.0 == x);
        let mut across: Vec<(f64, String)> = (0..numbers.len())
            .map(|i| (numbers[i], view.written(along, i)))
            .filter(|(x, _)| x.is_finite() && drawn(*x))
            .collect();
        across.sort_by(|a, b| a.0.total_cmp(&b.0));
        across.dedup_by(|a, b| a.0 == b.0);
        let xs: Vec<f64> = across.iter().map(|a| a.0).collect();
        let ys: Vec<f64> = curves
            .iter()
            .flat_map(|c| c.dots.iter().filter_map(|d| d.1))
            .collect();
        if xs.len() < 2 {
            return None;
        }
        let (scale, unit, _) = in_unit(view);
        let scaled: Vec<f64> = ys.iter().map(|y| y / scale).collect();
        let unit = if unit.is_empty() {
            String::new()
        } else {
            format!(" ({unit})")
        };
        Some(Self {
            title: format!("{}{unit} against {}", view.ranking.name, axis.label),
            x: Range {
                low: xs[0],
                high: xs[xs.len() - 1],
                log: doubles(&xs),
            },
            y: Range::upward(&scaled)?,
            across,
            label: axis.label.clone(),
            scale,
        })
    }

    fn remark(&self) -> &'static str {
        match (self.y.log, self.y.low > 0.0) {
            (true, _) => ", by powers of ten",
            (false, true) => ", not from zero",
            _ => "",
        }
    }

    /// Place of a point on a canvas so wide and high.
    fn place(&self, x: f64, y: f64, wide: usize, high: usize) -> (usize, usize) {
        let at = |share: f64, n: usize| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "shares are 0 to 1"
            )]
            let i = libm::round(share * (n - 1) as f64) as usize;
            i
        };
        (
            at(self.x.share(x), wide),
            at(1.0 - self.y.share(y / self.scale), high),
        )
    }

    fn draw(&self, curves: &[Curve], style: Style) -> Vec<String> {
        let mut canvas = Canvas::new(style.unicode);
        for c in curves {
            for w in c.dots.windows(2) {
                if let ((x0, Some(y0)), (x1, Some(y1))) = (w[0], w[1]) {
                    let (wide, high) = canvas.fine();
                    canvas.line(
                        self.place(x0, y0, wide, high),
                        self.place(x1, y1, wide, high),
                    );
                }
            }
        }
        for c in curves {
            // Of many points some letters: a row of them would hide the course.
            let every = c.dots.len().div_ceil(24);
            for (x, y) in c.dots.iter().step_by(every) {
                if let Some(y) = y {
                    canvas.letter(self.place(*x, *y, ACROSS, UP), c.letter);
                }
            }
        }
        self.framed(&canvas, style)
    }

    /// The canvas with its axes.
    fn framed(&self, canvas: &Canvas, style: Style) -> Vec<String> {
        let (bar, corner, dash, tick) = if style.unicode {
            ('│', '└', '─', '┤')
        } else {
            ('|', '+', '-', '+')
        };
        let mut labels: Vec<String> = vec![String::new(); UP];
        let ticks = self.y.ticks();
        for t in &ticks {
            let (_, line) = self.place(self.x.low, t * self.scale, ACROSS, UP);
            if labels[line].is_empty() {
                labels[line] = tick_text(*t, &ticks, self.y.log);
            }
        }
        let wide = labels.iter().map(|l| l.chars().count()).max().unwrap_or(0);
        let mut out: Vec<String> = (0..UP)
            .map(|line| {
                let sign = if labels[line].is_empty() { bar } else { tick };
                let blanks = " ".repeat(wide - labels[line].chars().count());
                format!("  {blanks}{} {sign}{}", labels[line], canvas.text(line))
            })
            .collect();
        let floor: String = std::iter::repeat_n(dash, ACROSS).collect();
        out.push(format!("  {} {corner}{floor}", " ".repeat(wide)));
        out.push(format!("  {}  {}", " ".repeat(wide), self.ticks_across()));
        out
    }

    /// The swept values below the axis, as many as there is room for, and what they are.
    fn ticks_across(&self) -> String {
        let mut line = vec![' '; ACROSS + 8];
        let mut free_from = 0;
        let last = self.across.len() - 1;
        let room = |text: &str| text.chars().count();
        let start = |x: f64, text: &str| {
            let (at, _) = self.place(x, self.y.low * self.scale, ACROSS, UP);
            at.saturating_sub(room(text) / 2)
        };
        let (end, text) = &self.across[last];
        let limit = start(*end, text);
        for (i, (x, text)) in self.across.iter().enumerate() {
            let from = start(*x, text);
            let fits = from >= free_from && (i == last || from + room(text) < limit);
            if fits {
                for (cell, c) in line[from..].iter_mut().zip(text.chars()) {
                    *cell = c;
                }
                free_from = from + room(text) + 1;
            }
        }
        let text: String = line.into_iter().collect();
        format!("{}  {}", text.trim_end(), self.label)
    }
}

fn tick_text(value: f64, ticks: &[f64], log: bool) -> String {
    if log || ticks.len() < 2 {
        let text = digits(value, 3);
        let whole = text.contains('.');
        return if whole {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        };
    }
    let step = (ticks[1] - ticks[0]).abs();
    let decimals = crate::study::decimals(step, 1);
    format!(
        "{:.decimals$}",
        if value.abs() < step / 2.0 { 0.0 } else { value }
    )
}

/// Signs, drawn on by letters and by lines of dots: eight to a sign (Braille) where Unicode may be used.
struct Canvas {
    unicode: bool,
    dots: Vec<u8>,
    letters: Vec<Option<char>>,
}

impl Canvas {
    fn new(unicode: bool) -> Self {
        Self {
            unicode,
            dots: vec![0; ACROSS * UP],
            letters: vec![None; ACROSS * UP],
        }
    }

    /// How many dots there are across and up.
    fn fine(&self) -> (usize, usize) {
        if self.unicode {
            (ACROSS * 2, UP * 4)
        } else {
            (ACROSS, UP)
        }
    }

    fn dot(&mut self, x: usize, y: usize) {
        if !self.unicode {
            self.dots[y * ACROSS + x] = 1;
            return;
        }
        // The order of the dots in a Braille sign, by line and column.
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        self.dots[(y / 4) * ACROSS + x / 2] |= BITS[y % 4][x % 2];
    }

    fn line(&mut self, from: (usize, usize), to: (usize, usize)) {
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
        let between = |a: usize, b: usize, i: usize| (a * (steps - i) + b * i + steps / 2) / steps;
        for i in 0..=steps {
            self.dot(between(from.0, to.0, i), between(from.1, to.1, i));
        }
    }

    /// The first letter of a place stays.
    fn letter(&mut self, at: (usize, usize), letter: char) {
        self.letters[at.1 * ACROSS + at.0].get_or_insert(letter);
    }

    fn text(&self, line: usize) -> String {
        let of = |i: usize| match (self.letters[i], self.dots[i]) {
            (Some(l), _) => l,
            (None, 0) => ' ',
            (None, d) if self.unicode => char::from_u32(0x2800 + u32::from(d)).unwrap_or('.'),
            (None, _) => '.',
        };
        let signs: String = (line * ACROSS..(line + 1) * ACROSS).map(of).collect();
        signs.trim_end().to_owned()
    }
}

/// A bar for each strategy at each word; with too many of them, for the best one.
fn bars(view: &View<'_>, along: usize, slices: &[Slice], style: Style) -> Vec<String> {
    let [slice] = slices else { return Vec::new() };
    let mut all: Vec<(usize, usize, super::view::Dot<'_>)> = (0..view.series.len())
        .flat_map(|s| {
            view.curve(s, along, slice)
                .into_iter()
                .map(move |d| (d.index, s, d))
        })
        .filter(|(_, _, d)| d.value.is_some())
        .collect();
    all.sort_by_key(|(i, s, _)| (*i, *s));
    let few = all.len() > BARS;
    if few {
        all.retain(|(_, s, d)| view.leads(*s, d.row.point));
        all.dedup_by_key(|(i, _, _)| *i);
    }
    let most = all
        .iter()
        .filter_map(|x| x.2.value)
        .map(|v| v.mean)
        .fold(0.0, f64::max);
    if all.len() < 2 || all.len() > BARS || most <= 0.0 {
        return Vec::new();
    }
    let (scale, unit, _) = in_unit(view);
    let name = |i: usize, s: usize| {
        let word = view.written(along, i);
        if view.series.len() == 1 {
            word
        } else {
            format!("{word}  {}", view.series[s].name)
        }
    };
    let names = all.iter().map(|(i, s, _)| name(*i, *s).chars().count());
    let wide = names.max().unwrap_or(0);
    let lines = all.iter().filter_map(|(i, s, d)| {
        let value = d.value?;
        let text = estimate(as_estimate(value).scaled(1.0 / scale), Interval::Always);
        let name = name(*i, *s);
        let blanks = " ".repeat(wide - name.chars().count());
        Some(format!(
            "  {name}{blanks}  {} {text} {unit}",
            bar(value.mean / most, style)
        ))
    });
    let title = if few { " of the best strategy" } else { "" };
    std::iter::once(format!("{}{title}", view.ranking.name))
        .chain(lines.map(|l| l.trim_end().to_owned()))
        .collect()
}

fn bar(share: f64, style: Style) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "shares are 0 to 1"
    )]
    let eighths = libm::round(share.clamp(0.0, 1.0) * (BAR * 8) as f64) as usize;
    if !style.unicode {
        return "#".repeat((eighths / 8).max(1));
    }
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = eighths.max(1);
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}
