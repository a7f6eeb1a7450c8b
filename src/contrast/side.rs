//! The two results that are compared, each as a list of points with their cases; and the points that both have.

use serde_json::Value;

use super::{ContrastError, SideInfo};
use crate::insight::written;
use crate::quantity::counted;
use crate::result::{CountingStart, Forecast, ResultRef, Sweep, SweepRow, SweptAxis};
use crate::scenario::Metric;
use crate::study::Valued;

/// One of two results.
#[derive(Clone, Debug)]
pub struct Side<'a> {
    /// What the user calls it: a file, or a scenario.
    pub name: String,
    /// The result.
    pub result: ResultRef<'a>,
    /// The values of the scenario by their paths, where it was simulated here; a result holds a hash only.
    pub(crate) values: Option<Vec<Valued>>,
}

impl<'a> Side<'a> {
    /// A result that the user calls `name`.
    #[must_use]
    pub fn new(name: impl Into<String>, result: ResultRef<'a>) -> Self {
        Self {
            name: name.into(),
            result,
            values: None,
        }
    }

    pub(super) fn info(&self) -> SideInfo {
        let name = self.name.clone();
        let ranked_by = self.metric();
        match self.result {
            ResultRef::Study(s) => SideInfo {
                name,
                program: s.program.clone(),
                scenario: s.scenario.clone(),
                seed: s.seed,
                command: s.command.clone(),
                ranked_by,
            },
            ResultRef::Sweep(s) => SideInfo {
                name,
                program: s.header.program.clone(),
                scenario: s.header.scenario.clone(),
                seed: s.header.seed,
                command: s.header.command.clone(),
                ranked_by,
            },
        }
    }

    pub(super) fn is_sweep(&self) -> bool {
        matches!(self.result, ResultRef::Sweep(_))
    }

    /// The metric by which it ranks.
    pub(super) fn metric(&self) -> Metric {
        match self.result {
            ResultRef::Study(s) => s.metric,
            ResultRef::Sweep(s) => s.header.ranked_by,
        }
    }

    /// Whether it is about steady traffic. Of a sweep only its cases tell, by what they leave out at their start.
    pub(super) fn is_steady(&self) -> bool {
        match self.result {
            ResultRef::Study(s) => s.steady,
            ResultRef::Sweep(_) => self.cases().any(|f| f.begins != CountingStart::Whole),
        }
    }

    /// All cases, of all points.
    pub(super) fn cases(&self) -> Box<dyn Iterator<Item = &'a Forecast> + 'a> {
        match self.result {
            ResultRef::Study(s) => Box::new(s.forecasts.iter()),
            ResultRef::Sweep(s) => Box::new(s.rows.iter().map(|r| &r.case)),
        }
    }
}

/// A point that both results have, with the cases of each.
pub(super) struct Place<'a> {
    /// Labels of its axes, with its values.
    pub at: Vec<(String, String)>,
    /// The cases of A.
    pub a: Vec<&'a Forecast>,
    /// The cases of B.
    pub b: Vec<&'a Forecast>,
    /// The master seeds.
    pub seeds: (u64, u64),
}

/// The points of two results.
pub(super) struct Places<'a> {
    /// Those that both have, in the order of A.
    pub both: Vec<Place<'a>>,
    /// Number of points that only A has.
    pub only_a: usize,
    /// Number of points that only B has.
    pub only_b: usize,
}

/// The points that two results have in common.
pub(super) fn places<'a>(a: &Side<'a>, b: &Side<'a>) -> Result<Places<'a>, ContrastError> {
    let kinds = |run: &Side<'_>, sweep: &Side<'_>| ContrastError::Kinds {
        run: run.name.clone(),
        sweep: sweep.name.clone(),
    };
    match (a.result, b.result) {
        (ResultRef::Study(x), ResultRef::Study(y)) => Ok(Places {
            both: vec![Place {
                at: Vec::new(),
                a: x.forecasts.iter().collect(),
                b: y.forecasts.iter().collect(),
                seeds: (x.seed, y.seed),
            }],
            only_a: 0,
            only_b: 0,
        }),
        (ResultRef::Sweep(x), ResultRef::Sweep(y)) => of_sweeps((&a.name, x), (&b.name, y)),
        (ResultRef::Study(_), ResultRef::Sweep(_)) => Err(kinds(a, b)),
        (ResultRef::Sweep(_), ResultRef::Study(_)) => Err(kinds(b, a)),
    }
}

