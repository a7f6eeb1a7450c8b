//! The comparison of a study's cases: a row for each case, a unit for each column. The terminal, the page and Markdown lay it out.

use crate::layout::Column;
use crate::layout::table::{Table, TableCell, TableRow};
use crate::measure::Estimate;
use crate::quantity::{
    IntervalDisplay, Quantity, Unit, digits, in_family, metric_in_family, metric_name, percent,
    shared_unit,
};
use crate::result::{Forecast, Judgement, Status, Study, Tier};
use crate::scenario::Metric;

/// The columns of a batch's table that are left out if there is no room, in this order. A batch is judged by its makespan: its latencies
/// are the times at which parts of it are done, and its throughput says the same again. The metric's own column always stays.
const BATCH: [Dispensable; 10] = [
    Dispensable::Of(Quantity::P95),
    Dispensable::Of(Quantity::Cpu),
    Dispensable::Of(Quantity::P50),
    Dispensable::Of(Quantity::P99),
    Dispensable::Of(Quantity::Throughput),
    Dispensable::Of(Quantity::MachineTime),
    Dispensable::Of(Quantity::MemoryPeak),
    Dispensable::VsSequential,
    Dispensable::Judged,
    Dispensable::Meets,
];
/// The columns that are left out, in this order, if tasks keep arriving: a case that keeps up has the throughput of the arrivals.
const STEADY: [Dispensable; 11] = [
    Dispensable::Of(Quantity::Cpu),
    Dispensable::Of(Quantity::P50),
    Dispensable::Of(Quantity::Throughput),
    Dispensable::Of(Quantity::Makespan),
    Dispensable::Of(Quantity::MachineTime),
    Dispensable::Of(Quantity::P99),
    Dispensable::Of(Quantity::P95),
    Dispensable::Of(Quantity::MemoryPeak),
    Dispensable::VsSequential,
    Dispensable::Judged,
    Dispensable::Meets,
];

/// A column that may be left out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dispensable {
    Of(Quantity),
    /// A quantity that an objective is about, whatever its own place in the list.
    Judged,
    Meets,
    VsSequential,
}

impl Dispensable {
    /// The number for [`Column::dispensable`]: highest for the first of the list, which is left out first; 0 for a column that is not in
    /// the list, and so stays.
    fn order(self, study: &Study) -> u8 {
        let list: &[Self] = if study.steady { &STEADY } else { &BATCH };
        let judged = |q: Quantity| {
            let objectives = study.forecasts.first().map(|f| &f.objectives);
            let mut metrics = objectives
                .into_iter()
                .flatten()
                .filter_map(Judgement::metric);
            metrics.any(|m| m.quantity() == Some(q))
        };
        let at = |d| list.iter().position(|&l| l == d);
        // A quantity that an objective is about stays longer than the comparison with sequential code, which the first line gives for the
        // best case, too; but not longer than what that column says about a case without a forecast.
        let judges = matches!(self, Self::Of(q) if judged(q));
        let fine = study.forecasts.iter().all(|f| f.status == Status::Fine);
        match self {
            Self::Of(_) if judges && fine => at(Self::Judged),
            Self::Of(_) if judges => at(Self::VsSequential),
            Self::VsSequential if !fine => at(Self::Judged),
            other => at(other),
        }
        .map_or(0, |i| u8::try_from(list.len() - i).unwrap_or(u8::MAX))
    }
}

/// Interval width, as a share of the mean, from which on columns other than the decisive one show intervals in a terminal.
pub(super) const WIDE: f64 = 0.05;

/// Makes the comparison. Columns other than the decisive one show intervals that are wider than a share `wide` of the mean.
pub(super) fn comparison(study: &Study, wide: f64) -> Table {
    let answer = study.answer();
    let leads = |i: usize| {
        let meets = answer.as_ref().filter(|a| a.meets);
        meets.is_some_and(|a| a.take == i || a.tied.contains(&i))
    };
    let ties = if study.forecasts.iter().any(|f| f.tied) {
        "; = marks a shared place (less than 1% apart, or not to be told apart)"
    } else {
        ""
    };
    let rows = study.forecasts.iter().enumerate().map(|(i, f)| TableRow {
        cells: Vec::new(),
        best: leads(i),
        fine: f.is_fine(),
    });
    let mut all = Comparison {
        study,
        wide,
        table: Table {
            caption: format!(
                "Strategies compared, by {}; ± is the half-width of the {} confidence interval{ties}",
                metric_name(study.metric),
                percent(study.confidence),
            ),
            columns: Vec::new(),
            rows: rows.collect(),
            left_out: 0,
        },
    };
    all.fill();
    all.table
}

