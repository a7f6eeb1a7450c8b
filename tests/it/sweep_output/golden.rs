//! Golden files of what a sweep says.

use pchsim::layout::Style;
use pchsim::report::markdown;
use pchsim::report::sweep::{csv, text};
use pchsim::scenario::Metric;
use pchsim::study::sweep::{SweepPlan, rows};

use super::made::{
    MAKESPAN, Made, P95, curves, doubled, grid, header, numbers, study, sweep_of, upto, words,
};
use pchsim::result::{Status, Sweep, header_line, row_lines};

fn shown(sweep: &Sweep) -> String {
    text(sweep, Style::default())
}

fn made(label: &str, interpreter: &str, mean: f64) -> Made {
    let reached = Ok((mean, mean * 0.008));
    (label.into(), format!("cpython-{interpreter}"), reached)
}

/// Two interpreters over cores: one strategy that scales, one that gets worse, three that do not care.
fn cores() -> Sweep {
    let plan = grid(vec![numbers("machine.cores", "cores", &upto(16))]);
    sweep_of(&plan, MAKESPAN, None, |p| {
        let c = p.index[0] as f64 + 1.0;
        vec![
            made("sequential", "3.14", 41.5),
            made("threads:8", "3.14", 42.5),
            made("processes:8", "3.14", 1.5 + 41.0 / c.min(8.0)),
            made(
                "threads:8",
                "3.14t",
                0.4 + 42.0 / c.min(6.0) + 0.6 * (c - 6.0).max(0.0),
            ),
            made("asyncio", "3.14", 40.0),
        ]
    })
}

/// An open workload over its arrival rate, until it is saturated.
fn rates() -> Sweep {
    let rates: Vec<f64> = (1..=10).map(|i| f64::from(i) * 50.0).collect();
    let plan = grid(vec![numbers("workload.arrivals.rate", "rate", &rates)]);
    sweep_of(&plan, P95, Some(0.2), |p| {
        let rate = rates[p.index[0]];
        let queue = |label: &str, service: f64, limit: f64| {
            let reached = if rate < limit {
                let y = service / (1.0 - rate / limit);
                Ok((y, y * 0.015))
            } else {
                Err(Status::Saturated)
            };
            (label.to_owned(), "cpython-3.14".to_owned(), reached)
        };
        let lost = Err(Status::Unsupported);
        vec![
            queue("asyncio", 0.012, 330.0),
            queue("threads:8", 0.017, 420.0),
            queue("processes:4", 0.035, 640.0),
            ("interpreters".into(), "cpython-3.14".into(), lost),
        ]
    })
}

/// Strategies whose own number is swept, by doubling.
fn workers() -> Sweep {
    let values = doubled(7);
    let plan = grid(vec![numbers("strategy.workers", "workers", &values)]);
    sweep_of(&plan, MAKESPAN, None, |p| {
        let n = values[p.index[0]];
        vec![
            made(&format!("threads:{n}"), "3.14", 2.0 + 50.0 / n.min(16.0)),
            made(
                &format!("processes:{n}:fork"),
                "3.14",
                0.5 * n + 48.0 / n.min(4.0),
            ),
            made("sequential", "3.14", 52.0),
        ]
    })
}

fn two_axes(strategies: usize) -> Sweep {
    let (cores, rates) = ([1.0, 2.0, 4.0, 8.0], [100.0, 200.0, 400.0, 800.0, 1600.0]);
    let plan = grid(vec![
        numbers("machine.cores", "cores", &cores),
        numbers("workload.arrivals.rate", "rate", &rates),
    ]);
    sweep_of(&plan, P95, None, |p| {
        let (c, r) = (cores[p.index[0]], rates[p.index[1]]);
        let of = |name: &str, each: f64, base: f64, fixed: bool| {
            let limit = each * if fixed { 1.0 } else { c };
            let reached = if r < limit {
                Ok((base / (1.0 - r / limit), base * 0.02))
            } else {
                Err(Status::Saturated)
            };
            (name.to_owned(), "cpython-3.14".to_owned(), reached)
        };
        let mut all = vec![
            of("processes:8", 300.0, 0.02, false),
            of("asyncio", 450.0, 0.01, true),
            of("threads:8", 440.0, 0.015, true),
        ];
        all.truncate(strategies);
        all
    })
}

