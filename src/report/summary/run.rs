//! A run: which strategy to take, and how all of them compare.

use super::{
    Cell, Column, Names, Notice, Objective, Ranking, Row, Summary, Table, Words, article, facts,
    shared_unit, why,
};
use crate::report::document::{CaseDocument, EstimateDocument, RunDocument};
use crate::report::grid::Interval;
use crate::scenario::Metric;
use crate::study::{Quantity, digits};

pub(super) fn summary(run: &RunDocument) -> Summary {
    let ranking = Ranking::new(&run.ranked_by);
    Summary {
        name: run.scenario.name.clone(),
        question: run.scenario.question.clone(),
        answer: answer(run, &ranking),
        because: why::because(run),
        insights: Vec::new(),
        table: table(run, &ranking),
        objectives: objectives(run),
        notices: notices(run),
        assumptions: facts::of_run(run),
        command: run.command.clone(),
    }
}

/// The warnings, then the notes.
fn notices(run: &RunDocument) -> Vec<Notice> {
    let mut all: Vec<Notice> = run
        .warnings
        .iter()
        .map(|w| Notice {
            note: w.note,
            text: w.text.clone(),
        })
        .collect();
    all.sort_by_key(|n| n.note);
    all
}

/// How the run's cases are called.
pub(super) fn names_of(run: &RunDocument) -> Names {
    Names::of(run.cases.iter().chain(&run.hidden_baseline))
}

fn short_name(run: &RunDocument, case: &CaseDocument) -> String {
    names_of(run).short(case)
}

fn names(run: &RunDocument, cases: &[&CaseDocument]) -> Vec<String> {
    let names = names_of(run);
    cases.iter().map(|c| names.short(c)).collect()
}

fn answer(run: &RunDocument, ranking: &Ranking) -> Vec<Words> {
    let leaders: Vec<&CaseDocument> = run.cases.iter().filter(|c| c.rank == Some(1)).collect();
    let mut all = match leaders.first().and_then(|c| c.primary().map(|p| (*c, p))) {
        Some((best, value)) => first_place(run, ranking, &leaders, best, value),
        None => vec![no_best(run)],
    };
    all.extend(without_numbers(run, !leaders.is_empty()));
    all
}

fn first_place(
    run: &RunDocument,
    ranking: &Ranking,
    leaders: &[&CaseDocument],
    best: &CaseDocument,
    value: EstimateDocument,
) -> Vec<Words> {
    let is_baseline = |c: &CaseDocument| run.baseline.as_deref() == Some(c.name().as_str());
    let mut words = Words::default().names(&names(run, leaders));
    let fine = run.cases.iter().filter(|c| c.is_fine()).count();
    words = match leaders {
        [_] if fine == 1 => words.text(" takes"),
        [_] => words.text(" is best, with"),
        _ => words.text(" do equally well (less than 1% apart, or not to be told apart), with"),
    };
    words = words.text(format!(
        " {} {} of {}",
        article(&ranking.name),
        ranking.name,
        ranking.text(value)
    ));
    if let (Some(speedup), Some(baseline)) = (best.speedup, &run.baseline)
        && !leaders.iter().any(|c| is_baseline(c))
    {
        let baseline = run
            .cases
            .iter()
            .chain(run.hidden_baseline.as_ref())
            .find(|c| is_baseline(c))
            .map_or_else(|| baseline.clone(), |c| short_name(run, c));
        words = words
            .text(format!(": {} ", ranking.ahead(speedup)))
            .name(baseline);
    }
    let next = run.cases.iter().find(|c| c.rank.is_some_and(|r| r > 1));
    if let Some((next, behind)) = next.and_then(|c| Some((c, behind(c)?))) {
        words = words
            .text("; next is ")
            .name(short_name(run, next))
            .text(format!(", which {}", ranking.behind(behind, value.mean)));
    }
    let mut all = vec![words.text(".")];
    let little = matches!(
        best.speedup_reading.as_deref(),
        Some("slower" | "not worth it")
    );
    if little || leaders.iter().any(|c| is_baseline(c)) && fine > 1 {
        all.push(Words::default().text(
            "Concurrency does not pay here: plain sequential code does about as well, or better.",
        ));
    }
    all
}

