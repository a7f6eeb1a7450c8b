//! The unit shared by the numbers of a column or of a family of columns: one rule for text, Markdown and the page's tables.

use super::list::{Quantity, Unit};
use crate::scenario::Metric;

/// Units of time, from the smallest: size and name. Those of memory follow.
const TIMES: [(f64, &str); 4] = [(1e-9, "ns"), (1e-6, "us"), (1e-3, "ms"), (1.0, "s")];
const SIZES: [(f64, &str); 5] = [
    (1.0, "B"),
    (1024.0, "KiB"),
    (1_048_576.0, "MiB"),
    (1_073_741_824.0, "GiB"),
    (1_099_511_627_776.0, "TiB"),
];

/// Least number in a unit; smaller ones begin with zeros that say nothing.
const LEAST: f64 = 0.1;
/// Numbers in a unit are below this; larger ones are not taken in at a glance.
const MOST: f64 = 1e5;

/// The unit for numbers that are read beside each other, as its size and its name: the unit of the middle one, or a smaller one if the
/// least number would lose its digits to zeros (`90.2 | 677 | 1350 ms`, not `0.0902 | 0.677 | 1.35 s`), unless the greatest would get too
/// long.
pub(crate) fn shared_unit(unit: Unit, values: impl Iterator<Item = f64>) -> (f64, &'static str) {
    let units: &[(f64, &'static str)] = match unit {
        Unit::Seconds => &TIMES,
        Unit::Bytes => &SIZES,
        Unit::Share => return (0.01, "%"),
        Unit::PerSecond | Unit::Count => return (1.0, ""),
    };
    let mut sizes: Vec<f64> = values
        .map(f64::abs)
        .filter(|v| v.is_finite() && *v > 0.0)
        .collect();
    sizes.sort_by(f64::total_cmp);
    let [least, most] = match sizes.as_slice() {
        [] => {
            // All values are zero, or none is known.
            return match unit {
                Unit::Bytes => SIZES[2],
                _ => TIMES[3],
            };
        }
        [only] => [*only, *only],
        all => [all[0], all[all.len() - 1]],
    };
    let middle = sizes[sizes.len() / 2];
    // Processes are told apart in MiB, however small one of them is.
    let floor = if unit == Unit::Bytes { 2 } else { 0 };
    let mut at = units.iter().rposition(|(size, _)| middle >= *size);
    at = at.map(|i| i.max(floor)).or(Some(floor));
    let mut at = at.unwrap_or(0);
    while at > floor && least / units[at].0 < LEAST && most / units[at - 1].0 < MOST {
        at -= 1;
    }
    units[at]
}

/// Whether a quantity is one of the times that share a unit: latencies, and of a batch the makespan, which is the latency of its last task.
pub(crate) fn in_family(steady: bool, q: Quantity) -> bool {
    matches!(q, Quantity::P50 | Quantity::P95 | Quantity::P99)
        || (q == Quantity::Makespan && !steady)
}

/// Whether a metric is one of the times that share a unit; some percentiles and means have no column of their own.
pub(crate) fn metric_in_family(steady: bool, m: Metric) -> bool {
    m.is_latency() || m.quantity().is_some_and(|q| in_family(steady, q))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(values: &[f64]) -> &'static str {
        shared_unit(Unit::Seconds, values.iter().copied()).1
    }

    #[test]
    fn the_least_keeps_its_digits() {
        assert_eq!(time(&[0.0902, 0.677, 1.35]), "ms");
        assert_eq!(time(&[0.0902, 1.2, 1.35]), "ms");
        assert_eq!(time(&[0.9, 5.0, 33.0]), "s");
        assert_eq!(time(&[0.154, 0.3, 0.6]), "ms");
        assert_eq!(time(&[2.0, 3.0]), "s");
        assert_eq!(time(&[5e-9, 2e-3, 3e-3]), "us");
    }

    #[test]
    fn the_greatest_does_not_get_too_long() {
        assert_eq!(time(&[5e-6, 20.0, 30.0]), "ms");
        assert_eq!(time(&[0.05, 200.0, 300.0]), "s");
    }

    #[test]
    fn nothing_is_too_strange() {
        assert_eq!(time(&[]), "s");
        assert_eq!(time(&[0.0, f64::NAN, f64::INFINITY]), "s");
        assert_eq!(time(&[1e-12]), "ns");
        let memory = |v: &[f64]| shared_unit(Unit::Bytes, v.iter().copied()).1;
        assert_eq!(memory(&[]), "MiB");
        assert_eq!(memory(&[1e3, 2e3]), "MiB");
        assert_eq!(memory(&[2e7, 3e9, 4e9]), "MiB");
        assert_eq!(memory(&[2e9, 3e9, 4e9]), "GiB");
        assert_eq!(shared_unit(Unit::Share, [0.5].into_iter()).1, "%");
    }
}
