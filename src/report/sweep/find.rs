//! What stands out, found. The rules are documented in `docs/sweeps.md`; all of them hold a difference for real only where the
//! confidence intervals of both sides do not overlap.

use std::collections::BTreeMap;

use super::curves::{Curves, PAYS};
use super::insight::{Extent, Insight, Place};
use super::metric::Quoted;
use super::view::{Dot, Slice, View, across, short};
use crate::report::document::{CaseDocument, EstimateDocument, SweepDocument};
use crate::study::TIE;

/// All that stands out, the most important first; without the knees that lie where more stops paying.
pub fn insights(sweep: &SweepDocument) -> Vec<Insight> {
    let all = found(sweep);
    let stops = |of: &[String], place: &Place| {
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

fn found(sweep: &SweepDocument) -> Vec<Insight> {
    let view = View::new(sweep);
    let mut out = Vec::new();
    let Some(best) = best(&view) else {
        out.extend(fails(&view));
        return out;
    };
    out.push(best);
    let Some(along) = view.main_axis().filter(|_| view.points.len() > 1) else {
        out.extend(fails(&view));
        return out;
    };
    let slices = view.slices(along);
    let numbers = view.axes()[along].numbers.is_some();
    out.extend(as_good_for_less(&view, along, &slices));
    out.extend(objectives(&view));
    out.extend(best_throughout(&view));
    // What happens along one of three axes or more nobody reads slice by slice.
    if numbers && view.varied().len() < 3 {
        let curves = slices.iter().map(|s| Curves::new(&view, along, s));
        let curves: Vec<Curves<'_>> = curves.collect();
        out.extend(curves.iter().flat_map(Curves::cross_overs));
        // In a grid, that of the best strategy of each slice alone: what all do at all values of all axes nobody reads.
        let alone = curves.len() > 1;
        let found = curves.iter().flat_map(|c| c.pays(alone)).collect();
        out.extend(merged(found, curves.len()));
        out.extend(curves.iter().flat_map(|c| c.knees(alone)));
    }
    out.extend(fails(&view));
    out
}

/// What is said of several slices is said once.
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

pub(super) fn quoted(view: &View<'_>, value: EstimateDocument) -> Quoted {
    Quoted {
        metric: view.ranking.name.clone(),
        unit: view.ranking.unit,
        value,
    }
}

pub(super) fn place(view: &View<'_>, axis: usize, index: usize) -> Place {
    let a = &view.axes()[axis];
    Place {
        axis: a.label.clone(),
        text: with_unit(view.written(axis, index), a.unit.as_deref()),
        number: a.numbers.as_ref().and_then(|n| n.get(index)).copied(),
    }
}

/// A bare number with the unit that it counts in.
fn with_unit(text: String, unit: Option<&str>) -> String {
    match unit {
        Some(unit) if text.parse::<f64>().is_ok() => text + suffix(Some(unit)),
        _ => text,
    }
}

/// What follows a bare number on an axis of this unit.
pub(super) fn suffix(unit: Option<&str>) -> &'static str {
    match unit {
        Some("s") => " s",
        Some("bytes") => " bytes",
        Some("per_s") => "/s",
        _ => "",
    }
}

/// Whether the intervals say that the values differ; a single replication says nothing.
pub(super) fn apart(a: EstimateDocument, b: EstimateDocument) -> bool {
    match (a.low.zip(a.high), b.low.zip(b.high)) {
        (Some((al, ah)), Some((bl, bh))) => ah < bl || bh < al,
        _ => false,
    }
}

impl View<'_> {
    /// By which share of `from` the value `to` is better; negative where it is worse.
    pub(super) fn gain(&self, from: EstimateDocument, to: EstimateDocument) -> f64 {
        let change = (to.mean - from.mean) / from.mean.abs().max(f64::MIN_POSITIVE);
        if self.ranking.less_is_better {
            -change
        } else {
            change
        }
    }

    /// Whether `to` is better than `from` by such a share, and not by chance.
    pub(super) fn truly_better(
        &self,
        from: EstimateDocument,
        to: EstimateDocument,
        least: f64,
    ) -> bool {
        self.gain(from, to) >= least && apart(from, to)
    }

    /// Whether `to` is, beyond chance, better than `from` by less than such a share, or worse. Single replications say nothing.
    pub(super) fn surely_no_better(
        &self,
        from: EstimateDocument,
        to: EstimateDocument,
        most: f64,
    ) -> bool {
        let half = |e: EstimateDocument| e.low.zip(e.high).map(|(l, h)| (h - l) / 2.0);
        half(from).zip(half(to)).is_some_and(|(a, b)| {
            let chance = libm::hypot(a, b) / from.mean.abs().max(f64::MIN_POSITIVE);
            self.gain(from, to) + chance < most
        })
    }

    pub(super) fn best_of<'b>(
        &self,
        dots: impl Iterator<Item = (usize, Dot<'b>)>,
    ) -> Option<(usize, Dot<'b>)> {
        dots.filter(|(_, d)| d.value.is_some())
            .reduce(|a, b| match (a.1.value, b.1.value) {
                (Some(x), Some(y)) if self.ranking.better(y.mean, x.mean) => b,
                _ => a,
            })
    }
}

