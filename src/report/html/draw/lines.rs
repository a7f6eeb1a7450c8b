//! Curves with bands.

use serde_json::{Value, json};

use super::axis::{Laid, count};
use super::svg::{Svg, escaped, fitted, n, width};
use super::{CURVES, FONT, Key, Room};
use crate::report::figure::palette::{Marker, marker};
use crate::report::figure::{Dot, Lines, Series, Stroke};

/// A curve of more points has no marks on them and gives the script no more than so many.
const MANY: usize = 160;

struct Frame<'a> {
    x: Laid<'a>,
    y: Laid<'a>,
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Frame<'_> {
    /// Whether the point has a place.
    fn has(&self, d: &Dot) -> bool {
        d.y.is_some_and(|y| self.y.holds(y)) && self.x.holds(d.x)
    }

    fn point(&self, x: f64, y: f64) -> (f64, f64) {
        (
            self.left + self.x.at(x) * self.width,
            self.top + (1.0 - self.y.at(y)) * self.height,
        )
    }
}

/// Both axes. Their ends do not depend on the room, so that the script's points hold for either picture.
fn laid(f: &Lines, room: Room) -> (Laid<'_>, Laid<'_>) {
    let dots = || f.series.iter().flat_map(|s| &s.dots);
    let ends = |d: &Dot| d.band.map_or([None, None], |(a, b)| [Some(a), Some(b)]);
    let ys = dots()
        .flat_map(|d| ends(d).into_iter().chain([d.y]))
        .flatten();
    let xs = dots().filter(|d| d.y.is_some()).map(|d| d.x);
    let most = match room {
        _ if !f.x.categories.is_empty() => 40,
        Room::Wide => 9,
        Room::Narrow => 5,
    };
    (
        Laid::new(&f.x, xs, most, true),
        Laid::new(&f.y, ys, 6, false),
    )
}

pub(super) fn draw(f: &Lines, room: Room) -> (Svg, [f64; 4]) {
    let (x, y) = laid(f, room);
    let wide = room == Room::Wide;
    let marks = y.ticks();
    let left = marks
        .iter()
        .map(|t| width(&t.text, FONT))
        .fold(18.0, f64::max)
        + 12.0;
    let words = !f.x.categories.is_empty();
    let longest =
        f.x.categories
            .iter()
            .map(|c| width(c, FONT))
            .fold(0.0, f64::max);
    let right = if wide { 22.0 } else { 16.0 };
    let plot_width = room.width() - left - right;
    // Words that do not fit side by side lean.
    let leaning = words && longest + 8.0 > plot_width / count(f.x.categories.len().max(1));
    let below = if leaning {
        longest.min(130.0) * 0.64 + 40.0
    } else {
        50.0
    };
    let plot_height = if wide { 300.0 } else { 230.0 };
    let frame = Frame {
        x,
        y,
        left,
        top: 34.0,
        width: plot_width,
        height: plot_height,
    };
    let mut svg = Svg::new(room.width(), frame.top + plot_height + below);
    let labels = Labels { leaning };
    scaffold(&mut svg, &frame, &labels);
    for (i, s) in f.series.iter().enumerate() {
        series(&mut svg, &frame, i, s);
    }
    svg.raw("<g class=\"hover\"></g>");
    let plot = [frame.left, frame.top, frame.width, frame.height];
    (svg, plot)
}

struct Labels {
    leaning: bool,
}

