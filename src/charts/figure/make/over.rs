//! Figures of a sweep over one axis, with each strategy as a curve.

use super::points::{AxisLayout, SweepCurve};
use super::sweep::Context;
use super::{
    Axis, Bar, Body, CurvePoint, Figure, Measure, ReferenceLine, Scale, axis_of, cause_stack,
    figure, is, limits, measure, misses, say, shares_note, span_scale,
};
use crate::charts::figure::ticks::value_text;
use crate::charts::figure::{Emphasis, LinePlot, Series, Stroke};
use crate::insight::shares::{Shares, means_of_all, named_with_gil};
use crate::insight::{Coordinate, Insight, insights};
use crate::measure::Estimate;
use crate::quantity::{Quantity, percent, waiting};
use crate::result::Forecast;
use crate::strategy::Cause;

/// Most strategies whose latency percentiles are shown.
const PERCENTILE_FIGURES: usize = 3;

pub(super) fn figures(context: &Context<'_>, axis: usize) -> Vec<Figure> {
    let across = context.points.across(axis);
    let (curves, note) = context.drawn_curves();
    let plot = CurveFigure {
        context,
        across: &across,
        curves: &curves,
        note: &note,
        insights: &insights(context.points.sweep),
    };
    let mut all = Vec::new();
    all.extend(plot.comparison());
    all.extend(plot.speedup());
    if context.metric.measure != Measure::PerSecond {
        all.extend(plot.quantity("throughput", "Completed tasks", Quantity::Throughput));
    }
    all.extend(plot.percentiles());
    all.extend(plot.causes());
    all.extend(plot.quantity(
        "utilization",
        "Busy share of all cores",
        Quantity::Utilization,
    ));
    if context.metric.measure != Measure::Bytes {
        all.extend(plot.quantity("memory", "Peak memory", Quantity::MemoryPeak));
    }
    all
}

/// The largest of all values in words.
struct Maximum {
    /// Names of those that reach it.
    who: String,
    several: bool,
    value: String,
    at: String,
    /// The set of which it is the largest, unless that is all.
    those: &'static str,
}

impl Maximum {
    /// A sentence about it: `threads:8 needs most: 304 MiB at 8 workers`.
    fn says(&self, one: &str, several: &str) -> String {
        let Self {
            who,
            value,
            at,
            those,
            ..
        } = self;
        if self.several {
            format!("{who} {several}: about {value} at {at}{those}")
        } else {
            format!("{who} {one}: {value} at {at}{those}")
        }
    }
}

struct CurveFigure<'a> {
    context: &'a Context<'a>,
    across: &'a AxisLayout,
    curves: &'a [&'a SweepCurve<'a>],
    note: &'a str,
    /// Insights about the sweep.
    insights: &'a [Insight],
}

