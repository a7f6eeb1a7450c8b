//! What a result says, in the words and tables that the page and the Markdown report share: the answer first, why, the comparison, what
//! must be known beside it, and what it rests on.

mod facts;
mod markdown;
mod run;
mod sweep;
mod why;

pub use markdown::summary_markdown;

use super::document::{CaseDocument, Document, EstimateDocument};
use super::grid::{Interval, estimate, metric_name, metric_text};
use crate::measure::Estimate;
use crate::scenario::{Metric, parse_metric};
use crate::study::Unit;

/// What is said of a result.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Summary {
    /// The scenario's name.
    pub name: String,
    /// Its question; may be empty.
    pub question: String,
    /// One sentence, or a few short ones.
    pub answer: Vec<Words>,
    /// What the time of the best and of the others goes into.
    pub because: Vec<Words>,
    /// What else stands out (knees, crossings).
    pub insights: Vec<String>,
    /// The comparison.
    pub table: Table,
    /// The objectives, and who meets them.
    pub objectives: Vec<Objective>,
    /// What a reader must know.
    pub notices: Vec<Notice>,
    /// What the numbers rest on, as name and value.
    pub assumptions: Vec<(String, Vec<String>)>,
    /// The command that repeats the work.
    pub command: String,
}

/// A text with names in it, which are shown as such.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words(pub Vec<Word>);

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// As it is.
    Text(String),
    /// A name (a strategy).
    Name(String),
}

impl Words {
    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(Word::Text(text.into()));
        self
    }

    pub(super) fn name(mut self, name: impl Into<String>) -> Self {
        self.0.push(Word::Name(name.into()));
        self
    }

    /// "a, b and 3 more".
    pub(super) fn names(mut self, names: &[String]) -> Self {
        const SHOWN: usize = 4;
        let cut = if names.len() > SHOWN {
            SHOWN - 1
        } else {
            names.len()
        };
        for (i, name) in names[..cut].iter().enumerate() {
            if i > 0 {
                let last = i + 1 == names.len();
                self = self.text(if last { " and " } else { ", " });
            }
            self = self.name(name);
        }
        if cut < names.len() {
            self = self.text(format!(" and {} more", names.len() - cut));
        }
        self
    }

    /// Without any marks.
    pub(super) fn plain(&self) -> String {
        self.0
            .iter()
            .map(|w| match w {
                Word::Text(t) | Word::Name(t) => t.as_str(),
            })
            .collect()
    }
}

/// A comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    /// What it shows.
    pub caption: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, best first, or in the order of a sweep's points.
    pub rows: Vec<Row>,
    /// How many more rows there are than are shown.
    pub left_out: usize,
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    /// What it holds, without the unit.
    pub title: String,
    /// Its unit; may be empty.
    pub unit: &'static str,
    /// Whether its cells are numbers.
    pub number: bool,
}

impl Column {
    fn new(title: impl Into<String>, unit: &'static str, number: bool) -> Self {
        Self {
            title: title.into(),
            unit,
            number,
        }
    }

    /// `p95 (ms)`.
    pub(super) fn heading(&self) -> String {
        if self.unit.is_empty() {
            self.title.clone()
        } else {
            format!("{} ({})", self.title, self.unit)
        }
    }
}

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// A cell for each column.
    pub cells: Vec<Cell>,
    /// Whether nothing is better.
    pub best: bool,
    /// Whether its numbers can be taken as they are.
    pub fine: bool,
}

/// A cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Cell {
    /// The text, or a number.
    pub text: String,
    /// The half-width of its interval; may be empty.
    pub half: String,
    /// What the table is sorted by: the number itself.
    pub key: Option<f64>,
    /// Whether it is a name.
    pub name: bool,
    /// Whether it is as good as another one of its row or table: `=` stands behind it.
    pub tied: bool,
}

impl Cell {
    fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    fn name(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            name: true,
            ..Self::default()
        }
    }

    fn number(value: f64, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            key: Some(value),
            ..Self::default()
        }
    }

    /// An estimate in units of `scale`.
    fn estimate(e: Option<EstimateDocument>, scale: f64, interval: Interval) -> Self {
        let Some(e) = e else {
            return Self::text("–");
        };
        let written = estimate(e.estimate().scaled(1.0 / scale), interval);
        let (text, half) = written.split_once(" ± ").unwrap_or((&written, ""));
        Self {
            text: text.into(),
            half: half.into(),
            key: Some(e.mean),
            ..Self::default()
        }
    }

    /// The text with its interval.
    pub(super) fn whole(&self) -> String {
        if self.half.is_empty() {
            self.text.clone()
        } else {
            format!("{} ± {}", self.text, self.half)
        }
    }
}

