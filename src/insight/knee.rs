//! Finds where a curve bends: Kneedle (Satopaa, Albrecht, Irwin and Raghavan, *Finding a "Kneedle" in a Haystack*, ICDCS 2011), on all
//! points at once, with sensitivity 1.

/// Least distance of a knee from the straight line between the ends of its curve, as a share of the curve's height.
pub(crate) const LEAST_BEND: f64 = 0.3;

/// How a curve with a knee runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bend {
    /// Rises fast, then slowly (throughput over workers).
    LevelsOff,
    /// Rises slowly, then fast (latency over load).
    TakesOff,
    /// Falls fast, then slowly.
    BottomsOut,
    /// Stays, then falls.
    DropsOff,
}

/// The index of the knee, and how the curve runs; `None` for straight lines, constant curves, fewer than five points, and curves that go up
/// and down. `x` must rise.
pub(crate) fn knee(x: &[f64], y: &[f64]) -> Option<(usize, Bend)> {
    let n = x.len().min(y.len());
    if n < 5 {
        return None;
    }
    let (first, last) = (y[0], y[n - 1]);
    let height = (last - first).abs();
    let travelled: f64 = y[..n].windows(2).map(|w| (w[1] - w[0]).abs()).sum();
    // The ends of a curve that goes up and down say nothing. (This also rejects values that are not numbers.)
    if !(height > 0.0 && travelled <= 1.25 * height && x[n - 1] > x[0]) {
        return None;
    }
    let across = |i: usize| (x[i] - x[0]) / (x[n - 1] - x[0]);
    let up = |i: usize| (y[i] - first) / (last - first);
    // Height of the curve, scaled to rise from (0, 0) to (1, 1), above the diagonal. The knee of a curve below the diagonal is that of the
    // reversed curve.
    let above: Vec<f64> = (0..n).map(|i| up(i) - across(i)).collect();
    let mean: f64 = above.iter().sum();
    let sign = if mean < 0.0 { -1.0 } else { 1.0 };
    let at = (1..n - 1).max_by(|&a, &b| {
        let order = (sign * above[a]).total_cmp(&(sign * above[b]));
        // Of equal bends, the first.
        order.then(b.cmp(&a))
    })?;
    let bend = sign * above[at];
    // Kneedle declares a knee where the distance falls below its maximum by the mean step; at the ends it is zero.
    let step = 1.0 / (n - 1) as f64;
    if bend < LEAST_BEND || bend <= step {
        return None;
    }
    let shape = match (last > first, sign > 0.0) {
        (true, true) => Bend::LevelsOff,
        (true, false) => Bend::TakesOff,
        (false, true) => Bend::BottomsOut,
        (false, false) => Bend::DropsOff,
    };
    Some((at, shape))
}

/// Whether values grow in proportion rather than by steps: at least three, positive, each at least 1.4 times the one before, and the last
/// at least eight times the first.
pub(crate) fn doubles(values: &[f64]) -> bool {
    let far = values
        .first()
        .zip(values.last())
        .is_some_and(|(a, b)| *a > 0.0 && *b >= 8.0 * a);
    values.len() >= 3 && far && values.windows(2).all(|w| w[1] >= 1.4 * w[0])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(n: u32) -> Vec<f64> {
        (1..=n).map(f64::from).collect()
    }

    #[test]
    fn throughput_that_levels_off_at_eight() {
        let x = numbers(16);
        let y: Vec<f64> = x.iter().map(|&x| x.min(8.0)).collect();
        assert_eq!(knee(&x, &y), Some((7, Bend::LevelsOff)));
        // With values that double, too.
        let x: Vec<f64> = (0..7).map(|i| libm::exp2(f64::from(i))).collect();
        let y: Vec<f64> = x.iter().map(|&x| x.min(8.0)).collect();
        assert_eq!(knee(&x, &y), Some((3, Bend::LevelsOff)));
    }

    #[test]
    fn latency_of_a_queue_takes_off() {
        let x: Vec<f64> = (1..20).map(|i| f64::from(i) * 0.05).collect();
        let y: Vec<f64> = x.iter().map(|load| 1.0 / (1.0 - load)).collect();
        let (at, bend) = knee(&x, &y).unwrap();
        assert_eq!(bend, Bend::TakesOff);
        // Where the slope of 1 / (1 - load) is that of the chord: at 1 - sqrt((1 - 0.05) (1 - 0.95)).
        assert!((x[at] - 0.78).abs() < 0.05, "{}", x[at]);
    }

    #[test]
    fn times_that_bottom_out_and_rates_that_drop_off() {
        let x = numbers(9);
        let falling: Vec<f64> = x.iter().map(|&x| 1.0 / x.min(4.0)).collect();
        assert_eq!(knee(&x, &falling).unwrap().1, Bend::BottomsOut);
        let holding: Vec<f64> = x.iter().map(|&x| 10.0 - (x - 6.0).max(0.0)).collect();
        assert_eq!(knee(&x, &holding), Some((5, Bend::DropsOff)));
    }

    #[test]
    fn what_goes_up_and_down_has_none() {
        let x = numbers(9);
        let y: Vec<f64> = x.iter().map(|&x| (x - 5.0) * (x - 5.0) + x).collect();
        assert_eq!(knee(&x, &y), None);
        assert_eq!(knee(&x, &[f64::NAN; 9]), None);
        assert_eq!(knee(&[], &[]), None);
    }

    proptest! {
        #[test]
        fn constant_curves_have_none(n in 0u32..40, y in -1e9f64..1e9) {
            prop_assert_eq!(knee(&numbers(n), &vec![y; n as usize]), None);
        }

        #[test]
        fn straight_lines_have_none(n in 0u32..40, a in -1e6f64..1e6, b in -1e3f64..1e3) {
            let y: Vec<f64> = numbers(n).iter().map(|x| a + b * x).collect();
            prop_assert_eq!(knee(&numbers(n), &y), None);
        }
    }
}
