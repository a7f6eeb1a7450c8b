//! Summaries of results, in the words and tables that the page and the Markdown report share: first the answer, then why, the comparison,
//! what has to be known beside it, and what it rests on.

mod facts;
pub(super) mod markdown;
mod run;
mod sweep;
mod why;

pub(super) use facts::command_lines;
pub use markdown::markdown;

use super::answer::ObjectiveVerdict;
use crate::layout::table::Table;
use crate::layout::words::Words;
use crate::result::{Notice, ResultRef};

/// The summary of a result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Summary {
    /// Name of the scenario.
    pub name: String,
    /// The scenario's question; may be empty.
    pub question: String,
    /// The answer: one sentence, or a few short ones.
    pub answer: Vec<Words>,
    /// What the tasks of the best case and of the others spend their time on.
    pub because: Vec<Words>,
    /// What else stands out (knees, crossings).
    pub insights: Vec<String>,
    /// The comparison.
    pub table: Table,
    /// The objectives, and the cases that meet them.
    pub objectives: Vec<ObjectiveVerdict>,
    /// Warnings and notes.
    pub notices: Vec<Notice>,
    /// What the numbers rest on, as names and values.
    pub assumptions: Vec<(String, Vec<String>)>,
    /// The command that repeats the run or sweep.
    pub command: String,
}

/// Makes the summary of a result.
pub(crate) fn summary(result: ResultRef<'_>) -> Summary {
    match result {
        ResultRef::Study(run) => run::summary(run),
        ResultRef::Sweep(sweep) => sweep::summary(sweep),
    }
}
