//! Finds the part of a recording that is worth looking at: where most threads run, or wait for what others hold.

use crate::cpython::record::recording::{Recording, TapeState, ThreadSpan};
use crate::engine::Nanos;
use crate::machine::Cause;

/// Numbers of spans that a reader can take in at a glance, in falling order.
const TAKEN_IN: [usize; 4] = [160, 80, 40, 20];

/// A shorter window is preferred if its activity per time is at least so many times that of the longer one.
const DENSER: f64 = 1.5;

/// Weight of a span. Running counts most, then waiting for others; idling and waiting for something outside (I/O, the next task) count
/// nothing. Start-up counts little: it runs, but is seldom what the reader asks about.
fn weight(span: &ThreadSpan) -> f64 {
    match (span.doing, span.cause) {
        (TapeState::OnCore(_), Cause::Startup) => 1.0,
        (TapeState::OnCore(_), _) => 4.0,
        (TapeState::Ready(_), _) | (TapeState::Blocked, Cause::Gil | Cause::Lock) => 2.0,
        (TapeState::Blocked, _) => 0.0,
    }
}

impl Recording {
    /// Returns the window with most activity, widened to round times. It holds as many spans as a reader can take in, or fewer where they
    /// come in bunches; where nothing happens it is all that was recorded.
    #[must_use]
    pub(crate) fn busiest(&self) -> (Nanos, Nanos) {
        let (begin, asked) = self.window;
        let end = asked
            .min(self.end)
            .min(self.stopped.unwrap_or(Nanos::MAX))
            .max(begin);
        let mut active: Vec<(u64, u64, f64)> = self
            .spans
            .iter()
            .map(|s| (s.from.max(begin).0, s.to.min(end).0, weight(s)))
            .filter(|(from, to, weight)| from < to && *weight > 0.0)
            .collect();
        active.sort_unstable_by_key(|a| (a.0, a.1));
        let Some(first) = active.first().map(|a| a.0) else {
            return (begin, end);
        };
        let last = active.iter().map(|a| a.1).max().unwrap_or(first);
        let so_far = Activity::new(&active);
        let mut best: Option<(f64, u64, u64)> = None;
        for many in TAKEN_IN {
            let windows = active.iter().enumerate().filter_map(|(i, a)| {
                let to = match active.get(i + many) {
                    Some(next) => next.0,
                    // Too few spans are left for a full window: take the last ones together with those before them.
                    None if i == 0 => last,
                    None => return None,
                };
                (to > a.0).then(|| (so_far.between(a.0, to), a.0, to))
            });
            // On a tie the earliest window wins.
            let densest = windows.reduce(|a, b| if b.0 > a.0 { b } else { a });
            best = match (best, densest) {
                (Some(wide), Some(close)) if close.0 < wide.0 * DENSER => Some(wide),
                (wide, close) => close.or(wide),
            };
        }
        let (_, from, to) = best.unwrap_or((0.0, first, last));
        outward(from, to, begin, end)
    }
}

/// Cumulative activity as a piecewise linear function of time.
struct Activity {
    points: Vec<(u64, f64)>,
    /// Activity per time from each point on.
    rates: Vec<f64>,
}

impl Activity {
    fn new(active: &[(u64, u64, f64)]) -> Self {
        let mut changes: Vec<(u64, f64)> = active
            .iter()
            .flat_map(|&(from, to, weight)| [(from, weight), (to, -weight)])
            .collect();
        changes.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let (mut points, mut rates) = (Vec::new(), Vec::new());
        let (mut at, mut rate, mut sum) = (0, 0.0, 0.0);
        for (time, change) in changes {
            sum += rate * length(at, time);
            rate += change;
            at = time;
            points.push((time, sum));
            rates.push(rate);
        }
        Self { points, rates }
    }

    fn until(&self, time: u64) -> f64 {
        match self.points.partition_point(|p| p.0 <= time) {
            0 => 0.0,
            n => {
                let (at, sum) = self.points[n - 1];
                sum + self.rates[n - 1] * length(at, time)
            }
        }
    }

    /// Mean activity per time between two instants.
    fn between(&self, from: u64, to: u64) -> f64 {
        (self.until(to) - self.until(from)) / length(from, to)
    }
}

fn length(from: u64, to: u64) -> f64 {
    to.saturating_sub(from) as f64
}

/// Widens a window to round times, within what was recorded.
fn outward(from: u64, to: u64, begin: Nanos, end: Nanos) -> (Nanos, Nanos) {
    // A power of ten between a hundredth and a tenth of the window's length.
    let step = 10_u64.pow(((to - from) / 10).max(1).ilog10());
    let low = from / step * step;
    let high = to.div_ceil(step).saturating_mul(step);
    (Nanos(low).max(begin), Nanos(high).min(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(spans: &[(u64, u64, TapeState, Cause)]) -> Recording {
        Recording {
            window: (Nanos::ZERO, Nanos::MAX),
            end: Nanos(10_000_000),
            spans: spans
                .iter()
                .map(|&(from, to, doing, cause)| ThreadSpan {
                    thread: 0,
                    from: Nanos(from),
                    to: Nanos(to),
                    doing,
                    cause,
                    pickling: false,
                    task: None,
                    counted: false,
                })
                .collect(),
            ..Recording::default()
        }
    }

    #[test]
    fn a_bunch_is_found_among_idling() {
        let mut spans = Vec::new();
        for i in 0..200 {
            let at = i * 40_000;
            spans.push((at, at + 100, TapeState::OnCore(0), Cause::Running));
            spans.push((at + 100, at + 40_000, TapeState::Blocked, Cause::Io));
        }
        for i in 0..60 {
            let at = 8_100_000 + i * 1_000;
            spans.push((at, at + 500, TapeState::OnCore(0), Cause::Running));
            spans.push((at + 500, at + 1_000, TapeState::Blocked, Cause::Gil));
        }
        let (from, to) = recording(&spans).busiest();
        assert!(from.0 >= 8_000_000 && to.0 <= 8_200_000, "{from:?} {to:?}");
    }

    #[test]
    fn what_is_alike_everywhere_is_shown_from_the_start() {
        let spans: Vec<_> = (0..1000)
            .map(|i| {
                (
                    i * 1_000,
                    i * 1_000 + 10,
                    TapeState::OnCore(0),
                    Cause::Running,
                )
            })
            .collect();
        let (from, to) = recording(&spans).busiest();
        assert_eq!(from, Nanos::ZERO);
        assert_eq!(to, Nanos(160_000));
    }

    #[test]
    fn little_is_shown_whole() {
        let one = [(5_000, 6_000, TapeState::OnCore(0), Cause::Running)];
        assert_eq!(recording(&one).busiest(), (Nanos(5_000), Nanos(6_000)));
        let nothing = [(0, 10_000_000, TapeState::Blocked, Cause::Io)];
        let all = (Nanos::ZERO, Nanos(10_000_000));
        assert_eq!(recording(&nothing).busiest(), all);
        assert_eq!(recording(&[]).busiest(), all);
    }
}
