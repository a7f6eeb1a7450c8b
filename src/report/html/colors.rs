//! The page's colours, light and dark. Texts reach a contrast of 4.5 to 1, marks 3 to 1 against the card that they lie on; a test says so.

use std::fmt::Write as _;

use super::draw::COLORS;

/// The colours of one look.
struct Look {
    /// Name and colour of everything but the charts' marks.
    page: [(&'static str, &'static str); 14],
    /// Of curves and layers by their numbers; told apart by the colour-blind as well, as far as twelve colours can be (dashes, markers
    /// and texts tell the rest).
    marks: [&'static str; COLORS],
    /// Steps of heat maps, the last for the best.
    heat: [&'static str; 8],
}

const LIGHT: Look = Look {
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
    marks: [
        "#0067b1", "#cc7400", "#c8401f", "#b5529b", "#00805f", "#2793cf", "#7a5bb5", "#7b5230",
        "#87909a", "#31485c", "#8a7d00", "#d6517d",
    ],
    heat: [
        "#eaf1f8", "#d3e2f0", "#b4cfe7", "#8db8dc", "#629ccc", "#2f73b0", "#1c5994", "#0c3f73",
    ],
};

const DARK: Look = Look {
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
    marks: [
        "#5aa9e6", "#f0a940", "#f2764f", "#dd8fc9", "#3fc79a", "#9bd8fb", "#b39ce8", "#c69b72",
        "#8d97a3", "#7391ad", "#cfc04a", "#f58fb0",
    ],
    heat: [
        "#20303f", "#26415a", "#2a5176", "#2f6390", "#5c9bcb", "#7db3db", "#a0cbe9", "#c9e3f5",
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
    for i in 0..COLORS {
        let _ = writeln!(out, ".c{i} {{ --c: var(--c{i}); --t: var(--t{i}); }}");
    }
    for i in 0..LIGHT.heat.len() {
        let _ = writeln!(out, ".h{i} {{ --c: var(--h{i}); --t: var(--g{i}); }}");
    }
    out.push_str(".none { --c: transparent; --t: var(--soft); }\n");
    out
}

fn variables(look: &Look) -> String {
    let mut out = String::new();
    for (name, color) in look.page {
        let _ = write!(out, " --{name}: {color};");
    }
    for (i, c) in look.marks.iter().enumerate() {
        let _ = write!(out, " --c{i}: {c}; --t{i}: {};", on(c));
    }
    for (i, c) in look.heat.iter().enumerate() {
        let _ = write!(out, " --h{i}: {c}; --g{i}: {};", on(c));
    }
    out
}

/// Black or white, whichever is read better on the colour.
fn on(color: &str) -> &'static str {
    if contrast("#ffffff", color) >= contrast("#111111", color) {
        "#ffffff"
    } else {
        "#111111"
    }
}

/// Relative luminance as the WCAG define it, of `#rrggbb`.
fn luminance(color: &str) -> f64 {
    let part = |i: usize| {
        let digits = color.get(i..i + 2).unwrap_or("00");
        let c = f64::from(u8::from_str_radix(digits, 16).unwrap_or(0)) / 255.0;
        if c <= 0.040_45 {
            c / 12.92
        } else {
            libm::pow((c + 0.055) / 1.055, 2.4)
        }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            for color in look.marks {
                let c = contrast(color, of("card"));
                assert!(c >= 3.0, "mark {color}: {c:.2}");
            }
            for color in look.marks.iter().chain(&look.heat) {
                let c = contrast(on(color), color);
                assert!(c >= 4.5, "text on {color}: {c:.2}");
            }
        }
    }
}
