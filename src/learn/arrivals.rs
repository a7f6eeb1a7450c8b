//! Learns how recorded tasks arrive: all at once, at random, or by another distribution of the time between them.

use super::correlation;
use super::fit::{self, FEWEST, Fit, FitVerdict};
use crate::engine::Nanos;

/// The user's choice of how tasks arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArrivalsChoice {
    /// A batch ([`FittedArrivals::Batch`]) if all tasks arrive in the first twentieth of the trace, or back to back in its first quarter;
    /// otherwise open.
    #[default]
    Auto,
    /// All tasks at once, whatever the trace says.
    Batch,
    /// Tasks spread in time, as recorded.
    Open,
}

/// How tasks arrive.
#[derive(Clone, Debug, PartialEq)]
pub enum FittedArrivals {
    /// All tasks arrive at time 0.
    Batch,
    /// Tasks arrive in a Poisson process: the gaps between them can be taken for exponential.
    Poisson {
        /// Arrivals a second.
        rate: f64,
        /// The exponential distribution fitted to the gaps.
        fit: Fit,
    },
    /// A batch comes again and again, with work of the main program before each.
    Rounds {
        /// The number of rounds.
        count: usize,
        /// The number of serial parts that were seen. Where they are fewer than the rounds, times are that share of what was measured.
        parts: usize,
        /// The CPU time of the main program before each round; `None` if there is next to none.
        serial: Option<Fit>,
        /// How long the main program waits before each round, on average; `None` if that is next to nothing.
        waiting: Option<Nanos>,
    },
    /// Users who wait for their answer, think, and ask again.
    Closed {
        /// The number of users.
        users: usize,
        /// The distribution fitted to the times between an answer and the same user's next request.
        think: Fit,
    },
    /// Tasks arrive with independent gaps of another distribution.
    Renewal {
        /// The distribution fitted to the gaps.
        fit: Fit,
        /// The Kolmogorov-Smirnov distance and the p-value of the exponential distribution, if it was tried.
        exponential: Option<(f64, f64)>,
    },
}

/// Tasks that arrive within this share of the trace's length arrived at once.
const AT_ONCE: f64 = 0.05;
/// Tasks that arrive back to back within this share arrived at once too: a loop that submits tasks takes its time on a busy machine.
const IN_A_LOOP: f64 = 0.25;
/// The longest median gap between tasks that arrive back to back, in nanoseconds: the time that a submission may take.
const BACK_TO_BACK: u64 = 2_000_000;
/// A gap before the load that is this many times as long as the usual one is idle time.
const IDLE: f64 = 15.0;

/// Learns the arrivals of tasks at these times (in any order) in a trace that ends at `end`. Also returns notes about them for the user.
pub(super) fn arrivals(
    times: &[i64],
    end: i64,
    choice: ArrivalsChoice,
) -> (FittedArrivals, Vec<String>) {
    let mut times = times.to_vec();
    times.sort_unstable();
    if is_batch(&times, end, choice) {
        return (FittedArrivals::Batch, Vec::new());
    }
    let mut notes = Vec::new();
    let lead = lead_in(&times);
    if lead > 0 {
        notes.push(format!(
            "the first {lead} tasks came long before the others (a probe, a warm-up): they count for the steps, but not for the \
             arrivals"
        ));
        times.drain(..lead);
    }
    if is_batch(&times, end, choice) {
        return (FittedArrivals::Batch, notes);
    }
    notes.push(
        "arrivals are the starts of the tasks. If the program made each task only after another one had ended (users who \
         wait, a full pool), they are not open: a trace cannot show that. Write Closed(users, think) or Batch then"
            .to_owned(),
    );
    let gaps: Vec<u64> = times.windows(2).map(|w| w[1].abs_diff(w[0])).collect();
    if gaps.len() > FEWEST
        && let Some(rho) = correlation::notable(&gaps[1..], &gaps[..gaps.len() - 1])
    {
        notes.push(format!(
            "gaps between arrivals depend on the gap before (rank correlation {rho:.2}): the load changes with time or comes \
             in bursts, and the scenario draws each gap on its own"
        ));
    }
    let gaps: Vec<Nanos> = gaps.into_iter().map(Nanos).collect();
    let mut best = fit::fit(&gaps);
    let exponential = fit::exponential(&gaps);
    if let Some((dist, d, p)) = &exponential
        && *p >= 0.05
    {
        best.dist = dist.clone();
        (best.d, best.p, best.verdict, best.rejected) =
            (Some(*d), Some(*p), FitVerdict::Good, None);
        let rate = super::dist::significant(1e9 / best.mean, 4);
        return (FittedArrivals::Poisson { rate, fit: best }, notes);
    }
    let exponential = exponential.map(|(_, d, p)| (d, p));
    (
        FittedArrivals::Renewal {
            fit: best,
            exponential,
        },
        notes,
    )
}

