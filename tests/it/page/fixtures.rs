//! Results and figures made by hand.

use pchsim::charts::figure::{
    Axis, Bar, Body, CurvePoint, Emphasis, Figure, Gantt, GanttRow, GanttSpan, Heat, Layer,
    LinePlot, Measure, PointFlaw, ReferenceLine, Scale, Series, SpanKind, Stack, Stroke,
};
use serde_json::{Value, json};

/// A name that tries everything.
pub(crate) const EVIL: &str = "</script><script>window.hacked=1</script>\"'><img src=x onerror=window.hacked=1> & \u{202e}backwards\u{7}`*|\n# injected {{ 7*7 }} ]]> ";

fn estimate(mean: f64, half: f64) -> Value {
    json!({ "mean": mean, "low": mean - half, "high": mean + half, "median": mean, "n": 10 })
}

/// A case with a makespan; the rest follows from it.
fn case(
    strategy: &str,
    rank: Option<u32>,
    makespan: f64,
    half: f64,
    causes: &[(&str, f64)],
) -> Value {
    let met = if makespan < 20.0 { "met" } else { "missed" };
    let causes: serde_json::Map<String, Value> = causes
        .iter()
        .map(|(k, v)| ((*k).to_owned(), json!(v)))
        .collect();
    json!({
        "strategy": strategy, "interpreter": "cpython-3.14", "rank": rank, "tied": false, "status": "fine",
        "replications": 10, "simulated_events": 1234,
        "ranked_by_s": estimate(makespan, half),
        "behind_best_s": if rank == Some(1) { Value::Null } else { estimate(makespan - 12.0, half) },
        "speedup": estimate(60.0 / makespan, 0.02), "speedup_reading": if makespan < 30.0 { "clear" } else { "not worth it" },
        "estimates": {
            "makespan_s": estimate(makespan, half), "throughput_per_s": estimate(100.0 / makespan, 0.01),
            "latency_p50_s": estimate(makespan / 2.0, half), "latency_p95_s": estimate(makespan * 0.95, half),
            "latency_p99_s": null, "cpu_s": estimate(11.5, 0.01), "utilization_share": estimate(0.82, 0.01),
            "memory_peak_bytes": estimate(5e7 + 1e7 * makespan, 1e5)
        },
        "time_by_cause": causes,
        "objectives": [{ "objective": "makespan < 20s", "verdict": met, "bound": 20.0, "value": estimate(makespan, half) }],
        "findings": []
    })
}

fn document(cases: &[Value], warnings: &Value) -> Value {
    json!({
        "schema": 1, "program": { "name": "pchsim", "version": "0.1.0" },
        "command": "pchsim run scraper --seed 1",
        "scenario": { "name": "scraper", "question": "How should a scraper run?", "hash": "0123456789abcdef" },
        "seed": 1, "machine": { "cores": [1.0, 1.0, 1.0, 1.0], "memory_limit_bytes": 8_589_934_592u64 },
        "interpreters": [{
            "name": "cpython-3.14", "version": "3.14.0", "gil": true, "origin": "measured here", "measured_count": 80,
            "estimated_count": 4,
            "measurement": { "date": "2026-11-23", "compiler": "GCC 12.2.0", "pgo": true, "lto": null, "debug": false,
                "cpu": "A processor", "cores": 2, "system": "Linux 6.18 x86_64", "rounds": 28, "slowness": 1.21 }
        }],
        "confidence": 0.95, "precision": 0.02, "steady_state": false, "batch": true, "warmup_s": 0.0,
        "ranked_by": "makespan", "baseline": "sequential on cpython-3.14", "cases": cases, "hidden_baseline": null,
        "warnings": warnings
    })
}

fn text(document: &Value) -> String {
    serde_json::to_string_pretty(document).expect("JSON") + "\n"
}

