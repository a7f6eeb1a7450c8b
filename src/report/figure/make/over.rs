//! A sweep over one axis: every strategy as a curve.

use super::points::{Across, Curve};
use super::sweep::Context;
use super::{
    Axis, Body, Dot, Figure, Measure, Scale, cause_stack, figure, measure, shares, shares_note,
    span_scale,
};
use crate::report::document::{CaseDocument, EstimateDocument};
use crate::report::figure::{Lines, Series, Stroke};
use crate::study::Quantity;

/// Values that span more than this factor are shown by powers of ten.
const WIDE: f64 = 30.0;

/// Most strategies whose latency percentiles are shown.
const PERCENTILE_FIGURES: usize = 3;

pub(super) fn figures(context: &Context<'_>, axis: usize) -> Vec<Figure> {
    let across = context.points.across(axis);
    let (shown, note) = context.shown();
    let plot = Plot {
        context,
        across: &across,
        shown: &shown,
        note: &note,
    };
    let mut all = Vec::new();
    all.extend(plot.comparison());
    all.extend(plot.speedup());
    if context.metric.measure != Measure::PerSecond {
        all.extend(plot.quantity(
            "throughput",
            "Throughput",
            "Completed tasks",
            Quantity::Throughput,
        ));
    }
    all.extend(plot.percentiles());
    all.extend(plot.causes());
    all.extend(plot.quantity(
        "utilization",
        "Utilization",
        "Busy share of all cores",
        Quantity::Utilization,
    ));
    if context.metric.measure != Measure::Bytes {
        all.extend(plot.quantity("memory", "Peak memory", "Peak memory", Quantity::MemoryPeak));
    }
    all
}

struct Plot<'a> {
    context: &'a Context<'a>,
    across: &'a Across,
    shown: &'a [&'a Curve<'a>],
    note: &'a str,
}

