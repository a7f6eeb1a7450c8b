//! A sheet: a picture as a list of shapes in points, independent of how it is drawn.

use super::font;
use crate::charts::figure::palette::{Marker, Rgb, Theme};
use crate::charts::figure::stripes::stripes;
use crate::scenario::is_hidden;

/// A position on a sheet, in points from the upper left corner.
pub(crate) type Position = (f64, f64);

/// What a shape is, which determines its colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Paint {
    /// The background.
    Ground,
    /// Important texts.
    Ink,
    /// Less important texts beside the picture.
    Quiet,
    /// Lines of axes.
    Frame,
    /// Grid lines at ticks.
    Grid,
    /// A reference for comparison.
    Reference,
    /// The curve with this number.
    Curve(usize),
    /// The layer, or kind of span, with this number.
    Layer(usize),
    /// A text on the layer with this number.
    OnLayer(usize),
    /// A fixed colour, the same on every background.
    Shade(Rgb),
}

impl Paint {
    /// The colour in a theme.
    pub(crate) fn color(self, theme: Theme) -> Rgb {
        match self {
            Self::Ground => theme.background(),
            Self::Ink => theme.ink(),
            Self::Quiet => theme.quiet(),
            Self::Frame => theme.frame(),
            Self::Grid => theme.grid(),
            Self::Reference => theme.reference(),
            Self::Curve(n) => theme.series(n),
            Self::Layer(n) => theme.layer(n),
            Self::OnLayer(n) => theme.layer(n).text_on(),
            Self::Shade(color) => color,
        }
    }
}

/// Which part of a text is put at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A text on one line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Label {
    /// Position of the anchor, on the base line.
    pub at: Position,
    pub text: String,
    pub size: f64,
    pub bold: bool,
    pub anchor: Anchor,
    pub paint: Paint,
}

/// A shape on a sheet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// A line; `dash` holds the lengths of its strokes and gaps, and is empty for a solid line.
    Line {
        points: Vec<Position>,
        width: f64,
        dash: &'static [f64],
        paint: Paint,
    },
    Area {
        points: Vec<Position>,
        paint: Paint,
        alpha: f64,
    },
    Rect {
        from: Position,
        to: Position,
        paint: Paint,
    },
    /// The outline of a rectangle, drawn inside it.
    Frame {
        from: Position,
        to: Position,
        width: f64,
        paint: Paint,
    },
    Disc {
        at: Position,
        radius: f64,
        paint: Paint,
    },
    Text(Label),
    /// The shapes that follow are a group, until [`Shape::Close`].
    Open(ShapeGroup),
    Close,
}

/// A group of shapes, which the page can hide, or which shows a text when it is pointed at. Files do neither.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ShapeGroup {
    /// Numbers of the curves, layers or kinds of spans that the group shows.
    pub series: Vec<usize>,
    /// Colour of these.
    pub paint: Option<Paint>,
    /// Text that is shown when it is pointed at; may be empty.
    pub hover: String,
    /// Row, from the top, and column of the group among those that can be walked through by keys.
    pub cell: Option<(usize, usize)>,
}

/// A point of a curve that can be read in the page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HoverReading {
    /// Its position, as shares of the plot's width and, from the foot, of its height.
    pub at: Position,
    /// Its horizontal value, and the text about it.
    pub texts: [String; 2],
}

/// A rectangle on a sheet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rect {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Rect {
    pub(crate) fn width(self) -> f64 {
        self.right - self.left
    }

    pub(crate) fn height(self) -> f64 {
        self.bottom - self.top
    }

    /// The position at these shares of the width (from the left) and height (from the bottom).
    pub(crate) fn at(self, x: f64, y: f64) -> Position {
        (
            self.left + x * self.width(),
            self.bottom - y * self.height(),
        )
    }

    /// The upper left and the lower right corner.
    pub(crate) fn corners(self) -> (Position, Position) {
        ((self.left, self.top), (self.right, self.bottom))
    }

    /// The centre.
    pub(crate) fn middle(self) -> Position {
        self.at(0.5, 0.5)
    }
}

/// A picture: its size and its shapes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sheet {
    /// Width and height in points.
    pub size: Position,
    pub shapes: Vec<Shape>,
    /// The rectangle within the axes, in which values are drawn.
    pub plot: Rect,
    /// The readable points of each curve.
    pub readings: Vec<Vec<HoverReading>>,
}

impl Sheet {
    pub(crate) fn new(size: Position) -> Self {
        Self {
            size,
            shapes: Vec::new(),
            plot: Rect::default(),
            readings: Vec::new(),
        }
    }

    /// Makes a group of what `draw` draws.
    pub(crate) fn group(&mut self, group: ShapeGroup, draw: impl FnOnce(&mut Self)) {
        self.shapes.push(Shape::Open(group));
        draw(self);
        self.shapes.push(Shape::Close);
    }

