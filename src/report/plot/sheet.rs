//! A picture as a list of shapes in points, before it is known how it is drawn.

use super::font;
use crate::report::figure::palette::{Marker, Rgb, Theme};
use crate::report::figure::stripes::stripes;

/// A place on a sheet, from the upper left corner.
pub(super) type Place = (f64, f64);

/// Which end of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A text on one line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Label {
    /// Its anchor, on the base line.
    pub at: Place,
    pub text: String,
    pub size: f64,
    pub bold: bool,
    pub anchor: Anchor,
    pub color: Rgb,
}

/// Something drawn.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Line {
        points: Vec<Place>,
        width: f64,
        color: Rgb,
    },
    Area {
        points: Vec<Place>,
        color: Rgb,
        alpha: f64,
    },
    Rect {
        from: Place,
        to: Place,
        color: Rgb,
    },
    Disc {
        at: Place,
        radius: f64,
        color: Rgb,
    },
    Text(Label),
}

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Room {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Room {
    pub(super) fn width(self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(self) -> f64 {
        self.bottom - self.top
    }

    /// The place at these shares of its width (from the left) and height (from the bottom).
    pub(super) fn at(self, x: f64, y: f64) -> Place {
        (
            self.left + x * self.width(),
            self.bottom - y * self.height(),
        )
    }
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sheet {
    /// The size that it is laid out for.
    pub size: Place,
    /// The size that it is drawn in: large pictures have large letters, and the smallest somewhat smaller ones.
    pub out: Place,
    pub theme: Theme,
    pub shapes: Vec<Shape>,
}

impl Sheet {
    pub(super) fn new(out: Place, scale: f64, theme: Theme) -> Self {
        Self {
            size: (out.0 / scale, out.1 / scale),
            out,
            theme,
            shapes: Vec::new(),
        }
    }

    pub(super) fn line(&mut self, points: Vec<Place>, width: f64, color: Rgb) {
        if points.len() > 1 {
            self.shapes.push(Shape::Line {
                points,
                width,
                color,
            });
        }
    }

    /// A line of strokes and gaps (see [`dash`](crate::report::figure::palette::dash)).
    pub(super) fn dashed(&mut self, points: &[Place], pattern: &[f64], width: f64, color: Rgb) {
        if pattern.is_empty() {
            self.line(points.to_vec(), width, color);
            return;
        }
        for stroke in strokes(points, pattern) {
            self.line(stroke, width, color);
        }
    }

    pub(super) fn area(&mut self, points: Vec<Place>, color: Rgb, alpha: f64) {
        if points.len() > 2 {
            self.shapes.push(Shape::Area {
                points,
                color,
                alpha,
            });
        }
    }

    pub(super) fn rect(&mut self, from: Place, to: Place, color: Rgb) {
        self.shapes.push(Shape::Rect { from, to, color });
    }

    pub(super) fn text(&mut self, at: Place, text: &str, size: f64, anchor: Anchor, color: Rgb) {
        self.label(Label {
            at,
            text: text.to_owned(),
            size,
            bold: false,
            anchor,
            color,
        });
    }

    pub(super) fn label(&mut self, mut label: Label) {
        label.text = label
            .text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        if !label.text.trim().is_empty() {
            self.shapes.push(Shape::Text(label));
        }
    }

    /// A mark; `hollow`: its outline only.
    pub(super) fn marker(
        &mut self,
        marker: Marker,
        at: Place,
        radius: f64,
        hollow: bool,
        color: Rgb,
    ) {
        self.mark_of(marker, at, radius + if hollow { 0.4 } else { 0.0 }, color);
        if hollow {
            self.mark_of(marker, at, radius - 1.7, self.theme.background());
        }
    }

    fn mark_of(&mut self, marker: Marker, (x, y): Place, radius: f64, color: Rgb) {
        let corners = marker.corners();
        if corners.is_empty() {
            self.disc((x, y), radius, color);
            return;
        }
        let points = corners
            .iter()
            .map(|(dx, dy)| (x + dx * radius, y + dy * radius));
        self.area(points.collect(), color, 1.0);
    }

    /// Two crossing strokes: something is wrong here.
    pub(super) fn cross(&mut self, (x, y): Place, color: Rgb) {
        const D: f64 = 4.2;
        self.line(vec![(x - D, y - D), (x + D, y + D)], 2.4, color);
        self.line(vec![(x - D, y + D), (x + D, y - D)], 2.4, color);
    }

    /// A rectangle of slanting lines within a frame.
    pub(super) fn hatched(&mut self, from: Place, to: Place, color: Rgb) {
        for [a, b] in stripes(from, to) {
            self.line(vec![a, b], 1.6, color);
        }
        if to.0 <= from.0 {
            return;
        }
        self.frame(from, to, 1.6, color);
    }

    /// The outline of a rectangle, within it.
    pub(super) fn frame(&mut self, from: Place, to: Place, width: f64, color: Rgb) {
        let h = width / 2.0;
        let (l, t, r, b) = (from.0 + h, from.1 + h, to.0 - h, to.1 - h);
        for (x, y) in [
            ((l - h, t), (r + h, t)),
            ((l - h, b), (r + h, b)),
            ((l, t), (l, b)),
            ((r, t), (r, b)),
        ] {
            self.line(vec![x, y], width, color);
        }
    }

    fn disc(&mut self, at: Place, radius: f64, color: Rgb) {
        self.shapes.push(Shape::Disc { at, radius, color });
    }
}

/// The strokes of a dashed line.
fn strokes(points: &[Place], pattern: &[f64]) -> Vec<Vec<Place>> {
    let mut all = Vec::new();
    let (mut part, mut left) = (0, pattern[0]);
    let mut stroke: Vec<Place> = points.first().copied().into_iter().collect();
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let length = libm::hypot(to.0 - from.0, to.1 - from.1);
            if length < left {
                left -= length;
                if part % 2 == 0 {
                    stroke.push(to);
                }
                break;
            }
            let share = left / length.max(f64::MIN_POSITIVE);
            from = (
                from.0 + (to.0 - from.0) * share,
                from.1 + (to.1 - from.1) * share,
            );
            if part % 2 == 0 {
                stroke.push(from);
                all.push(std::mem::take(&mut stroke));
            } else {
                stroke = vec![from];
            }
            part = (part + 1) % pattern.len();
            left = pattern[part].max(0.5);
        }
    }
    all.push(stroke);
    all
}

/// The text, cut so that it is no wider; what is cut off is shown by an ellipsis.
pub(super) fn fit(text: &str, size: f64, bold: bool, most: f64) -> String {
    if font::width(text, size, bold) <= most {
        return text.to_owned();
    }
    // Nothing of a longer text would be seen.
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

/// Names (and whether they are bold) that are no wider, cut so that they stay as different as they were: at the end, or where that is what
/// tells two apart, in the middle.
pub(super) fn fit_apart(names: &[(String, bool)], size: f64, most: f64) -> Vec<String> {
    // Letters of the end that are kept at least, and at most.
    const ENDS: std::ops::Range<usize> = 4..40;
    let mut out: Vec<String> = (names.iter())
        .map(|(name, bold)| fit(name, size, *bold, most))
        .collect();
    let alike = |out: &[String], i: usize| {
        (0..names.len()).any(|j| names[j].0 != names[i].0 && out[j] == out[i])
    };
    let mut open: Vec<usize> = (0..names.len()).filter(|&i| alike(&out, i)).collect();
    // The last word says it most often (`on 3.14t`).
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

/// A name of which so many letters of the end stay, or its last word; `None` where there is no room for any of its beginning.
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

/// The text in lines that are no wider; words that are too long are cut.
pub(super) fn wrap(text: &str, size: f64, bold: bool, most: f64, lines: usize) -> Vec<String> {
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
    fn dashes_cover_the_line_in_turn() {
        let all = strokes(&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)], &[6.0, 2.0]);
        assert_eq!(all[0], [(0.0, 0.0), (6.0, 0.0)]);
        assert_eq!(all[1], [(8.0, 0.0), (10.0, 0.0), (10.0, 4.0)]);
        assert_eq!(all[2], [(10.0, 6.0), (10.0, 10.0)]);
    }

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
