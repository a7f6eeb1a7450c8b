//! What is said of a comparison, as statements that can be held against the two results.

use super::{AnswerChange, Contrast, Row, RowVerdict};
use crate::measure::Estimate;
use crate::result::{ResultRef, Verdict};
use crate::scenario::Metric;

/// Where a row stands in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowPlace {
    /// Index of the point.
    pub point: usize,
    /// Index of the case at that point.
    pub case: usize,
    /// Index of the row of that case.
    pub row: usize,
}

/// How many rows have each verdict, in the order of [`RowVerdict::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally(pub [usize; RowVerdict::ALL.len()]);

impl Tally {
    /// Number of rows with a verdict.
    #[must_use]
    pub fn of(&self, v: RowVerdict) -> usize {
        let at = RowVerdict::ALL.iter().position(|x| *x == v);
        at.map_or(0, |i| self.0[i])
    }
}

/// A statement about a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// All that both have is the same, to the last digit.
    Nothing,
    /// This is the greatest real change of the metric that decides the rank; or, where that has none, of all that are measured as a ratio;
    /// or of shares.
    Most(RowPlace),
    /// Nothing that was compared really got better or worse.
    NoneReal,
    /// How many differences there are of each kind.
    Tally(Tally),
    /// Whether the case to take is another one, at this point.
    Answer {
        /// The point.
        point: usize,
        /// Whether it is another one.
        change: AnswerChange,
    },
    /// At how many points of two sweeps it is.
    Answers {
        /// Points at which another case is to be taken.
        changed: Vec<usize>,
        /// Number of points that were compared.
        of: usize,
    },
    /// A case that has a forecast in one result only: it is saturated, deadlocked, ... in the other.
    Status {
        /// The point.
        point: usize,
        /// The case.
        case: usize,
    },
    /// An objective whose verdict changed.
    Objective {
        /// The point.
        point: usize,
        /// The case.
        case: usize,
        /// Index among the case's changed objectives.
        objective: usize,
    },
    /// What cannot be told: these rows, of which `hardest` needs most replications, and how many that are.
    Unclear {
        /// The metric that they are of; `None` if they are of several.
        metric: Option<Metric>,
        /// Number of rows.
        rows: usize,
        /// The row that is hardest to tell.
        hardest: RowPlace,
        /// Replications of each side that would tell all of them; `None` where that is out of reach.
        needed: Option<u32>,
    },
}

impl Contrast {
    /// What is said of the comparison, the most important first.
    #[must_use]
    pub fn said(&self) -> Vec<Said> {
        let tally = self.tally();
        let compared: usize = tally.0.iter().sum();
        let mut all = Vec::new();
        let one_sided = tally.of(RowVerdict::Lost) + tally.of(RowVerdict::Gained);
        let strongest = self.strongest();
        match strongest {
            _ if compared > 0 && tally.of(RowVerdict::Same) == compared => {
                all.push(Said::Nothing);
            }
            Some(place) => all.push(Said::Most(place)),
            None if self.comparisons > 0 && one_sided == 0 => all.push(Said::NoneReal),
            None => {}
        }
        all.extend(self.answers());
        all.extend(self.statuses());
        all.extend(self.objectives());
        if compared > 0 && all.first() != Some(&Said::Nothing) {
            all.push(Said::Tally(tally));
        }
        all.extend(self.unclear());
        all
    }