fn cases() -> Vec<Value> {
    let mut refused = case("interpreters:4", None, 1.0, 0.0, &[]);
    refused["status"] = "unsupported".into();
    for key in ["ranked_by_s", "behind_best_s", "speedup", "speedup_reading"] {
        refused[key] = Value::Null;
    }
    refused["estimates"] = json!({});
    refused["objectives"][0]["verdict"] = "missed".into();
    vec![
        case(
            "processes:4:forkserver",
            Some(1),
            12.0,
            0.3,
            &[
                ("running_share", 0.1),
                ("pool_share", 0.7),
                ("io_share", 0.15),
                ("startup_share", 0.05),
            ],
        ),
        case(
            "threads:32",
            Some(2),
            14.5,
            0.2,
            &[
                ("running_share", 0.2),
                ("gil_share", 0.6),
                ("io_share", 0.2),
            ],
        ),
        case(
            "asyncio",
            Some(3),
            51.0,
            0.01,
            &[
                ("running_share", 0.05),
                ("loop_share", 0.9),
                ("io_share", 0.05),
            ],
        ),
        case(
            "sequential",
            Some(4),
            60.0,
            0.01,
            &[
                ("running_share", 0.005),
                ("pool_share", 0.985),
                ("io_share", 0.01),
            ],
        ),
        refused,
    ]
}

/// A batch with a clear winner.
pub(crate) fn run() -> String {
    text(&document(
        &cases(),
        &json!([
            { "code": "blocked-loop", "note": true, "text": "CPU work blocks the event loop of asyncio. Offload it." },
            { "code": "not-converged", "note": false, "text": "the precision of 2% was not reached by threads:32 (± 2.5%). Run more (--replications 16)." }
        ]),
    ))
}

/// Two strategies that cannot be told apart.
pub(crate) fn tied() -> String {
    let mut cases = cases();
    cases[1]["rank"] = 1.into();
    cases[0]["tied"] = true.into();
    cases[1]["tied"] = true.into();
    text(&document(&cases, &json!([])))
}

/// Nothing keeps up.
pub(crate) fn saturated() -> String {
    let mut cases = cases();
    for c in &mut cases {
        c["rank"] = Value::Null;
        c["ranked_by_s"] = Value::Null;
        c["status"] = "saturated".into();
    }
    let mut d = document(&cases, &json!([]));
    d["ranked_by"] = "p95".into();
    (d["batch"], d["steady_state"]) = (false.into(), true.into());
    text(&d)
}

/// Every text of the user's is an attack.
pub(crate) fn hostile() -> String {
    let long = "very-long-without-any-blank-".repeat(60);
    let mut d = document(
        &cases(),
        &json!([{ "code": "x", "note": false, "text": EVIL }]),
    );
    d["scenario"]["name"] = format!("{EVIL}{long}").into();
    d["scenario"]["question"] = format!("{long}{EVIL}").into();
    d["command"] = format!("pchsim run '{EVIL}{long}'").into();
    d["cases"][0]["strategy"] = EVIL.into();
    d["cases"][1]["strategy"] = long.into();
    d["cases"][2]["interpreter"] = EVIL.into();
    d["cases"][2]["objectives"][0]["objective"] = EVIL.into();
    d["interpreters"][0]["origin"] = EVIL.into();
    text(&d)
}

/// Cores from 1 to 4.
pub(crate) fn sweep() -> String {
    let header = json!({
        "schema": 1, "kind": "sweep", "program": { "name": "pchsim", "version": "0.1.0" },
        "command": "pchsim sweep scraper --cores 1..4", "scenario": { "name": "scraper", "question": "", "hash": "0123" },
        "seed": 1, "machine": { "cores": [1.0], "memory_limit_bytes": null }, "plan": "abcd",
        "axes": [{ "path": "machine.cores", "label": "cores", "values": [1, 2, 3, 4], "numbers": [1.0, 2.0, 3.0, 4.0], "unit": null }],
        "zip": false, "points": 4, "ranked_by": "makespan", "precision": 0.02, "confidence": 0.95
    });
    let mut lines = vec![header.to_string()];
    for (i, makespan) in [51.0, 26.0, 18.0, 13.7].into_iter().enumerate() {
        let rows = [
            case("processes:4:fork", Some(1), makespan, 0.2, &[]),
            case("threads:32", Some(2), 51.5, 0.2, &[]),
        ];
        for mut row in rows {
            row["point"] = i.into();
            row["index"] = json!([i]);
            row["at"] = json!({ "machine.cores": i + 1 });
            row["warnings"] = json!(if i == 3 {
                vec!["not-converged"]
            } else {
                vec![]
            });
            lines.push(row.to_string());
        }
    }
    lines.join("\n") + "\n"
}

