//! Stacked bars, lying, so that their names can be read.

use super::axis::{Laid, count};
use super::svg::{Svg, fitted, n, width};
use super::{FONT, Key, LAYERS, Room, square};
use crate::report::figure::palette::OTHER;
use crate::report::figure::stripes::stripes;
use crate::report::figure::{BarKind, MISSES, Measure, Stack};

/// Layers of a bar: where each begins and ends.
fn ends(f: &Stack, bar: usize) -> Vec<(f64, f64)> {
    let mut at = 0.0;
    f.layers
        .iter()
        .map(|l| {
            let v = l
                .values
                .get(bar)
                .copied()
                .filter(|v| v.is_finite())
                .unwrap_or(0.0);
            let from = at;
            at += v.max(0.0);
            (from, at)
        })
        .collect()
}

fn whole(f: &Stack, bar: usize) -> f64 {
    ends(f, bar).last().map_or(0.0, |e| e.1)
}

pub(super) fn draw(f: &Stack, room: Room) -> (Svg, [f64; 4]) {
    let wide = room == Room::Wide;
    let names: Vec<String> = f.bars.iter().map(|b| b.label()).collect();
    // Bold ones are a little wider.
    let longest = names
        .iter()
        .map(|b| width(b, FONT) * 1.08)
        .fold(0.0, f64::max);
    let told = !f.kinds().is_empty();
    let left = if wide {
        (longest + 14.0).min(330.0)
    } else {
        4.0
    };
    let single = f.layers.len() == 1;
    let right = if single { 112.0 } else { 16.0 };
    let (row, bar) = if wide { (30.0, 20.0) } else { (42.0, 18.0) };
    let plot = [
        left,
        8.0,
        room.width() - left - right,
        row * count(f.bars.len()),
    ];
    let reference = f.reference.as_ref().map(|(v, _)| *v);
    let bands = f.bands.iter().flatten().flat_map(|(a, b)| [*a, *b]);
    let wanted = f.wanted().into_iter().filter(|w| w.1);
    let near: Vec<f64> = wanted.map(|w| w.0.value).collect();
    let values = (0..f.bars.len())
        .map(|i| whole(f, i))
        .chain(reference)
        .chain(near.iter().copied())
        .chain(bands);
    let axis = Laid::new(&f.value, values, if wide { 7 } else { 4 }, false);
    let below = if f.reference.is_some() { 66.0 } else { 48.0 };
    let mut svg = Svg::new(room.width(), plot[1] + plot[3] + below);
    scaffold(&mut svg, &axis, plot);
    let mut places = Vec::with_capacity(f.bars.len());
    for (i, (bar_of, name)) in f.bars.iter().zip(&names).enumerate() {
        let class = if bar_of.role.leads() {
            "label leads"
        } else {
            "label"
        };
        let top = plot[1] + row * count(i);
        let at = if wide {
            top + (row - bar) / 2.0
        } else {
            top + row - bar - 3.0
        };
        let place = [plot[0], at, plot[2], bar];
        one(&mut svg, f, i, &axis, (told, place));
        places.push((place, class, name));
        if wide {
            let room = left - 14.0;
            let label = fitted(
                name,
                FONT,
                if bar_of.role.leads() {
                    room / 1.08
                } else {
                    room
                },
            );
            svg.text(class, (left - 10.0, at + bar / 2.0 + 4.4), "end", &label);
        }
    }
    for value in near {
        let x = plot[0] + axis.at(value) * plot[2];
        svg.line("limit", (x, plot[1]), (x, plot[1] + plot[3]));
    }
    if let Some((value, name)) = &f.reference {
        let x = plot[0] + axis.at(*value) * plot[2];
        let bottom = plot[1] + plot[3];
        svg.line("reference", (x, plot[1]), (x, bottom));
        let anchor = if axis.at(*value) < 0.5 {
            "start"
        } else {
            "end"
        };
        svg.text(
            "tick",
            (x, svg.size.1 - 24.0),
            anchor,
            &fitted(&format!("┆ {name}"), FONT, plot[2] * 0.8),
        );
    }
    // Above the lines across, which would run through them.
    for (i, (place, class, name)) in places.into_iter().enumerate() {
        if !wide {
            let name = fitted(name, FONT, (room.width() - 8.0) / 1.08);
            svg.text(class, (place[0], place[1] - 5.0), "start", &name);
        }
        end(&mut svg, f, i, &axis, place);
    }
    (svg, plot)
}

fn scaffold(svg: &mut Svg, axis: &Laid<'_>, plot: [f64; 4]) {
    let bottom = plot[1] + plot[3];
    svg.open("axes", "");
    for t in axis.ticks() {
        let x = plot[0] + t.at * plot[2];
        svg.line("grid", (x, plot[1]), (x, bottom));
        svg.centred("tick", (x, bottom + 18.0), &t.text);
    }
    svg.line("base", (plot[0], plot[1]), (plot[0], bottom));
    svg.text(
        "axis-name",
        (plot[0] + plot[2], svg.size.1 - 6.0),
        "end",
        &axis.heading(),
    );
    svg.close();
}