    /// How many rows have each verdict.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut counts = [0; RowVerdict::ALL.len()];
        for (_, row) in self.rows() {
            let at = RowVerdict::ALL.iter().position(|v| *v == row.verdict);
            if let Some(i) = at {
                counts[i] += 1;
            }
        }
        Tally(counts)
    }

    /// The class in which a row competes to be the strongest; the least class decides.
    fn class(&self, row: &Row) -> u8 {
        let ratio = row.change.is_some_and(|c| c.is_ratio());
        match (row.metric == self.metric(), ratio) {
            (true, true) => 0,
            (false, true) => 1,
            (_, false) => 2,
        }
    }

    fn strongest(&self) -> Option<RowPlace> {
        let real = |row: &Row| matches!(row.verdict, RowVerdict::Better | RowVerdict::Worse);
        let size = |row: &Row| row.change.map_or(0.0, |c| c.size());
        let mut best: Option<(RowPlace, &Row)> = None;
        for (place, row) in self.rows().filter(|(_, r)| real(r)) {
            let ahead = best.is_none_or(|(_, b)| {
                let classes = (self.class(row), self.class(b));
                classes.0 < classes.1 || classes.0 == classes.1 && size(row) > size(b)
            });
            if ahead {
                best = Some((place, row));
            }
        }
        best.map(|(place, _)| place)
    }

    fn answers(&self) -> Vec<Said> {
        let answer = |point: usize| Said::Answer {
            point,
            change: self.points[point].answer,
        };
        if !self.sweeps {
            return (0..self.points.len()).map(answer).collect();
        }
        let differs = |i: &usize| {
            let change = self.points[*i].answer;
            matches!(
                change,
                AnswerChange::Changed | AnswerChange::Lost | AnswerChange::Gained
            )
        };
        vec![Said::Answers {
            changed: (0..self.points.len()).filter(differs).collect(),
            of: self.points.len(),
        }]
    }

    fn statuses(&self) -> Vec<Said> {
        let mut all = Vec::new();
        for (point, p) in self.points.iter().enumerate() {
            let other = |c: &super::CasePair| c.a.status != c.b.status;
            let cases = (0..p.cases.len()).filter(|i| other(&p.cases[*i]));
            all.extend(cases.map(|case| Said::Status { point, case }));
        }
        all
    }

    fn objectives(&self) -> Vec<Said> {
        let mut all = Vec::new();
        for (point, p) in self.points.iter().enumerate() {
            for (case, c) in p.cases.iter().enumerate() {
                all.extend((0..c.objectives.len()).map(|objective| Said::Objective {
                    point,
                    case,
                    objective,
                }));
            }
        }
        all
    }

    /// What cannot be told of the deciding metric; where all of that is told, of the others.
    fn unclear(&self) -> Option<Said> {
        let open = || {
            self.rows()
                .filter(|(_, r)| r.verdict == RowVerdict::Unclear)
        };
        let decisive: Vec<(RowPlace, &Row)> =
            open().filter(|(_, r)| r.metric == self.metric()).collect();
        let (metric, rows) = if decisive.is_empty() {
            (None, open().collect())
        } else {
            (Some(self.metric()), decisive)
        };
        // Without a number it is out of reach, which is more than any.
        let need = |row: &Row| row.needed.unwrap_or(u32::MAX);
        let hardest = rows.iter().max_by_key(|(_, r)| need(r))?;
        Some(Said::Unclear {
            metric,
            rows: rows.len(),
            hardest: hardest.0,
            needed: hardest.1.needed,
        })
    }
}

impl Said {
    /// Whether the statement is true of the two results, as they are and not as the comparison has them.
    #[must_use]
    pub fn holds(&self, contrast: &Contrast, a: ResultRef<'_>, b: ResultRef<'_>) -> bool {
        let held = Held { contrast, a, b };
        match self {
            Self::Nothing => contrast.rows().all(|(p, _)| held.equal(p)),
            Self::Most(place) => {
                let row = contrast.row(*place);
                let rivals = contrast.rows().filter(|(_, r)| {
                    // What has no ratio is a difference, which cannot be ordered among ratios.
                    let ratio = |r: &Row| r.change.is_some_and(|c| c.is_ratio());
                    r.metric == row.metric
                        && ratio(r) == ratio(row)
                        && matches!(r.verdict, RowVerdict::Better | RowVerdict::Worse)
                });
                held.moved(*place)
                    && rivals
                        .into_iter()
                        .all(|(p, _)| held.size(p) <= held.size(*place) * (1.0 + 1e-9))
            }
            Self::NoneReal => contrast
                .rows()
                .all(|(_, r)| !r.is_real() || r.verdict == RowVerdict::Negligible),
            Self::Tally(tally) => tally.0.iter().sum::<usize>() == contrast.rows().count(),
            Self::Answer { point, change } => held.answers(*point, *change),
            Self::Answers { changed, of } => {
                *of == contrast.points.len()
                    && (0..*of).all(|p| held.answers(p, contrast.points[p].answer))
                    && changed
                        .iter()
                        .all(|p| contrast.points[*p].take_a != contrast.points[*p].take_b)
            }
            Self::Status { point, case } => {
                let c = &contrast.points[*point].cases[*case];
                c.a.status != c.b.status && held.has_both(*point, *case)
            }
            Self::Objective {
                point,
                case,
                objective,
            } => {
                let c = &contrast.points[*point].cases[*case];
                let o = &c.objectives[*objective];
                let of = |f: &crate::result::Forecast| {
                    let found = f.objectives.iter().find(|x| x.text == o.text);
                    found.map(|x| x.verdict)
                };
                let (x, y): (Option<Verdict>, Option<Verdict>) = (of(&c.a), of(&c.b));
                held.has_both(*point, *case) && x == Some(o.a) && y == Some(o.b) && o.a != o.b
            }
            Self::Unclear { hardest, rows, .. } => {
                let row = contrast.row(*hardest);
                *rows > 0
                    && row.verdict == RowVerdict::Unclear
                    && !row.is_real()
                    && !held.equal(*hardest)
            }
        }
    }
}

