//! Compares what was measured with what was forecast.

use super::forecast::{Conditions, SimulatedRun, over, percentile};
use super::prepare::LeftOut;
use super::run::{ClientFigures, MeasuredRun};
use super::serve::ModuleSizes;
use crate::scenario::{Pool, StartMethod, Strategy};
use crate::verify::limits::{ErrorLimits, Excess, named_rightly};
use crate::verify::{ErrorSummary, Held};

/// The spread of a strategy's runs (a fraction) from which they say little about a forecast that is off by less.
const NOISY_SPREAD: f64 = 0.10;
/// The change of the machine's speed in the course of the runs (a fraction) from which the same is true.
const NOISY_DRIFT: f64 = 0.25;
/// The share of the cores that other programs use from which the same is true.
const NOISY_OTHERS: f64 = 0.05;

/// A strategy with its measured and its forecast figures.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The strategy's short form.
    pub label: String,
    /// The version of the interpreter, with a `t` where it has no GIL.
    pub python: String,
    /// Makespan, p50 and p99 in seconds and memory in bytes, in the order of [`METRICS`](crate::verify::METRICS); `None` where nothing was
    /// measured.
    pub metrics: [Option<Held>; 4],
    /// The latencies of all tasks, for what is asked of them beside p50 and p99.
    pub latencies: Latencies,
    /// CPU seconds, if the program can see all of them.
    pub cpu: Option<Held>,
    /// Seconds from the first kill of a worker of a server until another had answered, where that was seen and forecast.
    pub back: Option<Held>,
    /// Context switches, voluntary and involuntary. Those measured are the main process's, those forecast are of all threads.
    pub switches: [(f64, f64); 2],
    /// The number of tasks that failed or timed out: measured, then forecast.
    pub failed: (f64, f64),
    /// How slow the machine was, relative to the profile's best speed.
    pub slowness: f64,
    /// The greatest difference between runs, as a fraction of the median makespan.
    pub spread: f64,
    /// The greatest change of the machine's speed in the course of a run, as a fraction.
    pub drift: f64,
    /// The greatest share of the cores' time that other programs used during a run, where the system reports that.
    pub others: Option<f64>,
    /// What was seen of the client, where the strategy is a server: of the run in which it used most.
    pub client: Option<ClientFigures>,
    /// Notes on what the program does otherwise than the scenario says.
    pub notes: Vec<String>,
}

/// Latencies as measured and as forecast, in seconds: those of each run, sorted.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    measured: Vec<Vec<f64>>,
    forecast: Vec<Vec<f64>>,
}

impl Latencies {
    fn held(&self, of: &dyn Fn(&[f64]) -> f64) -> Option<Held> {
        let each = |runs: &[Vec<f64>]| runs.iter().map(|r| of(r)).collect::<Vec<_>>();
        if self.measured.iter().all(Vec::is_empty) {
            return None;
        }
        Held::new(
            each(&self.measured),
            crate::measure::median(each(&self.forecast)),
        )
    }

    /// The percentile `p`, a share from 0 to 1; `None` where nothing was measured.
    #[must_use]
    pub fn percentile(&self, p: f64) -> Option<Held> {
        self.held(&|sorted| percentile(sorted, p))
    }

    /// The mean; `None` where nothing was measured.
    #[must_use]
    pub fn mean(&self) -> Option<Held> {
        self.held(&|sorted| sorted.iter().sum::<f64>() / sorted.len().max(1) as f64)
    }
}

/// How slow the machine was around these runs. `best_ns` is the time of an iteration of the reference loop at best, in nanoseconds.
pub(crate) fn conditions(runs: &[MeasuredRun], best_ns: f64) -> Conditions {
    let all = || {
        runs.iter()
            .flat_map(|r| r.canary_ns.before.iter().chain(&r.canary_ns.after))
    };
    let mean = all().sum::<f64>() / all().count().max(1) as f64;
    Conditions {
        slowness: (mean / best_ns.max(1.0)).clamp(0.2, 20.0),
        modules: ModuleSizes::default(),
    }
}

