//! A Gantt chart for a terminal: a line for each row, a character for each slice of time.

use crate::charts::figure::palette::{LAYERS, PICKLING, cause_of};
use crate::charts::figure::ticks::{decimals_of, round_step};
use crate::charts::figure::{Gantt, GanttRow};
use crate::layout::Style;
use crate::layout::{clipped, entries, padded, unique, width, words};
use crate::machine::Cause;
use crate::quantity::{percent, sign, time_unit};

/// Layout of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChartLayout {
    /// Width of a line, in characters.
    pub width: usize,
    /// Whether characters outside ASCII may be used.
    pub unicode: bool,
}

impl ChartLayout {
    pub(super) fn style(self) -> Style {
        Style {
            width: self.width,
            unicode: self.unicode,
            ..Style::default()
        }
    }
}

/// A row's name takes at most one of so many parts of a line.
const NAME: usize = 3;
/// Least distance of two ticks of the axis, in characters.
const TICK: usize = 14;

/// The character for a kind of span, by the number of its colour; letters are those of the report's bars. A thread that waits for work, in
/// a pool or on a loop, is idle.
fn kind_sign(number: usize, unicode: bool) -> char {
    match (cause_of(number), unicode) {
        (None, _) => 'P',
        (Some(Cause::Pool), true) => '▓',
        (Some(Cause::Pool), false) => '=',
        (Some(Cause::Loop), true) => '·',
        (Some(Cause::Loop), false) => '-',
        (Some(cause), _) => sign(cause, unicode),
    }
}

/// The character of a slice in which something happens for less than half of the time.
fn little(unicode: bool) -> char {
    if unicode { '▁' } else { '_' }
}

/// The chart as lines: the axis, the rows by group, the legend. Each slice has the character of the kind that takes most of it; the share
/// at the end of a row is exact.
pub fn chart(gantt: &Gantt, layout: ChartLayout) -> Vec<String> {
    let style = layout.style();
    let fit = |text: &str| style.fit(text.to_owned());
    let labels: Vec<String> = gantt.rows.iter().map(|r| fit(&r.label)).collect();
    let labels = unique(&labels, (layout.width / NAME).max(8) - 2, layout.unicode);
    let widest = labels.iter().map(|l| width(l) + 2).max();
    let name = widest.unwrap_or(8).max(8);
    // The bars, a blank and the share: `│...│ 100%`.
    let cells = layout.width.saturating_sub(name + 8).max(10);
    let bar = if layout.unicode { '│' } else { '|' };
    let mut lines = axis(gantt, name, cells, layout);
    let mut group = "";
    for (row, label) in gantt.rows.iter().zip(&labels) {
        if row.group != group {
            group = &row.group;
            lines.push(clipped(&fit(group), style));
        }
        let (text, share) = slices(gantt, row, cells, layout);
        let label = padded(label, name - 2, false);
        lines.push(format!("  {label}{bar}{text}{bar} {share:>4}"));
    }
    lines.extend(legend(gantt, layout));
    lines
}

/// The slices of a row as characters, and the share of the row. The time of each kind is added up in each slice first.
fn slices(gantt: &Gantt, row: &GanttRow, cells: usize, layout: ChartLayout) -> (String, String) {
    let (from, to) = gantt.window;
    let slice = (to - from) / cells as f64;
    let numbers = LAYERS;
    let mut time = vec![vec![0.0_f64; numbers]; cells];
    let mut share = 0.0;
    for span in &row.spans {
        let Some(kind) = gantt.kinds.get(span.kind) else {
            continue;
        };
        let number = kind.number.min(numbers - 1);
        let (a, b) = (span.from.max(from), span.to.min(to));
        if b <= a || slice <= 0.0 {
            continue;
        }
        if on_core(number) {
            share += b - a;
        }
        let first = cell((a - from) / slice, cells);
        let last = cell((b - from) / slice, cells);
        for (i, at) in time.iter_mut().enumerate().take(last + 1).skip(first) {
            let (begin, end) = (from + slice * i as f64, from + slice * (i + 1) as f64);
            at[number] += (b.min(end) - a.max(begin)).max(0.0);
        }
    }
    let text = time.iter().map(|t| of_slice(t, slice, layout)).collect();
    let whole = to - from;
    let share = if whole > 0.0 {
        percent((share / whole).min(1.0))
    } else {
        String::new()
    };
    (text, share)
}

