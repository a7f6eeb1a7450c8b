//! The report for a terminal: verdict, comparison, why, objectives, warnings, and the command that repeats the run.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};

use super::bars::{bar, in_words, legend};
use super::grid::{Grid, metric_name, metric_text, short_name, sign, single_interpreter};
use super::{Meta, Style};
use crate::measure::CONFIDENCE;
use crate::study::{Forecast, Reading, Status, Study, Verdict, digits, list, percent};

/// The study as a text that answers in its first line.
pub fn text(study: &Study, meta: &Meta, style: Style) -> String {
    let mut out = String::new();
    heading(&mut out, study);
    out.push('\n');
    for line in verdict(study) {
        line_of(&mut out, &line);
    }
    out.push('\n');
    line_of(&mut out, &table(study, style));
    out.push('\n');
    why(&mut out, study, style);
    objectives(&mut out, study);
    if style.verbose {
        classes(&mut out, study);
    }
    warnings(&mut out, study);
    line_of(&mut out, &format!("repeat: {}", meta.command));
    style.fit(out)
}

fn line_of(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

fn heading(out: &mut String, study: &Study) {
    let question = if study.question.is_empty() {
        String::new()
    } else {
        format!(": {}", study.question)
    };
    line_of(out, &format!("{}{question}", study.name));
    let cores = study.machine.cores.len();
    let mut facts = vec![format!(
        "{cores} {}",
        if cores == 1 { "core" } else { "cores" }
    )];
    facts.extend(single_interpreter(study).map(str::to_owned));
    let count = |f: &&Forecast| f.replications > 0 && f.status == Status::Fine;
    let least = study
        .forecasts
        .iter()
        .filter(count)
        .map(|f| f.replications)
        .min();
    let most = study
        .forecasts
        .iter()
        .filter(count)
        .map(|f| f.replications)
        .max();
    match (least, most) {
        (Some(a), Some(b)) if a == b => facts.push(format!("{a} {}", plural(a, "replication"))),
        (Some(a), Some(b)) => facts.push(format!("{a} to {b} replications")),
        _ => {}
    }
    if study.steady {
        facts.push(format!(
            "warm-up of {} left out",
            crate::study::seconds(study.warmup)
        ));
    }
    facts.push(format!("seed {}", study.seed));
    facts.push(format!("± at {} confidence", percent(CONFIDENCE)));
    line_of(out, &facts.join(" · "));
}

fn plural(n: u32, word: &str) -> String {
    if n == 1 {
        word.into()
    } else {
        format!("{word}s")
    }
}

/// The answer in one or two lines.
fn verdict(study: &Study) -> Vec<String> {
    let leaders: Vec<&Forecast> = study
        .forecasts
        .iter()
        .filter(|f| f.rank == Some(1))
        .collect();
    let Some((best, primary)) = leaders.first().and_then(|f| f.primary.map(|p| (*f, p))) else {
        return vec!["No strategy has a forecast that means anything; see the warnings.".into()];
    };
    let metric = metric_name(study.metric);
    let value = metric_text(study.metric, primary);
    let mut first = format!("Best: {}, {metric} {value}", short_name(study, best));
    if let (Some(s), Some(r)) = (best.speedup, best.reading())
        && study.baseline.as_deref() != Some(best.name().as_str())
    {
        let _ = write!(
            first,
            ", ×{} against sequential ({})",
            super::grid::estimate(s, super::grid::Interval::IfVisible),
            r.text()
        );
    }
    let mut lines = vec![format!("{first}.")];
    if leaders.len() > 1 {
        let others: Vec<String> = leaders[1..].iter().map(|f| short_name(study, f)).collect();
        let verb = if others.len() == 1 { "is" } else { "are" };
        lines.push(format!(
            "Tied with it: {} {verb} not distinguishable, or less than 1% apart.",
            list(&others)
        ));
    } else if let Some((second, behind)) = study
        .forecasts
        .get(1)
        .and_then(|f| f.behind_best.map(|b| (f, b)))
    {
        let relative = behind.scaled(1.0 / primary.mean.abs().max(f64::MIN_POSITIVE));
        let by = super::grid::estimate(relative.scaled(100.0), super::grid::Interval::IfVisible);
        lines.push(format!(
            "Next: {}, {metric} {by}% {}.",
            short_name(study, second),
            if relative.mean < 0.0 { "below" } else { "more" }
        ));
    }
    if best.reading() == Some(Reading::NotWorthIt) || best.reading() == Some(Reading::Slower) {
        lines.push("Concurrency does not pay here: sequential code does about as well.".into());
    }
    lines
}

fn table(study: &Study, style: Style) -> String {
    let grid = Grid::new(study);
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(grid.columns.iter().map(|c| c.title.as_str()));
    grid.rows.iter().for_each(|r| {
        // Before the layout: a sign that becomes two in ASCII must find its room.
        table.add_row(r.iter().map(|cell| style.fit(cell.clone())));
    });
    for (i, c) in grid.columns.iter().enumerate() {
        if let Some(column) = table.column_mut(i) {
            column.set_padding((0, 2));
            column.set_cell_alignment(if c.number {
                CellAlignment::Right
            } else {
                CellAlignment::Left
            });
        }
    }
    let lines: Vec<String> = table.lines().map(|l| l.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// Where the time of each strategy's tasks went.
fn why(out: &mut String, study: &Study, style: Style) {
    let with: Vec<&Forecast> = study
        .forecasts
        .iter()
        .filter(|f| f.causes.iter().sum::<f64>() > 0.0)
        .collect();
    if with.is_empty() {
        return;
    }
    line_of(out, "Why: where the tasks' time goes");
    let names: Vec<String> = with.iter().map(|f| short_name(study, f)).collect();
    let width = names.iter().map(|n| n.chars().count()).max().unwrap_or(0);
    for (f, name) in with.iter().zip(&names) {
        let pad = " ".repeat(width - name.chars().count());
        line_of(
            out,
            &format!(
                "  {name}{pad}  │{:40}│ {}",
                bar(&f.causes),
                in_words(f, style.verbose)
            ),
        );
    }
    line_of(out, &format!("  {}", legend(&study.forecasts)));
    out.push('\n');
}

fn objectives(out: &mut String, study: &Study) {
    let count = study.forecasts.first().map_or(0, |f| f.objectives.len());
    if count == 0 {
        return;
    }
    line_of(out, "Objectives");
    for i in 0..count {
        let of = |v: Verdict| -> Vec<String> {
            study
                .forecasts
                .iter()
                .filter(|f| f.objectives[i].verdict == v)
                .map(|f| short_name(study, f))
                .collect()
        };
        let met = of(Verdict::Met);
        let unsure = of(Verdict::Undecided);
        let best = match (met.is_empty(), unsure.is_empty()) {
            (false, _) => Verdict::Met,
            (true, false) => Verdict::Undecided,
            (true, true) => Verdict::Missed,
        };
        let mark = sign(best);
        let by = if met.is_empty() {
            "met by none".into()
        } else {
            format!("met by {}", list(&met))
        };
        let unsure = if unsure.is_empty() {
            String::new()
        } else {
            format!("; undecided: {}", list(&unsure))
        };
        line_of(
            out,
            &format!(
                "  {mark} {}: {by}{unsure}",
                study.forecasts[0].objectives[i].text
            ),
        );
    }
    out.push('\n');
}

/// Latencies of each class, for workloads with several.
fn classes(out: &mut String, study: &Study) {
    if study.forecasts.first().is_none_or(|f| f.classes.len() < 2) {
        return;
    }
    line_of(out, "Latency by class (p50, p95, p99 in seconds)");
    for f in &study.forecasts {
        for c in &f.classes {
            let cell = |i: usize| c.latencies[i].map_or("–".into(), |e| digits(e.mean, 3));
            line_of(
                out,
                &format!(
                    "  {}, {}: {}, {}, {}",
                    short_name(study, f),
                    c.name,
                    cell(1),
                    cell(3),
                    cell(4)
                ),
            );
        }
    }
    out.push('\n');
}

fn warnings(out: &mut String, study: &Study) {
    for w in &study.warnings {
        let kind = if w.is_note() { "note" } else { "warning" };
        line_of(out, &format!("{kind}: {}", w.text()));
    }
    if !study.warnings.is_empty() {
        out.push('\n');
    }
}