fn best(view: &View<'_>) -> Option<Insight> {
    let best = super::best::best(view.sweep)?;
    let index = view.points.iter().find(|(p, _)| *p == best.point)?.1;
    let at = (0..view.axes().len()).zip(index);
    let others = (0..view.series.len()).filter_map(|s| view.row(s, best.point));
    // Within a point the ranks know: they come from paired differences.
    let as_good = others.filter(|r| {
        let mine = r.case.strategy == best.strategy && r.case.interpreter == best.interpreter;
        !mine && r.case.rank == Some(1)
    });
    Some(Insight::Best {
        tied: if best.value.low.is_some() {
            as_good.count()
        } else {
            0
        },
        case: case_name(view, &best.strategy, &best.interpreter),
        // What is the case itself is not said twice.
        at: at
            .map(|(a, &i)| place(view, a, i))
            .filter(|p| p.text != best.strategy)
            .collect(),
        value: quoted(view, best.value),
        load: view
            .sweep
            .heaviest()
            .map(|load| view.axes()[load.axis].label.clone()),
    })
}

/// A case's own name, the interpreter only where there are several.
fn case_name(view: &View<'_>, strategy: &str, interpreter: &str) -> String {
    let mut rows = view.sweep.rows.iter();
    let axis = |label: &str| view.axes().iter().any(|a| a.label == label);
    if rows.all(|r| r.case.interpreter == interpreter) || axis("interpreter") {
        strategy.to_owned()
    } else {
        format!("{strategy} on {}", short(interpreter))
    }
}

/// Of all cases that are as good as the best, that which needs least of the resource.
fn as_good_for_less(view: &View<'_>, along: usize, slices: &[Slice]) -> Option<Insight> {
    if !view.is_resource(along) {
        return None;
    }
    let dots = |slice| {
        let of = move |s| view.curve(s, along, slice).into_iter().map(move |d| (s, d));
        (0..view.series.len()).flat_map(of)
    };
    let bests = slices
        .iter()
        .filter_map(|s| Some((s, view.best_of(dots(s))?.1)));
    let (slice, best) = bests.reduce(|a, b| match (a.1.value, b.1.value) {
        (Some(x), Some(y)) if view.ranking.better(y.mean, x.mean) => b,
        _ => a,
    })?;
    let least = best.value?;
    let as_good = |d: &Dot<'_>| {
        d.value
            .is_some_and(|v| view.gain(v, least) < TIE && view.surely_no_better(v, least, PAYS))
    };
    let enough = dots(slice).filter(|(_, d)| as_good(d)).map(|(_, d)| d.x);
    let fewest = enough.fold(f64::INFINITY, f64::min);
    let (_, found) = view.best_of(dots(slice).filter(|(_, d)| as_good(d) && d.x == fewest))?;
    // With single replications nothing is known to be worse.
    (fewest < best.x && least.low.is_some()).then(|| Insight::AsGoodForLess {
        case: case_name(view, &found.row.case.strategy, &found.row.case.interpreter),
        at: place(view, along, found.index),
        value: quoted(view, found.value.unwrap_or(least)),
    })
}

