//! Finds insights. The rules are documented in `docs/sweeps.md`; all of them take a difference for real only if the confidence intervals of
//! both sides do not overlap.

use std::collections::BTreeMap;

use super::claim::{Coordinate, Extent, Insight};
use super::curves::{Curves, PAYS};
use super::metric::Quoted;
use super::standings::PointAnswer;
use super::view::{SeriesPoint, Slice, SweepView, across, short};
use crate::measure::Estimate;
use crate::quantity::metric_name;
use crate::result::{Forecast, Status, Sweep, TIE, Tier, Verdict, fails_more};

/// Most choices that are named if what is given decides between them.
const CHOICES: usize = 4;

/// All insights about a sweep, the most important first; knees where more of a resource stops paying are left out.
pub fn insights(sweep: &Sweep) -> Vec<Insight> {
    let all = found(sweep);
    let stops = |of: &[String], place: &Coordinate| {
        all.iter().any(|i| {
            matches!(i, Insight::StopsPaying { cases, at, .. }
                if at == place && of.iter().all(|c| cases.contains(c)))
        })
    };
    all.iter()
        .filter(|i| !matches!(i, Insight::Knee { cases, at, .. } if stops(cases, at)))
        .cloned()
        .collect()
}

fn found(sweep: &Sweep) -> Vec<Insight> {
    let view = SweepView::new(sweep);
    let mut out = Vec::new();
    out.extend(answers(&view));
    if out.is_empty() {
        out.extend(fails(&view));
        return out;
    }
    let Some(along) = view.main_axis().filter(|_| view.points.len() > 1) else {
        out.extend(fails(&view));
        return out;
    };
    let slices = view.slices(along);
    let numbers = view.axes()[along].is_ordered();
    out.extend(as_good_for_less(&view, along, &slices));
    let said = |i: &Insight| {
        // Whether the answer has said this already.
        match (&out[0], i) {
            (
                Insight::Nearest {
                    load: None,
                    others_fail: false,
                    ..
                },
                Insight::Objectives { all, where_met, .. },
            ) => *all && *where_met == Extent::Nowhere,
            _ => false,
        }
    };
    let met: Vec<Insight> = objectives(&view).into_iter().filter(|i| !said(i)).collect();
    out.extend(met);
    let everywhere = |i: &Insight| matches!(i, Insight::BestAt { at, count, of, .. } if at.is_empty() && count == of);
    if !out.iter().any(everywhere) {
        out.extend(best_throughout(&view));
    }
    // Along one of three or more axes, nobody reads insights slice by slice.
    if numbers && view.varied().len() < 3 {
        let curves = slices.iter().map(|s| Curves::new(&view, along, s));
        let curves: Vec<Curves<'_>> = curves.collect();
        out.extend(curves.iter().flat_map(Curves::cross_overs));
        // In a grid, only those of the best strategy of each slice: nobody reads what all strategies do at all values of all axes.
        let alone = curves.len() > 1;
        let found = curves.iter().flat_map(|c| c.pays(alone)).collect();
        out.extend(merged(found, curves.len()));
        out.extend(curves.iter().flat_map(|c| c.knees(alone)));
    }
    out.extend(fails(&view));
    out
}

/// Merges insights that are the same for several slices.
fn merged(found: Vec<Insight>, slices: usize) -> Vec<Insight> {
    let mut out: Vec<(Insight, usize)> = Vec::new();
    for next in found {
        let same = out.iter_mut().find(|(i, _)| i.same_elsewhere(&next));
        match same {
            Some((i, n)) => {
                i.also(&next);
                *n += 1;
            }
            None => out.push((next, 1)),
        }
    }
    let everywhere = |(mut i, n): (Insight, usize)| {
        if let (Insight::StopsPaying { given, .. }, true) = (&mut i, n == slices) {
            given.clear();
        }
        i
    };
    out.into_iter().map(everywhere).collect()
}

pub(crate) fn quoted(view: &SweepView<'_>, value: Estimate) -> Quoted {
    Quoted {
        metric: metric_name(view.ranking).clone(),
        unit: view.ranking.unit(),
        value,
    }
}

