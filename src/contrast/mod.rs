//! What two results have between them: cases matched, differences with their intervals, whether these are real, what else differs, and
//! whether the answer is another one.
//!
//! [`contrast`] makes a [`Contrast`] out of two runs or two sweeps. What is said first of it is a list of [`Said`], each of which can be held
//! against the two results; [`Gate`]s judge it for programs that want to know whether something got worse.

mod claim;
mod differs;
mod gate;
mod json;
mod matching;
mod row;
mod side;

use crate::measure::{CONFIDENCE, holm};
use crate::quantity::metric_name;
use crate::result::{Answer, Forecast, Generator, ScenarioName, Verdict};
use crate::scenario::Metric;
use matching::{Matched, matched};
use row::metrics;
use side::{Place, places};

pub use claim::{RowPlace, Said, Tally};
pub use differs::Differing;
pub use gate::{Gate, GateError, GateVerdict, Gated};
pub use json::json;
pub use row::{Row, RowVerdict};
pub use side::Side;

/// The chance that anything of a comparison is called real that is none.
pub const FALSE_ALARMS: f64 = 1.0 - CONFIDENCE;

/// What is to be compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// The metrics; if empty, the one that both are ranked by and those that every table has.
    pub metrics: Vec<Metric>,
    /// Metrics that are compared besides.
    pub besides: Vec<Metric>,
    /// The strategies, in their short form, each on an interpreter or on any; if empty, all.
    pub strategies: Vec<(String, Option<String>)>,
    /// The interpreters; if empty, all.
    pub interpreters: Vec<String>,
}

impl Wanted {
    /// Whether a case is to be compared.
    fn has(&self, f: &Forecast) -> bool {
        let on = |i: &Option<String>| i.as_ref().is_none_or(|i| *i == f.interpreter);
        let strategies = &self.strategies;
        let interpreters = &self.interpreters;
        (strategies.is_empty() || strategies.iter().any(|(s, i)| *s == f.strategy && on(i)))
            && (interpreters.is_empty() || interpreters.contains(&f.interpreter))
    }
}

/// Why two results cannot be compared. The messages are sentences for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContrastError {
    /// One is a run, the other a sweep.
    #[error(
        "{run} is a run and {sweep} is a sweep: compare two runs, or two sweeps (`pchsim sweep` makes one of the scenario of the run)"
    )]
    Kinds {
        /// Name of the run.
        run: String,
        /// Name of the sweep.
        sweep: String,
    },
    /// An axis that only one sweep has.
    #[error(
        "{one} varies {axis} over {values} values, {other} does not vary it: which of its points are meant? Sweep both over the same axes, or {one} over one value of {axis}"
    )]
    Axis {
        /// Name of the sweep that has the axis.
        one: String,
        /// Name of the other sweep.
        other: String,
        /// The axis.
        axis: String,
        /// Number of its values.
        values: usize,
    },
    /// No point is in both sweeps.
    #[error("{a} and {b} have no point in common: {a} has {axes_a}, {b} has {axes_b}")]
    NoPoint {
        /// Name of the first sweep.
        a: String,
        /// Name of the second sweep.
        b: String,
        /// The axes of the first sweep, with their values.
        axes_a: String,
        /// The axes of the second sweep.
        axes_b: String,
    },
    /// What was asked for is in neither result.
    #[error("neither {a} nor {b} has a case of {wanted}; they have {known}")]
    NoCase {
        /// Name of the first result.
        a: String,
        /// Name of the second result.
        b: String,
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: String,
    },
}

/// What is known of one of the two results as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct SideInfo {
    /// What the user calls it: a file, or a scenario.
    pub name: String,
    /// The program that made it.
    pub program: Generator,
    /// The scenario.
    pub scenario: ScenarioName,
    /// Master seed.
    pub seed: u64,
    /// The command that repeats it; may be empty.
    pub command: String,
    /// The metric by which it ranks.
    pub ranked_by: Metric,
}

/// An objective that both results judge, and whose verdict is another one.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectiveChange {
    /// The objective as it was written.
    pub text: String,
    /// The verdict in A.
    pub a: Verdict,
    /// The verdict in B.
    pub b: Verdict,
}

/// A case that both results have.
#[derive(Clone, Debug, PartialEq)]
pub struct CasePair {
    /// The case in A.
    pub a: Forecast,
    /// The case in B; of another name only where each result has one case, or one interpreter.
    pub b: Forecast,
    /// Its metrics, the one that decides the rank first.
    pub rows: Vec<Row>,
    /// Objectives whose verdict changed.
    pub objectives: Vec<ObjectiveChange>,
}

impl CasePair {
    /// The case's name, with that in B where it is another one.
    #[must_use]
    pub fn name(&self) -> String {
        let (a, b) = (self.a.name(), self.b.name());
        if a == b { a } else { format!("{a} / {b}") }
    }
}