#[test]
fn text_over_cores() {
    insta::assert_snapshot!(shown(&cores()));
}

#[test]
fn text_over_cores_with_details() {
    let style = Style {
        verbose: true,
        ..Style::default()
    };
    insta::assert_snapshot!(text(&cores(), style));
}

#[test]
fn text_over_rates_some_saturated() {
    insta::assert_snapshot!(shown(&rates()));
}

#[test]
fn text_in_ascii() {
    let style = Style {
        unicode: false,
        ..Style::default()
    };
    let plain = text(&rates(), style);
    assert!(plain.is_ascii());
    insta::assert_snapshot!(plain);
}

/// A pipe is 120 columns wide, as in the other golden files.
#[test]
fn text_at_the_widths_of_terminals() {
    for width in [80, 100] {
        let style = Style {
            width,
            ..Style::default()
        };
        for (name, sweep) in [
            ("cores", cores()),
            ("rates", rates()),
            ("two_axes", two_axes(3)),
        ] {
            let name = format!("{name}_at_{width}");
            insta::assert_snapshot!(name, text(&sweep, style));
        }
    }
}

/// Nothing is wider than the line.
#[test]
fn every_sweep_fits_the_line() {
    for width in [40, 61, 80, 100, 120, 200] {
        for (unicode, verbose) in [(true, false), (true, true), (false, false)] {
            let style = Style {
                width,
                unicode,
                verbose,
                ..Style::default()
            };
            for sweep in [
                cores(),
                rates(),
                workers(),
                two_axes(3),
                two_axes(1),
                three_axes(),
            ] {
                let text = text(&sweep, style);
                for line in text.lines() {
                    let wide = pchsim::layout::width(line);
                    assert!(wide <= width, "{wide} of {width}: {line}\n{text}");
                }
            }
        }
    }
}

fn three_axes() -> Sweep {
    let plan = grid(vec![
        numbers("machine.cores", "cores", &[2.0, 4.0]),
        numbers("workload.arrivals.rate", "rate", &[50.0, 100.0, 200.0]),
        numbers(
            "workload.a-field-with-a-long-name.count",
            "count",
            &[1.0, 2.0, 3.0],
        ),
    ]);
    sweep_of(&plan, MAKESPAN, None, |p| {
        let x = p.index[0] as f64 + p.index[1] as f64 + p.index[2] as f64 + 1.0;
        vec![
            made("asyncio+processes:16:forkserver", "3.14", 10.0 / x),
            made("prefork:16(asyncio+threads:32)", "3.14", 20.0 / x),
        ]
    })
}

/// More than two axes have no chart, and it says how to get one.
#[test]
fn text_over_three_axes() {
    let shown = shown(&three_axes());
    assert!(
        shown.contains("No chart: 3 axes vary (cores, rate, count)"),
        "{shown}"
    );
    assert!(shown.contains("for example --cores 4"), "{shown}");
}

/// A letter stands where its curve has dots, and curves on one another are named together.
#[test]
fn letters_stand_on_their_curves() {
    let values: Vec<f64> = (1..=9).map(f64::from).collect();
    let plan = grid(vec![numbers("machine.cores", "cores", &values)]);
    let sweep = sweep_of(&plan, MAKESPAN, None, |p| {
        let x = p.index[0] as f64;
        vec![
            made("threads:8", "3.14", 10.0 + x * x),
            made("asyncio", "3.14", 10.05 + x * x),
            made("sequential", "3.14", 60.0 - 3.0 * x),
        ]
    });
    let text = shown(&sweep);
    let chart: Vec<&str> = text.lines().filter(|l| l.contains(['┤', '│'])).collect();
    assert_eq!(chart.len(), 16, "{text}");
    assert!(text.contains("A asyncio   = B threads:8"), "{text}");
    let cells: Vec<Vec<char>> = chart.iter().map(|l| l.chars().collect()).collect();
    let mut letters = 0;
    for (y, line) in cells.iter().enumerate() {
        for (x, c) in line
            .iter()
            .enumerate()
            .filter(|(x, c)| *x > 5 && matches!(c, 'A' | 'C'))
        {
            letters += 1;
            // Dots of the line lead to it: beside it, above or below.
            let dot = |dx: i32, dy: i32| {
                let at = |v: usize, d: i32| usize::try_from(v as i32 + d).ok();
                at(y, dy)
                    .and_then(|y| cells.get(y))
                    .zip(at(x, dx))
                    .and_then(|(l, x)| l.get(x))
                    .is_some_and(|s| ('\u{2801}'..='\u{28ff}').contains(s) || s.is_alphabetic())
            };
            let near = (-1..=1).any(|dx| (-1..=1).any(|dy| (dx, dy) != (0, 0) && dot(dx, dy)));
            assert!(near, "{c} in line {y}\n{text}");
        }
    }
    assert!(letters >= 16, "{letters}\n{text}");
}

