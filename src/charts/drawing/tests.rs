//! Tests of what only sheets show: texts lie on the sheet, and not on each other.

use super::sheet::{Label, Shape, Sheet};
use super::{Medium, draw};
use crate::charts::figure::{
    Axis, Body, CurvePoint, Emphasis, Figure, Gantt, GanttRow, GanttSpan, Heat, Layer, LinePlot,
    Measure, Scale, Series, SpanKind, Stack, Stroke,
};
use crate::charts::plot::layout;

fn check(figure: &Figure, sheet: &Sheet) {
    let size = sheet.size;
    let texts: Vec<(&Label, [f64; 4])> = sheet
        .shapes
        .iter()
        .filter_map(|s| match s {
            Shape::Text(l) => Some((l, l.outline())),
            _ => None,
        })
        .collect();
    assert!(texts.len() > 3, "{}: {} texts", figure.name, texts.len());
    for (i, (l, a)) in texts.iter().enumerate() {
        let on = a[0] >= 0.0 && a[1] >= 0.0 && a[2] <= sheet.size.0 && a[3] <= sheet.size.1;
        assert!(on, "{} {size:?}: {l:?} is not on the sheet", figure.name);
        for (m, b) in &texts[..i] {
            let apart = a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
            let (one, other) = (&l.text, &m.text);
            assert!(apart, "{} {size:?}: `{one}` on `{other}`", figure.name);
        }
    }
}

fn axis(label: &str, measure: Measure, scale: Scale, words: usize) -> Axis {
    Axis {
        label: label.into(),
        measure,
        scale,
        categories: (0..words).map(|i| format!("word {i}")).collect(),
    }
}

fn figure(name: &str, body: Body) -> Figure {
    Figure {
        name: name.into(),
        title: "Where the time of asyncio+processes:4:forkserver on 3.14 went over cores and interpreters".into(),
        subtitle: "a long scenario name · 95% intervals over 10 to 100 replications · against sequential at the same point · \
                   6 of 9 strategies: the best and the baseline"
            .into(),
        body,
    }
}

fn all(n: u32) -> Vec<Figure> {
    let many = n as usize;
    let series = (0..many).map(|i| Series {
        name: format!("asyncio+processes:{i}:forkserver on 3.14"),
        number: i,
        role: Emphasis::default(),
        stroke: Stroke::Marked,
        dots: (1..20)
            .map(|x| CurvePoint {
                x: f64::from(x),
                y: Some(f64::from(x * x) * 0.0123),
                band: None,
                flaw: None,
                misses: false,
            })
            .collect(),
    });
    let lines = |x, y| {
        Body::Lines(LinePlot {
            x,
            y,
            series: series.clone().collect(),
            limits: Vec::new(),
        })
    };
    let stack = |layers: usize| {
        Body::Stack(Stack {
            bars: (0..many)
                .map(|i| format!("prefork:{i}(threads:25) on 3.14t").into())
                .collect(),
            value: axis("Share", Measure::Share, Scale::FromZero, 0),
            layers: (0..layers)
                .map(|number| Layer {
                    name: format!("waiting for cause {number}"),
                    number,
                    values: vec![1.0 / layers as f64; many],
                })
                .collect(),
            bands: Vec::new(),
            limits: Vec::new(),
            reference: (layers == 1).then(|| (0.9, "sequential on 3.14 (baseline)".into())),
        })
    };
    let span = |i: u32| GanttSpan {
        from: f64::from(i) * 0.01,
        to: f64::from(i) * 0.01 + 0.009,
        kind: 0,
        text: format!("task {i}"),
    };
    vec![
        figure(
            "linear",
            lines(
                axis("Cores", Measure::Number, Scale::Linear, 0),
                axis("Latency", Measure::Seconds, Scale::FromZero, 0),
            ),
        ),
        figure(
            "logarithmic",
            lines(
                axis("Rate", Measure::PerSecond, Scale::Log, 0),
                axis("Latency", Measure::Seconds, Scale::Log, 0),
            ),
        ),
        figure(
            "words",
            lines(
                axis("Interpreter", Measure::Number, Scale::Linear, many + 1),
                axis("Memory", Measure::Bytes, Scale::FromZero, 0),
            ),
        ),
        figure("bars", stack(1)),
        figure("layers", stack(8)),
        figure(
            "heat",
            Body::Heat(Heat {
                x: axis("Cores", Measure::Number, Scale::Linear, many * 4),
                y: axis("Tasks", Measure::Number, Scale::Linear, many * 3),
                value: axis("Makespan", Measure::Seconds, Scale::Log, 0),
                less_is_better: true,
                best: None,
                misses: Vec::new(),
                cells: (0..many * 3)
                    .map(|i| (0..many * 4).map(|j| Some((1 + i * j) as f64)).collect())
                    .collect(),
            }),
        ),
        figure(
            "gantt",
            Body::Gantt(Gantt {
                time: axis("Simulated time", Measure::Seconds, Scale::Linear, 0),
                window: (0.0, 0.1),
                rows: (0..many * 5)
                    .map(|i| GanttRow {
                        group: format!("process {}", i / 4),
                        label: format!("ThreadPoolExecutor-0_{i}"),
                        spans: (0..10).map(span).collect(),
                    })
                    .collect(),
                kinds: vec![SpanKind {
                    name: "running".into(),
                    number: 0,
                }],
            }),
        ),
    ]
}

/// Sizes from the least to the greatest allowed, and some in between.
const SIZES: [(u32, u32); 9] = [
    (320, 320),
    (320, 4096),
    (4096, 320),
    (480, 480),
    (640, 360),
    (700, 450),
    (1600, 500),
    (1920, 1080),
    (4096, 4096),
];

/// Widths of wide and of narrow pages.
const PAGES: [f64; 2] = [840.0, 340.0];

fn of_page(figure: &Figure, width: f64) -> Sheet {
    let medium = Medium {
        width,
        height: (0.0, f64::INFINITY),
        whole: false,
    };
    draw(figure, medium)
}

#[test]
fn texts_stand_apart_and_on_the_sheet() {
    for n in [1, 3, 8, 16] {
        for f in all(n) {
            check(&f, &layout(&f, None).0);
            for width in PAGES {
                check(&f, &of_page(&f, width));
            }
        }
    }
    for n in [2, 6, 8] {
        for f in all(n) {
            for size in SIZES {
                check(&f, &layout(&f, Some(size)).0);
            }
        }
    }
}

/// The page's script has the points of curves once, for both pictures.
#[test]
fn points_stand_at_the_same_shares_whatever_the_width() {
    for f in all(3) {
        let [wide, narrow] = PAGES.map(|width| of_page(&f, width));
        assert_eq!(wide.readings, narrow.readings, "{}", f.name);
        let curves = matches!(f.body, Body::Lines(_));
        assert_eq!(curves, wide.readings.len() == 3, "{}", f.name);
    }
}
