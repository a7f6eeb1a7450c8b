//! The colours of the page, light and dark. Texts have a contrast of at least 4.5 to 1, marks 3 to 1, with the card below them; a test
//! checks it.

use std::fmt::Write as _;

use crate::charts::drawing::sheet::Paint;
use crate::charts::drawing::svg::class;
use crate::charts::figure::palette::{CURVES, LAYERS, Theme};

/// The colours of one look.
struct ColorScheme {
    /// Theme of the charts' marks.
    theme: Theme,
    /// Name and colour of everything but the charts' lines and marks.
    page: [(&'static str, &'static str); 14],
}

const LIGHT: ColorScheme = ColorScheme {
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

const DARK: ColorScheme = ColorScheme {
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

/// Style rules that set all colours: by the system's preference, by the page's button, and for paper.
pub(super) fn rules() -> String {
    let (light, dark) = (variables(&LIGHT), variables(&DARK));
    let mut out = format!(
        ":root {{{light}}}\n@media (prefers-color-scheme: dark) {{ :root:not([data-theme=\"light\"]) {{{dark}}} }}\n\
         :root[data-theme=\"dark\"] {{{dark}}}\n@media print {{ :root, :root[data-theme] {{{light} --paper: #ffffff;}} }}\n\
         :root {{ color-scheme: var(--scheme); }}\n"
    );
    for (paint, color) in paints() {
        let _ = writeln!(out, ".{} {{ --c: var(--{color}); }}", class(paint));
    }
    out
}

/// The kinds of shapes, with the page's names for their colours.
fn paints() -> impl Iterator<Item = (Paint, String)> {
    let of_page = [
        (Paint::Ground, "card"),
        (Paint::Ink, "ink"),
        (Paint::Quiet, "soft"),
    ];
    let of_page = of_page.map(|(paint, name)| (paint, name.to_owned()));
    of_page
        .into_iter()
        .chain(drawn().map(|p| (p, format!("p-{}", class(p)))))
}

/// The kinds of shapes that have colours of their own.
fn drawn() -> impl Iterator<Item = Paint> {
    let lines = [Paint::Frame, Paint::Grid, Paint::Reference].into_iter();
    let layers = (0..LAYERS).flat_map(|n| [Paint::Layer(n), Paint::OnLayer(n)]);
    lines.chain((0..CURVES).map(Paint::Curve)).chain(layers)
}

fn variables(look: &ColorScheme) -> String {
    let mut out = String::new();
    for (name, color) in look.page {
        let _ = write!(out, " --{name}: {color};");
    }
    for paint in drawn() {
        let color = paint.color(look.theme).hex();
        let _ = write!(out, " --p-{}: {color};", class(paint));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::figure::palette;
    use crate::charts::figure::palette::Rgb;

    fn rgb(hex: &str) -> Rgb {
        let byte = |i: usize| u8::from_str_radix(&hex[i..i + 2], 16).unwrap();
        Rgb(byte(1), byte(3), byte(5))
    }

    fn contrast(a: &str, b: &str) -> f64 {
        palette::contrast(rgb(a), rgb(b))
    }

    #[test]
    fn every_paint_has_its_rule_in_both_looks() {
        let rules = rules();
        let layers = (0..20).flat_map(|n| [Paint::Layer(n), Paint::OnLayer(n)]);
        let plain = [
            Paint::Ground,
            Paint::Ink,
            Paint::Quiet,
            Paint::Frame,
            Paint::Grid,
            Paint::Reference,
        ];
        let curves = (0..20).map(Paint::Curve);
        for paint in plain.into_iter().chain(curves).chain(layers) {
            let rule = format!("\n.{} {{ --c: var(", class(paint));
            let at = rules.find(&rule).expect(&rule) + rule.len();
            let name = rules[at..].split(')').next().unwrap();
            // By the system's preference, by the button, and on paper.
            assert!(rules.matches(&format!("{name}: #")).count() >= 4, "{name}");
        }
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