#[test]
fn text_over_doubled_workers() {
    insta::assert_snapshot!(shown(&workers()));
}

#[test]
fn text_over_two_axes() {
    insta::assert_snapshot!("two_axes_three_strategies", shown(&two_axes(3)));
    insta::assert_snapshot!("two_axes_one_strategy", shown(&two_axes(1)));
}

#[test]
fn text_side_by_side() {
    let plan = SweepPlan {
        axes: vec![
            numbers("machine.cores", "cores", &[2.0, 4.0, 8.0]),
            words(
                "workload.classes.page.cpu",
                "page.cpu",
                &["10ms", "20ms", "40ms"],
            ),
        ],
        zip: true,
    };
    let sweep = sweep_of(&plan, MAKESPAN, None, |p| {
        let i = p.index[0] as f64;
        vec![
            made("threads:4", "3.14", 10.0 + 9.0 * i),
            made("processes:4", "3.14", 14.0 + 2.0 * i),
        ]
    });
    insta::assert_snapshot!(shown(&sweep));
}

#[test]
fn text_over_interpreters() {
    let plan = grid(vec![words(
        "interpreter",
        "interpreter",
        &["cpython-3.12", "cpython-3.14", "cpython-3.14t"],
    )]);
    let sweep = sweep_of(&plan, MAKESPAN, None, |p| {
        let (name, of) = [("3.12", 1.2), ("3.14", 1.0), ("3.14t", 0.4)][p.index[0]];
        vec![
            made("threads:4", name, 20.0 * of),
            made("processes:4", name, 8.0 + of),
        ]
    });
    insta::assert_snapshot!(shown(&sweep));
}

#[test]
fn text_over_strategies() {
    let labels = ["sequential", "threads:4", "asyncio"];
    let plan = grid(vec![words("strategy", "strategy", &labels)]);
    let sweep = sweep_of(&plan, MAKESPAN, None, |p| {
        vec![made(
            labels[p.index[0]],
            "3.14",
            10.0 / (p.index[0] as f64 + 1.0),
        )]
    });
    insta::assert_snapshot!(shown(&sweep));
}

#[test]
fn text_of_many_points_is_short() {
    let plan = grid(vec![numbers("machine.cores", "cores", &upto(200))]);
    let sweep = sweep_of(&plan, MAKESPAN, None, |p| {
        let x = p.index[0] as f64;
        vec![made(
            "processes",
            "3.14",
            5.0 + (x - 90.0) * (x - 90.0) / 900.0,
        )]
    });
    let shown = shown(&sweep);
    assert!(shown.lines().count() < 70);
    insta::assert_snapshot!(shown);
    let three = [
        ("machine.cores", "cores"),
        ("machine.hz", "hz"),
        ("workers", "workers"),
    ];
    let three = three
        .map(|(path, label)| numbers(path, label, &upto(4)))
        .into();
    let plan = grid(three);
    let sweep = sweep_of(&plan, MAKESPAN, None, |p| {
        let x = p.index.iter().sum::<usize>() as f64;
        vec![
            made("threads", "3.14", 9.0 + x),
            made("asyncio", "3.14", 11.0 + 0.5 * x),
        ]
    });
    insta::assert_snapshot!("three_axes", self::shown(&sweep));
}

#[test]
fn text_of_one_point_and_of_none() {
    let one = curves(
        numbers("machine.cores", "cores", &[4.0]),
        MAKESPAN,
        &[("a", &|_| 1.0), ("b", &|_| 2.0)],
    );
    insta::assert_snapshot!("one_point", shown(&one));
    let plan = grid(vec![numbers("machine.cores", "cores", &[1.0, 2.0])]);
    let none = sweep_of(&plan, P95, None, |_| {
        vec![("a".into(), "cpython-3.14".into(), Err(Status::Saturated))]
    });
    insta::assert_snapshot!("no_forecast", shown(&none));
    let mut empty = none;
    empty.rows.clear();
    assert!(shown(&empty).contains("0 of 2 points"));
}