impl Verified {
    /// Compares measured runs with simulated ones.
    pub(crate) fn new(
        label: &str,
        python: &str,
        strategy: &Strategy,
        (runs, memory, cores): (&[MeasuredRun], Option<u64>, usize),
        simulated: &[SimulatedRun],
        slowness: f64,
    ) -> Self {
        let measured = |f: &dyn Fn(&MeasuredRun) -> f64| runs.iter().map(f).collect::<Vec<_>>();
        let latencies = Latencies {
            measured: runs.iter().map(MeasuredRun::sorted).collect(),
            forecast: simulated.iter().map(|s| s.latencies.clone()).collect(),
        };
        let peak: Vec<f64> = memory.into_iter().map(|m| m as f64).collect();
        let makespans = Held::new(measured(&|r| r.makespan_s), over(simulated, |s| s.makespan));
        let drift = |r: &MeasuredRun| {
            let pairs = r.canary_ns.before.iter().zip(&r.canary_ns.after);
            pairs.map(|(b, a)| (a / b - 1.0).abs()).fold(0.0, f64::max)
        };
        let both = |f: &dyn Fn(&MeasuredRun) -> f64, g: &dyn Fn(&SimulatedRun) -> f64| {
            (crate::measure::median(measured(f)), over(simulated, g))
        };
        Self {
            label: label.into(),
            python: python.into(),
            metrics: [
                makespans,
                latencies.percentile(0.50),
                latencies.percentile(0.99),
                Held::new(peak, over(simulated, |s| s.memory)),
            ],
            latencies,
            cpu: sees_all_cpu(strategy)
                .then(|| Held::new(measured(&|r| r.cpu_s), over(simulated, |s| s.cpu)))
                .flatten(),
            back: back(runs, simulated),
            switches: [
                both(&|r| r.ctx_voluntary, &|s| s.switches.0),
                both(&|r| r.ctx_involuntary, &|s| s.switches.1),
            ],
            failed: both(&|r| (r.failed + r.timed_out) as f64, &|s| s.failed),
            slowness,
            spread: makespans.map_or(0.0, |h| {
                (h.greatest - h.least) / h.measured.max(f64::MIN_POSITIVE)
            }),
            drift: runs.iter().map(drift).fold(0.0, f64::max),
            others: sees_all_cpu(strategy)
                .then(|| others(runs, cores))
                .flatten(),
            client: ClientFigures::worst(runs),
            notes: Vec::new(),
        }
    }
}

/// The time until a killed worker's place was taken, of the runs in which it was.
fn back(runs: &[MeasuredRun], simulated: &[SimulatedRun]) -> Option<Held> {
    let measured = runs.iter().filter_map(|r| r.back_s).collect();
    let forecast: Vec<f64> = simulated.iter().filter_map(|s| s.back).collect();
    (!forecast.is_empty())
        .then(|| Held::new(measured, crate::measure::median(forecast)))
        .flatten()
}

/// The greatest share of the cores' time that other programs used during a run.
fn others(runs: &[MeasuredRun], cores: usize) -> Option<f64> {
    runs.iter()
        .filter_map(|r| Some((r.busy_s? - r.cpu_s) / (r.closed_s * cores as f64).max(1e-3)))
        .map(|share| share.clamp(0.0, 1.0))
        .reduce(f64::max)
}

/// Whether CPU time can be measured: the children of a fork server are not children of the program, so their CPU time cannot be queried. That
/// of a server's processes is what the system lists.
fn sees_all_cpu(strategy: &Strategy) -> bool {
    if strategy.server().is_some() {
        return cfg!(target_os = "linux");
    }
    let mut starts = strategy.every_pool().filter_map(Pool::start);
    !starts.any(|start| start == StartMethod::Forkserver)
}

/// Whether the best strategy was forecast correctly.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ranking {
    /// The metric that decides: `makespan` or `p99`.
    pub by: &'static str,
    /// The strategy that is best by measurement.
    pub measured: String,
    /// The strategy that is best by forecast.
    pub forecast: String,
    /// By how much the forecast's best strategy is really slower than the measured best, as a fraction.
    pub loss: f64,
}

impl Ranking {
    /// Whether the forecast's best strategy is the measured best, or nearly as good.
    pub(crate) fn right(&self) -> bool {
        named_rightly(self.loss)
    }
}

/// A strategy that was run but gave no figures.
pub(crate) type Failure = LeftOut;