fn scaffold(svg: &mut Svg, frame: &Frame<'_>, labels: &Labels) {
    let (left, top) = (frame.left, frame.top);
    let (right, bottom) = (left + frame.width, top + frame.height);
    svg.open("axes", "");
    svg.text("axis-name", (2.0, 15.0), "start", &frame.y.heading());
    for t in frame.y.ticks() {
        let y = bottom - t.at * frame.height;
        svg.line("grid", (left, y), (right, y));
        svg.text("tick", (left - 8.0, y + 4.2), "end", &t.text);
    }
    for t in frame.x.ticks() {
        let x = left + t.at * frame.width;
        svg.line("mark", (x, bottom), (x, bottom + 5.0));
        if labels.leaning {
            svg.raw(&format!(
                "<text class=\"tick\" text-anchor=\"end\" transform=\"translate({} {}) rotate(-38)\">{}</text>",
                n(x + 4.0),
                n(bottom + 16.0),
                escaped(&fitted(&t.text, FONT, 130.0))
            ));
        } else {
            svg.centred("tick", (x, bottom + 20.0), &t.text);
        }
    }
    svg.line("base", (left, bottom), (right, bottom));
    svg.text(
        "axis-name",
        (right, svg.size.1 - 6.0),
        "end",
        &frame.x.heading(),
    );
    svg.close();
}

fn series(svg: &mut Svg, frame: &Frame<'_>, index: usize, s: &Series) {
    let reference = s.stroke == Stroke::Reference;
    let color = if reference {
        "ref".to_owned()
    } else {
        format!("c{}", s.number % CURVES)
    };
    svg.open(
        &format!("series s{index} {color} d{}", s.number % CURVES),
        "",
    );
    let band = band(frame, s);
    if !band.is_empty() {
        svg.path("band", &band, "");
    }
    let line = line(frame, s);
    if !line.is_empty() {
        svg.path(if reference { "reference" } else { "line" }, &line, &s.name);
    }
    let marked = s.stroke == Stroke::Marked && s.dots.len() <= MANY;
    for (i, d) in s.dots.iter().enumerate() {
        let Some(y) = d.y.filter(|y| frame.y.holds(*y)) else {
            continue;
        };
        let alone = |j: Option<usize>| j.and_then(|j| s.dots.get(j)).is_none_or(|d| !frame.has(d));
        if marked || (alone(i.checked_sub(1)) && alone(Some(i + 1))) {
            let title = format!(
                "{}, {}: {}",
                s.name,
                frame.x.text(d.x),
                reading(frame, d, y)
            );
            let (class, path) = mark(s.number, frame.point(d.x, y));
            svg.path(class, &path, &title);
        }
    }
    svg.close();
}

/// A value with its interval.
fn reading(frame: &Frame<'_>, d: &Dot, y: f64) -> String {
    match d.band {
        Some((low, high)) => {
            format!(
                "{} ({} to {})",
                frame.y.text(y),
                frame.y.text(low),
                frame.y.text(high)
            )
        }
        None => frame.y.text(y),
    }
}

/// The parts of a curve without gaps.
fn parts<'a>(frame: &'a Frame<'_>, s: &'a Series) -> impl Iterator<Item = &'a [Dot]> {
    s.dots.split(|d| !frame.has(d)).filter(|p| !p.is_empty())
}

fn line(frame: &Frame<'_>, s: &Series) -> String {
    let mut d = String::new();
    for part in parts(frame, s).filter(|p| p.len() > 1) {
        for (i, dot) in part.iter().enumerate() {
            let (x, y) = frame.point(dot.x, dot.y.unwrap_or_default());
            if i == 0 {
                d += &format!("M{} {}", n(x), n(y));
            } else if s.stroke == Stroke::Steps {
                d += &format!("H{}V{}", n(x), n(y));
            } else {
                d += &format!("L{} {}", n(x), n(y));
            }
        }
    }
    d
}

fn band(frame: &Frame<'_>, s: &Series) -> String {
    let mut d = String::new();
    for part in parts(frame, s) {
        let ends: Vec<(f64, f64, f64)> = part
            .iter()
            .filter_map(|d| d.band.map(|(a, b)| (d.x, a, b)))
            .collect();
        if ends.len() < 2 {
            continue;
        }
        let upper = ends.iter().map(|&(x, _, b)| frame.point(x, b));
        let lower = ends.iter().rev().map(|&(x, a, _)| frame.point(x, a));
        for (i, (x, y)) in upper.chain(lower).enumerate() {
            d += &format!("{}{} {}", if i == 0 { "M" } else { "L" }, n(x), n(y));
        }
        d.push('Z');
    }
    d
}