/// A bar in its place: left end, top, width of the whole axis, height; `told`: there are kinds of bars to be told apart.
fn one(
    svg: &mut Svg,
    f: &Stack,
    i: usize,
    axis: &Laid<'_>,
    (told, [left, top, room, height]): (bool, [f64; 4]),
) {
    let zero = axis.at(0.0).clamp(0.0, 1.0);
    let x = |v: f64| left + axis.at(v).clamp(zero, 1.0) * room;
    let single = f.layers.len() == 1;
    let band = f.bands.get(i).copied().flatten();
    for (k, (layer, (from, to))) in f.layers.iter().zip(ends(f, i)).enumerate() {
        if to <= from {
            continue;
        }
        let value = axis.text(to - from);
        let interval = band
            .filter(|_| single)
            .map_or(String::new(), |(low, high)| {
                format!(" ({} to {})", axis.text(low), axis.text(high))
            });
        let title = if single {
            let misses = if f.bars[i].misses {
                format!("; {MISSES}")
            } else {
                String::new()
            };
            format!("{}: {value}{interval}{misses}", f.bars[i].name)
        } else {
            format!("{}: {value} {}", f.bars[i].name, layer.name)
        };
        let (a, b) = (x(from), x(to));
        // A single layer means nothing by its colour: the colour of "running" would mislead.
        let color = if single && told {
            kind(f.bars[i].kind())
        } else if single {
            "c0".to_owned()
        } else {
            format!("l{}", layer.number % LAYERS)
        };
        svg.open(&format!("series s{k} {color}"), "");
        let more = format!(" data-row=\"{i}\" data-column=\"{k}\"");
        let striped = single && told && f.bars[i].misses;
        let class = if striped {
            svg.path("stripes", &hatch((a, top), (b, top + height)), "");
            "outline mark-value"
        } else {
            "fill mark-value"
        };
        svg.rect(class, (a, top), (b - a, height), &more, &title);
        let label = if f.value.measure == Measure::Share && !single {
            value
        } else {
            String::new()
        };
        if !label.is_empty() && width(&label, FONT) + 6.0 < b - a {
            svg.text(
                "inside",
                ((a + b) / 2.0, top + height / 2.0 + 4.2),
                "middle",
                &label,
            );
        }
        svg.close();
    }
}

/// The interval at the end of a bar of a single value, and the value behind it.
fn end(svg: &mut Svg, f: &Stack, i: usize, axis: &Laid<'_>, [left, top, room, height]: [f64; 4]) {
    let zero = axis.at(0.0).clamp(0.0, 1.0);
    let x = |v: f64| left + axis.at(v).clamp(zero, 1.0) * room;
    let band = f.bands.get(i).copied().flatten();
    if f.layers.len() == 1 {
        let all = whole(f, i);
        let end = band.map_or(all, |(_, high)| high.max(all));
        let text = if all > 0.0 {
            axis.text(all)
        } else {
            "–".to_owned()
        };
        // An interval too short to be seen would look like a blot.
        if let Some((low, high)) = band.filter(|(low, high)| x(*high) - x(*low) > 3.0) {
            let y = top + height / 2.0;
            svg.line("whisker", (x(low), y), (x(high), y));
            svg.line("whisker", (x(low), y - 4.0), (x(low), y + 4.0));
            svg.line("whisker", (x(high), y - 4.0), (x(high), y + 4.0));
        }
        svg.text(
            "value",
            (x(end) + 7.0, top + height / 2.0 + 4.4),
            "start",
            &text,
        );
    }
}

/// The classes of a bar of a single value: what the answer names in the first curve's colour, all else in grey; what misses an objective
/// striped.
fn kind(kind: BarKind) -> String {
    if kind.other {
        format!("l{OTHER}")
    } else {
        "c0".into()
    }
}

/// Stripes within a rectangle, as a path.
fn hatch(from: (f64, f64), to: (f64, f64)) -> String {
    let line = |[a, b]: [(f64, f64); 2]| format!("M{} {}L{} {}", n(a.0), n(a.1), n(b.0), n(b.1));
    stripes(from, to).into_iter().map(line).collect()
}

pub(super) fn legend(f: &Stack) -> Vec<Key> {
    let layers = f.layers.iter().enumerate().filter(|_| f.layers.len() > 1);
    let mut keys: Vec<Key> = layers
        .map(|(i, l)| Key {
            name: l.name.clone(),
            bold: false,
            series: vec![i],
            sample: square(l.number),
        })
        .collect();
    let nearest = f.bars.iter().any(|b| b.role.nearest);
    for k in f.kinds() {
        let (class, stripes) = if k.misses {
            let path = hatch((1.0, 1.0), (13.0, 13.0));
            ("outline", format!("<path class=\"stripes\" d=\"{path}\"/>"))
        } else {
            ("fill", String::new())
        };
        let sample = format!(
            "<svg class=\"key\" viewBox=\"0 0 14 14\" aria-hidden=\"true\"><g class=\"{}\">{stripes}<rect class=\"{class}\" \
             x=\"1\" y=\"1\" width=\"12\" height=\"12\"/></g></svg>",
            kind(k)
        );
        keys.push(Key::remark(k.words(nearest), sample));
    }
    for (limit, near) in f.wanted() {
        let sample = "<svg class=\"key\" viewBox=\"0 0 28 14\" aria-hidden=\"true\"><line class=\"limit\" x1=\"1\" y1=\"7\" \
                      x2=\"27\" y2=\"7\"/></svg>";
        keys.push(Key::remark(limit.legend(near), sample.into()));
    }
    keys
}
