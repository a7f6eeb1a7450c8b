//! Curves with bands.

use serde_json::{Value, json};

use super::axis::{Laid, count};
use super::svg::{Svg, escaped, fitted, n, width};
use super::{COLORS, FONT, Key, Room};
use crate::report::figure::{Dot, Lines, Series, Stroke};

/// A curve of more points has no marks on them and gives the script no more than so many.
const MANY: usize = 160;

struct Frame {
    x: Laid,
    y: Laid,
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Frame {
    fn point(&self, x: f64, y: f64) -> (f64, f64) {
        (self.left + self.x.at(x) * self.width, self.top + (1.0 - self.y.at(y)) * self.height)
    }
}

fn laid(f: &Lines) -> (Laid, Laid) {
    let dots = || f.series.iter().flat_map(|s| &s.dots);
    let ends = |d: &Dot| d.band.map_or([None, None], |(a, b)| [Some(a), Some(b)]);
    let ys = dots().flat_map(|d| ends(d).into_iter().chain([d.y])).flatten();
    let xs = dots().filter(|d| d.y.is_some()).map(|d| d.x);
    (Laid::new(&f.x, xs), Laid::new(&f.y, ys))
}

pub(super) fn draw(f: &Lines, room: Room) -> (Svg, [f64; 4]) {
    let (x, y) = laid(f);
    let wide = room == Room::Wide;
    let marks = y.ticks(if wide { 6 } else { 5 });
    let left = marks.iter().map(|t| width(&t.text, FONT)).fold(18.0, f64::max) + 12.0;
    let words = !f.x.categories.is_empty();
    let longest = f.x.categories.iter().map(|c| width(c, FONT)).fold(0.0, f64::max);
    let right = if wide { 22.0 } else { 16.0 };
    let plot_width = room.width() - left - right;
    // Words that do not fit side by side lean.
    let leaning = words && longest + 8.0 > plot_width / count(f.x.categories.len().max(1));
    let below = if leaning { longest.min(130.0) * 0.64 + 40.0 } else { 50.0 };
    let plot_height = if wide { 300.0 } else { 230.0 };
    let frame = Frame { x, y, left, top: 34.0, width: plot_width, height: plot_height };
    let mut svg = Svg::new(room.width(), frame.top + plot_height + below);
    let labels = Labels { most: if wide { 9 } else { 5 }, leaning, words };
    scaffold(&mut svg, &frame, &labels);
    for (i, s) in f.series.iter().enumerate() {
        series(&mut svg, &frame, i, s);
    }
    svg.raw("<g class=\"hover\"></g>");
    let plot = [frame.left, frame.top, frame.width, frame.height];
    (svg, plot)
}

struct Labels {
    most: usize,
    leaning: bool,
    words: bool,
}

fn scaffold(svg: &mut Svg, frame: &Frame, labels: &Labels) {
    let (left, top) = (frame.left, frame.top);
    let (right, bottom) = (left + frame.width, top + frame.height);
    svg.open("axes", "");
    svg.text("axis-name", (2.0, 15.0), "start", &frame.y.heading());
    for t in frame.y.ticks(if labels.most > 5 { 6 } else { 5 }) {
        let y = bottom - t.at * frame.height;
        svg.line("grid", (left, y), (right, y));
        svg.text("tick", (left - 8.0, y + 4.2), "end", &t.text);
    }
    let ticks = frame.x.ticks(if labels.words { 40 } else { labels.most });
    for t in ticks {
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
            svg.text("tick", (x, bottom + 20.0), "middle", &t.text);
        }
    }
    svg.line("base", (left, bottom), (right, bottom));
    svg.text("axis-name", (right, svg.size.1 - 6.0), "end", &frame.x.heading());
    svg.close();
}

