//! The forecast of a recorded strategy beside what was recorded.

use std::path::Path;

use crate::engine::Nanos;
use crate::facade;
use crate::learn::{FittedArrivals, Learned};
use crate::measure::Estimate;
use crate::quantity::{Quantity, seconds};
use crate::result::Forecast;
use crate::scenario::{StrategyCase, strategy_label};
use crate::study::Options;
use crate::syntax;

/// Simulations of the recorded strategy.
const REPLICATIONS: u32 = 5;
/// More tasks than this would take longer to simulate than anybody waits for.
const TASKS: usize = 300_000;

/// The recorded run and its forecast.
pub(super) struct Beside {
    /// A line for each figure.
    pub(super) lines: String,
    /// Seconds by which all tasks together took longer than forecast; `None` if that is not known.
    pub(super) gap: Option<f64>,
}

/// A line for each figure of the recorded run; `None` if the strategy is not known, or not the only one.
pub(super) fn beside(learned: &Learned, text: &str) -> Option<Beside> {
    let seen = learned.seen.as_ref().filter(|s| s.is_whole())?;
    let tasks: usize = learned.classes.iter().map(|c| c.count).sum();
    if tasks > TASKS {
        return None;
    }
    let mut scenario = syntax::parse(text, Path::new("the learnt scenario"), &[]).ok()?;
    scenario.strategies = vec![StrategyCase {
        strategy: seen.strategy.clone(),
        interpreter: None,
    }];
    scenario.interpreters.truncate(1);
    let options = Options::default().with_replications(REPLICATIONS);
    let study = facade::simulate(&scenario, &options).ok()?;
    let forecast = study.forecasts.first()?;
    let mut out = String::new();
    let mut gap = None;
    for (what, recorded, estimate) in figures(learned, forecast) {
        match what {
            "makespan" => gap = Some(recorded - estimate.mean),
            "median latency" => gap = Some((recorded - estimate.mean) * tasks as f64),
            _ => {}
        }
        let forecast = estimate.mean;
        let off = 100.0 * (forecast / recorded - 1.0);
        let half = match (estimate.low, estimate.high) {
            (Some(low), Some(high)) => format!(" ±{:.1}%", 50.0 * (high - low) / forecast),
            _ => String::new(),
        };
        let shown = |v: f64| match what {
            "memory" => format!("{:.1} MiB", v / 1_048_576.0),
            _ => seconds(Nanos::from_f64(v * 1e9)),
        };
        out.push_str(&format!(
            "{what} of {}: recorded {}, forecast {}{half} ({off:+.1}%)\n",
            strategy_label(&seen.strategy),
            shown(recorded),
            shown(forecast)
        ));
    }
    (!out.is_empty()).then_some(Beside { lines: out, gap })
}

/// What was recorded and what is forecast: names, and values above 0 in seconds or bytes.
fn figures(learned: &Learned, forecast: &Forecast) -> Vec<(&'static str, f64, Estimate)> {
    let run = &learned.observed;
    let mut out = match learned.arrivals {
        FittedArrivals::Batch | FittedArrivals::Rounds { .. } => {
            vec![("makespan", run.makespan, Quantity::Makespan)]
        }
        FittedArrivals::Closed { .. } => vec![
            ("makespan", run.makespan, Quantity::Makespan),
            ("p99 latency", run.p99, Quantity::P99),
        ],
        FittedArrivals::Poisson { .. } | FittedArrivals::Renewal { .. } => vec![
            ("median latency", run.p50, Quantity::P50),
            ("p99 latency", run.p99, Quantity::P99),
        ],
    };
    // An interpreter of another version has another size.
    let known = learned.options.interpreter.is_some();
    if let Some(memory) = run.memory.filter(|_| known) {
        out.push(("memory", memory as f64, Quantity::MemoryPeak));
    }
    out.into_iter()
        .filter_map(|(what, recorded, q)| Some((what, recorded, forecast.get(q)?)))
        .filter(|(_, recorded, forecast)| {
            *recorded > 0.0 && forecast.mean > 0.0 && forecast.mean.is_finite()
        })
        .collect()
}