/// The paired difference from the best.
fn behind(case: &CaseDocument) -> Option<EstimateDocument> {
    let (_, value) = case
        .others
        .iter()
        .find(|(key, _)| key.starts_with("behind_best_"))?;
    serde_json::from_value(value.clone()).ok()
}

fn no_best(run: &RunDocument) -> Words {
    let done = |c: &CaseDocument| c.get(Quantity::Throughput).map_or(0.0, |e| e.mean);
    let most = run
        .cases
        .iter()
        .filter(|c| c.status == "saturated")
        .max_by(|a, b| done(a).total_cmp(&done(b)));
    match most {
        Some(c) => Words::default()
            .text("No strategy keeps up with the arrivals; ")
            .name(short_name(run, c))
            .text(format!(
                " does most, {} tasks a second.",
                digits(done(c), 3)
            )),
        None => Words::default()
            .text("No strategy has a forecast that means anything; the warnings say why."),
    }
}

/// Which cases have no numbers, and why.
fn without_numbers(run: &RunDocument, some_do: bool) -> Vec<Words> {
    let mut all = Vec::new();
    for (status, says) in [
        ("saturated", " cannot keep up with the arrivals."),
        ("out of memory", " runs out of memory."),
        ("deadlock", " deadlocks."),
        ("event limit", " was stopped before its end."),
        ("nothing completed", " completes no task."),
        ("unsupported", " cannot be had on its interpreter."),
    ] {
        let of: Vec<&CaseDocument> = run.cases.iter().filter(|c| c.status == status).collect();
        if of.is_empty() || (!some_do && status == "saturated") {
            continue;
        }
        let says = if of.len() == 1 {
            says.to_owned()
        } else {
            says.replace(" runs ", " run ")
                .replace(" deadlocks", " deadlock")
                .replace(" was ", " were ")
                .replace(" completes ", " complete ")
                .replace("its interpreter", "their interpreter")
                .replace("before its end", "before their end")
        };
        all.push(Words::default().names(&names(run, &of)).text(says));
    }
    all
}

/// Which quantity of the table the metric is.
fn quantity(metric: Option<Metric>) -> Option<Quantity> {
    metric.and_then(crate::report::grid::primary_quantity)
}

fn table(run: &RunDocument, ranking: &Ranking) -> Table {
    let mut t = Builder {
        run,
        table: Table {
            caption: format!(
                "Strategies compared, by {}; ± is the half-width of the {} confidence interval",
                ranking.name,
                crate::study::percent(run.confidence)
            ),
            columns: Vec::new(),
            rows: run
                .cases
                .iter()
                .map(|c| Row {
                    cells: Vec::new(),
                    best: c.rank == Some(1),
                    fine: c.is_fine(),
                })
                .collect(),
            left_out: 0,
        },
    };
    t.push(Column::new("#", "", true), |c| match c.rank {
        Some(r) => Cell::number(
            f64::from(r),
            format!("{r}{}", if c.tied { "=" } else { "" }),
        ),
        None => Cell::text("–"),
    });
    t.push(Column::new("strategy", "", false), |c| {
        Cell::name(&c.strategy)
    });
    let names = names_of(run);
    if !names.single {
        let title = names.prefix.strip_suffix('-').unwrap_or("interpreter");
        t.push(Column::new(title, "", false), |c| {
            Cell::name(names.interpreter(c))
        });
    }
    t.numbers(
        &ranking.name,
        ranking.unit(),
        Interval::Always,
        CaseDocument::primary,
    );
    if run.baseline.is_some() || run.cases.iter().any(|c| !c.is_fine()) {
        t.push(Column::new("vs baseline", "", false), |c| against(run, c));
    }
    let primary = quantity(ranking.metric);
    for (title, q) in [
        ("makespan", Quantity::Makespan),
        ("p50", Quantity::P50),
        ("p95", Quantity::P95),
        ("p99", Quantity::P99),
        ("tasks/s", Quantity::Throughput),
        ("CPU", Quantity::Cpu),
        ("memory", Quantity::MemoryPeak),
        ("failed", Quantity::FailureRate),
    ] {
        let of_batches = q == Quantity::Makespan && run.steady_state;
        let failures = |c: &CaseDocument| c.get(q).is_some_and(|e| e.mean > 0.0);
        let none_fails = q == Quantity::FailureRate && !run.cases.iter().any(failures);
        if primary != Some(q) && !of_batches && !none_fails {
            t.numbers(title, q.unit(), Interval::IfVisible, |c| c.get(q));
        }
    }
    if run.cases.iter().any(|c| !c.objectives.is_empty()) {
        t.push(Column::new("objectives", "", false), |c| {
            let met = c.objectives.iter().filter(|o| o.verdict == "met").count();
            let signs: String = c.objectives.iter().map(|o| sign(&o.verdict)).collect();
            Cell {
                text: format!("{signs} {met}/{}", c.objectives.len()),
                ..Cell::default()
            }
        });
    }
    t.table
}