pub(crate) fn place(view: &SweepView<'_>, axis: usize, index: usize) -> Coordinate {
    let a = &view.axes()[axis];
    Coordinate {
        axis: a.label.clone(),
        text: with_unit(view.written(axis, index), a.unit.as_deref()),
        number: a.numbers.as_ref().and_then(|n| n.get(index)).copied(),
        beside: beside(view, axis, index),
    }
}

/// If axes vary side by side: the values of the other axes at an index of this one.
fn beside(view: &SweepView<'_>, axis: usize, index: usize) -> Vec<Coordinate> {
    let others = (0..view.axes().len()).filter(|&a| a != axis && view.axes()[a].values.len() > 1);
    let of = |a: usize| Coordinate {
        axis: view.axes()[a].label.clone(),
        text: with_unit(view.written(a, index), view.axes()[a].unit.as_deref()),
        number: view.axes()[a]
            .numbers
            .as_ref()
            .and_then(|n| n.get(index))
            .copied(),
        beside: Vec::new(),
    };
    others.filter(|_| view.sweep.header.zip).map(of).collect()
}

/// A bare number with its unit.
fn with_unit(text: String, unit: Option<&str>) -> String {
    match unit {
        Some(unit) if text.parse::<f64>().is_ok() => text + suffix(Some(unit)),
        _ => text,
    }
}

/// The text after a bare number on an axis of this unit.
pub(crate) fn suffix(unit: Option<&str>) -> &'static str {
    match unit {
        Some("s") => " s",
        Some("bytes") => " bytes",
        Some("per_s") => "/s",
        _ => "",
    }
}

impl SweepView<'_> {
    /// The dot of the row to take: the best tier first, then the nearest to the objectives, then the metric.
    pub(crate) fn best_of<'b>(
        &self,
        dots: impl Iterator<Item = (usize, SeriesPoint<'b>)>,
    ) -> Option<(usize, SeriesPoint<'b>)> {
        let excess = |d: &SeriesPoint<'_>| self.standings.rows[d.place].within.excess;
        dots.filter(|(_, d)| d.value.is_some()).reduce(|a, b| {
            let standings = (b.1.tier)
                .cmp(&a.1.tier)
                .then(excess(&b.1).total_cmp(&excess(&a.1)));
            let better = match (a.1.value, b.1.value) {
                (Some(x), Some(y)) => self.ranking.better(y.mean, x.mean),
                _ => false,
            };
            if standings.is_lt() || (standings.is_eq() && better) {
                b
            } else {
                a
            }
        })
    }
}

/// The answers: which case to take over all, or at how many values of what is given.
fn answers(view: &SweepView<'_>) -> Vec<Insight> {
    if view.standings.is_given() {
        return over_given(view);
    }
    let Some(answer) = view.standings.overall() else {
        return Vec::new();
    };
    let settings = view.standings.settings();
    let load = settings.first().and_then(|s| s.load);
    let load = load.map(|(axis, _)| view.axes()[axis].label.clone());
    let row = &view.sweep.rows[answer.row];
    let Some(value) = view.standings.rows[answer.row].value else {
        return Vec::new();
    };
    let (case, at) = (case_of(view, answer.row), places_of(view, answer.row));
    let fails = failing(view, answer.row);
    let first = match worst(&row.case) {
        Some((objective, excess)) if !answer.meets => Insight::Nearest {
            others_fail: settings[0].rows.iter().any(|&i| meets_alone(view, i)),
            case,
            at,
            value: quoted(view, value),
            objective,
            excess,
            load,
            fails,
        },
        _ => Insight::Best {
            case,
            at,
            value: quoted(view, value),
            tied: if value.low.is_some() {
                answer.tied.len()
            } else {
                0
            },
            load,
            fails,
            undecided: undecided(&row.case),
        },
    };
    std::iter::once(first)
        .chain(faster(view, &answer))
        .collect()
}