/// Whether tasks at these times, which are sorted, arrived at once.
fn is_batch(times: &[i64], end: i64, choice: ArrivalsChoice) -> bool {
    let (Some(first), Some(last)) = (times.first(), times.last()) else {
        return true;
    };
    let span = last.abs_diff(*first) as f64;
    let length = end.abs_diff(*first) as f64;
    match choice {
        ArrivalsChoice::Batch => true,
        ArrivalsChoice::Open => span == 0.0,
        ArrivalsChoice::Auto => {
            span <= AT_ONCE * length
                || times.len() < FEWEST
                || (span <= IN_A_LOOP * length && middle_gap(times) <= BACK_TO_BACK)
        }
    }
}

/// How many of these tasks, whose times are sorted, came before the load: a gap among the first ones that is past anything in the load is
/// idle time. Of exponential gaps one in three million is so long.
fn lead_in(times: &[i64]) -> usize {
    let gaps: Vec<u64> = times.windows(2).map(|w| w[1].abs_diff(w[0])).collect();
    let among = gaps.len() / 10;
    let rest = &gaps[among..];
    if rest.len() < FEWEST {
        return 0;
    }
    let usual = rest.iter().sum::<u64>() as f64 / rest.len() as f64;
    let most = rest.iter().max().copied().unwrap_or(0) as f64;
    let idle = |gap: &&u64| **gap as f64 > (IDLE * usual).max(2.0 * most);
    gaps[..among].iter().rev().skip_while(|g| !idle(g)).count()
}

/// The median of the gaps between these times, which are sorted; 0 if there are no gaps.
fn middle_gap(times: &[i64]) -> u64 {
    let mut gaps: Vec<u64> = times.windows(2).map(|w| w[1].abs_diff(w[0])).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_once_or_spread() {
        let at_once: Vec<i64> = (0..50).map(|i| i * 1_000).collect();
        let auto = ArrivalsChoice::Auto;
        assert_eq!(
            arrivals(&at_once, 10_000_000, auto).0,
            FittedArrivals::Batch
        );
        let (open, notes) = arrivals(&at_once, 60_000, auto);
        assert!(
            matches!(open, FittedArrivals::Renewal { fit, .. } if fit.verdict == FitVerdict::Constant)
        );
        assert!(notes[0].contains("Closed"));
        assert_eq!(
            arrivals(&at_once, 60_000, ArrivalsChoice::Batch).0,
            FittedArrivals::Batch
        );
        assert_eq!(
            arrivals(&[7; 30], 9, ArrivalsChoice::Open).0,
            FittedArrivals::Batch
        );
        assert_eq!(arrivals(&[], 0, auto).0, FittedArrivals::Batch);
    }

    /// Three probes seconds before a load of 100 requests, one every 10 ms or so.
    #[test]
    fn an_idle_lead_in_is_no_gap() {
        let mut times: Vec<i64> = (0..3).map(|i| i * 1_000_000).collect();
        times.extend((0..100).map(|i| 3_000_000_000 + i * 10_000_000 + i * i % 7 * 1_000_000));
        let (open, notes) = arrivals(&times, 4_100_000_000, ArrivalsChoice::Auto);
        let FittedArrivals::Renewal { fit, .. } = open else {
            panic!("{open:?}");
        };
        assert!(fit.n == 99 && fit.mean < 12e6, "{fit:?}");
        assert!(
            notes[0].contains("the first 3 tasks came long before"),
            "{notes:?}"
        );
        // A pause in the middle is a part of the load.
        let mut paused: Vec<i64> = (0..50).map(|i| i * 10_000_000).collect();
        paused.extend((0..50).map(|i| 3_000_000_000 + i * 10_000_000));
        assert!(!arrivals(&paused, 4_000_000_000, ArrivalsChoice::Auto).1[0].contains("the first"));
    }

    /// A loop that submits 60 tasks of 50 ms to ten workers on a busy machine, and the same load at a slower pace.
    #[test]
    fn a_loop_that_submits_is_a_batch() {
        let auto = ArrivalsChoice::Auto;
        let submitted: Vec<i64> = (0..60).map(|i| i * 900_000 + i % 7 * 80_000).collect();
        assert_eq!(
            arrivals(&submitted, 310_000_000, auto).0,
            FittedArrivals::Batch
        );
        let slow: Vec<i64> = submitted.iter().map(|t| t * 10).collect();
        assert_ne!(
            arrivals(&slow, 3_100_000_000, auto).0,
            FittedArrivals::Batch
        );
    }
}
