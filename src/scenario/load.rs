//! Loads that change over time: how many arrivals there are when, and the arrivals drawn from that.
//!
//! All are Poisson processes whose rate moves (a non-homogeneous one, or one that is modulated by a Markov chain). They are drawn by inversion of
//! the cumulated rate: a unit exponential draw for each arrival, whatever the rate is, so that two loads of one seed are compared with common
//! random numbers. Source: L. M. Leemis, "Nonparametric estimation of the cumulative intensity function" (1991); MMPP: W. Fischer,
//! K. Meier-Hellstern, "The Markov-modulated Poisson process (MMPP) cookbook" (1993).

use rand_pcg::Pcg64Dxsm;

use super::Arrivals;
use super::dist::exponential;
use crate::engine::{Nanos, whole};

/// How the rate of arrivals changes over time.
#[derive(Clone, Debug, PartialEq)]
pub enum Load {
    /// One stretch after another, so many times; then nobody comes any more.
    Phases {
        /// The stretches, at least one.
        phases: Vec<Phase>,
        /// How often they come, at least once.
        repeat: u32,
    },
    /// A day: a sinusoid round its mean. It is followed by straight lines of a ninety-sixth of the period (a quarter of an hour of a
    /// day), which are off by 0.06 % of `swing` at most.
    Diurnal {
        /// Mean arrivals a second, above 0.
        mean: f64,
        /// By which share of the mean the rate rises and falls, from 0 to 1.
        swing: f64,
        /// How long a day is, above 0.
        period: Nanos,
        /// When, after the start, the rate is highest.
        peak: Nanos,
    },
    /// A Markov-modulated Poisson process: one state after another in a circle, each for a time that is exponentially distributed.
    Bursty {
        /// The states, at least two.
        states: Vec<LoadState>,
    },
}

/// A stretch of a load, in which the rate is constant or goes along a straight line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Phase {
    /// Arrivals a second at its beginning, at least 0.
    pub from: f64,
    /// Arrivals a second at its end, at least 0.
    pub to: f64,
    /// How long it lasts, above 0.
    pub time: Nanos,
}

/// A state of a bursty load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadState {
    /// Arrivals a second in this state, at least 0.
    pub rate: f64,
    /// Mean time that it lasts, above 0; a state begins anew after all the others.
    pub time: Nanos,
}

impl Arrivals {
    /// Number of tasks that the scenario itself says; `None` where it does not, and of a batch, whose classes do.
    #[must_use]
    pub fn given_count(&self) -> Option<u64> {
        match self {
            Self::Open { count, .. }
            | Self::Varying { count, .. }
            | Self::Sessions { count, .. }
            | Self::Closed { count, .. } => *count,
            Self::Trace(tasks) => Some(tasks.len() as u64),
            Self::Batch => None,
        }
    }

    /// Mean number of tasks that come by themselves until the horizon, whatever their `count` is: infinite where nothing ends them. `None` where
    /// tasks are there from the start, or come when others are over.
    pub(crate) fn expected_until(&self, horizon: Option<Nanos>) -> Option<f64> {
        let time = horizon.map_or(f64::INFINITY, Nanos::as_f64);
        match self {
            Self::Open { interval, .. } => Some(time / interval.mean().max(1.0)),
            Self::Varying { load, .. } => Some(load.expected_until(horizon)),
            Self::Sessions {
                interval, requests, ..
            } => Some(time / interval.mean().max(1.0) * requests),
            Self::Batch | Self::Trace(_) | Self::Closed { .. } => None,
        }
    }
}

/// Straight lines by which a sinusoid is followed.
const LINES_OF_A_DAY: u64 = 96;

impl Load {
    /// When the load ends by itself; `None` where it goes on for ever.
    #[must_use]
    pub fn ends(&self) -> Option<Nanos> {
        match self {
            Self::Phases { phases, repeat } => {
                let once = phases.iter().fold(Nanos::ZERO, |sum, p| sum + p.time);
                Some(once * u64::from(*repeat))
            }
            Self::Diurnal { .. } | Self::Bursty { .. } => None,
        }
    }

    /// Mean number of arrivals until that instant.
    #[must_use]
    pub fn expected(&self, until: Nanos) -> f64 {
        match self {
            Self::Phases { phases, repeat } => {
                let mut left = until;
                let mut sum = 0.0;
                let once: f64 = phases.iter().map(|p| p.arrivals(p.time)).sum();
                let each = phases.iter().fold(Nanos::ZERO, |sum, p| sum + p.time);
                let whole = (left.0 / each.0.max(1)).min(u64::from(*repeat));
                sum += once * whole as f64;
                if whole == u64::from(*repeat) {
                    return sum;
                }
                left = Nanos(left.0 - whole * each.0);
                for phase in phases {
                    let part = left.min(phase.time);
                    sum += phase.arrivals(part);
                    left = left.since(part);
                }
                sum
            }
            Self::Diurnal { mean, .. } => mean * until.as_secs_f64(),
            Self::Bursty { .. } => self.mean_rate() * until.as_secs_f64(),
        }
    }

