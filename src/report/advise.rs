//! Advice as text for a terminal.

use super::text::TextWriter;
use crate::advise::{Advice, Alternative, Approach, Migration};
use crate::layout::{self, Column, Style};
use crate::quantity::{IntervalDisplay, Unit, estimate};
use crate::quantity::{bytes, counted, list, quantity_text, time_unit};

/// The advice as text.
#[must_use]
pub fn text(advice: &Advice, style: Style) -> String {
    let mut out = TextWriter {
        out: String::new(),
        style,
    };
    out.prose("", &format!("Advice for {}", advice.scenario.name));
    out.entries(&facts(advice), " · ", "", "  ");
    if let Some(p) = &advice.proportion {
        out.prose("", &p.text);
    }
    out.line("");
    out.prose("", &answer(advice));
    out.line("");
    if let Some(r) = &advice.recommendation {
        r.calls.iter().for_each(|c| out.line(&format!("    {c}")));
        out.line("");
        for reason in &r.reasons {
            out.prose("    ", &format!("  - {reason}"));
        }
        out.prose(
            "    ",
            &format!(
                "  - Migration from {}: {}.",
                advice.constraints.current.name(),
                r.migration_effort
            ),
        );
        out.line("");
    }
    for u in &advice.unmet {
        out.prose("    ", &format!("  - {}", u.text));
    }
    if !advice.unmet.is_empty() {
        out.line("");
    }
    path(&mut out, advice);
    table(&mut out, advice);
    alternatives(&mut out, advice);
    sensitivity(&mut out, advice);
    if !advice.groups.is_empty() {
        out.line("Groups");
        for g in &advice.groups {
            out.prose("      ", &format!("  {}: {}", g.name, g.text));
        }
        if let Some(split) = &advice.split {
            out.prose("      ", &format!("  {}", split.text));
        }
        out.line("");
    }
    if !advice.factors.is_empty() {
        out.line("Other factors");
        for f in &advice.factors {
            out.prose("      ", &format!("  {}: {}", f.about, f.text));
        }
        out.line("");
    }
    if let Some(m) = &advice.migration {
        migrate(&mut out, m);
    }
    if let Some(command) = &advice.benchmark {
        out.line("Benchmark: the same work on this machine's Python, measured beside the forecast");
        out.line(&format!("    {command}"));
        out.line("");
    }
    let e = advice.effort;
    out.prose(
        "  ",
        &format!(
            "{} candidates, {} simulations, {} thousand events.{}",
            e.candidates,
            e.simulations,
            e.events / 1_000,
            simulated(advice)
        ),
    );
    out.line("");
    out.repeat(&advice.command);
    out.out
}

/// How many tasks a run had, where that is not what the scenario says.
fn simulated(advice: &Advice) -> String {
    let e = advice.effort;
    let fewer = advice.proportion.as_ref().is_some_and(|p| p.tasks > 1.0);
    if fewer {
        // Said with what follows from it.
        return String::new();
    }
    match (e.tasks_per_run, e.tasks_in_scenario) {
        (Some(run), Some(own)) if run != own => format!(
            " A run of the close look has {}, where the scenario counts {own}: a load that goes on is simulated for as long as it takes to tell approaches apart.",
            counted(run, "task")
        ),
        _ => String::new(),
    }
}

/// What was asked, in short.
pub(crate) fn facts(advice: &Advice) -> Vec<String> {
    let mut facts = vec![counted(u64::from(advice.cores), "core")];
    facts.extend(advice.requirements.iter().cloned());
    let c = &advice.constraints;
    if c.shared == Some(true) {
        facts.push("shared state".into());
    }
    if c.isolated {
        facts.push("isolation".into());
    }
    facts.push(format!("priority {}", advice.priority.name()));
    facts.push(advice.interpreters.join(", "));
    facts
}

