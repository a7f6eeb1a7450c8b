//! Tests of which figures are made from which documents, with small documents written here.

use serde_json::{Value, json};

use super::figures;
use crate::charts::figure::{Body, Figure, PointFlaw, Scale, Stroke};
use crate::result::{Saved, read};

fn estimate(mean: f64) -> Value {
    json!({"mean": mean, "low": mean * 0.9, "high": mean * 1.1, "median": mean, "n": 5})
}

fn case(strategy: &str, interpreter: &str, rank: u32, seconds: f64) -> Value {
    json!({
        "strategy": strategy, "interpreter": interpreter, "rank": rank, "tied": false, "status": "fine",
        "replications": 5, "simulated_events": 10, "ranked_by_s": estimate(seconds), "behind_best_s": null,
        "speedup": estimate(10.0 / seconds), "speedup_reading": "clear",
        "estimates": {
            "makespan_s": estimate(seconds), "throughput_per_s": estimate(100.0 / seconds),
            "latency_p50_s": estimate(seconds / 2.0), "latency_p95_s": estimate(seconds * 0.9),
            "latency_p99_s": estimate(seconds), "memory_peak_bytes": estimate(5e7), "utilization_share": estimate(0.5),
        },
        "time_by_cause": {"running_share": 0.2, "gil_share": 0.3, "pool_share": 0.5},
    })
}

fn run(cases: &[Value]) -> Vec<Figure> {
    let text = json!({
        "schema": 1, "program": {"name": "pchsim", "version": "0"}, "command": "pchsim run x",
        "scenario": {"name": "x", "question": "", "hash": "0"}, "seed": 1,
        "machine": {"cores": [1.0, 1.0], "memory_limit_bytes": null}, "confidence": 0.95, "precision": 0.02,
        "steady_state": false, "batch": true, "warmup_s": 0.0, "ranked_by": "makespan",
        "baseline": "sequential on cpython-3.14", "cases": cases, "hidden_baseline": null, "warnings": [],
    });
    figures(&read(&text.to_string(), "x").unwrap())
}

/// A sweep over axes of (path, label, values) whose rows are made by `cases` from the point's index on each.
fn sweep(axes: &[(&str, &str, Vec<Value>)], cases: impl Fn(&[usize]) -> Vec<Value>) -> Vec<Figure> {
    figures(&document(axes, cases))
}

fn document(axes: &[(&str, &str, Vec<Value>)], cases: impl Fn(&[usize]) -> Vec<Value>) -> Saved {
    let points: usize = axes.iter().map(|a| a.2.len()).product();
    let described: Vec<Value> = axes
        .iter()
        .map(|(path, label, values)| {
            let numbers: Option<Vec<f64>> = values.iter().map(Value::as_f64).collect();
            json!({"path": path, "label": label, "values": values, "numbers": numbers, "unit": null})
        })
        .collect();
    let header = json!({
        "schema": 1, "kind": "sweep", "program": {"name": "pchsim", "version": "0"}, "command": "pchsim sweep x",
        "scenario": {"name": "x", "question": "", "hash": "0"}, "seed": 1,
        "machine": {"cores": [1.0], "memory_limit_bytes": null}, "plan": "p", "axes": described, "zip": false,
        "points": points, "ranked_by": "makespan", "precision": 0.02, "confidence": 0.95,
    });
    let mut lines = vec![header.to_string()];
    for point in 0..points {
        let mut rest = point;
        let mut index: Vec<usize> = axes
            .iter()
            .rev()
            .map(|a| {
                let i = rest % a.2.len();
                rest /= a.2.len();
                i
            })
            .collect();
        index.reverse();
        for mut row in cases(&index) {
            row["point"] = json!(point);
            row["index"] = json!(index);
            row["at"] = json!({});
            lines.push(row.to_string());
        }
    }
    read(&lines.join("\n"), "x").unwrap()
}

fn names(figures: &[Figure]) -> Vec<&str> {
    figures.iter().map(|f| f.name.as_str()).collect()
}

fn find<'a>(figures: &'a [Figure], name: &str) -> &'a Figure {
    let found = figures.iter().find(|f| f.name == name);
    found.unwrap_or_else(|| panic!("no {name} in {:?}", names(figures)))
}

fn curves(figure: &Figure) -> Vec<&str> {
    match &figure.body {
        Body::Lines(l) => l.series.iter().map(|s| s.name.as_str()).collect(),
        other => panic!("no lines: {other:?}"),
    }
}

