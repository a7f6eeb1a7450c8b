//! What a run observes of its tasks.

use crate::cpython::finding::Finding;
use crate::cpython::record::recording::{RecordedSeries, Recording};
use crate::engine::{Nanos, Total};
use crate::machine::CAUSES;
use crate::measure::{BatchSeries, Completions, Histogram};

/// Counts and latencies of tasks.
#[derive(Debug)]
pub struct Observer {
    /// Tasks that arrived after the warm-up.
    pub arrived: u64,
    /// How they ended.
    pub completed: u64,
    /// See `completed`.
    pub failed: u64,
    /// See `completed`.
    pub timed_out: u64,
    /// When the arrivals from outside ran out.
    pub arrivals_end: Option<Nanos>,
    /// When half of their promised count had come.
    pub half_arrived: Option<Nanos>,
    /// Completions of all tasks, from the warm-up on until the arrivals ran out.
    pub window: Completions,
    /// Last end of a task, of all.
    pub makespan: Nanos,
    /// Latencies of completed tasks.
    pub latency: Histogram,
    /// The same by class.
    pub class_latency: Vec<Histogram>,
    /// The same as a stream.
    pub series: BatchSeries,
    /// (task number, latency) if asked for.
    pub latencies: Option<Vec<(u64, Nanos)>>,
}

impl Observer {
    pub(crate) fn new(classes: usize, keep: bool, warmup: Nanos) -> Self {
        Self {
            arrived: 0,
            completed: 0,
            failed: 0,
            timed_out: 0,
            arrivals_end: None,
            half_arrived: None,
            window: Completions::from(warmup),
            makespan: Nanos::ZERO,
            latency: Histogram::new(),
            class_latency: vec![Histogram::new(); if classes > 1 { classes } else { 0 }],
            series: BatchSeries::new(),
            latencies: keep.then(Vec::new),
        }
    }

    /// A task has arrived from outside, so many by now, and so many may still come (without a promised count: more than ever do).
    #[inline]
    pub(crate) fn arrival(&mut self, now: Nanos, came: u64, left: u64) {
        if came == (came + left).div_ceil(2) {
            self.half_arrived = Some(now);
        }
        if left == 0 {
            self.arrivals_end = Some(now);
            self.window.close(now);
        }
    }
}

/// What one run observed; see [`crate::strategy::Outcome`] for the meaning of each.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields of Outcome, documented there")]
pub struct Observed {
    pub observer: Observer,
    pub in_flight: u64,
    pub causes: [Total; CAUSES],
    pub children: [Total; CAUSES],
    pub demand_excess: f64,
    pub demand_expected: f64,
    pub interval_excess: f64,
    pub interval_expected: f64,
    pub cpu: Total,
    pub core_busy: Vec<Nanos>,
    pub end: Nanos,
    pub closed: Nanos,
    pub gil_held: Total,
    pub gil_contended: Total,
    pub switches_voluntary: u64,
    pub switches_involuntary: u64,
    pub memory_peak: u64,
    pub memory_mean: f64,
    pub bytes_moved: u128,
    pub processes: u32,
    pub events: u64,
    pub calendar_events: u64,
    pub calendar_peak: u64,
    pub findings: Vec<Finding>,
    pub recording: Option<Recording>,
    pub over_time: Option<RecordedSeries>,
}