fn of_sweeps<'a>(
    (name_a, a): (&str, &'a Sweep),
    (name_b, b): (&str, &'a Sweep),
) -> Result<Places<'a>, ContrastError> {
    for (one, other, names) in [(a, b, (name_a, name_b)), (b, a, (name_b, name_a))] {
        let shared = |x: &SweptAxis| other.header.axes.iter().any(|y| x.path == y.path);
        let alone = |x: &&SweptAxis| !shared(x) && x.values.len() > 1;
        if let Some(axis) = one.header.axes.iter().find(alone) {
            return Err(ContrastError::Axis {
                one: names.0.to_owned(),
                other: names.1.to_owned(),
                axis: axis.label.clone(),
                values: axis.values.len(),
            });
        }
    }
    let axes = common_axes(a, b);
    let (of_a, of_b) = (points(a), points(b));
    let mut taken = vec![false; of_b.len()];
    let mut both = Vec::new();
    for x in &of_a {
        let found = (0..of_b.len()).find(|&j| !taken[j] && axes.iter().all(|s| s.meet(x, of_b[j])));
        let Some(j) = found else {
            continue;
        };
        taken[j] = true;
        let cases = |of: &'a [SweepRow]| of.iter().map(|r| &r.case).collect();
        both.push(Place {
            at: axes.iter().filter_map(|s| s.named(x)).collect(),
            a: cases(x),
            b: cases(of_b[j]),
            seeds: (a.header.seed, b.header.seed),
        });
    }
    if both.is_empty() {
        return Err(ContrastError::NoPoint {
            a: name_a.to_owned(),
            b: name_b.to_owned(),
            axes_a: in_words(a),
            axes_b: in_words(b),
        });
    }
    Ok(Places {
        only_a: of_a.len() - both.len(),
        only_b: of_b.len() - both.len(),
        both,
    })
}

fn in_words(s: &Sweep) -> String {
    let axis = |x: &SweptAxis| {
        let values: Vec<String> = x.values.iter().map(written).collect();
        format!("{}={}", x.label, values.join(","))
    };
    let all: Vec<String> = s.header.axes.iter().map(axis).collect();
    match all.as_slice() {
        [] => counted(s.points_done(), "point"),
        all => all.join(" "),
    }
}

/// An axis that both sweeps have, with its place in each.
struct CommonAxis<'a> {
    a: &'a SweptAxis,
    b: &'a SweptAxis,
    at_a: usize,
    at_b: usize,
}

fn common_axes<'a>(a: &'a Sweep, b: &'a Sweep) -> Vec<CommonAxis<'a>> {
    let all = a.header.axes.iter().enumerate().filter_map(|(at_a, x)| {
        let at_b = b.header.axes.iter().position(|y| y.path == x.path)?;
        Some(CommonAxis {
            a: x,
            b: &b.header.axes[at_b],
            at_a,
            at_b,
        })
    });
    all.collect()
}

impl CommonAxis<'_> {
    /// Whether two points have the same value here, however it is written (`2GiB` and `2048MiB` are one).
    fn meet(&self, x: &[SweepRow], y: &[SweepRow]) -> bool {
        let index = |of: &[SweepRow], at: usize| of.first()?.index.get(at).copied();
        let Some((i, j)) = index(x, self.at_a).zip(index(y, self.at_b)) else {
            return false;
        };
        let number = |axis: &SweptAxis, i: usize| axis.numbers.as_ref()?.get(i).copied();
        match number(self.a, i).zip(number(self.b, j)) {
            Some((m, n)) if self.a.unit == self.b.unit => m == n,
            _ => match (self.a.values.get(i), self.b.values.get(j)) {
                (Some(v), Some(w)) => v == w,
                _ => false,
            },
        }
    }

    fn named(&self, x: &[SweepRow]) -> Option<(String, String)> {
        let value: &Value = self.a.values.get(*x.first()?.index.get(self.at_a)?)?;
        Some((self.a.label.clone(), written(value)))
    }
}

/// The rows of a sweep, point by point.
fn points(s: &Sweep) -> Vec<&[SweepRow]> {
    s.rows.chunk_by(|x, y| x.point == y.point).collect()
}
