//! Shows a verification as text, JSON and Markdown.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::compare::{Verification, Verified};
use super::prepare::LeftOut;
use crate::layout;
use crate::layout::Style;
use crate::layout::{Column, words};
use crate::quantity::{Unit, digits, percent, shared_unit};
use crate::verify::{Held, METRICS};

/// The index of memory in [`METRICS`].
const MEMORY: usize = 3;
const HEADINGS: [&str; 6] = ["strategy", "", "measured", "forecast", "error", "relative"];

/// The table for people. Where there is not enough room, the relative error is left out.
pub fn text(v: &Verification, style: Style) -> String {
    let columns: Vec<Column> = (HEADINGS.iter().enumerate())
        .map(|(i, title)| Column {
            title: (*title).to_owned(),
            number: i >= 2,
            key: i < 2,
            name: i == 0,
            dispensable: u8::from(i == 5),
            ..Column::default()
        })
        .collect();
    let rows: Vec<Vec<String>> = rows(v).into_iter().map(Vec::from).collect();
    let mut lines = words(&title(v), "", "  ", style);
    lines.push(String::new());
    if !v.verified.is_empty() {
        lines.extend(layout::table(&columns, &rows, style, false).lines);
        lines.push(String::new());
    }
    for line in summary(v) {
        lines.extend(words(&line, "", "  ", style));
    }
    for (heading, list) in [("Failed", &v.failures), ("Not verified", &v.left_out)] {
        for LeftOut { label, why } in list {
            let text = format!("{heading}: {label}: {why}");
            for (i, line) in text.lines().enumerate() {
                let indent = if i == 0 { "" } else { "    " };
                lines.extend(words(line, indent, "    ", style));
            }
        }
    }
    for note in notes(v) {
        lines.extend(words(&format!("note: {note}"), "", "  ", style));
    }
    style.fit_lines(lines)
}