    pub(crate) fn line(&mut self, points: Vec<Position>, width: f64, paint: Paint) {
        self.dashed(points, &[], width, paint);
    }

    /// Draws a line of strokes and gaps (see [`dash`](crate::charts::figure::palette::dash)).
    pub(crate) fn dashed(
        &mut self,
        points: Vec<Position>,
        dash: &'static [f64],
        width: f64,
        paint: Paint,
    ) {
        if points.len() > 1 {
            self.shapes.push(Shape::Line {
                points,
                width,
                dash,
                paint,
            });
        }
    }

    pub(crate) fn area(&mut self, points: Vec<Position>, paint: Paint, alpha: f64) {
        if points.len() > 2 {
            self.shapes.push(Shape::Area {
                points,
                paint,
                alpha,
            });
        }
    }

    pub(crate) fn rect(&mut self, (from, to): (Position, Position), paint: Paint) {
        self.shapes.push(Shape::Rect { from, to, paint });
    }

    pub(crate) fn text(&mut self, at: Position, text: &str, anchor: Anchor, paint: Paint) {
        self.label(Label::new(at, text, anchor, paint));
    }

    pub(crate) fn label(&mut self, mut label: Label) {
        let seen = |c: char| match c {
            c if c.is_control() => ' ',
            c if is_hidden(c) => '\u{FFFD}',
            c => c,
        };
        label.text = label.text.chars().map(seen).collect();
        if !label.text.trim().is_empty() {
            self.shapes.push(Shape::Text(label));
        }
    }

    /// Draws a text on a patch of background, so that no line runs through it.
    pub(crate) fn clear(&mut self, label: Label) {
        let [left, top, right, bottom] = label.outline();
        let (from, to) = ((left - 3.0, top - 2.0), (right + 3.0, bottom + 2.0));
        self.rect((from, to), Paint::Ground);
        self.label(label);
    }

    /// Draws a mark; if `hollow`, only its outline.
    pub(crate) fn marker(
        &mut self,
        marker: Marker,
        at: Position,
        radius: f64,
        hollow: bool,
        paint: Paint,
    ) {
        self.mark_of(marker, at, radius + if hollow { 0.4 } else { 0.0 }, paint);
        if hollow {
            self.mark_of(marker, at, radius - 1.7, Paint::Ground);
        }
    }

    fn mark_of(&mut self, marker: Marker, (x, y): Position, radius: f64, paint: Paint) {
        let corners = marker.corners();
        if corners.is_empty() {
            let at = (x, y);
            self.shapes.push(Shape::Disc { at, radius, paint });
            return;
        }
        let points = corners
            .iter()
            .map(|(dx, dy)| (x + dx * radius, y + dy * radius));
        self.area(points.collect(), paint, 1.0);
    }

    /// Draws two crossing strokes, which mean that something is wrong here.
    pub(crate) fn cross(&mut self, (x, y): Position, arm: f64, width: f64, paint: Paint) {
        self.line(vec![(x - arm, y - arm), (x + arm, y + arm)], width, paint);
        self.line(vec![(x - arm, y + arm), (x + arm, y - arm)], width, paint);
    }

    /// Draws a rectangle of slanting stripes within a frame.
    pub(crate) fn hatched(&mut self, (from, to): (Position, Position), paint: Paint) {
        const WIDTH: f64 = 1.6;
        // The slanted ends of the stripes stay within the line of the frame.
        let h = WIDTH / 2.0;
        for ends in stripes((from.0 + h, from.1 + h), (to.0 - h, to.1 - h)) {
            self.line(ends.into(), WIDTH, paint);
        }
        self.frame((from, to), WIDTH, paint);
    }

    /// Draws the outline of a rectangle, inside it.
    pub(crate) fn frame(&mut self, (from, to): (Position, Position), width: f64, paint: Paint) {
        if to.0 > from.0 {
            self.shapes.push(Shape::Frame {
                from,
                to,
                width,
                paint,
            });
        }
    }
}

/// Size of most texts, in points.
pub(crate) const TEXT: f64 = 12.5;

impl Label {
    /// A text in letters of the usual size.
    pub(crate) fn new(at: Position, text: impl Into<String>, anchor: Anchor, paint: Paint) -> Self {
        Self {
            at,
            text: text.into(),
            size: TEXT,
            bold: false,
            anchor,
            paint,
        }
    }

    pub(crate) fn sized(self, size: f64) -> Self {
        Self { size, ..self }
    }

    pub(crate) fn bold(self, bold: bool) -> Self {
        Self { bold, ..self }
    }

    /// Centres the text vertically on its position; to be called last, since the shift depends on the size.
    pub(crate) fn centred(mut self) -> Self {
        self.at.1 += self.size * 0.36;
        self
    }