const CORES: (&str, &str) = ("machine.cores", "cores");

fn cores() -> (&'static str, &'static str, Vec<Value>) {
    (
        CORES.0,
        CORES.1,
        vec![json!(1), json!(2), json!(4), json!(8)],
    )
}

#[test]
fn a_run_compares_its_strategies() {
    let fs = run(&[
        case("threads:8", "cpython-3.14t", 1, 2.0),
        case("sequential", "cpython-3.14", 2, 10.0),
    ]);
    assert_eq!(
        names(&fs),
        [
            "comparison",
            "speedup",
            "time-by-cause",
            "latency-percentiles",
            "memory"
        ]
    );
    let Body::Stack(s) = &find(&fs, "comparison").body else {
        panic!("no bars");
    };
    let names: Vec<&str> = s.bars.iter().map(|b| b.name.as_str()).collect();
    assert_eq!(names, ["threads:8 on 3.14t", "sequential on 3.14"]);
    assert!(s.bars[0].role.best && s.bars[1].role.baseline);
    assert_eq!(s.bands[0], Some((1.8, 2.2)));
    let Body::Stack(s) = &find(&fs, "speedup").body else {
        panic!("no bars");
    };
    assert_eq!(s.reference, Some((1.0, "sequential on 3.14".into())));
    // The wait of a batch for its turn explains nothing: what is left is 0.2 to 0.3.
    let Body::Stack(s) = &find(&fs, "time-by-cause").body else {
        panic!("no bars");
    };
    let layers: Vec<(&str, f64)> = s
        .layers
        .iter()
        .map(|l| (l.name.as_str(), l.values[0]))
        .collect();
    // The words fit all bars, some of which are of a build without a GIL.
    let halted = "waiting for the GIL (free-threaded: for a stopped world)";
    assert_eq!(layers, [("running", 0.4), (halted, 0.6)]);
}

#[test]
fn of_many_strategies_the_best_and_the_baseline_stay() {
    let mut cases: Vec<Value> = (1..20)
        .map(|i| case(&format!("threads:{i}"), "cpython-3.14", i, f64::from(i)))
        .collect();
    cases.push(case("sequential", "cpython-3.14", 20, 99.0));
    let fs = run(&cases);
    let f = find(&fs, "latency-percentiles");
    assert_eq!(curves(f).len(), 8);
    assert_eq!(curves(f).last(), Some(&"sequential"));
    assert!(
        f.subtitle
            .ends_with("8 of 20 strategies: the best and the baseline"),
        "{}",
        f.subtitle
    );
}

#[test]
fn a_sweep_over_cores_has_curves_and_an_ideal() {
    let fs = sweep(&[cores()], |i| {
        let n = f64::from(1 << i[0]);
        vec![
            case("processes:8", "cpython-3.14", 1, 8.0 / n),
            case("sequential", "cpython-3.14", 2, 9.0),
        ]
    });
    assert_eq!(
        names(&fs),
        [
            "comparison",
            "speedup",
            "throughput",
            "latency-percentiles",
            "time-by-cause",
            "utilization",
            "memory"
        ]
    );
    let f = find(&fs, "speedup");
    assert_eq!(
        curves(f),
        ["processes:8", "sequential", "ideal for CPU work"]
    );
    assert!(f.subtitle.contains("against sequential"), "{}", f.subtitle);
    let Body::Lines(l) = &f.body else {
        panic!("no lines");
    };
    assert_eq!((l.x.scale, l.y.scale), (Scale::Log2, Scale::Log2));
    assert_eq!(l.series[2].stroke, Stroke::Reference);
    assert_eq!(l.series[2].dots[3].y, Some(8.0));
}

#[test]
fn a_number_of_workers_in_the_names_is_one_curve() {
    let fs = sweep(
        &[(
            "strategies.workers",
            "workers",
            vec![json!(1), json!(2), json!(3)],
        )],
        |i| {
            let n = i[0] + 1;
            vec![
                case(&format!("threads:{n}"), "cpython-3.14", 1, 1.0),
                case(&format!("processes:{n}:fork"), "cpython-3.14", 2, 2.0),
                case("sequential", "cpython-3.14", 3, 3.0),
            ]
        },
    );
    // `sequential` is the same everywhere, so that cases recur on this axis; the others must be joined all the same.
    let f = find(&fs, "comparison");
    assert_eq!(curves(f), ["threads:N", "processes:N:fork", "sequential"]);
}

