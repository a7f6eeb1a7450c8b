//! What a result says, in the words and tables that the page and the Markdown report share: the answer first, why, the comparison, what
//! must be known beside it, and what it rests on.

mod facts;
mod markdown;
mod run;
mod sweep;
mod why;

pub use markdown::markdown;

use super::answer::ObjectiveVerdict;
use crate::layout::table::Table;
use crate::layout::words::Words;
use crate::result::{Notice, Saved};

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
    pub objectives: Vec<ObjectiveVerdict>,
    /// What a reader must know.
    pub notices: Vec<Notice>,
    /// What the numbers rest on, as name and value.
    pub assumptions: Vec<(String, Vec<String>)>,
    /// The command that repeats the work.
    pub command: String,
}

/// What is said of a result.
pub(crate) fn summary(document: &Saved) -> Summary {
    match document {
        Saved::Study(run) => run::summary(run),
        Saved::Sweep(sweep) => sweep::summary(sweep),
    }
}
