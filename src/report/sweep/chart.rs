//! A chart of the metric over the swept axis, in characters of a terminal. The crates that draw in a terminal have neither letters on their
//! curves nor axes with units, both of which make the chart readable without colour; so it is drawn here.

use std::collections::BTreeSet;

use super::bars::bars;
use super::canvas::{ACROSS, TextCanvas, UP};
use super::table::{in_unit, letter};
use crate::charts::figure::Scale;
use crate::charts::scale;
use crate::insight::metric::value;
use crate::insight::view::{Slice, SweepView};
use crate::layout;
use crate::layout::Style;
use crate::layout::{padded, width};
use crate::quantity::{digits, metric_name};
use crate::result::SweptAxis;

/// Most curves that can be told apart.
const CURVES: usize = 12;

/// A curve: its letter, its name, and its points by rising x (`None`: no value there).
struct TextCurve {
    letter: char,
    name: String,
    dots: Vec<(f64, Option<f64>)>,
}

/// The lines of the chart; empty if there is nothing to draw.
pub(super) fn chart(view: &SweepView<'_>, style: Style) -> Vec<String> {
    let Some(along) = view.main_axis().filter(|_| view.points.len() > 1) else {
        return Vec::new();
    };
    if view.varied().len() > 2 {
        return too_many_axes(view, style);
    }
    let slices = view.slices(along);
    if view.axes()[along].numbers.is_none() {
        return bars(view, along, &slices, style);
    }
    let single = slices.len() == 1;
    let mut curves = match slices.as_slice() {
        [slice] => of_series(view, along, slice),
        _ => of_slices(view, along, &slices),
    };
    curves.retain(|c| c.dots.iter().any(|d| d.1.is_some()));
    let left_out = curves.len().saturating_sub(CURVES);
    curves.truncate(CURVES);
    let Some(plot) = TextPlot::new(view, along, &curves, style) else {
        return Vec::new();
    };
    let best = if single || view.series.len() == 1 {
        ""
    } else {
        " of the best strategy"
    };
    let title = format!(
        "{}{best} against {}{}",
        plot.title,
        plot.label,
        plot.remark()
    );
    let groups = plot.groups(&curves);
    let (picture, behind) = plot.draw(&curves, &groups, style);
    let mut lines = layout::words(&style.fit(title), "", "  ", style);
    lines.extend(picture);
    lines.extend(legend(&curves, &groups, &behind, style));
    if left_out > 0 {
        lines.push(format!("  {left_out} more are not drawn"));
    }
    lines
}

/// Why there is no chart of a sweep over more than two axes, and how to get one.
fn too_many_axes(view: &SweepView<'_>, style: Style) -> Vec<String> {
    let varied = view.varied();
    let labels: Vec<&str> = varied
        .iter()
        .map(|&a| view.axes()[a].label.as_str())
        .collect();
    // Fixing the axis with the fewest values loses least; it is fixed at the value of the best point.
    let fewest = varied.iter().min_by_key(|&&a| view.axes()[a].values.len());
    let Some(&fewest) = fewest else {
        return Vec::new();
    };
    let best = view.standings.overall().map(|t| &view.sweep.rows[t.row]);
    let last = view.axes()[fewest].values.len().saturating_sub(1);
    let index = best.and_then(|r| r.index.get(fewest).copied());
    let index = index.unwrap_or(last);
    let (axis, value) = (&view.axes()[fewest], view.written(fewest, index));
    let option = match axis.path.as_str() {
        "machine.cores" => format!("--cores {value}"),
        "workers" => format!("--workers {value}"),
        path => {
            let text = format!("{path}={value}");
            let plain = |c: char| c.is_alphanumeric() || "_.:+/=-[]".contains(c);
            if text.chars().all(plain) {
                format!("--vary {text}")
            } else {
                format!("--vary '{text}'")
            }
        }
    };
    let text = format!(
        "No chart: {} axes vary ({}), and a chart has room for two. With one value for all but two of them there is one: for example {option}.",
        varied.len(),
        labels.join(", ")
    );
    layout::words(&style.fit(text), "", "  ", style)
}

