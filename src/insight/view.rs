//! A view of a sweep: which rows make a curve, along which axis, and what stays fixed meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use super::metric::written;
use super::standings::{PointAnswer, Standings};
use crate::measure::Estimate;
use crate::result::{Sweep, SweepRow, SweptAxis, Tier};
use crate::scenario::Metric;

/// The rows of a sweep by strategy and point.
pub(crate) struct SweepView<'a> {
    pub sweep: &'a Sweep,
    pub ranking: Metric,
    /// The series that are compared, best on average first.
    pub series: Vec<ViewSeries<'a>>,
    /// The points that have rows, in canonical order, each with its index on every axis.
    pub points: Vec<(u64, &'a [usize])>,
    /// The standings of the rows.
    pub standings: Standings,
    /// The row to take at each point.
    answers: BTreeMap<u64, PointAnswer>,
}

/// A series: a strategy (on an interpreter, if there are several) over all points.
pub(crate) struct ViewSeries<'a> {
    /// Its name, without what an axis varies: `threads:N` is swept over the number of its workers, and a strategy that an axis varies
    /// entirely is called `it`.
    pub name: String,
    rows: BTreeMap<u64, (usize, &'a SweepRow)>,
}

impl ViewSeries<'_> {
    /// Index in the sweep of some row of the series.
    pub(crate) fn any_row(&self) -> Option<usize> {
        self.rows.values().next().map(|(i, _)| *i)
    }
}

/// A slice: points that differ only along one axis.
pub(crate) struct Slice {
    /// What stays the same, as axis and index.
    pub fixed: Vec<(usize, usize)>,
    /// The points, by rising value on the axis if it has numbers.
    pub points: Vec<u64>,
}

/// A point of a curve.
#[derive(Clone, Copy)]
pub(crate) struct SeriesPoint<'a> {
    /// Horizontal position: the value on the axis, or its index if the values are text.
    pub x: f64,
    /// Index on the axis.
    pub index: usize,
    pub row: &'a SweepRow,
    /// Value of the metric; `None` unless the row's numbers can be taken as they are.
    pub value: Option<Estimate>,
    /// Index of the row in the sweep.
    pub place: usize,
    /// Tier of the row: along an axis of choices, among all rows that can be chosen; otherwise within its point.
    pub tier: Tier,
}

impl<'a> SweepView<'a> {
    pub(crate) fn new(sweep: &'a Sweep) -> Self {
        let mut points: BTreeMap<u64, &[usize]> = BTreeMap::new();
        for row in &sweep.rows {
            points.entry(row.point).or_insert(&row.index);
        }
        let standings = Standings::new(sweep);
        let answers = points.keys().filter_map(|&p| Some((p, standings.at(p)?)));
        Self {
            sweep,
            ranking: sweep.header.ranked_by,
            series: series(sweep),
            answers: answers.collect(),
            points: points.into_iter().collect(),
            standings,
        }
    }