/// The same, where both strategies do equally well with 4 cores.
pub(crate) fn tied_sweep() -> String {
    let lines = sweep();
    let mut lines: Vec<Value> = lines
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect();
    let last = lines.len() - 1;
    lines[last - 1]["tied"] = true.into();
    let mut other = lines[last - 1].clone();
    other["strategy"] = lines[last]["strategy"].clone();
    lines[last] = other;
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    lines.join("\n") + "\n"
}

fn axis(label: &str, measure: Measure, scale: Scale, categories: &[&str]) -> Axis {
    Axis {
        label: label.into(),
        measure,
        scale,
        categories: categories.iter().map(|c| (*c).to_owned()).collect(),
    }
}

fn figure(name: &str, text: &str, body: Body) -> Figure {
    Figure {
        name: name.into(),
        title: format!("{name} of {text}"),
        subtitle: format!("{text}: 4 cores, 95% intervals over 10 replications"),
        body,
    }
}

fn curve(
    name: String,
    number: usize,
    stroke: Stroke,
    values: &[(f64, Option<f64>)],
    band: f64,
) -> Series {
    let dots = values.iter().map(|&(x, y)| CurvePoint {
        x,
        y,
        band: y
            .filter(|_| band > 0.0)
            .map(|y| (y * (1.0 - band), y * (1.0 + band))),
        flaw: None,
        misses: false,
    });
    Series {
        name,
        number,
        role: Emphasis::default(),
        stroke,
        dots: dots.collect(),
    }
}