    /// Mean number of arrivals until the horizon, or until its own end where that is sooner; infinite where it has neither.
    #[must_use]
    pub fn expected_until(&self, horizon: Option<Nanos>) -> f64 {
        let end = self.ends().into_iter().chain(horizon).min();
        end.map_or(f64::INFINITY, |end| self.expected(end))
    }

    /// Mean arrivals a second over the whole of it; of a load without end, in the long run.
    #[must_use]
    pub fn mean_rate(&self) -> f64 {
        match self {
            Self::Phases { .. } => {
                let end = self.ends().unwrap_or_default();
                self.expected(end) / end.as_secs_f64().max(f64::MIN_POSITIVE)
            }
            Self::Diurnal { mean, .. } => *mean,
            Self::Bursty { states } => {
                let time: f64 = states.iter().map(|s| s.time.as_secs_f64()).sum();
                let arrivals = states.iter().map(|s| s.rate * s.time.as_secs_f64());
                arrivals.sum::<f64>() / time
            }
        }
    }

    /// The most arrivals a second at any time of it.
    #[must_use]
    pub fn peak_rate(&self) -> f64 {
        match self {
            Self::Phases { phases, .. } => {
                let ends = phases.iter().flat_map(|p| [p.from, p.to]);
                ends.fold(0.0, f64::max)
            }
            Self::Diurnal { mean, swing, .. } => mean * (1.0 + swing),
            Self::Bursty { states } => states.iter().map(|s| s.rate).fold(0.0, f64::max),
        }
    }

    /// The same load with all rates multiplied by this factor, at the same times.
    #[must_use]
    pub fn multiplied(&self, by: f64) -> Self {
        self.mapped(|rate| rate * by, |time| time, |at| at)
    }

    /// The same load with all times multiplied by this factor, so that as many arrive.
    #[must_use]
    pub fn stretched(&self, by: f64) -> Self {
        let time = |t: Nanos| t.scale(by).max(Nanos(1));
        self.mapped(|rate| rate / by, time, |at| at.scale(by))
    }

    /// The same load with other rates, lengths of time and instants.
    fn mapped(
        &self,
        rate: impl Fn(f64) -> f64,
        time: impl Fn(Nanos) -> Nanos,
        instant: impl Fn(Nanos) -> Nanos,
    ) -> Self {
        match self {
            Self::Phases { phases, repeat } => Self::Phases {
                phases: phases
                    .iter()
                    .map(|p| Phase {
                        from: rate(p.from),
                        to: rate(p.to),
                        time: time(p.time),
                    })
                    .collect(),
                repeat: *repeat,
            },
            Self::Diurnal {
                mean,
                swing,
                period,
                peak,
            } => Self::Diurnal {
                mean: rate(*mean),
                swing: *swing,
                period: time(*period),
                peak: instant(*peak),
            },
            Self::Bursty { states } => Self::Bursty {
                states: states
                    .iter()
                    .map(|s| LoadState {
                        rate: rate(s.rate),
                        time: time(s.time),
                    })
                    .collect(),
            },
        }
    }

    /// Line number `index` of this load; `None` after its end. Of a bursty load the times are drawn, one for each line.
    fn line(&self, index: u64, states: &mut Pcg64Dxsm) -> Option<Phase> {
        match self {
            Self::Phases { phases, repeat } => {
                let n = phases.len() as u64;
                (index / n < u64::from(*repeat)).then(|| phases[at(index % n)])
            }
            Self::Diurnal {
                mean,
                swing,
                period,
                peak,
            } => {
                // The lines begin and end at whole nanoseconds, without a gap.
                let edge = |line: u64| {
                    let (days, part) = (line / LINES_OF_A_DAY, line % LINES_OF_A_DAY);
                    let within =
                        u128::from(period.0) * u128::from(part) / u128::from(LINES_OF_A_DAY);
                    *period * days + Nanos(u64::try_from(within).unwrap_or(u64::MAX))
                };
                let rate = |t: Nanos| {
                    let turns = (t.as_f64() - peak.as_f64()) / period.as_f64();
                    mean * (1.0 + swing * libm::cos(turns * std::f64::consts::TAU))
                };
                let (from, to) = (edge(index), edge(index.checked_add(1)?));
                Some(Phase {
                    from: rate(from).max(0.0),
                    to: rate(to).max(0.0),
                    time: to.since(from),
                })
            }
            Self::Bursty { states: all } => {
                let state = all[at(index % all.len() as u64)];
                let time = Nanos::from_f64(state.time.as_f64() * exponential(states));
                Some(Phase {
                    from: state.rate,
                    to: state.rate,
                    time: time.max(Nanos(1)),
                })
            }
        }
    }
}