/// Whether the case to take is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerChange {
    /// The same case is to be taken.
    Same,
    /// Another case, but the two are as good as each other in one of the results.
    Level,
    /// Another case.
    Changed,
    /// A has an answer, B has none: no case works any more.
    Lost,
    /// A has none, B has an answer.
    Gained,
    /// Neither has one.
    None,
}

impl AnswerChange {
    /// Name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Level => "level",
            Self::Changed => "changed",
            Self::Lost => "lost",
            Self::Gained => "gained",
            Self::None => "none",
        }
    }
}

/// One point of two sweeps, or two runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The values of the point by the labels of their axes, as A has them; empty for runs.
    pub at: Vec<(String, String)>,
    /// The case to take in A, by name.
    pub take_a: Option<String>,
    /// The case to take in B.
    pub take_b: Option<String>,
    /// Whether it is another one.
    pub answer: AnswerChange,
    /// The cases of both, in the order of A.
    pub cases: Vec<CasePair>,
    /// Names of the cases that only A has.
    pub only_a: Vec<String>,
    /// Names of the cases that only B has.
    pub only_b: Vec<String>,
}

impl Point {
    /// The point as a text: `cores=4, workers=8`; empty for runs.
    #[must_use]
    pub fn name(&self) -> String {
        let all: Vec<String> = self.at.iter().map(|(l, v)| format!("{l}={v}")).collect();
        all.join(", ")
    }
}

/// Two results compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    /// The first result.
    pub a: SideInfo,
    /// The second result.
    pub b: SideInfo,
    /// Whether they are sweeps.
    pub sweeps: bool,
    /// The command that repeats the comparison; empty if no command made it.
    pub command: String,
    /// What else differs.
    pub differs: Vec<Differing>,
    /// Reasons to distrust the comparison, sentences for people.
    pub warnings: Vec<String>,
    /// The points of both, in the order of A; of runs one.
    pub points: Vec<Point>,
    /// Points that only A has.
    pub points_only_a: usize,
    /// Points that only B has.
    pub points_only_b: usize,
    /// Number of differences that were looked at together.
    pub comparisons: usize,
}

impl Contrast {
    /// The metric by which both are ranked; A's where they differ.
    #[must_use]
    pub fn metric(&self) -> Metric {
        self.a.ranked_by
    }

    /// All rows, with their places.
    pub fn rows(&self) -> impl Iterator<Item = (RowPlace, &Row)> {
        let of_case = |point: usize, case: usize, pair: &'_ CasePair| {
            (0..pair.rows.len()).map(move |row| RowPlace { point, case, row })
        };
        self.points.iter().enumerate().flat_map(move |(p, point)| {
            let cases = point.cases.iter().enumerate();
            cases.flat_map(move |(c, pair)| of_case(p, c, pair).zip(&pair.rows))
        })
    }

    /// The row at a place.
    ///
    /// # Panics
    /// The place is not one of this comparison.
    #[must_use]
    pub fn row(&self, at: RowPlace) -> &Row {
        &self.points[at.point].cases[at.case].rows[at.row]
    }
}

/// Compares two results.
///
/// # Errors
/// They are of different kinds, have no point in common, or nothing of what is wanted.
pub fn contrast(a: &Side<'_>, b: &Side<'_>, wanted: &Wanted) -> Result<Contrast, ContrastError> {
    let mut all = Contrast {
        a: a.info(),
        b: b.info(),
        sweeps: a.is_sweep(),
        command: String::new(),
        differs: differs::differences(a, b),
        warnings: Vec::new(),
        points: Vec::new(),
        points_only_a: 0,
        points_only_b: 0,
        comparisons: 0,
    };
    let common = places(a, b)?;
    (all.points_only_a, all.points_only_b) = (common.only_a, common.only_b);
    let listed = metrics(a, b, wanted);
    let mut known = false;
    for place in &common.both {
        let point = point(&all, place, &listed, wanted);
        known |= !point.cases.is_empty() || !point.only_a.is_empty() || !point.only_b.is_empty();
        all.points.push(point);
    }
    if !known {
        return Err(nothing_wanted(a, b, wanted));
    }
    judge(&mut all);
    all.warnings = differs::doubts(a, b, &all);
    Ok(all)
}