fn series(svg: &mut Svg, frame: &Frame, index: usize, s: &Series) {
    let reference = s.stroke == Stroke::Reference;
    let color = if reference { "ref".to_owned() } else { format!("c{}", s.number % COLORS) };
    svg.open(&format!("series s{index} {color} d{}", s.number % 6), "");
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
        let Some(y) = d.y.filter(|y| y.is_finite()) else { continue };
        let alone = |j: Option<usize>| {
            j.and_then(|j| s.dots.get(j)).is_none_or(|d| d.y.is_none())
        };
        if marked || (alone(i.checked_sub(1)) && alone(Some(i + 1))) {
            let title = format!("{}, {}: {}", s.name, frame.x.text(d.x), reading(frame, d, y));
            svg.path("dot", &marker(s.number, frame.point(d.x, y)), &title);
        }
    }
    svg.close();
}

/// A value with its interval.
fn reading(frame: &Frame, d: &Dot, y: f64) -> String {
    match d.band {
        Some((low, high)) => {
            format!("{} ({} to {})", frame.y.text(y), frame.y.text(low), frame.y.text(high))
        }
        None => frame.y.text(y),
    }
}

/// The parts of a curve without gaps.
fn parts(s: &Series) -> impl Iterator<Item = Vec<&Dot>> {
    let whole = |d: &Dot| d.y.is_some_and(f64::is_finite);
    s.dots
        .split(move |d| !whole(d))
        .filter(|p| !p.is_empty())
        .map(|p| p.iter().collect())
}

fn line(frame: &Frame, s: &Series) -> String {
    let mut d = String::new();
    for part in parts(s).filter(|p| p.len() > 1) {
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

fn band(frame: &Frame, s: &Series) -> String {
    let mut d = String::new();
    for part in parts(s) {
        let ends: Vec<(f64, f64, f64)> =
            part.iter().filter_map(|d| d.band.map(|(a, b)| (d.x, a, b))).collect();
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

/// A mark whose shape tells the series apart without its colour.
fn marker(number: usize, (x, y): (f64, f64)) -> String {
    let p = |dx: f64, dy: f64| format!("{} {}", n(x + dx), n(y + dy));
    let polygon = |corners: &[(f64, f64)]| {
        let all: Vec<String> = corners.iter().map(|&(a, b)| p(a, b)).collect();
        format!("M{}Z", all.join("L"))
    };
    match number % 6 {
        0 => format!("M{}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z", p(-4.0, 0.0)),
        1 => polygon(&[(-3.6, -3.6), (3.6, -3.6), (3.6, 3.6), (-3.6, 3.6)]),
        2 => polygon(&[(0.0, -4.8), (4.6, 3.6), (-4.6, 3.6)]),
        3 => polygon(&[(0.0, -5.0), (5.0, 0.0), (0.0, 5.0), (-5.0, 0.0)]),
        4 => polygon(&[(0.0, 4.8), (4.6, -3.6), (-4.6, -3.6)]),
        _ => {
            let (a, b) = (1.5, 4.6);
            polygon(&[
                (-a, -b), (a, -b), (a, -a), (b, -a), (b, a), (a, a), (a, b), (-a, b), (-a, a), (-b, a), (-b, -a), (-a, -a),
            ])
        }
    }
}

pub(super) fn legend(f: &Lines) -> Vec<Key> {
    let keys = f.series.iter().enumerate().map(|(i, s)| {
        let class = if s.stroke == Stroke::Reference {
            "ref".to_owned()
        } else {
            format!("c{} d{}", s.number % COLORS, s.number % 6)
        };
        let line = if s.stroke == Stroke::Reference { "reference" } else { "line" };
        let mark = if s.stroke == Stroke::Marked {
            format!("<path class=\"dot\" d=\"{}\"/>", marker(s.number, (14.0, 7.0)))
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
    let (x, y) = laid(f);
    let round = |v: f64| libm::round(v * 1e4) / 1e4;
    let curves = f.series.iter().map(|s| {
        let every = s.dots.len().div_ceil(MANY).max(1);
        let dots = s.dots.iter().enumerate().filter(|(i, _)| i % every == 0 || i + 1 == s.dots.len());
        let points: Vec<Value> = dots
            .filter_map(|(_, d)| {
                let v = d.y.filter(|v| v.is_finite())?;
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
