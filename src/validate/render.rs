//! Shows a validation as text, JSON and Markdown.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::cells::Unread;
use super::compare::{CellReport, Validation};
use crate::layout;
use crate::layout::Style;
use crate::layout::{Column, words};
use crate::verify::{ErrorSummary, Held, METRICS};

#[derive(Serialize)]
struct JsonMetric {
    measured: f64,
    forecast: f64,
    error: f64,
    relative: f64,
}

impl From<Held> for JsonMetric {
    fn from(h: Held) -> Self {
        Self {
            measured: h.measured,
            forecast: h.forecast,
            error: h.error(),
            relative: h.relative(),
        }
    }
}

#[derive(Serialize)]
struct JsonCell<'a> {
    name: &'a str,
    interpreter: &'a str,
    makespan: Option<JsonMetric>,
    p50: Option<JsonMetric>,
    p99: Option<JsonMetric>,
    memory: Option<JsonMetric>,
}

#[derive(Serialize)]
struct JsonErrors {
    median: f64,
    p90: f64,
    worst: f64,
}

impl From<ErrorSummary> for JsonErrors {
    fn from(s: ErrorSummary) -> Self {
        Self {
            median: s.median,
            p90: s.p90,
            worst: s.worst,
        }
    }
}

#[derive(Serialize)]
struct JsonRanking {
    right: usize,
    of: usize,
}

#[derive(Serialize)]
struct JsonSummary {
    makespan: JsonErrors,
    p50: JsonErrors,
    p99: JsonErrors,
    memory: JsonErrors,
    ranking: JsonRanking,
    limits: Value,
}

#[derive(Serialize)]
struct Json<'a> {
    schema: u32,
    cells: Vec<JsonCell<'a>>,
    summary: JsonSummary,
    #[serde(skip_serializing_if = "<[Unread]>::is_empty")]
    skipped: &'a [Unread],
}

/// The validation as JSON: seconds, bytes, and errors as fractions. `summary.limits` holds the limits on the errors, and whether they are
/// kept. Cells that could not be forecast are under `skipped`, which is left out if there are none.
pub fn json(v: &Validation) -> String {
    let cell = |c: &'_ CellReport| {
        let [makespan, p50, p99, memory] = c.metrics.map(|m| m.map(JsonMetric::from));
        (makespan, p50, p99, memory)
    };
    let cells = v.cells.iter().map(|c| {
        let (makespan, p50, p99, memory) = cell(c);
        JsonCell {
            name: &c.name,
            interpreter: &c.interpreter,
            makespan,
            p50,
            p99,
            memory,
        }
    });
    let errors = |metric| JsonErrors::from(v.summary(metric, |_| true));
    let (right, of) = v.ranked();
    let ranking = JsonRanking { right, of };
    let summary = JsonSummary {
        makespan: errors(0),
        p50: errors(1),
        p99: errors(2),
        memory: errors(3),
        ranking,
        limits: v.limits.json(&v.summaries(), (right, of)),
    };
    let all = Json {
        schema: 1,
        cells: cells.collect(),
        summary,
        skipped: &v.skipped,
    };
    let mut text = serde_json::to_string_pretty(&all).expect("finite numbers and strings");
    text.push('\n');
    text
}

fn percent(fraction: f64) -> String {
    format!("{:.1}%", fraction * 100.0)
}

/// A value of the metric with this index, in milliseconds or MiB.
fn value(metric: usize, x: f64) -> String {
    let shown = if METRICS[metric] == "memory" {
        x / (1024.0 * 1024.0)
    } else {
        x * 1e3
    };
    format!("{shown:.1}")
}

fn cell_columns(h: Option<&Held>, metric: usize) -> [String; 4] {
    match h {
        Some(h) => [
            value(metric, h.measured),
            value(metric, h.forecast),
            percent(h.error()),
            format!("{:+.1}%", h.relative() * 100.0),
        ],
        None => ["-", "-", "-", "-"].map(str::to_owned),
    }
}

fn summary_rows(v: &Validation) -> Vec<(String, [ErrorSummary; 4])> {
    let of = |choose: &dyn Fn(&CellReport) -> bool| [0, 1, 2, 3].map(|m| v.summary(m, choose));
    let mut rows: Vec<_> = v
        .strategies()
        .iter()
        .map(|s| ((*s).to_owned(), of(&|c| c.strategy == *s)))
        .collect();
    rows.push(("all".into(), of(&|_| true)));
    rows
}

fn ranking_lines(v: &Validation) -> Vec<String> {
    let wrong = v.ranking.iter().filter(|r| !r.right());
    let (right, of) = v.ranked();
    let mut lines = vec![format!(
        "best strategy named rightly: {right} of {of} workloads"
    )];
    lines.extend(wrong.map(|r| {
        format!(
            "wrong: {}: measured {}, forecast {} (really {} slower)",
            r.workload,
            r.best.0,
            r.best.1,
            percent(r.loss)
        )
    }));
    lines
}

fn skipped_lines(v: &Validation) -> Vec<String> {
    v.skipped
        .iter()
        .map(|s| format!("skipped: {} {}: {}", s.name, s.interpreter, s.reason))
        .collect()
}