/// The best case by the metric alone, and what is wrong with it.
fn faster(view: &SweepView<'_>, answer: &PointAnswer) -> Option<Insight> {
    let fast = answer.fastest?;
    let (f, t) = (&view.standings.rows[fast], &view.standings.rows[answer.row]);
    let (value, other) = (f.value?, t.value?);
    let fails = f.fails.zip(t.fails).filter(|(f, t)| fails_more(*f, t.mean));
    let misses = worst(&view.sweep.rows[fast].case);
    (fails.is_some() || misses.is_some()).then(|| Insight::Faster {
        case: case_of(view, fast),
        at: places_of(view, fast),
        value: quoted(view, value),
        misses,
        fails,
        taken: case_of(view, answer.row),
        cost: (other.mean - value.mean) / value.mean.abs().max(f64::MIN_POSITIVE),
    })
}

/// Which case to take at how many values of what is given. No such value is better than another, because it cannot be chosen.
fn over_given(view: &SweepView<'_>) -> Vec<Insight> {
    let standings = &view.standings;
    let settings = standings.settings();
    let best_rows: Vec<(usize, PointAnswer)> = settings
        .iter()
        .enumerate()
        .filter_map(|(i, s)| Some((i, standings.best(&s.rows)?)))
        .collect();
    let choice = |row: usize| choice(view, row);
    let mut choices: Vec<(Choice, bool)> = Vec::new();
    for (_, t) in &best_rows {
        let next = (choice(t.row), t.meets);
        if !choices.contains(&next) {
            choices.push(next);
        }
    }
    // If nothing else is chosen, cases that are never the best are named, too: they are few, and this is what was asked.
    let varied = view.varied();
    let alone = standings.is_zip() || varied.iter().all(|&a| !standings.is_choice(a));
    if alone {
        for series in &view.series {
            let row = series.any_row();
            let known = row.is_some_and(|r| choices.iter().any(|(c, _)| *c == choice(r)));
            if let (Some(row), false) = (row, known) {
                choices.push((choice(row), true));
            }
        }
    }
    let rows_of = |c: &Choice, setting: usize| {
        let rows = settings[setting].rows.iter().copied();
        rows.filter(|&r| choice(r) == *c).collect::<Vec<_>>()
    };
    let mut found: Vec<(usize, Insight)> = Vec::new();
    for (c, meets) in choices {
        let mut count = 0;
        let mut first = 0;
        for (i, t) in best_rows.iter().filter(|(_, t)| t.meets == meets) {
            if rows_of(&c, *i).iter().any(|&r| standings.as_good(r, t)) {
                count += 1;
                first += usize::from(choice(t.row) == c && t.tied.is_empty());
            }
        }
        let all = (0..settings.len()).flat_map(|i| rows_of(&c, i));
        let rows: Vec<usize> = all.filter(|&r| standings.rows[r].value.is_some()).collect();
        if rows.is_empty() {
            continue;
        }
        let load = settings.iter().find_map(|s| s.load);
        let by = |a: usize, b: usize, less: bool| {
            let mean = |r: usize| standings.rows[r].value.map_or(0.0, |v| v.mean);
            if (mean(b) < mean(a)) == less { b } else { a }
        };
        let least = rows.iter().copied().reduce(|a, b| by(a, b, true));
        let most = rows.iter().copied().reduce(|a, b| by(a, b, false));
        let quote = |r: usize| standings.rows[r].value.map(|v| quoted(view, v));
        let failing: Vec<f64> = rows
            .iter()
            .filter_map(|&r| Some(standings.rows[r].fails?.mean))
            .collect();
        let fold = |f: fn(f64, f64) -> f64| failing.iter().copied().reduce(f);
        found.push((
            count,
            Insight::BestAt {
                at: choices_at(view, &c.0, &c.1),
                case: c.0,
                count,
                of: settings.len(),
                given: given(view),
                side_by_side: standings.is_zip(),
                tied: first < count,
                meets,
                range: least.and_then(quote).zip(most.and_then(quote)),
                load: load.map(|(a, _)| view.axes()[a].label.clone()),
                fails: fold(f64::min)
                    .zip(fold(f64::max))
                    .filter(|_| view.any_fails()),
            },
        ));
    }
    let met = |i: &Insight| matches!(i, Insight::BestAt { meets: true, .. });
    found.sort_by_key(|(n, i)| (std::cmp::Reverse(*n), !met(i)));
    let everywhere = found.first().is_some_and(|(n, _)| *n == settings.len());
    let most = match (alone, everywhere) {
        (true, _) => usize::MAX,
        // One choice that is right everywhere suffices.
        (false, true) => 1,
        (false, false) => CHOICES,
    };
    let answers = found.into_iter().take(most).map(|(_, i)| i);
    answers
        .chain(faster_over_given(view, &best_rows, settings.len()))
        .collect()
}