    /// Left, top, right and bottom of the text.
    pub(crate) fn outline(&self) -> [f64; 4] {
        let width = font::width(&self.text, self.size, self.bold);
        let left = match self.anchor {
            Anchor::Start => self.at.0,
            Anchor::Middle => self.at.0 - width / 2.0,
            Anchor::End => self.at.0 - width,
        };
        [
            left,
            self.at.1 - self.size * 0.75,
            left + width,
            self.at.1 + self.size * 0.2,
        ]
    }
}

/// The text, cut to be no wider than `most`; an ellipsis shows the cut.
pub(crate) fn fit(text: &str, size: f64, bold: bool, most: f64) -> String {
    if font::width(text, size, bold) <= most {
        return text.to_owned();
    }
    // More of a longer text would not be visible.
    let mut chars: Vec<char> = text.chars().take(400).collect();
    while !chars.is_empty() {
        chars.pop();
        let cut: String = chars.iter().collect::<String>().trim_end().to_owned() + "…";
        if font::width(&cut, size, bold) <= most {
            return cut;
        }
    }
    String::new()
}

/// Names (with whether they are bold), cut to be no wider than `most` so that they stay distinct: at the end or, if the end distinguishes
/// two of them, in the middle.
pub(crate) fn fit_apart(names: &[(String, bool)], size: f64, most: f64) -> Vec<String> {
    // Least and greatest number of letters of the end that are kept.
    const ENDS: std::ops::Range<usize> = 4..40;
    let mut out: Vec<String> = (names.iter())
        .map(|(name, bold)| fit(name, size, *bold, most))
        .collect();
    let alike = |out: &[String], i: usize| {
        (0..names.len()).any(|j| names[j].0 != names[i].0 && out[j] == out[i])
    };
    let mut open: Vec<usize> = (0..names.len()).filter(|&i| alike(&out, i)).collect();
    // The last word distinguishes names most often (`on 3.14t`).
    for end in std::iter::once(None).chain(ENDS.map(Some)) {
        if open.is_empty() {
            break;
        }
        let mut tried = out.clone();
        for &i in &open {
            if let Some(text) = without_middle(&names[i], size, most, end) {
                tried[i] = text;
            }
        }
        let (still, told): (Vec<usize>, Vec<usize>) = open.iter().partition(|&&i| alike(&tried, i));
        for i in told {
            out[i].clone_from(&tried[i]);
        }
        open = still;
    }
    out
}

/// A name with its middle cut, of which so many letters of the end stay, or its last word; `None` if there is no room for its beginning.
fn without_middle(
    (name, bold): &(String, bool),
    size: f64,
    most: f64,
    end: Option<usize>,
) -> Option<String> {
    let end = end.unwrap_or_else(|| name.chars().rev().take_while(|c| *c != ' ').count());
    let chars: Vec<char> = name.chars().collect();
    let (head, tail) = chars.split_at(chars.len().saturating_sub(end));
    let tail: String = tail.iter().collect();
    let cut = |n: usize| {
        let head: String = head[..n].iter().collect();
        format!("{}…{tail}", head.trim_end())
    };
    (1..=head.len())
        .map(cut)
        .take_while(|text| font::width(text, size, *bold) <= most)
        .last()
}

/// The text in at most `lines` lines that are no wider than `most`; words that are too long are cut.
pub(crate) fn wrap(text: &str, size: f64, bold: bool, most: f64, lines: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let text: String = text.chars().take(2_000).collect();
    for word in text.split_whitespace() {
        let longer = out.last().map(|l| format!("{l} {word}"));
        match longer.filter(|l| font::width(l, size, bold) <= most) {
            Some(longer) => *out.last_mut().expect("it has a last line") = longer,
            None => out.push(word.to_owned()),
        }
    }
    let over = out.len() > lines;
    out.truncate(lines);
    if over && let Some(last) = out.last_mut() {
        last.push_str(" …");
    }
    out.iter().map(|l| fit(l, size, bold, most)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_wrapped() {
        font::register();
        let names = [
            "asyncio+threads on 3.14",
            "asyncio+threads on 3.14t",
            "asyncio",
        ];
        let names = names.map(|n| (n.to_owned(), false));
        let cut = fit_apart(&names, 12.0, 100.0);
        assert!(
            cut[0].ends_with("3.14") && cut[1].ends_with("3.14t"),
            "{cut:?}"
        );
        assert_eq!(cut[2], "asyncio");
        let cut = fit("a very long name of a strategy", 12.0, false, 60.0);
        assert!(cut.ends_with('…') && font::width(&cut, 12.0, false) <= 60.0);
        let lines = wrap("one two three four five six seven", 12.0, false, 80.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].ends_with('…'), "{lines:?}");
        assert_eq!(wrap("", 12.0, false, 80.0, 2), Vec::<String>::new());
    }
}
