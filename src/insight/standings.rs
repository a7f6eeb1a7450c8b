//! Standings of a sweep's rows: which case to take at each point, and over many points. Cases are in tiers (see [`Tier`]), and the metric
//! decides only within a tier, across points as well as within one.

use std::collections::BTreeMap;

use super::metric::value;
use crate::measure::Estimate;
use crate::quantity::Quantity;
use crate::result::{
    Answer, AxisKind, Standing, Sweep, SweepHeader, SweepRow, SweptAxis, TIE, Tier, answer_within,
    fails_more,
};
use crate::scenario::Metric;

/// A row, as far as its standing depends on it.
#[derive(Clone, Debug)]
pub(crate) struct RowStanding {
    point: u64,
    index: Vec<usize>,
    /// Standing among the cases of its point.
    pub within: Standing,
    /// Tier among all rows that can be chosen instead: those with the same given values and the same load.
    pub across: Tier,
    /// Value of the metric, if the row's numbers can be taken as they are.
    pub value: Option<Estimate>,
    /// Share of its tasks that fail.
    pub fails: Option<Estimate>,
}

/// An axis, as far as standings depend on it.
#[derive(Clone, Debug)]
struct StandingAxis {
    kind: AxisKind,
    numbers: Option<Vec<f64>>,
}

/// A setting: rows to choose from, with the same given values and, if a load is swept, the largest load that any of them bears.
#[derive(Clone, Debug)]
pub(crate) struct Alternatives {
    /// Axis and index of the load, if one is swept.
    pub load: Option<(usize, usize)>,
    /// Indices of the rows in the sweep.
    pub rows: Vec<usize>,
}

/// The row to take of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PointAnswer {
    /// Index of the row in the sweep.
    pub row: usize,
    /// Whether it meets every objective and fails no more tasks than others; otherwise it is the nearest.
    pub meets: bool,
    /// Other rows of the same point that are as good.
    pub tied: Vec<usize>,
    /// The best row by the metric alone, if that is another one, and better beyond chance.
    pub fastest: Option<usize>,
}

/// The standings of all rows of a sweep.
#[derive(Clone, Debug)]
pub(crate) struct Standings {
    axes: Vec<StandingAxis>,
    zip: bool,
    ranking: Metric,
    /// Standings in the order of the sweep's rows.
    pub rows: Vec<RowStanding>,
}

impl Standings {
    pub(crate) fn new(sweep: &Sweep) -> Self {
        let mut all = Self::none(&sweep.header);
        for point in sweep.rows.chunk_by(|a, b| a.point == b.point) {
            all.add(point);
        }
        all.look_across();
        all
    }

    /// The standings of a sweep of which no point is known yet.
    pub(crate) fn none(header: &SweepHeader) -> Self {
        let mut loaded = false;
        let axis = |a: &SweptAxis| {
            let (path, numbers, values) = (&a.path, a.numbers.clone(), a.values.len());
            let kind = match AxisKind::of(path) {
                // An axis with a single value distinguishes nothing.
                _ if values < 2 => AxisKind::Choice,
                // Only one load can be the heaviest; each value of a second load is a setting of its own.
                AxisKind::Load if loaded || numbers.is_none() => AxisKind::Given,
                AxisKind::Load => {
                    loaded = true;
                    AxisKind::Load
                }
                kind => kind,
            };
            StandingAxis { kind, numbers }
        };
        let mut axes: Vec<StandingAxis> = header.axes.iter().map(axis).collect();
        // Side by side, a given axis makes every point a setting of its own.
        if header.zip && axes.iter().any(|a| a.kind == AxisKind::Given) {
            axes.iter_mut().for_each(|a| a.kind = AxisKind::Given);
        }
        Self {
            axes,
            zip: header.zip,
            ranking: header.ranked_by,
            rows: Vec::new(),
        }
    }

    /// Adds the rows of a point.
    pub(crate) fn add(&mut self, point: &[SweepRow]) {
        let within = point.iter().map(|r| Standing::from(&r.case));
        for (row, mut standing) in point.iter().zip(within) {
            let value = value(row);
            standing.metric = value.map(|v| v.mean);
            self.rows.push(RowStanding {
                point: row.point,
                index: row.index.clone(),
                within: standing,
                across: standing.tier,
                value,
                fails: row.case.get(Quantity::FailureRate),
            });
        }
    }

