//! The page's colours, light and dark. Texts reach a contrast of 4.5 to 1, marks 3 to 1 against the card that they lie on; a test says so.

use std::fmt::Write as _;

use super::draw::{CURVES, LAYERS};
use crate::report::figure::palette::{Theme, dash};

/// The colours of one look.
struct Look {
    /// Of the charts' marks.
    theme: Theme,
    /// Name and colour of everything but the charts' marks.
    page: [(&'static str, &'static str); 14],
}

const LIGHT: Look = Look {
    theme: Theme::Light,
    page: [
        ("scheme", "light"),
        ("paper", "#fafaf7"),
        ("card", "#ffffff"),
        ("ink", "#1b1f24"),
        ("soft", "#565e68"),
        ("faint", "#e4e5e1"),
        ("rule", "#c9ccc6"),
        ("accent", "#0b5cad"),
        ("best", "#e9f4ec"),
        ("best-ink", "#14602e"),
        ("warn", "#fff3dc"),
        ("warn-ink", "#7a4a00"),
        ("bad-ink", "#a5231b"),
        ("focus", "#0b5cad"),
    ],
};

const DARK: Look = Look {
    theme: Theme::Dark,
    page: [
        ("scheme", "dark"),
        ("paper", "#14171b"),
        ("card", "#1c2026"),
        ("ink", "#e8eaed"),
        ("soft", "#a9b1bb"),
        ("faint", "#2d333b"),
        ("rule", "#454d58"),
        ("accent", "#7db8f5"),
        ("best", "#1a3124"),
        ("best-ink", "#8fd6a5"),
        ("warn", "#362b16"),
        ("warn-ink", "#f2c879"),
        ("bad-ink", "#ff9a90"),
        ("focus", "#9ccbff"),
    ],
};

/// Rules that set all colours: by the system's wish, by the page's button, and for paper.
pub(super) fn rules() -> String {
    let (light, dark) = (variables(&LIGHT), variables(&DARK));
    let mut out = format!(
        ":root {{{light}}}\n@media (prefers-color-scheme: dark) {{ :root:not([data-theme=\"light\"]) {{{dark}}} }}\n\
         :root[data-theme=\"dark\"] {{{dark}}}\n@media print {{ :root, :root[data-theme] {{{light} --paper: #ffffff;}} }}\n\
         :root {{ color-scheme: var(--scheme); }}\n"
    );
    for i in 0..CURVES {
        let lengths: Vec<String> = dash(i).iter().map(f64::to_string).collect();
        let _ = writeln!(
            out,
            ".c{i} {{ --c: var(--c{i}); --t: var(--u{i}); }} .d{i} .line {{ stroke-dasharray: {}; }}",
            if lengths.is_empty() {
                "none".into()
            } else {
                lengths.join(" ")
            }
        );
    }
    for i in 0..LAYERS {
        let _ = writeln!(out, ".l{i} {{ --c: var(--l{i}); --t: var(--t{i}); }}");
    }
    out.push_str(".none { --c: transparent; --t: var(--soft); }\n");
    out
}

fn variables(look: &Look) -> String {
    let mut out = String::new();
    for (name, color) in look.page {
        let _ = write!(out, " --{name}: {color};");
    }
    for i in 0..CURVES {
        let c = look.theme.series(i);
        let _ = write!(out, " --c{i}: {}; --u{i}: {};", c.hex(), c.text_on().hex());
    }
    for i in 0..LAYERS {
        let c = look.theme.layer(i);
        let _ = write!(out, " --l{i}: {}; --t{i}: {};", c.hex(), c.text_on().hex());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figure::palette::{self, Rgb};

    fn rgb(hex: &str) -> Rgb {
        let byte = |i: usize| u8::from_str_radix(&hex[i..i + 2], 16).unwrap();
        Rgb(byte(1), byte(3), byte(5))
    }

    fn contrast(a: &str, b: &str) -> f64 {
        palette::contrast(rgb(a), rgb(b))
    }

    #[test]
    fn everything_can_be_read() {
        for look in [&LIGHT, &DARK] {
            let of = |name: &str| look.page.iter().find(|(n, _)| *n == name).unwrap().1;
            for ground in ["paper", "card", "best"] {
                for ink in ["ink", "soft", "accent", "best-ink"] {
                    let c = contrast(of(ink), of(ground));
                    assert!(c >= 4.5, "{ink} on {ground}: {c:.2}");
                }
            }
            for (ink, ground) in [
                ("warn-ink", "warn"),
                ("ink", "warn"),
                ("bad-ink", "paper"),
                ("warn-ink", "paper"),
                ("paper", "ink"),
            ] {
                let c = contrast(of(ink), of(ground));
                assert!(c >= 4.5, "{ink} on {ground}: {c:.2}");
            }
            for i in 0..LAYERS {
                for color in [look.theme.series(i), look.theme.layer(i)] {
                    let c = palette::contrast(color, rgb(of("card")));
                    assert!(c >= 3.0, "mark {}: {c:.2}", color.hex());
                }
            }
        }
    }
}
