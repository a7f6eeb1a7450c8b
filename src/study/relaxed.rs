//! Which bound a missed objective would have to have.

use crate::measure::Estimate;
use crate::quantity::{Unit, decimals, time_unit};
use crate::scenario::Objective;

/// The same objective with a bound that this value, its whole interval, meets: three significant digits, as one would write it.
/// `None` where no bound would do: nothing is above zero but what is.
pub(super) fn relaxed(objective: &Objective, value: Estimate) -> Option<String> {
    let (sign, edge) = if objective.below {
        ('<', value.high())
    } else {
        ('>', value.low())
    };
    if !(edge.is_finite() && (objective.below || edge > 0.0)) {
        return None;
    }
    let (scale, unit) = match objective.metric.unit() {
        Unit::Seconds => time_unit(edge),
        Unit::Bytes => (1024.0 * 1024.0, "MiB"),
        Unit::Share => (0.01, "%"),
        Unit::PerSecond => (1.0, "/s"),
        Unit::Count => (1.0, ""),
    };
    let name = objective
        .text
        .split(['<', '>'])
        .next()
        .unwrap_or_default()
        .trim();
    let shown = edge / scale;
    let d = decimals(shown, 3);
    let step = libm::pow(10.0, -f64::from(u32::try_from(d).unwrap_or(0)));
    // Beyond the edge, so that it is met and not merely reached.
    let bound = if objective.below {
        (libm::floor(shown / step + 1e-6) + 1.0) * step
    } else {
        ((libm::ceil(shown / step - 1e-6) - 1.0) * step).max(0.0)
    };
    Some(format!("{name} {sign} {bound:.d$}{unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relaxed_objective_is_met() {
        for (text, mean, half, met) in [
            ("p95 < 200ms", 0.251, 0.003, "p95 < 255ms"),
            ("makespan<1s", 1.2, 0.0, "makespan < 1.21s"),
            (
                "memory < 1MiB",
                3.0 * 1024.0 * 1024.0,
                0.0,
                "memory < 3.01MiB",
            ),
            ("throughput > 50/s", 40.0, 1.0, "throughput > 38.9/s"),
            ("failures < 1%", 0.02, 0.001, "failures < 2.11%"),
            ("cpu < 0s", 0.000_000_5, 0.0, "cpu < 501ns"),
        ] {
            let value = Estimate::new(mean, Some(half), mean, 5);
            let objective = crate::syntax::parse_objective(text).unwrap();
            assert_eq!(relaxed(&objective, value).as_deref(), Some(met));
            let parsed = crate::syntax::parse_objective(met).unwrap();
            assert_eq!(
                (parsed.metric, parsed.below),
                (objective.metric, objective.below)
            );
        }
    }
}