#[test]
fn interpreters_tell_strategies_apart() {
    let interpreters = vec![json!("cpython-3.14"), json!("cpython-3.14t")];
    let name = |i: usize| ["cpython-3.14", "cpython-3.14t"][i];
    let both = [
        cores(),
        ("interpreters", "interpreter", interpreters.clone()),
    ];
    let fs = sweep(&both, |i| {
        vec![case("threads:8", name(i[1]), 1, 1.0 + i[0] as f64)]
    });
    assert_eq!(
        curves(find(&fs, "comparison")),
        ["threads:8 on 3.14", "threads:8 on 3.14t"]
    );
    // If only interpreters vary, they are the horizontal axis.
    let fs = sweep(&[("interpreters", "interpreter", interpreters)], |i| {
        vec![case("threads:8", name(i[0]), 1, 1.0)]
    });
    let f = find(&fs, "comparison");
    assert_eq!(curves(f), ["threads:8"]);
    let Body::Lines(l) = &f.body else {
        panic!("no lines");
    };
    assert_eq!(l.x.categories, ["cpython-3.14", "cpython-3.14t"]);
}

#[test]
fn two_axes_are_a_map() {
    let tasks = ("workload.tasks", "tasks", vec![json!(10), json!(20)]);
    let fs = sweep(&[cores(), tasks], |i| {
        let s = 1.0 + i[0] as f64 + 10.0 * i[1] as f64;
        vec![
            case("threads:8", "cpython-3.14", 1, s),
            case("asyncio", "cpython-3.14", 2, s * 2.0),
        ]
    });
    assert_eq!(names(&fs), ["comparison", "heat-map", "heat-map-of-best"]);
    let Body::Heat(h) = &find(&fs, "heat-map").body else {
        panic!("no map");
    };
    assert_eq!(h.x.categories, ["1", "2", "4", "8"]);
    assert_eq!(h.cells[1], [Some(11.0), Some(12.0), Some(13.0), Some(14.0)]);
    assert_eq!(curves(find(&fs, "comparison")), ["10 tasks", "20 tasks"]);
}

#[test]
fn points_without_a_value_are_gaps() {
    let fs = sweep(&[cores()], |i| {
        let mut c = case("threads:8", "cpython-3.14", 1, 1.0);
        if i[0] == 2 {
            c["status"] = json!("saturated");
            c["rank"] = Value::Null;
            c["ranked_by_s"] = Value::Null;
        }
        vec![c]
    });
    let Body::Lines(l) = &find(&fs, "comparison").body else {
        panic!("no lines");
    };
    let ys: Vec<bool> = l.series[0].dots.iter().map(|d| d.y.is_some()).collect();
    assert_eq!(ys, [true, true, false, true]);
}

/// The title of a figure, with plain blanks between numbers and units.
fn title(figures: &[Figure], name: &str) -> String {
    find(figures, name).title.replace('\u{a0}', " ")
}

#[test]
fn titles_are_findings() {
    let mut first = case("threads:8", "cpython-3.14", 1, 2.0);
    first["estimates"]["memory_peak_bytes"] = estimate(1e8);
    let fs = run(&[
        first.clone(),
        case("asyncio", "cpython-3.14", 2, 4.0),
        case("sequential", "cpython-3.14", 3, 10.0),
    ]);
    assert_eq!(
        title(&fs, "comparison"),
        "threads:8 is best, with a makespan of 2.00 s; next is asyncio with 4.00 s"
    );
    assert_eq!(
        title(&fs, "speedup"),
        "threads:8 gains most: 5.00× against sequential"
    );
    assert_eq!(
        title(&fs, "memory"),
        "asyncio needs the least memory, 47.7 MiB; threads:8 the most, 95.4 MiB"
    );
    assert!(
        find(&fs, "comparison")
            .subtitle
            .starts_with("Makespan by strategy, less is better · x")
    );
    // A case that misses an objective is not the best, however fast.
    let objective = |verdict: &str| json!([{"objective": "memory < 50MiB", "verdict": verdict, "bound": 52_428_800.0, "value": null}]);
    first["objectives"] = objective("missed");
    let mut second = case("asyncio", "cpython-3.14", 2, 4.0);
    second["objectives"] = objective("met");
    let fs = run(&[first.clone(), second.clone()]);
    assert_eq!(
        title(&fs, "comparison"),
        "asyncio is best, with a makespan of 4.00 s"
    );
    let Body::Stack(s) = &find(&fs, "memory").body else {
        panic!("no bars");
    };
    assert!(s.bars[0].misses && s.bars[1].role.best);
    assert_eq!(s.limits[0].value, 52_428_800.0);
    second["objectives"] = objective("missed");
    let fs = run(&[first, second]);
    assert!(
        title(&fs, "comparison").starts_with("No strategy meets every objective; "),
        "{}",
        title(&fs, "comparison")
    );
    let mut saturated = case("asyncio", "cpython-3.14", 1, 4.0);
    saturated["status"] = json!("saturated");
    saturated["rank"] = Value::Null;
    saturated["ranked_by_s"] = Value::Null;
    let fs = run(&[saturated]);
    assert!(!names(&fs).contains(&"comparison"), "there is no value");
}