/// The answer in a sentence or two.
pub(crate) fn answer(advice: &Advice) -> String {
    if let Some(r) = &advice.recommendation {
        return format!("Take {}.", r.title);
    }
    let why = advice
        .binding
        .as_deref()
        .unwrap_or("nothing can be simulated");
    let nearest = advice.nearest.as_ref().map_or(String::new(), |n| {
        format!(
            " Nearest: {} ({} on {}).",
            n.called(),
            n.strategy,
            n.interpreter
        )
    });
    format!("Nothing does what is required. In the way: {why}.{nearest}")
}

fn path(out: &mut TextWriter, advice: &Advice) {
    out.line("Decision path");
    for q in &advice.path.questions {
        out.prose(
            "      ",
            &format!("  {} {} ({})", q.question, q.answer, q.because),
        );
    }
    let says = format!("  The tree says: {}.", advice.path.prior.name());
    let agrees = if advice.path.agrees {
        " Simulation agrees.".to_owned()
    } else {
        advice
            .path
            .why
            .as_ref()
            .map_or(String::new(), |w| format!(" {w}"))
    };
    out.prose("      ", &format!("{says}{agrees}"));
    out.line("");
}

/// The approaches of the table: what is recommended, the others, and the single thread.
fn shown(advice: &Advice) -> Vec<(&'static str, &Approach)> {
    let mut all: Vec<(&str, &Approach)> = Vec::new();
    if let Some(r) = &advice.recommendation {
        all.push(("take", &r.approach));
    } else if let Some(n) = &advice.nearest {
        all.push(("nearest", n));
    }
    let same =
        |a: &Approach, b: &Approach| a.strategy == b.strategy && a.interpreter == b.interpreter;
    for a in advice
        .alternatives
        .iter()
        .map(|a| &a.approach)
        .chain(&advice.baseline)
    {
        if !all.iter().any(|(_, b)| same(a, b)) {
            all.push(("", a));
        }
    }
    all
}

fn table(out: &mut TextWriter, advice: &Advice) {
    let all = shown(advice);
    let batch = all.iter().any(|(_, a)| a.makespan_s.is_some());
    let times = |of: &dyn Fn(&Approach) -> Option<crate::measure::Estimate>| {
        let values = all.iter().filter_map(|(_, a)| of(a)).map(|e| e.mean);
        time_unit(values.fold(0.0, f64::max))
    };
    let span = times(&|a| a.makespan_s);
    let tail = times(&|a| a.latency_p95_s);
    let cpu = |a: &Approach| a.cpu_s.or(a.cpu_per_task_s);
    let cut = all.iter().any(|(_, a)| a.cpu_per_task_s.is_some());
    let spent = times(&cpu);
    let in_unit = |e: Option<crate::measure::Estimate>, (unit, _): (f64, &str), interval: bool| {
        let kind = if interval {
            IntervalDisplay::IfVisible
        } else {
            IntervalDisplay::Never
        };
        e.map_or("—".into(), |e| estimate(e.scaled(1.0 / unit), kind))
    };
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|(mark, a)| {
            let by_kind = if a.placement.is_empty() {
                ""
            } else {
                ", by kind"
            };
            let strategy = format!("{}{by_kind}", a.strategy);
            let mut row = vec![standing(mark, a), strategy, a.interpreter.clone()];
            if batch {
                row.push(in_unit(a.makespan_s, span, true));
            }
            row.push(in_unit(a.latency_p95_s, tail, !batch));
            row.push(
                a.speedup
                    .map_or("—".into(), |s| quantity_text(Unit::Count, s)),
            );
            row.push(a.memory_bytes.map_or("—".into(), |m| bytes(m.mean)));
            row.push(in_unit(cpu(a), spent, false));
            row
        })
        .collect();
    let mut columns = vec![
        Column::new("", "", false),
        Column::new("strategy", "", false),
        Column::new("on", "", false),
    ];
    columns[1].name = true;
    if batch {
        columns.push(Column::new("time", span.1, true));
    }
    columns.push(Column::new("p95", tail.1, true));
    columns.push(Column::new("speed-up", "", true));
    columns.push(Column::new("memory", "", true));
    let title = if cut { "CPU/task" } else { "CPU" };
    columns.push(Column::new(title, spent.1, true));
    let laid = layout::table(&columns, &rows, out.style, true);
    out.lines(laid.lines);
    out.line("");
}

