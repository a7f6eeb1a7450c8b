//! Rates of completion within a window of time.

use crate::engine::Nanos;

/// Completions within a window, as a rate. All that completes in the window counts, whenever it began: what is in progress at one end
/// stands for what is in progress at the other. The cumulative count is taken as linear between neighbouring completions, so that regular
/// completions have the same rate in any window; a plain count would be off by up to one at either end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completions {
    start: Edge,
    end: Edge,
    /// The latest completion so far.
    last: CompletionStep,
    open: bool,
}

/// The number of completions up to an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CompletionStep {
    at: Nanos,
    count: u64,
}

/// One end of the window, and the completions next to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edge {
    at: Nanos,
    /// The last completion up to this instant; time 0 before the first one.
    before: CompletionStep,
    /// The first completion after this instant, with all that complete together with it.
    after: Option<CompletionStep>,
}

impl Edge {
    fn push(&mut self, step: CompletionStep) {
        if step.at <= self.at {
            self.before = step;
        } else if self.after.is_none_or(|after| after.at == step.at) {
            self.after = Some(step);
        }
    }

    /// The cumulative count at this instant, interpolated.
    fn count(&self) -> f64 {
        let before = self.before.count as f64;
        let Some(after) = self.after else {
            return before;
        };
        let passed = (self.at - self.before.at).as_f64() / (after.at - self.before.at).as_f64();
        before + passed * (after.count - self.before.count) as f64
    }
}

impl Completions {
    /// An open window that begins at `start`, without completions yet.
    pub fn from(start: Nanos) -> Self {
        let none = CompletionStep {
            at: Nanos::ZERO,
            count: 0,
        };
        let edge = |at| Edge {
            at,
            before: none,
            after: None,
        };
        Self {
            start: edge(start),
            end: edge(Nanos::MAX),
            last: none,
            open: true,
        }
    }

    /// Counts a completion; `at` must not be earlier than the last one.
    #[inline]
    pub(crate) fn push(&mut self, at: Nanos) {
        self.last = CompletionStep {
            at,
            count: self.last.count + 1,
        };
        self.start.push(self.last);
        if !self.open {
            self.end.push(self.last);
        }
    }

    /// Ends the window, unless it has ended already. The next completion after that still tells how far the one in progress was.
    pub(crate) fn close(&mut self, at: Nanos) {
        if self.open {
            self.open = false;
            self.end.at = at;
            self.end.before = self.last;
        }
    }

    /// The window: its start, and its end once it is closed.
    pub fn window(&self) -> (Nanos, Option<Nanos>) {
        (self.start.at, (!self.open).then_some(self.end.at))
    }

    /// Completions per second; `None` while the window is open, if it has no length, or if nothing completes in it.
    pub fn rate(&self) -> Option<f64> {
        let length = self.end.at.since(self.start.at);
        let nothing = self.end.before.count <= self.start.before.count;
        if self.open || length == Nanos::ZERO || nothing {
            return None;
        }
        Some((self.end.count() - self.start.count()) / length.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rate, in a window, of completions at these times, in whole nanoseconds.
    fn rate(times: &[u64], start: u64, end: u64) -> Option<f64> {
        let mut c = Completions::from(Nanos(start));
        let mut closed = false;
        for &at in times {
            if at > end && !closed {
                c.close(Nanos(end));
                closed = true;
            }
            c.push(Nanos(at));
        }
        c.close(Nanos(end));
        c.rate().map(|r| r / 1e9)
    }

    fn close_to(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() <= 1e-12 * b.abs().max(1.0))
    }

    #[test]
    fn what_is_under_way_at_the_ends_counts_in_part() {
        // One completion every 10 ns: a whole window, one cut at one end, one cut at both ends.
        let times = [10, 20, 30, 40, 50];
        for (start, end) in [(0, 50), (10, 40), (5, 45), (13, 29), (0, 7 + 10)] {
            assert!(close_to(rate(&times, start, end), 0.1), "{start}, {end}");
        }
        // After the last completion, nothing is known of the next.
        assert!(close_to(rate(&times, 0, 100), 0.05));
    }

    #[test]
    fn what_completes_together_is_one_step() {
        // Four completions every 10 ns, in windows cut anywhere.
        let times = [10, 10, 10, 10, 20, 20, 20, 20, 30, 30, 30, 30];
        for (start, end) in [(0, 30), (5, 25), (10, 20), (0, 13), (12, 24)] {
            assert!(close_to(rate(&times, start, end), 0.4), "{start}, {end}");
        }
    }

    #[test]
    fn what_completes_at_the_end_of_the_window_is_in_it() {
        let mut c = Completions::from(Nanos(0));
        c.push(Nanos(4));
        c.close(Nanos(8));
        c.push(Nanos(8));
        c.close(Nanos(100));
        assert_eq!(c.window(), (Nanos(0), Some(Nanos(8))));
        assert!(close_to(c.rate().map(|r| r / 1e9), 0.25));
    }

    #[test]
    fn no_rate_without_a_window_or_completions() {
        assert_eq!(rate(&[1, 2], 5, 5), None);
        assert_eq!(rate(&[1, 2], 5, 4), None);
        assert_eq!(rate(&[1, 90], 5, 80), None);
        assert_eq!(rate(&[], 0, 80), None);
        let mut open = Completions::from(Nanos(0));
        open.push(Nanos(1));
        assert_eq!(open.rate(), None);
    }

    proptest! {
        /// Compares the streamed rate with the definition, over all completions at once.
        #[test]
        fn a_stream_gives_what_the_whole_list_gives(
            mut times in prop::collection::vec(1_u64..1_000, 0..40),
            start in 0_u64..1_000,
            length in 1_u64..1_000,
        ) {
            times.sort_unstable();
            let end = start + length;
            let by = |x: u64| times.iter().filter(|&&t| t <= x).count();
            let count = |x: u64| {
                let before = times.iter().rev().find(|&&t| t <= x).copied().unwrap_or(0);
                match times.iter().find(|&&t| t > x) {
                    None => by(x) as f64,
                    Some(&next) => {
                        let passed = (x - before) as f64 / (next - before) as f64;
                        by(x) as f64 + passed * (by(next) - by(x)) as f64
                    }
                }
            };
            let expected = (count(end) - count(start)) / length as f64;
            match rate(&times, start, end) {
                None => prop_assert_eq!(by(start), by(end)),
                found => prop_assert!(close_to(found, expected), "{found:?}, {expected}"),
            }
        }

        /// Regular completions have the same rate in every window that ends before the last of them.
        #[test]
        fn regular_completions_have_no_edges(
            every in 1_u64..500,
            start in 0_u64..5_000,
            length in 500_u64..5_000,
        ) {
            let times: Vec<u64> = (1..=11_000 / every).map(|i| i * every).collect();
            prop_assert!(close_to(rate(&times, start, start + length), 1.0 / every as f64));
        }
    }
}
