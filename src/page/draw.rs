//! Figures in the page: each is drawn twice, wide and for a phone, so that texts are readable on both, with the data that the script needs
//! to show values under the pointer.

use serde_json::{Value, json};

use super::PageLegendEntry;
use crate::charts::drawing;
use crate::charts::drawing::sheet::{HoverReading, Rect, Sheet};
use crate::charts::drawing::svg::{Colors, escaped, n, shapes};
use crate::charts::drawing::webfont::Signs;
use crate::charts::drawing::{Medium, keys};
use crate::charts::figure::{Body, Figure, LinePlot};

/// Class and width of the two pictures.
const PICTURES: [(&str, f64); 2] = [("wide", 840.0), ("narrow", 340.0)];

/// Kind of a figure: `lines`, `stack`, `heat` or `gantt`.
pub(super) fn kind(body: &Body) -> &'static str {
    match body {
        Body::Lines(_) => "lines",
        Body::Stack(_) => "stack",
        Body::Heat(_) => "heat",
        Body::Gantt(_) => "gantt",
    }
}

/// The pictures for wide and narrow pages, and the points of curves for the script. `id` is the figure's anchor in the page; the characters
/// of the pictures are added to `signs`.
pub(super) fn pictures(figure: &Figure, id: &str, signs: &mut Signs) -> (String, Option<Value>) {
    let mut out = String::new();
    let mut points = None;
    for (class, width) in PICTURES {
        let medium = Medium {
            width,
            height: (0.0, f64::INFINITY),
            whole: false,
        };
        let sheet = drawing::draw(figure, medium);
        signs.add(&sheet.shapes);
        let Rect { left, top, .. } = sheet.plot;
        let plot = [left, top, sheet.plot.width(), sheet.plot.height()];
        out += &format!(
            "<svg class=\"{class}\" viewBox=\"{}\" data-plot=\"{}\" role=\"img\" aria-labelledby=\"{id}-title {id}-about\">\
             <title>{}</title><desc>{}</desc>\n",
            numbers([0.0, 0.0, sheet.size.0, sheet.size.1]),
            numbers(plot),
            escaped(&figure.title),
            escaped(&figure.subtitle),
        );
        shapes(&mut out, &sheet.shapes, Colors::ByClass);
        // The point under the pointer is marked here.
        out += "<g class=\"hover\"></g></svg>\n";
        if let Body::Lines(lines) = &figure.body {
            points = Some(read(lines, &sheet.readings));
        }
    }
    (out, points)
}

fn numbers(all: [f64; 4]) -> String {
    all.map(n).join(" ")
}

/// The points of each curve: horizontal and vertical position between 0 and 1, whatever the picture's width, and both as texts.
fn read(lines: &LinePlot, readings: &[Vec<HoverReading>]) -> Value {
    let round = |v: f64| libm::round(v * 1e4) / 1e4;
    let point = |r: &HoverReading| {
        let [x, y] = &r.texts;
        json!([round(r.at.0), round(r.at.1), x, y])
    };
    let curves = lines.series.iter().zip(readings).map(|(s, readings)| {
        let points: Vec<Value> = readings.iter().map(point).collect();
        json!({ "n": s.name, "d": points })
    });
    json!({ "x": lines.x.label, "s": curves.collect::<Vec<Value>>() })
}

/// The legend; empty if there is nothing to distinguish.
pub(super) fn legend(body: &Body) -> Vec<PageLegendEntry> {
    let key = |k: drawing::LegendEntry| {
        let (right, bottom) = k.sample.size();
        let mut sheet = Sheet::new((right, bottom));
        let room = Rect {
            right,
            bottom,
            ..Rect::default()
        };
        k.sample.draw(&mut sheet, room);
        let view = numbers([0.0, -1.0, right, bottom + 2.0]);
        let mut sample = format!(
            "<svg class=\"key\" viewBox=\"{view}\" width=\"{}\" aria-hidden=\"true\">",
            n(right)
        );
        shapes(&mut sample, &sheet.shapes, Colors::ByClass);
        let series: Vec<String> = k.series.iter().map(usize::to_string).collect();
        PageLegendEntry {
            name: k.text,
            bold: k.bold,
            series: series.join(" "),
            sample: sample + "</svg>",
        }
    };
    keys(body).into_iter().map(key).collect()
}
