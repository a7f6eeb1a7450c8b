//! Heat maps: cells over two axes, by steps of one colour, with their values written in where there is room.

use super::axis::{Laid, count};
use super::svg::{Svg, escaped, fitted, n, width};
use super::{FONT, Room};
use crate::report::figure::palette::heat;
use crate::report::figure::{Heat, MISSES};

/// Steps of the key.
const STEPS: usize = 16;

/// How good a value is, 0 to 1.
fn good(laid: &Laid<'_>, v: f64, less_is_better: bool) -> f64 {
    let share = laid.at(v).clamp(0.0, 1.0);
    if less_is_better { 1.0 - share } else { share }
}

/// The colour of a cell and of the text on it.
fn colors(good: f64) -> String {
    let color = heat(good);
    format!(
        " style=\"--c: {}; --t: {}\"",
        color.hex(),
        color.text_on().hex()
    )
}

pub(super) fn draw(f: &Heat, room: Room) -> (Svg, [f64; 4]) {
    let wide = room == Room::Wide;
    let (rows, columns) = (
        f.cells.len(),
        f.cells.iter().map(Vec::len).max().unwrap_or(0),
    );
    let name = |names: &[String], i: usize| names.get(i).cloned().unwrap_or_else(|| i.to_string());
    let longest = |names: &[String]| names.iter().map(|t| width(t, FONT)).fold(10.0, f64::max);
    let left = longest(&f.y.categories).min(if wide { 190.0 } else { 90.0 }) + 12.0;
    let side = (room.width() - left - 8.0) / count(columns.max(1));
    let leaning = longest(&f.x.categories) + 6.0 > side;
    let height = if wide { 34.0 } else { 28.0 };
    let plot = [left, 26.0, side * count(columns), height * count(rows)];
    let under = if leaning {
        longest(&f.x.categories).min(120.0) * 0.64 + 14.0
    } else {
        22.0
    };
    let mut svg = Svg::new(room.width(), plot[1] + plot[3] + under + 58.0);
    let values: Vec<f64> = f
        .cells
        .iter()
        .flatten()
        .flatten()
        .copied()
        .filter(|v| v.is_finite())
        .collect();
    let laid = Laid::new(&f.value, values.iter().copied(), 6, true);
    svg.text(
        "axis-name",
        (2.0, 14.0),
        "start",
        &format!("↓ {}", f.y.label),
    );
    for (r, cells) in f.cells.iter().enumerate() {
        // Rows rise, as values on an axis do.
        let top = plot[1] + plot[3] - height * count(r + 1);
        let label = fitted(&name(&f.y.categories, r), FONT, left - 10.0);
        svg.text(
            "tick",
            (left - 8.0, top + height / 2.0 + 4.4),
            "end",
            &label,
        );
        for (c, value) in cells.iter().enumerate() {
            let at = (left + side * count(c) + 1.0, top + 1.0);
            let place = format!(
                "{} {}, {} {}",
                f.x.label,
                name(&f.x.categories, c),
                f.y.label,
                name(&f.y.categories, r)
            );
            let text = value.filter(|v| v.is_finite()).map(|v| laid.text(v));
            let paint = value
                .filter(|v| laid.holds(*v))
                .map(|v| colors(good(&laid, v, f.less_is_better)));
            let class = if paint.is_some() { "cell" } else { "cell none" };
            svg.open(class, &paint.unwrap_or_default());
            let crossed = f.misses.contains(&(r, c));
            let title = format!(
                "{place}: {}{}",
                text.as_deref().unwrap_or("no value"),
                if crossed {
                    format!(", {MISSES}")
                } else {
                    String::new()
                }
            );
            let more = format!(
                " rx=\"2\" data-row=\"{}\" data-column=\"{c}\"",
                rows - 1 - r
            );
            svg.rect(
                "fill mark-value",
                at,
                (side - 2.0, height - 2.0),
                &more,
                &title,
            );
            if crossed {
                let arm = (side.min(height) * 0.2).clamp(1.5, 6.0);
                let (right, top) = (at.0 + side - 2.0 - arm * 0.7, at.1 + arm * 0.7);
                svg.line("missed", (right - arm, top), (right, top + arm));
                svg.line("missed", (right - arm, top + arm), (right, top));
            }
            let short = text.unwrap_or_else(|| "–".into());
            if width(&short, FONT) + 4.0 < side {
                svg.text(
                    "inside",
                    (at.0 + side / 2.0 - 1.0, at.1 + height / 2.0 + 3.2),
                    "middle",
                    &short,
                );
            }
            svg.close();
        }
    }
    // The one to take is framed, with a line of the background between: it is seen on every colour.
    if let Some((r, c)) = f.best {
        let at = (
            left + side * count(c),
            plot[1] + plot[3] - height * count(r + 1),
        );
        svg.rect("best-frame", at, (side, height), " rx=\"3\"", "");
        svg.rect(
            "best-gap",
            (at.0 + 2.0, at.1 + 2.0),
            (side - 4.0, height - 4.0),
            " rx=\"2\"",
            "",
        );
    }
    let bottom = plot[1] + plot[3];
    for c in 0..columns {
        let x = left + side * (count(c) + 0.5);
        let text = name(&f.x.categories, c);
        if leaning {
            svg.raw(&format!(
                "<text class=\"tick\" text-anchor=\"end\" transform=\"translate({} {}) rotate(-38)\">{}</text>",
                n(x + 4.0),
                n(bottom + 14.0),
                escaped(&fitted(&text, FONT, 120.0))
            ));
        } else {
            svg.text("tick", (x, bottom + 18.0), "middle", &text);
        }
    }
    svg.text(
        "axis-name",
        (left + plot[2], bottom + under + 14.0),
        "end",
        &format!("{} →", f.x.label),
    );
    key(&mut svg, f, &values, &laid);
    (svg, plot)
}

/// What the colours mean.
fn key(svg: &mut Svg, f: &Heat, values: &[f64], laid: &Laid<'_>) {
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| {
            (l.min(v), h.max(v))
        });
    if low > high {
        return;
    }
    let (worst, best) = if f.less_is_better {
        (high, low)
    } else {
        (low, high)
    };
    let y = svg.size.1 - 26.0;
    let text = format!("{}: {}", f.value.label, laid.text(worst));
    let start = 2.0 + width(&text, FONT) + 10.0;
    svg.text("tick", (2.0, y + 11.0), "start", &text);
    let end = format!("{} (best)", laid.text(best));
    let room = svg.size.0 - start - width(&end, FONT) - 12.0;
    let side = (room / count(STEPS)).clamp(1.0, 8.0);
    for i in 0..STEPS {
        svg.open("cell", &colors(count(i) / count(STEPS - 1)));
        svg.rect(
            "key-step",
            (start + side * count(i), y),
            (side + 0.5, 14.0),
            "",
            "",
        );
        svg.close();
    }
    svg.text(
        "tick",
        (start + side * count(STEPS) + 8.0, y + 11.0),
        "start",
        &end,
    );
}
