//! Where the terminal meets the rooms that load scenarios, find profiles and simulate.

use super::exit::UserError;
use crate::cpython::profile::Profile;
use crate::scenario::{Metric, Objective, Scenario, StrategyCase};
use crate::strategy::{Outcome, SimInput};

/// The scenario of this name or file (`-`: standard input), with `path=value` overrides applied.
/// HOOK: scenario::load / scenario::parse
pub(super) fn load_scenario(name: &str, overrides: &[String]) -> anyhow::Result<Scenario> {
    let _ = overrides;
    Err(UserError::new(format!("cannot load `{name}`: scenario files are not supported yet")).into())
}

/// HOOK: scenario::parse_strategy
pub(super) fn parse_strategy(text: &str) -> anyhow::Result<StrategyCase> {
    Err(UserError::new(format!("cannot understand the strategy `{text}`")).into())
}

/// The profile of this name or file. HOOK: calibrate::profiles::find
pub(super) fn find_profile(name: &str) -> anyhow::Result<Profile> {
    Ok(Profile { name: name.to_owned(), ..Profile::default() })
}

/// One replication. HOOK: strategy::simulate
pub(super) fn simulate(_: &SimInput<'_>) -> Result<Outcome, String> {
    Err("this build cannot simulate".into())
}

/// The number of a label such as `p99.9`, `makespan`. HOOK: the scenario's own parser of objectives takes the place of this
/// and of [`parse_objective`].
pub(super) fn parse_metric(text: &str) -> anyhow::Result<Metric> {
    let percentile = |p: &str| p.parse::<f64>().ok().filter(|p| (0.0..=100.0).contains(p)).map(Metric::Percentile);
    let metric = match text {
        "makespan" => Some(Metric::Makespan),
        "throughput" => Some(Metric::Throughput),
        "mean" => Some(Metric::MeanLatency),
        "memory" => Some(Metric::Memory),
        "cpu" => Some(Metric::Cpu),
        "failures" => Some(Metric::FailureRate),
        _ => text.strip_prefix('p').and_then(percentile),
    };
    metric.ok_or_else(|| {
        let known = "makespan, throughput, mean, p50, p95, p99 (any percentile), memory, cpu, failures";
        UserError::new(format!("unknown metric `{text}`; there are {known}")).into()
    })
}

/// A condition such as `p99 < 50ms`.
pub(super) fn parse_objective(text: &str) -> anyhow::Result<Objective> {
    let bad =
        || UserError::new(format!("cannot understand `{text}`; write a metric, < or >, and a bound: `p99 < 50ms`"));
    let at = text.find(['<', '>']).ok_or_else(bad)?;
    let (metric, bound) = (parse_metric(text[..at].trim())?, text[at + 1..].trim());
    let number = match metric {
        Metric::Makespan | Metric::MeanLatency | Metric::Percentile(_) | Metric::Cpu => {
            humantime::parse_duration(bound).ok().map(|d| d.as_secs_f64())
        }
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
        Metric::Memory => bound.parse::<bytesize::ByteSize>().ok().map(|b| b.as_u64() as f64),
        Metric::Throughput => bound.trim_end_matches("/s").trim().parse().ok(),
        Metric::FailureRate => match bound.strip_suffix('%') {
            Some(p) => p.trim().parse::<f64>().ok().map(|p| p / 100.0),
            None => bound.parse().ok(),
        },
    };
    let bound = number.filter(|b: &f64| b.is_finite() && *b >= 0.0).ok_or_else(bad)?;
    Ok(Objective { text: text.trim().to_owned(), metric, below: text[at..].starts_with('<'), bound })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        let o = parse_objective("p99 < 50ms").unwrap();
        assert_eq!((o.metric, o.below, o.bound), (Metric::Percentile(99.0), true, 0.05));
        let o = parse_objective("throughput > 100/s").unwrap();
        assert_eq!((o.metric, o.below, o.bound), (Metric::Throughput, false, 100.0));
        assert_eq!(parse_objective("memory < 1MiB").unwrap().bound, 1_048_576.0);
        assert_eq!(parse_objective("failures < 1%").unwrap().bound, 0.01);
        for bad in ["p99", "p99 < ", "p200 < 1s", "speed > 1", "p99 < 50", "throughput > -1/s", "throughput > NaN"] {
            assert!(parse_objective(bad).is_err(), "{bad}");
        }
    }
}