/// The quantities that every comparison shows, with their titles, from left to right; the makespan stands before them, where there is one.
const COLUMNS: [(&str, Quantity); 6] = [
    ("p50", Quantity::P50),
    ("p95", Quantity::P95),
    ("p99", Quantity::P99),
    ("tasks/s", Quantity::Throughput),
    ("CPU", Quantity::Cpu),
    ("memory", Quantity::MemoryPeak),
];

/// The quantity whose column shows the metric; `None` where the metric needs a column of its own.
fn column_of(m: Metric) -> Option<Quantity> {
    let listed = |q: &Quantity| COLUMNS.iter().any(|(_, column)| column == q);
    m.quantity()
        .filter(|q| *q == Quantity::Makespan || listed(q))
}

struct Comparison<'a> {
    study: &'a Study,
    wide: f64,
    table: Table,
}

impl Comparison<'_> {
    fn fill(&mut self) {
        let study = self.study;
        self.push("#", true, |f| match f.rank {
            Some(r) if f.tied => TableCell::number(r.into(), format!("{r}=")),
            Some(r) => TableCell::number(r.into(), r.to_string()),
            None => TableCell::text("–"),
        });
        self.last().key = true;
        self.push("strategy", false, |f| TableCell::name(&f.strategy));
        self.last().key = true;
        self.last().name = true;
        if single_interpreter(study).is_none() {
            let prefix = common_prefix(study);
            let title = prefix.strip_suffix('-').unwrap_or("interpreter");
            self.push(title, false, |f| {
                TableCell::name(&f.interpreter[prefix.len()..])
            });
            self.last().key = true;
            self.last().name = true;
        }
        let primary = column_of(study.metric);
        // Failures stand beside the name, so that they are not overlooked for the sake of latencies.
        let failures = |f: &Forecast| f.get(Quantity::FailureRate).is_some_and(|e| e.mean > 0.0);
        if study.forecasts.iter().any(failures) {
            self.quantity("failed", Quantity::FailureRate, primary);
        }
        let sent_again = |f: &Forecast| f.get(Quantity::Resent).is_some_and(|e| e.mean > 0.0);
        if study.forecasts.iter().any(sent_again) {
            self.quantity("unanswered", Quantity::Unanswered, primary);
        }
        if primary.is_none() {
            let unit = primary_unit(study);
            self.numbers(&metric_name(study.metric), unit, true, Forecast::primary);
        }
        if !study.steady || primary == Some(Quantity::Makespan) {
            self.quantity("makespan", Quantity::Makespan, primary);
        }
        if study.baseline.is_some() {
            self.push("vs sequential", false, |f| match (f.speedup, f.reading) {
                _ if Some(f.name()) == study.baseline => TableCell::number(1.0, "baseline"),
                // Less work done sooner is no speed-up.
                (Some(s), Some(_)) if f.tier == Tier::Fails => {
                    TableCell::number(s.mean, format!("×{} fails more", digits(s.mean, 3)))
                }
                (Some(s), Some(r)) => {
                    TableCell::number(s.mean, format!("×{} {}", digits(s.mean, 3), r.text()))
                }
                _ => not_fine(f),
            });
            self.last().dispensable = Dispensable::VsSequential.order(study);
        } else if study.forecasts.iter().any(|f| f.status != Status::Fine) {
            self.push("status", false, not_fine);
        }
        for (title, q) in COLUMNS {
            self.quantity(title, q, primary);
        }
        if study
            .forecasts
            .iter()
            .any(|f| f.is(|s| s.nodes().is_some()))
        {
            self.quantity("machine time", Quantity::MachineTime, primary);
        }
        if study.forecasts.iter().any(|f| !f.objectives.is_empty()) {
            self.push("meets", false, |f| {
                TableCell::text(
                    f.objectives
                        .iter()
                        .map(|o| o.verdict.sign())
                        .collect::<String>(),
                )
            });
            self.last().dispensable = Dispensable::Meets.order(study);
        }
    }

    fn push(&mut self, title: &str, number: bool, cell: impl Fn(&Forecast) -> TableCell) {
        self.table.columns.push(Column {
            title: title.into(),
            number,
            ..Column::default()
        });
        for (row, f) in self.table.rows.iter_mut().zip(&self.study.forecasts) {
            row.cells.push(cell(f));
        }
    }

    fn quantity(&mut self, title: &str, q: Quantity, primary: Option<Quantity>) {
        let study = self.study;
        let get = |f: &Forecast| f.get(q);
        let unit = if in_family(study.steady, q) {
            family_unit(study)
        } else {
            shared_unit(q.unit(), means(study, &get))
        };
        self.numbers(title, unit, primary == Some(q), get);
        if primary != Some(q) {
            self.last().dispensable = Dispensable::Of(q).order(study);
        }
    }

    fn last(&mut self) -> &mut Column {
        self.table.columns.last_mut().expect("just added")
    }

    fn numbers(
        &mut self,
        title: &str,
        (scale, name): (f64, &'static str),
        decides: bool,
        get: impl Fn(&Forecast) -> Option<Estimate>,
    ) {
        let wide = self.wide;
        self.push(title, true, |f| {
            let e = get(f);
            let interval = match e.and_then(|e| e.relative()) {
                _ if decides => IntervalDisplay::Always,
                Some(r) if r <= wide => IntervalDisplay::Never,
                _ => IntervalDisplay::IfVisible,
            };
            TableCell::estimate(e, scale, interval)
        });
        self.last().unit = name;
    }
}