fn at(index: u64) -> usize {
    usize::try_from(index).expect("an index of a list")
}

impl Phase {
    /// Mean number of arrivals in its first part of this length.
    fn arrivals(&self, part: Nanos) -> f64 {
        let (s, whole) = (part.as_secs_f64(), self.time.as_secs_f64());
        let slope = if whole > 0.0 {
            (self.to - self.from) / whole
        } else {
            0.0
        };
        self.from * s + slope * s * s / 2.0
    }

    /// How long after `s` seconds of it `expected` further arrivals are to be expected; `None` if fewer come until its end.
    fn after(&self, s: f64, expected: f64) -> Option<f64> {
        let whole = self.time.as_secs_f64();
        let slope = (self.to - self.from) / whole;
        let rate = self.from + slope * s;
        // rate x + slope x^2 / 2 = expected, solved without cancellation.
        let root = rate * rate + 2.0 * slope * expected;
        if root < 0.0 {
            return None;
        }
        let denominator = rate + root.sqrt();
        if denominator <= 0.0 {
            return None;
        }
        let x = 2.0 * expected / denominator;
        (s + x <= whole).then_some(x)
    }
}

/// The arrivals that a load gives, one after another.
#[derive(Clone, Debug)]
pub(crate) struct LoadCourse {
    load: Load,
    states: Pcg64Dxsm,
    /// The present line, when it began, how far it has been followed, in seconds; `None` after the last.
    line: Option<Phase>,
    began: Nanos,
    within: f64,
    index: u64,
}

impl LoadCourse {
    /// The course of a load from time 0; `states` draws how long the states of a bursty one last.
    pub(crate) fn new(load: Load, mut states: Pcg64Dxsm) -> Self {
        let line = load.line(0, &mut states);
        Self {
            load,
            states,
            line,
            began: Nanos::ZERO,
            within: 0.0,
            index: 0,
        }
    }

    /// Skips whole days in which nobody of so many expected arrivals would come; returns how many are expected after them. (A day of milliseconds has
    /// thousands of lines for each arrival.)
    fn skip_days(&mut self, expected: f64, until: Option<Nanos>) -> f64 {
        const MANY: f64 = 16.0;
        let Load::Diurnal { mean, period, .. } = self.load else {
            return expected;
        };
        let about = mean * period.as_secs_f64();
        if !self.index.is_multiple_of(LINES_OF_A_DAY)
            || self.within > 0.0
            || expected < MANY * about
        {
            return expected;
        }
        let lines = (0..LINES_OF_A_DAY).filter_map(|i| self.load.line(i, &mut self.states));
        let of_a_day: f64 = lines.map(|line| line.arrivals(line.time)).sum();
        let days = (expected / of_a_day).floor() - 1.0;
        let left = until.unwrap_or(Nanos::MAX).since(self.began).0 / period.0.max(1);
        if !(1.0..).contains(&days) || left == 0 {
            return expected;
        }
        let days = whole(days).min(left);
        self.index = self
            .index
            .saturating_add(days.saturating_mul(LINES_OF_A_DAY));
        self.began += period * days;
        (expected - of_a_day * days as f64).max(0.0)
    }