/// The results of one verification.
#[derive(Clone, Debug)]
pub struct Verification {
    /// The name of the scenario.
    pub scenario: String,
    /// The interpreters, each with its version, path and profile.
    pub pythons: Vec<(String, String, String)>,
    /// The factor that the workload's times were multiplied by.
    pub scale: f64,
    /// The number of measured runs of each strategy.
    pub runs: u32,
    /// The number of cores that the programs may use.
    pub cores: usize,
    /// The strategies that were measured and forecast.
    pub verified: Vec<Verified>,
    /// The strategies whose runs gave no figures.
    pub failures: Vec<Failure>,
    /// The strategies that were not run.
    pub left_out: Vec<LeftOut>,
    /// Notes about the workload, the profile and the machine.
    pub notes: Vec<String>,
    /// Whether tasks arrive over time; if so, strategies are ranked by p99.
    pub timed: bool,
    /// The limits on the errors of the forecasts.
    pub limits: ErrorLimits,
}

impl Verification {
    /// Summarizes the errors of one metric over the strategies.
    pub(crate) fn summary(&self, metric: usize) -> ErrorSummary {
        ErrorSummary::of(
            self.verified
                .iter()
                .filter_map(|v| v.metrics[metric].as_ref()),
        )
    }

    /// Summarizes the errors of all metrics, in the order of [`crate::verify::METRICS`].
    pub(crate) fn summaries(&self) -> [ErrorSummary; 4] {
        [0, 1, 2, 3].map(|metric| self.summary(metric))
    }

    /// The number of workloads whose best strategy was forecast correctly, and the number that were ranked: here one, or none if there is
    /// nothing to rank.
    pub(crate) fn ranked(&self) -> (usize, usize) {
        self.ranking()
            .map_or((0, 0), |r| (usize::from(r.right()), 1))
    }

    /// The figures that exceed their limits.
    pub(crate) fn excesses(&self) -> Vec<Excess> {
        self.limits.excesses(&self.summaries(), self.ranked())
    }

    /// Which strategy is best by measurement and by forecast; `None` if there are not two to compare.
    pub(crate) fn ranking(&self) -> Option<Ranking> {
        let (metric, by) = if self.timed {
            (2, "p99")
        } else {
            (0, "makespan")
        };
        let of: Vec<_> = self
            .verified
            .iter()
            .filter_map(|v| Some((v, v.metrics[metric]?)))
            .collect();
        if of.len() < 2 {
            return None;
        }
        let best =
            |value: fn(&Held) -> f64| of.iter().min_by(|a, b| value(&a.1).total_cmp(&value(&b.1)));
        let (real, forecast) = (best(|h| h.measured)?, best(|h| h.forecast)?);
        let name = |v: &Verified| {
            if self.pythons.len() > 1 {
                format!("{} on {}", v.label, v.python)
            } else {
                v.label.clone()
            }
        };
        Some(Ranking {
            by,
            measured: name(real.0),
            forecast: name(forecast.0),
            loss: forecast.1.measured / real.1.measured.max(f64::MIN_POSITIVE) - 1.0,
        })
    }

    /// The greatest spread of a strategy's runs, the greatest change of the machine's speed, and the greatest share of the cores' time that
    /// other programs used.
    pub(crate) fn noise(&self) -> (f64, f64, Option<f64>) {
        let greatest = |f: fn(&Verified) -> f64| self.verified.iter().map(f).fold(0.0, f64::max);
        let others = self.verified.iter().filter_map(|v| v.others);
        (
            greatest(|v| v.spread),
            greatest(|v| v.drift),
            others.reduce(f64::max),
        )
    }

    /// Whether the machine was too unsteady for these figures to say much.
    pub(crate) fn noisy(&self) -> bool {
        let (spread, drift, others) = self.noise();
        spread > NOISY_SPREAD || drift > NOISY_DRIFT || others.is_some_and(|o| o > NOISY_OTHERS)
    }

    /// Whether everything is in order: all strategies ran, the limits are kept, and the machine was steady.
    pub(crate) fn sound(&self) -> bool {
        self.failures.is_empty()
            && !self.verified.is_empty()
            && self.excesses().is_empty()
            && !self.noisy()
    }
}