/// The cases that would be best by the metric alone at some values of what is given.
fn faster_over_given(
    view: &SweepView<'_>,
    answers: &[(usize, PointAnswer)],
    of: usize,
) -> Vec<Insight> {
    let standings = &view.standings;
    let mut groups: Vec<(Choice, Vec<(usize, usize)>)> = Vec::new();
    for (_, t) in answers {
        let Some(fast) = t.fastest else { continue };
        let of = choice(view, fast);
        match groups.iter_mut().find(|(c, _)| *c == of) {
            Some((_, rows)) => rows.push((fast, t.row)),
            None => groups.push((of, vec![(fast, t.row)])),
        }
    }
    groups.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
    let insight = |((case, chosen), rows): (Choice, Vec<(usize, usize)>)| {
        let mut misses: Vec<String> = Vec::new();
        for (fast, _) in &rows {
            let all = view.sweep.rows[*fast].case.objectives.iter();
            for o in all.filter(|o| o.verdict == Verdict::Missed) {
                if !misses.contains(&o.text) {
                    misses.push(o.text.clone());
                }
            }
        }
        let fails: Vec<f64> = rows
            .iter()
            .filter_map(|&(f, t)| {
                let (f, t) = (standings.rows[f].fails?, standings.rows[t].fails?);
                fails_more(f, t.mean).then_some(f.mean)
            })
            .collect();
        let costs = rows.iter().filter_map(|&(f, t)| {
            let (f, t) = (standings.rows[f].value?.mean, standings.rows[t].value?.mean);
            Some((t - f) / f.abs().max(f64::MIN_POSITIVE))
        });
        let costs: Vec<f64> = costs.collect();
        let ends = |of: &[f64]| {
            let least = of.iter().copied().reduce(f64::min);
            least.zip(of.iter().copied().reduce(f64::max))
        };
        (!misses.is_empty() || !fails.is_empty()).then_some(Insight::FasterAt {
            at: choices_at(view, &case, &chosen),
            case,
            count: rows.len(),
            of,
            given: given(view),
            side_by_side: standings.is_zip(),
            metric: metric_name(view.ranking).clone(),
            misses,
            fails: ends(&fails),
            cost: ends(&costs)?,
        })
    };
    groups
        .into_iter()
        .take(CHOICES)
        .filter_map(insight)
        .collect()
}

/// A choice: the case, and its index on each axis of choices.
type Choice = (String, Vec<(usize, usize)>);

fn choice(view: &SweepView<'_>, row: usize) -> Choice {
    let standings = &view.standings;
    let index = view.sweep.rows[row].index.iter().copied().enumerate();
    let chosen = index.filter(|(a, _)| standings.is_choice(*a) && !standings.is_zip());
    (case_of(view, row), chosen.collect())
}

/// The values of a choice, without those that the name of the case contains.
fn choices_at(view: &SweepView<'_>, case: &str, at: &[(usize, usize)]) -> Vec<Coordinate> {
    let all = places_at(view, at).into_iter();
    all.filter(|p| p.text != case).collect()
}

/// Names of the axes that are given.
fn given(view: &SweepView<'_>) -> Vec<String> {
    let all = view.standings.given().into_iter();
    all.map(|a| view.axes()[a].label.clone()).collect()
}

