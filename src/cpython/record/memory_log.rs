//! Log of a run's memory over time.

use crate::engine::Nanos;
use crate::measure::TimeBins;

/// A run's memory over time, as points of a window or as a course over the whole run.
pub(crate) struct MemoryLog {
    window: (Nanos, Nanos),
    most: usize,
    pub(crate) points: Vec<(Nanos, u64)>,
    since: Nanos,
    bytes: u64,
    pub(crate) course: Option<TimeBins>,
}

impl MemoryLog {
    /// A log of `window` with at most `most` points; with `course`, of the whole run in equal bins instead.
    pub(crate) fn new(window: (Nanos, Nanos), most: usize, course: bool) -> Self {
        Self {
            window,
            most: if course { 0 } else { most.max(1) },
            points: Vec::new(),
            since: Nanos::ZERO,
            bytes: 0,
            course: course.then(TimeBins::new),
        }
    }

    #[cold]
    pub(crate) fn changed(&mut self, at: Nanos, bytes: u64) {
        self.spent_until(at);
        self.bytes = bytes;
        if let Some(course) = &mut self.course {
            course.raise(at, at, as_f64(bytes));
        }
        if at > self.window.1 {
            return;
        }
        let at = at.max(self.window.0);
        let room = self.points.len() < self.most;
        match self.points.last_mut() {
            Some(last) if last.0 == at => last.1 = bytes,
            _ if room => self.points.push((at, bytes)),
            _ => {}
        }
    }

    pub(crate) fn spent_until(&mut self, at: Nanos) {
        if let Some(course) = &mut self.course {
            course.add(self.since, at, as_f64(self.bytes));
            course.raise(self.since, at, as_f64(self.bytes));
        }
        self.since = at;
    }
}

fn as_f64(bytes: u64) -> f64 {
    bytes as f64
}
