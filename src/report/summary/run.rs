//! The summary of a run: which strategy to take, and how all of them compare.

use super::{Summary, facts, why};
use crate::layout::table::Table;
use crate::report::answer::{answer, judged};
use crate::report::comparison::comparison;
use crate::result::{Notice, Study};

pub(super) fn summary(run: &Study) -> Summary {
    Summary {
        name: run.scenario.name.clone(),
        question: run.scenario.question.clone(),
        answer: answer(run),
        because: why::because(run),
        insights: Vec::new(),
        table: table(run),
        objectives: judged(run),
        notices: notices(run),
        assumptions: facts::of_run(run),
        command: run.command.clone(),
    }
}

/// The warnings, then the notes.
fn notices(run: &Study) -> Vec<Notice> {
    let mut all = run.warnings.clone();
    all.sort_by_key(|n| n.note);
    all
}

/// The comparison as a wide page shows it: with every visible interval, and the most important columns first, so that a narrow page does
/// not cut them off.
fn table(run: &Study) -> Table {
    let mut table = comparison(run, 0.0);
    let meets = table.columns.iter().position(|c| c.title == "meets");
    let after = table
        .columns
        .iter()
        .position(|c| !c.key && c.dispensable > 0);
    if let Some((from, to)) = meets.zip(after).filter(|(from, to)| from > to) {
        table.columns[to..=from].rotate_right(1);
        for row in &mut table.rows {
            row.cells[to..=from].rotate_right(1);
        }
    }
    table
}