/// Which strategies meet all objectives, and where. Those that do at the same points stand together.
fn objectives(view: &View<'_>) -> Vec<Insight> {
    if view.sweep.rows.iter().all(|r| r.case.objectives.is_empty()) {
        return Vec::new();
    }
    let meets = |s: usize, p: u64| {
        let row = view.row(s, p);
        row.is_some_and(|r| r.case.objectives.iter().all(|o| o.verdict == "met"))
    };
    let of = (0..view.series.len()).map(|s| (s, extent(view, &|p| meets(s, p))));
    let mut found = together(view, of);
    // Those that meet them most often come first.
    found.sort_by_key(|(at, _)| match at {
        Extent::Everywhere => 0,
        Extent::Nowhere => 2,
        _ => 1,
    });
    let found = found.into_iter();
    found
        .map(|(where_met, cases)| Insight::Objectives {
            all: cases.len() == view.series.len(),
            where_met,
            cases,
        })
        .collect()
}

/// The series with the same fate, by name.
fn together(
    view: &View<'_>,
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

/// At which points something holds: by values of one axis, where that decides it.
fn extent(view: &View<'_>, holds: &dyn Fn(u64) -> bool) -> Extent {
    let n = view.points.len();
    let count = view.points.iter().filter(|(p, _)| holds(*p)).count();
    if count == 0 {
        return Extent::Nowhere;
    }
    if count == n {
        return Extent::Everywhere;
    }
    let first = view.main_axis();
    let others = view.varied().into_iter().filter(|a| Some(*a) != first);
    let mut axes = first.into_iter().chain(others);
    axes.find_map(|a| along(view, a, holds))
        .unwrap_or(Extent::Some(count, n))
}

/// The extent in values of one axis; `None` where it depends on others, too, or has holes.
fn along(view: &View<'_>, axis: usize, holds: &dyn Fn(u64) -> bool) -> Option<Extent> {
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
    if view.axes()[axis].numbers.is_none() {
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

/// The strategies that are ranked first at every point, alone or with others. (Ranks come from paired differences.)
fn best_throughout(view: &View<'_>) -> Option<Insight> {
    let rows = |s: usize| view.points.iter().map(move |&(p, _)| view.row(s, p));
    let known = |s: usize| rows(s).all(|r| r.is_some_and(|r| known_well(&r.case)));
    let first = |&s: &usize| known(s) && rows(s).all(|r| r.is_some_and(|r| r.case.rank == Some(1)));
    let found: Vec<usize> = (0..view.series.len()).filter(first).collect();
    let tied = found.len() > 1
        || found
            .iter()
            .any(|&s| rows(s).any(|r| r.is_some_and(|r| r.case.tied)));
    let several = view.series.len() > 1 && view.points.len() > 1;
    let names = found.iter().map(|&s| view.series[s].name.clone());
    (several && !found.is_empty()).then(|| Insight::BestThroughout {
        cases: names.collect(),
        tied,
    })
}

/// Whether chance was looked at: there is an interval.
fn known_well(case: &CaseDocument) -> bool {
    case.primary().is_some_and(|e| e.low.is_some())
}

/// Which strategies have no numbers, and where. Those with the same fate stand together.
fn fails(view: &View<'_>) -> Vec<Insight> {
    let mut kinds: Vec<&str> = Vec::new();
    for row in view.sweep.rows.iter().filter(|r| !r.case.is_fine()) {
        if !kinds.contains(&row.case.status.as_str()) {
            kinds.push(&row.case.status);
        }
    }
    kinds.sort_by_key(|k| (*k != "saturated", *k));
    let of_kind = |kind: &&str| {
        let is = |s: usize, p: u64| view.row(s, p).is_some_and(|r| r.case.status == *kind);
        let all = (0..view.series.len()).map(|s| (s, extent(view, &|p| is(s, p))));
        let status = (*kind).to_owned();
        together(view, all.filter(|(_, at)| *at != Extent::Nowhere))
            .into_iter()
            .map(move |(at, cases)| Insight::Fails {
                cases,
                status: status.clone(),
                at,
            })
            .collect::<Vec<_>>()
    };
    kinds.iter().flat_map(of_kind).collect()
}