/// One figure of each kind, and of curves the kinds that differ; their names have `text` in them.
pub(crate) fn figures(text: &str) -> Vec<Figure> {
    let cores = [1.0, 2.0, 4.0, 8.0, 16.0];
    let over = |f: &dyn Fn(f64) -> Option<f64>| cores.map(|c| (c, f(c)));
    let swept = LinePlot {
        x: axis("Cores", Measure::Number, Scale::Log2, &[]),
        y: axis("p95 latency", Measure::Seconds, Scale::FromZero, &[]),
        series: vec![
            curve(
                format!("threads:32 {text}"),
                0,
                Stroke::Marked,
                &over(&|_| Some(0.515)),
                0.04,
            ),
            curve(
                "processes:4:fork".into(),
                1,
                Stroke::Marked,
                &over(&|c| (c > 1.0).then_some(0.8 / c + 0.1)),
                0.1,
            ),
            curve(
                "asyncio, on a free-threaded interpreter".into(),
                5,
                Stroke::Marked,
                &over(&|c| (c != 4.0).then_some(0.3 + 0.01 * c)),
                0.0,
            ),
            curve(
                "ideal".into(),
                7,
                Stroke::Reference,
                &over(&|c| Some(0.9 / c)),
                0.0,
            ),
            // On the first one: a line for both.
            curve(
                format!("threads:64 {text}"),
                2,
                Stroke::Marked,
                &over(&|_| Some(0.5152)),
                0.0,
            ),
        ],
        limits: vec![
            ReferenceLine {
                value: 0.7,
                name: format!("p95 < 700ms {text}"),
            },
            ReferenceLine {
                value: 900.0,
                name: "p95 < 15min".into(),
            },
        ],
    };
    // Saturated at both ends, the best with what it misses.
    let mut swept = swept;
    swept.series[1].dots[0].flaw = Some(PointFlaw::Saturated);
    swept.series[2].dots[2].flaw = Some(PointFlaw::Memory);
    swept.series[2].dots[4].misses = true;
    swept.series[1].role.best = true;
    swept.series[0].role.baseline = true;
    let tail = [0.0, 0.5, 0.9, 0.99, 0.999];
    let nines = LinePlot {
        x: axis("Share of tasks", Measure::Share, Scale::Nines, &[]),
        y: axis("Latency", Measure::Seconds, Scale::Log, &[]),
        series: vec![
            curve(
                "threads:32".into(),
                0,
                Stroke::Plain,
                &tail.map(|q| (q, Some(0.01 / (1.0 - q)))),
                0.0,
            ),
            curve(
                "asyncio".into(),
                1,
                Stroke::Steps,
                &tail[1..]
                    .iter()
                    .map(|&q| (q, Some(0.02 / (1.0 - q))))
                    .collect::<Vec<_>>(),
                0.0,
            ),
        ],
        limits: Vec::new(),
    };
    let words = [
        "threads:32",
        "asyncio+processes:4:forkserver",
        "sequential",
        "processes:4:spawn",
        text,
    ];
    let named = LinePlot {
        x: axis("Strategy", Measure::Number, Scale::Linear, &words),
        y: axis("Peak memory", Measure::Bytes, Scale::FromZero, &[]),
        series: vec![curve(
            "peak".into(),
            2,
            Stroke::Marked,
            &[0.0, 1.0, 2.0, 3.0, 4.0].map(|x| (x, Some(5e7 + 4e7 * x))),
            0.02,
        )],
        limits: Vec::new(),
    };
    let layers = [
        ("running", 0, [0.7, 0.2, 0.5, 0.0, 0.34]),
        ("waiting for the GIL", 2, [0.2, 0.0, 0.4, 0.0, 0.33]),
        ("I/O", 8, [0.1, 0.8, 0.1, 1.0, 0.33]),
    ];
    let shares = Stack {
        bars: words.map(Bar::from).into(),
        value: axis("Share of task time", Measure::Share, Scale::FromZero, &[]),
        layers: layers
            .map(|(name, number, values)| Layer {
                name: name.into(),
                number,
                values: values.into(),
            })
            .into(),
        bands: Vec::new(),
        reference: None,
        limits: Vec::new(),
    };
    let mut judged: Vec<Bar> = words.map(Bar::from).into();
    judged[1].role.best = true;
    judged[2].role.baseline = true;
    judged[3].misses = true;
    let speedup = Stack {
        bars: judged,
        value: axis("Speed-up", Measure::Factor, Scale::FromZero, &[]),
        layers: vec![Layer {
            name: "Speed-up".into(),
            number: 0,
            values: vec![2.9, 11.0, 1.0, 3.7, 0.4],
        }],
        bands: vec![
            Some((2.7, 3.1)),
            Some((10.1, 11.9)),
            None,
            Some((3.6, 3.8)),
            Some((0.3, 0.5)),
        ],
        reference: Some((1.0, format!("sequential (baseline) {text}"))),
        limits: vec![ReferenceLine {
            value: 2.5,
            name: format!("speed-up > 2.5 {text}"),
        }],
    };
    let heat = Heat {
        x: axis(
            "cores",
            Measure::Number,
            Scale::Linear,
            &["1", "2", "4", "8", "16", "32"],
        ),
        y: axis(
            "workers",
            Measure::Number,
            Scale::Linear,
            &["1", "10", text],
        ),
        value: axis("p95 latency", Measure::Seconds, Scale::Log, &[]),
        less_is_better: true,
        best: Some((1, 2)),
        misses: Vec::new(),
        cells: (0..3)
            .map(|r| {
                (0..6)
                    .map(|c| (r + c != 3).then(|| 3.0 / f64::from(r + 1) / f64::from(c + 1)))
                    .collect()
            })
            .collect(),
    };
    let span = |from: f64, to: f64, kind: usize| GanttSpan {
        from,
        to,
        kind,
        text: if kind == 0 {
            format!("task {text}")
        } else {
            String::new()
        },
    };
    let row = |group: &str, label: &str, at: f64| GanttRow {
        group: group.into(),
        label: label.into(),
        spans: vec![
            span(at, at + 0.2, 0),
            span(at + 0.2, at + 0.25, 1),
            span(at + 0.25, at + 0.9, 2),
        ],
    };
    let gantt = Gantt {
        time: axis("Simulated time", Measure::Seconds, Scale::Linear, &[]),
        window: (0.0, 2.0),
        rows: vec![
            row("cores", "core 0", 0.0),
            row("cores", "core 1", 0.3),
            row("MainProcess", "MainThread", 0.1),
            row(
                "MainProcess",
                &format!("ThreadPoolExecutor-0_3 {text}"),
                1.05,
            ),
        ],
        kinds: [
            ("running", 0),
            ("waiting for the GIL", 2),
            ("waiting for I/O", 8),
        ]
        .map(|(n, number)| SpanKind {
            name: n.into(),
            number,
        })
        .into(),
    };
    vec![
        figure("swept", text, Body::Lines(swept)),
        figure("nines", text, Body::Lines(nines)),
        figure("memory", text, Body::Lines(named)),
        figure("time-by-cause", text, Body::Stack(shares)),
        figure("speedup", text, Body::Stack(speedup)),
        figure("heat", text, Body::Heat(heat)),
        figure("timeline", text, Body::Gantt(gantt)),
    ]
}