/// Whether it may be taken, in a word.
fn standing(mark: &str, a: &Approach) -> String {
    if !mark.is_empty() {
        mark.to_owned()
    } else if a.excluded.is_some() {
        "excluded".into()
    } else if let Some(status) = &a.status {
        status.clone()
    } else if a.meets {
        "works".into()
    } else {
        "misses".into()
    }
}

fn alternatives(out: &mut TextWriter, advice: &Advice) {
    if advice.alternatives.is_empty() {
        return;
    }
    out.line("Alternatives");
    for a in &advice.alternatives {
        out.prose("      ", &format!("  {}", alternative(a)));
    }
    if !advice.further.is_empty() {
        let all: Vec<String> = advice.further.iter().map(|f| f.text.clone()).collect();
        out.prose(
            "      ",
            &format!("  Simulated as well, and behind these: {}.", all.join("; ")),
        );
    }
    if let Some(text) = &advice.second_best {
        out.prose("      ", &format!("  {text}"));
    }
    out.line("");
}

/// An alternative in a sentence or two.
pub(crate) fn alternative(a: &Alternative) -> String {
    let wins: Vec<String> = a.wins.iter().map(|w| w.text.clone()).collect();
    let wins = if wins.is_empty() {
        String::new()
    } else {
        format!(". Better {}", list(&wins).replace(" and ", " or "))
    };
    let what = if a.trade_off.is_empty() {
        String::new()
    } else {
        format!(": {}", a.trade_off)
    };
    format!(
        "{} ({}){what}{wins}.",
        a.approach.called(),
        a.approach.strategy
    )
}

fn sensitivity(out: &mut TextWriter, advice: &Advice) {
    let changes: Vec<&str> = advice
        .sensitivity
        .iter()
        .filter(|s| s.changes)
        .map(|s| s.text.as_str())
        .collect();
    if !advice.sensitivity.is_empty() {
        if changes.is_empty() {
            out.line("No input changes the answer, if wrong by half or double");
        } else {
            out.line("What changes the answer, if wrong by half or double");
            changes
                .iter()
                .for_each(|c| out.prose("      ", &format!("  {c}")));
        }
        out.line("");
    }
    if advice.priorities.iter().all(|p| p.family.is_none()) {
        // It has been said that nothing does what is required, whatever matters most.
        return;
    }
    out.line("If something else mattered most");
    for p in &advice.priorities {
        out.prose("      ", &format!("  {}: {}", p.priority.name(), p.text));
    }
    out.line("");
}

fn migrate(out: &mut TextWriter, m: &Migration) {
    out.line(&format!("From {} to {}", m.from.name(), m.to.name()));
    for (i, step) in m.steps.iter().enumerate() {
        out.prose("     ", &format!("  {}. {step}", i + 1));
    }
    out.line("");
    if m.before == m.after {
        out.line("  code, before and after");
    } else {
        out.line("  before");
        m.before.lines().for_each(|l| out.line(&format!("    {l}")));
        out.line("");
        out.line("  after");
    }
    m.after.lines().for_each(|l| out.line(&format!("    {l}")));
    out.line("");
    if !m.review.is_empty() {
        out.line("  review");
    }
    m.review
        .iter()
        .for_each(|r| out.prose("      ", &format!("    - {r}")));
    if !m.pitfalls.is_empty() {
        out.line("  pitfalls (docs/cpython-runtime.md, section 19)");
    }
    m.pitfalls
        .iter()
        .for_each(|p| out.prose("        ", &format!("    {} {}", p.id, p.text)));
    out.prose("    ", &format!("  back: {}", m.rollback));
    out.line("  watch");
    m.watch
        .iter()
        .for_each(|w| out.prose("      ", &format!("    - {w}")));
    out.line("");
}
