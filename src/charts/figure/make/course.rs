//! The course of one replication over time.

use super::cases::{Cases, PlottedCase};
use super::say::{self, Standout};
use super::{
    Axis, Body, COURSES as MOST, CurvePoint, Figure, Measure, Scale, axis_of, figure, is, limits,
};
use crate::charts::figure::{Emphasis, LinePlot, Series, Stroke};
use crate::quantity::Quantity;
use crate::result::{OverTime, Study};

/// A quantity that is shown over time.
struct TimePlot {
    name: &'static str,
    title: &'static str,
    label: &'static str,
    measure: Measure,
    /// Whether the largest value counts, rather than the mean.
    peak: bool,
    /// Makes the finding in words.
    say: fn(&Standout) -> String,
    get: fn(&OverTime) -> &[f64],
}

const COURSES: [TimePlot; 5] = [
    TimePlot {
        name: "utilization-over-time",
        title: "Utilization over time",
        label: "Busy share of all cores",
        measure: Measure::Share,
        peak: false,
        say: |s| {
            format!(
                "{} keeps the cores busy {} of the time{}",
                s.name, s.value, s.of_all
            )
        },
        get: |o| &o.utilization_share,
    },
    TimePlot {
        name: "memory-over-time",
        title: "Memory over time",
        label: "Memory in use",
        measure: Measure::Bytes,
        peak: true,
        say: |s| {
            format!(
                "The memory of {} peaks at {}, {} after the start{}",
                s.name, s.value, s.at, s.of_all
            )
        },
        get: |o| &o.memory_peak_bytes,
    },
    TimePlot {
        name: "gil-over-time",
        title: "GIL over time",
        label: "Share of time in which a GIL was held",
        measure: Measure::Share,
        peak: false,
        say: |s| {
            format!(
                "A GIL is held {} of the time under {}{}",
                s.value, s.name, s.of_all
            )
        },
        get: |o| &o.gil_held_share,
    },
    TimePlot {
        name: "run-queue-over-time",
        title: "Threads waiting for a core over time",
        label: "Threads ready without a core",
        measure: Measure::Number,
        peak: false,
        say: |s| {
            format!(
                "{} threads on average wait for a core under {}{}",
                s.value, s.name, s.of_all
            )
        },
        get: |o| &o.run_queue,
    },
    TimePlot {
        name: "in-flight-over-time",
        title: "Tasks in flight over time",
        label: "Tasks arrived and not over",
        measure: Measure::Number,
        peak: true,
        say: |s| {
            format!(
                "Under {}, the number of tasks under way peaks at {}, {} after the start{}",
                s.name, s.value, s.at, s.of_all
            )
        },
        get: |o| &o.in_flight,
    },
];

pub(super) fn figures(run: &Study, cases: &Cases<'_>) -> Vec<Figure> {
    COURSES.iter().filter_map(|c| one(c, run, cases)).collect()
}

fn one(course: &TimePlot, run: &Study, cases: &Cases<'_>) -> Option<Figure> {
    let (shown, note) = cases.best(MOST, |c| {
        c.detail
            .over_time
            .as_ref()
            .is_some_and(|o| (course.get)(o).iter().any(|&v| v > 0.0) && o.bin_s > 0.0)
    });
    let mut series: Vec<Series> = shown
        .iter()
        .filter_map(|s| {
            let over = s.case.detail.over_time.as_ref()?;
            Some(Series {
                name: cases.name(s),
                number: s.number,
                role: s.role,
                stroke: Stroke::Steps,
                dots: course.steps(over),
            })
        })
        .collect();
    if series.is_empty() {
        return None;
    }
    let found = say::course(&series, course.measure, course.peak, !note.is_empty());
    let limits = if course.measure == Measure::Bytes {
        series.extend(limit(run, &shown, &series));
        limits(cases.all().iter().map(|s| s.case), is(Quantity::MemoryPeak))
    } else {
        Vec::new()
    };
    let what = if course.measure == Measure::Bytes {
        "most within each step"
    } else {
        "means"
    };
    Some(figure(
        course.name,
        &found.map_or_else(|| course.title.to_owned(), |f| (course.say)(&f)),
        &[
            &format!("{} of the first replication, {what}", course.title),
            &run.scenario.name,
            &note,
        ],
        Body::Lines(LinePlot {
            x: Axis::of("Simulated time", Measure::Seconds, Scale::FromZero),
            y: axis_of(course.label, course.measure, &series),
            series,
            limits,
        }),
    ))
}

/// Most steps of a curve; finer steps would hide each other.
const STEPS: usize = 80;

impl TimePlot {
    /// The course in steps; neighbouring bins are combined if there are too many.
    fn steps(&self, over: &OverTime) -> Vec<CurvePoint> {
        let values = (self.get)(over);
        let together = values.len().div_ceil(STEPS).max(1);
        let join = |bins: &[f64]| {
            if self.measure == Measure::Bytes {
                bins.iter().copied().fold(0.0, f64::max)
            } else {
                bins.iter().sum::<f64>() / bins.len() as f64
            }
        };
        let joined: Vec<f64> = values.chunks(together).map(join).collect();
        let starts = joined
            .iter()
            .enumerate()
            .map(|(i, &v)| CurvePoint::at((i * together) as f64 * over.bin_s, v));
        let end = joined
            .last()
            .map(|&v| CurvePoint::at(values.len() as f64 * over.bin_s, v));
        starts.chain(end).collect()
    }
}

/// The memory limit, if it is near enough to belong into the picture.
fn limit(run: &Study, shown: &[PlottedCase<'_>], series: &[Series]) -> Option<Series> {
    let limit = run.machine.memory_limit_bytes? as f64;
    let dots = || series.iter().flat_map(|s| &s.dots);
    let most = dots().filter_map(|d| d.y).fold(0.0, f64::max);
    let end = dots().map(|d| d.x).fold(0.0, f64::max);
    (most * 2.0 > limit && end > 0.0).then(|| Series {
        name: "memory limit".into(),
        number: shown.len(),
        role: Emphasis::default(),
        stroke: Stroke::Reference,
        dots: vec![CurvePoint::at(0.0, limit), CurvePoint::at(end, limit)],
    })
}
