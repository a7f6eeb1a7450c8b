//! A sheet as SVG, written by hand: coordinates with a fraction, texts as texts, and the font within.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::sheet::{Anchor, Label, Place, Shape, Sheet};
use super::{font, webfont};
use crate::report::figure::Figure;

/// Size of most texts, which need not say it.
const SIZE: f64 = super::page::TEXT;

pub(super) fn svg(sheet: &Sheet, figure: &Figure) -> String {
    let (width, height) = sheet.size;
    // Several pictures may stand in one page.
    let name = escaped(&figure.name);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\" \
         aria-labelledby=\"{name}-title {name}-about\" font-family=\"{}\" font-size=\"{}\" fill=\"{}\">\n\
         <title id=\"{name}-title\">{}</title>\n<desc id=\"{name}-about\">{}</desc>\n",
        n(sheet.out.0),
        n(sheet.out.1),
        n(width),
        n(height),
        font::FAMILY,
        n(SIZE),
        sheet.theme.ink().hex(),
        escaped(&figure.title),
        escaped(&figure.subtitle),
    );
    out.push_str(&faces(sheet));
    let _ = writeln!(
        out,
        "<rect width=\"{}\" height=\"{}\" fill=\"{}\"/>",
        n(width),
        n(height),
        sheet.theme.background().hex()
    );
    for shape in &sheet.shapes {
        draw(&mut out, sheet, shape);
    }
    out.push_str("</svg>\n");
    out
}

/// The signs that the sheet has, as fonts: regular, and bold.
fn faces(sheet: &Sheet) -> String {
    let mut out = String::new();
    for (bold, bytes) in [(false, font::REGULAR), (true, font::BOLD)] {
        let labels = sheet.shapes.iter().filter_map(|s| match s {
            Shape::Text(l) if l.bold == bold => Some(l),
            _ => None,
        });
        let signs: BTreeSet<char> = labels.flat_map(|l| l.text.chars()).collect();
        if signs.is_empty() {
            continue;
        }
        if let Some(data) = webfont::subset(bytes, &signs) {
            let weight = if bold { 700 } else { 400 };
            let _ = writeln!(
                out,
                "@font-face{{font-family:Inter;font-weight:{weight};src:url(data:font/woff;base64,{data}) format(\"woff\")}}"
            );
        }
    }
    if out.is_empty() {
        out
    } else {
        format!("<style>\n{out}</style>\n")
    }
}

/// As it may stand in a text or an attribute: nothing that begins markup, nothing that XML forbids, nothing that turns what follows
/// around.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FFFE}' | '\u{FFFF}' => {
                out.push('\u{FFFD}');
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A number with two digits behind the point at most.
fn n(v: f64) -> String {
    let v = if v.is_finite() { v } else { 0.0 };
    let text = format!("{v:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".into()
    } else {
        text.into()
    }
}

fn points(all: &[Place]) -> String {
    let all: Vec<String> = all
        .iter()
        .map(|(x, y)| format!("{},{}", n(*x), n(*y)))
        .collect();
    all.join(" ")
}

fn draw(out: &mut String, sheet: &Sheet, shape: &Shape) {
    let _ = match shape {
        Shape::Line {
            points: all,
            width,
            color,
        } => writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"/>",
            points(all),
            color.hex(),
            n(*width)
        ),
        Shape::Area {
            points: all,
            color,
            alpha,
        } => {
            let opacity = if *alpha < 1.0 {
                format!(" fill-opacity=\"{}\"", n(*alpha))
            } else {
                String::new()
            };
            writeln!(
                out,
                "<polygon points=\"{}\" fill=\"{}\"{opacity}/>",
                points(all),
                color.hex()
            )
        }
        Shape::Rect { from, to, color } => writeln!(
            out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>",
            n(from.0),
            n(from.1),
            n((to.0 - from.0).max(0.0)),
            n((to.1 - from.1).max(0.0)),
            color.hex()
        ),
        Shape::Disc { at, radius, color } => writeln!(
            out,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{}\"/>",
            n(at.0),
            n(at.1),
            n(*radius),
            color.hex()
        ),
        Shape::Text(label) => text(out, sheet, label),
    };
}

fn text(out: &mut String, sheet: &Sheet, label: &Label) -> std::fmt::Result {
    let mut more = String::new();
    match label.anchor {
        Anchor::Start => {}
        Anchor::Middle => more.push_str(" text-anchor=\"middle\""),
        Anchor::End => more.push_str(" text-anchor=\"end\""),
    }
    if label.size != SIZE {
        let _ = write!(more, " font-size=\"{}\"", n(label.size));
    }
    if label.bold {
        more.push_str(" font-weight=\"700\"");
    }
    if label.color != sheet.theme.ink() {
        let _ = write!(more, " fill=\"{}\"", label.color.hex());
    }
    // Where a viewer takes another font, the text keeps the room that it was laid out for. Of signs that the font lacks nobody knows how
    // wide they are.
    if webfont::has(font::REGULAR, &label.text) {
        let width = font::width(&label.text, label.size, label.bold);
        let _ = write!(
            more,
            " textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\"",
            n(width)
        );
    }
    writeln!(
        out,
        "<text x=\"{}\" y=\"{}\"{more}>{}</text>",
        n(label.at.0),
        n(label.at.1),
        escaped(&label.text)
    )
}
