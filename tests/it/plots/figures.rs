//! A figure of each kind, small, with what is awkward about it: gaps, references, layers that vanish.

use pchsim::charts::figure::{
    Axis, Bar, Body, CurvePoint, Emphasis, Figure, Gantt, GanttRow, GanttSpan, Heat, Layer,
    LinePlot, Measure, PointFlaw, ReferenceLine, Scale, Series, SpanKind, Stack, Stroke,
};

pub(crate) fn axis(label: &str, measure: Measure, scale: Scale) -> Axis {
    Axis {
        label: label.into(),
        measure,
        scale,
        categories: Vec::new(),
    }
}

pub(crate) fn words(label: &str, categories: &[&str]) -> Axis {
    Axis {
        categories: categories.iter().map(|c| (*c).to_owned()).collect(),
        ..axis(label, Measure::Number, Scale::Linear)
    }
}

pub(crate) fn figure(name: &str, body: Body) -> Figure {
    Figure {
        name: name.into(),
        title: format!("A figure of {name} <&>"),
        subtitle: "scraper · 4 cores · 95% intervals over 10 replications".into(),
        body,
    }
}

/// A curve through (x, y) with intervals of a tenth.
pub(crate) fn series(name: &str, number: usize, stroke: Stroke, points: &[(f64, f64)]) -> Series {
    Series {
        name: name.into(),
        number,
        role: Emphasis::default(),
        stroke,
        dots: points
            .iter()
            .map(|&(x, y)| CurvePoint {
                x,
                y: (!y.is_nan()).then_some(y),
                band: (stroke == Stroke::Marked).then_some((y * 0.9, y * 1.1)),
                flaw: None,
                misses: false,
            })
            .collect(),
    }
}

pub(crate) fn lines(name: &str, x: Axis, y: Axis, series: Vec<Series>) -> Figure {
    figure(
        name,
        Body::Lines(LinePlot {
            x,
            y,
            series,
            limits: Vec::new(),
        }),
    )
}

pub(crate) fn curves_with_a_gap_and_a_reference() -> Figure {
    lines(
        "sweep",
        axis("Cores", Measure::Number, Scale::Log2),
        axis("Speed-up", Measure::Factor, Scale::FromZero),
        vec![
            series(
                "threads:8 on 3.14t",
                0,
                Stroke::Marked,
                &[(1.0, 0.9), (2.0, 1.8), (4.0, 3.2), (8.0, 4.1)],
            ),
            series(
                "processes:4:fork on 3.14",
                1,
                Stroke::Marked,
                &[(1.0, 0.8), (2.0, f64::NAN), (4.0, 2.9), (8.0, 3.0)],
            ),
            series(
                "ideal",
                0,
                Stroke::Reference,
                &[(1.0, 1.0), (2.0, 2.0), (4.0, 4.0), (8.0, 8.0)],
            ),
        ],
    )
}

/// Everything that tells curves and points apart: the best, the baseline, what misses an objective, what saturates, what coincides.
pub(crate) fn told_apart() -> Figure {
    let rate = |s: &str, n, y: [f64; 4]| {
        let points = [100.0, 200.0, 400.0, 800.0].into_iter().zip(y);
        series(s, n, Stroke::Marked, &points.collect::<Vec<_>>())
    };
    let gap = f64::NAN;
    let mut all = vec![
        rate("prefork:4(asyncio)", 0, [0.58, 0.59, 0.6, gap]),
        rate("threads:100", 1, [0.581, 0.588, 0.601, gap]),
        rate("asyncio", 2, [0.6, 0.72, gap, gap]),
        rate("sequential", 6, [0.9, gap, gap, gap]),
    ];
    all[0].role.best = true;
    all[3].role.baseline = true;
    for s in &mut all {
        for d in &mut s.dots {
            d.flaw = d.y.is_none().then_some(PointFlaw::Saturated);
            d.misses = d.y.is_some_and(|y| y > 0.65);
        }
    }
    all[0].dots[3].flaw = Some(PointFlaw::Memory);
    all[1].dots[3].flaw = Some(PointFlaw::Memory);
    let mut figure = lines(
        "told-apart",
        axis("Rate", Measure::PerSecond, Scale::Log2),
        axis("p95 latency", Measure::Seconds, Scale::FromZero),
        all,
    );
    if let Body::Lines(l) = &mut figure.body {
        l.limits = ["p95 < 650ms", "p95 < 1h"]
            .into_iter()
            .zip([0.65, 3600.0])
            .map(|(name, value)| ReferenceLine {
                value,
                name: name.into(),
            })
            .collect();
    }
    figure
}

/// Bars of every kind.
pub(crate) fn judged_bars() -> Figure {
    let names = ["threads:8", "asyncio", "threads:100", "sequential"];
    let mut bars: Vec<Bar> = names.map(Bar::from).into();
    bars[0].role.best = true;
    bars[2].misses = true;
    bars[3].role.baseline = true;
    figure(
        "judged-bars",
        Body::Stack(Stack {
            bars,
            value: axis("Makespan", Measure::Seconds, Scale::FromZero),
            layers: vec![Layer {
                name: "Makespan".into(),
                number: 0,
                values: vec![8.25, 8.6, 8.2, 33.9],
            }],
            bands: vec![Some((8.1, 8.4)), None, None, None],
            reference: None,
            limits: vec![ReferenceLine {
                value: 15.0,
                name: "makespan < 15s".into(),
            }],
        }),
    )
}

