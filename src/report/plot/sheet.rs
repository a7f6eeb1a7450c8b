//! A picture as a list of shapes in points, before it is known how it is drawn.

use super::font;
use crate::report::figure::palette::{Marker, Rgb, Theme};

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
    pub size: Place,
    pub theme: Theme,
    pub shapes: Vec<Shape>,
}

impl Sheet {
    pub(super) fn new(size: Place, theme: Theme) -> Self {
        Self {
            size,
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

    pub(super) fn marker(&mut self, marker: Marker, (x, y): Place, color: Rgb) {
        let background = self.theme.background();
        let polygon = |sheet: &mut Self, radius: f64, corners: &[(f64, f64)], color: Rgb| {
            let points = corners
                .iter()
                .map(|(dx, dy)| (x + dx * radius, y + dy * radius));
            sheet.area(points.collect(), color, 1.0);
        };
        const SQUARE: [(f64, f64); 4] = [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)];
        let r = 4.0;
        match marker {
            Marker::Circle => self.disc((x, y), r, color),
            Marker::Ring => {
                self.disc((x, y), r + 0.4, color);
                self.disc((x, y), r - 1.4, background);
            }
            Marker::Square => polygon(self, r, &SQUARE, color),
            Marker::Box => {
                polygon(self, r, &SQUARE, color);
                polygon(self, r - 1.8, &SQUARE, background);
            }
            Marker::Triangle => {
                polygon(self, r, &[(0.0, -1.25), (1.15, 0.9), (-1.15, 0.9)], color);
            }
            Marker::Down => polygon(self, r, &[(0.0, 1.25), (1.15, -0.9), (-1.15, -0.9)], color),
            Marker::Diamond => polygon(
                self,
                r,
                &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
                color,
            ),
            Marker::Cross => {
                let d = r * 0.95;
                self.line(vec![(x - d, y - d), (x + d, y + d)], 2.0, color);
                self.line(vec![(x - d, y + d), (x + d, y - d)], 2.0, color);
            }
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
        let cut = fit("a very long name of a strategy", 12.0, false, 60.0);
        assert!(cut.ends_with('…') && font::width(&cut, 12.0, false) <= 60.0);
        let lines = wrap("one two three four five six seven", 12.0, false, 80.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].ends_with('…'), "{lines:?}");
        assert_eq!(wrap("", 12.0, false, 80.0, 2), Vec::<String>::new());
    }
}