fn point(all: &Contrast, place: &Place<'_>, listed: &[Metric], wanted: &Wanted) -> Point {
    let cases = |of: &[&'_ Forecast]| -> Vec<Forecast> {
        let wanted = of.iter().filter(|f| wanted.has(f));
        wanted.map(|f| (*f).clone()).collect()
    };
    let (a, b) = (cases(&place.a), cases(&place.b));
    let Matched {
        both,
        only_a,
        only_b,
    } = matched(&a, &b);
    let (in_a, in_b) = (
        answer_of(&a, all.a.ranked_by),
        answer_of(&b, all.b.ranked_by),
    );
    let same_seed = place.seeds.0 == place.seeds.1;
    let pairs = both.iter().map(|&(i, j)| CasePair {
        rows: listed
            .iter()
            .filter_map(|&m| {
                let of = (&a[i], all.a.ranked_by);
                let row = Row::new(m, of, (&b[j], all.b.ranked_by), same_seed)?;
                // Where nothing fails, that is said only to those who ask.
                let asked = wanted.metrics.contains(&m) || wanted.besides.contains(&m);
                (asked || !row.is_without_failures()).then_some(row)
            })
            .collect(),
        objectives: changed_objectives(&a[i], &b[j]),
        a: a[i].clone(),
        b: b[j].clone(),
    });
    let names = |of: &[Forecast], which: &[usize]| which.iter().map(|&i| of[i].name()).collect();
    Point {
        at: place.at.clone(),
        answer: answer_change(in_a.as_ref(), in_b.as_ref(), &both),
        take_a: in_a.map(|x| a[x.take].name()),
        take_b: in_b.map(|x| b[x.take].name()),
        cases: pairs.collect(),
        only_a: names(&a, &only_a),
        only_b: names(&b, &only_b),
    }
}

fn answer_of(cases: &[Forecast], metric: Metric) -> Option<Answer> {
    let standings: Vec<_> = cases.iter().map(crate::result::Standing::from).collect();
    crate::result::answer(&standings, !metric.less_is_better())
}

fn answer_change(a: Option<&Answer>, b: Option<&Answer>, both: &[(usize, usize)]) -> AnswerChange {
    let (a, b) = match (a, b) {
        (None, None) => return AnswerChange::None,
        (Some(_), None) => return AnswerChange::Lost,
        (None, Some(_)) => return AnswerChange::Gained,
        (Some(a), Some(b)) => (a, b),
    };
    let in_b = |i: usize| both.iter().find(|(x, _)| *x == i).map(|(_, y)| *y);
    if in_b(a.take) == Some(b.take) {
        return AnswerChange::Same;
    }
    let as_good_in_b = in_b(a.take).is_some_and(|i| b.tied.contains(&i));
    let as_good_in_a = a.tied.iter().any(|&i| in_b(i) == Some(b.take));
    if as_good_in_a || as_good_in_b {
        AnswerChange::Level
    } else {
        AnswerChange::Changed
    }
}

fn changed_objectives(a: &Forecast, b: &Forecast) -> Vec<ObjectiveChange> {
    let both = a.objectives.iter().filter_map(|o| {
        let other = b.objectives.iter().find(|p| p.text == o.text)?;
        Some(ObjectiveChange {
            text: o.text.clone(),
            a: o.verdict,
            b: other.verdict,
        })
    });
    both.filter(|o| o.a != o.b).collect()
}

/// Judges all rows together: the more there are, the more has to be known of each.
fn judge(all: &mut Contrast) {
    let mut rows: Vec<&mut Row> = all
        .points
        .iter_mut()
        .flat_map(|p| &mut p.cases)
        .flat_map(|c| &mut c.rows)
        .collect();
    let values: Vec<f64> = rows.iter().filter_map(|r| r.p()).collect();
    let adjusted = holm(&values);
    all.comparisons = values.len();
    let with = rows.iter_mut().filter(|r| r.p().is_some());
    for (row, p) in with.zip(adjusted) {
        row.adjusted = Some(p);
    }
    rows.iter_mut()
        .for_each(|r| r.judge(FALSE_ALARMS, values.len()));
}

fn nothing_wanted(a: &Side<'_>, b: &Side<'_>, wanted: &Wanted) -> ContrastError {
    let strategies = wanted.strategies.iter().map(|(s, i)| match i {
        Some(i) => format!("{s} on {i}"),
        None => s.clone(),
    });
    let mut asked: Vec<String> = strategies.collect();
    asked.extend(wanted.interpreters.clone());
    let mut known: Vec<String> = Vec::new();
    for f in a.cases().chain(b.cases()) {
        if !known.contains(&f.name()) {
            known.push(f.name());
        }
    }
    let of = |all: &[String], none: &str| match all {
        [] => none.to_owned(),
        all => crate::quantity::list(all),
    };
    ContrastError::NoCase {
        a: a.name.clone(),
        b: b.name.clone(),
        wanted: of(&asked, "anything"),
        known: of(&known, "none"),
    }
}

/// Names of metrics, for messages.
pub(crate) fn metric_names(all: &[Metric]) -> String {
    let names: Vec<String> = all.iter().map(|&m| metric_name(m)).collect();
    crate::quantity::list(&names)
}