/// The objective that a case misses by most, and how far, as a share of its bound.
pub(crate) fn worst(case: &Forecast) -> Option<(String, f64)> {
    let missed = case
        .objectives
        .iter()
        .filter(|o| o.verdict == Verdict::Missed);
    let over = missed.map(|o| {
        let over = match o.value {
            Some(v) if o.bound > 0.0 => (v.mean - o.bound).abs() / o.bound,
            _ => f64::INFINITY,
        };
        (o.text.clone(), over)
    });
    over.reduce(|a, b| if b.1 > a.1 { b } else { a })
}

/// The objectives of a case that are decided by chance.
fn undecided(case: &Forecast) -> Vec<String> {
    let all = case
        .objectives
        .iter()
        .filter(|o| o.verdict == Verdict::Undecided);
    all.map(|o| o.text.clone()).collect()
}

/// Whether a row misses no objective, however many of its tasks fail.
fn meets_alone(view: &SweepView<'_>, row: usize) -> bool {
    let case = &view.sweep.rows[row].case;
    view.standings.rows[row].value.is_some()
        && case.objectives.iter().all(|o| o.verdict != Verdict::Missed)
}

/// The failing share of a row, if any case of the sweep fails tasks.
fn failing(view: &SweepView<'_>, row: usize) -> Option<Estimate> {
    view.standings.rows[row].fails.filter(|_| view.any_fails())
}

fn case_of(view: &SweepView<'_>, row: usize) -> String {
    let case = &view.sweep.rows[row].case;
    case_name(view, &case.strategy, &case.interpreter)
}

/// The values of a row on every axis, without those that the name of the case contains.
fn places_of(view: &SweepView<'_>, row: usize) -> Vec<Coordinate> {
    let index = view.sweep.rows[row].index.iter().copied().enumerate();
    let index: Vec<(usize, usize)> = index.take(view.axes().len()).collect();
    let strategy = &view.sweep.rows[row].case.strategy;
    let all = places_at(view, &index).into_iter();
    all.filter(|p| p.text != *strategy).collect()
}

fn places_at(view: &SweepView<'_>, at: &[(usize, usize)]) -> Vec<Coordinate> {
    let alone = |&(a, i): &(usize, usize)| Coordinate {
        beside: Vec::new(),
        ..place(view, a, i)
    };
    at.iter().map(alone).collect()
}

/// The name of a case, with the interpreter only if there are several.
fn case_name(view: &SweepView<'_>, strategy: &str, interpreter: &str) -> String {
    let mut rows = view.sweep.rows.iter();
    let axis = |label: &str| view.axes().iter().any(|a| a.label == label);
    if rows.all(|r| r.case.interpreter == interpreter) || axis("interpreter") {
        strategy.to_owned()
    } else {
        format!("{strategy} on {}", short(interpreter))
    }
}

/// Of the cases that are as good as the best and differ from it only along a resource, the one that needs least of it. Only if there is a
/// single best that meets the objectives, and among those that meet them as well.
fn as_good_for_less(view: &SweepView<'_>, along: usize, slices: &[Slice]) -> Option<Insight> {
    let answer = view.standings.overall().filter(|t| t.meets)?;
    if !view.is_resource(along) {
        return None;
    }
    let row = &view.sweep.rows[answer.row];
    let slice = slices.iter().find(|s| s.points.contains(&row.point))?;
    let dots = || {
        let of = |s| view.curve(s, along, slice).into_iter().map(move |d| (s, d));
        (0..view.series.len()).flat_map(of)
    };
    let (_, best) = dots().find(|(_, d)| d.place == answer.row)?;
    let least = best.value?;
    let as_good = |d: &SeriesPoint<'_>| {
        d.tier == Tier::Meets
            && d.value.is_some_and(|v| {
                view.ranking.gain(v, least) < TIE && view.ranking.surely_no_better(v, least, PAYS)
            })
    };
    let enough = dots().filter(|(_, d)| as_good(d)).map(|(_, d)| d.x);
    let fewest = enough.fold(f64::INFINITY, f64::min);
    let (_, found) = view.best_of(dots().filter(|(_, d)| as_good(d) && d.x == fewest))?;
    // With single replications, nothing is known to be worse.
    (fewest < best.x && least.low.is_some()).then(|| Insight::AsGoodForLess {
        case: case_name(view, &found.row.case.strategy, &found.row.case.interpreter),
        given: slice
            .fixed
            .iter()
            .map(|&(a, i)| place(view, a, i))
            .collect(),
        at: place(view, along, found.index),
        value: quoted(view, found.value.unwrap_or(least)),
    })
}

