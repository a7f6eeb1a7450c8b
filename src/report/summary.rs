//! What a result says, in the words and tables that the page and the Markdown report share: the answer first, why, the comparison, what
//! must be known beside it, and what it rests on.

mod facts;
mod markdown;
mod run;
mod sweep;
mod why;

pub use markdown::markdown;

use super::answer::Objective;
use crate::layout::table::Table;
use crate::layout::words::Words;
use crate::quantity::{Unit, metric_name};
use crate::result::{Forecast, Saved};
use crate::scenario::Metric;

/// What is said of a result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Summary {
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

/// A warning or note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Whether it is a mere fact.
    pub note: bool,
    /// In words.
    pub text: String,
}

/// What is said of a document.
pub(crate) fn summary(document: &Saved) -> Summary {
    match document {
        Saved::Study(run) => run::summary(run),
        Saved::Sweep(sweep) => sweep::summary(sweep),
    }
}

/// What cases are ranked by.
#[derive(Clone, Debug, PartialEq)]
struct Ranking {
    /// In words: `p95 latency`.
    name: String,
    metric: Metric,
}

impl From<Metric> for Ranking {
    fn from(metric: Metric) -> Self {
        let name = metric_name(metric);
        Self {
            name: match metric {
                Metric::Percentile(_) => format!("{name} latency"),
                _ => name,
            },
            metric,
        }
    }
}

impl Ranking {
    fn unit(&self) -> Unit {
        self.metric.unit()
    }
}

/// How cases are called: without the interpreter where there is only one, and without what all interpreters' names begin with.
struct Names {
    single: bool,
    prefix: &'static str,
}

impl Names {
    fn of<'a>(cases: impl Iterator<Item = &'a Forecast>) -> Self {
        const PREFIX: &str = "cpython-";
        let all: Vec<&str> = cases.map(|c| c.interpreter.as_str()).collect();
        let cut = |i: &&str| i.len() > PREFIX.len() && i.starts_with(PREFIX);
        Self {
            single: all.windows(2).all(|w| w[0] == w[1]),
            prefix: if all.iter().all(cut) { PREFIX } else { "" },
        }
    }

    fn short(&self, case: &Forecast) -> String {
        if self.single {
            case.strategy.clone()
        } else {
            format!("{} on {}", case.strategy, self.interpreter(case))
        }
    }

    fn interpreter<'a>(&self, case: &'a Forecast) -> &'a str {
        let name = &case.interpreter;
        name.strip_prefix(self.prefix).unwrap_or(name)
    }
}