/// A comparison beside the results that it is of.
struct Held<'a> {
    contrast: &'a Contrast,
    a: ResultRef<'a>,
    b: ResultRef<'a>,
}

impl Held<'_> {
    /// The values of a row in both, as the results have them.
    fn values(&self, at: RowPlace) -> Option<(Estimate, Estimate)> {
        let pair = &self.contrast.points[at.point].cases[at.case];
        let row = &pair.rows[at.row];
        let of = |f: &crate::result::Forecast, ranked: Metric| match row.metric.quantity() {
            Some(q) => f.get(q),
            None if ranked == row.metric => f.primary(),
            None => None,
        };
        let a = of(&pair.a, self.contrast.a.ranked_by)?;
        let b = of(&pair.b, self.contrast.b.ranked_by)?;
        self.has_both(at.point, at.case).then_some((a, b))
    }

    /// Whether the case stands in both results as the comparison has it.
    fn has_both(&self, point: usize, case: usize) -> bool {
        let pair = &self.contrast.points[point].cases[case];
        let has = |result: ResultRef<'_>, f: &crate::result::Forecast| match result {
            ResultRef::Study(s) => s.forecasts.contains(f),
            ResultRef::Sweep(s) => s.rows.iter().any(|r| r.case == *f),
        };
        has(self.a, &pair.a) && has(self.b, &pair.b)
    }

    fn equal(&self, at: RowPlace) -> bool {
        self.values(at).is_some_and(|(a, b)| a == b)
    }

    /// The logarithm of the ratio of the row's values, or their difference; 0 where they are not known.
    fn size(&self, at: RowPlace) -> f64 {
        let row = self.contrast.row(at);
        let ratio = row.change.is_some_and(|c| c.is_ratio());
        // In pairs the values are those of the common replications.
        match row.a.zip(row.b) {
            Some((a, b)) if ratio => libm::log(b.mean / a.mean).abs(),
            Some((a, b)) => (b.mean - a.mean).abs(),
            None => 0.0,
        }
    }

    /// Whether a row that is said to have become better or worse has: in that direction, by enough to matter, and with an interval without
    /// zero.
    fn moved(&self, at: RowPlace) -> bool {
        let row = self.contrast.row(at);
        let Some(((a, b), change)) = row.a.zip(row.b).zip(row.change) else {
            return false;
        };
        let better = row.metric.better(b.mean, a.mean);
        let said = match row.verdict {
            RowVerdict::Better => better,
            RowVerdict::Worse => !better,
            RowVerdict::Negligible
            | RowVerdict::Unclear
            | RowVerdict::Same
            | RowVerdict::Unknown
            | RowVerdict::Lost
            | RowVerdict::Gained => false,
        };
        let apart = change
            .interval()
            .is_some_and(|(low, high)| low > 0.0 || high < 0.0);
        said && apart && self.values(at).is_some()
    }

    /// Whether the cases to take at a point are what the comparison says.
    fn answers(&self, point: usize, change: AnswerChange) -> bool {
        let p = &self.contrast.points[point];
        let same = p
            .cases
            .iter()
            .any(|c| Some(c.a.name()) == p.take_a && Some(c.b.name()) == p.take_b);
        match change {
            AnswerChange::Same => same,
            AnswerChange::Level | AnswerChange::Changed => {
                !same && p.take_a.is_some() && p.take_b.is_some()
            }
            AnswerChange::Lost => p.take_a.is_some() && p.take_b.is_none(),
            AnswerChange::Gained => p.take_a.is_none() && p.take_b.is_some(),
            AnswerChange::None => p.take_a.is_none() && p.take_b.is_none(),
        }
    }
}