/// Finds which strategies meet all objectives, and where; those that do at the same points are named together.
fn objectives(view: &SweepView<'_>) -> Vec<Insight> {
    if view.sweep.rows.iter().all(|r| r.case.objectives.is_empty()) {
        return Vec::new();
    }
    let verdicts = |s: usize, p: u64, which: &dyn Fn(Verdict) -> bool| {
        let row = view.row(s, p).filter(|r| r.case.is_fine());
        row.is_some_and(|r| r.case.objectives.iter().all(|o| which(o.verdict)))
    };
    // Objectives that chance decides count as met, as in the ranking.
    let meets = |s: usize, p: u64| verdicts(s, p, &|v| v != Verdict::Missed);
    let surely = |s: usize, p: u64| verdicts(s, p, &|v| v == Verdict::Met);
    // Number of points at which something holds for any of these strategies.
    let points = |names: &[String], so: &dyn Fn(usize, u64) -> bool| {
        let of = |p: u64| {
            let mut all = (0..view.series.len()).filter(|&s| names.contains(&view.series[s].name));
            all.any(|s| so(s, p))
        };
        view.points.iter().filter(|(p, _)| of(*p)).count()
    };
    let of = (0..view.series.len()).map(|s| (s, extent(view, &|p| meets(s, p))));
    let mut found = together(view, of);
    // Strategies that meet the objectives most often come first.
    found.sort_by_key(|(at, _)| match at {
        Extent::Everywhere => 0,
        Extent::Nowhere => 2,
        _ => 1,
    });
    let found = found.into_iter();
    found
        .map(|(where_met, cases)| Insight::Objectives {
            all: cases.len() == view.series.len(),
            undecided: points(&cases, &|s, p| meets(s, p) && !surely(s, p)),
            met: points(&cases, &meets),
            where_met,
            cases,
        })
        .collect()
}

/// Groups series that share the same extent, by name.
fn together(
    view: &SweepView<'_>,
    fates: impl Iterator<Item = (usize, Extent)>,
) -> Vec<(Extent, Vec<String>)> {
    let mut groups: Vec<(Extent, Vec<String>)> = Vec::new();
    for (s, at) in fates {
        let name = view.series[s].name.clone();
        match groups.iter_mut().find(|(e, _)| *e == at) {
            Some((_, names)) => names.push(name),
            None => groups.push((at, vec![name])),
        }
    }
    groups
}

/// The points at which something holds: values of one axis, if that axis decides.
fn extent(view: &SweepView<'_>, holds: &dyn Fn(u64) -> bool) -> Extent {
    let n = view.points.len();
    let count = view.points.iter().filter(|(p, _)| holds(*p)).count();
    if count == 0 {
        return Extent::Nowhere;
    }
    if count == n {
        return Extent::Everywhere;
    }
    if view.sweep.header.zip {
        // Axes that vary side by side are one axis, whose values name all of them.
        let axis = view.main_axis();
        return axis
            .and_then(|a| along(view, a, holds))
            .unwrap_or(Extent::Some(count, n));
    }
    // An axis decides if its value alone tells whether something holds. In the remains of an interrupted grid two axes may seem to decide,
    // and nothing tells which of them does.
    let deciding: Vec<usize> = view
        .varied()
        .into_iter()
        .filter(|&a| decides(view, a, holds))
        .collect();
    match deciding.as_slice() {
        [only] => along(view, *only, holds).unwrap_or(Extent::Some(count, n)),
        _ => Extent::Some(count, n),
    }
}

