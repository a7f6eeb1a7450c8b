//! A run: which strategy to take, and how all of them compare.

use super::{
    Cell, Column, Names, Notice, Objective, Ranking, Row, Summary, Table, Words, article, facts,
    why,
};
use crate::report::document::{CaseDocument, EstimateDocument, RunDocument, standings};
use crate::report::grid::Interval;
use crate::report::unit::{in_family, metric_in_family, shared_unit};
use crate::scenario::Metric;
use crate::study::{self, Answer, FAILS_MORE, Quantity, Standing, Tier, Unit, all_of, digits};

pub(super) fn summary(run: &RunDocument) -> Summary {
    let ranking = Ranking::new(&run.ranked_by);
    let stands = Stands::new(run, &ranking);
    Summary {
        name: run.scenario.name.clone(),
        question: run.scenario.question.clone(),
        answer: answer(run, &ranking, &stands),
        because: why::because(run, &stands),
        insights: Vec::new(),
        table: table(run, &ranking, &stands),
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

/// How the cases stand, and which of them to take.
pub(super) struct Stands {
    standings: Vec<Standing>,
    pub answer: Option<Answer>,
}

impl Stands {
    fn new(run: &RunDocument, ranking: &Ranking) -> Self {
        let standings = standings(run.cases.iter());
        Self {
            answer: study::answer(&standings, !ranking.less_is_better()),
            standings,
        }
    }

    /// Whether a case is the one to take, or as good.
    pub(super) fn leads(&self, case: usize) -> bool {
        let answer = self.answer.as_ref();
        answer.is_some_and(|a| a.take == case || a.tied.contains(&case))
    }
}

fn answer(run: &RunDocument, ranking: &Ranking, stands: &Stands) -> Vec<Words> {
    let mut all = match &stands.answer {
        Some(answer) => taken(run, ranking, stands, answer),
        None => vec![no_best(run)],
    };
    let some_do = stands.standings.iter().any(|s| s.rank.is_some());
    all.extend(without_numbers(run, some_do));
    all
}

/// What is said of the case to take, and of what is faster but not to be taken.
fn taken(run: &RunDocument, ranking: &Ranking, stands: &Stands, answer: &Answer) -> Vec<Words> {
    let take = &run.cases[answer.take];
    let leaders: Vec<&CaseDocument> = std::iter::once(answer.take)
        .chain(answer.tied.iter().copied())
        .map(|i| &run.cases[i])
        .collect();
    let Some(value) = take.primary() else {
        return vec![no_best(run)];
    };
    let mut all = Vec::new();
    if !answer.meets {
        all.push(Words::default().text(format!(
            "No strategy meets every objective; the nearest misses {}.",
            missed_by(take)
        )));
    }
    all.push(first_place(run, ranking, stands, &leaders, value));
    let undecided: Vec<String> = take
        .objectives
        .iter()
        .filter(|o| o.verdict == "undecided")
        .map(|o| o.objective.clone())
        .collect();
    if !undecided.is_empty() {
        let words = Words::default().text("At this precision it is undecided whether it meets ");
        all.push(words.names(&undecided).text("; that counts as met."));
    }
    if let Some(f) = take.get(Quantity::FailureRate).filter(|f| f.mean > 0.0) {
        all.push(Words::default().text(format!(
            "It fails {} of its tasks: latencies and throughput are of the others.",
            study::rare_percent(f.mean)
        )));
    }
    if let Some((fastest, best)) = answer.fastest.and_then(|i| {
        let case = &run.cases[i];
        Some((case, case.primary()?))
    }) {
        let share = |c: &CaseDocument| c.get(Quantity::FailureRate).map_or(0.0, |e| e.mean);
        let more = share(fastest) - share(take) > FAILS_MORE;
        let but = match (more, answer.meets) {
            (true, _) => format!("fails {} of its tasks", study::rare_percent(share(fastest))),
            (false, true) => format!("misses {}", missed_by(fastest)),
            (false, false) => format!("is further off: it misses {}", missed_by(fastest)),
        };
        let costs = EstimateDocument {
            mean: value.mean - best.mean,
            low: None,
            high: None,
            ..value
        };
        all.push(
            Words::default()
                .text("By its ")
                .text(&ranking.name)
                .text(" alone, ")
                .name(short_name(run, fastest))
                .text(format!(
                    " would be first with {}, but it {but}; ",
                    ranking.text(best)
                ))
                .name(short_name(run, take))
                .text(format!(" {}.", ranking.behind(costs, best.mean))),
        );
    }
    all.extend(does_not_pay(run, take, &leaders));
    all
}

/// The objective that a case misses by most, and by how much.
fn missed_by(case: &CaseDocument) -> String {
    let excess = case.excess();
    let missed = case.objectives.iter().filter(|o| o.verdict == "missed");
    let worst = missed.max_by(|a, b| a.excess().total_cmp(&b.excess()));
    let by = if excess.is_finite() {
        format!(" by {}", study::excess_text(excess))
    } else {
        String::new()
    };
    worst.map_or(String::new(), |o| format!("{}{by}", o.objective))
}

fn is_baseline(run: &RunDocument, c: &CaseDocument) -> bool {
    run.baseline.as_deref() == Some(c.name().as_str())
}

fn first_place(
    run: &RunDocument,
    ranking: &Ranking,
    stands: &Stands,
    leaders: &[&CaseDocument],
    value: EstimateDocument,
) -> Words {
    let best = leaders[0];
    let mut words = Words::default().names(&names(run, leaders));
    let fine = run.cases.iter().filter(|c| c.is_fine()).count();
    words = match leaders {
        _ if stands.answer.as_ref().is_some_and(|a| !a.meets) => {
            words.text(if leaders.len() == 1 { " has" } else { " have" })
        }
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
        && !leaders.iter().any(|c| is_baseline(run, c))
    {
        let baseline = run
            .cases
            .iter()
            .chain(run.hidden_baseline.as_ref())
            .find(|c| is_baseline(run, c))
            .map_or_else(|| baseline.clone(), |c| short_name(run, c));
        words = words
            .text(format!(": {} ", ranking.ahead(speedup)))
            .name(baseline);
    }
    let tier = |answer: &Answer| stands.standings[answer.take].tier;
    let same_tier = stands.answer.as_ref().filter(|a| a.meets).map(tier);
    let next = run
        .cases
        .iter()
        .zip(&stands.standings)
        .find(|(c, s)| Some(s.tier) == same_tier && c.rank > best.rank);
    if let Some((next, behind)) = next.and_then(|(c, _)| Some((c, c.behind_best()?))) {
        words = words
            .text("; next is ")
            .name(short_name(run, next))
            .text(format!(", which {}", ranking.behind(behind, value.mean)));
    }
    words.text(".")
}

fn does_not_pay(
    run: &RunDocument,
    take: &CaseDocument,
    leaders: &[&CaseDocument],
) -> Option<Words> {
    let fine = run.cases.iter().filter(|c| c.is_fine()).count();
    let little = matches!(
        take.speedup_reading.as_deref(),
        Some("slower" | "not worth it")
    );
    let sequential = leaders.iter().any(|c| is_baseline(run, c));
    let all = || run.cases.iter().chain(run.hidden_baseline.as_ref());
    let standings = standings(all());
    let mut of = all().zip(&standings);
    let baseline = of.find(|(c, _)| is_baseline(run, c))?.1.tier;
    let best = all()
        .zip(&standings)
        .find(|(c, _)| std::ptr::eq(*c, take))?
        .1
        .tier;
    (fine > 1 && baseline <= best && (little || sequential)).then(|| {
        Words::default().text(if sequential {
            "Concurrency does not pay here: nothing does better than plain sequential code."
        } else {
            "Concurrency does not pay here: plain sequential code does about as well, or better."
        })
    })
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
        ("clock end", " runs for longer than the clock can tell."),
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

fn table(run: &RunDocument, ranking: &Ranking, stands: &Stands) -> Table {
    let mut t = Builder {
        run,
        table: Table {
            caption: format!(
                "Strategies compared, by {}; ± is the half-width of the {} confidence interval{}",
                ranking.name,
                crate::study::percent(run.confidence),
                if run.cases.iter().any(|c| c.tied) {
                    "; = marks a shared place (less than 1% apart, or not to be told apart)"
                } else {
                    ""
                }
            ),
            columns: Vec::new(),
            rows: run
                .cases
                .iter()
                .enumerate()
                .map(|(i, c)| Row {
                    cells: Vec::new(),
                    best: stands.answer.as_ref().is_some_and(|a| a.meets) && stands.leads(i),
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
    // Beside the name: what fails is not to be overlooked for its latencies.
    let failures = |c: &CaseDocument| c.get(Quantity::FailureRate).is_some_and(|e| e.mean > 0.0);
    if run.cases.iter().any(failures) {
        let share = |c: &CaseDocument| c.get(Quantity::FailureRate);
        let unit = shared_unit(Unit::Share, std::iter::empty());
        t.numbers("failed", unit, Interval::IfVisible, share);
    }
    let family = family_unit(run, ranking.metric);
    let unit = match ranking.metric {
        Some(m) if metric_in_family(run.steady_state, m) => family,
        _ => column_unit(run, ranking.unit(), CaseDocument::primary),
    };
    t.numbers(&ranking.name, unit, Interval::Always, CaseDocument::primary);
    if run.baseline.is_some() || run.cases.iter().any(|c| !c.is_fine()) {
        let cases = run.cases.iter().zip(&stands.standings);
        t.push_cells(
            Column::new("vs baseline", "", false),
            cases.map(|(c, s)| against(run, c, s.tier == Tier::Fails)),
        );
    }
    // Before what is merely good to know: a narrow page must not cut it off.
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
    let primary = quantity(ranking.metric);
    for (title, q) in [
        ("makespan", Quantity::Makespan),
        ("p50", Quantity::P50),
        ("p95", Quantity::P95),
        ("p99", Quantity::P99),
        ("tasks/s", Quantity::Throughput),
        ("CPU", Quantity::Cpu),
        ("memory", Quantity::MemoryPeak),
    ] {
        // A batch is judged by its makespan; its latencies are the times at which parts of it are done.
        let of_batches = q == Quantity::Makespan && run.steady_state
            || q == Quantity::P95 && run.batch == Some(true);
        if primary != Some(q) && !of_batches {
            let unit = if in_family(run.steady_state, q) {
                family
            } else {
                column_unit(run, q.unit(), |c| c.get(q))
            };
            t.numbers(title, unit, Interval::IfVisible, |c| c.get(q));
        }
    }
    t.table
}

fn against(run: &RunDocument, c: &CaseDocument, fails: bool) -> Cell {
    if run.baseline.as_deref() == Some(c.name().as_str()) {
        return Cell::number(1.0, "baseline");
    }
    match (c.speedup, &c.speedup_reading) {
        _ if !c.is_fine() => Cell::text(c.status.clone()),
        // Less work done sooner is no speed-up.
        (Some(s), _) if fails => {
            Cell::number(s.mean, format!("×{}, fails more", digits(s.mean, 3)))
        }
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
        let run = self.run;
        self.push_cells(column, run.cases.iter().map(cell));
    }

    fn push_cells(&mut self, column: Column, cells: impl Iterator<Item = Cell>) {
        self.table.columns.push(column);
        for (row, cell) in self.table.rows.iter_mut().zip(cells) {
            row.cells.push(cell);
        }
    }

    fn numbers(
        &mut self,
        title: &str,
        (scale, name): (f64, &'static str),
        interval: Interval,
        get: impl Fn(&CaseDocument) -> Option<EstimateDocument>,
    ) {
        self.push(Column::new(title, name, true), |c| {
            Cell::estimate(get(c), scale, interval)
        });
    }
}

/// The unit of a column that stands for itself.
fn column_unit(
    run: &RunDocument,
    unit: Unit,
    get: impl Fn(&CaseDocument) -> Option<EstimateDocument>,
) -> (f64, &'static str) {
    shared_unit(unit, run.cases.iter().filter_map(get).map(|e| e.mean))
}

/// The unit of the times that are read beside each other ([`in_family`]).
fn family_unit(run: &RunDocument, ranked: Option<Metric>) -> (f64, &'static str) {
    let ranked = ranked.is_some_and(|m| metric_in_family(run.steady_state, m));
    let all = run.cases.iter().flat_map(|c| {
        let family = Quantity::ALL
            .into_iter()
            .filter(|&q| in_family(run.steady_state, q));
        let columns = family.filter_map(|q| c.get(q));
        columns.chain(c.primary().filter(|_| ranked))
    });
    shared_unit(Unit::Seconds, all.map(|e| e.mean))
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
                    Words::default().text(format!("met by {}", all_of(all.len())))
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
