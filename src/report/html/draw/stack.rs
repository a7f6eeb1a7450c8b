//! Stacked bars, lying, so that their names can be read.

use super::axis::{Laid, count};
use super::svg::{Svg, fitted, width};
use super::{FONT, Key, LAYERS, Room, square};
use crate::report::figure::{Measure, Stack};

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
    let longest = f.bars.iter().map(|b| width(b, FONT)).fold(0.0, f64::max);
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
    let values = (0..f.bars.len())
        .map(|i| whole(f, i))
        .chain(reference)
        .chain(bands);
    let axis = Laid::new(&f.value, values, if wide { 7 } else { 4 }, false);
    let below = if f.reference.is_some() { 66.0 } else { 48.0 };
    let mut svg = Svg::new(room.width(), plot[1] + plot[3] + below);
    scaffold(&mut svg, &axis, plot);
    for (i, name) in f.bars.iter().enumerate() {
        let top = plot[1] + row * count(i);
        let at = if wide {
            top + (row - bar) / 2.0
        } else {
            top + row - bar - 3.0
        };
        if wide {
            let label = fitted(name, FONT, left - 14.0);
            svg.text("label", (left - 10.0, at + bar / 2.0 + 4.4), "end", &label);
        } else {
            svg.text(
                "label",
                (plot[0], at - 5.0),
                "start",
                &fitted(name, FONT, room.width() - 8.0),
            );
        }
        one(&mut svg, f, i, &axis, [plot[0], at, plot[2], bar]);
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

/// A bar in its place: left end, top, width of the whole axis, height.
fn one(svg: &mut Svg, f: &Stack, i: usize, axis: &Laid<'_>, [left, top, room, height]: [f64; 4]) {
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
            format!("{}: {value}{interval}", f.bars[i])
        } else {
            format!("{}: {value} {}", f.bars[i], layer.name)
        };
        let (a, b) = (x(from), x(to));
        // A single layer means nothing by its colour: the colour of "running" would mislead.
        let color = if single {
            "c0".to_owned()
        } else {
            format!("l{}", layer.number % LAYERS)
        };
        svg.open(&format!("series s{k} {color}"), "");
        let more = format!(" data-row=\"{i}\" data-column=\"{k}\"");
        svg.rect("fill mark-value", (a, top), (b - a, height), &more, &title);
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
    if single {
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

pub(super) fn legend(f: &Stack) -> Vec<Key> {
    if f.layers.len() < 2 {
        return Vec::new();
    }
    let keys = f.layers.iter().enumerate();
    keys.map(|(i, l)| Key {
        name: l.name.clone(),
        series: i,
        sample: square(l.number),
    })
    .collect()
}