#[test]
fn what_ties_gains_equally() {
    let fs = run(&[
        case("threads:8", "cpython-3.14", 1, 2.0),
        case("processes:8", "cpython-3.14", 1, 2.03),
        case("sequential", "cpython-3.14", 3, 10.0),
    ]);
    assert_eq!(
        title(&fs, "speedup"),
        "threads:8 and processes:8 do equally well: about 5.00× against sequential"
    );
}

#[test]
fn superlatives_say_of_what_they_are_true() {
    // The last strategy, which is not drawn, may need more than all that are.
    let of = |last: f64| {
        sweep(&[cores()], |_| {
            (1..=9_u32)
                .map(|i| {
                    let mut c = case(&format!("threads:{i}"), "cpython-3.14", i, f64::from(i));
                    let memory = if i == 9 {
                        last
                    } else {
                        1e8 + f64::from(9 - i) * 1e7
                    };
                    c["estimates"]["memory_peak_bytes"] = estimate(memory);
                    c
                })
                .collect()
        })
    };
    let says = |last| title(&of(last), "memory");
    assert!(says(1e9).ends_with(", of those shown"), "{}", says(1e9));
    assert!(
        says(1e6).contains(" needs the most memory: "),
        "{}",
        says(1e6)
    );
    assert!(!says(1e6).contains("shown"), "{}", says(1e6));
}

#[test]
fn grids_show_what_misses_an_objective() {
    let workers = vec![json!(2), json!(4), json!(8)];
    let fs = sweep(
        &[cores(), ("strategies.workers", "workers", workers)],
        |i| {
            let mut c = case(
                "threads",
                "cpython-3.14",
                1,
                10.0 / (i[0] + i[1] + 1) as f64,
            );
            let verdict = if i[0] == 0 { "missed" } else { "met" };
            c["objectives"] = json!([{"objective": "makespan < 5s", "verdict": verdict, "bound": 5.0, "value": null}]);
            vec![c]
        },
    );
    let Body::Lines(l) = &find(&fs, "comparison").body else {
        panic!("no lines");
    };
    for s in &l.series {
        let misses: Vec<bool> = s.dots.iter().map(|d| d.misses).collect();
        assert_eq!(misses, [true, false, false, false], "{}", s.name);
    }
    assert_eq!(
        curves(find(&fs, "comparison")),
        ["2 workers", "4 workers", "8 workers"]
    );
    let Body::Heat(h) = &find(&fs, "heat-map").body else {
        panic!("no heat map");
    };
    assert_eq!(h.misses, [(0, 0), (1, 0), (2, 0)]);
}