/// A mark whose shape tells the curve apart without its colour: the class, and the path.
fn mark(number: usize, (x, y): (f64, f64)) -> (&'static str, String) {
    let p = |dx: f64, dy: f64| format!("{} {}", n(x + dx), n(y + dy));
    let polygon = |corners: &[(f64, f64)]| {
        let all: Vec<String> = corners.iter().map(|&(a, b)| p(a, b)).collect();
        format!("M{}Z", all.join("L"))
    };
    let circle = || format!("M{}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z", p(-4.0, 0.0));
    let square = || polygon(&[(-3.6, -3.6), (3.6, -3.6), (3.6, 3.6), (-3.6, 3.6)]);
    match marker(number) {
        Marker::Circle => ("dot", circle()),
        Marker::Square => ("dot", square()),
        Marker::Triangle => ("dot", polygon(&[(0.0, -4.8), (4.6, 3.6), (-4.6, 3.6)])),
        Marker::Diamond => (
            "dot",
            polygon(&[(0.0, -5.0), (5.0, 0.0), (0.0, 5.0), (-5.0, 0.0)]),
        ),
        Marker::Ring => ("dot open", circle()),
        Marker::Box => ("dot open", square()),
        Marker::Down => ("dot", polygon(&[(0.0, 4.8), (4.6, -3.6), (-4.6, -3.6)])),
        Marker::Cross => (
            "dot open",
            format!(
                "M{}L{}M{}L{}",
                p(-4.0, -4.0),
                p(4.0, 4.0),
                p(-4.0, 4.0),
                p(4.0, -4.0)
            ),
        ),
    }
}

pub(super) fn legend(f: &Lines) -> Vec<Key> {
    let keys = f.series.iter().enumerate().map(|(i, s)| {
        let class = if s.stroke == Stroke::Reference {
            "ref".to_owned()
        } else {
            format!("c{} d{}", s.number % CURVES, s.number % CURVES)
        };
        let line = if s.stroke == Stroke::Reference { "reference" } else { "line" };
        let mark = if s.stroke == Stroke::Marked {
            let (class, path) = mark(s.number, (14.0, 7.0));
            format!("<path class=\"{class}\" d=\"{path}\"/>")
        } else {
            String::new()
        };
        Key {
            name: s.name.clone(),
            series: i,
            sample: format!(
                "<svg class=\"key\" viewBox=\"0 0 28 14\" aria-hidden=\"true\"><g class=\"{class}\"><path class=\"{line}\" d=\"M1 7H27\"/>{mark}</g></svg>"
            ),
        }
    });
    keys.collect()
}

/// For each curve its points: across and up between 0 and 1, and both as texts.
pub(super) fn points(f: &Lines) -> Value {
    let (x, y) = laid(f, Room::Wide);
    let round = |v: f64| libm::round(v * 1e4) / 1e4;
    let curves = f.series.iter().map(|s| {
        let every = s.dots.len().div_ceil(MANY).max(1);
        let dots = s
            .dots
            .iter()
            .enumerate()
            .filter(|(i, _)| i % every == 0 || i + 1 == s.dots.len());
        let points: Vec<Value> = dots
            .filter_map(|(_, d)| {
                let v = d.y.filter(|v| y.holds(*v))?;
                let mut text = y.text(v);
                if let Some((low, high)) = d.band {
                    text += &format!(" ({} to {})", y.text(low), y.text(high));
                }
                Some(json!([round(x.at(d.x)), round(y.at(v)), x.text(d.x), text]))
            })
            .collect();
        json!({ "n": s.name, "d": points })
    });
    json!({ "x": f.x.label, "s": curves.collect::<Vec<Value>>() })
}
