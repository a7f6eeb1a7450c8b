//! Writes a sheet's shapes as SVG: fractional coordinates, texts as texts. Files have the colours of a theme. The page has classes, which
//! its style sheet colours, and the groups with their texts.

use std::fmt::{self, Write as _};

use super::sheet::{Anchor, Label, Paint, Position, Shape, ShapeGroup, TEXT};
use super::{font, webfont};
use crate::charts::figure::palette::{CURVES, LAYERS, Theme};
use crate::scenario::is_hidden;

/// How shapes get their colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colors {
    /// Colours of this theme are written.
    Of(Theme),
    /// By class: see [`class`].
    ByClass,
}

/// The class of a shape in the page; empty for a colour that is the same everywhere.
pub(crate) fn class(paint: Paint) -> String {
    match paint {
        Paint::Ground => "ground".into(),
        Paint::Ink => "ink".into(),
        Paint::Quiet => "quiet".into(),
        Paint::Frame => "frame".into(),
        Paint::Grid => "grid".into(),
        Paint::Reference => "ref".into(),
        Paint::Curve(n) => format!("c{}", n % CURVES),
        Paint::Layer(n) => format!("l{}", n % LAYERS),
        Paint::OnLayer(n) => format!("t{}", n % LAYERS),
        Paint::Shade(_) => String::new(),
    }
}

/// The text as it may stand between tags and in attributes: without characters that begin markup, that XML forbids, or that are
/// not seen but reverse or hide what is.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(c),
            c if is_hidden(c) => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

/// A number with at most two decimals.
pub(crate) fn n(v: f64) -> String {
    let v = if v.is_finite() { v } else { 0.0 };
    let text = format!("{v:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".into()
    } else {
        text.into()
    }
}

/// Appends the shapes to an SVG text.
pub(crate) fn shapes(out: &mut String, shapes: &[Shape], colors: Colors) {
    for shape in shapes {
        // Writing to a string cannot fail.
        let _ = colors.shape(out, shape);
    }
}

impl Colors {
    fn shape(self, out: &mut String, shape: &Shape) -> fmt::Result {
        match shape {
            Shape::Line {
                points,
                width,
                dash,
                paint,
            } => {
                write!(
                    out,
                    "<polyline points=\"{}\"{} stroke-width=\"{}\"",
                    places(points),
                    self.stroke(*paint),
                    n(*width)
                )?;
                if !dash.is_empty() {
                    let lengths: Vec<String> = dash.iter().map(|d| n(*d)).collect();
                    write!(out, " stroke-dasharray=\"{}\"", lengths.join(" "))?;
                }
                writeln!(out, "/>")
            }
            Shape::Area {
                points,
                paint,
                alpha,
            } => {
                write!(
                    out,
                    "<polygon points=\"{}\"{}",
                    places(points),
                    self.fill(*paint)
                )?;
                if *alpha < 1.0 {
                    write!(out, " fill-opacity=\"{}\"", n(*alpha))?;
                }
                writeln!(out, "/>")
            }
            Shape::Rect { from, to, paint } => {
                writeln!(out, "<rect{}{}/>", room(*from, *to), self.fill(*paint))
            }
            Shape::Frame {
                from,
                to,
                width,
                paint,
            } => {
                let h = width / 2.0;
                writeln!(
                    out,
                    "<rect{}{} stroke-width=\"{}\"/>",
                    room((from.0 + h, from.1 + h), (to.0 - h, to.1 - h)),
                    self.stroke(*paint),
                    n(*width)
                )
            }
            Shape::Disc { at, radius, paint } => writeln!(
                out,
                "<circle cx=\"{}\" cy=\"{}\" r=\"{}\"{}/>",
                n(at.0),
                n(at.1),
                n(*radius),
                self.fill(*paint)
            ),
            Shape::Text(label) => self.text(out, label),
            Shape::Open(group) if self == Self::ByClass => open(out, group),
            Shape::Close if self == Self::ByClass => writeln!(out, "</g>"),
            Shape::Open(_) | Shape::Close => Ok(()),
        }
    }

    fn text(self, out: &mut String, label: &Label) -> fmt::Result {
        write!(out, "<text x=\"{}\" y=\"{}\"", n(label.at.0), n(label.at.1))?;
        match label.anchor {
            Anchor::Start => {}
            Anchor::Middle => write!(out, " text-anchor=\"middle\"")?,
            Anchor::End => write!(out, " text-anchor=\"end\"")?,
        }
        if label.size != TEXT {
            write!(out, " font-size=\"{}\"", n(label.size))?;
        }
        if label.bold {
            write!(out, " font-weight=\"700\"")?;
        }
        // A file says once that texts are in ink.
        if self == Self::ByClass || label.paint != Paint::Ink {
            write!(out, "{}", self.fill(label.paint))?;
        }
        // In another font the text keeps the width for which it was laid out. The width of characters that our font lacks is unknown.
        if webfont::has(font::REGULAR, &label.text) {
            let width = font::width(&label.text, label.size, label.bold);
            let width = n(width);
            write!(
                out,
                " textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\""
            )?;
        }
        writeln!(out, ">{}</text>", escaped(&label.text))
    }