/// Whether a kind counts for the share at a row's end: time on a core or, for a GIL, time in which it is held.
pub(super) fn on_core(number: usize) -> bool {
    [
        Cause::Running as usize,
        Cause::Ipc as usize,
        Cause::Startup as usize,
        Cause::Pool as usize,
        Cause::Contention as usize,
        PICKLING,
    ]
    .contains(&number)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the width"
)]
fn cell(at: f64, cells: usize) -> usize {
    (libm::floor(at).max(0.0) as usize).min(cells - 1)
}

fn of_slice(time: &[f64], slice: f64, layout: ChartLayout) -> char {
    let all: f64 = time.iter().sum();
    let most = (0..time.len()).max_by(|&a, &b| time[a].total_cmp(&time[b]).then(b.cmp(&a)));
    match most {
        Some(number) if all >= slice * 0.5 => kind_sign(number, layout.unicode),
        // Less than one part in a thousand is a rounding error.
        _ if all > slice * 1e-3 => little(layout.unicode),
        _ => ' ',
    }
}

/// The axis above the chart: round times, in the unit that fits the end of the window.
fn axis(gantt: &Gantt, name: usize, cells: usize, layout: ChartLayout) -> Vec<String> {
    let (from, to) = gantt.window;
    let (unit, word) = time_unit(to);
    let (tick, line) = if layout.unicode {
        ('┬', '─')
    } else {
        ('+', '-')
    };
    let mut marks: Vec<char> = vec![line; cells];
    let mut texts: Vec<char> = vec![' '; cells];
    let (from, span) = (from / unit, (to - from) / unit);
    // A step of at most a third of the window is shorter than the window once it is rounded, so there is a tick in it.
    let step = round_step(span, (cells / TICK).max(3));
    let exact = decimals_of(step);
    let first = libm::ceil(from / step - 1e-9);
    let mut free = 0;
    for i in 0..=cells {
        let value = (first + i as f64) * step;
        let at = (value - from) / span;
        // A window without length has no step, and no ticks.
        if step <= 0.0 || at.is_nan() || at > 1.0 + 1e-9 {
            break;
        }
        let at = cell(at * cells as f64, cells);
        marks[at] = tick;
        let text = format!("{value:.exact$} {word}");
        let length = text.chars().count();
        // The text of the last tick ends with the chart if it has no room after its tick, unless another text is there.
        let start = at.min(cells.saturating_sub(length));
        if start < free {
            continue;
        }
        free = start + length + 2;
        for (slot, c) in texts.iter_mut().skip(start).zip(text.chars()) {
            *slot = c;
        }
    }
    let indent = " ".repeat(name + 1);
    let texts: String = texts.into_iter().collect();
    let marks: String = marks.into_iter().collect();
    vec![
        format!("{indent}{}", texts.trim_end()),
        format!("{indent}{marks}"),
    ]
}

fn legend(gantt: &Gantt, layout: ChartLayout) -> Vec<String> {
    let mut parts: Vec<String> = gantt
        .kinds
        .iter()
        .map(|k| format!("{} {}", kind_sign(k.number, layout.unicode), k.name))
        .collect();
    parts.push(format!("{} idle for most of it", little(layout.unicode)));
    parts.push("blank: idle".into());
    // The characters have been chosen for ASCII already.
    let style = Style {
        unicode: true,
        ..layout.style()
    };
    let mut lines = vec![String::new()];
    lines.extend(entries(&parts, "   ", "  ", "  ", style));
    let share = "at the right: share of the time on a core (of a GIL: in which it is held)";
    lines.extend(words(share, "  ", "  ", style));
    lines
}
