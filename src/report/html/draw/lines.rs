//! Curves with bands.

use serde_json::{Value, json};

use super::axis::{Laid, count};
use super::svg::{Svg, escaped, fitted, n, width};
use super::{CURVES, FONT, Key, Room};
use crate::report::figure::alike::{Together, beside};
use crate::report::figure::palette::marker;
use crate::report::figure::{Dot, Lines, MISSES, Series, Stroke, lacks_in_words};

/// A curve of more points has no marks on them and gives the script no more than so many.
const MANY: usize = 100;

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
    let wanted = f.wanted().into_iter().filter(|w| w.1);
    let ys = f.values().chain(wanted.map(|w| w.0.value));
    let xs = dots().filter(|d| d.y.is_some() || d.lack.is_some());
    let xs = xs.map(|d| d.x);
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
    for (limit, _) in f.wanted().iter().filter(|w| w.1) {
        let (_, y) = frame.point(0.0, limit.value);
        svg.line("limit", (left, y), (left + plot_width, y));
    }
    // What is compared with lies below what is compared, and what the answer names above all.
    let mut together = f.together();
    together.sort_by_key(|t| {
        let stroke = t.members.first().map(|&i| f.series[i].stroke);
        (stroke != Some(Stroke::Reference), t.role.leads())
    });
    let mut crosses = Vec::new();
    for t in &together {
        series(&mut svg, &frame, f, t, &mut crosses);
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

/// The class that gives a curve its colour.
fn color(s: &Series) -> String {
    if s.stroke == Stroke::Reference {
        "ref".to_owned()
    } else {
        format!("c{}", s.number % CURVES)
    }
}

/// The classes that give a curve its looks: colour, dashes, and what it is to the answer.
fn looks(s: &Series, t: &Together) -> String {
    let dashes = match s.stroke {
        Stroke::Reference => String::new(),
        _ if t.role.leads() => " leads".into(),
        _ if t.role.baseline => " baseline".into(),
        // Marks tell marked curves apart without colour.
        Stroke::Marked => String::new(),
        Stroke::Plain | Stroke::Steps => format!(" d{}", s.number % CURVES),
    };
    color(s) + &dashes
}

/// A line: a curve, or several that coincide, of which the first is drawn.
fn series(
    svg: &mut Svg,
    frame: &Frame<'_>,
    f: &Lines,
    t: &Together,
    crosses: &mut Vec<(f64, f64)>,
) {
    let Some(s) = t.members.first().and_then(|&i| f.series.get(i)) else {
        return;
    };
    let reference = s.stroke == Stroke::Reference;
    let members: Vec<String> = t.members.iter().map(|i| format!("s{i}")).collect();
    svg.open(&format!("series {} {}", members.join(" "), looks(s, t)), "");
    let band = band(frame, s);
    if !band.is_empty() {
        svg.path("band", &band, "");
    }
    let line = line(frame, s);
    if !line.is_empty() {
        svg.path(if reference { "reference" } else { "line" }, &line, &t.name);
    }
    let marked = s.stroke == Stroke::Marked && s.dots.len() <= MANY;
    for (i, d) in s.dots.iter().enumerate() {
        let Some(y) = d.y.filter(|y| frame.y.holds(*y)) else {
            continue;
        };
        let alone = |j: Option<usize>| j.and_then(|j| s.dots.get(j)).is_none_or(|d| !frame.has(d));
        if marked || (alone(i.checked_sub(1)) && alone(Some(i + 1))) {
            let title = format!(
                "{}, {}: {}{}",
                t.name,
                frame.x.text(d.x),
                reading(frame, d, y),
                remark(d)
            );
            let at = frame.point(d.x, y);
            match d.lack {
                Some(_) => svg.path("cross", &cross(at), &title),
                None => {
                    let (class, path) = mark(s.number, at, t.role.leads(), d.misses);
                    svg.path(class, &path, &title);
                }
            }
        }
    }
    ends(svg, frame, f, (s, t), crosses);
    svg.close();
}

/// Where a curve ends, or has a gap, for a reason: a cross at the edge, and a dotted line to it where one knows in which direction the
/// missing value lies. Several at one place stand side by side.
fn ends(
    svg: &mut Svg,
    frame: &Frame<'_>,
    f: &Lines,
    (s, t): (&Series, &Together),
    crosses: &mut Vec<(f64, f64)>,
) {
    let above = f.lacks_above();
    let mut before: Option<(f64, f64)> = None;
    let mut within = false;
    for d in &s.dots {
        if frame.has(d) {
            (before, within) = (d.y.map(|y| frame.point(d.x, y)), false);
            continue;
        }
        // Only where it begins: what follows is known to be no better.
        let Some(lack) = d.lack.filter(|_| frame.x.holds(d.x)) else {
            continue;
        };
        if std::mem::replace(&mut within, true) {
            continue;
        }
        let x = frame.left + frame.x.at(d.x) * frame.width;
        let y = frame.top + if above { 8.0 } else { frame.height - 8.0 };
        let x = beside(x, frame.left + frame.width / 2.0, crosses);
        if above && let Some(from) = before.take() {
            svg.line("to-edge", from, (x, y + 6.0));
        }
        let title = format!("{}, {}: {}", t.name, frame.x.text(d.x), lack.words());
        svg.path("cross", &cross((x, y)), &title);
        crosses.push((x, y));
    }
}

/// What is said of a point behind its value.
fn remark(d: &Dot) -> String {
    match (d.lack, d.misses) {
        (Some(lack), _) => format!("; {}", lack.words()),
        (None, true) => format!("; {MISSES}"),
        (None, false) => String::new(),
    }
}

fn cross((x, y): (f64, f64)) -> String {
    let p = |dx: f64, dy: f64| format!("{} {}", n(x + dx), n(y + dy));
    format!(
        "M{}L{}M{}L{}",
        p(-4.0, -4.0),
        p(4.0, 4.0),
        p(-4.0, 4.0),
        p(4.0, -4.0)
    )
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

/// A mark whose shape tells the curve apart without its colour: the class, and the path. Where an objective is missed it is hollow.
fn mark(number: usize, (x, y): (f64, f64), leads: bool, misses: bool) -> (&'static str, String) {
    let r = if leads { 5.0 } else { 4.0 };
    let class = if misses { "dot open" } else { "dot" };
    let corners = marker(number).corners();
    if corners.is_empty() {
        let path = format!(
            "M{} {}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0Z",
            n(x - r),
            n(y),
            d = 2.0 * r
        );
        return (class, path);
    }
    let all: Vec<String> = corners
        .iter()
        .map(|(dx, dy)| format!("{} {}", n(x + dx * r), n(y + dy * r)))
        .collect();
    (class, format!("M{}Z", all.join("L")))
}

/// A sample of a curve or mark in the legend.
fn sample(class: &str, inner: &str) -> String {
    format!(
        "<svg class=\"key\" viewBox=\"0 0 28 14\" aria-hidden=\"true\"><g class=\"{class}\">{inner}</g></svg>"
    )
}

pub(super) fn legend(f: &Lines) -> Vec<Key> {
    let mut keys = Vec::new();
    for t in f.together() {
        let Some(s) = t.members.first().and_then(|&i| f.series.get(i)) else {
            continue;
        };
        let line = if s.stroke == Stroke::Reference {
            "reference"
        } else {
            "line"
        };
        let mark = if s.stroke == Stroke::Marked {
            let (class, path) = mark(s.number, (14.0, 7.0), t.role.leads(), false);
            format!("<path class=\"{class}\" d=\"{path}\"/>")
        } else {
            String::new()
        };
        let inner = format!("<path class=\"{line}\" d=\"M1 7H27\"/>{mark}");
        keys.push(Key {
            sample: sample(&looks(s, &t), &inner),
            bold: t.role.leads(),
            name: t.name,
            series: t.members,
        });
    }
    for (limit, near) in f.wanted() {
        let line = "<line class=\"limit\" x1=\"1\" y1=\"7\" x2=\"27\" y2=\"7\"/>";
        keys.push(Key::remark(limit.legend(near), sample("ref", line)));
    }
    if f.misses() {
        let (class, path) = mark(0, (14.0, 7.0), false, true);
        let mark = format!("<path class=\"{class}\" d=\"{path}\"/>");
        keys.push(Key::remark(MISSES.into(), sample("ref", &mark)));
    }
    let lacks = f.lacks();
    if !lacks.is_empty() {
        let mark = format!("<path class=\"cross\" d=\"{}\"/>", cross((14.0, 7.0)));
        keys.push(Key::remark(lacks_in_words(&lacks), sample("ref", &mark)));
    }
    keys
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
                text += &remark(d);
                Some(json!([round(x.at(d.x)), round(y.at(v)), x.text(d.x), text]))
            })
            .collect();
        json!({ "n": s.name, "d": points })
    });
    json!({ "x": f.x.label, "s": curves.collect::<Vec<Value>>() })
}
