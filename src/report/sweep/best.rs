//! The best point of a sweep: of a finished one, and of as much as there is while it runs.

use super::SweepFacts;
use super::metric::{Ranking, value, written};
use crate::report::document::{EstimateDocument, SweepDocument, SweepRow};

/// The best case of the best point.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// Number of the point, from 0.
    pub point: u64,
    /// Where it is: name and value of each axis.
    pub at: Vec<(String, String)>,
    /// The strategy in its short form.
    pub strategy: String,
    /// The interpreter.
    pub interpreter: String,
    /// The metric that the sweep is ranked by.
    pub value: EstimateDocument,
    ranking: Ranking,
}

impl Best {
    /// Whether it is better than the other; of equally good points the one with the lower number.
    pub fn is_better_than(&self, other: &Self) -> bool {
        let (a, b) = (self.value.mean, other.value.mean);
        self.ranking.better(a, b) || (!self.ranking.better(b, a) && self.point < other.point)
    }

    /// In a few words: `processes:4, cores 8: makespan 12.4 ± 0.3 s`.
    pub fn text(&self) -> String {
        let at: Vec<String> = self.at.iter().map(|(l, v)| format!("{l} {v}")).collect();
        format!(
            "{}, {}: {} {}",
            self.strategy,
            at.join(", "),
            self.ranking.name,
            self.ranking.text(self.value)
        )
    }
}

/// The best point of all (under the heaviest load, where loads are swept); `None` where no case has a forecast that means anything.
pub fn best(sweep: &SweepDocument) -> Option<Best> {
    let ranking = Ranking::new(&sweep.header.ranked_by);
    let axes = || {
        let axes = &sweep.header.axes;
        axes.iter().map(|a| (a.path.as_str(), a.label.as_str()))
    };
    let heaviest = sweep.heaviest();
    let all = sweep
        .rows
        .iter()
        .filter(|r| heaviest.is_none_or(|load| load.holds(r)))
        .filter_map(|row| one(row, axes(), &ranking));
    all.fold(None, better)
}

/// The best case of one point, from the lines that [`point_lines`](super::point_lines) made of it. Cheap: only the first case, the
/// best, is read. `None` where it has no forecast that means anything.
pub fn best_of_lines(facts: &SweepFacts, lines: &str) -> Option<Best> {
    let row: SweepRow = serde_json::from_str(lines.lines().next()?).ok()?;
    let axes = &facts.plan.axes;
    one(
        &row,
        axes.iter().map(|a| (a.path.as_str(), a.label.as_str())),
        &Ranking::new(&facts.ranked_by),
    )
}

fn one<'a>(
    row: &SweepRow,
    axes: impl Iterator<Item = (&'a str, &'a str)>,
    ranking: &Ranking,
) -> Option<Best> {
    let value = value(row)?;
    let at = axes.filter_map(|(path, label)| {
        let at = row.at.get(path)?;
        Some((label.to_owned(), written(at)))
    });
    Some(Best {
        point: row.point,
        at: at.collect(),
        strategy: row.case.strategy.clone(),
        interpreter: row.case.interpreter.clone(),
        value,
        ranking: ranking.clone(),
    })
}

fn better(best: Option<Best>, next: Best) -> Option<Best> {
    match best {
        Some(b) if !next.is_better_than(&b) => Some(b),
        _ => Some(next),
    }
}