fn against(run: &RunDocument, c: &CaseDocument) -> Cell {
    if run.baseline.as_deref() == Some(c.name().as_str()) {
        return Cell::number(1.0, "baseline");
    }
    match (c.speedup, &c.speedup_reading) {
        _ if !c.is_fine() => Cell::text(c.status.clone()),
        (Some(s), Some(reading)) => {
            Cell::number(s.mean, format!("×{}, {reading}", digits(s.mean, 3)))
        }
        _ => Cell::text("–"),
    }
}

pub(super) fn sign(verdict: &str) -> char {
    match verdict {
        "met" => '✓',
        "missed" => '✗',
        _ => '?',
    }
}

struct Builder<'a> {
    run: &'a RunDocument,
    table: Table,
}

impl Builder<'_> {
    fn push(&mut self, column: Column, cell: impl Fn(&CaseDocument) -> Cell) {
        self.table.columns.push(column);
        for (row, case) in self.table.rows.iter_mut().zip(&self.run.cases) {
            row.cells.push(cell(case));
        }
    }

    fn numbers(
        &mut self,
        title: &str,
        unit: crate::study::Unit,
        interval: Interval,
        get: impl Fn(&CaseDocument) -> Option<EstimateDocument>,
    ) {
        let values = self.run.cases.iter().filter_map(&get).map(|e| e.mean);
        let (scale, name) = shared_unit(unit, values);
        self.push(Column::new(title, name, true), |c| {
            Cell::estimate(get(c), scale, interval)
        });
    }
}

fn objectives(run: &RunDocument) -> Vec<Objective> {
    let Some(first) = run.cases.first() else {
        return Vec::new();
    };
    (0..first.objectives.len())
        .map(|i| {
            let of = |verdict: &str| -> Vec<&CaseDocument> {
                let judged =
                    |c: &&CaseDocument| c.objectives.get(i).is_some_and(|o| o.verdict == verdict);
                run.cases.iter().filter(judged).collect()
            };
            let (met, unsure) = (of("met"), of("undecided"));
            let mut by = match met.as_slice() {
                [] => Words::default().text("met by none"),
                all if all.len() == run.cases.len() => {
                    Words::default().text(format!("met by all {}", all.len()))
                }
                some => Words::default().text("met by ").names(&names(run, some)),
            };
            if !unsure.is_empty() {
                by = by.text("; undecided for ").names(&names(run, &unsure));
            }
            Objective {
                text: first.objectives[i].objective.clone(),
                verdict: match (met.is_empty(), unsure.is_empty()) {
                    (false, _) => "met",
                    (true, false) => "undecided",
                    (true, true) => "missed",
                },
                by,
            }
        })
        .collect()
}