pub(crate) fn percentiles() -> Figure {
    lines(
        "percentiles",
        words("Percentile", &["p50", "p90", "p99", "max"]),
        axis("Latency", Measure::Seconds, Scale::Log),
        (0..8)
            .map(|i| {
                let y = 0.004 * f64::from(i + 1);
                let points = [(0.0, y), (1.0, y * 3.0), (2.0, y * 9.0), (3.0, y * 30.0)];
                series(
                    &format!("strategy {i}"),
                    i as usize,
                    Stroke::Marked,
                    &points,
                )
            })
            .collect(),
    )
}

pub(crate) fn tail() -> Figure {
    let points: Vec<(f64, f64)> = [0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9998]
        .iter()
        .map(|&s| (s, 0.02 + 0.01 / (1.01 - s)))
        .collect();
    lines(
        "tail",
        axis("Percentile of tasks", Measure::Share, Scale::Nines),
        axis("Latency", Measure::Seconds, Scale::FromZero),
        vec![
            series("asyncio", 0, Stroke::Plain, &points),
            series("threads:8", 1, Stroke::Plain, &points[..7]),
        ],
    )
}

pub(crate) fn course() -> Figure {
    lines(
        "course",
        axis("Simulated time", Measure::Seconds, Scale::FromZero),
        axis("Memory in use", Measure::Bytes, Scale::FromZero),
        vec![
            series(
                "asyncio",
                0,
                Stroke::Steps,
                &[(0.0, 2e7), (0.5, 6e7), (1.0, 4e7), (1.5, 4e7)],
            ),
            series(
                "memory limit",
                0,
                Stroke::Reference,
                &[(0.0, 1e8), (1.5, 1e8)],
            ),
        ],
    )
}

pub(crate) fn bars() -> Figure {
    figure(
        "bars",
        Body::Stack(Stack {
            bars: vec![
                "threads:8 on 3.14t".into(),
                "asyncio (saturated)".into(),
                "sequential".into(),
            ],
            value: axis("Speed-up", Measure::Factor, Scale::FromZero),
            layers: vec![Layer {
                name: "Speed-up".into(),
                number: 0,
                values: vec![3.25, 0.0, 1.0],
            }],
            bands: vec![Some((3.0, 3.5)), None, None],
            reference: Some((1.0, "sequential (baseline)".into())),
            limits: Vec::new(),
        }),
    )
}

pub(crate) fn layers() -> Figure {
    let layer = |name: &str, number, values: [f64; 2]| Layer {
        name: name.into(),
        number,
        values: values.into(),
    };
    figure(
        "layers",
        Body::Stack(Stack {
            bars: vec!["threads:8 on 3.14".into(), "asyncio on 3.14".into()],
            value: axis("Share of task time", Measure::Share, Scale::FromZero),
            layers: vec![
                layer("running", 0, [0.2, 0.1]),
                layer("waiting for the GIL", 2, [0.7, 0.0]),
                layer("I/O", 8, [0.1, 0.9]),
            ],
            bands: Vec::new(),
            reference: None,
            limits: Vec::new(),
        }),
    )
}

pub(crate) fn heat() -> Figure {
    figure(
        "heat",
        Body::Heat(Heat {
            x: words("Cores", &["1", "2", "4"]),
            y: words("Tasks", &["100", "1000"]),
            value: axis("Makespan", Measure::Seconds, Scale::Log),
            less_is_better: true,
            best: Some((0, 2)),
            misses: vec![(0, 1)],
            cells: vec![
                vec![Some(1.5), Some(0.8), Some(0.45)],
                vec![Some(15.0), None, Some(4.1)],
            ],
        }),
    )
}

pub(crate) fn gantt() -> Figure {
    let span = |from, to, kind, text: &str| GanttSpan {
        from,
        to,
        kind,
        text: text.into(),
    };
    let row = |group: &str, label: &str, spans| GanttRow {
        group: group.into(),
        label: label.into(),
        spans,
    };
    figure(
        "gantt",
        Body::Gantt(Gantt {
            time: axis("Simulated time", Measure::Seconds, Scale::Linear),
            window: (0.1, 0.2),
            rows: vec![
                row(
                    "cores",
                    "core 0",
                    vec![span(0.1, 0.13, 0, "page 3"), span(0.14, 0.2, 0, "image 1")],
                ),
                row("cores", "core 1", vec![span(0.12, 0.125, 0, "page 4")]),
                row(
                    "main process",
                    "MainThread",
                    vec![span(0.05, 0.16, 1, "page 3"), span(0.16, 0.3, 2, "")],
                ),
            ],
            kinds: vec![
                SpanKind {
                    name: "running".into(),
                    number: 0,
                },
                SpanKind {
                    name: "waiting for the GIL".into(),
                    number: 2,
                },
                SpanKind {
                    name: "I/O".into(),
                    number: 8,
                },
            ],
        }),
    )
}

pub(crate) fn every_kind() -> Vec<Figure> {
    vec![
        curves_with_a_gap_and_a_reference(),
        told_apart(),
        percentiles(),
        tail(),
        course(),
        bars(),
        judged_bars(),
        layers(),
        heat(),
        gantt(),
    ]
}