/// The verification as Markdown, for issues and documents.
pub fn markdown(v: &Verification) -> String {
    let cell = |s: &str| s.replace('|', "\\|");
    let mut out = format!("## {}\n\n", title(v));
    if !v.verified.is_empty() {
        out.push_str("| strategy | | measured | forecast | error | relative |\n| --- | --- | ---: | ---: | ---: | ---: |\n");
        for row in rows(v) {
            let cells: Vec<_> = row.iter().map(|c| cell(c)).collect();
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
        out.push('\n');
    }
    for line in summary(v) {
        let _ = writeln!(out, "- {line}");
    }
    for (heading, list) in [("Failed", &v.failures), ("Not verified", &v.left_out)] {
        for LeftOut { label, why } in list {
            let first = why.lines().next().unwrap_or_default();
            let _ = writeln!(out, "- {heading}: `{label}`: {first}");
        }
    }
    for note in notes(v) {
        let _ = writeln!(out, "- Note: {note}");
    }
    out
}

fn title(v: &Verification) -> String {
    let pythons: Vec<_> = v
        .pythons
        .iter()
        .map(|(version, _, profile)| format!("CPython {version} (profile {profile})"))
        .collect();
    let scale = if v.scale == 1.0 {
        String::new()
    } else {
        format!(", times scaled by {}", v.scale)
    };
    format!(
        "{} on {}, {} {}, {} {} of each strategy{scale}",
        v.scenario,
        pythons.join(" and "),
        v.cores,
        if v.cores == 1 { "core" } else { "cores" },
        v.runs,
        if v.runs == 1 { "run" } else { "runs" },
    )
}

/// What was measured and what was forecast, in the same unit.
fn formatted(metric: usize, h: &Held) -> [String; 2] {
    let unit = if metric == MEMORY {
        Unit::Bytes
    } else {
        Unit::Seconds
    };
    let (scale, name) = shared_unit(unit, [h.measured, h.forecast].into_iter());
    [h.measured, h.forecast].map(|v| format!("{} {name}", digits(v / scale, 3)))
}

fn rows(v: &Verification) -> Vec<[String; 6]> {
    let mut rows = Vec::new();
    for verified in &v.verified {
        let mut name = if v.pythons.len() > 1 {
            format!("{} on {}", verified.label, verified.python)
        } else {
            verified.label.clone()
        };
        for (metric, held) in verified.metrics.iter().enumerate() {
            let Some(h) = held else { continue };
            let [measured, forecast] = formatted(metric, h);
            rows.push([
                std::mem::take(&mut name),
                METRICS[metric].into(),
                measured,
                forecast,
                percent(h.error()),
                signed(h.relative()),
            ]);
        }
        let times = [("CPU", &verified.cpu), ("back", &verified.back)];
        for (what, held) in times {
            let Some(h) = held else { continue };
            let [measured, forecast] = formatted(0, h);
            rows.push([
                std::mem::take(&mut name),
                what.into(),
                measured,
                forecast,
                percent(h.error()),
                signed(h.relative()),
            ]);
        }
        if let Some([measured, forecast]) = failed(verified) {
            let name = std::mem::take(&mut name);
            let none = String::new();
            rows.push([
                name,
                "failed".into(),
                measured,
                forecast,
                none.clone(),
                none,
            ]);
        }
    }
    rows
}

/// How fast the machine was against the best speed of whatever the profile was measured on.
fn speed(slowest: f64) -> String {
    let took = format!("{slowest:.2} times what it takes at the profile's best");
    // A quiet machine is a percent or two from its own best.
    if slowest < 0.95 {
        format!("a loop took {took}, so the profile is of a slower machine")
    } else {
        format!("a loop took up to {took}")
    }
}

/// How many tasks failed or were given up, where any did: no time of theirs is among the latencies.
fn failed(verified: &Verified) -> Option<[String; 2]> {
    let (measured, forecast) = verified.failed;
    (measured > 0.0 || forecast > 0.0).then(|| [digits(measured, 3), digits(forecast, 3)])
}

fn signed(share: f64) -> String {
    format!("{:+.1}%", share * 100.0)
}

fn summary(v: &Verification) -> Vec<String> {
    let mut lines = Vec::new();
    let excesses = v.excesses();
    for (metric, (limit, s)) in v.limits.metrics.iter().zip(v.summaries()).enumerate() {
        let Some(limit) = limit.filter(|_| s.cells > 0) else {
            continue;
        };
        lines.push(format!(
            "{}: median error {} (limit {}), 90th percentile {} ({}), worst {} ({}): {}",
            METRICS[metric],
            percent(s.median),
            percent(limit.median),
            percent(s.p90),
            percent(limit.p90),
            percent(s.worst),
            percent(limit.worst),
            if excesses.iter().any(|e| e.metric() == Some(metric)) {
                "exceeded"
            } else {
                "kept"
            },
        ));
    }
    if let Some(r) = v.ranking() {
        lines.push(if r.measured == r.forecast {
            format!("ranking by {}: right, {} is best in both", r.by, r.measured)
        } else {
            format!(
                "ranking by {}: {}, {} was measured best, {} was forecast to be ({} slower)",
                r.by,
                if r.right() {
                    "right within 10%"
                } else {
                    "wrong"
                },
                r.measured,
                r.forecast,
                percent(r.loss),
            )
        });
    }
    if !v.verified.is_empty() {
        let (spread, drift, others) = v.noise();
        let others = others.map_or(String::new(), |o| {
            format!("other programs used up to {} of the cores; ", percent(o))
        });
        let slowest = v.verified.iter().map(|x| x.slowness).fold(0.0, f64::max);
        let differ = if v.runs > 1 {
            format!("runs of a strategy differ by up to {}", percent(spread))
        } else {
            "one run does not tell how much runs differ".into()
        };
        lines.push(format!(
            "machine: {others}{differ}, its speed changed by up to {} during a run; {}{}",
            percent(drift),
            speed(slowest),
            if v.noisy() {
                "; too busy or too unsteady, so take the errors with care"
            } else {
                ""
            },
        ));
        lines.push(
            "error: how far the forecast lies outside the range of the runs, divided by their median".into(),
        );
    }
    lines
}

fn notes(v: &Verification) -> Vec<String> {
    let mut notes = v.notes.clone();
    for verified in &v.verified {
        for note in &verified.notes {
            notes.push(format!("{}: {note}", verified.label));
        }
    }
    notes
}

/// Everything as JSON for programs: seconds, bytes, and errors as fractions.
pub fn json(v: &Verification) -> String {
    let held = |h: &Option<Held>| {
        h.map_or(Value::Null, |h| {
            json!({
                "measured": h.measured, "least": h.least, "greatest": h.greatest,
                "forecast": h.forecast, "error": h.error(), "relative": h.relative(),
            })
        })
    };
    let one = |x: &Verified| {
        let [makespan, p50, p99, memory] = x.metrics.each_ref().map(held);
        let mut one = json!({
            "strategy": x.label, "python": x.python,
            "makespan": makespan, "p50": p50, "p99": p99, "memory": memory, "cpu": held(&x.cpu),
            "switches": {
                "voluntary": {"measured_main": x.switches[0].0, "forecast_all": x.switches[0].1},
                "involuntary": {"measured_main": x.switches[1].0, "forecast_all": x.switches[1].1},
            },
            "failed": {"measured": x.failed.0, "forecast": x.failed.1},
            "slowness": x.slowness, "spread": x.spread, "drift": x.drift, "others": x.others, "notes": x.notes,
        });
        if let (Some(_), Value::Object(fields)) = (x.back, &mut one) {
            fields.insert("back".into(), held(&x.back));
        }
        if let (Some(c), Value::Object(fields)) = (x.client, &mut one) {
            let client = json!({
                "cpu": c.cpu_s, "share": c.share, "apart": c.apart, "requests": c.requests, "late": c.late,
                "refused": c.refused, "broken": c.broken,
            });
            fields.insert("client".into(), client);
        }
        one
    };
    let out = |list: &[LeftOut]| {
        list.iter()
            .map(|l| json!({"strategy": l.label, "why": l.why}))
            .collect::<Vec<_>>()
    };
    let limits = v.limits.json(&v.summaries(), v.ranked());
    let ranking = v.ranking().map(|r| {
        json!({"by": r.by, "measured": r.measured, "forecast": r.forecast, "loss": r.loss, "right": r.right()})
    });
    let (spread, drift, others) = v.noise();
    let pythons: Vec<_> = v
        .pythons
        .iter()
        .map(|(version, path, profile)| json!({"version": version, "path": path, "profile": profile}))
        .collect();
    let all = json!({
        "schema": 1, "scenario": v.scenario, "pythons": pythons, "scale": v.scale, "runs": v.runs, "cores": v.cores,
        "strategies": v.verified.iter().map(one).collect::<Vec<_>>(),
        "summary": {"limits": limits, "ranking": ranking, "spread": spread, "drift": drift, "others": others, "noisy": v.noisy()},
        "failures": out(&v.failures), "left_out": out(&v.left_out), "notes": v.notes,
    });
    format!("{all:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_faster_machine_is_not_a_busy_one() {
        assert_eq!(
            speed(0.43),
            "a loop took 0.43 times what it takes at the profile's best, so the profile is of a slower machine"
        );
        for (slowest, took) in [(0.98, "0.98"), (1.37, "1.37")] {
            let said = speed(slowest);
            assert!(
                said.starts_with(&format!("a loop took up to {took} times")),
                "{said}"
            );
            assert!(!said.contains("slower"), "{said}");
        }
    }
}