/// The columns of a table: the name of a row, then its numbers.
fn columns(keys: &[&str], numbers: impl Iterator<Item = (String, &'static str)>) -> Vec<Column> {
    let keys = keys.iter().map(|title| Column {
        title: (*title).to_owned(),
        key: true,
        name: true,
        ..Column::default()
    });
    let numbers = numbers.map(|(title, unit)| Column {
        title,
        unit,
        number: true,
        ..Column::default()
    });
    keys.chain(numbers).collect()
}

/// The metrics of all cells: as many side by side as there is room for, and the others in further tables below.
fn cells(v: &Validation, style: Style) -> Vec<String> {
    const UNITS: [&str; 4] = ["makespan ms", "p50 ms", "p99 ms", "memory MiB"];
    const EACH: [&str; 4] = ["measured", "forecast", "error", "rel"];
    let table = |metrics: &[usize], style: Style| {
        let headings = metrics.iter().flat_map(|&m| {
            let titles = [UNITS[m], "", "", ""].map(str::to_owned);
            titles.into_iter().zip(EACH)
        });
        let columns = columns(&["cell", "interpreter"], headings);
        let rows: Vec<Vec<String>> = (v.cells.iter())
            .map(|c| {
                let numbers = metrics
                    .iter()
                    .flat_map(|&m| cell_columns(c.metrics[m].as_ref(), m));
                let names = [c.name.clone(), c.interpreter.clone()];
                names.into_iter().chain(numbers).collect()
            })
            .collect();
        layout::table(&columns, &rows, style, true)
    };
    let unbound = Style {
        width: usize::MAX,
        ..style
    };
    let all = [0, 1, 2, 3];
    let fits = |n: &usize| {
        let mut parts = all.chunks(*n);
        parts.all(|metrics| table(metrics, unbound).width <= style.width)
    };
    let n = [4, 2].into_iter().find(fits).unwrap_or(1);
    let mut lines: Vec<String> = Vec::new();
    for metrics in all.chunks(n) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(table(metrics, style).lines);
    }
    lines
}

/// The tables for the terminal. With `detail`, lines below them tell what else the simulation of each cell did.
pub fn text(v: &Validation, detail: bool, style: Style) -> String {
    let mut lines = cells(v, style);
    if detail {
        lines.push(String::new());
        for c in &v.cells {
            let first = format!("{} {}: ", c.name, c.interpreter);
            lines.extend(layout::entries(
                &detail_entries(c),
                "; ",
                &first,
                "    ",
                style,
            ));
        }
    }
    lines.push(String::new());
    let heading = "absolute errors: median / 90th percentile / worst";
    lines.extend(words(heading, "", "", style));
    let rows: Vec<Vec<String>> = summary_rows(v)
        .into_iter()
        .map(|(name, summaries)| {
            let errors = summaries
                .iter()
                .map(|s| [s.median, s.p90, s.worst].map(percent).join(" / "));
            [name, summaries[0].cells.to_string()]
                .into_iter()
                .chain(errors)
                .collect()
        })
        .collect();
    let headings = std::iter::once("cells").chain(METRICS);
    let columns = columns(&["strategy"], headings.map(|h| (h.to_owned(), "")));
    lines.extend(layout::table(&columns, &rows, style, true).lines);
    lines.push(String::new());
    for line in ranking_lines(v).into_iter().chain(skipped_lines(v)) {
        lines.extend(words(&line, "", "  ", style));
    }
    style.fit_lines(lines)
}

fn detail_entries(c: &CellReport) -> Vec<String> {
    let d = &c.detail;
    let causes: Vec<String> = d
        .causes
        .iter()
        .map(|(name, share)| format!("{name} {}", percent(*share)))
        .collect();
    vec![
        format!("cpu {:.4} s measured, {:.4} s forecast", d.cpu.0, d.cpu.1),
        format!(
            "switches {:.0}+{:.0} measured (main process), {:.0}+{:.0} forecast",
            d.voluntary.0, d.involuntary.0, d.voluntary.1, d.involuntary.1
        ),
        format!("{} events", d.events),
        causes.join(", "),
    ]
}

/// The validation as a page of the documentation, in Markdown.
pub fn markdown(v: &Validation) -> String {
    let mut out = String::from(
        "# Accuracy\n\nForecasts held against measured runs of real CPythons (`tests/data/reference`). Interpreter profiles are derived from\n\
         microbenchmarks, not from these cells; the model's mechanisms were chosen with them in view. Regenerate with\n\n\
         ```sh\npchsim validate tests/data/reference -o docs/accuracy.md --force\n```\n\n\
         *error* is how far the forecast lies outside the range of the measured runs, over their median (memory was measured once);\n\
         *rel* is the plain relative error.\n\n## Summary\n\nAbsolute errors: median / 90th percentile / worst.\n\n",
    );
    out.push_str("| strategy | cells | makespan | p50 | p99 | memory |\n| --- | ---: | ---: | ---: | ---: | ---: |\n");
    for (name, summaries) in summary_rows(v) {
        let name = if name == "all" {
            "**all**".to_owned()
        } else {
            format!("`{name}`")
        };
        let _ = write!(out, "| {name} | {} |", summaries[0].cells);
        for s in summaries {
            let _ = write!(
                out,
                " {} / {} / {} |",
                percent(s.median),
                percent(s.p90),
                percent(s.worst)
            );
        }
        out.push('\n');
    }
    out.push_str("\n## Ranking\n\n");
    for line in ranking_lines(v) {
        let _ = writeln!(out, "- {line}");
    }
    if !v.skipped.is_empty() {
        out.push_str("\n## Skipped\n\n");
        for line in skipped_lines(v) {
            let _ = writeln!(out, "- {line}");
        }
    }
    out.push_str("\n## Cells\n\nTimes in ms, memory in MiB: measured, forecast, error (rel).\n\n");
    out.push_str("| cell | interpreter | makespan | p50 | p99 | memory |\n| --- | --- | ---: | ---: | ---: | ---: |\n");
    for c in &v.cells {
        let _ = write!(out, "| {} | {} |", c.name, c.interpreter);
        for (m, held) in c.metrics.iter().enumerate() {
            let [a, b, error, relative] = cell_columns(held.as_ref(), m);
            let _ = write!(out, " {a}, {b}, {error} ({relative}) |");
        }
        out.push('\n');
    }
    out
}