/// Whether something holds at all or none of the points at each value of an axis.
fn decides(view: &SweepView<'_>, axis: usize, holds: &dyn Fn(u64) -> bool) -> bool {
    let mut at: BTreeMap<usize, bool> = BTreeMap::new();
    view.points.iter().all(|&(point, index)| {
        let here = holds(point);
        index
            .get(axis)
            .is_some_and(|&i| *at.entry(i).or_insert(here) == here)
    })
}

/// The extent as values of one axis; `None` if it depends on others as well, or has holes.
fn along(view: &SweepView<'_>, axis: usize, holds: &dyn Fn(u64) -> bool) -> Option<Extent> {
    let mut at: BTreeMap<usize, bool> = BTreeMap::new();
    for &(point, index) in &view.points {
        let i = *index.get(axis)?;
        let here = holds(point);
        if *at.entry(i).or_insert(here) != here {
            return None;
        }
    }
    let x = |i: usize| across(&view.axes()[axis], i);
    let mut by_value: Vec<(f64, usize, bool)> = at.into_iter().map(|(i, h)| (x(i), i, h)).collect();
    by_value.sort_by(|a, b| a.0.total_cmp(&b.0));
    let held: Vec<usize> = by_value.iter().filter(|v| v.2).map(|v| v.1).collect();
    let (c, n) = (held.len(), by_value.len());
    if !view.axes()[axis].is_ordered() {
        let places = held.iter().map(|&i| place(view, axis, i));
        return (c <= 3).then(|| Extent::At(places.collect()));
    }
    if by_value[n - c..].iter().all(|v| v.2) {
        Some(Extent::From(place(view, axis, by_value[n - c].1)))
    } else if by_value[..c].iter().all(|v| v.2) {
        Some(Extent::UpTo(place(view, axis, by_value[c - 1].1)))
    } else {
        None
    }
}

/// The strategies to take at every point, alone or with others that are as good. (Ranks come from paired differences.)
fn best_throughout(view: &SweepView<'_>) -> Option<Insight> {
    let rows = |s: usize| view.points.iter().map(move |&(p, _)| view.row(s, p));
    let known = |s: usize| rows(s).all(|r| r.is_some_and(|r| known_well(&r.case)));
    let points = || view.points.iter().map(|&(p, _)| p);
    let first = |&s: &usize| known(s) && points().all(|p| view.meets(p) && view.leads(s, p));
    let found: Vec<usize> = (0..view.series.len()).filter(first).collect();
    let alone =
        |s: usize| points().all(|p| (0..view.series.len()).all(|o| o == s || !view.leads(o, p)));
    let tied = !found.iter().all(|&s| alone(s));
    let several = view.series.len() > 1 && view.points.len() > 1;
    let names = found.iter().map(|&s| view.series[s].name.clone());
    (several && !found.is_empty()).then(|| Insight::BestThroughout {
        cases: names.collect(),
        tied,
    })
}

/// Whether chance was taken into account, that is, whether there is an interval.
fn known_well(case: &Forecast) -> bool {
    case.primary().is_some_and(|e| e.low.is_some())
}

/// Finds strategies without numbers; those that share points and status are named together.
fn fails(view: &SweepView<'_>) -> Vec<Insight> {
    let mut kinds: Vec<Status> = Vec::new();
    for row in view.sweep.rows.iter().filter(|r| !r.case.is_fine()) {
        if !kinds.contains(&row.case.status) {
            kinds.push(row.case.status);
        }
    }
    kinds.sort_by_key(|k| (*k != Status::Saturated, k.name()));
    let of_kind = |kind: &Status| {
        let status = *kind;
        let is = |s: usize, p: u64| view.row(s, p).is_some_and(|r| r.case.status == status);
        let all = (0..view.series.len()).map(|s| (s, extent(view, &|p| is(s, p))));
        together(view, all.filter(|(_, at)| *at != Extent::Nowhere))
            .into_iter()
            .map(move |(at, cases)| Insight::Fails { cases, status, at })
            .collect::<Vec<_>>()
    };
    kinds.iter().flat_map(of_kind).collect()
}