    pub(crate) fn axes(&self) -> &'a [SweptAxis] {
        &self.sweep.header.axes
    }

    pub(crate) fn row(&self, series: usize, point: u64) -> Option<&'a SweepRow> {
        self.series[series].rows.get(&point).map(|(_, row)| *row)
    }

    /// The index in the sweep of a series' row at a point.
    pub(crate) fn row_at(&self, series: usize, point: u64) -> Option<usize> {
        self.series[series].rows.get(&point).map(|(i, _)| *i)
    }

    /// The series that a row belongs to.
    pub(crate) fn series_of(&self, row: usize) -> Option<usize> {
        let point = self.sweep.rows.get(row)?.point;
        (0..self.series.len()).find(|&s| self.row_at(s, point) == Some(row))
    }

    /// The series to take at a point.
    pub(crate) fn first(&self, point: u64) -> Option<usize> {
        self.series_of(self.answers.get(&point)?.row)
    }

    /// The axes that have several values.
    pub(crate) fn varied(&self) -> Vec<usize> {
        let axes = self.axes();
        let of = (0..axes.len()).filter(|&a| axes[a].values.len() > 1);
        if self.sweep.header.zip {
            // Axes that vary side by side are one axis, represented by the first.
            of.take(1).collect()
        } else {
            of.collect()
        }
    }

    /// The axis along which curves run: resources before other axes, numbers before text, many values before few.
    pub(crate) fn main_axis(&self) -> Option<usize> {
        let axes = self.axes();
        if self.sweep.header.zip {
            let rising = |a: &SweptAxis| {
                a.numbers
                    .as_ref()
                    .is_some_and(|n| n.windows(2).all(|w| w[0] < w[1]))
            };
            return axes
                .iter()
                .position(rising)
                .or_else(|| axes.iter().position(|a| a.values.len() > 1));
        }
        let weight = |&a: &usize| {
            let axis = &axes[a];
            (
                is_resource(axis),
                axis.is_ordered(),
                axis.values.len(),
                usize::MAX - a,
            )
        };
        self.varied().into_iter().max_by_key(weight)
    }

    /// The points in groups that differ only along this axis.
    pub(crate) fn slices(&self, along: usize) -> Vec<Slice> {
        /// Index along the axis, and point.
        type Members = Vec<(usize, u64)>;
        let zip = self.sweep.header.zip;
        let varied = self.varied();
        // Keyed by what is fixed: index along the axis, and point.
        let mut slices: BTreeMap<Vec<(usize, usize)>, Members> = BTreeMap::new();
        for &(point, index) in &self.points {
            let others = varied.iter().filter(|&&a| a != along && !zip);
            let fixed = others.filter_map(|&a| Some((a, *index.get(a)?))).collect();
            let at = index.get(along).copied().unwrap_or(0);
            slices.entry(fixed).or_default().push((at, point));
        }
        let order = |points: &mut Members| {
            points.sort_by(|a, b| {
                let x = |i: usize| across(&self.axes()[along], i);
                x(a.0).total_cmp(&x(b.0)).then(a.1.cmp(&b.1))
            });
        };
        slices
            .into_iter()
            .map(|(fixed, mut points)| {
                order(&mut points);
                Slice {
                    fixed,
                    points: points.into_iter().map(|(_, p)| p).collect(),
                }
            })
            .collect()
    }

    /// The curve of a series along an axis, within a slice.
    pub(crate) fn curve(&self, series: usize, along: usize, slice: &Slice) -> Vec<SeriesPoint<'a>> {
        let dot = |&p: &u64| {
            let (row, place) = (self.row(series, p)?, self.row_at(series, p)?);
            let index = row.index.get(along).copied()?;
            let standing = &self.standings.rows[place];
            Some(SeriesPoint {
                x: across(&self.axes()[along], index),
                index,
                row,
                value: standing.value,
                place,
                tier: if self.standings.is_choice(along) {
                    standing.across
                } else {
                    standing.within.tier
                },
            })
        };
        slice.points.iter().filter_map(dot).collect()
    }

    /// Whether an axis counts something that is paid for and of which more should help. An axis that varies side by side with another
    /// explains nothing by itself.
    pub(crate) fn is_resource(&self, axis: usize) -> bool {
        !self.sweep.header.zip && is_resource(&self.axes()[axis])
    }

    /// Whether this series is the one to take at a point, or as good; `false` if there is nothing to compare with.
    pub(crate) fn leads(&self, series: usize, point: u64) -> bool {
        let row = self.row_at(series, point);
        let answer = self.answers.get(&point);
        self.series.len() > 1
            && row
                .zip(answer)
                .is_some_and(|(row, t)| t.row == row || t.tied.contains(&row))
    }

    /// Whether the row that is taken at a point meets the objectives.
    pub(crate) fn meets(&self, point: u64) -> bool {
        self.answers.get(&point).is_some_and(|t| t.meets)
    }

    /// Whether tasks fail at any point.
    pub(crate) fn any_fails(&self) -> bool {
        let working = self.standings.rows.iter().filter(|r| r.value.is_some());
        working.filter_map(|r| r.fails).any(|f| f.mean > 0.0)
    }

    /// The text of a value of an axis.
    pub(crate) fn written(&self, axis: usize, index: usize) -> String {
        let value = self.axes()[axis].values.get(index);
        value.map(written).unwrap_or_default()
    }
}

