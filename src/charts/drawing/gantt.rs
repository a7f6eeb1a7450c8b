//! Draws Gantt charts: rows of spans over time.

use super::axes::{ACROSS, HorizontalAxis, widest};
use super::bars::inside;
use super::legend::{LegendEntry, Swatch};
use super::sheet::{Anchor, Label, Paint, Rect, ShapeGroup, Sheet, TEXT, fit};
use super::{count, fitting};
use crate::charts::figure::ticks::Ruler;
use crate::charts::figure::{Gantt, GanttRow, GanttSpan};

/// Height of a row.
const ROW: f64 = 20.0;
/// Height of a group's name above its rows.
const GROUP: f64 = 24.0;
/// Least height of a row that can be told from others.
const LEAST: f64 = 5.0;

/// Height that suits the rows and their axis.
pub(crate) fn height(g: &Gantt) -> f64 {
    heads(g) + ROW * count(g.rows.len().max(2)) + ACROSS
}

/// Total height of the groups' names.
fn heads(g: &Gantt) -> f64 {
    let named = groups(&g.rows).filter(|rows| !rows[0].group.is_empty());
    GROUP * count(named.count())
}

/// The rows by group, in order.
fn groups(rows: &[GanttRow]) -> impl Iterator<Item = &[GanttRow]> {
    rows.chunk_by(|a, b| a.group == b.group)
}

pub(crate) fn keys(g: &Gantt) -> Vec<LegendEntry> {
    let used = |k: usize| g.rows.iter().flat_map(|r| &r.spans).any(|s| s.kind == k);
    let kinds = g.kinds.iter().enumerate().filter(|(k, _)| used(*k));
    let key = |(k, kind): (usize, &crate::charts::figure::SpanKind)| LegendEntry {
        text: kind.name.clone(),
        bold: false,
        series: vec![k],
        sample: Swatch::Layer(kind.number),
    };
    kinds.map(key).collect()
}

pub(crate) fn draw(sheet: &mut Sheet, room: Rect, g: &Gantt) {
    let labels = g.rows.iter().map(|r| r.label.as_str());
    let labels = widest(labels, 24.0, room.width() * 0.3);
    let plot = Rect {
        left: room.left + labels + 12.0,
        right: room.right - 8.0,
        bottom: room.bottom - ACROSS,
        ..room
    };
    sheet.plot = plot;
    let window = [g.window.0, g.window.1];
    let ruler = Ruler::new(&g.time, window, fitting(plot.width(), 85.0), true);
    let across = HorizontalAxis::new(ruler, &g.time, plot.width());
    across.draw(sheet, plot, true);
    let chart = GanttChart {
        g,
        room,
        plot,
        across,
        labels,
        height: ((plot.height() - heads(g)) / count(g.rows.len().max(1))).clamp(LEAST, ROW * 1.5),
    };
    chart.rows(sheet);
}

struct GanttChart<'a> {
    g: &'a Gantt,
    room: Rect,
    plot: Rect,
    across: HorizontalAxis,
    /// Width of the rows' names.
    labels: f64,
    /// Height of a row.
    height: f64,
}

impl GanttChart<'_> {
    fn rows(&self, sheet: &mut Sheet) {
        let end = self.plot.bottom + 0.5;
        let mut y = self.plot.top;
        let mut drawn = 0;
        for group in groups(&self.g.rows) {
            if y + GROUP + self.height > end {
                break;
            }
            if !group[0].group.is_empty() {
                y += GROUP;
                self.head(sheet, &group[0].group, y);
            }
            for row in group {
                if y + self.height > end {
                    break;
                }
                self.row(sheet, drawn, row, y);
                y += self.height;
                drawn += 1;
            }
        }
        let left = self.g.rows.len() - drawn;
        if left > 0 {
            // Left of the axis's title, which stands in the middle.
            let (title, foot) = self.across.at(self.plot);
            let most = title - 75.0 - self.room.left;
            let text = fit(&format!("+ {left} rows"), TEXT, false, most.max(0.0));
            let place = (self.room.left, foot);
            sheet.text(place, &text, Anchor::Start, Paint::Quiet);
        }
    }

    fn head(&self, sheet: &mut Sheet, name: &str, bottom: f64) {
        // The lines of the grid are interrupted by a name.
        let name = fit(name, TEXT, true, self.plot.right - self.room.left);
        let at = (self.room.left, bottom - 6.0);
        sheet.clear(Label::new(at, name, Anchor::Start, Paint::Ink).bold(true));
    }

    fn row(&self, sheet: &mut Sheet, number: usize, row: &GanttRow, top: f64) {
        let middle = top + self.height / 2.0;
        let size = TEXT.min(self.height * 0.8);
        if size >= 6.0 {
            let name = fit(&row.label, size, false, self.labels);
            let at = (self.plot.left - 10.0, middle);
            let label = Label::new(at, name, Anchor::End, Paint::Quiet);
            sheet.label(label.sized(size).centred());
        }
        let lane = vec![(self.plot.left, middle), (self.plot.right, middle)];
        sheet.line(lane, 1.0, Paint::Grid);
        for (k, span) in row.spans.iter().enumerate() {
            self.span(sheet, row, span, (number, k), top);
        }
    }

    fn span(
        &self,
        sheet: &mut Sheet,
        row: &GanttRow,
        span: &GanttSpan,
        cell: (usize, usize),
        top: f64,
    ) {
        let ruler = &self.across.ruler;
        let Some((from, to)) = ruler.place(span.from).zip(ruler.place(span.to)) else {
            return;
        };
        if to < 0.0 || from > 1.0 || to < from {
            return;
        }
        let x = |share: f64| self.plot.at(share.clamp(0.0, 1.0), 0.0).0;
        let gap = (self.height * 0.12).min(2.5);
        // Short spans stay visible.
        let end = x(to).max(x(from) + 0.5);
        let corners = ((x(from), top + gap), (end, top + self.height - gap));
        let kind = self.g.kinds.get(span.kind);
        let number = kind.map_or(span.kind, |k| k.number);
        let text = if span.text.is_empty() {
            String::new()
        } else {
            format!(" ({})", span.text)
        };
        let group = ShapeGroup {
            series: vec![span.kind],
            paint: Some(Paint::Layer(number)),
            hover: format!(
                "{}: {}{text}, {} to {}, for {}",
                row.label,
                kind.map_or("", |k| k.name.as_str()),
                self.g.instant(span.from),
                self.g.instant(span.to),
                self.g.time.text(span.to - span.from)
            ),
            cell: Some(cell),
        };
        sheet.group(group, |sheet| {
            sheet.rect(corners, Paint::Layer(number));
            if self.height >= 15.0 {
                inside(sheet, corners, &span.text, number);
            }
        });
    }
}