impl CurveFigure<'_> {
    fn series(&self, get: impl Fn(&Forecast) -> Option<Estimate>) -> Vec<Series> {
        self.curves
            .iter()
            .map(|c| Series {
                name: c.name.clone(),
                number: c.number,
                role: c.role,
                stroke: Stroke::Marked,
                dots: self.across.dots(&c.rows, &get),
            })
            .filter(|s| s.dots.iter().any(|d| d.y.is_some()))
            .collect()
    }

    /// The largest of all values: the names of those that reach it, whether there are several (because they coincide, or have the same
    /// value), the value, where it is, and whether the curves that are not shown stay below it.
    fn top(
        &self,
        lines: &LinePlot,
        get: impl Fn(&Forecast) -> Option<Estimate>,
    ) -> Option<Maximum> {
        let (s, d, y) = say::extreme(&lines.series, true)?;
        let value = value_text(lines.y.measure, y);
        let groups = lines.together();
        let lying = |i: usize, j: usize| {
            (groups.iter()).any(|t| t.members.contains(&i) && t.members.contains(&j))
        };
        let first = lines.series.iter().position(|o| std::ptr::eq(o, s))?;
        let alike = |(i, o): &(usize, &Series)| {
            let there = o.dots.iter().filter(|o| o.x == d.x).filter_map(|o| o.y);
            o.stroke != Stroke::Reference
                && (*i == first
                    || lying(first, *i)
                    || there
                        .into_iter()
                        .any(|y| value_text(lines.y.measure, y) == value))
        };
        let all = lines.series.iter().enumerate().filter(alike);
        let all: Vec<String> = all.map(|(_, o)| o.name.clone()).collect();
        let of = |c: &SweepCurve<'_>| {
            let values = c.rows.iter().filter_map(|r| get(&r.case)).map(|e| e.mean);
            values.filter(|v| v.is_finite()).reduce(f64::max)
        };
        let drawn = self.curves.iter().filter_map(|c| of(c)).reduce(f64::max);
        let most = (self.context.points.curves.iter())
            .filter_map(of)
            .reduce(f64::max);
        Some(Maximum {
            who: say::names(&all),
            several: all.len() > 1,
            value,
            at: self.across.at(d.x),
            those: say::of_those_shown(drawn == most),
        })
    }

    /// The axis in words: `over cores`.
    fn over(&self) -> String {
        format!("over {}", self.across.label.to_lowercase())
    }

    /// The cases of all curves.
    fn cases(&self) -> impl Iterator<Item = &Forecast> {
        let sweep = self.context.points.sweep;
        sweep.rows.iter().map(|r| &r.case)
    }

    fn comparison(&self) -> Option<Figure> {
        let metric = &self.context.metric;
        let series = self.series(Forecast::primary);
        let values = series.iter().flat_map(|s| &s.dots).filter_map(|d| d.y);
        let axis = Axis::of(&metric.label, metric.measure, span_scale(values));
        let what = format!("{} {}, {}", metric.label, self.over(), metric.better());
        let says = found(self.insights).unwrap_or_else(|| what.clone());
        let limits = metric.limits(self.cases());
        let lines = self.drawn(axis, series, limits);
        self.lines("comparison", &says, &what, lines)
    }

    fn quantity(&self, name: &str, label: &str, q: Quantity) -> Option<Figure> {
        let series = self.series(|c| c.get(q));
        let axis = axis_of(label, measure(q.unit()), &series);
        let what = format!("{label} {}", self.over());
        let lines = self.drawn(axis, series, limits(self.cases(), is(q)));
        let says = self.top(&lines, |c| c.get(q)).map_or_else(
            || what.clone(),
            |top| match q {
                Quantity::Throughput => top.says("completes most", "complete most"),
                Quantity::Utilization => {
                    top.says("keeps the cores busiest", "keep the cores busiest")
                }
                Quantity::MemoryPeak => top.says("needs the most memory", "need the most memory"),
                _ => top.says("needs most", "need most"),
            },
        );
        self.lines(name, &says, &what, lines)
    }

    /// Curves over the axis.
    fn drawn(&self, y: Axis, series: Vec<Series>, limits: Vec<ReferenceLine>) -> LinePlot {
        LinePlot {
            x: self.across.axis(),
            y,
            series,
            limits,
        }
    }

    fn lines(&self, name: &str, title: &str, what: &str, lines: LinePlot) -> Option<Figure> {
        let any = (lines.series.iter()).any(|s| s.stroke != Stroke::Reference);
        any.then(|| {
            figure(
                name,
                title,
                &[what, &self.context.facts, self.note],
                Body::Lines(lines),
            )
        })
    }

    /// The speed-up over the sequential baseline at the same point; otherwise, over cores or workers, over the first value of the axis.
    fn speedup(&self) -> Option<Figure> {
        let mut series = self.series(|c| c.speedup);
        let resource = self.is_resource();
        let against_baseline = !series.is_empty();
        let what = if against_baseline {
            "sequential at the same point".to_owned()
        } else if resource {
            series = self.scaling();
            let first = self.across.texts.first().map_or("", String::as_str);
            format!(
                "the same strategy's throughput at {first} {}",
                self.across.label.to_lowercase()
            )
        } else {
            return None;
        };
        let base = self.least()?;
        if resource {
            let per = if against_baseline { 1.0 } else { base };
            series.push(self.reference("ideal for CPU work", |x| x / per));
        } else if !self.curves.iter().any(|c| c.baseline) {
            series.push(self.reference("sequential", |_| 1.0));
        }
        // Over values laid out by doublings, an ideal speed-up is a straight line if it is laid out by doublings as well.
        let doublings = self.across.scale() == Some(Scale::Log2);
        let scale = if resource && doublings && positive(&series) {
            Scale::Log2
        } else {
            span_scale(series.iter().flat_map(|s| &s.dots).filter_map(|d| d.y))
        };
        let axis = Axis::of("Speed-up", Measure::Factor, scale);
        let gains = say::extreme(&series, true).is_some_and(|(_, _, y)| y > 1.0);
        let lines = self.drawn(axis, series, Vec::new());
        // Over the baseline, every curve has a comparable value; over itself, only the curves that are drawn have.
        let get = |c: &Forecast| c.speedup.filter(|_| against_baseline);
        let says = match self.top(&lines, get).filter(|_| gains) {
            Some(top) => top.says("gains most", "do equally well"),
            None => format!("Nothing is better than {what}"),
        };
        let about = format!("Speed-up {}, against {what}", self.over());
        self.lines("speedup", &says, &about, lines)
    }

    /// Whether twice the axis's value could ideally be twice as fast.
    fn is_resource(&self) -> bool {
        let label = self.across.label.to_lowercase();
        let words = ["core", "worker", "cpu", "thread", "process"];
        self.across.is_number()
            && words.iter().any(|w| label.contains(w))
            && self.across.positions.iter().all(|&p| p > 0.0)
    }

    fn least(&self) -> Option<f64> {
        self.across.positions.iter().copied().reduce(f64::min)
    }

    fn reference(&self, name: &str, y: impl Fn(f64) -> f64) -> Series {
        let mut at = self.across.positions.clone();
        at.sort_by(f64::total_cmp);
        Series {
            name: name.to_owned(),
            number: 0,
            role: Emphasis::default(),
            stroke: Stroke::Reference,
            dots: at.into_iter().map(|x| CurvePoint::at(x, y(x))).collect(),
        }
    }

    fn scaling(&self) -> Vec<Series> {
        let mut series = self.series(|c| c.get(Quantity::Throughput));
        for s in &mut series {
            let Some(first) = s.dots.first().and_then(|d| d.y).filter(|&y| y > 0.0) else {
                s.dots.clear();
                continue;
            };
            for d in &mut s.dots {
                d.y = d.y.map(|y| y / first);
                d.band = d.band.map(|(l, h)| (l / first, h / first));
            }
        }
        series.retain(|s| !s.dots.is_empty());
        series
    }

    /// The p50, p95 and p99 of the best strategies, a figure for each; of a batch only for the best, since its latencies are the times at
    /// which parts of it are done.
    fn percentiles(&self) -> Vec<Figure> {
        let most = if self.context.batch {
            1
        } else {
            PERCENTILE_FIGURES
        };
        let leader = self.leader();
        let others =
            (self.curves.iter().copied()).filter(|c| leader.is_none_or(|l| !std::ptr::eq(*c, l)));
        let with = (leader.into_iter().chain(others))
            .filter(|c| c.rows.iter().any(|r| r.case.get(Quantity::P50).is_some()));
        with.take(most)
            .enumerate()
            .filter_map(|(i, c)| self.percentiles_of(i, c))
            .collect()
    }

    /// The strategy that the comparison calls best, so that all figures are about the same one; otherwise the one that is best most often.
    fn leader(&self) -> Option<&SweepCurve<'_>> {
        let named = telling(self.insights).and_then(|i| match i {
            Insight::Best { case, .. } | Insight::Nearest { case, .. } => Some(case),
            Insight::CrossOver { after, .. } => Some(after),
            Insight::BestThroughout { cases, .. } => cases.first(),
            _ => None,
        });
        let is = |c: &&&SweepCurve<'_>| {
            named.is_some_and(|n| {
                c.name == *n
                    || c.rows
                        .iter()
                        .any(|r| r.case.name() == *n || r.case.strategy == *n)
            })
        };
        let curves = || self.curves.iter();
        curves()
            .find(is)
            .or_else(|| curves().find(|c| c.role.leads()))
            .or_else(|| curves().next())
            .copied()
    }

    fn percentiles_of(&self, i: usize, curve: &SweepCurve<'_>) -> Option<Figure> {
        let quantities = [
            (Quantity::P50, "p50"),
            (Quantity::P95, "p95"),
            (Quantity::P99, "p99"),
        ];
        let series: Vec<Series> = quantities
            .into_iter()
            .enumerate()
            .map(|(number, (q, name))| Series {
                name: name.into(),
                number,
                role: Emphasis::default(),
                stroke: Stroke::Marked,
                dots: self.across.dots(&curve.rows, |c| c.get(q)),
            })
            .collect();
        let values = series.iter().flat_map(|s| &s.dots).filter_map(|d| d.y);
        let axis = Axis::of("Latency", Measure::Seconds, span_scale(values));
        let name = match i {
            0 => "latency-percentiles".to_owned(),
            i => format!("latency-percentiles-{}", i + 1),
        };
        let what = format!("Latency of {} {}", curve.name, self.over());
        let says = self
            .course_of(&curve.name, &series)
            .unwrap_or_else(|| what.clone());
        let limits = limits(self.cases(), |m| quantities.iter().any(|(q, _)| is(*q)(m)));
        let lines = self.drawn(axis, series, limits);
        let figure = self.lines(&name, &says, &what, lines)?;
        Some(Figure {
            subtitle: format!("{what} · {}", self.context.facts),
            ..figure
        })
    }

    /// How the largest percentile with values runs, from its first to its last point.
    fn course_of(&self, who: &str, series: &[Series]) -> Option<String> {
        let has = |s: &&Series| s.dots.iter().any(|d| d.y.is_some());
        let s = series.iter().rev().find(has)?;
        let values: Vec<(f64, f64)> = s.dots.iter().filter_map(|d| Some((d.x, d.y?))).collect();
        let (first, last) = (values.first()?, values.last()?);
        let text = |v: f64| value_text(Measure::Seconds, v);
        let name = &s.name;
        if !self.across.is_number() || first.0 == last.0 {
            let least = values
                .iter()
                .copied()
                .reduce(|a, b| if b.1 < a.1 { b } else { a })?;
            return Some(format!(
                "{who}: {name} is {} at {}",
                text(least.1),
                self.across.at(least.0)
            ));
        }
        let verb = match last.1 / first.1 {
            r if r > 1.05 => "grows",
            r if r < 0.95 => "falls",
            // Smaller differences may be chance.
            _ => {
                return Some(format!(
                    "{who}: {name} is about {} at {} and at {}",
                    text(last.1),
                    self.across.at(first.0),
                    self.across.at(last.0)
                ));
            }
        };
        Some(format!(
            "{who}: {name} {verb} from {} at {} to {} at {}",
            text(first.1),
            self.across.at(first.0),
            text(last.1),
            self.across.at(last.0)
        ))
    }

    /// What the tasks of the best strategy spent their time on.
    fn causes(&self) -> Option<Figure> {
        let best = self.leader()?;
        let rows: Vec<_> = best
            .rows
            .iter()
            .filter(|r| r.case.causes.iter().any(|&v| v > 0.0))
            .collect();
        let name = |place: usize| {
            if self.across.is_number() {
                self.across.value(place)
            } else {
                self.across.texts.get(place).cloned().unwrap_or_default()
            }
        };
        let bars = rows.iter().map(|r| Bar {
            misses: r.case.is_fine() && misses(&r.case),
            ..Bar::from(name(self.across.place(r)))
        });
        let bars = bars.collect();
        let batch = self.context.batch;
        let of = |c: &Forecast| Shares::of_case(c, batch, named_with_gil(&c.interpreter));
        let shares: Vec<Shares> = rows.iter().map(|r| of(&r.case)).collect();
        (!rows.is_empty()).then(|| {
            let what = format!("Where the time of {} went {}", best.name, self.over());
            let places: Vec<String> = rows
                .iter()
                .map(|r| self.across.value(self.across.place(r)))
                .collect();
            figure(
                "time-by-cause",
                &change(&best.name, &shares, &places).unwrap_or_else(|| what.clone()),
                &[
                    &format!("{what}: {}", shares_note(batch)),
                    &self.context.points.header.scenario.name,
                ],
                Body::Stack(cause_stack(bars, &shares)),
            )
        })
    }
}