    fn fill(self, paint: Paint) -> String {
        match (self, paint) {
            (Self::Of(theme), _) => format!(" fill=\"{}\"", paint.color(theme).hex()),
            (Self::ByClass, Paint::Shade(color)) => format!(" style=\"--c:{}\"", color.hex()),
            (Self::ByClass, _) => format!(" class=\"{}\"", class(paint)),
        }
    }

    fn stroke(self, paint: Paint) -> String {
        match (self, paint) {
            (Self::Of(theme), _) => {
                let color = paint.color(theme).hex();
                format!(" fill=\"none\" stroke=\"{color}\" stroke-linejoin=\"round\"")
            }
            (Self::ByClass, Paint::Shade(color)) => {
                format!(" class=\"stroke\" style=\"--c:{}\"", color.hex())
            }
            (Self::ByClass, _) => format!(" class=\"stroke {}\"", class(paint)),
        }
    }
}

fn open(out: &mut String, group: &ShapeGroup) -> fmt::Result {
    let mut classes: Vec<String> = group.series.iter().map(|s| format!("s{s}")).collect();
    if !classes.is_empty() {
        classes.insert(0, "series".into());
    }
    if group.cell.is_some() {
        classes.push("mark-value".into());
    }
    classes.extend(group.paint.map(class));
    write!(out, "<g")?;
    if !classes.is_empty() {
        write!(out, " class=\"{}\"", classes.join(" "))?;
    }
    if let Some((row, column)) = group.cell {
        write!(out, " data-row=\"{row}\" data-column=\"{column}\"")?;
    }
    write!(out, ">")?;
    if !group.hover.is_empty() {
        write!(out, "<title>{}</title>", escaped(&group.hover))?;
    }
    writeln!(out)
}

fn room(from: Position, to: Position) -> String {
    format!(
        " x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
        n(from.0),
        n(from.1),
        n((to.0 - from.0).max(0.0)),
        n((to.1 - from.1).max(0.0))
    )
}

fn places(all: &[Position]) -> String {
    let all: Vec<String> = all
        .iter()
        .map(|(x, y)| format!("{},{}", n(*x), n(*y)))
        .collect();
    all.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::sheet::Sheet;
    use super::*;

    fn written(colors: Colors) -> String {
        font::register();
        let mut sheet = Sheet::new((100.0, 20.0));
        let group = ShapeGroup {
            series: vec![0, 3],
            paint: Some(Paint::Curve(9)),
            hover: "a < b".into(),
            cell: Some((1, 2)),
        };
        sheet.group(group, |sheet| {
            sheet.dashed(
                vec![(0.0, 1.0), (2.5, 1.0)],
                &[4.0, 2.0],
                1.5,
                Paint::Curve(9),
            );
            sheet.rect(
                ((0.0, 0.0), (10.0, 5.0)),
                Paint::Shade(Theme::Light.layer(3)),
            );
            sheet.text((1.0, 2.0), "é\u{1F40D}", Anchor::End, Paint::Quiet);
        });
        let mut out = String::new();
        shapes(&mut out, &sheet.shapes, colors);
        out
    }

    #[test]
    fn the_page_has_classes_and_says_what_it_is() {
        assert_eq!(
            written(Colors::ByClass),
            "<g class=\"series s0 s3 mark-value c1\" data-row=\"1\" data-column=\"2\"><title>a &lt; b</title>\n\
             <polyline points=\"0,1 2.5,1\" class=\"stroke c1\" stroke-width=\"1.5\" stroke-dasharray=\"4 2\"/>\n\
             <rect x=\"0\" y=\"0\" width=\"10\" height=\"5\" style=\"--c:#8E4EC6\"/>\n\
             <text x=\"1\" y=\"2\" text-anchor=\"end\" class=\"quiet\">é\u{1F40D}</text>\n</g>\n"
        );
    }

    #[test]
    fn files_have_the_colours_of_their_theme_only() {
        let [light, dark] = [Theme::Light, Theme::Dark].map(|t| written(Colors::Of(t)));
        for text in [&light, &dark] {
            assert!(!text.contains("class=") && !text.contains("title") && !text.contains("<g"));
            assert!(text.contains("fill=\"#8E4EC6\""), "{text}");
        }
        let quiet = |t: Theme| format!(" fill=\"{}\">é", t.quiet().hex());
        assert!(light.contains(&quiet(Theme::Light)) && dark.contains(&quiet(Theme::Dark)));
    }
}