/// The means of a column.
fn means<'a>(
    study: &'a Study,
    get: &'a impl Fn(&Forecast) -> Option<Estimate>,
) -> impl Iterator<Item = f64> + 'a {
    study.forecasts.iter().filter_map(get).map(|e| e.mean)
}

/// The unit that the columns of the family of times share.
fn family_unit(study: &Study) -> (f64, &'static str) {
    let ranked = metric_in_family(study.steady, study.metric);
    let columns = Quantity::ALL
        .into_iter()
        .filter(|&q| in_family(study.steady, q));
    let columns: Vec<Quantity> = columns.collect();
    let all = study.forecasts.iter().flat_map(|f| {
        let columns = columns.iter().filter_map(|&q| f.get(q));
        columns.chain(f.primary().filter(|_| ranked))
    });
    shared_unit(Unit::Seconds, all.map(|e| e.mean))
}

/// The unit of the metric by which the study ranks, in the table and in sentences.
pub(super) fn primary_unit(study: &Study) -> (f64, &'static str) {
    if metric_in_family(study.steady, study.metric) {
        family_unit(study)
    } else {
        shared_unit(
            study.metric.unit(),
            means(study, &|f: &Forecast| f.primary()),
        )
    }
}

fn not_fine(f: &Forecast) -> TableCell {
    match f.status {
        Status::Fine => TableCell::default(),
        other => TableCell::text(other.name()),
    }
}

/// The name of the interpreter, if all cases have the same.
pub(super) fn single_interpreter(study: &Study) -> Option<&str> {
    let first = study.forecasts.first()?;
    study
        .forecasts
        .iter()
        .all(|f| f.interpreter == first.interpreter)
        .then_some(first.interpreter.as_str())
}

/// The common prefix of the interpreters' names, up to a hyphen: `cpython-`; empty if they have none.
pub(super) fn common_prefix(study: &Study) -> &'static str {
    let all = |prefix: &str| {
        let cut = |f: &Forecast| {
            f.interpreter
                .strip_prefix(prefix)
                .is_some_and(|r| !r.is_empty())
        };
        study.forecasts.iter().all(cut)
    };
    if all("cpython-") { "cpython-" } else { "" }
}

/// Name of a case for readers of the report: without the interpreter if there is only one.
pub(super) fn short_name(study: &Study, f: &Forecast) -> String {
    if single_interpreter(study).is_some() {
        f.strategy.clone()
    } else {
        f.name()
    }
}
