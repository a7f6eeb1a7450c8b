//! Figures as SVG for the page: each twice, wide and for a phone, so that texts are readable on both; with what the script needs to
//! show values under the pointer.

mod axis;
mod gantt;
mod heat;
mod lines;
mod stack;
mod svg;

use serde_json::{Value, json};

pub(super) use axis::text as axis_text;
pub(super) use svg::escaped;

use crate::report::figure::{Body, Figure};

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Wide,
    Narrow,
}

impl Room {
    fn width(self) -> f64 {
        match self {
            Self::Wide => 840.0,
            Self::Narrow => 360.0,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }
}

/// Font size of marks and labels.
const FONT: f64 = 12.5;

/// A figure drawn.
pub(super) struct Drawn {
    /// `lines`, `stack`, `heat` or `gantt`.
    pub kind: &'static str,
    /// The picture for wide and for narrow pages.
    pub pictures: [String; 2],
    /// The legend; empty where there is nothing to tell apart.
    pub legend: Vec<Key>,
    /// Positions and texts of the points of curves, for the script.
    pub points: Value,
}

/// An entry of the legend.
pub(super) struct Key {
    /// Its name.
    pub name: String,
    /// Whether it is what the answer names.
    pub bold: bool,
    /// Numbers of the layers or curves that it stands for: classes `s{number}` in the pictures. None: it explains a sign.
    pub series: Vec<usize>,
    /// A sample, as SVG.
    pub sample: String,
}

impl Key {
    /// An entry that explains a sign, and stands for nothing that could be hidden.
    fn remark(name: String, sample: String) -> Self {
        Self {
            name,
            bold: false,
            series: Vec::new(),
            sample,
        }
    }
}

/// Draws the figure; `id` is its anchor in the page.
pub(super) fn draw(figure: &Figure, id: &str) -> Drawn {
    let label = format!("{id}-title {id}-about");
    let both = |one: &dyn Fn(Room) -> (svg::Svg, [f64; 4])| {
        [Room::Wide, Room::Narrow].map(|room| {
            let (picture, plot) = one(room);
            picture.done(room.class(), plot, &figure.title, &figure.subtitle, &label)
        })
    };
    match &figure.body {
        Body::Lines(f) => Drawn {
            kind: "lines",
            pictures: both(&|room| lines::draw(f, room)),
            legend: lines::legend(f),
            points: lines::points(f),
        },
        Body::Stack(f) => Drawn {
            kind: "stack",
            pictures: both(&|room| stack::draw(f, room)),
            legend: stack::legend(f),
            points: json!(null),
        },
        Body::Heat(f) => Drawn {
            kind: "heat",
            pictures: both(&|room| heat::draw(f, room)),
            legend: Vec::new(),
            points: json!(null),
        },
        Body::Gantt(f) => Drawn {
            kind: "gantt",
            pictures: both(&|room| gantt::draw(f, room)),
            legend: gantt::legend(f),
            points: json!(null),
        },
    }
}

/// A sample of a colour.
fn square(number: usize) -> String {
    format!(
        "<svg class=\"key\" viewBox=\"0 0 14 14\" aria-hidden=\"true\"><rect class=\"fill l{}\" x=\"1\" y=\"1\" width=\"12\" height=\"12\" rx=\"2\"/></svg>",
        number % LAYERS
    )
}

/// So many colours of curves there are.
pub(super) const CURVES: usize = 8;
/// So many colours of layers there are.
pub(super) const LAYERS: usize = 13;