#[test]
fn what_is_saturated_says_so() {
    let rates = vec![json!(100), json!(200), json!(400), json!(800)];
    let fs = sweep(&[("workload.arrivals.rate", "rate", rates)], |i| {
        let mut c = case("threads:8", "cpython-3.14", 1, 1.0 + i[0] as f64);
        if i[0] > 1 {
            c["status"] = json!("saturated");
            c["rank"] = Value::Null;
            c["ranked_by_s"] = Value::Null;
        }
        vec![c]
    });
    let Body::Lines(l) = &find(&fs, "comparison").body else {
        panic!("no lines");
    };
    let flaws: Vec<bool> = l.series[0].dots.iter().map(|d| d.flaw.is_some()).collect();
    assert_eq!(flaws, [false, false, true, true]);
    assert_eq!(l.flaws(), [PointFlaw::Saturated]);
    assert_eq!(
        title(&fs, "latency-percentiles"),
        "threads:8: p99 grows from 1.00 s at rate = 100 to 4.00 s at rate = 800"
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(100))]

    /// The titles of figures are supported by their numbers, whatever these are.
    #[test]
    fn titles_are_true(times in proptest::collection::vec((0.01..100.0_f64, 1e6..1e10_f64), 2..9)) {
        let mut sorted = times;
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let strategies: Vec<String> = (0..sorted.len() - 1).map(|i| format!("threads:{i}")).chain(["sequential".into()]).collect();
        let cases: Vec<Value> = sorted.iter().zip(&strategies).zip(1..).map(|((&(s, memory), name), rank)| {
            let mut c = case(name, "cpython-3.14", rank, s);
            c["estimates"]["memory_peak_bytes"] = estimate(memory);
            c
        }).collect();
        let fs = run(&cases);
        let of = |name: &str| {
            let Body::Stack(s) = &find(&fs, name).body else { panic!("no bars") };
            s.bars.iter().map(|b| b.name.clone()).zip(s.layers[0].values.clone()).collect::<Vec<_>>()
        };
        let best = title(&fs, "comparison").split(' ').next().unwrap_or_default().to_owned();
        let times = of("comparison");
        let least = times.iter().map(|t| t.1).fold(f64::INFINITY, f64::min);
        proptest::prop_assert!(times.iter().any(|t| t.0 == best && t.1 == least), "{best}: {times:?}");
        let gains = title(&fs, "speedup");
        let others: Vec<(String, f64)> = of("speedup").into_iter().filter(|t| t.0 != "sequential").collect();
        match gains.split_once(" gains most: ") {
            Some((who, _)) => {
                let most = others.iter().map(|t| t.1).fold(0.0, f64::max);
                proptest::prop_assert!(most > 1.0 && others.iter().any(|t| t.0 == who && t.1 == most), "{gains}: {others:?}");
            }
            None if gains.contains(" do equally well: ") => {
                let most = others.iter().map(|t| t.1).fold(0.0, f64::max);
                let near = others.iter().filter(|t| t.1 > most * 0.98).count();
                proptest::prop_assert!(most > 1.0 && near > 1, "{gains}: {others:?}");
            }
            None => proptest::prop_assert!(others.iter().all(|t| t.1 <= 1.0), "{gains}: {others:?}"),
        }
        let memory = of("memory");
        let ends = title(&fs, "memory");
        if let Some((least, rest)) = ends.split_once(" needs the least memory, ") {
            let most = rest.split_once("; ").map_or("", |r| r.1).split(' ').next().unwrap_or_default();
            let value = |who: &str| memory.iter().find(|m| m.0 == who).map(|m| m.1);
            proptest::prop_assert_eq!(value(least), memory.iter().map(|m| m.1).reduce(f64::min));
            proptest::prop_assert_eq!(value(most), memory.iter().map(|m| m.1).reduce(f64::max));
        }
        let mut titles: Vec<&str> = fs.iter().map(|f| f.title.as_str()).collect();
        titles.sort_unstable();
        titles.dedup();
        proptest::prop_assert_eq!(titles.len(), fs.len());
    }
}

#[test]
fn empty_documents_have_no_figures() {
    assert_eq!(run(&[]), []);
    assert_eq!(sweep(&[cores()], |_| Vec::new()), []);
    assert_eq!(sweep(&[], |_| Vec::new()), []);
}

/// What some points show is not claimed for all.
#[test]
fn an_unfinished_sweep_is_called_so() {
    let axes = [("machine.cores", "cores", vec![json!(1), json!(2), json!(4)])];
    let Saved::Sweep(mut all) = document(&axes, |i| {
        let seconds = 8.0 / f64::from(1_u32 << i[0]);
        vec![case("threads:4", "cpython-3.14", 1, seconds)]
    }) else {
        panic!("it is a sweep")
    };
    let unsaid = |of: &[Figure]| {
        of.iter()
            .filter(|f| !f.title.starts_with("With 2 of 3 points: "))
            .count()
    };
    let whole = figures(&Saved::Sweep(all.clone()));
    assert_eq!(unsaid(&whole), whole.len());
    all.rows.retain(|r| r.point < 2);
    let part = figures(&Saved::Sweep(all));
    assert!(!part.is_empty());
    assert_eq!(unsaid(&part), 0);
}