/// An objective and who meets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Objective {
    /// As it was written.
    pub text: String,
    /// `met`, `missed` or `undecided`: the best that any case does.
    pub verdict: &'static str,
    /// By whom.
    pub by: Words,
}

/// A warning or note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    /// Whether it is a mere fact.
    pub note: bool,
    /// In words.
    pub text: String,
}

/// What is said of a document.
pub(super) fn summary(document: &Document) -> Summary {
    match document {
        Document::Run(run) => run::summary(run),
        Document::Sweep(sweep) => sweep::summary(sweep),
    }
}

/// What cases are ranked by.
#[derive(Clone, Debug, PartialEq)]
struct Ranking {
    /// In words.
    name: String,
    /// The metric, where this version knows it.
    metric: Option<Metric>,
}

impl Ranking {
    /// By its name, as `--rank-by` takes it or as results write it.
    fn new(name: &str) -> Self {
        let written = [
            Metric::MeanLatency,
            Metric::Memory,
            Metric::Cpu,
            Metric::FailureRate,
        ];
        let metric = written
            .into_iter()
            .find(|&m| metric_name(m) == name)
            .or_else(|| parse_metric(name).ok());
        Self {
            name: match metric {
                Some(Metric::Percentile(p)) => format!("p{p} latency"),
                Some(m) => metric_name(m),
                None => name.into(),
            },
            metric,
        }
    }

    fn unit(&self) -> Unit {
        self.metric.map_or(Unit::Count, Metric::unit)
    }

    fn less_is_better(&self) -> bool {
        self.metric != Some(Metric::Throughput)
    }

    /// `12.4 ± 0.3 ms`.
    fn text(&self, e: EstimateDocument) -> String {
        match self.metric {
            Some(m) => metric_text(m, e.estimate()),
            None => estimate(e.estimate(), Interval::Always),
        }
    }

    /// How much worse than the best a value is: `takes 5.2% longer`, `needs 2.1 times as much`.
    fn behind(&self, difference: EstimateDocument, best: f64) -> String {
        let d = difference
            .estimate()
            .scaled(1.0 / best.abs().max(f64::MIN_POSITIVE));
        let percent = |e: Estimate| format!("{}%", estimate(e.scaled(100.0), Interval::IfVisible));
        let times = |e: Estimate| estimate(e, Interval::IfVisible);
        let whole = Estimate {
            mean: 1.0 + d.mean,
            ..d
        };
        let much = d.mean >= 1.0;
        match (self.metric, self.unit()) {
            (Some(Metric::Throughput), _) => format!("does {} less", percent(d.scaled(-1.0))),
            (Some(Metric::Cpu), _) | (_, Unit::Bytes | Unit::Share | Unit::Count) if much => {
                format!("needs {} times as much", times(whole))
            }
            (Some(Metric::Cpu), _) | (_, Unit::Bytes | Unit::Share | Unit::Count) => {
                format!("needs {} more", percent(d))
            }
            _ if much => format!("takes {} times as long", times(whole)),
            _ => format!("takes {} longer", percent(d)),
        }
    }

    /// How much better than the baseline, by the speed-up: `11.0 times as fast as`.
    fn ahead(&self, speedup: EstimateDocument) -> String {
        let times = estimate(speedup.estimate(), Interval::IfVisible);
        match (self.metric, self.unit()) {
            (Some(Metric::Throughput), _) => format!("{times} times as much as"),
            (Some(Metric::Cpu), _) | (_, Unit::Bytes | Unit::Share | Unit::Count) => {
                format!("{times} times less than")
            }
            _ => format!("{times} times as fast as"),
        }
    }
}

/// How cases are called: without the interpreter where there is only one, and without what all interpreters' names begin with.
struct Names {
    single: bool,
    prefix: &'static str,
}

impl Names {
    fn of<'a>(cases: impl Iterator<Item = &'a CaseDocument>) -> Self {
        const PREFIX: &str = "cpython-";
        let all: Vec<&str> = cases.map(|c| c.interpreter.as_str()).collect();
        let cut = |i: &&str| i.len() > PREFIX.len() && i.starts_with(PREFIX);
        Self {
            single: all.windows(2).all(|w| w[0] == w[1]),
            prefix: if all.iter().all(cut) { PREFIX } else { "" },
        }
    }

    fn short(&self, case: &CaseDocument) -> String {
        if self.single {
            case.strategy.clone()
        } else {
            format!("{} on {}", case.strategy, self.interpreter(case))
        }
    }

    fn interpreter<'a>(&self, case: &'a CaseDocument) -> &'a str {
        let name = &case.interpreter;
        name.strip_prefix(self.prefix).unwrap_or(name)
    }
}

/// Before a noun.
fn article(noun: &str) -> &'static str {
    if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}