fn of_series(view: &SweepView<'_>, along: usize, slice: &Slice) -> Vec<TextCurve> {
    let curve = |s: usize| TextCurve {
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

/// The best of all strategies, with a curve for each value of the other axis.
fn of_slices(view: &SweepView<'_>, along: usize, slices: &[Slice]) -> Vec<TextCurve> {
    // Only one strategy counts at each point: the one to take there.
    let best = |slice: &Slice| {
        let mut dots: Vec<(f64, Option<f64>)> = Vec::new();
        for s in 0..view.series.len() {
            for d in view.curve(s, along, slice) {
                if view.first(d.row.point).is_none_or(|first| first == s) {
                    dots.push((d.x, d.value.map(|v| v.mean)));
                }
            }
        }
        dots.sort_by(|a, b| a.0.total_cmp(&b.0));
        dots.dedup_by_key(|d| d.0);
        dots
    };
    let curve = |(n, slice): (usize, &Slice)| {
        let named: Vec<String> = slice
            .fixed
            .iter()
            .map(|&(a, i)| format!("{} {}", view.axes()[a].label, view.written(a, i)))
            .collect();
        TextCurve {
            letter: letter(n),
            name: named.join(", "),
            dots: best(slice),
        }
    };
    slices.iter().enumerate().map(curve).collect()
}

/// The legend. Curves that coincide are named one after another, the one whose letter is drawn first; a curve that is hidden by others
/// names the one that hides it. A letter and its name are one entry, so that no line ends between them.
fn legend(
    curves: &[TextCurve],
    groups: &[Vec<usize>],
    behind: &[Option<char>],
    style: Style,
) -> Vec<String> {
    let all = groups.iter().zip(behind).flat_map(|(group, behind)| {
        group.iter().enumerate().map(move |(place, &i)| {
            let same = if place > 0 { "= " } else { "" };
            let behind = behind.filter(|_| place + 1 == group.len());
            let behind = behind.map_or(String::new(), |b| format!(" (behind {b})"));
            format!("{same}{} {}{behind}", curves[i].letter, curves[i].name)
        })
    });
    let mut all: Vec<String> = all.collect();
    if groups.iter().any(|g| g.len() > 1) {
        all.push("(=: on one another, drawn as the first)".into());
    }
    layout::entries(&all, "   ", "  ", "  ", style)
}

/// Range of an axis, and its scale.
#[derive(Clone, Copy)]
struct PlotRange {
    low: f64,
    high: f64,
    log: bool,
}

impl PlotRange {
    /// Position of a value in the range, from 0 to 1.
    fn share(self, v: f64) -> f64 {
        let of = |v: f64| if self.log { libm::log2(v) } else { v };
        let (low, high) = (of(self.low), of(self.high));
        if high > low {
            ((of(v) - low) / (high - low)).clamp(0.0, 1.0)
        } else {
            0.5
        }
    }

    /// The range of the vertical axis, chosen as in all charts.
    fn upward(values: &[f64], noise: f64) -> Option<Self> {
        let low = values.iter().copied().reduce(f64::min)?;
        let high = values.iter().copied().reduce(f64::max)?;
        let scale = scale::upward(values.iter().copied(), noise);
        let low = match scale {
            Scale::FromZero => low.min(0.0),
            Scale::Linear => low - (high - low) * 0.05,
            _ => low,
        };
        Some(Self {
            low,
            high: if high > low { high } else { low + 1.0 },
            log: scale == Scale::Log,
        })
    }

    /// Round values within the range.
    fn ticks(self) -> Vec<f64> {
        if self.log {
            let decades = libm::log10(self.high / self.low);
            let of_decade: &[f64] = if decades > 3.0 {
                &[1.0]
            } else {
                &[1.0, 2.0, 5.0]
            };
            let first = libm::floor(libm::log10(self.low));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a double has 640 decades, and more than three are drawn so"
            )]
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

/// Geometry and labels of a chart.
struct TextPlot {
    title: String,
    x: PlotRange,
    y: PlotRange,
    /// Values and labels of the horizontal axis, rising.
    across: Vec<(f64, String)>,
    label: String,
    scale: f64,
    /// Labels of the lines on the vertical axis. Their width follows.
    upward: Vec<String>,
    wide: usize,
    /// Width of the picture, in characters.
    signs: usize,
}

/// Characters around a picture beside its labels: two before them, one after them, and the axis.
const FRAME: usize = 4;

impl TextPlot {
    fn new(view: &SweepView<'_>, along: usize, curves: &[TextCurve], style: Style) -> Option<Self> {
        let axis = &view.axes()[along];
        let numbers = axis.numbers.as_ref()?;
        let all = curves.iter().flat_map(|c| &c.dots);
        let drawn: BTreeSet<u64> = all.map(|d| d.0.to_bits()).collect();
        let mut across: Vec<(f64, String)> = (0..numbers.len())
            .map(|i| (numbers[i], view.written(along, i)))
            .filter(|(x, _)| x.is_finite() && drawn.contains(&x.to_bits()))
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
        let y = PlotRange::upward(&scaled, noise(view) / scale)?;
        let ticks = y.ticks();
        let mut upward: Vec<String> = vec![String::new(); UP];
        for t in &ticks {
            // The line where a curve through this value would have its dots.
            let dots = if style.unicode { 4 } else { 1 };
            let line = nearest(1.0 - y.share(*t), UP * dots) / dots;
            if upward[line].is_empty() {
                upward[line] = tick_text(*t, &ticks, y.log);
            }
        }
        let wide = upward.iter().map(|l| width(l)).max().unwrap_or(0);
        Some(Self {
            title: format!("{}{unit}", metric_name(view.ranking)),
            x: PlotRange {
                low: xs[0],
                high: xs[xs.len() - 1],
                log: crate::insight::doubles(&xs),
            },
            y,
            across,
            label: with_unit(axis),
            scale,
            upward,
            wide,
            signs: style.width.saturating_sub(wide + FRAME).clamp(16, ACROSS),
        })
    }

    /// Groups of curves that cannot be told apart, because they are within half a line of each other.
    fn groups(&self, curves: &[TextCurve]) -> Vec<Vec<usize>> {
        let heights = |c: &TextCurve| -> Vec<Option<f64>> {
            let at = |x: f64| c.dots.iter().find(|d| d.0 == x).and_then(|d| d.1);
            let across = self.across.iter().map(|(x, _)| at(*x));
            across
                .map(|y| y.map(|y| self.y.share(y / self.scale)))
                .collect()
        };
        let all: Vec<Vec<Option<f64>>> = curves.iter().map(heights).collect();
        scale::coincident(&all, 0.5 / UP as f64)
    }

    fn remark(&self) -> &'static str {
        match (self.y.log, self.y.low > 0.0) {
            (true, _) => ", logarithmic scale",
            (false, true) => ", not from zero",
            _ => "",
        }
    }

    /// Position of a point on a canvas of this width and height.
    fn place(&self, x: f64, y: f64, (wide, high): (usize, usize)) -> (usize, usize) {
        (
            nearest(self.x.share(x), wide),
            nearest(1.0 - self.y.share(y / self.scale), high),
        )
    }

    /// The picture and, for each group of curves, the letter that hides all of its own, if any.
    fn draw(
        &self,
        curves: &[TextCurve],
        groups: &[Vec<usize>],
        style: Style,
    ) -> (Vec<String>, Vec<Option<char>>) {
        let mut canvas = TextCanvas::new(self.signs, style.unicode);
        let fine = canvas.fine();
        let lines = |c: &TextCurve| -> Vec<[(usize, usize); 2]> {
            let pairs = c.dots.windows(2).filter_map(|w| {
                let at = |d: (f64, Option<f64>)| Some(self.place(d.0, d.1?, fine));
                Some([at(w[0])?, at(w[1])?])
            });
            pairs.collect()
        };
        let drawn: Vec<&TextCurve> = groups.iter().map(|g| &curves[g[0]]).collect();
        for (i, c) in drawn.iter().enumerate() {
            lines(c).iter().for_each(|l| canvas.line(l[0], l[1], i));
        }
        let put: Vec<Vec<char>> = drawn
            .iter()
            .map(|c| {
                // Only some of many points get letters: a row of them would hide the curve.
                let every = c.dots.len().div_ceil(24).max(1);
                let dots = c.dots.iter().step_by(every);
                dots.filter_map(|(x, y)| Some(self.place(*x, (*y)?, fine)))
                    .map(|at| canvas.letter(at, c.letter))
                    .collect()
            })
            .collect();
        let mut behind = Vec::new();
        for (i, (c, letters)) in drawn.iter().zip(&put).enumerate() {
            let seen = letters.contains(&c.letter)
                || lines(c)
                    .iter()
                    .any(|l| canvas.letter_alone(l[0], l[1], i, c.letter));
            let times = |l: &char| letters.iter().filter(|m| *m == l).count();
            let most = letters.iter().rev().max_by_key(|l| times(l));
            behind.push(most.copied().filter(|_| !seen));
        }
        (self.framed(&canvas, style), behind)
    }

    /// The canvas with its axes.
    fn framed(&self, canvas: &TextCanvas, style: Style) -> Vec<String> {
        let (bar, corner, dash, tick) = if style.unicode {
            ('│', '└', '─', '┤')
        } else {
            ('|', '+', '-', '+')
        };
        let mut out: Vec<String> = (0..UP)
            .map(|line| {
                let label = &self.upward[line];
                let sign = if label.is_empty() { bar } else { tick };
                let label = padded(label, self.wide, true);
                format!("  {label} {sign}{}", canvas.text(line))
            })
            .collect();
        let floor: String = std::iter::repeat_n(dash, self.signs).collect();
        let blanks = " ".repeat(self.wide + FRAME);
        out.push(format!("{} {corner}{floor}", &blanks[2..]));
        let ticks = format!("{blanks}{}", self.ticks_across(style));
        let label = style.fit(self.label.clone());
        if width(&ticks) + 2 + width(&label) <= style.width {
            out.push(format!("{ticks}  {label}"));
        } else {
            out.push(ticks);
            out.push(layout::clipped(&format!("{blanks}{label}"), style));
        }
        out
    }

    /// The swept values below the axis if there is room for them, otherwise round ones.
    fn ticks_across(&self, style: Style) -> String {
        let swept = self.placed(&self.across, style);
        let plain = |a: &(f64, String)| a.1.parse::<f64>().is_ok();
        let text = if swept.1 || self.x.log || !self.across.iter().all(plain) {
            swept.0
        } else {
            let ticks = self.x.ticks();
            let text = |t: &f64| (*t, tick_text(*t, &ticks, false));
            self.placed(&ticks.iter().map(text).collect::<Vec<_>>(), style)
                .0
        };
        text.trim_end().to_owned()
    }

    /// Labels below their positions, and whether there was room for all; the last one is always placed.
    fn placed(&self, labels: &[(f64, String)], style: Style) -> (String, bool) {
        let most = style.width.saturating_sub(self.wide + FRAME);
        let mut line = vec![' '; most];
        let room = |text: &str| width(text);
        let start = |x: f64, text: &str| {
            let dots = if style.unicode { 2 } else { 1 };
            let at = nearest(self.x.share(x), self.signs * dots) / dots;
            let at = at.saturating_sub(room(text) / 2);
            at.min(most.saturating_sub(room(text)))
        };
        let limit = labels.last().map_or(0, |(x, text)| start(*x, text));
        let (mut free_from, mut all) = (0, true);
        for (i, (x, text)) in labels.iter().enumerate() {
            let from = start(*x, text);
            let last = i + 1 == labels.len();
            if from < free_from || (!last && from + room(text) >= limit) {
                all = false;
                continue;
            }
            for (cell, c) in line.iter_mut().skip(from).zip(text.chars()) {
                *cell = c;
            }
            free_from = from + room(text) + 1;
        }
        (line.into_iter().collect(), all)
    }
}

/// The index of the cell, of so many, at a share of their length.
fn nearest(share: f64, cells: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "shares are 0 to 1"
    )]
    let at = libm::round(share.clamp(0.0, 1.0) * cells.saturating_sub(1) as f64) as usize;
    at
}

/// Half the width of the median interval.
fn noise(view: &SweepView<'_>) -> f64 {
    let rows = view.sweep.rows.iter().filter_map(value);
    let halves = rows.filter_map(|e| Some((e.high? - e.low?) / 2.0));
    let mut halves: Vec<f64> = halves.collect();
    halves.sort_by(f64::total_cmp);
    halves.get(halves.len() / 2).copied().unwrap_or(0.0)
}

/// Label of an axis with its unit: `rate (per s)`, `cores`.
fn with_unit(axis: &SweptAxis) -> String {
    match axis.unit.as_deref() {
        Some("per_s") if axis.values.iter().all(serde_json::Value::is_number) => {
            format!("{} (per s)", axis.label)
        }
        _ => axis.label.clone(),
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
    let decimals = crate::quantity::decimals(step, 1);
    format!(
        "{:.decimals$}",
        if value.abs() < step / 2.0 { 0.0 } else { value }
    )
}