/// The number at an index of an axis, or the index itself if the axis has text.
pub(crate) fn across(axis: &SweptAxis, index: usize) -> f64 {
    let numbers = axis.numbers.as_ref();
    numbers
        .and_then(|n| n.get(index))
        .copied()
        .unwrap_or(index as f64)
}

fn is_resource(axis: &SweptAxis) -> bool {
    const NAMES: [&str; 6] = [
        "cores",
        "workers",
        "processes",
        "threads",
        "limit",
        "interpreters",
    ];
    let last = axis.path.rsplit('.').next().unwrap_or_default();
    axis.numbers.is_some() && (NAMES.contains(&last) || NAMES.contains(&axis.label.as_str()))
}

fn series(sweep: &Sweep) -> Vec<ViewSeries<'_>> {
    let names = names(sweep);
    let mut by_name: BTreeMap<&str, BTreeMap<u64, (usize, &SweepRow)>> = BTreeMap::new();
    for ((place, row), name) in sweep.rows.iter().enumerate().zip(&names) {
        let rows = by_name.entry(name).or_default();
        rows.entry(row.point).or_insert((place, row));
    }
    let most = by_name.len() as f64;
    let mean_rank = |rows: &BTreeMap<u64, (usize, &SweepRow)>| {
        let ranks = rows
            .values()
            .map(|(_, r)| r.case.rank.map_or(most + 1.0, f64::from));
        ranks.sum::<f64>() / rows.len().max(1) as f64
    };
    let mut all: Vec<(f64, ViewSeries<'_>)> = by_name
        .into_iter()
        .map(|(name, rows)| {
            let name = name.to_owned();
            (mean_rank(&rows), ViewSeries { name, rows })
        })
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.name.cmp(&b.1.name)));
    all.into_iter().map(|(_, s)| s).collect()
}

/// The name of the series of each row.
fn names(sweep: &Sweep) -> Vec<String> {
    let strategies = parts(sweep, |r| &r.case.strategy);
    let interpreters = parts(sweep, |r| &r.case.interpreter);
    let name = |(s, i): (Option<String>, Option<String>)| match (s, i) {
        (Some(s), Some(i)) => format!("{s} on {}", short(&i)),
        (Some(s), None) => s,
        (None, Some(i)) => short(&i).to_owned(),
        (None, None) => "it".into(),
    };
    let several: BTreeSet<&str> = sweep
        .rows
        .iter()
        .map(|r| r.case.interpreter.as_str())
        .collect();
    let interpreters = interpreters
        .into_iter()
        .map(|i| i.filter(|_| several.len() > 1));
    strategies.into_iter().zip(interpreters).map(name).collect()
}

/// The interpreter's name without the prefix that all of them have.
pub(crate) fn short(interpreter: &str) -> &str {
    let rest = interpreter.strip_prefix("cpython-");
    rest.unwrap_or(interpreter)
}