impl Plot<'_> {
    fn series(&self, get: impl Fn(&CaseDocument) -> Option<EstimateDocument>) -> Vec<Series> {
        self.shown
            .iter()
            .map(|c| Series {
                name: c.name.clone(),
                number: c.number,
                stroke: Stroke::Marked,
                dots: self.across.dots(&c.rows, &get),
            })
            .filter(|s| s.dots.iter().any(|d| d.y.is_some()))
            .collect()
    }

    /// `over cores`.
    fn over(&self) -> String {
        format!("over {}", self.across.label.to_lowercase())
    }

    fn comparison(&self) -> Option<Figure> {
        let metric = &self.context.metric;
        let series = self.series(CaseDocument::primary);
        let values = series.iter().flat_map(|s| &s.dots).filter_map(|d| d.y);
        let axis = Axis::of(&metric.label, metric.measure, span_scale(values, WIDE));
        self.lines(
            "comparison",
            &format!("{} {}", metric.label, self.over()),
            "",
            axis,
            series,
        )
    }

    fn quantity(&self, name: &str, title: &str, label: &str, q: Quantity) -> Option<Figure> {
        let series = self.series(|c| c.get(q));
        let axis = Axis::of(label, measure(q.unit()), Scale::FromZero);
        self.lines(name, &format!("{title} {}", self.over()), "", axis, series)
    }

    fn lines(
        &self,
        name: &str,
        title: &str,
        what: &str,
        y: Axis,
        series: Vec<Series>,
    ) -> Option<Figure> {
        let any = series.iter().any(|s| s.stroke != Stroke::Reference);
        any.then(|| {
            figure(
                name,
                title,
                &[&self.context.facts, what, self.note],
                Body::Lines(Lines {
                    x: self.across.axis(),
                    y,
                    series,
                }),
            )
        })
    }

    /// Against the sequential baseline at the same point; else, over cores or workers, against the first value of the axis.
    fn speedup(&self) -> Option<Figure> {
        let mut series = self.series(|c| c.speedup);
        let resource = self.is_resource();
        let against_baseline = !series.is_empty();
        let what = if against_baseline {
            "against sequential at the same point".to_owned()
        } else if resource {
            series = self.scaling();
            let first = self.across.texts.first().map_or("", String::as_str);
            format!(
                "throughput against the same strategy at {first} {}",
                self.across.label.to_lowercase()
            )
        } else {
            return None;
        };
        let base = self.least()?;
        if resource {
            let per = if against_baseline { 1.0 } else { base };
            series.push(self.reference("ideal for CPU work", |x| x / per));
        } else if !self.shown.iter().any(|c| c.baseline) {
            series.push(self.reference("sequential", |_| 1.0));
        }
        let scale = if resource && self.across.doubles() && positive(&series) {
            Scale::Log2
        } else {
            Scale::FromZero
        };
        let axis = Axis::of("Speed-up", Measure::Factor, scale);
        self.lines(
            "speedup",
            &format!("Speed-up {}", self.over()),
            &what,
            axis,
            series,
        )
    }

    /// Whether twice the axis' value could ideally be twice as fast.
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
            stroke: Stroke::Reference,
            dots: at.into_iter().map(|x| Dot::at(x, y(x))).collect(),
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

    /// p50, p95 and p99 of the best strategies, a figure each: of a batch the best one's only, whose latencies are the times at which
    /// parts of it are done.
    fn percentiles(&self) -> Vec<Figure> {
        let most = if self.context.batch {
            1
        } else {
            PERCENTILE_FIGURES
        };
        let with = self
            .shown
            .iter()
            .filter(|c| c.rows.iter().any(|r| r.case.get(Quantity::P50).is_some()));
        with.take(most)
            .enumerate()
            .filter_map(|(i, c)| self.percentiles_of(i, c))
            .collect()
    }

    fn percentiles_of(&self, i: usize, curve: &Curve<'_>) -> Option<Figure> {
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
                stroke: Stroke::Marked,
                dots: self.across.dots(&curve.rows, |c| c.get(q)),
            })
            .collect();
        let values = series.iter().flat_map(|s| &s.dots).filter_map(|d| d.y);
        let axis = Axis::of("Latency", Measure::Seconds, span_scale(values, WIDE));
        let name = match i {
            0 => "latency-percentiles".to_owned(),
            i => format!("latency-percentiles-{}", i + 1),
        };
        let title = format!("Latency of {} {}", curve.name, self.over());
        let figure = self.lines(&name, &title, "", axis, series)?;
        Some(Figure {
            subtitle: self.context.facts.clone(),
            ..figure
        })
    }

    /// Where the time of the best strategy's tasks went.
    fn causes(&self) -> Option<Figure> {
        let best = self.shown.first()?;
        let rows: Vec<_> = best
            .rows
            .iter()
            .filter(|r| r.case.time_by_cause.values().any(|&v| v > 0.0))
            .collect();
        let label = self.across.label.to_lowercase();
        let name = |place: usize| {
            let text = self.across.texts.get(place).map_or("", String::as_str);
            if self.across.is_number() {
                format!("{label} {text}")
            } else {
                text.to_owned()
            }
        };
        let bars = rows.iter().map(|r| name(self.across.place(r))).collect();
        let batch = self.context.batch;
        let shares: Vec<Vec<f64>> = rows.iter().map(|r| shares(&r.case, batch)).collect();
        (!rows.is_empty()).then(|| {
            figure(
                "time-by-cause",
                &format!("Where the time of {} went {}", best.name, self.over()),
                &[
                    &self.context.points.header.scenario.name,
                    shares_note(batch),
                ],
                Body::Stack(cause_stack(bars, &shares)),
            )
        })
    }
}

fn positive(series: &[Series]) -> bool {
    series
        .iter()
        .flat_map(|s| &s.dots)
        .all(|d| d.y.is_none_or(|y| y > 0.0) && d.band.is_none_or(|(l, _)| l > 0.0))
}
