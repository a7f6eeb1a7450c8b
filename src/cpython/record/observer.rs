//! Counters and latencies of the tasks of a run.

use crate::cpython::finding::Finding;
use crate::cpython::record::recording::{RecordedSeries, Recording};
use crate::engine::{Nanos, Total};
use crate::machine::CAUSES;
use crate::measure::{BatchSeries, Completions, Histogram, Windows};
use crate::scenario::limits::MAX_WINDOWS;
use crate::sync::DeviceTotals;

/// Counts and latencies of a run's tasks.
#[derive(Debug)]
pub(crate) struct Observer {
    /// Tasks that arrived after the warm-up.
    pub arrived: u64,
    /// Of the tasks that arrived after the warm-up: those that completed.
    pub completed: u64,
    /// Of the same: those that failed.
    pub failed: u64,
    /// Of the same: those that were ended by a deadline.
    pub timed_out: u64,
    /// Of the same: those that were rejected.
    pub rejected: u64,
    /// Attempts that tasks from after the warm-up have begun, those of their children included.
    pub attempts: u64,
    /// Of these, attempts after the first.
    pub retries: u64,
    /// When the last arrival from outside came; `None` while more may come.
    pub arrivals_end: Option<Nanos>,
    /// When half of the promised number of arrivals had come.
    pub half_arrived: Option<Nanos>,
    /// Completions of all tasks, from the end of the warm-up until arrivals ran out.
    pub window: Completions,
    /// When the last task ended, whether it counts or not.
    pub makespan: Nanos,
    /// Time that main programs spent by themselves before rounds, added up over the copies of the program.
    pub serial: Total,
    /// Latencies of completed tasks.
    pub latency: Histogram,
    /// Counted tasks by the window of time in which they arrived, if there are windows.
    pub windows: Option<Windows>,
    /// Latencies of completed tasks, by class.
    pub class_latency: Vec<Histogram>,
    /// Latencies of all tasks from outside, however they ended, as a series of batches in order of their ends.
    pub series: BatchSeries,
    /// (task number, latency) of every task, if asked for.
    pub latencies: Option<Vec<(u64, Nanos)>>,
}

impl Observer {
    pub(crate) fn new(classes: usize, keep: bool, warmup: Nanos, windows: Option<Nanos>) -> Self {
        Self {
            arrived: 0,
            completed: 0,
            failed: 0,
            timed_out: 0,
            rejected: 0,
            attempts: 0,
            retries: 0,
            arrivals_end: None,
            half_arrived: None,
            window: Completions::from(warmup),
            makespan: Nanos::ZERO,
            serial: Total::ZERO,
            latency: Histogram::new(),
            windows: windows.map(|w| Windows::new(w, MAX_WINDOWS)),
            class_latency: vec![Histogram::new(); if classes > 1 { classes } else { 0 }],
            series: BatchSeries::new(),
            latencies: keep.then(Vec::new),
        }
    }

    /// Counts a task that arrives at this instant, by whatever it is known.
    pub(crate) fn arrives(&mut self, at: Nanos) {
        self.arrived += 1;
        if let Some(windows) = &mut self.windows {
            windows.at(at).arrived += 1;
        }
    }

    /// Takes back that a task arrives at this instant, which the run has not reached.
    pub(crate) fn not_arrived(&mut self, at: Nanos) {
        self.arrived -= 1;
        if let Some(windows) = &mut self.windows {
            windows.at(at).arrived -= 1;
        }
    }

    /// Counts an arrival from outside: `came` so far with this one, and `left` that may still come (without a promised count: more than
    /// ever do).
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

/// What one run observed; see [`crate::strategy::Outcome`] for the meaning of each field.
#[derive(Debug)]
pub(crate) struct Observed {
    pub observer: Observer,
    pub in_flight: u64,
    pub lost: u64,
    pub resent: u64,
    pub machine_time: Total,
    pub unanswered: u64,
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
    pub devices: Vec<DeviceTotals>,
    pub processes: u32,
    pub events: u64,
    pub calendar_events: u64,
    pub calendar_peak: u64,
    pub findings: Vec<Finding>,
    pub recording: Option<Recording>,
    pub over_time: Option<RecordedSeries>,
}