/// A sentence about the cause whose share changes most from the first to the last bar.
fn change(who: &str, shares: &[Shares], places: &[String]) -> Option<String> {
    let means = means_of_all(shares.iter());
    let (first, last) = (&shares.first()?.of, &shares.last()?.of);
    let by = |c: &Cause| (last[*c as usize] - first[*c as usize]).abs();
    let most = Cause::ALL
        .into_iter()
        .reduce(|a, b| if by(&b) > by(&a) { b } else { a })?;
    let share = |of: &[f64], c: Cause| percent(of[c as usize]);
    let (from, to) = (share(first, most), share(last, most));
    if by(&most) < 0.05 || from == to {
        let largest = Cause::ALL.into_iter().reduce(|a, b| {
            if last[b as usize] > last[a as usize] {
                b
            } else {
                a
            }
        })?;
        return Some(format!(
            "{who}: {} of its tasks' time is {} at {}",
            share(last, largest),
            waiting(largest, means),
            places.last()?
        ));
    }
    Some(format!(
        "{who}: {} goes from {from} of its tasks' time at {} to {to} at {}",
        waiting(most, means),
        places.first()?,
        places.last()?
    ))
}

/// What the curves of the metric show: which strategy overtakes another, which leads throughout, or what to take.
fn found(insights: &[Insight]) -> Option<String> {
    let says = |i: &Insight| i.text().trim_end_matches('.').to_owned();
    telling(insights).map(|i| match i {
        Insight::Best {
            case,
            at,
            value,
            load,
            tied,
            ..
        } => {
            let at: Vec<String> = at.iter().map(Coordinate::text).collect();
            let at = at.join(", ");
            let (metric, mean) = (say::with_article(&value.metric), value.mean_text());
            let others = match tied {
                0 => String::new(),
                1 => "; another one is as good".into(),
                n => format!("; {n} others are as good"),
            };
            let says = match load {
                Some(load) => format!(
                    "{case} is best under the highest {load} that anything bears ({at}), with {metric} of {mean}"
                ),
                None if at.is_empty() => format!("{case} is best, with {metric} of {mean}"),
                None => format!("{case} is best at {at}, with {metric} of {mean}"),
            };
            says + &others
        }
        i => says(i),
    })
}

/// The insight that the comparison's title states.
fn telling(all: &[Insight]) -> Option<&Insight> {
    let shape = |i: &&Insight| {
        matches!(i, Insight::CrossOver { .. })
            || matches!(i, Insight::BestThroughout { cases, .. } if cases.len() < 4)
    };
    let answer = |i: &&Insight| i.is_answer() || matches!(i, Insight::Fails { .. });
    (all.iter().find(shape)).or_else(|| all.iter().find(answer))
}

fn positive(series: &[Series]) -> bool {
    series
        .iter()
        .flat_map(|s| &s.dots)
        .all(|d| d.y.is_none_or(|y| y > 0.0) && d.band.is_none_or(|(l, _)| l > 0.0))
}