#[test]
fn markdown_of_sweeps() {
    insta::assert_snapshot!("markdown_over_rates", markdown(&[(&rates()).into()], None));
    insta::assert_snapshot!(
        "markdown_over_two_axes",
        markdown(&[(&two_axes(3)).into()], None)
    );
}

#[test]
fn csv_of_a_sweep() {
    let plan = grid(vec![
        words(
            "interpreter",
            "interpreter",
            &["cpython-3.14", "cpython-3.14t"],
        ),
        numbers("machine.cores", "cores", &[1.0, 2.0]),
    ]);
    let sweep = sweep_of(&plan, MAKESPAN, None, |p| {
        let name = ["3.14", "3.14t"][p.index[0]];
        vec![made(
            "threads:4",
            name,
            0.1 + 1.0 / (1.0 + p.index[1] as f64),
        )]
    });
    let out = csv(&sweep);
    let mut reader = ::csv::Reader::from_reader(out.as_bytes());
    let names: Vec<String> = reader.headers().unwrap().iter().map(Into::into).collect();
    let mut once = names.clone();
    once.sort();
    once.dedup();
    assert_eq!(
        once.len(),
        names.len(),
        "every column has a name of its own"
    );
    assert!(reader.records().all(|r| r.unwrap().len() == names.len()));
    insta::assert_snapshot!(out);
}

#[test]
fn jsonl_of_a_sweep() {
    let mut plan = grid(vec![numbers("workload.deadline", "deadline", &[0.5, 2.0])]);
    (plan.axes[0].values[0].text, plan.axes[0].unit) = ("500ms".into(), Some("s"));
    let metric = Metric::Makespan;
    let header = header(&plan, Metric::Makespan);
    let line = |n: u64| {
        let cases = vec![made("threads:4", "3.14", 0.1), made("asyncio", "3.14", 0.3)];
        row_lines(&rows(
            &header,
            &plan.point(n),
            &study(cases, metric, Some(0.2)),
        ))
    };
    let all = header_line(&header) + &line(0) + &line(1);
    for l in all.lines() {
        serde_json::from_str::<serde_json::Value>(l).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn every_key_of_a_sweeps_file_is_documented() {
    let documentation = include_str!("../../../docs/output-format.md");
    let plan = grid(vec![numbers("machine.cores", "cores", &[1.0])]);
    let cases = vec![made("threads:4", "3.14", 0.1)];
    let header = header(&plan, Metric::Makespan);
    let study = study(cases, Metric::Makespan, None);
    let row = row_lines(&rows(&header, &plan.point(0), &study));
    for line in [header_line(&header), row] {
        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        for key in parsed.as_object().unwrap().keys() {
            assert!(documentation.contains(&format!("`{key}`")), "`{key}`");
        }
    }
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_reads_back_as_the_csv_says() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::{Field, RowAccessor};

    let sweep = rates();
    let bytes = pchsim::report::sweep::parquet(&sweep).unwrap();
    assert_eq!(bytes, pchsim::report::sweep::parquet(&sweep).unwrap());
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &bytes).unwrap();
    let file = SerializedFileReader::new(file).unwrap();
    let table = csv(&sweep);
    let mut reader = ::csv::Reader::from_reader(table.as_bytes());
    let names = reader.headers().unwrap().clone();
    let mut expected = reader.records();
    for row in file.get_row_iter(None).unwrap() {
        let (row, expected) = (row.unwrap(), expected.next().unwrap().unwrap());
        assert_eq!(row.len(), names.len());
        for ((name, field), (heading, cell)) in
            row.get_column_iter().zip(names.iter().zip(&expected))
        {
            assert_eq!(name, heading);
            let text = match field {
                Field::Null => String::new(),
                Field::Str(s) => s.clone(),
                Field::Long(n) => n.to_string(),
                Field::Bool(b) => b.to_string(),
                Field::Double(d) => d.to_string(),
                other => panic!("{other:?}"),
            };
            assert_eq!(text, cell, "{name}");
        }
        assert!(row.get_double(1).unwrap() >= 50.0);
    }
    assert!(expected.next().is_none());
}