/// A part of each row's name, without what an axis varies; `None` if an axis varies all of it.
fn parts<'a>(sweep: &'a Sweep, get: impl Fn(&'a SweepRow) -> &'a String) -> Vec<Option<String>> {
    let axes = sweep.header.axes.iter().enumerate();
    let varied: Vec<(usize, &SweptAxis)> = axes.filter(|(_, a)| a.values.len() > 1).collect();
    // At which values of each axis a name occurs, and which names occur at each value.
    let mut at: BTreeMap<(usize, &str), BTreeSet<usize>> = BTreeMap::new();
    let mut of: BTreeMap<usize, BTreeMap<usize, BTreeSet<&str>>> = BTreeMap::new();
    for row in &sweep.rows {
        for &(a, _) in &varied {
            let Some(&i) = row.index.get(a) else { continue };
            let name = get(row).as_str();
            at.entry((a, name)).or_default().insert(i);
            of.entry(a).or_default().entry(i).or_default().insert(name);
        }
    }
    let decided = varied.iter().any(|(a, axis)| {
        let by_value = of.get(a).into_iter().flat_map(BTreeMap::values);
        let names: Vec<&BTreeSet<&str>> = by_value.collect();
        axis.numbers.is_none()
            && names.len() > 1
            && names.iter().all(|n| n.len() == 1)
            && names.windows(2).any(|w| w[0] != w[1])
    });
    // The values of those axes at only one of whose values the row's name occurs.
    let varies = |row: &'a SweepRow| -> Vec<String> {
        let name = get(row).as_str();
        let only_here = |a: &usize| at.get(&(*a, name)).is_some_and(|i| i.len() == 1);
        let axes = varied.iter().filter(|(a, _)| only_here(a));
        let values = axes.filter_map(|(_, axis)| row.at.get(&axis.path).map(written));
        values.collect()
    };
    // `prefork:40(threads:40)` over 20, 40 and 80 processes becomes `prefork:N(threads:40)`, as at the other values.
    let mut usual: BTreeMap<String, usize> = BTreeMap::new();
    for row in &sweep.rows {
        for value in varies(row) {
            if let [only] = without(get(row), &value).as_slice() {
                *usual.entry(only.clone()).or_default() += 1;
            }
        }
    }
    let part = |row: &'a SweepRow| {
        varies(row).iter().fold(get(row).clone(), |out, value| {
            let mut ways = without(&out, value).into_iter().rev();
            let first = ways.next();
            let known = |w: &String| usual.get(w).copied().unwrap_or(0);
            let way = ways.fold(first, |a, b| match a {
                Some(a) if known(&b) <= known(&a) => Some(a),
                _ => Some(b),
            });
            way.unwrap_or(out)
        })
    };
    sweep
        .rows
        .iter()
        .map(|r| (!decided).then(|| part(r)))
        .collect()
}

/// The name with `N` for one of its words that equals this value, in each way, and finally for all of them: `threads:4` and 4 make
/// `threads:N`. Empty if no word does.
fn without(name: &str, value: &str) -> Vec<String> {
    let apart = |c: char| !c.is_alphanumeric() && c != '.';
    let pieces: Vec<&str> = name.split_inclusive(apart).collect();
    let is = |i: &usize| pieces[*i].trim_end_matches(apart) == value;
    let found: Vec<usize> = (0..pieces.len()).filter(is).collect();
    let replaced = |which: &[usize]| -> String {
        let of = |(i, piece): (usize, &&str)| {
            if which.contains(&i) {
                format!("N{}", &piece[value.len()..])
            } else {
                (*piece).to_owned()
            }
        };
        pieces.iter().enumerate().map(of).collect()
    };
    let mut ways: Vec<String> = found.iter().map(|&i| replaced(&[i])).collect();
    if found.len() > 1 {
        ways.push(replaced(&found));
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_varied_is_left_out_of_a_name() {
        assert_eq!(without("threads:4", "4"), ["threads:N"]);
        assert_eq!(without("processes:4:fork", "4"), ["processes:N:fork"]);
        assert_eq!(
            without("asyncio(14)+threads:4", "4"),
            ["asyncio(14)+threads:N"]
        );
        assert!(without("sequential", "4").is_empty());
        assert_eq!(
            without("prefork:4(threads:4)", "4"),
            [
                "prefork:N(threads:4)",
                "prefork:4(threads:N)",
                "prefork:N(threads:N)"
            ]
        );
    }
}