    /// Sets the tiers across points: a row that fails more tasks than another that could be chosen instead, at whatever point, is no match
    /// for it. Within a point the tiers are known already, from paired differences.
    pub(crate) fn look_across(&mut self) {
        let chosen: Vec<bool> = self
            .axes
            .iter()
            .map(|a| a.kind == AxisKind::Choice)
            .collect();
        let key = |row: &RowStanding| -> Vec<usize> {
            let fixed = row.index.iter().zip(&chosen).filter(|(_, c)| !**c);
            fixed.map(|(i, _)| *i).collect()
        };
        // For each group, the two points that fail least, by the upper ends of their failing shares.
        let mut least: BTreeMap<Vec<usize>, [(u64, f64); 2]> = BTreeMap::new();
        let working = self.rows.iter().filter(|r| r.value.is_some());
        for (row, fails) in working.filter_map(|r| Some((r, r.fails?))) {
            let none = (u64::MAX, f64::INFINITY);
            let [first, second] = least.entry(key(row)).or_insert([none; 2]);
            let here = (row.point, fails.high.unwrap_or(fails.mean));
            if here.0 == first.0 {
                first.1 = first.1.min(here.1);
            } else if here.1 < first.1 {
                (*second, *first) = (*first, here);
            } else if here.1 < second.1 || here.0 == second.0 {
                *second = (here.0, second.1.min(here.1));
            }
        }
        for row in &mut self.rows {
            let Some(least) = least.get(&key(row)) else {
                continue;
            };
            row.across = row.within.tier;
            let elsewhere = least.iter().find(|l| l.0 != row.point);
            let more = |f: Estimate| elsewhere.is_some_and(|l| fails_more(f, l.1));
            if row.fails.is_some_and(more) {
                row.across = row.across.max(Tier::Fails);
            }
        }
    }

    /// Whether any axis is given, so that there is no single best row.
    pub(crate) fn is_given(&self) -> bool {
        self.axes.iter().any(|a| a.kind == AxisKind::Given)
    }

    /// The kind of an axis in a search for the best of this sweep.
    pub(crate) fn kind(&self, axis: usize) -> AxisKind {
        self.axes.get(axis).map_or(AxisKind::Choice, |a| a.kind)
    }

    /// Whether the values of an axis can be chosen.
    pub(crate) fn is_choice(&self, axis: usize) -> bool {
        self.kind(axis) == AxisKind::Choice
    }

    /// The axes that are given.
    pub(crate) fn given(&self) -> Vec<usize> {
        let all = 0..self.axes.len();
        all.filter(|&a| self.axes[a].kind == AxisKind::Given)
            .collect()
    }

    /// The settings: one for each combination of given values.
    pub(crate) fn settings(&self) -> Vec<Alternatives> {
        let given = self.given();
        let mut groups: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        for (i, row) in self.rows.iter().enumerate() {
            let key = given.iter().filter_map(|&a| row.index.get(a).copied());
            groups.entry(key.collect()).or_default().push(i);
        }
        let setting = |mut rows: Vec<usize>| {
            let load = self.heaviest(&rows);
            rows.retain(|&i| load.is_none_or(|(a, at)| self.rows[i].index.get(a) == Some(&at)));
            Alternatives { load, rows }
        };
        groups.into_values().map(setting).collect()
    }

    /// The row to take over the whole sweep; `None` if any axis is given.
    pub(crate) fn overall(&self) -> Option<PointAnswer> {
        if self.is_given() {
            return None;
        }
        self.best(&self.settings().first()?.rows)
    }

    /// If a load is swept: the axis, and the index of the largest load at which any of these rows has numbers. Results under different
    /// loads are no alternatives.
    fn heaviest(&self, rows: &[usize]) -> Option<(usize, usize)> {
        let load = |a: &StandingAxis| a.kind == AxisKind::Load;
        let axis = self.axes.iter().position(load)?;
        let numbers = self.axes[axis].numbers.as_ref()?;
        rows.iter()
            .map(|&i| &self.rows[i])
            .filter(|r| r.value.is_some())
            .filter_map(|r| r.index.get(axis).copied())
            .filter(|&i| i < numbers.len())
            .max_by(|&a, &b| numbers[a].total_cmp(&numbers[b]))
            .map(|index| (axis, index))
    }

    /// The row to take at a point.
    pub(crate) fn at(&self, point: u64) -> Option<PointAnswer> {
        let from = self.rows.partition_point(|r| r.point < point);
        let to = self.rows.partition_point(|r| r.point <= point);
        let rows: Vec<usize> = (from..to).collect();
        let within: Vec<Standing> = self.rows[from..to].iter().map(|r| r.within).collect();
        self.answer(&rows, &within)
    }

    /// The rows of a point that have numbers, in the order in which to take them.
    pub(crate) fn order(&self, point: u64) -> Vec<usize> {
        let from = self.rows.partition_point(|r| r.point < point);
        let to = self.rows.partition_point(|r| r.point <= point);
        let mut all: Vec<usize> = (from..to)
            .filter(|&i| self.rows[i].value.is_some())
            .collect();
        all.sort_by(|&a, &b| {
            let (x, y) = (&self.rows[a].within, &self.rows[b].within);
            let rank = |s: &Standing| s.rank.unwrap_or(u32::MAX);
            (x.tier.cmp(&y.tier))
                .then(x.excess.total_cmp(&y.excess))
                .then(rank(x).cmp(&rank(y)))
                .then(a.cmp(&b))
        });
        all
    }