    /// When the next one arrives, after all before; `None` if nobody does, or not before `until`.
    pub(crate) fn next(
        &mut self,
        intervals: &mut Pcg64Dxsm,
        until: Option<Nanos>,
    ) -> Option<Nanos> {
        let mut expected = exponential(intervals);
        loop {
            expected = self.skip_days(expected, until);
            let line = self.line?;
            if until.is_some_and(|end| self.began > end) {
                return None;
            }
            if let Some(x) = line.after(self.within, expected) {
                self.within += x;
                return Some(self.began + Nanos::from_secs_f64(self.within));
            }
            let rest = line.arrivals(line.time) - line.arrivals(Nanos::from_secs_f64(self.within));
            expected = (expected - rest).max(0.0);
            self.began += line.time;
            self.within = 0.0;
            self.index = self.index.checked_add(1)?;
            self.line = (self.began < Nanos::MAX)
                .then(|| self.load.line(self.index, &mut self.states))
                .flatten();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{StreamRole, stream};

    fn times(load: &Load, until: Nanos, replication: u32) -> Vec<Nanos> {
        let mut intervals = stream(1, replication, StreamRole::Arrivals);
        let mut course = LoadCourse::new(load.clone(), stream(1, replication, StreamRole::Load));
        let mut out = Vec::new();
        while let Some(t) = course.next(&mut intervals, Some(until)) {
            if t > until {
                break;
            }
            out.push(t);
        }
        out
    }

    fn steady(rate: f64, s: u64) -> Phase {
        Phase {
            from: rate,
            to: rate,
            time: Nanos::from_secs(s),
        }
    }

    /// Counts in parts of each load against what is expected: a Poisson number, so that (n - m)^2 / m is chi-squared with one degree of freedom;
    /// five standard deviations (6e-7 each side) in 60 comparisons.
    #[test]
    fn as_many_come_as_the_rate_says() {
        let ramp = Load::Phases {
            phases: vec![
                steady(100.0, 20),
                Phase {
                    from: 100.0,
                    to: 500.0,
                    time: Nanos::from_secs(40),
                },
                steady(0.0, 5),
                Phase {
                    from: 500.0,
                    to: 0.0,
                    time: Nanos::from_secs(30),
                },
            ],
            repeat: 2,
        };
        let day = Load::Diurnal {
            mean: 200.0,
            swing: 0.8,
            period: Nanos::from_secs(100),
            peak: Nanos::from_secs(70),
        };
        for load in [&ramp, &day] {
            let all = times(load, Nanos::from_secs(200), 0);
            assert!(all.is_sorted());
            for part in 0..20 {
                let (from, to) = (
                    Nanos::from_secs(part * 10),
                    Nanos::from_secs((part + 1) * 10),
                );
                let n = all.iter().filter(|t| **t >= from && **t < to).count() as f64;
                let integral = match load {
                    Load::Diurnal { mean, swing, .. } => {
                        let tau = std::f64::consts::TAU;
                        let phase = |t: Nanos| (t.as_secs_f64() - 70.0) / 100.0 * tau;
                        let wave = (phase(to).sin() - phase(from).sin()) * 100.0 / tau;
                        mean * (10.0 + swing * wave)
                    }
                    _ => load.expected(to) - load.expected(from),
                };
                assert!(
                    (n - integral).abs() <= 5.0 * integral.sqrt() + 1e-6,
                    "{part}: {n} of {integral}"
                );
            }
        }
        assert_eq!(ramp.ends(), Some(Nanos::from_secs(190)));
        assert!((ramp.expected(Nanos::from_secs(1_000)) - 2.0 * 21_500.0).abs() < 1e-6);
    }

    /// Phases of one rate are the Poisson process of that rate: the same instants, but for rounding.
    #[test]
    fn equal_phases_are_one() {
        let one = Load::Phases {
            phases: vec![steady(50.0, 100)],
            repeat: 1,
        };
        let many = Load::Phases {
            phases: vec![steady(50.0, 1)],
            repeat: 100,
        };
        let (a, b) = (
            times(&one, Nanos::from_secs(100), 3),
            times(&many, Nanos::from_secs(100), 3),
        );
        assert_eq!(a.len(), b.len());
        let near = |(x, y): (&Nanos, &Nanos)| x.0.abs_diff(y.0) < 1_000;
        assert!(a.iter().zip(&b).all(near));
    }

    /// The index of dispersion of an MMPP: counts in long windows vary more than a Poisson process's by 1 + 2 (l1 - l2)^2 q1 q2 / ((q1 + q2)^2
    /// (l1 q2 + l2 q1)) in the limit, qi being the rates at which states end (Fischer and Meier-Hellstern, equation 14). 2000 windows of 100 s, of which the
    /// variance has a relative error of about 3 %; held within 15 %.
    #[test]
    fn a_bursty_load_is_as_bursty_as_theory_says() {
        let load = Load::Bursty {
            states: vec![
                LoadState {
                    rate: 10.0,
                    time: Nanos::from_secs(3),
                },
                LoadState {
                    rate: 100.0,
                    time: Nanos::from_secs(1),
                },
            ],
        };
        let (windows, width) = (2_000_u64, 100_u64);
        let all = times(&load, Nanos::from_secs(windows * width), 0);
        let mut counts = vec![0.0; at(windows)];
        for t in &all {
            if let Some(n) = counts.get_mut(at(t.0 / Nanos::from_secs(width).0)) {
                *n += 1.0;
            }
        }
        let mean = counts.iter().sum::<f64>() / windows as f64;
        assert!((mean / (load.mean_rate() * width as f64) - 1.0).abs() < 0.03);
        let var = counts.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / (windows - 1) as f64;
        let (q1, q2) = (1.0 / 3.0, 1.0);
        let sum: f64 = q1 + q2;
        let limit =
            1.0 + 2.0 * 90.0_f64.powi(2) * q1 * q2 / (sum.powi(2) * (10.0 * q2 + 100.0 * q1));
        assert!(
            (var / mean / limit - 1.0).abs() < 0.15,
            "{} {limit}",
            var / mean
        );
    }
}
