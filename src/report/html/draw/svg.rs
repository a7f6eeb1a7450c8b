//! SVG as text: well-formed, with short numbers.

use std::fmt::Write as _;

/// A picture under way.
pub(super) struct Svg {
    out: String,
    /// Its width and height.
    pub size: (f64, f64),
}

/// The text as it may stand between tags and in attributes.
pub(in crate::report::html) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Nothing that XML forbids, and no invisible sign that turns what follows around.
            '\t' | '\n' => out.push(c),
            c if c.is_control()
                || ('\u{202a}'..='\u{202e}').contains(&c)
                || ('\u{2066}'..='\u{2069}').contains(&c) =>
            {
                out.push('\u{fffd}');
            }
            c => out.push(c),
        }
    }
    out
}

/// A coordinate.
pub(super) fn n(v: f64) -> String {
    let text = format!("{:.1}", if v.is_finite() { v } else { 0.0 });
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

impl Svg {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self {
            out: String::new(),
            size: (width, height),
        }
    }

    /// Writes as it is.
    pub(super) fn raw(&mut self, text: &str) {
        self.out.push_str(text);
    }

    pub(super) fn open(&mut self, class: &str, attributes: &str) {
        let _ = write!(self.out, "<g class=\"{class}\"{attributes}>");
    }

    pub(super) fn close(&mut self) {
        self.out.push_str("</g>\n");
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let _ = write!(
            self.out,
            "<line class=\"{class}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>",
            n(from.0),
            n(from.1),
            n(to.0),
            n(to.1)
        );
    }

    /// `anchor`: start, middle or end.
    pub(super) fn text(&mut self, class: &str, at: (f64, f64), anchor: &str, text: &str) {
        let _ = write!(
            self.out,
            "<text class=\"{class}\" x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
            n(at.0),
            n(at.1),
            escaped(text)
        );
    }

    /// A text in the middle of `at`, moved so far that the picture does not cut it.
    pub(super) fn centred(&mut self, class: &str, at: (f64, f64), text: &str) {
        let half = width(text, super::FONT) / 2.0 + 1.0;
        let x = at.0.min(self.size.0 - half).max(half);
        self.text(class, (x, at.1), "middle", text);
    }

    pub(super) fn path(&mut self, class: &str, d: &str, title: &str) {
        let _ = write!(
            self.out,
            "<path class=\"{class}\" d=\"{d}\">{}</path>",
            title_of(title)
        );
    }

    /// A rectangle that says what it is; `more`: further attributes.
    pub(super) fn rect(
        &mut self,
        class: &str,
        at: (f64, f64),
        size: (f64, f64),
        more: &str,
        title: &str,
    ) {
        let _ = write!(
            self.out,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{more}>{}</rect>",
            n(at.0),
            n(at.1),
            n(size.0.max(0.4)),
            n(size.1),
            title_of(title)
        );
    }

    /// The whole picture. `plot`: the rectangle of its plot area, for the script.
    pub(super) fn done(
        self,
        class: &str,
        plot: [f64; 4],
        title: &str,
        description: &str,
        labelled_by: &str,
    ) -> String {
        let plot: Vec<String> = plot.into_iter().map(n).collect();
        format!(
            "<svg class=\"{class}\" viewBox=\"0 0 {} {}\" data-plot=\"{}\" role=\"img\" aria-labelledby=\"{labelled_by}\">\
             <title>{}</title><desc>{}</desc>\n{}</svg>",
            n(self.size.0),
            n(self.size.1),
            plot.join(" "),
            escaped(title),
            escaped(description),
            self.out
        )
    }
}

fn title_of(title: &str) -> String {
    if title.is_empty() {
        String::new()
    } else {
        format!("<title>{}</title>", escaped(title))
    }
}

/// Width of a text in a font of this size, as far as one can tell without the font.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let one = |c: char| match c {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | '.' | ',' | ':' | ' ' | '(' | ')' | '-' => 0.39,
        'm' | 'w' | 'M' | 'W' | '%' | '+' => 0.95,
        c if c.is_ascii_uppercase() => 0.7,
        c if c.is_ascii() => 0.635,
        _ => 0.85,
    };
    text.chars().map(one).sum::<f64>() * size
}

/// The text, cut to this width.
pub(super) fn fitted(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        if width(&out, size) + size * 1.4 > room {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}