    /// The row to take of these, at any points; of equally good ones, that of the lowest point.
    pub(crate) fn best(&self, rows: &[usize]) -> Option<PointAnswer> {
        let points = rows.chunk_by(|&a, &b| self.rows[a].point == self.rows[b].point);
        let answers = points.filter_map(|point| {
            let lifted = point.iter().map(|&i| Standing {
                tier: self.rows[i].across,
                ..self.rows[i].within
            });
            self.answer(point, &lifted.collect::<Vec<_>>())
        });
        let best = answers.reduce(|a, b| if self.before(b.row, a.row) { b } else { a })?;
        let fastest = rows
            .iter()
            .copied()
            .filter(|&i| self.rows[i].value.is_some())
            .reduce(|a, b| if self.faster(b, a) { b } else { a })
            .filter(|&f| f != best.row);
        let ahead = |f: &usize| {
            if self.rows[*f].point == self.rows[best.row].point {
                // Paired differences know more than intervals do.
                best.fastest == Some(*f)
            } else {
                let of = |i: usize| self.rows[i].value;
                of(*f)
                    .zip(of(best.row))
                    .is_some_and(|(f, b)| self.ranking.truly_better(b, f, TIE))
            }
        };
        Some(PointAnswer {
            fastest: fastest.filter(ahead),
            ..best
        })
    }

    fn answer(&self, rows: &[usize], standings: &[Standing]) -> Option<PointAnswer> {
        let Answer {
            take,
            meets,
            tied,
            fastest,
        } = answer_within(standings, !self.ranking.less_is_better(), 0.0)?;
        Some(PointAnswer {
            row: rows[take],
            meets,
            tied: tied.into_iter().map(|i| rows[i]).collect(),
            fastest: fastest.map(|i| rows[i]),
        })
    }

    /// Whether row `a` precedes row `b`.
    fn before(&self, a: usize, b: usize) -> bool {
        let (x, y) = (&self.rows[a], &self.rows[b]);
        let by_tier = x.across.cmp(&y.across);
        by_tier
            .then(x.within.excess.total_cmp(&y.within.excess))
            .then_with(|| self.faster(b, a).cmp(&self.faster(a, b)))
            .is_lt()
    }

    fn faster(&self, a: usize, b: usize) -> bool {
        let of = |i: usize| self.rows[i].value.map(|v| v.mean);
        of(a)
            .zip(of(b))
            .is_some_and(|(a, b)| self.ranking.better(a, b))
    }

    /// Whether a row is as good as the one that is taken in its setting. Within a point it is if it shares the rank; across points it is if
    /// it is in the same tier, as near to the objectives, and the intervals do not distinguish the two.
    pub(crate) fn as_good(&self, row: usize, answer: &PointAnswer) -> bool {
        if row == answer.row || answer.tied.contains(&row) {
            return true;
        }
        let (x, y) = (&self.rows[row], &self.rows[answer.row]);
        let known = |e: Estimate| e.low.is_some();
        x.point != y.point
            && x.across == y.across
            && x.within.excess == y.within.excess
            && x.value
                .zip(y.value)
                .is_some_and(|(a, b)| a == b || (known(a) && known(b) && !apart(a, b)))
    }

    /// Whether the axes vary side by side.
    pub(crate) fn is_zip(&self) -> bool {
        self.zip
    }
}

/// Whether the intervals show that the values differ; single replications show nothing.
pub(crate) fn apart(a: Estimate, b: Estimate) -> bool {
    match (a.low.zip(a.high), b.low.zip(b.high)) {
        (Some((al, ah)), Some((bl, bh))) => ah < bl || bh < al,
        _ => false,
    }
}

/// Comparisons of values of a metric.
impl Metric {
    /// How much better `to` is than `from`, as a share of `from`; negative if it is worse.
    pub(crate) fn gain(self, from: Estimate, to: Estimate) -> f64 {
        let change = (to.mean - from.mean) / from.mean.abs().max(f64::MIN_POSITIVE);
        if self.less_is_better() {
            -change
        } else {
            change
        }
    }

    /// Whether `to` is better than `from` by at least such a share, and not by chance.
    pub(crate) fn truly_better(self, from: Estimate, to: Estimate, least: f64) -> bool {
        self.gain(from, to) >= least && apart(from, to)
    }

    /// Whether `to` is, beyond chance, better than `from` by less than such a share, or worse. Single replications show nothing.
    pub(crate) fn surely_no_better(self, from: Estimate, to: Estimate, most: f64) -> bool {
        let half = |e: Estimate| e.low.zip(e.high).map(|(l, h)| (h - l) / 2.0);
        half(from).zip(half(to)).is_some_and(|(a, b)| {
            let chance = libm::hypot(a, b) / from.mean.abs().max(f64::MIN_POSITIVE);
            self.gain(from, to) + chance < most
        })
    }
}
