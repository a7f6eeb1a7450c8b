//! What stands out, found. The rules are documented in `docs/sweeps.md`; all of them hold a difference for real only where the
//! confidence intervals of both sides do not overlap.

use super::curves::Curves;
use super::insight::{Extent, Insight, Place};
use super::metric::Quoted;
use super::view::{Dot, Slice, View, is_resource, short};
use crate::report::document::{EstimateDocument, SweepDocument};
use crate::study::TIE;

/// All that stands out, the most important first.
pub fn insights(sweep: &SweepDocument) -> Vec<Insight> {
    let view = View::new(sweep);
    let mut out = Vec::new();
    let Some(best) = best(&view) else {
        out.extend(fails(&view, None));
        return out;
    };
    out.push(best);
    let Some(along) = view.main_axis().filter(|_| view.points.len() > 1) else {
        out.extend(fails(&view, None));
        return out;
    };
    let slices = view.slices(along);
    let numbers = view.axes()[along].numbers.is_some();
    out.extend(as_good_for_less(&view, along, &slices));
    if let ([slice], true) = (slices.as_slice(), numbers) {
        out.extend(objectives(&view, along, slice));
    }
    out.extend(best_throughout(&view));
    if numbers {
        let found: Vec<Curves<'_>> = slices
            .iter()
            .map(|s| Curves::new(&view, along, s))
            .collect();
        out.extend(found.iter().flat_map(Curves::cross_overs));
        // In a grid, that of the best strategy of each slice alone: what all do at all values of all axes nobody reads.
        let alone = found.len() > 1;
        out.extend(found.iter().flat_map(|c| c.pays(alone)));
        out.extend(found.iter().flat_map(|c| c.knees(alone)));
    }
    let single = (slices.len() == 1 && numbers).then_some(along);
    out.extend(fails(&view, single));
    out
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
    Some(Insight::Best {
        case: case_name(view, &best.strategy, &best.interpreter),
        // What is the case itself is not said twice.
        at: at
            .map(|(a, &i)| place(view, a, i))
            .filter(|p| p.text != best.strategy)
            .collect(),
        value: quoted(view, best.value),
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
    if !is_resource(&view.axes()[along]) {
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
    let as_good = |d: &Dot<'_>| d.value.is_some_and(|v| !view.truly_better(v, least, TIE));
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

fn objectives(view: &View<'_>, along: usize, slice: &Slice) -> Option<Insight> {
    let meets = |s: usize, p: u64| {
        view.row(s, p).is_some_and(|r| {
            let all = &r.case.objectives;
            !all.is_empty() && all.iter().all(|o| o.verdict == "met")
        })
    };
    let asked = view
        .sweep
        .rows
        .iter()
        .any(|r| !r.case.objectives.is_empty());
    let series = 0..view.series.len();
    let met: Vec<bool> = slice
        .points
        .iter()
        .map(|&p| series.clone().any(|s| meets(s, p)))
        .collect();
    let where_met = extent(view, along, slice, &met);
    let edge = match &where_met {
        Extent::From(_) => met.iter().position(|&m| m),
        Extent::UpTo(_) => met.iter().rposition(|&m| m),
        _ => None,
    };
    let cases = edge.map_or(Vec::new(), |i| {
        let there = series.filter(|&s| meets(s, slice.points[i]));
        there.map(|s| view.series[s].name.clone()).collect()
    });
    asked.then_some(Insight::Objectives { where_met, cases })
}

/// At which points of a slice something holds.
fn extent(view: &View<'_>, along: usize, slice: &Slice, holds: &[bool]) -> Extent {
    let at = |i: usize| {
        let point = slice.points[i];
        let index = view.points.iter().find(|(p, _)| *p == point);
        let index = index.and_then(|(_, i)| i.get(along)).copied();
        place(view, along, index.unwrap_or(0))
    };
    let n = holds.len();
    let count = holds.iter().filter(|&&h| h).count();
    match count {
        0 => Extent::Nowhere,
        c if c == n => Extent::Everywhere,
        c if holds[n - c..].iter().all(|&h| h) => Extent::From(at(n - c)),
        c if holds[..c].iter().all(|&h| h) => Extent::UpTo(at(c - 1)),
        c => Extent::Some(c, n),
    }
}

/// The strategy that nothing else is truly better than, at any point.
fn best_throughout(view: &View<'_>) -> Option<Insight> {
    let all = 0..view.series.len();
    let points = || view.points.iter().map(|&(p, _)| p);
    let compared = points().filter(|&p| all.clone().any(|s| view.value(s, p).is_some()));
    let compared: Vec<u64> = compared.collect();
    let unbeaten = |&s: &usize| {
        compared.iter().all(|&p| {
            let others = all.clone().filter_map(|o| view.value(o, p));
            view.value(s, p)
                .is_some_and(|mine| others.into_iter().all(|o| !view.truly_better(mine, o, TIE)))
        })
    };
    let case = all.clone().find(unbeaten)?;
    let first = |&p: &u64| {
        let mine = view.value(case, p).map(|e| e.mean);
        let mut others = all.clone().filter_map(|o| view.value(o, p));
        mine.is_some_and(|m| others.all(|o| !view.ranking.better(o.mean, m)))
    };
    (view.series.len() > 1 && compared.len() > 1).then(|| Insight::BestThroughout {
        case: view.series[case].name.clone(),
        tied: !compared.iter().all(first),
    })
}

/// Which strategies have no numbers, and where. Those with the same fate stand together.
fn fails(view: &View<'_>, along: Option<usize>) -> Vec<Insight> {
    let mut groups: Vec<(String, Extent, Vec<String>)> = Vec::new();
    let slice = along.and_then(|a| view.slices(a).pop());
    let points: Vec<u64> = slice.as_ref().map_or_else(
        || view.points.iter().map(|&(p, _)| p).collect(),
        |s| s.points.clone(),
    );
    for (s, series) in view.series.iter().enumerate() {
        let status = |p: u64| view.row(s, p).map(|r| r.case.status.as_str());
        let mut kinds: Vec<&str> = points.iter().filter_map(|&p| status(p)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds.into_iter().filter(|&k| k != "fine") {
            let holds: Vec<bool> = points.iter().map(|&p| status(p) == Some(kind)).collect();
            let at = match (along, &slice) {
                (Some(a), Some(slice)) => extent(view, a, slice, &holds),
                _ => match holds.iter().filter(|&&h| h).count() {
                    n if n == holds.len() => Extent::Everywhere,
                    n => Extent::Some(n, holds.len()),
                },
            };
            match groups.iter_mut().find(|(k, e, _)| k == kind && *e == at) {
                Some((_, _, names)) => names.push(series.name.clone()),
                None => groups.push((kind.into(), at, vec![series.name.clone()])),
            }
        }
    }
    let found = groups.into_iter();
    found
        .map(|(status, at, cases)| Insight::Fails { cases, status, at })
        .collect()
}
